//! The automaton that reads all wildcard patterns of a question at once, over the strings of one class.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::bits::Bits;
use super::class::{Class, Group};
use super::{Budget, Exhausted};
use crate::policy::glob::{Glob, Symbol, is_same_letter};

/// A deterministic automaton, built only as far as strings of the class reach.
#[derive(Debug)]
pub(super) struct Automaton {
    /// Characters that no pattern and no state of the class tells apart.
    alphabet: Vec<Group>,
    /// For each state, where each group of the alphabet leads.
    edges: Vec<Vec<(usize, usize)>>,
    /// For each state, how it was reached first; the start has none.
    reached_by: Vec<Option<(usize, char)>>,
    /// For each state in which a string of the class may end, the patterns that it matches.
    matched: Vec<Option<Bits>>,
}

/// What a state costs for good, beyond the work of finding it: the memory that it and its edges take.
const STATE: usize = 256;

/// What the patterns do with one group of characters.
struct Reading {
    /// Positions that the group moves on from.
    forward: Bits,
    /// Positions at stars, which stay.
    stay: Bits,
}

impl Automaton {
    /// Builds the automaton of `globs` over `class`.
    pub(super) fn new(class: Class, globs: &[&Glob], budget: &mut Budget) -> Result<Self, Exhausted> {
        let length: usize = globs.iter().map(|glob| glob.symbols().len() + 1).sum();
        let alphabet = alphabet(class, globs);
        budget.spend(alphabet.len() * length)?;
        let readings: Vec<Reading> = alphabet.iter().map(|group| reading(globs, length, group)).collect();
        let ends: Vec<usize> = globs
            .iter()
            .scan(0, |end, glob| {
                *end += glob.symbols().len() + 1;
                Some(*end - 1)
            })
            .collect();
        let stars = reading_of_stars(globs, length);
        let mut start = Bits::none(length);
        ends.iter().zip(globs).for_each(|(end, glob)| start.insert(end - glob.symbols().len()));
        pass_stars(&mut start, &stars);

        let matched = |class_state, positions: &Bits| {
            class.accepts(class_state).then(|| {
                let mut matched = Bits::none(ends.len());
                let reached = ends.iter().enumerate().filter(|(_, end)| positions.contains(**end));
                reached.for_each(|(index, _)| matched.insert(index));
                matched
            })
        };
        let mut automaton = Self { alphabet, edges: vec![], reached_by: vec![None], matched: vec![matched(0, &start)] };
        let mut numbers = BTreeMap::from([((0, start.clone()), 0)]);
        let mut open = VecDeque::from([(0, start)]);
        while let Some((class_state, positions)) = open.pop_front() {
            let from = automaton.edges.len();
            let mut edges = Vec::with_capacity(automaton.alphabet.len());
            for (group, reading) in automaton.alphabet.iter().zip(&readings).enumerate() {
                let (Group { characters, .. }, reading) = reading;
                let Some(character) = characters.first() else { continue };
                let Some(class_state) = class.step(class_state, *character) else { continue };
                budget.spend(positions.cost() * 8)?;
                let next = advance(&positions, reading, &stars);
                let states = automaton.matched.len();
                let number = *numbers.entry((class_state, next)).or_insert_with_key(|(class_state, next)| {
                    automaton.reached_by.push(Some((from, *character)));
                    automaton.matched.push(matched(*class_state, next));
                    open.push_back((*class_state, next.clone()));
                    automaton.matched.len() - 1
                });
                edges.push((group, number));
                if number == states {
                    budget.spend(STATE + positions.cost() * 4)?;
                }
            }
            automaton.edges.push(edges);
        }
        Ok(automaton)
    }

    /// The patterns that strings ending in each state match; states in which no string of the class ends have none.
    pub(super) fn matched(&self) -> &[Option<Bits>] {
        &self.matched
    }

    /// For each state how many strings lead to it; the largest number stands for "endless or very many".
    pub(super) fn counts(&self) -> Vec<u64> {
        let states = self.edges.len();
        let mut incoming = vec![0_usize; states];
        self.edges.iter().flatten().for_each(|(_, to)| incoming[*to] += 1);
        let mut counts = vec![u64::MAX; states];
        let mut sums = vec![0_u64; states];
        if let Some(start) = sums.first_mut() {
            *start = 1;
        }
        let mut ready: Vec<usize> = (0..states).filter(|state| incoming[*state] == 0).collect();
        // What is never ready lies on a cycle or behind one: endless.
        while let Some(state) = ready.pop() {
            counts[state] = sums[state];
            for (group, to) in &self.edges[state] {
                sums[*to] = sums[*to].saturating_add(sums[state].saturating_mul(self.alphabet[*group].count));
                incoming[*to] -= 1;
                if incoming[*to] == 0 {
                    ready.push(*to);
                }
            }
        }
        counts
    }

