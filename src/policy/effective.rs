//! How far the access of one caller to one resource goes over all requests: the decision, the conditions it depends on, and
//! whether the caller can meet them (semantics 3.4, 5.5).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::caller::CallerKind;
use super::condition::Operator;
use super::context::{Context, ContextValue};
use super::decide::{Decision, Environment, Outcome, Policies, decide};
use super::implicants::{Known, Literal, When, implicants};
use super::keys::{KeyClass, key_class};
use super::request::Request;
use super::symbolic::contexts::{Contexts, Held};
pub use super::symbolic::decision::Assumed;
use super::symbolic::decision::{Decided, Question, Reader};
use super::symbolic::diagram::Function;
use super::symbolic::{Budget, Exhausted};
use super::text::Text;

/// How far access goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// In every context.
    Allowed,
    /// In every context that the caller chooses well: all that it depends on is in the caller's hand.
    AllowedIfChosen,
    /// Only in requests that an AWS service makes for the caller.
    ViaService,
    /// In some contexts, depending on the network, a second factor, the session, the time.
    Conditional,
    /// AWS does not document whether at all, or something that decides could not be read.
    Possible,
    /// In none.
    Denied,
}

/// The access of one caller to one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective<'p> {
    /// How far it goes.
    pub access: Access,
    /// When: one of these conjunctions must hold. Empty when nothing is demanded, or nothing suffices. Each is a prime
    /// implicant, and none can be left out.
    pub conditions: Vec<Vec<Requirement>>,
    /// The values of `kms:ViaService` that the conditions name.
    pub via: Vec<String>,
    /// The decision on one request, the plainest that is allowed, or that comes closest to it.
    pub decision: Decision<'p>,
    /// The context of that request.
    pub context: Context,
}

/// A demand on the context of a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The condition key as a policy writes it.
    pub key: String,
    /// The demand in words: `aws:MultiFactorAuthPresent is true`.
    pub words: String,
    /// Who decides about it.
    pub class: KeyClass,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The question is larger than its budget.
    #[error(transparent)]
    Budget(#[from] Exhausted),
    /// The two engines disagree: a fault of this program, which must not be hidden.
    #[error(
        "the symbolic engine says that a request is {expected}, the evaluator says {found}: a fault of keyproof; please report it"
    )]
    Disagreement {
        /// What the symbolic engine says.
        expected: &'static str,
        /// What the evaluator says.
        found: Outcome,
    },
}

/// The access of the caller of `request` over all contexts: what its context says, and what follows from its other parts, is
/// known of every request; every other key is free, as far as what is `assumed` leaves it so.
///
/// # Errors
/// The budget ran out; or the two engines disagree on a request, which is a fault of this program.
pub fn effective<'q>(
    request: &'q Request<'q>,
    policies: &'q Policies<'q>,
    environment: Environment,
    assumed: Assumed<'q>,
    budget: &mut Budget,
) -> Result<Effective<'q>, Unanswered> {
    let question = Question::new(request, policies, environment, assumed);
    effective_of(&question, request, policies, environment, budget)
}

/// The answer to a question that was gathered.
pub(super) fn effective_of<'q>(
    question: &Question<'q>,
    request: &'q Request<'q>,
    policies: &'q Policies<'q>,
    environment: Environment,
    budget: &mut Budget,
) -> Result<Effective<'q>, Unanswered> {
    if question.is_settled() {
        let decision = decide(request, policies, environment);
        let access = match decision.decision {
            Outcome::Allow => Access::Allowed,
            Outcome::Possible => Access::Possible,
            Outcome::Deny => Access::Denied,
        };
        let context = request.context.clone();
        return Ok(Effective { access, conditions: vec![], via: vec![], decision, context });
    }
    let contexts = question.contexts(budget)?;
    let possible = Function::TRUE;
    Answering { request, policies, environment, question, contexts, possible }.answer(budget)
}

