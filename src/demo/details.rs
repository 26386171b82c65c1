//! What IAM answers about one account of the demo: authorization details, summary, devices, access keys, providers.

use std::collections::BTreeMap;

use super::account::{Account, Summary};
use super::ids::{iam_id, time_on};
use super::policies::{aws_managed, identity_center_provider};
use super::principals::{AccessKey, Group, Held, ManagedPolicy, Mfa, Role, User};
use crate::snapshot::Error;
use crate::snapshot::v1;

/// The day on which AWS managed policies count as made.
const AWS_POLICY_DAY: &str = "2015-02-06";

/// ARN of a user.
pub(super) fn user_arn(account: &str, user: &User) -> String {
    format!("arn:aws:iam::{account}:user{}{}", user.path, user.name)
}

/// ARN of the policy of this reference: `ClaimsReader`, `team/ClaimsReader`, `aws/AdministratorAccess`.
fn policy_arn(account: &str, reference: &str) -> String {
    match reference.strip_prefix("aws/") {
        Some(name) => format!("arn:aws:iam::aws:policy/{name}"),
        None => format!("arn:aws:iam::{account}:policy/{reference}"),
    }
}

/// The whole answer of GetAccountAuthorizationDetails.
pub(super) fn authorization_details(account: &Account) -> Result<v1::AuthorizationDetails, Error> {
    let id = account.id.as_str();
    Ok(v1::AuthorizationDetails {
        user_detail_list: Some(account.users.iter().map(|user| user_detail(id, user)).collect::<Result<_, _>>()?),
        group_detail_list: Some(account.groups.iter().map(|group| group_detail(id, group)).collect::<Result<_, _>>()?),
        role_detail_list: Some(account.roles.iter().map(|role| role_detail(id, role)).collect::<Result<_, _>>()?),
        policies: Some(policies(account)?),
    })
}

fn user_detail(account: &str, user: &User) -> Result<v1::UserDetail, Error> {
    Ok(v1::UserDetail {
        path: Some(user.path.clone()),
        user_name: Some(user.name.clone()),
        user_id: Some(iam_id("AIDA", 21, &[account, &user.name, &user.created])),
        arn: Some(user_arn(account, user)),
        create_date: Some(time_on(&user.created, &[&user.name])),
        user_policy_list: inline(&user.held)?,
        group_list: Some(user.groups.clone()),
        attached_managed_policies: Some(attached(account, &user.held)),
        permissions_boundary: boundary(account, &user.held),
        tags: Some(tags(&user.held)),
    })
}

fn group_detail(account: &str, group: &Group) -> Result<v1::GroupDetail, Error> {
    Ok(v1::GroupDetail {
        path: Some(group.path.clone()),
        group_name: Some(group.name.clone()),
        group_id: Some(iam_id("AGPA", 21, &[account, &group.name])),
        arn: Some(format!("arn:aws:iam::{account}:group{}{}", group.path, group.name)),
        create_date: Some(time_on(&group.created, &[&group.name])),
        group_policy_list: Some(inline(&group.held)?.unwrap_or_default()),
        attached_managed_policies: Some(attached(account, &group.held)),
    })
}

fn role_detail(account: &str, role: &Role) -> Result<v1::RoleDetail, Error> {
    let profile = role.instance_profile.then(|| v1::InstanceProfile {
        path: Some("/".to_owned()),
        instance_profile_name: Some(role.name.clone()),
        instance_profile_id: Some(iam_id("AIPA", 21, &[account, &role.name])),
        arn: Some(format!("arn:aws:iam::{account}:instance-profile/{}", role.name)),
        create_date: Some(time_on(&role.created, &[&role.name, "profile"])),
    });
    Ok(v1::RoleDetail {
        path: Some(role.path.clone()),
        role_name: Some(role.name.clone()),
        role_id: Some(iam_id("AROA", 21, &[account, &role.name, &role.created])),
        arn: Some(format!("arn:aws:iam::{account}:role{}{}", role.path, role.name)),
        create_date: Some(time_on(&role.created, &[&role.name])),
        assume_role_policy_document: Some(role.trust.embedded()?),
        instance_profile_list: Some(profile.into_iter().collect()),
        role_policy_list: Some(inline(&role.held)?.unwrap_or_default()),
        attached_managed_policies: Some(attached(account, &role.held)),
        permissions_boundary: boundary(account, &role.held),
        tags: Some(tags(&role.held)),
        role_last_used: Some(role.used.as_ref().map_or_else(Default::default, |(day, region)| v1::RoleLastUsed {
            last_used_date: Some(time_on(day, &[&role.name])),
            region: Some(region.clone()),
        })),
    })
}

