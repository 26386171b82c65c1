//! Requests and what is recorded of them: every request is a line of provenance, every answer goes into the file or is a gap.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::future::Future;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use jiff::Timestamp;
use serde::Serialize;

use super::Error;
use super::failure::{Consequence, Failure};
use crate::snapshot::{Call, Outcome, SnapshotFile};

/// Most pages that one list may have. AWS's longest have some thousands.
const MAX_PAGES: u32 = 100_000;

/// The present, for the time of a call.
#[expect(clippy::disallowed_methods, reason = "a call is recorded with the time of its answer")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// A request, as it is recorded.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    api: &'static str,
    resource: Vec<String>,
    parameters: BTreeMap<String, String>,
    meaning: &'static [(&'static str, Outcome)],
    every_page: bool,
}

impl Ask {
    /// A request about the whole account or Region. `api` is one of [`crate::snapshot::operations::OPERATIONS`].
    pub(super) fn new(api: &'static str) -> Self {
        Self { api, resource: Vec::new(), parameters: BTreeMap::new(), meaning: &[], every_page: false }
    }

    /// The request is about one resource.
    pub(super) fn about(mut self, resource: &[&str]) -> Self {
        self.resource = resource.iter().map(|part| (*part).to_owned()).collect();
        self
    }

    /// A parameter that shapes the answer.
    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.parameters.insert(name.to_owned(), value.to_string());
        self
    }

    /// Error codes by which AWS states a fact about this request: that there is nothing (`Empty`), or that the question does not
    /// arise in the resource's state (`Skipped`).
    pub(super) fn meaning(mut self, meaning: &'static [(&'static str, Outcome)]) -> Self {
        self.meaning = meaning;
        self
    }

    /// All pages are read even where a [sample](Recorder::sample) suffices.
    pub(super) fn every_page(mut self) -> Self {
        self.every_page = true;
        self
    }

    /// The member of the file that holds the answer.
    fn operation(&self) -> &'static str {
        self.api.split_once(':').map_or(self.api, |(_, operation)| operation)
    }

    /// The record of one answer.
    pub(super) fn call(&self, page: u32, outcome: Outcome, request_id: Option<&str>) -> Call {
        Call {
            api: self.api.to_owned(),
            resource: self.resource.clone(),
            parameters: self.parameters.clone(),
            page,
            time: now(),
            request_id: request_id.map(str::to_owned),
            outcome,
            code: None,
            message: None,
            items: BTreeMap::new(),
        }
    }

    /// The record of a failure.
    pub(super) fn failed(&self, page: u32, failure: &Failure) -> Call {
        let stated = self.meaning.iter().find(|(code, _)| failure.code.as_deref() == Some(*code));
        let outcome = stated.map_or(failure.outcome, |(_, outcome)| *outcome);
        Call {
            code: failure.code.clone(),
            message: failure.message.clone(),
            ..self.call(page, outcome, failure.request_id.as_deref())
        }
    }
}

/// Sends a request; once more if the answer was unusable in a way that may pass.
pub(super) async fn send<O, E, F>(request: impl Fn() -> F) -> Result<O, Failure>
where
    F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    E: ProvideErrorMetadata + StdError + 'static,
{
    let first = request().await.map_err(|error| Failure::of(&error));
    match first {
        Err(failure) if failure.consequence == Consequence::AskAgain => {
            request().await.map_err(|error| Failure::of(&error))
        }
        result => result,
    }
}

/// What a page says about the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// There is none.
    End,
    /// It begins here.
    Marker(String),
    /// There is one, but the page does not say where it begins.
    Lost,
}

impl Next {
    /// For lists with `IsTruncated` or `Truncated`, and a marker.
    pub(super) fn after(truncated: bool, marker: Option<String>) -> Self {
        match (truncated, Self::token(marker)) {
            (false, _) => Self::End,
            (true, Self::End) => Self::Lost,
            (true, next) => next,
        }
    }

    /// For lists whose only sign of more is a token.
    pub(super) fn token(token: Option<String>) -> Self {
        token.filter(|token| !token.is_empty()).map_or(Self::End, Self::Marker)
    }
}

