//! What a condition operator says about the values of a key: the one place that knows the operators (semantics 3.2, 3.3).

use std::cmp::Ordering;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Match;
use super::condition::{Comparing, Comparison, ConditionTest, Operator, Order, Quantifier};
use super::glob::{Glob, Symbol};
use super::text::Text;

/// What a request holds under one condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// The key is not in the request.
    Absent,
    /// A key with one value.
    One(&'a str),
    /// A key that holds a set; the empty set counts as absent.
    Set(&'a [String]),
}

/// The values of the condition keys that policy variables ask for, by key in lower case.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The outcome of one value of the request against one value of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Same,
    Different,
    /// One of the two is no value of the operator's type. A positive operator then fails; what a negated one does is not
    /// documented (semantics U-15).
    Uncomparable,
    /// Same under one reading of the documentation (variables in Bool values, semantics U-7).
    Unsure,
}

impl ConditionTest {
    /// Whether the test holds for what the request has under the key.
    #[must_use]
    pub fn holds(&self, found: Found<'_>, value: Lookup<'_>) -> Match {
        let found = match found {
            Found::Set([]) => Found::Absent,
            other => other,
        };
        match self.operator {
            Operator::Unknown | Operator::Unread => Match::Unsure,
            Operator::Null => self.null(found != Found::Absent),
            Operator::Compare(comparing) if self.values.is_empty() => comparing.without_values(found),
            Operator::Compare(comparing) => comparing.holds(found, &self.values, value),
        }
    }

    pub(super) fn null(&self, present: bool) -> Match {
        if self.values.is_empty() {
            return Match::Unsure;
        }
        Match::any(self.values.iter().map(|text| match text.fixed_plain().and_then(boolean) {
            Some(absent) => Match::from(absent != present),
            None => Match::Unsure,
        }))
    }
}

impl Comparing {
    /// Whether the operator holds for what the request has, against a list of at least one value.
    #[must_use]
    pub fn holds(self, found: Found<'_>, wanted: &[Text], value: Lookup<'_>) -> Match {
        let one = |found: &str| self.holds_for(found, wanted, value);
        match (found, self.quantifier) {
            (Found::Absent, quantifier) => self.absent(quantifier),
            (Found::One(""), Some(Quantifier::All)) => Match::Yes,
            (Found::One(found), _) => one(found),
            (Found::Set(set), Some(Quantifier::All)) if set.iter().all(String::is_empty) => Match::Yes,
            (Found::Set(set), Some(Quantifier::All)) => Match::all(set.iter().map(|found| one(found))),
            (Found::Set(set), Some(Quantifier::Any)) => Match::any(set.iter().map(|found| one(found))),
            // A set without a set operator: no match under one reading, any value under the other (semantics U-6).
            (Found::Set(set), None) => Match::any(set.iter().map(|found| one(found))).min(Match::Unsure),
        }
    }

    /// The answer when the key is absent (the table of semantics C-9).
    #[must_use]
    pub fn absent(self, quantifier: Option<Quantifier>) -> Match {
        Match::from(match quantifier {
            Some(Quantifier::All) => true,
            Some(Quantifier::Any) => false,
            None => self.negated || self.if_exists,
        })
    }

    /// An operator that lists no value (semantics 1.7, U-17).
    pub(super) fn without_values(self, found: Found<'_>) -> Match {
        match self.quantifier {
            Some(Quantifier::Any) => Match::No,
            Some(Quantifier::All) => Match::from(found == Found::Absent),
            None if self.if_exists => Match::from(found == Found::Absent),
            None => Match::Unsure,
        }
    }

    /// Whether one value of the request passes: it equals any listed value, or none of them when the operator is negated.
    #[must_use]
    pub fn holds_for(self, found: &str, wanted: &[Text], value: Lookup<'_>) -> Match {
        self.equals_any(found, wanted.iter(), value).negated_if(self.negated)
    }

    /// The same before the negation of a negated operator.
    pub(super) fn equals_any<'w>(
        self,
        found: &str,
        wanted: impl Iterator<Item = &'w Text>,
        value: Lookup<'_>,
    ) -> Match {
        let outcomes = wanted.map(|wanted| self.comparison.outcome(found, wanted, value));
        Match::any(outcomes.map(|outcome| match (outcome, self.negated) {
            (Outcome::Same, _) => Match::Yes,
            (Outcome::Different, _) | (Outcome::Uncomparable, false) => Match::No,
            (Outcome::Uncomparable, true) | (Outcome::Unsure, _) => Match::Unsure,
        }))
    }
}

