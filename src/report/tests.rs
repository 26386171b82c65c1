//! What holds of every pack: names stay text, numbers agree with the findings, links lead somewhere, bytes repeat.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::{FINDINGS, INDEX, Options, Pack, Sample, Sealed, write_comparison};
use crate::audit::{self, Summary};
use crate::checks::Verdicts;
use crate::diff::fixture::{self, Account, World};
use crate::files;
use crate::snapshot::{self, AccountOutcome, Outcome, Snapshot};
use crate::waivers::{Known, NO_WAIVERS, Waivers};

/// Names that try to leave their place on a page, in a table, in a shell.
const HOSTILE: &str = "=cmd|'/C x'!A0\"><img src=x onerror=alert(1)></script><script>alert(1)</script>' onclick='x' style=\"x\" \
     {{ 7*7 }}{% raw %}<!--\u{202e}\u{200b}\u{0}\u{1b}[31m\r\n\u{2028}`$(id)`; javascript:x https://attacker.example/ ]]>&lt;";

/// A world in which every status occurs, and much could not be read.
pub(super) fn ragged(prefix: &str) -> World {
    World::new().with(|it| {
        it.prefix = prefix.to_owned();
        let user = |name: &str, group: &str| (name.to_owned(), format!("AIDA{name}"), group.to_owned());
        it.accounts[0].users.extend([user("peggy", "odd"), user("victor", "unread"), user("wendy", "exempt")]);
        it.accounts[0].grants_outcome = Outcome::Denied;
        it.accounts[1].keys_outcome = Outcome::Denied;
        for (id, outcome) in [
            ("666677778888", AccountOutcome::NotEntered),
            ("777788889999", AccountOutcome::Excluded),
            ("888899990000", AccountOutcome::Inactive),
        ] {
            it.accounts.push(Account { outcome, ..Account::new(id) });
        }
    })
}

fn written(snapshot: &Snapshot, folder: &Path, with_snapshot: bool) -> (Sealed, Summary) {
    written_under(&NO_WAIVERS, snapshot, folder, with_snapshot)
}

fn written_under(waivers: &Waivers, snapshot: &Snapshot, folder: &Path, with_snapshot: bool) -> (Sealed, Summary) {
    written_with(waivers, None, snapshot, folder, with_snapshot)
}

fn written_with(
    waivers: &Waivers,
    sample: Option<&Sample>,
    snapshot: &Snapshot,
    folder: &Path,
    with_snapshot: bool,
) -> (Sealed, Summary) {
    let frameworks = fixture::frameworks();
    let audit = audit::Options { waivers, ..fixture::options(&frameworks) };
    let options = Options { sample, with_snapshot, ..options(audit) };
    let mut pack = Pack::create(folder, snapshot, options).unwrap();
    let summary = audit::run::<super::Error>(snapshot, audit, |audited| pack.account(audited)).unwrap();
    (pack.finish(&summary).unwrap(), summary)
}

/// A whole pack of an audit.
fn options(audit: audit::Options<'_>) -> Options<'_> {
    Options {
        audit,
        own_frameworks: &[],
        with_snapshot: true,
        with_access: true,
        with_workbook: false,
        prior_root: None,
        sample: None,
        custody: None,
        redaction: None,
    }
}

/// A sample by a seed that begins with a prefix.
fn sample(prefix: &str) -> Sample {
    let seed = format!("{prefix}seed").chars().filter(|letter| !super::is_hidden(*letter)).collect();
    Sample { size: 7, seed }
}

/// A pack of a world, beside its snapshot.
pub(super) fn pack(world: &World) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = world.snapshot(&folder.path().join("snapshot"));
    written(&snapshot, &folder.path().join("pack"), true);
    folder
}

/// Waivers of every kind and standing, with texts that begin with a prefix.
fn waivers(prefix: &str) -> Waivers {
    let text = |name: &str| toml::Value::String(format!("{prefix}{name}"));
    let entry = |id: usize, kind: &str, scope: &str, approved: &str, expires: &str, more: &str| {
        let people = format!("owner = {}\napprover = {}\n", text("owner"), text("approver"));
        let evidence = format!("evidence = [{{ path = {}, sha256 = '{}' }}]\n", text("minutes"), "0f".repeat(32));
        let words = format!(
            "justification = {}\nticket = {}\nreview_note = {}\n",
            text("because"),
            text("ticket"),
            text("note")
        );
        format!(
            "[[waiver]]\nid = 'W-{id}'\nkind = '{kind}'\nmatch = {{ {scope} }}\napproved_on = {approved}\nexpires_on = {expires}\n\
             {people}{evidence}{words}{more}\n"
        )
    };
    let sheet = format!("[waiver.compensating]\nconstraints = {}\n", text("constraints"));
    let measure = format!("[waiver.alternative]\nequivalent_measure = {}\n", text("measure"));
    let users = "check = 'test-users', account = '111122223333'";
    let grants = "check = 'test-grants', account = '444455556666'";
    let keys = "check = 'test-keys', resource_arn = 'arn:aws:kms:*:111122223333:key/*'";
    let file = [
        entry(1, "compensating_control", keys, "2026-09-01", "2026-12-31", &sheet),
        entry(2, "alternative_measure", users, "2026-01-01", "2026-08-31", &measure),
        entry(3, "risk_acceptance", grants, "2026-10-01", "2026-12-31", ""),
        entry(4, "false_positive", users, "2026-09-01", "2026-12-31", "frameworks = ['example-0']"),
        entry(5, "not_applicable", "check = 'other', account = '111122223333'", "2026-09-01", "2026-12-31", ""),
    ];
    let nothing = |_: &str| None;
    crate::waivers::parse("w.toml", &file.concat(), Known { check: &nothing, framework: &nothing }).unwrap()
}

/// A pack of a world under waivers, beside its snapshot.
fn waived_pack(world: &World, waivers: &Waivers) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = world.snapshot(&folder.path().join("snapshot"));
    written_with(waivers, Some(&sample(&world.prefix)), &snapshot, &folder.path().join("pack"), true);
    folder
}

/// A pack of the first account of a world and one of its frameworks.
fn narrowed_pack(world: &World) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = world.snapshot(&folder.path().join("snapshot"));
    let ids = BTreeSet::from([world.accounts[0].id.clone()]);
    let selection = audit::Selection {
        frameworks: BTreeSet::from(["example".to_owned()]),
        accounts: ids.clone(),
        within: Some(ids),
        ..audit::Selection::default()
    };
    let frameworks = fixture::frameworks();
    let audit = audit::Options { selection: &selection, ..fixture::options(&frameworks) };
    let options = options(audit);
    let mut pack = Pack::create(&folder.path().join("pack"), &snapshot, options).unwrap();
    let summary = audit::run::<super::Error>(&snapshot, audit, |audited| pack.account(audited)).unwrap();
    pack.finish(&summary).unwrap();
    folder
}

