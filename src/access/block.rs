//! The decisions on the keys of one account, by classes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::alike::alike;
use super::cell::{Asked, Cell, Decider, Subject, unread_grant};
use super::column::{Column, patterns};
use super::directory::{Account, Directory};
use super::key::Key;
use super::kin::{Kin, May, Spoken, address, all, looks_at_account, may};
use super::principal::{Principal, PrincipalKind};
use rayon::prelude::*;

use crate::policy::{
    self, Access, Action, Context, Document, Effect, Found, Grant, KmsResources, PolicyRef, Unanswered,
};

/// Every principal of a directory by classes, and what limits each account.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) directory: &'a Directory,
    pub(super) actions: &'a [Action],
    pub(super) spoken: Spoken,
    kin: BTreeMap<&'a str, Vec<Kin<'a>>>,
    limits: BTreeMap<&'a str, Limits>,
}

/// The organization's policies over an account, as far as they speak.
#[derive(Debug)]
struct Limits {
    service_control: Option<Vec<Vec<Arc<Document>>>>,
    resource_control: Option<Vec<Vec<Arc<Document>>>>,
}

/// The decisions on the keys of one account.
#[derive(Debug)]
pub(super) struct Block<'a> {
    rows: Vec<Row<'a>>,
    /// The class of each key, by ARN.
    column_of: BTreeMap<&'a str, usize>,
    columns: Vec<Cells>,
    /// For each action the position of the one that is decided as it is.
    alike: Vec<usize>,
    /// How many decisions were made.
    pub(super) decisions: u64,
    /// How many pairs of principal and key the classes stand for.
    pub(super) pairs: u64,
}

/// The members of a class of principals with what they have, by position of the action.
type Held<'b, 'a> = (&'b [&'a Principal], Vec<(usize, &'b Cell)>);

/// What is not denied on a class of keys, by row and position of the action.
type Cells = BTreeMap<(usize, usize), Cell>;

/// Principals that no decision on the keys of an account can tell apart.
#[derive(Debug)]
struct Row<'a> {
    /// Sorted by ARN.
    members: Vec<&'a Principal>,
    /// From an account that no key names: each action is decided by itself.
    is_afar: bool,
}

/// Principals of one account that no decision can tell apart, while decisions are made.
#[derive(Debug)]
struct Asking<'g, 'a> {
    kin: &'g Kin<'a>,
    /// Which entries of the account's key policies and grants name them.
    names: Vec<usize>,
    /// The first of them.
    one: &'a Principal,
    members: Vec<&'a Principal>,
    identity: Vec<&'g Document>,
    boundary: Vec<&'g Document>,
}

/// The principals of one account while decisions are made, and what limits them.
#[derive(Debug)]
struct Group<'g, 'a> {
    asking: Vec<Asking<'g, 'a>>,
    service_control: Option<Lent<'g>>,
}

type Lent<'g> = Vec<Vec<&'g Document>>;

fn lent(list: &[Arc<Document>]) -> Vec<&Document> {
    list.iter().map(AsRef::as_ref).collect()
}

impl<'a> Ground<'a> {
    pub(super) fn new(directory: &'a Directory, actions: &'a [Action]) -> Self {
        let spoken = Spoken::new(directory, actions);
        let accounts: Vec<&Account> = directory.accounts.values().collect();
        let limits = |account: &Account| Limits {
            service_control: spoken.of_levels(&account.service_control),
            resource_control: spoken.of_levels(&account.resource_control),
        };
        let limits = accounts.iter().map(|account| (account.id.as_str(), limits(account))).collect();
        let kin = accounts.par_iter().map(|account| (account.id.as_str(), all(account, &spoken))).collect();
        Self { directory, actions, spoken, kin, limits }
    }

