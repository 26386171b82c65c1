//! Users, groups and roles with inline policies.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Principal;

pub(super) const CHECK: Check = Check {
    id: "iam-inline-policy-present",
    title: "Permissions come from managed policies",
    severity: Severity::Low,
    resource: "IAM user, group or role",
    rationale: "An inline policy has one owner, no versions and no list in which it is found. What it grants escapes reviews \
        of policies, and a change cannot be taken back.",
    rule: "FAIL if the user, group or role has an inline policy, whatever it allows.",
    exemptions: "Service-linked roles, whose policies only AWS can change, are NOT_APPLICABLE.",
    blind_spots: "Inline policies of Identity Center roles (path /aws-reserved/) are changed in the permission set, \
        and fail here all the same. Some permissions are meant for one role and nobody else; for them an inline \
        policy can be right, and a waiver says so. What the policies allow is judged by other checks.",
    remediation: Remediation {
        summary: "Turn the inline policy into a customer managed policy and attach it.",
        steps: &[
            "Save the document: aws iam get-role-policy --role-name ROLE_NAME --policy-name POLICY_NAME, or get-user-policy, \
             or get-group-policy.",
            "Create the managed policy: aws iam create-policy --policy-name POLICY_NAME --policy-document \
             file://policy.json, and attach it: aws iam attach-role-policy --role-name ROLE_NAME --policy-arn \
             POLICY_ARN.",
            "Then aws iam delete-role-policy --role-name ROLE_NAME --policy-name POLICY_NAME.",
            "To verify: aws iam list-role-policies --role-name ROLE_NAME lists nothing.",
        ],
        commands: &[
            "aws iam list-user-policies --user-name={user}",
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-role-policies --role-name={role}",
        ],
        risk: "If the managed policy is attached first, nothing changes for the owner. aws iam put-role-policy with \
            the saved document takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[],
    elsewhere: &[
        "AWS Config iam-no-inline-policy-check",
        "Steampipe iam_group_user_role_no_inline_policies",
        "ScoutSuite iam-role-with-inline-policies",
        "ScoutSuite iam-group-with-inline-policies",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Principal(judge)],
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "every rule may lack a fact; the names of inline policies come with the owner"
)]
fn judge(principal: Principal<'_>, _: &Scope<'_>) -> Judged {
    if principal.is_service_linked() {
        let reason = "only AWS can change the policies of a service-linked role";
        return Ok(Judgement::not_applicable(reason).because_of(principal.source()));
    }
    let policies = principal.inline_policies();
    if policies.is_empty() {
        return Ok(Judgement::pass("there is no inline policy").because_of(principal.source()));
    }
    let names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
    let judgement = Judgement::fail(format!("there are inline policies: {}", names.join(", ")));
    Ok(judgement.because_of_all(policies.iter().map(|policy| &policy.source)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Group, Role, User};

    #[test]
    fn any_inline_policy_fails_even_one_that_could_not_be_read() {
        let policy = || vec![inline("own", Err(denied("iam:GetAccountAuthorizationDetails")))];
        let verdict = |principal: Principal<'_>| judge_principal(&CHECK, principal).unwrap().verdict;
        assert_eq!(verdict(Principal::User(&User { inline_policies: policy(), ..user() })), Verdict::Fail);
        assert_eq!(verdict(Principal::Group(&Group { inline_policies: policy(), ..group() })), Verdict::Fail);
        assert_eq!(verdict(Principal::Role(&Role { inline_policies: policy(), ..role("/") })), Verdict::Fail);
        assert_eq!(verdict(Principal::User(&user())), Verdict::Pass);
        let of_aws = Role { inline_policies: policy(), ..role("/aws-service-role/x.amazonaws.com/") };
        assert_eq!(verdict(Principal::Role(&of_aws)), Verdict::NotApplicable);
    }
}
