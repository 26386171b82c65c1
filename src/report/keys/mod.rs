//! Effective access in the pack: the lists of who has what on which key, a page for each key, an inventory and a matrix.

mod entry;
mod facts;
mod key_page;
mod lists;
mod place;
mod related;
mod review;
mod tables;
mod words;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::Error;
use super::bag::Bag;
use super::html::{Page, Pages};
use super::identity::Identity;
use super::view::MAX_WEIGHT;
use crate::access::{Account, Capability, Classes, Directory, Key, Matrix};
use crate::audit::Selection;
use crate::policy::Action;
use crate::snapshot::Snapshot;
use entry::{Counts, Entry};
pub(super) use facts::{AllFacts, keep, rotation};
use key_page::{KeyView, Telling, weight};
use lists::{Grid, Listed, Outsiders, Unread};
use related::Related;
pub(super) use review::{REVIEW, REVIEW_CONTENT, Reviews, review_columns};
use tables::{COLUMNS, Line, Tables};
pub(super) use tables::{FILES, columns};
pub(super) use words::kinds;

/// How many keys are told at once.
const GROUP: usize = 64;

/// What the pages and lists of keys are made of.
pub(super) struct Making<'a> {
    pub(super) bag: &'a Bag,
    pub(super) pages: &'a Pages,
    pub(super) identity: &'a Identity,
    pub(super) snapshot: &'a Snapshot,
    /// Every account that was read.
    pub(super) directory: &'a Directory,
    /// Of which accounts the keys are told.
    pub(super) selection: &'a Selection,
    pub(super) facts: &'a AllFacts,
    pub(super) reviews: &'a mut Reviews,
    /// From where commands are run to the snapshot.
    pub(super) prefix: &'a str,
}

/// Decides who can do what on every key of the selected accounts, account by account, and writes it down.
///
/// # Errors
/// When a file cannot be written, or the two engines disagree.
pub(super) fn write(making: &mut Making<'_>) -> Result<(), Error> {
    let directory = making.directory;
    let files = &making.snapshot.manifest().files;
    let questions = Capability::questions();
    let actions: Vec<Action> = questions.iter().map(|(_, action)| action.clone()).collect();
    let selected = |id: &str| making.selection.wants_account(id);
    let accounts: Vec<&Account> = directory.accounts().filter(|account| selected(&account.id)).collect();
    let of_all = Shared {
        directory,
        facts: making.facts,
        questions: &questions,
        digests: files.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).collect(),
        pages: making.pages,
        identity: making.identity,
        prefix: making.prefix,
        has_own_pages: accounts.iter().map(|account| account.keys.len()).sum::<usize>() <= place::MAX_PAGES,
        selection: making.selection,
    };
    let mut writing = Writing {
        tables: Tables::create(making.bag)?,
        regions: Regions::default(),
        listed: Vec::new(),
        outsiders: Outsiders::default(),
    };
    // Accounts are decided and dropped in groups, keys are told and dropped in smaller ones: memory follows the group.
    let classes = Classes::new(directory, &actions);
    for group in accounts.chunks(rayon::current_num_threads() * 2) {
        let matrix = classes.matrix_of(group)?;
        for account in group {
            writing.account(making, &of_all, &matrix, account)?;
        }
    }
    writing.finish(making, &of_all, &accounts)
}

/// What grows while accounts are told.
struct Writing<'a> {
    tables: Tables,
    regions: Regions<'a>,
    listed: Vec<Listed<'a>>,
    outsiders: Outsiders,
}

