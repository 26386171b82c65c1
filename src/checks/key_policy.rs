//! What the checks of key policies share: who is exempt, which statements speak of the key, how answers become one verdict.

use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::{Judged, Reach, reference};
use crate::access::{
    Cell, Directory, Key as AccessKey, OfMembers, OnKey, Principal, PrincipalKind, SeenClass, StandIns,
};
use crate::finding::{Judgement, StatementReference, Verdict};
use crate::model::{Gap, Key, KeyManager, KeyPolicy};
use crate::policy::{
    Access, Action, Document, Effect, KeyClass, Match, Naming, PolicyRef, PrincipalElement, Requirement,
    ResourcePattern, Statement, Unanswered,
};

/// A key whose policies could all be read.
pub(super) struct Policies<'a> {
    pub(super) key: &'a Key,
    documents: Vec<(&'a KeyPolicy, &'a Document)>,
}

/// A statement of a policy of the key that speaks of it, for certain or perhaps.
#[derive(Clone, Copy)]
pub(super) struct Spoken<'a> {
    pub(super) statement: &'a Statement,
    /// Whether its `Resource` matches the key.
    pub(super) on_key: Match,
    policy: &'a KeyPolicy,
}

/// Judges the policies of a customer managed key.
pub(super) fn judged(key: &Key, judge: impl FnOnce(&Policies<'_>) -> Judged) -> Judged {
    let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
    if metadata.key_manager == KeyManager::Aws {
        return Ok(Judgement::not_applicable("AWS manages the key and its policy").because_of(&metadata.source));
    }
    // Any policy that could not be read may hold the statement that decides.
    let policies = key.policies.whole()?;
    let documents: Result<Vec<_>, Gap> =
        policies.iter().map(|policy| Ok((policy, policy.document.as_deref().map_err(Clone::clone)?))).collect();
    let documents = documents?;
    if documents.is_empty() {
        return Err(Gap::malformed("kms:ListKeyPolicies", &[&key.id], "a key without a policy cannot exist"));
    }
    let judgement = judge(&Policies { key, documents })?;
    Ok(judgement.because_of_all(policies.iter().map(|policy| &policy.source)))
}

impl<'a> Policies<'a> {
    /// The statements of one effect that may speak of the key.
    pub(super) fn statements(&self, effect: Effect) -> impl Iterator<Item = Spoken<'a>> {
        self.documents.iter().flat_map(move |(policy, document)| {
            document.statements_of(effect).filter_map(move |statement| {
                let on_key = on_key(statement, &self.key.arn);
                on_key.is_possible().then_some(Spoken { statement, on_key, policy })
            })
        })
    }

    /// The statements of the key policies that decide a cell.
    pub(super) fn deciding(&self, cell: &Cell) -> Vec<StatementReference> {
        let found = cell.statements.iter().filter_map(|decider| match decider.policy {
            PolicyRef::Key(place) => {
                let (policy, document) = self.documents.get(place)?;
                let statement = document.statements.iter().find(|statement| statement.index == decider.index)?;
                Some(reference(&policy.name, statement))
            }
            _ => None,
        });
        found.collect()
    }

    /// The key as decisions see it.
    pub(super) fn in_directory<'d>(&self, reach: &'d Reach<'_>) -> Result<&'d AccessKey, Gap> {
        let Key { arn, id, .. } = self.key;
        let missing = || Gap::malformed("kms:ListKeys", &[id], format!("{arn} is no ARN of a key of this account"));
        reach.directory().key(arn).ok_or_else(missing)
    }

    /// The same without its grants, for what only policies can give.
    pub(super) fn without_grants(&self, reach: &Reach<'_>) -> Result<AccessKey, Gap> {
        let mut key = self.in_directory(reach)?.clone();
        key.grants.clear();
        Ok(key)
    }
}

impl<'a> Spoken<'a> {
    /// Its name in findings.
    pub(super) fn reference(&self) -> StatementReference {
        reference(&self.policy.name, self.statement)
    }

    /// Whom it names.
    pub(super) fn principal(&self) -> Option<&'a PrincipalElement> {
        self.statement.principal.as_ref()
    }
}

