//! Principals, policies and credentials of an account.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Document, Fact, Gap, Listing, Source, Tags};

/// What IAM says of an account.
#[derive(Debug, Clone)]
pub struct Iam {
    /// Users.
    pub users: Listing<User>,
    /// Groups.
    pub groups: Listing<Group>,
    /// Roles.
    pub roles: Listing<Role>,
    /// Customer managed policies, and those AWS managed policies that are attached.
    pub policies: Listing<ManagedPolicy>,
    /// `GetAccountSummary`: quotas and counts by AWS's names.
    pub summary: Fact<Summary>,
    /// The credential report.
    pub credential_report: Fact<CredentialReport>,
    /// Virtual MFA devices, assigned or not.
    pub virtual_mfa_devices: Listing<VirtualMfaDevice>,
    /// The password policy; none where the account has no policy of its own.
    pub password_policy: Fact<Option<PasswordPolicy>>,
    /// Server certificates that IAM stores.
    pub server_certificates: Listing<ServerCertificate>,
    /// SAML providers.
    pub saml_providers: Listing<IdentityProvider>,
    /// OpenID Connect providers.
    pub openid_connect_providers: Listing<IdentityProvider>,
    /// The alternate contact for security; none where AWS says that there is none.
    pub security_contact: Fact<Option<AlternateContact>>,
    /// The alternate contact for billing; none where AWS says that there is none.
    pub billing_contact: Fact<Option<AlternateContact>>,
    /// The alternate contact for operations; none where AWS says that there is none.
    pub operations_contact: Fact<Option<AlternateContact>>,
    /// What centralized root access is turned on for: `RootCredentialsManagement`, `RootSessions`. Asked in the management account.
    pub organizations_features: Fact<OrganizationsFeatures>,
}

impl Iam {
    /// An account of which nothing is known.
    pub fn missing(gap: &Gap) -> Self {
        Self {
            users: Listing::missing(gap.clone()),
            groups: Listing::missing(gap.clone()),
            roles: Listing::missing(gap.clone()),
            policies: Listing::missing(gap.clone()),
            summary: Err(gap.clone()),
            credential_report: Err(gap.clone()),
            virtual_mfa_devices: Listing::missing(gap.clone()),
            password_policy: Err(gap.clone()),
            server_certificates: Listing::missing(gap.clone()),
            saml_providers: Listing::missing(gap.clone()),
            openid_connect_providers: Listing::missing(gap.clone()),
            security_contact: Err(gap.clone()),
            billing_contact: Err(gap.clone()),
            operations_contact: Err(gap.clone()),
            organizations_features: Err(gap.clone()),
        }
    }
}

/// `GetAccountPasswordPolicy`.
#[derive(Debug, Clone)]
pub struct PasswordPolicy {
    /// Least number of characters.
    pub minimum_length: Option<i64>,
    /// Whether a password must hold a symbol.
    pub require_symbols: Option<bool>,
    /// Whether a password must hold a digit.
    pub require_numbers: Option<bool>,
    /// Whether a password must hold an upper case letter.
    pub require_uppercase: Option<bool>,
    /// Whether a password must hold a lower case letter.
    pub require_lowercase: Option<bool>,
    /// Days after which a password expires; none where it does not.
    pub max_age_days: Option<i64>,
    /// How many earlier passwords may not be used again; none where all may.
    pub reuse_prevention: Option<i64>,
    /// Where it was read.
    pub source: Source,
}

/// A server certificate that IAM stores.
#[derive(Debug, Clone)]
pub struct ServerCertificate {
    /// ARN with path.
    pub arn: String,
    /// Name.
    pub name: String,
    /// When it expires.
    pub expiration: Fact<Timestamp>,
    /// Where it was read.
    pub source: Source,
}

/// A SAML or OpenID Connect provider.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    /// ARN.
    pub arn: String,
    /// Where it was read.
    pub source: Source,
}

/// An alternate contact of the account.
#[derive(Debug, Clone)]
pub struct AlternateContact {
    /// Its e-mail address, if it has one.
    pub email_address: Option<String>,
    /// Where it was read.
    pub source: Source,
}

/// `ListOrganizationsFeatures`.
#[derive(Debug, Clone)]
pub struct OrganizationsFeatures {
    /// Features by AWS's names.
    pub enabled: Vec<String>,
    /// Where it was read.
    pub source: Source,
}

/// `GetAccountSummary`.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Numbers by AWS's names: `AccountMFAEnabled`, `Users`, …
    pub map: BTreeMap<String, i64>,
    /// Where it was read.
    pub source: Source,
}

