//! The evidence of findings, numbered: each datum that some finding rests on once, with what AWS answered and how it was asked.
//!
//! The number is `EV-`, the type, and the first ten base32 characters (RFC 4648) of the SHA-256 of what identifies the datum: type,
//! partition, account, Region, API, and the path of names by which the answer holds it. No position, time, request or content is part
//! of it, so that the datum has the same number next quarter. Where ten characters name another datum of the pack already, the later
//! one, in the order of the audit, gets twenty-six.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{LedgerGap, WaiverResult};
use crate::checks;
use crate::digest;
use crate::finding::Finding;
use crate::model::{Evidence, Organization, Provenance};
use crate::snapshot::{self, ORGANIZATION, RawFile, Snapshot};
use crate::waivers::{Waiver, Waivers};

/// Largest value, in bytes of JSON, that an item holds: what is larger is named by its size and digest.
pub const MAX_VALUE: usize = 64 * 1024;

/// Calls of one API that a finding about something absent names.
const MAX_CALLS: usize = 12;

/// Characters of a number.
const SHORT: usize = 10;

/// Characters of a number whose beginning is taken.
const LONG: usize = 26;

/// What kind of evidence an item is, as reports on PCI DSS name kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvidenceType {
    /// Configuration of a system.
    Configuration,
    /// Who has access.
    AccessList,
    /// Keys: inventory and storage.
    Keys,
    /// The text of a policy.
    Policy,
    /// An approval or waiver.
    Approval,
    /// What was asked of AWS, and how that ended.
    Log,
}

impl EvidenceType {
    /// The code in the number.
    pub fn code(self) -> &'static str {
        match self {
            Self::Configuration => "CFG",
            Self::AccessList => "UAL",
            Self::Keys => "KEY",
            Self::Policy => "POL",
            Self::Approval => "APR",
            Self::Log => "LOG",
        }
    }

    /// What it is, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Configuration => "system configuration",
            Self::AccessList => "access list",
            Self::Keys => "key inventory",
            Self::Policy => "policy text",
            Self::Approval => "approval",
            Self::Log => "collection log",
        }
    }

    /// The type of a datum of an API.
    fn of(api: &str, path: &[String]) -> Self {
        let has = |member: &str| path.iter().any(|token| token == member);
        match api {
            _ if path.first().is_some_and(|first| first == "calls") => Self::Log,
            "kms:GetKeyPolicy" | "organizations:DescribePolicy" | "organizations:DescribeResourcePolicy" => {
                Self::Policy
            }
            "iam:GetAccountAuthorizationDetails" => {
                let is_text = ["PolicyDocument", "AssumeRolePolicyDocument"].into_iter().any(has);
                if is_text || path.get(1).is_some_and(|list| list == "Policies") {
                    Self::Policy
                } else {
                    Self::AccessList
                }
            }
            "iam:GetCredentialReport"
            | "iam:GetAccessKeyLastUsed"
            | "iam:ListAccessKeys"
            | "iam:ListMFADevices"
            | "iam:ListServiceSpecificCredentials"
            | "iam:ListVirtualMFADevices"
            | "kms:ListGrants" => Self::AccessList,
            _ if api.starts_with("kms:") => Self::Keys,
            _ => Self::Configuration,
        }
    }
}

/// One datum that findings rest on.
#[derive(Debug, Clone)]
pub struct EvidenceItem {
    /// Its number.
    pub ev_id: String,
    /// What kind of evidence it is.
    pub kind: EvidenceType,
    /// Partition.
    pub partition: String,
    /// The account that was asked.
    pub account_id: String,
    /// The Region, or `global`.
    pub region: String,
    /// Service and operation.
    pub api: String,
    /// What the call was about, as the snapshot keys it; empty for the whole account or Region.
    pub resource: Vec<String>,
    /// Parameters that shaped the answer, other than that.
    pub parameters: BTreeMap<String, String>,
    /// AWS's request ids: one, or one a page where the whole of a long list is the evidence.
    pub request_ids: Vec<String>,
    /// When the answer, or its first page, arrived.
    pub collected_at: Option<Timestamp>,
    /// Path of the file inside the snapshot; empty for approvals, which stand in the user's file of waivers.
    pub file: String,
    /// SHA-256 of the file as stored; empty where no file was written.
    pub sha256: String,
    /// JSON pointer into the decompressed file.
    pub pointer: String,
    /// The pointer's tokens, with names instead of positions.
    pub path: Vec<String>,
    /// What stands there.
    pub value: EvidenceValue,
    /// How many findings rest on it; of a row of the ledger, how many checks lack what it is about.
    pub cited: u64,
    /// Positions of those findings in the account's list.
    pub cited_by: Vec<usize>,
    /// The digest from which the number is made.
    identity: [u8; 32],
}

