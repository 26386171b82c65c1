//! What is known about condition keys: which exist, whether they hold one value or a set, and what a value can be.

use std::sync::LazyLock;

use super::services;
use super::shape::Shape;
use crate::policy::glob::Glob;

/// What is known about one condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyFacts {
    /// In AWS's own spelling; `*` stands for any text.
    pub(super) name: &'static str,
    /// Whether it holds a set of values.
    pub(super) many: bool,
    /// What a value can be.
    pub(super) domain: Domain,
    /// Whose requests carry it.
    pub(super) scope: Scope,
}

/// Whose requests can carry a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those of every service.
    Everywhere,
    /// Those of the actions for which the reference lists it.
    Listed,
}

/// What a value of a key can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Domain {
    /// Anything, or nothing is known.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number between two bounds.
    Number(i64, Option<i64>),
    /// A time in ISO 8601.
    Date,
    /// A time as seconds since 1970.
    Epoch,
    /// An IP address.
    Address {
        /// Addresses of private networks never appear.
        public: bool,
    },
    /// An ARN, of a resource only where said.
    Arn {
        /// Never a user, role, session or account.
        resource: bool,
    },
    /// One of these.
    OneOf(Vec<&'static str>),
    /// Of this form.
    Form(&'static Form),
}

/// A form of values with its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// `an account id (12 digits)`
    pub(super) description: &'static str,
    pub(super) shape: Shape,
}

static KEYS: LazyLock<Vec<(Glob, KeyFacts)>> = LazyLock::new(|| {
    let lines = include_str!("../data/condition_keys.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| facts(line).map(|facts| (Glob::parse(&facts.name.to_ascii_lowercase()), facts))).collect()
});

static FORMS: LazyLock<Vec<(&'static str, Form)>> = LazyLock::new(|| {
    const SERVICE: &str = "[A-Za-z0-9.-]+.amazonaws.com|[A-Za-z0-9.-]+.amazonaws.com.cn|[A-Za-z0-9.-]+.amazonaws.eu|\
                           [A-Za-z0-9.-]+.c2s.ic.gov|[A-Za-z0-9.-]+.sc2s.sgov.gov|[A-Za-z0-9.-]+.cloud.adc-e.uk|\
                           [A-Za-z0-9.-]+.csp.hci.ic.gov|[A-Za-z0-9.-]+.aws.internal|[A-Za-z0-9.-]+.amazon.com";
    const VIA: &str = "[a-z0-9.-]+.[a-z]{2,4}-[a-z-]+-[0-9]+.amazonaws.com|\
                       [a-z0-9.-]+.[a-z]{2,4}-[a-z-]+-[0-9]+.amazonaws.com.cn|\
                       [a-z0-9.-]+.[a-z]{2,4}-[a-z-]+-[0-9]+.amazonaws.eu|\
                       [a-z0-9.-]+.[a-z]{2,4}-[a-z-]+-[0-9]+.c2s.ic.gov|\
                       [a-z0-9.-]+.[a-z]{2,4}-[a-z-]+-[0-9]+.sc2s.sgov.gov|\
                       [a-z0-9.-]+.[a-z]{2,4}-[a-z-]+-[0-9]+.cloud.adc-e.uk|\
                       [a-z0-9.-]+.[a-z]{2,4}-[a-z-]+-[0-9]+.csp.hci.ic.gov";
    const PRINCIPAL: &str = "arn:aws[a-z-]{0,12}:iam::[0-9]{12}:root|arn:aws[a-z-]{0,12}:iam::[0-9]{12}:user/*|\
                             arn:aws[a-z-]{0,12}:iam::[0-9]{12}:role/*|\
                             arn:aws[a-z-]{0,12}:iam::cloudfront:user/*|\
                             arn:aws[a-z-]{0,12}:sts::[0-9]{12}:federated-user/*";
    [
        ("account", "an account id (12 digits)", "[0-9]{12}"),
        ("organization", "an organization id (`o-` and 10 to 32 letters or digits)", "o-[a-z0-9]{10,32}"),
        (
            "organization-path",
            "an organization path (`o-…/r-…/ou-…/`)",
            "o-[a-z0-9]{10,32}/r-[a-z0-9]{4,32}/[a-z0-9/-]{0,400}",
        ),
        ("region", "a Region in lower case (`eu-central-1`)", "[a-z]{2,4}-[a-z-]+-[0-9]+"),
        ("service", "a service principal (`s3.amazonaws.com`)", SERVICE),
        ("via-service", "a service and Region (`s3.eu-central-1.amazonaws.com`)", VIA),
        ("alias", "an alias name (`alias/…`), never an ARN", "alias/[A-Za-z0-9/_-]+"),
        ("vpc", "a VPC id (`vpc-…`)", "vpc-[0-9a-f]+"),
        ("vpce", "a VPC endpoint id (`vpce-…`)", "vpce-[0-9a-f]+"),
        ("digest", "a SHA-384 digest (96 hexadecimal digits)", "[0-9a-fA-F]{96}"),
        ("principal", "the ARN of a user, role, federated user or root user, never of a role session", PRINCIPAL),
        (
            "grantee",
            "the ARN of a user, role, session or account, or a service principal",
            "arn:aws[a-z-]{0,12}:iam::[0-9]{12}:*|arn:aws[a-z-]{0,12}:sts::[0-9]{12}:*|[A-Za-z0-9.-]+.amazonaws.com|\
             [A-Za-z0-9.-]+.amazonaws.com.cn",
        ),
    ]
    .map(|(name, description, shape)| (name, Form { description, shape: Shape::parse(shape) }))
    .into()
});

