//! What the checks of the state of keys share: who is exempt, what still refers to a key, how old something is.

use jiff::Timestamp;

use super::{Judged, Scope};
use crate::finding::Judgement;
use crate::model::{Gap, Key, KeyManager, KeyMetadata, Kms};

/// Judges a customer managed key by its description.
pub(super) fn judged(key: &Key, judge: impl FnOnce(&KeyMetadata) -> Judged) -> Judged {
    let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
    let judgement = match metadata.key_manager {
        KeyManager::Aws => Judgement::not_applicable("AWS manages the key"),
        KeyManager::Customer => judge(metadata)?,
    };
    Ok(judgement.because_of(&metadata.source))
}

/// The Region of a key.
pub(super) fn region<'a>(key: &Key, scope: &Scope<'a>) -> Result<&'a Kms, Gap> {
    scope.account.regions.get(&key.region).ok_or_else(|| Gap::not_collected("kms:ListAliases", &[]))
}

/// What still refers to a key, in words: an alias or a grant.
pub(super) fn reference_to(key: &Key, scope: &Scope<'_>) -> Result<Option<String>, Gap> {
    let kms = region(key, scope)?;
    if let Some(alias) = kms.aliases_of(key).next() {
        return Ok(Some(format!("the alias {alias} points to it")));
    }
    match key.grants.known().len() {
        0 => {}
        1 => return Ok(Some("it has a grant".to_owned())),
        count => return Ok(Some(format!("it has {count} grants"))),
    }
    kms.aliases.whole()?;
    key.grants.whole()?;
    Ok(None)
}

/// Whole days from one time to another; negative when the second is the earlier.
pub(super) fn days(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// The day of a time, as a reason names it.
pub(super) fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}