/// One page of a list: how many items of which lists it brought, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// Number of items by the name of their list.
    pub(super) items: Vec<(&'static str, usize)>,
    /// The next page.
    pub(super) next: Next,
}

/// The member that an answer lacks although AWS always sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lacks(pub(super) &'static str);

impl Lacks {
    /// What the call came to.
    pub(super) fn failure(self) -> Failure {
        let message = format!("the answer has no usable `{}`", self.0);
        Failure::of_answer(Outcome::Failed, "MalformedAnswer", message)
    }
}

/// Adds the items of a page to those read before.
pub(super) fn extend<T, U>(
    list: &mut Option<Vec<U>>,
    name: &'static str,
    page: Option<Vec<T>>,
    shape: impl FnMut(T) -> U,
) -> Result<(&'static str, usize), Lacks> {
    let page = page.ok_or(Lacks(name))?;
    let brought = page.len();
    list.get_or_insert_default().extend(page.into_iter().map(shape));
    Ok((name, brought))
}

/// As [`extend`], for a list whose items have an identity: what stands on two pages, because the list changed between them or a page
/// came twice, is one item.
pub(super) fn extend_with_new<T, U>(
    list: &mut Option<Vec<U>>,
    name: &'static str,
    page: Option<Vec<T>>,
    shape: impl FnMut(T) -> U,
    identity: impl Fn(&U) -> Option<&str>,
) -> Result<(&'static str, usize), Lacks> {
    let mut new = None;
    extend(&mut new, name, page, shape)?;
    let list = list.get_or_insert_default();
    let known: BTreeSet<String> = list.iter().filter_map(|item| identity(item).map(str::to_owned)).collect();
    let mut new = new.unwrap_or_default();
    new.retain(|item| identity(item).is_none_or(|identity| !known.contains(identity)));
    let brought = new.len();
    list.append(&mut new);
    Ok((name, brought))
}

/// A file of the snapshot while its calls are made.
#[derive(Debug)]
pub(super) struct Recorder {
    file: SnapshotFile,
    unreachable: bool,
    is_sample: bool,
}

impl Recorder {
    /// Begins a file.
    pub(super) fn new(file: SnapshotFile) -> Self {
        Self { file, unreachable: false, is_sample: false }
    }

    /// The same for a sample: first pages, and of resources the first one. Its file is no evidence and is not written.
    pub(super) fn sample(self) -> Self {
        Self { is_sample: true, ..self }
    }

    /// Whether this is a sample.
    pub(super) fn is_sample(&self) -> bool {
        self.is_sample
    }

    /// Of how many resources to ask.
    pub(super) fn most(&self) -> usize {
        if self.is_sample { 1 } else { usize::MAX }
    }

    /// The file as it now is.
    pub(super) fn file(&self) -> &SnapshotFile {
        &self.file
    }

    /// Ends the file.
    pub(super) fn into_file(self) -> SnapshotFile {
        self.file
    }

    /// Whether an endpoint could not be reached at all.
    pub(super) fn is_unreachable(&self) -> bool {
        self.unreachable
    }

    /// Records calls that were made elsewhere for this file.
    pub(super) fn absorb(&mut self, calls: Vec<Call>) {
        for call in calls {
            self.file.record(call);
        }
    }

    /// Puts an answer that was asked for elsewhere.
    pub(super) fn answer(&mut self, operation: &str, answer: &impl Serialize) -> Result<(), Error> {
        Ok(self.file.put(operation, &[], answer)?)
    }

    /// Notes that an operation is asked for each resource, of which there may be none.
    pub(super) fn begin(&mut self, operation: &str) {
        self.file.begin_resources(operation);
    }