fn text(path: &Path) -> String {
    String::from_utf8(files::read(path).unwrap()).unwrap()
}

/// Every page below a folder, by path relative to it.
fn pages(folder: &Path) -> BTreeMap<String, String> {
    let paths = files::list(folder).unwrap().into_iter().filter(|path| path.ends_with(".html"));
    paths.map(|path| (path.clone(), text(&folder.join(&path)))).collect()
}

fn findings(pack: &Path) -> Vec<Value> {
    text(&pack.join(FINDINGS)).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A start tag: its name and attributes, entities left as they are.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(it, _)| *it == name).map(|(_, value)| *value)
    }
}

/// The start tags of a page, read as strictly as the templates write them; checks on the way that every element is closed.
fn tags<'a>(name: &str, page: &'a str) -> Vec<Tag<'a>> {
    const VOID: [&str; 4] = ["meta", "br", "use", "path"];
    let mut tags = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!doctype html>").unwrap_or_else(|| panic!("{name}: no doctype"));
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').unwrap_or_else(|| panic!("{name}: a tag does not end"));
        let (inside, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if let Some(closed) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{name}: elements overlap before …{}", &after[..after.len().min(80)]);
            continue;
        }
        let (body, is_closed) = inside.strip_suffix('/').map_or((inside, false), |body| (body, true));
        let (tag, mut attributes_text) = body.split_once(' ').unwrap_or((body, ""));
        let mut attributes = Vec::new();
        while !attributes_text.trim().is_empty() {
            attributes_text = attributes_text.trim_start();
            match attributes_text.split_once("=\"") {
                Some((key, value)) if !key.contains(' ') => {
                    let (value, more) = value.split_once('"').unwrap_or_else(|| panic!("{name}: <{inside}>"));
                    attributes.push((key, value));
                    attributes_text = more;
                }
                _ => {
                    let (key, more) = attributes_text.split_once(' ').unwrap_or((attributes_text, ""));
                    attributes.push((key, ""));
                    attributes_text = more;
                }
            }
        }
        if matches!(tag, "style" | "script") {
            rest = &rest[rest.find(&format!("</{tag}>")).unwrap()..];
        }
        if !is_closed && !VOID.contains(&tag) {
            open.push(tag);
        }
        tags.push(Tag { name: tag, attributes });
    }
    assert!(open.is_empty(), "{name}: not closed: {open:?}");
    tags
}

/// What a page may be made of. Nothing here loads or submits anything, and nothing runs but the script of every page.
const ELEMENTS: &[&str] = &[
    "html", "head", "meta", "title", "style", "body", "svg", "symbol", "path", "circle", "rect", "use", "a", "header",
    "p", "nav", "ul", "ol", "li", "bdi", "span", "main", "b", "div", "h1", "h2", "h3", "section", "dl", "dt", "dd",
    "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "code", "pre", "details", "summary", "article",
    "footer", "br", "q", "script",
];
const ATTRIBUTES: &[&str] = &[
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "aria-hidden",
    "focusable",
    "id",
    "viewBox",
    "d",
    "fill",
    "stroke",
    "stroke-width",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-dasharray",
    "cx",
    "cy",
    "r",
    "href",
    "aria-label",
    "aria-current",
    "aria-labelledby",
    "role",
    "tabindex",
    "scope",
    "colspan",
    "data-count",
    "data-controls",
    "data-determination",
    "data-change",
    "data-fate",
    "data-turn",
    "data-standing",
    "data-access",
    "data-tie",
    "data-facts",
    "data-row",
    "data-live",
    "data-noun",
    "data-facets",
    "data-root",
    "type",
    "rowspan",
    "preserveAspectRatio",
    "width",
    "height",
    "x",
    "title",
    "open",
];

fn all_pages(world: &World) -> BTreeMap<String, String> {
    let folder = pack(world);
    let mut found = pages(&folder.path().join("pack"));
    let new = world.clone().with(|it| it.accounts[0].users[1].2 = "good".to_owned());
    let (old, new) =
        (Snapshot::open(&folder.path().join("snapshot")).unwrap(), new.snapshot(&folder.path().join("newer")));
    let frameworks = fixture::frameworks();
    let changes = crate::diff::run(&old, &new, fixture::options(&frameworks), true).unwrap();
    write_comparison(&folder.path().join("changes"), &changes, &NO_WAIVERS).unwrap();
    found.extend(pages(&folder.path().join("changes")));
    let waived = waived_pack(world, &waivers(&world.prefix));
    let waived = pages(&waived.path().join("pack")).into_iter();
    found.extend(waived.map(|(name, page)| (format!("waived/{name}"), page)));
    found
}

#[test]
fn hostile_names_make_no_element_no_attribute_and_no_address() {
    let pages = all_pages(&ragged(HOSTILE));
    assert!(pages.len() >= 14, "{:?}", pages.keys());
    for (name, page) in &pages {
        for tag in tags(name, page) {
            assert!(ELEMENTS.contains(&tag.name), "{name}: <{}>", tag.name);
            for (key, value) in &tag.attributes {
                assert!(ATTRIBUTES.contains(key), "{name}: <{} {key}>", tag.name);
                let leads_out = matches!(*key, "href") && (value.contains(':') || value.starts_with('/'));
                assert!(!leads_out, "{name}: {key}={value}");
            }
        }
        let hidden = page.chars().find(|letter| *letter != '\n' && super::visible::is_hidden(*letter));
        assert_eq!(hidden, None, "{name}");
        assert!(!page.contains("49{%"), "{name}");
        let (scripts, data): (Vec<&str>, Vec<&str>) = scripts(page).partition(|it| it.starts_with("<script>"));
        assert_eq!(scripts, [&format!("<script>{}", include_str!("../../templates/script.js"))], "{name}");
        for block in data {
            let json = block.strip_prefix("<script type=\"application/json\">").unwrap();
            let _: Value = serde_json::from_str(json).unwrap_or_else(|failed| panic!("{name}: {failed}"));
            assert!(!json.contains(['<', '>', '&', '\'', '\u{2028}']), "{name}");
        }
    }
    let account = &pages["data/report/accounts/111122223333.html"];
    assert!(account.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && account.contains("⟨U+202E⟩"));
    assert!(account.contains("{{ 7*7 }}"));
}

/// The scripts of a page and the blocks of data, each from its tag on.
fn scripts(page: &str) -> impl Iterator<Item = &str> {
    page.match_indices("<script").map(|(at, _)| page[at..].split("</script>").next().unwrap())
}

