//! What the organization adds to every decision: its policies level by level, its id and the paths of its accounts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::document::Named;
use super::kin::address;
use super::principal::{self, Principal};
use crate::model::{Fact, Gap, Listing, Organization, OrganizationPolicy};
use crate::policy::{Answers, ConditionTest, Context, ContextValue, Document, PrincipalElement};

/// The organization as decisions see it.
#[derive(Debug, Clone)]
pub struct Estate {
    /// `None` for accounts outside any organization.
    organization: Arc<Fact<Option<Organization>>>,
    /// What was decided before, in whichever account.
    pub(super) answers: Arc<Answers>,
    members: Arc<OnceLock<BTreeMap<String, Member>>>,
}

/// What is worked out of a member of the organization once, however many accounts have to do with it.
#[derive(Debug)]
struct Member {
    service_control: Levels,
    resource_control: Levels,
    /// The same number for members under the same service control policies.
    alike: usize,
    /// Whoever its administrators choose.
    any: Arc<Principal>,
}

/// The policies of one kind that limit an account, root first; `None` where none does.
pub(super) type Levels = Option<Vec<Vec<Named>>>;

/// Which policies of the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `SERVICE_CONTROL_POLICY`
    Service,
    /// `RESOURCE_CONTROL_POLICY`
    Resource,
}

impl Estate {
    /// Out of what the snapshot knows of the organization.
    pub fn new(organization: Fact<Option<Organization>>) -> Self {
        Self { organization: Arc::new(organization), answers: Arc::default(), members: Arc::default() }
    }

    /// Why the organization is not known, if it is not.
    pub fn gap(&self) -> Option<&Gap> {
        self.organization.as_ref().as_ref().err()
    }

    /// Whether the account manages the organization: its principals and keys are exempt from organization policies.
    pub(super) fn is_management(&self, account_id: &str) -> bool {
        matches!(self.organization.as_ref(), Ok(Some(organization)) if organization.management_account_id == account_id)
    }

    /// Whether the account is a member; `None` where that is not known.
    pub(super) fn is_member(&self, account_id: &str) -> Option<bool> {
        match self.organization.as_ref() {
            Ok(None) => Some(false),
            Ok(Some(organization)) if organization.accounts.contains_key(account_id) => Some(true),
            Ok(Some(organization)) if organization.accounts_gap.is_none() => Some(false),
            Ok(Some(_)) | Err(_) => None,
        }
    }

    /// The accounts that are known to be members.
    pub(super) fn members(&self) -> impl Iterator<Item = &str> {
        let organization = self.organization.as_ref().as_ref().ok().and_then(Option::as_ref);
        organization.into_iter().flat_map(|organization| organization.accounts.keys()).map(String::as_str)
    }

