//! Which keys and which access an answer is about.

use super::find;
use crate::access::{Directory, Key};
use crate::cli::{AccessKind, FilterArgs};
use crate::commands::console::Console;
use crate::policy::Access;

/// The filters of one command.
pub(super) struct Filter<'a> {
    directory: &'a Directory,
    args: &'a FilterArgs,
    /// ARNs of the keys that are named.
    keys: Vec<&'a str>,
    tags: Vec<(&'a str, &'a str)>,
}

impl<'a> Filter<'a> {
    /// Refuses what names nothing of the snapshot, and says on standard error what the filters leave out.
    pub(super) fn new(directory: &'a Directory, args: &'a FilterArgs, console: &Console) -> anyhow::Result<Self> {
        find::accounts(directory, &args.account)?;
        find::units(directory, &args.ou)?;
        find::aliases(directory, &args.alias)?;
        let tags = find::tags(directory, &args.tag, console)?;
        let keys = args.key.iter().map(|key| Ok(find::key(directory, key)?.arn.as_str()));
        let filter = Self { directory, args, keys: keys.collect::<anyhow::Result<_>>()?, tags };
        let (all, wanted) = (directory.keys().count(), directory.keys().filter(|key| filter.wants(key)).count());
        if wanted == 0 && all > 0 {
            console.warn("no key passes every filter");
        } else if wanted < all {
            console.note(&format!("filters leave {} out of {all}", counted(all - wanted, "key")));
        }
        let is_open = |key: &&Key| key.tags.is_none() && filter.wants(key);
        let open = directory.keys().filter(is_open).count();
        if !filter.tags.is_empty() && open > 0 {
            console.warn(&format!("--tag keeps {}, whose tags were not read", counted(open, "key")));
        }
        Ok(filter)
    }

    /// Whether the answer is about a key.
    pub(super) fn wants(&self, key: &Key) -> bool {
        let args = self.args;
        let path = self.directory.account(&key.account_id).map_or("", |account| account.ou_path.as_str());
        let below =
            |unit: &String| path == unit || path.strip_prefix(unit.as_str()).is_some_and(|it| it.starts_with('/'));
        let may_have = |tag: &(&str, &str)| match &key.tags {
            Some(tags) => tags.get(tag.0).is_some_and(|value| value == tag.1),
            // What was not read may be anything.
            None => true,
        };
        (args.account.is_empty() || args.account.contains(&key.account_id))
            && (args.ou.is_empty() || args.ou.iter().any(below))
            && (self.keys.is_empty() || self.keys.contains(&key.arn.as_str()))
            && (args.alias.is_empty() || key.aliases.iter().any(|alias| args.alias.contains(alias)))
            && self.tags.iter().all(may_have)
    }
}

/// Whether the answer is about access of a kind.
pub(super) fn wants_access(kinds: &[AccessKind], access: Access) -> bool {
    kinds.is_empty() || kinds.iter().any(|kind| of_kind(*kind) == access)
}

/// Says on standard error how much `--access` left out.
pub(super) fn left_out(count: usize, console: &Console) {
    if count > 0 {
        console.note(&format!("--access leaves out {}", counted(count, "row")));
    }
}

/// A number of things in words.
fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

fn of_kind(kind: AccessKind) -> Access {
    match kind {
        AccessKind::Allowed => Access::Allowed,
        AccessKind::AllowedIfChosen => Access::AllowedIfChosen,
        AccessKind::ViaService => Access::ViaService,
        AccessKind::Conditional => Access::Conditional,
        AccessKind::Possible => Access::Possible,
    }
}
