//! What is collected, and what is left out on purpose: a plan first, then accounts and units, each with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;

use crate::aws::{collect, organization};
use crate::findings::{account_of, job};
use crate::program::{audit, files, findings, json, keyproof, run, text, told};

const DATA: &str = "123456789012";
const PAYMENTS: &str = "444455556666";
const SANDBOX: &str = "777788889999";

/// What became of each account, with the reason.
fn outcomes(snapshot: &Path) -> BTreeMap<String, (String, String)> {
    let manifest = json(&snapshot.join("manifest.json"));
    let accounts = manifest["accounts"].as_array().expect("accounts").clone();
    let outcome = |account: &serde_json::Value| {
        (text(account, "outcome").to_owned(), account["reason"].as_str().unwrap_or_default().to_owned())
    };
    accounts.iter().map(|account| (text(account, "account_id").to_owned(), outcome(account))).collect()
}

#[test]
fn a_plan_says_what_would_be_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("snapshot");
    let scope = organization().scope();
    scope.order(json!({"operation": "AssumeRole", "match": SANDBOX, "kind": "deny"}));
    scope.order(json!({"operation": "ListGrants", "account": PAYMENTS, "kind": "deny"}));
    let output = run(collect(&scope, &organization().truth, &out).arg("--plan"), 0);
    let plan = String::from_utf8_lossy(&output.stdout);
    let lines = |id: &str| plan.lines().filter(|line| line.contains(id)).collect::<Vec<_>>().join("\n");
    for account in organization().truth.accounts.keys() {
        assert!(!lines(account).is_empty(), "{account} is not in the plan:\n{plan}");
        assert_eq!(lines(account).contains("can be entered"), account != SANDBOX, "{}", lines(account));
    }
    for word in ["kms:ListGrants", "sts:AssumeRole"] {
        assert!(plan.contains(word), "{word} is not named:\n{plan}");
    }
    assert!(!out.exists());
    assert!(scope.calls().len() < job().calls.len(), "a plan asks less than a collection");
}

#[test]
fn accounts_are_left_out_with_their_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let (snapshot, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    let scope = organization().scope();
    let mut command = collect(&scope, &organization().truth, &snapshot);
    command.args(["--ou", "Sandbox,Workloads/Production", "--exclude-account", &format!("{SANDBOX}=closing in May")]);
    run(&mut command, 0);
    let outcomes = outcomes(&snapshot);
    assert_eq!(outcomes[SANDBOX], ("excluded".to_owned(), "closing in May".to_owned()));
    let read = outcomes.iter().filter(|(_, (outcome, _))| outcome == "assumed_role").map(|(id, _)| id.as_str());
    assert_eq!(read.collect::<BTreeSet<_>>(), [DATA, PAYMENTS].into(), "the unit and all units below it");
    let entered: BTreeSet<String> =
        scope.calls().into_iter().filter(|call| call.service == "iam").map(|call| call.account).collect();
    assert_eq!(entered, [DATA.to_owned(), PAYMENTS.to_owned()].into());

    run(&mut audit(&snapshot, &pack), 0);
    let judged: BTreeSet<String> = findings(&pack).iter().map(|it| text(it, "account_id").to_owned()).collect();
    assert_eq!(judged, [DATA.to_owned(), PAYMENTS.to_owned()].into());
    let page = std::fs::read_to_string(pack.join("data/report/index.html")).expect("the report");
    assert!(page.contains("closing in May"), "the report does not say why an account was left out");
}

#[test]
fn a_scope_that_names_what_is_not_there_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("snapshot");
    let scope = organization().scope();
    for (flag, value) in [("--ou", "Nowhere"), ("--account", "999999999999"), ("--exclude-account", "999999999999")] {
        let output = run(collect(&scope, &organization().truth, &out).args([flag, value]), 1);
        for word in [flag, value] {
            assert!(told(&output).contains(word), "{word} is not told:\n{}", told(&output));
        }
        assert!(!out.exists() || files(&out).is_empty(), "nothing is begun");
    }
}

#[test]
fn an_account_that_is_lost_is_never_an_exception_that_was_mended() {
    let folder = tempfile::tempdir().expect("a folder");
    let (snapshot, changes) = (folder.path().join("snapshot"), folder.path().join("changes"));
    let scope = organization().scope();
    scope.order(json!({"operation": "AssumeRole", "match": SANDBOX, "kind": "deny"}));
    run(&mut collect(&scope, &organization().truth, &snapshot), 4);
    run(keyproof().arg("diff").arg(&job().snapshot).arg(&snapshot).arg("--out").arg(&changes), 4);
    let table = files(&changes).remove("data/csv/changes.csv").expect("a table of changes");
    let mut reader = csv::Reader::from_reader(table.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&table));
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(|row| row.expect("a row")).collect();
    let known: BTreeSet<&str> = organization().truth.findings.iter().map(|one| one.check_id.as_str()).collect();
    let said: BTreeSet<(&str, &str)> = rows
        .iter()
        .filter(|row| {
            row["kind"] == "finding" && row["old_status"] == "FAIL" && known.contains(row["check_id"].as_str())
        })
        .map(|row| (row["resource_arn"].as_str(), row["change"].as_str()))
        .collect();
    let failed = organization().truth.findings.iter().filter(|one| one.status == "FAIL");
    let change = |arn: &str| if account_of(arn) == SANDBOX { "NO LONGER ASSESSABLE" } else { "UNCHANGED" };
    assert_eq!(said, failed.map(|one| (one.resource_arn.as_str(), change(&one.resource_arn))).collect());
}
