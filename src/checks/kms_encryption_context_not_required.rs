//! Keys that open without the encryption context that they should demand.

use super::key_policy;
use super::selected_keys::{self, Forbidden, unselected};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::access::{Directory, Key as AccessKey, Principal, PrincipalKind};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Key;
use crate::policy::ConditionTest;

const KEY_SELECTOR: Strings = Strings {
    name: "key_selector",
    meaning: "The tags of keys that must demand an encryption context, each as KEY or KEY=VALUE; none listed: no key.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::Less,
};
const REQUIRED_CONTEXT_KEYS: Strings = Strings {
    name: "required_context_keys",
    meaning: "The names that the encryption context must have; none listed: any one.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "kms-encryption-context-not-required",
    title: "Selected keys demand an encryption context",
    severity: Severity::Informational,
    resource: "KMS key",
    rationale: "An encryption context binds a ciphertext to what it belongs to: a tenant, a document. Where policies \
        demand it, whoever holds the key for one tenant cannot open what belongs to another, and CloudTrail says what \
        was opened.",
    rule: "For customer managed symmetric keys with a tag of key_selector (none by default: the check is off), \
        effective access is computed over policies and grants in requests whose encryption context is empty, or lacks \
        a name of required_context_keys where that is set. FAIL if a user, role or account may then call kms:Decrypt, \
        kms:GenerateDataKey or kms:GenerateDataKeyWithoutPlaintext; PASS if nobody may.",
    exemptions: "NOT_APPLICABLE, with the reason: AWS managed keys; keys without such a tag; asymmetric and HMAC keys, \
        which take no encryption context.",
    blind_spots: "Whether values of the context are checked, and are the right ones, is not judged. The root user, AWS \
        services and service-linked roles are not counted: services choose contexts of their own. A tag that is \
        missing takes the key out of the check.",
    remediation: Remediation {
        summary: "Demand the encryption context in the key policy.",
        steps: &[
            "Add a Deny for everyone of kms:Decrypt and kms:GenerateDataKey* with Null kms:EncryptionContext:NAME \
             true, sparing AWS services by BoolIfExists aws:PrincipalIsAWSService false.",
            "Or bind each Allow by StringEquals kms:EncryptionContext:NAME, and each grant by an \
             EncryptionContextSubset.",
            "Store it: aws kms put-key-policy --key-id \"$KEY_ID\" --policy file://policy.json (save the old one \
             before, by aws kms get-key-policy --key-id \"$KEY_ID\" --output text).",
            "Verify: aws kms encrypt --key-id \"$KEY_ID\" --plaintext fileb://test without --encryption-context is \
             refused.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "Applications that send no context fail, and what was encrypted without one cannot be opened while the \
            Deny stands: encrypt it anew first. The saved policy is the way back.",
    },
    reads: &[
        "iam:GetAccountAuthorizationDetails",
        "kms:ListKeys",
        "kms:DescribeKey",
        "kms:ListKeyPolicies",
        "kms:GetKeyPolicy",
        "kms:ListGrants",
        "kms:ListResourceTags",
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[Parameter::Strings(KEY_SELECTOR), Parameter::Strings(REQUIRED_CONTEXT_KEYS)],
    elsewhere: &["None known: encryption context in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[
        (Status::Pass, "no tag is configured that selects keys"),
        (Status::Fail, "no tag is configured that selects keys"),
    ],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        if let Some(exempt) = unselected(key, &scope.values.strings(&KEY_SELECTOR))? {
            return Ok(exempt);
        }
        let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
        if metadata.key_spec != "SYMMETRIC_DEFAULT" {
            let reason = format!("keys of type {} take no encryption context", metadata.key_spec);
            return Ok(Judgement::not_applicable(reason));
        }
        let required = scope.values.strings(&REQUIRED_CONTEXT_KEYS);
        let known = policies.in_directory(scope.reach)?;
        let requests: Vec<Vec<ConditionTest>> = match required.as_slice() {
            [] => vec![without_any(scope.reach.directory(), known)],
            names => names.iter().map(|name| without(name)).collect(),
        };
        let mut worst: Option<Judgement> = None;
        for (place, tests) in requests.iter().enumerate() {
            let how = match required.get(place) {
                Some(name) => format!("without {name} in the encryption context"),
                None => "without an encryption context".to_owned(),
            };
            let forbidden = Forbidden {
                actions: &["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
                how: &how,
                otherwise: "nobody may use the key without the encryption context",
                requests: &|principal: &Principal| principal.in_requests(tests.iter().cloned()),
                counts,
            };
            let judgement = selected_keys::judged(policies, scope, &forbidden)?;
            worst = match worst {
                Some(known) if selected_keys::rank(&known) >= selected_keys::rank(&judgement) => Some(known),
                _ => Some(judgement),
            };
        }
        Ok(worst.unwrap_or_else(|| Judgement::not_applicable("no encryption context is asked for")))
    })
}

/// AWS services choose contexts of their own.
fn counts(principal: &Principal) -> bool {
    principal.kind != PrincipalKind::Service && !principal.caller.is_service_linked_role()
}

const PREFIX: &str = "kms:EncryptionContext:";

/// The tests that hold of requests with an empty encryption context.
fn without_any(directory: &Directory, key: &AccessKey) -> Vec<ConditionTest> {
    let constraints = key.grants.iter().map(|grant| &grant.constraints);
    let of_grants = constraints.flat_map(|it| [&it.encryption_context_equals, &it.encryption_context_subset]);
    let names = of_grants.flatten().flatten().map(|(name, _)| name.clone());
    let mut keys: Vec<String> = directory.tested_names(PREFIX).into_iter().chain(names).collect();
    keys.sort();
    keys.dedup();
    let absent = |key: &str| ConditionTest::literal("Null", key, &["true"]);
    let of_names = keys.iter().map(|name| absent(&format!("{PREFIX}{name}")));
    of_names.chain([absent("kms:EncryptionContextKeys")]).collect()
}

/// The tests that hold of requests whose encryption context lacks a name.
fn without(name: &str) -> Vec<ConditionTest> {
    vec![
        ConditionTest::literal("Null", &format!("{PREFIX}{name}"), &["true"]),
        ConditionTest::literal("ForAllValues:StringNotEquals", "kms:EncryptionContextKeys", &[name]),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::checks::{Parameters, Value};
    use crate::finding::Verdict;
    use crate::model::{Grant, Listing, Role};

    fn values(required: &[&str]) -> crate::checks::Values {
        let mut parameters = Parameters::default();
        let list = |items: &[&str]| Value::Strings(items.iter().map(|item| (*item).to_owned()).collect());
        parameters.set(CHECK.id, KEY_SELECTOR.name, list(&["DataClass=phi"])).unwrap();
        parameters.set(CHECK.id, REQUIRED_CONTEXT_KEYS.name, list(required)).unwrap();
        parameters.of(&CHECK).clone()
    }

    /// A world with one role that holds an identity policy with this condition.
    fn world(condition: &str, required: &str) -> World {
        let required: Vec<&str> = required.split_whitespace().collect();
        let mut world = World { values: values(&required), ..World::new() };
        let policy = format!(r#"{{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"{condition}}}"#);
        let inline_policies = vec![inline("policy", statements(&policy))];
        world.account.iam.roles = Listing::complete(vec![Role { inline_policies, ..role("/") }]);
        world
    }

    fn selected() -> Key {
        Key { tags: Ok([("DataClass".to_owned(), "phi".to_owned())].into()), ..key() }
    }

    fn judged(key: &Key, world: &World) -> Judgement {
        judge_key(&CHECK, key, world).unwrap()
    }

    const TENANT: &str = r#", "Condition": {"StringEquals": {"kms:EncryptionContext:tenant": "a"}}"#;

    #[test]
    fn access_without_a_context_fails() {
        let judgement = judged(&selected(), &world("", ""));
        assert_eq!(judgement.verdict, Verdict::Fail, "{}", judgement.reason);
        let reason = format!("{} may call kms:Decrypt without an encryption context", role("/").arn);
        assert_eq!(judgement.reason, reason);
        let other = judged(&selected(), &world(TENANT, "tenant document"));
        assert_eq!(other.verdict, Verdict::Fail, "{}", other.reason);
        assert!(other.reason.ends_with("without document in the encryption context"), "{}", other.reason);
        let granted = Key { grants: Listing::complete(vec![grant(&role("/").arn)]), ..selected() };
        assert_eq!(judged(&granted, &world(TENANT, "")).verdict, Verdict::Fail);
    }

    #[test]
    fn access_with_a_context_alone_passes() {
        for condition in [
            TENANT,
            r#", "Condition": {"Null": {"kms:EncryptionContext:tenant": "false"}}"#,
            r#", "Condition": {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["tenant"]}}"#,
        ] {
            for required in ["", "tenant"] {
                let judgement = judged(&selected(), &world(condition, required));
                assert_eq!(judgement.verdict, Verdict::Pass, "{condition} {required}: {}", judgement.reason);
            }
        }
        let mut bound: Grant = grant(&role("/").arn);
        bound.constraints.encryption_context_subset = Some([("tenant".to_owned(), "a".to_owned())].into());
        let granted = Key { grants: Listing::complete(vec![bound]), ..selected() };
        assert_eq!(judged(&granted, &world(TENANT, "")).verdict, Verdict::Pass);
    }

    #[test]
    fn other_keys_are_exempt() {
        let world = world("", "");
        assert_eq!(judge_key(&CHECK, &key(), &world).unwrap().verdict, Verdict::NotApplicable);
        assert_eq!(judge_key(&CHECK, &aws_managed_key(), &world).unwrap().verdict, Verdict::NotApplicable);
        let signing = Key { metadata: key_with(|it| it.key_spec = "RSA_2048".to_owned()).metadata, ..selected() };
        assert_eq!(judged(&signing, &world).verdict, Verdict::NotApplicable);
        assert_eq!(judged(&selected(), &World::new()).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_tags_grants_or_principals_nothing_is_said() {
        let gap = denied("kms:ListResourceTags");
        let unread = Key { tags: Err(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &unread, &world("", "")), Err(gap));
        let unread = Key { grants: Listing::missing(denied("kms:ListGrants")), ..selected() };
        assert_ne!(judge_key(&CHECK, &unread, &world(TENANT, "")).map(|it| it.verdict), Ok(Verdict::Pass));
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let mut unlisted = world(TENANT, "");
        unlisted.account.iam.users = Listing::missing(gap.clone());
        assert_eq!(judge_key(&CHECK, &selected(), &unlisted), Err(gap));
    }

    #[test]
    fn without_metadata_or_any_policy_nothing_is_said() {
        assert_says_nothing_without_policies(&CHECK);
    }
}
