//! Principals that no decision can tell apart by what attaches to them, and the parts of documents that bear on decisions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::directory::{Account, Directory, Tested};
use super::document::Named;
use super::organization::Levels;
use super::principal::{self, PrincipalKind};
use crate::policy::{
    Action, ConditionTest, Context, Digested, Document, Effect, Found, KmsResources, Match, PolicyRef, Principal,
    Statement, Text,
};

/// What the documents of a directory say of some actions.
#[derive(Debug)]
pub(super) struct Spoken {
    /// The documents that speak of one, by address, without the statements that do not. What says the same is one.
    documents: BTreeMap<usize, Arc<Document>>,
    /// At which keys those statements look.
    pub(super) tested: Tested,
    /// The addresses of those of which a statement looks at the account of the caller.
    of_accounts: BTreeSet<usize>,
    /// By address, the accounts of whose keys alone a document can speak.
    narrow: BTreeMap<usize, BTreeSet<String>>,
    /// What stands for a policy that says nothing.
    silent: Arc<Document>,
}

/// Documents are interned: one that stands in two places is one.
pub(super) fn address(document: &Arc<Document>) -> usize {
    Arc::as_ptr(document).addr()
}

impl Spoken {
    /// Reads every document of a directory.
    pub(super) fn new(directory: &Directory, actions: &[Action]) -> Self {
        let all: Vec<&Arc<Document>> = directory.documents().collect();
        let cut = |document: &&Arc<Document>| Some(Digested::new(Arc::new(document.about(actions)?)));
        let cut: Vec<Option<Digested>> = all.par_iter().map(cut).collect();
        // What is asked of no key is decided by all that speaks of it.
        let is_all_on_keys = actions.iter().all(is_on_key);
        let mut once: BTreeSet<Digested> = BTreeSet::new();
        let mut spoken = Self {
            documents: BTreeMap::new(),
            tested: Tested::default(),
            of_accounts: BTreeSet::new(),
            narrow: BTreeMap::new(),
            silent: Arc::new(Document::silent()),
        };
        for (document, cut) in all.iter().zip(cut) {
            let Some(cut) = cut else { continue };
            let known = once.get(&cut).map(|known| known.document().clone());
            let said = known.unwrap_or_else(|| {
                let said = cut.document().clone();
                spoken.tested.add(&said);
                if looks_at_account(&said) {
                    spoken.of_accounts.insert(address(&said));
                }
                if let Some(accounts) = accounts_spoken_of(&said).filter(|_| is_all_on_keys) {
                    spoken.narrow.insert(address(&said), accounts);
                }
                once.insert(cut);
                said
            });
            spoken.documents.insert(address(document), said);
        }
        spoken
    }

    /// What a document says; `None` where that is nothing.
    pub(super) fn of(&self, named: &Named) -> Option<&Arc<Document>> {
        self.documents.get(&address(&named.document))
    }

    /// Whether a statement looks at the account of the caller.
    pub(super) fn looks_at_account(&self, document: &Arc<Document>) -> bool {
        self.of_accounts.contains(&address(document))
    }

    /// Whether a document may speak of keys of any account.
    pub(super) fn is_wide(&self, document: &Arc<Document>) -> bool {
        !self.narrow.contains_key(&address(document))
    }

    /// The accounts of whose keys alone a document can speak.
    pub(super) fn accounts_of(&self, document: &Arc<Document>) -> impl Iterator<Item = &String> {
        self.narrow.get(&address(document)).into_iter().flatten()
    }

    /// What each of some documents says. One that says nothing is there all the same: a policy that limits and says nothing
    /// allows nothing.
    pub(super) fn of_limits(&self, list: &[Named]) -> Vec<Arc<Document>> {
        list.iter().map(|named| self.of(named).unwrap_or(&self.silent).clone()).collect()
    }

    /// The same, level by level.
    pub(super) fn of_levels(&self, levels: &Levels) -> Option<Vec<Vec<Arc<Document>>>> {
        levels.as_ref().map(|levels| levels.iter().map(|level| self.of_limits(level)).collect())
    }

