//! Every principal of a directory by classes, and what limits each account: what decisions on the keys of all accounts share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::afar::{Afar, Members, Place};
use super::directory::{Account, Directory};
use super::kin::{Kin, Spoken, all};
use super::principal::{Principal, PrincipalKind};
use crate::policy::{Action, Document};

/// Every principal of a directory by classes, and what limits each account.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) directory: &'a Directory,
    pub(super) actions: &'a [Action],
    pub(super) spoken: Spoken,
    kin: BTreeMap<&'a str, Vec<Kin<'a>>>,
    limits: BTreeMap<&'a str, Limits>,
    roots: BTreeMap<&'a str, &'a Principal>,
    /// The same principals as keys see them whose account has nothing to do with theirs.
    pub(super) afar: Afar<'a>,
}

/// The organization's policies over an account, as far as they speak.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) service_control: Option<Vec<Vec<Arc<Document>>>>,
    pub(super) resource_control: Option<Vec<Vec<Arc<Document>>>>,
}

/// Documents, level by level.
pub(super) type Lent<'g> = Vec<Vec<&'g Document>>;

pub(super) fn lent(list: &[Arc<Document>]) -> Vec<&Document> {
    list.iter().map(AsRef::as_ref).collect()
}

impl<'a> Ground<'a> {
    pub(super) fn new(directory: &'a Directory, actions: &'a [Action]) -> Self {
        let spoken = Spoken::new(directory, actions);
        let accounts: Vec<&Account> = directory.accounts.values().collect();
        let is_root = |principal: &&Principal| principal.kind == PrincipalKind::Root;
        let root = |account: &&'a Account| Some((account.id.as_str(), account.principals.iter().find(is_root)?));
        let roots = accounts.iter().filter_map(root).collect();
        let limits = |account: &Account| Limits {
            service_control: spoken.of_levels(&account.service_control),
            resource_control: spoken.of_levels(&account.resource_control),
        };
        let limits: BTreeMap<&str, Limits> =
            accounts.iter().map(|account| (account.id.as_str(), limits(account))).collect();
        let kin: BTreeMap<&str, Vec<Kin<'_>>> =
            accounts.par_iter().map(|account| (account.id.as_str(), all(account, &spoken))).collect();
        let members = |account: &&'a Account| {
            let is_management = directory.estate.is_management(&account.id);
            let (kin, limits) = (kin.get(account.id.as_str())?, limits.get(account.id.as_str())?);
            Some(Members { account, is_management, kin, limits })
        };
        let afar = Afar::new(accounts.iter().filter_map(members), &spoken);
        Self { directory, actions, spoken, kin, limits, roots, afar }
    }

    /// The classes of an account's principals.
    pub(super) fn kin_of(&self, account_id: &str) -> &[Kin<'a>] {
        self.kin.get(account_id).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn kin_at(&self, (account_id, place): Place<'a>) -> Option<&Kin<'a>> {
        self.kin_of(account_id).get(place)
    }

    pub(super) fn root_of(&self, account_id: &str) -> Option<&'a Principal> {
        self.roots.get(account_id).copied()
    }

    pub(super) fn limits_of(&self, account_id: &str) -> Option<&Limits> {
        self.limits.get(account_id)
    }

    pub(super) fn service_control(&self, account_id: &str) -> Option<Lent<'_>> {
        let levels = self.limits.get(account_id)?.service_control.as_ref()?;
        Some(levels.iter().map(|level| lent(level)).collect())
    }

    pub(super) fn resource_control(&self, account_id: &str) -> Option<Lent<'_>> {
        let levels = self.limits.get(account_id)?.resource_control.as_ref()?;
        Some(levels.iter().map(|level| lent(level)).collect())
    }

    /// The documents that have a say in what the principals of some accounts may do.
    pub(super) fn documents_of(&self, accounts: &BTreeSet<&str>) -> Vec<&Arc<Document>> {
        let mut documents = Vec::new();
        for id in accounts {
            for kin in self.kin.get(*id).into_iter().flatten() {
                documents.extend(kin.identity.iter().chain(&kin.boundary));
            }
            let limits = self.limits.get(*id).and_then(|limits| limits.service_control.as_ref());
            documents.extend(limits.into_iter().flatten().flatten());
        }
        documents
    }
}