/// A user, group or role, for rules that treat them alike.
#[derive(Debug, Clone, Copy)]
pub enum Principal<'a> {
    /// A user.
    User(&'a User),
    /// A group, which holds policies but never acts.
    Group(&'a Group),
    /// A role.
    Role(&'a Role),
}

impl<'a> Principal<'a> {
    /// The user, if it is one.
    pub fn user(self) -> Option<&'a User> {
        if let Self::User(user) = self { Some(user) } else { None }
    }

    /// The group, if it is one.
    pub fn group(self) -> Option<&'a Group> {
        if let Self::Group(group) = self { Some(group) } else { None }
    }

    /// The role, if it is one.
    pub fn role(self) -> Option<&'a Role> {
        if let Self::Role(role) = self { Some(role) } else { None }
    }

    /// Its ARN.
    pub fn arn(self) -> &'a str {
        match self {
            Self::User(user) => &user.arn,
            Self::Group(group) => &group.arn,
            Self::Role(role) => &role.arn,
        }
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        match self {
            Self::User(user) => &user.name,
            Self::Group(group) => &group.name,
            Self::Role(role) => &role.name,
        }
    }

    /// Its inline policies.
    pub fn inline_policies(self) -> &'a [InlinePolicy] {
        match self {
            Self::User(user) => &user.inline_policies,
            Self::Group(group) => &group.inline_policies,
            Self::Role(role) => &role.inline_policies,
        }
    }

    /// Managed policies attached to it.
    pub fn attached_policies(self) -> &'a [AttachedPolicy] {
        match self {
            Self::User(user) => &user.attached_policies,
            Self::Group(group) => &group.attached_policies,
            Self::Role(role) => &role.attached_policies,
        }
    }

    /// Whether AWS owns it, so that the customer cannot change it.
    pub fn is_service_linked(self) -> bool {
        matches!(self, Self::Role(role) if role.is_service_linked())
    }

    /// CloudFormation's name of its type.
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::User(_) => "AWS::IAM::User",
            Self::Group(_) => "AWS::IAM::Group",
            Self::Role(_) => "AWS::IAM::Role",
        }
    }

    /// Where it was read.
    pub fn source(self) -> &'a Source {
        match self {
            Self::User(user) => &user.source,
            Self::Group(group) => &group.source,
            Self::Role(role) => &role.source,
        }
    }
}

/// An IAM user.
#[derive(Debug, Clone)]
pub struct User {
    /// ARN with path.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Unique id, `AIDA…`.
    pub id: String,
    /// When it was created.
    pub create_date: Option<Timestamp>,
    /// Its inline policies.
    pub inline_policies: Vec<InlinePolicy>,
    /// Managed policies attached to it.
    pub attached_policies: Vec<AttachedPolicy>,
    /// Names of its groups.
    pub groups: Vec<String>,
    /// ARN of its permissions boundary, if it has one.
    pub permissions_boundary: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// MFA devices assigned to it.
    pub mfa_devices: Listing<MfaDevice>,
    /// Its access keys.
    pub access_keys: Listing<AccessKey>,
    /// Its credentials for single services.
    pub service_specific_credentials: Listing<ServiceSpecificCredential>,
    /// Where it was read.
    pub source: Source,
}

/// An IAM group.
#[derive(Debug, Clone)]
pub struct Group {
    /// ARN with path.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Unique id, `AGPA…`.
    pub id: String,
    /// Its inline policies.
    pub inline_policies: Vec<InlinePolicy>,
    /// Managed policies attached to it.
    pub attached_policies: Vec<AttachedPolicy>,
    /// Where it was read.
    pub source: Source,
}

/// An IAM role.
#[derive(Debug, Clone)]
pub struct Role {
    /// ARN with path.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Unique id, `AROA…`.
    pub id: String,
    /// Path; `/aws-service-role/…` for service-linked roles.
    pub path: String,
    /// When it was created.
    pub create_date: Option<Timestamp>,
    /// When it was last used in the last 400 days, to the day; none where AWS tracked no use in that time.
    pub last_used: Fact<Option<Timestamp>>,
    /// Its trust policy.
    pub trust_policy: Document,
    /// Where the trust policy was read.
    pub trust_policy_source: Source,
    /// Its inline policies.
    pub inline_policies: Vec<InlinePolicy>,
    /// Managed policies attached to it.
    pub attached_policies: Vec<AttachedPolicy>,
    /// ARN of its permissions boundary, if it has one.
    pub permissions_boundary: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// Where it was read.
    pub source: Source,
}

impl Role {
    /// Whether AWS owns the role, so that the customer cannot change it.
    pub fn is_service_linked(&self) -> bool {
        self.path.starts_with("/aws-service-role/")
    }
}