#[test]
fn pages_name_no_address_and_carry_only_their_own_style() {
    for (name, page) in all_pages(&ragged("")) {
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("//cdn"), "{name}");
        assert!(!page.contains("style=\""), "{name}");
        let [style, script] = ["style", "script"].map(|tag| {
            let text =
                page.split(&format!("<{tag}>")).nth(1).and_then(|it| it.split(&format!("</{tag}>")).next()).unwrap();
            let digest = sha2::Digest::finalize(sha2::Digest::chain_update(sha2::Sha256::default(), text));
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest)
        });
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; base-uri 'none'; \
             form-action 'none'"
        );
        let escaped = policy.replace('\'', "&#39;");
        assert!(page.contains(&escaped), "{name}: the policy does not allow the page's own style and script");
    }
}

#[test]
fn every_link_leads_to_a_place_in_the_pack() {
    assert!(links(&pack(&ragged(""))) > 400);
    // The organization was asked in an account that is left out, and others have gaps.
    let world = ragged("").with(|it| {
        it.organization_denied = true;
        it.accounts.rotate_left(1);
    });
    assert!(links(&narrowed_pack(&world)) > 200);
    assert!(links(&waived_pack(&ragged(""), &waivers(""))) > 400);
}

/// How many links a pack has, each of which leads to a place.
fn links(folder: &tempfile::TempDir) -> usize {
    let pack = folder.path().join("pack");
    let pages = pages(&pack);
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, page) in &pages {
        let all: Vec<&str> = tags(name, page).iter().filter_map(|tag| tag.get("id")).collect();
        let unique: BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), unique.len(), "{name}: an id stands twice: {all:?}");
        ids.insert(name, unique);
    }
    let mut links = 0;
    for (name, page) in &pages {
        for href in tags(name, page).iter().filter_map(|tag| tag.get("href")) {
            let (path, place) = href.split_once('#').unwrap_or((href, ""));
            let target = if path.is_empty() { name.clone() } else { resolved(name, path) };
            // A view of a table: its name, then what it is filtered by.
            let place = place.split_once('?').map_or(place, |(table, _)| table);
            assert!(pack.join(&target).is_file(), "{name}: {href} leads to {target}, which is not there");
            let is_there = place.is_empty() || ids[target.as_str()].contains(place);
            assert!(is_there, "{name}: {href} leads to no place of {target}");
            links += 1;
        }
    }
    links
}

fn resolved(page: &str, path: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// How many findings answer a question such as `check=test-users status=FAIL + check=test-keys status=FAIL`. `distinct=account_id` asks
/// how many different accounts they have.
fn answer(question: &str, findings: &[Value]) -> usize {
    if let Some((question, column)) = question.split_once(" distinct=") {
        let found = findings.iter().filter(|finding| matches(question, finding));
        return found.map(|finding| finding[column].as_str()).collect::<BTreeSet<_>>().len();
    }
    question.split(" + ").map(|part| findings.iter().filter(|finding| matches(part, finding)).count()).sum()
}

fn matches(question: &str, finding: &Value) -> bool {
    let terms: BTreeMap<&str, &str> = question.split_whitespace().map(|term| term.split_once('=').unwrap()).collect();
    let mut status = finding["status"].as_str().unwrap();
    for (key, value) in &terms {
        let holds = match *key {
            "check" => finding["check_id"] == **value,
            "account" => finding["account_id"] == **value,
            "severity" => finding["severity"] == **value,
            "domain" => finding["check_id"].as_str().is_some_and(|id| id.split('-').next() == Some(value)),
            "aspect" | "aspect-only" => {
                let aspect = finding["aspects"].as_array().into_iter().flatten().find(|it| it["name"] == **value);
                match aspect {
                    Some(aspect) => status = aspect["status"].as_str().unwrap(),
                    None if *key == "aspect-only" => return false,
                    None => {}
                }
                aspect.is_some() || matches!(status, "ERROR" | "NOT_APPLICABLE")
            }
            "waiver" => finding["waiver"]["id"] == **value,
            // A waiver may count for other frameworks only.
            "framework" => {
                let counts =
                    finding["waiver"]["frameworks"].as_array().is_none_or(|all| all.iter().any(|it| it == value));
                if status == "WAIVED" && !counts {
                    status = "FAIL";
                }
                true
            }
            "status" => true,
            other => panic!("{other} is no question"),
        };
        if !holds {
            return false;
        }
    }
    match terms.get("status") {
        None => true,
        Some(&"POPULATION") => !matches!(status, "NOT_APPLICABLE" | "MANUAL"),
        Some(expected) => status == *expected,
    }
}

/// The text of the element that carries an attribute, with the attribute's value.
fn marked<'a>(page: &'a str, attribute: &str) -> Vec<(&'a str, usize)> {
    let needle = format!(" {attribute}=\"");
    page.match_indices(&needle)
        .map(|(at, _)| {
            let (value, rest) = page[at + needle.len()..].split_once('"').unwrap();
            let content = rest.split_once('>').unwrap().1.split_once('<').unwrap().0;
            (value, content.replace(',', "").parse().unwrap_or_else(|_| panic!("{value}: {content}")))
        })
        .collect()
}

#[test]
fn every_number_on_every_page_equals_a_count_of_findings() {
    let folder = pack(&ragged(""));
    let found = findings(&folder.path().join("pack"));
    let statuses: BTreeSet<&str> = found.iter().filter_map(|it| it["status"].as_str()).collect();
    assert_eq!(Vec::from_iter(statuses), ["ERROR", "FAIL", "NOT_APPLICABLE", "PASS", "UNDECIDED"]);
    assert!(numbers(&folder) > 300);
    assert!(numbers(&narrowed_pack(&ragged(""))) > 100);
    assert!(numbers(&waived_pack(&ragged(""), &waivers(""))) > 300);
}

/// How many numbers the pages of a pack show, each of which equals a count of findings.
fn numbers(folder: &tempfile::TempDir) -> usize {
    let pack = folder.path().join("pack");
    let findings = findings(&pack);
    let pages = pages(&pack);
    let mut numbers = 0;
    for (name, page) in &pages {
        for (question, number) in marked(page, "data-count") {
            assert_eq!(answer(question, &findings), number, "{name}: {question}");
            numbers += 1;
        }
        // A cell that shows a number of findings and does not say which would escape this test.
        let unmarked = page.match_indices("<td class=\"n").filter(|(at, _)| {
            let tag = &page[*at..*at + page[*at..].find('>').unwrap()];
            !["data-count", "data-access", "data-tie", "data-standing", "data-facts", "data-controls", "data-row"]
                .iter()
                .any(|marker| tag.contains(marker))
        });
        let lists = ["completeness.html", "accounts/index.html", "keys/index.html", "access/decrypt-matrix.html"];
        let is_list = lists.iter().any(|list| name.ends_with(list)) || name == INDEX;
        assert!(is_list || unmarked.count() == 0, "{name}");
    }
    let index = &pages[INDEX];
    let controls = marked(index, "data-controls");
    assert!(!controls.is_empty());
    for (question, number) in controls {
        // A framework alone, or with what is said of its controls.
        let end = if question.contains(' ') { "\"" } else { " " };
        let given = format!("data-determination=\"{question}{end}");
        let found: usize = pages.values().map(|page| page.matches(&given).count()).sum();
        assert_eq!(found, number, "{question}");
    }
    numbers
}

