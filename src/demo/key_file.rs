//! What KMS answers about the keys of one account and Region of the demo: a `kms/<region>.json.zst`.

use super::account::{Account, Context};
use super::calls::Recording;
use super::documents::Document;
use super::ids::{hex, time_on, uuid};
use super::keys::{Family, Grant, Key, Kind, LastUse, Origin, State, arn};
use super::policies::{key_policy, root};
use crate::snapshot::v1;
use crate::snapshot::{Error, SnapshotFile};

/// The day on which KMS began to track the last use of keys in this demo.
const TRACKING_DAY: &str = "2025-11-15";

/// The file of `account` in `region`.
///
/// # Errors
/// [`Error::Encode`].
pub(super) fn kms_file(account: &Account, region: &str, context: &Context) -> Result<SnapshotFile, Error> {
    let mut calls = Recording::new(&account.id, Some(region), context.start);
    let mut keys: Vec<&Key> = account.keys.iter().filter(|key| key.region == region).collect();
    keys.sort_by_key(|key| key.id(&account.id));
    lists(account, region, &keys, &mut calls)?;
    for api in [
        "kms:DescribeKey",
        "kms:ListKeyPolicies",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:ListKeyRotations",
        "kms:ListGrants",
        "kms:ListResourceTags",
        "kms:GetKeyLastUsage",
    ] {
        calls.for_each_resource(api);
    }
    for key in keys {
        of_key(account, key, context, &mut calls)?;
    }
    Ok(calls.finish())
}

fn lists(account: &Account, region: &str, keys: &[&Key], calls: &mut Recording) -> Result<(), Error> {
    let entry =
        |key: &&Key| v1::KeyListEntry { key_id: Some(key.id(&account.id)), key_arn: Some(key.arn(&account.id)) };
    let response = v1::Keys { keys: Some(keys.iter().map(entry).collect()) };
    calls.list("kms:ListKeys", &[], &response, &[("Keys", keys.len())], 100)?;
    let mut aliases: Vec<v1::Alias> = keys.iter().flat_map(|key| aliases_of(account, key)).collect();
    aliases.sort_by(|a, b| a.alias_name.cmp(&b.alias_name));
    let length = aliases.len();
    calls.list("kms:ListAliases", &[], &v1::Aliases { aliases: Some(aliases) }, &[("Aliases", length)], 50)?;
    let stores = account.key_stores.iter().filter(|(place, ..)| place == region);
    let stores: Vec<_> = stores.map(|(_, name, state)| key_store(account, name, state)).collect();
    let length = stores.len();
    let response = v1::CustomKeyStores { custom_key_stores: Some(stores) };
    calls.list("kms:DescribeCustomKeyStores", &[], &response, &[("CustomKeyStores", length)], 50)
}

fn aliases_of(account: &Account, key: &Key) -> Vec<v1::Alias> {
    let alias = |name: &String| v1::Alias {
        alias_name: Some(name.clone()),
        alias_arn: Some(format!("arn:aws:kms:{}:{}:{name}", key.region, account.id)),
        target_key_id: Some(key.id(&account.id)),
        creation_date: Some(time_on(&key.created, &[&key.name, name])),
        last_updated_date: Some(time_on(&key.created, &[&key.name, name])),
    };
    key.aliases.iter().map(alias).collect()
}

fn key_store(account: &Account, name: &str, state: &str) -> v1::CustomKeyStore {
    v1::CustomKeyStore {
        custom_key_store_id: Some(store_id(account, name)),
        custom_key_store_name: Some(name.to_owned()),
        cloud_hsm_cluster_id: Some(cluster_id(account, name)),
        connection_state: Some(state.to_owned()),
        connection_error_code: (state == "FAILED").then(|| "INTERNAL_ERROR".to_owned()),
        creation_date: Some(time_on(&account.created, &[name])),
        custom_key_store_type: Some("AWS_CLOUDHSM".to_owned()),
    }
}

fn store_id(account: &Account, name: &str) -> String {
    format!("cks-{}", hex(17, &[&account.id, name]))
}

fn cluster_id(account: &Account, name: &str) -> String {
    format!("cluster-{}", hex(11, &[&account.id, name, "cluster"]))
}

