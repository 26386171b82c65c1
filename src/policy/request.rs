//! One concrete request, with the condition keys that follow from its other parts.

use super::caller::{Caller, CallerKind, arn_field};
use super::catalogue::{KmsAction, KmsResources, kms_action};
use super::context::{Context, is_key_property};
use super::operator::Found;

/// A request to be decided. It borrows all it names, so that one caller, action or context serves many requests.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// For what.
    pub action: &'a Action,
    /// On what: an ARN, or `None` for an action without a resource.
    pub resource: Option<&'a str>,
    /// The owner of the resource where the ARN does not name it (S3).
    pub resource_account: Option<&'a str>,
    /// The Region of the endpoint, where the resource does not name it.
    pub region: Option<&'a str>,
    /// The grant that `kms:RetireGrant` is about.
    pub grant_id: Option<&'a str>,
    /// The condition keys.
    pub context: &'a Context,
}

/// An action, looked up once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    name: String,
    realm: Realm,
    kms: Option<&'static KmsAction>,
    is_without_resource: bool,
    has_caller_account: bool,
    has_encryption_context: bool,
}

/// Whose rules decide an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Realm {
    /// KMS.
    Kms,
    /// Becoming a role.
    AssumeRole,
    /// Any other service.
    General,
}

impl Action {
    /// Looks up an action, `service:Name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let realm = match lower.split_once(':') {
            Some(("kms", _)) => Realm::Kms,
            Some(("sts", "assumeroot")) => Realm::General,
            Some(("sts", name)) if name.starts_with("assumerole") => Realm::AssumeRole,
            Some(("sts", "tagsession" | "setsourceidentity" | "setcontext")) => Realm::AssumeRole,
            _ => Realm::General,
        };
        let kms = kms_action(name);
        let has_key = |key: &str| kms.is_some_and(|action| action.condition_keys.contains(&key));
        let is_unknown = realm == Realm::Kms && kms.is_none();
        let is_on_key = kms.is_some_and(|action| action.resources == KmsResources::Key);
        Self {
            name: name.to_owned(),
            realm,
            kms,
            is_without_resource: kms.is_some_and(is_without_resource),
            has_caller_account: is_unknown || is_on_key || has_key("kms:CallerAccount"),
            has_encryption_context: has_key("kms:EncryptionContext:*") && !has_key("kms:GrantConstraintType"),
        }
    }

    /// The name as written.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn realm(&self) -> Realm {
        self.realm
    }

    /// What is known of the action, if it is one of KMS.
    #[must_use]
    pub fn kms(&self) -> Option<&'static KmsAction> {
        self.kms
    }

    /// The name as grants write it, if a grant can hold the action.
    pub(super) fn as_grant_operation(&self) -> Option<&'static str> {
        self.kms.filter(|action| action.grant_operation)?.name.strip_prefix("kms:")
    }

    /// Whether the request carries an encryption context of its own, at which grant constraints look. `CreateGrant` and
    /// `RetireGrant` carry that of a constraint.
    pub(super) fn has_encryption_context(&self) -> bool {
        self.has_encryption_context
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.kms.is_some_and(|action| action.name == name)
    }
}

/// Whether KMS checks the action against no resource. `ListRetirableGrants` is checked against a principal.
fn is_without_resource(action: &KmsAction) -> bool {
    action.resources == KmsResources::None && action.name != "kms:ListRetirableGrants"
}

impl<'a> Request<'a> {
    /// A request without condition keys beyond those that follow from it.
    #[must_use]
    pub fn new(caller: &'a Caller, action: &'a Action, resource: Option<&'a str>, context: &'a Context) -> Self {
        Self { caller, action, resource, resource_account: None, region: None, grant_id: None, context }
    }

