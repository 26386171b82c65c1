//! What could not be read is an ERROR, is named, and costs nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::aws::{Expected, Scope, collect, organization};
use crate::findings::{account_of, assert_said, expected, expected_of, job, known_findings, said};
use crate::program::{audit, files, run, text, told};

const PAYMENTS: &str = "444455556666";
const SANDBOX: &str = "777788889999";

/// Collects and audits under the faults of a scope; both must call the result incomplete.
fn incomplete(scope: &Scope, folder: &Path, accounts: &[&str]) -> Vec<Value> {
    let (snapshot, pack) = (folder.join("snapshot"), folder.join("pack"));
    let mut command = collect(scope, &organization().truth, &snapshot);
    if !accounts.is_empty() {
        command.args(["--account", &accounts.join(",")]);
    }
    run(&mut command, 4);
    run(&mut audit(&snapshot, &pack), 4);
    known_findings(&pack)
}

fn by(status: &str, findings: &[Value], is_meant: impl Fn(&Value) -> bool) -> Vec<Value> {
    findings.iter().filter(|it| text(it, "status") == status && is_meant(it)).cloned().collect()
}

#[test]
fn an_account_that_cannot_be_entered_and_a_denied_call_cost_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let scope = organization().scope();
    scope.order(json!({"operation": "AssumeRole", "match": SANDBOX, "kind": "deny"}));
    scope.order(json!({"operation": "ListGrants", "account": PAYMENTS, "region": "eu-central-1", "kind": "deny"}));
    let found = incomplete(&scope, folder.path(), &[]);

    let lost = |arn: &str, check: &str| {
        account_of(arn) == SANDBOX
            || (check == "kms-grant-external-account" && arn.starts_with("arn:aws:kms:eu-central-1:444455556666:"))
    };
    let told: Vec<Value> = found.iter().filter(|it| text(it, "status") != "ERROR").cloned().collect();
    let kept: BTreeSet<Expected> =
        expected(organization()).into_iter().filter(|one| !lost(&one.resource_arn, &one.check_id)).collect();
    assert_said(&said(&told), &kept);

    let checks: BTreeSet<String> = organization().truth.findings.iter().map(|one| one.check_id.clone()).collect();
    let sandbox = by("ERROR", &found, |it| text(it, "account_id") == SANDBOX);
    assert_eq!(sandbox.iter().map(|it| text(it, "check_id").to_owned()).collect::<BTreeSet<_>>(), checks);
    assert_eq!(sandbox.len(), checks.len(), "one ERROR for each check");
    for finding in &sandbox {
        assert_eq!(text(finding, "resource_arn"), format!("arn:aws:iam::{SANDBOX}:root"));
        assert!(text(finding, "reason").contains("sts:AssumeRole"), "{finding}");
    }
    let grants = by("ERROR", &found, |it| text(it, "account_id") == PAYMENTS);
    let keys = job().organization.truth.findings.iter().filter(|one| {
        one.check_id == "kms-key-pending-deletion"
            && one.resource_arn.starts_with("arn:aws:kms:eu-central-1:444455556666:")
    });
    assert_eq!(
        grants.iter().map(|it| text(it, "resource_arn").to_owned()).collect::<BTreeSet<_>>(),
        keys.map(|one| one.resource_arn.clone()).collect::<BTreeSet<_>>(),
        "each key whose grants were not shown"
    );
    for finding in &grants {
        assert_eq!(text(finding, "check_id"), "kms-grant-external-account");
        for word in ["kms:ListGrants", "AccessDeniedException"] {
            assert!(finding.to_string().contains(word), "{word} in {finding}");
        }
    }
    let page = std::fs::read_to_string(folder.path().join("pack/data/report/index.html")).expect("the report");
    for word in [SANDBOX, "sts:AssumeRole", "kms:ListGrants", "INCOMPLETE"] {
        assert!(page.contains(word), "the report does not name {word}");
    }
}

#[test]
fn allowing_incompleteness_changes_the_exit_code_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (snapshot, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    let scope = organization().scope();
    scope.order(json!({"operation": "GetAccountSummary", "account": PAYMENTS, "kind": "deny"}));
    let mut command = collect(&scope, &organization().truth, &snapshot);
    run(command.args(["--account", PAYMENTS, "--allow-incomplete"]), 0);
    run(audit(&snapshot, &pack).arg("--allow-incomplete"), 0);
    let errors = by("ERROR", &known_findings(&pack), |_| true);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(text(&errors[0], "check_id"), "iam-root-mfa");
}

#[test]
fn a_lost_marker_makes_a_list_incomplete_and_not_shorter() {
    let folder = tempfile::tempdir().expect("a folder");
    let scope = organization().scope();
    scope.order(json!({"operation": "ListKeys", "account": PAYMENTS, "region": "us-east-1", "kind": "lost_marker"}));
    let found = incomplete(&scope, folder.path(), &[PAYMENTS]);
    let errors = by("ERROR", &found, |it| text(it, "account_id") == PAYMENTS && text(it, "region") == "us-east-1");
    assert_eq!(
        errors.iter().map(|it| text(it, "check_id")).collect::<BTreeSet<_>>(),
        ["kms-grant-external-account", "kms-key-pending-deletion", "kms-key-policy-public", "kms-key-rotation-enabled"]
            .into()
    );
    // The keys of the page that came are judged all the same, and nothing is said that is not true.
    let said = said(&found.iter().filter(|it| text(it, "status") != "ERROR").cloned().collect::<Vec<_>>());
    assert!(said.is_subset(&expected(organization())));
    assert!(said.len() < expected_of(organization(), &[PAYMENTS]).len());
}

