//! The page of what the findings of one account rest on: each item with its value, how AWS was asked, and who cites it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::recipe;
use super::view::{self, MAX_ROWS, MAX_WEIGHT, StatusView, counted, grouped, shortened};
use super::visible;
use crate::audit::{EvidenceItem, EvidenceValue};
use crate::finding::{Finding, Status};
use crate::snapshot;

/// Items that a page shows with their value; of the others up to [`MAX_ROWS`] stand in one line each.
const MAX_WHOLE: usize = 300;

/// About how many bytes such a line takes, without its names.
const ROW: usize = 450;

/// Citations that a page lists for one item.
pub(super) const MAX_CITATIONS: usize = 8;

/// Letters of a value that a page shows; the file of the items has all.
const MAX_LETTERS: usize = 4_000;

/// Where commands run, if the pack holds the snapshot.
const HERE: &str = "Commands run in the folder of this pack, those that begin with aws anywhere with credentials of the account, within \
     ninety days of the call.";

/// Where commands run, if it does not.
const HERE_AND_THERE: &str = "Commands with select run in the folder of this pack, those that begin with aws anywhere with credentials of \
     the account, within ninety days of the call, and the others in the folder of the snapshot.";

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    /// Name of the account, or what else the page is of.
    title: String,
    /// 12 digits; empty for the organization.
    account_id: &'a str,
    /// The file of the items, inside the pack.
    file: String,
    /// Where its commands run.
    here: &'static str,
    count: String,
    whole: Vec<ItemView>,
    rows: Vec<RowView>,
    rest: String,
}

/// An item with its value.
#[derive(Debug, Serialize)]
struct ItemView {
    ev_id: String,
    kind: &'static str,
    what: String,
    api: String,
    region: String,
    about: String,
    parameters: String,
    request_ids: String,
    collected_at: String,
    file: String,
    sha256: String,
    pointer: String,
    /// Line by line, because a line end inside a text is shown as what it is.
    value: Vec<String>,
    note: String,
    line: String,
    in_pack: String,
    trail: String,
    cited: String,
    citations: Vec<Citation>,
}

/// An item in one line.
#[derive(Debug, Serialize)]
struct RowView {
    ev_id: String,
    what: String,
    api: String,
    region: String,
    cited: String,
}

/// A finding that rests on an item.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Citation {
    status: StatusView,
    check: &'static str,
    resource: String,
    /// Its place on the page of its account, relative to `report/`; empty if that page has no room for it.
    href: String,
}

/// The items of a page by how they are shown.
pub(super) struct Shown<'a> {
    whole: Vec<&'a EvidenceItem>,
    rows: Vec<&'a EvidenceItem>,
    pub(super) hidden: Vec<&'a EvidenceItem>,
}

impl Shown<'_> {
    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.rows.is_empty()
    }
}

/// What a page has room for: those first on which findings rest that are to be acted on.
pub(super) fn shown<'a>(mut items: Vec<&'a EvidenceItem>, findings: &[Finding]) -> Shown<'a> {
    let is_to_act_on =
        |at: &usize| findings.get(*at).is_some_and(|it| !matches!(it.status, Status::Pass | Status::NotApplicable));
    items.sort_by(|a, b| order(a).cmp(&order(b)));
    items.sort_by_cached_key(|item| !item.cited_by.iter().any(is_to_act_on));
    let mut room = MAX_WEIGHT / 2;
    let whole = fitting(&items, MAX_WHOLE, &mut room, |item| weight_of(item, findings));
    let mut rows = items.split_off(whole);
    room += MAX_WEIGHT / 2;
    let fitting_rows = fitting(&rows, MAX_ROWS, &mut room, |item| ROW + weight_of_path(item));
    let hidden = rows.split_off(fitting_rows);
    items.sort_by(|a, b| order(a).cmp(&order(b)));
    rows.sort_by(|a, b| order(a).cmp(&order(b)));
    Shown { whole: items, rows, hidden }
}

/// How many of the first items there is room for.
fn fitting(items: &[&EvidenceItem], most: usize, room: &mut usize, weight: impl Fn(&EvidenceItem) -> usize) -> usize {
    let mut fits = |item: &&&EvidenceItem| match room.checked_sub(weight(item)) {
        None => false,
        Some(left) => {
            *room = left;
            true
        }
    };
    items.iter().take(most).take_while(|item| fits(item)).count()
}

/// By Region, then by API, then by what it is about.
fn order(item: &EvidenceItem) -> (bool, &str, &str, &[String]) {
    (item.region != "global", &item.region, &item.api, &item.path)
}

