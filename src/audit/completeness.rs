//! Tie-outs: pairs of numbers that must agree if the snapshot is whole, with what explains a difference.
//!
//! They say of a population that it is all there, from two answers of AWS that do not depend on each other where there are two.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::model::{Account, Gap, Kms, Listing, Organization};
use crate::snapshot::{AccountOutcome, Manifest, manifest};

/// Two numbers that must agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TieOut {
    /// `T1` … `T8`.
    pub id: &'static str,
    /// What is counted, and where both numbers come from.
    pub subject: String,
    /// The account; empty for the organization.
    pub account_id: String,
    /// The Region; empty for what has none.
    pub region: String,
    /// How many there must be; `None` where that could not be read.
    pub expected: Option<u64>,
    /// How many there are; `None` where that could not be read.
    pub observed: Option<u64>,
    /// Whether they agree.
    pub verdict: Tie,
    /// What makes up the number, or why it differs.
    pub explanation: String,
}

/// Seconds by which two clocks may be apart. What passes until an answer arrives is among them.
const CLOCK_TOLERANCE: u64 = 60;

/// The keys of a Region that has none.
const KEYS: &str = "keys: kms:ListKeys";

/// Whether two numbers agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// They do.
    Ties,
    /// They do not, and the reason is known and leaves nothing out.
    Explained,
    /// Something was not read. The list of gaps has it.
    Gap,
    /// They do not, and nothing says why.
    Differs,
}

impl Tie {
    /// Every verdict.
    pub const ALL: [Self; 4] = [Self::Ties, Self::Explained, Self::Gap, Self::Differs];

    /// The word of every table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ties => "ties",
            Self::Explained => "explained",
            Self::Gap => "gap",
            Self::Differs => "differs",
        }
    }
}

impl fmt::Display for Tie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Tie {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl TieOut {
    /// Two numbers that were read.
    fn of(id: &'static str, subject: impl Into<String>, expected: usize, observed: usize) -> Self {
        let verdict = if expected == observed { Tie::Ties } else { Tie::Differs };
        Self {
            id,
            subject: subject.into(),
            account_id: String::new(),
            region: String::new(),
            expected: Some(expected as u64),
            observed: Some(observed as u64),
            verdict,
            explanation: String::new(),
        }
    }

    /// T6: the findings of a check, and those of them that were written.
    pub fn of_findings(check: &str, judged: u64, written: u64) -> Self {
        let verdict = if judged == written { Tie::Ties } else { Tie::Differs };
        let subject = format!("findings of {check}: judged, and written to findings.csv and findings.ndjson");
        Self { expected: Some(judged), observed: Some(written), verdict, ..Self::of("T6", subject, 0, 0) }
    }

    /// Whether it proves that a Region has no key.
    pub fn is_proven_zero(&self) -> bool {
        self.subject == KEYS && self.expected == Some(0)
    }

    /// Numbers of which one could not be read.
    fn unread(id: &'static str, subject: impl Into<String>, gap: &Gap) -> Self {
        let open = Self { expected: None, observed: None, ..Self::of(id, subject, 0, 0) };
        Self { verdict: Tie::Gap, ..open }.because(gap.reason())
    }

    /// With what makes up the number, or why it differs.
    fn because(self, explanation: impl Into<String>) -> Self {
        Self { explanation: explanation.into(), ..self }
    }

    /// A difference of which the reason is known.
    fn explained_by(self, explanation: impl Into<String>) -> Self {
        let verdict = if self.verdict == Tie::Differs { Tie::Explained } else { self.verdict };
        Self { verdict, ..self }.because(explanation)
    }

    /// A difference that a gap explains.
    fn unless_unread(self, gap: Option<&Gap>) -> Self {
        match gap {
            Some(gap) => Self { verdict: Tie::Gap, ..self }.because(gap.reason()),
            None => self,
        }
    }
}

/// What was asked of each account, and how many of these calls ended well.
#[derive(Debug)]
pub(super) struct Calls<'a>(BTreeMap<&'a str, (usize, usize)>);