    /// The account that owns the resource, where the request tells.
    #[must_use]
    pub fn owner(&self) -> Option<&'a str> {
        self.resource_account.or_else(|| arn_field(self.resource?, 4).filter(|account| !account.is_empty()))
    }

    /// Whether the caller's account owns the resource.
    pub(super) fn is_own_account(&self) -> bool {
        self.caller.account.is_some() && self.owner() == self.caller.account.as_deref()
    }

    /// The Region of the endpoint, where the request tells.
    #[must_use]
    pub fn region(&self) -> Option<&'a str> {
        self.region.or_else(|| arn_field(self.resource?, 3).filter(|region| !region.is_empty()))
    }

    /// What the request holds under a condition key, given in lower case. What the context says wins; otherwise
    /// `aws:PrincipalAccount`, `aws:PrincipalArn`, `aws:PrincipalIsAWSService`, `aws:username`, `kms:CallerAccount`,
    /// `aws:RequestedRegion` and `aws:ResourceAccount` follow from the request; every other key is absent (semantics 3.5).
    #[must_use]
    pub fn find(&self, key: &str) -> Found<'a> {
        if let Some(found) = self.context.find(key) {
            return found;
        }
        let derived = match key {
            "aws:principalaccount" => self.caller.account.as_deref(),
            "aws:principalarn" => self.caller.principal_arn(),
            "aws:principalisawsservice" => match self.caller.kind {
                CallerKind::Service => Some("true"),
                CallerKind::Anonymous => None,
                _ => Some("false"),
            },
            "aws:username" => self.caller.user_name(),
            "kms:calleraccount" if self.action.has_caller_account => self.caller.account.as_deref(),
            "aws:requestedregion" => self.region(),
            "aws:resourceaccount" => self.owner(),
            _ => None,
        };
        derived.map_or(Found::Absent, Found::One)
    }

    /// Whether [`Request::find`] derives the key, given in lower case, from other parts of a request.
    pub(super) fn derives(key: &str) -> bool {
        matches!(
            key,
            "aws:principalaccount"
                | "aws:principalarn"
                | "aws:principalisawsservice"
                | "aws:username"
                | "kms:calleraccount"
                | "aws:requestedregion"
                | "aws:resourceaccount"
        )
    }

    /// What the statement of a policy is matched against.
    pub(super) fn target(&self) -> Target<'a> {
        self.resource.filter(|_| !self.action.is_without_resource).map_or(Target::Nothing, Target::Arn)
    }
}

/// What the `Resource` element is matched against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Arn(&'a str),
    /// The action names no resource.
    Nothing,
}

/// What a statement sees of a request.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) target: Target<'a>,
    /// Tags and aliases of the key are left out (semantics U-18).
    pub(super) without_key_properties: bool,
}

impl<'a> View<'a> {
    pub(super) fn find(&self, key: &str) -> Found<'a> {
        if self.without_key_properties && is_key_property(key) { Found::Absent } else { self.request.find(key) }
    }

    /// The value of a policy variable. A set has no single value (semantics V-6).
    pub(super) fn variable(&self, key: &str) -> Option<String> {
        match self.find(key) {
            Found::One(value) => Some(value.to_owned()),
            Found::Absent | Found::Set(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ContextValue;

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn find(caller: &Caller, action: &str, resource: Option<&str>, key: &str) -> String {
        let (action, context) = (Action::new(action), Context::default());
        match Request::new(caller, &action, resource, &context).find(key) {
            Found::Absent => "absent".to_owned(),
            Found::One(value) => value.to_owned(),
            Found::Set(values) => values.join(" "),
        }
    }

    #[test]
    fn seven_keys_follow_from_the_request() {
        let bob = Caller::new(CallerKind::User, "arn:aws:iam::444455556666:user/Bob");
        let found = |key| find(&bob, "kms:Decrypt", Some(KEY), key);
        assert_eq!(found("aws:principalaccount"), "444455556666");
        assert_eq!(found("aws:principalarn"), "arn:aws:iam::444455556666:user/Bob");
        assert_eq!(found("aws:principalisawsservice"), "false");
        assert_eq!(found("aws:username"), "Bob");
        assert_eq!(found("kms:calleraccount"), "444455556666");
        assert_eq!(found("aws:requestedregion"), "us-east-1");
        assert_eq!(found("aws:resourceaccount"), "111122223333");
        assert_eq!(found("aws:securetransport"), "absent");
        assert_eq!(find(&bob, "kms:ListKeys", None, "kms:calleraccount"), "absent");
        assert_eq!(find(&bob, "s3:GetObject", None, "kms:calleraccount"), "absent");
    }

    #[test]
    fn what_the_context_says_wins_even_if_it_says_absent() {
        let bob = Caller::new(CallerKind::User, "arn:aws:iam::444455556666:user/Bob");
        let action = Action::new("kms:Decrypt");
        let mut context = Context::default();
        context.insert("aws:RequestedRegion", ContextValue::One("eu-west-1".to_owned()));
        context.insert("aws:PrincipalArn", ContextValue::Absent);
        let request = Request::new(&bob, &action, Some(KEY), &context);
        assert_eq!(request.find("aws:requestedregion"), Found::One("eu-west-1"));
        assert_eq!(request.find("aws:principalarn"), Found::Absent);
    }

    #[test]
    fn an_action_without_resource_ignores_one_that_is_named() {
        let bob = Caller::new(CallerKind::User, "arn:aws:iam::444455556666:user/Bob");
        let (action, context) = (Action::new("kms:listkeys"), Context::default());
        assert_eq!(Request::new(&bob, &action, Some(KEY), &context).target(), Target::Nothing);
    }

    #[test]
    fn assuming_a_role_has_rules_of_its_own() {
        assert_eq!(Action::new("sts:AssumeRoleWithSAML").realm(), Realm::AssumeRole);
        assert_eq!(Action::new("sts:AssumeRoot").realm(), Realm::General);
        assert_eq!(Action::new("kms:Unheard").realm(), Realm::Kms);
    }
}
