//! Customer managed policies that allow decryption with all keys.

use super::{Check, EXCLUDE_BOUNDARY, Judged, Parameter, Remediation, Rule, Scope, all_keys, boundary_only};
use crate::finding::{Severity, Status};
use crate::model::ManagedPolicy;

pub(super) const CHECK: Check = Check {
    id: "iam-managed-policy-kms-decrypt-all-keys",
    title: "Customer managed policies do not allow decryption with all keys",
    severity: Severity::Medium,
    resource: "customer managed policy",
    rationale: "Whoever may call kms:Decrypt or kms:ReEncryptFrom on every key can read what any key protects, wherever a \
        key policy trusts IAM policies. A policy that names its keys keeps one stolen credential from opening all encrypted \
        data.",
    rule: "Takes the default version of each customer managed policy, attached or not. FAIL if it allows one of \
        blocked_actions (kms:Decrypt, kms:ReEncryptFrom) on all keys (level ALL), or on all keys except keys, accounts or Regions that it names \
        (ALL_EXCEPT_...). Wildcards in actions and resources, NotAction, NotResource, and Deny statements without a \
        condition in the same document count. A condition on an Allow is ignored, a Deny with a condition takes \
        nothing away. All keys of one account or of one Region are a PASS that says so, unless \
        strict_account_wildcard (false) makes all keys of one account a FAIL. UNDECIDED if whether all keys are open \
        depends on what AWS does not document.",
    exemptions: "A policy that is used as a permissions boundary and attached nowhere is NOT_APPLICABLE: it grants nothing.",
    blind_spots: "One document is judged, not what its holders can do in the end: key policies, boundaries, SCPs and other \
        policies may take the access away or add to it. A condition may narrow what fails here. Inline and AWS managed \
        policies are not looked at. Whether AWS Security Hub counts a Deny, and how it takes all keys of one account, is \
        not documented.",
    remediation: Remediation {
        summary: "Name the keys that the task needs in Resource instead of a wildcard.",
        steps: &[
            "Find out which keys the holders use: CloudTrail events Decrypt and ReEncrypt of the last 90 days.",
            "Replace the wildcard in Resource by the ARNs of these keys. Where keys come and go, write account and Region \
             into the ARN and add a condition on aws:ResourceTag or kms:ResourceAliases.",
            "Create the narrower document as a new version, make it the default, and watch for AccessDenied.",
        ],
        commands: &[
            "aws iam list-entities-for-policy --policy-arn={policy}",
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
        ],
        risk: "A workload that uses a key nobody listed cannot read its data until the key is added; \
            iam:SetDefaultPolicyVersion goes back to the old version.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[
        Parameter::Strings(all_keys::BLOCKED_ACTIONS),
        Parameter::Boolean(EXCLUDE_BOUNDARY),
        Parameter::Boolean(all_keys::STRICT_ACCOUNT_WILDCARD),
        Parameter::Boolean(all_keys::CONDITION_AWARE),
    ],
    elsewhere: &[
        "AWS Security Hub KMS.1",
        "AWS Config iam-customer-policy-blocked-kms-actions",
        "Steampipe kms_key_decryption_restricted_in_iam_customer_managed_policy",
        "Steampipe iam_policy_custom_no_blocked_kms_actions",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::ManagedPolicy(judge)],
};

/// The actions that bring a plaintext out of a ciphertext.
pub(super) const DECRYPTION: [&str; 2] = ["kms:Decrypt", "kms:ReEncryptFrom"];