/// About how many bytes an item takes on a page, with its value.
fn weight_of(item: &EvidenceItem, findings: &[Finding]) -> usize {
    const ITEM: usize = 3_500;
    // No character takes more than twelve bytes on a page.
    const VALUE: usize = 12 * MAX_LETTERS;
    let value = match &item.value {
        EvidenceValue::Whole(value) => (2 * visible::escaped_length(value.get())).min(VALUE),
        EvidenceValue::TooLarge { .. } | EvidenceValue::Absent => 0,
    };
    // Who cites what all accounts rest on is not among these findings; there are few such items.
    let cited = item.cited_by.iter().take(MAX_CITATIONS).filter_map(|at| findings.get(*at));
    let cited = cited.map(|finding| 350 + visible::escaped_length(&finding.resource_name)).sum::<usize>();
    let texts = item.resource.iter().chain(&item.request_ids).chain([&item.pointer, &item.pointer, &item.file]);
    ITEM + value + cited + weight_of_path(item) + texts.map(|text| visible::escaped_length(text)).sum::<usize>()
}

/// How many bytes the names of an item take on a page.
fn weight_of_path(item: &EvidenceItem) -> usize {
    item.path.iter().map(|token| visible::escaped_length(token)).sum()
}

/// What a page is made of, beside its items.
pub(super) struct Subject<'a> {
    /// What it is of.
    pub(super) title: &'a str,
    /// 12 digits; empty for the organization.
    pub(super) account_id: &'a str,
    /// The file of the items, inside the pack.
    pub(super) file: String,
    /// From where commands are run to the snapshot.
    pub(super) prefix: &'static str,
}

/// The content of a page. `citations` lists some of the findings that rest on an item.
pub(super) fn content<'a>(
    subject: Subject<'a>,
    shown: &Shown<'_>,
    citations: impl Fn(&EvidenceItem) -> Vec<Citation>,
) -> Content<'a> {
    let Shown { whole, rows, hidden } = shown;
    let Subject { title, account_id, file, prefix } = subject;
    Content {
        title: shortened(title),
        account_id,
        here: if prefix.is_empty() { HERE_AND_THERE } else { HERE },
        count: counted((whole.len() + rows.len() + hidden.len()) as u64, "item", "items"),
        whole: whole.iter().map(|item| view_of(item, prefix, &file, citations(item))).collect(),
        rows: rows.iter().map(|item| row_of(item)).collect(),
        rest: match hidden.len() as u64 {
            0 => String::new(),
            more => format!("{} than a page holds; {file} has them all.", counted(more, "more item", "more items")),
        },
        file,
    }
}

/// The findings that cite an item, as far as a page lists them. `anchors`: those that are on the page of their account.
pub(super) fn citations(item: &EvidenceItem, findings: &[Finding], anchors: &BTreeSet<String>) -> Vec<Citation> {
    let mut cited: Vec<&Finding> = item.cited_by.iter().filter_map(|at| findings.get(*at)).collect();
    cited.sort_by_key(|finding| finding.status);
    let citation = |finding: &&Finding| {
        let anchor = view::anchor(finding);
        Citation {
            status: view::status(finding.status),
            check: finding.check_id,
            resource: shortened(&finding.resource_name),
            href: match anchors.contains(&anchor) {
                true => format!("accounts/{}#{anchor}", super::html::file_name(&finding.account_id)),
                false => String::new(),
            },
        }
    };
    cited.iter().take(MAX_CITATIONS).map(citation).collect()
}

fn cited_words(item: &EvidenceItem) -> String {
    match item.file.as_str() {
        snapshot::MANIFEST => format!("{} what it is about", counted(item.cited, "check lacks", "checks lack")),
        "" => format!("{} it", counted(item.cited, "exception names", "exceptions name")),
        _ => format!("{} on it", counted(item.cited, "finding rests", "findings rest")),
    }
}

fn row_of(item: &EvidenceItem) -> RowView {
    RowView {
        ev_id: item.ev_id.clone(),
        what: shortened(&words(item)),
        api: item.api.clone(),
        region: item.region.clone(),
        cited: grouped(item.cited),
    }
}