/// The inline policies; none at all where AWS leaves the member out.
fn inline(held: &Held) -> Result<Option<Vec<v1::InlinePolicy>>, Error> {
    let policies = held.inline.iter().map(|(name, document)| {
        Ok(v1::InlinePolicy { policy_name: Some(name.clone()), policy_document: Some(document.embedded()?) })
    });
    let policies: Vec<_> = policies.collect::<Result<_, Error>>()?;
    Ok((!policies.is_empty()).then_some(policies))
}

fn attached(account: &str, held: &Held) -> Vec<v1::AttachedPolicy> {
    let attach = |reference: &String| v1::AttachedPolicy {
        policy_name: reference.rsplit('/').next().map(str::to_owned),
        policy_arn: Some(policy_arn(account, reference)),
    };
    held.attached.iter().map(attach).collect()
}

fn boundary(account: &str, held: &Held) -> Option<v1::PermissionsBoundary> {
    held.boundary.as_ref().map(|reference| v1::PermissionsBoundary {
        permissions_boundary_type: Some("Policy".to_owned()),
        permissions_boundary_arn: Some(policy_arn(account, reference)),
    })
}

fn tags(held: &Held) -> Vec<v1::Tag> {
    held.tags.iter().map(|(key, value)| v1::Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

/// Customer managed policies, attached or not, and the AWS managed policies that are in use.
fn policies(account: &Account) -> Result<Vec<v1::PolicyDetail>, Error> {
    let mut uses: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for held in holdings(account) {
        for reference in &held.attached {
            uses.entry(reference).or_default().0 += 1;
        }
        if let Some(reference) = &held.boundary {
            uses.entry(reference).or_default().1 += 1;
        }
    }
    let mut details = Vec::new();
    for policy in &account.policies {
        let used = uses.get(policy.reference().as_str()).copied().unwrap_or_default();
        details.push(customer_policy(&account.id, policy, used)?);
    }
    for (reference, used) in uses {
        if let Some(name) = reference.strip_prefix("aws/") {
            details.extend(aws_policy(name, used)?);
        }
    }
    Ok(details)
}

fn holdings(account: &Account) -> impl Iterator<Item = &Held> {
    let users = account.users.iter().map(|user| &user.held);
    let groups = account.groups.iter().map(|group| &group.held);
    users.chain(groups).chain(account.roles.iter().map(|role| &role.held))
}

fn customer_policy(account: &str, policy: &ManagedPolicy, used: (i64, i64)) -> Result<v1::PolicyDetail, Error> {
    let mut versions = Vec::new();
    for (place, (day, document)) in policy.versions.iter().enumerate() {
        versions.push(v1::PolicyVersion {
            document: Some(document.embedded()?),
            version_id: Some(format!("v{}", place + 1)),
            is_default_version: Some(place == policy.default),
            create_date: Some(time_on(day, &[&policy.name])),
        });
    }
    versions.reverse();
    let updated = policy.versions.last().map_or(policy.created.as_str(), |(day, _)| day);
    Ok(v1::PolicyDetail {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(iam_id("ANPA", 21, &[account, &policy.name])),
        arn: Some(policy_arn(account, &policy.reference())),
        path: Some(policy.path.clone()),
        default_version_id: Some(format!("v{}", policy.default + 1)),
        attachment_count: Some(used.0),
        permissions_boundary_usage_count: Some(used.1),
        is_attachable: Some(true),
        description: (!policy.description.is_empty()).then(|| policy.description.clone()),
        create_date: Some(time_on(&policy.created, &[&policy.name])),
        update_date: Some(time_on(updated, &[&policy.name])),
        policy_version_list: Some(versions),
    })
}

fn aws_policy(name: &str, used: (i64, i64)) -> Result<Option<v1::PolicyDetail>, Error> {
    let Some(policy) = aws_managed(name) else {
        return Err(Error::Encode {
            path: name.to_owned(),
            reason: "the demo does not know this AWS policy".to_owned(),
        });
    };
    let (path, short) = policy
        .name
        .rsplit_once('/')
        .map_or(("/".to_owned(), policy.name), |(path, short)| (format!("/{path}/"), short));
    let day = time_on(AWS_POLICY_DAY, &[short]);
    Ok(Some(v1::PolicyDetail {
        policy_name: Some(short.to_owned()),
        policy_id: Some(iam_id("ANPA", 21, &["aws", short])),
        arn: Some(policy_arn("aws", policy.name)),
        path: Some(path),
        default_version_id: Some(policy.version.to_owned()),
        attachment_count: Some(used.0),
        permissions_boundary_usage_count: Some(used.1),
        is_attachable: Some(true),
        description: None,
        create_date: Some(day),
        update_date: Some(day),
        policy_version_list: Some(vec![v1::PolicyVersion {
            document: Some(policy.document.embedded()?),
            version_id: Some(policy.version.to_owned()),
            is_default_version: Some(true),
            create_date: Some(day),
        }]),
    }))
}

/// The numbers of GetAccountSummary, counted from what the account holds.
pub(super) fn summary(account: &Account, details: &v1::AuthorizationDetails) -> Summary {
    let count = |items: usize| i64::try_from(items).unwrap_or(i64::MAX);
    let flag = i64::from;
    let in_use = details.policies.iter().flatten().filter(|policy| {
        policy.attachment_count.unwrap_or(0) + policy.permissions_boundary_usage_count.unwrap_or(0) > 0
    });
    let devices = account.users.iter().filter(|user| user.mfa.is_some()).count();
    let profiles = account.roles.iter().filter(|role| role.instance_profile).count();
    let virtual_devices = virtual_mfa_devices(account).len();
    let fido = account.users.iter().filter(|user| user.mfa == Some(Mfa::Fido)).count();
    let numbers = [
        ("Users", count(account.users.len())),
        ("Groups", count(account.groups.len())),
        ("Roles", count(account.roles.len())),
        ("Policies", count(account.policies.len())),
        ("PolicyVersionsInUse", count(in_use.count())),
        ("InstanceProfiles", count(profiles)),
        ("ServerCertificates", count(account.certificates.len())),
        ("Providers", count(saml_providers(account).len() + account.oidc.len())),
        ("MFADevices", count(virtual_devices + fido)),
        ("MFADevicesInUse", count(devices) + flag(account.root.mfa.is_some())),
        ("AccountMFAEnabled", flag(account.root.mfa.is_some())),
        ("AccountPasswordPresent", flag(account.root.password)),
        ("AccountAccessKeysPresent", account.root.access_keys),
        ("AccountSigningCertificatesPresent", 0),
        ("UsersQuota", 5000),
        ("GroupsQuota", 300),
        ("RolesQuota", 1000),
        ("PoliciesQuota", 1500),
        ("PolicyVersionsInUseQuota", 10000),
        ("InstanceProfilesQuota", 1000),
        ("ServerCertificatesQuota", 20),
        ("GroupsPerUserQuota", 10),
        ("AccessKeysPerUserQuota", 2),
        ("SigningCertificatesPerUserQuota", 2),
        ("VersionsPerPolicyQuota", 5),
        ("PolicySizeQuota", 6144),
        ("UserPolicySizeQuota", 2048),
        ("GroupPolicySizeQuota", 5120),
        ("AssumeRolePolicySizeQuota", 2048),
        ("AttachedPoliciesPerUserQuota", 10),
        ("AttachedPoliciesPerGroupQuota", 10),
        ("AttachedPoliciesPerRoleQuota", 10),
        ("GlobalEndpointTokenVersion", 1),
    ];
    numbers.into_iter().map(|(name, number)| (name.to_owned(), number)).collect()
}

/// Virtual MFA devices, that of the root user first.
pub(super) fn virtual_mfa_devices(account: &Account) -> Vec<v1::VirtualMfaDevice> {
    let id = &account.id;
    let root = (account.root.mfa == Some(Mfa::Virtual)).then(|| v1::VirtualMfaDevice {
        serial_number: Some(format!("arn:aws:iam::{id}:mfa/root-account-mfa-device")),
        user: Some(v1::VirtualMfaUser {
            user_id: Some(id.clone()),
            arn: Some(format!("arn:aws:iam::{id}:root")),
            create_date: Some(time_on(&account.created, &[id])),
            ..Default::default()
        }),
        enable_date: Some(time_on(&account.created, &[id, "mfa"])),
        tags: None,
    });
    let users = account.users.iter().filter(|user| user.mfa == Some(Mfa::Virtual)).map(|user| v1::VirtualMfaDevice {
        serial_number: Some(mfa_serial(id, user, Mfa::Virtual)),
        user: Some(v1::VirtualMfaUser {
            path: Some(user.path.clone()),
            user_name: Some(user.name.clone()),
            user_id: Some(iam_id("AIDA", 21, &[id, &user.name, &user.created])),
            arn: Some(user_arn(id, user)),
            create_date: Some(time_on(&user.created, &[&user.name])),
            password_last_used: password_last_used(user),
        }),
        enable_date: Some(time_on(&user.created, &[&user.name, "mfa"])),
        tags: None,
    });
    root.into_iter().chain(users).collect()
}

/// When the user last signed in to the console.
pub(super) fn password_last_used(user: &User) -> Option<v1::Time> {
    let day = user.console.as_ref()?.used.as_ref()?;
    Some(time_on(day, &[&user.name, "console"]))
}

fn mfa_serial(account: &str, user: &User, device: Mfa) -> String {
    match device {
        Mfa::Virtual => format!("arn:aws:iam::{account}:mfa/{}", user.name),
        Mfa::Fido => {
            let tail = iam_id("", 26, &[account, &user.name, "fido"]);
            format!("arn:aws:iam::{account}:u2f/user/{}/security-key-{tail}", user.name)
        }
    }
}

/// The MFA device of a user.
pub(super) fn mfa_device(account: &Account, user: &User) -> Option<v1::MfaDevice> {
    user.mfa.map(|device| v1::MfaDevice {
        user_name: Some(user.name.clone()),
        serial_number: Some(mfa_serial(&account.id, user, device)),
        enable_date: Some(time_on(&user.created, &[&user.name, "mfa"])),
    })
}

/// The access keys of a user.
pub(super) fn access_keys(account: &Account, user: &User) -> Vec<v1::AccessKeyMetadata> {
    let metadata = |key: &AccessKey| v1::AccessKeyMetadata {
        user_name: Some(user.name.clone()),
        access_key_id: Some(iam_id("AKIA", 20, &[&account.id, &user.name, &key.created])),
        status: Some(if key.active { "Active" } else { "Inactive" }.to_owned()),
        create_date: Some(time_on(&key.created, &[&user.name, "key"])),
    };
    user.keys.iter().map(metadata).collect()
}

/// The last use of an access key; a key that was never used has service and Region `N/A`.
pub(super) fn last_used(user: &User, key: &AccessKey) -> v1::AccessKeyLastUsed {
    let last = match &key.used {
        Some((day, service, region)) => v1::LastUsed {
            last_used_date: Some(time_on(day, &[&user.name, &key.created])),
            service_name: Some(service.clone()),
            region: Some(region.clone()),
        },
        None => {
            v1::LastUsed { last_used_date: None, service_name: Some("N/A".to_owned()), region: Some("N/A".to_owned()) }
        }
    };
    v1::AccessKeyLastUsed { user_name: Some(user.name.clone()), access_key_last_used: Some(last) }
}

/// The service-specific credentials of a user.
pub(super) fn service_credentials(account: &Account, user: &User) -> Vec<v1::ServiceSpecificCredential> {
    let credential = |held: &super::principals::ServiceCredential| v1::ServiceSpecificCredential {
        user_name: Some(user.name.clone()),
        status: Some(if held.active { "Active" } else { "Inactive" }.to_owned()),
        service_user_name: Some(format!("{}-at-{}", user.name, account.id)),
        create_date: Some(time_on(&held.created, &[&user.name, &held.service])),
        expiration_date: None,
        service_specific_credential_id: Some(iam_id("ACCA", 21, &[&account.id, &user.name, &held.service])),
        service_name: Some(held.service.clone()),
        service_credential_alias: None,
    };
    user.service_credentials.iter().map(credential).collect()
}

/// The SAML provider that Identity Center puts into each account.
pub(super) fn saml_providers(account: &Account) -> Vec<v1::SamlProvider> {
    let provider = account.identity_center.then(|| v1::SamlProvider {
        arn: Some(identity_center_provider(&account.id)),
        valid_until: Some(time_on("2122-03-01", &[&account.id])),
        create_date: Some(time_on(&account.created, &[&account.id, "saml"])),
    });
    provider.into_iter().collect()
}
