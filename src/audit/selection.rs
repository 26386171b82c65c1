//! What an audit is narrowed to, and what that leaves out of it.
//!
//! **Invariant:** a selection decides what is judged, never how: a finding that stays is the same, byte for byte. What it leaves
//! out is counted, and a control of which it left something out gets no conclusion.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Serialize, Serializer};

use crate::checks::{CHECKS, Check, Rule, Service};
use crate::finding::Severity;
use crate::frameworks::Framework;
use crate::model::Tags;

/// What an audit is narrowed to. Each part narrows what the others leave; one that is empty narrows nothing. It is written as it
/// stands under `[audit]` in a configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// Ids of the checks to run.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub checks: BTreeSet<&'static str>,
    /// Ids of the checks not to run.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub skip_checks: BTreeSet<&'static str>,
    /// Ids of the frameworks to report; checks that none of them maps do not run.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub frameworks: BTreeSet<String>,
    /// The least severity of the checks to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The services whose state is judged.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<Service>,
    /// Ids of the accounts to audit.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub accounts: BTreeSet<String>,
    /// Roots and units below which the accounts to audit lie: id and path of names.
    #[serde(rename = "organizational_units", skip_serializing_if = "BTreeMap::is_empty", serialize_with = "ids")]
    pub units: BTreeMap<String, String>,
    /// The tags that a resource must carry, all of them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<Tag>,
    /// What `accounts` and `units` come to in the snapshot: ids of accounts; none if neither narrows.
    #[serde(skip)]
    pub within: Option<BTreeSet<String>>,
    /// Those of them that may lie below the units: their place in the organization is not known.
    #[serde(skip)]
    pub unplaced: BTreeSet<String>,
}

/// The selection that leaves nothing out.
pub static EVERYTHING: Selection = Selection {
    checks: BTreeSet::new(),
    skip_checks: BTreeSet::new(),
    frameworks: BTreeSet::new(),
    severity: None,
    services: BTreeSet::new(),
    accounts: BTreeSet::new(),
    units: BTreeMap::new(),
    tags: BTreeSet::new(),
    within: None,
    unplaced: BTreeSet::new(),
};

/// A tag that a resource must carry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Its key, letter by letter.
    pub key: String,
    /// Its value; any if there is none.
    pub value: Option<String>,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.key),
            None => f.write_str(&self.key),
        }
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn ids<S: Serializer>(units: &BTreeMap<String, String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(units.keys())
}

/// What is known of the tags of a resource.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tagged<'a> {
    /// All of them.
    Read(&'a Tags),
    /// Nothing: a call failed, or was denied.
    NotRead,
    /// That there are none: AWS puts no tags on such resources.
    Never,
    /// Nothing: no call that a snapshot holds tells them.
    NotAsked,
}

/// Whether a resource is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is selected.
    Selected,
    /// It is judged because it may be selected.
    MayBe,
    /// It is not selected.
    Without,
    /// It is not judged although it may be selected.
    NotKnown,
}

/// Ids that words name at most.
const NAMED: usize = 12;

impl Selection {
    /// Whether everything is selected.
    pub fn is_empty(&self) -> bool {
        *self == EVERYTHING
    }

