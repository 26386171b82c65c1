//! Chains as rows.

use serde::Serialize;

use super::super::directory::Directory;
use super::super::row::{Row, StatementRow};
use super::proof::Proof;
use super::{Chain, Link, Reach};

/// One link of a chain, or at its end the action itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainRow {
    /// The kind of link; `use` at the end.
    pub step: &'static str,
    /// ARN of who does it.
    pub principal_arn: String,
    /// What it gives: the ARN of the principal to act as, or of a key.
    pub target_arn: String,
    /// How far it goes.
    pub access: &'static str,
    /// The decisions that must all allow.
    pub decisions: Vec<DecisionRow>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

/// One decision that a link rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionRow {
    /// ARN of who asks, or the name of a service.
    pub principal_arn: String,
    /// The action.
    pub action: String,
    /// ARN of the resource, if the action has one.
    pub resource: Option<String>,
    /// How far it goes.
    pub access: &'static str,
    /// How it comes about.
    pub path: Option<String>,
    /// One of these must hold; nothing is demanded when there is none.
    pub conditions: Vec<String>,
    /// The services through which it goes.
    pub via: Vec<String>,
    /// The deciding statements.
    pub statements: Vec<StatementRow>,
    /// Ids of the deciding grants.
    pub grants: Vec<String>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

impl From<&Proof> for DecisionRow {
    fn from(proof: &Proof) -> Self {
        let Proof { principal, action, resource, cell, statements, grants } = proof;
        Self {
            principal_arn: principal.clone(),
            action: action.clone(),
            resource: resource.clone(),
            access: cell.access.word(),
            path: cell.path.map(|path| path.to_string()),
            conditions: cell.condition_words(),
            via: cell.via.clone(),
            statements: statements.clone(),
            grants: grants.clone(),
            notes: cell.notes.clone(),
        }
    }
}

impl From<&Link> for ChainRow {
    fn from(link: &Link) -> Self {
        Self {
            step: link.step.word(),
            principal_arn: link.actor.clone(),
            target_arn: link.target.clone(),
            access: link.access.word(),
            decisions: link.proofs.iter().map(DecisionRow::from).collect(),
            notes: link.notes.clone(),
        }
    }
}

impl Directory {
    /// One row for each chain. The conditions of links stand in the chain.
    pub fn reach_rows(&self, reach: &Reach<'_>) -> Vec<Row> {
        reach.chains.iter().map(|chain| self.reach_row(reach, chain)).collect()
    }

    fn reach_row(&self, reach: &Reach<'_>, chain: &Chain) -> Row {
        let mut links: Vec<ChainRow> = chain.links.iter().map(|link| ChainRow::from(link.as_ref())).collect();
        let last = &chain.last;
        links.push(ChainRow {
            step: "use",
            principal_arn: last.principal.clone(),
            target_arn: last.resource.clone().unwrap_or_default(),
            access: last.cell.access.word(),
            decisions: vec![DecisionRow::from(last.as_ref())],
            notes: vec![],
        });
        let direct = self.row(&reach.direct);
        let mut notes = vec![format!("directly: {}", direct.access)];
        if chain.others > 0 {
            notes.push(format!("{} more in the same way, over other targets", chain.others));
        }
        Row {
            access: chain.access.word(),
            path: Some("reach".to_owned()),
            conditions: vec![],
            via: vec![],
            blocked_by: None,
            notes,
            statements: Some(vec![]),
            grants: Some(vec![]),
            chain: Some(links),
            ..direct
        }
    }
}
