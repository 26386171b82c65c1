//! What nobody imported: ledger rows for the answers that the checks need and that an import does not hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::Error;
use super::operations::{OPERATIONS, Operation, Room, Subject};
use crate::snapshot::{Coverage, ORGANIZATION, Outcome, ResourceGap, SnapshotFile, Writer, iam_path, kms_path, v1};

/// The code of these rows.
const CODE: &str = "NotImported";

/// The rows for all imported accounts: of the APIs in `required`, each answer that is not there.
pub(super) fn rows(
    writer: &Writer,
    accounts: &BTreeSet<String>,
    required: &BTreeSet<&str>,
) -> Result<Vec<Coverage>, Error> {
    let management = match accounts.first() {
        Some(first) => management_account(&file(writer, ORGANIZATION, first, None)?),
        None => None,
    };
    let mut ledger = Ledger { required, management, rows: Vec::new() };
    for account in accounts {
        let iam = file(writer, &iam_path(account), account, None)?;
        ledger.room(Room::Iam, &iam, &[], &users(&iam));
        for region in regions(writer, account, &iam) {
            let kms = file(writer, &kms_path(account, &region), account, Some(&region))?;
            ledger.room(Room::Kms, &kms, &keys(&kms), &[]);
        }
    }
    if let Some(first) = accounts.first() {
        ledger.room(Room::Organization, &file(writer, ORGANIZATION, first, None)?, &[], &[]);
    }
    Ok(ledger.rows)
}

struct Ledger<'a> {
    required: &'a BTreeSet<&'a str>,
    /// The account that manages the organization, if its description was imported.
    management: Option<String>,
    rows: Vec<Coverage>,
}

impl Ledger<'_> {
    fn is_management(&self, file: &SnapshotFile) -> bool {
        self.management.as_deref() == Some(file.account_id())
    }

    /// Adds what one file lacks.
    fn room(&mut self, room: Room, file: &SnapshotFile, keys: &[String], users: &[String]) {
        for operation in OPERATIONS.iter().filter(|operation| operation.room == room) {
            let api = operation.api();
            if !self.required.contains(api.as_str()) {
                continue;
            }
            let asked = match operation.subject {
                // Only the management account may ask.
                Subject::Whole if operation.name == "ListOrganizationsFeatures" && !self.is_management(file) => vec![],
                Subject::Whole => vec![Vec::new()],
                Subject::Contact(_) => vec![vec!["SECURITY".to_owned()]],
                Subject::User(_) => users.iter().map(|user| vec![user.clone()]).collect(),
                Subject::Key(_) | Subject::KeyPolicy => about_keys(operation, file, keys),
            };
            let lacks = |resource: &Vec<String>| file.calls_about(&api, resource).next().is_none();
            let gaps: Vec<ResourceGap> = asked.into_iter().filter(lacks).map(gap).collect();
            if !gaps.is_empty() {
                self.rows.push(Coverage {
                    account_id: file.account_id().to_owned(),
                    region: file.region().map(str::to_owned),
                    api,
                    outcome: Outcome::Failed,
                    calls: 0,
                    items: 0,
                    code: Some(CODE.to_owned()),
                    gaps,
                });
            }
        }
    }
}

fn gap(resource: Vec<String>) -> ResourceGap {
    ResourceGap {
        resource,
        outcome: Outcome::Failed,
        code: Some(CODE.to_owned()),
        message: Some("not imported".to_owned()),
    }
}

/// The file as it was written, or an empty one.
fn file(writer: &Writer, path: &str, account: &str, region: Option<&str>) -> Result<SnapshotFile, Error> {
    Ok(writer.reopen(path)?.unwrap_or_else(|| SnapshotFile::new(account, region)))
}

fn answer<T: DeserializeOwned>(file: &SnapshotFile, operation: &str, resource: &[&str]) -> Option<T> {
    serde_json::from_str(file.response(operation, resource)?.get()).ok()
}

fn users(iam: &SnapshotFile) -> Vec<String> {
    let details: Option<v1::AuthorizationDetails> = answer(iam, "GetAccountAuthorizationDetails", &[]);
    let users = details.and_then(|details| details.user_detail_list).into_iter().flatten();
    users.filter_map(|user| user.user_name).collect()
}

