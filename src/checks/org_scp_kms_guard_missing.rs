//! Accounts whose keys no service control policy protects from deletion.

use super::guardrails::{DESTRUCTIVE, left, organization, sources, unreached};
use super::key_policy::unanswered;
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::policy::{Access, Action};

const ACTIONS: Strings = Strings {
    name: "actions",
    meaning: "The actions of which every one must be denied.",
    default: &["kms:ScheduleKeyDeletion"],
    form: Form::OneOf(&DESTRUCTIVE),
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "org-scp-kms-guard-missing",
    title: "Service control policies keep keys from being deleted",
    severity: Severity::High,
    resource: "account",
    rationale: "Deleting a key destroys everything that it protects. An administrator of an account, or whoever stole the \
        credentials of one, can do it unless the organization forbids it from outside.",
    rule: "PASS if the service control policies of the account, its organizational units and the root deny \
        kms:ScheduleKeyDeletion (each of actions) on any key in every Region that was read to a role without tags that no policy names and that \
        may otherwise do everything; FAIL if they leave it, under some condition or none.",
    exemptions: "Accounts outside any organization are NOT_APPLICABLE, and so is the management account if it holds no key: \
        service control policies do not reach it. If it holds keys, it fails.",
    blind_spots: "Principals that a policy spares by name, such as a break-glass role, may still delete keys; who they are is \
        not judged. Service-linked roles are not limited by service control policies. Other ways to lose a key are judged by \
        org-scp-kms-guard-incomplete. An organization without all features cannot have such policies and fails.",
    remediation: Remediation {
        summary: "Deny kms:ScheduleKeyDeletion by a service control policy, with a break-glass role spared by name.",
        steps: &[
            "Write a Deny of the destructive KMS actions on all resources with ArnNotLike aws:PrincipalArn for the one role \
             that may delete keys.",
            "Attach it to an organizational unit for tests first, then to the root.",
            "Keep keys out of the management account, which no such policy reaches.",
        ],
        commands: &[
            "aws organizations create-policy --type=SERVICE_CONTROL_POLICY --name=ProtectKeys --description=Keys --content=file://policy.json",
            "aws organizations list-policies-for-target --filter=SERVICE_CONTROL_POLICY --target-id={account}",
        ],
        risk: "Pipelines that delete keys when they tear down stacks fail unless their role is spared. aws organizations \
            detach-policy undoes it.",
    },
    reads: &[
        "kms:ListKeys",
        "kms:DescribeKey",
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[Parameter::Strings(ACTIONS)],
    elsewhere: &["CIS AWS Foundations 7.0.0 2.1.2"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    const WHAT: &str = "service control policies";
    let organization = match organization(scope, "a service control policy", |it| unreached(scope, it, WHAT))? {
        Ok(organization) => organization,
        Err(judgement) => return Ok(judgement),
    };
    let role = scope.reach.directory().ordinary_role(&scope.account.id);
    let (mut open, mut perhaps, mut statements) = (vec![], vec![], vec![]);
    let asked = scope.values.strings(&ACTIONS);
    for action in &asked {
        let mut left = match left(scope, &role, &Action::new(action)) {
            Ok(left) => left,
            Err(error) => return Ok(unanswered(&error)),
        };
        statements.append(&mut left.statements);
        match left.access {
            Access::Denied => {}
            Access::Possible => perhaps.push(*action),
            _ if left.conditions.is_empty() => open.push(format!("no service control policy denies {action}")),
            _ => {
                let when = left.conditions.join(", or when ");
                open.push(format!("service control policies leave {action} when {when}"));
            }
        }
    }
    statements.sort();
    statements.dedup();
    let judgement = if !open.is_empty() {
        Judgement::fail(open.join("; "))
    } else if !perhaps.is_empty() {
        Judgement::undecided(format!(
            "whether service control policies deny {} hangs on what could not be read or is not documented",
            perhaps.join(", ")
        ))
    } else {
        Judgement::pass(format!("service control policies deny {} to whom they do not name", asked.join(", ")))
    };
    let sources = sources(organization, &organization.service_control_policies, &scope.account.id);
    Ok(judgement.by_statements(statements).because_of_all(sources))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn verdict(statements: &str) -> Verdict {
        judge_root(&CHECK, &member(&[statements], &[])).unwrap().verdict
    }

    fn deny(rest: &str) -> String {
        format!(r#"{{"Effect": "Deny", "Action": "kms:ScheduleKeyDeletion", {rest}}}"#)
    }

    #[test]
    fn more_actions_may_be_asked_for() {
        let both = ["kms:ScheduleKeyDeletion", "kms:PutKeyPolicy"].map(str::to_owned).to_vec();
        let of = |statements: &str| {
            let values = Values::with(ACTIONS.name, Value::Strings(both.clone()));
            judge_root(&CHECK, &World { values, ..member(&[statements], &[]) }).unwrap()
        };
        let one = of(&deny(r#""Resource": "*""#));
        let reason = "no service control policy denies kms:PutKeyPolicy";
        assert_eq!((one.verdict, one.reason.as_ref()), (Verdict::Fail, reason));
        assert_eq!(of(&deny(r#""Resource": "*""#).replace("kms:ScheduleKeyDeletion", "kms:*")).verdict, Verdict::Pass);
    }

    #[test]
    fn a_deny_on_all_keys_passes_even_when_it_spares_a_role_by_name() {
        assert_eq!(verdict(&deny(r#""Resource": "*""#)), Verdict::Pass);
        let spared =
            r#""Resource": "*", "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/BreakGlass"}}"#;
        assert_eq!(verdict(&deny(spared)), Verdict::Pass);
        let judgement = judge_root(&CHECK, &member(&[&deny(spared)], &[])).unwrap();
        assert_eq!(judgement.statements[0].policy, "service control policy Policy0");
        let own =
            format!(r#""Resource": "*", "Condition": {{"StringEquals": {{"aws:PrincipalOrgID": "{ORGANIZATION}"}}}}"#);
        assert_eq!(verdict(&deny(&own)), Verdict::Pass);
    }

    #[test]
    fn what_leaves_it_to_ordinary_roles_fails() {
        assert_eq!(judge_root(&CHECK, &member(&[], &[])).unwrap().verdict, Verdict::Fail);
        for rest in [
            format!(r#""Resource": "{}""#, key_arn()),
            r#""Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}"#.to_owned(),
            r#""Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-another"}}"#.to_owned(),
            r#""Resource": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Builder"}}"#
                .to_owned(),
            r#""Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/class": "phi"}}"#.to_owned(),
        ] {
            assert_eq!(verdict(&deny(&rest)), Verdict::Fail, "{rest}");
        }
        assert_eq!(verdict(&deny(r#""Resource": "*""#).replace("Schedule", "Cancel")), Verdict::Fail);
    }

    #[test]
    fn the_management_account_is_not_reached() {
        let world = World::new();
        assert_eq!(judge_root(&CHECK, &world).unwrap().verdict, Verdict::NotApplicable);
        assert_eq!(
            judge_root(&CHECK, &world.with_keys(vec![aws_managed_key()])).unwrap().verdict,
            Verdict::NotApplicable
        );
        assert_eq!(judge_root(&CHECK, &world.with_keys(vec![key()])).unwrap().verdict, Verdict::Fail);
        let alone = World { organization: Ok(None), ..World::new() };
        assert_eq!(judge_root(&CHECK, &alone).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_the_organization_nothing_is_said_and_without_a_policy_nothing_is_decided() {
        let gap = denied("organizations:DescribeOrganization");
        let world = World { organization: Err(gap.clone()), ..World::new() };
        assert_eq!(judge_root(&CHECK, &world), Err(gap));
        let mut unread = member(&[&deny(r#""Resource": "*""#)], &[]);
        let gap = denied("organizations:ListPolicies");
        unread.organization.as_mut().unwrap().as_mut().unwrap().service_control_policies = Listing::missing(gap);
        assert_eq!(judge_root(&CHECK, &unread).unwrap().verdict, Verdict::Undecided);
    }
}