    /// What is known of requests, as far as a statement looks at it.
    pub(super) fn looked_at(&self, context: &Context) -> Context {
        let mut context = context.clone();
        context.retain(|key| self.tested.has(key));
        context
    }

    /// The assumptions at which a statement looks.
    pub(super) fn assumed<'a>(&self, assumptions: &'a [ConditionTest]) -> Vec<&'a ConditionTest> {
        assumptions.iter().filter(|test| self.tested.has(&test.key)).collect()
    }

    /// The statements as they stand in the policies of a principal of a class, of which only some policies are known.
    pub(super) fn placed(&self, place: PolicyRef, among: Among, principal: &principal::Principal) -> PolicyRef {
        let PolicyRef::Identity(place_among) = place else { return place };
        let is_among = |document: &Arc<Document>| among == Among::Speaking || self.is_wide(document);
        let numbered = principal.identity.iter().enumerate();
        let mut known = numbered.filter(|(_, named)| self.of(named).is_some_and(is_among));
        known.nth(place_among).map_or(place, |(place, _)| PolicyRef::Identity(place))
    }
}

/// Among which of a principal's identity policies a place counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    /// Those that speak of an action.
    Speaking,
    /// Those of these that may speak of keys of any account.
    Wide,
}

/// Principals of one account to which the same attaches.
#[derive(Debug)]
pub(super) struct Kin<'a> {
    /// The first of them.
    pub(super) one: &'a principal::Principal,
    /// The identity policies that speak.
    pub(super) identity: Vec<Arc<Document>>,
    pub(super) boundary: Vec<Arc<Document>>,
    /// What their requests always hold; equal contexts of an account are one.
    pub(super) context: Arc<Context>,
    pub(super) assumptions: Vec<&'a ConditionTest>,
    /// What comes of the tests of their ARN and name.
    pub(super) outcomes: Vec<Match>,
    /// The ARN, where it cannot be shared.
    pub(super) alone: Option<&'a str>,
    /// Sorted by ARN.
    pub(super) members: Vec<&'a principal::Principal>,
}

/// What decisions can see of a principal beside how policies and grants name it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Likeness<'a> {
    kind: PrincipalKind,
    is_service_linked: bool,
    identity: Vec<usize>,
    boundary: Vec<usize>,
    context: Arc<Context>,
    assumptions: Vec<&'a ConditionTest>,
    /// What comes of the tests of its ARN and name.
    outcomes: Vec<Match>,
    /// Its ARN, where it cannot be shared.
    alone: Option<&'a str>,
}

impl<'a> Kin<'a> {
    /// What decisions can see of it beside its identity policies and how policies and grants name it.
    pub(super) fn but_for_identity(&self) -> impl Ord + 'a {
        Likeness {
            kind: self.one.kind,
            is_service_linked: self.one.caller.is_service_linked_role(),
            identity: vec![],
            boundary: self.boundary.iter().map(address).collect(),
            context: self.context.clone(),
            assumptions: self.assumptions.clone(),
            outcomes: self.outcomes.clone(),
            alone: self.alone,
        }
    }
}

/// The classes of an account's principals.
pub(super) fn all<'a>(account: &'a Account, spoken: &Spoken) -> Vec<Kin<'a>> {
    let tested = &spoken.tested;
    let names_itself = ["aws:principalarn", "aws:username"].iter().any(|key| tested.variables.contains(*key))
        || tested.of_principals.iter().any(|test| test.values.iter().any(Text::has_variables));
    let mut kin: Vec<Kin<'a>> = Vec::new();
    let mut numbers: BTreeMap<Likeness<'a>, usize> = BTreeMap::new();
    let mut contexts: BTreeSet<Arc<Context>> = BTreeSet::new();
    for principal in &account.principals {
        let identity: Vec<Arc<Document>> = principal.identity.iter().filter_map(|it| spoken.of(it)).cloned().collect();
        let boundary = spoken.of_limits(&principal.boundary);
        let context = Arc::new(spoken.looked_at(&principal.context));
        let context = contexts.get(&context).cloned().unwrap_or_else(|| {
            contexts.insert(context.clone());
            context
        });
        let assumptions = spoken.assumed(&principal.assumptions);
        let likeness = Likeness {
            kind: principal.kind,
            is_service_linked: principal.caller.is_service_linked_role(),
            identity: identity.iter().map(address).collect(),
            boundary: boundary.iter().map(address).collect(),
            context: context.clone(),
            assumptions: assumptions.clone(),
            outcomes: outcomes(principal, tested),
            alone: names_itself.then_some(&principal.arn),
        };
        let (outcomes, alone) = (likeness.outcomes.clone(), likeness.alone);
        match numbers.get(&likeness).and_then(|number| kin.get_mut(*number)) {
            Some(known) => known.members.push(principal),
            None => {
                numbers.insert(likeness, kin.len());
                let members = vec![principal];
                let one = principal;
                kin.push(Kin { one, identity, boundary, context, assumptions, outcomes, alone, members });
            }
        }
    }
    kin
}

