//! AWS to snapshot: who calls, which accounts there are, what each says, and what could not be read.
//!
//! The only room that knows the AWS SDK and async. [`run`] is an ordinary function: it builds its own runtime.
//!
//! **Invariant:** every request is recorded. An answer goes into the snapshot; a refusal goes into the coverage ledger with AWS's
//! code, costs what it would have told, and nothing else. A list of which AWS does not show the end is never called whole.

mod account;
mod call;
mod client;
mod enter;
mod failure;
mod iam;
mod iam_details;
mod kms;
mod kms_shapes;
mod organizations;
mod plan;
mod run;
mod scope;
mod shape;
mod sts;
mod summary;

use std::path::PathBuf;

pub use plan::{Plan, PlannedAccount, Refusal, plan};
pub use run::run;
pub use summary::Summary;

use crate::snapshot;
use crate::snapshot::{AccountOutcome, Excluded};

/// Name of the audit role, unless another is given.
pub const DEFAULT_ROLE_NAME: &str = "KeyproofAudit";

/// Units of work that run at the same time, unless another number is given.
pub const DEFAULT_CONCURRENCY: usize = 16;

/// What to collect, and how.
#[derive(Clone)]
pub struct Options {
    /// Folder of the snapshot.
    pub out: PathBuf,
    /// Role to assume in each account; may have a path: `audit/KeyproofAudit`.
    pub role_name: String,
    /// External id that the role asks for.
    pub external_id: Option<String>,
    /// Regions; empty: those that each account has enabled.
    pub regions: Vec<String>,
    /// Accounts; empty: all.
    pub accounts: Vec<String>,
    /// Accounts to leave out, each with the reason that every report will name.
    pub exclude_accounts: Vec<Excluded>,
    /// Organizational units by id or path; empty: all.
    pub organizational_units: Vec<String>,
    /// Units of work (an account's IAM, or its KMS in one Region) at the same time.
    pub concurrency: usize,
    /// Go on with an unfinished collection in `out`.
    pub resume: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            out: PathBuf::new(),
            role_name: DEFAULT_ROLE_NAME.to_owned(),
            external_id: None,
            regions: Vec::new(),
            accounts: Vec::new(),
            exclude_accounts: Vec::new(),
            organizational_units: Vec::new(),
            concurrency: DEFAULT_CONCURRENCY,
            resume: false,
        }
    }
}

/// Something that happened during a collection. Names come from AWS and are not escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// The accounts are known.
    Discovered {
        /// ARN of the caller.
        caller: &'a str,
        /// Accounts of the organization.
        accounts: usize,
        /// Accounts to be read.
        selected: usize,
        /// Why it is only the caller's account, where that is so.
        standalone: Option<&'a str>,
    },
    /// Units of work were found: one for an account's IAM, one for its KMS in each Region.
    Found {
        /// How many.
        units: usize,
    },
    /// An account was entered, or not.
    Entered {
        /// The account.
        account_id: &'a str,
        /// Its name in the organization.
        name: &'a str,
        /// How it went.
        outcome: AccountOutcome,
        /// Why not, where it was not.
        reason: Option<&'a str>,
    },
    /// A unit of work is written.
    Finished {
        /// The account.
        account_id: &'a str,
        /// The Region; absent for IAM.
        region: Option<&'a str>,
        /// Calls made.
        calls: usize,
        /// Calls that left a gap.
        gaps: usize,
    },
    /// A unit of work was finished by the collection that is resumed.
    Resumed {
        /// The file.
        path: &'a str,
    },
}

