//! Lint of the form: elements that the kind of policy does not take or needs, empty ones, and what the parser tolerated.

use std::collections::BTreeSet;

use super::{Lint, LintSeverity, PolicyKind, Rule, State, found, nearest, never};
use crate::policy::condition::Operator;
use crate::policy::document::{Effect, Statement, Tolerated, Version};
use crate::policy::principal::Principal;

/// What the document as a whole shows.
pub(super) fn check_document(lint: &mut Lint<'_>) {
    let document = lint.document;
    if document.version == Version::V2008 {
        let message = "the document has language version 2008-10-17, in which `${…}` is plain text";
        let suggestion = Some("write `\"Version\": \"2012-10-17\"`".to_owned());
        let finding = found(None, Rule::OldVersion, LintSeverity::Low).at("Version");
        lint.add(finding.says(message).suggests(suggestion));
    }
    for tolerance in &document.tolerated {
        let finding = found(tolerance.statement, Rule::ToleratedForm, LintSeverity::Informational);
        match &tolerance.what {
            Tolerated::UrlEncoded | Tolerated::LoneStatement => {
                lint.add(finding.says(format!("{}; AWS reads it all the same", tolerance.what)));
            }
            Tolerated::UnquotedValue { key } => {
                let message = "the value is no string; AWS reads it as its text";
                lint.add(finding.at("Condition").value(key.clone()).says(message));
            }
            // The others are found where the statement is looked at.
            _ => {}
        }
    }
    let mut seen = BTreeSet::new();
    for statement in &document.statements {
        let Some(sid) = &statement.sid else { continue };
        let finding = found(Some(statement.index), Rule::UnsupportedElement, LintSeverity::Low).at("Sid");
        let takes_any_text = matches!(lint.kind, PolicyKind::Key | PolicyKind::Resource);
        if !takes_any_text && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = format!("the Sid of a statement of a {} takes letters and digits alone", lint.kind);
            lint.add(finding.clone().value(sid.clone()).says(message));
        }
        if !sid.is_empty() && !seen.insert(sid.as_str()) && !takes_any_text {
            lint.add(finding.value(sid.clone()).says("two statements have this Sid, which AWS refuses to store"));
        }
    }
}

pub(super) fn check(lint: &mut Lint<'_>, statement: &Statement, state: &mut State<'_>) {
    principal_element(lint, statement, state);
    resource_element(lint, statement, state);
    if lint.kind == PolicyKind::ResourceControl {
        resource_control(lint, statement);
    }
    if statement.actions.patterns.is_empty() {
        empty(lint, statement, if statement.actions.negated { "NotAction" } else { "Action" }, state);
    }
    conditions(lint, statement);
}

fn principal_element(lint: &mut Lint<'_>, statement: &Statement, state: &mut State<'_>) {
    let refused = found(Some(statement.index), Rule::UnsupportedElement, LintSeverity::Medium);
    match &statement.principal {
        Some(element) => {
            let name = if element.negated { "NotPrincipal" } else { "Principal" };
            if !lint.kind.names_principals() {
                let message = format!("a {} takes no `{name}`: AWS refuses to store it", lint.kind);
                lint.add(refused.at(name).says(message));
            }
            if element.entries.is_empty() {
                empty(lint, statement, name, state);
            }
        }
        None if lint.kind.names_principals() => {
            state.dead.push(format!("a statement of a {} without `Principal` speaks about nobody", lint.kind));
        }
        None => {}
    }
}

fn resource_element(lint: &mut Lint<'_>, statement: &Statement, state: &mut State<'_>) {
    let refused = found(Some(statement.index), Rule::UnsupportedElement, LintSeverity::Medium).at("Resource");
    match (&statement.resources, lint.kind) {
        (Some(_), PolicyKind::Trust) => {
            lint.add(refused.says("a trust policy takes no `Resource`: AWS refuses to store it"));
        }
        (Some(resources), _) if resources.patterns.is_empty() => {
            empty(lint, statement, if resources.negated { "NotResource" } else { "Resource" }, state);
        }
        (None, PolicyKind::Key) => {
            state.dead.push("KMS stores a key-policy statement without `Resource`, but it has no effect".to_owned());
        }
        (None, PolicyKind::Trust | PolicyKind::Resource) | (Some(_), _) => {}
        (None, kind) => {
            lint.add(
                refused.says(format!("a statement of a {kind} needs `Resource`: AWS refuses to store it without")),
            );
        }
    }
}

