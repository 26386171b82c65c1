//! Principals of one account that stand for all who are like them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::column::{Column, patterns};
use super::directory::{Account, Directory};
use super::document::Named;
use super::key::Key;
use super::kin::{Kin, Spoken, address, all, is_on_key};
use super::principal::Principal;
use super::target::{entries, entries_on, names};
use crate::policy::{self, Action, Document, Effect, Match, ResourcePattern, Statement, kms_actions};

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
    /// The identity policies of the account that speak of KMS, each once.
    documents: Vec<Words>,
    /// The number of each entry of the account's key policies and grants.
    entries: BTreeMap<policy::Principal, usize>,
    /// The keys of the account, by ARN.
    keys: BTreeMap<String, KeyWords>,
}

/// A key in decisions on principals of its account.
#[derive(Debug)]
struct KeyWords {
    /// Its class among the keys of the account.
    class: usize,
    /// Which keys are alike but for their policies and grants.
    kin: usize,
    /// Which keys are, as far as no identity policy tells them apart.
    kin_under_limits: usize,
    /// The statements of its policies.
    statements: Vec<KeyStatement>,
    /// What each document says of it.
    says: OnceLock<Vec<Says>>,
}

/// A statement of key policies.
#[derive(Debug)]
struct KeyStatement {
    /// In which policy, and at which position.
    place: [usize; 2],
    /// Which of the account's statements say the same, but for the entries that are for one principal each.
    content: usize,
    effect: Effect,
    /// The actions of which it may speak, a bit each.
    possible: u64,
    /// Its entries that are for one principal each.
    entries: Vec<usize>,
    /// Whether it may name somebody by other entries than these.
    may_name_others: bool,
    /// Whether it may name anybody otherwise than by the account.
    may_name_all: bool,
}

/// What a decision on one of the actions and one key of the account sees of a class and of the key. Where the same is seen the same
/// is decided, deciding statements of the key included, be it on another key if it [is seen of others](Self::is_of_others) as well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    action: u32,
    class: SeenClass,
    key: KeyLikeness,
    /// Those statements of the key that may speak of the action and the class: place, content, whether an entry is for it alone.
    statements: Vec<([usize; 2], usize, bool)>,
}

/// What is seen of a key beside its policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum KeyLikeness {
    /// As of all keys of this kin.
    Kin(usize),
    /// As of all keys of this kin, by whose identity policies nothing is open.
    KinUnderLimits(usize),
    /// As of no other key.
    Alone,
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
    words: Option<&'s KeyWords>,
    /// What each document says of the key.
    says: Cow<'s, [Says]>,
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
    /// What it says of every key of the account, where no resource pattern tells them apart.
    of_every_key: Option<Says>,
}

/// What a statement says of some actions, a bit each.
#[derive(Debug)]
struct Word {
    /// Whether it allows whatever a request holds.
    is_plain: bool,
    /// It speaks of these for certain.
    certain: u64,
    /// It may speak of these.
    possible: u64,
    /// What each of its resource patterns begins with.
    beginnings: Vec<Box<[u8]>>,
}

impl Word {
    fn new(statement: &Statement, actions: &[Action]) -> Self {
        let is_conditional = statement.condition.is_some() || statement.principal.is_some();
        let patterns = statement.resources.iter().flat_map(|resources| &resources.patterns);
        Self {
            is_plain: statement.effect == Effect::Allow && !is_conditional,
            certain: spoken_of(statement, actions, |matches| matches == Match::Yes),
            possible: spoken_of(statement, actions, Match::is_possible),
            beginnings: patterns.map(beginning).collect(),
        }
    }
}

/// The actions of which a statement speaks so, a bit each.
fn spoken_of(statement: &Statement, actions: &[Action], so: fn(Match) -> bool) -> u64 {
    let numbered = actions.iter().zip(0..u64::BITS);
    let spoken_of = numbered.filter(|(action, _)| so(statement.matches_action(action.name())));
    spoken_of.fold(0, |all, (_, place)| all | 1 << place)
}

