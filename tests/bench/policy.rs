//! How long the policy engine takes: parsing, deciding, covering, comparing. `scripts/bench-policy` runs it.
//!
//! usage: policy TASK FILE [REPETITIONS]
//!
//! FILE is what the command of the task reads, one JSON object a line: `parse` and `coverage` take `{id, policy}`, `compare`
//! takes `{id, a, b}`, `decide` none. Without REPETITIONS every line is timed, the best of some rounds, and printed as
//! `ID NANOSECONDS`; with them the task is done so often and nothing is printed, for counting instructions.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark reads the clock and prints")]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use keyproof::policy::{
    Action, Caller, CallerKind, Context, ContextValue, Document, Environment, Policies, Request, compare, coverage,
    decide,
};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    // `cargo bench` adds `--bench` to the arguments.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [task, file, repetitions @ ..] = arguments.as_slice() else { return Ok(()) };
    let repetitions = repetitions.first().map(|count| count.parse()).transpose()?;
    if task == "decide" {
        return deciding(repetitions);
    }
    for line in std::fs::read_to_string(file)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        let id = line["id"].to_string();
        let document = |member: &str| -> Outcome<(String, Document)> {
            let text = line[member].to_string();
            let document = Document::parse(&text)?;
            Ok((text, document))
        };
        match task.as_str() {
            "parse" => {
                let (text, _) = document("policy")?;
                report(&id, repetitions, || drop(black_box(Document::parse(black_box(&text)))));
            }
            "coverage" => {
                let (_, policy) = document("policy")?;
                report(&id, repetitions, || drop(black_box(coverage(black_box(&policy), "aws", "kms:Decrypt"))));
            }
            "compare" => {
                let (a, b) = (document("a")?.1, document("b")?.1);
                report(&id, repetitions, || drop(black_box(compare(black_box(&a), black_box(&b)))));
            }
            _ => return Err(format!("`{task}` is no task").into()),
        }
    }
    Ok(())
}

/// Does the work as often as asked, or prints how long it takes at best.
fn report(id: &str, repetitions: Option<u32>, work: impl Fn()) {
    if let Some(repetitions) = repetitions {
        (0..repetitions).for_each(|_| work());
        return;
    }
    let mut best = f64::INFINITY;
    for _ in 0..7 {
        // Reading the clock takes as long as short work does, which is therefore repeated.
        let rounds = (200_000.0 / best).clamp(1.0, 1_000.0) as u32;
        let start = Instant::now();
        (0..rounds).for_each(|_| work());
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(rounds));
    }
    println!("{id} {best:.0}");
}

/// Decisions in which eleven policies have a say.
fn deciding(repetitions: Option<u32>) -> Outcome<()> {
    let texts = [WORKLOAD, KEYS, LOGS, BOUNDARY, FULL, REGIONS, PERIMETER, KEY_POLICY];
    let parsed = texts.map(Document::parse).into_iter().collect::<Result<Vec<_>, _>>()?;
    let [workload, keys, logs, boundary, full, regions, perimeter, key_policy] = parsed.as_slice() else {
        return Err("eight documents".into());
    };
    let identity = [workload, keys, logs];
    let policies = Policies {
        identity: &identity,
        boundary: &[boundary],
        scps: Some(&[vec![full, regions], vec![full]]),
        rcps: Some(&[vec![full, perimeter], vec![full]]),
        key_policies: &[key_policy],
        ..Policies::default()
    };
    let caller = Caller::new(CallerKind::Role, "arn:aws:sts::111122223333:assumed-role/App/s1")
        .of("arn:aws:iam::111122223333:role/App");
    let action = Action::new("kms:Decrypt");
    let mut via_s3 = Context::default();
    for (key, value) in [("kms:ViaService", "s3.us-east-1.amazonaws.com"), ("aws:PrincipalOrgID", "o-example")] {
        via_s3.insert(key, ContextValue::One(value.to_owned()));
    }
    let direct = Context::default();
    for (name, context) in [("allowed", &via_s3), ("denied", &direct)] {
        let request = Request::new(&caller, &action, Some(KEY), context);
        report(name, repetitions, || {
            drop(black_box(decide(black_box(&request), black_box(&policies), Environment::default())));
        });
    }
    Ok(())
}

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const FULL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

const WORKLOAD: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":"arn:aws:s3:::orders-*"},
    {"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:PutItem","dynamodb:Query"],"Resource":"*"},
    {"Effect":"Allow","Action":["sqs:SendMessage","sqs:ReceiveMessage"],"Resource":"arn:aws:sqs:*:111122223333:*"}]}"#;
const KEYS: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey*","kms:DescribeKey"],
     "Resource":"arn:aws:kms:*:111122223333:key/*","Condition":{"StringLike":{"kms:ViaService":"s3.*.amazonaws.com"}}}]}"#;
const LOGS: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}"#;
const BOUNDARY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"*","Resource":"*"},
    {"Effect":"Deny","Action":["iam:*","organizations:*"],"Resource":"*"}]}"#;
const REGIONS: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Deny","NotAction":["iam:*","organizations:*","sts:*"],"Resource":"*",
     "Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-central-1","us-east-1"]}}}]}"#;
const PERIMETER: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{
     "StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-example"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}]}"#;
const KEY_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
    {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/KeyAdmin"},"Resource":"*",
     "Action":["kms:Create*","kms:Describe*","kms:Enable*","kms:List*","kms:Put*","kms:Update*","kms:Revoke*"]},
    {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/A","arn:aws:iam::111122223333:role/B"]},
     "Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*"}]}"#;
