//! The decision on one request as a Boolean function of its context: [`decide`](crate::policy::decide), all contexts at once.
//!
//! The rules are those of `layer.rs`, `path.rs` and `key_access.rs`, over functions in place of answers. That both agree in every
//! context is a law with a test.

mod shape;

use std::collections::BTreeSet;

use super::contexts::Contexts;
use super::diagram::Function;
use super::relations::Subject;
use super::{Budget, Exhausted};
use crate::policy::Match;
use crate::policy::caller::{CallerKind, Naming, arn_field};
use crate::policy::catalogue::KmsResources;
use crate::policy::condition::{Comparison, ConditionTest};
use crate::policy::decide::{Environment, Policies, crosses_partitions, limiting_rcps, limiting_scps, speaks_of_a_key};
use crate::policy::document::{Document, Effect, Statement};
use crate::policy::grant::{Grant, Required};
use crate::policy::known::{Knowledge, Remains};
use crate::policy::layer::PolicyRef;
use crate::policy::named::{self, Namings};
use crate::policy::request::{Realm, Request, Target};
use crate::policy::resource::ResourcePattern;
use crate::policy::statement::is_matched_by;
use crate::policy::text::{Part, Text};
pub(in crate::policy) use shape::Shape;

/// All that speaks about a request, as far as its context decides.
pub(in crate::policy) struct Question<'q> {
    request: &'q Request<'q>,
    policies: &'q Policies<'q>,
    environment: Environment,
    entries: Vec<Entry<'q>>,
    grants: Vec<Granted<'q>>,
    assumed: Assumed<'q>,
}

/// What holds of every request beside what its context says and what follows from its other parts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Assumed<'q> {
    /// Tests that always hold.
    pub tests: &'q [&'q ConditionTest],
    /// Condition keys, in lower case, about which nothing follows from the request: `aws:principalarn` where any principal of an
    /// account may ask.
    pub free: &'q [&'q str],
}

/// A grant that names the caller and holds the action.
struct Granted<'q> {
    grant: &'q Grant,
    /// Its position.
    index: usize,
    naming: Naming,
    required: Required,
}

/// A statement that may apply.
struct Entry<'q> {
    layer: Layer,
    policy: PolicyRef,
    statement: &'q Statement,
    /// Whether action and principal part match.
    speaks: Match,
    /// How an Allow of the resource names the caller.
    namings: Namings,
    /// What is left of it; `None` where it never applies.
    seen: Option<Remainder<'q>>,
    /// The same where tags and aliases of the key are not visible, for statements that look at them (semantics U-18).
    unseen: Option<Option<Remainder<'q>>>,
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Identity,
    Boundary,
    Session,
    Scp(usize),
    Rcp(usize),
    Resource,
}

/// What is left of a statement once resource and known keys are fixed.
struct Remainder<'q> {
    remains: Remains<'q>,
    /// Whether a pattern without variables matches the resource.
    listed: Match,
    /// Patterns with variables that may match it.
    related: Vec<Related>,
}

/// When a pattern with variables matches the resource.
struct Related {
    text: Text,
    /// The test that says so, where one test can.
    test: Option<ConditionTest>,
    /// A variable stands before the fifth colon, where AWS may not replace it (semantics V-1).
    is_early: bool,
}

/// Where a request is allowed, under one reading of what AWS does not document.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Decided {
    /// In these contexts it is allowed.
    pub(in crate::policy) allowed: Function,
    /// In these, statements and grants open a way, whatever denies or the organization limits.
    pub(in crate::policy) open: Function,
    /// In these, no statement denies.
    pub(in crate::policy) undenied: Function,
}

/// Allow and Deny of one layer.
#[derive(Debug, Clone, Copy)]
struct Sides {
    allow: Function,
    deny: Function,
}