/// What stands at the place of an item.
#[derive(Debug, Clone)]
pub enum EvidenceValue {
    /// Its JSON on one line, otherwise as AWS printed it.
    Whole(Box<RawValue>),
    /// More than an item holds.
    TooLarge {
        /// Bytes of its JSON.
        bytes: usize,
        /// SHA-256 of its JSON as it stands in the file.
        sha256: String,
    },
    /// AWS's answer has no such member.
    Absent,
}

impl EvidenceValue {
    /// What this program says itself.
    pub fn written(value: &impl Serialize) -> Self {
        serde_json::value::to_raw_value(value).map_or(Self::Absent, Self::Whole)
    }

    fn new(json: Option<&RawValue>) -> Self {
        let Some(json) = json else { return Self::Absent };
        let bytes = json.get().len();
        if bytes > MAX_VALUE {
            return Self::TooLarge { bytes, sha256: digest::sha256(json.get().as_bytes()) };
        }
        Self::Whole(one_line(json))
    }
}

/// What identifies a datum, beside its type.
#[derive(Debug, Clone, Copy)]
struct Datum<'a> {
    partition: &'a str,
    account_id: &'a str,
    region: &'a str,
    api: &'a str,
    /// The path of names to it.
    path: &'a [String],
}

impl Datum<'_> {
    fn digest(self, kind: EvidenceType) -> [u8; 32] {
        let Self { partition, account_id, region, api, path } = self;
        let parts = [kind.code(), partition, account_id, region, api].into_iter();
        let parts: Vec<&str> = parts.chain(path.iter().map(String::as_str)).collect();
        // An array of strings is canonical as serde_json prints it. The other way prints the same and cannot fail, but takes longer.
        let canonical = serde_json::to_string(&parts).unwrap_or_else(|_| serde_json::json!(parts).to_string());
        digest::sha256_bytes(canonical.as_bytes())
    }
}

fn number(kind: EvidenceType, identity: &[u8; 32], characters: usize) -> String {
    let mut number = format!("EV-{}-", kind.code());
    number.extend(digest::base32(identity).take(characters));
    number
}

/// JSON without the line ends that may stand between its tokens.
fn one_line(json: &RawValue) -> Box<RawValue> {
    if !json.get().contains(['\n', '\r']) {
        return json.to_owned();
    }
    let (mut in_text, mut is_escaped) = (false, false);
    let is_kept = |letter: &char| {
        let kept = in_text || !letter.is_ascii_whitespace();
        in_text ^= *letter == '"' && !is_escaped;
        is_escaped = in_text && *letter == '\\' && !is_escaped;
        kept
    };
    let line = json.get().chars().filter(is_kept).collect();
    // Without the space between its tokens JSON is JSON still.
    RawValue::from_string(line).unwrap_or_else(|_| json.to_owned())
}

/// What the evidence of a snapshot is taken from.
pub(super) struct Evidences<'a> {
    snapshot: &'a Snapshot,
    partition: &'a str,
    organization: Option<&'a Provenance>,
    /// `organization.json`, which findings of every account may rest on; none in a snapshot without it.
    organization_json: Option<Vec<u8>>,
}

impl<'a> Evidences<'a> {
    /// Reads what every account may rest on.
    pub(super) fn new(snapshot: &'a Snapshot, organization: Option<&'a Organization>) -> Result<Self, snapshot::Error> {
        Ok(Self {
            snapshot,
            partition: &snapshot.manifest().partition,
            organization: organization.map(|it| &it.provenance),
            organization_json: snapshot.json(ORGANIZATION)?,
        })
    }

