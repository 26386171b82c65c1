//! The search for chains, from the key backwards.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::super::cell::Object;
use super::super::directory::Directory;
use super::super::key::Key;
use super::super::principal::Principal;
use super::cast::{Actor, Casts, Form, Id};
use super::proof::Proof;
use super::{Link, Node, Reach, Route, has_it, is_free_to_act};
use crate::policy::{Access, Action, Unanswered};

/// The search for chains to one action on one key.
pub(super) struct Search<'a> {
    directory: &'a Directory,
    action: &'a Action,
    key: &'a Key,
    nodes: BTreeMap<Id, Node<'a>>,
    /// Routes that wait for those that are shorter.
    waiting: BTreeMap<usize, Vec<(Actor<'a>, Arc<Route>)>>,
}

/// Links by which somebody comes to act as another.
pub(super) type Arrival<'a> = (Actor<'a>, Vec<Arc<Link>>);

impl<'a> Search<'a> {
    pub(super) fn new(directory: &'a Directory, action: &'a Action, key: &'a Key) -> Self {
        Self { directory, action, key, nodes: BTreeMap::new(), waiting: BTreeMap::new() }
    }

    pub(super) fn run(mut self, depth: usize) -> Result<Vec<Reach<'a>>, Unanswered> {
        let candidates = self.directory.candidates(self.key).into_iter();
        let candidates: Vec<Actor<'a>> = candidates.map(Actor::of).collect();
        self.begin(candidates)?;
        let who_has_it = self.nodes.iter().filter(|(_, node)| has_it(node.direct.cell.access));
        let who_has_it: BTreeSet<Id> = who_has_it.map(|(id, _)| id.clone()).collect();
        let casts = Casts::new(self.directory, &self.key.region, who_has_it);
        let near: BTreeSet<String> = self.nodes.values().map(|node| node.direct.principal.account_id.clone()).collect();
        near.par_iter().try_for_each(|account_id| casts.changed(account_id).map(drop))?;
        for account_id in &near {
            let is_near = |actor: &&Actor<'a>| self.nodes.contains_key(&actor.own_id());
            let changed: Vec<Actor<'a>> = casts.changed(account_id)?.filter(is_near).cloned().collect();
            self.begin(changed)?;
        }
        for length in 0..=depth {
            let mut offers = self.waiting.remove(&length).unwrap_or_default();
            offers.sort_by_key(|(_, route)| route.access);
            let mut better = Vec::new();
            for (actor, route) in offers {
                if self.node(&actor)?.offer(&route) {
                    better.push((actor, route));
                }
            }
            if length < depth {
                self.spread(&better, &casts)?;
            }
        }
        let of_their_own = self.nodes.into_iter().filter(|((_, _, form), _)| *form == Form::Own);
        Ok(of_their_own.filter_map(|(_, node)| node.reach()).collect())
    }

    /// What each has, and which ways of opening the key.
    fn begin(&mut self, actors: Vec<Actor<'a>>) -> Result<(), Unanswered> {
        let (directory, action, key) = (self.directory, self.action, self.key);
        let begun: Result<Vec<_>, Unanswered> = actors
            .into_par_iter()
            .map(|actor| {
                let node = Node::new(directory.decided(actor.principal.clone(), key, action)?);
                let routes = routes(directory, &actor.principal, key, action, &node)?;
                Ok((actor, node, routes))
            })
            .collect();
        for (actor, node, routes) in begun? {
            for route in routes {
                self.waiting.entry(route.length).or_default().push((actor.clone(), Arc::new(route)));
            }
            self.nodes.insert(actor.id(), node);
        }
        Ok(())
    }

    fn node(&mut self, actor: &Actor<'a>) -> Result<&mut Node<'a>, Unanswered> {
        let id = actor.id();
        Ok(match self.nodes.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                place.insert(Node::new(self.directory.decided(actor.principal.clone(), self.key, self.action)?))
            }
        })
    }

    /// Whoever can act as those whose routes have become better.
    fn spread(&mut self, better: &[(Actor<'a>, Arc<Route>)], casts: &Casts<'a>) -> Result<(), Unanswered> {
        let nodes = &self.nodes;
        let arrivals: Result<Vec<Vec<Arrival<'a>>>, Unanswered> = better
            .par_iter()
            .map(|(target, route)| {
                let may_gain = |actor: &Actor<'_>| {
                    let node = nodes.get(&actor.id());
                    node.is_none_or(|node| node.front.is_open_to(route.length + 1, route.access))
                };
                casts.arrivals(target, &may_gain)
            })
            .collect();
        for ((_, route), arrivals) in better.iter().zip(arrivals?) {
            for (actor, links) in arrivals {
                let route = Route::after(&links, route);
                self.waiting.entry(route.length).or_default().push((actor, route));
            }
        }
        Ok(())
    }
}

/// The routes of somebody that lead over nobody else.
fn routes(
    directory: &Directory,
    principal: &Principal,
    key: &Key,
    action: &Action,
    node: &Node<'_>,
) -> Result<Vec<Route>, Unanswered> {
    let cell = &node.direct.cell;
    let mut routes = Vec::new();
    if cell.access != Access::Denied {
        let proof = Proof::new(directory, principal, Object::key(key), action, cell.clone());
        routes.push(Route::direct(proof));
    }
    if !has_it(cell.access) && is_free_to_act(principal) {
        routes.extend(directory.openings(principal, key, action, cell)?);
    }
    Ok(routes)
}
