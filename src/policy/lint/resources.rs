//! Lint of `Resource` and `NotResource`: ARNs that match nothing, and resources of a kind that the action does not take.

use std::collections::BTreeMap;

use super::arn::{self, Fate};
use super::services::SERVICES_DATE;
use super::{Known, Lint, LintSeverity, PolicyKind, Reach, Rule, State, found, list, never, pronoun};
use crate::policy::document::{Effect, Statement};
use crate::policy::glob::Glob;
use crate::policy::resource::ResourcePattern;

/// One pattern that can match something.
struct Live<'a> {
    source: &'a str,
    /// The widest reading: variables are read as `*`, missing fields as anything, upper case up to the account as lower.
    glob: Glob,
    /// It may match a request that names no resource.
    without_resource: bool,
}

pub(super) fn check(lint: &mut Lint<'_>, statement: &Statement, state: &mut State<'_>) {
    let Some(resources) = &statement.resources else { return };
    if lint.kind == PolicyKind::Trust || resources.patterns.is_empty() {
        return;
    }
    let element = if resources.negated { "NotResource" } else { "Resource" };
    let mut live = Vec::new();
    for pattern in &resources.patterns {
        let (fate, finding) = arn::look_at(lint, statement, pattern);
        if let Some(finding) = finding {
            lint.add(finding.at(element).value(pattern.text().source()));
        }
        if fate == Fate::Live {
            live.push(read(pattern));
        }
    }
    if resources.negated {
        return;
    }
    if live.is_empty() {
        state.dead.push("no resource matches any value of `Resource`".to_owned());
        return;
    }
    if lint.kind == PolicyKind::Key {
        return;
    }
    if statement.actions.negated || live.iter().any(|pattern| pattern.glob.is_everything()) {
        return;
    }
    for listed in &mut state.listed {
        if let Reach::Known(known) = &mut listed.reach {
            mark(lint, known, &live);
        }
    }
    report(lint, statement, state, &live);
}

fn read(pattern: &ResourcePattern) -> Live<'_> {
    let source = pattern.text().source();
    let widest = pattern.text().widest_glob().into_owned();
    let fixed = pattern.folded_glob().cloned().or_else(|| pattern.fixed_glob().map(std::borrow::Cow::into_owned));
    let glob = fixed.unwrap_or(widest);
    // Whether an ARN pattern of nothing but stars from some field on matches a request without resource is documented
    // both ways (semantics U-19).
    let without_resource = source.split(':').skip(5).all(|field| field == "*");
    Live { source, glob, without_resource }
}

/// Marks the actions for which no pattern is of a kind that they take.
fn mark(lint: &mut Lint<'_>, known: &mut Known, live: &[Live<'_>]) {
    let mut met = BTreeMap::new();
    for (position, dead) in known.actions.iter().zip(&mut known.dead) {
        let Some(action) = known.service.actions.get(*position) else { continue };
        if action.any_resource || *dead {
            continue;
        }
        let usable = match action.resources.as_slice() {
            [] => live.iter().any(|pattern| pattern.without_resource),
            kinds => {
                kinds.iter().any(|kind| *met.entry(*kind).or_insert_with(|| meets(lint, known.service, *kind, live)))
            }
        };
        *dead = !usable;
        // Where the reference names no kind of resource at all it is less often right.
        known.certain &= usable || !action.resources.is_empty() || known.service.prefix != "s3";
    }
}

/// Whether any pattern matches some resource of the kind; an exhausted budget counts as yes.
fn meets(lint: &mut Lint<'_>, service: &super::Service, kind: usize, live: &[Live<'_>]) -> bool {
    live.iter().any(|pattern| {
        let cost = service.resources.get(kind).map_or(0, |kind| kind.arn.cost(pattern.glob.symbols().len()));
        !lint.spend(cost) || service.resource_meets(kind, &pattern.glob)
    })
}

