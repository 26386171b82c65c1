//! What the values of a condition key or the ARNs of a resource type look like, and whether a policy's pattern can meet them.

use crate::policy::glob::{Glob, Symbol};

/// A set of strings, written as alternatives between `|`, each a sequence of characters, classes (`[a-z0-9]`), `*` (any
/// text) and `~` (text without `/`); after a character or class `{n}`, `{n,m}`, `+` and `?` say how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    alternatives: Vec<Alternative>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Alternative {
    steps: Vec<Step>,
    /// The steps that may be left out.
    optional: Positions,
    /// Where an end begins that any text is; behind the last step where there is none.
    anything_from: usize,
}

impl From<Vec<Step>> for Alternative {
    fn from(steps: Vec<Step>) -> Self {
        let mut optional = Positions::none(steps.len());
        let places = steps.iter().enumerate().filter(|(_, step)| step.repeat != Repeat::Once);
        places.for_each(|(place, _)| optional.insert(place));
        let is_anything = |step: &&Step| step.set == Set::Any && step.repeat == Repeat::AnyTimes;
        let anything_from = steps.len() - steps.iter().rev().take_while(is_anything).count();
        Self { steps, optional, anything_from }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    set: Set,
    repeat: Repeat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Once,
    AtMostOnce,
    AnyTimes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Set {
    Any,
    AnyBut(char),
    Ranges(Vec<(char, char)>),
}

impl Set {
    fn contains(&self, character: char) -> bool {
        match self {
            Self::Any => true,
            Self::AnyBut(excluded) => character != *excluded,
            Self::Ranges(ranges) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&character)),
        }
    }

    fn contains_in(&self, character: char, case: Case) -> bool {
        self.contains(character)
            || case == Case::Ignored
                && (self.contains(character.to_ascii_lowercase()) || self.contains(character.to_ascii_uppercase()))
    }
}

/// Whether letter case tells two texts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Kept,
    Ignored,
}

impl Shape {
    /// Reads a shape; every text is one.
    pub(super) fn parse(text: &str) -> Self {
        Self { alternatives: text.split('|').map(|text| steps(text).into()).collect() }
    }

    /// The ARNs of a resource type: no star of the first five fields runs past a colon.
    pub(super) fn arns(templates: &[&str]) -> Self {
        let alternative = |template: &&str| {
            let mut colons = 0;
            let mut found = steps(template);
            for step in &mut found {
                colons += usize::from(step.set.contains(':') && step.repeat == Repeat::Once);
                if colons < 5 && step.set == Set::Any {
                    step.set = Set::AnyBut(':');
                }
            }
            found.into()
        };
        Self { alternatives: templates.iter().map(alternative).collect() }
    }

    /// The one text and nothing else.
    pub(super) fn literal(text: &str) -> Self {
        let steps: Vec<Step> =
            text.chars().map(|character| Step { set: one(character), repeat: Repeat::Once }).collect();
        Self { alternatives: vec![steps.into()] }
    }

    /// The strings that a pattern matches, wildcards crossing colons.
    pub(super) fn of(pattern: &Glob) -> Self {
        let step = |symbol: &Symbol| match symbol {
            Symbol::Char(character) => Step { set: one(*character), repeat: Repeat::Once },
            Symbol::Letter(_) | Symbol::One | Symbol::OneInField => Step { set: Set::Any, repeat: Repeat::Once },
            Symbol::Many | Symbol::ManyInField => Step { set: Set::Any, repeat: Repeat::AnyTimes },
        };
        let steps: Vec<Step> = pattern.symbols().iter().map(step).collect();
        Self { alternatives: vec![steps.into()] }
    }

    /// Whether some string of the shape matches the pattern. A wildcard that stops at colons is read as one that does
    /// not, so that a `false` is certain.
    pub(super) fn meets(&self, pattern: &Glob, case: Case) -> bool {
        self.alternatives.iter().any(|alternative| meet(pattern.symbols(), alternative, case))
    }

    /// How much work [`Shape::meets`] is at most, for a pattern of `length` symbols.
    pub(super) fn cost(&self, length: usize) -> usize {
        self.alternatives.iter().map(|alternative| (alternative.steps.len() + 1) * (length + 1)).sum()
    }
}

/// Positions between the steps of an alternative, a bit each: the first 64 in the first word.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Positions(Vec<u64>);

impl Positions {
    fn none(length: usize) -> Self {
        Self(vec![0; length / 64 + 1])
    }

