//! Whom a key has to do with, and what they may do on it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::cell::{Cell, Decider};
use super::directory::{Account, Directory};
use super::key::Key;
use super::principal::{self, Principal, PrincipalKind};
use crate::policy::{self, Access, Action, Effect, PolicyRef, Unanswered};

/// One principal, one key, one action, and what is decided.
#[derive(Debug, Clone)]
pub struct Decided<'a> {
    /// Who.
    pub principal: Cow<'a, Principal>,
    /// On which key.
    pub key: &'a Key,
    /// What.
    pub action: &'a Action,
    /// The decision.
    pub cell: Cell,
}

impl Directory {
    /// Everybody who may have something on the key: the principals of its account, those elsewhere whom its policies or grants
    /// reach, and whom they name without that an account was read. Sorted by ARN.
    pub fn candidates<'a>(&'a self, key: &'a Key) -> Vec<Cow<'a, Principal>> {
        self.near(key).into_iter().map(Cow::Borrowed).collect()
    }

    /// [`Self::candidates`], as they lie in the directory.
    pub(super) fn near<'a>(&'a self, key: &'a Key) -> Vec<&'a Principal> {
        let is_open = key.is_open_to_all();
        let named = key.named();
        let mut found: Vec<&Principal> = key.outsiders.iter().map(AsRef::as_ref).collect();
        let accounts: Vec<&Account> = match is_open {
            true => self.accounts.values().collect(),
            false => self.accounts_near(key).into_iter().filter_map(|id| self.accounts.get(id)).collect(),
        };
        for account in accounts {
            let is_own = account.id == key.account_id;
            let is_named =
                |principal: &&Principal| named.iter().any(|entry| principal.caller.named_by(entry).is_some());
            found.extend(account.principals.iter().filter(|principal| is_own || is_open || is_named(principal)));
        }
        found.sort_by(|a, b| (&a.arn, a.kind).cmp(&(&b.arn, b.kind)));
        found
    }

    /// The members of the organization of which not all principals were read.
    pub(super) fn unlisted_members(&self) -> Vec<&str> {
        self.estate.members().filter(|id| !self.is_whole(id)).collect()
    }

    pub(super) fn is_whole(&self, account_id: &str) -> bool {
        self.accounts.get(account_id).is_some_and(|account| account.lists_all_principals)
    }

    /// Who must be asked on a key beside the principals that were read, and beside the unlisted members where it is open to all.
    pub(super) fn outsiders(&self, key: &Key) -> Vec<Principal> {
        let mut found: Vec<Principal> = key.named().into_iter().filter_map(|entry| self.outsider(entry)).collect();
        let mut unlisted: BTreeSet<&str> = BTreeSet::from([key.account_id.as_str()]);
        if key.is_open_to_all() {
            unlisted.extend(key.conditional_accounts());
        } else {
            unlisted.extend(self.accounts_near(key).into_iter().filter(|id| self.accounts.contains_key(*id)));
        }
        let unlisted = unlisted.into_iter().filter(|id| !self.is_whole(id));
        found.extend(unlisted.map(|id| principal::account(&self.partition, id, &self.estate)));
        if key.is_open_to_all() || key.grants_gap.is_some() {
            found.push(principal::everyone(&self.partition, &self.unnamed_account, &self.estate));
        }
        found.sort_by(|a, b| (&a.arn, a.kind).cmp(&(&b.arn, b.kind)));
        found.dedup_by(|a, b| (&a.arn, a.kind) == (&b.arn, b.kind));
        found
    }

