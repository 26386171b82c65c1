//! Principals as decisions see them: who they are, which policies attach to them, what their requests always hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::Named;
use super::organization::Estate;
use crate::model::{Account, AttachedPolicy, Gap, Group, Iam, InlinePolicy, Role, Tags, User};
use crate::policy::{self, Caller, CallerKind, ConditionTest, Context, ContextValue, Document};

/// A principal that may act on keys.
#[derive(Debug, Clone)]
pub struct Principal {
    /// ARN; the name of a service.
    pub arn: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// 12 digits; empty for services.
    pub account_id: String,
    /// As decisions see it.
    pub caller: Caller,
    /// Identity policies: inline, attached, and those of groups.
    pub identity: Vec<Named>,
    /// The permissions boundary, if it has one.
    pub boundary: Vec<Named>,
    /// What its requests always hold.
    pub(super) context: Context,
    /// Tests that hold of all its requests.
    pub(super) assumptions: Vec<ConditionTest>,
    /// The tags that its requests carry; `None` where a session may carry any.
    pub(super) tags: Option<Arc<Tags>>,
    /// What others can change to act as it, or to change what it may do.
    pub(super) handles: Handles,
}

/// What can be changed about a principal that was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Handles {
    /// Of a role: who may assume it.
    pub(super) trust_policy: Option<Named>,
    /// ARNs of the managed policies attached to it.
    pub(super) attached_policies: Vec<Arc<str>>,
    /// Names of its groups.
    pub(super) groups: Vec<String>,
    /// ARN of its permissions boundary.
    pub(super) boundary: Option<String>,
    /// Its own tags, which those of a session may beat.
    pub(super) tags: Arc<Tags>,
}

/// A group: what it gives to its members, and what can be changed about it.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) policies: Vec<Named>,
    /// ARNs of the managed policies attached to it.
    pub(super) attached_policies: Vec<Arc<str>>,
}

/// The groups of an account that were read.
pub(super) fn memberships(account: &Account) -> Vec<Membership> {
    let policies = Policies::new(&account.iam);
    let membership = |group: &Group| Membership {
        arn: group.arn.clone(),
        name: group.name.clone(),
        policies: policies.of_groups(std::slice::from_ref(&group.name)),
        attached_policies: policies.arns(&group.attached_policies),
    };
    let mut memberships: Vec<Membership> = account.iam.groups.known().iter().map(membership).collect();
    memberships.sort_by(|a, b| a.arn.cmp(&b.arn));
    memberships
}

/// What a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalKind {
    /// An IAM user.
    User,
    /// A role.
    Role,
    /// One session of a role, which a policy names.
    Session,
    /// A session of `GetFederationToken`, which a policy names.
    FederatedUser,
    /// The root user of an account.
    Root,
    /// Whoever the administrators of another account choose.
    Account,
    /// An AWS service.
    Service,
    /// Whoever a SAML or OIDC provider vouches for.
    IdentityProvider,
    /// Every principal of AWS.
    Everyone,
}

impl PrincipalKind {
    /// The word of every table.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::Session => "session",
            Self::FederatedUser => "federated-user",
            Self::Root => "root",
            Self::Account => "account",
            Self::Service => "service",
            Self::IdentityProvider => "identity-provider",
            Self::Everyone => "everyone",
        }
    }
}

impl Principal {
    /// The same principal, if the administrators of its account let it do everything.
    #[must_use]
    pub fn with_every_permission(self) -> Self {
        let document = Document::everything(None);
        let name = format!("policies that the administrators of account {} may write", self.account_id);
        let identity = vec![Named { name: name.into(), document: Arc::new(document), source: None }];
        Self { identity, ..self }
    }

    /// The same principal in requests for which these tests hold besides.
    #[must_use]
    pub fn in_requests(&self, tests: impl IntoIterator<Item = ConditionTest>) -> Self {
        let mut narrowed = self.clone();
        narrowed.assumptions.extend(tests);
        narrowed
    }

    /// What holds of all its requests if some document looks at `aws:userid`: a session has the id of its role, and a name of its own.
    pub(super) fn id_of_sessions(&self) -> Option<ConditionTest> {
        let id = self.caller.unique_id.as_deref().filter(|_| self.kind == PrincipalKind::Role)?;
        Some(ConditionTest::like("StringLike", "aws:userid", &[id.to_owned()]))
    }

