//! A mute list of Prowler as the beginning of a file of waivers.
//!
//! **Invariant:** nothing is waived that the list does not mute, and nothing is invented: what a mute list does not say (owner, approver,
//! days, often the reason) is left out and marked, so that the file cannot be used before somebody wrote it in.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Error;
use super::file::is_account;

/// The list as it is written. Earlier versions of Prowler had other names for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "Mutelist", alias = "Mute List", alias = "Allowlist")]
    list: List,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(rename = "Accounts")]
    accounts: BTreeMap<String, Account>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    #[serde(rename = "Checks")]
    checks: BTreeMap<String, Muted>,
}

/// What is muted of a check.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Muted {
    regions: Vec<String>,
    resources: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    exceptions: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    description: Option<String>,
}

/// A file of waivers that lacks what a mute list does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The file.
    pub text: String,
    /// How many waivers it begins.
    pub waivers: usize,
    /// How many entries of the list it leaves out, each with the reason as a comment.
    pub left_out: usize,
}

/// Begins a file of waivers; `file` is the name of the mute list, `checks` gives our names of a check of Prowler.
///
/// # Errors
/// [`Error::NoMutelist`].
pub fn begin(file: &str, text: &str, checks: &dyn Fn(&str) -> Vec<&'static str>) -> Result<Begun, Error> {
    let File { list } = serde_saphyr::from_str(text).map_err(|failed| Error::NoMutelist {
        file: file.to_owned(),
        reason: failed.to_string().trim_end().to_owned(),
    })?;
    let (mut waivers, mut left_out) = (Vec::new(), Vec::new());
    for (account, of_account) in &list.accounts {
        for (check, muted) in &of_account.checks {
            let names = checks(check);
            match refusal(account, check, muted, &names) {
                Some(reason) => {
                    left_out.push(format!("# {}: {reason}\n", literal(&format!("{check} in account {account}"))))
                }
                None => take(account, muted, &names, &mut waivers, &mut left_out),
            }
        }
    }
    let mut text = format!(
        "# Begun from the mute list {}. A mute list has neither owner nor approver nor end: write in what LACKS\n\
         # says. `keyproof waiver check` names what is still missing.\n",
        literal(file)
    );
    if !left_out.is_empty() {
        text += "#\n# Not taken over:\n";
        left_out.iter().for_each(|line| text += line);
    }
    for (index, waiver) in waivers.iter().enumerate() {
        text += &format!("\n[[waiver]]\nid = \"M-{}\"\n{waiver}", index + 1);
    }
    Ok(Begun { text, waivers: waivers.len(), left_out: left_out.len() })
}

/// Why an entry cannot be taken over as a whole, if it cannot.
fn refusal(account: &str, check: &str, muted: &Muted, names: &[&str]) -> Option<&'static str> {
    if check.contains('*') {
        Some("a waiver is for one check, and this is a pattern")
    } else if names.is_empty() {
        Some("no check is known here by this name of Prowler")
    } else if !is_account(account) {
        Some("a waiver lies in one account: write one for each")
    } else if !muted.tags.is_empty() {
        Some("tags do not say what is waived: whoever may tag a resource could waive its findings")
    } else if muted.exceptions.as_ref().is_some_and(|all| all.values().any(|list| !list.is_empty())) {
        Some("it has exceptions, which a waiver cannot have: name the resources that are waived")
    } else {
        None
    }
}

/// Begins a waiver for each check, Region and resource of an entry.
fn take(account: &str, muted: &Muted, names: &[&str], waivers: &mut Vec<String>, left_out: &mut Vec<String>) {
    for name in names {
        for resource in &muted.resources {
            for region in &muted.regions {
                match scope(account, name, region, resource) {
                    Ok(scope) => waivers.push(waiver(&scope, muted.description.as_deref())),
                    Err(reason) => {
                        let what = format!("{name} in account {account}, {region}, resource {resource}");
                        left_out.push(format!("# {}: {reason}\n", literal(&what)));
                    }
                }
            }
        }
    }
}

/// `match` of a waiver that means no more than what is muted.
fn scope(account: &str, check: &str, region: &str, resource: &str) -> Result<String, &'static str> {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/@,=:".contains(&byte));
    let of_keys = check.starts_with("kms-");
    if !of_keys && region != "*" && region != "us-east-1" {
        // Prowler files what IAM says under the Region that it was asked in, which is no part of an ARN.
        return Err("what it is about has no Region");
    }
    let narrowing = match (resource, region) {
        ("*", "*") => String::new(),
        ("*", region) if of_keys && plain(region) => format!(", resource_arn = \"arn:aws:kms:{region}:{account}:*\""),
        ("*", _) => String::new(),
        (arn, _) if arn.starts_with("arn:") && plain(arn) => format!(", resource_arn = \"{arn}\""),
        (name, "*") if of_keys && plain(name) => format!(", resource_arn = \"arn:aws:kms:*:{account}:*{name}*\""),
        (name, region) if of_keys && plain(name) && plain(region) => {
            format!(", resource_arn = \"arn:aws:kms:{region}:{account}:*{name}*\"")
        }
        (name, _) if plain(name) => format!(", resource_arn = \"arn:aws:iam::{account}:*{name}*\""),
        _ => return Err("a pattern of resources that cannot be said in the ARN: name the resources"),
    };
    Ok(format!("{{ check = \"{check}\", account = \"{account}\"{narrowing} }}"))
}