    /// Numbers the evidence of an account's findings, and gives each datum once, sorted by file and pointer.
    pub(super) fn number(
        &self,
        of_account: &Provenance,
        findings: &mut [Finding],
    ) -> Result<Vec<EvidenceItem>, snapshot::Error> {
        let mut of_absence: BTreeMap<&str, Vec<Arc<Evidence>>> = BTreeMap::new();
        for finding in findings.iter_mut().filter(|finding| finding.evidence.is_empty()) {
            let calls = || self.of_absence(of_account, finding.check_id);
            finding.evidence.clone_from(of_absence.entry(finding.check_id).or_insert_with(calls));
        }
        let mut items = Vec::new();
        let cited = cited(findings);
        for of_file in cited.chunk_by(|(a, _), (b, _)| a.file == b.file) {
            let Some((first, _)) = of_file.first() else { continue };
            let file = &first.file;
            let is_of_organization = file.as_ref() == ORGANIZATION;
            let read = if is_of_organization { None } else { self.snapshot.json(file)? };
            let json = if is_of_organization { &self.organization_json } else { &read };
            let path = || self.snapshot.folder().join(file.as_ref());
            // What a finding cites was read from there: an empty answer would be one that AWS did not give.
            let json = json.as_ref().ok_or_else(|| snapshot::Error::Missing { path: path() })?;
            let mut raw = RawFile::new(json)
                .map_err(|failed| snapshot::Error::Parse { path: path(), reason: failed.to_string() })?;
            let provenance = if is_of_organization { self.organization.unwrap_or(of_account) } else { of_account };
            items.extend(of_file.iter().map(|(it, cited_by)| self.item(&mut raw, provenance, it, cited_by)));
        }
        write_numbers(&items, findings);
        Ok(items)
    }

    /// What shows that something is not there: the calls of the APIs that the check reads.
    fn of_absence(&self, of_account: &Provenance, check_id: &str) -> Vec<Arc<Evidence>> {
        let provenances = std::iter::once(of_account).chain(self.organization);
        let apis = checks::find(check_id).map_or(&[][..], |check| check.reads);
        let calls = provenances.flat_map(|it| apis.iter().flat_map(|api| it.evidence_of_calls(api).take(MAX_CALLS)));
        calls.map(Arc::new).collect()
    }

    fn item(
        &self,
        raw: &mut RawFile<'_>,
        provenance: &Provenance,
        evidence: &Evidence,
        cited_by: &[usize],
    ) -> EvidenceItem {
        let place = raw.at(&evidence.pointer);
        let (resource, calls) = provenance.calls_behind(evidence);
        let Evidence { api, file, sha256, pointer, collected_at, .. } = evidence.clone();
        let kind = EvidenceType::of(&api, &place.path);
        let (account_id, region) = raw.asked();
        let region = region.unwrap_or("global");
        let datum = Datum { partition: self.partition, account_id, region, api: &api, path: &place.path };
        EvidenceItem {
            resource: resource.to_vec(),
            parameters: calls.iter().flat_map(|call| call.parameters.clone()).collect(),
            request_ids: calls.iter().filter_map(|call| call.request_id.clone()).collect(),
            collected_at,
            file: file.to_string(),
            sha256: sha256.to_string(),
            pointer: pointer.to_string(),
            value: EvidenceValue::new(place.json),
            cited: cited_by.len() as u64,
            cited_by: cited_by.to_vec(),
            ..EvidenceItem::new(kind, datum)
        }
    }

    /// The rows of the ledger that leave a hole. Each gets its number.
    pub(super) fn of_ledger(&self, gaps: &mut [LedgerGap], numbers: &mut Numbers) -> Vec<EvidenceItem> {
        let path = ["coverage".to_owned()];
        let item = |gap: &LedgerGap| {
            let LedgerGap { account_id, region, api, .. } = gap;
            let row = self.snapshot.manifest().coverage.get(gap.row);
            EvidenceItem {
                file: snapshot::MANIFEST.to_owned(),
                sha256: self.snapshot.root().to_owned(),
                pointer: format!("/coverage/{}", gap.row),
                value: row.map_or(EvidenceValue::Absent, EvidenceValue::written),
                cited: gap.checks.len() as u64,
                ..EvidenceItem::new(
                    EvidenceType::Log,
                    Datum { partition: self.partition, account_id, region, api, path: &path },
                )
            }
        };
        let mut items: Vec<EvidenceItem> = gaps.iter().map(item).collect();
        numbers.settle(&mut items, &mut []);
        gaps.iter_mut().zip(&items).for_each(|(gap, item)| gap.ev_id.clone_from(&item.ev_id));
        items
    }

