//! `keyproof policy lint`: what in policy documents cannot mean what was intended.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use anyhow::Context;
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::console::{Console, harmless_lines};
use super::{Exit, rows};
use crate::cli::{FailOn, Format, LintArgs, LintFormat, LintKind};
use crate::policy::{Document, LintFacts, LintFinding, LintSeverity, PolicyKind, SERVICES_DATE, lint};

pub(super) fn run(args: &LintArgs, console: &Console) -> anyhow::Result<Exit> {
    let looked: Vec<anyhow::Result<Looked>> = args.files.par_iter().map(|path| look(path, args.kind)).collect();
    for failed in looked.iter().filter_map(|one| one.as_ref().err()) {
        console.error(failed);
    }
    let broken = looked.iter().filter(|one| one.is_err()).count();
    print(args, &looked)?;
    let findings = || looked.iter().flatten().flat_map(|one| &one.findings);
    console.note(&summary(args.files.len(), broken, findings().count()));
    let fails = |finding: &LintFinding| args.fail_on.is_some_and(|limit| reaches(finding.severity, limit));
    Ok(match broken {
        0 if findings().any(fails) => Exit::Findings,
        0 => Exit::Done,
        _ => Exit::Failed,
    })
}

/// One document that was read.
struct Looked {
    file: String,
    kind: PolicyKind,
    guessed: bool,
    /// The Sids of its statements, by index.
    sids: Vec<Option<String>>,
    findings: Vec<LintFinding>,
}

fn look(path: &Path, kind: Option<LintKind>) -> anyhow::Result<Looked> {
    let file = path.display().to_string();
    let bytes = read(path).with_context(|| format!("cannot read `{file}`"))?;
    let text = std::str::from_utf8(&bytes).with_context(|| format!("`{file}` is not UTF-8"))?;
    let inner = wrapped(text);
    let document =
        Document::parse(inner.as_deref().unwrap_or(text)).with_context(|| format!("`{file}` is no policy"))?;
    let guessed = kind.is_none();
    let kind = kind.map_or_else(|| PolicyKind::guess(&document), LintKind::policy_kind);
    let findings = lint(&document, kind, &LintFacts::default());
    let sids = document.statements.into_iter().map(|statement| statement.sid).collect();
    Ok(Looked { file, kind, guessed, sids, findings })
}

/// Reads one byte more than a document may have, so that the parser says that it is too large.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let limit = Document::MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// What the AWS CLI prints around a document.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wrapper<'t> {
    #[serde(borrow)]
    statement: Option<&'t RawValue>,
    #[serde(borrow, alias = "PolicyDocument", alias = "Document", alias = "AssumeRolePolicyDocument")]
    policy: Option<&'t RawValue>,
    #[serde(borrow, alias = "PolicyVersion")]
    role: Option<Inner<'t>>,
}

#[derive(Deserialize)]
struct Inner<'t> {
    #[serde(borrow, alias = "Document", alias = "AssumeRolePolicyDocument")]
    policy: Option<&'t RawValue>,
}

/// The document inside the answer of `get-key-policy`, `get-role-policy`, `get-policy-version`, `get-role` …
fn wrapped(text: &str) -> Option<String> {
    let wrapper: Wrapper<'_> = serde_json::from_str(text).ok()?;
    if wrapper.statement.is_some() {
        return None;
    }
    let inner = wrapper.policy.or_else(|| wrapper.role?.policy)?.get();
    if inner.starts_with('"') { serde_json::from_str(inner).ok() } else { Some(inner.to_owned()) }
}

fn print(args: &LintArgs, looked: &[anyhow::Result<Looked>]) -> anyhow::Result<()> {
    let all = || looked.iter().flatten();
    match args.format {
        LintFormat::Text => {
            let mut out = BufWriter::new(io::stdout().lock());
            for one in all() {
                out.write_all(harmless_lines(&text(one)?).as_bytes())?;
            }
            out.flush()?;
        }
        LintFormat::Ndjson => {
            let mut out = BufWriter::new(io::stdout().lock());
            for (one, path) in looked.iter().zip(&args.files) {
                match one {
                    Ok(one) => {
                        for finding in &one.findings {
                            serde_json::to_writer(&mut out, &object(one, finding)).map_err(io::Error::from)?;
                            out.write_all(b"\n")?;
                        }
                    }
                    Err(failed) => {
                        let line = json!({ "file": path.display().to_string(), "error": format!("{failed:#}") });
                        writeln!(out, "{line}")?;
                    }
                }
            }
            out.flush()?;
        }
        LintFormat::Json => print_rows(Format::Json, all())?,
        LintFormat::Csv => print_rows(Format::Csv, all())?,
        LintFormat::Table => print_rows(Format::Table, all())?,
    }
    Ok(())
}

const COLUMNS: [&str; 10] =
    ["file", "kind", "statement", "sid", "rule", "severity", "element", "value", "message", "suggestion"];

