//! The strings of a class, divided into those that the patterns of a question cannot tell apart.

use std::collections::{BTreeMap, BTreeSet};

use super::automaton::Automaton;
use super::bits::Bits;
use super::class::Class;
use super::{Budget, Exhausted};
use crate::policy::glob::Glob;

/// Strings that the same patterns match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) struct Atom {
    /// One of them: short and, where possible, readable.
    pub(in crate::policy) representative: String,
    /// True when there is no other.
    pub(in crate::policy) single: bool,
    /// True when a pattern without wildcards names it.
    pub(in crate::policy) named: bool,
}

/// A class divided by the patterns of a question. Every string of the class lies in exactly one atom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) struct Partition {
    pub(in crate::policy) atoms: Vec<Atom>,
    /// For each pattern of the question, the atoms it matches.
    pub(in crate::policy) members: Vec<Bits>,
}

impl Partition {
    /// Divides `class` by `globs`. Patterns without wildcards are looked up; an automaton is built only for the others.
    pub(in crate::policy) fn new(class: Class, globs: &[Glob], budget: &mut Budget) -> Result<Self, Exhausted> {
        let mut literals: BTreeSet<String> = BTreeSet::new();
        let mut wild: Vec<&Glob> = Vec::new();
        for glob in globs.iter().filter(|glob| !glob.is_everything()) {
            budget.spend(glob.symbols().len())?;
            match glob.as_literal() {
                Some(literal) if class.contains(&literal) => drop(literals.insert(literal)),
                Some(_) => {}
                None => wild.push(glob),
            }
        }
        wild.sort();
        wild.dedup();
        let mut remainders = Remainders::new(class, wild, budget)?;
        let mut named = Vec::with_capacity(literals.len());
        for literal in &literals {
            named.push((literal, remainders.take(literal, budget)?));
        }
        let mut atoms = Vec::new();
        let mut vectors = Vec::new();
        for (vector, remainder) in remainders.by_vector.iter().filter(|(_, remainder)| remainder.left() > 0) {
            let representative = remainders.representative(class, vector, remainder, &literals, budget)?;
            atoms.push(Atom { representative, single: remainder.left() == 1, named: false });
            vectors.push(vector.clone());
        }
        for (literal, vector) in named {
            atoms.push(Atom { representative: literal.clone(), single: true, named: true });
            vectors.push(vector);
        }
        let members = members(globs, &remainders.wild, &atoms, &vectors, budget)?;
        Ok(Self { atoms, members })
    }

    /// The atom in which `text` lies, by what the patterns make of it.
    #[cfg(test)]
    pub(in crate::policy) fn atom_of(&self, globs: &[Glob], text: &str) -> Option<usize> {
        let vector: Vec<bool> = globs.iter().map(|glob| glob.matches(text)).collect();
        (0..self.atoms.len())
            .find(|atom| self.members.iter().zip(&vector).all(|(members, matches)| members.contains(*atom) == *matches))
    }
}

/// For each pattern the atoms it matches.
fn members(
    globs: &[Glob],
    wild: &[&Glob],
    atoms: &[Atom],
    vectors: &[Bits],
    budget: &mut Budget,
) -> Result<Vec<Bits>, Exhausted> {
    let named = atoms.iter().enumerate().filter(|(_, atom)| atom.named);
    let by_name: BTreeMap<&str, usize> = named.map(|(index, atom)| (atom.representative.as_str(), index)).collect();
    let mut members = Vec::with_capacity(globs.len());
    for glob in globs {
        let mut matched = Bits::none(atoms.len());
        budget.spend(matched.cost())?;
        if glob.is_everything() {
            matched = Bits::all(atoms.len());
        } else if let Some(literal) = glob.as_literal() {
            by_name.get(literal.as_str()).into_iter().for_each(|index| matched.insert(*index));
        } else if let Ok(position) = wild.binary_search(&glob) {
            budget.spend(vectors.len())?;
            let matching = vectors.iter().enumerate().filter(|(_, vector)| vector.contains(position));
            matching.for_each(|(index, _)| matched.insert(index));
        }
        members.push(matched);
    }
    Ok(members)
}

