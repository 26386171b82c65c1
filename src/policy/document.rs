//! A policy document as the engine sees it: typed, with every statement known by its index.

use std::fmt;

use super::Match;
use super::action::{ActionPattern, Actions, services_of};
use super::condition::{Condition, ConditionTest, Operator};
use super::parse::{self, ParseError};
use super::principal::PrincipalElement;
use super::request::Action;
use super::resource::{ResourcePattern, Resources};
use super::text::{Text, Variables};

/// One policy document: identity, boundary, session, key, trust, service control or resource control policy. The
/// language is one; which elements mean something depends on where the document is attached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Document {
    /// The version that governs the statements of this document and of no other.
    pub version: Version,
    /// `Id`, which has no effect.
    pub id: Option<String>,
    /// In the order of the document.
    pub statements: Vec<Statement>,
    /// What was read although it is not the canonical form.
    pub tolerated: Vec<Tolerance>,
}

/// The language version of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `2008-10-17`, also the meaning of an absent `Version`: policy variables are plain text.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// One statement. It applies to a request when principal, action, resource and condition part all match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Position in the document: the identity of the statement, because a `Sid` may be absent or repeat.
    pub index: usize,
    /// `Sid`, which has no effect.
    pub sid: Option<String>,
    /// What the statement does when it applies.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`; absent in identity policies.
    pub principal: Option<PrincipalElement>,
    /// `Action` or `NotAction`.
    pub actions: Actions,
    /// `Resource` or `NotResource`; absent in trust policies. A key-policy statement without it has no effect.
    pub resources: Option<Resources>,
    /// `Condition`; present and empty is not the same as absent.
    pub condition: Option<Condition>,
}

/// What a statement does when it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// Something the parser accepted as AWS does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tolerance {
    /// The statement, or `None` for the document as a whole.
    pub statement: Option<usize>,
    /// What was accepted.
    pub what: Tolerated,
}

/// What was accepted although it is not the canonical form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Tolerated {
    /// The text was URL-encoded, as the IAM API returns it.
    UrlEncoded,
    /// `Version` is absent and means `2008-10-17`.
    AbsentVersion,
    /// `Statement` is one object instead of an array.
    LoneStatement,
    /// A condition value is a JSON number or boolean.
    UnquotedValue {
        /// The condition key as written.
        key: String,
    },
    /// The statement has neither `Resource` nor `NotResource`.
    AbsentResource,
    /// The element is an empty list or object.
    EmptyElement {
        /// `Action`, `NotResource`, …
        element: &'static str,
    },
    /// `Condition`, or one of its operators, is an empty object.
    EmptyCondition,
    /// A condition key has an empty list of values.
    EmptyValues {
        /// The operator as written.
        operator: String,
        /// The condition key as written.
        key: String,
    },
    /// The operator does not exist, so the statement means nothing certain.
    UnknownOperator {
        /// The operator as written.
        operator: String,
    },
}

impl Document {
    /// The largest text that is read, in bytes. AWS stops at 10,240 characters (32,768 bytes in a key policy) not
    /// counting white space; the limit keeps time and memory bounded on hostile input.
    pub const MAX_BYTES: usize = 2 * 1024 * 1024;

    /// The longest string in a document that is read, in bytes: as long as the largest document that AWS stores. The time of
    /// matching grows with the product of pattern and text.
    pub const MAX_STRING_BYTES: usize = 32_768;

