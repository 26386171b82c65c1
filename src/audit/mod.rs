//! Runs every check over a snapshot, account by account, in a fixed order and on all cores.
//!
//! **Invariant:** what is delivered depends on the snapshot and the options alone, not on the number of threads.

mod first_seen;
mod judge;
mod ledger;
mod rollup;
mod summary;

use std::collections::BTreeSet;

use jiff::Timestamp;
use rayon::prelude::*;

pub use first_seen::FirstSeen;
pub use ledger::LedgerGap;
pub use rollup::{ControlResult, Determination, FrameworkResult, TestResult, roll_up};
pub use summary::{Counts, Summary};

use crate::access::Estate;
use crate::checks::{Check, Parameters, Setting, Verdicts};
use crate::finding::Finding;
use crate::frameworks::{self, Framework};
use crate::model::{Account, Fact, Organization};
use crate::snapshot::{self, Snapshot, manifest};

/// What to audit with.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The checks to run, in order.
    pub checks: &'a [&'static Check],
    /// What the configuration changes in the checks.
    pub parameters: &'a Parameters,
    /// Whose verdicts these parameters stand for.
    pub verdicts: Verdicts,
    /// The frameworks whose controls findings name.
    pub frameworks: &'a [Framework],
    /// The time at which ages are counted; absent: the snapshot's end.
    pub as_of: Option<Timestamp>,
    /// Since when an earlier audit knows findings.
    pub first_seen: Option<&'a FirstSeen>,
}

impl Options<'_> {
    /// The parameters of these checks that are not at their defaults, in the order of the checks.
    pub fn settings(&self) -> Vec<Setting> {
        self.checks.iter().flat_map(|check| self.parameters.settings(check)).collect()
    }
}

/// One account with its findings, sorted by check, Region, resource and name.
#[derive(Debug)]
pub struct AuditedAccount {
    /// What became of it.
    pub entry: manifest::Account,
    /// Its facts.
    pub facts: Account,
    /// Its findings; none for accounts that were left out or are not ACTIVE.
    pub findings: Vec<Finding>,
}

/// Audits a snapshot and delivers each account in the order of account ids.
///
/// # Errors
/// When a file of the snapshot is damaged, or `deliver` fails.
pub fn run<E: From<snapshot::Error>>(
    snapshot: &Snapshot,
    options: Options<'_>,
    mut deliver: impl FnMut(&AuditedAccount) -> Result<(), E>,
) -> Result<Summary, E> {
    let manifest = snapshot.manifest();
    let organization = snapshot.organization()?;
    let accounts = known_accounts(snapshot, &organization);
    let context = Context {
        snapshot,
        organization: &organization,
        estate: Estate::new(organization.clone()),
        accounts: &accounts,
        as_of: options.as_of.unwrap_or(manifest.window.end),
        parameters: options.parameters,
        first_seen: options.first_seen,
        checks: options
            .checks
            .iter()
            .map(|check| (*check, frameworks::controls_of(options.frameworks, check.id)))
            .collect(),
    };
    let mut summary = Summary::new(&context.checks, context.as_of);
    // Accounts are read, judged and dropped in groups, so that memory follows the group and not the organization.
    for group in manifest.accounts.chunks(rayon::current_num_threads() * 2) {
        let audited: Result<Vec<AuditedAccount>, snapshot::Error> =
            group.par_iter().map(|entry| context.audit(entry)).collect();
        for account in audited? {
            summary.add(&account);
            deliver(&account)?;
        }
    }
    summary.ledger = ledger::gaps(manifest, options.checks);
    Ok(summary)
}

/// What every account is judged with.
struct Context<'a> {
    snapshot: &'a Snapshot,
    organization: &'a Fact<Option<Organization>>,
    estate: Estate,
    accounts: &'a BTreeSet<String>,
    as_of: Timestamp,
    parameters: &'a Parameters,
    first_seen: Option<&'a FirstSeen>,
    checks: Vec<(&'static Check, Vec<String>)>,
}

impl Context<'_> {
    fn audit(&self, entry: &manifest::Account) -> Result<AuditedAccount, snapshot::Error> {
        let facts = self.snapshot.account(entry, self.organization)?;
        let findings = if entry.outcome.is_in_scope() { judge::account(self, &facts) } else { Vec::new() };
        Ok(AuditedAccount { entry: entry.clone(), facts, findings })
    }
}

fn known_accounts(snapshot: &Snapshot, organization: &Fact<Option<Organization>>) -> BTreeSet<String> {
    let listed = snapshot.manifest().accounts.iter().map(|account| account.account_id.clone());
    let members = organization.iter().flatten().flat_map(|organization| organization.accounts.keys().cloned());
    listed.chain(members).collect()
}
