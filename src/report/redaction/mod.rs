//! A pack for readers who may not see every name: the same findings and numbers, with pseudonyms for what a level keeps back.
//!
//! What is kept back is collected from the raw answers of AWS (`collect.rs`), and replaced wherever a text leaves for a page, a table or a
//! JSON file: each room that writes does it in one place. A pseudonym is made of the value and a secret of the user's
//! (`pseudonym.rs`), so that a name has the same one on every page and in every quarter, and nobody without the secret can try
//! names out. Verdicts are those of the true names: patterns in policies would not match pseudonyms.
//!
//! **Invariant:** a pseudonym is never replaced again, so that a text may pass twice.

mod collect;
mod pseudonym;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

pub use pseudonym::Secret;

use super::Error;
use super::bag::Bag;
use super::table::Table;
use crate::audit::{AuditedAccount, Counts, EvidenceItem, EvidenceValue, Summary};
use crate::finding::Finding;
use crate::snapshot::Snapshot;
use crate::waivers::Waivers;
use pseudonym::Class;
use words::Words;

/// How much is kept back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What names people or is written by them: an auditor still sees accounts, roles, policies and keys.
    Auditor,
    /// Everything that names something of the organization.
    Public,
}

impl Level {
    /// The word of every file and flag.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Public => "public",
        }
    }
}

/// What a redacted pack says in place of a text that may quote anything.
pub(super) const WITHHELD: &str = "[withheld]";

/// The table of what was kept back.
pub(super) const NAME: &str = "redactions.csv";

/// Its columns.
pub(super) const COLUMNS: [(&str, &str); 4] = [
    ("class", "What was kept back"),
    ("treatment", "pseudonym, withheld or left out"),
    ("count", "How many different values have a pseudonym; empty for what is withheld or left out"),
    ("reason", "Why"),
];

/// How a pack is redacted.
#[derive(Debug)]
pub struct Redaction {
    level: Level,
    secret: Secret,
    words: Words,
}

impl Redaction {
    /// Collects what a level keeps back of a snapshot and of waivers.
    ///
    /// # Errors
    /// When a file of the snapshot is damaged or no JSON.
    pub fn new(level: Level, secret: Secret, snapshot: &Snapshot, waivers: &Waivers) -> Result<Self, Error> {
        let mut found = collect::Found::new(level);
        for file in &snapshot.manifest().files {
            let Some(bytes) = snapshot.json(&file.path)? else { continue };
            let value: Value = serde_json::from_slice(&bytes).map_err(|failed| Error::Unreadable {
                path: snapshot.folder().join(&file.path),
                reason: failed.to_string(),
            })?;
            found.add(&value);
        }
        found.add(&json!(snapshot.manifest()));
        if let Some(text) = &waivers.text {
            let texts: Value = toml::from_str(text)
                .map_err(|failed| Error::Redaction { reason: format!("the file of waivers: {failed}") })?;
            found.add_waivers(&texts);
        }
        Ok(Self { level, words: Words::new(&secret, found.values())?, secret })
    }

    /// The level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Whether findings keep their reasons, the statements they rest on and their evidence.
    pub(super) fn has_texts(&self) -> bool {
        self.level == Level::Auditor
    }

    /// Tells two secrets apart without telling anything of either.
    pub(super) fn secret_id(&self) -> String {
        self.secret.id()
    }

    /// A text with pseudonyms.
    pub(super) fn text(&self, text: &str) -> String {
        self.words.replaced(text)
    }

    /// The name of a finding or item of evidence: its own is made of names, which could be tried out.
    pub(super) fn reference(&self, reference: &str) -> String {
        self.secret.reference(reference)
    }

    /// A JSON value with pseudonyms in every text and name of a member.
    pub(super) fn value(&self, value: Value) -> Value {
        self.each_text(value, &|name| self.text(&name))
    }

    /// What a template is filled with: it reads members by their names, which are the program's own.
    pub(super) fn content(&self, value: Value) -> Value {
        self.each_text(value, &|name| name)
    }

