//! Principals of one account that stand for all who are like them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::directory::Directory;
use super::document::Named;
use super::key::Key;
use super::kin::{Kin, Spoken, address, all, is_on_key};
use super::principal::Principal;
use super::target::{entries, entries_on, names};
use crate::policy::{self, Action, Document, Effect, Match, ResourcePattern, Statement};

/// The principals of an account in classes: no decision on one of some actions and on a key of the account tells those of one class
/// apart. Where a deciding statement stands is told of the policies of keys and of the organization alone: of its identity policies
/// a stand-in holds what speaks of the actions.
#[derive(Debug)]
pub struct StandIns {
    ones: Vec<StandIn>,
    /// The address of the account's first principal in the directory.
    first: usize,
    /// The class of each principal of the account, in its order there.
    classes: Vec<Option<usize>>,
    actions: Vec<Action>,
    /// The identity policies of the account that speak of the actions, each once.
    documents: Vec<Words>,
    /// The number of each entry of the account's key policies and grants.
    entries: BTreeMap<policy::Principal, usize>,
}

/// What decisions on one key see of a class. Classes with the same have the same, deciding statements of the key included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeenClass {
    kin: usize,
    /// The actions that identity policies allow on the key whatever a request holds, a bit each.
    allowed: u64,
    /// The identity policies that say more of the key than that.
    identity: Vec<usize>,
    /// The entries of the key that name it.
    names: Vec<usize>,
}

/// The classes as one key sees them.
#[derive(Debug)]
pub struct OnKey<'s> {
    stand_ins: &'s StandIns,
    key_arn: String,
    /// What each document says of the key.
    says: Vec<Says>,
    /// The entries that stand on the key.
    entries: BTreeSet<usize>,
}

/// What a document says of some actions on one key, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Says {
    /// It allows these whatever a request holds. For those of them that are not open it matters in no other way than any other
    /// document that allows them.
    allowed: u64,
    /// It says something else of these: it denies, or it depends.
    open: u64,
    /// An Allow of it may speak of these.
    allows: u64,
}

impl Says {
    /// What it says is not looked at.
    const ANYTHING: Self = Self { allowed: 0, open: u64::MAX, allows: u64::MAX };
}

/// A document with what its statements say of some actions, whatever the key.
#[derive(Debug)]
struct Words {
    document: Arc<Document>,
    of_statements: Vec<Word>,
}

/// What a statement says of some actions, a bit each.
#[derive(Debug, Clone, Copy)]
struct Word {
    /// Whether it allows whatever a request holds.
    is_plain: bool,
    /// It speaks of these for certain.
    certain: u64,
    /// It may speak of these.
    possible: u64,
}

impl Words {
    fn new(document: &Arc<Document>, actions: &[Action]) -> Self {
        let word = |statement: &Statement| {
            let is_conditional = statement.condition.is_some() || statement.principal.is_some();
            let is_plain = statement.effect == Effect::Allow && !is_conditional;
            let mut word = Word { is_plain, certain: 0, possible: 0 };
            for (action, place) in actions.iter().zip(0..u64::BITS) {
                match statement.matches_action(action.name()) {
                    Match::Yes => word.certain |= 1 << place,
                    Match::Unsure => word.possible |= 1 << place,
                    Match::No => {}
                }
            }
            word.possible |= word.certain;
            word
        };
        Self { document: document.clone(), of_statements: document.statements.iter().map(word).collect() }
    }

    /// What the document says of the actions on one key.
    fn on(&self, arn: &str) -> Says {
        let mut says = Says { allowed: 0, open: 0, allows: 0 };
        for (statement, word) in self.document.statements.iter().zip(&self.of_statements) {
            let Some(resources) = &statement.resources else {
                says.open |= word.possible;
                continue;
            };
            let has_variables = |pattern: &ResourcePattern| pattern.text().has_variables();
            let on_key = match resources.patterns.iter().any(has_variables) {
                true => Match::Unsure,
                false => resources.matches(Some(arn), &|_| None),
            };
            match on_key {
                Match::No => continue,
                Match::Yes if word.is_plain => {
                    says.allowed |= word.certain;
                    says.open |= word.possible & !word.certain;
                }
                Match::Yes | Match::Unsure => says.open |= word.possible,
            }
            if statement.effect == Effect::Allow {
                says.allows |= word.possible;
            }
        }
        says
    }
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

impl Directory {
    /// Puts the principals of an account into classes.
    pub fn stand_ins(&self, account_id: &str, actions: &[Action]) -> StandIns {
        let mut stand_ins = StandIns {
            ones: vec![],
            first: 0,
            classes: vec![],
            actions: actions.to_vec(),
            documents: vec![],
            entries: BTreeMap::new(),
        };
        let Some(account) = self.account(account_id) else { return stand_ins };
        let spoken = Spoken::new(self, actions);
        let named = names(self, account);
        stand_ins.first = account.principals.as_ptr().addr();
        stand_ins.classes = vec![None; account.principals.len()];
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
                    stand_ins.documents.push(Words::new(document, actions));
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
                if let Some(class_of) = stand_ins.place(member).and_then(|place| stand_ins.classes.get_mut(place)) {
                    *class_of = Some(class);
                }
            }
        }
        stand_ins
    }
}

