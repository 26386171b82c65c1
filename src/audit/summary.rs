//! Counts of findings, by everything that a page or a roll-up asks for.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::SerializeMap;

use super::waiving::{self, Use, WaiverResult};
use super::{AuditedAccount, EvidenceItem, LedgerGap, Omitted, Tie, TieOut};
use crate::checks::Check;
use crate::finding::{Finding, Severity, Status};

/// Number of findings by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([u64; Status::ALL.len()]);

impl Counts {
    /// Number of findings of a status.
    pub fn of(&self, status: Status) -> u64 {
        Status::ALL.iter().zip(self.0).find_map(|(it, count)| (*it == status).then_some(count)).unwrap_or(0)
    }

    /// Counts one finding.
    pub fn add(&mut self, status: Status) {
        self.add_many(status, 1);
    }

    /// Counts several findings of one status.
    pub fn add_many(&mut self, status: Status, findings: u64) {
        if let Some((_, count)) = Status::ALL.iter().zip(&mut self.0).find(|(it, _)| **it == status) {
            *count += findings;
        }
    }

    /// Counts findings of one status under another.
    pub(super) fn recount(&mut self, findings: u64, from: Status, to: Status) {
        if let Some((_, count)) = Status::ALL.iter().zip(&mut self.0).find(|(it, _)| **it == from) {
            *count = count.saturating_sub(findings);
        }
        self.add_many(to, findings);
    }

    /// Number of findings of any status.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Number of resources that were assessed or should have been: all but NOT_APPLICABLE and MANUAL.
    pub fn population(&self) -> u64 {
        self.total() - self.of(Status::NotApplicable) - self.of(Status::Manual)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}

impl Serialize for Counts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Status::ALL.len()))?;
        for status in Status::ALL {
            map.serialize_entry(status.word(), &self.of(status))?;
        }
        map.end()
    }
}

