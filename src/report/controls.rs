//! The controls of every framework as a table and as JSON: what the framework pages say, line by line.

use serde_json::{Value, json};

use super::Error;
use super::bag::Bag;
use super::check_page::strength;
use super::framework_page::{gaps, marks, sentence};
use super::pack::Audited;
use super::table::{SEPARATOR, Table};
use crate::audit::{ControlResult, Counts, Determination, FrameworkResult, TestResult};
use crate::finding::Status;
use crate::frameworks::{Source, Strength, Test};

/// Name of the table.
pub(super) const NAME: &str = "controls_matrix.csv";

const JSON: &str = "data/json/controls.json";
const SCHEMA: &str = "data/json/controls.schema.json";
const SCHEMA_TEXT: &str = include_str!("controls.schema.json");

/// A column: its name, what stands there, how it is filled.
type Column = (&'static str, &'static str, fn(&Line<'_>) -> String);

/// The columns, in their order, which never changes inside a major version.
const COLUMNS: [Column; 24] = [
    ("framework", "Id of the framework", |it| it.result.framework.id.clone()),
    ("framework_version", "Its version", |it| it.result.framework.version.clone()),
    ("control", "Id of the control", |it| it.control.control.id.clone()),
    ("control_title", "Its title, in the words of NIST, else in ours", |it| it.control.control.title.clone()),
    ("marks", "HIPAA: standard, required or addressable; NIST SP 800-53: its baselines", |it| {
        marks(it.control.control.requirement, it.control.control.baselines.as_deref()).join(SEPARATOR)
    }),
    ("determination", "What may be said of the control; the same in each of its rows", |it| {
        it.control.determination.words().to_owned()
    }),
    ("conclusion", "The same as a sentence", |it| it.conclusion.to_owned()),
    (
        "coverage",
        "How many checks are mapped to the control, and how strongly; only direct ones test what it demands. Proposals do not count",
        |it| coverage(it.control),
    ),
    ("check_id", "A check that is mapped to it; empty for a control without any", |it| {
        it.test.map(|test| test.check.clone()).unwrap_or_default()
    }),
    ("aspect", "The part of the check that counts, if not the whole", |it| {
        it.test.and_then(|test| test.aspect.clone()).unwrap_or_default()
    }),
    ("strength", "direct, partial or supporting: how far the check answers the control", |it| {
        it.test.map(|test| strength(test.strength)).unwrap_or_default().to_owned()
    }),
    (
        "mapping",
        "published; third party: published, but by no document of AWS; proposal: ours, which counts for nothing",
        |it| it.test.map(mapping).unwrap_or_default().to_owned(),
    ),
    ("mapping_source", "The documents that map them, with their rules", |it| {
        it.test.map(|test| test.sources.iter().map(source).collect::<Vec<_>>().join(SEPARATOR)).unwrap_or_default()
    }),
    ("mapping_note", "What weakens or limits the mapping", |it| {
        it.test.and_then(|test| test.note.clone()).unwrap_or_default()
    }),
    ("ran", "yes; in part: a selection left a part out; no: the check was left out; empty for proposals", |it| {
        it.ran().to_owned()
    }),
    ("population", "Resources assessed, or that should have been: all but NOT_APPLICABLE and MANUAL", |it| {
        it.count(Counts::population)
    }),
    ("pass", "Findings of the check that are PASS", |it| it.count(|counts| counts.of(Status::Pass))),
    ("fail", "Those that are FAIL, for this framework", |it| it.count(|counts| counts.of(Status::Fail))),
    ("waived", "Those that are WAIVED, for this framework", |it| it.count(|counts| counts.of(Status::Waived))),
    ("undecided", "Those that are UNDECIDED", |it| it.count(|counts| counts.of(Status::Undecided))),
    ("error", "Those that are ERROR", |it| it.count(|counts| counts.of(Status::Error))),
    ("not_applicable", "Those that are NOT_APPLICABLE", |it| it.count(|counts| counts.of(Status::NotApplicable))),
    ("manual", "Those that are MANUAL", |it| it.count(|counts| counts.of(Status::Manual))),
    ("population_is_whole", "no where something that the check reads is missing; else yes", |it| {
        let has_hole = it.tested.filter(|tested| tested.counts.is_some()).map(|tested| tested.has_hole);
        has_hole.map(|has_hole| if has_hole { "no" } else { "yes" }).unwrap_or_default().to_owned()
    }),
];

/// A control and a check that is mapped to it, if there is one.
struct Line<'a> {
    result: &'a FrameworkResult<'a>,
    control: &'a ControlResult<'a>,
    conclusion: &'a str,
    test: Option<&'a Test>,
    /// What the test gave; nothing for proposals.
    tested: Option<&'a TestResult<'a>>,
}

impl Line<'_> {
    fn ran(&self) -> &'static str {
        match self.tested {
            None => "",
            Some(TestResult { counts: None, .. }) => "no",
            Some(TestResult { is_cut: true, .. }) => "in part",
            Some(_) => "yes",
        }
    }

    fn count(&self, number: impl FnOnce(&Counts) -> u64) -> String {
        let counts = self.tested.and_then(|tested| tested.counts.as_ref());
        counts.map(|counts| number(counts).to_string()).unwrap_or_default()
    }
}

