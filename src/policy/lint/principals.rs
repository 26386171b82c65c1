//! Lint of `Principal` and `NotPrincipal`.

use super::keys;
use super::shape::Case;
use super::{Lint, LintFinding, LintSeverity, PolicyKind, Rule, State, found};
use crate::policy::document::{Effect, Statement};
use crate::policy::glob::Glob;
use crate::policy::principal::Principal;

pub(super) fn check(lint: &mut Lint<'_>, statement: &Statement, state: &mut State<'_>) {
    let Some(element) = &statement.principal else { return };
    let name = if element.negated { "NotPrincipal" } else { "Principal" };
    let mut nobody = 0;
    for entry in &element.entries {
        if let Some(finding) = entry_finding(lint, statement, entry) {
            let may_exist = finding.rule == Rule::DanglingPrincipal && lint.facts.unique_ids.is_none();
            nobody += usize::from(!may_exist);
            lint.add(finding.at(name));
        }
    }
    if element.negated {
        not_principal(lint, statement);
    } else if !element.entries.is_empty() && nobody == element.entries.len() {
        state.dead.push("no principal of the list exists or can be matched".to_owned());
    } else if lint.kind == PolicyKind::Trust && statement.effect == Effect::Allow {
        state.dead.extend(way_of_assuming(statement, &element.entries));
    }
}

/// What is wrong with one entry, which then matches nobody.
fn entry_finding(lint: &Lint<'_>, statement: &Statement, entry: &Principal) -> Option<LintFinding> {
    let wrong = |value: &str, message: String, suggestion: Option<String>| {
        let finding = found(Some(statement.index), Rule::UnknownPrincipal, LintSeverity::Medium);
        Some(finding.value(value).says(message).suggests(suggestion))
    };
    match entry {
        Principal::Nobody(value) => {
            let (message, suggestion) = nobody(value);
            wrong(value, message, suggestion)
        }
        Principal::UniqueId(id) => match lint.facts.unique_ids {
            Some(known) if known.contains(id) => None,
            facts => Some(dangling(statement, id, facts.is_some())),
        },
        Principal::Account { account, partition } => partition
            .as_deref()
            .and_then(|partition| other_partition(lint, partition))
            .and_then(|message| wrong(account, message, None)),
        Principal::User(arn) | Principal::Role(arn) | Principal::Session(arn) | Principal::FederatedUser(arn) => {
            other_partition(lint, &arn.partition).and_then(|message| wrong(&arn.arn, message, None))
        }
        Principal::Service(service) => {
            let is_one = keys::form("service")?.shape.meets(&Glob::literal(service), Case::Kept);
            let message = format!("`{service}` is no service principal, which looks like `s3.amazonaws.com`");
            if is_one { None } else { wrong(service, message, None) }
        }
        Principal::Federated(provider) if lint.kind == PolicyKind::Key => {
            wrong(provider, "federated principals have no effect in a key policy".to_owned(), None)
        }
        Principal::CanonicalUser(id) if lint.kind != PolicyKind::Resource => {
            wrong(id, "canonical user ids mean something in S3 alone".to_owned(), None)
        }
        Principal::Everyone | Principal::Federated(_) | Principal::CanonicalUser(_) => None,
    }
}

/// Callers from identity providers assume a role by other actions than users, roles and services do.
fn way_of_assuming(statement: &Statement, entries: &[Principal]) -> Option<String> {
    let actions = &statement.actions;
    let all = |wanted: &[&str]| {
        let is_one = |source: &str| wanted.iter().any(|name| name.eq_ignore_ascii_case(source));
        !actions.negated
            && !actions.patterns.is_empty()
            && actions.patterns.iter().all(|pattern| is_one(pattern.source()))
    };
    let is_federated = |entry: &Principal| matches!(entry, Principal::Federated(_));
    let is_direct = |entry: &Principal| entry.account().is_some() || matches!(entry, Principal::Service(_));
    if entries.iter().all(is_federated) && all(&["sts:AssumeRole"]) {
        let with = "`sts:AssumeRoleWithSAML` or `sts:AssumeRoleWithWebIdentity`";
        return Some(format!("callers from identity providers assume a role by {with}, never by `sts:AssumeRole`"));
    }
    let federated = ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];
    let wrong = entries.iter().all(is_direct) && all(&federated);
    wrong.then(|| "only callers from identity providers assume a role by the actions that are listed".to_owned())
}

