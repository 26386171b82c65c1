//! Access as text for people.

use std::fmt::Write as _;

use super::output::statement;
use crate::access::{Decided, Directory, Key, Principal, path_words, reveals_plaintext};
use crate::commands::console::harmless_lines;
use crate::commands::{Exit, print};
use crate::policy::{Access, Action, PolicyRef};

/// In the order in which people read them.
const KINDS: [(Access, &str); 6] = [
    (Access::Allowed, "ALLOWED"),
    (Access::AllowedIfChosen, "ALLOWED IF THE CALLER CHOOSES SO"),
    (Access::ViaService, "ONLY THROUGH AN AWS SERVICE"),
    (Access::Conditional, "CONDITIONAL"),
    (Access::Possible, "POSSIBLE"),
    (Access::Denied, "DENIED"),
];

/// Who can do something on one key.
pub(super) fn who_can(
    directory: &Directory,
    key: &Key,
    actions: &[Action],
    decided: &[Decided<'_>],
    denied: usize,
    include_denied: bool,
    is_narrowed: bool,
) -> String {
    let names: Vec<&str> = actions.iter().map(Action::name).collect();
    let mut text = format!("{} on {}\n", names.join(", "), key_name(key));
    for (access, title) in KINDS {
        let of_kind: Vec<&Decided<'_>> = decided.iter().filter(|it| it.cell.access == access).collect();
        if of_kind.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{title}");
        for decided in of_kind {
            let action = if actions.len() > 1 { format!("  {}", decided.action.name()) } else { String::new() };
            let _ = writeln!(text, "  {}  {}{action}", decided.principal.kind.word(), decided.principal.arn);
            reasons(directory, decided, &mut text);
        }
    }
    if decided.iter().all(|it| it.cell.access == Access::Denied) {
        text.push_str(if is_narrowed { "\nNobody in the way that --access asks for.\n" } else { "\nNobody.\n" });
    }
    if denied > 0 && !include_denied {
        let _ = writeln!(text, "\n{denied} denied; --include-denied shows them and what blocks them.");
    }
    text
}

/// Who can do more under the related keys of a multi-Region key than on the key itself.
pub(super) fn related(directory: &Directory, key: &Key, actions: &[Action], decided: &[Decided<'_>]) -> String {
    let family = directory.family(key);
    let mut text = String::new();
    if !actions.iter().any(reveals_plaintext) || (family.related.is_empty() && family.unknown().is_empty()) {
        return text;
    }
    text.push_str("\nRELATED KEYS (what one member of the family encrypts, every other decrypts)\n");
    for key in &family.related {
        let _ = writeln!(text, "  {}", key_name(key));
        let here: Vec<&Decided<'_>> = decided.iter().filter(|it| it.key.arn == key.arn).collect();
        for it in &here {
            let access = it.cell.access.word().replace('_', " ");
            let (kind, arn) = (it.principal.kind.word(), &it.principal.arn);
            let _ = writeln!(text, "    {kind}  {arn}  {}: {access}", it.action.name());
            reasons(directory, it, &mut text);
        }
        if here.is_empty() {
            text.push_str("    nobody beyond those above\n");
        }
    }
    for unknown in family.unknown() {
        let _ = writeln!(text, "  {unknown}");
    }
    text
}

/// What one principal can do.
pub(super) fn can(directory: &Directory, principal: &Principal, decided: &[Decided<'_>]) -> anyhow::Result<Exit> {
    let mut text = format!("{} {}\n", principal.kind.word(), principal.arn);
    let mut last: Option<&str> = None;
    for (index, one) in decided.iter().enumerate() {
        if last != Some(one.key.arn.as_str()) {
            let _ = writeln!(text, "\n{}", key_name(one.key));
            last = Some(&one.key.arn);
        }
        // Actions that are decided alike are told together, at the first of them.
        let alike = |other: &Decided<'_>| other.key.arn == one.key.arn && other.cell == one.cell;
        if decided.iter().take(index).any(alike) {
            continue;
        }
        let names: Vec<&str> =
            decided.iter().skip(index).filter(|other| alike(other)).map(|other| other.action.name()).collect();
        let title = KINDS.iter().find(|(access, _)| *access == one.cell.access).map_or("", |(_, title)| *title);
        let _ = writeln!(text, "  {title}: {}", names.join(", "));
        reasons(directory, one, &mut text);
    }
    if decided.is_empty() {
        text.push_str("\nNothing on any key.\n");
    }
    print(harmless_lines(&text).as_bytes())
}

/// Single decisions, with all that decided them.
pub(super) fn explain(directory: &Directory, decided: &[Decided<'_>]) -> anyhow::Result<String> {
    let mut text = String::new();
    for (index, one) in decided.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let _ = writeln!(text, "{} {}", one.principal.kind.word(), one.principal.arn);
        let _ = writeln!(text, "{} on {}", one.action.name(), key_name(one.key));
        let title = KINDS.iter().find(|(access, _)| *access == one.cell.access).map_or("", |(_, title)| *title);
        let _ = writeln!(text, "\n{title}");
        reasons(directory, one, &mut text);
        places(directory, one, &mut text);
        if one.cell.access != Access::Denied {
            let needed = directory.needed(one)?;
            let needed = needed.iter().map(|it| match it.policy {
                PolicyRef::Grant(index) => {
                    format!("grant {}", one.key.grants.get(index).map_or("", |grant| grant.id.as_str()))
                }
                _ => statement(&directory.statement_row(it, one)),
            });
            let needed: Vec<String> = needed.collect();
            if !needed.is_empty() {
                let _ = writeln!(text, "\nWithout any one of these it would be denied:");
                for needed in needed {
                    let _ = writeln!(text, "  {needed}");
                }
            }
        }
    }
    Ok(text)
}

/// How, because of what, under which condition.
fn reasons(directory: &Directory, decided: &Decided<'_>, text: &mut String) {
    let row = directory.explained_row(decided);
    if let Some(path) = decided.cell.path.filter(|_| decided.cell.access != Access::Denied) {
        let _ = writeln!(text, "      {}", path_words(path));
    }
    if let Some(blocked) = &row.blocked_by {
        let _ = writeln!(text, "      {blocked}");
    }
    for (index, condition) in row.conditions.iter().enumerate() {
        let _ = writeln!(text, "      {} {condition}", if index == 0 { "when" } else { "or when" });
    }
    for it in row.statements.iter().flatten().filter(|it| !it.is_everywhere()) {
        let _ = writeln!(text, "      {}", statement(it));
    }
    for grant in row.grants.iter().flatten() {
        let _ = writeln!(text, "      grant {grant}");
    }
    for note in &row.notes {
        let _ = writeln!(text, "      note: {note}");
    }
}

/// Where to read the deciding documents.
fn places(directory: &Directory, decided: &Decided<'_>, text: &mut String) {
    let row = directory.explained_row(decided);
    let mut seen = std::collections::BTreeSet::new();
    for it in row.statements.iter().flatten() {
        if let (Some(file), Some(pointer)) = (&it.file, &it.pointer)
            && seen.insert((file, pointer))
        {
            if seen.len() == 1 {
                text.push_str("\nWhere the documents stand in the snapshot:\n");
            }
            let _ = writeln!(text, "  {}\n    {file} {pointer}", it.policy);
        }
    }
}

fn key_name(key: &Key) -> String {
    let aliases = if key.aliases.is_empty() { String::new() } else { format!(" ({})", key.aliases.join(", ")) };
    let state = match key.state.as_deref() {
        Some("Enabled") => String::new(),
        Some(state) => format!(", {state}"),
        None => ", state not read".to_owned(),
    };
    format!("{}{aliases}{state}", key.arn)
}
