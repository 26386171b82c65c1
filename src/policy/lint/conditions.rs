//! Lint of condition keys: those that do not exist, that the actions of the statement do not carry, and how they are tested.

use super::keys::{self, KeyFacts, Scope};
use super::nearest::{nearest, question};
use super::services::{self, SERVICES_DATE, Service};
use super::{
    Known, Lint, LintFinding, LintSeverity, PolicyKind, Reach, Rule, State, found, list, never, pronoun, values,
};
use crate::policy::condition::{Condition, ConditionTest, Operator, Quantifier};
use crate::policy::document::{Effect, Statement};

pub(super) fn check(lint: &mut Lint<'_>, statement: &Statement, state: &mut State<'_>) {
    let Some(condition) = &statement.condition else { return };
    for test in &condition.tests {
        if test.operator == Operator::Unknown {
            continue;
        }
        match keys::key(&test.key) {
            None => unknown(lint, statement, test, state),
            Some(facts) => {
                let finding = |rule, severity| found(Some(statement.index), rule, severity).at(place(test));
                applicable(lint, statement, test, facts, state);
                lint.findings.extend(set_operators(statement, condition, test, facts, lint.kind, &finding));
                lint.findings.extend(mfa(statement, test, &finding));
                values::check(lint, statement, test, facts, state);
            }
        }
    }
}

/// Where a test stands.
pub(super) fn place(test: &ConditionTest) -> String {
    format!("Condition/{}/{}", test.operator_source, test.key_source)
}

/// Whether the test holds when the key is absent; `None` when that is not documented.
pub(super) fn when_absent(test: &ConditionTest) -> Option<bool> {
    if test.values.is_empty() {
        return None;
    }
    match test.operator {
        Operator::Unknown | Operator::Unread => None,
        Operator::Null => Some(test.values.iter().any(|value| value.source().eq_ignore_ascii_case("true"))),
        Operator::Compare(comparing) => Some(comparing.absent(comparing.quantifier).is_certain()),
    }
}

fn unknown(lint: &mut Lint<'_>, statement: &Statement, test: &ConditionTest, state: &mut State<'_>) {
    let suggestion = real_name(lint, test, state);
    let key = &test.key_source;
    let certain = keys::is_surely_none(&test.key);
    let absent = when_absent(test);
    let follows = match absent {
        Some(false) => never(statement.effect, "anything"),
        Some(true) if statement.effect == Effect::Allow => "the test always holds and restricts nothing".to_owned(),
        Some(true) => "the test always holds, so the Deny is wider than it looks".to_owned(),
        None => "what the test then means is not certain".to_owned(),
    };
    let message = match certain {
        true => format!("`{key}` is no condition key, so no request carries it; {follows}"),
        false => format!("`{key}` is no condition key as of {SERVICES_DATE}; if so, {follows}"),
    };
    let severity = if statement.effect == Effect::Deny { LintSeverity::High } else { LintSeverity::Medium };
    lint.add(
        found(Some(statement.index), Rule::UnknownConditionKey, severity)
            .at(place(test))
            .value(key.clone())
            .says(message)
            .suggests(suggestion)
            .certain(certain),
    );
    if absent == Some(false) && certain {
        state.dead.push(format!("no request carries `{key}`"));
    }
}

/// The key that was probably meant.
fn real_name(lint: &mut Lint<'_>, test: &ConditionTest, state: &State<'_>) -> Option<String> {
    let key = test.key.as_str();
    let bare: String = test.key_source.split_whitespace().collect();
    if bare != test.key_source && keys::key(&bare.to_ascii_lowercase()).is_some() {
        return Some(format!("remove the blank: `{bare}`"));
    }
    let with_prefix = format!("aws:{key}");
    if !key.contains(':')
        && let Some(facts) = keys::key(&with_prefix)
    {
        return Some(format!("did you mean `{}`?", facts.name));
    }
    // A family without the part that names its member.
    let family = keys::names().find(|name| {
        let start = name.trim_end_matches('*').trim_end_matches([':', '/']).to_ascii_lowercase();
        let rest = key.strip_prefix(start.as_str());
        name.ends_with('*') && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '.']))
    });
    if let Some(family) = family {
        let stem = family.trim_end_matches('*');
        let name = key.get(stem.len()..).filter(|name| !name.is_empty());
        let part = name.and_then(|_| test.key_source.get(stem.len()..)).unwrap_or("NAME");
        return Some(format!("did you mean `{stem}{part}`?"));
    }
    if !lint.may_suggest() {
        return None;
    }
    let prefix = key.split(':').next().unwrap_or_default();
    let services = state.listed.iter().filter_map(|listed| match &listed.reach {
        Reach::Known(known) => Some(known.service),
        _ => None,
    });
    let services = services.chain(services::service(prefix)).take(20);
    let of_services = services.flat_map(|service| service.keys.iter().map(|(name, _)| *name));
    let mut near: Vec<String> =
        nearest(&bare, keys::names().chain(of_services)).into_iter().map(str::to_owned).collect();
    // `kms:EncryptionContextKeyName` is as near to the keys of a context as to one pair of it.
    if near.iter().any(|name| name == "kms:EncryptionContextKeys") {
        near.push("kms:EncryptionContext:KEY".to_owned());
    }
    near.dedup();
    question(&near)
}

