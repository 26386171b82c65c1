//! What the values of a condition key or the ARNs of a resource type look like, and whether a policy's pattern can meet them.

use crate::policy::glob::{Glob, Symbol};

/// A set of strings, written as alternatives between `|`, each a sequence of characters, classes (`[a-z0-9]`), `*` (any
/// text) and `~` (text without `/`); after a character or class `{n}`, `{n,m}`, `+` and `?` say how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    alternatives: Vec<Vec<Step>>,
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
        Self { alternatives: text.split('|').map(steps).collect() }
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
            found
        };
        Self { alternatives: templates.iter().map(alternative).collect() }
    }

    /// The one text and nothing else.
    pub(super) fn literal(text: &str) -> Self {
        let steps = text.chars().map(|character| Step { set: one(character), repeat: Repeat::Once }).collect();
        Self { alternatives: vec![steps] }
    }

    /// The strings that a pattern matches, wildcards crossing colons.
    pub(super) fn of(pattern: &Glob) -> Self {
        let step = |symbol: &Symbol| match symbol {
            Symbol::Char(character) => Step { set: one(*character), repeat: Repeat::Once },
            Symbol::Letter(_) | Symbol::One | Symbol::OneInField => Step { set: Set::Any, repeat: Repeat::Once },
            Symbol::Many | Symbol::ManyInField => Step { set: Set::Any, repeat: Repeat::AnyTimes },
        };
        Self { alternatives: vec![pattern.symbols().iter().map(step).collect()] }
    }

    /// Whether some string of the shape matches the pattern. A wildcard that stops at colons is read as one that does
    /// not, so that a `false` is certain.
    pub(super) fn meets(&self, pattern: &Glob, case: Case) -> bool {
        self.alternatives.iter().any(|steps| meet(pattern.symbols(), steps, case))
    }

    /// How much work [`Shape::meets`] is at most, for a pattern of `length` symbols.
    pub(super) fn cost(&self, length: usize) -> usize {
        self.alternatives.iter().map(|steps| (steps.len() + 1) * (length + 1)).sum()
    }
}

/// Walks the pairs of positions that a common string can reach, row by row of the pattern. Most rows reach few: only those between
/// the first and the last are looked at.
fn meet(symbols: &[Symbol], steps: &[Step], case: Case) -> bool {
    let length = steps.len() + 1;
    let (mut reached, mut next) = (vec![false; length], vec![false; length]);
    reached[0] = true;
    let mut window = 0..skip(&mut reached, steps, 0..1);
    for symbol in symbols {
        let end = match symbol {
            Symbol::Many | Symbol::ManyInField => {
                next[window.start..].fill(true);
                length
            }
            Symbol::Char(_) | Symbol::Letter(_) | Symbol::One | Symbol::OneInField => {
                let end = (window.end + 1).min(length);
                next[window.start..end].fill(false);
                for position in window.start..window.end.min(steps.len()) {
                    if !reached[position] {
                        continue;
                    }
                    let step = &steps[position];
                    let fits = match symbol {
                        Symbol::Char(character) => step.set.contains_in(*character, case),
                        Symbol::Letter(character) => step.set.contains_in(*character, Case::Ignored),
                        _ => true,
                    };
                    let stays = step.repeat == Repeat::AnyTimes;
                    next[position] |= fits && stays;
                    next[position + 1] |= fits && !stays;
                }
                skip(&mut next, steps, window.start..end)
            }
        };
        std::mem::swap(&mut reached, &mut next);
        let Some(first) = reached[window.start..end].iter().position(|at| *at) else { return false };
        window = window.start + first..end;
    }
    window.end == length && reached[length - 1]
}

/// Steps that may be left out are passed, from the positions of a window on; gives its new end, behind which nothing is reached.
fn skip(reached: &mut [bool], steps: &[Step], window: std::ops::Range<usize>) -> usize {
    let mut end = window.end;
    let mut position = window.start;
    while position < end.min(steps.len()) {
        if reached[position] && steps[position].repeat != Repeat::Once {
            // What lies behind the window was not cleared.
            end = end.max(position + 2);
            reached[position + 1] = true;
        }
        position += 1;
    }
    end
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
            let plainly = shape.alternatives.iter().any(|steps| meet_plainly(glob.symbols(), steps));
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
