//! Effective access in a comparison: the table of who gained and lost what on which key, and the section of the page.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Error;
use super::bag::Bag;
use super::columns::File;
use super::table::{SEPARATOR, Table};
use super::view::{MAX_ROWS, counted, grouped, shortened};
use crate::access::Capability;
use crate::diff::{AccessChange, Held, Turn, tally};

/// Name of the table.
const NAME: &str = "access_changes.csv";

/// Groups on the page.
const MAX_GROUPS: usize = MAX_ROWS / 4;
/// Principals of a group on the page.
const MAX_NAMES: usize = 10;

/// A column: its name, what stands there, how it is filled.
type Column = (&'static str, &'static str, fn(&AccessChange) -> String);

/// The columns, in their order, which never changes inside a major version.
const COLUMNS: [Column; 19] = [
    (
        "change",
        "GAINED: denied then, not denied now; LOST: the reverse; CHANGED: another kind of access, other conditions or services; \
         REPLACED: the principal is another one of the same ARN; NOT KNOWN: a gap of one of the snapshots may have made the difference",
        |it| it.change.words().to_owned(),
    ),
    ("key_arn", "ARN of the key", |it| it.key_arn.clone()),
    ("key_account_id", "Account of the key: 12 digits; import the column as text, or leading zeros are lost", |it| {
        it.key_account_id.clone()
    }),
    ("region", "Region of the key", |it| it.region.clone()),
    ("capability", "decrypt, encrypt or sign; grant, administer or destroy", |it| it.capability.word().to_owned()),
    ("actions", "Actions of the capability that changed alike", |it| it.actions.join(SEPARATOR)),
    ("principal_arn", "ARN of the user, role, session or root user; the name of a service; * for everyone", |it| {
        it.principal_arn.clone()
    }),
    ("principal_type", "user, role, session, federated-user, root, account, service or everyone", |it| {
        it.principal_type.to_owned()
    }),
    ("account_id", "Account of the principal; empty for services and everyone", |it| it.account_id.clone()),
    (
        "old_access",
        "In the old snapshot, in the words of key_access.csv; empty where it was denied, or is not known to have been allowed",
        |it| of(it.old.as_ref(), |held| held.access.to_owned()),
    ),
    ("new_access", "The same in the new snapshot", |it| of(it.new.as_ref(), |held| held.access.to_owned())),
    ("old_conditions", "One of these had to hold; empty where nothing was demanded", |it| {
        of(it.old.as_ref(), |held| held.conditions.join(SEPARATOR))
    }),
    ("new_conditions", "One of these must hold; empty where nothing is demanded", |it| {
        of(it.new.as_ref(), |held| held.conditions.join(SEPARATOR))
    }),
    ("old_via", "The services through which it went", |it| of(it.old.as_ref(), |held| held.via.join(SEPARATOR))),
    ("new_via", "The services through which it goes", |it| of(it.new.as_ref(), |held| held.via.join(SEPARATOR))),
    ("old_path", "How it came about: star, user, role, delegation, root-user, cross-account, grant, …", |it| {
        of(it.old.as_ref(), |held| held.path.clone().unwrap_or_default())
    }),
    ("new_path", "How it comes about", |it| of(it.new.as_ref(), |held| held.path.clone().unwrap_or_default())),
    (
        "causes",
        "What changed of all that decides: if there are several, each may be the cause; empty where the change is not known, or where \
         nothing of what is compared changed",
        |it| it.causes.join(SEPARATOR),
    ),
    ("because", "What could not be read and may have made the difference", |it| it.because.clone().unwrap_or_default()),
];

fn of(held: Option<&Held>, text: impl FnOnce(&Held) -> String) -> String {
    held.map(text).unwrap_or_default()
}

/// The file, with what stands in it.
pub(super) fn file() -> File {
    File {
        name: NAME,
        content: "Who gained or lost what on which key: one row for each principal, key, capability and change.",
        key: None,
        columns: COLUMNS.map(|(name, content, _)| (name, content)).to_vec(),
    }
}

/// Writes the table.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(bag: &Bag, changes: &[AccessChange]) -> Result<(), Error> {
    let path = format!("data/csv/{NAME}");
    let mut table = Table::create(bag, &path, COLUMNS.map(|(name, ..)| name))?;
    for change in changes {
        let cells = COLUMNS.map(|(_, _, fill)| fill(change));
        table.row(&cells.each_ref().map(String::as_str))?;
    }
    bag.add(&path, table.finish()?);
    Ok(())
}