/// Is told what happens.
pub trait Progress {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Why there is no snapshot, or not yet.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The credential chain found nothing.
    #[error(
        "no AWS credentials; set `AWS_PROFILE`, or log in with `aws sso login`, or run where a role is attached (tried: {reason})"
    )]
    NoCredentials {
        /// What the chain tried.
        reason: String,
    },
    /// AWS does not accept the credentials.
    #[error(
        "AWS did not accept the credentials ({reason}); renew them, and check `AWS_PROFILE` and that `AWS_REGION` is of their partition"
    )]
    CredentialsRefused {
        /// AWS's code and message.
        reason: String,
    },
    /// Nobody answers.
    #[error("cannot reach {endpoint} ({reason}); check the network, the proxy and `AWS_ENDPOINT_URL`")]
    Unreachable {
        /// Which endpoint.
        endpoint: String,
        /// What happened.
        reason: String,
    },
    /// The credentials ended during the run.
    #[error(
        "the credentials expired at {api} ({reason}); nothing that was collected is lost: renew them and run the same command with `--resume`"
    )]
    Expired {
        /// The call that said so.
        api: &'static str,
        /// AWS's code and message.
        reason: String,
    },
    /// Ctrl-C.
    #[error(
        "interrupted; {files} files are finished in `{}`: the same command with `--resume` goes on, or remove the folder", out.display()
    )]
    Interrupted {
        /// The snapshot.
        out: PathBuf,
        /// Files that are finished.
        files: usize,
    },
    /// `--region` is not the name of a Region.
    #[error("`{}` is not the name of a Region; `--region` takes names like `eu-central-1`, separated by commas", region.escape_debug())]
    NotARegion {
        /// The text.
        region: String,
    },
    /// `--region` belongs elsewhere.
    #[error(
        "Region `{region}` does not belong to the caller's partition `{partition}`; leave it out, or use credentials of its partition"
    )]
    OtherPartition {
        /// The Region.
        region: String,
        /// The caller's partition.
        partition: String,
    },
    /// An account was named that is not there.
    #[error(
        "account `{}` is not among the {known} accounts of the organization{}; check `--account` and `--exclude-account`",
        account_id.escape_debug(), standalone.as_ref().map(|reason| format!(" (only the caller's account is known: {reason})")).unwrap_or_default()
    )]
    UnknownAccount {
        /// The account.
        account_id: String,
        /// Accounts that are known.
        known: usize,
        /// Why that is only the caller's.
        standalone: Option<String>,
    },
    /// A unit was named that is not there.
    #[error("`--ou {}` names no organizational unit: {reason}", unit.escape_debug())]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// What there is instead.
        reason: String,
    },
    /// The folder holds the beginning of a collection.
    #[error("`{}` holds an unfinished collection; add `--resume` to go on with it, or name another folder", out.display())]
    Unfinished {
        /// The folder.
        out: PathBuf,
    },
    /// The folder holds a snapshot, of which there is nothing left to do.
    #[error("`{}` is a finished snapshot, so that there is nothing to resume; audit it, or collect into another folder", out.display())]
    Finished {
        /// The folder.
        out: PathBuf,
    },
    /// A resumed collection must be of the same.
    #[error("`{}` cannot be resumed: {difference}; ask for the same, or begin anew in another folder", out.display())]
    OtherScope {
        /// The folder.
        out: PathBuf,
        /// What changed.
        difference: String,
    },
    /// The disk, or the form of what is written.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
    /// The disk gave out on the way.
    #[error(
        "{source}; {files} files are finished in `{}`: the same command with `--resume` goes on with them", out.display()
    )]
    Stopped {
        /// What happened.
        source: snapshot::Error,
        /// The snapshot.
        out: PathBuf,
        /// Files that are finished.
        files: usize,
    },
    /// The operating system gave no runtime, or a unit of work broke.
    #[error("the collection broke: {reason}; this is a defect of keyproof")]
    Broken {
        /// How.
        reason: String,
    },
}

/// The runtime in which a collection lives.
fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|failed| Error::Broken { reason: failed.to_string() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::snapshot::operations::OPERATIONS;

    /// The operations that the sources of this room name in `Ask::new("service:Operation")`.
    fn asked_for() -> BTreeSet<&'static str> {
        let sources = [
            include_str!("account.rs"),
            include_str!("iam.rs"),
            include_str!("kms.rs"),
            include_str!("organizations.rs"),
            include_str!("sts.rs"),
        ];
        let names = sources.into_iter().flat_map(|source| source.split("Ask::new(\"").skip(1));
        names.filter_map(|rest| rest.split_once('"')).map(|(name, _)| name).collect()
    }

    #[test]
    fn what_is_asked_for_is_what_the_role_permits() {
        assert_eq!(asked_for(), OPERATIONS.iter().map(|operation| operation.api).collect());
    }
}
