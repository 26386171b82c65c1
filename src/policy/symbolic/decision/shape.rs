//! All that decides about a request, in a form that is equal for requests that are decided alike: so that a question that comes
//! up a million times in an organization is answered once.
//!
//! Who asks, for which key, and which documents speak is not in it; how the statements that apply name the caller, and what is
//! left of their conditions, is. Questions whose answer depends on more, such as an undocumented reading of a pattern, have no
//! shape.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Entry, Granted, Layer, Question, Remainder};
use crate::policy::Match;
use crate::policy::caller::{CallerKind, Naming};
use crate::policy::condition::{Condition, ConditionTest, Operator};
use crate::policy::decide::{
    Environment, StatementRef, crosses_partitions, limiting_rcps, limiting_scps, speaks_of_a_key,
};
use crate::policy::document::{Document, Effect};
use crate::policy::grant::Constraints;
use crate::policy::layer::PolicyRef;
use crate::policy::named::Namings;
use crate::policy::operator::Found;
use crate::policy::text::Text;

/// What decides about a request for an action on a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Shape<'s> {
    action: &'static str,
    caller: CallerKind,
    is_own_account: bool,
    crosses_partitions: bool,
    environment: Environment,
    has_boundary: bool,
    /// For each level of the organization whether no policy of it is known.
    scps: Option<Vec<bool>>,
    rcps: Option<Vec<bool>>,
    entries: Vec<Applying<'s>>,
    grants: Vec<Given<'s>>,
    /// Positions of grants that hold the action and whose grantee may stand for several principals.
    opaque_grants: Vec<usize>,
    /// What every request holds under the keys at which the conditions look, where that is known.
    known: Vec<(Cow<'s, str>, Holding<'s>)>,
    assumed: Vec<Cow<'s, ConditionTest>>,
    free: Vec<Cow<'s, str>>,
}

/// A statement that applies as far as its condition is met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Applying<'s> {
    layer: Layer,
    effect: Effect,
    namings: Namings,
    /// Whether it stands in the policy that AWS RAM keeps beside the key policy.
    is_of_a_share: bool,
    condition: Option<Cow<'s, Condition>>,
}

/// A grant that names the caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Given<'s> {
    naming: Naming,
    is_issued_by_caller: bool,
    /// What else than the action it holds, where new grants may be made of it.
    operations: Cow<'s, [String]>,
    constraints: Cow<'s, Constraints>,
}

/// [`Found`], to keep.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Holding<'s> {
    Absent,
    One(Cow<'s, str>),
    Set(Cow<'s, [String]>),
}

impl<'q> Question<'q> {
    /// What decides; `None` where more does than a shape tells.
    pub(in crate::policy) fn shape(&self) -> Option<Shape<'_>> {
        let (request, policies, environment) = (self.request, self.policies, self.environment);
        let action = request.action.kms().filter(|_| !request.action.is("kms:RetireGrant"))?;
        let is_plain_caller = matches!(request.caller.kind, CallerKind::User | CallerKind::Role | CallerKind::Root)
            || request.caller.kind == CallerKind::Service;
        if !speaks_of_a_key(request) || !is_plain_caller || request.owner().is_none() || !policies.session.is_empty() {
            return None;
        }
        let entries: Option<Vec<Applying<'_>>> = self.entries.iter().map(Applying::new).collect();
        let levels = |levels: Option<&[Vec<&Document>]>| -> Option<Vec<bool>> {
            levels.map(|levels| levels.iter().map(Vec::is_empty).collect())
        };
        Some(Shape {
            action: action.name,
            caller: request.caller.kind,
            is_own_account: request.is_own_account(),
            crosses_partitions: crosses_partitions(request),
            environment,
            has_boundary: !policies.boundary.is_empty(),
            scps: levels(limiting_scps(request, policies, environment)),
            rcps: levels(limiting_rcps(request, policies, environment)),
            entries: entries?,
            grants: self.grants.iter().map(|granted| self.given(granted)).collect(),
            opaque_grants: self.opaque_grants(),
            known: self.known(),
            assumed: self.assumed().map(Cow::Borrowed).collect(),
            free: self.assumed.free.iter().map(|key| Cow::Borrowed(*key)).collect(),
        })
    }

    fn given<'s>(&self, granted: &'s Granted<'q>) -> Given<'s> {
        let passes_on = self.request.action.is("kms:CreateGrant");
        Given {
            naming: granted.naming,
            is_issued_by_caller: granted.grant.is_issued_by(self.request.caller),
            operations: Cow::Borrowed(if passes_on { &granted.grant.operations } else { &[] }),
            constraints: Cow::Borrowed(&granted.grant.constraints),
        }
    }

    fn opaque_grants(&self) -> Vec<usize> {
        let Some(operation) = self.request.action.as_grant_operation() else { return vec![] };
        let numbered = self.policies.grants.iter().enumerate();
        let opaque = numbered.filter(|(_, grant)| grant.grantee_is_opaque && grant.holds_operation(operation));
        opaque.map(|(index, _)| index).collect()
    }

    /// What is known of the keys at which the question looks.
    fn known(&self) -> Vec<(Cow<'_, str>, Holding<'_>)> {
        let tests = self.tests();
        if tests.is_empty() {
            return vec![];
        }
        let values = tests.iter().flat_map(|test| &test.values);
        let variables = values.flat_map(Text::variables).map(|variable| variable.key.as_str());
        let keys: BTreeSet<&str> = tests.iter().map(|test| test.key.as_str()).chain(variables).collect();
        let knowledge = self.knowledge(false);
        let known = keys.into_iter().filter_map(|key| Some((Cow::Borrowed(key), Holding::new(knowledge.of(key)?))));
        known.collect()
    }

    /// The places, among what speaks about the request, of the statements and grants that decide; `None` if one does not
    /// speak.
    pub(in crate::policy) fn places(&self, statements: &[StatementRef<'_>]) -> Option<Vec<usize>> {
        let place = |cited: &StatementRef<'_>| match cited.policy {
            PolicyRef::Grant(index) => {
                let place = self.grants.iter().position(|granted| granted.index == index)?;
                Some(self.entries.len() + place)
            }
            policy => self.entries.iter().position(|it| it.policy == policy && it.statement.index == cited.index),
        };
        statements.iter().map(place).collect()
    }

    /// The statements and grants at such places.
    pub(in crate::policy) fn cited(&self, places: &[usize]) -> Vec<StatementRef<'q>> {
        let cited = |place: &usize| match self.entries.get(*place) {
            Some(Entry { policy, statement, .. }) => Some(StatementRef {
                policy: *policy,
                index: statement.index,
                sid: statement.sid.as_deref(),
                effect: statement.effect,
            }),
            None => self.grants.get(place - self.entries.len()).map(|granted| StatementRef {
                policy: PolicyRef::Grant(granted.index),
                index: 0,
                sid: None,
                effect: Effect::Allow,
            }),
        };
        places.iter().filter_map(cited).collect()
    }
}

