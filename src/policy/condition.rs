//! The condition block of a statement: operators, keys and values as written, with the operator read once.

use std::fmt;

use super::text::{Text, Variables};

/// All tests of one block; every one must hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    /// One entry for each operator and key, in the order of the document.
    pub tests: Vec<ConditionTest>,
    /// Whether the block, or one of its operators, is `{}`: the AWS pages contradict each other on whether the statement
    /// then applies (semantics U-17).
    pub has_empty_part: bool,
}

/// One operator applied to one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConditionTest {
    /// What is compared, and how.
    pub operator: Operator,
    /// The operator as written.
    pub operator_source: String,
    /// The condition key in lower case: keys have no letter case.
    pub key: String,
    /// The condition key as written.
    pub key_source: String,
    /// The values; any of them suffices, for a negated operator none may match. May be empty.
    pub values: Vec<Text>,
}

/// A condition operator with its prefix and suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// Compares the values of the key.
    Compare(Comparing),
    /// `Null`: `true` asks that the key is absent, `false` that it is present.
    Null,
    /// No operator of AWS, which refuses to store it; found in a snapshot the statement means nothing certain.
    Unknown,
    /// The document could not be read: see [`Document::unread`](super::Document::unread).
    Unread,
}

/// A comparing operator taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Comparing {
    /// The test of one value of the request against one value of the policy.
    pub comparison: Comparison,
    /// `…Not…`: the value may match none of the listed ones.
    pub negated: bool,
    /// `…IfExists`.
    pub if_exists: bool,
    /// `ForAnyValue:` or `ForAllValues:`.
    pub quantifier: Option<Quantifier>,
}

/// How an operator treats a key that holds a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantifier {
    /// `ForAnyValue:`
    Any,
    /// `ForAllValues:`
    All,
}

/// The positive test behind an operator and its negation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `StringEquals`
    StringEquals,
    /// `StringEqualsIgnoreCase`
    StringEqualsIgnoreCase,
    /// `StringLike`
    StringLike,
    /// `NumericEquals` and the four orders.
    Numeric(Order),
    /// `DateEquals` and the four orders.
    Date(Order),
    /// `Bool`
    Bool,
    /// `BinaryEquals`
    Binary,
    /// `IpAddress`
    IpAddress,
    /// `ArnEquals` and `ArnLike`, which are the same.
    Arn,
}

/// An order between a value of the request (left) and one of the policy (right).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl ConditionTest {
    /// A test that no policy holds: of literal values.
    #[must_use]
    pub fn literal(operator: &str, key: &str, values: &[&str]) -> Self {
        Self {
            operator: Operator::parse(operator),
            operator_source: operator.to_owned(),
            key: key.to_ascii_lowercase(),
            key_source: key.to_owned(),
            values: values.iter().map(|value| Text::literal(value)).collect(),
        }
    }

    /// A test that no policy holds: `StringLike`, in whose values wildcards act.
    #[must_use]
    pub fn like(operator: &str, key: &str, patterns: &[String]) -> Self {
        let values = patterns.iter().map(|pattern| Text::new(pattern.clone(), Variables::Plain)).collect();
        Self { values, ..Self::literal(operator, key, &[]) }
    }
}

/// In words: `aws:MultiFactorAuthPresent is true`, `kms:ViaService is one of …`, `aws:SourceIp is not in 10.0.0.0/8, or absent`.
impl fmt::Display for ConditionTest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(true, formatter)
    }
}

impl ConditionTest {
    /// In words that the test holds, or that it does not.
    pub(super) fn say(&self, holds: bool, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<&str> = self.values.iter().map(Text::source).collect();
        let key = &self.key_source;
        let comparing = match self.operator {
            Operator::Compare(comparing) => comparing,
            Operator::Null => {
                let absent = values.iter().all(|value| value.eq_ignore_ascii_case("true")) == holds;
                return write!(formatter, "{key} is {}", if absent { "absent" } else { "present" });
            }
            Operator::Unknown => {
                let sign = if holds { "" } else { "not " };
                return write!(formatter, "{sign}{} {key} {}", self.operator_source, values.join(", "));
            }
            Operator::Unread => return formatter.write_str("the document could not be read"),
        };
        // Not every is some, and not some is none: the values then differ.
        let negated = comparing.negated == holds;
        match (comparing.quantifier, holds) {
            (None, _) => formatter.write_str(key)?,
            (Some(Quantifier::Any), true) | (Some(Quantifier::All), false) => write!(formatter, "a value of {key}")?,
            (Some(Quantifier::All), true) | (Some(Quantifier::Any), false) => {
                write!(formatter, "every value of {key}")?;
            }
        }
        write!(formatter, " is{}{}", if negated { " not" } else { "" }, comparing.comparison.preposition())?;
        match values.as_slice() {
            [] => formatter.write_str(" one of none")?,
            [value] => write!(formatter, " {value}")?,
            values => write!(formatter, " one of {}", values.join(", "))?,
        }
        let absent_holds = comparing.if_exists || comparing.negated;
        if comparing.quantifier.is_none() && absent_holds == holds {
            formatter.write_str(", or absent")?;
        }
        Ok(())
    }
}

