//! The KMS ARNs that a pattern matches, as products of a Region, an account and a name pattern.

use std::collections::BTreeSet;

use super::class::Class;
use super::{Budget, Exhausted};
use crate::policy::glob::{Glob, Symbol, is_same_letter};

/// The ARNs of one resource type of KMS in one partition: `arn:P:kms:REGION:ACCOUNT:key/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) struct Universe {
    head: String,
    kind: &'static str,
    name: Class,
}

/// A product of three patterns, one for each of Region, account and name.
pub(in crate::policy) type Box3 = [Glob; 3];

impl Universe {
    /// Every key ARN of a partition.
    pub(in crate::policy) fn keys(partition: &str) -> Self {
        Self { head: format!("arn:{partition}:kms:"), kind: "key/", name: Class::KeyId }
    }

    /// Every alias ARN of a partition.
    pub(in crate::policy) fn aliases(partition: &str) -> Self {
        Self { head: format!("arn:{partition}:kms:"), kind: "alias/", name: Class::AliasName }
    }

    pub(in crate::policy) fn classes(&self) -> [Class; 3] {
        [Class::Region, Class::Account, self.name]
    }

    pub(in crate::policy) fn arn(&self, region: &str, account: &str, name: &str) -> String {
        format!("{}{region}:{account}:{}{name}", self.head, self.kind)
    }

    /// The ARNs of the universe that match `pattern`: exactly the union of the products returned. The pattern is
    /// distributed over the separators; a star that runs past one is cut into two stars around it.
    pub(in crate::policy) fn boxes(&self, pattern: &Glob, budget: &mut Budget) -> Result<Vec<Box3>, Exhausted> {
        let everything = || Glob::of([Symbol::Many]);
        if pattern.is_everything() {
            return Ok(vec![[everything(), everything(), everything()]]);
        }
        let symbols = pattern.symbols();
        let mut boxes = BTreeSet::new();
        for start in consume(symbols, &BTreeSet::from([0]), &self.head) {
            for (region, start) in fields(symbols, start, Class::Region, budget)? {
                for (account, start) in fields(symbols, start, Class::Account, budget)? {
                    budget.spend(self.kind.len())?;
                    for start in consume(symbols, &BTreeSet::from([start]), self.kind) {
                        budget.spend(symbols.len() + 1)?;
                        let name = symbols.get(start..).unwrap_or_default();
                        if possible(name, self.name) {
                            let parts = [region, account, name];
                            boxes.insert(parts.map(field_glob));
                        }
                    }
                }
            }
        }
        Ok(boxes.into_iter().collect())
    }
}

/// No string of a field holds a colon, so that wildcards which stop at one need not be told apart.
fn field_glob(part: &[Symbol]) -> Glob {
    Glob::of(part.iter().map(|symbol| match symbol {
        Symbol::ManyInField => Symbol::Many,
        Symbol::OneInField => Symbol::One,
        other => *other,
    }))
}

/// What is left of a pattern after it matched `head`, in every way it can.
pub(in crate::policy) fn tails(pattern: &Glob, head: &str) -> Vec<Glob> {
    let symbols = pattern.symbols();
    let starts = consume(symbols, &BTreeSet::from([0]), head);
    starts.into_iter().map(|start| Glob::of(symbols.iter().copied().skip(start))).collect()
}

/// The positions at which a pattern can stand after it matched `text`. A position at a star stands for the star still
/// being active.
fn consume(symbols: &[Symbol], positions: &BTreeSet<usize>, text: &str) -> BTreeSet<usize> {
    text.chars().fold(positions.clone(), |positions, character| {
        positions.into_iter().flat_map(|position| step(symbols, position, character)).collect()
    })
}

fn step(symbols: &[Symbol], position: usize, character: char) -> Vec<usize> {
    let mut after = Vec::new();
    for (position, symbol) in symbols.iter().enumerate().skip(position) {
        match symbol {
            Symbol::Many => after.push(position),
            Symbol::ManyInField if character != ':' => after.push(position),
            Symbol::ManyInField => {}
            Symbol::Char(wanted) if *wanted == character => return [after, vec![position + 1]].concat(),
            Symbol::Letter(wanted) if is_same_letter(*wanted, character) => {
                return [after, vec![position + 1]].concat();
            }
            Symbol::One => return [after, vec![position + 1]].concat(),
            Symbol::OneInField if character != ':' => return [after, vec![position + 1]].concat(),
            Symbol::Char(_) | Symbol::Letter(_) | Symbol::OneInField => return after,
        }
    }
    after
}

