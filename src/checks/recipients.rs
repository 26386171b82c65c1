//! Who really gets what a policy gives: to whom it attaches, and where a boundary, the organization or the keys let the access
//! come no further. Checks that judge documents ask it of what fails.

use std::collections::BTreeSet;

use super::{Judged, Scope};
use crate::access::{Cell, Principal as Holder, PrincipalKind};
use crate::finding::{AffectedPrincipal, AffectedPrincipals, Verdict};
use crate::model::{AttachedPolicy, Principal};
use crate::policy::{Access, Action, Document, Effect, Layer, Unanswered};

/// Principals that a finding lists; the others are counted.
const LISTED: usize = 20;

/// Keys or roles on which an action is tried; where it is denied on so many, nothing is concluded of the others.
const MOST_RESOURCES: usize = 64;

/// Of the actions of KMS, those of which it is asked who gets them where a policy gives all: to read, and
/// to become master of a key.
pub(super) const OF_KMS: [&str; 2] = ["kms:Decrypt", "kms:PutKeyPolicy"];

/// A name that no policy is written for.
const NAME: &str = "q7x2vk9w";

/// Where documents stand.
#[derive(Clone, Copy)]
pub(super) enum Held<'a> {
    /// In a managed policy of this ARN.
    Managed(&'a str),
    /// With a user, group or role.
    By(Principal<'a>),
}

/// What is at stake.
pub(super) struct Stake<'a> {
    /// The documents that give it.
    pub(super) documents: Vec<&'a Document>,
    /// The actions of which one is enough.
    pub(super) actions: Vec<String>,
    /// On what they are asked: how the ARNs begin, behind which a name follows that no policy is written for; without it on anything
    /// of the action's service. Actions of KMS are asked on the customer's keys of the account, sts:AssumeRole on its roles.
    pub(super) head: Option<String>,
}

/// How the ARNs of something in the account begin: `trail/` of `cloudtrail`, in a Region where the account has keys.
pub(super) fn head(service: &str, kind: &str, scope: &Scope<'_>) -> String {
    let account = scope.account;
    let region = match service {
        "iam" => "",
        _ => account.regions.keys().next().map_or("us-east-1", String::as_str),
    };
    format!("arn:{}:{service}:{region}:{}:{kind}", account.partition, account.id)
}

/// Adds to an exception who gets what is at stake.
pub(super) fn named<'a>(
    judged: Judged,
    held: Held<'_>,
    stake: impl FnOnce() -> Stake<'a>,
    scope: &Scope<'_>,
) -> Judged {
    let mut judgement = judged?;
    if judgement.verdict == Verdict::Fail {
        let stake = stake();
        // Without an action to ask for nothing can be said.
        judgement.principals = (!stake.actions.is_empty()).then(|| affected(held, &stake, scope).into());
    }
    Ok(judgement)
}

fn affected(held: Held<'_>, stake: &Stake<'_>, scope: &Scope<'_>) -> AffectedPrincipals {
    let iam = &scope.account.iam;
    let mut principals: Vec<(Access, AffectedPrincipal)> =
        holders(held, scope).into_iter().map(|arn| asked(arn, stake, scope)).collect();
    principals.sort_by(|(one, a), (other, b)| (one, &a.principal_arn).cmp(&(other, &b.principal_arn)));
    let of = |wanted: fn(Access) -> bool| principals.iter().filter(|(access, _)| wanted(*access)).count();
    AffectedPrincipals {
        count: of(|access| access < Access::Possible),
        possible: of(|access| access == Access::Possible),
        denied: of(|access| access == Access::Denied),
        complete: [iam.users.gap(), iam.groups.gap(), iam.roles.gap()].iter().all(Option::is_none),
        principals: principals.into_iter().map(|(_, principal)| principal).take(LISTED).collect(),
    }
}

/// The users and roles to which documents attach, as a policy and not as a boundary, those of groups included.
fn holders<'a>(held: Held<'a>, scope: &Scope<'a>) -> BTreeSet<&'a str> {
    let iam = &scope.account.iam;
    let members = |groups: &BTreeSet<&str>| -> Vec<&'a str> {
        let is_in = |names: &[String]| names.iter().any(|name| groups.contains(name.as_str()));
        iam.users.known().iter().filter(|user| is_in(&user.groups)).map(|user| user.arn.as_str()).collect()
    };
    match held {
        Held::By(Principal::Group(group)) => members(&BTreeSet::from([group.name.as_str()])).into_iter().collect(),
        Held::By(principal) => BTreeSet::from([principal.arn()]),
        Held::Managed(arn) => {
            let has = |policies: &[AttachedPolicy]| policies.iter().any(|policy| policy.arn == arn);
            let groups = iam.groups.known().iter().filter(|it| has(&it.attached_policies));
            let groups: BTreeSet<&str> = groups.map(|it| it.name.as_str()).collect();
            let users = iam.users.known().iter().filter(|it| has(&it.attached_policies)).map(|it| it.arn.as_str());
            let roles = iam.roles.known().iter().filter(|it| has(&it.attached_policies)).map(|it| it.arn.as_str());
            users.chain(roles).chain(members(&groups)).collect()
        }
    }
}

