//! The cover: what may be said of the whole, what could not be read, and where everything else is.

use serde::Serialize;

use super::framework_page::{
    DeterminationView, Tally, determination, exceptions, gap_name, no_conclusion, no_exceptions, tally,
};
use super::html::file_name;
use super::pack::Audited;
use super::view::{self, Columns, Number, counted, grouped, listed, shortened};
use super::waivers_page::{self, StandingRow};
use crate::audit::{Determination, FrameworkResult, LedgerGap, Tie};
use crate::checks::{Check, Verdicts};
use crate::finding::{Severity, Status};
use crate::snapshot::manifest::Source;
use crate::snapshot::{AccountOutcome, Manifest};

/// Gaps that the cover lists; `pack.json` has them all.
const MAX_GAPS: usize = 300;

/// Checks with exceptions that the cover tells of.
const MAX_CHECKS: usize = 10;

/// Examples for each of them.
const MAX_EXAMPLES: usize = 3;

/// The cover.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    verdicts: Vec<Verdict>,
    figures: Vec<Figure>,
    gaps: Vec<GapRow<'a>>,
    gaps_rest: String,
    unread: Vec<UnreadRow<'a>>,
    complete: Option<String>,
    differ: Option<String>,
    standings: Vec<StandingRow>,
    waivers: String,
    top: Vec<TopRow<'a>>,
    top_rest: String,
    columns: &'a Columns,
    severities: Vec<SeverityRow>,
    total: Vec<Number>,
    all: Number,
    frameworks: Vec<FrameworkRow<'a>>,
    earlier: Vec<FrameworkRow<'a>>,
    checks: Vec<CheckRow>,
    accounts: Vec<AccountRow<'a>>,
    accounts_rest: String,
    scope: Vec<String>,
    verify: Vec<Step>,
}

/// One thing that may be said of the whole.
#[derive(Debug, Serialize)]
struct Verdict {
    it: DeterminationView,
    sentence: String,
}

/// A number that the eye meets first.
#[derive(Debug, Serialize)]
struct Figure {
    label: &'static str,
    text: String,
    note: String,
    query: Option<String>,
    /// What is counted in the snapshot.
    facts: &'static str,
    class: &'static str,
}

/// A hole in what was read.
#[derive(Debug, Serialize)]
struct GapRow<'a> {
    name: String,
    ev_id: &'a str,
    account: &'a str,
    account_name: String,
    href: String,
    region: &'a str,
    api: &'a str,
    outcome: &'a str,
    code: &'a str,
    calls: String,
    resources: Vec<String>,
    whole: &'static str,
    more: usize,
    checks: Vec<Link>,
}

/// A check that could not be judged everywhere.
#[derive(Debug, Serialize)]
struct UnreadRow<'a> {
    check: Link,
    errors: Number,
    undecided: Number,
    examples: Vec<Example<'a>>,
}

/// A place in the report.
#[derive(Debug, Serialize)]
struct Link {
    text: &'static str,
    href: String,
}

/// A check with exceptions.
#[derive(Debug, Serialize)]
struct TopRow<'a> {
    severity: &'static str,
    check: Link,
    title: &'static str,
    rationale: &'static str,
    resource: &'static str,
    failed: Number,
    population: Number,
    examples: Vec<Example<'a>>,
    more: u64,
}

/// One finding, in short.
#[derive(Debug, Serialize)]
struct Example<'a> {
    href: String,
    account: &'a str,
    account_name: &'a str,
    region: &'a str,
    resource: &'a str,
    reason: &'a str,
}

/// The counts of a severity.
#[derive(Debug, Serialize)]
struct SeverityRow {
    severity: &'static str,
    numbers: Vec<Number>,
    all: Number,
}

/// A framework.
#[derive(Debug, Serialize)]
struct FrameworkRow<'a> {
    id: &'a str,
    title: &'a str,
    version: &'a str,
    publisher: &'a str,
    href: String,
    retired: String,
    superseded: bool,
    controls: String,
    tally: Vec<Tally>,
}