/// What comes of the tests of a principal's ARN and name.
fn outcomes(principal: &principal::Principal, tested: &Tested) -> Vec<Match> {
    let arn = principal.caller.principal_arn();
    let outcome = |test: &ConditionTest| {
        let found = match test.key.as_str() {
            "aws:username" => principal.caller.user_name(),
            _ => arn,
        };
        test.holds(found.map_or(Found::Absent, Found::One), &|_| None)
    };
    tested.of_principals.iter().map(outcome).collect()
}

/// What a document may say of one resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct May {
    pub(super) allow: bool,
    pub(super) deny: bool,
}

/// What a document may say of a resource.
pub(super) fn may(document: &Document, arn: &str) -> May {
    let speaks = |statement: &Statement| {
        let Some(resources) = &statement.resources else { return true };
        resources.negated
            || resources
                .patterns
                .iter()
                .any(|pattern| pattern.text().has_variables() || pattern.matches(Some(arn), &|_| None).is_possible())
    };
    let has = |effect| document.statements_of(effect).any(speaks);
    May { allow: has(Effect::Allow), deny: has(Effect::Deny) }
}

/// The account numbers that stand in a text between colons.
pub(super) fn accounts_in(text: &str) -> impl Iterator<Item = &str> {
    let mut fields = text.split(':').peekable();
    // The first and the last field have a colon on one side only.
    fields.next();
    std::iter::from_fn(move || {
        let field = fields.next()?;
        fields.peek().map(|_| field)
    })
    .filter(|field| field.len() == 12 && field.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The accounts of whose resources alone a document can speak: every resource that it lists asks for a number between colons.
fn accounts_spoken_of(document: &Document) -> Option<BTreeSet<String>> {
    let mut accounts = BTreeSet::new();
    for statement in &document.statements {
        let resources = statement.resources.as_ref().filter(|resources| !resources.negated)?;
        for pattern in &resources.patterns {
            let text = pattern.text();
            let mut literal = text.source().split(['*', '?']).flat_map(accounts_in);
            let account = literal.next().filter(|_| !text.has_variables())?;
            accounts.insert(account.to_owned());
        }
    }
    Some(accounts)
}

/// Whether KMS decides the action by what is allowed on the key.
pub(super) fn is_on_key(action: &Action) -> bool {
    action.kms().is_some_and(|it| it.resources != KmsResources::None)
}

/// Whether the values of a condition key, in lower case, are the number of the caller's account.
pub(super) fn is_of_account(key: &str) -> bool {
    matches!(key, "kms:calleraccount" | "aws:principalaccount")
}

/// Whether a statement looks at the account of the caller.
fn looks_at_account(document: &Document) -> bool {
    let mut statements = document.statements.iter();
    statements.any(|statement| {
        let variables = statement.texts().flat_map(Text::variables).map(|variable| variable.key.as_str());
        let element = statement.principal.as_ref();
        let names_some = element.is_some_and(|element| {
            let is_some = |entry: &Principal| *entry != Principal::Everyone;
            element.negated || (statement.effect == Effect::Deny && element.entries.iter().any(is_some))
        });
        names_some || statement.tests().map(|test| test.key.as_str()).chain(variables).any(is_of_account)
    })
}
