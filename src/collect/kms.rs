//! What the KMS of one account and Region says: every key, every policy of every key, every grant.

use aws_sdk_kms::Client;
use aws_sdk_kms::operation::describe_key::DescribeKeyOutput;
use aws_sdk_kms::operation::get_key_last_usage::GetKeyLastUsageOutput;
use aws_sdk_kms::operation::get_key_policy::GetKeyPolicyOutput;
use aws_sdk_kms::operation::get_key_rotation_status::GetKeyRotationStatusOutput;
use aws_sdk_kms::types;

use super::Error;
use super::call::{Ask, Lacks, Next, Page, Recorder, extend, extend_with_new};
use super::client::Access;
use super::kms_shapes as shapes;
use super::shape::time;
use crate::snapshot::{Outcome, v1};

/// Items of one page of most KMS lists: AWS's own default for keys, and the most that it gives for the others.
const LIMIT: i32 = 100;

/// Items of one page of tags, of which a key has at most 50.
const TAG_LIMIT: i32 = 50;

/// The operations that are asked for each key.
pub(super) const PER_KEY: [&str; 8] = [
    "DescribeKey",
    "ListKeyPolicies",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListKeyRotations",
    "ListGrants",
    "ListResourceTags",
    "GetKeyLastUsage",
];

/// Reads all that the snapshot holds of KMS in one Region, and returns the number of keys.
pub(super) async fn collect(access: &Access, recorder: &mut Recorder) -> Result<u64, Error> {
    let client = access.kms();
    let keys = list_keys(&client, recorder).await?;
    if recorder.is_unreachable() {
        // The other lists would wait as long and fare no better. That they are absent says that they were not asked.
        return Ok(0);
    }
    aliases(&client, recorder).await?;
    custom_key_stores(&client, recorder).await?;
    let Some(keys) = keys else { return Ok(0) };
    let listed = keys.len() as u64;
    for operation in PER_KEY {
        recorder.begin(operation);
    }
    for id in keys.into_iter().take(recorder.most()) {
        key(&client, recorder, &id).await?;
    }
    Ok(listed)
}

/// The ids of all keys.
async fn list_keys(client: &Client, recorder: &mut Recorder) -> Result<Option<Vec<String>>, Error> {
    let ask = Ask::new("kms:ListKeys").with("Limit", LIMIT).every_page();
    let request = |marker| client.list_keys().limit(LIMIT).set_marker(marker).send();
    let listed = recorder
        .list(ask, request, |answer, list: &mut v1::Keys| {
            let key = |it: types::KeyListEntry| v1::KeyListEntry { key_id: it.key_id, key_arn: it.key_arn };
            let items = extend_with_new(&mut list.keys, "Keys", answer.keys, key, |it| it.key_id.as_deref())?;
            Ok(Page { items: vec![items], next: Next::after(answer.truncated, answer.next_marker) })
        })
        .await?;
    Ok(listed.map(|listed| listed.keys.into_iter().flatten().filter_map(|key| key.key_id).collect()))
}

async fn aliases(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let ask = Ask::new("kms:ListAliases").with("Limit", LIMIT);
    let request = |marker| client.list_aliases().limit(LIMIT).set_marker(marker).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::Aliases| {
            let items = extend(&mut list.aliases, "Aliases", answer.aliases, shapes::alias)?;
            Ok(Page { items: vec![items], next: Next::after(answer.truncated, answer.next_marker) })
        })
        .await?;
    Ok(())
}

async fn custom_key_stores(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let ask = Ask::new("kms:DescribeCustomKeyStores");
    let request = |marker| client.describe_custom_key_stores().set_marker(marker).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::CustomKeyStores| {
            let stores = answer.custom_key_stores;
            let items = extend(&mut list.custom_key_stores, "CustomKeyStores", stores, shapes::custom_key_store)?;
            Ok(Page { items: vec![items], next: Next::after(answer.truncated, answer.next_marker) })
        })
        .await?;
    Ok(())
}

/// All that is asked for one key.
async fn key(client: &Client, recorder: &mut Recorder, id: &str) -> Result<(), Error> {
    let ask = Ask::new("kms:DescribeKey").about(&[id]);
    let shape = |answer: DescribeKeyOutput| {
        let metadata = answer.key_metadata.ok_or(Lacks("KeyMetadata"))?;
        Ok(v1::DescribedKey { key_metadata: Some(shapes::key_metadata(metadata)) })
    };
    let described = recorder.one(ask, || client.describe_key().key_id(id).send(), shape).await?;
    policies(client, recorder, id).await?;
    let metadata = described.and_then(|it| it.key_metadata);
    if metadata.as_ref().is_none_or(can_rotate) {
        rotation(client, recorder, id).await?;
    }
    if metadata.as_ref().is_none_or(may_have_rotated) {
        rotations(client, recorder, id).await?;
    }
    grants(client, recorder, id).await?;
    tags(client, recorder, id).await?;
    last_usage(client, recorder, id).await
}

