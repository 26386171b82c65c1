//! The NDJSON forms of coverage and comparison: one line in, one answer out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::compare::{Compared, Held, Witness, compare};
use super::coverage::{Level, coverage};
use super::ndjson::{self, Fault, Line, Node};

/// The actions whose coverage is asked for when a line names none: those that reveal plaintext by themselves, after
/// Security Hub KMS.1 and KMS.2.
const DEFAULT_ACTIONS: [&str; 2] = ["kms:Decrypt", "kms:ReEncryptFrom"];

/// Answers one line of `policy coverage`, the `number`-th from 1: `{id, policy, partition?, actions?}`. Other members are
/// ignored; lines that `policy compare` reads are skipped.
#[must_use]
pub fn coverage_line(number: usize, bytes: &[u8]) -> Line {
    ndjson::line(number, bytes, &["compare"], |id, members| {
        let policy = members.need("policy")?.document()?;
        let partition = match members.get("partition") {
            Some(node) => partition(&node)?,
            None => "aws".to_owned(),
        };
        let actions = match members.get("actions") {
            Some(node) => node.one_or_many()?.iter().map(action).collect::<Result<_, _>>()?,
            None => DEFAULT_ACTIONS.map(str::to_owned).to_vec(),
        };
        let mut answer = CoverageAnswer { id, ..CoverageAnswer::default() };
        for action in actions {
            let coverage = coverage(&policy, &partition, &action);
            answer.levels.insert(action.clone(), coverage.level.name());
            answer.conditional |= coverage.conditional;
            if coverage.level != Level::None
                && let Some(witness) = coverage.witness
            {
                answer.witness.insert(action.clone(), witness);
            }
            answer.statements.extend(coverage.statements);
            answer.notes.extend(coverage.notes.iter().map(|note| format!("{action}: {note}")));
        }
        answer.statements.sort_unstable();
        answer.statements.dedup();
        Ok(written(&answer))
    })
}

/// Answers one line of `policy compare`, the `number`-th from 1: `{id, a, b}`. Other members are ignored; lines that
/// `policy coverage` reads are skipped.
#[must_use]
pub fn compare_line(number: usize, bytes: &[u8]) -> Line {
    ndjson::line(number, bytes, &["all_keys"], |id, members| {
        let compared = compare(&members.need("a")?.document()?, &members.need("b")?.document()?);
        Ok(written(&CompareAnswer::new(id, &compared)))
    })
}

#[derive(Serialize, Default)]
struct CoverageAnswer<'a> {
    id: Option<&'a RawValue>,
    levels: BTreeMap<String, &'static str>,
    conditional: bool,
    witness: BTreeMap<String, String>,
    statements: Vec<usize>,
    /// Only where the level rests on a choice of reading.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Serialize)]
struct CompareAnswer<'a> {
    id: Option<&'a RawValue>,
    effective: &'static str,
    compositional: &'static str,
    witness_more: Option<WitnessAnswer<'a>>,
    witness_less: Option<WitnessAnswer<'a>>,
    /// Only where the relation is unknown or rests on a choice of reading.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// A request in the form that `evaluate` reads.
#[derive(Serialize)]
struct WitnessAnswer<'a> {
    principal_arn: &'a str,
    principal_type: &'static str,
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<&'a str>,
    action: &'static str,
    resource: &'a str,
    context: BTreeMap<&'a str, Values<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Values<'a> {
    One(&'a str),
    Set(&'a [String]),
}

impl<'a> CompareAnswer<'a> {
    fn new(id: Option<&'a RawValue>, compared: &'a Compared) -> Self {
        Self {
            id,
            effective: compared.effective.name(),
            compositional: compared.compositional.name(),
            witness_more: compared.more.as_ref().map(WitnessAnswer::new),
            witness_less: compared.less.as_ref().map(WitnessAnswer::new),
            notes: compared.notes.iter().map(ToString::to_string).collect(),
        }
    }
}

impl<'a> WitnessAnswer<'a> {
    fn new(witness: &'a Witness) -> Self {
        let held = |held: &'a Held| match held {
            Held::One(value) => Values::One(value),
            Held::Set(values) => Values::Set(values),
        };
        Self {
            principal_arn: &witness.principal_arn,
            principal_type: if witness.role_arn.is_some() { "assumed-role" } else { "user" },
            account: &witness.account,
            role_arn: witness.role_arn.as_deref(),
            action: witness.action,
            resource: witness.resource.as_deref().unwrap_or("*"),
            context: witness.context.iter().map(|(key, value)| (key.as_str(), held(value))).collect(),
        }
    }
}

/// None of the answers can fail to be written: their keys are strings and their values plain.
fn written(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap_or_default()
}

fn partition(node: &Node<'_>) -> Result<String, Fault> {
    let partition = node.text()?;
    if !partition.starts_with("aws") || !partition.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
        return Err(node.fault(format!("`{partition}` is no partition: expected aws, aws-cn, aws-us-gov, …")));
    }
    Ok(partition)
}

