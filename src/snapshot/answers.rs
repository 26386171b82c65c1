//! The calls of one file, and what they say about a missing or incomplete answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::file::{Call, Outcome};
use crate::model::{Document, Fact, Gap, GapKind, Listing, Provenance, RecordedCall, Source};

/// The calls of one snapshot file by API and resource.
pub(super) struct Answers {
    file: Arc<str>,
    calls: BTreeMap<(String, Vec<String>), Vec<Call>>,
}

impl Answers {
    /// Sorts the calls of a file.
    pub(super) fn new(file: Arc<str>, calls: Vec<Call>) -> Self {
        let mut sorted: BTreeMap<_, Vec<Call>> = BTreeMap::new();
        for call in calls {
            sorted.entry((call.api.clone(), call.resource.clone())).or_default().push(call);
        }
        Self { file, calls: sorted }
    }

    /// Notes every call for the evidence of findings.
    pub(super) fn record(&self, provenance: &mut Provenance) {
        for ((api, resource), calls) in &self.calls {
            for call in calls {
                let recorded =
                    RecordedCall { request_id: call.request_id.clone(), time: call.time, items: call.items.clone() };
                provenance.call(self.file.clone(), api.clone(), resource.clone(), recorded);
            }
        }
    }

    /// The place of a response.
    pub(super) fn source(&self, api: &'static str, resource: &[&str], pointer: String) -> Source {
        let resource = resource.iter().map(|part| (*part).to_owned()).collect();
        Source { file: self.file.clone(), api, resource, pointer }
    }

    fn calls(&self, api: &str, resource: &[&str]) -> &[Call] {
        let resource: Vec<String> = resource.iter().map(|part| (*part).to_owned()).collect();
        self.calls.get(&(api.to_owned(), resource)).map_or(&[], Vec::as_slice)
    }

    /// Whether AWS answered, and said that there is nothing.
    pub(super) fn is_empty(&self, api: &str, resource: &[&str]) -> bool {
        let calls = self.calls(api, resource);
        !calls.is_empty() && calls.iter().all(|call| call.outcome == Outcome::Empty)
    }

    /// The gap of a call that did not end well, if one did not.
    pub(super) fn gap(&self, api: &str, resource: &[&str]) -> Option<Gap> {
        let worst = self.calls(api, resource).iter().filter(|call| !call.outcome.is_complete());
        worst.max_by_key(|call| call.outcome).map(gap_of)
    }

    /// A single answer, or why there is none.
    pub(super) fn fact<T>(&self, api: &str, resource: &[&str], answer: Option<T>) -> Fact<T> {
        match (self.gap(api, resource), answer) {
            (Some(gap), _) => Err(gap),
            (None, Some(answer)) if !self.calls(api, resource).is_empty() => Ok(answer),
            (None, _) => Err(Gap::not_collected(api, resource)),
        }
    }

    /// A list with the gap that its calls leave: one that did not end well, none at all, or pages that do not add up to the
    /// items that stand here.
    pub(super) fn listing<T>(&self, api: &str, resource: &[&str], list: &str, items: Option<Vec<T>>) -> Listing<T> {
        let gap = self.gap(api, resource);
        match (items, gap) {
            (Some(items), Some(gap)) => Listing::partial(items, gap),
            (None, Some(gap)) => Listing::missing(gap),
            (None, None) if self.is_empty(api, resource) => Listing::complete(Vec::new()),
            (None, None) => Listing::missing(Gap::not_collected(api, resource)),
            (Some(items), None) => match self.uncovered(api, resource, list, items.len()) {
                None => Listing::complete(items),
                Some(message) => {
                    let gap = Gap { kind: GapKind::Truncated, ..Gap::malformed(api, resource, message) };
                    Listing::partial(items, gap)
                }
            },
        }
    }

    /// Why the recorded pages do not bring exactly the items that stand in the file, if they do not.
    fn uncovered(&self, api: &str, resource: &[&str], list: &str, length: usize) -> Option<String> {
        let calls = self.calls(api, resource);
        if calls.is_empty() {
            return Some("no call is recorded for it".to_owned());
        }
        let mut ranges: Vec<(usize, usize)> = calls.iter().filter_map(|call| call.items.get(list).copied()).collect();
        ranges.sort_unstable();
        let mut end = 0;
        for (from, to) in ranges {
            if from != end || to < from {
                return Some(format!("the recorded pages of `{list}` leave a hole at item {end}"));
            }
            end = to;
        }
        (end != length).then(|| format!("the recorded pages of `{list}` bring {end} items, the file holds {length}"))
    }

    /// A policy document out of its JSON text.
    pub(super) fn document(&self, api: &str, resource: &[&str], text: &str) -> Document {
        crate::policy::Document::parse(text)
            .map(Arc::new)
            .map_err(|failed| Gap::malformed(api, resource, format!("not a policy document: {failed}")))
    }
}

/// The gap that a call leaves.
pub(super) fn gap_of(call: &Call) -> Gap {
    let kind = match call.outcome {
        Outcome::Denied => GapKind::Denied,
        Outcome::Truncated => GapKind::Truncated,
        Outcome::Unsupported => GapKind::Unsupported,
        Outcome::Skipped | Outcome::Empty | Outcome::Collected => GapKind::NotCollected,
        Outcome::Failed => GapKind::Failed,
    };
    Gap {
        kind,
        api: call.api.clone(),
        resource: call.resource.clone(),
        code: call.code.clone(),
        message: call.message.clone(),
    }
}
