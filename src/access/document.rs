//! Policy documents with the names under which people find them.

use std::sync::Arc;

use crate::model::{Fact, Gap, Source};
use crate::policy::{self, Document, PrincipalElement, Statement};

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
    /// A document of a principal, or what stands for it where it could not be read.
    pub(super) fn new(name: &str, document: &Fact<Arc<Document>>, source: &Source) -> Self {
        match document {
            Ok(document) => Self { name: name.into(), document: document.clone(), source: Some(source.clone()) },
            Err(gap) => Self::unread(name, gap, None),
        }
    }

    /// The same of a resource: where it could not be read, it may mean everyone.
    pub(super) fn of_resource(name: &str, document: &Fact<Arc<Document>>, source: &Source) -> Self {
        match document {
            Ok(_) => Self::new(name, document, source),
            Err(gap) => {
                let everyone = PrincipalElement { negated: false, entries: vec![policy::Principal::Everyone] };
                Self::unread(name, gap, Some(everyone))
            }
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
