//! Key policies that let in any AWS account.
//!
//! The question is put for an outsider: a principal in an account that nobody here names, in no organization or in one that
//! nobody here names. Some condition keys are fixed by being such a principal, some the outsider chooses, some nobody knows.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Check, Judged, Remediation, Rule, Scope, reference};
use crate::finding::{Judgement, Severity};
use crate::model::{Gap, Key, KeyManager, KeyMetadata, KeyPolicy};
use crate::policy::{
    AddressRange, Comparing, ConditionTest, Document, Effect, Found, Match, Operator, Principal, PrincipalElement,
    Statement, Text,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-policy-public",
    title: "Key policies do not open a key to the public",
    severity: Severity::Critical,
    resource: "KMS key",
    rationale: "A key policy that lets anyone in needs an AWS account of the attacker's own, and nothing of this \
        organization, to use the key: whoever gets hold of a ciphertext can read it.",
    rule: "FAIL if the policies of the key together allow some call by a principal outside the organization and outside \
        every account that the policies name, in circumstances which that principal can choose. That takes a wildcard \
        Principal, or NotPrincipal with Allow, without a condition that fixes account, organization, principal, network or \
        source to values without wildcards. kms:ViaService fixes none of them; neither does an IfExists on a key that the \
        caller can leave out. A Deny counts if the principal cannot avoid it. Only calls that AWS KMS accepts from other \
        accounts are asked for. UNDECIDED if the answer depends on a condition whose value nobody can tell.",
    exemptions: "AWS managed keys are NOT_APPLICABLE: their policy cannot be changed.",
    blind_spots: "Accounts and organizations that the policy names are not public, whoever they are; nor are grants looked \
        at. Resource control policies, which may keep the public out as well, are not counted. AWS Security Hub KMS.5 fails \
        a policy that it cannot read; here that is an ERROR.",
    remediation: Remediation {
        summary: "Name the principals in the key policy, or add a condition on aws:PrincipalOrgID or kms:CallerAccount.",
        steps: &[
            "Find out who uses the key through the open statement: CloudTrail events of the key, by userIdentity.",
            "Replace the wildcard by the accounts, roles or users that need the key; for a whole organization add \
             StringEquals on aws:PrincipalOrgID.",
            "Save the policy as it is, then kms:PutKeyPolicy, keeping the statement that lets your administrators manage the \
             key.",
        ],
        risk: "Callers that nobody listed lose access; the saved policy is the way back. A key whose policy names no \
            administrator cannot be mended by you: leave the lockout safety check of PutKeyPolicy on.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListKeyPolicies", "kms:GetKeyPolicy"],
    elsewhere: &[
        "AWS Security Hub KMS.5",
        "AWS Config kms-key-policy-no-public-access",
        "Prowler kms_key_not_publicly_accessible",
        "Steampipe kms_cmk_policy_prohibit_public_access",
        "CIS AWS Foundations 7.0.0 2.21 (key policies)",
    ],
    rules: &[Rule::Key(judge)],
};

