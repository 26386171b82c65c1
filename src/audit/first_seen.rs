//! Since when findings are known.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// When findings of an earlier audit were first seen, by fingerprint. The one thing of which an audit keeps something for every
/// finding: about 150 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstSeen(BTreeMap<String, Timestamp>);

impl FirstSeen {
    /// Notes a finding.
    pub fn insert(&mut self, fingerprint: String, time: Timestamp) {
        self.0.insert(fingerprint, time);
    }

    /// When a finding was first seen, if it was.
    pub fn get(&self, fingerprint: &str) -> Option<Timestamp> {
        self.0.get(fingerprint).copied()
    }
}
