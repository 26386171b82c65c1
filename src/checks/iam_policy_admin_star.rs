//! Customer managed policies that allow everything.

use super::recipients::{self, Held};
use super::{
    Boolean, Check, EXCLUDE_BOUNDARY, Judged, Parameter, Remediation, Rule, Scope, administrators, boundary_only,
    reference,
};
use crate::finding::{Aspect, Judgement, Severity, Status};
use crate::model::ManagedPolicy;
use crate::policy::{AdminActions, AdminStatement};

const ATTACHED_ONLY: Boolean = Boolean {
    name: "attached_only",
    meaning: "Whether policies that are attached nowhere are NOT_APPLICABLE, as the CIS benchmark has it from 1.3.0 on.",
    default: false,
    loosens: true,
};

pub(super) const CHECK: Check = Check {
    id: "iam-policy-admin-star",
    title: "Customer managed policies do not grant full administrative access",
    severity: Severity::High,
    resource: "customer managed policy",
    rationale: "A policy that allows every action on every resource makes each of its holders an administrator of the \
        account, its encryption keys included, wherever it is attached later.",
    rule: "Takes the default version of each customer managed policy, attached or not. FAIL if one Allow statement matches \
        every action (* or *:*) on every resource (* or patterns like arn:aws:* that leave nothing out). A condition on the \
        Allow is ignored; a Deny of everything without a condition in the same document takes the FAIL away. The aspect \
        all-but-some also counts a NotAction that leaves actions by which the holder can get the rest. UNDECIDED if AWS does \
        not document what the patterns cover, or if telling takes more steps than the budget allows.",
    exemptions: "A policy that is used as a permissions boundary and attached nowhere is NOT_APPLICABLE: it grants nothing \
        (exclude_boundary). With attached_only so is any policy that is attached nowhere; by default it is judged.",
    blind_spots: "Several statements that together allow everything, NotAction or NotResource with a short list, and \
        wildcards such as iam:* come close to the same and pass by default. Inline policies and AWS managed policies, such as \
        AdministratorAccess, are not looked at. A condition may narrow what fails here.",
    remediation: Remediation {
        summary: "List the actions and resources that the task needs instead of *.",
        steps: &[
            "Find out what the holders use: last accessed information of IAM, or CloudTrail. IAM Access Analyzer can propose \
             a policy from it.",
            "Create the narrower document as a new version, make it the default, and watch for AccessDenied.",
            "For people who administer the account use a role that asks for MFA instead of a policy attached to users.",
        ],
        commands: &[
            "aws iam list-entities-for-policy --policy-arn={policy}",
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
        ],
        risk: "Work that rested on the wildcard fails until it is listed. Make sure that another administrator can sign in \
            before the change; iam:SetDefaultPolicyVersion takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Boolean(EXCLUDE_BOUNDARY), Parameter::Boolean(ATTACHED_ONLY)],
    elsewhere: &[
        "AWS Security Hub IAM.1",
        "AWS Config iam-policy-no-statements-with-admin-access",
        "Prowler iam_customer_attached_policy_no_administrative_privileges",
        "Prowler iam_customer_unattached_policy_no_administrative_privileges",
        "Steampipe iam_policy_no_star_star",
        "CIS AWS Foundations 7.0.0 2.14",
        "Steampipe iam_policy_custom_attached_no_star_star",
        "Steampipe iam_custom_policy_unattached_no_star_star",
        "ScoutSuite iam-managed-policy-allows-full-privileges",
        "ScoutSuite iam-managed-policy-allows-NotActions (aspect all-but-some)",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::ManagedPolicy(judge)],
};

fn judge(policy: &ManagedPolicy, scope: &Scope<'_>) -> Judged {
    if let Some(exempt) = boundary_only(policy, scope) {
        return Ok(exempt);
    }
    if scope.values.boolean(&ATTACHED_ONLY) && policy.attachment_count == Some(0) {
        let exempt = Judgement::not_applicable("the policy is attached nowhere");
        return Ok(exempt.because_of(&policy.source));
    }
    let document = policy.document.as_ref().map_err(Clone::clone)?;
    let studied = scope.reach.studied(document);
    let found = studied.everything();
    let of = |actions| found.iter().filter(move |it| it.actions == actions).collect::<Vec<&AdminStatement>>();
    let every = of(AdminActions::Every);
    let under_one_reading = of(AdminActions::EveryUnderOneReading);
    let untold = of(AdminActions::Untold);
    let all_but_some = of(AdminActions::AllButSome);
    let (judgement, decisive) = if !every.is_empty() {
        let conditional = if every.iter().all(|it| it.conditional) { ", under a condition" } else { "" };
        (Judgement::fail(format!("the policy allows every action on every resource{conditional}")), every)
    } else if !under_one_reading.is_empty() {
        let reason = "whether the action patterns cover every action is not documented by AWS";
        (Judgement::undecided(reason), under_one_reading)
    } else if !untold.is_empty() {
        let reason = "the patterns need more steps to tell whether they cover everything than the budget allows";
        (Judgement::undecided(reason), untold)
    } else if !all_but_some.is_empty() {
        let reason = "no statement allows every action on every resource, but one allows all that its NotAction leaves, \
            and with that the holder can get the rest";
        (Judgement::pass(reason), all_but_some)
    } else {
        (Judgement::pass("no statement allows every action on every resource"), Vec::new())
    };
    let statements = document.statements.iter().filter(|it| decisive.iter().any(|found| found.statement == it.index));
    let statements: Vec<_> = statements.map(|statement| reference(&policy.arn, statement)).collect();
    let aspect = Aspect {
        name: "all-but-some".to_owned(),
        parameters: "a NotAction that leaves actions by which the holder can get the rest counts as every action"
            .to_owned(),
        status: match found.iter().find(|it| matches!(it.actions, AdminActions::Every | AdminActions::AllButSome)) {
            Some(_) => Status::Fail,
            None if found.is_empty() => Status::Pass,
            None => Status::Undecided,
        },
    };
    let judgement = judgement.because_of(&policy.document_source).by_statements(statements).with_aspect(aspect);
    let stake = || administrators::stake(vec![document], scope);
    recipients::named(Ok(judgement), Held::Managed(&policy.arn), stake, scope)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
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
    fn a_short_not_action_passes_by_default_and_fails_in_its_aspect() {
        let judgement = judged(r#"{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}"#);
        assert_eq!(judgement.verdict, Verdict::Pass);
        assert!(judgement.reason.contains("NotAction"), "{}", judgement.reason);
        assert_eq!(judgement.aspects[0].status, Status::Fail);
        assert_eq!(judged(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#).aspects[0].status, Status::Pass);
    }

    #[test]
    fn what_aws_does_not_document_is_undecided() {
        let judgement = judged(r#"{"Effect": "Allow", "Action": "?*:*", "Resource": "*"}"#);
        assert_eq!(judgement.verdict, Verdict::Undecided);
        assert_eq!(judgement.aspects[0].status, Status::Undecided);
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
    fn boundaries_may_count_and_unattached_policies_may_not() {
        let in_world = |policy: &ManagedPolicy, name, value| {
            let world = World { values: Values::with(name, Value::Boolean(value)), ..World::new() };
            judge_managed_in(&CHECK, policy, &world).unwrap().verdict
        };
        let bound = boundary(statements(EVERYTHING));
        assert_eq!(in_world(&bound, EXCLUDE_BOUNDARY.name, false), Verdict::Fail);
        let unattached = ManagedPolicy { attachment_count: Some(0), ..managed(statements(EVERYTHING)) };
        assert_eq!(in_world(&unattached, ATTACHED_ONLY.name, true), Verdict::NotApplicable);
        let unknown = ManagedPolicy { attachment_count: None, ..unattached };
        assert_eq!(in_world(&unknown, ATTACHED_ONLY.name, true), Verdict::Fail);
    }

    #[test]
    fn without_a_document_nothing_is_said() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        assert_eq!(judge_managed(&CHECK, &managed(Err(gap.clone()))), Err(gap));
    }
}
