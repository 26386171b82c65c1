//! What an audit or a comparison is narrowed to: flags and configuration, taken for what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{bail, ensure};
use jiff::Timestamp;

use super::audit::{severity, verdicts};
use super::framework::{self, Library};
use super::misuse::misuse;
use super::{nearest, waiver};
use crate::audit::{self, Selection, Tag, Timings};
use crate::checks::{self, CHECKS, Check, Parameters, Service, Verdicts};
use crate::cli::{SelectionArgs, ServiceArg, VerdictsArg};
use crate::config::Config;
use crate::model::Organization;
use crate::report::Prior;
use crate::snapshot::Snapshot;
use crate::waivers::{NO_WAIVERS, Waivers};

/// What to judge, and how.
pub(super) struct Asked {
    pub(super) library: Library,
    pub(super) selection: Selection,
    pub(super) waivers: Waivers,
    checks: Vec<&'static Check>,
    parameters: Parameters,
    verdicts: Verdicts,
}

impl Asked {
    /// Everything, by the defaults.
    pub(super) fn everything() -> anyhow::Result<Self> {
        Ok(Self {
            library: framework::library(&[])?,
            selection: Selection::default(),
            waivers: NO_WAIVERS.clone(),
            checks: CHECKS.to_vec(),
            parameters: Parameters::default(),
            verdicts: Verdicts::Keyproof,
        })
    }

    /// The same under waivers.
    pub(super) fn under(self, waivers: Waivers) -> Self {
        Self { waivers, ..self }
    }

    /// What flags and configuration ask for of snapshots, which are judged alike.
    pub(super) fn new(
        args: &SelectionArgs,
        tags: &Names<'_>,
        verdicts_asked: Option<VerdictsArg>,
        waivers: Option<&Path>,
        config: &Config,
        snapshots: &[&Snapshot],
    ) -> anyhow::Result<Self> {
        let file = &config.audit;
        let verdicts = verdicts_asked.map(verdicts).or(file.verdicts).unwrap_or_default();
        let library = framework::library(either(&args.framework_file, &file.framework_files))?;
        let services: Vec<Service> = args.service.iter().copied().map(service).collect();
        let mut selection = Selection {
            checks: checks_of(&Names::new("--check", &args.check, "checks", &file.checks))?,
            skip_checks: checks_of(&Names::new("--skip-check", &args.skip_check, "skip_checks", &file.skip_checks))?,
            frameworks: frameworks_of(
                &Names::new("--framework", &args.framework, "frameworks", &file.frameworks),
                &library,
            )?,
            severity: args.severity.map(severity).or(file.severity),
            services: either(&services, &file.services).iter().copied().collect(),
            tags: tags.each(tag)?.into_iter().collect(),
            ..Selection::default()
        };
        let accounts = Names::new("--account", &args.account, "accounts", &file.accounts);
        let units = Names::new("--ou", &args.ou, "organizational_units", &file.organizational_units);
        narrow_accounts(&mut selection, &accounts, &units, snapshots)?;
        if selection.within.as_ref().is_some_and(BTreeSet::is_empty) {
            let words = selection.words().join("; ");
            return Err(emptied(args, format!("the selection leaves no account: {words}; leave one of them out")));
        }
        let checks = selection.checks(&library.frameworks);
        if checks.is_empty() {
            let words = selection.words().join("; ");
            let words =
                format!("the selection leaves no check: no check belongs to all of {words}; leave one of them out");
            return Err(emptied(args, words));
        }
        let waivers = match waivers.or(file.waivers.as_deref()) {
            Some(path) => waiver::read(path, &library)?,
            None => NO_WAIVERS.clone(),
        };
        let parameters = config.parameters.clone().under(verdicts)?;
        Ok(Self { library, selection, waivers, checks, parameters, verdicts })
    }

    /// What the audit runs with.
    pub(super) fn options<'a>(
        &'a self,
        as_of: Option<Timestamp>,
        prior: Option<&'a Prior>,
        timings: Option<&'a Timings>,
    ) -> audit::Options<'a> {
        audit::Options {
            checks: &self.checks,
            parameters: &self.parameters,
            verdicts: self.verdicts,
            frameworks: &self.library.frameworks,
            selection: &self.selection,
            waivers: &self.waivers,
            as_of,
            first_seen: prior.map(|it| &it.first_seen),
            timings,
        }
    }
}

/// The error of a selection of nothing: of the command line if it has a part in it, else of the file.
fn emptied(args: &SelectionArgs, words: String) -> anyhow::Error {
    let names = [&args.check, &args.skip_check, &args.framework, &args.account, &args.ou];
    let is_of_flags =
        names.into_iter().any(|names| !names.is_empty()) || args.severity.is_some() || !args.service.is_empty();
    if is_of_flags { misuse(words) } else { anyhow::Error::msg(words) }
}

/// What a flag gives, or else the file.
pub(super) fn either<'a, T>(flag: &'a [T], file: &'a [T]) -> &'a [T] {
    if flag.is_empty() { file } else { flag }
}

