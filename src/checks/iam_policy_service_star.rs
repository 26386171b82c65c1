//! Customer managed policies that allow everything in a service.

use super::recipients::{self, Held, OF_KMS, Stake};
use super::{Check, EXCLUDE_BOUNDARY, Judged, Parameter, Remediation, Rule, Scope, boundary_only, reference};
use crate::finding::{Judgement, Severity, Status};
use crate::model::ManagedPolicy;
use crate::policy::{ServiceStatement, Services};

pub(super) const CHECK: Check = Check {
    id: "iam-policy-service-star",
    title: "Customer managed policies grant no whole service",
    severity: Severity::Low,
    resource: "customer managed policy",
    rationale: "A star behind a service grants what the task needs, what it does not, and what AWS adds next year: deletion, \
        sharing with strangers, changes of policies.",
    rule: "Takes the default version of each customer managed policy, attached or not. FAIL if an Allow statement on all \
        resources (* or patterns like arn:aws:* that leave nothing out) has an action pattern that covers a whole service \
        (s3:*, or *), or a NotAction, which grants every service that it does not name. A condition on the Allow is ignored; \
        a Deny of the whole service without a condition in the same document takes the FAIL away. UNDECIDED if telling what \
        the resources cover takes more steps than the budget allows.",
    exemptions: "A policy that is used as a permissions boundary and attached nowhere is NOT_APPLICABLE: it grants nothing.",
    blind_spots: "AWS does not say whether * fails Security Hub IAM.21, nor how it takes resources other than *. \
        Patterns that come close to a whole service (s3:Get* and s3:Put*) and several patterns that cover it together \
        pass. A whole service on named resources passes. Inline policies and AWS managed policies are not looked at.",
    remediation: Remediation {
        summary: "List the actions that the task needs instead of the star.",
        steps: &[
            "Find out what the holders use: aws iam generate-service-last-accessed-details --arn POLICY_ARN --granularity \
             ACTION_LEVEL, or a policy that IAM Access Analyzer generates from CloudTrail.",
            "Create the narrower version: aws iam create-policy-version --policy-arn POLICY_ARN --policy-document \
             file://policy.json --set-as-default, and watch for AccessDenied.",
            "To verify: aws iam get-policy-version --policy-arn POLICY_ARN --version-id VERSION shows no star behind a \
             service.",
        ],
        commands: &[
            "aws iam list-entities-for-policy --policy-arn={policy}",
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
        ],
        risk: "Work that rested on the star fails until it is listed. aws iam set-default-policy-version with the \
            former version takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Boolean(EXCLUDE_BOUNDARY)],
    elsewhere: &[
        "AWS Security Hub IAM.21",
        "AWS Config iam-policy-no-statements-with-full-access",
        "Steampipe iam_all_policy_no_service_wild_card",
        "Cloudsplaining ServiceWildcard",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::ManagedPolicy(judge)],
};

fn judge(policy: &ManagedPolicy, scope: &Scope<'_>) -> Judged {
    if let Some(exempt) = boundary_only(policy, scope) {
        return Ok(exempt);
    }
    let document = policy.document.as_ref().map_err(Clone::clone)?;
    let studied = scope.reach.studied(document);
    let found = studied.services();
    let (untold, whole): (Vec<_>, Vec<_>) = found.iter().partition(|it| it.services == Services::Untold);
    let (judgement, decisive): (_, Vec<&ServiceStatement>) = if !whole.is_empty() {
        let conditional = if whole.iter().all(|it| it.conditional) { ", under a condition" } else { "" };
        let words: Vec<String> = whole.iter().map(|it| words(&it.services)).collect();
        (Judgement::fail(format!("on all resources the policy allows {}{conditional}", words.join(", and "))), whole)
    } else if !untold.is_empty() {
        let reason =
            "the resource patterns need more steps to tell whether they cover everything than the budget allows";
        (Judgement::undecided(reason), untold)
    } else {
        (Judgement::pass("no statement allows a whole service on all resources"), vec![])
    };
    let statements = document.statements.iter().filter(|it| decisive.iter().any(|found| found.statement == it.index));
    let statements: Vec<_> = statements.map(|statement| reference(&policy.arn, statement)).collect();
    let judgement = judgement.because_of(&policy.document_source).by_statements(statements);
    let actions: Vec<String> = decisive.iter().flat_map(|it| examples(&it.services)).collect();
    let stake = || Stake { documents: vec![document], actions, head: None };
    recipients::named(Ok(judgement), Held::Managed(&policy.arn), stake, scope)
}

/// Of the actions of services, those of which it is asked who gets them: all that no policy names.
fn examples(services: &Services) -> Vec<String> {
    match services {
        Services::Named(names) => names
            .iter()
            .flat_map(|name| match name.as_str() {
                "kms" => OF_KMS.map(str::to_owned).to_vec(),
                name => vec![format!("{name}:*")],
            })
            .collect(),
        Services::All => vec!["iam:AttachRolePolicy".to_owned()],
        Services::Others | Services::Untold => vec![],
    }
}

fn words(services: &Services) -> String {
    match services {
        Services::Named(names) => format!("everything in {}", names.join(", ")),
        Services::All => "everything in every service".to_owned(),
        Services::Others | Services::Untold => "everything that its NotAction does not name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;

    fn judged(text: &str) -> Judgement {
        judge_managed(&CHECK, &managed(statements(text))).unwrap()
    }

    fn verdict(action: &str, resource: &str) -> Verdict {
        judged(&format!(r#"{{"Effect": "Allow", {action}, "Resource": "{resource}"}}"#)).verdict
    }

    #[test]
    fn a_whole_service_on_all_resources_fails_in_any_spelling() {
        for action in [r#""Action": "s3:*""#, r#""Action": ["S3:*"]"#, r#""Action": "*""#, r#""NotAction": "iam:*""#] {
            for resource in ["*", "arn:aws:*"] {
                assert_eq!(verdict(action, resource), Verdict::Fail, "{action} {resource}");
            }
            assert_eq!(verdict(action, "arn:aws:s3:::bucket/*"), Verdict::Pass, "{action}");
        }
    }

    #[test]
    fn part_of_a_service_passes() {
        for action in [r#""Action": "ec2:Describe*""#, r#""Action": ["s3:Get*", "s3:List*"]"#] {
            assert_eq!(verdict(action, "*"), Verdict::Pass, "{action}");
        }
    }

    #[test]
    fn the_service_and_the_statement_are_named() {
        let harmless = r#"{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}"#;
        let judgement = judged(&format!(r#"{harmless}, {{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#));
        assert!(judgement.reason.contains("everything in kms"), "{}", judgement.reason);
        assert_eq!(judgement.statements.iter().map(|it| it.index).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_policy_used_as_boundary_alone_is_exempt_and_an_unread_one_says_nothing() {
        let star = statements(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#);
        assert_eq!(judge_managed(&CHECK, &boundary(star)).unwrap().verdict, Verdict::NotApplicable);
        let gap = denied("iam:GetAccountAuthorizationDetails");
        assert_eq!(judge_managed(&CHECK, &managed(Err(gap.clone()))), Err(gap));
    }
}
