//! What one snapshot holds, and how far its lists can be trusted to be whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::AuditedAccount;
use crate::model::{Gap, Listing};
use crate::snapshot::{self, AccountOutcome, Snapshot, manifest};

/// What identifies a resource beyond its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instance {
    /// CloudFormation's name of the type.
    pub(super) resource_type: &'static str,
    /// AWS's unique id, which a resource that is made again does not get back.
    pub(super) id: String,
}

/// What was read by one list call.
#[derive(Debug, Clone, Default)]
pub(super) struct List {
    /// By ARN.
    pub(super) items: BTreeMap<String, Instance>,
    /// Why the list is not known to be whole, if it is not.
    pub(super) gap: Option<String>,
}

impl List {
    fn add<T>(&mut self, listing: &Listing<T>, item: impl Fn(&T) -> (&str, &str), resource_type: &'static str) {
        for it in listing.known() {
            let (arn, id) = item(it);
            self.items.insert(arn.to_owned(), Instance { resource_type, id: id.to_owned() });
        }
        if self.gap.is_none() {
            self.gap = listing.gap().map(Gap::reason);
        }
    }
}

/// The keys of one Region.
#[derive(Debug, Clone, Default)]
pub(super) struct Region {
    /// The keys.
    pub(super) keys: List,
    /// Keys whose grants are not known to be all, with the reason.
    pub(super) grant_gaps: BTreeMap<String, String>,
}

/// One account.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    /// Name.
    pub(super) name: String,
    /// Place in the organization; empty when not known.
    pub(super) ou_path: String,
    /// Why its findings cannot be compared, if they cannot: it was not entered, or left out.
    pub(super) closed: Option<String>,
    /// Users, groups and roles.
    pub(super) principals: List,
    /// Customer managed policies.
    pub(super) policies: List,
    /// Keys by Region.
    pub(super) regions: BTreeMap<String, Region>,
    /// Why the Regions are not known to be all, if they are not.
    pub(super) regions_gap: Option<String>,
}

/// Everything of one snapshot.
#[derive(Debug)]
pub(super) struct Inventory {
    /// Accounts by id.
    pub(super) accounts: BTreeMap<String, Account>,
    /// Members of the organization by id, or why they are not known to be all.
    members: Result<BTreeSet<String>, String>,
}

/// Whether a resource was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presence {
    /// It was.
    There,
    /// It provably was not.
    Absent,
    /// That cannot be told, for this reason.
    NotKnown(String),
}

impl Inventory {
    /// An inventory without accounts.
    pub(super) fn of(snapshot: &Snapshot) -> Result<Self, snapshot::Error> {
        let members = match snapshot.organization()? {
            Ok(Some(organization)) => match &organization.accounts_gap {
                None => Ok(organization.accounts.into_keys().collect()),
                Some(gap) => Err(gap.reason()),
            },
            Ok(None) => Err("the snapshot is of an account outside any organization".to_owned()),
            Err(gap) => Err(gap.reason()),
        };
        Ok(Self { accounts: BTreeMap::new(), members })
    }

    /// Forgets who belongs to the organization, because the other snapshot is of another one.
    pub(super) fn forget_members(&mut self) {
        self.members = Err("the snapshots are of different organizations".to_owned());
    }

    /// Whether an account was in the organization.
    pub(super) fn membership(&self, account_id: &str) -> Presence {
        match &self.members {
            Ok(members) if members.contains(account_id) => Presence::There,
            Ok(_) => Presence::Absent,
            Err(reason) => Presence::NotKnown(reason.clone()),
        }
    }

