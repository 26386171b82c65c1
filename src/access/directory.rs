//! The principals and keys of an organization, as decisions need them and no more.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use rayon::prelude::*;

use super::key::{self, Key};
use super::member::Members;
use super::organization::{Estate, Kind, Levels};
use super::principal::{self, Membership, Principal, PrincipalKind};
use crate::model::{self, Gap};
use crate::policy::{ConditionTest, Context, ContextValue, Digested, Document};

/// Everybody and every key of the accounts that were read.
#[derive(Debug)]
pub struct Directory {
    pub(super) partition: String,
    pub(super) estate: Estate,
    pub(super) accounts: BTreeMap<String, Account>,
    /// Every document, once.
    documents: BTreeSet<Digested>,
    /// Condition keys, in lower case, at which some document looks.
    pub(super) tested: Tested,
    /// Members of the organization whom decisions on keys that are open to all cannot tell apart.
    pub(super) members: Members,
    /// An account that no policy names: who lives there stands for everyone.
    pub(super) unnamed_account: String,
}

/// One account that was read.
#[derive(Debug)]
pub struct Account {
    /// 12 digits.
    pub id: String,
    /// Name in the organization.
    pub name: String,
    /// Path in the organization; empty where it is not known.
    pub ou_path: String,
    /// Its principals, sorted by ARN.
    pub principals: Vec<Principal>,
    /// Its keys, sorted by ARN.
    pub keys: Vec<Key>,
    /// Its groups, sorted by ARN.
    pub(super) memberships: Vec<Membership>,
    /// Whether its principals are known to be all.
    pub lists_all_principals: bool,
    /// What could not be read of it as a whole.
    pub gaps: Vec<Gap>,
    pub(super) service_control: Levels,
    pub(super) resource_control: Levels,
    /// What every request about a resource of the account holds.
    pub(super) of_resources: Context,
}

/// The condition keys at which documents look.
#[derive(Debug, Default)]
pub(super) struct Tested {
    /// Every key, in lower case.
    keys: BTreeSet<String>,
    /// Those that policy variables name.
    pub(super) variables: BTreeSet<String>,
    /// The tests of keys whose value tells principals apart one by one.
    pub(super) of_principals: BTreeSet<ConditionTest>,
}

impl Tested {
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// Whether some document looks at a condition key, `*` standing for any suffix.
    pub(super) fn looks_at(&self, key: &str) -> bool {
        let key = key.to_ascii_lowercase();
        match key.strip_suffix('*') {
            Some(prefix) => self.suffixes(prefix).next().is_some(),
            None => self.keys.contains(&key),
        }
    }

    pub(super) fn add(&mut self, document: &Document) {
        for statement in &document.statements {
            for test in statement.tests() {
                self.keys.insert(test.key.clone());
                if matches!(test.key.as_str(), "aws:principalarn" | "aws:username") {
                    self.of_principals.insert(test.clone());
                }
            }
            for variable in statement.texts().flat_map(crate::policy::Text::variables) {
                self.keys.insert(variable.key.clone());
                self.variables.insert(variable.key.clone());
            }
        }
    }

    /// What follows a prefix in the keys that begin with it.
    pub(super) fn suffixes<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.keys
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .map_while(move |key| key.strip_prefix(prefix))
    }
}

impl Directory {
    /// A directory without accounts.
    pub fn new(partition: &str, estate: Estate) -> Self {
        Self {
            partition: partition.to_owned(),
            estate,
            accounts: BTreeMap::new(),
            documents: BTreeSet::new(),
            tested: Tested::default(),
            members: Members::default(),
            unnamed_account: String::new(),
        }
    }

    /// A directory of accounts that `read` reads, in groups of so few that they alone stand in memory as a whole.
    ///
    /// # Errors
    /// The first error of `read`.
    pub fn read<T: Sync, E: Send>(
        partition: &str,
        estate: Estate,
        accounts: &[T],
        read: impl Fn(&T) -> Result<model::Account, E> + Sync,
    ) -> Result<Self, E> {
        let mut directory = Self::new(partition, estate.clone());
        let mut described: Vec<Option<Account>> = Vec::new();
        for group in accounts.chunks(rayon::current_num_threads() * 2) {
            // The accounts before are entered while these are read.
            let (read, ()) = rayon::join(
                || group.par_iter().map(|account| Ok(described_by(&estate, &read(account)?))).collect(),
                || described.drain(..).flatten().for_each(|account| directory.insert(account)),
            );
            let read: Result<Vec<Option<Account>>, E> = read;
            described = read?;
        }
        described.into_iter().flatten().for_each(|account| directory.insert(account));
        Ok(directory.finished())
    }

    /// Adds an account that was read. One that was not is, like any other account, outside.
    pub fn add(&mut self, account: &model::Account) {
        if let Some(account) = described_by(&self.estate, account) {
            self.insert(account);
        }
    }

