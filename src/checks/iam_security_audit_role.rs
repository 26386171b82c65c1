//! Accounts whose settings nobody may look at without being able to change them.

use super::holders::held;
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Severity, Status};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

const POLICIES: Strings = Strings {
    name: "policies",
    meaning: "Names of AWS managed policies of which one must be held, with their path where they have one.",
    default: &["SecurityAudit"],
    form: Form::Text,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-security-audit-role",
    title: "Somebody may audit the settings without changing them",
    severity: Severity::Low,
    resource: "account",
    rationale: "Whoever has to look into an account after an incident needs to read its settings at once, and nothing \
        else. Without a role for it, administrators look, or nobody does.",
    rule: "PASS if the AWS managed policy SecurityAudit (policies), of the account's partition, is attached to a role whose \
        trust policy has an Allow statement, to a user, or to a group that has a user. FAIL if it is attached to none of \
        these.",
    exemptions: "None.",
    blind_spots: "A role with a policy of its own, such as the audit role of this program, does not count unless one of \
        policies is attached as well. Whether anybody can assume the role, and knows of it, is not judged.",
    remediation: Remediation {
        summary: "Attach SecurityAudit to a role that those who investigate can assume.",
        steps: &[
            "Create a role that they can assume, in each account by a stack set.",
            "Attach SecurityAudit to it.",
            "To verify: the policy lists the role among its entities.",
        ],
        commands: &[
            "aws iam create-role --role-name=SecurityAudit --assume-role-policy-document=file://trust.json",
            "aws iam attach-role-policy --role-name=SecurityAudit --policy-arn=arn:{partition}:iam::aws:policy/SecurityAudit",
            "aws iam list-entities-for-policy --policy-arn=arn:{partition}:iam::aws:policy/SecurityAudit",
        ],
        risk: "Whoever can assume the role sees the settings of the account, and no data; aws iam detach-role-policy takes \
            it back.",
    },
    reads: &[DETAILS],
    parameters: &[Parameter::Strings(POLICIES)],
    elsewhere: &["Prowler iam_securityaudit_role_created", "Steampipe iam_security_audit_role"],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[(Status::Pass, "its accounts are audited by a role with a policy of its own")],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    held(&scope.values.strings(&POLICIES), scope)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{AttachedPolicy, Listing, Role};

    const TRUST: &str = r#"{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}"#;

    fn auditor(arn: &str) -> World {
        let attached_policies = vec![AttachedPolicy { name: "SecurityAudit".to_owned(), arn: arn.to_owned() }];
        let role = Role { attached_policies, trust_policy: statements(TRUST), ..role("/") };
        let mut world = World::new();
        world.account.iam.roles = Listing::complete(vec![role]);
        world
    }

    #[test]
    fn the_policy_of_aws_passes_and_a_namesake_does_not() {
        let verdict = |arn: &str| judge_root(&CHECK, &auditor(arn)).unwrap().verdict;
        assert_eq!(verdict("arn:aws:iam::aws:policy/SecurityAudit"), Verdict::Pass);
        assert_eq!(verdict("arn:aws:iam::111122223333:policy/SecurityAudit"), Verdict::Fail);
        assert_eq!(judge_root(&CHECK, &World::new()).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn another_policy_may_be_asked_for() {
        let values = Values::with(POLICIES.name, Value::Strings(vec!["job-function/ViewOnlyAccess".to_owned()]));
        let world = World { values, ..auditor("arn:aws:iam::aws:policy/job-function/ViewOnlyAccess") };
        assert_eq!(judge_root(&CHECK, &world).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn without_every_principal_nothing_is_said_unless_one_is_known() {
        let gap = denied(DETAILS);
        let mut cut = World::new();
        cut.account.iam.roles = Listing::missing(gap.clone());
        assert_eq!(judge_root(&CHECK, &cut), Err(gap.clone()));
        let mut known = auditor("arn:aws:iam::aws:policy/SecurityAudit");
        known.account.iam.users = Listing::missing(gap);
        assert_eq!(judge_root(&CHECK, &known).unwrap().verdict, Verdict::Pass);
    }
}
