//! The page of a framework: control → checks → counts → what may be said.

use std::collections::BTreeSet;

use serde::Serialize;

use super::check_page::strength;
use super::html::{file_name, place};
use super::pack::Audited;
use super::view::{Columns, Number, grouped};
use crate::audit::{ControlResult, Counts, Determination, FrameworkResult, TestResult};
use crate::finding::Status;
use crate::frameworks::{Baseline, Framework, Requirement, Source, Strength};

/// A determination: its words, and its name in the style sheet and among the icons.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct DeterminationView {
    pub(super) words: &'static str,
    pub(super) class: &'static str,
}

/// The view of a determination.
pub(super) fn determination(it: Determination) -> DeterminationView {
    let class = match it {
        Determination::ExceptionsNoted => "fail",
        Determination::Incomplete => "error",
        Determination::ExceptionsWaived => "waived",
        Determination::NoExceptionsNoted => "pass",
        Determination::NoItems => "na",
        Determination::NotTested => "manual",
    };
    DeterminationView { words: it.words(), class }
}

/// How many controls of a framework got a determination.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tally {
    determination: DeterminationView,
    controls: String,
    query: String,
}

/// How many controls of a framework got each determination; those that none got are left out.
pub(super) fn tally(result: &FrameworkResult<'_>) -> Vec<Tally> {
    let of = |it: Determination| {
        let controls = result.controls.iter().filter(|control| control.determination == it).count();
        (controls > 0).then(|| Tally {
            determination: determination(it),
            controls: grouped(controls as u64),
            query: format!("{} {}", result.framework.id, it.words()),
        })
    };
    Determination::ALL.into_iter().filter_map(of).collect()
}

/// The page of a framework.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    id: &'a str,
    title: &'a str,
    version: &'a str,
    publisher: &'a str,
    notice: String,
    retired: String,
    superseded_by: Option<Successor>,
    tally: Vec<Tally>,
    columns: &'a Columns,
    controls: Vec<ControlRow<'a>>,
}

/// The version that took a framework's place.
#[derive(Debug, Serialize)]
struct Successor {
    id: String,
    href: Option<String>,
}

/// A control.
#[derive(Debug, Serialize)]
struct ControlRow<'a> {
    id: &'a str,
    place: String,
    title: &'a str,
    marks: Vec<&'static str>,
    determination: DeterminationView,
    also_incomplete: bool,
    incomplete: DeterminationView,
    sentence: String,
    numbers: Vec<Number>,
    tests: Vec<TestRow<'a>>,
    proposals: Vec<ProposalRow<'a>>,
}

/// A test of a control.
#[derive(Debug, Serialize)]
struct TestRow<'a> {
    check: &'a str,
    /// None for a check that was not part of the run and has no page.
    href: Option<String>,
    aspect: &'a str,
    strength: &'static str,
    third_party_only: bool,
    note: &'a str,
    sources: Vec<SourceRow<'a>>,
    numbers: Option<Vec<Number>>,
}

/// Who publishes a mapping.
#[derive(Debug, Serialize)]
struct SourceRow<'a> {
    document: &'a str,
    rules: String,
    published_as: String,
    note: &'a str,
}

/// A mapping of our own, which counts for nothing.
#[derive(Debug, Serialize)]
struct ProposalRow<'a> {
    check: &'a str,
    strength: &'static str,
    note: &'a str,
}

/// The content of a framework's page.
pub(super) fn content<'a>(audited: &'a Audited<'a>, result: &'a FrameworkResult<'a>) -> Content<'a> {
    let framework = result.framework;
    Content {
        id: &framework.id,
        title: &framework.title,
        version: &framework.version,
        publisher: &framework.publisher,
        notice: framework.notice.split_whitespace().collect::<Vec<_>>().join(" "),
        retired: framework.retired.map(|day| day.to_string()).unwrap_or_default(),
        superseded_by: successor(audited, framework),
        tally: tally(result),
        columns: audited.columns,
        controls: result.controls.iter().map(|control| control_row(audited, &framework.id, control)).collect(),
    }
}

fn successor(audited: &Audited<'_>, framework: &Framework) -> Option<Successor> {
    let id = framework.superseded_by.as_ref()?;
    let href = audited.options.audit.reported().any(|it| it.id == *id).then(|| file_name(id));
    Some(Successor { id: id.clone(), href })
}

