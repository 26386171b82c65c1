//! Policies that let every role of the account be assumed or passed on.

use super::broad::{self, Asked};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, recipients};
use crate::finding::{Severity, Status};
use crate::model::{ManagedPolicy, Principal};

/// Actions by which one comes by the permissions of a role.
const BORROWING: &[&str] = &["iam:PassRole", "sts:AssumeRole"];

const ACTIONS: Strings = Strings {
    name: "actions",
    meaning: "The actions that no policy may allow on all roles of the account.",
    default: BORROWING,
    form: Form::OneOf(BORROWING),
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "iam-policy-any-role",
    title: "Policies do not let every role be assumed or passed",
    severity: Severity::Medium,
    resource: "customer managed policy; IAM user, group or role with inline policies",
    rationale: "Whoever may assume every role is stopped by trust policies alone, and whoever may pass every role to a \
        service gets what the most powerful of them may do. A role that is made tomorrow is open to both at once.",
    rule: "Takes the default version of each customer managed policy, and the inline policies of each user, group and \
        role (one finding for each owner). FAIL if an Allow statement gives one of actions (iam:PassRole, sts:AssumeRole) \
        on all roles of the account: on *, on arn:aws:iam::*:role/*, by a NotResource that leaves them in. A condition \
        is ignored and said; a Deny of the action on all of them without a condition in the same document takes the FAIL \
        away. UNDECIDED if it depends on what AWS does not document.",
    exemptions: "A policy that is used as a permissions boundary and attached nowhere, principals without an inline policy, \
        and service-linked roles are NOT_APPLICABLE.",
    blind_spots: "A pattern over some roles (role/app/*) passes, whatever stands behind it. Trust policies decide who \
        gets in: keyproof access who-can --reach follows the chains. AWS managed policies are not looked at.",
    remediation: Remediation {
        summary: "Name the roles in Resource, or put them under a path and name the path.",
        steps: &[
            "Find out which roles are used: CloudTrail events AssumeRole, and the roles of resources that are created.",
            "Name them in Resource. For iam:PassRole add a condition on iam:PassedToService.",
            "Create the new version of the policy, or save an inline policy before it is replaced.",
        ],
        commands: &[
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
            "aws iam list-user-policies --user-name={user}",
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-role-policies --role-name={role}",
        ],
        risk: "Deployments that create roles on the fly fail until these are under a path that is named. The former \
            version or the saved document takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Strings(ACTIONS)],
    elsewhere: &[
        "Prowler iam_no_custom_policy_permissive_role_assumption",
        "Steampipe iam_policy_custom_no_permissive_role_assumption",
        "Steampipe iam_policy_custom_no_assume_role",
        "ScoutSuite iam-managed-policy-for-role",
        "ScoutSuite iam-inline-policy-for-role",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::ManagedPolicy(judge_managed_policy), Rule::Principal(judge_inline_policies)],
};

fn judge_managed_policy(policy: &ManagedPolicy, scope: &Scope<'_>) -> Judged {
    let (actions, head) = asked(scope);
    let asked = Asked { actions: &actions, head: Some(&head), kind: KIND };
    broad::managed(policy, &asked, scope, |documents| broad::conclude(documents, &asked))
}

fn judge_inline_policies(principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
    let (actions, head) = asked(scope);
    let asked = Asked { actions: &actions, head: Some(&head), kind: KIND };
    broad::inline(principal, &asked, scope, |documents| broad::conclude(documents, &asked))
}

const KIND: &str = "all roles of the account";

/// The actions, and how the ARNs of the roles begin.
fn asked<'a>(scope: &Scope<'a>) -> (Vec<&'a str>, String) {
    (scope.values.strings(&ACTIONS), recipients::head("iam", "role/", scope))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::User;

    fn document(action: &str, resource: &str) -> crate::model::Document {
        statements(&format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#))
    }

    fn verdict(action: &str, resource: &str) -> Verdict {
        judge_managed(&CHECK, &managed(document(action, resource))).unwrap().verdict
    }

    #[test]
    fn all_roles_fail_and_some_pass() {
        for action in ["sts:AssumeRole", "STS:assume*", "iam:PassRole", "iam:*", "*"] {
            for resource in ["*", "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:*"] {
                assert_eq!(verdict(action, resource), Verdict::Fail, "{action} {resource}");
            }
            for resource in ["arn:aws:iam::*:role/app/*", "arn:aws:iam::444455556666:role/*", "arn:aws:s3:::*"] {
                assert_eq!(verdict(action, resource), Verdict::Pass, "{action} {resource}");
            }
        }
        assert_eq!(verdict("sts:GetCallerIdentity", "*"), Verdict::Pass);
    }

    #[test]
    fn one_of_the_actions_may_be_let_through() {
        let values = Values::with(ACTIONS.name, Value::Strings(vec!["iam:PassRole".to_owned()]));
        let world = World { values, ..World::new() };
        let of = |action| judge_managed_in(&CHECK, &managed(document(action, "*")), &world).unwrap().verdict;
        assert_eq!((of("sts:AssumeRole"), of("iam:PassRole")), (Verdict::Pass, Verdict::Fail));
    }

    #[test]
    fn what_aws_does_not_document_is_left_open() {
        assert_eq!(verdict("s*:AssumeRole", "*"), Verdict::Undecided);
    }

    #[test]
    fn a_condition_is_said_and_inline_policies_are_judged() {
        let text = r#"{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}"#;
        let user = User { inline_policies: vec![inline("own", statements(text))], ..user() };
        let judged = judge_principal(&CHECK, Principal::User(&user)).unwrap();
        assert_eq!(judged.verdict, Verdict::Fail);
        assert_eq!(judged.reason, "on all roles of the account is allowed iam:PassRole by own, under a condition");
        assert_eq!(judge_managed(&CHECK, &boundary(document("*", "*"))).unwrap().verdict, Verdict::NotApplicable);
        assert_exempts_what_aws_owns(&CHECK);
    }

    #[test]
    fn without_a_document_nothing_is_said() {
        assert_says_nothing_without_documents(&CHECK);
    }
}
