//! A comparison of two snapshots as a page, a table and a list, in a bag of its own.

use std::path::Path;

use serde::Serialize;

use super::access_changes::AccessView;
use super::bag::{Bag, Sealed};
use super::columns;
use super::html::{Page, Pages};
use super::identity;
use super::table::Table;
use super::view::{self, MAX_ROWS, StatusView, grouped, shortened};
use super::{CHANGES, Error, access_changes, waivers_page};
use crate::checks::Verdicts;
use crate::diff::{AccountChange, Changes, Class, Fate, FindingChange, ResourceChange, Side};
use crate::finding::Status;
use crate::snapshot::manifest::{Source, Tool};
use crate::waivers::Waivers;

const CSV: &str = "data/csv/changes.csv";
const JSON: &str = "data/json/changes.json";
const SCHEMA: &str = "data/json/changes.schema.json";
const SCHEMA_TEXT: &str = include_str!("changes.schema.json");

/// The columns of `changes.csv`, in their order, which never changes inside a major version.
const COLUMNS: [(&str, &str); 17] = [
    ("kind", "finding, account, or resource (a principal or key)"),
    (
        "change",
        "For findings: NEW, NEWLY ASSESSABLE, WAIVER ENDED, FIXED, NO LONGER ASSESSABLE, WAIVED, UNCHANGED, OTHER; for resources: CAME, WENT, REPLACED, NOT KNOWN",
    ),
    ("because", "Why it is that"),
    ("old_status", "Status in the old snapshot, if the finding was there"),
    ("new_status", "Status in the new snapshot, if the finding is there"),
    ("replaced", "Y if the resource has the same ARN but is another one"),
    ("severity", "critical, high, medium, low or informational"),
    ("check_id", "The check"),
    ("account_id", "12 digits; import the column as text, or leading zeros are lost"),
    ("account_name", "Name of the account in the organization"),
    ("region", "Region, or global"),
    ("resource_type", "CloudFormation's name of the type"),
    ("resource_arn", "ARN of the resource"),
    ("resource_name", "Name of the resource"),
    ("reason", "The reason that the newer of the two findings gives"),
    ("fingerprint", "Identity of the finding across quarters"),
    ("waiver_id", "The waiver that the newer of the two findings names"),
];

/// Writes the comparison into a missing or empty folder, with the file of the waivers that counted.
///
/// # Errors
/// When the folder holds something or cannot be written.
pub fn write(folder: &Path, changes: &Changes, waivers: &Waivers) -> Result<Sealed, Error> {
    let bag = Bag::create(folder)?;
    if let Some(text) = &waivers.text {
        bag.put(waivers_page::FILE, text.as_bytes())?;
    }
    table(&bag, changes)?;
    bag.put_json(JSON, changes)?;
    bag.put(SCHEMA, SCHEMA_TEXT.as_bytes())?;
    let identity = Identity::new(changes);
    let page = Page { title: "Changes", up: "", part: "changes" };
    let bytes = Pages::new()?.render("changes.html", page, &identity, &content(changes))?;
    bag.put(CHANGES, &bytes)?;
    let file = columns::File {
        name: "changes.csv",
        content: "One row a change; `json/changes.json` holds the raw values.",
        key: None,
        columns: COLUMNS.to_vec(),
    };
    let of_access = changes.access.as_deref().map(|access| {
        access_changes::write(&bag, access)?;
        Ok::<_, Error>(access_changes::file())
    });
    let files: Vec<columns::File> = [file].into_iter().chain(of_access.transpose()?).collect();
    columns::write(&bag, &files)?;
    let about = [
        ("Source-Organization", identity.subject.chars().filter(|letter| !letter.is_control()).collect()),
        ("External-Description", format!("Changes from {} to {}", identity.old.day, identity.new.day)),
        ("Bag-Software-Agent", identity.tool.clone()),
        ("Old-Snapshot-Root-SHA256", changes.old.snapshot_root.clone()),
        ("New-Snapshot-Root-SHA256", changes.new.snapshot_root.clone()),
    ];
    bag.seal(&about, |_, _| Ok(Vec::new()))
}

fn table(bag: &Bag, changes: &Changes) -> Result<(), Error> {
    let mut table = Table::create(bag, CSV, COLUMNS.iter().map(|(name, _)| *name))?;
    let word = |status: Option<Status>| status.map(Status::word).unwrap_or_default();
    for it in &changes.findings {
        table.row(&[
            "finding",
            it.class.words(),
            &it.because,
            word(it.old_status),
            word(it.new_status),
            if it.replaced { "Y" } else { "" },
            it.severity.word(),
            it.check_id,
            &it.account_id,
            &it.account_name,
            &it.region,
            it.resource_type,
            &it.resource_arn,
            &it.resource_name,
            &it.reason,
            &it.fingerprint,
            it.waiver.as_ref().map_or("", |waiver| &waiver.id),
        ])?;
    }
    for it in &changes.accounts {
        let mut row = [""; COLUMNS.len()];
        (row[0], row[2], row[8], row[9]) = ("account", &it.what, &it.account_id, &it.name);
        table.row(&row)?;
    }
    for it in &changes.resources {
        let mut row = [""; COLUMNS.len()];
        (row[0], row[1], row[2], row[8]) = ("resource", it.fate.words(), &it.because, &it.account_id);
        (row[10], row[11], row[12]) = (&it.region, it.resource_type, &it.resource_arn);
        table.row(&row)?;
    }
    bag.add(CSV, table.finish()?);
    Ok(())
}

