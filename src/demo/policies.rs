//! Statements and documents that occur again and again, and the AWS managed policies that the demo attaches.

use serde_json::{Value, json};

use super::documents::Document;

/// The language version that every document of the demo names.
pub(super) const VERSION: &str = "2012-10-17";

/// An identity policy, boundary or organization policy of these statements.
pub(super) fn policy(statements: Value) -> Value {
    json!({"Version": VERSION, "Statement": statements})
}

/// An Allow without a condition.
pub(super) fn allow(sid: &str, actions: &[&str], resources: Value) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources})
}

/// An Allow under a condition.
pub(super) fn allow_if(sid: &str, actions: &[&str], resources: Value, condition: Value) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources, "Condition": condition})
}

/// An Allow of everything outside two services, which is still everything on every key.
pub(super) fn all_but_iam() -> Value {
    json!({"Sid": "AllButIam", "Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"})
}

/// An explicit Deny without a condition.
pub(super) fn deny(sid: &str, actions: &[&str], resources: Value) -> Value {
    json!({"Sid": sid, "Effect": "Deny", "Action": actions, "Resource": resources})
}

/// ARN of the root user, which in a Principal stands for the account.
pub(super) fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// ARN of a role with the path `/`.
pub(super) fn role(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

/// ARN of a user with the path `/`.
pub(super) fn user(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:user/{name}")
}

/// The statement by which a key policy lets IAM policies of the account decide.
pub(super) fn root_delegation(account: &str) -> Value {
    let sid = "Enable IAM User Permissions";
    json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": root(account)}, "Action": "kms:*", "Resource": "*"})
}

/// A key policy: root delegation, then these statements.
pub(super) fn key_policy(account: &str, statements: &[Value]) -> Value {
    let mut all = vec![root_delegation(account)];
    all.extend_from_slice(statements);
    key_policy_alone(&all)
}

/// A key policy of exactly these statements.
pub(super) fn key_policy_alone(statements: &[Value]) -> Value {
    json!({"Version": VERSION, "Id": "key-default-1", "Statement": statements})
}

/// Cryptographic use of a symmetric key by these AWS principals.
pub(super) fn key_users(sid: &str, principals: &[String]) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": principals}, "Action": USE, "Resource": "*"})
}

/// Administration of a key without its use, as the console grants it.
pub(super) fn key_admins(sid: &str, principals: &[String]) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": principals}, "Action": ADMINISTER, "Resource": "*"})
}

/// Grants for AWS resources only, the console's third statement.
pub(super) fn grants_for_aws_resources(principals: &[String]) -> Value {
    json!({
        "Sid": "Allow attachment of persistent resources", "Effect": "Allow", "Principal": {"AWS": principals},
        "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], "Resource": "*",
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    })
}

/// Use of a key by an AWS service on behalf of resources of one account.
pub(super) fn service_use(sid: &str, service: &str, actions: &[&str], source_account: &str) -> Value {
    json!({
        "Sid": sid, "Effect": "Allow", "Principal": {"Service": service}, "Action": actions, "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": source_account}}
    })
}

/// What key users may do with a symmetric key.
pub(super) const USE: [&str; 5] =
    ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];

/// What key administrators may do.
pub(super) const ADMINISTER: [&str; 15] = [
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
    "kms:RotateKeyOnDemand",
];