fn control_row<'a>(audited: &'a Audited<'a>, framework: &str, result: &'a ControlResult<'a>) -> ControlRow<'a> {
    let control = result.control;
    let gaps = gaps(audited, result);
    let scope: Vec<String> =
        result.tests.iter().filter(|it| it.counts.is_some()).map(|test| scope(framework, test)).collect();
    let open = result.counts.of(Status::Error) + result.counts.of(Status::Undecided);
    let has_hole = result.tests.iter().any(|it| it.has_hole);
    let is_open = open > 0 || has_hole || result.omitted() != (0, 0);
    let also_incomplete = result.determination == Determination::ExceptionsNoted && is_open;
    let number = |status: Status| {
        let query =
            scope.iter().map(|scope| format!("{scope} status={}", status.word())).collect::<Vec<_>>().join(" + ");
        Number { query, ..Number::of(&result.counts, status, "") }
    };
    ControlRow {
        id: &control.id,
        place: place("c", &control.id),
        title: &control.title,
        marks: marks(control.requirement, control.baselines.as_deref()),
        determination: determination(result.determination),
        also_incomplete,
        incomplete: determination(Determination::Incomplete),
        sentence: sentence(result, &audited.identity.as_of_words, &gaps),
        numbers: audited.columns.shown().iter().copied().map(number).collect(),
        tests: result.tests.iter().map(|test| test_row(audited, framework, test)).collect(),
        proposals: control
            .proposals()
            .map(|test| ProposalRow {
                check: &test.check,
                strength: strength(test.strength),
                note: test.note.as_deref().unwrap_or_default(),
            })
            .collect(),
    }
}

/// What a framework says of a control besides: HIPAA its kind, NIST its baselines.
pub(super) fn marks(requirement: Option<Requirement>, baselines: Option<&[Baseline]>) -> Vec<&'static str> {
    let requirement = requirement.map(|it| match it {
        Requirement::Standard => "standard",
        Requirement::Required => "required",
        Requirement::Addressable => "addressable",
    });
    let baseline = |it: &Baseline| match it {
        Baseline::Low => "low",
        Baseline::Moderate => "moderate",
        Baseline::High => "high",
    };
    let baselines =
        baselines.map(|it| if it.is_empty() { vec!["no baseline"] } else { it.iter().map(baseline).collect() });
    requirement.into_iter().chain(baselines.into_iter().flatten()).collect()
}

/// The question to `findings.ndjson` that a test answers.
pub(super) fn scope(framework: &str, result: &TestResult<'_>) -> String {
    let aspect = result.test.aspect.as_ref().map(|aspect| format!(" aspect={aspect}")).unwrap_or_default();
    let framework = if result.not_waived > 0 { format!(" framework={framework}") } else { String::new() };
    format!("check={}{aspect}{framework}", result.test.check)
}

fn test_row<'a>(audited: &'a Audited<'a>, framework: &str, result: &'a TestResult<'a>) -> TestRow<'a> {
    let test = result.test;
    TestRow {
        check: &test.check,
        href: result.counts.map(|_| format!("../checks/{}", file_name(&test.check))),
        aspect: test.aspect.as_deref().unwrap_or_default(),
        strength: strength(test.strength),
        third_party_only: test.third_party_only,
        note: test.note.as_deref().unwrap_or_default(),
        sources: test.sources.iter().map(source_row).collect(),
        numbers: result.counts.map(|counts| audited.columns.numbers(&counts, &scope(framework, result))),
    }
}

fn source_row(source: &Source) -> SourceRow<'_> {
    SourceRow {
        document: &source.document,
        rules: source.rules.join(", "),
        published_as: source.published_as.join(", "),
        note: source.note.as_deref().unwrap_or_default(),
    }
}

/// The numbers of the gaps on the cover that concern a control.
pub(super) fn gaps(audited: &Audited<'_>, result: &ControlResult<'_>) -> Vec<String> {
    let checks: BTreeSet<&str> = result.tests.iter().map(|it| it.test.check.as_str()).collect();
    let concerns =
        |checks_of_gap: &[&str]| checks_of_gap.is_empty() || checks_of_gap.iter().any(|it| checks.contains(it));
    let gaps = audited.summary.ledger.iter().enumerate().filter(|(_, gap)| concerns(&gap.checks));
    gaps.map(|(index, _)| gap_name(index)).collect()
}

