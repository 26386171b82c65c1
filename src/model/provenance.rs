//! Where a fact was read: file, pointer, API, and the request that brought it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

/// The place of a fact inside a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Path of the file inside the snapshot.
    pub file: Arc<str>,
    /// Service and operation: `kms:DescribeKey`.
    pub api: &'static str,
    /// What the call was about, as in [`crate::model::Gap::resource`].
    pub resource: Vec<String>,
    /// JSON pointer (RFC 6901) into the decompressed file.
    pub pointer: String,
}

impl Source {
    /// The same source, one member deeper.
    #[must_use]
    pub fn child(&self, member: &str) -> Self {
        Self { pointer: format!("{}/{}", self.pointer, escape(member)), ..self.clone() }
    }
}

/// Escapes one member name for a JSON pointer.
pub fn escape(member: &str) -> String {
    member.replace('~', "~0").replace('/', "~1")
}

/// The member name that stands escaped in a JSON pointer.
pub fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// One item of evidence: a fact's place, the digest of the file it lies in, and the request that brought it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Evidence {
    /// Its number in the pack, `EV-KEY-7QK2M4ZP3A`, the same for the same datum in every snapshot; empty until an audit gives it one.
    pub ev_id: String,
    /// Path of the file inside the snapshot.
    pub file: String,
    /// SHA-256 of the file as stored.
    pub sha256: String,
    /// JSON pointer into the decompressed file.
    pub pointer: String,
    /// Service and operation.
    pub api: String,
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
    digests: BTreeMap<Arc<str>, String>,
    calls: BTreeMap<(Arc<str>, String, Vec<String>), Vec<RecordedCall>>,
}

impl Provenance {
    /// Notes a file's digest.
    pub fn file(&mut self, file: Arc<str>, sha256: String) {
        self.digests.insert(file, sha256);
    }

    /// Notes a call.
    pub fn call(&mut self, file: Arc<str>, api: String, resource: Vec<String>, call: RecordedCall) {
        self.calls.entry((file, api, resource)).or_default().push(call);
    }

    /// Whether these calls brought a fact.
    pub fn holds(&self, source: &Source) -> bool {
        self.digests.contains_key(&source.file)
    }

    /// The evidence for a gap: the record of the call that did not end well, in the given Region's file if there are several.
    pub fn evidence_of_gap(&self, gap: &super::Gap, region: &str) -> Option<Evidence> {
        let found = self.calls.iter().filter(|((_, api, resource), _)| *api == gap.api && *resource == gap.resource);
        let region = format!("/{region}.");
        let ((file, api, _), pages) = found.max_by_key(|((file, ..), _)| file.contains(&region))?;
        let call = pages.iter().find(|page| !page.is_complete)?;
        Some(self.record_of(file, api, call))
    }

    /// The records of the calls of an API: evidence for what no answer holds.
    pub fn evidence_of_calls<'a>(&'a self, api: &'a str) -> impl Iterator<Item = Evidence> {
        let of_api = self.calls.iter().filter(move |((_, asked, _), _)| asked == api);
        of_api.flat_map(move |((file, api, _), pages)| pages.iter().map(move |page| self.record_of(file, api, page)))
    }

    fn record_of(&self, file: &Arc<str>, api: &str, call: &RecordedCall) -> Evidence {
        Evidence {
            ev_id: String::new(),
            file: file.to_string(),
            sha256: self.digests.get(file).cloned().unwrap_or_default(),
            pointer: format!("/calls/{}", call.index),
            api: api.to_owned(),
            request_id: call.request_id.clone(),
            collected_at: Some(call.time),
        }
    }

    /// The calls that brought an item of evidence, and what they were about.
    pub fn calls_behind(&self, evidence: &Evidence) -> (&[String], Vec<&RecordedCall>) {
        let tokens: Vec<String> = evidence.pointer.split('/').skip(1).map(unescape).collect();
        let Evidence { file, api, pointer, .. } = evidence;
        if let [calls, index] = tokens.as_slice()
            && calls == "calls"
        {
            let from = (Arc::from(file.as_str()), api.clone(), Vec::new());
            let of_api =
                self.calls.range(from..).take_while(|((a_file, an_api, _), _)| **a_file == **file && an_api == api);
            let found = of_api.flat_map(|((.., resource), pages)| pages.iter().map(move |page| (resource, page)));
            let found = found.into_iter().find(|(_, page)| Ok(page.index) == index.parse());
            return found.map_or((&[], vec![]), |(resource, page)| (resource, vec![page]));
        }
        // Below the operation stands what it was asked about, if it is asked more than once.
        let about = tokens.get(1..).unwrap_or_default();
        let found = (0..=about.len()).rev().find_map(|length| {
            self.calls.get_key_value(&(Arc::from(file.as_str()), api.clone(), about.get(..length)?.to_vec()))
        });
        found.map_or((&[], vec![]), |((.., resource), pages)| (resource, pages_of(pointer, pages).collect()))
    }

    /// The evidence for a fact: its place, and the page that brought it.
    pub fn evidence(&self, source: &Source) -> Evidence {
        let key = (source.file.clone(), source.api.to_owned(), source.resource.clone());
        let call = self.calls.get(&key).and_then(|pages| pages_of(&source.pointer, pages).next());
        Evidence {
            ev_id: String::new(),
            file: source.file.to_string(),
            sha256: self.digests.get(&source.file).cloned().unwrap_or_default(),
            pointer: source.pointer.clone(),
            api: source.api.to_owned(),
            request_id: call.and_then(|call| call.request_id.clone()),
            collected_at: call.map(|call| call.time),
        }
    }
}

/// The pages of a list that brought what a pointer names: one for an item of the list, all for the whole answer.
fn pages_of<'a>(pointer: &str, pages: &'a [RecordedCall]) -> impl Iterator<Item = &'a RecordedCall> {
    let brings = |page: &RecordedCall| {
        let range = list_item(pointer).and_then(|(list, index)| Some((page.items.get(list)?, index)));
        range.is_some_and(|((from, to), index)| (*from..*to).contains(&index))
    };
    let is_item = pages.iter().any(brings);
    pages.iter().filter(move |page| !is_item || brings(page))
}

/// The innermost `…/List/7` of a pointer: which list, which index.
fn list_item(pointer: &str) -> Option<(&str, usize)> {
    let parts: Vec<&str> = pointer.split('/').collect();
    parts.windows(2).find_map(|pair| match pair {
        [list, index] if !list.is_empty() => index.parse().ok().map(|index| (*list, index)),
        _ => None,
    })
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
        let pointer = "/GetAccountAuthorizationDetails/UserDetailList/2/UserPolicyList/0".to_owned();
        let evidence = provenance.evidence(&Source { file, api, resource: Vec::new(), pointer });
        assert_eq!(evidence.request_id.as_deref(), Some("two"));
        assert_eq!(evidence.sha256, "d");
        let gap = crate::model::Gap::not_collected(api, &[]);
        let evidence = provenance.evidence_of_gap(&gap, "global").unwrap();
        assert_eq!((evidence.pointer.as_str(), evidence.request_id.as_deref()), ("/calls/2", Some("two")));
    }
}