/// What AWS KMS accepts from principals of other accounts and a key policy can allow (AWS KMS API Reference, "Cross-account
/// use"; key policy permissions reference).
const CROSS_ACCOUNT: [&str; 21] = [
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:CreateGrant",
    "kms:RevokeGrant",
    "kms:ListGrants",
    "kms:Sign",
    "kms:Verify",
    "kms:GenerateMac",
    "kms:VerifyMac",
    "kms:DeriveSharedSecret",
    "kms:Encapsulate",
    "kms:Decapsulate",
    "kms:DescribeKey",
    "kms:GetPublicKey",
    "kms:GetKeyRotationStatus",
];

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
    if metadata.key_manager == KeyManager::Aws {
        let reason = "AWS manages the key and its policy";
        return Ok(Judgement::not_applicable(reason).because_of(&metadata.source));
    }
    // A document that could not be read may hold the Deny that keeps the public out, or the Allow that lets it in.
    let policies = key.policies.whole()?;
    let documents: Vec<(&KeyPolicy, &Document)> = policies
        .iter()
        .map(|policy| Ok((policy, policy.document.as_deref().map_err(Clone::clone)?)))
        .collect::<Result<_, Gap>>()?;
    let outsider = Outsider::new(key, metadata, scope, &documents);
    let mut open: Vec<(Match, &str, &Statement, Vec<&str>)> = Vec::new();
    for (policy, document) in &documents {
        for allow in document.statements_of(Effect::Allow) {
            let asked = CROSS_ACCOUNT.iter().map(|action| (outsider.may(allow, action, &documents), *action));
            let answers: Vec<(Match, &str)> = asked.filter(|(answer, _)| answer.is_possible()).collect();
            if let Some(best) = answers.iter().map(|(answer, _)| *answer).max() {
                let actions = answers.iter().filter(|(answer, _)| *answer == best).map(|(_, action)| *action).collect();
                open.push((best, &policy.name, allow, actions));
            }
        }
    }
    let worst = open.iter().map(|(answer, ..)| *answer).max().unwrap_or(Match::No);
    open.retain(|(answer, ..)| *answer == worst);
    let actions: BTreeSet<&str> = open.iter().flat_map(|(_, _, _, actions)| actions.iter().copied()).collect();
    let judgement = match worst {
        Match::No => Judgement::pass("the key policy lets in nobody but those that it names"),
        Match::Unsure => {
            Judgement::undecided(format!("whether any AWS account may call {} depends on a condition", some(&actions)))
        }
        Match::Yes => Judgement::fail(format!("any AWS account may call {}", some(&actions))),
    };
    let statements = open.iter().map(|(_, policy, statement, _)| reference(policy, statement));
    Ok(judgement.by_statements(statements).because_of_all(policies.iter().map(|policy| &policy.source)))
}

/// The first of the actions by their weight, and how many more there are.
fn some(actions: &BTreeSet<&str>) -> String {
    let mut known = CROSS_ACCOUNT.iter().filter(|action| actions.contains(**action));
    let first = known.next().copied().unwrap_or_default();
    match known.count() {
        0 => first.to_owned(),
        more => format!("{first} and {more} more"),
    }
}

/// A principal that nobody here names, and the key it wants to use.
struct Outsider<'a> {
    key: &'a Key,
    metadata: &'a KeyMetadata,
    scope: &'a Scope<'a>,
    /// Its account.
    account: String,
    /// Every account that is written in a policy of the key.
    named: BTreeSet<String>,
}

/// What is known of a condition key in the outsider's request.
enum Known {
    /// It has one of these values, and the outsider brings about which.
    OneOf(Vec<Value>),
    /// The outsider can give it any value, or leave it out.
    Chosen,
    /// Nobody can tell.
    Unknown,
}

enum Value {
    Absent,
    One(String),
    Set(Vec<String>),
}

/// Whether a test holds: at the outsider's best choice, and at every choice.
#[derive(Clone, Copy)]
struct Held {
    can: Match,
    must: Match,
}

impl<'a> Outsider<'a> {
    fn new(
        key: &'a Key,
        metadata: &'a KeyMetadata,
        scope: &'a Scope<'a>,
        documents: &[(&KeyPolicy, &Document)],
    ) -> Self {
        let mut named = BTreeSet::from([scope.account.id.clone()]);
        for statement in documents.iter().flat_map(|(_, document)| &document.statements) {
            let entries = statement.principal.iter().flat_map(|principal| &principal.entries);
            named.extend(entries.filter_map(Principal::account).map(str::to_owned));
            let tests = statement.condition.iter().flat_map(|condition| &condition.tests);
            named.extend(tests.flat_map(|test| &test.values).flat_map(|value| account_ids(value.source())));
        }
        let mut outsider = Self { key, metadata, scope, account: String::new(), named };
        let mut accounts = (0..=999_999_999_999_u64).rev().map(|number| format!("{number:012}"));
        outsider.account = accounts.find(|account| outsider.is_nobodys(account)).unwrap_or_default();
        outsider
    }

