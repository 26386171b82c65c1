//! Command lines quoted for a POSIX shell: one shows an auditor the raw answer behind a finding, others mend it.

use std::fmt::Write as _;

use crate::audit::EvidenceItem;
use crate::finding::Finding;
use crate::model::{Arn, unescape};

/// How far around a call its event is looked for.
const QUARTER_OF_AN_HOUR: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

/// One line that prints the evidence with `zstd` and `jq`, from the folder of which `prefix` leads to the snapshot.
pub(super) fn raw_answer(prefix: &str, file: &str, pointer: &str) -> String {
    let program = quoted(&program(pointer));
    let path = quoted(&format!("{prefix}{file}"));
    if file.ends_with(".zst") { format!("zstd -dc {path} | jq {program}") } else { format!("jq {program} {path}") }
}

/// One line that prints an item of evidence, from the pack's folder.
pub(super) fn item(file: &str, ev_id: &str) -> String {
    format!("jq {} {}", quoted(&format!("select(.ev_id==\"{ev_id}\")")), quoted(file))
}

/// One line that finds the call behind an item of evidence in the account's own CloudTrail, which keeps ninety days without a trail;
/// empty where AWS gave no request id.
pub(super) fn trail(item: &EvidenceItem) -> String {
    let is_plain = |id: &&String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let (Some(request_id), Some(time)) = (item.request_ids.first().filter(is_plain), item.collected_at) else {
        return String::new();
    };
    let (_, operation) = item.api.split_once(':').unwrap_or(("", &item.api));
    // Events are found by the minute; AWS's clock and ours need not agree.
    let around = [-QUARTER_OF_AN_HOUR, QUARTER_OF_AN_HOUR].map(|by| time.checked_add(by).unwrap_or(time));
    let [start, end] = around.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let region = match item.region.as_str() {
        // Services without Regions are logged in one.
        "global" => match item.partition.as_str() {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        },
        region => region,
    };
    format!(
        "aws cloudtrail lookup-events --region={} --lookup-attributes=AttributeKey=EventName,AttributeValue={} --start-time={start} \
         --end-time={end} --query={} --output=text",
        quoted(region),
        quoted(operation),
        quoted(&format!("Events[?contains(CloudTrailEvent, '{request_id}')].CloudTrailEvent")),
    )
}

/// The commands of the AWS CLI by which a check is mended, with the values of a finding. A command that asks for what the finding
/// has not, such as the name of a user where a role failed, is left out, and so is one whose value holds more than printable ASCII.
pub(super) fn remedies(commands: &[&str], finding: &Finding) -> Vec<String> {
    commands.iter().filter_map(|command| filled(command, finding)).collect()
}

/// A command with each `{name}` replaced by the finding's value, as a part of one word.
fn filled(command: &str, finding: &Finding) -> Option<String> {
    let mut parts = command.split('{');
    let mut line = parts.next()?.to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}')?;
        let value = value(name, finding)?;
        if value.is_empty() || !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return None;
        }
        line.push_str(&quoted(value));
        line.push_str(rest);
    }
    Some(line)
}

/// What a name in a command stands for.
fn value<'a>(name: &str, finding: &'a Finding) -> Option<&'a str> {
    let named =
        |resource_type: &str| (finding.resource_type == resource_type).then_some(finding.resource_name.as_ref());
    let arn_of = |types: &[&str]| types.contains(&finding.resource_type).then_some(finding.resource_arn.as_ref());
    match name {
        "account" => Some(&finding.account_id),
        "partition" => Some(&finding.partition),
        "region" => Some(finding.region.as_ref()).filter(|region| *region != "global"),
        "user" => named("AWS::IAM::User"),
        "group" => named("AWS::IAM::Group"),
        "role" => named("AWS::IAM::Role"),
        "certificate" => named("AWS::IAM::ServerCertificate"),
        "key_store" => named("AWS::KMS::CustomKeyStore"),
        "grant" => named("AWS::KMS::Grant"),
        "policy" => arn_of(&["AWS::IAM::ManagedPolicy"]),
        "key" => arn_of(&["AWS::KMS::Key", "AWS::KMS::Grant"]),
        "organization_policy" => {
            let arn = Arn::parse(arn_of(&["AWS::Organizations::Policy"])?)?;
            arn.resource.rsplit('/').next()
        }
        _ => None,
    }
}