    /// The shortest string that leads to `state`.
    pub(super) fn shortest(&self, mut state: usize) -> String {
        let mut characters = Vec::new();
        while let Some((from, character)) = self.reached_by.get(state).copied().flatten() {
            characters.push(character);
            state = from;
        }
        characters.iter().rev().collect()
    }

    /// A string that matches exactly the patterns of `vector` and is not in `avoid`. There must be one.
    pub(super) fn another(
        &self,
        vector: &Bits,
        avoid: &BTreeSet<String>,
        budget: &mut Budget,
    ) -> Result<String, Exhausted> {
        let states = self.edges.len();
        // Layer n holds the states from which a wanted string ends after exactly n more characters.
        let mut layers: Vec<Bits> = vec![Bits::none(states)];
        let ends = self.matched.iter().enumerate().filter(|(_, matched)| matched.as_ref() == Some(vector));
        ends.for_each(|(state, _)| layers[0].insert(state));
        loop {
            let last = layers.len() - 1;
            if layers[last].contains(0)
                && let Some(found) = self.string_of(&layers, avoid, budget)?
            {
                return Ok(found);
            }
            let mut next = Bits::none(states);
            for (state, edges) in self.edges.iter().enumerate() {
                budget.spend(edges.len() + 1)?;
                if edges.iter().any(|(_, to)| layers[last].contains(*to)) {
                    next.insert(state);
                }
            }
            layers.push(next);
        }
    }

    /// Walks the strings whose length is that of the layers, without dead ends, to the first that is not to be avoided.
    fn string_of(
        &self,
        layers: &[Bits],
        avoid: &BTreeSet<String>,
        budget: &mut Budget,
    ) -> Result<Option<String>, Exhausted> {
        let mut open = vec![(0, String::new(), layers.len() - 1)];
        while let Some((state, text, rest)) = open.pop() {
            let Some(rest) = rest.checked_sub(1) else {
                if avoid.contains(&text) {
                    continue;
                }
                return Ok(Some(text));
            };
            for (group, to) in self.edges[state].iter().rev().filter(|(_, to)| layers[rest].contains(*to)) {
                for character in self.alphabet[*group].characters.iter().rev() {
                    budget.spend(text.len() + 1)?;
                    open.push((*to, format!("{text}{character}"), rest));
                }
            }
        }
        Ok(None)
    }
}

/// The characters that patterns mention, one group each, and the rest as far as the class tells it apart.
fn alphabet(class: Class, globs: &[&Glob]) -> Vec<Group> {
    let symbols = globs.iter().flat_map(|glob| glob.symbols());
    let mentioned: BTreeSet<char> = symbols
        .flat_map(|symbol| match symbol {
            Symbol::Char(character) => vec![*character],
            Symbol::Letter(letter) => letter.to_lowercase().chain(letter.to_uppercase()).chain([*letter]).collect(),
            Symbol::OneInField | Symbol::ManyInField => vec![':'],
            Symbol::One | Symbol::Many => vec![],
        })
        .filter(|character| class.knows(*character))
        .collect();
    let mut alphabet = class.groups(|character| mentioned.contains(&character));
    alphabet.extend(mentioned.iter().map(|character| Group { characters: vec![*character], count: 1 }));
    alphabet
}

fn reading(globs: &[&Glob], length: usize, group: &Group) -> Reading {
    let mut reading = Reading { forward: Bits::none(length), stay: Bits::none(length) };
    let character = group.characters.first().copied();
    let mut position = 0;
    for glob in globs {
        for symbol in glob.symbols() {
            match symbol {
                Symbol::Char(wanted) if Some(*wanted) == character => reading.forward.insert(position),
                Symbol::Letter(wanted) if character.is_some_and(|it| is_same_letter(*wanted, it)) => {
                    reading.forward.insert(position);
                }
                Symbol::Char(_) | Symbol::Letter(_) => {}
                Symbol::OneInField | Symbol::ManyInField if character == Some(':') => {}
                Symbol::One | Symbol::OneInField => reading.forward.insert(position),
                Symbol::Many | Symbol::ManyInField => reading.stay.insert(position),
            }
            position += 1;
        }
        position += 1;
    }
    reading
}

fn reading_of_stars(globs: &[&Glob], length: usize) -> Bits {
    reading(globs, length, &Group { characters: vec![], count: 0 }).stay
}

fn advance(positions: &Bits, reading: &Reading, stars: &Bits) -> Bits {
    let mut next = positions.clone();
    next.keep(&reading.forward);
    let mut next = next.shifted_up();
    let mut stay = positions.clone();
    stay.keep(&reading.stay);
    next.add(&stay);
    pass_stars(&mut next, stars);
    next
}

/// A star also matches nothing. Two stars never stand side by side, so that one pass suffices.
fn pass_stars(positions: &mut Bits, stars: &Bits) {
    let mut at_star = positions.clone();
    at_star.keep(stars);
    positions.add(&at_star.shifted_up());
}
