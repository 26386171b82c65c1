//! How long one decision takes when ten policies have a say: `cargo bench --bench decide`.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark reads the clock and prints")]

use std::hint::black_box;
use std::time::Instant;

use keyproof::policy::{
    Action, Caller, CallerKind, Context, ContextValue, Document, Environment, Policies, Request, decide,
};

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

fn main() -> Result<(), Box<dyn std::error::Error>> {
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
        let outcome = decide(&request, &policies, Environment::default()).decision;
        let best = (0..3).map(|_| nanoseconds(&request, &policies)).fold(f64::INFINITY, f64::min);
        println!("{name} ({outcome}): {best:.0} ns a decision, 11 policies");
    }
    Ok(())
}

/// The mean of many decisions.
fn nanoseconds(request: &Request<'_>, policies: &Policies<'_>) -> f64 {
    const DECISIONS: u32 = 200_000;
    let start = Instant::now();
    for _ in 0..DECISIONS {
        black_box(decide(black_box(request), black_box(policies), Environment::default()));
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(DECISIONS)
}