/// The name of a gap, by its place in the ledger's list.
pub(super) fn gap_name(index: usize) -> String {
    format!("G-{}", index + 1)
}

/// What may be said of a control, in the sentences that never vary.
pub(super) fn sentence(result: &ControlResult<'_>, as_of: &str, gaps: &[String]) -> String {
    let counts = &result.counts;
    let of = |number: u64| format!("{} of {} items", grouped(number), grouped(counts.population()));
    match result.determination {
        Determination::ExceptionsNoted | Determination::ExceptionsWaived => {
            let waived = counts.of(Status::Waived);
            let mut noted = exceptions(&of(counts.of(Status::Fail) + waived), waived, as_of);
            let elsewhere: u64 = result.tests.iter().map(|test| test.not_waived).sum();
            if elsewhere > 0 {
                noted += &format!(" Waivers that count for other frameworks only cover {} more.", grouped(elsewhere));
            }
            match left_out(result) {
                Some(left_out) => format!("{noted} Beyond that no conclusion: {left_out}."),
                None => noted,
            }
        }
        Determination::Incomplete if let Some(left_out) = left_out(result) => format!("No conclusion: {left_out}."),
        Determination::Incomplete => {
            no_conclusion(counts.of(Status::Error) + counts.of(Status::Undecided), counts.population(), gaps)
        }
        Determination::NoExceptionsNoted => {
            let concluding = result.tests.iter().filter(|it| it.test.strength != Strength::Supporting);
            let (mut population, mut tests) = (Counts::default(), 0);
            for test in concluding {
                population += test.counts.unwrap_or_default();
                tests += 1;
            }
            no_exceptions(tests, population.population(), as_of)
        }
        Determination::NoItems => {
            format!("No items: the automated tests ran as of {as_of} and met nothing to test in the stated scope.")
        }
        Determination::NotTested => match left_out(result) {
            Some(left_out) => format!("Not tested: {left_out}."),
            None => "Not tested: what this pack tests is related evidence at most.".to_owned(),
        },
    }
}

/// How many tests of a control a selection left out, wholly or in part.
fn left_out(result: &ControlResult<'_>) -> Option<String> {
    let (whole, cut) = result.omitted();
    let all = result.tests.len();
    let were = |number: usize| if number == 1 { "was" } else { "were" };
    let of_all = |number: usize| format!("{number} of {all} mapped tests {}", were(number));
    match (whole, cut) {
        (0, 0) => None,
        (whole, 0) => Some(format!("{} left out of this run", of_all(whole))),
        (0, cut) => Some(format!("{} left out of this run in part", of_all(cut))),
        (whole, cut) => Some(format!("{} left out of this run, and {cut} in part", of_all(whole))),
    }
}

/// "Exceptions were noted …"
pub(super) fn exceptions(of: &str, waived: u64, as_of: &str) -> String {
    let waived = grouped(waived);
    format!("Exceptions were noted for {of}; {waived} are covered by waivers approved and unexpired as of {as_of}.")
}

/// "No conclusion …"
pub(super) fn no_conclusion(open: u64, population: u64, gaps: &[String]) -> String {
    const NAMED: usize = 4;
    let named = match gaps {
        gaps if gaps.len() <= NAMED => gaps.join(", "),
        gaps => format!("{} and {} more", gaps[..NAMED].join(", "), grouped((gaps.len() - NAMED) as u64)),
    };
    match (open, gaps) {
        (0, []) => "No conclusion: no account was audited.".to_owned(),
        (0, _) => format!("No conclusion: the population is not known to be whole (see gaps {named})."),
        (open, gaps) => {
            let see = if gaps.is_empty() {
                "the findings marked ERROR and UNDECIDED".to_owned()
            } else {
                format!("gaps {named}")
            };
            let (open, population) = (grouped(open), grouped(population));
            format!("No conclusion: {open} of {population} items could not be evaluated (see {see}).")
        }
    }
}

/// "No exceptions were noted …"
pub(super) fn no_exceptions(tests: u64, population: u64, as_of: &str) -> String {
    let (tests, population) = (grouped(tests), grouped(population));
    format!(
        "No exceptions were noted by the {tests} automated test(s) applied to {population} of {population} items in the stated \
         scope as of {as_of}. This is not an opinion on the design or operating effectiveness of the control."
    )
}