#[test]
fn a_narrowed_pack_says_so_on_every_page_and_holds_nothing_of_what_was_left_out() {
    let world = ragged("");
    let folder = narrowed_pack(&world);
    let pack = folder.path().join("pack");
    let all = pages(&pack);
    let selected = &world.accounts[0].id;
    for (path, page) in &all {
        assert!(page.contains("class=\"narrowed\"") && page.contains(&format!("accounts {selected}")), "{path}");
    }
    let of = |part: &str| all.keys().filter(|path| path.contains(part)).cloned().collect::<Vec<_>>();
    let accounts = [format!("data/report/accounts/{selected}.html"), "data/report/accounts/index.html".to_owned()];
    assert_eq!(of("/accounts/"), accounts);
    assert_eq!(of("/frameworks/"), ["data/report/frameworks/example.html"]);
    assert!(
        !of("/keys/").is_empty() && of("/keys/").iter().all(|path| path.contains(selected) || path.contains("index"))
    );
    assert!(findings(&pack).iter().all(|finding| finding["account_id"] == **selected));
    let whole = self::pack(&world);
    let rows = |pack: &Path| text(&pack.join(FINDINGS)).lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert!(rows(&pack).is_subset(&rows(&whole.path().join("pack"))));
    let json: Value = serde_json::from_str(&text(&pack.join("data/pack.json"))).unwrap();
    let others: Vec<&str> = world.accounts[1..].iter().map(|account| account.id.as_str()).collect();
    assert_eq!(json["selection"]["left_out"]["accounts"], serde_json::json!(others));
    let gaps = json["gaps"].as_array().unwrap();
    assert!(!gaps.is_empty() && gaps.iter().all(|gap| gap["account_id"] == **selected), "{gaps:?}");
    for (path, page) in pages(&whole.path().join("pack")) {
        assert!(!page.contains("class=\"narrowed\""), "{path}");
    }
}

#[test]
fn a_pack_says_of_every_waiver_how_it_stands_and_holds_the_file() {
    let waivers = waivers(HOSTILE);
    let folder = waived_pack(&ragged(HOSTILE), &waivers);
    let pack = folder.path().join("pack");
    assert_eq!(super::verify(&pack).unwrap(), []);
    assert_eq!(Some(text(&pack.join("data/inputs/waivers.toml"))), waivers.text);
    let rows = table(&pack, "waivers.csv");
    let standings: Vec<&str> = rows.iter().map(|row| row["standing"].as_str()).collect();
    assert_eq!(standings, ["ACTIVE", "LAPSED", "NOT YET EFFECTIVE", "ACTIVE", "NOT JUDGED"]);
    let found = findings(&pack);
    for row in &rows {
        let waived =
            found.iter().filter(|it| it["status"] == "WAIVED" && it["waiver"]["id"] == *row["waiver_id"]).count();
        assert_eq!(row["waived"], waived.to_string());
        for (column, name) in [("owner", "owner"), ("justification", "because"), ("evidence_files", "minutes")] {
            assert_eq!(row[column], format!("{HOSTILE}{name}"));
        }
    }
    assert_eq!(rows[0]["waived"], "1");
    for it in &found {
        let is_waived = it["status"] == "WAIVED";
        assert_eq!(it["underlying_status"] == "FAIL", is_waived, "{it}");
        assert_eq!(it["waiver"]["state"] == "active", is_waived, "{it}");
    }
    let columns = text(&pack.join("data/csv/COLUMNS.md"));
    assert!(rows[0].keys().all(|column| columns.contains(&format!("| {column} |"))));
    let page = text(&pack.join("data/report/waivers.html"));
    for (standing, number) in marked(&page, "data-standing") {
        assert_eq!(standings.iter().filter(|it| **it == standing).count(), number, "{standing}");
    }
    let json: Value = serde_json::from_str(&text(&pack.join("data/pack.json"))).unwrap();
    assert_eq!(json["waivers"]["sha256"].as_str(), waivers.sha256().as_deref());
    for (name, place) in [("checks/test-keys.html", "w-W-1"), ("accounts/111122223333.html", "w-W-4")] {
        let page = text(&pack.join("data/report").join(name));
        assert!(page.contains(&format!("href=\"../waivers.html#{place}\"")), "{name}");
    }
    let framework = text(&pack.join("data/report/frameworks/example.html"));
    assert!(framework.contains("Waivers that count for other frameworks only cover 2 more."));
}

