//! The rows of the coverage ledger that leave a hole in what the checks read.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Options;
use crate::checks::{self, POPULATION_APIS};
use crate::snapshot::{AccountOutcome, Manifest, ResourceGap};

/// A hole: an API that a check reads, and that did not answer in full.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LedgerGap {
    /// The account.
    pub account_id: String,
    /// Its name.
    pub account_name: String,
    /// The Region, or `global`.
    pub region: String,
    /// Service and operation.
    pub api: String,
    /// How it ended.
    pub outcome: String,
    /// AWS's code.
    pub code: Option<String>,
    /// How many calls did not end well.
    pub calls: usize,
    /// What the first of them were about, at most ten.
    pub resources: Vec<String>,
    /// The checks that read it, or whose population rests on it.
    pub checks: Vec<&'static str>,
    /// Number of the evidence: the row of the ledger.
    pub ev_id: String,
    /// Position of the row in the ledger.
    #[serde(skip)]
    pub row: usize,
}

/// How many resources a hole names; the ledger in the manifest has them all.
const NAMED_RESOURCES: usize = 10;

/// Every hole in what the selected checks read of the selected accounts, sorted by account, Region and API. What the
/// organization was asked concerns every account.
pub(super) fn gaps(manifest: &Manifest, options: Options<'_>) -> Vec<LedgerGap> {
    let checks = options.checks;
    let required: BTreeSet<&str> = checks::required_apis(checks);
    let concerns = |api: &str, account_id: &str| {
        required.contains(api) && (options.selection.wants_account(account_id) || api.starts_with("organizations:"))
    };
    let rows = manifest.coverage.iter().enumerate();
    let rows = rows.filter(|(_, row)| row.is_gap() && concerns(&row.api, &row.account_id));
    let mut gaps: Vec<LedgerGap> = rows
        // The caller's own account may be read with the caller's credentials when AssumeRole is refused there.
        .filter(|(_, row)| row.api != "sts:AssumeRole" || !is_caller(manifest, &row.account_id))
        .map(|(at, row)| LedgerGap {
            account_id: row.account_id.clone(),
            account_name: name(manifest, &row.account_id),
            region: row.region.clone().unwrap_or_else(|| "global".to_owned()),
            api: row.api.clone(),
            outcome: row.outcome.to_string(),
            code: row.code.clone(),
            calls: row.gaps.len(),
            resources: row.gaps.iter().filter_map(resource).take(NAMED_RESOURCES).collect(),
            checks: checks
                .iter()
                .filter(|check| POPULATION_APIS.contains(&row.api.as_str()) || check.reads.contains(&row.api.as_str()))
                .map(|check| check.id)
                .collect(),
            ev_id: String::new(),
            row: at,
        })
        .collect();
    gaps.sort();
    gaps
}

fn resource(gap: &ResourceGap) -> Option<String> {
    (!gap.resource.is_empty()).then(|| gap.resource.join("/"))
}

fn is_caller(manifest: &Manifest, account_id: &str) -> bool {
    let account = manifest.accounts.iter().find(|account| account.account_id == account_id);
    account.is_some_and(|account| account.outcome == AccountOutcome::Caller)
}

fn name(manifest: &Manifest, account_id: &str) -> String {
    let account = manifest.accounts.iter().find(|account| account.account_id == account_id);
    account.map(|account| account.name.clone()).unwrap_or_default()
}