fn waiver(scope: &str, description: Option<&str>) -> String {
    let justification = match description.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => format!("justification = {}\n", literal(text)),
        None => "justification = \"\"            # LACKS: why it may be\n".to_owned(),
    };
    format!(
        "kind = \"risk_acceptance\"      # or another: see the README\n\
         match = {scope}\n\
         owner = \"\"                    # LACKS: who answers for the risk\n\
         approver = \"\"                 # LACKS: who approved it; not the owner\n\
         # approved_on = 2026-01-31    # LACKS: the day of the approval\n\
         # expires_on = 2026-12-31     # LACKS: the last day, 365 days later at most\n\
         {justification}"
    )
}

/// A text as TOML and comments can hold it: in quotes, in one line.
fn literal(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() || !(' '..='~').contains(&letter) && !letter.is_alphanumeric() => {
                quoted.push_str(&format!("\\U{:08X}", u32::from(letter)));
            }
            _ => quoted.push(letter),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::super::{Known, parse};
    use super::*;

    fn checks(name: &str) -> Vec<&'static str> {
        match name {
            "kms_rotation" => vec!["kms-key-rotation-enabled"],
            "iam_mfa" => vec!["iam-user-console-mfa", "iam-user-mfa-all"],
            _ => Vec::new(),
        }
    }

    const LIST: &str = "\
Mutelist:
  Accounts:
    \"111122223333\":
      Checks:
        kms_rotation:
          Regions: [eu-west-1]
          Resources: ['*', key-1, '.+-logs']
          Description: \"legacy \\\"keys\\\"\\u202e\"
        iam_mfa:
          Regions: ['*']
          Resources: [alice, 'arn:aws:iam::111122223333:user/bob']
        'ec2_*': { Regions: ['*'], Resources: ['*'] }
        s3_versioning: { Regions: ['*'], Resources: ['*'] }
    \"444455556666\":
      Checks:
        kms_rotation: { Regions: ['*'], Resources: ['*'], Tags: ['env=dev'] }
        iam_mfa: { Regions: ['*'], Resources: ['*'], Exceptions: { Accounts: [], Resources: [root] } }
    '*':
      Checks:
        kms_rotation: { Regions: ['*'], Resources: ['*'] }
";

    #[test]
    fn what_can_be_said_is_taken_over_and_the_rest_is_named() {
        let begun = begin("m.yaml", LIST, &checks).unwrap();
        assert_eq!((begun.waivers, begun.left_out), (6, 6), "{}", begun.text);
        for line in [
            "match = { check = \"kms-key-rotation-enabled\", account = \"111122223333\", resource_arn = \"arn:aws:kms:eu-west-1:111122223333:*\" }",
            "resource_arn = \"arn:aws:kms:eu-west-1:111122223333:*key-1*\" }",
            "match = { check = \"iam-user-mfa-all\", account = \"111122223333\", resource_arn = \"arn:aws:iam::111122223333:*alice*\" }",
            "resource_arn = \"arn:aws:iam::111122223333:user/bob\" }",
            "justification = \"legacy \\\"keys\\\"\\U0000202E\"",
            "# \"ec2_* in account 111122223333\": a waiver is for one check",
            "# \"s3_versioning in account 111122223333\": no check is known here",
            "resource .+-logs\": a pattern of resources",
            "# \"kms_rotation in account 444455556666\": tags do not say",
            "# \"iam_mfa in account 444455556666\": it has exceptions",
            "# \"kms_rotation in account *\": a waiver lies in one account",
        ] {
            assert!(begun.text.contains(line), "{line} is not in:\n{}", begun.text);
        }
    }

    #[test]
    fn what_was_begun_is_refused_until_it_says_what_it_lacks() {
        let begun = begin("m.yaml", LIST, &checks).unwrap().text;
        let nothing = |_: &str| None;
        let read = |text: &str| parse("w.toml", text, Known { check: &nothing, framework: &nothing });
        assert!(read(&begun).unwrap_err().to_string().contains("approved_on"), "{begun}");
        let dated = begun.replace("# approved_on", "approved_on").replace("# expires_on", "expires_on");
        let lacking = read(&dated).unwrap_err().to_string();
        for words in ["`owner` is empty", "`approver` is empty", "`justification` is empty"] {
            assert!(lacking.contains(words), "{lacking}");
        }
        let filled = dated.replace("owner = \"\"", "owner = \"a\"").replace("approver = \"\"", "approver = \"b\"");
        let filled = filled.replace("justification = \"\"", "justification = \"c\"");
        assert_eq!(read(&filled).unwrap().all.len(), 6);
    }

    #[test]
    fn what_is_no_mute_list_is_an_error_with_its_place() {
        for text in
            ["", "Mutelist: 1", "Mutelist:\n  Accounts:\n    a:\n      Cheks: {}\n", "a: [", "Other: {}", "\u{0}"]
        {
            let message = begin("m.yaml", text, &checks).unwrap_err().to_string();
            assert!(message.contains("`m.yaml`"), "{message}");
        }
        let message =
            begin("m.yaml", "Mutelist:\n  Accounts:\n    a:\n      Cheks: {}\n", &checks).unwrap_err().to_string();
        assert!(message.contains("Cheks") && message.contains('4'), "{message}");
    }
}
