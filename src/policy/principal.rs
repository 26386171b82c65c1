//! Whom a statement of a key, trust or other resource policy names.

/// `Principal` or `NotPrincipal` of a statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalElement {
    /// True for `NotPrincipal`.
    pub negated: bool,
    /// The listed principals; may be empty, and then the statement has no effect.
    pub entries: Vec<Principal>,
}

/// One listed principal. ARNs and names keep their spelling: they are case-sensitive (semantics P-3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// `"*"` or `{"AWS": "*"}`.
    Everyone,
    /// An account, by its 12 digits or its `:root` ARN; `partition` is known from the ARN only.
    Account {
        /// Twelve digits.
        account: String,
        /// `aws`, `aws-cn`, …
        partition: Option<String>,
    },
    /// `arn:P:iam::A:user/path/Name`.
    User(PrincipalArn),
    /// `arn:P:iam::A:role/path/Name`.
    Role(PrincipalArn),
    /// `arn:P:sts::A:assumed-role/Name/Session`.
    Session(PrincipalArn),
    /// `arn:P:sts::A:federated-user/Name`.
    FederatedUser(PrincipalArn),
    /// `AIDA…` or `AROA…`: what AWS prints for a principal that was deleted (semantics P-5).
    UniqueId(String),
    /// `{"Service": "x.amazonaws.com"}`.
    Service(String),
    /// `{"Federated": provider}`; speaks in trust policies only.
    Federated(String),
    /// `{"CanonicalUser": id}`; speaks in S3 only.
    CanonicalUser(String),
    /// A value that matches nobody: a partial wildcard, a group, or no form of a principal (semantics P-2, P-6).
    Nobody(String),
}

/// The ARN of a principal with its account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalArn {
    /// The whole ARN as written.
    pub arn: String,
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// Twelve digits.
    pub account: String,
    /// What follows `user/`, `role/`, `assumed-role/` or `federated-user/`.
    pub name: String,
}

impl Principal {
    /// Reads a value that stands under `AWS`.
    #[must_use]
    pub fn aws(value: String) -> Self {
        if value == "*" {
            return Self::Everyone;
        }
        if value.contains(['*', '?']) {
            return Self::Nobody(value);
        }
        if is_account_id(&value) {
            return Self::Account { account: value, partition: None };
        }
        if value.starts_with("arn:") {
            return Self::from_arn(value);
        }
        let is_unique_id = value.len() >= 16
            && ["AIDA", "AROA"].iter().any(|prefix| value.starts_with(prefix))
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_unique_id { Self::UniqueId(value) } else { Self::Nobody(value) }
    }

    fn from_arn(arn: String) -> Self {
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let &[_, partition, service, "", account, rest] = fields.as_slice() else { return Self::Nobody(arn) };
        if !is_account_id(account) {
            return Self::Nobody(arn);
        }
        let (account, partition) = (account.to_owned(), partition.to_owned());
        if (service, rest) == ("iam", "root") {
            return Self::Account { account, partition: Some(partition) };
        }
        let (kind, name) = rest.split_once('/').unwrap_or((rest, ""));
        let kind = (service, kind);
        let name = name.to_owned();
        match kind {
            _ if name.is_empty() => Self::Nobody(arn),
            ("iam", "user") => Self::User(PrincipalArn { arn, partition, account, name }),
            ("iam", "role") => Self::Role(PrincipalArn { arn, partition, account, name }),
            ("sts", "assumed-role") => Self::Session(PrincipalArn { arn, partition, account, name }),
            ("sts", "federated-user") => Self::FederatedUser(PrincipalArn { arn, partition, account, name }),
            _ => Self::Nobody(arn),
        }
    }

    /// The account of an account, user, role or session.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Account { account, .. } => Some(account),
            Self::User(arn) | Self::Role(arn) | Self::Session(arn) | Self::FederatedUser(arn) => Some(&arn.account),
            _ => None,
        }
    }
}

fn is_account_id(value: &str) -> bool {
    value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws(value: &str) -> Principal {
        Principal::aws(value.to_owned())
    }

    #[test]
    fn an_account_has_two_spellings() {
        assert_eq!(aws("111122223333").account(), Some("111122223333"));
        let partition = Some("aws".to_owned());
        let expected = Principal::Account { account: "111122223333".to_owned(), partition };
        assert_eq!(aws("arn:aws:iam::111122223333:root"), expected);
    }

    #[test]
    fn users_roles_and_sessions_are_told_apart() {
        assert!(matches!(aws("arn:aws:iam::111122223333:user/a/Alice"), Principal::User(arn) if arn.name == "a/Alice"));
        assert!(matches!(aws("arn:aws:iam::111122223333:role/R"), Principal::Role(_)));
        assert!(matches!(aws("arn:aws:sts::111122223333:assumed-role/R/s"), Principal::Session(_)));
        assert!(matches!(aws("arn:aws:sts::111122223333:federated-user/f"), Principal::FederatedUser(_)));
    }

    #[test]
    fn partial_wildcards_and_groups_are_nobody() {
        assert!(matches!(aws("arn:aws:iam::111122223333:role/*"), Principal::Nobody(_)));
        assert!(matches!(aws("arn:aws:iam::*:root"), Principal::Nobody(_)));
        assert!(matches!(aws("arn:aws:iam::111122223333:group/G"), Principal::Nobody(_)));
        assert!(matches!(aws("alice"), Principal::Nobody(_)));
    }

    #[test]
    fn a_bare_unique_id_is_kept_as_one() {
        assert!(matches!(aws("AROAEXAMPLEEXAMPLE123"), Principal::UniqueId(_)));
    }
}
