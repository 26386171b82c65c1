//! The file of waivers: TOML, refused as a whole when one of them may not be.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::{Document, Kind, MAX_DAYS, Scope, Waiver, Waivers, account_of};

/// Why a file of waivers cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not TOML of the form of waivers; the reason shows the line and the member.
    #[error(
        "failed to parse `{file}`: {reason}\nA waiver needs id, kind, match, owner, approver, approved_on, expires_on and \
         justification; days are written as 2026-12-31, without quotes"
    )]
    Malformed {
        /// Name of the file.
        file: String,
        /// What the parser says.
        reason: String,
    },
    /// It is no mute list of Prowler; the reason shows the line and the member.
    #[error("failed to parse `{file}` as a mute list of Prowler: {reason}")]
    NoMutelist {
        /// Name of the file.
        file: String,
        /// What the parser says.
        reason: String,
    },
    /// It holds waivers that may not be.
    #[error("`{file}` cannot be used: {}", listed(.faults))]
    Refused {
        /// Name of the file.
        file: String,
        /// Everything that is wrong, by line.
        faults: Vec<Fault>,
    },
}

/// What is wrong with a waiver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// The waiver.
    pub id: String,
    /// What is wrong and what to do.
    pub reason: String,
}

fn listed(faults: &[Fault]) -> String {
    let fault = |it: &Fault| format!("\n  line {}, waiver {:?}: {}", it.line, it.id, it.reason);
    faults.iter().map(fault).collect()
}

/// What is wrong with a name that the rest of the program knows, if anything is.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// With the id of a check.
    pub check: &'a dyn Fn(&str) -> Option<String>,
    /// With the id of a framework.
    pub framework: &'a dyn Fn(&str) -> Option<String>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    waiver: Vec<Entry>,
}

/// A waiver as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    kind: Spanned<Kind>,
    #[serde(rename = "match")]
    scope: Spanned<Match>,
    #[serde(default)]
    frameworks: Vec<Spanned<String>>,
    owner: Spanned<String>,
    approver: Spanned<String>,
    approved_on: Spanned<Datetime>,
    effective_from: Option<Spanned<Datetime>>,
    expires_on: Spanned<Datetime>,
    justification: Spanned<String>,
    #[serde(default)]
    ticket: String,
    #[serde(default)]
    evidence: Vec<Spanned<Document>>,
    #[serde(default)]
    review_note: String,
    compensating: Option<Spanned<Compensating>>,
    alternative: Option<Spanned<Alternative>>,
}

/// `match` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Match {
    fingerprint: Option<String>,
    check: Option<String>,
    resource_arn: Option<String>,
    account: Option<String>,
    // Named so that the refusal can say why.
    tag: Option<toml::Value>,
    tags: Option<toml::Value>,
}

/// The worksheet of a compensating control.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Compensating {
    constraints: String,
    definition: String,
    objective: String,
    identified_risk: String,
    validation: String,
    maintenance: String,
}

/// The worksheet of an alternative measure.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Alternative {
    why_not_reasonable: String,
    equivalent_measure: String,
}

/// Reads a file of waivers; `file` is the name that errors give.
///
/// # Errors
/// [`Error`]; of faults beyond the form it names all.
pub fn parse(file: &str, text: &str, known: Known<'_>) -> Result<Waivers, Error> {
    let File { waiver: entries } = toml::from_str(text).map_err(|failed| Error::Malformed {
        file: file.to_owned(),
        reason: failed.to_string().trim_end().to_owned(),
    })?;
    let mut reader = Reader { text, known, faults: Vec::new(), ids: BTreeSet::new() };
    let waivers: Vec<Waiver> = entries.into_iter().map(|entry| reader.waiver(entry)).collect();
    if reader.faults.is_empty() {
        return Ok(Waivers::new(waivers, text.to_owned()));
    }
    reader.faults.sort();
    Err(Error::Refused { file: file.to_owned(), faults: reader.faults })
}

/// Takes entries for waivers, and notes what is wrong with them.
struct Reader<'a> {
    text: &'a str,
    known: Known<'a>,
    faults: Vec<Fault>,
    ids: BTreeSet<String>,
}