/// How many requests are tried before an answer counts as not shown.
const ATTEMPTS: usize = 16;

/// A question of which the context decides.
struct Answering<'a, 'q> {
    request: &'q Request<'q>,
    policies: &'q Policies<'q>,
    environment: Environment,
    question: &'a Question<'q>,
    contexts: Contexts,
    /// The contexts that requests can have.
    possible: Function,
}

impl<'q> Answering<'_, 'q> {
    fn answer(mut self, budget: &mut Budget) -> Result<Effective<'q>, Unanswered> {
        let most = Reader::new(self.question, &mut self.contexts, budget, true).decide()?;
        let least = match self.contexts.met_unsure {
            true => Reader::new(self.question, &mut self.contexts, budget, false).decide()?,
            false => most,
        };
        self.possible = self.question.possible(&mut self.contexts, budget)?;
        let surely = self.contexts.diagram.and(least.allowed, self.possible, budget)?;
        let perhaps = self.contexts.diagram.and(most.allowed, self.possible, budget)?;
        if perhaps == Function::FALSE {
            let near = self.nearest(most, budget)?;
            let (context, decision) = self.shown(near, budget)?;
            return match decision.decision {
                Outcome::Deny => {
                    Ok(Effective { access: Access::Denied, conditions: vec![], via: vec![], decision, context })
                }
                found => Err(Unanswered::Disagreement { expected: "denied", found }),
            };
        }
        let is_certain = surely != Function::FALSE;
        let wanted = if is_certain { surely } else { perhaps };
        let (context, decision) = self.shown(wanted, budget)?;
        // An equality with a variable may have no values that show it; everything else has.
        if decision.decision == Outcome::Deny && !self.contexts.has_relations() {
            return Err(Unanswered::Disagreement { expected: "allowed", found: decision.decision });
        }
        let access = if is_certain { self.reach(wanted, budget)? } else { Access::Possible };
        let (conditions, via) = self.conditions(wanted, budget)?;
        Ok(Effective { access, conditions, via, decision, context })
    }

    /// The contexts that come closest to an access that is nowhere allowed: a way is open, else nothing denies.
    fn nearest(&mut self, decided: Decided, budget: &mut Budget) -> Result<Function, Exhausted> {
        for near in [decided.open, decided.undenied] {
            let near = self.contexts.diagram.and(near, self.possible, budget)?;
            if near != Function::FALSE {
                return Ok(near);
            }
        }
        Ok(self.possible)
    }

    /// The plainest request of some contexts, and the decision on it. Where equalities with variables decide, the first attempts
    /// may miss: the one that is allowed most is taken.
    fn shown(&mut self, wanted: Function, budget: &mut Budget) -> Result<(Context, Decision<'q>), Exhausted> {
        let mut best: Option<(Context, Decision<'q>)> = None;
        let mut open = wanted;
        for _ in 0..ATTEMPTS {
            let Some(assignment) = self.contexts.diagram.cheapest(open) else { break };
            for held in self.contexts.contexts(&assignment, self.request.resource) {
                let context = self.with(&held);
                let decision = decide(&Request { context: &context, ..*self.request }, self.policies, self.environment);
                let rank = |decision: &Decision<'_>| match decision.decision {
                    Outcome::Allow => 2,
                    Outcome::Possible => 1,
                    Outcome::Deny => 0,
                };
                if best.as_ref().is_none_or(|(_, known)| rank(&decision) > rank(known)) {
                    best = Some((context, decision));
                }
            }
            if best.as_ref().is_some_and(|(_, known)| known.decision == Outcome::Allow)
                || !self.contexts.has_relations()
            {
                break;
            }
            let mut tried = Function::TRUE;
            for (variable, chosen) in &assignment {
                let here = self.contexts.diagram.test(*variable, |value| value == *chosen, budget)?;
                tried = self.contexts.diagram.and(tried, here, budget)?;
            }
            open = self.contexts.diagram.minus(open, tried, budget)?;
        }
        Ok(best.unwrap_or_else(|| {
            let context = self.request.context.clone();
            let decision = decide(self.request, self.policies, self.environment);
            (context, decision)
        }))
    }

    /// What is known, and what is held.
    fn with(&self, held: &BTreeMap<String, Held>) -> Context {
        let mut context = self.request.context.clone();
        for (key, held) in held {
            let value = match held {
                Held::One(value) => ContextValue::One(value.clone()),
                Held::Set(values) => ContextValue::Set(values.clone()),
            };
            context.insert(key, value);
        }
        context
    }

    fn class(&self, key: &str) -> KeyClass {
        let class = self.request.action.kms().map_or(KeyClass::Session, |action| key_class(key, action));
        // A service calls for itself: what it acts for is its environment.
        match class {
            KeyClass::Service if self.request.caller.kind == CallerKind::Service => KeyClass::Environment,
            other => other,
        }
    }

    /// How far an access goes that some context allows for certain.
    fn reach(&mut self, wanted: Function, budget: &mut Budget) -> Result<Access, Exhausted> {
        let possible = self.possible;
        if wanted == possible {
            return Ok(Access::Allowed);
        }
        let keys: Vec<String> = self.contexts.keys().map(str::to_owned).collect();
        let of = |class: KeyClass| -> BTreeSet<&str> {
            keys.iter().map(String::as_str).filter(|key| self.class(key) == class).collect()
        };
        let (by_service, by_caller) = (of(KeyClass::Service), of(KeyClass::Caller));
        let direct = self.contexts.without(|key| by_service.contains(key), budget)?;
        let direct = self.contexts.diagram.and(direct, possible, budget)?;
        let allowed = self.contexts.diagram.and(wanted, direct, budget)?;
        if allowed == Function::FALSE {
            return Ok(Access::ViaService);
        }
        let chosen = self.contexts.variables_of(|key| by_caller.contains(key));
        let everywhere = self.contexts.diagram.exists(direct, &chosen, budget)?;
        let reached = self.contexts.diagram.exists(allowed, &chosen, budget)?;
        let missed = self.contexts.diagram.minus(everywhere, reached, budget)?;
        Ok(if missed == Function::FALSE { Access::AllowedIfChosen } else { Access::Conditional })
    }

    /// The conditions of an access in words, and the services that they name.
    fn conditions(
        &mut self,
        wanted: Function,
        budget: &mut Budget,
    ) -> Result<(Vec<Vec<Requirement>>, Vec<String>), Exhausted> {
        let mut known = Vec::new();
        self.contexts.count_unsure_as(true);
        for test in self
            .question
            .tests()
            .into_iter()
            .filter(|test| !matches!(test.operator, Operator::Unknown | Operator::Unread))
        {
            known.push(Known { test, holds: self.contexts.test(test, budget)? });
        }
        let When::Any(conjunctions) = implicants(&mut self.contexts, self.possible, wanted, known, budget)? else {
            return Ok((vec![], vec![]));
        };
        let services = conjunctions.iter().flatten().filter(|it| it.holds && it.test.key == "kms:viaservice");
        let services: BTreeSet<&str> = services.flat_map(|it| it.test.values.iter().map(Text::source)).collect();
        let via = services.into_iter().map(str::to_owned).collect();
        let requirement = |literal: &Literal<'_>| Requirement {
            key: literal.test.key_source.clone(),
            words: literal.to_string(),
            class: self.class(&literal.test.key),
        };
        Ok((conjunctions.iter().map(|all| all.iter().map(requirement).collect()).collect(), via))
    }
}

impl Access {
    /// The word of every table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::AllowedIfChosen => "allowed_if_chosen",
            Self::ViaService => "via_service",
            Self::Conditional => "conditional",
            Self::Possible => "possible",
            Self::Denied => "denied",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}
