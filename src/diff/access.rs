//! Effective access then and now: who gained and who lost what on which key, and what changed of all that decides it.
//!
//! **Invariant:** without the rows of principals that were replaced, the rows are exactly the difference of what the two snapshots
//! decide, so that each can be found again with `keyproof access matrix`. A difference that a gap of either snapshot may have made
//! is NOT KNOWN, never a gain or a loss.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use super::Error;
use super::inventory::{Inventory, Presence};
use crate::access::{
    Account, Basis, Capability, Classes, Decided, Directory, Estate, Factor, Key, Matrix, Principal, PrincipalKind,
};
use crate::audit::Selection;
use crate::policy::{Access, Action};
use crate::snapshot::{self, Snapshot};

/// What became of what a principal can do on a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Denied then, and now it is not.
    Gained,
    /// Not denied then, and now it is.
    Lost,
    /// Of another kind, under other conditions or through other services.
    Changed,
    /// As it may be, but the principal is another one of the same ARN.
    Replaced,
    /// A gap of one of the snapshots may have made the difference.
    NotKnown,
}

impl Turn {
    /// Every turn, in the order of pages.
    pub const ALL: [Self; 5] = [Self::Gained, Self::Lost, Self::Changed, Self::Replaced, Self::NotKnown];

    /// The words of every file and page.
    pub fn words(self) -> &'static str {
        match self {
            Self::Gained => "GAINED",
            Self::Lost => "LOST",
            Self::Changed => "CHANGED",
            Self::Replaced => "REPLACED",
            Self::NotKnown => "NOT KNOWN",
        }
    }
}

/// What a principal has in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Held {
    /// `allowed`, `allowed_if_chosen`, `via_service`, `conditional`, `possible`.
    pub access: &'static str,
    /// How it comes about.
    pub path: Option<String>,
    /// One of these must hold; nothing is demanded when there is none.
    pub conditions: Vec<String>,
    /// The services through which it goes.
    pub via: Vec<String>,
}

impl Held {
    fn new(decided: &Decided<'_>) -> Self {
        let cell = &decided.cell;
        Self {
            access: cell.access.word(),
            path: cell.path.map(|path| path.to_string()),
            conditions: cell.condition_words(),
            via: cell.via.clone(),
        }
    }

    /// Whether it lets as much through; the path says only how.
    fn is_like(&self, other: &Self) -> bool {
        (self.access, &self.conditions, &self.via) == (other.access, &other.conditions, &other.via)
    }
}

/// What became of the actions of one capability that changed alike, for one principal on one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AccessChange {
    /// Account of the key: 12 digits.
    pub key_account_id: String,
    /// ARN of the key.
    pub key_arn: String,
    /// Region of the key.
    pub region: String,
    /// ARN of the user, role, session or root user; the name of a service; `*` for everyone.
    pub principal_arn: String,
    /// `user`, `role`, `session`, `federated-user`, `root`, `account`, `service`, `everyone`.
    pub principal_type: &'static str,
    /// Account of the principal; empty for services and everyone.
    pub account_id: String,
    /// `decrypt`, `encrypt`, `sign`, `grant`, `administer`, `destroy`.
    #[serde(serialize_with = "word")]
    pub capability: Capability,
    /// What became of it.
    pub change: Turn,
    /// The actions: `kms:Decrypt`, …
    pub actions: Vec<String>,
    /// What it had; nothing where it was denied, or is not known to have been.
    pub old: Option<Held>,
    /// What it has; nothing where it is denied, or is not known to be.
    pub new: Option<Held>,
    /// Everything that changed of what decides: if there are several, each may be the cause. Empty where that was not found, and
    /// where the change is not known.
    pub causes: Vec<&'static str>,
    /// What could not be read, where that may have made the difference.
    pub because: Option<String>,
}

fn word<S: serde::Serializer>(capability: &Capability, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(capability.word())
}

/// How many principals and keys met one turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Principals, each once.
    pub principals: usize,
    /// Keys, each once.
    pub keys: usize,
}

/// Counts the principals for which a capability took a turn, and the keys on which it did.
pub fn tally(changes: &[AccessChange], capability: Capability, turn: Turn) -> Tally {
    let of = || changes.iter().filter(|it| it.capability == capability && it.change == turn);
    Tally {
        principals: of().map(|it| (&it.principal_arn, it.principal_type)).collect::<BTreeSet<_>>().len(),
        keys: of().map(|it| &it.key_arn).collect::<BTreeSet<_>>().len(),
    }
}