/// A check.
#[derive(Debug, Serialize)]
struct CheckRow {
    link: Link,
    title: &'static str,
    severity: &'static str,
    numbers: Vec<Number>,
    shares: Vec<view::Share>,
}

/// An account.
#[derive(Debug, Serialize)]
struct AccountRow<'a> {
    id: &'a str,
    name: &'a str,
    ou_path: &'a str,
    href: String,
    how: &'a str,
    state: &'a str,
    numbers: Vec<Number>,
}

/// A step of the verification.
#[derive(Debug, Serialize)]
struct Step {
    what: String,
    command: String,
}

/// Accounts that the cover lists.
const MAX_ACCOUNTS: usize = 100;

/// The content of the cover.
pub(super) fn content<'a>(audited: &'a Audited<'a>) -> Content<'a> {
    let summary = audited.summary;
    let (earlier, current) =
        audited.results.iter().map(framework_row).partition(|row| !row.retired.is_empty() || row.superseded);
    let (top, top_rest) = top(audited);
    Content {
        verdicts: verdicts(audited),
        figures: figures(audited),
        gaps: summary
            .ledger
            .iter()
            .take(MAX_GAPS)
            .enumerate()
            .map(|(index, gap)| gap_row(audited, index, gap))
            .collect(),
        gaps_rest: match summary.ledger.len().saturating_sub(MAX_GAPS) {
            0 => String::new(),
            more => format!("{} in data/pack.json.", counted(more as u64, "more gap is", "more gaps are")),
        },
        unread: unread(audited),
        complete: complete(audited),
        differ: differ(audited),
        standings: waivers_page::standings(audited),
        waivers: waivers_page::lead(audited),
        top,
        top_rest,
        columns: audited.columns,
        severities: Severity::ALL.into_iter().map(|severity| severity_row(audited, severity)).collect(),
        total: audited.columns.numbers(&summary.total, ""),
        all: Number::total(&summary.total, ""),
        frameworks: current,
        earlier,
        checks: audited.options.audit.checks.iter().map(|check| check_row(audited, check)).collect(),
        accounts: accounts(audited),
        accounts_rest: match audited.accounts.all.len().saturating_sub(MAX_ACCOUNTS) {
            0 => String::new(),
            more => format!("{} on the accounts page.", counted(more as u64, "more account is", "more accounts are")),
        },
        scope: scope(audited),
        verify: verify(audited),
    }
}

fn verdicts(audited: &Audited<'_>) -> Vec<Verdict> {
    let (total, as_of) = (&audited.summary.total, &audited.identity.as_of_words);
    let of = |number: u64| format!("{} of {} items", grouped(number), grouped(total.population()));
    let (failed, waived) = (total.of(Status::Fail), total.of(Status::Waived));
    let open = total.of(Status::Error) + total.of(Status::Undecided);
    let mut verdicts = Vec::new();
    let mut say = |it, sentence| verdicts.push(Verdict { it: determination(it), sentence });
    if failed > 0 {
        say(Determination::ExceptionsNoted, exceptions(&of(failed + waived), waived, as_of));
    }
    let unknown = audited.summary.omitted.by_tag.unknown();
    let mut no_conclusions = Vec::new();
    if audited.summary.has_gaps() || open > 0 {
        let gaps: Vec<String> = (0..audited.summary.ledger.len()).map(gap_name).collect();
        no_conclusions.push(no_conclusion(open, total.population(), &gaps));
        no_conclusions.push("What could not be read counts nowhere as passed.".to_owned());
    }
    no_conclusions.extend(differ(audited).map(|numbers| format!("No conclusion: {numbers}.")));
    if unknown > 0 {
        let unknown = counted(unknown, "item was", "items were");
        no_conclusions.push(format!("No conclusion: {unknown} left out of which the tags are not known."));
    }
    if !no_conclusions.is_empty() {
        say(Determination::Incomplete, no_conclusions.join(" "));
    }
    if failed == 0 && waived > 0 {
        say(Determination::ExceptionsWaived, exceptions(&of(waived), waived, as_of));
    }
    if verdicts.is_empty() {
        let tests = audited.options.audit.checks.len() as u64;
        verdicts.push(match total.population() {
            0 => Verdict {
                it: determination(Determination::NoItems),
                sentence: format!(
                    "No items: the automated tests ran as of {as_of} and met nothing to test in the stated scope."
                ),
            },
            population => Verdict {
                it: determination(Determination::NoExceptionsNoted),
                sentence: no_exceptions(tests, population, as_of),
            },
        });
    }
    verdicts
}