#[test]
fn a_sample_is_what_the_digests_of_seed_and_fingerprint_draw() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = ragged(HOSTILE).snapshot(&folder.path().join("snapshot"));
    let drawn = |size: u32, seed: &str| {
        let place = folder.path().join(format!("{size}-{seed}"));
        let sample = Sample { size, seed: seed.to_owned() };
        written_with(&NO_WAIVERS, Some(&sample), &snapshot, &place, true);
        place
    };
    let place = drawn(4, "ann");
    let population: Vec<String> = findings(&place)
        .iter()
        .filter(|it| it["status"] != "NOT_APPLICABLE" && it["status"] != "MANUAL")
        .map(|it| it["fingerprint"].as_str().unwrap().to_owned())
        .collect();
    let expected = |seed: &str| {
        let mut all: Vec<(String, String)> = population
            .iter()
            .map(|it| (crate::digest::sha256(format!("{seed}\n{it}").as_bytes()), it.clone()))
            .collect();
        all.sort();
        all
    };
    let rows = |place: &Path| {
        let rows = table(place, "sample.csv");
        rows.iter().map(|row| (row["draw"].clone(), row["fingerprint"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(rows(&place), expected("ann")[..4]);
    assert_eq!(rows(&drawn(3, "bob")), expected("bob")[..3]);
    assert_eq!(rows(&drawn(10_000, "ann")), expected("ann"));
    let lines: String = population.iter().map(|it| format!("{it}\n")).collect();
    let json: Value = serde_json::from_str(&text(&place.join("data/pack.json"))).unwrap();
    assert_eq!(json["sample"]["population_sha256"], crate::digest::sha256(lines.as_bytes()));
    assert_eq!((&json["sample"]["population"], &json["sample"]["drawn"]), (&population.len().into(), &4.into()));
    let page = text(&place.join("data/report/sample.html"));
    for (_, fingerprint) in rows(&place) {
        assert!(page.contains(&fingerprint));
    }
    assert!(page.contains("The population is not known to be whole (see gaps G-1"));
    let header = table(&place, "sample.csv").remove(0);
    let columns = text(&place.join("data/csv/COLUMNS.md"));
    assert!(header.keys().all(|column| columns.contains(&format!("| {column} |"))));
    assert!(header["commands"].starts_with("aws ") && header["agrees"].is_empty(), "{header:?}");
}

#[test]
fn a_request_list_holds_what_no_test_answers() {
    let folder = waived_pack(&ragged(""), &waivers(""));
    let pack = folder.path().join("pack");
    let rows = table(&pack, "request_list.csv");
    let of = |framework: &str, control: &str| {
        let rows = rows.iter().filter(|row| row["framework_id"] == framework && row["control_id"] == control);
        rows.map(|row| (row["why"].as_str(), row["items"].as_str(), row["waivers"].as_str())).collect::<Vec<_>>()
    };
    // Two findings of `mallory` and `trent` are waived for the earlier framework only; keys are waived for all.
    assert_eq!(of("example", "4"), [("NOT TESTED", "", "")]);
    assert!(of("example-0", "1").contains(&("WAIVED", "2", "W-4")), "{rows:?}");
    assert!(of("example", "1").contains(&("WAIVED", "1", "W-1")), "{rows:?}");
    assert!(of("example", "1").iter().any(|(why, items, _)| *why == "ERROR" && items.parse::<u64>().unwrap() > 0));
    let errors = rows.iter().filter(|row| row["why"] == "ERROR" && row["framework_id"] == "example");
    assert!(errors.clone().count() > 0 && errors.clone().all(|row| row["gaps"].contains("G-")));
    let page = text(&pack.join("data/report/requests.html"));
    assert_eq!(page.matches("<tr><th scope=\"row\"").count(), rows.len());
    let columns = text(&pack.join("data/csv/COLUMNS.md"));
    assert!(rows[0].keys().all(|column| columns.contains(&format!("| {column} |"))));
}

#[test]
fn without_waivers_nothing_is_waived_and_the_page_says_so() {
    let folder = pack(&ragged(""));
    let pack = folder.path().join("pack");
    assert!(findings(&pack).iter().all(|it| it["status"] != "WAIVED" && it["waiver"].is_null()));
    assert!(
        text(&pack.join("data/report/waivers.html")).contains("No waivers were given: every exception counts as FAIL.")
    );
    assert!(table(&pack, "waivers.csv").is_empty() && !pack.join("data/inputs").exists());
}

#[test]
fn a_change_under_a_waiver_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let old = ragged("").snapshot(&folder.path().join("old"));
    let new = ragged("").with(|it| it.accounts[0].users[0].2 = "bad".to_owned()).snapshot(&folder.path().join("new"));
    let (frameworks, waivers) = (fixture::frameworks(), waivers(HOSTILE));
    let options = audit::Options { waivers: &waivers, ..fixture::options(&frameworks) };
    let changes = crate::diff::run(&old, &new, options, true).unwrap();
    let place = folder.path().join("changes");
    write_comparison(&place, &changes, &waivers).unwrap();
    assert_eq!(super::verify(&place).unwrap(), []);
    assert!(changes.balance.holds());
    assert_eq!(Some(text(&place.join("data/inputs/waivers.toml"))), waivers.text);
    let named = table(&place, "changes.csv").iter().filter(|row| row["waiver_id"] == "W-4").count();
    assert!(named > 0);
}

/// A row of a CSV file: its raw cells by column.
type Cells = BTreeMap<String, String>;

fn table(pack: &Path, file: &str) -> Vec<Cells> {
    let bytes = files::read(&pack.join("data/csv").join(file)).unwrap();
    let mut reader = csv::Reader::from_reader(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap());
    let header = reader.headers().unwrap().clone();
    let raw = |record: csv::StringRecord| {
        let is_escaped = record.iter().next_back() == Some("Y");
        let cell = |cell: &str| if is_escaped { cell.strip_prefix('\'').unwrap_or(cell) } else { cell }.to_owned();
        header.iter().map(str::to_owned).zip(record.iter().map(cell)).collect()
    };
    reader.records().map(|record| raw(record.unwrap())).collect()
}

/// How many principals, each with a key, answer a question such as `key=arn:… capability=decrypt access=allowed`: each counts
/// by its surest access.
fn reach(question: &str, rows: &[Cells]) -> usize {
    const SUREST: [&str; 5] = ["allowed", "allowed_if_chosen", "via_service", "conditional", "possible"];
    let terms: BTreeMap<&str, &str> = question.split_whitespace().map(|term| term.split_once('=').unwrap()).collect();
    let is_outside = |row: &Cells| ["unknown", "outside", "everyone"].contains(&row["relation"].as_str());
    let mut found: BTreeMap<[&str; 3], usize> = BTreeMap::new();
    for row in rows {
        let holds = terms.iter().all(|(term, value)| match *term {
            "key" => row["key_arn"] == **value,
            "key_account" => row["key_account_id"] == **value,
            "managed" => row["key_manager"] != "aws",
            "capability" => row["capability"] == **value,
            "outside" => is_outside(row),
            "access" => true,
            other => panic!("{other} is no question"),
        });
        if holds {
            let access = SUREST.iter().position(|it| *it == row["access"]).unwrap();
            let who = ["key_arn", "principal_arn", "principal_type"].map(|column| row[column].as_str());
            let known = found.entry(who).or_insert(access);
            *known = access.min(*known);
        }
    }
    let wanted = terms.get("access").map(|access| SUREST.iter().position(|it| it == access).unwrap());
    found.values().filter(|access| wanted.is_none_or(|wanted| wanted == **access)).count()
}

#[test]
fn every_number_of_access_on_every_page_equals_a_count_of_rows() {
    let folder = pack(&ragged(""));
    let pack = folder.path().join("pack");
    let rows: Vec<Cells> = ["key_access.csv", "key_admins.csv"].into_iter().flat_map(|it| table(&pack, it)).collect();
    let (mut numbers, mut outside) = (0, 0);
    for (name, page) in &pages(&pack) {
        for (question, number) in marked(page, "data-access") {
            assert_eq!(reach(question, &rows), number, "{name}: {question}");
            numbers += usize::from(number > 0);
            outside += usize::from(number > 0 && question.contains("outside"));
        }
    }
    assert!(numbers > 20 && outside > 3, "{numbers} {outside}");
}

#[test]
fn every_account_is_in_scope_or_out_of_it_with_a_reason() {
    let world = ragged(HOSTILE);
    for folder in [pack(&world), narrowed_pack(&world)] {
        let pack = folder.path().join("pack");
        let rows = table(&pack, "scope.csv");
        let page = &pages(&pack)["data/report/scope.html"];
        assert_eq!(rows.len(), world.accounts.len());
        for row in &rows {
            assert!(page.contains(&row["account_id"]), "{row:?}");
            assert_eq!(row["in_scope"] == "no" || row["how"] == "not entered", !row["reason"].is_empty(), "{row:?}");
        }
    }
}

#[test]
fn every_tie_out_on_the_page_is_counted_in_the_table() {
    let folder = pack(&ragged(HOSTILE));
    let pack = folder.path().join("pack");
    let rows = table(&pack, "completeness.csv");
    let page = &pages(&pack)["data/report/completeness.html"];
    let mut numbers = 0;
    for (question, number) in marked(page, "data-tie") {
        let terms: BTreeMap<&str, &str> = question.split(' ').filter_map(|term| term.split_once('=')).collect();
        let found = rows.iter().filter(|row| terms.iter().all(|(column, value)| row[*column] == *value)).count();
        assert_eq!(found, number, "{question}");
        numbers += usize::from(number > 0);
    }
    assert!(numbers >= 6, "{numbers}");
    // Each check stands in one row, and its findings are all there.
    let findings = table(&pack, "findings.csv");
    let of_checks: Vec<&Cells> = rows.iter().filter(|row| row["tie_out"] == "T6").collect();
    assert!(of_checks.iter().all(|row| row["verdict"] == "ties" && row["expected"] == row["observed"]));
    let counted: usize = of_checks.iter().map(|row| row["observed"].parse::<usize>().unwrap()).sum();
    assert_eq!(counted, findings.len());
    // What was not read is a gap here as well.
    let gaps = table(&pack, "gaps.csv");
    assert!(!gaps.is_empty() && rows.iter().any(|row| row["verdict"] == "gap"));
}

#[test]
fn the_list_of_external_access_is_what_the_others_say_of_principals_elsewhere() {
    let folder = pack(&ragged(HOSTILE));
    let pack = folder.path().join("pack");
    let of = |file: &str| table(&pack, file);
    let own = |row: &Cells| row["relation"] == "account";
    let mut all = of("key_access.csv");
    assert!(all.iter().all(|row| ["decrypt", "encrypt", "sign"].contains(&row["capability"].as_str())));
    let admins = of("key_admins.csv");
    assert!(admins.iter().all(|row| ["grant", "administer", "destroy"].contains(&row["capability"].as_str())));
    all.extend(admins);
    all.retain(|row| !own(row));
    let mut external = of("external_access.csv");
    assert!(external.len() > 3);
    all.sort();
    external.sort();
    assert_eq!(external, all);
    let relations: BTreeSet<&str> = external.iter().map(|row| row["relation"].as_str()).collect();
    for relation in ["organization", "outside", "service"] {
        assert!(relations.contains(relation), "{relations:?}");
    }
}

#[test]
fn every_row_of_access_names_what_decides_and_where_it_stands() {
    let folder = pack(&ragged(HOSTILE));
    let pack = folder.path().join("pack");
    for row in ["key_access.csv", "key_admins.csv"].into_iter().flat_map(|file| table(&pack, file)) {
        let items = |column: &str| row[column].split(" | ").filter(|it| !it.is_empty()).count();
        assert_eq!(items("evidence_files"), items("evidence_pointers"), "{row:?}");
        assert_eq!(items("evidence_files"), items("evidence_sha256"), "{row:?}");
        // Who may retire a grant by its issuing account needs no statement.
        let rests_on_documents = row["access"] != "possible" && row["path"] != "retire-grant";
        assert!(!rests_on_documents || items("evidence_files") > 0, "{row:?}");
        for (file, digest) in row["evidence_files"].split(" | ").zip(row["evidence_sha256"].split(" | ")) {
            if !file.is_empty() {
                let bytes = files::read(&pack.join("data/snapshot").join(file)).unwrap();
                assert_eq!(crate::digest::sha256(&bytes), digest);
            }
        }
        let is_disabled = row["key_state"] != "Enabled";
        assert!(!(is_disabled && row["usable_now"] == "yes"), "{row:?}");
    }
    let columns = text(&pack.join("data/csv/COLUMNS.md"));
    let header = table(&pack, "key_admins.csv").remove(0);
    assert!(header.keys().all(|column| columns.contains(&format!("| {column} |"))));
}

#[test]
fn the_page_of_a_key_says_what_could_not_be_read_of_it() {
    let folder = pack(&ragged(""));
    let report = folder.path().join("pack/data/report");
    let page = |key: &str| text(&report.join(format!("keys/111122223333/eu-central-1/{key}.html")));
    assert!(
        page("key-1").contains("kms:ListGrants was denied")
            || page("key-1").contains("kms:ListGrants for key-1 was denied")
    );
    assert!(page("key-2").contains("kms:ListKeyPolicies for key-2 was not collected"), "{}", page("key-2"));
    assert!(page("key-2").contains("Authorised, but not usable now: the key is PendingDeletion"));
    let inventory = text(&report.join("keys/index.html"));
    for missing in ["666677778888", "kms:ListKeys was denied"] {
        assert!(inventory.contains(missing), "{missing}");
    }
    for assumption in ["A-1", "A-2", "A-3", "A-4", "A-5", "A-6"] {
        assert!(text(&report.join("methodology.html")).contains(&format!("<dt>{assumption}</dt>")));
    }
}

#[test]
fn over_two_thousand_keys_share_a_page_for_each_account_and_region() {
    let world = World::new().with(|it| {
        it.accounts[0].keys = (0..2_001).map(|index| (format!("key-{index:04}"), "Enabled".to_owned())).collect();
    });
    let folder = pack(&world);
    let pack = folder.path().join("pack");
    let all = pages(&pack);
    let of_keys = || all.iter().filter(|(name, _)| name.contains("/keys/1"));
    assert!((1..100).contains(&of_keys().count()), "{:?}", all.keys());
    let told: usize = of_keys().map(|(_, page)| page.matches("<article id=\"k-").count()).sum();
    assert_eq!(told, 2_001);
    for (name, page) in &all {
        assert!(page.len() < 5_000_000, "{name}: {}", page.len());
    }
}

#[test]
fn the_table_of_findings_holds_what_the_lines_hold() {
    let folder = pack(&ragged(HOSTILE));
    let pack = folder.path().join("pack");
    let findings = findings(&pack);
    let bytes = files::read(&pack.join("data/csv/findings.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap());
    let header = reader.headers().unwrap().clone();
    let mut rows = 0;
    for (record, finding) in reader.records().zip(&findings) {
        let record = record.unwrap();
        let is_escaped = record.iter().next_back() == Some("Y");
        for (column, cell) in header.iter().zip(&record) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{column}: {cell}");
            let raw = if is_escaped { cell.strip_prefix('\'').unwrap_or(cell) } else { cell };
            if let Some(expected) = finding[column].as_str() {
                assert_eq!(raw, expected, "{column}");
            }
        }
        rows += 1;
    }
    assert_eq!(rows, findings.len());
    assert!(findings.len() > 10);
    let json: Value = serde_json::from_str(&text(&pack.join("data/pack.json"))).unwrap();
    assert_eq!(json["gaps"][0]["name"], "G-1");
    let columns = text(&pack.join("data/csv/COLUMNS.md"));
    assert!(header.iter().all(|column| columns.contains(&format!("| {column} |"))));
}

#[test]
fn an_incomplete_audit_is_never_green_and_names_what_is_missing() {
    let folder = pack(&ragged(""));
    let index = text(&folder.path().join("pack").join(INDEX));
    assert!(index.contains("<h2>INCOMPLETE</h2>") && index.contains("<h2>EXCEPTIONS NOTED</h2>"));
    assert!(!index.contains("verdict v-pass"));
    for missing in ["kms:ListGrants", "kms:ListKeys", "sts:AssumeRole", "AccessDenied", "666677778888"] {
        assert!(index.contains(missing), "{missing}");
    }
    let gaps = index.find("What could not be read").unwrap();
    assert!(gaps < index.find("Exceptions that matter most").unwrap());
}

#[test]
fn a_whole_audit_without_exceptions_says_so_in_the_fixed_words() {
    let world = World::new().with(|it| {
        for account in &mut it.accounts {
            account.users.truncate(1);
            account.keys.truncate(1);
            account.grants.truncate(1);
        }
    });
    let index = text(&pack(&world).path().join("pack").join(INDEX));
    assert!(index.contains(
        "No exceptions were noted by the 3 automated test(s) applied to 6 of 6 items in the stated scope as of"
    ));
    assert!(index.contains("verdict v-pass") && !index.contains("INCOMPLETE"));
}

#[test]
fn an_audit_of_no_account_concludes_nothing() {
    let index = text(&pack(&World::new().with(|it| it.accounts.clear())).path().join("pack").join(INDEX));
    assert!(index.contains("No conclusion: no account was audited.") && !index.contains("verdict v-pass"));
    assert!(!index.contains("</svg>COMPLETE</span>"));
}

#[test]
fn an_organization_of_nothing_but_exempt_things_has_no_items() {
    let world = World::new().with(|it| {
        for account in &mut it.accounts {
            account.users = vec![("wendy".to_owned(), "AIDAwendy".to_owned(), "exempt".to_owned())];
            account.keys.clear();
            account.keys_outcome = Outcome::Empty;
        }
    });
    let index = text(&pack(&world).path().join("pack").join(INDEX));
    assert!(index.contains("NO ITEMS IN POPULATION") && !index.contains("verdict v-pass"));
    assert!(index.contains("</svg>COMPLETE</span>"));
}

#[test]
fn two_packs_of_one_snapshot_are_the_same_bytes_on_one_thread_and_on_four() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = ragged(HOSTILE).snapshot(&folder.path().join("snapshot"));
    let write = |threads: usize, name: &str| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let sample = sample(HOSTILE);
        pool.install(|| written_with(&waivers(HOSTILE), Some(&sample), &snapshot, &folder.path().join(name), true)).0
    };
    let (one, four) = (write(1, "one"), write(4, "deeper/four"));
    assert_eq!(one, four);
    let names = |name: &str| files::list(&folder.path().join(name)).unwrap();
    assert_eq!(names("one"), names("deeper/four"));
    for name in names("one") {
        let read = |pack: &str| files::read(&folder.path().join(pack).join(&name)).unwrap();
        assert!(read("one") == read("deeper/four"), "{name}");
    }
}

#[test]
fn the_pack_holds_the_snapshot_byte_for_byte_or_says_that_it_does_not() {
    let folder = pack(&ragged(""));
    let inside = folder.path().join("pack/data/snapshot");
    assert_eq!(snapshot::verify(&inside).unwrap(), []);
    assert_eq!(super::verify(&folder.path().join("pack")).unwrap(), []);
    let snapshot = Snapshot::open(&folder.path().join("snapshot")).unwrap();
    assert_eq!(Snapshot::open(&inside).unwrap().root(), snapshot.root());
    written(&snapshot, &folder.path().join("without"), false);
    assert!(!folder.path().join("without/data/snapshot").exists());
    assert!(text(&folder.path().join("without/data/pack.json")).contains("\"included\": false"));
}

#[test]
fn a_snapshot_that_changed_since_it_was_read_is_not_packed() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = World::new().snapshot(&folder.path().join("snapshot"));
    let frameworks = fixture::frameworks();
    let audit = fixture::options(&frameworks);
    let place = folder.path().join("pack");
    let mut pack = Pack::create(&place, &snapshot, options(audit)).unwrap();
    let summary = audit::run::<super::Error>(&snapshot, audit, |audited| pack.account(audited)).unwrap();
    let file = folder.path().join("snapshot").join(snapshot::iam_path("111122223333"));
    files::write_atomic(&file, b"other").unwrap();
    let failed = pack.finish(&summary).unwrap_err().to_string();
    assert!(failed.contains("iam.json.zst") && failed.contains("damaged"), "{failed}");
    assert!(!place.join(super::MANIFEST).exists());
}

