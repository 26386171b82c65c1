//! What the pack is, on every page and in `pack.json`: the roots, the selection, the window, the organization.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::Error;
use super::completeness::named_gaps;
use super::pack::{Audited, CONFIG, Options};
use super::redaction::{Level, Redaction};
use super::sample::Draw;
use super::view::{grouped, shortened};
use super::waivers_page;
use crate::audit::{ControlResult, Selection, Summary, Tie};
use crate::checks::{self, Check, Parameter, Setting};
use crate::digest;
use crate::frameworks::Framework;
use crate::model::{Fact, Organization};
use crate::policy::KMS_ACTIONS_DATE;
use crate::snapshot::manifest::{Source, Tool};
use crate::snapshot::{Manifest, Snapshot};

/// Where the schema of `pack.json` lies.
pub(super) const SCHEMA: &str = "data/json/pack.schema.json";

/// What `pack.json` is, as a JSON Schema.
pub(super) const SCHEMA_TEXT: &str = include_str!("pack.schema.json");

/// What stands at the foot of every page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Identity {
    /// `keyproof 0.1.0`.
    pub(super) tool: String,
    /// `o-…`, or the account where it is the only one that is known.
    pub(super) subject: String,
    /// `organization o-…`, `account 111122223333`.
    pub(super) subject_words: String,
    /// Whether every account of the organization is known, so that a number of accounts may be said to be out of all.
    pub(super) is_whole: bool,
    /// `o-…`, where the account is in one.
    pub(super) organization: Option<String>,
    /// Management account; empty when not known or none.
    pub(super) management_account: String,
    /// Partition.
    pub(super) partition: String,
    /// First call.
    pub(super) start: String,
    /// Last call.
    pub(super) end: String,
    /// Day of the last call.
    pub(super) day: String,
    /// When ages are counted, to the nanosecond.
    pub(super) as_of: String,
    /// The same to the second, for sentences.
    pub(super) as_of_words: String,
    /// First and last call to the second, for sentences.
    pub(super) window_words: [String; 2],
    /// Whether the pack says who can do what with every key.
    pub(super) has_access: bool,
    /// Whether it holds a sample.
    pub(super) has_sample: bool,
    /// Digest of the snapshot's manifest.
    pub(super) snapshot_root: String,
    /// Digest of everything that decides the pack's bytes.
    pub(super) input_root: String,
    /// Digest of the manifest of the earlier pack that was given, if one was.
    pub(super) prior_root: Option<String>,
    /// Digest of the checks and mappings.
    pub(super) ruleset: String,
    /// When AWS listed the actions of KMS as the audit knows them.
    pub(super) kms_actions: &'static str,
    /// Parameters that let more pass than their defaults, in words.
    pub(super) loosened: Vec<String>,
    /// Digest of the file of waivers; empty if there is none.
    pub(super) waivers: String,
    /// What was selected and what that left out, in sentences; none if everything was selected.
    pub(super) narrowed: Vec<String>,
    /// How the pack is redacted, if it is.
    pub(super) redaction: Option<Redacted>,
    /// Whether the snapshot is a made-up one.
    pub(super) demo: bool,
}

/// What a redacted pack says of that.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Redacted {
    /// The level.
    level: Level,
    /// What tells the secret of its pseudonyms from others: packs with the same one have the same pseudonyms.
    secret_id: String,
    /// The input root of the pack with all names.
    derived_from_input_root: String,
}

impl Identity {
    /// The identity of a pack of this snapshot with these options.
    /// `parent` are the options of the pack with all names.
    pub(super) fn new(
        snapshot: &Snapshot,
        organization: &Fact<Option<Organization>>,
        options: &Options<'_>,
        parent: &Options<'_>,
    ) -> Self {
        let manifest = snapshot.manifest();
        let as_of = options.audit.as_of.unwrap_or(manifest.window.end);
        let ruleset = digest::sha256(ruleset(options.audit.checks, options.audit.frameworks).to_string().as_bytes());
        let is_whole = matches!(organization, Ok(Some(organization)) if organization.accounts_gap.is_none());
        let (subject, subject_words) = subject(manifest, is_whole);
        let tool = Tool::this();
        Self {
            tool: format!("{} {}", tool.name, tool.version),
            subject,
            subject_words,
            is_whole,
            organization: manifest.organization_id.clone(),
            management_account: match organization {
                Ok(Some(organization)) => organization.management_account_id.clone(),
                _ => String::new(),
            },
            partition: manifest.partition.clone(),
            start: manifest.window.start.to_string(),
            end: manifest.window.end.to_string(),
            day: manifest.window.end.strftime("%-d %B %Y").to_string(),
            as_of: as_of.to_string(),
            as_of_words: to_the_second(as_of),
            window_words: [to_the_second(manifest.window.start), to_the_second(manifest.window.end)],
            has_access: options.with_access,
            has_sample: options.sample.is_some(),
            snapshot_root: snapshot.root().to_owned(),
            input_root: input_root(snapshot.root(), &ruleset, as_of, options),
            redaction: options.redaction.map(|redaction| Redacted {
                level: redaction.level(),
                secret_id: redaction.secret_id(),
                derived_from_input_root: input_root(snapshot.root(), &ruleset, as_of, parent),
            }),
            prior_root: options.prior_root.map(str::to_owned),
            ruleset,
            kms_actions: KMS_ACTIONS_DATE,
            loosened: loosened(&options.audit.settings()),
            waivers: options.audit.waivers.sha256().unwrap_or_default(),
            narrowed: narrowed(manifest, options),
            demo: manifest.source == Source::Demo,
        }
    }