    fn insert(&mut self, position: usize) {
        if let Some(word) = self.0.get_mut(position / 64) {
            *word |= 1 << (position % 64);
        }
    }

    fn contains(&self, position: usize) -> bool {
        self.0.get(position / 64).is_some_and(|word| word >> (position % 64) & 1 == 1)
    }

    /// Takes all positions out.
    fn drain(&mut self, mut each: impl FnMut(usize)) {
        for (at, word) in self.0.iter_mut().enumerate() {
            let mut bits = std::mem::take(word);
            while bits != 0 {
                each(at * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Everything from the first position on.
    fn fill(&mut self) {
        let mut met = false;
        for word in &mut self.0 {
            *word = match (met, *word) {
                (true, _) => u64::MAX,
                (false, 0) => 0,
                (false, some) => u64::MAX << some.trailing_zeros(),
            };
            met |= *word != 0;
        }
    }

    /// Adds the position behind each of those that are there and that may be left out, those that come by it included.
    fn skip(&mut self, optional: &Self) {
        let mut carry = 0;
        for (word, optional) in self.0.iter_mut().zip(&optional.0) {
            *word |= carry;
            // Adding to a run of ones clears it from the lowest one that is added, and sets what is behind it.
            let (sum, is_over) = (*word & optional).overflowing_add(*optional);
            *word |= sum ^ optional;
            carry = u64::from(is_over);
        }
    }
}

/// Walks the pairs of positions that a common string can reach, row by row of the pattern.
fn meet(symbols: &[Symbol], alternative: &Alternative, case: Case) -> bool {
    let Alternative { steps, optional, anything_from } = alternative;
    let mut reached = Positions::none(steps.len());
    // Empty before each row.
    let mut next = reached.clone();
    reached.insert(0);
    reached.skip(optional);
    for symbol in symbols {
        if *anything_from < steps.len() && reached.contains(*anything_from) {
            return true;
        }
        match symbol {
            Symbol::Many | Symbol::ManyInField => reached.fill(),
            Symbol::Char(_) | Symbol::Letter(_) | Symbol::One | Symbol::OneInField => {
                reached.drain(|position| {
                    let Some(step) = steps.get(position) else { return };
                    let fits = match symbol {
                        Symbol::Char(character) => step.set.contains_in(*character, case),
                        Symbol::Letter(character) => step.set.contains_in(*character, Case::Ignored),
                        _ => true,
                    };
                    if fits {
                        next.insert(if step.repeat == Repeat::AnyTimes { position } else { position + 1 });
                    }
                });
                if next.is_empty() {
                    return false;
                }
                next.skip(optional);
                std::mem::swap(&mut reached, &mut next);
            }
        }
    }
    reached.contains(steps.len())
}

fn one(character: char) -> Set {
    Set::Ranges(vec![(character, character)])
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let set = match character {
            '*' | '~' => {
                let set = if character == '*' { Set::Any } else { Set::AnyBut('/') };
                steps.push(Step { set, repeat: Repeat::AnyTimes });
                continue;
            }
            '[' => {
                let inside: Vec<char> = rest.by_ref().take_while(|character| *character != ']').collect();
                Set::Ranges(ranges(&inside))
            }
            other => one(other),
        };
        let count = match rest.peek() {
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                rest.next();
                let inside: String = rest.by_ref().take_while(|character| *character != '}').collect();
                let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
                repeat(&mut steps, &set, least.parse().unwrap_or(1).min(999), Some(most.parse().unwrap_or(1).min(999)));
                continue;
            }
            _ => {
                steps.push(Step { set, repeat: Repeat::Once });
                continue;
            }
        };
        rest.next();
        repeat(&mut steps, &set, count.0, count.1);
    }
    steps
}

fn repeat(steps: &mut Vec<Step>, set: &Set, least: usize, most: Option<usize>) {
    let step = |repeat| Step { set: set.clone(), repeat };
    steps.extend(std::iter::repeat_n(step(Repeat::Once), least));
    match most {
        Some(most) => steps.extend(std::iter::repeat_n(step(Repeat::AtMostOnce), most.saturating_sub(least))),
        None => steps.push(step(Repeat::AnyTimes)),
    }
}

fn ranges(inside: &[char]) -> Vec<(char, char)> {
    let mut ranges = Vec::new();
    let mut rest = inside;
    while let Some((first, after)) = rest.split_first() {
        match after {
            ['-', last, after @ ..] => {
                ranges.push((*first, *last));
                rest = after;
            }
            _ => {
                ranges.push((*first, *first));
                rest = after;
            }
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition of [`meet`], which tries every common string.
    fn meet_plainly(symbols: &[Symbol], steps: &[Step]) -> bool {
        let Some((step, more_steps)) = steps.split_first() else {
            return symbols.iter().all(|symbol| matches!(symbol, Symbol::Many));
        };
        if step.repeat != Repeat::Once && meet_plainly(symbols, more_steps) {
            return true;
        }
        let after = if step.repeat == Repeat::AnyTimes { steps } else { more_steps };
        match symbols.split_first() {
            None => false,
            Some((Symbol::Many, more)) => {
                meet_plainly(more, steps) || after.len() < steps.len() && meet_plainly(symbols, after)
            }
            Some((Symbol::Char(character), more)) => step.set.contains(*character) && meet_plainly(more, after),
            Some((_, more)) => meet_plainly(more, after),
        }
    }

    fn meets(shape: &str, pattern: &str) -> bool {
        Shape::parse(shape).meets(&Glob::parse(pattern), Case::Kept)
    }

    #[test]
    fn literal_texts_are_in_a_shape_or_not() {
        assert!(meets("[0-9]{12}", "111122223333"));
        assert!(!meets("[0-9]{12}", "11112222333"));
        assert!(meets("o-[a-z0-9]{10,32}", "o-a1b2c3d4e5") && !meets("o-[a-z0-9]{10,32}", "o-abc12345"));
        assert!(meets("alias/[A-Za-z0-9/_-]+", "alias/a/b-c") && !meets("alias/[A-Za-z0-9/_-]+", "alias/"));
        assert!(meets("a|bc?", "b") && meets("a|bc?", "bc") && !meets("a|bc?", "ac"));
    }

    #[test]
    fn a_pattern_meets_a_shape_when_one_string_is_in_both() {
        assert!(meets("[0-9]{12}", "1111*") && !meets("[0-9]{12}", "x*"));
        let arn = |template: &str, pattern: &str| Shape::arns(&[template]).meets(&Glob::parse(pattern), Case::Kept);
        assert!(arn("arn:*:s3:::~", "arn:aws:s3:::bucket*") && !arn("arn:*:s3:::~", "arn:aws:s3:::bucket/*"));
        assert!(arn("arn:*:s3:::~/*", "arn:aws:s3:::bucket/*") && !arn("arn:*:s3:::~/*", "arn:aws:s3:::bucket"));
        assert!(
            !arn("arn:*:kms:*:*:key/[a-z]+", "arn:aws:kms:*:*:alias/*") && arn("arn:*:kms:*:*:key/*", "arn:aws:kms:*")
        );
    }

    #[test]
    fn letter_case_can_be_ignored() {
        let region = Shape::parse("[a-z]{2}-[a-z]+-[0-9]");
        assert!(!region.meets(&Glob::parse("EU-WEST-1"), Case::Kept));
        assert!(region.meets(&Glob::parse("EU-WEST-1"), Case::Ignored));
    }

    proptest! {
        #[test]
        fn a_pattern_meets_a_shape_when_it_does_step_by_step(shape in "[ab*~?+]{0,6}", pattern in "[ab*?]{0,5}") {
            let (shape, glob) = (Shape::parse(&shape), Glob::parse(&pattern));
            let plainly = shape.alternatives.iter().any(|it| meet_plainly(glob.symbols(), &it.steps));
            prop_assert_eq!(shape.meets(&glob, Case::Kept), plainly);
        }

        #[test]
        fn a_pattern_that_matches_a_string_of_the_shape_meets_it(
            text in "[a-c]{1,6}", pattern in "[a-c*?]{0,6}"
        ) {
            let glob = Glob::parse(&pattern);
            prop_assert_eq!(Shape::literal(&text).meets(&glob, Case::Kept), glob.matches(&text));
            if glob.matches(&text) {
                let meets = Shape::parse("[a-c]{1,6}").meets(&glob, Case::Kept);
                prop_assert!(meets);
            }
        }

        #[test]
        fn no_text_makes_the_reader_fail(shape in "\\PC{0,20}", pattern in "\\PC{0,10}") {
            let shape = Shape::parse(&shape);
            let _ = shape.meets(&Glob::parse(&pattern), Case::Ignored);
        }
    }
}
