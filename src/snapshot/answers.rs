//! The calls of one file, and what they say about a missing or incomplete answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::file::{Call, Outcome};
use crate::model::{Document, Fact, Gap, GapKind, Listing, Provenance, RecordedCall, Source};

/// The calls of one snapshot file by API and resource.
pub(super) struct Answers {
    file: Arc<str>,
    calls: BTreeMap<Asked, Vec<(usize, Call)>>,
}

/// API and resource. Its calls stand with their position in the file.
type Asked = (String, Vec<String>);

impl Answers {
    /// Sorts the calls of a file.
    pub(super) fn new(file: Arc<str>, calls: Vec<Call>) -> Self {
        let mut sorted: BTreeMap<Asked, Vec<(usize, Call)>> = BTreeMap::new();
        for (index, call) in calls.into_iter().enumerate() {
            sorted.entry((call.api.clone(), call.resource.clone())).or_default().push((index, call));
        }
        Self { file, calls: sorted }
    }

    /// Notes every call for the evidence of findings.
    pub(super) fn record(&self, provenance: &mut Provenance) {
        for ((api, resource), calls) in &self.calls {
            for (index, call) in calls {
                let recorded = RecordedCall {
                    index: *index,
                    is_complete: call.outcome.is_complete(),
                    parameters: call.parameters.clone(),
                    request_id: call.request_id.clone(),
                    time: call.time,
                    items: call.items.clone(),
                };
                provenance.call(self.file.clone(), api.clone(), resource.clone(), recorded);
            }
        }
    }

    /// The place of a response.
    pub(super) fn source(&self, api: &'static str, resource: &[&str], pointer: String) -> Source {
        let resource = resource.iter().map(|part| (*part).to_owned()).collect();
        Source { file: self.file.clone(), api, resource, pointer: pointer.into() }
    }

    fn calls(&self, api: &str, resource: &[&str]) -> impl Iterator<Item = &Call> {
        let resource: Vec<String> = resource.iter().map(|part| (*part).to_owned()).collect();
        self.calls.get(&(api.to_owned(), resource)).into_iter().flatten().map(|(_, call)| call)
    }

    /// Whether AWS answered, and said that there is nothing.
    pub(super) fn is_empty(&self, api: &str, resource: &[&str]) -> bool {
        let mut calls = self.calls(api, resource).peekable();
        calls.peek().is_some() && calls.all(|call| call.outcome == Outcome::Empty)
    }

    /// The gap of a call that did not end well, if one did not.
    pub(super) fn gap(&self, api: &str, resource: &[&str]) -> Option<Gap> {
        let worst = self.calls(api, resource).filter(|call| !call.outcome.is_complete());
        worst.max_by_key(|call| call.outcome).map(gap_of)
    }

    /// A single answer, or why there is none.
    pub(super) fn fact<T>(&self, api: &str, resource: &[&str], answer: Option<T>) -> Fact<T> {
        match (self.gap(api, resource), answer) {
            (Some(gap), _) => Err(gap),
            (None, Some(answer)) if self.calls(api, resource).next().is_some() => Ok(answer),
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
        if self.calls(api, resource).next().is_none() {
            return Some("no call is recorded for it".to_owned());
        }
        let calls = self.calls(api, resource);
        let mut ranges: Vec<(usize, usize)> = calls.filter_map(|call| call.items.get(list).copied()).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "kms:ListKeys";

    fn page(page: u32, outcome: Outcome, from: usize, to: usize) -> Call {
        Call {
            api: API.to_owned(),
            resource: Vec::new(),
            parameters: BTreeMap::new(),
            page,
            time: jiff::Timestamp::UNIX_EPOCH,
            request_id: None,
            outcome,
            code: None,
            message: None,
            items: BTreeMap::from([("Keys".to_owned(), (from, to))]),
        }
    }

    fn listing(calls: Vec<Call>, items: Option<usize>) -> Listing<usize> {
        let items = items.map(|count| (0..count).collect());
        Answers::new("f".into(), calls).listing(API, &[], "Keys", items)
    }

    #[test]
    fn pages_that_add_up_make_a_whole_list() {
        use Outcome::{Collected, Empty};
        assert!(listing(vec![page(2, Collected, 2, 3), page(1, Collected, 0, 2)], Some(3)).whole().is_ok());
        assert!(listing(vec![page(1, Empty, 0, 0)], Some(0)).whole().is_ok());
        assert!(listing(vec![page(1, Empty, 0, 0)], None).whole().is_ok());
    }

    #[test]
    fn a_missing_page_a_missing_call_and_a_failed_page_are_gaps() {
        use Outcome::{Collected, Denied, Truncated};
        let cases = [
            (vec![page(1, Collected, 0, 2)], Some(3), GapKind::Truncated),
            (vec![page(2, Collected, 2, 3)], Some(3), GapKind::Truncated),
            (vec![page(1, Collected, 0, 2), page(3, Collected, 3, 4)], Some(4), GapKind::Truncated),
            (vec![], Some(0), GapKind::Truncated),
            (vec![], None, GapKind::NotCollected),
            (vec![page(1, Collected, 0, 2), page(2, Truncated, 2, 2)], Some(2), GapKind::Truncated),
            (vec![page(1, Denied, 0, 0)], None, GapKind::Denied),
        ];
        for (calls, items, kind) in cases {
            let listing = listing(calls.clone(), items);
            assert_eq!(listing.gap().map(|gap| gap.kind), Some(kind), "{calls:?} {items:?}");
            assert_eq!(listing.known().len(), items.unwrap_or(0));
        }
    }
}