/// A word of a shell command that stands for exactly `text`.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-=:@,+".contains(&byte);
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A jq program that walks a JSON pointer. It is ASCII: what a name holds beyond that is written as JSON escapes.
fn program(pointer: &str) -> String {
    let mut program = String::new();
    // The list of calls, and that of the ledger in the manifest, are the arrays that stand beside the operations.
    let is_beside = ["/calls/", "/coverage/"].iter().any(|list| pointer.starts_with(list));
    let shallowest_position = if is_beside { 1 } else { 2 };
    for (depth, token) in pointer.split('/').skip(1).enumerate() {
        let token = unescape(token);
        let is_word = token.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        // Below an operation stands an object, possibly keyed by names of digits; deeper down digits are positions.
        let is_position =
            depth >= shallowest_position && !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
        // Writing to a String cannot fail.
        let _ = if is_word {
            write!(program, ".{token}")
        } else if is_position {
            write!(program, "[{token}]")
        } else {
            write!(program, "[{}]", ascii_json(&token))
        };
    }
    if program.starts_with('.') { program } else { format!(".{program}") }
}

fn ascii_json(text: &str) -> String {
    let mut json = String::from("\"");
    for unit in text.encode_utf16() {
        match char::from_u32(u32::from(unit)).filter(|letter| matches!(letter, ' '..='~')) {
            Some(letter @ ('"' | '\\')) => json.extend(['\\', letter]),
            Some(letter) => json.push(letter),
            // Writing to a String cannot fail.
            None => {
                let _ = write!(json, "\\u{unit:04x}");
            }
        }
    }
    json + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_becomes_a_path_of_jq() {
        let (file, pointer) =
            ("accounts/111122223333/iam.json.zst", "/GetAccountAuthorizationDetails/UserDetailList/2/UserPolicyList/0");
        assert_eq!(
            raw_answer("data/snapshot/", file, pointer),
            "zstd -dc data/snapshot/accounts/111122223333/iam.json.zst | jq \
             '.GetAccountAuthorizationDetails.UserDetailList[2].UserPolicyList[0]'"
        );
        assert_eq!(raw_answer("", "organization.json", "/ListPolicies"), "jq .ListPolicies organization.json");
    }

    #[test]
    fn a_name_of_digits_below_an_operation_is_a_key() {
        assert_eq!(program("/ListMFADevices/7/MFADevices/0"), ".ListMFADevices[\"7\"].MFADevices[0]");
    }

    #[test]
    fn a_refused_call_stands_in_the_list_of_calls() {
        assert_eq!(program("/calls/12"), ".calls[12]");
        assert_eq!(program("/coverage/7"), ".coverage[7]");
    }

    #[test]
    fn a_hostile_name_stays_one_word_and_one_string() {
        let line = raw_answer("", "a.zst", "/ListAccessKeys/x'; rm -rf ~0; \"$(id)`\u{202e}\n~1");
        assert_eq!(line, r#"zstd -dc a.zst | jq '.ListAccessKeys["x'\''; rm -rf ~; \"$(id)`\u202e\u000a/"]'"#);
        assert!(line.is_ascii());
    }

    fn of(resource_type: &'static str, name: &str) -> Finding {
        Finding {
            fingerprint: String::new(),
            check_id: "iam-user-mfa-all",
            status: crate::finding::Status::Fail,
            underlying_status: None,
            waiver: None,
            severity: crate::finding::Severity::Low,
            partition: "aws".into(),
            account_id: "111122223333".into(),
            account_name: "".into(),
            ou_path: "".into(),
            region: "global".into(),
            resource_type,
            resource_arn: "arn:aws:organizations::111122223333:policy/o-a/service_control_policy/p-abc".into(),
            resource_name: name.into(),
            reason: "".into(),
            aspects: vec![],
            evidence: vec![],
            statements: vec![],
            affected_principals: None,
            controls: [].into(),
            remediation: "".into(),
            first_seen: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_command_has_the_values_of_the_finding_each_inside_one_word() {
        const BOTH: [&str; 2] = ["aws iam get-user --user-name={user}", "aws iam get-role --role-name={role}"];
        let user = |name: &str| remedies(&BOTH, &of("AWS::IAM::User", name));
        assert_eq!(user("Alice"), ["aws iam get-user --user-name=Alice"]);
        for (hostile, word) in [
            ("x; rm -rf ~", "'x; rm -rf ~'"),
            ("$(id)`id`", "'$(id)`id`'"),
            ("-rf", "'-rf'"),
            ("--query", "'--query'"),
            ("it's", r"'it'\''s'"),
            ("{role}", "'{role}'"),
        ] {
            assert_eq!(user(hostile), [format!("aws iam get-user --user-name={word}")], "{hostile}");
        }
        for unprintable in ["", "a\nb", "a\u{202e}b", "Zo\u{eb}"] {
            assert_eq!(user(unprintable), [""; 0], "{unprintable:?}");
        }
    }

    /// What a shell makes of a command: the words that the program gets.
    #[cfg(unix)]
    fn words(command: &str) -> Vec<String> {
        let script = format!("aws() {{ printf '%s\\n' \"$@\"; }}; {command}");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{command}");
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_takes_any_name_for_what_it_is() {
        const GET: [&str; 1] = ["aws iam get-user --user-name={user} --output=json"];
        for name in [
            "Alice", "=1+1@cmd", "-x", "--help", "it's", "'; id; '", "$(id)", "`id`", "a b", "*", "~", "a\\", "\"",
            "#", "!!", "a|b", "<x>", "a&b", "{user}", "${HOME}",
        ] {
            let command = remedies(&GET, &of("AWS::IAM::User", name)).remove(0);
            let expected = ["iam", "get-user", &format!("--user-name={name}"), "--output=json"];
            assert_eq!(words(&command), expected, "{command}");
        }
    }

    #[test]
    fn a_command_without_its_value_is_left_out() {
        let policy = of("AWS::Organizations::Policy", "Guard");
        let commands = [
            "aws organizations describe-policy --policy-id={organization_policy}",
            "aws kms describe-key --region={region} --key-id={key}",
            "aws iam get-account-summary",
            "aws broken {",
            "aws broken {unheard}",
        ];
        let expected = ["aws organizations describe-policy --policy-id=p-abc", "aws iam get-account-summary"];
        assert_eq!(remedies(&commands, &policy), expected);
    }

    #[test]
    fn commands_of_checks_ask_for_values_that_findings_have() {
        const NAMES: [&str; 12] = [
            "account",
            "partition",
            "region",
            "user",
            "group",
            "role",
            "certificate",
            "key_store",
            "grant",
            "policy",
            "key",
            "organization_policy",
        ];
        for check in crate::checks::CHECKS {
            assert!(!check.remediation.commands.is_empty(), "{}", check.id);
            for command in check.remediation.commands {
                assert!(command.starts_with("aws ") && command.is_ascii(), "{}: {command}", check.id);
                for part in command.split('{').skip(1) {
                    let (name, _) = part.split_once('}').unwrap();
                    assert!(NAMES.contains(&name), "{}: {name}", check.id);
                }
                // A value that begins with a hyphen must not become an option.
                for (place, _) in command.match_indices('{') {
                    assert!(matches!(command.as_bytes()[place - 1], b'=' | b':'), "{}: {command}", check.id);
                }
            }
        }
    }

    #[test]
    fn the_whole_file_is_a_dot() {
        assert_eq!(program(""), ".");
    }
}
