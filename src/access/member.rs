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
