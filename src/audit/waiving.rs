//! Waivers at work: what they change in findings, and what becomes of each.
//!
//! **Invariant:** the one status that a waiver changes is FAIL, and the one that it gives is WAIVED. What could not be read, or not
//! be decided, stays as it is.

use jiff::civil::Date;
use serde::Serialize;

use super::{Counts, Summary};
use crate::finding::{Finding, Severity, Status, WaiverState};
use crate::waivers::{Waiver, Waivers, day_of};

/// Findings that a waiver may mean without being called broad.
const BROAD: u64 = 25;

/// What a waiver met in an audit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Use {
    /// Findings that it means, by the status that they have without waivers.
    met: Counts,
    /// Exceptions that it waives.
    waived: u64,
    /// Exceptions that are critical, waived by it or not.
    critical: u64,
}

/// Applies waivers as of a day, and says what each met. Of several that are in force the first in the file waives.
pub(super) fn apply(waivers: &Waivers, day: Date, findings: &mut [Finding]) -> Vec<Use> {
    let mut uses = vec![Use::default(); waivers.all.len()];
    if uses.is_empty() {
        return uses;
    }
    for finding in findings {
        let meaning = waivers.meaning(finding);
        for index in &meaning {
            if let Some(it) = uses.get_mut(*index) {
                it.met.add(finding.status);
                it.critical += u64::from(finding.status == Status::Fail && finding.severity == Severity::Critical);
            }
        }
        if finding.status != Status::Fail {
            continue;
        }
        let rank = |index: &usize| waivers.all.get(*index).map(|waiver| rank(waiver.state(day)));
        let Some((index, waiver)) = meaning
            .into_iter()
            .min_by_key(|index| (rank(index), *index))
            .and_then(|at| Some((at, waivers.all.get(at)?)))
        else {
            continue;
        };
        if note(finding, waiver, day)
            && let Some(it) = uses.get_mut(index)
        {
            it.waived += 1;
        }
    }
    uses
}

/// Which of several waivers a finding names.
fn rank(state: WaiverState) -> usize {
    match state {
        WaiverState::Active => 0,
        WaiverState::Lapsed => 1,
        WaiverState::NotYetEffective => 2,
    }
}

/// Notes a waiver in an exception that it means, and says whether it waives it.
fn note(finding: &mut Finding, waiver: &Waiver, day: Date) -> bool {
    let reference = waiver.reference(day);
    let is_waived = reference.state == WaiverState::Active;
    if is_waived {
        finding.underlying_status = Some(finding.status);
        finding.status = Status::Waived;
        let aspects = finding.aspects.iter_mut().filter(|aspect| aspect.status == Status::Fail);
        aspects.for_each(|aspect| aspect.status = Status::Waived);
    } else {
        finding.reason.to_mut().push_str(&format!(" [{}]", reference.words()));
    }
    finding.waiver = Some(reference.into());
    is_waived
}

/// Adds what waivers met in an account.
pub(super) fn add(all: &mut Vec<Use>, more: &[Use]) {
    all.resize(all.len().max(more.len()), Use::default());
    for (it, more) in all.iter_mut().zip(more) {
        it.met += more.met;
        it.waived += more.waived;
        it.critical += more.critical;
    }
}

/// How a waiver stands after an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// In force, and it means exceptions.
    Active,
    /// Its last day is past: what it meant is FAIL.
    Lapsed,
    /// Its first day is to come: what it means is FAIL.
    NotYetEffective,
    /// In force, and it means no exception that there is.
    Stale,
    /// In force, and it means nothing that is known to be an exception: something of it could not be read or decided.
    NotKnown,
    /// What it means was not part of the audit: a selection left it out, or the account was not read.
    NotJudged,
}

impl Standing {
    /// Every standing, in the order of pages.
    pub const ALL: [Self; 6] =
        [Self::Active, Self::Lapsed, Self::NotYetEffective, Self::Stale, Self::NotKnown, Self::NotJudged];

    /// The words of every file and page.
    pub fn words(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Lapsed => "LAPSED",
            Self::NotYetEffective => "NOT YET EFFECTIVE",
            Self::Stale => "STALE",
            Self::NotKnown => "NOT KNOWN",
            Self::NotJudged => "NOT JUDGED",
        }
    }

    /// What that means, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Active => "In force, and it covers exceptions.",
            Self::Lapsed => "Its last day is past: what it covered is FAIL again.",
            Self::NotYetEffective => "Its first day is still to come: what it will cover is FAIL.",
            Self::Stale => "In force, but nothing fails that it means: it can go.",
            Self::NotKnown => "In force, but what it means could not be read or decided; a waiver covers neither.",
            Self::NotJudged => "What it means is no part of this audit.",
        }
    }
}

