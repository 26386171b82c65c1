//! The policy language and the reasoning over it. This room knows nothing else of the crate.
//!
//! Text becomes a [`Document`] once ([`Document::parse`]); every question reads that. Where AWS does not document what a
//! policy means, a test answers [`Match::Unsure`] and the question decides by polarity: an unsure Allow counts when asked
//! who *may*, an unsure Deny when asked who *must*.
//!
//! # What keeps time and memory bounded
//!
//! Everything read is hostile. What is too large is an error that names the place, or an answer that says "unknown"; nothing
//! is guessed, and no input decides how deep the stack grows.
//!
//! | what | its limit |
//! | --- | --- |
//! | a document | [`Document::MAX_BYTES`]; a string in it, or in a request, [`Document::MAX_STRING_BYTES`] |
//! | nested JSON | values are cut out of the text unread until something asks for them, to a depth that the language has |
//! | a pattern with many stars | matched with one point of return: at worst the product of the two lengths |
//! | a decision ([`evaluate_line`]) | that product, over all policies and the whole request of the line, below 2³⁴ |
//! | a text full of variables | filled no further than the longest string |
//! | a question ([`coverage`], [`compare`], [`when`]) | a [`Budget`] of steps, which also pays for the memory that is kept |
//! | [`lint`] | steps of its own; a finding says when they ran out |
//! | a line of input | 16 MiB: a longer one is passed over without being held |

mod action;
mod answers;
mod ask;
mod breadth;
mod caller;
mod candidates;
mod catalogue;
mod compare;
mod condition;
mod context;
mod coverage;
mod decide;
mod derived;
mod digested;
mod document;
mod doubt;
mod effective;
#[cfg(test)]
mod effective_laws;
mod evaluate;
mod glob;
mod grant;
mod implicants;
mod json;
mod key_access;
mod keys;
mod known;
#[cfg(test)]
mod laws;
mod layer;
mod lint;
mod named;
mod ndjson;
mod operator;
mod organization;
mod parse;
mod path;
mod principal;
mod public;
mod replay;
mod request;
mod resource;
mod statement;
mod strangers;
mod symbolic;
#[cfg(test)]
mod symbolic_laws;
mod text;

use std::ops::Not;

pub use action::{ActionPattern, Actions};
pub use answers::{Answer, Answered, Answers};
pub use ask::{compare_line, coverage_line};
pub use breadth::{
    ActionStatement, AdminActions, AdminStatement, ServiceStatement, Services, admin_statements,
    full_service_statements, statements_of_action, statements_of_service,
};
pub use caller::{Caller, CallerKind, Naming};
pub use catalogue::{KMS_ACTIONS_DATE, KMS_OTHER, KmsAction, KmsResources, kms_action, kms_actions};
pub use compare::{CompareNote, Compared, Held, Relation, Witness, compare, compare_within};
pub use condition::{Comparing, Comparison, Condition, ConditionTest, Operator, Order, Quantifier};
pub use context::{Context, ContextValue};
pub use coverage::{Coverage, Level, Note, coverage, coverage_of_every, coverage_within, kms_full_access};
pub use decide::{Decision, Environment, Outcome, Policies, Remark, StatementRef, decide};
pub use digested::Digested;
pub use document::{Document, Effect, Statement, Tolerance, Tolerated, Version};
pub use doubt::{Doubt, Doubts};
pub use effective::{Access, Assumed, Effective, Requirement, Unanswered, effective};
pub use evaluate::evaluate_line;
pub use glob::{Glob, Symbol};
pub use grant::{Constraints, Grant};
pub use implicants::{Literal, When, when};
pub use keys::{KeyClass, is_multivalued, key_class};
pub use layer::PolicyRef;
pub use lint::{LintFacts, LintFinding, LintSeverity, PolicyKind, Rule, SERVICES_DATE, lint};
pub use ndjson::Line;
pub use operator::{AddressRange, Found, Lookup, Number};
pub use parse::{ParseError, Problem};
pub use path::{Layer, Path};
pub use principal::{Principal, PrincipalArn, PrincipalElement};
pub use public::{Narrowing, OpenStatement, Openness, open_statements};
pub use request::{Action, Request};
pub use resource::{ResourcePattern, Resources};
pub use symbolic::{Budget, Exhausted};
pub use text::{Part, Text, Variable, Variables};

/// Whether something matches, where the rules of AWS may leave it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// It does not match.
    No,
    /// The documented rules allow both readings.
    Unsure,
    /// It matches.
    Yes,
}

impl Match {
    /// The match of a list of which one suffices.
    pub fn any(matches: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Self::No;
        for one in matches {
            any = any.max(one);
            if any == Self::Yes {
                break;
            }
        }
        any
    }

    /// The match of parts that must all match.
    pub fn all(matches: impl IntoIterator<Item = Self>) -> Self {
        matches.into_iter().min().unwrap_or(Self::Yes)
    }

    /// True unless it certainly does not match.
    #[must_use]
    pub fn is_possible(self) -> bool {
        self != Self::No
    }

    /// True when it certainly matches.
    #[must_use]
    pub fn is_certain(self) -> bool {
        self == Self::Yes
    }
}

impl From<bool> for Match {
    fn from(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }
}

impl Not for Match {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unsure => Self::Unsure,
            Self::Yes => Self::No,
        }
    }
}
