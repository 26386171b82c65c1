//! Nothing is fixed, gone or new that the other snapshot could not see, and the sum always balances.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fixture::{self, REGION, World};
use super::{AccessChange, Changes, Class, Fate, Turn, run};
use crate::snapshot::{AccountOutcome, Outcome};

fn compare(old: &World, new: &World) -> Changes {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (old.snapshot(&folder.path().join("old")), new.snapshot(&folder.path().join("new")));
    let frameworks = fixture::frameworks();
    run(&old, &new, fixture::options(&frameworks), false).unwrap()
}

fn classes(changes: &Changes) -> BTreeMap<Class, u64> {
    changes.counts.iter().filter(|(_, count)| **count > 0).map(|(class, count)| (*class, *count)).collect()
}

/// Exceptions of one account of the fixture: two users, a key and a grant.
const OPEN: u64 = 4;

/// Every way in which the tests change the world.
fn worlds() -> Vec<(&'static str, World)> {
    let world = World::new;
    let first = |change: fn(&mut fixture::Account)| world().with(|it| change(&mut it.accounts[0]));
    vec![
        ("as it was", world()),
        ("a user mended", first(|it| it.users[1].2 = "good".to_owned())),
        ("a user exempt", first(|it| it.users[1].2 = "exempt".to_owned())),
        ("a user undecided", first(|it| it.users[1].2 = "odd".to_owned())),
        ("a user unread", first(|it| it.users[1].2 = "unread".to_owned())),
        ("a user deleted", first(|it| drop(it.users.remove(1)))),
        ("a user replaced", first(|it| it.users[1].1 = "AIDAOTHER".to_owned())),
        ("users denied", first(|it| it.users_outcome = Outcome::Denied)),
        (
            "a user hidden by a list cut short",
            first(|it| {
                it.users.remove(1);
                it.users_outcome = Outcome::Truncated;
            }),
        ),
        ("a key deleted", first(|it| drop(it.keys.pop()))),
        ("keys denied", first(|it| it.keys_outcome = Outcome::Denied)),
        ("a grant retired", first(|it| drop(it.grants.pop()))),
        ("grants denied", first(|it| it.grants_outcome = Outcome::Denied)),
        ("not entered", first(|it| it.outcome = AccountOutcome::NotEntered)),
        ("excluded", first(|it| it.outcome = AccountOutcome::Excluded)),
        ("suspended", first(|it| it.outcome = AccountOutcome::Inactive)),
        ("an account gone", world().with(|it| drop(it.accounts.remove(1)))),
        (
            "an account gone, unseen",
            world().with(|it| {
                it.accounts.remove(1);
                it.organization_denied = true;
            }),
        ),
        ("the Region out of scope", world().with(|it| it.regions = vec!["us-east-1".to_owned()])),
        (
            "another organization",
            world().with(|it| {
                it.organization = "o-another".to_owned();
                it.accounts.remove(0);
            }),
        ),
        ("no account", world().with(|it| it.accounts.clear())),
    ]
}

#[test]
fn every_comparison_balances() {
    let folder = tempfile::tempdir().unwrap();
    let frameworks = fixture::frameworks();
    let snapshots: Vec<_> =
        worlds().iter().map(|(name, world)| (*name, world.snapshot(&folder.path().join(name)))).collect();
    for (old_name, old) in &snapshots {
        for (new_name, new) in &snapshots {
            let balance = run(old, new, fixture::options(&frameworks), false).unwrap().balance;
            assert!(balance.holds(), "{old_name} → {new_name}: {balance:?}");
        }
    }
}

