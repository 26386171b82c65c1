//! The wildcards of the policy language: `*` is any sequence of characters, `?` is exactly one.

use std::fmt;

/// One position of a glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbol {
    /// This character.
    Char(char),
    /// This letter in either case.
    Letter(char),
    /// Exactly one character, whatever it is.
    One,
    /// Exactly one character other than a colon.
    OneInField,
    /// Any sequence of characters, the empty one included.
    Many,
    /// Any sequence of characters without a colon, the empty one included.
    ManyInField,
}

/// A pattern that a whole string must match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Glob {
    symbols: Vec<Symbol>,
}

impl Glob {
    /// Reads a pattern in which `*` and `?` act and every other character means itself.
    #[must_use]
    pub fn parse(pattern: &str) -> Self {
        let mut glob = Self::default();
        glob.push_pattern(pattern);
        glob
    }

    /// A pattern that only `text` matches, wildcards in it being plain characters.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self { symbols: text.chars().map(Symbol::Char).collect() }
    }

    /// A pattern that `text` matches in any letter case, wildcards in it being plain characters.
    #[must_use]
    pub fn ignoring_case(text: &str) -> Self {
        let symbol = |character: char| match character.is_alphabetic() {
            true => Symbol::Letter(character),
            false => Symbol::Char(character),
        };
        Self { symbols: text.chars().map(symbol).collect() }
    }

    /// A pattern of the given symbols.
    #[must_use]
    pub fn of(symbols: impl IntoIterator<Item = Symbol>) -> Self {
        let mut glob = Self::default();
        symbols.into_iter().for_each(|symbol| glob.push(symbol));
        glob
    }

    /// Appends text in which wildcards act.
    pub fn push_pattern(&mut self, pattern: &str) {
        self.symbols.reserve(pattern.len());
        for character in pattern.chars() {
            self.push(match character {
                '*' => Symbol::Many,
                '?' => Symbol::One,
                other => Symbol::Char(other),
            });
        }
    }

    /// Appends text in which wildcards are plain characters.
    pub fn push_literal(&mut self, text: &str) {
        self.symbols.extend(text.chars().map(Symbol::Char));
    }

    /// Appends one symbol; a star after an equal star adds nothing and is dropped.
    pub fn push(&mut self, symbol: Symbol) {
        if matches!(symbol, Symbol::Many | Symbol::ManyInField) && self.symbols.last() == Some(&symbol) {
            return;
        }
        self.symbols.push(symbol);
    }

    /// The positions of this pattern.
    #[must_use]
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// True when every string matches.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.symbols == [Symbol::Many]
    }

    /// The only string that matches, when the pattern holds no wildcard.
    #[must_use]
    pub fn as_literal(&self) -> Option<String> {
        self.symbols
            .iter()
            .map(|symbol| match symbol {
                Symbol::Char(character) => Some(*character),
                _ => None,
            })
            .collect()
    }

    /// Whether the whole of `text` matches, letter case included.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.matches_by(text, |pattern, character| pattern == character)
    }

    /// Whether the whole of `text` matches when ASCII letters of either case are equal.
    #[must_use]
    pub fn matches_ignoring_case(&self, text: &str) -> bool {
        self.matches_by(text, |pattern, character| pattern.eq_ignore_ascii_case(&character))
    }

    /// What matching `text` costs a budget: the steps it takes at worst, in words of bits like all other work.
    #[must_use]
    pub(super) fn cost(&self, text: &str) -> usize {
        self.symbols.len().saturating_mul(text.len()) / 64 + 1
    }

    /// Two pointers and one point of return: after a later star matched, an earlier one never needs to give way, because
    /// whatever the earlier one could still absorb the later one can absorb as well. The same holds for stars that stop
    /// at colons, as [`Glob::within_fields`] puts no unlimited star before a limited one.
    fn matches_by(&self, text: &str, equal: impl Fn(char, char) -> bool) -> bool {
        let mut symbols = self.symbols.iter();
        let mut rest = text.chars();
        let mut point_of_return = None;
        loop {
            let mut after = rest.clone();
            let next = after.next();
            let mut following = symbols.clone();
            let step = match (following.next(), next) {
                (Some(Symbol::Many), _) if following.as_slice().is_empty() => return true,
                (Some(Symbol::Many), _) => {
                    point_of_return = Some((following.clone(), rest.clone(), false));
                    symbols = following;
                    continue;
                }
                (Some(Symbol::ManyInField), _) => {
                    point_of_return = Some((following.clone(), rest.clone(), true));
                    symbols = following;
                    continue;
                }
                (None, None) => return true,
                (Some(Symbol::Char(wanted)), Some(found)) => equal(*wanted, found),
                (Some(Symbol::Letter(wanted)), Some(found)) => is_same_letter(*wanted, found),
                (Some(Symbol::One), Some(_)) => true,
                (Some(Symbol::OneInField), Some(found)) => found != ':',
                // What follows the last star needs more characters than are left, and a later try has fewer still.
                (Some(_), None) => return false,
                (None, Some(_)) => false,
            };
            if step {
                symbols = following;
                rest = after;
                continue;
            }
            let Some((after_star, mut absorbed, in_field)) = point_of_return.take() else { return false };
            match absorbed.next() {
                None => return false,
                Some(':') if in_field => return false,
                Some(_) => {}
            }
            symbols = after_star.clone();
            rest = absorbed.clone();
            point_of_return = Some((after_star, absorbed, in_field));
        }
    }

    /// The narrower reading of a resource pattern: wildcards stay inside their colon-separated field, except that a star
    /// at the end of the pattern may absorb the rest, and that the sixth field is the rest of the string.
    #[must_use]
    pub fn within_fields(&self) -> Self {
        let end = self.symbols.len().saturating_sub(1);
        let mut colons = 0;
        let mut glob = Self::default();
        for (position, symbol) in self.symbols.iter().enumerate() {
            colons += usize::from(*symbol == Symbol::Char(':'));
            glob.push(match symbol {
                Symbol::Many if colons < 5 && position != end => Symbol::ManyInField,
                Symbol::One if colons < 5 => Symbol::OneInField,
                other => *other,
            });
        }
        glob
    }
}