fn print_rows<'a>(format: Format, looked: impl Iterator<Item = &'a Looked>) -> anyhow::Result<()> {
    let rows: Vec<Vec<Value>> =
        looked.flat_map(|one| one.findings.iter().map(|finding| row(one, finding).to_vec())).collect();
    rows::print(format, &COLUMNS, &rows)?;
    Ok(())
}

fn row(one: &Looked, finding: &LintFinding) -> [Value; 10] {
    [
        json!(one.file),
        json!(one.kind.to_string()),
        json!(finding.statement),
        json!(sid(one, finding.statement)),
        json!(finding.rule.id()),
        json!(finding.severity.to_string()),
        json!(finding.element),
        json!(finding.value),
        json!(finding.message),
        json!(finding.suggestion),
    ]
}

fn object(one: &Looked, finding: &LintFinding) -> serde_json::Map<String, Value> {
    COLUMNS.into_iter().map(str::to_owned).zip(row(one, finding)).collect()
}

fn sid(one: &Looked, statement: Option<usize>) -> Option<&str> {
    one.sids.get(statement?)?.as_deref()
}

/// The findings of one document for people.
fn text(one: &Looked) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let guessed = if one.guessed { ", by its form" } else { "" };
    writeln!(text, "{} ({}{guessed})", one.file, one.kind)?;
    if one.findings.is_empty() {
        writeln!(text, "  nothing found\n")?;
        return Ok(text);
    }
    let mut last = None;
    for finding in &one.findings {
        if last != Some(finding.statement) {
            match (finding.statement, sid(one, finding.statement)) {
                (None, _) => writeln!(text, "  document")?,
                (Some(index), None) => writeln!(text, "  statement {index}")?,
                (Some(index), Some(sid)) => writeln!(text, "  statement {index} ({})", sid.replace('\n', " "))?,
            }
            last = Some(finding.statement);
        }
        let place = match (&finding.value, finding.element.as_str()) {
            (None, element) => element.to_owned(),
            (Some(value), element) => format!("{element}: {value}").replace('\n', " "),
        };
        let line = format!("    {:<13} {}  {place}", finding.severity.to_string(), finding.rule);
        writeln!(text, "{}", line.trim_end())?;
        writeln!(text, "      {}", finding.message.replace('\n', " "))?;
        if let Some(suggestion) = &finding.suggestion {
            writeln!(text, "      → {}", suggestion.replace('\n', " "))?;
        }
    }
    text.push('\n');
    Ok(text)
}

fn summary(files: usize, broken: usize, findings: usize) -> String {
    let count = |count: usize, name: &str| format!("{count} {name}{}", if count == 1 { "" } else { "s" });
    let broken = if broken == 0 { String::new() } else { format!(", {broken} not readable") };
    format!(
        "{}{broken}, {}. Actions and condition keys are known as of {SERVICES_DATE}.",
        count(files, "file"),
        count(findings, "finding")
    )
}

fn reaches(severity: LintSeverity, limit: FailOn) -> bool {
    match limit {
        FailOn::Critical => false,
        FailOn::High => severity <= LintSeverity::High,
        FailOn::Medium => severity <= LintSeverity::Medium,
        FailOn::Low => severity <= LintSeverity::Low,
        FailOn::Informational => true,
    }
}

impl LintKind {
    fn policy_kind(self) -> PolicyKind {
        match self {
            Self::Identity => PolicyKind::Identity,
            Self::Boundary => PolicyKind::Boundary,
            Self::Session => PolicyKind::Session,
            Self::Key => PolicyKind::Key,
            Self::Trust => PolicyKind::Trust,
            Self::Scp => PolicyKind::ServiceControl,
            Self::Rcp => PolicyKind::ResourceControl,
            Self::Resource => PolicyKind::Resource,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_found_inside_what_the_aws_cli_prints() {
        let document = r#"{"Statement":[]}"#;
        assert_eq!(wrapped(document), None);
        let quoted = serde_json::to_string(document).unwrap();
        assert_eq!(wrapped(&format!(r#"{{"Policy":{quoted},"PolicyName":"default"}}"#)).as_deref(), Some(document));
        assert_eq!(wrapped(&format!(r#"{{"RoleName":"r","PolicyDocument":{document}}}"#)).as_deref(), Some(document));
        let version = format!(r#"{{"PolicyVersion":{{"Document":{document},"VersionId":"v1"}}}}"#);
        assert_eq!(wrapped(&version).as_deref(), Some(document));
        let role = format!(r#"{{"Role":{{"AssumeRolePolicyDocument":{document}}}}}"#);
        assert_eq!(wrapped(&role).as_deref(), Some(document));
        assert_eq!(wrapped("[1]"), None);
    }

    #[test]
    fn a_limit_takes_in_what_is_worse() {
        assert!(reaches(LintSeverity::High, FailOn::Medium) && reaches(LintSeverity::Medium, FailOn::Medium));
        assert!(!reaches(LintSeverity::Low, FailOn::Medium) && !reaches(LintSeverity::High, FailOn::Critical));
    }

    #[test]
    fn the_summary_counts() {
        let text = summary(2, 1, 1);
        assert!(text.starts_with("2 files, 1 not readable, 1 finding. ") && text.contains(SERVICES_DATE));
    }
}
