//! A Region's KMS file of version 1 as the model's keys.

use super::answers::Answers;
use super::v1;
use crate::digest;
use crate::model::{
    Alias, CustomKeyStore, Gap, Grant, GrantConstraints, Key, KeyManager, KeyMetadata, KeyPolicy, Kms, LastUsage,
    Listing, MultiRegion, Rotation, RotationStatus, Source, Tags, escape,
};

const LIST_KEYS: &str = "kms:ListKeys";
const DESCRIBE_KEY: &str = "kms:DescribeKey";
const LIST_KEY_POLICIES: &str = "kms:ListKeyPolicies";
const GET_KEY_POLICY: &str = "kms:GetKeyPolicy";
const GET_KEY_ROTATION_STATUS: &str = "kms:GetKeyRotationStatus";
const LIST_KEY_ROTATIONS: &str = "kms:ListKeyRotations";
const GET_KEY_LAST_USAGE: &str = "kms:GetKeyLastUsage";
const DESCRIBE_CUSTOM_KEY_STORES: &str = "kms:DescribeCustomKeyStores";
const LIST_GRANTS: &str = "kms:ListGrants";
const LIST_RESOURCE_TAGS: &str = "kms:ListResourceTags";

/// A Region of which nothing is known.
pub(super) fn missing(gap: &Gap) -> Kms {
    Kms {
        keys: Listing::missing(gap.clone()),
        aliases: Listing::missing(gap.clone()),
        custom_key_stores: Listing::missing(gap.clone()),
    }
}

/// What the file holds.
pub(super) fn read(mut file: v1::KmsFile, region: &str, answers: &Answers) -> Kms {
    let listed = file.list_keys.take().and_then(|answer| answer.keys);
    let keys = listed.map(|keys| {
        let keys = keys.into_iter().enumerate();
        keys.map(|(index, entry)| key(&mut file, region, answers, index, entry)).collect()
    });
    let aliases = file.list_aliases.take().and_then(|answer| answer.aliases);
    let aliases = aliases.map(|aliases| {
        let alias = |it: v1::Alias| Alias { name: it.alias_name.unwrap_or_default(), target_key_id: it.target_key_id };
        aliases.into_iter().map(alias).collect()
    });
    let stores = file.describe_custom_key_stores.take().and_then(|answer| answer.custom_key_stores);
    let stores = stores
        .map(|stores| stores.into_iter().enumerate().map(|(index, it)| custom_key_store(answers, index, it)).collect());
    Kms {
        keys: answers.listing(LIST_KEYS, &[], "Keys", keys),
        aliases: answers.listing("kms:ListAliases", &[], "Aliases", aliases),
        custom_key_stores: answers.listing(DESCRIBE_CUSTOM_KEY_STORES, &[], "CustomKeyStores", stores),
    }
}

fn custom_key_store(answers: &Answers, index: usize, store: v1::CustomKeyStore) -> CustomKeyStore {
    CustomKeyStore {
        id: store.custom_key_store_id.unwrap_or_default(),
        name: store.custom_key_store_name.unwrap_or_default(),
        connection_state: store.connection_state,
        connection_error_code: store.connection_error_code,
        source: answers.source(
            DESCRIBE_CUSTOM_KEY_STORES,
            &[],
            format!("/DescribeCustomKeyStores/CustomKeyStores/{index}"),
        ),
    }
}

/// Takes the answer for one resource out of the answers for all.
fn take<T>(resources: &mut Option<v1::Resources<T>>, id: &str) -> Option<T> {
    resources.as_mut()?.remove(id)
}