    /// The checks to run, in report order.
    pub fn checks(&self, frameworks: &[Framework]) -> Vec<&'static Check> {
        let mapped = |check: &Check| {
            let mut reported = frameworks.iter().filter(|framework| self.frameworks.contains(&framework.id));
            reported.any(|framework| framework.checks().contains(check.id))
        };
        let wants = |check: &&'static Check| {
            (self.checks.is_empty() || self.checks.contains(check.id))
                && !self.skip_checks.contains(check.id)
                && self.severity.is_none_or(|least| check.severity >= least)
                && check.rules.iter().any(|rule| self.wants_rule(check, *rule))
                && (self.frameworks.is_empty() || mapped(check))
        };
        CHECKS.iter().copied().filter(wants).collect()
    }

    /// Whether a rule of a check that runs is to run.
    pub fn wants_rule(&self, check: &Check, rule: Rule) -> bool {
        self.services.is_empty() || self.services.contains(&check.service(rule))
    }

    /// Whether the controls of a framework are reported.
    pub fn wants_framework(&self, framework: &Framework) -> bool {
        self.frameworks.is_empty() || self.frameworks.contains(&framework.id)
    }

    /// Whether an account is audited.
    pub fn wants_account(&self, id: &str) -> bool {
        self.within.as_ref().is_none_or(|within| within.contains(id))
    }

    /// Whether a resource with these tags is judged.
    pub(super) fn place(&self, tagged: Tagged<'_>) -> Place {
        let carries = |tags: &Tags, tag: &Tag| {
            let value = tags.get(&tag.key);
            value.is_some_and(|value| tag.value.as_ref().is_none_or(|wanted| wanted == value))
        };
        match tagged {
            _ if self.tags.is_empty() => Place::Selected,
            Tagged::Read(tags) if self.tags.iter().all(|tag| carries(tags, tag)) => Place::Selected,
            Tagged::Read(_) | Tagged::Never => Place::Without,
            Tagged::NotRead => Place::MayBe,
            Tagged::NotAsked => Place::NotKnown,
        }
    }

    /// What is selected, in phrases; none if everything is.
    pub fn words(&self) -> Vec<String> {
        let mut phrases = Vec::new();
        let mut say = |words: &str, names: Vec<String>| {
            if !names.is_empty() {
                phrases.push(format!("{words} {}", named(&names)));
            }
        };
        say("checks", self.checks.iter().map(ToString::to_string).collect());
        say("no checks", self.skip_checks.iter().map(ToString::to_string).collect());
        let or_worse = |least: &Severity| match least {
            Severity::Critical => least.to_string(),
            _ => format!("{least} or worse"),
        };
        say("checks of severity", self.severity.iter().map(or_worse).collect());
        say("frameworks and the checks mapped to them:", self.frameworks.iter().cloned().collect());
        say("services", self.services.iter().map(|it| it.word().to_owned()).collect());
        say("accounts", self.accounts.iter().cloned().collect());
        say("accounts below", self.units.iter().map(|(id, path)| format!("{path} ({id})")).collect());
        say("accounts of which the place is not known:", self.unplaced.iter().cloned().collect());
        say("resources that carry", self.tags.iter().map(|tag| format!("the tag {tag}")).collect());
        phrases
    }
}

/// Names with commas; beyond [`NAMED`] their number.
fn named(names: &[String]) -> String {
    match names.get(NAMED..) {
        None | Some([]) => names.join(", "),
        Some(more) => format!("{} and {} more", names[..NAMED].join(", "), more.len()),
    }
}

/// What a selection left out of an audit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Omitted {
    /// Checks that did not run, in report order.
    pub checks: Vec<&'static str>,
    /// Checks that ran over a part of what they judge: the rest belongs to other services.
    pub parts_of_checks: Vec<&'static str>,
    /// Accounts that were not audited, by id.
    pub accounts: Vec<String>,
    /// What tags left out.
    pub by_tag: ByTag,
}

/// What tags left out, counted as findings: one for each check and resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ByTag {
    /// Of resources that do not carry the tags.
    pub without: u64,
    /// By check, of resources whose tags no call tells that a snapshot holds: accounts, managed policies, certificates. They may
    /// carry the tags.
    pub not_known: BTreeMap<&'static str, u64>,
    /// Not left out although the tags of the resource could not be read.
    pub kept: u64,
}

impl Omitted {
    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a check ran without something that it judges and that may belong to what is selected, or of which its controls ask.
    pub fn is_cut(&self, check_id: &str) -> bool {
        self.parts_of_checks.contains(&check_id) || self.by_tag.not_known.contains_key(check_id)
    }

    /// What was left out, in phrases, out of so many accounts.
    pub fn words(&self, accounts: usize) -> Vec<String> {
        let mut phrases = Vec::new();
        let of = |number: usize, all: usize, things: &str| format!("{number} of {all} {things}");
        if !self.checks.is_empty() {
            phrases.push(of(self.checks.len(), CHECKS.len(), "checks"));
        }
        if !self.parts_of_checks.is_empty() {
            phrases.push(format!("the documents of other services in {} checks", self.parts_of_checks.len()));
        }
        if !self.accounts.is_empty() {
            phrases.push(of(self.accounts.len(), accounts, "accounts"));
        }
        phrases.extend(self.by_tag.words());
        phrases
    }
}

impl ByTag {
    pub(super) fn add(&mut self, other: &Self) {
        self.without += other.without;
        self.kept += other.kept;
        for (check, count) in &other.not_known {
            *self.not_known.entry(check).or_default() += count;
        }
    }

    /// Number of findings of resources whose tags are not known.
    pub fn unknown(&self) -> u64 {
        self.not_known.values().sum()
    }

