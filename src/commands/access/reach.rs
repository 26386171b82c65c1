//! Chains to an action as text for people.

use std::fmt::Write as _;

use super::output::statement;
use crate::access::{Chain, DecisionRow, Directory, Key, Principal, Proof, Reach};
use crate::cli::ReachArgs;
use crate::policy::{Access, Action};

/// Who can reach the actions, if that is asked: everybody, or one principal.
pub(super) fn asked<'a>(
    directory: &'a Directory,
    actions: &'a [Action],
    key: &'a Key,
    principal: Option<&Principal>,
    args: &ReachArgs,
) -> anyhow::Result<Option<Vec<Reach<'a>>>> {
    if !args.reach {
        return Ok(None);
    }
    let mut reached = Vec::new();
    for action in actions {
        reached.extend(directory.reach(action, key, usize::from(args.depth))?);
    }
    if let Some(wanted) = principal {
        reached.retain(|it| it.direct.principal.arn == wanted.arn && it.direct.principal.kind == wanted.kind);
    }
    reached.sort_by(|a, b| {
        let name = |it: &Reach<'_>| (it.direct.principal.arn.clone(), it.direct.principal.kind);
        name(a).cmp(&name(b)).then_with(|| a.direct.action.name().cmp(b.direct.action.name()))
    });
    Ok(Some(reached))
}

/// The part of an answer that tells of chains.
pub(super) fn text(reached: &[Reach<'_>], depth: u8) -> String {
    let mut text = format!("\nCAN REACH IT (in at most {depth} {})\n", links(usize::from(depth)));
    if reached.is_empty() {
        text.push_str("  nobody who does not have it\n");
    }
    for reach in reached {
        let principal = &reach.direct.principal;
        let action = reach.direct.action.name();
        let direct = words(reach.direct.cell.access);
        let _ = writeln!(text, "  {}  {}  {action}, directly {direct}", principal.kind.word(), principal.arn);
        for chain in &reach.chains {
            of_chain(chain, &mut text);
        }
    }
    text
}

fn of_chain(chain: &Chain, text: &mut String) {
    let count = chain.links.len();
    let _ = writeln!(text, "    {}, in {count} {}:", words(chain.access), links(count));
    for (index, link) in chain.links.iter().enumerate() {
        let [does, gives] = link.step.words();
        let who = if index == 0 { String::new() } else { format!("{} ", link.actor) };
        let _ = writeln!(text, "      {}. {who}{does} {}", index + 1, link.target);
        for proof in &link.proofs {
            of_proof(proof, &link.actor, &link.target, text);
        }
        let _ = writeln!(text, "         which gives {gives}");
        for note in &link.notes {
            let _ = writeln!(text, "         note: {note}");
        }
    }
    let _ = writeln!(text, "      then, as {}", chain.last.principal);
    of_proof(&chain.last, &chain.last.principal, "", text);
    if chain.others > 0 {
        let _ = writeln!(text, "      {} more in the same way, over other targets", chain.others);
    }
}

/// One decision; who asks and on what only where it is not the `actor` and the `target` that were just named.
fn of_proof(proof: &Proof, actor: &str, target: &str, text: &mut String) {
    let row = DecisionRow::from(proof);
    let on = row
        .resource
        .filter(|resource| resource != target)
        .map(|resource| format!(" on {resource}"))
        .unwrap_or_default();
    let by = if row.principal_arn == actor { String::new() } else { format!(" by {}", row.principal_arn) };
    let _ = writeln!(text, "         {}{by}{on}: {}", row.action, words(proof.cell.access));
    for (index, condition) in row.conditions.iter().enumerate() {
        let _ = writeln!(text, "           {} {condition}", if index == 0 { "when" } else { "or when" });
    }
    for it in row.statements.iter().filter(|it| !it.is_everywhere()) {
        let _ = writeln!(text, "           {}", statement(it));
    }
    for grant in &row.grants {
        let _ = writeln!(text, "           grant {grant}");
    }
    for note in &row.notes {
        let _ = writeln!(text, "           note: {note}");
    }
}

fn links(count: usize) -> &'static str {
    if count == 1 { "link" } else { "links" }
}

fn words(access: Access) -> String {
    access.word().replace('_', " ")
}
