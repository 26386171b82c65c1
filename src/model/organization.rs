//! The organization: its tree, its accounts, the policies attached to them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Document, Fact, Gap, Listing, Provenance, Source};

/// An AWS Organization as the Organizations API describes it.
#[derive(Debug, Clone)]
pub struct Organization {
    /// `o-…`.
    pub id: String,
    /// ARN of the organization.
    pub arn: String,
    /// Account that manages it.
    pub management_account_id: String,
    /// Its roots; AWS has exactly one.
    pub roots: Listing<Root>,
    /// Organizational units by id.
    pub units: BTreeMap<String, OrganizationalUnit>,
    /// Member accounts by id.
    pub accounts: BTreeMap<String, Unit>,
    /// Why the list of accounts is not known to be whole, if it is not.
    pub accounts_gap: Option<Gap>,
    /// Service control policies.
    pub service_control_policies: Listing<OrganizationPolicy>,
    /// Resource control policies.
    pub resource_control_policies: Listing<OrganizationPolicy>,
    /// Member accounts that administer services for the organization.
    pub delegated_administrators: Listing<DelegatedAdministrator>,
    /// The resource policy by which Organizations itself is delegated; none where there is none.
    pub resource_policy: Fact<Option<ResourcePolicy>>,
    /// The calls behind these facts.
    pub provenance: Provenance,
    /// Where `DescribeOrganization` stands.
    pub source: Source,
}

/// The root of the tree.
#[derive(Debug, Clone)]
pub struct Root {
    /// `r-…`.
    pub id: String,
    /// Usually `Root`.
    pub name: String,
    /// Enabled policy types: `SERVICE_CONTROL_POLICY`, `RESOURCE_CONTROL_POLICY`, …
    pub enabled_policy_types: Vec<String>,
}

/// An organizational unit.
#[derive(Debug, Clone)]
pub struct OrganizationalUnit {
    /// Name inside its parent.
    pub name: String,
    /// Id of the root or unit above it.
    pub parent_id: String,
}

/// An account as the organization sees it.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Name in the organization.
    pub name: String,
    /// E-mail address of the root user.
    pub email: String,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`.
    pub status: String,
    /// When it joined the organization, where AWS says so.
    pub joined: Option<Timestamp>,
    /// Id of the root or unit that holds it.
    pub parent_id: Fact<String>,
}

/// A member account that administers services for the organization.
#[derive(Debug, Clone)]
pub struct DelegatedAdministrator {
    /// 12 digits.
    pub account_id: String,
    /// The services, by service principal: `guardduty.amazonaws.com`.
    pub services: Listing<String>,
    /// Where it was read.
    pub source: Source,
}

/// The resource policy of the organization.
#[derive(Debug, Clone)]
pub struct ResourcePolicy {
    /// Its document.
    pub document: Document,
    /// Where it was read.
    pub source: Source,
}

/// A service control policy or resource control policy.
#[derive(Debug, Clone)]
pub struct OrganizationPolicy {
    /// `p-…`.
    pub id: String,
    /// ARN of the policy.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its document.
    pub document: Document,
    /// Ids of the roots, units and accounts that it is attached to.
    pub targets: Listing<String>,
    /// Where it was read.
    pub source: Source,
}

impl OrganizationPolicy {
    /// Whether AWS owns the policy: `FullAWSAccess`, `RCPFullAWSAccess`.
    pub fn is_aws_managed(&self) -> bool {
        super::Arn::parse(&self.arn).is_some_and(|arn| arn.account_id == "aws")
    }
}

impl Organization {
    /// Path of an account from the root down, as names: `Root/Workloads/Prod`.
    ///
    /// # Errors
    /// The gap, when the account or its place in the tree is not known.
    pub fn ou_path(&self, account_id: &str) -> Fact<String> {
        let name = |id: &String| match self.units.get(id) {
            Some(unit) => unit.name.clone(),
            None => self.roots.known().iter().find(|root| root.id == *id).map(|it| it.name.clone()).unwrap_or_default(),
        };
        Ok(self.path(account_id)?.iter().map(name).collect::<Vec<_>>().join("/"))
    }

    /// Path of a root or unit from the root down, as names; none for an id that is not in the tree.
    pub fn unit_path(&self, id: &str) -> Option<String> {
        let mut names = Vec::new();
        let mut id = id;
        // As below, a cycle must not hang the audit.
        for _ in 0..=self.units.len() {
            let Some(unit) = self.units.get(id) else {
                names.push(self.roots.known().iter().find(|root| root.id == id)?.name.as_str());
                names.reverse();
                return Some(names.join("/"));
            };
            names.push(unit.name.as_str());
            id = &unit.parent_id;
        }
        None
    }

    /// Ids of the root and the units above an account, from the root down.
    ///
    /// # Errors
    /// The gap, when the account or its place in the tree is not known.
    pub fn path(&self, account_id: &str) -> Fact<Vec<String>> {
        let unknown = || Gap::not_collected("organizations:ListAccountsForParent", &[account_id]);
        let mut id = self.accounts.get(account_id).ok_or_else(unknown)?.parent_id.clone()?;
        let mut ids = Vec::new();
        // A tree has no more levels than units; a cycle in a damaged snapshot must not hang the audit.
        for _ in 0..=self.units.len() {
            ids.push(id.clone());
            if let Some(unit) = self.units.get(&id) {
                id.clone_from(&unit.parent_id);
                continue;
            }
            self.roots.known().iter().find(|root| root.id == id).ok_or_else(unknown)?;
            ids.reverse();
            return Ok(ids);
        }
        Err(unknown())
    }
}
