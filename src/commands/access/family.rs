//! What the related keys of a multi-Region key add to an answer.

use crate::access::{Decided, Directory, Key, reveals_plaintext};
use crate::commands::console::Console;

/// Notes at each decision on a key what its principal has by decisions on related keys. Leaves of these the ones that go further
/// than those on the key itself.
pub(super) fn add<'a>(
    directory: &'a Directory,
    key: &'a Key,
    decided: &mut [Decided<'a>],
    related: &mut Vec<Decided<'a>>,
    console: &Console,
) {
    for one in decided.iter_mut().filter(|one| reveals_plaintext(one.action)) {
        let theirs = related.iter().filter(|other| is_same(one, other));
        let theirs = theirs.map(|other| {
            let access = other.cell.access.word().replace('_', " ");
            format!("{} ({access})", other.key.region)
        });
        let theirs: Vec<String> = theirs.collect();
        if !theirs.is_empty() {
            one.cell.note(format!("also under the related keys in {}", theirs.join(", ")));
        }
        directory.family(key).unknown().into_iter().for_each(|note| one.cell.note(note));
    }
    if decided.iter().any(|one| reveals_plaintext(one.action)) {
        directory.family(key).unknown().iter().for_each(|unknown| console.warn(unknown));
    }
    related.retain(|other| {
        let direct = decided.iter().filter(|one| is_same(one, other)).map(|one| one.cell.access).min();
        direct.is_none_or(|direct| other.cell.access < direct)
    });
    for other in related {
        other.cell.note(format!("what is encrypted under {} is decrypted under this related key", key.arn));
    }
}

fn is_same(one: &Decided<'_>, other: &Decided<'_>) -> bool {
    let name = |it: &Decided<'_>| (it.principal.arn.clone(), it.principal.kind, it.action.name().to_owned());
    name(one) == name(other)
}
