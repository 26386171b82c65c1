//! `keyproof access`: who can use which key.

mod family;
mod filter;
mod find;
mod output;
mod reach;
mod text;

use std::borrow::Cow;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use super::console::{Console, harmless_lines};
use super::misuse::misuse;
use super::{Exit, nearest::nearest, print};
use crate::access::{
    ACTION_CLASSES, Classes, Decided, Directory, Estate, Key, Principal, Reach, Row, Size, actions_named,
    reveals_plaintext,
};
use crate::cli::{AccessCommand, AccessFormat, AccessKind, FilterArgs, MatrixArgs, ReachArgs};
use crate::policy::{Access, Action, KmsResources, kms_actions};
use crate::snapshot::Snapshot;
use filter::{Filter, wants_access};
use output::{Columns, Output};

pub(super) fn run(command: &AccessCommand, console: &Console) -> anyhow::Result<Exit> {
    match command {
        AccessCommand::WhoCan { action, key, include_denied, access, reach, common } => {
            let actions = actions(std::slice::from_ref(action))?;
            let directory = load(&common.snapshot, console)?;
            let asked = WhoCan {
                directory: &directory,
                key: find::key(&directory, key)?,
                actions: &actions,
                include_denied: *include_denied,
                access,
            };
            asked.answer(reach, common.format, console)
        }
        AccessCommand::Can { principal, action, filter, common } => {
            let actions = if action.is_empty() { all_actions() } else { actions(action)? };
            let directory = load(&common.snapshot, console)?;
            let principal = find::principal(&directory, principal)?;
            let decided = can(&directory, &principal, &actions, filter, console)?;
            match common.format {
                AccessFormat::Text => text::can(&directory, &principal, &decided),
                format => explained_rows(&directory, format, &decided, None),
            }
        }
        AccessCommand::Explain { principal, action, key, reach, common } => {
            let actions = actions(std::slice::from_ref(action))?;
            let directory = load(&common.snapshot, console)?;
            let (principal, key) = (find::principal(&directory, principal)?, find::key(&directory, key)?);
            let mut decided = Vec::new();
            for action in &actions {
                decided.push(directory.decided(Cow::Borrowed(principal.as_ref()), key, action)?);
            }
            let mut related = Vec::new();
            for action in actions.iter().filter(|action| reveals_plaintext(action)) {
                for other in directory.family(key).related {
                    related.push(directory.decided(Cow::Borrowed(principal.as_ref()), other, action)?);
                }
            }
            related.retain(|it| it.cell.access != Access::Denied);
            family::add(&directory, key, &mut decided, &mut related, console);
            let reached = reach::asked(&directory, &actions, key, Some(&principal), reach)?;
            match common.format {
                AccessFormat::Text => {
                    let chains = reached.map(|reached| reach::text(&reached, reach.depth)).unwrap_or_default();
                    print(harmless_lines(&(text::explain(&directory, &decided)? + &chains)).as_bytes())
                }
                format => explained_rows(&directory, format, &decided, reached.as_deref()),
            }
        }
        AccessCommand::Matrix(args) => matrix(args, console),
    }
}

/// A question about one key.
struct WhoCan<'a> {
    directory: &'a Directory,
    key: &'a Key,
    actions: &'a [Action],
    include_denied: bool,
    access: &'a [AccessKind],
}

impl WhoCan<'_> {
    fn answer(&self, reach: &ReachArgs, format: AccessFormat, console: &Console) -> anyhow::Result<Exit> {
        let &Self { directory, key, actions, include_denied, access } = self;
        let mut decided = Vec::new();
        for action in actions {
            decided.extend(directory.who_can(action, key)?);
        }
        let mut related = Vec::new();
        for action in actions {
            related.extend(directory.who_can_by_family(action, key)?);
        }
        family::add(directory, key, &mut decided, &mut related, console);
        let name = |it: &Decided<'_>| (it.principal.arn.clone(), it.principal.kind, it.action.name().to_owned());
        decided.sort_by_cached_key(name);
        related.sort_by_cached_key(|it| (it.key.arn.clone(), name(it)));
        let denied = decided.iter().filter(|it| it.cell.access == Access::Denied).count();
        let all = decided.len() - denied + related.len();
        let is_shown = |it: &Decided<'_>| match it.cell.access {
            Access::Denied => include_denied,
            kind => wants_access(access, kind),
        };
        decided.retain(is_shown);
        related.retain(is_shown);
        let shown = decided.iter().filter(|it| it.cell.access != Access::Denied).count() + related.len();
        filter::left_out(all.saturating_sub(shown), console);
        let reached = reach::asked(directory, actions, key, None, reach)?;
        match format {
            AccessFormat::Text => {
                let mut text =
                    text::who_can(directory, key, actions, &decided, denied, include_denied, !access.is_empty());
                text.push_str(&text::related(directory, key, actions, &related));
                let chains = reached.map(|reached| reach::text(&reached, reach.depth)).unwrap_or_default();
                print(harmless_lines(&(text + &chains)).as_bytes())
            }
            format => {
                decided.extend(related);
                explained_rows(directory, format, &decided, reached.as_deref())
            }
        }
    }
}

