//! Whom a key names and lets in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::directory::{Account, Directory};
use super::ground::Ground;
use super::key::Key;
use super::principal::{Principal, PrincipalKind};
use crate::policy::{self, Document, Effect, Found};

/// A key that stands for its class while decisions are made.
pub(super) struct Target<'a> {
    pub(super) key: &'a Key,
    /// Whom it names.
    named: BTreeSet<&'a policy::Principal>,
    /// Whether it speaks of everyone where it allows what is asked for.
    pub(super) is_open: bool,
    pub(super) policies: Vec<Arc<Document>>,
    /// For each Allow statement that speaks of everyone, the tests that the number or organization of an account decides.
    open_under: Vec<Vec<policy::ConditionTest>>,
}

impl<'a> Target<'a> {
    pub(super) fn new(key: &'a Key, ground: &Ground<'a>) -> Self {
        let policies = ground.spoken.of_limits(&key.policies);
        let is_open = match key.grants_gap {
            Some(_) => key.is_open_to_all(),
            None => policies.iter().flat_map(|it| it.statements_of(Effect::Allow)).any(Key::is_open),
        };
        let allowing = policies.iter().flat_map(|it| it.statements_of(Effect::Allow));
        let open_under = allowing.filter(|it| Key::is_open(it)).map(tests_of_accounts).collect();
        Self { key, named: key.named(), is_open, policies, open_under }
    }

    /// Whether it names a principal, alone or with its account.
    pub(super) fn names(&self, principal: &Principal) -> bool {
        self.named.iter().any(|entry| principal.caller.named_by(entry).is_some())
    }

    /// Whether it lets in whoever an account lets act, as far as the account's number and organization tell. `root`: the root
    /// user of the account.
    pub(super) fn lets_in(&self, account: &Account, root: Option<&Principal>) -> bool {
        let fails = |test: &policy::ConditionTest| {
            let found = match test.key.as_str() {
                "aws:principalorgid" => root.and_then(|root| root.context.find("aws:principalorgid")),
                _ => Some(Found::One(account.id.as_str())),
            };
            found.is_some_and(|found| !test.holds(found, &|_| Some(String::new())).is_possible())
        };
        self.key.grants_gap.is_some() || self.open_under.iter().any(|tests| !tests.iter().any(fails))
    }
}

/// The tests of a statement that the number or organization of an account decides.
fn tests_of_accounts(statement: &policy::Statement) -> Vec<policy::ConditionTest> {
    const KEYS: [&str; 3] = ["kms:calleraccount", "aws:principalaccount", "aws:principalorgid"];
    let is_decided = |test: &&policy::ConditionTest| KEYS.contains(&test.key.as_str()) && !is_related(test);
    statement.tests().filter(is_decided).cloned().collect()
}

/// Whether a test compares with a variable.
fn is_related(test: &policy::ConditionTest) -> bool {
    test.values.iter().any(policy::Text::has_variables)
}

/// Which entries of the key policies and grants of an account name which principals in particular.
pub(super) fn names<'a>(
    directory: &'a Directory,
    account: &'a Account,
) -> BTreeMap<(&'a str, PrincipalKind), Vec<usize>> {
    use policy::Principal as Entry;
    let mut names: BTreeMap<(&str, PrincipalKind), Vec<usize>> = BTreeMap::new();
    for (number, entry) in entries(account).into_iter().enumerate() {
        let named: Vec<&'a Principal> = match entry {
            Entry::User(arn) | Entry::Role(arn) => {
                let of_account = directory.accounts.get(&arn.account);
                let principals = of_account.map_or(&[][..], |account| &account.principals);
                let first = principals.partition_point(|it| it.arn < arn.arn);
                principals.iter().skip(first).take_while(|it| it.arn == arn.arn).collect()
            }
            // Ids are not sorted by anything, and few policies have them: those of principals that are gone.
            Entry::UniqueId(_) => directory.principals().collect(),
            _ => continue,
        };
        for principal in named.into_iter().filter(|principal| principal.caller.named_by(entry).is_some()) {
            names.entry((&principal.arn, principal.kind)).or_default().push(number);
        }
    }
    names
}

/// Every entry of the principal elements and grants on the keys of an account, once.
pub(super) fn entries(account: &Account) -> Vec<&policy::Principal> {
    let all: BTreeSet<&policy::Principal> = account.keys.iter().flat_map(entries_on).collect();
    all.into_iter().collect()
}

/// Every entry of the principal elements and grants on a key.
pub(super) fn entries_on(key: &Key) -> impl Iterator<Item = &policy::Principal> {
    let statements = key.policies.iter().flat_map(|named| &named.document.statements);
    let elements = statements.filter_map(|statement| statement.principal.as_ref());
    let of_grants = key.grants.iter().flat_map(|grant| grant.grantee.iter().chain(&grant.retiring));
    elements.flat_map(|element| &element.entries).chain(of_grants)
}