impl<'q> Question<'q> {
    /// Gathers what speaks about the request. What its context says is known of every request.
    pub(in crate::policy) fn new(
        request: &'q Request<'q>,
        policies: &'q Policies<'q>,
        environment: Environment,
        assumed: Assumed<'q>,
    ) -> Self {
        let mut question = Self { request, policies, environment, entries: vec![], grants: vec![], assumed };
        question.gather(policies.identity, Layer::Identity, PolicyRef::Identity);
        question.gather(policies.boundary, Layer::Boundary, PolicyRef::Boundary);
        question.gather(policies.session, Layer::Session, PolicyRef::Session);
        for (level, documents) in limiting_scps(request, policies, environment).into_iter().flatten().enumerate() {
            question.gather(documents, Layer::Scp(level), |policy| PolicyRef::Scp { level, policy });
        }
        for (level, documents) in limiting_rcps(request, policies, environment).into_iter().flatten().enumerate() {
            question.gather(documents, Layer::Rcp(level), |policy| PolicyRef::Rcp { level, policy });
        }
        match request.action.realm() {
            Realm::Kms if speaks_of_a_key(request) => {
                question.gather(policies.key_policies, Layer::Resource, PolicyRef::Key);
                question.gather_grants();
            }
            Realm::Kms => {}
            Realm::AssumeRole => {
                question.gather(policies.trust_policy.as_slice(), Layer::Resource, |_| PolicyRef::Trust);
            }
            Realm::General => {
                question.gather(policies.resource_policy.as_slice(), Layer::Resource, |_| PolicyRef::Resource);
            }
        }
        question
    }

    /// Whether the context has no say any more.
    pub(in crate::policy) fn is_settled(&self) -> bool {
        let is_settled =
            |remainder: &Remainder<'_>| remainder.remains.condition.is_none() && remainder.related.is_empty();
        let parts =
            |entry: &'_ Entry<'q>| entry.seen.iter().all(is_settled) && entry.unseen.iter().flatten().all(is_settled);
        self.entries.iter().all(parts) && self.grants.iter().all(|granted| granted.required.is_nothing())
    }

