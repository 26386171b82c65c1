//! Statements that never apply, taken as a whole: dead in every part, contradicting themselves, or covered by another.

use std::collections::BTreeSet;

use super::conditions::when_absent;
use super::shape::{Case, Shape};
use super::{Lint, LintSeverity, Reach, Rule, State, found, keys};
use crate::policy::condition::{Comparing, Comparison, Condition, ConditionTest, Operator};
use crate::policy::document::{Effect, Statement};
use crate::policy::glob::{Glob, Symbol};
use crate::policy::principal::{Principal, PrincipalElement};
use crate::policy::resource::{ResourcePattern, Resources};

/// Sums up what the parts of the statement showed.
pub(super) fn check(lint: &mut Lint<'_>, statement: &Statement, state: &State<'_>) {
    let mut reasons = state.dead.clone();
    let listed = &state.listed;
    let is_dead = |reach: &Reach| match reach {
        Reach::Open => false,
        Reach::Nothing => true,
        Reach::Known(known) => known.certain && known.dead.iter().all(|dead| *dead),
    };
    if !statement.actions.negated && !listed.is_empty() && listed.iter().all(|listed| is_dead(&listed.reach)) {
        reasons.push("none of its actions can be met, as the other findings say".to_owned());
    }
    if let Some(condition) = &statement.condition {
        reasons.extend(contradiction(lint, condition));
    }
    if reasons.is_empty() {
        return;
    }
    reasons.dedup();
    let severity = severity(statement.effect);
    let message = format!("the statement never applies: {}", reasons.join("; "));
    lint.add(found(Some(statement.index), Rule::StatementNoEffect, severity).says(message));
}

fn severity(effect: Effect) -> LintSeverity {
    match effect {
        Effect::Allow => LintSeverity::Low,
        Effect::Deny => LintSeverity::High,
    }
}

/// Two tests of one key that no request passes together.
fn contradiction(lint: &mut Lint<'_>, condition: &Condition) -> Option<String> {
    for (index, one) in condition.tests.iter().enumerate() {
        for other in condition.tests.iter().skip(index + 1).filter(|other| other.key == one.key) {
            if !lint.spend(one.values.len() * other.values.len() * 400) {
                return None;
            }
            if contradict(one, other) {
                let key = &one.key_source;
                return Some(format!(
                    "no request passes both `{}` and `{}` of `{key}`",
                    one.operator_source, other.operator_source
                ));
            }
        }
    }
    None
}

fn contradict(one: &ConditionTest, other: &ConditionTest) -> bool {
    if wants_absence(one) && when_absent(other) == Some(false)
        || wants_absence(other) && when_absent(one) == Some(false)
    {
        return true;
    }
    if when_absent(one) != Some(false) && when_absent(other) != Some(false) {
        return false;
    }
    let (Some(first), Some(second)) = (compared(one), compared(other)) else { return false };
    if keys::key(&one.key).is_none_or(|facts| facts.many) {
        return false;
    }
    match (first.negated, second.negated) {
        (false, false) => !globs(one, first).iter().any(|(a, case)| {
            globs(other, second).iter().any(|(b, other)| {
                let case = if *case == Case::Ignored { *case } else { *other };
                Shape::of(a).meets(b, case)
            })
        }),
        (false, true) => excluded(one, first, other, second),
        (true, false) => excluded(other, second, one, first),
        (true, true) => false,
    }
}

/// `Null: true`
fn wants_absence(test: &ConditionTest) -> bool {
    let all_true = || test.values.iter().all(|value| value.source().eq_ignore_ascii_case("true"));
    test.operator == Operator::Null && !test.values.is_empty() && all_true()
}

/// A comparison of texts without a set operator and with known values.
fn compared(test: &ConditionTest) -> Option<Comparing> {
    let Operator::Compare(comparing) = test.operator else { return None };
    let of_text = matches!(
        comparing.comparison,
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike | Comparison::Arn
    );
    let is_plain = comparing.quantifier.is_none() && !test.values.is_empty();
    (of_text && is_plain && test.values.iter().all(|value| !value.has_variables())).then_some(comparing)
}

fn globs(test: &ConditionTest, comparing: Comparing) -> Vec<(Glob, Case)> {
    let case = match comparing.comparison {
        Comparison::StringEqualsIgnoreCase => Case::Ignored,
        _ => Case::Kept,
    };
    let has_wildcards = matches!(comparing.comparison, Comparison::StringLike | Comparison::Arn);
    let of = |value: &crate::policy::Text| match has_wildcards {
        true => value.fixed_glob().cloned(),
        false => value.fixed_plain().map(Glob::literal),
    };
    test.values.iter().filter_map(of).map(|glob| (glob, case)).collect()
}

/// Whether every single value that one test asks for is excluded by the other.
fn excluded(one: &ConditionTest, wanted: Comparing, other: &ConditionTest, without: Comparing) -> bool {
    let excluded = globs(other, without);
    globs(one, wanted).iter().all(|(glob, case)| {
        let Some(literal) = glob.as_literal() else { return false };
        let is_excluded = |(pattern, case): &(Glob, Case)| match case {
            Case::Kept => pattern.matches(&literal),
            Case::Ignored => pattern.matches_ignoring_case(&literal),
        };
        *case == Case::Kept && excluded.iter().any(is_excluded)
    })
}