#[test]
fn a_page_holds_a_thousand_rows_at_most_and_the_rest_as_data() {
    let world = World::new().with(|it| {
        let user = |index: usize| (format!("user-{index:04}"), format!("AIDA{index}"), "bad".to_owned());
        it.accounts[0].users = (0..2_500).map(user).collect();
    });
    let folder = pack(&world);
    let quiet = ["PASS", "NOT_APPLICABLE"];
    for (page, column, value) in [
        ("checks/test-users.html", "check_id", "test-users"),
        ("accounts/111122223333.html", "account_id", "111122223333"),
    ] {
        let found = findings(&folder.path().join("pack"));
        let to_act_on = |it: &&Value| it[column] == value && !quiet.contains(&it["status"].as_str().unwrap());
        let expected = found.iter().filter(to_act_on).count();
        assert!(expected >= 2_500);
        let page = text(&folder.path().join("pack/data/report").join(page));
        // What passed stands further down.
        let to_act_on = page.split("<section id=\"passed\"").next().unwrap();
        let rows = to_act_on.matches("<tr id=\"f-").count();
        assert!((400..=1_000).contains(&rows), "{rows}");
        assert!(page.contains("here only where scripts may run. data/csv/findings.csv"), "{}", page.len());
        let data = scripts(to_act_on).find_map(|it| it.strip_prefix("<script type=\"application/json\">")).unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        let [columns, cells] = ["columns", "rows"].map(|it| data[it].as_array().unwrap().len());
        assert_eq!(rows + cells / columns, expected);
        assert!(page.len() < 5_000_000, "{}", page.len());
    }
    assert!(findings(&folder.path().join("pack")).len() > 2_500);
}

