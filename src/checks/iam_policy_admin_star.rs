//! Customer managed policies that allow everything.

use super::{Check, Judged, Remediation, Rule, Scope, boundary_only, reference};
use crate::finding::{Judgement, Severity};
use crate::model::ManagedPolicy;
use crate::policy::{Effect, Statement};

pub(super) const CHECK: Check = Check {
    id: "iam-policy-admin-star",
    title: "Customer managed policies do not grant full administrative access",
    severity: Severity::High,
    resource: "customer managed policy",
    rationale: "A policy that allows every action on every resource makes each of its holders an administrator of the \
        account, its encryption keys included, wherever it is attached later.",
    rule: "Takes the default version of each customer managed policy, attached or not. FAIL if one Allow statement matches \
        every action (* or *:*) on every resource (* or a pattern like arn:aws:* that leaves nothing out). A condition on \
        the Allow is ignored; a Deny of everything without a condition in the same document takes the FAIL away.",
    exemptions: "A policy that is used as a permissions boundary and attached nowhere is NOT_APPLICABLE: it grants nothing.",
    blind_spots: "Several statements that together allow everything, NotAction or NotResource with a short list, and \
        wildcards such as iam:* come close to the same and pass. Inline policies and AWS managed policies, such as \
        AdministratorAccess, are not looked at. A condition may narrow what fails here.",
    remediation: Remediation {
        summary: "List the actions and resources that the task needs instead of *.",
        steps: &[
            "Find out what the holders use: last accessed information of IAM, or CloudTrail. IAM Access Analyzer can propose \
             a policy from it.",
            "Create the narrower document as a new version, make it the default, and watch for AccessDenied.",
            "For people who administer the account use a role that asks for MFA instead of a policy attached to users.",
        ],
        risk: "Work that rested on the wildcard fails until it is listed. Make sure that another administrator can sign in \
            before the change; iam:SetDefaultPolicyVersion takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    elsewhere: &[
        "AWS Security Hub IAM.1",
        "AWS Config iam-policy-no-statements-with-admin-access",
        "Prowler iam_customer_attached_policy_no_administrative_privileges",
        "Prowler iam_customer_unattached_policy_no_administrative_privileges",
        "Steampipe iam_policy_no_star_star",
        "CIS AWS Foundations 7.0.0 2.14",
    ],
    rules: &[Rule::ManagedPolicy(judge)],
};

fn judge(policy: &ManagedPolicy, scope: &Scope<'_>) -> Judged {
    if let Some(exempt) = boundary_only(policy) {
        return Ok(exempt);
    }
    let document = policy.document.as_ref().map_err(Clone::clone)?;
    let everything = |effect| {
        let partition = scope.account.partition.as_str();
        document.statements_of(effect).filter(move |statement| matches_everything(statement, partition))
    };
    let allows: Vec<_> = everything(Effect::Allow).collect();
    let deny = everything(Effect::Deny).find(|deny| deny.condition.is_none());
    let decisive = |statements: &[&Statement]| -> Vec<_> {
        statements.iter().map(|statement| reference(&policy.arn, statement)).collect()
    };
    let judgement = match (allows.as_slice(), deny) {
        ([], _) => Judgement::pass("no statement allows every action on every resource"),
        (_, Some(deny)) => {
            Judgement::pass("a statement without a condition denies everything again").by_statements(decisive(&[deny]))
        }
        (allows, None) => {
            let conditional =
                if allows.iter().all(|allow| allow.is_conditional()) { ", under a condition" } else { "" };
            Judgement::fail(format!("the policy allows every action on every resource{conditional}"))
                .by_statements(decisive(allows))
        }
    };
    Ok(judgement.because_of(&policy.document_source))
}

