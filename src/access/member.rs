//! Accounts of which no principal was read, as decisions on one key tell them apart: most of an organization is alike.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::directory::Directory;
use super::document::Named;
use super::key::Key;
use super::kin::address;
use super::organization::Kind;
use super::principal::Principal;
use super::target::entries_on;
use crate::policy::{ConditionTest, Context, Document, Statement, Text};

/// Keys, in lower case, whose values tell accounts apart.
const OF_ACCOUNTS: [&str; 2] = ["aws:principalaccount", "kms:calleraccount"];

/// Keys, in lower case, whose values hold the number of the account beside what its administrators choose.
const OF_PRINCIPALS: [&str; 2] = ["aws:principalarn", "aws:userid"];

/// Members of the organization by what decisions see of them, by the address of who stands for each. Those at whom a document of the
/// organization looks are in no class. They are kept, so that nobody else comes to lie in their place.
#[derive(Debug, Default)]
pub(super) struct Members(HashMap<usize, (Arc<Principal>, usize)>);

/// What decisions see of an account, beside what keys say of it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Likeness<'a> {
    service_control: Option<Vec<Vec<usize>>>,
    is_management: bool,
    context: &'a Context,
    assumptions: &'a [ConditionTest],
}

impl Members {
    /// Puts members into classes.
    pub(super) fn new(directory: &Directory, members: &[Arc<Principal>]) -> Self {
        let mut looking: BTreeMap<usize, bool> = BTreeMap::new();
        let mut numbers: BTreeMap<Likeness<'_>, usize> = BTreeMap::new();
        let mut class_of = HashMap::new();
        for member in members {
            let levels = directory.estate.levels(&member.account_id, Kind::Service);
            let documents = || levels.iter().flatten().flatten().map(|named| &named.document);
            let mut is_looking =
                |it: &Arc<Document>| *looking.entry(address(it)).or_insert_with(|| looks_at_callers(it));
            if documents().any(&mut is_looking) || member.assumptions.iter().any(looks) {
                continue;
            }
            let of_level = |level: &Vec<Named>| level.iter().map(|named| address(&named.document)).collect();
            let likeness = Likeness {
                service_control: levels.as_ref().as_ref().map(|levels| levels.iter().map(of_level).collect()),
                is_management: directory.estate.is_management(&member.account_id),
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
    /// Whether nothing that attaches to the key looks at who calls, beside the accounts that it names.
    is_blind: bool,
    named: BTreeSet<&'a str>,
}

impl<'a> OfMembers<'a> {
    /// Looks through what attaches to a key.
    pub fn new(directory: &'a Directory, key: &'a Key) -> Self {
        let resource_control = directory.resource_control(&key.account_id).into_iter().flatten().flatten();
        let mut documents = key.policies.iter().chain(resource_control).map(|named| &named.document);
        let accounts = entries_on(key).filter_map(|entry| entry.account());
        let issuing = key.grants.iter().filter_map(|grant| grant.issuing_account.as_deref());
        Self {
            members: &directory.members,
            is_blind: !documents.any(|document| looks_at_callers(document)) && !key.assumptions.iter().any(looks),
            named: accounts.chain(issuing).chain([key.account_id.as_str()]).collect(),
        }
    }

    /// The class of a principal, as it lies in the directory: accounts of one class have the same on the key. Nothing where it may be
    /// told apart from all others, or is no account of which nobody was read.
    pub fn class_of(&self, principal: &Principal) -> Option<usize> {
        let (_, class) = self.members.0.get(&std::ptr::from_ref(principal).addr())?;
        (self.is_blind && !self.named.contains(principal.account_id.as_str())).then_some(*class)
    }
}

/// Whether a document tells callers apart otherwise than by the entries of its principal elements.
fn looks_at_callers(document: &Document) -> bool {
    let of_statement =
        |statement: &Statement| statement.tests().any(looks) || statement.texts().any(Text::has_variables);
    document.statements.iter().any(of_statement)
}

/// Whether a test tells accounts apart. A pattern without digits takes the ARNs of one account as it takes those of all.
fn looks(test: &ConditionTest) -> bool {
    let has_digits = |value: &Text| value.source().contains(|letter: char| letter.is_ascii_digit());
    let key = test.key.as_str();
    OF_ACCOUNTS.contains(&key) || (OF_PRINCIPALS.contains(&key) && test.values.iter().any(has_digits))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Estate;
    use super::super::fixtures::{ORGANIZATION, OWNER, SIBLING, World, delegation};
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
        let mut directory = Directory::new("aws", Estate::new(world.organization.clone()));
        directory.add(world.account(OWNER));
        directory.finished()
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
        // What denies makes a class of its own, as does a pattern of all accounts; one of this account is asked for itself.
        assert!(class_of(OTHERS[0]).is_some() && class_of(OTHERS[0]) != class_of(SIBLING));
        assert!(class_of(OTHERS[1]).is_some() && class_of(OTHERS[1]) != class_of(SIBLING));
        assert_eq!(class_of(OTHERS[2]), None);
    }

    #[test]
    fn a_key_that_looks_at_accounts_tells_all_apart() {
        for condition in [
            json!({"StringNotEquals": {"aws:PrincipalAccount": SIBLING}}),
            json!({"StringEquals": {"kms:CallerAccount": SIBLING}}),
            json!({"ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::{SIBLING}:*")}}),
            json!({"StringEquals": {"aws:PrincipalTag/team": "${aws:PrincipalAccount}"}}),
        ] {
            let directory = directory(&condition);
            let found = found(&directory);
            assert!(found.iter().all(|(_, class, _)| class.is_none()), "{condition}: {found:?}");
        }
    }
}