fn view_of(item: &EvidenceItem, prefix: &str, file: &str, citations: Vec<Citation>) -> ItemView {
    let (value, note) = value_of(item);
    let parameters = item.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
    ItemView {
        ev_id: item.ev_id.clone(),
        kind: item.kind.words(),
        what: shortened(&words(item)),
        api: item.api.clone(),
        region: item.region.clone(),
        about: shortened(&item.resource.join("/")),
        parameters: shortened(&parameters.join(", ")),
        request_ids: shortened(&item.request_ids.join(", ")),
        collected_at: item.collected_at.map(|time| time.to_string()).unwrap_or_default(),
        file: item.file.clone(),
        sha256: item.sha256.clone(),
        pointer: shortened(&item.pointer),
        value,
        note,
        line: if item.file.is_empty() { String::new() } else { recipe::raw_answer(prefix, &item.file, &item.pointer) },
        in_pack: recipe::item(file, &item.ev_id),
        trail: recipe::trail(item),
        cited: cited_words(item),
        citations,
    }
}

/// What stands there, indented for people, and what is to be said of it.
fn value_of(item: &EvidenceItem) -> (Vec<String>, String) {
    match &item.value {
        EvidenceValue::Absent => (vec![], "AWS's answer has no such member.".to_owned()),
        EvidenceValue::TooLarge { bytes, sha256 } => {
            let bytes = grouped(*bytes as u64);
            (vec![], format!("{bytes} bytes of JSON, more than an item holds; their SHA-256 is {sha256}."))
        }
        EvidenceValue::Whole(value) => {
            let (text, mut note) = match within(value.get()) {
                Some((text, how)) => (text, how.to_owned()),
                None => (indented(value.get()), String::new()),
            };
            let cut = text.char_indices().nth(MAX_LETTERS).and_then(|(at, _)| text.get(..at));
            if cut.is_some() {
                note += " The page shows its beginning; the commands below print it all.";
            }
            (cut.unwrap_or(&text).lines().map(str::to_owned).collect(), note.trim().to_owned())
        }
    }
}