fn key(file: &mut v1::KmsFile, region: &str, answers: &Answers, index: usize, entry: v1::KeyListEntry) -> Key {
    let id = entry.key_id.unwrap_or_default();
    let described = take(&mut file.describe_key, &id).and_then(|answer| answer.key_metadata);
    let metadata = answers.fact(DESCRIBE_KEY, &[&id], described).and_then(|it| metadata(answers, &id, it));
    let rotation = take(&mut file.get_key_rotation_status, &id);
    let rotation =
        answers.fact(GET_KEY_ROTATION_STATUS, &[&id], rotation).and_then(|it| rotation_status(answers, &id, &it));
    let rotations = take(&mut file.list_key_rotations, &id).and_then(|answer| answer.rotations);
    let rotations = rotations.map(|rotations| {
        let rotation = |(index, it): (usize, v1::Rotation)| Rotation {
            date: it.rotation_date.map(|time| time.0),
            source: resource_source(answers, LIST_KEY_ROTATIONS, &id, &format!("/Rotations/{index}")),
        };
        rotations.into_iter().enumerate().map(rotation).collect()
    });
    let rotations = answers.listing(LIST_KEY_ROTATIONS, &[&id], "Rotations", rotations);
    let usage = take(&mut file.get_key_last_usage, &id);
    let last_usage = answers.fact(GET_KEY_LAST_USAGE, &[&id], usage).map(|it| last_usage(answers, &id, it));
    let tags = take(&mut file.list_resource_tags, &id).and_then(|answer| answer.tags);
    let tags = answers.listing(LIST_RESOURCE_TAGS, &[&id], "Tags", tags);
    let tags = tags.whole().map(|tags| {
        let tag = |it: &v1::KmsTag| Some((it.tag_key.clone()?, it.tag_value.clone().unwrap_or_default()));
        tags.iter().filter_map(tag).collect::<Tags>()
    });
    Key {
        arn: entry.key_arn.unwrap_or_default(),
        region: region.to_owned(),
        metadata,
        policies: policies(file, answers, &id),
        rotation,
        rotations,
        grants: grants(file, answers, &id),
        tags,
        last_usage,
        source: answers.source(LIST_KEYS, &[], format!("/ListKeys/Keys/{index}")),
        id,
    }
}

fn metadata(answers: &Answers, id: &str, metadata: v1::KeyMetadata) -> Result<KeyMetadata, Gap> {
    let absent = |member: &str| Gap::malformed(DESCRIBE_KEY, &[id], format!("KeyMetadata has no {member}"));
    let key_manager = match metadata.key_manager.as_deref() {
        Some("CUSTOMER") => KeyManager::Customer,
        Some("AWS") => KeyManager::Aws,
        other => {
            let message = format!("KeyManager is {other:?}, neither CUSTOMER nor AWS");
            return Err(Gap::malformed(DESCRIBE_KEY, &[id], message));
        }
    };
    let multi_region = metadata.multi_region_configuration.map(|family| MultiRegion {
        is_replica: family.multi_region_key_type.as_deref() == Some("REPLICA"),
        primary_arn: family.primary_key.and_then(|key| key.arn).unwrap_or_default(),
        replica_arns: family.replica_keys.into_iter().flatten().filter_map(|key| key.arn).collect(),
    });
    Ok(KeyMetadata {
        key_manager,
        key_spec: metadata.key_spec.or(metadata.customer_master_key_spec).ok_or_else(|| absent("KeySpec"))?,
        key_usage: metadata.key_usage.unwrap_or_default(),
        key_state: metadata.key_state.ok_or_else(|| absent("KeyState"))?,
        origin: metadata.origin.ok_or_else(|| absent("Origin"))?,
        description: metadata.description.unwrap_or_default(),
        creation_date: metadata.creation_date.map(|time| time.0),
        deletion_date: metadata.deletion_date.map(|time| time.0),
        expiration_model: metadata.expiration_model,
        valid_to: metadata.valid_to.map(|time| time.0),
        custom_key_store_id: metadata.custom_key_store_id,
        multi_region,
        source: resource_source(answers, DESCRIBE_KEY, id, "/KeyMetadata"),
    })
}