    /// Adds an account that was described, and keeps each document once.
    fn insert(&mut self, mut added: Account) {
        // Most documents stand in many places of an account, which is told without comparing them.
        let mut known: BTreeMap<usize, (Arc<Document>, Arc<Document>)> = BTreeMap::new();
        let of_principals = added
            .principals
            .iter_mut()
            .flat_map(|it| it.identity.iter_mut().chain(&mut it.boundary).chain(&mut it.handles.trust_policy));
        let of_groups = added.memberships.iter_mut().flat_map(|it| &mut it.policies);
        let of_keys = added.keys.iter_mut().flat_map(|key| &mut key.policies);
        let levels = [&mut added.service_control, &mut added.resource_control];
        let of_levels = levels.into_iter().flatten().flatten().flatten();
        for named in of_principals.chain(of_groups).chain(of_keys).chain(of_levels) {
            let address = Arc::as_ptr(&named.document).addr();
            // The document stays alive with its copy, so that no other comes to lie at its address.
            let (_, interned) =
                known.entry(address).or_insert_with(|| (named.document.clone(), self.interned(&named.document)));
            named.document = interned.clone();
        }
        self.accounts.insert(added.id.clone(), added);
    }

    /// The one copy of a document.
    fn interned(&mut self, document: &Arc<Document>) -> Arc<Document> {
        let digested = Digested::new(document.clone());
        if let Some(known) = self.documents.get(&digested) {
            return known.document().clone();
        }
        self.documents.insert(digested);
        document.clone()
    }

    /// Every document, once.
    pub(super) fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.documents.iter().map(Digested::document)
    }

    /// Ends the building: works out which facts any document looks at, and forgets the others.
    #[must_use]
    pub fn finished(mut self) -> Self {
        for document in &self.documents {
            self.tested.add(document.document());
        }
        self.test_members();
        let tested = &self.tested;
        self.accounts.par_iter_mut().for_each(|(_, account)| {
            account.of_resources.retain(|key| tested.has(key));
            for principal in &mut account.principals {
                if let Some(tags) = &principal.tags {
                    tag(&mut principal.context, "aws:PrincipalTag/", tags, tested);
                }
                if tested.has("aws:userid") {
                    principal.assumptions.extend(principal.id_of_sessions());
                }
                settle(&mut principal.context, &mut principal.assumptions, tested);
            }
            for key in &mut account.keys {
                if let Some(tags) = &key.tags {
                    tag(&mut key.context, "aws:ResourceTag/", tags, tested);
                }
                settle(&mut key.context, &mut key.assumptions, tested);
            }
        });
        self.unnamed_account = self.unnamed();
        self.meet_outsiders();
        self
    }

    /// Notes at which keys the policies of the organization look that limit the members whom a key may let in unread.
    fn test_members(&mut self) {
        if !self.keys().any(Key::is_open_to_all) {
            return;
        }
        let estate = self.estate.clone();
        let mut met = BTreeSet::new();
        for id in estate.members().filter(|id| !self.is_whole(id)).collect::<Vec<_>>() {
            if estate.alike(id).is_some_and(|alike| met.insert(alike)) {
                let levels = estate.levels(id, Kind::Service);
                levels.iter().flatten().flatten().for_each(|named| self.tested.add(&named.document));
            }
        }
    }

    /// Gives every key those of whom it speaks and who are not among the principals that were read, each of them once.
    fn meet_outsiders(&mut self) {
        let directory = &*self;
        let settled = |principal: Principal| Arc::new(directory.settled(principal));
        // Whoever an open key lets in may be of any member; an organization has hundreds, and many keys are open to all of them.
        let is_open = directory.keys().any(Key::is_open_to_all);
        let members = if is_open { directory.unlisted_members() } else { vec![] };
        let members: Vec<Arc<Principal>> = members.into_par_iter().map(|id| settled(directory.any_of(id))).collect();
        let classes = Members::new(directory, &members);
        let found: Vec<Vec<Vec<Arc<Principal>>>> = directory
            .accounts
            .par_iter()
            .map(|(_, account)| {
                let of_key = |key| directory.outsiders(key).into_iter().map(settled).collect();
                account.keys.iter().map(of_key).collect()
            })
            .collect();
        self.members = classes;
        let mut met: BTreeMap<(String, PrincipalKind), Arc<Principal>> = BTreeMap::new();
        for (account, found) in self.accounts.values_mut().zip(found) {
            for (key, found) in account.keys.iter_mut().zip(found) {
                let once = found
                    .into_iter()
                    .map(|outsider| met.entry((outsider.arn.clone(), outsider.kind)).or_insert(outsider).clone());
                key.outsiders = once.collect();
                if key.is_open_to_all() {
                    key.outsiders.extend(members.iter().cloned());
                    key.outsiders.sort_by(|a, b| (&a.arn, a.kind).cmp(&(&b.arn, b.kind)));
                    key.outsiders.dedup_by(|a, b| (&a.arn, a.kind) == (&b.arn, b.kind));
                }
            }
        }
    }

    /// The same principal, without what no document looks at.
    fn settled(&self, mut principal: Principal) -> Principal {
        settle(&mut principal.context, &mut principal.assumptions, &self.tested);
        principal
    }

    /// An account that nothing names, the highest there is.
    fn unnamed(&self) -> String {
        let keys = self.accounts.values().flat_map(|account| &account.keys);
        let named: BTreeSet<&str> = keys.flat_map(Key::named_accounts).collect();
        let texts = self.documents().flat_map(|document| &document.statements).flat_map(|it| it.texts());
        let written: String = texts.map(crate::policy::Text::source).collect::<Vec<_>>().join("\n");
        let candidates = (0..=999_999_999_999_u64).rev().map(|number| format!("{number:012}"));
        let is_free = |id: &String| {
            !named.contains(id.as_str()) && !self.accounts.contains_key(id) && !written.contains(id.as_str())
        };
        candidates.into_iter().find(is_free).unwrap_or_default()
    }

    /// The accounts that were read.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// An account that was read.
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// Why the organization is not known, if it is not.
    pub fn organization_gap(&self) -> Option<&Gap> {
        self.estate.gap()
    }

    /// Every key, by account and ARN.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.accounts.values().flat_map(|account| &account.keys)
    }

    /// The key of an ARN, in the account of that ARN.
    pub fn key(&self, arn: &str) -> Option<&Key> {
        let account = self.accounts.get(arn.split(':').nth(4)?)?;
        let place = account.keys.binary_search_by(|key| key.arn.as_str().cmp(arn)).ok()?;
        account.keys.get(place)
    }

    /// Whoever the administrators of an account that was not read choose.
    pub fn any_of(&self, account_id: &str) -> Principal {
        self.estate.any_of(&self.partition, account_id).as_ref().clone()
    }

    /// A principal in requests that carry no sign of MFA, where some document looks at one.
    pub fn without_mfa<'a>(&self, principal: &'a Principal) -> Cow<'a, Principal> {
        let is_asked = ["aws:multifactorauthpresent", "aws:multifactorauthage"].iter().any(|key| self.tested.has(key));
        if is_asked { Cow::Owned(principal.without_mfa()) } else { Cow::Borrowed(principal) }
    }

    /// The condition keys of a family at which some document looks, by what follows their prefix, in lower case.
    pub fn tested_names(&self, prefix: &str) -> Vec<String> {
        let prefix = prefix.to_ascii_lowercase();
        self.tested.suffixes(&prefix).map(str::to_owned).collect()
    }

    /// Every principal that was read.
    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.accounts.values().flat_map(|account| &account.principals)
    }
}

