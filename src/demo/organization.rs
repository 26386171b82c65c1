//! The words in which the demo describes an organization, and its `organization.json`.

use jiff::Timestamp;
use serde_json::Value;

use super::calls::Recording;
use super::documents::Document;
use super::ids::{Chance, time_on};
use super::policies::policy;
use crate::snapshot::v1;
use crate::snapshot::{Error, SnapshotFile};

/// Service control policies, as the API names them.
pub(super) const SCP: &str = "SERVICE_CONTROL_POLICY";
/// Resource control policies, as the API names them.
pub(super) const RCP: &str = "RESOURCE_CONTROL_POLICY";

/// An organizational unit.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// Id without the common beginning: `ou-exam-ID`.
    pub(super) id: String,
    pub(super) name: String,
    /// Id of the parent unit; none: the root.
    pub(super) parent: Option<String>,
}

/// An account as the organization sees it.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) name: String,
    /// Id of the unit it lies in; none: the root.
    pub(super) unit: Option<String>,
    pub(super) status: &'static str,
    pub(super) joined: String,
    pub(super) invited: bool,
}

impl Member {
    /// An ACTIVE account that was created in the organization.
    pub(super) fn new(id: &str, name: &str, unit: Option<&str>, joined: &str) -> Self {
        let (id, name, unit) = (id.to_owned(), name.to_owned(), unit.map(str::to_owned));
        Self { id, name, unit, status: "ACTIVE", joined: joined.to_owned(), invited: false }
    }

    /// Came from outside.
    pub(super) fn invited(mut self) -> Self {
        self.invited = true;
        self
    }

    /// Is closed: no role can be assumed in it.
    pub(super) fn suspended(mut self) -> Self {
        self.status = "SUSPENDED";
        self
    }
}

/// An SCP or RCP.
#[derive(Debug, Clone)]
pub(super) struct OrganizationPolicy {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) kind: &'static str,
    pub(super) aws_managed: bool,
    pub(super) document: Document,
    /// Ids of units (without the common beginning), accounts, or `root`.
    pub(super) targets: Vec<String>,
}

/// The organization.
#[derive(Debug, Clone)]
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) management: String,
    pub(super) domain: String,
    pub(super) units: Vec<Unit>,
    pub(super) members: Vec<Member>,
    pub(super) policies: Vec<OrganizationPolicy>,
    /// Delegated administrators: account, day, services.
    pub(super) delegated: Vec<(String, String, Vec<String>)>,
    /// The delegation policy of the organization, where there is one.
    pub(super) resource_policy: Option<Document>,
}

/// Id of the only root.
const ROOT: &str = "r-exam";

impl Organization {
    /// An organization without units and accounts, with the policies that AWS attaches to everything.
    pub(super) fn new(id: &str, management: &str, domain: &str) -> Self {
        Self {
            id: id.to_owned(),
            management: management.to_owned(),
            domain: domain.to_owned(),
            units: Vec::new(),
            members: Vec::new(),
            policies: Vec::new(),
            delegated: Vec::new(),
            resource_policy: None,
        }
    }

    /// Adds a unit.
    pub(super) fn unit(&mut self, id: &str, name: &str, parent: Option<&str>) {
        let parent = parent.map(str::to_owned);
        self.units.push(Unit { id: id.to_owned(), name: name.to_owned(), parent });
    }

    /// Adds an account.
    pub(super) fn member(&mut self, member: Member) {
        self.members.push(member);
    }

    /// Adds a policy with these targets.
    pub(super) fn policy(
        &mut self,
        kind: &'static str,
        name: &str,
        description: &str,
        statements: Value,
        targets: &[&str],
    ) {
        let mut id: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        id.truncate(24);
        self.policies.push(OrganizationPolicy {
            id: format!("p-{id}"),
            name: name.to_owned(),
            description: description.to_owned(),
            kind,
            aws_managed: false,
            document: Document::from(policy(statements)),
            targets: targets.iter().map(|target| (*target).to_owned()).collect(),
        });
    }