    fn service_control(&self, account_id: &str) -> Option<Lent<'_>> {
        let levels = self.limits.get(account_id)?.service_control.as_ref()?;
        Some(levels.iter().map(|level| lent(level)).collect())
    }

    fn resource_control(&self, account_id: &str) -> Option<Lent<'_>> {
        let levels = self.limits.get(account_id)?.resource_control.as_ref()?;
        Some(levels.iter().map(|level| lent(level)).collect())
    }

    /// The documents that have a say in what the principals of some accounts may do.
    fn documents_of(&self, accounts: &BTreeSet<&str>) -> Vec<&Arc<Document>> {
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

impl<'a> Block<'a> {
    /// Decides for the keys of an account.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub(super) fn new(ground: &Ground<'a>, account: &'a Account) -> Result<Self, Unanswered> {
        let near: BTreeSet<&'a str> = account.keys.iter().flat_map(|key| ground.directory.accounts_near(key)).collect();
        let of_keys: Vec<Arc<Document>> =
            account.keys.iter().flat_map(|key| ground.spoken.of_limits(&key.policies)).collect();
        let resource_control = ground.limits.get(account.id.as_str()).and_then(|it| it.resource_control.as_ref());
        let mut in_play = ground.documents_of(&near);
        in_play.extend(resource_control.into_iter().flatten().flatten().chain(&of_keys));
        in_play.sort_by_key(|document| address(document));
        in_play.dedup_by_key(|document| address(document));
        let documents: Vec<&Document> = in_play.iter().map(|document| document.as_ref()).collect();
        let patterns = patterns(&documents);
        let alike = alike(ground.actions, &documents, &account.keys, &ground.spoken.tested);
        let decided: BTreeSet<usize> = alike.iter().copied().collect();
        let mut building = Building {
            ground,
            account,
            names: names(ground, account),
            near: near.clone(),
            positions: [decided.into_iter().collect(), (0..ground.actions.len()).collect()],
            groups: BTreeMap::new(),
            numbers: BTreeMap::new(),
            statements: BTreeSet::new(),
            block: Self { rows: vec![], column_of: BTreeMap::new(), columns: vec![], alike, decisions: 0, pairs: 0 },
        };
        let mut numbers: BTreeMap<Column<'_>, usize> = BTreeMap::new();
        for key in &account.keys {
            let target = Target::new(key, ground);
            let column = Column::new(key, &ground.spoken, &patterns, target.is_open);
            building.block.pairs += building.candidates(&target);
            let next = numbers.len();
            let number = *numbers.entry(column.clone()).or_insert(next);
            building.block.column_of.insert(&key.arn, number);
            if number == next {
                let cells = building.cells(&target, &column)?;
                building.block.columns.push(cells);
            }
        }
        Ok(building.block)
    }

    /// What is not denied on a key: principals with the positions of actions and the cells.
    pub(super) fn on(&self, key: &Key) -> impl Iterator<Item = (&'a Principal, Vec<(usize, &Cell)>)> {
        let rows = self.rows_on(key).into_iter();
        rows.flat_map(|(members, cells)| members.iter().map(move |member| (*member, cells.clone())))
    }

    /// The same by classes of principals, sorted by the first of each.
    fn rows_on<'b>(&'b self, key: &Key) -> Vec<Held<'b, 'a>> {
        let cells = self.column_of.get(key.arn.as_str()).and_then(|number| self.columns.get(*number));
        let mut by_row: BTreeMap<usize, Vec<(usize, &Cell)>> = BTreeMap::new();
        for ((row, position), cell) in cells.into_iter().flatten() {
            by_row.entry(*row).or_default().push((*position, cell));
        }
        let mut rows = Vec::new();
        for (row, cells) in by_row {
            if let Some(row) = self.rows.get(row) {
                rows.push((row.members.as_slice(), self.of_actions(row, &cells)));
            }
        }
        rows.sort_by(|(a, _), (b, _)| name(a).cmp(&name(b)));
        rows
    }

    /// Every class of keys: its keys, and for each class of principals that has something on them the principals with their
    /// cells, by position of the action. Sorted by the first key.
    pub(super) fn classes_of<'b>(&'b self, keys: &[&'a Key]) -> Vec<(Vec<&'a Key>, Vec<Held<'b, 'a>>)> {
        let mut by_class: BTreeMap<usize, Vec<&'a Key>> = BTreeMap::new();
        for key in keys {
            if let Some(column) = self.column_of.get(key.arn.as_str()) {
                by_class.entry(*column).or_default().push(key);
            }
        }
        let mut classes: Vec<_> = by_class.into_values().filter_map(|keys| Some((*keys.first()?, keys))).collect();
        classes.sort_by(|(a, _), (b, _)| a.arn.cmp(&b.arn));
        classes.into_iter().map(|(key, keys)| (keys, self.rows_on(key))).collect()
    }

    /// The cell of each action that has one.
    fn of_actions<'b>(&self, row: &Row<'_>, cells: &[(usize, &'b Cell)]) -> Vec<(usize, &'b Cell)> {
        let numbered = self.alike.iter().enumerate();
        let of = |(action, alike): (usize, &usize)| {
            let position = if row.is_afar { action } else { *alike };
            cells.iter().find(|(place, _)| *place == position).map(|(_, cell)| (action, *cell))
        };
        numbered.filter_map(of).collect()
    }

    /// The numbers of classes of principals and of keys, and of cells that are not denied.
    pub(super) fn classes(&self) -> (usize, usize, usize) {
        (self.rows.len(), self.columns.len(), self.columns.iter().map(BTreeMap::len).sum())
    }
}

