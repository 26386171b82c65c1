//! One file of a snapshot as it is being written: responses by API operation, and the provenance of every call.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Error, SCHEMA_VERSION};

/// How a call ended, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Answered with something.
    Collected,
    /// Answered with nothing: a proven zero.
    Empty,
    /// Left out on purpose, by scope.
    Skipped,
    /// The endpoint does not know the operation.
    Unsupported,
    /// Answered, but the list is not whole.
    Truncated,
    /// AWS refused for lack of permission.
    Denied,
    /// Any other failure: throttled to the end, unreachable, malformed.
    Failed,
}

impl Outcome {
    /// Whether the facts of this call are all there.
    pub fn is_complete(self) -> bool {
        matches!(self, Self::Collected | Self::Empty)
    }
}

impl std::fmt::Display for Outcome {
    /// The word of the coverage ledger.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Collected => "collected",
            Self::Empty => "empty",
            Self::Skipped => "skipped",
            Self::Unsupported => "unsupported",
            Self::Truncated => "truncated",
            Self::Denied => "denied",
            Self::Failed => "failed",
        })
    }
}

/// One request to AWS and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Service and operation as in IAM policies: `kms:ListGrants`.
    pub api: String,
    /// What the call was about, as the path of keys below the operation's member: `["1234abcd-…", "default"]`. Empty for calls
    /// about the whole account or Region.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// Parameters that shaped the answer, other than `resource` and paging tokens.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Page number, from 1.
    #[serde(default = "first_page", skip_serializing_if = "is_first_page")]
    pub page: u32,
    /// When the answer arrived, UTC.
    pub time: Timestamp,
    /// AWS's request id, to be found again in the account's own CloudTrail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// AWS's error code, when it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// AWS's error message, when it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// For each list of the answer, the half-open range of its items that this page brought.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, (usize, usize)>,
}

fn first_page() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_first_page(page: &u32) -> bool {
    *page == 1
}

/// A response, or the responses for each resource.
#[derive(Debug, Clone)]
enum Member {
    Response(Box<RawValue>),
    Resources(BTreeMap<String, Self>),
}

impl Member {
    /// Splits a member into the responses for each resource, `depth` levels down.
    fn parse(raw: Box<RawValue>, depth: usize) -> serde_json::Result<Self> {
        if depth == 0 {
            return Ok(Self::Response(raw));
        }
        let resources: BTreeMap<String, Box<RawValue>> = serde_json::from_str(raw.get())?;
        let resources = resources.into_iter().map(|(name, raw)| Ok((name, Self::parse(raw, depth - 1)?)));
        Ok(Self::Resources(resources.collect::<serde_json::Result<_>>()?))
    }
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Response(response) => response.serialize(serializer),
            Self::Resources(resources) => resources.serialize(serializer),
        }
    }
}

/// A snapshot file under construction.
#[derive(Debug, Clone)]
pub struct SnapshotFile {
    account_id: String,
    region: Option<String>,
    clock_ahead_seconds: Option<i64>,
    members: BTreeMap<String, Member>,
    calls: Vec<Call>,
}

impl SnapshotFile {
    /// Begins the file of an account (`region` absent: IAM; else KMS in that Region). For `organization.json`, the account is
    /// the management account, or the caller's where that is unknown.
    pub fn new(account_id: &str, region: Option<&str>) -> Self {
        Self {
            account_id: account_id.to_owned(),
            region: region.map(str::to_owned),
            clock_ahead_seconds: None,
            members: BTreeMap::new(),
            calls: Vec::new(),
        }
    }

    /// Notes by how many seconds the clock that gave the times of the calls was ahead of AWS's (negative: behind).
    pub fn note_clock(&mut self, ahead_seconds: Option<i64>) {
        self.clock_ahead_seconds = ahead_seconds;
    }

    /// Puts a response under its operation (`GetKeyPolicy`) and resource path (`["1234abcd-…", "default"]`), replacing what stood
    /// there.
    ///
    /// # Errors
    /// [`Error::Encode`] when `response` cannot be put into JSON, or a response already stands on the path to it.
    pub fn put(&mut self, operation: &str, resource: &[&str], response: &impl Serialize) -> Result<(), Error> {
        let fail = |reason: String| Error::Encode { path: operation.to_owned(), reason };
        let response = serde_json::value::to_raw_value(response).map_err(|failed| fail(failed.to_string()))?;
        let mut members = &mut self.members;
        let (last, path) = match resource.split_last() {
            None => (operation, &[][..]),
            Some((last, path)) => (*last, path),
        };
        if !resource.is_empty() {
            for part in std::iter::once(&operation).chain(path) {
                let member = members.entry((*part).to_owned()).or_insert_with(|| Member::Resources(BTreeMap::new()));
                members = match member {
                    Member::Resources(resources) => resources,
                    Member::Response(_) => return Err(fail(format!("`{part}` already holds a response"))),
                };
            }
        }
        members.insert(last.to_owned(), Member::Response(response));
        Ok(())
    }

