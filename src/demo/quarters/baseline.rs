//! What every account of the company has: the audit role, Identity Center roles, service-linked roles, contacts, AWS's keys.

use serde_json::json;

use super::company::{DOMAIN, MANAGEMENT};
use super::{FRANKFURT, IRELAND, ROLE_NAME, VIRGINIA, management};
use crate::demo::account::{Account, password_policy};
use crate::demo::ids::hex;
use crate::demo::keys::Key;
use crate::demo::policies::{allow, role, trust_identity_center, trust_if, trust_service};
use crate::demo::principals::{ManagedPolicy, Mfa, Role};

/// An account with the company's baseline: nothing in it is bad.
pub(super) fn account(id: &str, created: &str) -> Account {
    let mut account = Account::new(id, created);
    account.root.mfa = Some(Mfa::Virtual);
    account.password_policy = Some(password_policy(14, true, Some(24), None));
    account.contacts = vec![
        ("SECURITY", "Security on call".to_owned(), format!("security@{DOMAIN}")),
        ("OPERATIONS", "Platform on call".to_owned(), format!("platform@{DOMAIN}")),
        ("BILLING", "Accounts payable".to_owned(), format!("billing@{DOMAIN}")),
    ];
    account.policies.push(audit_policy());
    account.roles.extend([audit_role(), administrator(id), read_only(id)]);
    account.roles.extend([organizations_role(), key_management_role()]);
    account.keys.extend(aws_keys());
    account
}

fn audit_policy() -> ManagedPolicy {
    let iam =
        ["iam:Get*", "iam:List*", "iam:GenerateCredentialReport", "account:GetAlternateContact", "account:ListRegions"];
    let kms = [
        "kms:DescribeKey",
        "kms:DescribeCustomKeyStores",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:GetKeyLastUsage",
        "kms:List*",
    ];
    ManagedPolicy::new(
        "KeyproofAuditRead",
        "2025-12-01",
        vec![allow("ReadIam", &iam, json!("*")), allow("ReadKms", &kms, json!("*"))],
    )
    .description("Reads what the quarterly evidence needs, and no secret")
}

fn audit_role() -> Role {
    let collector = [role(MANAGEMENT, management::COLLECTOR)];
    let condition = json!({"StringEquals": {"sts:ExternalId": "quarterly-evidence"}});
    Role::new(ROLE_NAME, "2025-12-01", trust_if(&collector, condition))
        .attach("KeyproofAuditRead")
        .tag("Owner", "security")
        .used("2026-03-31", FRANKFURT)
}

/// Name that Identity Center gives to the role of a permission set in an account.
pub(super) fn identity_center_name(account: &str, permission_set: &str) -> String {
    format!("AWSReservedSSO_{permission_set}_{}", hex(16, &[account, permission_set]))
}

/// An Identity Center role, below its reserved path.
pub(super) fn identity_center_role(account: &str, permission_set: &str) -> Role {
    Role::new(identity_center_name(account, permission_set), "2022-11-07", trust_identity_center(account))
        .path(format!("/aws-reserved/sso.amazonaws.com/{FRANKFURT}/"))
}

fn administrator(account: &str) -> Role {
    identity_center_role(account, "AdministratorAccess").attach("aws/AdministratorAccess").used("2026-06-12", FRANKFURT)
}

/// Good: its inline policy, made by the permission set, reads no plaintext.
fn read_only(account: &str) -> Role {
    let actions = ["kms:Describe*", "kms:List*", "kms:GetKeyRotationStatus", "cloudwatch:Get*", "logs:Get*"];
    identity_center_role(account, "Operations")
        .inline("AwsSSOInlinePolicy", vec![allow("Read", &actions, json!("*"))])
        .used("2026-06-26", FRANKFURT)
}

fn organizations_role() -> Role {
    Role::new("AWSServiceRoleForOrganizations", "2021-03-04", trust_service("organizations.amazonaws.com"))
        .path("/aws-service-role/organizations.amazonaws.com/")
        .attach("aws/aws-service-role/AWSOrganizationsServiceTrustPolicy")
}

/// Exempt: a service-linked role, which nobody in the account can change, whatever its inline policy says.
fn key_management_role() -> Role {
    let actions = ["kms:Decrypt", "kms:ReEncrypt*", "kms:DescribeKey"];
    Role::new("AWSServiceRoleForBackup", "2022-05-30", trust_service("backup.amazonaws.com"))
        .path("/aws-service-role/backup.amazonaws.com/")
        .inline("BackupServicePolicy", vec![allow("CopyRecoveryPoints", &actions, json!("*"))])
        .used("2026-06-29", FRANKFURT)
}

fn aws_keys() -> Vec<Key> {
    vec![
        Key::aws_managed(FRANKFURT, "ebs", "2022-03-15").used("Decrypt", "2026-06-28"),
        Key::aws_managed(FRANKFURT, "s3", "2022-03-15").used("GenerateDataKey", "2026-06-29"),
        Key::aws_managed(IRELAND, "ebs", "2023-02-06"),
        Key::aws_managed(VIRGINIA, "secretsmanager", "2022-08-19").used("Decrypt", "2026-05-30"),
    ]
}