impl<'a> Writing<'a> {
    /// Writes the keys of an account: rows, pages, and the account's matrix.
    fn account(
        &mut self,
        making: &mut Making<'_>,
        shared: &Shared<'_>,
        matrix: &Matrix<'_, '_>,
        account: &'a Account,
    ) -> Result<(), Error> {
        let mut keys: Vec<&Key> = account.keys.iter().collect();
        // A key that a snapshot lists twice is one key.
        keys.dedup_by(|a, b| a.arn == b.arn);
        let (first, mut grid) = (self.listed.len(), Grid::default());
        for keys in keys.chunks(GROUP) {
            let told: Result<Vec<Told<'_>>, Error> = keys.par_iter().map(|key| shared.tell(matrix, key)).collect();
            for told in told? {
                self.key(making, shared, told, &mut grid)?;
            }
        }
        let listed = self.listed.get(first..).unwrap_or_default();
        let content = lists::account_page(shared.directory, account, listed, &grid);
        let title = format!("Who can decrypt in account {}", account.id);
        let page = Page { title: &title, up: "../", part: "access" };
        let bytes = making.pages.render("access_account.html", page, making.identity, &content)?;
        making.bag.put(&format!("data/report/{}", lists::of_account(&account.id)), &bytes)
    }

    fn key(
        &mut self,
        making: &mut Making<'_>,
        shared: &Shared<'_>,
        told: Told<'a>,
        grid: &mut Grid,
    ) -> Result<(), Error> {
        for (entry, cells) in told.entries.iter().zip(&told.cells) {
            self.tables.add(entry, cells)?;
        }
        let is_alone = matches!(told.page, Written::Page(_));
        let page = match told.page {
            Written::Page(bytes) => {
                let path = place::of_key(told.key);
                making.bag.put(&format!("data/report/{path}"), &bytes)?;
                path
            }
            Written::View(view) => self.regions.add(making, shared, told.key, *view)?,
        };
        let listed = Listed { key: told.key, counts: told.counts, page, is_alone };
        grid.add(told.key, &told.entries);
        making.reviews.add(told.key, &told.entries);
        self.outsiders.add(shared.directory, &listed, &told.entries);
        self.listed.push(listed);
        Ok(())
    }

    /// Writes what needs every key.
    fn finish(mut self, making: &mut Making<'_>, shared: &Shared<'_>, accounts: &[&Account]) -> Result<(), Error> {
        self.regions.write(making, shared)?;
        self.tables.finish(making.bag)?;
        making.reviews.write(making.bag)?;
        let (directory, identity) = (making.directory, making.identity);
        let unread = unread(making.snapshot, directory, making.selection);
        let content = lists::inventory(directory, accounts, &self.listed, making.facts, &unread);
        let page = Page { title: "Key inventory", up: "../", part: "keys" };
        let bytes = making.pages.render("keys.html", page, identity, &content)?;
        making.bag.put("data/report/keys/index.html", &bytes)?;
        let content = lists::overview(directory, accounts, &self.listed, &self.outsiders, &unread);
        let page = Page { title: "Who can decrypt", up: "../", part: "access" };
        let bytes = making.pages.render("access.html", page, identity, &content)?;
        making.bag.put("data/report/access/decrypt-matrix.html", &bytes)
    }
}

/// The accounts in scope of which nothing is known, selected or not.
fn unread(snapshot: &Snapshot, directory: &Directory, selection: &Selection) -> Vec<Unread> {
    let in_scope = snapshot.manifest().accounts.iter().filter(|account| account.outcome.is_in_scope());
    let unread = in_scope.filter(|account| directory.account(&account.account_id).is_none());
    unread
        .map(|account| Unread {
            id: account.account_id.clone(),
            name: account.name.clone(),
            reason: account.reason.clone().unwrap_or_else(|| "it was not read".to_owned()),
            has_page: selection.wants_account(&account.account_id),
        })
        .collect()
}

/// What the telling of every key shares.
struct Shared<'a> {
    directory: &'a Directory,
    facts: &'a AllFacts,
    questions: &'a [(Capability, Action)],
    digests: BTreeMap<&'a str, &'a str>,
    pages: &'a Pages,
    identity: &'a Identity,
    prefix: &'a str,
    has_own_pages: bool,
    selection: &'a Selection,
}

/// Everything that is written of one key.
struct Told<'a> {
    key: &'a Key,
    entries: Vec<Entry>,
    /// The row of each entry.
    cells: Vec<[String; COLUMNS.len()]>,
    counts: BTreeMap<Capability, Counts>,
    page: Written,
}