impl StandIns {
    /// The class of a principal of the account, as it lies in the directory.
    pub fn class_of(&self, principal: &Principal) -> Option<usize> {
        *self.classes.get(self.place(principal)?)?
    }

    /// How many classes there are.
    pub fn count(&self) -> usize {
        self.ones.len()
    }

    /// The place of a principal of the account, as it lies in the directory.
    fn place(&self, principal: &Principal) -> Option<usize> {
        let behind = std::ptr::from_ref(principal).addr().checked_sub(self.first)?;
        (behind % size_of::<Principal>() == 0).then_some(behind / size_of::<Principal>())
    }

    /// Who stands for a class.
    pub fn one(&self, class: usize) -> Option<&Principal> {
        Some(&self.ones.get(class)?.principal)
    }

    /// The classes as a key of the account sees them.
    pub fn on(&self, key: &Key) -> OnKey<'_> {
        // An action that is asked of no key is decided by all that speaks of it.
        let is_on_keys = self.actions.len() <= u64::BITS as usize && self.actions.iter().all(is_on_key);
        let says = |words: &Words| if is_on_keys { words.on(&key.arn) } else { Says::ANYTHING };
        OnKey {
            stand_ins: self,
            key_arn: key.arn.clone(),
            says: self.documents.iter().map(says).collect(),
            entries: entries_on(key).filter_map(|entry| self.entries.get(entry)).copied().collect(),
        }
    }
}

