//! Users and roles that can give themselves more than they have.

use std::collections::{BTreeMap, BTreeSet};

use super::escalations::ESCALATIONS;
use super::identity::complete;
use super::key_policy::unanswered;
use super::{Check, Judged, Remediation, Rule, Scope, reference};
use crate::access::Principal as AccessPrincipal;
use crate::finding::{Judgement, Severity, StatementReference, Status};
use crate::model::{Gap, Principal, Role, User};
use crate::policy::{Access, Action, AdminActions, Effect, PolicyRef, ResourcePattern, Statement, Symbol, Unanswered};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

pub(super) const CHECK: Check = Check {
    id: "iam-privilege-escalation",
    title: "Nobody but administrators can become an administrator",
    severity: Severity::High,
    resource: "IAM user or role",
    rationale: "Some permissions are worth all others: to write policies, to make credentials for other users, to \
        pass a role to code of one's own. Whoever holds them is an administrator by another name, and no review calls \
        him one.",
    rule: "Takes the effective permissions of each user and role: all its inline and managed policies and those of \
        its groups together, with Deny statements, the permissions boundary and service control policies. FAIL if all \
        actions of a known set are allowed, always, under values that the caller chooses, or under a condition: for \
        example iam:AttachUserPolicy, or iam:PassRole with lambda:CreateFunction and lambda:InvokeFunction (75 sets, \
        those of Prowler and Cloudsplaining without their supersets). An action counts on the resources that the \
        Allow statements name; making credentials counts on other users only, removing a boundary on the own one \
        only, and taking over something that has a role (no action of IAM in the set) only if allowed on everything \
        of its kind. UNDECIDED if it depends on what AWS does not document, on organization policies that could not \
        be read, or on more than 64 named resources of which the first 64 do not show it.",
    exemptions: "Service-linked roles, and users and roles that have every permission already (Allow of every action \
        on every resource without a condition, no permissions boundary), are NOT_APPLICABLE.",
    blind_spots: "A condition counts as met by somebody, also one that only a service which calls for the principal \
        can meet. Whether a resource exists that makes the step worth while (a powerful role to pass, an \
        administrator's user) is not looked at: keyproof access who-can --reach follows real chains to keys. Resource \
        policies, such as one that lets a role invoke a function, and sets that are not on the list are not seen.",
    remediation: Remediation {
        summary: "Take one action of the set away, or confine it to resources that give nothing.",
        steps: &[
            "For iam:PassRole: name the roles in Resource, and the service in a condition iam:PassedToService.",
            "For IAM actions on users, roles and policies: put them under a path, name the path in Resource, and demand a \
             permissions boundary by the condition iam:PermissionsBoundary.",
            "Where it cannot be taken away, deny it over the principal by a boundary: aws iam \
             put-role-permissions-boundary --role-name ROLE_NAME --permissions-boundary POLICY_ARN.",
            "To verify: aws iam simulate-principal-policy --policy-source-arn ARN --action-names iam:PassRole says \
             implicitDeny.",
        ],
        commands: &[
            "aws iam put-user-permissions-boundary --user-name={user} --permissions-boundary=POLICY_ARN",
            "aws iam put-role-permissions-boundary --role-name={role} --permissions-boundary=POLICY_ARN",
        ],
        risk: "Deployment pipelines often need such sets: give them a role of their own and a boundary before you \
            take the set from people. The former policy version or aws iam delete-role-permissions-boundary takes it \
            back.",
    },
    reads: &[
        DETAILS,
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[],
    elsewhere: &[
        "Prowler iam_policy_allows_privilege_escalation (single policies)",
        "Prowler iam_inline_policy_allows_privilege_escalation (single policies)",
        "Cloudsplaining PrivilegeEscalation (single policies)",
        "Cloudsplaining CredentialsExposure (credentials of others)",
        "PMapper privilege escalation",
        "PMapper overprivileged instance profiles, functions and stacks",
        "PMapper privilege escalation in operating systems (by AWS Systems Manager)",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge_user), Rule::Role(judge_role)],
};

fn judge_user(user: &User, scope: &Scope<'_>) -> Judged {
    judge(Principal::User(user), scope)
}

fn judge_role(role: &Role, scope: &Scope<'_>) -> Judged {
    judge(Principal::Role(role), scope)
}

