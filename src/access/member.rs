//! Accounts of which no principal was read, as decisions on one key tell them apart: most of an organization is alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::directory::Directory;
use super::key::Key;
use super::kin::is_of_account;
use super::organization::Kind;
use super::principal::Principal;
use super::target::entries_on;
use crate::policy::{Comparison, ConditionTest, Context, Document, Operator, Text};

/// Keys, in lower case, whose values hold the number of the account beside what its administrators choose.
const OF_PRINCIPALS: [&str; 2] = ["aws:principalarn", "aws:userid"];

/// Members of the organization by what decisions see of them, by the address of who stands for each. Those at whom a document of the
/// organization looks are in no class. They are kept, so that nobody else comes to lie in their place.
#[derive(Debug, Default)]
pub(super) struct Members(BTreeMap<usize, (Arc<Principal>, usize)>);

/// What decisions see of an account, beside what keys say of it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Likeness<'a> {
    /// Which service control policies limit it.
    alike: usize,
    is_management: bool,
    context: &'a Context,
    assumptions: &'a [ConditionTest],
}

impl Members {
    /// Puts members into classes.
    pub(super) fn new(directory: &Directory, members: &[Arc<Principal>]) -> Self {
        let estate = &directory.estate;
        let mut of_limits: BTreeMap<usize, Option<BTreeSet<String>>> = BTreeMap::new();
        let mut numbers: BTreeMap<Likeness<'_>, usize> = BTreeMap::new();
        let mut class_of = BTreeMap::new();
        for member in members {
            let Some(alike) = estate.alike(&member.account_id) else { continue };
            let apart = of_limits.entry(alike).or_insert_with(|| {
                let levels = estate.levels(&member.account_id, Kind::Service);
                let documents = levels.iter().flatten().flatten().map(|named| &named.document);
                Some(told_apart_by(documents)?.into_iter().map(str::to_owned).collect())
            });
            let is_apart = apart.as_ref().is_none_or(|apart| apart.contains(&member.account_id));
            if is_apart || !member.assumptions.iter().all(tells_nobody_apart) {
                continue;
            }
            let likeness = Likeness {
                alike,
                is_management: estate.is_management(&member.account_id),
                context: &member.context,
                assumptions: &member.assumptions,
            };
            let next = numbers.len();
            let class = *numbers.entry(likeness).or_insert(next);
            class_of.insert(Arc::as_ptr(member).addr(), (member.clone(), class));
        }
        Self(class_of)
    }
}

/// One key, while it is asked which members decisions on it tell apart.
#[derive(Debug)]
pub struct OfMembers<'a> {
    members: &'a Members,
    /// The accounts that what attaches to the key tells apart from others; nothing where it may tell apart all.
    apart: Option<BTreeSet<&'a str>>,
}

impl<'a> OfMembers<'a> {
    /// Looks through what attaches to a key.
    pub fn new(directory: &'a Directory, key: &'a Key) -> Self {
        let resource_control = directory.resource_control(&key.account_id).into_iter().flatten().flatten();
        let documents = key.policies.iter().chain(resource_control).map(|named| &named.document);
        let accounts = entries_on(key).filter_map(|entry| entry.account());
        let issuing = key.grants.iter().filter_map(|grant| grant.issuing_account.as_deref());
        let named = accounts.chain(issuing).chain([key.account_id.as_str()]);
        let apart = told_apart_by(documents).filter(|_| key.assumptions.iter().all(tells_nobody_apart));
        Self { members: &directory.members, apart: apart.map(|apart| apart.into_iter().chain(named).collect()) }
    }

    /// The class of a principal, as it lies in the directory: accounts of one class have the same on the key. Nothing where it may be
    /// told apart from all others, or is no account of which nobody was read.
    pub fn class_of(&self, principal: &Principal) -> Option<usize> {
        let (_, class) = self.members.0.get(&std::ptr::from_ref(principal).addr())?;
        let is_apart = self.apart.as_ref().is_none_or(|apart| apart.contains(principal.account_id.as_str()));
        (!is_apart).then_some(*class)
    }
}

