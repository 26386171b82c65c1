//! The tie-outs of a pack: `completeness.csv`, `gaps.csv`, and the page that begins with what does not agree.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::Error;
use super::bag::Bag;
use super::framework_page::gap_name;
use super::html::file_name;
use super::pack::Audited;
use super::stream::Stream;
use super::table::{SEPARATOR, Table};
use super::view::{StatusView, counted, grouped, shortened};
use crate::audit::{AuditedAccount, LedgerGap, Summary, Tie, TieOut};

/// A column: its name, what stands there.
type Column = (&'static str, &'static str);

/// The columns of `completeness.csv`, in their order, which never changes inside a major version.
pub(super) const COLUMNS: [Column; 9] = [
    (
        "tie_out",
        "T1 accounts, T2 Regions, T3 pages, T4 one answer against another, T5 references, T6 findings, T7 changes meanwhile, T8 clocks",
    ),
    ("subject", "What is counted, and where both numbers come from"),
    ("account_id", "The account; empty for the organization"),
    ("region", "The Region; empty for what has none"),
    ("expected", "How many there must be; empty where that could not be read"),
    ("observed", "How many there are; empty where that could not be read"),
    ("difference", "By how much the two are apart"),
    (
        "verdict",
        "ties; explained: the difference leaves nothing out; gap: something was not read; differs: nobody knows why",
    ),
    ("explanation", "What makes up the number, or why it differs"),
];

/// The columns of `gaps.csv`, in their order, which never changes inside a major version.
pub(super) const GAP_COLUMNS: [Column; 11] = [
    ("gap", "The name of the gap on the pages"),
    ("account_id", "The account"),
    ("account_name", "Its name in the organization"),
    ("region", "The Region, or global"),
    ("api", "Service and operation"),
    ("outcome", "denied, failed, truncated, unsupported, …"),
    ("code", "AWS's code"),
    ("calls", "How many calls did not end well"),
    ("resources", "What the first of them were about"),
    ("checks", "The checks that read it, or whose population rests on it"),
    ("ev_id", "Number of the row of the ledger among the evidence"),
];

/// Where the files lie.
pub(super) const COMPLETENESS: &str = "completeness.csv";
pub(super) const GAPS: &str = "gaps.csv";

const JSON: &str = "data/json/completeness.json";
const SCHEMA: &str = "data/json/completeness.schema.json";
const SCHEMA_TEXT: &str = include_str!("completeness.schema.json");

/// Tie-outs that the page shows one by one.
const MAX_ROWS: usize = 1_000;

/// The tie-outs, each with what it ties.
const KINDS: [(&str, &str); 8] = [
    ("T1", "Every account of the organization is read, left out with a reason, closed, or a gap."),
    ("T2", "In every Region that an account has enabled the keys were listed."),
    ("T3", "Every list was read to its last page."),
    ("T4", "Where two answers of AWS count the same things, they count the same number."),
    ("T5", "Every managed policy that a principal has was read."),
    ("T6", "Each finding stands once in every list of findings."),
    ("T7", "Nothing came into being between the first call and the last."),
    ("T8", "The clock of the collector was that of AWS, to a minute."),
];

/// What does not tie, and `completeness.csv` in the making.
pub(super) struct Completeness {
    csv: Table,
    json: Stream,
    /// Those that do not simply tie, as far as the page has room.
    open: BTreeMap<Tie, Vec<TieOut>>,
    counts: BTreeMap<&'static str, BTreeMap<Tie, u64>>,
    /// Regions that are proven to have no key.
    zeros: u64,
}

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Content {
    verdict: StatusView,
    sentence: String,
    kinds: Vec<KindRow>,
    sections: Vec<Section>,
    zeros: String,
}

/// One kind of tie-out, counted.
#[derive(Debug, Serialize)]
struct KindRow {
    id: &'static str,
    meaning: &'static str,
    counts: Vec<Count>,
}

/// Number of tie-outs of a kind with a verdict.
#[derive(Debug, Serialize)]
struct Count {
    text: String,
    query: String,
    class: &'static str,
}

/// Tie-outs with the same verdict.
#[derive(Debug, Serialize)]
struct Section {
    id: &'static str,
    title: &'static str,
    meaning: &'static str,
    rows: Vec<Row>,
    rest: String,
}

