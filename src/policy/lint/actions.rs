//! Lint of `Action` and `NotAction`: names that do not exist, and actions that the kind of policy cannot give.

use super::nearest::{meant, nearest, question};
use super::services::{self, SERVICES_DATE, Service};
use super::{Known, Lint, LintSeverity, Listed, PolicyKind, Reach, Rule, State, found, list, never};
use crate::policy::document::{Effect, Statement};
use crate::policy::glob::Glob;

pub(super) fn check<'a>(lint: &mut Lint<'_>, statement: &'a Statement, state: &mut State<'a>) {
    let element = if statement.actions.negated { "NotAction" } else { "Action" };
    for pattern in &statement.actions.patterns {
        let reach = reach(lint, statement, element, pattern.source(), pattern.is_everything());
        state.listed.push(Listed { pattern, reach });
    }
    if statement.actions.negated {
        return;
    }
    let kind = lint.kind;
    for listed in &mut state.listed {
        let source = listed.pattern.source();
        let Reach::Known(known) = &mut listed.reach else { continue };
        match kind {
            PolicyKind::Key => in_key_policy(lint, statement, source, known),
            PolicyKind::Trust if known.service.prefix != "sts" => {
                known.kill();
                let message =
                    format!("`{source}` has no effect in a trust policy, which speaks of `sts` actions alone");
                lint.add(
                    found(Some(statement.index), Rule::UnsupportedElement, LintSeverity::Medium)
                        .at("Action")
                        .value(source)
                        .says(message),
                );
            }
            PolicyKind::ResourceControl if !known.service.in_resource_control_policies => {
                let prefix = known.service.prefix;
                let message = format!(
                    "resource control policies do not apply to `{prefix}` as of {SERVICES_DATE}, so {}",
                    never(statement.effect, &format!("`{source}`"))
                );
                lint.add(
                    found(Some(statement.index), Rule::UnsupportedElement, LintSeverity::Medium)
                        .at("Action")
                        .value(source)
                        .says(message),
                );
            }
            _ => {}
        }
    }
}

/// Actions without a key work only from IAM policies (semantics 2.4).
fn in_key_policy(lint: &mut Lint<'_>, statement: &Statement, source: &str, known: &mut Known) {
    let finding = found(Some(statement.index), Rule::ActionIneffectiveInKeyPolicy, LintSeverity::Low);
    if known.service.prefix != "kms" {
        known.kill();
        let message = format!("`{source}` is no action on a key: it has no effect in a key policy");
        lint.add(finding.at("Action").value(source).says(message));
        return;
    }
    for (action, dead) in known.actions.iter().zip(&mut known.dead) {
        let needs_no_key = known.service.actions.get(*action).is_some_and(|action| action.resources.is_empty());
        *dead |= needs_no_key;
    }
    if !known.dead.is_empty() && known.dead.iter().all(|dead| *dead) {
        let names: Vec<String> = known.actions.iter().map(|action| known.name(*action)).collect();
        let message = format!("{} names no key, so a key policy can neither allow nor deny it", list(&names));
        let suggestion = "put it into an IAM policy with `\"Resource\": \"*\"`".to_owned();
        lint.add(finding.at("Action").value(source).says(message).suggests(Some(suggestion)));
    }
}

fn reach(lint: &mut Lint<'_>, statement: &Statement, element: &str, source: &str, everything: bool) -> Reach {
    if everything {
        return Reach::Open;
    }
    let finding = |rule, severity| found(Some(statement.index), rule, severity).at(element).value(source);
    if source.contains([' ', ',', '\t', '\n', '\r']) {
        let trimmed: String = source.split_whitespace().collect();
        let suggestion = match trimmed.contains(',') {
            true => "write each action as a string of its own".to_owned(),
            false => format!("write `{trimmed}`"),
        };
        let message = format!("`{source}` holds a blank or comma and so matches no action; {}", follows(statement));
        let finding = finding(Rule::UnknownAction, severity(statement));
        lint.add(finding.says(message).suggests(Some(suggestion)));
        return Reach::Nothing;
    }
    let Some((prefix, name)) = source.split_once(':') else {
        return without_prefix(lint, statement, element, source);
    };
    if prefix.contains(['*', '?']) {
        let message = format!(
            "`{source}` has a wildcard before the colon: IAM refuses to store that, and what it would match is not documented"
        );
        let suggestion = Some("name the service, or write `*` for every action".to_owned());
        lint.add(finding(Rule::ActionServiceWildcard, LintSeverity::Medium).says(message).suggests(suggestion));
        return Reach::Open;
    }
    let Some(service) = services::service(prefix) else {
        let near = if lint.may_suggest() { nearest(prefix, services::prefixes()) } else { vec![] };
        let near: Vec<String> = near.into_iter().map(|near| format!("{near}:{name}")).collect();
        let message =
            format!("no service has the prefix `{prefix}` as of {SERVICES_DATE}; if so, {}", follows(statement));
        let finding = finding(Rule::UnknownAction, severity(statement));
        lint.add(finding.says(message).suggests(question(&near)).certain(false));
        return Reach::Open;
    };
    let actions = matching(lint, service, name);
    if actions.is_empty() {
        return if unknown(lint, statement, element, source, service, name) { Reach::Nothing } else { Reach::Open };
    }
    let literal = !name.contains(['*', '?']);
    Reach::Known(Known { service, dead: vec![false; actions.len()], actions, literal, certain: service.is_complete() })
}

