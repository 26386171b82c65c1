//! Which actions a statement speaks about.

use super::Match;
use super::glob::{Glob, Symbol};

/// `Action` or `NotAction` of a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Actions {
    /// True for `NotAction`.
    pub negated: bool,
    /// The listed patterns; may be empty.
    pub patterns: Vec<ActionPattern>,
}

impl Actions {
    /// Whether the element matches `action` (`kms:Decrypt`, letter case ignored). An empty `Action` matches nothing; an
    /// empty `NotAction` is undocumented (semantics U-14).
    #[must_use]
    pub fn matches(&self, action: &str) -> Match {
        let listed = Match::any(self.patterns.iter().map(|pattern| pattern.matches(action)));
        match self.negated {
            false => listed,
            true if self.patterns.is_empty() => Match::Unsure,
            true => !listed,
        }
    }

    /// Whether the element may match some action of a service; if not, it matches none.
    #[must_use]
    pub fn may_concern(&self, service: &str) -> bool {
        self.negated || self.patterns.iter().any(|pattern| pattern.may_concern(service))
    }

    /// Whether the element grants every action of a service (`s3`), those that do not exist yet included: by one pattern, or by a
    /// `NotAction` that names nothing of it.
    #[must_use]
    pub fn covers_service(&self, service: &str) -> bool {
        if !self.negated {
            return self.patterns.iter().any(|pattern| pattern.covers_service(service));
        }
        !self.patterns.is_empty() && !self.patterns.iter().any(|pattern| pattern.may_concern(service))
    }
}

/// The services of actions, each once where those of one stand together.
pub(super) fn services_of<'a>(actions: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut services: Vec<&str> = actions.filter_map(|action| action.split(':').next()).collect();
    services.dedup();
    services
}

/// One action pattern, `*` or `service:name` with wildcards in the name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionPattern {
    source: String,
    glob: Glob,
    kind: Kind,
    form: Form,
}

/// How a pattern is written, as far as matching gets shorter by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// Without wildcards.
    Literal,
    /// So many bytes without wildcards, and one star.
    Beginning(usize),
    /// Any other.
    General,
}

