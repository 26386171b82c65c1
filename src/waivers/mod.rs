//! Waivers: exceptions that somebody answers for until a day. What their file says, and which findings each of them means.
//!
//! **Invariants.** A waiver names its findings by fingerprint, or by a check and a resource or account, never by what the owner of a
//! resource can change, such as a tag. It lasts a year at most, and nobody approves a waiver of their own. Days are UTC; whether a
//! waiver is in force is asked of a day, never of a clock.

mod file;
mod mutelist;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use file::{Error, Fault, Known, parse};
pub use mutelist::{Begun, begin};

use crate::finding::{Finding, WaiverReference, WaiverState};
use crate::policy::Glob;

/// Days that a waiver may last, both ends counted as days of a year.
pub const MAX_DAYS: i32 = 365;

/// Why an exception is waived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The risk is known and borne.
    RiskAcceptance,
    /// Something else does what the control is for: PCI DSS, appendix C.
    CompensatingControl,
    /// The finding is wrong.
    FalsePositive,
    /// The system cannot do its work otherwise: a FedRAMP operational requirement.
    OperationalRequirement,
    /// The control does not concern the resource.
    NotApplicable,
    /// An addressable specification is met by an equivalent: 45 CFR 164.306(d)(3)(ii)(B).
    AlternativeMeasure,
}

impl Kind {
    /// The word of every file.
    pub fn word(self) -> &'static str {
        match self {
            Self::RiskAcceptance => "risk_acceptance",
            Self::CompensatingControl => "compensating_control",
            Self::FalsePositive => "false_positive",
            Self::OperationalRequirement => "operational_requirement",
            Self::NotApplicable => "not_applicable",
            Self::AlternativeMeasure => "alternative_measure",
        }
    }

    /// The same for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::RiskAcceptance => "Risk acceptance",
            Self::CompensatingControl => "Compensating control",
            Self::FalsePositive => "False positive",
            Self::OperationalRequirement => "Operational requirement",
            Self::NotApplicable => "Not applicable",
            Self::AlternativeMeasure => "Alternative measure",
        }
    }

    /// The rows of the worksheet that goes with it: member of the file, and what is to be written there.
    pub fn worksheet(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::CompensatingControl => &[
                ("constraints", "What keeps the requirement from being met as it stands"),
                ("definition", "The compensating controls, and how they meet the objective and the risk"),
                ("objective", "The objective of the requirement, and the one that is met instead"),
                ("identified_risk", "Any risk that comes from not meeting the requirement"),
                ("validation", "How the compensating controls were validated and tested"),
                ("maintenance", "How it is seen to that the compensating controls stay effective"),
            ],
            Self::AlternativeMeasure => &[
                ("why_not_reasonable", "Why the specification is not reasonable and appropriate here"),
                ("equivalent_measure", "The equivalent measure that is in place instead"),
            ],
            _ => &[],
        }
    }
}

/// Which findings a waiver means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The one of this fingerprint.
    Fingerprint(String),
    /// Those of a check, narrowed by resource, by account, or by both.
    Check {
        /// Id of the check.
        check: String,
        /// ARN of the resource; `*` stands for any characters, `?` for one.
        resource_arn: Option<String>,
        /// Account of 12 digits.
        account: Option<String>,
    },
}

impl Scope {
    /// Whether it means a finding, whatever its status.
    pub fn means(&self, finding: &Finding) -> bool {
        match self {
            Self::Fingerprint(fingerprint) => finding.fingerprint == *fingerprint,
            Self::Check { check, resource_arn, account } => {
                finding.check_id == check
                    // A `*` may run over the colons of an ARN: what lies elsewhere is not meant.
                    && self.account().is_none_or(|it| finding.account_id.as_ref() == it)
                    && account.as_ref().is_none_or(|account| finding.account_id.as_ref() == account)
                    && resource_arn.as_ref().is_none_or(|arn| Glob::parse(arn).matches(&finding.resource_arn))
            }
        }
    }

    /// The check, if it is named.
    pub fn check(&self) -> Option<&str> {
        match self {
            Self::Fingerprint(_) => None,
            Self::Check { check, .. } => Some(check),
        }
    }

    /// The account in which all its findings lie, if it is named.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Fingerprint(_) => None,
            Self::Check { account: Some(account), .. } => Some(account),
            Self::Check { resource_arn, .. } => resource_arn.as_deref().and_then(account_of),
        }
    }

    /// Whether it names one resource, so that it is known whether that was judged.
    pub fn names_one(&self) -> bool {
        match self {
            Self::Fingerprint(_) => true,
            Self::Check { resource_arn, .. } => resource_arn.as_ref().is_some_and(|arn| !arn.contains(['*', '?'])),
        }
    }

    /// What it means, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Fingerprint(fingerprint) => format!("the finding {fingerprint}"),
            Self::Check { check, resource_arn, account } => {
                let arn = resource_arn.as_ref().map(|arn| format!(" on {arn}")).unwrap_or_default();
                let account = account.as_ref().map(|account| format!(" in account {account}")).unwrap_or_default();
                format!("{check}{arn}{account}")
            }
        }
    }
}

