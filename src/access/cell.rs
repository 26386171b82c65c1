//! One decision: one principal, one action, on one key or on something else.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use super::directory::Directory;
use super::document::Named;
use super::key::Key;
use super::organization::{Kind, Levels};
use super::principal::{Principal, PrincipalKind};
use crate::model::Arn;
use crate::policy::{
    self, Access, Action, Answer, Assumed, Budget, ConditionTest, Context, Document, Effect, Environment, Layer,
    Policies, PolicyRef, PrincipalElement, Request, Unanswered,
};

/// Steps for one cell: a fraction of a second. A cell that needs more is *possible*, with a note.
const STEPS: u64 = 20_000_000;

/// What one principal may do on one key: the answer, and whom it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub(super) answer: Arc<Answer>,
    /// The deciding statements of every layer, and grants.
    pub statements: Arc<[Decider]>,
}

impl Deref for Cell {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        &self.answer
    }
}

/// A deciding statement, or a grant, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decider {
    /// The policy.
    pub policy: PolicyRef,
    /// The position in the policy.
    pub index: usize,
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

/// Who asks, with the policies that attach to him.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) principal: &'a Principal,
    pub(super) identity: &'a [&'a Document],
    pub(super) boundary: &'a [&'a Document],
    /// Service control policies, root first; `None` where they limit nothing.
    pub(super) service_control: Option<&'a [Vec<&'a Document>]>,
    /// Tests that hold of all his requests.
    pub(super) assumptions: &'a [&'a ConditionTest],
}

/// What is asked for, with the policies that attach to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) action: &'a Action,
    pub(super) arn: Option<&'a str>,
    pub(super) account_id: &'a str,
    pub(super) key_policies: &'a [&'a Document],
    pub(super) grants: &'a [&'a policy::Grant],
    pub(super) trust_policy: Option<&'a Document>,
    /// Resource control policies, root first; `None` where they limit nothing.
    pub(super) resource_control: Option<&'a [Vec<&'a Document>]>,
    pub(super) assumptions: &'a [&'a ConditionTest],
    /// Condition keys, in lower case, about which nothing follows from the request.
    pub(super) free: &'a [&'a str],
    pub(super) is_aws_managed: bool,
}

