//! Runs every check over a snapshot, account by account, in a fixed order and on all cores.
//!
//! **Invariant:** what is delivered depends on the snapshot and the options alone, not on the number of threads.

mod completeness;
mod evidence;
mod first_seen;
mod judge;
mod ledger;
mod resource;
mod rollup;
mod selection;
mod summary;
mod timings;
mod waiving;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;

pub use completeness::{Tie, TieOut};
pub use evidence::{EvidenceItem, EvidenceType, EvidenceValue, MAX_VALUE};
pub use first_seen::FirstSeen;
pub use ledger::LedgerGap;
pub use rollup::{ControlResult, Determination, FrameworkResult, TestResult, roll_up};
pub use selection::{ByTag, EVERYTHING, Omitted, Selection, Tag};
pub use summary::{Counts, Summary};
pub use timings::{Part, Timings, measured};
pub use waiving::{Standing, WaiverResult};

use completeness::Calls;
use evidence::{Evidences, Numbers};
use judge::OfAccount;

use crate::access::Estate;
use crate::checks::{Administrator, CHECKS, Check, Documents, Parameters, Setting, Verdicts};
use crate::finding::Finding;
use crate::frameworks::{self, Framework};
use crate::model::{Account, Fact, Organization};
use crate::snapshot::{self, Snapshot, manifest};
use crate::waivers::{Waivers, day_of};
use waiving::Use;

/// What to audit with.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The checks to run, in order.
    pub checks: &'a [&'static Check],
    /// What the configuration changes in the checks.
    pub parameters: &'a Parameters,
    /// Whose verdicts these parameters stand for.
    pub verdicts: Verdicts,
    /// The frameworks whose controls findings name, selected or not.
    pub frameworks: &'a [Framework],
    /// What is selected. The checks are those that it leaves.
    pub selection: &'a Selection,
    /// The waivers of the user's.
    pub waivers: &'a Waivers,
    /// The time at which ages are counted; absent: the snapshot's end.
    pub as_of: Option<Timestamp>,
    /// Since when an earlier audit knows findings.
    pub first_seen: Option<&'a FirstSeen>,
    /// Where time is counted, if anybody wants to know.
    pub timings: Option<&'a Timings>,
}

impl<'a> Options<'a> {
    /// The frameworks that are reported, in their order.
    pub fn reported(&self) -> impl Iterator<Item = &'a Framework> {
        let selection = self.selection;
        self.frameworks.iter().filter(|framework| selection.wants_framework(framework))
    }

    /// What the selection leaves out of an audit of a snapshot, before anything is judged.
    pub fn omitted(&self, manifest: &manifest::Manifest) -> Omitted {
        if self.selection.is_empty() {
            return Omitted::default();
        }
        let runs = |check: &Check| self.checks.iter().any(|it| it.id == check.id);
        let is_part = |check: &&&Check| check.rules.iter().any(|rule| !self.selection.wants_rule(check, *rule));
        let ids = manifest.accounts.iter().map(|account| &account.account_id);
        Omitted {
            checks: CHECKS.iter().filter(|check| !runs(check)).map(|check| check.id).collect(),
            parts_of_checks: self.checks.iter().filter(is_part).map(|check| check.id).collect(),
            accounts: ids.filter(|id| !self.selection.wants_account(id)).cloned().collect(),
            by_tag: ByTag::default(),
        }
    }

    /// The parameters of these checks that are not at their defaults, in the order of the checks.
    pub fn settings(&self) -> Vec<Setting> {
        self.checks.iter().flat_map(|check| self.parameters.settings(check)).collect()
    }
}

/// One account with its findings, sorted by check, Region, resource and name.
#[derive(Debug, Clone)]
pub struct AuditedAccount {
    /// What became of it.
    pub entry: manifest::Account,
    /// Its facts.
    pub facts: Account,
    /// Its findings; none for accounts that were left out or are not ACTIVE.
    pub findings: Vec<Finding>,
    /// What its findings rest on, each datum once, sorted by file and pointer.
    pub evidence: Vec<EvidenceItem>,
    /// What tags left out of it.
    pub by_tag: ByTag,
    /// Its users and roles that are administrators, or of which that cannot be excluded; none for accounts that were left out or are
    /// not ACTIVE.
    pub administrators: Vec<Administrator>,
    /// The numbers by which its populations are known to be whole; none for accounts that were left out or are not ACTIVE.
    pub tie_outs: Vec<TieOut>,
    /// What each waiver met in it.
    uses: Vec<Use>,
}

