//! Every AWS managed policy that moto ships: thousands of real documents, none of which may be too much.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use keyproof::policy::{Document, Level, LintFacts, PolicyKind, Rule, coverage, kms_actions, lint};
use rayon::prelude::*;
use serde_json::Value;

use crate::python::python;

/// What one policy opens for `kms:Decrypt`, as a line of the table, once everything else about it is in order.
fn looked_at(line: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(line).expect("a line of JSON");
    let name = policy["id"].as_str().expect("a name");
    let document = Document::parse(&policy["policy"].to_string()).unwrap_or_else(|error| panic!("{name}: {error}"));
    for action in kms_actions() {
        let level = coverage(&document, "aws", action.name).level;
        assert_ne!(level, Level::Unknown, "{name}: {}", action.name);
    }
    let findings = lint(&document, PolicyKind::Identity, &LintFacts::default());
    assert!(findings.iter().all(|finding| finding.rule != Rule::NotFullyChecked), "{name} is not fully checked");
    let decrypt = coverage(&document, "aws", "kms:Decrypt");
    let conditional = if decrypt.conditional { "conditional" } else { "unconditional" };
    (decrypt.level != Level::None).then(|| format!("{name} {} {conditional}", decrypt.level))
}

#[test]
fn every_managed_policy_is_read_covered_and_linted() {
    let output = python("aws/managed_policies.py").output().expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let policies = String::from_utf8(output.stdout).expect("UTF-8");
    let policies: Vec<&str> = policies.lines().collect();
    assert_eq!(policies.len(), 1582, "moto ships another number of policies");
    let rows: Vec<String> = policies.par_iter().filter_map(|line| looked_at(line)).collect();
    let mut table = String::new();
    rows.iter().for_each(|row| writeln!(table, "{row}").expect("a string takes all"));
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/managed-decrypt.txt");
    let expected = fs::read_to_string(expected).expect("the expected table");
    assert_eq!(table, expected, "when the change is meant: write the left side to tests/policies/managed-decrypt.txt");
}