impl<'a> Calls<'a> {
    pub(super) fn new(manifest: &'a Manifest) -> Self {
        let mut calls: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for row in &manifest.coverage {
            let (all, whole) = calls.entry(&row.account_id).or_default();
            let made = usize::try_from(row.calls).unwrap_or(usize::MAX);
            *all += made;
            *whole += if row.is_gap() { made.saturating_sub(row.gaps.len()) } else { made };
        }
        Self(calls)
    }
}

/// T1: the accounts of the organization, and what became of each.
pub(super) fn of_organization(manifest: &Manifest, organization: Option<&Organization>, gap: Option<&Gap>) -> TieOut {
    const SUBJECT: &str = "accounts: organizations:ListAccounts, and what became of each";
    if let Some(gap) = gap {
        return TieOut::unread("T1", SUBJECT, gap);
    }
    let count = |of: &dyn Fn(AccountOutcome) -> bool| manifest.accounts.iter().filter(|it| of(it.outcome)).count();
    let unread = count(&|it| it == AccountOutcome::NotEntered);
    let parts = [
        (count(&|it| it.is_in_scope()) - unread, "read"),
        (count(&|it| it == AccountOutcome::Excluded), "left out on purpose"),
        (count(&|it| it == AccountOutcome::Inactive), "suspended or being closed"),
        (unread, "not entered"),
    ];
    let words: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    let seen: BTreeSet<&str> = manifest.accounts.iter().map(|it| it.account_id.as_str()).collect();
    let Some(organization) = organization else {
        let alone = TieOut { expected: None, verdict: Tie::Explained, ..TieOut::of("T1", SUBJECT, 0, seen.len()) };
        return alone
            .because(format!("{}; in no organization: no other list tells how many there are", words.join(", ")));
    };
    let members: BTreeSet<&str> = organization.accounts.keys().map(String::as_str).collect();
    let tie = TieOut::of("T1", SUBJECT, members.len(), seen.intersection(&members).count());
    let outside: Vec<&str> = seen.difference(&members).copied().collect();
    let besides = match outside.as_slice() {
        [] => String::new(),
        ids => format!("; besides, outside the organization: {}", ids.join(", ")),
    };
    let tie = match manifest.scope.accounts.is_empty() && manifest.scope.organizational_units.is_empty() {
        true => tie.because(words.join(", ") + &besides),
        false => {
            tie.explained_by(format!("{}{besides}; the collection was asked for some accounts only", words.join(", ")))
        }
    };
    tie.unless_unread(organization.accounts_gap.as_ref())
}

/// T2 to T8 of one account, but for T6.
pub(super) fn of_account(manifest: &Manifest, account: &Account, calls: &Calls<'_>) -> Vec<TieOut> {
    if let Err(gap) = &account.entered {
        let subject = "everything of the account: it could not be entered";
        return vec![TieOut { account_id: account.id.clone(), ..TieOut::unread("T2", subject, gap) }];
    }
    let mut ties = vec![regions(manifest, account), pages(account, calls)];
    ties.extend(principals(account));
    ties.push(users_by_credential_report(account, manifest.window.start));
    ties.extend(account.regions.iter().flat_map(|(region, kms)| keys(region, kms)));
    ties.push(references(account));
    ties.push(changes(account, manifest.window.start, manifest.window.end));
    ties.push(clock(manifest.source, account));
    ties.into_iter().map(|tie| TieOut { account_id: account.id.clone(), ..tie }).collect()
}

