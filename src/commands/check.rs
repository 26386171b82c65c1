//! `keyproof check list` and `keyproof check show`.

use std::fmt::Write;

use serde_json::json;

use super::console::harmless;
use super::misuse::misuse;
use super::selection::check_named;
use super::{Exit, print, rows};
use crate::checks::{CHECKS, Check, Parameters};
use crate::cli::{CheckCommand, ListArgs};
use crate::config::Config;
use crate::frameworks;
use crate::report::catalogue;

pub(super) fn run(command: CheckCommand, config: &Config) -> anyhow::Result<Exit> {
    match command {
        CheckCommand::List(args) => list(&args),
        CheckCommand::Catalogue => print(catalogue()?.as_bytes()),
        CheckCommand::Show { id } => show(&id, &config.parameters),
    }
}

fn list(args: &ListArgs) -> anyhow::Result<Exit> {
    let frameworks = frameworks::all()?;
    let row = |check: &&Check| {
        let mapped = frameworks.iter().filter(|framework| framework.checks().contains(check.id));
        let mapped: Vec<&str> = mapped.map(|framework| framework.id.as_str()).collect();
        let not_shown = check.not_shown.iter().map(|(status, reason)| format!("{status}: {reason}"));
        vec![
            json!(check.id),
            json!(check.title),
            json!(check.severity),
            json!(check.resource),
            json!(mapped),
            json!(check.statuses),
            json!(not_shown.collect::<Vec<_>>()),
        ]
    };
    let rows: Vec<_> = CHECKS.iter().map(row).collect();
    let columns = ["id", "title", "severity", "resource_type", "frameworks", "statuses", "not_in_demo"];
    rows::print(args.format, &columns, &rows)
}

fn show(id: &str, parameters: &Parameters) -> anyhow::Result<Exit> {
    let check = check_named(id).map_err(misuse)?;
    let mut text = String::new();
    writeln!(text, "{}\n{}\n", check.id, check.title)?;
    writeln!(text, "Severity    {}", check.severity)?;
    writeln!(text, "Resource    {}", check.resource)?;
    writeln!(text, "Reads       {}", check.reads.join(", "))?;
    let statuses: Vec<&str> = check.statuses.iter().map(|status| status.word()).collect();
    writeln!(text, "Statuses    {}", statuses.join(", "))?;
    for (status, reason) in check.not_shown {
        writeln!(text, "Not in demo {status}: {reason}")?;
    }
    if !check.elsewhere.is_empty() {
        writeln!(text, "Elsewhere   {}", check.elsewhere.join("; "))?;
    }
    section(&mut text, "Why", check.rationale)?;
    section(&mut text, "Rule", check.rule)?;
    write_parameters(&mut text, check, parameters)?;
    section(&mut text, "Exempt", check.exemptions)?;
    section(&mut text, "Blind spots", check.blind_spots)?;
    section(&mut text, "Remediation", check.remediation.summary)?;
    for (index, step) in check.remediation.steps.iter().enumerate() {
        writeln!(text, "  {}. {step}", index + 1)?;
    }
    for command in check.remediation.commands {
        writeln!(text, "  $ {command}")?;
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

fn write_parameters(text: &mut String, check: &Check, parameters: &Parameters) -> std::fmt::Result {
    if check.parameters.is_empty() {
        return Ok(());
    }
    let settings = parameters.settings(check);
    writeln!(text, "\nParameters (in keyproof.toml, under [checks.{}])", check.id)?;
    for parameter in check.parameters {
        let unit = if parameter.unit().is_empty() { String::new() } else { format!(" {}", parameter.unit()) };
        writeln!(text, "  {} = {}{unit}  ({})", parameter.name(), parameter.default(), parameter.allowed())?;
        writeln!(text, "    {}", parameter.meaning())?;
        for setting in settings.iter().filter(|setting| setting.name == parameter.name()) {
            writeln!(text, "    Set: {}", harmless(&setting.to_string()))?;
        }
    }
    Ok(())
}

fn section(text: &mut String, title: &str, body: &str) -> std::fmt::Result {
    writeln!(text, "\n{title}")?;
    for line in body.lines() {
        writeln!(text, "  {}", line.trim())?;
    }
    Ok(())
}
