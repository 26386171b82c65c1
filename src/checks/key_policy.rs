//! What the checks of key policies share: who is exempt, which statements speak of the key, how answers become one verdict.

use super::{Judged, Reach, reference};
use crate::access::{Cell, Directory, Key as AccessKey, Principal, PrincipalKind};
use crate::finding::{Judgement, StatementReference, Verdict};
use crate::model::{Gap, Key, KeyManager, KeyPolicy};
use crate::policy::{
    Access, Action, Document, Effect, KeyClass, Match, PolicyRef, PrincipalElement, Requirement, ResourcePattern,
    Statement,
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

/// The worst answers decide, and are said; without any the reason is `otherwise`.
pub(super) fn conclude(mut answers: Vec<Answer>, otherwise: impl Into<String>) -> Judgement {
    let worst = [Verdict::Fail, Verdict::Undecided, Verdict::Pass];
    let worst = worst.into_iter().find(|verdict| answers.iter().any(|answer| answer.verdict == *verdict));
    answers.retain(|answer| Some(answer.verdict) == worst);
    let mut texts: Vec<&str> = Vec::new();
    for answer in &answers {
        if !texts.contains(&answer.text.as_str()) {
            texts.push(&answer.text);
        }
    }
    let mut reason = texts.iter().take(SPELT_OUT).copied().collect::<Vec<_>>().join("; ");
    if texts.len() > SPELT_OUT {
        reason.push_str(&format!("; and {} more", texts.len() - SPELT_OUT));
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
pub(super) fn unanswered(error: &crate::policy::Unanswered) -> Judgement {
    Judgement::undecided(error.to_string())
}

/// The actions of these names.
pub(super) fn actions(names: &[&str]) -> Vec<Action> {
    names.iter().map(|name| Action::new(name)).collect()
}

/// What a principal has of some actions, as far as it takes to know: the first that it certainly has, else one that it may
/// have.
pub(super) fn first<'n>(
    directory: &Directory,
    principal: &Principal,
    key: &AccessKey,
    actions: &'n [Action],
    counts: impl Fn(&Action, &Cell) -> bool,
) -> Result<Option<(&'n Action, Cell)>, crate::policy::Unanswered> {
    let mut perhaps = None;
    for action in actions.iter().filter(|action| may(principal, key, action)) {
        let mut cell = directory.cell(principal, key, action)?;
        if hangs_on_the_unknown(&cell, principal) {
            cell = cell.perhaps();
        }
        match cell.access {
            Access::Denied => {}
            _ if !counts(action, &cell) => {}
            Access::Possible => perhaps = perhaps.or(Some((action, cell))),
            _ => return Ok(Some((action, cell))),
        }
    }
    Ok(perhaps)
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

/// Whether some Allow may give the principal the action on the key: what no Allow speaks of need not be decided.
fn may(principal: &Principal, key: &AccessKey, action: &Action) -> bool {
    let allows = |document: &Document| {
        let mut statements = document.statements_of(Effect::Allow);
        statements.any(|it| it.matches_action(action.name()).is_possible() && on_key(it, &key.arn).is_possible())
    };
    let needs_no_identity_policy =
        !matches!(principal.kind, PrincipalKind::User | PrincipalKind::Role | PrincipalKind::Session);
    let has_own = || needs_no_identity_policy || principal.identity.iter().any(|named| allows(&named.document));
    let is_named = |statement: &Statement| {
        let entries = statement.principal.iter().flat_map(|element| &element.entries);
        let mut namings = entries.filter_map(|entry| principal.caller.named_by(entry));
        statement.principal.as_ref().is_some_and(|element| element.negated)
            || namings.any(|naming| naming != crate::policy::Naming::Account)
    };
    let names = |document: &Document| {
        let mut statements = document.statements_of(Effect::Allow);
        statements.any(|it| it.matches_action(action.name()).is_possible() && is_named(it))
    };
    let is_granted = || action.kms().is_some_and(|it| it.grant_operation) && !key.grants.is_empty();
    key.policy_gap.is_some() || is_granted() || key.policies.iter().any(|named| names(&named.document)) || has_own()
}
