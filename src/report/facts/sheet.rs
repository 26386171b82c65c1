//! What the tables of facts share: columns that fill themselves, and the row that stands for what could not be listed.

use std::marker::PhantomData;

use jiff::Timestamp;

use crate::model::{Account, Fact, Gap, Listing, Source, Tags};
use crate::report::Error;
use crate::report::bag::Bag;
use crate::report::columns::File;
use crate::report::table::{SEPARATOR, Table, not_known};

/// A table: what a row tells of, and its columns.
pub(super) trait Sheet: Sized + 'static {
    /// What a row tells of.
    type Row<'a>;
    /// Its name.
    const NAME: &'static str;
    /// What a row is.
    const CONTENT: &'static str;
    /// Its columns after those of the account, in their order, which never changes inside a major version.
    const COLUMNS: &'static [Column<Self>];
}

/// A column: its name, what stands there, how it is filled.
pub(super) type Column<S> = (&'static str, &'static str, for<'a> fn(&<S as Sheet>::Row<'a>) -> String);

/// The first columns of every table.
const OF_ACCOUNT: [(&str, &str); 2] = [
    ("account_id", "12 digits; import the column as text, or leading zeros are lost"),
    ("account_name", "Name of the account in the organization"),
];

/// A table in the making.
pub(super) struct Making<S> {
    table: Table,
    sheet: PhantomData<S>,
}

impl<S: Sheet> Making<S> {
    /// Begins the file.
    pub(super) fn create(bag: &Bag) -> Result<Self, Error> {
        let names = OF_ACCOUNT.iter().map(|(name, _)| *name).chain(S::COLUMNS.iter().map(|(name, ..)| *name));
        Ok(Self { table: Table::create(bag, &path::<S>(), names)?, sheet: PhantomData })
    }

    /// Adds a row.
    pub(super) fn row(&mut self, account: &Account, row: &S::Row<'_>) -> Result<(), Error> {
        let cells: Vec<String> = S::COLUMNS.iter().map(|(_, _, fill)| fill(row)).collect();
        self.cells(account, &cells)
    }

    /// Adds the row that stands for what a list does not show, if it is not whole.
    pub(super) fn rest<T>(&mut self, account: &Account, region: &str, listing: &Listing<T>) -> Result<(), Error> {
        listing.gap().map_or(Ok(()), |gap| self.unknown(account, &[("region", region)], &not_known(gap)))
    }

    /// Adds the row that stands for something that is not known: what is `known` of it by column, and elsewhere `why` no more.
    pub(super) fn unknown(&mut self, account: &Account, known: &[(&str, &str)], why: &str) -> Result<(), Error> {
        let cell = |(name, ..): &Column<S>| {
            let known = known.iter().find(|(column, _)| column == name);
            known.map_or(why, |(_, cell)| cell).to_owned()
        };
        let cells: Vec<String> = S::COLUMNS.iter().map(cell).collect();
        self.cells(account, &cells)
    }

    fn cells(&mut self, account: &Account, cells: &[String]) -> Result<(), Error> {
        let of_account = [account.id.as_str(), account.name.as_str()];
        let row: Vec<&str> = of_account.into_iter().chain(cells.iter().map(String::as_str)).collect();
        self.table.row(&row)
    }

    /// Ends the file.
    pub(super) fn finish(self, bag: &Bag) -> Result<(), Error> {
        bag.add(&path::<S>(), self.table.finish()?);
        Ok(())
    }
}

fn path<S: Sheet>() -> String {
    format!("data/csv/{}", S::NAME)
}

/// The file of a table, for its description.
pub(super) fn file_of<S: Sheet>() -> File {
    let columns = OF_ACCOUNT.into_iter().chain(S::COLUMNS.iter().map(|(name, content, _)| (*name, *content)));
    File { name: S::NAME, content: S::CONTENT, key: None, columns: columns.collect() }
}

/// A fact as a cell.
pub(super) fn fact<T>(fact: &Fact<T>, words: impl FnOnce(&T) -> String) -> String {
    fact.as_ref().map_or_else(not_known, words)
}

/// `yes` or `no`, or why it is not known.
pub(super) fn flag(it: &Fact<bool>) -> String {
    fact(it, |it| if *it { "yes" } else { "no" }.to_owned())
}

/// A time that an answer should have.
pub(super) fn dated(time: Option<Timestamp>, source: &Source, member: &str) -> String {
    let absent = || Gap::malformed(source.api, &[], format!("the answer has no {member}"));
    time.map_or_else(|| not_known(&absent()), |time| time.to_string())
}

/// When something was used last; `never` where AWS has no record of a use.
pub(super) fn used(time: &Fact<Option<Timestamp>>) -> String {
    fact(time, |time| time.map_or_else(|| "never".to_owned(), |time| time.to_string()))
}

/// The items of a list, and last why there may be more.
pub(super) fn listed<T>(listing: &Listing<T>, words: impl Fn(&T) -> String) -> String {
    let items = listing.known().iter().map(words);
    items.chain(listing.gap().map(not_known)).collect::<Vec<_>>().join(SEPARATOR)
}

/// Tags as `key=value`.
pub(super) fn tags(tags: &Tags) -> String {
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(SEPARATOR)
}

/// Where in the snapshot a row was read.
pub(super) fn evidence(account: &Account, source: &Source) -> crate::model::Evidence {
    account.provenance.evidence(source)
}
