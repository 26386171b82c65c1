//! Policies that allow whatever AWS Marketplace sells to be bought.

use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, broad};
use crate::finding::{Severity, Status};
use crate::model::{ManagedPolicy, Principal};

/// Actions that buy, or bind the account by an agreement.
const BUYING: &[&str] = &[
    "aws-marketplace:AcceptAgreementApprovalRequest",
    "aws-marketplace:AcceptAgreementRequest",
    "aws-marketplace:CreateAgreementRequest",
    "aws-marketplace:Subscribe",
];

const ACTIONS: Strings = Strings {
    name: "actions",
    meaning: "The actions of AWS Marketplace that no policy may allow on all resources.",
    default: &["aws-marketplace:Subscribe"],
    form: Form::OneOf(BUYING),
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "iam-policy-marketplace-subscribe",
    title: "Policies do not let anything be bought in AWS Marketplace",
    severity: Severity::Medium,
    resource: "customer managed policy; IAM user, group or role with inline policies",
    rationale: "A subscription brings software of a stranger into the account, often with a role of its own and access to \
        data, and a bill. Access to models of Bedrock is bought in the same way.",
    rule: "Takes the default version of each customer managed policy, and the inline policies of each user, group and \
        role (one finding for each owner). FAIL if an Allow statement gives one of actions (aws-marketplace:Subscribe), \
        which have no resource, on *: by name, by a wildcard, by a NotAction or NotResource that leaves it in. A condition on the Allow is ignored \
        and said; a Deny of the action on all resources without a condition in the same document takes the FAIL away. \
        UNDECIDED if it depends on what AWS does not document.",
    exemptions: "A policy that is used as a permissions boundary and attached nowhere, principals without an inline policy, \
        and service-linked roles are NOT_APPLICABLE.",
    blind_spots: "What a private marketplace, a service control policy or another document denies is not combined. AWS \
        managed policies, AdministratorAccess among them, are not looked at: see iam-administrator-access.",
    remediation: Remediation {
        summary: "Take the right to subscribe out of the policy, and keep it for one role that buys.",
        steps: &[
            "Leave aws-marketplace:ViewSubscriptions where people need to look, and take Subscribe out.",
            "Let one role of the purchasing department hold it, with a condition on aws-marketplace:ProductId where the \
             product is known.",
            "Create the new version of the policy, or save an inline policy before it is replaced.",
        ],
        commands: &[
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
            "aws iam list-user-policies --user-name={user}",
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-role-policies --role-name={role}",
        ],
        risk: "Renewals and scaling of software that is in use may need the right: look at the subscriptions first. The \
            former version or the saved document takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Strings(ACTIONS)],
    elsewhere: &[
        "Prowler iam_policy_no_wildcard_marketplace_subscribe",
        "Prowler iam_inline_policy_no_wildcard_marketplace_subscribe",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::ManagedPolicy(judge_managed_policy), Rule::Principal(judge_inline_policies)],
};

fn judge_managed_policy(policy: &ManagedPolicy, scope: &Scope<'_>) -> Judged {
    let actions = scope.values.strings(&ACTIONS);
    broad::managed(policy, &asked(&actions), scope, |documents| broad::conclude(documents, &asked(&actions)))
}

fn judge_inline_policies(principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
    let actions = scope.values.strings(&ACTIONS);
    broad::inline(principal, &asked(&actions), scope, |documents| broad::conclude(documents, &asked(&actions)))
}

fn asked<'a>(actions: &'a [&'a str]) -> broad::Asked<'a> {
    // These actions have no resource: a statement gives them or does not.
    broad::Asked { actions, head: None, kind: "all resources" }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::User;

    fn verdict(action: &str, more: &str) -> Verdict {
        let text = format!(r#"{{"Effect": "Allow", {action}, "Resource": "*"}}{more}"#);
        judge_managed(&CHECK, &managed(statements(&text))).unwrap().verdict
    }

    #[test]
    fn the_right_to_subscribe_fails_in_any_spelling() {
        for action in [
            r#""Action": "aws-marketplace:Subscribe""#,
            r#""Action": "AWS-Marketplace:sub*""#,
            r#""Action": "*""#,
            r#""NotAction": "iam:*""#,
        ] {
            assert_eq!(verdict(action, ""), Verdict::Fail, "{action}");
        }
        for action in [r#""Action": "aws-marketplace:View*""#, r#""NotAction": "aws-marketplace:*""#] {
            assert_eq!(verdict(action, ""), Verdict::Pass, "{action}");
        }
        let deny = r#", {"Effect": "Deny", "Action": "aws-marketplace:*", "Resource": "*"}"#;
        assert_eq!(verdict(r#""Action": "*""#, deny), Verdict::Pass);
        assert_eq!(verdict(r#""Action": "*""#, &deny.replace(":*", ":Un*")), Verdict::Fail);
    }

    #[test]
    fn other_actions_may_be_asked_for_as_well() {
        let both = ["aws-marketplace:Subscribe", "aws-marketplace:AcceptAgreementRequest"].map(str::to_owned);
        let world = World { values: Values::with(ACTIONS.name, Value::Strings(both.to_vec())), ..World::new() };
        let accept =
            statements(r#"{"Effect": "Allow", "Action": "aws-marketplace:AcceptAgreementRequest", "Resource": "*"}"#);
        assert_eq!(judge_managed(&CHECK, &managed(accept.clone())).unwrap().verdict, Verdict::Pass);
        assert_eq!(judge_managed_in(&CHECK, &managed(accept), &world).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn what_aws_does_not_document_is_left_open() {
        assert_eq!(verdict(r#""Action": "aws-*place:Subscribe""#, ""), Verdict::Undecided);
    }

    #[test]
    fn inline_policies_are_judged_and_owners_without_one_are_exempt() {
        let own = statements(r#"{"Effect": "Allow", "Action": "aws-marketplace:*", "Resource": "*"}"#);
        let user = User { inline_policies: vec![inline("own", own.clone())], ..user() };
        let judged = judge_principal(&CHECK, Principal::User(&user)).unwrap();
        assert_eq!(judged.verdict, Verdict::Fail);
        assert_eq!(judged.reason, "on all resources is allowed aws-marketplace:Subscribe by own");
        assert_eq!(judge_managed(&CHECK, &boundary(own)).unwrap().verdict, Verdict::NotApplicable);
        assert_exempts_what_aws_owns(&CHECK);
    }

    #[test]
    fn without_a_document_nothing_is_said() {
        assert_says_nothing_without_documents(&CHECK);
    }
}
