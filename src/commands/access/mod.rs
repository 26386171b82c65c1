//! `keyproof access`: who can use which key.

mod find;
mod output;
mod reach;
mod text;

use std::borrow::Cow;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use rayon::prelude::*;

use super::console::{Console, harmless_lines};
use super::{Exit, nearest::nearest, print};
use crate::access::{ACTION_CLASSES, Decided, Directory, Estate, Key, Matrix, Principal, Reach, Row, actions_named};
use crate::cli::{AccessCommand, AccessFormat, AccessKind, MatrixArgs};
use crate::policy::{Access, Action, KmsResources, kms_actions};
use crate::snapshot::Snapshot;
use output::{Columns, Output};

pub(super) fn run(command: &AccessCommand, console: &Console) -> anyhow::Result<Exit> {
    match command {
        AccessCommand::WhoCan { action, key, include_denied, reach, common } => {
            let actions = actions(std::slice::from_ref(action))?;
            let directory = load(&common.snapshot, console)?;
            let key = find::key(&directory, key)?;
            let mut decided = Vec::new();
            for action in &actions {
                decided.extend(directory.who_can(action, key)?);
            }
            decided.sort_by(|a, b| {
                (&a.principal.arn, a.principal.kind, a.action.name()).cmp(&(
                    &b.principal.arn,
                    b.principal.kind,
                    b.action.name(),
                ))
            });
            let denied = decided.iter().filter(|it| it.cell.access == Access::Denied).count();
            if !include_denied {
                decided.retain(|it| it.cell.access != Access::Denied);
            }
            let reached = reach::asked(&directory, &actions, key, None, reach)?;
            answer(&directory, common.format, &decided, reached.as_deref(), reach.depth, || {
                Ok(text::who_can(&directory, key, &actions, &decided, denied, *include_denied))
            })
        }
        AccessCommand::Can { principal, action, common } => {
            let actions = if action.is_empty() { all_actions() } else { actions(action)? };
            let directory = load(&common.snapshot, console)?;
            let principal = find::principal(&directory, principal)?;
            let decided = can(&directory, &principal, &actions)?;
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
            let reached = reach::asked(&directory, &actions, key, Some(&principal), reach)?;
            answer(&directory, common.format, &decided, reached.as_deref(), reach.depth, || {
                text::explain(&directory, &decided)
            })
        }
        AccessCommand::Matrix(args) => matrix(args, console),
    }
}

/// What a principal can do, also one that only policies name.
fn can<'a>(
    directory: &'a Directory,
    principal: &'a Principal,
    actions: &'a [Action],
) -> anyhow::Result<Vec<Decided<'a>>> {
    Ok(directory.can(principal, actions)?)
}

fn matrix(args: &MatrixArgs, console: &Console) -> anyhow::Result<Exit> {
    let actions = actions(&args.action)?;
    let tags = args.tag.iter().map(|tag| find::tag(tag)).collect::<anyhow::Result<Vec<_>>>()?;
    let directory = load(&args.snapshot, console)?;
    find::accounts(&directory, &args.account)?;
    find::units(&directory, &args.ou)?;
    let keys: Vec<&str> =
        args.key.iter().map(|key| Ok(find::key(&directory, key)?.arn.as_str())).collect::<anyhow::Result<_>>()?;
    let below = |path: &str, unit: &String| path == unit || path.starts_with(&format!("{unit}/"));
    let of_account = |key: &Key| directory.accounts().find(|account| account.id == key.account_id);
    let is_wanted = |key: &Key| {
        let path = of_account(key).map_or("", |account| account.ou_path.as_str());
        (args.account.is_empty() || args.account.contains(&key.account_id))
            && (args.ou.is_empty() || args.ou.iter().any(|unit| below(path, unit)))
            && (keys.is_empty() || keys.contains(&key.arn.as_str()))
            && tags
                .iter()
                .all(|(name, value)| key.tags.as_ref().and_then(|tags| tags.get(*name)).is_some_and(|it| it == value))
    };
    let matrix = Matrix::new(&directory, &actions)?;
    let (cells, stands_for) = matrix.size();
    console.detail(&format!("{cells} decisions stand for {stands_for} of principal, key and action"));
    let mut output = Output::new(BufWriter::new(io::stdout().lock()), args.format, Columns::Plain)?;
    matrix.expand(is_wanted, |decided| {
        if args.access.is_empty() || args.access.iter().any(|kind| access(*kind) == decided.cell.access) {
            output.row(&directory.row(decided))?;
        }
        Ok::<(), anyhow::Error>(())
    })?;
    output.finish()?.flush()?;
    Ok(Exit::Done)
}

fn access(kind: AccessKind) -> Access {
    match kind {
        AccessKind::Allowed => Access::Allowed,
        AccessKind::AllowedIfChosen => Access::AllowedIfChosen,
        AccessKind::ViaService => Access::ViaService,
        AccessKind::Conditional => Access::Conditional,
        AccessKind::Possible => Access::Possible,
    }
}

/// Text for people, or rows, with chains where `reached` is given.
fn answer(
    directory: &Directory,
    format: AccessFormat,
    decided: &[Decided<'_>],
    reached: Option<&[Reach<'_>]>,
    depth: u8,
    text: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<Exit> {
    match format {
        AccessFormat::Text => {
            let chains = reached.map(|reached| reach::text(reached, depth)).unwrap_or_default();
            print(harmless_lines(&(text()? + &chains)).as_bytes())
        }
        format => explained_rows(directory, format, decided, reached),
    }
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
    let mut directory = Directory::new(&manifest.partition, Estate::new(organization.clone()));
    // Accounts are read in groups, so that only a few stand in memory as a whole.
    for group in manifest.accounts.chunks(rayon::current_num_threads() * 2) {
        let read: Result<Vec<_>, _> =
            group.par_iter().map(|account| snapshot.account(account, &organization)).collect();
        for account in &read? {
            directory.add(account);
        }
    }
    if let Some(gap) = directory.organization_gap() {
        console.warn(&format!("nothing is certain: the organization's policies are not known; {}", gap.reason()));
    }
    let directory = directory.finished();
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
                Some(near) => anyhow::anyhow!("there is no action `{name}`; did you mean `{near}`?"),
                None => anyhow::anyhow!(
                    "there is no action `{name}`: expected one of KMS (`kms:Decrypt`) or a class of them ({})",
                    ACTION_CLASSES.join(", ")
                ),
            });
        }
        if let Some(keyless) = found.iter().find(|action| action.resources == KmsResources::None) {
            anyhow::bail!("`{}` is about no key: `keyproof evaluate` decides it", keyless.name);
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