impl<'s> Applying<'s> {
    /// `None` where an undocumented reading has a say, or the key's own properties do.
    fn new(entry: &'s Entry<'_>) -> Option<Self> {
        let Remainder { remains, listed, related } = entry.seen.as_ref().filter(|_| entry.unseen.is_none())?;
        let is_negated = remains.resources.as_ref().is_some_and(|resources| resources.negated);
        let wanted = if is_negated { Match::No } else { Match::Yes };
        let has_variables = |text: &Text| text.has_variables();
        let patterns = remains.resources.iter().flat_map(|resources| &resources.patterns);
        let is_plain = entry.speaks == Match::Yes
            && *listed == wanted
            && related.is_empty()
            && patterns.clone().next().is_some()
            && !patterns.map(|pattern| pattern.text()).any(has_variables)
            && !remains.condition.as_ref().is_some_and(|condition| condition.has_empty_part)
            && remains.tests().all(|test| test.operator != Operator::Unknown);
        is_plain.then(|| Self {
            layer: entry.layer,
            effect: entry.statement.effect,
            namings: entry.namings,
            is_of_a_share: matches!(entry.policy, PolicyRef::Key(1..)),
            condition: remains.condition.as_deref().map(Cow::Borrowed),
        })
    }
}

impl<'s> Holding<'s> {
    fn new(found: Found<'s>) -> Self {
        match found {
            Found::Absent => Self::Absent,
            Found::One(value) => Self::One(Cow::Borrowed(value)),
            Found::Set(values) => Self::Set(Cow::Borrowed(values)),
        }
    }

    fn kept(self) -> Holding<'static> {
        match self {
            Self::Absent => Holding::Absent,
            Self::One(value) => Holding::One(Cow::Owned(value.into_owned())),
            Self::Set(values) => Holding::Set(Cow::Owned(values.into_owned())),
        }
    }
}

impl Shape<'_> {
    /// The same, to keep.
    pub(in crate::policy) fn kept(self) -> Shape<'static> {
        let entry = |it: Applying<'_>| Applying {
            condition: it.condition.map(|condition| Cow::Owned(condition.into_owned())),
            ..it
        };
        let grant = |it: Given<'_>| Given {
            operations: Cow::Owned(it.operations.into_owned()),
            constraints: Cow::Owned(it.constraints.into_owned()),
            ..it
        };
        Shape {
            entries: self.entries.into_iter().map(entry).collect(),
            grants: self.grants.into_iter().map(grant).collect(),
            known: self.known.into_iter().map(|(key, it)| (Cow::Owned(key.into_owned()), it.kept())).collect(),
            assumed: self.assumed.into_iter().map(|test| Cow::Owned(test.into_owned())).collect(),
            free: self.free.into_iter().map(|key| Cow::Owned(key.into_owned())).collect(),
            action: self.action,
            caller: self.caller,
            is_own_account: self.is_own_account,
            crosses_partitions: self.crosses_partitions,
            environment: self.environment,
            has_boundary: self.has_boundary,
            scps: self.scps,
            rcps: self.rcps,
            opaque_grants: self.opaque_grants,
        }
    }
}
