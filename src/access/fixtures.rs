//! A small organization for the tests of this room: every fact is there until a test takes it away.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Decided, Directory, Estate, Row};
use crate::model::{
    Account, Alias, AttachedPolicy, CredentialReport, Document, Fact, Gap, GapKind, Grant, GrantConstraints, Group,
    Iam, InlinePolicy, Key, KeyManager, KeyMetadata, KeyPolicy, Kms, Listing, ManagedPolicy, Organization,
    OrganizationPolicy, OrganizationalUnit, Provenance, Role, Root, RotationStatus, Source, Summary, Tags, Unit, User,
};
use crate::policy::Action;

/// Owns the key of most tests.
pub(super) const OWNER: &str = "111122223333";
/// Another member of the organization.
pub(super) const SIBLING: &str = "444455556666";
/// Manages the organization.
pub(super) const MANAGEMENT: &str = "123456789012";
/// An account outside.
pub(super) const STRANGER: &str = "999988887777";
pub(super) const ORGANIZATION: &str = "o-exampleorgid";
pub(super) const REGION: &str = "eu-central-1";

/// Accounts with principals and keys, and the organization around them.
#[derive(Clone)]
pub(super) struct World {
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) organization: Fact<Option<Organization>>,
}

pub(super) fn denied(api: &str) -> Gap {
    Gap { kind: GapKind::Denied, code: Some("AccessDeniedException".to_owned()), ..Gap::not_collected(api, &[]) }
}

fn source(api: &'static str) -> Source {
    Source { file: "file".into(), api, resource: [].into(), pointer: format!("/{api}").into() }
}

pub(super) fn document(statements: &Value) -> Document {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Ok(Arc::new(crate::policy::Document::parse(&text).expect("the fixture is a policy document")))
}

pub(super) fn allow(action: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": "*"})
}

pub(super) fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

pub(super) fn role_arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

/// The statement by which a key policy leaves access to the IAM policies of an account.
pub(super) fn delegation(account: &str) -> Value {
    json!({"Sid": "Delegation", "Effect": "Allow", "Principal": {"AWS": root(account)}, "Action": "kms:*", "Resource": "*"})
}

pub(super) fn key_arn(account: &str, id: &str) -> String {
    format!("arn:aws:kms:{REGION}:{account}:key/{id}")
}

impl World {
    /// Three empty accounts of one organization whose root lets everything through.
    pub(super) fn new() -> Self {
        let unit = |parent: &str| Unit {
            name: "Example".to_owned(),
            email: "owner@example.com".to_owned(),
            status: "ACTIVE".to_owned(),
            joined: None,
            parent_id: Ok(parent.to_owned()),
        };
        let root = Root {
            id: "r-ab12".to_owned(),
            name: "Root".to_owned(),
            enabled_policy_types: vec!["SERVICE_CONTROL_POLICY".to_owned(), "RESOURCE_CONTROL_POLICY".to_owned()],
        };
        let production = OrganizationalUnit { name: "Production".to_owned(), parent_id: "r-ab12".to_owned() };
        let everything = || policy("FullAWSAccess", &json!(allow("*")), &["r-ab12", "ou-ab12-prod", OWNER, SIBLING]);
        let open = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
        let organization = Organization {
            id: ORGANIZATION.to_owned(),
            arn: format!("arn:aws:organizations::{MANAGEMENT}:organization/{ORGANIZATION}"),
            management_account_id: MANAGEMENT.to_owned(),
            roots: Listing::complete(vec![root]),
            units: BTreeMap::from([("ou-ab12-prod".to_owned(), production)]),
            accounts: BTreeMap::from([
                (OWNER.to_owned(), unit("ou-ab12-prod")),
                (SIBLING.to_owned(), unit("ou-ab12-prod")),
                (MANAGEMENT.to_owned(), unit("r-ab12")),
            ]),
            accounts_gap: None,
            service_control_policies: Listing::complete(vec![everything()]),
            resource_control_policies: Listing::complete(vec![policy(
                "RCPFullAWSAccess",
                &open,
                &["r-ab12", "ou-ab12-prod", OWNER, SIBLING],
            )]),
            delegated_administrators: Listing::complete(vec![]),
            resource_policy: Ok(None),
            provenance: Provenance::default(),
            source: source("organizations:DescribeOrganization"),
        };
        let accounts = [OWNER, SIBLING, MANAGEMENT].map(|id| (id.to_owned(), account(id)));
        Self { accounts: accounts.into_iter().collect(), organization: Ok(Some(organization)) }
    }

    /// Adds an empty account beside [`SIBLING`], under the same policies.
    pub(super) fn join(&mut self, id: &str) {
        let organization = self.organization();
        let unit = organization.accounts[SIBLING].clone();
        organization.accounts.insert(id.to_owned(), unit);
        for policies in [&mut organization.service_control_policies, &mut organization.resource_control_policies] {
            let attached = policies.known().iter().cloned().map(|mut policy| {
                add(&mut policy.targets, id.to_owned());
                policy
            });
            *policies = Listing::complete(attached.collect());
        }
        self.accounts.insert(id.to_owned(), account(id));
    }