/// One tie-out.
#[derive(Debug, Serialize)]
struct Row {
    id: &'static str,
    subject: String,
    account: String,
    href: String,
    region: String,
    expected: String,
    observed: String,
    explanation: String,
}

impl Completeness {
    /// Begins the file.
    pub(super) fn create(bag: &Bag) -> Result<Self, Error> {
        let csv = Table::create(bag, &path(COMPLETENESS), COLUMNS.map(|(name, _)| name))?;
        let mut json = Stream::create(bag, JSON)?;
        json.text("{\"schema_version\":1,\"tie_outs\":[")?;
        Ok(Self { csv, json, open: BTreeMap::new(), counts: BTreeMap::new(), zeros: 0 })
    }

    /// Adds those of an account.
    pub(super) fn account(&mut self, audited: &AuditedAccount) -> Result<(), Error> {
        audited.tie_outs.iter().try_for_each(|tie_out| self.add(tie_out))
    }

    fn add(&mut self, it: &TieOut) -> Result<(), Error> {
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        // Without a sign: a spreadsheet could take one for the begin of a formula.
        let difference = it.expected.zip(it.observed).map(|(expected, observed)| expected.abs_diff(observed));
        let cells = [
            it.id,
            &it.subject,
            &it.account_id,
            &it.region,
            &number(it.expected),
            &number(it.observed),
            &number(difference),
            it.verdict.word(),
            &it.explanation,
        ];
        self.csv.row(&cells)?;
        self.json.text(if self.counts.is_empty() { "\n" } else { ",\n" })?;
        self.json.json(&tie_out(it))?;
        *self.counts.entry(it.id).or_default().entry(it.verdict).or_default() += 1;
        self.zeros += u64::from(it.is_proven_zero());
        if it.verdict != Tie::Ties {
            let open = self.open.entry(it.verdict).or_default();
            if open.len() < MAX_ROWS {
                open.push(it.clone());
            }
        }
        Ok(())
    }

    /// Adds those of the organization and of the pack itself, and ends the files. `written`: findings by check as they stand in the
    /// lists.
    pub(super) fn finish(
        mut self,
        bag: &Bag,
        summary: &Summary,
        written: &BTreeMap<&'static str, u64>,
    ) -> Result<Tied, Error> {
        for tie_out in &summary.of_organization {
            self.add(tie_out)?;
        }
        for (check, counts) in &summary.by_check {
            let written = written.get(check).copied().unwrap_or(0);
            self.add(&TieOut::of_findings(check, counts.total(), written))?;
        }
        let Self { csv, mut json, open, counts, zeros } = self;
        bag.add(&path(COMPLETENESS), csv.finish()?);
        json.text("\n],\"counts\":")?;
        json.json(&counts)?;
        json.text(",\"gaps\":")?;
        json.json(&named_gaps(&summary.ledger))?;
        json.text("}\n")?;
        json.finish(bag)?;
        bag.put(SCHEMA, SCHEMA_TEXT.as_bytes())?;
        let mut csv = Table::create(bag, &path(GAPS), GAP_COLUMNS.map(|(name, _)| name))?;
        for (index, gap) in summary.ledger.iter().enumerate() {
            csv.row(&gap_cells(index, gap).each_ref().map(String::as_str))?;
        }
        bag.add(&path(GAPS), csv.finish()?);
        Ok(Tied { open, counts, zeros })
    }
}

/// What was tied, for the page.
pub(super) struct Tied {
    open: BTreeMap<Tie, Vec<TieOut>>,
    counts: BTreeMap<&'static str, BTreeMap<Tie, u64>>,
    zeros: u64,
}

impl Tied {
    fn all(&self, verdict: Tie) -> u64 {
        self.counts.values().filter_map(|counts| counts.get(&verdict)).sum()
    }

    /// The content of the page.
    pub(super) fn content(&self, audited: &Audited<'_>) -> Content {
        let differs = self.all(Tie::Differs);
        let (verdict, sentence) = match (differs, audited.summary.is_incomplete()) {
            (0, false) => (
                StatusView { word: "COMPLETE", class: "pass" },
                format!("All {} tie out, or their difference is explained.", counted(self.tied(), "number", "numbers")),
            ),
            (0, true) => (
                StatusView { word: "INCOMPLETE", class: "error" },
                "What was read ties out, but something was not read: the gaps are listed on the cover and in gaps.csv."
                    .to_owned(),
            ),
            (differs, _) => (
                StatusView { word: "INCOMPLETE", class: "error" },
                format!(
                    "{} and nothing in the snapshot says why.",
                    counted(differs, "number does not agree", "numbers do not agree")
                ),
            ),
        };
        Content {
            verdict,
            sentence,
            kinds: KINDS.iter().map(|(id, meaning)| self.kind(id, meaning)).collect(),
            sections: [Tie::Differs, Tie::Gap, Tie::Explained]
                .into_iter()
                .filter_map(|it| self.section(it, audited))
                .collect(),
            zeros: counted(self.zeros, "Region of an account is", "Regions of accounts are"),
        }
    }