/// The calls about one key.
fn of_key(account: &Account, key: &Key, context: &Context, calls: &mut Recording) -> Result<(), Error> {
    let id = key.id(&account.id);
    let path = [id.as_str()];
    let refused =
        |operation: &str, calls: &mut Recording, path: &[&str]| refused(account, key, operation, path, context, calls);
    if !refused("DescribeKey", calls, &path) {
        let response = v1::DescribedKey { key_metadata: Some(metadata(account, key)) };
        calls.answer("kms:DescribeKey", &path, &response)?;
    }
    if !refused("ListKeyPolicies", calls, &path) {
        let response = v1::KeyPolicyNames { policy_names: Some(vec!["default".to_owned()]) };
        calls.list("kms:ListKeyPolicies", &path, &response, &[("PolicyNames", 1)], 100)?;
    }
    if !refused("GetKeyPolicy", calls, &[&id, "default"]) {
        let policy = Some(policy_text(account, key));
        let response = v1::KeyPolicy { policy, policy_name: Some("default".to_owned()) };
        calls.answer("kms:GetKeyPolicy", &[&id, "default"], &response)?;
    }
    if rotates(key) {
        rotation(account, key, context, calls)?;
    }
    if may_have_rotated(key) {
        rotations_of(account, key, context, calls)?;
    }
    if !refused("ListGrants", calls, &path) {
        let grants: Vec<v1::Grant> = key.grants.iter().map(|grant| grant_of(account, key, grant)).collect();
        let lists = [("Grants", grants.len())];
        calls.list("kms:ListGrants", &path, &v1::Grants { grants: Some(grants) }, &lists, 50)?;
    }
    if !refused("ListResourceTags", calls, &path) {
        let tag = |(name, value): &(String, String)| v1::KmsTag {
            tag_key: Some(name.clone()),
            tag_value: Some(value.clone()),
        };
        let response = v1::ResourceTags { tags: Some(key.tags.iter().map(tag).collect()) };
        calls.list("kms:ListResourceTags", &path, &response, &[("Tags", key.tags.len())], 50)?;
    }
    if !refused("GetKeyLastUsage", calls, &path) {
        calls.answer("kms:GetKeyLastUsage", &path, &last_usage(account, key))?;
    }
    Ok(())
}

/// Whether the audit role is denied this operation on the key; the refusal is then recorded.
fn refused(
    account: &Account,
    key: &Key,
    operation: &str,
    path: &[&str],
    context: &Context,
    calls: &mut Recording,
) -> bool {
    let denied = key.denied.contains(&operation);
    if denied {
        let message = denial(account, key, operation, context);
        calls.denied(&format!("kms:{operation}"), path, "AccessDeniedException", &message);
    }
    denied
}

fn rotation(account: &Account, key: &Key, context: &Context, calls: &mut Recording) -> Result<(), Error> {
    let id = key.id(&account.id);
    let path = [id.as_str()];
    if skipped(account, key, "kms:GetKeyRotationStatus", calls) {
        return Ok(());
    }
    if !refused(account, key, "GetKeyRotationStatus", &path, context, calls) {
        calls.answer("kms:GetKeyRotationStatus", &path, &rotation_status(account, key))?;
    }
    Ok(())
}

/// Whether AWS does not speak of rotation because of the state of the key; its answer is then recorded.
fn skipped(account: &Account, key: &Key, api: &str, calls: &mut Recording) -> bool {
    let state = match key.state {
        State::PendingDeletion(_) => "pending deletion",
        State::PendingImport => "pending import",
        State::Enabled | State::Disabled => return false,
    };
    let message = format!("{} is {state}.", key.arn(&account.id));
    calls.skipped(api, &[&key.id(&account.id)], "KMSInvalidStateException", &message);
    true
}

fn rotations_of(account: &Account, key: &Key, context: &Context, calls: &mut Recording) -> Result<(), Error> {
    let id = key.id(&account.id);
    let path = [id.as_str()];
    if skipped(account, key, "kms:ListKeyRotations", calls) {
        return Ok(());
    }
    if !refused(account, key, "ListKeyRotations", &path, context, calls) {
        let rotations = rotations(account, key);
        let lists = [("Rotations", rotations.len())];
        calls.list("kms:ListKeyRotations", &path, &v1::Rotations { rotations: Some(rotations) }, &lists, 100)?;
    }
    Ok(())
}

fn denial(account: &Account, key: &Key, operation: &str, context: &Context) -> String {
    format!(
        "User: {} is not authorized to perform: kms:{operation} on resource: {} because no resource-based policy allows the \
         kms:{operation} action",
        account.session_arn(context),
        key.arn(&account.id)
    )
}

/// Whether the collector asks about rotation: AWS managed keys always rotate, keys of other kinds and origins never.
fn rotates(key: &Key) -> bool {
    key.kind == Kind::Symmetric && key.origin == Origin::Kms && !key.aws_managed
}

/// Whether the collector asks for rotations that took place: imported material is rotated on demand.
fn may_have_rotated(key: &Key) -> bool {
    rotates(key) || key.kind == Kind::Symmetric && matches!(key.origin, Origin::Imported(_))
}

fn policy_text(account: &Account, key: &Key) -> String {
    let document = match &key.policy {
        Some(document) => document.clone(),
        None if key.aws_managed => Document::laid_out(&aws_managed_key_policy(account, key)),
        None => Document::laid_out(&key_policy(&account.id, &[])),
    };
    document.text().to_owned()
}