/// An account as decisions see it; nothing for one that was not entered.
fn described_by(estate: &Estate, account: &model::Account) -> Option<Account> {
    if account.entered.is_err() {
        return None;
    }
    let iam = &account.iam;
    let lists = [iam.users.gap(), iam.roles.gap(), account.regions_gap.as_ref()];
    let mut gaps: Vec<Gap> = lists.into_iter().flatten().cloned().collect();
    gaps.extend(account.regions.values().filter_map(|kms| kms.keys.gap().cloned()));
    gaps.sort();
    gaps.dedup();
    let of_resources = estate.described(&account.id, "aws:Resource");
    Some(Account {
        id: account.id.clone(),
        name: account.name.clone(),
        ou_path: account.ou_path.clone().unwrap_or_default(),
        principals: principal::all(account, estate),
        lists_all_principals: iam.users.gap().is_none() && iam.roles.gap().is_none(),
        keys: key::all(account, &of_resources),
        of_resources,
        memberships: principal::memberships(account),
        gaps,
        service_control: estate.levels(&account.id, Kind::Service).into_owned(),
        resource_control: estate.levels(&account.id, Kind::Resource).into_owned(),
    })
}

/// Says of every tag at which a document looks what it is.
pub(super) fn tag(context: &mut Context, prefix: &str, tags: &model::Tags, tested: &Tested) {
    for name in tested.suffixes(&prefix.to_ascii_lowercase()) {
        let found = tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = found.map_or(ContextValue::Absent, |(_, value)| ContextValue::One(value.clone()));
        context.insert(&format!("{prefix}{name}"), value);
    }
}

/// Forgets what no document looks at.
fn settle(context: &mut Context, assumptions: &mut Vec<ConditionTest>, tested: &Tested) {
    context.retain(|key| tested.has(key));
    assumptions.retain(|test| tested.has(&test.key));
}
