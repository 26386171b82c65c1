//! What a decision rests on, so that two snapshots can be asked what changed between two decisions, and how sure each of them is.

use std::collections::BTreeSet;

use super::directory::Directory;
use super::document::Named;
use super::key::Key;
use super::organization::Levels;
use super::principal::{Principal, PrincipalKind};
use crate::model::Gap;
use crate::policy::{ConditionTest, Context, Document, Grant};

/// One of the things that decide whether a principal can do something on a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    /// The key was made.
    KeyCame,
    /// The key was deleted.
    KeyWent,
    /// The principal was made.
    PrincipalCame,
    /// The principal was deleted.
    PrincipalWent,
    /// The principal was deleted, and another made under its name.
    PrincipalReplaced,
    /// The statements of the key policy.
    KeyPolicy,
    /// A grant on the key that concerns the principal came.
    GrantAdded,
    /// A grant on the key that concerns the principal went.
    GrantGone,
    /// The inline and attached policies of the principal.
    IdentityPolicies,
    /// The groups of the user.
    Groups,
    /// The policies of groups that the user stayed in.
    GroupPolicies,
    /// The permissions boundary.
    Boundary,
    /// The service control policies of the principal's account.
    ServiceControl,
    /// The resource control policies of the key's account.
    ResourceControl,
    /// Tags of the principal and the place of its account, where a policy looks at them.
    PrincipalAttributes,
    /// Tags, aliases and properties of the key and the place of its account, where a policy looks at them.
    KeyAttributes,
}

impl Factor {
    /// Every factor, in the order of tables.
    pub const ALL: [Self; 16] = [
        Self::KeyCame,
        Self::KeyWent,
        Self::PrincipalCame,
        Self::PrincipalWent,
        Self::PrincipalReplaced,
        Self::KeyPolicy,
        Self::GrantAdded,
        Self::GrantGone,
        Self::IdentityPolicies,
        Self::Groups,
        Self::GroupPolicies,
        Self::Boundary,
        Self::ServiceControl,
        Self::ResourceControl,
        Self::PrincipalAttributes,
        Self::KeyAttributes,
    ];

    /// What happened to it, in the words of every table.
    pub fn words(self) -> &'static str {
        match self {
            Self::KeyCame => "key created",
            Self::KeyWent => "key deleted",
            Self::PrincipalCame => "principal created",
            Self::PrincipalWent => "principal deleted",
            Self::PrincipalReplaced => "principal replaced",
            Self::KeyPolicy => "key policy changed",
            Self::GrantAdded => "grant added",
            Self::GrantGone => "grant retired or revoked",
            Self::IdentityPolicies => "identity policies changed",
            Self::Groups => "group membership changed",
            Self::GroupPolicies => "policies of groups changed",
            Self::Boundary => "permissions boundary changed",
            Self::ServiceControl => "service control policies changed",
            Self::ResourceControl => "resource control policies changed",
            Self::PrincipalAttributes => "attributes of the principal changed",
            Self::KeyAttributes => "attributes of the key changed",
        }
    }
}

/// A key and a principal as one snapshot knows them.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    directory: &'a Directory,
    key: &'a Key,
    /// `None` where the snapshot knows no such principal.
    principal: Option<&'a Principal>,
}

impl<'a> Basis<'a> {
    /// What decides on a key for a principal of this snapshot, or for the one that another snapshot knows under its name.
    pub fn new(directory: &'a Directory, key: &'a Key, principal: &Principal) -> Self {
        let is_same = |it: &&Principal| it.arn == principal.arn && it.kind == principal.kind;
        let read = directory.account(&principal.account_id).and_then(|account| {
            let first = account.principals.partition_point(|it| it.arn < principal.arn);
            account.principals.iter().skip(first).take_while(|it| it.arn == principal.arn).find(is_same)
        });
        let named = || key.outsiders.iter().map(AsRef::as_ref).find(is_same);
        Self { directory, key, principal: read.or_else(named) }
    }

    /// What differs in a later snapshot, of all that may decide. What one of them could not read is not said to differ: nothing
    /// that is certain rests on it.
    pub fn changed_to(&self, later: &Self) -> BTreeSet<Factor> {
        let (old, new) = (self, later);
        let mut factors = old.of_principals(new);
        let mut note = |differs: bool, factor: Factor| {
            if differs {
                factors.insert(factor);
            }
        };
        note(differ([&old.key.policies, &new.key.policies]), Factor::KeyPolicy);
        let grants = [old, new].map(|side| side.grants(old.principal.or(new.principal)));
        let [then, now] = &grants;
        note(old.key.grants_gap.is_none() && !now.is_subset(then), Factor::GrantAdded);
        note(new.key.grants_gap.is_none() && !then.is_subset(now), Factor::GrantGone);
        let rcps = [old, new].map(|it| it.directory.resource_control(&it.key.account_id));
        note(levels_differ(rcps), Factor::ResourceControl);
        note(old.differ_in(new, [old, new].map(Self::of_key)), Factor::KeyAttributes);
        factors
    }