fn regions(manifest: &Manifest, account: &Account) -> TieOut {
    let listed = |kms: &&Kms| kms.keys.gap().is_none();
    let observed = account.regions.values().filter(listed).count();
    let unlisted = account.regions.values().find_map(|kms| kms.keys.gap());
    let tie =
        TieOut::of("T2", "Regions: those enabled, and those whose keys were listed", account.regions.len(), observed);
    let names: Vec<&str> = account.regions.keys().map(String::as_str).collect();
    let words = names.join(", ");
    let tie = match manifest.scope.regions.as_slice() {
        [] => tie.because(words),
        _ => tie.because(format!("{words}; the collection was asked for some Regions only")),
    };
    tie.unless_unread(account.regions_gap.as_ref().or(unlisted))
}

fn pages(account: &Account, calls: &Calls<'_>) -> TieOut {
    let (all, whole) = calls.0.get(account.id.as_str()).copied().unwrap_or_default();
    let tie = TieOut::of("T3", "calls: all, and those that brought all that they were made for", all, whole);
    if all == 0 {
        let nothing = TieOut { verdict: Tie::Differs, ..tie };
        return nothing.because("the account was entered, and no call is recorded");
    }
    if all == whole {
        return tie.because("every list was read to its last page");
    }
    TieOut { verdict: Tie::Gap, ..tie }.because(format!("{} calls are in the list of gaps", all - whole))
}

/// T4: what IAM lists, and how many it says there are.
fn principals(account: &Account) -> Vec<TieOut> {
    let iam = &account.iam;
    let own = format!(":iam::{}:policy/", account.id);
    let policies = iam.policies.known().iter().filter(|policy| policy.arn.contains(&own)).count();
    let lists = [
        ("users", "Users", iam.users.known().len(), iam.users.gap()),
        ("groups", "Groups", iam.groups.known().len(), iam.groups.gap()),
        ("roles", "Roles", iam.roles.known().len(), iam.roles.gap()),
        ("customer managed policies", "Policies", policies, iam.policies.gap()),
    ];
    let tie = |(what, name, observed, gap): (&str, &str, usize, Option<&Gap>)| {
        let subject = format!("{what}: iam:GetAccountSummary, and iam:GetAccountAuthorizationDetails");
        let summary = match &iam.summary {
            Err(gap) => return TieOut::unread("T4", subject, gap),
            Ok(summary) => summary.map.get(name).and_then(|number| usize::try_from(*number).ok()),
        };
        let Some(expected) = summary else {
            let unsaid = TieOut { expected: None, verdict: Tie::Explained, ..TieOut::of("T4", subject, 0, observed) };
            return unsaid.because(format!("the summary has no number of {name}"));
        };
        TieOut::of("T4", subject, expected, observed).unless_unread(gap)
    };
    lists.into_iter().map(tie).collect()
}

fn users_by_credential_report(account: &Account, start: Timestamp) -> TieOut {
    const SUBJECT: &str = "users: iam:GetCredentialReport, and iam:GetAccountAuthorizationDetails";
    const ROOT: &str = "<root_account>";
    let report = match &account.iam.credential_report {
        Err(gap) => return TieOut::unread("T4", SUBJECT, gap),
        Ok(report) => report,
    };
    let listed: BTreeSet<&str> = report.rows.keys().map(AsRef::as_ref).filter(|name| *name != ROOT).collect();
    let users: BTreeSet<&str> = account.iam.users.known().iter().map(|user| user.name.as_str()).collect();
    let tie = TieOut::of("T4", SUBJECT, listed.len(), users.len()).unless_unread(account.iam.users.gap());
    let moved: Vec<&str> = listed.symmetric_difference(&users).copied().collect();
    if moved.is_empty() || tie.verdict == Tie::Gap {
        return tie;
    }
    let tie = TieOut { verdict: Tie::Differs, ..tie };
    let names = moved.join(", ");
    match report.generated_time.filter(|time| *time < start) {
        Some(time) => tie.explained_by(format!(
            "IAM made the report at {time}, before the other answer; since then came or went: {names}"
        )),
        None => tie.because(format!("in one of the two only: {names}")),
    }
}

