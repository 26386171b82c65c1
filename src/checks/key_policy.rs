//! What the checks of key policies share: who is exempt, which statements speak of the key, how answers become one verdict.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Judged, Reach, Told, reference};
use crate::access::{
    Cell, Key as AccessKey, Named, OfMembers, OnKey, Principal, PrincipalKind, Seen, SeenClass, StandIns,
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
    pub(super) fn conclude(self, otherwise: impl Into<Cow<'static, str>>) -> Judgement {
        let worst = self.counts.first_key_value().map_or(0, |(_, count)| *count);
        concluded(self.spelt_out, worst.saturating_sub(SPELT_OUT), otherwise)
    }
}

/// The worst answers decide, and are said; without any the reason is `otherwise`.
pub(super) fn conclude(answers: Vec<Answer>, otherwise: impl Into<Cow<'static, str>>) -> Judgement {
    concluded(answers, 0, otherwise)
}

/// The same; `more` of the worst are not among the answers.
fn concluded(mut answers: Vec<Answer>, more: usize, otherwise: impl Into<Cow<'static, str>>) -> Judgement {
    if answers.is_empty() {
        return Judgement::pass(otherwise);
    }
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
    reach: &'k Reach<'k>,
    key: &'k AccessKey,
    actions: Vec<Asked>,
    /// Which decisions count.
    counts: fn(&Action, &Cell) -> bool,
    /// What was decided of classes on this key alone.
    decided: Told<(Alteration, Seen), Result<Cell, Unanswered>>,
    /// The bits of the actions where classes are seen; none where one of them has none.
    places: OnceCell<Option<u64>>,
    /// The Allow statements of the policies of the key that may speak of one of them.
    allows: Vec<&'k Statement>,
    members: OfMembers<'k>,
}

/// Who asks: somebody, or whoever is in a class.
#[derive(Clone, Copy)]
pub(super) struct Who<'a> {
    pub(super) principal: &'a Principal,
    class: Option<(&'a OnKey<'a>, usize)>,
    alteration: Alteration,
}

/// How the principal was altered that stands for a class: by which of the alterations of a check, each of which is the same for all.
pub(super) type Alteration = Option<&'static str>;

impl<'a> From<&'a Principal> for Who<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self { principal, class: None, alteration: None }
    }
}

impl<'a> Who<'a> {
    /// The same, altered as everybody is by that name, which no other check may use.
    pub(super) fn altered<'b>(self, name: &'static str, principal: &'b Principal) -> Who<'b>
    where
        'a: 'b,
    {
        Who { principal, class: self.class, alteration: Some(name) }
    }
}

/// One action, with the places of the Allow statements that may speak of it.
struct Asked {
    action: Action,
    allows: Vec<usize>,
    /// The bit of the action where classes are seen.
    place: OnceCell<Option<u32>>,
}

impl Asked {
    fn place(&self, on_key: &OnKey<'_>) -> Option<u32> {
        *self.place.get_or_init(|| on_key.place(&self.action))
    }
}

impl<'k> Asking<'k> {
    /// Looks the actions up.
    pub(super) fn new(reach: &'k Reach<'_>, key: &'k AccessKey, names: &[&str]) -> Self {
        let speaks = |statement: &Statement, name: &str| statement.matches_action(name).is_possible();
        let statements = key.policies.iter().flat_map(|named| named.document.statements_of(Effect::Allow));
        let allows: Vec<&Statement> = statements.filter(|it| names.iter().any(|name| speaks(it, name))).collect();
        let asked = |name: &&str| {
            let numbered = allows.iter().enumerate().filter(|(_, statement)| speaks(statement, name));
            let allows = numbered.map(|(place, _)| place).collect();
            Asked { action: Action::new(name), allows, place: OnceCell::new() }
        };
        Self {
            reach,
            key,
            actions: names.iter().map(asked).collect(),
            counts: |_, _| true,
            decided: Told::default(),
            places: OnceCell::new(),
            allows,
            members: OfMembers::new(reach.directory(), key),
        }
    }

    /// The same, but some decisions do not count.
    pub(super) fn counting(self, counts: fn(&Action, &Cell) -> bool) -> Self {
        Self { counts, ..self }
    }

