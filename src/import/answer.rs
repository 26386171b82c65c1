//! One file that the AWS CLI printed: what it answers, what that is about, and where it belongs.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use super::operations::{OPERATIONS, Operation, Room, Subject, recognise};
use super::{Error, Hints};
use crate::model::Arn;
use crate::snapshot::{Call, ORGANIZATION, Outcome, SnapshotFile, iam_path, kms_path};

/// One file of the AWS CLI, understood.
pub(super) struct Answer {
    operation: &'static Operation,
    resource: Vec<String>,
    pub(super) region: Option<String>,
    raw: Box<RawValue>,
    lengths: BTreeMap<String, (usize, usize)>,
    truncated: bool,
    file_name: String,
    digest: String,
}

impl Answer {
    pub(super) fn read(path: &Path, hints: &Hints) -> Result<Self, Error> {
        let bytes = crate::files::read(path)?;
        let not_json = |reason: String| Error::NotJson { path: path.to_path_buf(), reason };
        let raw: Box<RawValue> = serde_json::from_slice(&bytes).map_err(|failed| not_json(failed.to_string()))?;
        let value: Value = serde_json::from_str(raw.get()).map_err(|failed| not_json(failed.to_string()))?;
        let operation = recognise(&value).ok_or_else(|| unknown(path, &value))?;
        check_account(path, &value, &hints.account_id)?;
        let unnamed = |what, flag| Error::Unnamed { path: path.to_path_buf(), operation: operation.name, what, flag };
        let region = match operation.room {
            Room::Kms => {
                let named = first_arn(&value).and_then(|arn| Arn::parse(&arn).map(|arn| arn.region.to_owned()));
                Some(named.or_else(|| hints.region.clone()).ok_or_else(|| unnamed("Region", "--region REGION"))?)
            }
            Room::Iam | Room::Organization => None,
        };
        let key = |members: &[&str]| {
            let named = member(&value, members).map(key_id);
            named.or_else(|| hints.key_id.clone()).ok_or_else(|| unnamed("key", "--key KEY_ID"))
        };
        let resource = match operation.subject {
            Subject::Whole => Vec::new(),
            Subject::Key(members) => vec![key(members)?],
            Subject::KeyPolicy => {
                let name = value.get("PolicyName").and_then(Value::as_str).unwrap_or(&hints.policy_name);
                vec![key(&[])?, name.to_owned()]
            }
            Subject::User(members) => {
                let named = member(&value, members).or_else(|| hints.user_name.clone());
                vec![named.ok_or_else(|| unnamed("user", "--user NAME"))?]
            }
        };
        let length = |list: &&str| Some(((*list).to_owned(), (0, value.get(*list)?.as_array()?.len())));
        let is_true = |name: &str| value.get(name).and_then(Value::as_bool) == Some(true);
        let truncated =
            is_true("IsTruncated") || is_true("Truncated") || value.get("NextToken").is_some_and(Value::is_string);
        Ok(Self {
            operation,
            resource,
            region,
            lengths: operation.lists.iter().filter_map(length).collect(),
            truncated,
            file_name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            digest: crate::digest::sha256(&bytes),
            raw,
        })
    }

    /// Where a collection would have put it.
    pub(super) fn path(&self, account_id: &str) -> String {
        match (self.operation.room, &self.region) {
            (Room::Organization, _) => ORGANIZATION.to_owned(),
            (Room::Kms, Some(region)) => kms_path(account_id, region),
            (Room::Kms | Room::Iam, _) => iam_path(account_id),
        }
    }

    pub(super) fn put(&self, file: &mut SnapshotFile, now: Timestamp) -> Result<(), Error> {
        let resource: Vec<&str> = self.resource.iter().map(String::as_str).collect();
        file.put(self.operation.name, &resource, &self.raw)?;
        let api = format!("{}:{}", self.operation.service, self.operation.name);
        file.forget(&api, &self.resource);
        let nothing = !self.lengths.is_empty() && self.lengths.values().all(|(_, to)| *to == 0);
        file.record(Call {
            api,
            resource: self.resource.clone(),
            parameters: BTreeMap::from([
                ("file".to_owned(), self.file_name.clone()),
                ("sha256".to_owned(), self.digest.clone()),
            ]),
            page: 1,
            time: now,
            request_id: None,
            outcome: match (self.truncated, nothing) {
                (true, _) => Outcome::Truncated,
                (false, true) => Outcome::Empty,
                (false, false) => Outcome::Collected,
            },
            code: None,
            message: self.truncated.then(|| "the AWS CLI printed one page of several".to_owned()),
            items: self.lengths.clone(),
        });
        Ok(())
    }
}

fn unknown(path: &Path, value: &Value) -> Error {
    let members = match value {
        Value::Object(object) if object.is_empty() => "none".to_owned(),
        Value::Object(object) => {
            object.keys().take(8).map(|name| format!("`{}`", name.escape_debug())).collect::<Vec<_>>().join(", ")
        }
        _ => "not those of an object".to_owned(),
    };
    let known = OPERATIONS.iter().map(|operation| operation.name).collect::<Vec<_>>().join(", ");
    Error::Unknown { path: path.to_path_buf(), members, known }
}

/// A member of the answer, or of the first item of a list in it.
fn member(value: &Value, members: &[&str]) -> Option<String> {
    let mut place = value;
    if members.is_empty() {
        return None;
    }
    for name in members {
        place = match place {
            Value::Array(items) => items.first()?,
            other => other,
        };
        place = place.get(*name)?;
    }
    place.as_str().map(str::to_owned)
}

/// The id of a key that may be named by ARN.
fn key_id(text: String) -> String {
    match Arn::parse(&text).and_then(|arn| arn.resource.strip_prefix("key/")) {
        Some(id) => id.to_owned(),
        None => text,
    }
}

/// The first ARN of an answer that names a Region.
fn first_arn(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            Arn::parse(text).filter(|arn| arn.service == "kms" && !arn.region.is_empty()).map(|_| text.clone())
        }
        Value::Array(items) => items.iter().find_map(first_arn),
        Value::Object(object) => ["Arn", "KeyArn", "AliasArn", "KeyId"]
            .iter()
            .filter_map(|name| object.get(*name))
            .chain(object.values().filter(|value| !value.is_string()))
            .find_map(first_arn),
        _ => None,
    }
}

/// Refuses an answer whose own ARNs name another account.
fn check_account(path: &Path, value: &Value, expected: &str) -> Result<(), Error> {
    let owners = [
        "/UserDetailList/0/Arn",
        "/RoleDetailList/0/Arn",
        "/GroupDetailList/0/Arn",
        "/KeyMetadata/Arn",
        "/Keys/0/KeyArn",
    ];
    for owner in owners {
        if let Some(arn) = value.pointer(owner).and_then(Value::as_str).and_then(Arn::parse)
            && arn.account_id != expected
        {
            return Err(Error::OtherAccount {
                path: path.to_path_buf(),
                found: arn.account_id.escape_debug().to_string(),
                expected: expected.to_owned(),
            });
        }
    }
    Ok(())
}
