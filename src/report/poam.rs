//! `poam.csv`: the plan of action and milestones in the columns of FedRAMP's template, and the weaknesses that every such plan lists.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Error;
use super::bag::Bag;
use super::identity::Identity;
use super::interop::{Checks, Tested};
use super::table::{SEPARATOR, Table};
use super::view::counted;
use crate::audit::AuditedAccount;
use crate::digest;
use crate::finding::{Finding, Severity, Status};

/// Name of the file.
pub(super) const NAME: &str = "poam.csv";

const PATH: &str = "data/csv/poam.csv";

/// What one check found in one account: all its FAILs there, at least one.
pub(super) struct Weakness<'a> {
    pub(super) tested: &'a Tested,
    pub(super) account_id: &'a str,
    pub(super) findings: Vec<&'a Finding>,
}

impl<'a> Weakness<'a> {
    /// The weaknesses of an account, in the order of the checks.
    pub(super) fn all(audited: &'a AuditedAccount, checks: &'a Checks) -> Vec<Self> {
        let of_check = |findings: &'a [Finding]| {
            let failed: Vec<&Finding> = findings.iter().filter(|it| it.status == Status::Fail).collect();
            let tested = checks.get(failed.first()?.check_id)?;
            Some(Weakness { tested, account_id: &audited.facts.id, findings: failed })
        };
        audited.findings.chunk_by(|a, b| a.check_id == b.check_id).filter_map(of_check).collect()
    }

    /// Its id, the same next quarter.
    pub(super) fn id(&self) -> String {
        let digest = digest::sha256(serde_json::json!([self.tested.check.id, self.account_id]).to_string().as_bytes());
        format!("POAM-{}", digest.get(..12).unwrap_or(&digest).to_uppercase())
    }

    /// The worst severity among its findings.
    pub(super) fn severity(&self) -> Severity {
        self.findings.iter().map(|it| it.severity).max().unwrap_or(self.tested.check.severity)
    }

    /// When the first of them was first seen.
    pub(super) fn first_seen(&self) -> Option<Timestamp> {
        self.findings.iter().map(|it| it.first_seen).min()
    }
}

/// `3 resources`.
pub(super) fn resources(findings: &[&Finding]) -> String {
    counted(findings.len() as u64, "resource", "resources")
}

/// A row in the making.
struct Row<'a> {
    identity: &'a Identity,
    weakness: &'a Weakness<'a>,
}

/// A column: its name in FedRAMP's template, what stands there, how it is filled.
type Column = (&'static str, &'static str, fn(&Row<'_>) -> String);

/// What stands in a column that only the owner of the weakness can fill.
const FOR_THE_OWNER: &str = "Empty: for the owner of the weakness to fill";

fn nothing(_: &Row<'_>) -> String {
    String::new()
}

/// The columns, in FedRAMP's order.
const COLUMNS: [Column; 30] = [
    ("POAM ID", "Id of check and account, the same next quarter", |it| it.weakness.id()),
    ("Controls", "Mapped controls of frameworks in their current version, framework:control", |it| {
        it.weakness.tested.controls.join(SEPARATOR)
    }),
    ("Weakness Name", "Title of the check", |it| it.weakness.tested.check.title.to_owned()),
    ("Weakness Description", "Why it matters", |it| it.weakness.tested.check.rationale.to_owned()),
    ("Weakness Detector Source", "This program and its version", |it| it.identity.tool.clone()),
    ("Weakness Source Identifier", "Id of the check", |it| it.weakness.tested.check.id.to_owned()),
    ("Asset Identifier", "ARNs of the resources that fail", |it| {
        let arns: BTreeSet<&str> = it.weakness.findings.iter().map(|finding| finding.resource_arn.as_ref()).collect();
        arns.into_iter().collect::<Vec<_>>().join(SEPARATOR)
    }),
    ("Point of Contact", "Account of the resources: 12 digits and its name; its owner is not known", |it| {
        let name = it.weakness.findings.first().map(|finding| finding.account_name.as_ref()).unwrap_or_default();
        format!("{} {name}", it.weakness.account_id).trim_end().to_owned()
    }),
    ("Resources Required", FOR_THE_OWNER, nothing),
    ("Overall Remediation Plan", "What to do, in one line", |it| {
        it.weakness.tested.check.remediation.summary.to_owned()
    }),
    ("Original Detection Date", "When the first of them was first seen, UTC", |it| {
        it.weakness.first_seen().map(|time| time.to_string()).unwrap_or_default()
    }),
    ("Scheduled Completion Date", FOR_THE_OWNER, nothing),
    ("Planned Milestones", FOR_THE_OWNER, nothing),
    ("Milestone Changes", FOR_THE_OWNER, nothing),
    ("Status Date", "The time as of which the audit speaks, UTC", |it| it.identity.as_of.clone()),
    ("Vendor Dependency", FOR_THE_OWNER, nothing),
    ("Last Vendor Check-in Date", FOR_THE_OWNER, nothing),
    ("Vendor Dependent Product Name", FOR_THE_OWNER, nothing),
    ("Original Risk Rating", "High, Moderate or Low: FedRAMP has no other; Comments has the severity", |it| {
        match it.weakness.severity() {
            Severity::Critical | Severity::High => "High",
            Severity::Medium => "Moderate",
            Severity::Low | Severity::Informational => "Low",
        }
        .to_owned()
    }),
    ("Adjusted Risk Rating", FOR_THE_OWNER, nothing),
    ("Risk Adjustment", FOR_THE_OWNER, nothing),
    ("False Positive", FOR_THE_OWNER, nothing),
    ("Operational Requirement", FOR_THE_OWNER, nothing),
    ("Deviation Rationale", FOR_THE_OWNER, nothing),
    ("Supporting Documents", "The page of the check in the pack", |it| {
        format!("data/report/checks/{}.html", it.weakness.tested.check.id)
    }),
    ("Comments", "Worst severity, and how many resources fail", |it| {
        format!("{}; {} failed", it.weakness.severity(), resources(&it.weakness.findings))
    }),
    ("Auto-Approve", FOR_THE_OWNER, nothing),
    ("BOD 22-01 tracking", "Empty: no finding is a known exploited vulnerability", nothing),
    ("BOD 22-01 Due Date", "Empty, as before", nothing),
    ("CVE", "Empty: no finding is a vulnerability of a product", nothing),
];

/// The columns, each with what stands there.
pub(super) fn columns() -> Vec<(&'static str, &'static str)> {
    COLUMNS.map(|(name, content, _)| (name, content)).to_vec()
}

/// The file in the making.
pub(super) struct Poam(Table);

impl Poam {
    /// Begins the file.
    pub(super) fn create(bag: &Bag) -> Result<Self, Error> {
        Ok(Self(Table::create(bag, PATH, COLUMNS.iter().map(|(name, ..)| *name))?))
    }

    /// Adds a row.
    pub(super) fn add(&mut self, identity: &Identity, weakness: &Weakness<'_>) -> Result<(), Error> {
        let row = Row { identity, weakness };
        let cells = COLUMNS.map(|(_, _, fill)| fill(&row));
        self.0.row(&cells.each_ref().map(String::as_str))
    }

    /// Ends the file.
    pub(super) fn finish(self, bag: &Bag) -> Result<(), Error> {
        let written = self.0.finish()?;
        bag.add(PATH, written);
        Ok(())
    }
}