/// Audits a snapshot and delivers each selected account in the order of account ids.
///
/// # Errors
/// When a file of the snapshot is damaged, or `deliver` fails.
pub fn run<E: From<snapshot::Error> + Send>(
    snapshot: &Snapshot,
    options: Options<'_>,
    mut deliver: impl FnMut(&AuditedAccount) -> Result<(), E> + Send,
) -> Result<Summary, E> {
    let manifest = snapshot.manifest();
    let organization = snapshot.organization()?;
    let accounts = known_accounts(snapshot, &organization);
    let context = Context {
        snapshot,
        organization: &organization,
        estate: Estate::new(organization.clone()),
        accounts: &accounts,
        documents: Documents::default(),
        calls: Calls::new(manifest),
        evidences: Evidences::new(snapshot, organization.as_ref().ok().and_then(Option::as_ref))?,
        as_of: options.as_of.unwrap_or(manifest.window.end),
        options,
        checks: options
            .checks
            .iter()
            .map(|check| (*check, frameworks::controls_of(options.frameworks, check.id).into()))
            .collect(),
    };
    let mut summary = Summary::new(&context.checks, context.as_of);
    let members = organization.as_ref().ok().and_then(Option::as_ref);
    summary.add_tie_out(completeness::of_organization(manifest, members, organization.as_ref().err()));
    summary.omitted = options.omitted(manifest);
    let mut numbers = Numbers::default();
    let wanted = |account: &&manifest::Account| options.selection.wants_account(&account.account_id);
    let selected: Vec<&manifest::Account> = manifest.accounts.iter().filter(wanted).collect();
    let mut hand_over = |mut account: AuditedAccount| {
        numbers.settle(&mut account.evidence, &mut account.findings);
        summary.add(&account);
        deliver(&account)
    };
    // Accounts are read, judged and dropped in groups, so that memory follows the group and not the organization. The group before is
    // delivered meanwhile.
    let mut audited = Vec::new();
    for group in selected.chunks(rayon::current_num_threads() * 2) {
        let (next, delivered) = rayon::join(
            || group.par_iter().map(|entry| context.audit(entry)).collect::<Result<Vec<_>, snapshot::Error>>(),
            || audited.drain(..).try_for_each(&mut hand_over),
        );
        delivered?;
        audited = next?;
    }
    audited.into_iter().try_for_each(hand_over)?;
    summary.ledger = ledger::gaps(manifest, options);
    summary.waivers = waiving::results(options.waivers, &summary);
    let of_ledger = context.evidences.of_ledger(&mut summary.ledger, &mut numbers);
    let of_waivers =
        context.evidences.of_waivers(options.waivers, &mut summary.waivers, day_of(summary.as_of), &mut numbers);
    summary.evidence = of_ledger.into_iter().chain(of_waivers).collect();
    Ok(summary)
}

/// What every account is judged with.
struct Context<'a> {
    snapshot: &'a Snapshot,
    organization: &'a Fact<Option<Organization>>,
    estate: Estate,
    accounts: &'a BTreeSet<String>,
    documents: Documents,
    calls: Calls<'a>,
    evidences: Evidences<'a>,
    as_of: Timestamp,
    options: Options<'a>,
    checks: Vec<(&'static Check, Arc<[String]>)>,
}

impl Context<'_> {
    fn audit(&self, entry: &manifest::Account) -> Result<AuditedAccount, snapshot::Error> {
        let read = || self.snapshot.account(entry, self.organization);
        let facts = measured(self.options.timings, Part::Reading, read)?;
        let in_scope = entry.outcome.is_in_scope();
        let OfAccount { mut findings, by_tag, administrators } =
            if in_scope { judge::account(self, &facts) } else { OfAccount::default() };
        let uses = waiving::apply(self.options.waivers, day_of(self.as_of), &mut findings);
        let number = || self.evidences.number(&facts.provenance, &mut findings);
        let evidence = measured(self.options.timings, Part::Evidence, number)?;
        let tie_outs = match in_scope {
            true => completeness::of_account(self.snapshot.manifest(), &facts, &self.calls),
            false => vec![],
        };
        Ok(AuditedAccount { entry: entry.clone(), facts, findings, evidence, by_tag, administrators, tie_outs, uses })
    }
}

fn known_accounts(snapshot: &Snapshot, organization: &Fact<Option<Organization>>) -> BTreeSet<String> {
    let listed = snapshot.manifest().accounts.iter().map(|account| account.account_id.clone());
    let members = organization.iter().flatten().flat_map(|organization| organization.accounts.keys().cloned());
    listed.chain(members).collect()
}