/// Whether the `Resource` of a statement matches the key; a variable in it may.
pub(super) fn on_key(statement: &Statement, arn: &str) -> Match {
    let Some(resources) = &statement.resources else { return Match::No };
    let has_variables = |pattern: &ResourcePattern| pattern.text().has_variables();
    match resources.matches(Some(arn), &|_| None) {
        Match::No if resources.patterns.iter().any(has_variables) => Match::Unsure,
        other => other,
    }
}

/// What is said of one statement or principal.
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) text: String,
    pub(super) statements: Vec<StatementReference>,
}

impl Answer {
    pub(super) fn new(
        verdict: Verdict,
        text: impl Into<String>,
        statements: impl IntoIterator<Item = StatementReference>,
    ) -> Self {
        Self { verdict, text: text.into(), statements: statements.into_iter().collect() }
    }
}

/// How many answers a reason spells out; the others are counted.
const SPELT_OUT: usize = 5;

/// What is said of principals, each by a text of its own: those of whom nothing is spelt out are counted.
#[derive(Default)]
pub(super) struct Tally {
    spelt_out: Vec<Answer>,
    counts: BTreeMap<usize, usize>,
    /// The lists of statements met so far, by address. Each is kept, so that no other comes to lie in its place.
    met: BTreeMap<(usize, usize), Rc<[StatementReference]>>,
}

/// The worst verdicts first.
const WORST: [Verdict; 3] = [Verdict::Fail, Verdict::Undecided, Verdict::Pass];

impl Tally {
    /// Adds what is said of one.
    pub(super) fn add(
        &mut self,
        verdict: Verdict,
        statements: &Rc<[StatementReference]>,
        text: impl FnOnce() -> String,
    ) {
        let rank = WORST.iter().position(|it| *it == verdict).unwrap_or(WORST.len());
        let count = self.counts.entry(rank).or_default();
        *count += 1;
        let is_new = self.met.insert((rank, statements.as_ptr().addr()), statements.clone()).is_none();
        if *count <= SPELT_OUT {
            self.spelt_out.push(Answer { verdict, text: text(), statements: vec![] });
        }
        if is_new && let Some(answer) = self.spelt_out.iter_mut().find(|answer| answer.verdict == verdict) {
            answer.statements.extend(statements.iter().cloned());
        }
    }

    /// Whether nothing was said.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Whether somebody fails.
    pub(super) fn has_failed(&self) -> bool {
        self.counts.contains_key(&0)
    }

    /// The worst answers decide, and are said; without any the reason is `otherwise`.
    pub(super) fn conclude(self, otherwise: impl Into<String>) -> Judgement {
        let worst = self.counts.first_key_value().map_or(0, |(_, count)| *count);
        concluded(self.spelt_out, worst.saturating_sub(SPELT_OUT), otherwise)
    }
}

/// The worst answers decide, and are said; without any the reason is `otherwise`.
pub(super) fn conclude(answers: Vec<Answer>, otherwise: impl Into<String>) -> Judgement {
    concluded(answers, 0, otherwise)
}

/// The same; `more` of the worst are not among the answers.
fn concluded(mut answers: Vec<Answer>, more: usize, otherwise: impl Into<String>) -> Judgement {
    let worst = WORST.into_iter().find(|verdict| answers.iter().any(|answer| answer.verdict == *verdict));
    answers.retain(|answer| Some(answer.verdict) == worst);
    let mut met = BTreeSet::new();
    let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).filter(|text| met.insert(*text)).collect();
    let mut reason = texts.iter().take(SPELT_OUT).copied().collect::<Vec<_>>().join("; ");
    let more = texts.len().saturating_sub(SPELT_OUT) + more;
    if more > 0 {
        reason.push_str(&format!("; and {more} more"));
    }
    let judgement = match worst {
        Some(Verdict::Fail) => Judgement::fail(reason),
        Some(Verdict::Undecided) => Judgement::undecided(reason),
        Some(Verdict::Pass | Verdict::NotApplicable | Verdict::Manual) => Judgement::pass(reason),
        None => Judgement::pass(otherwise),
    };
    let mut statements: Vec<StatementReference> = answers.into_iter().flat_map(|answer| answer.statements).collect();
    statements.sort();
    statements.dedup();
    judgement.by_statements(statements)
}