fn figures(audited: &Audited<'_>) -> Vec<Figure> {
    let accounts = &audited.accounts;
    let total = &audited.summary.total;
    let in_scope = accounts.all.iter().filter(|account| account.audited).count();
    let read = accounts.all.iter().filter(|account| account.audited && account.entered).count();
    let known = |number: u64| if accounts.whole { grouped(number) } else { format!("≥ {}", grouped(number)) };
    let fact = |label, text, note: String, facts| Figure { label, text, note, query: None, facts, class: "" };
    let count = |label, number: Number, class, note: &str| Figure {
        label,
        class: if number.zero { "" } else { class },
        text: number.text,
        note: note.to_owned(),
        query: Some(number.query),
        facts: "",
    };
    vec![
        fact("Accounts read", grouped(read as u64), format!("of {} in scope", grouped(in_scope as u64)), "accounts"),
        fact(
            "KMS keys",
            known(accounts.keys),
            format!("in {}", counted(accounts.regions.len() as u64, "Region", "Regions")),
            "keys",
        ),
        fact("Principals", known(accounts.principals), "users, groups and roles".to_owned(), "principals"),
        count("Findings", Number::total(total, ""), "", "one for each check and resource"),
        count("Exceptions", Number::of(total, Status::Fail, ""), "fail", "FAIL"),
        count("Could not be read", Number::of(total, Status::Error, ""), "error", "ERROR"),
    ]
}

fn gap_row<'a>(audited: &'a Audited<'_>, index: usize, gap: &'a LedgerGap) -> GapRow<'a> {
    // What the organization was asked may have been asked in an account that was left out, which has no page.
    let has_page = audited.options.audit.selection.wants_account(&gap.account_id);
    let named: Vec<String> = gap.resources.iter().take(MAX_EXAMPLES).map(|it| shortened(it)).collect();
    GapRow {
        name: gap_name(index),
        ev_id: &gap.ev_id,
        account: &gap.account_id,
        account_name: shortened(&gap.account_name),
        href: if has_page { format!("accounts/{}", file_name(&gap.account_id)) } else { String::new() },
        region: &gap.region,
        api: &gap.api,
        outcome: &gap.outcome,
        code: gap.code.as_deref().unwrap_or_default(),
        calls: grouped(gap.calls as u64),
        more: gap.calls.saturating_sub(named.len()),
        resources: named,
        whole: if gap.api == "sts:AssumeRole" { "the account" } else { "the whole list" },
        checks: gap.checks.iter().map(|id| link(id)).collect(),
    }
}

fn link(id: &'static str) -> Link {
    Link { text: id, href: format!("checks/{}", file_name(id)) }
}

fn unread<'a>(audited: &'a Audited<'a>) -> Vec<UnreadRow<'a>> {
    let mut rows = Vec::new();
    for check in audited.options.audit.checks {
        let counts = audited.summary.by_check.get(check.id).copied().unwrap_or_default();
        if counts.of(Status::Error) + counts.of(Status::Undecided) == 0 {
            continue;
        }
        let scope = format!("check={}", check.id);
        let mut found = examples(audited, check.id, Status::Error);
        found.extend(examples(audited, check.id, Status::Undecided));
        found.truncate(MAX_EXAMPLES);
        rows.push(UnreadRow {
            check: link(check.id),
            errors: Number::of(&counts, Status::Error, &scope),
            undecided: Number::of(&counts, Status::Undecided, &scope),
            examples: found,
        });
    }
    rows
}