/// The strings of a class by the wildcard patterns that match them.
struct Remainders<'g> {
    wild: Vec<&'g Glob>,
    automaton: Option<Automaton>,
    by_vector: BTreeMap<Bits, Remainder>,
}

/// Strings that the same wildcard patterns match, without those that are named.
struct Remainder {
    /// How many the patterns match; the largest number stands for "more than a document can name".
    count: u64,
    /// How many of them are named.
    named: u64,
    /// A state of the automaton in which the shortest of them ends.
    state: usize,
}

impl Remainder {
    fn left(&self) -> u64 {
        self.count.saturating_sub(self.named)
    }
}

impl<'g> Remainders<'g> {
    fn new(class: Class, wild: Vec<&'g Glob>, budget: &mut Budget) -> Result<Self, Exhausted> {
        if wild.is_empty() {
            let whole = Remainder { count: u64::MAX, named: 0, state: 0 };
            return Ok(Self { wild, automaton: None, by_vector: BTreeMap::from([(Bits::none(0), whole)]) });
        }
        let automaton = Automaton::new(class, &wild, budget)?;
        let mut by_vector: BTreeMap<Bits, Remainder> = BTreeMap::new();
        for (state, (vector, count)) in automaton.matched().iter().zip(automaton.counts()).enumerate() {
            if let Some(vector) = vector {
                let remainder = by_vector.entry(vector.clone()).or_insert(Remainder { count: 0, named: 0, state });
                remainder.count = remainder.count.saturating_add(count);
            }
        }
        Ok(Self { wild, automaton: Some(automaton), by_vector })
    }

    fn vector_of(&self, text: &str, budget: &mut Budget) -> Result<Bits, Exhausted> {
        let mut vector = Bits::none(self.wild.len());
        for (index, glob) in self.wild.iter().enumerate() {
            budget.spend(glob.cost(text))?;
            if glob.matches(text) {
                vector.insert(index);
            }
        }
        Ok(vector)
    }

    /// Takes a named string out of the remainder it belongs to.
    fn take(&mut self, literal: &str, budget: &mut Budget) -> Result<Bits, Exhausted> {
        let vector = self.vector_of(literal, budget)?;
        if let Some(remainder) = self.by_vector.get_mut(&vector) {
            remainder.named += 1;
        }
        Ok(vector)
    }

