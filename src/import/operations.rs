//! The answers of the AWS CLI that can be imported, and how each is told from the others.

use serde_json::Value;

/// Which file of the snapshot an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Iam,
    Kms,
    Organization,
}

/// What an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// The account, Region or organization.
    Whole,
    /// A key, named by this member of the answer or of its first item.
    Key(&'static [&'static str]),
    /// A key and one of its policies.
    KeyPolicy,
    /// A user, named by this member of the first item.
    User(&'static [&'static str]),
    /// An alternate contact, named by this member.
    Contact(&'static [&'static str]),
}

/// An operation whose answer can be imported.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) service: &'static str,
    /// The members that only this operation's answer has.
    pub(super) members: &'static [&'static str],
    /// The lists of the answer.
    pub(super) lists: &'static [&'static str],
    pub(super) room: Room,
    pub(super) subject: Subject,
}

impl Operation {
    /// Service and operation: `kms:ListGrants`.
    pub(super) fn api(&self) -> String {
        format!("{}:{}", self.service, self.name)
    }
}

const fn operation(
    service: &'static str,
    name: &'static str,
    members: &'static [&'static str],
    lists: &'static [&'static str],
    room: Room,
    subject: Subject,
) -> Operation {
    Operation { name, service, members, lists, room, subject }
}

/// What can be imported, told apart by members. The first that fits is taken.
pub(super) const OPERATIONS: &[Operation] = &[
    operation(
        "iam",
        "GetAccountAuthorizationDetails",
        &["UserDetailList", "RoleDetailList"],
        &["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"],
        Room::Iam,
        Subject::Whole,
    ),
    operation("iam", "GetAccountSummary", &["SummaryMap"], &[], Room::Iam, Subject::Whole),
    operation("iam", "GetAccountPasswordPolicy", &["PasswordPolicy"], &[], Room::Iam, Subject::Whole),
    operation("iam", "GetCredentialReport", &["Content", "ReportFormat"], &[], Room::Iam, Subject::Whole),
    operation(
        "iam",
        "ListVirtualMFADevices",
        &["VirtualMFADevices"],
        &["VirtualMFADevices"],
        Room::Iam,
        Subject::Whole,
    ),
    operation(
        "iam",
        "ListMFADevices",
        &["MFADevices"],
        &["MFADevices"],
        Room::Iam,
        Subject::User(&["MFADevices", "UserName"]),
    ),
    operation(
        "iam",
        "ListAccessKeys",
        &["AccessKeyMetadata"],
        &["AccessKeyMetadata"],
        Room::Iam,
        Subject::User(&["AccessKeyMetadata", "UserName"]),
    ),
    operation(
        "iam",
        "ListServerCertificates",
        &["ServerCertificateMetadataList"],
        &["ServerCertificateMetadataList"],
        Room::Iam,
        Subject::Whole,
    ),
    operation(
        "iam",
        "ListServiceSpecificCredentials",
        &["ServiceSpecificCredentials"],
        &["ServiceSpecificCredentials"],
        Room::Iam,
        Subject::User(&["ServiceSpecificCredentials", "UserName"]),
    ),
    operation("iam", "ListSAMLProviders", &["SAMLProviderList"], &["SAMLProviderList"], Room::Iam, Subject::Whole),
    operation(
        "iam",
        "ListOpenIDConnectProviders",
        &["OpenIDConnectProviderList"],
        &["OpenIDConnectProviderList"],
        Room::Iam,
        Subject::Whole,
    ),
    operation(
        "iam",
        "ListOrganizationsFeatures",
        &["EnabledFeatures", "OrganizationId"],
        &[],
        Room::Iam,
        Subject::Whole,
    ),
    operation(
        "account",
        "GetAlternateContact",
        &["AlternateContact"],
        &[],
        Room::Iam,
        Subject::Contact(&["AlternateContact", "AlternateContactType"]),
    ),
    operation("account", "ListRegions", &["Regions"], &["Regions"], Room::Iam, Subject::Whole),
    operation("kms", "ListKeys", &["Keys"], &["Keys"], Room::Kms, Subject::Whole),
    operation("kms", "DescribeCustomKeyStores", &["CustomKeyStores"], &["CustomKeyStores"], Room::Kms, Subject::Whole),
    // Of a key that was never used AWS prints no `KeyLastUsage`.
    operation("kms", "GetKeyLastUsage", &["TrackingStartDate"], &[], Room::Kms, Subject::Key(&["KeyId"])),
    operation("kms", "ListAliases", &["Aliases"], &["Aliases"], Room::Kms, Subject::Whole),
    operation("kms", "DescribeKey", &["KeyMetadata"], &[], Room::Kms, Subject::Key(&["KeyMetadata", "KeyId"])),
    operation("kms", "ListKeyPolicies", &["PolicyNames"], &["PolicyNames"], Room::Kms, Subject::Key(&[])),
    operation("kms", "GetKeyPolicy", &["Policy"], &[], Room::Kms, Subject::KeyPolicy),
    operation("kms", "GetKeyRotationStatus", &["KeyRotationEnabled"], &[], Room::Kms, Subject::Key(&["KeyId"])),
    operation(
        "kms",
        "ListKeyRotations",
        &["Rotations"],
        &["Rotations"],
        Room::Kms,
        Subject::Key(&["Rotations", "KeyId"]),
    ),
    operation("kms", "ListGrants", &["Grants"], &["Grants"], Room::Kms, Subject::Key(&["Grants", "KeyId"])),
    operation("kms", "ListResourceTags", &["Tags"], &["Tags"], Room::Kms, Subject::Key(&[])),
    operation("organizations", "DescribeOrganization", &["Organization"], &[], Room::Organization, Subject::Whole),
    operation("organizations", "ListRoots", &["Roots"], &["Roots"], Room::Organization, Subject::Whole),
    operation("organizations", "ListAccounts", &["Accounts"], &["Accounts"], Room::Organization, Subject::Whole),
    operation(
        "organizations",
        "ListDelegatedAdministrators",
        &["DelegatedAdministrators"],
        &["DelegatedAdministrators"],
        Room::Organization,
        Subject::Whole,
    ),
    operation("organizations", "DescribeResourcePolicy", &["ResourcePolicy"], &[], Room::Organization, Subject::Whole),
];

/// The operation that gave this answer, by its members.
pub(super) fn recognise(value: &Value) -> Option<&'static Operation> {
    let object = value.as_object()?;
    let has_members = |operation: &&Operation| operation.members.iter().all(|member| object.contains_key(*member));
    OPERATIONS.iter().find(has_members).filter(|operation| !is_namesake(operation, value))
}

/// Whether the answer is of another operation that has a member of the same name.
fn is_namesake(operation: &Operation, value: &Value) -> bool {
    match operation.name {
        // `iam get-policy` and `organizations describe-policy` print an object.
        "GetKeyPolicy" => value.get("Policy").is_some_and(Value::is_object),
        // `ec2 describe-regions` prints `OptInStatus`. Every account has Regions.
        "ListRegions" => value.pointer("/Regions/0/RegionOptStatus").is_none(),
        _ => false,
    }
}
