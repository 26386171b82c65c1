//! Accounts whose keys service control policies protect from some destructive actions and not from others.

use super::guardrails::{DESTRUCTIVE, left, organization, sources};
use super::key_policy::{actions, unanswered};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Organization;
use crate::policy::Access;

const ACTIONS: Strings = Strings {
    name: "actions",
    meaning: "The destructive actions that must be denied together.",
    default: &DESTRUCTIVE,
    form: Form::OneOf(&DESTRUCTIVE),
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "org-scp-kms-guard-incomplete",
    title: "Service control policies guard keys against all destruction",
    severity: Severity::Medium,
    resource: "account",
    rationale: "A guardrail against deletion alone is walked around: disabling the key, deleting imported material or \
        changing the key policy has the same effect or opens the way to it.",
    rule: "For accounts whose service control policies deny at least one of the actions (all of \
        kms:ScheduleKeyDeletion, DisableKey, DeleteImportedKeyMaterial, PutKeyPolicy, DeleteAlias, DisableKeyRotation, \
        UpdateAlias and UpdatePrimaryRegion by default) on any key to a role that no policy names: FAIL if they leave \
        one of the others, under some condition or none; PASS if they deny all.",
    exemptions: "NOT_APPLICABLE, with the reason: accounts outside any organization; the management account; accounts \
        whose service control policies deny none of the actions, which org-scp-kms-guard-missing judges.",
    blind_spots: "Principals that a policy spares by name may still do it; who they are is not judged. Service-linked \
        roles are not limited by service control policies. Of actions on aliases the half on the key is judged.",
    remediation: Remediation {
        summary: "Add the missing actions to the service control policy.",
        steps: &[
            "Put the actions that the reason names into the Deny that already guards the keys.",
            "Attach it to an organizational unit for tests first.",
        ],
        commands: &[
            "aws organizations create-policy --type=SERVICE_CONTROL_POLICY --name=ProtectKeys --description=Keys --content=file://policy.json",
            "aws organizations list-policies-for-target --filter=SERVICE_CONTROL_POLICY --target-id={account}",
        ],
        risk: "Pipelines that disable keys, change key policies or move aliases fail unless their role is spared by name. \
            aws organizations detach-policy, or the old content with update-policy, undoes it.",
    },
    reads: &["organizations:DescribePolicy", "organizations:ListPolicies", "organizations:ListTargetsForPolicy"],
    parameters: &[Parameter::Strings(ACTIONS)],
    elsewhere: &["None known: key deletion in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    let in_management = |organization: &Organization| {
        let reason = "the account manages the organization: no such policy reaches it";
        Ok(Judgement::not_applicable(reason).because_of(&organization.source))
    };
    let organization = match organization(scope, "a service control policy", in_management)? {
        Ok(organization) => organization,
        Err(judgement) => return Ok(judgement),
    };
    let role = scope.reach.directory().ordinary_role(&scope.account.id);
    let (mut denied, mut open, mut perhaps, mut statements) = (vec![], vec![], vec![], vec![]);
    for action in &actions(&scope.values.strings(&ACTIONS)) {
        match left(scope, &role, action) {
            Ok(mut left) => {
                statements.append(&mut left.statements);
                let list = match left.access {
                    Access::Denied => &mut denied,
                    Access::Possible => &mut perhaps,
                    _ => &mut open,
                };
                list.push(action.name().to_owned());
            }
            Err(error) => return Ok(unanswered(&error)),
        }
    }
    statements.sort();
    statements.dedup();
    let judgement = match () {
        () if denied.is_empty() && perhaps.is_empty() => {
            Judgement::not_applicable("service control policies deny none of the destructive actions")
        }
        () if !denied.is_empty() && !open.is_empty() => Judgement::fail(format!(
            "service control policies deny {} and leave {}",
            denied.join(", "),
            open.join(", ")
        )),
        () if perhaps.is_empty() => Judgement::pass("service control policies deny all destructive actions"),
        () => Judgement::undecided(format!(
            "whether service control policies deny {} hangs on what could not be read or is not documented",
            perhaps.join(", ")
        )),
    };
    let sources = sources(organization, &organization.service_control_policies, &scope.account.id);
    Ok(judgement.by_statements(statements).because_of_all(sources))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::checks::{Value, Values};
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn verdict(actions: &str) -> Verdict {
        let statement = format!(r#"{{"Effect": "Deny", "Action": [{actions}], "Resource": "*"}}"#);
        judge_root(&CHECK, &member(&[&statement], &[])).unwrap().verdict
    }

    #[test]
    fn all_pass_some_fail_none_is_not_judged_here() {
        assert_eq!(verdict("\"kms:*\""), Verdict::Pass);
        assert_eq!(verdict(r#""kms:D*", "kms:Sch*", "kms:Put*", "kms:Up*""#), Verdict::Pass);
        assert_eq!(verdict(r#""kms:ScheduleKeyDeletion""#), Verdict::Fail);
        assert_eq!(verdict(r#""kms:DisableKey""#), Verdict::Fail);
        assert_eq!(verdict(r#""kms:Decrypt""#), Verdict::NotApplicable);
        assert_eq!(judge_root(&CHECK, &member(&[], &[])).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn the_actions_that_count_can_be_fewer() {
        let statement = r#"{"Effect": "Deny", "Action": "kms:ScheduleKeyDeletion", "Resource": "*"}"#;
        let one = Value::Strings(vec!["kms:ScheduleKeyDeletion".to_owned()]);
        let world = World { values: Values::with(ACTIONS.name, one), ..member(&[statement], &[]) };
        assert_eq!(judge_root(&CHECK, &world).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn the_actions_are_named() {
        let statement = r#"{"Effect": "Deny", "Action": "kms:S*", "Resource": "*"}"#;
        let reason = judge_root(&CHECK, &member(&[statement], &[])).unwrap().reason;
        assert!(
            reason.starts_with("service control policies deny kms:ScheduleKeyDeletion and leave kms:Dis"),
            "{reason}"
        );
    }

    #[test]
    fn whom_no_policy_reaches_is_exempt() {
        assert_eq!(judge_root(&CHECK, &World::new()).unwrap().verdict, Verdict::NotApplicable);
        let alone = World { organization: Ok(None), ..World::new() };
        assert_eq!(judge_root(&CHECK, &alone).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_the_organization_nothing_is_said_and_without_a_policy_nothing_is_decided() {
        let gap = denied("organizations:DescribeOrganization");
        let world = World { organization: Err(gap.clone()), ..World::new() };
        assert_eq!(judge_root(&CHECK, &world), Err(gap));
        let mut unread = member(&[], &[]);
        let gap = denied("organizations:ListPolicies");
        unread.organization.as_mut().unwrap().as_mut().unwrap().service_control_policies = Listing::missing(gap);
        assert_eq!(judge_root(&CHECK, &unread).unwrap().verdict, Verdict::Undecided);
    }
}