/// Keys that some or all actions of the statement never carry.
fn applicable(
    lint: &mut Lint<'_>,
    statement: &Statement,
    test: &ConditionTest,
    facts: &KeyFacts,
    state: &mut State<'_>,
) {
    in_key_policy(lint, statement, test);
    if facts.scope == Scope::Everywhere || statement.actions.negated {
        return;
    }
    let absent = when_absent(test);
    let exempt = match test.operator {
        Operator::Compare(comparing) => comparing.if_exists && absent == Some(true),
        _ => absent != Some(false),
    };
    if exempt || absent.is_none() {
        return;
    }
    let mut missing = Vec::new();
    let mut partly = Vec::new();
    let mut complete = true;
    for listed in &mut state.listed {
        let Reach::Known(known) = &mut listed.reach else { continue };
        complete &= known.service.is_complete();
        if !lint.spend(known.actions.len() * 8) {
            return;
        }
        let lacks: Vec<bool> = known.actions.iter().map(|action| lacks(known, *action, &test.key)).collect();
        // What other reasons took out already is not reported twice.
        let alive = known.dead.iter().filter(|dead| !**dead).count();
        let count = lacks.iter().zip(&known.dead).filter(|(lacks, dead)| **lacks && !**dead).count();
        if absent == Some(false) {
            known.dead.iter_mut().zip(&lacks).for_each(|(dead, lacks)| *dead |= lacks);
        }
        if count == alive && count > 0 {
            missing.push(listed.pattern.source().to_owned());
        } else if count > alive / 2 {
            // A wildcard takes in much that is not meant; worth a note only when little is left.
            partly.push((listed.pattern.source().to_owned(), alive - count, alive));
        }
    }
    report(lint, statement, test, absent == Some(false), complete, &missing, &partly);
}

/// Whether the requests of an action never carry a key. What the reference does not say about the tags of resources is not
/// relied on outside KMS.
fn lacks(known: &Known, action: usize, key: &str) -> bool {
    let Some(facts) = known.service.actions.get(action) else { return false };
    let is_vague = known.service.prefix != "kms" && key.starts_with("aws:resourcetag/");
    !is_vague && !known.service.carries(facts, key)
}

fn report(
    lint: &mut Lint<'_>,
    statement: &Statement,
    test: &ConditionTest,
    inert: bool,
    complete: bool,
    missing: &[String],
    partly: &[(String, usize, usize)],
) {
    let key = &test.key_source;
    let finding = |severity| found(Some(statement.index), Rule::ConditionKeyInapplicable, severity).at(place(test));
    if !missing.is_empty() {
        let (names, it) = (list(missing), pronoun(missing));
        let follows = match (inert, statement.effect) {
            (true, effect) => never(effect, it),
            (false, Effect::Allow) => format!("for {it} the test always holds and restricts nothing"),
            (false, Effect::Deny) => format!("for {it} the test always holds, so that the Deny does not depend on it"),
        };
        let carriers = carriers(missing, &test.key);
        let basis = match complete {
            true => String::new(),
            false => format!("by the Service Authorization Reference of {SERVICES_DATE}, "),
        };
        let message = format!("{basis}requests of {names} never carry `{key}`{carriers}; {follows}");
        let suggestion = inert.then(|| "put these actions into a statement of their own without the key".to_owned());
        let finding = finding(LintSeverity::Medium).value(missing.join(", "));
        lint.add(finding.says(message).suggests(suggestion).certain(complete));
    }
    for (source, some, all) in partly {
        let follows =
            if inert { "the statement speaks about those alone" } else { "for the others the test always holds" };
        let message = format!("of the {all} actions of `{source}`, {some} carry `{key}`; {follows}");
        lint.add(finding(LintSeverity::Informational).value(source.clone()).says(message));
    }
}

/// The actions of the same service that do carry a key, when they are few.
fn carriers(missing: &[String], key: &str) -> String {
    let prefix = missing.first().and_then(|name| name.split_once(':')).map(|(prefix, _)| prefix);
    let Some(service) = prefix.and_then(super::services::service) else { return String::new() };
    let all = service.actions.iter().filter(|action| service.carries(action, key));
    let names: Vec<String> = all.map(|action| format!("{}:{}", service.prefix, action.name)).collect();
    match names.len() {
        0 => String::new(),
        1..=4 => format!(" (those of {} do)", list(&names)),
        count => format!(" ({count} other actions of `{}` do)", service.prefix),
    }
}

