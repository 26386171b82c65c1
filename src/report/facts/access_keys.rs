//! `access_keys.csv`: the access keys of users, and those of root users as far as AWS tells of them.

use jiff::Timestamp;

use super::sheet::{Column, Making, Sheet, evidence, fact, used};
use crate::checks::{CredentialRow, ROOT_USER, credential_row};
use crate::model::{AccessKey, AccessKeyLastUsed, Account, Fact, Gap};
use crate::report::Error;
use crate::report::table::not_known;

/// The table.
pub(super) struct AccessKeys;

/// An access key.
pub(super) struct Row<'a> {
    account: &'a Account,
    as_of: Timestamp,
    user_arn: &'a str,
    user_name: &'a str,
    key: Key<'a>,
}

/// An access key of a user, or one of the two that a root user may have.
enum Key<'a> {
    OfUser(&'a AccessKey),
    OfRoot(&'a CredentialRow<'a>, [&'static str; 4]),
}

/// What the credential report says of the two keys of a user: when made, when used, for which service, in which Region.
const OF_ROOT: [(&str, [&str; 4]); 2] = [
    (
        "access_key_1_active",
        [
            "access_key_1_last_rotated",
            "access_key_1_last_used_date",
            "access_key_1_last_used_service",
            "access_key_1_last_used_region",
        ],
    ),
    (
        "access_key_2_active",
        [
            "access_key_2_last_rotated",
            "access_key_2_last_used_date",
            "access_key_2_last_used_service",
            "access_key_2_last_used_region",
        ],
    ),
];

impl Sheet for AccessKeys {
    type Row<'a> = Row<'a>;
    const NAME: &'static str = "access_keys.csv";
    const CONTENT: &'static str =
        "Every access key of the IAM users, and every active one of root users, of the accounts that were read.";
    const COLUMNS: &'static [Column<Self>] = &[
        ("user_arn", "ARN of the user, or of the root user", |it| it.user_arn.to_owned()),
        ("user_name", "Its name; <root_account> for the root user", |it| it.user_name.to_owned()),
        ("access_key_id", "Id of the key; AWS does not tell that of a key of a root user", |it| match it.key {
            Key::OfUser(key) => key.id.clone(),
            Key::OfRoot(..) => "not known: the credential report does not name keys".to_owned(),
        }),
        ("key_status", "Active, Inactive or Expired", |it| match it.key {
            Key::OfUser(key) => key.status.clone(),
            Key::OfRoot(..) => "Active".to_owned(),
        }),
        ("created_at", "When it was created", |it| fact(&it.created(), ToString::to_string)),
        ("age_days", "Whole days from then to the time at which ages are counted", |it| {
            fact(&it.created(), |time| (it.as_of.duration_since(*time).as_hours() / 24).to_string())
        }),
        ("last_used", "When it last signed a request; never where AWS has no record of a use", |it| {
            used(&it.last_used())
        }),
        ("last_used_service", "The service that was called; N/A where there is no record", |it| {
            it.used_where(|used| &used.service, 2)
        }),
        ("last_used_region", "The Region in which it was called; N/A where there is no record", |it| {
            it.used_where(|used| &used.region, 3)
        }),
        ("evidence_file", "File inside the snapshot where it was read", |it| it.evidence().file.to_string()),
        ("evidence_pointer", "JSON pointer (RFC 6901) into the decompressed file", |it| {
            it.evidence().pointer.to_string()
        }),
        ("request_id", "AWS's request id of the answer", |it| it.evidence().request_id.unwrap_or_default()),
    ];
}

impl Row<'_> {
    fn created(&self) -> Fact<Timestamp> {
        match &self.key {
            Key::OfUser(key) => key.create_date.clone(),
            Key::OfRoot(row, [created, ..]) => row.required_time(created),
        }
    }

    fn last_used(&self) -> Fact<Option<Timestamp>> {
        match &self.key {
            Key::OfUser(key) => key.last_used.as_ref().map(|used| used.date).map_err(Clone::clone),
            Key::OfRoot(row, [_, used, ..]) => row.time(used),
        }
    }

    fn used_where(&self, of_user: fn(&AccessKeyLastUsed) -> &String, of_root: usize) -> String {
        match &self.key {
            Key::OfUser(key) => fact(&key.last_used, |used| of_user(used).clone()),
            Key::OfRoot(row, columns) => {
                let column = columns.get(of_root).copied().unwrap_or_default();
                fact(&row.text(column), |text| (*text).to_owned())
            }
        }
    }

    fn evidence(&self) -> crate::model::Evidence {
        match &self.key {
            Key::OfUser(key) => evidence(self.account, &key.source),
            Key::OfRoot(row, _) => evidence(self.account, row.source),
        }
    }
}

/// Writes the keys of an account.
pub(super) fn write(making: &mut Making<AccessKeys>, account: &Account, as_of: Timestamp) -> Result<(), Error> {
    for user in account.iam.users.known() {
        for key in user.access_keys.known() {
            let key = Key::OfUser(key);
            making.row(account, &Row { account, as_of, user_arn: &user.arn, user_name: &user.name, key })?;
        }
        if let Some(gap) = user.access_keys.gap() {
            making.unknown(account, &[("user_arn", &user.arn), ("user_name", &user.name)], &not_known(gap))?;
        }
    }
    making.rest(account, "", &account.iam.users)?;
    let root_arn = account.root_arn();
    match credential_row(ROOT_USER, &account.iam) {
        Ok(row) => {
            for (active, columns) in OF_ROOT {
                match row.flag(active) {
                    Ok(false) => {}
                    Ok(true) => {
                        let key = Key::OfRoot(&row, columns);
                        making.row(account, &Row { account, as_of, user_arn: &root_arn, user_name: ROOT_USER, key })?;
                    }
                    Err(gap) => of_root_unknown(making, account, &gap)?,
                }
            }
            Ok(())
        }
        Err(gap) => of_root_unknown(making, account, &gap),
    }
}

fn of_root_unknown(making: &mut Making<AccessKeys>, account: &Account, gap: &Gap) -> Result<(), Error> {
    making.unknown(account, &[("user_arn", &account.root_arn()), ("user_name", ROOT_USER)], &not_known(gap))
}