fn action(node: &Node<'_>) -> Result<String, Fault> {
    let action = node.text()?;
    if !action.contains(':') || action.contains(['*', '?']) {
        return Err(node.fault(format!("`{action}` is no action: expected service:Name without wildcards")));
    }
    Ok(action)
}

#[cfg(test)]
mod tests {
    use super::super::evaluate::evaluate_line;
    use super::super::symbolic::VECTORS;
    use super::*;
    use serde_json::{Value, json};

    fn answer(line: Line) -> Value {
        match line {
            Line::Answer(answer) => serde_json::from_str(&answer).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn error(line: Line) -> String {
        match line {
            Line::Error(error) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_vector_is_answered_or_skipped_by_its_kind() {
        for (index, line) in VECTORS.lines().enumerate() {
            let vector: Value = serde_json::from_str(line).unwrap();
            if vector["kind"] == "compare" {
                assert_eq!(coverage_line(index + 1, line.as_bytes()), Line::Skipped);
                let answer = answer(compare_line(index + 1, line.as_bytes()));
                assert_eq!(answer["id"], vector["id"]);
                assert_eq!(answer["effective"], vector["expected"]["effective"], "{}", vector["id"]);
                assert_eq!(answer["compositional"], vector["expected"]["compositional"], "{}", vector["id"]);
                confirmed(&answer["witness_more"], &vector["b"], &vector["a"]);
                confirmed(&answer["witness_less"], &vector["a"], &vector["b"]);
            } else {
                assert_eq!(compare_line(index + 1, line.as_bytes()), Line::Skipped);
                let answer = answer(coverage_line(index + 1, line.as_bytes()));
                for (action, level) in answer["levels"].as_object().unwrap() {
                    assert_eq!(*level, vector["expected"][action], "{} {action}", vector["id"]);
                    let opens = *level != "NONE" && *level != "UNKNOWN";
                    assert_eq!(answer["witness"].get(action).is_some(), opens, "{}", vector["id"]);
                }
            }
        }
    }

    /// `evaluate` allows the witness under one policy and denies it under the other.
    fn confirmed(witness: &Value, with: &Value, without: &Value) {
        if witness.is_null() {
            return;
        }
        let partition = witness["principal_arn"].as_str().unwrap().split(':').nth(1).unwrap();
        let root = format!("arn:{partition}:iam::{}:root", witness["account"].as_str().unwrap());
        let key_policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}]});
        for (policy, expected) in [(with, "allow"), (without, "deny")] {
            let policies = json!({"identity": [policy], "key_policy": key_policy});
            let line = json!({"id": 1, "policies": policies, "request": witness}).to_string();
            assert_eq!(answer(evaluate_line(1, line.as_bytes()))["decision"], expected, "{line}");
        }
    }

    #[test]
    fn actions_and_partition_are_read() {
        let line = r#"{"id":7,"partition":"aws-cn","actions":["kms:Encrypt"],"policy":{"Version":"2012-10-17",
            "Statement":{"Effect":"Allow","Action":"kms:E*","Resource":"arn:aws-cn:kms:*:*:key/*"}}}"#;
        let answer = answer(coverage_line(1, line.as_bytes()));
        assert_eq!(answer["id"], 7);
        assert_eq!(answer["levels"], json!({"kms:Encrypt": "ALL"}));
        assert_eq!(answer["statements"], json!([0]));
        assert!(answer["witness"]["kms:Encrypt"].as_str().unwrap().starts_with("arn:aws-cn:kms:"));
        assert_eq!(answer.get("notes"), None);
    }

    #[test]
    fn a_line_that_is_not_valid_names_its_fault() {
        assert!(error(coverage_line(3, br#"{"id":"x"}"#)).contains("`policy` is missing"));
        let wrong = error(coverage_line(3, br#"{"id":"x","policy":{"Statement":[{"Effect":"Allow"}]}}"#));
        assert!(wrong.starts_with(r#"{"id":"x","error":"line 3"#), "{wrong}");
        assert!(wrong.contains("/policy") && wrong.contains("`Action` is missing"), "{wrong}");
        let wildcard = br#"{"id":"x","actions":["kms:*"],"policy":{"Statement":[]}}"#;
        assert!(error(coverage_line(1, wildcard)).contains("`kms:*` is no action"));
        assert!(error(compare_line(1, br#"{"id":"x","a":{"Statement":[]}}"#)).contains("`b` is missing"));
    }
}
