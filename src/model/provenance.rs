//! Where a fact was read: file, pointer, API, and the request that brought it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// The place of a fact inside a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Path of the file inside the snapshot.
    pub file: Arc<str>,
    /// Service and operation: `kms:DescribeKey`.
    pub api: &'static str,
    /// What the call was about, as in [`crate::model::Gap::resource`].
    pub resource: Arc<[String]>,
    /// JSON pointer (RFC 6901) into the decompressed file.
    pub pointer: Arc<str>,
}

impl Source {
    /// The same source, one member deeper.
    #[must_use]
    pub fn child(&self, member: &str) -> Self {
        Self { pointer: [&self.pointer, "/", &escape(member)].concat().into(), ..self.clone() }
    }
}

/// Escapes one member name for a JSON pointer.
pub fn escape(member: &str) -> Cow<'_, str> {
    match member.contains(['~', '/']) {
        true => member.replace('~', "~0").replace('/', "~1").into(),
        false => member.into(),
    }
}

/// The member name that stands escaped in a JSON pointer.
pub fn unescape(token: &str) -> Cow<'_, str> {
    match token.contains('~') {
        true => token.replace("~1", "/").replace("~0", "~").into(),
        false => token.into(),
    }
}

/// Writes what many hold in common as what it is.
///
/// # Errors
/// When the serializer fails.
pub fn shared<T: Serialize + ?Sized, S: Serializer>(it: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
    it.as_ref().serialize(serializer)
}

/// Writes a list of what many hold in common as what it is.
///
/// # Errors
/// When the serializer fails.
pub fn shared_each<T: Serialize, S: Serializer>(list: &[Arc<T>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(AsRef::as_ref))
}

/// One item of evidence: a fact's place, the digest of the file it lies in, and the request that brought it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Evidence {
    /// Its number in the pack, `EV-KEY-7QK2M4ZP3A`, the same for the same datum in every snapshot; empty until an audit gives it one.
    pub ev_id: String,
    /// Path of the file inside the snapshot.
    #[serde(serialize_with = "shared")]
    pub file: Arc<str>,
    /// SHA-256 of the file as stored.
    #[serde(serialize_with = "shared")]
    pub sha256: Arc<str>,
    /// JSON pointer into the decompressed file.
    #[serde(serialize_with = "shared")]
    pub pointer: Arc<str>,
    /// Service and operation.
    pub api: Cow<'static, str>,
    /// AWS's request id, where AWS gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When the answer arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected_at: Option<Timestamp>,
}

/// One call, as far as evidence needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedCall {
    /// Position in the file's `calls`.
    pub index: usize,
    /// Whether the call brought all that it was made for.
    pub is_complete: bool,
    /// Parameters that shaped the answer, other than what it was about.
    pub parameters: BTreeMap<String, String>,
    /// AWS's request id.
    pub request_id: Option<String>,
    /// When the answer arrived.
    pub time: Timestamp,
    /// For each list of the answer, the half-open range of items that this page brought.
    pub items: BTreeMap<String, (usize, usize)>,
}

/// The calls behind an account's facts, and the digests of the files that hold them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    files: BTreeMap<Arc<str>, RecordedFile>,
}

/// One file of a snapshot, as far as evidence needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct RecordedFile {
    sha256: Arc<str>,
    /// The calls by API and by what they were about.
    calls: BTreeMap<String, BTreeMap<Vec<String>, Vec<RecordedCall>>>,
}

impl Provenance {
    /// Notes a file's digest.
    pub fn file(&mut self, file: Arc<str>, sha256: String) {
        self.files.entry(file).or_default().sha256 = sha256.into();
    }

    /// Notes a call.
    pub fn call(&mut self, file: Arc<str>, api: String, resource: Vec<String>, call: RecordedCall) {
        let calls = &mut self.files.entry(file).or_default().calls;
        calls.entry(api).or_default().entry(resource).or_default().push(call);
    }

    /// When the first and the last of these calls were answered; none where there is no call.
    pub fn window(&self) -> Option<(Timestamp, Timestamp)> {
        let calls = || self.files.values().flat_map(|file| file.calls.values()).flat_map(BTreeMap::values).flatten();
        let times = || calls().map(|call| call.time);
        times().min().zip(times().max())
    }

    /// Whether these calls brought a fact.
    pub fn holds(&self, source: &Source) -> bool {
        self.files.contains_key(&source.file)
    }

    /// The evidence for a gap: the record of the call that did not end well, in the given Region's file if there are several.
    pub fn evidence_of_gap(&self, gap: &super::Gap, region: &str) -> Option<Evidence> {
        let found =
            self.files.iter().filter_map(|(path, file)| Some((path, file, file.pages(&gap.api, &gap.resource)?)));
        let region = format!("/{region}.");
        let (path, file, pages) = found.max_by_key(|(path, ..)| path.contains(&region))?;
        let call = pages.iter().find(|page| !page.is_complete)?;
        Some(record_of(path, file, &gap.api, call))
    }