    /// Asks for one answer, records it, and returns it in the snapshot's shape. `None` means that the answer is a gap.
    pub(super) async fn one<O, E, F, S>(
        &mut self,
        ask: Ask,
        request: impl Fn() -> F,
        shape: impl FnOnce(O) -> Result<S, Lacks>,
    ) -> Result<Option<S>, Error>
    where
        O: RequestId,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + 'static,
        S: Serialize,
    {
        let answer = match send(request).await {
            Ok(answer) => answer,
            Err(failure) => return self.fail(&ask, 1, &failure).map(|()| None),
        };
        let request_id = answer.request_id().map(str::to_owned);
        match shape(answer) {
            Ok(shaped) => {
                self.file.record(ask.call(1, Outcome::Collected, request_id.as_deref()));
                self.put(&ask, &shaped)?;
                Ok(Some(shaped))
            }
            Err(lacks) => self.fail(&ask, 1, &Failure { request_id, ..lacks.failure() }).map(|()| None),
        }
    }

    /// Asks for all pages of a list, records each, and returns the merged answer. `None` means that not even the first page came;
    /// an answer that is not whole is returned as far as it goes, and the calls say what is missing.
    pub(super) async fn list<O, E, F, S>(
        &mut self,
        ask: Ask,
        request: impl Fn(Option<String>) -> F,
        mut take: impl FnMut(O, &mut S) -> Result<Page, Lacks>,
    ) -> Result<Option<S>, Error>
    where
        O: RequestId,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + 'static,
        S: Serialize + Default,
    {
        let mut pages = Pages::default();
        let mut merged = None;
        loop {
            let marker = pages.marker.clone();
            let answer = match send(|| request(marker.clone())).await {
                Ok(answer) => answer,
                Err(failure) => {
                    self.fail(&ask, pages.number, &failure)?;
                    break;
                }
            };
            let request_id = answer.request_id().map(str::to_owned);
            let mut list = merged.take().unwrap_or_default();
            match take(answer, &mut list) {
                Ok(page) => {
                    merged = Some(list);
                    let (call, more) = pages.turn(&ask, page, request_id.as_deref());
                    self.file.record(call);
                    if !more || (self.is_sample && !ask.every_page) {
                        break;
                    }
                }
                Err(lacks) => {
                    merged = (pages.number > 1).then_some(list);
                    self.fail(&ask, pages.number, &Failure { request_id, ..lacks.failure() })?;
                    break;
                }
            }
        }
        if let Some(merged) = &merged {
            self.put(&ask, merged)?;
        }
        Ok(merged)
    }

    fn put(&mut self, ask: &Ask, answer: &impl Serialize) -> Result<(), Error> {
        let resource: Vec<&str> = ask.resource.iter().map(String::as_str).collect();
        Ok(self.file.put(ask.operation(), &resource, answer)?)
    }

    /// Records a failure, and ends the collection if it must.
    fn fail(&mut self, ask: &Ask, page: u32, failure: &Failure) -> Result<(), Error> {
        if failure.consequence == Consequence::Expired {
            return Err(Error::Expired { api: ask.api, reason: failure.to_string() });
        }
        self.unreachable |= failure.consequence == Consequence::Unreachable;
        self.file.record(ask.failed(page, failure));
        Ok(())
    }
}

/// The state of a list between two pages.
#[derive(Debug)]
struct Pages {
    number: u32,
    marker: Option<String>,
    seen: BTreeSet<String>,
    totals: BTreeMap<&'static str, usize>,
}

impl Default for Pages {
    fn default() -> Self {
        Self { number: 1, marker: None, seen: BTreeSet::new(), totals: BTreeMap::new() }
    }
}