    fn representative(
        &self,
        class: Class,
        vector: &Bits,
        remainder: &Remainder,
        literals: &BTreeSet<String>,
        budget: &mut Budget,
    ) -> Result<String, Exhausted> {
        let samples = if self.automaton.is_some() { 2 } else { literals.len() + 1 };
        for n in 0..samples {
            budget.spend(1)?;
            let sample = class.sample(n);
            if !literals.contains(&sample) && self.vector_of(&sample, budget)? == *vector {
                return Ok(sample);
            }
        }
        let Some(automaton) = &self.automaton else { return Err(Exhausted) };
        let shortest = automaton.shortest(remainder.state);
        if literals.contains(&shortest) { automaton.another(vector, literals, budget) } else { Ok(shortest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn partition(class: Class, patterns: &[&str]) -> Partition {
        let globs: Vec<Glob> = patterns.iter().map(|pattern| Glob::parse(pattern)).collect();
        Partition::new(class, &globs, &mut Budget::default()).unwrap()
    }

    fn shown(partition: &Partition) -> Vec<(&str, bool, bool)> {
        partition.atoms.iter().map(|atom| (atom.representative.as_str(), atom.single, atom.named)).collect()
    }

    #[test]
    fn without_wildcards_there_are_the_named_and_the_rest() {
        let regions = partition(Class::Region, &["us-east-1", "eu-west-1", "*", "no region"]);
        assert_eq!(
            shown(&regions),
            [("us-gov-west-1", false, false), ("eu-west-1", true, true), ("us-east-1", true, true)]
        );
        assert_eq!(regions.members[2], Bits::all(3));
        assert!(regions.members[3].is_empty());
    }

    #[test]
    fn two_patterns_may_cover_a_class_together() {
        let keys = partition(Class::KeyId, &["????????-????-????-????-????????????", "mrk-*"]);
        assert_eq!(keys.atoms.len(), 2);
        let mut both = keys.members[0].clone();
        both.add(&keys.members[1]);
        assert_eq!(both, Bits::all(2));
    }

    #[test]
    fn a_remainder_of_one_string_is_single_and_found() {
        let all_but_one: Vec<String> = (0..9).map(|digit| format!("11112222333{digit}")).collect();
        let mut patterns: Vec<&str> = all_but_one.iter().map(String::as_str).collect();
        patterns.push("11112222333?");
        let accounts = partition(Class::Account, &patterns);
        let last = accounts.atoms.iter().find(|atom| atom.representative == "111122223339").unwrap();
        assert!(last.single && !last.named);
        assert_eq!(accounts.atoms.len(), 11);
        patterns.push("111122223339");
        assert_eq!(partition(Class::Account, &patterns).atoms.len(), 11);
    }

    #[test]
    fn an_endless_class_always_has_another_string() {
        let text = partition(Class::Text, &["a*", "a", "aa", "ab"]);
        let other = text.atoms.iter().find(|atom| !atom.named && atom.representative.starts_with('a')).unwrap();
        assert!(!["a", "aa", "ab"].contains(&other.representative.as_str()));
    }

    #[test]
    fn star_ladders_end_in_bounded_time() {
        let pattern = format!("{}b", "*a".repeat(200));
        let globs = [Glob::parse(&pattern), Glob::parse("*b*a*b*a"), Glob::parse("*a*a*a*a*b")];
        let text = Partition::new(Class::Text, &globs, &mut Budget::of_steps(10_000_000));
        assert!(text.is_err() || text.is_ok_and(|text| text.atoms.len() <= 8));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_string_lies_in_exactly_the_atom_that_its_patterns_say(
            patterns in proptest::collection::vec("[ab*?]{0,4}", 1..5), texts in proptest::collection::vec("[abc]{0,5}", 20),
        ) {
            let globs: Vec<Glob> = patterns.iter().map(|pattern| Glob::parse(pattern)).collect();
            let partition = Partition::new(Class::Text, &globs, &mut Budget::default()).unwrap();
            for (index, atom) in partition.atoms.iter().enumerate() {
                prop_assert_eq!(partition.atom_of(&globs, &atom.representative), Some(index));
            }
            for text in texts {
                let atom = partition.atom_of(&globs, &text);
                prop_assert!(atom.is_some(), "{} lies in no atom", text);
                let atom = &partition.atoms[atom.unwrap()];
                prop_assert!(!atom.single || atom.representative == text);
            }
        }

        #[test]
        fn accounts_are_counted_exactly(fixed in "[0-9]{10}", tail in "[0-9?*]{2}", named in "[0-9]{2}") {
            let globs = [Glob::parse(&format!("{fixed}{tail}")), Glob::parse(&format!("{fixed}{named}"))];
            let partition = Partition::new(Class::Account, &globs, &mut Budget::default()).unwrap();
            let strings: Vec<String> = (0..100).map(|n| format!("{fixed}{n:02}")).collect();
            for (index, atom) in partition.atoms.iter().enumerate().filter(|(index, _)| partition.members[0].contains(*index)) {
                let here = strings.iter().filter(|text| partition.atom_of(&globs, text) == Some(index)).count();
                prop_assert_eq!(atom.single, here == 1, "{:?}", atom);
            }
        }
    }
}