    fn is_nobodys(&self, account: &str) -> bool {
        !self.named.contains(account) && !self.scope.accounts.contains(account)
    }

    /// Whether this Allow lets the outsider call the action, whatever Deny there is.
    fn may(&self, allow: &Statement, action: &str, documents: &[(&KeyPolicy, &Document)]) -> Match {
        let allowed = self.concerns(allow, action).min(self.condition(allow, |test| self.held(test).can));
        if !allowed.is_possible() {
            return Match::No;
        }
        let denies = documents.iter().flat_map(|(_, document)| document.statements_of(Effect::Deny));
        let denied = denies.map(|deny| {
            // What the outsider can choose it chooses so that the Deny does not apply; but where the Allow asks for the
            // same key, its choice is bound, and the two would have to be solved together.
            let avoided = |test: &ConditionTest| match self.held(test) {
                Held { can, must } if can == must => must,
                _ if tests_key(allow, &test.key) => Match::Unsure,
                Held { must, .. } => must,
            };
            self.concerns(deny, action).min(self.condition(deny, avoided))
        });
        allowed.min(!Match::any(denied))
    }

    /// Whether principal, action and resource parts match.
    fn concerns(&self, statement: &Statement, action: &str) -> Match {
        let Some(resources) = &statement.resources else { return Match::No };
        if !statement.principal.as_ref().is_some_and(admits_outsiders) {
            return Match::No;
        }
        statement.matches_action(action).min(resources.matches(Some(&self.key.arn), &|key| self.only_value(key)))
    }

    fn condition(&self, statement: &Statement, answer: impl Fn(&ConditionTest) -> Match) -> Match {
        if statement.has_empty_condition() {
            return Match::Unsure;
        }
        Match::all(statement.condition.iter().flat_map(|condition| &condition.tests).map(answer))
    }

    fn held(&self, test: &ConditionTest) -> Held {
        let choice = Held { can: Match::Yes, must: Match::No };
        let unknown = Held { can: Match::Unsure, must: Match::Unsure };
        if test.operator == Operator::Unknown {
            return unknown;
        }
        for variable in test.values.iter().flat_map(Text::variables) {
            match self.known(&variable.key, &[]) {
                Known::Unknown => return unknown,
                Known::OneOf(values) if values.len() == 1 => {}
                Known::OneOf(_) | Known::Chosen => return choice,
            }
        }
        let values = match self.known(&test.key, &test.values) {
            Known::Unknown => return unknown,
            Known::Chosen => return choice,
            Known::OneOf(values) => values,
        };
        let answers = values.iter().map(|value| test.holds(value.found(), &|key| self.only_value(key)));
        let answers: Vec<Match> = answers.collect();
        let can = answers.iter().copied().max().unwrap_or(Match::Unsure);
        let must = answers.iter().copied().min().unwrap_or(Match::Unsure);
        // Examples are tried, not every value: a wildcard that none of them met may still be met.
        let own = ["aws:principal", "aws:source", "aws:vpce", "kms:calleraccount"];
        let missed = can == Match::No
            && own.iter().any(|prefix| test.key.starts_with(prefix))
            && is_positive(test)
            && test.values.iter().any(reaches_beyond);
        Held { can: if missed { Match::Unsure } else { can }, must }
    }

    /// The value of a key that can have one value only.
    fn only_value(&self, key: &str) -> Option<String> {
        match self.known(key, &[]) {
            Known::OneOf(values) => match values.as_slice() {
                [Value::One(value)] => Some(value.clone()),
                _ => None,
            },
            Known::Chosen | Known::Unknown => None,
        }
    }