impl Words {
    /// `keys`: those of which it is asked.
    fn new(document: &Arc<Document>, actions: &[Action], keys: &[Key]) -> Self {
        let of_statements = document.statements.iter().map(|statement| Word::new(statement, actions)).collect();
        let mut words = Self { document: document.clone(), of_statements, of_every_key: None };
        let mut patterns = document.statements.iter().flat_map(|it| &it.resources).flat_map(|it| &it.patterns);
        let tells_apart = |pattern: &ResourcePattern| {
            let beginning = beginning(pattern);
            !pattern.is_everything() && keys.iter().any(|key| may_begin(&beginning, &key.arn))
        };
        if let Some(first) = keys.first()
            && !patterns.any(tells_apart)
        {
            words.of_every_key = Some(words.on(&first.arn));
        }
        words
    }

    /// What the document says of the actions on one key.
    fn on(&self, arn: &str) -> Says {
        if let Some(says) = self.of_every_key {
            return says;
        }
        let mut says = Says { allowed: 0, open: 0, allows: 0 };
        for (statement, word) in self.document.statements.iter().zip(&self.of_statements) {
            let Some(resources) = &statement.resources else {
                says.open |= word.possible;
                continue;
            };
            let has_variables = |pattern: &ResourcePattern| pattern.text().has_variables();
            // Most patterns are for other keys.
            if !resources.negated && !word.beginnings.iter().any(|beginning| may_begin(beginning, arn)) {
                continue;
            }
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

impl Seen {
    /// Whether other keys may be seen so.
    pub fn is_of_others(&self) -> bool {
        self.key != KeyLikeness::Alone
    }
}

impl KeyStatement {
    /// `content`: as [`content_of`](Self::content_of) is numbered.
    fn new(place: [usize; 2], content: usize, statement: &Statement, stand_ins: &StandIns) -> Self {
        use policy::Principal as Entry;
        let element = statement.principal.as_ref();
        let is_negated = element.is_none_or(|element| element.negated);
        let (of_one, others): (Vec<&Entry>, Vec<&Entry>) =
            element.into_iter().flat_map(|element| &element.entries).partition(|entry| is_of_one(entry));
        let entries: Vec<usize> = of_one.iter().filter_map(|entry| stand_ins.entries.get(entry)).copied().collect();
        Self {
            place,
            content,
            effect: statement.effect,
            possible: spoken_of(statement, &stand_ins.actions, Match::is_possible),
            entries,
            may_name_others: is_negated || !others.is_empty(),
            // No session and no service is among the principals of an account.
            may_name_all: is_negated || others.iter().any(|it| matches!(it, Entry::Everyone)),
        }
    }

    /// What the statement says, without the entries that are for one principal each.
    fn content_of(statement: &Statement) -> Statement {
        let mut content = Statement { index: 0, sid: None, ..statement.clone() };
        // Where those are meant whom it does not list, each counts.
        if let Some(element) = content.principal.as_mut().filter(|element| !element.negated) {
            element.entries.retain(|entry| !is_of_one(entry));
        }
        content
    }

    /// Whether it names somebody by one of these entries.
    fn names(&self, entries: &[usize]) -> bool {
        self.entries.iter().any(|entry| entries.contains(entry))
    }
}

/// The number of a thing, the same for those that are equal.
fn numbered<T: Ord>(known: &mut BTreeMap<T, usize>, it: T) -> usize {
    let next = known.len();
    *known.entry(it).or_insert(next)
}

/// Whether an entry is for one principal of an account.
fn is_of_one(entry: &policy::Principal) -> bool {
    use policy::Principal as Entry;
    matches!(entry, Entry::User(_) | Entry::Role(_) | Entry::UniqueId(_))
}

/// What a pattern begins with, before its first wildcard or variable.
fn beginning(pattern: &ResourcePattern) -> Box<[u8]> {
    let source = pattern.text().source();
    source.split(['*', '?', '$']).next().unwrap_or(source).as_bytes().into()
}

/// Whether an ARN may begin so; up to the account letter case may not count.
fn may_begin(beginning: &[u8], arn: &str) -> bool {
    // As far as both go: what an ARN lacks at its end may be read as anything.
    let length = beginning.len().min(arn.len());
    beginning
        .get(..length)
        .zip(arn.as_bytes().get(..length))
        .is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
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
            keys: BTreeMap::new(),
        };
        let Some(account) = self.account(account_id) else { return stand_ins };
        // Keys are put into classes for every action of KMS, which tells more principals apart as well.
        let is_new = |name: &&str| actions.iter().all(|action| action.name() != *name);
        let others = kms_actions().iter().map(|action| action.name).filter(is_new).map(Action::new);
        let asked: Vec<Action> = actions.iter().cloned().chain(others).collect();
        let spoken = Spoken::new(self, &asked);
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
                    stand_ins.documents.push(Words::new(document, actions, &account.keys));
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
        stand_ins.meet_keys(account, &spoken, &kins);
        stand_ins
    }
}

impl StandIns {
    /// The class of a principal of the account, as it lies in the directory.
    pub fn class_of(&self, principal: &Principal) -> Option<usize> {
        *self.classes.get(self.place(principal)?)?
    }

