//! Values of a condition key, one for each way in which a set of tests can tell values apart.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::condition::{Comparison, ConditionTest, Operator};
use super::glob::{Glob, Symbol};
use super::operator::{AddressRange, Number, arn_fields, instant};
use super::symbolic::atoms::Partition;
use super::symbolic::class::Class;
use super::symbolic::relations::{by_default, widest};
use super::symbolic::{Budget, Exhausted};
use super::text::Text;

/// Strings among which every combination of outcomes of the tests occurs that occurs at all, readable ones first. Policy
/// variables are read as `*`, and by their defaults.
pub(super) fn candidates(tests: &[&ConditionTest], budget: &mut Budget) -> Result<Vec<String>, Exhausted> {
    more_candidates(tests, &[], budget)
}

/// The same with other strings than those `besides`, wherever there are others.
pub(super) fn more_candidates(
    tests: &[&ConditionTest],
    besides: &[String],
    budget: &mut Budget,
) -> Result<Vec<String>, Exhausted> {
    let mut globs = globs_of(tests);
    globs.extend(besides.iter().map(|text| Glob::literal(text)));
    let compared = |wanted: fn(Comparison) -> bool| comparisons(tests).any(wanted);
    if compared(|comparison| comparison == Comparison::Arn) {
        // Six fields of any content: what is no ARN cannot be compared with one.
        let field = [Symbol::ManyInField, Symbol::Char(':')];
        globs.push(Glob::of(field.iter().copied().cycle().take(10).chain([Symbol::Many])));
    }
    if tests.iter().any(|test| matches!(test.operator, Operator::Compare(comparing) if comparing.quantifier.is_some()))
    {
        globs.push(Glob::default());
    }
    let atoms = Partition::new(Class::Text, &globs, budget)?.atoms;
    let mut strings = typed_values(tests);
    strings.extend(atoms.into_iter().map(|atom| atom.representative));
    let mut seen = BTreeSet::new();
    strings.retain(|value| seen.insert(value.clone()));
    budget.spend(strings.iter().map(String::len).sum())?;
    Ok(strings)
}

fn comparisons(tests: &[&ConditionTest]) -> impl Iterator<Item = Comparison> {
    tests.iter().filter_map(|test| match test.operator {
        Operator::Compare(comparing) => Some(comparing.comparison),
        Operator::Null | Operator::Unknown | Operator::Unread => None,
    })
}

/// The patterns of all values, variables read as `*`, and by their defaults.
pub(super) fn globs_of(tests: &[&ConditionTest]) -> Vec<Glob> {
    let mut globs = Vec::new();
    for test in tests {
        let Operator::Compare(comparing) = test.operator else { continue };
        for text in &test.values {
            let mut add = |glob: Glob| match comparing.comparison {
                Comparison::Arn => globs.extend(arn_glob(&glob)),
                _ => globs.push(glob),
            };
            add(widest(comparing.comparison, text));
            by_default(comparing.comparison, text).into_iter().for_each(add);
        }
    }
    globs
}

/// An ARN pattern with wildcards that stay in their field; nothing when it is no ARN.
fn arn_glob(glob: &Glob) -> Option<Glob> {
    let fields = arn_fields(glob)?;
    let mut whole = Glob::default();
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            whole.push(Symbol::Char(':'));
        }
        for symbol in field.symbols() {
            whole.push(match symbol {
                Symbol::Many if index < 5 => Symbol::ManyInField,
                Symbol::One if index < 5 => Symbol::OneInField,
                other => *other,
            });
        }
    }
    Some(whole)
}

/// Values at, beside and between the bounds of typed operators.
pub(super) fn typed_values(tests: &[&ConditionTest]) -> Vec<String> {
    let mut values = Vec::new();
    let (mut numbers, mut dates, mut ranges) = (vec![], vec![], vec![]);
    for test in tests {
        let Operator::Compare(comparing) = test.operator else { continue };
        let texts = test.values.iter().filter_map(Text::fixed_plain);
        match comparing.comparison {
            Comparison::Bool => values.extend(["true", "false"].map(str::to_owned)),
            Comparison::Numeric(_) => numbers.extend(texts.filter(|text| Number::parse(text).is_some())),
            Comparison::Date(_) => dates.extend(texts.filter_map(instant)),
            Comparison::IpAddress => ranges.extend(texts.filter_map(AddressRange::parse)),
            _ => {}
        }
    }
    values.extend(around_numbers(&numbers));
    values.extend(dates.iter().flat_map(|at| around_instant(*at)));
    if !ranges.is_empty() {
        values.extend(["203.0.113.77", "2001:db8:77::77"].map(str::to_owned));
        values.extend(ranges.iter().flat_map(AddressRange::around).map(|address| address.to_string()));
    }
    values
}

/// Each number, its whole neighbours, and numbers so near that no other bound lies between.
fn around_numbers(numbers: &[&str]) -> Vec<String> {
    let mut values = Vec::new();
    for text in numbers {
        let whole: Option<i128> = text.split('.').next().and_then(|whole| whole.parse().ok());
        let neighbours = whole.into_iter().flat_map(|whole| [whole.checked_sub(1), whole.checked_add(1)]).flatten();
        values.push((*text).to_owned());
        values.extend(neighbours.map(|number| number.to_string()));
    }
    let digits = numbers.iter().filter_map(|text| Some(text.split_once('.')?.1.len())).max().unwrap_or(0);
    for text in numbers {
        let (sign, size) = match text.strip_prefix('-') {
            Some(size) => ("-", size),
            None => ("", text.trim_start_matches('+')),
        };
        let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
        let padded = format!("{whole}.{fraction:0<digits$}");
        values.push(format!("{sign}{padded}1"));
        values.push(match one_less(&padded) {
            Some(less) => format!("{sign}{less}9"),
            // Zero, whose other side has the other sign.
            None => format!("-{padded}1"),
        });
        values.push(format!("{sign}0{size}"));
    }
    values
}

/// The digits of a number without sign, diminished by one in the last place; nothing below zero.
fn one_less(number: &str) -> Option<String> {
    let mut digits: Vec<char> = number.chars().collect();
    for digit in digits.iter_mut().rev().filter(|digit| digit.is_ascii_digit()) {
        if *digit == '0' {
            *digit = '9';
            continue;
        }
        *digit = char::from_u32(u32::from(*digit) - 1)?;
        return Some(digits.into_iter().collect());
    }
    None
}

fn around_instant(at: Timestamp) -> Vec<String> {
    let second = SignedDuration::from_secs(1);
    let instant = SignedDuration::from_nanos(1);
    [SignedDuration::ZERO, second, -second, instant, -instant]
        .into_iter()
        .filter_map(|offset| Some(at.checked_add(offset).ok()?.to_string()))
        .collect()
}