fn judge(policy: &ManagedPolicy, scope: &Scope<'_>) -> Judged {
    if let Some(exempt) = boundary_only(policy, scope) {
        return Ok(exempt);
    }
    let actions = scope.values.strings(&all_keys::BLOCKED_ACTIONS);
    all_keys::managed(policy, &actions, scope, |document| all_keys::blocked(document, scope))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::{Judgement, Verdict};

    fn judged(text: &str) -> Judgement {
        judge_managed(&CHECK, &managed(statements(text))).unwrap()
    }

    fn allow(action: &str, resource: &str) -> Verdict {
        judged(&format!(r#"{{"Effect": "Allow", {action}, {resource}}}"#)).verdict
    }

    const EVERYWHERE: &str = r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}"#;

    #[test]
    fn all_keys_of_one_account_may_be_too_much() {
        let of = |resource: &str, values| {
            let text = format!(r#"{{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "{resource}"}}"#);
            let world = World { values, ..World::new() };
            judge_managed_in(&CHECK, &managed(statements(&text)), &world).unwrap().verdict
        };
        let strict = || Values::with(all_keys::STRICT_ACCOUNT_WILDCARD.name, Value::Boolean(true));
        let account = "arn:aws:kms:*:111122223333:key/*";
        assert_eq!((of(account, Values::default()), of(account, strict())), (Verdict::Pass, Verdict::Fail));
        assert_eq!(of("arn:aws:kms:eu-central-1:111122223333:key/*", strict()), Verdict::Pass);
    }

    #[test]
    fn decryption_on_all_keys_fails_in_any_spelling() {
        for action in [
            r#""Action": "kms:Decrypt""#,
            r#""Action": "KMS:decrypt""#,
            r#""Action": ["s3:GetObject", "kms:De*"]"#,
            r#""Action": "kms:ReEncrypt*""#,
            r#""Action": "kms:ReEncryptFrom""#,
            r#""Action": "*""#,
            r#""NotAction": ["iam:*", "organizations:*"]"#,
        ] {
            for resource in [
                r#""Resource": "*""#,
                r#""Resource": "arn:aws:kms:*:*:key/*""#,
                r#""Resource": ["arn:aws:s3:::x", "arn:aws:kms:*"]"#,
                r#""NotResource": "arn:aws:s3:::x""#,
                r#""NotResource": "arn:aws:kms:*:444455556666:key/*""#,
            ] {
                assert_eq!(allow(action, resource), Verdict::Fail, "{action} {resource}");
            }
        }
    }

    #[test]
    fn less_than_all_keys_or_another_action_passes() {
        let decrypt = r#""Action": "kms:Decrypt""#;
        for resource in [
            format!(r#""Resource": "{}""#, key_arn()),
            r#""Resource": "arn:aws:kms:eu-central-1:111122223333:key/*""#.to_owned(),
            r#""Resource": "arn:aws:kms:*:111122223333:key/*""#.to_owned(),
            r#""Resource": "arn:aws:kms:*:*:alias/*""#.to_owned(),
            r#""NotResource": "arn:aws:kms:*""#.to_owned(),
        ] {
            assert_eq!(allow(decrypt, &resource), Verdict::Pass, "{resource}");
        }
        for action in [
            r#""Action": "kms:Encrypt""#,
            r#""Action": "kms:ReEncryptTo""#,
            r#""Action": "kms:ReEncrypt""#,
            r#""NotAction": "kms:*""#,
            r#""NotAction": ["kms:D*", "kms:ReEncrypt*"]"#,
        ] {
            assert_eq!(allow(action, r#""Resource": "*""#), Verdict::Pass, "{action}");
        }
    }

    #[test]
    fn a_condition_on_the_allow_does_not_help_and_is_said() {
        let via = r#", "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}}"#;
        let judgement = judged(&EVERYWHERE.replace('}', via));
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert!(judgement.reason.contains("conditions"), "{}", judgement.reason);
    }

    #[test]
    fn only_a_deny_without_a_condition_takes_away() {
        let deny = |rest: &str| {
            let deny = EVERYWHERE.replace("Allow", "Deny").replace('}', rest);
            judged(&format!("{EVERYWHERE}, {deny}")).verdict
        };
        assert_eq!(deny("}"), Verdict::Pass);
        assert_eq!(deny(r#", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}"#), Verdict::Fail);
        let one = EVERYWHERE.replace("Allow", "Deny").replace(r#""*""#, &format!(r#""{}""#, key_arn()));
        assert_eq!(judged(&format!("{EVERYWHERE}, {one}")).verdict, Verdict::Fail);
    }

    #[test]
    fn a_pass_does_not_rest_on_one_reading() {
        let deny = |resource: &str| EVERYWHERE.replace("Allow", "Deny").replace("\"*\"", &format!("\"{resource}\""));
        for text in [
            format!("{EVERYWHERE}, {}", deny("arn:aws:kms:*:key/*")),
            format!("{EVERYWHERE}, {}", deny("*").replace('}', r#", "Condition": {}}"#)),
            EVERYWHERE.replace("\"*\"", r#""arn:aws:KMS:*:*:key/*""#),
            EVERYWHERE.replace(r#""Resource": "*""#, r#""NotResource": "arn:aws:kms:*:key/*""#),
        ] {
            let judgement = judged(&text);
            assert_eq!(judgement.verdict, Verdict::Undecided, "{text}");
            assert!(judgement.reason.contains("the level may be ALL"), "{}", judgement.reason);
        }
    }

    #[test]
    fn the_reason_has_the_level_and_the_statements_are_named() {
        let judgement = judged(&format!(r#"{{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}, {EVERYWHERE}"#));
        let witness = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        assert_eq!(judgement.reason, format!("all keys are open to kms:Decrypt (ALL), for example {witness}"));
        let indices: Vec<usize> = judgement.statements.iter().map(|statement| statement.index).collect();
        assert_eq!(indices, [1]);
        let judgement = judged(&EVERYWHERE.replace("kms:Decrypt", "kms:*"));
        let reason = format!("all keys are open to kms:Decrypt and kms:ReEncryptFrom (ALL), for example {witness}");
        assert_eq!(judgement.reason, reason);
        let judgement =
            judged(r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:*:111122223333:key/*"}"#);
        assert!(judgement.reason.contains("(ACCOUNT), for example arn:aws:kms:"), "{}", judgement.reason);
        assert!(judgement.reason.contains("no key is open to kms:ReEncryptFrom (NONE)"), "{}", judgement.reason);
    }

    #[test]
    fn a_policy_used_as_boundary_alone_is_exempt() {
        let judgement = judge_managed(&CHECK, &boundary(statements(EVERYWHERE))).unwrap();
        assert_eq!(judgement.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_a_document_nothing_is_said() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        assert_eq!(judge_managed(&CHECK, &managed(Err(gap.clone()))), Err(gap));
    }
}
