//! `keyproof role`: the least-privilege audit role, ready to deploy to all accounts.

use serde_json::json;

use super::{Exit, print};
use crate::cli::{RoleArgs, RoleFormat};
use crate::snapshot::operations::{Caller, actions_of};

/// Name of the role, as `keyproof collect` assumes it unless told otherwise.
const ROLE_NAME: &str = "KeyproofAudit";

pub(super) fn run(args: &RoleArgs) -> anyhow::Result<Exit> {
    print(template(args.format).as_bytes())
}

/// The template in the wanted form.
fn template(format: RoleFormat) -> String {
    match format {
        RoleFormat::Cloudformation => cloudformation(),
        RoleFormat::Terraform => terraform(),
        RoleFormat::Json => policy(),
    }
}

/// The permissions policy alone: nothing that `keyproof collect` does not call.
fn policy() -> String {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "KeyproofReadOnly",
            "Effect": "Allow",
            "Action": actions_of(Caller::AuditRole),
            "Resource": "*",
        }],
    });
    format!("{policy:#}\n")
}

/// The actions, each on a line of its own.
fn lines(actions: &[&str], line: impl Fn(&str) -> String) -> String {
    actions.iter().map(|action| line(action)).collect()
}

/// What whoever runs `keyproof collect` needs, as a comment: it belongs to another principal than the role.
fn caller_note(role_arn: &str) -> String {
    let mut actions = actions_of(Caller::Collector);
    actions.retain(|action| *action != "sts:AssumeRole");
    let mut note = format!(
        "# Whoever runs `keyproof collect` needs sts:AssumeRole on {role_arn}, and in the management\n\
         # account or a delegated administrator's, on Resource \"*\":\n"
    );
    note += &lines(&actions, |action| format!("#   {action}\n"));
    note
}

fn cloudformation() -> String {
    let actions = lines(&actions_of(Caller::AuditRole), |action| format!("                  - {action}\n"));
    let note = caller_note("arn:*:iam::*:role/KeyproofAudit");
    format!(
        r#"# The audit role of keyproof {version}: read-only, least privilege, for every account of the organization.
# Deploy it as a StackSet with service-managed permissions to the root, and as a stack to the management account, which a
# StackSet leaves out. Each action below is one that `keyproof collect` calls; none reads data or changes a resource
# (iam:GenerateCredentialReport renews the report and nothing else).
#
{note}AWSTemplateFormatVersion: "2010-09-09"
Description: Read-only role that keyproof assumes to take evidence of IAM and KMS

Parameters:
  AuditorAccountId:
    Type: String
    Description: Account from which keyproof collect is run
    AllowedPattern: "[0-9]{{12}}"
  ExternalId:
    Type: String
    Description: External id that keyproof collect passes with --external-id; empty for none
    Default: ""
    NoEcho: true
    AllowedPattern: "([\\w+=,.@:/-]{{2,1224}})?"
  RoleName:
    Type: String
    Description: Name of the role, as in keyproof collect --role-name
    Default: {ROLE_NAME}

Conditions:
  HasExternalId: !Not [!Equals [!Ref ExternalId, ""]]

Resources:
  AuditRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref RoleName
      Description: Read-only role that keyproof assumes to take evidence of IAM and KMS
      MaxSessionDuration: 3600
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: AuditorOnly
            Effect: Allow
            Principal:
              AWS: !Sub "arn:${{AWS::Partition}}:iam::${{AuditorAccountId}}:root"
            Action: sts:AssumeRole
            Condition: !If
              - HasExternalId
              - StringEquals:
                  sts:ExternalId: !Ref ExternalId
              - !Ref AWS::NoValue
      Policies:
        - PolicyName: KeyproofReadOnly
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Sid: KeyproofReadOnly
                Effect: Allow
                Action:
{actions}                Resource: "*"

Outputs:
  RoleArn:
    Description: ARN of the audit role in this account
    Value: !GetAtt AuditRole.Arn
"#,
        version = env!("CARGO_PKG_VERSION"),
    )
}

