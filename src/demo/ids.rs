//! Ids, times and chance, all derived from names, so that the same example always gets the same bytes.

use jiff::Timestamp;

use crate::snapshot::v1::Time;

/// Letters of AWS's unique ids: base32 without the digits that read like letters.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A source of pseudo-random numbers (SplitMix64, Steele, Lea and Flood 2014): the same seed, the same numbers, everywhere.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// Chance that depends on names only.
    pub(super) fn of(names: &[&str]) -> Self {
        // FNV-1a, with a separator that no name contains, so that ("ab", "c") and ("a", "bc") differ.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for name in names {
            for byte in name.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        Self(hash)
    }

    /// Chance that depends on a seed and a number beside names.
    pub(super) fn seeded(seed: u64, number: u64, names: &[&str]) -> Self {
        let mut chance = Self::of(names);
        chance.0 ^= seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93);
        chance.next();
        chance
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when `end` is 0. The bias of the remainder does not matter here.
    pub(super) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { usize::try_from(self.next() % end as u64).unwrap_or(0) }
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of the items; the empty text when there is none.
    pub(super) fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items.get(self.below(items.len())).copied().unwrap_or_default()
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(digits: usize, names: &[&str]) -> String {
    let mut chance = Chance::of(names);
    let mut text = String::with_capacity(digits + 16);
    while text.len() < digits {
        text.push_str(&format!("{:016x}", chance.next()));
    }
    text.truncate(digits);
    text
}

/// A UUID of version 4 in form.
pub(super) fn uuid(names: &[&str]) -> String {
    let digits = hex(32, names);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// An id as IAM makes them (`AIDA…`, `AKIA…`), of `length` letters, that ends in `EXAMPLE` as those of AWS's documentation do.
pub(super) fn iam_id(prefix: &str, length: usize, names: &[&str]) -> String {
    const SUFFIX: &str = "EXAMPLE";
    let mut chance = Chance::of(names);
    let mut id = prefix.to_owned();
    while id.len() + SUFFIX.len() < length {
        id.push(char::from(BASE32.get(chance.below(32)).copied().unwrap_or(b'A')));
    }
    id + SUFFIX
}

/// A time on `day` (`2026-05-01`), at an hour, minute and second that depend on the names. A day that is none gives 1970, which a
/// test looks for.
pub(super) fn time_on(day: &str, names: &[&str]) -> Time {
    let mut chance = Chance::of(names);
    let time = format!("{day}T{:02}:{:02}:{:02}Z", 6 + chance.below(13), chance.below(60), chance.below(60));
    Time(time.parse().unwrap_or(Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        // First outputs of the reference implementation for seed 1234567.
        let mut chance = Chance(1_234_567);
        assert_eq!([chance.next(), chance.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn ids_have_the_form_of_aws_and_depend_on_every_name() {
        assert_eq!(uuid(&["a"]).len(), 36);
        assert_eq!(uuid(&["a"]).as_bytes().get(14), Some(&b'4'));
        assert_ne!(uuid(&["ab", "c"]), uuid(&["a", "bc"]));
        let id = iam_id("AKIA", 20, &["a"]);
        assert_eq!(id.len(), 20);
        assert!(id.starts_with("AKIA") && id.ends_with("EXAMPLE"));
    }

    #[test]
    fn times_lie_on_their_day() {
        assert!(time_on("2026-05-01", &["a"]).0.to_string().starts_with("2026-05-01T"));
    }
}