#[test]
fn what_can_no_longer_be_seen_is_never_fixed() {
    let expected = [
        ("a user undecided", 1),
        ("a user unread", 1),
        ("users denied", 2),
        ("a user hidden by a list cut short", 1),
        ("keys denied", 2),
        ("grants denied", 1),
        ("not entered", OPEN),
        ("excluded", OPEN),
        ("suspended", OPEN),
        ("an account gone", OPEN),
        ("an account gone, unseen", OPEN),
        ("the Region out of scope", 4),
        ("another organization", OPEN),
        ("no account", 2 * OPEN),
    ];
    let worlds: BTreeMap<&str, World> = worlds().into_iter().collect();
    for (name, lost) in expected {
        let changes = compare(&World::new(), &worlds[name]);
        assert_eq!((changes.balance.fixed, changes.balance.no_longer_assessable), (0, lost), "{name}");
        let back = compare(&worlds[name], &World::new());
        let came = back.balance.new + back.balance.newly_assessable;
        assert_eq!((back.balance.fixed, came), (0, lost), "back from {name}");
        let is_new = matches!(name, "an account gone" | "no account");
        assert_eq!(back.balance.new > 0, is_new, "back from {name}: {:?}", back.balance);
    }
}

#[test]
fn what_passes_is_exempt_or_provably_gone_is_fixed() {
    let worlds: BTreeMap<&str, World> = worlds().into_iter().collect();
    for name in ["a user mended", "a user exempt", "a user deleted", "a key deleted", "a grant retired"] {
        let changes = compare(&World::new(), &worlds[name]);
        assert_eq!(changes.balance.fixed, 1, "{name}: {:?}", changes.balance);
        assert_eq!(changes.balance.no_longer_assessable, 0, "{name}");
        let back = compare(&worlds[name], &World::new());
        assert_eq!(classes(&back).get(&Class::New), Some(&1), "back from {name}");
    }
}

#[test]
fn the_same_snapshot_twice_changes_nothing() {
    let changes = compare(&World::new(), &World::new());
    assert_eq!(classes(&changes), BTreeMap::from([(Class::Unchanged, 2 * OPEN)]));
    assert!(changes.accounts.is_empty() && changes.resources.is_empty());
}

#[test]
fn a_user_made_again_under_the_same_name_is_another_one() {
    let worlds: BTreeMap<&str, World> = worlds().into_iter().collect();
    let changes = compare(&World::new(), &worlds["a user replaced"]);
    assert_eq!(changes.resources.len(), 1);
    assert_eq!(changes.resources[0].fate, Fate::Replaced);
    let replaced: Vec<_> = changes.findings.iter().filter(|it| it.replaced).collect();
    assert_eq!(replaced.len(), 1);
    assert_eq!(replaced[0].class, Class::Unchanged);
}

#[test]
fn resources_come_and_go_only_between_whole_lists() {
    let worlds: BTreeMap<&str, World> = worlds().into_iter().collect();
    let fates = |old: &str, new: &str| -> Vec<(Fate, String)> {
        let changes = compare(&worlds[old], &worlds[new]);
        changes.resources.into_iter().map(|it| (it.fate, it.resource_arn)).collect()
    };
    let user = "arn:aws:iam::111122223333:user/mallory".to_owned();
    let key = |id: &str| format!("arn:aws:kms:{REGION}:111122223333:key/{id}");
    assert_eq!(fates("as it was", "a user deleted"), [(Fate::Went, user.clone())]);
    assert_eq!(fates("a user deleted", "as it was"), [(Fate::Came, user.clone())]);
    assert_eq!(fates("as it was", "a user hidden by a list cut short"), [(Fate::NotKnown, user.clone())]);
    assert_eq!(fates("a user hidden by a list cut short", "as it was"), [(Fate::NotKnown, user)]);
    assert_eq!(fates("as it was", "a key deleted"), [(Fate::Went, key("key-2"))]);
    let unseen = [(Fate::NotKnown, key("key-1")), (Fate::NotKnown, key("key-2"))];
    assert_eq!(fates("as it was", "keys denied"), unseen);
    assert_eq!(fates("as it was", "not entered"), []);
}

