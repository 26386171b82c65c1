//! `privileged_principals.csv`: who is an administrator, or can become one.

use std::collections::BTreeMap;

use super::sheet::{Column, Making, Sheet, fact, flag, listed, used};
use super::users::{has_password, last_used};
use crate::audit::AuditedAccount;
use crate::checks::{Administrator, ROOT_USER};
use crate::finding::{Finding, Status};
use crate::model::{Account, Fact, Gap, Role, User};
use crate::report::Error;
use crate::report::table::{SEPARATOR, not_known};

/// The check that finds the ways to administration.
const ESCALATION: &str = "iam-privilege-escalation";

/// The table.
pub(super) struct Privileged;

/// A principal.
pub(super) struct Row<'a> {
    account: &'a Account,
    who: Who<'a>,
    administrator: Option<&'a Administrator>,
    escalation: Option<&'a Finding>,
}

/// What it is.
enum Who<'a> {
    Root,
    User(&'a User),
    Role(&'a Role),
}

impl Sheet for Privileged {
    type Row<'a> = Row<'a>;
    const NAME: &'static str = "privileged_principals.csv";
    const CONTENT: &'static str = "Every root user, and every user and role that is an administrator, can become one by its permissions, or of \
        which either cannot be excluded.";
    const COLUMNS: &'static [Column<Self>] = &[
        ("principal_arn", "ARN of the user, role or root user", |it| it.arn()),
        ("principal_type", "root, user or role", |it| {
            match it.who {
                Who::Root => "root",
                Who::User(_) => "user",
                Who::Role(_) => "role",
            }
            .to_owned()
        }),
        ("principal_id", "AWS's unique id; empty for the root user", |it| match it.who {
            Who::Root => String::new(),
            Who::User(user) => user.id.clone(),
            Who::Role(role) => role.id.clone(),
        }),
        (
            "administrator",
            "yes: one policy allows it every action on every resource, and no permissions boundary limits that, as in \
             iam-administrator-access; possibly: AWS leaves it open; no",
            |it| it.is_administrator(),
        ),
        ("administrator_by", "The policies that do, its own and those of its groups, by name", |it| {
            match &it.administrator {
                Some(it) => it.policies.as_ref().map(|names| names.join(SEPARATOR)).unwrap_or_default(),
                None => String::new(),
            }
        }),
        (
            "escalation",
            "yes: iam-privilege-escalation finds a way to administration; possibly: it cannot conclude; no; or that it does not arise",
            |it| it.escalates(),
        ),
        ("escalation_by", "What that check says", |it| {
            let found = it.escalation.filter(|it| !matches!(it.status, Status::Pass | Status::Error));
            found.map(|it| it.reason.to_string()).unwrap_or_default()
        }),
        ("mfa", "MFA devices of a user; of a root user yes or no; empty for a role", |it| match it.who {
            Who::Root => it.summary("AccountMFAEnabled", |number| if number > 0 { "yes" } else { "no" }.to_owned()),
            Who::User(user) => listed(&user.mfa_devices, |device| device.serial_number.clone()),
            Who::Role(_) => String::new(),
        }),
        ("password", "yes or no: whether it can sign in with one; empty for a role", |it| match it.who {
            Who::Root => {
                it.summary("AccountPasswordPresent", |number| if number > 0 { "yes" } else { "no" }.to_owned())
            }
            Who::User(user) => flag(&has_password(&user.name, &it.account.iam)),
            Who::Role(_) => String::new(),
        }),
        ("active_access_keys", "Number of its active access keys; of a root user, of all; empty for a role", |it| {
            match it.who {
                Who::Root => it.summary("AccountAccessKeysPresent", |number| number.to_string()),
                Who::User(user) => {
                    let active = user.access_keys.known().iter().filter(|key| key.status == "Active").count();
                    super::at_least(active, user.access_keys.gap())
                }
                Who::Role(_) => String::new(),
            }
        }),
        (
            "last_used",
            "When it was last used, as in users.csv and roles.csv; never where AWS has no record of a use",
            |it| {
                used(&match it.who {
                    Who::Root => last_used(&it.account.iam, ROOT_USER),
                    Who::User(user) => last_used(&it.account.iam, &user.name),
                    Who::Role(role) => role.last_used.clone(),
                })
            },
        ),
        ("fingerprint", "The finding of iam-privilege-escalation on it, in findings.csv", |it| {
            it.escalation.map(|it| it.fingerprint.clone()).unwrap_or_default()
        }),
    ];
}