/// What became of the access to keys, one sentence a capability; that of decrypting always.
pub fn sentences(changes: &[AccessChange]) -> Vec<String> {
    Capability::ALL.into_iter().filter_map(|capability| sentence(changes, capability)).collect()
}

fn sentence(changes: &[AccessChange], capability: Capability) -> Option<String> {
    let word = capability.word();
    let told = |turn: Turn| {
        let tally = tally(changes, capability, turn);
        let who = counted(tally.principals as u64, "principal", "principals");
        let keys = counted(tally.keys as u64, "key", "keys");
        let text = match turn {
            Turn::Gained => format!("{who} gained {word} on {keys}"),
            Turn::Lost => format!("{who} lost {word} on {keys}"),
            Turn::Changed => format!("for {who} {word} changed, on {keys}"),
            Turn::Replaced => format!("{who} with {word} replaced by another of the same ARN, on {keys}"),
            Turn::NotKnown => format!("for {who} {word} is not known, on {keys}"),
        };
        (tally.principals > 0).then_some(text)
    };
    let parts: Vec<String> = Turn::ALL.into_iter().filter_map(told).collect();
    match (parts.is_empty(), capability) {
        (false, _) => Some(format!("{}.", parts.join("; "))),
        (true, Capability::Decrypt) => Some("Nobody gained or lost decrypt on any key.".to_owned()),
        (true, _) => None,
    }
}

/// The section of the page.
#[derive(Debug, Serialize)]
pub(super) struct AccessView {
    sentences: Vec<String>,
    tallies: Vec<TurnTally>,
    groups: Vec<Group>,
    rest: String,
}

/// How many rows took a turn.
#[derive(Debug, Serialize)]
struct TurnTally {
    words: &'static str,
    count: String,
}

/// The changes on one key that have the same cause.
#[derive(Debug, Serialize)]
struct Group {
    change: &'static str,
    key: String,
    account: String,
    region: String,
    causes: String,
    because: String,
    principals: Vec<Name>,
    more: String,
}

/// A principal, and what changed for it.
#[derive(Debug, Serialize)]
struct Name {
    arn: String,
    kind: &'static str,
    capabilities: String,
}

/// The section of the page.
pub(super) fn view(changes: &[AccessChange]) -> AccessView {
    type Cause<'a> = (Turn, &'a str, &'a [&'static str], Option<&'a str>);
    let mut by_cause: BTreeMap<Cause<'_>, Vec<&AccessChange>> = BTreeMap::new();
    for it in changes {
        by_cause.entry((it.change, &it.key_arn, &it.causes, it.because.as_deref())).or_default().push(it);
    }
    let tallies = Turn::ALL.map(|turn| TurnTally {
        words: turn.words(),
        count: grouped(changes.iter().filter(|it| it.change == turn).count() as u64),
    });
    AccessView {
        sentences: sentences(changes),
        tallies: tallies.into(),
        groups: by_cause.values().take(MAX_GROUPS).filter_map(|changes| group(changes)).collect(),
        rest: match by_cause.len().saturating_sub(MAX_GROUPS) {
            0 => String::new(),
            hidden => format!("{} more than a page holds; data/csv/{NAME} has them all.", grouped(hidden as u64)),
        },
    }
}

/// Changes of one turn, key and cause.
fn group(changes: &[&AccessChange]) -> Option<Group> {
    let first = changes.first()?;
    let mut principals: BTreeMap<(&str, &'static str), BTreeSet<Capability>> = BTreeMap::new();
    for it in changes {
        principals.entry((&it.principal_arn, it.principal_type)).or_default().insert(it.capability);
    }
    let name = |((arn, kind), capabilities): (&(&str, &'static str), &BTreeSet<Capability>)| Name {
        arn: shortened(arn),
        kind,
        capabilities: capabilities.iter().map(|it| it.word()).collect::<Vec<_>>().join(", "),
    };
    Some(Group {
        change: first.change.words(),
        key: shortened(&first.key_arn),
        account: first.key_account_id.clone(),
        region: first.region.clone(),
        causes: match (first.causes.as_slice(), first.change) {
            ([], Turn::NotKnown) => String::new(),
            ([], _) => "nothing of what is compared changed".to_owned(),
            (causes, _) => causes.join("; "),
        },
        because: first.because.as_deref().map(shortened).unwrap_or_default(),
        more: match principals.len().saturating_sub(MAX_NAMES) {
            0 => String::new(),
            more => format!("and {} in {NAME}", counted(more as u64, "more principal", "more principals")),
        },
        principals: principals.iter().take(MAX_NAMES).map(name).collect(),
    })
}
