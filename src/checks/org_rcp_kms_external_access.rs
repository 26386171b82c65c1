//! Accounts whose keys no resource control policy keeps inside the organization.

use super::guardrails::{left, organization, sources, unreached};
use super::key_policy::unanswered;
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::policy::{Access, Action, kms_actions};

pub(super) const CHECK: Check = Check {
    id: "org-rcp-kms-external-access",
    title: "Resource control policies keep keys inside the organization",
    severity: Severity::Medium,
    resource: "account",
    rationale: "A resource control policy holds whatever a key policy or a grant says: one mistake in an account then opens \
        nothing to the outside.",
    rule: "PASS if the resource control policies of the account, its organizational units and the root deny every operation \
        that works across accounts, on a key whose policy allows everything to everyone, in every Region that was read, to \
        principals of an account that no policy names and that is outside the organization; FAIL if they leave one, under some \
        condition or none.",
    exemptions: "Accounts outside any organization are NOT_APPLICABLE, and so is the management account if it holds no key: \
        resource control policies do not reach it. If it holds keys, it fails.",
    blind_spots: "Principals and accounts that a policy spares by name are let through, and so are AWS services: whether they \
        should be is not judged. AWS managed keys are not reached by resource control policies.",
    remediation: Remediation {
        summary: "Deny kms:* to principals outside the organization by a resource control policy.",
        steps: &[
            "Write a Deny of kms:* for everyone with StringNotEqualsIfExists aws:PrincipalOrgID and BoolIfExists \
             aws:PrincipalIsAWSService false.",
            "Spare partners by ArnNotLikeIfExists aws:PrincipalArn, each by name.",
            "Attach it to an organizational unit for tests first, then to the root.",
        ],
        commands: &[
            "aws organizations create-policy --type=RESOURCE_CONTROL_POLICY --name=KeysStayInside --description=Keys --content=file://policy.json",
            "aws organizations list-policies-for-target --filter=RESOURCE_CONTROL_POLICY --target-id={account}",
        ],
        risk: "Partners and accounts outside that use keys of yours lose them: find them first with \
            kms-key-policy-external-account and kms-grant-external-account. aws organizations detach-policy gives the access \
            back at once.",
    },
    reads: &[
        "kms:ListKeys",
        "kms:DescribeKey",
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[],
    elsewhere: &["CIS AWS Foundations 7.0.0 2.1.2", "AWS data perimeter policy examples"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    const WHAT: &str = "resource control policies";
    let organization = match organization(scope, "a resource control policy", |it| unreached(scope, it, WHAT))? {
        Ok(organization) => organization,
        Err(judgement) => return Ok(judgement),
    };
    if let Some(gap) = &organization.accounts_gap {
        // The account that stands for the outside may be inside.
        return Err(gap.clone());
    }
    let stranger = scope.reach.directory().stranger();
    let (mut open, mut perhaps, mut statements) = (vec![], vec![], vec![]);
    for action in kms_actions().iter().filter(|action| action.cross_account) {
        match left(scope, &stranger, &Action::new(action.name)) {
            Ok(mut left) => {
                statements.append(&mut left.statements);
                match left.access {
                    Access::Denied => {}
                    Access::Possible => perhaps.push(action.name),
                    _ => open.push(action.name),
                }
            }
            Err(error) => return Ok(unanswered(&error)),
        }
    }
    statements.sort();
    statements.dedup();
    let judgement = match (open.as_slice(), perhaps.as_slice()) {
        ([], []) => Judgement::pass("resource control policies keep strangers from every operation across accounts"),
        ([], [first, ..]) => Judgement::undecided(format!(
            "whether resource control policies keep strangers from {first} hangs on what could not be read or is not documented"
        )),
        ([first, ..], _) if statements.is_empty() => {
            Judgement::fail(format!("no resource control policy keeps strangers from keys, for example from {first}"))
        }
        (open, _) => Judgement::fail(format!("resource control policies leave strangers {}", open.join(", "))),
    };
    let sources = sources(organization, &organization.resource_control_policies, &scope.account.id);
    Ok(judgement.by_statements(statements).because_of_all(sources))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn deny(action: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect": "Deny", "Principal": "*", "Action": "{action}", "Resource": "*", "Condition": {{{condition}}}}}"#
        )
    }

    fn outside(operator: &str) -> String {
        format!(
            r#""{operator}": {{"aws:PrincipalOrgID": "{ORGANIZATION}"}}, "BoolIfExists": {{"aws:PrincipalIsAWSService": "false"}}"#
        )
    }

    fn verdict(statement: &str) -> Verdict {
        judge_root(&CHECK, &member(&[], &[statement])).unwrap().verdict
    }

    #[test]
    fn a_perimeter_of_the_organization_passes() {
        assert_eq!(verdict(&deny("kms:*", &outside("StringNotEqualsIfExists"))), Verdict::Pass);
        assert_eq!(verdict(&deny("*", &outside("StringNotEquals"))), Verdict::Pass);
        let partner =
            format!(r#", "ArnNotLikeIfExists": {{"aws:PrincipalArn": "arn:aws:iam::{STRANGER}:role/Partner"}}"#);
        let spared = format!("{}{partner}", outside("StringNotEqualsIfExists"));
        assert_eq!(verdict(&deny("kms:*", &spared)), Verdict::Pass);
    }

    #[test]
    fn what_leaves_strangers_something_fails() {
        assert_eq!(judge_root(&CHECK, &member(&[], &[])).unwrap().verdict, Verdict::Fail);
        assert_eq!(verdict(&deny("kms:Decrypt", &outside("StringNotEqualsIfExists"))), Verdict::Fail);
        // Strangers in no organization at all meet it, those of another do not.
        assert_eq!(verdict(&deny("kms:*", r#""Null": {"aws:PrincipalOrgID": "true"}"#)), Verdict::Fail);
        assert_eq!(verdict(&deny("kms:*", r#""Bool": {"aws:SecureTransport": "false"}"#)), Verdict::Fail);
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
        assert_eq!(judge_root(&CHECK, &world), Err(gap.clone()));
        let mut unread = member(&[], &[]);
        let organization = unread.organization.as_mut().unwrap().as_mut().unwrap();
        organization.accounts_gap = Some(gap.clone());
        assert_eq!(judge_root(&CHECK, &unread), Err(gap));
        let mut unread = member(&[], &[&deny("kms:*", &outside("StringNotEquals"))]);
        let gap = denied("organizations:ListPolicies");
        unread.organization.as_mut().unwrap().as_mut().unwrap().resource_control_policies = Listing::missing(gap);
        assert_eq!(judge_root(&CHECK, &unread).unwrap().verdict, Verdict::Undecided);
    }
}