/// What is said of one of them, with how far the access goes.
type Said = (Access, AffectedPrincipal);

/// The widest access that one of them gets.
fn asked(arn: &str, stake: &Stake<'_>, scope: &Scope<'_>) -> Said {
    let nothing = |access: Access| {
        let principal_arn = arn.to_owned();
        let (action, resource_arn, blocked_by) = (None, None, None);
        (access, AffectedPrincipal { principal_arn, access: access.word(), action, resource_arn, blocked_by })
    };
    let Some(holder) = scope.reach.principal(arn) else { return nothing(Access::Possible) };
    let mut widest: Option<Said> = None;
    for action in stake.actions.iter().filter(|action| stake.gives(action)) {
        let found = match action.as_str() {
            "sts:AssumeRole" => on_roles(holder, scope),
            name if name.starts_with("kms:") => on_keys(holder, name, scope),
            name => on_unnamed(holder, name, stake, scope),
        };
        if widest.as_ref().is_none_or(|(access, _)| found.0 < *access) {
            widest = Some(found);
        }
        if widest.as_ref().is_some_and(|(access, _)| *access == Access::Allowed) {
            break;
        }
    }
    widest.unwrap_or_else(|| nothing(Access::Denied))
}

impl Stake<'_> {
    /// Whether an Allow statement of the documents speaks of an action.
    fn gives(&self, action: &str) -> bool {
        let mut allows = self.documents.iter().flat_map(|document| document.statements_of(Effect::Allow));
        allows.any(|statement| statement.matches_action(action).is_possible())
    }
}

fn on_unnamed(holder: &Holder, action: &str, stake: &Stake<'_>, scope: &Scope<'_>) -> Said {
    let service = action.split(':').next().unwrap_or_default();
    let head = stake.head.clone().unwrap_or_else(|| head(service, "", scope));
    let cell =
        scope.reach.directory().on_plain(holder, &scope.account.id, &format!("{head}{NAME}"), &Action::new(action));
    let (access, blocked_by) = told(cell);
    let (principal_arn, action) = (holder.arn.clone(), Some(action.to_owned()));
    (access, AffectedPrincipal { principal_arn, access: access.word(), action, resource_arn: None, blocked_by })
}

/// Grants are left out: they are nothing that a policy gives.
fn on_keys(holder: &Holder, action: &str, scope: &Scope<'_>) -> Said {
    let account = scope.account;
    let directory = scope.reach.directory();
    let asked = Action::new(action);
    let resources = Resources {
        arns: scope.reach.kinds_of_keys().into_iter().map(|key| (key.arn.as_str(), key)).collect(),
        complete: account.regions_gap.is_none() && account.regions.values().all(|kms| kms.keys.gap().is_none()),
        none: "the account has no key of its own",
    };
    resources.widest(holder, action, |_| true, |key| directory.by_policies(holder, key, &asked))
}

fn on_roles(holder: &Holder, scope: &Scope<'_>) -> Said {
    let directory = scope.reach.directory();
    let principals = directory.account(&scope.account.id).map_or(&[][..], |account| account.principals.as_slice());
    let others = principals.iter().filter(|it| it.kind == PrincipalKind::Role && it.arn != holder.arn);
    let resources = Resources {
        arns: others.map(|role| (role.arn.as_str(), role)).collect(),
        complete: scope.account.iam.roles.gap().is_none(),
        none: "the account has no other role",
    };
    resources.widest(
        holder,
        "sts:AssumeRole",
        |role| directory.may_let_in(role, holder),
        |role| directory.assuming(holder, role),
    )
}

/// What an action is tried on, each with its ARN.
struct Resources<'a, T> {
    arns: Vec<(&'a str, &'a T)>,
    /// Whether they are known to be all.
    complete: bool,
    /// What keeps from the action where there are none.
    none: &'static str,
}

