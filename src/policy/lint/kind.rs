//! Where a policy document is attached, and what can be told of that from its form.

use std::fmt;

use crate::policy::document::{Document, Effect};
use crate::policy::principal::Principal;

/// Where a policy document is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyKind {
    /// A managed or inline policy of a user, group or role.
    Identity,
    /// A permissions boundary.
    Boundary,
    /// A session policy.
    Session,
    /// The policy of a KMS key.
    Key,
    /// The trust policy of a role.
    Trust,
    /// A service control policy of the organization.
    ServiceControl,
    /// A resource control policy of the organization.
    ResourceControl,
    /// The policy of another resource: bucket, queue, secret, …
    Resource,
}

impl PolicyKind {
    /// The likeliest kind of a document, by its form alone. Boundaries, session policies and service control policies look
    /// like identity policies and are taken for them.
    #[must_use]
    pub fn guess(document: &Document) -> Self {
        let statements = &document.statements;
        if statements.iter().all(|statement| statement.principal.is_none()) {
            return Self::Identity;
        }
        let mut services = statements.iter().flat_map(|statement| {
            let patterns = statement.actions.patterns.iter().map(|pattern| pattern.source());
            patterns.map(|source| source.split_once(':').map_or(source, |(service, _)| service).to_ascii_lowercase())
        });
        if services.clone().all(|service| service == "sts") {
            return Self::Trust;
        }
        let is_guard = statements.iter().all(|statement| {
            let everyone = statement
                .principal
                .as_ref()
                .is_some_and(|principal| !principal.negated && principal.entries == [Principal::Everyone]);
            statement.effect == Effect::Deny && everyone
        });
        if is_guard {
            return Self::ResourceControl;
        }
        let mentions_keys = services.clone().any(|service| service == "kms");
        if mentions_keys && services.all(|service| service == "kms" || service == "*") {
            return Self::Key;
        }
        Self::Resource
    }

    /// Whether a principal belongs into its statements.
    pub(super) fn names_principals(self) -> bool {
        matches!(self, Self::Key | Self::Trust | Self::ResourceControl | Self::Resource)
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Identity => "identity policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Key => "key policy",
            Self::Trust => "trust policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
            Self::Resource => "resource policy",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(statement: &str) -> PolicyKind {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        PolicyKind::guess(&Document::parse(&text).unwrap())
    }

    #[test]
    fn the_form_tells_the_kind() {
        assert_eq!(guess(r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#), PolicyKind::Identity);
        let key = r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}"#;
        assert_eq!(guess(key), PolicyKind::Key);
        let trust = r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
        assert_eq!(guess(trust), PolicyKind::Trust);
        let guard = r#"{"Effect":"Deny","Principal":"*","Action":["kms:*","s3:*"],"Resource":"*"}"#;
        assert_eq!(guess(guard), PolicyKind::ResourceControl);
        let bucket = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;
        assert_eq!(guess(bucket), PolicyKind::Resource);
    }
}
