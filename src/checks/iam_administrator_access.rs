//! Users, groups and roles that are administrators.

use super::administrators::{Through, administration, stake};
use super::recipients::{self, Held};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Principal;

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

const ADMINISTRATORS: Strings = Strings {
    name: "administrators",
    meaning: "Names of users, groups and roles that may be administrators; `NAME*` stands for all names that begin so.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-administrator-access",
    title: "Nobody is an administrator who is not named",
    severity: Severity::Medium,
    resource: "IAM user, group or role",
    rationale: "An administrator can do everything in the account: use each key whose policy trusts IAM, change key \
        policies, make credentials for others. Each one is a decision that somebody made, and should be on a list.",
    rule: "Takes the policies that are attached to the user, group or role, AWS managed ones such as AdministratorAccess \
        included, and its inline policies. FAIL if one of them by itself allows every action on every resource (told as \
        in iam-policy-admin-star; a condition is ignored and said), and its name is not in administrators (by \
        default none). PASS if none does, or if a permissions boundary that does not allow everything limits it. \
        UNDECIDED if it depends on what AWS does not document, or takes more steps than the budget allows.",
    exemptions: "Service-linked roles, and names that stand in administrators, are NOT_APPLICABLE.",
    blind_spots: "Several policies that allow everything together pass; who can give himself the rest is judged by \
        iam-privilege-escalation. Members of a group are not named; the group is. Service control policies limit \
        administrators, and are not combined here.",
    remediation: Remediation {
        summary: "Replace full access by what the job needs, or list the administrator in the configuration.",
        steps: &[
            "Decide who has to administer the account, and put their names, or the beginning of the names of their \
             Identity Center roles, into administrators.",
            "For the others, write a policy from what they used: IAM Access Analyzer proposes one from CloudTrail.",
            "Attach it, then detach the other. Keep a break-glass role whose use raises an alarm.",
        ],
        commands: &[
            "aws iam detach-user-policy --user-name={user} --policy-arn=arn:{partition}:iam::aws:policy/AdministratorAccess",
            "aws iam detach-group-policy --group-name={group} --policy-arn=arn:{partition}:iam::aws:policy/AdministratorAccess",
            "aws iam detach-role-policy --role-name={role} --policy-arn=arn:{partition}:iam::aws:policy/AdministratorAccess",
            "aws iam list-attached-user-policies --user-name={user}",
            "aws iam list-attached-group-policies --group-name={group}",
            "aws iam list-attached-role-policies --role-name={role}",
        ],
        risk: "Make sure that another administrator can sign in before the change; attaching the policy again takes \
            it back. The roles of Identity Center are changed in the permission set.",
    },
    reads: &[DETAILS],
    parameters: &[Parameter::Strings(ADMINISTRATORS)],
    elsewhere: &[
        "Prowler iam_aws_attached_policy_no_administrative_privileges",
        "Prowler iam_inline_policy_no_administrative_privileges",
        "Prowler iam_user_administrator_access_policy",
        "Prowler iam_group_administrator_access_policy",
        "Prowler iam_role_administratoraccess_policy",
        "Prowler bedrock_api_key_no_administrative_privileges (users with API keys)",
        "Steampipe iam_policy_all_attached_no_star_star",
        "Steampipe iam_inline_policy_no_administrative_privileges",
        "Steampipe iam_role_no_administrator_access_policy_attached",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Principal(judge)],
};

fn judge(principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
    let source = principal.source();
    if principal.is_service_linked() {
        let reason = "only AWS can change the policies of a service-linked role";
        return Ok(Judgement::not_applicable(reason).because_of(source));
    }
    let names = scope.values.strings(&ADMINISTRATORS);
    if names.iter().any(|name| is_named(name, principal.name())) {
        return Ok(Judgement::not_applicable("the configuration names it as an administrator").because_of(source));
    }
    let Some(found) = administration(principal, Through::Itself, scope)? else {
        return Ok(Judgement::pass("no policy by itself makes it an administrator").because_of(source));
    };
    let policies = found.policies.join(", ");
    let judgement = if found.certain {
        Judgement::fail(format!("it is an administrator by {policies}"))
    } else {
        Judgement::undecided(format!("whether {policies} makes it an administrator is not documented or not told"))
    };
    let judgement = judgement.because_of(source).because_of_all(found.sources).by_statements(found.statements);
    recipients::named(Ok(judgement), Held::By(principal), || stake(found.documents, scope), scope)
}

