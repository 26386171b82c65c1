//! Chains to an action on a key, as a user of the demonstration sees them.

use std::process::Command;

use serde_json::Value;

use crate::demo::demo;
use crate::program::{keyproof, run};

fn access(arguments: &[&str]) -> Command {
    let mut command = keyproof();
    command.arg("access").args(arguments).arg("--snapshot").arg(demo().join("snapshots/2026-Q3"));
    command
}

fn text_of(arguments: &[&str]) -> String {
    String::from_utf8(run(&mut access(arguments), 0).stdout).expect("text")
}

fn rows(arguments: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--format", "ndjson"]).collect();
    text_of(&arguments).lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

const LOADER: &str = "arn:aws:iam::777788889999:role/LakeLoader";
const STATEMENTS: &str = "alias/statements";

#[test]
fn explain_tells_the_chain_of_one_principal() {
    let text = text_of(&["explain", LOADER, "kms:Decrypt", STATEMENTS, "--reach"]);
    let (_, chain) = text.split_once("CAN REACH IT ").expect("the part that tells of chains");
    let expected = "\
(in at most 3 links)
  role  arn:aws:iam::777788889999:role/LakeLoader  kms:Decrypt, directly denied
    allowed, in 1 link:
      1. assumes arn:aws:iam::123456789012:role/StatementReader
         sts:AssumeRole: allowed
           Allow in trust policy of role StatementReader, statement 0
           Allow in inline policy EnterReaders of role LakeLoader, statement 0 (Chain)
         which gives a session of the role
      then, as arn:aws:iam::123456789012:role/StatementReader
         kms:Decrypt on arn:aws:kms:eu-central-1:123456789012:key/0fb89d9f-02dc-4825-ac96-6dbbe983f8de: allowed
           Allow in key policy default, statement 2 (Readers)
";
    assert_eq!(chain, expected);
}

#[test]
fn explain_tells_the_chain_of_whoever_is_assigned_a_permission_set() {
    let provider = "arn:aws:iam::123456789012:saml-provider/AWSSSO_bf11d9043f61ddc9_DO_NOT_DELETE";
    let text = text_of(&["explain", provider, "kms:Decrypt", STATEMENTS, "--reach"]);
    let role = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-central-1/\
                AWSReservedSSO_AdministratorAccess_176cf837d2f3ee86";
    for words in [
        format!("identity-provider {provider}"),
        format!("1. vouches for whoever assumes {role}"),
        "sts:AssumeRoleWithSAML: conditional".to_owned(),
        "when SAML:aud is https://signin.aws.amazon.com/saml".to_owned(),
        "note: whoever is assigned the permission set AdministratorAccess in IAM Identity Center".to_owned(),
    ] {
        assert!(text.contains(&words), "{words:?} is not in {text}");
    }
    run(
        access(&["explain", "arn:aws:iam::123456789012:saml-provider/Nobody", "kms:Decrypt", STATEMENTS])
            .arg("--reach"),
        2,
    );
}

#[test]
fn rows_have_a_chain_where_it_is_asked_for_and_only_there() {
    let plain = rows(&["who-can", "kms:Decrypt", STATEMENTS]);
    assert!(plain.iter().all(|row| row.get("chain").is_none()));
    let with = rows(&["who-can", "kms:Decrypt", STATEMENTS, "--reach"]);
    let (direct, reached): (Vec<&Value>, Vec<&Value>) =
        with.iter().partition(|row| row["chain"] == serde_json::json!([]));
    assert_eq!(direct.len(), plain.len());
    let loader = reached.iter().find(|row| row["principal_arn"] == LOADER).expect("the role that enters by a chain");
    let steps: Vec<&Value> = loader["chain"].as_array().expect("links").iter().map(|link| &link["step"]).collect();
    assert_eq!(steps, ["assume_role", "use"]);
    assert_eq!(loader["path"], "reach");
}

#[test]
fn no_chain_is_longer_than_asked_for() {
    let length = |row: &Value| row["chain"].as_array().map_or(0, Vec::len).saturating_sub(1);
    for depth in ["1", "2"] {
        let rows = rows(&["who-can", "kms:Decrypt", STATEMENTS, "--reach", "--depth", depth]);
        let longest = rows.iter().map(length).max().expect("rows");
        assert_eq!(longest.to_string(), depth);
    }
    run(&mut access(&["who-can", "kms:Decrypt", STATEMENTS, "--depth", "2"]), 2);
}

#[test]
fn csv_has_a_column_of_chains() {
    let text = text_of(&["who-can", "kms:Decrypt", STATEMENTS, "--reach", "--format", "csv"]);
    assert!(text.lines().next().is_some_and(|header| header.ends_with(",statements,grants,chain")), "{text}");
    assert!(text.contains("assume_role by arn:aws:iam::777788889999:role/LakeLoader: sts:AssumeRole on "), "{text}");
}
