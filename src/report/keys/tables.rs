//! The lists of who has what on which key: `key_access.csv`, `key_admins.csv`, `external_access.csv`.

use std::collections::BTreeMap;

use super::entry::Entry;
use super::facts::KeyFacts;
use crate::access::{Directory, Key, Relation, Row, StatementRow};
use crate::report::Error;
use crate::report::bag::Bag;
use crate::report::stream::Stream;
use crate::report::table::{SEPARATOR, Table};

/// One row in the making.
pub(super) struct Line<'a> {
    pub(super) directory: &'a Directory,
    pub(super) key: &'a Key,
    pub(super) facts: Option<&'a KeyFacts>,
    pub(super) entry: &'a Entry,
    /// SHA-256 of the files of the snapshot, by path.
    pub(super) digests: &'a BTreeMap<&'a str, &'a str>,
}

/// A column: its name, what stands there, how it is filled.
type Column = (&'static str, &'static str, fn(&Line<'_>) -> String);

/// The columns of all three files, in their order, which never changes inside a major version.
pub(super) const COLUMNS: [Column; 26] = [
    ("key_arn", "ARN of the key", |it| it.key.arn.clone()),
    ("key_account_id", "Account of the key: 12 digits; import the column as text, or leading zeros are lost", |it| {
        it.key.account_id.clone()
    }),
    ("key_account_name", "Name of that account in the organization", |it| it.account_name(&it.key.account_id)),
    ("key_region", "Region of the key", |it| it.key.region.clone()),
    ("key_aliases", "Aliases of the key", |it| it.key.aliases.join(SEPARATOR)),
    ("key_manager", "customer or aws; unknown where DescribeKey could not be read", |it| it.manager().to_owned()),
    ("key_state", "Enabled, Disabled, PendingDeletion, …; unknown where that could not be read", |it| {
        it.key.state.clone().unwrap_or_else(|| "unknown".to_owned())
    }),
    ("policy_known", "yes; no where a key policy could not be read, so that there may be more", |it| {
        if it.key.policy_gap.is_some() { "no" } else { "yes" }.to_owned()
    }),
    ("capability", "decrypt, encrypt or sign; grant, administer or destroy", |it| {
        it.entry.capability.word().to_owned()
    }),
    ("actions", "Actions of the capability that are decided alike", |it| it.entry.actions.join(SEPARATOR)),
    ("principal_arn", "ARN of the user, role, session or root user; the name of a service; * for everyone", |it| {
        it.entry.row.principal_arn.clone()
    }),
    ("principal_type", "user, role, session, federated-user, root, account, service or everyone", |it| {
        it.entry.row.principal_type.to_owned()
    }),
    ("account_id", "Account of the principal; empty for services and everyone", |it| it.entry.row.account_id.clone()),
    ("account_name", "Name of that account, where it was read", |it| it.account_name(&it.entry.row.account_id)),
    (
        "relation",
        "account: of the key's own account; organization: of another member; service; unknown: of an account that may be a member \
         or not; outside: of no member; everyone",
        |it| it.entry.relation.word().to_owned(),
    ),
    (
        "access",
        "allowed: always; allowed_if_chosen: in requests that the caller can choose; via_service: only through an AWS service; \
         conditional: depending on the network, a second factor, the session, the time; possible: something that decides could \
         not be read, or AWS leaves it open",
        |it| it.entry.row.access.to_owned(),
    ),
    (
        "usable_now",
        "yes or no: whether the state of the key lets the actions work; unknown; empty for actions that do not ask for an enabled \
         key",
        |it| it.entry.usable_now.to_owned(),
    ),
    ("path", "How it comes about: star, user, role, delegation, root-user, cross-account, grant, …", |it| {
        it.entry.row.path.clone().unwrap_or_default()
    }),
    ("conditions", "One of these must hold; empty where nothing is demanded", |it| {
        it.entry.row.conditions.join(SEPARATOR)
    }),
    ("via", "The services through which it goes", |it| it.entry.row.via.join(SEPARATOR)),
    (
        "notes",
        "What a reader must know besides: what could not be read, what AWS leaves open, the state of the key",
        |it| it.entry.row.notes.join(SEPARATOR),
    ),
    (
        "statements",
        "Statements that decide: effect, document, position from 0, Sid; the Allow of FullAWSAccess and RCPFullAWSAccess, which \
         lets everything through, is left out",
        |it| it.entry.statements().map(statement).collect::<Vec<_>>().join(SEPARATOR),
    ),
    ("grants", "Ids of the grants that decide", |it| it.entry.grants().collect::<Vec<_>>().join(SEPARATOR)),
    (
        "evidence_files",
        "Files inside the snapshot: one for each statement, then one for each grant; item n of each evidence column belongs together",
        |it| it.places(|(file, _)| file.to_owned()),
    ),
    ("evidence_pointers", "JSON pointers (RFC 6901) of the documents and grants in the decompressed files", |it| {
        it.places(|(_, pointer)| pointer.to_owned())
    }),
    ("evidence_sha256", "SHA-256 of the files as stored", |it| {
        it.places(|(file, _)| it.digests.get(file).map(|digest| (*digest).to_owned()).unwrap_or_default())
    }),
];

/// The files, each with what stands in it.
pub(in crate::report) const FILES: [(&str, &str); 3] = [
    ("key_access.csv", "Who can use which key: decrypt, encrypt, sign. What is denied has no row."),
    ("key_admins.csv", "Who can grant on which key, administer it, delete it. What is denied has no row."),
    ("external_access.csv", "The rows of both whose principal is not of the key's own account."),
];

/// The columns of all three files, each with what stands there.
pub(in crate::report) fn columns() -> Vec<(&'static str, &'static str)> {
    COLUMNS.map(|(name, content, _)| (name, content)).to_vec()
}

impl Line<'_> {
    /// The cells of the row.
    pub(super) fn cells(&self) -> [String; COLUMNS.len()] {
        COLUMNS.map(|(_, _, fill)| fill(self))
    }

    fn account_name(&self, id: &str) -> String {
        self.directory.account(id).map(|account| account.name.clone()).unwrap_or_default()
    }

    fn manager(&self) -> &'static str {
        match self.key.is_aws_managed {
            Some(true) => "aws",
            Some(false) => "customer",
            None => "unknown",
        }
    }

    /// One text for each statement, then for each grant, made of its file and pointer.
    fn places(&self, text: impl Fn((&str, &str)) -> String) -> String {
        let of_statements = self.entry.statements().map(|it| (it.file.as_deref(), it.pointer.as_deref()));
        let facts = self.facts.map(|facts| facts.grants.as_slice()).unwrap_or_default();
        let of_grants = self.entry.grants().map(|id| {
            let found = facts.iter().find(|facts| facts.grant.id == id).map(|facts| &facts.evidence);
            (found.map(|it| it.file.as_ref()), found.map(|it| it.pointer.as_ref()))
        });
        let places = of_statements.chain(of_grants);
        let texts = places.map(|(file, pointer)| text((file.unwrap_or_default(), pointer.unwrap_or_default())));
        texts.collect::<Vec<_>>().join(SEPARATOR)
    }
}