/// The Regions that the account has enabled, and those of which something was imported.
fn regions(writer: &Writer, account: &str, iam: &SnapshotFile) -> BTreeSet<String> {
    let listed: Option<v1::EnabledRegions> = answer(iam, "ListRegions", &[]);
    let listed = listed.and_then(|answer| answer.regions).into_iter().flatten();
    let enabled = listed.filter(|it| matches!(it.region_opt_status.as_deref(), Some("ENABLED" | "ENABLED_BY_DEFAULT")));
    let folder = kms_path(account, "");
    let folder = folder.trim_end_matches(".json.zst");
    let paths = writer.paths();
    let imported = paths.iter().filter_map(|path| path.strip_prefix(folder)?.strip_suffix(".json.zst"));
    enabled.filter_map(|it| it.region_name).chain(imported.map(str::to_owned)).collect()
}

fn keys(kms: &SnapshotFile) -> Vec<String> {
    let listed: Option<v1::Keys> = answer(kms, "ListKeys", &[]);
    listed.and_then(|answer| answer.keys).into_iter().flatten().filter_map(|key| key.key_id).collect()
}

/// What has to be asked about keys. Of a key that AWS manages nothing but its description is judged, and rotation is judged
/// only where KMS can rotate.
fn about_keys(operation: &Operation, kms: &SnapshotFile, keys: &[String]) -> Vec<Vec<String>> {
    let mut asked = Vec::new();
    for key in keys {
        let described: Option<v1::DescribedKey> = answer(kms, "DescribeKey", &[key]);
        let metadata = described.and_then(|answer| answer.key_metadata).unwrap_or_default();
        let is_judged = match operation.name {
            "DescribeKey" => true,
            "GetKeyRotationStatus" => !is_aws_managed(&metadata) && can_rotate(&metadata),
            "ListKeyRotations" => !is_aws_managed(&metadata) && is_rotated_by_people(&metadata),
            _ => !is_aws_managed(&metadata),
        };
        match operation.subject {
            _ if !is_judged => {}
            Subject::KeyPolicy => {
                let names: Option<v1::KeyPolicyNames> = answer(kms, "ListKeyPolicies", &[key]);
                // Every key has a policy of this name.
                let names = names.and_then(|answer| answer.policy_names).unwrap_or_else(|| vec!["default".to_owned()]);
                asked.extend(names.into_iter().map(|name| vec![key.clone(), name]));
            }
            _ => asked.push(vec![key.clone()]),
        }
    }
    asked
}

fn is_aws_managed(metadata: &v1::KeyMetadata) -> bool {
    metadata.key_manager.as_deref() == Some("AWS")
}

/// Whether the question of rotation arises; it does where nothing is known.
fn can_rotate(metadata: &v1::KeyMetadata) -> bool {
    let spec = metadata.key_spec.as_deref().or(metadata.customer_master_key_spec.as_deref());
    let family = metadata.multi_region_configuration.as_ref();
    let is_replica = family.and_then(|it| it.multi_region_key_type.as_deref()) == Some("REPLICA");
    let is = |value: Option<&str>, expected| value.is_none_or(|value| value == expected);
    is(spec, "SYMMETRIC_DEFAULT")
        && is(metadata.origin.as_deref(), "AWS_KMS")
        && is(metadata.key_state.as_deref(), "Enabled")
        && !is_replica
}

/// Whether past rotations say how old the material is: of imported symmetric material, and where nothing is known.
fn is_rotated_by_people(metadata: &v1::KeyMetadata) -> bool {
    let spec = metadata.key_spec.as_deref().or(metadata.customer_master_key_spec.as_deref());
    spec.is_none_or(|spec| spec == "SYMMETRIC_DEFAULT")
        && metadata.origin.as_deref().is_none_or(|origin| origin == "EXTERNAL")
}

fn management_account(organization: &SnapshotFile) -> Option<String> {
    let described: Option<v1::DescribedOrganization> = answer(organization, "DescribeOrganization", &[]);
    described?.organization?.master_account_id
}

/// Names and states of the accounts that `organizations:ListAccounts` lists.
pub(super) fn listed_accounts(organization: &SnapshotFile) -> BTreeMap<String, (String, String)> {
    let listed: Option<v1::OrganizationAccounts> = answer(organization, "ListAccounts", &[]);
    let accounts = listed.and_then(|answer| answer.accounts).into_iter().flatten();
    let entry = |it: v1::OrganizationAccount| {
        Some((it.id?, (it.name.unwrap_or_default(), it.state.or(it.status).unwrap_or_default())))
    };
    accounts.filter_map(entry).collect()
}
