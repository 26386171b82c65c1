//! `README.html`: what lies where in a pack, and which file answers what auditors ask for.

use serde::Serialize;

use super::WORKBOOK;
use super::bag::Bag;
use super::columns::File;
use super::html::{Page, Pages};
use super::identity::Identity;
use super::{Error, FINDINGS};

/// Where the page lies.
const README: &str = "data/README.html";

/// What auditors ask for: the tables that answer it, and what to say where the pack has none of them.
const REQUESTS: [(&str, &[&str], &str); 15] = [
    (
        "How the lists were produced, and whether they are whole",
        &["about.csv", "completeness.csv", "gaps.csv", "evidence_index.csv"],
        "",
    ),
    ("The accounts in scope", &["accounts.csv", "scope.csv"], ""),
    ("All users and roles", &["users.csv", "roles.csv"], ""),
    ("Privileged access", &["privileged_principals.csv"], ""),
    ("Service and shared accounts", &["service_accounts.csv"], ""),
    ("MFA, and the age of credentials", &["users.csv", "access_keys.csv"], ""),
    ("The inventory of keys, their rotation and cryptoperiod", &["kms_keys.csv", "kms_grants.csv"], ""),
    ("Who can decrypt, who administers keys", &["key_access.csv", "key_admins.csv"], NO_ACCESS),
    ("Access of third parties", &["external_access.csv"], NO_ACCESS),
    ("A review of access", &["access_review_worksheet.csv"], NO_ACCESS),
    ("Controls, how they were tested, and the result", &["controls_matrix.csv", "findings.csv"], ""),
    ("Exceptions that were accepted", &["waivers.csv"], ""),
    ("What is still to be mended", &["poam.csv"], ""),
    ("A sample to test by hand", &["sample.csv"], "not part of this pack: keyproof audit --sample draws one"),
    ("Changes in the period", &[], "a comparison of two snapshots answers it: keyproof diff writes changes.csv"),
];

const NO_ACCESS: &str = "not part of this pack: keyproof audit --access writes it";

/// Files and folders that are no tables. A file that ends in `/` is a folder; the second is a file that shows that it is there.
const OTHERS: [(&str, &str, &str); 12] = [
    (
        "report/",
        super::INDEX,
        "Pages for people: overview, completeness, frameworks, checks, accounts, keys, waivers, requests, methodology",
    ),
    ("json/findings.ndjson", FINDINGS, "One finding a line, with the raw values"),
    ("json/controls.json", "data/json/controls.json", "Controls with their checks, counts and determinations"),
    ("json/completeness.json", "data/json/completeness.json", "Tie-outs and gaps"),
    ("json/access.ndjson", "data/json/access.ndjson", "Who can do what on which key, one action a line"),
    (
        "json/*.schema.json",
        "data/json/findings.schema.json",
        "What stands in each of these and in pack.json, as JSON Schema",
    ),
    ("pack.json", super::PACK, "What the pack is: digests, selection, counts, gaps"),
    ("xlsx/evidence.xlsx", WORKBOOK, "The tables as the sheets of one workbook"),
    ("interop/", "data/interop/ocsf.ndjson", "The findings for other programs: OCSF, OSCAL, JUnit"),
    ("inputs/", "data/inputs/waivers.toml", "The file of waivers, byte for byte"),
    ("evidence/", "data/csv/evidence_index.csv", "Each item of evidence with the answer of AWS it was taken from"),
    ("snapshot/", "data/snapshot/manifest.json", "The answers of AWS as they came, with a list of every call"),
];

/// The page.
#[derive(Debug, Serialize)]
struct Content<'a> {
    requests: Vec<Request>,
    tables: Vec<Table<'a>>,
    others: Vec<Other>,
}

/// Something that is asked for.
#[derive(Debug, Serialize)]
struct Request {
    asked: &'static str,
    files: Vec<Link>,
    rest: &'static str,
}

/// A table with a link.
#[derive(Debug, Serialize)]
struct Link {
    name: &'static str,
    href: String,
}

/// A table, and what stands in it.
#[derive(Debug, Serialize)]
struct Table<'a> {
    name: &'a str,
    href: String,
    content: String,
}

/// A file or folder that is no table, and what lies there.
#[derive(Debug, Serialize)]
struct Other {
    name: &'static str,
    content: &'static str,
}

/// Writes the page, once every file that it names is in the bag.
pub(super) fn write(bag: &Bag, pages: &Pages, identity: &Identity, files: &[File]) -> Result<(), Error> {
    let is_there = |name: &str| bag.written(&format!("data/csv/{name}")).is_some();
    let request = |(asked, names, otherwise): (&'static str, &[&'static str], &'static str)| {
        let files: Vec<Link> =
            names.iter().filter(|name| is_there(name)).map(|name| Link { name, href: format!("csv/{name}") }).collect();
        let rest = if files.is_empty() { otherwise } else { "" };
        Request { asked, files, rest }
    };
    let table = |file: &File| Table {
        name: file.name,
        href: format!("csv/{}", file.name),
        // The marks of Markdown, for COLUMNS.md.
        content: file.content.replace('`', ""),
    };
    let others = OTHERS.iter().filter(|(_, shows, _)| bag.written(shows).is_some());
    let content = Content {
        requests: REQUESTS.into_iter().map(request).collect(),
        tables: files.iter().map(table).collect(),
        others: others.map(|(name, _, content)| Other { name, content }).collect(),
    };
    let page = Page { title: "Read me", up: "report/", part: "" };
    let bytes = pages.render("readme.html", page, identity, &content)?;
    bag.put(README, &bytes)
}