/// What a principal can do, also one that only policies name.
fn can<'a>(
    directory: &'a Directory,
    principal: &'a Principal,
    actions: &'a [Action],
    args: &FilterArgs,
    console: &Console,
) -> anyhow::Result<Vec<Decided<'a>>> {
    let filter = Filter::new(directory, args, console)?;
    let mut decided = directory.can(principal, actions)?;
    decided.retain(|it| filter.wants(it.key));
    let all = decided.len();
    decided.retain(|it| wants_access(&args.access, it.cell.access));
    filter::left_out(all - decided.len(), console);
    Ok(decided)
}

fn matrix(args: &MatrixArgs, console: &Console) -> anyhow::Result<Exit> {
    let actions = actions(&args.action)?;
    let directory = load(&args.snapshot, console)?;
    let filter = Filter::new(&directory, &args.filter, console)?;
    let classes = Classes::new(&directory, &actions);
    let matrix = classes.matrix()?;
    let Size { rows, columns, decisions, cells, triples } = matrix.size();
    console.detail(&format!("{rows} classes of principals, {columns} classes of keys"));
    console.detail(&format!(
        "{decisions} decisions, {cells} of which leave something, stand for {triples} of principal, key and action"
    ));
    let columns = if args.classes { Columns::Classes } else { Columns::Plain };
    let mut output = Output::new(BufWriter::new(io::stdout().lock()), args.format, columns)?;
    let mut left_out = 0;
    let mut count = |access: Access| {
        let is_wanted = wants_access(&args.filter.access, access);
        left_out += usize::from(!is_wanted);
        is_wanted
    };
    if args.classes {
        matrix.classes(|key| filter.wants(key), |row| if count(row.access) { output.row(row) } else { Ok(()) })?;
    } else {
        let row = |decided: &Decided<'_>| match count(decided.cell.access) {
            true => output.row(&directory.row(decided)),
            false => Ok(()),
        };
        matrix.expand(|key| filter.wants(key), row)?;
    }
    output.finish()?.flush()?;
    filter::left_out(left_out, console);
    Ok(Exit::Done)
}

/// Rows with all that decides; with chains where `reached` is given.
fn explained_rows(
    directory: &Directory,
    format: AccessFormat,
    decided: &[Decided<'_>],
    reached: Option<&[Reach<'_>]>,
) -> anyhow::Result<Exit> {
    let columns = if reached.is_some() { Columns::Chains } else { Columns::Explained };
    let mut output = Output::new(io::stdout().lock(), format, columns)?;
    for decided in decided {
        output.row(&Row { chain: reached.map(|_| vec![]), ..directory.explained_row(decided) })?;
    }
    for row in reached.unwrap_or_default().iter().flat_map(|reach| directory.reach_rows(reach)) {
        output.row(&row)?;
    }
    output.finish()?.flush()?;
    Ok(Exit::Done)
}

/// The principals and keys of a snapshot.
fn load(folder: &Path, console: &Console) -> anyhow::Result<Directory> {
    let snapshot = Snapshot::open(folder)?;
    let organization = snapshot.organization()?;
    let manifest = snapshot.manifest();
    let estate = Estate::new(organization.clone());
    let directory = Directory::read(&manifest.partition, estate, &manifest.accounts, |account| {
        snapshot.account(account, &organization)
    })?;
    if let Some(gap) = directory.organization_gap() {
        console.warn(&format!("nothing is certain: the organization's policies are not known; {}", gap.reason()));
    }
    for account in directory.accounts() {
        for gap in &account.gaps {
            console.warn(&format!("account {}: {}: there may be more access than is shown", account.id, gap.reason()));
        }
    }
    let unread = manifest.accounts.iter().filter(|account| account.outcome.is_in_scope());
    for account in unread.filter(|account| directory.accounts().all(|read| read.id != account.account_id)) {
        console.warn(&format!(
            "account {} was not read: its principals and keys are not shown, and what policies open to it is possible",
            account.account_id
        ));
    }
    Ok(directory)
}

/// The actions of names and classes.
fn actions(names: &[String]) -> anyhow::Result<Vec<Action>> {
    let mut actions = Vec::new();
    for name in names {
        let found = actions_named(name);
        if found.is_empty() {
            let known = kms_actions().iter().map(|action| action.name).chain(ACTION_CLASSES);
            return Err(match nearest(name, known) {
                Some(near) => misuse(format!("there is no action `{name}`; did you mean `{near}`?")),
                None => misuse(format!(
                    "there is no action `{name}`: expected one of KMS (`kms:Decrypt`) or a class of them ({})",
                    ACTION_CLASSES.join(", ")
                )),
            });
        }
        if let Some(keyless) = found.iter().find(|action| action.resources == KmsResources::None) {
            return Err(misuse(format!("`{}` is about no key: `keyproof evaluate` decides it", keyless.name)));
        }
        actions.extend(found.into_iter().map(|action| Action::new(action.name)));
    }
    actions.sort_by(|a, b| a.name().cmp(b.name()));
    actions.dedup_by(|a, b| a.name() == b.name());
    Ok(actions)
}

fn all_actions() -> Vec<Action> {
    let on_keys = kms_actions().iter().filter(|action| action.resources != KmsResources::None);
    on_keys.map(|action| Action::new(action.name)).collect()
}
