//! What an auditor must still ask for, by framework and control: what no test answers, what could not be read or decided, what was
//! waived.

use serde::Serialize;

use super::Error;
use super::bag::Bag;
use super::framework_page::{gaps, scope};
use super::html::{file_name, place};
use super::pack::Audited;
use super::table::{SEPARATOR, Table};
use super::view::{Number, StatusView, counted, grouped, status};
use crate::audit::{ControlResult, Determination, FrameworkResult};
use crate::checks;
use crate::finding::Status;

/// Where the table lies.
pub(super) const CSV: &str = "data/csv/request_list.csv";

/// The columns of `request_list.csv`, in their order, which never changes inside a major version.
pub(super) const COLUMNS: [(&str, &str); 10] = [
    ("framework_id", "The framework"),
    ("framework_version", "Its version"),
    ("control_id", "The control"),
    ("control_title", "Its title"),
    ("why", "NOT TESTED, MANUAL, ERROR, UNDECIDED or WAIVED"),
    ("items", "Number of findings that this is about; empty for NOT TESTED"),
    ("ask_for", "What to ask for"),
    ("check_ids", "The checks that leave it open"),
    ("gaps", "Names of gaps, as on the overview"),
    ("waivers", "Ids of waivers"),
];

/// Something to ask for.
#[derive(Debug, Serialize)]
struct Request {
    control: String,
    place: String,
    title: String,
    why: StatusView,
    number: Option<Number>,
    ask: String,
    checks: Vec<String>,
    gaps: Vec<String>,
    waivers: Vec<String>,
}

/// Gaps that the page names for a control; the table names all.
const MAX_GAPS: usize = 6;

/// What to ask for about one framework.
#[derive(Debug, Serialize)]
struct Section {
    title: String,
    version: String,
    place: String,
    href: String,
    is_open: bool,
    requests: Vec<Request>,
    count: String,
}

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Content {
    sections: Vec<Section>,
    lead: String,
}

/// The content of the page.
pub(super) fn content(audited: &Audited<'_>) -> Content {
    let sections: Vec<Section> = audited.results.iter().map(|result| section(audited, result)).collect();
    let open = sections.iter().filter(|it| it.is_open);
    let requests: u64 = open.clone().map(|it| it.requests.len() as u64).sum();
    Content {
        lead: format!(
            "{} about {} in force.",
            counted(requests, "thing to ask for", "things to ask for"),
            counted(open.count() as u64, "framework", "frameworks")
        ),
        sections,
    }
}

fn section(audited: &Audited<'_>, result: &FrameworkResult<'_>) -> Section {
    let framework = result.framework;
    let mut requests: Vec<Request> =
        result.controls.iter().flat_map(|control| of_control(audited, &framework.id, control)).collect();
    requests.iter_mut().for_each(|request| request.gaps.truncate(MAX_GAPS));
    Section {
        title: framework.title.clone(),
        version: framework.version.clone(),
        place: place("r", &framework.id),
        href: format!("frameworks/{}", file_name(&framework.id)),
        is_open: !framework.is_retired() && framework.superseded_by.is_none(),
        count: grouped(requests.len() as u64),
        requests,
    }
}

/// Everything to ask for about a control.
fn of_control(audited: &Audited<'_>, framework: &str, control: &ControlResult<'_>) -> Vec<Request> {
    let has_hole = control.tests.iter().any(|test| test.has_hole && test.counts.is_some());
    let mut requests = Vec::new();
    if control.determination == Determination::NotTested {
        requests.push(not_tested(control));
    }
    for it in [Status::Manual, Status::Error, Status::Undecided, Status::Waived] {
        if control.counts.of(it) > 0 || (it == Status::Error && has_hole) {
            requests.push(of_status(audited, framework, control, it));
        }
    }
    requests
}

