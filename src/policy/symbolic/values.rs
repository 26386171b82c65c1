//! Values of a condition key as far as the tests of a question tell them apart.

use std::collections::{BTreeMap, BTreeSet};

use super::relations::{by_default, widest};
use super::{Budget, Exhausted};
use crate::policy::candidates::more_candidates;
use crate::policy::condition::{Comparison, ConditionTest, Operator};
use crate::policy::glob::Glob;
use crate::policy::keys::ValueType;
use crate::policy::operator::{Outcome, arn_fields};
use crate::policy::text::Text;

/// What a policy variable has where only its default is asked for.
pub(super) fn no_value(_: &str) -> Option<String> {
    None
}

/// One value for each combination of outcomes of the tests, other than those `besides`; without these there is always one.
/// The values that a rule speaks of come first and are told from all others.
pub(super) fn told_apart(
    key: &str,
    tests: &[&ConditionTest],
    by_rules: &[String],
    besides: &[String],
    budget: &mut Budget,
) -> Result<Vec<(Vec<Outcome>, String)>, Exhausted> {
    let mut candidates = by_rules.to_vec();
    candidates.extend(more_candidates(tests, besides, budget)?);
    let comparing = |test: &&ConditionTest| match test.operator {
        Operator::Compare(comparing) => Some(comparing),
        Operator::Null | Operator::Unknown | Operator::Unread => None,
    };
    // Where only comparisons of its own type look at a key, no other values need to be thought of.
    let is_typed = |kind: &ValueType| {
        tests.iter().filter_map(comparing).all(|comparing| kind.is_compared_by(comparing.comparison))
    };
    if let Some(kind) = ValueType::of(key).filter(is_typed) {
        candidates.retain(|value| kind.contains(value));
        candidates.extend(kind.samples().map(str::to_owned));
    }
    let mut seen: BTreeSet<Vec<Outcome>> = BTreeSet::new();
    let mut values = Vec::new();
    for candidate in candidates.into_iter().filter(|candidate| !besides.contains(candidate)) {
        let same = |same| if same { Outcome::Same } else { Outcome::Different };
        let mut outcomes = vec![same(candidate.is_empty())];
        outcomes.extend(by_rules.iter().map(|value| same(candidate.eq_ignore_ascii_case(value))));
        for test in tests {
            let Some(comparing) = comparing(test) else { continue };
            for text in &test.values {
                // Numbers, dates and addresses are read anew each time.
                budget.spend(text.source().len().saturating_mul(candidate.len()) / 64 + candidate.len() + 16)?;
            }
            outcomes.extend(test.values.iter().flat_map(|text| outcomes_of(comparing.comparison, &candidate, text)));
        }
        if seen.insert(outcomes.clone()) {
            values.push((outcomes, candidate));
        }
    }
    Ok(values)
}

/// What tells a value from others: its outcome, or what it may be equal to by a value of the variables and by default.
fn outcomes_of(comparison: Comparison, value: &str, text: &Text) -> Vec<Outcome> {
    let outcome = |same| if same { Outcome::Same } else { Outcome::Different };
    if !is_relation(comparison, text) {
        return vec![comparison.outcome(value, text, &no_value)];
    }
    let default = by_default(comparison, text).is_some_and(|default| is_met(comparison, &default, value));
    vec![outcome(may_equal(comparison, text, value)), outcome(default)]
}

/// For each value another with the same outcomes, where there is one.
pub(super) fn spares(
    key: &str,
    tests: &[&ConditionTest],
    by_rules: &[String],
    values: &[(Vec<Outcome>, String)],
    budget: &mut Budget,
) -> Result<Vec<Option<String>>, Exhausted> {
    let taken: Vec<String> = values.iter().map(|(_, value)| value.clone()).collect();
    let others: BTreeMap<Vec<Outcome>, String> =
        told_apart(key, tests, by_rules, &taken, budget)?.into_iter().collect();
    Ok(values.iter().map(|(outcomes, _)| others.get(outcomes).cloned()).collect())
}

/// Whether the outcome depends on the value of a policy variable.
pub(super) fn is_relation(comparison: Comparison, text: &Text) -> bool {
    let replaces = matches!(
        comparison,
        Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::Arn
            | Comparison::Bool
    );
    replaces && text.has_variables()
}

/// Whether some values of the variables make the text equal.
pub(super) fn may_equal(comparison: Comparison, text: &Text, value: &str) -> bool {
    is_met(comparison, &widest(comparison, text), value)
}

/// Whether a value matches a pattern in the way of the comparison.
pub(super) fn is_met(comparison: Comparison, pattern: &Glob, value: &str) -> bool {
    if comparison != Comparison::Arn {
        return pattern.matches(value);
    }
    arn_fields(pattern).is_some_and(|fields| {
        let found: Vec<&str> = value.splitn(6, ':').collect();
        found.len() == 6 && fields.iter().zip(found).all(|(field, found): (&Glob, &str)| field.matches(found))
    })
}
