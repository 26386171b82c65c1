//! Whether a condition says for whose resources a service may act: what keeps it from being a confused deputy.

use crate::model::Arn;
use crate::policy::{Comparison, ConditionTest, Match, Operator, Quantifier, Statement, Text};

const SOURCES: [&str; 4] = ["aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"];

/// Whether a test looks at whose request a service carries out.
pub(super) fn looks_at_source(statement: &Statement) -> bool {
    statement.tests().any(|test| SOURCES.contains(&test.key.as_str()))
}

/// Whether a test binds requests to resources that it names.
pub(super) fn scopes(test: &ConditionTest) -> Match {
    let Operator::Compare(comparing) = test.operator else { return Match::No };
    let must_be_there =
        !comparing.negated && !comparing.if_exists && comparing.quantifier.is_none_or(|it| it == Quantifier::Any);
    let is_of_text = matches!(
        comparing.comparison,
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike | Comparison::Arn
    );
    if !must_be_there || !is_of_text || test.values.is_empty() {
        return Match::No;
    }
    let names: fn(&str) -> bool = match test.key.as_str() {
        "aws:sourceaccount" | "aws:sourceorgid" => |value| !value.contains(['*', '?']),
        "aws:sourceorgpaths" => |value| !value.split('/').next().unwrap_or_default().contains(['*', '?']),
        "aws:sourcearn" => names_a_source,
        key if key.starts_with("kms:encryptioncontext:") => {
            |value| !value.bytes().all(|byte| matches!(byte, b'*' | b'?'))
        }
        _ => return Match::No,
    };
    // One value that names nothing lets everything through.
    Match::all(test.values.iter().map(|text| scope_of(text, names)))
}

fn scope_of(text: &Text, names: fn(&str) -> bool) -> Match {
    if text.has_variables() { Match::Unsure } else { Match::from(names(text.source())) }
}

/// Whether an ARN says whose resource it is: its account, or, where it has none, the beginning of the resource.
fn names_a_source(arn: &str) -> bool {
    let is_open = |text: &str| text.starts_with(['*', '?']);
    Arn::parse(arn).is_some_and(|parsed| match parsed.account_id {
        "" => !is_open(arn.splitn(6, ':').nth(5).unwrap_or("*")),
        account => !account.contains(['*', '?']),
    })
}