    fn of_principals(&self, later: &Self) -> BTreeSet<Factor> {
        let (old, new) = match (self.principal, later.principal) {
            (Some(old), Some(new)) => (old, new),
            (Some(old), None) if old.is_listed() => return BTreeSet::from([Factor::PrincipalWent]),
            (None, Some(new)) if new.is_listed() => return BTreeSet::from([Factor::PrincipalCame]),
            // Nobody lists it: it is known by the documents that name it alone.
            _ => return BTreeSet::new(),
        };
        let (groups, later_groups) = (self.directory.policies_by_owner(old), later.directory.policies_by_owner(new));
        let stayed: Vec<&String> = old.handles.groups.iter().filter(|it| new.handles.groups.contains(it)).collect();
        let of_stayed = |policies: &Owned<'a>| -> Vec<&'a Named> {
            let kept = policies.of_groups.iter().filter(|(name, _)| stayed.iter().any(|it| it.as_str() == *name));
            kept.flat_map(|(_, policies)| *policies).collect()
        };
        let sorted = |it: &'a Principal| it.handles.groups.iter().collect::<BTreeSet<_>>();
        let is_limited = !old.caller.is_service_linked_role();
        let scps = [(self, old), (later, new)].map(|(side, it)| side.directory.service_control(&it.account_id));
        let checks = [
            (old.unique_id() != new.unique_id(), Factor::PrincipalReplaced),
            (differ([groups.own, later_groups.own]), Factor::IdentityPolicies),
            (sorted(old) != sorted(new), Factor::Groups),
            (differ([of_stayed(&groups), of_stayed(&later_groups)]), Factor::GroupPolicies),
            (differ([&old.boundary, &new.boundary]), Factor::Boundary),
            (is_limited && levels_differ(scps.each_ref().map(|it| it.as_ref().as_ref())), Factor::ServiceControl),
            (self.differ_in(later, [self.of_principal(old), later.of_principal(new)]), Factor::PrincipalAttributes),
        ];
        checks.into_iter().filter_map(|(differs, factor)| differs.then_some(factor)).collect()
    }

    /// The grants that may concern a principal: those that name it, and all for whoever an account or AWS chooses.
    fn grants(&self, principal: Option<&Principal>) -> BTreeSet<&'a Grant> {
        let is_chosen = |it: &Principal| !it.is_listed();
        let concerns = |grant: &&Grant| {
            principal.is_none_or(|it| {
                let mut named = grant.grantee.iter().chain(&grant.retiring);
                is_chosen(it) || grant.grantee_is_opaque || named.any(|entry| it.caller.named_by(entry).is_some())
            })
        };
        self.key.grants.iter().filter(concerns).collect()
    }

    /// What requests on the key hold.
    fn of_key(&self) -> Attributes<'a> {
        Attributes {
            context: &self.key.context,
            assumptions: &self.key.assumptions,
            is_whole: self.key.gaps.is_empty() && self.directory.organization_gap().is_none(),
        }
    }

    /// What requests by a principal hold.
    fn of_principal(&self, principal: &'a Principal) -> Attributes<'a> {
        Attributes {
            context: &principal.context,
            assumptions: &principal.assumptions,
            is_whole: self.directory.organization_gap().is_none(),
        }
    }

    /// Whether what requests hold differs, as far as documents of both snapshots look at it and both could read it.
    fn differ_in(&self, later: &Self, both: [Attributes<'a>; 2]) -> bool {
        let is_told = |key: &str| self.tests(later, key) && both.iter().all(|it| it.is_whole || it.tell(key));
        let [old, new] = both.each_ref().map(|it| {
            let mut context = it.context.clone();
            context.retain(is_told);
            let assumptions: BTreeSet<_> = it.assumptions.iter().filter(|test| is_told(&test.key)).collect();
            (context, assumptions)
        });
        old != new
    }

    /// Whether documents of both snapshots look at a condition key. The unique id is told as a replacement.
    fn tests(&self, later: &Self, key: &str) -> bool {
        key != "aws:userid" && self.directory.tested.has(key) && later.directory.tested.has(key)
    }

    /// What could not be read of all that decides, so that only an `allowed` and a denial are certain.
    pub fn gap(&self) -> Option<String> {
        let of_organization = self.directory.organization_gap().map(Gap::reason);
        let of_key = || self.key.gaps.first().map(Gap::reason);
        let levels = |levels: &Levels| levels.iter().flatten().flatten().find_map(unread);
        let of_levels = || {
            let account = self.principal.map_or("", |it| it.account_id.as_str());
            let rcps = self.directory.resource_control(&self.key.account_id);
            levels(&self.directory.service_control(account))
                .or_else(|| rcps.into_iter().flatten().flatten().find_map(unread))
        };
        // What an account that was not read lets its principals do is no gap: nobody but its administrators knows.
        let of_principal = || {
            let it = self.principal.filter(|it| self.directory.account(&it.account_id).is_some())?;
            it.identity.iter().chain(&it.boundary).find_map(unread)
        };
        of_organization.or_else(of_key).or_else(of_principal).or_else(of_levels)
    }

    /// The principal, where the snapshot knows it.
    pub fn principal(&self) -> Option<&'a Principal> {
        self.principal
    }
}

