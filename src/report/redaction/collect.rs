//! What of a snapshot is kept back: the values of members that hold names, and the names inside ARNs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::Level;
use super::pseudonym::Class;

/// Members of AWS's answers whose texts are of a class, wherever they stand.
const MEMBERS: [(&str, Class); 24] = [
    ("UserName", Class::User),
    ("Email", Class::Mail),
    ("EmailAddress", Class::Mail),
    ("MasterAccountEmail", Class::Mail),
    ("PhoneNumber", Class::Contact),
    ("Description", Class::Description),
    ("sts:ExternalId", Class::ExternalId),
    ("account_name", Class::AccountName),
    ("RoleName", Class::Name),
    ("GroupName", Class::Name),
    ("PolicyName", Class::Name),
    ("InstanceProfileName", Class::Name),
    ("ServerCertificateName", Class::Name),
    ("AliasName", Class::Name),
    ("CustomKeyStoreName", Class::Name),
    ("KeyId", Class::Key),
    ("GrantId", Class::Id),
    ("PolicyId", Class::Id),
    ("Sid", Class::Id),
    ("request_id", Class::Id),
    ("OrganizationId", Class::Organization),
    ("organization_id", Class::Organization),
    ("TargetId", Class::Organization),
    ("ParentId", Class::Organization),
];

/// Kinds of resources in ARNs whose last part is a name of a class.
const RESOURCES: [(&str, Class); 12] = [
    (":user/", Class::User),
    (":federated-user/", Class::User),
    (":mfa/", Class::User),
    (":role/", Class::Name),
    (":group/", Class::Name),
    (":policy/", Class::Name),
    (":instance-profile/", Class::Name),
    (":server-certificate/", Class::Name),
    (":saml-provider/", Class::Name),
    (":oidc-provider/", Class::Name),
    (":alias/", Class::Name),
    (":key/", Class::Key),
];

/// Beginnings of access keys and unique ids.
const CREDENTIALS: [&str; 10] = ["AKIA", "ASIA", "AIDA", "AROA", "AGPA", "ANPA", "ANVA", "AIPA", "ASCA", "ABIA"];

/// Values that are kept back, each with its class.
pub(super) struct Found {
    level: Level,
    values: BTreeMap<String, Class>,
    /// Names of what AWS owns, which everybody knows.
    of_aws: BTreeSet<String>,
}

impl Found {
    pub(super) fn new(level: Level) -> Self {
        Self { level, values: BTreeMap::new(), of_aws: BTreeSet::new() }
    }

    /// Everything that was found.
    pub(super) fn values(self) -> BTreeMap<String, Class> {
        let Self { values, of_aws, .. } = self;
        values.into_iter().filter(|(value, class)| *class != Class::Name || !of_aws.contains(value)).collect()
    }

    /// Looks through a JSON value.
    pub(super) fn add(&mut self, value: &Value) {
        self.walk("", "", value);
    }