/// What follows when a question about effective access has no answer.
pub(super) fn unanswered(error: &Unanswered) -> Judgement {
    Judgement::undecided(error.to_string())
}

/// The actions of these names.
pub(super) fn actions(names: &[&str]) -> Vec<Action> {
    names.iter().map(|name| Action::new(name)).collect()
}

/// Some actions on one key: what is the same whoever asks for them.
pub(super) struct Asking<'k> {
    directory: &'k Directory,
    key: &'k AccessKey,
    actions: Vec<Asked>,
    /// Which decisions count.
    counts: fn(&Action, &Cell) -> bool,
    /// The Allow statements of the policies of the key that may speak of one of them.
    allows: Vec<&'k Statement>,
    /// By the place of an identity policy, which actions it may allow on the key. Most stand with many principals.
    known: RefCell<BTreeMap<usize, Own>>,
    members: OfMembers<'k>,
}

/// A document, kept so that no other comes to lie in its place, and whether an Allow of it may speak of each action on the key.
type Own = (Arc<Document>, Rc<[bool]>);

/// One action, with the places of the Allow statements that may speak of it.
struct Asked {
    action: Action,
    allows: Vec<usize>,
}

impl<'k> Asking<'k> {
    /// Looks the actions up.
    pub(super) fn new(directory: &'k Directory, key: &'k AccessKey, names: &[&str]) -> Self {
        let speaks = |statement: &Statement, name: &str| statement.matches_action(name).is_possible();
        let statements = key.policies.iter().flat_map(|named| named.document.statements_of(Effect::Allow));
        let allows: Vec<&Statement> = statements.filter(|it| names.iter().any(|name| speaks(it, name))).collect();
        let asked = |name: &&str| {
            let numbered = allows.iter().enumerate().filter(|(_, statement)| speaks(statement, name));
            Asked { action: Action::new(name), allows: numbered.map(|(place, _)| place).collect() }
        };
        Self {
            directory,
            key,
            actions: names.iter().map(asked).collect(),
            counts: |_, _| true,
            allows,
            known: RefCell::default(),
            members: OfMembers::new(directory, key),
        }
    }

    /// The same, but some decisions do not count.
    pub(super) fn counting(self, counts: fn(&Action, &Cell) -> bool) -> Self {
        Self { counts, ..self }
    }

    /// What a principal has of the actions, as far as it takes to know: the first that it certainly has, else one that it may
    /// have.
    pub(super) fn first(&self, principal: &Principal) -> Result<Option<(&Action, Cell)>, Unanswered> {
        let mut perhaps = None;
        // What no Allow speaks of need not be decided.
        for action in self.within_reach(principal) {
            let mut cell = self.directory.cell(principal, self.key, action)?;
            if hangs_on_the_unknown(&cell, principal) {
                cell = cell.perhaps();
            }
            match cell.access {
                Access::Denied => {}
                _ if !(self.counts)(action, &cell) => {}
                Access::Possible => perhaps = perhaps.or(Some((action, cell))),
                _ => return Ok(Some((action, cell))),
            }
        }
        Ok(perhaps)
    }

    /// What `say` says of a principal, as it lies in the directory: once of all members of the organization who have the same of the
    /// actions.
    pub(super) fn once<T: Clone>(
        &self,
        principal: &Principal,
        known: &mut BTreeMap<usize, T>,
        say: impl FnOnce() -> Result<T, Unanswered>,
    ) -> Result<T, Unanswered> {
        match self.members.class_of(principal).map(|class| known.entry(class)) {
            None => say(),
            Some(Entry::Occupied(known)) => Ok(known.get().clone()),
            Some(Entry::Vacant(unknown)) => Ok(unknown.insert(say()?).clone()),
        }
    }

    /// Whether anything may give a principal one of the actions.
    pub(super) fn may_be_of(&self, principal: &Principal) -> bool {
        !self.within_reach(principal).is_empty()
    }

