//! The evidence pack: takes audited accounts one after another, and ends with a manifest over everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

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
use super::{Error, PACK};
use crate::access::{Directory, Estate};
use crate::audit::{self, AuditedAccount, FirstSeen, FrameworkResult, Part, Summary, measured, roll_up};
use crate::checks::Check;
use crate::frameworks::{Framework, OwnFile};
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
    interop: Interop,
    kept: Kept,
    accounts: Accounts,
    completeness: Completeness,
    evidence: Evidence,
    facts: Facts,
    keys: keys::AllFacts,
    reviews: keys::Reviews,
    directory: Directory,
}

/// What pages at the end of the pack show of findings.
struct Kept {
    /// What an earlier pack says of them, in the making.
    first_seen: Option<Stream>,
    exceptions: BTreeMap<&'static str, Exceptions>,
    meant: Meant,
    firsts: Firsts,
    draw: Option<Draw>,
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
            interop: Interop::create(&bag, &identity, snapshot, &options)?,
            kept: Kept {
                first_seen: kept.map(|_| Stream::create(&bag, prior::FIRST_SEEN)).transpose()?,
                exceptions: options.audit.checks.iter().map(|check| (check.id, Exceptions::new())).collect(),
                meant: Meant::default(),
                firsts: Firsts::default(),
                draw: options.sample.map(Draw::new),
            },
            completeness: Completeness::create(&bag)?,
            evidence: Evidence::create(&bag, prefix(&options))?,
            facts: Facts::create(&bag, options.audit.as_of.unwrap_or(snapshot.manifest().window.end))?,
            bag,
            pages: Pages::new()?.redacted(redaction),
            identity,
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
        // Tables of facts keep back by themselves what is to be kept back.
        let redacted = self.options.redaction.map(|redaction| redaction.account(audited));
        let shown = redacted.as_ref().unwrap_or(audited);
        let on_page = self.evidence.begin(shown);
        let account = Account::new(shown);
        let Self { bag, pages, identity, options, findings, interop, kept, completeness, facts, evidence, .. } = self;
        let Evidence { index, places, .. } = evidence;
        let interop = || interop.account(bag, identity, shown);
        let lists = || findings.account(&shown.findings);
        let site = Site { bag, pages, identity };
        let pages = || site.account(options.audit.checks, places, &account, shown, &on_page);
        let tables = || {
            completeness.account(audited)?;
            facts.account(audited)?;
            kept.add(shown, places, options.audit.first_seen)?;
            index.account(bag, places, shown)
        };
        let ((interop, lists), (pages, tables)) =
            rayon::join(|| rayon::join(interop, lists), || rayon::join(pages, tables));
        interop.and(lists).and(tables)?;
        self.evidence.cite(shown, &pages?);
        self.accounts.add(account, shown);
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
            bag: &self.bag,
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

    fn write_overviews(self, summary: &Summary) -> Result<Sealed, Error> {
        let results = roll_up(summary, self.options.audit.reported());
        let written = self.findings.finish(&self.bag)?;
        let tied = self.completeness.finish(&self.bag, summary, &written)?;
        let places = self.evidence.finish(&self.bag, &self.pages, &self.identity, summary)?;
        if let Some(stream) = self.kept.first_seen {
            stream.finish(&self.bag)?;
        }
        let audited = Audited {
            snapshot: self.snapshot,
            options: &self.options,
            identity: &self.identity,
            summary,
            results: &results,
            exceptions: &self.kept.exceptions,
            meant: &self.kept.meant,
            firsts: &self.kept.firsts,
            draw: self.kept.draw.as_ref(),
            accounts: &self.accounts,
            columns: &Columns::new(&summary.total),
            tied: &tied,
            places: &places,
        };
        Site { bag: &self.bag, pages: &self.pages, identity: &self.identity }.overviews(&audited)?;
        scope::write(&self.bag, &audited)?;
        about::write(&self.bag, &audited)?;
        controls::write(&self.bag, &audited)?;
        self.facts.finish(&self.bag, &audited)?;
        waivers_page::write_files(&self.bag, &audited)?;
        requests::write_table(&self.bag, &audited)?;
        if let Some(draw) = &self.kept.draw {
            draw.write_table(&self.bag)?;
        }
        self.interop.finish(&self.bag, &audited)?;
        if let Some(redaction) = self.options.redaction {
            redaction.write(&self.bag)?;
        } else if let Some(config) = identity::config(self.options.audit.selection, &self.options.audit.settings())? {
            self.bag.put(CONFIG, config.as_bytes())?;
        }
        let tables = columns::of_pack(&self.options);
        columns::write(&self.bag, &tables)?;
        #[cfg(feature = "xlsx")]
        if self.options.with_workbook {
            super::workbook::write(&self.bag, &tables)?;
        }
        self.bag.put_json(PACK, &identity::pack_json(&audited))?;
        self.bag.put(identity::SCHEMA, identity::SCHEMA_TEXT.as_bytes())?;
        for OwnFile { id, text } in self.options.own_frameworks {
            self.bag.put(&format!("{OWN_FRAMEWORKS}{id}.toml"), text.as_bytes())?;
        }
        if self.options.with_snapshot {
            copy_snapshot(self.snapshot, &self.bag)?;
        }
        readme::write(&self.bag, &self.pages, &self.identity, &tables)?;
        let (snapshot, custody) = (self.snapshot, self.options.custody);
        let about = self.identity.about(self.options.redaction.map(Arc::as_ref));
        self.bag.seal(&about, |folder, root| match custody {
            Some(custody) => custody::write(folder, custody, snapshot, root).map(Vec::from),
            None => Ok(Vec::new()),
        })
    }
}

