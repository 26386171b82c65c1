//! The README: what it tells people to type exists.

use std::fs;
use std::path::Path;

use crate::demo::demo;
use crate::program::{keyproof, run, told};

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md")
}

/// The blocks of one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

#[test]
fn its_commands_and_flags_exist() {
    let text = readme();
    let lines = blocks(&text, "console");
    let commands: Vec<&str> =
        lines.iter().flat_map(|block| block.lines()).filter_map(|line| line.strip_prefix("$ keyproof ")).collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.split(['#', '>']).next().unwrap_or_default().split_whitespace().collect();
        let parts = if ["access", "framework", "waiver"].contains(&words[0]) { 2 } else { 1 };
        let help = run(keyproof().args(&words[..parts]).arg("--help"), 0);
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(told(&help).contains(flag), "`keyproof {}` has no {flag}", words[0]);
        }
    }
}

#[test]
fn its_table_names_commands_that_exist() {
    let text = readme();
    let table = text.split("## Commands").nth(1).expect("a table of commands").split("###").next().expect("a table");
    let quoted = table.lines().filter(|line| line.starts_with("| `")).flat_map(|line| {
        let cell = line.split(" | ").next().unwrap_or_default();
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    });
    let commands: Vec<String> = quoted.collect();
    assert!(commands.len() >= 10, "{commands:?}");
    for command in commands {
        let words = command.split_whitespace().take_while(|word| word.starts_with(|it: char| it.is_ascii_lowercase()));
        run(keyproof().args(words).arg("--help"), 0);
    }
}

#[test]
fn its_configuration_is_understood() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keyproof.toml");
    let (frameworks, others): (Vec<String>, Vec<String>) =
        blocks(&readme(), "toml").into_iter().partition(|block| block.starts_with("id = "));
    let (waivers, configurations): (Vec<String>, Vec<String>) =
        others.into_iter().partition(|block| block.starts_with("[[waiver]]"));
    assert_eq!(waivers.len(), 1);
    let of_waivers = folder.path().join("waivers.toml");
    fs::write(&of_waivers, &waivers[0]).expect("a file");
    let snapshot = demo().join("snapshots/2026-Q3");
    let checked = run(keyproof().args(["waiver", "check"]).arg(&of_waivers).arg("--snapshot").arg(&snapshot), 0);
    assert!(told(&checked).contains("W-2026-014"), "{}", told(&checked));
    for block in configurations {
        fs::write(&file, block).expect("a file");
        run(keyproof().arg("--config").arg(&file).arg("version"), 0);
    }
    assert_eq!(frameworks.len(), 1);
    let own = folder.path().join("acme.toml");
    fs::write(&own, &frameworks[0]).expect("a file");
    let shown = run(keyproof().args(["framework", "show", "acme-keys", "--framework-file"]).arg(&own), 0);
    assert!(told(&shown).contains("K-1"), "{}", told(&shown));
}

#[test]
fn its_parameters_are_those_of_the_templates() {
    let template = run(keyproof().args(["role", "--format", "cloudformation"]), 0);
    for parameter in ["AuditorAccountId", "ExternalId"] {
        for text in [readme(), told(&template)] {
            assert!(text.contains(parameter), "{parameter}");
        }
    }
}

/// Whether a text shows an output: its lines in order, `…` for any that are left out.
fn shows(output: &str, shown: &str) -> Result<(), String> {
    let mut rest: Vec<&str> = output.lines().collect();
    let mut is_free = false;
    for part in shown.split("…\n") {
        let part: Vec<&str> = part.lines().collect();
        let places = 0..=rest.len().saturating_sub(part.len());
        let found = places.clone().find(|at| rest.get(*at..at + part.len()) == Some(&part[..]));
        let Some(at) = found.filter(|at| is_free || *at == 0) else {
            return Err(format!("not in the output, or not where it is shown:\n{}", part.join("\n")));
        };
        rest = rest.split_off(at + part.len());
        is_free = true;
    }
    match rest.is_empty() || shown.ends_with("…\n") {
        true => Ok(()),
        false => Err(format!("left out at the end:\n{}", rest.join("\n"))),
    }
}

#[test]
fn its_answers_about_access_are_those_of_the_program() {
    let mut seen = 0;
    for block in blocks(&readme(), "console") {
        let Some((command, shown)) = block.strip_prefix("$ keyproof access ").and_then(|it| it.split_once('\n')) else {
            continue;
        };
        let folder = demo().display().to_string();
        let words = command.split_whitespace().map(|word| word.replace("keyproof-demo", &folder));
        let output = String::from_utf8(run(keyproof().arg("access").args(words), 0).stdout).expect("text");
        if let Err(difference) = shows(&output, shown) {
            panic!("`keyproof access {command}`: {difference}\n\nIt says:\n{output}");
        }
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn its_narrowed_audit_is_that_of_the_program() {
    let text = readme();
    let block = blocks(&text, "console").into_iter().find(|block| block.starts_with("$ keyproof audit keyproof-demo/"));
    let block = block.expect("an audit of the demonstration");
    let (command, shown) = block.split_once('\n').expect("an output");
    let folder = tempfile::tempdir().expect("a folder");
    let snapshots = demo().display().to_string();
    let words = command.trim_start_matches("$ keyproof ").split_whitespace();
    let words = words.map(|word| word.replace("keyproof-demo", &snapshots));
    let output = run(keyproof().current_dir(folder.path()).args(words), 4);
    if let Err(difference) = shows(&String::from_utf8(output.stdout).expect("text"), shown) {
        panic!("`{command}`: {difference}");
    }
}

#[test]
fn its_waivers_stand_as_the_program_says() {
    let block =
        blocks(&readme(), "console").into_iter().find(|it| it.starts_with("$ keyproof waiver check keyproof-demo/"));
    let block = block.expect("a check of the waivers of the demonstration");
    let (command, shown) = block.split_once('\n').expect("an output");
    let folder = demo().display().to_string();
    let words = command.trim_start_matches("$ keyproof ").split_whitespace();
    let output = run(keyproof().args(words.map(|word| word.replace("keyproof-demo", &folder))), 0);
    let output = String::from_utf8(output.stdout).expect("text");
    assert_eq!(shown.lines().count(), output.lines().count());
    for (shown, line) in shown.lines().zip(output.lines()) {
        let begin = shown.strip_suffix('…').expect("a line that is cut");
        assert!(line.starts_with(begin), "{shown}\n{line}");
    }
}

#[test]
fn a_shown_output_differs_where_a_line_does() {
    let output = "a\nb\nc\nd\n";
    for right in ["a\nb\nc\nd\n", "a\n…\nd\n", "…\nc\nd\n", "a\n…\n"] {
        assert_eq!(shows(output, right), Ok(()), "{right}");
    }
    for wrong in ["a\nb\n", "b\n…\n", "a\n…\nc\n", "a\n…\nx\n…\n", "d\n…\na\n"] {
        assert!(shows(output, wrong).is_err(), "{wrong}");
    }
}
