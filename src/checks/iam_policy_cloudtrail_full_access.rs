//! Policies that allow everything with CloudTrail.

use super::{Check, Judged, Remediation, Rule, Scope, broad, recipients, reference};
use crate::finding::{Judgement, Severity, StatementReference, Status};
use crate::model::{ManagedPolicy, Principal};
use crate::policy::{Services, statements_of_service};

const CLOUDTRAIL: &str = "cloudtrail";

pub(super) const CHECK: Check = Check {
    id: "iam-policy-cloudtrail-full-access",
    title: "Policies do not grant every action of CloudTrail",
    severity: Severity::Medium,
    resource: "customer managed policy; IAM user, group or role with inline policies",
    rationale: "Whoever holds cloudtrail:* can stop the trail, work unseen, and start it again. The record of who \
        used which key is worth as much as the smallest group that can switch it off.",
    rule: "Takes the default version of each customer managed policy, and the inline policies of each user, group and \
        role (one finding for each owner). FAIL if an Allow statement on all resources covers all of CloudTrail, \
        those actions that AWS will add included: cloudtrail:*, *, or a NotAction that names nothing of CloudTrail. A \
        condition on the Allow is ignored; a Deny of all of CloudTrail without a condition in the same document takes \
        the FAIL away. UNDECIDED if telling what the resources cover takes more steps than the budget allows.",
    exemptions: "A policy that is used as a permissions boundary and attached nowhere, principals without an inline policy, \
        and service-linked roles are NOT_APPLICABLE.",
    blind_spots: "cloudtrail:StopLogging or cloudtrail:DeleteTrail alone do as much harm and pass here. A trail of the \
        organization cannot be stopped from member accounts, which is not looked at. AWS managed policies are not looked at.",
    remediation: Remediation {
        summary: "Allow the actions of CloudTrail that read, and keep those that change trails for few roles.",
        steps: &[
            "Replace the star by cloudtrail:LookupEvents, cloudtrail:Get*, cloudtrail:List* and cloudtrail:Describe*.",
            "Create the new version: aws iam create-policy-version --policy-arn POLICY_ARN --policy-document \
             file://policy.json --set-as-default; an inline policy is saved first and then replaced.",
            "Deny cloudtrail:StopLogging and cloudtrail:DeleteTrail by a service control policy.",
            "To verify: aws iam simulate-principal-policy --policy-source-arn ARN --action-names cloudtrail:StopLogging says \
             implicitDeny.",
        ],
        commands: &[
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
            "aws iam list-user-policies --user-name={user}",
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-role-policies --role-name={role}",
        ],
        risk: "Whoever sets up trails must hold another role. The former version or the saved document takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[],
    elsewhere: &[
        "Prowler iam_policy_no_full_access_to_cloudtrail",
        "Prowler iam_inline_policy_no_full_access_to_cloudtrail",
        "Steampipe iam_policy_no_full_access_to_cloudtrail",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::ManagedPolicy(judge_managed_policy), Rule::Principal(judge_inline_policies)],
};

fn judge_managed_policy(policy: &ManagedPolicy, scope: &Scope<'_>) -> Judged {
    let head = recipients::head(CLOUDTRAIL, "trail/", scope);
    broad::managed(policy, &asked(&head), scope, |documents| conclude(documents, scope))
}

fn judge_inline_policies(principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
    let head = recipients::head(CLOUDTRAIL, "trail/", scope);
    broad::inline(principal, &asked(&head), scope, |documents| conclude(documents, scope))
}

/// Of the actions of CloudTrail, those that leave no trace.
fn asked(head: &str) -> broad::Asked<'_> {
    broad::Asked {
        actions: &["cloudtrail:StopLogging", "cloudtrail:DeleteTrail"],
        head: Some(head),
        kind: "all trails of the account",
    }
}

