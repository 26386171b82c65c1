//! One account with everything that was read of it.

use std::collections::BTreeMap;

use super::{Fact, Gap, Iam, Kms, Provenance};

/// One account of the snapshot.
#[derive(Debug, Clone)]
pub struct Account {
    /// 12 digits.
    pub id: String,
    /// Name in the organization; empty when it is not known.
    pub name: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// Path in the organization: `Root/Workloads/Prod`; empty for an account outside any.
    pub ou_path: Fact<String>,
    /// Whether the account could be entered.
    pub entered: Fact<()>,
    /// Its principals, policies and credentials.
    pub iam: Iam,
    /// Its keys by Region.
    pub regions: BTreeMap<String, Kms>,
    /// Why the Regions are not known to be all, if they are not.
    pub regions_gap: Option<Gap>,
    /// By how many seconds the clock that gave the times of the calls was ahead of AWS's (negative: behind), where that was measured.
    pub clock_ahead_seconds: Option<i64>,
    /// The calls behind these facts.
    pub provenance: Provenance,
}

impl Account {
    /// ARN of the root user, which stands for the account as a whole.
    pub fn root_arn(&self) -> String {
        format!("arn:{}:iam::{}:root", self.partition, self.id)
    }
}
