//! The matrix of principals and keys, computed by classes: principals that no decision can tell apart share a row, keys that none
//! can tell apart share a column (semantics 5.5).

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::alike::alike;
use super::cell::Cell;
use super::directory::{Account, Directory};
use super::document::Named;
use super::key::Key;
use super::organization::Kind;
use super::principal::{Principal, PrincipalKind};
use super::who::Decided;
use crate::policy::{
    self, Access, Action, ConditionTest, Context, Document, Found, Grant, Match, Naming, PolicyRef, ResourcePattern,
    Unanswered,
};

/// How many keys are expanded into rows at once.
const GROUP: usize = 64;

/// The decisions on the keys of all accounts, one for each class of principals, class of keys and action.
#[derive(Debug)]
pub struct Matrix<'a> {
    directory: &'a Directory,
    actions: &'a [Action],
    blocks: BTreeMap<&'a str, Block<'a>>,
}

/// The keys of one account.
#[derive(Debug, Default)]
struct Block<'a> {
    /// The class of each principal.
    rows: BTreeMap<Row, usize>,
    row_of: BTreeMap<(String, PrincipalKind), usize>,
    /// The class of each key, by ARN.
    column_of: BTreeMap<&'a str, usize>,
    /// For each action the position of the one that is decided as it is.
    alike: Vec<usize>,
    /// The documents, by address, that speak of an action that is asked for.
    speaking: BTreeSet<usize>,
    /// By row, column and position of such an action.
    cells: BTreeMap<(usize, usize, usize), Cell>,
    /// How many principal-key pairs the classes stand for.
    pairs: u64,
}

/// What decisions on the keys of one account can see of a principal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    kind: PrincipalKind,
    account_id: String,
    is_service_linked: bool,
    identity: Vec<usize>,
    boundary: Vec<usize>,
    context: Context,
    assumptions: Vec<ConditionTest>,
    /// How each entry of the key policies and grants names it.
    namings: Vec<Option<Naming>>,
    /// What comes of the tests of its ARN and name.
    outcomes: Vec<Match>,
    /// Its ARN, where it cannot be shared.
    alone: Option<String>,
}

/// What decisions can see of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Column<'a> {
    region: &'a str,
    is_aws_managed: Option<bool>,
    policies: Vec<usize>,
    /// Whether grants may be missing.
    grants_gap: bool,
    grants: &'a [Grant],
    context: &'a Context,
    assumptions: &'a [ConditionTest],
    /// Whether each resource pattern in play matches it.
    matches: Vec<Match>,
    /// Its ARN, where it cannot be shared.
    alone: Option<&'a str>,
}