/// What became of a waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaiverResult {
    /// Its id.
    pub id: String,
    /// How it stands.
    pub standing: Standing,
    /// Exceptions that it means, waived or not.
    pub exceptions: u64,
    /// Exceptions that it waives.
    pub waived: u64,
    /// Days for which it is still in force; negative once it lapsed.
    pub days_left: i32,
    /// What a reviewer should look at, in sentences.
    pub notes: Vec<String>,
    /// Number of the evidence: the approval.
    #[serde(skip)]
    pub ev_id: String,
}

/// What became of every waiver, in the order of the file.
pub(super) fn results(waivers: &Waivers, summary: &Summary) -> Vec<WaiverResult> {
    let day = day_of(summary.as_of);
    let uses = summary.uses.iter().copied().chain(std::iter::repeat(Use::default()));
    waivers.all.iter().zip(uses).map(|(waiver, it)| result(waiver, it, summary, day)).collect()
}

fn result(waiver: &Waiver, it: Use, summary: &Summary, day: Date) -> WaiverResult {
    let unread = if waiver.scope.names_one() && it.met.total() > 0 { refused(it.met) } else { unread(waiver, summary) };
    let exceptions = it.met.of(Status::Fail);
    let standing = match waiver.state(day) {
        WaiverState::Lapsed => Standing::Lapsed,
        WaiverState::NotYetEffective => Standing::NotYetEffective,
        WaiverState::Active if exceptions > 0 => Standing::Active,
        WaiverState::Active if !is_judged(waiver, summary) => Standing::NotJudged,
        WaiverState::Active if unread > 0 => Standing::NotKnown,
        WaiverState::Active => Standing::Stale,
    };
    let days_left = waiver.days_left(day);
    WaiverResult {
        id: waiver.id.clone(),
        standing,
        exceptions,
        waived: it.waived,
        days_left,
        notes: notes(waiver, it, standing, days_left, unread),
        ev_id: String::new(),
    }
}

/// Whether the audit judged what a waiver means.
fn is_judged(waiver: &Waiver, summary: &Summary) -> bool {
    let runs = waiver.scope.check().is_none_or(|check| summary.by_check.contains_key(check));
    let reads = waiver.scope.account().is_none_or(|account| summary.by_account.contains_key(account));
    // Where something was left out, the one finding of a fingerprint may be part of it.
    runs && reads && (waiver.scope.check().is_some() || summary.omitted.is_empty())
}

/// How many findings could not be read or decided among which those that a waiver means may be.
fn unread(waiver: &Waiver, summary: &Summary) -> u64 {
    let counts = match (waiver.scope.check(), waiver.scope.account()) {
        (None, _) => Some(summary.total),
        (Some(check), None) => summary.by_check.get(check).copied(),
        (Some(check), Some(account)) => {
            let of_account = summary.by_account_and_check.iter();
            of_account.filter(|((id, it), _)| id == account && *it == check).map(|(_, counts)| *counts).next()
        }
    };
    refused(counts.unwrap_or_default())
}

/// Findings that no waiver covers because nothing is known of them.
fn refused(counts: Counts) -> u64 {
    counts.of(Status::Error) + counts.of(Status::Undecided)
}