/// The place of a key's answer below its operation.
fn resource_source(answers: &Answers, api: &'static str, id: &str, member: &str) -> Source {
    let operation = api.split_once(':').map_or(api, |(_, operation)| operation);
    answers.source(api, &[id], format!("/{operation}/{}{member}", escape(id)))
}

fn rotation_status(answers: &Answers, id: &str, status: &v1::KeyRotationStatus) -> Result<RotationStatus, Gap> {
    let enabled = status
        .key_rotation_enabled
        .ok_or_else(|| Gap::malformed(GET_KEY_ROTATION_STATUS, &[id], "the answer has no KeyRotationEnabled"))?;
    let source = resource_source(answers, GET_KEY_ROTATION_STATUS, id, "");
    Ok(RotationStatus {
        enabled,
        period_in_days: status.rotation_period_in_days,
        next: status.next_rotation_date.as_ref().map(|time| time.0),
        source,
    })
}

fn last_usage(answers: &Answers, id: &str, usage: v1::KeyLastUsage) -> LastUsage {
    let last = usage.key_last_usage.unwrap_or_default();
    LastUsage {
        last: last.timestamp.map(|time| time.0),
        operation: last.operation,
        tracking_start: usage.tracking_start_date.map(|time| time.0),
        source: resource_source(answers, GET_KEY_LAST_USAGE, id, ""),
    }
}

fn policies(file: &mut v1::KmsFile, answers: &Answers, id: &str) -> Listing<KeyPolicy> {
    let names = take(&mut file.list_key_policies, id).and_then(|answer| answer.policy_names);
    let mut texts = take(&mut file.get_key_policy, id).unwrap_or_default();
    let policies = names.map(|names| {
        let policy = |name: String| {
            let resource = [id, name.as_str()];
            let text = texts.remove(&name).and_then(|answer| answer.policy);
            let text = answers.fact(GET_KEY_POLICY, &resource, text);
            let sha256 = text.as_ref().map(|text| digest::sha256(text.as_bytes())).map_err(Clone::clone);
            let document = text.and_then(|text| answers.document(GET_KEY_POLICY, &resource, &text));
            let pointer = format!("/GetKeyPolicy/{}/{}/Policy", escape(id), escape(&name));
            let source = answers.source(GET_KEY_POLICY, &resource, pointer);
            KeyPolicy { name, document, sha256, source }
        };
        names.into_iter().map(policy).collect()
    });
    answers.listing(LIST_KEY_POLICIES, &[id], "PolicyNames", policies)
}

fn grants(file: &mut v1::KmsFile, answers: &Answers, id: &str) -> Listing<Grant> {
    let listed = take(&mut file.list_grants, id).and_then(|answer| answer.grants);
    let grants = listed.map(|grants| {
        let grants = grants.into_iter().enumerate();
        grants.map(|(index, it)| grant(answers, id, index, it)).collect()
    });
    answers.listing(LIST_GRANTS, &[id], "Grants", grants)
}

fn grant(answers: &Answers, key_id: &str, index: usize, grant: v1::Grant) -> Grant {
    let constraints = grant.constraints.unwrap_or_default();
    Grant {
        id: grant.grant_id.unwrap_or_default(),
        name: grant.name.filter(|name| !name.is_empty()),
        grantee_principal: grant.grantee_principal,
        grantee_service_principal: grant.grantee_service_principal,
        retiring_principal: grant.retiring_principal,
        retiring_service_principal: grant.retiring_service_principal,
        creation_date: grant.creation_date.map(|time| time.0),
        issuing_account: grant.issuing_account,
        operations: grant.operations.unwrap_or_default(),
        constraints: GrantConstraints {
            encryption_context_subset: constraints.encryption_context_subset,
            encryption_context_equals: constraints.encryption_context_equals,
            source_arn: constraints.source_arn,
        },
        source: resource_source(answers, LIST_GRANTS, key_id, &format!("/Grants/{index}")),
    }
}