/// Names that were given, and where.
pub(super) struct Names<'a> {
    given: &'a [String],
    place: Place<'a>,
}

/// Where a name stands.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// On the command line, under this flag.
    Flag(&'a str),
    /// In the configuration, as this member of `[audit]`.
    File(&'a str),
}

impl Place<'_> {
    /// What is wrong there.
    fn wrong(self, what: &anyhow::Error) -> anyhow::Error {
        match self {
            Self::Flag(flag) => misuse(format!("{flag}: {what}")),
            Self::File(member) => anyhow::anyhow!("`{member}` under [audit]: {what}"),
        }
    }
}

impl<'a> Names<'a> {
    /// Those of a flag, or else those of the configuration file.
    pub(super) fn new(flag: &'a str, of_flag: &'a [String], member: &'a str, of_file: &'a [String]) -> Self {
        let place = if of_flag.is_empty() { Place::File(member) } else { Place::Flag(flag) };
        Self { given: either(of_flag, of_file), place }
    }

    /// Each name taken for what it names.
    fn each<T: Ord>(&self, find: impl Fn(&str) -> anyhow::Result<T>) -> anyhow::Result<BTreeSet<T>> {
        self.given.iter().map(|name| find(name).map_err(|failed| self.place.wrong(&failed))).collect()
    }
}

/// The nearest name, as the end of a sentence.
pub(super) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// The check of an id.
///
/// # Errors
/// What is wrong with the id, with the nearest that there is.
pub(super) fn check_named(id: &str) -> Result<&'static Check, String> {
    checks::find(id).ok_or_else(|| {
        let hint = hint(id, CHECKS.iter().map(|check| check.id));
        format!("no check is called `{id}`{hint} (`keyproof check list` prints all of them)")
    })
}

/// What is wrong with the id of a check, if anything is.
pub(super) fn unknown_check(id: &str) -> Option<String> {
    check_named(id).err()
}

fn checks_of(names: &Names<'_>) -> anyhow::Result<BTreeSet<&'static str>> {
    names.each(|id| Ok(check_named(id).map_err(anyhow::Error::msg)?.id))
}

fn frameworks_of(names: &Names<'_>, library: &Library) -> anyhow::Result<BTreeSet<String>> {
    names.each(|id| library.find(id).map(|framework| framework.id.clone()))
}

fn service(argument: ServiceArg) -> Service {
    match argument {
        ServiceArg::Account => Service::Account,
        ServiceArg::Iam => Service::Iam,
        ServiceArg::Kms => Service::Kms,
        ServiceArg::Organizations => Service::Organizations,
    }
}

/// A tag of the command line or the configuration.
fn tag(text: &str) -> anyhow::Result<Tag> {
    let (key, value) = text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value.to_owned())));
    ensure!(!key.is_empty(), "`{text}` is no tag: expected KEY or KEY=VALUE");
    Ok(Tag { key: key.to_owned(), value })
}

/// Takes the names of accounts and units for what they name in one of the snapshots. An account is selected in all snapshots if
/// it is in one: what moved from unit to unit can be compared.
fn narrow_accounts(
    selection: &mut Selection,
    accounts: &Names<'_>,
    units: &Names<'_>,
    snapshots: &[&Snapshot],
) -> anyhow::Result<()> {
    if accounts.given.is_empty() && units.given.is_empty() {
        return Ok(());
    }
    selection.accounts = accounts.each(|name| account(name, snapshots))?;
    let mut organizations = Vec::new();
    for snapshot in snapshots {
        organizations.push(snapshot.organization()?.ok().flatten());
    }
    let known: Vec<&Organization> = organizations.iter().flatten().collect();
    selection.units = units.each(|name| unit(name, &known))?.into_iter().collect();
    let mut within = BTreeSet::new();
    for (snapshot, organization) in snapshots.iter().zip(&organizations) {
        let ids = snapshot.manifest().accounts.iter().map(|entry| &entry.account_id);
        let named = |id: &&String| selection.accounts.is_empty() || selection.accounts.contains(*id);
        let named: Vec<&String> = ids.filter(named).collect();
        for id in named {
            match is_below(&selection.units, id, organization.as_ref()) {
                Some(true) => {}
                Some(false) => continue,
                // It may lie below the unit: it is audited rather than left out in silence.
                None => {
                    selection.unplaced.insert(id.clone());
                }
            }
            within.insert(id.clone());
        }
    }
    selection.within = Some(within);
    Ok(())
}

/// Whether an account lies below one of the units, if there are any; none where its place is not known.
fn is_below(units: &BTreeMap<String, String>, id: &str, organization: Option<&Organization>) -> Option<bool> {
    if units.is_empty() {
        return Some(true);
    }
    let above = organization?.path(id).ok()?;
    Some(above.iter().any(|unit| units.contains_key(unit)))
}

