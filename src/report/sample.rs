//! A sample of what was tested, drawn by words of the auditor's: which items, the sheet to sign, the commands that show each in AWS.
//!
//! **Invariant:** the draw depends on the seed and the fingerprints of the population alone, and can be made again with `jq`, `sort` and
//! `sha256sum`: the items whose digest of seed, line end and fingerprint comes first.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Error;
use super::bag::Bag;
use super::evidence::Places;
use super::framework_page::gap_name;
use super::html::file_name;
use super::pack::Audited;
use super::recipe::quoted;
use super::spot_check;
use super::table::{SEPARATOR, Table};
use super::view::{FindingView, MAX_ROWS, MAX_WEIGHT, counted, grouped, listed, shortened};
use super::visible;
use crate::digest::{self, Running};
use crate::finding::{Finding, Status};

/// Where the sheet lies.
pub(super) const CSV: &str = "data/csv/sample.csv";

/// The question to `findings.ndjson` that gives the population.
const POPULATION: &str =
    r#"jq -r 'select(.status != "NOT_APPLICABLE" and .status != "MANUAL") | .fingerprint' data/json/findings.ndjson"#;

/// What to draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// How many items.
    pub size: u32,
    /// What they are drawn by.
    pub seed: String,
}

/// A column of `sample.csv`: its name, what stands there, how it is filled.
type Column = (&'static str, &'static str, fn(&str, &Finding) -> String);

/// The columns, in their order, which never changes inside a major version. The last are for the auditor.
pub(super) const COLUMNS: [Column; 20] = [
    ("draw", "SHA-256 of seed, line end and fingerprint, by which the rows are sorted", |draw, _| draw.to_owned()),
    ("fingerprint", "Identity of the finding", |_, it| it.fingerprint.clone()),
    ("check_id", "The check", |_, it| it.check_id.to_owned()),
    ("status", "What the pack says", |_, it| it.status.word().to_owned()),
    ("account_id", "12 digits; import the column as text, or leading zeros are lost", |_, it| {
        it.account_id.to_string()
    }),
    ("account_name", "Name of the account in the organization", |_, it| it.account_name.to_string()),
    ("region", "Region, or global", |_, it| it.region.to_string()),
    ("resource_type", "CloudFormation's name of the type", |_, it| it.resource_type.to_owned()),
    ("resource_arn", "ARN of the resource", |_, it| it.resource_arn.to_string()),
    ("resource_name", "Name of the resource; the grant id for grants", |_, it| it.resource_name.to_string()),
    ("reason", "The facts that decided", |_, it| it.reason.to_string()),
    ("evidence_files", "Files inside the snapshot", |_, it| joined(it, |it| it.file.to_string())),
    ("evidence_pointers", "JSON pointers into them", |_, it| joined(it, |it| it.pointer.to_string())),
    ("evidence_request_ids", "AWS's request ids, to be looked up in CloudTrail", |_, it| {
        joined(it, |it| it.request_id.clone().unwrap_or_default())
    }),
    ("commands", "What shows it in AWS today, to be run with credentials of the account", |_, it| {
        spot_check::commands(it).join(SEPARATOR)
    }),
    ("observed", "For the auditor: what was seen", |_, _| String::new()),
    ("agrees", "For the auditor: yes or no", |_, _| String::new()),
    ("examined_by", "For the auditor: name", |_, _| String::new()),
    ("examined_on", "For the auditor: day", |_, _| String::new()),
    ("comment", "For the auditor", |_, _| String::new()),
];

fn joined(finding: &Finding, text: fn(&crate::model::Evidence) -> String) -> String {
    finding.evidence.iter().map(|it| text(it)).collect::<Vec<_>>().join(SEPARATOR)
}

/// A draw in the making.
#[derive(Debug)]
pub(super) struct Draw {
    sample: Sample,
    drawn: BTreeMap<String, Finding>,
    population: u64,
    digest: Running,
}

impl Draw {
    /// Begins a draw.
    pub(super) fn new(sample: &Sample) -> Self {
        Self { sample: sample.clone(), drawn: BTreeMap::new(), population: 0, digest: Running::default() }
    }

