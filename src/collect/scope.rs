//! Which accounts and Regions a collection is of, and which it leaves out for what reason.

use std::collections::BTreeSet;

use super::organizations::{Member, Organization};
use super::{Error, Options};
use crate::snapshot::{Excluded, Scope};

/// What is done about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is read.
    Read,
    /// It is left out on purpose, for this reason.
    Excluded(String),
    /// No role can be assumed in it, for this reason.
    Inactive(String),
}

/// Partitions by the beginning of their Regions' names, with the Region in which their global services live.
const PARTITIONS: [(&str, &str, &str); 8] = [
    ("cn-", "aws-cn", "cn-north-1"),
    ("us-gov-", "aws-us-gov", "us-gov-west-1"),
    ("us-iso-", "aws-iso", "us-iso-east-1"),
    ("us-isob-", "aws-iso-b", "us-isob-east-1"),
    ("eu-isoe-", "aws-iso-e", "eu-isoe-west-1"),
    ("us-isof-", "aws-iso-f", "us-isof-south-1"),
    ("eusc-", "aws-eusc", "eusc-de-east-1"),
    ("", "aws", "us-east-1"),
];

/// The partition that a Region belongs to by its name.
pub(super) fn partition_of(region: &str) -> &'static str {
    PARTITIONS.iter().find(|(prefix, ..)| region.starts_with(prefix)).map_or("aws", |(_, partition, _)| partition)
}

/// The Region in which a partition's global services live.
pub(super) fn home_region(partition: &str) -> &'static str {
    PARTITIONS.iter().find(|(_, name, _)| *name == partition).map_or("us-east-1", |(.., region)| region)
}

/// Whether a text has the form of a Region's name: `eu-central-1`, `us-gov-west-1`.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let number = |part: &str| !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts.split_last() {
        Some((last, words)) => (2..=4).contains(&words.len()) && words.iter().all(|part| word(part)) && number(last),
        None => false,
    }
}

/// Refuses Regions that are none, before anything is asked of AWS.
pub(super) fn check_regions(options: &Options) -> Result<(), Error> {
    match options.regions.iter().find(|region| !is_region(region)) {
        Some(region) => Err(Error::NotARegion { region: region.clone() }),
        None => Ok(()),
    }
}

/// Refuses Regions of another partition than the caller's.
pub(super) fn check_partition(options: &Options, partition: &str) -> Result<(), Error> {
    match options.regions.iter().find(|region| partition_of(region) != partition) {
        Some(region) => Err(Error::OtherPartition { region: region.clone(), partition: partition.to_owned() }),
        None => Ok(()),
    }
}

/// The scope as the manifest says it, before the organization is known.
pub(super) fn asked(options: &Options) -> Scope {
    let sorted = |values: &[String]| values.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let mut excluded = options.exclude_accounts.clone();
    excluded.sort();
    excluded.dedup();
    Scope {
        role_name: Some(options.role_name.clone()),
        external_id: options.external_id.is_some(),
        // The first Region is where IAM and Organizations are asked: the order is kept.
        regions: options.regions.clone(),
        accounts: sorted(&options.accounts),
        organizational_units: sorted(&options.organizational_units),
        excluded,
        standalone: None,
    }
}

/// In what two scopes differ, in words, if they do.
pub(super) fn difference(before: &Scope, now: &Scope) -> Option<String> {
    let list = |values: &[String]| if values.is_empty() { "all".to_owned() } else { values.join(", ") };
    let names = |excluded: &[Excluded]| excluded.iter().map(|it| it.account_id.clone()).collect::<Vec<_>>();
    let pairs = [
        ("--role-name", before.role_name.clone().unwrap_or_default(), now.role_name.clone().unwrap_or_default()),
        ("--external-id", given(before.external_id), given(now.external_id)),
        ("--region", list(&before.regions), list(&now.regions)),
        ("--account", list(&before.accounts), list(&now.accounts)),
        ("--ou", list(&before.organizational_units), list(&now.organizational_units)),
        ("--exclude-account", names(&before.excluded).join(", "), names(&now.excluded).join(", ")),
    ];
    let (flag, before, now) = pairs.into_iter().find(|(_, before, now)| before != now)?;
    Some(format!("`{flag}` was `{before}` and is now `{now}`"))
}

