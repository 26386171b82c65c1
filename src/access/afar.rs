//! Principals as keys of accounts see them that name neither them nor their account: alike in every account, as long as nothing
//! looks at which account it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::directory::Account;
use super::ground::{Ground, Limits};
use super::kin::{Kin, Spoken, accounts_in, address};
use super::principal::{Principal, PrincipalKind};
use crate::policy::{ConditionTest, Context, Document, Match};

/// Every principal, seen from afar.
#[derive(Debug, Default)]
pub(super) struct Afar<'a> {
    pub(super) classes: Vec<Class<'a>>,
    /// By account: principals of other accounts with policies that speak of keys of this account in particular.
    speaking_of: BTreeMap<String, BTreeSet<Place<'a>>>,
}

/// An account and the place among its classes of principals.
pub(super) type Place<'a> = (&'a str, usize);

/// Principals of several accounts that no decision from afar can tell apart.
#[derive(Debug)]
pub(super) struct Class<'a> {
    /// Sorted by account.
    kin: Vec<Place<'a>>,
}

/// What decisions from afar can see of a principal.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Likeness<'k, 'a> {
    /// Where a document looks at it.
    account_id: Option<&'a str>,
    kind: PrincipalKind,
    is_service_linked: bool,
    is_of_management: bool,
    /// Of the policies that may speak of keys of any account.
    identity: Vec<usize>,
    boundary: Vec<usize>,
    /// Addresses, level by level.
    service_control: Option<Vec<Vec<usize>>>,
    context: &'k Context,
    assumptions: &'k [&'a ConditionTest],
    outcomes: &'k [Match],
    /// The ARN, where it cannot be shared.
    alone: Option<&'a str>,
}

/// The principals of one account, and what limits them.
pub(super) struct Members<'k, 'a> {
    pub(super) account: &'a Account,
    pub(super) is_management: bool,
    pub(super) kin: &'k [Kin<'a>],
    pub(super) limits: &'k Limits,
}

impl<'a> Afar<'a> {
    /// Every principal of some accounts by classes.
    pub(super) fn new<'k>(accounts: impl Iterator<Item = Members<'k, 'a>>, spoken: &Spoken) -> Self
    where
        'a: 'k,
    {
        let mut afar = Self::default();
        let mut numbers: BTreeMap<Likeness<'k, 'a>, usize> = BTreeMap::new();
        for Members { account, is_management, kin, limits } in accounts {
            let levels = limits.service_control.as_ref();
            let is_limited_by_account = levels.into_iter().flatten().flatten().any(|it| spoken.looks_at_account(it));
            let addresses = |list: &Vec<Arc<Document>>| -> Vec<usize> { list.iter().map(address).collect() };
            let service_control: Option<Vec<Vec<usize>>> = levels.map(|levels| levels.iter().map(addresses).collect());
            for (place, kin) in kin.iter().enumerate() {
                let wide = || kin.identity.iter().filter(|document| spoken.is_wide(document));
                let is_alone =
                    is_limited_by_account || wide().chain(&kin.boundary).any(|it| spoken.looks_at_account(it));
                let likeness = Likeness {
                    account_id: is_alone.then_some(&account.id),
                    kind: kin.one.kind,
                    is_service_linked: kin.one.caller.is_service_linked_role(),
                    is_of_management: is_management,
                    identity: wide().map(address).collect(),
                    boundary: addresses(&kin.boundary),
                    service_control: service_control.clone(),
                    context: &kin.context,
                    assumptions: &kin.assumptions,
                    outcomes: &kin.outcomes,
                    alone: kin.alone,
                };
                let next = afar.classes.len();
                let number = *numbers.entry(likeness).or_insert(next);
                let here = (account.id.as_str(), place);
                match afar.classes.get_mut(number) {
                    Some(class) => class.kin.push(here),
                    None => afar.classes.push(Class { kin: vec![here] }),
                }
                for other in kin.identity.iter().flat_map(|document| spoken.accounts_of(document)) {
                    afar.speaking_of.entry(other.clone()).or_default().insert(here);
                }
            }
        }
        afar
    }

    /// The principals with policies that speak of the keys of an account in particular: their classes are not theirs there.
    pub(super) fn speaking_of(&self, account: &Account) -> BTreeSet<Place<'a>> {
        let named: BTreeSet<&str> = account.keys.iter().flat_map(|key| accounts_in(&key.arn)).collect();
        named.into_iter().filter_map(|id| self.speaking_of.get(id)).flatten().copied().collect()
    }
}

impl<'a> Class<'a> {
    /// The classes of single accounts in it, of some accounts.
    pub(super) fn kin_in<'g, 's>(
        &'g self,
        ground: &'g Ground<'a>,
        accounts: &'s BTreeSet<&'a str>,
        aside: &'s BTreeSet<Place<'a>>,
    ) -> impl Iterator<Item = &'g Kin<'a>> + use<'a, 'g, 's> {
        let within = self.kin.iter().filter(|place| accounts.contains(place.0) && !aside.contains(place));
        within.filter_map(|place| ground.kin_at(*place))
    }
}

/// The members of a class in some accounts, sorted by ARN.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    /// The number of the class.
    pub(super) class: usize,
    pub(super) accounts: Arc<BTreeSet<&'a str>>,
    /// Those of the class who do not belong to it where this is asked.
    pub(super) aside: Arc<BTreeSet<Place<'a>>>,
}

impl<'a> Part<'a> {
    /// Sorted by ARN.
    pub(super) fn principals(&self, ground: &Ground<'a>) -> Vec<&'a Principal> {
        let class = ground.afar.classes.get(self.class).into_iter();
        let kin = class.flat_map(|class| class.kin_in(ground, &self.accounts, &self.aside));
        kin.flat_map(|kin| kin.members.iter().copied()).collect()
    }
}
