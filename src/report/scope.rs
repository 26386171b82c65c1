//! What the pack is about: every account of the organization, in or out, with the reason, and the Regions of each.

use serde::Serialize;

use super::Error;
use super::account_page::Account;
use super::bag::Bag;
use super::cover;
use super::pack::Audited;
use super::table::{SEPARATOR, Table};
use super::view::{counted, shortened};

/// A column: its name, what stands there, how it is filled.
type Column = (&'static str, &'static str, fn(&Line<'_>) -> String);

/// The columns of `scope.csv`, in their order, which never changes inside a major version.
const COLUMNS: [Column; 8] = [
    ("account_id", "The account", |it| it.entry.account_id.clone()),
    ("account_name", "Its name in the organization", |it| it.entry.name.clone()),
    ("ou_path", "Its place in the organization; empty where this pack does not say", |it| {
        it.account.map(|account| account.ou_path.clone()).unwrap_or_default()
    }),
    ("account_status", "ACTIVE, SUSPENDED or PENDING_CLOSURE, as AWS Organizations says", |it| it.entry.status.clone()),
    ("in_scope", "yes or no: whether this pack judges it", |it| it.in_scope().to_owned()),
    ("how", "audit role, caller, imported; not entered; left out, not ACTIVE, not selected", |it| it.how().to_owned()),
    ("reason", "Why it was not read or not judged", |it| it.reason()),
    ("regions", "The Regions whose keys are in the snapshot", |it| {
        it.account.map(|account| account.regions.join(SEPARATOR)).unwrap_or_default()
    }),
];

/// The name of the file.
pub(super) const NAME: &str = "scope.csv";

/// Why a pack says nothing of an account that was not selected.
pub(super) const NOT_ASKED_FOR: &str = "this pack was asked for other accounts";

/// The columns, each with what stands there.
pub(super) fn columns() -> Vec<(&'static str, &'static str)> {
    COLUMNS.map(|(name, content, _)| (name, content)).to_vec()
}

/// One account: as the snapshot lists it, and as it was audited, if it was selected.
struct Line<'a> {
    entry: &'a crate::snapshot::Account,
    account: Option<&'a Account>,
}

impl Line<'_> {
    fn in_scope(&self) -> &'static str {
        if self.account.is_some_and(|account| account.audited) { "yes" } else { "no" }
    }

    fn how(&self) -> &'static str {
        self.account.map_or("not selected", |account| account.how)
    }

    fn reason(&self) -> String {
        match (&self.entry.reason, self.account) {
            (Some(reason), _) => reason.clone(),
            (None, None) => NOT_ASKED_FOR.to_owned(),
            (None, Some(account)) if !account.audited => format!("its status is {}", self.entry.status),
            _ => String::new(),
        }
    }
}

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Content {
    sentences: Vec<String>,
    groups: Vec<Group>,
}

/// Accounts that are in or out alike.
#[derive(Debug, Serialize)]
struct Group {
    id: &'static str,
    title: String,
    meaning: &'static str,
    rows: Vec<Row>,
}

/// A kind of group: its id, what its accounts are, what follows, which belong to it.
type Kind = (&'static str, &'static str, &'static str, fn(&Line<'_>) -> bool);

/// One account.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    href: String,
    ou_path: String,
    status: String,
    how: &'static str,
    state: &'static str,
    reason: String,
    regions: String,
}

/// Every account that the snapshot lists.
fn lines<'a>(audited: &'a Audited<'_>) -> impl Iterator<Item = Line<'a>> {
    let all = &audited.accounts.all;
    audited.snapshot.manifest().accounts.iter().map(|entry| {
        let place = all.binary_search_by(|account| account.id.cmp(&entry.account_id));
        Line { entry, account: place.ok().and_then(|place| all.get(place)) }
    })
}

/// Writes `scope.csv`.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(bag: &Bag, audited: &Audited<'_>) -> Result<(), Error> {
    let path = format!("data/csv/{NAME}");
    let mut table = Table::create(bag, &path, COLUMNS.map(|(name, ..)| name))?;
    for line in lines(audited) {
        let cells = COLUMNS.map(|(_, _, fill)| fill(&line));
        table.row(&cells.each_ref().map(String::as_str))?;
    }
    bag.add(&path, table.finish()?);
    Ok(())
}

/// The content of the page.
pub(super) fn content(audited: &Audited<'_>) -> Content {
    let groups: [Kind; 3] = [
        ("unread", "in scope and not read", "Nothing is known of them: every check has an ERROR there.", |it| {
            it.account.is_some_and(|account| account.audited && !account.entered)
        }),
        ("out", "left out", "This pack says nothing of them.", |it| it.in_scope() == "no"),
        ("in", "read and judged", "", |it| it.account.is_some_and(|account| account.audited && account.entered)),
    ];
    let group = |(id, words, meaning, belongs): Kind| {
        let rows: Vec<Row> = lines(audited).filter(belongs).map(|line| row(&line)).collect();
        let title = format!("{} {words}", counted(rows.len() as u64, "account", "accounts"));
        (!rows.is_empty()).then_some(Group { id, title, meaning, rows })
    };
    Content { sentences: cover::scope(audited), groups: groups.into_iter().filter_map(group).collect() }
}

fn row(line: &Line<'_>) -> Row {
    let account = line.account;
    Row {
        id: line.entry.account_id.clone(),
        name: shortened(&line.entry.name),
        href: account.map(|account| format!("accounts/{}", account.href)).unwrap_or_default(),
        ou_path: account.map(|account| account.ou_path.clone()).unwrap_or_default(),
        status: shortened(&line.entry.status),
        how: line.how(),
        state: account.map_or("out", |account| account.state),
        reason: shortened(&line.reason()),
        regions: account.map(|account| account.regions.join(", ")).unwrap_or_default(),
    }
}
