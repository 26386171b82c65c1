//! Policies that allow one action on everything of a kind: which documents a resource bears, and what is said of them.

use super::recipients::{self, Held, Stake};
use super::{Judged, Scope, boundary_only, reference};
use crate::finding::{Judgement, StatementReference, Verdict};
use crate::model::{Gap, ManagedPolicy, Principal};
use crate::policy::{Document, statements_of_action};

/// A document with the name by which a finding calls it.
pub(super) type Named<'a> = (&'a str, &'a Document);

/// What must not be allowed on everything of a kind.
pub(super) struct Asked<'a> {
    /// The actions.
    pub(super) actions: &'a [&'a str],
    /// How the ARNs of the kind begin; none for actions that have no resource.
    pub(super) head: Option<&'a str>,
    /// The kind, in words: `all roles of the account`.
    pub(super) kind: &'a str,
}

impl Asked<'_> {
    fn stake<'a>(&self, documents: Vec<&'a Document>) -> Stake<'a> {
        let actions = self.actions.iter().map(|action| (*action).to_owned()).collect();
        Stake { documents, actions, head: self.head.map(str::to_owned) }
    }
}

/// Judges the default version of a customer managed policy.
pub(super) fn managed(
    policy: &ManagedPolicy,
    asked: &Asked<'_>,
    scope: &Scope<'_>,
    judge: impl FnOnce(&[Named<'_>]) -> Judgement,
) -> Judged {
    if let Some(exempt) = boundary_only(policy, scope) {
        return Ok(exempt);
    }
    let document = policy.document.as_deref().map_err(Clone::clone)?;
    let judgement = judge(&[(&policy.arn, document)]).because_of(&policy.document_source);
    recipients::named(Ok(judgement), Held::Managed(&policy.arn), || asked.stake(vec![document]), scope)
}

/// Judges the inline policies of a principal together: one finding for each owner.
pub(super) fn inline(
    principal: Principal<'_>,
    asked: &Asked<'_>,
    scope: &Scope<'_>,
    judge: impl FnOnce(&[Named<'_>]) -> Judgement,
) -> Judged {
    let documents = || principal.inline_policies().iter().filter_map(|policy| policy.document.as_deref().ok());
    let stake = || asked.stake(documents().collect());
    recipients::named(together(principal, judge), Held::By(principal), stake, scope)
}

fn together(principal: Principal<'_>, judge: impl FnOnce(&[Named<'_>]) -> Judgement) -> Judged {
    if principal.is_service_linked() {
        let reason = "only AWS can change the policies of a service-linked role";
        return Ok(Judgement::not_applicable(reason).because_of(principal.source()));
    }
    let policies = principal.inline_policies();
    if policies.is_empty() {
        return Ok(Judgement::not_applicable("there is no inline policy").because_of(principal.source()));
    }
    let read: Vec<Named<'_>> =
        policies.iter().filter_map(|it| Some((it.name.as_str(), it.document.as_deref().ok()?))).collect();
    let judgement = judge(&read);
    let missing: Option<&Gap> = policies.iter().find_map(|policy| policy.document.as_ref().err());
    match missing {
        // A document that fails is an exception, whatever stands in one that could not be read.
        Some(gap) if judgement.verdict != Verdict::Fail => Err(gap.clone()),
        _ => Ok(judgement.because_of_all(policies.iter().map(|policy| &policy.source))),
    }
}

/// Statements that give too much, and those of which it cannot be told.
#[derive(Default)]
pub(super) struct Given {
    /// What is given, by which document: `sts:AssumeRole by Deploy`.
    pub(super) words: Vec<String>,
    /// The statements that give it.
    pub(super) statements: Vec<StatementReference>,
    /// Statements that may give it.
    pub(super) untold: Vec<StatementReference>,
}

/// What documents, each by itself, give of what is asked.
pub(super) fn given(documents: &[Named<'_>], asked: &Asked<'_>) -> Given {
    let mut given = Given::default();
    for (name, document) in documents {
        for action in asked.actions {
            let found = statements_of_action(document, action, asked.head);
            let (certain, untold): (Vec<_>, Vec<_>) = found.iter().partition(|it| it.certain);
            let of = |places: &[&crate::policy::ActionStatement]| {
                let statements = document.statements.iter();
                let named = statements.filter(|it| places.iter().any(|found| found.statement == it.index));
                named.map(|statement| reference(name, statement)).collect::<Vec<_>>()
            };
            if !certain.is_empty() {
                let conditional = if certain.iter().all(|it| it.conditional) { ", under a condition" } else { "" };
                given.words.push(format!("{action} by {name}{conditional}"));
            }
            given.statements.extend(of(&certain));
            given.untold.extend(of(&untold));
        }
    }
    for statements in [&mut given.statements, &mut given.untold] {
        statements.sort();
        statements.dedup();
    }
    given
}

/// The verdict on documents of which none may give what is asked.
pub(super) fn conclude(documents: &[Named<'_>], asked: &Asked<'_>) -> Judgement {
    let Given { words, statements, untold } = given(documents, asked);
    if !words.is_empty() {
        Judgement::fail(format!("on {} is allowed {}", asked.kind, words.join("; "))).by_statements(statements)
    } else if !untold.is_empty() {
        Judgement::undecided(format!(
            "whether a statement allows {} on {} is not documented by AWS, or takes more steps than the budget",
            asked.actions.join(" or "),
            asked.kind
        ))
        .by_statements(untold)
    } else {
        Judgement::pass(format!("no statement allows {} on {}", asked.actions.join(" or "), asked.kind))
    }
}
