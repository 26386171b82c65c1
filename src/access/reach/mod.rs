//! Who can reach an action on a key that they do not have: chains of links, each with the decisions that it rests on (semantics
//! 4.13 and 6).
//!
//! Access spreads backwards from the key. Level 0 are those who have the action; a link leads from somebody to the key, which he
//! opens to himself, or to a principal whom he can act as. A longer chain counts only where it is surer than every shorter one, so
//! that circles of trust end by themselves.

mod act;
mod cast;
mod change;
mod compute;
mod key;
mod proof;
mod row;
mod search;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use search::Search;

pub use proof::Proof;
pub use row::{ChainRow, DecisionRow};
pub use step::Step;

use super::directory::Directory;
use super::key::Key;
use super::principal::{Principal, PrincipalKind};
use super::who::Decided;
use crate::policy::{Access, Action, Unanswered};

/// One principal and the chains by which it reaches the action.
#[derive(Debug, Clone)]
pub struct Reach<'a> {
    /// What it has without any chain.
    pub direct: Decided<'a>,
    /// The chains, shortest and surest first: one of the shortest for each kind of first link, and longer ones that are surer.
    pub chains: Vec<Chain>,
}

/// Links that lead to an action on a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// How far the whole goes: as far as its weakest part.
    pub access: Access,
    /// In the order in which they are taken.
    pub links: Vec<Arc<Link>>,
    /// The decision on the action itself, once the links are taken.
    pub last: Arc<Proof>,
    /// Further chains of this length and certainty, whose first link is of the same kind and has another target.
    pub others: usize,
}

/// What somebody does, and what allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What kind of link it is.
    pub step: Step,
    /// ARN of who does it.
    pub actor: String,
    /// What it gives: the ARN of the principal to act as, or of the key.
    pub target: String,
    /// The decisions that must all allow.
    pub proofs: Vec<Proof>,
    /// As far as the weakest of them goes.
    pub access: Access,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

impl Link {
    fn new(step: Step, actor: &Principal, target: &str, proofs: Vec<Proof>) -> Self {
        Self {
            step,
            actor: actor.arn.clone(),
            target: target.to_owned(),
            access: weakest(proofs.iter().map(|proof| proof.cell.access)),
            proofs,
            notes: vec![],
        }
    }
}

fn weakest(all: impl IntoIterator<Item = Access>) -> Access {
    all.into_iter().max().unwrap_or(Access::Allowed)
}

/// The beginning of a chain and what follows.
#[derive(Debug)]
struct Route {
    length: usize,
    access: Access,
    /// The first link and the rest; `None` for who has the action.
    first: Option<(Arc<Link>, Option<Arc<Self>>)>,
    last: Arc<Proof>,
}

impl Route {
    /// Who has the action.
    fn direct(last: Proof) -> Self {
        Self { length: 0, access: last.cell.access, first: None, last: Arc::new(last) }
    }

    /// A link that opens the key.
    fn opening(link: Link, last: Proof) -> Self {
        // Whoever opens a key for others need not be able to use it himself; see `key.rs`.
        let access = match last.cell.access {
            Access::Denied => link.access,
            access => link.access.max(access),
        };
        Self { length: 1, access, first: Some((Arc::new(link), None)), last: Arc::new(last) }
    }

    /// Links before a route.
    fn after(links: &[Arc<Link>], rest: &Arc<Self>) -> Arc<Self> {
        let mut route = rest.clone();
        for link in links.iter().rev() {
            route = Arc::new(Self {
                length: route.length + 1,
                access: route.access.max(link.access),
                last: route.last.clone(),
                first: Some((link.clone(), Some(route))),
            });
        }
        route
    }

    fn chain(&self) -> Chain {
        let mut links = Vec::new();
        let mut here = Some(self);
        while let Some((link, rest)) = here.and_then(|route| route.first.as_ref()) {
            links.push(link.clone());
            here = rest.as_deref();
        }
        Chain { access: self.access, links, last: self.last.clone(), others: 0 }
    }
}

/// Routes of which each is surer than all that are shorter.
#[derive(Debug, Default)]
struct Front(Vec<(Arc<Route>, usize)>);

impl Front {
    /// Whether a route that goes this far could be a gain: none that is shorter is as sure.
    fn is_open_to(&self, length: usize, access: Access) -> bool {
        !self.0.iter().any(|(route, _)| route.length < length && route.access <= access)
    }

    /// Adds a route that is no shorter than those before; whether it is better than all of them.
    fn offer(&mut self, route: &Arc<Route>) -> bool {
        match self.0.last_mut() {
            Some((best, others)) if (best.length, best.access) == (route.length, route.access) => {
                *others += 1;
                return false;
            }
            Some((best, _)) if best.access <= route.access => return false,
            Some((best, _)) if best.length == route.length => drop(self.0.pop()),
            _ => {}
        }
        self.0.push((route.clone(), 0));
        true
    }
}

/// What is known of one principal while chains grow.
#[derive(Debug)]
struct Node<'a> {
    direct: Decided<'a>,
    /// All routes from here.
    front: Front,
    /// The same by kind of first link.
    by_step: BTreeMap<Step, Front>,
}

impl<'a> Node<'a> {
    fn new(direct: Decided<'a>) -> Self {
        Self { direct, front: Front::default(), by_step: BTreeMap::new() }
    }

    fn offer(&mut self, route: &Arc<Route>) -> bool {
        if let Some((link, _)) = &route.first {
            self.by_step.entry(link.step).or_default().offer(route);
        }
        self.front.offer(route)
    }

    fn reach(self) -> Option<Reach<'a>> {
        let direct = self.direct.cell.access;
        if has_it(direct) {
            return None;
        }
        // A chain is no gain where the access at hand is as sure, and a detour is none where a shorter chain is.
        let ranks: Vec<(usize, Access)> = self.front.0.iter().map(|(route, _)| (route.length, route.access)).collect();
        let shortest = ranks.iter().map(|(length, _)| *length).find(|length| *length > 0);
        let is_gain = |route: &Route| {
            route.access < direct && (Some(route.length) <= shortest || ranks.contains(&(route.length, route.access)))
        };
        let routes = self.by_step.into_values().flat_map(|front| front.0).filter(|(route, _)| is_gain(route));
        let mut chains: Vec<Chain> = routes.map(|(route, others)| Chain { others, ..route.chain() }).collect();
        chains.sort_by_key(|chain| (chain.links.len(), chain.access));
        (!chains.is_empty()).then_some(Reach { direct: self.direct, chains })
    }
}

fn has_it(access: Access) -> bool {
    matches!(access, Access::Allowed | Access::AllowedIfChosen)
}

/// Whether somebody may take links: a service does what it is made for, and so does its role.
fn is_free_to_act(principal: &Principal) -> bool {
    principal.kind != PrincipalKind::Service && !principal.caller.is_service_linked_role()
}

impl Directory {
    /// Who can reach an action on a key without having it, in chains of at most `depth` links, sorted by principal.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn reach<'a>(&'a self, action: &'a Action, key: &'a Key, depth: usize) -> Result<Vec<Reach<'a>>, Unanswered> {
        Search::new(self, action, key).run(depth)
    }
}
