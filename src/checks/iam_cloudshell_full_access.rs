//! Users, groups and roles with full access to CloudShell.

use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Principal;

const FULL_ACCESS: &str = "AWSCloudShellFullAccess";

const EXEMPT_NAMES: Strings = Strings {
    name: "exempt_names",
    meaning: "Names of users, groups and roles that may have it.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::More,
};

const POLICIES: Strings = Strings {
    name: "policies",
    meaning: "Names of AWS managed policies of which none may be attached, with their path where they have one.",
    default: &[FULL_ACCESS],
    form: Form::Text,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "iam-cloudshell-full-access",
    title: "Nobody has full access to CloudShell",
    severity: Severity::Medium,
    resource: "IAM user, group or role",
    rationale: "CloudShell comes with sudo, a way to the internet, and file upload and download in both directions. \
        Full access lets whoever sits at the console carry data out past every other guard.",
    rule: "FAIL if the AWS managed policy AWSCloudShellFullAccess (policies), of the account's partition, is attached to \
        the user, group or role itself.",
    exemptions: "Service-linked roles, whose policies only AWS can change, and principals whose name is in exempt_names \
        (by default none) are NOT_APPLICABLE.",
    blind_spots: "Other policies that allow cloudshell:* are not looked at, administrators included. Members of a \
        group are not named; the group is.",
    remediation: Remediation {
        summary: "Detach AWSCloudShellFullAccess, and allow CloudShell without file transfer where it is needed.",
        steps: &[
            "Write a customer managed policy with the actions of CloudShell that are needed, without \
             cloudshell:GetFileDownloadUrls and cloudshell:GetFileUploadUrls.",
            "Attach it, then detach the other: aws iam detach-role-policy --role-name ROLE_NAME --policy-arn \
             arn:aws:iam::aws:policy/AWSCloudShellFullAccess, or detach-user-policy, or detach-group-policy.",
            "To verify: aws iam list-entities-for-policy with this --policy-arn does not list it.",
        ],
        commands: &[
            "aws iam detach-user-policy --user-name={user} --policy-arn=arn:{partition}:iam::aws:policy/AWSCloudShellFullAccess",
            "aws iam detach-group-policy --group-name={group} --policy-arn=arn:{partition}:iam::aws:policy/AWSCloudShellFullAccess",
            "aws iam detach-role-policy --role-name={role} --policy-arn=arn:{partition}:iam::aws:policy/AWSCloudShellFullAccess",
        ],
        risk: "People lose the upload and download of files in CloudShell; aws iam attach-role-policy takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Strings(POLICIES), Parameter::Strings(EXEMPT_NAMES)],
    elsewhere: &[
        "AWS Security Hub IAM.27",
        "AWS Config iam-policy-blacklisted-check",
        "Prowler iam_policy_cloudshell_admin_not_attached",
        "Steampipe iam_user_group_role_cloudshell_fullaccess_restricted",
        "CIS AWS Foundations 7.0.0 2.20",
        "Prowler bedrock_full_access_policy_attached (with policies)",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Principal(judge)],
};

fn judge(principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
    let source = principal.source();
    if principal.is_service_linked() {
        let reason = "only AWS can change the policies of a service-linked role";
        return Ok(Judgement::not_applicable(reason).because_of(source));
    }
    if scope.values.strings(&EXEMPT_NAMES).contains(&principal.name()) {
        return Ok(Judgement::not_applicable("the configuration exempts it by name").because_of(source));
    }
    let unwanted = scope.values.strings(&POLICIES);
    let is_attached = |name: &&str| {
        let arn = format!("arn:{}:iam::aws:policy/{name}", scope.account.partition);
        principal.attached_policies().iter().any(|policy| policy.arn == arn)
    };
    let attached: Vec<&str> = unwanted.iter().copied().filter(is_attached).collect();
    let judgement = if attached.is_empty() {
        Judgement::pass(format!("{} is not attached", unwanted.join(" or ")))
    } else {
        Judgement::fail(format!("{} is attached", attached.join(" and ")))
    };
    Ok(judgement.because_of(&source.child("AttachedManagedPolicies")))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{AttachedPolicy, Group, Role, User};

    fn attached(arn: &str) -> Vec<AttachedPolicy> {
        vec![AttachedPolicy { name: FULL_ACCESS.to_owned(), arn: arn.to_owned() }]
    }

    const ARN: &str = "arn:aws:iam::aws:policy/AWSCloudShellFullAccess";

    #[test]
    fn the_policy_of_aws_fails_on_every_kind_of_principal() {
        let verdict = |principal: Principal<'_>| judge_principal(&CHECK, principal).unwrap().verdict;
        let user = |arn| User { attached_policies: attached(arn), ..user() };
        let group = Group { attached_policies: attached(ARN), ..group() };
        let role = Role { attached_policies: attached(ARN), ..role("/") };
        assert_eq!(verdict(Principal::User(&user(ARN))), Verdict::Fail);
        assert_eq!(verdict(Principal::Group(&group)), Verdict::Fail);
        assert_eq!(verdict(Principal::Role(&role)), Verdict::Fail);
        assert_eq!(verdict(Principal::User(&user("arn:aws:iam::aws:policy/ReadOnlyAccess"))), Verdict::Pass);
        let namesake = "arn:aws:iam::111122223333:policy/AWSCloudShellFullAccess";
        assert_eq!(verdict(Principal::User(&user(namesake))), Verdict::Pass);
    }

    #[test]
    fn the_partition_of_the_account_counts() {
        let mut world = World::new();
        world.account.partition = "aws-cn".to_owned();
        let arn = ARN.replace("arn:aws:", "arn:aws-cn:");
        let user = User { attached_policies: attached(&arn), ..user() };
        assert_eq!(judge_principal_in(&CHECK, Principal::User(&user), &world).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn other_policies_may_be_unwanted() {
        let list = ["AmazonBedrockFullAccess", FULL_ACCESS].map(str::to_owned).to_vec();
        let world = World { values: Values::with(POLICIES.name, Value::Strings(list)), ..World::new() };
        let user = User { attached_policies: attached("arn:aws:iam::aws:policy/AmazonBedrockFullAccess"), ..user() };
        let judgement = judge_principal_in(&CHECK, Principal::User(&user), &world).unwrap();
        assert_eq!(
            (judgement.verdict, judgement.reason.as_ref()),
            (Verdict::Fail, "AmazonBedrockFullAccess is attached")
        );
        assert_eq!(judge_principal(&CHECK, Principal::User(&user)).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn service_linked_roles_and_names_of_the_configuration_are_exempt() {
        let of_aws = Role { attached_policies: attached(ARN), ..role("/aws-service-role/x.amazonaws.com/") };
        let verdict = |principal, world: &World| judge_principal_in(&CHECK, principal, world).unwrap().verdict;
        assert_eq!(verdict(Principal::Role(&of_aws), &World::new()), Verdict::NotApplicable);
        let values = Values::with(EXEMPT_NAMES.name, Value::Strings(vec!["Alice".to_owned()]));
        let world = World { values, ..World::new() };
        let alice = User { attached_policies: attached(ARN), ..user() };
        assert_eq!(verdict(Principal::User(&alice), &world), Verdict::NotApplicable);
    }
}
