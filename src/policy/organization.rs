//! Service and resource control policies: every level must allow, and a Deny on any level denies (semantics 4.9).

use super::Match;
use super::document::Document;
use super::doubt::Doubt;
use super::layer::{Cite, Finding, PolicyRef, Sides, attached, controlling};
use super::request::Request;
use super::statement::Answer;

/// The two kinds of organization policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// Service control policies, which limit principals.
    Service,
    /// Resource control policies, which limit resources.
    Resource,
}

/// What the policies of one kind say, from the root down to the account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels<'p> {
    /// The surest Deny of any level.
    pub(super) deny: Finding<'p>,
    /// The level of that Deny, from 0.
    pub(super) deny_level: usize,
    /// Whether every level allows.
    pub(super) allow: Answer,
    /// The first level that allows least.
    pub(super) narrowest: usize,
}

impl<'p> Levels<'p> {
    /// These policies do not apply: nothing is limited.
    pub(super) const FREE: Self = Self { deny: Finding::NONE, deny_level: 0, allow: Answer::YES, narrowest: 0 };

    /// Reads the levels, root first, and adds the Allow of each to `cites`.
    pub(super) fn of(
        levels: &[Vec<&'p Document>],
        control: Control,
        request: &Request<'_>,
        cites: &mut Vec<Cite<'p>>,
    ) -> Self {
        let mut whole = Self::FREE;
        for (level, documents) in levels.iter().enumerate() {
            let sides = one_level(documents, level, control, request);
            // Every entity has at least one policy of each kind, so that an empty level was not collected.
            let allow = if documents.is_empty() { Answer::unsure(Doubt::MissingLevel) } else { sides.allow.answer };
            if allow.holds < whole.allow.holds {
                whole.narrowest = level;
            }
            whole.allow = whole.allow.and(allow);
            if allow.holds > Match::No {
                cites.extend(sides.allow.by);
            }
            if let Some(cite) = sides.deny.by {
                if sides.deny.answer.holds > whole.deny.answer.holds {
                    whole.deny_level = level;
                }
                whole.deny.add(sides.deny.answer, cite);
            }
        }
        whole
    }
}

fn one_level<'p>(documents: &[&'p Document], level: usize, control: Control, request: &Request<'_>) -> Sides<'p> {
    match control {
        Control::Service => attached(documents, |policy| PolicyRef::Scp { level, policy }, request),
        Control::Resource => controlling(documents, |policy| PolicyRef::Rcp { level, policy }, request),
    }
}
