//! What is known about condition keys (semantics 3.5).

use std::net::IpAddr;

use super::catalogue::KmsAction;
use super::condition::Comparison;
use super::operator::{Number, instant};

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

/// Who decides what a request holds under a key (semantics 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyClass {
    /// The action's requests do not carry it.
    Never,
    /// The caller, request by request.
    Caller,
    /// The AWS service through which, or for whose resource, the request is made; absent or false in a direct call.
    Service,
    /// Where and how the request is made: network, time, second factor.
    Environment,
    /// The making of the session: its name, tags, source identity.
    Session,
    /// A property of the principal or of the key.
    Property,
}

/// Who decides about a key, given in lower case, in requests for an action of KMS. The key is known as far as the data of the
/// action tell; what is not known of counts as decided by the session, which claims least.
#[must_use]
pub fn key_class(key: &str, action: &KmsAction) -> KeyClass {
    let name = key.split_once(':').map_or("", |(_, name)| name);
    let is_of_request = key.starts_with("aws:requesttag/") || key == "aws:tagkeys";
    if key.starts_with("kms:") || is_of_request {
        return match name {
            _ if !action.carries(key) => KeyClass::Never,
            "viaservice" | "grantisforawsresource" => KeyClass::Service,
            "calleraccount"
            | "keyorigin"
            | "keyspec"
            | "keyusage"
            | "multiregion"
            | "multiregionkeytype"
            | "resourcealiases"
            | "trailingdayswithoutkeyusage" => KeyClass::Property,
            _ if name.starts_with("recipientattestation:") => KeyClass::Environment,
            _ => KeyClass::Caller,
        };
    }
    if !key.starts_with("aws:") {
        return KeyClass::Session;
    }
    // Tags may hold spaces, other names do not: `aws: MultiFactorAuthAge` is in no request.
    if name.split('/').next().is_some_and(|name| name.contains(char::is_whitespace)) {
        return KeyClass::Never;
    }
    match name {
        "viaawsservice" | "calledvia" | "calledviafirst" | "calledvialast" | "sourcearn" | "sourceaccount"
        | "sourceorgid" | "sourceorgpaths" => KeyClass::Service,
        "multifactorauthpresent"
        | "multifactorauthage"
        | "sourceip"
        | "sourcevpc"
        | "sourcevpce"
        | "sourcevpcarn"
        | "vpcsourceip"
        | "vpceaccount"
        | "vpceorgid"
        | "vpceorgpaths"
        | "currenttime"
        | "epochtime"
        | "securetransport" => KeyClass::Environment,
        "useragent" | "referer" => KeyClass::Caller,
        "principalarn"
        | "principalaccount"
        | "principalorgid"
        | "principalorgpaths"
        | "principaltype"
        | "principalisawsservice"
        | "principalservicename"
        | "principalservicenameslist"
        | "username"
        | "requestedregion"
        | "resourceaccount"
        | "resourceorgid"
        | "resourceorgpaths" => KeyClass::Property,
        _ if name.starts_with("resourcetag/") => KeyClass::Property,
        _ => KeyClass::Session,
    }
}

/// The type of a key's values, where AWS documents one that is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueType {
    /// Numbers.
    Number,
    /// Points in time.
    Time,
    /// IP addresses of both families.
    Address,
}

impl ValueType {
    /// The type of a key, given in lower case; `None` where any text can stand.
    pub(super) fn of(key: &str) -> Option<Self> {
        Some(match key {
            "aws:multifactorauthage"
            | "kms:rotationperiodindays"
            | "kms:schedulekeydeletionpendingwindowindays"
            | "kms:trailingdayswithoutkeyusage" => Self::Number,
            "aws:currenttime" | "aws:epochtime" | "aws:tokenissuetime" | "kms:validto" => Self::Time,
            "aws:sourceip" | "aws:vpcsourceip" => Self::Address,
            _ => return None,
        })
    }

    /// Whether a comparison is the one of this type.
    pub(super) fn is_compared_by(self, comparison: Comparison) -> bool {
        match self {
            Self::Number => matches!(comparison, Comparison::Numeric(_)),
            Self::Time => matches!(comparison, Comparison::Date(_)),
            Self::Address => comparison == Comparison::IpAddress,
        }
    }

    /// Whether a value is of the type.
    pub(super) fn contains(self, value: &str) -> bool {
        match self {
            Self::Number => Number::parse(value).is_some(),
            Self::Time => instant(value).is_some(),
            Self::Address => value.parse::<IpAddr>().is_ok(),
        }
    }

    /// Some values of the type.
    pub(super) fn samples(self) -> [&'static str; 2] {
        match self {
            Self::Number => ["1", "2"],
            Self::Time => ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"],
            Self::Address => ["203.0.113.77", "203.0.113.78"],
        }
    }
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
    fn who_decides_about_a_key() {
        let class = |key, action| key_class(key, crate::policy::kms_action(action).unwrap());
        assert_eq!(class("kms:viaservice", "kms:Decrypt"), KeyClass::Service);
        assert_eq!(class("kms:encryptioncontext:app", "kms:Decrypt"), KeyClass::Caller);
        assert_eq!(class("kms:encryptioncontext:app", "kms:Sign"), KeyClass::Never);
        assert_eq!(class("kms:grantoperations", "kms:Decrypt"), KeyClass::Never);
        assert_eq!(class("kms:recipientattestation:pcr0", "kms:Decrypt"), KeyClass::Environment);
        assert_eq!(class("kms:keyspec", "kms:Decrypt"), KeyClass::Property);
        assert_eq!(class("aws:requesttag/team", "kms:TagResource"), KeyClass::Caller);
        assert_eq!(class("aws:requesttag/team", "kms:Decrypt"), KeyClass::Never);
        assert_eq!(class("aws:multifactorauthpresent", "kms:Decrypt"), KeyClass::Environment);
        assert_eq!(class("aws:principaltag/team", "kms:Decrypt"), KeyClass::Session);
        assert_eq!(class("saml:sub", "kms:Decrypt"), KeyClass::Session);
        assert_eq!(class("aws:thefuture", "kms:Decrypt"), KeyClass::Session);
    }

    #[test]
    fn sets_are_known() {
        assert!(MULTIVALUED.is_sorted());
        assert!(is_multivalued("kms:grantoperations") && !is_multivalued("kms:viaservice"));
    }
}