    /// The approvals of exceptions, as they stand on a day. Each gets its number.
    pub(super) fn of_waivers(
        &self,
        waivers: &Waivers,
        results: &mut [WaiverResult],
        day: Date,
        numbers: &mut Numbers,
    ) -> Vec<EvidenceItem> {
        let sha256 = waivers.text.as_ref().map(|text| digest::sha256(text.as_bytes())).unwrap_or_default();
        let item = |(waiver, result): (&Waiver, &WaiverResult)| {
            let path = ["waiver".to_owned(), waiver.id.clone()];
            let datum = Datum { partition: self.partition, account_id: "", region: "", api: "", path: &path };
            EvidenceItem {
                resource: vec![waiver.id.clone()],
                sha256: sha256.clone(),
                value: EvidenceValue::written(&waiver.reference(day)),
                cited: result.exceptions,
                ..EvidenceItem::new(EvidenceType::Approval, datum)
            }
        };
        let mut items: Vec<EvidenceItem> = waivers.all.iter().zip(&*results).map(item).collect();
        numbers.settle(&mut items, &mut []);
        results.iter_mut().zip(&items).for_each(|(result, item)| result.ev_id.clone_from(&item.ev_id));
        items
    }
}

/// Each place that findings rest on, once, with the positions of the findings; sorted by file and pointer.
fn cited(findings: &[Finding]) -> Vec<(Arc<Evidence>, Vec<usize>)> {
    // Findings share their items, so that most places are told without comparing their texts.
    let mut numbers: BTreeMap<*const Evidence, usize> = BTreeMap::new();
    let mut by: Vec<(&Arc<Evidence>, Vec<usize>)> = Vec::new();
    for (at, finding) in findings.iter().enumerate() {
        for it in &finding.evidence {
            let number = *numbers.entry(Arc::as_ptr(it)).or_insert_with(|| {
                by.push((it, Vec::new()));
                by.len() - 1
            });
            if let Some((_, by)) = by.get_mut(number)
                && by.last() != Some(&at)
            {
                by.push(at);
            }
        }
    }
    let mut cited: BTreeMap<Place<'_>, (&Arc<Evidence>, Vec<usize>)> = BTreeMap::new();
    for (it, by) in by {
        match cited.entry(place(it)) {
            Entry::Vacant(entry) => drop(entry.insert((it, by))),
            Entry::Occupied(mut entry) => {
                let (_, known) = entry.get_mut();
                known.extend(by);
                known.sort_unstable();
                known.dedup();
            }
        }
    }
    cited.into_values().map(|(evidence, by)| (evidence.clone(), by)).collect()
}

/// What tells items of evidence of one account apart: file, pointer and API.
type Place<'a> = (&'a str, &'a str, &'a str);

fn place(evidence: &Evidence) -> Place<'_> {
    (&evidence.file, &evidence.pointer, &evidence.api)
}

/// Puts the numbers of items where they are cited.
fn write_numbers(items: &[EvidenceItem], findings: &mut [Finding]) {
    let numbers: BTreeMap<Place<'_>, &str> =
        items.iter().map(|it| ((it.file.as_str(), it.pointer.as_str(), it.api.as_str()), it.ev_id.as_str())).collect();
    // Each with what it was before, which keeps its address from others.
    let mut numbered: BTreeMap<*const Evidence, (Arc<Evidence>, Arc<Evidence>)> = BTreeMap::new();
    for it in findings.iter_mut().flat_map(|finding| &mut finding.evidence) {
        let (_, with_number) = numbered.entry(Arc::as_ptr(it)).or_insert_with(|| {
            let with_number = match numbers.get(&place(it)) {
                Some(number) => Arc::new(Evidence { ev_id: (*number).to_owned(), ..it.as_ref().clone() }),
                None => it.clone(),
            };
            (it.clone(), with_number)
        });
        *it = with_number.clone();
    }
}

