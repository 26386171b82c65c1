//! Whether one statement applies to one request, and which open question an unsure answer depends on.

use super::Match;
use super::action::Actions;
use super::caller::arn_field;
use super::condition::{Comparison, ConditionTest, Operator};
use super::context::is_key_property;
use super::document::Statement;
use super::doubt::{Doubt, Doubts};
use super::operator::Found;
use super::request::{Request, Target, View};
use super::resource::{ResourcePattern, Resources};
use super::text::Text;

/// Where a document is attached, as far as its statements mean different things there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attachment {
    /// Identity, boundary and session policies, organization policies.
    Elsewhere,
    /// Key policies: tags and aliases of the key may not be visible.
    Key,
    /// Trust policies and the resource policies of other services, some of which have no `Resource` element.
    Resource,
}

/// An answer with the open questions that keep it from being certain; none when it is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) holds: Match,
    pub(super) doubts: Doubts,
}

impl Answer {
    pub(super) const NO: Self = Self { holds: Match::No, doubts: Doubts::NONE };
    pub(super) const YES: Self = Self { holds: Match::Yes, doubts: Doubts::NONE };

    /// Undecided because of one open question.
    pub(super) fn unsure(doubt: Doubt) -> Self {
        Self { holds: Match::Unsure, doubts: doubt.into() }
    }

    /// Both must hold.
    pub(super) fn and(self, other: Self) -> Self {
        self.joined(other, self.holds.min(other.holds))
    }

    /// One suffices.
    pub(super) fn or(self, other: Self) -> Self {
        self.joined(other, self.holds.max(other.holds))
    }

    /// Undecided unless it certainly holds.
    pub(super) fn or_unsure(self, doubt: Doubt) -> Self {
        self.or(Self::unsure(doubt))
    }

    fn joined(self, other: Self, holds: Match) -> Self {
        let doubts = if holds == Match::Unsure { self.doubts.and(other.doubts) } else { Doubts::NONE };
        Self { holds, doubts }
    }
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Self {
        if holds { Self::YES } else { Self::NO }
    }
}

impl Statement {
    /// Whether a test or variable looks at tags or aliases of the key.
    pub(super) fn looks_at_key_properties(&self) -> bool {
        let variables = self.texts().flat_map(Text::variables).map(|variable| variable.key.as_str());
        self.tests().map(|test| test.key.as_str()).chain(variables).any(is_key_property)
    }
}

/// Whether action, resource and condition part of the statement match; the principal part is judged elsewhere.
pub(super) fn applies(statement: &Statement, attachment: Attachment, request: &Request<'_>) -> Answer {
    let view = View { request, target: request.target(), without_key_properties: false };
    let seen = matches(statement, attachment, &view);
    if attachment == Attachment::Key && request.context.has_key_properties() {
        let unseen = matches(statement, attachment, &View { without_key_properties: true, ..view });
        if unseen != seen {
            return Answer {
                holds: Match::Unsure,
                doubts: doubts(statement, &view).and(Doubt::KeyPropertyInKeyPolicy.into()),
            };
        }
    }
    match seen {
        Match::No => Answer::NO,
        Match::Yes => Answer::YES,
        Match::Unsure => Answer { holds: Match::Unsure, doubts: doubts(statement, &view) },
    }
}

fn matches(statement: &Statement, attachment: Attachment, view: &View<'_>) -> Match {
    let action = statement.matches_action(view.request.action.name());
    if action == Match::No {
        return Match::No;
    }
    let resource = match &statement.resources {
        Some(resources) => resource_matches(resources, view),
        None => Match::from(attachment == Attachment::Resource),
    };
    if resource == Match::No {
        return Match::No;
    }
    action.min(resource).min(condition_matches(statement, view))
}

fn resource_matches(resources: &Resources, view: &View<'_>) -> Match {
    let value = |key: &str| view.variable(key);
    let matched = |pattern: &ResourcePattern| is_matched_by(view.target, pattern, view.request, &value);
    resources.element(Match::any(resources.patterns.iter().map(matched)), &value)
}