impl Row<'_> {
    fn arn(&self) -> String {
        match self.who {
            Who::Root => self.account.root_arn(),
            Who::User(user) => user.arn.clone(),
            Who::Role(role) => role.arn.clone(),
        }
    }

    fn is_administrator(&self) -> String {
        match (&self.who, &self.administrator) {
            (Who::Root, _) => "yes".to_owned(),
            (_, None) => "no".to_owned(),
            (_, Some(it)) => fact(&it.policies, |_| if it.certain { "yes" } else { "possibly" }.to_owned()),
        }
    }

    fn escalates(&self) -> String {
        let Some(finding) = self.escalation else {
            return match self.who {
                Who::Root => "does not arise".to_owned(),
                _ => format!("not known: {ESCALATION} was not asked of it in this run"),
            };
        };
        match finding.status {
            Status::Fail | Status::Waived => "yes".to_owned(),
            Status::Undecided | Status::Manual => "possibly".to_owned(),
            Status::Pass => "no".to_owned(),
            Status::NotApplicable => "does not arise".to_owned(),
            Status::Error => format!("not known: {}", finding.reason),
        }
    }

    /// A number of `GetAccountSummary`.
    fn summary(&self, name: &str, words: impl FnOnce(i64) -> String) -> String {
        let absent = || Gap::malformed("iam:GetAccountSummary", &[], format!("the answer has no {name}"));
        let summary = self.account.iam.summary.as_ref().map_err(Clone::clone);
        let number: Fact<i64> = summary.and_then(|summary| summary.map.get(name).copied().ok_or_else(absent));
        fact(&number, |number| words(*number))
    }

    /// Whether it stands in the table.
    fn is_privileged(&self) -> bool {
        let passes = |finding: &Finding| matches!(finding.status, Status::Pass | Status::NotApplicable);
        self.administrator.is_some() || self.escalation.is_some_and(|finding| !passes(finding))
    }
}

/// Writes the privileged principals of an account.
pub(super) fn write(making: &mut Making<Privileged>, audited: &AuditedAccount) -> Result<(), Error> {
    let account = &audited.facts;
    let found = audited.findings.iter().filter(|finding| finding.check_id == ESCALATION);
    let escalations: BTreeMap<&str, &Finding> = found.map(|finding| (finding.resource_arn.as_ref(), finding)).collect();
    let administrators: BTreeMap<&str, &Administrator> =
        audited.administrators.iter().map(|it| (it.arn.as_str(), it)).collect();
    making.row(account, &Row { account, who: Who::Root, administrator: None, escalation: None })?;
    let (users, roles) = (&account.iam.users, &account.iam.roles);
    let of_users = users.known().iter().map(|user| (Who::User(user), user.arn.as_str()));
    let of_roles = roles.known().iter().map(|role| (Who::Role(role), role.arn.as_str()));
    let (mut all, mut asked) = (0, 0);
    for (who, arn) in of_users.chain(of_roles) {
        let (administrator, escalation) = (administrators.get(arn).copied(), escalations.get(arn).copied());
        let row = Row { account, who, administrator, escalation };
        all += 1;
        asked += usize::from(row.escalation.is_some());
        if row.is_privileged() {
            making.row(account, &row)?;
        }
    }
    if asked < all {
        making.unknown(
            account,
            &[],
            &format!("not known: {ESCALATION} was asked of {asked} of {all} users and roles in this run"),
        )?;
    }
    users.gap().or(roles.gap()).map_or(Ok(()), |gap| making.unknown(account, &[], &not_known(gap)))
}