fn terraform() -> String {
    let actions = lines(&actions_of(Caller::AuditRole), |action| format!("      \"{action}\",\n"));
    let note = caller_note("arn:*:iam::*:role/KeyproofAudit");
    format!(
        r#"# The audit role of keyproof {version}: read-only, least privilege, for every account of the organization.
# Apply it in each account. Each action below is one that `keyproof collect` calls; none reads data or changes a resource
# (iam:GenerateCredentialReport renews the report and nothing else).
#
{note}
variable "auditor_account_id" {{
  description = "Account from which keyproof collect is run"
  type        = string

  validation {{
    condition     = can(regex("^[0-9]{{12}}$", var.auditor_account_id))
    error_message = "An account id has 12 digits."
  }}
}}

variable "external_id" {{
  description = "External id that keyproof collect passes with --external-id; empty for none"
  type        = string
  default     = ""
  sensitive   = true
}}

variable "role_name" {{
  description = "Name of the role, as in keyproof collect --role-name"
  type        = string
  default     = "{ROLE_NAME}"
}}

data "aws_partition" "current" {{}}

data "aws_iam_policy_document" "trust" {{
  statement {{
    sid     = "AuditorOnly"
    actions = ["sts:AssumeRole"]

    principals {{
      type        = "AWS"
      identifiers = ["arn:${{data.aws_partition.current.partition}}:iam::${{var.auditor_account_id}}:root"]
    }}

    dynamic "condition" {{
      for_each = nonsensitive(var.external_id == "") ? [] : [1]

      content {{
        test     = "StringEquals"
        variable = "sts:ExternalId"
        values   = [var.external_id]
      }}
    }}
  }}
}}

data "aws_iam_policy_document" "read_only" {{
  statement {{
    sid       = "KeyproofReadOnly"
    resources = ["*"]

    actions = [
{actions}    ]
  }}
}}

resource "aws_iam_role" "audit" {{
  name                 = var.role_name
  description          = "Read-only role that keyproof assumes to take evidence of IAM and KMS"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}}

resource "aws_iam_role_policy" "read_only" {{
  name   = "KeyproofReadOnly"
  role   = aws_iam_role.audit.id
  policy = data.aws_iam_policy_document.read_only.json
}}

output "role_arn" {{
  description = "ARN of the audit role in this account"
  value       = aws_iam_role.audit.arn
}}
"#,
        version = env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The actions that a template grants: the words of the form `service:Name` in its policy.
    fn granted(template: &str) -> BTreeSet<&str> {
        let lines = template.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = lines.flat_map(|line| line.split(|c: char| c.is_whitespace() || "\",[]".contains(c)));
        let services = ["account:", "iam:", "kms:", "organizations:", "s3:"];
        words.filter(|word| services.iter().any(|service| word.starts_with(service)) && !word.contains("::")).collect()
    }

    #[test]
    fn every_form_grants_what_the_collector_calls_and_nothing_else() {
        let expected: BTreeSet<&str> = actions_of(Caller::AuditRole).into_iter().collect();
        for format in [RoleFormat::Cloudformation, RoleFormat::Terraform, RoleFormat::Json] {
            let template = template(format);
            assert_eq!(granted(&template), expected, "{format:?}");
        }
    }

    #[test]
    fn the_policy_fits_into_a_role() {
        let policy = policy();
        let characters = policy.chars().filter(|c| !c.is_whitespace()).count();
        assert!(
            characters <= 10_240,
            "inline policies of a role have at most 10,240 characters, this has {characters}"
        );
    }

    #[test]
    fn the_rights_of_whoever_collects_are_named_but_not_granted() {
        for template in [cloudformation(), terraform()] {
            assert!(template.contains("#   organizations:ListAccounts\n"));
            assert!(template.contains("needs sts:AssumeRole on"));
        }
    }
}
