//! Equalities that depend on the values of policy variables: which of them are one question, and values that meet them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::policy::condition::Comparison;
use crate::policy::glob::{Glob, Symbol};
use crate::policy::text::{Part, Text};

/// What is compared with a text that holds policy variables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) enum Subject {
    /// The resource of the request.
    Resource,
    /// The only value of a key, which is given in lower case.
    Key(String),
    /// One element of the set under a key.
    Element(String, String),
}

/// Such an equality. Where two of them always hold together they are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Relation {
    pub(super) subject: Subject,
    pub(super) comparison: Comparison,
    parts: Vec<Part>,
}

/// The longest value and the most variables for which values are looked for: every way to cut the value is tried.
const LONGEST: usize = 300;
const MOST_VARIABLES: usize = 2;

impl Relation {
    pub(super) fn new(subject: Subject, comparison: Comparison, text: &Text) -> Self {
        let is_wild = |part: &Part| matches!(part, Part::Written(written) if written.contains(['*', '?']));
        let comparison = match comparison {
            Comparison::StringLike if !text.parts().iter().any(is_wild) => Comparison::StringEquals,
            other => other,
        };
        let mut relation = Self { subject, comparison, parts: text.parts().to_vec() };
        // The default of the only variable stands in where it has no value, and relations are asked for where it has one.
        let mut variables = relation.parts.iter_mut().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            Part::Written(_) | Part::Escaped(_) => None,
        });
        if let (Some(only), None) = (variables.next(), variables.next()) {
            only.default = None;
        }
        relation.turned().unwrap_or(relation)
    }

    /// Two keys that are compared with each other are written in one order.
    fn turned(&self) -> Option<Self> {
        let symmetric = matches!(self.comparison, Comparison::StringEquals | Comparison::StringEqualsIgnoreCase);
        let [Part::Variable(variable)] = self.parts.as_slice() else { return None };
        let Subject::Key(key) = &self.subject else { return None };
        (symmetric && variable.default.is_none() && variable.key < *key).then(|| {
            let mut other = variable.clone();
            let subject = Subject::Key(std::mem::replace(&mut other.key, key.clone()));
            Self { subject, comparison: self.comparison, parts: vec![Part::Variable(other)] }
        })
    }

    /// Whether `other` holds wherever this holds, because it compares the same more loosely.
    pub(super) fn implies(&self, other: &Self) -> bool {
        let looser = match self.comparison {
            Comparison::StringEquals => [Comparison::StringEqualsIgnoreCase, Comparison::StringLike].as_slice(),
            Comparison::Arn => &[Comparison::StringLike],
            _ => &[],
        };
        looser.contains(&other.comparison) && (&self.subject, &self.parts) == (&other.subject, &other.parts)
    }

    /// True for a key that is compared with itself.
    pub(super) fn is_of_one_key(&self) -> bool {
        matches!((&self.subject, self.parts.as_slice()), (Subject::Key(key), [Part::Variable(it)]) if it.key == *key)
    }

    /// The keys of the variables, in lower case.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable.key.as_str()),
            Part::Written(_) | Part::Escaped(_) => None,
        })
    }

    /// Values of the variables that make the text equal to `found`. `None` when none are found, which proves nothing.
    pub(super) fn solved_for(&self, found: &str) -> Option<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        let is_small = found.len() <= LONGEST && self.variables().count() <= MOST_VARIABLES;
        (is_small && self.solve(&self.parts, found, &mut values)).then_some(values)
    }

    /// Whether it holds where `value` gives the values of keys.
    #[cfg(test)]
    pub(in crate::policy) fn is_met(&self, resource: &str, value: &dyn Fn(&str) -> Option<String>) -> bool {
        let found = match &self.subject {
            Subject::Resource => Some(resource.to_owned()),
            Subject::Key(key) => value(key),
            Subject::Element(_, element) => Some(element.clone()),
        };
        let parts: Option<Vec<Glob>> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Variable(variable) => value(&variable.key).map(|value| match self.comparison {
                    Comparison::StringEqualsIgnoreCase => Glob::ignoring_case(&value),
                    _ => Glob::literal(&value),
                }),
                part => Some(pattern_of(self.comparison, part)),
            })
            .collect();
        let whole = parts.map(|parts| Glob::of(parts.iter().flat_map(|part| part.symbols().to_vec())));
        whole.zip(found).is_some_and(|(whole, found)| whole.matches(&found))
    }

    fn solve(&self, parts: &[Part], found: &str, values: &mut BTreeMap<String, String>) -> bool {
        let Some((first, rest)) = parts.split_first() else { return found.is_empty() };
        let ends = found.char_indices().map(|(start, _)| start).chain([found.len()]);
        match first {
            Part::Variable(variable) => {
                if let Some(value) = values.get(&variable.key) {
                    return found.strip_prefix(value.as_str()).is_some_and(|found| self.solve(rest, found, values));
                }
                for end in ends.collect::<Vec<_>>().into_iter().rev() {
                    let (value, found) = found.split_at(end);
                    values.insert(variable.key.clone(), value.to_owned());
                    if self.solve(rest, found, values) {
                        return true;
                    }
                }
                values.remove(&variable.key);
                false
            }
            Part::Written(_) | Part::Escaped(_) => {
                let glob = pattern_of(self.comparison, first);
                ends.map(|end| found.split_at(end))
                    .any(|(start, found)| glob.matches(start) && self.solve(rest, found, values))
            }
        }
    }
}

