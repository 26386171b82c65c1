//! Which values are replaced where in a text.
//!
//! A value counts only as a whole word: `alice` in `user/alice`, not in `alice-admin`. Values that are words of this report as well
//! (`admin`) or plain words in tags (`open`) count only as a whole text, in ARNs, in quotes and after `=`, because a sentence would
//! not say any more what it means.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

use super::super::Error;
use super::super::view::shortened;
use super::pseudonym::{Class, Secret};
use crate::checks::CHECKS;

/// The schemas of the pack's own forms.
const FORMS: [&str; 5] = [
    include_str!("../findings.schema.json"),
    include_str!("../pack.schema.json"),
    include_str!("../controls.schema.json"),
    include_str!("../completeness.schema.json"),
    include_str!("../access.schema.json"),
];

/// What no name of the organization's can take the place of, or the pack could not be read any more: members and words of its forms,
/// names of its folders.
static FIXED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let own = "keyproof default data report accounts checks frameworks keys access evidence html csv json ndjson index true false null global";
    let mut words: BTreeSet<String> = own.split(' ').map(str::to_owned).collect();
    words.extend(CHECKS.iter().map(|check| check.id.to_owned()));
    for form in FORMS {
        // A test parses each of them.
        let schema: Value = serde_json::from_str(form).unwrap_or_default();
        collect(&schema, &mut words);
    }
    words
});

/// Names of members, and values that a schema lists.
fn collect(schema: &Value, words: &mut BTreeSet<String>) {
    let Some(members) = schema.as_object() else { return };
    for (name, value) in members {
        match (name.as_str(), value) {
            ("properties", Value::Object(properties)) => words.extend(properties.keys().cloned()),
            ("enum", Value::Array(values)) => words.extend(values.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
            value => collect(value, words),
        }
    }
}

/// Words of the report's sentences.
static SAID: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let texts =
        |check: &'static crate::checks::Check| [check.title, check.rationale, check.rule, check.remediation.summary];
    CHECKS.iter().flat_map(|check| texts(check)).flat_map(|text| runs(text).map(|(_, run)| run)).collect()
});

/// A value to replace.
#[derive(Debug, Clone)]
struct Word {
    class: Class,
    pseudonym: String,
    /// Whether it is replaced in the midst of sentences.
    anywhere: bool,
}

/// The values to replace.
#[derive(Debug)]
pub(super) struct Words {
    words: BTreeMap<String, Word>,
    /// Those of more than one word.
    phrases: Option<(AhoCorasick, Vec<String>)>,
}