    fn tied(&self) -> u64 {
        Tie::ALL.into_iter().map(|verdict| self.all(verdict)).sum()
    }

    fn kind(&self, id: &'static str, meaning: &'static str) -> KindRow {
        let count = |verdict: Tie| {
            let number = self.counts.get(id).and_then(|counts| counts.get(&verdict)).copied().unwrap_or(0);
            let class = if number == 0 || verdict == Tie::Ties { "" } else { class(verdict) };
            Count { text: grouped(number), query: format!("tie_out={id} verdict={}", verdict.word()), class }
        };
        KindRow { id, meaning, counts: Tie::ALL.into_iter().map(count).collect() }
    }

    fn section(&self, verdict: Tie, audited: &Audited<'_>) -> Option<Section> {
        let open = self.open.get(&verdict)?;
        let (id, title, meaning) = match verdict {
            Tie::Differs => (
                "differs",
                "What does not agree",
                "Nothing in the snapshot says why: read it again before you rely on it.",
            ),
            Tie::Gap => (
                "gap",
                "What was not read",
                "The number is not known, or not of everything. What rests on it counts nowhere as passed.",
            ),
            _ => ("explained", "What differs for a known reason", "Nothing is left out by these."),
        };
        let hidden = self.all(verdict).saturating_sub(open.len() as u64);
        let rest = match hidden {
            0 => String::new(),
            more => format!("{} data/csv/completeness.csv.", counted(more, "more row is in", "more rows are in")),
        };
        Some(Section { id, title, meaning, rows: open.iter().map(|it| row(it, audited)).collect(), rest })
    }
}

/// A tie-out as JSON.
fn tie_out(it: &TieOut) -> Value {
    json!({
        "tie_out": it.id,
        "subject": it.subject,
        "account_id": it.account_id,
        "region": it.region,
        "expected": it.expected,
        "observed": it.observed,
        "verdict": it.verdict.word(),
        "explanation": it.explanation,
    })
}

/// Every gap under the name that pages give it.
pub(super) fn named_gaps(ledger: &[LedgerGap]) -> Vec<Value> {
    let named = |(index, gap): (usize, &LedgerGap)| {
        let mut value = json!(gap);
        value["name"] = json!(gap_name(index));
        value
    };
    ledger.iter().enumerate().map(named).collect()
}

fn class(verdict: Tie) -> &'static str {
    match verdict {
        Tie::Ties => "pass",
        Tie::Explained => "undecided",
        Tie::Gap | Tie::Differs => "error",
    }
}

fn row(it: &TieOut, audited: &Audited<'_>) -> Row {
    let number = |number: Option<u64>| number.map_or_else(|| "not known".to_owned(), grouped);
    let has_page = !it.account_id.is_empty() && audited.options.audit.selection.wants_account(&it.account_id);
    Row {
        id: it.id,
        subject: shortened(&it.subject),
        account: it.account_id.clone(),
        href: if has_page { format!("accounts/{}", file_name(&it.account_id)) } else { String::new() },
        region: shortened(&it.region),
        expected: number(it.expected),
        observed: number(it.observed),
        explanation: shortened(&it.explanation),
    }
}

fn gap_cells(index: usize, gap: &LedgerGap) -> [String; GAP_COLUMNS.len()] {
    [
        gap_name(index),
        gap.account_id.clone(),
        gap.account_name.clone(),
        gap.region.clone(),
        gap.api.clone(),
        gap.outcome.clone(),
        gap.code.clone().unwrap_or_default(),
        gap.calls.to_string(),
        gap.resources.join(SEPARATOR),
        gap.checks.join(SEPARATOR),
        gap.ev_id.clone(),
    ]
}

fn path(file: &str) -> String {
    format!("data/csv/{file}")
}