/// T4: the keys of a Region, and of how many of them each thing was read.
fn keys(region: &str, kms: &Kms) -> Vec<TieOut> {
    let keys = kms.keys.known();
    let at = |tie: TieOut| TieOut { region: region.to_owned(), ..tie };
    if let (true, None) = (keys.is_empty(), kms.keys.gap()) {
        let zero = TieOut::of("T4", KEYS, 0, 0);
        return vec![at(zero.because("a proven zero: the answer came, and lists no key"))];
    }
    let described = keys.iter().filter(|key| key.metadata.is_ok()).count();
    let governed = keys.iter().filter(|key| key.policies.gap().is_none()).count();
    let granted = keys.iter().filter(|key| key.grants.gap().is_none()).count();
    let parts = [
        ("kms:DescribeKey", described, keys.iter().find_map(|key| key.metadata.as_ref().err())),
        ("kms:GetKeyPolicy", governed, keys.iter().find_map(|key| key.policies.gap())),
        ("kms:ListGrants", granted, keys.iter().find_map(|key| key.grants.gap())),
    ];
    let tie = |(api, observed, gap): (&str, usize, Option<&Gap>)| {
        let tie = TieOut::of("T4", format!("keys: kms:ListKeys, and {api} answered for"), keys.len(), observed);
        at(tie.unless_unread(kms.keys.gap().or(gap)))
    };
    parts.into_iter().map(tie).collect()
}

/// T5: every managed policy that something refers to is there.
fn references(account: &Account) -> TieOut {
    let iam = &account.iam;
    let of_users = iam
        .users
        .known()
        .iter()
        .flat_map(|it| it.attached_policies.iter().map(|it| &it.arn).chain(&it.permissions_boundary));
    let of_roles = iam
        .roles
        .known()
        .iter()
        .flat_map(|it| it.attached_policies.iter().map(|it| &it.arn).chain(&it.permissions_boundary));
    let of_groups = iam.groups.known().iter().flat_map(|it| it.attached_policies.iter().map(|it| &it.arn));
    let named: BTreeSet<&String> = of_users.chain(of_roles).chain(of_groups).collect();
    let read: BTreeSet<&String> = iam.policies.known().iter().map(|policy| &policy.arn).collect();
    let missing: Vec<&str> = named.difference(&read).map(|arn| arn.as_str()).collect();
    let tie = TieOut::of(
        "T5",
        "managed policies: those that users, groups and roles have, and those read",
        named.len(),
        named.len() - missing.len(),
    );
    match missing.as_slice() {
        [] => tie,
        missing => tie.because(format!("not read: {}", missing.join(", "))).unless_unread(iam.policies.gap()),
    }
}

/// T7: what came into being while the snapshot was taken, which some answers hold and others do not.
fn changes(account: &Account, start: Timestamp, end: Timestamp) -> TieOut {
    let is_new = |time: Option<Timestamp>| time.is_some_and(|time| (start..=end).contains(&time));
    let iam = &account.iam;
    let users = iam.users.known().iter().filter(|it| is_new(it.create_date)).map(|it| it.arn.as_str());
    let roles = iam.roles.known().iter().filter(|it| is_new(it.create_date)).map(|it| it.arn.as_str());
    let keys = account.regions.values().flat_map(|kms| known(&kms.keys));
    let keys = keys.filter(|key| is_new(key.metadata.as_ref().ok().and_then(|it| it.creation_date)));
    let new: Vec<&str> = users.chain(roles).chain(keys.map(|key| key.arn.as_str())).collect();
    let tie = TieOut::of("T7", "users, roles and keys created while the snapshot was taken", 0, new.len());
    match new.as_slice() {
        [] => tie,
        new => tie.explained_by(new.join(", ")),
    }
}