/// What is known about a condition key, given in lower case; `None` when neither the global keys nor those of any service
/// have it. Keys of identity providers (`token.example.com:sub`) are known by their form.
pub(super) fn key(name: &str) -> Option<&'static KeyFacts> {
    if let Some(part) = name.strip_prefix("kms:recipientattestation:")
        && !is_attestation(part)
    {
        return None;
    }
    if let Some((_, facts)) = KEYS.iter().find(|(pattern, _)| pattern.matches(name)) {
        return Some(facts);
    }
    let (prefix, _) = name.split_once(':')?;
    let found = services::service(prefix).and_then(|service| service.key_type(name));
    // Some services use keys under another prefix; those of STS come from identity providers.
    let found = found.or_else(|| services::service("sts").and_then(|service| service.key_type(name)));
    let found = found.or_else(|| {
        FOREIGN.iter().filter_map(|owner| services::service(owner)).find_map(|service| service.key_type(name))
    });
    if let Some(kind) = found {
        let scope = if prefix == "saml" || prefix.contains('.') { Scope::Everywhere } else { Scope::Listed };
        return typed(kind, scope);
    }
    // An OpenID Connect provider is named by its host.
    let is_provider = prefix.contains('.') && !name.contains(char::is_whitespace);
    if is_provider { typed("text", Scope::Everywhere) } else { None }
}

/// Whether a key that is not known, given in lower case, certainly does not exist. A service that is not known, or not in
/// full, may have it all the same.
pub(super) fn is_surely_none(name: &str) -> bool {
    let prefix = name.split_once(':').map(|(prefix, _)| prefix);
    let is_complete = |prefix| prefix == "aws" || services::service(prefix).is_some_and(services::Service::is_complete);
    prefix.is_none_or(is_complete) || name.contains(char::is_whitespace)
}

/// `kms:RecipientAttestation:` is followed by the digest of an image or the number of a register.
fn is_attestation(part: &str) -> bool {
    let register = |prefix: &str, last: u8| {
        part.strip_prefix(prefix).and_then(|number| number.parse::<u8>().ok()).is_some_and(|number| number <= last)
    };
    part == "imagesha384" || register("pcr", 31) || register("nitrotpmpcr", 23)
}

/// Services that use condition keys under a prefix which is not their own.
const FOREIGN: [&str; 12] = [
    "arc-zonal-shift",
    "aws-marketplace",
    "cases",
    "codestar",
    "cognito-identity",
    "ec2-instance-connect",
    "ec2messages",
    "iotjobsdata",
    "q",
    "qbusiness",
    "sso",
    "xray",
];

/// The names of the global keys and those of KMS, as AWS spells them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(_, facts)| facts.name)
}

/// The form of that name, which must be one of the list above.
pub(super) fn form(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|(known, _)| *known == name).map(|(_, form)| form)
}

/// The types of service keys, by name and by whose requests carry them.
static TYPED: LazyLock<Vec<(&'static str, KeyFacts)>> = LazyLock::new(|| {
    let kinds = [
        ("text", Domain::Text),
        ("texts", Domain::Text),
        ("arn", Domain::Arn { resource: false }),
        ("arns", Domain::Arn { resource: false }),
        ("bool", Domain::Bool),
        ("bools", Domain::Bool),
        ("number", Domain::Number(i64::MIN, None)),
        ("date", Domain::Date),
        ("address", Domain::Address { public: false }),
    ];
    let scopes = [Scope::Everywhere, Scope::Listed];
    let facts = |kind: &'static str, domain: &Domain, scope| {
        (kind, KeyFacts { name: "", many: kind.ends_with('s'), domain: domain.clone(), scope })
    };
    kinds.iter().flat_map(|(kind, domain)| scopes.map(|scope| facts(kind, domain, scope))).collect()
});