fn is_named(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{AttachedPolicy, Document, Group, Listing, ManagedPolicy, Role, User};

    const ARN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
    const EVERYTHING: &str = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;

    fn world(document: Document) -> World {
        let mut world = World::new();
        let policy = ManagedPolicy { arn: ARN.to_owned(), ..managed(document) };
        let narrow = ManagedPolicy { arn: "narrow".to_owned(), ..managed(statements("")) };
        world.account.iam.policies = Listing::complete(vec![policy, narrow]);
        world
    }

    fn attached() -> Vec<AttachedPolicy> {
        vec![AttachedPolicy { name: "AdministratorAccess".to_owned(), arn: ARN.to_owned() }]
    }

    fn alice() -> User {
        User { attached_policies: attached(), ..user() }
    }

    fn of(principal: Principal<'_>, world: &World) -> Judged {
        judge_principal_in(&CHECK, principal, world)
    }

    #[test]
    fn whoever_holds_a_policy_of_everything_fails_by_whatever_path() {
        let world = world(statements(EVERYTHING));
        let verdict = |principal: Principal<'_>| of(principal, &world).unwrap().verdict;
        let judgement = of(Principal::User(&alice()), &world).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, "it is an administrator by AdministratorAccess");
        assert_eq!(judgement.statements[0].policy, ARN);
        let group = Group { attached_policies: attached(), ..group() };
        assert_eq!(verdict(Principal::Group(&group)), Verdict::Fail);
        let own = vec![inline("own", statements(r#"{"Effect": "Allow", "Action": "*:*", "Resource": "*"}"#))];
        let role = Role { inline_policies: own, ..role("/") };
        assert_eq!(verdict(Principal::Role(&role)), Verdict::Fail);
        let by_group = User { groups: vec![group.name], ..user() };
        assert_eq!(verdict(Principal::User(&by_group)), Verdict::Pass);
    }

    #[test]
    fn a_name_is_no_administrator() {
        let namesake = world(statements(r#"{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}"#));
        assert_eq!(of(Principal::User(&alice()), &namesake).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn a_boundary_that_does_not_allow_everything_limits() {
        let world = world(statements(EVERYTHING));
        let bound = |arn: &str| User { permissions_boundary: Some(arn.to_owned()), ..alice() };
        assert_eq!(of(Principal::User(&bound("narrow")), &world).unwrap().verdict, Verdict::Pass);
        assert_eq!(of(Principal::User(&bound(ARN)), &world).unwrap().verdict, Verdict::Fail);
        assert!(of(Principal::User(&bound("lost")), &world).unwrap_err().reason().contains("lost"));
    }

    #[test]
    fn names_of_the_configuration_and_service_linked_roles_are_exempt() {
        for name in ["Alice", "Ali*"] {
            let values = Values::with(ADMINISTRATORS.name, Value::Strings(vec![name.to_owned()]));
            let world = World { values, ..world(statements(EVERYTHING)) };
            assert_eq!(of(Principal::User(&alice()), &world).unwrap().verdict, Verdict::NotApplicable, "{name}");
        }
        let of_aws = Role { attached_policies: attached(), ..role("/aws-service-role/x.amazonaws.com/") };
        let judged = of(Principal::Role(&of_aws), &world(statements(EVERYTHING))).unwrap();
        assert_eq!(judged.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn what_one_reading_alone_makes_an_administrator_is_left_open() {
        let letters: Vec<String> = ('a'..='z').chain('0'..='9').chain(['-']).map(|it| format!("\"{it}*\"")).collect();
        let text = format!(r#"{{"Effect": "Allow", "Action": [{}], "Resource": "*"}}"#, letters.join(","));
        let judged = of(Principal::User(&alice()), &world(statements(&text))).unwrap();
        assert_eq!(judged.verdict, Verdict::Undecided);
    }

    #[test]
    fn a_policy_that_could_not_be_read_is_no_pass_and_hides_no_failure() {
        let gap = denied(DETAILS);
        assert_eq!(of(Principal::User(&alice()), &world(Err(gap.clone()))), Err(gap.clone()));
        let inline_policies = vec![inline("own", statements(EVERYTHING))];
        let both = User { inline_policies, ..alice() };
        assert_eq!(of(Principal::User(&both), &world(Err(gap.clone()))).unwrap().verdict, Verdict::Fail);
        let mut lost = world(statements(EVERYTHING));
        lost.account.iam.policies = Listing::missing(gap.clone());
        assert_eq!(of(Principal::User(&alice()), &lost), Err(gap));
    }
}
