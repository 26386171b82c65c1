//! What findings rest on: `evidence/<account>.ndjson`, `evidence_index.csv`, and a page for each account.
//!
//! What the organization answered, and what of it findings of many accounts rest on, stands once, in files named `organization`; so do
//! the gaps of the ledger.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;

use super::Error;
use super::bag::Bag;
use super::columns::File;
use super::evidence_page::{self, Citation, Content, Shown, Subject};
use super::html::{Page, Pages, file_name};
use super::identity::Identity;
use super::table::{SEPARATOR, Table};
use crate::audit::{AuditedAccount, EvidenceItem, EvidenceValue, Summary};
use crate::finding::Finding;

/// The table of all items.
const NAME: &str = "evidence_index.csv";

/// The name of what stands once for all accounts.
const ORGANIZATION: &str = "organization";

/// The columns of the table, in their order, which never changes inside a major version.
const COLUMNS: [(&str, &str); 13] = [
    ("ev_id", "Number of the item, the same for the same datum in every pack"),
    (
        "type",
        "CFG system configuration, UAL access list, KEY key inventory, POL policy text, APR approval, LOG collection log",
    ),
    ("account_id", "The account that was asked"),
    ("region", "The Region, or global"),
    ("api", "Service and operation"),
    ("request_ids", "AWS's request ids, to be looked up in CloudTrail; empty where AWS gave none"),
    (
        "collected_at",
        "When the answer arrived, UTC; its first page where there were several; empty where the snapshot records no call for it",
    ),
    ("file", "File inside the snapshot; of an approval, inside the pack"),
    ("sha256", "SHA-256 of that file as stored"),
    ("pointer", "JSON pointer (RFC 6901) into the decompressed file"),
    ("cited_by", "Number of findings that rest on it; of a gap in the ledger, number of checks that lack it"),
    ("evidence_file", "File of the pack that holds it with its value"),
    ("page", "Place on the pages, relative to report/; empty where the page has no room for it"),
];

/// What stands in the table.
pub(super) fn described() -> File {
    File {
        name: NAME,
        content: "What findings rest on: one row a datum; `evidence/` holds each with its value.",
        key: Some("ev_id"),
        columns: COLUMNS.to_vec(),
    }
}

/// An item as a line of NDJSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    ev_id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    account_id: &'a str,
    region: &'a str,
    api: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    resource: &'a [String],
    parameters: &'a BTreeMap<String, String>,
    request_ids: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    collected_at: Option<jiff::Timestamp>,
    file: &'a str,
    sha256: &'a str,
    pointer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    absent: bool,
}

impl<'a> Line<'a> {
    fn new(item: &'a EvidenceItem) -> Self {
        let (value, value_bytes, value_sha256) = match &item.value {
            EvidenceValue::Whole(value) => (Some(&**value), None, None),
            EvidenceValue::TooLarge { bytes, sha256 } => (None, Some(*bytes), Some(sha256.as_str())),
            EvidenceValue::Absent => (None, None, None),
        };
        Self {
            ev_id: &item.ev_id,
            kind: item.kind.code(),
            account_id: &item.account_id,
            region: &item.region,
            api: &item.api,
            resource: &item.resource,
            parameters: &item.parameters,
            request_ids: &item.request_ids,
            collected_at: item.collected_at,
            file: &item.file,
            sha256: &item.sha256,
            pointer: &item.pointer,
            value,
            value_bytes,
            value_sha256,
            absent: matches!(item.value, EvidenceValue::Absent),
        }
    }
}

/// The file of an account's items, or of the organization's.
pub(super) fn path(name: &str) -> String {
    format!("data/evidence/{name}.ndjson")
}

/// Where items stand on the pages, and how the raw answers are reached.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// From where commands are run to the snapshot.
    pub(super) prefix: &'static str,
    /// Items for which their page has no room.
    hidden: BTreeSet<String>,
}

impl Places {
    /// The place of an item of evidence of a finding, relative to `report/`; empty if it has none.
    pub(super) fn href(&self, finding: &Finding, evidence: &crate::model::Evidence) -> String {
        let is_shared = evidence.file.as_ref() == crate::snapshot::ORGANIZATION;
        self.of(if is_shared { ORGANIZATION } else { &finding.account_id }, &evidence.ev_id)
    }

    /// The page of an account's items, if it has any. `anchors`: the findings that are on the page of the account.
    pub(super) fn content<'b>(
        &self,
        audited: &'b AuditedAccount,
        shown: &Shown<'b>,
        anchors: &BTreeSet<String>,
    ) -> Option<Content<'b>> {
        let citations = |item: &EvidenceItem| evidence_page::citations(item, &audited.findings, anchors);
        let (id, prefix) = (&audited.facts.id, self.prefix);
        let subject = Subject { title: &audited.facts.name, account_id: id, file: path(id), prefix };
        (!shown.is_empty()).then(|| evidence_page::content(subject, shown, citations))
    }

    fn of(&self, name: &str, ev_id: &str) -> String {
        if ev_id.is_empty() || self.hidden.contains(ev_id) {
            return String::new();
        }
        format!("evidence/{}#{ev_id}", file_name(name))
    }
}