impl Match {
    fn negated_if(self, negated: bool) -> Self {
        if negated { !self } else { self }
    }
}

impl Comparison {
    /// One value of the request against one value of the policy.
    pub(super) fn outcome(self, found: &str, wanted: &Text, value: Lookup<'_>) -> Outcome {
        let same = |same: Option<bool>| match same {
            None => Outcome::Uncomparable,
            Some(true) => Outcome::Same,
            Some(false) => Outcome::Different,
        };
        // Variables act in string and ARN values; elsewhere the text is taken as written. A variable without a value
        // equals nothing (semantics V-1, V-5).
        let plain = || wanted.plain(value);
        match self {
            Self::StringEquals => same(Some(plain().is_some_and(|wanted| wanted == found))),
            Self::StringEqualsIgnoreCase => {
                same(Some(plain().is_some_and(|wanted| wanted.to_lowercase() == found.to_lowercase())))
            }
            Self::StringLike => same(Some(wanted.glob(value).is_some_and(|wanted| wanted.matches(found)))),
            Self::Arn => match wanted.glob(value) {
                Some(wanted) => same(arn_like(&wanted, found)),
                None => Outcome::Different,
            },
            Self::Bool if wanted.has_variables() => {
                let equal = plain().and_then(|wanted| Some(boolean(&wanted)? == boolean(found)?));
                if equal == Some(true) { Outcome::Unsure } else { Outcome::Different }
            }
            Self::Bool => same(boolean(found).zip(boolean(wanted.source())).map(|(found, wanted)| found == wanted)),
            Self::Binary => same(Some(found == wanted.source())),
            Self::Numeric(order) => {
                same(Number::parse(found).zip(Number::parse(wanted.source())).map(|(a, b)| order.holds(a.cmp(&b))))
            }
            Self::Date(order) => {
                same(instant(found).zip(instant(wanted.source())).map(|(a, b)| order.holds(a.cmp(&b))))
            }
            Self::IpAddress => {
                same(AddressRange::parse(wanted.source()).zip(address(found)).map(|(r, a)| r.contains(a)))
            }
        }
    }
}

impl Order {
    /// Whether the order holds when the value of the request compares so with that of the policy.
    #[must_use]
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// `true` or `false` in any letter case.
#[must_use]
pub(super) fn boolean(text: &str) -> Option<bool> {
    match () {
        () if text.eq_ignore_ascii_case("true") => Some(true),
        () if text.eq_ignore_ascii_case("false") => Some(false),
        () => None,
    }
}

/// The six fields of an ARN pattern, or `None` when it has fewer. The sixth is the rest of the string.
#[must_use]
pub(super) fn arn_fields(pattern: &Glob) -> Option<[Glob; 6]> {
    let mut fields = pattern.symbols().splitn(6, |symbol| *symbol == Symbol::Char(':'));
    let mut next = || fields.next().map(|symbols| Glob::of(symbols.iter().copied()));
    Some([next()?, next()?, next()?, next()?, next()?, next()?])
}

/// `ArnLike`: field by field, so that no wildcard of the first five runs past a colon. `None` when either is no ARN.
fn arn_like(wanted: &Glob, found: &str) -> Option<bool> {
    let wanted = arn_fields(wanted)?;
    let found: Vec<&str> = found.splitn(6, ':').collect();
    (found.len() == 6).then(|| wanted.iter().zip(found).all(|(wanted, found)| wanted.matches(found)))
}

/// A decimal number of any size, compared exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Number {
    /// Reads `[+-]digits[.digits]`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !numeric(whole) || !numeric(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        Some(Self { negative, whole, fraction })
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |number: &Self| (number.whole.len(), number.whole.clone(), number.fraction.clone());
        match (self.negative, other.negative) {
            (false, false) => size(self).cmp(&size(other)),
            (true, true) => size(other).cmp(&size(self)),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A point in time: ISO 8601 as W3C writes it (UTC where no zone is given), or seconds since 1970.
#[must_use]
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>()
        && text.len() != 4
    {
        return Timestamp::from_second(seconds).ok();
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    let full = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    let civil: DateTime = full.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// A range of addresses of one family, as its first and last address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRange {
    /// True for IPv6. The families never match each other.
    pub is_v6: bool,
    /// The first address as a number.
    pub first: u128,
    /// The last address as a number.
    pub last: u128,
}

impl AddressRange {
    /// Reads an address or a CIDR block; bits after the prefix are ignored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (address(base)?, Some(prefix)),
            None => (address(text)?, None),
        };
        let (is_v6, number, width) = number(base);
        let prefix = match prefix {
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => prefix.parse::<u32>().ok()?,
            Some(_) => return None,
            None => width,
        };
        let free = width.checked_sub(prefix)?;
        let mask = u128::MAX.checked_shr(128 - free).unwrap_or(0);
        Some(Self { is_v6, first: number & !mask, last: number | mask })
    }