    /// Reads a document as AWS returns it, plain or URL-encoded. Lenient exactly where AWS is lenient, and `tolerated`
    /// says where that was needed (semantics section 1).
    ///
    /// # Errors
    /// The place and the reason, when AWS would not have stored the document: not JSON, a repeated or unknown element, a
    /// wrong type, a missing element, a text longer than [`Document::MAX_BYTES`], or a string in it that is longer than
    /// [`Document::MAX_STRING_BYTES`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::document(text)
    }

    /// What stands for a document that exists and could not be read: it may allow everything, and it may deny everything.
    /// `principal` is for the policies of resources.
    #[must_use]
    pub fn unread(principal: Option<PrincipalElement>) -> Self {
        let unread = ConditionTest { operator: Operator::Unread, ..ConditionTest::literal("", "", &[]) };
        let statement = |(index, effect)| Statement {
            index,
            condition: Some(Condition { tests: vec![unread.clone()], has_empty_part: false }),
            ..Statement::about_everything(effect, principal.clone())
        };
        let statements = [Effect::Allow, Effect::Deny].into_iter().enumerate().map(statement).collect();
        Self { version: Version::V2012, id: None, statements, tolerated: vec![] }
    }

    /// A document that allows everything. `principal` is for the policies of resources.
    #[must_use]
    pub fn everything(principal: Option<PrincipalElement>) -> Self {
        let statements = vec![Statement::about_everything(Effect::Allow, principal)];
        Self { version: Version::V2012, id: None, statements, tolerated: vec![] }
    }

    /// A document that says nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self { version: Version::V2012, id: None, statements: vec![], tolerated: vec![] }
    }

    /// The document without the statements that speak of none of the actions; `None` when nothing is left.
    #[must_use]
    pub fn about(&self, actions: &[Action]) -> Option<Self> {
        let services = services_of(actions.iter().map(Action::name));
        // Most statements are about other services, which is told without a look at each action.
        let is_near = |statement: &Statement| services.iter().any(|service| statement.actions.may_concern(service));
        let speaks = |statement: &&Statement| {
            is_near(statement) && actions.iter().any(|it| statement.matches_action(it.name()).is_possible())
        };
        let statements: Vec<Statement> = self.statements.iter().filter(speaks).cloned().collect();
        let (version, id) = (self.version, None);
        (!statements.is_empty()).then_some(Self { version, id, statements, tolerated: vec![] })
    }

    /// The statements of one effect, in order.
    pub fn statements_of(&self, effect: Effect) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(move |statement| statement.effect == effect)
    }
}

impl Statement {
    /// The first statement of a document, on every action and resource.
    fn about_everything(effect: Effect, principal: Option<PrincipalElement>) -> Self {
        let everything = ResourcePattern::new(Text::new("*".to_owned(), Variables::Plain));
        Self {
            index: 0,
            sid: None,
            effect,
            principal,
            actions: Actions { negated: false, patterns: vec![ActionPattern::new("*".to_owned())] },
            resources: Some(Resources { negated: false, patterns: vec![everything] }),
            condition: None,
        }
    }

    /// Every text in which variables act: condition values and resource patterns.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        let values = self.tests().flat_map(|test| &test.values);
        let patterns = self.resources.iter().flat_map(|resources| &resources.patterns);
        values.chain(patterns.map(|pattern| pattern.text()))
    }

    /// Every test of the condition part.
    pub fn tests(&self) -> impl Iterator<Item = &ConditionTest> {
        self.condition.iter().flat_map(|condition| &condition.tests)
    }
}

impl Version {
    /// Whether `${…}` is a variable under this version.
    #[must_use]
    pub fn variables(self) -> Variables {
        match self {
            Self::V2008 => Variables::Plain,
            Self::V2012 => Variables::Replaced,
        }
    }
}

impl Statement {
    /// True when a condition with at least one test narrows the statement.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        self.condition.as_ref().is_some_and(|condition| !condition.tests.is_empty())
    }

    /// True for `"Condition": {}` and for an operator that is `{}`, on whose effect the AWS pages contradict each other
    /// (semantics U-17).
    #[must_use]
    pub fn has_empty_condition(&self) -> bool {
        self.condition.as_ref().is_some_and(|condition| condition.has_empty_part)
    }

    /// Whether the action part matches.
    #[must_use]
    pub fn matches_action(&self, action: &str) -> Match {
        self.actions.matches(action)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        })
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(index) = self.statement {
            write!(formatter, "statement {index}: ")?;
        }
        write!(formatter, "{}", self.what)
    }
}

impl fmt::Display for Tolerated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UrlEncoded => formatter.write_str("the document was URL-encoded"),
            Self::AbsentVersion => formatter.write_str("no `Version`, which means 2008-10-17"),
            Self::LoneStatement => formatter.write_str("`Statement` is one object and no list"),
            Self::UnquotedValue { key } => write!(formatter, "a value of `{key}` is no string"),
            Self::AbsentResource => formatter.write_str("neither `Resource` nor `NotResource`"),
            Self::EmptyElement { element } => write!(formatter, "`{element}` is empty"),
            Self::EmptyCondition => formatter.write_str("`Condition` holds an empty object"),
            Self::EmptyValues { operator, key } => write!(formatter, "`{operator}` of `{key}` lists no value"),
            Self::UnknownOperator { operator } => write!(formatter, "`{operator}` is no condition operator"),
        }
    }
}