fn typed(kind: &str, scope: Scope) -> Option<&'static KeyFacts> {
    TYPED.iter().find(|(known, facts)| *known == kind && facts.scope == scope).map(|(_, facts)| facts)
}

fn facts(line: &'static str) -> Option<KeyFacts> {
    let mut columns = line.split('\t');
    let (name, count, value) = (columns.next()?, columns.next()?, columns.next()?);
    let (kind, rest) = value.split_once(' ').unwrap_or((value, ""));
    let domain = match kind {
        "text" => Domain::Text,
        "bool" => Domain::Bool,
        "number" => {
            let (least, most) = rest.split_once("..").unwrap_or((rest, ""));
            Domain::Number(least.parse().unwrap_or(i64::MIN), most.parse().ok())
        }
        "date" => Domain::Date,
        "epoch" => Domain::Epoch,
        "address" => Domain::Address { public: false },
        "public-address" => Domain::Address { public: true },
        "arn" => Domain::Arn { resource: false },
        "source" => Domain::Arn { resource: true },
        "of" => Domain::OneOf(rest.split(' ').collect()),
        form_name => Domain::Form(form(form_name)?),
    };
    let of_requests = ["aws:RequestTag/", "aws:TagKeys", "aws:ResourceTag/", "kms:"];
    let scope = if of_requests.iter().any(|start| name.starts_with(start)) { Scope::Listed } else { Scope::Everywhere };
    Some(KeyFacts { name, many: count == "many", domain, scope })
}

impl Domain {
    /// What a value is, in words: `kms:CallerAccount` holds …
    pub(super) fn description(&self) -> String {
        match self {
            Self::Text => "any text".to_owned(),
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Number(i64::MIN, _) => "a number".to_owned(),
            Self::Number(least, Some(most)) => format!("a number from {least} to {most}"),
            Self::Number(least, None) => format!("a number from {least} on"),
            Self::Date => "a time in ISO 8601 (`2026-09-30T00:00:00Z`)".to_owned(),
            Self::Epoch => "a time as seconds since 1970".to_owned(),
            Self::Address { public: true } => "a public IP address".to_owned(),
            Self::Address { public: false } => "an IP address".to_owned(),
            Self::Arn { resource: true } => {
                "the ARN of the resource for which a service acts, never of a principal".to_owned()
            }
            Self::Arn { resource: false } => "an ARN".to_owned(),
            Self::OneOf(values) if values.len() > 8 => {
                let some: Vec<String> = values.iter().take(6).map(|value| format!("`{value}`")).collect();
                format!("one of {} values ({}, …)", values.len(), some.join(", "))
            }
            Self::OneOf(values) => {
                let all: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                format!("one of {}", all.join(", "))
            }
            Self::Form(form) => form.description.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_is_a_key() {
        let lines = include_str!("../data/condition_keys.tsv").lines().filter(|line| !line.starts_with('#'));
        let lines: Vec<&str> = lines.collect();
        assert_eq!(KEYS.len(), lines.len());
        assert!(lines.len() > 90);
        let dated =
            include_str!("../data/condition_keys.tsv").lines().any(|line| line.contains(services::SERVICES_DATE));
        assert!(dated);
    }

    #[test]
    fn every_key_of_the_kms_actions_is_described() {
        for action in crate::policy::kms_actions() {
            for name in &action.condition_keys {
                let name = name.to_ascii_lowercase().replace('*', "pcr0");
                assert!(key(&name).is_some_and(|facts| !facts.name.is_empty()), "{name}");
            }
        }
    }

    #[test]
    fn keys_are_found_by_name_family_service_and_provider() {
        assert!(key("aws:calledvia").unwrap().many);
        assert_eq!(key("aws:principaltag/team").unwrap().name, "aws:PrincipalTag/*");
        assert_eq!(key("kms:rotationperiodindays").unwrap().domain, Domain::Number(90, Some(2560)));
        assert_eq!(key("iam:passedtoservice").unwrap().scope, Scope::Listed);
        assert!(key("token.actions.githubusercontent.com:sub").is_some());
        assert!(key("oidc.eks.eu-west-1.amazonaws.com/id/abc:aud").is_some());
        assert!(key("identitycenter:instancearn").is_some() && key("catalog:changetype").is_some());
        assert_eq!(key("kms:encryptioncontextkeyname"), None);
        assert_eq!(key("aws: multifactorauthage"), None);
        assert_eq!(key("kms:encryptioncontext"), None);
        assert!(key("kms:recipientattestation:pcr31").is_some() && key("kms:recipientattestation:pcr32").is_none());
    }
}
