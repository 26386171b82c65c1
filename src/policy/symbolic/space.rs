//! Sets of KMS resources: the ARNs of one type, cut along three dimensions by all patterns of a question.

use std::collections::{BTreeMap, BTreeSet};

use super::atoms::{Atom, Partition};
use super::bits::Bits;
use super::boxes::Universe;
use super::{Budget, Exhausted};
use crate::policy::glob::Glob;

/// A universe divided so finely that each pattern of the question is a union of cells.
#[derive(Debug, Clone)]
pub(in crate::policy) struct Space {
    universe: Universe,
    /// Region, account, name.
    dimensions: [Partition; 3],
    /// The products of all patterns, each as three indices into the members of the dimensions.
    boxes: Vec<[usize; 3]>,
    /// For each pattern its products.
    patterns: Vec<std::ops::Range<usize>>,
}

/// Patterns that a statement lists, and what it does with what they match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) struct Term {
    /// True when the statement takes away.
    pub(in crate::policy) denies: bool,
    /// True when it speaks about everything else.
    pub(in crate::policy) negated: bool,
    /// Indices of patterns of the space.
    pub(in crate::policy) patterns: Vec<usize>,
}

/// A set of resources. Columns of cells (one Region, one account) that hold the same names share their set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) struct Area {
    /// The different sets of names, in the order in which cells use them.
    names: Vec<Bits>,
    /// For each Region and account, the index of its names: `region * accounts + account`.
    columns: Vec<usize>,
}

