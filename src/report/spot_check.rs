//! The command lines that show in AWS, today, what a finding rests on: `aws` commands for a POSIX shell, quoted.

use super::recipe::quoted;
use super::visible::is_hidden;
use crate::finding::Finding;
use crate::model::{Evidence, unescape};

/// Commands for one finding at most.
const MAX_COMMANDS: usize = 6;

/// What stands in place of a command that names something which cannot be typed.
const BY_HAND: &str = "# a name here holds characters that do not show: look at the resource by hand";

/// The options of an operation, in the order in which a snapshot keys its answers. Operations that are not here take none.
const OPTIONS: &[(&str, &[&str])] = &[
    ("account:GetAlternateContact", &["--alternate-contact-type"]),
    ("iam:GetAccessKeyLastUsed", &["--access-key-id"]),
    ("iam:GetOpenIDConnectProvider", &["--open-id-connect-provider-arn"]),
    ("iam:ListAccessKeys", &["--user-name"]),
    ("iam:ListMFADevices", &["--user-name"]),
    ("iam:ListServiceSpecificCredentials", &["--user-name"]),
    ("kms:DescribeKey", &["--key-id"]),
    ("kms:GetKeyLastUsage", &["--key-id"]),
    ("kms:GetKeyPolicy", &["--key-id", "--policy-name"]),
    ("kms:GetKeyRotationStatus", &["--key-id"]),
    ("kms:ListGrants", &["--key-id"]),
    ("kms:ListKeyPolicies", &["--key-id"]),
    ("kms:ListKeyRotations", &["--key-id"]),
    ("kms:ListResourceTags", &["--key-id"]),
    ("organizations:DescribePolicy", &["--policy-id"]),
    ("organizations:ListAccountsForParent", &["--parent-id"]),
    ("organizations:ListDelegatedServicesForAccount", &["--account-id"]),
    ("organizations:ListOrganizationalUnitsForParent", &["--parent-id"]),
    ("organizations:ListPolicies", &["--filter"]),
    ("organizations:ListTargetsForPolicy", &["--policy-id"]),
];

/// The lists of `GetAccountAuthorizationDetails`, with the filter that asks for each and the type of what is in it.
const DETAILS: &[(&str, &str, &str)] = &[
    ("UserDetailList", "User", "AWS::IAM::User"),
    ("GroupDetailList", "Group", "AWS::IAM::Group"),
    ("RoleDetailList", "Role", "AWS::IAM::Role"),
    ("Policies", "LocalManagedPolicy", "AWS::IAM::ManagedPolicy"),
];

/// The commands for a finding, each once, to be run with credentials of its account.
pub(super) fn commands(finding: &Finding) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for evidence in &finding.evidence {
        let command = command(finding, evidence);
        if commands.len() < MAX_COMMANDS && !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

fn command(finding: &Finding, evidence: &Evidence) -> String {
    let tokens = evidence.pointer.split('/').skip(1).map(|token| unescape(token).into_owned());
    let tokens: Vec<String> = tokens.collect();
    let words = match evidence.api.as_ref() {
        "iam:GetAccountAuthorizationDetails" => details(finding, tokens.get(1).map_or("", String::as_str)),
        "iam:GetCredentialReport" => credential_report(finding),
        // Whether the account can be entered is what the caller's own identity says.
        "sts:AssumeRole" => "aws sts get-caller-identity".to_owned(),
        _ => operation(finding, evidence, &tokens),
    };
    if words.chars().any(is_hidden) { BY_HAND.to_owned() } else { words }
}

/// One call, with what the pointer into its answer says that it was asked with.
fn operation(finding: &Finding, evidence: &Evidence, tokens: &[String]) -> String {
    let (service, operation) = evidence.api.split_once(':').unwrap_or(("", &evidence.api));
    let options = OPTIONS.iter().find(|(api, _)| *api == evidence.api).map_or(&[][..], |(_, options)| options);
    // A refused call stands in the list of calls; what it was about is then the resource of the finding.
    let named = if tokens.first().is_some_and(|first| first == operation) { tokens.get(1..) } else { None };
    let mut words = format!("aws {service} {}", kebab(operation));
    for (index, option) in options.iter().enumerate() {
        let value =
            named.and_then(|named| named.get(index)).map(String::as_str).or_else(|| of_resource(finding, option));
        if let Some(value) = value {
            words += &format!(" {option}={}", quoted(value));
        }
    }
    if evidence.api == "kms:ListGrants" && finding.resource_type == "AWS::KMS::Grant" {
        words += &format!(" --grant-id={}", quoted(&finding.resource_name));
    }
    if finding.region.as_ref() != "global" && service == "kms" {
        words += &format!(" --region={}", quoted(&finding.region));
    }
    words
}

fn of_resource<'a>(finding: &'a Finding, option: &str) -> Option<&'a str> {
    match option {
        "--key-id" if finding.resource_arn.contains(":key/") => Some(&finding.resource_arn),
        "--user-name" if finding.resource_type == "AWS::IAM::User" => Some(&finding.resource_name),
        _ => None,
    }
}

fn details(finding: &Finding, list: &str) -> String {
    let Some((list, filter, resource_type)) = DETAILS.iter().find(|(name, ..)| *name == list) else {
        return "aws iam get-account-authorization-details".to_owned();
    };
    let mut words = format!("aws iam get-account-authorization-details --filter={filter}");
    if finding.resource_type == *resource_type {
        // A literal of JMESPath is JSON between backquotes.
        let arn = serde_json::Value::from(finding.resource_arn.as_ref()).to_string().replace('`', "\\u0060");
        words += &format!(" --query={}", quoted(&format!("{list}[?Arn==`{arn}`]")));
    }
    words
}