    fn knowledge(&self, without_key_properties: bool) -> Knowledge<'q> {
        Knowledge { request: self.request, free: self.assumed.free, without_key_properties }
    }

    fn gather(&mut self, documents: &'q [&'q Document], layer: Layer, place: impl Fn(usize) -> PolicyRef) {
        for (index, document) in documents.iter().enumerate() {
            for statement in &document.statements {
                if let Some(entry) = self.entry(statement, layer, place(index)) {
                    self.entries.push(entry);
                }
            }
        }
    }

    fn entry(&self, statement: &'q Statement, layer: Layer, policy: PolicyRef) -> Option<Entry<'q>> {
        let mut speaks = statement.matches_action(self.request.action.name());
        if speaks == Match::No {
            return None;
        }
        let mut namings = Namings::default();
        match (layer, &statement.principal) {
            (Layer::Resource, None) => return None,
            (Layer::Resource, Some(element)) => {
                let bounded = !self.policies.boundary.is_empty();
                let named = if statement.effect == Effect::Allow {
                    let (found, named) = named::allowed(element, self.request.caller);
                    if found == Namings::default() {
                        return None;
                    }
                    namings = found;
                    named
                } else {
                    named::denied(element, self.request.caller, bounded)
                };
                speaks = speaks.min(named.holds);
            }
            (Layer::Rcp(_), Some(element)) => {
                speaks = speaks.min(named::denied(element, self.request.caller, false).holds);
            }
            _ => {}
        }
        if speaks == Match::No {
            return None;
        }
        let seen = self.left_of(statement, layer, false);
        let is_key_policy = layer == Layer::Resource && self.request.action.realm() == Realm::Kms;
        let looks = is_key_policy && statement.looks_at_key_properties();
        let unseen = looks.then(|| self.left_of(statement, layer, true));
        let never = seen.is_none() && unseen.as_ref().is_none_or(Option::is_none);
        (!never).then_some(Entry { layer, policy, statement, speaks, namings, seen, unseen })
    }

    /// What is left of a statement; `None` when it never applies to the resource.
    fn left_of(&self, statement: &'q Statement, layer: Layer, without_key_properties: bool) -> Option<Remainder<'q>> {
        // Most statements are about other resources, which is told without a look at their conditions.
        if self.is_elsewhere(statement) {
            return None;
        }
        let knowledge = self.knowledge(without_key_properties);
        let remains = knowledge.left_of(statement)?;
        let is_resource_optional = layer == Layer::Resource && self.request.action.realm() != Realm::Kms;
        let (mut listed, mut related) = (Match::from(is_resource_optional), vec![]);
        if let Some(resources) = &remains.resources {
            listed = Match::No;
            for pattern in &resources.patterns {
                match self.request.target() {
                    Target::Arn(arn) if pattern.text().has_variables() => {
                        related.extend(Related::new(pattern, arn));
                    }
                    target => listed = listed.max(is_matched_by(target, pattern, self.request, &|_| None)),
                }
            }
        }
        let is_negated = remains.resources.as_ref().is_some_and(|resources| resources.negated);
        let is_out = if is_negated { listed == Match::Yes } else { listed == Match::No && related.is_empty() };
        (!is_out).then_some(Remainder { remains, listed, related })
    }

    /// Whether a statement lists resources, none of them by a variable, and not the one of the request.
    fn is_elsewhere(&self, statement: &Statement) -> bool {
        let Some(resources) = statement.resources.as_ref().filter(|resources| !resources.negated) else { return false };
        let target = self.request.target();
        resources.patterns.iter().all(|pattern| {
            !pattern.text().has_variables() && is_matched_by(target, pattern, self.request, &|_| None) == Match::No
        })
    }

    /// Grants that name the caller and hold the action.
    fn gather_grants(&mut self) {
        let Some(operation) = self.request.action.as_grant_operation() else { return };
        let Target::Arn(key) = self.request.target() else { return };
        for (index, grant) in self.policies.grants.iter().enumerate() {
            let naming = grant.grantee.as_ref().and_then(|grantee| self.request.caller.named_by(grantee));
            if let Some(naming) = naming
                && grant.is_on(key)
                && grant.holds_operation(operation)
            {
                self.grants.push(Granted { grant, index, naming, required: grant.required(self.request.action) });
            }
        }
    }

    fn remainders(&self) -> impl Iterator<Item = &Remainder<'q>> {
        self.entries.iter().flat_map(|entry| entry.seen.iter().chain(entry.unseen.iter().flatten()))
    }

    /// The tests that decide where the request is allowed.
    pub(in crate::policy) fn tests(&self) -> Vec<&ConditionTest> {
        let related = self.remainders().flat_map(|remainder| &remainder.related).filter_map(|it| it.test.as_ref());
        let required = self.grants.iter().flat_map(|granted| &granted.required.tests);
        let of_statements = self.remainders().flat_map(|remainder| remainder.remains.tests());
        required.chain(of_statements).chain(related).collect()
    }

    /// The texts in which variables act.
    pub(in crate::policy) fn texts(&self) -> impl Iterator<Item = &Text> {
        self.remainders().flat_map(|remainder| remainder.remains.texts())
    }

    /// What is assumed of keys at which some test or variable looks.
    fn assumed(&self) -> impl Iterator<Item = &ConditionTest> {
        let variables = self.texts().flat_map(Text::variables).map(|variable| variable.key.as_str());
        let keys: BTreeSet<&str> = self.tests().iter().map(|test| test.key.as_str()).chain(variables).collect();
        self.assumed.tests.iter().copied().filter(move |test| keys.contains(test.key.as_str()))
    }

    /// The contexts as far as the question tells them apart.
    pub(in crate::policy) fn contexts(&self, budget: &mut Budget) -> Result<Contexts, Exhausted> {
        let knowledge = self.knowledge(false);
        let tests = self.tests().into_iter().chain(self.assumed());
        Contexts::about(tests, self.texts(), &|key| knowledge.of(key), budget)
    }

    /// The contexts that requests can have, once every function that the question needs is built.
    pub(in crate::policy) fn possible(
        &self,
        contexts: &mut Contexts,
        budget: &mut Budget,
    ) -> Result<Function, Exhausted> {
        let mut possible = contexts.possible(budget)?;
        for test in self.assumed() {
            let holds = contexts.test(test, budget)?;
            possible = contexts.diagram.and(possible, holds, budget)?;
        }
        Ok(possible)
    }
}

impl Related {
    /// `None` when no values of the variables make the pattern match.
    fn new(pattern: &ResourcePattern, arn: &str) -> Option<Self> {
        let text = pattern.text();
        let may_match = text.widest_glob().matches(arn);
        may_match.then(|| Self {
            text: text.clone(),
            test: equality(text, arn),
            is_early: pattern.has_early_variable(),
        })
    }
}