/// The accounts that documents tell apart from others, by naming them or by conditions; nothing where they may tell apart all.
fn told_apart_by<'d>(documents: impl Iterator<Item = &'d Arc<Document>>) -> Option<BTreeSet<&'d str>> {
    let mut apart = BTreeSet::new();
    for statement in documents.flat_map(|document| &document.statements) {
        if statement.texts().any(Text::has_variables) {
            return None;
        }
        let entries = statement.principal.iter().flat_map(|element| &element.entries);
        apart.extend(entries.filter_map(|entry| entry.account()));
        for test in statement.tests() {
            apart.extend(told_apart(test)?);
        }
    }
    Some(apart)
}

/// The accounts that a test tells apart from others; nothing where it may tell apart all.
fn told_apart(test: &ConditionTest) -> Option<Vec<&str>> {
    let key = test.key.as_str();
    let tells = is_of_account(key) || OF_PRINCIPALS.contains(&key);
    // An order of numbers or dates tells accounts apart that no value names.
    if tells && !compares_texts(test.operator) {
        return None;
    }
    let values = test.values.iter().map(Text::source);
    let is_number = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let has_digits = |text: &str| text.contains(|letter: char| letter.is_ascii_digit());
    let mut apart = Vec::new();
    if is_of_account(key) {
        for value in values {
            match is_number(value) {
                true => apart.push(value),
                false if has_digits(value) => return None,
                // All numbers match a pattern without digits, or none does.
                false => {}
            }
        }
    } else if OF_PRINCIPALS.contains(&key) {
        for value in values.filter(|value| has_digits(value)) {
            let fields: Vec<&str> = value.splitn(6, ':').collect();
            let [head @ .., account, _] = fields.as_slice() else { return None };
            match *account {
                _ if head.len() != 4 || head.iter().any(|field| field.contains(['*', '?'])) => return None,
                "*" => {}
                account if is_number(account) => apart.push(account),
                _ => return None,
            }
        }
    }
    Some(apart)
}

/// Whether values are compared letter by letter, or not at all.
fn compares_texts(operator: Operator) -> bool {
    match operator {
        Operator::Compare(comparing) => matches!(
            comparing.comparison,
            Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike | Comparison::Arn
        ),
        Operator::Null | Operator::Unknown | Operator::Unread => true,
    }
}

