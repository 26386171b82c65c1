//! Which resources a statement speaks about, in both readings that the AWS pages leave open.

use std::borrow::Cow;

use super::Match;
use super::glob::{Glob, Symbol};
use super::text::Text;

/// `Resource` or `NotResource` of a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resources {
    /// True for `NotResource`.
    pub negated: bool,
    /// The listed patterns; may be empty.
    pub patterns: Vec<ResourcePattern>,
}

impl Resources {
    /// Whether the element matches `resource`, an ARN, or `None` for a request without one. `value` gives the single
    /// value of a condition key (in lower case) for policy variables. Sources: semantics 2.2, V-5, U-1, U-10, U-14.
    #[must_use]
    pub fn matches(&self, resource: Option<&str>, value: &dyn Fn(&str) -> Option<String>) -> Match {
        let listed = Match::any(self.patterns.iter().map(|pattern| pattern.matches(resource, value)));
        self.element(listed, value)
    }

    /// What the element says once it is known whether a listed value matches. A value whose variable has no value
    /// matches nothing, but may also make the whole statement invalid.
    pub(super) fn element(&self, listed: Match, value: &dyn Fn(&str) -> Option<String>) -> Match {
        let matches = if self.negated { !listed } else { listed };
        let is_unresolved = |pattern: &ResourcePattern| pattern.text.has_variables() && pattern.glob(value).is_none();
        match matches {
            Match::Yes if self.negated && self.patterns.is_empty() => Match::Unsure,
            Match::Yes if self.patterns.iter().any(is_unresolved) => Match::Unsure,
            other => other,
        }
    }
}

/// One resource pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourcePattern {
    text: Text,
    /// The narrower reading, present only where it may differ from the wider one.
    narrow: Option<Glob>,
    /// The pattern in lower case up to the fifth colon, present only where that differs.
    folded: Option<Glob>,
    short: bool,
    any_service: bool,
}

impl ResourcePattern {
    /// Reads a pattern; every string is one.
    #[must_use]
    pub fn new(text: Text) -> Self {
        let short = is_short_without_wildcard(text.source());
        let narrow = text.fixed_glob().and_then(narrow_if_different);
        let folded = text.fixed_glob().and_then(folded_if_different);
        let any_service = has_wildcard_service(text.source());
        Self { text, narrow, folded, short, any_service }
    }

