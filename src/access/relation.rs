//! Where the principals of an access stand, seen from the key.

use super::directory::Directory;
use super::key::Key;
use super::principal::{Principal, PrincipalKind};

/// Where a principal stands, seen from a key: nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// In the account of the key.
    Account,
    /// In another account of the organization.
    Organization,
    /// An AWS service, which acts for itself.
    Service,
    /// In another account, of which it is not known whether it is a member.
    Unknown,
    /// In an account that is no member of the organization.
    Outside,
    /// Everybody.
    Everyone,
}

impl Relation {
    /// Every relation, nearest first.
    pub const ALL: [Self; 6] =
        [Self::Account, Self::Organization, Self::Service, Self::Unknown, Self::Outside, Self::Everyone];

    /// The word of every table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Organization => "organization",
            Self::Service => "service",
            Self::Unknown => "unknown",
            Self::Outside => "outside",
            Self::Everyone => "everyone",
        }
    }

    /// Whether the principal is, or may be, a stranger to the organization.
    pub fn may_be_outside(self) -> bool {
        matches!(self, Self::Unknown | Self::Outside | Self::Everyone)
    }
}

impl Directory {
    /// Where a principal stands, seen from a key.
    pub fn relation(&self, principal: &Principal, key: &Key) -> Relation {
        match principal.kind {
            PrincipalKind::Everyone => Relation::Everyone,
            PrincipalKind::Service => Relation::Service,
            // Its users may be anybody.
            PrincipalKind::IdentityProvider => Relation::Unknown,
            _ if principal.account_id == key.account_id => Relation::Account,
            _ => match (self.estate.is_member(&key.account_id), self.estate.is_member(&principal.account_id)) {
                (Some(true), Some(true)) => Relation::Organization,
                (_, None) | (None, _) => Relation::Unknown,
                (Some(false), Some(_)) | (Some(true), Some(false)) => Relation::Outside,
            },
        }
    }
}