/// Whether the question of rotation arises: for customer managed symmetric keys whose material KMS made itself. AWS managed keys
/// rotate every year, all others never (KMS Developer Guide, "Rotate AWS KMS keys").
fn can_rotate(metadata: &v1::KeyMetadata) -> bool {
    let spec = metadata.key_spec.as_deref().or(metadata.customer_master_key_spec.as_deref());
    metadata.key_manager.as_deref() != Some("AWS")
        && spec.is_none_or(|spec| spec == "SYMMETRIC_DEFAULT")
        && metadata.origin.as_deref().is_none_or(|origin| origin == "AWS_KMS")
}

/// Whether rotations may have taken place: imported material of symmetric keys is rotated on demand (KMS Developer Guide,
/// "Perform on-demand key rotation").
fn may_have_rotated(metadata: &v1::KeyMetadata) -> bool {
    let made_by_kms = v1::KeyMetadata { origin: Some("AWS_KMS".to_owned()), ..metadata.clone() };
    can_rotate(metadata) || metadata.origin.as_deref() == Some("EXTERNAL") && can_rotate(&made_by_kms)
}

async fn policies(client: &Client, recorder: &mut Recorder, id: &str) -> Result<(), Error> {
    let ask = Ask::new("kms:ListKeyPolicies").about(&[id]).with("Limit", LIMIT);
    let request = |marker| client.list_key_policies().key_id(id).limit(LIMIT).set_marker(marker).send();
    let listed = recorder
        .list(ask, request, |answer, list: &mut v1::KeyPolicyNames| {
            let items = extend(&mut list.policy_names, "PolicyNames", answer.policy_names, |name| name)?;
            Ok(Page { items: vec![items], next: Next::after(answer.truncated, answer.next_marker) })
        })
        .await?;
    // Every key has a policy of this name, whether or not the list of names may be read.
    let names = listed.and_then(|listed| listed.policy_names).unwrap_or_else(|| vec!["default".to_owned()]);
    for name in names {
        let ask = Ask::new("kms:GetKeyPolicy").about(&[id, &name]);
        let shape = |answer: GetKeyPolicyOutput| {
            let policy = answer.policy.ok_or(Lacks("Policy"))?;
            Ok(v1::KeyPolicy { policy: Some(policy), policy_name: answer.policy_name })
        };
        let request = || client.get_key_policy().key_id(id).policy_name(&name).send();
        recorder.one(ask, request, shape).await?;
    }
    Ok(())
}

/// In the states in which AWS does not answer (a key pending deletion or import) there is no rotation to speak of.
const NO_ROTATION_IN_THIS_STATE: &[(&str, Outcome)] = &[("KMSInvalidStateException", Outcome::Skipped)];

async fn rotation(client: &Client, recorder: &mut Recorder, id: &str) -> Result<(), Error> {
    let ask = Ask::new("kms:GetKeyRotationStatus").about(&[id]).meaning(NO_ROTATION_IN_THIS_STATE);
    let shape = |it: GetKeyRotationStatusOutput| {
        Ok(v1::KeyRotationStatus {
            key_rotation_enabled: Some(it.key_rotation_enabled),
            key_id: it.key_id,
            rotation_period_in_days: it.rotation_period_in_days.map(i64::from),
            next_rotation_date: it.next_rotation_date.and_then(time),
            on_demand_rotation_start_date: it.on_demand_rotation_start_date.and_then(time),
        })
    };
    recorder.one(ask, || client.get_key_rotation_status().key_id(id).send(), shape).await?;
    Ok(())
}

async fn rotations(client: &Client, recorder: &mut Recorder, id: &str) -> Result<(), Error> {
    // `UnsupportedOperationException` is about the key, not the endpoint: it is of a kind that has no rotations.
    let meaning = &[("KMSInvalidStateException", Outcome::Skipped), ("UnsupportedOperationException", Outcome::Empty)];
    let ask = Ask::new("kms:ListKeyRotations").about(&[id]).with("Limit", LIMIT).meaning(meaning);
    let request = |marker| client.list_key_rotations().key_id(id).limit(LIMIT).set_marker(marker).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::Rotations| {
            let items = extend(&mut list.rotations, "Rotations", answer.rotations, shapes::rotation)?;
            Ok(Page { items: vec![items], next: Next::after(answer.truncated, answer.next_marker) })
        })
        .await?;
    Ok(())
}

