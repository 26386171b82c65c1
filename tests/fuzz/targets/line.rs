//! Lines of NDJSON: whatever stands on a line, each command answers with one line of JSON, and a witness that one command
//! shows is confirmed by another.

use keyproof::policy::{Line, compare_line, coverage_line, evaluate_line};
use serde_json::{Value, json};

pub(crate) fn holds(bytes: &[u8]) {
    // The commands cut their input into lines.
    if bytes.contains(&b'\n') {
        return;
    }
    for command in [evaluate_line, coverage_line, compare_line] {
        let line = command(7, bytes);
        assert_eq!(line, command(7, bytes));
        match line {
            Line::Answer(answer) => is_about(&read(&answer), bytes),
            Line::Error(error) => {
                let error = read(&error);
                let told = error["error"].as_str().expect("an error is a text");
                assert!(told.starts_with("line 7"), "{told}");
            }
            Line::Skipped => {}
            Line::Blank => assert!(bytes.iter().all(|byte| !byte.is_ascii_graphic())),
        }
    }
    witnesses_are_confirmed(bytes);
}

fn read(line: &str) -> Value {
    assert!(!line.contains('\n'), "{line}");
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn is_about(answer: &Value, bytes: &[u8]) {
    // A deeply nested line is beyond what this reader takes.
    let Ok(asked) = serde_json::from_slice::<Value>(bytes) else { return };
    assert_eq!(answer["id"], asked["id"]);
    if let Some(levels) = answer["levels"].as_object() {
        for (action, level) in levels {
            let shown = answer["witness"].get(action).is_some();
            assert_eq!(shown, level != "NONE" && level != "UNKNOWN", "{answer}");
        }
    }
}

/// `evaluate` allows the witness under one policy and denies it under the other; where a note says that a rule of AWS is
/// open it may leave either open.
fn witnesses_are_confirmed(bytes: &[u8]) {
    let Line::Answer(answer) = compare_line(7, bytes) else { return };
    let (answer, Ok(asked)) = (read(&answer), serde_json::from_slice::<Value>(bytes)) else { return };
    for (witness, with, without) in [("witness_more", "b", "a"), ("witness_less", "a", "b")] {
        let witness = &answer[witness];
        if witness.is_null() {
            continue;
        }
        let root = format!("arn:aws:iam::{}:root", witness["account"].as_str().expect("an account"));
        let key_policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}]});
        let decision = |policy: &Value| {
            let policies = json!({"identity": [policy], "key_policy": key_policy});
            let line = json!({"id": 1, "policies": policies, "request": witness}).to_string();
            let Line::Answer(answer) = evaluate_line(1, line.as_bytes()) else { panic!("no answer to {line}") };
            read(&answer)["decision"].as_str().expect("a decision").to_owned()
        };
        let shown = (decision(&asked[with]), decision(&asked[without]));
        let is_certain = answer["notes"].as_array().is_none_or(Vec::is_empty);
        let (allowed, denied) = (shown.0 == "allow", shown.1 == "deny");
        assert!(
            if is_certain { allowed && denied } else { shown.0 != "deny" && shown.1 != "allow" },
            "{shown:?} {answer}"
        );
    }
}