    /// The pattern as written.
    #[must_use]
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// True for `*` alone, which also matches a request that names no resource.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.text.fixed_glob().is_some_and(Glob::is_everything)
    }

    /// The pattern with its variables replaced, wildcards crossing colons (Lmax of semantics R-4); `None` when a
    /// variable has no value.
    #[must_use]
    pub fn glob(&self, value: &dyn Fn(&str) -> Option<String>) -> Option<Cow<'_, Glob>> {
        self.text.glob(value).map(|glob| self.padded(glob))
    }

    /// The wide reading when the pattern holds no variable.
    #[must_use]
    pub fn fixed_glob(&self) -> Option<Cow<'_, Glob>> {
        self.text.fixed_glob().map(|glob| self.padded(Cow::Borrowed(glob)))
    }

    /// The narrow reading (Lmin of semantics) when the pattern holds no variable: no wildcard leaves its
    /// field except a star at the end, and an ARN with too few fields and no wildcard matches nothing.
    #[must_use]
    pub fn fixed_narrow_glob(&self) -> Option<Cow<'_, Glob>> {
        let glob = self.text.fixed_glob()?;
        if self.short {
            return None;
        }
        Some(self.narrow.as_ref().map_or(Cow::Borrowed(glob), Cow::Borrowed))
    }

    /// The pattern in lower case up to the account, where it is written otherwise: letter case there is documented for
    /// neither side (semantics R-1). `None` when the pattern holds a variable.
    #[must_use]
    pub fn folded_glob(&self) -> Option<&Glob> {
        self.folded.as_ref()
    }

    /// Whether `resource` matches; unsure where the two readings differ.
    #[must_use]
    pub fn matches(&self, resource: Option<&str>, value: &dyn Fn(&str) -> Option<String>) -> Match {
        let Some(resource) = resource else { return Match::from(self.is_everything()) };
        let Some(glob) = self.text.glob(value) else { return Match::No };
        let wide =
            if self.short { self.padded(Cow::Borrowed(&glob)).matches(resource) } else { glob.matches(resource) };
        if !wide {
            // Letter case up to the account is documented for neither side (semantics R-1).
            let folded = self.folded.as_ref().is_some_and(|folded| folded.matches(resource));
            return if folded { Match::Unsure } else { Match::No };
        }
        let narrow = match (&self.narrow, self.text.has_variables()) {
            _ if self.short || self.any_service || self.has_early_variable() => false,
            (Some(narrow), _) => narrow.matches(resource),
            (None, true) => glob.within_fields().matches(resource),
            (None, false) => true,
        };
        if narrow { Match::Yes } else { Match::Unsure }
    }

    /// AWS says that no wildcard may stand in the service field, and accepts it all the same (semantics 1.7).
    pub(super) fn has_wildcard_service(&self) -> bool {
        self.any_service
    }

    /// A variable before the fifth colon is not allowed there (semantics V-1): replaced in the wide reading only.
    pub(super) fn has_early_variable(&self) -> bool {
        self.text.has_variables()
            && self.text.source().split_once("${").is_some_and(|(before, _)| before.matches(':').count() < 5)
    }

    /// An ARN with fewer than six fields and no wildcard behaves in identity policies as if `*` stood in the missing
    /// fields (semantics R-5).
    fn padded<'a>(&self, glob: Cow<'a, Glob>) -> Cow<'a, Glob> {
        if !self.short {
            return glob;
        }
        let tail = [Symbol::Char(':'), Symbol::Many];
        Cow::Owned(Glob::of(glob.symbols().iter().copied().chain(tail)))
    }
}

fn is_short_without_wildcard(source: &str) -> bool {
    source.starts_with("arn:") && source.matches(':').count() < 5 && !source.contains(['*', '?'])
}

/// A star that ends the pattern there is none: it runs over all the fields that are missing.
fn has_wildcard_service(source: &str) -> bool {
    let mut fields = source.splitn(4, ':').skip(2);
    let Some(service) = fields.next() else { return false };
    let is_last = fields.next().is_none();
    let service = service.strip_suffix('*').filter(|_| is_last).unwrap_or(service);
    service.contains(['*', '?'])
}

/// `None` when letter case before the fifth colon is lower already, or the pattern is no ARN.
fn folded_if_different(glob: &Glob) -> Option<Glob> {
    let arn = [Symbol::Char('a'), Symbol::Char('r'), Symbol::Char('n'), Symbol::Char(':')];
    let mut colons = 0;
    let folded = Glob::of(glob.symbols().iter().map(|symbol| match symbol {
        Symbol::Char(character) if colons < 5 => {
            colons += usize::from(*character == ':');
            Symbol::Char(character.to_ascii_lowercase())
        }
        other => *other,
    }));
    (folded != *glob && folded.symbols().starts_with(&arn)).then_some(folded)
}

/// `None` when no wildcard stands where the readings could part.
fn narrow_if_different(glob: &Glob) -> Option<Glob> {
    let narrow = glob.within_fields();
    (narrow != *glob).then_some(narrow)
}

