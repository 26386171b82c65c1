//! The whole job on an organization of seven accounts: every finding is compared with what the seeding knows to be true.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::LazyLock;

use serde_json::Value;

use crate::aws::{Call, Expected, Organization, collect, organization};
use crate::program::{audit, files, findings, json, keyproof, lasting_folder, paths, run, text, told};

/// One clean collection and its audit, which many tests look at.
pub(crate) struct Job {
    pub(crate) organization: &'static Organization,
    pub(crate) snapshot: PathBuf,
    pub(crate) pack: PathBuf,
    pub(crate) calls: Vec<Call>,
    collected: Output,
}

pub(crate) fn job() -> &'static Job {
    static JOB: LazyLock<Job> = LazyLock::new(|| {
        let organization = organization();
        let folder = lasting_folder("job");
        let (snapshot, pack) = (folder.join("snapshot"), folder.join("pack"));
        let scope = organization.scope();
        let collected = run(&mut collect(&scope, &organization.truth, &snapshot), 0);
        run(&mut audit(&snapshot, &pack), 0);
        Job { organization, snapshot, pack, calls: scope.calls(), collected }
    });
    &JOB
}

/// What a pack says of the checks whose truth the seeding knows: it makes those of policies, users and key settings true, and
/// leaves effective access, grants and guardrails to the tests beside the checks.
pub(crate) fn known_findings(pack: &Path) -> Vec<Value> {
    let known: BTreeSet<&str> = organization().truth.findings.iter().map(|one| one.check_id.as_str()).collect();
    findings(pack).into_iter().filter(|finding| known.contains(text(finding, "check_id"))).collect()
}

/// What a pack says, in the form of the truth.
pub(crate) fn said(findings: &[Value]) -> BTreeSet<Expected> {
    findings
        .iter()
        .map(|finding| {
            let is_grant = text(finding, "resource_type") == "AWS::KMS::Grant";
            Expected {
                check_id: text(finding, "check_id").to_owned(),
                resource_arn: text(finding, "resource_arn").to_owned(),
                resource_name: if is_grant { text(finding, "resource_name").to_owned() } else { String::new() },
                status: text(finding, "status").to_owned(),
            }
        })
        .collect()
}

/// Fails with every difference between what must be said and what is.
pub(crate) fn assert_said(said: &BTreeSet<Expected>, expected: &BTreeSet<Expected>) {
    let line = |one: &Expected| format!("{} {} {} {}", one.status, one.check_id, one.resource_arn, one.resource_name);
    let missing: Vec<String> = expected.difference(said).map(line).collect();
    let too_many: Vec<String> = said.difference(expected).map(line).collect();
    assert!(
        missing.is_empty() && too_many.is_empty(),
        "not said though true:\n  {}\nsaid though not true:\n  {}",
        missing.join("\n  "),
        too_many.join("\n  ")
    );
}

pub(crate) fn expected(organization: &Organization) -> BTreeSet<Expected> {
    organization.truth.findings.iter().cloned().collect()
}

/// What must be said of some accounts.
pub(crate) fn expected_of(organization: &Organization, accounts: &[&str]) -> BTreeSet<Expected> {
    expected(organization).into_iter().filter(|one| accounts.contains(&account_of(&one.resource_arn))).collect()
}

/// The account of an ARN.
pub(crate) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

#[test]
fn every_finding_is_what_the_seeding_knows_to_be_true() {
    let job = job();
    let found = known_findings(&job.pack);
    assert_said(&said(&found), &expected(job.organization));
    assert_eq!(found.len(), job.organization.truth.findings.len(), "one finding for each check and resource");
}

#[test]
fn names_of_good_and_bad_items_agree_with_their_findings() {
    // A second look at the truth itself: an item called good fails nowhere, an item called bad fails somewhere.
    let mut fails: BTreeMap<&str, bool> = BTreeMap::new();
    for one in &job().organization.truth.findings {
        *fails.entry(&one.resource_arn).or_default() |= one.status == "FAIL" && one.resource_name.is_empty();
    }
    for (arn, fails) in fails {
        let name = arn.rsplit(['/', ':']).next().unwrap_or_default();
        assert!(!(name.starts_with("good-") && fails), "{arn}");
        assert!(!name.starts_with("bad-") || fails, "{arn}");
    }
}

#[test]
fn every_account_and_region_is_in_the_ledger_and_nothing_is_missing() {
    let job = job();
    let truth = &job.organization.truth;
    let manifest = json(&job.snapshot.join("manifest.json"));
    assert_eq!(manifest["organization_id"], truth.organization_id.as_str());
    let outcomes: BTreeMap<&str, &str> = manifest["accounts"]
        .as_array()
        .expect("accounts")
        .iter()
        .map(|account| (text(account, "account_id"), text(account, "outcome")))
        .collect();
    let mut wanted: BTreeMap<&str, &str> = truth.accounts.keys().map(|id| (id.as_str(), "assumed_role")).collect();
    wanted.extend(truth.suspended_accounts.iter().map(|id| (id.as_str(), "inactive")));
    assert_eq!(outcomes, wanted);
    let coverage = manifest["coverage"].as_array().expect("coverage");
    for account in truth.accounts.keys() {
        for (api, region) in [("iam:GetAccountAuthorizationDetails", None), ("iam:GetAccountSummary", None)]
            .into_iter()
            .chain(truth.regions.iter().map(|region| ("kms:ListKeys", Some(region.as_str()))))
        {
            let row = coverage.iter().find(|row| {
                row["account_id"] == account.as_str() && row["api"] == api && row["region"].as_str() == region
            });
            let row = row.unwrap_or_else(|| panic!("no row for {api} in {account} {region:?}"));
            assert!(["collected", "empty"].contains(&text(row, "outcome")), "{row}");
        }
    }
    let gaps: Vec<&Value> =
        coverage.iter().filter(|row| !["collected", "empty", "skipped"].contains(&text(row, "outcome"))).collect();
    assert!(gaps.is_empty(), "{gaps:?}");
}

