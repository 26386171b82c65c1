//! The page of one account, and what the report keeps of each.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::evidence::Places;
use super::heat_map::{self, Heat};
use super::html::file_name;
use super::rows::{self, Rows};
use super::view::{
    self, Columns, FindingView, MAX_DATA, MAX_ROWS, MAX_WEIGHT, Number, StatusView, counted, grouped, shortened,
};
use super::visible;
use crate::audit::{AuditedAccount, Counts};
use crate::checks::Check;
use crate::finding::{Finding, Status};
use crate::model;
use crate::snapshot::AccountOutcome;

/// What the report keeps of an account.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Account {
    /// 12 digits.
    pub(super) id: String,
    /// Name; empty when not known.
    pub(super) name: String,
    /// Path in the organization.
    pub(super) ou_path: String,
    /// How it was read, in words.
    pub(super) how: &'static str,
    /// Whether it was read, not entered, or left out: a class of the style sheet.
    pub(super) state: &'static str,
    /// Why it was not read, or the session that read it.
    pub(super) note: String,
    /// Regions that were read.
    pub(super) regions: Vec<String>,
    /// Principals, for people: `12`, or `at least 12`.
    pub(super) principals: String,
    /// Customer managed policies.
    pub(super) policies: String,
    /// KMS keys.
    pub(super) keys: String,
    /// Name of its page's file.
    pub(super) href: String,
    /// Its findings by domain and severity.
    #[serde(skip)]
    pub(super) heat: Heat,
    /// Whether it belongs to what was audited.
    #[serde(skip)]
    pub(super) audited: bool,
    /// Whether it could be read.
    #[serde(skip)]
    pub(super) entered: bool,
}

/// A number of things of which there may be more.
#[derive(Debug, Clone, Copy)]
struct AtLeast {
    known: u64,
    whole: bool,
}

impl AtLeast {
    fn new() -> Self {
        Self { known: 0, whole: true }
    }

    fn add<T>(&mut self, listing: &model::Listing<T>) {
        self.known += listing.known().len() as u64;
        self.whole &= listing.gap().is_none();
    }

    fn words(self) -> String {
        match (self.known, self.whole) {
            (0, false) => "not known".to_owned(),
            (known, false) => format!("at least {}", grouped(known)),
            (known, true) => grouped(known),
        }
    }
}

impl Account {
    /// What is kept of an audited account.
    pub(super) fn new(audited: &AuditedAccount) -> Self {
        let (entry, facts) = (&audited.entry, &audited.facts);
        let (how, state) = match entry.outcome {
            AccountOutcome::AssumedRole => ("audit role", "read"),
            AccountOutcome::Caller => ("caller", "read"),
            AccountOutcome::Imported => ("imported", "read"),
            AccountOutcome::NotEntered => ("not entered", "error"),
            AccountOutcome::Excluded => ("left out", "out"),
            AccountOutcome::Inactive => ("not ACTIVE", "out"),
        };
        let note = entry.reason.as_ref().or(entry.session_arn.as_ref());
        let mut keys = AtLeast { known: 0, whole: facts.regions_gap.is_none() };
        facts.regions.values().for_each(|region| keys.add(&region.keys));
        let mut principals = AtLeast::new();
        principals.add(&facts.iam.users);
        principals.add(&facts.iam.groups);
        principals.add(&facts.iam.roles);
        let policies = AtLeast {
            known: facts.iam.policies.known().iter().filter(|policy| !policy.is_aws_managed()).count() as u64,
            whole: facts.iam.policies.gap().is_none(),
        };
        let left_out = matches!(entry.outcome, AccountOutcome::Excluded | AccountOutcome::Inactive);
        let words = |number: AtLeast| if left_out { "–".to_owned() } else { number.words() };
        Self {
            id: facts.id.clone(),
            name: shortened(&facts.name),
            ou_path: shortened(facts.ou_path.as_deref().unwrap_or("not known")),
            how,
            state,
            note: note.map(|text| shortened(text)).unwrap_or_default(),
            regions: facts.regions.keys().cloned().collect(),
            principals: words(principals),
            policies: words(policies),
            keys: words(keys),
            href: file_name(&facts.id),
            heat: heat_map::heat(&audited.findings),
            audited: !left_out,
            entered: facts.entered.is_ok(),
        }
    }
}