#[cfg(test)]
mod tests {
    use super::super::text::Variables;
    use super::*;

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn pattern(source: &str) -> ResourcePattern {
        ResourcePattern::new(Text::new(source.to_owned(), Variables::Replaced))
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_bare_star_also_matches_a_request_without_resource() {
        assert_eq!(pattern("*").matches(None, &nothing), Match::Yes);
        assert_eq!(pattern("arn:aws:kms:*").matches(None, &nothing), Match::No);
    }

    #[test]
    fn a_star_that_must_cross_a_colon_is_unsure() {
        assert_eq!(pattern("arn:aws:kms:*:*:key/*").matches(Some(KEY), &nothing), Match::Yes);
        assert_eq!(pattern("arn:aws:kms:*").matches(Some(KEY), &nothing), Match::Yes);
        assert_eq!(pattern("arn:aws:kms:*:key/*").matches(Some(KEY), &nothing), Match::Unsure);
        assert_eq!(pattern("arn:aws:kms:*:444455556666:key/*").matches(Some(KEY), &nothing), Match::No);
    }

    #[test]
    fn a_short_arn_without_wildcard_is_unsure() {
        assert_eq!(pattern("arn:aws:kms:us-east-1").matches(Some(KEY), &nothing), Match::Unsure);
        assert_eq!(pattern("arn:aws:kms:eu-west-1").matches(Some(KEY), &nothing), Match::No);
    }

    #[test]
    fn what_is_no_arn_matches_no_key() {
        assert_eq!(pattern("1234abcd-12ab-34cd-56ef-1234567890ab").matches(Some(KEY), &nothing), Match::No);
    }

    #[test]
    fn an_unresolved_variable_matches_nothing_and_alone_in_not_resource_is_unsure() {
        let unresolved = pattern("arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/key}");
        assert_eq!(unresolved.matches(Some(KEY), &nothing), Match::No);
        let known = |_: &str| Some("1234abcd-12ab-34cd-56ef-1234567890ab".to_owned());
        assert_eq!(unresolved.matches(Some(KEY), &known), Match::Yes);
        let excluded = Resources { negated: true, patterns: vec![unresolved] };
        assert_eq!(excluded.matches(Some(KEY), &nothing), Match::Unsure);
        assert_eq!(excluded.matches(Some(KEY), &known), Match::No);
    }

    #[test]
    fn a_value_without_its_variable_may_spoil_the_others() {
        let unresolved = pattern("arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/key}");
        let element = Resources { negated: false, patterns: vec![unresolved.clone(), pattern("*")] };
        assert_eq!(element.matches(Some(KEY), &nothing), Match::Unsure);
        let element = Resources { negated: false, patterns: vec![unresolved, pattern("arn:aws:s3:::*")] };
        assert_eq!(element.matches(Some(KEY), &nothing), Match::No);
    }

    #[test]
    fn a_wildcard_in_the_service_field_is_unsure_unless_it_ends_the_pattern() {
        let matches = |source| pattern(source).matches(Some(KEY), &nothing);
        assert_eq!(matches("arn:aws:k*:*:*:key/*"), Match::Unsure);
        assert_eq!(matches("arn:aws:?ms:*:*:key/*"), Match::Unsure);
        assert_eq!(matches("arn:aws:s*:*:*:key/*"), Match::No);
        assert_eq!(matches("arn:aws:k*"), Match::Yes);
        assert_eq!(matches("arn:*:kms:*"), Match::Yes);
    }

    #[test]
    fn letter_case_before_the_fifth_colon_is_unsure() {
        let matches = |source| pattern(source).matches(Some(KEY), &nothing);
        assert_eq!(matches("arn:aws:KMS:us-east-1:111122223333:key/*"), Match::Unsure);
        assert_eq!(matches("arn:aws:KMS:eu-west-1:111122223333:key/*"), Match::No);
        assert_eq!(matches("arn:aws:kms:us-east-1:111122223333:KEY/*"), Match::No);
    }

    #[test]
    fn not_resource_matches_when_no_value_does() {
        let element =
            Resources { negated: true, patterns: vec![pattern("arn:aws:s3:::*"), pattern("arn:aws:kms:eu-*")] };
        assert_eq!(element.matches(Some(KEY), &nothing), Match::Yes);
    }
}