/// Resources on which one action is tried; where policies name more, and none of these is allowed, nothing is concluded.
const MOST_CANDIDATES: usize = 64;

/// Sets that a reason spells out.
const SPELT_OUT: usize = 4;

fn judge(principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
    if principal.is_service_linked() {
        let reason = "only the service can act as a service-linked role";
        return Ok(Judgement::not_applicable(reason).because_of(principal.source()));
    }
    complete(principal, scope)?;
    let missing = || Gap::malformed(DETAILS, &[principal.arn()], "its ARN is none of a principal of this account");
    let actor = scope.reach.principal(principal.arn()).ok_or_else(missing)?;
    let sources: Vec<_> = actor.identity.iter().chain(&actor.boundary).filter_map(|it| it.source.as_ref()).collect();
    let judgement = if is_administrator(actor, scope) {
        Judgement::not_applicable("it has every permission already")
    } else {
        match (Escalation { actor, scope, allowed: BTreeMap::new() }).found() {
            Ok(found) => conclude(&found),
            Err(error) => unanswered(&error),
        }
    };
    Ok(judgement.because_of(principal.source()).because_of_all(sources))
}

fn conclude(found: &[Found]) -> Judgement {
    let certain: Vec<&Found> = found.iter().filter(|it| it.access != Access::Possible).collect();
    let (fails, decisive) = match certain.is_empty() {
        false => (true, certain),
        true => (false, found.iter().collect()),
    };
    if decisive.is_empty() {
        return Judgement::pass("no known set of actions lets it give itself more than it has");
    }
    let words = |it: &&Found| {
        let condition = if it.access == Access::Allowed { "" } else { " under a condition" };
        format!("{}{condition}", it.actions.join(" and "))
    };
    let mut sets: Vec<String> = decisive.iter().take(SPELT_OUT).map(words).collect();
    if decisive.len() > SPELT_OUT {
        sets.push(format!("and {} more", decisive.len() - SPELT_OUT));
    }
    let sets = sets.join("; ");
    let mut statements: Vec<StatementReference> =
        decisive.iter().flat_map(|it| it.statements.iter().cloned()).collect();
    statements.sort();
    statements.dedup();
    let judgement = if fails {
        Judgement::fail(format!("it can give itself more than it has, by {sets}"))
    } else {
        Judgement::undecided(format!("whether it can give itself more than it has is not known, by {sets}"))
    };
    judgement.by_statements(statements)
}

/// Whether one statement gives it everything and nothing limits it.
fn is_administrator(actor: &AccessPrincipal, scope: &Scope<'_>) -> bool {
    let gives_all = |named: &crate::access::Named| {
        let studied = scope.reach.studied(&named.document);
        studied.everything().iter().any(|it| it.actions == AdminActions::Every && !it.conditional)
    };
    actor.boundary.is_empty() && actor.identity.iter().any(gives_all)
}

/// A set whose actions are all allowed.
struct Found {
    actions: &'static [&'static str],
    access: Access,
    statements: Vec<StatementReference>,
}

/// The widest access to an action, and the statements that give it.
type Widest = (Access, Vec<StatementReference>);

struct Escalation<'a> {
    actor: &'a AccessPrincipal,
    scope: &'a Scope<'a>,
    /// By action, and whether it must be allowed on everything.
    allowed: BTreeMap<(&'static str, bool), Widest>,
}