impl<T> Resources<'_, T> {
    /// Where nothing `may` be allowed need not be decided, once it is known what keeps from the action.
    fn widest(
        &self,
        holder: &Holder,
        action: &str,
        may: impl Fn(&T) -> bool,
        decide: impl Fn(&T) -> Result<Cell, Unanswered>,
    ) -> Said {
        let mut widest = (Access::Denied, None, Some(self.none));
        for (arn, resource) in self.arns.iter().take(MOST_RESOURCES) {
            if widest.1.is_some() && !may(resource) {
                continue;
            }
            let (access, blocked_by) = told(decide(resource));
            if access < widest.0 || widest.1.is_none() {
                widest = (access, Some(*arn), blocked_by);
            }
            if access == Access::Allowed {
                break;
            }
        }
        let is_whole = self.complete && self.arns.len() <= MOST_RESOURCES;
        let (access, resource, blocked_by) = match widest {
            (Access::Denied, ..) if !is_whole => (Access::Possible, None, None),
            found => found,
        };
        let (principal_arn, action) = (holder.arn.clone(), Some(action.to_owned()));
        let resource_arn = resource.map(str::to_owned);
        (access, AffectedPrincipal { principal_arn, access: access.word(), action, resource_arn, blocked_by })
    }
}

fn told(cell: Result<Cell, Unanswered>) -> (Access, Option<&'static str>) {
    match cell {
        Ok(cell) => (cell.access, cell.layer.filter(|_| cell.access == Access::Denied).map(words)),
        // Which of two answers is right is not known.
        Err(_) => (Access::Possible, None),
    }
}

