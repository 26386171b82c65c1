//! Which strings can stand in one place of a request: Region names, account ids, key ids, alias names, free text.

/// A language of strings, as a small automaton over characters. From every state an accepting one can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) enum Class {
    /// `[a-z]{2,4}(-[a-z]+)+-[0-9]+`
    Region,
    /// Twelve digits.
    Account,
    /// A lower-case UUID, or `mrk-` and 32 hexadecimal digits.
    KeyId,
    /// `[A-Za-z0-9/_-]+`, but nothing under `aws/`, which KMS keeps to itself.
    AliasName,
    /// Any string.
    Text,
    /// `service:name` in lower case.
    Action,
    /// An ARN without `arn:partition:`, that is `service:region:account:resource`.
    ArnTail,
}

/// Characters that the class does not tell apart and no pattern mentions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) struct Group {
    /// Some or all of them, the most readable first; never empty.
    pub(in crate::policy) characters: Vec<char>,
    /// How many there are.
    pub(in crate::policy) count: u64,
}

const HEX: &str = "0123456789abcdef";
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const ACTION: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const ALIAS: &str = "ebcdfghijklmnopqrtuvxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

/// Where the hyphens of a UUID stand.
const HYPHENS: [u8; 4] = [8, 13, 18, 23];
const AFTER_M: u8 = 37;
const AFTER_MRK: u8 = 40;
const END_OF_MRK: u8 = 72;

impl Class {
    /// The state after `character`, from state 0 on; `None` when no string of the class goes on so.
    pub(in crate::policy) fn step(self, state: u8, character: char) -> Option<u8> {
        match self {
            Self::Account => (state < 12 && character.is_ascii_digit()).then_some(state + 1),
            Self::Region => region(state, character),
            Self::KeyId => key_id(state, character),
            Self::AliasName => alias_name(state, character),
            Self::Text => Some(0),
            Self::Action => action(state, character),
            Self::ArnTail => arn_tail(state, character),
        }
    }

    /// Whether a string may end in this state.
    pub(in crate::policy) fn accepts(self, state: u8) -> bool {
        match self {
            Self::Account => state == 12,
            Self::Region => state == 8,
            Self::KeyId => state == 36 || state == END_OF_MRK,
            Self::AliasName => state > 0,
            Self::Text => true,
            Self::Action => state == 3,
            Self::ArnTail => state == 5,
        }
    }

    pub(in crate::policy) fn contains(self, text: &str) -> bool {
        let end = text.chars().try_fold(0, |state, character| self.step(state, character));
        end.is_some_and(|state| self.accepts(state))
    }

    /// Whether a character can stand in some string of the class.
    pub(in crate::policy) fn knows(self, character: char) -> bool {
        match self {
            Self::Account => character.is_ascii_digit(),
            Self::Region => matches!(character, 'a'..='z' | '0'..='9' | '-'),
            Self::KeyId => matches!(character, 'a'..='f' | '0'..='9' | '-' | 'm' | 'r' | 'k'),
            Self::AliasName => character.is_ascii_alphanumeric() || "/_-".contains(character),
            Self::Text | Self::ArnTail => true,
            Self::Action => matches!(character, 'a'..='z' | '0'..='9' | '-' | ':'),
        }
    }

    /// The characters that no pattern mentions, grouped as far as the class tells them apart.
    pub(in crate::policy) fn groups(self, mentioned: impl Fn(char) -> bool) -> Vec<Group> {
        let groups: &[&str] = match self {
            Self::Account => &[DIGITS],
            Self::Region => &[LETTERS, DIGITS, "-"],
            Self::KeyId => &[HEX, "m", "r", "k", "-"],
            Self::AliasName => &[ALIAS, "a", "w", "s", "/"],
            Self::Action => &[ACTION, "-", ":"],
            Self::Text | Self::ArnTail => {
                let readable = ALIAS.chars().filter(|character| !mentioned(*character));
                // The private use area is the last resort when a policy mentions every letter and digit.
                let private = ('\u{e000}'..='\u{f8ff}').filter(|character| !mentioned(*character));
                let mut groups =
                    vec![Group { characters: readable.chain(private.take(64)).collect(), count: u64::MAX }];
                // Fields of an ARN take some characters only, and its separators stand alone.
                if self == Self::ArnTail {
                    groups = arn_groups(mentioned);
                }
                return groups;
            }
        };
        let free = |group: &&str| group.chars().filter(|character| !mentioned(*character)).collect::<Vec<char>>();
        let groups = groups.iter().map(free).filter(|characters| !characters.is_empty());
        groups.map(|characters| Group { count: characters.len() as u64, characters }).collect()
    }

    /// The `n`-th of a long list of different strings of the class, the most readable first.
    pub(in crate::policy) fn sample(self, n: usize) -> String {
        match (self, n) {
            (Self::Region, 0..4) => {
                ["us-east-1", "eu-west-1", "us-gov-west-1", "cn-north-1"].map(str::to_owned)[n].clone()
            }
            (Self::Region, _) => format!("xx-other-{n}"),
            (Self::Account, 0) => "111122223333".to_owned(),
            (Self::Account, 1) => "444455556666".to_owned(),
            (Self::Account, _) => format!("{:012}", 999_999_999_999_u64 - n as u64),
            (Self::KeyId, 0) => "1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
            (Self::KeyId, 1) => "mrk-1234abcd12ab34cd56ef1234567890ab".to_owned(),
            (Self::KeyId, _) => format!("0987dcba-09fe-87dc-65ba-{n:012x}"),
            (Self::AliasName, 0) => "example".to_owned(),
            (Self::AliasName, _) => format!("example-{n}"),
            (Self::Text, 0) => "other".to_owned(),
            (Self::Text, _) => format!("other-{n}"),
            (Self::Action, _) => format!("other:action{n}"),
            (Self::ArnTail, _) => format!("other:us-east-1:111122223333:example-{n}"),
        }
    }
}