    /// The policies of one kind that limit an account. What could not be read stands for a policy that may say anything
    /// (semantics O-7).
    pub(super) fn levels(&self, account_id: &str, kind: Kind) -> Cow<'_, Levels> {
        match (self.member(account_id), kind) {
            (Some(member), Kind::Service) => Cow::Borrowed(&member.service_control),
            (Some(member), Kind::Resource) => Cow::Borrowed(&member.resource_control),
            (None, _) => Cow::Owned(self.read_levels(account_id, kind)),
        }
    }

    /// A number that members under the same service control policies have in common.
    pub(super) fn alike(&self, account_id: &str) -> Option<usize> {
        Some(self.member(account_id)?.alike)
    }

    /// Whoever the administrators of an account choose.
    pub(super) fn any_of(&self, partition: &str, account_id: &str) -> Arc<Principal> {
        match self.member(account_id) {
            Some(member) if member.any.arn.split(':').nth(1) == Some(partition) => member.any.clone(),
            _ => Arc::new(principal::account(partition, account_id, self)),
        }
    }

    fn member(&self, account_id: &str) -> Option<&Member> {
        self.members.get_or_init(|| self.read_members()).get(account_id)
    }

    fn read_members(&self) -> BTreeMap<String, Member> {
        let mut numbers: BTreeMap<Option<Vec<Vec<usize>>>, usize> = BTreeMap::new();
        let organization = self.organization.as_ref().as_ref().ok().and_then(Option::as_ref);
        let partition = organization.and_then(|it| it.arn.split(':').nth(1)).unwrap_or_default();
        // All are there while they are compared, so that each address is that of one document.
        let levels: Vec<(&str, Levels)> = self.members().map(|id| (id, self.read_levels(id, Kind::Service))).collect();
        let of_level = |level: &Vec<Named>| level.iter().map(|named| address(&named.document)).collect();
        let numbered: Vec<usize> = levels
            .iter()
            .map(|(_, levels)| {
                let next = numbers.len();
                let places = levels.as_ref().map(|levels| levels.iter().map(of_level).collect());
                *numbers.entry(places).or_insert(next)
            })
            .collect();
        let members = levels.into_iter().zip(numbered).map(|((id, service_control), alike)| {
            let any = Arc::new(principal::account(partition, id, self));
            let resource_control = self.read_levels(id, Kind::Resource);
            (id.to_owned(), Member { service_control, resource_control, alike, any })
        });
        members.collect()
    }

    fn read_levels(&self, account_id: &str, kind: Kind) -> Levels {
        let organization = match self.organization.as_ref() {
            Ok(None) => return None,
            Ok(Some(_)) if self.is_member(account_id) == Some(false) || self.is_management(account_id) => return None,
            Ok(Some(organization)) => organization,
            Err(gap) => return Some(vec![vec![unread(kind, gap)]]),
        };
        let roots = match organization.roots.whole() {
            Ok(roots) => roots,
            Err(gap) => return Some(vec![vec![unread(kind, &gap)]]),
        };
        if !roots.iter().any(|root| root.enabled_policy_types.iter().any(|enabled| enabled == kind.policy_type())) {
            return None;
        }
        let path = match organization.path(account_id) {
            Ok(path) => path,
            Err(gap) => return Some(vec![vec![unread(kind, &gap)]]),
        };
        let policies = kind.policies(organization);
        Some(path.iter().chain([&account_id.to_owned()]).map(|target| level(policies, target, kind)).collect())
    }

    /// The root, unit or account that a level of policies is attached to, by name.
    pub(super) fn place(&self, account_id: &str, level: usize) -> String {
        let Ok(Some(organization)) = self.organization.as_ref() else {
            return "an organization that was not read".to_owned();
        };
        let names = organization.ou_path(account_id).unwrap_or_default();
        let names: Vec<&str> = names.split('/').collect();
        match names.get(..=level) {
            Some(path) => path.join("/"),
            None => format!("account {account_id}"),
        }
    }

    /// What every request by a principal of the account (`aws:Principal…`) or to a resource of it (`aws:Resource…`) holds of
    /// the organization. Nothing is said where nothing is known.
    pub(super) fn described(&self, account_id: &str, prefix: &str) -> Context {
        let mut context = Context::default();
        let (id, path) = (format!("{prefix}OrgID"), format!("{prefix}OrgPaths"));
        let organization = match (self.organization.as_ref(), self.is_member(account_id)) {
            (Ok(Some(organization)), Some(true)) => organization,
            (Ok(None), _) => {
                context.insert(&id, ContextValue::Absent);
                context.insert(&path, ContextValue::Absent);
                return context;
            }
            _ => return context,
        };
        context.insert(&id, ContextValue::One(organization.id.clone()));
        if let Ok(units) = organization.path(account_id) {
            let whole = format!("{}/{}/", organization.id, units.join("/"));
            context.insert(&path, ContextValue::Set(vec![whole]));
        }
        context
    }
}

impl Estate {
    /// What holds of every request by a principal of an account, beside what [`Estate::described`] says: one outside the
    /// organization may be in another, but not in this.
    pub(super) fn assumed(&self, account_id: &str) -> Vec<ConditionTest> {
        match (self.organization.as_ref(), self.is_member(account_id)) {
            (Ok(Some(organization)), Some(false)) => vec![
                ConditionTest::literal("StringNotEquals", "aws:PrincipalOrgID", &[&organization.id]),
                ConditionTest::like(
                    "ForAllValues:StringNotLike",
                    "aws:PrincipalOrgPaths",
                    &[format!("{}/*", organization.id)],
                ),
            ],
            _ => vec![],
        }
    }
}

impl Kind {
    fn policy_type(self) -> &'static str {
        match self {
            Self::Service => "SERVICE_CONTROL_POLICY",
            Self::Resource => "RESOURCE_CONTROL_POLICY",
        }
    }

    /// As people say it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Service => "service control policy",
            Self::Resource => "resource control policy",
        }
    }

    fn policies(self, organization: &Organization) -> &Listing<OrganizationPolicy> {
        match self {
            Self::Service => &organization.service_control_policies,
            Self::Resource => &organization.resource_control_policies,
        }
    }
}

/// The policies attached to one root, unit or account. A policy whose targets are not all known may be attached here.
fn level(policies: &Listing<OrganizationPolicy>, target: &str, kind: Kind) -> Vec<Named> {
    let mut level = Vec::new();
    for policy in policies.known() {
        let is_attached = policy.targets.known().iter().any(|it| it == target);
        match (is_attached, policy.targets.gap(), &policy.document) {
            (true, _, Ok(document)) => level.push(Named {
                name: format!("{} {}", kind.words(), policy.name).into(),
                document: document.clone(),
                source: Some(policy.source.clone()),
            }),
            (true, _, Err(gap)) | (false, Some(gap), _) => level.push(unread(kind, gap)),
            (false, None, _) => {}
        }
    }
    level.extend(policies.gap().map(|gap| unread(kind, gap)));
    level
}

fn unread(kind: Kind, gap: &Gap) -> Named {
    let principal = (kind == Kind::Resource)
        .then(|| PrincipalElement { negated: false, entries: vec![crate::policy::Principal::Everyone] });
    Named {
        name: format!("unread {}: {}", kind.words(), gap.reason()).into(),
        document: Arc::new(Document::unread(principal)),
        source: None,
    }
}