fn notes(waiver: &Waiver, it: Use, standing: Standing, days_left: i32, unread: u64) -> Vec<String> {
    let exceptions = it.met.of(Status::Fail);
    let counted = |number: u64| if number == 1 { "1 exception".to_owned() } else { format!("{number} exceptions") };
    let mut notes = Vec::new();
    match standing {
        Standing::Lapsed if exceptions > 0 => {
            notes.push(format!("It lapsed {}: {} FAIL again.", waiver.expires_on, counted(exceptions)));
        }
        Standing::Lapsed => notes.push(format!("It lapsed {}, and nothing fails that it means.", waiver.expires_on)),
        Standing::NotYetEffective => notes.push(format!("It begins {}.", waiver.effective_from)),
        Standing::Active | Standing::Stale | Standing::NotKnown | Standing::NotJudged => {
            if let Some(limit) = [30, 60, 90].into_iter().find(|limit| days_left <= *limit) {
                notes.push(format!("It expires within {limit} days, on {}.", waiver.expires_on));
            }
        }
    }
    match standing {
        Standing::Stale => notes.push("Nothing fails that it means: take it out of the file.".to_owned()),
        Standing::NotKnown => notes.push(format!("{unread} findings that it may mean could not be read or decided.")),
        Standing::NotJudged => notes.push("What it means was not part of this audit.".to_owned()),
        Standing::Active | Standing::Lapsed | Standing::NotYetEffective => {}
    }
    if standing == Standing::Active && it.waived < exceptions {
        let others = exceptions - it.waived;
        notes.push(format!("An earlier waiver of the file covers {} of those that it means.", counted(others)));
    }
    if exceptions > BROAD {
        notes.push(format!("It is broad: it means {}. Name the resources one by one.", counted(exceptions)));
    }
    if it.critical > 0 {
        notes.push(format!("It means {} of critical severity.", counted(it.critical)));
    }
    if standing == Standing::Active && refused(it.met) > 0 {
        let refused = refused(it.met);
        notes.push(format!("{refused} findings that it means could not be read or decided; it does not cover these."));
    }
    let empty = waiver.empty_rows();
    if !empty.is_empty() {
        notes.push(format!("Its worksheet lacks {}.", empty.join(", ")));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{self, Determination, Options};
    use crate::diff::fixture::{self, World};
    use crate::snapshot::{self, Outcome, Snapshot};
    use crate::waivers::{Known, parse};

    /// A world in which every status occurs.
    fn world() -> World {
        World::new().with(|it| {
            let user = |name: &str, group: &str| (name.to_owned(), format!("AIDA{name}"), group.to_owned());
            it.accounts[0].users.extend([user("peggy", "odd"), user("victor", "unread"), user("wendy", "exempt")]);
            it.accounts[1].keys_outcome = Outcome::Denied;
        })
    }

    fn waivers(entries: &[(&str, &str, &str)]) -> Waivers {
        let entry = |(id, (scope, dates, more)): (usize, &(&str, &str, &str))| {
            format!(
                "[[waiver]]\nid = 'W-{id}'\nkind = 'risk_acceptance'\nmatch = {{ {scope} }}\nowner = 'a'\napprover = 'b'\n{dates}\n\
                 justification = 'j'\n{more}\n"
            )
        };
        let text: String = entries.iter().enumerate().map(entry).collect();
        let nothing = |_: &str| None;
        parse("w.toml", &text, Known { check: &nothing, framework: &nothing }).unwrap()
    }

    const NOW: &str = "approved_on = 2026-09-01\nexpires_on = 2026-12-31";
    const PAST: &str = "approved_on = 2026-01-01\nexpires_on = 2026-09-29";
    const FUTURE: &str = "approved_on = 2026-10-01\nexpires_on = 2026-12-31";

    fn run(snapshot: &Snapshot, waivers: &Waivers) -> (Vec<Finding>, Summary) {
        let frameworks = fixture::frameworks();
        let options = Options { waivers, ..fixture::options(&frameworks) };
        let mut findings = Vec::new();
        let summary = audit::run::<snapshot::Error>(snapshot, options, |account| {
            findings.extend(account.findings.iter().cloned());
            Ok(())
        });
        (findings, summary.unwrap())
    }

    #[test]
    fn the_one_change_is_from_fail_to_waived_and_only_of_what_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = world().snapshot(folder.path());
        let (before, _) = run(&snapshot, &crate::waivers::NO_WAIVERS);
        let statuses: std::collections::BTreeSet<Status> = before.iter().map(|it| it.status).collect();
        assert_eq!(statuses.len(), 5, "{statuses:?}");
        let mut scopes: Vec<String> = before.iter().map(|it| format!("fingerprint = '{}'", it.fingerprint)).collect();
        for check in fixture::CHECKS {
            for account in ["111122223333", "444455556666"] {
                scopes.push(format!("check = '{}', account = '{account}'", check.id));
                scopes.push(format!("check = '{}', resource_arn = 'arn:aws:*:*:{account}:*'", check.id));
            }
        }
        for scope in scopes {
            for (dates, in_force) in [(NOW, true), (PAST, false), (FUTURE, false)] {
                let waivers = waivers(&[(&scope, dates, "")]);
                let (after, summary) = run(&snapshot, &waivers);
                assert_eq!(before.len(), after.len());
                let mut changed = 0;
                for (old, new) in before.iter().zip(&after) {
                    let is_meant = waivers.all[0].scope.means(old) && old.status == Status::Fail;
                    assert_eq!(new.waiver.is_some(), is_meant, "{scope}");
                    let mut back = new.clone();
                    if is_meant && in_force {
                        changed += 1;
                        assert_eq!(
                            (new.status, new.underlying_status),
                            (Status::Waived, Some(Status::Fail)),
                            "{scope}"
                        );
                        (back.status, back.underlying_status) = (Status::Fail, None);
                        back.aspects.clone_from(&old.aspects);
                    } else if is_meant {
                        assert!(new.reason.contains("waiver W-0"), "{}", new.reason);
                        back.reason.clone_from(&old.reason);
                    }
                    back.waiver = None;
                    assert_eq!(&back, old, "{scope}");
                }
                assert_eq!(summary.waivers[0].waived, changed);
                assert_eq!(summary.total.of(Status::Waived), changed);
            }
        }
    }

    #[test]
    fn each_standing_is_told_from_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = world().snapshot(folder.path());
        let user = |name: &str| format!("check = 'test-users', resource_arn = 'arn:aws:iam::111122223333:user/{name}'");
        let (bad, good, unread) = (user("mallory"), user("alice"), user("victor"));
        let waivers = waivers(&[
            (&bad, NOW, ""),
            (&bad, PAST, ""),
            (&bad, FUTURE, ""),
            (&good, NOW, ""),
            (&unread, NOW, ""),
            ("check = 'test-keys', account = '444455556666'", NOW, ""),
            ("check = 'test-keys', account = '999900001111'", NOW, ""),
            ("check = 'other', account = '111122223333'", NOW, ""),
            (&bad, "approved_on = 2026-09-01\nexpires_on = 2026-10-15", ""),
        ]);
        let (findings, summary) = run(&snapshot, &waivers);
        let standings: Vec<Standing> = summary.waivers.iter().map(|it| it.standing).collect();
        use Standing as S;
        let expected = [
            S::Active,
            S::Lapsed,
            S::NotYetEffective,
            S::Stale,
            S::NotKnown,
            S::NotKnown,
            S::NotJudged,
            S::NotJudged,
            S::Active,
        ];
        assert_eq!(standings, expected);
        let notes = |index: usize| summary.waivers[index].notes.join(" ");
        assert!(notes(1).contains("It lapsed 2026-09-29: 1 exception FAIL again."), "{}", notes(1));
        assert!(
            notes(8).contains("within 30 days") && notes(8).contains("An earlier waiver of the file"),
            "{}",
            notes(8)
        );
        assert!(notes(3).contains("take it out"), "{}", notes(3));
        let waived: Vec<&Finding> = findings.iter().filter(|it| it.status == Status::Waived).collect();
        assert_eq!(waived.len(), 1);
        assert_eq!(waived[0].waiver.as_ref().map(|it| it.id.as_str()), Some("W-0"));
    }

    #[test]
    fn a_waiver_for_one_framework_leaves_the_exceptions_of_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = World::new().snapshot(folder.path());
        let scopes =
            ["111122223333", "444455556666"].map(|account| format!("check = 'test-users', account = '{account}'"));
        let only = "frameworks = ['example-0']";
        let (_, summary) = run(&snapshot, &waivers(&[(&scopes[0], NOW, only), (&scopes[1], NOW, only)]));
        let frameworks = fixture::frameworks();
        let results = audit::roll_up(&summary, &frameworks);
        let [current, earlier] = results.as_slice() else { panic!("{results:?}") };
        assert_eq!(earlier.controls[0].determination, Determination::ExceptionsWaived);
        assert_eq!(earlier.controls[0].counts.of(Status::Waived), 4);
        assert_eq!(current.controls[1].determination, Determination::ExceptionsNoted);
        assert_eq!(
            (current.controls[1].counts.of(Status::Fail), current.controls[1].counts.of(Status::Waived)),
            (4, 0)
        );
        // Aspects of a waived finding are waived with it, and one that fails by itself is not.
        assert_eq!(current.controls[2].determination, Determination::ExceptionsNoted);
        let (_, all) = run(&snapshot, &waivers(&[(&scopes[0], NOW, ""), (&scopes[1], NOW, "")]));
        let results = audit::roll_up(&all, &frameworks);
        assert_eq!(results[0].controls[1].determination, Determination::ExceptionsWaived);
        let strict = &results[0].controls[2];
        assert_eq!((strict.counts.of(Status::Fail), strict.counts.of(Status::Waived)), (2, 4));
    }

    #[test]
    fn what_is_broad_or_critical_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = World::new().with(|it| {
            let user = |index: usize| (format!("user-{index}"), format!("AIDA{index}"), "bad".to_owned());
            it.accounts[0].users = (0..40).map(user).collect();
        });
        let snapshot = snapshot.snapshot(folder.path());
        let waivers = waivers(&[
            ("check = 'test-users', account = '111122223333'", NOW, ""),
            ("check = 'test-keys', account = '111122223333'", NOW, ""),
        ]);
        let (_, summary) = run(&snapshot, &waivers);
        assert!(summary.waivers[0].notes.iter().any(|it| it.contains("It is broad: it means 40 exceptions")));
        assert!(summary.waivers[1].notes.iter().any(|it| it.contains("1 exception of critical severity")));
    }
}