    /// The lines of `bag-info.txt` before the digests.
    pub(super) fn about(&self, redaction: Option<&Redaction>) -> Vec<(&'static str, String)> {
        // A tag file is read line by line: what AWS names must not add lines.
        let line = |text: &str| {
            let text = redaction.map_or_else(|| text.to_owned(), |redaction| redaction.text(text));
            text.chars().filter(|letter| !letter.is_control()).collect::<String>()
        };
        let prior = self.prior_root.iter().map(|root| ("Prior-Pack-Root-SHA256", root.clone()));
        let about = [
            ("Source-Organization", line(&self.subject)),
            (
                "External-Description",
                format!(
                    "Evidence on IAM and KMS of {}, as of {}{}{}",
                    line(&self.subject_words),
                    self.as_of,
                    if self.narrowed.is_empty() { "" } else { ", narrowed by a selection" },
                    if self.redaction.is_some() { ", redacted" } else { "" }
                ),
            ),
            ("Bag-Software-Agent", self.tool.clone()),
            ("Snapshot-Root-SHA256", self.snapshot_root.clone()),
            ("Input-Root-SHA256", self.input_root.clone()),
        ];
        about.into_iter().chain(prior).collect()
    }
}

/// The settings that let more pass than the defaults, each with its check.
pub(super) fn loosened(settings: &[Setting]) -> Vec<String> {
    settings.iter().filter(|it| it.loosened).map(|it| shortened(&format!("{}: {it}", it.check))).collect()
}

/// What is selected, and what that leaves out before anything is judged, in sentences.
fn narrowed(manifest: &Manifest, options: &Options<'_>) -> Vec<String> {
    let selected = options.audit.selection.words();
    let omitted = options.audit.omitted(manifest).words(manifest.accounts.len());
    let sentence = |(words, phrases): (&str, Vec<String>)| {
        (!phrases.is_empty()).then(|| shortened(&format!("{words}: {}.", phrases.join("; "))))
    };
    [("Selected", selected), ("Left out", omitted)].into_iter().filter_map(sentence).collect()
}

/// The configuration file that selects the same and sets the same parameters.
#[derive(Serialize)]
struct ConfigFile<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<&'a Selection>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    checks: BTreeMap<&'a str, BTreeMap<&'a str, &'a checks::Value>>,
}

/// Selection and settings as a configuration file, if there are any.
pub(super) fn config(selection: &Selection, settings: &[Setting]) -> Result<Option<String>, Error> {
    if selection.is_empty() && settings.is_empty() {
        return Ok(None);
    }
    let audit = (!selection.is_empty()).then_some(selection);
    let mut file = ConfigFile { audit, checks: BTreeMap::new() };
    for Setting { check, name, value, .. } in settings {
        file.checks.entry(check).or_default().insert(name, value);
    }
    let encode = |failed: toml::ser::Error| Error::Encode { path: CONFIG.to_owned(), reason: failed.to_string() };
    toml::to_string(&file).map(Some).map_err(encode)
}

/// A time as sentences name it.
fn to_the_second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn subject(manifest: &Manifest, is_whole: bool) -> (String, String) {
    let count = || format!("{} accounts", grouped(manifest.accounts.len() as u64));
    match (&manifest.organization_id, manifest.accounts.as_slice()) {
        (Some(id), _) if is_whole => (id.clone(), format!("organization {id}")),
        (Some(id), [account]) => {
            (account.account_id.clone(), format!("account {} of organization {id}", account.account_id))
        }
        (Some(id), _) => (id.clone(), format!("{} of organization {id}", count())),
        (None, [account]) => (account.account_id.clone(), format!("account {}", account.account_id)),
        (None, _) => (count(), count()),
    }
}

/// The input root: snapshot, ruleset and everything else that decides the bytes of the pack.
fn input_root(snapshot_root: &str, ruleset: &str, as_of: Timestamp, options: &Options<'_>) -> String {
    let input = json!({
        "as_of": as_of,
        "parameters": options.audit.settings(),
        "verdicts": options.audit.verdicts,
        "waivers": options.audit.waivers.sha256(),
        "ruleset": ruleset,
        "selection": options.audit.selection,
        "snapshot": snapshot_root,
        "snapshot_included": options.with_snapshot,
        "access_included": options.with_access,
        "workbook_included": options.with_workbook,
        "prior": options.prior_root,
        "sample": options.sample,
        "tool": Tool::this(),
        "redaction": options.redaction.map(|it| [it.level().word().to_owned(), it.secret_id()]),
    });
    digest::sha256(input.to_string().as_bytes())
}