impl Words {
    /// # Errors
    /// When the values are too many to be found.
    pub(super) fn new(secret: &Secret, values: BTreeMap<String, Class>) -> Result<Self, Error> {
        let word = |(value, class): (String, Class)| {
            let pseudonym = secret.pseudonym(class, &value);
            let is_number = class != Class::Account && value.bytes().all(|byte| byte.is_ascii_digit());
            let is_plain = matches!(class, Class::Tag | Class::EncryptionContext)
                && value.bytes().all(|byte| byte.is_ascii_lowercase());
            let is_said = is_number || is_plain || SAID.contains(value.as_str());
            let anywhere = value.chars().count() > 2 && !is_said;
            (value, Word { class, pseudonym, anywhere })
        };
        let mut words: BTreeMap<String, Word> =
            values.into_iter().filter(|(value, _)| !FIXED.contains(value.as_str())).map(word).collect();
        // Pages cut long values.
        let cut = words.iter().map(|(value, word)| (shortened(value), word.clone())).collect::<Vec<_>>();
        cut.into_iter().for_each(|(value, word)| {
            words.entry(value).or_insert(word);
        });
        let phrases: Vec<String> = words.keys().filter(|value| !value.chars().all(is_of_names)).cloned().collect();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&phrases);
        let automaton = automaton.map_err(|failed| Error::Redaction { reason: failed.to_string() })?;
        let phrases = (!phrases.is_empty()).then_some((automaton, phrases));
        Ok(Self { words, phrases })
    }

    /// How many values have a pseudonym, by class.
    pub(super) fn counts(&self) -> BTreeMap<Class, usize> {
        let mut counts = BTreeMap::new();
        self.words.values().for_each(|word| *counts.entry(word.class).or_default() += 1);
        counts
    }

    /// How many are kept in sentences.
    pub(super) fn kept(&self) -> usize {
        self.words.values().filter(|word| !word.anywhere).count()
    }

    /// Every value with its class and pseudonym.
    pub(super) fn all(&self) -> impl Iterator<Item = (Class, &str, &str)> {
        self.words.iter().map(|(value, word)| (word.class, value.as_str(), word.pseudonym.as_str()))
    }

    /// A text that is known to be a name as a whole.
    pub(super) fn name(&self, text: &str) -> String {
        self.words.get(text).map_or_else(|| self.replaced(text), |word| word.pseudonym.clone())
    }

    /// A text with pseudonyms.
    pub(super) fn replaced(&self, text: &str) -> String {
        if let Some(word) = self.words.get(text) {
            return word.pseudonym.clone();
        }
        match &self.phrases {
            Some((automaton, phrases)) => self.without_phrases(text, automaton, phrases),
            None => self.by_runs(text),
        }
    }

    fn without_phrases(&self, text: &str, automaton: &AhoCorasick, phrases: &[String]) -> String {
        let (mut shown, mut done) = (String::with_capacity(text.len()), 0);
        for found in automaton.find_iter(text) {
            let is_whole = ends_a_word(&text[..found.start()]) && begins_after_a_word(&text[found.end()..]);
            let word = self.words.get(phrases[found.pattern().as_usize()].as_str());
            if let Some(word) = word.filter(|word| is_whole && word.anywhere) {
                shown += &self.by_runs(&text[done..found.start()]);
                shown += &word.pseudonym;
                done = found.end();
            }
        }
        shown + &self.by_runs(&text[done..])
    }

    fn by_runs(&self, text: &str) -> String {
        let (mut shown, mut done) = (String::with_capacity(text.len()), 0);
        for (at, run) in runs(text) {
            let is_value = text[..at].ends_with(['/', '"', '`', '=', '\'']);
            shown += &text[done..at];
            shown += &self.run(run, is_value);
            done = at + run.len();
        }
        shown + &text[done..]
    }

    /// A run of letters of names: as a whole, or part by part.
    fn run(&self, run: &str, is_value: bool) -> String {
        let whole = |run: &str, is_value: bool| self.words.get(run).filter(|word| word.anywhere || is_value);
        if let Some(word) = whole(run, is_value) {
            return word.pseudonym.clone();
        }
        let (mut shown, mut is_value) = (String::with_capacity(run.len()), is_value);
        for part in run.split_inclusive(['=', ',', '.']) {
            let bare = part.trim_end_matches(['=', ',', '.']);
            match whole(bare, is_value) {
                Some(word) => shown += &word.pseudonym,
                None => shown += &self.digits(bare),
            }
            shown += &part[bare.len()..];
            is_value = part.ends_with('=');
        }
        shown
    }

    /// A run with the pseudonyms of accounts whose ids are a part of it.
    fn digits(&self, run: &str) -> String {
        let (mut shown, mut rest) = (String::with_capacity(run.len()), run);
        while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
            let (before, from) = rest.split_at(at);
            let length = from.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(from.len());
            let (number, after) = from.split_at(length);
            shown += before;
            shown += self.words.get(number).filter(|_| length == 12).map_or(number, |word| &word.pseudonym);
            rest = after;
        }
        shown + rest
    }
}

/// Whether a letter may stand in names of IAM.
fn is_of_names(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter)
}

/// Whether a text may end before a phrase.
fn ends_a_word(before: &str) -> bool {
    before.chars().next_back().is_none_or(|letter| !letter.is_alphanumeric())
}

