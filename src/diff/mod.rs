//! Two snapshots under today's rules: what changed among findings, accounts, principals and keys, and in who can do what with
//! which key.
//!
//! Both snapshots are audited by this program with the same checks, so that a new version of a rule never looks like a change
//! of the organization. Findings are matched by fingerprint.
//!
//! **Invariant:** nothing counts as fixed, gone or new that the other snapshot could not see. An exception is fixed when its
//! resource passes, is exempt, or is missing from a list that is known to be whole; otherwise it is no longer assessable.

mod access;
mod findings;
mod inventory;
mod resources;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::{self, Counts};
use crate::checks::{Setting, Verdicts};
use crate::finding::{Severity, Status, WaiverReference};
use crate::policy::Unanswered;
use crate::snapshot::{self, Snapshot, manifest};

pub use access::{AccessChange, Held, Tally, Turn, tally};
use findings::Matcher;
use inventory::Inventory;

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// An exception that the old snapshot could have shown and did not.
    New,
    /// An exception that the old snapshot could not show: it was not readable, or not in scope.
    NewlyAssessable,
    /// An exception whose waiver has ended.
    WaiverEnded,
    /// An exception that is gone: the resource passes, is exempt, or is provably deleted.
    Fixed,
    /// An exception that the new snapshot cannot show either way. Never a fix.
    NoLongerAssessable,
    /// An exception that got a waiver.
    Waived,
    /// An exception then and now.
    Unchanged,
    /// A change of status that concerns no exception: a gap opened or closed, an exemption came or went.
    Other,
}

impl Class {
    /// Every class, in the order of pages.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::NewlyAssessable,
        Self::WaiverEnded,
        Self::Fixed,
        Self::NoLongerAssessable,
        Self::Waived,
        Self::Unchanged,
        Self::Other,
    ];

    /// The words of every file and page.
    pub fn words(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::NewlyAssessable => "NEWLY ASSESSABLE",
            Self::WaiverEnded => "WAIVER ENDED",
            Self::Fixed => "FIXED",
            Self::NoLongerAssessable => "NO LONGER ASSESSABLE",
            Self::Waived => "WAIVED",
            Self::Unchanged => "UNCHANGED",
            Self::Other => "OTHER",
        }
    }
}

/// What became of one finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingChange {
    /// What became of it.
    pub class: Class,
    /// Why it is that, in one sentence.
    pub because: String,
    /// Status in the old snapshot, if it was there.
    pub old_status: Option<Status>,
    /// Status in the new snapshot, if it is there.
    pub new_status: Option<Status>,
    /// Whether the resource has the same ARN but is another one: deleted, and made again.
    pub replaced: bool,
    /// Identity of the finding.
    pub fingerprint: String,
    /// The check.
    pub check_id: &'static str,
    /// How much an exception matters.
    pub severity: Severity,
    /// Account of 12 digits.
    pub account_id: String,
    /// Its name.
    pub account_name: String,
    /// Region, or `global`.
    pub region: String,
    /// CloudFormation's name of the type.
    pub resource_type: &'static str,
    /// ARN of the resource.
    pub resource_arn: String,
    /// Name for people.
    pub resource_name: String,
    /// The reason that the newer of the two findings gives.
    pub reason: String,
    /// The waiver that the newer of the two findings names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<WaiverReference>,
}

/// What became of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AccountChange {
    /// 12 digits.
    pub account_id: String,
    /// Its name, the new one if there is one.
    pub name: String,
    /// What became of it, in one sentence.
    pub what: String,
    /// Whether findings can be compared across the two snapshots.
    pub comparable: bool,
}

/// What became of a principal or key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Not in the old list, which was whole.
    Came,
    /// Not in the new list, which is whole.
    Went,
    /// The same ARN with another unique id.
    Replaced,
    /// One of the lists is not whole: it may have come or gone, or been there all along.
    NotKnown,
}

impl Fate {
    /// The words of every file and page.
    pub fn words(self) -> &'static str {
        match self {
            Self::Came => "CAME",
            Self::Went => "WENT",
            Self::Replaced => "REPLACED",
            Self::NotKnown => "NOT KNOWN",
        }
    }
}

/// What became of one principal or key, or of all of an account that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ResourceChange {
    /// Account of 12 digits.
    pub account_id: String,
    /// Region, or `global`.
    pub region: String,
    /// CloudFormation's name of the type.
    pub resource_type: &'static str,
    /// What became of it.
    pub fate: Fate,
    /// ARN.
    pub resource_arn: String,
    /// Why that is known, or not known.
    pub because: String,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// SHA-256 of the snapshot's manifest.
    pub snapshot_root: String,
    /// First call.
    pub start: Timestamp,
    /// Last call, at which ages are counted.
    pub end: Timestamp,
    /// How the snapshot came about.
    pub source: manifest::Source,
    /// Id of the organization.
    pub organization_id: Option<String>,
    /// Number of accounts that the snapshot names.
    pub accounts: usize,
    /// Its findings.
    pub counts: Counts,
    /// Whether something could not be read.
    pub incomplete: bool,
}

/// Exceptions then, what became of them, exceptions now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// FAIL in the old snapshot.
    pub open_old: u64,
    /// Came.
    pub new: u64,
    /// Could not be seen before.
    pub newly_assessable: u64,
    /// Waivers that ended.
    pub waiver_ended: u64,
    /// Gone.
    pub fixed: u64,
    /// Can no longer be seen.
    pub no_longer_assessable: u64,
    /// Waivers that began.
    pub waived: u64,
    /// FAIL in the new snapshot.
    pub open_new: u64,
}