/// The test that says when a text with one variable and no wildcard is `found`.
fn equality(text: &Text, found: &str) -> Option<ConditionTest> {
    let (mut before, mut after) = (String::new(), String::new());
    let mut key = None;
    for part in text.parts() {
        let written = if key.is_none() { &mut before } else { &mut after };
        match part {
            Part::Written(text) if text.contains(['*', '?']) => return None,
            Part::Written(text) => written.push_str(text),
            Part::Escaped(character) => written.push(*character),
            Part::Variable(variable) if key.is_none() && variable.default.is_none() => key = Some(&variable.key),
            Part::Variable(_) => return None,
        }
    }
    let value = found.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
    Some(ConditionTest::literal("StringEquals", key?, &[value]))
}

/// The functions of one reading of what AWS does not document.
pub(in crate::policy) struct Reader<'r, 'q> {
    question: &'r Question<'q>,
    contexts: &'r mut Contexts,
    budget: &'r mut Budget,
    /// Whether unsure answers count in favour of the caller.
    most: bool,
}

impl<'r, 'q> Reader<'r, 'q> {
    /// Reads in favour of the caller (`most`), or against.
    pub(in crate::policy) fn new(
        question: &'r Question<'q>,
        contexts: &'r mut Contexts,
        budget: &'r mut Budget,
        most: bool,
    ) -> Self {
        Self { question, contexts, budget, most }
    }

    /// Where the request is allowed.
    pub(in crate::policy) fn decide(mut self) -> Result<Decided, Exhausted> {
        let policies = self.question.policies;
        let mut identity = self.sides(Layer::Identity)?;
        if self.question.request.caller.is_federated_by_root() {
            identity.allow = Function::TRUE;
        }
        let mut denied = identity.deny;
        let mut limits = [None, None];
        for (limit, (layer, documents)) in
            limits.iter_mut().zip([(Layer::Boundary, policies.boundary), (Layer::Session, policies.session)])
        {
            if !documents.is_empty() {
                let sides = self.sides(layer)?;
                denied = self.or(denied, sides.deny)?;
                *limit = Some(sides.allow);
            }
        }
        let own = self.own(identity.allow, limits)?;
        let (resource, resource_denied) = self.resource()?;
        denied = self.or(denied, resource_denied)?;
        let mut within = Function::TRUE;
        let (request, environment) = (self.question.request, self.question.environment);
        let scps = limiting_scps(request, policies, environment);
        let rcps = limiting_rcps(request, policies, environment);
        let scps = scps.into_iter().flatten().enumerate().map(|(level, it)| (Layer::Scp(level), it));
        let rcps = rcps.into_iter().flatten().enumerate().map(|(level, it)| (Layer::Rcp(level), it));
        for (layer, documents) in scps.chain(rcps) {
            let sides = self.sides(layer)?;
            // Every entity has at least one policy of each kind, so that an empty level was not collected.
            let allow = if documents.is_empty() { self.unsure() } else { sides.allow };
            denied = self.or(denied, sides.deny)?;
            within = self.and(within, allow)?;
        }
        let open = match request.action.realm() {
            _ if crosses_partitions(request) => Function::FALSE,
            Realm::Kms => self.kms(&resource, own)?,
            Realm::AssumeRole => self.assume_role(&resource, own)?,
            Realm::General => self.general(&resource, own)?,
        };
        let undenied = self.not(denied)?;
        let allowed = self.and(open, within)?;
        let allowed = self.and(allowed, undenied)?;
        Ok(Decided { allowed, open, undenied })
    }

    fn and(&mut self, a: Function, b: Function) -> Result<Function, Exhausted> {
        self.contexts.diagram.and(a, b, self.budget)
    }

    fn or(&mut self, a: Function, b: Function) -> Result<Function, Exhausted> {
        self.contexts.diagram.or(a, b, self.budget)
    }

    fn not(&mut self, function: Function) -> Result<Function, Exhausted> {
        self.contexts.diagram.not(function, self.budget)
    }

    /// A way that may be open.
    fn unsure(&mut self) -> Function {
        self.contexts.count_unsure_as(self.most);
        self.contexts.constant(Match::Unsure)
    }

    /// Everything that stands in one layer.
    fn sides(&mut self, layer: Layer) -> Result<Sides, Exhausted> {
        let mut sides = Sides { allow: Function::FALSE, deny: Function::FALSE };
        let question = self.question;
        for entry in question.entries.iter().filter(|entry| entry.layer == layer) {
            let applies = self.applies(entry)?;
            match entry.statement.effect {
                Effect::Allow => sides.allow = self.or(sides.allow, applies)?,
                Effect::Deny => sides.deny = self.or(sides.deny, applies)?,
            }
        }
        Ok(sides)
    }

