//! What holds of effective access, on small organizations.

use std::collections::BTreeMap;

use serde_json::json;

use super::fixtures::{
    MANAGEMENT, ORGANIZATION, OWNER, REGION, SIBLING, STRANGER, World, allow, attached, delegation, denied, document,
    explained, grant, key_arn, role_arn, root,
};
use super::{ClassRow, Classes, Decided, Directory, PrincipalKind, Row};
use crate::model::{Alias, Fact, Grant, Listing, MultiRegion};
use crate::policy::{Access, Action};

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

fn user_arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:user/{name}")
}

/// A key whose policy names nobody but its administrators' role, with grants, and two roles without policies.
fn granted(grants: Vec<Grant>) -> World {
    let mut world = World::new();
    world.role(OWNER, "Worker", &json!([]));
    world.role(SIBLING, "Worker", &json!([]));
    let admins =
        json!({"Effect": "Allow", "Principal": {"AWS": role_arn(OWNER, "Admin")}, "Action": "kms:*", "Resource": "*"});
    world.key_with(OWNER, KEY, &admins, |key| key.grants = Listing::complete(grants));
    world
}

fn decrypts(world: &World, principal: &str) -> Row {
    explained(world, principal, "kms:Decrypt", KEY)
}

#[test]
fn a_grant_alone_suffices_in_its_own_account() {
    let world = granted(vec![grant("g1", &role_arn(OWNER, "Worker"))]);
    let row = decrypts(&world, &role_arn(OWNER, "Worker"));
    assert_eq!((row.access, row.path.as_deref(), row.grants), ("allowed", Some("grant"), Some(vec!["g1".to_owned()])));
    let other = explained(&world, &role_arn(OWNER, "Worker"), "kms:Encrypt", KEY);
    assert_eq!((other.access, other.blocked_by.as_deref()), ("denied", Some("no Allow in the key policy")));
}

#[test]
fn a_grant_to_a_foreign_account_is_possible_until_that_account_allows() {
    let mut world = granted(vec![grant("g1", &role_arn(SIBLING, "Worker"))]);
    let row = decrypts(&world, &role_arn(SIBLING, "Worker"));
    assert_eq!((row.access, row.path.as_deref()), ("possible", Some("grant")));
    assert!(row.notes.iter().any(|note| note.starts_with("U-3:")), "{:?}", row.notes);
    world.role(SIBLING, "Reader", &json!(allow("kms:Decrypt")));
    world.change_keys(|key| key.grants = Listing::complete(vec![grant("g2", &role_arn(SIBLING, "Reader"))]));
    assert_eq!(decrypts(&world, &role_arn(SIBLING, "Reader")).access, "allowed");
    // The grant of an account that nobody read.
    world.change_keys(|key| key.grants = Listing::complete(vec![grant("g3", &role_arn(STRANGER, "Worker"))]));
    let row = decrypts(&world, &role_arn(STRANGER, "Worker"));
    assert_eq!(row.access, "possible");
    assert!(row.notes.iter().any(|note| note.contains("account 999988887777 was not read")), "{:?}", row.notes);
}

#[test]
fn a_constraint_on_the_encryption_context_is_a_condition() {
    let mut constrained = grant("g1", &role_arn(OWNER, "Worker"));
    let pairs = BTreeMap::from([("Tenant".to_owned(), "blue".to_owned())]);
    constrained.constraints.encryption_context_subset = Some(pairs.clone());
    let row = decrypts(&granted(vec![constrained.clone()]), &role_arn(OWNER, "Worker"));
    assert_eq!((row.access, row.path.as_deref()), ("allowed_if_chosen", Some("grant")));
    assert_eq!(row.conditions, ["kms:EncryptionContext:Tenant is blue"]);
    constrained.constraints.encryption_context_subset = None;
    constrained.constraints.encryption_context_equals = Some(pairs);
    let row = decrypts(&granted(vec![constrained]), &role_arn(OWNER, "Worker"));
    assert_eq!(row.access, "allowed_if_chosen");
    assert_eq!(row.conditions, ["kms:EncryptionContext:Tenant is blue"]);
}