impl Directory {
    /// The cell of a principal, a key and an action.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn cell(&self, principal: &Principal, key: &Key, action: &Action) -> Result<Cell, Unanswered> {
        let with_grants =
            |grants: &[policy::Grant]| self.decide(principal, Object { grants, ..Object::key(key) }, action);
        let cell = with_grants(&key.grants)?;
        if key.grants_gap.is_none() || cell.access != Access::Denied {
            return Ok(cell);
        }
        let mut grants = key.grants.clone();
        grants.push(unread_grant(key, action));
        Ok(cell.or_granted(with_grants(&grants)?, key.grants.len()))
    }

    /// What policies alone give a principal of an action on a key, without its grants.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn by_policies(&self, principal: &Principal, key: &Key, action: &Action) -> Result<Cell, Unanswered> {
        self.decide(principal, Object { grants: &[], ..Object::key(key) }, action)
    }

    /// The cell of a principal and an action on a resource of an account that has no policy of its own.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn on_plain(
        &self,
        principal: &Principal,
        account_id: &str,
        arn: &str,
        action: &Action,
    ) -> Result<Cell, Unanswered> {
        let context = self.of_resources(account_id);
        // A bucket is in a Region that its ARN does not say.
        let is_of_bucket = Arn::parse(arn).is_some_and(|it| it.service == "s3" && it.region.is_empty());
        let free: &[&str] = if is_of_bucket { &["aws:requestedregion"] } else { &[] };
        self.decide(principal, Object { free, ..Object::plain(Some(arn), account_id, &context) }, action)
    }

    /// The cell of a principal that assumes a role that was read.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn assuming(&self, principal: &Principal, role: &Principal) -> Result<Cell, Unanswered> {
        let context = self.context_of(role);
        let object = Object {
            trust_policy: role.handles.trust_policy.as_ref(),
            ..Object::plain(Some(&role.arn), &role.account_id, &context)
        };
        self.decide(principal, object, &Action::new("sts:AssumeRole"))
    }

    /// Whether the trust policy of a role that was read may let a principal in: an Allow that speaks of `sts:AssumeRole` may name it.
    pub fn may_let_in(&self, role: &Principal, principal: &Principal) -> bool {
        let Some(trust) = &role.handles.trust_policy else { return true };
        let mut allows = trust.document.statements_of(Effect::Allow);
        allows.any(|statement| {
            let names = |element: &PrincipalElement| {
                let mut entries = element.entries.iter();
                element.negated || entries.any(|entry| principal.caller.named_by(entry).is_some())
            };
            statement.matches_action("sts:AssumeRole").is_possible() && statement.principal.as_ref().is_some_and(names)
        })
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
        let (scps, rcps) = (lent(service_control.as_ref().as_ref()), lent(self.resource_control(object.account_id)));
        let grants: Vec<&policy::Grant> = object.grants.iter().collect();
        let subject = Subject {
            principal,
            identity: &identity,
            boundary: &boundary,
            service_control: scps.as_deref(),
            assumptions: &principal.assumptions.iter().collect::<Vec<_>>(),
        };
        let asked = Asked {
            action,
            arn: object.arn,
            account_id: object.account_id,
            key_policies: &key_policies,
            grants: &grants,
            trust_policy: object.trust_policy.map(|named| named.document.as_ref()),
            resource_control: rcps.as_deref(),
            assumptions: &object.assumptions.iter().collect::<Vec<_>>(),
            free: object.free,
            is_aws_managed: object.is_aws_managed,
        };
        self.answer(subject, asked, &principal.context.with(object.context))
    }

    /// The decision. `context`: what all the requests hold.
    pub(super) fn answer(&self, subject: Subject<'_>, asked: Asked<'_>, context: &Context) -> Result<Cell, Unanswered> {
        match self.within_budget(subject, asked, context)? {
            Ok(cell) => Ok(cell),
            Err(exhausted) => {
                let cell = self.grant_by_grant(subject, asked, context)?;
                Ok(cell.unwrap_or_else(|| Cell::unknown(exhausted.to_string())))
            }
        }
    }

    /// What a principal may do on a key by so many grants that they cannot be weighed together: what the policies alone and each
    /// grant alone give it. Grants only allow, so that nothing which all of them give is missed; where only several together
    /// allow in every context, the answer is the conditions of each. `None` where that is too much as well.
    fn grant_by_grant(
        &self,
        subject: Subject<'_>,
        asked: Asked<'_>,
        context: &Context,
    ) -> Result<Option<Cell>, Unanswered> {
        let mut cells = Vec::new();
        let Ok(by_policies) = self.within_budget(subject, Asked { grants: &[], ..asked }, context)? else {
            return Ok(None);
        };
        for (index, grant) in asked.grants.iter().enumerate() {
            let caller = &subject.principal.caller;
            if grant.grantee.as_ref().and_then(|grantee| caller.named_by(grantee)).is_none() {
                continue;
            }
            let Ok(cell) = self.within_budget(subject, Asked { grants: &[*grant], ..asked }, context)? else {
                return Ok(None);
            };
            let place = |decider: &Decider| match decider.policy {
                PolicyRef::Grant(_) => Decider { policy: PolicyRef::Grant(index), ..*decider },
                _ => *decider,
            };
            cells.push(Cell { statements: cell.statements.iter().map(place).collect(), ..cell });
        }
        if cells.is_empty() {
            return Ok(None);
        }
        let note = format!("{} grants name the principal: each was decided by itself", cells.len());
        Ok(Some(Cell::union(by_policies, cells, note)))
    }

    /// The decision, or that the question is too large.
    fn within_budget(
        &self,
        subject: Subject<'_>,
        asked: Asked<'_>,
        context: &Context,
    ) -> Result<Result<Cell, policy::Exhausted>, Unanswered> {
        let Subject { principal, .. } = subject;
        let is_limited = UNDER_RESOURCE_CONTROL.iter().any(|it| asked.action.name().starts_with(it));
        let policies = Policies {
            identity: subject.identity,
            boundary: subject.boundary,
            scps: subject.service_control,
            rcps: asked.resource_control.filter(|_| is_limited),
            key_policies: asked.key_policies,
            grants: asked.grants,
            trust_policy: asked.trust_policy,
            ..Policies::default()
        };
        let environment = Environment {
            key_manager_is_aws: asked.is_aws_managed,
            principal_account_is_management: self.estate.is_management(&principal.account_id),
            resource_account_is_management: self.estate.is_management(asked.account_id),
        };
        let mut request = Request::new(&principal.caller, asked.action, asked.arn, context);
        request.resource_account = Some(asked.account_id);
        let mut tests: Vec<&ConditionTest> = subject.assumptions.iter().chain(asked.assumptions).copied().collect();
        let mut free = asked.free.to_vec();
        let of_account = matches!(principal.kind, PrincipalKind::Account | PrincipalKind::Everyone).then(|| {
            let account = principal.caller.account.as_deref().unwrap_or_default();
            let arns = format!("arn:{}:*::{account}:*", self.partition);
            ConditionTest::like("ArnLike", "aws:PrincipalArn", &[arns])
        });
        if let Some(test) = &of_account {
            tests.push(test);
            free.extend(FREE);
        }
        if principal.kind == PrincipalKind::IdentityProvider {
            // Such a request is signed by nobody.
            free.extend(FREE.iter().chain(&["aws:principalaccount"]));
        }
        let assumed = Assumed { tests: &tests, free: &free };
        let mut budget = Budget::of_steps(STEPS);
        match self.estate.answers.effective(&request, &policies, environment, assumed, &mut budget) {
            Ok(answered) => Ok(Ok(Cell::new(&answered))),
            Err(Unanswered::Budget(exhausted)) => Ok(Err(exhausted)),
            Err(disagreement) => Err(disagreement),
        }
    }

    /// What every request about a resource of an account holds.
    pub(super) fn of_resources(&self, account_id: &str) -> Cow<'_, Context> {
        match self.accounts.get(account_id) {
            Some(account) => Cow::Borrowed(&account.of_resources),
            None => Cow::Owned(self.estate.described(account_id, "aws:Resource")),
        }
    }

    /// The service control policies that limit the principals of an account.
    pub(super) fn service_control(&self, account_id: &str) -> Cow<'_, Levels> {
        match self.accounts.get(account_id) {
            Some(account) => Cow::Borrowed(&account.service_control),
            None if account_id.is_empty() => Cow::Owned(None),
            None => self.estate.levels(account_id, Kind::Service),
        }
    }

    /// The resource control policies that limit what an account owns.
    pub(super) fn resource_control(&self, account_id: &str) -> Option<&Vec<Vec<Named>>> {
        self.accounts.get(account_id).and_then(|account| account.resource_control.as_ref())
    }
}