fn tells_nobody_apart(test: &ConditionTest) -> bool {
    told_apart(test).is_some_and(|apart| apart.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixtures::{MANAGEMENT, ORGANIZATION, OWNER, SIBLING, World, delegation};
    use super::*;
    use crate::policy::{Access, Action};

    const OTHERS: [&str; 4] = ["555566667777", "666677778888", "777788889999", "888899990000"];

    /// A key that is open under a condition, and members under policies of their own.
    fn directory(condition: &serde_json::Value) -> Directory {
        let mut world = World::new();
        OTHERS.iter().for_each(|id| world.join(id));
        let members = json!({"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
            "Condition": condition});
        world.key(OWNER, "one", &json!([delegation(OWNER), members]));
        let never = json!({"Effect": "Deny", "Action": "kms:*", "Resource": "*"});
        world.service_control("Never", &never, OTHERS[0]);
        let custodians = json!({"Effect": "Deny", "Action": "kms:*", "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Custodian"}}});
        world.service_control("Custodians", &custodians, OTHERS[1]);
        let this = json!({"Effect": "Deny", "Action": "kms:*", "Resource": "*",
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": format!("arn:aws:iam::{}:role/*", OTHERS[2])}}});
        world.service_control("This", &this, OTHERS[2]);
        world.directory_of(OWNER)
    }

    /// Each member that is asked, with its class and what it has.
    fn found(directory: &Directory) -> Vec<(&str, Option<usize>, Access)> {
        let key = directory.keys().next().unwrap();
        let of_members = OfMembers::new(directory, key);
        let of = |principal: &&Arc<Principal>| principal.arn.ends_with(":root");
        key.outsiders
            .iter()
            .filter(of)
            .map(|principal| {
                let cell = directory.cell(principal, key, &Action::new("kms:Decrypt")).unwrap();
                (principal.account_id.as_str(), of_members.class_of(principal), cell.access)
            })
            .collect()
    }

    #[test]
    fn members_of_a_class_have_the_same() {
        let directory = directory(&json!({"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}));
        let found = found(&directory);
        assert_eq!(found.len(), 6, "{found:?}");
        let mut known = BTreeMap::new();
        for (account, class, access) in &found {
            if let Some(class) = class {
                assert_eq!(known.entry(*class).or_insert(*access), access, "{account} in {found:?}");
            }
        }
        let class_of = |id: &str| found.iter().find(|(account, ..)| *account == id).unwrap().1;
        assert!(class_of(SIBLING).is_some() && class_of(SIBLING) == class_of(OTHERS[3]), "{found:?}");
        // What denies makes a class of its own, as does a pattern of all accounts; an account that is named is asked for itself.
        assert!(class_of(OTHERS[0]).is_some() && class_of(OTHERS[0]) != class_of(SIBLING));
        assert!(class_of(OTHERS[1]).is_some() && class_of(OTHERS[1]) != class_of(SIBLING));
        assert_eq!(class_of(OTHERS[2]), None);
    }

    #[test]
    fn what_only_policies_over_a_member_look_at_is_known_of_it() {
        let mut world = World::new();
        world.key(
            OWNER,
            "one",
            &json!([delegation(OWNER), {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt",
            "Resource": "*"}]),
        );
        let here = json!({"Effect": "Deny", "Action": "kms:*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}});
        world.service_control("Here", &here, SIBLING);
        let directory = world.directory_of(OWNER);
        let access = |id: &str| found(&directory).into_iter().find(|(account, ..)| *account == id).unwrap().2;
        assert_eq!(access(SIBLING), Access::Denied);
        assert_ne!(access(MANAGEMENT), Access::Denied);
    }

    #[test]
    fn accounts_that_conditions_name_are_told_apart() {
        for condition in [
            json!({"StringNotEquals": {"aws:PrincipalAccount": SIBLING}}),
            json!({"StringEquals": {"kms:CallerAccount": SIBLING}}),
            json!({"ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::{SIBLING}:*")}}),
            json!({"ArnLike": {"aws:PrincipalArn": [format!("arn:aws:iam::{SIBLING}:role/R2"), "arn:aws:iam::*:role/R2"]}}),
        ] {
            let directory = directory(&condition);
            let found = found(&directory);
            let class_of = |id: &str| found.iter().find(|(account, ..)| *account == id).unwrap().1;
            assert_eq!(class_of(SIBLING), None, "{condition}: {found:?}");
            let mut known = BTreeMap::new();
            for (account, class, access) in &found {
                if let Some(class) = class {
                    assert_eq!(known.entry(*class).or_insert(*access), access, "{account} under {condition}");
                }
            }
            assert!(class_of(OTHERS[3]).is_some(), "{condition}: {found:?}");
        }
    }

    #[test]
    fn a_condition_that_may_tell_all_apart_makes_no_classes() {
        for condition in [
            json!({"StringLike": {"aws:PrincipalAccount": "4*"}}),
            json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*2*"}}),
            json!({"ArnLike": {"aws:PrincipalArn": "arn:*:iam::444455556666:role/*"}}),
            json!({"NumericGreaterThan": {"aws:PrincipalAccount": "600000000000"}}),
            json!({"DateLessThan": {"kms:CallerAccount": "600000000000"}}),
            json!({"StringEquals": {"aws:PrincipalTag/team": "${aws:PrincipalAccount}"}}),
        ] {
            let directory = directory(&condition);
            let found = found(&directory);
            assert!(found.iter().all(|(_, class, _)| class.is_none()), "{condition}: {found:?}");
        }
    }
}
