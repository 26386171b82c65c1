//! What holds for every check: its texts are whole, it can say all it claims to, and the law of the house, that *removing a
//! fact never turns a verdict into PASS*.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::credentials::ROOT;
use super::fixtures::*;
use super::{CHECKS, Check, Judged, Parameters, Rule, Scope, Value};
use crate::finding::{Judgement, Status, Verdict};
use crate::model::{
    AccessKey, Account, Alias, AlternateContact, AttachedPolicy, CredentialReport, CustomKeyStore,
    DelegatedAdministrator, Document, Gap, Grant, Group, Iam, IdentityProvider, InlinePolicy, Key, KeyMetadata,
    KeyPolicy, Kms, Listing, ManagedPolicy, MfaDevice, MultiRegion, Organization, OrganizationPolicy, PasswordPolicy,
    Principal, Role, ServerCertificate, ServiceSpecificCredential, Tags, User, VirtualMfaDevice,
};

/// One fact taken away.
type Removal = Box<dyn Fn(&mut World)>;

/// Verdicts by check and resource; an ERROR is `None`.
type Verdicts = BTreeMap<(&'static str, String), Option<Verdict>>;

/// What every check says of every resource of a world. Lists that are not whole are judged as far as they are known, as
/// the runner does.
fn verdicts(world: &World) -> Verdicts {
    world.ask(verdicts_in)
}

/// Checks that judge nothing unless they are told what are told so.
static SETTINGS: LazyLock<Parameters> = LazyLock::new(|| {
    let list = |items: &[&str]| Value::Strings(items.iter().map(|item| (*item).to_owned()).collect());
    let mut parameters = Parameters::default();
    let mut set = |check, name, value| parameters.set(check, name, value).unwrap();
    for name in ["max_age_days_asymmetric", "max_age_days_imported", "max_age_days_custom_key_store"] {
        set("kms-key-manual-rotation-overdue", name, Value::Integer(365));
    }
    set("kms-key-imported-material", "allowed", Value::Boolean(false));
    set("kms-encryption-context-not-required", "key_selector", list(&["DataClass=phi"]));
    set("iam-user-direct-policies", "exempt_name_prefixes", list(&["user-3"]));
    set("kms-key-enclave-measurements", "measurements", list(&["aa11"]));
    set("org-scp-kms-regions", "allowed_regions", list(&["us-east-1"]));
    parameters
});

fn verdicts_in(scope: &Scope<'_>) -> Verdicts {
    let mut verdicts = BTreeMap::new();
    for check in CHECKS {
        let scope = &Scope { values: SETTINGS.of(check), ..*scope };
        let mut record = |resource: &str, judged: Judged| {
            let name = (check.id, resource.to_owned());
            let before = verdicts.insert(name, judged.ok().map(|judgement| judgement.verdict));
            assert_eq!(before, None, "{} judged {resource} twice", check.id);
        };
        check.rules.iter().for_each(|rule| apply(*rule, scope, &mut record));
        // Where a list is not whole, the runner says so.
        if let Some(gap) = check.rules.iter().find_map(|rule| hole(*rule, scope)) {
            record("the list", Err(gap));
        }
    }
    verdicts
}

/// Why the resources that a rule is asked about are not known to be all.
fn hole(rule: Rule, scope: &Scope<'_>) -> Option<Gap> {
    let iam = &scope.account.iam;
    match rule {
        Rule::Root(_) | Rule::Organization(_) | Rule::Key(_) | Rule::Grant(_) => None,
        Rule::User(_) => iam.users.gap().cloned(),
        Rule::Group(_) => iam.groups.gap().cloned(),
        Rule::Role(_) => iam.roles.gap().cloned(),
        Rule::Principal(_) => iam.users.gap().or(iam.groups.gap()).or(iam.roles.gap()).cloned(),
        Rule::ManagedPolicy(_) => iam.policies.gap().cloned(),
        Rule::ServerCertificate(_) => iam.server_certificates.gap().cloned(),
        Rule::CustomKeyStore(_) => scope.account.regions.values().find_map(|kms| kms.custom_key_stores.gap().cloned()),
        Rule::ServiceControlPolicy(_) => hole_in_organization(scope, |it| &it.service_control_policies),
        Rule::ResourceControlPolicy(_) => hole_in_organization(scope, |it| &it.resource_control_policies),
    }
}

fn hole_in_organization(scope: &Scope<'_>, policies: fn(&Organization) -> &Listing<OrganizationPolicy>) -> Option<Gap> {
    match scope.organization {
        Ok(organization) => organization.as_ref().and_then(|it| policies(it).gap().cloned()),
        Err(gap) => Some(gap.clone()),
    }
}

fn apply(rule: Rule, scope: &Scope<'_>, record: &mut impl FnMut(&str, Judged)) {
    let Account { iam, regions, .. } = scope.account;
    let keys = || regions.values().flat_map(|kms| kms.keys.known());
    match rule {
        Rule::Root(rule) => record("root", rule(scope)),
        Rule::User(rule) => iam.users.known().iter().for_each(|it| record(&it.arn, rule(it, scope))),
        Rule::Group(rule) => iam.groups.known().iter().for_each(|it| record(&it.arn, rule(it, scope))),
        Rule::Role(rule) => iam.roles.known().iter().for_each(|it| record(&it.arn, rule(it, scope))),
        Rule::ServerCertificate(rule) => {
            iam.server_certificates.known().iter().for_each(|it| record(&it.arn, rule(it, scope)));
        }
        Rule::Organization(rule) => match scope.organization {
            Ok(Some(organization)) => record("organization", rule(organization, scope)),
            Ok(None) => record("organization", Ok(Judgement::not_applicable("no organization"))),
            Err(gap) => record("organization", Err(gap.clone())),
        },
        Rule::Principal(rule) => {
            let users = iam.users.known().iter().map(Principal::User);
            let groups = iam.groups.known().iter().map(Principal::Group);
            let roles = iam.roles.known().iter().map(Principal::Role);
            users.chain(groups).chain(roles).for_each(|it| record(it.arn(), rule(it, scope)));
        }
        Rule::ServiceControlPolicy(rule) => organization_policies(scope, |it| &it.service_control_policies)
            .for_each(|(name, it)| record(&format!("scp {name}"), rule(it, scope))),
        Rule::ResourceControlPolicy(rule) => organization_policies(scope, |it| &it.resource_control_policies)
            .for_each(|(name, it)| record(&format!("rcp {name}"), rule(it, scope))),
        Rule::ManagedPolicy(rule) => {
            let own = iam.policies.known().iter().filter(|policy| !policy.is_aws_managed());
            own.for_each(|it| record(&it.arn, rule(it, scope)));
        }
        Rule::Key(rule) => keys().for_each(|it| record(&it.id, rule(it, scope))),
        Rule::CustomKeyStore(rule) => {
            let stores = regions.values().flat_map(|kms| kms.custom_key_stores.known());
            stores.for_each(|it| record(&it.id, rule(it, scope)));
        }
        Rule::Grant(rule) => keys().for_each(|key| {
            for grant in key.grants.known() {
                record(&format!("{} {}", key.id, grant.id), rule(grant, key, scope));
            }
        }),
    }
}

/// The policies of the organization, whichever account manages it.
fn organization_policies<'a>(
    scope: &Scope<'a>,
    policies: fn(&Organization) -> &Listing<OrganizationPolicy>,
) -> impl Iterator<Item = (String, &'a OrganizationPolicy)> {
    let organization = scope.organization.iter().flatten();
    organization.flat_map(move |it| policies(it).known()).map(|it| (it.id.clone(), it))
}