#[test]
fn a_marker_that_leads_nowhere_ends_the_list_as_incomplete() {
    let folder = tempfile::tempdir().expect("a folder");
    let scope = organization().scope();
    scope.order(json!({"operation": "GetAccountAuthorizationDetails", "account": PAYMENTS, "page": "later", "kind": "same_marker"}));
    scope.order(json!({"operation": "ListKeys", "account": PAYMENTS, "region": "us-east-1", "page": "later", "kind": "same_marker"}));
    let found = incomplete(&scope, folder.path(), &[PAYMENTS]);
    let errors = by("ERROR", &found, |it| text(it, "account_id") == PAYMENTS);
    assert!(!errors.is_empty());
    let said = said(&found.iter().filter(|it| text(it, "status") != "ERROR").cloned().collect::<Vec<_>>());
    assert!(said.is_subset(&expected(organization())));
}

#[test]
fn an_unknown_operation_is_a_gap_of_its_own_kind_after_two_attempts() {
    let folder = tempfile::tempdir().expect("a folder");
    let scope = organization().scope();
    scope.order(json!({"operation": "GetAccountSummary", "account": PAYMENTS, "kind": "html500"}));
    let found = incomplete(&scope, folder.path(), &[PAYMENTS]);
    let errors = by("ERROR", &found, |_| true);
    assert_eq!(errors.len(), 1, "{errors:?}");
    let asked =
        scope.calls().into_iter().filter(|call| call.operation == "GetAccountSummary" && call.account == PAYMENTS);
    assert_eq!(asked.count(), 2);
    let manifest = crate::program::json(&folder.path().join("snapshot/manifest.json"));
    let row = manifest["coverage"]
        .as_array()
        .expect("coverage")
        .iter()
        .find(|row| row["account_id"] == PAYMENTS && row["api"] == "iam:GetAccountSummary");
    assert_eq!(row.expect("a row")["outcome"], "unsupported");
}

#[test]
fn a_policy_that_is_no_json_is_never_a_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    let scope = organization().scope();
    let key = &organization().truth.findings.iter().find(|one| {
        one.check_id == "kms-key-policy-public" && one.status == "PASS" && account_of(&one.resource_arn) == PAYMENTS
    });
    let arn = key.expect("a key").resource_arn.clone();
    let id = arn.rsplit('/').next().expect("an id");
    scope.order(
        json!({"operation": "GetKeyPolicy", "match": id, "kind": "rewrite", "find": "Statement", "with": "Sta\\\"te"}),
    );
    // What AWS said was collected; that it makes no sense is for the audit to find out.
    let (snapshot, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    run(collect(&scope, &organization().truth, &snapshot).args(["--account", PAYMENTS]), 0);
    run(&mut audit(&snapshot, &pack), 4);
    let found = known_findings(&pack);
    let public =
        found.iter().find(|it| text(it, "check_id") == "kms-key-policy-public" && text(it, "resource_arn") == arn);
    assert_eq!(text(public.expect("a finding"), "status"), "ERROR");
}

#[test]
fn a_wrong_role_name_is_told_for_every_account() {
    let truth = &organization().truth;
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("snapshot");
    let scope = organization().scope();
    let mut command = crate::program::keyproof();
    let full = collect(&scope, truth, &out);
    let arguments: Vec<_> =
        full.get_args().map(|it| if it == truth.audit_role.as_str() { "NoSuchRole".as_ref() } else { it }).collect();
    command.args(arguments).envs(full.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = run(&mut command, 4);
    assert!(told(&output).contains("NoSuchRole"), "{}", told(&output));
    // The caller's own account is read with the caller's credentials, and the ledger says so.
    let manifest = crate::program::json(&out.join("manifest.json"));
    for account in manifest["accounts"].as_array().expect("accounts") {
        let wanted = match text(account, "account_id") {
            id if id == truth.management_account => "caller",
            id if truth.suspended_accounts.iter().any(|it| it == id) => "inactive",
            _ => "not_entered",
        };
        assert_eq!(text(account, "outcome"), wanted, "{account}");
    }
}

#[test]
fn a_caller_without_rights_in_organizations_audits_its_own_account_and_says_so() {
    let truth = &organization().truth;
    let folder = tempfile::tempdir().expect("a folder");
    let (snapshot, pack) = (folder.path().join("snapshot"), folder.path().join("pack"));
    let scope = organization().scope().of_account(PAYMENTS);
    let output = run(&mut collect(&scope, truth, &snapshot), 4);
    assert!(told(&output).contains("organizations:"), "{}", told(&output));
    run(&mut audit(&snapshot, &pack), 4);
    let accounts: BTreeSet<String> = known_findings(&pack).iter().map(|it| text(it, "account_id").to_owned()).collect();
    assert_eq!(accounts, [PAYMENTS.to_owned()].into());
    // One account of which nobody can say how many others there are: no page may call it the organization.
    let pages = files(&pack).into_iter().filter(|(path, _)| path.ends_with(".html"));
    for (path, bytes) in pages {
        let page = String::from_utf8_lossy(&bytes).into_owned();
        let subject = format!("account {PAYMENTS} of organization {}", truth.organization_id);
        assert!(page.contains(&subject), "{path} does not say whose evidence it is");
        assert!(!page.contains(&format!("1 account of organization {}", truth.organization_id)), "{path}");
        assert!(!page.contains("<bdi></bdi></a>"), "{path} has a link that shows nothing: the account has no name");
    }
}