    /// What is known of a key (in lower case). `wanted` are the values that a test compares it with: the outsider tries to
    /// be what their wildcards let in. Semantics 3.5 has the sources.
    fn known(&self, key: &str, wanted: &[Text]) -> Known {
        let one = |value: &str| Known::OneOf(vec![Value::One(value.to_owned())]);
        let accounts = || self.accounts(wanted).into_iter().map(Value::One);
        let absent_or = |values: Vec<Value>| Known::OneOf([Value::Absent].into_iter().chain(values).collect());
        match key {
            "aws:principalaccount" | "kms:calleraccount" => Known::OneOf(accounts().collect()),
            "aws:principalarn" => Known::OneOf(self.arns(wanted).into_iter().map(Value::One).collect()),
            "aws:sourceaccount" | "aws:sourceowner" | "aws:vpceaccount" => absent_or(accounts().collect()),
            "aws:sourcearn" => absent_or(self.arns(wanted).into_iter().map(Value::One).collect()),
            "aws:principalorgid" | "aws:sourceorgid" | "aws:vpceorgid" => {
                absent_or(organizations("o-zzzzzzzzzz", wanted).map(Value::One).collect())
            }
            "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => {
                let paths = organizations("o-zzzzzzzzzz/r-zzzz/ou-zzzz-zzzzzzzz/", wanted);
                absent_or(paths.map(|path| Value::Set(vec![path])).collect())
            }
            "aws:principalisawsservice" => one("false"),
            "aws:principalservicename" | "aws:principalservicenameslist" => absent_or(Vec::new()),
            "aws:sourceip" => absent_or(addresses(wanted).map(Value::One).collect()),
            "aws:sourcevpc" => absent_or(vec![Value::One("vpc-0fffffffffffffff9".to_owned())]),
            "aws:sourcevpce" => absent_or(vec![Value::One("vpce-0fffffffffffffff9".to_owned())]),
            "aws:userid" if wanted.iter().all(|value| !value.source().starts_with(['*', '?'])) => {
                one("AROAZZZZZZZZZZZZZZZZZ:z")
            }
            "aws:securetransport" => one("true"),
            "aws:currenttime" => one(&self.scope.as_of.to_string()),
            "aws:epochtime" => one(&self.scope.as_of.as_second().to_string()),
            "aws:requestedregion" => one(&self.key.region),
            "aws:resourceaccount" => one(&self.scope.account.id),
            "aws:resourceorgid" => match self.scope.organization {
                Ok(Some(organization)) => one(&organization.id),
                Ok(None) => absent_or(Vec::new()),
                Err(_) => Known::Unknown,
            },
            "kms:keyspec" | "kms:customermasterkeyspec" => one(&self.metadata.key_spec),
            "kms:keyusage" | "kms:customermasterkeyusage" => one(&self.metadata.key_usage),
            "kms:keyorigin" => one(&self.metadata.origin),
            "kms:multiregion" => one(if self.metadata.multi_region.is_some() { "true" } else { "false" }),
            key if is_chosen(key) => Known::Chosen,
            _ => Known::Unknown,
        }
    }

    /// Accounts that the outsider may have.
    fn accounts(&self, wanted: &[Text]) -> Vec<String> {
        let examples = wanted.iter().filter_map(|value| self.example_account(value.source()));
        [self.account.clone()].into_iter().chain(examples).collect()
    }

    /// Principals and resources that the outsider may have.
    fn arns(&self, wanted: &[Text]) -> Vec<String> {
        let partition = &self.scope.account.partition;
        let mut arns = vec![format!("arn:{partition}:iam::{}:role/x", self.account)];
        for value in wanted.iter().map(Text::source).filter(|value| has_wildcard(value)) {
            let fields: Vec<&str> = value.splitn(6, ':').collect();
            let account = match fields.get(4) {
                Some(account) if has_wildcard(account) => self.example_account(account),
                Some(account) if !account.is_empty() => None,
                Some(_) => Some(String::new()),
                None => Some(self.account.clone()),
            };
            let Some(account) = account else { continue };
            for filler in ["", "x"] {
                let fill = |text: &str| text.replace('*', filler).replace('?', "x");
                let service = fields.get(2).filter(|service| !has_wildcard(service)).unwrap_or(&"iam");
                let region = fields.get(3).map(|region| fill(region)).unwrap_or_default();
                let resource = fill(fields.last().unwrap_or(&""));
                arns.push(format!("arn:{partition}:{service}:{region}:{account}:{resource}"));
            }
        }
        arns
    }

    /// Twelve digits that the pattern matches and nobody names; nothing for a pattern without wildcards.
    fn example_account(&self, pattern: &str) -> Option<String> {
        let literal = pattern.chars().filter(|character| *character != '*').count();
        if !has_wildcard(pattern) || literal > 12 {
            return None;
        }
        let fillers = ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"];
        let mut examples = fillers.iter().map(|digit| {
            let filled = pattern.replacen('*', &digit.repeat(12 - literal), 1);
            filled.replace('*', "").replace('?', digit)
        });
        examples.find(|text| account_ids(text).contains(text) && self.is_nobodys(text))
    }
}

