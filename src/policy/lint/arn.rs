//! Lint of one ARN in `Resource`: its fields, and whether anything can match it.

use std::sync::LazyLock;

use super::principals::PARTITIONS;
use super::shape::{Case, Shape};
use super::{Lint, LintFinding, LintSeverity, PolicyKind, Rule, found, variables};
use crate::policy::document::{Effect, Statement};
use crate::policy::glob::Glob;
use crate::policy::resource::ResourcePattern;
use crate::policy::text::Text;

/// Whether a pattern can match something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// As far as is known it can.
    Live,
    /// It certainly matches nothing.
    Dead,
}

/// Looks at one pattern.
pub(super) fn look_at(
    lint: &Lint<'_>,
    statement: &Statement,
    pattern: &ResourcePattern,
) -> (Fate, Option<LintFinding>) {
    let text = pattern.text();
    if pattern.is_everything() {
        return (Fate::Live, None);
    }
    let never_has_a_value =
        |key: &str| super::keys::key(key).map_or_else(|| super::keys::is_surely_none(key), |facts| facts.many);
    if text.variables().any(|variable| variable.default.is_none() && never_has_a_value(&variable.key)) {
        // The variable itself is reported where variables are looked at (semantics V-5, V-6).
        return (Fate::Dead, None);
    }
    let (fate, message, suggestion) = match problem(lint, text) {
        Some(problem) => problem,
        None => return key_policy(lint, statement, pattern),
    };
    let negated = statement.resources.as_ref().is_some_and(|resources| resources.negated);
    let follows = match (fate, negated, statement.effect) {
        (Fate::Live, _, _) => "",
        (Fate::Dead, false, Effect::Allow) => "; it matches nothing",
        (Fate::Dead, false, Effect::Deny) => "; it matches nothing, so this Deny stops nothing by it",
        (Fate::Dead, true, _) => "; it excludes nothing",
    };
    let severity = match (fate, statement.effect) {
        (Fate::Dead, _) | (Fate::Live, Effect::Deny) => LintSeverity::Medium,
        (Fate::Live, Effect::Allow) => LintSeverity::Low,
    };
    let finding = found(Some(statement.index), Rule::ResourceMalformed, severity);
    (fate, Some(finding.says(format!("{message}{follows}")).suggests(suggestion)))
}

type Trouble = (Fate, String, Option<String>);

fn problem(lint: &Lint<'_>, text: &Text) -> Option<Trouble> {
    let source = text.source();
    let trimmed = source.trim();
    if trimmed != source {
        return Some((
            Fate::Dead,
            "the value begins or ends with a blank".to_owned(),
            Some(format!("write `{trimmed}`")),
        ));
    }
    if let Some(trouble) = upper_case(source) {
        return Some(trouble);
    }
    let starts_variable = source.starts_with("${") && text.has_variables();
    if !source.starts_with("arn:") && !starts_variable {
        return no_arn(source);
    }
    if starts_variable || variables::has_early_variable(text) {
        return None;
    }
    let fields: Vec<&str> = source.splitn(6, ':').collect();
    partition(lint, &fields)
        .or_else(|| service(&fields))
        .or_else(|| region(&fields).map(|trouble| misplaced(&fields, trouble)))
        .or_else(|| account(&fields).map(|trouble| misplaced(&fields, trouble)))
        .or_else(|| key_or_alias(&fields))
        .or_else(|| short(source, &fields))
}

/// Whether letter case counts up to the account is documented for neither side (semantics R-1).
fn upper_case(source: &str) -> Option<Trouble> {
    let end = source.match_indices(':').nth(4).map_or(source.len(), |(position, _)| position);
    let (head, rest) = source.split_at_checked(end)?;
    let lower = head.to_ascii_lowercase();
    (lower != head && lower.starts_with("arn:") && !head.contains("${")).then(|| {
        let message = format!(
            "`{head}` holds upper-case letters: AWS writes ARNs in lower case up to the account, and whether letter case \
             counts there is not documented"
        );
        (Fate::Live, message, Some(format!("write `{lower}{rest}`")))
    })
}

fn no_arn(source: &str) -> Option<Trouble> {
    if source.contains(['*', '?']) && ARN.meets(&Glob::parse(source), Case::Kept) {
        let message =
            "a wildcard stands where the fields of an ARN begin; it may match resources of any service".to_owned();
        return Some((Fate::Live, message, None));
    }
    let suggestion = if source.starts_with("alias/") {
        Some("name the key ARN and test `kms:RequestAlias` or `kms:ResourceAliases`".to_owned())
    } else if is_key_id(source) {
        Some(format!("did you mean `arn:aws:kms:REGION:ACCOUNT:key/{source}`?"))
    } else {
        None
    };
    Some((Fate::Dead, "the value is no ARN".to_owned(), suggestion))
}

fn is_key_id(text: &str) -> bool {
    KEY_ID.meets(&Glob::literal(text), Case::Kept)
}

const KEY_IDS: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32}";
static ARN: LazyLock<Shape> = LazyLock::new(|| Shape::parse("arn:*"));
static REGION: LazyLock<Shape> = LazyLock::new(|| Shape::parse("[a-z]{2,4}-[a-z-]+-[0-9]+"));
static ACCOUNT: LazyLock<Shape> = LazyLock::new(|| Shape::parse("[0-9]{12}"));
static KEY_ID: LazyLock<Shape> = LazyLock::new(|| Shape::parse(KEY_IDS));
static KEY_OR_ALIAS: LazyLock<Shape> =
    LazyLock::new(|| Shape::parse(&format!("key/{}|alias/[A-Za-z0-9:/_-]+", KEY_IDS.replace('|', "|key/"))));