/// Whether the statement's action and resource parts leave nothing out.
fn matches_everything(statement: &Statement, partition: &str) -> bool {
    let actions = &statement.actions;
    let Some(resources) = &statement.resources else { return false };
    let every_action = !actions.negated && actions.patterns.iter().any(|pattern| pattern.is_everything());
    // ARNs that have nothing in common but the partition: a pattern that matches all of them names no resource.
    let unlike = ["iam::0:z/z", "s3:::z", "kms:z-9:999999999999:key/0", "0:0:0:0", "z:::/"];
    let every_resource = !resources.negated
        && resources
            .patterns
            .iter()
            .filter_map(|pattern| pattern.fixed_glob())
            .any(|glob| unlike.iter().all(|rest| glob.matches(&format!("arn:{partition}:{rest}"))));
    every_action && every_resource
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;

    const EVERYTHING: &str = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;

    fn judged(text: &str) -> Judgement {
        judge_managed(&CHECK, &managed(statements(text))).unwrap()
    }

    fn verdict(text: &str) -> Verdict {
        judged(text).verdict
    }

    fn allow(action: &str, resource: &str) -> Verdict {
        verdict(&format!(r#"{{"Effect": "Allow", {action}, {resource}}}"#))
    }

    #[test]
    fn everything_on_everything_fails_in_any_spelling() {
        for action in [r#""Action": "*""#, r#""Action": "*:*""#, r#""Action": ["s3:GetObject", "*"]"#] {
            for resource in
                [r#""Resource": "*""#, r#""Resource": ["arn:aws:s3:::x", "*"]"#, r#""Resource": "arn:aws:*""#]
            {
                assert_eq!(allow(action, resource), Verdict::Fail, "{action} {resource}");
            }
        }
        assert_eq!(allow(r#""Action": "*""#, r#""Resource": "arn:*:*:*:*:*""#), Verdict::Fail);
    }

    #[test]
    fn anything_less_passes() {
        let all = r#""Resource": "*""#;
        for action in [r#""Action": "iam:*""#, r#""NotAction": "iam:*""#, r#""Action": ["s3:*", "kms:*"]"#] {
            assert_eq!(allow(action, all), Verdict::Pass, "{action}");
        }
        let every = r#""Action": "*""#;
        for resource in [
            r#""Resource": "arn:aws:s3:::*""#,
            r#""Resource": "arn:aws:iam::*:*""#,
            r#""NotResource": "arn:aws:s3:::x""#,
            r#""Resource": "arn:aws-cn:*""#,
            r#""Resource": ["arn:aws:kms:*:*:*", "arn:aws:iam::*:*"]"#,
        ] {
            assert_eq!(allow(every, resource), Verdict::Pass, "{resource}");
        }
        let denied = EVERYTHING.replace("Allow", "Deny");
        assert_eq!(verdict(&denied), Verdict::Pass);
    }

    #[test]
    fn a_condition_on_the_allow_is_named_and_does_not_help() {
        let mfa = r#", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}"#;
        let conditional = EVERYTHING.replace('}', mfa);
        let judgement = judged(&conditional);
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert!(judgement.reason.ends_with("under a condition"), "{}", judgement.reason);
        assert!(!judged(&format!("{conditional}, {EVERYTHING}")).reason.contains("condition"));
    }

    #[test]
    fn only_a_deny_of_everything_without_a_condition_takes_it_away() {
        let deny = EVERYTHING.replace("Allow", "Deny");
        assert_eq!(verdict(&format!("{EVERYTHING}, {deny}")), Verdict::Pass);
        for partial in [
            deny.replace(r#""Action": "*""#, r#""Action": "kms:*""#),
            deny.replace('}', r#", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}"#),
            deny.replace('}', r#", "Condition": {}}"#),
        ] {
            assert_eq!(verdict(&format!("{EVERYTHING}, {partial}")), Verdict::Fail, "{partial}");
        }
    }

    #[test]
    fn the_deciding_statement_is_named_by_position() {
        let harmless = r#"{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}"#;
        let judgement = judged(&format!("{harmless}, {EVERYTHING}"));
        let [statement] = judgement.statements.as_slice() else { panic!("{:?}", judgement.statements) };
        assert_eq!((statement.index, statement.effect.as_str()), (1, "Allow"));
    }

    #[test]
    fn a_policy_used_as_boundary_alone_is_exempt() {
        let verdict = |policy: &ManagedPolicy| judge_managed(&CHECK, policy).unwrap().verdict;
        assert_eq!(verdict(&boundary(statements(EVERYTHING))), Verdict::NotApplicable);
        let attached_too = ManagedPolicy { attachment_count: Some(1), ..boundary(statements(EVERYTHING)) };
        assert_eq!(verdict(&attached_too), Verdict::Fail);
    }

    #[test]
    fn without_a_document_nothing_is_said() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        assert_eq!(judge_managed(&CHECK, &managed(Err(gap.clone()))), Err(gap));
    }
}
