//! What to do, in order: for each check with exceptions why, how, at what risk, and where to begin.

use std::collections::BTreeMap;

use serde::Serialize;

use super::html::file_name;
use super::pack::Audited;
use super::spot_check;
use super::view::{self, Number, counted, shortened};
use crate::checks::Check;
use crate::finding::{Finding, Status};

/// Findings that the page begins with for each check.
const MAX_FIRSTS: usize = 3;

/// Accounts that the page names for each check.
const MAX_ACCOUNTS: usize = 12;

/// The first exceptions of each check, with the commands that mend and show them.
#[derive(Debug, Default)]
pub(super) struct Firsts(BTreeMap<&'static str, Vec<First>>);

/// An exception to begin with.
#[derive(Debug, Serialize)]
struct First {
    href: String,
    account: String,
    account_name: String,
    region: String,
    resource: String,
    reason: String,
    commands: Vec<String>,
    look: Vec<String>,
}

impl Firsts {
    /// Keeps the finding if it is an exception and one of the first.
    pub(super) fn add(&mut self, finding: &Finding) {
        if finding.status != Status::Fail {
            return;
        }
        let firsts = self.0.entry(finding.check_id).or_default();
        if firsts.len() < MAX_FIRSTS {
            firsts.push(First {
                href: format!("checks/{}#{}", file_name(finding.check_id), view::anchor(finding)),
                account: finding.account_id.to_string(),
                account_name: shortened(&finding.account_name),
                region: finding.region.to_string(),
                resource: shortened(&finding.resource_name),
                reason: shortened(&finding.reason),
                commands: view::commands(finding),
                look: spot_check::commands(finding),
            });
        }
    }
}

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    failed: Number,
    tasks: Vec<Task<'a>>,
    waived: Vec<WaivedRow>,
}

/// A check with exceptions, as something to do.
#[derive(Debug, Serialize)]
struct Task<'a> {
    id: &'static str,
    href: String,
    title: &'static str,
    severity: &'static str,
    rationale: &'static str,
    summary: &'static str,
    steps: &'static [&'static str],
    risk: &'static str,
    failed: Number,
    population: Number,
    accounts: Vec<AccountRow<'a>>,
    accounts_more: String,
    in_accounts: Number,
    firsts: &'a [First],
}

/// An account in which there is something to do.
#[derive(Debug, Serialize)]
struct AccountRow<'a> {
    id: &'a str,
    name: &'a str,
    href: String,
    failed: Number,
}

/// A check of which exceptions are waived.
#[derive(Debug, Serialize)]
struct WaivedRow {
    href: String,
    title: &'static str,
    severity: &'static str,
    waived: Number,
}

/// The content of the page: the most severe first, then the most frequent.
pub(super) fn content<'a>(audited: &'a Audited<'a>) -> Content<'a> {
    let of = |check: &Check, status| audited.summary.by_check.get(check.id).map_or(0, |counts| counts.of(status));
    let ordered = |status| {
        let mut checks: Vec<&'static Check> =
            audited.options.audit.checks.iter().copied().filter(|check| of(check, status) > 0).collect();
        checks.sort_by_key(|check| (view::rank(check.severity), std::cmp::Reverse(of(check, status)), check.id));
        checks
    };
    Content {
        failed: Number::of(&audited.summary.total, Status::Fail, ""),
        tasks: ordered(Status::Fail).into_iter().map(|check| task(audited, check)).collect(),
        waived: ordered(Status::Waived).into_iter().map(|check| waived(audited, check)).collect(),
    }
}

fn task<'a>(audited: &'a Audited<'a>, check: &'static Check) -> Task<'a> {
    let counts = audited.summary.by_check.get(check.id).copied().unwrap_or_default();
    let scope = format!("check={}", check.id);
    let mut accounts = accounts(audited, check);
    let number = accounts.len();
    // Stable: accounts with as many stay in the order of the audit.
    accounts.sort_by_key(|(failed, _)| std::cmp::Reverse(*failed));
    accounts.truncate(MAX_ACCOUNTS);
    Task {
        id: check.id,
        href: format!("checks/{}", file_name(check.id)),
        title: check.title,
        severity: check.severity.word(),
        rationale: check.rationale,
        summary: check.remediation.summary,
        steps: check.remediation.steps,
        risk: check.remediation.risk,
        failed: Number::of(&counts, Status::Fail, &scope),
        population: Number::population(&counts, &scope),
        in_accounts: Number::accounts(number as u64, &format!("{scope} status={}", Status::Fail)),
        accounts_more: match number - accounts.len() {
            0 => String::new(),
            more => counted(more as u64, "more account", "more accounts"),
        },
        accounts: accounts.into_iter().map(|(_, row)| row).collect(),
        firsts: audited.firsts.0.get(check.id).map_or(&[], Vec::as_slice),
    }
}

/// The accounts in which a check has exceptions, each with their number.
fn accounts<'a>(audited: &'a Audited<'a>, check: &Check) -> Vec<(u64, AccountRow<'a>)> {
    let mut rows = Vec::new();
    for account in &audited.accounts.all {
        let counts = audited.summary.by_account_and_check.get(&(account.id.clone(), check.id));
        let Some(counts) = counts.filter(|counts| counts.of(Status::Fail) > 0) else { continue };
        let row = AccountRow {
            id: &account.id,
            name: &account.name,
            href: format!("accounts/{}#c-{}", account.href, check.id),
            failed: Number::of(counts, Status::Fail, &format!("account={} check={}", account.id, check.id)),
        };
        rows.push((counts.of(Status::Fail), row));
    }
    rows
}

fn waived(audited: &Audited<'_>, check: &'static Check) -> WaivedRow {
    let counts = audited.summary.by_check.get(check.id).copied().unwrap_or_default();
    WaivedRow {
        href: format!("checks/{}", file_name(check.id)),
        title: check.title,
        severity: check.severity.word(),
        waived: Number::of(&counts, Status::Waived, &format!("check={}", check.id)),
    }
}