/// Every account that was delivered.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// In the order of the audit.
    pub(super) all: Vec<Account>,
    /// Every Region that was read in some account.
    pub(super) regions: BTreeSet<String>,
    /// Keys of all accounts.
    pub(super) keys: u64,
    /// Users, groups and roles of all accounts.
    pub(super) principals: u64,
    /// Whether keys and principals are known to be all.
    pub(super) whole: bool,
    not_whole: bool,
}

impl Accounts {
    /// Keeps an account.
    pub(super) fn add(&mut self, account: Account, audited: &AuditedAccount) {
        let facts = &audited.facts;
        if account.audited {
            let iam = &facts.iam;
            let lists = [iam.users.gap(), iam.groups.gap(), iam.roles.gap(), facts.regions_gap.as_ref()];
            let regions = facts.regions.values().map(|region| region.keys.gap());
            self.not_whole |= lists.into_iter().chain(regions).any(|gap| gap.is_some());
            self.whole = !self.not_whole;
            self.keys += facts.regions.values().map(|region| region.keys.known().len() as u64).sum::<u64>();
            self.principals += (iam.users.known().len() + iam.groups.known().len() + iam.roles.known().len()) as u64;
            self.regions.extend(account.regions.iter().cloned());
        }
        self.all.push(account);
    }
}

/// The page of an account.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    account: &'a Account,
    columns: Columns,
    total: Vec<Number>,
    all: Number,
    checks: Vec<CheckRow>,
    exceptions: Vec<FindingView>,
    exceptions_data: String,
    exceptions_note: String,
    quiet: Number,
    others: Vec<OtherRow<'a>>,
    others_data: String,
    others_note: String,
    /// Whether there is a page of what the findings rest on.
    has_evidence: bool,
}

impl Content<'_> {
    /// The places of the findings that the page shows.
    pub(super) fn anchors(&self) -> BTreeSet<String> {
        let exceptions = self.exceptions.iter().map(|it| &it.anchor);
        exceptions.chain(self.others.iter().map(|it| &it.anchor)).cloned().collect()
    }
}

/// One check on the page of an account.
#[derive(Debug, Serialize)]
struct CheckRow {
    id: &'static str,
    title: &'static str,
    severity: &'static str,
    href: String,
    numbers: Vec<Number>,
    shares: Vec<view::Share>,
}

/// A finding that needs no attention: one line.
#[derive(Debug, Serialize)]
struct OtherRow<'a> {
    anchor: String,
    status: StatusView,
    severity: &'static str,
    check: &'static str,
    region: &'a str,
    resource: String,
    reason: String,
}

/// The content of an account's page.
pub(super) fn content<'a>(
    account: &'a Account,
    audited: &'a AuditedAccount,
    checks: &[&'static Check],
    places: &Places,
    has_evidence: bool,
) -> Content<'a> {
    let mut total = Counts::default();
    let mut by_check: BTreeMap<&str, Counts> = BTreeMap::new();
    for finding in &audited.findings {
        total.add(finding.status);
        by_check.entry(finding.check_id).or_default().add(finding.status);
    }
    let columns = Columns::new(&total);
    let scope = format!("account={}", account.id);
    let mut worst: Vec<&Finding> = audited.findings.iter().filter(|it| needs_attention(it.status)).collect();
    // Stable: within one status and severity the order of the audit stays.
    worst.sort_by_key(|it| (it.status, view::rank(it.severity)));
    let exceptions = as_many_as_fit(&worst, places);
    let shown = exceptions.len();
    let weight: usize = exceptions.iter().map(FindingView::weight).sum();
    let others: Vec<&Finding> = audited.findings.iter().filter(|it| !needs_attention(it.status)).collect();
    let others_shown = lines_that_fit(&others, MAX_ROWS - shown, MAX_WEIGHT.saturating_sub(weight));
    let exceptions_data = data(&worst[shown..], MAX_DATA);
    let others_data = data(&others[others_shown.len()..], exceptions_data.room());
    Content {
        account,
        total: columns.numbers(&total, &scope),
        all: Number::total(&total, &scope),
        quiet: Number::quiet(&total, &scope),
        checks: checks.iter().map(|check| check_row(check, &by_check, &columns, &scope)).collect(),
        exceptions_note: rest(worst.len(), shown, &exceptions_data),
        others_note: rest(others.len(), others_shown.len(), &others_data),
        exceptions,
        exceptions_data: exceptions_data.json(),
        others: others_shown,
        others_data: others_data.json(),
        has_evidence,
        columns,
    }
}

