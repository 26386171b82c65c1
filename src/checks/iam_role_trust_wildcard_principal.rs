//! Roles that anybody may assume.

use super::trust::{self, allows, in_directory};
use super::{Check, Judged, Remediation, Rule, Scope, reference};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Role;
use crate::policy::{Access, Principal, PrincipalElement, Statement};

pub(super) const CHECK: Check = Check {
    id: "iam-role-trust-wildcard-principal",
    title: "No role trusts everybody",
    severity: Severity::Critical,
    resource: "IAM role",
    rationale: "A role that trusts everybody is an account that stands open: whoever knows or guesses its name has what the \
        role may do, from any account of the world.",
    rule: "Looks at Allow statements of the trust policy on sts:AssumeRole whose Principal is * or {AWS: *}, or that have a \
        NotPrincipal. FAIL if a principal of an account outside the organization that no policy names can assume the role, \
        under every condition or under values that the caller chooses; Deny statements and resource control policies count. \
        PASS if none can, for example because of aws:PrincipalOrgID or aws:PrincipalAccount, or only one who knows a \
        written-out sts:ExternalId. Conditions that others decide (the network, MFA) do not make it a PASS. UNDECIDED if it \
        depends on what AWS does not document or on what could not be read.",
    exemptions: "Service-linked roles, whose trust policy only AWS can change, are NOT_APPLICABLE.",
    blind_spots: "An external id is no secret: whoever learns it gets in. Identity providers (web identity, SAML) are not in \
        this test. Accounts that the policy names are judged by iam-role-trust-external-without-external-id.",
    remediation: Remediation {
        summary: "Name the accounts or roles that need the role, or demand aws:PrincipalOrgID.",
        steps: &[
            "Find out who assumes the role: CloudTrail events AssumeRole with its ARN.",
            "Save the document, then aws iam update-assume-role-policy --role-name ROLE_NAME --policy-document \
             file://trust.json with the principals written out, or with a condition StringEquals aws:PrincipalOrgID.",
            "End open sessions: aws iam put-role-policy with a Deny of everything before now by aws:TokenIssueTime.",
            "To verify: aws iam get-role --role-name ROLE_NAME shows no star under Principal, or shows the condition.",
        ],
        commands: &[
            "aws iam get-role --role-name={role} --query=Role.AssumeRolePolicyDocument > trust-before.json",
            "aws iam update-assume-role-policy --role-name={role} --policy-document=file://trust.json",
        ],
        risk: "Whoever is not written out is locked out; the saved document takes it back. Look for use by strangers before \
            you call it a fault of configuration.",
    },
    reads: &[
        "iam:GetAccountAuthorizationDetails",
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[],
    elsewhere: &[
        "IAM Access Analyzer external access (roles)",
        "Steampipe iam_role_trust_policy_prohibit_public_access",
        "ScoutSuite iam-assume-role-policy-allows-all",
        "Cloudsplaining AssumableByAnyPrincipal",
        "Cloudsplaining AssumableByAnyPrincipalWithConditions",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Role(judge)],
};

fn judge(role: &Role, scope: &Scope<'_>) -> Judged {
    trust::judged(role, |document| {
        let open: Vec<&Statement> = allows(document).filter(|(_, it)| is_open(it)).map(|(it, _)| it).collect();
        if open.is_empty() {
            return Ok(Judgement::pass("no statement of the trust policy names everybody"));
        }
        let directory = scope.reach.directory();
        let cell = match directory.assuming(&directory.strange_role(), in_directory(role, scope)?) {
            Ok(cell) => cell,
            Err(error) => return Ok(super::key_policy::unanswered(&error)),
        };
        let knows_a_secret = !cell.conditions.is_empty()
            && cell.conditions.iter().all(|all| all.iter().any(|it| it.key.eq_ignore_ascii_case("sts:ExternalId")));
        let when = || match cell.condition_words() {
            words if words.is_empty() => String::new(),
            words => format!(" when {}", words.join(", or when ")),
        };
        let judgement = match cell.access {
            Access::Denied => Judgement::pass("the trust policy names everybody, but no stranger can assume the role"),
            Access::Possible => Judgement::undecided(
                "whether a stranger can assume the role hangs on what could not be read or is not documented",
            ),
            _ if knows_a_secret => {
                Judgement::pass("the trust policy names everybody, but only one who knows the external id gets in")
            }
            _ => Judgement::fail(format!("anybody, in any account, can assume the role{}", when())),
        };
        Ok(judgement.by_statements(open.into_iter().map(|statement| reference("trust policy", statement))))
    })
}

/// Whether somebody whom no policy names is meant.
fn is_open(element: &PrincipalElement) -> bool {
    let names_everyone = element.entries.contains(&Principal::Everyone);
    if element.negated { !names_everyone && !element.entries.is_empty() } else { names_everyone }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn judged_in(trust: &str, path: &str, mut world: World) -> Judged {
        let role = Role { trust_policy: statements(trust), ..role(path) };
        world.account.iam.roles = Listing::complete(vec![role.clone()]);
        judge_role(&CHECK, &role, &world)
    }

    fn verdict(rest: &str) -> Verdict {
        let trust = format!(r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", {rest}}}"#);
        judged_in(&trust, "/", member(&[], &[])).unwrap().verdict
    }

    #[test]
    fn everybody_fails_in_any_spelling() {
        for principal in [r#""Principal": "*""#, r#""Principal": {"AWS": ["*", "111122223333"]}"#] {
            assert_eq!(verdict(principal), Verdict::Fail, "{principal}");
        }
        assert_eq!(verdict(r#""NotPrincipal": {"AWS": "arn:aws:iam::111122223333:role/R"}"#), Verdict::Fail);
        assert_eq!(verdict(r#""Principal": {"AWS": "111122223333"}"#), Verdict::Pass);
        assert_eq!(verdict(r#""Principal": {"Service": "ec2.amazonaws.com"}"#), Verdict::Pass);
    }

    #[test]
    fn conditions_that_keep_strangers_out_pass_and_others_do_not() {
        let with = |condition: &str| verdict(&format!(r#""Principal": "*", "Condition": {{{condition}}}"#));
        assert_eq!(with(r#""StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}"#), Verdict::Pass);
        assert_eq!(with(r#""StringEquals": {"aws:PrincipalAccount": "444455556666"}"#), Verdict::Pass);
        assert_eq!(with(r#""StringEquals": {"sts:ExternalId": "b0c7"}"#), Verdict::Pass);
        assert_eq!(with(r#""StringLike": {"aws:PrincipalOrgID": "*"}"#), Verdict::Fail);
        assert_eq!(with(r#""StringLike": {"sts:RoleSessionName": "a*"}"#), Verdict::Fail);
        assert_eq!(with(r#""Bool": {"aws:MultiFactorAuthPresent": "true"}"#), Verdict::Fail);
    }

    #[test]
    fn a_deny_of_strangers_in_the_same_policy_counts() {
        let open = r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}"#;
        let deny = r#"{"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}}"#;
        let judged = judged_in(&format!("{open}, {deny}"), "/", member(&[], &[])).unwrap();
        assert_eq!(judged.verdict, Verdict::Pass);
        assert_eq!(judged.statements.len(), 1);
    }

    #[test]
    fn service_linked_roles_are_exempt_and_an_unread_policy_says_nothing() {
        let open = r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}"#;
        let of_aws = judged_in(open, "/aws-service-role/x.amazonaws.com/", World::new()).unwrap();
        assert_eq!(of_aws.verdict, Verdict::NotApplicable);
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let unread = Role { trust_policy: Err(gap.clone()), ..role("/") };
        assert_eq!(judge_role(&CHECK, &unread, &World::new()), Err(gap));
    }

    #[test]
    fn an_organization_that_could_not_be_read_makes_no_pass_of_a_failure() {
        let open = r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}"#;
        let unknown = World { organization: Err(denied("organizations:DescribeOrganization")), ..World::new() };
        assert_ne!(judged_in(open, "/", unknown).unwrap().verdict, Verdict::Pass);
    }
}