/// By what a class of principals is sorted.
fn name<'p>(members: &[&'p Principal]) -> Option<(&'p str, PrincipalKind)> {
    members.first().map(|first| (first.arn.as_str(), first.kind))
}

/// Which entries of the key policies and grants of an account name which principals in particular.
fn names<'a>(ground: &Ground<'a>, account: &'a Account) -> BTreeMap<(&'a str, PrincipalKind), Vec<usize>> {
    use policy::Principal as Entry;
    let mut names: BTreeMap<(&str, PrincipalKind), Vec<usize>> = BTreeMap::new();
    for (number, entry) in entries(account).into_iter().enumerate() {
        let named: Vec<&'a Principal> = match entry {
            Entry::User(arn) | Entry::Role(arn) => {
                let of_account = ground.directory.accounts.get(&arn.account);
                let principals = of_account.map_or(&[][..], |account| &account.principals);
                let first = principals.partition_point(|it| it.arn < arn.arn);
                principals.iter().skip(first).take_while(|it| it.arn == arn.arn).collect()
            }
            // Ids are not sorted by anything, and few policies have them: those of principals that are gone.
            Entry::UniqueId(_) => ground.directory.principals().collect(),
            _ => continue,
        };
        for principal in named.into_iter().filter(|principal| principal.caller.named_by(entry).is_some()) {
            names.entry((&principal.arn, principal.kind)).or_default().push(number);
        }
    }
    names
}

/// Every entry of the principal elements and grants on the keys of an account.
fn entries(account: &Account) -> Vec<&policy::Principal> {
    let documents: BTreeMap<usize, &Document> = account
        .keys
        .iter()
        .flat_map(|key| &key.policies)
        .map(|named| (address(&named.document), named.document.as_ref()))
        .collect();
    let statements = documents.into_values().flat_map(|document| &document.statements);
    let elements = statements.filter_map(|statement| statement.principal.as_ref());
    let grants = account.keys.iter().flat_map(|key| &key.grants);
    let of_grants = grants.flat_map(|grant| grant.grantee.iter().chain(&grant.retiring));
    let all: BTreeSet<&policy::Principal> = elements.flat_map(|element| &element.entries).chain(of_grants).collect();
    all.into_iter().collect()
}

/// A key that stands for its class while decisions are made.
struct Target<'a> {
    key: &'a Key,
    /// Whom it names.
    named: BTreeSet<&'a policy::Principal>,
    /// Whether it speaks of everyone where it allows what is asked for.
    is_open: bool,
    policies: Vec<Arc<Document>>,
}

impl<'a> Target<'a> {
    fn new(key: &'a Key, ground: &Ground<'a>) -> Self {
        let policies = ground.spoken.of_limits(&key.policies);
        let is_open = match key.grants_gap {
            Some(_) => key.is_open_to_all(),
            None => policies.iter().flat_map(|it| it.statements_of(Effect::Allow)).any(Key::is_open),
        };
        Self { key, named: key.named(), is_open, policies }
    }