impl Escalation<'_> {
    fn found(mut self) -> Result<Vec<Found>, Unanswered> {
        let mut found = Vec::new();
        let studied = self.actor.identity.iter().map(|named| self.scope.reach.studied(&named.document));
        // Most policies allow none of the actions.
        let studied: Vec<_> = studied.filter(|studied| !studied.escalating().is_empty()).collect();
        if studied.is_empty() {
            return Ok(found);
        }
        let allowed: BTreeSet<&str> = studied.iter().flat_map(|studied| studied.escalating()).copied().collect();
        for actions in ESCALATIONS {
            // What has a role already is one thing among many: only the right to all of them counts.
            let on_all = !actions.iter().any(|action| ["iam:", "sts:", "sso:"].iter().any(|it| action.starts_with(it)));
            if !actions.iter().all(|action| allowed.contains(action)) {
                continue;
            }
            let mut access = Access::Allowed;
            let mut statements = Vec::new();
            for action in actions {
                let widest = self.widest(action, on_all)?;
                access = access.max(widest.0);
                statements.extend(widest.1);
            }
            if access != Access::Denied {
                found.push(Found { actions, access, statements });
            }
        }
        Ok(found)
    }

    /// The Allow statements that speak of an action.
    fn allows(&self, action: &'static str) -> impl Iterator<Item = &Statement> {
        let statements = self.actor.identity.iter().flat_map(|named| named.document.statements_of(Effect::Allow));
        statements.filter(move |statement| statement.matches_action(action).is_possible())
    }

    fn widest(&mut self, action: &'static str, on_all: bool) -> Result<Widest, Unanswered> {
        if let Some(known) = self.allowed.get(&(action, on_all)) {
            return Ok(known.clone());
        }
        let mut widest = (Access::Denied, Vec::new());
        let candidates = self.candidates(action, on_all);
        for arn in candidates.iter().take(MOST_CANDIDATES) {
            let account = &self.scope.account.id;
            let cell = self.scope.reach.directory().on_plain(self.actor, account, arn, &Action::new(action))?;
            if cell.access < widest.0 {
                widest = (cell.access, self.statements(&cell));
            }
            if widest.0 == Access::Allowed {
                break;
            }
        }
        if candidates.len() > MOST_CANDIDATES && widest.0 > Access::Possible {
            widest = (Access::Possible, Vec::new());
        }
        self.allowed.insert((action, on_all), widest.clone());
        Ok(widest)
    }

    fn statements(&self, cell: &crate::access::Cell) -> Vec<StatementReference> {
        let of_identity = cell.statements.iter().filter_map(|decider| match decider.policy {
            PolicyRef::Identity(place) => {
                let named = self.actor.identity.get(place)?;
                Some(reference(&named.name, named.statement(decider.index)?))
            }
            _ => None,
        });
        of_identity.collect()
    }

    /// Resources on which the action would be a step up, one for each pattern that an Allow names.
    fn candidates(&self, action: &'static str, on_all: bool) -> Vec<String> {
        let own = &self.actor.arn;
        if action.ends_with("PermissionsBoundary") {
            return if self.actor.boundary.is_empty() { vec![] } else { vec![own.clone()] };
        }
        let unnamed = self.unnamed(action);
        let user = self.actor.caller.user_name();
        let value = |key: &str| user.filter(|_| key.eq_ignore_ascii_case("aws:username")).map(str::to_owned);
        let mut arns = Vec::new();
        for resources in self.allows(action).filter_map(|statement| statement.resources.as_ref()) {
            if resources.negated {
                arns.push(unnamed.clone());
                continue;
            }
            for pattern in resources.patterns.iter().filter(|pattern| !on_all || is_wide(pattern)) {
                match pattern.glob(&value) {
                    Some(_) if pattern.is_everything() => arns.push(unnamed.clone()),
                    Some(glob) => arns.push(self.representative(glob.symbols())),
                    None => {}
                }
            }
        }
        arns.sort();
        arns.dedup();
        let makes_credentials = ["AccessKey", "LoginProfile"].iter().any(|it| action.ends_with(it));
        arns.retain(|arn| !(makes_credentials && arn == own));
        arns
    }

    /// A text that a pattern matches, in this account where the pattern leaves the account open.
    fn representative(&self, symbols: &[Symbol]) -> String {
        let text: String = symbols
            .iter()
            .map(|symbol| match symbol {
                Symbol::Char(character) | Symbol::Letter(character) => *character,
                Symbol::One | Symbol::OneInField => '?',
                Symbol::Many | Symbol::ManyInField => '*',
            })
            .collect();
        let fields = text.splitn(6, ':').enumerate().map(|(place, field)| match (place, field) {
            (1, "*") => self.scope.account.partition.clone(),
            (3, "*") => "us-east-1".to_owned(),
            (4, "*") => self.scope.account.id.clone(),
            _ => field.replace(['*', '?'], NAME),
        });
        fields.collect::<Vec<_>>().join(":")
    }

    /// A resource of the action's kind that no policy names.
    fn unnamed(&self, action: &str) -> String {
        let (service, name) = action.split_once(':').unwrap_or((action, ""));
        let (partition, account) = (&self.scope.account.partition, &self.scope.account.id);
        let kind = match name {
            _ if !["iam", "sts"].contains(&service) => {
                return format!("arn:{partition}:{service}:us-east-1:{account}:{NAME}");
            }
            _ if name.contains("Group") => "group",
            _ if name.contains("Role") => "role",
            "CreatePolicyVersion" | "SetDefaultPolicyVersion" => "policy",
            _ => "user",
        };
        format!("arn:{partition}:iam::{account}:{kind}/{NAME}")
    }
}

