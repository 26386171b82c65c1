//! The evidence pack: takes audited accounts one after another, and ends with a manifest over everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::about;
use super::account_page::{self, Account, Accounts};
use super::bag::{Bag, Sealed};
use super::check_page;
use super::columns;
use super::completeness::{Completeness, Tied};
use super::controls;
use super::cover;
use super::custody::{self, Custody};
use super::evidence::{Evidence, Places};
use super::evidence_page::Shown;
use super::exceptions::Exceptions;
use super::facts::Facts;
use super::findings::Findings;
use super::framework_page;
use super::heat_map;
use super::html::{Page, Pages, file_name};
use super::identity::{self, Identity};
use super::interop::Interop;
use super::keys;
use super::methodology;
use super::prior;
use super::readme;
use super::redaction::Redaction;
use super::remediation::{self, Firsts};
use super::requests;
use super::sample::{self, Draw, Sample};
use super::scope;
use super::stream::Stream;
use super::view::Columns;
use super::waivers_page::{self, Meant};
use super::{Error, INDEX, PACK};
use crate::access::{Directory, Estate};
use crate::audit::{self, AuditedAccount, FrameworkResult, Part, Summary, measured, roll_up};
use crate::frameworks::OwnFile;
use crate::snapshot::{self, Snapshot};

/// The configuration that selects what was selected and sets the parameters of checks as they were, in a pack where something is not
/// at its default.
pub const CONFIG: &str = "data/keyproof.toml";

/// Where a pack holds the files of the user's own frameworks.
pub const OWN_FRAMEWORKS: &str = "data/frameworks/";

/// What to write.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// What the audit runs with: its checks and frameworks are those of the pages.
    pub audit: audit::Options<'a>,
    /// The files of those frameworks that are the user's own.
    pub own_frameworks: &'a [OwnFile],
    /// Whether the snapshot goes into the pack, byte for byte.
    pub with_snapshot: bool,
    /// Whether the pack says who can do what with every key.
    pub with_access: bool,
    /// Whether the tables are there as one workbook as well.
    pub with_workbook: bool,
    /// The pack root of the earlier pack that says since when findings are known.
    pub prior_root: Option<&'a str>,
    /// The sample to draw, if any.
    pub sample: Option<&'a Sample>,
    /// Who runs the audit, if the pack shall say so.
    pub custody: Option<&'a Custody>,
    /// What is kept back, if anything is. Such a pack holds neither the snapshot nor what people wrote for the audit.
    pub redaction: Option<&'a Arc<Redaction>>,
}

impl Options<'_> {
    /// These options with what a redaction leaves out.
    fn redacted(self) -> Self {
        let Some(redaction) = self.redaction else { return self };
        Self { with_snapshot: false, with_access: self.with_access && redaction.has_texts(), ..self }
    }
}

/// A pack in the making. Dropped unfinished, it leaves a folder without a manifest, which no one takes for a pack.
pub struct Pack<'a> {
    snapshot: &'a Snapshot,
    options: Options<'a>,
    bag: Bag,
    pages: Pages,
    identity: Identity,
    findings: Findings,
    /// What an earlier pack says of them.
    first_seen: Option<Stream>,
    interop: Interop,
    exceptions: BTreeMap<&'static str, Exceptions>,
    meant: Meant,
    firsts: Firsts,
    draw: Option<Draw>,
    accounts: Accounts,
    completeness: Completeness,
    evidence: Evidence,
    facts: Facts,
    keys: keys::AllFacts,
    reviews: keys::Reviews,
    directory: Directory,
}

/// What the pages at the end of the pack are made of.
pub(super) struct Audited<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) options: &'a Options<'a>,
    pub(super) identity: &'a Identity,
    pub(super) summary: &'a Summary,
    pub(super) results: &'a [FrameworkResult<'a>],
    pub(super) exceptions: &'a BTreeMap<&'static str, Exceptions>,
    pub(super) meant: &'a Meant,
    pub(super) firsts: &'a Firsts,
    pub(super) draw: Option<&'a Draw>,
    pub(super) accounts: &'a Accounts,
    pub(super) columns: &'a Columns,
    pub(super) tied: &'a Tied,
    pub(super) places: &'a Places,
}