fn dangling(statement: &Statement, id: &str, certain: bool) -> LintFinding {
    let kind = if id.starts_with("AIDA") { "user" } else { "role" };
    let message = match certain {
        true => format!("`{id}` is the unique id of a {kind} that no longer exists"),
        false => format!("`{id}` is a unique id, which AWS prints in place of a {kind} that was deleted"),
    };
    let suggestion = format!("remove it; a new {kind} of the same name does not get the access back");
    let finding = found(Some(statement.index), Rule::DanglingPrincipal, LintSeverity::Low);
    finding.value(id).says(message).suggests(Some(suggestion))
}

fn other_partition(lint: &Lint<'_>, partition: &str) -> Option<String> {
    if let Some(ours) = lint.facts.partition
        && ours != partition
    {
        return Some(format!(
            "the ARN is of partition `{partition}`, and access never crosses from `{ours}` to another"
        ));
    }
    let is_partition = PARTITIONS.contains(&partition);
    (!is_partition).then(|| format!("`{partition}` is no partition of AWS"))
}

/// The partitions of AWS.
pub(super) const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

/// Why a value under `AWS` matches nobody.
fn nobody(value: &str) -> (String, Option<String>) {
    if value.contains(['*', '?']) {
        let message = "a principal takes no wildcard inside: the value matches nobody, and KMS refuses to store it";
        let suggestion = "name the account as principal and test `aws:PrincipalArn` with `ArnLike` in `Condition`";
        return (message.to_owned(), Some(suggestion.to_owned()));
    }
    let fields: Vec<&str> = value.splitn(6, ':').collect();
    let [start, _, service, _, account, rest] = fields.as_slice() else {
        let suggestion = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty();
        let suggestion = suggestion.then(|| "an account id has 12 digits".to_owned());
        return (
            "the value is neither an account id nor the ARN of a principal, so it matches nobody".to_owned(),
            suggestion,
        );
    };
    let kind = rest.split('/').next().unwrap_or_default();
    match (*start, *service, kind) {
        ("arn", "iam", "group") => {
            let message = "a group is never a principal, so the value matches nobody".to_owned();
            (message, Some("name its users or, better, a role".to_owned()))
        }
        ("arn", "iam", "assumed-role") => {
            let message = "sessions of a role have ARNs of `sts`, so the value matches nobody".to_owned();
            (message, Some(format!("did you mean `{}`?", value.replacen(":iam:", ":sts:", 1))))
        }
        ("arn", "sts", "role" | "user" | "root") => {
            let message = "users and roles have ARNs of `iam`, so the value matches nobody".to_owned();
            (message, Some(format!("did you mean `{}`?", value.replacen(":sts:", ":iam:", 1))))
        }
        ("arn", "iam" | "sts", _) if !is_account(account) => {
            (format!("`{account}` is no account id (12 digits), so the value matches nobody"), None)
        }
        _ => ("the value is no ARN of a user, role, session or account, so it matches nobody".to_owned(), None),
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `NotPrincipal` is unsupported with Allow and easy to get wrong with Deny (semantics 4.10).
fn not_principal(lint: &mut Lint<'_>, statement: &Statement) {
    let Some(element) = &statement.principal else { return };
    let suggestion = "write `\"Principal\": \"*\"` and test `aws:PrincipalArn` with `ArnNotLike` in `Condition`";
    let is_deny = statement.effect == Effect::Deny;
    let message = if is_deny {
        let names_role = element.entries.iter().any(|entry| matches!(entry, Principal::Role(_)));
        let names_session = element.entries.iter().any(|entry| matches!(entry, Principal::Session(_)));
        let names_account = element.entries.iter().any(|entry| matches!(entry, Principal::Account { .. }));
        let mut message =
            "NotPrincipal with Deny exempts a caller only when each part of its identity is listed".to_owned();
        if names_role && !names_session {
            message.push_str(
                "; a role is listed here without the ARN of its sessions, for which it is not documented what happens",
            );
        } else if !names_account {
            message.push_str("; the account of the listed principals is missing here");
        }
        message.push_str("; a caller with a permissions boundary is always denied");
        message
    } else {
        "NotPrincipal with Allow gives access to everyone who is not listed, in every account, anonymous callers included"
            .to_owned()
    };
    let severity = if is_deny { LintSeverity::Medium } else { LintSeverity::High };
    let finding = found(Some(statement.index), Rule::NotPrincipal, severity).at("NotPrincipal");
    lint.add(finding.says(message).suggests(Some(suggestion.to_owned())));
}