fn examples<'a>(audited: &'a Audited<'a>, check: &str, status: Status) -> Vec<Example<'a>> {
    let rows = audited.exceptions.get(check).map_or(&[][..], |it| it.of(status));
    rows.iter()
        .take(MAX_EXAMPLES)
        .map(|it| Example {
            href: format!("checks/{}#{}", file_name(it.check), it.anchor),
            account: &it.account,
            account_name: &it.account_name,
            region: &it.region,
            resource: &it.resource,
            reason: &it.reason,
        })
        .collect()
}

/// The numbers that do not agree and nobody knows why, if there are any.
fn differ(audited: &Audited<'_>) -> Option<String> {
    let differ = audited.summary.tie_outs_that(Tie::Differs);
    (differ > 0).then(|| counted(differ, "number that must agree does not", "numbers that must agree do not"))
}

fn complete(audited: &Audited<'_>) -> Option<String> {
    if audited.summary.is_incomplete() {
        return None;
    }
    let manifest = audited.snapshot.manifest();
    let calls: u64 = manifest.api_calls.values().sum();
    Some(format!(
        "Everything that the checks read was answered in full: {} in {}, with no gap.",
        counted(calls, "API call", "API calls"),
        counted(manifest.api_calls.len() as u64, "operation", "operations")
    ))
}

fn top<'a>(audited: &'a Audited<'a>) -> (Vec<TopRow<'a>>, String) {
    let failed = |check: &Check| audited.summary.by_check.get(check.id).map_or(0, |counts| counts.of(Status::Fail));
    let mut checks: Vec<&'static Check> =
        audited.options.audit.checks.iter().copied().filter(|check| failed(check) > 0).collect();
    checks.sort_by_key(|check| (view::rank(check.severity), std::cmp::Reverse(failed(check)), check.id));
    let rest = match checks.len().saturating_sub(MAX_CHECKS) {
        0 => String::new(),
        more => format!(
            "{} exceptions; see the table of checks.",
            counted(more as u64, "more check has", "more checks have")
        ),
    };
    let row = |check: &'static Check| {
        let counts = audited.summary.by_check.get(check.id).copied().unwrap_or_default();
        let scope = format!("check={}", check.id);
        let examples = examples(audited, check.id, Status::Fail);
        TopRow {
            severity: check.severity.word(),
            check: link(check.id),
            title: check.title,
            rationale: check.rationale,
            resource: check.resource,
            failed: Number::of(&counts, Status::Fail, &scope),
            population: Number::population(&counts, &scope),
            more: failed(check).saturating_sub(examples.len() as u64),
            examples,
        }
    };
    (checks.into_iter().take(MAX_CHECKS).map(row).collect(), rest)
}

fn severity_row(audited: &Audited<'_>, severity: Severity) -> SeverityRow {
    let counts = audited.summary.by_severity.get(&severity).copied().unwrap_or_default();
    let scope = format!("severity={}", severity.word());
    SeverityRow {
        severity: severity.word(),
        numbers: audited.columns.numbers(&counts, &scope),
        all: Number::total(&counts, &scope),
    }
}

fn framework_row<'a>(result: &FrameworkResult<'a>) -> FrameworkRow<'a> {
    let framework = result.framework;
    FrameworkRow {
        id: &framework.id,
        title: &framework.title,
        version: &framework.version,
        publisher: &framework.publisher,
        href: format!("frameworks/{}", file_name(&framework.id)),
        retired: framework.retired.map(|day| day.to_string()).unwrap_or_default(),
        superseded: framework.superseded_by.is_some(),
        controls: grouped(result.controls.len() as u64),
        tally: tally(result),
    }
}