    pub(super) fn account(&mut self, id: &str) -> &mut Account {
        self.accounts.get_mut(id).expect("an account of the world")
    }

    pub(super) fn organization(&mut self) -> &mut Organization {
        self.organization.as_mut().expect("known").as_mut().expect("an organization")
    }

    /// Adds a role with one inline policy.
    pub(super) fn role(&mut self, account: &str, name: &str, statements: &Value) {
        self.role_with(account, name, statements, |_| {});
    }

    /// The same, changed.
    pub(super) fn role_with(&mut self, account: &str, name: &str, statements: &Value, change: impl FnOnce(&mut Role)) {
        let mut role = Role {
            arn: role_arn(account, name),
            name: name.to_owned(),
            id: format!("AROA{}", name.to_uppercase()),
            path: "/".to_owned(),
            create_date: None,
            last_used: Ok(None),
            trust_policy: document(&json!([])),
            trust_policy_source: source("iam:GetAccountAuthorizationDetails"),
            inline_policies: vec![inline(statements)],
            attached_policies: vec![],
            permissions_boundary: None,
            tags: Tags::new(),
            source: source("iam:GetAccountAuthorizationDetails"),
        };
        change(&mut role);
        add(&mut self.account(account).iam.roles, role);
    }

    /// Adds a user who is in a group with one inline policy.
    pub(super) fn user(&mut self, account: &str, name: &str, statements: &Value) {
        let group = Group {
            arn: format!("arn:aws:iam::{account}:group/of-{name}"),
            name: format!("of-{name}"),
            id: format!("AGPA{}", name.to_uppercase()),
            inline_policies: vec![inline(statements)],
            attached_policies: vec![],
            source: source("iam:GetAccountAuthorizationDetails"),
        };
        let user = User {
            arn: format!("arn:aws:iam::{account}:user/{name}"),
            name: name.to_owned(),
            id: format!("AIDA{}", name.to_uppercase()),
            create_date: None,
            inline_policies: vec![],
            attached_policies: vec![],
            groups: vec![group.name.clone()],
            permissions_boundary: None,
            tags: Tags::new(),
            mfa_devices: Listing::complete(vec![]),
            access_keys: Listing::complete(vec![]),
            service_specific_credentials: Listing::complete(vec![]),
            source: source("iam:GetAccountAuthorizationDetails"),
        };
        let iam = &mut self.account(account).iam;
        add(&mut iam.groups, group);
        add(&mut iam.users, user);
    }

    /// Adds a customer managed policy and gives its ARN.
    pub(super) fn managed(&mut self, account: &str, name: &str, statements: &Value) -> String {
        let arn = format!("arn:aws:iam::{account}:policy/{name}");
        let policy = ManagedPolicy {
            arn: arn.clone(),
            name: name.to_owned(),
            id: format!("ANPA{}", name.to_uppercase()),
            default_version_id: "v1".to_owned(),
            document: document(statements),
            attachment_count: None,
            permissions_boundary_usage_count: None,
            source: source("iam:GetAccountAuthorizationDetails"),
            document_source: source("iam:GetAccountAuthorizationDetails"),
        };
        add(&mut self.account(account).iam.policies, policy);
        arn
    }

    /// Adds a key.
    pub(super) fn key(&mut self, account: &str, id: &str, statements: &Value) {
        self.key_with(account, id, statements, |_| {});
    }

    /// The same, changed.
    pub(super) fn key_with(&mut self, account: &str, id: &str, statements: &Value, change: impl FnOnce(&mut Key)) {
        let mut key = key(account, id, statements);
        change(&mut key);
        let kms = self.account(account).regions.get_mut(REGION).expect("the Region");
        add(&mut kms.keys, key);
    }

    /// Changes every key.
    pub(super) fn change_keys(&mut self, change: impl Fn(&mut Key)) {
        for kms in self.accounts.values_mut().flat_map(|account| account.regions.values_mut()) {
            let mut keys = kms.keys.known().to_vec();
            keys.iter_mut().for_each(&change);
            kms.keys = Listing::complete(keys);
        }
    }

    pub(super) fn directory(&self) -> Directory {
        let mut directory = Directory::new("aws", Estate::new(self.organization.clone()));
        for account in self.accounts.values() {
            directory.add(account);
        }
        directory.finished()
    }

    /// The directory of one account, to which the principals of others are not read.
    pub(super) fn directory_of(&self, account: &str) -> Directory {
        let mut directory = Directory::new("aws", Estate::new(self.organization.clone()));
        directory.add(&self.accounts[account]);
        directory.finished()
    }

    /// Adds a service control policy.
    pub(super) fn service_control(&mut self, name: &str, statements: &Value, target: &str) {
        add(&mut self.organization().service_control_policies, policy(name, statements, &[target]));
    }
}