/// An item of the organization, with what rests on it in all accounts.
struct Shared {
    item: EvidenceItem,
    by: Vec<Citation>,
}

/// The files in the making.
pub(super) struct Evidence {
    pub(super) index: Index,
    pub(super) places: Places,
    shared: BTreeMap<String, Shared>,
}

/// The table of all items in the making.
pub(super) struct Index(Table);

impl Evidence {
    /// Begins the table.
    pub(super) fn create(bag: &Bag, prefix: &'static str) -> Result<Self, Error> {
        Ok(Self {
            index: Index(Table::create(bag, &format!("data/csv/{NAME}"), COLUMNS.map(|(name, _)| name))?),
            places: Places { prefix, ..Places::default() },
            shared: BTreeMap::new(),
        })
    }

    /// Keeps what an account rests on that is the organization's, and makes room on the page of its own items.
    pub(super) fn begin<'b>(&mut self, audited: &'b AuditedAccount) -> Shown<'b> {
        for item in audited.evidence.iter().filter(|item| item.is_of_organization()) {
            match self.shared.entry(item.ev_id.clone()) {
                Entry::Occupied(mut shared) => shared.get_mut().item.cited += item.cited,
                Entry::Vacant(place) => {
                    place.insert(Shared { item: item.clone(), by: vec![] });
                }
            }
        }
        let shown = evidence_page::shown(own(audited), &audited.findings);
        self.places.hidden.extend(shown.hidden.iter().map(|item| item.ev_id.clone()));
        shown
    }

    /// Notes which findings on the page of their account rest on what is the organization's. `anchors`: those that are on the page.
    pub(super) fn cite(&mut self, audited: &AuditedAccount, anchors: &BTreeSet<String>) {
        for item in audited.evidence.iter().filter(|item| item.is_of_organization()) {
            if let Some(shared) = self.shared.get_mut(&item.ev_id)
                && shared.by.len() < evidence_page::MAX_CITATIONS
            {
                shared.by.extend(evidence_page::citations(item, &audited.findings, anchors));
                shared.by.truncate(evidence_page::MAX_CITATIONS);
            }
        }
    }

    /// Writes what findings of all accounts rest on, with the ledger's gaps and the approvals, and ends the table.
    pub(super) fn finish(
        mut self,
        bag: &Bag,
        pages: &Pages,
        identity: &Identity,
        summary: &Summary,
    ) -> Result<Places, Error> {
        let mut shared = std::mem::take(&mut self.shared);
        for item in &summary.evidence {
            shared.insert(item.ev_id.clone(), Shared { item: item.clone(), by: vec![] });
        }
        self.index.write(bag, &self.places, ORGANIZATION, shared.values().map(|it| &it.item))?;
        let shown = evidence_page::shown(shared.values().map(|it| &it.item).collect(), &[]);
        let citations = |item: &EvidenceItem| shared.get(&item.ev_id).map(|it| it.by.clone()).unwrap_or_default();
        let subject =
            Subject { title: "The organization", account_id: "", file: path(ORGANIZATION), prefix: self.places.prefix };
        let content = evidence_page::content(subject, &shown, citations);
        let page = Page { title: "Evidence of the organization", up: "../", part: "accounts" };
        let bytes = pages.render("evidence.html", page, identity, &content)?;
        bag.put(&format!("data/report/evidence/{}", file_name(ORGANIZATION)), &bytes)?;
        bag.add(&format!("data/csv/{NAME}"), self.index.0.finish()?);
        Ok(self.places)
    }
}

impl Index {
    /// Writes the items of an account.
    pub(super) fn account(&mut self, bag: &Bag, places: &Places, audited: &AuditedAccount) -> Result<(), Error> {
        let mut own = own(audited);
        if own.is_empty() {
            return Ok(());
        }
        own.sort_by(|a, b| a.ev_id.cmp(&b.ev_id));
        let name = &audited.facts.id;
        self.write(bag, places, name, own)
    }

    fn write<'b>(
        &mut self,
        bag: &Bag,
        places: &Places,
        name: &str,
        items: impl IntoIterator<Item = &'b EvidenceItem>,
    ) -> Result<(), Error> {
        let path = path(name);
        let mut lines = Vec::new();
        for item in items {
            serde_json::to_writer(&mut lines, &Line::new(item))
                .map_err(|failed| Error::Encode { path: path.clone(), reason: failed.to_string() })?;
            lines.push(b'\n');
            self.0.row(&[
                &item.ev_id,
                item.kind.code(),
                &item.account_id,
                &item.region,
                &item.api,
                &item.request_ids.join(SEPARATOR),
                &item.collected_at.map(|time| time.to_string()).unwrap_or_default(),
                &item.file,
                &item.sha256,
                &item.pointer,
                &item.cited.to_string(),
                &path,
                &places.of(name, &item.ev_id),
            ])?;
        }
        bag.put(&path, &lines)
    }
}

/// The items of an account, without those that are the organization's.
fn own(audited: &AuditedAccount) -> Vec<&EvidenceItem> {
    audited.evidence.iter().filter(|item| !item.is_of_organization()).collect()
}