impl Space {
    /// Divides the universe by `patterns`.
    pub(in crate::policy) fn new(
        universe: Universe,
        patterns: &[Glob],
        budget: &mut Budget,
    ) -> Result<Self, Exhausted> {
        let mut globs: [BTreeMap<Glob, usize>; 3] = Default::default();
        let mut boxes = Vec::new();
        let mut ranges = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let start = boxes.len();
            for parts in universe.boxes(pattern, budget)? {
                let mut indices = [0; 3];
                for ((index, part), known) in indices.iter_mut().zip(parts).zip(&mut globs) {
                    let next = known.len();
                    *index = *known.entry(part).or_insert(next);
                }
                boxes.push(indices);
            }
            ranges.push(start..boxes.len());
        }
        let [regions, accounts, names] = universe.classes();
        let [region_globs, account_globs, name_globs] = globs.map(in_order);
        let dimensions = [
            Partition::new(regions, &region_globs, budget)?,
            Partition::new(accounts, &account_globs, budget)?,
            Partition::new(names, &name_globs, budget)?,
        ];
        Ok(Self { universe, dimensions, boxes, patterns: ranges })
    }

    pub(in crate::policy) fn regions(&self) -> &[Atom] {
        &self.dimensions[0].atoms
    }

    pub(in crate::policy) fn accounts(&self) -> &[Atom] {
        &self.dimensions[1].atoms
    }

    pub(in crate::policy) fn names(&self) -> &[Atom] {
        &self.dimensions[2].atoms
    }

    /// An ARN of the cell.
    pub(in crate::policy) fn arn(&self, [region, account, name]: [usize; 3]) -> String {
        let of = |dimension: &[Atom], index: usize| {
            dimension.get(index).map(|atom| atom.representative.clone()).unwrap_or_default()
        };
        let names = [of(self.regions(), region), of(self.accounts(), account), of(self.names(), name)];
        self.universe.arn(&names[0], &names[1], &names[2])
    }

    /// For each column of cells (Region by Region, account by account) the products that reach into it, given as
    /// positions in `used`.
    fn columns(&self, used: &[usize], budget: &mut Budget) -> Result<Vec<Bits>, Exhausted> {
        let mut masks =
            [vec![Bits::none(used.len()); self.regions().len()], vec![Bits::none(used.len()); self.accounts().len()]];
        for (dimension, masks) in masks.iter_mut().enumerate() {
            for (position, index) in used.iter().enumerate() {
                let Some(members) = self.members(*index, dimension) else { continue };
                budget.spend(members.cost())?;
                members.iter().for_each(|atom| masks[atom].insert(position));
            }
        }
        let [regions, accounts] = masks;
        let mut columns = Vec::with_capacity(regions.len() * accounts.len());
        for region in &regions {
            for account in &accounts {
                budget.spend(region.cost())?;
                let mut both = region.clone();
                both.keep(account);
                columns.push(both);
            }
        }
        Ok(columns)
    }

    fn members(&self, product: usize, dimension: usize) -> Option<&Bits> {
        let glob = *self.boxes.get(product)?.get(dimension)?;
        self.dimensions.get(dimension)?.members.get(glob)
    }

    /// The products of the terms, and for each the term it belongs to.
    fn products(&self, terms: &[Term]) -> (Vec<usize>, Vec<usize>) {
        let mut used = Vec::new();
        let mut owners = Vec::new();
        for (owner, term) in terms.iter().enumerate() {
            for range in term.patterns.iter().filter_map(|pattern| self.patterns.get(*pattern)) {
                used.extend(range.clone());
                owners.resize(used.len(), owner);
            }
        }
        (used, owners)
    }

    /// What the terms open: everything that some allowing term matches and no denying one.
    pub(in crate::policy) fn area(&self, terms: &[Term], budget: &mut Budget) -> Result<Area, Exhausted> {
        let mut numbers: BTreeMap<Bits, usize> = BTreeMap::new();
        let mut by_mask: BTreeMap<Bits, usize> = BTreeMap::new();
        let mut area = Area { names: vec![], columns: vec![] };
        let (used, owners) = self.products(terms);
        for mask in self.columns(&used, budget)? {
            if let Some(number) = by_mask.get(&mask) {
                area.columns.push(*number);
                continue;
            }
            let mut allowed = Bits::none(self.names().len());
            let mut denied = allowed.clone();
            for (term, names) in self.matched_in(terms, &used, &owners, &mask, budget)? {
                let side = if terms.get(term).is_some_and(|term| term.denies) { &mut denied } else { &mut allowed };
                side.add(&names);
            }
            allowed.remove(&denied);
            let next = numbers.len();
            let number = *numbers.entry(allowed.clone()).or_insert(next);
            if number == next {
                area.names.push(allowed);
            }
            by_mask.insert(mask, number);
            area.columns.push(number);
        }
        Ok(area)
    }

    /// For one kind of column the names that each term matches there; terms that match none may be left out.
    fn matched_in(
        &self,
        terms: &[Term],
        used: &[usize],
        owners: &[usize],
        mask: &Bits,
        budget: &mut Budget,
    ) -> Result<Vec<(usize, Bits)>, Exhausted> {
        let mut matched: BTreeMap<usize, Bits> = BTreeMap::new();
        let negated = terms.iter().enumerate().filter(|(_, term)| term.negated);
        negated.for_each(|(index, _)| drop(matched.insert(index, Bits::none(self.names().len()))));
        for position in mask.iter() {
            let (Some(owner), Some(product)) = (owners.get(position), used.get(position)) else { continue };
            let Some(names) = self.members(*product, 2) else { continue };
            budget.spend(names.cost())?;
            matched.entry(*owner).or_insert_with(|| Bits::none(self.names().len())).add(names);
        }
        let all = Bits::all(self.names().len());
        let mut terms_and_names = Vec::with_capacity(matched.len());
        for (index, names) in matched {
            budget.spend(names.cost())?;
            let mut result = names;
            if terms.get(index).is_some_and(|term| term.negated) {
                let listed = std::mem::replace(&mut result, all.clone());
                result.remove(&listed);
            }
            terms_and_names.push((index, result));
        }
        Ok(terms_and_names)
    }

    /// The sets of terms that match the same resources, each with one cell of those. Terms must not be negated.
    pub(in crate::policy) fn kinds(
        &self,
        terms: &[Term],
        budget: &mut Budget,
    ) -> Result<BTreeMap<Bits, [usize; 3]>, Exhausted> {
        let (used, owners) = self.products(terms);
        let accounts = self.accounts().len();
        let mut seen: BTreeSet<Bits> = BTreeSet::new();
        let mut kinds = BTreeMap::new();
        for (column, mask) in self.columns(&used, budget)?.into_iter().enumerate() {
            if seen.contains(&mask) {
                continue;
            }
            let mut by_name = vec![Bits::none(terms.len()); self.names().len()];
            for (term, names) in self.matched_in(terms, &used, &owners, &mask, budget)? {
                for name in names.iter() {
                    budget.spend(1)?;
                    by_name[name].insert(term);
                }
            }
            let (Some(region), Some(account)) = (column.checked_div(accounts), column.checked_rem(accounts)) else {
                continue;
            };
            for (name, matched) in by_name.into_iter().enumerate() {
                budget.spend(matched.cost())?;
                kinds.entry(matched).or_insert([region, account, name]);
            }
            seen.insert(mask);
        }
        Ok(kinds)
    }

    /// A smallest-by-deletion set of allowing terms that opens `area` all the same, given the order in which terms may
    /// be dropped. Returns the terms that stay.
    pub(in crate::policy) fn minimal_cover(
        &self,
        terms: &[Term],
        area: &Area,
        order: &[usize],
        budget: &mut Budget,
    ) -> Result<Vec<usize>, Exhausted> {
        let (used, owners) = self.products(terms);
        let mut seen: BTreeMap<Bits, ()> = BTreeMap::new();
        // For each kind of column: how many terms open each name, and which names each term opens.
        let mut kinds: Vec<(Vec<u32>, BTreeMap<usize, Bits>)> = Vec::new();
        for (column, mask) in self.columns(&used, budget)?.into_iter().enumerate() {
            let Some(open) = area.at(column).filter(|open| !open.is_empty()) else { continue };
            if seen.insert(mask.clone(), ()).is_some() {
                continue;
            }
            let mut counts = vec![0; self.names().len()];
            let mut by_term = BTreeMap::new();
            for (term, mut names) in self.matched_in(terms, &used, &owners, &mask, budget)? {
                if terms.get(term).is_some_and(|term| term.denies) {
                    continue;
                }
                names.keep(open);
                budget.spend(counts.len())?;
                names.iter().for_each(|name| counts[name] += 1);
                by_term.insert(term, names);
            }
            kinds.push((counts, by_term));
        }
        let mut kept: Vec<usize> = Vec::new();
        for term in order {
            let needed = kinds.iter().any(|(counts, by_term)| {
                by_term.get(term).is_some_and(|names| names.iter().any(|name| counts[name] < 2))
            });
            if needed {
                kept.push(*term);
                continue;
            }
            for (counts, by_term) in &mut kinds {
                by_term.get(term).into_iter().flat_map(Bits::iter).for_each(|name| counts[name] -= 1);
            }
        }
        kept.sort_unstable();
        Ok(kept)
    }
}