/// The readable form of a text inside a value: a policy document, or the credential report.
fn within(json: &str) -> Option<(String, &'static str)> {
    if let Ok(text) = serde_json::from_str::<String>(json) {
        let text = match text.starts_with("%7B") {
            true => percent_encoding::percent_decode_str(&text).decode_utf8().ok()?.into_owned(),
            false => text,
        };
        let is_document = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() && text.starts_with('{');
        return is_document.then(|| (indented(&text), "A text in AWS's answer; shown is the document that it holds."));
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Report {
        content: String,
        report_format: String,
    }
    let report: Report = serde_json::from_str(json).ok().filter(|it: &Report| it.report_format == "text/csv")?;
    let text = String::from_utf8(STANDARD.decode(report.content).ok()?).ok()?;
    Some((text, "Base64 in AWS's answer; shown is the report that it holds."))
}

/// JSON with each member on a line of its own, otherwise as it is.
fn indented(json: &str) -> String {
    let (mut text, mut depth) = (String::with_capacity(json.len() * 2), 0_usize);
    let (mut in_text, mut is_escaped) = (false, false);
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if in_text {
            text.push(letter);
            in_text = letter != '"' || is_escaped;
            is_escaped = letter == '\\' && !is_escaped;
            continue;
        }
        match letter {
            _ if letter.is_ascii_whitespace() => {}
            '{' | '[' => {
                text.push(letter);
                while letters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = letters.next_if(|next| matches!(next, '}' | ']')) {
                    text.push(end);
                } else {
                    depth += 1;
                    new_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut text, depth);
                text.push(letter);
            }
            ',' => {
                text.push(',');
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ => {
                in_text = letter == '"';
                text.push(letter);
            }
        }
    }
    text
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

/// What the members of answers are called; of an item of a list, what it is.
const NOUNS: &[(&str, &str)] = &[
    ("AccessKeyMetadata", "access key"),
    ("AlternateContact", ""),
    ("AssumeRolePolicyDocument", "trust policy"),
    ("AttachedManagedPolicies", "attached managed policies"),
    ("CustomKeyStores", "custom key store"),
    ("DelegatedAdministrators", "delegated administrator"),
    ("Document", "document"),
    ("Grants", "grant"),
    ("GroupDetailList", "group"),
    ("GroupList", "groups"),
    ("GroupPolicyList", "inline policy"),
    ("KeyMetadata", ""),
    ("Keys", "entry of key"),
    ("MFADevices", "MFA device"),
    ("OpenIDConnectProviderList", "OpenID Connect provider"),
    ("Organization", ""),
    ("PasswordPolicy", ""),
    ("Policies", "managed policy"),
    ("Policy", ""),
    ("PolicyDocument", "document"),
    ("PolicyVersionList", "version"),
    ("ResourcePolicy", ""),
    ("RoleDetailList", "role"),
    ("RoleLastUsed", "last use"),
    ("RolePolicyList", "inline policy"),
    ("SAMLProviderList", "SAML provider"),
    ("ServerCertificateMetadataList", "server certificate"),
    ("ServiceSpecificCredentials", "service-specific credential"),
    ("SummaryMap", ""),
    ("Tags", "tags"),
    ("UserDetailList", "user"),
    ("UserPolicyList", "inline policy"),
    ("VirtualMFADevices", "virtual MFA device"),
];

/// What an answer is called as a whole. `{}` stands for what it was asked about; operations that are not here are read member by
/// member.
const ANSWERS: &[(&str, &str)] = &[
    ("account:GetAlternateContact", "alternate contact {}"),
    ("iam:GetAccountPasswordPolicy", "password policy"),
    ("iam:GetAccountSummary", "account summary"),
    ("iam:GetCredentialReport", "credential report"),
    ("iam:ListAccessKeys", "user {}"),
    ("iam:ListMFADevices", "user {}"),
    ("iam:ListOrganizationsFeatures", "root access management"),
    ("iam:ListServiceSpecificCredentials", "user {}"),
    ("kms:DescribeKey", "description of key {}"),
    ("kms:GetKeyLastUsage", "last use of key {}"),
    ("kms:GetKeyPolicy", "key policy of {}"),
    ("kms:GetKeyRotationStatus", "rotation of key {}"),
    ("kms:ListGrants", "key {}"),
    ("kms:ListKeyRotations", "rotations of key {}"),
    ("kms:ListResourceTags", "tags of key {}"),
    ("organizations:DescribeOrganization", "the organization"),
    ("organizations:DescribePolicy", "policy {} of the organization"),
    ("organizations:DescribeResourcePolicy", "resource policy of the organization"),
];

/// What an item is, in words.
fn words(item: &EvidenceItem) -> String {
    let about = item.resource.join("/");
    match item.path.split_first() {
        Some((first, _)) if first == "calls" => {
            let about = if about.is_empty() { String::new() } else { format!(" about {about}") };
            return format!("the record of the call {}{about}", item.api);
        }
        Some((first, _)) if first == "waiver" => return format!("waiver {about}"),
        Some((first, _)) if first == "coverage" => return format!("the row of {} in the coverage ledger", item.api),
        _ => {}
    }
    let answer = ANSWERS.iter().find(|(api, _)| *api == item.api).map(|(_, answer)| answer.replace("{}", &about));
    let mut phrases: Vec<String> = answer.into_iter().collect();
    let mut members = item.path.iter().skip(1 + item.resource.len()).peekable();
    while let Some(member) = members.next() {
        let noun = NOUNS.iter().find(|(name, _)| name == member).map_or(member.as_str(), |(_, noun)| noun);
        let is_list = snapshot::is_list_of_named(member);
        match members.next_if(|_| is_list) {
            Some(name) if member == "PolicyVersionList" && name == "default" => {
                phrases.push("the version in force".to_owned())
            }
            Some(name) => phrases.push(format!("{noun} {name}")),
            None if noun.is_empty() => {}
            None => phrases.push(noun.to_owned()),
        }
    }
    phrases.reverse();
    phrases.join(" of ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_otherwise_as_it_was() {
        let text = indented(r#"{"b":[1.0,{}],"a":"x{,}\"\\","a": [ ]}"#);
        assert_eq!(text, "{\n  \"b\": [\n    1.0,\n    {}\n  ],\n  \"a\": \"x{,}\\\"\\\\\",\n  \"a\": []\n}");
        assert_eq!(indented("\"}\""), "\"}\"");
    }

    #[test]
    fn a_policy_inside_a_text_is_shown_as_a_document_and_other_texts_as_they_are() {
        let document = "{\n  \"Version\": \"2012-10-17\"\n}";
        for json in [r#""{\"Version\":\"2012-10-17\"}""#, r#""%7B%22Version%22%3A%222012-10-17%22%7D""#] {
            assert_eq!(within(json).map(|(text, _)| text).as_deref(), Some(document), "{json}");
        }
        assert_eq!(within(r#""plain""#), None);
        assert_eq!(within(r#"{"a": 1}"#), None);
        let report = r#"{"Content":"YSxi","ReportFormat":"text/csv"}"#;
        assert_eq!(within(report).map(|(text, _)| text).as_deref(), Some("a,b"));
    }
}