fn mapping(test: &Test) -> &'static str {
    match (test.proposed, test.third_party_only) {
        (true, _) => "proposal",
        (false, true) => "third party",
        (false, false) => "published",
    }
}

fn source(source: &Source) -> String {
    format!("{}: {}", source.document, source.rules.join(", "))
}

/// How many tests a control has by strength, and how many were left out.
fn coverage(control: &ControlResult<'_>) -> String {
    let of = |strength: Strength| control.tests.iter().filter(|it| it.test.strength == strength).count();
    let (left_out, in_part) = control.omitted();
    let numbers = [
        (of(Strength::Direct), "direct"),
        (of(Strength::Partial), "partial"),
        (of(Strength::Supporting), "supporting"),
        (left_out, "left out of this run"),
        (in_part, "left out in part"),
    ];
    let words = numbers.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
    let words: Vec<String> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// The columns, each with what stands there.
pub(super) fn columns() -> Vec<(&'static str, &'static str)> {
    COLUMNS.map(|(name, content, _)| (name, content)).to_vec()
}

/// Writes the table, the JSON and its schema.
pub(super) fn write(bag: &Bag, audited: &Audited<'_>) -> Result<(), Error> {
    let path = format!("data/csv/{NAME}");
    let mut table = Table::create(bag, &path, COLUMNS.map(|(name, ..)| name))?;
    for result in audited.results {
        for control in &result.controls {
            let conclusion = conclusion(audited, control);
            let line = |test, tested| Line { result, control, conclusion: &conclusion, test, tested };
            let tests = control.tests.iter().map(|tested| line(Some(tested.test), Some(tested)));
            let mut lines: Vec<Line<'_>> =
                tests.chain(control.control.proposals().map(|test| line(Some(test), None))).collect();
            if lines.is_empty() {
                lines.push(line(None, None));
            }
            for line in lines {
                table.row(&COLUMNS.map(|(_, _, fill)| fill(&line)).each_ref().map(String::as_str))?;
            }
        }
    }
    bag.add(&path, table.finish()?);
    bag.put_json(JSON, &all(audited))?;
    bag.put(SCHEMA, SCHEMA_TEXT.as_bytes())
}

fn conclusion(audited: &Audited<'_>, control: &ControlResult<'_>) -> String {
    sentence(control, &audited.identity.as_of_words, &gaps(audited, control))
}

fn all(audited: &Audited<'_>) -> Value {
    json!({
        "schema_version": 1,
        "snapshot_root": audited.identity.snapshot_root,
        "input_root": audited.identity.input_root,
        "as_of": audited.identity.as_of,
        "frameworks": audited.results.iter().map(|result| framework(audited, result)).collect::<Vec<_>>(),
    })
}

fn framework(audited: &Audited<'_>, result: &FrameworkResult<'_>) -> Value {
    let framework = result.framework;
    let tally = |it: Determination| {
        let controls = result.controls.iter().filter(|control| control.determination == it).count();
        (it.words().to_owned(), json!(controls))
    };
    json!({
        "id": framework.id,
        "title": framework.title,
        "version": framework.version,
        "publisher": framework.publisher,
        "retired": framework.retired.map(|day| day.to_string()),
        "superseded_by": framework.superseded_by,
        "determinations": Value::Object(Determination::ALL.into_iter().map(tally).collect()),
        "controls": result.controls.iter().map(|it| control(audited, it)).collect::<Vec<_>>(),
    })
}

fn control(audited: &Audited<'_>, result: &ControlResult<'_>) -> Value {
    let it = result.control;
    json!({
        "id": it.id,
        "title": it.title,
        "marks": marks(it.requirement, it.baselines.as_deref()),
        "determination": result.determination,
        "conclusion": conclusion(audited, result),
        "gaps": gaps(audited, result),
        "counts": result.counts,
        "tests": result.tests.iter().map(tested).collect::<Vec<_>>(),
        "proposals": it.proposals().map(test).collect::<Vec<_>>(),
    })
}

fn tested(result: &TestResult<'_>) -> Value {
    let mut value = test(result.test);
    value["counts"] = json!(result.counts);
    value["population_is_whole"] = json!(!result.has_hole);
    value["left_out_in_part"] = json!(result.is_cut);
    value["waived_elsewhere"] = json!(result.not_waived);
    value
}

fn test(test: &Test) -> Value {
    let source = |it: &Source| json!({ "document": it.document, "rules": it.rules, "published_as": it.published_as, "note": it.note });
    json!({
        "check_id": test.check,
        "aspect": test.aspect,
        "strength": strength(test.strength),
        "mapping": mapping(test),
        "sources": test.sources.iter().map(source).collect::<Vec<_>>(),
        "note": test.note,
    })
}