impl Kept {
    /// Keeps what there is of an account's findings.
    fn add(&mut self, audited: &AuditedAccount, places: &Places, known: Option<&FirstSeen>) -> Result<(), Error> {
        for finding in &audited.findings {
            self.meant.add(finding);
            self.firsts.add(finding);
            if let Some(draw) = &mut self.draw {
                draw.add(finding);
            }
            if let (Some(stream), Some(known)) = (&mut self.first_seen, known)
                && let Some(first_seen) = known.get(&finding.fingerprint)
            {
                stream.line(&prior::Line { fingerprint: finding.fingerprint.clone(), first_seen })?;
            }
            if let Some(exceptions) = self.exceptions.get_mut(finding.check_id) {
                exceptions.add(finding, places);
            }
        }
        Ok(())
    }
}

/// Where pages are written.
#[derive(Clone, Copy)]
struct Site<'a> {
    bag: &'a Bag,
    pages: &'a Pages,
    identity: &'a Identity,
}

impl Site<'_> {
    /// Renders a page and writes it to a path below `report/`.
    fn put(self, path: &str, template: &str, page: Page<'_>, content: &impl Serialize) -> Result<(), Error> {
        let bytes = self.pages.render(template, page, self.identity, content)?;
        self.bag.put(&format!("data/report/{path}"), &bytes)
    }

    /// Writes the pages of an account, and gives the findings that are on them.
    fn account(
        self,
        checks: &[&'static Check],
        places: &Places,
        account: &Account,
        audited: &AuditedAccount,
        shown: &Shown<'_>,
    ) -> Result<BTreeSet<String>, Error> {
        let content = account_page::content(account, audited, checks, places, !shown.is_empty());
        let name = file_name(&account.id);
        let title = format!("Account {}", account.id);
        let page = Page { title: &title, up: "../", part: "accounts" };
        self.put(&format!("accounts/{name}"), "account.html", page, &content)?;
        let anchors = content.anchors();
        if let Some(content) = places.content(audited, shown, &anchors) {
            let title = format!("Evidence of account {}", account.id);
            let page = Page { title: &title, up: "../", part: "accounts" };
            self.put(&format!("evidence/{name}"), "evidence.html", page, &content)?;
        }
        Ok(anchors)
    }

    /// Writes the pages that need the whole audit.
    fn overviews(self, audited: &Audited<'_>) -> Result<(), Error> {
        let page = |title, part| Page { title, up: "", part };
        self.put("index.html", "index.html", page("Overview", "overview"), &cover::content(audited))?;
        let of_frameworks = audited.results.par_iter().map(|result| {
            let Framework { id, title, version, .. } = result.framework;
            let (path, title) = (format!("frameworks/{}", file_name(id)), format!("{title} {version}"));
            let content = framework_page::content(audited, result);
            let page = Page { title: &title, up: "../", part: "frameworks" };
            self.put(&path, "framework.html", page, &content)
        });
        let of_checks = audited.options.audit.checks.par_iter().map(|check| {
            let path = format!("checks/{}", file_name(check.id));
            let page = Page { title: check.id, up: "../", part: "checks" };
            self.put(&path, "check.html", page, &check_page::content(audited, check))
        });
        // Of several that fail the first is told.
        of_frameworks.chain(of_checks).collect::<Vec<_>>().into_iter().collect::<Result<(), Error>>()?;
        let accounts = Page { title: "Accounts", up: "../", part: "accounts" };
        self.put("accounts/index.html", "accounts.html", accounts, &heat_map::content(audited))?;
        self.put("scope.html", "scope.html", page("Scope", "completeness"), &scope::content(audited))?;
        let content = audited.tied.content(audited);
        self.put("completeness.html", "completeness.html", page("Completeness", "completeness"), &content)?;
        let content = remediation::content(audited);
        self.put("remediation.html", "remediation.html", page("Remediation", "remediation"), &content)?;
        self.put("waivers.html", "waivers.html", page("Waivers", "waivers"), &waivers_page::content(audited))?;
        self.put("requests.html", "requests.html", page("Request list", "requests"), &requests::content(audited))?;
        if let Some(draw) = audited.draw {
            let content = sample::content(audited, draw, audited.places);
            self.put("sample.html", "sample.html", page("Sample", "sample"), &content)?;
        }
        let content = methodology::content(audited);
        self.put("methodology.html", "methodology.html", page("Methodology and limitations", "methodology"), &content)
    }
}

fn prefix(options: &Options<'_>) -> &'static str {
    if options.with_snapshot { snapshot::IN_A_PACK } else { "" }
}

/// Copies the files that the snapshot's manifest lists, and refuses one whose bytes have changed since.
fn copy_snapshot(snapshot: &Snapshot, bag: &Bag) -> Result<(), Error> {
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