/// Findings as data, as many as there is room for.
fn data(findings: &[&Finding], room: usize) -> Rows {
    let mut rows = Rows::new(rows::OF_ACCOUNT, room);
    findings.iter().for_each(|finding| rows.finding(finding));
    rows
}

/// The first findings, as many as a page holds.
fn as_many_as_fit(findings: &[&Finding], places: &Places) -> Vec<FindingView> {
    let mut weight = 0;
    let mut views = Vec::new();
    for finding in findings.iter().take(MAX_ROWS) {
        let view = FindingView::new(finding, places);
        weight += view.weight();
        if weight > MAX_WEIGHT {
            break;
        }
        views.push(view);
    }
    views
}

/// The first findings as lines, as many as there is room for.
fn lines_that_fit<'a>(findings: &[&'a Finding], rows: usize, mut room: usize) -> Vec<OtherRow<'a>> {
    const ROW: usize = 500;
    let mut lines = Vec::new();
    for finding in findings.iter().take(rows) {
        let line = other_row(finding);
        let weight = ROW + visible::escaped_length(&line.reason) + visible::escaped_length(&line.resource);
        let Some(left) = room.checked_sub(weight) else { break };
        room = left;
        lines.push(line);
    }
    lines
}

/// Where those of `all` findings are that a page does not show as elements; empty if there are none.
pub(super) fn rest(all: usize, shown: usize, data: &Rows) -> String {
    let (hidden, held) = ((all - shown) as u64, data.number());
    let Some(beyond) = hidden.checked_sub(held).filter(|_| hidden > 0) else { return String::new() };
    let held = match held {
        0 => String::new(),
        held => format!("{} here only where scripts may run. ", counted(held, "finding more is", "findings more are")),
    };
    let beyond = match beyond {
        0 => String::new(),
        beyond => format!("{} more than a page holds. ", counted(beyond, "finding is", "findings are")),
    };
    format!("{held}{beyond}data/csv/findings.csv and data/json/findings.ndjson have them all.")
}

fn needs_attention(status: Status) -> bool {
    matches!(status, Status::Fail | Status::Error | Status::Undecided | Status::Waived | Status::Manual)
}

fn check_row(check: &'static Check, by_check: &BTreeMap<&str, Counts>, columns: &Columns, scope: &str) -> CheckRow {
    let counts = by_check.get(check.id).copied().unwrap_or_default();
    CheckRow {
        id: check.id,
        title: check.title,
        severity: check.severity.word(),
        href: format!("../checks/{}", file_name(check.id)),
        numbers: columns.numbers(&counts, &format!("{scope} check={}", check.id)),
        shares: view::shares(&counts),
    }
}

fn other_row(finding: &Finding) -> OtherRow<'_> {
    OtherRow {
        anchor: view::anchor(finding),
        status: view::status(finding.status),
        severity: finding.severity.word(),
        check: finding.check_id,
        region: &finding.region,
        resource: shortened(&finding.resource_name),
        reason: shortened(&finding.reason),
    }
}