impl Balance {
    /// Whether `open_old + new + newly_assessable + waiver_ended − fixed − no_longer_assessable − waived = open_new`.
    pub fn holds(&self) -> bool {
        self.open_old + self.new + self.newly_assessable + self.waiver_ended
            == self.open_new + self.fixed + self.no_longer_assessable + self.waived
    }
}

/// Everything that changed from one snapshot to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// The earlier snapshot.
    pub old: Side,
    /// The later snapshot.
    pub new: Side,
    /// Parameters of checks that are not at their defaults, on both sides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// Whose verdicts these are, where they are not ours.
    #[serde(skip_serializing_if = "is_ours")]
    pub verdicts: Verdicts,
    /// What was selected and what that left out, in sentences; none if everything was compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub narrowed: Vec<String>,
    /// SHA-256 of the file of waivers, which count at the end of each snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waivers_sha256: Option<String>,
    /// The sum of the exceptions.
    pub balance: Balance,
    /// Number of findings in each class.
    pub counts: BTreeMap<Class, u64>,
    /// Findings, by class, severity (worst first), account, check and resource.
    pub findings: Vec<FindingChange>,
    /// Accounts that changed, by id.
    pub accounts: Vec<AccountChange>,
    /// Principals and keys that came and went.
    pub resources: Vec<ResourceChange>,
    /// What principals can do on keys, by account, key, principal and capability; nothing where that was left out.
    pub access: Option<Vec<AccessChange>>,
}

/// Why two snapshots cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of a snapshot is damaged.
    #[error(transparent)]
    Snapshot(#[from] snapshot::Error),
    /// The two engines disagree on a decision: a fault of this program.
    #[error(transparent)]
    Access(#[from] Unanswered),
}

fn is_ours(verdicts: &Verdicts) -> bool {
    *verdicts == Verdicts::Keyproof
}

impl Changes {
    /// Whether one of the snapshots has holes, so that the comparison has them too.
    pub fn is_incomplete(&self) -> bool {
        self.old.incomplete || self.new.incomplete
    }
}

/// Compares two snapshots, with what principals can do on keys if `with_access`. Ages are counted at the end of each, whatever
/// `options.as_of` says.
///
/// # Errors
/// When a file of a snapshot is damaged, or the two engines disagree.
pub fn run(old: &Snapshot, new: &Snapshot, options: audit::Options<'_>, with_access: bool) -> Result<Changes, Error> {
    let options = audit::Options { as_of: None, ..options };
    let mut before = Inventory::of(old)?;
    let mut matcher = Matcher::default();
    let old_summary = audit::run::<snapshot::Error>(old, options, |audited| {
        before.add(audited);
        matcher.remember(audited);
        Ok(())
    })?;
    let mut after = Inventory::of(new)?;
    // The new findings are judged against both inventories, so they wait until the second one is whole.
    let mut arrived = Vec::new();
    let new_summary = audit::run::<snapshot::Error>(new, options, |audited| {
        after.add(audited);
        arrived.extend(matcher.meet(audited));
        Ok(())
    })?;
    let access = if with_access {
        let [then, now] = [access::directory(old)?, access::directory(new)?];
        Some(access::compare([&then, &now], [&before, &after], options.selection)?)
    } else {
        None
    };
    if old.manifest().organization_id != new.manifest().organization_id {
        before.forget_members();
        after.forget_members();
    }
    let findings = matcher.finish(arrived, &before, &after);
    let mut counts: BTreeMap<Class, u64> = Class::ALL.into_iter().map(|class| (class, 0)).collect();
    for finding in &findings {
        *counts.entry(finding.class).or_default() += 1;
    }
    let of = |class: Class| counts.get(&class).copied().unwrap_or_default();
    let balance = Balance {
        open_old: old_summary.total.of(Status::Fail),
        new: of(Class::New),
        newly_assessable: of(Class::NewlyAssessable),
        waiver_ended: of(Class::WaiverEnded),
        fixed: of(Class::Fixed),
        no_longer_assessable: of(Class::NoLongerAssessable),
        waived: of(Class::Waived),
        open_new: new_summary.total.of(Status::Fail),
    };
    Ok(Changes {
        old: side(old, &old_summary),
        new: side(new, &new_summary),
        settings: options.settings(),
        verdicts: options.verdicts,
        narrowed: narrowed(options, &old_summary, &new_summary),
        waivers_sha256: options.waivers.sha256(),
        balance,
        counts,
        findings,
        accounts: resources::accounts(&before, &after),
        resources: resources::resources(&before, &after),
        access,
    })
}

/// What was selected, and what that left out of either snapshot, in sentences.
fn narrowed(options: audit::Options<'_>, old: &audit::Summary, new: &audit::Summary) -> Vec<String> {
    let sentence =
        |words: &str, phrases: Vec<String>| (!phrases.is_empty()).then(|| format!("{words}: {}.", phrases.join("; ")));
    let selected = sentence("Selected", options.selection.words());
    let [then, now] = [old, new].map(audit::Summary::omitted_words);
    let left_out = if then == now {
        [sentence("Left out", now), None]
    } else {
        [sentence("Left out of the old snapshot", then), sentence("Left out of the new one", now)]
    };
    [selected].into_iter().chain(left_out).flatten().collect()
}

fn side(snapshot: &Snapshot, summary: &audit::Summary) -> Side {
    let manifest = snapshot.manifest();
    Side {
        snapshot_root: snapshot.root().to_owned(),
        start: manifest.window.start,
        end: manifest.window.end,
        source: manifest.source,
        organization_id: manifest.organization_id.clone(),
        accounts: manifest.accounts.len(),
        counts: summary.total,
        incomplete: summary.is_incomplete(),
    }
}
