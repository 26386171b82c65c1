//! How the pack came about, what its words mean, and what it does not prove.

use serde::Serialize;

use super::cover;
use super::framework_page::{DeterminationView, determination};
use super::keys;
use super::pack::Audited;
use super::view::{self, StatusView, counted};
use crate::audit::Determination;
use crate::finding::{Severity, Status};

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Content {
    statuses: Vec<StatusRow>,
    severities: Vec<SeverityRow>,
    determinations: Vec<DeterminationRow>,
    sentences: [&'static str; 3],
    kinds: Vec<(StatusView, &'static str)>,
    access: [&'static str; 4],
    assumptions: [(&'static str, &'static str); 6],
    limitations: Vec<String>,
}

/// A status and its meaning.
#[derive(Debug, Serialize)]
struct StatusRow {
    status: StatusView,
    meaning: &'static str,
    population: &'static str,
}

/// A severity and its meaning.
#[derive(Debug, Serialize)]
struct SeverityRow {
    severity: &'static str,
    meaning: &'static str,
}

/// A determination and when it is said.
#[derive(Debug, Serialize)]
struct DeterminationRow {
    determination: DeterminationView,
    when: &'static str,
}

/// The sentences that never vary, so that they can be searched for.
const SENTENCES: [&str; 3] = [
    "No exceptions were noted by the k automated test(s) applied to P of P items in the stated scope as of T. This is not an \
     opinion on the design or operating effectiveness of the control.",
    "No conclusion: n of P items could not be evaluated (see gaps G-…).",
    "Exceptions were noted for n of P items; w are covered by waivers approved and unexpired as of T.",
];

/// How effective access is worked out, and what its lists hold.
const ACCESS: [&str; 4] = [
    "For each key, each principal of its account and everyone whom its policies or grants let in is asked for every action: key \
     policy, grants, identity policies, permissions boundary, service and resource control policies are taken together, as AWS \
     evaluates them, over all requests at once. Statements that decide are named with their place in the snapshot. Who is denied \
     is not listed.",
    "Authorised is not usable. The lists say what policies and grants allow. A key that is disabled or pending deletion serves \
     nobody until it is enabled again, and its page says so; the column usable_now tells the two apart. Actions that no key of its \
     usage serves, such as signing with a symmetric key, are left out.",
    "What could not be read never means no access. A policy that was denied to the collector may allow and may deny: what rests on \
     it is POSSIBLE, the page of the key names the gap, and the lists may be longer than shown.",
    "Principals of accounts that were not read are shown as the key lets them in: what their own account allows them is for its \
     administrators to say. Access by becoming another principal first (assuming a role, changing a policy) is not counted: the \
     role is listed, and who may assume it is not.",
];

/// What effective access takes for granted (semantics 4.12).
const ASSUMPTIONS: [(&str, &str); 6] = [
    ("A-1", "VPC endpoint policies allow everything: they are not read."),
    ("A-2", "Sessions carry no session policies of their own: these live in no account's configuration."),
    ("A-3", "Every account has every Region enabled."),
    ("A-4", "What AWS services check besides IAM before they call AWS KMS is not modelled."),
    ("A-5", "Changes of grants, tags and aliases that take up to five minutes to take effect are taken as effective."),
    ("A-6", "The snapshot is whole for the accounts that it lists; an account that was not collected is outside."),
];

/// The content of the page.
pub(super) fn content(audited: &Audited<'_>) -> Content {
    Content {
        statuses: Status::ALL.into_iter().map(status_row).collect(),
        severities: Severity::ALL.into_iter().map(severity_row).collect(),
        determinations: Determination::ALL.into_iter().map(determination_row).collect(),
        sentences: SENTENCES,
        kinds: keys::kinds(),
        access: ACCESS,
        assumptions: ASSUMPTIONS,
        limitations: limitations(audited),
    }
}

fn status_row(status: Status) -> StatusRow {
    let (meaning, population) = match status {
        Status::Fail => ("Tested, and the criterion is not met: an exception.", "yes"),
        Status::Error => (
            "Not tested: the data is missing or was denied. The reason names the API and AWS's code. It is never counted as passed.",
            "yes, and it blocks conclusions",
        ),
        Status::Undecided => (
            "Tested, but the rules of AWS leave the result open: a person must decide.",
            "yes, and it blocks conclusions",
        ),
        Status::Waived => ("A FAIL with an active waiver; it keeps its underlying status.", "yes, counted apart"),
        Status::Pass => ("Tested, and the criterion is met.", "yes"),
        Status::NotApplicable => {
            ("Outside the criterion, for a reason that is checked and given.", "no, but counted and listed")
        }
        Status::Manual => ("No API can answer: a person must attest.", "no"),
    };
    StatusRow { status: view::status(status), meaning, population }
}

fn severity_row(severity: Severity) -> SeverityRow {
    let meaning = match severity {
        Severity::Critical => "Open now, or not to be undone.",
        Severity::High => "Opens a way in.",
        Severity::Medium => "Weakens a control.",
        Severity::Low => "Hygiene.",
        Severity::Informational => "Note only.",
    };
    SeverityRow { severity: severity.word(), meaning }
}

fn determination_row(it: Determination) -> DeterminationRow {
    let when = match it {
        Determination::ExceptionsNoted => "At least one mapped test has a FAIL.",
        Determination::Incomplete => {
            "A mapped test has an ERROR or an UNDECIDED, or was left out, or its population has a hole."
        }
        Determination::ExceptionsWaived => "There are exceptions, and every one has an active waiver.",
        Determination::NoExceptionsNoted => "Every mapped test ran over a population and met no exception.",
        Determination::NoItems => "The tests ran, and there is provably nothing to test.",
        Determination::NotTested => {
            "Only supporting or manual tests are mapped, or none: nothing here concludes on the control."
        }
    };
    DeterminationRow { determination: determination(it), when }
}

fn limitations(audited: &Audited<'_>) -> Vec<String> {
    let identity = audited.identity;
    let gaps = audited.summary.ledger.len() as u64;
    let mut limitations = vec![
        format!(
            "A point in time. The state was read between {} and {}; what was true before or after is not shown, and a configuration \
             is no proof that a control operated.",
            identity.window_words[0], identity.window_words[1]
        ),
        "IAM, KMS and Organizations only. Other services, networks, data and people are out of scope; so are the controls that AWS \
         itself operates."
            .to_owned(),
        "Configuration, not use. Whether a permission was ever used is not shown: no CloudTrail events are read."
            .to_owned(),
        "Each check names what its pass does not prove; read that with the result.".to_owned(),
        "The mapping of checks to controls is a reading. Published mappings are named with their source, and disagree; an assessor must \
         agree with them. How strongly a check answers a control is this tool's judgement."
            .to_owned(),
        "Digests show that nothing was altered after collection. That the collection was honest they do not show: compare the \
         request ids of the evidence with your own CloudTrail, or watch a collection run."
            .to_owned(),
        "This is neither legal advice nor an audit opinion.".to_owned(),
    ];
    if gaps > 0 {
        let gaps = counted(gaps, "gap leaves", "gaps leave");
        limitations.insert(1, format!("Not everything could be read: {gaps} holes, listed on the overview."));
    }
    if !audited.options.audit.selection.is_empty() {
        let words = "A selection decides what is judged, never how: what was left out is not known to be without exceptions, and a \
                     control of which a test was left out gets no conclusion.";
        limitations.extend(cover::narrowed(audited).first().map(|sentence| format!("{sentence} {words}")));
    }
    if !audited.options.with_access {
        limitations.push(
            "Who can do what with each key was left out of this pack: neither pages of keys nor tables of access are in it."
                .to_owned(),
        );
    }
    limitations
}
