//! Effective access: which principal can do what on which key, by which path, under which conditions (semantics 4 and 5.5).

mod afar;
mod alike;
mod basis;
mod block;
mod building;
mod capability;
mod cell;
mod column;
mod directory;
mod document;
mod family;
#[cfg(test)]
mod fixtures;
mod ground;
mod guard;
mod key;
mod kin;
mod matrix;
mod member;
mod organization;
mod principal;
mod reach;
mod relation;
mod row;
mod stand_in;
mod target;
#[cfg(test)]
mod tests;
mod who;

pub use basis::{Basis, Factor};
pub use capability::Capability;
pub use cell::{Cell, Decider};
pub use directory::{Account, Directory};
pub use document::Named;
pub use family::Family;
pub use key::Key;
pub use matrix::{Classes, Matrix, Size};
pub use member::OfMembers;
pub use organization::Estate;
pub use principal::{Principal, PrincipalKind};
pub use reach::{Chain, ChainRow, DecisionRow, Link, Proof, Reach, Step};
pub use relation::Relation;
pub use row::{
    ACTION_CLASSES, ClassRow, Row, StatementRow, actions_named, needs_enabled_key, path_words, reveals_plaintext,
};
pub use stand_in::{OnKey, Seen, SeenClass, StandIns};
pub use who::Decided;
