//! Policy documents with the names under which people find them.

use std::sync::Arc;

use crate::model::{Fact, Gap, Source};
use crate::policy::{Document, PrincipalElement, Statement};

/// A document and its name.
#[derive(Debug, Clone)]
pub struct Named {
    /// `managed policy arn:…`, `inline policy read of group ops`, `key policy default`.
    pub name: Arc<str>,
    /// The document; one that may say anything where it could not be read.
    pub document: Arc<Document>,
    /// Where it was read; nothing where it was not.
    pub source: Option<Source>,
}

impl Named {
    /// A document, or what stands for it where it could not be read: for the policy of a resource with whom it may mean.
    pub(super) fn new(
        name: impl Into<Arc<str>>,
        document: &Fact<Arc<Document>>,
        source: &Source,
        principal: impl FnOnce() -> Option<PrincipalElement>,
    ) -> Self {
        match document {
            Ok(document) => Self { name: name.into(), document: document.clone(), source: Some(source.clone()) },
            Err(gap) => Self::unread(&name.into(), gap, principal()),
        }
    }

    /// What stands for a document that could not be read.
    pub(super) fn unread(name: &str, gap: &Gap, principal: Option<PrincipalElement>) -> Self {
        Self {
            name: format!("{name} ({})", gap.reason()).into(),
            document: Arc::new(Document::unread(principal)),
            source: None,
        }
    }

    /// The statement of an index.
    pub fn statement(&self, index: usize) -> Option<&Statement> {
        self.document.statements.iter().find(|statement| statement.index == index)
    }

    /// The documents as decisions take them.
    pub(super) fn lent(list: &[Self]) -> Vec<&Document> {
        list.iter().map(|named| named.document.as_ref()).collect()
    }
}
