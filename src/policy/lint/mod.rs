//! What in a policy document cannot mean what was intended, or deserves a second look.
//!
//! Every claim that something never applies holds in the widest reading of the language. What depends on knowledge (names
//! of actions and keys, values) carries its date; what is not known gives no finding and no "never".

mod actions;
mod arn;
mod conditions;
mod effect;
mod elements;
mod keys;
mod kind;
mod nearest;
mod principals;
mod resources;
mod rule;
mod services;
mod shape;
#[cfg(test)]
mod tests;
mod values;
mod variables;

use std::collections::BTreeSet;

pub use kind::PolicyKind;
pub use rule::{LintFinding, LintSeverity, Rule};
pub use services::SERVICES_DATE;

use super::action::ActionPattern;
use super::document::{Document, Effect, Statement};
use services::Service;

/// What is known about the place where a document is attached. Everything may be left out.
#[derive(Debug, Clone, Default)]
pub struct LintFacts<'a> {
    /// The ARN of the key that a key policy belongs to.
    pub key_arn: Option<&'a str>,
    /// The partition of the account: `aws`, `aws-cn`, …
    pub partition: Option<&'a str>,
    /// The unique ids (`AIDA…`, `AROA…`) of all principals that exist.
    pub unique_ids: Option<&'a BTreeSet<String>>,
}

/// Looks for what cannot mean what was intended, in the order of the statements. Time is bounded: a document whose
/// patterns are too many to compare gets a finding that says so.
#[must_use]
pub fn lint(document: &Document, kind: PolicyKind, facts: &LintFacts<'_>) -> Vec<LintFinding> {
    let mut lint = Lint { document, kind, facts, findings: vec![], work: WORK, suggestions: SUGGESTIONS };
    elements::check_document(&mut lint);
    for statement in &document.statements {
        check(&mut lint, statement);
    }
    effect::check_pairs(&mut lint);
    if lint.work == 0 {
        lint.add(found(None, Rule::NotFullyChecked, LintSeverity::Medium).says(
            "the document holds more combinations of actions, resources and conditions than are looked at; \
                 what is reported is right, but there may be more",
        ));
    }
    lint.findings.sort();
    lint.findings.dedup();
    lint.findings
}

/// How many steps of comparing patterns one document gets: about a second.
const WORK: usize = 50_000_000;

/// How many wrong names of one document get a suggestion: each is compared with all real ones.
const SUGGESTIONS: usize = 200;

/// One document being looked at.
struct Lint<'a> {
    document: &'a Document,
    kind: PolicyKind,
    facts: &'a LintFacts<'a>,
    findings: Vec<LintFinding>,
    work: usize,
    suggestions: usize,
}

impl Lint<'_> {
    fn add(&mut self, finding: LintFinding) {
        self.findings.push(finding);
    }

    /// Takes from the budget; `false` when it is used up.
    fn spend(&mut self, amount: usize) -> bool {
        self.work = self.work.saturating_sub(amount.max(1));
        self.work > 0
    }

    /// Whether another suggestion may be looked for.
    fn may_suggest(&mut self) -> bool {
        self.suggestions = self.suggestions.saturating_sub(1);
        self.suggestions > 0
    }
}

/// What is known about one statement while it is looked at.
struct State<'a> {
    listed: Vec<Listed<'a>>,
    /// Why the statement never applies.
    dead: Vec<String>,
}

/// One pattern of `Action` or `NotAction` and the actions behind it.
struct Listed<'a> {
    pattern: &'a ActionPattern,
    reach: Reach,
}

/// The actions that a pattern matches.
enum Reach {
    /// `*`, or something of which it is not known what it matches.
    Open,
    /// None, certainly.
    Nothing,
    /// Known actions of one service.
    Known(Known),
}

struct Known {
    service: &'static Service,
    /// Positions in the actions of the service.
    actions: Vec<usize>,
    /// Those of `actions` that the statement can never apply to, in the same order.
    dead: Vec<bool>,
    /// The pattern is the name of one action.
    literal: bool,
    /// Whether `dead` rests on more than a reference that may leave something out.
    certain: bool,
}

impl Known {
    /// The statement certainly applies to none of the actions.
    fn kill(&mut self) {
        self.dead.fill(true);
        self.certain = true;
    }

    fn name(&self, action: usize) -> String {
        let name = self.service.actions.get(action).map_or("", |action| action.name);
        format!("{}:{name}", self.service.prefix)
    }
}

fn check(lint: &mut Lint<'_>, statement: &Statement) {
    let mut state = State { listed: vec![], dead: vec![] };
    elements::check(lint, statement, &mut state);
    principals::check(lint, statement, &mut state);
    actions::check(lint, statement, &mut state);
    resources::check(lint, statement, &mut state);
    conditions::check(lint, statement, &mut state);
    variables::check(lint, statement);
    effect::check(lint, statement, &state);
}

/// What it means that a statement never applies to something.
fn never(effect: Effect, what: &str) -> String {
    match effect {
        Effect::Allow => format!("this Allow never allows {what}"),
        Effect::Deny => format!("this Deny never denies {what}: it fails open"),
    }
}

/// `it` or `them`.
fn pronoun(names: &[String]) -> &'static str {
    if names.len() == 1 { "it" } else { "them" }
}

/// Names in words: `a`, `b` and 3 more.
fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().take(4).map(|name| format!("`{name}`")).collect();
    match (quoted.as_slice(), names.len()) {
        ([], _) => String::new(),
        ([one], _) => one.clone(),
        (all, count) if count > 4 => format!("{} and {} more", all.join(", "), count - all.len()),
        ([first @ .., last], _) => format!("{} and {last}", first.join(", ")),
    }
}

fn found(statement: Option<usize>, rule: Rule, severity: LintSeverity) -> LintFinding {
    let (element, message) = (String::new(), String::new());
    LintFinding { statement, rule, severity, element, value: None, message, suggestion: None, certain: true }
}

impl LintFinding {
    fn at(mut self, element: impl Into<String>) -> Self {
        self.element = element.into();
        self
    }

    fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    fn says(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    fn suggests(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    fn certain(mut self, certain: bool) -> Self {
        self.certain = certain;
        self
    }
}
