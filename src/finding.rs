//! What a check says of one resource: status, severity, reason, evidence, fingerprint.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::digest::Running;
use crate::model::{Evidence, Source, shared, shared_each};

/// Status of a finding: one for each check and resource, exhaustive and exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Tested, exception.
    Fail,
    /// Data missing or denied: nothing can be said.
    Error,
    /// Tested; the engine cannot conclude.
    Undecided,
    /// A FAIL with an active waiver.
    Waived,
    /// Tested, criterion met.
    Pass,
    /// Outside the criterion, for a machine-checked reason.
    NotApplicable,
    /// No API can answer; a person must.
    Manual,
}

impl Status {
    /// Every status, worst first, as pages list them.
    pub const ALL: [Self; 7] =
        [Self::Fail, Self::Error, Self::Undecided, Self::Waived, Self::Pass, Self::NotApplicable, Self::Manual];

    /// The word of every file and page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Error => "ERROR",
            Self::Undecided => "UNDECIDED",
            Self::Waived => "WAIVED",
            Self::Pass => "PASS",
            Self::NotApplicable => "NOT_APPLICABLE",
            Self::Manual => "MANUAL",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How much an exception matters: exposure × privilege × reversibility.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Note only.
    Informational,
    /// Hygiene.
    Low,
    /// Weakens a control.
    Medium,
    /// Opens a way in.
    High,
    /// Open now, or not to be undone.
    Critical,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Informational];

    /// The word of every file and page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Informational => "informational",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a rule concludes from facts that are all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Criterion met.
    Pass,
    /// Exception.
    Fail,
    /// Outside the criterion.
    NotApplicable,
    /// The engine cannot conclude.
    Undecided,
    /// No API that is read can answer; a person must.
    Manual,
}

impl From<Verdict> for Status {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Fail,
            Verdict::NotApplicable => Self::NotApplicable,
            Verdict::Undecided => Self::Undecided,
            Verdict::Manual => Self::Manual,
        }
    }
}

/// A verdict with its reason and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The conclusion.
    pub verdict: Verdict,
    /// One sentence that names the facts.
    pub reason: Cow<'static, str>,
    /// Where the facts stand.
    pub evidence: Vec<Source>,
    /// The policy statements that decide.
    pub statements: Vec<StatementReference>,
    /// Results under other parameters.
    pub aspects: Vec<Aspect>,
    /// How much an exception matters; absent: as much as the check says.
    pub severity: Option<Severity>,
    /// Who gets what an exception gives, where documents are judged.
    pub principals: Option<Box<AffectedPrincipals>>,
}

impl Judgement {
    fn new(verdict: Verdict, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
            evidence: Vec::new(),
            statements: Vec::new(),
            aspects: Vec::new(),
            severity: None,
            principals: None,
        }
    }

    /// The criterion is met.
    pub fn pass(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Pass, reason)
    }

    /// An exception.
    pub fn fail(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Fail, reason)
    }

    /// The resource is outside the criterion.
    pub fn not_applicable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::NotApplicable, reason)
    }

    /// The engine cannot conclude.
    pub fn undecided(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Undecided, reason)
    }

    /// A person must answer.
    pub fn manual(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Manual, reason)
    }

    /// Adds a place that the verdict rests on.
    #[must_use]
    pub fn because_of(mut self, source: &Source) -> Self {
        self.evidence.push(source.clone());
        self
    }

    /// Adds the places that the verdict rests on.
    #[must_use]
    pub fn because_of_all<'a>(mut self, sources: impl IntoIterator<Item = &'a Source>) -> Self {
        self.evidence.extend(sources.into_iter().cloned());
        self
    }

    /// Adds deciding statements.
    #[must_use]
    pub fn by_statements(mut self, statements: impl IntoIterator<Item = StatementReference>) -> Self {
        self.statements.extend(statements);
        self
    }

    /// Says how much the exception matters, where that is not the same for all exceptions of the check.
    #[must_use]
    pub fn graded(mut self, severity: Option<Severity>) -> Self {
        self.severity = severity;
        self
    }

    /// Adds a result under other parameters.
    #[must_use]
    pub fn with_aspect(mut self, aspect: Aspect) -> Self {
        self.aspects.push(aspect);
        self
    }
}