impl<'a> Matrix<'a> {
    /// Decides every class.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn new(directory: &'a Directory, actions: &'a [Action]) -> Result<Self, Unanswered> {
        let accounts: Vec<&Account> = directory.accounts.values().collect();
        Self::of(directory, &accounts, actions)
    }

    /// Decides every class of the keys of some accounts.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn of(directory: &'a Directory, accounts: &[&'a Account], actions: &'a [Action]) -> Result<Self, Unanswered> {
        let blocks: Result<Vec<(&str, Block<'_>)>, Unanswered> = accounts
            .par_iter()
            .map(|account| Ok((account.id.as_str(), Block::new(directory, account, actions)?)))
            .collect();
        Ok(Self { directory, actions, blocks: blocks?.into_iter().collect() })
    }

    /// The number of decisions made, and of the principal-key-action triples that they stand for.
    pub fn size(&self) -> (u64, u64) {
        let cells = self.blocks.values().map(|block| block.cells.len() as u64).sum();
        let pairs: u64 = self.blocks.values().map(|block| block.pairs).sum();
        (cells, pairs * self.actions.len() as u64)
    }

    /// The decisions that leave something, one principal, key and action at a time, sorted by key, principal and action.
    ///
    /// # Errors
    /// When `deliver` fails.
    pub fn expand<E>(
        &self,
        is_wanted: impl Fn(&Key) -> bool + Sync,
        mut deliver: impl FnMut(&Decided<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut keys: Vec<&Key> = self.directory.keys().filter(|key| is_wanted(key)).collect();
        keys.sort_by(|a, b| a.arn.cmp(&b.arn));
        for group in keys.chunks(GROUP) {
            let expanded: Vec<Vec<Decided<'_>>> = group.par_iter().map(|key| self.on(key)).collect();
            for decided in expanded.iter().flatten() {
                deliver(decided)?;
            }
        }
        Ok(())
    }

    /// The decisions on one key that leave something, sorted by principal, then in the order of the actions.
    pub fn on(&self, key: &'a Key) -> Vec<Decided<'a>> {
        let Some(block) = self.blocks.get(key.account_id.as_str()) else { return vec![] };
        let Some(column) = block.column_of.get(key.arn.as_str()) else { return vec![] };
        let mut decided = Vec::new();
        for principal in self.directory.candidates(key) {
            let Some(row) = block.row_of.get(&(principal.arn.clone(), principal.kind)) else { continue };
            let places = bearing(&principal, &block.speaking);
            for (action, position) in self.actions.iter().zip(&block.alike) {
                let cell = block.cells.get(&(*row, *column, *position));
                if let Some(cell) = cell.filter(|cell| cell.access != Access::Denied) {
                    let mut cell = cell.clone();
                    // The class knows the documents that bear on it; this principal may have others between them.
                    for decider in &mut cell.statements {
                        if let PolicyRef::Identity(place) = &mut decider.policy {
                            *place = places.get(*place).copied().unwrap_or(*place);
                        }
                    }
                    decided.push(Decided { principal: principal.clone(), key, action, cell });
                }
            }
        }
        decided
    }
}

impl Directory {
    /// The class of each key of an account, by ARN: no decision that leaves grants out can tell keys of one class apart.
    pub fn key_classes(&self, account_id: &str) -> BTreeMap<String, usize> {
        let Some(account) = self.accounts.get(account_id) else { return BTreeMap::new() };
        let candidates: Vec<Vec<Cow<'_, Principal>>> = account.keys.iter().map(|key| self.candidates(key)).collect();
        let documents = documents(self, account, &candidates);
        let lent: Vec<&Document> = documents.values().map(AsRef::as_ref).collect();
        let mut numbers: BTreeMap<Column<'_>, usize> = BTreeMap::new();
        let mut class_of = BTreeMap::new();
        for (key, column) in account.keys.iter().zip(columns(account, &lent)) {
            let next = numbers.len();
            let class = *numbers.entry(Column { grants: &[], ..column }).or_insert(next);
            class_of.insert(key.arn.clone(), class);
        }
        class_of
    }
}

impl<'a> Block<'a> {
    fn new(directory: &'a Directory, account: &'a Account, actions: &[Action]) -> Result<Self, Unanswered> {
        let mut block = Self::default();
        let candidates: Vec<Vec<Cow<'a, Principal>>> =
            account.keys.iter().map(|key| directory.candidates(key)).collect();
        let documents = documents(directory, account, &candidates);
        block.speaking = documents.iter().filter(|(_, it)| speaks(it, actions)).map(|(address, _)| *address).collect();
        let speaking = documents.iter().filter(|(address, _)| block.speaking.contains(address));
        let lent: Vec<&Document> = speaking.map(|(_, document)| document.as_ref()).collect();
        block.alike = alike(actions, &lent, &account.keys, &directory.tested);
        let deciding: BTreeSet<usize> = block.alike.iter().copied().collect();
        let columns = columns(account, &lent);
        let entries = entries(account);
        let mut numbers: BTreeMap<&Column<'_>, usize> = BTreeMap::new();
        for ((key, column), candidates) in account.keys.iter().zip(&columns).zip(&candidates) {
            let next = numbers.len();
            let column = *numbers.entry(column).or_insert(next);
            block.column_of.insert(&key.arn, column);
            block.pairs += candidates.len() as u64;
            for principal in candidates {
                let row = block.row(directory, principal, &entries);
                for (position, action) in actions.iter().enumerate().filter(|(it, _)| deciding.contains(it)) {
                    if let Entry::Vacant(place) = block.cells.entry((row, column, position)) {
                        place.insert(directory.cell(&reduced(principal, &block.speaking), key, action)?);
                    }
                }
            }
        }
        Ok(block)
    }

    /// The class of a principal.
    fn row(&mut self, directory: &Directory, principal: &Principal, entries: &[&policy::Principal]) -> usize {
        let name = (principal.arn.clone(), principal.kind);
        if let Some(known) = self.row_of.get(&name) {
            return *known;
        }
        let next = self.rows.len();
        let row = Row::new(directory, &reduced(principal, &self.speaking), entries);
        let number = *self.rows.entry(row).or_insert(next);
        self.row_of.insert(name, number);
        number
    }
}

/// Documents are interned: one that stands in two places is one.
fn address(named: &Named) -> usize {
    Arc::as_ptr(&named.document).addr()
}

/// Whether a document speaks of one of the actions.
fn speaks(document: &Document, actions: &[Action]) -> bool {
    let of_one = |action: &Action| {
        document.statements.iter().any(|statement| statement.matches_action(action.name()).is_possible())
    };
    actions.iter().any(of_one)
}

/// The places of the identity policies that bear on decisions: those that speak of an action that is asked for.
fn bearing(principal: &Principal, speaking: &BTreeSet<usize>) -> Vec<usize> {
    let numbered = principal.identity.iter().enumerate();
    numbered.filter(|(_, named)| speaking.contains(&address(named))).map(|(place, _)| place).collect()
}

/// The principal with no other identity policies than those that bear on decisions. A boundary that says nothing allows
/// nothing, so it stays.
fn reduced(principal: &Principal, speaking: &BTreeSet<usize>) -> Principal {
    let identity = principal.identity.iter().filter(|named| speaking.contains(&address(named)));
    Principal { identity: identity.cloned().collect(), ..principal.clone() }
}

impl Row {
    fn new(directory: &Directory, principal: &Principal, entries: &[&policy::Principal]) -> Self {
        let tested = &directory.tested;
        let arn = principal.caller.principal_arn();
        let outcomes = tested.of_principals.iter().map(|test| {
            let found = match test.key.as_str() {
                "aws:username" => principal.caller.user_name(),
                _ => arn,
            };
            test.holds(found.map_or(Found::Absent, Found::One), &|_| None)
        });
        let names_itself = ["aws:principalarn", "aws:username"].iter().any(|key| tested.variables.contains(*key))
            || tested.of_principals.iter().any(|test| test.values.iter().any(policy::Text::has_variables));
        Self {
            kind: principal.kind,
            account_id: principal.account_id.clone(),
            is_service_linked: principal.caller.is_service_linked_role(),
            identity: principal.identity.iter().map(address).collect(),
            boundary: principal.boundary.iter().map(address).collect(),
            context: principal.context.clone(),
            assumptions: principal.assumptions.clone(),
            namings: entries.iter().map(|entry| principal.caller.named_by(entry)).collect(),
            outcomes: outcomes.collect(),
            alone: names_itself.then(|| principal.arn.clone()),
        }
    }
}

/// Every entry of the principal elements and grants on the keys of an account.
fn entries(account: &Account) -> Vec<&policy::Principal> {
    let documents: BTreeSet<&Document> =
        account.keys.iter().flat_map(|key| &key.policies).map(|named| named.document.as_ref()).collect();
    let statements = documents.into_iter().flat_map(|document| &document.statements);
    let elements = statements.filter_map(|statement| statement.principal.as_ref());
    let grants = account.keys.iter().flat_map(|key| &key.grants);
    let of_grants = grants.flat_map(|grant| grant.grantee.iter().chain(&grant.retiring));
    let all: BTreeSet<&policy::Principal> = elements.flat_map(|element| &element.entries).chain(of_grants).collect();
    all.into_iter().collect()
}

/// Every document in play in decisions on the keys of an account, by its address.
fn documents(
    directory: &Directory,
    account: &Account,
    candidates: &[Vec<Cow<'_, Principal>>],
) -> BTreeMap<usize, Arc<Document>> {
    let mut documents: BTreeMap<usize, Arc<Document>> = BTreeMap::new();
    let mut add = |named: &Named| {
        documents.entry(address(named)).or_insert_with(|| named.document.clone());
    };
    let mut seen = BTreeSet::new();
    for principal in candidates.iter().flatten() {
        if seen.insert((&principal.arn, principal.kind)) {
            principal.identity.iter().chain(&principal.boundary).for_each(&mut add);
        }
    }
    let of: BTreeSet<&str> = candidates.iter().flatten().map(|principal| principal.account_id.as_str()).collect();
    for id in of {
        match directory.accounts.get(id) {
            Some(account) => account.service_control.iter().flatten().flatten().for_each(&mut add),
            // A member that was not read is limited all the same.
            None => directory.estate.levels(id, Kind::Service).iter().flatten().flatten().for_each(&mut add),
        }
    }
    account.resource_control.iter().flatten().flatten().for_each(&mut add);
    account.keys.iter().flat_map(|key| &key.policies).for_each(&mut add);
    documents
}

/// What decisions can see of each key of an account.
fn columns<'a>(account: &'a Account, documents: &[&Document]) -> Vec<Column<'a>> {
    let statements = documents.iter().flat_map(|document| &document.statements);
    let patterns = statements.flat_map(|statement| &statement.resources).flat_map(|resources| &resources.patterns);
    let patterns: BTreeSet<&ResourcePattern> = patterns.filter(|pattern| !pattern.is_everything()).collect();
    account.keys.iter().map(|key| Column::new(key, &patterns)).collect()
}

impl<'a> Column<'a> {
    fn new(key: &'a Key, patterns: &BTreeSet<&ResourcePattern>) -> Self {
        let (open, fixed): (Vec<&ResourcePattern>, Vec<&ResourcePattern>) =
            patterns.iter().copied().partition(|pattern| pattern.text().has_variables());
        let may_match = |pattern: &&ResourcePattern| pattern.text().widest_glob().matches(&key.arn);
        Self {
            region: &key.region,
            is_aws_managed: key.is_aws_managed,
            policies: key.policies.iter().map(address).collect(),
            grants_gap: key.grants_gap.is_some(),
            grants: &key.grants,
            context: &key.context,
            assumptions: &key.assumptions,
            matches: fixed.iter().map(|pattern| pattern.matches(Some(&key.arn), &|_| None)).collect(),
            alone: open.iter().any(may_match).then_some(&key.arn),
        }
    }
}