    /// The class of a key of the account, by its ARN: no decision that leaves grants out can tell keys of one class apart, as far as
    /// the principals of the account are concerned. This holds for every action of KMS.
    pub fn class_of_key(&self, arn: &str) -> Option<usize> {
        Some(self.keys.get(arn)?.class)
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

    /// Reads the policies of the account's keys.
    fn meet_keys(&mut self, account: &Account, spoken: &Spoken, kins: &[Kin<'_>]) {
        let levels = [&account.service_control, &account.resource_control].map(|levels| spoken.of_levels(levels));
        let levels: Vec<Arc<Document>> = levels.into_iter().flatten().flatten().flatten().collect();
        let of_keys: Vec<Arc<Document>> = account.keys.iter().flat_map(|key| spoken.of_limits(&key.policies)).collect();
        let limits: Vec<&Document> =
            kins.iter().flat_map(|kin| &kin.boundary).chain(&levels).chain(&of_keys).map(AsRef::as_ref).collect();
        let of_identity = kins.iter().flat_map(|kin| &kin.identity).map(AsRef::as_ref);
        let every: Vec<&Document> = of_identity.chain(limits.iter().copied()).collect();
        let (limits, every) = (patterns(&limits), patterns(&every));
        let [mut classes, mut kins_under_limits, mut kins_of_keys]: [BTreeMap<Column<'_>, usize>; 3] =
            Default::default();
        let mut contents: BTreeMap<Statement, usize> = BTreeMap::new();
        // Which of several keys of one ARN is asked is not known.
        for keys in account.keys.chunk_by(|a, b| a.arn == b.arn) {
            let [key] = keys else { continue };
            let under_limits = Column::new(key, spoken, &limits, false).without_grants();
            let column = Column::new(key, spoken, &every, false).without_grants();
            let class = numbered(&mut classes, column.clone());
            let kin = numbered(&mut kins_of_keys, column.without_policies());
            let kin_under_limits = numbered(&mut kins_under_limits, under_limits.without_policies());
            let mut statements = Vec::new();
            for (place, named) in key.policies.iter().enumerate() {
                for statement in &named.document.statements {
                    let content = numbered(&mut contents, KeyStatement::content_of(statement));
                    statements.push(KeyStatement::new([place, statement.index], content, statement, self));
                }
            }
            let says = OnceLock::new();
            self.keys.insert(key.arn.clone(), KeyWords { class, kin, kin_under_limits, statements, says });
        }
    }

    /// The classes as a key of the account sees them.
    pub fn on(&self, key: &Key) -> OnKey<'_> {
        // An action that is asked of no key is decided by all that speaks of it.
        let is_on_keys = self.actions.len() <= u64::BITS as usize && self.actions.iter().all(is_on_key);
        let say = |words: &Words| if is_on_keys { words.on(&key.arn) } else { Says::ANYTHING };
        let say_all = || self.documents.iter().map(say).collect::<Vec<Says>>();
        let words = self.keys.get(&key.arn);
        OnKey {
            stand_ins: self,
            key_arn: key.arn.clone(),
            words,
            says: words.map_or_else(|| say_all().into(), |words| words.says.get_or_init(say_all).as_slice().into()),
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

    /// What decisions on one of the actions, as [`place`](Self::place) numbers it, see of a class and of the key, with those of its
    /// grants that `key` has.
    pub fn seen_on(&self, key: &Key, class: usize, place: u32) -> Option<Seen> {
        let action = 1_u64.checked_shl(place)?;
        let mut class = self.seen_of(class, action)?;
        let words = self.words?;
        let mut statements = Vec::new();
        for it in words.statements.iter().filter(|it| it.possible & action != 0) {
            let is_named = it.names(&class.names);
            if is_named || it.may_name_others {
                statements.push((it.place, it.content, is_named));
            }
        }
        let is_plain = key.grants.is_empty() && key.grants_gap.is_none() && key.policy_gap.is_none();
        let key = if is_plain {
            // By which entries its statements name the class does not matter then.
            class.names.clear();
            match class.identity.is_empty() {
                true => KeyLikeness::KinUnderLimits(words.kin_under_limits),
                false => KeyLikeness::Kin(words.kin),
            }
        } else {
            KeyLikeness::Alone
        };
        Some(Seen { action: place, class, key, statements })
    }

    /// The number of an action.
    pub fn place(&self, action: &Action) -> Option<u32> {
        let place = self.stand_ins.actions.iter().position(|it| it.name() == action.name())?;
        u32::try_from(place).ok().filter(|place| *place < u64::BITS)
    }

    /// The actions of which an Allow may speak that is of the identity policies of a class, or of a policy of the key that names it
    /// otherwise than by its account: a bit each.
    pub fn may_be_allowed(&self, class: usize) -> u64 {
        let (Some(one), Some(words)) = (self.stand_ins.ones.get(class), self.words) else { return u64::MAX };
        let of_identity = one.identity.iter().map(|place| self.says.get(*place).unwrap_or(&Says::ANYTHING).allows);
        let allows = words.statements.iter().filter(|it| it.effect == Effect::Allow);
        let of_key = allows.filter(|it| it.may_name_all || it.names(&one.names)).map(|it| it.possible);
        of_identity.chain(of_key).fold(0, |all, allows| all | allows)
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
    let named = |document: &Arc<Document>| Named { name: Arc::default(), document: document.clone(), source: None };
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
        // Alike but for their policies.
        let not_all =
            json!({"Effect": "Deny", "NotPrincipal": {"AWS": named(5)}, "Action": "kms:Decrypt", "Resource": "*"});
        world.key(OWNER, "four", &json!([delegation(OWNER), lets_in(5), not_all]));
        world.key(OWNER, "five", &json!([delegation(OWNER), lets_in(6), lets_in(66)]));
        world.key(OWNER, "six", &json!([lets_in(5), delegation(OWNER)]));
        // Keys that AWS would not answer, told apart by their ARNs alone; of the last two, which have the same, nothing is shared.
        let odd = |id: &str, from: &str, to: &str, world: &mut World| {
            let policy = json!([delegation(OWNER), lets_in(6), lets_in(66)]);
            world.key_with(OWNER, id, &policy, |key| key.arn = key_arn(OWNER, id).replace(from, to));
        };
        odd("seven", "arn:aws:", "arn:aws-cn:", &mut world);
        odd("eight", ":key/", ":alias/", &mut world);
        odd("nine", "nine", "ten", &mut world);
        odd("ten", "ten", "ten", &mut world);
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
        let (mut shared, mut across_keys) = (0, 0);
        let mut known = BTreeMap::new();
        for (key, action) in directory.keys().flat_map(|key| actions.iter().map(move |action| (key, action))) {
            let on_key = stand_ins.on(key);
            let place = on_key.place(action).unwrap();
            for principal in directory.principals() {
                let class = stand_ins.class_of(principal).unwrap();
                let found = decided(&directory, principal, key, action);
                // What no Allow speaks of is not allowed, unless the account's own entry or a grant gives it.
                let may_be_given = principal.kind == PrincipalKind::Root || !key.grants.is_empty();
                let may_be_allowed = on_key.may_be_allowed(class) >> place & 1 == 1;
                assert!(may_be_allowed || may_be_given || found.0 == policy::Access::Denied, "{}", principal.arn);
                let Some(seen) = on_key.seen_on(key, class, place) else {
                    assert!(["nine", "ten"].contains(&key.id.as_str()), "{}", key.id);
                    continue;
                };
                match known.get(&seen) {
                    None => drop(known.insert(seen, (&key.id, found))),
                    Some((of_key, known)) => {
                        assert_eq!(*known, found, "{} on {} and on {of_key}", principal.arn, key.id);
                        shared += 1;
                        across_keys += usize::from(**of_key != key.id);
                    }
                }
            }
        }
        assert!(shared > 500 && across_keys > 20 && known.len() > 30, "{shared} {across_keys} {}", known.len());
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