impl<'a> Pack<'a> {
    /// Begins a pack in a missing or empty folder.
    ///
    /// # Errors
    /// When the folder holds something or cannot be written, or the snapshot is damaged.
    pub fn create(folder: &Path, snapshot: &'a Snapshot, options: Options<'a>) -> Result<Self, Error> {
        let organization = snapshot.organization()?;
        if options.with_workbook && !cfg!(feature = "xlsx") {
            return Err(Error::NoWorkbooks);
        }
        let redaction = options.redaction.cloned();
        let bag = Bag::create(folder)?.redacted(redaction.clone());
        let parent = Options { redaction: None, ..options };
        let options = options.redacted();
        let identity = Identity::new(snapshot, &organization, &options, &parent);
        // Those who made a pack again read it; a redacted one cannot be.
        let kept = options.audit.first_seen.filter(|_| options.redaction.is_none());
        Ok(Self {
            snapshot,
            findings: Findings::create(&bag)?,
            first_seen: kept.map(|_| Stream::create(&bag, prior::FIRST_SEEN)).transpose()?,
            interop: Interop::create(&bag, &identity, snapshot, &options)?,
            completeness: Completeness::create(&bag)?,
            evidence: Evidence::create(&bag, prefix(&options))?,
            facts: Facts::create(&bag, options.audit.as_of.unwrap_or(snapshot.manifest().window.end))?,
            bag,
            pages: Pages::new()?.redacted(redaction),
            identity,
            exceptions: options.audit.checks.iter().map(|check| (check.id, Exceptions::new())).collect(),
            meant: Meant::default(),
            firsts: Firsts::default(),
            draw: options.sample.map(Draw::new),
            accounts: Accounts::default(),
            keys: keys::AllFacts::new(),
            reviews: keys::Reviews::default(),
            directory: Directory::new(&snapshot.manifest().partition, Estate::new(organization)),
            options,
        })
    }