#[test]
fn the_map_of_many_accounts_holds_those_that_it_does_not_draw_as_data() {
    let world = World::new().with(|it| {
        it.accounts.extend((0..170).map(|index| Account::new(&format!("{:012}", 900_000_000_000_u64 + index))));
    });
    let folder = tempfile::tempdir().unwrap();
    let snapshot = world.snapshot(&folder.path().join("snapshot"));
    let (pack, frameworks) = (folder.path().join("pack"), fixture::frameworks());
    let audit = fixture::options(&frameworks);
    let mut made = Pack::create(&pack, &snapshot, Options { with_access: false, ..options(audit) }).unwrap();
    let summary = audit::run::<super::Error>(&snapshot, audit, |audited| made.account(audited)).unwrap();
    made.finish(&summary).unwrap();
    let page = text(&pack.join("data/report/accounts/index.html"));
    let drawn = page.matches("<th scope=\"row\" class=\"stick\">").count();
    let data = scripts(&page).find_map(|it| it.strip_prefix("<script type=\"application/json\">")).unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    let word = |cell: &Value| data["words"][cell.as_u64().unwrap() as usize].as_str().unwrap();
    let rows = data["rows"].as_array().unwrap();
    assert_eq!((drawn, drawn + rows.len() / 3), (150, world.accounts.len()));
    let found = findings(&pack);
    for row in rows.chunks(3) {
        let of_account: Vec<&Value> = found.iter().filter(|it| it["account_id"] == word(&row[0])).collect();
        for cell in word(&row[2]).split(',').filter(|cell| !cell.is_empty()) {
            let (status, number) = cell.split_once(' ').unwrap();
            // The checks of this world have one domain, and a severity each.
            let of_status = |severity: &str| {
                of_account.iter().filter(|it| it["status"] == status && it["severity"] == severity).count().to_string()
            };
            assert!(["critical", "high", "medium", "low"].iter().any(|it| of_status(it) == number), "{cell}");
        }
    }
}