#[test]
fn lists_came_in_pages_and_none_was_lost() {
    let paged: BTreeSet<&str> = job()
        .calls
        .iter()
        .filter(|call| call.later_page && call.status == 200)
        .map(|call| call.operation.as_str())
        .collect();
    for operation in [
        "GetAccountAuthorizationDetails",
        "ListAccounts",
        "ListAliases",
        "ListGrants",
        "ListKeyRotations",
        "ListKeys",
        "ListOrganizationalUnitsForParent",
        "ListPolicies",
        "ListTargetsForPolicy",
        "ListVirtualMFADevices",
    ] {
        assert!(paged.contains(operation), "{operation} was not asked for a second page; {paged:?} were");
    }
}

#[test]
fn calls_are_counted_by_api_and_told() {
    let job = job();
    let mut asked: BTreeMap<String, u64> = BTreeMap::new();
    for call in &job.calls {
        *asked.entry(format!("{}:{}", call.service, call.operation)).or_default() += 1;
    }
    let manifest = json(&job.snapshot.join("manifest.json"));
    let counted: BTreeMap<String, u64> =
        serde_json::from_value(manifest["api_calls"].clone()).expect("api_calls by API");
    assert_eq!(counted, asked);
    let total = job.calls.len().to_string();
    assert!(told(&job.collected).contains(&total), "{total} calls are not told:\n{}", told(&job.collected));
}

#[test]
fn every_call_is_kept_with_the_request_id_that_aws_gave() {
    let job = job();
    let mut kept = BTreeSet::new();
    for (path, bytes) in files(&job.snapshot) {
        let text = if path.ends_with(".zst") { zstd::decode_all(bytes.as_slice()).expect("zstd") } else { bytes };
        let text = String::from_utf8_lossy(&text).into_owned();
        kept.extend(
            job.calls.iter().filter(|call| text.contains(&call.request_id)).map(|call| call.request_id.clone()),
        );
    }
    let lost: Vec<&Call> = job.calls.iter().filter(|call| !kept.contains(&call.request_id)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn the_printed_role_may_do_all_that_collect_does() {
    let organization = organization();
    let printed = run(keyproof().args(["role", "--format", "json"]), 0);
    let policy: Value = serde_json::from_slice(&printed.stdout).expect("a policy");
    let scope = organization.scope();
    scope.permit(&policy);
    let folder = tempfile::tempdir().expect("a folder");
    // An account with keys of every kind and one with users of every kind.
    let mut command = collect(&scope, &organization.truth, &folder.path().join("snapshot"));
    run(command.args(["--account", "444455556666,012345678901,111122223333"]), 0);
    let denied: Vec<Call> = scope.calls().into_iter().filter(|call| call.status == 403).collect();
    assert!(denied.is_empty(), "{denied:?}");
}

#[test]
fn an_external_id_opens_roles_that_ask_for_one() {
    let organization = organization();
    let truth = &organization.truth;
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("snapshot");
    let scope = organization.scope();
    let mut command = collect(&scope, truth, &out);
    command.args(["--external-id", &truth.external_id]);
    let role = format!("{}External", truth.audit_role);
    // The last of a repeated flag would hide a mistake: the name is replaced, not added.
    let arguments: Vec<_> =
        command.get_args().map(|it| if it == truth.audit_role.as_str() { role.as_ref() } else { it }).collect();
    let mut external = keyproof();
    external.args(arguments).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(&mut external, 0);
    let manifest = std::fs::read_to_string(out.join("manifest.json")).expect("a manifest");
    assert!(!manifest.contains(&truth.external_id), "the external id is a secret of its kind and must not be kept");
}

#[test]
fn without_regions_each_account_is_asked_for_those_it_has_enabled() {
    let organization = organization();
    let truth = &organization.truth;
    let folder = tempfile::tempdir().expect("a folder");
    let scope = organization.scope();
    let out = folder.path().join("snapshot");
    let mut command = keyproof();
    let full = collect(&scope, truth, &out);
    command
        .envs(full.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .args(["collect", "--role-name", &truth.audit_role, "--out"])
        .arg(&out);
    run(&mut command, 0);
    let calls = scope.calls();
    let asked: BTreeSet<&str> =
        calls.iter().filter(|call| call.operation == "ListKeys").map(|call| call.region.as_str()).collect();
    assert_eq!(asked, truth.regions.iter().map(String::as_str).collect());
    let told = calls.iter().filter(|call| call.operation == "ListRegions").map(|call| call.account.as_str());
    assert_eq!(told.collect::<BTreeSet<_>>(), truth.accounts.keys().map(String::as_str).collect());
}

#[test]
fn names_from_aws_are_inert_in_pages_and_tables() {
    let pack = &job().pack;
    for (path, bytes) in files(pack) {
        let text = String::from_utf8_lossy(&bytes);
        if path.ends_with(".html") {
            assert!(!text.contains("<script>alert(1)"), "{path} runs the name of an account");
        }
        if path.ends_with(".csv") {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes.as_slice());
            for record in reader.records() {
                for cell in &record.expect("a CSV record") {
                    assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{path} has the formula {cell:?}");
                }
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_what_was_collected() {
    use std::os::unix::fs::PermissionsExt as _;
    for folder in [&job().snapshot, &job().pack] {
        let mode = |path: &std::path::Path| std::fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
        for path in paths(folder) {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            assert_eq!(mode(path.parent().expect("a folder")), 0o700, "{}", path.display());
        }
    }
}
