//! What the report keeps of a key while accounts are read: what decisions do not need and readers do.

use std::collections::BTreeMap;

use crate::audit::AuditedAccount;
use crate::checks::not_rotated;
use crate::model::{self, Evidence, Fact, GapKind, KeyMetadata, RotationStatus};
use crate::report::table::not_known;

/// What is kept of every key, by ARN.
pub(in crate::report) type AllFacts = BTreeMap<String, KeyFacts>;

/// What is kept of a key.
#[derive(Debug, Clone)]
pub(in crate::report) struct KeyFacts {
    /// `DescribeKey`, or why it is not known.
    pub(super) metadata: Fact<KeyMetadata>,
    /// Rotation in words.
    pub(super) rotation: String,
    /// Where the key and its description were read.
    pub(super) evidence: Vec<Evidence>,
    /// Where each key policy that is one was read, in the order in which decisions take them.
    pub(super) policies: Vec<Evidence>,
    /// Its grants.
    pub(super) grants: Vec<GrantFacts>,
}

/// What is kept of a grant.
#[derive(Debug, Clone)]
pub(in crate::report) struct GrantFacts {
    /// The grant.
    pub(super) grant: model::Grant,
    /// Where it was read.
    pub(super) evidence: Evidence,
}

/// Keeps what the report needs of the keys of an account.
pub(in crate::report) fn keep(all: &mut AllFacts, audited: &AuditedAccount) {
    let provenance = &audited.facts.provenance;
    for key in audited.facts.regions.values().flat_map(|kms| kms.keys.known()) {
        let sources = key.metadata.iter().map(|metadata| &metadata.source).chain([&key.source]);
        let grants = key.grants.known().iter();
        let policies = key.policies.known().iter().filter(|policy| policy.document.is_ok());
        let facts = KeyFacts {
            metadata: key.metadata.clone(),
            rotation: rotation(key).words(),
            evidence: sources.map(|source| provenance.evidence(source)).collect(),
            policies: policies.map(|policy| provenance.evidence(&policy.source)).collect(),
            grants: grants
                .map(|grant| GrantFacts { grant: grant.clone(), evidence: provenance.evidence(&grant.source) })
                .collect(),
        };
        all.insert(key.arn.clone(), facts);
    }
}

/// The rotation of a key, for pages and tables.
pub(in crate::report) struct RotationOf<'a> {
    key: &'a model::Key,
    /// Why KMS does not rotate the key by a setting of its own, so that nobody asked, if that is so.
    exempt: Option<String>,
}

/// The rotation of a key.
pub(in crate::report) fn rotation(key: &model::Key) -> RotationOf<'_> {
    let is_asked = key.rotation.as_ref().err().is_none_or(|gap| gap.kind != GapKind::NotCollected);
    let metadata = key.metadata.as_ref().ok().filter(|_| !is_asked);
    RotationOf { key, exempt: metadata.and_then(not_rotated) }
}

impl RotationOf<'_> {
    /// All in a few words.
    fn words(&self) -> String {
        match (&self.key.rotation, &self.exempt) {
            (Ok(RotationStatus { enabled: true, period_in_days: Some(days), .. }), _) => {
                format!("on, every {days} days")
            }
            (Err(_), Some(_)) => "not asked".to_owned(),
            _ => self.state(),
        }
    }

    /// Whether KMS rotates it by itself.
    pub(in crate::report) fn state(&self) -> String {
        match (&self.key.rotation, &self.exempt) {
            (Ok(status), _) => if status.enabled { "on" } else { "off" }.to_owned(),
            (Err(_), Some(reason)) => format!("none: {reason}"),
            (Err(gap), None) => not_known(gap),
        }
    }

    /// Days from one rotation to the next; nothing where it is off.
    pub(in crate::report) fn period(&self) -> String {
        self.on(|status| status.period_in_days.map(|days| days.to_string()))
    }

    /// When it will be rotated next; nothing where AWS does not say.
    pub(in crate::report) fn next(&self) -> String {
        self.on(|status| status.next.map(|time| time.to_string()))
    }

    fn on(&self, words: impl FnOnce(&RotationStatus) -> Option<String>) -> String {
        match (&self.key.rotation, &self.exempt) {
            (Ok(status), _) => Some(status).filter(|status| status.enabled).and_then(words).unwrap_or_default(),
            (Err(_), Some(_)) => String::new(),
            (Err(gap), None) => not_known(gap),
        }
    }

    /// When it was last rotated: `never` where AWS lists no rotation, nothing where nobody asked.
    pub(in crate::report) fn last(&self) -> String {
        match self.key.rotations.whole() {
            Ok(rotations) => {
                let last = rotations.iter().filter_map(|rotation| rotation.date).max();
                last.map_or_else(|| "never".to_owned(), |time| time.to_string())
            }
            Err(gap) if gap.kind == GapKind::NotCollected && self.exempt.is_some() => String::new(),
            Err(gap) => not_known(&gap),
        }
    }
}