    /// The records of the calls of an API: evidence for what no answer holds.
    pub fn evidence_of_calls<'a>(&'a self, api: &'a str) -> impl Iterator<Item = Evidence> {
        let of_file = move |(path, file): (&'a Arc<str>, &'a RecordedFile)| {
            let pages = file.calls.get(api).into_iter().flat_map(BTreeMap::values).flatten();
            pages.map(move |call| record_of(path, file, api, call))
        };
        self.files.iter().flat_map(of_file)
    }

    /// The calls that brought an item of evidence, and what they were about.
    pub fn calls_behind(&self, evidence: &Evidence) -> (&[String], Vec<&RecordedCall>) {
        let Evidence { file, api, pointer, .. } = evidence;
        let Some(of_api) = self.files.get(file).and_then(|file| file.calls.get(api.as_ref())) else {
            return (&[], vec![]);
        };
        if let Some(index) = pointer.strip_prefix("/calls/").filter(|index| !index.contains('/')) {
            let mut all = of_api.iter().flat_map(|(resource, pages)| pages.iter().map(move |page| (resource, page)));
            let found = all.find(|(_, page)| Ok(page.index) == index.parse());
            return found.map_or((&[], vec![]), |(resource, page)| (resource, vec![page]));
        }
        // Below the operation stands what it was asked about, if it is asked more than once.
        let tokens = pointer.split('/').skip(1).map(|token| unescape(token).into_owned());
        let tokens: Vec<String> = if of_api.keys().all(Vec::is_empty) { vec![] } else { tokens.collect() };
        let about = tokens.get(1..).unwrap_or_default();
        let found = (0..=about.len()).rev().find_map(|length| of_api.get_key_value(about.get(..length)?));
        found.map_or((&[], vec![]), |(resource, pages)| (resource, pages_of(pointer, pages)))
    }

    /// The evidence for a fact: its place, and the page that brought it.
    pub fn evidence(&self, source: &Source) -> Evidence {
        let file = self.files.get(&source.file);
        let pages = file.and_then(|file| file.pages(source.api, &source.resource));
        let call = pages.and_then(|pages| match pages.as_slice() {
            [only] => Some(only),
            pages => bringing(&source.pointer, pages).next().or(pages.first()),
        });
        Evidence {
            ev_id: String::new(),
            file: source.file.clone(),
            sha256: file.map(|file| file.sha256.clone()).unwrap_or_default(),
            pointer: source.pointer.clone(),
            api: source.api.into(),
            request_id: call.and_then(|call| call.request_id.clone()),
            collected_at: call.map(|call| call.time),
        }
    }
}

/// The record of a call as evidence.
fn record_of(path: &Arc<str>, file: &RecordedFile, api: &str, call: &RecordedCall) -> Evidence {
    Evidence {
        ev_id: String::new(),
        file: path.clone(),
        sha256: file.sha256.clone(),
        pointer: format!("/calls/{}", call.index).into(),
        api: api.to_owned().into(),
        request_id: call.request_id.clone(),
        collected_at: Some(call.time),
    }
}

impl RecordedFile {
    /// The pages of one answer.
    fn pages(&self, api: &str, resource: &[String]) -> Option<&Vec<RecordedCall>> {
        self.calls.get(api)?.get(resource)
    }
}

/// The pages of a list that brought what a pointer names: one for an item of the list, all for the whole answer.
fn pages_of<'a>(pointer: &str, pages: &'a [RecordedCall]) -> Vec<&'a RecordedCall> {
    let bringing: Vec<&RecordedCall> = bringing(pointer, pages).collect();
    if bringing.is_empty() { pages.iter().collect() } else { bringing }
}

/// The pages of a list that brought the item that a pointer names.
fn bringing<'a>(pointer: &str, pages: &'a [RecordedCall]) -> impl Iterator<Item = &'a RecordedCall> {
    let item = list_item(pointer);
    pages.iter().filter(move |page| {
        let range = item.and_then(|(list, index)| Some((page.items.get(list)?, index)));
        range.is_some_and(|((from, to), index)| (*from..*to).contains(&index))
    })
}

/// The outermost `…/List/7` of a pointer: which list, which index.
fn list_item(pointer: &str) -> Option<(&str, usize)> {
    let mut list = "";
    for token in pointer.split('/') {
        if !list.is_empty()
            && let Ok(index) = token.parse()
        {
            return Some((list, index));
        }
        list = token;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(request_id: &str, from: usize, to: usize) -> RecordedCall {
        RecordedCall {
            index: from,
            is_complete: from == 0,
            parameters: BTreeMap::new(),
            request_id: Some(request_id.to_owned()),
            time: Timestamp::UNIX_EPOCH,
            items: BTreeMap::from([("UserDetailList".to_owned(), (from, to))]),
        }
    }

    #[test]
    fn evidence_names_the_page_that_brought_the_item() {
        let file: Arc<str> = "accounts/111122223333/iam.json.zst".into();
        let api = "iam:GetAccountAuthorizationDetails";
        let mut provenance = Provenance::default();
        provenance.file(file.clone(), "d".to_owned());
        provenance.call(file.clone(), api.to_owned(), Vec::new(), call("one", 0, 2));
        provenance.call(file.clone(), api.to_owned(), Vec::new(), call("two", 2, 3));
        let pointer = "/GetAccountAuthorizationDetails/UserDetailList/2/UserPolicyList/0".into();
        let evidence = provenance.evidence(&Source { file, api, resource: [].into(), pointer });
        assert_eq!(evidence.request_id.as_deref(), Some("two"));
        assert_eq!(evidence.sha256.as_ref(), "d");
        let gap = crate::model::Gap::not_collected(api, &[]);
        let evidence = provenance.evidence_of_gap(&gap, "global").unwrap();
        assert_eq!((evidence.pointer.as_ref(), evidence.request_id.as_deref()), ("/calls/2", Some("two")));
    }
}