impl Form {
    fn of(source: &str) -> Self {
        match source.find(['*', '?']) {
            None => Self::Literal,
            Some(place) if source.get(place..) == Some("*") => Self::Beginning(place),
            Some(_) => Self::General,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// `*`, or `*:*` which is met in the wild and means the same.
    Everything,
    /// `service:name`.
    Ordinary,
    /// A wildcard before the colon: IAM refuses to store it, so what it would match is not documented (U-9).
    WildcardService,
    /// Blanks and commas can be stored and never match an action.
    Nothing,
}

impl ActionPattern {
    /// Reads a pattern; every string is one.
    #[must_use]
    pub fn new(source: String) -> Self {
        let glob = Glob::parse(&source.to_ascii_lowercase());
        let service = source.split_once(':').map(|(service, _)| service);
        let kind = if glob.is_everything() || source == "*:*" {
            Kind::Everything
        } else if source.contains([' ', ',', '\t', '\n', '\r']) {
            Kind::Nothing
        } else {
            match service {
                Some(service) if !service.contains(['*', '?']) => Kind::Ordinary,
                None if !source.contains(['*', '?']) => Kind::Nothing,
                _ => Kind::WildcardService,
            }
        };
        let form = Form::of(&source);
        Self { source, glob, kind, form }
    }

    /// The pattern as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// True for `*` and `*:*`.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.kind == Kind::Everything
    }

    /// True when a wildcard before the colon could reach several services.
    #[must_use]
    pub fn may_cross_services(&self) -> bool {
        matches!(self.kind, Kind::Everything | Kind::WildcardService)
    }

    fn may_concern(&self, service: &str) -> bool {
        let named = || self.source.split_once(':').map(|(named, _)| named);
        self.may_cross_services() || named().is_some_and(|named| named.eq_ignore_ascii_case(service))
    }

    /// Whether `action` matches, letter case ignored. `service:<other>` stands for the actions that do not exist yet.
    #[must_use]
    pub fn matches(&self, action: &str) -> Match {
        if let Some(service) = action.strip_suffix(":<other>") {
            return Match::from(self.covers_service(service));
        }
        match self.kind {
            Kind::Everything => Match::Yes,
            Kind::Nothing => Match::No,
            Kind::Ordinary => Match::from(self.matches_letters(action)),
            Kind::WildcardService if self.matches_letters(action) => Match::Unsure,
            Kind::WildcardService => Match::No,
        }
    }

    fn matches_letters(&self, action: &str) -> bool {
        match self.form {
            Form::Literal => action.eq_ignore_ascii_case(&self.source),
            Form::Beginning(length) => {
                let beginnings = action.as_bytes().get(..length).zip(self.source.as_bytes().get(..length));
                beginnings.is_some_and(|(found, wanted)| found.eq_ignore_ascii_case(wanted))
            }
            Form::General => self.glob.matches_ignoring_case(action),
        }
    }

    /// Whether the pattern covers every action of `service`, those that do not exist yet included: `*`, or the service
    /// followed by nothing but `*` (semantics A-7).
    #[must_use]
    pub fn covers_service(&self, service: &str) -> bool {
        match self.kind {
            Kind::Everything => true,
            Kind::Nothing | Kind::WildcardService => false,
            Kind::Ordinary => {
                let symbols = self.glob.symbols();
                let name = service.chars().chain([':']).map(|character| Symbol::Char(character.to_ascii_lowercase()));
                symbols.iter().copied().eq(name.chain([Symbol::Many]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, action: &str) -> Match {
        ActionPattern::new(pattern.to_owned()).matches(action)
    }

    #[test]
    fn letter_case_is_ignored_on_both_sides_of_the_colon() {
        assert_eq!(matches("KMS:decrypt", "kms:Decrypt"), Match::Yes);
        assert_eq!(matches("kms:De*", "KMS:DECRYPT"), Match::Yes);
        assert_eq!(matches("kms:ReEncrypt????", "kms:ReEncryptFrom"), Match::Yes);
        assert_eq!(matches("kms:ReEncrypt????", "kms:ReEncryptTo"), Match::No);
    }

    proptest! {
        #[test]
        fn short_ways_of_matching_find_what_the_glob_finds(
            pattern in "[kK]?:?[aAbé]{0,3}[*?]{0,2}[ab]{0,2}[*]{0,2}", action in "[kK]?:?[aAbBé]{0,6}"
        ) {
            let read = ActionPattern::new(pattern);
            prop_assert_eq!(read.matches_letters(&action), read.glob.matches_ignoring_case(&action));
        }
    }

    #[test]
    fn star_colon_star_is_everything() {
        assert_eq!(matches("*:*", "kms:Decrypt"), Match::Yes);
        assert_eq!(matches("**", "kms:Decrypt"), Match::Yes);
    }

    #[test]
    fn blanks_and_commas_never_match() {
        assert_eq!(matches("kms:Encrypt,kms:Decrypt", "kms:Decrypt"), Match::No);
        assert_eq!(matches(" kms:*", "kms:Decrypt"), Match::No);
    }

    #[test]
    fn a_wildcard_before_the_colon_is_not_documented() {
        assert_eq!(matches("k*:Decrypt", "kms:Decrypt"), Match::Unsure);
        assert_eq!(matches("*Decrypt", "kms:Decrypt"), Match::Unsure);
        assert_eq!(matches("k*:Encrypt", "kms:Decrypt"), Match::No);
    }

    #[test]
    fn not_action_is_the_complement() {
        let patterns = vec![ActionPattern::new("kms:Decrypt".to_owned())];
        let element = Actions { negated: true, patterns };
        assert_eq!(element.matches("kms:Decrypt"), Match::No);
        assert_eq!(element.matches("kms:Encrypt"), Match::Yes);
        assert_eq!(Actions { negated: true, patterns: vec![] }.matches("kms:Encrypt"), Match::Unsure);
        assert_eq!(Actions { negated: false, patterns: vec![] }.matches("kms:Encrypt"), Match::No);
    }

    #[test]
    fn only_a_bare_star_covers_actions_that_do_not_exist_yet() {
        let covers = |pattern: &str| ActionPattern::new(pattern.to_owned()).covers_service("kms");
        assert!(covers("kms:*") && covers("KMS:**") && covers("*"));
        assert!(!covers("kms:?*") && !covers("kms:D*") && !covers("s3:*"));
        assert_eq!(matches("kms:?*", "kms:<other>"), Match::No);
        assert_eq!(matches("kms:*", "kms:<other>"), Match::Yes);
    }
}
