//! The shapes of KMS: key metadata, grants, aliases, rotations, custom key stores.

use aws_sdk_kms::types;

use super::shape::time;
use crate::snapshot::v1;

/// The names of enumerated values.
fn names<T>(values: Option<Vec<T>>, name: impl Fn(&T) -> &str) -> Option<Vec<String>> {
    values.map(|values| values.iter().map(|value| name(value).to_owned()).collect())
}

/// Metadata of a key.
pub(super) fn key_metadata(it: types::KeyMetadata) -> v1::KeyMetadata {
    #[expect(
        deprecated,
        reason = "AWS still sends the old name of the key spec, and the snapshot keeps what AWS sends"
    )]
    let customer_master_key_spec = it.customer_master_key_spec;
    v1::KeyMetadata {
        aws_account_id: it.aws_account_id,
        key_id: Some(it.key_id),
        arn: it.arn,
        creation_date: it.creation_date.and_then(time),
        enabled: Some(it.enabled),
        description: it.description,
        key_usage: it.key_usage.map(|it| it.as_str().to_owned()),
        key_state: it.key_state.map(|it| it.as_str().to_owned()),
        deletion_date: it.deletion_date.and_then(time),
        valid_to: it.valid_to.and_then(time),
        origin: it.origin.map(|it| it.as_str().to_owned()),
        custom_key_store_id: it.custom_key_store_id,
        cloud_hsm_cluster_id: it.cloud_hsm_cluster_id,
        expiration_model: it.expiration_model.map(|it| it.as_str().to_owned()),
        key_manager: it.key_manager.map(|it| it.as_str().to_owned()),
        customer_master_key_spec: customer_master_key_spec.map(|it| it.as_str().to_owned()),
        key_spec: it.key_spec.map(|it| it.as_str().to_owned()),
        encryption_algorithms: names(it.encryption_algorithms, |it| it.as_str()),
        signing_algorithms: names(it.signing_algorithms, |it| it.as_str()),
        key_agreement_algorithms: names(it.key_agreement_algorithms, |it| it.as_str()),
        encapsulation_algorithms: names(it.encapsulation_algorithms, |it| it.as_str()),
        mac_algorithms: names(it.mac_algorithms, |it| it.as_str()),
        multi_region: it.multi_region,
        multi_region_configuration: it.multi_region_configuration.map(multi_region_configuration),
        pending_deletion_window_in_days: it.pending_deletion_window_in_days.map(i64::from),
        xks_key_configuration: it.xks_key_configuration.map(|it| v1::XksKeyConfiguration { id: it.id }),
        current_key_material_id: it.current_key_material_id,
    }
}

fn multi_region_configuration(it: types::MultiRegionConfiguration) -> v1::MultiRegionConfiguration {
    let key = |it: types::MultiRegionKey| v1::MultiRegionKey { arn: it.arn, region: it.region };
    v1::MultiRegionConfiguration {
        multi_region_key_type: it.multi_region_key_type.map(|it| it.as_str().to_owned()),
        primary_key: it.primary_key.map(key),
        replica_keys: it.replica_keys.map(|keys| keys.into_iter().map(key).collect()),
    }
}

/// A grant.
pub(super) fn grant(it: types::GrantListEntry) -> v1::Grant {
    let constraints = |it: types::GrantConstraints| v1::GrantConstraints {
        encryption_context_subset: it.encryption_context_subset.map(|map| map.into_iter().collect()),
        encryption_context_equals: it.encryption_context_equals.map(|map| map.into_iter().collect()),
        source_arn: it.source_arn,
    };
    v1::Grant {
        key_id: it.key_id,
        grant_id: it.grant_id,
        name: it.name,
        creation_date: it.creation_date.and_then(time),
        grantee_principal: it.grantee_principal,
        grantee_service_principal: it.grantee_service_principal,
        retiring_principal: it.retiring_principal,
        retiring_service_principal: it.retiring_service_principal,
        issuing_account: it.issuing_account,
        operations: names(it.operations, |it| it.as_str()),
        constraints: it.constraints.map(constraints),
    }
}

/// An alias.
pub(super) fn alias(it: types::AliasListEntry) -> v1::Alias {
    v1::Alias {
        alias_name: it.alias_name,
        alias_arn: it.alias_arn,
        target_key_id: it.target_key_id,
        creation_date: it.creation_date.and_then(time),
        last_updated_date: it.last_updated_date.and_then(time),
    }
}

/// A rotation.
pub(super) fn rotation(it: types::RotationsListEntry) -> v1::Rotation {
    v1::Rotation {
        key_id: it.key_id,
        key_material_id: it.key_material_id,
        key_material_description: it.key_material_description,
        import_state: it.import_state.map(|it| it.as_str().to_owned()),
        key_material_state: it.key_material_state.map(|it| it.as_str().to_owned()),
        expiration_model: it.expiration_model.map(|it| it.as_str().to_owned()),
        valid_to: it.valid_to.and_then(time),
        rotation_date: it.rotation_date.and_then(time),
        rotation_type: it.rotation_type.map(|it| it.as_str().to_owned()),
    }
}

/// A custom key store.
pub(super) fn custom_key_store(it: types::CustomKeyStoresListEntry) -> v1::CustomKeyStore {
    v1::CustomKeyStore {
        custom_key_store_id: it.custom_key_store_id,
        custom_key_store_name: it.custom_key_store_name,
        cloud_hsm_cluster_id: it.cloud_hsm_cluster_id,
        connection_state: it.connection_state.map(|it| it.as_str().to_owned()),
        connection_error_code: it.connection_error_code.map(|it| it.as_str().to_owned()),
        creation_date: it.creation_date.and_then(time),
        custom_key_store_type: it.custom_key_store_type.map(|it| it.as_str().to_owned()),
    }
}
