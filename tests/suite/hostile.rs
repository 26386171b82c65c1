//! Documents and lines that mean harm: each is answered by an error that names line and place, or by an answer, the other
//! lines go on, and memory stays bounded.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::program::{keyproof, told};

/// What a run may take, in KiB of address space, with one line at a time.
const MEMORY: u32 = 1_500_000;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// Runs a command on some input with its memory limited.
fn run(arguments: &[&str], input: &[u8]) -> Output {
    let program = keyproof();
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -v {MEMORY} && exec \"$0\" \"$@\"")])
        .arg(program.get_program())
        .args(arguments);
    command.env_clear().env("RAYON_NUM_THREADS", "1");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        // A program that has seen enough does not read the rest.
        scope.spawn(move || drop(pipe.write_all(input)));
        child.wait_with_output().expect("the program ends")
    })
}

/// A document of one Allow.
fn allow(resource: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": resource}]})
        .to_string()
}

fn repeated(head: &str, item: &str, count: usize, tail: &str) -> String {
    format!("{head}{}{tail}", item.repeat(count))
}

/// Documents that are refused, each with parts of the error about it.
fn refused() -> Vec<(Vec<u8>, Vec<&'static str>)> {
    let text = |text: &str, told: &[&'static str]| (text.as_bytes().to_vec(), told.to_vec());
    let mut refused = vec![
        text("{\"Statement\":", &["not valid JSON", "column"]),
        text("{\"Statement\":[],\"Statement\":[]}", &["/Statement", "stands twice"]),
        text(
            r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringEquals":{"a":"b","A":"b"}}}}"#,
            &["/Statement/Condition/StringEquals/A", "stands twice"],
        ),
        text(r#"{"Statement":[{"Effect":"Allow","Action":7,"Resource":"*"}]}"#, &["/Statement/0/Action", "a number"]),
        text(r#"{"Statement":"Allow"}"#, &["/Statement", "a string"]),
        text(
            &repeated("{\"Statement\":", "[", 900_000, &format!("{}}}", "]".repeat(900_000))),
            &["/Statement/0", "a list"],
        ),
        text(&allow(&"*a".repeat(20_000)), &["/Statement/0/Resource", "40000 bytes"]),
        text(&repeated("{\"Statement\":[", " ", 10 * 1024 * 1024, "]}"), &["bytes is larger than"]),
    ];
    let mut not_utf8 = allow(KEY).into_bytes();
    not_utf8[5] = 0xff;
    refused.push((not_utf8, vec!["UTF-8"]));
    refused
}

/// Documents that are read, however long it could take to find out what they mean.
fn read() -> Vec<String> {
    let statements = |statement: &dyn Fn(usize) -> Value, count: usize| {
        json!({"Version": "2012-10-17", "Statement": (0..count).map(statement).collect::<Vec<_>>()}).to_string()
    };
    let allow_if =
        |condition: Value| json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": condition});
    let keys = |count: usize, key: &dyn Fn(usize) -> String, value: Value| -> Value {
        (0..count).map(|n| (key(n), value.clone())).collect::<serde_json::Map<_, _>>().into()
    };
    let tag = |n: usize| format!("aws:PrincipalTag/k{n}");
    let of_two = |n: usize| allow_if(json!({"StringEquals": {tag(n): "v", tag(n + 40): "v"}}));
    let many = |count: usize, value: &dyn Fn(usize) -> String| (0..count).map(value).collect::<Vec<_>>();
    vec![
        statements(
            &|n| json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": format!("arn:aws:kms:us-east-1:{n:012}:key/*")}),
            10_000,
        ),
        allow("arn:aws:kms:*a*a*a*a*b"),
        allow(&repeated("arn:aws:kms:us-east-1:111122223333:key/", "*a", 15_000, "*b")),
        allow(&repeated("arn:aws:kms:", "?", 30_000, "")),
        allow(&repeated("arn:aws:kms:", "?*", 15_000, "")),
        allow(&repeated("arn:aws:kms:us-east-1:111122223333:key/", "${a:b}", 5_000, "")),
        allow(&repeated("arn:aws:kms:us-east-1:111122223333:key/", "${a", 5_000, &"}".repeat(5_000))),
        statements(
            &|n| json!({"Effect": "Allow", "Action": "kms:*", "Resource": format!("arn:aws:kms:*:*{n}*:key/*{n:x}*")}),
            200,
        ),
        statements(&|_| allow_if(json!({"StringEquals": keys(1_000, &tag, json!("v"))})), 1),
        statements(&of_two, 40),
        statements(&|_| allow_if(json!({"StringLike": {"kms:ViaService": many(5_000, &|n| format!("*v{n}*"))}})), 1),
        statements(&|_| allow_if(json!({"StringEquals": {"kms:ViaService": many(50_000, &|n| format!("v{n}"))}})), 1),
        statements(
            &|_| allow_if(json!({"NumericLessThan": {"aws:MultiFactorAuthAge": many(2_000, &|n| format!("{n}.5"))}})),
            1,
        ),
        statements(
            &|_| {
                allow_if(json!({"ForAllValues:StringLike": {"kms:GrantOperations": many(300, &|n| format!("*{n}*"))}}))
            },
            1,
        ),
        statements(
            &|_| json!({"Effect": "Deny", "NotAction": many(5_000, &|n| format!("a{n}:*")), "NotResource": many(5_000, &|n| format!("arn:aws:s3:::{n}*c*"))}),
            1,
        ),
        statements(
            &|_| json!({"Effect": "Allow", "Action": many(2_000, &|n| format!("ec2:*e*{n}*")), "Resource": "*"}),
            1,
        ),
    ]
}

/// A line of input with a document in it, which may be anything.
type Wrap = fn(&[u8]) -> Vec<u8>;

fn wrapped(head: &str, document: &[u8], tail: &str) -> Vec<u8> {
    [head.as_bytes(), document, tail.as_bytes()].concat()
}

fn for_evaluate(document: &[u8]) -> Vec<u8> {
    let tail = format!(
        r#"]}},"request":{{"principal_arn":"arn:aws:iam::111122223333:user/Alice","principal_type":"user","action":"kms:Decrypt","resource":"{KEY}","context":{{"a:b":"{}","kms:ViaService":"{0}"}}}}}}"#,
        "a".repeat(1_000)
    );
    wrapped(r#"{"id":1,"policies":{"identity":["#, document, &tail)
}

fn for_coverage(document: &[u8]) -> Vec<u8> {
    wrapped(r#"{"id":1,"policy":"#, document, "}")
}

fn for_compare(document: &[u8]) -> Vec<u8> {
    let tail = format!(r#","b":{}}}"#, allow("arn:aws:kms:*:*1*:key/*a*"));
    wrapped(r#"{"id":1,"a":"#, document, &tail)
}

fn every_line_is_answered(arguments: &[&str], wrap: Wrap) {
    let (refused, read) = (refused(), read());
    let mut lines: Vec<Vec<u8>> = refused.iter().map(|(document, _)| wrap(document)).collect();
    lines.extend([b"{\"id\":".to_vec(), vec![b'['; 1_000_000], vec![b'x'; 17 * 1024 * 1024]]);
    lines.extend(read.iter().map(|document| wrap(document.as_bytes())));
    let output = run(arguments, &lines.join(&b'\n'));
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(answers.len(), lines.len(), "{arguments:?}");
    let (bad, good) = answers.split_at(lines.len() - read.len());
    for (number, answer) in bad.iter().enumerate() {
        let error = answer["error"].as_str().unwrap_or_else(|| panic!("no error: {answer}"));
        assert!(error.starts_with(&format!("line {}", number + 1)), "{error}");
        let parts = refused.get(number).map_or(&[][..], |(_, parts)| parts);
        parts.iter().for_each(|part| assert!(error.contains(part), "{part} in {error}"));
    }
    for answer in good {
        assert!(answer.get("error").is_none() && answer["id"] == 1, "{answer}");
    }
}

#[test]
fn every_line_to_evaluate_is_answered() {
    every_line_is_answered(&["evaluate"], for_evaluate);
}

#[test]
fn every_line_to_cover_is_answered() {
    every_line_is_answered(&["policy", "coverage"], for_coverage);
}

#[test]
fn every_line_to_compare_is_answered() {
    every_line_is_answered(&["policy", "compare"], for_compare);
}

#[test]
fn every_document_is_linted_or_refused() {
    for (document, parts) in refused() {
        let output = run(&["policy", "lint", "-"], &document);
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        parts.iter().for_each(|part| assert!(told(&output).contains(part), "{part} in {}", told(&output)));
    }
    for document in read() {
        let output = run(&["policy", "lint", "--format", "ndjson", "-"], document.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_request_that_would_take_too_long_is_refused_by_name() {
    let document = read().swap_remove(11);
    let line = String::from_utf8(for_evaluate(document.as_bytes())).expect("UTF-8");
    let line = line.replace("\"a:b\":\"a", &format!("\"a:c\":[{}],\"a:b\":\"a", vec!["\"x\""; 20_000].join(",")));
    let output = run(&["evaluate"], line.as_bytes());
    let answer: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert!(answer["error"].as_str().is_some_and(|error| error.contains("line 1, at /request: ")), "{answer}");
}