#[test]
fn an_explicit_deny_beats_a_grant() {
    let mut world = granted(vec![grant("g1", &role_arn(OWNER, "Worker"))]);
    let deny = json!({"Sid": "Nobody", "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"});
    world.change_keys(|key| {
        let mut policies = key.policies.known().to_vec();
        policies.iter_mut().for_each(|policy| policy.document = document(&deny));
        key.policies = Listing::complete(policies);
    });
    let row = decrypts(&world, &role_arn(OWNER, "Worker"));
    assert_eq!((row.access, row.blocked_by.as_deref()), ("denied", Some("denied by the key policy")));
    let statements = row.statements.unwrap_or_default();
    assert_eq!(statements.iter().map(|it| it.sid.as_deref()).collect::<Vec<_>>(), [Some("Nobody")]);
}

#[test]
fn ten_thousand_grants_are_answered_one_by_one() {
    let grants = (0..10_000).map(|number| grant(&format!("g{number}"), &role_arn(OWNER, &format!("Role{number}"))));
    let mut world = granted(grants.collect());
    world.role(OWNER, "Role9999", &json!([]));
    let row = decrypts(&world, &role_arn(OWNER, "Role9999"));
    assert_eq!((row.access, row.grants), ("allowed", Some(vec!["g9999".to_owned()])));
    let directory = world.directory();
    let key = directory.keys().next().unwrap();
    let action = Action::new("kms:Decrypt");
    let decided = directory.who_can(&action, key).unwrap();
    // Roles that do not exist any more hold nothing.
    let allowed: Vec<&str> =
        decided.iter().filter(|it| it.cell.access != Access::Denied).map(|it| it.principal.arn.as_str()).collect();
    assert_eq!(allowed, [role_arn(OWNER, "Role9999")]);
}

/// Hundreds of grants to one role, each under an encryption context of its own.
fn volumes() -> Vec<Grant> {
    let volume = |number: usize| {
        let mut constrained = grant(&format!("g{number:03}"), &role_arn(OWNER, "Worker"));
        let pairs = BTreeMap::from([("volume".to_owned(), format!("vol-{number:03}"))]);
        constrained.constraints.encryption_context_equals = Some(pairs);
        constrained
    };
    (0..400).map(volume).collect()
}

#[test]
fn hundreds_of_grants_to_one_principal_are_decided_one_by_one() {
    let row = decrypts(&granted(volumes()), &role_arn(OWNER, "Worker"));
    assert_eq!((row.access, row.path.as_deref()), ("allowed_if_chosen", Some("grant")));
    assert_eq!(row.conditions.len(), 400);
    assert_eq!(row.conditions[7], "kms:EncryptionContext:volume is vol-007");
    let grants = row.grants.unwrap();
    assert_eq!((grants.len(), grants[7].as_str()), (400, "g007"));
    assert_eq!(row.notes, ["400 grants name the principal: each was decided by itself"]);
    // One without a condition decides alone.
    let mut grants = volumes();
    grants.push(grant("any", &role_arn(OWNER, "Worker")));
    let row = decrypts(&granted(grants), &role_arn(OWNER, "Worker"));
    assert_eq!((row.access, row.conditions, row.grants), ("allowed", vec![], Some(vec!["any".to_owned()])));
}