    /// Attaches AWS's own policies, which allow everything, to the root, every unit and every account.
    pub(super) fn allow_everything(&mut self) {
        let everything = || {
            let units = self.units.iter().map(|unit| unit.id.clone());
            let members = self.members.iter().map(|member| member.id.clone());
            std::iter::once("root".to_owned()).chain(units).chain(members).collect::<Vec<_>>()
        };
        let scp = OrganizationPolicy {
            id: "p-FullAWSAccess".to_owned(),
            name: "FullAWSAccess".to_owned(),
            description: "Allows access to every operation".to_owned(),
            kind: SCP,
            aws_managed: true,
            document: policy(serde_json::json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}])).into(),
            targets: everything(),
        };
        let rcp = OrganizationPolicy {
            id: "p-RCPFullAWSAccess".to_owned(),
            name: "RCPFullAWSAccess".to_owned(),
            description: "Allows access to every resource".to_owned(),
            kind: RCP,
            aws_managed: true,
            document: policy(
                serde_json::json!([{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]),
            )
            .into(),
            targets: everything(),
        };
        self.policies.insert(0, rcp);
        self.policies.insert(0, scp);
    }

    /// Id of the root or of a unit, as the API gives it.
    fn place(unit: Option<&str>) -> String {
        unit.map_or_else(|| ROOT.to_owned(), |unit| format!("ou-exam-{unit}"))
    }

    /// The path of a unit from the organization down, as `aws:PrincipalOrgPaths` has it.
    pub(super) fn path(&self, unit: Option<&str>) -> String {
        let mut path = String::new();
        let mut current = unit.map(str::to_owned);
        // A unit is at most five levels deep; the bound keeps a cycle in the description from running forever.
        for _ in 0..6 {
            let Some(id) = current else { break };
            path = format!("{}/{path}", Self::place(Some(&id)));
            current = self.units.iter().find(|unit| unit.id == id).and_then(|unit| unit.parent.clone());
        }
        format!("{}/{ROOT}/{path}", self.id)
    }

    fn arn(&self, kind: &str, rest: &str) -> String {
        format!("arn:aws:organizations::{}:{kind}/{}/{rest}", self.management, self.id)
    }

    fn email(&self, member: &Member) -> String {
        let local: String =
            member.name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
        format!("aws+{}@{}", local.to_ascii_lowercase(), self.domain)
    }

    fn account(&self, member: &Member) -> v1::OrganizationAccount {
        v1::OrganizationAccount {
            id: Some(member.id.clone()),
            arn: Some(self.arn("account", &member.id)),
            email: Some(self.email(member)),
            name: Some(member.name.clone()),
            status: Some(member.status.to_owned()),
            state: Some(member.status.to_owned()),
            joined_method: Some(if member.invited { "INVITED" } else { "CREATED" }.to_owned()),
            joined_timestamp: Some(time_on(&member.joined, &[&member.id])),
            paths: Some(vec![format!("{}{}/", self.path(member.unit.as_deref()), member.id)]),
        }
    }

    /// `organization.json`.
    ///
    /// # Errors
    /// [`Error::Encode`].
    pub(super) fn file(&self, start: Timestamp) -> Result<SnapshotFile, Error> {
        let mut calls = Recording::new(&self.management, None, start);
        self.describe(&mut calls)?;
        self.tree(&mut calls)?;
        self.guardrails(&mut calls)?;
        self.delegation(&mut calls)?;
        Ok(calls.finish())
    }

    fn describe(&self, calls: &mut Recording) -> Result<(), Error> {
        let types =
            [SCP, RCP].map(|kind| v1::PolicyType { r#type: Some(kind.to_owned()), status: Some("ENABLED".to_owned()) });
        let email = self.members.iter().find(|member| member.id == self.management).map(|member| self.email(member));
        calls.answer(
            "organizations:DescribeOrganization",
            &[],
            &v1::DescribedOrganization {
                organization: Some(v1::Organization {
                    id: Some(self.id.clone()),
                    arn: Some(format!("arn:aws:organizations::{}:organization/{}", self.management, self.id)),
                    feature_set: Some("ALL".to_owned()),
                    master_account_arn: Some(self.arn("account", &self.management)),
                    master_account_id: Some(self.management.clone()),
                    master_account_email: email,
                    // AWS lists only the SCP type here; the root's list is the one to believe.
                    available_policy_types: Some(types.iter().take(1).cloned().collect()),
                }),
            },
        )?;
        let root = v1::Root {
            id: Some(ROOT.to_owned()),
            arn: Some(self.arn("root", ROOT)),
            name: Some("Root".to_owned()),
            policy_types: Some(types.to_vec()),
        };
        calls.list("organizations:ListRoots", &[], &v1::Roots { roots: Some(vec![root]) }, &[("Roots", 1)], 20)
    }

    fn tree(&self, calls: &mut Recording) -> Result<(), Error> {
        let accounts = self.in_api_order(self.members.iter().collect());
        let lists = [("Accounts", accounts.len())];
        let response = v1::OrganizationAccounts { accounts: Some(accounts) };
        calls.list("organizations:ListAccounts", &[], &response, &lists, 20)?;
        let parents = std::iter::once(None).chain(self.units.iter().map(|unit| Some(unit.id.as_str())));
        for parent in parents {
            let place = Self::place(parent);
            let units = self.units.iter().filter(|unit| unit.parent.as_deref() == parent);
            let units: Vec<_> = units.map(|unit| self.described_unit(unit)).collect();
            let lists = [("OrganizationalUnits", units.len())];
            let response = v1::OrganizationalUnits { organizational_units: Some(units) };
            calls.list("organizations:ListOrganizationalUnitsForParent", &[&place], &response, &lists, 20)?;
            let members = self.members.iter().filter(|member| member.unit.as_deref() == parent).collect();
            let accounts = self.in_api_order(members);
            let lists = [("Accounts", accounts.len())];
            let response = v1::OrganizationAccounts { accounts: Some(accounts) };
            calls.list("organizations:ListAccountsForParent", &[&place], &response, &lists, 20)?;
        }
        Ok(())
    }

    /// Organizations lists accounts in no useful order; the demo does so too, always the same one.
    fn in_api_order(&self, mut members: Vec<&Member>) -> Vec<v1::OrganizationAccount> {
        members.sort_by_key(|member| (Chance::of(&[&member.id]).next(), &member.id));
        members.into_iter().map(|member| self.account(member)).collect()
    }

    fn described_unit(&self, unit: &Unit) -> v1::OrganizationalUnit {
        let id = Self::place(Some(&unit.id));
        v1::OrganizationalUnit { arn: Some(self.arn("ou", &id)), id: Some(id), name: Some(unit.name.clone()) }
    }

    fn guardrails(&self, calls: &mut Recording) -> Result<(), Error> {
        for kind in [SCP, RCP] {
            let policies: Vec<_> = self.policies.iter().filter(|policy| policy.kind == kind).collect();
            let summaries = policies.iter().map(|policy| self.summary(policy)).collect();
            let response = v1::OrganizationPolicies { policies: Some(summaries) };
            calls.list("organizations:ListPolicies", &[kind], &response, &[("Policies", policies.len())], 20)?;
            for policy in policies {
                let described = v1::OrganizationPolicy {
                    policy_summary: Some(self.summary(policy)),
                    content: Some(policy.document.text().to_owned()),
                };
                let response = v1::DescribedOrganizationPolicy { policy: Some(described) };
                calls.answer("organizations:DescribePolicy", &[&policy.id], &response)?;
                let targets: Vec<_> = policy.targets.iter().map(|target| self.target(target)).collect();
                let lists = [("Targets", targets.len())];
                let response = v1::PolicyTargets { targets: Some(targets) };
                calls.list("organizations:ListTargetsForPolicy", &[&policy.id], &response, &lists, 20)?;
            }
        }
        Ok(())
    }

    fn summary(&self, policy: &OrganizationPolicy) -> v1::PolicySummary {
        let kind = policy.kind.to_ascii_lowercase();
        let arn = if policy.aws_managed {
            format!("arn:aws:organizations::aws:policy/{kind}/{}", policy.id)
        } else {
            self.arn("policy", &format!("{kind}/{}", policy.id))
        };
        v1::PolicySummary {
            id: Some(policy.id.clone()),
            arn: Some(arn),
            name: Some(policy.name.clone()),
            description: Some(policy.description.clone()),
            r#type: Some(policy.kind.to_owned()),
            aws_managed: Some(policy.aws_managed),
        }
    }

    fn target(&self, target: &str) -> v1::PolicyTarget {
        if target == "root" {
            return policy_target(ROOT, self.arn("root", ROOT), "Root", "ROOT");
        }
        if let Some(unit) = self.units.iter().find(|unit| unit.id == target) {
            let id = Self::place(Some(target));
            return policy_target(&id, self.arn("ou", &id), &unit.name, "ORGANIZATIONAL_UNIT");
        }
        let name = self.members.iter().find(|member| member.id == target).map_or("", |member| &member.name);
        policy_target(target, self.arn("account", target), name, "ACCOUNT")
    }

    fn delegation(&self, calls: &mut Recording) -> Result<(), Error> {
        let administrators = self.delegated.iter().filter_map(|(id, day, _)| {
            let account = self.account(self.members.iter().find(|member| member.id == *id)?);
            Some(v1::DelegatedAdministrator {
                id: account.id,
                arn: account.arn,
                email: account.email,
                name: account.name,
                status: account.status,
                state: account.state,
                joined_method: account.joined_method,
                joined_timestamp: account.joined_timestamp,
                delegation_enabled_date: Some(time_on(day, &[id, "delegation"])),
            })
        });
        let response = v1::DelegatedAdministrators { delegated_administrators: Some(administrators.collect()) };
        let lists = [("DelegatedAdministrators", self.delegated.len())];
        calls.list("organizations:ListDelegatedAdministrators", &[], &response, &lists, 20)?;
        calls.for_each_resource("organizations:ListDelegatedServicesForAccount");
        for (id, day, services) in &self.delegated {
            let service = |name: &String| v1::DelegatedService {
                service_principal: Some(name.clone()),
                delegation_enabled_date: Some(time_on(day, &[id, name])),
            };
            let response = v1::DelegatedServices { delegated_services: Some(services.iter().map(service).collect()) };
            let lists = [("DelegatedServices", services.len())];
            calls.list("organizations:ListDelegatedServicesForAccount", &[id], &response, &lists, 20)?;
        }
        match &self.resource_policy {
            Some(document) => calls.answer(
                "organizations:DescribeResourcePolicy",
                &[],
                &v1::DescribedResourcePolicy {
                    resource_policy: Some(v1::ResourcePolicy {
                        resource_policy_summary: Some(v1::ResourcePolicySummary {
                            id: Some("rp-exampledelegation".to_owned()),
                            arn: Some(self.arn("resourcepolicy", "rp-exampledelegation")),
                        }),
                        content: Some(document.text().to_owned()),
                    }),
                },
            ),
            None => {
                let message = "There is no resource policy for this organization.";
                calls.nothing("organizations:DescribeResourcePolicy", &[], "ResourcePolicyNotFoundException", message);
                Ok(())
            }
        }
    }
}

fn policy_target(id: &str, arn: String, name: &str, kind: &str) -> v1::PolicyTarget {
    v1::PolicyTarget {
        target_id: Some(id.to_owned()),
        arn: Some(arn),
        name: Some(name.to_owned()),
        r#type: Some(kind.to_owned()),
    }
}