fn report(lint: &mut Lint<'_>, statement: &Statement, state: &State<'_>, live: &[Live<'_>]) {
    let is_alias = |pattern: &&Live<'_>| {
        let fields: Vec<&str> = pattern.source.splitn(6, ':').collect();
        matches!(fields.as_slice(), [_, _, "kms", _, _, resource] if resource.starts_with("alias/"))
    };
    let aliases: Vec<&Live<'_>> = live.iter().filter(is_alias).collect();
    let mut on_alias = Vec::new();
    let mut on_group = Vec::new();
    let mut by_service: BTreeMap<&str, (Vec<String>, Vec<&str>)> = BTreeMap::new();
    let mut takes_alias = false;
    for listed in &state.listed {
        let Reach::Known(known) = &listed.reach else {
            takes_alias |= matches!(listed.reach, Reach::Open);
            continue;
        };
        let takes = |action: &usize, wanted: &str| {
            let kinds =
                known.service.actions.get(*action).map(|action| action.resources.as_slice()).unwrap_or_default();
            kinds.iter().any(|kind| known.service.resources.get(*kind).is_some_and(|kind| kind.name == wanted))
        };
        let is_kms = known.service.prefix == "kms";
        takes_alias |= is_kms && known.actions.iter().any(|action| takes(action, "alias"));
        let dead = known.actions.iter().zip(&known.dead).filter(|(_, dead)| **dead).map(|(action, _)| action);
        let dead: Vec<&usize> = dead.collect();
        let is_whole = dead.len() == known.actions.len();
        if is_kms && !aliases.is_empty() && dead.iter().any(|action| takes(action, "key")) {
            let keyed = dead.iter().filter(|action| takes(action, "key"));
            let names: Vec<String> = keyed.map(|action| known.name(**action)).collect();
            on_alias.extend(if is_whole && !known.literal { vec![listed.pattern.source().to_owned()] } else { names });
        } else if is_whole && !dead.is_empty() {
            let groups_only =
                known.service.prefix == "iam" && live.iter().all(|pattern| pattern.source.contains(":group/"));
            if statement.effect == Effect::Deny && groups_only && dead.iter().any(|action| takes(action, "user")) {
                on_group.push(listed.pattern.source().to_owned());
                continue;
            }
            let (names, kinds) = by_service.entry(known.service.prefix).or_default();
            names.push(listed.pattern.source().to_owned());
            let positions = dead.iter().filter_map(|action| known.service.actions.get(**action));
            let wanted =
                positions.flat_map(|action| &action.resources).filter_map(|kind| known.service.resources.get(*kind));
            kinds.extend(wanted.map(|kind| kind.name));
        }
    }
    alias(lint, statement, &aliases, &on_alias, takes_alias);
    group(lint, statement, &on_group);
    for (prefix, (names, mut kinds)) in by_service {
        kinds.sort_unstable();
        kinds.dedup();
        inapplicable(lint, statement, prefix, &names, &kinds);
    }
}

/// An alias ARN never authorises an operation on the key behind it (semantics R-8).
fn alias(lint: &mut Lint<'_>, statement: &Statement, aliases: &[&Live<'_>], dead: &[String], takes_alias: bool) {
    let [first, ..] = aliases else { return };
    if dead.is_empty() && takes_alias {
        return;
    }
    let mut message = "an alias ARN stands for the alias alone and never for the key behind it".to_owned();
    if dead.is_empty() {
        message.push_str(": none of the actions takes an alias, so the value has no effect");
    } else {
        message.push_str(&format!("; {}", never(statement.effect, &list(dead))));
    }
    let suggestion = "name the key ARN, or test `kms:RequestAlias` or `kms:ResourceAliases` in `Condition`".to_owned();
    let severity =
        if statement.effect == Effect::Deny && !dead.is_empty() { LintSeverity::Medium } else { LintSeverity::Low };
    let finding = found(Some(statement.index), Rule::KeyAliasInResource, severity).at("Resource").value(first.source);
    lint.add(finding.says(message).suggests(Some(suggestion)));
}

fn group(lint: &mut Lint<'_>, statement: &Statement, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let message = format!(
        "{} on a group's ARN protects the group and not the users in it: {}",
        list(names),
        never(statement.effect, "that")
    );
    let suggestion = "name the users' ARNs (`arn:aws:iam::ACCOUNT:user/PATH/*`)".to_owned();
    let finding = found(Some(statement.index), Rule::DenyOnGroup, LintSeverity::High).at("Resource");
    lint.add(finding.says(message).suggests(Some(suggestion)));
}

fn inapplicable(lint: &mut Lint<'_>, statement: &Statement, prefix: &str, names: &[String], kinds: &[&str]) {
    let is_complete = super::services::service(prefix).is_some_and(super::Service::is_complete);
    let basis = if is_complete {
        String::new()
    } else {
        format!("by the Service Authorization Reference of {SERVICES_DATE}, ")
    };
    let requests =
        if names.len() == 1 { "names no resource in its requests" } else { "name no resource in their requests" };
    let takes = if names.len() == 1 { "takes" } else { "take" };
    let (message, suggestion) = if kinds.is_empty() {
        let message = format!(
            "{basis}{} {requests}, which only `*` matches; {}",
            list(names),
            never(statement.effect, pronoun(names))
        );
        (message, Some("put it into a statement of its own with `\"Resource\": \"*\"`".to_owned()))
    } else {
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let message = format!(
            "{basis}no resource of the statement is of a kind that {} {takes} ({}); {}",
            list(names),
            list(&kinds),
            never(statement.effect, pronoun(names))
        );
        (message, None)
    };
    let severity = if statement.effect == Effect::Deny { LintSeverity::Medium } else { LintSeverity::Low };
    let finding = found(Some(statement.index), Rule::ResourceInapplicable, severity).at("Resource");
    let finding = match names {
        [one] => finding.value(one.clone()),
        _ => finding,
    };
    lint.add(finding.says(message).suggests(suggestion).certain(is_complete));
}
