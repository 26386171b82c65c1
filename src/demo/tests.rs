//! What holds for every snapshot that the demo writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Quarter, write_quarter};
use crate::snapshot::v1::{IamFile, KmsFile, OrganizationFile};
use crate::snapshot::{self, Manifest, Outcome, verify};

/// What is asked in each account that was entered, for KMS in each Region.
const EVERY_ACCOUNT: [&str; 16] = [
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetAccountSummary",
    "iam:GetAccountPasswordPolicy",
    "iam:GenerateCredentialReport",
    "iam:GetCredentialReport",
    "iam:ListVirtualMFADevices",
    "iam:ListServerCertificates",
    "iam:ListSAMLProviders",
    "iam:ListOpenIDConnectProviders",
    "account:GetAlternateContact",
    "account:ListRegions",
    "kms:ListKeys",
    "kms:ListAliases",
    "kms:DescribeCustomKeyStores",
];

/// What is asked somewhere in the organization.
const SOMEWHERE: [&str; 26] = [
    "iam:ListMFADevices",
    "iam:ListAccessKeys",
    "iam:GetAccessKeyLastUsed",
    "iam:ListServiceSpecificCredentials",
    "iam:GetOpenIDConnectProvider",
    "iam:ListOrganizationsFeatures",
    "kms:DescribeKey",
    "kms:ListKeyPolicies",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListKeyRotations",
    "kms:ListGrants",
    "kms:ListResourceTags",
    "kms:GetKeyLastUsage",
    "organizations:DescribeOrganization",
    "organizations:ListRoots",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListPolicies",
    "organizations:DescribePolicy",
    "organizations:ListTargetsForPolicy",
    "organizations:ListDelegatedAdministrators",
    "organizations:ListDelegatedServicesForAccount",
    "organizations:DescribeResourcePolicy",
    "sts:AssumeRole",
];

const QUARTERS: [Quarter; 2] = [Quarter::Q2, Quarter::Q3];

fn written(quarter: Quarter) -> (tempfile::TempDir, Manifest) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = write_quarter(&folder.path().join("s"), quarter).unwrap();
    (folder, manifest)
}

fn json(folder: &Path, path: &str) -> Vec<u8> {
    let bytes = std::fs::read(folder.join("s").join(path)).unwrap();
    if path.ends_with(".zst") { zstd::decode_all(bytes.as_slice()).unwrap() } else { bytes }
}

fn iam_files(folder: &Path, manifest: &Manifest) -> Vec<IamFile> {
    let paths = manifest.files.iter().filter(|file| file.path.ends_with("iam.json.zst"));
    paths.map(|file| serde_json::from_slice(&json(folder, &file.path)).unwrap()).collect()
}

fn entered(files: Vec<IamFile>) -> Vec<IamFile> {
    files.into_iter().filter(|file| file.get_account_summary.is_some()).collect()
}

fn kms_files(folder: &Path, manifest: &Manifest) -> Vec<KmsFile> {
    let paths = manifest.files.iter().filter(|file| file.path.contains("/kms/"));
    paths.map(|file| serde_json::from_slice(&json(folder, &file.path)).unwrap()).collect()
}

#[test]
fn both_quarters_are_intact_and_finished() {
    for quarter in QUARTERS {
        let (folder, manifest) = written(quarter);
        assert!(verify(&folder.path().join("s")).unwrap().is_empty());
        assert_eq!(manifest.accounts.len(), quarter.pick_for_test(11, 12));
        assert!(!folder.path().join("s/journal.ndjson").exists());
    }
}

#[test]
fn the_same_quarter_has_the_same_bytes() {
    for quarter in QUARTERS {
        let ((first, manifest), (second, _)) = (written(quarter), written(quarter));
        for path in manifest.files.iter().map(|file| file.path.as_str()).chain(["manifest.json", "manifest.sha256"]) {
            let read = |folder: &tempfile::TempDir| std::fs::read(folder.path().join("s").join(path)).unwrap();
            assert_eq!(read(&first), read(&second), "{path}");
        }
    }
}

#[test]
fn no_day_is_misspelt_and_nothing_lies_after_the_snapshot() {
    fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => found.push(text),
            Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
            Value::Object(members) => members.values().for_each(|member| strings(member, found)),
            _ => {}
        }
    }
    for quarter in QUARTERS {
        let (folder, manifest) = written(quarter);
        for file in &manifest.files {
            let mut value: Value = serde_json::from_slice(&json(folder.path(), &file.path)).unwrap();
            assert!(!value.to_string().contains("1970-01-01"), "{}", file.path);
            // These days lie ahead on purpose.
            for (operation, member) in value.as_object_mut().unwrap() {
                if ["GetKeyRotationStatus", "ListServerCertificates", "ListSAMLProviders"].contains(&operation.as_str())
                {
                    *member = Value::Null;
                }
            }
            for described in value["DescribeKey"].as_object_mut().into_iter().flat_map(|keys| keys.values_mut()) {
                described["KeyMetadata"]["ValidTo"] = Value::Null;
                described["KeyMetadata"]["DeletionDate"] = Value::Null;
            }
            let mut found = Vec::new();
            strings(&value, &mut found);
            let times = found.into_iter().filter_map(|text| text.parse::<jiff::Timestamp>().ok());
            for time in times {
                assert!(time <= manifest.window.end, "{time} in {}", file.path);
            }
        }
    }
}