/// A statement of a policy, named by position because Sids may be absent or repeat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatementReference {
    /// ARN of a managed policy, name of an inline or key policy.
    pub policy: String,
    /// Position in `Statement`, from 0.
    pub index: usize,
    /// `Sid`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: String,
}

/// The result of a check under parameters other than its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aspect {
    /// Name of the aspect.
    pub name: String,
    /// Its parameters, for people.
    pub parameters: String,
    /// The status under them.
    pub status: Status,
}

/// Whether a waiver is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaiverState {
    /// It is.
    Active,
    /// It was, until a day that is past.
    Lapsed,
    /// It will be, from a day to come.
    NotYetEffective,
}

impl WaiverState {
    /// The word of every file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Lapsed => "lapsed",
            Self::NotYetEffective => "not_yet_effective",
        }
    }
}

/// The waiver that means an exception: the one that waives it, or else one that did or will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaiverReference {
    /// Its name in the file of waivers.
    pub id: String,
    /// Why the exception is waived.
    pub kind: &'static str,
    /// Whether it is in force; only then the finding is WAIVED.
    pub state: WaiverState,
    /// Who answers for the risk.
    pub owner: String,
    /// Who approved it.
    pub approver: String,
    /// When.
    pub approved_on: Date,
    /// The first day on which it is in force.
    pub effective_from: Date,
    /// The last.
    pub expires_on: Date,
    /// Ids of the frameworks for which it counts; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frameworks: Vec<String>,
    /// Where it was decided; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ticket: String,
}

impl WaiverReference {
    /// What it comes to for its finding, as one phrase.
    pub fn words(&self) -> String {
        let Self { id, effective_from, expires_on, .. } = self;
        match self.state {
            WaiverState::Active => format!("waived by {id} until {expires_on}"),
            WaiverState::Lapsed => format!("waiver {id} lapsed {expires_on}"),
            WaiverState::NotYetEffective => format!("waiver {id} begins {effective_from}"),
        }
    }
}

/// Who gets what a policy gives: those to whom it attaches, and how far the access comes through boundaries, policies of the
/// organization and key policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AffectedPrincipals {
    /// Those who get it, always or under conditions.
    pub count: usize,
    /// Those of whom it is not known whether they get it.
    pub possible: usize,
    /// Those whom something else keeps from it.
    pub denied: usize,
    /// Whether users, groups and roles were all read; else there may be more.
    pub complete: bool,
    /// The first of them: the widest access first, then by ARN.
    pub principals: Vec<AffectedPrincipal>,
}

/// One of those to whom a policy attaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AffectedPrincipal {
    /// ARN of a user or role.
    pub principal_arn: String,
    /// `allowed`, `allowed_if_chosen`, `via_service`, `conditional`, `possible` or `denied`.
    pub access: &'static str,
    /// The action of which this is said, one of those that the policy gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// A key or role on which, as an example; absent for what no policy names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_arn: Option<String>,
    /// What keeps it from the access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<&'static str>,
}

