//! What a comparison says of access, against what each snapshot answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::demo::demo;
use crate::formats::table;
use crate::program::{json, keyproof, run, text};

const CHANGES: &str = "changes/2026-Q2--2026-Q3";

/// Key, principal and its type.
type Who = (String, String, String);

/// What may be done, as far as a comparison looks at it.
type What = (String, Value, Value);

fn who(row: &Value) -> Who {
    let member = |name| text(row, name).to_owned();
    (member("key_arn"), member("principal_arn"), member("principal_type"))
}

fn what(row: &Value) -> What {
    (text(row, "access").to_owned(), row["conditions"].clone(), row["via"].clone())
}

/// Who can do an action in a quarter, on the keys that can take part in it.
fn matrix(quarter: &str, action: &str) -> BTreeMap<Who, What> {
    let snapshot = demo().join("snapshots").join(quarter);
    let keys = table(&demo().join("packs").join(quarter), "kms_keys.csv");
    let is_other = |row: &BTreeMap<String, String>| {
        ["SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"].contains(&row["key_usage"].as_str())
    };
    let others: BTreeSet<String> = keys.into_iter().filter(is_other).map(|row| row["key_arn"].clone()).collect();
    let mut command = keyproof();
    command.args(["access", "matrix", "--format", "ndjson", "--action", action, "--snapshot"]).arg(snapshot);
    let output = String::from_utf8(run(&mut command, 0).stdout).expect("UTF-8");
    let rows = output.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    rows.map(|row| (who(&row), what(&row))).filter(|((key, ..), _)| !others.contains(key)).collect()
}

fn changes() -> Vec<Value> {
    json(&demo().join(CHANGES).join("data/json/changes.json"))["access"].as_array().expect("access").clone()
}

#[test]
fn the_rows_are_the_difference_of_what_the_two_snapshots_answer() {
    let changes = changes();
    for action in ["kms:Decrypt", "kms:Encrypt"] {
        let (old, new) = (matrix("2026-Q2", action), matrix("2026-Q3", action));
        let everybody: BTreeSet<&Who> = old.keys().chain(new.keys()).collect();
        let differs = |it: &&Who| old.get(*it) != new.get(*it);
        let expected: BTreeSet<Who> = everybody.into_iter().filter(differs).cloned().collect();
        assert!(expected.len() > 50, "{action}: {} differences", expected.len());
        let is_of_action = |row: &&Value| row["actions"].as_array().expect("actions").iter().any(|it| it == action);
        let mut told = BTreeSet::new();
        for row in changes.iter().filter(is_of_action) {
            let who = who(row);
            let held = |side: &str| (!row[side].is_null()).then(|| what(&row[side]));
            assert_eq!([held("old"), held("new")], [old.get(&who).cloned(), new.get(&who).cloned()], "{row}");
            if row["change"] != "replaced" || held("old") != held("new") {
                assert!(told.insert(who), "twice: {row}");
            }
        }
        assert_eq!(told, expected, "{action}");
    }
}

#[test]
fn each_row_says_either_what_changed_or_what_could_not_be_read() {
    let changes = changes();
    for row in &changes {
        let is_known = row["change"] != "not_known";
        assert_eq!(row["causes"].as_array().is_some_and(|it| !it.is_empty()), is_known, "{row}");
        assert!(is_known || row["because"].is_string(), "{row}");
    }
    for turn in ["gained", "lost", "changed", "replaced", "not_known"] {
        assert!(changes.iter().any(|it| it["change"] == turn), "the demonstration shows nothing that is {turn}");
    }
}

#[test]
fn the_table_and_the_page_count_the_same_rows() {
    let (changes, rows) = (changes(), table(&demo().join(CHANGES), "access_changes.csv"));
    assert_eq!(rows.len(), changes.len());
    let page = std::fs::read_to_string(demo().join(CHANGES).join("data/report/changes.html")).expect("the page");
    for words in ["GAINED", "LOST", "CHANGED", "REPLACED", "NOT KNOWN"] {
        let count = rows.iter().filter(|row| row["change"] == words).count();
        let shown = page.split(&format!("data-turn=\"{words}\">")).nth(1).and_then(|it| it.split('<').next());
        assert_eq!(shown.map(|it| it.replace(',', "")), Some(count.to_string()), "{words}");
    }
}

#[test]
fn it_can_be_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("changes");
    let mut command = keyproof();
    command.arg("diff").args(["2026-Q2", "2026-Q3"].map(|quarter| demo().join("snapshots").join(quarter)));
    run(command.args(["--no-access", "--allow-incomplete", "--out"]).arg(&out), 0);
    assert!(json(&out.join("data/json/changes.json"))["access"].is_null());
    assert!(!out.join("data/csv/access_changes.csv").exists());
    let page = std::fs::read_to_string(out.join("data/report/changes.html")).expect("the page");
    assert!(page.contains("leaves out who can do what with each key"));
}
