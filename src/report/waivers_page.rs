//! Waivers in a pack: their page, their table, and the file itself.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Error;
use super::bag::Bag;
use super::html::{file_name, place};
use super::pack::Audited;
use super::table::{SEPARATOR, Table};
use super::view::{self, MAX_WEIGHT, Number, StatusView, counted, grouped, shortened};
use super::visible;
use crate::audit::{Standing, WaiverResult};
use crate::finding::{Finding, Status};
use crate::waivers::{MAX_DAYS, Waiver};

/// Where a pack holds the file of waivers.
pub const FILE: &str = "data/inputs/waivers.toml";

/// Where the table lies.
pub(super) const CSV: &str = "data/csv/waivers.csv";

/// Findings that the page shows for each waiver.
const MAX_FINDINGS: usize = 50;

/// What an auditor should know of a waiver beside what its file says: its name, and what stands there.
type Column = (&'static str, &'static str, fn(&Waiver, &WaiverResult) -> String);

/// The columns of `waivers.csv`, in their order, which never changes inside a major version.
pub(super) const COLUMNS: [Column; 22] = [
    ("waiver_id", "Name of the waiver", |it, _| it.id.clone()),
    ("kind", "Why the exception is waived", |it, _| it.kind.word().to_owned()),
    (
        "standing",
        "ACTIVE, LAPSED, NOT YET EFFECTIVE, STALE, NOT KNOWN or NOT JUDGED, as of the time of the audit",
        |_, it| it.standing.words().to_owned(),
    ),
    ("waived", "Number of findings that are WAIVED because of it", |_, it| it.waived.to_string()),
    ("exceptions", "Number of exceptions that it means, waived or not", |_, it| it.exceptions.to_string()),
    ("match", "The findings that it means", |it, _| it.scope.words()),
    ("frameworks", "Frameworks for which it counts; empty: all", |it, _| it.frameworks.join(SEPARATOR)),
    ("owner", "Who answers for the risk", |it, _| it.owner.clone()),
    ("approver", "Who approved it", |it, _| it.approver.clone()),
    ("approved_on", "Day of the approval", |it, _| it.approved_on.to_string()),
    ("effective_from", "First day in force", |it, _| it.effective_from.to_string()),
    ("expires_on", "Last day in force", |it, _| it.expires_on.to_string()),
    ("days_left", "Days in force after the time of the audit; negative once lapsed", |_, it| it.days_left.to_string()),
    ("justification", "Why it may be", |it, _| it.justification.clone()),
    ("ticket", "Where it was decided", |it, _| it.ticket.clone()),
    ("evidence_files", "Documents that it rests on", |it, _| joined(it, |document| &document.path)),
    ("evidence_sha256", "Their SHA-256, in the same order", |it, _| joined(it, |document| &document.sha256)),
    ("review_note", "What the next reviewer should know", |it, _| it.review_note.clone()),
    ("worksheet", "Rows of the worksheet that goes with the kind, as name: text", |it, _| {
        let rows = it.kind.worksheet().iter().zip(&it.worksheet);
        rows.map(|((name, _), text)| format!("{name}: {text}")).collect::<Vec<_>>().join(SEPARATOR)
    }),
    ("line", "Line of inputs/waivers.toml", |it, _| it.line.to_string()),
    ("notes", "What a reviewer should look at", |_, it| it.notes.join(SEPARATOR)),
    ("ev_id", "Number of the approval among the evidence", |_, it| it.ev_id.clone()),
];

fn joined(waiver: &Waiver, text: fn(&crate::waivers::Document) -> &String) -> String {
    waiver.evidence.iter().map(|it| text(it).as_str()).collect::<Vec<_>>().join(SEPARATOR)
}

/// The findings that name a waiver, as far as the page shows them.
#[derive(Debug, Default)]
pub(super) struct Meant {
    rows: BTreeMap<String, Vec<FindingRow>>,
    weight: usize,
}

/// A finding, in one line.
#[derive(Debug, Serialize)]
struct FindingRow {
    status: StatusView,
    check: &'static str,
    account: String,
    account_name: String,
    region: String,
    resource: String,
    reason: String,
    href: String,
}