/// Allow statements that a Deny of the same document takes back whole, and restrictions that another Allow lifts.
pub(super) fn check_pairs(lint: &mut Lint<'_>) {
    let document = lint.document;
    let free = |effect| {
        let all = document.statements_of(effect);
        all.filter(|statement| statement.condition.is_none() && !statement.actions.negated).collect::<Vec<_>>()
    };
    let (denies, allows) = (free(Effect::Deny), free(Effect::Allow));
    let dead: BTreeSet<usize> = {
        let dead = lint.findings.iter().filter(|finding| finding.rule == Rule::StatementNoEffect);
        dead.filter_map(|finding| finding.statement).collect()
    };
    let live = |allow: &&Statement| !allow.actions.negated && !dead.contains(&allow.index);
    for allow in document.statements_of(Effect::Allow).filter(live) {
        let size = |statement: &Statement| {
            let resources = statement.resources.as_ref().map_or(1, |resources| resources.patterns.len());
            (statement.actions.patterns.len() + 1) * (resources + 1)
        };
        let by = |lint: &mut Lint<'_>, wider: &[&Statement]| {
            let others = wider.iter().filter(|wider| wider.index != allow.index);
            let mut found = others.filter(|wider| lint.spend(size(allow) * size(wider) * 20) && covers(wider, allow));
            found.next().map(|wider| wider.index)
        };
        if let Some(deny) = by(lint, &denies) {
            let message = format!("the statement never applies: statement {deny} denies all of it");
            lint.add(found(Some(allow.index), Rule::StatementNoEffect, LintSeverity::Low).says(message));
        } else if allow.is_conditional()
            && let Some(wider) = by(lint, &allows)
        {
            lifted(lint, allow, wider);
        }
    }
}

fn lifted(lint: &mut Lint<'_>, allow: &Statement, wider: usize) {
    let principal = lint.document.statements.get(wider).and_then(|wider| wider.principal.as_ref());
    let delegates = principal
        .is_some_and(|principal| principal.entries.iter().all(|entry| matches!(entry, Principal::Account { .. })));
    let message = if delegates && allow.principal.as_ref() != principal {
        format!(
            "statement {wider} lets the IAM policies of the account allow the same actions without this condition, \
             so that the condition alone keeps nobody out"
        )
    } else {
        format!("statement {wider} allows the same without this condition, so that the condition restricts nothing")
    };
    let finding = found(Some(allow.index), Rule::RestrictionIneffective, LintSeverity::Informational);
    lint.add(finding.at("Condition").says(message));
}

/// Whether everything that `narrow` speaks about, `wide` speaks about too, conditions aside. A `false` may be wrong.
fn covers(wide: &Statement, narrow: &Statement) -> bool {
    let action = |one: &str| {
        wide.actions.patterns.iter().any(|pattern| {
            pattern.is_everything() || covers_text(&pattern.source().to_ascii_lowercase(), &one.to_ascii_lowercase())
        })
    };
    let actions = &narrow.actions.patterns;
    !actions.is_empty()
        && names(wide.principal.as_ref(), narrow.principal.as_ref())
        && actions.iter().all(|pattern| action(pattern.source()))
        && holds(wide.resources.as_ref(), narrow.resources.as_ref())
}

/// A pattern without `?` covers another when it matches its text.
fn covers_text(wide: &str, narrow: &str) -> bool {
    wide == narrow || !wide.contains('?') && Glob::parse(wide).matches(narrow)
}

fn names(wide: Option<&PrincipalElement>, narrow: Option<&PrincipalElement>) -> bool {
    match (wide, narrow) {
        (None, None) => true,
        (Some(wide), Some(narrow)) if !wide.negated && !narrow.negated => {
            let covered = |entry: &Principal| {
                let same_account = |other: &Principal| matches!((other, entry.account()), (Principal::Account { account, .. }, Some(of)) if account == of);
                wide.entries.iter().any(|other| *other == Principal::Everyone || other == entry || same_account(other))
            };
            !narrow.entries.is_empty() && narrow.entries.iter().all(covered)
        }
        (Some(_), Some(_) | None) | (None, Some(_)) => false,
    }
}

fn holds(wide: Option<&Resources>, narrow: Option<&Resources>) -> bool {
    match (wide, narrow) {
        (None, None) => true,
        (Some(wide), Some(narrow)) if !wide.negated && !narrow.negated => {
            let covered = |pattern: &ResourcePattern| wide.patterns.iter().any(|wide| covers_resource(wide, pattern));
            !narrow.patterns.is_empty() && narrow.patterns.iter().all(covered)
        }
        (Some(wide), Some(_)) => !wide.negated && wide.patterns.iter().any(ResourcePattern::is_everything),
        _ => false,
    }
}

/// Only where both readings of the wider pattern agree.
fn covers_resource(wide: &ResourcePattern, narrow: &ResourcePattern) -> bool {
    if wide.is_everything() || wide.text() == narrow.text() {
        return true;
    }
    let (Some(glob), Some(within)) = (wide.fixed_glob(), wide.fixed_narrow_glob()) else { return false };
    let is_certain =
        glob == within && glob.symbols().iter().all(|symbol| !matches!(symbol, Symbol::One | Symbol::OneInField));
    is_certain && !narrow.text().has_variables() && glob.matches(narrow.text().source())
}
