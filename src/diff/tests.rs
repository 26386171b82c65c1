//! Nothing is fixed, gone or new that the other snapshot could not see, and the sum always balances.

use std::collections::BTreeMap;

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

/// What changed of the access to the first key of the first account.
fn access(old: &World, new: &World) -> Vec<AccessChange> {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (old.snapshot(&folder.path().join("old")), new.snapshot(&folder.path().join("new")));
    let frameworks = fixture::frameworks();
    let mut changes = run(&old, &new, fixture::options(&frameworks), true).unwrap().access.unwrap();
    changes.retain(|it| it.key_arn.ends_with(":111122223333:key/key-1"));
    changes
}

fn first(change: impl FnOnce(&mut fixture::Account)) -> World {
    World::new().with(|it| change(&mut it.accounts[0]))
}

#[test]
fn nobody_gains_or_loses_between_equal_snapshots() {
    assert_eq!(access(&World::new(), &World::new()), []);
}

#[test]
fn what_could_not_be_read_is_neither_gained_nor_lost() {
    let granted = first(|it| it.grants.push("to-trent".to_owned()));
    let unread: [(&str, World); 7] = [
        ("the key policy", first(|it| it.policy_outcome = Outcome::Denied)),
        ("the grants", first(|it| it.grants_outcome = Outcome::Denied)),
        ("the users", first(|it| it.users_outcome = Outcome::Denied)),
        (
            "some users",
            first(|it| {
                it.users.remove(2);
                it.users_outcome = Outcome::Truncated;
            }),
        ),
        ("the keys", first(|it| it.keys_outcome = Outcome::Denied)),
        ("the account", first(|it| it.outcome = AccountOutcome::NotEntered)),
        ("the Region", World::new().with(|it| it.regions = vec!["us-east-1".to_owned()])),
    ];
    for (what, unread) in &unread {
        for (old, new) in [(&granted, unread), (unread, &granted)] {
            let changes = access(old, new);
            assert!(!changes.is_empty(), "{what}: nothing is said");
            for it in changes {
                assert!(it.change == Turn::NotKnown && it.because.is_some() && it.causes.is_empty(), "{what}: {it:?}");
            }
        }
    }
}
