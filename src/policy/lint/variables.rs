//! Lint of policy variables (`${aws:username}`): where they are not replaced, and those that never have a value.

use super::keys;
use super::services::SERVICES_DATE;
use super::{Lint, LintSeverity, Rule, found, nearest};
use crate::policy::condition::{Comparison, ConditionTest, Operator};
use crate::policy::document::{Statement, Version};
use crate::policy::text::{Text, Variable};

pub(super) fn check(lint: &mut Lint<'_>, statement: &Statement) {
    let element =
        statement.resources.as_ref().map(|resources| if resources.negated { "NotResource" } else { "Resource" });
    let patterns = statement.resources.iter().flat_map(|resources| &resources.patterns);
    for pattern in patterns {
        text(lint, statement, element.unwrap_or_default(), pattern.text());
        if has_early_variable(pattern.text()) {
            let message = "AWS documents policy variables for the last field of an ARN alone; whether one before the fifth colon is \
                           replaced is not certain";
            let finding = found(Some(statement.index), Rule::VariableMisplaced, LintSeverity::Medium);
            lint.add(finding.at(element.unwrap_or_default()).value(pattern.text().source()).says(message));
        }
    }
    for test in statement.condition.iter().flat_map(|condition| &condition.tests) {
        let place = format!("Condition/{}/{}", test.operator_source, test.key_source);
        for value in &test.values {
            text(lint, statement, &place, value);
            if value.has_variables()
                && let Some(message) = not_replaced(test)
            {
                let finding = found(Some(statement.index), Rule::VariableMisplaced, LintSeverity::Medium);
                lint.add(finding.at(place.clone()).value(value.source()).says(message));
            }
        }
    }
}

fn text(lint: &mut Lint<'_>, statement: &Statement, place: &str, text: &Text) {
    if lint.document.version == Version::V2008 {
        if text.source().contains("${") {
            let message = "under language version 2008-10-17 `${…}` is plain text and is not replaced";
            let suggestion = Some("write `\"Version\": \"2012-10-17\"`".to_owned());
            let finding = found(Some(statement.index), Rule::VariableInOldVersion, LintSeverity::Medium);
            lint.add(finding.at(place).value(text.source()).says(message).suggests(suggestion));
        }
        return;
    }
    for variable in text.variables() {
        // Each finding repeats the text, which may be made of nothing but variables.
        if !lint.spend(text.source().len()) {
            return;
        }
        never_has_a_value(lint, statement, place, text, variable);
    }
}

/// A variable of a key that does not exist, or that holds a set, has no value.
fn never_has_a_value(lint: &mut Lint<'_>, statement: &Statement, place: &str, text: &Text, variable: &Variable) {
    let name = &variable.key;
    let certain = keys::key(name).is_some() || keys::is_surely_none(name);
    let (reason, suggestion) = match keys::key(name) {
        Some(facts) if facts.many => (format!("`{name}` holds a set of values"), None),
        Some(_) => return,
        None => {
            let bare: String = name.split_whitespace().collect();
            let suggestion = match keys::key(&bare) {
                Some(_) if bare != *name => Some(format!("did you mean `${{{bare}}}`?")),
                _ if lint.may_suggest() => {
                    let near: Vec<String> =
                        nearest::nearest(&bare, keys::names()).into_iter().map(|near| format!("${{{near}}}")).collect();
                    nearest::question(&near)
                }
                _ => None,
            };
            let reason = match certain {
                true => format!("`{name}` is no condition key"),
                false => format!("`{name}` is no condition key as of {SERVICES_DATE}"),
            };
            (reason, suggestion)
        }
    };
    let follows = match &variable.default {
        Some(default) => format!("its default `{default}` always stands in"),
        None => "the value it stands in matches nothing".to_owned(),
    };
    let message = match certain {
        true => format!("the variable `${{{name}}}` never has a value, because {reason}; {follows}"),
        false => format!("{reason}; if so, the variable `${{{name}}}` never has a value, and {follows}"),
    };
    let finding = found(Some(statement.index), Rule::VariableMisplaced, LintSeverity::Medium);
    lint.add(finding.at(place).value(text.source()).says(message).suggests(suggestion));
}

/// Why variables do not act under an operator.
fn not_replaced(test: &ConditionTest) -> Option<&'static str> {
    let Operator::Compare(comparing) = test.operator else {
        return (test.operator == Operator::Null).then_some("`Null` takes `true` or `false`, and no variable");
    };
    match comparing.comparison {
        Comparison::Numeric(_) | Comparison::Date(_) | Comparison::Binary | Comparison::IpAddress => {
            Some("variables act in string and ARN operators alone; here the text stands as it is")
        }
        Comparison::Bool => Some("whether variables act under `Bool` is documented both ways"),
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike | Comparison::Arn => {
            None
        }
    }
}

/// True when a variable stands before the fifth colon.
pub(super) fn has_early_variable(text: &Text) -> bool {
    text.has_variables()
        && text.source().starts_with("arn:")
        && text.source().split_once("${").is_some_and(|(before, _)| before.matches(':').count() < 5)
}
