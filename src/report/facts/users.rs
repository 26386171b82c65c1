//! `users.csv`: the IAM users.

use jiff::Timestamp;

use super::sheet::{Column, Sheet, dated, evidence, fact, flag, listed, tags, used};
use crate::checks::credential_row;
use crate::model::{Account, Fact, Gap, Iam, User};
use crate::report::table::{SEPARATOR, not_known};

/// The table.
pub(super) struct Users;

/// A user.
pub(super) struct Row<'a> {
    pub(super) account: &'a Account,
    pub(super) user: &'a User,
}

impl Sheet for Users {
    type Row<'a> = Row<'a>;
    const NAME: &'static str = "users.csv";
    const CONTENT: &'static str = "Every IAM user of the accounts that were read.";
    const COLUMNS: &'static [Column<Self>] = &[
        ("user_arn", "ARN of the user", |it| it.user.arn.clone()),
        ("user_name", "Its name", |it| it.user.name.clone()),
        ("user_id", "AWS's unique id: another one under the same ARN is another user", |it| it.user.id.clone()),
        ("created_at", "When it was created", |it| dated(it.user.create_date, &it.user.source, "CreateDate")),
        ("password", "yes or no: whether it can sign in to the console with one (credential report)", |it| {
            flag(&has_password(&it.user.name, &it.account.iam))
        }),
        ("password_last_used", "When; never where AWS has no record of a use; empty without a password", |it| {
            of_password(it, "password_last_used")
        }),
        ("password_last_changed", "When; empty without a password", |it| of_password(it, "password_last_changed")),
        ("mfa_devices", "Serial numbers, or ARNs of virtual devices", |it| {
            listed(&it.user.mfa_devices, |device| device.serial_number.clone())
        }),
        ("access_keys", "Ids, each with its status; access_keys.csv tells more", |it| {
            listed(&it.user.access_keys, |key| format!("{} {}", key.id, key.status))
        }),
        ("service_specific_credentials", "Ids, each with service and status", |it| {
            listed(&it.user.service_specific_credentials, |it| format!("{} {} {}", it.id, it.service, it.status))
        }),
        (
            "last_used",
            "When its password or one of its access keys was last used (credential report); or never",
            |it| used(&last_used(&it.account.iam, &it.user.name)),
        ),
        ("groups", "Names of its groups", |it| it.user.groups.join(SEPARATOR)),
        ("managed_policies", "ARNs of the managed policies attached to it", |it| {
            it.user.attached_policies.iter().map(|it| it.arn.as_str()).collect::<Vec<_>>().join(SEPARATOR)
        }),
        ("inline_policies", "Names of the policies inside it", |it| {
            it.user.inline_policies.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(SEPARATOR)
        }),
        ("group_policies", "What it has through its groups: ARN or name of the policy, and the group", |it| {
            of_groups(it).join(SEPARATOR)
        }),
        ("permissions_boundary", "ARN of its permissions boundary", |it| {
            it.user.permissions_boundary.clone().unwrap_or_default()
        }),
        ("tags", "Its tags as key=value", |it| tags(&it.user.tags)),
        ("evidence_file", "File inside the snapshot where it was read", |it| {
            evidence(it.account, &it.user.source).file.to_string()
        }),
        ("evidence_pointer", "JSON pointer (RFC 6901) into the decompressed file", |it| {
            it.user.source.pointer.to_string()
        }),
        ("request_id", "AWS's request id of the answer", |it| {
            evidence(it.account, &it.user.source).request_id.unwrap_or_default()
        }),
    ];
}

/// Whether a user of the credential report has a password.
pub(super) fn has_password(user: &str, iam: &Iam) -> Fact<bool> {
    credential_row(user, iam)?.flag("password_enabled")
}

/// When a user of the credential report last used its password or an access key, if AWS has a record of it.
pub(in crate::report) fn last_used(iam: &Iam, user: &str) -> Fact<Option<Timestamp>> {
    const COLUMNS: [&str; 3] = ["password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date"];
    let row = credential_row(user, iam)?;
    let times: Result<Vec<Option<Timestamp>>, Gap> = COLUMNS.into_iter().map(|column| row.time(column)).collect();
    Ok(times?.into_iter().max().flatten())
}

/// A time of the password of a user; empty where there is no password.
fn of_password(it: &Row<'_>, column: &str) -> String {
    let row = credential_row(&it.user.name, &it.account.iam);
    let told = row.and_then(|row| Ok((row.flag("password_enabled")?, row.time(column)?)));
    fact(&told, |(enabled, time)| match time {
        _ if !enabled => String::new(),
        Some(time) => time.to_string(),
        None => "never".to_owned(),
    })
}

/// The policies that a user has through its groups.
fn of_groups(it: &Row<'_>) -> Vec<String> {
    let groups = &it.account.iam.groups;
    let of_group = |name: &String| match groups.known().iter().find(|group| group.name == *name) {
        Some(group) => {
            let managed = group.attached_policies.iter().map(|policy| policy.arn.as_str());
            let inline = group.inline_policies.iter().map(|policy| policy.name.as_str());
            managed.chain(inline).map(|policy| format!("{policy} (group {name})")).collect()
        }
        None => {
            let unlisted = || Gap::not_collected(it.user.source.api, &[name]);
            vec![not_known(&groups.gap().cloned().unwrap_or_else(unlisted))]
        }
    };
    it.user.groups.iter().flat_map(of_group).collect()
}