/// Whether a text may begin after a phrase.
fn begins_after_a_word(after: &str) -> bool {
    after.chars().next().is_none_or(|letter| !letter.is_alphanumeric())
}

/// The runs of letters of names in a text, without the full stop or comma of a sentence, each with its place.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let begin = at + text.get(at..)?.find(is_of_names)?;
            let end = text[begin..].find(|letter| !is_of_names(letter)).map_or(text.len(), |length| begin + length);
            at = end;
            let run = text[begin..end].trim_end_matches(['.', ',']);
            if !run.is_empty() {
                return Some((begin, run));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(values: &[(&str, Class)]) -> Words {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        crate::files::write_atomic(&path, b"0123456789abcdef").unwrap();
        let values = values.iter().map(|(value, class)| ((*value).to_owned(), *class)).collect();
        Words::new(&Secret::read(&path).unwrap(), values).unwrap()
    }

    #[test]
    fn a_name_is_replaced_wherever_it_is_a_word() {
        let words = words(&[("alice", Class::User), ("j.smith", Class::User)]);
        let alice = words.name("alice");
        for (text, expected) in [
            ("alice", "§"),
            ("arn:aws:iam::111122223333:user/team/alice", "arn:aws:iam::111122223333:user/team/§"),
            ("The user alice, like alice. And alice's key", "The user §, like §. And §'s key"),
            ("user=alice", "user=§"),
            ("\"alice\"", "\"§\""),
            ("user/alice*", "user/§*"),
            ("alice-admin and malice", "alice-admin and malice"),
            ("", ""),
        ] {
            assert_eq!(words.replaced(text), expected.replace('§', &alice), "{text}");
        }
        assert!(!words.replaced("j.smith.").contains("smith"));
        let once = words.replaced("alice");
        assert_eq!(words.replaced(&once), once);
    }

    #[test]
    fn ids_of_accounts_are_found_inside_file_names() {
        let words = words(&[("111122223333", Class::Account)]);
        let id = words.name("111122223333");
        assert_eq!(words.replaced("../accounts/111122223333.html#f-1"), format!("../accounts/{id}.html#f-1"));
        assert_eq!(words.replaced("a-111122223333"), format!("a-{id}"));
        assert_eq!(words.replaced("1111222233334"), "1111222233334");
    }

    #[test]
    fn phrases_are_replaced_as_a_whole() {
        let words = words(&[("Log Archive", Class::AccountName), ("Ärzte & Co", Class::Tag)]);
        assert_eq!(words.replaced("in Log Archive;"), format!("in {};", words.name("Log Archive")));
        assert_eq!(words.replaced("Log Archives"), "Log Archives");
        assert!(!words.replaced("team=Ärzte & Co").contains("Ärzte"));
    }

    #[test]
    fn the_forms_have_words_that_no_name_takes_the_place_of() {
        for word in ["status", "FAIL", "resource_arn", "tie_outs", "determination", "iam-root-mfa"] {
            assert!(FIXED.contains(word), "{word}");
        }
        for word in ["password", "alice", "The"] {
            assert!(!FIXED.contains(word), "{word}");
        }
    }

    #[test]
    fn words_of_the_report_stay_in_sentences_and_go_from_arns() {
        let words = words(&[("password", Class::User), ("status", Class::User), ("x", Class::User)]);
        assert_eq!(words.replaced("a password of x"), "a password of x");
        assert!(words.replaced("user/password").starts_with("user/user-"));
        assert!(words.name("x").starts_with("user-"));
        assert_eq!(words.replaced("status"), "status");
        let words = self::words(&[("open", Class::Tag)]);
        assert_eq!(words.replaced("the key is open"), "the key is open");
        for text in ["open", "state=open", "\"open\""] {
            assert!(!words.replaced(text).contains("open"), "{text}");
        }
    }
}