    /// The first and last address, and those just outside.
    #[must_use]
    pub fn around(&self) -> Vec<IpAddr> {
        let numbers = [Some(self.first), Some(self.last), self.first.checked_sub(1), self.last.checked_add(1)];
        let address = |number: u128| match u32::try_from(number) {
            Ok(bits) if !self.is_v6 => Some(IpAddr::from(bits.to_be_bytes())),
            Err(_) if !self.is_v6 => None,
            _ => Some(IpAddr::from(number.to_be_bytes())),
        };
        numbers.into_iter().flatten().filter_map(address).collect()
    }

    /// Whether the address lies in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (is_v6, number, _) = number(address);
        is_v6 == self.is_v6 && (self.first..=self.last).contains(&number)
    }
}

fn number(address: IpAddr) -> (bool, u128, u32) {
    match address {
        IpAddr::V4(address) => (false, u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (true, address.to_bits(), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::Variables;
    use super::*;

    fn test(operator: &str, values: &[&str]) -> ConditionTest {
        let text = |value: &&str| Text::new((*value).to_owned(), Variables::Replaced);
        ConditionTest {
            operator: Operator::parse(operator),
            operator_source: operator.to_owned(),
            key: "aws:x".to_owned(),
            key_source: "aws:x".to_owned(),
            values: values.iter().map(text).collect(),
        }
    }

    fn one(operator: &str, found: &str, values: &[&str]) -> Match {
        test(operator, values).holds(Found::One(found), &|_| None)
    }

    fn set(operator: &str, found: &[&str], values: &[&str]) -> Match {
        let found: Vec<String> = found.iter().map(|value| (*value).to_owned()).collect();
        test(operator, values).holds(Found::Set(&found), &|_| None)
    }

    #[test]
    fn positive_operators_need_one_value_and_negated_ones_none() {
        assert_eq!(one("StringEquals", "b", &["a", "b"]), Match::Yes);
        assert_eq!(one("StringNotEquals", "b", &["a", "b"]), Match::No);
        assert_eq!(one("StringNotEquals", "c", &["a", "b"]), Match::Yes);
        assert_eq!(one("StringEquals", "*", &["*"]), Match::Yes);
        assert_eq!(one("StringEquals", "a", &["*"]), Match::No);
        assert_eq!(one("StringLike", "kms:a", &["k*"]), Match::Yes);
        assert_eq!(one("StringEqualsIgnoreCase", "ÄB", &["äb"]), Match::Yes);
    }

    #[test]
    fn an_absent_key_follows_the_table() {
        let absent = |operator, value| test(operator, &[value]).holds(Found::Absent, &|_| None);
        for (operator, expected) in [
            ("StringEquals", Match::No),
            ("StringNotEquals", Match::Yes),
            ("StringEqualsIfExists", Match::Yes),
            ("ForAnyValue:StringEquals", Match::No),
            ("ForAnyValue:StringEqualsIfExists", Match::No),
            ("ForAnyValue:StringNotEquals", Match::No),
            ("ForAllValues:StringEquals", Match::Yes),
            ("Bool", Match::No),
        ] {
            assert_eq!(absent(operator, "true"), expected, "{operator}");
        }
        assert_eq!(absent("Null", "true"), Match::Yes);
        assert_eq!(absent("Null", "false"), Match::No);
        assert_eq!(one("Null", "x", &["false"]), Match::Yes);
    }

    #[test]
    fn set_operators_quantify_and_sets_without_them_are_unsure() {
        assert_eq!(set("ForAnyValue:StringEquals", &["a", "b"], &["b"]), Match::Yes);
        assert_eq!(set("ForAllValues:StringEquals", &["a", "b"], &["b"]), Match::No);
        assert_eq!(set("ForAllValues:StringEquals", &["", ""], &["b"]), Match::Yes);
        assert_eq!(set("ForAnyValue:StringNotEquals", &["a", "b"], &["b"]), Match::Yes);
        assert_eq!(set("ForAllValues:StringNotEquals", &["a", "b"], &["b"]), Match::No);
        assert_eq!(set("ForAllValues:StringEquals", &[], &["b"]), Match::Yes);
        assert_eq!(set("StringEquals", &["a", "b"], &["b"]), Match::Unsure);
        assert_eq!(set("StringEquals", &["a"], &["b"]), Match::No);
    }

    #[test]
    fn values_of_the_wrong_type_fail_and_leave_a_negated_operator_unsure() {
        assert_eq!(one("NumericLessThan", "x", &["1"]), Match::No);
        assert_eq!(one("NumericNotEquals", "x", &["1"]), Match::Unsure);
        assert_eq!(one("IpAddress", "nowhere", &["10.0.0.0/8"]), Match::No);
        assert_eq!(one("NotIpAddress", "nowhere", &["10.0.0.0/8"]), Match::Unsure);
        assert_eq!(one("ArnNotLike", "no-arn", &["arn:aws:iam::111122223333:role/*"]), Match::Unsure);
        assert_eq!(one("Bool", "yes", &["true"]), Match::No);
    }

    #[test]
    fn numbers_compare_as_decimals() {
        assert_eq!(one("NumericEquals", "007.50", &["7.5"]), Match::Yes);
        assert_eq!(one("NumericLessThan", "9", &["10"]), Match::Yes);
        assert_eq!(one("NumericLessThan", "-10", &["-9"]), Match::Yes);
        assert_eq!(one("NumericGreaterThanEquals", "9007199254740993", &["9007199254740993.1"]), Match::No);
        assert_eq!(one("NumericEquals", "-0", &["0"]), Match::Yes);
        assert_eq!(Number::parse("1e3"), None);
    }

    #[test]
    fn dates_are_instants() {
        assert_eq!(one("DateLessThan", "2026-01-01T00:00:00Z", &["2026-01-01T01:00:00+00:00"]), Match::Yes);
        assert_eq!(one("DateEquals", "1767225600", &["2026-01-01T00:00:00Z"]), Match::Yes);
        assert_eq!(one("DateEquals", "2026-01-01", &["2026-01-01T00:00:00Z"]), Match::Yes);
        assert_eq!(one("DateEquals", "2026", &["2026-01"]), Match::Yes);
        assert_eq!(one("DateGreaterThan", "soon", &["2026-01-01"]), Match::No);
    }

    #[test]
    fn address_families_never_match_each_other() {
        assert_eq!(one("IpAddress", "10.1.2.3", &["10.0.0.0/8"]), Match::Yes);
        assert_eq!(one("IpAddress", "10.1.2.3", &["10.1.2.3"]), Match::Yes);
        assert_eq!(one("IpAddress", "::ffff:10.1.2.3", &["0.0.0.0/0"]), Match::No);
        assert_eq!(one("NotIpAddress", "2001:db8::1", &["0.0.0.0/0"]), Match::Yes);
        assert_eq!(one("IpAddress", "2001:db8::1", &["2001:db8::/32"]), Match::Yes);
        assert_eq!(AddressRange::parse("10.0.0.0/33"), None);
        assert_eq!(AddressRange::parse("0.0.0.0/0").unwrap().last, u128::from(u32::MAX));
    }

    #[test]
    fn arn_wildcards_stay_in_their_field_except_in_the_last() {
        let role = "arn:aws:iam::111122223333:role/a/b";
        assert_eq!(one("ArnLike", role, &["arn:aws:iam::111122223333:role/*"]), Match::Yes);
        assert_eq!(one("ArnEquals", role, &["arn:aws:iam::*:role/*"]), Match::Yes);
        assert_eq!(one("ArnLike", role, &["arn:aws:*:111122223333:role/*"]), Match::No);
        assert_eq!(one("ArnLike", "arn:aws:sns:r:1:a:b", &["arn:aws:sns:r:1:*"]), Match::Yes);
    }

    #[test]
    fn an_unresolved_variable_equals_nothing() {
        assert_eq!(one("StringEquals", "x", &["${aws:username}"]), Match::No);
        assert_eq!(one("StringNotEquals", "x", &["${aws:username}"]), Match::Yes);
        let bool_test = test("Bool", &["${aws:x}"]);
        assert_eq!(bool_test.holds(Found::One("true"), &|_| Some("true".to_owned())), Match::Unsure);
    }

    #[test]
    fn an_operator_without_values_follows_the_guide_where_it_speaks() {
        assert_eq!(set("ForAllValues:StringEquals", &["a"], &[]), Match::No);
        assert_eq!(set("ForAllValues:StringEquals", &[], &[]), Match::Yes);
        assert_eq!(set("ForAnyValue:StringEquals", &["a"], &[]), Match::No);
        assert_eq!(one("StringEqualsIfExists", "a", &[]), Match::No);
        assert_eq!(one("StringEquals", "a", &[]), Match::Unsure);
    }
}