fn aws_managed_key_policy(account: &Account, key: &Key) -> serde_json::Value {
    let service = key.name.trim_start_matches("aws/");
    let description =
        format!("Allow access through {service} for all principals in the account that are authorized to use it");
    serde_json::json!({"Version": "2012-10-17", "Id": format!("auto-{service}-1"), "Statement": [
        {
            "Sid": description, "Effect": "Allow", "Principal": {"AWS": "*"},
            "Action": [
                "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
                "kms:DescribeKey"
            ],
            "Resource": "*",
            "Condition": {"StringEquals": {
                "kms:ViaService": format!("{service}.{}.amazonaws.com", key.region), "kms:CallerAccount": account.id
            }}
        },
        {
            "Sid": "Allow direct access to key metadata to the account", "Effect": "Allow",
            "Principal": {"AWS": root(&account.id)},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"], "Resource": "*"
        }
    ]})
}

/// Spec, usage, and the algorithms for encryption, signing, key agreement and MACs.
type Shape = (&'static str, &'static str, [&'static [&'static str]; 4]);

fn shape(kind: Kind) -> Shape {
    const NONE: &[&str] = &[];
    match kind {
        Kind::Symmetric => ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", [&["SYMMETRIC_DEFAULT"], NONE, NONE, NONE]),
        Kind::RsaEncryption => {
            ("RSA_4096", "ENCRYPT_DECRYPT", [&["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"], NONE, NONE, NONE])
        }
        Kind::RsaSigning => (
            "RSA_3072",
            "SIGN_VERIFY",
            [
                NONE,
                &[
                    "RSASSA_PKCS1_V1_5_SHA_256",
                    "RSASSA_PKCS1_V1_5_SHA_384",
                    "RSASSA_PKCS1_V1_5_SHA_512",
                    "RSASSA_PSS_SHA_256",
                    "RSASSA_PSS_SHA_384",
                    "RSASSA_PSS_SHA_512",
                ],
                NONE,
                NONE,
            ],
        ),
        Kind::EccSigning => ("ECC_NIST_P256", "SIGN_VERIFY", [NONE, &["ECDSA_SHA_256"], NONE, NONE]),
        Kind::Secp256k1Signing => ("ECC_SECG_P256K1", "SIGN_VERIFY", [NONE, &["ECDSA_SHA_256"], NONE, NONE]),
        Kind::EccAgreement => ("ECC_NIST_P256", "KEY_AGREEMENT", [NONE, NONE, &["ECDH"], NONE]),
        Kind::Hmac => ("HMAC_256", "GENERATE_VERIFY_MAC", [NONE, NONE, NONE, &["HMAC_SHA_256"]]),
    }
}

fn metadata(account: &Account, key: &Key) -> v1::KeyMetadata {
    let (spec, usage, [encryption, signing, agreement, mac]) = shape(key.kind);
    let list = |names: &[&str]| {
        (!names.is_empty()).then(|| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>())
    };
    let (state, deletion) = match &key.state {
        State::Enabled => ("Enabled", None),
        State::Disabled => ("Disabled", None),
        State::PendingImport => ("PendingImport", None),
        State::PendingDeletion(day) => ("PendingDeletion", Some(day)),
    };
    let (origin, valid_to, store) = match &key.origin {
        Origin::Kms => ("AWS_KMS", None, None),
        Origin::Imported(expires) => ("EXTERNAL", expires.as_ref(), None),
        Origin::CloudHsm(store) => ("AWS_CLOUDHSM", None, Some(store)),
    };
    let expiration = matches!(key.origin, Origin::Imported(_)).then(|| match valid_to {
        Some(_) => "KEY_MATERIAL_EXPIRES".to_owned(),
        None => "KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned(),
    });
    let imported = key.state != State::PendingImport;
    v1::KeyMetadata {
        aws_account_id: Some(account.id.clone()),
        key_id: Some(key.id(&account.id)),
        arn: Some(key.arn(&account.id)),
        creation_date: Some(time_on(&key.created, &[&key.name])),
        enabled: Some(key.state == State::Enabled),
        description: Some(key.description.clone()),
        key_usage: Some(usage.to_owned()),
        key_state: Some(state.to_owned()),
        deletion_date: deletion.map(|day| time_on(day, &[&key.name, "deletion"])),
        valid_to: valid_to.filter(|_| imported).map(|day| time_on(day, &[&key.name, "expiration"])),
        origin: Some(origin.to_owned()),
        custom_key_store_id: store.map(|name| store_id(account, name)),
        cloud_hsm_cluster_id: store.map(|name| cluster_id(account, name)),
        expiration_model: expiration.filter(|_| imported),
        key_manager: Some(if key.aws_managed { "AWS" } else { "CUSTOMER" }.to_owned()),
        customer_master_key_spec: Some(spec.to_owned()),
        key_spec: Some(spec.to_owned()),
        encryption_algorithms: list(encryption),
        signing_algorithms: list(signing),
        key_agreement_algorithms: list(agreement),
        encapsulation_algorithms: None,
        mac_algorithms: list(mac),
        multi_region: Some(key.family != Family::Single),
        multi_region_configuration: family(account, key),
        pending_deletion_window_in_days: None,
        xks_key_configuration: None,
        current_key_material_id: rotates(key).then(|| hex(64, &[&key.arn(&account.id), "material"])),
    }
}

