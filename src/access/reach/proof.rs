//! The decisions that links rest on.

use super::super::cell::{Cell, Object};
use super::super::directory::Directory;
use super::super::principal::Principal;
use super::super::row::StatementRow;
use crate::policy::{self, Access, Action, Effect, PolicyRef, Unanswered};

/// One decision: who may do what on what, and because of which statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// ARN of who.
    pub principal: String,
    /// What.
    pub action: String,
    /// On what; `None` for an action without a resource.
    pub resource: Option<String>,
    /// The decision.
    pub cell: Cell,
    /// The deciding statements.
    pub statements: Vec<StatementRow>,
    /// Ids of the deciding grants.
    pub grants: Vec<String>,
}

impl Proof {
    /// A decision with the names of the documents that decide it.
    pub(super) fn new(
        directory: &Directory,
        principal: &Principal,
        object: Object<'_>,
        action: &Action,
        cell: Cell,
    ) -> Self {
        let grants = cell.statements.iter().filter_map(|decider| match decider.policy {
            PolicyRef::Grant(index) => object.grants.get(index).map(|grant| grant.id.clone()),
            _ => None,
        });
        let grants = grants.collect();
        let statements = cell.statements.iter().filter(|decider| !matches!(decider.policy, PolicyRef::Grant(_)));
        let statements = statements.map(|decider| directory.statement_on(decider, principal, &object)).collect();
        Self {
            principal: principal.arn.clone(),
            action: action.name().to_owned(),
            resource: object.arn.map(str::to_owned),
            cell,
            statements,
            grants,
        }
    }
}

impl Directory {
    /// The decision, unless it is a denial.
    pub(super) fn proof(
        &self,
        principal: &Principal,
        object: Object<'_>,
        action: &Action,
    ) -> Result<Option<Proof>, Unanswered> {
        let cell = self.decide(principal, object, action)?;
        let is_denied = cell.access == Access::Denied;
        Ok((!is_denied).then(|| Proof::new(self, principal, object, action, cell)))
    }

    /// The decisions, unless one of them is a denial.
    pub(super) fn proofs(
        &self,
        principal: &Principal,
        all: &[(Object<'_>, &Action)],
    ) -> Result<Option<Vec<Proof>>, Unanswered> {
        let mut proofs = Vec::with_capacity(all.len());
        for (object, action) in all {
            match self.proof(principal, *object, action)? {
                Some(proof) => proofs.push(proof),
                None => return Ok(None),
            }
        }
        Ok(Some(proofs))
    }

    /// The surest decision over resources of which the caller chooses one, unless all are denials.
    pub(super) fn best_proof<'o>(
        &self,
        principal: &Principal,
        objects: impl IntoIterator<Item = Object<'o>>,
        action: &Action,
    ) -> Result<Option<Proof>, Unanswered> {
        let mut best: Option<Proof> = None;
        for object in objects {
            let Some(proof) = self.proof(principal, object, action)? else { continue };
            if best.as_ref().is_none_or(|best| proof.cell.access < best.cell.access) {
                let is_best = proof.cell.access == Access::Allowed;
                best = Some(proof);
                if is_best {
                    break;
                }
            }
        }
        Ok(best)
    }
}

/// The most names that are tried for a resource whose name the caller chooses.
const NAMES: usize = 16;

impl Principal {
    /// Whether an Allow of its own may speak about an action. The root user needs none.
    pub(super) fn mentions(&self, action: &str) -> bool {
        policy::CallerKind::Root == self.caller.kind || self.allowing(action).next().is_some()
    }

    fn allowing<'a>(&'a self, action: &'a str) -> impl Iterator<Item = &'a policy::Statement> {
        let statements = self.identity.iter().flat_map(|named| named.document.statements_of(Effect::Allow));
        statements.filter(|statement| statement.matches_action(action).is_possible())
    }

    /// ARNs of a resource whose name the caller chooses: `default`, and one for each pattern under which the action is allowed.
    pub(super) fn names_to_choose(&self, action: &str, default: &str) -> Vec<String> {
        let mut names = vec![default.to_owned()];
        let split = |arn: &str| arn.match_indices(':').nth(4).map(|(at, _)| at + 1);
        let Some(head) = split(default).and_then(|at| default.get(..at)) else { return names };
        let resources = self.allowing(action).filter_map(|statement| statement.resources.as_ref());
        for pattern in resources.filter(|resources| !resources.negated).flat_map(|resources| &resources.patterns) {
            let text = pattern.text();
            let tail = split(text.source()).and_then(|at| text.source().get(at..));
            let Some(tail) = tail.filter(|_| !text.has_variables()) else { continue };
            let name = format!("{head}{}", tail.replace(['*', '?'], "x"));
            if names.len() < NAMES && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
