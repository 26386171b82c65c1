//! What a file of waivers may say, and what it may not.

use super::{Error, Fault, Kind, Known, Scope, Waivers, parse};
use crate::finding::WaiverState;

const FINGERPRINT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn read(text: &str) -> Result<Waivers, Error> {
    let unknown = |kind: &'static str| move |id: &str| (id != "known").then(|| format!("no {kind} is called `{id}`"));
    let (check, framework) = (unknown("check"), unknown("framework"));
    parse("w.toml", text, Known { check: &check, framework: &framework })
}

/// A waiver in which one line is another.
fn waiver(member: &str, line: &str) -> String {
    let mut text = "[[waiver]]\n".to_owned();
    let lines = [
        ("id", "id = 'W-1'"),
        ("kind", "kind = 'risk_acceptance'"),
        ("match", "match = { check = 'known', account = '111122223333' }"),
        ("owner", "owner = 'ann'"),
        ("approver", "approver = 'bob'"),
        ("approved_on", "approved_on = 2026-07-01"),
        ("expires_on", "expires_on = 2026-12-31"),
        ("justification", "justification = 'because'"),
    ];
    for (name, default) in lines {
        text += if name == member { line } else { default };
        text.push('\n');
    }
    if lines.iter().all(|(name, _)| *name != member) {
        text += line;
    }
    text
}

fn faults(text: &str) -> Vec<Fault> {
    match read(text) {
        Err(Error::Refused { faults, .. }) => faults,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_waiver_is_read_with_all_that_it_may_say() {
    let text = format!(
        "{}frameworks = ['known']\nticket = 'T'\nreview_note = 'N'\neffective_from = 2026-07-02\n\
         evidence = [{{ path = 'minutes.pdf', sha256 = '{FINGERPRINT}' }}]\n",
        waiver("kind", "kind = 'compensating_control'")
    ) + "[waiver.compensating]\nconstraints = 'c'\nvalidation = 'v'\n";
    let waivers = read(&text).unwrap();
    let [it] = waivers.all.as_slice() else { panic!("{waivers:?}") };
    assert_eq!((it.id.as_str(), it.kind, it.line), ("W-1", Kind::CompensatingControl, 2));
    assert_eq!((it.effective_from.to_string(), it.expires_on.to_string()), ("2026-07-02".into(), "2026-12-31".into()));
    assert_eq!(it.empty_rows(), ["definition", "objective", "identified_risk", "maintenance"]);
    assert!(it.counts_for("known") && !it.counts_for("other"));
    assert_eq!(waivers.sha256().unwrap(), crate::digest::sha256(text.as_bytes()));
}

#[test]
fn what_may_not_be_is_named_with_its_line_and_what_to_do() {
    let sheet = "[waiver.compensating]\nconstraints = 'c'\n";
    for (member, line, at, words) in [
        ("id", "id = 'W 1'", 2, "letters, digits"),
        ("id", "id = ''", 2, "letters, digits"),
        ("owner", "owner = ' '", 5, "`owner` is empty"),
        ("approver", "approver = ' ANN '", 6, "owner and approver are the same"),
        ("justification", "justification = ''", 9, "`justification` is empty"),
        ("approved_on", "approved_on = 2026-07-01T00:00:00Z", 7, "is no day"),
        ("expires_on", "expires_on = 2026-06-30", 8, "before it begins"),
        ("expires_on", "expires_on = 2027-07-02", 8, "it lasts 366 days"),
        ("effective_from", "effective_from = 2026-06-30", 10, "before it was approved"),
        ("frameworks", "frameworks = ['unheard']", 10, "no framework is called `unheard`"),
        ("evidence", "evidence = [{ path = 'a', sha256 = 'AB' }]", 10, "64 hexadecimal digits"),
        ("compensating", sheet, 10, "worksheet of the kind"),
        ("match", "match = { check = 'unheard', account = '111122223333' }", 4, "no check is called `unheard`"),
        ("match", "match = { check = '*', account = '111122223333' }", 4, "one waiver for each"),
        ("match", "match = { check = 'known' }", 4, "everywhere"),
        ("match", "match = { check = 'known', resource_arn = '*' }", 4, "is no ARN"),
        ("match", "match = { check = 'known', resource_arn = 'arn:*:*:*:*:*' }", 4, "must lie in one account"),
        ("match", "match = { check = 'known', account = '11112222333' }", 4, "12 digits"),
        ("match", "match = { check = 'known', account = '111122223333', tags = ['a=b'] }", 4, "tags do not say"),
        ("match", "match = { fingerprint = 'AB' }", 4, "64 hexadecimal digits"),
        ("match", "match = { account = '111122223333' }", 4, "either a `fingerprint`, or a `check`"),
        ("match", "match = { check = 'known', fingerprint = 'a' }", 4, "either a `fingerprint`, or a `check`"),
    ] {
        let found = faults(&waiver(member, line));
        assert!(found.iter().any(|it| it.line == at && it.reason.contains(words)), "{line}: {found:?}");
        assert_eq!(found.len(), 1, "{line}: {found:?}");
    }
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let text = waiver("owner", "owner = 'bob'") + &waiver("match", "match = { check = 'unheard' }");
    let found = faults(&text);
    let lines: Vec<usize> = found.iter().map(|it| it.line).collect();
    // Owner and approver; the second waiver's id; its check; that it narrows nothing.
    assert_eq!(lines, [6, 11, 13, 13]);
    let message = read(&text).unwrap_err().to_string();
    assert!(message.contains("`w.toml`") && message.contains("line 11, waiver \"W-1\": another waiver has this id"));
}

#[test]
fn what_is_not_of_the_form_is_named_with_its_line() {
    for (member, line, words) in [
        ("owner", "ownr = 'ann'", ["line 5", "ownr"]),
        ("kind", "kind = 'forgotten'", ["line 3", "forgotten"]),
        ("expires_on", "expires_on = '2026-12-31'", ["line 8", "datetime"]),
        ("expires_on", "expires_on = 2026-02-30", ["line 8", "2026-02-30"]),
        ("expires_on", "", ["line 1", "expires_on"]),
        ("match", "match = { check = 'known', ou = 'Root' }", ["line 4", "ou"]),
    ] {
        let message = read(&waiver(member, line)).unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{line}: {message}");
    }
}

#[test]
fn a_day_is_in_force_from_the_first_to_the_last() {
    let waivers = read(&waiver("expires_on", "expires_on = 2026-07-31")).unwrap();
    let it = &waivers.all[0];
    for (day, state, left) in [
        ("2026-06-30", WaiverState::NotYetEffective, 31),
        ("2026-07-01", WaiverState::Active, 30),
        ("2026-07-31", WaiverState::Active, 0),
        ("2026-08-01", WaiverState::Lapsed, -1),
    ] {
        let day = day.parse().unwrap();
        assert_eq!((it.state(day), it.days_left(day)), (state, left), "{day}");
    }
}

#[test]
fn the_account_of_a_scope_is_that_of_its_arn() {
    let of = |arn: &str| Scope::Check { check: "c".into(), resource_arn: Some(arn.into()), account: None };
    assert_eq!(of("arn:aws:iam::111122223333:user/a").account(), Some("111122223333"));
    assert_eq!(of("arn:aws:iam::aws:policy/A").account(), None);
    assert!(of("arn:aws:iam::111122223333:user/a").names_one());
    assert!(!of("arn:aws:iam::111122223333:user/*").names_one());
}

#[test]
fn an_empty_file_holds_no_waivers_and_is_a_file_all_the_same() {
    let waivers = read("").unwrap();
    assert!(waivers.all.is_empty() && waivers.sha256().is_some());
}