#[test]
fn every_operation_of_a_collection_is_there() {
    for quarter in QUARTERS {
        let (_folder, manifest) = written(quarter);
        for api in SOMEWHERE {
            assert!(manifest.api_calls.contains_key(api), "{api}");
        }
        for account in manifest.accounts.iter().filter(|account| account.session_arn.is_some()) {
            for api in EVERY_ACCOUNT {
                let rows =
                    manifest.coverage.iter().filter(|row| row.account_id == account.account_id && row.api == api);
                assert_eq!(
                    rows.count(),
                    if api.starts_with("kms:") { 3 } else { 1 },
                    "{api} in {}",
                    account.account_id
                );
            }
        }
    }
}

#[test]
fn only_the_refusals_that_the_demo_means_are_gaps() {
    for quarter in QUARTERS {
        let (_folder, manifest) = written(quarter);
        let gaps: BTreeSet<(&str, &str)> = manifest
            .coverage
            .iter()
            .filter(|row| row.is_gap())
            .map(|row| (row.account_id.as_str(), row.api.as_str()))
            .collect();
        let denied_keys = [
            "DescribeKey",
            "GetKeyLastUsage",
            "GetKeyPolicy",
            "GetKeyRotationStatus",
            "ListGrants",
            "ListKeyPolicies",
            "ListKeyRotations",
            "ListResourceTags",
        ];
        let mut expected: BTreeSet<(&str, String)> =
            denied_keys.iter().map(|operation| ("123456789012", format!("kms:{operation}"))).collect();
        expected.insert((quarter.pick_for_test("444433332222", "999988887777"), "sts:AssumeRole".to_owned()));
        assert_eq!(gaps, expected.iter().map(|(account, api)| (*account, api.as_str())).collect());
        let calls = |path: &str| manifest.coverage.iter().filter(|row| row.account_id == path).count();
        assert_eq!(calls(quarter.pick_for_test("444433332222", "999988887777")), 1);
    }
}

#[test]
fn the_credential_report_and_the_summary_agree_with_users_and_keys() {
    for quarter in QUARTERS {
        let (folder, manifest) = written(quarter);
        for file in entered(iam_files(folder.path(), &manifest)) {
            let details = file.get_account_authorization_details.unwrap();
            let summary = file.get_account_summary.unwrap().summary_map.unwrap();
            let report = STANDARD.decode(file.get_credential_report.unwrap().content.unwrap()).unwrap();
            let mut reader = csv::Reader::from_reader(report.as_slice());
            assert_eq!(reader.headers().unwrap().len(), 22);
            let rows: BTreeMap<String, BTreeMap<String, String>> = reader
                .deserialize()
                .map(|row| row.map(|row: BTreeMap<String, String>| (row["user"].clone(), row)).unwrap())
                .collect();
            let users = details.user_detail_list.unwrap();
            assert_eq!(rows.len(), users.len() + 1);
            assert_eq!(summary["Users"], i64::try_from(users.len()).unwrap());
            assert_eq!(summary["Roles"], i64::try_from(details.role_detail_list.unwrap().len()).unwrap());
            assert_eq!(summary["Groups"], i64::try_from(details.group_detail_list.unwrap().len()).unwrap());
            assert_eq!(rows["<root_account>"]["mfa_active"], (summary["AccountMFAEnabled"] == 1).to_string());
            let mut devices = summary["AccountMFAEnabled"];
            for user in users {
                let (name, row) = (user.user_name.clone().unwrap(), &rows[&user.user_name.unwrap()]);
                assert_eq!(row["arn"], user.arn.unwrap());
                let mfa = file.list_mfa_devices.as_ref().unwrap()[&name].mfa_devices.as_ref().unwrap().len();
                assert_eq!(row["mfa_active"], (mfa > 0).to_string());
                devices += i64::try_from(mfa).unwrap();
                let keys = file.list_access_keys.as_ref().unwrap()[&name].access_key_metadata.clone().unwrap();
                for (place, key) in keys.iter().enumerate() {
                    let column = |end: &str| row[&format!("access_key_{}_{end}", place + 1)].clone();
                    assert_eq!(column("active"), (key.status.as_deref() == Some("Active")).to_string());
                    let rotated: jiff::Timestamp = column("last_rotated").parse().unwrap();
                    assert_eq!(rotated, key.create_date.unwrap().0);
                    assert!(
                        file.get_access_key_last_used
                            .as_ref()
                            .unwrap()
                            .contains_key(key.access_key_id.as_ref().unwrap())
                    );
                }
                assert!(row["access_key_2_active"] == "false" || keys.len() == 2);
            }
            assert_eq!(summary["MFADevicesInUse"], devices);
        }
    }
}