impl Comparison {
    fn preposition(self) -> &'static str {
        match self {
            Self::StringEquals | Self::Bool | Self::Binary => "",
            Self::StringEqualsIgnoreCase => " (letter case ignored)",
            Self::StringLike | Self::Arn => " like",
            Self::IpAddress => " in",
            Self::Numeric(order) => match order {
                Order::Equal => "",
                Order::Less => " less than",
                Order::LessOrEqual => " at most",
                Order::Greater => " more than",
                Order::GreaterOrEqual => " at least",
            },
            Self::Date(order) => match order {
                Order::Equal => "",
                Order::Less => " before",
                Order::LessOrEqual => " at or before",
                Order::Greater => " after",
                Order::GreaterOrEqual => " at or after",
            },
        }
    }
}

impl Operator {
    /// Reads an operator. A different letter case than the documented one is accepted, since the meaning is clear.
    #[must_use]
    pub fn parse(source: &str) -> Self {
        let lower = source.to_ascii_lowercase();
        let (quantifier, rest) = match lower.split_once(':') {
            Some(("foranyvalue", rest)) => (Some(Quantifier::Any), rest),
            Some(("forallvalues", rest)) => (Some(Quantifier::All), rest),
            Some(_) => return Self::Unknown,
            None => (None, lower.as_str()),
        };
        if rest == "null" && quantifier.is_none() {
            return Self::Null;
        }
        let (name, if_exists) = rest.strip_suffix("ifexists").map_or((rest, false), |name| (name, true));
        let Some((comparison, negated)) = comparison(name) else { return Self::Unknown };
        Self::Compare(Comparing { comparison, negated, if_exists, quantifier })
    }
}

fn comparison(name: &str) -> Option<(Comparison, bool)> {
    use Comparison::{Arn, Binary, Bool, Date, IpAddress, Numeric, StringEquals, StringEqualsIgnoreCase, StringLike};
    Some(match name {
        "stringequals" => (StringEquals, false),
        "stringnotequals" => (StringEquals, true),
        "stringequalsignorecase" => (StringEqualsIgnoreCase, false),
        "stringnotequalsignorecase" => (StringEqualsIgnoreCase, true),
        "stringlike" => (StringLike, false),
        "stringnotlike" => (StringLike, true),
        "bool" => (Bool, false),
        "binaryequals" => (Binary, false),
        "ipaddress" => (IpAddress, false),
        "notipaddress" => (IpAddress, true),
        "arnequals" | "arnlike" => (Arn, false),
        "arnnotequals" | "arnnotlike" => (Arn, true),
        _ => {
            let (kind, order): (fn(Order) -> Comparison, &str) = match name.strip_prefix("numeric") {
                Some(order) => (Numeric, order),
                None => (Date, name.strip_prefix("date")?),
            };
            match order {
                "equals" => (kind(Order::Equal), false),
                "notequals" => (kind(Order::Equal), true),
                "lessthan" => (kind(Order::Less), false),
                "lessthanequals" => (kind(Order::LessOrEqual), false),
                "greaterthan" => (kind(Order::Greater), false),
                "greaterthanequals" => (kind(Order::GreaterOrEqual), false),
                _ => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(comparison: Comparison, negated: bool, if_exists: bool, quantifier: Option<Quantifier>) -> Operator {
        Operator::Compare(Comparing { comparison, negated, if_exists, quantifier })
    }

    #[test]
    fn operators_are_taken_apart() {
        let expected = compare(Comparison::StringEquals, false, false, None);
        assert_eq!(Operator::parse("StringEquals"), expected);
        let expected = compare(Comparison::StringLike, true, true, Some(Quantifier::All));
        assert_eq!(Operator::parse("ForAllValues:StringNotLikeIfExists"), expected);
        let expected = compare(Comparison::Numeric(Order::LessOrEqual), false, false, None);
        assert_eq!(Operator::parse("NumericLessThanEquals"), expected);
        let expected = compare(Comparison::Date(Order::Equal), true, false, None);
        assert_eq!(Operator::parse("DateNotEquals"), expected);
        assert_eq!(Operator::parse("ArnEquals"), Operator::parse("ArnLike"));
        assert_eq!(Operator::parse("Null"), Operator::Null);
    }

    #[test]
    fn what_aws_does_not_know_is_unknown() {
        for source in ["NullIfExists", "StringMatches", "ForSomeValue:StringEquals", "", "Numeric", "BoolNotEquals"] {
            assert_eq!(Operator::parse(source), Operator::Unknown, "{source}");
        }
    }
}