fn allow(action: &str, resource: &str) -> Document {
    statements(&format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#))
}

fn deny(action: &str, resource: &str) -> Document {
    statements(&format!(r#"{{"Effect": "Deny", "Action": "{action}", "Resource": "{resource}"}}"#))
}

/// Documents of every breadth that a check tells apart.
fn identity_documents() -> Vec<Document> {
    vec![
        allow("*", "*"),
        allow("kms:*", "*"),
        allow("kms:Decrypt", "*"),
        allow("kms:Decrypt", &key_arn()),
        allow("s3:GetObject", "*"),
        statements(&faulty("", &format!("arn:aws:kms:eu-central-1:{ACCOUNT}:alias/app"))),
        deny("iam:CreateAccessKey", &group().arn),
        deny("iam:DeleteGroup", &group().arn),
    ]
}

/// A statement with every fault that lint finds and a check judges.
fn faulty(principal: &str, resource: &str) -> String {
    format!(
        r#"{{"Effect": "Allow", {principal} "Action": ["kms:DeleteKey", "kms:ListKeys", "kms:Decrypt", "kms:CreateGrant"],
            "Resource": "{resource}", "Condition": {{
                "StringEquals": {{"kms:CallerAccount": "sandbox", "kms:GrantConstraintType": "EncryptionContextSubset"}},
                "BoolIfExists": {{"aws:MultiFactorAuthPresent": "true", "kms:Unheard": "true"}}
            }}}}"#
    )
}

/// An account with good and bad examples of everything the checks look at.
fn zoo(summary: &[(&str, i64)]) -> World {
    let place = SUMMARIES.iter().position(|it| *it == summary).unwrap_or_default();
    let mut world = guarded(place);
    let iam = &mut world.account.iam;
    iam.summary.as_mut().unwrap().map = summary.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    iam.users = Listing::complete(users());
    if place > 0 {
        let of_aws =
            |name: &str| AttachedPolicy { name: name.to_owned(), arn: format!("arn:aws:iam::aws:policy/{name}") };
        let held = ["AWSSupportAccess", "SecurityAudit"].map(of_aws);
        edit(&mut iam.users, |users| users[2].attached_policies.extend(held));
    }
    iam.credential_report = Ok(credential_report(place));
    account_facts(iam, place);
    let broad = || vec![inline("broad", allow("kms:*", "*"))];
    let empty = Group { arn: format!("{}-2", group().arn), name: "Empty".to_owned(), ..group() };
    iam.groups = Listing::complete(vec![Group { inline_policies: broad(), ..group() }, empty]);
    let of_aws = Role { inline_policies: broad(), ..role("/aws-service-role/x.amazonaws.com/") };
    let roles = [Role { inline_policies: broad(), ..role("/") }, of_aws].into_iter().chain(trusting_roles());
    iam.roles = Listing::complete(roles.collect());
    let attached = identity_documents().into_iter().map(managed);
    let unused = ManagedPolicy { attachment_count: Some(0), ..managed(allow("s3:GetObject", "*")) };
    let policies = attached.chain(identity_documents().into_iter().map(boundary)).chain([unused]).enumerate();
    let policies = policies.map(|(index, it)| ManagedPolicy { arn: format!("{}-{index}", it.arn), ..it });
    let of_aws = AWS_MANAGED.map(|(name, action)| ManagedPolicy {
        arn: format!("arn:aws:iam::aws:policy/{name}"),
        name: name.to_owned(),
        ..managed(allow(action, "*"))
    });
    iam.policies = Listing::complete(policies.chain(of_aws).collect());
    let named = |(index, it): (usize, Key)| {
        let id = format!("key-{index:02}");
        Key { arn: key_arn().replace(KEY_ID, &id), id, ..it }
    };
    let keys = keys().into_iter().enumerate().map(named);
    let alias = |id: &str| Alias { name: format!("alias/{id}"), target_key_id: Some(id.to_owned()) };
    let kms = Kms {
        keys: Listing::complete(keys.collect()),
        aliases: Listing::complete(vec![alias("key-00"), alias("key-02")]),
        custom_key_stores: Listing::complete(vec![key_store("cks-good", "CONNECTED"), key_store("cks-bad", "FAILED")]),
    };
    world.account.regions.insert("eu-central-1".to_owned(), kms);
    world
}

/// Policies of AWS that are attached to users, with what they allow.
const AWS_MANAGED: [(&str, &str); 5] = [
    ("SecurityAudit", "iam:List*"),
    ("AdministratorAccess", "*"),
    ("AmazonS3ReadOnlyAccess", "s3:Get*"),
    ("AWSCloudShellFullAccess", "cloudshell:*"),
    ("AWSSupportAccess", "support:*"),
];

/// Roles that trust whom they should and whom they should not.
fn trusting_roles() -> Vec<Role> {
    let trust = |principal: &str, condition: &str| {
        statements(&format!(
            r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {principal}{condition}}}"#
        ))
    };
    let source = r#", "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}"#;
    let named = |name: &str, trust_policy: Document| Role {
        arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        name: name.to_owned(),
        trust_policy,
        ..role("/")
    };
    let promoting = vec![inline("promoting", allow("iam:PutRolePolicy", "*"))];
    vec![
        Role { inline_policies: promoting, ..named("Open", trust(r#""*""#, "")) },
        named("Vendor", trust(&format!(r#"{{"AWS": "{STRANGER}"}}"#), "")),
        Role {
            inline_policies: vec![inline("reading", allow("s3:Get*", "*"))],
            ..named("VendorReader", trust(&format!(r#"{{"AWS": "{STRANGER}"}}"#), ""))
        },
        named("Config", trust(r#"{"Service": "config.amazonaws.com"}"#, "")),
        named("Scoped", trust(r#"{"Service": "config.amazonaws.com"}"#, source)),
        Role { last_used: Ok(None), ..named("Old", trust(&format!(r#"{{"AWS": "{SIBLING}"}}"#), "")) },
    ]
}

/// A credential report with good and bad rows.
fn credential_report(place: usize) -> CredentialReport {
    const OLD: &str = "2026-01-01T00:00:00+00:00";
    const NOW: &str = "2026-09-29T00:00:00+00:00";
    let mut all = report("Alice", &[]);
    let (used, active) = [(NOW, "false"), (OLD, "true"), ("no_information", "false"), ("N/A", "false")][place];
    let mut row = |name: &str, password: [&str; 3], key: [&str; 3]| {
        let cells = [
            ("user_creation_time", OLD),
            ("password_enabled", password[0]),
            ("mfa_active", password[1]),
            ("password_last_used", password[2]),
            ("password_last_changed", OLD),
            ("access_key_1_active", key[0]),
            ("access_key_1_last_used_date", key[1]),
            ("access_key_1_last_rotated", key[2]),
            ("access_key_2_active", "false"),
            ("access_key_2_last_used_date", "N/A"),
            ("access_key_2_last_rotated", "N/A"),
            ("cert_1_active", if name == "user-1" || used == OLD { "true" } else { "false" }),
            ("cert_2_active", "false"),
        ];
        all.rows.append(&mut report(name, &cells).rows);
    };
    row("user-0", ["true", "true", NOW], ["true", NOW, NOW]);
    row("user-1", ["true", "false", OLD], ["true", "N/A", OLD]);
    row("user-2", ["false", "false", "N/A"], ["false", "N/A", "N/A"]);
    row(ROOT, ["not_supported", "true", used], [active, "N/A", "N/A"]);
    all
}

/// What an account says of itself, good and bad.
fn account_facts(iam: &mut Iam, place: usize) {
    let strong = PasswordPolicy {
        minimum_length: Some(14),
        require_symbols: Some(true),
        require_numbers: Some(true),
        require_uppercase: Some(true),
        require_lowercase: Some(true),
        max_age_days: Some(90),
        reuse_prevention: Some(24),
        source: source("iam:GetAccountPasswordPolicy"),
    };
    iam.password_policy = Ok((place > 0).then_some(strong));
    let named = |name: &str, expiration| ServerCertificate { arn: name.to_owned(), ..certificate(expiration) };
    let certificates = [named("old", "2026-01-01T00:00:00Z"), named("new", "2027-01-01T00:00:00Z")];
    iam.server_certificates = Listing::complete(certificates.to_vec());
    let provider = || IdentityProvider { arn: "provider".to_owned(), source: source("iam:ListSAMLProviders") };
    iam.saml_providers = Listing::complete(if place > 1 { vec![provider()] } else { vec![] });
    iam.openid_connect_providers = Listing::complete(vec![provider()]);
    let contact = |of: &str| AlternateContact {
        email_address: Some(format!("{of}@example.com")),
        source: source("account:GetAlternateContact"),
    };
    iam.security_contact = Ok((place > 0).then(|| contact("security")));
    iam.billing_contact = Ok(Some(contact("billing")));
    iam.operations_contact = Ok(Some(contact("operations")));
    if place > 0 {
        let features = iam.organizations_features.as_mut().unwrap();
        features.enabled.push("RootCredentialsManagement".to_owned());
    }
    let root = VirtualMfaDevice {
        serial_number: format!("arn:aws:iam::{ACCOUNT}:mfa/root-account-mfa-device"),
        user_arn: None,
        source: source("iam:ListVirtualMFADevices"),
    };
    iam.virtual_mfa_devices = Listing::complete(if place == 0 { vec![root] } else { vec![] });
}

/// An account in organizations with guardrails of every kind, and outside any.
fn guarded(place: usize) -> World {
    let deny =
        |action: &str, rest: &str| format!(r#"{{"Effect": "Deny", "Action": "{action}", "Resource": "*"{rest}}}"#);
    let outside = format!(
        r#", "Principal": "*", "Condition": {{"StringNotEquals": {{"aws:PrincipalOrgID": "{ORGANIZATION}"}}}}"#
    );
    let mut world = match place {
        0 => member(&[], &[]),
        1 => {
            let faulty = |principal| faulty(principal, "*").replace("Allow", "Deny");
            member(&[&deny("kms:ScheduleKeyDeletion", ""), &faulty("")], &[&faulty(r#""Principal": "*","#)])
        }
        2 => member(&[&deny("kms:*", "")], &[&deny("kms:*", &outside)]),

        _ => World { organization: Ok(None), ..World::new() },
    };
    if place > 0 {
        for organization in world.organization.iter_mut().flatten() {
            organization.delegated_administrators = Listing::complete(vec![DelegatedAdministrator {
                account_id: SIBLING.to_owned(),
                services: Listing::complete(vec![]),
                source: source("organizations:ListDelegatedAdministrators"),
            }]);
        }
    }
    world
}

fn users() -> Vec<User> {
    let young = || access_key("Active", "2026-09-01T00:00:00Z");
    let old = || access_key("Active", "2026-01-01T00:00:00Z");
    let off = || AccessKey { status: "Inactive".to_owned(), ..old() };
    let keys = [vec![young()], vec![young(), old()], vec![off(), young()], vec![off()], vec![]];
    let mut documents = identity_documents().into_iter().map(|it| inline("policy", it));
    let policies: [Vec<InlinePolicy>; 5] = [
        documents.by_ref().take(1).collect(),
        documents.by_ref().take(1).collect(),
        documents.by_ref().take(3).collect(),
        vec![inline("narrow", allow("kms:Decrypt", &key_arn()))],
        vec![],
    ];
    let users = keys.into_iter().zip(policies).enumerate();
    let attached = |name: &str| {
        let arn = format!("arn:aws:iam::aws:policy/{name}");
        vec![AttachedPolicy { name: name.to_owned(), arn }]
    };
    let users = users.map(|(index, (access_keys, inline_policies))| User {
        attached_policies: match index {
            0 => attached("AWSCloudShellFullAccess"),
            3 => attached("AdministratorAccess"),
            1 => attached("AmazonS3ReadOnlyAccess"),
            _ => vec![],
        },
        groups: if index == 0 { vec![group().name] } else { vec![] },
        tags: if index == 0 { BTreeMap::from([("Owner".to_owned(), String::new())]) } else { BTreeMap::new() },
        mfa_devices: Listing::complete(match index {
            0 => vec![MfaDevice { serial_number: "device".to_owned(), source: source("iam:ListMFADevices") }],
            _ => vec![],
        }),
        service_specific_credentials: Listing::complete(if index == 1 { vec![api_key()] } else { vec![] }),
        name: format!("user-{index}"),
        arn: format!("arn:aws:iam::{ACCOUNT}:user/user-{index}"),
        access_keys: Listing::complete(access_keys),
        inline_policies,
        ..user()
    });
    users.collect()
}

fn api_key() -> ServiceSpecificCredential {
    ServiceSpecificCredential {
        id: "ACCAEXAMPLEEXAMPLE123".to_owned(),
        service: "bedrock.amazonaws.com".to_owned(),
        status: "Active".to_owned(),
        expiration_date: None,
        source: source("iam:ListServiceSpecificCredentials"),
    }
}

fn keys() -> Vec<Key> {
    let family = |is_replica| Some(MultiRegion { is_replica, primary_arn: key_arn(), replica_arns: Vec::new() });
    type Change = Box<dyn Fn(&mut KeyMetadata)>;
    let mut metadata: Vec<Change> = vec![Box::new(|_| {})];
    for state in ["Disabled", "PendingDeletion", "PendingReplicaDeletion", "PendingImport"] {
        metadata.push(Box::new(move |it| it.key_state = state.to_owned()));
    }
    metadata.push(Box::new(|it| it.key_spec = "RSA_2048".to_owned()));
    metadata.push(Box::new(|it| it.origin = "EXTERNAL".to_owned()));
    metadata.push(Box::new(move |it| it.multi_region = family(true)));
    metadata.push(Box::new(move |it| it.multi_region = family(false)));
    metadata.push(Box::new(|it| it.key_manager = crate::model::KeyManager::Aws));
    let everyone = r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
    let deny = everyone.replace("Allow", "Deny");
    let open = |texts: &[&str]| texts.iter().map(|text| key_policy(statements(text))).collect::<Vec<KeyPolicy>>();
    let mut keys = Vec::new();
    for change in metadata {
        for rotates in [true, false] {
            let mut key = key_with(&change);
            key.rotation.as_mut().unwrap().enabled = rotates;
            if !rotates {
                key.policies = Listing::complete(open(&[everyone]));
            }
            keys.push(Key { grants: Listing::complete(grants()), ..key });
        }
    }
    keys.push(Key { policies: Listing::complete(open(&[everyone, &deny])), ..key() });
    keys.extend(key_policies().iter().map(|text| Key {
        policies: Listing::complete(open(&[text])),
        tags: Ok(tags(&[("DataClass", "phi"), ("keyproof:enclave-key", "true")])),
        ..key()
    }));
    keys.iter_mut().enumerate().for_each(|(index, key)| detail(index, key));
    keys
}

fn tags(tags: &[(&str, &str)]) -> Tags {
    tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn key_store(id: &str, state: &str) -> CustomKeyStore {
    CustomKeyStore {
        id: id.to_owned(),
        name: id.to_owned(),
        connection_state: Some(state.to_owned()),
        connection_error_code: None,
        source: source("kms:DescribeCustomKeyStores"),
    }
}

/// What tells the keys apart beside state, origin, spec and policy.
fn detail(index: usize, key: &mut Key) {
    let time = |day: &str| Some(format!("{day}T00:00:00Z").parse().unwrap());
    let metadata = key.metadata.as_mut().unwrap();
    metadata.creation_date = time("2020-01-01");
    key.rotation.as_mut().unwrap().period_in_days = Some(365);
    match index {
        0 => key.tags = Ok(tags(&[("DataClass", "phi")])),
        1 | 20 => {
            metadata.origin = "AWS_CLOUDHSM".to_owned();
            metadata.custom_key_store_id = Some(if index == 1 { "cks-bad" } else { "cks-good" }.to_owned());
        }
        8 | 9 => metadata.origin = "EXTERNAL".to_owned(),
        10 => metadata.creation_date = time("2026-01-01"),
        11 => metadata.key_spec = "SM2".to_owned(),
        12 => metadata.expiration_model = Some("KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned()),
        13 => {
            metadata.expiration_model = Some("KEY_MATERIAL_EXPIRES".to_owned());
            metadata.valid_to = time("2026-10-01");
        }
        16 => {
            key.rotation.as_mut().unwrap().period_in_days = Some(400);
            key.last_usage.as_mut().unwrap().last = None;
        }
        _ => {}
    }
}

/// Key policies with what the checks of them look for.
fn key_policies() -> [String; 8] {
    let allow =
        |principal: &str| format!(r#"{{"Effect": "Allow", {principal}, "Action": "kms:Decrypt", "Resource": "*"}}"#);
    let own = format!(r#""Principal": {{"AWS": "{}"}}"#, role("/").arn);
    let when = |condition: &str| allow(&own).replace(r#""*"}"#, &format!(r#""*", "Condition": {{{condition}}}}}"#));
    [
        allow(&format!(r#""Principal": {{"AWS": "arn:aws:iam::{ACCOUNT}:role/Gone"}}"#)),
        allow(&format!(r#""Principal": {{"AWS": "arn:aws:iam::{STRANGER}:role/R"}}"#)),
        allow(&format!(r#""NotPrincipal": {{"AWS": "arn:aws:iam::{ACCOUNT}:role/R"}}"#)),
        allow(r#""Principal": {"Service": "logs.amazonaws.com"}"#),
        faulty(&format!(r#""Principal": {{"AWS": "arn:aws:iam::{ACCOUNT}:role/*"}},"#), "*"),
        when(r#""StringEquals": {"kms:EncryptionContext:tenant": "a"}"#),
        when(r#""StringEqualsIgnoreCase": {"kms:RecipientAttestation:PCR0": "aa11"}"#),
        when(r#""StringEqualsIgnoreCase": {"kms:RecipientAttestation:PCR8": "bb22"}"#),
    ]
}

fn grants() -> Vec<Grant> {
    let grantees = [
        format!("arn:aws:iam::{ACCOUNT}:role/R"),
        format!("arn:aws:iam::{SIBLING}:role/R"),
        format!("arn:aws:iam::{STRANGER}:role/R"),
        "rds.amazonaws.com".to_owned(),
        "AROAEXAMPLEEXAMPLE123".to_owned(),
    ];
    let bound = |mut grant: Grant| {
        grant.constraints.encryption_context_equals = Some(BTreeMap::from([("a".to_owned(), "b".to_owned())]));
        grant
    };
    let passed_on = |grant: Grant| Grant { operations: vec!["Decrypt".to_owned(), "CreateGrant".to_owned()], ..grant };
    let retired = Grant { retiring_principal: Some(role("/").arn), ..grant(&role("/").arn) };
    let more = [
        passed_on(grant(&role("/").arn)),
        bound(passed_on(grant("rds.amazonaws.com"))),
        Grant { operations: vec!["DescribeKey".to_owned()], ..retired },
        Grant { creation_date: Some("2024-03-01T00:00:00Z".parse().unwrap()), ..grant(&role("/").arn) },
        grant("rds.amazonaws.com"),
    ];
    let grants = grantees.iter().map(|grantee| grant(grantee)).chain(more).enumerate();
    grants.map(|(index, it)| Grant { id: format!("grant-{index}"), ..it }).collect()
}

fn edit<T: Clone>(listing: &mut Listing<T>, change: impl FnOnce(&mut Vec<T>)) {
    let mut items = listing.known().to_vec();
    change(&mut items);
    *listing = match listing.gap() {
        None => Listing::complete(items),
        Some(gap) => Listing::partial(items, gap.clone()),
    };
}

/// Cuts a list short, as a page that AWS refused does.
fn cut<T: Clone>(listing: &mut Listing<T>, gap: &Gap) {
    let items = listing.known().split_last().map_or(&[][..], |(_, rest)| rest).to_vec();
    *listing = Listing::partial(items, gap.clone());
}

fn on_user(index: usize, change: impl Fn(&mut User) + 'static) -> Removal {
    Box::new(move |world| {
        edit(&mut world.account.iam.users, |users| users.get_mut(index).into_iter().for_each(&change))
    })
}

fn on_key(index: usize, change: impl Fn(&mut Key) + 'static) -> Removal {
    Box::new(move |world| {
        for kms in world.account.regions.values_mut() {
            edit(&mut kms.keys, |keys| keys.get_mut(index).into_iter().for_each(&change));
        }
    })
}

fn on_region(change: impl Fn(&mut Kms) + 'static) -> Removal {
    Box::new(move |world| world.account.regions.values_mut().for_each(&change))
}

/// Every fact of the zoo that can be missing, one removal each.
fn removals() -> Vec<Removal> {
    let of_keys = (0..keys().len()).flat_map(removals_of_key);
    removals_of_accounts().into_iter().chain(removals_beside_keys()).chain(of_keys).collect()
}

fn removals_of_accounts() -> Vec<Removal> {
    let mut removals: Vec<Removal> = vec![
        Box::new(|world| world.organization = Err(denied("organizations:DescribeOrganization"))),
        Box::new(|world| world.account.iam.summary = Err(denied("iam:GetAccountSummary"))),
        Box::new(|world| world.account.iam.credential_report = Err(denied("iam:GetCredentialReport"))),
        Box::new(|world| {
            let organization = world.organization.iter_mut().flatten();
            organization.for_each(|it| it.accounts_gap = Some(denied("organizations:ListAccounts")));
        }),
    ];
    for (index, api) in ["organizations:ListPolicies", "organizations:DescribePolicy", "organizations:ListRoots"]
        .into_iter()
        .enumerate()
    {
        removals.push(Box::new(move |world| {
            for organization in world.organization.iter_mut().flatten() {
                let Organization { roots, service_control_policies, resource_control_policies, .. } = organization;
                for policies in [service_control_policies, resource_control_policies] {
                    match index {
                        0 => *policies = Listing::missing(denied(api)),
                        1 => edit(policies, |it| it.iter_mut().for_each(|policy| policy.document = Err(denied(api)))),
                        _ => {}
                    }
                }
                if index == 2 {
                    *roots = Listing::missing(denied(api));
                }
            }
        }));
    }
    removals.extend(removals_of_account_facts());
    for entry in ["AccountMFAEnabled", "AccountPasswordPresent", "AccountAccessKeysPresent"] {
        removals.push(Box::new(move |world| {
            world.account.iam.summary.iter_mut().for_each(|summary| _ = summary.map.remove(entry));
        }));
    }
    for row in ["user-0", "user-1", "user-2", ROOT] {
        removals.push(Box::new(move |world| {
            world.account.iam.credential_report.iter_mut().for_each(|report| _ = report.rows.remove(row));
        }));
    }
    removals
}

fn removals_of_account_facts() -> Vec<Removal> {
    vec![
        Box::new(|world| world.account.iam.password_policy = Err(denied("iam:GetAccountPasswordPolicy"))),
        Box::new(|world| {
            for policy in world.account.iam.password_policy.iter_mut().flatten() {
                policy.minimum_length = None;
                policy.reuse_prevention = None;
            }
        }),
        Box::new(|world| world.account.iam.security_contact = Err(denied("account:GetAlternateContact"))),
        Box::new(|world| world.account.iam.billing_contact = Err(denied("account:GetAlternateContact"))),
        Box::new(|world| world.account.iam.operations_contact = Err(denied("account:GetAlternateContact"))),
        Box::new(|world| {
            let is_unused = |it: &&mut ManagedPolicy| it.permissions_boundary_usage_count == Some(0);
            let uncounted = |it: &mut ManagedPolicy| it.attachment_count = None;
            edit(&mut world.account.iam.policies, |it| it.iter_mut().filter(is_unused).for_each(uncounted));
        }),
        Box::new(|world| {
            for report in world.account.iam.credential_report.iter_mut() {
                report.rows.values_mut().for_each(|row| *row = row.without("cert_2_active"));
            }
        }),
        Box::new(|world| world.account.iam.organizations_features = Err(denied("iam:ListOrganizationsFeatures"))),
        Box::new(|world| cut(&mut world.account.iam.server_certificates, &denied("iam:ListServerCertificates"))),
        Box::new(|world| {
            let gap = denied("iam:ListServerCertificates");
            let undated = |it: &mut ServerCertificate| it.expiration = Err(gap.clone());
            edit(&mut world.account.iam.server_certificates, |it| it.iter_mut().for_each(undated));
        }),
        Box::new(|world| cut(&mut world.account.iam.saml_providers, &denied("iam:ListSAMLProviders"))),
        Box::new(|world| {
            cut(&mut world.account.iam.openid_connect_providers, &denied("iam:ListOpenIDConnectProviders"))
        }),
        Box::new(|world| cut(&mut world.account.iam.virtual_mfa_devices, &denied("iam:ListVirtualMFADevices"))),
        Box::new(|world| {
            for organization in world.organization.iter_mut().flatten() {
                cut(&mut organization.delegated_administrators, &denied("organizations:ListDelegatedAdministrators"));
            }
        }),
        Box::new(|world| {
            for organization in world.organization.iter_mut().flatten() {
                organization.resource_policy = Err(denied("organizations:DescribeResourcePolicy"));
            }
        }),
    ]
}

fn removals_beside_keys() -> Vec<Removal> {
    let mut removals: Vec<Removal> = Vec::new();
    let details = || denied("iam:GetAccountAuthorizationDetails");
    for index in 0..users().len() {
        let gap = || denied("iam:ListAccessKeys");
        removals.push(on_user(index, move |user| user.access_keys = Listing::missing(gap())));
        removals.push(on_user(index, move |user| cut(&mut user.access_keys, &gap())));
        removals.push(on_user(index, move |user| {
            edit(&mut user.access_keys, |keys| keys.iter_mut().for_each(|key| key.create_date = Err(gap())));
        }));
        removals.push(on_user(index, |user| {
            cut(&mut user.service_specific_credentials, &denied("iam:ListServiceSpecificCredentials"));
        }));
        removals.push(on_user(index, |user| cut(&mut user.mfa_devices, &denied("iam:ListMFADevices"))));
        for policy in 0..3 {
            removals.push(on_user(index, move |user| {
                user.inline_policies.get_mut(policy).into_iter().for_each(|it| it.document = Err(details()));
            }));
        }
    }
    removals.push(Box::new(move |world| {
        edit(&mut world.account.iam.groups, |groups| {
            groups.iter_mut().flat_map(|it| &mut it.inline_policies).for_each(|it| it.document = Err(details()));
        });
        edit(&mut world.account.iam.roles, |roles| {
            roles.iter_mut().flat_map(|it| &mut it.inline_policies).for_each(|it| it.document = Err(details()));
        });
    }));
    removals.push(Box::new(move |world| cut(&mut world.account.iam.users, &details())));
    removals.push(Box::new(move |world| cut(&mut world.account.iam.roles, &details())));
    removals.push(Box::new(move |world| world.account.iam.groups = Listing::missing(details())));
    removals.push(Box::new(move |world| world.account.iam.policies = Listing::missing(details())));
    type Change = fn(&mut Role, Gap);
    let changes: [Change; 3] = [
        |role, gap| role.trust_policy = Err(gap),
        |role, gap| role.last_used = Err(gap),
        |role, _| role.create_date = None,
    ];
    for change in changes {
        removals.push(Box::new(move |world| {
            edit(&mut world.account.iam.roles, |roles| roles.iter_mut().for_each(|role| change(role, details())));
        }));
    }
    for index in 0..=2 * identity_documents().len() + AWS_MANAGED.len() {
        removals.push(Box::new(move |world| {
            edit(&mut world.account.iam.policies, |policies| {
                policies.get_mut(index).into_iter().for_each(|policy| policy.document = Err(details()));
            });
        }));
    }
    removals.push(on_region(|kms| kms.aliases = Listing::missing(denied("kms:ListAliases"))));
    removals.push(on_region(|kms| cut(&mut kms.aliases, &denied("kms:ListAliases"))));
    let stores = || denied("kms:DescribeCustomKeyStores");
    removals.push(on_region(move |kms| kms.custom_key_stores = Listing::missing(stores())));
    removals.push(on_region(move |kms| cut(&mut kms.custom_key_stores, &stores())));
    removals.push(on_region(|kms| {
        edit(&mut kms.custom_key_stores, |stores| stores.iter_mut().for_each(|it| it.connection_state = None));
    }));
    removals
}

/// The facts of one key, by its place.
fn removals_of_key(index: usize) -> Vec<Removal> {
    let mut removals: Vec<Removal> = vec![
        on_key(index, |key| key.metadata = Err(denied("kms:DescribeKey"))),
        on_key(index, |key| key.rotation = Err(denied("kms:GetKeyRotationStatus"))),
        on_key(index, |key| key.policies = Listing::missing(denied("kms:ListKeyPolicies"))),
        on_key(index, |key| cut(&mut key.policies, &denied("kms:ListKeyPolicies"))),
        on_key(index, |key| cut(&mut key.grants, &denied("kms:ListGrants"))),
        on_key(index, |key| key.tags = Err(denied("kms:ListResourceTags"))),
        on_key(index, |key| key.last_usage = Err(denied("kms:GetKeyLastUsage"))),
        on_key(index, |key| key.last_usage.iter_mut().for_each(|it| it.tracking_start = None)),
        on_key(index, |key| key.rotations = Listing::missing(denied("kms:ListKeyRotations"))),
        on_key(index, |key| key.rotation.iter_mut().for_each(|it| it.period_in_days = None)),
        on_key(index, |key| {
            key.metadata.iter_mut().for_each(|it| {
                it.creation_date = None;
                it.expiration_model = None;
                it.custom_key_store_id = None;
            });
        }),
        on_key(index, |key| key.metadata.iter_mut().for_each(|it| it.valid_to = None)),
        on_key(index, |key| {
            edit(&mut key.grants, |grants| grants.iter_mut().for_each(|grant| grant.grantee_principal = None));
        }),
        on_key(index, |key| {
            edit(&mut key.grants, |grants| grants.iter_mut().for_each(|grant| grant.creation_date = None));
        }),
    ];
    for policy in 0..2 {
        removals.push(on_key(index, move |key| {
            let refused = |it: &mut KeyPolicy| it.document = Err(denied("kms:GetKeyPolicy"));
            edit(&mut key.policies, |policies| policies.get_mut(policy).into_iter().for_each(refused));
        }));
    }
    removals
}

const SUMMARIES: [&[(&str, i64)]; 4] = [
    &[("AccountMFAEnabled", 1), ("AccountPasswordPresent", 1), ("AccountAccessKeysPresent", 1)],
    &[("AccountMFAEnabled", 0), ("AccountPasswordPresent", 1), ("AccountAccessKeysPresent", 0)],
    &[("AccountMFAEnabled", 0), ("AccountPasswordPresent", 0), ("AccountAccessKeysPresent", 0)],
    &[("AccountMFAEnabled", 1), ("AccountPasswordPresent", 0), ("AccountAccessKeysPresent", 0)],
];

/// The verdicts that are PASS once the facts are removed and were not before.
fn new_passes<'r>(zoo: &World, before: &Verdicts, removed: impl IntoIterator<Item = &'r Removal>) -> Vec<String> {
    let mut world = zoo.clone();
    removed.into_iter().for_each(|removal| removal(&mut world));
    passes_not_in(before, verdicts(&world)).collect()
}

fn passes_not_in(before: &Verdicts, after: Verdicts) -> impl Iterator<Item = String> {
    let passes = after.into_iter().filter(|(_, verdict)| *verdict == Some(Verdict::Pass));
    let new = passes.filter(|(name, _)| before.get(name) != Some(&Some(Verdict::Pass)));
    new.map(|((check, resource), _)| format!("{check} {resource}"))
}

/// Keys of which one is open to everyone, one to the account, one to other accounts, one in certain requests alone.
const SOME_KEYS: [usize; 4] = [0, 1, 22, 26];

/// The world with the keys of these places alone.
fn with_keys_at(world: &World, places: &[usize]) -> World {
    let mut world = world.clone();
    for kms in world.account.regions.values_mut() {
        let known = kms.keys.known().to_vec();
        kms.keys = Listing::complete(places.iter().filter_map(|place| known.get(*place).cloned()).collect());
    }
    world
}

/// A world in which AWS does not document what decides, or facts do not reach far enough.
fn doubtful() -> World {
    let mut world = member(&[], &[]);
    let iam = &mut world.account.iam;
    let short = format!("{}, {}", text("Allow", "kms:*", "*"), text("Deny", "kms:*", "arn:aws:kms:*:key/*"));
    let of_aws = AttachedPolicy { name: "Doubtful".to_owned(), arn: "arn:aws:iam::aws:policy/Doubtful".to_owned() };
    let policies = doubtful_statements(&short);
    let managed = policies.iter().enumerate().map(|(index, text)| {
        let policy = managed(statements(text));
        ManagedPolicy { arn: format!("{}-{index}", policy.arn), ..policy }
    });
    let attached = ManagedPolicy { arn: of_aws.arn.clone(), ..super::fixtures::managed(statements(&short)) };
    iam.policies = Listing::complete(managed.chain([attached]).collect());
    let users = policies.iter().enumerate().map(|(index, text)| User {
        name: format!("user-{index}"),
        arn: format!("arn:aws:iam::{ACCOUNT}:user/user-{index}"),
        inline_policies: vec![inline("own", statements(text))],
        attached_policies: if index == 0 { vec![of_aws.clone()] } else { vec![] },
        ..user()
    });
    iam.users = Listing::complete(users.collect());
    let trusting = [
        format!(
            r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": "{STRANGER}"}}}},
            {{"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*",
              "Condition": {{"StringNotEquals": {{"sts:ExternalId": "b0c7"}}}}}}"#
        ),
        r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "config.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}}"#
            .to_owned(),
    ];
    let roles = trusting.iter().enumerate().map(|(index, trust)| Role {
        name: format!("role-{index}"),
        arn: format!("arn:aws:iam::{ACCOUNT}:role/role-{index}"),
        trust_policy: statements(trust),
        inline_policies: vec![inline("own", statements(&text("Allow", "s*3:GetObject", "*")))],
        ..role("/")
    });
    iam.roles = Listing::complete(roles.collect());
    let keys = doubtful_keys().into_iter().enumerate().map(|(index, key)| {
        let id = format!("key-{index:02}");
        Key { arn: key_arn().replace(KEY_ID, &id), id, ..key }
    });
    world.with_keys(keys.collect())
}

fn text(effect: &str, action: &str, resource: &str) -> String {
    format!(r#"{{"Effect": "{effect}", "Action": "{action}", "Resource": "{resource}"}}"#)
}

/// Identity policies of which AWS does not document what they allow, or of which it takes too long to tell.
fn doubtful_statements(short: &str) -> Vec<String> {
    let list = |items: &mut dyn Iterator<Item = String>| format!("[{}]", items.collect::<Vec<_>>().join(","));
    let letters = list(&mut ('a'..='z').chain('0'..='9').chain(['-']).map(|it| format!("\"{it}*\"")));
    let ladders = list(&mut ('a'..='z').map(|it| format!("\"*{}*\"", format!("{it}*").repeat(30))));
    let when = |action: &str, test: &str| {
        text("Allow", action, "*").replace(r#""*"}"#, &format!(r#""*", "Condition": {{"StringEquals": {{{test}}}}}}}"#))
    };
    vec![
        format!(r#"{{"Effect": "Allow", "Action": {letters}, "Resource": "*"}}"#),
        text("Allow", "aws-*place:Subscribe", "*"),
        text("Allow", "s*:AssumeRole", "*"),
        text("Allow", "i*m:CreateAccessKey", "*"),
        short.to_owned(),
        format!(r#"{{"Effect": "Allow", "Action": "cloudtrail:*", "Resource": {ladders}}}"#),
        text("Deny", "newservice:DoIt", "*"),
        when("kms:Decrypt", r#""newservice:Colour": "red""#),
        when("ec2:RunInstances", r#""kms:ViaService": "s3.eu-west-1.amazonaws.com""#),
    ]
}

/// Keys with policies that cannot be understood to the end, and one of which use is not tracked long enough.
fn doubtful_keys() -> Vec<Key> {
    let allow = |principal: &str, action: &str, rest: &str| {
        format!(r#"{{"Effect": "Allow", {principal}, "Action": "{action}", "Resource": "*"{rest}}}"#)
    };
    let own = format!(r#""Principal": {{"AWS": "{}"}}"#, role("/").arn);
    let root = format!(r#""Principal": {{"AWS": "{ACCOUNT}"}}"#);
    let unheard = r#", "Condition": {"StringEqualsSometimes": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#;
    let unresolved = |text: String| {
        text.replace(r#""Resource": "*""#, r#""Resource": "arn:aws:kms:*:*:key/${aws:PrincipalTag/key}""#)
    };
    let policies = [
        allow(&own, "kms:CreateGrant", r#", "Condition": {"BoolIfExists": {"kms:GrantIsForAWSResource": "true"}}"#),
        allow(r#""Principal": "*""#, "kms:Decrypt", unheard),
        allow(&root, "kms:*", unheard),
        allow(
            r#""Principal": {"Service": "logs.amazonaws.com"}"#,
            "kms:Decrypt",
            r#", "Condition": {"StringEquals": {"aws:SourceAccount": "${aws:ResourceAccount}"}}"#,
        ),
        unresolved(allow(&own, "kms:*", "")),
        unresolved(allow(&own.replace("Principal", "NotPrincipal"), "kms:Decrypt", "")),
        allow(&own, "newservice:DoIt", ""),
    ];
    let of = |text: &String| Key { policies: Listing::complete(vec![key_policy(statements(text))]), ..key() };
    let mut idle = key_with(|it| it.creation_date = Some("2020-01-01T00:00:00Z".parse().unwrap()));
    let usage = idle.last_usage.as_mut().unwrap();
    (usage.last, usage.tracking_start) = (None, Some("2026-09-01T00:00:00Z".parse().unwrap()));
    policies.iter().map(of).chain([idle]).collect()
}

/// What every check says of every world once each fact is taken away, one at a time.
struct Removed {
    /// The statuses that each check gives a resource.
    statuses: BTreeMap<&'static str, BTreeSet<Status>>,
    /// Verdicts that turned into a pass.
    new_passes: Vec<String>,
}

static REMOVED: LazyLock<Removed> = LazyLock::new(|| {
    let mut removed = Removed { statuses: BTreeMap::new(), new_passes: vec![] };
    SUMMARIES.iter().for_each(|summary| removed.take(&verdicts(&zoo(summary))));
    removed.take(&verdicts(&doubtful()));
    for (place, (zoo, removals)) in small_worlds().iter().enumerate() {
        let before = verdicts(zoo);
        for (index, removal) in removals.iter().enumerate() {
            let mut world = zoo.clone();
            removal(&mut world);
            let after = verdicts(&world);
            removed.take(&after);
            let passes = passes_not_in(&before, after);
            removed.new_passes.extend(passes.map(|name| format!("world {place}, removal {index}: {name}")));
        }
    }
    removed
});

impl Removed {
    fn take(&mut self, verdicts: &Verdicts) {
        for ((check, _), verdict) in verdicts {
            self.statuses.entry(check).or_default().insert(verdict.map_or(Status::Error, Status::from));
        }
    }
}

#[test]
fn removing_one_fact_never_turns_a_verdict_into_a_pass() {
    assert_eq!(REMOVED.new_passes, [""; 0]);
}

/// Worlds small enough to be judged often, with the facts that can be missing in them. Keys are many and judged one by one: each is
/// enough of a world for its own facts.
fn small_worlds() -> Vec<(World, Vec<Removal>)> {
    let all = SUMMARIES.map(zoo);
    let of_accounts = all.iter().map(|zoo| (with_keys_at(zoo, &SOME_KEYS), removals_of_accounts()));
    let beside_keys = (with_keys_at(&all[0], &SOME_KEYS), removals_beside_keys());
    let of_keys = (0..keys().len()).map(|index| (with_keys_at(&all[0], &[index]), removals_of_key(0)));
    of_accounts.chain([beside_keys]).chain(of_keys).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn removing_many_facts_never_turns_a_verdict_into_a_pass(
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 2..40),
        summary in 0..SUMMARIES.len(),
    ) {
        let zoo = zoo(SUMMARIES[summary]);
        let removals = removals();
        let removed = chosen.iter().map(|index| index.get(&removals));
        prop_assert_eq!(new_passes(&zoo, &verdicts(&zoo), removed), [""; 0]);
    }
}

#[test]
fn each_check_gives_the_statuses_that_it_declares_and_no_other() {
    let seen = &REMOVED.statuses;
    let mut wrong = Vec::new();
    for check in CHECKS {
        let declared: BTreeSet<Status> = check.statuses.iter().copied().collect();
        if seen[check.id] != declared {
            wrong.push(format!("{}: declares {declared:?}, gives {:?}", check.id, seen[check.id]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_check_declares_agrees_with_the_rest_of_it() {
    for check in CHECKS {
        let can = |status| check.statuses.contains(&status);
        let is_sorted = |all: &[Status]| {
            all.windows(2)
                .all(|pair| ORDER.iter().position(|it| *it == pair[0]) < ORDER.iter().position(|it| *it == pair[1]))
        };
        assert!(is_sorted(check.statuses), "{}", check.id);
        assert_eq!(can(Status::Error), !check.reads.is_empty(), "{}", check.id);
        if can(Status::NotApplicable) {
            assert_ne!(check.exemptions, "None.", "{}", check.id);
        }
        for (status, reason) in check.not_shown {
            assert!([Status::Pass, Status::Fail].contains(status) && can(*status), "{}", check.id);
            assert!(reason.len() > 10 && !reason.ends_with('.'), "{}", check.id);
        }
    }
}

/// The order in which a check declares its statuses.
const ORDER: [Status; 6] =
    [Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Manual, Status::Error];

#[test]
fn ids_are_unique_and_name_the_file() {
    let ids: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CHECKS.len());
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let no_checks = [
        "mod.rs",
        "administrators.rs",
        "all_keys.rs",
        "broad.rs",
        "credentials.rs",
        "documents.rs",
        "elsewhere.rs",
        "escalations.rs",
        "fixtures.rs",
        "grants.rs",
        "guardrails.rs",
        "holders.rs",
        "identity.rs",
        "key_policy.rs",
        "key_state.rs",
        "laws.rs",
        "lint.rs",
        "parameters.rs",
        "peers.rs",
        "recipients.rs",
        "selected_keys.rs",
        "sources.rs",
        "trust.rs",
    ];
    let files = files.filter(|file| !no_checks.contains(&file.as_str()));
    let named: BTreeSet<String> = files.map(|file| file.trim_end_matches(".rs").replace('_', "-")).collect();
    assert_eq!(named.iter().map(String::as_str).collect::<BTreeSet<_>>(), ids);
    assert!(ids.iter().all(|id| super::find(id).is_some()));
}

fn texts(check: &Check) -> Vec<&'static str> {
    let Check { rationale, rule, exemptions, blind_spots, remediation, .. } = check;
    let mut texts = vec![*rationale, *rule, *exemptions, *blind_spots, remediation.summary, remediation.risk];
    texts.extend(remediation.steps);
    texts
}

#[test]
fn texts_are_whole_sentences() {
    for check in CHECKS {
        for text in texts(check) {
            assert!(text.ends_with('.') && text.len() > 4, "{}: {text}", check.id);
            assert!(text.chars().next().unwrap().is_alphanumeric(), "{}: {text}", check.id);
            assert!(!text.contains("  ") && !text.contains('\n') && text.is_ascii(), "{}: {text}", check.id);
        }
        assert!(!check.title.ends_with('.') && (10..72).contains(&check.title.len()), "{}", check.id);
        assert!(!check.remediation.steps.is_empty() && !check.elsewhere.is_empty() && !check.rules.is_empty());
        assert!(!check.resource.is_empty(), "{}", check.id);
    }
}

#[test]
fn the_apis_read_are_named_as_permissions_are() {
    for check in CHECKS {
        assert_eq!(check.reads.is_empty(), check.statuses == [Status::Manual], "{}", check.id);
        for api in check.reads {
            let (service, operation) = api.split_once(':').unwrap();
            assert!(["account", "iam", "kms", "organizations"].contains(&service), "{}: {api}", check.id);
            assert!(operation.starts_with(char::is_uppercase), "{}: {api}", check.id);
        }
    }
}