    /// Whether it names a principal, alone or with its account.
    fn names(&self, principal: &Principal) -> bool {
        self.named.iter().any(|entry| principal.caller.named_by(entry).is_some())
    }

    /// Whether it lets in whoever an account lets act, as far as the account's number and organization tell.
    fn lets_in(&self, account: &Account, root: Option<&Principal>) -> bool {
        let fails = |test: &policy::ConditionTest| {
            let found = match test.key.as_str() {
                "kms:calleraccount" | "aws:principalaccount" => Some(Found::One(account.id.as_str())),
                "aws:principalorgid" => root.and_then(|root| root.context.find("aws:principalorgid")),
                _ => None,
            };
            found.is_some_and(|found| !test.holds(found, &|_| Some(String::new())).is_possible() && !is_related(test))
        };
        let mut open =
            self.policies.iter().flat_map(|it| it.statements_of(Effect::Allow)).filter(|it| Key::is_open(it));
        self.key.grants_gap.is_some() || open.any(|statement| !statement.tests().any(fails))
    }
}

/// Whether a test compares with a variable.
fn is_related(test: &policy::ConditionTest) -> bool {
    test.values.iter().any(policy::Text::has_variables)
}

/// Decisions on the keys of one account in the making.
struct Building<'g, 'a> {
    ground: &'g Ground<'a>,
    account: &'a Account,
    names: BTreeMap<(&'a str, PrincipalKind), Vec<usize>>,
    /// The account itself, and those that its keys name.
    near: BTreeSet<&'a str>,
    /// The classes of their principals.
    groups: BTreeMap<&'a str, Arc<Group<'g, 'a>>>,
    /// The positions of the actions that are decided, and of all.
    positions: [Vec<usize>; 2],
    /// By the first member: no principal is in two classes.
    numbers: BTreeMap<(&'a str, PrincipalKind), usize>,
    /// Lists of deciding statements, each once.
    statements: BTreeSet<Arc<[Decider]>>,
    block: Block<'a>,
}

/// What is the same in all decisions on one key.
struct OnKey<'t, 'a> {
    target: &'t Target<'a>,
    column: &'t Column<'a>,
    policies: Vec<&'t Document>,
    grants: Vec<&'a Grant>,
    resource_control: Option<Lent<'t>>,
    /// What a document may say of the key, by the document's address.
    may: BTreeMap<usize, May>,
    /// Whether principals that nobody names may have something without an Allow of their own.
    is_open_to_own: bool,
    /// Whether decisions on the key look at the account of a caller that the key does not name.
    looks_at_accounts: bool,
    /// What was decided, by position of the action.
    known: BTreeMap<Telling<'t, 'a>, Vec<Option<Cell>>>,
    /// What requests on the key hold, by the address of what those of the caller hold.
    contexts: BTreeMap<usize, Arc<Context>>,
    cells: Cells,
}

/// What tells principals apart in decisions on one key: no more than what attaches to them and may speak of it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Telling<'t, 'a> {
    /// The account, where that matters; otherwise the policies that limit its principals, level by level.
    account_id: Option<&'t str>,
    service_control: Vec<Vec<usize>>,
    is_of_management: bool,
    kind: PrincipalKind,
    is_service_linked: bool,
    names: Vec<usize>,
    identity: Vec<usize>,
    boundary: Vec<usize>,
    context: Arc<Context>,
    assumptions: Vec<&'t policy::ConditionTest>,
    outcomes: &'t [policy::Match],
    alone: Option<&'a str>,
}

impl OnKey<'_, '_> {
    fn may(&mut self, document: &Arc<Document>) -> May {
        let arn = &self.target.key.arn;
        *self.may.entry(address(document)).or_insert_with(|| may(document, arn))
    }

    /// Whether an identity policy may allow something on the key.
    fn may_be_allowed(&mut self, kin: &Kin<'_>) -> bool {
        kin.identity.iter().any(|document| self.may(document).allow)
    }

