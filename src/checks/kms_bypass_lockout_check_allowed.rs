//! Accounts in which keys can be made that nobody can manage.

use super::guardrails::{Left, left, organization, sources, unreached};
use super::key_policy::unanswered;
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::access::Principal;
use crate::finding::{Judgement, Severity, Status};
use crate::policy::{Access, Action, ConditionTest};

pub(super) const CHECK: Check = Check {
    id: "kms-bypass-lockout-check-allowed",
    title: "Organization policies keep the lockout check of keys",
    severity: Severity::Low,
    resource: "account",
    rationale: "AWS KMS refuses a key policy under which its author could not change it again, unless the caller sets \
        BypassPolicyLockoutSafetyCheck. With it a slip, or somebody with bad intent, makes a key that nobody can \
        manage or delete.",
    rule: "PASS if the organization policies of the account, its organizational units and the root deny kms:CreateKey, \
        and kms:PutKeyPolicy on any key in every Region that was read, in requests with \
        kms:BypassPolicyLockoutSafetyCheck true, to a role without tags that no policy names and that may otherwise do \
        everything; FAIL if they leave one, under some condition or none.",
    exemptions: "Accounts outside any organization are NOT_APPLICABLE, and so is the management account if it holds no \
        key: service control policies do not reach it. If it holds keys, it fails.",
    blind_spots: "Principals that a policy spares by name may bypass the check; who they are is not judged. Key \
        policies and IAM policies can forbid the bypass too; only the organization can forbid it to administrators. \
        That a key lost its administrators is judged by kms-key-policy-root-delegation-missing.",
    remediation: Remediation {
        summary: "Deny requests that bypass the lockout check by a service control policy.",
        steps: &[
            "Write a Deny of kms:CreateKey and kms:PutKeyPolicy on all resources with Bool \
             kms:BypassPolicyLockoutSafetyCheck true.",
            "Run aws organizations create-policy --type SERVICE_CONTROL_POLICY --name \"$NAME\" --description \
             \"$TEXT\" --content file://policy.json, and attach it to a unit for tests: aws organizations \
             attach-policy --policy-id \"$POLICY_ID\" --target-id \"$OU_ID\".",
            "Then attach it to the root. Verify: keyproof policy lint --kind scp policy.json says nothing, and the \
             next audit passes.",
        ],
        commands: &[
            "aws organizations create-policy --type=SERVICE_CONTROL_POLICY --name=ProtectKeys --description=Keys --content=file://policy.json",
            "aws organizations list-policies-for-target --filter=SERVICE_CONTROL_POLICY --target-id={account}",
        ],
        risk: "Only calls that set the flag fail; some deployment tools set it without need. aws organizations \
            detach-policy takes it back.",
    },
    reads: &[
        "kms:ListKeys",
        "kms:DescribeKey",
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[],
    elsewhere: &["None known: the key policy lockout safety check in the AWS KMS developer guide"],
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
    let bypass = ConditionTest::literal("Bool", "kms:BypassPolicyLockoutSafetyCheck", &["true"]);
    let directory = scope.reach.directory();
    let role = directory.ordinary_role(&scope.account.id).in_requests([bypass]);
    let put = match left(scope, &role, &Action::new("kms:PutKeyPolicy")) {
        Ok(left) => left,
        Err(error) => return Ok(unanswered(&error)),
    };
    let create = match create(scope, &role) {
        Ok(access) => access,
        Err(error) => return Ok(unanswered(&error)),
    };
    let Left { statements, .. } = put;
    let judgement = match [("kms:PutKeyPolicy", put.access), ("kms:CreateKey", create)] {
        [(_, Access::Denied), (_, Access::Denied)] => Judgement::pass(
            "organization policies deny requests that bypass the lockout check to whom they do not name",
        ),
        both => {
            let of = |wanted: fn(Access) -> bool| {
                let names = both.iter().filter(|(_, access)| wanted(*access)).map(|(name, _)| *name);
                names.collect::<Vec<_>>().join(" and ")
            };
            let open = of(|access| !matches!(access, Access::Denied | Access::Possible));
            if open.is_empty() {
                Judgement::undecided(format!(
                    "whether organization policies deny {} with the lockout check bypassed hangs on what could not be \
                     read or is not documented",
                    of(|access| access == Access::Possible)
                ))
            } else {
                Judgement::fail(format!("organization policies leave {open} with the lockout check bypassed"))
            }
        }
    };
    let sources = sources(organization, &organization.service_control_policies, &scope.account.id);
    Ok(judgement.by_statements(statements).because_of_all(sources))
}

fn create(scope: &Scope<'_>, role: &Principal) -> Result<Access, crate::policy::Unanswered> {
    let cell = scope.reach.directory().without_resource(role, &scope.account.id, &Action::new("kms:CreateKey"))?;
    Ok(cell.access)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn deny(actions: &str, condition: &str) -> String {
        format!(r#"{{"Effect": "Deny", "Action": [{actions}], "Resource": "*"{condition}}}"#)
    }

    const BOTH: &str = r#""kms:CreateKey", "kms:PutKeyPolicy""#;
    const BYPASS: &str = r#", "Condition": {"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}"#;

    fn judged(statement: &str) -> Judgement {
        judge_root(&CHECK, &member(&[statement], &[])).unwrap()
    }

    #[test]
    fn a_deny_of_both_with_the_flag_or_altogether_passes() {
        let judgement = judged(&deny(BOTH, BYPASS));
        assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
        assert_eq!(judgement.statements[0].policy, "service control policy Policy0");
        assert_eq!(judged(&deny(r#""kms:*""#, "")).verdict, Verdict::Pass);
    }

    #[test]
    fn what_leaves_the_flag_to_somebody_fails() {
        assert_eq!(judge_root(&CHECK, &member(&[], &[])).unwrap().verdict, Verdict::Fail);
        let judgement = judged(&deny(r#""kms:PutKeyPolicy""#, BYPASS));
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, "organization policies leave kms:CreateKey with the lockout check bypassed");
        assert_eq!(judged(&deny(r#""kms:CreateKey""#, BYPASS)).verdict, Verdict::Fail);
        let wrong = BYPASS.replace(r#""true""#, r#""false""#);
        assert_eq!(judged(&deny(BOTH, &wrong)).verdict, Verdict::Fail);
        let with_mfa = BYPASS.replace("}}", r#"}, "BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}"#);
        assert_eq!(judged(&deny(BOTH, &with_mfa)).verdict, Verdict::Fail);
    }

    #[test]
    fn whom_no_policy_reaches_is_exempt_unless_it_holds_keys() {
        let world = World::new();
        assert_eq!(judge_root(&CHECK, &world).unwrap().verdict, Verdict::NotApplicable);
        assert_eq!(judge_root(&CHECK, &world.with_keys(vec![key()])).unwrap().verdict, Verdict::Fail);
        let alone = World { organization: Ok(None), ..World::new() };
        assert_eq!(judge_root(&CHECK, &alone).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_the_organization_nothing_is_said_and_without_a_policy_nothing_is_decided() {
        let gap = denied("organizations:DescribeOrganization");
        let world = World { organization: Err(gap.clone()), ..World::new() };
        assert_eq!(judge_root(&CHECK, &world), Err(gap));
        let mut unread = member(&[&deny(BOTH, BYPASS)], &[]);
        let gap = denied("organizations:ListPolicies");
        unread.organization.as_mut().unwrap().as_mut().unwrap().service_control_policies = Listing::missing(gap);
        assert_eq!(judge_root(&CHECK, &unread).unwrap().verdict, Verdict::Undecided);
    }
}