fn check_row(audited: &Audited<'_>, check: &'static Check) -> CheckRow {
    let counts = audited.summary.by_check.get(check.id).copied().unwrap_or_default();
    CheckRow {
        link: link(check.id),
        title: check.title,
        severity: check.severity.word(),
        numbers: audited.columns.numbers(&counts, &format!("check={}", check.id)),
        shares: view::shares(&counts),
    }
}

fn accounts<'a>(audited: &'a Audited<'a>) -> Vec<AccountRow<'a>> {
    let row = |account: &'a super::account_page::Account| {
        let counts = audited.summary.by_account.get(&account.id).copied().unwrap_or_default();
        AccountRow {
            id: &account.id,
            name: &account.name,
            ou_path: &account.ou_path,
            href: format!("accounts/{}", account.href),
            how: account.how,
            state: account.state,
            numbers: audited.columns.numbers(&counts, &format!("account={}", account.id)),
        }
    };
    audited.accounts.all.iter().take(MAX_ACCOUNTS).map(row).collect()
}

/// What was looked at and what was not, in sentences.
pub(super) fn scope(audited: &Audited<'_>) -> Vec<String> {
    let manifest = audited.snapshot.manifest();
    let identity = audited.identity;
    let how = match manifest.source {
        Source::Collect => "collected through the AWS APIs",
        Source::Import => "imported from files that the AWS CLI printed",
        Source::Demo => "made up for demonstration: no such organization exists",
    };
    let count = |outcomes: &[AccountOutcome]| {
        manifest.accounts.iter().filter(|account| outcomes.contains(&account.outcome)).count() as u64
    };
    let read = count(&[AccountOutcome::AssumedRole, AccountOutcome::Caller, AccountOutcome::Imported]);
    // Where accounts may be unknown, those that are known are not called all of them.
    let of_all = if identity.is_whole { format!(" of {}", identity.subject_words) } else { String::new() };
    let mut lead = format!(
        "{} of {}{of_all} {} read between {} and {}; the data was {how}.",
        grouped(read),
        counted(manifest.accounts.len() as u64, "account", "accounts"),
        if read == 1 { "was" } else { "were" },
        identity.window_words[0],
        identity.window_words[1],
    );
    if let Some(reason) = &manifest.scope.standalone {
        lead.push_str(&format!(" Only the caller's account is known: {reason}."));
    }
    if audited.options.audit.selection.within.is_some() {
        let audited = audited.accounts.all.len();
        lead.push_str(&format!(" This pack is about {}.", counted(audited as u64, "account", "accounts")));
    }
    let mut sentences = vec![lead];
    sentences.extend(left_out(manifest));
    sentences.extend(narrowed(audited));
    let regions: Vec<&String> = audited.accounts.regions.iter().collect();
    if !regions.is_empty() {
        let asked = if manifest.scope.regions.is_empty() { "enabled in the accounts" } else { "asked for" };
        sentences.push(format!("Keys were read in the Regions {asked}: {}.", listed(&regions)));
    }
    if let Some(role) = &manifest.scope.role_name {
        let caller = manifest.collector.arn.as_deref().unwrap_or("an identity that is not known");
        sentences.push(format!("The audit role `{role}` was assumed by {caller}."));
    }
    let settings: Vec<String> =
        audited.options.audit.settings().iter().map(|it| shortened(&format!("{}: {it}", it.check))).collect();
    if audited.options.audit.verdicts == Verdicts::SecurityHub {
        let words =
            "Where AWS Security Hub has a control of its own, its parameters were used, whatever was configured.";
        sentences.push(words.to_owned());
    }
    if !settings.is_empty() {
        sentences.push(format!("Parameters other than the defaults: {}.", settings.join("; ")));
    }
    sentences.push(format!("Ages and deadlines are counted as of {}.", identity.as_of_words));
    sentences
}

