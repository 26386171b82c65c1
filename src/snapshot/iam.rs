//! An account's IAM file of version 1 as the model's principals, policies and credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use serde_json::value::RawValue;

use super::answers::Answers;
use super::v1;
use crate::model::{
    AccessKey, AccessKeyLastUsed, AlternateContact, AttachedPolicy, CredentialReport, CredentialReportRow, Document,
    Fact, Gap, Group, Iam, IdentityProvider, InlinePolicy, Listing, ManagedPolicy, MfaDevice, OrganizationsFeatures,
    PasswordPolicy, Role, ServerCertificate, ServiceSpecificCredential, Source, Summary, Tags, User, VirtualMfaDevice,
    escape,
};
use crate::policy::Tolerated;

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";
const REPORT: &str = "iam:GetCredentialReport";
const MFA_DEVICES: &str = "iam:ListMFADevices";
const ACCESS_KEYS: &str = "iam:ListAccessKeys";
const ACCESS_KEY_LAST_USED: &str = "iam:GetAccessKeyLastUsed";

/// What the file holds.
pub(super) fn read(mut file: v1::IamFile, answers: &Answers) -> Iam {
    let details = file.get_account_authorization_details.take().unwrap_or_default();
    let place = |list: &str, index: usize| {
        answers.source(DETAILS, &[], format!("/GetAccountAuthorizationDetails/{list}/{index}"))
    };
    let users =
        indexed(details.user_detail_list, |index, it| user(&mut file, answers, place("UserDetailList", index), it));
    let groups = indexed(details.group_detail_list, |index, it| group(answers, place("GroupDetailList", index), it));
    let roles = indexed(details.role_detail_list, |index, it| role(answers, place("RoleDetailList", index), it));
    let policies = indexed(details.policies, |index, it| managed_policy(answers, &place("Policies", index), it));
    let summary = file.get_account_summary.take().and_then(|answer| answer.summary_map);
    let summary = answers.fact("iam:GetAccountSummary", &[], summary).map(|map| Summary {
        map,
        source: answers.source("iam:GetAccountSummary", &[], "/GetAccountSummary/SummaryMap".to_owned()),
    });
    let report = answers.fact(REPORT, &[], file.get_credential_report.take());
    let devices = file.list_virtual_mfa_devices.take().and_then(|answer| answer.virtual_mfa_devices);
    let devices = indexed(devices, |index, it| virtual_mfa_device(answers, index, it));
    Iam {
        users: answers.listing(DETAILS, &[], "UserDetailList", users),
        groups: answers.listing(DETAILS, &[], "GroupDetailList", groups),
        roles: answers.listing(DETAILS, &[], "RoleDetailList", roles),
        policies: answers.listing(DETAILS, &[], "Policies", policies),
        summary,
        credential_report: report.and_then(|it| credential_report(answers, &it)),
        virtual_mfa_devices: answers.listing("iam:ListVirtualMFADevices", &[], "VirtualMFADevices", devices),
        password_policy: password_policy(&mut file, answers),
        server_certificates: server_certificates(&mut file, answers),
        saml_providers: saml_providers(&mut file, answers),
        openid_connect_providers: openid_connect_providers(&mut file, answers),
        security_contact: alternate_contact(&mut file, answers, "SECURITY"),
        billing_contact: alternate_contact(&mut file, answers, "BILLING"),
        operations_contact: alternate_contact(&mut file, answers, "OPERATIONS"),
        organizations_features: organizations_features(&mut file, answers),
    }
}

fn indexed<T, U>(items: Option<Vec<T>>, mut convert: impl FnMut(usize, T) -> U) -> Option<Vec<U>> {
    items.map(|items| items.into_iter().enumerate().map(|(index, item)| convert(index, item)).collect())
}

fn tags(tags: Option<Vec<v1::Tag>>) -> Tags {
    tags.into_iter().flatten().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect()
}

fn attached(policies: Option<Vec<v1::AttachedPolicy>>) -> Vec<AttachedPolicy> {
    let policies = policies.into_iter().flatten();
    policies
        .map(|it| AttachedPolicy { name: it.policy_name.unwrap_or_default(), arn: it.policy_arn.unwrap_or_default() })
        .collect()
}

/// A document of GetAccountAuthorizationDetails: a JSON object as the AWS CLI prints it, or a string that holds the text.
fn document(answers: &Answers, owner: &str, raw: Option<&RawValue>) -> Document {
    let raw = raw.ok_or_else(|| Gap::malformed(DETAILS, &[owner], "it has no document"))?;
    if raw.get().starts_with('"') {
        let text: String = serde_json::from_str(raw.get())
            .map_err(|failed| Gap::malformed(DETAILS, &[owner], format!("not a policy document: {failed}")))?;
        return answers.document(DETAILS, &[owner], &text);
    }
    answers.document(DETAILS, &[owner], raw.get())
}