    /// The account of the key, and those that it names.
    pub(super) fn accounts_near<'a>(&self, key: &'a Key) -> BTreeSet<&'a str> {
        key.named_accounts().into_iter().chain([key.account_id.as_str()]).collect()
    }

    /// A principal that a policy names and that is none of those that were read.
    pub(super) fn outsider(&self, entry: &policy::Principal) -> Option<Principal> {
        use policy::Principal as Entry;
        let account_id = entry.account();
        let read = account_id.and_then(|account| self.accounts.get(account));
        let unread = |id: &str| principal::named(entry, principal::whatever(id), &self.estate);
        match (entry, read) {
            (Entry::Service(name), _) => Some(principal::service(name)),
            (Entry::Account { account, .. }, None) => Some(principal::account(&self.partition, account, &self.estate)),
            (_, None) => unread(account_id?),
            (Entry::Session(session), Some(account)) => {
                let name = session.name.split('/').next().unwrap_or_default();
                let suffix = format!("/{name}");
                let is_role = |it: &&Principal| it.kind == PrincipalKind::Role && it.arn.ends_with(&suffix);
                match account.principals.iter().find(is_role) {
                    Some(role) => Some(principal::session(role, &session.arn)),
                    // A role of AWS's own, which no account lists and which holds no policies.
                    None if name.contains(':') => principal::named(entry, vec![], &self.estate),
                    None if account.lists_all_principals => None,
                    None => unread(&account.id),
                }
            }
            (Entry::FederatedUser(_), Some(account)) => unread(&account.id),
            (Entry::User(arn) | Entry::Role(arn), Some(account)) => {
                let is_there = account.principals.binary_search_by(|it| it.arn.cmp(&arn.arn)).is_ok();
                // Who is not in a whole list does not exist any more.
                if is_there || account.lists_all_principals { None } else { unread(&account.id) }
            }
            _ => None,
        }
    }

    /// Who can do an action on a key, denials included, sorted by principal.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn who_can<'a>(&'a self, action: &'a Action, key: &'a Key) -> Result<Vec<Decided<'a>>, Unanswered> {
        self.candidates(key).into_par_iter().map(|principal| self.decided(principal, key, action)).collect()
    }

    /// What a principal can do on every key, denials left out, sorted by key.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn can<'a>(&'a self, principal: &'a Principal, actions: &'a [Action]) -> Result<Vec<Decided<'a>>, Unanswered> {
        let mut keys: Vec<&Key> = self.keys().filter(|key| self.reaches(key, principal)).collect();
        keys.sort_by(|a, b| a.arn.cmp(&b.arn));
        let decided: Result<Vec<Vec<Decided<'_>>>, Unanswered> = keys
            .into_par_iter()
            .map(|key| actions.iter().map(|action| self.decided(Cow::Borrowed(principal), key, action)).collect())
            .collect();
        Ok(decided?.into_iter().flatten().filter(|it| it.cell.access != Access::Denied).collect())
    }

    /// Whether a key may have to do with a principal.
    pub(super) fn reaches(&self, key: &Key, principal: &Principal) -> bool {
        key.account_id == principal.account_id
            || key.is_open_to_all()
            || key.named().into_iter().any(|entry| principal.caller.named_by(entry).is_some())
    }

    /// One decision.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn decided<'a>(
        &'a self,
        principal: Cow<'a, Principal>,
        key: &'a Key,
        action: &'a Action,
    ) -> Result<Decided<'a>, Unanswered> {
        let cell = self.cell(&principal, key, action)?;
        Ok(Decided { principal, key, action, cell })
    }

    /// The Allow statements and grants without any one of which the access would be denied: what to take away to end it.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn needed(&self, decided: &Decided<'_>) -> Result<Vec<Decider>, Unanswered> {
        let mut needed = Vec::new();
        let allowing = decided.cell.statements.iter().filter(|decider| decider.effect == Effect::Allow);
        for decider in allowing {
            let (mut principal, mut key) = (decided.principal.as_ref().clone(), decided.key.clone());
            let of_document = match decider.policy {
                PolicyRef::Identity(index) => principal.identity.get_mut(index),
                PolicyRef::Key(index) => key.policies.get_mut(index),
                PolicyRef::Grant(index) if index < key.grants.len() => {
                    key.grants.remove(index);
                    None
                }
                // Boundaries and organization policies allow for many at once: they are no handle on one access.
                _ => continue,
            };
            if let Some(named) = of_document {
                let mut document = named.document.as_ref().clone();
                document.statements.retain(|statement| statement.index != decider.index);
                named.document = Arc::new(document);
            }
            if self.cell(&principal, &key, decided.action)?.access == Access::Denied {
                needed.push(*decider);
            }
        }
        Ok(needed)
    }
}
