//! The snapshot on disk: layout, manifest, versions, writing, reading, verifying.
//!
//! ```text
//! SNAPSHOT/
//!   manifest.json                          written last: the commit point
//!   manifest.sha256                        sha256sum -c form: manifest.json and every file
//!   organization.json                      what the Organizations API said
//!   accounts/<account>/iam.json.zst        what IAM, STS and Account Management said
//!   accounts/<account>/kms/<region>.json.zst
//! ```
//!
//! Every file has the same form: its header (`schema_version`, `account_id`, `region`, and where it was measured
//! `clock_ahead_seconds`: how far the collector's clock was ahead of AWS's), then one member for each API
//! operation, named as AWS names it and holding what the AWS CLI would print (pages merged), and last `calls`, the
//! provenance of every request. An operation that is asked for each resource holds an object from the resource to what the
//! AWS CLI would print for it:
//!
//! ```json
//! {
//!   "schema_version": 1, "account_id": "111122223333", "region": "eu-central-1",
//!   "ListKeys": {"Keys": [{"KeyId": "1234abcd-…", "KeyArn": "arn:aws:kms:…"}]},
//!   "GetKeyPolicy": {"1234abcd-…": {"default": {"Policy": "{…}", "PolicyName": "default"}}},
//!   "calls": [{"api": "kms:ListKeys", "page": 1, "time": "…Z", "request_id": "…", "outcome": "collected",
//!              "items": {"Keys": [0, 1]}}]
//! }
//! ```
//!
//! **Invariant:** an answer that AWS refused is not in the file; its call is, with the outcome and the code. So an absent
//! member is never read as an empty list.

mod answers;
mod file;
mod iam;
mod kms;
pub mod manifest;
pub mod operations;
mod organization;
mod raw;
mod read;
pub mod v1;
mod verify;
mod write;

pub use file::{Call, Outcome, SnapshotFile};
pub use manifest::{
    Account, AccountOutcome, Collector, Coverage, Excluded, FileEntry, Manifest, ResourceGap, Scope, Source, Tool,
    Window,
};
pub use raw::{Place, RawFile, is_list_of_named};
pub use read::Snapshot;
pub use verify::{Damage, verify};
pub use write::{Journal, Writer};

use std::path::PathBuf;

/// The version of the form that this program writes, and the newest that it reads.
pub const SCHEMA_VERSION: u32 = 1;

/// Name of the manifest inside a snapshot.
pub const MANIFEST: &str = "manifest.json";

/// Name of the digest list inside a snapshot.
pub const DIGESTS: &str = "manifest.sha256";

/// Name of the file that holds what the Organizations API said.
pub const ORGANIZATION: &str = "organization.json";

/// Where an evidence pack holds the snapshot that it was made from.
pub const IN_A_PACK: &str = "data/snapshot/";

/// Path of an account's IAM file.
pub fn iam_path(account_id: &str) -> String {
    format!("accounts/{account_id}/iam.json.zst")
}

/// Path of an account's KMS file for one Region.
pub fn kms_path(account_id: &str, region: &str) -> String {
    format!("accounts/{account_id}/kms/{region}.json.zst")
}

/// Why a snapshot cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Files(#[from] crate::files::Error),
    /// The folder holds no manifest.
    #[error(
        "`{}` is not a finished snapshot: it has no `manifest.json`; an interrupted collection goes on with `keyproof collect --resume`, an import ends with `keyproof import --finish`",
        path.display()
    )]
    NotASnapshot {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is a pack.
    #[error("`{}` is no snapshot but holds one, as an evidence pack does; name `{}`", path.display(), inside.display())]
    Within {
        /// The folder.
        path: PathBuf,
        /// The snapshot.
        inside: PathBuf,
    },
    /// A later keyproof wrote it.
    #[error("`{}` has snapshot schema version {found}, this keyproof reads up to {SCHEMA_VERSION}; use a newer keyproof", path.display())]
    TooNew {
        /// The manifest.
        path: PathBuf,
        /// The version it names.
        found: u32,
    },
    /// A file's bytes are not those that the manifest lists.
    #[error(
        "`{}` is damaged: its SHA-256 is {actual}, the manifest says {expected}; restore the file from a copy, or collect again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The digest that the manifest lists.
        expected: String,
        /// The digest that the file has.
        actual: String,
    },
    /// A file that the manifest lists is not there.
    #[error("`{}` is missing although the manifest lists it; restore the file from a copy, or collect again", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file is not what its name says.
    #[error("failed to parse `{}`: {reason}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The place and what was expected there.
        reason: String,
    },
    /// The manifest names a path that leaves the snapshot, or an id that is none.
    #[error("`{}` names `{value}`, which is not {expected}", path.display())]
    Hostile {
        /// The manifest.
        path: PathBuf,
        /// What it names.
        value: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// A file of an unfinished snapshot is not the one that its journal names.
    #[error(
        "`{}` matches no line of `journal.ndjson`: it was changed after it was written; restore it from a copy, or begin again in an empty folder",
        path.display()
    )]
    Unmatched {
        /// The file.
        path: PathBuf,
    },
    /// Something could not be put into JSON or compressed.
    #[error("failed to encode `{path}`: {reason}")]
    Encode {
        /// The path inside the snapshot.
        path: String,
        /// Why.
        reason: String,
    },
}
