//! Grants: permissions on one key that stand beside the policies, and the constraints under which they hold.

use super::caller::{Caller, arn_field};
use super::condition::ConditionTest;
use super::context::Context;
use super::doubt::Doubt;
use super::operator::Found;
use super::principal::Principal;
use super::request::{Action, Request};
use super::statement::Answer;

/// A grant on a key, as `ListGrants` describes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// `GrantId`.
    pub id: String,
    /// ARN of the key, or its id.
    pub key: String,
    /// `GranteePrincipal` or `GranteeServicePrincipal`.
    pub grantee: Option<Principal>,
    /// Whether AWS printed a service as `GranteePrincipal`: such a name may stand for several principals.
    pub grantee_is_opaque: bool,
    /// `RetiringPrincipal` and `RetiringServicePrincipal`.
    pub retiring: Vec<Principal>,
    /// The account that issued it, twelve digits.
    pub issuing_account: Option<String>,
    /// `Decrypt`, `CreateGrant`, …
    pub operations: Vec<String>,
    /// When it holds.
    pub constraints: Constraints,
}

/// `Constraints` of a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Constraints {
    /// The encryption context is exactly these pairs.
    pub encryption_context_equals: Option<Vec<(String, String)>>,
    /// The encryption context holds at least these pairs.
    pub encryption_context_subset: Option<Vec<(String, String)>>,
    /// The service acts for this resource.
    pub source_arn: Option<String>,
}

/// The constraints of a grant as tests of the context.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Required {
    /// All must hold.
    pub(super) tests: Vec<ConditionTest>,
    /// The encryption context holds no other pairs than these, by name in lower case.
    pub(super) only_pairs: Option<Vec<String>>,
}

impl Required {
    /// Whether nothing is demanded.
    pub(super) fn is_nothing(&self) -> bool {
        self.tests.is_empty() && self.only_pairs.is_none()
    }
}

/// Values of `kms:GrantConstraintType`.
const EQUALS: &str = "EncryptionContextEquals";
const SUBSET: &str = "EncryptionContextSubset";

impl Grant {
    /// A principal as grants name it: an ARN, or the name of a service. Grants know no `*`.
    #[must_use]
    pub fn principal(text: &str) -> Principal {
        match Principal::aws(text.to_owned()) {
            Principal::Everyone => Principal::Nobody(text.to_owned()),
            Principal::Nobody(name) if !name.contains([':', '*', '?']) && name.contains('.') => {
                Principal::Service(name)
            }
            other => other,
        }
    }

    /// The twelve digits of `IssuingAccount`, which AWS prints as the ARN of the root user.
    #[must_use]
    pub fn account(text: &str) -> Option<String> {
        arn_field(text, 4).or(Some(text)).filter(|account| account.len() == 12).map(ToOwned::to_owned)
    }

    pub(super) fn is_issued_by(&self, caller: &Caller) -> bool {
        self.issuing_account.is_some() && self.issuing_account == caller.account
    }

    pub(super) fn is_on(&self, key_arn: &str) -> bool {
        self.key == key_arn || (!self.key.contains(':') && key_arn.ends_with(&format!(":key/{}", self.key)))
    }

    pub(super) fn holds_operation(&self, name: &str) -> bool {
        self.operations.iter().any(|operation| operation.eq_ignore_ascii_case(name))
    }

    /// Whether the constraints let the request pass (semantics GR-5, GR-6).
    pub(super) fn constraints_hold(&self, request: &Request<'_>) -> Answer {
        let constraints = &self.constraints;
        let source = match &constraints.source_arn {
            Some(wanted) => Answer::from(request.find("aws:sourcearn") == Found::One(wanted)),
            None => Answer::YES,
        };
        if request.action.has_encryption_context() {
            source.and(constraints.context_holds(request.context))
        } else if request.action.is("kms:CreateGrant") {
            source.and(self.child_is_narrower(request))
        } else {
            source
        }
    }

    /// The same as tests of the context, for reasoning over all contexts. Letter case of the names of an encryption context is
    /// left to [`Grant::constraints_hold`].
    pub(super) fn required(&self, action: &Action) -> Required {
        let mut required = Required::default();
        let mut demand = |operator: &str, key: &str, values: &[&str]| {
            required.tests.push(ConditionTest::literal(operator, key, values));
        };
        let constraints = &self.constraints;
        if let Some(arn) = &constraints.source_arn {
            demand("StringEquals", "aws:SourceArn", &[arn]);
        }
        let is_create = action.is("kms:CreateGrant");
        if !is_create && !action.has_encryption_context() {
            return required;
        }
        if is_create {
            let operations: Vec<&str> = self.operations.iter().map(String::as_str).collect();
            demand("ForAllValues:StringEqualsIgnoreCase", "kms:GrantOperations", &operations);
            let types = [EQUALS, SUBSET];
            match (&constraints.encryption_context_equals, &constraints.encryption_context_subset) {
                (None, None) => {}
                (Some(_), _) => demand("StringEquals", "kms:GrantConstraintType", &types[..1]),
                (None, Some(_)) => demand("StringEquals", "kms:GrantConstraintType", &types),
            }
            if let Some(arn) = &constraints.source_arn {
                demand("StringEquals", "kms:GrantConstraintSourceArn", &[arn]);
            }
        }
        let equals = constraints.encryption_context_equals.as_ref();
        for (name, value) in equals.into_iter().chain(&constraints.encryption_context_subset).flatten() {
            demand("StringEquals", &format!("kms:EncryptionContext:{name}"), &[value]);
        }
        required.only_pairs = equals.map(|pairs| pairs.iter().map(|(name, _)| name.to_ascii_lowercase()).collect());
        required
    }

    /// `CreateGrant` through a grant: the new grant may hold no more operations and no weaker constraint.
    fn child_is_narrower(&self, request: &Request<'_>) -> Answer {
        let required = self.required(request.action).tests;
        let mut others = required.iter().filter(|test| !test.key.starts_with("kms:encryptioncontext:"));
        let holds = others.all(|test| test.holds(request.find(&test.key), &|_| None).is_certain());
        Answer::from(holds).and(self.constraints.context_holds(request.context))
    }
}

impl Constraints {
    /// Whether the encryption context of a request, or of the constraint of a new grant, satisfies these.
    fn context_holds(&self, context: &Context) -> Answer {
        let equals = self.encryption_context_equals.as_ref().map_or(Answer::YES, |wanted| {
            let within = |same: SameName| {
                context
                    .encryption_context()
                    .all(|found| wanted.iter().any(|(name, value)| same(name, found.0) && value == found.1))
            };
            holds_pairs(context, wanted).and(by_letter_case(within))
        });
        let subset = self.encryption_context_subset.as_ref();
        equals.and(subset.map_or(Answer::YES, |wanted| holds_pairs(context, wanted)))
    }
}

type SameName = fn(&str, &str) -> bool;

fn holds_pairs(context: &Context, wanted: &[(String, String)]) -> Answer {
    by_letter_case(|same| {
        wanted.iter().all(|(name, value)| {
            context.encryption_context().any(|(found, content)| same(found, name) && content == value)
        })
    })
}

/// The API reference says that constraint keys have no letter case, the developer guide that they have (semantics U-4).
fn by_letter_case(holds: impl Fn(SameName) -> bool) -> Answer {
    if holds(|a, b| a == b) {
        Answer::YES
    } else if holds(|a, b| a.eq_ignore_ascii_case(b)) {
        Answer::unsure(Doubt::ConstraintKeyCase)
    } else {
        Answer::NO
    }
}