/// The first names of a list.
fn first_of<T: AsRef<str>>(names: &[T]) -> String {
    let named: Vec<&str> = names.iter().take(20).map(AsRef::as_ref).collect();
    match names.len() - named.len() {
        0 => listed(&named),
        more => format!("{} and {more} more; data/pack.json has all", named.join(", ")),
    }
}

/// What was selected, and what that left out, in sentences.
pub(super) fn narrowed(audited: &Audited<'_>) -> Vec<String> {
    let selection = audited.options.audit.selection;
    if selection.is_empty() {
        return Vec::new();
    }
    let (omitted, by_tag) = (&audited.summary.omitted, &audited.summary.omitted.by_tag);
    let phrases = audited.summary.omitted_words();
    let left_out = if phrases.is_empty() { "nothing".to_owned() } else { phrases.join("; ") };
    let selected = selection.words().join("; ");
    let mut sentences = vec![format!("This pack is narrowed to {selected}. Left out: {left_out}.")];
    if !omitted.checks.is_empty() {
        sentences.push(format!("Checks that did not run: {}.", first_of(&omitted.checks)));
    }
    if !omitted.accounts.is_empty() {
        sentences.push(format!("Accounts that were not audited: {}.", first_of(&omitted.accounts)));
    }
    if by_tag.kept > 0 {
        let kept = counted(by_tag.kept, "result", "results");
        sentences.push(format!("Not left out although the tags could not be read: {kept}."));
    }
    if audited.options.with_access && !selection.tags.is_empty() {
        sentences.push("The lists of keys and of access are narrowed by account, not by tag.".to_owned());
    }
    sentences.iter().map(|sentence| shortened(sentence)).collect()
}

fn left_out(manifest: &Manifest) -> Vec<String> {
    let kinds = [
        (AccountOutcome::NotEntered, "could not be entered"),
        (AccountOutcome::Excluded, "left out on purpose"),
        (AccountOutcome::Inactive, "not ACTIVE"),
    ];
    let sentence = |(outcome, words): (AccountOutcome, &str)| {
        let accounts: Vec<String> = manifest
            .accounts
            .iter()
            .filter(|account| account.outcome == outcome)
            .map(|account| match account.reason.as_deref() {
                Some(reason) if !reason.is_empty() => format!("{} ({reason})", account.account_id),
                _ => account.account_id.clone(),
            })
            .collect();
        let named = accounts.get(..20).unwrap_or(&accounts);
        let more = accounts.len() - named.len();
        let rest = if more == 0 { String::new() } else { format!(" and {more} more; the accounts page has all") };
        (!accounts.is_empty()).then(|| {
            shortened(&format!(
                "{} {words}: {}{rest}.",
                counted(accounts.len() as u64, "account", "accounts"),
                listed(named)
            ))
        })
    };
    kinds.into_iter().filter_map(sentence).collect()
}

/// How to check the pack without trusting it.
fn verify(audited: &Audited<'_>) -> Vec<Step> {
    let identity = audited.identity;
    let step = |what: &str, command: String| Step { what: what.to_owned(), command };
    let integrity = step(
        "Nothing changed since the pack was sealed. In the pack's folder:",
        "sha256sum -c --quiet manifest-sha256.txt && sha256sum -c --quiet tagmanifest-sha256.txt".to_owned(),
    );
    if !audited.options.with_snapshot {
        return vec![integrity];
    }
    vec![
        integrity,
        step(
            &format!("The evidence is the collected one: this prints the snapshot root, {}.", identity.snapshot_root),
            "sha256sum data/snapshot/manifest.json".to_owned(),
        ),
        step(
            "The pages follow from the evidence: the same version renders them from it again and compares every byte.",
            "keyproof verify --reproduce .".to_owned(),
        ),
    ]
}
