//! The open questions about AWS's rules, by their numbers in semantics section 8: why an answer is `possible`.

use std::fmt;

/// A question that the documentation of AWS leaves open. Answers that depend on it are `possible`, never a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Doubt {
    /// U-1: wildcards that would have to cross a colon, and ARNs with too few fields.
    ColonCrossing,
    /// U-2: boundary and session policy against a grant.
    GrantLimits,
    /// U-3: a grantee without an Allow of its own account.
    GranteeWithoutIdentity,
    /// U-4: letter case of encryption-context keys in grant constraints.
    ConstraintKeyCase,
    /// U-5: a `NotPrincipal` that lists only a part of the caller's chain.
    NotPrincipalChain,
    /// U-6: a set without a set operator.
    SetWithoutSetOperator,
    /// U-7: variables in values of `Bool`.
    VariableInBool,
    /// U-8: `*` and service principals.
    StarAndServices,
    /// U-9: a wildcard before the colon of an action.
    WildcardService,
    /// U-10: a resource value whose variable has no value.
    UnresolvedVariable,
    /// U-14: an empty `NotAction` or `NotResource`.
    EmptyNegatedList,
    /// U-15: values that the operator cannot compare.
    Uncomparable,
    /// U-16: retiring a grant from an issuing account that does not own the key.
    ForeignIssuer,
    /// U-17: an empty condition or value list.
    EmptyCondition,
    /// U-18: tags and aliases of the key in its own policy.
    KeyPropertyInKeyPolicy,
    /// U-19: an account-wide ARN for an action without a resource.
    AccountArnWithoutResource,
    /// letter case before the fifth colon of an ARN.
    ArnPrefixCase,
    /// V-1: a variable before the fifth colon of an ARN.
    EarlyVariable,
    /// Section 1.7: an operator that AWS would not store.
    UnknownOperator,
    /// Section 1.7: a wildcard in the service field of an ARN.
    WildcardArnService,
    /// P1 of section 4.4: `*` and a federated session that its session policy does not cover.
    StarAndFederation,
    /// O-1: a level of the organization without a policy, which AWS does not allow to exist.
    MissingLevel,
    /// No question about AWS: a document that decides could not be read.
    Unread,
}

const ALL: [Doubt; 23] = [
    Doubt::ColonCrossing,
    Doubt::GrantLimits,
    Doubt::GranteeWithoutIdentity,
    Doubt::ConstraintKeyCase,
    Doubt::NotPrincipalChain,
    Doubt::SetWithoutSetOperator,
    Doubt::VariableInBool,
    Doubt::StarAndServices,
    Doubt::WildcardService,
    Doubt::UnresolvedVariable,
    Doubt::EmptyNegatedList,
    Doubt::Uncomparable,
    Doubt::ForeignIssuer,
    Doubt::EmptyCondition,
    Doubt::KeyPropertyInKeyPolicy,
    Doubt::AccountArnWithoutResource,
    Doubt::ArnPrefixCase,
    Doubt::EarlyVariable,
    Doubt::UnknownOperator,
    Doubt::WildcardArnService,
    Doubt::StarAndFederation,
    Doubt::MissingLevel,
    Doubt::Unread,
];

impl Doubt {
    /// The number under which the question is documented.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.words().0
    }

    /// The question, in words.
    #[must_use]
    pub fn question(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ColonCrossing => {
                ("U-1", "a resource pattern matches only if a wildcard crosses a colon or missing ARN fields mean `*`")
            }
            Self::GrantLimits => ("U-2", "whether boundary and session policy limit access by a grant"),
            Self::GranteeWithoutIdentity => {
                ("U-3", "whether a grantee needs an Allow of its own account besides the grant")
            }
            Self::ConstraintKeyCase => ("U-4", "whether keys of an encryption-context constraint have letter case"),
            Self::NotPrincipalChain => {
                ("U-5", "whether a NotPrincipal that lists a part of session, role and account exempts the caller")
            }
            Self::SetWithoutSetOperator => {
                ("U-6", "what an operator without ForAnyValue or ForAllValues does with a key that holds a set")
            }
            Self::VariableInBool => ("U-7", "whether a variable acts in a value of Bool"),
            Self::StarAndServices => ("U-8", "whether an Allow for `*` covers AWS services"),
            Self::WildcardService => ("U-9", "whether a wildcard acts in the service prefix of an action"),
            Self::UnresolvedVariable => {
                ("U-10", "whether a resource value with an unresolved variable makes its statement invalid")
            }
            Self::EmptyNegatedList => {
                ("U-14", "whether an empty NotAction or NotResource covers everything or nothing")
            }
            Self::Uncomparable => {
                ("U-15", "what a negated operator, or Null, does with a value that it cannot compare")
            }
            Self::ForeignIssuer => (
                "U-16",
                "whether an identity Allow of the issuing account, which does not own the key, retires its grant",
            ),
            Self::EmptyCondition => ("U-17", "whether a statement with an empty condition or value list applies"),
            Self::KeyPropertyInKeyPolicy => {
                ("U-18", "whether tags and aliases of the key are present when its own policy is evaluated")
            }
            Self::AccountArnWithoutResource => {
                ("U-19", "whether an account-wide ARN covers an action that names no resource")
            }
            Self::ArnPrefixCase => ("R-1", "whether partition, service, Region and account of an ARN have letter case"),
            Self::EarlyVariable => ("V-1", "whether a variable acts before the fifth colon of an ARN"),
            Self::UnknownOperator => ("1.7", "a condition operator that AWS would not store"),
            Self::WildcardArnService => ("1.7", "whether a wildcard acts in the service field of an ARN"),
            Self::StarAndFederation => {
                ("P1", "whether an Allow for `*` covers a federated session beyond its session policy")
            }
            Self::MissingLevel => ("O-1", "a level of the organization without any policy cannot exist: not collected"),
            Self::Unread => ("O-7", "what a document says that could not be read"),
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code(), self.question())
    }
}

/// A set of open questions, in the order of [`Doubt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Doubts(u32);

impl Doubts {
    /// No question.
    pub const NONE: Self = Self(0);

    /// Both sets together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether no question is in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the question is in the set.
    #[must_use]
    pub fn contains(self, doubt: Doubt) -> bool {
        self.0 & Self::from(doubt).0 != 0
    }

    /// The questions, in order.
    pub fn iter(self) -> impl Iterator<Item = Doubt> {
        ALL.into_iter().filter(move |doubt| self.contains(*doubt))
    }
}

impl From<Doubt> for Doubts {
    fn from(doubt: Doubt) -> Self {
        Self(1 << doubt as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_listed_once_and_in_order() {
        assert!(ALL.iter().enumerate().all(|(position, doubt)| *doubt as usize == position));
    }

    #[test]
    fn a_set_gives_back_what_was_put_in() {
        let both = Doubts::from(Doubt::MissingLevel).and(Doubt::ColonCrossing.into());
        assert_eq!(both.iter().collect::<Vec<_>>(), [Doubt::ColonCrossing, Doubt::MissingLevel]);
        assert!(Doubts::NONE.is_empty() && !both.is_empty());
    }
}