/// The id of an account that is named by its id or by a name that no other account has.
fn account(name: &str, snapshots: &[&Snapshot]) -> anyhow::Result<String> {
    let entries = || snapshots.iter().flat_map(|snapshot| &snapshot.manifest().accounts);
    if let Some(entry) = entries().find(|entry| entry.account_id == name) {
        return Ok(entry.account_id.clone());
    }
    let named: BTreeSet<&str> =
        entries().filter(|entry| entry.name == name).map(|entry| entry.account_id.as_str()).collect();
    let mut ids = named.iter();
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok((*id).to_owned()),
        (None, _) => {
            let known = entries().flat_map(|entry| [entry.account_id.as_str(), entry.name.as_str()]);
            bail!("the snapshot has no account `{name}`{}", hint(name, known))
        }
        _ => bail!("{} accounts are called `{name}`: {}; give an id", named.len(), Vec::from_iter(named).join(", ")),
    }
}

/// The root or unit that is named by its id, its path of names with or without the root, or a name that no other has: its id
/// and path.
fn unit(name: &str, organizations: &[&Organization]) -> anyhow::Result<(String, String)> {
    let mut paths: BTreeMap<String, String> = BTreeMap::new();
    for organization in organizations {
        let roots = organization.roots.known().iter().map(|root| &root.id);
        for id in roots.chain(organization.units.keys()) {
            paths.extend(organization.unit_path(id).map(|path| (id.clone(), path)));
        }
    }
    ensure!(!paths.is_empty(), "the snapshot holds no organizational units, `{name}` or other");
    if let Some(path) = paths.get(name) {
        return Ok((name.to_owned(), path.clone()));
    }
    let wanted = name.trim_matches('/');
    let below_root = |path: &str| path.split_once('/').map(|(_, below)| below.to_owned());
    let is_path = |path: &str| path == wanted || below_root(path).is_some_and(|below| below == wanted);
    let mut found: Vec<_> = paths.iter().filter(|(_, path)| is_path(path)).collect();
    if found.is_empty() {
        found = paths.iter().filter(|(_, path)| path.rsplit('/').next() == Some(wanted)).collect();
    }
    match found.as_slice() {
        [(id, path)] => Ok(((*id).clone(), (*path).clone())),
        [] => {
            let below: Vec<String> = paths.values().filter_map(|path| below_root(path)).collect();
            let known = paths.iter().flat_map(|(id, path)| [id.as_str(), path.as_str()]);
            bail!(
                "the organization has no root or unit `{name}`{}",
                hint(name, known.chain(below.iter().map(String::as_str)))
            )
        }
        several => {
            let list: Vec<String> = several.iter().map(|(id, path)| format!("{id} ({path})")).collect();
            bail!("`{name}` names {} units: {}; give an id", several.len(), list.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_a_key_and_perhaps_a_value() {
        let read = |text: &str| tag(text).unwrap();
        assert_eq!(read("team"), Tag { key: "team".to_owned(), value: None });
        assert_eq!(read("team="), Tag { key: "team".to_owned(), value: Some(String::new()) });
        assert_eq!(read("a=b=c"), Tag { key: "a".to_owned(), value: Some("b=c".to_owned()) });
        assert!(tag("=x").unwrap_err().to_string().contains("expected KEY"));
    }

    #[test]
    fn an_account_is_selected_by_a_unit_above_it_or_by_a_name_that_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        crate::demo::write_quarter(folder.path(), crate::demo::Quarter::Q3).unwrap();
        let snapshot = Snapshot::open(folder.path()).unwrap();
        let organization = snapshot.organization().unwrap().unwrap().unwrap();
        let (id, path) = unit("Workloads", &[&organization]).unwrap();
        for name in [id.as_str(), path.as_str(), "/Workloads/"] {
            assert_eq!(unit(name, &[&organization]).unwrap(), (id.clone(), path.clone()), "{name}");
        }
        let message = unit("Wrokloads", &[&organization]).unwrap_err().to_string();
        assert!(message.contains("did you mean `Workloads`"), "{message}");
        let units = BTreeMap::from([(id, path)]);
        assert_eq!(is_below(&units, "123456789012", Some(&organization)), Some(true));
        assert_eq!(is_below(&units, "111122223333", Some(&organization)), Some(false));
        let mut unread = organization;
        let gap = crate::model::Gap::not_collected("organizations:ListAccountsForParent", &["123456789012"]);
        unread.accounts.get_mut("123456789012").unwrap().parent_id = Err(gap);
        assert_eq!(is_below(&units, "123456789012", Some(&unread)), None);
        assert_eq!(is_below(&BTreeMap::new(), "123456789012", Some(&unread)), Some(true));
        let entry = &snapshot.manifest().accounts[0];
        assert_eq!(account(&entry.name, &[&snapshot]).unwrap(), entry.account_id);
        let message = account("999999999999", &[&snapshot]).unwrap_err().to_string();
        assert!(message.contains("has no account `999999999999`"), "{message}");
    }
}