    /// The same principal in requests without MFA: those of long-term credentials carry no word of it, others say false.
    pub(super) fn without_mfa(&self) -> Self {
        let mut plain = self.clone();
        plain.context.insert("aws:MultiFactorAuthAge", ContextValue::Absent);
        plain.assumptions.push(ConditionTest::literal("BoolIfExists", "aws:MultiFactorAuthPresent", &["false"]));
        plain
    }
}

/// The name of a session that no policy names: policies cannot name a session by a wildcard.
const SOME_SESSION: &str = "*";

/// Every principal of an account that was read: users, roles, the root user.
pub(super) fn all(account: &Account, estate: &Estate) -> Vec<Principal> {
    let policies = Policies::new(&account.iam);
    let mut principals = vec![root(account, estate)];
    let [of_users, of_roles] = ["User", "AssumedRole"].map(|kind| context_of(&account.id, estate, kind));
    principals.extend(account.iam.users.known().iter().map(|it| user(it, &policies, account, of_users.clone())));
    principals.extend(account.iam.roles.known().iter().map(|it| role(it, &policies, account, of_roles.clone())));
    principals.sort_by(|a, b| a.arn.cmp(&b.arn));
    principals
}

/// A managed policy: many have it.
struct Managed<'a> {
    policy: &'a crate::model::ManagedPolicy,
    arn: Arc<str>,
    attached: Named,
}

/// The managed policies and groups of an account, by name.
struct Policies<'a> {
    iam: &'a Iam,
    managed: BTreeMap<&'a str, Managed<'a>>,
    groups: BTreeMap<&'a str, &'a Group>,
}

impl<'a> Policies<'a> {
    fn new(iam: &'a Iam) -> Self {
        let managed = iam.policies.known().iter().map(|policy| {
            let name = format!("managed policy {}", policy.arn);
            let attached = Named::new(&name, &policy.document, &policy.document_source);
            (policy.arn.as_str(), Managed { policy, arn: policy.arn.as_str().into(), attached })
        });
        let managed = managed.collect();
        let groups = iam.groups.known().iter().map(|group| (group.name.as_str(), group)).collect();
        Self { iam, managed, groups }
    }

    fn missing(&self) -> Gap {
        const API: &str = "iam:GetAccountAuthorizationDetails";
        self.iam.policies.gap().cloned().unwrap_or_else(|| Gap::not_collected(API, &[]))
    }

    fn attached(&self, arn: &str) -> Named {
        let known = self.managed.get(arn).map(|known| known.attached.clone());
        known.unwrap_or_else(|| Named::unread(&format!("managed policy {arn}"), &self.missing(), None))
    }

    fn arns(&self, attached: &[AttachedPolicy]) -> Vec<Arc<str>> {
        let arn = |policy: &AttachedPolicy| {
            self.managed.get(policy.arn.as_str()).map_or_else(|| policy.arn.as_str().into(), |known| known.arn.clone())
        };
        attached.iter().map(arn).collect()
    }

    fn identity(&self, inline: &[InlinePolicy], attached: &[AttachedPolicy], owner: &str) -> Vec<Named> {
        let inline = inline.iter().map(|policy| {
            Named::new(&format!("inline policy {} of {owner}", policy.name), &policy.document, &policy.source)
        });
        inline.chain(attached.iter().map(|policy| self.attached(&policy.arn))).collect()
    }

    fn of_groups(&self, names: &[String]) -> Vec<Named> {
        let mut policies = Vec::new();
        for name in names {
            match self.groups.get(name.as_str()) {
                Some(group) => {
                    let owner = format!("group {name}");
                    policies.extend(self.identity(&group.inline_policies, &group.attached_policies, &owner));
                }
                None => policies.push(Named::unread(&format!("policies of group {name}"), &self.missing(), None)),
            }
        }
        policies
    }

    fn boundary(&self, arn: Option<&String>) -> Vec<Named> {
        let boundary = |arn: &String| {
            let name = format!("permissions boundary {arn}");
            match self.managed.get(arn.as_str()) {
                Some(Managed { policy, .. }) => Named::new(&name, &policy.document, &policy.document_source),
                None => Named::unread(&name, &self.missing(), None),
            }
        };
        arn.map(boundary).into_iter().collect()
    }
}

