//! Grants: permissions on one key that stand beside the policies, and the constraints under which they hold.

use super::caller::{Caller, arn_field};
use super::context::Context;
use super::doubt::Doubt;
use super::operator::Found;
use super::principal::Principal;
use super::request::Request;
use super::statement::Answer;

/// A grant on a key, as `ListGrants` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Constraints {
    /// The encryption context is exactly these pairs.
    pub encryption_context_equals: Option<Vec<(String, String)>>,
    /// The encryption context holds at least these pairs.
    pub encryption_context_subset: Option<Vec<(String, String)>>,
    /// The service acts for this resource.
    pub source_arn: Option<String>,
}

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

    /// `CreateGrant` through a grant: the new grant may hold no more operations and no weaker constraint.
    fn child_is_narrower(&self, request: &Request<'_>) -> Answer {
        let operations = every(request.find("kms:grantoperations"), |operation| self.holds_operation(operation));
        let kind = |wanted: &str| any(request.find("kms:grantconstrainttype"), |kind| kind == wanted);
        let (equals, subset) = (kind("EncryptionContextEquals"), kind("EncryptionContextSubset"));
        let constraints = &self.constraints;
        let context = match (&constraints.encryption_context_equals, &constraints.encryption_context_subset) {
            (None, None) => true,
            (Some(_), _) => equals,
            (None, Some(_)) => equals || subset,
        };
        let source = match &constraints.source_arn {
            Some(wanted) => request.find("kms:grantconstraintsourcearn") == Found::One(wanted),
            None => true,
        };
        Answer::from(operations && context && source).and(constraints.context_holds(request.context))
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

fn any(found: Found<'_>, test: impl Fn(&str) -> bool) -> bool {
    match found {
        Found::Absent => false,
        Found::One(value) => test(value),
        Found::Set(values) => values.iter().any(|value| test(value)),
    }
}

fn every(found: Found<'_>, test: impl Fn(&str) -> bool) -> bool {
    match found {
        Found::Absent => true,
        Found::One(value) => test(value),
        Found::Set(values) => values.iter().all(|value| test(value)),
    }
}