/// Whether two characters are one letter, in whatever case.
pub(super) fn is_same_letter(one: char, other: char) -> bool {
    one == other || one.to_lowercase().eq(other.to_lowercase())
}

impl fmt::Display for Glob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.symbols.iter().try_for_each(|symbol| match symbol {
            Symbol::Char(character) | Symbol::Letter(character) => write!(formatter, "{character}"),
            Symbol::One | Symbol::OneInField => formatter.write_str("?"),
            Symbol::Many | Symbol::ManyInField => formatter.write_str("*"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, word for word: exponential, but obviously right.
    fn oracle(pattern: &[Symbol], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(Symbol::Many), _) => oracle(&pattern[1..], text) || (!text.is_empty() && oracle(pattern, &text[1..])),
            (Some(Symbol::ManyInField), _) => {
                oracle(&pattern[1..], text) || (text.first().is_some_and(|c| *c != ':') && oracle(pattern, &text[1..]))
            }
            (Some(_), None) => false,
            (Some(Symbol::One), Some(_)) => oracle(&pattern[1..], &text[1..]),
            (Some(Symbol::OneInField), Some(c)) => *c != ':' && oracle(&pattern[1..], &text[1..]),
            (Some(Symbol::Char(wanted)), Some(c)) => wanted == c && oracle(&pattern[1..], &text[1..]),
            (Some(Symbol::Letter(wanted)), Some(c)) => {
                wanted.eq_ignore_ascii_case(c) && oracle(&pattern[1..], &text[1..])
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_matcher_agrees_with_the_definition(pattern in "[ab:é*?]{0,9}", text in "[ab:é]{0,10}") {
            let characters: Vec<char> = text.chars().collect();
            let glob = Glob::parse(&pattern);
            prop_assert_eq!(glob.matches(&text), oracle(glob.symbols(), &characters));
            let narrow = glob.within_fields();
            prop_assert_eq!(narrow.matches(&text), oracle(narrow.symbols(), &characters));
            prop_assert!(!narrow.matches(&text) || glob.matches(&text));
        }

        #[test]
        fn ignoring_case_is_matching_in_lower_case(pattern in "[aBc*?]{0,8}", text in "[AbC]{0,8}") {
            let lower = Glob::parse(&pattern.to_ascii_lowercase()).matches(&text.to_ascii_lowercase());
            prop_assert_eq!(Glob::parse(&pattern).matches_ignoring_case(&text), lower);
            prop_assert_eq!(Glob::ignoring_case(&pattern).matches(&text), pattern.eq_ignore_ascii_case(&text));
        }
    }

    #[test]
    fn many_stars_over_a_long_text_stay_cheap() {
        let glob = Glob::parse("*a*a*a*a*a*a*a*a*a*a*a*a*b");
        assert!(!glob.matches(&"a".repeat(100_000)));
        assert!(glob.matches(&format!("{}b", "a".repeat(100_000))));
    }

    #[test]
    fn a_star_in_the_last_place_may_run_past_colons_and_an_inner_one_may_not() {
        let key = "arn:aws:kms:us-east-1:111122223333:key/1";
        assert!(Glob::parse("arn:aws:kms:*").within_fields().matches(key));
        assert!(Glob::parse("arn:aws:kms:*:key/*").matches(key));
        assert!(!Glob::parse("arn:aws:kms:*:key/*").within_fields().matches(key));
        assert!(Glob::parse("arn:aws:kms:*:*:key/*").within_fields().matches(key));
        assert!(!Glob::parse("arn:aws:kms:*:key/1").within_fields().matches(key));
        assert!(!Glob::parse("arn:aws:kms:us-east-1:*/1").within_fields().matches(key));
        let topic = "arn:aws:sns:us-east-1:111122223333:a:b:c";
        assert!(Glob::parse("arn:aws:sns:*:*:a*c*").within_fields().matches(topic));
    }
}
