//! `roles.csv`: the IAM roles.

use std::collections::BTreeSet;

use super::sheet::{Column, Sheet, dated, evidence, fact, tags, used};
use crate::model::{Account, Role};
use crate::policy::{Document, Effect, Principal};
use crate::report::table::SEPARATOR;

/// The table.
pub(super) struct Roles;

/// A role.
pub(super) struct Row<'a> {
    pub(super) account: &'a Account,
    pub(super) role: &'a Role,
}

impl Sheet for Roles {
    type Row<'a> = Row<'a>;
    const NAME: &'static str = "roles.csv";
    const CONTENT: &'static str = "Every IAM role of the accounts that were read.";
    const COLUMNS: &'static [Column<Self>] = &[
        ("role_arn", "ARN of the role", |it| it.role.arn.clone()),
        ("role_name", "Its name", |it| it.role.name.clone()),
        ("role_id", "AWS's unique id: another one under the same ARN is another role", |it| it.role.id.clone()),
        ("path", "Its path", |it| it.role.path.clone()),
        ("created_at", "When it was created", |it| dated(it.role.create_date, &it.role.source, "CreateDate")),
        (
            "last_used",
            "When, within the 400 days that IAM keeps, to the day; never where AWS has no record of a use",
            |it| used(&it.role.last_used),
        ),
        (
            "service_linked",
            "yes or no: whether it belongs to an AWS service, and the customer cannot change it",
            |it| if it.role.is_service_linked() { "yes" } else { "no" }.to_owned(),
        ),
        (
            "trusted",
            "Whom Allow statements of its trust policy name: ARNs, services, identity providers, * for everyone",
            |it| fact(&it.role.trust_policy, |trust| trusted(trust).into_iter().collect::<Vec<_>>().join(SEPARATOR)),
        ),
        ("managed_policies", "ARNs of the managed policies attached to it", |it| {
            it.role.attached_policies.iter().map(|it| it.arn.as_str()).collect::<Vec<_>>().join(SEPARATOR)
        }),
        ("inline_policies", "Names of the policies inside it", |it| {
            it.role.inline_policies.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(SEPARATOR)
        }),
        ("permissions_boundary", "ARN of its permissions boundary", |it| {
            it.role.permissions_boundary.clone().unwrap_or_default()
        }),
        ("tags", "Its tags as key=value", |it| tags(&it.role.tags)),
        ("evidence_file", "File inside the snapshot where it was read", |it| {
            evidence(it.account, &it.role.source).file.to_string()
        }),
        ("evidence_pointer", "JSON pointer (RFC 6901) into the decompressed file", |it| {
            it.role.source.pointer.to_string()
        }),
        ("request_id", "AWS's request id of the answer", |it| {
            evidence(it.account, &it.role.source).request_id.unwrap_or_default()
        }),
    ];
}

/// Whom the Allow statements of a trust policy name.
fn trusted(trust: &Document) -> BTreeSet<String> {
    let elements = trust.statements_of(Effect::Allow).filter_map(|statement| statement.principal.as_ref());
    let words = |element: &crate::policy::PrincipalElement| {
        let not = if element.negated { "all but " } else { "" };
        element.entries.iter().map(|entry| format!("{not}{}", name(entry))).collect::<Vec<_>>()
    };
    elements.flat_map(words).collect()
}

/// A principal as a policy names it.
fn name(principal: &Principal) -> &str {
    match principal {
        Principal::Everyone => "*",
        Principal::Account { account, .. } => account,
        Principal::User(it) | Principal::Role(it) | Principal::Session(it) | Principal::FederatedUser(it) => &it.arn,
        Principal::UniqueId(text)
        | Principal::Service(text)
        | Principal::Federated(text)
        | Principal::CanonicalUser(text)
        | Principal::Nobody(text) => text,
    }
}
