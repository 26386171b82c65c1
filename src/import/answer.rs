//! One file that the AWS CLI printed: what it answers, what that is about, and where it belongs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use super::operations::{OPERATIONS, Operation, Room, Subject, recognise};
use super::shape::{self, is_region, one, strings};
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
    path: PathBuf,
    digest: String,
}

impl Answer {
    pub(super) fn read(path: &Path, hints: &Hints) -> Result<Self, Error> {
        let bytes = crate::files::read(path)?;
        let not_json = |reason: String| Error::NotJson { path: path.to_path_buf(), reason };
        let raw: Box<RawValue> = serde_json::from_slice(&bytes).map_err(|failed| not_json(failed.to_string()))?;
        let value: Value = serde_json::from_str(raw.get()).map_err(|failed| not_json(failed.to_string()))?;
        let operation = recognise(&value).ok_or_else(|| unknown(path, &value))?;
        let named = shape::check(path, operation, raw.get(), &value, &hints.account_id)?;
        let unnamed = |what, flag| Error::Unnamed { path: path.to_path_buf(), operation: operation.name, what, flag };
        let region = match operation.room {
            Room::Kms => {
                let region = named.or_else(|| hints.region.clone());
                let region = region.ok_or_else(|| unnamed("Region", "--region REGION"))?;
                if !is_region(&region) {
                    return Err(Error::NotARegion {
                        path: path.to_path_buf(),
                        value: region.escape_debug().to_string(),
                    });
                }
                Some(region)
            }
            Room::Iam | Room::Organization => None,
        };
        let resource = resource(path, operation, &value, hints)?;
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
            path: path.to_path_buf(),
            digest: crate::digest::sha256(&bytes),
            raw,
        })
    }

    /// Where a collection would have put it.
    pub(super) fn place(&self, account_id: &str) -> String {
        match (self.operation.room, &self.region) {
            (Room::Organization, _) => ORGANIZATION.to_owned(),
            (Room::Kms, Some(region)) => kms_path(account_id, region),
            (Room::Kms | Room::Iam, _) => iam_path(account_id),
        }
    }

    /// What the answer is of, for people.
    fn subject(&self) -> String {
        let mut text = self.operation.api();
        if !self.resource.is_empty() {
            text.push_str(&format!(" about `{}`", self.resource.join("/").escape_debug()));
        }
        if let Some(region) = &self.region {
            text.push_str(&format!(" in {region}"));
        }
        text
    }

    /// Puts the answer into its file. The same answer again changes nothing.
    pub(super) fn put(&self, file: &mut SnapshotFile, now: Timestamp) -> Result<(), Error> {
        let api = self.operation.api();
        if let Some(call) = file.calls_about(&api, &self.resource).next() {
            let parameter = |name: &str| call.parameters.get(name).cloned().unwrap_or_default();
            if parameter("sha256") == self.digest {
                return Ok(());
            }
            return Err(Error::Second {
                path: self.path.clone(),
                first: parameter("file").escape_debug().to_string(),
                subject: self.subject(),
            });
        }
        let resource: Vec<&str> = self.resource.iter().map(String::as_str).collect();
        file.put(self.operation.name, &resource, &self.raw)?;
        let nothing = !self.lengths.is_empty() && self.lengths.values().all(|(_, to)| *to == 0);
        file.record(Call {
            api,
            resource: self.resource.clone(),
            parameters: BTreeMap::from([
                ("file".to_owned(), self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()),
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

/// What the answer is about: as it says itself, or else as the flags say.
fn resource(path: &Path, operation: &Operation, value: &Value, hints: &Hints) -> Result<Vec<String>, Error> {
    let unnamed = |what, flag| Error::Unnamed { path: path.to_path_buf(), operation: operation.name, what, flag };
    let key = |members: &[&str]| {
        let named = one(path, "key", strings(value, members).into_iter())?;
        let named = named.or_else(|| hints.key_id.clone()).map(key_id);
        named.ok_or_else(|| unnamed("key", "--key KEY_ID"))
    };
    Ok(match operation.subject {
        Subject::Whole => Vec::new(),
        Subject::Key(members) => vec![key(members)?],
        Subject::KeyPolicy => {
            let name = value.get("PolicyName").and_then(Value::as_str).unwrap_or(&hints.policy_name);
            vec![key(&[])?, name.to_owned()]
        }
        Subject::User(members) => {
            let named = one(path, "user", strings(value, members).into_iter())?;
            let named = named.or_else(|| hints.user_name.clone());
            vec![named.ok_or_else(|| unnamed("user", "--user NAME"))?]
        }
        Subject::Contact(members) => {
            one(path, "contact type", strings(value, members).into_iter())?.into_iter().collect()
        }
    })
}

/// The id of a key that may be named by ARN.
fn key_id(text: String) -> String {
    match Arn::parse(&text).and_then(|arn| arn.resource.strip_prefix("key/")) {
        Some(id) => id.to_owned(),
        None => text,
    }
}
