//! Troubles that pass: throttling, breakdowns, broken answers and sessions that end do not change the result.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::aws::{Call, Scope, collect, organization};
use crate::findings::{assert_said, expected_of, known_findings, said};
use crate::program::{audit, run, told};

const PAYMENTS: &str = "444455556666";
const LEGACY: &str = "012345678901";

/// A part of the organization is enough.
const PART: [&str; 2] = [PAYMENTS, LEGACY];

/// `keyproof collect` of the part.
fn collect_part(scope: &Scope, out: &Path) -> Command {
    let mut command = collect(scope, &organization().truth, out);
    command.args(["--account", &PART.join(",")]);
    command
}

/// Collects and audits in spite of the faults of a scope: all that is true must be said, and nothing else.
fn unharmed(scope: &Scope) -> Vec<Call> {
    let folder = tempfile::tempdir().expect("a folder");
    let (snapshot, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    run(&mut collect_part(scope, &snapshot), 0);
    run(&mut audit(&snapshot, &pack), 0);
    assert_said(&said(&known_findings(&pack)), &expected_of(organization(), &PART));
    scope.calls()
}

fn codes(calls: &[Call]) -> BTreeSet<&str> {
    calls.iter().filter_map(|call| call.code.as_deref()).collect()
}

#[test]
fn throttled_calls_are_made_again() {
    let scope = organization().scope();
    for (operation, times) in
        [("ListKeys", 2), ("GetAccountAuthorizationDetails", 2), ("ListAccounts", 2), ("AssumeRole", 2)]
    {
        scope.order(json!({"operation": operation, "kind": "throttle", "times": times}));
    }
    let calls = unharmed(&scope);
    let codes = codes(&calls);
    for code in ["ThrottlingException", "Throttling", "TooManyRequestsException"] {
        assert!(codes.contains(code), "{code} was not met: {codes:?}");
    }
}

#[test]
fn calls_that_break_down_are_made_again() {
    let scope = organization().scope();
    for (operation, kind) in [
        ("DescribeKey", "error500"),
        ("GetAccountSummary", "error500"),
        ("ListGrants", "drop"),
        ("GetKeyPolicy", "cut"),
        ("ListAliases", "garble"),
        ("GetAccountAuthorizationDetails", "cut"),
        ("GetCredentialReport", "garble"),
    ] {
        scope.order(json!({"operation": operation, "account": PAYMENTS, "kind": kind, "times": 1}));
    }
    unharmed(&scope);
}

#[test]
fn a_page_cut_short_is_asked_for_again_and_never_taken_for_a_shorter_list() {
    let scope = organization().scope();
    for kind in ["cut", "garble"] {
        scope.order(json!({"operation": "GetAccountAuthorizationDetails", "account": LEGACY, "page": "later", "kind": kind, "times": 1}));
        scope.order(json!({"operation": "ListKeys", "account": PAYMENTS, "page": "later", "kind": kind, "times": 1}));
    }
    unharmed(&scope);
}

#[test]
fn sessions_whose_time_is_up_are_renewed() {
    let scope = organization().scope();
    // Their time is up as soon as they begin, so that it does not matter how fast the collection is.
    scope.order(json!({"operation": "AssumeRole", "kind": "lifetime", "seconds": 0}));
    let calls = unharmed(&scope);
    let entered = calls.iter().filter(|call| call.operation == "AssumeRole").count();
    assert!(entered > PART.len(), "{entered} sessions");
}

#[test]
fn an_expired_session_ends_the_run_and_resuming_completes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (snapshot, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    let scope = organization().scope();
    scope.order(json!({"operation": "ListGrants", "account": PAYMENTS, "kind": "expired_token"}));
    let output = run(&mut collect_part(&scope, &snapshot), 1);
    for word in ["expired", "--resume"] {
        assert!(told(&output).contains(word), "{word} is not told:\n{}", told(&output));
    }
    assert!(!snapshot.join("manifest.json").exists(), "an unfinished collection must not look like a snapshot");
    scope.forgive();
    run(collect_part(&scope, &snapshot).arg("--resume"), 0);
    run(&mut audit(&snapshot, &pack), 0);
    assert_said(&said(&known_findings(&pack)), &expected_of(organization(), &PART));
}

#[test]
fn each_service_words_a_refusal_in_its_own_way_and_all_are_understood() {
    let folder = tempfile::tempdir().expect("a folder");
    let scope = organization().scope();
    for operation in ["ListKeys", "GetAccountSummary", "ListPolicies", "GetAlternateContact"] {
        scope.order(json!({"operation": operation, "kind": "deny"}));
    }
    let out = folder.path().join("snapshot");
    run(&mut collect_part(&scope, &out), 4);
    let manifest = crate::program::json(&out.join("manifest.json"));
    let rows: &Vec<Value> = manifest["coverage"].as_array().expect("coverage");
    for api in ["kms:ListKeys", "iam:GetAccountSummary", "organizations:ListPolicies", "account:GetAlternateContact"] {
        let row = rows.iter().find(|row| row["api"] == api).unwrap_or_else(|| panic!("no row for {api}"));
        assert_eq!(row["outcome"], "denied", "{row}");
    }
}
