//! AWS's response shapes as schema version 1 stores them: names and nesting of the AWS CLI.
//!
//! The collector fills these from the SDK and they are serialised; an import stores what the CLI printed, unknown members
//! included; the reader takes from either what the model needs. Frozen once released: version 2 gets a file of its own.

#![expect(missing_docs, reason = "members carry AWS's own names and mean what AWS's API reference says")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::file::Call;

/// A time as AWS prints it: RFC 3339 with any offset, or seconds since the epoch. Written as RFC 3339 UTC with `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Time;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a time in RFC 3339, or seconds since 1970")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Time, E> {
                text.parse().map(Time).map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Time, E> {
                Timestamp::from_second(seconds)
                    .map(Time)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(seconds), &self))
            }
            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Time, E> {
                self.visit_i64(i64::try_from(seconds).unwrap_or(i64::MAX))
            }
            fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Time, E> {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "milliseconds of any date of AWS fit; others are refused below"
                )]
                let milliseconds = (seconds * 1000.0).round() as i64;
                Timestamp::from_millisecond(milliseconds)
                    .map(Time)
                    .map_err(|_| E::invalid_value(serde::de::Unexpected::Float(seconds), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Declares response shapes: every member may be absent, absent members are not written.
macro_rules! shapes {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        pub struct $name {
            $($(#[$field_meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }
    )*};
}

shapes! {
    Tag { key: String, value: String, }
    /// Tag of a KMS key.
    KmsTag { tag_key: String, tag_value: String, }
    /// A policy document: a JSON object as the AWS CLI prints it, or a string as the API sends it.
    InlinePolicy { policy_name: String, policy_document: Box<RawValue>, }
    AttachedPolicy { policy_name: String, policy_arn: String, }
    PermissionsBoundary { permissions_boundary_type: String, permissions_boundary_arn: String, }
    UserDetail {
        path: String, user_name: String, user_id: String, arn: String, create_date: Time,
        user_policy_list: Vec<InlinePolicy>, group_list: Vec<String>, attached_managed_policies: Vec<AttachedPolicy>,
        permissions_boundary: PermissionsBoundary, tags: Vec<Tag>,
    }
    GroupDetail {
        path: String, group_name: String, group_id: String, arn: String, create_date: Time,
        group_policy_list: Vec<InlinePolicy>, attached_managed_policies: Vec<AttachedPolicy>,
    }
    InstanceProfile {
        path: String, instance_profile_name: String, instance_profile_id: String, arn: String, create_date: Time,
    }
    RoleLastUsed { last_used_date: Time, region: String, }
    RoleDetail {
        path: String, role_name: String, role_id: String, arn: String, create_date: Time,
        assume_role_policy_document: Box<RawValue>, instance_profile_list: Vec<InstanceProfile>,
        role_policy_list: Vec<InlinePolicy>, attached_managed_policies: Vec<AttachedPolicy>,
        permissions_boundary: PermissionsBoundary, tags: Vec<Tag>, role_last_used: RoleLastUsed,
    }
    PolicyVersion { document: Box<RawValue>, version_id: String, is_default_version: bool, create_date: Time, }
    PolicyDetail {
        policy_name: String, policy_id: String, arn: String, path: String, default_version_id: String,
        attachment_count: i64, permissions_boundary_usage_count: i64, is_attachable: bool, description: String,
        create_date: Time, update_date: Time, policy_version_list: Vec<PolicyVersion>,
    }
    AuthorizationDetails {
        user_detail_list: Vec<UserDetail>, group_detail_list: Vec<GroupDetail>, role_detail_list: Vec<RoleDetail>,
        policies: Vec<PolicyDetail>,
    }
    AccountSummary { summary_map: BTreeMap<String, i64>, }
    PasswordPolicy {
        minimum_password_length: i64, require_symbols: bool, require_numbers: bool, require_uppercase_characters: bool,
        require_lowercase_characters: bool, allow_users_to_change_password: bool, expire_passwords: bool,
        max_password_age: i64, password_reuse_prevention: i64, hard_expiry: bool,
    }
    AccountPasswordPolicy { password_policy: PasswordPolicy, }
    /// `Content` is base64, as the AWS CLI prints it.
    CredentialReport { content: String, report_format: String, generated_time: Time, }
    VirtualMfaUser { path: String, user_name: String, user_id: String, arn: String, create_date: Time, password_last_used: Time, }
    VirtualMfaDevice { serial_number: String, user: VirtualMfaUser, enable_date: Time, tags: Vec<Tag>, }
    VirtualMfaDevices { #[serde(rename = "VirtualMFADevices")] virtual_mfa_devices: Vec<VirtualMfaDevice>, }
    MfaDevice { user_name: String, serial_number: String, enable_date: Time, }
    MfaDevices { #[serde(rename = "MFADevices")] mfa_devices: Vec<MfaDevice>, }
    AccessKeyMetadata { user_name: String, access_key_id: String, status: String, create_date: Time, }
    AccessKeys { access_key_metadata: Vec<AccessKeyMetadata>, }
    LastUsed { last_used_date: Time, service_name: String, region: String, }
    AccessKeyLastUsed { user_name: String, access_key_last_used: LastUsed, }
    ServerCertificateMetadata {
        path: String, server_certificate_name: String, server_certificate_id: String, arn: String, upload_date: Time,
        expiration: Time,
    }
    ServerCertificates { server_certificate_metadata_list: Vec<ServerCertificateMetadata>, }
    ServiceSpecificCredential {
        user_name: String, status: String, service_user_name: String, create_date: Time, expiration_date: Time,
        service_specific_credential_id: String, service_name: String, service_credential_alias: String,
    }
    ServiceSpecificCredentials { service_specific_credentials: Vec<ServiceSpecificCredential>, }
    SamlProvider { arn: String, valid_until: Time, create_date: Time, }
    SamlProviders { #[serde(rename = "SAMLProviderList")] saml_provider_list: Vec<SamlProvider>, }
    OpenIdConnectProviderArn { arn: String, }
    OpenIdConnectProviders {
        #[serde(rename = "OpenIDConnectProviderList")] open_id_connect_provider_list: Vec<OpenIdConnectProviderArn>,
    }
    OpenIdConnectProvider {
        url: String, #[serde(rename = "ClientIDList")] client_id_list: Vec<String>, thumbprint_list: Vec<String>,
        create_date: Time, tags: Vec<Tag>,
    }
    OrganizationsFeatures { organization_id: String, enabled_features: Vec<String>, }
    AlternateContactDetail {
        name: String, title: String, email_address: String, phone_number: String, alternate_contact_type: String,
    }
    AlternateContact { alternate_contact: AlternateContactDetail, }
    RegionStatus { region_name: String, region_opt_status: String, }
    EnabledRegions { regions: Vec<RegionStatus>, }
    CallerIdentity { user_id: String, account: String, arn: String, }

    Organization {
        id: String, arn: String, feature_set: String, master_account_arn: String, master_account_id: String,
        master_account_email: String, available_policy_types: Vec<PolicyType>,
    }
    DescribedOrganization { organization: Organization, }
    PolicyType { r#type: String, status: String, }
    Root { id: String, arn: String, name: String, policy_types: Vec<PolicyType>, }
    Roots { roots: Vec<Root>, }
    OrganizationalUnit { id: String, arn: String, name: String, }
    OrganizationalUnits { organizational_units: Vec<OrganizationalUnit>, }
    OrganizationAccount {
        id: String, arn: String, email: String, name: String, status: String, state: String, joined_method: String,
        joined_timestamp: Time, paths: Vec<String>,
    }
    OrganizationAccounts { accounts: Vec<OrganizationAccount>, }
    PolicySummary {
        id: String, arn: String, name: String, description: String, r#type: String, aws_managed: bool,
    }
    OrganizationPolicies { policies: Vec<PolicySummary>, }
    OrganizationPolicy { policy_summary: PolicySummary, content: String, }
    DescribedOrganizationPolicy { policy: OrganizationPolicy, }
    PolicyTarget { target_id: String, arn: String, name: String, r#type: String, }
    PolicyTargets { targets: Vec<PolicyTarget>, }
    DelegatedAdministrator {
        id: String, arn: String, email: String, name: String, status: String, state: String, joined_method: String,
        joined_timestamp: Time, delegation_enabled_date: Time,
    }
    DelegatedAdministrators { delegated_administrators: Vec<DelegatedAdministrator>, }
    DelegatedService { service_principal: String, delegation_enabled_date: Time, }
    DelegatedServices { delegated_services: Vec<DelegatedService>, }
    ResourcePolicySummary { id: String, arn: String, }
    ResourcePolicy { resource_policy_summary: ResourcePolicySummary, content: String, }
    DescribedResourcePolicy { resource_policy: ResourcePolicy, }

    KeyListEntry { key_id: String, key_arn: String, }
    Keys { keys: Vec<KeyListEntry>, }
    MultiRegionKey { arn: String, region: String, }
    MultiRegionConfiguration {
        multi_region_key_type: String, primary_key: MultiRegionKey, replica_keys: Vec<MultiRegionKey>,
    }
    XksKeyConfiguration { id: String, }
    KeyMetadata {
        #[serde(rename = "AWSAccountId")] aws_account_id: String,
        key_id: String, arn: String, creation_date: Time, enabled: bool, description: String, key_usage: String,
        key_state: String, deletion_date: Time, valid_to: Time, origin: String, custom_key_store_id: String,
        cloud_hsm_cluster_id: String, expiration_model: String, key_manager: String,
        customer_master_key_spec: String, key_spec: String, encryption_algorithms: Vec<String>,
        signing_algorithms: Vec<String>, key_agreement_algorithms: Vec<String>, encapsulation_algorithms: Vec<String>, mac_algorithms: Vec<String>,
        multi_region: bool, multi_region_configuration: MultiRegionConfiguration,
        pending_deletion_window_in_days: i64, xks_key_configuration: XksKeyConfiguration,
        current_key_material_id: String,
    }
    DescribedKey { key_metadata: KeyMetadata, }
    KeyPolicyNames { policy_names: Vec<String>, }
    KeyPolicy { policy: String, policy_name: String, }
    KeyRotationStatus {
        key_rotation_enabled: bool, key_id: String, rotation_period_in_days: i64, next_rotation_date: Time,
        on_demand_rotation_start_date: Time,
    }
    Rotation {
        key_id: String, key_material_id: String, key_material_description: String, import_state: String,
        key_material_state: String, expiration_model: String, valid_to: Time, rotation_date: Time, rotation_type: String,
    }
    Rotations { rotations: Vec<Rotation>, }
    GrantConstraints {
        encryption_context_subset: BTreeMap<String, String>, encryption_context_equals: BTreeMap<String, String>,
        source_arn: String,
    }
    Grant {
        key_id: String, grant_id: String, name: String, creation_date: Time, grantee_principal: String,
        grantee_service_principal: String, retiring_principal: String, retiring_service_principal: String,
        issuing_account: String, operations: Vec<String>, constraints: GrantConstraints,
    }
    Grants { grants: Vec<Grant>, }
    Alias { alias_name: String, alias_arn: String, target_key_id: String, creation_date: Time, last_updated_date: Time, }
    Aliases { aliases: Vec<Alias>, }
    ResourceTags { tags: Vec<KmsTag>, }
    KeyLastUsageData {
        operation: String, timestamp: Time, cloud_trail_event_id: String, kms_request_id: String,
    }
    KeyLastUsage {
        key_id: String, key_last_usage: KeyLastUsageData, key_creation_date: Time, tracking_start_date: Time,
    }
    CustomKeyStore {
        custom_key_store_id: String, custom_key_store_name: String, cloud_hsm_cluster_id: String,
        connection_state: String, connection_error_code: String, creation_date: Time, custom_key_store_type: String,
    }
    CustomKeyStores { custom_key_stores: Vec<CustomKeyStore>, }
}

/// Responses for each resource, by the resource's name or id.
pub type Resources<T> = BTreeMap<String, T>;

/// Declares a snapshot file as it is read: its header, the operations by AWS's names, the calls.
macro_rules! files {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $name {
            #[serde(rename = "schema_version", default)]
            pub schema_version: u32,
            #[serde(rename = "account_id", default)]
            pub account_id: String,
            #[serde(rename = "region", default)]
            pub region: Option<String>,
            #[serde(rename = "clock_ahead_seconds", default)]
            pub clock_ahead_seconds: Option<i64>,
            $($(#[$field_meta])* #[serde(default)] pub $field: Option<$type>,)*
            #[serde(rename = "calls", default)]
            pub calls: Vec<Call>,
        }
    )*};
}

files! {
    /// `organization.json`.
    OrganizationFile {
        describe_organization: DescribedOrganization,
        list_roots: Roots,
        list_organizational_units_for_parent: Resources<OrganizationalUnits>,
        list_accounts: OrganizationAccounts,
        list_accounts_for_parent: Resources<OrganizationAccounts>,
        /// By policy type.
        list_policies: Resources<OrganizationPolicies>,
        /// By policy id.
        describe_policy: Resources<DescribedOrganizationPolicy>,
        /// By policy id.
        list_targets_for_policy: Resources<PolicyTargets>,
        list_delegated_administrators: DelegatedAdministrators,
        /// By account id.
        list_delegated_services_for_account: Resources<DelegatedServices>,
        describe_resource_policy: DescribedResourcePolicy,
    }
    /// `accounts/<account>/iam.json.zst`.
    IamFile {
        get_caller_identity: CallerIdentity,
        get_account_authorization_details: AuthorizationDetails,
        get_account_summary: AccountSummary,
        get_account_password_policy: AccountPasswordPolicy,
        get_credential_report: CredentialReport,
        #[serde(rename = "ListVirtualMFADevices")]
        list_virtual_mfa_devices: VirtualMfaDevices,
        /// By user name.
        #[serde(rename = "ListMFADevices")]
        list_mfa_devices: Resources<MfaDevices>,
        /// By user name.
        list_access_keys: Resources<AccessKeys>,
        /// By access key id.
        get_access_key_last_used: Resources<AccessKeyLastUsed>,
        list_server_certificates: ServerCertificates,
        /// By user name.
        list_service_specific_credentials: Resources<ServiceSpecificCredentials>,
        #[serde(rename = "ListSAMLProviders")]
        list_saml_providers: SamlProviders,
        #[serde(rename = "ListOpenIDConnectProviders")]
        list_open_id_connect_providers: OpenIdConnectProviders,
        /// By provider ARN.
        #[serde(rename = "GetOpenIDConnectProvider")]
        get_open_id_connect_provider: Resources<OpenIdConnectProvider>,
        /// In the management account only.
        list_organizations_features: OrganizationsFeatures,
        /// By contact type: `SECURITY`, `BILLING`, `OPERATIONS`.
        get_alternate_contact: Resources<AlternateContact>,
        list_regions: EnabledRegions,
    }
    /// `accounts/<account>/kms/<region>.json.zst`. Keys stand by key id.
    KmsFile {
        list_keys: Keys,
        list_aliases: Aliases,
        describe_custom_key_stores: CustomKeyStores,
        describe_key: Resources<DescribedKey>,
        list_key_policies: Resources<KeyPolicyNames>,
        /// By key id, then by policy name.
        get_key_policy: Resources<Resources<KeyPolicy>>,
        get_key_rotation_status: Resources<KeyRotationStatus>,
        list_key_rotations: Resources<Rotations>,
        list_grants: Resources<Grants>,
        list_resource_tags: Resources<ResourceTags>,
        get_key_last_usage: Resources<KeyLastUsage>,
    }
}