#[test]
fn accounts_leave_only_organizations_that_were_read_whole() {
    let worlds: BTreeMap<&str, World> = worlds().into_iter().collect();
    let what = |new: &str| -> Vec<String> {
        compare(&World::new(), &worlds[new]).accounts.into_iter().map(|it| it.what).collect()
    };
    assert_eq!(what("an account gone"), ["is no longer in the organization"]);
    let unseen = what("an account gone, unseen");
    assert!(unseen.len() == 1 && unseen[0].contains("whether it left is not known"), "{unseen:?}");
    assert!(what("not entered")[0].contains("could not be entered"));
    let moved = compare(&World::new(), &World::new().with(|it| it.accounts[1].unit = "ou-2".to_owned()));
    assert_eq!(moved.accounts[0].what, "moved from Root/unit to Root/Other");
    let other = what("another organization");
    assert!(other.iter().all(|it| !it.contains("no longer in the organization")), "{other:?}");
}

/// What changed of the access to the first key of the second account, which organization policies limit.
fn access(old: &World, new: &World) -> Vec<AccessChange> {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (old.snapshot(&folder.path().join("old")), new.snapshot(&folder.path().join("new")));
    let frameworks = fixture::frameworks();
    let mut changes = run(&old, &new, fixture::options(&frameworks), true).unwrap().access.unwrap();
    changes.retain(|it| it.key_arn.ends_with(":444455556666:key/key-1"));
    changes
}

/// The rows as a reader takes them in: `LOST trent decrypt: grant retired or revoked`.
fn told(old: &World, new: &World) -> Vec<String> {
    let told = |it: AccessChange| {
        assert!(it.because.is_none(), "{it:?}");
        let name = it.principal_arn.rsplit(['/', ':']).next().unwrap_or_default();
        format!("{} {name} {}: {}", it.change.words(), it.capability.word(), it.causes.join(", "))
    };
    access(old, new).into_iter().map(told).collect()
}

/// The world after a change of its second account.
fn second(change: impl FnOnce(&mut fixture::Account)) -> World {
    World::new().with(|it| change(&mut it.accounts[1]))
}

fn decrypt() -> Value {
    json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"})
}

/// The statement of an identity policy that looks at a tag.
fn decrypt_of_blue(key: &str) -> Value {
    json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEquals": {key: "blue"}}})
}

/// The statement of a key policy.
fn decrypt_by(user: &str) -> Value {
    let user = format!("arn:aws:iam::444455556666:user/{user}");
    json!({"Effect": "Allow", "Principal": {"AWS": user}, "Action": "kms:Decrypt", "Resource": "*"})
}

/// A world in which trent may decrypt by an inline policy, after a change of his account.
fn trusting(change: impl FnOnce(&mut fixture::Account)) -> World {
    second(|it| {
        it.policies.insert("user/trent", decrypt());
        change(it);
    })
}

/// The same under an organization policy.
fn limited(policy_type: &'static str) -> World {
    let mut statement = json!({"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"});
    if policy_type == "RESOURCE_CONTROL_POLICY" {
        statement["Principal"] = json!("*");
    }
    trusting(|_| ()).with(|it| drop(it.limits.insert(policy_type, statement)))
}

#[test]
fn nobody_gains_or_loses_between_equal_snapshots() {
    for world in [World::new(), trusting(|_| ()), limited("SERVICE_CONTROL_POLICY")] {
        assert_eq!(access(&world, &world), []);
    }
}

#[test]
fn what_decides_nothing_changes_nothing() {
    let without_effect = [
        ("a tag at which nothing looks", trusting(|it| it.teams.extend([("user/trent", "blue")]))),
        ("a second way to the same", trusting(|it| it.grants.push("to-trent".to_owned()))),
        ("a group that gives nothing", trusting(|it| it.users[2].2 = "good".to_owned())),
        ("a boundary that lets it through", trusting(|it| drop(it.policies.insert("boundary/trent", decrypt())))),
        ("the state of the key", trusting(|it| it.keys[0].1 = "Disabled".to_owned())),
        ("another user", trusting(|it| drop(it.users.remove(1)))),
        ("the unit of the account", trusting(|it| it.unit = "ou-2".to_owned())),
    ];
    for (what, world) in &without_effect {
        assert_eq!(told(&trusting(|_| ()), world), Vec::<String>::new(), "{what}");
        assert_eq!(told(world, &trusting(|_| ())), Vec::<String>::new(), "back from {what}");
    }
}