    /// Adds an account: its findings to the lists, its page to the report. Accounts come in the order of the audit.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn account(&mut self, audited: &AuditedAccount) -> Result<(), Error> {
        measured(self.options.audit.timings, Part::Writing, || self.write_account(audited))
    }

    fn write_account(&mut self, audited: &AuditedAccount) -> Result<(), Error> {
        if self.options.with_access {
            keys::keep(&mut self.keys, audited);
            self.reviews.keep(audited);
            self.directory.add(&audited.facts);
        }
        self.completeness.account(audited)?;
        self.facts.account(audited)?;
        match self.options.redaction {
            Some(redaction) => self.write_shown(&redaction.account(audited)),
            None => self.write_shown(audited),
        }
    }

    /// Writes an account as the pack shows it.
    fn write_shown(&mut self, audited: &AuditedAccount) -> Result<(), Error> {
        let shown = self.evidence.begin(audited);
        self.keep(audited)?;
        let account = Account::new(audited);
        let Self { findings, interop, bag, identity, pages, evidence, options, .. } = self;
        let lists = || findings.account(&audited.findings);
        let others = || interop.account(bag, identity, audited);
        let rendered = || rendered(pages, identity, options, evidence, &account, audited, &shown);
        let ((lists, others), rendered) = rayon::join(|| rayon::join(lists, others), rendered);
        lists.and(others)?;
        let Rendered { anchors, files } = rendered?;
        self.evidence.cite(audited, &anchors);
        self.evidence.account(&mut self.bag, audited)?;
        for (folder, bytes) in files {
            self.bag.put(&format!("data/report/{folder}/{}", file_name(&account.id)), &bytes)?;
        }
        self.accounts.add(account, audited);
        Ok(())
    }

    /// Keeps of an account's findings what pages at the end of the pack show.
    fn keep(&mut self, audited: &AuditedAccount) -> Result<(), Error> {
        for finding in &audited.findings {
            self.meant.add(finding);
            self.firsts.add(finding);
            if let Some(draw) = &mut self.draw {
                draw.add(finding);
            }
            if let (Some(stream), Some(known)) = (&mut self.first_seen, self.options.audit.first_seen)
                && let Some(first_seen) = known.get(&finding.fingerprint)
            {
                stream.line(&prior::Line { fingerprint: finding.fingerprint.clone(), first_seen })?;
            }
            if let Some(exceptions) = self.exceptions.get_mut(finding.check_id) {
                exceptions.add(finding, &self.evidence.places);
            }
        }
        Ok(())
    }

    /// Writes everything that needs the whole audit, and the manifest last.
    ///
    /// # Errors
    /// When a file cannot be written, or a file of the snapshot is damaged.
    pub fn finish(mut self, summary: &Summary) -> Result<Sealed, Error> {
        let timings = self.options.audit.timings;
        if self.options.with_access {
            let directory = std::mem::replace(&mut self.directory, Directory::new("", Estate::new(Ok(None))));
            measured(timings, Part::Access, || self.write_access(directory))?;
        }
        measured(timings, Part::Writing, || self.write_rest(summary))
    }

    /// Who can do what with every key of the accounts that were audited. Principals of the others count for it as well.
    fn write_access(&mut self, mut directory: Directory) -> Result<(), Error> {
        let (snapshot, selection) = (self.snapshot, self.options.audit.selection);
        let left_out =
            snapshot.manifest().accounts.iter().filter(|account| !selection.wants_account(&account.account_id));
        let organization = snapshot.organization()?;
        for account in left_out {
            directory.add(&snapshot.account(account, &organization)?);
        }
        keys::write(&mut keys::Making {
            bag: &mut self.bag,
            pages: &self.pages,
            identity: &self.identity,
            snapshot,
            directory: &directory.finished(),
            selection,
            facts: &self.keys,
            reviews: &mut self.reviews,
            prefix: prefix(&self.options),
        })
    }

    fn write_rest(self, summary: &Summary) -> Result<Sealed, Error> {
        match self.options.redaction {
            Some(redaction) => self.write_overviews(&redaction.summary(summary)),
            None => self.write_overviews(summary),
        }
    }

    fn write_overviews(mut self, summary: &Summary) -> Result<Sealed, Error> {
        let results = roll_up(summary, self.options.audit.reported());
        let written = self.findings.finish(&mut self.bag)?;
        let tied = self.completeness.finish(&mut self.bag, summary, &written)?;
        let places = self.evidence.finish(&mut self.bag, &self.pages, &self.identity, summary)?;
        if let Some(stream) = self.first_seen {
            stream.finish(&mut self.bag)?;
        }
        let audited = Audited {
            snapshot: self.snapshot,
            options: &self.options,
            identity: &self.identity,
            summary,
            results: &results,
            exceptions: &self.exceptions,
            meant: &self.meant,
            firsts: &self.firsts,
            draw: self.draw.as_ref(),
            accounts: &self.accounts,
            columns: &Columns::new(&summary.total),
            tied: &tied,
            places: &places,
        };
        write_pages(&mut self.bag, &self.pages, &audited)?;
        about::write(&mut self.bag, &audited)?;
        controls::write(&mut self.bag, &audited)?;
        self.facts.finish(&mut self.bag, &audited)?;
        waivers_page::write_files(&mut self.bag, &audited)?;
        requests::write_table(&mut self.bag, &audited)?;
        if let Some(draw) = &self.draw {
            draw.write_table(&mut self.bag)?;
        }
        self.interop.finish(&mut self.bag, &audited)?;
        if let Some(redaction) = self.options.redaction {
            redaction.write(&mut self.bag)?;
        } else if let Some(config) = identity::config(self.options.audit.selection, &self.options.audit.settings())? {
            self.bag.put(CONFIG, config.as_bytes())?;
        }
        let tables = columns::of_pack(&self.options);
        columns::write(&mut self.bag, &tables)?;
        #[cfg(feature = "xlsx")]
        if self.options.with_workbook {
            super::workbook::write(&mut self.bag, &tables)?;
        }
        self.bag.put_json(PACK, &identity::pack_json(&audited))?;
        self.bag.put(identity::SCHEMA, identity::SCHEMA_TEXT.as_bytes())?;
        for OwnFile { id, text } in self.options.own_frameworks {
            self.bag.put(&format!("{OWN_FRAMEWORKS}{id}.toml"), text.as_bytes())?;
        }
        if self.options.with_snapshot {
            copy_snapshot(self.snapshot, &mut self.bag)?;
        }
        readme::write(&mut self.bag, &self.pages, &self.identity, &tables)?;
        let (snapshot, custody) = (self.snapshot, self.options.custody);
        let about = self.identity.about(self.options.redaction.map(Arc::as_ref));
        self.bag.seal(&about, |folder, root| match custody {
            Some(custody) => custody::write(folder, custody, snapshot, root).map(Vec::from),
            None => Ok(Vec::new()),
        })
    }
}

