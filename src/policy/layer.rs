//! What one layer of policies says about a request, with the statement that says it.

use std::fmt;

use super::Match;
use super::caller::Naming;
use super::document::{Document, Effect, Statement};
use super::named;
use super::request::Request;
use super::statement::{Answer, Attachment, applies};

/// Where a policy stands among the policies of a request. Displayed as the JSON pointer into `policies`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyRef {
    /// An identity policy of the principal.
    Identity(usize),
    /// The permissions boundary.
    Boundary(usize),
    /// A session policy.
    Session(usize),
    /// A service control policy.
    Scp {
        /// From the root, which is 0.
        level: usize,
        /// On its level.
        policy: usize,
    },
    /// A resource control policy.
    Rcp {
        /// From the root, which is 0.
        level: usize,
        /// On its level.
        policy: usize,
    },
    /// A key policy. The first is the one named `default`.
    Key(usize),
    /// The resource policy of another service.
    Resource,
    /// The trust policy of a role.
    Trust,
    /// A grant.
    Grant(usize),
}

impl fmt::Display for PolicyRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(index) => write!(formatter, "identity/{index}"),
            Self::Boundary(index) => write!(formatter, "boundary/{index}"),
            Self::Session(index) => write!(formatter, "session/{index}"),
            Self::Scp { level, policy } => write!(formatter, "scps/{level}/{policy}"),
            Self::Rcp { level, policy } => write!(formatter, "rcps/{level}/{policy}"),
            Self::Key(0) => formatter.write_str("key_policy"),
            Self::Key(index) => write!(formatter, "key_policy/{index}"),
            Self::Resource => formatter.write_str("resource_policy"),
            Self::Trust => formatter.write_str("trust_policy"),
            Self::Grant(index) => write!(formatter, "grants/{index}"),
        }
    }
}

/// A statement, or a grant, by its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cite<'p> {
    pub(super) policy: PolicyRef,
    /// `None` for a grant.
    pub(super) statement: Option<&'p Statement>,
}

/// An answer and whom it rests on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finding<'p> {
    pub(super) answer: Answer,
    pub(super) by: Option<Cite<'p>>,
}

impl<'p> Finding<'p> {
    pub(super) const NONE: Self = Self { answer: Answer::NO, by: None };
    /// It holds because of who the caller is, and rests on no statement.
    pub(super) const BY_NATURE: Self = Self { answer: Answer::YES, by: None };

    pub(super) fn is_certain(&self) -> bool {
        self.answer.holds == Match::Yes
    }

    /// One suffices; the first of the surest is named.
    pub(super) fn add(&mut self, answer: Answer, cite: Cite<'p>) {
        if answer.holds > self.answer.holds {
            self.by = Some(cite);
        }
        self.answer = self.answer.or(answer);
    }
}

/// Allow and Deny of a set of policies that attach to a principal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides<'p> {
    pub(super) allow: Finding<'p>,
    pub(super) deny: Finding<'p>,
}

/// What policies without `Principal` say: identity, boundary, session, service control policies.
pub(super) fn attached<'p>(
    documents: &[&'p Document],
    place: impl Fn(usize) -> PolicyRef,
    request: &Request<'_>,
) -> Sides<'p> {
    let mut sides = Sides { allow: Finding::NONE, deny: Finding::NONE };
    for (index, document) in documents.iter().enumerate() {
        for statement in &document.statements {
            sides.add(Answer::YES, statement, place(index), request);
        }
    }
    sides
}

/// What resource control policies say: their only principal is `*`.
pub(super) fn controlling<'p>(
    documents: &[&'p Document],
    place: impl Fn(usize) -> PolicyRef,
    request: &Request<'_>,
) -> Sides<'p> {
    let mut sides = Sides { allow: Finding::NONE, deny: Finding::NONE };
    for (index, document) in documents.iter().enumerate() {
        for statement in &document.statements {
            let element = statement.principal.as_ref();
            let named = element.map_or(Answer::YES, |element| named::denied(element, request.caller, false));
            sides.add(named, statement, place(index), request);
        }
    }
    sides
}

impl<'p> Sides<'p> {
    /// `named`: whether the statement speaks about the caller.
    fn add(&mut self, named: Answer, statement: &'p Statement, policy: PolicyRef, request: &Request<'_>) {
        let finding = match statement.effect {
            Effect::Allow => &mut self.allow,
            Effect::Deny => &mut self.deny,
        };
        if named != Answer::NO && !finding.is_certain() {
            let answer = named.and(applies(statement, Attachment::Elsewhere, request));
            finding.add(answer, Cite { policy, statement: Some(statement) });
        }
    }
}

/// What the policies of the resource say: whom they deny, and how they name the caller in an Allow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resource<'p> {
    allow: [Finding<'p>; Naming::ALL.len()],
    pub(super) deny: Finding<'p>,
}

impl<'p> Resource<'p> {
    pub(super) const SILENT: Self = Self { allow: [Finding::NONE; Naming::ALL.len()], deny: Finding::NONE };

    /// The Allow that names the caller in this way.
    pub(super) fn named(&self, naming: Naming) -> Finding<'p> {
        self.allow.get(naming as usize).copied().unwrap_or(Finding::NONE)
    }

    /// The surest Allow of any way.
    pub(super) fn any(&self) -> Finding<'p> {
        let mut any = Finding::NONE;
        for finding in self.allow {
            if let Some(cite) = finding.by {
                any.add(finding.answer, cite);
            }
        }
        any
    }

    /// Reads the policies of one resource. `bounded`: the caller has a permissions boundary.
    pub(super) fn of(
        documents: &[&'p Document],
        place: impl Fn(usize) -> PolicyRef,
        attachment: Attachment,
        request: &Request<'_>,
        bounded: bool,
    ) -> Self {
        let mut resource = Self::SILENT;
        for (index, document) in documents.iter().enumerate() {
            for statement in &document.statements {
                let cite = Cite { policy: place(index), statement: Some(statement) };
                match statement.effect {
                    Effect::Allow => resource.allow(statement, cite, attachment, request),
                    Effect::Deny => resource.deny(statement, cite, attachment, request, bounded),
                }
            }
        }
        resource
    }

    fn allow(&mut self, statement: &Statement, cite: Cite<'p>, attachment: Attachment, request: &Request<'_>) {
        let Some(element) = &statement.principal else { return };
        let (namings, named) = named::allowed(element, request.caller);
        let is_open = |naming: Naming| namings.contains(naming) && !self.named(naming).is_certain();
        if named == Answer::NO || !Naming::ALL.into_iter().any(is_open) {
            return;
        }
        let answer = named.and(applies(statement, attachment, request));
        for (naming, finding) in Naming::ALL.into_iter().zip(&mut self.allow) {
            if namings.contains(naming) {
                finding.add(answer, cite);
            }
        }
    }

    fn deny(
        &mut self,
        statement: &Statement,
        cite: Cite<'p>,
        attachment: Attachment,
        request: &Request<'_>,
        bounded: bool,
    ) {
        let Some(element) = &statement.principal else { return };
        if self.deny.is_certain() {
            return;
        }
        let named = named::denied(element, request.caller, bounded);
        if named != Answer::NO {
            self.deny.add(named.and(applies(statement, attachment, request)), cite);
        }
    }
}