fn statement(it: &StatementRow) -> String {
    let sid = it.sid.as_ref().map(|sid| format!(" {sid}")).unwrap_or_default();
    format!("{} {}#{}{sid}", it.effect, it.policy, it.index)
}

/// The files in the making: the tables, and all of them as lines.
pub(super) struct Tables {
    tables: [Table; FILES.len()],
    lines: Stream,
}

const LINES: &str = "data/json/access.ndjson";
const SCHEMA: &str = "data/json/access.schema.json";
const SCHEMA_TEXT: &str = include_str!("../access.schema.json");

impl Tables {
    /// Begins the files.
    pub(super) fn create(bag: &Bag) -> Result<Self, Error> {
        let create = |(file, _): (&str, &str)| Table::create(bag, &path(file), COLUMNS.map(|(name, ..)| name));
        let [uses, administers, external] = FILES.map(create);
        Ok(Self { tables: [uses?, administers?, external?], lines: Stream::create(bag, LINES)? })
    }

    /// Adds a row to the files that it belongs to.
    pub(super) fn add(&mut self, entry: &Entry, cells: &[String]) -> Result<(), Error> {
        let is_use = entry.capability.is_use();
        let belongs = [is_use, !is_use, entry.relation != Relation::Account];
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        for (table, _) in self.tables.iter_mut().zip(belongs).filter(|(_, belongs)| *belongs) {
            table.row(&cells)?;
        }
        for action in &entry.actions {
            let row = Row { action: action.clone(), statements: None, grants: None, ..entry.row.clone() };
            self.lines.line(&row)?;
        }
        Ok(())
    }

    /// Ends the files.
    pub(super) fn finish(self, bag: &Bag) -> Result<(), Error> {
        for (table, (file, _)) in self.tables.into_iter().zip(FILES) {
            bag.add(&path(file), table.finish()?);
        }
        self.lines.finish(bag)?;
        bag.put(SCHEMA, SCHEMA_TEXT.as_bytes())
    }
}

fn path(file: &str) -> String {
    format!("data/csv/{file}")
}
