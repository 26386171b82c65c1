//! `keyproof evaluate` over the vectors, and over lines that are none.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::program::{keyproof, run, told};

fn vectors(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

fn lines(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn evaluate(file: &Path, code: i32) -> Output {
    run(keyproof().arg("evaluate").arg(file), code)
}

#[test]
fn every_vector_is_decided_as_expected_and_in_order() {
    for name in ["access.jsonl", "rules.jsonl"] {
        let asked = lines(&fs::read(vectors(name)).expect("vectors"));
        let output = evaluate(&vectors(name), 0);
        let of = |line: &Value, member: &str| (line["id"].clone(), line[member].clone());
        let expected: Vec<_> = asked.iter().map(|line| of(line, "expected")).collect();
        let decided: Vec<_> = lines(&output.stdout).iter().map(|line| of(line, "decision")).collect();
        assert_eq!(decided, expected, "{name}");
        assert!(output.stderr.is_empty(), "{}", told(&output));
    }
}

#[test]
fn a_decision_has_the_members_that_scripts_rely_on() {
    let output = evaluate(&vectors("access.jsonl"), 0);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let first = text.lines().next().expect("a decision");
    assert_eq!(
        first,
        r#"{"id":"GRM-01","decision":"allow","explicit":false,"path":"delegation","layer":null,"statements":[{"policy":"key_policy","index":0,"sid":"EnableIAM","effect":"Allow"},{"policy":"identity/0","index":0,"sid":null,"effect":"Allow"}],"notes":[]}"#
    );
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let from_file = evaluate(&vectors("rules.jsonl"), 0);
    let rules = || File::open(vectors("rules.jsonl")).expect("vectors");
    let piped = run(keyproof().arg("evaluate").stdin(rules()), 0);
    let dashed = run(keyproof().args(["evaluate", "-"]).stdin(rules()), 0);
    assert_eq!((&piped.stdout, &dashed.stdout), (&from_file.stdout, &from_file.stdout));
}

#[test]
fn a_broken_line_is_answered_and_the_others_go_on() {
    let vectors = fs::read_to_string(vectors("access.jsonl")).expect("vectors");
    let mut valid = vectors.lines();
    let (first, last) = (valid.next().expect("a line"), valid.next().expect("a line"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("requests.jsonl");
    let broken = r#"{"id":"b","policies":{"identity":[{"Statement":[{"Effect":"allow"}]}]},"request":{}}"#;
    let other = r#"{"id":"c","kind":"compare","a":{},"b":{}}"#;
    fs::write(&file, format!("{first}\n{{\n\n{broken}\n{other}\n{last}")).expect("a file");
    let output = evaluate(&file, 1);
    let answers = lines(&output.stdout);
    let errors: Vec<Option<&str>> = answers.iter().map(|answer| answer["error"].as_str()).collect();
    assert_eq!(
        errors,
        [
            None,
            Some("line 2, column 1: not valid JSON: EOF while parsing an object"),
            Some(
                "line 4, at /policies/identity/0/Statement/0/Effect: `allow` is no effect (Allow or Deny, case-sensitive)"
            ),
            None,
        ]
    );
    assert_eq!((&answers[1]["id"], &answers[2]["id"]), (&Value::Null, &Value::from("b")));
    for words in ["Skipped 1 of 6 lines", "2 of 6 lines of", "requests.jsonl"] {
        assert!(told(&output).contains(words), "{words:?} is not told:\n{}", told(&output));
    }
}

#[test]
fn a_lone_policy_is_told_what_it_lacks() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    std::fs::write(&file, r#"{"Version":"2012-10-17","Statement":[]}"#).expect("a file");
    let output = run(keyproof().arg("evaluate").arg(&file), 1);
    assert!(told(&output).contains("policy coverage"), "{}", told(&output));
}