#[test]
fn a_deny_beats_hundreds_of_grants() {
    let mut world = granted(volumes());
    let deny = json!([{"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}]);
    world.role(OWNER, "Sealed", &deny);
    let change = |mut it: Grant| {
        it.grantee_principal = Some(role_arn(OWNER, "Sealed"));
        it
    };
    world.change_keys(|key| key.grants = Listing::complete(volumes().into_iter().map(change).collect()));
    let row = decrypts(&world, &role_arn(OWNER, "Sealed"));
    assert_eq!((row.access, row.blocked_by.as_deref()), ("denied", Some("denied by the identity policies")));
}

#[test]
fn a_family_is_the_keys_of_one_id_and_those_that_were_not_read() {
    const FAMILY: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";
    let mut world = World::new();
    let replica = format!("arn:aws:kms:us-east-1:{OWNER}:key/{FAMILY}");
    let primary_arn = key_arn(OWNER, FAMILY);
    world.key_with(OWNER, FAMILY, &delegation(OWNER), |key| {
        let family = MultiRegion { is_replica: false, primary_arn, replica_arns: vec![replica.clone()] };
        key.metadata.as_mut().unwrap().multi_region = Some(family);
    });
    world.key(OWNER, KEY, &delegation(OWNER));
    // A key of the same id in another account is of another family.
    world.key(SIBLING, FAMILY, &delegation(SIBLING));
    let unread = |world: &World, id: &str| -> (Vec<String>, Vec<String>) {
        let directory = world.directory();
        let family = directory.family(directory.key(&key_arn(OWNER, id)).unwrap());
        let related = family.related.iter().map(|key| key.arn.clone()).collect();
        (related, family.unread.iter().map(|arn| (*arn).to_owned()).collect())
    };
    assert_eq!(unread(&world, FAMILY), (vec![], vec![replica.clone()]));
    assert_eq!(unread(&world, KEY), (vec![], vec![]));
    let near = world.account(OWNER).regions[REGION].clone();
    let mut far = near.clone();
    let mut keys = near.keys.known().to_vec();
    keys.retain(|key| key.id == FAMILY);
    for key in &mut keys {
        key.arn = replica.clone();
        key.region = "us-east-1".to_owned();
    }
    far.keys = Listing::complete(keys);
    world.account(OWNER).regions.insert("us-east-1".to_owned(), far);
    assert_eq!(unread(&world, FAMILY), (vec![replica.clone()], vec![]));
    // Any member knows them all; where none could be asked, nobody does.
    let gap = crate::model::Gap::not_collected("kms:DescribeKey", &[FAMILY]);
    let is_whole = |world: &World| {
        let directory = world.directory();
        let family = directory.family(directory.key(&key_arn(OWNER, FAMILY)).unwrap());
        (family.is_whole, family.unknown().len())
    };
    let mut keys = near.keys.known().to_vec();
    keys.iter_mut().filter(|key| key.id == FAMILY).for_each(|key| key.metadata = Err(gap.clone()));
    world.account(OWNER).regions.get_mut(REGION).unwrap().keys = Listing::complete(keys);
    assert_eq!(is_whole(&world), (true, 0));
    world.account(OWNER).regions.remove("us-east-1");
    assert_eq!(is_whole(&world), (false, 1));
}

#[test]
fn a_key_policy_of_32_kilobytes_is_read_to_its_end() {
    let mut statements: Vec<serde_json::Value> = (0..220)
        .map(|number| json!({
            "Sid": format!("S{number}"), "Effect": "Allow", "Principal": {"AWS": role_arn(OWNER, &format!("Role{number}"))},
            "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEquals": {"kms:EncryptionContext:n": format!("{number}")}},
        }))
        .collect();
    let last =
        json!({"Effect": "Deny", "Principal": {"AWS": role_arn(OWNER, "Role7")}, "Action": "kms:*", "Resource": "*"});
    statements.push(last);
    assert!(json!(statements).to_string().len() > 32 * 1024);
    let mut world = World::new();
    world.role(OWNER, "Role7", &json!([]));
    world.role(OWNER, "Role8", &json!([]));
    world.key(OWNER, KEY, &json!(statements));
    let row = decrypts(&world, &role_arn(OWNER, "Role7"));
    assert_eq!((row.access, row.notes), ("denied", vec![]));
    let row = decrypts(&world, &role_arn(OWNER, "Role8"));
    assert_eq!((row.access, row.conditions), ("allowed_if_chosen", vec!["kms:EncryptionContext:n is 8".to_owned()]));
}

/// Roles that may encrypt, administer, and do anything by IAM; a user with a second factor; the keys of a workshop.
fn workshop() -> World {
    let mut world = World::new();
    let encrypts = json!({"Effect": "Allow", "Action": ["kms:Encrypt", "kms:GenerateDataKey*", "kms:PutKeyPolicy"], "Resource": "*"});
    world.role(OWNER, "Upload", &encrypts);
    world.role(OWNER, "Everything", &json!(allow("kms:*")));
    world.role(SIBLING, "Everything", &json!(allow("kms:*")));
    world.user(OWNER, "operator", &json!([]));
    world
}

/// A statement for one role as if it held the role to its account: it opens everything to it instead.
#[test]
fn naming_a_role_with_its_own_account_as_condition_takes_nothing_away() {
    let mut world = workshop();
    assert!(world.accounts.contains_key(OWNER));
    let upload = role_arn(OWNER, "Upload");
    world.key(OWNER, KEY, &json!(delegation(OWNER)));
    let row = decrypts(&world, &upload);
    assert_eq!((row.access, row.blocked_by.as_deref()), ("denied", Some("no Allow in the identity policies")));
    let only_here = json!({"Sid": "OnlyHere", "Effect": "Allow", "Principal": {"AWS": upload}, "Action": "kms:*",
        "Resource": "*", "Condition": {"StringEquals": {"kms:CallerAccount": OWNER}}});
    world.change_keys(|key| {
        let mut policies = key.policies.known().to_vec();
        policies.iter_mut().for_each(|policy| policy.document = document(&json!([delegation(OWNER), only_here])));
        key.policies = Listing::complete(policies);
    });
    let row = decrypts(&world, &upload);
    assert_eq!((row.access, row.path.as_deref(), row.conditions), ("allowed", Some("role"), vec![]));
    // Others of the account are where they were: the account lets them in by IAM.
    assert_eq!(decrypts(&world, &role_arn(OWNER, "Everything")).path.as_deref(), Some("delegation"));
    assert_eq!(decrypts(&world, &role_arn(SIBLING, "Everything")).access, "denied");
}

#[test]
fn a_deny_for_all_but_a_role_shuts_out_its_account_and_nobody_else() {
    let mut world = workshop();
    let others = json!({"Sid": "NobodyElse", "Effect": "Deny",
        "NotPrincipal": {"AWS": [role_arn(OWNER, "Upload"), root(OWNER)]}, "Action": "kms:*", "Resource": "*",
        "Condition": {"StringEquals": {"kms:CallerAccount": OWNER}}});
    let partner = json!({"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": root(SIBLING)}, "Action": "kms:Decrypt", "Resource": "*"});
    world.key(OWNER, KEY, &json!([delegation(OWNER), partner, others]));
    let row = decrypts(&world, &role_arn(OWNER, "Everything"));
    assert_eq!((row.access, row.blocked_by.as_deref()), ("denied", Some("denied by the key policy")));
    assert_eq!(row.statements.unwrap_or_default()[0].sid.as_deref(), Some("NobodyElse"));
    let row = explained(&world, &role_arn(OWNER, "Upload"), "kms:Encrypt", KEY);
    assert_ne!(row.access, "denied");
    assert_eq!(decrypts(&world, &root(OWNER)).access, "allowed");
    // The condition looks at the account of the key, so that the Deny spares whom it was not written against.
    let row = decrypts(&world, &role_arn(SIBLING, "Everything"));
    assert_eq!((row.access, row.path.as_deref()), ("allowed", Some("cross-account")));
}

#[test]
fn the_age_of_a_second_factor_is_a_condition_only_under_its_right_name() {
    let with = |key: &str| {
        let mut world = workshop();
        let recent = json!({"Sid": "Recent", "Effect": "Allow", "Principal": {"AWS": user_arn(OWNER, "operator")},
            "Action": ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"], "Resource": "*",
            "Condition": {"NumericLessThan": {key: "300"}}});
        world.key(OWNER, KEY, &json!([delegation(OWNER), recent]));
        world
    };
    let operator = user_arn(OWNER, "operator");
    let row = explained(&with("aws:MultiFactorAuthAge"), &operator, "kms:ScheduleKeyDeletion", KEY);
    assert_eq!(row.access, "conditional");
    assert_eq!(row.conditions, ["aws:MultiFactorAuthAge is less than 300"]);
    // With a space in its name no request carries the key.
    let row = explained(&with("aws: MultiFactorAuthAge"), &operator, "kms:ScheduleKeyDeletion", KEY);
    assert_eq!(row.access, "denied", "{row:?}");
    // Neither asks those whom the account lets in by IAM for a second factor.
    let row =
        explained(&with("aws:MultiFactorAuthAge"), &role_arn(OWNER, "Everything"), "kms:ScheduleKeyDeletion", KEY);
    assert_eq!((row.access, row.path.as_deref()), ("allowed", Some("delegation")));
    let row = explained(&with("aws:MultiFactorAuthAge"), &role_arn(OWNER, "Upload"), "kms:PutKeyPolicy", KEY);
    assert_eq!((row.access, row.path.as_deref()), ("allowed", Some("delegation")));
}

#[test]
fn a_key_for_one_function_alone_can_be_managed_by_nobody() {
    let mut world = workshop();
    world.role(OWNER, "Function", &json!([]));
    let function = json!({"Effect": "Allow", "Principal": {"AWS": role_arn(OWNER, "Function")}, "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*"});
    let no_such_action =
        json!({"Sid": "NeverDeleted", "Effect": "Deny", "Principal": "*", "Action": "kms:DeleteKey", "Resource": "*"});
    world.key(OWNER, KEY, &json!([function, no_such_action]));
    assert_eq!(decrypts(&world, &role_arn(OWNER, "Function")).path.as_deref(), Some("role"));
    for principal in [role_arn(OWNER, "Everything"), root(OWNER)] {
        for action in ["kms:PutKeyPolicy", "kms:Decrypt", "kms:ScheduleKeyDeletion"] {
            let row = explained(&world, &principal, action, KEY);
            assert_eq!(row.blocked_by.as_deref(), Some("no Allow in the key policy"), "{principal} {action}");
        }
    }
    // Where the account is let in, a Deny of an action that does not exist keeps nobody from deleting.
    let mut world = workshop();
    world.key(OWNER, KEY, &json!([delegation(OWNER), no_such_action]));
    assert_eq!(explained(&world, &role_arn(OWNER, "Everything"), "kms:ScheduleKeyDeletion", KEY).access, "allowed");
}

#[test]
fn a_guardrail_against_deletion_binds_members_with_their_root_user_but_not_the_management_account() {
    let mut world = workshop();
    let nobody = json!({"Sid": "NoDeletion", "Effect": "Deny", "Action": "kms:ScheduleKeyDeletion", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}});
    world.service_control("NoDeletion", &nobody, "r-ab12");
    world.role(MANAGEMENT, "Everything", &json!(allow("kms:*")));
    world.key(OWNER, KEY, &json!(delegation(OWNER)));
    world.key(MANAGEMENT, "managed", &json!(delegation(MANAGEMENT)));
    for principal in [role_arn(OWNER, "Everything"), root(OWNER)] {
        let row = explained(&world, &principal, "kms:ScheduleKeyDeletion", KEY);
        assert_eq!(row.blocked_by.as_deref(), Some("denied by the service control policies of Root"), "{principal}");
        assert_eq!(explained(&world, &principal, "kms:DisableKey", KEY).access, "allowed");
    }
    let row = explained(&world, &role_arn(MANAGEMENT, "Everything"), "kms:ScheduleKeyDeletion", "managed");
    assert_eq!(row.access, "allowed");
}

