//! Where the page of a key lies. Ids come from AWS: one that is no plain name is replaced by a digest of itself.

use crate::access::Key;
use crate::digest;

/// Keys up to which each has a page of its own; beyond, one page tells of an account and Region.
pub(super) const MAX_PAGES: usize = 2_000;

/// A name for a file, folder or place on a page: the text itself where it is plain.
pub(super) fn plain(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_plain && !text.is_empty() && text.len() <= 64 {
        return text.to_owned();
    }
    format!("x-{}", digest::sha256(text.as_bytes()).get(..16).unwrap_or_default())
}

/// The place of a key on a page.
pub(super) fn anchor(key: &Key) -> String {
    format!("k-{}", plain(&key.id))
}

/// The page of one key, from the folder of the report.
pub(super) fn of_key(key: &Key) -> String {
    format!("{}/{}.html", folder(key), plain(&key.id))
}

/// The page of the keys of an account and Region: the first, second, … part of it.
pub(super) fn of_region(key: &Key, part: usize) -> String {
    match part {
        0 => format!("{}.html", folder(key)),
        part => format!("{}-{}.html", folder(key), part + 1),
    }
}

fn folder(key: &Key) -> String {
    format!("keys/{}/{}", plain(&key.account_id), plain(&key.region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_name_becomes_a_digest_and_stays_apart() {
        assert_eq!(plain("mrk-1234abcd"), "mrk-1234abcd");
        let odd = ["", "../x", "a b", "a/b", "ü", "."].map(plain);
        assert!(odd.iter().all(|name| name.starts_with("x-") && name.len() == 18), "{odd:?}");
        assert_ne!(odd[1], odd[2]);
    }
}
