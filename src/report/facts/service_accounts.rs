//! `service_accounts.csv`: users and roles that, by what they have and whom they trust, serve machines.

use super::sheet::{Column, Making, Sheet, dated, evidence, listed, used};
use super::users::{has_password, last_used};
use crate::model::{Account, Role, Source, User};
use crate::policy::{Document, Effect, Principal};
use crate::report::Error;
use crate::report::table::{SEPARATOR, not_known};

/// The table.
pub(super) struct ServiceAccounts;

/// A principal.
pub(super) struct Row<'a> {
    account: &'a Account,
    who: Who<'a>,
    kinds: Vec<String>,
}

/// What it is.
#[derive(Clone, Copy)]
enum Who<'a> {
    User(&'a User),
    Role(&'a Role),
}

impl Sheet for ServiceAccounts {
    type Row<'a> = Row<'a>;
    const NAME: &'static str = "service_accounts.csv";
    const CONTENT: &'static str = "Every user with an access key and no password, and every role that belongs to an AWS service or whose trust \
        policy names a service or an identity provider in an Allow statement. What serves a machine in another way, such as a role that \
        another account assumes, is not told from what serves people.";
    const COLUMNS: &'static [Column<Self>] = &[
        ("principal_arn", "ARN of the user or role", |it| match it.who {
            Who::User(user) => user.arn.clone(),
            Who::Role(role) => role.arn.clone(),
        }),
        ("principal_type", "user or role", |it| {
            match it.who {
                Who::User(_) => "user",
                Who::Role(_) => "role",
            }
            .to_owned()
        }),
        (
            "kind",
            "By which rule it stands here: access keys and no password; service-linked role; trusts SERVICE; trusts a web identity \
             (OpenID Connect) or SAML provider, which may serve people",
            |it| it.kinds.join(SEPARATOR),
        ),
        ("created_at", "When it was created", |it| match it.who {
            Who::User(user) => dated(user.create_date, &user.source, "CreateDate"),
            Who::Role(role) => dated(role.create_date, &role.source, "CreateDate"),
        }),
        (
            "last_used",
            "When it was last used, as in users.csv and roles.csv; never where AWS has no record of a use",
            |it| {
                used(&match it.who {
                    Who::User(user) => last_used(&it.account.iam, &user.name),
                    Who::Role(role) => role.last_used.clone(),
                })
            },
        ),
        ("access_keys", "Ids of the access keys of a user, each with its status; empty for a role", |it| {
            match it.who {
                Who::User(user) => listed(&user.access_keys, |key| format!("{} {}", key.id, key.status)),
                Who::Role(_) => String::new(),
            }
        }),
        ("evidence_file", "File inside the snapshot where it was read", |it| {
            evidence(it.account, it.source()).file.to_string()
        }),
        ("evidence_pointer", "JSON pointer (RFC 6901) into the decompressed file", |it| {
            it.source().pointer.to_string()
        }),
        ("request_id", "AWS's request id of the answer", |it| {
            evidence(it.account, it.source()).request_id.unwrap_or_default()
        }),
    ];
}

impl Row<'_> {
    fn source(&self) -> &Source {
        match self.who {
            Who::User(user) => &user.source,
            Who::Role(role) => &role.source,
        }
    }
}

/// Writes those of an account.
pub(super) fn write(making: &mut Making<ServiceAccounts>, account: &Account) -> Result<(), Error> {
    let users = account.iam.users.known().iter().map(|user| (Who::User(user), of_user(account, user)));
    let roles = account.iam.roles.known().iter().map(|role| (Who::Role(role), of_role(role)));
    for (who, kinds) in users.chain(roles).filter(|(_, kinds)| !kinds.is_empty()) {
        making.row(account, &Row { account, who, kinds })?;
    }
    let gap = account.iam.users.gap().or(account.iam.roles.gap());
    gap.map_or(Ok(()), |gap| making.unknown(account, &[], &not_known(gap)))
}

/// Why a user serves a machine, or may.
fn of_user(account: &Account, user: &User) -> Vec<String> {
    let (has_key, gap) = (!user.access_keys.known().is_empty(), user.access_keys.gap());
    let password = has_password(&user.name, &account.iam);
    let words = match (has_key, gap, password) {
        (_, _, Ok(true)) | (false, None, _) => return vec![],
        (true, _, Ok(false)) => "access keys and no password".to_owned(),
        (true, _, Err(gap)) => format!("access keys; password {}", not_known(&gap)),
        (false, Some(gap), Ok(false)) => format!("no password; access keys {}", not_known(gap)),
        (false, Some(keys), Err(password)) => {
            format!("access keys {}; password {}", not_known(keys), not_known(&password))
        }
    };
    vec![words]
}

/// Why a role serves a machine, or may.
fn of_role(role: &Role) -> Vec<String> {
    if role.is_service_linked() {
        return vec!["service-linked role".to_owned()];
    }
    match &role.trust_policy {
        Ok(trust) => trusted(trust),
        Err(gap) => vec![not_known(gap)],
    }
}

/// The services and identity providers that Allow statements of a trust policy name.
fn trusted(trust: &Document) -> Vec<String> {
    let elements = trust.statements_of(Effect::Allow).filter_map(|statement| statement.principal.as_ref());
    let entries = elements.filter(|element| !element.negated).flat_map(|element| &element.entries);
    let words = |entry: &Principal| match entry {
        Principal::Service(name) => Some(format!("trusts {name}")),
        Principal::Federated(name) if name.contains(":saml-provider/") => {
            Some(format!("trusts the SAML provider {name}"))
        }
        Principal::Federated(name) => Some(format!("trusts the web identity provider {name}")),
        _ => None,
    };
    let mut kinds: Vec<String> = entries.filter_map(words).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}