impl Area {
    fn at(&self, column: usize) -> Option<&Bits> {
        self.names.get(*self.columns.get(column)?)
    }

    /// What both hold. The two must be of one space.
    pub(in crate::policy) fn intersection(&self, other: &Self, budget: &mut Budget) -> Result<Self, Exhausted> {
        let mut by_pair: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut numbers: BTreeMap<Bits, usize> = BTreeMap::new();
        let mut both = Self { names: vec![], columns: Vec::with_capacity(self.columns.len()) };
        for (left, right) in self.columns.iter().zip(&other.columns) {
            budget.spend(1)?;
            if let Some(number) = by_pair.get(&(*left, *right)) {
                both.columns.push(*number);
                continue;
            }
            let (Some(names), Some(more)) = (self.names.get(*left), other.names.get(*right)) else { continue };
            budget.spend(names.cost())?;
            let mut names = names.clone();
            names.keep(more);
            let next = numbers.len();
            let number = *numbers.entry(names.clone()).or_insert(next);
            if number == next {
                both.names.push(names);
            }
            by_pair.insert((*left, *right), number);
            both.columns.push(number);
        }
        Ok(both)
    }

    pub(in crate::policy) fn is_empty(&self) -> bool {
        self.names.iter().all(Bits::is_empty)
    }

    /// Every column as Region, account and the names it holds.
    pub(in crate::policy) fn columns(&self, accounts: usize) -> impl Iterator<Item = (usize, usize, &Bits)> {
        let numbered = self.columns.iter().enumerate();
        numbered.filter_map(move |(index, names)| {
            Some((index.checked_div(accounts)?, index.checked_rem(accounts)?, self.names.get(*names)?))
        })
    }
}

fn in_order(globs: BTreeMap<Glob, usize>) -> Vec<Glob> {
    let mut ordered: Vec<(usize, Glob)> = globs.into_iter().map(|(glob, index)| (index, glob)).collect();
    ordered.sort_unstable();
    ordered.into_iter().map(|(_, glob)| glob).collect()
}