/// The principals and keys of a snapshot.
pub(super) fn directory(snapshot: &Snapshot) -> Result<Directory, snapshot::Error> {
    let organization = snapshot.organization()?;
    let manifest = snapshot.manifest();
    Directory::read(&manifest.partition, Estate::new(organization.clone()), &manifest.accounts, |account| {
        snapshot.account(account, &organization)
    })
}

/// Two snapshots, the earlier one first.
type Two<T> = [T; 2];

/// Compares what everybody can do on the keys of the selected accounts. The accounts are decided and dropped in groups.
pub(super) fn compare(
    directories: Two<&Directory>,
    inventories: Two<&Inventory>,
    selection: &Selection,
) -> Result<Vec<AccessChange>, Error> {
    let questions = Capability::questions();
    let actions: Vec<Action> = questions.iter().map(|(_, action)| action.clone()).collect();
    let comparing = Comparing {
        directories,
        inventories,
        capabilities: questions.iter().map(|(capability, action)| (action.name(), *capability)).collect(),
    };
    let ids: BTreeSet<&str> = directories.iter().flat_map(|it| it.accounts()).map(|it| it.id.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().filter(|id| selection.wants_account(id)).collect();
    let [old, new] = directories.map(|it| Classes::new(it, &actions));
    let mut changes = Vec::new();
    for group in ids.chunks(rayon::current_num_threads()) {
        let [then, now] = directories.map(|it| group.iter().filter_map(|id| it.account(id)).collect::<Vec<&Account>>());
        let (before, after) = rayon::join(|| old.matrix_of(&then), || new.matrix_of(&now));
        let matrices = [&before?, &after?];
        let keys = then.iter().chain(&now).flat_map(|account| &account.keys);
        let keys: BTreeSet<&str> = keys.map(|key| key.arn.as_str()).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        let found: Vec<Vec<AccessChange>> = keys.par_iter().map(|arn| comparing.key(matrices, arn)).collect();
        changes.extend(found.into_iter().flatten());
    }
    changes.sort();
    Ok(changes)
}

/// What every comparison of a key needs.
struct Comparing<'a> {
    directories: Two<&'a Directory>,
    inventories: Two<&'a Inventory>,
    capabilities: BTreeMap<&'a str, Capability>,
}

/// What is told of actions together: capability, turn, what was and is held, what may have made the difference.
type Alike = (Capability, Turn, Two<Option<Held>>, Option<String>);

/// What one principal has in each snapshot, by action.
type Actions<'d, 'a> = BTreeMap<&'d str, Two<Option<&'d Decided<'a>>>>;