/// What the syntax of resource control policies leaves out.
fn resource_control(lint: &mut Lint<'_>, statement: &Statement) {
    let refused = || found(Some(statement.index), Rule::UnsupportedElement, LintSeverity::Medium);
    if statement.effect == Effect::Allow {
        lint.add(refused().at("Effect").says("a resource control policy of yours can only deny"));
    }
    let everyone = [Principal::Everyone];
    if statement.principal.as_ref().is_some_and(|principal| principal.negated || principal.entries != everyone) {
        lint.add(refused().at("Principal").says("a resource control policy takes `\"Principal\": \"*\"` alone"));
    }
    if statement.actions.negated {
        lint.add(refused().at("NotAction").says("a resource control policy takes no `NotAction`"));
    }
    if statement.actions.patterns.iter().any(|pattern| pattern.is_everything()) {
        let message = "a resource control policy of yours names the service of each action; `*` alone is refused";
        lint.add(refused().at("Action").value("*").says(message));
    }
}

/// An empty element: the statement has no effect, save for the negated ones, of which that is not documented.
fn empty(lint: &mut Lint<'_>, statement: &Statement, element: &'static str, state: &mut State<'_>) {
    match element {
        "NotAction" | "NotResource" => {
            let message = format!("`{element}` is empty: whether that means everything or nothing is not documented");
            let finding = found(Some(statement.index), Rule::ConditionEmpty, LintSeverity::Medium);
            lint.add(finding.at(element).says(message));
        }
        _ => state.dead.push(format!("`{element}` is empty")),
    }
}

/// Empty condition blocks and operators that do not exist.
fn conditions(lint: &mut Lint<'_>, statement: &Statement) {
    let Some(condition) = &statement.condition else { return };
    let finding = |rule| found(Some(statement.index), rule, LintSeverity::Medium);
    if condition.tests.is_empty() {
        let message = "`Condition` tests nothing, and the AWS pages contradict each other on whether the statement \
                       then applies always or never";
        lint.add(finding(Rule::ConditionEmpty).at("Condition").says(message));
    }
    for test in &condition.tests {
        let place = format!("Condition/{}/{}", test.operator_source, test.key_source);
        if test.operator == Operator::Unknown {
            let bare = test.operator_source.rsplit(':').next().unwrap_or_default();
            let near = if lint.may_suggest() { nearest::nearest(bare, OPERATORS.into_iter()) } else { vec![] };
            let near: Vec<String> = near.into_iter().map(str::to_owned).collect();
            let message = format!(
                "`{}` is no condition operator: AWS refuses to store it, and what the statement means is not certain",
                test.operator_source
            );
            let suggestion = nearest::question(&near);
            lint.add(finding(Rule::UnknownOperator).at(place).says(message).suggests(suggestion));
        } else if test.values.is_empty() {
            let follows = match test.operator {
                Operator::Compare(comparing) if comparing.quantifier.is_none() && !comparing.if_exists => {
                    "what that means is not documented".to_owned()
                }
                Operator::Compare(comparing) if comparing.quantifier == Some(crate::policy::Quantifier::Any) => {
                    format!("so {}", never(statement.effect, "anything"))
                }
                Operator::Compare(_) => "so the test holds only when the key is absent".to_owned(),
                _ => "what that means is not documented".to_owned(),
            };
            let message = format!("the test lists no value; {follows}");
            lint.add(finding(Rule::ConditionEmpty).at(place).says(message));
        }
    }
}

const OPERATORS: [&str; 26] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
];