impl Pages {
    /// The record of a page, and whether to ask for the next one.
    fn turn(&mut self, ask: &Ask, page: Page, request_id: Option<&str>) -> (Call, bool) {
        let brought: usize = page.items.iter().map(|(_, items)| items).sum();
        let outcome = if brought == 0 { Outcome::Empty } else { Outcome::Collected };
        let mut call = ask.call(self.number, outcome, request_id);
        for (list, items) in page.items {
            let total = self.totals.entry(list).or_default();
            call.items.insert(list.to_owned(), (*total, *total + items));
            *total += items;
        }
        let truncated = |mut call: Call, code: &str, message: &str| {
            call.outcome = Outcome::Truncated;
            call.code = Some(code.to_owned());
            call.message = Some(message.to_owned());
            (call, false)
        };
        match page.next {
            Next::End => (call, false),
            Next::Lost => {
                truncated(call, "NoMarker", "the page says that more follows but has no marker to ask for it with")
            }
            Next::Marker(marker) if !self.seen.insert(marker.clone()) => {
                truncated(call, "RepeatedMarker", "the page names a marker that was already followed")
            }
            Next::Marker(_) if self.number >= MAX_PAGES => {
                truncated(call, "TooManyPages", "the list has more pages than any list of AWS")
            }
            Next::Marker(marker) => {
                self.number += 1;
                self.marker = Some(marker);
                (call, true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(items: usize, next: Next) -> Page {
        Page { items: vec![("Keys", items)], next }
    }

    #[test]
    fn pages_join_without_a_hole() {
        let (mut pages, ask) = (Pages::default(), Ask::new("kms:ListKeys"));
        let (first, more) = pages.turn(&ask, page(2, Next::after(true, Some("a".to_owned()))), None);
        assert!(more);
        let (second, more) = pages.turn(&ask, page(3, Next::after(false, None)), None);
        assert!(!more);
        assert_eq!((first.page, first.items["Keys"]), (1, (0, 2)));
        assert_eq!((second.page, second.items["Keys"]), (2, (2, 5)));
        assert_eq!(second.outcome, Outcome::Collected);
    }

    #[test]
    fn a_list_that_says_more_without_a_marker_is_truncated() {
        for marker in [None, Some(String::new())] {
            let (call, more) =
                Pages::default().turn(&Ask::new("kms:ListKeys"), page(100, Next::after(true, marker)), None);
            assert_eq!((call.outcome, call.code.as_deref(), more), (Outcome::Truncated, Some("NoMarker"), false));
            assert_eq!(call.items["Keys"], (0, 100), "what was read is kept");
        }
    }

    #[test]
    fn a_marker_that_comes_back_ends_the_list_as_truncated() {
        let (mut pages, ask) = (Pages::default(), Ask::new("kms:ListKeys"));
        for marker in ["a", "b"] {
            assert!(pages.turn(&ask, page(1, Next::Marker(marker.to_owned())), None).1);
        }
        let (call, more) = pages.turn(&ask, page(1, Next::Marker("a".to_owned())), None);
        assert_eq!((call.outcome, call.code.as_deref(), more), (Outcome::Truncated, Some("RepeatedMarker"), false));
    }

    #[test]
    fn what_stands_on_two_pages_is_one_item() {
        let mut list = None;
        let add = |list: &mut Option<Vec<String>>, page: &[&str]| {
            let page = page.iter().map(|it| (*it).to_owned()).collect();
            extend_with_new(list, "Keys", Some(page), |it: String| it, |it| Some(it)).unwrap()
        };
        assert_eq!(add(&mut list, &["a", "b"]), ("Keys", 2));
        assert_eq!(add(&mut list, &["b", "c"]), ("Keys", 1));
        assert_eq!(list.unwrap(), ["a", "b", "c"]);
        assert_eq!(extend_with_new(&mut None, "Keys", None::<Vec<u8>>, |it| it, |_| None), Err(Lacks("Keys")));
    }

    #[test]
    fn an_empty_page_is_a_proven_zero() {
        let (call, _) = Pages::default().turn(&Ask::new("kms:ListKeys"), page(0, Next::End), None);
        assert_eq!(call.outcome, Outcome::Empty);
        assert_eq!(call.items["Keys"], (0, 0));
    }

    #[test]
    fn an_error_code_that_states_a_fact_is_no_gap() {
        let ask = Ask::new("iam:GetAccountPasswordPolicy").meaning(&[("NoSuchEntity", Outcome::Empty)]);
        let none = Failure::of_answer(Outcome::Failed, "NoSuchEntity", "there is none");
        let denied = Failure::of_answer(Outcome::Denied, "AccessDenied", "no");
        assert_eq!(ask.failed(1, &none).outcome, Outcome::Empty);
        assert_eq!(ask.failed(1, &denied).outcome, Outcome::Denied);
    }
}