fn given(external_id: bool) -> String {
    if external_id { "given" } else { "not given" }.to_owned()
}

/// What is done about each account of the organization, in the order of their ids.
pub(super) fn select(options: &Options, organization: &Organization) -> Result<Vec<(Member, Decision)>, Error> {
    let excluded = options.exclude_accounts.iter().map(|excluded| &excluded.account_id);
    for account_id in options.accounts.iter().chain(excluded) {
        if !organization.accounts.iter().any(|account| account.id == *account_id) {
            return Err(Error::UnknownAccount {
                account_id: account_id.clone(),
                known: organization.accounts.len(),
                standalone: organization.standalone.clone(),
            });
        }
    }
    let units: Vec<String> =
        options.organizational_units.iter().map(|unit| find_unit(organization, unit)).collect::<Result<_, _>>()?;
    Ok(organization.accounts.iter().map(|it| (it.clone(), decide(options, organization, &units, it))).collect())
}

fn decide(options: &Options, organization: &Organization, units: &[String], account: &Member) -> Decision {
    if let Some(excluded) = options.exclude_accounts.iter().find(|excluded| excluded.account_id == account.id) {
        return Decision::Excluded(excluded.reason.clone());
    }
    if !options.accounts.is_empty() && !options.accounts.contains(&account.id) {
        return Decision::Excluded("not named by --account".to_owned());
    }
    let above = ancestors(organization, account);
    let within = |unit: &String| above.contains(&unit.as_str());
    // An account whose place could not be read up to a root may be in the unit: it is read rather than left out in silence.
    let is_placed = above.last().is_some_and(|id| id.starts_with("r-"));
    if !units.is_empty() && is_placed && !units.iter().any(within) {
        return Decision::Excluded("not in a unit named by --ou".to_owned());
    }
    match account.status.as_str() {
        // An account of which AWS does not say its state is tried: if it cannot be entered, the ledger will say so.
        "ACTIVE" | "" => Decision::Read,
        status => Decision::Inactive(format!("its state is {status}")),
    }
}

/// The units above an account, nearest first.
fn ancestors<'a>(organization: &'a Organization, account: &'a Member) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut above = account.parent.as_deref();
    while let Some(id) = above {
        if found.contains(&id) {
            break;
        }
        found.push(id);
        above = organization.units.get(id).and_then(|unit| unit.parent.as_deref());
    }
    found
}

/// The id of the unit that `--ou` names by its id or by its path of names below the root: `Workloads/Production`.
fn find_unit(organization: &Organization, wanted: &str) -> Result<String, Error> {
    if organization.units.contains_key(wanted) {
        return Ok(wanted.to_owned());
    }
    let path = wanted.trim_matches('/');
    let mut named = organization.units.keys().filter(|id| {
        let (with_root, below_root) = path_of(organization, id);
        path == with_root || path == below_root
    });
    match (named.next(), named.next()) {
        (Some(id), None) => Ok(id.clone()),
        (Some(_), Some(_)) => Err(Error::UnknownUnit {
            unit: wanted.to_owned(),
            reason: "its path names two units; use the id".to_owned(),
        }),
        (None, _) => {
            let reason = match &organization.standalone {
                Some(reason) => reason.clone(),
                None if organization.units.is_empty() => "the organization's units could not be read".to_owned(),
                None => format!(
                    "the organization has {} roots and units, none of that id or path",
                    organization.units.len()
                ),
            };
            Err(Error::UnknownUnit { unit: wanted.to_owned(), reason })
        }
    }
}

/// The path of a unit's names, with and without the root's.
fn path_of(organization: &Organization, id: &str) -> (String, String) {
    let mut names = Vec::new();
    let mut at = Some(id);
    while let Some(unit) = at.and_then(|id| organization.units.get(id)) {
        if names.len() > organization.units.len() {
            break;
        }
        names.push(unit.name.as_str());
        at = unit.parent.as_deref();
    }
    names.reverse();
    let below_root = names.get(1..).unwrap_or_default().join("/");
    (names.join("/"), below_root)
}