/// A name that no pattern of a policy is written for.
const NAME: &str = "q7x2vk9w";

/// Whether a pattern names everything of a kind: nothing but a type stands before its star.
fn is_wide(pattern: &ResourcePattern) -> bool {
    let source = pattern.text().source();
    let Some(rest) = source.splitn(6, ':').nth(5) else { return pattern.is_everything() || source.ends_with('*') };
    let name = rest.rsplit([':', '/']).next().unwrap_or(rest);
    name == "*" && rest.matches([':', '/']).count() <= 1
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{AttachedPolicy, Group, InlinePolicy, Listing, ManagedPolicy};

    fn judged_in(user: User, mut world: World) -> Judged {
        world.account.iam.users = Listing::complete(vec![user.clone()]);
        world.ask(|scope| super::judge_user(&user, scope))
    }

    fn with(policies: &[&str]) -> User {
        let inline = policies.iter().enumerate().map(|(index, text)| inline(&format!("p{index}"), statements(text)));
        User { inline_policies: inline.collect::<Vec<InlinePolicy>>(), ..user() }
    }

    fn judged(policies: &[&str]) -> Judgement {
        judged_in(with(policies), member(&[], &[])).unwrap()
    }

    fn allow(action: &str, resource: &str) -> String {
        format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#)
    }

    fn verdict(policies: &[String]) -> Verdict {
        judged(&policies.iter().map(String::as_str).collect::<Vec<_>>()).verdict
    }

    #[test]
    fn single_actions_that_rewrite_permissions_fail() {
        for action in ["iam:AttachUserPolicy", "iam:Put*", "iam:CreatePolicyVersion", "iam:UpdateAssumeRolePolicy"] {
            assert_eq!(verdict(&[allow(action, "*")]), Verdict::Fail, "{action}");
        }
        for action in ["iam:Get*", "s3:*", "iam:PassRole", "ec2:RunInstances"] {
            assert_eq!(verdict(&[allow(action, "*")]), Verdict::Pass, "{action}");
        }
        assert_eq!(verdict(&[]), Verdict::Pass);
    }

    #[test]
    fn a_set_that_stands_in_two_policies_is_one_escalation() {
        let (pass, run) = (allow("iam:PassRole", "*"), allow("ec2:RunInstances", "*"));
        let found = judged(&[&pass, &run]);
        assert_eq!(found.verdict, Verdict::Fail);
        assert!(found.reason.contains("ec2:RunInstances and iam:PassRole"), "{}", found.reason);
        let policies: Vec<&str> = found.statements.iter().map(|it| it.policy.as_str()).collect();
        assert!(policies.iter().any(|it| it.contains("p0")) && policies.iter().any(|it| it.contains("p1")));
    }

    #[test]
    fn policies_of_groups_and_managed_policies_count() {
        let mut world = member(&[], &[]);
        let group = Group { inline_policies: vec![inline("g", statements(&allow("iam:PassRole", "*")))], ..group() };
        world.account.iam.groups = Listing::complete(vec![group]);
        let policy = managed(statements(&allow("ec2:RunInstances", "*")));
        let attached = AttachedPolicy { name: policy.name.clone(), arn: policy.arn.clone() };
        world.account.iam.policies = Listing::complete(vec![policy]);
        let user = User { groups: vec!["Readers".to_owned()], attached_policies: vec![attached], ..user() };
        assert_eq!(judged_in(user, world).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn a_deny_takes_away_what_it_covers_and_no_more() {
        let put = allow("iam:PutRolePolicy", "*");
        let deny = |resource: &str| allow("iam:PutRolePolicy", resource).replace("Allow", "Deny");
        assert_eq!(verdict(&[put.clone(), deny("*")]), Verdict::Pass);
        assert_eq!(verdict(&[put.clone(), deny("arn:aws:iam::111122223333:role/Other")]), Verdict::Fail);
        let mfa = r#", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}"#;
        let unless_mfa = judged(&[&put, &deny("*").replace('}', mfa)]);
        assert_eq!(unless_mfa.verdict, Verdict::Fail);
        assert!(unless_mfa.reason.contains("under a condition"), "{}", unless_mfa.reason);
    }

    #[test]
    fn boundaries_and_service_control_policies_take_away() {
        let policy = allow("iam:PutUserPolicy", "*");
        let mut world = member(&[], &[]);
        let boundary = managed(statements(&allow("s3:*", "*")));
        world.account.iam.policies = Listing::complete(vec![ManagedPolicy { ..boundary.clone() }]);
        let bounded = User { permissions_boundary: Some(boundary.arn), ..with(&[&policy]) };
        assert_eq!(judged_in(bounded, world).unwrap().verdict, Verdict::Pass);
        let denied = r#"{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}"#;
        assert_eq!(judged_in(with(&[&policy]), member(&[denied], &[])).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn more_resources_than_are_tried_are_no_pass() {
        let users: Vec<String> = (0..70).map(|it| format!(r#""arn:aws:iam::{ACCOUNT}:user/u{it}""#)).collect();
        let policy =
            format!(r#"{{"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": [{}]}}"#, users.join(", "));
        assert_eq!(verdict(std::slice::from_ref(&policy)), Verdict::Fail);
        let denied = r#"{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}"#;
        assert_eq!(judged_in(with(&[&policy]), member(&[denied], &[])).unwrap().verdict, Verdict::Undecided);
    }

    #[test]
    fn keys_for_oneself_and_builds_of_one_project_are_no_escalation() {
        let own = user().arn;
        assert_eq!(verdict(&[allow("iam:CreateAccessKey", &own)]), Verdict::Pass);
        assert_eq!(verdict(&[allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}")]), Verdict::Pass);
        assert_eq!(verdict(&[allow("iam:CreateAccessKey", "arn:aws:iam::*:user/*")]), Verdict::Fail);
        assert_eq!(verdict(&[allow("iam:PutUserPolicy", &own)]), Verdict::Fail);
        let project = "arn:aws:codebuild:eu-central-1:111122223333:project/site";
        assert_eq!(verdict(&[allow("codebuild:StartBuild", project)]), Verdict::Pass);
        assert_eq!(verdict(&[allow("codebuild:StartBuild", "arn:aws:codebuild:*:*:project/*")]), Verdict::Fail);
        assert_eq!(verdict(&[allow("codebuild:StartBuild", "*")]), Verdict::Fail);
    }

    #[test]
    fn administrators_and_service_linked_roles_are_exempt() {
        assert_eq!(verdict(&[allow("*", "*")]), Verdict::NotApplicable);
        let of_aws = role("/aws-service-role/x.amazonaws.com/");
        let judged = World::new().ask(|scope| super::judge_role(&of_aws, scope)).unwrap();
        assert_eq!(judged.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn a_policy_that_could_not_be_read_is_never_passed_over() {
        let gap = denied(DETAILS);
        let unread = User { inline_policies: vec![inline("lost", Err(gap.clone()))], ..user() };
        assert_eq!(judged_in(unread, World::new()), Err(gap));
        let attached = AttachedPolicy { name: "Gone".to_owned(), arn: "arn:aws:iam::aws:policy/Gone".to_owned() };
        let dangling = User { attached_policies: vec![attached], ..user() };
        assert!(judged_in(dangling, World::new()).unwrap_err().reason().contains("Gone"));
        let grouped = User { groups: vec!["Unknown".to_owned()], ..user() };
        assert!(judged_in(grouped, World::new()).unwrap_err().reason().contains("Unknown"));
        let bounded = User { permissions_boundary: Some("arn:aws:iam::aws:policy/B".to_owned()), ..user() };
        assert!(judged_in(bounded, World::new()).is_err());
    }

    #[test]
    fn every_set_is_as_small_as_it_can_be_and_fails_on_everything() {
        for actions in ESCALATIONS {
            let is_smaller =
                |other: &&[&str]| other.len() < actions.len() && other.iter().all(|it| actions.contains(it));
            assert!(!ESCALATIONS.iter().any(is_smaller), "{actions:?}");
        }
        for actions in [&["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"][..], &["ssm:StartSession"]]
        {
            assert!(ESCALATIONS.contains(&actions), "{actions:?}");
            let policies: Vec<String> = actions.iter().map(|action| allow(action, "*")).collect();
            assert_eq!(verdict(&policies), Verdict::Fail, "{actions:?}");
        }
    }
}
