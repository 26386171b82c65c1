//! One decision: one principal, one action, on one key or on something else.

use std::borrow::Cow;

use super::directory::Directory;
use super::document::Named;
use super::key::Key;
use super::organization::{Kind, Levels};
use super::principal::{Principal, PrincipalKind};
use crate::policy::{
    self, Access, Action, Assumed, Budget, ConditionTest, Context, Decision, Document, Effect, Environment, Layer,
    Path, Policies, PolicyRef, Request, Requirement, Unanswered, effective,
};

/// Steps for one cell: a fraction of a second. A cell that needs more is *possible*, with a note.
const STEPS: u64 = 20_000_000;

/// What one principal may do on one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// How far the access goes.
    pub access: Access,
    /// How it comes about; `None` where it is denied.
    pub path: Option<Path>,
    /// The layer that denies, or lacks an Allow, or leaves it open.
    pub layer: Option<Layer>,
    /// Whether a Deny statement denies.
    pub is_explicit: bool,
    /// When: one of these conjunctions must hold. Empty when nothing is demanded.
    pub conditions: Vec<Vec<Requirement>>,
    /// The services that the conditions name.
    pub via: Vec<String>,
    /// The deciding statements of every layer, and grants.
    pub statements: Vec<Decider>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

/// A deciding statement, or a grant, by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// The policy.
    pub policy: PolicyRef,
    /// The position in the policy.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: Effect,
}

/// What a request is made on, with the policies that attach to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    /// `None` for an action without a resource.
    pub(super) arn: Option<&'a str>,
    pub(super) account_id: &'a str,
    pub(super) key_policies: &'a [Named],
    pub(super) grants: &'a [policy::Grant],
    /// Of a role that is to be assumed.
    pub(super) trust_policy: Option<&'a Named>,
    /// What all requests on it hold.
    pub(super) context: &'a Context,
    /// Tests that hold of all requests on it.
    pub(super) assumptions: &'a [ConditionTest],
    /// Condition keys, in lower case, about which nothing follows from the request.
    pub(super) free: &'a [&'a str],
    pub(super) is_aws_managed: bool,
}

impl<'a> Object<'a> {
    /// A key.
    pub(super) fn key(key: &'a Key) -> Self {
        Self {
            key_policies: &key.policies,
            grants: &key.grants,
            assumptions: &key.assumptions,
            is_aws_managed: key.is_aws_managed == Some(true),
            ..Self::plain(Some(&key.arn), &key.account_id, &key.context)
        }
    }

    /// Something without policies of its own.
    pub(super) fn plain(arn: Option<&'a str>, account_id: &'a str, context: &'a Context) -> Self {
        Self {
            arn,
            account_id,
            key_policies: &[],
            grants: &[],
            trust_policy: None,
            context,
            assumptions: &[],
            free: &[],
            is_aws_managed: false,
        }
    }
}

/// Keys that do not follow from a request by whoever is chosen.
const FREE: [&str; 4] = ["aws:principalarn", "aws:principaltype", "aws:userid", "aws:username"];

/// The services that resource control policies limit, as far as anything is asked of them here.
const UNDER_RESOURCE_CONTROL: [&str; 2] = ["kms:", "sts:"];