fn one(context: &mut Context, key: &str, value: &str) {
    context.insert(key, ContextValue::One(value.to_owned()));
}

/// What requests by principals of an account always hold.
fn context_of(account_id: &str, estate: &Estate, principal_type: &str) -> Context {
    let mut context = context_of_any(account_id, estate);
    one(&mut context, "aws:PrincipalType", principal_type);
    context
}

/// The same, whatever the principal is.
fn context_of_any(account_id: &str, estate: &Estate) -> Context {
    let mut context = estate.described(account_id, "aws:Principal");
    one(&mut context, "aws:SecureTransport", "true");
    context
}

/// `context`: what requests of users of the account always hold.
fn user(user: &User, policies: &Policies<'_>, account: &Account, mut context: Context) -> Principal {
    one(&mut context, "aws:userid", &user.id);
    let mut identity =
        policies.identity(&user.inline_policies, &user.attached_policies, &format!("user {}", user.name));
    identity.extend(policies.of_groups(&user.groups));
    let mut caller = Caller::new(CallerKind::User, &user.arn);
    caller.unique_id = Some(user.id.clone());
    let tags = Arc::new(user.tags.clone());
    Principal {
        arn: user.arn.clone(),
        kind: PrincipalKind::User,
        account_id: account.id.clone(),
        caller,
        identity,
        boundary: policies.boundary(user.permissions_boundary.as_ref()),
        context,
        assumptions: vec![],
        tags: Some(tags.clone()),
        handles: Handles {
            trust_policy: None,
            attached_policies: policies.arns(&user.attached_policies),
            groups: user.groups.clone(),
            boundary: user.permissions_boundary.clone(),
            tags,
        },
    }
}

/// `context`: what requests of roles of the account always hold.
fn role(role: &Role, policies: &Policies<'_>, account: &Account, context: Context) -> Principal {
    let session = format!("arn:{}:sts::{}:assumed-role/{}/{SOME_SESSION}", account.partition, account.id, role.name);
    let mut caller = Caller::session(&session, &role.arn);
    caller.unique_id = Some(format!("{}:{SOME_SESSION}", role.id));
    let name = format!("role {}", role.name);
    let tags = Arc::new(role.tags.clone());
    Principal {
        arn: role.arn.clone(),
        kind: PrincipalKind::Role,
        account_id: account.id.clone(),
        caller,
        identity: policies.identity(&role.inline_policies, &role.attached_policies, &name),
        boundary: policies.boundary(role.permissions_boundary.as_ref()),
        context,
        assumptions: vec![],
        tags: (!may_be_tagged(role)).then(|| tags.clone()),
        handles: Handles {
            trust_policy: Some(Named::of_resource(
                &format!("trust policy of {name}"),
                &role.trust_policy,
                &role.source,
            )),
            attached_policies: policies.arns(&role.attached_policies),
            groups: vec![],
            boundary: role.permissions_boundary.clone(),
            tags,
        },
    }
}

/// Whether sessions of the role may carry tags of their own, which beat those of the role.
fn may_be_tagged(role: &Role) -> bool {
    let Ok(trust) = &role.trust_policy else { return true };
    let allows = trust.statements_of(policy::Effect::Allow);
    allows.into_iter().any(|statement| statement.matches_action("sts:TagSession").is_possible())
}

fn root(account: &Account, estate: &Estate) -> Principal {
    let mut context = context_of(&account.id, estate, "Account");
    one(&mut context, "aws:userid", &account.id);
    root_of(&account.root_arn(), PrincipalKind::Root, context)
}

fn root_of(arn: &str, kind: PrincipalKind, context: Context) -> Principal {
    let caller = Caller::new(CallerKind::Root, arn);
    Principal {
        arn: arn.to_owned(),
        kind,
        account_id: caller.account.clone().unwrap_or_default(),
        caller,
        identity: vec![],
        boundary: vec![],
        context,
        assumptions: vec![],
        tags: Some(Arc::default()),
        handles: Handles::default(),
    }
}

/// An account of which no principal was read: whoever its administrators choose. Its root user needs no policy.
pub(super) fn account(partition: &str, account_id: &str, estate: &Estate) -> Principal {
    let context = context_of_any(account_id, estate);
    let arn = format!("arn:{partition}:iam::{account_id}:root");
    Principal { assumptions: estate.assumed(account_id), ..root_of(&arn, PrincipalKind::Account, context) }
}