/// Who gains on the way from one world to the other, and what of it changes then and on the way back.
type Way = (World, World, &'static [&'static str], [&'static str; 2]);

fn go_both_ways(ways: &[Way]) {
    for (without, with, who, [gained, lost]) in ways {
        let rows = |turn: &str, cause: &str| -> Vec<String> {
            who.iter().map(|name| format!("{turn} {name} decrypt: {cause}")).collect()
        };
        assert_eq!(told(without, with), rows("GAINED", gained));
        assert_eq!(told(with, without), rows("LOST", lost));
    }
}

#[test]
fn whoever_gains_or_loses_by_a_policy_is_told_with_it() {
    let group_may = |group: &'static str| second(|it| drop(it.policies.insert(group, decrypt())));
    let in_odd = group_may("group/odd").with(|it| it.accounts[1].users[2].2 = "odd".to_owned());
    let other = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let bounded = trusting(|it| drop(it.policies.insert("boundary/trent", other)));
    let by_organization: &[&str] = &["root", "alice", "trent"];
    go_both_ways(&[
        (World::new(), second(|it| it.statements.push(decrypt_by("trent"))), &["trent"], ["key policy changed"; 2]),
        (World::new(), trusting(|_| ()), &["trent"], ["identity policies changed"; 2]),
        (group_may("group/odd"), in_odd, &["trent"], ["group membership changed"; 2]),
        (World::new(), group_may("group/bad"), &["mallory", "trent"], ["policies of groups changed"; 2]),
        (bounded, trusting(|_| ()), &["trent"], ["permissions boundary changed"; 2]),
        (limited("SERVICE_CONTROL_POLICY"), trusting(|_| ()), by_organization, ["service control policies changed"; 2]),
        (
            limited("RESOURCE_CONTROL_POLICY"),
            trusting(|_| ()),
            by_organization,
            ["resource control policies changed"; 2],
        ),
    ]);
}

#[test]
fn whoever_gains_or_loses_by_anything_else_is_told_with_it() {
    let granted = second(|it| it.grants.push("to-trent".to_owned()));
    let alone = trusting(|it| drop(it.users.remove(2)));
    let blue = |key: &str, bearer: Option<&'static str>| {
        second(|it| {
            it.policies.insert("user/trent", decrypt_of_blue(key));
            it.teams.extend(bearer.map(|bearer| (bearer, "blue")));
        })
    };
    let of_user = |bearer| blue("aws:PrincipalTag/team", bearer);
    let of_key = |bearer| blue("aws:ResourceTag/team", bearer);
    go_both_ways(&[
        (World::new(), granted, &["trent"], ["grant added", "grant retired or revoked"]),
        (alone, trusting(|_| ()), &["trent"], ["principal created", "principal deleted"]),
        (of_user(None), of_user(Some("user/trent")), &["trent"], ["attributes of the principal changed"; 2]),
        (of_key(None), of_key(Some("key/key-1")), &["trent"], ["attributes of the key changed"; 2]),
    ]);
}

#[test]
fn on_a_key_that_came_or_went_everything_is_gained_or_lost() {
    let without = second(|it| drop(it.keys.remove(0)));
    for (old, new, turn, cause) in
        [(&without, &World::new(), "GAINED ", ": key created"), (&World::new(), &without, "LOST ", ": key deleted")]
    {
        let rows = told(old, new);
        for who in ["root administer", "root destroy", "alice decrypt", "logs.eu-central-1.amazonaws.com encrypt"] {
            assert!(rows.contains(&format!("{turn}{who}{cause}")), "{who}: {rows:#?}");
        }
        assert!(rows.iter().all(|row| row.starts_with(turn) && row.ends_with(cause)), "{rows:#?}");
    }
}