/// One item more in a whole list.
fn add<T: Clone>(list: &mut Listing<T>, item: T) {
    *list = Listing::complete(list.known().iter().cloned().chain([item]).collect());
}

fn policy(name: &str, statements: &Value, targets: &[&str]) -> OrganizationPolicy {
    OrganizationPolicy {
        id: format!("p-{name}"),
        arn: format!("arn:aws:organizations::{MANAGEMENT}:policy/{ORGANIZATION}/{name}"),
        name: name.to_owned(),
        document: document(statements),
        targets: Listing::complete(targets.iter().map(|it| (*it).to_owned()).collect()),
        source: source("organizations:DescribePolicy"),
    }
}

fn inline(statements: &Value) -> InlinePolicy {
    InlinePolicy {
        name: "inline".to_owned(),
        document: document(statements),
        source: source("iam:GetAccountAuthorizationDetails"),
    }
}

fn account(id: &str) -> Account {
    let kms = Kms {
        keys: Listing::complete(vec![]),
        aliases: Listing::complete(Vec::<Alias>::new()),
        custom_key_stores: Listing::complete(vec![]),
    };
    Account {
        id: id.to_owned(),
        name: "Example".to_owned(),
        partition: "aws".to_owned(),
        ou_path: Ok("Root/Production".to_owned()),
        entered: Ok(()),
        iam: Iam {
            users: Listing::complete(vec![]),
            groups: Listing::complete(vec![]),
            roles: Listing::complete(vec![]),
            policies: Listing::complete(vec![]),
            summary: Ok(Summary { map: BTreeMap::new(), source: source("iam:GetAccountSummary") }),
            credential_report: Ok(CredentialReport {
                generated_time: None,
                rows: BTreeMap::new(),
                source: source("iam:GetCredentialReport"),
            }),
            virtual_mfa_devices: Listing::complete(vec![]),
            ..Iam::missing(&denied("iam:Get"))
        },
        regions: BTreeMap::from([(REGION.to_owned(), kms)]),
        regions_gap: None,
        clock_ahead_seconds: Some(0),
        provenance: Provenance::default(),
    }
}

fn key(account: &str, id: &str, statements: &Value) -> Key {
    Key {
        id: id.to_owned(),
        arn: key_arn(account, id),
        region: REGION.to_owned(),
        metadata: Ok(KeyMetadata {
            key_manager: KeyManager::Customer,
            key_spec: "SYMMETRIC_DEFAULT".to_owned(),
            key_usage: "ENCRYPT_DECRYPT".to_owned(),
            key_state: "Enabled".to_owned(),
            origin: "AWS_KMS".to_owned(),
            description: String::new(),
            creation_date: None,
            deletion_date: None,
            expiration_model: None,
            valid_to: None,
            custom_key_store_id: None,
            multi_region: None,
            source: source("kms:DescribeKey"),
        }),
        policies: Listing::complete(vec![KeyPolicy {
            name: "default".to_owned(),
            document: document(statements),
            sha256: Err(Gap::not_collected("kms:GetKeyPolicy", &[])),
            source: source("kms:GetKeyPolicy"),
        }]),
        rotation: Ok(RotationStatus {
            enabled: true,
            period_in_days: None,
            next: None,
            source: source("kms:GetKeyRotationStatus"),
        }),
        grants: Listing::complete(vec![]),
        rotations: Listing::complete(vec![]),
        tags: Ok(Tags::new()),
        last_usage: Err(denied("kms:GetKeyLastUsage")),
        source: source("kms:ListKeys"),
    }
}

/// A grant that lets somebody decrypt.
pub(super) fn grant(id: &str, grantee: &str) -> Grant {
    Grant {
        id: id.to_owned(),
        name: None,
        grantee_principal: Some(grantee.to_owned()),
        grantee_service_principal: None,
        retiring_principal: None,
        retiring_service_principal: None,
        creation_date: None,
        issuing_account: Some(root(OWNER)),
        operations: vec!["Decrypt".to_owned()],
        constraints: GrantConstraints::default(),
        source: source("kms:ListGrants"),
    }
}

pub(super) fn attached(arn: &str) -> AttachedPolicy {
    AttachedPolicy { name: arn.rsplit('/').next().unwrap_or_default().to_owned(), arn: arn.to_owned() }
}

/// What is decided about a principal that was read, as `explain` rows say it.
pub(super) fn explained(world: &World, principal: &str, action: &str, key: &str) -> Row {
    let directory = world.directory();
    let key = directory.keys().find(|it| it.id == key).expect("a key of the world");
    let candidates = directory.candidates(key);
    let found = candidates.into_iter().find(|it| it.arn == principal);
    let read = || directory.principals().find(|it| it.arn == principal).map(std::borrow::Cow::Borrowed);
    let principal = found.or_else(read).unwrap_or_else(|| panic!("nobody is called {principal}"));
    let action = Action::new(action);
    let decided: Decided<'_> = directory.decided(principal, key, &action).expect("a decision");
    directory.explained_row(&decided)
}