fn conclude(documents: &[broad::Named<'_>], scope: &Scope<'_>) -> Judgement {
    let (mut full, mut untold): (Vec<StatementReference>, Vec<StatementReference>) = (vec![], vec![]);
    let mut names = Vec::new();
    for (name, document) in documents {
        for found in statements_of_service(document, &scope.account.partition, CLOUDTRAIL) {
            let statement = document.statements.iter().find(|statement| statement.index == found.statement);
            let reference = statement.map(|statement| reference(name, statement));
            if found.services == Services::Untold {
                untold.extend(reference);
            } else {
                full.extend(reference);
                names.push(*name);
            }
        }
    }
    names.dedup();
    if !full.is_empty() {
        let reason = format!("every action of CloudTrail is allowed on all resources by {}", names.join(", "));
        Judgement::fail(reason).by_statements(full)
    } else if !untold.is_empty() {
        let reason =
            "the resource patterns need more steps to tell whether they cover everything than the budget allows";
        Judgement::undecided(reason).by_statements(untold)
    } else {
        Judgement::pass("no statement allows every action of CloudTrail on all resources")
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Role, User};

    fn verdict(action: &str, resource: &str, more: &str) -> Verdict {
        let text = format!(r#"{{"Effect": "Allow", {action}, "Resource": "{resource}"}}{more}"#);
        judge_managed(&CHECK, &managed(statements(&text))).unwrap().verdict
    }

    #[test]
    fn all_of_cloudtrail_on_all_resources_fails_in_any_spelling() {
        for action in
            [r#""Action": "CloudTrail:*""#, r#""Action": ["s3:*", "*"]"#, r#""NotAction": ["iam:*", "s3:Get*"]"#]
        {
            assert_eq!(verdict(action, "*", ""), Verdict::Fail, "{action}");
            assert_eq!(verdict(action, "arn:aws:s3:::x", ""), Verdict::Pass, "{action}");
        }
        for action in
            [r#""Action": "cloudtrail:Get*""#, r#""NotAction": "cloudtrail:StopLogging""#, r#""Action": "s3:*""#]
        {
            assert_eq!(verdict(action, "*", ""), Verdict::Pass, "{action}");
        }
    }

    #[test]
    fn a_deny_of_all_of_cloudtrail_takes_it_away() {
        let deny = r#", {"Effect": "Deny", "Action": "cloudtrail:*", "Resource": "*"}"#;
        assert_eq!(verdict(r#""Action": "*""#, "*", deny), Verdict::Pass);
        assert_eq!(verdict(r#""Action": "*""#, "*", &deny.replace("cloudtrail:*", "cloudtrail:Stop*")), Verdict::Fail);
    }

    #[test]
    fn inline_policies_are_judged_and_owners_without_one_are_exempt() {
        let full = || inline("own", statements(r#"{"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"}"#));
        let user = User { inline_policies: vec![full()], ..user() };
        let judged = judge_principal(&CHECK, Principal::User(&user)).unwrap();
        assert_eq!(judged.verdict, Verdict::Fail);
        assert!(judged.reason.ends_with("by own"), "{}", judged.reason);
        assert_eq!(judge_principal(&CHECK, Principal::Group(&group())).unwrap().verdict, Verdict::NotApplicable);
        let of_aws = Role { inline_policies: vec![full()], ..role("/aws-service-role/x.amazonaws.com/") };
        assert_eq!(judge_principal(&CHECK, Principal::Role(&of_aws)).unwrap().verdict, Verdict::NotApplicable);
        let bound = boundary(statements(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#));
        assert_eq!(judge_managed(&CHECK, &bound).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn a_document_that_could_not_be_read_is_no_pass_and_hides_no_failure() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        assert_eq!(judge_managed(&CHECK, &managed(Err(gap.clone()))), Err(gap.clone()));
        let of = |text: &str| {
            let inline_policies = vec![inline("lost", Err(gap.clone())), inline("own", statements(text))];
            judge_principal(&CHECK, Principal::User(&User { inline_policies, ..user() }))
        };
        assert_eq!(of(""), Err(gap.clone()));
        assert_eq!(of(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#).unwrap().verdict, Verdict::Fail);
    }
}