/// Whether a pattern matches the target of a request.
pub(super) fn is_matched_by(
    target: Target<'_>,
    pattern: &ResourcePattern,
    request: &Request<'_>,
    value: &dyn Fn(&str) -> Option<String>,
) -> Match {
    if let Target::Arn(arn) = target {
        return pattern.matches(Some(arn), value);
    }
    let covers_account =
        || account_arn(request).is_some_and(|arn| pattern.glob(value).is_some_and(|glob| glob.matches(&arn)));
    match () {
        () if pattern.is_everything() => Match::Yes,
        () if covers_account() => Match::Unsure,
        () => Match::No,
    }
}

/// The beginning of every ARN in the account and Region. A pattern that goes on with nothing but `*` may or may not mean
/// "no resource" to KMS (semantics U-19); this one text tells such patterns from all others.
fn account_arn(request: &Request<'_>) -> Option<String> {
    request.action.kms()?;
    let partition = arn_field(&request.caller.arn, 1)?;
    let account = request.caller.account.as_deref()?;
    Some(format!("arn:{partition}:kms:{}:{account}:", request.region().unwrap_or_default()))
}

fn condition_matches(statement: &Statement, view: &View<'_>) -> Match {
    let Some(condition) = &statement.condition else { return Match::Yes };
    let mut all = if condition.has_empty_part { Match::Unsure } else { Match::Yes };
    for test in &condition.tests {
        all = all.min(test_holds(test, view));
        if all == Match::No {
            break;
        }
    }
    all
}

fn test_holds(test: &ConditionTest, view: &View<'_>) -> Match {
    test.holds(view.find(&test.key), &|key| view.variable(key))
}

/// The open questions behind an unsure match. Only asked then, so that certain answers do not pay for it.
#[cold]
fn doubts(statement: &Statement, view: &View<'_>) -> Doubts {
    let mut doubts = Doubts::NONE;
    let mut add = |doubt: Doubt| doubts = doubts.and(doubt.into());
    if statement.matches_action(view.request.action.name()) == Match::Unsure {
        add(action_doubt(&statement.actions));
    }
    if let Some(resources) = &statement.resources
        && resource_matches(resources, view) == Match::Unsure
    {
        resource_doubts(resources, view, &mut add);
    }
    if let Some(condition) = &statement.condition {
        if condition.has_empty_part {
            add(Doubt::EmptyCondition);
        }
        for test in condition.tests.iter().filter(|test| test_holds(test, view) == Match::Unsure) {
            add(test_doubt(test, view.find(&test.key)));
        }
    }
    doubts
}

fn action_doubt(actions: &Actions) -> Doubt {
    if actions.patterns.is_empty() { Doubt::EmptyNegatedList } else { Doubt::WildcardService }
}

fn resource_doubts(resources: &Resources, view: &View<'_>, add: &mut impl FnMut(Doubt)) {
    let value = |key: &str| view.variable(key);
    if resources.patterns.is_empty() {
        return add(Doubt::EmptyNegatedList);
    }
    if resources.patterns.iter().any(|pattern| pattern.glob(&value).is_none()) {
        add(Doubt::UnresolvedVariable);
    }
    let Target::Arn(arn) = view.target else {
        return add(Doubt::AccountArnWithoutResource);
    };
    let unsure = |pattern: &&ResourcePattern| pattern.matches(Some(arn), &value) == Match::Unsure;
    for pattern in resources.patterns.iter().filter(unsure) {
        let is_wide = pattern.glob(&value).is_some_and(|glob| glob.matches(arn));
        add(match () {
            () if pattern.has_early_variable() => Doubt::EarlyVariable,
            () if !is_wide => Doubt::ArnPrefixCase,
            () if pattern.has_wildcard_service() => Doubt::WildcardArnService,
            () => Doubt::ColonCrossing,
        });
    }
}

fn test_doubt(test: &ConditionTest, found: Found<'_>) -> Doubt {
    match test.operator {
        Operator::Unknown => Doubt::UnknownOperator,
        Operator::Unread => Doubt::Unread,
        _ if test.values.is_empty() => Doubt::EmptyCondition,
        Operator::Compare(comparing) => match (comparing.quantifier, found) {
            (None, Found::Set(_)) => Doubt::SetWithoutSetOperator,
            _ if comparing.comparison == Comparison::Bool => Doubt::VariableInBool,
            _ => Doubt::Uncomparable,
        },
        Operator::Null => Doubt::Uncomparable,
    }
}