    /// Adds an account.
    pub(super) fn add(&mut self, audited: &AuditedAccount) {
        let facts = &audited.facts;
        let mut principals = List::default();
        principals.add(&facts.iam.users, |it| (&it.arn, &it.id), "AWS::IAM::User");
        principals.add(&facts.iam.groups, |it| (&it.arn, &it.id), "AWS::IAM::Group");
        principals.add(&facts.iam.roles, |it| (&it.arn, &it.id), "AWS::IAM::Role");
        let mut policies = List::default();
        policies.add(&facts.iam.policies, |it| (&it.arn, &it.id), "AWS::IAM::ManagedPolicy");
        let mut regions = BTreeMap::new();
        for (name, kms) in &facts.regions {
            let mut region = Region::default();
            region.keys.add(&kms.keys, |it| (&it.arn, &it.id), "AWS::KMS::Key");
            for key in kms.keys.known() {
                if let Some(gap) = key.grants.gap() {
                    region.grant_gaps.insert(key.arn.clone(), gap.reason());
                }
            }
            regions.insert(name.clone(), region);
        }
        let account = Account {
            name: facts.name.clone(),
            ou_path: facts.ou_path.clone().unwrap_or_default(),
            closed: closed(&audited.entry, facts.entered.as_ref().err()),
            principals,
            policies,
            regions,
            regions_gap: facts.regions_gap.as_ref().map(Gap::reason),
        };
        self.accounts.insert(facts.id.clone(), account);
    }

    /// Whether this snapshot could have shown a finding on a resource, and the resource was there.
    pub(super) fn presence(&self, account_id: &str, region: &str, resource_type: &str, arn: &str) -> Presence {
        let Some(account) = self.accounts.get(account_id) else {
            return Presence::NotKnown("the account is not in the snapshot".to_owned());
        };
        if let Some(reason) = &account.closed {
            return Presence::NotKnown(reason.clone());
        }
        match resource_type {
            "AWS::IAM::User" | "AWS::IAM::Group" | "AWS::IAM::Role" => account.principals.presence(arn),
            "AWS::IAM::ManagedPolicy" => account.policies.presence(arn),
            "AWS::KMS::Key" => account.region(region, |it| it.keys.presence(arn)),
            "AWS::KMS::Grant" => account.region(region, |it| match (it.keys.presence(arn), it.grant_gaps.get(arn)) {
                (Presence::There, Some(gap)) => Presence::NotKnown(gap.clone()),
                // Every grant of a whole list has a finding: one without is not there.
                (Presence::There, None) => Presence::Absent,
                (other, _) => other,
            }),
            _ => Presence::There,
        }
    }

    /// The unique id behind an ARN.
    pub(super) fn instance(&self, account_id: &str, arn: &str) -> Option<&Instance> {
        let account = self.accounts.get(account_id)?;
        account.principals.items.get(arn).or_else(|| account.policies.items.get(arn))
    }
}

impl List {
    fn presence(&self, arn: &str) -> Presence {
        match &self.gap {
            _ if self.items.contains_key(arn) => Presence::There,
            Some(gap) => Presence::NotKnown(gap.clone()),
            None => Presence::Absent,
        }
    }
}

impl Account {
    fn region(&self, name: &str, presence: impl FnOnce(&Region) -> Presence) -> Presence {
        match (self.regions.get(name), &self.regions_gap) {
            (Some(region), _) => presence(region),
            (None, Some(gap)) => Presence::NotKnown(gap.clone()),
            (None, None) => Presence::NotKnown(format!("the Region {name} is out of scope")),
        }
    }
}

fn closed(entry: &manifest::Account, gap: Option<&Gap>) -> Option<String> {
    let given = entry.reason.as_deref().filter(|reason| !reason.is_empty());
    let reason = |words: &str| Some(given.map_or_else(|| words.to_owned(), |given| format!("{words} ({given})")));
    match entry.outcome {
        AccountOutcome::AssumedRole | AccountOutcome::Caller | AccountOutcome::Imported => gap.map(Gap::reason),
        // The gap says in short what the recorded reason says at length.
        AccountOutcome::NotEntered => {
            let why = gap.filter(|gap| gap.code.is_some()).map(|gap| format!(": {}", gap.reason())).unwrap_or_default();
            Some(format!("the account could not be entered{why}"))
        }
        AccountOutcome::Excluded => reason("the account was left out on purpose"),
        AccountOutcome::Inactive => reason("the account is not ACTIVE"),
    }
}