impl OnKey<'_> {
    /// Whether these are the classes as that key sees them.
    pub fn is_of(&self, key: &Key) -> bool {
        self.key_arn == key.arn
    }

    /// What the key sees of a class.
    pub fn seen(&self, class: usize) -> Option<SeenClass> {
        self.seen_of(class, u64::MAX)
    }

    /// What decisions on one of the actions see of a class, as [`place`](Self::place) numbers it.
    pub fn seen_on(&self, class: usize, place: u32) -> Option<SeenClass> {
        self.seen_of(class, 1_u64.checked_shl(place)?)
    }

    /// The number of an action.
    pub fn place(&self, action: &Action) -> Option<u32> {
        let place = self.stand_ins.actions.iter().position(|it| it.name() == action.name())?;
        u32::try_from(place).ok().filter(|place| *place < u64::BITS)
    }

    /// The actions of which an Allow of the identity policies of a class may speak, a bit each.
    pub fn may_be_allowed(&self, class: usize) -> u64 {
        let identity = self.stand_ins.ones.get(class).map_or(&[][..], |one| one.identity.as_slice());
        let allows = identity.iter().map(|place| self.says.get(*place).unwrap_or(&Says::ANYTHING).allows);
        allows.fold(0, |all, allows| all | allows)
    }

    fn seen_of(&self, class: usize, actions: u64) -> Option<SeenClass> {
        let StandIn { kin, identity, names, .. } = self.stand_ins.ones.get(class)?;
        let mut seen = SeenClass {
            kin: *kin,
            allowed: 0,
            identity: vec![],
            names: names.iter().filter(|number| self.entries.contains(number)).copied().collect(),
        };
        for place in identity {
            let says = self.says.get(*place).unwrap_or(&Says::ANYTHING);
            seen.allowed |= says.allowed & actions;
            if says.open & actions != 0 {
                seen.identity.push(*place);
            }
        }
        Some(seen)
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixtures::{OWNER, World, allow, attached, delegation, grant, key_arn, role_arn};
    use super::super::{Decider, PrincipalKind};
    use super::*;
    use crate::model::Listing;
    use crate::policy::{PolicyRef, Requirement};

    /// Roles with every choice of these policies, on keys that name some of them.
    fn world() -> World {
        let mut world = World::new();
        let on = |effect: &str, action: &str, id: &str| -> Value {
            json!({"Effect": effect, "Action": action, "Resource": key_arn(OWNER, id)})
        };
        let if_red = json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}});
        let not_open = json!({"Effect": "Deny", "Action": "kms:*", "Resource": key_arn(OWNER, "two"),
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}});
        let own = json!({"Effect": "Allow", "Action": "kms:PutKeyPolicy", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}});
        let pool = [
            ("everything", allow("kms:*")),
            ("reads", allow("kms:Decrypt")),
            ("masters", on("Allow", "kms:PutKeyPolicy", "one")),
            ("red", if_red),
            ("elsewhere", on("Deny", "kms:Decrypt", "three")),
            ("shut", not_open),
            ("own", own),
        ];
        let pool: Vec<String> = pool.iter().map(|(name, text)| world.managed(OWNER, name, &json!(text))).collect();
        let limit = world.managed(OWNER, "limit", &json!([allow("kms:Decrypt"), allow("s3:*")]));
        let named = |number: usize| role_arn(OWNER, &format!("Role{number:03}"));
        for number in 0..1_usize << pool.len() {
            world.role_with(OWNER, &format!("Role{number:03}"), &json!([]), |role| {
                let chosen = pool.iter().enumerate().filter(|(place, _)| number >> place & 1 == 1);
                role.attached_policies = chosen.map(|(_, arn)| attached(arn)).collect();
                role.permissions_boundary = (number % 5 == 0).then(|| limit.clone());
                if number % 2 == 0 {
                    role.tags.insert("team".to_owned(), "red".to_owned());
                }
            });
        }
        let lets_in = |number: usize| json!({"Effect": "Allow", "Principal": {"AWS": named(number)}, "Action": "kms:*", "Resource": "*"});
        world.key(OWNER, "one", &json!([delegation(OWNER), lets_in(3), lets_in(64)]));
        world.key_with(OWNER, "two", &json!([delegation(OWNER)]), |key| {
            key.grants = Listing::complete(vec![grant("g", &named(0)), grant("h", &named(4))]);
            drop(key.tags.as_mut().map(|tags| tags.insert("team".to_owned(), "red".to_owned())));
        });
        world.key(OWNER, "three", &json!([lets_in(1), lets_in(2)]));
        world
    }

    /// What checks look at in a decision.
    fn decided(
        directory: &Directory,
        principal: &Principal,
        key: &Key,
        action: &Action,
    ) -> (policy::Access, Vec<Vec<Requirement>>, Vec<Decider>) {
        let cell = directory.cell(principal, key, action).unwrap();
        let of_keys = cell.statements.iter().filter(|it| matches!(it.policy, PolicyRef::Key(_)));
        (cell.access, cell.conditions.clone(), of_keys.copied().collect())
    }

    #[test]
    fn classes_that_a_key_does_not_tell_apart_have_the_same_on_it() {
        let directory = world().directory_of(OWNER);
        let actions = ["kms:Decrypt", "kms:PutKeyPolicy", "kms:CreateGrant"].map(Action::new);
        let stand_ins = directory.stand_ins(OWNER, &actions);
        let mut shared = 0;
        for key in directory.keys() {
            let on_key = stand_ins.on(key);
            let mut known = BTreeMap::new();
            for principal in directory.principals() {
                let class = stand_ins.class_of(principal).unwrap();
                let found = actions.each_ref().map(|action| decided(&directory, principal, key, action));
                let seen = on_key.seen(class).unwrap();
                match known.get(&seen) {
                    None => drop(known.insert(seen, found)),
                    Some(known) => {
                        assert_eq!(*known, found, "{} on {}", principal.arn, key.id);
                        shared += 1;
                    }
                }
                // Who stands for the class has what its members have.
                let one = stand_ins.one(class).unwrap();
                let found = actions.each_ref().map(|action| decided(&directory, principal, key, action));
                assert_eq!(found, actions.each_ref().map(|action| decided(&directory, one, key, action)));
            }
            assert!(known.len() > 8, "{} on {}", known.len(), key.id);
        }
        assert!(shared > 100, "{shared}");
    }

    #[test]
    fn classes_that_decisions_on_one_action_do_not_tell_apart_have_the_same_of_it() {
        let directory = world().directory_of(OWNER);
        let actions = ["kms:Decrypt", "kms:PutKeyPolicy", "kms:CreateGrant"].map(Action::new);
        let stand_ins = directory.stand_ins(OWNER, &actions);
        let (mut shared, mut kinds) = (0, 0);
        for (key, action) in directory.keys().flat_map(|key| actions.iter().map(move |action| (key, action))) {
            let on_key = stand_ins.on(key);
            let place = on_key.place(action).unwrap();
            let mut known = BTreeMap::new();
            for principal in directory.principals() {
                let class = stand_ins.class_of(principal).unwrap();
                let found = decided(&directory, principal, key, action);
                // What no Allow speaks of is not allowed, unless by the policy of the key or a grant.
                let is_named = !stand_ins.ones[class].names.is_empty() || principal.kind == PrincipalKind::Root;
                let may_be_allowed = on_key.may_be_allowed(class) >> place & 1 == 1;
                assert!(may_be_allowed || is_named || found.0 == policy::Access::Denied, "{}", principal.arn);
                let seen = on_key.seen_on(class, place).unwrap();
                shared += usize::from(known.contains_key(&seen));
                assert_eq!(
                    *known.entry(seen).or_insert_with(|| found.clone()),
                    found,
                    "{} on {}",
                    principal.arn,
                    key.id
                );
            }
            kinds += known.len();
        }
        assert!(shared > 500 && kinds > 30, "{shared} {kinds}");
    }

    #[test]
    fn an_action_that_is_asked_of_no_key_is_decided_by_all_policies() {
        let directory = world().directory_of(OWNER);
        let stand_ins = directory.stand_ins(OWNER, &[Action::new("kms:ListKeys")]);
        let key = directory.keys().next().unwrap();
        let on_key = stand_ins.on(key);
        let classes: BTreeSet<usize> = directory.principals().filter_map(|it| stand_ins.class_of(it)).collect();
        let allowed = classes.iter().filter_map(|class| on_key.seen(*class)).map(|seen| seen.allowed);
        assert!(allowed.eq(classes.iter().map(|_| 0)));
    }
}