    /// Notes that an operation is asked for each resource, so that an empty object stands there even when no resource exists.
    pub fn begin_resources(&mut self, operation: &str) {
        self.members.entry(operation.to_owned()).or_insert_with(|| Member::Resources(BTreeMap::new()));
    }

    /// The response of an operation about a resource (none: an operation that is asked once), if it stands there.
    pub fn response(&self, operation: &str, resource: &[&str]) -> Option<&RawValue> {
        let mut member = self.members.get(operation)?;
        for part in resource {
            member = match member {
                Member::Resources(resources) => resources.get(*part)?,
                Member::Response(_) => return None,
            };
        }
        match member {
            Member::Response(response) => Some(response),
            Member::Resources(_) => None,
        }
    }

    /// The calls about a resource.
    pub fn calls_about<'a>(&'a self, api: &'a str, resource: &'a [String]) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().filter(move |call| call.api == api && call.resource == resource)
    }

    /// Takes up a finished file again, to add to it. An answer for each resource is told from a single one by the calls.
    ///
    /// # Errors
    /// [`Error::Encode`] when `json` is not a file of a snapshot.
    pub fn reopen(json: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Header {
            account_id: String,
            region: Option<String>,
            clock_ahead_seconds: Option<i64>,
            #[serde(default)]
            calls: Vec<Call>,
        }
        let fail =
            |failed: serde_json::Error| Error::Encode { path: "snapshot file".to_owned(), reason: failed.to_string() };
        let header: Header = serde_json::from_slice(json).map_err(fail)?;
        let mut file = Self::new(&header.account_id, header.region.as_deref());
        file.note_clock(header.clock_ahead_seconds);
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(json).map_err(fail)?;
        for (name, raw) in members {
            if matches!(name.as_str(), "schema_version" | "account_id" | "region" | "clock_ahead_seconds" | "calls") {
                continue;
            }
            let operation = format!(":{name}");
            let calls = header.calls.iter().filter(|call| call.api.ends_with(&operation));
            let depth = calls.map(|call| call.resource.len()).max().unwrap_or(0);
            file.members.insert(name, Member::parse(raw, depth).map_err(fail)?);
        }
        file.calls = header.calls;
        Ok(file)
    }

    /// Records a call.
    pub fn record(&mut self, call: Call) {
        self.calls.push(call);
    }

    /// The calls recorded so far.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// The account of this file.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// The Region of this file, for KMS.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The file's JSON: header, operations in alphabetical order, calls in a fixed order.
    ///
    /// # Errors
    /// [`Error::Encode`].
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self)
            .map_err(|failed| Error::Encode { path: self.account_id.clone(), reason: failed.to_string() })
    }
}

impl Serialize for SnapshotFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema_version", &SCHEMA_VERSION)?;
        map.serialize_entry("account_id", &self.account_id)?;
        if let Some(region) = &self.region {
            map.serialize_entry("region", region)?;
        }
        if let Some(seconds) = &self.clock_ahead_seconds {
            map.serialize_entry("clock_ahead_seconds", seconds)?;
        }
        for (operation, member) in &self.members {
            map.serialize_entry(operation, member)?;
        }
        let mut calls: Vec<&Call> = self.calls.iter().collect();
        calls.sort_by(|a, b| (&a.api, &a.resource, a.page).cmp(&(&b.api, &b.resource, b.page)));
        map.serialize_entry("calls", &calls)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_stand_under_their_names_and_resources() {
        let mut file = SnapshotFile::new("111122223333", Some("eu-central-1"));
        file.put("ListKeys", &[], &serde_json::json!({"Keys": []})).unwrap();
        file.put("GetKeyPolicy", &["k", "default"], &serde_json::json!({"Policy": "{}"})).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&file.to_json().unwrap()).unwrap();
        assert_eq!(json["ListKeys"]["Keys"], serde_json::json!([]));
        assert_eq!(json["GetKeyPolicy"]["k"]["default"]["Policy"], "{}");
        assert_eq!(json["region"], "eu-central-1");
    }

    #[test]
    fn an_outcome_is_called_what_the_ledger_calls_it() {
        use Outcome::{Collected, Denied, Empty, Failed, Skipped, Truncated, Unsupported};
        for outcome in [Collected, Empty, Skipped, Unsupported, Truncated, Denied, Failed] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.to_string());
        }
    }

    #[test]
    fn a_response_does_not_give_way_to_resources() {
        let mut file = SnapshotFile::new("111122223333", None);
        file.put("ListKeys", &[], &1).unwrap();
        assert!(file.put("ListKeys", &["k"], &1).is_err());
    }
}
