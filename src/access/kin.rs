//! Principals that no decision can tell apart by what attaches to them, and the parts of documents that bear on decisions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::directory::{Account, Directory, Tested};
use super::document::Named;
use super::organization::Levels;
use super::principal::{self, PrincipalKind};
use crate::policy::{
    Action, ConditionTest, Context, Document, Effect, Found, Match, PolicyRef, Principal, Statement, Text,
};

/// What the documents of a directory say of some actions.
#[derive(Debug)]
pub(super) struct Spoken {
    /// The documents that speak of one, by address, without the statements that do not. What says the same is one.
    documents: BTreeMap<usize, Arc<Document>>,
    /// At which keys those statements look.
    pub(super) tested: Tested,
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
        let cut: Vec<Option<Arc<Document>>> =
            all.par_iter().map(|document| document.about(actions).map(Arc::new)).collect();
        let mut once: BTreeSet<Arc<Document>> = BTreeSet::new();
        let mut spoken =
            Self { documents: BTreeMap::new(), tested: Tested::default(), silent: Arc::new(Document::silent()) };
        for (document, cut) in all.iter().zip(cut) {
            let Some(cut) = cut else { continue };
            let known = once.get(&cut).cloned();
            let cut = known.unwrap_or_else(|| {
                spoken.tested.add(&cut);
                once.insert(cut.clone());
                cut
            });
            spoken.documents.insert(address(document), cut);
        }
        spoken
    }

    /// What a document says; `None` where that is nothing.
    pub(super) fn of(&self, named: &Named) -> Option<&Arc<Document>> {
        self.documents.get(&address(&named.document))
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

    /// The statements as they stand in the policies of a principal of a class, of which only the policies that speak are
    /// known.
    pub(super) fn placed(&self, place: PolicyRef, principal: &principal::Principal) -> PolicyRef {
        let PolicyRef::Identity(among_speaking) = place else { return place };
        let numbered = principal.identity.iter().enumerate();
        let mut speaking = numbered.filter(|(_, named)| self.of(named).is_some());
        speaking.nth(among_speaking).map_or(place, |(place, _)| PolicyRef::Identity(place))
    }
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

/// Whether a statement looks at the account of the caller.
pub(super) fn looks_at_account(document: &Document) -> bool {
    let is_of_account = |key: &str| matches!(key, "kms:calleraccount" | "aws:principalaccount");
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