static KEY_ARN: LazyLock<Shape> = LazyLock::new(|| Shape::arns(&["arn:*:kms:*:*:key/[A-Za-z0-9-]+"]));

fn partition(lint: &Lint<'_>, fields: &[&str]) -> Option<Trouble> {
    let field = fields.get(1)?;
    let glob = Glob::parse(field);
    if !PARTITIONS.iter().any(|partition| glob.matches(partition)) {
        // In the widest reading the star may run over a colon, into the service and beyond.
        let fate = if field.contains('*') { Fate::Live } else { Fate::Dead };
        return Some((fate, format!("`{field}` is no partition of AWS"), None));
    }
    let ours = lint.facts.partition?;
    (!glob.matches(ours))
        .then(|| (Fate::Dead, format!("the ARN is of partition `{field}`, the account of `{ours}`"), None))
}

fn service(fields: &[&str]) -> Option<Trouble> {
    let field = fields.get(2)?;
    let is_last = fields.len() == 3;
    if *field == "*" && is_last {
        return None;
    }
    (field.contains(['*', '?']) && !(is_last && field.ends_with('*'))).then(|| {
        let message =
            format!("`{field}` in the service field: AWS says that no wildcard may stand there, and still accepts it");
        (Fate::Live, message, None)
    })
}

/// With a field too few the others stand in the wrong place, and a star may run over the missing one.
fn misplaced(fields: &[&str], (fate, message, suggestion): Trouble) -> Trouble {
    let count = fields.len();
    if count >= 6 || !fields.iter().any(|field| field.contains('*')) {
        return (fate, message, suggestion);
    }
    let suggestion = Some("write all six fields, as in `arn:aws:kms:*:*:key/*`".to_owned());
    (Fate::Live, format!("the ARN has {count} of six fields, and so {message}"), suggestion)
}

/// What the part of a field before a last star must be the start of, when nothing follows the field.
fn meets(shape: &Shape, fields: &[&str], position: usize) -> bool {
    fields.get(position).is_none_or(|field| shape.meets(&Glob::parse(field), Case::Kept))
}

fn region(fields: &[&str]) -> Option<Trouble> {
    let field = fields.get(3).filter(|field| !field.is_empty() && **field != "*")?;
    if meets(&REGION, fields, 3) {
        return None;
    }
    let is_kms = fields.get(2) == Some(&"kms");
    is_kms.then(|| (Fate::Dead, format!("`{field}` is no Region"), None))
}

fn account(fields: &[&str]) -> Option<Trouble> {
    let field = fields.get(4).filter(|field| !field.is_empty())?;
    if meets(&ACCOUNT, fields, 4) {
        return None;
    }
    let is_kms = fields.get(2) == Some(&"kms");
    let looks_like_one = field.bytes().all(|byte| byte.is_ascii_digit() || b"*?".contains(&byte));
    let is_placeholder = field.contains(['<', '>', '{', '[', ' ', '/']);
    if !is_kms && !looks_like_one && !is_placeholder {
        return None;
    }
    Some((Fate::Dead, format!("`{field}` is no account id (12 digits)"), None))
}

fn key_or_alias(fields: &[&str]) -> Option<Trouble> {
    let &[_, _, "kms", _, _, resource] = fields else { return None };
    if resource.contains("${") {
        return None;
    }
    if KEY_OR_ALIAS.meets(&Glob::parse(resource), Case::Kept) {
        return None;
    }
    let (message, suggestion) = match resource.split_once('/') {
        Some(("key", name)) => (format!("`{name}` is no key id"), None),
        Some(("alias", _)) => ("the name of an alias holds letters, digits, `/`, `_` and `-`".to_owned(), None),
        _ => {
            let suggestion = is_key_id(resource).then(|| format!("write `key/{resource}`"));
            ("resources of KMS begin with `key/` or `alias/`".to_owned(), suggestion)
        }
    };
    Some((Fate::Dead, message, suggestion))
}

/// Fewer than six fields: documented only where a last star runs over the missing ones (semantics ).
fn short(source: &str, fields: &[&str]) -> Option<Trouble> {
    if fields.len() >= 6 || source.ends_with('*') {
        return None;
    }
    let count = fields.len();
    let message =
        format!("the ARN has {count} of six fields: AWS calls that an error, and what it matches is not documented");
    Some((Fate::Live, message, Some("write all six fields".to_owned())))
}

/// In a key policy only `*` and the key's own ARN have an effect (semantics R-7).
fn key_policy(lint: &Lint<'_>, statement: &Statement, pattern: &ResourcePattern) -> (Fate, Option<LintFinding>) {
    if lint.kind != PolicyKind::Key || pattern.text().has_variables() {
        return (Fate::Live, None);
    }
    let widest = pattern.fixed_glob().unwrap_or_default();
    let finding = |message: String| {
        let severity = if statement.effect == Effect::Deny { LintSeverity::Medium } else { LintSeverity::Low };
        let suggestion = "write `\"Resource\": \"*\"`, which in a key policy means this key".to_owned();
        let finding = found(Some(statement.index), Rule::ResourceInapplicable, severity);
        Some(finding.says(message).suggests(Some(suggestion)))
    };
    if !KEY_ARN.meets(&widest, Case::Kept) {
        return (Fate::Dead, finding("the value is no key ARN: in a key policy it has no effect".to_owned()));
    }
    match lint.facts.key_arn {
        Some(key) if !widest.matches(key) => {
            (Fate::Dead, finding("the value is the ARN of another key: it has no effect here".to_owned()))
        }
        _ => (Fate::Live, None),
    }
}