/// A document that gives permissions. IAM stores none without a resource, so such a one was cut or is none.
fn identity_document(answers: &Answers, owner: &str, raw: Option<&RawValue>) -> Document {
    let document = document(answers, owner, raw)?;
    if document.tolerated.iter().any(|it| matches!(it.what, Tolerated::AbsentResource)) {
        return Err(Gap::malformed(DETAILS, &[owner], "a statement names neither Resource nor NotResource"));
    }
    Ok(document)
}

fn inline(
    answers: &Answers,
    owner: &str,
    source: &Source,
    list: &str,
    policies: Option<Vec<v1::InlinePolicy>>,
) -> Vec<InlinePolicy> {
    let policy = |(index, it): (usize, v1::InlinePolicy)| InlinePolicy {
        name: it.policy_name.unwrap_or_default(),
        document: identity_document(answers, owner, it.policy_document.as_deref()),
        source: source.child(list).child(&index.to_string()).child("PolicyDocument"),
    };
    policies.into_iter().flatten().enumerate().map(policy).collect()
}

fn user(file: &mut v1::IamFile, answers: &Answers, source: Source, user: v1::UserDetail) -> User {
    let name = user.user_name.unwrap_or_default();
    let arn = user.arn.unwrap_or_default();
    User {
        inline_policies: inline(answers, &arn, &source, "UserPolicyList", user.user_policy_list),
        id: user.user_id.unwrap_or_default(),
        create_date: user.create_date.map(|time| time.0),
        attached_policies: attached(user.attached_managed_policies),
        groups: user.group_list.unwrap_or_default(),
        permissions_boundary: user.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        tags: tags(user.tags),
        mfa_devices: mfa_devices(file, answers, &name),
        access_keys: access_keys(file, answers, &name),
        service_specific_credentials: service_specific_credentials(file, answers, &name),
        arn,
        name,
        source,
    }
}

fn mfa_devices(file: &mut v1::IamFile, answers: &Answers, user: &str) -> Listing<MfaDevice> {
    let listed = file.list_mfa_devices.as_mut().and_then(|users| users.remove(user)?.mfa_devices);
    let devices = indexed(listed, |index, it| MfaDevice {
        serial_number: it.serial_number.unwrap_or_default(),
        source: answers.source(MFA_DEVICES, &[user], format!("/ListMFADevices/{}/MFADevices/{index}", escape(user))),
    });
    answers.listing(MFA_DEVICES, &[user], "MFADevices", devices)
}

fn access_keys(file: &mut v1::IamFile, answers: &Answers, user: &str) -> Listing<AccessKey> {
    let listed = file.list_access_keys.as_mut().and_then(|users| users.remove(user)?.access_key_metadata);
    let mut uses = file.get_access_key_last_used.take();
    let keys = indexed(listed, |index, it| AccessKey {
        last_used: access_key_last_used(&mut uses, answers, it.access_key_id.as_deref().unwrap_or_default()),
        id: it.access_key_id.unwrap_or_default(),
        status: it.status.unwrap_or_default(),
        create_date: it
            .create_date
            .map(|time| time.0)
            .ok_or_else(|| Gap::malformed(ACCESS_KEYS, &[user], "an access key has no CreateDate")),
        source: answers.source(
            ACCESS_KEYS,
            &[user],
            format!("/ListAccessKeys/{}/AccessKeyMetadata/{index}", escape(user)),
        ),
    });
    file.get_access_key_last_used = uses;
    answers.listing(ACCESS_KEYS, &[user], "AccessKeyMetadata", keys)
}

fn access_key_last_used(
    uses: &mut Option<v1::Resources<v1::AccessKeyLastUsed>>,
    answers: &Answers,
    key: &str,
) -> Fact<AccessKeyLastUsed> {
    let used = uses.as_mut().and_then(|keys| keys.remove(key)?.access_key_last_used);
    let used = answers.fact(ACCESS_KEY_LAST_USED, &[key], used)?;
    Ok(AccessKeyLastUsed {
        date: used.last_used_date.map(|time| time.0),
        service: used.service_name.unwrap_or_default(),
        region: used.region.unwrap_or_default(),
        source: answers.source(
            ACCESS_KEY_LAST_USED,
            &[key],
            format!("/GetAccessKeyLastUsed/{}/AccessKeyLastUsed", escape(key)),
        ),
    })
}

