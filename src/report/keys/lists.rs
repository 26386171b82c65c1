//! The pages that list keys: the inventory, the matrix of each account, and the overview of who can decrypt.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::entry::{Counts, Entry, KINDS};
use super::facts::KeyFacts;
use super::key_page::{rest, that_fit};
use super::{place, words};
use crate::access::{Account, Capability, Directory, Key, PrincipalKind, Relation};
use crate::policy::Access;
use crate::report::html::file_name;
use crate::report::table::not_known;
use crate::report::view::{MAX_ROWS, MAX_WEIGHT, StatusView, counted, grouped, shortened};

/// Keys up to which the matrix of an account has a column for each; a wider one cannot be read.
const MAX_COLUMNS: usize = 40;

/// Bytes of the matrix of an account, and of the list of keys beside it.
const HALF: usize = MAX_WEIGHT / 2;

/// What lists keep of a key.
pub(super) struct Listed<'a> {
    pub(super) key: &'a Key,
    pub(super) counts: BTreeMap<Capability, Counts>,
    /// Its page, from the folder of the report.
    pub(super) page: String,
    /// Whether the page tells of no other key.
    pub(super) is_alone: bool,
}

impl Listed<'_> {
    fn href(&self) -> String {
        if self.is_alone { self.page.clone() } else { format!("{}#{}", self.page, place::anchor(self.key)) }
    }

    fn decrypt_href(&self) -> String {
        format!("{}#{}-{}", self.page, place::anchor(self.key), Capability::Decrypt.word())
    }

    fn counts(&self, capability: Capability) -> Counts {
        self.counts.get(&capability).copied().unwrap_or_default()
    }

    fn is_aws_managed(&self) -> bool {
        self.key.is_aws_managed == Some(true)
    }
}

/// A number of principals, or of pairs of principal and key, with the question to the CSV files that it answers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Reach {
    text: String,
    zero: bool,
    query: String,
    class: &'static str,
}

impl Reach {
    fn new(number: u64, query: String) -> Self {
        Self { text: grouped(number), zero: number == 0, query, class: "" }
    }

    /// By kind of access, then those outside.
    fn by_kind(counts: &Counts, scope: &str) -> Vec<Self> {
        let of = |kind: Access| Self::new(counts.of(kind), format!("{scope} access={}", kind.word()));
        let mut numbers: Vec<Self> = KINDS.into_iter().map(of).collect();
        numbers.push(Self { class: "fail", ..Self::new(counts.outside, format!("{scope} outside=yes")) });
        numbers
    }
}

/// The name of a key with a link.
#[derive(Debug, Clone, Serialize)]
struct KeyLink {
    name: String,
    id: String,
    href: String,
}

impl KeyLink {
    fn to(listed: &Listed<'_>) -> Self {
        let name = words::name(listed.key);
        let id = if name == listed.key.id { String::new() } else { shortened(&listed.key.id) };
        Self { name: shortened(name), id, href: listed.href() }
    }
}

/// The inventory.
#[derive(Debug, Serialize)]
pub(super) struct Inventory {
    lead: String,
    gaps: Vec<GapRow>,
    gaps_rest: String,
    customer: Vec<InventoryRow>,
    aws: Vec<InventoryRow>,
    rest: String,
}

/// Something that could not be read, and of which account.
#[derive(Debug, Serialize)]
struct GapRow {
    account: AccountLink,
    reason: String,
}

/// An account with a link, which is empty where the account has no page.
#[derive(Debug, Clone, Serialize)]
struct AccountLink {
    id: String,
    name: String,
    href: String,
}

/// A key of the inventory.
#[derive(Debug, Serialize)]
struct InventoryRow {
    key: KeyLink,
    account: AccountLink,
    region: String,
    spec: String,
    origin: String,
    state: words::StateView,
    rotation: String,
    created: String,
    grants: String,
    decrypt: Reach,
    administer: Reach,
    outside: Reach,
}

/// An account that was in scope and could not be read: its keys are not known.
pub(super) struct Unread {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) reason: String,
    /// Whether the account has a page: it was selected.
    pub(super) has_page: bool,
}

