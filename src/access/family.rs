//! Families of multi-Region keys: what one member encrypts, every other member decrypts (semantics S-5).

use super::directory::Directory;
use super::key::Key;
use super::row::reveals_plaintext;
use super::who::Decided;
use crate::policy::{Access, Action, Unanswered};

/// The other members of the family of a multi-Region key.
#[derive(Debug)]
pub struct Family<'a> {
    /// Those that were read, sorted by ARN.
    pub related: Vec<&'a Key>,
    /// ARNs of those that a member knows of and that were not read, sorted.
    pub unread: Vec<&'a str>,
    /// Whether these are all: some member could be asked for the others.
    pub is_whole: bool,
}

impl Family<'_> {
    /// What is not known of it, in words.
    pub fn unknown(&self) -> Vec<String> {
        let unread = |arn: &&str| {
            format!("the related key {arn} was not read: who can use it can decrypt what this key encrypts")
        };
        let mut unknown: Vec<String> = self.unread.iter().map(unread).collect();
        if !self.is_whole {
            let others =
                "whether this key has related keys in other Regions, where others can decrypt what it encrypts";
            unknown.push(format!("{others}, could not be read"));
        }
        unknown
    }
}

impl Directory {
    /// The family of a key; empty for a key of one Region.
    pub fn family<'a>(&'a self, key: &'a Key) -> Family<'a> {
        let told = key.family.as_deref().unwrap_or_default();
        let is_related = |other: &&Key| other.arn != key.arn && (other.id == key.id || told.contains(&other.arn));
        // A family lives in one account, and its members share an id that no other key has.
        let members = self.account(&key.account_id).into_iter().flat_map(|account| &account.keys);
        let is_multi_region = key.id.starts_with("mrk-");
        let related: Vec<&Key> = members.filter(|_| is_multi_region).filter(is_related).collect();
        let lists = || [key].into_iter().chain(related.iter().copied()).filter_map(|member| member.family.as_deref());
        let is_unread = |arn: &&str| *arn != key.arn && related.iter().all(|it| it.arn != **arn);
        let mut unread: Vec<&str> = lists().flatten().map(String::as_str).filter(is_unread).collect();
        unread.sort_unstable();
        unread.dedup();
        let is_whole = !is_multi_region || lists().next().is_some();
        Family { related, unread, is_whole }
    }

    /// Who can do an action that reveals plaintext under the related keys of a key, denials left out, sorted by key and
    /// principal; nothing for other actions.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn who_can_by_family<'a>(&'a self, action: &'a Action, key: &'a Key) -> Result<Vec<Decided<'a>>, Unanswered> {
        let mut decided = Vec::new();
        if reveals_plaintext(action) {
            for related in self.family(key).related {
                decided.extend(self.who_can(action, related)?);
            }
        }
        decided.retain(|it| it.cell.access != Access::Denied);
        Ok(decided)
    }
}