impl Meant {
    /// The check of the findings that name a waiver.
    pub(super) fn check_of(&self, id: &str) -> Option<&str> {
        self.rows.get(id)?.first().map(|row| row.check)
    }

    /// Keeps a finding if it names a waiver and there is room.
    pub(super) fn add(&mut self, finding: &Finding) {
        const ROW: usize = 500;
        let Some(waiver) = &finding.waiver else { return };
        let rows = self.rows.entry(waiver.id.clone()).or_default();
        if rows.len() >= MAX_FINDINGS || self.weight >= MAX_WEIGHT / 4 {
            return;
        }
        let row = FindingRow {
            status: view::status(finding.status),
            check: finding.check_id,
            account: finding.account_id.to_string(),
            account_name: shortened(&finding.account_name),
            region: finding.region.to_string(),
            resource: shortened(&finding.resource_name),
            reason: shortened(&finding.reason),
            href: format!("checks/{}#{}", file_name(finding.check_id), view::anchor(finding)),
        };
        let texts = [&row.account_name, &row.resource, &row.reason];
        self.weight += ROW + texts.into_iter().map(|text| visible::escaped_length(text)).sum::<usize>();
        rows.push(row);
    }
}

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    given: bool,
    lead: String,
    standings: Vec<StandingRow>,
    waivers: Vec<WaiverView<'a>>,
    rest: String,
    rules: [String; 4],
}

/// How many waivers stand how.
#[derive(Debug, Serialize)]
pub(super) struct StandingRow {
    standing: StatusView,
    meaning: &'static str,
    waivers: String,
    waived: Option<Number>,
}

/// A waiver.
#[derive(Debug, Serialize)]
struct WaiverView<'a> {
    id: &'a str,
    place: String,
    kind: &'static str,
    standing: StatusView,
    meaning: &'static str,
    scope: String,
    frameworks: String,
    owner: String,
    approver: String,
    approved_on: String,
    effective_from: String,
    expires_on: String,
    left: String,
    justification: String,
    ticket: String,
    review_note: String,
    evidence: Vec<(String, &'a str)>,
    notes: &'a [String],
    worksheet: Vec<WorksheetRow<'a>>,
    waived: Number,
    findings: &'a [FindingRow],
    more: String,
}

/// A row of a worksheet.
#[derive(Debug, Serialize)]
struct WorksheetRow<'a> {
    name: &'a str,
    question: &'a str,
    text: String,
}

/// Waivers that the page shows; the table has them all.
const MAX_WAIVERS: usize = 1_000;

/// The view of a standing.
fn standing(it: Standing) -> StatusView {
    let class = match it {
        Standing::Active => "waived",
        Standing::Lapsed => "fail",
        Standing::NotYetEffective | Standing::NotJudged => "manual",
        Standing::Stale => "na",
        Standing::NotKnown => "undecided",
    };
    StatusView { word: it.words(), class }
}

/// How many waivers stand how; those that none does are left out.
pub(super) fn standings(audited: &Audited<'_>) -> Vec<StandingRow> {
    let results = &audited.summary.waivers;
    let row = |it: Standing| {
        let waivers = results.iter().filter(|result| result.standing == it).count() as u64;
        (waivers > 0).then(|| StandingRow {
            standing: standing(it),
            meaning: it.meaning(),
            waivers: grouped(waivers),
            waived: (it == Standing::Active).then(|| Number::of(&audited.summary.total, Status::Waived, "")),
        })
    };
    Standing::ALL.into_iter().filter_map(row).collect()
}

