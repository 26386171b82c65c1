//! Patterns of actions, resources and values against their definitions. The first line of the input is the pattern, the
//! rest is the text that is matched.

use keyproof::policy::{
    ActionPattern, Budget, Document, Glob, Level, Match, Part, ResourcePattern, Symbol, Text, Variables,
    coverage_within,
};
use serde_json::json;

const LONGEST: usize = 400;

pub(crate) fn holds(bytes: &[u8]) {
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    let (pattern, text) = input.split_once('\n').unwrap_or((input, ""));
    if pattern.len() > LONGEST || text.len() > LONGEST {
        return;
    }
    globs_match_as_defined(pattern, text);
    texts_are_cut_at_their_variables(pattern, text);
    actions_ignore_letter_case(pattern, text);
    resources_have_a_narrow_and_a_wide_reading(pattern, text);
    coverage_is_what_the_pattern_matches(pattern, text);
}

fn globs_match_as_defined(pattern: &str, text: &str) {
    let wide = Glob::parse(pattern);
    assert_eq!(wide.matches(text), defined(wide.symbols(), text), "{pattern} {text}");
    assert_eq!(Glob::parse(&wide.to_string()), wide);
    let narrow = wide.within_fields();
    assert_eq!(narrow.matches(text), defined(narrow.symbols(), text), "{pattern} {text}");
    assert!(!narrow.matches(text) || wide.matches(text), "{pattern} {text}");
    if let Some(literal) = wide.as_literal() {
        assert_eq!(wide.matches(text), literal == text);
    }
    assert!(!wide.is_everything() || wide.matches(text));
    let lower = Glob::parse(&pattern.to_ascii_lowercase()).matches(&text.to_ascii_lowercase());
    assert_eq!(wide.matches_ignoring_case(text), lower, "{pattern} {text}");
}

/// The definition by one row of a table: which beginnings of the text the pattern so far matches.
fn defined(symbols: &[Symbol], text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let mut row = vec![false; characters.len() + 1];
    row[0] = true;
    for symbol in symbols {
        let mut next = vec![false; row.len()];
        for end in 0..row.len() {
            let before = end.checked_sub(1).map(|before| (row[before], next[before], characters[before]));
            next[end] = match symbol {
                Symbol::Many => row[end] || before.is_some_and(|(_, longer, _)| longer),
                Symbol::ManyInField => row[end] || before.is_some_and(|(_, longer, last)| longer && last != ':'),
                Symbol::One => before.is_some_and(|(shorter, _, _)| shorter),
                Symbol::OneInField => before.is_some_and(|(shorter, _, last)| shorter && last != ':'),
                Symbol::Char(wanted) => before.is_some_and(|(shorter, _, last)| shorter && last == *wanted),
                Symbol::Letter(_) => unreachable!("a pattern has no letters without case"),
            };
        }
        row = next;
    }
    row.last() == Some(&true)
}

fn texts_are_cut_at_their_variables(pattern: &str, text: &str) {
    let plain = Text::new(pattern.to_owned(), Variables::Plain);
    assert_eq!((plain.fixed_plain(), plain.fixed_glob()), (Some(pattern), Some(&Glob::parse(pattern))));
    let replaced = Text::new(pattern.to_owned(), Variables::Replaced);
    assert_eq!(replaced.source(), pattern);
    assert_eq!(replaced.has_variables(), replaced.variables().next().is_some());
    if replaced.has_variables() {
        let whole: String = replaced.parts().iter().map(written).collect();
        assert_eq!(whole.to_ascii_lowercase(), pattern.to_ascii_lowercase());
    }
    let value = |_: &str| Some(text.to_owned());
    let (Some(filled), Some(glob)) = (replaced.plain(&value), replaced.glob(&value)) else {
        panic!("every variable of {pattern} has a value");
    };
    assert!(glob.matches(&filled) && replaced.widest_glob().matches(&filled), "{pattern} {text}");
    let without = replaced.plain(&|_| None);
    assert_eq!(without.is_some(), replaced.variables().all(|variable| variable.default.is_some()), "{pattern}");
}