/// Trust in an AWS service.
pub(super) fn trust_service(service: &str) -> Value {
    policy(json!([{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]))
}

/// Trust in an AWS service that comes for resources of an account.
pub(super) fn trust_service_for(service: &str, account: &str) -> Value {
    policy(json!([{
        "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}}
    }]))
}

/// Trust in AWS principals.
pub(super) fn trust(principals: &[String]) -> Value {
    policy(json!([{"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "sts:AssumeRole"}]))
}

/// Trust in AWS principals under a condition.
pub(super) fn trust_if(principals: &[String], condition: Value) -> Value {
    policy(
        json!([{"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "sts:AssumeRole", "Condition": condition}]),
    )
}

/// Trust of an Identity Center role in the account's reserved SAML provider.
pub(super) fn trust_identity_center(account: &str) -> Value {
    policy(json!([{
        "Effect": "Allow", "Principal": {"Federated": identity_center_provider(account)},
        "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
        "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
    }]))
}

/// ARN of the SAML provider that Identity Center puts into an account.
pub(super) fn identity_center_provider(account: &str) -> String {
    let tail = super::ids::hex(16, &[account, "identity-center"]);
    format!("arn:aws:iam::{account}:saml-provider/AWSSSO_{tail}_DO_NOT_DELETE")
}

/// An AWS managed policy.
#[derive(Debug)]
pub(super) struct AwsManaged {
    /// Name with its path: `service-role/AWSLambdaBasicExecutionRole`.
    pub(super) name: &'static str,
    /// Default version.
    pub(super) version: &'static str,
    /// What it allows, as AWS publishes it.
    pub(super) document: Document,
}

/// The AWS managed policy of this name, with the path where it has one.
pub(super) fn aws_managed(name: &str) -> Option<AwsManaged> {
    let (name, version, statements) = match name {
        "AdministratorAccess" => {
            ("AdministratorAccess", "v1", json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]))
        }
        "AWSKeyManagementServicePowerUser" => (
            "AWSKeyManagementServicePowerUser",
            "v2",
            json!([{
                "Effect": "Allow",
                "Action": [
                    "kms:CreateAlias", "kms:CreateKey", "kms:DeleteAlias", "kms:Describe*", "kms:GenerateRandom",
                    "kms:Get*", "kms:List*", "kms:TagResource", "kms:UntagResource", "iam:ListGroups",
                    "iam:ListRoles", "iam:ListUsers"
                ],
                "Resource": "*"
            }]),
        ),
        "AmazonS3ReadOnlyAccess" => (
            "AmazonS3ReadOnlyAccess",
            "v3",
            json!([{
                "Effect": "Allow",
                "Action": ["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"],
                "Resource": "*"
            }]),
        ),
        "AWSCloudShellFullAccess" => {
            ("AWSCloudShellFullAccess", "v2", json!([{"Action": ["cloudshell:*"], "Effect": "Allow", "Resource": "*"}]))
        }
        "AWSSupportAccess" => {
            ("AWSSupportAccess", "v1", json!([{"Effect": "Allow", "Action": ["support:*"], "Resource": "*"}]))
        }
        "IAMUserChangePassword" => (
            "IAMUserChangePassword",
            "v2",
            json!([
                {
                    "Effect": "Allow", "Action": ["iam:ChangePassword"],
                    "Resource": ["arn:aws:iam::*:user/${aws:username}"]
                },
                {"Effect": "Allow", "Action": ["iam:GetAccountPasswordPolicy"], "Resource": "*"}
            ]),
        ),
        "service-role/AWSLambdaBasicExecutionRole" => (
            "service-role/AWSLambdaBasicExecutionRole",
            "v1",
            json!([{
                "Effect": "Allow", "Resource": "*",
                "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
            }]),
        ),
        "aws-service-role/AWSOrganizationsServiceTrustPolicy" => (
            "aws-service-role/AWSOrganizationsServiceTrustPolicy",
            "v2",
            json!([
                {
                    "Sid": "AllowDeletionOfServiceLinkedRoleForOrganizations", "Effect": "Allow",
                    "Action": ["iam:DeleteRole"],
                    "Resource": ["arn:aws:iam::*:role/aws-service-role/organizations.amazonaws.com/*"]
                },
                {
                    "Sid": "AllowCreationOfServiceLinkedRoles", "Effect": "Allow",
                    "Action": ["iam:CreateServiceLinkedRole"], "Resource": "*"
                }
            ]),
        ),
        _ => return None,
    };
    Some(AwsManaged { name, version, document: policy(statements).into() })
}