fn account_link(directory: &Directory, id: &str) -> AccountLink {
    let name = directory.account(id).map(|account| shortened(&account.name)).unwrap_or_default();
    AccountLink { id: id.to_owned(), name, href: format!("accounts/{}", file_name(id)) }
}

fn key_scope(key: &Key, capability: Capability) -> String {
    format!("key={} capability={}", key.arn, capability.word())
}

/// The content of the inventory.
pub(super) fn inventory(
    directory: &Directory,
    accounts: &[&Account],
    listed: &[Listed<'_>],
    facts: &super::AllFacts,
    unread: &[Unread],
) -> Inventory {
    let row = |it: &Listed<'_>| inventory_row(directory, it, facts.get(&it.key.arn));
    let (aws, customer): (Vec<&Listed<'_>>, Vec<&Listed<'_>>) = listed.iter().partition(|it| it.is_aws_managed());
    let (gaps, gaps_hidden) = that_fit(gap_rows(directory, accounts, unread), 400_000);
    let keys = |keys: &[&Listed<'_>], one: &str, many: &str| counted(keys.len() as u64, one, many);
    let lead = format!(
        "{} and {} in {}.",
        keys(&customer, "customer managed key", "customer managed keys"),
        keys(&aws, "AWS managed key", "AWS managed keys"),
        counted(accounts.len() as u64, "account", "accounts"),
    );
    let (customer_rows, _) = that_fit(customer.into_iter().take(MAX_ROWS).map(row), HALF);
    let (aws_rows, _) = that_fit(aws.into_iter().take(MAX_ROWS - customer_rows.len()).map(row), HALF / 2);
    let shown = customer_rows.len() + aws_rows.len();
    Inventory {
        lead,
        gaps,
        gaps_rest: rest(gaps_hidden, "gap is", "gaps are", "the overview of the pack has"),
        customer: customer_rows,
        aws: aws_rows,
        rest: rest((listed.len() - shown) as u64, "key is", "keys are", "the pages of the accounts have"),
    }
}

/// What could not be read of any account: also those without a page hold principals that may have access.
fn gap_rows(directory: &Directory, accounts: &[&Account], unread: &[Unread]) -> Vec<GapRow> {
    let have_page: BTreeSet<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
    let linked = |id: &str, has_page: bool| match account_link(directory, id) {
        link if has_page => link,
        link => AccountLink { href: String::new(), ..link },
    };
    let of_unread = unread.iter().map(|it| GapRow {
        account: AccountLink { name: shortened(&it.name), ..linked(&it.id, it.has_page) },
        reason: format!(
            "{}: its principals and keys are not known, and what policies open to it is possible",
            shortened(&it.reason)
        ),
    });
    let of_read = directory.accounts().flat_map(|account| {
        let link = linked(&account.id, have_page.contains(account.id.as_str()));
        let reasons = account.gaps.iter().map(|gap| shortened(&gap.reason()));
        reasons.map(move |reason| GapRow { account: link.clone(), reason })
    });
    of_unread.chain(of_read).collect()
}

fn inventory_row(directory: &Directory, listed: &Listed<'_>, facts: Option<&KeyFacts>) -> InventoryRow {
    let key = listed.key;
    let metadata = facts.map(|facts| &facts.metadata);
    let (spec, origin) = match metadata {
        Some(Ok(it)) => {
            let family = match &it.multi_region {
                Some(family) if family.is_replica => ", multi-Region replica",
                Some(_) => ", multi-Region primary",
                None => "",
            };
            (format!("{}, {}", it.key_spec, it.key_usage), format!("{}{family}", it.origin))
        }
        Some(Err(gap)) => (not_known(gap), String::new()),
        None => ("not known".to_owned(), String::new()),
    };
    let created = metadata.and_then(|it| it.as_ref().ok()).and_then(|it| it.creation_date);
    let reach = |capability: Capability| Reach::new(listed.counts(capability).total(), key_scope(key, capability));
    let outside: u64 = listed.counts(Capability::Decrypt).outside;
    let has_grants_gap = key.gaps.iter().any(|gap| gap.api == "kms:ListGrants");
    InventoryRow {
        key: KeyLink::to(listed),
        account: account_link(directory, &key.account_id),
        region: shortened(&key.region),
        spec: shortened(&spec),
        origin: shortened(&origin),
        state: words::state(key),
        rotation: facts.map(|facts| shortened(&facts.rotation)).unwrap_or_default(),
        created: created.map(|it| it.strftime("%Y-%m-%d").to_string()).unwrap_or_default(),
        grants: match (key.grants.len() as u64, has_grants_gap) {
            (0, true) => "not known".to_owned(),
            (known, true) => format!("at least {}", grouped(known)),
            (known, false) => grouped(known),
        },
        decrypt: reach(Capability::Decrypt),
        administer: reach(Capability::Administer),
        outside: Reach {
            class: "fail",
            ..Reach::new(outside, format!("{} outside=yes", key_scope(key, Capability::Decrypt)))
        },
    }
}

/// Who can decrypt which customer managed keys of one account.
#[derive(Debug, Default)]
pub(super) struct Grid {
    /// By principal: what it has on each key, by the key's position.
    rows: BTreeMap<Member, BTreeMap<usize, Square>>,
    /// How many keys there are.
    columns: usize,
}

/// A principal of a grid, in the order in which rows stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    nearness: std::cmp::Reverse<Relation>,
    name: String,
    kind: &'static str,
    account_id: String,
}

/// What a principal has on a key.
#[derive(Debug, Clone, Copy)]
struct Square {
    decrypt: Option<Access>,
    administers: bool,
}

impl Grid {
    /// Adds a key with its entries. A key that AWS manages has no place in it.
    pub(super) fn add(&mut self, key: &Key, entries: &[Entry]) {
        if key.is_aws_managed == Some(true) {
            return;
        }
        let column = self.columns;
        self.columns += 1;
        if self.columns > MAX_COLUMNS {
            self.rows.clear();
            return;
        }
        let asked = [Capability::Decrypt, Capability::Administer];
        for entry in entries.iter().filter(|entry| asked.contains(&entry.capability)) {
            let squares = self.rows.entry(Member::of(entry)).or_default();
            let square = squares.entry(column).or_insert(Square { decrypt: None, administers: false });
            match entry.capability {
                Capability::Decrypt => {
                    square.decrypt = Some(square.decrypt.map_or(entry.access, |known| known.min(entry.access)));
                }
                _ => square.administers = true,
            }
        }
    }
}

impl Member {
    fn of(entry: &Entry) -> Self {
        let row = &entry.row;
        let is_own = entry.relation == Relation::Account;
        let short = row.principal_arn.splitn(6, ':').nth(5).filter(|_| is_own).unwrap_or(&row.principal_arn);
        let name = match entry.kind {
            PrincipalKind::Root => "root user",
            PrincipalKind::Account => "whoever its administrators choose",
            PrincipalKind::Everyone => "every AWS principal",
            _ => short,
        };
        Self {
            nearness: std::cmp::Reverse(entry.relation),
            name: shortened(name),
            kind: row.principal_type,
            account_id: if is_own { String::new() } else { row.account_id.clone() },
        }
    }
}

/// The page of one account.
#[derive(Debug, Serialize)]
pub(super) struct AccountPage {
    account: AccountLink,
    gaps: Vec<String>,
    kinds: Vec<StatusView>,
    keys: Vec<KeyRow>,
    keys_rest: String,
    columns: Vec<KeyLink>,
    rows: Vec<GridRow>,
    rows_rest: String,
    too_wide: bool,
    max_columns: usize,
}

/// A key of the page of an account.
#[derive(Debug, Serialize)]
struct KeyRow {
    key: KeyLink,
    manager: &'static str,
    region: String,
    state: words::StateView,
    decrypt: Vec<Reach>,
    others: Vec<Reach>,
}

/// A principal of the matrix.
#[derive(Debug, Serialize)]
struct GridRow {
    name: String,
    kind: &'static str,
    account_id: String,
    relation: Option<StatusView>,
    squares: Vec<Option<SquareView>>,
    both: String,
}

/// A square of the matrix.
#[derive(Debug, Serialize)]
struct SquareView {
    access: StatusView,
    both: bool,
    href: String,
}

/// The content of the page of an account.
pub(super) fn account_page(
    directory: &Directory,
    account: &Account,
    listed: &[Listed<'_>],
    grid: &Grid,
) -> AccountPage {
    let mut ordered: Vec<&Listed<'_>> = listed.iter().collect();
    ordered.sort_by_key(|it| it.is_aws_managed());
    let (keys, keys_hidden) = that_fit(ordered.iter().map(|it| key_row(it)), HALF);
    let columns: Vec<&Listed<'_>> = listed.iter().filter(|it| !it.is_aws_managed()).collect();
    let too_wide = grid.columns > MAX_COLUMNS;
    let holders = grid.rows.iter().filter(|(_, squares)| squares.values().any(|it| it.decrypt.is_some()));
    let (rows, rows_hidden) = that_fit(holders.map(|(member, squares)| grid_row(member, squares, &columns)), HALF);
    AccountPage {
        account: account_link(directory, &account.id),
        gaps: account.gaps.iter().map(|gap| shortened(&gap.reason())).collect(),
        kinds: KINDS.into_iter().map(words::access).collect(),
        keys,
        keys_rest: rest(keys_hidden, "key is", "keys are", "data/csv/key_access.csv has"),
        columns: if too_wide { vec![] } else { columns.iter().map(|it| KeyLink::to(it)).collect() },
        rows,
        rows_rest: rest(rows_hidden, "principal is", "principals are", "data/csv/key_access.csv has"),
        too_wide,
        max_columns: MAX_COLUMNS,
    }
}

fn key_row(listed: &Listed<'_>) -> KeyRow {
    let key = listed.key;
    let others = Capability::ALL.into_iter().filter(|it| *it != Capability::Decrypt);
    KeyRow {
        key: KeyLink::to(listed),
        manager: words::manager(key),
        region: shortened(&key.region),
        state: words::state(key),
        decrypt: Reach::by_kind(&listed.counts(Capability::Decrypt), &key_scope(key, Capability::Decrypt)),
        others: others.map(|it| Reach::new(listed.counts(it).total(), key_scope(key, it))).collect(),
    }
}

fn grid_row(member: &Member, squares: &BTreeMap<usize, Square>, columns: &[&Listed<'_>]) -> GridRow {
    let both = squares.values().filter(|it| it.decrypt.is_some() && it.administers).count() as u64;
    let view = |(column, listed): (usize, &&Listed<'_>)| {
        let square = squares.get(&column)?;
        Some(SquareView {
            access: words::access(square.decrypt?),
            both: square.administers,
            href: listed.decrypt_href(),
        })
    };
    GridRow {
        name: member.name.clone(),
        kind: member.kind,
        account_id: member.account_id.clone(),
        relation: words::relation(member.nearness.0),
        squares: columns.iter().enumerate().map(view).collect(),
        both: if both == 0 { String::new() } else { counted(both, "key", "keys") },
    }
}

/// The overview of who can decrypt.
#[derive(Debug, Serialize)]
pub(super) struct Overview {
    kinds: Vec<(StatusView, &'static str)>,
    outside: Vec<OutsideRow>,
    outside_rest: String,
    accounts: Vec<OverviewRow>,
    accounts_rest: String,
    total: Vec<Reach>,
    unread: Vec<GapRow>,
    organization_gap: String,
}

/// A principal from outside, with the keys that it can decrypt.
#[derive(Debug, Serialize)]
struct OutsideRow {
    name: String,
    relation: Option<StatusView>,
    account_id: String,
    keys: Vec<OutsideKey>,
    more: String,
}

/// One of these keys.
#[derive(Debug, Clone, Serialize)]
struct OutsideKey {
    access: StatusView,
    key: KeyLink,
    account: String,
}

/// An account of the overview.
#[derive(Debug, Serialize)]
struct OverviewRow {
    account: AccountLink,
    page: String,
    customer: String,
    aws: String,
    numbers: Vec<Reach>,
}

/// What the overview is made of, gathered key by key.
#[derive(Debug, Default)]
pub(super) struct Outsiders {
    rows: BTreeMap<Member, Vec<OutsideKey>>,
    hidden: BTreeMap<Member, u64>,
    weight: usize,
    left_out: u64,
}

/// Keys that are named for one principal from outside.
const MAX_KEYS: usize = 12;

impl Outsiders {
    /// Adds a key with its entries.
    pub(super) fn add(&mut self, directory: &Directory, listed: &Listed<'_>, entries: &[Entry]) {
        let mut surest: BTreeMap<Member, Access> = BTreeMap::new();
        let outside = |it: &&Entry| it.capability == Capability::Decrypt && it.relation.may_be_outside();
        for entry in entries.iter().filter(outside) {
            let known = surest.entry(Member::of(entry)).or_insert(entry.access);
            *known = (*known).min(entry.access);
        }
        for (member, access) in surest {
            let account = directory.account(&listed.key.account_id).map_or("", |account| account.name.as_str());
            let key = OutsideKey {
                access: words::access(access),
                key: KeyLink::to(listed),
                account: shortened(if account.is_empty() { &listed.key.account_id } else { account }),
            };
            let weight = super::key_page::weight(&key);
            if self.weight + weight > HALF {
                self.left_out += 1;
                continue;
            }
            let keys = self.rows.entry(member.clone()).or_default();
            if keys.len() < MAX_KEYS {
                self.weight += weight;
                keys.push(key);
            } else {
                *self.hidden.entry(member).or_default() += 1;
            }
        }
    }
}

/// The content of the overview.
pub(super) fn overview(
    directory: &Directory,
    accounts: &[&Account],
    listed: &[Listed<'_>],
    outsiders: &Outsiders,
    unread: &[Unread],
) -> Overview {
    let mut by_account: BTreeMap<&str, Vec<&Listed<'_>>> = BTreeMap::new();
    listed.iter().for_each(|it| by_account.entry(&it.key.account_id).or_default().push(it));
    let customers = |keys: &[&Listed<'_>]| {
        let mut counts = Counts::default();
        keys.iter().filter(|it| !it.is_aws_managed()).for_each(|it| counts.add_all(&it.counts(Capability::Decrypt)));
        counts
    };
    const SCOPE: &str = "managed=customer capability=decrypt";
    let row = |account: &Account| {
        let keys = by_account.get(account.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        let aws = keys.iter().filter(|it| it.is_aws_managed()).count();
        let scope = format!("key_account={} {SCOPE}", account.id);
        OverviewRow {
            account: account_link(directory, &account.id),
            page: of_account(&account.id),
            customer: grouped((keys.len() - aws) as u64),
            aws: grouped(aws as u64),
            numbers: Reach::by_kind(&customers(keys), &scope),
        }
    };
    let all: Vec<&Listed<'_>> = listed.iter().collect();
    let (unread, _) = that_fit(gap_rows(directory, accounts, unread), 300_000);
    let (accounts, accounts_hidden) = that_fit(accounts.iter().copied().map(row), MAX_WEIGHT - HALF);
    Overview {
        kinds: words::kinds(),
        outside: outsiders.rows.iter().map(|(member, keys)| outside_row(member, keys, &outsiders.hidden)).collect(),
        outside_rest: rest(outsiders.left_out, "key is", "keys are", "data/csv/external_access.csv has"),
        accounts,
        accounts_rest: rest(accounts_hidden, "account is", "accounts are", "data/csv/key_access.csv has"),
        total: Reach::by_kind(&customers(&all), SCOPE),
        unread,
        organization_gap: directory.organization_gap().map(crate::model::Gap::reason).unwrap_or_default(),
    }
}

fn outside_row(member: &Member, keys: &[OutsideKey], hidden: &BTreeMap<Member, u64>) -> OutsideRow {
    let more = hidden.get(member).copied().unwrap_or_default();
    OutsideRow {
        name: member.name.clone(),
        relation: words::relation(member.nearness.0),
        account_id: member.account_id.clone(),
        keys: keys.to_vec(),
        more: if more == 0 { String::new() } else { format!("and {}", counted(more, "more key", "more keys")) },
    }
}

/// The page of an account, from the folder of the report.
pub(super) fn of_account(id: &str) -> String {
    format!("access/{}.html", place::plain(id))
}