    /// When the policies of the resource allow, for each way in which they name the caller, and when they deny.
    fn resource(&mut self) -> Result<([Function; Naming::ALL.len()], Function), Exhausted> {
        let (mut allow, mut deny) = ([Function::FALSE; Naming::ALL.len()], Function::FALSE);
        let question = self.question;
        for entry in question.entries.iter().filter(|entry| entry.layer == Layer::Resource) {
            let applies = self.applies(entry)?;
            if entry.statement.effect == Effect::Deny {
                deny = self.or(deny, applies)?;
                continue;
            }
            for (naming, function) in Naming::ALL.into_iter().zip(&mut allow) {
                if entry.namings.contains(naming) {
                    *function = self.or(*function, applies)?;
                }
            }
        }
        Ok((allow, deny))
    }

    /// When a statement applies.
    fn applies(&mut self, entry: &Entry<'q>) -> Result<Function, Exhausted> {
        let counts = (entry.statement.effect == Effect::Allow) == self.most;
        self.contexts.count_unsure_as(counts);
        let seen = self.remainder(entry.seen.as_ref())?;
        let applies = match &entry.unseen {
            None => seen,
            Some(unseen) => {
                let unseen = self.remainder(unseen.as_ref())?;
                if seen != unseen {
                    self.contexts.met_unsure = true;
                }
                if counts { self.or(seen, unseen)? } else { self.and(seen, unseen)? }
            }
        };
        let speaks = self.contexts.constant(entry.speaks);
        self.and(applies, speaks)
    }

    fn remainder(&mut self, remainder: Option<&Remainder<'q>>) -> Result<Function, Exhausted> {
        let Some(remainder) = remainder else { return Ok(Function::FALSE) };
        let condition = self.contexts.condition(remainder.remains.condition.as_deref(), self.budget)?;
        let resource = self.resource_part(remainder)?;
        self.and(condition, resource)
    }

    /// When the resource part of a statement matches. A variable without value matches nothing, but may also make the whole
    /// statement invalid (semantics V-5, U-10).
    fn resource_part(&mut self, remainder: &Remainder<'q>) -> Result<Function, Exhausted> {
        let resources = remainder.remains.resources.as_ref();
        let is_negated = resources.is_some_and(|resources| resources.negated);
        let listed = match is_negated {
            true if resources.is_some_and(|resources| resources.patterns.is_empty()) => Match::Unsure,
            true => !remainder.listed,
            false => remainder.listed,
        };
        let mut matches = self.contexts.constant(listed);
        let mut resolved = Function::TRUE;
        for related in &remainder.related {
            let equal = match &related.test {
                Some(test) => self.contexts.test(test, self.budget)?,
                None => {
                    let arn = self.question.request.resource.unwrap_or_default();
                    let like = Comparison::StringLike;
                    self.contexts.relation(Subject::Resource, arn, like, &related.text, self.budget)?
                }
            };
            let equal = if related.is_early {
                let counts = self.contexts.constant(Match::Unsure);
                // What is listed counts the other way round in a negated element.
                let counts = if is_negated { self.not(counts)? } else { counts };
                self.and(equal, counts)?
            } else {
                equal
            };
            matches = match is_negated {
                true => self.contexts.diagram.minus(matches, equal, self.budget)?,
                false => self.or(matches, equal)?,
            };
        }
        for text in resources.into_iter().flat_map(|resources| &resources.patterns).map(|pattern| pattern.text()) {
            if text.has_variables() {
                let has_value = self.contexts.resolved(text, self.budget)?;
                resolved = self.and(resolved, has_value)?;
            }
        }
        if resolved == Function::TRUE {
            return Ok(matches);
        }
        let counts = self.contexts.constant(Match::Unsure);
        let valid = self.or(resolved, counts)?;
        self.and(matches, valid)
    }