#[test]
fn every_reference_inside_an_account_resolves() {
    for quarter in QUARTERS {
        let (folder, manifest) = written(quarter);
        for file in entered(iam_files(folder.path(), &manifest)) {
            let details = file.get_account_authorization_details.unwrap();
            let policies: BTreeSet<String> =
                details.policies.unwrap().into_iter().map(|policy| policy.arn.unwrap()).collect();
            let groups: BTreeSet<String> =
                details.group_detail_list.unwrap().into_iter().map(|group| group.group_name.unwrap()).collect();
            let mut references = Vec::new();
            let mut boundaries = Vec::new();
            for user in details.user_detail_list.unwrap() {
                assert!(user.group_list.unwrap().iter().all(|group| groups.contains(group)));
                references.extend(user.attached_managed_policies.unwrap());
                boundaries.extend(user.permissions_boundary);
            }
            for role in details.role_detail_list.unwrap() {
                references.extend(role.attached_managed_policies.unwrap());
                boundaries.extend(role.permissions_boundary);
            }
            let arns = references.into_iter().map(|policy| policy.policy_arn.unwrap());
            for arn in arns.chain(boundaries.into_iter().map(|boundary| boundary.permissions_boundary_arn.unwrap())) {
                assert!(policies.contains(&arn), "{arn}");
            }
        }
    }
}

#[test]
fn every_key_is_described_and_has_a_policy_that_parses_unless_it_was_denied() {
    for quarter in QUARTERS {
        let (folder, manifest) = written(quarter);
        let mut described = 0;
        for file in kms_files(folder.path(), &manifest) {
            let region = file.region.unwrap();
            let denied: BTreeSet<(&str, &str)> = file
                .calls
                .iter()
                .filter(|call| call.outcome == Outcome::Denied)
                .map(|call| (call.api.as_str(), call.resource.first().unwrap().as_str()))
                .collect();
            let ids: Vec<String> =
                file.list_keys.unwrap().keys.unwrap().into_iter().map(|key| key.key_id.unwrap()).collect();
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
            for alias in file.list_aliases.unwrap().aliases.unwrap() {
                assert!(ids.contains(&alias.target_key_id.unwrap()));
            }
            for id in ids {
                if denied.contains(&("kms:DescribeKey", id.as_str())) {
                    continue;
                }
                let metadata = file.describe_key.as_ref().unwrap()[&id].key_metadata.clone().unwrap();
                assert!(metadata.arn.unwrap().contains(&format!(":{region}:{}:key/{id}", file.account_id)));
                assert_eq!(metadata.enabled.unwrap(), metadata.key_state.unwrap() == "Enabled");
                let policy = file.get_key_policy.as_ref().unwrap()[&id]["default"].policy.clone().unwrap();
                assert!(serde_json::from_str::<Value>(&policy).unwrap()["Statement"].is_array());
                described += 1;
            }
        }
        assert!(described > 60, "{described}");
    }
}

#[test]
fn the_organization_names_every_account_once_in_the_tree() {
    for quarter in QUARTERS {
        let (folder, manifest) = written(quarter);
        let file: OrganizationFile = serde_json::from_slice(&json(folder.path(), snapshot::ORGANIZATION)).unwrap();
        let all: BTreeSet<String> =
            file.list_accounts.unwrap().accounts.unwrap().into_iter().map(|account| account.id.unwrap()).collect();
        let placed: Vec<String> = file
            .list_accounts_for_parent
            .unwrap()
            .into_values()
            .flat_map(|accounts| accounts.accounts.unwrap())
            .map(|account| account.id.unwrap())
            .collect();
        assert_eq!(placed.len(), all.len());
        assert_eq!(placed.into_iter().collect::<BTreeSet<_>>(), all);
        assert_eq!(manifest.accounts.iter().map(|account| account.account_id.clone()).collect::<BTreeSet<_>>(), all);
        let described = file.describe_policy.unwrap();
        for policy in described.values() {
            let content = policy.policy.clone().unwrap().content.unwrap();
            assert!(serde_json::from_str::<Value>(&content).unwrap()["Statement"].is_array());
        }
        assert_eq!(
            described.keys().collect::<Vec<_>>(),
            file.list_targets_for_policy.unwrap().keys().collect::<Vec<_>>()
        );
    }
}
