//! Principals of one account that stand for all who are like them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::directory::Directory;
use super::document::Named;
use super::key::Key;
use super::kin::{Kin, Spoken, address, all, is_on_key};
use super::principal::Principal;
use super::target::{entries, entries_on, names};
use crate::policy::{self, Action, Document, Effect, Match, ResourcePattern};

/// The principals of an account in classes: no decision on one of some actions and on a key of the account tells those of one class
/// apart. Where a deciding statement stands is told of the policies of keys and of the organization alone: of its identity policies
/// a stand-in holds what speaks of the actions.
#[derive(Debug)]
pub struct StandIns {
    ones: Vec<StandIn>,
    /// By the address of a principal in the directory.
    class_of: HashMap<usize, usize>,
    actions: Vec<Action>,
    /// The identity policies of the account that speak of the actions, each once.
    documents: Vec<Arc<Document>>,
    /// The number of each entry of the account's key policies and grants.
    entries: BTreeMap<policy::Principal, usize>,
}

/// Who stands for a class.
#[derive(Debug)]
struct StandIn {
    principal: Principal,
    /// Which classes are alike but for their identity policies and for how keys name them.
    kin: usize,
    /// The places of the identity policies among the documents, in order.
    identity: Vec<usize>,
    /// The numbers of the entries that name it, in order.
    names: Vec<usize>,
}

/// What decisions on one key see of a class. Classes with the same have the same, deciding statements of the key included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Telling {
    kin: usize,
    /// The actions that identity policies allow on the key whatever a request holds, a bit each.
    allowed: u64,
    /// The other identity policies that may speak of the key.
    identity: Vec<usize>,
    /// The entries of the key that name it.
    names: Vec<usize>,
}

/// The classes as one key sees them.
#[derive(Debug)]
pub struct OnKey<'s> {
    stand_ins: &'s StandIns,
    /// What each document says of the key.
    says: Vec<Says>,
    /// The entries that stand on the key.
    entries: BTreeSet<usize>,
}

/// What a document says of some actions on one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// It allows these, a bit each, whatever a request holds, and says nothing else: it matters in no other way than any other that
    /// allows them.
    Allows(u64),
    /// It denies something, or it depends.
    Else,
}

impl Directory {
    /// Puts the principals of an account into classes.
    pub fn stand_ins(&self, account_id: &str, actions: &[Action]) -> StandIns {
        let mut stand_ins = StandIns {
            ones: vec![],
            class_of: HashMap::new(),
            actions: actions.to_vec(),
            documents: vec![],
            entries: BTreeMap::new(),
        };
        let Some(account) = self.account(account_id) else { return stand_ins };
        let spoken = Spoken::new(self, actions);
        let named = names(self, account);
        stand_ins.entries = entries(account).into_iter().enumerate().map(|(at, entry)| (entry.clone(), at)).collect();
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        // The address of a document is that of no other as long as the classes are put together.
        let kins = all(account, &spoken);
        let mut alike: BTreeMap<_, usize> = BTreeMap::new();
        for kin in &kins {
            let next = alike.len();
            let number = *alike.entry(kin.but_for_identity()).or_insert(next);
            let place = |document: &Arc<Document>| {
                *places.entry(address(document)).or_insert_with(|| {
                    stand_ins.documents.push(document.clone());
                    stand_ins.documents.len() - 1
                })
            };
            let identity: Vec<usize> = kin.identity.iter().map(place).collect();
            let mut class_of_names: BTreeMap<&[usize], usize> = BTreeMap::new();
            for member in &kin.members {
                let names = named.get(&(member.arn.as_str(), member.kind)).map_or(&[][..], Vec::as_slice);
                let class = *class_of_names.entry(names).or_insert_with(|| {
                    stand_ins.ones.push(StandIn {
                        principal: stand_in(kin, member),
                        kin: number,
                        identity: identity.clone(),
                        names: names.to_vec(),
                    });
                    stand_ins.ones.len() - 1
                });
                stand_ins.class_of.insert(std::ptr::from_ref(*member).addr(), class);
            }
        }
        stand_ins
    }
}

impl StandIns {
    /// The class of a principal of the account, as it lies in the directory.
    pub fn class_of(&self, principal: &Principal) -> Option<usize> {
        self.class_of.get(&std::ptr::from_ref(principal).addr()).copied()
    }

    /// Who stands for a class.
    pub fn one(&self, class: usize) -> Option<&Principal> {
        Some(&self.ones.get(class)?.principal)
    }

    /// The classes as a key of the account sees them.
    pub fn on(&self, key: &Key) -> OnKey<'_> {
        // An action that is asked of no key is decided by all that speaks of it.
        let is_on_keys = self.actions.len() <= u64::BITS as usize && self.actions.iter().all(is_on_key);
        let says = |document: &Arc<Document>| if is_on_keys { self.says(document, &key.arn) } else { Says::Else };
        OnKey {
            stand_ins: self,
            says: self.documents.iter().map(says).collect(),
            entries: entries_on(key).filter_map(|entry| self.entries.get(entry)).copied().collect(),
        }
    }

    fn says(&self, document: &Document, arn: &str) -> Says {
        let mut allowed = 0;
        for statement in &document.statements {
            let Some(resources) = &statement.resources else { return Says::Else };
            let on_key = resources.matches(Some(arn), &|_| None);
            let has_variables = |pattern: &ResourcePattern| pattern.text().has_variables();
            let is_plain = statement.effect == Effect::Allow && statement.condition.is_none();
            match on_key {
                _ if resources.patterns.iter().any(has_variables) => return Says::Else,
                Match::No => continue,
                Match::Yes if is_plain => {}
                Match::Yes | Match::Unsure => return Says::Else,
            }
            for (place, action) in self.actions.iter().enumerate() {
                match statement.matches_action(action.name()) {
                    Match::Yes => allowed |= 1 << place,
                    Match::No => {}
                    Match::Unsure => return Says::Else,
                }
            }
        }
        Says::Allows(allowed)
    }
}

impl OnKey<'_> {
    /// What the key sees of a class.
    pub fn telling(&self, class: usize) -> Option<Telling> {
        let StandIn { kin, identity, names, .. } = self.stand_ins.ones.get(class)?;
        let mut telling = Telling {
            kin: *kin,
            allowed: 0,
            identity: vec![],
            names: names.iter().filter(|number| self.entries.contains(number)).copied().collect(),
        };
        for place in identity {
            match self.says.get(*place) {
                Some(Says::Allows(actions)) => telling.allowed |= actions,
                Some(Says::Else) | None => telling.identity.push(*place),
            }
        }
        Some(telling)
    }
}

/// A member of a class with what matters of it.
fn stand_in(kin: &Kin<'_>, member: &Principal) -> Principal {
    let named = |document: &Arc<Document>| Named { name: String::new(), document: document.clone(), source: None };
    Principal {
        arn: member.arn.clone(),
        kind: member.kind,
        account_id: member.account_id.clone(),
        caller: member.caller.clone(),
        identity: kin.identity.iter().map(named).collect(),
        boundary: kin.boundary.iter().map(named).collect(),
        context: kin.context.as_ref().clone(),
        assumptions: kin.assumptions.iter().copied().cloned().collect(),
        tags: None,
        handles: Default::default(),
    }
}