    fn each_text(&self, value: Value, member: &impl Fn(String) -> String) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.each_text(item, member)).collect(),
            Value::Object(members) => {
                let members = members.into_iter();
                members.map(|(name, value)| (member(name), self.each_text(value, member))).collect()
            }
            other => other,
        }
    }

    /// A finding as the pack shows it.
    pub(super) fn finding(&self, finding: &Finding) -> Finding {
        let text = |text: &String| self.text(text);
        let mut shown = finding.clone();
        shown.fingerprint = self.reference(&finding.fingerprint);
        for text in [&mut shown.account_id, &mut shown.account_name, &mut shown.ou_path] {
            *text = self.text(text).into();
        }
        shown.resource_arn = self.text(&finding.resource_arn).into();
        shown.resource_name = self.words.name(&finding.resource_name).into();
        shown.remediation = self.text(&finding.remediation).into();
        for it in shown.evidence.iter_mut().map(Arc::make_mut) {
            it.ev_id = self.reference(&it.ev_id);
            it.file = self.text(&it.file).into();
            it.pointer = self.text(&it.pointer).into();
            it.request_id = it.request_id.as_ref().map(text);
        }
        if self.has_texts() {
            shown.reason = self.text(&finding.reason).into();
            for statement in &mut shown.statements {
                statement.policy = self.text(&statement.policy);
                statement.sid = statement.sid.as_ref().map(text);
            }
            for principal in shown.affected_principals.iter_mut().flat_map(|it| &mut it.principals) {
                principal.principal_arn = self.text(&principal.principal_arn);
                principal.resource_arn = principal.resource_arn.as_ref().map(text);
            }
        } else {
            shown.reason = WITHHELD.into();
            shown.statements.clear();
            shown.affected_principals.iter_mut().for_each(|it| it.principals.clear());
        }
        if let Some(waiver) = &mut shown.waiver {
            waiver.owner = self.words.name(&waiver.owner);
            waiver.approver = self.words.name(&waiver.approver);
            waiver.ticket = self.text(&waiver.ticket);
        }
        shown
    }

    /// An item of evidence as the pack shows it.
    fn item(&self, item: &EvidenceItem) -> EvidenceItem {
        let mut shown = item.clone();
        shown.ev_id = self.reference(&item.ev_id);
        for text in [&mut shown.account_id, &mut shown.file, &mut shown.pointer] {
            *text = self.text(text);
        }
        let lists = [&mut shown.resource, &mut shown.request_ids, &mut shown.path];
        for text in lists.into_iter().flatten().chain(shown.parameters.values_mut()) {
            *text = self.text(text);
        }
        if let EvidenceValue::Whole(json) = &item.value {
            shown.value = self.answer(json.get());
        }
        shown
    }

    /// What AWS answered. What is no JSON within it may hold names in forms that are not looked through.
    fn answer(&self, json: &str) -> EvidenceValue {
        let withheld = || Value::String(WITHHELD.to_owned());
        let value = match serde_json::from_str::<Value>(json) {
            Ok(mut value) if self.has_texts() => {
                if let Some(content) = value.as_object_mut().and_then(|members| members.get_mut("Content")) {
                    *content = withheld();
                }
                self.value(value)
            }
            _ => withheld(),
        };
        EvidenceValue::written(&value)
    }

    /// What an audit found, as the pack counts it: under the ids that it shows.
    pub(super) fn summary(&self, summary: &Summary) -> Summary {
        let mut shown = summary.clone();
        let of_account = |(id, counts): (String, Counts)| (self.text(&id), counts);
        shown.by_account = summary.by_account.clone().into_iter().map(of_account).collect();
        let of_check = |((id, check), counts): ((String, &'static str), Counts)| ((self.text(&id), check), counts);
        shown.by_account_and_check = summary.by_account_and_check.clone().into_iter().map(of_check).collect();
        shown.ledger.iter_mut().for_each(|gap| gap.ev_id = self.reference(&gap.ev_id));
        shown.waivers.iter_mut().for_each(|waiver| waiver.ev_id = self.reference(&waiver.ev_id));
        shown.evidence = summary.evidence.iter().map(|item| self.item(item)).collect();
        shown
    }

    /// An account as the pack shows it.
    pub(super) fn account(&self, audited: &AuditedAccount) -> AuditedAccount {
        let mut shown = audited.clone();
        shown.findings = audited.findings.iter().map(|finding| self.finding(finding)).collect();
        shown.evidence = audited.evidence.iter().map(|item| self.item(item)).collect();
        for text in [&mut shown.entry.account_id, &mut shown.entry.name, &mut shown.facts.id, &mut shown.facts.name] {
            *text = self.text(text);
        }
        for text in [&mut shown.entry.session_arn, &mut shown.entry.reason].into_iter().flatten() {
            *text = self.text(text);
        }
        if let Ok(path) = &mut shown.facts.ou_path {
            *path = self.text(path);
        }
        shown
    }

    /// Writes the table of what was kept back.
    pub(super) fn write(&self, bag: &Bag) -> Result<(), Error> {
        let path = format!("data/csv/{NAME}");
        let mut table = Table::create(bag, &path, COLUMNS.map(|(name, _)| name))?;
        let counts = self.words.counts();
        for class in Class::ALL.into_iter().filter(|class| class.level() <= self.level) {
            let count = counts.get(&class).copied().unwrap_or(0).to_string();
            table.row(&[class.words(), "pseudonym", &count, class.reason()])?;
        }
        for (what, treatment, reason) in self.left_out() {
            table.row(&[what, treatment, "", reason])?;
        }
        let written = table.finish()?;
        bag.add(&path, written);
        Ok(())
    }

    /// What has no pseudonym: its name, its treatment, the reason.
    fn left_out(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let mut all = vec![
            (
                "data/snapshot",
                "left out",
                "It holds every name; whoever holds it can make the pack with all names again.",
            ),
            (
                "data/inputs, data/keyproof.toml",
                "left out",
                "Waivers and selections are written by people and name what they want.",
            ),
            (
                "answers that are not JSON",
                "withheld",
                "Credential reports and the like hold names inside texts of other forms.",
            ),
        ];
        if self.words.kept() > 0 {
            all.push((
                "names that are words of this report",
                "kept in sentences",
                "Somebody is called like a word of the report itself; in ARNs and fields for names there is a pseudonym.",
            ));
        }
        if !self.has_texts() {
            all.extend([
                ("reasons, statements and affected principals of findings", "withheld", "They quote policies."),
                ("values of evidence", "withheld", "They are what AWS answered."),
                ("who can use which key", "left out", "It is made of principals, keys and conditions."),
            ]);
        }
        all
    }

    /// Which value has which pseudonym, for the owner of the names alone.
    ///
    /// # Errors
    /// [`Error::Files`] when there is such a file already, or it cannot be written.
    pub fn write_map(&self, path: &Path) -> Result<PathBuf, Error> {
        crate::files::refuse_existing(path)?;
        let mut table = Table::outside(path, ["class", "value", "pseudonym"])?;
        for (class, value, pseudonym) in self.words.all() {
            table.row(&[class.words(), value, pseudonym])?;
        }
        table.finish()?;
        Ok(path.to_path_buf())
    }
}
