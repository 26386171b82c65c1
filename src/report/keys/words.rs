//! How pages name what tables name in one word: kinds of access, capabilities, where a principal stands.

use super::entry::{Counts, KINDS};
use crate::access::{Capability, Key, Relation};
use crate::policy::Access;
use crate::report::view::{StatusView, counted, grouped};

/// A kind of access as a badge.
pub(super) fn access(access: Access) -> StatusView {
    let (word, class) = match access {
        Access::Allowed => ("ALLOWED", "allowed"),
        Access::AllowedIfChosen => ("IF CHOSEN", "chosen"),
        Access::ViaService => ("VIA SERVICE", "via"),
        Access::Conditional => ("CONDITIONAL", "conditional"),
        Access::Possible => ("POSSIBLE", "possible"),
        Access::Denied => ("DENIED", "na"),
    };
    StatusView { word, class }
}

/// What a kind of access means, in one sentence.
pub(in crate::report) fn meaning(access: Access) -> &'static str {
    match access {
        Access::Allowed => "Allowed in every request.",
        Access::AllowedIfChosen => {
            "Allowed in every request that the caller makes in the right way; nothing else stands in the way."
        }
        Access::ViaService => "Allowed only in requests that an AWS service makes for the caller.",
        Access::Conditional => {
            "Allowed in some requests, depending on the network, a second factor, the session or the time."
        }
        Access::Possible => {
            "Something that decides could not be read, or AWS does not document the result. Count it as access until it is cleared up."
        }
        Access::Denied => "Denied in every request; not listed.",
    }
}

/// Every kind that leaves something, with its meaning.
pub(in crate::report) fn kinds() -> Vec<(StatusView, &'static str)> {
    KINDS.into_iter().map(|kind| (access(kind), meaning(kind))).collect()
}

/// What holds of the key's state, as a badge.
pub(super) fn state(key: &Key) -> StateView {
    let class = match key.usable_now() {
        Some(true) => "pass",
        Some(false) => "error",
        None => "undecided",
    };
    StateView { word: key.state.clone().unwrap_or_else(|| "STATE NOT READ".to_owned()), class }
}

/// The state of a key: its word comes from AWS.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct StateView {
    pub(super) word: String,
    pub(super) class: &'static str,
}

/// The question that a capability answers.
pub(super) fn question(capability: Capability) -> &'static str {
    match capability {
        Capability::Decrypt => "Who can decrypt",
        Capability::Encrypt => "Who can encrypt",
        Capability::Sign => "Who can sign",
        Capability::Grant => "Who can grant and revoke",
        Capability::Administer => "Who can administer",
        Capability::Destroy => "Who can disable or delete",
    }
}

/// A capability above a column or number.
pub(super) fn label(capability: Capability) -> &'static str {
    match capability {
        Capability::Decrypt => "Decrypt",
        Capability::Encrypt => "Encrypt",
        Capability::Sign => "Sign",
        Capability::Grant => "Grant",
        Capability::Administer => "Administer",
        Capability::Destroy => "Disable or delete",
    }
}

/// Where a principal stands that is not of the key's account; nothing for those that are.
pub(super) fn relation(relation: Relation) -> Option<StatusView> {
    let (word, class) = match relation {
        Relation::Account => return None,
        Relation::Organization => ("other account", "waived"),
        Relation::Service => ("AWS service", "na"),
        Relation::Unknown => ("member or not: not known", "undecided"),
        Relation::Outside => ("outside", "fail"),
        Relation::Everyone => ("everyone", "fail"),
    };
    Some(StatusView { word, class })
}

/// The kinds of access behind a number: `3 allowed`, `2 via service`.
pub(super) fn kinds_of(counts: &Counts) -> Vec<String> {
    let kinds = KINDS.into_iter().filter(|kind| counts.of(*kind) > 0);
    kinds.map(|kind| format!("{} {}", grouped(counts.of(kind)), access(kind).word.to_lowercase())).collect()
}

/// How many are from outside, as far as is known; nothing if none is.
pub(super) fn outside(counts: &Counts) -> String {
    if counts.outside == 0 { String::new() } else { format!("{} from outside", grouped(counts.outside)) }
}

/// The same in one line: `3 allowed, 2 via service; 1 from outside`.
pub(super) fn breakdown(counts: &Counts) -> String {
    let kinds = kinds_of(counts).join(", ");
    if counts.outside == 0 { kinds } else { format!("{kinds}; {}", outside(counts)) }
}

/// `customer managed`, `AWS managed`, or that it is not known.
pub(super) fn manager(key: &Key) -> &'static str {
    match key.is_aws_managed {
        Some(true) => "AWS managed",
        Some(false) => "customer managed",
        None => "manager not read",
    }
}

/// The name by which people know a key: its first alias, else its id.
pub(super) fn name(key: &Key) -> &str {
    key.aliases.first().unwrap_or(&key.id)
}

/// `1 principal`, `2 principals`.
pub(super) fn principals(number: u64) -> String {
    counted(number, "principal", "principals")
}