/// A grant that was not read: it may give the action to anyone.
pub(super) fn unread_grant(key: &Key, action: &Action) -> policy::Grant {
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
    /// Adds something that a reader must know.
    pub fn note(&mut self, note: String) {
        Arc::make_mut(&mut self.answer).notes.push(note);
    }

    /// The same, but only perhaps.
    #[must_use]
    pub fn perhaps(self) -> Self {
        let answer = Answer { access: Access::Possible, ..self.answer.as_ref().clone() };
        Self { answer: Arc::new(answer), ..self }
    }

    /// A denial, or what grants beside the `known` ones may give: one that was not read may allow what nothing else does.
    pub(super) fn or_granted(self, widest: Self, known: usize) -> Self {
        if widest.access == Access::Denied {
            return self;
        }
        let is_read = |it: &&Decider| !matches!(it.policy, PolicyRef::Grant(index) if index >= known);
        let statements = widest.statements.iter().filter(is_read).copied().collect();
        let answer = Answer { layer: Some(Layer::Grants), ..widest.answer.as_ref().clone() };
        Self { answer: Arc::new(answer), statements }.perhaps()
    }

    fn new(answered: &policy::Answered<'_>) -> Self {
        let decider = |statement: &policy::StatementRef<'_>| Decider {
            policy: statement.policy,
            index: statement.index,
            effect: statement.effect,
        };
        Self { answer: answered.answer.clone(), statements: answered.statements.iter().map(decider).collect() }
    }

    /// What several decisions on one question give, each of which knows other grants: one of them must hold.
    fn union(first: Self, others: Vec<Self>, note: String) -> Self {
        let Some(access) = others.iter().map(|cell| cell.access).min().filter(|it| *it != Access::Denied) else {
            return first;
        };
        let access = access.min(first.access);
        let all = [first].into_iter().chain(others);
        // Beside what is certain, what is only possible adds nothing.
        let adds = |cell: &Self| match access {
            Access::Possible => cell.access != Access::Denied,
            Access::Allowed => cell.access == Access::Allowed,
            _ => cell.access < Access::Possible,
        };
        let mut cells: Vec<Self> = all.filter(adds).collect();
        cells.sort_by_key(|cell| cell.access);
        let (mut conditions, mut via) = (BTreeMap::new(), BTreeSet::new());
        let (mut statements, mut notes) = (Vec::new(), BTreeSet::from([note]));
        for cell in &cells {
            for (words, all) in cell.condition_words().into_iter().zip(&cell.conditions) {
                conditions.entry(words).or_insert_with(|| all.clone());
            }
            via.extend(cell.via.iter().cloned());
            notes.extend(cell.notes.iter().cloned());
            let is_new = |it: &&Decider| matches!(it.policy, PolicyRef::Grant(_)) || !statements.contains(*it);
            let new: Vec<Decider> = cell.statements.iter().filter(is_new).copied().collect();
            statements.extend(new);
        }
        if cells.iter().any(|cell| cell.conditions.is_empty()) {
            conditions.clear();
        }
        let best = cells.first();
        let answer = Answer {
            access,
            path: best.and_then(|cell| cell.path),
            layer: best.and_then(|cell| cell.layer),
            is_explicit: false,
            conditions: conditions.into_values().collect(),
            via: via.into_iter().collect(),
            notes: notes.into_iter().collect(),
        };
        Self { answer: Arc::new(answer), statements: statements.into() }
    }

    fn unknown(note: String) -> Self {
        Self { answer: Arc::new(Answer::unknown(note)), statements: Arc::new([]) }
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
