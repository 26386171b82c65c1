//! Small accounts, keys, policies and users for the tests of the checks, with every fact there until a test takes it away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Check, Documents, Judged, Reach, Rule, Scope, Values};
use crate::access::Estate;
use crate::finding::Status;
use crate::model::{
    AccessKey, Account, CredentialReport, CredentialReportRow, Document, Fact, Gap, Grant, GrantConstraints, Group,
    Iam, InlinePolicy, Key, KeyManager, KeyMetadata, KeyPolicy, Kms, LastUsage, Listing, ManagedPolicy, Organization,
    OrganizationPolicy, OrganizationsFeatures, Provenance, Role, Root, RotationStatus, ServerCertificate, Source,
    Summary, Unit, User,
};

/// The account that owns every resource here.
pub(super) const ACCOUNT: &str = "111122223333";
/// Another account of the organization.
pub(super) const SIBLING: &str = "444455556666";
/// An account outside the organization.
pub(super) const STRANGER: &str = "999988887777";
/// The organization.
pub(super) const ORGANIZATION: &str = "o-exampleorgid";
/// Id of the key.
pub(super) const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

pub(super) fn key_arn() -> String {
    format!("arn:aws:kms:eu-central-1:{ACCOUNT}:key/{KEY_ID}")
}

pub(super) fn source(api: &'static str) -> Source {
    Source { file: "file".into(), api, resource: [].into(), pointer: format!("/{api}").into() }
}

pub(super) fn denied(api: &str) -> Gap {
    let code = Some("AccessDeniedException".to_owned());
    Gap { kind: crate::model::GapKind::Denied, code, ..Gap::not_collected(api, &[]) }
}

pub(super) fn document(text: &str) -> Document {
    Ok(Arc::new(crate::policy::Document::parse(text).expect("the fixture is a policy document")))
}

