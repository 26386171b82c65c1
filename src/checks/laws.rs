//! What holds for every check: its texts are whole, it can say all it claims to, and the law of the house, that *removing a
//! fact never turns a verdict into PASS*.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::fixtures::*;
use super::{CHECKS, Check, Judged, Rule, Scope};
use crate::finding::Verdict;
use crate::model::{
    AccessKey, Account, Document, Gap, Grant, Group, InlinePolicy, Key, KeyMetadata, KeyPolicy, Kms, Listing,
    ManagedPolicy, MultiRegion, Organization, Principal, Role, User,
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

fn verdicts_in(scope: &Scope<'_>) -> Verdicts {
    let mut verdicts = BTreeMap::new();
    for check in CHECKS {
        let mut record = |resource: &str, judged: Judged| {
            let name = (check.id, resource.to_owned());
            let before = verdicts.insert(name, judged.ok().map(|judgement| judgement.verdict));
            assert_eq!(before, None, "{} judged {resource} twice", check.id);
        };
        check.rules.iter().for_each(|rule| apply(*rule, scope, &mut record));
    }
    verdicts
}

fn apply(rule: Rule, scope: &Scope<'_>, record: &mut impl FnMut(&str, Judged)) {
    let Account { iam, regions, .. } = scope.account;
    let keys = || regions.values().flat_map(|kms| kms.keys.known());
    match rule {
        Rule::Root(rule) => record("root", rule(scope)),
        Rule::User(rule) => iam.users.known().iter().for_each(|it| record(&it.arn, rule(it, scope))),
        Rule::Principal(rule) => {
            let users = iam.users.known().iter().map(Principal::User);
            let groups = iam.groups.known().iter().map(Principal::Group);
            let roles = iam.roles.known().iter().map(Principal::Role);
            users.chain(groups).chain(roles).for_each(|it| record(it.arn(), rule(it, scope)));
        }
        Rule::ManagedPolicy(rule) => iam.policies.known().iter().for_each(|it| record(&it.arn, rule(it, scope))),
        Rule::Key(rule) => keys().for_each(|it| record(&it.id, rule(it, scope))),
        Rule::Grant(rule) => keys().for_each(|key| {
            for grant in key.grants.known() {
                record(&format!("{} {}", key.id, grant.id), rule(grant, key, scope));
            }
        }),
    }
}

fn allow(action: &str, resource: &str) -> Document {
    statements(&format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#))
}

/// Documents of every breadth that a check tells apart.
fn identity_documents() -> Vec<Document> {
    vec![
        allow("*", "*"),
        allow("kms:*", "*"),
        allow("kms:Decrypt", "*"),
        allow("kms:Decrypt", &key_arn()),
        allow("s3:GetObject", "*"),
    ]
}

/// An account with good and bad examples of everything the checks look at.
fn zoo(summary: &[(&str, i64)]) -> World {
    let place = SUMMARIES.iter().position(|it| *it == summary).unwrap_or_default();
    let mut world = guarded(place);
    let iam = &mut world.account.iam;
    iam.summary.as_mut().unwrap().map = summary.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    iam.users = Listing::complete(users());
    iam.credential_report = Ok(report("Alice", &[("password_enabled", "true"), ("mfa_active", "false")]));
    let rows = &mut iam.credential_report.as_mut().unwrap().rows;
    for (name, password, mfa) in [("user-0", "true", "true"), ("user-1", "true", "false"), ("user-2", "false", "false")]
    {
        rows.append(&mut report(name, &[("password_enabled", password), ("mfa_active", mfa)]).rows);
    }
    let broad = || vec![inline("broad", allow("kms:*", "*"))];
    iam.groups = Listing::complete(vec![Group { inline_policies: broad(), ..group() }]);
    let of_aws = Role { inline_policies: broad(), ..role("/aws-service-role/x.amazonaws.com/") };
    iam.roles = Listing::complete(vec![Role { inline_policies: broad(), ..role("/") }, of_aws]);
    let attached = identity_documents().into_iter().map(managed);
    let policies = attached.chain(identity_documents().into_iter().map(boundary)).enumerate();
    let policies = policies.map(|(index, it)| ManagedPolicy { arn: format!("{}-{index}", it.arn), ..it });
    iam.policies = Listing::complete(policies.collect());
    let named = |(index, it): (usize, Key)| {
        let id = format!("key-{index:02}");
        Key { arn: key_arn().replace(KEY_ID, &id), id, ..it }
    };
    let keys = keys().into_iter().enumerate().map(named);
    let kms = Kms { keys: Listing::complete(keys.collect()), aliases: Listing::complete(Vec::new()) };
    world.account.regions.insert("eu-central-1".to_owned(), kms);
    world
}

/// An account in organizations with guardrails of every kind, and outside any.
fn guarded(place: usize) -> World {
    let deny =
        |action: &str, rest: &str| format!(r#"{{"Effect": "Deny", "Action": "{action}", "Resource": "*"{rest}}}"#);
    let outside = format!(
        r#", "Principal": "*", "Condition": {{"StringNotEquals": {{"aws:PrincipalOrgID": "{ORGANIZATION}"}}}}"#
    );
    match place {
        0 => member(&[], &[]),
        1 => member(&[&deny("kms:ScheduleKeyDeletion", "")], &[]),
        2 => member(&[&deny("kms:*", "")], &[&deny("kms:*", &outside)]),
        _ => World { organization: Ok(None), ..World::new() },
    }
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
    let users = users.map(|(index, (access_keys, inline_policies))| User {
        name: format!("user-{index}"),
        arn: format!("arn:aws:iam::{ACCOUNT}:user/user-{index}"),
        access_keys: Listing::complete(access_keys),
        inline_policies,
        ..user()
    });
    users.collect()
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
    keys.extend(key_policies().iter().map(|text| Key { policies: Listing::complete(open(&[text])), ..key() }));
    keys
}

/// Key policies with what the checks of them look for.
fn key_policies() -> [String; 4] {
    let allow =
        |principal: &str| format!(r#"{{"Effect": "Allow", {principal}, "Action": "kms:Decrypt", "Resource": "*"}}"#);
    [
        allow(&format!(r#""Principal": {{"AWS": "arn:aws:iam::{ACCOUNT}:role/Gone"}}"#)),
        allow(&format!(r#""Principal": {{"AWS": "arn:aws:iam::{STRANGER}:role/R"}}"#)),
        allow(&format!(r#""NotPrincipal": {{"AWS": "arn:aws:iam::{ACCOUNT}:role/R"}}"#)),
        allow(r#""Principal": {"Service": "logs.amazonaws.com"}"#),
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

/// Every fact of the zoo that can be missing, one removal each.
fn removals() -> Vec<Removal> {
    removals_of_accounts().into_iter().chain(removals_of_resources()).collect()
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
    for entry in ["AccountMFAEnabled", "AccountPasswordPresent"] {
        removals.push(Box::new(move |world| {
            world.account.iam.summary.iter_mut().for_each(|summary| _ = summary.map.remove(entry));
        }));
    }
    for row in ["user-0", "user-1", "user-2"] {
        removals.push(Box::new(move |world| {
            world.account.iam.credential_report.iter_mut().for_each(|report| _ = report.rows.remove(row));
        }));
    }
    removals
}

fn removals_of_resources() -> Vec<Removal> {
    let mut removals: Vec<Removal> = Vec::new();
    let details = || denied("iam:GetAccountAuthorizationDetails");
    for index in 0..users().len() {
        let gap = || denied("iam:ListAccessKeys");
        removals.push(on_user(index, move |user| user.access_keys = Listing::missing(gap())));
        removals.push(on_user(index, move |user| cut(&mut user.access_keys, &gap())));
        removals.push(on_user(index, move |user| {
            edit(&mut user.access_keys, |keys| keys.iter_mut().for_each(|key| key.create_date = Err(gap())));
        }));
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
    for index in 0..2 * identity_documents().len() {
        removals.push(Box::new(move |world| {
            edit(&mut world.account.iam.policies, |policies| {
                policies.get_mut(index).into_iter().for_each(|policy| policy.document = Err(details()));
            });
        }));
    }
    for index in 0..keys().len() {
        removals.push(on_key(index, |key| key.metadata = Err(denied("kms:DescribeKey"))));
        removals.push(on_key(index, |key| key.rotation = Err(denied("kms:GetKeyRotationStatus"))));
        removals.push(on_key(index, |key| key.policies = Listing::missing(denied("kms:ListKeyPolicies"))));
        removals.push(on_key(index, |key| cut(&mut key.policies, &denied("kms:ListKeyPolicies"))));
        for policy in 0..2 {
            removals.push(on_key(index, move |key| {
                let refused = |it: &mut KeyPolicy| it.document = Err(denied("kms:GetKeyPolicy"));
                edit(&mut key.policies, |policies| policies.get_mut(policy).into_iter().for_each(refused));
            }));
        }
        removals.push(on_key(index, |key| cut(&mut key.grants, &denied("kms:ListGrants"))));
        removals.push(on_key(index, |key| {
            edit(&mut key.grants, |grants| grants.iter_mut().for_each(|grant| grant.grantee_principal = None));
        }));
        removals.push(on_key(index, |key| {
            edit(&mut key.grants, |grants| grants.iter_mut().for_each(|grant| grant.creation_date = None));
        }));
    }
    removals
}

const SUMMARIES: [&[(&str, i64)]; 4] = [
    &[("AccountMFAEnabled", 1), ("AccountPasswordPresent", 1)],
    &[("AccountMFAEnabled", 0), ("AccountPasswordPresent", 1)],
    &[("AccountMFAEnabled", 0), ("AccountPasswordPresent", 0)],
    &[("AccountMFAEnabled", 1), ("AccountPasswordPresent", 0)],
];

/// The verdicts that are PASS once the facts are removed and were not before.
fn new_passes<'r>(zoo: &World, before: &Verdicts, removed: impl IntoIterator<Item = &'r Removal>) -> Vec<String> {
    let mut world = zoo.clone();
    removed.into_iter().for_each(|removal| removal(&mut world));
    let after = verdicts(&world).into_iter().filter(|(_, verdict)| *verdict == Some(Verdict::Pass));
    let new = after.filter(|(name, _)| before.get(name) != Some(&Some(Verdict::Pass)));
    new.map(|((check, resource), _)| format!("{check} {resource}")).collect()
}

#[test]
fn removing_one_fact_never_turns_a_verdict_into_a_pass() {
    for summary in SUMMARIES {
        let zoo = zoo(summary);
        let before = verdicts(&zoo);
        for (index, removal) in removals_of_accounts().iter().enumerate() {
            assert_eq!(new_passes(&zoo, &before, [removal]), [""; 0], "removal {index}");
        }
    }
    let zoo = zoo(SUMMARIES[0]);
    let before = verdicts(&zoo);
    for (index, removal) in removals_of_resources().iter().enumerate() {
        assert_eq!(new_passes(&zoo, &before, [removal]), [""; 0], "removal {index}");
    }
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
fn every_check_can_say_error() {
    let mut erring = BTreeSet::new();
    let zoo = zoo(SUMMARIES[0]);
    for removal in removals() {
        let mut world = zoo.clone();
        removal(&mut world);
        let errors = verdicts(&world).into_iter().filter(|(_, verdict)| verdict.is_none());
        erring.extend(errors.map(|((check, _), _)| check));
        if erring.len() == CHECKS.len() {
            break;
        }
    }
    assert_eq!(erring, CHECKS.iter().map(|check| check.id).collect());
}

#[test]
fn every_check_can_pass_fail_and_exempt() {
    let mut seen: BTreeSet<(&str, String)> = BTreeSet::new();
    for summary in SUMMARIES {
        for ((check, _), verdict) in verdicts(&zoo(summary)) {
            seen.insert((check, format!("{verdict:?}")));
        }
    }
    for check in CHECKS {
        let says = |verdict| seen.contains(&(check.id, format!("{:?}", Some(verdict))));
        assert!(says(Verdict::Pass) && says(Verdict::Fail), "{}", check.id);
        assert_eq!(says(Verdict::NotApplicable), check.exemptions != "None.", "{}", check.id);
    }
}

#[test]
fn ids_are_unique_and_name_the_file() {
    let ids: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CHECKS.len());
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let no_checks = ["mod.rs", "all_keys.rs", "fixtures.rs", "grants.rs", "guardrails.rs", "key_policy.rs", "laws.rs"];
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
        assert!(!check.reads.is_empty(), "{}", check.id);
        for api in check.reads {
            let (service, operation) = api.split_once(':').unwrap();
            assert!(["iam", "kms", "organizations"].contains(&service), "{}: {api}", check.id);
            assert!(operation.starts_with(char::is_uppercase), "{}: {api}", check.id);
        }
    }
}