#[test]
fn access_under_other_conditions_is_changed() {
    let free = second(|it| it.statements.push(decrypt_by("alice")));
    let changes = access(&World::new(), &free);
    let [change] = changes.as_slice() else { panic!("{changes:#?}") };
    assert_eq!((change.change, change.causes.as_slice()), (Turn::Changed, ["key policy changed"].as_slice()));
    let [old, new] = [&change.old, &change.new].map(|held| held.as_ref().unwrap());
    assert_eq!((old.access, new.access), ("allowed_if_chosen", "allowed"));
    assert!(old.conditions.len() == 1 && new.conditions.is_empty(), "{change:?}");
    assert_eq!(told(&free, &World::new()), ["CHANGED alice decrypt: key policy changed"]);
}

#[test]
fn several_things_that_changed_are_all_named() {
    let both = second(|it| {
        it.statements.push(decrypt_by("trent"));
        it.grants.push("to-trent".to_owned());
    });
    assert_eq!(told(&World::new(), &both), ["GAINED trent decrypt: key policy changed, grant added"]);
    assert_eq!(told(&both, &World::new()), ["LOST trent decrypt: key policy changed, grant retired or revoked"]);
    // A grant for another concerns nobody else.
    let apart = second(|it| {
        it.statements.push(decrypt_by("mallory"));
        it.grants.push("to-trent".to_owned());
    });
    assert_eq!(
        told(&World::new(), &apart),
        ["GAINED mallory decrypt: key policy changed", "GAINED trent decrypt: key policy changed, grant added"]
    );
}

#[test]
fn a_principal_made_again_under_the_same_name_is_replaced() {
    let again = |it: &mut fixture::Account| it.users[2].1 = "AIDAOTHER".to_owned();
    for (old, new) in [(trusting(|_| ()), trusting(again)), (trusting(again), trusting(|_| ()))] {
        assert_eq!(told(&old, &new), ["REPLACED trent decrypt: principal replaced"]);
    }
    // Whoever has nothing any more has lost it, whatever its id.
    assert_eq!(
        told(&trusting(|_| ()), &second(again)),
        ["LOST trent decrypt: principal replaced, identity policies changed"]
    );
    assert_eq!(
        told(&second(again), &trusting(|_| ())),
        ["GAINED trent decrypt: principal replaced, identity policies changed"]
    );
}

#[test]
fn what_could_not_be_read_is_neither_gained_nor_lost() {
    let granted = |change: fn(&mut fixture::Account)| {
        second(|it| {
            it.grants.push("to-trent".to_owned());
            change(it);
        })
    };
    let whole = || granted(|_| ());
    let deny = json!({"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"});
    let unread: [(&str, World); 9] = [
        ("the key policy", granted(|it| it.policy_outcome = Outcome::Denied)),
        ("the grants", granted(|it| it.grants_outcome = Outcome::Denied)),
        ("the users", granted(|it| it.users_outcome = Outcome::Denied)),
        (
            "some users",
            granted(|it| {
                it.users.remove(2);
                it.users_outcome = Outcome::Truncated;
            }),
        ),
        ("the keys", granted(|it| it.keys_outcome = Outcome::Denied)),
        ("the account", granted(|it| it.outcome = AccountOutcome::NotEntered)),
        ("the Region", whole().with(|it| it.regions = vec!["us-east-1".to_owned()])),
        ("the organization", whole().with(|it| it.organization_denied = true)),
        (
            "a policy of the organization",
            whole().with(|it| {
                it.limits.insert("SERVICE_CONTROL_POLICY", deny);
                it.limits_outcome = Outcome::Denied;
            }),
        ),
    ];
    for (what, unread) in &unread {
        for (old, new) in [(&whole(), unread), (unread, &whole())] {
            let changes = access(old, new);
            assert!(changes.iter().any(|it| it.principal_arn.ends_with("/trent")), "{what}: {changes:#?}");
            for it in changes {
                assert!(it.change == Turn::NotKnown && it.because.is_some() && it.causes.is_empty(), "{what}: {it:?}");
            }
        }
    }
}