/// The row of the credential report that is about the resource.
fn credential_report(finding: &Finding) -> String {
    let row = quoted(&format!(",{},", finding.resource_arn));
    format!(
        "aws iam generate-credential-report && aws iam get-credential-report --query=Content --output=text | base64 -d | grep -F -- {row}"
    )
}

/// The name of an operation as the AWS CLI writes it: `ListMFADevices` is `list-mfa-devices`.
fn kebab(operation: &str) -> String {
    let letters: Vec<char> = operation.chars().collect();
    let mut name = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let begins_word = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || letters.get(at + 1).is_some_and(char::is_ascii_lowercase)
            });
        if begins_word {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::finding::{Severity, Status};

    fn finding(resource_type: &'static str, arn: &str, name: &str, region: &str, evidence: &[(&str, &str)]) -> Finding {
        let item = |(api, pointer): &(&str, &str)| Evidence {
            ev_id: String::new(),
            file: "f".into(),
            sha256: "".into(),
            pointer: (*pointer).into(),
            api: (*api).to_owned().into(),
            request_id: None,
            collected_at: None,
        };
        Finding {
            fingerprint: "f".to_owned(),
            check_id: "c",
            status: Status::Pass,
            underlying_status: None,
            severity: Severity::Low,
            partition: "aws".into(),
            account_id: "111122223333".into(),
            account_name: "".into(),
            ou_path: "".into(),
            region: region.into(),
            resource_type,
            resource_arn: arn.into(),
            resource_name: name.into(),
            reason: "".into(),
            aspects: Vec::new(),
            evidence: evidence.iter().map(item).map(Arc::new).collect(),
            statements: Vec::new(),
            controls: [].into(),
            remediation: "".into(),
            first_seen: jiff::Timestamp::UNIX_EPOCH,
            affected_principals: None,
            waiver: None,
        }
    }

    const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/k-1";

    #[test]
    fn names_of_operations_are_those_of_the_aws_cli() {
        for (operation, name) in [
            ("DescribeKey", "describe-key"),
            ("ListMFADevices", "list-mfa-devices"),
            ("ListSAMLProviders", "list-saml-providers"),
            ("GetOpenIDConnectProvider", "get-open-id-connect-provider"),
            ("ListVirtualMFADevices", "list-virtual-mfa-devices"),
        ] {
            assert_eq!(kebab(operation), name);
        }
    }

    #[test]
    fn each_kind_of_evidence_has_its_command_once() {
        let key = finding(
            "AWS::KMS::Grant",
            KEY,
            "g1",
            "eu-central-1",
            &[
                ("kms:DescribeKey", "/DescribeKey/k-1/KeyMetadata"),
                ("kms:DescribeKey", "/DescribeKey/k-1/KeyMetadata"),
                ("kms:GetKeyPolicy", "/GetKeyPolicy/k-1/default/Policy"),
                ("kms:ListGrants", "/calls/4"),
            ],
        );
        assert_eq!(
            commands(&key),
            [
                "aws kms describe-key --key-id=k-1 --region=eu-central-1",
                "aws kms get-key-policy --key-id=k-1 --policy-name=default --region=eu-central-1",
                "aws kms list-grants --key-id=arn:aws:kms:eu-central-1:111122223333:key/k-1 --grant-id=g1 --region=eu-central-1",
            ]
        );
        let user = "arn:aws:iam::111122223333:user/a";
        let it = finding(
            "AWS::IAM::User",
            user,
            "a",
            "global",
            &[
                ("iam:GetAccountAuthorizationDetails", "/GetAccountAuthorizationDetails/UserDetailList/0"),
                ("iam:GetAccountAuthorizationDetails", "/GetAccountAuthorizationDetails/Policies/0"),
                ("iam:GetCredentialReport", "/GetCredentialReport"),
                ("iam:ListMFADevices", "/ListMFADevices/a/MFADevices/0"),
                ("sts:AssumeRole", "/calls/0"),
            ],
        );
        assert_eq!(
            commands(&it),
            [
                "aws iam get-account-authorization-details --filter=User \
                 --query='UserDetailList[?Arn==`\"arn:aws:iam::111122223333:user/a\"`]'",
                "aws iam get-account-authorization-details --filter=LocalManagedPolicy",
                "aws iam generate-credential-report && aws iam get-credential-report --query=Content --output=text | base64 -d | \
                 grep -F -- ,arn:aws:iam::111122223333:user/a,",
                "aws iam list-mfa-devices --user-name=a",
                "aws sts get-caller-identity",
            ]
        );
    }

    #[test]
    fn a_hostile_name_stays_one_word_and_one_that_cannot_be_seen_gives_no_command() {
        let name = "-x'; rm -rf ~; \"$(id)\"`";
        let pointer = format!("/ListMFADevices/{}/MFADevices/0", name.replace('~', "~0"));
        let it = finding("AWS::IAM::User", "arn", name, "global", &[("iam:ListMFADevices", &pointer)]);
        assert_eq!(commands(&it), ["aws iam list-mfa-devices --user-name='-x'\\''; rm -rf ~; \"$(id)\"`'"]);
        let it = finding("AWS::IAM::User", "arn", "a\nb", "global", &[("iam:ListMFADevices", "/ListMFADevices/a\nb")]);
        assert_eq!(commands(&it), [BY_HAND]);
        let arn = "arn:`\"'";
        let it = finding(
            "AWS::IAM::User",
            arn,
            "a",
            "global",
            &[("iam:GetAccountAuthorizationDetails", "/x/UserDetailList/0")],
        );
        assert!(
            commands(&it)[0].ends_with(r#"--query='UserDetailList[?Arn==`"arn:\u0060\"'\''"`]'"#),
            "{:?}",
            commands(&it)
        );
    }
}
