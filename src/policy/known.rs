//! What is known of requests before any is made, and what that leaves of a statement.

use std::borrow::Cow;

use super::Match;
use super::condition::{Comparing, Comparison, Condition, ConditionTest, Operator};
use super::context::is_key_property;
use super::document::Statement;
use super::keys::{KeyClass, key_class};
use super::operator::Found;
use super::request::Request;
use super::resource::{ResourcePattern, Resources};
use super::text::{Part, Text};

/// Requests of one caller for one action on one resource: what their context holds is the same in all of them, other keys
/// are free.
#[derive(Clone, Copy)]
pub(super) struct Knowledge<'a> {
    pub(super) request: &'a Request<'a>,
    /// Keys in lower case that are free although they follow from the request.
    pub(super) free: &'a [&'a str],
    /// Tags and aliases of the key are left out (semantics U-18).
    pub(super) without_key_properties: bool,
}

impl<'a> Knowledge<'a> {
    /// What all the requests have under a key, given in lower case; `None` where the key is free.
    pub(super) fn of(&self, key: &str) -> Option<Found<'a>> {
        if key.is_empty() || (self.without_key_properties && is_key_property(key)) {
            return Some(Found::Absent);
        }
        if let Some(found) = self.request.context.find(key) {
            return Some(found);
        }
        let is_never = |action| key_class(key, action) == KeyClass::Never;
        let is_fixed =
            (Request::derives(key) && !self.free.contains(&key)) || self.request.action.kms().is_some_and(is_never);
        is_fixed.then(|| self.request.find(key))
    }

    /// The value of a policy variable, as [`Text::given`] asks. A set has none (semantics V-6).
    fn variable(&self, key: &str) -> Option<Option<String>> {
        self.of(key).map(|found| match found {
            Found::One(value) => Some(value.to_owned()),
            Found::Absent | Found::Set(_) => None,
        })
    }

    /// What is left of a statement: tests whose outcome is known are dropped, variables whose value is known are replaced.
    /// `None` when the statement never applies.
    pub(super) fn left_of<'s>(&self, statement: &'s Statement) -> Option<Cow<'s, Statement>> {
        let patterns = statement.resources.iter().flat_map(|resources| &resources.patterns);
        let is_fixed = statement.condition.is_none() && patterns.clone().all(|it| !it.text().has_variables());
        if is_fixed {
            return Some(Cow::Borrowed(statement));
        }
        let resources = statement.resources.as_ref().map(|resources| Resources {
            negated: resources.negated,
            patterns: patterns.map(|pattern| ResourcePattern::new(self.given(pattern.text()))).collect(),
        });
        let condition = match &statement.condition {
            Some(condition) => {
                let mut tests = Vec::with_capacity(condition.tests.len());
                for test in &condition.tests {
                    match self.left_of_test(test) {
                        Left::Holds => {}
                        Left::Fails => return None,
                        Left::Test(test) => tests.push(test),
                    }
                }
                let left = Condition { tests, has_empty_part: condition.has_empty_part };
                (left.has_empty_part || !left.tests.is_empty()).then_some(left)
            }
            None => None,
        };
        Some(Cow::Owned(Statement { resources, condition, ..statement.clone() }))
    }

    fn given(&self, text: &Text) -> Text {
        text.given(&|key| self.variable(key)).into_owned()
    }

    fn left_of_test(&self, test: &ConditionTest) -> Left {
        let values: Vec<Text> = test.values.iter().map(|text| self.given(text)).collect();
        let left = ConditionTest { values, ..test.clone() };
        let Some(found) = self.of(&test.key) else { return Left::Test(left) };
        // What is absent is compared with nothing.
        let is_compared = found != Found::Absent;
        let is_open = is_compared
            && left.values.iter().flat_map(Text::variables).any(|variable| self.of(&variable.key).is_none());
        if !is_open {
            return match left.holds(found, &|_| None) {
                Match::Yes => Left::Holds,
                Match::No => Left::Fails,
                Match::Unsure => Left::Test(ConditionTest { operator: Operator::Unknown, ..left }),
            };
        }
        Left::Test(turned(&left, found).unwrap_or(left))
    }
}

/// What is left of a test.
enum Left {
    Holds,
    Fails,
    Test(ConditionTest),
}

/// A test of a known value against one variable, as a test of the variable's key: `aws:ResourceTag/team`, which is `red`,
/// against `${aws:PrincipalTag/team}` says that `aws:PrincipalTag/team` is `red`. An absent variable equals nothing, and so
/// does an absent key.
fn turned(test: &ConditionTest, found: Found<'_>) -> Option<ConditionTest> {
    let (Operator::Compare(comparing), [text], Found::One(value)) = (test.operator, test.values.as_slice(), found)
    else {
        return None;
    };
    let comparison = match comparing.comparison {
        Comparison::StringEquals | Comparison::StringLike => Comparison::StringEquals,
        Comparison::StringEqualsIgnoreCase => Comparison::StringEqualsIgnoreCase,
        _ => return None,
    };
    let [Part::Variable(variable)] = text.parts() else { return None };
    if comparing.quantifier.is_some() || variable.default.is_some() {
        return None;
    }
    Some(ConditionTest {
        operator: Operator::Compare(Comparing { comparison, if_exists: false, ..comparing }),
        operator_source: test.operator_source.clone(),
        key: variable.key.clone(),
        key_source: variable.key.clone(),
        values: vec![Text::literal(value)],
    })
}
