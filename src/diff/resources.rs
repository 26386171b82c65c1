//! Accounts, principals and keys that came, went, or cannot be told to have.

use std::collections::BTreeSet;

use super::inventory::{Account, Inventory, List, Presence};
use super::{AccountChange, Fate, ResourceChange};

/// What changed among accounts, by id.
pub(super) fn accounts(before: &Inventory, after: &Inventory) -> Vec<AccountChange> {
    let ids: BTreeSet<&String> = before.accounts.keys().chain(after.accounts.keys()).collect();
    let mut changes = Vec::new();
    for id in ids {
        let (old, new) = (before.accounts.get(id), after.accounts.get(id));
        let comparable = [old, new].iter().all(|it| it.is_some_and(|it| it.closed.is_none()));
        let sentences = match (old, new) {
            (Some(old), Some(new)) => both(old, new),
            (Some(_), None) => vec![match after.membership(id) {
                Presence::Absent => "is no longer in the organization".to_owned(),
                Presence::There => "is in the organization, but not in the new snapshot".to_owned(),
                Presence::NotKnown(reason) => {
                    format!("is not in the new snapshot; whether it left is not known: {reason}")
                }
            }],
            (None, Some(_)) => vec![match before.membership(id) {
                Presence::Absent => "is new in the organization".to_owned(),
                Presence::There => "was in the organization, but not in the old snapshot".to_owned(),
                Presence::NotKnown(reason) => {
                    format!("was not in the old snapshot; whether it is new is not known: {reason}")
                }
            }],
            (None, None) => Vec::new(),
        };
        let name = new.or(old).map(|it| it.name.clone()).unwrap_or_default();
        changes.extend(sentences.into_iter().map(|what| AccountChange {
            account_id: id.clone(),
            name: name.clone(),
            what,
            comparable,
        }));
    }
    changes
}

fn both(old: &Account, new: &Account) -> Vec<String> {
    let mut sentences = Vec::new();
    if old.name != new.name {
        sentences.push(format!("was called {}", old.name));
    }
    if old.ou_path != new.ou_path && !old.ou_path.is_empty() && !new.ou_path.is_empty() {
        sentences.push(format!("moved from {} to {}", old.ou_path, new.ou_path));
    }
    match (&old.closed, &new.closed) {
        (None, Some(reason)) => sentences.push(format!("can no longer be compared: {reason}")),
        (Some(reason), None) => sentences.push(format!("is read now; before, {reason}")),
        (Some(old), Some(new)) if old == new => sentences.push(format!("was read in neither snapshot: {new}")),
        (Some(old), Some(new)) => sentences.push(format!("was read in neither snapshot: then {old}, now {new}")),
        (None, None) => {}
    }
    sentences
}

/// What changed among principals and keys of the accounts that both snapshots read. Of an account that only one of them read
/// the accounts tell, and nothing is said of what it holds.
pub(super) fn resources(before: &Inventory, after: &Inventory) -> Vec<ResourceChange> {
    let mut changes = Vec::new();
    for (id, old) in &before.accounts {
        let Some(new) = after.accounts.get(id) else { continue };
        if old.closed.is_some() || new.closed.is_some() {
            continue;
        }
        compare(id, "global", &old.principals, &new.principals, &mut changes);
        let regions: BTreeSet<&String> = old.regions.keys().chain(new.regions.keys()).collect();
        for region in regions {
            let missing = |gap: &Option<String>| List {
                gap: Some(gap.clone().unwrap_or_else(|| format!("the Region {region} is out of scope"))),
                ..List::default()
            };
            let (old_missing, new_missing) = (missing(&old.regions_gap), missing(&new.regions_gap));
            let old_keys = old.regions.get(region).map_or(&old_missing, |it| &it.keys);
            let new_keys = new.regions.get(region).map_or(&new_missing, |it| &it.keys);
            compare(id, region, old_keys, new_keys, &mut changes);
        }
    }
    changes.sort();
    changes
}

fn compare(account_id: &str, region: &str, old: &List, new: &List, changes: &mut Vec<ResourceChange>) {
    let mut say = |arn: &str, resource_type, fate, because: String| {
        changes.push(ResourceChange {
            account_id: account_id.to_owned(),
            region: region.to_owned(),
            resource_type,
            fate,
            resource_arn: arn.to_owned(),
            because,
        });
    };
    for (arn, instance) in &old.items {
        match (new.items.get(arn), &new.gap) {
            (Some(other), _) if other.id != instance.id && !other.id.is_empty() && !instance.id.is_empty() => {
                let because =
                    format!("the unique id was {}, and is {}: another one of the same name", instance.id, other.id);
                say(arn, instance.resource_type, Fate::Replaced, because);
            }
            (Some(_), _) => {}
            (None, None) => {
                say(arn, instance.resource_type, Fate::Went, "the new list is whole and does not hold it".to_owned());
            }
            (None, Some(gap)) => {
                say(
                    arn,
                    instance.resource_type,
                    Fate::NotKnown,
                    format!("it was there; the new list is not whole: {gap}"),
                );
            }
        }
    }
    for (arn, instance) in new.items.iter().filter(|(arn, _)| !old.items.contains_key(*arn)) {
        match &old.gap {
            None => {
                say(arn, instance.resource_type, Fate::Came, "the old list is whole and does not hold it".to_owned())
            }
            Some(gap) => {
                say(
                    arn,
                    instance.resource_type,
                    Fate::NotKnown,
                    format!("it is there; the old list is not whole: {gap}"),
                );
            }
        }
    }
}
