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
    pub(super) fn left_of<'s>(&self, statement: &'s Statement) -> Option<Remains<'s>> {
        let condition = match &statement.condition {
            Some(condition) => self.left_of_condition(condition)?,
            None => None,
        };
        let resources = statement.resources.as_ref().map(|resources| self.left_of_resources(resources));
        Some(Remains { resources, condition })
    }

    fn left_of_resources<'s>(&self, resources: &'s Resources) -> Cow<'s, Resources> {
        if resources.patterns.iter().all(|pattern| !pattern.text().has_variables()) {
            return Cow::Borrowed(resources);
        }
        let given = |pattern: &ResourcePattern| ResourcePattern::new(self.given(pattern.text()).into_owned());
        let patterns = resources.patterns.iter().map(given).collect();
        Cow::Owned(Resources { negated: resources.negated, patterns })
    }

    /// The part of a condition about which nothing is known, if there is one; nothing at all when the condition never holds.
    fn left_of_condition<'s>(&self, condition: &'s Condition) -> Option<Option<Cow<'s, Condition>>> {
        let mut left = Vec::new();
        for test in &condition.tests {
            match self.left_of_test(test) {
                Left::Holds => {}
                Left::Fails => return None,
                Left::Test(test) => left.push(test),
            }
        }
        if left.is_empty() && !condition.has_empty_part {
            return Some(None);
        }
        let is_whole = left.len() == condition.tests.len() && left.iter().all(|test| matches!(test, Cow::Borrowed(_)));
        if is_whole {
            return Some(Some(Cow::Borrowed(condition)));
        }
        let tests = left.into_iter().map(Cow::into_owned).collect();
        Some(Some(Cow::Owned(Condition { tests, has_empty_part: condition.has_empty_part })))
    }

    fn given<'s>(&self, text: &'s Text) -> Cow<'s, Text> {
        text.given(&|key| self.variable(key))
    }

    fn left_of_test<'s>(&self, test: &'s ConditionTest) -> Left<'s> {
        let left = if test.values.iter().any(Text::has_variables) {
            let values: Vec<Text> = test.values.iter().map(|text| self.given(text).into_owned()).collect();
            Cow::Owned(ConditionTest { values, ..test.clone() })
        } else {
            Cow::Borrowed(test)
        };
        let Some(found) = self.of(&test.key) else { return Left::Test(left) };
        // What is absent is compared with nothing.
        let is_compared = found != Found::Absent;
        let is_open = is_compared
            && left.values.iter().flat_map(Text::variables).any(|variable| self.of(&variable.key).is_none());
        if !is_open {
            return match left.holds(found, &|_| None) {
                Match::Yes => Left::Holds,
                Match::No => Left::Fails,
                Match::Unsure => {
                    Left::Test(Cow::Owned(ConditionTest { operator: Operator::Unknown, ..left.into_owned() }))
                }
            };
        }
        Left::Test(turned(&left, found).map_or(left, Cow::Owned))
    }
}

/// What is left of a statement once some keys are known.
#[derive(Debug)]
pub(super) struct Remains<'s> {
    pub(super) resources: Option<Cow<'s, Resources>>,
    /// `None` when nothing is demanded any more.
    pub(super) condition: Option<Cow<'s, Condition>>,
}

impl Remains<'_> {
    /// Every test of the condition part.
    pub(super) fn tests(&self) -> impl Iterator<Item = &ConditionTest> {
        self.condition.iter().flat_map(|condition| &condition.tests)
    }

    /// Every text in which variables act: condition values and resource patterns.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        let values = self.tests().flat_map(|test| &test.values);
        let patterns = self.resources.iter().flat_map(|resources| &resources.patterns);
        values.chain(patterns.map(|pattern| pattern.text()))
    }
}

/// What is left of a test.
enum Left<'s> {
    Holds,
    Fails,
    Test(Cow<'s, ConditionTest>),
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