/// The ways to match one field of the class and the colon after it: the part of the pattern for the field, and where the
/// pattern goes on.
fn fields<'s>(
    symbols: &'s [Symbol],
    start: usize,
    class: Class,
    budget: &mut Budget,
) -> Result<Vec<(&'s [Symbol], usize)>, Exhausted> {
    let mut ways = Vec::new();
    for (position, symbol) in symbols.iter().enumerate().skip(start) {
        let before = symbols.get(start..position).unwrap_or_default();
        let way = match symbol {
            Symbol::Char(':') | Symbol::One => (before, position + 1),
            Symbol::Many => (symbols.get(start..=position).unwrap_or_default(), position),
            Symbol::Char(character) if !class.knows(*character) => break,
            Symbol::Char(_) | Symbol::Letter(_) | Symbol::OneInField | Symbol::ManyInField => continue,
        };
        budget.spend(way.0.len() + 1)?;
        if possible(way.0, class) {
            ways.push(way);
        }
        if *symbol == Symbol::Char(':') {
            break;
        }
    }
    Ok(ways)
}

/// A quick test that spares most empty products; the automaton finds the others empty.
fn possible(field: &[Symbol], class: Class) -> bool {
    let longest = match class {
        Class::Account => 12,
        Class::KeyId => 36,
        _ => usize::MAX,
    };
    let fixed = field.iter().filter(|symbol| !matches!(symbol, Symbol::Many | Symbol::ManyInField)).count();
    let known = |symbol: &Symbol| !matches!(symbol, Symbol::Char(character) if !class.knows(*character));
    let literal = || Glob::of(field.iter().copied()).as_literal();
    fixed <= longest
        && field.iter().all(known)
        && (fixed < field.len() || literal().is_none_or(|literal| class.contains(&literal)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn boxes(pattern: &Glob) -> Vec<Box3> {
        Universe::keys("aws").boxes(pattern, &mut Budget::default()).unwrap()
    }

    fn shown(pattern: &str) -> Vec<String> {
        let show = |globs: Box3| globs.map(|glob| glob.to_string()).join(" ");
        boxes(&Glob::parse(pattern)).into_iter().map(show).collect()
    }

    #[test]
    fn six_fields_give_one_product() {
        assert_eq!(shown("arn:aws:kms:us-*:111122223333:key/mrk-*"), ["us-* 111122223333 mrk-*"]);
        assert_eq!(shown("arn:aws:kms:*:*:alias/*"), [""; 0]);
        assert_eq!(shown("arn:aws-cn:kms:*:*:key/*"), [""; 0]);
    }

    #[test]
    fn stars_that_run_past_separators_are_cut() {
        assert_eq!(shown("*"), ["* * *"]);
        assert_eq!(shown("arn:aws:kms:*"), ["* * *"]);
        assert_eq!(shown("arn:aws:kms:*:key/*"), ["* * *"]);
        assert_eq!(shown("arn:aws:kms:*key/1*"), ["* * 1*"]);
        assert_eq!(shown("*:111122223333:*"), ["* 111122223333 *"]);
        assert_eq!(shown("arn:aws:kms:eu-*-1*"), ["eu-* * *-1*", "eu-*-1* * *"]);
    }

    #[test]
    fn the_narrow_reading_keeps_stars_in_their_field() {
        assert_eq!(boxes(&Glob::parse("arn:aws:kms:*:key/*").within_fields()), Vec::<Box3>::new());
        assert_eq!(boxes(&Glob::parse("arn:aws:kms:*").within_fields()).len(), 1);
    }

    #[test]
    fn a_pattern_of_many_wildcards_ends_in_bounded_time() {
        for (head, wildcard) in [("", "*1"), ("arn:aws:kms:", "?"), ("arn:aws:kms:", "?*"), ("arn:aws:kms:", "*a")] {
            let pattern = Glob::parse(&format!("{head}{}", wildcard.repeat(100_000)));
            let boxes = Universe::keys("aws").boxes(&pattern, &mut Budget::of_steps(1_000_000));
            assert_eq!(boxes, Err(Exhausted), "{wildcard}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_products_match_exactly_what_the_pattern_matches(
            start in 0_usize..20, length in 0_usize..76, stars in proptest::collection::vec((0_usize..76, 0_usize..6), 0..5),
        ) {
            let arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
            let mut pattern: String = arn.to_owned();
            for (at, width) in stars {
                let end = (at + width).min(pattern.len());
                let wildcard = if width == 1 { "?" } else { "*" };
                pattern.replace_range(at.min(end)..end, wildcard);
            }
            if start + length < pattern.len() && start % 3 == 0 {
                pattern.replace_range(start..start + length, "*");
            }
            let glob = Glob::parse(&pattern);
            let others = [
                arn.to_owned(),
                arn.replace("us-east-1", "us-gov-east-1"),
                arn.replace("111122223333", "222233334444"),
                arn.replace("1234abcd", "0234abcd"),
                "arn:aws:kms:eu-west-3:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab".to_owned(),
            ];
            for glob in [glob.within_fields(), glob] {
                let boxes = boxes(&glob);
                for arn in &others {
                    let fields: Vec<&str> = arn.split(':').collect();
                    let values = [fields[3], fields[4], fields[5].strip_prefix("key/").unwrap()];
                    let covered =
                        boxes.iter().any(|parts| parts.iter().zip(values).all(|(part, value)| part.matches(value)));
                    prop_assert_eq!(covered, glob.matches(arn), "{} {}", glob, arn);
                }
            }
        }
    }
}
