# The audit role of keyproof @VERSION@: read-only, least privilege, for every account of the organization.
# Apply it in each account. Each action below is one that `keyproof collect` calls; none reads data or changes a resource
# (iam:GenerateCredentialReport renews the report and nothing else).
#
# Whoever runs `keyproof collect` needs sts:AssumeRole on arn:*:iam::*:role/@ROLE_NAME@, and in the management account or a
# delegated administrator's, on Resource "*":
@CALLER@
variable "auditor_account_id" {
  description = "Account from which keyproof collect is run"
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.auditor_account_id))
    error_message = "An account id has 12 digits."
  }
}

variable "external_id" {
  description = "External id that keyproof collect passes with --external-id; empty for none"
  type        = string
  default     = ""
  sensitive   = true
}

variable "role_name" {
  description = "Name of the role, as in keyproof collect --role-name"
  type        = string
  default     = "@ROLE_NAME@"
}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "AuditorOnly"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${var.auditor_account_id}:root"]
    }

    dynamic "condition" {
      for_each = nonsensitive(var.external_id == "") ? [] : [1]

      content {
        test     = "StringEquals"
        variable = "sts:ExternalId"
        values   = [var.external_id]
      }
    }
  }
}

data "aws_iam_policy_document" "read_only" {
  statement {
    sid       = "KeyproofReadOnly"
    resources = ["*"]

    actions = [
@ACTIONS@
    ]
  }
}

resource "aws_iam_role" "audit" {
  name                 = var.role_name
  description          = "Read-only role that keyproof assumes to take evidence of IAM and KMS"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "read_only" {
  name   = "KeyproofReadOnly"
  role   = aws_iam_role.audit.id
  policy = data.aws_iam_policy_document.read_only.json
}

output "role_arn" {
  description = "ARN of the audit role in this account"
  value       = aws_iam_role.audit.arn
}