/// A principal that a policy names and that is none of those that were read. `identity`: what its account lets it do.
pub(super) fn named(named: &policy::Principal, identity: Vec<Named>, estate: &Estate) -> Option<Principal> {
    use policy::Principal as Entry;
    let session = |arn: &policy::PrincipalArn| Caller::new(CallerKind::Role, &arn.arn);
    let (kind, caller, principal_type, named) = match named {
        Entry::User(arn) => (PrincipalKind::User, Caller::new(CallerKind::User, &arn.arn), "User", arn),
        Entry::Role(arn) => {
            let name = arn.name.rsplit('/').next().unwrap_or_default();
            let session = format!("arn:{}:sts::{}:assumed-role/{name}/{SOME_SESSION}", arn.partition, arn.account);
            (PrincipalKind::Role, Caller::session(&session, &arn.arn), "AssumedRole", arn)
        }
        Entry::Session(arn) => (PrincipalKind::Session, session(arn), "AssumedRole", arn),
        Entry::FederatedUser(arn) => {
            let caller = Caller::new(CallerKind::FederatedUser, &arn.arn);
            (PrincipalKind::FederatedUser, caller, "FederatedUser", arn)
        }
        _ => return None,
    };
    Some(Principal {
        arn: named.arn.clone(),
        kind,
        account_id: named.account.clone(),
        caller,
        identity,
        boundary: vec![],
        context: context_of(&named.account, estate, principal_type),
        assumptions: estate.assumed(&named.account),
        tags: None,
        handles: Handles::default(),
    })
}

/// What an account that was not read lets its principals do: whatever its administrators choose.
pub(super) fn whatever(account_id: &str) -> Vec<Named> {
    vec![Named {
        name: format!("policies of account {account_id}, which was not read").into(),
        document: Arc::new(Document::unread(None)),
        source: None,
    }]
}

/// One session of a role that was read.
pub(super) fn session(role: &Principal, arn: &str) -> Principal {
    let mut caller = Caller::session(arn, &role.arn);
    let name = arn.rsplit('/').next().unwrap_or_default();
    caller.unique_id = role.caller.unique_id.as_ref().map(|id| id.replace(SOME_SESSION, name));
    let mut context = role.context.clone();
    if let Some(id) = &caller.unique_id {
        one(&mut context, "aws:userid", id);
    }
    Principal { arn: arn.to_owned(), kind: PrincipalKind::Session, caller, context, ..role.clone() }
}

/// An AWS service that calls for itself.
pub(super) fn service(name: &str) -> Principal {
    let mut context = Context::default();
    one(&mut context, "aws:PrincipalServiceName", name);
    one(&mut context, "aws:SecureTransport", "true");
    Principal {
        arn: name.to_owned(),
        kind: PrincipalKind::Service,
        account_id: String::new(),
        caller: Caller::new(CallerKind::Service, name),
        identity: vec![],
        boundary: vec![],
        context,
        assumptions: vec![],
        tags: Some(Arc::default()),
        handles: Handles::default(),
    }
}

/// Whoever a SAML or OIDC provider vouches for: its users stand in no snapshot, and AWS knows them only by what trust policies
/// ask of the provider's word.
pub(super) fn identity_provider(name: &str) -> Principal {
    let mut context = Context::default();
    one(&mut context, "aws:SecureTransport", "true");
    let caller = Caller::new(CallerKind::IdentityProvider, name);
    Principal {
        arn: name.to_owned(),
        kind: PrincipalKind::IdentityProvider,
        account_id: caller.account.clone().unwrap_or_default(),
        caller,
        identity: vec![],
        boundary: vec![],
        context,
        assumptions: vec![],
        tags: None,
        handles: Handles::default(),
    }
}

/// Somebody in an account that no policy names, outside this organization: who stands for everyone.
pub(super) fn everyone(partition: &str, unnamed_account: &str, estate: &Estate) -> Principal {
    let somebody = account(partition, unnamed_account, estate);
    Principal { arn: "*".to_owned(), kind: PrincipalKind::Everyone, account_id: String::new(), ..somebody }
}
