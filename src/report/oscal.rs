//! What both OSCAL documents share: their head, the tool that observes, names of controls, and the rules of OSCAL's texts.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Value, json};

use super::identifier::{NAMESPACE, uuid};
use super::identity::Identity;
use super::visible;
use crate::checks::Check;
use crate::frameworks::{Control, Framework};
use crate::snapshot::manifest::Tool;

/// The version of OSCAL that documents follow.
const VERSION: &str = "1.2.1";

/// Id of the framework whose controls have ids of their own in NIST's catalogue.
const NIST_CATALOGUE: &str = "nist-800-53-r5";

/// The head of a document.
pub(super) fn metadata(identity: &Identity, title: &str) -> Value {
    json!({
        "title": line(&format!("{title}: {}", identity.subject_words)),
        "last-modified": identity.as_of,
        "version": identity.input_root,
        "oscal-version": VERSION,
        "props": [property("snapshot-root", &identity.snapshot_root), property("input-root", &identity.input_root)],
    })
}

/// A property of ours.
#[derive(Debug, Serialize)]
pub(super) struct Property<'a> {
    name: &'a str,
    ns: &'static str,
    value: String,
}

/// A property of ours. Its value is shown on one line; an empty one says so, because OSCAL has no empty texts.
pub(super) fn property<'a>(name: &'a str, value: &str) -> Property<'a> {
    static OURS: LazyLock<String> = LazyLock::new(|| format!("{NAMESPACE}/oscal"));
    let shown = visible::shown(value);
    let value = match shown.trim() {
        "" => "(none)",
        value => value,
    };
    Property { name, ns: &OURS, value: value.to_owned() }
}

/// A text for a member that holds Markdown: on one line, and none of it is markup.
pub(super) fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in visible::shown(text).trim().chars() {
        if "\\`*_|<>[]#{}$~&^".contains(letter) {
            line.push('\\');
        }
        line.push(letter);
    }
    line
}

/// The UUID of this program as a component.
fn tool_uuid() -> String {
    let tool = Tool::this();
    uuid("tool", &[&tool.name, &tool.version])
}

/// This program as a component: what observed.
pub(super) fn tool() -> Value {
    let tool = Tool::this();
    json!({
        "uuid": tool_uuid(),
        "type": "software",
        "title": format!("{} {}", tool.name, tool.version),
        "description": "Audits a snapshot of IAM, KMS and Organizations state, offline.",
        "status": { "state": "operational" },
    })
}

/// Who observed.
pub(super) fn origin() -> Value {
    json!({ "actors": [{ "type": "tool", "actor-uuid": tool_uuid() }] })
}

/// The UUID of what a check observed in all accounts.
pub(super) fn observation_uuid(identity: &Identity, check: &Check) -> String {
    uuid("observation", &[&identity.input_root, check.id])
}

/// The id of a control as a token: NIST's own where its catalogue has one (`AC-2(1)` is `ac-2.1`), else that of the framework in
/// front, because ids of different frameworks and versions are alike (`pci-dss-4.0.1-3.7.4`).
pub(super) fn control_token(framework: &Framework, control: &Control) -> String {
    let id = control.id.to_lowercase();
    if framework.id == NIST_CATALOGUE {
        return id.replace('(', ".").replace(')', "");
    }
    let plain = id.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.', "-");
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    // A token begins with a letter or an underscore; the id of a framework of the user's own need not.
    let begin = if framework.id.starts_with(|letter: char| letter.is_ascii_digit()) { "_" } else { "" };
    format!("{begin}{}-{}", framework.id, parts.join("-"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::frameworks;

    #[test]
    fn every_control_has_a_token_of_its_own() {
        let frameworks = frameworks::all().unwrap();
        let tokens = frameworks.iter().flat_map(|it| it.controls.iter().map(|control| control_token(it, control)));
        let tokens: Vec<String> = tokens.collect();
        assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), tokens.len());
        for known in ["ac-2.1", "sc-12", "hipaa-security-rule-164.312-a-2-iv", "pci-dss-4.0.1-3.7.4"] {
            assert!(tokens.iter().any(|it| it == known), "{known}");
        }
    }

    #[test]
    fn a_framework_whose_id_begins_with_a_digit_gives_tokens_all_the_same() {
        let text = "id = '1st'\ntitle = 'F'\nversion = '1'\npublisher = 'P'\nnotice = ''\n[[control]]\nid = 'A §1'\ntitle = 'One'\n";
        let framework = frameworks::parse("f.toml", text).unwrap();
        assert_eq!(control_token(&framework, &framework.controls[0]), "_1st-a-1");
    }

    #[test]
    fn a_text_is_one_line_without_markup_and_a_value_is_never_empty() {
        assert_eq!(line(" [x](https://a.example)\n*b* "), "\\[x\\](https://a.example)\u{240a}\\*b\\*");
        assert_eq!(property("n", " a\nb ").value, "a\u{240a}b");
        assert_eq!(property("n", " ").value, "(none)");
    }
}
