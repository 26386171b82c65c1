//! The page of all accounts: a map of where the exceptions are, by domain and severity, and a list.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::account_page::Account;
use super::pack::Audited;
use super::rows::Rows;
use super::view::{Columns, Number, grouped};
use crate::audit::Counts;
use crate::finding::{Finding, Severity, Status};

/// Accounts that the map shows as elements; the others stand in the page as data.
const MAX_DRAWN: usize = 150;

/// Accounts that the list shows.
const MAX_LISTED: usize = 1_000;

/// Bytes of rows that the map holds as data.
const MAX_DATA: usize = 1_500_000;

/// What the ids of checks begin with, in the order of the map, and what each is called. Checks of other beginnings come last.
const DOMAINS: [(&str, &str); 5] =
    [("account", "Account"), ("org", "Organization"), ("iam", "IAM"), ("kms", "KMS"), ("policy", "Policy language")];

/// A column of the map: the first word of the id of checks, and the severity of findings.
type Place = (&'static str, Severity);

/// The findings of an account by column.
pub(super) type Heat = BTreeMap<Place, Counts>;

/// The findings of an account, counted by column.
pub(super) fn heat(findings: &[Finding]) -> Heat {
    let mut heat = Heat::new();
    for finding in findings {
        heat.entry((domain(finding.check_id), finding.severity)).or_default().add(finding.status);
    }
    heat
}

fn domain(check: &'static str) -> &'static str {
    check.split('-').next().unwrap_or(check)
}

/// The page of all accounts.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    domains: Vec<Domain>,
    places: Vec<Heading>,
    map: Vec<MapRow<'a>>,
    map_data: String,
    map_note: String,
    accounts: Vec<ListRow<'a>>,
    accounts_note: String,
    columns: &'a Columns,
    total: Vec<Number>,
}

/// A domain above its severities.
#[derive(Debug, Serialize)]
struct Domain {
    title: &'static str,
    width: usize,
}

/// A column of the map.
#[derive(Debug, Serialize)]
struct Heading {
    domain: &'static str,
    severity: &'static str,
}

/// A row of the map.
#[derive(Debug, Serialize)]
struct MapRow<'a> {
    account: &'a Account,
    cells: Vec<Option<Cell>>,
}

/// The worst status of a column in an account, how often, where it can be seen, and all statuses in words.
#[derive(Debug, Serialize)]
struct Cell {
    worst: Number,
    href: String,
    words: String,
}

/// A row of the list.
#[derive(Debug, Serialize)]
struct ListRow<'a> {
    account: &'a Account,
    regions: usize,
    numbers: Vec<Number>,
}

/// The content of the page of all accounts.
pub(super) fn content<'a>(audited: &'a Audited<'a>) -> Content<'a> {
    let accounts = &audited.accounts.all;
    let places = places(accounts);
    let drawn = accounts.len().min(MAX_DRAWN);
    let mut data = Rows::new(&["account", "name", "cells"], MAX_DATA);
    accounts[drawn..]
        .iter()
        .for_each(|account| data.add(&[account.id.clone(), account.name.clone(), packed(account, &places)]));
    let list = |account: &'a Account| {
        let counts = audited.summary.by_account.get(&account.id).copied().unwrap_or_default();
        let numbers = audited.columns.numbers(&counts, &format!("account={}", account.id));
        ListRow { account, regions: account.regions.len(), numbers }
    };
    let mut domains: Vec<Domain> = Vec::new();
    for (domain, _) in &places {
        let title = DOMAINS.iter().find(|(it, _)| it == domain).map_or(*domain, |(_, title)| *title);
        match domains.last_mut().filter(|last| last.title == title) {
            Some(last) => last.width += 1,
            None => domains.push(Domain { title, width: 1 }),
        }
    }
    Content {
        domains,
        map: accounts[..drawn].iter().map(|account| map_row(account, &places)).collect(),
        map_note: note(accounts.len() - drawn, data.number()),
        map_data: data.json(),
        places: places.iter().map(|(domain, severity)| Heading { domain, severity: severity.word() }).collect(),
        accounts: accounts.iter().take(MAX_LISTED).map(list).collect(),
        accounts_note: match accounts.len().saturating_sub(MAX_LISTED) {
            0 => String::new(),
            more => format!("{} more accounts have a page each; data/csv/scope.csv lists all.", grouped(more as u64)),
        },
        columns: audited.columns,
        total: audited.columns.numbers(&audited.summary.total, ""),
    }
}

fn note(beyond: usize, held: u64) -> String {
    match (beyond as u64, held) {
        (0, _) => String::new(),
        (beyond, held) if beyond == held => {
            format!("{} more accounts are here only where scripts may run; the list below has all.", grouped(beyond))
        }
        (beyond, _) => {
            format!("{} more accounts are not drawn; the list below has the first of them.", grouped(beyond))
        }
    }
}

/// The columns in which some account has a finding.
fn places(accounts: &[Account]) -> Vec<Place> {
    let met: BTreeSet<Place> = accounts.iter().flat_map(|account| account.heat.keys().copied()).collect();
    let mut places: Vec<Place> = met.into_iter().collect();
    let rank = |domain: &str| DOMAINS.iter().position(|(it, _)| *it == domain).unwrap_or(DOMAINS.len());
    places.sort_by_key(|(domain, severity)| (rank(domain), *domain, std::cmp::Reverse(*severity)));
    places
}

fn worst(account: &Account, place: Place) -> Option<(&Counts, Status)> {
    let counts = account.heat.get(&place)?;
    Status::ALL.into_iter().find(|it| counts.of(*it) > 0).map(|status| (counts, status))
}

fn map_row<'a>(account: &'a Account, places: &[Place]) -> MapRow<'a> {
    let cell = |place: &Place| {
        let (counts, status) = worst(account, *place)?;
        let (domain, severity) = (place.0, place.1.word());
        let words = Status::ALL.into_iter().filter(|it| counts.of(*it) > 0);
        let words: Vec<String> = words.map(|it| format!("{} {it}", grouped(counts.of(it)))).collect();
        // The page of the account shows these findings; the others of it are further down.
        let is_quiet = matches!(status, Status::Pass | Status::NotApplicable);
        let view = if is_quiet { "passed" } else { "findings" };
        Some(Cell {
            worst: Number::of(counts, status, &format!("account={} domain={domain} severity={severity}", account.id)),
            href: format!("{}#{view}?q={domain}-&severity={severity}&status={status}", account.href),
            words: words.join(", "),
        })
    };
    MapRow { account, cells: places.iter().map(cell).collect() }
}

/// The cells of a row as the script of the page reads them: `FAIL 12,,PASS 3`.
fn packed(account: &Account, places: &[Place]) -> String {
    let cell =
        |place: &Place| worst(account, *place).map_or(String::new(), |(counts, it)| format!("{it} {}", counts.of(it)));
    places.iter().map(cell).collect::<Vec<_>>().join(",")
}