/// T8: the clock by which the times of calls were noted, and AWS's, which stands on each of its answers.
fn clock(source: manifest::Source, account: &Account) -> TieOut {
    let tie = TieOut::of("T8", "seconds between the collector's clock and AWS's, beyond what passes on the way", 0, 0);
    let unmeasured = |reason: &str| TieOut { observed: None, verdict: Tie::Explained, ..tie.clone() }.because(reason);
    match account.clock_ahead_seconds {
        None if source == manifest::Source::Import => {
            unmeasured("imported from files, which do not tell when AWS answered")
        }
        None => unmeasured("the snapshot was taken by a version that did not measure it"),
        Some(ahead) if ahead.unsigned_abs() <= CLOCK_TOLERANCE => tie.because(format!("{ahead} s ahead")),
        Some(ahead) => {
            let apart = TieOut { observed: Some(ahead.unsigned_abs()), verdict: Tie::Differs, ..tie };
            let direction = if ahead > 0 { "ahead" } else { "behind" };
            apart.because(format!(
                "the collector's clock was {} s {direction}: times of calls and ages are off by as much",
                ahead.unsigned_abs()
            ))
        }
    }
}

fn known<T>(listing: &Listing<T>) -> impl Iterator<Item = &T> {
    listing.known().iter()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        AttachedPolicy, CredentialReport, CredentialReportRow, GapKind, Group, Iam, ManagedPolicy, Provenance, Source,
        Summary,
    };

    fn source(api: &'static str) -> Source {
        Source { file: "file".into(), api, resource: [].into(), pointer: "".into() }
    }

    fn denied(api: &str) -> Gap {
        Gap { kind: GapKind::Denied, ..Gap::not_collected(api, &[]) }
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const ADMINS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

    /// An account with a group, to which a managed policy attaches, and a Region without keys.
    fn account() -> Account {
        let kms = Kms {
            keys: Listing::complete(vec![]),
            aliases: Listing::complete(vec![]),
            custom_key_stores: Listing::complete(vec![]),
        };
        let group = Group {
            arn: "arn:aws:iam::111122223333:group/admins".to_owned(),
            name: "admins".to_owned(),
            id: "AGPAEXAMPLE".to_owned(),
            inline_policies: vec![],
            attached_policies: vec![AttachedPolicy { name: "AdministratorAccess".to_owned(), arn: ADMINS.to_owned() }],
            source: source("iam:GetAccountAuthorizationDetails"),
        };
        let policy = ManagedPolicy {
            arn: ADMINS.to_owned(),
            name: "AdministratorAccess".to_owned(),
            id: "ANPAEXAMPLE".to_owned(),
            default_version_id: "v1".to_owned(),
            document: Err(denied("iam:GetPolicyVersion")),
            attachment_count: None,
            permissions_boundary_usage_count: None,
            source: source("iam:GetAccountAuthorizationDetails"),
            document_source: source("iam:GetAccountAuthorizationDetails"),
        };
        let numbers = [("Users", 0), ("Groups", 1), ("Roles", 0), ("Policies", 0)];
        Account {
            id: "111122223333".to_owned(),
            name: "Example".to_owned(),
            partition: "aws".to_owned(),
            ou_path: Ok("Root".to_owned()),
            entered: Ok(()),
            iam: Iam {
                users: Listing::complete(vec![]),
                groups: Listing::complete(vec![group]),
                roles: Listing::complete(vec![]),
                policies: Listing::complete(vec![policy]),
                summary: Ok(Summary {
                    map: numbers.map(|(name, number)| (name.to_owned(), number)).into(),
                    source: source("iam:GetAccountSummary"),
                }),
                credential_report: Ok(report(&["<root_account>"], None)),
                ..Iam::missing(&denied("iam:Get"))
            },
            regions: BTreeMap::from([("eu-central-1".to_owned(), kms)]),
            regions_gap: None,
            clock_ahead_seconds: Some(0),
            provenance: Provenance::default(),
        }
    }

    fn report(users: &[&str], generated_time: Option<Timestamp>) -> CredentialReport {
        let row = |name: &&str| (Arc::from(*name), CredentialReportRow::new(BTreeMap::new()));
        let rows = users.iter().map(row).collect();
        CredentialReport { generated_time, rows, source: source("iam:GetCredentialReport") }
    }

    const START: &str = "2026-09-30T02:00:00Z";

    /// The tie-outs of an account that are not simply agreed, by id and verdict.
    fn open(account: &Account) -> Vec<(&'static str, Tie, String)> {
        let mut ties = principals(account);
        ties.push(users_by_credential_report(account, time(START)));
        ties.extend(account.regions.iter().flat_map(|(region, kms)| keys(region, kms)));
        ties.push(references(account));
        ties.push(changes(account, time(START), time("2026-09-30T03:00:00Z")));
        let open = ties.into_iter().filter(|tie| tie.verdict != Tie::Ties);
        open.map(|tie| (tie.id, tie.verdict, tie.explanation)).collect()
    }

    #[test]
    fn a_whole_account_ties_out_and_a_region_without_keys_is_proven_to_have_none() {
        let account = account();
        assert_eq!(open(&account), []);
        let zero = keys("eu-central-1", &account.regions["eu-central-1"]);
        assert!(zero.len() == 1 && zero[0].is_proven_zero() && zero[0].verdict == Tie::Ties, "{zero:?}");
    }

    #[test]
    fn a_clock_that_is_off_by_more_than_a_minute_differs_and_one_that_nobody_measured_is_said_to_be() {
        let with = |source: manifest::Source, ahead: Option<i64>| {
            let tie = clock(source, &Account { clock_ahead_seconds: ahead, ..account() });
            (tie.verdict, tie.observed)
        };
        assert_eq!(with(manifest::Source::Collect, Some(-60)), (Tie::Ties, Some(0)));
        assert_eq!(with(manifest::Source::Collect, Some(61)), (Tie::Differs, Some(61)));
        assert_eq!(with(manifest::Source::Collect, Some(-3600)), (Tie::Differs, Some(3600)));
        assert_eq!(with(manifest::Source::Collect, None), (Tie::Explained, None));
        assert_eq!(with(manifest::Source::Import, None), (Tie::Explained, None));
    }

    #[test]
    fn two_answers_that_count_differently_differ_unless_one_is_a_gap() {
        let mut account = account();
        if let Ok(summary) = &mut account.iam.summary {
            summary.map.insert("Groups".to_owned(), 2);
        }
        let told = open(&account);
        assert_eq!(told.iter().map(|(id, verdict, _)| (*id, *verdict)).collect::<Vec<_>>(), [("T4", Tie::Differs)]);
        let group = account.iam.groups.known().to_vec();
        account.iam.groups = Listing::partial(group, denied("iam:GetAccountAuthorizationDetails"));
        assert_eq!(open(&account)[0].1, Tie::Gap);
        account.iam.summary = Err(denied("iam:GetAccountSummary"));
        assert!(open(&account).iter().take(4).all(|(_, verdict, _)| *verdict == Tie::Gap));
    }

    #[test]
    fn an_older_credential_report_explains_users_that_came_or_went_and_a_newer_one_does_not() {
        let mut account = account();
        let mut with = |generated: &str| {
            account.iam.credential_report = Ok(report(&["<root_account>", "gone"], Some(time(generated))));
            open(&account)
        };
        let explained = with("2026-09-30T01:00:00Z");
        assert!(explained[0].1 == Tie::Explained && explained[0].2.contains("gone"), "{explained:?}");
        let differs = with("2026-09-30T02:00:01Z");
        assert!(differs[0].1 == Tie::Differs && differs[0].2.contains("gone"), "{differs:?}");
    }

    #[test]
    fn a_policy_that_a_group_has_and_nobody_read_is_named() {
        let mut account = account();
        account.iam.policies = Listing::complete(vec![]);
        assert_eq!(open(&account), [("T5", Tie::Differs, format!("not read: {ADMINS}"))]);
    }
}