fn written(part: &Part) -> String {
    match part {
        Part::Written(text) => text.clone(),
        Part::Escaped(character) => format!("${{{character}}}"),
        Part::Variable(variable) => match &variable.default {
            Some(default) => format!("${{{}, '{default}'}}", variable.key),
            None => format!("${{{}}}", variable.key),
        },
    }
}

fn actions_ignore_letter_case(pattern: &str, text: &str) {
    let read = ActionPattern::new(pattern.to_owned());
    let matches = read.matches(text);
    assert_eq!(matches, read.matches(&text.to_ascii_uppercase()), "{pattern} {text}");
    assert_eq!(matches, ActionPattern::new(pattern.to_ascii_uppercase()).matches(text), "{pattern} {text}");
    assert!(matches == Match::Yes || !read.is_everything());
    if read.covers_service("kms") {
        assert!(["kms:Decrypt", "kms:<other>"].iter().all(|action| read.matches(action) == Match::Yes), "{pattern}");
    }
}

fn resources_have_a_narrow_and_a_wide_reading(pattern: &str, text: &str) {
    let read = ResourcePattern::new(Text::new(pattern.to_owned(), Variables::Replaced));
    let value = |_: &str| Some("v".to_owned());
    let Some(wide) = read.glob(&value) else { panic!("every variable of {pattern} has a value") };
    let matches = read.matches(Some(text), &value);
    assert!(matches != Match::Yes || wide.matches(text), "{pattern} {text}");
    assert!(matches != Match::No || !wide.matches(text), "{pattern} {text}");
    if let (Some(wide), Some(narrow)) = (read.fixed_glob(), read.fixed_narrow_glob()) {
        assert_eq!(matches == Match::Yes, narrow.matches(text) && wide.matches(text), "{pattern} {text}");
    }
    assert_eq!(read.matches(None, &value) == Match::Yes, read.is_everything());
}

fn coverage_is_what_the_pattern_matches(pattern: &str, text: &str) {
    let policy = json!({"Version": "2008-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": pattern}});
    let document = Document::parse(&policy.to_string()).unwrap_or_else(|error| panic!("{error}: {policy}"));
    let coverage = coverage_within(&document, "aws", &["kms:Decrypt"], &mut Budget::of_steps(300_000));
    let resources = document.statements[0].resources.as_ref().expect("a resource");
    let glob = resources.patterns[0].fixed_glob().expect("no variable before 2012");
    assert!(coverage.witness.as_deref().is_none_or(|arn| glob.matches(arn)), "{pattern} {coverage:?}");
    for arn in keys(text) {
        match coverage.level {
            Level::All => assert!(glob.matches(&arn), "{pattern} {arn}"),
            Level::None => assert!(!glob.matches(&arn), "{pattern} {arn}"),
            _ => {}
        }
    }
}

/// Key ARNs with parts made from the input.
fn keys(text: &str) -> Vec<String> {
    let from = |alphabet: &[u8], length: usize, turn: usize| -> String {
        let bytes = text.bytes().chain(1..).skip(turn).take(length);
        bytes.map(|byte| char::from(alphabet[usize::from(byte) % alphabet.len()])).collect()
    };
    let mut keys = Vec::new();
    for turn in 0..3 {
        let hex = from(b"0123456789abcdef", 32, turn);
        let id = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
        let region = format!("{}-{}-{}", from(b"aeuspn", 2, turn), from(b"eastw", 4, turn), from(b"123", 1, turn));
        let account = from(b"0123456789", 12, turn);
        keys.push(format!("arn:aws:kms:{region}:{account}:key/{id}"));
        keys.push(format!("arn:aws:kms:us-east-1:{account}:key/mrk-{hex}"));
    }
    keys
}