/// The checks and mappings that ran, in full, and the date of what the checks know: what the digest of the ruleset is taken of.
fn ruleset(checks: &[&'static Check], frameworks: &[Framework]) -> Value {
    let checks: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!([
                check.id,
                check.title,
                check.severity,
                check.resource,
                check.rationale,
                check.rule,
                check.exemptions,
                check.blind_spots,
                check.remediation.summary,
                check.remediation.steps,
                check.remediation.risk,
                check.reads,
                check.parameters.iter().map(declared).collect::<Vec<_>>(),
                check.elsewhere,
            ])
        })
        .collect();
    // Debug prints every member of the mapping, in the order of its file.
    let frameworks: Vec<String> = frameworks.iter().map(|framework| format!("{framework:?}")).collect();
    json!({ "checks": checks, "frameworks": frameworks, "kms_actions": KMS_ACTIONS_DATE })
}

fn declared(parameter: &Parameter) -> Value {
    json!([parameter.name(), parameter.meaning(), parameter.unit(), parameter.default(), parameter.allowed()])
}

/// Tie-outs by id and verdict; those of findings, which the pack makes itself, are in its lists only.
fn tie_outs(summary: &Summary) -> Value {
    let of = |verdicts: &BTreeMap<Tie, u64>| -> Value {
        let count = |verdict: Tie| (verdict.word().to_owned(), json!(verdicts.get(&verdict).copied().unwrap_or(0)));
        Value::Object(Tie::ALL.into_iter().map(count).collect())
    };
    Value::Object(summary.tie_outs.iter().map(|(id, verdicts)| ((*id).to_owned(), of(verdicts))).collect())
}

/// What may be said of a control, and how many of its tests were left out.
fn control(it: &ControlResult<'_>) -> Value {
    let (left_out, in_part) = it.omitted();
    json!({
        "id": it.control.id,
        "determination": it.determination,
        "counts": it.counts,
        "tests": it.tests.len(),
        "tests_left_out": left_out,
        "tests_in_part": in_part,
    })
}

/// The file of waivers, and what became of each; null where none was given.
fn waivers(options: &Options<'_>, summary: &Summary) -> Value {
    options.audit.waivers.sha256().map_or(
        Value::Null,
        |sha256| json!({ "file": waivers_page::FILE, "sha256": sha256, "waivers": summary.waivers }),
    )
}

/// `pack.json`.
pub(super) fn pack_json(audited: &Audited<'_>) -> Value {
    let Audited { identity, options, summary, results, .. } = audited;
    let manifest = audited.snapshot.manifest();
    let by_severity: serde_json::Map<String, Value> =
        summary.by_severity.iter().map(|(severity, counts)| (severity.word().to_owned(), json!(counts))).collect();
    let frameworks: Vec<Value> = results
        .iter()
        .map(|result| {
            let controls: Vec<Value> = result.controls.iter().map(control).collect();
            json!({ "id": result.framework.id, "version": result.framework.version, "controls": controls })
        })
        .collect();
    json!({
        "schema_version": 1,
        "tool": Tool::this(),
        "snapshot": {
            "root": identity.snapshot_root,
            "schema_version": manifest.schema_version,
            "source": manifest.source,
            "tool": manifest.tool,
            "collector": manifest.collector,
            "scope": manifest.scope,
            "window": manifest.window,
            "included": options.with_snapshot,
        },
        "access": { "included": options.with_access },
        "workbook": { "included": options.with_workbook },
        "ruleset": identity.ruleset,
        "knowledge": { "kms_actions": identity.kms_actions },
        "input_root": identity.input_root,
        "as_of": identity.as_of,
        "partition": manifest.partition,
        "prior_pack_root": options.prior_root,
        "redaction": identity.redaction,
        "organization": { "id": manifest.organization_id, "management_account_id": identity.management_account },
        "selection": {
            "checks": options.audit.checks.iter().map(|check| check.id).collect::<Vec<_>>(),
            "frameworks": options.audit.reported().map(|framework| &framework.id).collect::<Vec<_>>(),
            "parameters": options.audit.settings(),
            "verdicts": options.audit.verdicts,
            "own_frameworks": options.own_frameworks.iter().map(|file| &file.id).collect::<Vec<_>>(),
            "asked": options.audit.selection,
            "left_out": summary.omitted,
        },
        "waivers": waivers(options, summary),
        "sample": audited.draw.map(Draw::json),
        "incomplete": summary.is_incomplete(),
        "tie_outs": tie_outs(summary),
        "counts": {
            "total": summary.total,
            "by_severity": by_severity,
            "by_check": summary.by_check,
            "by_account": summary.by_account,
        },
        "gaps": named_gaps(&summary.ledger),
        "frameworks": frameworks,
    })
}
