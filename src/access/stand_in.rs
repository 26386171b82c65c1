//! Principals of one account that stand for all who are like them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::directory::Directory;
use super::document::Named;
use super::kin::{Kin, Spoken, all};
use super::principal::Principal;
use super::target::names;
use crate::policy::{Action, Document};

/// The principals of an account in classes: no decision on one of some actions and on a key of the account tells those of one class
/// apart. Where a deciding statement stands is told of the policies of keys and of the organization alone: of its identity policies
/// a stand-in holds what speaks of the actions.
#[derive(Debug)]
pub struct StandIns {
    ones: Vec<Principal>,
    class_of: BTreeMap<String, usize>,
}

impl Directory {
    /// Puts the principals of an account into classes.
    pub fn stand_ins(&self, account_id: &str, actions: &[Action]) -> StandIns {
        let mut stand_ins = StandIns { ones: vec![], class_of: BTreeMap::new() };
        let Some(account) = self.account(account_id) else { return stand_ins };
        let spoken = Spoken::new(self, actions);
        let named = names(self, account);
        for kin in all(account, &spoken) {
            let mut class_of_names: BTreeMap<&[usize], usize> = BTreeMap::new();
            for member in &kin.members {
                let names = named.get(&(member.arn.as_str(), member.kind)).map_or(&[][..], Vec::as_slice);
                let class = *class_of_names.entry(names).or_insert_with(|| {
                    stand_ins.ones.push(stand_in(&kin, member));
                    stand_ins.ones.len() - 1
                });
                stand_ins.class_of.insert(member.arn.clone(), class);
            }
        }
        stand_ins
    }
}

impl StandIns {
    /// The class of a principal of the account, and who stands for it.
    pub fn of(&self, arn: &str) -> Option<(usize, &Principal)> {
        let class = self.class_of(arn)?;
        Some((class, self.one(class)?))
    }

    /// The class of a principal of the account.
    pub fn class_of(&self, arn: &str) -> Option<usize> {
        self.class_of.get(arn).copied()
    }

    /// Who stands for a class.
    pub fn one(&self, class: usize) -> Option<&Principal> {
        self.ones.get(class)
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
