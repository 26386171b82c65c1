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
    /// ARNs of those that the key knows of and that were not read, sorted.
    pub unread: Vec<&'a str>,
}

impl Directory {
    /// The family of a key; empty for a key of one Region.
    pub fn family<'a>(&'a self, key: &'a Key) -> Family<'a> {
        let is_related = |other: &&Key| other.arn != key.arn && (other.id == key.id || key.family.contains(&other.arn));
        // A family lives in one account, and its members share an id that no other key has.
        let members = self.account(&key.account_id).into_iter().flat_map(|account| &account.keys);
        let related: Vec<&Key> = members.filter(|_| key.id.starts_with("mrk-")).filter(is_related).collect();
        let is_unread = |arn: &&str| *arn != key.arn && related.iter().all(|it| it.arn != **arn);
        let mut unread: Vec<&str> = key.family.iter().map(String::as_str).filter(is_unread).collect();
        unread.sort_unstable();
        unread.dedup();
        Family { related, unread }
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