    /// The actions that something may give a principal.
    fn within_reach(&self, principal: &Principal) -> Vec<&Action> {
        let needs_no_identity_policy =
            !matches!(principal.kind, PrincipalKind::User | PrincipalKind::Role | PrincipalKind::Session);
        let is_open = needs_no_identity_policy || self.key.policy_gap.is_some();
        let own: Vec<Rc<[bool]>> = match is_open {
            true => vec![],
            false => principal.identity.iter().map(|named| self.allowed_by(&named.document)).collect(),
        };
        let named: Vec<bool> = self.allows.iter().map(|statement| !is_open && is_named(principal, statement)).collect();
        let is_within = |(place, asked): &(usize, &Asked)| {
            let is_granted = || asked.action.kms().is_some_and(|it| it.grant_operation) && !self.key.grants.is_empty();
            is_open
                || own.iter().any(|allowed| allowed.get(*place) == Some(&true))
                || asked.allows.iter().any(|statement| named.get(*statement) == Some(&true))
                || is_granted()
        };
        self.actions.iter().enumerate().filter(is_within).map(|(_, asked)| &asked.action).collect()
    }

    /// Whether an Allow of an identity policy may speak of each action on the key.
    fn allowed_by(&self, document: &Arc<Document>) -> Rc<[bool]> {
        let place = Arc::as_ptr(document).addr();
        let mut known = self.known.borrow_mut();
        let (_, allowed) = known.entry(place).or_insert_with(|| {
            let statements = document.statements_of(Effect::Allow);
            let on_key: Vec<&Statement> = statements.filter(|it| on_key(it, &self.key.arn).is_possible()).collect();
            let is_allowed =
                |asked: &Asked| on_key.iter().any(|it| it.matches_action(asked.action.name()).is_possible());
            (document.clone(), self.actions.iter().map(is_allowed).collect())
        });
        allowed.clone()
    }
}

/// What is said of an account's principals on one key: once of a class, and once of all classes that the key cannot tell apart.
/// `K`: what else it depends on.
pub(super) struct OfClasses<'s, K, T> {
    stand_ins: &'s StandIns,
    on_key: OnKey<'s>,
    known: BTreeMap<(usize, K), Option<Rc<T>>>,
    alike: BTreeMap<(SeenClass, K), Option<Rc<T>>>,
}

impl<'s, K: Copy + Ord, T> OfClasses<'s, K, T> {
    pub(super) fn new(stand_ins: &'s StandIns, key: &AccessKey) -> Self {
        Self { stand_ins, on_key: stand_ins.on(key), known: BTreeMap::new(), alike: BTreeMap::new() }
    }

    /// What `say` says of whoever stands for a class; nothing of a class that does not exist.
    pub(super) fn said(
        &mut self,
        class: usize,
        kind: K,
        say: impl FnOnce(&Principal) -> Result<Option<T>, Unanswered>,
    ) -> Result<Option<Rc<T>>, Unanswered> {
        if let Some(known) = self.known.get(&(class, kind)) {
            return Ok(known.clone());
        }
        let (Some(seen), Some(one)) = (self.on_key.seen(class), self.stand_ins.one(class)) else {
            return Ok(None);
        };
        let said = match self.alike.entry((seen, kind)) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => unknown.insert(say(one)?.map(Rc::new)).clone(),
        };
        self.known.insert((class, kind), said.clone());
        Ok(said)
    }
}

/// Whether the access depends on a property of principal or key, such as a tag, that could not be read. Of an account as a whole
/// the properties are its administrators' choice.
fn hangs_on_the_unknown(cell: &Cell, principal: &Principal) -> bool {
    let is_property = |requirement: &Requirement| requirement.class == KeyClass::Property;
    let is_chosen = matches!(principal.kind, PrincipalKind::Account | PrincipalKind::Everyone);
    !is_chosen
        && cell.access != Access::Denied
        && !cell.conditions.is_empty()
        && cell.conditions.iter().all(|all| all.iter().any(is_property))
}

/// Whether a statement of a key policy names a principal otherwise than by its account.
fn is_named(principal: &Principal, statement: &Statement) -> bool {
    statement.principal.as_ref().is_some_and(|element| {
        let mut namings = element.entries.iter().filter_map(|entry| principal.caller.named_by(entry));
        element.negated || namings.any(|naming| naming != Naming::Account)
    })
}