impl Reader<'_> {
    fn fault<T>(&mut self, at: &Spanned<T>, id: &str, reason: impl Into<String>) {
        let line = self.line(at);
        self.faults.push(Fault { line, id: id.to_owned(), reason: reason.into() });
    }

    fn line<T>(&self, at: &Spanned<T>) -> usize {
        1 + self.text.bytes().take(at.span().start).filter(|byte| *byte == b'\n').count()
    }

    fn waiver(&mut self, entry: Entry) -> Waiver {
        let id = entry.id.get_ref().clone();
        self.id(&entry.id);
        self.people(&entry, &id);
        for framework in &entry.frameworks {
            if let Some(reason) = (self.known.framework)(framework.get_ref()) {
                self.fault(framework, &id, reason);
            }
        }
        for document in &entry.evidence {
            if !is_digest(&document.get_ref().sha256) {
                self.fault(
                    document,
                    &id,
                    "`sha256` of evidence is 64 hexadecimal digits in lower case, as sha256sum prints",
                );
            }
        }
        let (approved_on, effective_from, expires_on) = self.days(&entry, &id);
        let worksheet = self.worksheet(&entry, &id);
        Waiver {
            scope: self.scope(&entry.scope, &id),
            line: self.line(&entry.id),
            kind: *entry.kind.get_ref(),
            frameworks: entry.frameworks.into_iter().map(Spanned::into_inner).collect(),
            owner: entry.owner.into_inner(),
            approver: entry.approver.into_inner(),
            approved_on,
            effective_from,
            expires_on,
            justification: entry.justification.into_inner(),
            ticket: entry.ticket,
            evidence: entry.evidence.into_iter().map(Spanned::into_inner).collect(),
            review_note: entry.review_note,
            worksheet,
            id,
        }
    }

    fn id(&mut self, id: &Spanned<String>) {
        let name = id.get_ref();
        let is_plain = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            && name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
            && name.ends_with(|letter: char| letter.is_ascii_alphanumeric());
        if !is_plain {
            let reason = "an id is 1 to 64 letters, digits, dots, underscores and hyphens, and begins and ends with a letter or digit";
            self.fault(id, name, reason);
        } else if !self.ids.insert(name.clone()) {
            self.fault(id, name, "another waiver has this id; give each its own");
        }
    }

    fn people(&mut self, entry: &Entry, id: &str) {
        let texts = [("owner", &entry.owner), ("approver", &entry.approver), ("justification", &entry.justification)];
        for (name, text) in texts {
            if text.get_ref().trim().is_empty() {
                self.fault(text, id, format!("`{name}` is empty"));
            }
        }
        let name = |text: &Spanned<String>| text.get_ref().trim().to_lowercase();
        if name(&entry.owner) == name(&entry.approver) {
            self.fault(&entry.approver, id, "owner and approver are the same; somebody else must approve");
        }
    }

    /// When it was approved, begins and ends.
    fn days(&mut self, entry: &Entry, id: &str) -> (Date, Date, Date) {
        let approved_on = self.day(&entry.approved_on, id);
        let effective_from = entry.effective_from.as_ref().map(|from| self.day(from, id));
        let expires_on = self.day(&entry.expires_on, id);
        let (Some(approved), Some(expires)) = (approved_on, expires_on) else { return Default::default() };
        let effective = effective_from.flatten().unwrap_or(approved);
        if let Some(from) = entry.effective_from.as_ref().filter(|_| effective < approved) {
            self.fault(
                from,
                id,
                format!("it cannot be in force from {effective}, before it was approved on {approved}"),
            );
        }
        let days = effective.until(expires).map_or(i32::MAX, |span| span.get_days());
        if days < 0 {
            self.fault(&entry.expires_on, id, format!("it ends on {expires}, before it begins on {effective}"));
        } else if days > MAX_DAYS {
            let reason = format!(
                "it lasts {days} days, from {effective} to {expires}; {MAX_DAYS} are the most: let it end earlier, and renew it"
            );
            self.fault(&entry.expires_on, id, reason);
        }
        (approved, effective, expires)
    }

    fn day(&mut self, written: &Spanned<Datetime>, id: &str) -> Option<Date> {
        let datetime = written.get_ref();
        let day = datetime.date.filter(|_| datetime.time.is_none() && datetime.offset.is_none()).and_then(|date| {
            let [month, day] = [date.month, date.day].map(i8::try_from);
            Date::new(i16::try_from(date.year).ok()?, month.ok()?, day.ok()?).ok()
        });
        if day.is_none() {
            self.fault(written, id, format!("`{datetime}` is no day; write it as 2026-12-31"));
        }
        day
    }

    fn worksheet(&mut self, entry: &Entry, id: &str) -> Vec<String> {
        let kind = *entry.kind.get_ref();
        if let Some(sheet) = entry.compensating.as_ref().filter(|_| kind != Kind::CompensatingControl) {
            self.fault(sheet, id, "`compensating` is the worksheet of the kind `compensating_control`");
        }
        if let Some(sheet) = entry.alternative.as_ref().filter(|_| kind != Kind::AlternativeMeasure) {
            self.fault(sheet, id, "`alternative` is the worksheet of the kind `alternative_measure`");
        }
        match (kind, &entry.compensating, &entry.alternative) {
            (Kind::CompensatingControl, Some(sheet), _) => {
                let it = sheet.get_ref();
                [&it.constraints, &it.definition, &it.objective, &it.identified_risk, &it.validation, &it.maintenance]
                    .map(Clone::clone)
                    .to_vec()
            }
            (Kind::AlternativeMeasure, _, Some(sheet)) => {
                let it = sheet.get_ref();
                vec![it.why_not_reasonable.clone(), it.equivalent_measure.clone()]
            }
            _ => vec![String::new(); kind.worksheet().len()],
        }
    }

    fn scope(&mut self, written: &Spanned<Match>, id: &str) -> Scope {
        let it = written.get_ref();
        let mut refuse = |reason: &str| self.fault(written, id, reason);
        if it.tag.is_some() || it.tags.is_some() {
            refuse(
                "tags do not say what is waived: whoever may tag a resource could waive its findings; name it by `resource_arn`",
            );
        }
        match (&it.fingerprint, &it.check) {
            (Some(fingerprint), None) => {
                if it.resource_arn.is_some() || it.account.is_some() {
                    refuse("a `fingerprint` names one finding; leave `resource_arn` and `account` out");
                }
                if !is_digest(fingerprint) {
                    refuse("a fingerprint is 64 hexadecimal digits in lower case, as findings.ndjson has it");
                }
                Scope::Fingerprint(fingerprint.clone())
            }
            (None, Some(check)) => {
                let scope = Scope::Check {
                    check: check.clone(),
                    resource_arn: it.resource_arn.clone(),
                    account: it.account.clone(),
                };
                for reason in self.faults_of_check(it, check) {
                    self.fault(written, id, reason);
                }
                scope
            }
            _ => {
                refuse(
                    "`match` names either a `fingerprint`, or a `check` with a `resource_arn`, an `account` or both",
                );
                Scope::Fingerprint(String::new())
            }
        }
    }

    /// What is wrong with a `match` by check.
    fn faults_of_check(&self, it: &Match, check: &str) -> Vec<String> {
        let mut faults = Vec::new();
        if check.contains('*') {
            faults.push(
                "a waiver is for one check, not for all that a pattern matches; write one waiver for each".to_owned(),
            );
        } else if let Some(reason) = (self.known.check)(check) {
            faults.push(reason);
        }
        if let Some(account) = it.account.as_ref().filter(|account| !is_account(account)) {
            faults.push(format!("{account:?} is no account: write its 12 digits in quotes"));
        }
        match (&it.resource_arn, &it.account) {
            (None, None) => faults
                .push("it would waive the check everywhere; name a `resource_arn`, an `account` or both".to_owned()),
            (Some(arn), account) => {
                if arn.split(':').count() < 6 || !arn.starts_with("arn:") {
                    faults.push(format!("{arn:?} is no ARN; findings.csv has those of all resources"));
                } else if arn.contains(['*', '?']) && account.is_none() && account_of(arn).is_none() {
                    faults.push(
                        "a pattern of resources must lie in one account: write its 12 digits into `resource_arn` or `account`".to_owned(),
                    );
                }
            }
            (None, Some(_)) => {}
        }
        faults
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Whether a text is the number of an account.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