#[test]
fn roles_that_trust_each_other_end() {
    let mut world = World::new();
    let trusts = |name: &str| json!({"Effect": "Allow", "Principal": {"AWS": role_arn(OWNER, name)}, "Action": ["sts:AssumeRole", "sts:TagSession"]});
    for (name, other) in [("One", "Two"), ("Two", "One")] {
        world.role_with(OWNER, name, &json!(allow("kms:Decrypt")), |role| {
            role.trust_policy = document(&json!(trusts(other)))
        });
    }
    world.key(OWNER, KEY, &json!(delegation(OWNER)));
    assert_eq!(decrypts(&world, &role_arn(OWNER, "One")).access, "allowed");
}

#[test]
fn an_account_that_only_a_condition_names_is_found() {
    let mut world = World::new();
    let by_account = json!({"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"kms:CallerAccount": [STRANGER, OWNER]}}});
    world.key(OWNER, KEY, &json!(by_account));
    assert_eq!(who_can(&world.directory()), [(root(OWNER), "root", "allowed"), (root(STRANGER), "account", "allowed")]);
}

#[test]
fn a_key_of_the_whole_organization_is_open_to_members_that_nobody_read() {
    let mut world = World::new();
    let members = json!({"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}});
    world.key(OWNER, KEY, &json!(members));
    world.account(SIBLING).entered = Err(denied("sts:AssumeRole"));
    let expected = [
        (root(OWNER), "root", "allowed"),
        (root(MANAGEMENT), "root", "allowed"),
        (root(SIBLING), "account", "allowed"),
    ];
    assert_eq!(who_can(&world.directory()), expected);
    // Of another organization nobody was read, but whoever is in it is let in.
    world.change_keys(|key| {
        let mut policies = key.policies.known().to_vec();
        let others = json!({"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-anotherone"}}});
        policies.iter_mut().for_each(|policy| policy.document = document(&others));
        key.policies = Listing::complete(policies);
    });
    assert_eq!(who_can(&world.directory()), [("*".to_owned(), "everyone", "conditional")]);
}

/// A key of the organization, and three members with roles that are alike but for what makes them different to it.
fn from_afar(condition: &serde_json::Value) -> World {
    const OTHERS: [&str; 3] = [SIBLING, "555566667777", "666677778888"];
    let mut world = World::new();
    let members = json!({"Sid": "Members", "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": condition});
    world.key(OWNER, KEY, &json!([delegation(OWNER), members]));
    OTHERS[1..].iter().for_each(|id| world.join(id));
    let here = |effect: &str| json!({"Effect": effect, "Action": "kms:Decrypt", "Resource": key_arn(OWNER, KEY)});
    let elsewhere = json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key_arn(SIBLING, KEY)});
    for id in OTHERS {
        world.role(id, "Reader", &json!(allow("kms:Decrypt")));
        world.role(id, "Writer", &json!(allow("kms:Encrypt")));
        world.role(id, "Named", &json!(here("Allow")));
        // What speaks of other keys alone tells nobody apart, wherever it stands.
        let speaks = world.managed(id, "elsewhere", &json!(elsewhere));
        let reads =
            world.managed(id, "reads", &json!({"Sid": "Reads", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}));
        let order = if id == SIBLING { vec![speaks, reads] } else { vec![reads] };
        world.role_with(id, "Ordered", &json!([]), |role| {
            role.attached_policies = order.iter().map(|arn| attached(arn)).collect();
        });
        let denied = if id == SIBLING { here("Deny") } else { elsewhere.clone() };
        world.role(id, "Barred", &json!([allow("kms:Decrypt"), denied]));
    }
    world
}

