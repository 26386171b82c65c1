//! `keyproof check list` and `keyproof check show`.

use std::fmt::Write;

use serde_json::json;

use super::nearest::nearest;
use super::{Exit, print, rows};
use crate::checks::{self, CHECKS, Check};
use crate::cli::{CheckCommand, ListArgs};
use crate::frameworks;

pub(super) fn run(command: CheckCommand) -> anyhow::Result<Exit> {
    match command {
        CheckCommand::List(args) => list(&args),
        CheckCommand::Show { id } => show(&id),
    }
}

fn list(args: &ListArgs) -> anyhow::Result<Exit> {
    let frameworks = frameworks::all()?;
    let row = |check: &&Check| {
        let mapped = frameworks.iter().filter(|framework| framework.checks().contains(check.id));
        let mapped: Vec<&str> = mapped.map(|framework| framework.id.as_str()).collect();
        vec![json!(check.id), json!(check.title), json!(check.severity), json!(check.resource), json!(mapped)]
    };
    let rows: Vec<_> = CHECKS.iter().map(row).collect();
    rows::print(args.format, &["id", "title", "severity", "resource_type", "frameworks"], &rows)
}

fn show(id: &str) -> anyhow::Result<Exit> {
    let Some(check) = checks::find(id) else {
        let hint = nearest(id, CHECKS.iter().map(|check| check.id))
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        anyhow::bail!("no check is called `{id}`{hint} (`keyproof check list` prints all of them)");
    };
    let mut text = String::new();
    writeln!(text, "{}\n{}\n", check.id, check.title)?;
    writeln!(text, "Severity    {}", check.severity)?;
    writeln!(text, "Resource    {}", check.resource)?;
    writeln!(text, "Reads       {}", check.reads.join(", "))?;
    if !check.elsewhere.is_empty() {
        writeln!(text, "Elsewhere   {}", check.elsewhere.join("; "))?;
    }
    section(&mut text, "Why", check.rationale)?;
    section(&mut text, "Rule", check.rule)?;
    section(&mut text, "Exempt", check.exemptions)?;
    section(&mut text, "Blind spots", check.blind_spots)?;
    section(&mut text, "Remediation", check.remediation.summary)?;
    for (index, step) in check.remediation.steps.iter().enumerate() {
        writeln!(text, "  {}. {step}", index + 1)?;
    }
    writeln!(text, "  Risk: {}", check.remediation.risk)?;
    writeln!(text, "\nControls")?;
    for framework in frameworks::all()? {
        for control in &framework.controls {
            for test in control.tests().filter(|test| test.check == check.id) {
                let sources: Vec<&str> = test.sources.iter().map(|source| source.document.as_str()).collect();
                let strength = format!("{:?}", test.strength).to_lowercase();
                writeln!(text, "  {}  {}  {strength}  ({})", framework.id, control.id, sources.join("; "))?;
            }
        }
    }
    print(text.as_bytes())
}

fn section(text: &mut String, title: &str, body: &str) -> std::fmt::Result {
    writeln!(text, "\n{title}")?;
    for line in body.lines() {
        writeln!(text, "  {}", line.trim())?;
    }
    Ok(())
}