    /// The places of the identity policies that may speak of the key.
    fn speaking(&mut self, kin: &Kin<'_>) -> Vec<usize> {
        let numbered = kin.identity.iter().enumerate();
        let mut speaks = |document| {
            let May { allow, deny } = self.may(document);
            allow || deny
        };
        numbered
            .map(|(place, document)| (place, speaks(document)))
            .filter(|(_, speaks)| *speaks)
            .map(|it| it.0)
            .collect()
    }
}

impl<'g, 'a> Building<'g, 'a> {
    /// The classes of principals of an account.
    fn group(&mut self, account: &'a Account) -> Arc<Group<'g, 'a>> {
        if let Some(known) = self.groups.get(account.id.as_str()) {
            return known.clone();
        }
        let kin = self.ground.kin.get(account.id.as_str()).into_iter().flatten();
        let asking = kin.flat_map(|kin| self.asking(kin)).collect();
        let group = Arc::new(Group { asking, service_control: self.ground.service_control(&account.id) });
        self.groups.insert(&account.id, group.clone());
        group
    }

    /// The principals to which the same attaches, by how they are named.
    fn asking(&self, kin: &'g Kin<'a>) -> Vec<Asking<'g, 'a>> {
        let mut by_names: BTreeMap<&[usize], Vec<&'a Principal>> = BTreeMap::new();
        for member in &kin.members {
            let names = self.names.get(&(member.arn.as_str(), member.kind)).map_or(&[][..], Vec::as_slice);
            by_names.entry(names).or_default().push(member);
        }
        let asking = |(names, members): (&[usize], Vec<&'a Principal>)| Asking {
            kin,
            names: names.to_vec(),
            one: members.first().copied().unwrap_or(kin.one),
            members,
            identity: lent(&kin.identity),
            boundary: lent(&kin.boundary),
        };
        by_names.into_iter().map(asking).collect()
    }

    /// The accounts beside the key's own that were read and that the key may have to do with, and whether it names them.
    fn others(&self, target: &Target<'a>) -> Vec<(&'a Account, bool)> {
        let directory = self.ground.directory;
        let named = directory.accounts_near(target.key);
        if !target.is_open {
            let others = named.into_iter().filter(|id| *id != self.account.id);
            return others.filter_map(|id| Some((directory.accounts.get(id)?, true))).collect();
        }
        let others = directory.accounts.values().filter(|account| account.id != self.account.id);
        others.map(|account| (account, named.contains(account.id.as_str()))).collect()
    }

    /// How many principals may have something on a key.
    fn candidates(&mut self, target: &Target<'a>) -> u64 {
        let mut count = self.account.principals.len() + target.key.outsiders.len();
        for (account, _) in self.others(target) {
            count += match target.is_open {
                true => account.principals.len(),
                false => {
                    let group = self.group(account);
                    let near = group.asking.iter().filter(|asking| target.names(asking.one));
                    near.map(|asking| asking.members.len()).sum()
                }
            };
        }
        count as u64
    }

    /// What is not denied on a key.
    fn cells(&mut self, target: &Target<'a>, column: &Column<'a>) -> Result<Cells, Unanswered> {
        let of_everyone = target.policies.iter().flat_map(|it| it.statements_of(Effect::Allow)).any(Key::is_open);
        let of_accounts = |grant: &Grant| matches!(grant.grantee, Some(policy::Principal::Account { .. }));
        let resource_control =
            self.ground.limits.get(self.account.id.as_str()).and_then(|it| it.resource_control.as_ref());
        let of_key = resource_control.into_iter().flatten().flatten().chain(&target.policies);
        let looks_at_accounts = !target.key.grants.is_empty() || of_key.into_iter().any(|it| looks_at_account(it));
        let mut on_key = OnKey {
            target,
            column,
            policies: lent(&target.policies),
            grants: target.key.grants.iter().collect(),
            resource_control: self.ground.resource_control(&self.account.id),
            may: BTreeMap::new(),
            is_open_to_own: of_everyone || target.key.grants.iter().any(of_accounts),
            looks_at_accounts,
            known: BTreeMap::new(),
            contexts: BTreeMap::new(),
            cells: Cells::new(),
        };
        let own = self.group(self.account);
        for asking in &own.asking {
            self.ask(&mut on_key, asking, own.service_control.as_deref())?;
        }
        for (account, is_named) in self.others(target) {
            if is_named {
                let group = self.group(account);
                for asking in &group.asking {
                    if target.is_open || target.names(asking.one) {
                        self.ask(&mut on_key, asking, group.service_control.as_deref())?;
                    }
                }
                continue;
            }
            let root = account.principals.iter().find(|it| it.kind == PrincipalKind::Root);
            if !target.lets_in(account, root) {
                continue;
            }
            let mut service_control = None;
            for kin in self.ground.kin.get(account.id.as_str()).into_iter().flatten() {
                // Across accounts nothing is open without an Allow of one's own, but to root users.
                if kin.one.kind == PrincipalKind::Root || target.key.grants_gap.is_some() || on_key.may_be_allowed(kin)
                {
                    let limits =
                        service_control.get_or_insert_with(|| self.ground.service_control(&account.id)).clone();
                    for asking in self.asking(kin) {
                        self.ask(&mut on_key, &asking, limits.as_deref())?;
                    }
                }
            }
        }
        for outsider in &target.key.outsiders {
            for position in self.positions[0].clone() {
                let Some(action) = self.ground.actions.get(position) else { continue };
                let cell = self.ground.directory.cell(outsider, target.key, action)?;
                self.keep(&mut on_key, &[outsider.as_ref()], false, position, cell);
            }
        }
        Ok(on_key.cells)
    }

