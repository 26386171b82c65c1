//! The condition keys that a request carries.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::keys::is_multivalued;
use super::operator::Found;

/// The condition keys of one request with their values. A key that is not in it is absent, except for the few that the
/// evaluator derives itself ([`Request::find`](super::Request::find)).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Context {
    /// By key in lower case: keys have no letter case. The contexts of an account have most in common.
    entries: BTreeMap<Arc<str>, Arc<Entry>>,
    /// Whether any of them is a tag or alias of the resource.
    key_properties: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// The key as written; the keys of an encryption context have letter case where grants look at them.
    written: String,
    value: ContextValue,
}

/// What stands under one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContextValue {
    /// Absent, said so: not even derived.
    Absent,
    /// One value.
    One(String),
    /// A set of values; the empty set counts as absent.
    Set(Vec<String>),
}

const ENCRYPTION_CONTEXT: &str = "kms:encryptioncontext:";

impl Context {
    /// Puts a value under a key, one value of a key that holds sets as a set of one, and gives back what stood there
    /// before, under a name that may differ by letter case.
    pub fn insert(&mut self, key: &str, value: ContextValue) -> Option<ContextValue> {
        let lower = key.to_ascii_lowercase();
        let value = match value {
            ContextValue::One(one) if is_multivalued(&lower) => ContextValue::Set(vec![one]),
            other => other,
        };
        self.key_properties |= is_key_property(&lower);
        let entry = Arc::new(Entry { written: key.to_owned(), value });
        self.entries.insert(lower.into(), entry).map(|entry| Arc::unwrap_or_clone(entry).value)
    }

    /// What stands under a key, given in lower case; `None` when nothing was said about it.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<Found<'_>> {
        self.entries.get(key).map(|entry| match &entry.value {
            ContextValue::Absent => Found::Absent,
            ContextValue::One(value) => Found::One(value),
            ContextValue::Set(values) if values.is_empty() => Found::Absent,
            ContextValue::Set(values) => Found::Set(values),
        })
    }

    /// Everything that either says; what this one says wins.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let mut both = other.clone();
        both.key_properties |= self.key_properties;
        both.entries.extend(self.entries.iter().map(|(key, entry)| (key.clone(), entry.clone())));
        both
    }

    /// Forgets every key, given in lower case, that is not wanted.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.entries.retain(|key, _| wanted(key));
        self.key_properties = self.entries.keys().any(|key| is_key_property(key));
    }

    /// Whether it holds tags or aliases of the key, about which a key policy may not be able to speak (semantics U-18).
    #[must_use]
    pub fn has_key_properties(&self) -> bool {
        self.key_properties
    }

    /// The pairs of the encryption context, their keys as written.
    pub fn encryption_context(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.entries.range::<str, _>((Bound::Included(ENCRYPTION_CONTEXT), Bound::Unbounded));
        pairs.take_while(|(key, _)| key.starts_with(ENCRYPTION_CONTEXT)).filter_map(|(_, entry)| {
            let name = entry.written.get(ENCRYPTION_CONTEXT.len()..)?;
            match &entry.value {
                ContextValue::One(value) => Some((name, value.as_str())),
                ContextValue::Set(values) => Some((name, values.first()?.as_str())),
                ContextValue::Absent => None,
            }
        })
    }
}

/// Whether a key, in lower case, is a tag or alias of the resource.
pub(super) fn is_key_property(key: &str) -> bool {
    key == "kms:resourcealiases" || key.starts_with("aws:resourcetag/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> ContextValue {
        ContextValue::One(value.to_owned())
    }

    #[test]
    fn keys_have_no_letter_case() {
        let mut context = Context::default();
        assert_eq!(context.insert("AWS:UserName", one("Alice")), None);
        assert_eq!(context.find("aws:username"), Some(Found::One("Alice")));
        assert_eq!(context.insert("aws:username", one("Bob")), Some(one("Alice")));
    }

    #[test]
    fn one_value_of_a_multivalued_key_is_a_set_of_one() {
        let mut context = Context::default();
        context.insert("kms:EncryptionContextKeys", one("AppName"));
        assert!(matches!(context.find("kms:encryptioncontextkeys"), Some(Found::Set([name])) if name == "AppName"));
    }

    #[test]
    fn the_encryption_context_keeps_its_spelling() {
        let mut context = Context::default();
        context.insert("kms:EncryptionContext:AppName", one("x"));
        context.insert("kms:EncryptionContextKeys", ContextValue::Set(vec!["AppName".to_owned()]));
        assert_eq!(context.encryption_context().collect::<Vec<_>>(), [("AppName", "x")]);
    }

    #[test]
    fn tags_and_aliases_of_the_key_are_noticed() {
        let mut context = Context::default();
        context.insert("aws:PrincipalTag/team", one("red"));
        assert!(!context.has_key_properties());
        context.insert("aws:ResourceTag/team", one("red"));
        assert!(context.has_key_properties());
    }
}