/// One line of `findings.ndjson`. An audit makes millions: what few have is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Identity across quarters: see [`CheckIdentity::fingerprint`].
    pub fingerprint: String,
    /// The check.
    pub check_id: &'static str,
    /// Its status.
    pub status: Status,
    /// The status without the waiver, for WAIVED.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub underlying_status: Option<Status>,
    /// How much an exception matters.
    pub severity: Severity,
    /// Partition.
    #[serde(serialize_with = "shared")]
    pub partition: Arc<str>,
    /// Account of 12 digits.
    #[serde(serialize_with = "shared")]
    pub account_id: Arc<str>,
    /// Its name.
    #[serde(serialize_with = "shared")]
    pub account_name: Arc<str>,
    /// Its path in the organization; empty when unknown.
    #[serde(serialize_with = "shared")]
    pub ou_path: Arc<str>,
    /// Region, or `global`.
    #[serde(serialize_with = "shared")]
    pub region: Arc<str>,
    /// CloudFormation's name of the type.
    pub resource_type: &'static str,
    /// ARN of the resource.
    #[serde(serialize_with = "shared")]
    pub resource_arn: Arc<str>,
    /// Name for people; the grant id for grants.
    #[serde(serialize_with = "shared")]
    pub resource_name: Arc<str>,
    /// One sentence that names the facts.
    pub reason: Cow<'static, str>,
    /// Results under other parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aspects: Vec<Aspect>,
    /// What the status rests on. An audit says the same of a datum in dozens of findings, which share it.
    #[serde(serialize_with = "shared_each")]
    pub evidence: Vec<Arc<Evidence>>,
    /// The policy statements that decide.
    pub statements: Vec<StatementReference>,
    /// Who gets what an exception gives, where documents are judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected_principals: Option<Box<AffectedPrincipals>>,
    /// Mapped controls, `framework:control`.
    #[serde(serialize_with = "shared")]
    pub controls: Arc<[String]>,
    /// What to do, one line.
    pub remediation: Cow<'static, str>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// The waiver that means it, for exceptions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Box<WaiverReference>>,
}

/// What identifies the findings of one check in one account across quarters; a [`ResourceIdentity`] tells one from the others. No
/// array index, Sid or message text is part of either.
#[derive(Debug, Clone)]
pub struct CheckIdentity(Running);

impl CheckIdentity {
    /// Of a check in an account of 12 digits.
    pub fn new(check_id: &str, partition: &str, account_id: &str) -> Self {
        let canonical = canonical(&["v1", check_id, partition, account_id]);
        Self(Running::default().with(canonical.strip_suffix(']').unwrap_or(&canonical).as_bytes()))
    }

    /// SHA-256 over the canonical JSON (RFC 8785) of the identity: one array of both parts.
    pub fn fingerprint(&self, resource: &ResourceIdentity) -> String {
        self.0.clone().with(resource.0.as_bytes()).finish()
    }
}

/// What identifies a resource: the second part of the identity of findings.
#[derive(Debug, Clone)]
pub struct ResourceIdentity(String);

impl ResourceIdentity {
    /// `region`: or `global`. `discriminator`: what tells findings of one ARN apart: grant id, or the API whose answer is missing;
    /// usually empty.
    pub fn new(region: &str, resource_type: &str, arn: &str, discriminator: &str) -> Self {
        Self(canonical(&[region, resource_type, arn, discriminator]).replacen('[', ",", 1))
    }
}

/// An array of strings is canonical as serde_json prints it. The other way prints the same and cannot fail, but takes longer.
fn canonical(parts: &[&str]) -> String {
    serde_json::to_string(parts).unwrap_or_else(|_| serde_json::json!(parts).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_digest_of_one_array_and_depends_on_every_part_of_it() {
        let base = ["c", "aws", "111122223333", "global", "t", "a\"]", "["];
        let of = |[check, partition, account, region, resource_type, arn, discriminator]: [&str; 7]| {
            let resource = ResourceIdentity::new(region, resource_type, arn, discriminator);
            CheckIdentity::new(check, partition, account).fingerprint(&resource)
        };
        let canonical = r#"["v1","c","aws","111122223333","global","t","a\"]","["]"#;
        assert_eq!(of(base), crate::digest::sha256(canonical.as_bytes()));
        let changed = (0..base.len()).map(|place| {
            let mut parts = base;
            parts[place] = "x";
            of(parts)
        });
        let all: std::collections::BTreeSet<String> = changed.chain([of(base)]).collect();
        assert_eq!(all.len(), 8);
    }
}
