//! The tables of what there is: accounts, users, roles, access keys, KMS keys and grants, and who is privileged or a machine.
//!
//! **Invariants.** A row is written as its account is delivered, and dropped. A fact that could not be read is written as
//! `not known: ` and why; an empty cell says that there is nothing.

mod access_keys;
mod accounts;
mod kms_grants;
mod kms_keys;
mod privileged;
mod roles;
mod service_accounts;
mod sheet;
mod users;

use jiff::Timestamp;

use super::Error;
use super::bag::Bag;
use super::columns::File;
use super::pack::Audited;
use super::table::not_known;
use crate::audit::AuditedAccount;
use crate::model::{Gap, Listing};
use accounts::Counted;
use sheet::{Making, file_of};
pub(super) use users::last_used;

/// The files in the making.
pub(super) struct Facts {
    as_of: Timestamp,
    accounts: Vec<Counted>,
    users: Making<users::Users>,
    roles: Making<roles::Roles>,
    access_keys: Making<access_keys::AccessKeys>,
    privileged: Making<privileged::Privileged>,
    service_accounts: Making<service_accounts::ServiceAccounts>,
    kms_keys: Making<kms_keys::KmsKeys>,
    kms_grants: Making<kms_grants::KmsGrants>,
}

/// The files, each with what stands in it.
pub(super) fn files() -> [File; 8] {
    [
        accounts::file(),
        file_of::<users::Users>(),
        file_of::<roles::Roles>(),
        file_of::<access_keys::AccessKeys>(),
        file_of::<privileged::Privileged>(),
        file_of::<service_accounts::ServiceAccounts>(),
        file_of::<kms_keys::KmsKeys>(),
        file_of::<kms_grants::KmsGrants>(),
    ]
}

impl Facts {
    /// Begins the files. Ages are counted at `as_of`.
    pub(super) fn create(bag: &Bag, as_of: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            as_of,
            accounts: Vec::new(),
            users: Making::create(bag)?,
            roles: Making::create(bag)?,
            access_keys: Making::create(bag)?,
            privileged: Making::create(bag)?,
            service_accounts: Making::create(bag)?,
            kms_keys: Making::create(bag)?,
            kms_grants: Making::create(bag)?,
        })
    }

    /// Adds what there is in an account. One that was left out on purpose or is not ACTIVE has a row among the accounts only.
    pub(super) fn account(&mut self, audited: &AuditedAccount) -> Result<(), Error> {
        self.accounts.push(Counted::new(audited));
        if !audited.entry.outcome.is_in_scope() {
            return Ok(());
        }
        let (account, iam) = (&audited.facts, &audited.facts.iam);
        for user in iam.users.known() {
            self.users.row(account, &users::Row { account, user })?;
        }
        self.users.rest(account, "", &iam.users)?;
        for role in iam.roles.known() {
            self.roles.row(account, &roles::Row { account, role })?;
        }
        self.roles.rest(account, "", &iam.roles)?;
        access_keys::write(&mut self.access_keys, account, self.as_of)?;
        privileged::write(&mut self.privileged, audited)?;
        service_accounts::write(&mut self.service_accounts, account)?;
        for (region, kms) in &account.regions {
            for key in kms.keys.known() {
                self.kms_keys.row(account, &kms_keys::Row { account, kms, key })?;
                for grant in key.grants.known() {
                    self.kms_grants.row(account, &kms_grants::Row { account, key, grant })?;
                }
                if let Some(gap) = key.grants.gap() {
                    self.kms_grants.unknown(account, &[("region", region), ("key_arn", &key.arn)], &not_known(gap))?;
                }
            }
            self.kms_keys.rest(account, region, &kms.keys)?;
            self.kms_grants.rest(account, region, &kms.keys)?;
        }
        if let Some(gap) = &account.regions_gap {
            self.kms_keys.unknown(account, &[], &not_known(gap))?;
            self.kms_grants.unknown(account, &[], &not_known(gap))?;
        }
        Ok(())
    }

    /// Ends the files.
    pub(super) fn finish(self, bag: &Bag, audited: &Audited<'_>) -> Result<(), Error> {
        accounts::write(bag, audited, &self.accounts)?;
        self.users.finish(bag)?;
        self.roles.finish(bag)?;
        self.access_keys.finish(bag)?;
        self.privileged.finish(bag)?;
        self.service_accounts.finish(bag)?;
        self.kms_keys.finish(bag)?;
        self.kms_grants.finish(bag)
    }
}

/// A number of things, as a cell has it: with what keeps it from being known if the list is not whole.
fn number<T>(listing: &Listing<T>) -> String {
    at_least(listing.known().len(), listing.gap())
}

/// A number that is at least so high if there is a gap.
fn at_least(known: usize, gap: Option<&Gap>) -> String {
    match gap {
        None => known.to_string(),
        Some(gap) if known == 0 => not_known(gap),
        Some(gap) => format!("at least {known}; {}", not_known(gap)),
    }
}
