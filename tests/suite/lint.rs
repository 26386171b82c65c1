//! `keyproof policy lint` over documents with the mistakes that guides and workshops teach.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{keyproof, run, told};

const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policies");

fn lint() -> Command {
    let mut command = keyproof();
    command.current_dir(POLICIES).args(["policy", "lint"]);
    command
}

/// The documents, sorted by name.
fn documents() -> Vec<String> {
    let entries = fs::read_dir(POLICIES).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        names.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "json")).collect();
    names.sort();
    names
}

/// The rules found in one document with the index of their statement, sorted.
fn rules(document: &str) -> Vec<(u64, String)> {
    let output = run(lint().args(["--format", "ndjson", document]), 0);
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let finding = |line: &str| {
        let finding: Value = serde_json::from_str(line).expect("a JSON object");
        let rule = finding["rule"].as_str().expect("a rule").to_owned();
        (finding["statement"].as_u64().expect("a statement"), rule)
    };
    let mut rules: Vec<(u64, String)> = lines.lines().map(finding).collect();
    rules.sort();
    rules
}

#[track_caller]
fn finds(document: &str, expected: &[(u64, &str)]) {
    let expected: Vec<(u64, String)> = expected.iter().map(|(index, rule)| (*index, (*rule).to_owned())).collect();
    assert_eq!(rules(document), expected, "{document}");
}

#[test]
fn what_guides_teach_wrongly_is_found() {
    finds(
        "decrypt-with-context.json",
        &[(0, "policy-condition-wrong-value"), (0, "policy-statement-no-effect"), (0, "policy-unknown-condition-key")],
    );
    finds("key-deletion-guard.json", &[(1, "policy-statement-no-effect"), (1, "policy-unknown-action")]);
    finds("grant-constraint.json", &[(0, "policy-condition-key-inapplicable")]);
    finds("key-auditors.json", &[(1, "policy-action-ineffective-in-key-policy")]);
    finds("key-mfa.json", &[(1, "policy-statement-no-effect"), (1, "policy-unknown-condition-key")]);
    finds("key-caller-account.json", &[(1, "policy-restriction-ineffective")]);
    finds("key-not-principal.json", &[(1, "policy-not-principal")]);
}

#[test]
fn what_is_broad_but_means_what_it_says_is_left_to_the_checks() {
    for document in ["decrypt-all-keys.json", "full-access.json", "deletion-scp.json"] {
        finds(document, &[]);
    }
}

#[test]
fn the_text_for_people_is_as_written_down() {
    let output = run(lint().args(documents()), 0);
    let expected = fs::read_to_string(Path::new(POLICIES).join("expected.txt")).expect("the expected text");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text, expected, "when the change is meant: keyproof policy lint *.json > expected.txt");
    assert!(String::from_utf8_lossy(&output.stderr).contains("known as of 20"));
}

#[test]
fn findings_change_the_exit_code_only_when_asked() {
    run(lint().args(["--fail-on", "high", "grant-constraint.json"]), 0);
    run(lint().args(["--fail-on", "medium", "grant-constraint.json"]), 3);
    run(lint().args(["--fail-on", "informational", "full-access.json"]), 0);
}

#[test]
fn a_broken_file_is_named_with_its_place_and_the_others_are_looked_at() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lint");
    fs::create_dir_all(&folder).expect("a folder");
    let broken = folder.join("broken.json");
    fs::write(&broken, "{\"Statement\":[\n{\"Effect\":\"allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}")
        .expect("a file");
    let binary = folder.join("binary.json");
    fs::write(&binary, [0xff, 0xfe, 0x00]).expect("a file");
    let output = run(lint().arg(&broken).arg(&binary).args(["--fail-on", "low", "key-auditors.json"]), 1);
    let told = told(&output);
    for part in ["broken.json", "line 2, column 11", "/Statement/0/Effect", "binary.json", "UTF-8", "kms:ListKeys"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let lines = run(lint().arg(&broken).args(["--format", "ndjson"]), 1).stdout;
    let line: Value = serde_json::from_slice(&lines).expect("one line of JSON");
    assert!(line["error"].as_str().is_some_and(|error| error.contains("line 2")));
}

#[test]
fn names_in_documents_cannot_move_the_cursor() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lint-hostile");
    fs::create_dir_all(&folder).expect("a folder");
    let hostile = folder.join("hostile.json");
    let text = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a\u001b[2J","Effect":"Allow","Action":"kms:\u202eX\u0007","Resource":"*"}]}"#;
    fs::write(&hostile, text).expect("a file");
    for format in ["text", "table"] {
        let output = run(lint().args(["--format", format]).arg(&hostile), 0).stdout;
        let output = String::from_utf8(output).expect("UTF-8");
        let escaped = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
        assert!(!output.contains(escaped), "{output:?}");
    }
}

#[test]
fn every_format_says_the_same() {
    let of = |format: &str| {
        let output = run(lint().args(["--format", format, "mixed.json"]), 0).stdout;
        String::from_utf8(output).expect("UTF-8")
    };
    let json: Vec<Value> = serde_json::from_str(&of("json")).expect("a JSON array");
    let ndjson: Vec<Value> = of("ndjson").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(json, ndjson);
    assert_eq!(of("csv").lines().count(), json.len() + 1);
    assert_eq!(of("table").lines().count(), json.len() + 1);
    assert!(json.iter().all(|finding| finding["rule"].as_str().is_some_and(|rule| of("table").contains(rule))));
}