    /// Decides for one class of principals.
    fn ask<'t>(
        &mut self,
        on_key: &mut OnKey<'t, 'a>,
        asking: &Asking<'g, 'a>,
        service_control: Option<&[Vec<&Document>]>,
    ) -> Result<(), Unanswered>
    where
        'g: 't,
    {
        let Asking { kin, names, members, .. } = asking;
        let is_afar = !self.near.contains(kin.one.account_id.as_str());
        let key = on_key.target.key;
        let is_plain = matches!(kin.one.kind, PrincipalKind::User | PrincipalKind::Role) && names.is_empty();
        let is_own = kin.one.account_id == self.account.id;
        let needs_allow = is_plain && key.grants_gap.is_none() && !(is_own && on_key.is_open_to_own);
        let is_hopeless = needs_allow && !on_key.may_be_allowed(kin);
        let positions = self.positions[usize::from(is_afar)].clone();
        let actions = positions.into_iter().filter_map(|it| Some((it, self.ground.actions.get(it)?)));
        let actions: Vec<(usize, &Action)> = actions.filter(|(_, action)| !is_hopeless || !is_on_key(action)).collect();
        if actions.is_empty() {
            return Ok(());
        }
        // An action that is checked against no key is decided by all that speaks of it.
        let is_all_on_key = actions.iter().all(|(_, action)| is_on_key(action));
        let speaking = if is_all_on_key { on_key.speaking(kin) } else { (0..kin.identity.len()).collect() };
        let telling = self.telling(on_key, asking, &speaking, service_control, is_afar);
        let mut known = on_key.known.remove(&telling).unwrap_or_default();
        known.resize(self.ground.actions.len(), None);
        for (position, action) in actions {
            let decided = known.get_mut(position);
            let cell = match decided.as_deref().cloned().flatten() {
                Some(cell) => cell,
                None => {
                    let cell = self.decide(on_key, asking, &speaking, service_control, action)?;
                    if let Some(decided) = decided {
                        *decided = Some(cell.clone());
                    }
                    cell
                }
            };
            // What was decided knows the policies that may speak of the key, the class also others.
            let place = |decider: &Decider| match decider.policy {
                PolicyRef::Identity(place) => {
                    Decider { policy: PolicyRef::Identity(speaking.get(place).copied().unwrap_or(place)), ..*decider }
                }
                _ => *decider,
            };
            if cell.access != Access::Denied {
                let statements = cell.statements.iter().map(place).collect();
                self.keep(on_key, members, is_afar, position, Cell { statements, ..cell });
            }
        }
        on_key.known.insert(telling, known);
        Ok(())
    }

