//! Accounts in which nobody may open a case with AWS Support.

use super::holders::held;
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Severity, Status};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";
const SUPPORT_ACCESS: &str = "AWSSupportAccess";

const POLICIES: Strings = Strings {
    name: "policies",
    meaning: "Names of AWS managed policies of which one must be held, with their path where they have one.",
    default: &[SUPPORT_ACCESS],
    form: Form::Text,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-support-role",
    title: "Somebody may manage incidents with AWS Support",
    severity: Severity::Low,
    resource: "account",
    rationale: "In an incident somebody has to open a case with AWS at once. If only administrators or the root user \
        can, the incident waits for them, or they are used for what needs no administrator.",
    rule: "PASS if the AWS managed policy AWSSupportAccess (policies), of the account's partition, is attached to a role \
        whose trust policy has an Allow statement, to a user, or to a group that has a user. FAIL if it is attached to \
        none of these.",
    exemptions: "None.",
    blind_spots: "Customer managed policies that allow support:* and administrators are not looked at. Whether anybody can \
        assume the role, and knows of it, is not judged.",
    remediation: Remediation {
        summary: "Attach AWSSupportAccess to a role that those who handle incidents can assume.",
        steps: &[
            "Create a role that they can assume: aws iam create-role --role-name SUPPORT_ROLE --assume-role-policy-document \
             file://trust.json.",
            "Attach the policy: aws iam attach-role-policy --role-name SUPPORT_ROLE --policy-arn \
             arn:aws:iam::aws:policy/AWSSupportAccess, with aws-cn or aws-us-gov in other partitions.",
            "To verify: aws iam list-entities-for-policy with this --policy-arn lists the role.",
        ],
        commands: &[
            "aws iam attach-role-policy --role-name=SUPPORT_ROLE --policy-arn=arn:{partition}:iam::aws:policy/AWSSupportAccess",
            "aws iam list-entities-for-policy --policy-arn=arn:{partition}:iam::aws:policy/AWSSupportAccess",
        ],
        risk: "Whoever can assume the role can open cases, and sees those of others; aws iam detach-role-policy takes it back.",
    },
    reads: &[DETAILS],
    parameters: &[Parameter::Strings(POLICIES)],
    elsewhere: &[
        "AWS Security Hub IAM.18",
        "AWS Config iam-policy-in-use",
        "Prowler iam_support_role_created",
        "Steampipe iam_support_role",
        "CIS AWS Foundations 7.0.0 2.15",
        "ScoutSuite iam-no-support-role",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
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
    use crate::model::{AttachedPolicy, Group, Listing, Role, User};

    const TRUST: &str = r#"{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}"#;

    fn support() -> Vec<AttachedPolicy> {
        let arn = format!("arn:aws:iam::aws:policy/{SUPPORT_ACCESS}");
        vec![AttachedPolicy { name: SUPPORT_ACCESS.to_owned(), arn }]
    }

    fn world(users: Vec<User>, groups: Vec<Group>, roles: Vec<Role>) -> World {
        let mut world = World::new();
        world.account.iam.users = Listing::complete(users);
        world.account.iam.groups = Listing::complete(groups);
        world.account.iam.roles = Listing::complete(roles);
        world
    }

    fn support_role(trust: &str) -> Role {
        Role { attached_policies: support(), trust_policy: statements(trust), ..role("/") }
    }

    #[test]
    fn a_user_a_group_with_a_member_or_a_role_with_a_trust_policy_passes() {
        let verdict = |world: World| judge_root(&CHECK, &world).unwrap().verdict;
        let group = || Group { attached_policies: support(), ..group() };
        let member = User { groups: vec!["Readers".to_owned()], ..user() };
        assert_eq!(
            verdict(world(vec![User { attached_policies: support(), ..user() }], vec![], vec![])),
            Verdict::Pass
        );
        assert_eq!(verdict(world(vec![member], vec![group()], vec![])), Verdict::Pass);
        assert_eq!(verdict(world(vec![], vec![], vec![support_role(TRUST)])), Verdict::Pass);
        assert_eq!(verdict(world(vec![user()], vec![group()], vec![])), Verdict::Fail);
        assert_eq!(verdict(world(vec![], vec![], vec![support_role("")])), Verdict::Fail);
        let by_name = vec![AttachedPolicy {
            arn: format!("arn:aws:iam::{ACCOUNT}:policy/{SUPPORT_ACCESS}"),
            ..support()[0].clone()
        }];
        let namesake = User { attached_policies: by_name, ..user() };
        assert_eq!(verdict(world(vec![namesake], vec![], vec![])), Verdict::Fail);
    }

    #[test]
    fn another_policy_may_be_asked_for() {
        let values = Values::with(POLICIES.name, Value::Strings(vec!["job-function/SupportUser".to_owned()]));
        let arn = "arn:aws:iam::aws:policy/job-function/SupportUser".to_owned();
        let attached_policies = vec![AttachedPolicy { name: "SupportUser".to_owned(), arn }];
        let other = World { values, ..world(vec![User { attached_policies, ..user() }], vec![], vec![]) };
        assert_eq!(judge_root(&CHECK, &other).unwrap().verdict, Verdict::Pass);
        let default = World { values: Values::default(), ..other };
        assert_eq!(judge_root(&CHECK, &default).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn without_every_principal_or_trust_policy_nothing_is_said_unless_one_is_known() {
        let gap = denied(DETAILS);
        let mut cut = world(vec![], vec![], vec![]);
        cut.account.iam.groups = Listing::missing(gap.clone());
        assert_eq!(judge_root(&CHECK, &cut), Err(gap.clone()));
        cut.account.iam.roles = Listing::partial(vec![support_role(TRUST)], gap.clone());
        assert_eq!(judge_root(&CHECK, &cut).unwrap().verdict, Verdict::Pass);
        let unread = Role { trust_policy: Err(gap.clone()), ..support_role(TRUST) };
        assert_eq!(judge_root(&CHECK, &world(vec![], vec![], vec![unread])), Err(gap));
    }
}