/// A document of the given statements.
pub(super) fn statements(statements: &str) -> Document {
    document(&format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#))
}

/// What a rule sees of its surroundings.
#[derive(Clone)]
pub(super) struct World {
    pub(super) account: Account,
    pub(super) organization: Fact<Option<Organization>>,
    pub(super) accounts: BTreeSet<String>,
    pub(super) as_of: Timestamp,
    pub(super) values: Values,
}

impl World {
    pub(super) fn new() -> Self {
        let summary = BTreeMap::from([("AccountMFAEnabled".to_owned(), 1), ("AccountPasswordPresent".to_owned(), 1)]);
        Self {
            account: Account {
                id: ACCOUNT.to_owned(),
                name: "Example".to_owned(),
                partition: "aws".to_owned(),
                ou_path: Ok("Root".to_owned()),
                entered: Ok(()),
                iam: Iam {
                    users: Listing::complete(Vec::new()),
                    groups: Listing::complete(Vec::new()),
                    roles: Listing::complete(Vec::new()),
                    policies: Listing::complete(Vec::new()),
                    summary: Ok(Summary { map: summary, source: source("iam:GetAccountSummary") }),
                    credential_report: Ok(report("Alice", &[("password_enabled", "true"), ("mfa_active", "true")])),
                    virtual_mfa_devices: Listing::complete(Vec::new()),
                    password_policy: Ok(None),
                    server_certificates: Listing::complete(Vec::new()),
                    saml_providers: Listing::complete(Vec::new()),
                    openid_connect_providers: Listing::complete(Vec::new()),
                    security_contact: Ok(None),
                    billing_contact: Ok(None),
                    operations_contact: Ok(None),
                    organizations_features: Ok(OrganizationsFeatures {
                        enabled: Vec::new(),
                        source: source("iam:ListOrganizationsFeatures"),
                    }),
                },
                regions: BTreeMap::new(),
                regions_gap: None,
                clock_ahead_seconds: Some(0),
                provenance: Provenance::default(),
            },
            organization: Ok(Some(organization())),
            accounts: BTreeSet::from([ACCOUNT.to_owned(), SIBLING.to_owned()]),
            as_of: "2026-09-30T00:00:00Z".parse().expect("a time"),
            values: Values::default(),
        }
    }

    /// What a rule says in this world.
    pub(super) fn ask<T>(&self, rule: impl FnOnce(&Scope<'_>) -> T) -> T {
        let Self { account, organization, accounts, as_of, values } = self;
        let estate = Estate::new(organization.clone());
        let documents = Documents::default();
        let reach = Reach::new(account, &estate, &documents);
        rule(&Scope { account, organization, accounts, reach: &reach, as_of: *as_of, values })
    }

    /// The same world with these keys alone.
    pub(super) fn with_keys(&self, keys: Vec<Key>) -> Self {
        let kms = Kms { keys: Listing::complete(keys), ..kms() };
        let mut world = self.clone();
        world.account.regions = BTreeMap::from([("eu-central-1".to_owned(), kms)]);
        world
    }
}

/// A Region without anything.
pub(super) fn kms() -> Kms {
    Kms {
        keys: Listing::complete(Vec::new()),
        aliases: Listing::complete(Vec::new()),
        custom_key_stores: Listing::complete(Vec::new()),
    }
}

fn organization() -> Organization {
    let unit = || Unit {
        name: "Example".to_owned(),
        email: "owner@example.com".to_owned(),
        status: "ACTIVE".to_owned(),
        joined: None,
        parent_id: Ok("r-ab12".to_owned()),
    };
    Organization {
        id: ORGANIZATION.to_owned(),
        arn: format!("arn:aws:organizations::{ACCOUNT}:organization/{ORGANIZATION}"),
        management_account_id: ACCOUNT.to_owned(),
        roots: Listing::complete(Vec::new()),
        units: BTreeMap::new(),
        accounts: BTreeMap::from([(ACCOUNT.to_owned(), unit()), (SIBLING.to_owned(), unit())]),
        accounts_gap: None,
        service_control_policies: Listing::complete(Vec::new()),
        resource_control_policies: Listing::complete(Vec::new()),
        delegated_administrators: Listing::complete(Vec::new()),
        resource_policy: Ok(None),
        provenance: Provenance::default(),
        source: source("organizations:DescribeOrganization"),
    }
}

/// A world in which the account is a member of an organization with these statements in service control policies and in
/// resource control policies, one policy each, attached to the root and to the account.
pub(super) fn member(service_control: &[&str], resource_control: &[&str]) -> World {
    let full = |principal: &str| format!(r#"{{"Effect": "Allow", {principal} "Action": "*", "Resource": "*"}}"#);
    let policies = |texts: &[&str], full: String| {
        let texts = texts.iter().map(|text| (*text).to_owned()).chain([full]).enumerate();
        let policy = |(index, text): (usize, String)| OrganizationPolicy {
            id: format!("p-{index}"),
            arn: format!("arn:aws:organizations::{SIBLING}:policy/{ORGANIZATION}/p-{index}"),
            name: format!("Policy{index}"),
            document: statements(&text),
            targets: Listing::complete(vec!["r-ab12".to_owned(), ACCOUNT.to_owned()]),
            source: source("organizations:DescribePolicy"),
        };
        Listing::complete(texts.map(policy).collect())
    };
    let mut world = World::new();
    let organization = world.organization.as_mut().expect("it is known").as_mut().expect("there is one");
    organization.management_account_id = SIBLING.to_owned();
    organization.roots = Listing::complete(vec![Root {
        id: "r-ab12".to_owned(),
        name: "Root".to_owned(),
        enabled_policy_types: vec!["SERVICE_CONTROL_POLICY".to_owned(), "RESOURCE_CONTROL_POLICY".to_owned()],
    }]);
    organization.service_control_policies = policies(service_control, full(""));
    organization.resource_control_policies = policies(resource_control, full(r#""Principal": "*","#));
    world
}

/// A credential report of one user.
pub(super) fn report(user: &str, cells: &[(&str, &str)]) -> CredentialReport {
    let cells = cells.iter().map(|(column, cell)| (Arc::from(*column), (*cell).to_owned())).collect();
    CredentialReport {
        generated_time: None,
        rows: BTreeMap::from([(Arc::from(user), CredentialReportRow::new(cells))]),
        source: source("iam:GetCredentialReport"),
    }
}

pub(super) fn user() -> User {
    User {
        arn: format!("arn:aws:iam::{ACCOUNT}:user/Alice"),
        name: "Alice".to_owned(),
        id: "AIDAEXAMPLEEXAMPLE123".to_owned(),
        create_date: None,
        inline_policies: Vec::new(),
        attached_policies: Vec::new(),
        groups: Vec::new(),
        permissions_boundary: None,
        tags: BTreeMap::new(),
        mfa_devices: Listing::complete(Vec::new()),
        access_keys: Listing::complete(Vec::new()),
        service_specific_credentials: Listing::complete(Vec::new()),
        source: source("iam:GetAccountAuthorizationDetails"),
    }
}

pub(super) fn group() -> Group {
    Group {
        arn: format!("arn:aws:iam::{ACCOUNT}:group/Readers"),
        name: "Readers".to_owned(),
        id: "AGPAEXAMPLEEXAMPLE123".to_owned(),
        inline_policies: Vec::new(),
        attached_policies: Vec::new(),
        source: source("iam:GetAccountAuthorizationDetails"),
    }
}

pub(super) fn role(path: &str) -> Role {
    Role {
        arn: format!("arn:aws:iam::{ACCOUNT}:role{path}Worker"),
        name: "Worker".to_owned(),
        id: "AROAEXAMPLEEXAMPLE123".to_owned(),
        path: path.to_owned(),
        create_date: Some("2026-01-01T00:00:00Z".parse().expect("a time")),
        last_used: Ok(Some("2026-09-29T00:00:00Z".parse().expect("a time"))),
        trust_policy: statements(""),
        trust_policy_source: source("iam:GetAccountAuthorizationDetails").child("AssumeRolePolicyDocument"),
        inline_policies: Vec::new(),
        attached_policies: Vec::new(),
        permissions_boundary: None,
        tags: BTreeMap::new(),
        source: source("iam:GetAccountAuthorizationDetails"),
    }
}

pub(super) fn inline(name: &str, document: Document) -> InlinePolicy {
    InlinePolicy { name: name.to_owned(), document, source: source("iam:GetAccountAuthorizationDetails") }
}

pub(super) fn access_key(status: &str, create_date: &str) -> AccessKey {
    AccessKey {
        id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        status: status.to_owned(),
        create_date: Ok(create_date.parse().expect("a time")),
        last_used: Err(Gap::not_collected("iam:GetAccessKeyLastUsed", &[])),
        source: source("iam:ListAccessKeys"),
    }
}

pub(super) fn certificate(expiration: &str) -> ServerCertificate {
    ServerCertificate {
        arn: format!("arn:aws:iam::{ACCOUNT}:server-certificate/Example"),
        name: "Example".to_owned(),
        expiration: Ok(expiration.parse().expect("a time")),
        source: source("iam:ListServerCertificates"),
    }
}

/// A customer managed policy that is attached once.
pub(super) fn managed(document: Document) -> ManagedPolicy {
    ManagedPolicy {
        arn: format!("arn:aws:iam::{ACCOUNT}:policy/Example"),
        name: "Example".to_owned(),
        id: "ANPAEXAMPLEEXAMPLE123".to_owned(),
        default_version_id: "v1".to_owned(),
        document,
        attachment_count: Some(1),
        permissions_boundary_usage_count: Some(0),
        source: source("iam:GetAccountAuthorizationDetails"),
        document_source: source("iam:GetAccountAuthorizationDetails"),
    }
}

/// A customer managed policy that serves as a permissions boundary and nothing else.
pub(super) fn boundary(document: Document) -> ManagedPolicy {
    ManagedPolicy { attachment_count: Some(0), permissions_boundary_usage_count: Some(2), ..managed(document) }
}

/// An enabled symmetric key of the customer that rotates, with a policy for its own account.
pub(super) fn key() -> Key {
    let default = format!(
        r#"{{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::{ACCOUNT}:root"}}, "Action": "kms:*", "Resource": "*"}}"#
    );
    Key {
        id: KEY_ID.to_owned(),
        arn: key_arn(),
        region: "eu-central-1".to_owned(),
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
        policies: Listing::complete(vec![key_policy(statements(&default))]),
        rotation: Ok(RotationStatus {
            enabled: true,
            period_in_days: None,
            next: None,
            source: source("kms:GetKeyRotationStatus"),
        }),
        rotations: Listing::complete(Vec::new()),
        grants: Listing::complete(Vec::new()),
        tags: Ok(BTreeMap::new()),
        last_usage: Ok(LastUsage {
            last: Some("2026-09-29T00:00:00Z".parse().expect("a time")),
            operation: Some("Decrypt".to_owned()),
            tracking_start: Some("2025-11-15T00:00:00Z".parse().expect("a time")),
            source: source("kms:GetKeyLastUsage"),
        }),
        source: source("kms:ListKeys"),
    }
}

/// The key with its metadata changed.
pub(super) fn key_with(change: impl FnOnce(&mut KeyMetadata)) -> Key {
    let mut key = key();
    change(key.metadata.as_mut().expect("the fixture has metadata"));
    key
}

pub(super) fn aws_managed_key() -> Key {
    key_with(|metadata| metadata.key_manager = KeyManager::Aws)
}

pub(super) fn key_policy(document: Document) -> KeyPolicy {
    let sha256 = Err(Gap::not_collected("kms:GetKeyPolicy", &[]));
    KeyPolicy { name: "default".to_owned(), document, sha256, source: source("kms:GetKeyPolicy") }
}

pub(super) fn grant(grantee: &str) -> Grant {
    Grant {
        id: "0123456789abcdef".to_owned(),
        name: None,
        grantee_principal: Some(grantee.to_owned()),
        grantee_service_principal: None,
        retiring_principal: None,
        retiring_service_principal: None,
        creation_date: Some("2026-03-01T00:00:00Z".parse().expect("a time")),
        issuing_account: None,
        operations: vec!["Decrypt".to_owned()],
        constraints: GrantConstraints::default(),
        source: source("kms:ListGrants"),
    }
}

/// What a rule said, if the check declares that it can.
pub(super) fn declared(check: &Check, judged: Judged) -> Judged {
    let status = judged.as_ref().map_or(Status::Error, |judgement| judgement.verdict.into());
    assert!(check.statuses.contains(&status), "{} does not declare {status}: {judged:?}", check.id);
    judged
}

/// What the check's rule says of a key.
pub(super) fn judge_key(check: &Check, key: &Key, world: &World) -> Judged {
    match check.rules {
        [Rule::Key(rule)] => declared(check, world.with_keys(vec![key.clone()]).ask(|scope| rule(key, scope))),
        other => panic!("no rule over keys alone: {other:?}"),
    }
}

/// What the check's rule says of a user.
pub(super) fn judge_user(check: &Check, user: &User, world: &World) -> Judged {
    match check.rules {
        [Rule::User(rule)] => declared(check, world.ask(|scope| rule(user, scope))),
        other => panic!("no rule over users alone: {other:?}"),
    }
}

/// What the check's rule says of the root user.
pub(super) fn judge_root(check: &Check, world: &World) -> Judged {
    match check.rules {
        [Rule::Root(rule)] => declared(check, world.ask(rule)),
        other => panic!("no rule over root users alone: {other:?}"),
    }
}

/// The check's rule over resources of a kind.
macro_rules! rule_of {
    ($check:expr, $kind:ident) => {
        $check
            .rules
            .iter()
            .find_map(|rule| match rule {
                Rule::$kind(rule) => Some(rule),
                _ => None,
            })
            .expect(concat!("a rule over resources of the kind ", stringify!($kind)))
    };
}

/// What the check's rule says of a role.
pub(super) fn judge_role(check: &Check, role: &Role, world: &World) -> Judged {
    let rule = rule_of!(check, Role);
    declared(check, world.ask(|scope| rule(role, scope)))
}

/// What the check's rule says of a group.
pub(super) fn judge_group(check: &Check, group: &Group, world: &World) -> Judged {
    match check.rules {
        [Rule::Group(rule)] => declared(check, world.ask(|scope| rule(group, scope))),
        other => panic!("no rule over groups alone: {other:?}"),
    }
}

/// What the check's rule says of a server certificate.
pub(super) fn judge_certificate(check: &Check, certificate: &ServerCertificate, world: &World) -> Judged {
    match check.rules {
        [Rule::ServerCertificate(rule)] => declared(check, world.ask(|scope| rule(certificate, scope))),
        other => panic!("no rule over server certificates alone: {other:?}"),
    }
}

/// What the check's rule says of the organization.
pub(super) fn judge_organization(check: &Check, world: &World) -> Judged {
    let organization = world.organization.as_ref().expect("it is known").as_ref().expect("there is one");
    match check.rules {
        [Rule::Organization(rule)] => declared(check, world.ask(|scope| rule(organization, scope))),
        other => panic!("no rule over organizations alone: {other:?}"),
    }
}

/// What the check's rule says of a grant.
pub(super) fn judge_grant(check: &Check, grant: &Grant, key: &Key, world: &World) -> Judged {
    match check.rules {
        [Rule::Grant(rule)] => declared(check, world.ask(|scope| rule(grant, key, scope))),
        other => panic!("no rule over grants alone: {other:?}"),
    }
}

/// What the check's rule over managed policies says.
pub(super) fn judge_managed(check: &Check, policy: &ManagedPolicy) -> Judged {
    judge_managed_in(check, policy, &World::new())
}

/// The same in a world.
pub(super) fn judge_managed_in(check: &Check, policy: &ManagedPolicy, world: &World) -> Judged {
    let rule = rule_of!(check, ManagedPolicy);
    declared(check, world.ask(|scope| rule(policy, scope)))
}

/// A policy of the organization.
pub(super) fn organization_policy(document: Document) -> OrganizationPolicy {
    OrganizationPolicy {
        id: "p-example".to_owned(),
        arn: format!("arn:aws:organizations::{ACCOUNT}:policy/{ORGANIZATION}/service_control_policy/p-example"),
        name: "Example".to_owned(),
        document,
        targets: Listing::complete(vec!["r-ab12".to_owned()]),
        source: source("organizations:DescribePolicy"),
    }
}

/// What the check's rule over service control policies says.
pub(super) fn judge_service_control(check: &Check, document: Document) -> Judged {
    let rule = rule_of!(check, ServiceControlPolicy);
    declared(check, World::new().ask(|scope| rule(&organization_policy(document), scope)))
}

/// What the check's rule over resource control policies says.
pub(super) fn judge_resource_control(check: &Check, document: Document) -> Judged {
    let rule = rule_of!(check, ResourceControlPolicy);
    declared(check, World::new().ask(|scope| rule(&organization_policy(document), scope)))
}

/// What the check's rule over keys says of a key with this policy.
pub(super) fn judge_key_policy(check: &Check, document: Document) -> Judged {
    let rule = rule_of!(check, Key);
    let key = Key { policies: Listing::complete(vec![key_policy(document)]), ..key() };
    declared(check, World::new().with_keys(vec![key.clone()]).ask(|scope| rule(&key, scope)))
}

/// What the check's rule over principals says.
pub(super) fn judge_principal(check: &Check, principal: crate::model::Principal<'_>) -> Judged {
    judge_principal_in(check, principal, &World::new())
}

/// The same in a world.
pub(super) fn judge_principal_in(check: &Check, principal: crate::model::Principal<'_>, world: &World) -> Judged {
    let rule = rule_of!(check, Principal);
    declared(check, world.ask(|scope| rule(principal, scope)))
}

/// Without the metadata of a key, or any policy of it, the check's rule says nothing.
pub(super) fn assert_says_nothing_without_policies(check: &Check) {
    let say_nothing = |key: Key, gap: &Gap| assert_eq!(judge_key(check, &key, &World::new()), Err(gap.clone()));
    let gap = denied("kms:DescribeKey");
    say_nothing(Key { metadata: Err(gap.clone()), ..key() }, &gap);
    let gap = denied("kms:ListKeyPolicies");
    say_nothing(Key { policies: Listing::missing(gap.clone()), ..key() }, &gap);
    let known = key().policies.known().to_vec();
    say_nothing(Key { policies: Listing::partial(known.clone(), gap.clone()), ..key() }, &gap);
    let gap = denied("kms:GetKeyPolicy");
    let unread = known.into_iter().chain([key_policy(Err(gap.clone()))]).collect();
    say_nothing(Key { policies: Listing::complete(unread), ..key() }, &gap);
}

/// A check of policy documents says nothing of a resource whose document could not be read, whatever bears it.
pub(super) fn assert_says_nothing_without_documents(check: &Check) {
    let details = denied("iam:GetAccountAuthorizationDetails");
    let refused = denied("organizations:DescribePolicy");
    for rule in check.rules {
        match rule {
            Rule::ManagedPolicy(_) => {
                assert_eq!(judge_managed(check, &managed(Err(details.clone()))), Err(details.clone()));
            }
            Rule::Principal(_) => {
                let policies = vec![inline("known", statements("")), inline("lost", Err(details.clone()))];
                let user = User { inline_policies: policies, ..user() };
                let judged = judge_principal(check, crate::model::Principal::User(&user));
                assert_eq!(judged, Err(details.clone()));
            }
            Rule::Role(_) => {
                let role = Role { trust_policy: Err(details.clone()), ..role("/") };
                assert_eq!(judge_role(check, &role, &World::new()), Err(details.clone()));
            }
            Rule::ServiceControlPolicy(_) => {
                assert_eq!(judge_service_control(check, Err(refused.clone())), Err(refused.clone()));
            }
            Rule::ResourceControlPolicy(_) => {
                assert_eq!(judge_resource_control(check, Err(refused.clone())), Err(refused.clone()));
            }
            Rule::Key(rule) => {
                let world = World::new();
                let say_nothing = |key: Key, gap: &Gap| {
                    assert_eq!(world.ask(|scope| rule(&key, scope)), Err(gap.clone()));
                };
                let gap = denied("kms:DescribeKey");
                say_nothing(Key { metadata: Err(gap.clone()), ..key() }, &gap);
                let gap = denied("kms:ListKeyPolicies");
                say_nothing(Key { policies: Listing::missing(gap.clone()), ..key() }, &gap);
                let known = key().policies.known().to_vec();
                say_nothing(Key { policies: Listing::partial(known.clone(), gap.clone()), ..key() }, &gap);
                let gap = denied("kms:GetKeyPolicy");
                let unread = known.into_iter().chain([key_policy(Err(gap.clone()))]).collect();
                say_nothing(Key { policies: Listing::complete(unread), ..key() }, &gap);
                assert!(
                    world.ask(|scope| rule(&Key { policies: Listing::complete(Vec::new()), ..key() }, scope)).is_err()
                );
            }
            other => panic!("no rule over documents: {other:?}"),
        }
    }
}

/// A check of policy documents exempts what only AWS can change, and principals without a document.
pub(super) fn assert_exempts_what_aws_owns(check: &Check) {
    use crate::finding::Verdict::NotApplicable;
    use crate::model::Principal;
    for rule in check.rules {
        match rule {
            Rule::Principal(_) => {
                let linked = role("/aws-service-role/x.amazonaws.com/");
                assert_eq!(judge_principal(check, Principal::Role(&linked)).unwrap().verdict, NotApplicable);
                assert_eq!(judge_principal(check, Principal::Group(&group())).unwrap().verdict, NotApplicable);
            }
            Rule::Role(_) => {
                let linked = role("/aws-service-role/x.amazonaws.com/");
                assert_eq!(judge_role(check, &linked, &World::new()).unwrap().verdict, NotApplicable);
            }
            Rule::Key(rule) => {
                let key = aws_managed_key();
                let judged = World::new().ask(|scope| rule(&key, scope));
                assert_eq!(judged.unwrap().verdict, NotApplicable);
            }
            _ => {}
        }
    }
}