fn service_specific_credentials(
    file: &mut v1::IamFile,
    answers: &Answers,
    user: &str,
) -> Listing<ServiceSpecificCredential> {
    const API: &str = "iam:ListServiceSpecificCredentials";
    let listed = file.list_service_specific_credentials.as_mut();
    let listed = listed.and_then(|users| users.remove(user)?.service_specific_credentials);
    let place = format!("/ListServiceSpecificCredentials/{}/ServiceSpecificCredentials", escape(user));
    let credentials = indexed(listed, |index, it| ServiceSpecificCredential {
        id: it.service_specific_credential_id.unwrap_or_default(),
        service: it.service_name.unwrap_or_default(),
        status: it.status.unwrap_or_default(),
        expiration_date: it.expiration_date.map(|time| time.0),
        source: answers.source(API, &[user], format!("{place}/{index}")),
    });
    answers.listing(API, &[user], "ServiceSpecificCredentials", credentials)
}

fn password_policy(file: &mut v1::IamFile, answers: &Answers) -> Fact<Option<PasswordPolicy>> {
    const API: &str = "iam:GetAccountPasswordPolicy";
    if answers.is_empty(API, &[]) {
        return Ok(None);
    }
    let policy = file.get_account_password_policy.take().and_then(|answer| answer.password_policy);
    let it = answers.fact(API, &[], policy)?;
    Ok(Some(PasswordPolicy {
        minimum_length: it.minimum_password_length,
        require_symbols: it.require_symbols,
        require_numbers: it.require_numbers,
        require_uppercase: it.require_uppercase_characters,
        require_lowercase: it.require_lowercase_characters,
        // A maximum of 0 days, which the API gives beside `ExpirePasswords: false`, is none.
        max_age_days: it.max_password_age.filter(|days| *days > 0 && it.expire_passwords != Some(false)),
        reuse_prevention: it.password_reuse_prevention.filter(|passwords| *passwords > 0),
        source: answers.source(API, &[], "/GetAccountPasswordPolicy/PasswordPolicy".to_owned()),
    }))
}

fn server_certificates(file: &mut v1::IamFile, answers: &Answers) -> Listing<ServerCertificate> {
    const API: &str = "iam:ListServerCertificates";
    const LIST: &str = "ServerCertificateMetadataList";
    let listed = file.list_server_certificates.take().and_then(|answer| answer.server_certificate_metadata_list);
    let certificates = indexed(listed, |index, it| ServerCertificate {
        arn: it.arn.unwrap_or_default(),
        name: it.server_certificate_name.unwrap_or_default(),
        expiration: it
            .expiration
            .map(|time| time.0)
            .ok_or_else(|| Gap::malformed(API, &[], "a server certificate has no Expiration")),
        source: answers.source(API, &[], format!("/ListServerCertificates/{LIST}/{index}")),
    });
    answers.listing(API, &[], LIST, certificates)
}

fn saml_providers(file: &mut v1::IamFile, answers: &Answers) -> Listing<IdentityProvider> {
    const API: &str = "iam:ListSAMLProviders";
    let listed = file.list_saml_providers.take().and_then(|answer| answer.saml_provider_list);
    let providers = indexed(listed, |index, it| IdentityProvider {
        arn: it.arn.unwrap_or_default(),
        source: answers.source(API, &[], format!("/ListSAMLProviders/SAMLProviderList/{index}")),
    });
    answers.listing(API, &[], "SAMLProviderList", providers)
}

fn openid_connect_providers(file: &mut v1::IamFile, answers: &Answers) -> Listing<IdentityProvider> {
    const API: &str = "iam:ListOpenIDConnectProviders";
    let listed = file.list_open_id_connect_providers.take().and_then(|answer| answer.open_id_connect_provider_list);
    let providers = indexed(listed, |index, it| IdentityProvider {
        arn: it.arn.unwrap_or_default(),
        source: answers.source(API, &[], format!("/ListOpenIDConnectProviders/OpenIDConnectProviderList/{index}")),
    });
    answers.listing(API, &[], "OpenIDConnectProviderList", providers)
}

fn alternate_contact(file: &mut v1::IamFile, answers: &Answers, kind: &str) -> Fact<Option<AlternateContact>> {
    const API: &str = "account:GetAlternateContact";
    if answers.is_empty(API, &[kind]) {
        return Ok(None);
    }
    let contact = file.get_alternate_contact.as_mut().and_then(|kinds| kinds.remove(kind)?.alternate_contact);
    let it = answers.fact(API, &[kind], contact)?;
    Ok(Some(AlternateContact {
        email_address: it.email_address.filter(|address| !address.trim().is_empty()),
        source: answers.source(API, &[kind], format!("/GetAlternateContact/{kind}/AlternateContact")),
    }))
}

fn organizations_features(file: &mut v1::IamFile, answers: &Answers) -> Fact<OrganizationsFeatures> {
    const API: &str = "iam:ListOrganizationsFeatures";
    let source = answers.source(API, &[], "/ListOrganizationsFeatures".to_owned());
    if answers.is_empty(API, &[]) {
        return Ok(OrganizationsFeatures { enabled: Vec::new(), source });
    }
    let answer = answers.fact(API, &[], file.list_organizations_features.take())?;
    Ok(OrganizationsFeatures { enabled: answer.enabled_features.unwrap_or_default(), source })
}

