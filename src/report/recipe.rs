//! The command line that shows an auditor the raw answer behind a finding, quoted for a POSIX shell.

use std::fmt::Write as _;

use crate::model::Evidence;

/// One line that prints the evidence with `zstd` and `jq`, from the folder of which `prefix` leads to the snapshot.
pub(super) fn raw_answer(prefix: &str, evidence: &Evidence) -> String {
    let file = quoted(&format!("{prefix}{}", evidence.file));
    let program = quoted(&program(&evidence.pointer));
    if evidence.file.ends_with(".zst") {
        format!("zstd -dc {file} | jq {program}")
    } else {
        format!("jq {program} {file}")
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
    // The list of calls is the one array that stands beside the operations.
    let shallowest_position = if pointer.starts_with("/calls/") { 1 } else { 2 };
    for (depth, token) in pointer.split('/').skip(1).enumerate() {
        let token = token.replace("~1", "/").replace("~0", "~");
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

    fn evidence(file: &str, pointer: &str) -> Evidence {
        Evidence {
            file: file.to_owned(),
            sha256: String::new(),
            pointer: pointer.to_owned(),
            api: "iam:GetUser".to_owned(),
            request_id: None,
            collected_at: None,
        }
    }

    #[test]
    fn a_pointer_becomes_a_path_of_jq() {
        let it = evidence(
            "accounts/111122223333/iam.json.zst",
            "/GetAccountAuthorizationDetails/UserDetailList/2/UserPolicyList/0",
        );
        assert_eq!(
            raw_answer("data/snapshot/", &it),
            "zstd -dc data/snapshot/accounts/111122223333/iam.json.zst | jq \
             '.GetAccountAuthorizationDetails.UserDetailList[2].UserPolicyList[0]'"
        );
        let it = evidence("organization.json", "/ListPolicies");
        assert_eq!(raw_answer("", &it), "jq .ListPolicies organization.json");
    }

    #[test]
    fn a_name_of_digits_below_an_operation_is_a_key() {
        assert_eq!(program("/ListMFADevices/7/MFADevices/0"), ".ListMFADevices[\"7\"].MFADevices[0]");
    }

    #[test]
    fn a_refused_call_stands_in_the_list_of_calls() {
        assert_eq!(program("/calls/12"), ".calls[12]");
    }

    #[test]
    fn a_hostile_name_stays_one_word_and_one_string() {
        let it = evidence("a.zst", "/ListAccessKeys/x'; rm -rf ~0; \"$(id)`\u{202e}\n~1");
        let line = raw_answer("", &it);
        assert_eq!(line, r#"zstd -dc a.zst | jq '.ListAccessKeys["x'\''; rm -rf ~; \"$(id)`\u202e\u000a/"]'"#);
        assert!(line.is_ascii());
    }

    #[test]
    fn the_whole_file_is_a_dot() {
        assert_eq!(program(""), ".");
    }
}