    /// What tells a class of principals apart from others.
    fn telling<'t>(
        &self,
        on_key: &OnKey<'t, 'a>,
        asking: &Asking<'g, 'a>,
        speaking: &[usize],
        service_control: Option<&[Vec<&Document>]>,
        is_afar: bool,
    ) -> Telling<'t, 'a>
    where
        'g: 't,
    {
        let kin = asking.kin;
        let documents = || speaking.iter().filter_map(|place| kin.identity.get(*place));
        let mut own = documents()
            .chain(&kin.boundary)
            .map(AsRef::as_ref)
            .chain(service_control.into_iter().flatten().flatten().copied());
        let is_shared = is_afar && !on_key.looks_at_accounts && !own.any(looks_at_account);
        let pointer = |document: &&Document| std::ptr::from_ref::<Document>(document).addr();
        let levels =
            |levels: &[Vec<&Document>]| levels.iter().map(|level| level.iter().map(pointer).collect()).collect();
        Telling {
            account_id: (!is_shared).then_some(&kin.one.account_id),
            service_control: service_control.filter(|_| is_shared).map(levels).unwrap_or_default(),
            is_of_management: self.ground.directory.estate.is_management(&kin.one.account_id),
            kind: kin.one.kind,
            is_service_linked: kin.one.caller.is_service_linked_role(),
            names: asking.names.clone(),
            identity: documents().map(address).collect(),
            boundary: kin.boundary.iter().map(address).collect(),
            context: kin.context.clone(),
            assumptions: kin.assumptions.clone(),
            outcomes: &kin.outcomes,
            alone: kin.alone,
        }
    }

    /// One decision.
    fn decide(
        &mut self,
        on_key: &mut OnKey<'_, 'a>,
        asking: &Asking<'g, 'a>,
        speaking: &[usize],
        service_control: Option<&[Vec<&Document>]>,
        action: &Action,
    ) -> Result<Cell, Unanswered> {
        let (kin, key) = (asking.kin, on_key.target.key);
        let identity: Vec<&Document> =
            speaking.iter().filter_map(|place| asking.identity.get(*place)).copied().collect();
        let subject = Subject {
            principal: asking.one,
            identity: &identity,
            boundary: &asking.boundary,
            service_control,
            assumptions: &kin.assumptions,
        };
        let context = on_key
            .contexts
            .entry(Arc::as_ptr(&kin.context).addr())
            .or_insert_with(|| Arc::new(kin.context.with(&on_key.column.context)))
            .clone();
        let asked = Asked {
            action,
            arn: Some(&key.arn),
            account_id: &key.account_id,
            key_policies: &on_key.policies,
            grants: &on_key.grants,
            trust_policy: None,
            resource_control: on_key.resource_control.as_deref(),
            assumptions: &on_key.column.assumptions,
            free: &[],
            is_aws_managed: key.is_aws_managed == Some(true),
        };
        let cell = self.ground.directory.answer(subject, asked, &context)?;
        self.block.decisions += 1;
        if key.grants_gap.is_none() || cell.access != Access::Denied {
            return Ok(cell);
        }
        let unread = unread_grant(key, action);
        let grants: Vec<&Grant> = on_key.grants.iter().copied().chain([&unread]).collect();
        let widest = self.ground.directory.answer(subject, Asked { grants: &grants, ..asked }, &context)?;
        Ok(cell.or_granted(widest, key.grants.len()))
    }

    /// Keeps what is not denied.
    fn keep(
        &mut self,
        on_key: &mut OnKey<'_, 'a>,
        members: &[&'a Principal],
        is_afar: bool,
        position: usize,
        cell: Cell,
    ) {
        let Some(first) = members.first().filter(|_| cell.access != Access::Denied) else { return };
        let next = self.block.rows.len();
        let number = *self.numbers.entry((&first.arn, first.kind)).or_insert(next);
        if number == next {
            self.block.rows.push(Row { members: members.to_vec(), is_afar });
        }
        let statements = self.statements.get(&cell.statements).cloned().unwrap_or_else(|| {
            self.statements.insert(cell.statements.clone());
            cell.statements.clone()
        });
        on_key.cells.insert((number, position), Cell { statements, ..cell });
    }
}

/// Whether KMS decides the action by what is allowed on the key.
fn is_on_key(action: &Action) -> bool {
    action.kms().is_some_and(|it| it.resources != KmsResources::None)
}
