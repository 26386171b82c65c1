//! What the organization adds to every decision: its policies level by level, its id and the paths of its accounts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::document::Named;
use crate::model::{Fact, Gap, Listing, Organization, OrganizationPolicy};
use crate::policy::{Answers, ConditionTest, Context, ContextValue, Document, PrincipalElement};

/// The organization as decisions see it.
#[derive(Debug, Clone)]
pub struct Estate {
    /// `None` for accounts outside any organization.
    organization: Arc<Fact<Option<Organization>>>,
    /// What was decided before, in whichever account.
    pub(super) answers: Arc<Answers>,
    /// What limits each member, by account: its service and its resource control policies.
    limits: Arc<OnceLock<BTreeMap<String, [Levels; 2]>>>,
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
        Self { organization: Arc::new(organization), answers: Arc::default(), limits: Arc::default() }
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
        let of_members = self.limits.get_or_init(|| {
            let of_member = |id: &str| [Kind::Service, Kind::Resource].map(|kind| self.read_levels(id, kind));
            self.members().map(|id| (id.to_owned(), of_member(id))).collect()
        });
        match (of_members.get(account_id), kind) {
            (Some([service, _]), Kind::Service) => Cow::Borrowed(service),
            (Some([_, resource]), Kind::Resource) => Cow::Borrowed(resource),
            (None, _) => Cow::Owned(self.read_levels(account_id, kind)),
        }
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
    pub(super) fn describe(&self, account_id: &str, prefix: &str, context: &mut Context) {
        let (id, path) = (format!("{prefix}OrgID"), format!("{prefix}OrgPaths"));
        let organization = match (self.organization.as_ref(), self.is_member(account_id)) {
            (Ok(Some(organization)), Some(true)) => organization,
            (Ok(None), _) => {
                context.insert(&id, ContextValue::Absent);
                context.insert(&path, ContextValue::Absent);
                return;
            }
            _ => return,
        };
        context.insert(&id, ContextValue::One(organization.id.clone()));
        if let Ok(units) = organization.path(account_id) {
            let whole = format!("{}/{}/", organization.id, units.join("/"));
            context.insert(&path, ContextValue::Set(vec![whole]));
        }
    }
}

impl Estate {
    /// What holds of every request by a principal of an account, beside what [`Estate::describe`] says: one outside the
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
                name: format!("{} {}", kind.words(), policy.name),
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
        name: format!("unread {}: {}", kind.words(), gap.reason()),
        document: Arc::new(Document::unread(principal)),
        source: None,
    }
}
