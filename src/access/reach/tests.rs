//! Small organizations for every kind of link, each with a twin in which one thing blocks it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::{Directory, Estate};
use crate::model::{
    Account, Alias, Gap, Group, Iam, InlinePolicy, Key, KeyManager, KeyMetadata, KeyPolicy, Kms, Listing,
    ManagedPolicy, Organization, OrganizationPolicy, Provenance, Role, Root, Source, Unit, User,
};
use crate::policy::Action;

const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";
const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const REGION: &str = "eu-central-1";
/// A key policy that leaves everything to IAM.
const DELEGATION: &str =
    r#"{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}"#;

fn key_arn(id: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}")
}

fn source() -> Source {
    Source { file: "file".into(), api: "api", resource: [].into(), pointer: "/0".into() }
}

fn document(statements: &str) -> crate::model::Document {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    Ok(Arc::new(crate::policy::Document::parse(&text).expect("a policy document")))
}

/// A statement that allows actions on everything.
fn allow(actions: &[&str]) -> String {
    allow_on(actions, "*")
}

fn allow_on(actions: &[&str], resource: &str) -> String {
    format!(r#"{{"Effect": "Allow", "Action": {actions:?}, "Resource": "{resource}"}}"#)
}

fn trust(principal: &str) -> String {
    format!(r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole"}}"#)
}

fn trust_aws(arn: &str) -> String {
    trust(&format!(r#"{{"AWS": "{arn}"}}"#))
}

fn inline(statements: &str) -> Vec<InlinePolicy> {
    match statements {
        "" => vec![],
        _ => vec![InlinePolicy { name: "inline".to_owned(), document: document(statements), source: source() }],
    }
}

/// An organization while it is made.
struct World {
    accounts: BTreeMap<&'static str, Account>,
    service_control: Vec<String>,
}

impl World {
    /// Two accounts; in the first a key that leaves everything to IAM.
    fn new() -> Self {
        let mut world = Self { accounts: BTreeMap::new(), service_control: vec![] };
        for id in [ACCOUNT, OTHER] {
            world.accounts.insert(id, account(id));
        }
        world.key(KEY, DELEGATION);
        world
    }

    fn account(&mut self, id: &str) -> &mut Account {
        self.accounts.get_mut(id).expect("an account of the world")
    }

    fn key(&mut self, id: &str, policy: &str) -> &mut Self {
        let kms = self.account(ACCOUNT).regions.get_mut(REGION).expect("the Region");
        let mut keys: Vec<Key> = kms.keys.known().iter().filter(|key| key.id != id).cloned().collect();
        keys.push(key(id, policy));
        kms.keys = Listing::complete(keys);
        self
    }

    fn change_key(&mut self, change: impl FnOnce(&mut Key)) -> &mut Self {
        let kms = self.account(ACCOUNT).regions.get_mut(REGION).expect("the Region");
        let mut keys = kms.keys.known().to_vec();
        change(keys.first_mut().expect("a key"));
        kms.keys = Listing::complete(keys);
        self
    }

    fn user_of(&mut self, account: &str, name: &str, statements: &str, change: impl FnOnce(&mut User)) -> &mut Self {
        let iam = &mut self.account(account).iam;
        let mut user = User {
            arn: format!("arn:aws:iam::{account}:user/{name}"),
            name: name.to_owned(),
            id: format!("AIDA{name:A>16}"),
            create_date: None,
            inline_policies: inline(statements),
            attached_policies: vec![],
            groups: vec![],
            permissions_boundary: None,
            tags: BTreeMap::new(),
            mfa_devices: Listing::complete(vec![]),
            access_keys: Listing::complete(vec![]),
            service_specific_credentials: Listing::complete(vec![]),
            source: source(),
        };
        change(&mut user);
        let mut users = iam.users.known().to_vec();
        users.push(user);
        iam.users = Listing::complete(users);
        self
    }

    fn user(&mut self, name: &str, statements: &str) -> &mut Self {
        self.user_of(ACCOUNT, name, statements, |_| {})
    }

    fn role_of(
        &mut self,
        account: &str,
        name: &str,
        trust: &str,
        statements: &str,
        change: impl FnOnce(&mut Role),
    ) -> &mut Self {
        let iam = &mut self.account(account).iam;
        let mut role = Role {
            arn: format!("arn:aws:iam::{account}:role/{name}"),
            name: name.to_owned(),
            id: format!("AROA{name:A>16}"),
            path: "/".to_owned(),
            create_date: None,
            last_used: Ok(None),
            trust_policy: document(trust),
            trust_policy_source: source(),
            inline_policies: inline(statements),
            attached_policies: vec![],
            permissions_boundary: None,
            tags: BTreeMap::new(),
            source: source(),
        };
        change(&mut role);
        let mut roles = iam.roles.known().to_vec();
        roles.push(role);
        iam.roles = Listing::complete(roles);
        self
    }

    fn role(&mut self, name: &str, trust: &str, statements: &str) -> &mut Self {
        self.role_of(ACCOUNT, name, trust, statements, |_| {})
    }

    fn policy(&mut self, name: &str, statements: &str) -> String {
        let iam = &mut self.account(ACCOUNT).iam;
        let arn = format!("arn:aws:iam::{ACCOUNT}:policy/{name}");
        let mut policies = iam.policies.known().to_vec();
        policies.push(ManagedPolicy {
            arn: arn.clone(),
            name: name.to_owned(),
            id: format!("ANPA{name:A>16}"),
            default_version_id: "v1".to_owned(),
            document: document(statements),
            attachment_count: Some(1),
            permissions_boundary_usage_count: Some(0),
            source: source(),
            document_source: source(),
        });
        iam.policies = Listing::complete(policies);
        arn
    }

    fn group(&mut self, name: &str, statements: &str) -> &mut Self {
        let iam = &mut self.account(ACCOUNT).iam;
        let mut groups = iam.groups.known().to_vec();
        groups.push(Group {
            arn: format!("arn:aws:iam::{ACCOUNT}:group/{name}"),
            name: name.to_owned(),
            id: format!("AGPA{name:A>16}"),
            inline_policies: inline(statements),
            attached_policies: vec![],
            source: source(),
        });
        iam.groups = Listing::complete(groups);
        self
    }

    /// A statement of a service control policy over both accounts.
    fn service_control(&mut self, statement: &str) -> &mut Self {
        self.service_control.push(statement.to_owned());
        self
    }

    fn organization(&self) -> Organization {
        let unit = || Unit {
            name: "Example".to_owned(),
            email: "owner@example.com".to_owned(),
            status: "ACTIVE".to_owned(),
            joined: None,
            parent_id: Ok("r-ab12".to_owned()),
        };
        let full = OrganizationPolicy {
            id: "p-full".to_owned(),
            arn: "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess".to_owned(),
            name: "FullAWSAccess".to_owned(),
            document: document(&allow(&["*"])),
            targets: Listing::complete(vec!["r-ab12".to_owned(), ACCOUNT.to_owned(), OTHER.to_owned()]),
            source: source(),
        };
        let mut policies = vec![full.clone()];
        for statement in &self.service_control {
            policies.push(OrganizationPolicy {
                name: "Guard".to_owned(),
                document: document(statement),
                targets: Listing::complete(vec!["r-ab12".to_owned()]),
                ..full.clone()
            });
        }
        Organization {
            id: "o-exampleorgid".to_owned(),
            arn: "arn:aws:organizations::999988887777:organization/o-exampleorgid".to_owned(),
            management_account_id: "999988887777".to_owned(),
            roots: Listing::complete(vec![Root {
                id: "r-ab12".to_owned(),
                name: "Root".to_owned(),
                enabled_policy_types: vec!["SERVICE_CONTROL_POLICY".to_owned()],
            }]),
            units: BTreeMap::new(),
            accounts: [ACCOUNT, OTHER, "999988887777"].map(|id| (id.to_owned(), unit())).into(),
            accounts_gap: None,
            service_control_policies: Listing::complete(policies),
            resource_control_policies: Listing::complete(vec![]),
            delegated_administrators: Listing::complete(vec![]),
            resource_policy: Ok(None),
            provenance: Provenance::default(),
            source: source(),
        }
    }

    fn directory(&self) -> Directory {
        let mut directory = Directory::new("aws", Estate::new(Ok(Some(self.organization()))));
        for account in self.accounts.values() {
            directory.add(account);
        }
        directory.finished()
    }

    /// `Name: step > step (access)` of every chain to `kms:Decrypt` on the first key, root users left out.
    fn reach(&self, depth: usize) -> Vec<String> {
        let directory = self.directory();
        let action = Action::new("kms:Decrypt");
        let key = directory.keys().find(|key| key.id.ends_with("1234567890ab")).expect("the key");
        let reached = directory.reach(&action, key, depth).expect("an answer");
        let mut lines = Vec::new();
        for reach in reached.iter().filter(|reach| !reach.direct.principal.arn.ends_with(":root")) {
            for chain in &reach.chains {
                let name = reach.direct.principal.arn.rsplit('/').next().unwrap_or_default();
                let steps: Vec<&str> = chain.links.iter().map(|link| link.step.word()).collect();
                lines.push(format!("{name}: {} ({})", steps.join(" > "), chain.access));
            }
        }
        lines
    }
}

fn account(id: &str) -> Account {
    let gap = || Gap::not_collected("iam:GenerateCredentialReport", &[]);
    let kms = Kms {
        keys: Listing::complete(vec![]),
        aliases: Listing::complete(vec![]),
        custom_key_stores: Listing::complete(vec![]),
    };
    Account {
        id: id.to_owned(),
        name: "Example".to_owned(),
        partition: "aws".to_owned(),
        ou_path: Ok("Root".to_owned()),
        entered: Ok(()),
        iam: Iam {
            users: Listing::complete(vec![]),
            groups: Listing::complete(vec![]),
            roles: Listing::complete(vec![]),
            policies: Listing::complete(vec![]),
            ..Iam::missing(&gap())
        },
        regions: BTreeMap::from([(REGION.to_owned(), kms)]),
        regions_gap: None,
        clock_ahead_seconds: Some(0),
        provenance: Provenance::default(),
    }
}

fn key(id: &str, policy: &str) -> Key {
    let gap = || Gap::not_collected("kms:GetKeyRotationStatus", &[]);
    Key {
        id: id.to_owned(),
        arn: key_arn(id),
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
            source: source(),
        }),
        policies: Listing::complete(vec![KeyPolicy {
            name: "default".to_owned(),
            document: document(policy),
            sha256: Err(gap()),
            source: source(),
        }]),
        rotation: Err(gap()),
        grants: Listing::complete(vec![]),
        rotations: Listing::complete(vec![]),
        tags: Ok(BTreeMap::new()),
        last_usage: Err(gap()),
        source: source(),
    }
}

/// What one user with these statements reaches by opening the key.
fn opens(statements: &str) -> Vec<String> {
    World::new().user("Alice", statements).reach(1)
}

#[test]
fn who_writes_the_key_policy_reaches_the_key() {
    assert_eq!(opens(&allow(&["kms:PutKeyPolicy"])), ["Alice: put_key_policy (allowed)"]);
    assert!(opens(&allow(&["kms:GetKeyPolicy"])).is_empty());
    assert!(opens(&allow_on(&["kms:PutKeyPolicy"], &key_arn("another"))).is_empty());
}

#[test]
fn who_has_the_action_reaches_nothing_more() {
    assert!(opens(&allow(&["kms:*"])).is_empty());
}

#[test]
fn a_service_control_policy_blocks_the_link() {
    let deny = r#"{"Effect": "Deny", "Action": "kms:PutKeyPolicy", "Resource": "*"}"#;
    let mut world = World::new();
    world.user("Alice", &allow(&["kms:PutKeyPolicy"]));
    assert_eq!(world.reach(1), ["Alice: put_key_policy (allowed)"]);
    assert!(world.service_control(deny).reach(1).is_empty());
}

#[test]
fn a_boundary_blocks_the_link() {
    let mut world = World::new();
    let boundary = world.policy("Boundary", &allow(&["kms:Describe*"]));
    world.user_of(ACCOUNT, "Alice", &allow(&["kms:PutKeyPolicy"]), |user| user.permissions_boundary = Some(boundary));
    assert!(world.reach(1).is_empty());
}

#[test]
fn who_stays_denied_can_still_open_the_key_to_others() {
    let deny = r#"{"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}"#;
    let mut world = World::new();
    world.user("Alice", &allow(&["kms:PutKeyPolicy"])).service_control(deny);
    let directory = world.directory();
    let (action, key) = (Action::new("kms:Decrypt"), directory.keys().next().expect("the key"));
    let reached = directory.reach(&action, key, 1).expect("an answer");
    let alice = reached.iter().find(|it| it.direct.principal.arn.ends_with("Alice")).expect("Alice");
    let link = alice.chains.first().and_then(|chain| chain.links.first()).expect("a link");
    assert!(link.notes.iter().any(|note| note.contains("open the key to others")), "{link:?}");
}

#[test]
fn a_condition_goes_with_the_link() {
    let with = |condition: &str| {
        opens(&format!(
            r#"{{"Effect": "Allow", "Action": "kms:PutKeyPolicy", "Resource": "*", "Condition": {condition}}}"#
        ))
    };
    assert_eq!(with(r#"{"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#), ["Alice: put_key_policy (conditional)"]);
    assert!(with(r#"{"StringEquals": {"aws:PrincipalOrgID": "o-another"}}"#).is_empty());
}

fn creates_grants(condition: &str) -> Vec<String> {
    opens(&format!(r#"{{"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": "*", "Condition": {condition}}}"#))
}

#[test]
fn a_grant_for_itself_reaches_the_key() {
    assert_eq!(opens(&allow(&["kms:CreateGrant"])), ["Alice: create_grant (allowed)"]);
    assert!(creates_grants(r#"{"Bool": {"kms:GrantIsForAWSResource": "true"}}"#).is_empty());
}

#[test]
fn a_grant_must_hold_the_action_and_go_to_the_caller() {
    let operations =
        |list: &str| creates_grants(&format!(r#"{{"ForAllValues:StringEquals": {{"kms:GrantOperations": {list}}}}}"#));
    assert_eq!(operations(r#"["Decrypt", "Encrypt"]"#).len(), 1);
    assert!(operations(r#"["Encrypt", "GenerateDataKey"]"#).is_empty());
    let grantee = |arn: &str| creates_grants(&format!(r#"{{"StringEquals": {{"kms:GranteePrincipal": "{arn}"}}}}"#));
    assert_eq!(grantee("arn:aws:iam::111122223333:user/Alice").len(), 1);
    assert!(grantee("arn:aws:iam::111122223333:role/App").is_empty());
}

#[test]
fn another_account_creates_grants_where_the_key_policy_lets_it_in() {
    let entry = format!(
        r#"{{"Effect": "Allow", "Principal": {{"AWS": "{OTHER}"}}, "Action": "kms:CreateGrant", "Resource": "*"}}"#
    );
    let mut world = World::new();
    world.user_of(OTHER, "Bob", &allow(&["kms:CreateGrant", "kms:PutKeyPolicy"]), |_| {});
    assert!(world.reach(1).is_empty());
    world.key(KEY, &format!("{DELEGATION}, {entry}"));
    let reached = world.reach(1);
    assert!(matches!(reached.as_slice(), [one] if one.starts_with("Bob: create_grant")), "{reached:?}");
}

#[test]
fn a_replica_has_the_same_material() {
    let multi_region = "mrk-1234abcd12ab34cd56ef1234567890ab";
    let world = |id: &str, actions: &[&str]| {
        let mut world = World::new();
        world.account(ACCOUNT).regions.get_mut(REGION).expect("the Region").keys = Listing::complete(vec![]);
        world.key(id, DELEGATION).user("Alice", &allow(actions));
        world.reach(1)
    };
    assert_eq!(world(multi_region, &["kms:ReplicateKey", "kms:CreateKey"]), ["Alice: replicate_key (allowed)"]);
    assert!(world(multi_region, &["kms:ReplicateKey"]).is_empty());
    assert!(world(KEY, &["kms:ReplicateKey", "kms:CreateKey"]).is_empty());
}

#[test]
fn data_goes_to_a_key_that_the_caller_has() {
    let own = "00000000-12ab-34cd-56ef-000000000000";
    let mut world = World::new();
    let statements = [allow(&["kms:ReEncryptFrom", "kms:ReEncryptTo"]), allow_on(&["kms:Decrypt"], &key_arn(own))];
    world.user("Alice", &statements.join(","));
    assert!(world.reach(1).is_empty());
    assert_eq!(world.key(own, DELEGATION).reach(1), ["Alice: re_encrypt (allowed)"]);
}

fn by_tag(actions: &[&str]) -> Vec<String> {
    let decrypt = r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}"#;
    let mut world = World::new();
    world.change_key(|key| key.tags = Ok(BTreeMap::from([("team".to_owned(), "blue".to_owned())])));
    world.user("Alice", &format!("{decrypt}, {}", allow(actions)));
    world.reach(1)
}

#[test]
fn a_tag_is_a_link_where_a_condition_asks_for_it() {
    assert_eq!(by_tag(&["kms:TagResource"]).len(), 1);
    assert!(by_tag(&["kms:UntagResource"]).is_empty());
    assert!(opens(&allow(&["kms:TagResource"])).is_empty());
}

#[test]
fn taking_a_tag_away_is_a_link_where_a_condition_forbids_it() {
    let statements = r#"{"Effect": "Allow", "Action": ["kms:Decrypt", "kms:UntagResource"], "Resource": "*"},
        {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*",
         "Condition": {"StringEquals": {"aws:ResourceTag/class": "secret"}}}"#;
    let mut world = World::new();
    world.user("Alice", statements);
    assert!(world.reach(1).is_empty());
    world.change_key(|key| key.tags = Ok(BTreeMap::from([("class".to_owned(), "secret".to_owned())])));
    let reached = world.reach(1);
    assert!(matches!(reached.as_slice(), [one] if one.starts_with("Alice: untag_key")), "{reached:?}");
}

/// What Alice reaches under a statement that asks for an alias, on the key with the alias `blue` beside one with `red`.
fn over_aliases(statement: &str, more: &str) -> Vec<String> {
    let other = "00000000-12ab-34cd-56ef-000000000000";
    let mut world = World::new();
    // On the other key she may change aliases and nothing else.
    world.key(other, &DELEGATION.replace("kms:*", "kms:UpdateAlias"));
    let alias = |name: &str, key: &str| Alias { name: name.to_owned(), target_key_id: Some(key.to_owned()) };
    let kms = world.account(ACCOUNT).regions.get_mut(REGION).expect("the Region");
    kms.aliases = Listing::complete(vec![alias("alias/blue", KEY), alias("alias/red", other)]);
    world.user("Alice", &format!("{statement}, {more}"));
    world.reach(1)
}

/// A statement on decryption under a condition.
fn decrypt_when(effect: &str, condition: &str) -> String {
    format!(r#"{{"Effect": "{effect}", "Action": "kms:Decrypt", "Resource": "*", "Condition": {condition}}}"#)
}

#[test]
fn an_alias_is_made_where_a_condition_asks_for_it() {
    let green = decrypt_when("Allow", r#"{"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/green"}}"#);
    let reached = over_aliases(&green, &allow(&["kms:CreateAlias"]));
    assert_eq!(reached, ["Alice: create_alias (allowed)"]);
    assert!(over_aliases(&green, &allow(&["kms:DeleteAlias", "kms:UpdateAlias", "kms:DescribeKey"])).is_empty());
    // She may make aliases, but none of the name that the condition asks for.
    let (keys, other_names) = (format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/*"), "arn:aws:kms:*:*:alias/team-*");
    let limited = [keys.as_str(), other_names].map(|resource| allow_on(&["kms:CreateAlias"], resource)).join(", ");
    assert!(over_aliases(&green, &limited).is_empty());
    let team = decrypt_when("Allow", r#"{"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/team-*"}}"#);
    assert_eq!(over_aliases(&team, &limited), ["Alice: create_alias (allowed)"]);
    // A name is taken by one key of a Region.
    let red = decrypt_when("Allow", r#"{"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/red"}}"#);
    assert!(over_aliases(&red, &allow(&["kms:CreateAlias"])).is_empty());
}

#[test]
fn an_alias_moves_to_the_key_where_a_condition_asks_for_it() {
    let red = decrypt_when("Allow", r#"{"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/red"}}"#);
    assert_eq!(over_aliases(&red, &allow(&["kms:UpdateAlias"])), ["Alice: update_alias (allowed)"]);
    let by_name = decrypt_when("Allow", r#"{"StringEquals": {"kms:RequestAlias": "alias/red"}}"#);
    assert_eq!(over_aliases(&by_name, &allow(&["kms:UpdateAlias"])), ["Alice: update_alias (allowed_if_chosen)"]);
    // It is decided on the alias and on both keys.
    let of = |id: &str| allow_on(&["kms:UpdateAlias"], &format!("arn:aws:kms:{REGION}:{ACCOUNT}:{id}"));
    let all = [of(&format!("key/{KEY}")), of("key/00000000-12ab-34cd-56ef-000000000000"), of("alias/red")];
    assert_eq!(over_aliases(&red, &all.join(", ")), ["Alice: update_alias (allowed)"]);
    for missing in 0..all.len() {
        let rest: Vec<&str> =
            all.iter().enumerate().filter(|(index, _)| *index != missing).map(|(_, it)| it.as_str()).collect();
        assert!(over_aliases(&red, &rest.join(", ")).is_empty(), "without {}", all[missing]);
    }
}

#[test]
fn an_alias_goes_away_where_a_condition_forbids_it() {
    let guarded = |actions: &[&str]| {
        let deny = decrypt_when("Deny", r#"{"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/blue"}}"#);
        over_aliases(&format!("{}, {deny}", allow(&["kms:Decrypt"])), &allow(actions))
    };
    assert_eq!(guarded(&["kms:DeleteAlias"]), ["Alice: delete_alias (allowed)"]);
    // Moved to the other key.
    assert_eq!(guarded(&["kms:UpdateAlias"]), ["Alice: update_alias (allowed)"]);
    assert!(guarded(&["kms:CreateAlias"]).is_empty());
}

/// An account in which the role `Reader` decrypts, with a trust policy, and Alice, with statements of her own.
fn reader(trust: &str, statements: &str) -> World {
    let mut world = World::new();
    world.role("Reader", trust, &allow(&["kms:Decrypt"])).user("Alice", statements);
    world
}

const ALICE: &str = "arn:aws:iam::111122223333:user/Alice";
const ASSUME: &[&str] = &["sts:AssumeRole"];

#[test]
fn a_trusted_user_assumes_the_role() {
    assert_eq!(reader(&trust_aws(ALICE), "").reach(3), ["Alice: assume_role (allowed)"]);
    assert!(reader(&trust_aws("arn:aws:iam::111122223333:user/Bob"), "").reach(3).is_empty());
    assert!(reader(&trust_aws(ALICE), "").reach(0).is_empty());
}

#[test]
fn a_role_that_trusts_its_account_needs_the_policies_of_the_caller() {
    let account = trust_aws(ACCOUNT);
    assert_eq!(reader(&account, &allow(ASSUME)).reach(3), ["Alice: assume_role (allowed)"]);
    assert!(reader(&account, "").reach(3).is_empty());
    let deny = r#"{"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}"#;
    assert!(reader(&account, &allow(ASSUME)).service_control(deny).reach(3).is_empty());
}

#[test]
fn a_role_in_another_account_needs_both_halves() {
    let bob = format!("arn:aws:iam::{OTHER}:user/Bob");
    let world = |trust: &str, statements: &str| {
        let mut world = World::new();
        world.role("Reader", trust, &allow(&["kms:Decrypt"])).user_of(OTHER, "Bob", statements, |_| {});
        world.reach(3)
    };
    assert_eq!(world(&trust_aws(&bob), &allow(ASSUME)), ["Bob: assume_role (allowed)"]);
    assert!(world(&trust_aws(&bob), "").is_empty());
    assert!(world(&trust_aws(ACCOUNT), &allow(ASSUME)).is_empty());
}

#[test]
fn an_account_that_was_not_read_reaches_what_trusts_it() {
    let lines = reader(&trust_aws("arn:aws:iam::777788889999:role/Partner"), "").reach(3);
    assert_eq!(lines, ["Partner: assume_role (possible)"]);
}

#[test]
fn a_trust_policy_that_was_not_read_makes_the_link_possible() {
    let mut world = World::new();
    let gap = Gap::malformed("iam:GetAccountAuthorizationDetails", &["Reader"], "not JSON");
    world.role_of(ACCOUNT, "Reader", "", &allow(&["kms:Decrypt"]), |role| role.trust_policy = Err(gap));
    world.user("Alice", "");
    let lines = world.reach(3);
    assert!(lines.contains(&"Alice: assume_role (possible)".to_owned()), "{lines:?}");
}

#[test]
fn a_condition_of_the_trust_policy_goes_with_the_link() {
    let with = |condition: &str| {
        let trust = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{ALICE}"}}, "Action": "sts:AssumeRole", "Condition": {condition}}}"#
        );
        reader(&trust, "").reach(3)
    };
    assert_eq!(with(r#"{"StringEquals": {"sts:ExternalId": "x"}}"#), ["Alice: assume_role (conditional)"]);
    assert!(with(r#"{"StringEquals": {"aws:PrincipalOrgID": "o-another"}}"#).is_empty());
}

#[test]
fn chains_have_a_bounded_length_and_circles_end() {
    let role = |name: &str| trust_aws(&format!("arn:aws:iam::{ACCOUNT}:role/{name}"));
    let mut world = World::new();
    world.role("One", &format!("{}, {}", trust_aws(ALICE), role("Four")), "");
    world.role("Two", &role("One"), "").role("Three", &role("Two"), "");
    world.role("Four", &format!("{}, {}", role("Three"), role("One")), &allow(&["kms:Decrypt"]));
    world.user("Alice", "");
    assert_eq!(world.reach(1), ["One: assume_role (allowed)", "Three: assume_role (allowed)"]);
    let expected = [
        "One: assume_role (allowed)",
        "Three: assume_role (allowed)",
        "Two: assume_role > assume_role (allowed)",
        "Alice: assume_role > assume_role (allowed)",
    ];
    assert_eq!(world.reach(2), expected);
    assert_eq!(world.reach(8), expected);
}

#[test]
fn a_longer_chain_counts_where_it_is_surer() {
    let with_mfa = format!(
        r#"{{"Effect": "Allow", "Principal": {{"AWS": "{ALICE}"}}, "Action": "sts:AssumeRole",
            "Condition": {{"Bool": {{"aws:MultiFactorAuthPresent": "true"}}}}}}"#
    );
    let hop = trust_aws(&format!("arn:aws:iam::{ACCOUNT}:role/Hop"));
    let mut world = reader(&format!("{with_mfa}, {hop}"), "");
    world.role("Hop", &trust_aws(ALICE), "");
    assert_eq!(
        world.reach(3),
        [
            "Hop: assume_role (allowed)",
            "Alice: assume_role (conditional)",
            "Alice: assume_role > assume_role (allowed)"
        ]
    );
}

#[test]
fn every_number_of_threads_gives_the_same_chains() {
    let mut world = reader(&trust_aws(ACCOUNT), &allow(&["sts:*", "iam:*"]));
    for name in ["Bob", "Carol", "Dave"] {
        world.user(name, &allow(&["iam:PutUserPolicy", "iam:CreateAccessKey", "sts:AssumeRole"]));
    }
    let first = world.reach(3);
    assert!(first.len() > 8, "{first:?}");
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        assert_eq!(pool.install(|| world.reach(3)), first);
    }
}

/// What Alice reaches by IAM in an account whose user `Reader` decrypts.
fn over_a_user(actions: &[&str]) -> Vec<String> {
    let mut world = World::new();
    world.user("Reader", &allow(&["kms:Decrypt"])).user("Alice", &allow(actions));
    world.reach(1)
}

#[test]
fn credentials_of_a_user_are_links() {
    for (action, step) in [
        ("iam:CreateAccessKey", "create_access_key"),
        ("iam:CreateLoginProfile", "create_login_profile"),
        ("iam:UpdateLoginProfile", "update_login_profile"),
    ] {
        assert_eq!(over_a_user(&[action]), [format!("Alice: {step} (allowed)")]);
    }
    assert!(over_a_user(&["iam:ListAccessKeys"]).is_empty());
}

#[test]
fn credentials_count_for_users_that_a_statement_lists() {
    let of = |name: &str| {
        let mut world = World::new();
        let users = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
        world.user("Reader", &allow(&["kms:Decrypt"])).user("Alice", &allow_on(&["iam:CreateAccessKey"], &users));
        world.reach(1)
    };
    assert_eq!(of("Reader").len(), 1);
    assert!(of("${aws:username}").is_empty());
}

#[test]
fn a_trust_policy_is_written_to_enter() {
    let trust = trust(r#"{"Service": "states.example.com"}"#);
    assert_eq!(
        reader(&trust, &allow(&["iam:UpdateAssumeRolePolicy"])).reach(1),
        ["Alice: update_assume_role_policy (allowed)"]
    );
    let deny = r#"{"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}"#;
    assert!(reader(&trust, &format!("{}, {deny}", allow(&["iam:UpdateAssumeRolePolicy"]))).reach(1).is_empty());
    let mut kept = World::new();
    kept.role_of(ACCOUNT, "Reader", &trust, &allow(&["kms:Decrypt"]), |role| {
        role.arn = format!("arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/Reader");
        role.path = "/aws-reserved/sso.amazonaws.com/".to_owned();
    });
    assert!(kept.user("Alice", &allow(&["iam:UpdateAssumeRolePolicy"])).reach(1).is_empty());
}

/// What Alice reaches by changing her own policies.
fn over_herself(statements: &str) -> Vec<String> {
    World::new().user("Alice", statements).reach(1)
}

#[test]
fn who_writes_her_own_policies_reaches_everything_that_is_delegated() {
    let one = |action: &str| over_herself(&allow(&[action]));
    assert_eq!(one("iam:PutUserPolicy"), ["Alice: put_policy (allowed)"]);
    assert_eq!(one("iam:AttachUserPolicy"), ["Alice: attach_policy (allowed)"]);
    assert!(one("iam:PutRolePolicy").is_empty());
    assert!(one("iam:CreatePolicyVersion").is_empty());
    let mut closed = World::new();
    let reader = r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/Reader"},
        "Action": "kms:*", "Resource": "*"}"#;
    assert!(closed.key(KEY, reader).user("Alice", &allow(&["iam:PutUserPolicy"])).reach(3).is_empty());
}

#[test]
fn a_condition_on_the_policy_to_attach_blocks_the_link() {
    let with = |arn: &str| {
        over_herself(&format!(
            r#"{{"Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*",
                "Condition": {{"ArnEquals": {{"iam:PolicyARN": "{arn}"}}}}}}"#
        ))
    };
    assert_eq!(with("arn:aws:iam::aws:policy/AdministratorAccess").len(), 1);
    assert!(with("arn:aws:iam::aws:policy/IAMUserChangePassword").is_empty());
}

#[test]
fn an_attached_policy_is_written_anew() {
    let mut world = World::new();
    let arn = world.policy("Own", &allow(&["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"]));
    world.user_of(ACCOUNT, "Alice", "", |user| {
        user.attached_policies = vec![crate::model::AttachedPolicy { name: "Own".to_owned(), arn }];
    });
    assert_eq!(
        world.reach(1),
        ["Alice: create_policy_version (allowed)", "Alice: set_default_policy_version (possible)"]
    );
}

#[test]
fn a_group_lends_its_policies() {
    let world = |actions: &[&str], group: &str| {
        let mut world = World::new();
        world.group("Readers", group).user("Alice", &allow(actions));
        world.reach(1)
    };
    let decrypt = allow(&["kms:Decrypt"]);
    assert_eq!(world(&["iam:AddUserToGroup"], &decrypt), ["Alice: add_user_to_group (allowed)"]);
    assert!(world(&["iam:AddUserToGroup"], &allow(&["kms:Encrypt"])).is_empty());
    assert!(world(&["iam:PutGroupPolicy"], &decrypt).is_empty());
}

#[test]
fn the_policy_of_ones_own_group_is_written() {
    let mut world = World::new();
    world.group("Staff", &allow(&["iam:PutGroupPolicy"]));
    world.user_of(ACCOUNT, "Alice", "", |user| user.groups = vec!["Staff".to_owned()]);
    assert_eq!(world.reach(1), ["Alice: put_policy (allowed)"]);
}

fn bounded(boundary: &[&str], statements: &str, depth: usize) -> Vec<String> {
    let mut world = World::new();
    let boundary = world.policy("Boundary", &allow(boundary));
    world.user_of(ACCOUNT, "Alice", statements, |user| user.permissions_boundary = Some(boundary));
    world.reach(depth)
}

#[test]
fn a_boundary_that_can_be_taken_away_is_none() {
    let statements = allow(&["kms:Decrypt", "iam:DeleteUserPermissionsBoundary"]);
    assert_eq!(bounded(&["iam:*"], &statements, 1), ["Alice: delete_permissions_boundary (allowed)"]);
    assert!(bounded(&["iam:Get*"], &statements, 3).is_empty());
    let statements = allow(&["kms:Decrypt", "iam:PutUserPermissionsBoundary"]);
    assert_eq!(bounded(&["iam:*"], &statements, 1), ["Alice: replace_permissions_boundary (allowed)"]);
}

#[test]
fn a_boundary_falls_after_the_policies_that_allow_it() {
    assert!(bounded(&["iam:*"], &allow(&["iam:PutUserPolicy"]), 1).is_empty());
    assert_eq!(
        bounded(&["iam:*"], &allow(&["iam:PutUserPolicy"]), 2),
        ["Alice: put_policy > delete_permissions_boundary (allowed)"]
    );
    assert!(bounded(&["iam:Put*Policy"], &allow(&["iam:PutUserPolicy"]), 3).is_empty());
}

#[test]
fn another_principal_is_changed_and_entered() {
    let bob = format!("arn:aws:iam::{ACCOUNT}:user/Bob");
    let world = |actions: &[&str]| {
        let mut world = World::new();
        world.user("Bob", "").user("Alice", &allow_on(actions, &bob));
        world.reach(3)
    };
    assert_eq!(
        world(&["iam:PutUserPolicy", "iam:CreateAccessKey"]),
        ["Alice: put_policy > create_access_key (allowed)"]
    );
    assert!(world(&["iam:PutUserPolicy"]).is_empty());
    assert!(world(&["iam:CreateAccessKey"]).is_empty());
}

#[test]
fn chains_cross_kinds_of_links() {
    let reader = format!("arn:aws:iam::{ACCOUNT}:role/Admin");
    let mut world = World::new();
    world.role("Admin", &trust_aws(OTHER), &allow(&["kms:PutKeyPolicy"]));
    world.user_of(OTHER, "Bob", &allow(&["iam:PutUserPolicy"]), |_| {});
    world.user_of(OTHER, "Carol", &allow_on(ASSUME, &reader), |_| {});
    assert_eq!(
        world.reach(3),
        [
            "Admin: put_key_policy (allowed)",
            "Bob: put_policy > assume_role > put_key_policy (allowed)",
            "Carol: assume_role > put_key_policy (allowed)"
        ]
    );
    assert_eq!(world.reach(2).len(), 2);
}

const FUNCTION: &[&str] = &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"];

#[test]
fn a_role_is_passed_to_a_service_that_it_trusts() {
    let lambda = trust(r#"{"Service": "lambda.amazonaws.com"}"#);
    assert_eq!(reader(&lambda, &allow(FUNCTION)).reach(1), ["Alice: pass_role (allowed)"]);
    assert!(reader(&lambda, &allow(&FUNCTION[1..])).reach(1).is_empty());
    assert!(reader(&trust(r#"{"Service": "glue.amazonaws.com"}"#), &allow(FUNCTION)).reach(1).is_empty());
}

#[test]
fn passing_a_role_may_be_limited_to_a_service() {
    let with = |service: &str| {
        let pass = format!(
            r#"{{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
                "Condition": {{"StringEquals": {{"iam:PassedToService": "{service}"}}}}}}"#
        );
        let statements = format!("{pass}, {}", allow(&FUNCTION[1..]));
        reader(&trust(r#"{"Service": "lambda.amazonaws.com"}"#), &statements).reach(1)
    };
    assert_eq!(with("lambda.amazonaws.com").len(), 1);
    assert!(with("ec2.amazonaws.com").is_empty());
}

#[test]
fn a_name_that_the_policy_asks_for_is_chosen() {
    let functions = format!("arn:aws:lambda:*:{ACCOUNT}:function:team-*");
    let statements = [allow(&FUNCTION[..1]), allow_on(&FUNCTION[1..], &functions)].join(", ");
    let lambda = trust(r#"{"Service": "lambda.amazonaws.com"}"#);
    assert_eq!(reader(&lambda, &statements).reach(1), ["Alice: pass_role (allowed)"]);
}

#[test]
fn what_runs_as_a_role_already_is_possible() {
    let instances = trust(r#"{"Service": "ec2.amazonaws.com"}"#);
    assert_eq!(reader(&instances, &allow(&["ssm:SendCommand"])).reach(1), ["Alice: enter_compute (possible)"]);
    assert!(reader(&instances, &allow(&["lambda:UpdateFunctionCode"])).reach(1).is_empty());
}

/// Statements of a trust policy that let in every service that runs something as a role.
fn trust_services() -> String {
    const SERVICES: [&str; 20] = [
        "bedrock-agentcore",
        "braket",
        "cloudformation",
        "codebuild",
        "codestar",
        "datapipeline",
        "ec2",
        "ecs-tasks",
        "emr-serverless",
        "gamelift",
        "glue",
        "kinesisanalytics",
        "lambda",
        "omics",
        "sagemaker",
        "scheduler",
        "ssm",
        "states",
        "tasks.apprunner",
        "unheard",
    ];
    let services = SERVICES.map(|name| trust(&format!(r#"{{"Service": "{name}.amazonaws.com"}}"#)));
    let pools = r#"{"Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity"}"#;
    format!("{}, {pools}", services.join(", "))
}

/// Whether Alice, or the role `App`, reaches anything with a set of actions, under a boundary that leaves IAM or without one.
fn escalates(set: &[&str], is_bounded: bool) -> bool {
    let mut world = World::new();
    let (own, boundary) = (world.policy("Own", &allow(set)), world.policy("Boundary", &allow(&["iam:*"])));
    let boundary = is_bounded.then_some(boundary);
    let decrypt = allow(&["kms:Decrypt"]);
    let statements = if is_bounded { decrypt.as_str() } else { "" };
    let attached = || vec![crate::model::AttachedPolicy { name: "Own".to_owned(), arn: own.clone() }];
    world.group("Readers", &decrypt).group("Staff", &allow(&["iam:GetUser"])).user("Reader", &decrypt);
    world.role("Reader", &trust_services(), &decrypt);
    for (name, trust) in [("Plain", trust_aws(ACCOUNT)), ("App", trust(r#"{"Service": "states.example.com"}"#))] {
        world.role_of(ACCOUNT, name, &trust, statements, |role| {
            role.attached_policies = attached();
            role.permissions_boundary = boundary.clone();
        });
    }
    world.user_of(ACCOUNT, "Alice", statements, |user| {
        user.attached_policies = attached();
        user.groups = vec!["Staff".to_owned()];
        user.permissions_boundary = boundary;
    });
    world.reach(2).iter().any(|line| line.starts_with("Alice: ") || line.starts_with("App: "))
}

#[test]
fn every_set_of_actions_that_is_known_to_escalate_is_a_link() {
    let known = include_str!("../../../tests/access/escalations.txt");
    let sets = known.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(' ').collect());
    let sets: Vec<Vec<&str>> = sets.collect();
    assert!(sets.len() > 100, "{}", sets.len());
    for set in sets {
        // Permission sets of IAM Identity Center are changed in another account than that in which they act.
        let is_link = !set.iter().all(|action| action.starts_with("sso:"));
        assert_eq!(escalates(&set, false) || escalates(&set, true), is_link, "{set:?}");
    }
}

const SAML: &str = "arn:aws:iam::111122223333:saml-provider/Staff";
const PIPELINES: &str = "arn:aws:iam::111122223333:oidc-provider/token.example.com";

fn trust_provider(provider: &str, action: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect": "Allow", "Principal": {{"Federated": "{provider}"}}, "Action": "{action}", "Condition": {condition}}}"#
    )
}

#[test]
fn whoever_a_provider_vouches_for_assumes_the_role() {
    let saml = trust_provider(SAML, "sts:AssumeRoleWithSAML", r#"{"StringEquals": {"SAML:aud": "https://signin"}}"#);
    assert_eq!(reader(&saml, "").reach(3), ["Staff: assume_role_with_saml (conditional)"]);
    let any = r#"{"StringLike": {"token.example.com:sub": "*"}}"#;
    let pipelines = trust_provider(PIPELINES, "sts:AssumeRoleWithWebIdentity", any);
    assert_eq!(reader(&pipelines, "").reach(3), ["token.example.com: assume_role_with_web_identity (conditional)"]);
    let pool = trust_provider("cognito-identity.amazonaws.com", "sts:AssumeRoleWithWebIdentity", "{}");
    let world = reader(&pool.replace(r#", "Condition": {}"#, ""), "");
    assert_eq!(world.directory().accounts().count(), 2);
    assert_eq!(world.reach(3), ["cognito-identity.amazonaws.com: assume_role_with_web_identity (allowed)"]);
}

#[test]
fn a_provider_enters_only_as_the_trust_policy_says() {
    let wrong_action = trust_provider(SAML, "sts:AssumeRole", r#"{"Bool": {"aws:SecureTransport": "true"}}"#);
    assert!(reader(&wrong_action, "").reach(3).is_empty());
    let never = trust_provider(SAML, "sts:AssumeRoleWithSAML", r#"{"Bool": {"aws:SecureTransport": "false"}}"#);
    assert!(reader(&never, "").reach(3).is_empty());
    let tls = trust_provider(SAML, "sts:AssumeRoleWithSAML", r#"{"Bool": {"aws:SecureTransport": "true"}}"#);
    assert_eq!(reader(&tls, "").reach(3), ["Staff: assume_role_with_saml (allowed)"]);
    let denied = tls.replace("Allow", "Deny");
    assert!(reader(&format!("{tls}, {denied}"), "").reach(3).is_empty());
    // Service control policies limit principals of accounts, and this is none.
    let guard = r#"{"Effect": "Deny", "Action": "sts:*", "Resource": "*"}"#;
    assert_eq!(reader(&tls, "").service_control(guard).reach(3), ["Staff: assume_role_with_saml (allowed)"]);
}

#[test]
fn a_provider_begins_longer_chains() {
    let tls = trust_provider(SAML, "sts:AssumeRoleWithSAML", r#"{"Bool": {"aws:SecureTransport": "true"}}"#);
    let mut world = reader(&trust_aws(&format!("arn:aws:iam::{ACCOUNT}:role/Hop")), "");
    world.role("Hop", &tls, "");
    assert_eq!(world.reach(3), ["Hop: assume_role (allowed)", "Staff: assume_role_with_saml > assume_role (allowed)"]);
    assert_eq!(world.reach(1), ["Hop: assume_role (allowed)"]);
}

#[test]
fn whoever_gives_a_saml_provider_its_keys_vouches_for_himself() {
    let tls = trust_provider(SAML, "sts:AssumeRoleWithSAML", r#"{"Bool": {"aws:SecureTransport": "true"}}"#);
    let mut world = reader(&tls, "");
    world.role("Hop", "", &allow(&["iam:UpdateSAMLProvider"]));
    let chains = world.reach(3);
    let by_hop = "Hop: update_saml_provider > assume_role_with_saml (allowed)".to_owned();
    assert_eq!(chains, [by_hop, "Staff: assume_role_with_saml (allowed)".to_owned()]);
    // The provider of another account is out of its hands, that of Identity Center perhaps.
    let with_provider = |provider: &str| {
        let mut world = reader(&tls.replace(SAML, provider), "");
        world.role("Hop", "", &allow(&["iam:UpdateSAMLProvider"]));
        world.reach(3)
    };
    assert_eq!(with_provider(&SAML.replace("111122223333", "444455556666")).len(), 1);
    let of_center = with_provider(&SAML.replace("Staff", "AWSSSO_0123_DO_NOT_DELETE"));
    assert!(
        of_center.contains(&"Hop: update_saml_provider > assume_role_with_saml (possible)".to_owned()),
        "{of_center:?}"
    );
    // An OIDC provider vouches by keys that it publishes itself.
    let any = r#"{"StringLike": {"token.example.com:sub": "*"}}"#;
    let mut world = reader(&trust_provider(PIPELINES, "sts:AssumeRoleWithWebIdentity", any), "");
    world.role("Hop", "", &allow(&["iam:UpdateSAMLProvider"]));
    assert_eq!(world.reach(3).len(), 1);
}

/// The first link of the chain of whoever a provider vouches for.
fn first_link_of_a_provider(world: &World) -> super::Link {
    let directory = world.directory();
    let action = Action::new("kms:Decrypt");
    let key = directory.keys().next().expect("the key");
    let reached = directory.reach(&action, key, 3).expect("an answer");
    let reach = reached.iter().find(|it| it.direct.principal.kind.word() == "identity-provider").expect("the provider");
    reach.chains[0].links[0].as_ref().clone()
}

#[test]
fn the_word_of_a_provider_stands_in_the_evidence_of_the_link() {
    let condition = r#"{"StringLike": {"token.example.com:sub": "repo:example/app:*"}}"#;
    let pipelines = trust_provider(PIPELINES, "sts:AssumeRoleWithWebIdentity", condition);
    let link = first_link_of_a_provider(&reader(&pipelines, ""));
    assert_eq!(link.proofs[0].cell.condition_words(), ["token.example.com:sub is like repo:example/app:*"]);
    assert_eq!(link.proofs[0].statements[0].policy, "trust policy of role Reader");
    assert_eq!(link.notes, [format!("whoever {PIPELINES} vouches for: its users are in no snapshot")]);
}

#[test]
fn a_permission_set_begins_a_chain() {
    let tls = trust_provider(SAML, "sts:AssumeRoleWithSAML", r#"{"Bool": {"aws:SecureTransport": "true"}}"#);
    let mut world = World::new();
    world.role_of(ACCOUNT, "AWSReservedSSO_Data_Readers_0123456789abcdef", &tls, &allow(&["kms:Decrypt"]), |role| {
        role.path = "/aws-reserved/sso.amazonaws.com/".to_owned();
        role.arn = format!("arn:aws:iam::{ACCOUNT}:role{}{}", role.path, role.name);
    });
    let link = first_link_of_a_provider(&world);
    assert!(link.notes[0].starts_with("whoever is assigned the permission set Data_Readers in IAM Identity Center"));
}