/// What stands around the page.
#[derive(Debug, Serialize)]
struct Identity {
    subject: String,
    day: String,
    loosened: Vec<String>,
    narrowed: Vec<String>,
    verdicts: &'static str,
    waivers: String,
    demo: bool,
    tool: String,
    old: SideView,
    new: SideView,
}

/// One side, in words.
#[derive(Debug, Serialize)]
struct SideView {
    root: String,
    start: String,
    end: String,
    day: String,
    accounts: String,
    findings: String,
    incomplete: bool,
}

impl SideView {
    fn new(side: &Side) -> Self {
        Self {
            root: side.snapshot_root.clone(),
            start: side.start.to_string(),
            end: side.end.to_string(),
            day: side.end.strftime("%-d %B %Y").to_string(),
            accounts: grouped(side.accounts as u64),
            findings: grouped(side.counts.total()),
            incomplete: side.incomplete,
        }
    }
}

impl Identity {
    fn new(changes: &Changes) -> Self {
        let (old, new) = (SideView::new(&changes.old), SideView::new(&changes.new));
        let id = |side: &Side| side.organization_id.clone().unwrap_or_else(|| "no organization".to_owned());
        let (before, after) = (id(&changes.old), id(&changes.new));
        let tool = Tool::this();
        Self {
            subject: if before == after { after } else { format!("{before} and {after}") },
            day: new.day.clone(),
            loosened: identity::loosened(&changes.settings),
            narrowed: changes.narrowed.iter().map(|phrase| shortened(phrase)).collect(),
            verdicts: match changes.verdicts {
                Verdicts::Keyproof => "",
                Verdicts::SecurityHub => "with the parameters of AWS Security Hub where it has a control of its own",
            },
            waivers: changes.waivers_sha256.clone().unwrap_or_default(),
            demo: changes.new.source == Source::Demo || changes.old.source == Source::Demo,
            tool: format!("{} {}", tool.name, tool.version),
            old,
            new,
        }
    }
}

/// The page.
#[derive(Debug, Serialize)]
struct Content<'a> {
    incomplete: Option<&'static str>,
    balance: Vec<Term>,
    sections: Vec<Section<'a>>,
    accounts: &'a [AccountChange],
    accounts_rest: String,
    fates: Vec<FateTally>,
    resources: Vec<ResourceRow<'a>>,
    resources_rest: String,
    access: Option<AccessView>,
}

/// A term of the balance.
#[derive(Debug, Serialize)]
struct Term {
    sign: &'static str,
    number: String,
    label: &'static str,
    /// The class that it counts; empty for the two ends.
    class: &'static str,
    href: &'static str,
}

/// The findings of one class.
#[derive(Debug, Serialize)]
struct Section<'a> {
    id: &'static str,
    words: &'static str,
    explanation: &'static str,
    count: String,
    folded: bool,
    rows: Vec<Row<'a>>,
    rest: String,
}

/// A finding.
#[derive(Debug, Serialize)]
struct Row<'a> {
    old: Option<StatusView>,
    new: Option<StatusView>,
    replaced: bool,
    severity: &'static str,
    check: &'static str,
    account: &'a str,
    account_name: &'a str,
    region: &'a str,
    resource: String,
    resource_arn: String,
    because: String,
    reason: String,
    anchor: String,
}

/// How many resources met a fate.
#[derive(Debug, Serialize)]
struct FateTally {
    words: &'static str,
    count: String,
}

/// A principal or key.
#[derive(Debug, Serialize)]
struct ResourceRow<'a> {
    fate: &'static str,
    resource_type: &'static str,
    account: &'a str,
    region: &'a str,
    resource_arn: String,
    because: String,
}

fn content(changes: &Changes) -> Content<'_> {
    let mut room = MAX_ROWS;
    let sections = Class::ALL.into_iter().filter_map(|class| section(changes, class, &mut room)).collect();
    let fates = [Fate::Came, Fate::Went, Fate::Replaced, Fate::NotKnown].map(|fate| FateTally {
        words: fate.words(),
        count: grouped(changes.resources.iter().filter(|it| it.fate == fate).count() as u64),
    });
    Content {
        incomplete: match (changes.old.incomplete, changes.new.incomplete) {
            (true, true) => Some("Neither snapshot holds everything that the checks read."),
            (true, false) => Some("The old snapshot does not hold everything that the checks read."),
            (false, true) => Some("The new snapshot does not hold everything that the checks read."),
            (false, false) => None,
        },
        balance: balance(changes),
        sections,
        accounts: changes.accounts.get(..500).unwrap_or(&changes.accounts),
        accounts_rest: rest(changes.accounts.len().saturating_sub(500)),
        fates: fates.into(),
        resources: changes.resources.iter().take(MAX_ROWS / 2).map(resource_row).collect(),
        resources_rest: rest(changes.resources.len().saturating_sub(MAX_ROWS / 2)),
        access: changes.access.as_deref().map(access_changes::view),
    }
}