#[test]
fn what_could_not_be_read_is_not_said_to_have_changed() {
    let blue = |change: fn(&mut fixture::Account)| {
        trusting(|it| {
            it.policies.insert("user/trent", decrypt_of_blue("aws:ResourceTag/team"));
            it.teams.insert("key/key-1", "blue");
            it.grants.push("to-mallory".to_owned());
            change(it);
        })
    };
    // The users lost all that an organization policy takes, whatever else became of it.
    let denied = blue(|it| {
        it.tags_outcome = Outcome::Denied;
        it.grants_outcome = Outcome::Denied;
        it.policy_outcome = Outcome::Denied;
    })
    .with(|it| it.limits = limited("SERVICE_CONTROL_POLICY").limits);
    for (old, new, turn) in [(&blue(|_| ()), &denied, Turn::Lost), (&denied, &blue(|_| ()), Turn::Gained)] {
        let changes = access(old, new);
        for name in ["alice", "mallory", "trent"] {
            let is_certain = |it: &&AccessChange| it.change == turn && it.principal_arn.ends_with(name);
            let change = changes.iter().find(is_certain).unwrap_or_else(|| panic!("{name}: {changes:#?}"));
            assert_eq!(change.causes, ["service control policies changed"], "{change:?}");
        }
    }
    let unread = World::new().with(|it| it.organization_denied = true);
    let granted = second(|it| it.grants.push("to-trent".to_owned()));
    let changes = access(&granted, &unread);
    let certain: Vec<_> = changes.iter().filter(|it| it.change != Turn::NotKnown).collect();
    let [change] = certain.as_slice() else { panic!("{changes:#?}") };
    assert!(change.change == Turn::Lost && change.causes == ["grant retired or revoked"], "{change:?}");
}

#[test]
fn what_may_be_on_a_key_that_came_or_went_is_not_known() {
    let without = second(|it| drop(it.keys.remove(0)));
    let unread = second(|it| it.policy_outcome = Outcome::Denied);
    for (old, new, side) in [(&without, &unread, "new snapshot: "), (&unread, &without, "old snapshot: ")] {
        let changes = access(old, new);
        let is_possible = |it: &&AccessChange| it.old.iter().chain(&it.new).any(|held| held.access == "possible");
        let (possible, certain): (Vec<_>, Vec<_>) = changes.iter().partition(is_possible);
        assert!(!possible.is_empty());
        for it in possible {
            let is_told = it.because.as_ref().is_some_and(|because| because.starts_with(side));
            assert!(it.change == Turn::NotKnown && is_told && it.causes.is_empty(), "{it:?}");
        }
        // The root user may retire every grant of its account, whatever the key policy says.
        assert_eq!(certain.iter().flat_map(|it| &it.actions).collect::<Vec<_>>(), ["kms:RetireGrant"]);
        assert!(certain.iter().all(|it| it.change != Turn::NotKnown), "{certain:#?}");
    }
}

#[test]
fn a_gap_casts_doubt_only_where_it_may_decide() {
    let unread = |change: fn(&mut fixture::Account)| {
        second(|it| {
            it.tags_outcome = Outcome::Denied;
            change(it);
        })
    };
    // A grant without constraints gives, whatever the tags of the key are.
    let granted = unread(|it| it.grants.push("to-trent".to_owned()));
    assert_eq!(told(&unread(|_| ()), &granted), ["GAINED trent decrypt: grant added"]);
    assert_eq!(told(&granted, &unread(|_| ())), ["LOST trent decrypt: grant retired or revoked"]);
    // A statement that looks at them may give, and may not.
    let looking = unread(|it| drop(it.policies.insert("user/trent", decrypt_of_blue("aws:ResourceTag/team"))));
    let changes = access(&World::new(), &looking);
    let [change] = changes.as_slice() else { panic!("{changes:#?}") };
    assert_eq!((change.change, change.capability.word()), (Turn::NotKnown, "decrypt"));
    assert!(change.because.as_ref().is_some_and(|it| it.contains("kms:ListResourceTags")), "{change:?}");
}