/// States: 0 to 4 letters seen; 5 after the first hyphen; 6 inside a word; 7 after a later hyphen; 8 inside the number.
fn region(state: u8, character: char) -> Option<u8> {
    match (state, character) {
        (0..4, 'a'..='z') => Some(state + 1),
        (2..=4, '-') => Some(5),
        (5..=7, 'a'..='z') => Some(6),
        (6, '-') => Some(7),
        (7 | 8, '0'..='9') => Some(8),
        _ => None,
    }
}

/// States: 0 before the name, 1 to 3 after `a`, `aw`, `aws`, 4 elsewhere.
fn alias_name(state: u8, character: char) -> Option<u8> {
    match (state, character) {
        (0, 'a') => Some(1),
        (1, 'w') => Some(2),
        (2, 's') => Some(3),
        (3, '/') => None,
        _ => Class::AliasName.knows(character).then_some(4),
    }
}

/// States: 0 to 36 characters of a UUID; from 37 on the characters of a multi-Region key id.
fn key_id(state: u8, character: char) -> Option<u8> {
    let hex = matches!(character, '0'..='9' | 'a'..='f');
    match (state, character) {
        (0, 'm') => Some(AFTER_M),
        (AFTER_M, 'r') | (38, 'k') | (39, '-') => Some(state + 1),
        (AFTER_MRK..END_OF_MRK, _) if hex => Some(state + 1),
        (0..=35, '-') if HYPHENS.contains(&state) => Some(state + 1),
        (0..=35, _) if hex && !HYPHENS.contains(&state) => Some(state + 1),
        _ => None,
    }
}

/// States: 0 before and 1 inside the service, 2 before and 3 inside the name.
fn action(state: u8, character: char) -> Option<u8> {
    match (state, character) {
        (0 | 1, 'a'..='z' | '0'..='9' | '-') => Some(1),
        (1, ':') => Some(2),
        (2 | 3, 'a'..='z' | '0'..='9') => Some(3),
        _ => None,
    }
}

/// States: 0 before and 1 inside the service, 2 the Region, 3 the account, 4 before and 5 inside the resource.
fn arn_tail(state: u8, character: char) -> Option<u8> {
    let plain = matches!(character, 'a'..='z' | '0'..='9' | '-');
    match state {
        0 | 1 if plain => Some(1),
        1..=3 if character == ':' => Some(state + 1),
        2 | 3 if plain => Some(state),
        4 | 5 => Some(5),
        _ => None,
    }
}

/// Characters of Regions, services and accounts; the colon; and what only the resource takes.
fn arn_groups(mentioned: impl Fn(char) -> bool) -> Vec<Group> {
    let plain = ACTION.chars().chain(['-']);
    let capitals = 'A'..='Z';
    let private = '\u{e000}'..='\u{e03f}';
    let groups: [Vec<char>; 3] = [plain.collect(), vec![':'], capitals.chain(private).collect()];
    let free = groups.map(|group| group.into_iter().filter(|character| !mentioned(*character)).collect::<Vec<char>>());
    let free = free.into_iter().filter(|characters| !characters.is_empty());
    free.map(|characters| Group { characters, count: u64::MAX }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_names_belong_and_others_do_not() {
        for region in ["us-east-1", "us-gov-west-1", "ap-southeast-12", "eusc-de-east-1", "us-iso-b-east-1"] {
            assert!(Class::Region.contains(region), "{region}");
        }
        for other in ["us-east", "useast-1", "u-east-1", "us--1", "US-EAST-1", "us-east-1a", ""] {
            assert!(!Class::Region.contains(other), "{other}");
        }
        assert!(Class::Account.contains("012345678901") && !Class::Account.contains("12345678901"));
        assert!(Class::KeyId.contains("1234abcd-12ab-34cd-56ef-1234567890ab"));
        assert!(Class::KeyId.contains("mrk-1234abcd12ab34cd56ef1234567890ab"));
        assert!(!Class::KeyId.contains("1234ABCD-12ab-34cd-56ef-1234567890ab"));
        assert!(!Class::KeyId.contains("mrk-1234abcd12ab34cd56ef1234567890a"));
        assert!(Class::AliasName.contains("aw/s3") && Class::AliasName.contains("aws"));
        assert!(!Class::AliasName.contains("aws/s3") && !Class::AliasName.contains(""));
    }

    #[test]
    fn samples_belong_to_their_class_and_differ() {
        let classes =
            [Class::Region, Class::Account, Class::KeyId, Class::AliasName, Class::Text, Class::Action, Class::ArnTail];
        for class in classes {
            let samples: std::collections::BTreeSet<String> = (0..500).map(|n| class.sample(n)).collect();
            assert_eq!(samples.len(), 500, "{class:?}");
            assert!(samples.iter().all(|sample| class.contains(sample)), "{class:?}");
        }
    }

    #[test]
    fn groups_hold_what_no_pattern_mentions() {
        let groups = Class::KeyId.groups(|character| "01mr".contains(character));
        assert_eq!(groups.iter().map(|group| group.count).collect::<Vec<_>>(), [14, 1, 1]);
    }
}
