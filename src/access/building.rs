//! How the decisions on the keys of one account are made: one for each class of keys and class of principals.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::afar::{Part, Place};
use super::alike::alike;
use super::block::{Block, Cells, Members, Row};
use super::cell::{Asked, Cell, Decider, Subject, unread_grant};
use super::column::{Column, patterns};
use super::directory::Account;
use super::ground::{Ground, Lent, lent};
use super::key::Key;
use super::kin::{Kin, May, address, is_on_key, may};
use super::principal::{Principal, PrincipalKind};
use super::target::{Target, names};
use crate::policy::{self, Access, Action, Context, Document, Effect, Grant, PolicyRef, Unanswered};

/// Principals that no decision can tell apart, while decisions are made.
#[derive(Debug)]
struct Asking<'g, 'a> {
    kin: &'g Kin<'a>,
    /// Which entries of the account's key policies and grants name them.
    names: Vec<usize>,
    /// The first of them.
    one: &'a Principal,
    members: Members<'a>,
    identity: Vec<&'g Document>,
    boundary: Vec<&'g Document>,
}

impl<'g, 'a> Asking<'g, 'a> {
    fn new(kin: &'g Kin<'a>, names: &[usize], members: Members<'a>) -> Self {
        let one = match &members {
            Members::Of(members) => members.first().copied(),
            Members::Afar(_) => None,
        };
        Self {
            kin,
            names: names.to_vec(),
            one: one.unwrap_or(kin.one),
            members,
            identity: lent(&kin.identity),
            boundary: lent(&kin.boundary),
        }
    }
}

/// The principals of one account while decisions are made, and what limits them.
#[derive(Debug)]
struct Group<'g, 'a> {
    asking: Vec<Asking<'g, 'a>>,
    service_control: Option<Lent<'g>>,
}

/// Decides for the keys of an account.
///
/// # Errors
/// When the two engines disagree: a fault of this program.
pub(super) fn decide<'a>(ground: &Ground<'a>, account: &'a Account) -> Result<Block<'a>, Unanswered> {
    let mut near: BTreeSet<&'a str> = account.keys.iter().flat_map(|key| ground.directory.accounts_near(key)).collect();
    let names = names(ground.directory, account);
    // Whom a unique id names lives in an account that it does not tell.
    near.extend(names.keys().filter_map(|(arn, _)| arn.split(':').nth(4)));
    let of_keys: Vec<Arc<Document>> =
        account.keys.iter().flat_map(|key| ground.spoken.of_limits(&key.policies)).collect();
    let resource_control = ground.limits_of(&account.id).and_then(|it| it.resource_control.as_ref());
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
        names,
        near,
        positions: [decided.into_iter().collect(), (0..ground.actions.len()).collect()],
        groups: BTreeMap::new(),
        aside: Arc::new(ground.afar.speaking_of(account)),
        let_in: BTreeSet::new(),
        numbers: BTreeMap::new(),
        statements: BTreeSet::new(),
        block: Block { rows: vec![], column_of: BTreeMap::new(), columns: vec![], alike, decisions: 0, pairs: 0 },
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
    /// Principals of other accounts whom something tells apart from those who are like them from afar.
    aside: Arc<BTreeSet<Place<'a>>>,
    /// Sets of accounts that keys let in, each once.
    let_in: BTreeSet<Arc<BTreeSet<&'a str>>>,
    /// The rows, by whom they are about.
    numbers: BTreeMap<Whom<'a>, usize>,
    /// Lists of deciding statements, each once.
    statements: BTreeSet<Arc<[Decider]>>,
    block: Block<'a>,
}