fn matching(lint: &mut Lint<'_>, service: &'static Service, name: &str) -> Vec<usize> {
    if !name.contains(['*', '?']) {
        return service.action(name).into_iter().collect();
    }
    if !lint.spend(service.actions.len() * 8) {
        return vec![];
    }
    let glob = Glob::parse(name);
    let all = service.actions.iter().enumerate();
    all.filter(|(_, action)| glob.matches_ignoring_case(action.name)).map(|(index, _)| index).collect()
}

/// Reports an action that does not exist; `true` when that is certain.
fn unknown(
    lint: &mut Lint<'_>,
    statement: &Statement,
    element: &str,
    source: &str,
    service: &'static Service,
    name: &str,
) -> bool {
    if lint.work == 0 {
        return false;
    }
    let certain = service.is_complete();
    let is_pattern = name.contains(['*', '?']);
    // A star may be meant for actions to come.
    let message = match (is_pattern, certain) {
        (true, _) => format!(
            "`{source}` matches no action of `{}` as of {SERVICES_DATE}; {}",
            service.prefix,
            follows(statement)
        ),
        (false, true) => format!("`{source}` is no action of `{}`; {}", service.prefix, follows(statement)),
        (false, false) => format!(
            "`{source}` is no action of `{}` in the Service Authorization Reference of {SERVICES_DATE}; if so, {}",
            service.prefix,
            follows(statement)
        ),
    };
    let suggestion = match meant(source) {
        Some(meant) => Some(format!("did you mean {meant}?")),
        None if lint.may_suggest() => {
            let bare: String = name.chars().filter(|character| !"*?".contains(*character)).collect();
            let near = nearest(&bare, service.actions.iter().map(|action| action.name));
            let star = if is_pattern { "*" } else { "" };
            let near: Vec<String> = near.into_iter().map(|near| format!("{}:{near}{star}", service.prefix)).collect();
            question(&near)
        }
        None => None,
    };
    lint.add(
        found(Some(statement.index), Rule::UnknownAction, severity(statement))
            .at(element)
            .value(source)
            .says(message)
            .suggests(suggestion)
            .certain(certain),
    );
    certain
}

fn without_prefix(lint: &mut Lint<'_>, statement: &Statement, element: &str, source: &str) -> Reach {
    let is_pattern = source.contains(['*', '?']);
    let owners = ["kms", "iam", "sts", "organizations", "s3", "ec2"].into_iter().filter_map(services::service);
    let with_prefix: Vec<String> = owners
        .filter_map(|service| {
            let action = service.actions.get(service.action(source)?)?;
            Some(format!("{}:{}", service.prefix, action.name))
        })
        .collect();
    let rule = if is_pattern { Rule::ActionServiceWildcard } else { Rule::UnknownAction };
    let message = match is_pattern {
        true => format!("`{source}` has a wildcard where the service stands: what it matches is not documented"),
        false => format!("`{source}` lacks the service prefix and so matches no action; {}", follows(statement)),
    };
    let severity = if is_pattern { LintSeverity::Medium } else { severity(statement) };
    let finding = found(Some(statement.index), rule, severity).at(element).value(source);
    lint.add(finding.says(message).suggests(question(&with_prefix)));
    if is_pattern { Reach::Open } else { Reach::Nothing }
}

/// What follows from an action that does not exist.
fn follows(statement: &Statement) -> &'static str {
    match (statement.effect, statement.actions.negated) {
        (Effect::Allow, false) => "this Allow gives nothing by it",
        (Effect::Deny, false) => "this Deny stops nothing by it",
        (Effect::Allow, true) => "it excludes nothing, so that the Allow is wider than it looks",
        (Effect::Deny, true) => "it exempts nothing, so that the Deny is wider than it looks",
    }
}

fn severity(statement: &Statement) -> LintSeverity {
    match (statement.effect, statement.actions.negated) {
        (Effect::Deny, false) | (Effect::Allow, true) => LintSeverity::Medium,
        (Effect::Allow, false) | (Effect::Deny, true) => LintSeverity::Low,
    }
}
