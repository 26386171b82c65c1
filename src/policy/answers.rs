//! Answers that are kept: in an organization the same question comes up for thousands of principals and keys.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::decide::{Environment, Policies, StatementRef};
use super::effective::{Access, Assumed, Effective, Requirement, Unanswered, effective_of};
use super::path::{Layer, Path};
use super::request::Request;
use super::symbolic::Budget;
use super::symbolic::decision::{Question, Shape};

/// How many answers are kept, at one to two kilobytes each. What comes up later is worked out each time.
const KEPT: usize = 200_000;

/// What is answered for all requests that are decided alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
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
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

/// An answer with the statements and grants that it rests on.
#[derive(Debug, Clone)]
pub struct Answered<'p> {
    /// The answer.
    pub answer: Arc<Answer>,
    /// The deciding statements of every layer, and grants.
    pub statements: Vec<StatementRef<'p>>,
}

/// The answers to questions that came up. Whether one is kept changes nothing but the time that it takes.
#[derive(Debug, Default)]
pub struct Answers {
    known: RwLock<BTreeMap<Shape<'static>, Known>>,
}

#[derive(Debug)]
struct Known {
    answer: Arc<Answer>,
    /// Of the deciding statements, among those that apply.
    places: Box<[usize]>,
}

impl Answers {
    /// The access of the caller of `request` over all contexts, as [`effective`](super::effective) says it.
    ///
    /// # Errors
    /// As there.
    pub fn effective<'q>(
        &self,
        request: &'q Request<'q>,
        policies: &'q Policies<'q>,
        environment: Environment,
        assumed: Assumed<'q>,
        budget: &mut Budget,
    ) -> Result<Answered<'q>, Unanswered> {
        let question = Question::new(request, policies, environment, assumed);
        let shape = question.shape();
        if let Some(shape) = &shape
            && let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(shape)
        {
            return Ok(Answered { answer: known.answer.clone(), statements: question.cited(&known.places) });
        }
        let effective = effective_of(&question, request, policies, environment, budget)?;
        let (answer, statements) = Answer::new(effective);
        let answer = Arc::new(answer);
        if let Some(shape) = shape
            && let Some(places) = question.places(&statements)
        {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            if known.len() < KEPT {
                known.insert(shape.kept(), Known { answer: answer.clone(), places: places.into() });
            }
        }
        Ok(Answered { answer, statements })
    }

    /// How many answers are kept.
    pub fn len(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Answer {
    fn new(effective: Effective<'_>) -> (Self, Vec<StatementRef<'_>>) {
        let Effective { access, conditions, via, decision, .. } = effective;
        let notes = decision.notes.iter().map(ToString::to_string).collect();
        let answer = Self {
            access,
            path: decision.path,
            layer: decision.layer,
            is_explicit: decision.explicit,
            conditions,
            via,
            notes,
        };
        (answer, decision.statements)
    }

    /// What is said where a question is larger than its budget.
    #[must_use]
    pub fn unknown(note: String) -> Self {
        Self {
            access: Access::Possible,
            path: None,
            layer: None,
            is_explicit: false,
            conditions: vec![],
            via: vec![],
            notes: vec![note],
        }
    }

    /// The conditions as people read them; one of them must hold.
    #[must_use]
    pub fn condition_words(&self) -> Vec<String> {
        let words = |all: &Vec<Requirement>| all.iter().map(|it| it.words.as_str()).collect::<Vec<_>>().join(" and ");
        self.conditions.iter().map(words).collect()
    }
}