#[test]
fn long_names_make_no_page_of_more_than_five_megabytes() {
    let world = World::new().with(|it| {
        it.prefix = "<\"&".repeat(300);
        let user = |index: usize| (format!("user-{index:04}"), format!("AIDA{index}"), "bad".to_owned());
        it.accounts[0].users = (0..1_500).map(user).collect();
    });
    let folder = pack(&world);
    for (name, page) in pages(&folder.path().join("pack")) {
        assert!(page.len() < 5_000_000, "{name}: {}", page.len());
    }
}

#[test]
fn the_page_of_changes_counts_what_the_table_of_changes_holds() {
    let folder = tempfile::tempdir().unwrap();
    let old = ragged(HOSTILE).snapshot(&folder.path().join("old"));
    let new = ragged(HOSTILE).with(|it| {
        it.accounts[0].users[1].2 = "good".to_owned();
        it.accounts[0].users[0].2 = "bad".to_owned();
        it.accounts[0].users[2].2 = "odd".to_owned();
        it.accounts[0].users.pop();
    });
    let new = new.snapshot(&folder.path().join("new"));
    let frameworks = fixture::frameworks();
    let changes = crate::diff::run(&old, &new, fixture::options(&frameworks), true).unwrap();
    let place = folder.path().join("changes");
    write_comparison(&place, &changes, &NO_WAIVERS).unwrap();
    assert_eq!(super::verify(&place).unwrap(), []);
    let bytes = files::read(&place.join("data/csv/changes.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let page = text(&place.join("data/report/changes.html"));
    let numbers = marked(&page, "data-change");
    assert!(numbers.iter().any(|(_, number)| *number > 0));
    for (class, number) in numbers {
        let found = rows.iter().filter(|row| &row[0] == "finding" && &row[1] == class).count();
        assert_eq!(found, number, "{class}");
    }
    for (fate, number) in marked(&page, "data-fate") {
        let found = rows.iter().filter(|row| &row[0] == "resource" && &row[1] == fate).count();
        assert_eq!(found, number, "{fate}");
    }
    assert!(changes.balance.fixed == 1 && changes.balance.new == 1 && changes.balance.no_longer_assessable == 1);
}

#[test]
fn a_loosened_parameter_stands_on_every_page_in_every_finding_and_in_the_input_root() {
    let folder = tempfile::tempdir().unwrap();
    crate::demo::write_quarter(&folder.path().join("snapshot"), crate::demo::Quarter::Q3).unwrap();
    let snapshot = Snapshot::open(&folder.path().join("snapshot")).unwrap();
    let check = crate::checks::find("iam-access-key-age").unwrap();
    let write = |name: &str, days| {
        let mut parameters = crate::checks::Parameters::default();
        parameters.set(check.id, "max_age_days", crate::checks::Value::Integer(days)).unwrap();
        let place = folder.path().join(name);
        let audit = audit::Options {
            checks: &[check],
            parameters: &parameters,
            verdicts: Verdicts::Keyproof,
            frameworks: &[],
            selection: &audit::EVERYTHING,
            waivers: &NO_WAIVERS,
            as_of: None,
            first_seen: None,
            timings: None,
        };
        let options = Options { with_access: false, ..options(audit) };
        let mut pack = Pack::create(&place, &snapshot, options).unwrap();
        let summary = audit::run::<super::Error>(&snapshot, audit, |audited| pack.account(audited)).unwrap();
        pack.finish(&summary).unwrap();
        place
    };
    let [by_default, tighter, loosened] = [("d", 90), ("t", 30), ("l", 180)].map(|(name, days)| write(name, days));
    let banner = "iam-access-key-age: max_age_days 180 days, loosened, by default 90";
    for (path, page) in pages(&loosened) {
        assert!(page.contains(banner), "{path}");
    }
    for (path, page) in pages(&by_default).into_iter().chain(pages(&tighter)) {
        assert!(!page.contains("class=\"loosened\""), "{path}");
    }
    let findings = |place: &Path| {
        let text = text(&place.join(super::FINDINGS));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let judged = |finding: &&Value| finding["status"] != "ERROR";
    assert!(findings(&tighter).iter().filter(judged).count() > 0);
    for finding in findings(&tighter).iter().filter(judged) {
        let reason = finding["reason"].as_str().unwrap();
        assert!(reason.ends_with("[max_age_days 30 days, by default 90]"), "{reason}");
    }
    let root = |place: &Path| {
        let pack: Value = serde_json::from_str(&text(&place.join("data/pack.json"))).unwrap();
        (pack["input_root"].as_str().unwrap().to_owned(), pack["selection"]["parameters"].clone())
    };
    let roots = [&by_default, &tighter, &loosened].map(|place| root(place));
    assert!(roots[0].0 != roots[1].0 && roots[1].0 != roots[2].0);
    assert_eq!(roots[0].1, Value::Array(Vec::new()));
    assert!(roots[2].1[0]["value"] == 180 && roots[2].1[0]["loosened"] == true, "{}", roots[2].1);
    let config = text(&loosened.join("data/keyproof.toml"));
    assert_eq!(config, "[checks.iam-access-key-age]\nmax_age_days = 180\n");
    assert!(!by_default.join("data/keyproof.toml").exists());
}