fn family(account: &Account, key: &Key) -> Option<v1::MultiRegionConfiguration> {
    let id = key.id(&account.id);
    let member =
        |region: &str| v1::MultiRegionKey { arn: Some(arn(&account.id, region, &id)), region: Some(region.to_owned()) };
    let (kind, primary, replicas) = match &key.family {
        Family::Single => return None,
        Family::Primary(replicas) => ("PRIMARY", &key.region, replicas),
        Family::Replica(primary, replicas) => ("REPLICA", primary, replicas),
    };
    Some(v1::MultiRegionConfiguration {
        multi_region_key_type: Some(kind.to_owned()),
        primary_key: Some(member(primary)),
        replica_keys: Some(replicas.iter().map(|region| member(region)).collect()),
    })
}

fn rotation_status(account: &Account, key: &Key) -> v1::KeyRotationStatus {
    // The next rotation follows the last, or the creation, by whole periods; the demo only needs a day after the snapshot.
    let next = key.rotation.map(|_| time_on("2026-12-12", &[&key.name, "next"]));
    v1::KeyRotationStatus {
        key_rotation_enabled: Some(key.rotation.is_some()),
        key_id: Some(key.arn(&account.id)),
        rotation_period_in_days: key.rotation,
        next_rotation_date: next,
        on_demand_rotation_start_date: None,
    }
}

fn rotations(account: &Account, key: &Key) -> Vec<v1::Rotation> {
    let rotation = |(day, on_demand): &(String, bool)| v1::Rotation {
        key_id: Some(key.arn(&account.id)),
        key_material_id: Some(hex(64, &[&key.arn(&account.id), day])),
        key_material_state: Some("NON_CURRENT".to_owned()),
        rotation_date: Some(time_on(day, &[&key.name, "rotation"])),
        rotation_type: Some(if *on_demand { "ON_DEMAND" } else { "AUTOMATIC" }.to_owned()),
        ..Default::default()
    };
    key.rotations.iter().map(rotation).collect()
}

fn grant_of(account: &Account, key: &Key, grant: &Grant) -> v1::Grant {
    let pairs = |pairs: &[(String, String)]| (!pairs.is_empty()).then(|| pairs.iter().cloned().collect());
    let constrained = !grant.context_equals.is_empty() || !grant.context_subset.is_empty();
    v1::Grant {
        key_id: Some(key.arn(&account.id)),
        grant_id: Some(hex(64, &[&key.arn(&account.id), &grant.grantee, &grant.created, &grant.operations.join(",")])),
        name: Some(grant.name.clone()),
        creation_date: Some(time_on(&grant.created, &[&grant.grantee])),
        grantee_principal: Some(grant.grantee.clone()),
        grantee_service_principal: grant.grantee_service.clone(),
        retiring_principal: grant.retiring.clone(),
        retiring_service_principal: None,
        issuing_account: Some(root(&account.id)),
        operations: Some(grant.operations.clone()),
        constraints: constrained.then(|| v1::GrantConstraints {
            encryption_context_subset: pairs(&grant.context_subset),
            encryption_context_equals: pairs(&grant.context_equals),
            source_arn: None,
        }),
    }
}

fn last_usage(account: &Account, key: &Key) -> v1::KeyLastUsage {
    let created = time_on(&key.created, &[&key.name]);
    let usage = match &key.last_use {
        LastUse::Never => v1::KeyLastUsageData::default(),
        LastUse::Used(operation, day) => v1::KeyLastUsageData {
            operation: Some(operation.clone()),
            timestamp: Some(time_on(day, &[&key.name, operation])),
            cloud_trail_event_id: Some(uuid(&[&key.arn(&account.id), day, "event"])),
            kms_request_id: Some(uuid(&[&key.arn(&account.id), day, "request"])),
        },
    };
    v1::KeyLastUsage {
        key_id: Some(key.id(&account.id)),
        key_last_usage: Some(usage),
        key_creation_date: Some(created),
        tracking_start_date: Some(created.max(time_on(TRACKING_DAY, &["tracking"]))),
    }
}