    fn words(&self) -> Vec<String> {
        let mut phrases = Vec::new();
        if self.without > 0 {
            phrases.push(format!("{} results of resources without the tags", self.without));
        }
        if self.unknown() > 0 {
            phrases.push(format!(
                "{} results of resources whose tags a snapshot does not hold, which may carry them",
                self.unknown()
            ));
        }
        phrases
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::find;
    use crate::frameworks;

    fn chosen(selection: &Selection) -> Vec<&'static str> {
        selection.checks(frameworks::all().unwrap()).iter().map(|check| check.id).collect()
    }

    #[test]
    fn everything_is_selected_unless_something_narrows() {
        let everything = Selection::default();
        assert!(everything.is_empty() && everything.words().is_empty());
        assert_eq!(chosen(&everything).len(), CHECKS.len());
        assert!(everything.wants_account("111122223333"));
        assert_eq!(everything.place(Tagged::NotAsked), Place::Selected);
    }

    #[test]
    fn each_part_narrows_what_the_others_leave() {
        let mut selection = Selection { severity: Some(Severity::Critical), ..Selection::default() };
        let critical = chosen(&selection);
        assert!(!critical.is_empty() && critical.iter().all(|id| find(id).unwrap().severity == Severity::Critical));
        selection.services = BTreeSet::from([Service::Kms]);
        let of_kms = chosen(&selection);
        assert!(of_kms.len() < critical.len() && of_kms.iter().all(|id| critical.contains(id)), "{of_kms:?}");
        selection.skip_checks = BTreeSet::from(["kms-key-policy-public"]);
        assert!(of_kms.contains(&"kms-key-policy-public") && !chosen(&selection).contains(&"kms-key-policy-public"));
        selection.checks = BTreeSet::from(["iam-root-mfa"]);
        assert_eq!(chosen(&selection), [""; 0]);
    }

    #[test]
    fn a_framework_selects_the_checks_that_it_maps() {
        let selection = Selection { frameworks: BTreeSet::from(["aws-fsbp".to_owned()]), ..Selection::default() };
        let mapped = frameworks::find(frameworks::all().unwrap(), "aws-fsbp").unwrap().checks();
        assert_eq!(chosen(&selection).into_iter().collect::<BTreeSet<_>>(), mapped);
        let other = frameworks::find(frameworks::all().unwrap(), "cis-aws-7.0.0").unwrap();
        assert!(!selection.wants_framework(other));
    }

    #[test]
    fn every_check_belongs_to_a_service_and_those_of_documents_to_several() {
        for check in CHECKS {
            let services: BTreeSet<Service> = check.rules.iter().map(|rule| check.service(*rule)).collect();
            assert!(services.len() == 1 || check.id.starts_with("policy-"), "{}: {services:?}", check.id);
        }
        let of_documents = find("policy-unknown-action").unwrap();
        let kms = Selection { services: BTreeSet::from([Service::Kms]), ..Selection::default() };
        let (some, all) = (
            of_documents.rules.iter().filter(|rule| kms.wants_rule(of_documents, **rule)).count(),
            of_documents.rules.len(),
        );
        assert!(some > 0 && some < all, "{some} of {all} rules");
    }

    #[test]
    fn a_resource_whose_tags_are_not_known_is_never_taken_for_one_without() {
        let tag = |value: Option<&str>| Tag { key: "team".to_owned(), value: value.map(str::to_owned) };
        let selection = |tags: &[Tag]| Selection { tags: tags.iter().cloned().collect(), ..Selection::default() };
        let tags = Tags::from([("team".to_owned(), "payments".to_owned())]);
        for (asked, expected) in [
            (vec![tag(None)], Place::Selected),
            (vec![tag(Some("payments"))], Place::Selected),
            (vec![tag(Some("claims"))], Place::Without),
            (vec![tag(None), Tag { key: "Team".to_owned(), value: None }], Place::Without),
        ] {
            assert_eq!(selection(&asked).place(Tagged::Read(&tags)), expected, "{asked:?}");
        }
        let asked = selection(&[tag(None)]);
        assert_eq!(asked.place(Tagged::Never), Place::Without);
        assert_eq!(asked.place(Tagged::NotRead), Place::MayBe);
        assert_eq!(asked.place(Tagged::NotAsked), Place::NotKnown);
    }

    #[test]
    fn long_lists_are_counted() {
        let accounts = (0..20).map(|it| format!("{it:012}")).collect();
        let words = Selection { accounts, ..Selection::default() }.words();
        assert!(words[0].starts_with("accounts 000000000000, ") && words[0].ends_with(" and 8 more"), "{words:?}");
    }
}