/// The pattern of everything that a value of the policy can equal, whatever its variables hold.
pub(in crate::policy) fn widest(comparison: Comparison, text: &Text) -> Glob {
    match (comparison, text.fixed_plain(), text.fixed_glob()) {
        (Comparison::StringLike | Comparison::Arn, _, Some(glob)) => glob.clone(),
        (_, Some(plain), _) => pattern_of(comparison, &Part::Written(plain.to_owned())),
        _ => {
            let globs = text.parts().iter().map(|part| pattern_of(comparison, part));
            Glob::of(globs.flat_map(|glob| glob.symbols().to_vec()))
        }
    }
}

/// What the text equals when none of its variables has a value but each a default.
pub(in crate::policy) fn by_default(comparison: Comparison, text: &Text) -> Option<Glob> {
    if !text.has_variables() {
        return None;
    }
    match comparison {
        Comparison::StringLike | Comparison::Arn => text.glob(&|_| None).map(Cow::into_owned),
        _ => text.plain(&|_| None).map(|plain| pattern_of(comparison, &Part::Written(plain.into_owned()))),
    }
}

fn pattern_of(comparison: Comparison, part: &Part) -> Glob {
    match (part, comparison) {
        (Part::Variable(_), _) => Glob::of([Symbol::Many]),
        (Part::Escaped(character), _) => Glob::of([Symbol::Char(*character)]),
        (Part::Written(text), Comparison::StringLike | Comparison::Arn) => Glob::parse(text),
        (Part::Written(text), Comparison::StringEqualsIgnoreCase | Comparison::Bool) => Glob::ignoring_case(text),
        (Part::Written(text), _) => Glob::literal(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::text::Variables;

    fn relation(key: &str, comparison: Comparison, text: &str) -> Relation {
        let text = Text::new(text.to_owned(), Variables::Replaced);
        Relation::new(Subject::Key(key.to_owned()), comparison, &text)
    }

    #[test]
    fn one_question_is_one_relation() {
        let equal = |key, text| relation(key, Comparison::StringEquals, text);
        assert_eq!(equal("b", "${a}"), equal("a", "${b}"));
        assert_eq!(equal("b", "${A}"), equal("b", "${a}"));
        assert_eq!(equal("a", "x-${b}"), relation("a", Comparison::StringLike, "x-${b}"));
        assert_ne!(equal("a", "x*${b}"), relation("a", Comparison::StringLike, "x*${b}"));
        assert_ne!(equal("a", "${b}"), relation("a", Comparison::StringEqualsIgnoreCase, "${b}"));
        assert_eq!(equal("b", "${a, 'x'}"), equal("b", "${a}"));
        assert_ne!(equal("c", "${a, 'x'}${b}"), equal("c", "${a}${b}"));
        assert!(equal("a", "${a}").is_of_one_key());
    }

    #[test]
    fn what_compares_more_loosely_is_implied() {
        let strict = relation("a", Comparison::StringEquals, "x*${b}");
        assert!(strict.implies(&relation("a", Comparison::StringLike, "x*${b}")));
        assert!(strict.implies(&relation("a", Comparison::StringEqualsIgnoreCase, "x*${b}")));
        assert!(!strict.implies(&relation("a", Comparison::StringLike, "y*${b}")));
        assert!(!relation("a", Comparison::StringLike, "x*${b}").implies(&strict));
    }

    #[test]
    fn values_are_found_for_one_and_two_variables() {
        let solved = |comparison, text, found: &str| {
            let values = relation("subject", comparison, text).solved_for(found)?;
            Some(values.into_values().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(solved(Comparison::StringLike, "a*-${b}/${c}", "aXX-1/2").as_deref(), Some("1 2"));
        assert_eq!(solved(Comparison::StringEquals, "${b}-${b}", "x-x").as_deref(), Some("x"));
        assert_eq!(solved(Comparison::StringEquals, "${b}-${b}", "x-y"), None);
        assert_eq!(solved(Comparison::StringEquals, "a*${b}", "axb"), None);
        assert_eq!(solved(Comparison::StringEqualsIgnoreCase, "TEAM-${b}", "team-blue").as_deref(), Some("blue"));
        assert_eq!(solved(Comparison::StringEquals, "${b}", &"x".repeat(1000)), None);
    }
}