/// What a row is about.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whom<'a> {
    /// The class of this principal: no principal is in two.
    One(&'a str, PrincipalKind),
    /// A class from afar in the accounts of the set at this address.
    Afar(usize, usize),
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

    /// Whether principals whom the key does not name may have something on it from another account: nothing is open there
    /// without an Allow of one's own, but to root users.
    fn may_let_in(&mut self, kin: &Kin<'_>) -> bool {
        kin.one.kind == PrincipalKind::Root || self.target.key.grants_gap.is_some() || self.may_be_allowed(kin)
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
        let asking = self.ground.kin_of(&account.id).iter().flat_map(|kin| self.asking(kin)).collect();
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
        by_names.into_iter().map(|(names, members)| Asking::new(kin, names, Members::Of(members))).collect()
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
                    near.map(|asking| asking.members.principals(self.ground).len()).sum()
                }
            };
        }
        count as u64
    }

    /// What is not denied on a key.
    fn cells(&mut self, target: &Target<'a>, column: &Column<'a>) -> Result<Cells, Unanswered> {
        let mut on_key = self.on_key(target, column);
        let own = self.group(self.account);
        for asking in &own.asking {
            self.ask(&mut on_key, asking, own.service_control.as_deref())?;
        }
        let mut afar = BTreeSet::new();
        for (account, is_named) in self.others(target) {
            if is_named {
                let group = self.group(account);
                for asking in &group.asking {
                    if target.is_open || target.names(asking.one) {
                        self.ask(&mut on_key, asking, group.service_control.as_deref())?;
                    }
                }
            } else if target.lets_in(account, self.ground.root_of(&account.id)) {
                if self.near.contains(account.id.as_str()) {
                    let group = self.group(account);
                    for asking in &group.asking {
                        if on_key.may_let_in(asking.kin) {
                            self.ask(&mut on_key, asking, group.service_control.as_deref())?;
                        }
                    }
                } else {
                    afar.insert(account.id.as_str());
                }
            }
        }
        self.ask_afar(&mut on_key, afar)?;
        for outsider in &target.key.outsiders {
            for position in self.positions[0].clone() {
                let Some(action) = self.ground.actions.get(position) else { continue };
                let cell = self.ground.directory.cell(outsider, target.key, action)?;
                self.keep(&mut on_key, &Members::Of(vec![outsider.as_ref()]), false, position, cell);
            }
        }
        Ok(on_key.cells)
    }

    fn on_key<'t>(&self, target: &'t Target<'a>, column: &'t Column<'a>) -> OnKey<'t, 'a>
    where
        'g: 't,
    {
        let of_everyone = target.policies.iter().flat_map(|it| it.statements_of(Effect::Allow)).any(Key::is_open);
        let of_accounts = |grant: &Grant| matches!(grant.grantee, Some(policy::Principal::Account { .. }));
        let is_issued_afar =
            |grant: &Grant| grant.issuing_account.as_deref().is_some_and(|account| !self.near.contains(account));
        let resource_control = self.ground.limits_of(&self.account.id).and_then(|it| it.resource_control.as_ref());
        let mut of_key = resource_control.into_iter().flatten().flatten().chain(&target.policies);
        let grants = &target.key.grants;
        OnKey {
            target,
            column,
            policies: lent(&target.policies),
            grants: grants.iter().collect(),
            resource_control: self.ground.resource_control(&self.account.id),
            may: BTreeMap::new(),
            is_open_to_own: of_everyone || grants.iter().any(of_accounts),
            looks_at_accounts: grants.iter().any(is_issued_afar)
                || of_key.any(|document| self.ground.spoken.looks_at_account(document)),
            known: BTreeMap::new(),
            contexts: BTreeMap::new(),
            cells: Cells::new(),
        }
    }

    /// Decides for the principals of accounts that no key of this account names.
    fn ask_afar<'t>(&mut self, on_key: &mut OnKey<'t, 'a>, accounts: BTreeSet<&'a str>) -> Result<(), Unanswered>
    where
        'g: 't,
    {
        if accounts.is_empty() {
            return Ok(());
        }
        let ground = self.ground;
        let known = self.let_in.get(&accounts).cloned();
        let accounts = known.unwrap_or_else(|| {
            let new = Arc::new(accounts);
            self.let_in.insert(new.clone());
            new
        });
        let aside = self.aside.clone();
        let mut apart: Vec<&'g Kin<'a>> = Vec::new();
        for (number, class) in ground.afar.classes.iter().enumerate() {
            let mut kin = class.kin_in(ground, &accounts, &aside).peekable();
            let Some(first) = kin.peek().copied().filter(|first| on_key.may_let_in(first)) else { continue };
            if on_key.looks_at_accounts {
                apart.extend(kin);
                continue;
            }
            let part = Part { class: number, accounts: accounts.clone(), aside: aside.clone() };
            let asking = Asking::new(first, &[], Members::Afar(part));
            self.ask(on_key, &asking, ground.service_control(&first.one.account_id).as_deref())?;
        }
        apart.extend(aside.iter().filter(|place| accounts.contains(place.0)).filter_map(|place| ground.kin_at(*place)));
        for kin in apart {
            if on_key.may_let_in(kin) {
                let asking = Asking::new(kin, &[], Members::Of(kin.members.clone()));
                self.ask(on_key, &asking, ground.service_control(&kin.one.account_id).as_deref())?;
            }
        }
        Ok(())
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
                    let place = speaking.get(place).copied().unwrap_or(place);
                    Decider { policy: PolicyRef::Identity(self.place_among(kin, members, place)), ..*decider }
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

    /// The place of an identity policy among those that all members of a class have.
    fn place_among(&self, kin: &Kin<'_>, members: &Members<'_>, place: usize) -> usize {
        match members {
            Members::Of(_) => place,
            Members::Afar(_) => {
                let before = kin.identity.iter().take(place);
                before.filter(|document| self.ground.spoken.is_wide(document)).count()
            }
        }
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
        let spoken = &self.ground.spoken;
        let limits = self.ground.limits_of(&kin.one.account_id).and_then(|it| it.service_control.as_ref());
        let mut own = documents().chain(&kin.boundary).chain(limits.into_iter().flatten().flatten());
        let is_shared = is_afar && !on_key.looks_at_accounts && !own.any(|it| spoken.looks_at_account(it));
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
    fn keep(&mut self, on_key: &mut OnKey<'_, 'a>, members: &Members<'a>, is_afar: bool, position: usize, cell: Cell) {
        let whom = match members {
            Members::Of(members) => members.first().map(|first| Whom::One(&first.arn, first.kind)),
            Members::Afar(Part { class, accounts, .. }) => Some(Whom::Afar(*class, Arc::as_ptr(accounts).addr())),
        };
        let Some(whom) = whom.filter(|_| cell.access != Access::Denied) else { return };
        let next = self.block.rows.len();
        let number = *self.numbers.entry(whom).or_insert(next);
        if number == next {
            self.block.rows.push(Row { members: members.clone(), is_afar });
        }
        let statements = self.statements.get(&cell.statements).cloned().unwrap_or_else(|| {
            self.statements.insert(cell.statements.clone());
            cell.statements.clone()
        });
        on_key.cells.insert((number, position), Cell { statements, ..cell });
    }
}
