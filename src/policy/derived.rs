//! Condition keys whose value is a field of the ARN that a request is on: no request holds another (semantics 3.5).

use super::condition::{Comparing, Comparison, ConditionTest, Operator};
use super::document::Statement;
use super::glob::Glob;
use super::text::Text;

/// The keys, in lower case, each with its field of the ARN.
const KEYS: [(&str, usize); 2] = [("aws:requestedregion", 3), ("aws:resourceaccount", 4)];

/// A key at which statements look in a way that patterns of the ARN can tell.
pub(super) struct Derived<'d> {
    pub(super) key: &'static str,
    /// The field of the ARN, the partition being 1.
    pub(super) field: usize,
    pub(super) tests: Vec<&'d ConditionTest>,
}

/// The keys at which statements look. One that stands in a variable, or is compared otherwise than as a text, is not among them.
pub(super) fn derived<'d>(statements: &[&'d Statement]) -> Vec<Derived<'d>> {
    let of = |(key, field): (&'static str, usize)| {
        let named = |text: &Text| text.variables().any(|variable| variable.key == key);
        let tests = statements.iter().flat_map(|statement| statement.tests()).filter(|test| test.key == key);
        let tests: Vec<&ConditionTest> = tests.collect();
        let is_variable = statements.iter().flat_map(|statement| statement.texts()).any(named);
        let is_told = !tests.is_empty() && !is_variable && tests.iter().all(|test| is_of_text(test));
        is_told.then_some(Derived { key, field, tests })
    };
    KEYS.into_iter().filter_map(of).collect()
}

fn is_of_text(test: &ConditionTest) -> bool {
    let Operator::Compare(Comparing { comparison, .. }) = test.operator else { return test.operator == Operator::Null };
    let is_text =
        matches!(comparison, Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike);
    is_text && !test.values.iter().any(Text::has_variables)
}

impl Derived<'_> {
    /// Patterns that tell apart the ARNs which the tests tell apart by this field.
    pub(super) fn globs(&self) -> Vec<Glob> {
        let before = if self.field == 3 { "arn:*:kms:" } else { "arn:*:kms:*:" };
        let glob = |(comparison, value): (Option<Comparison>, &Text)| {
            let mut glob = Glob::parse(before);
            match comparison {
                Some(Comparison::StringLike) => glob.push_pattern(value.source()),
                // Regions and account numbers have no upper case.
                Some(Comparison::StringEqualsIgnoreCase) => glob.push_literal(&value.source().to_ascii_lowercase()),
                _ => glob.push_literal(value.source()),
            }
            glob.push_pattern(":*");
            glob
        };
        let comparison = |test: &ConditionTest| match test.operator {
            Operator::Compare(Comparing { comparison, .. }) => Some(comparison),
            Operator::Null | Operator::Unknown | Operator::Unread => None,
        };
        self.tests
            .iter()
            .flat_map(|test| test.values.iter().map(move |value| glob((comparison(test), value))))
            .collect()
    }
}