fn rest(hidden: usize) -> String {
    match hidden {
        0 => String::new(),
        hidden => format!("{} more than a page holds; data/csv/changes.csv has them all.", grouped(hidden as u64)),
    }
}

fn balance(changes: &Changes) -> Vec<Term> {
    let it = changes.balance;
    let term = |sign, number, label, class: Option<Class>| Term {
        sign,
        number: grouped(number),
        label,
        class: class.map(Class::words).unwrap_or_default(),
        href: class.map(place).unwrap_or_default(),
    };
    let mut terms = vec![
        term("", it.open_old, "exceptions then", None),
        term("+", it.new, "new", Some(Class::New)),
        term("+", it.newly_assessable, "newly assessable", Some(Class::NewlyAssessable)),
    ];
    if it.waiver_ended > 0 {
        terms.push(term("+", it.waiver_ended, "waiver ended", Some(Class::WaiverEnded)));
    }
    terms.push(term("−", it.fixed, "fixed", Some(Class::Fixed)));
    terms.push(term("−", it.no_longer_assessable, "no longer assessable", Some(Class::NoLongerAssessable)));
    if it.waived > 0 {
        terms.push(term("−", it.waived, "waived", Some(Class::Waived)));
    }
    terms.push(term(if it.holds() { "=" } else { "≠" }, it.open_new, "exceptions now", None));
    terms
}

fn place(class: Class) -> &'static str {
    match class {
        Class::New => "new",
        Class::NewlyAssessable => "newly-assessable",
        Class::WaiverEnded => "waiver-ended",
        Class::Fixed => "fixed",
        Class::NoLongerAssessable => "no-longer-assessable",
        Class::Waived => "waived",
        Class::Unchanged => "unchanged",
        Class::Other => "other",
    }
}

fn explanation(class: Class) -> &'static str {
    match class {
        Class::New => "Exceptions that the old snapshot could have shown and did not.",
        Class::NewlyAssessable => {
            "Exceptions that the old snapshot could not show, because it could not read them or left them out. They may be old."
        }
        Class::WaiverEnded => "Exceptions whose waiver has ended.",
        Class::Fixed => {
            "Exceptions that are gone: the resource passes, is exempt, or is missing from a list that is known to be whole."
        }
        Class::NoLongerAssessable => {
            "Exceptions of which the new snapshot says nothing. Not fixed: they may be there still."
        }
        Class::Waived => "Exceptions that got a waiver. The weakness is there still.",
        Class::Unchanged => "Exceptions then and now.",
        Class::Other => {
            "Changes of status that concern no exception: gaps that opened or closed, exemptions that came or went."
        }
    }
}

fn section<'a>(changes: &'a Changes, class: Class, room: &mut usize) -> Option<Section<'a>> {
    let count = changes.counts.get(&class).copied().unwrap_or_default();
    let always = matches!(class, Class::New | Class::Fixed | Class::NoLongerAssessable);
    if count == 0 && !always {
        return None;
    }
    let rows: Vec<Row<'a>> = changes.findings.iter().filter(|it| it.class == class).take(*room).map(row).collect();
    *room -= rows.len();
    Some(Section {
        id: place(class),
        words: class.words(),
        explanation: explanation(class),
        count: grouped(count),
        folded: matches!(class, Class::Unchanged | Class::Other),
        rest: rest(usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(rows.len())),
        rows,
    })
}

fn row(it: &FindingChange) -> Row<'_> {
    Row {
        old: it.old_status.map(view::status),
        new: it.new_status.map(view::status),
        replaced: it.replaced,
        severity: it.severity.word(),
        check: it.check_id,
        account: &it.account_id,
        account_name: &it.account_name,
        region: &it.region,
        resource: shortened(&it.resource_name),
        resource_arn: shortened(&it.resource_arn),
        because: shortened(&it.because),
        reason: shortened(&it.reason),
        anchor: format!("f-{}", it.fingerprint.get(..12).unwrap_or(&it.fingerprint)),
    }
}

fn resource_row(it: &ResourceChange) -> ResourceRow<'_> {
    ResourceRow {
        fate: it.fate.words(),
        resource_type: it.resource_type,
        account: &it.account_id,
        region: &it.region,
        resource_arn: shortened(&it.resource_arn),
        because: shortened(&it.because),
    }
}
