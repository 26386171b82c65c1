//! The catalogue of checks as Markdown: what each tests, and its names in other tools. `reports/checks.md` is its text.

use std::fmt::Write;

use crate::checks::{Answer, CHECKS, Check, Name, Tool, counterparts};

/// The tools that have a column of their own in the table of checks.
const TOOLS: [Tool; 5] = [Tool::SecurityHub, Tool::Config, Tool::Cis, Tool::Prowler, Tool::Steampipe];

/// How the entry of a check without a counterpart begins.
const NONE: &str = "None known";

/// The whole catalogue.
///
/// # Errors
/// None but those of writing into a string.
pub fn catalogue() -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "# The checks\n")?;
    writeln!(
        text,
        "Written by `keyproof check catalogue` from the same texts as `keyproof check show`; the controls that each check tests are in \
         `keyproof framework show`.\n"
    )?;
    writeln!(text, "## This check in other tools\n")?;
    write!(text, "| check | severity |")?;
    TOOLS.iter().try_for_each(|tool| write!(text, " {tool} |"))?;
    writeln!(text, " others |")?;
    writeln!(text, "|{}", " --- |".repeat(TOOLS.len() + 3))?;
    for check in CHECKS {
        let [tools @ .., others] = &names(check);
        write!(text, "| [{0}](#{0}) | {1} |", check.id, check.severity)?;
        for cell in tools.iter().chain([others]) {
            write!(text, " {} |", cell.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", "))?;
        }
        writeln!(text)?;
    }
    other_tools(&mut text)?;
    CHECKS.iter().try_for_each(|check| section(&mut text, check))?;
    Ok(text)
}

/// What answers each check of another tool here.
fn other_tools(text: &mut String) -> std::fmt::Result {
    let all = counterparts();
    for tool in Tool::ALL {
        writeln!(text, "\n## What answers the checks of {tool}\n")?;
        writeln!(text, "| check there | answered by |\n| --- | --- |")?;
        for it in all.iter().filter(|it| it.tool == tool) {
            let answer = match &it.answer {
                Answer::Checks(checks) => checks.iter().map(answered_by).collect::<Vec<_>>().join(", "),
                Answer::Manual(reason) => format!("MANUAL: {}", plain(reason)),
                Answer::Stated(reason) => format!("not here: {}", plain(reason)),
            };
            writeln!(text, "| {} | {answer} |", plain(it.id))?;
        }
    }
    Ok(())
}

fn answered_by((check, note): &(&str, &str)) -> String {
    let note = if note.is_empty() { String::new() } else { format!(" ({})", plain(note)) };
    format!("[{check}](#{check}){note}")
}