/// What an audit found, in numbers.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The time at which ages were counted.
    pub as_of: Timestamp,
    /// All findings.
    pub total: Counts,
    /// By check id, every check that ran.
    pub by_check: BTreeMap<&'static str, Counts>,
    /// By check id and aspect.
    pub by_aspect: BTreeMap<(&'static str, String), Counts>,
    /// By account id, every account that was audited.
    pub by_account: BTreeMap<String, Counts>,
    /// Number of selected accounts that were not: left out on purpose when they were read, or not ACTIVE.
    pub left_out: u64,
    /// By severity.
    pub by_severity: BTreeMap<Severity, Counts>,
    /// By account id and check id.
    pub by_account_and_check: BTreeMap<(String, &'static str), Counts>,
    /// Rows of the coverage ledger that leave a hole in what the checks read.
    pub ledger: Vec<LedgerGap>,
    /// The evidence of these rows and of the waivers.
    pub evidence: Vec<EvidenceItem>,
    /// What a selection left out.
    pub omitted: Omitted,
    /// Tie-outs by id and verdict.
    pub tie_outs: BTreeMap<&'static str, BTreeMap<Tie, u64>>,
    /// Those that concern the organization as a whole.
    pub of_organization: Vec<TieOut>,
    /// By check id, aspect and frameworks, WAIVED findings whose waiver counts for those frameworks only.
    pub waived_for: BTreeMap<(&'static str, Option<String>, Vec<String>), u64>,
    /// What became of each waiver, in the order of their file.
    pub waivers: Vec<WaiverResult>,
    pub(super) uses: Vec<Use>,
}

impl Summary {
    pub(super) fn new(checks: &[(&'static Check, Arc<[String]>)], as_of: Timestamp) -> Self {
        Self {
            as_of,
            total: Counts::default(),
            by_check: checks.iter().map(|(check, _)| (check.id, Counts::default())).collect(),
            by_aspect: BTreeMap::new(),
            by_account: BTreeMap::new(),
            left_out: 0,
            by_severity: Severity::ALL.into_iter().map(|severity| (severity, Counts::default())).collect(),
            by_account_and_check: BTreeMap::new(),
            ledger: Vec::new(),
            evidence: Vec::new(),
            omitted: Omitted::default(),
            tie_outs: BTreeMap::new(),
            of_organization: Vec::new(),
            waived_for: BTreeMap::new(),
            waivers: Vec::new(),
            uses: Vec::new(),
        }
    }

    /// Adds a tie-out of the organization.
    pub(super) fn add_tie_out(&mut self, tie_out: TieOut) {
        self.count_tie_out(&tie_out);
        self.of_organization.push(tie_out);
    }

    fn count_tie_out(&mut self, tie_out: &TieOut) {
        *self.tie_outs.entry(tie_out.id).or_default().entry(tie_out.verdict).or_default() += 1;
    }

    /// Number of tie-outs with this verdict.
    pub fn tie_outs_that(&self, verdict: Tie) -> u64 {
        self.tie_outs.values().filter_map(|verdicts| verdicts.get(&verdict)).sum()
    }

    pub(super) fn add(&mut self, account: &AuditedAccount) {
        account.tie_outs.iter().for_each(|tie_out| self.count_tie_out(tie_out));
        if !account.entry.outcome.is_in_scope() {
            self.left_out += 1;
            return;
        }
        let id = &account.facts.id;
        let mut counts = Counts::default();
        for of_check in account.findings.chunk_by(|a, b| a.check_id == b.check_id) {
            let mut counts_of_check = Counts::default();
            for finding in of_check {
                counts_of_check.add(finding.status);
                self.by_severity.entry(finding.severity).or_default().add(finding.status);
                for aspect in &finding.aspects {
                    self.by_aspect.entry((finding.check_id, aspect.name.clone())).or_default().add(aspect.status);
                }
                self.add_limited(finding);
            }
            if let [first, ..] = of_check {
                *self.by_check.entry(first.check_id).or_default() += counts_of_check;
                *self.by_account_and_check.entry((id.clone(), first.check_id)).or_default() += counts_of_check;
            }
            counts += counts_of_check;
        }
        waiving::add(&mut self.uses, &account.uses);
        self.omitted.by_tag.add(&account.by_tag);
        self.total += counts;
        self.by_account.insert(id.clone(), counts);
    }

    /// Counts what a waiver waives for some frameworks only.
    fn add_limited(&mut self, finding: &Finding) {
        let Some(waiver) = finding.waiver.as_ref().filter(|it| !it.frameworks.is_empty()) else { return };
        let mut waive = |aspect: Option<String>| {
            *self.waived_for.entry((finding.check_id, aspect, waiver.frameworks.clone())).or_default() += 1;
        };
        if finding.status == Status::Waived {
            waive(None);
        }
        let aspects = finding.aspects.iter().filter(|aspect| aspect.status == Status::Waived);
        aspects.for_each(|aspect| waive(Some(aspect.name.clone())));
    }

    /// How many WAIVED findings of a check, or of an aspect of it, are no more than FAIL for a framework.
    pub fn not_waived_for(&self, framework: &str, check: &str, aspect: Option<&str>) -> u64 {
        let counts_not = |(id, name, frameworks): &(&str, Option<String>, Vec<String>)| {
            *id == check && name.as_deref() == aspect && !frameworks.iter().any(|it| it == framework)
        };
        self.waived_for.iter().filter(|(key, _)| counts_not(key)).map(|(_, count)| count).sum()
    }

    /// What a selection left out, in phrases.
    pub fn omitted_words(&self) -> Vec<String> {
        let delivered = self.by_account.len() + usize::try_from(self.left_out).unwrap_or(usize::MAX);
        self.omitted.words(self.omitted.accounts.len().saturating_add(delivered))
    }

    /// Whether the population of a check is not known to be whole: a call that it rests on left a hole, numbers by which
    /// populations are known do not agree, or no account was audited at all.
    pub fn has_hole(&self, check_id: &str) -> bool {
        self.by_account.is_empty()
            || self.tie_outs_that(Tie::Differs) > 0
            || self.ledger.iter().any(|gap| gap.checks.contains(&check_id))
    }

    /// Whether something could not be assessed: a gap of the ledger, an ERROR, or numbers that do not agree and nobody knows
    /// why.
    pub fn is_incomplete(&self) -> bool {
        self.has_gaps() || self.tie_outs_that(Tie::Differs) > 0
    }

    /// Whether something was not read: a gap of the ledger, an ERROR, or no account at all.
    pub fn has_gaps(&self) -> bool {
        !self.ledger.is_empty() || self.total.of(Status::Error) > 0 || self.by_account.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_population_leaves_out_what_is_not_applicable_or_manual() {
        let mut counts = Counts::default();
        for status in Status::ALL {
            counts.add_many(status, 2);
        }
        assert_eq!(counts.total(), 14);
        assert_eq!(counts.population(), 10);
        assert_eq!(counts.of(Status::Waived), 2);
    }
}
