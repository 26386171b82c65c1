//! What a finished collection amounts to.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{Account, AccountOutcome, Coverage, Manifest};

/// What a finished collection amounts to.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The manifest that was written.
    pub manifest: Manifest,
    /// HTTP requests sent by this run, retries included; a resumed collection's earlier requests are not counted.
    pub requests: u64,
}

impl Summary {
    /// Accounts that were read, through the role or as the caller.
    pub fn read(&self) -> impl Iterator<Item = &Account> {
        self.manifest
            .accounts
            .iter()
            .filter(|account| matches!(account.outcome, AccountOutcome::AssumedRole | AccountOutcome::Caller))
    }

    /// Accounts that should have been read and were not.
    pub fn not_entered(&self) -> impl Iterator<Item = &Account> {
        self.manifest.accounts.iter().filter(|account| account.outcome == AccountOutcome::NotEntered)
    }

    /// API calls by account.
    pub fn calls_by_account(&self) -> BTreeMap<&str, u64> {
        let mut calls = BTreeMap::new();
        for row in &self.manifest.coverage {
            *calls.entry(row.account_id.as_str()).or_insert(0) += row.calls;
        }
        calls
    }

    /// All API calls.
    pub fn calls(&self) -> u64 {
        self.manifest.api_calls.values().sum()
    }

    /// Size on disk, in bytes.
    pub fn bytes(&self) -> u64 {
        self.manifest.files.iter().map(|file| file.bytes).sum()
    }

    /// Size of the JSON, in bytes.
    pub fn json_bytes(&self) -> u64 {
        self.manifest.files.iter().map(|file| file.json_bytes).sum()
    }

    /// Rows of the ledger that say that something is missing.
    pub fn gaps(&self) -> impl Iterator<Item = &Coverage> {
        self.manifest.coverage.iter().filter(|row| row.is_gap())
    }

    /// The gaps that make the snapshot incomplete: those of APIs that `required` names (what the checks read), an account that
    /// could not be entered, and Regions that could not be listed where none were asked for.
    pub fn missing<'a>(&'a self, required: &'a BTreeSet<&str>) -> impl Iterator<Item = &'a Coverage> {
        let not_entered: BTreeSet<&str> = self.not_entered().map(|account| account.account_id.as_str()).collect();
        let regions_listed = self.manifest.scope.regions.is_empty();
        self.gaps().filter(move |row| match row.api.as_str() {
            "sts:AssumeRole" | "sts:GetCallerIdentity" => not_entered.contains(row.account_id.as_str()),
            "account:ListRegions" => regions_listed,
            api => required.contains(api),
        })
    }
}