/// A layer as people say it.
fn words(layer: Layer) -> &'static str {
    match layer {
        Layer::Scp(_) => "service control policies",
        Layer::Rcp(_) => "resource control policies",
        Layer::Service => "AWS KMS, whatever the policies say",
        Layer::KeyPolicy => "the key policy",
        Layer::Grants => "the grants",
        Layer::Identity => "the identity policies together",
        Layer::Boundary => "the permissions boundary",
        Layer::Session => "the session policies",
        Layer::ResourcePolicy | Layer::TrustPolicy => "the policy of the resource",
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{find, iam_policy_admin_star};
    use super::*;
    use crate::model::{Group, Listing, ManagedPolicy, Role, User};

    const DECRYPT: &str = r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}"#;
    const EVERYTHING: &str = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;

    fn attached(policy: &ManagedPolicy) -> Vec<AttachedPolicy> {
        vec![AttachedPolicy { name: policy.name.clone(), arn: policy.arn.clone() }]
    }

    fn named_user(name: &str, user: User) -> User {
        User { arn: format!("arn:aws:iam::{ACCOUNT}:user/{name}"), name: name.to_owned(), ..user }
    }

    /// The policy with the role, with Bob by his group, with Carol under a boundary, and with Dave as his boundary alone.
    fn world(policy: &ManagedPolicy, boundary: &str, mut world: World) -> World {
        let limit = ManagedPolicy {
            arn: format!("arn:aws:iam::{ACCOUNT}:policy/Limit"),
            ..super::super::fixtures::boundary(statements(boundary))
        };
        let iam = &mut world.account.iam;
        iam.roles = Listing::complete(vec![Role { attached_policies: attached(policy), ..role("/") }]);
        iam.groups = Listing::complete(vec![Group { attached_policies: attached(policy), ..group() }]);
        iam.users = Listing::complete(vec![
            named_user("Bob", User { groups: vec![group().name], ..user() }),
            named_user(
                "Carol",
                User { attached_policies: attached(policy), permissions_boundary: Some(limit.arn.clone()), ..user() },
            ),
            named_user("Dave", User { permissions_boundary: Some(policy.arn.clone()), ..user() }),
        ]);
        iam.policies = Listing::complete(vec![policy.clone(), limit]);
        world.with_keys(vec![key()])
    }

    fn found(check: &str, policy: &ManagedPolicy, world: &World) -> AffectedPrincipals {
        let check = find(check).unwrap();
        *judge_managed_in(check, policy, world).unwrap().principals.unwrap()
    }

    fn lines(found: &AffectedPrincipals) -> Vec<(&str, &str, Option<&str>)> {
        let line = |it: &'_ AffectedPrincipal| {
            let name = it.principal_arn.rsplit_once('/').map_or(0, |(head, _)| head.len() + 1);
            (name, it.access, it.blocked_by)
        };
        found
            .principals
            .iter()
            .map(|it| (line(it), it))
            .map(|((at, a, b), it)| (&it.principal_arn[at..], a, b))
            .collect()
    }

    const S3: &str = r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#;

    #[test]
    fn holders_of_every_kind_are_asked_and_a_boundary_takes_away() {
        let policy = managed(statements(DECRYPT));
        let affected = found("iam-managed-policy-kms-decrypt-all-keys", &policy, &world(&policy, S3, member(&[], &[])));
        assert_eq!((affected.count, affected.possible, affected.denied, affected.complete), (2, 0, 1, true));
        let kept = ("Carol", "denied", Some("the permissions boundary"));
        assert_eq!(lines(&affected), [("Worker", "allowed", None), ("Bob", "allowed", None), kept]);
        assert_eq!(affected.principals[0].action.as_deref(), Some("kms:Decrypt"));
        assert_eq!(affected.principals[0].resource_arn, Some(key_arn()));
    }

    #[test]
    fn the_organization_takes_away_and_what_was_not_read_leaves_it_open() {
        let deny = r#"{"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}"#;
        let policy = managed(statements(DECRYPT));
        let id = "iam-managed-policy-kms-decrypt-all-keys";
        let affected = found(id, &policy, &world(&policy, EVERYTHING, member(&[deny], &[])));
        assert_eq!((affected.count, affected.denied), (0, 3));
        assert!(affected.principals.iter().all(|it| it.blocked_by == Some("service control policies")));
        let mut unread = world(&policy, EVERYTHING, member(&[], &[]));
        unread.organization = Err(denied("organizations:DescribeOrganization"));
        let affected = found(id, &policy, &unread);
        assert_eq!((affected.count, affected.possible, affected.denied), (0, 3, 0));
        let mut cut = world(&policy, EVERYTHING, member(&[], &[]));
        cut.account.iam.users = Listing::partial(vec![], denied("iam:GetAccountAuthorizationDetails"));
        let affected = found(id, &policy, &cut);
        assert_eq!((affected.count, affected.complete), (1, false));
    }

    #[test]
    fn without_keys_nobody_decrypts_unless_keys_were_not_read() {
        let policy = managed(statements(DECRYPT));
        let id = "iam-managed-policy-kms-decrypt-all-keys";
        let bare = world(&policy, EVERYTHING, member(&[], &[])).with_keys(vec![]);
        let affected = found(id, &policy, &bare);
        assert_eq!((affected.count, affected.denied), (0, 3));
        assert_eq!(affected.principals[0].blocked_by, Some("the account has no key of its own"));
        let mut unread = bare;
        unread.account.regions_gap = Some(denied("account:ListRegions"));
        assert_eq!(found(id, &policy, &unread).possible, 3);
    }

    #[test]
    fn a_member_of_the_group_gets_what_stands_in_the_group() {
        let check = find("iam-inline-policy-kms-decrypt-all-keys").unwrap();
        let group = Group { inline_policies: vec![inline("own", statements(DECRYPT))], ..group() };
        let mut world = member(&[], &[]).with_keys(vec![key()]);
        world.account.iam.users = Listing::complete(vec![User { groups: vec![group.name.clone()], ..user() }]);
        world.account.iam.groups = Listing::complete(vec![group.clone()]);
        let affected = judge_principal_in(check, Principal::Group(&group), &world).unwrap().principals.unwrap();
        assert_eq!((affected.count, lines(&affected)), (1, vec![("Alice", "allowed", None)]));
    }

    #[test]
    fn an_administrator_under_a_boundary_is_said_to_be_kept_away() {
        let policy = managed(statements(EVERYTHING));
        let affected = found(iam_policy_admin_star::CHECK.id, &policy, &world(&policy, S3, member(&[], &[])));
        assert_eq!((affected.count, affected.denied), (2, 1));
    }

    #[test]
    fn a_role_is_assumed_by_those_whom_it_trusts() {
        let policy = managed(statements(r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}"#));
        let mut world = world(&policy, EVERYTHING, member(&[], &[]));
        let id = "iam-policy-any-role";
        assert_eq!(found(id, &policy, &world).count, 0);
        let trust =
            format!(r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": "{ACCOUNT}"}}}}"#);
        let trusting = Role {
            arn: format!("arn:aws:iam::{ACCOUNT}:role/Trusting"),
            name: "Trusting".to_owned(),
            trust_policy: statements(&trust),
            ..role("/")
        };
        let mut roles = world.account.iam.roles.known().to_vec();
        roles.push(trusting.clone());
        world.account.iam.roles = Listing::complete(roles);
        let affected = found(id, &policy, &world);
        assert_eq!((affected.count, affected.denied), (3, 0));
        assert_eq!(affected.principals[0].resource_arn, Some(trusting.arn));
    }

    #[test]
    fn more_than_fit_are_counted() {
        let policy = managed(statements(DECRYPT));
        let mut crowd = member(&[], &[]).with_keys(vec![key()]);
        let user = |index: usize| {
            named_user(&format!("user-{index:03}"), User { attached_policies: attached(&policy), ..user() })
        };
        crowd.account.iam.users = Listing::complete((0..LISTED + 5).map(user).collect());
        crowd.account.iam.policies = Listing::complete(vec![policy.clone()]);
        let affected = found("iam-managed-policy-kms-decrypt-all-keys", &policy, &crowd);
        assert_eq!((affected.count, affected.principals.len()), (LISTED + 5, LISTED));
    }
}