impl Value {
    fn found(&self) -> Found<'_> {
        match self {
            Self::Absent => Found::Absent,
            Self::One(value) => Found::One(value),
            Self::Set(values) => Found::Set(values),
        }
    }
}

/// Whether the element speaks of principals that nobody names.
fn admits_outsiders(element: &PrincipalElement) -> bool {
    let everyone = element.entries.contains(&Principal::Everyone);
    if element.negated { !element.entries.is_empty() && !everyone } else { everyone }
}

fn tests_key(statement: &Statement, key: &str) -> bool {
    statement.condition.iter().flat_map(|condition| &condition.tests).any(|test| test.key == key)
}

/// Whether the operator asks for one of its values instead of none.
fn is_positive(test: &ConditionTest) -> bool {
    matches!(test.operator, Operator::Compare(Comparing { negated: false, .. }))
}

/// Condition keys that any caller can bring about in an account of its own, or leaves out.
fn is_chosen(key: &str) -> bool {
    const KEYS: [&str; 12] = [
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principaltype",
        "aws:sourceidentity",
        "aws:tokenissuetime",
        "aws:userid",
        "aws:username",
        "aws:viaawsservice",
    ];
    const KMS_KEYS: [&str; 19] = [
        "bypasspolicylockoutsafetycheck",
        "datakeypairspec",
        "encryptionalgorithm",
        "encryptioncontextkeys",
        "grantconstraintsourcearn",
        "grantconstrainttype",
        "granteeprincipal",
        "granteeserviceprincipal",
        "grantisforawsresource",
        "grantoperations",
        "keyagreementalgorithm",
        "macalgorithm",
        "messagetype",
        "reencryptonsamekey",
        "requestalias",
        "retiringprincipal",
        "retiringserviceprincipal",
        "signingalgorithm",
        "viaservice",
    ];
    let any_name = ["aws:principaltag/", "kms:encryptioncontext:"];
    KEYS.contains(&key)
        || any_name.iter().any(|prefix| key.starts_with(prefix))
        || matches!(key, "aws:useragent" | "aws:referer" | "aws:vpcsourceip")
        || key.strip_prefix("kms:").is_some_and(|key| KMS_KEYS.contains(&key))
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether a value holds a wildcard, or a variable that the outsider fills, and is not bound to an account or organization
/// that it names.
fn reaches_beyond(value: &Text) -> bool {
    let source = value.source();
    let first = source.split('/').next().unwrap_or_default();
    let own = |key: &str| key.starts_with("aws:principal") || key == "kms:calleraccount";
    let open = has_wildcard(source) || value.variables().any(|variable| own(&variable.key));
    open && account_ids(source).is_empty() && !(first.starts_with("o-") && !has_wildcard(first))
}

/// The runs of exactly twelve digits in a text.
fn account_ids(text: &str) -> Vec<String> {
    let runs = text.split(|character: char| !character.is_ascii_digit());
    runs.filter(|run| run.len() == 12).map(str::to_owned).collect()
}

/// Organizations, or paths in them, that the outsider may belong to.
fn organizations(base: &str, wanted: &[Text]) -> impl Iterator<Item = String> {
    let is_open = |value: &&str| has_wildcard(value.split('/').next().unwrap_or_default());
    let open = wanted.iter().map(Text::source).filter(is_open);
    let examples = open.flat_map(|value| ["", "x"].map(|filler| value.replace('*', filler).replace('?', "x")));
    [base.to_owned()].into_iter().chain(examples)
}

/// Addresses that the outsider may call from: two that no network has, and one of each range so wide (more than a
/// 2^-8 part of all addresses) that anyone can have one in it.
fn addresses(wanted: &[Text]) -> impl Iterator<Item = String> {
    let ranges = wanted.iter().filter_map(|value| AddressRange::parse(value.source()));
    let wide = ranges.filter_map(|range| match (range.is_v6, range.last - range.first) {
        (true, size) => (size >> 120 > 0).then(|| Ipv6Addr::from_bits(range.first | 1).to_string()),
        (false, size) if size >> 24 > 0 => Some(Ipv4Addr::from_bits(u32::try_from(range.first | 1).ok()?).to_string()),
        (false, _) => None,
    });
    ["192.88.99.1".to_owned(), "2001:10::1".to_owned()].into_iter().chain(wide)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn judged(text: &str) -> Judgement {
        let key = Key { policies: Listing::complete(vec![key_policy(statements(text))]), ..key() };
        judge_key(&CHECK, &key, &World::new()).unwrap()
    }

    fn verdict(text: &str) -> Verdict {
        judged(text).verdict
    }

    fn allow(rest: &str) -> String {
        let principal = if rest.contains("Principal\"") { "" } else { r#""Principal": {"AWS": "*"},"# };
        let action = if rest.contains("Action\"") { "" } else { r#""Action": "kms:*","# };
        format!(r#"{{"Effect": "Allow", {principal} {action} "Resource": "*" {rest}}}"#)
    }

    fn when(condition: &str) -> String {
        allow(&format!(r#", "Condition": {{{condition}}}"#))
    }

    fn deny(rest: &str) -> String {
        allow(rest).replace("Allow", "Deny")
    }

    #[test]
    fn a_policy_that_names_its_principals_passes() {
        for principal in [
            format!(r#"{{"AWS": "arn:aws:iam::{STRANGER}:root"}}"#),
            format!(r#"{{"AWS": ["{ACCOUNT}", "arn:aws:iam::{SIBLING}:role/R"]}}"#),
            r#"{"Service": "logs.eu-central-1.amazonaws.com"}"#.to_owned(),
            r#"{"AWS": "arn:aws:iam::*:root"}"#.to_owned(),
        ] {
            assert_eq!(verdict(&allow(&format!(r#", "Principal": {principal}"#))), Verdict::Pass, "{principal}");
        }
    }

    #[test]
    fn everyone_in_any_spelling_fails() {
        for principal in [
            r#""Principal": "*""#.to_owned(),
            r#""Principal": {"AWS": "*"}"#.to_owned(),
            format!(r#""Principal": {{"AWS": ["{ACCOUNT}", "*"]}}"#),
            format!(r#""NotPrincipal": {{"AWS": "{STRANGER}"}}"#),
        ] {
            assert_eq!(verdict(&allow(&format!(", {principal}"))), Verdict::Fail, "{principal}");
        }
    }

    #[test]
    fn conditions_with_fixed_values_on_who_calls_narrow() {
        for condition in [
            format!(r#""StringEquals": {{"kms:CallerAccount": "{ACCOUNT}"}}"#),
            format!(r#""StringEqualsIgnoreCase": {{"kms:CallerAccount": "{STRANGER}"}}"#),
            format!(r#""StringEquals": {{"aws:PrincipalOrgID": "{ORGANIZATION}"}}"#),
            format!(r#""ForAnyValue:StringLike": {{"aws:PrincipalOrgPaths": "{ORGANIZATION}/*"}}"#),
            format!(r#""ArnLike": {{"aws:PrincipalArn": "arn:aws:iam::{ACCOUNT}:role/*"}}"#),
            format!(r#""StringEqualsIfExists": {{"aws:PrincipalAccount": "{ACCOUNT}"}}"#),
            format!(r#""StringEquals": {{"aws:SourceAccount": "{ACCOUNT}"}}"#),
            format!(r#""ArnLike": {{"aws:SourceArn": "arn:aws:sns:*:{ACCOUNT}:*"}}"#),
            r#""StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}"#.to_owned(),
            r#""IpAddress": {"aws:SourceIp": "203.0.113.0/24"}"#.to_owned(),
            r#""Bool": {"aws:PrincipalIsAWSService": "true"}"#.to_owned(),
            r#""StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}"#.to_owned(),
            r#""StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}"#.to_owned(),
            r#""StringLike": {"aws:userid": "AROAEXAMPLEEXAMPLE123:*"}"#.to_owned(),
            r#""DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}"#.to_owned(),
        ] {
            assert_eq!(verdict(&when(&condition)), Verdict::Pass, "{condition}");
        }
    }

    #[test]
    fn conditions_that_the_caller_can_meet_do_not_narrow() {
        for condition in [
            r#""StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}"#,
            r#""StringLike": {"kms:CallerAccount": "*"}"#,
            r#""StringLike": {"kms:CallerAccount": "1111????????"}"#,
            r#""ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Admin"}"#,
            r#""StringLike": {"aws:PrincipalArn": "*:role/Admin*"}"#,
            r#""StringNotEquals": {"aws:PrincipalAccount": "111122223333"}"#,
            r#""StringEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorgid"}"#,
            r#""StringLike": {"aws:PrincipalOrgID": "o-*"}"#,
            r#""ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-exampleorgid/*"}"#,
            r#""StringEquals": {"aws:PrincipalTag/team": "blue"}"#,
            r#""StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalTag/account}"}"#,
            r#""StringLike": {"aws:userid": "*:admin"}"#,
            r#""ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}"#,
            r#""Bool": {"aws:MultiFactorAuthPresent": "true"}"#,
            r#""Bool": {"aws:SecureTransport": "true"}"#,
            r#""IpAddress": {"aws:SourceIp": "0.0.0.0/0"}"#,
            r#""IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}"#,
            r#""NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}"#,
            r#""StringEquals": {"kms:EncryptionContext:app": "x"}"#,
            r#""StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}"#,
            r#""DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}"#,
        ] {
            assert_eq!(verdict(&when(condition)), Verdict::Fail, "{condition}");
        }
    }

    #[test]
    fn one_condition_that_nobody_outside_meets_is_enough() {
        let both = r#""StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com", "kms:CallerAccount": "111122223333"}"#;
        assert_eq!(verdict(&when(both)), Verdict::Pass);
    }

    #[test]
    fn what_nobody_can_tell_is_undecided() {
        for condition in [
            r#""StringEquals": {"aws:ResourceTag/public": "yes"}"#,
            r#""StringEquals": {"example:unknown": "x"}"#,
            r#""StringEqualsSometimes": {"aws:PrincipalOrgID": "o-exampleorgid"}"#,
            r#""ArnLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/Admin"}"#,
            "",
        ] {
            assert_eq!(verdict(&when(condition)), Verdict::Undecided, "{condition}");
        }
    }

    #[test]
    fn a_deny_that_outsiders_cannot_avoid_takes_it_away() {
        for rest in [
            String::new(),
            format!(r#", "Condition": {{"StringNotEquals": {{"aws:PrincipalOrgID": "{ORGANIZATION}"}}}}"#),
            format!(r#", "NotPrincipal": {{"AWS": "{ACCOUNT}"}}"#),
        ] {
            assert_eq!(verdict(&format!("{}, {}", allow(""), deny(&rest))), Verdict::Pass, "{rest}");
        }
    }

    #[test]
    fn a_deny_that_they_can_avoid_does_not() {
        for rest in [
            r#", "Action": "kms:Decrypt""#,
            r#", "Condition": {"Bool": {"aws:SecureTransport": "false"}}"#,
            r#", "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}"#,
            r#", "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}, "Null": {"aws:PrincipalOrgID": "false"}}"#,
            r#", "Condition": {"StringEquals": {"aws:PrincipalAccount": "999988887777"}}"#,
        ] {
            assert_eq!(verdict(&format!("{}, {}", allow(""), deny(rest))), Verdict::Fail, "{rest}");
        }
    }

    #[test]
    fn a_choice_that_allow_and_deny_both_bind_is_undecided() {
        let via = r#""StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}"#;
        let not_via = deny(&format!(r#", "Condition": {{{via}}}"#));
        assert_eq!(verdict(&format!("{}, {not_via}", when(via))), Verdict::Undecided);
    }

    #[test]
    fn a_second_policy_of_the_key_counts_as_well() {
        let policies = |second: &str| {
            let first = key_policy(statements(&allow("")));
            Listing::complete(vec![first, KeyPolicy { name: "ram".to_owned(), ..key_policy(statements(second)) }])
        };
        let verdict = |second: &str| {
            judge_key(&CHECK, &Key { policies: policies(second), ..key() }, &World::new()).unwrap().verdict
        };
        assert_eq!(verdict(""), Verdict::Fail);
        assert_eq!(verdict(&deny("")), Verdict::Pass);
    }

    #[test]
    fn calls_that_no_other_account_can_make_and_other_keys_do_not_count() {
        assert_eq!(verdict(&allow(r#", "Action": ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"]"#)), Verdict::Pass);
        let other =
            allow("").replace(r#""Resource": "*""#, r#""Resource": "arn:aws:kms:us-east-1:111122223333:key/x""#);
        assert_eq!(verdict(&other), Verdict::Pass);
    }

    #[test]
    fn the_open_statement_is_named() {
        let judgement =
            judged(&format!("{}, {}", when(r#""StringEquals": {"kms:CallerAccount": "111122223333"}"#), allow("")));
        let [statement] = judgement.statements.as_slice() else { panic!("{:?}", judgement.statements) };
        assert_eq!((statement.policy.as_str(), statement.index), ("default", 1));
        assert!(judgement.reason.contains("kms:Decrypt and 20 more"), "{}", judgement.reason);
    }

    #[test]
    fn keys_of_aws_are_exempt() {
        assert_eq!(judge_key(&CHECK, &aws_managed_key(), &World::new()).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_metadata_or_any_policy_nothing_is_said() {
        let say_nothing = |key: Key, gap: &Gap| assert_eq!(judge_key(&CHECK, &key, &World::new()), Err(gap.clone()));
        let gap = denied("kms:DescribeKey");
        say_nothing(Key { metadata: Err(gap.clone()), ..key() }, &gap);
        let gap = denied("kms:ListKeyPolicies");
        say_nothing(Key { policies: Listing::missing(gap.clone()), ..key() }, &gap);
        let open = key_policy(statements(&allow("")));
        say_nothing(Key { policies: Listing::partial(vec![open.clone()], gap.clone()), ..key() }, &gap);
        let gap = denied("kms:GetKeyPolicy");
        say_nothing(Key { policies: Listing::complete(vec![open, key_policy(Err(gap.clone()))]), ..key() }, &gap);
    }
}