async fn grants(client: &Client, recorder: &mut Recorder, id: &str) -> Result<(), Error> {
    let ask = Ask::new("kms:ListGrants").about(&[id]).with("Limit", LIMIT);
    let request = |marker| client.list_grants().key_id(id).limit(LIMIT).set_marker(marker).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::Grants| {
            let into = &mut list.grants;
            let items = extend_with_new(into, "Grants", answer.grants, shapes::grant, |it| it.grant_id.as_deref())?;
            Ok(Page { items: vec![items], next: Next::after(answer.truncated, answer.next_marker) })
        })
        .await?;
    Ok(())
}

async fn tags(client: &Client, recorder: &mut Recorder, id: &str) -> Result<(), Error> {
    let ask = Ask::new("kms:ListResourceTags").about(&[id]).with("Limit", TAG_LIMIT);
    let request = |marker| client.list_resource_tags().key_id(id).limit(TAG_LIMIT).set_marker(marker).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::ResourceTags| {
            let tag = |it: types::Tag| v1::KmsTag { tag_key: Some(it.tag_key), tag_value: Some(it.tag_value) };
            let items = extend(&mut list.tags, "Tags", answer.tags, tag)?;
            Ok(Page { items: vec![items], next: Next::after(answer.truncated, answer.next_marker) })
        })
        .await?;
    Ok(())
}

async fn last_usage(client: &Client, recorder: &mut Recorder, id: &str) -> Result<(), Error> {
    let ask = Ask::new("kms:GetKeyLastUsage").about(&[id]);
    let shape = |it: GetKeyLastUsageOutput| {
        let usage = |it: types::KeyLastUsageData| v1::KeyLastUsageData {
            operation: it.operation.map(|it| it.as_str().to_owned()),
            timestamp: it.timestamp.and_then(time),
            cloud_trail_event_id: it.cloud_trail_event_id,
            kms_request_id: it.kms_request_id,
        };
        Ok(v1::KeyLastUsage {
            key_id: it.key_id,
            key_last_usage: it.key_last_usage.map(usage),
            key_creation_date: it.key_creation_date.and_then(time),
            tracking_start_date: it.tracking_start_date.and_then(time),
        })
    };
    recorder.one(ask, || client.get_key_last_usage().key_id(id).send(), shape).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(manager: &str, spec: &str, origin: &str) -> v1::KeyMetadata {
        v1::KeyMetadata {
            key_manager: Some(manager.to_owned()),
            key_spec: Some(spec.to_owned()),
            origin: Some(origin.to_owned()),
            ..v1::KeyMetadata::default()
        }
    }

    #[test]
    fn rotation_is_asked_of_keys_that_can_rotate_and_of_keys_of_which_nothing_is_known() {
        assert!(can_rotate(&key("CUSTOMER", "SYMMETRIC_DEFAULT", "AWS_KMS")));
        assert!(can_rotate(&v1::KeyMetadata::default()));
        assert!(!can_rotate(&key("AWS", "SYMMETRIC_DEFAULT", "AWS_KMS")));
        assert!(!can_rotate(&key("CUSTOMER", "RSA_2048", "AWS_KMS")));
        assert!(!can_rotate(&key("CUSTOMER", "HMAC_256", "AWS_KMS")));
        for origin in ["EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"] {
            assert!(!can_rotate(&key("CUSTOMER", "SYMMETRIC_DEFAULT", origin)), "{origin}");
        }
    }

    #[test]
    fn rotations_are_asked_of_keys_with_imported_material_as_well() {
        assert!(may_have_rotated(&key("CUSTOMER", "SYMMETRIC_DEFAULT", "EXTERNAL")));
        assert!(may_have_rotated(&key("CUSTOMER", "SYMMETRIC_DEFAULT", "AWS_KMS")));
        assert!(!may_have_rotated(&key("CUSTOMER", "RSA_2048", "EXTERNAL")));
        assert!(!may_have_rotated(&key("CUSTOMER", "SYMMETRIC_DEFAULT", "AWS_CLOUDHSM")));
        assert!(!may_have_rotated(&key("AWS", "SYMMETRIC_DEFAULT", "AWS_KMS")));
    }
}
