//! Documents among many.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::{ActionPattern, Document};

/// A document that is told from others by a digest, because most are alike for many letters. The order of documents by digest means
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digested {
    digest: u64,
    document: Arc<Document>,
}

impl Digested {
    /// Takes the digest of a document.
    #[must_use]
    pub fn new(document: Arc<Document>) -> Self {
        let mut hasher = DefaultHasher::new();
        // What tells most documents apart: to look at everything would take longer than the comparing that it saves.
        for statement in &document.statements {
            let patterns = &statement.actions.patterns;
            (statement.effect, &statement.principal, patterns.len()).hash(&mut hasher);
            patterns.first().map(ActionPattern::source).hash(&mut hasher);
            let resources = statement.resources.iter().flat_map(|resources| &resources.patterns);
            resources.for_each(|pattern| pattern.text().source().hash(&mut hasher));
        }
        Self { digest: hasher.finish(), document }
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_one_digest_are_one_only_if_they_say_the_same() {
        let document = |sid: &str, value: &str| {
            let text = format!(
                r#"{{"Statement": {{"Sid": "{sid}", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                    "Condition": {{"StringEquals": {{"aws:PrincipalTag/team": "{value}"}}}}}}}}"#
            );
            Digested::new(Arc::new(Document::parse(&text).unwrap()))
        };
        let one = document("a", "red");
        assert_eq!(one, document("a", "red"));
        for other in [document("b", "red"), document("a", "blue")] {
            assert!(one.digest == other.digest && one != other && one.cmp(&other) != std::cmp::Ordering::Equal);
        }
    }
}