/// The pages of an account.
struct Rendered {
    /// The findings that its page shows.
    anchors: BTreeSet<String>,
    /// Each with its folder below the report.
    files: Vec<(&'static str, Vec<u8>)>,
}

/// Renders the pages of an account.
fn rendered(
    pages: &Pages,
    identity: &Identity,
    options: &Options<'_>,
    evidence: &Evidence,
    account: &Account,
    audited: &AuditedAccount,
    shown: &Shown<'_>,
) -> Result<Rendered, Error> {
    let checks = options.audit.checks;
    let content = account_page::content(account, audited, checks, &evidence.places, !shown.is_empty());
    let title = format!("Account {}", account.id);
    let page = Page { title: &title, up: "../", part: "accounts" };
    let mut files = vec![("accounts", pages.render("account.html", page, identity, &content)?)];
    let anchors = content.anchors();
    if let Some(content) = evidence.content(audited, shown, &anchors) {
        let title = format!("Evidence of account {}", account.id);
        let page = Page { title: &title, up: "../", part: "accounts" };
        files.push(("evidence", pages.render("evidence.html", page, identity, &content)?));
    }
    Ok(Rendered { anchors, files })
}

fn prefix(options: &Options<'_>) -> &'static str {
    if options.with_snapshot { snapshot::IN_A_PACK } else { "" }
}

fn write_pages(bag: &mut Bag, pages: &Pages, audited: &Audited<'_>) -> Result<(), Error> {
    let identity = audited.identity;
    let page = Page { title: "Overview", up: "", part: "overview" };
    bag.put(INDEX, &pages.render("index.html", page, identity, &cover::content(audited))?)?;
    for result in audited.results {
        let framework = result.framework;
        let title = format!("{} {}", framework.title, framework.version);
        let page = Page { title: &title, up: "../", part: "frameworks" };
        let bytes = pages.render("framework.html", page, identity, &framework_page::content(audited, result))?;
        bag.put(&format!("data/report/frameworks/{}", file_name(&framework.id)), &bytes)?;
    }
    for check in audited.options.audit.checks {
        let page = Page { title: check.id, up: "../", part: "checks" };
        let bytes = pages.render("check.html", page, identity, &check_page::content(audited, check))?;
        bag.put(&format!("data/report/checks/{}", file_name(check.id)), &bytes)?;
    }
    let page = Page { title: "Accounts", up: "../", part: "accounts" };
    let bytes = pages.render("accounts.html", page, identity, &heat_map::content(audited))?;
    bag.put("data/report/accounts/index.html", &bytes)?;
    let page = Page { title: "Scope", up: "", part: "completeness" };
    bag.put("data/report/scope.html", &pages.render("scope.html", page, identity, &scope::content(audited))?)?;
    scope::write(bag, audited)?;
    let page = Page { title: "Completeness", up: "", part: "completeness" };
    let bytes = pages.render("completeness.html", page, identity, &audited.tied.content(audited))?;
    bag.put("data/report/completeness.html", &bytes)?;
    let page = Page { title: "Remediation", up: "", part: "remediation" };
    let bytes = pages.render("remediation.html", page, identity, &remediation::content(audited))?;
    bag.put("data/report/remediation.html", &bytes)?;
    let page = Page { title: "Waivers", up: "", part: "waivers" };
    let bytes = pages.render("waivers.html", page, identity, &waivers_page::content(audited))?;
    bag.put("data/report/waivers.html", &bytes)?;
    let page = Page { title: "Request list", up: "", part: "requests" };
    let bytes = pages.render("requests.html", page, identity, &requests::content(audited))?;
    bag.put("data/report/requests.html", &bytes)?;
    if let Some(draw) = audited.draw {
        let page = Page { title: "Sample", up: "", part: "sample" };
        let content = sample::content(audited, draw, audited.places);
        bag.put("data/report/sample.html", &pages.render("sample.html", page, identity, &content)?)?;
    }
    let page = Page { title: "Methodology and limitations", up: "", part: "methodology" };
    let bytes = pages.render("methodology.html", page, identity, &methodology::content(audited))?;
    bag.put("data/report/methodology.html", &bytes)
}

/// Copies the files that the snapshot's manifest lists, and refuses one whose bytes have changed since.
fn copy_snapshot(snapshot: &Snapshot, bag: &mut Bag) -> Result<(), Error> {
    let listed: BTreeMap<&str, &str> =
        snapshot.manifest().files.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
    let own = [(snapshot::MANIFEST, Some(snapshot.root())), (snapshot::DIGESTS, None)];
    let files: BTreeSet<(&str, Option<&str>)> =
        listed.into_iter().map(|(path, digest)| (path, Some(digest))).chain(own).collect();
    for (path, expected) in files {
        let from = snapshot.folder().join(path);
        let written = bag.copy(&from, &format!("{}{path}", snapshot::IN_A_PACK))?;
        if let Some(expected) = expected.filter(|expected| *expected != written.sha256) {
            let (expected, actual) = (expected.to_owned(), written.sha256);
            return Err(snapshot::Error::Damaged { path: from, expected, actual }.into());
        }
    }
    Ok(())
}
