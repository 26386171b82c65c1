//! The matrix of principals and keys, computed by classes: principals that no decision can tell apart share a row, keys that none
//! can tell apart share a column (semantics 5.5).

use std::borrow::Cow;
use std::collections::BTreeMap;

use rayon::prelude::*;

use super::block::{Block, Held};
use super::building::decide;
use super::cell::{Cell, Decider};
use super::directory::{Account, Directory};
use super::ground::Ground;
use super::key::Key;
use super::kin::Among;
use super::principal::Principal;
use super::row::ClassRow;
use super::who::Decided;
use crate::policy::{Action, Unanswered};

/// How many keys are expanded into rows at once.
const GROUP: usize = 64;

/// Every principal of a directory by classes, ready for decisions on some actions.
#[derive(Debug)]
pub struct Classes<'a>(Ground<'a>);

/// The decisions on the keys of accounts, one for each class of principals, class of keys and action.
#[derive(Debug)]
pub struct Matrix<'c, 'a> {
    ground: &'c Ground<'a>,
    blocks: BTreeMap<&'a str, Block<'a>>,
}

/// How large a matrix is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Classes of principals that have something on a key of an account, all accounts together.
    pub rows: usize,
    /// Classes of keys.
    pub columns: usize,
    /// Decisions made.
    pub decisions: u64,
    /// Decisions that leave something.
    pub cells: usize,
    /// The triples of principal, key and action that they stand for.
    pub triples: u64,
}

impl<'a> Classes<'a> {
    /// Puts the principals of a directory into classes.
    pub fn new(directory: &'a Directory, actions: &'a [Action]) -> Self {
        Self(Ground::new(directory, actions))
    }

    /// Decides every class.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn matrix(&self) -> Result<Matrix<'_, 'a>, Unanswered> {
        self.matrix_of(&self.0.directory.accounts.values().collect::<Vec<_>>())
    }

    /// Decides every class of the keys of some accounts.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn matrix_of(&self, accounts: &[&'a Account]) -> Result<Matrix<'_, 'a>, Unanswered> {
        let blocks: Result<Vec<(&str, Block<'_>)>, Unanswered> =
            accounts.par_iter().map(|account| Ok((account.id.as_str(), decide(&self.0, account)?))).collect();
        Ok(Matrix { ground: &self.0, blocks: blocks?.into_iter().collect() })
    }
}

impl<'a> Matrix<'_, 'a> {
    /// How large it is.
    pub fn size(&self) -> Size {
        let mut size = Size::default();
        for block in self.blocks.values() {
            let (rows, columns, cells) = block.classes();
            size.rows += rows;
            size.columns += columns;
            size.cells += cells;
            size.decisions += block.decisions;
            size.triples += block.pairs * self.ground.actions.len() as u64;
        }
        size
    }

    /// The decisions that leave something, one principal, key and action at a time, sorted by key, principal and action.
    ///
    /// # Errors
    /// When `deliver` fails.
    pub fn expand<E>(
        &self,
        is_wanted: impl Fn(&Key) -> bool + Sync,
        mut deliver: impl FnMut(&Decided<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut keys: Vec<&Key> = self.ground.directory.keys().filter(|key| is_wanted(key)).collect();
        keys.sort_by(|a, b| a.arn.cmp(&b.arn));
        for group in keys.chunks(GROUP) {
            let expanded: Vec<Vec<Decided<'_>>> = group.par_iter().map(|key| self.on(key)).collect();
            for decided in expanded.iter().flatten() {
                deliver(decided)?;
            }
        }
        Ok(())
    }

    /// The decisions on one key that leave something, sorted by principal, then in the order of the actions.
    pub fn on(&self, key: &'a Key) -> Vec<Decided<'a>> {
        let Some(block) = self.blocks.get(key.account_id.as_str()) else { return vec![] };
        let held = block.on(key, self.ground);
        let mut of_principals: Vec<(&'a Principal, &Held<'_, 'a>)> =
            held.iter().flat_map(|held| held.members.iter().map(move |member| (*member, held))).collect();
        of_principals.sort_by(|(a, _), (b, _)| (&a.arn, a.kind).cmp(&(&b.arn, b.kind)));
        let mut decided = Vec::new();
        for (principal, held) in of_principals {
            for (position, cell) in &held.cells {
                let Some(action) = self.ground.actions.get(*position) else { continue };
                let cell = self.placed(cell, held.among, principal);
                decided.push(Decided { principal: Cow::Borrowed(principal), key, action, cell });
            }
        }
        decided
    }

    /// The decisions that leave something, a class of keys, a class of principals and an action at a time, sorted by account, key,
    /// principal and action.
    ///
    /// # Errors
    /// When `deliver` fails.
    pub fn classes<E>(
        &self,
        is_wanted: impl Fn(&Key) -> bool,
        mut deliver: impl FnMut(&ClassRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let accounts = self.ground.directory.accounts.values();
        for (account, block) in accounts.filter_map(|account| Some((account, self.blocks.get(account.id.as_str())?))) {
            let wanted: Vec<&Key> = account.keys.iter().filter(|key| is_wanted(key)).collect();
            for (keys, rows) in block.classes_of(&wanted, self.ground) {
                for held in rows {
                    for (position, cell) in held.cells {
                        let Some(action) = self.ground.actions.get(position) else { continue };
                        deliver(&class_row(&account.id, &keys, &held.members, action, cell))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The cell of a class, as it is for one principal: the class knows the policies that speak, a principal may have others
    /// between them.
    fn placed(&self, cell: &Cell, among: Among, principal: &Principal) -> Cell {
        let place = |decider: &Decider| Decider {
            policy: self.ground.spoken.placed(decider.policy, among, principal),
            ..*decider
        };
        Cell { statements: cell.statements.iter().map(place).collect(), ..cell.clone() }
    }
}

fn class_row(account_id: &str, keys: &[&Key], principals: &[&Principal], action: &Action, cell: &Cell) -> ClassRow {
    ClassRow {
        account_id: account_id.to_owned(),
        key_arns: keys.iter().map(|key| key.arn.clone()).collect(),
        principal_arns: principals.iter().map(|principal| principal.arn.clone()).collect(),
        principal_type: principals.first().map_or("", |principal| principal.kind.word()),
        action: action.name().to_owned(),
        access: cell.access,
        path: cell.path.map(|path| path.to_string()),
        conditions: cell.condition_words(),
        via: cell.via.clone(),
        notes: cell.notes.clone(),
    }
}
