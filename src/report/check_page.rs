//! The test sheet of a check: what was tested and how, what it does not prove, what it found.

use serde::Serialize;

use super::account_page::rest;
use super::exceptions::Exceptions;
use super::html::{file_name, place};
use super::pack::Audited;
use super::view::{self, Columns, FindingView, Number, grouped};
use crate::checks::{Check, Parameter};
use crate::finding::Status;
use crate::frameworks::Strength;

/// Accounts that the page of a check lists.
const MAX_ACCOUNTS: usize = 500;

/// The page of a check.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    id: &'static str,
    title: &'static str,
    severity: &'static str,
    resource: &'static str,
    rationale: &'static str,
    rule: &'static str,
    exemptions: &'static str,
    blind_spots: &'static str,
    parameters: Vec<ParameterRow>,
    reads: &'static [&'static str],
    elsewhere: &'static [&'static str],
    summary: &'static str,
    steps: &'static [&'static str],
    commands: &'static [&'static str],
    risk: &'static str,
    columns: &'a Columns,
    numbers: Vec<Number>,
    shares: Vec<view::Share>,
    all: Number,
    population: Number,
    aspects: Vec<AspectRow>,
    controls: Vec<FrameworkRow<'a>>,
    accounts: Vec<AccountRow<'a>>,
    accounts_rest: String,
    rows: Vec<&'a FindingView>,
    note: String,
    data: String,
    passed: [Number; 2],
    here: &'static str,
}

/// A parameter with the value in force.
#[derive(Debug, Serialize)]
struct ParameterRow {
    name: &'static str,
    meaning: &'static str,
    value: String,
    changed: &'static str,
    default: String,
    allowed: String,
}

/// The counts of a check under other parameters.
#[derive(Debug, Serialize)]
struct AspectRow {
    name: String,
    numbers: Vec<Number>,
}

/// The controls of one framework that the check tests.
#[derive(Debug, Serialize)]
struct FrameworkRow<'a> {
    title: &'a str,
    version: &'a str,
    retired: bool,
    href: String,
    controls: Vec<ControlRow<'a>>,
}

/// A control that the check tests.
#[derive(Debug, Serialize)]
struct ControlRow<'a> {
    id: &'a str,
    title: &'a str,
    place: String,
    strength: &'static str,
    third_party_only: bool,
}

/// An account in which the check did not pass everything.
#[derive(Debug, Serialize)]
struct AccountRow<'a> {
    id: &'a str,
    name: &'a str,
    href: String,
    numbers: Vec<Number>,
}

/// The content of a check's page.
pub(super) fn content<'a>(audited: &'a Audited<'a>, check: &'static Check) -> Content<'a> {
    let counts = audited.summary.by_check.get(check.id).copied().unwrap_or_default();
    let scope = format!("check={}", check.id);
    let exceptions = audited.exceptions.get(check.id);
    let rows = exceptions.map(Exceptions::all).unwrap_or_default();
    let mut accounts = accounts(audited, check);
    let hidden_accounts = accounts.len().saturating_sub(MAX_ACCOUNTS);
    accounts.truncate(MAX_ACCOUNTS);
    let concerning: u64 = [Status::Fail, Status::Error, Status::Undecided, Status::Waived]
        .into_iter()
        .map(|status| counts.of(status))
        .sum();
    Content {
        id: check.id,
        title: check.title,
        severity: check.severity.word(),
        resource: check.resource,
        rationale: check.rationale,
        rule: check.rule,
        exemptions: check.exemptions,
        blind_spots: check.blind_spots,
        parameters: parameters(audited, check),
        reads: check.reads,
        elsewhere: check.elsewhere,
        summary: check.remediation.summary,
        steps: check.remediation.steps,
        commands: check.remediation.commands,
        risk: check.remediation.risk,
        columns: audited.columns,
        numbers: audited.columns.numbers(&counts, &scope),
        shares: view::shares(&counts),
        all: Number::total(&counts, &scope),
        population: Number::population(&counts, &scope),
        aspects: aspects(audited, check),
        controls: controls(audited, check),
        accounts,
        accounts_rest: match hidden_accounts {
            0 => String::new(),
            hidden => format!("{} more on the accounts page.", grouped(hidden as u64)),
        },
        note: exceptions.map(|it| rest(concerning as usize, rows.len(), it.data())).unwrap_or_default(),
        data: exceptions.map(|it| it.data().json()).unwrap_or_default(),
        passed: [Status::Pass, Status::NotApplicable].map(|status| Number::of(&counts, status, &scope)),
        here: if audited.options.with_snapshot { "the folder of this pack" } else { "the folder of the snapshot" },
        rows,
    }
}

fn parameters(audited: &Audited<'_>, check: &Check) -> Vec<ParameterRow> {
    let settings = audited.options.audit.parameters.settings(check);
    let row = |parameter: &Parameter| {
        let setting = settings.iter().find(|setting| setting.name == parameter.name());
        let value = setting.map_or_else(|| parameter.default(), |setting| setting.value.clone());
        ParameterRow {
            name: parameter.name(),
            meaning: parameter.meaning(),
            value: view::shortened(format!("{value} {}", parameter.unit()).trim_end()),
            changed: match setting {
                None => "",
                Some(setting) if setting.loosened => "loosened",
                Some(_) => "set",
            },
            default: parameter.default().to_string(),
            allowed: parameter.allowed(),
        }
    };
    check.parameters.iter().map(row).collect()
}

fn aspects(audited: &Audited<'_>, check: &Check) -> Vec<AspectRow> {
    let rows = audited.summary.by_aspect.iter().filter(|((id, _), _)| *id == check.id);
    rows.map(|((id, name), counts)| AspectRow {
        name: name.clone(),
        numbers: audited.columns.numbers(counts, &format!("check={id} aspect-only={name}")),
    })
    .collect()
}

fn controls<'a>(audited: &'a Audited<'a>, check: &Check) -> Vec<FrameworkRow<'a>> {
    let mut rows = Vec::new();
    for framework in audited.options.audit.reported() {
        let mut controls = Vec::new();
        for control in &framework.controls {
            for test in control.tests().filter(|test| test.check == check.id) {
                controls.push(ControlRow {
                    id: &control.id,
                    title: &control.title,
                    place: place("c", &control.id),
                    strength: strength(test.strength),
                    third_party_only: test.third_party_only,
                });
            }
        }
        if !controls.is_empty() {
            rows.push(FrameworkRow {
                title: &framework.title,
                version: &framework.version,
                retired: framework.is_retired(),
                href: format!("../frameworks/{}", file_name(&framework.id)),
                controls,
            });
        }
    }
    rows
}

/// The word for how far a test answers a control.
pub(super) fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Direct => "direct",
        Strength::Partial => "partial",
        Strength::Supporting => "supporting",
    }
}

fn accounts<'a>(audited: &'a Audited<'a>, check: &Check) -> Vec<AccountRow<'a>> {
    let mut rows = Vec::new();
    for account in &audited.accounts.all {
        let Some(counts) = audited.summary.by_account_and_check.get(&(account.id.clone(), check.id)) else { continue };
        rows.push(AccountRow {
            id: &account.id,
            name: &account.name,
            href: format!("../accounts/{}", account.href),
            numbers: audited.columns.numbers(counts, &format!("account={} check={}", account.id, check.id)),
        });
    }
    rows
}