/// The account of an ARN, if it is one of 12 digits.
fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| file::is_account(account))
}

/// A document that a waiver rests on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Where it lies, from the folder of the waiver file.
    pub path: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Its name: letters, digits, `.`, `_`, `-`.
    pub id: String,
    /// Why.
    pub kind: Kind,
    /// Which findings it means.
    pub scope: Scope,
    /// Ids of the frameworks for which it counts; empty: all.
    pub frameworks: Vec<String>,
    /// Who answers for the risk.
    pub owner: String,
    /// Who approved it; somebody else.
    pub approver: String,
    /// When.
    pub approved_on: Date,
    /// The first day on which it is in force.
    pub effective_from: Date,
    /// The last.
    pub expires_on: Date,
    /// Why it may be.
    pub justification: String,
    /// Where it was decided; may be empty.
    pub ticket: String,
    /// What it rests on.
    pub evidence: Vec<Document>,
    /// What the next reviewer should know; may be empty.
    pub review_note: String,
    /// What stands in each row of [`Kind::worksheet`]; empty where nothing does.
    pub worksheet: Vec<String>,
    /// Where it stands in its file: a line, from 1.
    pub line: usize,
}

impl Waiver {
    /// Whether it is in force on a day.
    pub fn state(&self, day: Date) -> WaiverState {
        if day < self.effective_from {
            WaiverState::NotYetEffective
        } else if day > self.expires_on {
            WaiverState::Lapsed
        } else {
            WaiverState::Active
        }
    }

    /// How many days it is still in force after a day; negative once it lapsed.
    pub fn days_left(&self, day: Date) -> i32 {
        day.until(self.expires_on).map_or(0, |span| span.get_days())
    }

    /// Whether it counts for a framework.
    pub fn counts_for(&self, framework: &str) -> bool {
        self.frameworks.is_empty() || self.frameworks.iter().any(|it| it == framework)
    }

    /// The rows of its worksheet in which nothing stands.
    pub fn empty_rows(&self) -> Vec<&'static str> {
        let rows = self.kind.worksheet().iter().zip(&self.worksheet);
        rows.filter(|(_, text)| text.trim().is_empty()).map(|((name, _), _)| *name).collect()
    }

    /// What a finding says of it.
    pub fn reference(&self, day: Date) -> WaiverReference {
        WaiverReference {
            id: self.id.clone(),
            kind: self.kind.word(),
            state: self.state(day),
            owner: self.owner.clone(),
            approver: self.approver.clone(),
            approved_on: self.approved_on,
            effective_from: self.effective_from,
            expires_on: self.expires_on,
            frameworks: self.frameworks.clone(),
            ticket: self.ticket.clone(),
        }
    }
}

/// The day of a time.
pub fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The waivers of a file, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waivers {
    /// All of them.
    pub all: Vec<Waiver>,
    /// The file, letter by letter; none if there is none.
    pub text: Option<String>,
    by_check: BTreeMap<String, Vec<usize>>,
    by_fingerprint: BTreeMap<String, Vec<usize>>,
}

/// No waivers, and no file of them.
pub static NO_WAIVERS: Waivers =
    Waivers { all: Vec::new(), text: None, by_check: BTreeMap::new(), by_fingerprint: BTreeMap::new() };

impl Waivers {
    fn new(all: Vec<Waiver>, text: String) -> Self {
        let mut waivers = Self { text: Some(text), ..Self::default() };
        for (index, waiver) in all.iter().enumerate() {
            let list = match &waiver.scope {
                Scope::Fingerprint(fingerprint) => waivers.by_fingerprint.entry(fingerprint.clone()),
                Scope::Check { check, .. } => waivers.by_check.entry(check.clone()),
            };
            list.or_default().push(index);
        }
        waivers.all = all;
        waivers
    }

    /// SHA-256 of the file, if there is one.
    pub fn sha256(&self) -> Option<String> {
        self.text.as_ref().map(|text| crate::digest::sha256(text.as_bytes()))
    }

    /// The places in the file of those that mean a finding, in the order of the file.
    pub fn meaning(&self, finding: &Finding) -> Vec<usize> {
        let of_check = self.by_check.get(finding.check_id).into_iter().flatten();
        let of_finding = self.by_fingerprint.get(&finding.fingerprint).into_iter().flatten();
        let means = |index: &usize| self.all.get(*index).is_some_and(|waiver| waiver.scope.means(finding));
        let mut meaning: Vec<usize> = of_check.chain(of_finding).copied().filter(means).collect();
        meaning.sort_unstable();
        meaning
    }
}