#[cfg(test)]
mod tests {
    use super::super::organizations::Unit;
    use super::*;

    fn organization() -> Organization {
        let member = |id: &str, parent: &str, status: &str| Member {
            id: id.to_owned(),
            name: String::new(),
            status: status.to_owned(),
            parent: Some(parent.to_owned()),
        };
        let unit = |name: &str, parent: Option<&str>| Unit { name: name.to_owned(), parent: parent.map(str::to_owned) };
        Organization {
            accounts: vec![
                member("111122223333", "r-1", "ACTIVE"),
                member("222233334444", "ou-1-work", "ACTIVE"),
                member("333344445555", "ou-1-prod", "ACTIVE"),
                member("444455556666", "ou-1-prod", "SUSPENDED"),
            ],
            units: [
                ("r-1".to_owned(), unit("Root", None)),
                ("ou-1-work".to_owned(), unit("Workloads", Some("r-1"))),
                ("ou-1-prod".to_owned(), unit("Production", Some("ou-1-work"))),
            ]
            .into(),
            ..Organization::default()
        }
    }

    fn read(options: &Options) -> Vec<String> {
        let selected = select(options, &organization()).unwrap();
        selected.into_iter().filter(|(_, it)| *it == Decision::Read).map(|(account, _)| account.id).collect()
    }

    #[test]
    fn a_unit_holds_the_accounts_of_the_units_below_it() {
        for unit in ["ou-1-work", "Workloads", "/Workloads/", "Root/Workloads"] {
            let options = Options { organizational_units: vec![unit.to_owned()], ..Options::default() };
            assert_eq!(read(&options), ["222233334444", "333344445555"], "{unit}");
        }
        let options = Options { organizational_units: vec!["Workloads/Production".to_owned()], ..Options::default() };
        assert_eq!(read(&options), ["333344445555"]);
    }

    #[test]
    fn every_account_that_is_left_out_has_a_reason() {
        let options = Options {
            accounts: vec!["111122223333".to_owned(), "444455556666".to_owned()],
            exclude_accounts: vec![Excluded {
                account_id: "222233334444".to_owned(),
                reason: "closing in May".to_owned(),
            }],
            ..Options::default()
        };
        let decisions: Vec<Decision> =
            select(&options, &organization()).unwrap().into_iter().map(|(_, decision)| decision).collect();
        assert_eq!(
            decisions,
            [
                Decision::Read,
                Decision::Excluded("closing in May".to_owned()),
                Decision::Excluded("not named by --account".to_owned()),
                Decision::Inactive("its state is SUSPENDED".to_owned()),
            ]
        );
    }

    #[test]
    fn an_account_or_unit_that_does_not_exist_is_refused() {
        let options = Options { accounts: vec!["999999999999".to_owned()], ..Options::default() };
        assert!(select(&options, &organization()).unwrap_err().to_string().contains("999999999999"));
        let options = Options { organizational_units: vec!["Wrokloads".to_owned()], ..Options::default() };
        assert!(select(&options, &organization()).unwrap_err().to_string().contains("Wrokloads"));
    }

    #[test]
    fn regions_tell_their_partition() {
        let expected = [
            ("eu-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ];
        for (region, partition) in expected {
            assert_eq!(partition_of(region), partition);
            assert_eq!(partition_of(home_region(partition)), partition);
        }
    }

    #[test]
    fn what_is_not_the_name_of_a_region_is_refused() {
        for region in ["eu-central-1", "us-gov-west-1", "ap-southeast-10", "mx-central-1", "us-isob-east-1"] {
            assert!(is_region(region), "{region}");
        }
        for text in ["", "eu", "eu-central", "eu-central-1/..", "EU-CENTRAL-1", "../x-1", "eu--1", "global", "*"] {
            assert!(!is_region(text), "{text}");
        }
    }

    #[test]
    fn a_changed_scope_is_named() {
        let before = asked(&Options { regions: vec!["eu-west-1".to_owned()], ..Options::default() });
        let now = asked(&Options::default());
        assert_eq!(difference(&before, &now).unwrap(), "`--region` was `eu-west-1` and is now `all`");
        assert_eq!(difference(&before, &before.clone()), None);
    }
}
