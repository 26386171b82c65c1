//! Customer managed policies that nothing holds.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, ManagedPolicy};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

pub(super) const CHECK: Check = Check {
    id: "iam-policy-unused",
    title: "Customer managed policies are in use",
    severity: Severity::Low,
    resource: "customer managed policy",
    rationale: "A policy that nothing holds grants nothing today, and is one attachment away from granting all it says. \
        Nobody reviews it, and whoever finds it by its name may trust it.",
    rule: "PASS if AttachmentCount of the policy is more than 0, or PermissionsBoundaryUsageCount is; FAIL if both are 0.",
    exemptions: "None.",
    blind_spots: "A policy that is kept for an emergency, or for roles that come and go, fails; a waiver says so. Whether \
        those who hold a policy use it is not looked at.",
    remediation: Remediation {
        summary: "Delete the policy, or attach it where it belongs.",
        steps: &[
            "Ask the owner whether a pipeline attaches it now and then; a pipeline can create it as well.",
            "Save the document of the default version, delete the other versions, then the policy.",
            "To verify: the policy is no longer listed.",
        ],
        commands: &[
            "aws iam list-entities-for-policy --policy-arn={policy}",
            "aws iam list-policy-versions --policy-arn={policy}",
            "aws iam delete-policy --policy-arn={policy}",
        ],
        risk: "What attaches the policy by its ARN fails once it is gone. The saved document takes it back, under the same \
            name and ARN.",
    },
    reads: &[DETAILS],
    parameters: &[],
    elsewhere: &[
        "Steampipe iam_custom_policy_unused",
        "Steampipe iam_policy_unused (customer managed policies)",
        "Steampipe iam_custom_managed_policy_attached_to_role (attached to anything)",
        "Steampipe iam_managed_policy_attached_to_role (customer managed policies, attached to anything)",
        "ScoutSuite iam-managed-policy-no-attachments",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::ManagedPolicy(judge)],
};

fn judge(policy: &ManagedPolicy, _: &Scope<'_>) -> Judged {
    let uses = [
        ("AttachmentCount", policy.attachment_count, "attached to"),
        ("PermissionsBoundaryUsageCount", policy.permissions_boundary_usage_count, "the permissions boundary of"),
    ];
    for (_, count, how) in uses {
        if let Some(count) = count.filter(|count| *count > 0) {
            let reason = format!("the policy is {how} {count} of the users, groups and roles");
            return Ok(Judgement::pass(reason).because_of(&policy.source));
        }
    }
    if let Some((name, ..)) = uses.iter().find(|(_, count, _)| count.is_none()) {
        return Err(Gap::malformed(DETAILS, &[&policy.arn], format!("the policy has no {name}")));
    }
    let reason = "the policy is attached to nothing and is nobody's permissions boundary";
    Ok(Judgement::fail(reason).because_of(&policy.source))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;

    fn judged(attached: Option<i64>, bounding: Option<i64>) -> Judged {
        let policy = ManagedPolicy {
            attachment_count: attached,
            permissions_boundary_usage_count: bounding,
            ..managed(statements(""))
        };
        judge_managed(&CHECK, &policy)
    }

    #[test]
    fn one_attachment_or_one_boundary_is_enough() {
        let verdict = |attached, bounding| judged(Some(attached), Some(bounding)).unwrap().verdict;
        assert_eq!(verdict(1, 0), Verdict::Pass);
        assert_eq!(verdict(0, 2), Verdict::Pass);
        assert_eq!(verdict(0, 0), Verdict::Fail);
        assert_eq!(judged(Some(3), None).unwrap().reason, "the policy is attached to 3 of the users, groups and roles");
    }

    #[test]
    fn without_a_count_nothing_is_said_unless_the_other_shows_a_use() {
        assert!(judged(None, Some(0)).unwrap_err().reason().contains("AttachmentCount"));
        assert!(judged(Some(0), None).unwrap_err().reason().contains("PermissionsBoundaryUsageCount"));
        assert_eq!(judged(None, Some(1)).unwrap().verdict, Verdict::Pass);
    }
}
