//! Findings of two audits, matched by fingerprint and judged by what each snapshot could see.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::inventory::{Inventory, Presence};
use super::{Class, FindingChange};
use crate::audit::AuditedAccount;
use crate::finding::{Finding, Status, WaiverReference};

/// The old findings, waiting to be met by the new ones. Of those that passed only the status is kept.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    quiet: BTreeMap<String, Status>,
    loud: BTreeMap<String, FindingChange>,
}

impl Matcher {
    /// Keeps the findings of the old audit.
    pub(super) fn remember(&mut self, audited: &AuditedAccount) {
        for finding in &audited.findings {
            if matches!(finding.status, Status::Pass | Status::NotApplicable) {
                self.quiet.insert(finding.fingerprint.clone(), finding.status);
            } else {
                self.loud.insert(finding.fingerprint.clone(), change(finding, Some(finding.status), None));
            }
        }
    }

    /// Matches the findings of the new audit; those without any change of interest are dropped.
    pub(super) fn meet(&mut self, audited: &AuditedAccount) -> Vec<FindingChange> {
        let mut met = Vec::new();
        for finding in &audited.findings {
            let loud = self.loud.remove(&finding.fingerprint).and_then(|it| it.old_status);
            let old = loud.or_else(|| self.quiet.remove(&finding.fingerprint));
            let is_dull = match (old, finding.status) {
                (Some(old), new) => old == new && new != Status::Fail,
                (None, new) => matches!(new, Status::Pass | Status::NotApplicable),
            };
            if !is_dull {
                met.push(change(finding, old, Some(finding.status)));
            }
        }
        met
    }

    /// Judges everything that was met, and what was not.
    pub(super) fn finish(
        self,
        mut changes: Vec<FindingChange>,
        before: &Inventory,
        after: &Inventory,
    ) -> Vec<FindingChange> {
        changes.extend(self.loud.into_values());
        for it in &mut changes {
            let (class, because) = judge(it, before, after);
            it.class = class;
            it.because = because;
            it.replaced = is_replaced(it, before, after);
        }
        changes.sort_by(|a, b| {
            let key = |it: &'_ FindingChange| (it.class, Reverse(it.severity));
            key(a).cmp(&key(b)).then_with(|| {
                (&a.account_id, a.check_id, &a.region, &a.resource_arn, &a.resource_name, &a.fingerprint).cmp(&(
                    &b.account_id,
                    b.check_id,
                    &b.region,
                    &b.resource_arn,
                    &b.resource_name,
                    &b.fingerprint,
                ))
            })
        });
        changes
    }
}

fn change(finding: &Finding, old_status: Option<Status>, new_status: Option<Status>) -> FindingChange {
    FindingChange {
        class: Class::Other,
        because: String::new(),
        old_status,
        new_status,
        replaced: false,
        fingerprint: finding.fingerprint.clone(),
        check_id: finding.check_id,
        severity: finding.severity,
        account_id: finding.account_id.to_string(),
        account_name: finding.account_name.to_string(),
        region: finding.region.to_string(),
        resource_type: finding.resource_type,
        resource_arn: finding.resource_arn.to_string(),
        resource_name: finding.resource_name.to_string(),
        reason: finding.reason.to_string(),
        waiver: finding.waiver.as_deref().cloned(),
    }
}

/// The class of a change, and why.
fn judge(it: &FindingChange, before: &Inventory, after: &Inventory) -> (Class, String) {
    let said = |class: Class, because: &str| (class, because.to_owned());
    match (it.old_status, it.new_status) {
        (Some(Status::Fail), Some(Status::Fail)) => said(Class::Unchanged, "it failed then and fails now"),
        (Some(Status::Fail), Some(Status::Pass)) => said(Class::Fixed, "it passes now"),
        (Some(Status::Fail), Some(Status::NotApplicable)) => said(Class::Fixed, "the check no longer applies to it"),
        (Some(Status::Fail), Some(Status::Waived)) => {
            (Class::Waived, format!("it still fails, {}", waiver(it, "under a waiver")))
        }
        (Some(Status::Fail), Some(new)) => {
            (Class::NoLongerAssessable, format!("it is {new} now, which says nothing of the exception"))
        }
        (Some(Status::Fail), None) => gone(it, after),
        (Some(Status::Waived), Some(Status::Fail)) => {
            (Class::WaiverEnded, format!("it fails: {}", waiver(it, "no waiver means it any more")))
        }
        (Some(old @ (Status::Error | Status::Undecided | Status::Manual)), Some(Status::Fail)) => {
            (Class::NewlyAssessable, format!("it was {old} before, which said nothing of an exception"))
        }
        (Some(old), Some(Status::Fail)) => (Class::New, format!("it was {old} before")),
        (None, Some(Status::Fail)) => appeared(it, before),
        (Some(old), Some(Status::Waived)) if old != Status::Waived => {
            (Class::Other, format!("{old} before; it fails now, {}", waiver(it, "under a waiver")))
        }
        (None, Some(Status::Waived)) => {
            (Class::Other, format!("there was no such finding before; it fails now, {}", waiver(it, "under a waiver")))
        }
        (Some(old), Some(new)) => (Class::Other, format!("{old} before, {new} now")),
        (None, Some(new)) => (Class::Other, format!("there was no such finding before, {new} now")),
        (Some(old), None) => (Class::Other, format!("{old} before, no such finding now")),
        (None, None) => said(Class::Other, "no such finding in either snapshot"),
    }
}

/// What the waiver of the newer finding comes to, or else other words.
fn waiver(it: &FindingChange, otherwise: &str) -> String {
    it.waiver.as_ref().map_or_else(|| otherwise.to_owned(), WaiverReference::words)
}

/// An exception of which the new audit says nothing.
fn gone(it: &FindingChange, after: &Inventory) -> (Class, String) {
    match after.presence(&it.account_id, &it.region, it.resource_type, &it.resource_arn) {
        Presence::Absent => (Class::Fixed, "the resource is gone: a whole list does not hold it".to_owned()),
        Presence::There => (Class::NoLongerAssessable, "the resource is there, but was not judged".to_owned()),
        Presence::NotKnown(reason) => (Class::NoLongerAssessable, reason),
    }
}

/// An exception of which the old audit says nothing.
fn appeared(it: &FindingChange, before: &Inventory) -> (Class, String) {
    if !before.accounts.contains_key(&it.account_id) {
        return match before.membership(&it.account_id) {
            Presence::Absent => (Class::New, "the account is new in the organization".to_owned()),
            Presence::There => (Class::NewlyAssessable, "the account was not in the old snapshot".to_owned()),
            Presence::NotKnown(reason) => {
                (Class::NewlyAssessable, format!("the account was not in the old snapshot; {reason}"))
            }
        };
    }
    match before.presence(&it.account_id, &it.region, it.resource_type, &it.resource_arn) {
        Presence::Absent => (Class::New, "the resource is new".to_owned()),
        Presence::There => (Class::NewlyAssessable, "the resource was there, but was not judged".to_owned()),
        Presence::NotKnown(reason) => (Class::NewlyAssessable, format!("before: {reason}")),
    }
}

fn is_replaced(it: &FindingChange, before: &Inventory, after: &Inventory) -> bool {
    let old = before.instance(&it.account_id, &it.resource_arn);
    let new = after.instance(&it.account_id, &it.resource_arn);
    matches!((old, new), (Some(old), Some(new)) if !old.id.is_empty() && !new.id.is_empty() && old.id != new.id)
}