fn request(control: &ControlResult<'_>, why: StatusView, ask: String) -> Request {
    Request {
        control: control.control.id.clone(),
        place: place("c", &control.control.id),
        title: control.control.title.clone(),
        why,
        number: None,
        ask,
        checks: Vec::new(),
        gaps: Vec::new(),
        waivers: Vec::new(),
    }
}

fn not_tested(control: &ControlResult<'_>) -> Request {
    let (left_out, _) = control.omitted();
    let ask = if left_out > 0 {
        "A run that does not leave its tests out, or evidence of how the control is met."
    } else {
        "Evidence of how the control is met: what was tested here is related to it at most."
    };
    request(control, StatusView { word: Determination::NotTested.words(), class: "manual" }, ask.to_owned())
}

fn of_status(audited: &Audited<'_>, framework: &str, control: &ControlResult<'_>, it: Status) -> Request {
    let concerned = || {
        control.tests.iter().filter(move |test| {
            let counts = test.counts.unwrap_or_default();
            counts.of(it) > 0 || (it == Status::Error && test.has_hole && test.counts.is_some())
        })
    };
    let checks: Vec<String> = concerned().map(|test| test.test.check.clone()).collect();
    let gaps = if it == Status::Error { gaps(audited, control) } else { Vec::new() };
    let waivers = if it == Status::Waived { waivers(audited, framework, &checks) } else { Vec::new() };
    let ask = match it {
        Status::Manual => format!("A signed answer, with what it rests on: {}", titles(&checks)),
        Status::Error => "The state that could not be read: collect it, or have it shown.".to_owned(),
        Status::Undecided => {
            "A decision on each item by somebody who knows what the policy is meant to allow.".to_owned()
        }
        _ => "The record of the approval of each waiver, and what shows that its measures are in place.".to_owned(),
    };
    let scopes: Vec<String> =
        control.tests.iter().filter(|test| test.counts.is_some()).map(|test| scope(framework, test)).collect();
    let query: Vec<String> = scopes.iter().map(|scope| format!("{scope} status={}", it.word())).collect();
    let number = Number { query: query.join(" + "), ..Number::of(&control.counts, it, "") };
    Request { number: Some(number), checks, gaps, waivers, ..request(control, status(it), ask) }
}

/// The titles of checks, as the end of a sentence.
fn titles(ids: &[String]) -> String {
    let title = |id: &String| checks::find(id).map_or_else(|| id.clone(), |check| check.title.to_owned());
    ids.iter().map(title).collect::<Vec<_>>().join("; ")
}

/// The waivers that waive findings of these checks for a framework.
fn waivers(audited: &Audited<'_>, framework: &str, checks: &[String]) -> Vec<String> {
    let all = audited.options.audit.waivers.all.iter().zip(&audited.summary.waivers);
    let waives = all.filter(|(waiver, result)| {
        let check = waiver.scope.check().or_else(|| audited.meant.check_of(&waiver.id));
        result.waived > 0 && waiver.counts_for(framework) && check.is_some_and(|it| checks.iter().any(|id| id == it))
    });
    waives.map(|(waiver, _)| waiver.id.clone()).collect()
}

/// Writes the table.
pub(super) fn write_table(bag: &Bag, audited: &Audited<'_>) -> Result<(), Error> {
    let mut table = Table::create(bag, CSV, COLUMNS.iter().map(|(name, _)| *name))?;
    for result in audited.results {
        let framework = result.framework;
        for request in result.controls.iter().flat_map(|control| of_control(audited, &framework.id, control)) {
            let number = request.number.map(|number| number.text.replace(',', "")).unwrap_or_default();
            table.row(&[
                &framework.id,
                &framework.version,
                &request.control,
                &request.title,
                request.why.word,
                &number,
                &request.ask,
                &request.checks.join(SEPARATOR),
                &request.gaps.join(SEPARATOR),
                &request.waivers.join(SEPARATOR),
            ])?;
        }
    }
    bag.add(CSV, table.finish()?);
    Ok(())
}