impl Comparing<'_> {
    /// What changed on one key, which at least one of the snapshots knows.
    fn key(&self, matrices: Two<&Matrix<'_, '_>>, arn: &str) -> Vec<AccessChange> {
        let keys = self.directories.map(|it| it.key(arn));
        let [old, new] = [0, 1].map(|side| {
            let (matrix, key) = (matrices[side], keys[side]);
            let decided = key.map(|key| matrix.on(key)).unwrap_or_default();
            decided.into_iter().filter(|it| it.key.can_serve(it.action.name())).collect::<Vec<_>>()
        });
        let mut principals: BTreeMap<(&str, PrincipalKind), Actions<'_, '_>> = BTreeMap::new();
        for (side, decided) in [&old, &new].into_iter().enumerate() {
            for it in decided {
                let actions = principals.entry((it.principal.arn.as_str(), it.principal.kind)).or_default();
                actions.entry(it.action.name()).or_default()[side] = Some(it);
            }
        }
        principals.values().flat_map(|actions| self.principal(keys, actions)).collect()
    }

    /// What changed for one principal.
    fn principal(&self, keys: Two<Option<&Key>>, actions: &Actions<'_, '_>) -> Vec<AccessChange> {
        let Some(any) = actions.values().flatten().flatten().next() else { return vec![] };
        let (key, principal) = (any.key, any.principal.as_ref());
        let mut judged: Option<Judged> = None;
        let mut alike: BTreeMap<Alike, Vec<String>> = BTreeMap::new();
        for (action, sides) in actions {
            let Some(capability) = self.capabilities.get(action) else { continue };
            let held = sides.map(|side| side.map(Held::new));
            let is_same = match &held {
                [Some(old), Some(new)] => old.is_like(new),
                _ => false,
            };
            let ids = sides.map(|side| side.and_then(|it| it.principal.unique_id()));
            let is_replaced = matches!(ids, [Some(old), Some(new)] if old != new);
            if is_same && !is_replaced {
                continue;
            }
            let judged = judged.get_or_insert_with(|| self.judge(keys, key, principal));
            let doubt = if is_same { None } else { judged.doubt(sides) };
            let turn = match (&held, &doubt) {
                ([Some(_), Some(_)], _) if is_replaced => Turn::Replaced,
                (_, Some(_)) => Turn::NotKnown,
                ([None, _], None) => Turn::Gained,
                ([_, None], None) => Turn::Lost,
                _ => Turn::Changed,
            };
            alike.entry((*capability, turn, held, doubt)).or_default().push((*action).to_owned());
        }
        let Some(judged) = judged else { return vec![] };
        let change = |((capability, change, [old, new], because), actions): (Alike, Vec<String>)| AccessChange {
            key_account_id: key.account_id.clone(),
            key_arn: key.arn.clone(),
            region: key.region.clone(),
            principal_arn: principal.arn.clone(),
            principal_type: principal.kind.word(),
            account_id: principal.account_id.clone(),
            capability,
            change,
            actions,
            old,
            new,
            causes: if change == Turn::NotKnown { vec![] } else { judged.causes.clone() },
            because,
        };
        alike.into_iter().map(change).collect()
    }

    /// What changed of all that decides on a key for a principal, and what could not be read of it.
    fn judge(&self, keys: Two<Option<&Key>>, key: &Key, principal: &Principal) -> Judged {
        let words = |factors: BTreeSet<Factor>| factors.into_iter().map(Factor::words).collect();
        let [Some(old), Some(new)] = keys else {
            let side = usize::from(keys[0].is_some());
            let presence = self.inventories[side].presence(&key.account_id, &key.region, "AWS::KMS::Key", &key.arn);
            let hidden = match presence {
                Presence::NotKnown(reason) => Some(reason),
                Presence::There | Presence::Absent => None,
            };
            let factor = if side == 0 { Factor::KeyCame } else { Factor::KeyWent };
            let gap_of = |directory| Basis::new(directory, key, principal).gap();
            let gaps = [0, 1].map(|it| if it == side { None } else { gap_of(self.directories[it]) });
            return Judged { causes: words(BTreeSet::from([factor])), hidden, gaps };
        };
        let [then, now] = self.directories;
        let bases = [Basis::new(then, old, principal), Basis::new(now, new, principal)];
        Judged {
            causes: words(bases[0].changed_to(&bases[1])),
            hidden: self.hidden([old, new], bases.map(|it| it.principal().is_some()), principal),
            gaps: bases.map(|it| it.gap()),
        }
    }

    /// Why what the snapshots tell of a principal cannot be compared, if it cannot.
    fn hidden(&self, keys: Two<&Key>, is_known: Two<bool>, principal: &Principal) -> Option<String> {
        let id = &principal.account_id;
        let accounts = self.directories.map(|it| it.account(id));
        if accounts[0].is_some() != accounts[1].is_some() {
            return Some(format!("account {id} was read in one snapshot only"));
        }
        [0, 1].into_iter().find_map(|side| {
            let lists = accounts[side].map(|account| account.lists_all_principals);
            match (principal.kind, lists) {
                // It stands for those who were not read.
                (PrincipalKind::Account, Some(false)) => {
                    Some(format!("the principals of account {id} are not all known in both snapshots"))
                }
                _ if is_known[side] => None,
                (PrincipalKind::User | PrincipalKind::Role, Some(true)) => None,
                (PrincipalKind::User | PrincipalKind::Role | PrincipalKind::Session, Some(false)) => {
                    Some(format!("the principals of account {id} are not all known in both snapshots"))
                }
                // It is known by the documents that name it alone.
                _ => {
                    let gap = keys[side].policy_gap.as_ref().or(keys[side].grants_gap.as_ref())?;
                    Some(format!("{} snapshot: {}", SIDES[side], gap.reason()))
                }
            }
        })
    }
}

/// The snapshots in words.
const SIDES: Two<&str> = ["old", "new"];

/// What is known of the differences for one principal on one key.
struct Judged {
    /// What changed of all that decides.
    causes: Vec<&'static str>,
    /// Why the snapshots cannot be compared, if they cannot.
    hidden: Option<String>,
    /// What could not be read in each.
    gaps: Two<Option<String>>,
}

impl Judged {
    /// What may have made a difference that is none, if something may. What is allowed outright, or denied, is so whatever could not
    /// be read.
    fn doubt(&self, sides: &Two<Option<&Decided<'_>>>) -> Option<String> {
        let is_open = |side: &&Decided<'_>| side.cell.access != Access::Allowed;
        let doubts = [0, 1].into_iter().filter_map(|side| {
            let gap = self.gaps[side].as_ref().filter(|_| sides[side].as_ref().is_some_and(is_open))?;
            Some(format!("{} snapshot: {gap}", SIDES[side]))
        });
        self.hidden.iter().cloned().chain(doubts).next()
    }
}