/// The content of the page.
pub(super) fn content<'a>(audited: &'a Audited<'a>) -> Content<'a> {
    let waivers = audited.options.audit.waivers;
    let results = &audited.summary.waivers;
    let shown = waivers.all.iter().zip(results).take(MAX_WAIVERS);
    Content {
        given: waivers.text.is_some(),
        lead: lead(audited),
        standings: standings(audited),
        waivers: shown.map(|(waiver, result)| waiver_view(waiver, result, audited.meant)).collect(),
        rest: match waivers.all.len().saturating_sub(MAX_WAIVERS) {
            0 => String::new(),
            more => format!("{} in data/csv/waivers.csv.", counted(more as u64, "more waiver is", "more waivers are")),
        },
        rules: [
            "A waiver changes FAIL to WAIVED, and nothing else: what could not be read or decided stays ERROR or UNDECIDED. The \
             finding keeps its underlying status."
                .to_owned(),
            format!(
                "It names its owner and another person who approved it, and lasts {MAX_DAYS} days at most. Days are UTC, and count as \
                 of the time of the audit."
            ),
            "After its last day the finding is FAIL again, and says so.".to_owned(),
            "Its findings are named by fingerprint, or by check with a resource or an account, never by tag.".to_owned(),
        ],
    }
}

/// What the waivers come to, in one sentence.
pub(super) fn lead(audited: &Audited<'_>) -> String {
    let (waivers, total) = (audited.options.audit.waivers, &audited.summary.total);
    let as_of = &audited.identity.as_of_words;
    match waivers.text {
        None => "No waivers were given: every exception counts as FAIL.".to_owned(),
        Some(_) => format!(
            "{} of {} waived as of {as_of}; the file holds {}.",
            grouped(total.of(Status::Waived)),
            counted(total.of(Status::Waived) + total.of(Status::Fail), "exception is", "exceptions are"),
            counted(waivers.all.len() as u64, "waiver", "waivers"),
        ),
    }
}

fn waiver_view<'a>(waiver: &'a Waiver, result: &'a WaiverResult, meant: &'a Meant) -> WaiverView<'a> {
    let findings = meant.rows.get(&waiver.id).map_or(&[][..], Vec::as_slice);
    // Of those that it means, an earlier waiver may cover some, which the page shows there.
    let named = if result.standing == Standing::Active { result.waived } else { result.exceptions };
    let rows = waiver.kind.worksheet().iter().zip(&waiver.worksheet);
    WaiverView {
        id: &waiver.id,
        place: place("w", &waiver.id),
        kind: waiver.kind.title(),
        standing: standing(result.standing),
        meaning: result.standing.meaning(),
        scope: shortened(&waiver.scope.words()),
        frameworks: waiver.frameworks.join(", "),
        owner: shortened(&waiver.owner),
        approver: shortened(&waiver.approver),
        approved_on: waiver.approved_on.to_string(),
        effective_from: waiver.effective_from.to_string(),
        expires_on: waiver.expires_on.to_string(),
        left: match result.days_left {
            days @ 0.. => format!("{} left", counted(days.unsigned_abs().into(), "day", "days")),
            days => format!("{} ago", counted(days.unsigned_abs().into(), "day", "days")),
        },
        justification: shortened(&waiver.justification),
        ticket: shortened(&waiver.ticket),
        review_note: shortened(&waiver.review_note),
        evidence: waiver.evidence.iter().take(20).map(|it| (shortened(&it.path), it.sha256.as_str())).collect(),
        notes: &result.notes,
        worksheet: rows
            .map(|((name, question), text)| WorksheetRow { name, question, text: shortened(text) })
            .collect(),
        waived: Number::waived_by(&waiver.id, result.waived),
        more: match named.saturating_sub(findings.len() as u64) {
            0 => String::new(),
            more => format!("{} in data/csv/findings.csv.", counted(more, "more finding is", "more findings are")),
        },
        findings,
    }
}

/// Writes the table, and the file as it was given.
pub(super) fn write_files(bag: &Bag, audited: &Audited<'_>) -> Result<(), Error> {
    let waivers = audited.options.audit.waivers;
    let mut table = Table::create(bag, CSV, COLUMNS.iter().map(|(name, ..)| *name))?;
    for (waiver, result) in waivers.all.iter().zip(&audited.summary.waivers) {
        let cells = COLUMNS.map(|(_, _, fill)| fill(waiver, result));
        table.row(&cells.each_ref().map(String::as_str))?;
    }
    bag.add(CSV, table.finish()?);
    if let Some(text) = waivers.text.as_ref().filter(|_| audited.options.redaction.is_none()) {
        bag.put(FILE, text.as_bytes())?;
    }
    Ok(())
}