/// A key on its own page, or to be put on one with others.
enum Written {
    Page(Vec<u8>),
    View(Box<KeyView>),
}

impl Shared<'_> {
    fn tell<'k>(&self, matrix: &Matrix<'_, '_>, key: &'k Key) -> Result<Told<'k>, Error> {
        let (directory, facts) = (self.directory, self.facts.get(&key.arn));
        let entries = entry::entries(directory, matrix, key, self.questions);
        let counts = entry::counts(&entries);
        // A family lives in one account, so that the matrix of the account holds all of it.
        let related = directory
            .family(key)
            .related
            .into_iter()
            .map(|key| Related { key, entries: entry::entries(directory, matrix, key, self.questions) });
        let related: Vec<Related<'_>> = related.collect();
        let telling = Telling {
            directory,
            selection: self.selection,
            key,
            facts,
            entries: &entries,
            counts: &counts,
            related: &related,
            has_own_pages: self.has_own_pages,
            questions: self.questions,
            prefix: self.prefix,
        };
        let view = telling.view();
        let page = if self.has_own_pages {
            let title = format!("Key {}", words::name(key));
            let page = Page { title: &title, up: "../../../", part: "keys" };
            Written::Page(self.pages.render("key.html", page, self.identity, &KeyPage { keys: [&view] })?)
        } else {
            Written::View(Box::new(view))
        };
        let cells = |entry: &Entry| Line { directory, key, facts, entry, digests: &self.digests }.cells();
        Ok(Told { key, cells: entries.iter().map(cells).collect(), entries, counts, page })
    }
}

/// The page of one key.
#[derive(Debug, Serialize)]
struct KeyPage<'a> {
    keys: [&'a KeyView; 1],
}

/// The page of several keys of an account and Region.
#[derive(Debug, Serialize)]
struct RegionPage<'a> {
    account_id: &'a str,
    account_name: &'a str,
    region: &'a str,
    part: String,
    keys: &'a [KeyView],
}

/// Keys that wait until those of their account and Region are together, or fill a page.
#[derive(Default)]
struct Regions<'a> {
    first: Option<&'a Key>,
    part: usize,
    waiting: Vec<KeyView>,
    weight: usize,
}

impl<'a> Regions<'a> {
    /// Puts a key on the page of its account and Region, and says where it will stand.
    fn add(
        &mut self,
        making: &mut Making<'_>,
        shared: &Shared<'_>,
        key: &'a Key,
        view: KeyView,
    ) -> Result<String, Error> {
        let weight = weight(&view);
        let is_here = |first: &Key| first.account_id == key.account_id && first.region == key.region;
        if !self.first.is_some_and(is_here) {
            self.write(making, shared)?;
            (self.first, self.part) = (Some(key), 0);
        } else if self.weight + weight > MAX_WEIGHT {
            self.write(making, shared)?;
            self.part += 1;
        }
        self.weight += weight;
        self.waiting.push(view);
        Ok(place::of_region(key, self.part))
    }

    /// Writes the page that waits.
    fn write(&mut self, making: &mut Making<'_>, shared: &Shared<'_>) -> Result<(), Error> {
        let (Some(key), keys) = (self.first, std::mem::take(&mut self.waiting)) else { return Ok(()) };
        self.weight = 0;
        if keys.is_empty() {
            return Ok(());
        }
        let name = shared.directory.account(&key.account_id).map_or("", |account| account.name.as_str());
        let part = if self.part == 0 { String::new() } else { format!("Part {}", self.part + 1) };
        let content =
            RegionPage { account_id: &key.account_id, account_name: name, region: &key.region, part, keys: &keys };
        let title = format!("Keys of {} in {}", key.account_id, key.region);
        let page = Page { title: &title, up: "../../", part: "keys" };
        let bytes = making.pages.render("keys_of_region.html", page, making.identity, &content)?;
        making.bag.put(&format!("data/report/{}", place::of_region(key, self.part)), &bytes)
    }
}