impl Principal {
    /// AWS's unique id of a user, or of the role of a session; nothing where it was not read.
    pub fn unique_id(&self) -> Option<&str> {
        self.caller.unique_id.as_deref().map(|id| id.split(':').next().unwrap_or(id))
    }

    /// Whether lists of an account tell of it: a user, a role, the root user, one session of a role.
    fn is_listed(&self) -> bool {
        matches!(self.kind, PrincipalKind::User | PrincipalKind::Role | PrincipalKind::Root | PrincipalKind::Session)
    }
}

/// What requests hold by whoever makes them, or on whatever they are made.
struct Attributes<'a> {
    context: &'a Context,
    assumptions: &'a [ConditionTest],
    /// Whether nothing is missing because it could not be read.
    is_whole: bool,
}

impl Attributes<'_> {
    /// Whether they say anything about a condition key.
    fn tell(&self, key: &str) -> bool {
        self.context.find(key).is_some() || self.assumptions.iter().any(|test| test.key == key)
    }
}

/// The identity policies of a principal by whom they belong to.
struct Owned<'a> {
    own: &'a [Named],
    of_groups: Vec<(&'a str, &'a [Named])>,
}

impl Directory {
    /// The identity policies of a principal, its own first as they stand, then those of each group.
    fn policies_by_owner<'a>(&'a self, principal: &'a Principal) -> Owned<'a> {
        let memberships = self.account(&principal.account_id).map_or(&[][..], |account| &account.memberships);
        // A group that was not read stands for one document.
        let size = |name: &String| memberships.iter().find(|it| it.name == *name).map_or(1, |it| it.policies.len());
        let sizes: Vec<usize> = principal.handles.groups.iter().map(size).collect();
        let own = principal.identity.len().saturating_sub(sizes.iter().sum());
        let (own, mut rest) = principal.identity.split_at(own);
        let mut of_groups = Vec::new();
        for (name, size) in principal.handles.groups.iter().zip(sizes) {
            let (policies, others) = rest.split_at(size.min(rest.len()));
            of_groups.push((name.as_str(), policies));
            rest = others;
        }
        Owned { own, of_groups }
    }
}

/// Documents without their names and their order, neither of which decides anything.
fn documents<'n>(policies: impl IntoIterator<Item = &'n Named>) -> BTreeSet<&'n Document> {
    policies.into_iter().map(|policy| policy.document.as_ref()).collect()
}

/// Whether documents differ, as far as they were read: one that stands in one snapshot alone may be what could not be read in
/// the other.
fn differ<'n>(both: [impl IntoIterator<Item = &'n Named>; 2]) -> bool {
    let [(then, old_unread), (now, new_unread)] = both.map(|policies| {
        let (read, unread): (Vec<_>, Vec<_>) = policies.into_iter().partition(|policy| policy.source.is_some());
        (documents(read), !unread.is_empty())
    });
    (!old_unread && !now.is_subset(&then)) || (!new_unread && !then.is_subset(&now))
}

/// The same of the policies of an organization, where it matters as well at which level they stand.
fn levels_differ(both: [Option<&Vec<Vec<Named>>>; 2]) -> bool {
    let flat = both.map(|levels| levels.into_iter().flatten().flatten());
    if flat.clone().into_iter().flatten().any(|policy| policy.source.is_none()) {
        return differ(flat);
    }
    let [old, new] = both.map(|levels| levels.map(|levels| levels.iter().map(documents).collect::<Vec<_>>()));
    old != new
}

/// The name of a document that could not be read, which says why.
fn unread(policy: &Named) -> Option<String> {
    policy.source.is_none().then(|| policy.name.to_string())
}