/// A policy inside a user, group or role.
#[derive(Debug, Clone)]
pub struct InlinePolicy {
    /// Its name.
    pub name: String,
    /// Its document.
    pub document: Document,
    /// Where it was read.
    pub source: Source,
}

/// A managed policy attached to a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedPolicy {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

/// A managed policy.
#[derive(Debug, Clone)]
pub struct ManagedPolicy {
    /// ARN with path; the account is `aws` for AWS managed policies.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Unique id, `ANPA…`.
    pub id: String,
    /// Id of the default version.
    pub default_version_id: String,
    /// Document of the default version.
    pub document: Document,
    /// How many users, groups and roles it is attached to.
    pub attachment_count: Option<i64>,
    /// How many users and roles have it as their permissions boundary.
    pub permissions_boundary_usage_count: Option<i64>,
    /// Where it was read.
    pub source: Source,
    /// Where its default version was read.
    pub document_source: Source,
}

impl ManagedPolicy {
    /// Whether AWS owns the policy.
    pub fn is_aws_managed(&self) -> bool {
        super::Arn::parse(&self.arn).is_some_and(|arn| arn.account_id == "aws")
    }

    /// Whether the policy serves as a permissions boundary and is attached nowhere. A count that AWS did not give says no.
    pub fn is_boundary_only(&self) -> bool {
        self.permissions_boundary_usage_count.is_some_and(|count| count > 0) && self.attachment_count == Some(0)
    }
}

/// An access key.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// `AKIA…`.
    pub id: String,
    /// `Active`, `Inactive` or `Expired`.
    pub status: String,
    /// When it was created.
    pub create_date: Fact<Timestamp>,
    /// `GetAccessKeyLastUsed`.
    pub last_used: Fact<AccessKeyLastUsed>,
    /// Where it was read.
    pub source: Source,
}

/// `GetAccessKeyLastUsed`: the last request that an access key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyLastUsed {
    /// When, to the quarter of an hour; none where AWS has no record of a use.
    pub date: Option<Timestamp>,
    /// The service that was called: `s3`; `N/A` where there is no record.
    pub service: String,
    /// The Region in which it was called; `N/A` where there is no record.
    pub region: String,
    /// Where it was read.
    pub source: Source,
}

/// A credential of a user for one service, such as Git over HTTPS or an API key of Bedrock.
#[derive(Debug, Clone)]
pub struct ServiceSpecificCredential {
    /// `ACCA…`.
    pub id: String,
    /// `codecommit.amazonaws.com`, `cassandra.amazonaws.com`, `bedrock.amazonaws.com`, …
    pub service: String,
    /// `Active`, `Inactive` or `Expired`.
    pub status: String,
    /// When it expires; none where it does not.
    pub expiration_date: Option<Timestamp>,
    /// Where it was read.
    pub source: Source,
}

/// An MFA device of a user.
#[derive(Debug, Clone)]
pub struct MfaDevice {
    /// Serial number, or the ARN of a virtual device.
    pub serial_number: String,
    /// Where it was read.
    pub source: Source,
}

/// A virtual MFA device.
#[derive(Debug, Clone)]
pub struct VirtualMfaDevice {
    /// ARN of the device.
    pub serial_number: String,
    /// ARN of the user that has it, if any.
    pub user_arn: Option<String>,
    /// Where it was read.
    pub source: Source,
}

/// The credential report: one row a user, and the root user as `<root_account>`.
#[derive(Debug, Clone)]
pub struct CredentialReport {
    /// When IAM made it; it may be four hours old.
    pub generated_time: Option<Timestamp>,
    /// Rows by user name.
    pub rows: BTreeMap<Arc<str>, CredentialReportRow>,
    /// Where it was read.
    pub source: Source,
}

/// A row of the credential report: cells by column name, as IAM wrote them (`true`, `N/A`, `no_information`, `not_supported`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialReportRow {
    cells: BTreeMap<Arc<str>, String>,
}

impl CredentialReportRow {
    /// A row from its cells.
    pub fn new(cells: BTreeMap<Arc<str>, String>) -> Self {
        Self { cells }
    }

    /// The row as a report without this column has it.
    #[cfg(test)]
    pub(crate) fn without(&self, column: &str) -> Self {
        let mut cells = self.cells.clone();
        cells.remove(column);
        Self { cells }
    }

    /// The cell under a column, if the report has that column.
    pub fn cell(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(String::as_str)
    }

    /// A cell that holds `true` or `false`; any other text is `None`.
    pub fn flag(&self, column: &str) -> Option<bool> {
        match self.cell(column)? {
            "true" | "TRUE" => Some(true),
            "false" | "FALSE" => Some(false),
            _ => None,
        }
    }
}