/// The rows of a matrix of one action, and the accounts of each of its classes of principals.
fn matrix_of(directory: &Directory, action: &str) -> (Vec<Row>, Vec<Vec<String>>) {
    let actions = [Action::new(action)];
    let classes = Classes::new(directory, &actions);
    let matrix = classes.matrix().unwrap();
    let (mut rows, mut accounts) = (Vec::new(), Vec::new());
    let expanded = |decided: &Decided<'_>| -> Result<(), ()> {
        rows.push(directory.explained_row(decided));
        Ok(())
    };
    matrix.expand(|_| true, expanded).unwrap();
    let class = |row: &ClassRow| -> Result<(), ()> {
        let of = row.principal_arns.iter().filter(|arn| arn.contains(":role/"));
        accounts.push(of.map(|arn| arn.split(':').nth(4).unwrap_or_default().to_owned()).collect());
        Ok(())
    };
    matrix.classes(|_| true, class).unwrap();
    (rows, accounts)
}

#[test]
fn members_that_are_alike_from_afar_are_decided_together_and_as_if_alone() {
    let of_organization = json!({"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}});
    let but_one = json!({"StringNotEquals": {"aws:PrincipalAccount": SIBLING},
        "StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}});
    for (condition, widest) in [(of_organization, 3), (but_one, 1)] {
        let directory = from_afar(&condition).directory();
        let (rows, classes) = matrix_of(&directory, "kms:Decrypt");
        let action = Action::new("kms:Decrypt");
        let key = directory.keys().next().unwrap();
        let single: Vec<Row> =
            directory.who_can(&action, key).unwrap().iter().map(|it| directory.explained_row(it)).collect();
        let single: Vec<Row> = single.into_iter().filter(|row| row.access != "denied").collect();
        assert_eq!(rows, single);
        assert!(rows.iter().filter(|row| row.principal_arn.contains(":role/")).count() >= 7, "{rows:#?}");
        assert_eq!(classes.iter().map(Vec::len).max(), Some(widest), "{classes:?}");
    }
}

fn who_can(directory: &Directory) -> Vec<(String, &'static str, &'static str)> {
    let (key, action) = (directory.keys().next().unwrap(), Action::new("kms:Decrypt"));
    let decided = directory.who_can(&action, key).unwrap();
    let some = decided.iter().filter(|it| it.cell.access != Access::Denied);
    some.map(|it| (it.principal.arn.clone(), it.principal.kind.word(), it.cell.access.word())).collect()
}

/// An organization in which every kind of fact decides something.
fn rich() -> World {
    let mut world = World::new();
    let reads = world.managed(OWNER, "reads", &json!(allow("kms:Decrypt")));
    let ceiling = world.managed(
        OWNER,
        "ceiling",
        &json!([allow("*"), {"Effect": "Deny", "Action": "kms:PutKeyPolicy", "Resource": "*"}]),
    );
    world.role_with(OWNER, "Attached", &json!([]), |role| role.attached_policies = vec![attached(&reads)]);
    world.role_with(OWNER, "Bounded", &json!(allow("kms:*")), |role| role.permissions_boundary = Some(ceiling));
    world.role_with(
        OWNER,
        "Tagged",
        &json!([{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}}]),
        |role| {
            role.tags.insert("team".to_owned(), "red".to_owned());
        },
    );
    world.role(
        OWNER,
        "Aliased",
        &json!([{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/orders"}}}]),
    );
    world.role(
        OWNER,
        "Symmetric",
        &json!([{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}}]),
    );
    world.user(OWNER, "grouped", &json!(allow("kms:Decrypt")));
    world.role(OWNER, "Grantee", &json!([]));
    world.role(SIBLING, "Reader", &json!(allow("kms:Decrypt")));
    world.role(SIBLING, "Grantee", &json!(allow("kms:Decrypt")));
    let sibling = json!({"Effect": "Allow", "Principal": {"AWS": role_arn(SIBLING, "Reader")}, "Action": "kms:Decrypt", "Resource": "*"});
    let stranger =
        json!({"Effect": "Allow", "Principal": {"AWS": root(STRANGER)}, "Action": "kms:Decrypt", "Resource": "*"});
    let members = json!({"Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}});
    world.key_with(OWNER, KEY, &json!([delegation(OWNER), sibling, stranger]), |key| {
        key.grants = Listing::complete(vec![
            grant("g1", &role_arn(OWNER, "Grantee")),
            grant("g2", &role_arn(SIBLING, "Grantee")),
        ]);
        drop(key.tags.as_mut().map(|tags| tags.insert("team".to_owned(), "red".to_owned())));
    });
    world.key(OWNER, "members", &json!([members]));
    let kms = world.account(OWNER).regions.get_mut(REGION).unwrap();
    kms.aliases =
        Listing::complete(vec![Alias { name: "alias/orders".to_owned(), target_key_id: Some(KEY.to_owned()) }]);
    let home = json!({"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": [OWNER, SIBLING]}}});
    world.service_control("Home", &home, OWNER);
    world
}

type Removal = (&'static str, fn(&mut World));

/// Ways to know less, each a call that AWS may have refused.
const REMOVALS: [Removal; 17] = [
    ("nothing", |_| {}),
    ("key policies", |world| {
        world.change_keys(|key| key.policies = Listing::missing(denied("kms:ListKeyPolicies")));
    }),
    ("key policy documents", |world| {
        world.change_keys(|key| {
            let mut policies = key.policies.known().to_vec();
            policies.iter_mut().for_each(|policy| policy.document = Err(denied("kms:GetKeyPolicy")));
            if key.policies.gap().is_none() {
                key.policies = Listing::complete(policies);
            }
        });
    }),
    ("grants", |world| world.change_keys(|key| key.grants = Listing::missing(denied("kms:ListGrants")))),
    ("more grants", |world| {
        world.change_keys(|key| {
            key.grants = Listing::partial(key.grants.known()[..0].to_vec(), denied("kms:ListGrants"))
        });
    }),
    ("metadata", |world| world.change_keys(|key| key.metadata = Err(denied("kms:DescribeKey")))),
    ("tags of keys", |world| world.change_keys(|key| key.tags = Err(denied("kms:ListResourceTags")))),
    ("aliases", |world| {
        for kms in world.accounts.values_mut().flat_map(|account| account.regions.values_mut()) {
            kms.aliases = Listing::missing(denied("kms:ListAliases"));
        }
    }),
    ("managed policies", |world| {
        world.account(OWNER).iam.policies = Listing::missing(denied("iam:GetAccountAuthorizationDetails"));
    }),
    ("groups", |world| {
        world.account(OWNER).iam.groups = Listing::missing(denied("iam:GetAccountAuthorizationDetails"));
    }),
    ("users", |world| world.account(OWNER).iam.users = Listing::missing(denied("iam:GetAccountAuthorizationDetails"))),
    ("roles", |world| world.account(OWNER).iam.roles = Listing::missing(denied("iam:GetAccountAuthorizationDetails"))),
    ("the other account", |world| world.account(SIBLING).entered = Err(denied("sts:AssumeRole"))),
    ("roles of the other account", |world| {
        world.account(SIBLING).iam.roles = Listing::missing(denied("iam:GetAccountAuthorizationDetails"));
    }),
    ("the organization", |world| world.organization = Err(denied("organizations:DescribeOrganization")) as Fact<_>),
    ("service control policies", |world| {
        world.organization().service_control_policies = Listing::missing(denied("organizations:ListPolicies"));
    }),
    ("members", |world| {
        let organization = world.organization();
        organization.accounts.clear();
        organization.accounts_gap = Some(denied("organizations:ListAccounts"));
    }),
];

/// Whether some row of a key covers a principal: its own, or that of those in its account or anywhere who were not read.
fn covered(directory: &Directory, key: &str, action: &Action, arn: &str, account: &str) -> bool {
    let Some(key) = directory.keys().find(|it| it.id == key) else { return false };
    let decided = directory.who_can(action, key).unwrap();
    decided
        .iter()
        .filter(|it| it.cell.access != Access::Denied)
        .any(|it| it.principal.arn == arn || it.principal.arn == "*" || it.principal.arn == root(account))
}

#[test]
fn knowing_less_never_takes_access_away() {
    let whole = rich().directory();
    let actions = ["kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:PutKeyPolicy"].map(Action::new);
    let mut relations = Vec::new();
    for key in whole.keys() {
        for action in &actions {
            let decided = whole.who_can(action, key).unwrap();
            relations.extend(decided.into_iter().filter(|it| it.cell.access != Access::Denied));
        }
    }
    assert!(relations.len() > 20, "{}", relations.len());
    for (first, remove) in REMOVALS {
        for (second, also) in REMOVALS {
            let mut world = rich();
            remove(&mut world);
            if second == "the organization" || first != "the organization" {
                also(&mut world);
            }
            let directory = world.directory();
            for it in &relations {
                let (arn, account) = (it.principal.arn.as_str(), it.principal.account_id.as_str());
                let is_covered = covered(&directory, &it.key.id, it.action, arn, account);
                assert!(is_covered, "without {first} and {second}: {arn} {} {}", it.action.name(), it.key.arn);
            }
        }
    }
}

#[test]
fn what_could_not_be_read_is_possible_and_never_certain() {
    let mut world = rich();
    world.change_keys(|key| key.policies = Listing::missing(denied("kms:ListKeyPolicies")));
    for principal in [role_arn(OWNER, "Attached"), root(OWNER), role_arn(SIBLING, "Reader")] {
        let row = decrypts(&world, &principal);
        assert_eq!(row.access, "possible", "{principal}");
        assert!(row.notes.iter().any(|note| note.contains("kms:ListKeyPolicies")), "{:?}", row.notes);
    }
    let mut world = rich();
    world.change_keys(|key| key.grants = Listing::missing(denied("kms:ListGrants")));
    let row = decrypts(&world, &role_arn(OWNER, "Grantee"));
    assert_eq!((row.access, row.path.as_deref()), ("possible", Some("grant")));
    // No grant can hold that.
    assert_eq!(explained(&world, &role_arn(OWNER, "Grantee"), "kms:PutKeyPolicy", KEY).access, "denied");
    // What is certain stays so.
    assert_eq!(decrypts(&world, &role_arn(OWNER, "Attached")).access, "allowed");
    assert_eq!(key_arn(OWNER, KEY), decrypts(&world, &root(OWNER)).key_arn);
}

#[test]
fn a_role_that_may_not_let_somebody_in_is_assumed_by_nobody() {
    let mut world = World::new();
    let entries = [
        json!({"AWS": OWNER}),
        json!({"AWS": role_arn(OWNER, "Role0")}),
        json!({"AWS": role_arn(SIBLING, "Role0")}),
        json!({"AWS": "*"}),
        json!({"Service": "ec2.amazonaws.com"}),
    ];
    let trusts = |effect: &str, named: &str, entry: &serde_json::Value, action: &str| json!({"Effect": effect, named: entry, "Action": action});
    let mut policies: Vec<serde_json::Value> = Vec::new();
    for entry in &entries {
        policies.push(json!(trusts("Allow", "Principal", entry, "sts:AssumeRole")));
        policies.push(json!(trusts("Allow", "Principal", entry, "sts:TagSession")));
        policies.push(json!([
            trusts("Allow", "NotPrincipal", entry, "sts:*"),
            trusts("Deny", "Principal", entry, "sts:AssumeRole")
        ]));
    }
    for (number, policy) in policies.iter().enumerate() {
        world.role_with(OWNER, &format!("Role{number}"), &json!(allow("sts:AssumeRole")), |role| {
            role.trust_policy = document(policy);
        });
    }
    world.role_with(OWNER, "Unread", &json!([]), |role| role.trust_policy = Err(denied("iam:GetRole")));
    let directory = world.directory_of(OWNER);
    let (mut open, mut closed) = (0, 0);
    for role in directory.principals().filter(|it| it.kind == PrincipalKind::Role) {
        for principal in directory.principals() {
            let cell = directory.assuming(principal, role).unwrap();
            match directory.may_let_in(role, principal) {
                true => open += usize::from(cell.access != Access::Denied),
                false => {
                    assert_eq!(cell.access, Access::Denied, "{} assumes {}", principal.arn, role.arn);
                    closed += 1;
                }
            }
        }
    }
    assert!(open > 30 && closed > 30, "{open} {closed}");
}