    /// What somebody has of the actions, as far as it takes to know: the first that it certainly has, else one that it may have.
    pub(super) fn first<'a>(&self, who: impl Into<Who<'a>>) -> Result<Option<(&Action, Cell)>, Unanswered> {
        let who = who.into();
        let mut perhaps = None;
        // What no Allow speaks of need not be decided.
        for asked in self.within_reach(who) {
            let (action, cell) = (&asked.action, self.cell(who, asked)?);
            match cell.access {
                Access::Denied => {}
                _ if !(self.counts)(action, &cell) => {}
                Access::Possible => perhaps = perhaps.or(Some((action, cell))),
                _ => return Ok(Some((action, cell))),
            }
        }
        Ok(perhaps)
    }

    /// The decision on one of the actions: one for classes that it cannot tell apart.
    fn cell(&self, who: Who<'_>, asked: &Asked) -> Result<Cell, Unanswered> {
        let decide = || {
            let cell = self.reach.directory().cell(who.principal, self.key, &asked.action)?;
            Ok(if hangs_on_the_unknown(&cell, who.principal) { cell.perhaps() } else { cell })
        };
        let seen = |(on_key, class): (&OnKey<'_>, usize)| on_key.seen_on(self.key, class, asked.place(on_key)?);
        match self.class_here(who).and_then(seen) {
            Some(seen) if seen.is_of_others() => self.reach.decided.once((who.alteration, seen), decide),
            Some(seen) => self.decided.once((who.alteration, seen), decide),
            None => decide(),
        }
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

    /// Whether anything may give somebody one of the actions.
    pub(super) fn may_be_of<'a>(&self, who: impl Into<Who<'a>>) -> bool {
        let who = who.into();
        // Most are told by one look at all the actions.
        if let Some((on_key, class)) = self.class_here(who)
            && self.key.grants.is_empty()
            && !self.is_open_to(who.principal)
        {
            let places = || self.actions.iter().try_fold(0, |all, asked| Some(all | 1 << asked.place(on_key)?));
            if let Some(places) = self.places.get_or_init(places) {
                return on_key.may_be_allowed(class) & places != 0;
            }
        }
        self.within_reach(who).next().is_some()
    }

    /// The class of whoever asks, as this key sees it.
    fn class_here<'a>(&self, who: Who<'a>) -> Option<(&'a OnKey<'a>, usize)> {
        who.class.filter(|(on_key, _)| on_key.is_of(self.key))
    }

    /// Whether somebody may have an action of which no Allow speaks to him.
    fn is_open_to(&self, principal: &Principal) -> bool {
        let needs_identity_policy =
            matches!(principal.kind, PrincipalKind::User | PrincipalKind::Role | PrincipalKind::Session);
        !needs_identity_policy || self.key.policy_gap.is_some()
    }

    /// The actions that something may give somebody.
    fn within_reach<'s>(&'s self, who: Who<'_>) -> impl Iterator<Item = &'s Asked> {
        let principal = who.principal;
        let is_open = self.is_open_to(principal);
        let of_class = self.class_here(who).map(|(on_key, class)| (on_key, on_key.may_be_allowed(class)));
        let named: Vec<bool> = match of_class {
            Some(_) => vec![],
            None => self.allows.iter().map(|statement| !is_open && is_named(principal, statement)).collect(),
        };
        let may_be_allowed = move |asked: &Asked| match of_class {
            // Of an action that is not among those of the classes nothing is known.
            Some((on_key, bits)) => asked.place(on_key).is_none_or(|place| bits >> place & 1 == 1),
            None => {
                self.is_allowed_by_one_of(&principal.identity, &asked.action)
                    || asked.allows.iter().any(|statement| named.get(*statement) == Some(&true))
            }
        };
        let is_within = move |asked: &Asked| {
            let is_granted = || asked.action.kms().is_some_and(|it| it.grant_operation) && !self.key.grants.is_empty();
            is_open || may_be_allowed(asked) || is_granted()
        };
        self.actions.iter().filter(move |asked| is_within(asked))
    }

    /// Whether an Allow of identity policies may speak of an action on the key.
    fn is_allowed_by_one_of(&self, identity: &[Named], action: &Action) -> bool {
        let mut allows = identity.iter().flat_map(|named| named.document.statements_of(Effect::Allow));
        allows.any(|it| it.matches_action(action.name()).is_possible() && on_key(it, &self.key.arn).is_possible())
    }
}

/// What is said of an account's principals on one key: once of a class, and once of all classes that the key cannot tell apart.
/// `K`: what else it depends on.
pub(super) struct OfClasses<'s, K, T> {
    stand_ins: &'s StandIns,
    on_key: OnKey<'s>,
    /// By class, what was said last.
    known: Vec<Option<(K, Option<Rc<T>>)>>,
    alike: BTreeMap<(SeenClass, K), Option<Rc<T>>>,
}

impl<'s, K: Copy + Ord, T> OfClasses<'s, K, T> {
    pub(super) fn new(stand_ins: &'s StandIns, key: &AccessKey) -> Self {
        let known = std::iter::repeat_with(|| None).take(stand_ins.count()).collect();
        Self { stand_ins, on_key: stand_ins.on(key), known, alike: BTreeMap::new() }
    }

    /// What `say` says of whoever stands for a class, if there `may` be anything to say; nothing of a class that does not exist.
    pub(super) fn said(
        &mut self,
        class: usize,
        kind: K,
        may: impl FnOnce(Who<'_>) -> bool,
        say: impl FnOnce(Who<'_>) -> Result<Option<T>, Unanswered>,
    ) -> Result<Option<Rc<T>>, Unanswered> {
        let Self { stand_ins, on_key, known, alike } = self;
        let (Some(known), Some(principal)) = (known.get_mut(class), stand_ins.one(class)) else { return Ok(None) };
        if let Some((_, known)) = known.as_ref().filter(|(known, _)| *known == kind) {
            return Ok(known.clone());
        }
        let who = Who { principal, class: Some((on_key, class)), alteration: None };
        let seen = if may(who) { on_key.seen(class) } else { None };
        let said = match seen {
            None => None,
            Some(seen) => match alike.entry((seen, kind)) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(unknown) => unknown.insert(say(who)?.map(Rc::new)).clone(),
            },
        };
        *known = Some((kind, said.clone()));
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
