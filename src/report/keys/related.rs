//! The related keys of a multi-Region key on its page: what it encrypts, each of them decrypts.

use std::collections::BTreeSet;

use serde::Serialize;

use super::entry::{Entry, counts};
use super::key_page::{Telling, Who, rest};
use super::{place, words};
use crate::access::{Capability, Key};
use crate::report::view::{grouped, shortened};

/// Principals that one related key adds and that are shown.
const SHOWN: usize = 200;

/// A related key that was read, and who has what on it.
pub(super) struct Related<'a> {
    pub(super) key: &'a Key,
    pub(super) entries: Vec<Entry>,
}

/// The family of a key, as far as it is not the key itself.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FamilyView {
    related: Vec<RelatedView>,
    /// What is not known of it.
    unknown: Vec<String>,
}

/// A related key.
#[derive(Debug, Clone, Serialize)]
struct RelatedView {
    arn: String,
    region: String,
    state: words::StateView,
    /// Its page; empty where keys share pages.
    href: String,
    total: String,
    query: String,
    /// Those who cannot decrypt with the key of the page itself.
    more: Vec<Who>,
    more_rest: String,
}

/// Who can decrypt with a key.
fn decrypting(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(|entry| entry.capability == Capability::Decrypt)
}

impl Telling<'_> {
    /// The family of the key; nothing for a key of one Region.
    pub(super) fn family(&self) -> Option<FamilyView> {
        let unknown = self.directory.family(self.key).unknown();
        if self.related.is_empty() && unknown.is_empty() {
            return None;
        }
        let related = self.related.iter().map(|it| self.related(it)).collect();
        Some(FamilyView { related, unknown: unknown.iter().map(|it| shortened(it)).collect() })
    }

    /// How many principals can decrypt with a related key only.
    pub(super) fn through_related(&self) -> u64 {
        let more = self.related.iter().flat_map(|it| self.more(it));
        more.map(Entry::principal).collect::<BTreeSet<_>>().len() as u64
    }

    fn more<'e>(&self, related: &'e Related<'_>) -> Vec<&'e Entry> {
        let here: BTreeSet<_> = decrypting(self.entries).map(Entry::principal).collect();
        let mut more: Vec<&Entry> =
            decrypting(&related.entries).filter(|entry| !here.contains(&entry.principal())).collect();
        more.dedup_by(|a, b| a.principal() == b.principal());
        more
    }

    fn related(&self, related: &Related<'_>) -> RelatedView {
        let key = related.key;
        let total = counts(&related.entries).get(&Capability::Decrypt).copied().unwrap_or_default().total();
        let more = self.more(related);
        let hidden = more.len().saturating_sub(SHOWN) as u64;
        RelatedView {
            arn: shortened(&key.arn),
            region: shortened(&key.region),
            state: words::state(key),
            href: if self.has_own_pages { place::of_key(key) } else { String::new() },
            total: grouped(total),
            query: format!("key={} capability={}", key.arn, Capability::Decrypt.word()),
            more: more.iter().take(SHOWN).map(|entry| self.who(entry)).collect(),
            more_rest: rest(hidden, "principal is", "principals are", "data/csv/key_access.csv has"),
        }
    }
}
