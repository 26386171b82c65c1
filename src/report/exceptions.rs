//! The findings that the page of a check shows: what did not pass, as many as a page may hold.

use std::collections::BTreeMap;

use super::evidence::Places;
use super::rows::{self, Rows};
use super::view::{FindingView, MAX_ROWS, MAX_WEIGHT};
use crate::finding::{Finding, Status};

/// How many rows of each status a page shows, so that none crowds out the others.
const ROOM: [(Status, usize); 4] =
    [(Status::Fail, MAX_ROWS - 500), (Status::Error, 250), (Status::Undecided, 100), (Status::Waived, 150)];

/// Bytes of further rows that the page of a check holds as data. There are many checks, and what is kept of each is kept until all
/// accounts were read.
const MAX_DATA: usize = 1_000_000;

/// What one check did not pass.
#[derive(Debug)]
pub(super) struct Exceptions {
    rows: BTreeMap<Status, Vec<FindingView>>,
    weight: usize,
    data: Rows,
}

impl Exceptions {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self { rows: BTreeMap::new(), weight: 0, data: Rows::new(rows::OF_CHECK, MAX_DATA) }
    }

    /// Keeps the finding if it is one to show and there is room.
    pub(super) fn add(&mut self, finding: &Finding, places: &Places) {
        let Some((status, room)) = ROOM.iter().find(|(status, _)| *status == finding.status) else { return };
        let rows = self.rows.entry(*status).or_default();
        if rows.len() < *room && self.weight < MAX_WEIGHT {
            let view = FindingView::new(finding, places);
            self.weight += view.weight();
            rows.push(view);
        } else {
            self.data.finding(finding);
        }
    }

    /// The rows for which there was no room as elements.
    pub(super) fn data(&self) -> &Rows {
        &self.data
    }

    /// The rows of a status, in the order in which they came.
    pub(super) fn of(&self, status: Status) -> &[FindingView] {
        self.rows.get(&status).map_or(&[], Vec::as_slice)
    }

    /// Every row, FAIL first.
    pub(super) fn all(&self) -> Vec<&FindingView> {
        self.rows.values().flatten().collect()
    }
}