/// Tags and aliases of the key are documented for IAM policies alone (semantics U-18).
fn in_key_policy(lint: &mut Lint<'_>, statement: &Statement, test: &ConditionTest) {
    let is_property = test.key == "kms:resourcealiases" || test.key.starts_with("aws:resourcetag/");
    if lint.kind != PolicyKind::Key || !is_property {
        return;
    }
    let message = format!(
        "`{}` is documented for IAM policies alone: whether a key policy sees it is not certain",
        test.key_source
    );
    let finding = found(Some(statement.index), Rule::ConditionKeyInapplicable, LintSeverity::Medium);
    lint.add(finding.at(place(test)).value(test.key_source.clone()).says(message).certain(false));
}

type Finding<'a> = &'a dyn Fn(Rule, LintSeverity) -> LintFinding;

/// Sets compared as if they were one value, and set operators that hold for the empty set.
fn set_operators(
    statement: &Statement,
    condition: &Condition,
    test: &ConditionTest,
    facts: &KeyFacts,
    kind: PolicyKind,
    finding: Finding<'_>,
) -> Vec<LintFinding> {
    let Operator::Compare(comparing) = test.operator else { return vec![] };
    let key = &test.key_source;
    // Whether a key of a service holds a set is not always what the reference says.
    let owner = test.key.split_once(':').and_then(|(prefix, _)| services::service(prefix));
    let is_described = !facts.name.is_empty() || owner.is_some_and(Service::is_complete);
    let mut found = Vec::new();
    match comparing.quantifier {
        None if facts.many && is_described => {
            let message = format!(
                "`{key}` holds a set of values, and what `{}` does with a set is not documented",
                test.operator_source
            );
            let suggestion = format!("write `ForAnyValue:{0}` or `ForAllValues:{0}`", test.operator_source);
            let finding = finding(Rule::SetWithoutQuantifier, LintSeverity::Medium);
            found.push(finding.says(message).suggests(Some(suggestion)));
        }
        Some(Quantifier::All) => {
            let refused = test.key.starts_with("kms:encryptioncontext:") || test.key.starts_with("aws:requesttag/");
            if kind == PolicyKind::Key && refused {
                let message = format!("KMS refuses to store `ForAllValues` with `{key}` in a key policy");
                found.push(finding(Rule::UnsupportedElement, LintSeverity::Medium).says(message));
            }
            let present =
                condition.tests.iter().any(|other| other.key == test.key && when_absent(other) == Some(false));
            if statement.effect == Effect::Allow && !present {
                let message =
                    format!("`ForAllValues` also holds when `{key}` is absent, so this Allow applies without it");
                let suggestion = format!("add `\"Null\": {{\"{key}\": \"false\"}}`");
                let finding = finding(Rule::ForAllValuesWithoutPresence, LintSeverity::Medium);
                found.push(finding.says(message).suggests(Some(suggestion)));
            }
        }
        _ => {}
    }
    found
}

/// Tests of MFA that access keys pass, which never carry the key.
fn mfa(statement: &Statement, test: &ConditionTest, finding: Finding<'_>) -> Option<LintFinding> {
    let is_presence = test.key == "aws:multifactorauthpresent";
    let Operator::Compare(_) = test.operator else { return None };
    if !is_presence && test.key != "aws:multifactorauthage" {
        return None;
    }
    let key = &test.key_source;
    let only = |wanted: &str| test.values.iter().all(|value| value.source().eq_ignore_ascii_case(wanted));
    let asks_for_none =
        is_presence && matches!(test.operator, Operator::Compare(comparing) if !comparing.negated) && only("false");
    match (statement.effect, when_absent(test)?) {
        (Effect::Allow, true) if !asks_for_none => {
            let message = format!(
                "requests signed with an access key never carry `{key}`, so this Allow applies to them without MFA"
            );
            let suggestion =
                "use the operator without `IfExists` (`\"Bool\": {\"aws:MultiFactorAuthPresent\": \"true\"}`)";
            let finding = finding(Rule::MfaIfExistsInAllow, LintSeverity::High);
            Some(finding.says(message).suggests(Some(suggestion.to_owned())))
        }
        (Effect::Deny, false) if asks_for_none || !is_presence => {
            let message =
                format!("requests signed with an access key never carry `{key}`, so this Deny does not stop them");
            let suggestion = Some(format!("write `{}IfExists`", test.operator_source));
            Some(finding(Rule::MfaBoolInDeny, LintSeverity::Medium).says(message).suggests(suggestion))
        }
        _ => None,
    }
}