impl Directory {
    /// The cell of a principal, a key and an action.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn cell(&self, principal: &Principal, key: &Key, action: &Action) -> Result<Cell, Unanswered> {
        let cell = self.decide(principal, Object::key(key), action)?;
        if key.grants_gap.is_none() || cell.access != Access::Denied {
            return Ok(cell);
        }
        // A grant that was not read may allow what nothing else does.
        let mut grants = key.grants.clone();
        grants.push(unread_grant(key, action));
        let widest = self.decide(principal, Object { grants: &grants, ..Object::key(key) }, action)?;
        if widest.access == Access::Denied {
            return Ok(cell);
        }
        let is_read = |it: &Decider| !matches!(it.policy, PolicyRef::Grant(index) if index >= key.grants.len());
        let statements = widest.statements.into_iter().filter(is_read).collect();
        Ok(Cell { access: Access::Possible, layer: Some(Layer::Grants), statements, ..widest })
    }

    /// What a principal may do with an action on anything.
    pub(super) fn decide(
        &self,
        principal: &Principal,
        object: Object<'_>,
        action: &Action,
    ) -> Result<Cell, Unanswered> {
        let (identity, boundary, key_policies) =
            (Named::lent(&principal.identity), Named::lent(&principal.boundary), Named::lent(object.key_policies));
        let service_control = self.service_control(&principal.account_id);
        let resource_control = self.resource_control(object.account_id);
        let resource_control =
            resource_control.filter(|_| UNDER_RESOURCE_CONTROL.iter().any(|it| action.name().starts_with(it)));
        let (scps, rcps) = (lent(service_control.as_ref().as_ref()), lent(resource_control));
        let grants: Vec<&policy::Grant> = object.grants.iter().collect();
        let policies = Policies {
            identity: &identity,
            boundary: &boundary,
            scps: scps.as_deref(),
            rcps: rcps.as_deref(),
            key_policies: &key_policies,
            grants: &grants,
            trust_policy: object.trust_policy.map(|named| named.document.as_ref()),
            ..Policies::default()
        };
        let environment = Environment {
            key_manager_is_aws: object.is_aws_managed,
            principal_account_is_management: self.estate.is_management(&principal.account_id),
            resource_account_is_management: self.estate.is_management(object.account_id),
        };
        let context = principal.context.with(object.context);
        let mut request = Request::new(&principal.caller, action, object.arn, &context);
        request.resource_account = Some(object.account_id);
        let mut tests: Vec<ConditionTest> = principal.assumptions.iter().chain(object.assumptions).cloned().collect();
        let mut free = object.free.to_vec();
        if matches!(principal.kind, PrincipalKind::Account | PrincipalKind::Everyone) {
            let account = principal.caller.account.as_deref().unwrap_or_default();
            let arns = format!("arn:{}:*::{account}:*", self.partition);
            tests.push(ConditionTest::like("ArnLike", "aws:PrincipalArn", &[arns]));
            free.extend(FREE);
        }
        let assumed = Assumed { tests: &tests, free: &free };
        let mut budget = Budget::of_steps(STEPS);
        match effective(&request, &policies, environment, assumed, &mut budget) {
            Ok(effective) => Ok(Cell::new(effective)),
            Err(Unanswered::Budget(exhausted)) => Ok(Cell::unknown(exhausted.to_string())),
            Err(disagreement) => Err(disagreement),
        }
    }

    /// The service control policies that limit the principals of an account.
    pub(super) fn service_control(&self, account_id: &str) -> Cow<'_, Levels> {
        match self.accounts.get(account_id) {
            Some(account) => Cow::Borrowed(&account.service_control),
            None if account_id.is_empty() => Cow::Owned(None),
            None => Cow::Owned(self.estate.levels(account_id, Kind::Service)),
        }
    }

    /// The resource control policies that limit what an account owns.
    pub(super) fn resource_control(&self, account_id: &str) -> Option<&Vec<Vec<Named>>> {
        self.accounts.get(account_id).and_then(|account| account.resource_control.as_ref())
    }
}

/// A grant that names everyone and holds the action.
fn unread_grant(key: &Key, action: &Action) -> policy::Grant {
    let operation = action.name().strip_prefix("kms:").unwrap_or_default();
    policy::Grant {
        id: String::new(),
        key: key.arn.clone(),
        grantee: Some(policy::Principal::Everyone),
        grantee_is_opaque: false,
        retiring: vec![policy::Principal::Everyone],
        issuing_account: Some(key.account_id.clone()),
        operations: vec![operation.to_owned()],
        constraints: policy::Constraints::default(),
    }
}

impl Cell {
    fn new(effective: policy::Effective<'_>) -> Self {
        let Decision { path, layer, explicit, statements, notes, .. } = effective.decision;
        let decider = |statement: &policy::StatementRef<'_>| Decider {
            policy: statement.policy,
            index: statement.index,
            sid: statement.sid.map(str::to_owned),
            effect: statement.effect,
        };
        Self {
            access: effective.access,
            path,
            layer,
            is_explicit: explicit,
            conditions: effective.conditions,
            via: effective.via,
            statements: statements.iter().map(decider).collect(),
            notes: notes.iter().map(ToString::to_string).collect(),
        }
    }

    /// The conditions as people read them; one of them must hold.
    pub fn condition_words(&self) -> Vec<String> {
        let words = |all: &Vec<Requirement>| all.iter().map(|it| it.words.as_str()).collect::<Vec<_>>().join(" and ");
        self.conditions.iter().map(words).collect()
    }

    fn unknown(note: String) -> Self {
        Self {
            access: Access::Possible,
            path: None,
            layer: None,
            is_explicit: false,
            conditions: vec![],
            via: vec![],
            statements: vec![],
            notes: vec![note],
        }
    }
}

fn lent(levels: Option<&Vec<Vec<Named>>>) -> Option<Vec<Vec<&Document>>> {
    levels.map(|levels| levels.iter().map(|level| Named::lent(level)).collect())
}

/// The document at a place, by its name.
pub(super) fn name_of<'a>(
    place: PolicyRef,
    principal: &'a Principal,
    object: &Object<'a>,
    service_control: &'a Levels,
    resource_control: Option<&'a Vec<Vec<Named>>>,
) -> Option<&'a Named> {
    let of_level = |levels: Option<&'a Vec<Vec<Named>>>, level: usize, policy: usize| levels?.get(level)?.get(policy);
    match place {
        PolicyRef::Identity(index) => principal.identity.get(index),
        PolicyRef::Boundary(index) => principal.boundary.get(index),
        PolicyRef::Scp { level, policy } => of_level(service_control.as_ref(), level, policy),
        PolicyRef::Rcp { level, policy } => of_level(resource_control, level, policy),
        PolicyRef::Key(index) => object.key_policies.get(index),
        PolicyRef::Trust => object.trust_policy,
        PolicyRef::Session(_) | PolicyRef::Resource | PolicyRef::Grant(_) => None,
    }
}
