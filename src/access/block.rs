//! What was decided on the keys of one account, by classes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::afar::Part;
use super::cell::Cell;
use super::ground::Ground;
use super::key::Key;
use super::kin::Among;
use super::principal::{Principal, PrincipalKind};

/// The decisions on the keys of one account.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// The class of each key, by ARN.
    pub(super) column_of: BTreeMap<&'a str, usize>,
    pub(super) columns: Vec<Cells>,
    /// For each action the position of the one that is decided as it is.
    pub(super) alike: Vec<usize>,
    /// How many decisions were made.
    pub(super) decisions: u64,
    /// How many pairs of principal and key the classes stand for.
    pub(super) pairs: u64,
}

/// A class of principals with what they have.
pub(super) struct Held<'b, 'a> {
    pub(super) members: Cow<'b, [&'a Principal]>,
    /// Where the places of identity policies count.
    pub(super) among: Among,
    /// By position of the action.
    pub(super) cells: Vec<(usize, &'b Cell)>,
}

/// What is not denied on a class of keys, by row and position of the action.
pub(super) type Cells = BTreeMap<(usize, usize), Cell>;

/// Principals that no decision on the keys of an account can tell apart.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) members: Members<'a>,
    /// From an account that no key names: each action is decided by itself.
    pub(super) is_afar: bool,
}

/// Who is in a class.
#[derive(Debug, Clone)]
pub(super) enum Members<'a> {
    /// Principals of one account, sorted by ARN.
    Of(Vec<&'a Principal>),
    /// Principals of several accounts.
    Afar(Part<'a>),
}

impl<'a> Members<'a> {
    /// Sorted by ARN.
    pub(super) fn principals<'b>(&'b self, ground: &'b Ground<'a>) -> Cow<'b, [&'a Principal]> {
        match self {
            Self::Of(members) => Cow::Borrowed(members),
            Self::Afar(part) => Cow::Owned(part.principals(ground)),
        }
    }

    fn among(&self) -> Among {
        match self {
            Self::Of(_) => Among::Speaking,
            Self::Afar(_) => Among::Wide,
        }
    }
}

impl<'a> Block<'a> {
    /// What is not denied on a key, by classes of principals, sorted by the first of each.
    pub(super) fn on<'b>(&'b self, key: &Key, ground: &'b Ground<'a>) -> Vec<Held<'b, 'a>> {
        let cells = self.column_of.get(key.arn.as_str()).and_then(|number| self.columns.get(*number));
        let mut by_row: BTreeMap<usize, Vec<(usize, &Cell)>> = BTreeMap::new();
        for ((row, position), cell) in cells.into_iter().flatten() {
            by_row.entry(*row).or_default().push((*position, cell));
        }
        let mut rows = Vec::new();
        for (row, cells) in by_row {
            if let Some(row) = self.rows.get(row) {
                let Row { members, .. } = row;
                let cells = self.of_actions(row, &cells);
                rows.push(Held { members: members.principals(ground), among: members.among(), cells });
            }
        }
        rows.sort_by(|a, b| name(&a.members).cmp(&name(&b.members)));
        rows
    }

    /// Every class of keys: its keys, and for each class of principals that has something on them the principals with their
    /// cells, by position of the action. Sorted by the first key.
    pub(super) fn classes_of<'b>(
        &'b self,
        keys: &[&'a Key],
        ground: &'b Ground<'a>,
    ) -> Vec<(Vec<&'a Key>, Vec<Held<'b, 'a>>)> {
        let mut by_class: BTreeMap<usize, Vec<&'a Key>> = BTreeMap::new();
        for key in keys {
            if let Some(column) = self.column_of.get(key.arn.as_str()) {
                by_class.entry(*column).or_default().push(key);
            }
        }
        let mut classes: Vec<_> = by_class.into_values().filter_map(|keys| Some((*keys.first()?, keys))).collect();
        classes.sort_by(|(a, _), (b, _)| a.arn.cmp(&b.arn));
        classes.into_iter().map(|(key, keys)| (keys, self.on(key, ground))).collect()
    }

    /// The cell of each action that has one.
    fn of_actions<'b>(&self, row: &Row<'_>, cells: &[(usize, &'b Cell)]) -> Vec<(usize, &'b Cell)> {
        let numbered = self.alike.iter().enumerate();
        let of = |(action, alike): (usize, &usize)| {
            let position = if row.is_afar { action } else { *alike };
            cells.iter().find(|(place, _)| *place == position).map(|(_, cell)| (action, *cell))
        };
        numbered.filter_map(of).collect()
    }

    /// The numbers of classes of principals and of keys, and of cells that are not denied.
    pub(super) fn classes(&self) -> (usize, usize, usize) {
        (self.rows.len(), self.columns.len(), self.columns.iter().map(BTreeMap::len).sum())
    }
}

/// By what a class of principals is sorted.
fn name<'p>(members: &[&'p Principal]) -> Option<(&'p str, PrincipalKind)> {
    members.first().map(|first| (first.arn.as_str(), first.kind))
}