    /// The caller's own side.
    fn own(&mut self, identity: Function, limits: [Option<Function>; 2]) -> Result<Own, Exhausted> {
        let [boundary, session] = limits;
        let limit = self.and(boundary.unwrap_or(Function::TRUE), session.unwrap_or(Function::TRUE))?;
        let allows = match self.question.request.caller.kind {
            CallerKind::Root => Function::TRUE,
            CallerKind::FederatedUser if session.is_none() => Function::FALSE,
            CallerKind::Service | CallerKind::IdentityProvider | CallerKind::Anonymous => Function::FALSE,
            _ => self.and(identity, limit)?,
        };
        Ok(Own { allows, limits: limit, has_session: session.is_some() })
    }

    /// The rules of `key_access.rs`.
    fn kms(&mut self, resource: &[Function; Naming::ALL.len()], own: Own) -> Result<Function, Exhausted> {
        let request = self.question.request;
        let action = request.action;
        let kind = request.caller.kind;
        if matches!(kind, CallerKind::Anonymous | CallerKind::IdentityProvider) {
            return Ok(Function::FALSE);
        }
        let Target::Arn(arn) = request.target() else {
            let needs_key = action.kms().is_some_and(|action| action.resources != KmsResources::None);
            return Ok(if needs_key { Function::FALSE } else { own.allows });
        };
        let name = arn_field(arn, 5).unwrap_or_default();
        if action.is("kms:ListRetirableGrants") {
            let is_foreign = request.owner().is_some() && !request.is_own_account();
            return Ok(if is_foreign { Function::FALSE } else { own.allows });
        }
        if name.starts_with("alias/") {
            let is_about_aliases = action.kms().is_none_or(|action| action.resources == KmsResources::AliasAndKey);
            let is_open = is_about_aliases && !name.starts_with("alias/aws/") && request.is_own_account();
            return Ok(if is_open { own.allows } else { Function::FALSE });
        }
        if action.is("kms:RetireGrant") {
            return self.retire(arn, own);
        }
        let granted = self.granted(own)?;
        let by_policy = match kind {
            CallerKind::Service => self.by_resource(resource, own)?,
            _ if request.is_own_account() => {
                let direct = self.by_resource(resource, own)?;
                let delegated = self.and(resource[Naming::Account as usize], own.allows)?;
                self.or(direct, delegated)?
            }
            _ if self.question.environment.key_manager_is_aws => return Ok(Function::FALSE),
            _ if !action.kms().is_some_and(|action| action.cross_account) => return Ok(Function::FALSE),
            _ => self.across_accounts(resource, own)?,
        };
        self.or(by_policy, granted)
    }

    fn assume_role(&mut self, trust: &[Function; Naming::ALL.len()], own: Own) -> Result<Function, Exhausted> {
        match self.question.request.caller.kind {
            CallerKind::Anonymous | CallerKind::Root | CallerKind::FederatedUser => Ok(Function::FALSE),
            CallerKind::Service | CallerKind::IdentityProvider => self.by_resource(trust, own),
            _ if self.question.request.is_own_account() => {
                let direct = self.by_resource(trust, own)?;
                let delegated = self.and(trust[Naming::Account as usize], own.allows)?;
                self.or(direct, delegated)
            }
            _ => self.across_accounts(trust, own),
        }
    }

    fn general(&mut self, policy: &[Function; Naming::ALL.len()], own: Own) -> Result<Function, Exhausted> {
        let request = self.question.request;
        match request.caller.kind {
            CallerKind::IdentityProvider => Ok(Function::FALSE),
            CallerKind::Service | CallerKind::Anonymous => self.by_resource(policy, own),
            _ if request.owner().is_some() && !request.is_own_account() => self.across_accounts(policy, own),
            _ => {
                let direct = self.by_resource(policy, own)?;
                self.or(own.allows, direct)
            }
        }
    }

    /// The ways of `path::by_resource`.
    fn by_resource(&mut self, resource: &[Function; Naming::ALL.len()], own: Own) -> Result<Function, Exhausted> {
        let kind = self.question.request.caller.kind;
        let is_served = matches!(kind, CallerKind::Service | CallerKind::IdentityProvider);
        let mut open = Function::FALSE;
        for (naming, named) in Naming::ALL.into_iter().zip(resource) {
            if *named == Function::FALSE {
                continue;
            }
            let within = match naming {
                Naming::Star if is_served => self.unsure(),
                Naming::Star if kind == CallerKind::FederatedUser => {
                    let unsure = self.unsure();
                    self.or(own.covered(), unsure)?
                }
                Naming::Star | Naming::Direct | Naming::Session => Function::TRUE,
                Naming::Role => own.limits,
                Naming::FederatingUser => own.covered(),
                Naming::Account => Function::FALSE,
            };
            let way = self.and(*named, within)?;
            open = self.or(open, way)?;
        }
        Ok(open)
    }