    /// Looks through a file of waivers: who answers for them, and what they wrote.
    pub(super) fn add_waivers(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.add_waivers(item)),
            Value::Object(members) => members.iter().for_each(|(name, value)| match (name.as_str(), value) {
                ("owner" | "approver", Value::String(text)) => self.value(text, Class::User),
                ("id" | "kind" | "check", _) => {}
                (_, Value::String(text)) => {
                    self.value(text, Class::Waiver);
                    self.patterns(text);
                }
                (_, other) => self.add_waivers(other),
            }),
            _ => {}
        }
    }

    /// `member` is the name of the nearest member above, `above` that of the one above it.
    fn walk(&mut self, above: &str, member: &str, value: &Value) {
        match value {
            Value::String(text) => self.text(above, member, text),
            Value::Array(items) => items.iter().for_each(|item| self.walk(above, member, item)),
            Value::Object(members) => {
                for (name, value) in members {
                    self.patterns(name);
                    self.walk(member, name, value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, above: &str, member: &str, text: &str) {
        if let Some((_, class)) = MEMBERS.iter().find(|(name, _)| *name == member) {
            self.value(text, *class);
        }
        match (above, member) {
            ("Tags", "Value" | "TagValue") => self.value(text, Class::Tag),
            ("EncryptionContextSubset" | "EncryptionContextEquals", _) => self.value(text, Class::EncryptionContext),
            ("Accounts" | "accounts", "Name" | "name") => self.value(text, Class::AccountName),
            ("AlternateContact", "Name" | "Title") => self.value(text, Class::Contact),
            ("OrganizationalUnits" | "Roots" | "Policies" | "Targets" | "Grants", "Name") => {
                self.value(text, if above == "OrganizationalUnits" { Class::Unit } else { Class::Name });
            }
            _ => {}
        }
        let condition = member.to_ascii_lowercase();
        if condition.ends_with("sourceip") {
            self.address(text);
        } else if condition.starts_with("kms:encryptioncontext:") {
            self.value(text, Class::EncryptionContext);
        } else if condition.starts_with("aws:resourcetag/") || condition.starts_with("aws:principaltag/") {
            self.value(text, Class::Tag);
        }
        self.patterns(text);
        // Key policies are documents inside a text.
        if text.starts_with('{')
            && let Ok(document) = serde_json::from_str::<Value>(text)
        {
            self.walk("", "", &document);
        }
    }

    /// A network address, with its mask or without.
    fn address(&mut self, text: &str) {
        let address = text.split('/').next().unwrap_or_default();
        if address.parse::<IpAddr>().is_ok() {
            self.value(text, Class::Address);
            self.value(address, Class::Address);
        }
    }

    /// What is known by its form: ARNs, mail addresses, ids.
    fn patterns(&mut self, text: &str) {
        for arn in text.split(|letter: char| letter.is_whitespace() || "\"'`,;()[]{}".contains(letter)) {
            if arn.contains(':') {
                self.arn(arn);
            }
        }
        for word in text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "_+=.@-".contains(letter))) {
            let word = word.trim_matches('.');
            if word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')) {
                self.value(word, Class::Mail);
            }
            self.id(word);
        }
    }

    fn id(&mut self, word: &str) {
        let is_digits = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
        if word.len() == 12 && is_digits(word) {
            self.value(word, Class::Account);
        } else if word.len() >= 16 && CREDENTIALS.iter().any(|begin| word.starts_with(begin)) {
            self.value(word, Class::Credential);
        } else if word.starts_with("o-") && word.len() >= 12 || word.starts_with("ou-") || word.starts_with("r-") {
            self.value(word, Class::Organization);
        }
    }

    /// The names inside an ARN. What AWS owns, everybody knows.
    fn arn(&mut self, arn: &str) {
        if let Some((_, name)) = arn.split_once("::aws:").and_then(|(_, name)| name.rsplit_once('/')) {
            self.of_aws.insert(name.to_owned());
        }
        if arn.contains("::aws:") || arn.contains("/aws-service-role/") || arn.contains("/aws-reserved/") {
            return;
        }
        if let Some((_, session)) = arn.split_once(":assumed-role/") {
            let mut parts = session.split('/');
            self.name(parts.next(), Class::Name);
            self.name(parts.next(), Class::User);
        }
        for (kind, class) in RESOURCES {
            if let Some((_, path)) = arn.split_once(kind) {
                self.name(path.rsplit('/').next(), class);
            }
        }
    }

    /// A name, unless it is a pattern that matches anything.
    fn name(&mut self, name: Option<&str>, class: Class) {
        let letters = |letter: &char| !"*?${}".contains(*letter);
        let Some(name) = name.filter(|name| name.chars().any(|it| letters(&it))) else { return };
        // Of a pattern, its text before the first star is a part of a name.
        self.value(name.trim_matches(['*', '?']), class);
    }

    fn value(&mut self, value: &str, class: Class) {
        let is_own_name = class == Class::Name && value.starts_with("alias/");
        let value = if is_own_name { &value["alias/".len()..] } else { value };
        if class.level() > self.level || value.is_empty() || value == "*" {
            return;
        }
        let kept = self.values.entry(value.to_owned()).or_insert(class);
        *kept = class.min(*kept);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(level: Level, value: &Value) -> BTreeMap<String, Class> {
        let mut found = Found::new(level);
        found.add(value);
        found.values()
    }

    #[test]
    fn names_of_people_are_found_by_member_and_inside_arns_and_documents() {
        let key_policy = json!({ "Statement": [{
            "Principal": { "AWS": ["arn:aws:iam::111122223333:user/ops/bob", "arn:aws:sts::111122223333:assumed-role/App/carol"] },
            "Condition": { "IpAddress": { "aws:SourceIp": "203.0.113.0/24" }, "StringEquals": { "kms:EncryptionContext:case": "4711" } },
        }]});
        let value = json!({
            "UserDetailList": [{ "UserName": "alice", "Tags": [{ "Key": "team", "Value": "Payments" }], "UserId": "AIDAEXAMPLEEXAMPLE12" }],
            "GetKeyPolicy": { "k": { "Policy": key_policy.to_string() } },
            "Accounts": [{ "Name": "Log Archive", "Email": "log@example.com", "Id": "444455556666" }],
            "Policies": [{ "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "PolicyName": "AdministratorAccess" }],
        });
        let auditor = found(Level::Auditor, &value);
        for (name, class) in [
            ("alice", Class::User),
            ("bob", Class::User),
            ("carol", Class::User),
            ("Payments", Class::Tag),
            ("203.0.113.0/24", Class::Address),
            ("4711", Class::EncryptionContext),
            ("Log Archive", Class::AccountName),
            ("log@example.com", Class::Mail),
        ] {
            assert_eq!(auditor.get(name), Some(&class), "{name}");
        }
        assert_eq!(auditor.len(), 9, "{auditor:?}");
        let public = found(Level::Public, &value);
        for name in ["111122223333", "444455556666", "App", "AIDAEXAMPLEEXAMPLE12"] {
            assert!(public.contains_key(name), "{name}");
        }
        assert!(!public.contains_key("AdministratorAccess"));
    }

    #[test]
    fn a_pattern_that_matches_anything_is_no_name() {
        let value = json!({ "Resource": ["arn:aws:iam::111122223333:user/*", "arn:aws:iam::111122223333:user/${aws:username}", "*"] });
        let auditor = found(Level::Auditor, &value);
        assert!(!auditor.contains_key("*") && !auditor.contains_key(""), "{auditor:?}");
    }
}