fn group(answers: &Answers, source: Source, group: v1::GroupDetail) -> Group {
    let arn = group.arn.unwrap_or_default();
    Group {
        inline_policies: inline(answers, &arn, &source, "GroupPolicyList", group.group_policy_list),
        arn,
        name: group.group_name.unwrap_or_default(),
        id: group.group_id.unwrap_or_default(),
        attached_policies: attached(group.attached_managed_policies),
        source,
    }
}

fn role(answers: &Answers, source: Source, role: v1::RoleDetail) -> Role {
    let arn = role.arn.unwrap_or_default();
    Role {
        inline_policies: inline(answers, &arn, &source, "RolePolicyList", role.role_policy_list),
        trust_policy: document(answers, &arn, role.assume_role_policy_document.as_deref()),
        trust_policy_source: source.child("AssumeRolePolicyDocument"),
        name: role.role_name.unwrap_or_default(),
        id: role.role_id.unwrap_or_default(),
        path: role.path.unwrap_or_default(),
        create_date: role.create_date.map(|time| time.0),
        last_used: role
            .role_last_used
            .map(|used| used.last_used_date.map(|time| time.0))
            .ok_or_else(|| Gap::malformed(DETAILS, &[&arn], "it has no RoleLastUsed")),
        attached_policies: attached(role.attached_managed_policies),
        permissions_boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        tags: tags(role.tags),
        arn,
        source,
    }
}

fn managed_policy(answers: &Answers, source: &Source, policy: v1::PolicyDetail) -> ManagedPolicy {
    let arn = policy.arn.unwrap_or_default();
    let default_version_id = policy.default_version_id.unwrap_or_default();
    let versions = policy.policy_version_list.unwrap_or_default();
    let is_default = |version: &v1::PolicyVersion| {
        version.is_default_version == Some(true) || version.version_id.as_deref() == Some(default_version_id.as_str())
    };
    let defaults: Vec<_> = versions.iter().enumerate().filter(|(_, version)| is_default(version)).collect();
    let malformed = |message: &str| (Err(Gap::malformed(DETAILS, &[&arn], message)), source.clone());
    let (document, document_source) = match defaults.as_slice() {
        [] => malformed("its default version is not among its versions"),
        [(index, version)] => (
            identity_document(answers, &arn, version.document.as_deref()),
            source.child("PolicyVersionList").child(&index.to_string()).child("Document"),
        ),
        _ => malformed("DefaultVersionId and IsDefaultVersion name different versions"),
    };
    let name = policy.policy_name.or_else(|| arn.rsplit('/').next().map(str::to_owned));
    ManagedPolicy {
        name: name.unwrap_or_default(),
        id: policy.policy_id.unwrap_or_default(),
        default_version_id,
        document,
        attachment_count: policy.attachment_count,
        permissions_boundary_usage_count: policy.permissions_boundary_usage_count,
        source: source.clone(),
        document_source,
        arn,
    }
}

fn virtual_mfa_device(answers: &Answers, index: usize, device: v1::VirtualMfaDevice) -> VirtualMfaDevice {
    let pointer = format!("/ListVirtualMFADevices/VirtualMFADevices/{index}");
    VirtualMfaDevice {
        serial_number: device.serial_number.unwrap_or_default(),
        user_arn: device.user.and_then(|user| user.arn),
        source: answers.source("iam:ListVirtualMFADevices", &[], pointer),
    }
}

/// The credential report out of its base64 and CSV.
fn credential_report(answers: &Answers, report: &v1::CredentialReport) -> Fact<CredentialReport> {
    let malformed = |message: String| Gap::malformed(REPORT, &[], message);
    let content = report.content.as_deref().unwrap_or_default();
    let text = base64::engine::general_purpose::STANDARD
        .decode(content.trim())
        .map_err(|failed| malformed(format!("its content is not base64: {failed}")))?;
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_slice());
    let header = reader.headers().map_err(|failed| malformed(failed.to_string()))?;
    let columns: Vec<Arc<str>> = header.iter().map(Arc::from).collect();
    if !columns.iter().any(|column| column.as_ref() == "user") {
        return Err(malformed("it has no column `user`".to_owned()));
    }
    let mut rows = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|failed| malformed(failed.to_string()))?;
        let cells: BTreeMap<Arc<str>, String> = columns.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
        let row = CredentialReportRow::new(cells);
        rows.insert(Arc::from(row.cell("user").unwrap_or_default()), row);
    }
    Ok(CredentialReport {
        generated_time: report.generated_time.map(|time| time.0),
        rows,
        source: answers.source(REPORT, &[], "/GetCredentialReport".to_owned()),
    })
}