    fn across_accounts(&mut self, resource: &[Function; Naming::ALL.len()], own: Own) -> Result<Function, Exhausted> {
        let mut half = Function::FALSE;
        for named in resource {
            half = self.or(half, *named)?;
        }
        self.and(half, own.allows)
    }

    /// The grants of `key_access::by_grants`.
    fn granted(&mut self, own: Own) -> Result<Function, Exhausted> {
        let question = self.question;
        let request = question.request;
        let mut open = Function::FALSE;
        for Granted { grant, naming, required, .. } in &question.grants {
            let holds = self.required(required)?;
            let within = if request.caller.kind == CallerKind::Service {
                Function::TRUE
            } else if *naming == Naming::Account {
                let unsure = self.unsure();
                self.or(own.allows, unsure)?
            } else {
                let limited = self.within_limits(*naming, own)?;
                if request.is_own_account() || grant.is_issued_by(request.caller) {
                    limited
                } else {
                    let both = self.and(own.allows, limited)?;
                    let unsure = self.unsure();
                    self.or(both, unsure)?
                }
            };
            let way = self.and(holds, within)?;
            open = self.or(open, way)?;
        }
        Ok(open)
    }

    /// The rules of `key_access::retire`.
    fn retire(&mut self, key: &str, own: Own) -> Result<Function, Exhausted> {
        let request = self.question.request;
        let mut open = if request.is_own_account() { own.allows } else { Function::FALSE };
        for grant in self.question.policies.grants {
            if !grant.is_on(key) || request.grant_id.is_some_and(|id| id != grant.id) {
                continue;
            }
            let retiring = grant.retiring.iter().filter_map(|principal| request.caller.named_by(principal));
            for naming in retiring {
                let way = if naming == Naming::Account { own.allows } else { self.within_limits(naming, own)? };
                open = self.or(open, way)?;
            }
            let grantee = grant.grantee.as_ref().and_then(|grantee| request.caller.named_by(grantee));
            if let Some(naming) = grantee.filter(|_| grant.holds_operation("RetireGrant")) {
                let way = if naming == Naming::Account {
                    let unsure = self.unsure();
                    self.or(own.allows, unsure)?
                } else {
                    self.within_limits(naming, own)?
                };
                open = self.or(open, way)?;
            }
            if !request.is_own_account() && grant.is_issued_by(request.caller) {
                let way = if request.caller.kind == CallerKind::Root {
                    Function::TRUE
                } else {
                    let unsure = self.unsure();
                    self.and(own.allows, unsure)?
                };
                open = self.or(open, way)?;
            }
        }
        Ok(open)
    }

    /// What boundary and session policies leave of access that a grant gives.
    fn within_limits(&mut self, naming: Naming, own: Own) -> Result<Function, Exhausted> {
        if naming == Naming::FederatingUser && !own.has_session {
            return Ok(Function::FALSE);
        }
        let unsure = self.unsure();
        self.or(own.limits, unsure)
    }

    /// When the constraints of a grant hold.
    fn required(&mut self, required: &Required) -> Result<Function, Exhausted> {
        self.contexts.count_unsure_as(self.most);
        let mut holds = Function::TRUE;
        for test in &required.tests {
            let test = self.contexts.test(test, self.budget)?;
            holds = self.and(holds, test)?;
        }
        if let Some(pairs) = &required.only_pairs {
            for key in self.contexts.other_pairs(pairs) {
                let absent = self.contexts.absent(&key, self.budget)?;
                holds = self.and(holds, absent)?;
            }
        }
        Ok(holds)
    }
}

/// The caller's own side.
#[derive(Debug, Clone, Copy)]
struct Own {
    /// When identity policies allow, within boundary and session policies.
    allows: Function,
    /// When boundary and session policies allow.
    limits: Function,
    has_session: bool,
}

impl Own {
    /// A federated session has what its session policy covers, and nothing without one.
    fn covered(self) -> Function {
        if self.has_session { self.limits } else { Function::FALSE }
    }
}