impl EvidenceItem {
    /// An item of which nothing is known yet but what it is.
    fn new(kind: EvidenceType, datum: Datum<'_>) -> Self {
        let identity = datum.digest(kind);
        let Datum { partition, account_id, region, api, path } = datum;
        Self {
            ev_id: number(kind, &identity, SHORT),
            kind,
            partition: partition.to_owned(),
            account_id: account_id.to_owned(),
            region: region.to_owned(),
            api: api.to_owned(),
            resource: Vec::new(),
            parameters: BTreeMap::new(),
            request_ids: Vec::new(),
            collected_at: None,
            file: String::new(),
            sha256: String::new(),
            pointer: String::new(),
            path: path.to_vec(),
            value: EvidenceValue::Absent,
            cited: 0,
            cited_by: Vec::new(),
            identity,
        }
    }

    /// Whether it is about the organization, so that findings of other accounts rest on it as well.
    pub fn is_of_organization(&self) -> bool {
        self.file == ORGANIZATION
    }
}

/// The numbers given so far, each with more of the digest behind it.
#[derive(Debug, Default)]
pub(super) struct Numbers(BTreeMap<(EvidenceType, u64), u64>);

impl Numbers {
    /// Gives a longer number to each item whose number names another datum already.
    pub(super) fn settle(&mut self, items: &mut [EvidenceItem], findings: &mut [Finding]) {
        let mut is_lengthened = false;
        for item in &mut *items {
            let [begin, rest] = [0, 8].map(|from| {
                let bytes = item.identity.iter().skip(from).take(8);
                bytes.fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
            });
            if *self.0.entry((item.kind, begin >> (64 - 5 * SHORT))).or_insert(rest) != rest {
                item.ev_id = number(item.kind, &item.identity, LONG);
                is_lengthened = true;
            }
        }
        if is_lengthened {
            write_numbers(items, findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATUM: Datum<'_> = Datum {
        partition: "aws",
        account_id: "111122223333",
        region: "global",
        api: "iam:GetAccountSummary",
        path: &[],
    };

    fn item(identity: [u8; 32]) -> EvidenceItem {
        let kind = EvidenceType::Keys;
        EvidenceItem { ev_id: number(kind, &identity, SHORT), identity, ..EvidenceItem::new(kind, DATUM) }
    }

    #[test]
    fn a_number_depends_on_the_type_and_on_every_part_of_the_datum() {
        let path = ["p".to_owned()];
        let changed = [
            DATUM,
            Datum { partition: "aws-cn", ..DATUM },
            Datum { account_id: "444455556666", ..DATUM },
            Datum { region: "eu-west-1", ..DATUM },
            Datum { api: "iam:GetUser", ..DATUM },
            Datum { path: &path, ..DATUM },
        ];
        let of = |kind, datum| EvidenceItem::new(kind, datum).ev_id[7..].to_owned();
        let mut numbers: Vec<String> = changed.iter().map(|it| of(EvidenceType::Keys, *it)).collect();
        numbers.push(of(EvidenceType::Policy, DATUM));
        assert!(numbers.iter().all(|number| number.len() == SHORT));
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), 7);
    }

    #[test]
    fn the_later_of_two_data_with_one_number_gets_a_longer_one() {
        let (mut first, mut second) = ([7; 32], [7; 32]);
        (first[20], second[9]) = (1, 1);
        let mut items = [item(first), item(second), item(first)];
        Numbers::default().settle(&mut items, &mut []);
        let [one, two, again] = items.map(|item| item.ev_id);
        assert_eq!((one.len(), two.len()), (7 + SHORT, 7 + LONG));
        assert!(two.starts_with(&one) && again == one);
    }

    #[test]
    fn a_value_is_one_line_and_otherwise_as_it_was() {
        let one_line = |json: &str| one_line(&RawValue::from_string(json.to_owned()).unwrap()).get().to_owned();
        assert_eq!(one_line("{\n \"a b\": \"c \\\" d\" }"), "{\"a b\":\"c \\\" d\"}");
        assert_eq!(one_line("{ \"a\": 1.0 }"), "{ \"a\": 1.0 }");
        assert!(matches!(EvidenceValue::new(None), EvidenceValue::Absent));
        let long = format!("\"{}\"", "x".repeat(MAX_VALUE));
        let value = RawValue::from_string(long.clone()).unwrap();
        let EvidenceValue::TooLarge { bytes, sha256 } = EvidenceValue::new(Some(&value)) else { panic!() };
        assert_eq!((bytes, sha256), (MAX_VALUE + 2, digest::sha256(long.as_bytes())));
    }
}