    /// Offers a finding, which counts if it is part of the population.
    pub(super) fn add(&mut self, finding: &Finding) {
        if matches!(finding.status, Status::NotApplicable | Status::Manual) {
            return;
        }
        self.population += 1;
        // A digest takes all that it is given.
        let _ = writeln!(self.digest, "{}", finding.fingerprint);
        let draw = digest::sha256(format!("{}\n{}", self.sample.seed, finding.fingerprint).as_bytes());
        let is_full = self.drawn.len() >= self.sample.size as usize;
        if is_full && self.drawn.last_key_value().is_some_and(|(last, _)| draw > *last) {
            return;
        }
        self.drawn.insert(draw, finding.clone());
        if self.drawn.len() > self.sample.size as usize {
            self.drawn.pop_last();
        }
    }

    /// What `pack.json` says of it.
    pub(super) fn json(&self) -> Value {
        json!({
            "size": self.sample.size,
            "seed": self.sample.seed,
            "drawn": self.drawn.len(),
            "population": self.population,
            "population_sha256": self.digest.clone().finish(),
        })
    }

    /// Writes the sheet.
    pub(super) fn write_table(&self, bag: &Bag) -> Result<(), Error> {
        let mut table = Table::create(bag, CSV, COLUMNS.iter().map(|(name, ..)| *name))?;
        for (draw, finding) in &self.drawn {
            let cells = COLUMNS.map(|(_, _, fill)| fill(draw, finding));
            table.row(&cells.each_ref().map(String::as_str))?;
        }
        bag.add(CSV, table.finish()?);
        Ok(())
    }
}

/// The page.
#[derive(Debug, Serialize)]
pub(super) struct Content {
    lead: String,
    holes: String,
    seed: String,
    population: String,
    draw: String,
    items: Vec<Item>,
    rest: String,
}

/// An item of the sample.
#[derive(Debug, Serialize)]
struct Item {
    number: usize,
    finding: FindingView,
    href: String,
    commands: Vec<String>,
}

/// The content of the page.
pub(super) fn content(audited: &Audited<'_>, draw: &Draw, places: &Places) -> Content {
    let mut weight = 0;
    let mut items = Vec::new();
    for (index, finding) in draw.drawn.values().take(MAX_ROWS).enumerate() {
        let item = item(index + 1, finding, places);
        weight += item.finding.weight() + item.commands.iter().map(|it| visible::escaped_length(it)).sum::<usize>();
        if weight > MAX_WEIGHT {
            break;
        }
        items.push(item);
    }
    let seed = quoted(&draw.sample.seed);
    Content {
        lead: format!(
            "{} of the {} that were tested as of {}.",
            counted(draw.drawn.len() as u64, "item", "items"),
            grouped(draw.population),
            audited.identity.as_of_words
        ),
        holes: holes(audited),
        seed: draw.sample.seed.clone(),
        population: format!("{POPULATION} | sha256sum    # {}", draw.digest.clone().finish()),
        draw: format!(
            "{POPULATION} | while read -r f; do echo \"$(printf '%s\\n%s' {seed} \"$f\" | sha256sum | cut -c1-64) $f\"; done | sort | head -n {}",
            draw.sample.size
        ),
        rest: match draw.drawn.len() - items.len() {
            0 => String::new(),
            more => format!("{} in data/csv/sample.csv.", counted(more as u64, "more item is", "more items are")),
        },
        items,
    }
}

fn item(number: usize, finding: &Finding, places: &Places) -> Item {
    Item {
        number,
        href: format!("accounts/{}", file_name(&finding.account_id)),
        commands: spot_check::commands(finding).iter().map(|command| shortened(command)).collect(),
        finding: FindingView::new(finding, places),
    }
}

/// Why the population is not known to be whole; empty if it is.
fn holes(audited: &Audited<'_>) -> String {
    let gaps: Vec<String> = (0..audited.summary.ledger.len()).map(gap_name).collect();
    let named = gaps
        .get(..4)
        .map_or_else(|| listed(&gaps), |first| format!("{} and {} more", first.join(", "), gaps.len() - 4));
    if gaps.is_empty() {
        String::new()
    } else {
        format!("The population is not known to be whole (see gaps {named}): what they hide could not be drawn.")
    }
}