/// The names of a check by column; the last column has what belongs to no tool of the table.
fn names(check: &Check) -> [Vec<&'static str>; TOOLS.len() + 1] {
    let mut columns: [Vec<&'static str>; TOOLS.len() + 1] = std::array::from_fn(|_| Vec::new());
    for entry in check.elsewhere.iter().filter(|entry| !entry.starts_with(NONE)) {
        let name = Name::parse(entry);
        let found = name.and_then(|name| TOOLS.iter().position(|tool| *tool == name.tool));
        let short = found.and_then(|place| entry.strip_prefix(TOOLS.get(place)?.name())?.strip_prefix(' '));
        if let Some(column) = columns.get_mut(found.unwrap_or(TOOLS.len())) {
            column.push(short.unwrap_or(entry));
        }
    }
    columns
}

fn section(text: &mut String, check: &Check) -> std::fmt::Result {
    writeln!(text, "\n## {}\n", check.id)?;
    writeln!(text, "**{}** ({}; {})\n", plain(check.title), check.severity, plain(check.resource))?;
    writeln!(text, "{}\n", plain(check.rationale))?;
    for (name, body) in [("Rule", check.rule), ("Exempt", check.exemptions), ("Blind spots", check.blind_spots)] {
        writeln!(text, "- {name}: {}", plain(body))?;
    }
    for parameter in check.parameters {
        let unit = if parameter.unit().is_empty() { String::new() } else { format!(" {}", parameter.unit()) };
        let default = parameter.default().to_string();
        writeln!(
            text,
            "- Parameter `{}` = {}{unit} ({}): {}",
            parameter.name(),
            plain(&default),
            plain(&parameter.allowed()),
            plain(parameter.meaning())
        )?;
    }
    writeln!(text, "- Remediation: {}", plain(check.remediation.summary))?;
    for (index, step) in check.remediation.steps.iter().enumerate() {
        writeln!(text, "  {}. {}", index + 1, plain(step))?;
    }
    writeln!(text, "- Risk: {}", plain(check.remediation.risk))?;
    for command in check.remediation.commands {
        writeln!(text, "- Command: `{command}`")?;
    }
    writeln!(text, "- Statuses: {}", check.statuses.iter().map(|it| it.word()).collect::<Vec<_>>().join(", "))?;
    for (status, reason) in check.not_shown {
        writeln!(text, "- The demonstration shows no {}: {}", status, plain(reason))?;
    }
    writeln!(text, "- Reads: {}", if check.reads.is_empty() { "nothing".to_owned() } else { check.reads.join(", ") })
}

/// A text without what Markdown takes for marks.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\`*_|<>[]#".contains(character) {
            plain.push('\\');
        }
        plain.push(character);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_in_the_repository_is_what_the_checks_say() {
        let stored = include_str!("../../reports/checks.md");
        let written = catalogue().unwrap();
        let differs = stored.lines().zip(written.lines()).find(|(stored, written)| stored != written);
        assert_eq!(differs, None, "write it again: keyproof check catalogue > reports/checks.md");
        assert!(stored == written, "write it again: keyproof check catalogue > reports/checks.md");
    }

    #[test]
    fn every_check_has_one_row_and_one_section_with_its_rule() {
        let text = catalogue().unwrap();
        for check in CHECKS {
            let row = format!("| [{0}](#{0}) | {1} |", check.id, check.severity);
            assert_eq!(text.matches(&row).count(), 1, "{}", check.id);
            assert_eq!(text.matches(&format!("\n## {}\n", check.id)).count(), 1, "{}", check.id);
            assert!(text.contains(&plain(check.rule)), "{}", check.id);
        }
    }

    #[test]
    fn names_stand_under_their_tool() {
        let rotation = crate::checks::find("kms-key-rotation-enabled").unwrap();
        let [hub, config, cis, prowler, steampipe, others] = names(rotation);
        assert_eq!((hub, config), (vec!["KMS.4"], vec!["cmk-backing-key-rotation-enabled"]));
        assert_eq!((cis, prowler), (vec!["7.0.0 4.6"], vec!["kms_cmk_rotation_enabled"]));
        assert_eq!(
            (steampipe, others),
            (vec!["kms_cmk_rotation_enabled"], vec!["ScoutSuite kms-cmk-rotation-disabled"])
        );
        let none = names(crate::checks::find("kms-key-no-alias").unwrap());
        assert!(none.iter().all(Vec::is_empty));
    }

    #[test]
    fn every_check_of_another_tool_has_a_row_with_its_answer() {
        let text = catalogue().unwrap();
        let all = counterparts();
        for it in &all {
            let start = format!("| {} | ", plain(it.id));
            let rows = text.lines().filter(|line| line.starts_with(&start)).count();
            // Two tools may have chosen the same name.
            assert_eq!(rows, all.iter().filter(|other| other.id == it.id).count(), "{}", it.id);
        }
        let stated =
            "| kms\\_key\\_enclave\\_debug\\_attestation\\_detected | not here: needs the events of CloudTrail";
        assert!(text.contains(stated));
        assert!(text.contains("| IAM.4 | [iam-root-access-key](#iam-root-access-key) |"));
    }

    #[test]
    fn marks_are_plain_characters() {
        assert_eq!(plain("kms:Generate* | a_b"), r"kms:Generate\* \| a\_b");
    }
}
