//! What is known about condition keys (semantics 3.5).

/// Keys that always hold sets, so that one value is a set of one.
const MULTIVALUED: [&str; 15] = [
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
    "dynamodb:attributes",
    "dynamodb:leadingkeys",
    "iam:resourcetagkeys",
    "kms:encryptioncontextkeys",
    "kms:grantoperations",
    "kms:resourcealiases",
    "s3:requestobjecttagkeys",
    "sts:transitivetagkeys",
];

/// Whether a key, given in lower case, holds a set of values.
#[must_use]
pub fn is_multivalued(key: &str) -> bool {
    MULTIVALUED.binary_search(&key).is_ok()
}

/// Whether every request that is about KMS has the key, given in lower case.
pub(super) fn is_always_present(key: &str) -> bool {
    matches!(
        key,
        "aws:principalaccount"
            | "aws:principalarn"
            | "aws:principalisawsservice"
            | "aws:requestedregion"
            | "aws:resourceaccount"
            | "kms:calleraccount"
    )
}

/// What a principal outside the organization, and outside every account that a policy names, can have under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// His own account; always present.
    OwnAccount,
    /// The ARN of a principal of his account; always present.
    OwnArn,
    /// An account that is not named, when a service or endpoint acts; otherwise absent.
    SomeAccount,
    /// His organization, if any.
    Organization,
    /// A path in his organization, if any.
    OrganizationPath,
    /// The ARN of a resource of his, when a service acts; otherwise absent.
    ResourceArn,
    /// An identifier that AWS gives out: never one that the policy names.
    GivenId,
    /// The unique id of a principal of his: no id that the policy names, whatever follows it.
    UniqueId,
    /// An address outside the narrow ranges that the policy names.
    Address,
    /// Nothing of his: an account or organization that owns the key. What the policy names, or none of it.
    Owner,
    /// Only this value.
    Fixed(&'static str),
    /// Any value, or none: chosen by the caller, or a property of the key that has to hold for the statement to matter.
    Anything,
}

impl Stranger {
    /// What a stranger can have under `key`, given in lower case.
    pub(super) fn under(key: &str) -> Self {
        match key {
            "kms:calleraccount" | "aws:principalaccount" => Self::OwnAccount,
            "aws:principalarn" => Self::OwnArn,
            "aws:sourceaccount" | "aws:vpceaccount" => Self::SomeAccount,
            "aws:principalorgid" | "aws:sourceorgid" | "aws:vpceorgid" => Self::Organization,
            "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => Self::OrganizationPath,
            "aws:sourcearn" => Self::ResourceArn,
            "aws:sourcevpc" | "aws:sourcevpce" => Self::GivenId,
            "aws:userid" => Self::UniqueId,
            "aws:sourceip" | "aws:vpcsourceip" => Self::Address,
            "aws:resourceaccount" | "aws:resourceorgid" | "aws:resourceorgpaths" => Self::Owner,
            "aws:securetransport" => Self::Fixed("true"),
            "aws:principalisawsservice" => Self::Fixed("false"),
            _ => Self::Anything,
        }
    }

    /// Whether the key may be absent from the request.
    pub(super) fn may_be_absent(self) -> bool {
        !matches!(self, Self::OwnAccount | Self::OwnArn | Self::UniqueId | Self::Owner | Self::Fixed(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_keys_are_always_present() {
        assert!(!Stranger::under("kms:calleraccount").may_be_absent());
        assert!(Stranger::under("aws:principalorgid").may_be_absent());
        assert_eq!(Stranger::under("kms:encryptioncontext:app"), Stranger::Anything);
    }

    #[test]
    fn sets_are_known() {
        assert!(MULTIVALUED.is_sorted());
        assert!(is_multivalued("kms:grantoperations") && !is_multivalued("kms:viaservice"));
    }
}
