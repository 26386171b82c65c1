//! The manifest: what the snapshot is, every file with its digest, and the coverage ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::file::{Call, Outcome};

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the snapshot's form.
    pub schema_version: u32,
    /// The program that wrote it.
    pub tool: Tool,
    /// How it came about.
    pub source: Source,
    /// Partition of the organization: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// Id of the organization; absent for an account outside any, or when Organizations could not be read (the ledger says which).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// Who collected.
    pub collector: Collector,
    /// What was asked for.
    pub scope: Scope,
    /// First and last call.
    pub window: Window,
    /// Every account of the organization, and what became of it.
    pub accounts: Vec<Account>,
    /// Number of API calls made, by API.
    pub api_calls: BTreeMap<String, u64>,
    /// The coverage ledger.
    pub coverage: Vec<Coverage>,
    /// Every file but the manifest and the digest list, sorted by path.
    pub files: Vec<FileEntry>,
}

/// The program that wrote a snapshot or a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `keyproof`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self { name: "keyproof".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// How a snapshot came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// `keyproof collect`.
    Collect,
    /// `keyproof import`, from files that the AWS CLI printed.
    Import,
    /// `keyproof demo`: a made-up organization.
    Demo,
}

/// The identity that collected, as `sts:GetCallerIdentity` names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collector {
    /// ARN of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Account of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Unique id of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// What the collection was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Name of the role that was assumed in each account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// Whether an external id was passed. The id itself is not kept.
    #[serde(default)]
    pub external_id: bool,
    /// Regions asked for; empty: those that each account has enabled.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Accounts asked for; empty: all.
    #[serde(default)]
    pub accounts: Vec<String>,
    /// Organizational units asked for; empty: all.
    #[serde(default)]
    pub organizational_units: Vec<String>,
    /// Accounts left out, with the reason.
    #[serde(default)]
    pub excluded: Vec<Excluded>,
    /// Why the snapshot covers the caller's account only, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standalone: Option<String>,
}

/// An account that was left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Excluded {
    /// The account.
    pub account_id: String,
    /// Why.
    pub reason: String,
}

/// First and last call of a collection, UTC. Ages are counted at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First call.
    pub start: Timestamp,
    /// Last call.
    pub end: Timestamp,
}

/// One account of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// 12 digits.
    pub account_id: String,
    /// Name in the organization.
    #[serde(default)]
    pub name: String,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, as Organizations says.
    #[serde(default)]
    pub status: String,
    /// What became of it.
    pub outcome: AccountOutcome,
    /// ARN of the session that read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_arn: Option<String>,
    /// Why it was not entered, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountOutcome {
    /// Read through the audit role.
    AssumedRole,
    /// Read with the caller's own credentials.
    Caller,
    /// Imported from files.
    Imported,
    /// The role could not be assumed.
    NotEntered,
    /// Left out on purpose.
    Excluded,
    /// Not ACTIVE, so that no role can be assumed in it.
    Inactive,
}

impl AccountOutcome {
    /// Whether the account is to be audited. One that was left out on purpose, or that AWS has closed, is not.
    pub fn is_in_scope(self) -> bool {
        !matches!(self, Self::Excluded | Self::Inactive)
    }
}

/// One row of the coverage ledger: how all calls of one API, in one account and Region, ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The account.
    pub account_id: String,
    /// The Region, for regional APIs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Service and operation.
    pub api: String,
    /// The worst outcome of its calls.
    pub outcome: Outcome,
    /// Number of calls.
    pub calls: u64,
    /// Number of items that lists brought.
    pub items: u64,
    /// AWS's code for the worst outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Each call that did not end well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<ResourceGap>,
}

/// A call that did not end well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceGap {
    /// What the call was about; empty for the whole account or Region.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// AWS's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// AWS's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Coverage {
    /// The ledger rows of one file, sorted by API.
    pub fn of_calls(account_id: &str, region: Option<&str>, calls: &[Call]) -> Vec<Self> {
        let mut rows: BTreeMap<&str, Self> = BTreeMap::new();
        for call in calls {
            let row = rows.entry(&call.api).or_insert_with(|| Self {
                account_id: account_id.to_owned(),
                region: region.map(str::to_owned),
                api: call.api.clone(),
                outcome: Outcome::Empty,
                calls: 0,
                items: 0,
                code: None,
                gaps: Vec::new(),
            });
            row.calls += 1;
            row.items += call.items.values().map(|(from, to)| to.saturating_sub(*from) as u64).sum::<u64>();
            let worse = match (row.outcome, call.outcome) {
                // One answer with content makes a group of empty answers "collected".
                (Outcome::Empty, Outcome::Collected) => true,
                (Outcome::Collected, Outcome::Empty) => false,
                (before, now) => now > before,
            };
            if worse {
                row.outcome = call.outcome;
                row.code.clone_from(&call.code);
            }
            if !call.outcome.is_complete() {
                row.gaps.push(ResourceGap {
                    resource: call.resource.clone(),
                    outcome: call.outcome,
                    code: call.code.clone(),
                    message: call.message.clone(),
                });
            }
        }
        let mut rows: Vec<Self> = rows.into_values().collect();
        for row in &mut rows {
            row.gaps.sort_by(|a, b| a.resource.cmp(&b.resource));
        }
        rows
    }

    /// Whether something is missing here that was not left out on purpose.
    pub fn is_gap(&self) -> bool {
        !self.outcome.is_complete() && self.outcome != Outcome::Skipped
    }
}

/// A file of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path relative to the snapshot, `/` between the parts.
    pub path: String,
    /// Lower-case hexadecimal SHA-256 of the file as stored.
    pub sha256: String,
    /// Size as stored.
    pub bytes: u64,
    /// Size of the JSON inside; equal to `bytes` for a file that is not compressed.
    pub json_bytes: u64,
}
