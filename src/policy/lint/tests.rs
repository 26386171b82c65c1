//! Documents that a rule finds, each beside a near twin that it leaves alone.

use std::collections::BTreeSet;

use super::*;
use proptest::prelude::*;

/// The findings of one statement of a version 2012 document, as `rule: value`.
fn of(kind: PolicyKind, statement: &str) -> Vec<LintFinding> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    document(kind, &text)
}

fn document(kind: PolicyKind, text: &str) -> Vec<LintFinding> {
    lint(&Document::parse(text).unwrap(), kind, &LintFacts::default())
}

fn identity(statement: &str) -> Vec<LintFinding> {
    of(PolicyKind::Identity, statement)
}

fn key(statement: &str) -> Vec<LintFinding> {
    of(PolicyKind::Key, statement)
}

fn rules(findings: &[LintFinding]) -> Vec<&'static str> {
    let mut rules: Vec<&str> = findings.iter().map(|finding| finding.rule.id()).collect();
    rules.sort_unstable();
    rules
}

/// The one finding of a rule.
fn the(findings: &[LintFinding], rule: Rule) -> LintFinding {
    let found: Vec<&LintFinding> = findings.iter().filter(|finding| finding.rule == rule).collect();
    assert_eq!(found.len(), 1, "{rule} in {findings:#?}");
    found[0].clone()
}

fn suggestion(findings: &[LintFinding], rule: Rule) -> String {
    the(findings, rule).suggestion.unwrap_or_default()
}

#[track_caller]
fn clean(findings: &[LintFinding]) {
    assert_eq!(findings, [], "{findings:#?}");
}

fn allow(actions: &str, rest: &str) -> Vec<LintFinding> {
    identity(&format!(r#"{{"Effect":"Allow","Action":{actions},"Resource":"*"{rest}}}"#))
}

fn deny(actions: &str, rest: &str) -> Vec<LintFinding> {
    identity(&format!(r#"{{"Effect":"Deny","Action":{actions},"Resource":"*"{rest}}}"#))
}

fn when(condition: &str) -> String {
    format!(r#","Condition":{condition}"#)
}

// Actions.

#[test]
fn an_action_that_does_not_exist_is_found_with_the_real_name() {
    let findings = allow(r#"["kms:Decypt","kms:Encrypt"]"#, "");
    let finding = the(&findings, Rule::UnknownAction);
    assert_eq!((finding.severity, finding.value.as_deref()), (LintSeverity::Low, Some("kms:Decypt")));
    assert_eq!(finding.suggestion.as_deref(), Some("did you mean `kms:Decrypt`?"));
    assert_eq!(rules(&findings), ["policy-unknown-action"]);
    clean(&allow(r#"["kms:Decrypt","KMS:encrypt"]"#, ""));
}

#[test]
fn a_deny_of_an_action_that_does_not_exist_fails_open() {
    let findings = deny(r#""kms:DeleteKey""#, "");
    assert_eq!(rules(&findings), ["policy-statement-no-effect", "policy-unknown-action"]);
    assert_eq!(the(&findings, Rule::UnknownAction).severity, LintSeverity::Medium);
    assert_eq!(suggestion(&findings, Rule::UnknownAction), "did you mean `kms:ScheduleKeyDeletion`?");
    assert_eq!(the(&findings, Rule::StatementNoEffect).severity, LintSeverity::High);
    clean(&deny(r#""kms:ScheduleKeyDeletion""#, ""));
}

#[test]
fn permission_only_names_are_no_unknown_actions() {
    clean(&allow(r#"["kms:ReEncryptFrom","kms:ReEncryptTo","kms:ReEncrypt*","kms:SynchronizeMultiRegionKey"]"#, ""));
    let findings = allow(r#"["kms:ReEncrypt","kms:Decrypt"]"#, "");
    assert_eq!(suggestion(&findings, Rule::UnknownAction), "did you mean `kms:ReEncryptFrom` and `kms:ReEncryptTo`?");
}

#[test]
fn a_wildcard_that_matches_nothing_is_found() {
    let findings = allow(r#"["kms:Deencrypt*","kms:Encrypt"]"#, "");
    assert!(the(&findings, Rule::UnknownAction).message.contains("matches no action of `kms`"));
    clean(&allow(r#"["kms:De*","kms:*","*"]"#, ""));
}

#[test]
fn blanks_commas_and_missing_prefixes_match_no_action() {
    let findings = allow(r#"["kms:Encrypt,kms:Decrypt"," kms:Decrypt","Decrypt"]"#, "");
    assert_eq!(findings.iter().filter(|finding| finding.rule == Rule::UnknownAction).count(), 3);
    let suggestions: Vec<&str> = findings.iter().filter_map(|finding| finding.suggestion.as_deref()).collect();
    assert!(suggestions.contains(&"write `kms:Decrypt`") && suggestions.contains(&"did you mean `kms:Decrypt`?"));
}

#[test]
fn services_are_known_with_their_date() {
    let findings = allow(r#""kmss:Decrypt""#, "");
    assert!(the(&findings, Rule::UnknownAction).message.contains(SERVICES_DATE));
    assert_eq!(suggestion(&findings, Rule::UnknownAction), "did you mean `kms:Decrypt`?");
    // What is not listed for other services may only be too new: the statement is not called dead.
    assert_eq!(rules(&deny(r#""ec2:DescribeInstanses""#, "")), ["policy-unknown-action"]);
    let findings = deny(r#""s3:ListObjectsV2""#, "");
    assert_eq!(rules(&findings), ["policy-statement-no-effect", "policy-unknown-action"]);
    assert_eq!(suggestion(&findings, Rule::UnknownAction), "did you mean `s3:ListBucket`?");
    clean(&allow(r#"["s3:ListBucket","ec2:Describe*","lambda:InvokeFunction"]"#, ""));
}

#[test]
fn an_unknown_action_in_not_action_excludes_nothing() {
    let findings = identity(r#"{"Effect":"Allow","NotAction":["iam:DeleteUsr"],"Resource":"*"}"#);
    let finding = the(&findings, Rule::UnknownAction);
    assert_eq!((finding.severity, finding.element.as_str()), (LintSeverity::Medium, "NotAction"));
    assert!(finding.message.contains("wider than it looks"));
    clean(&identity(r#"{"Effect":"Allow","NotAction":["iam:DeleteUser"],"Resource":"*"}"#));
}

#[test]
fn a_wildcard_before_the_colon_is_found() {
    assert_eq!(rules(&allow(r#""k*:Decrypt""#, "")), ["policy-action-service-wildcard"]);
    clean(&allow(r#""*:*""#, ""));
}

#[test]
fn actions_without_a_key_have_no_effect_in_a_key_policy() {
    let statement = |action: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"111122223333"}},"Action":["{action}","kms:DescribeKey"],"Resource":"*"}}"#
        )
    };
    let findings = key(&statement("kms:ListKeys"));
    assert_eq!(rules(&findings), ["policy-action-ineffective-in-key-policy"]);
    assert_eq!(rules(&key(&statement("s3:GetObject"))), ["policy-action-ineffective-in-key-policy"]);
    assert_eq!(rules(&key(&statement("kms:*CustomKeyStore"))), ["policy-action-ineffective-in-key-policy"]);
    clean(&key(&statement("kms:*")));
    clean(&key(&statement("kms:CreateAlias")));
    clean(&allow(r#""kms:ListKeys""#, ""));
}

// Condition keys.

#[test]
fn a_condition_key_that_does_not_exist_is_found_with_the_nearest() {
    let findings = allow(r#""kms:Decrypt""#, &when(r#"{"StringEquals":{"kms:EncryptionContextKeyName":"a"}}"#));
    assert_eq!(rules(&findings), ["policy-statement-no-effect", "policy-unknown-condition-key"]);
    assert_eq!(the(&findings, Rule::UnknownConditionKey).severity, LintSeverity::Medium);
    assert_eq!(
        suggestion(&findings, Rule::UnknownConditionKey),
        "did you mean `kms:EncryptionContextKeys` or `kms:EncryptionContext:KEY`?"
    );
    clean(&allow(r#""kms:Decrypt""#, &when(r#"{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"a"}}"#)));
    clean(&allow(r#""kms:Decrypt""#, &when(r#"{"StringEquals":{"kms:EncryptionContext:AppName":"a"}}"#)));
}

#[test]
fn blanks_in_condition_keys_are_found() {
    let findings = allow(r#""kms:Decrypt""#, &when(r#"{"NumericLessThan":{"aws: MultiFactorAuthAge":"300"}}"#));
    assert_eq!(suggestion(&findings, Rule::UnknownConditionKey), "remove the blank: `aws:MultiFactorAuthAge`");
    clean(&allow(r#""kms:Decrypt""#, &when(r#"{"NumericLessThan":{"AWS:multifactorauthage":"300"}}"#)));
}

#[test]
fn a_family_without_its_member_and_a_missing_prefix_are_found() {
    let suggests = |key: &str| {
        let condition = when(&format!(r#"{{"StringEquals":{{"{key}":"a"}}}}"#));
        suggestion(&allow(r#""kms:CreateKey""#, &condition), Rule::UnknownConditionKey)
    };
    assert_eq!(suggests("kms:EncryptionContext"), "did you mean `kms:EncryptionContext:NAME`?");
    assert_eq!(suggests("aws:PrincipalTag:team"), "did you mean `aws:PrincipalTag/team`?");
    assert_eq!(suggests("kms:EncryptionContext/app"), "did you mean `kms:EncryptionContext:app`?");
    assert_eq!(suggests("SourceIp"), "did you mean `aws:SourceIp`?");
}

#[test]
fn an_unknown_key_fails_open_in_a_deny_and_restricts_nothing_when_negated() {
    let positive = deny(r#""kms:*""#, &when(r#"{"StringEquals":{"kms:Caller":"111122223333"}}"#));
    assert_eq!(the(&positive, Rule::UnknownConditionKey).severity, LintSeverity::High);
    assert!(the(&positive, Rule::UnknownConditionKey).message.contains("fails open"));
    assert!(rules(&positive).contains(&"policy-statement-no-effect"));
    let negated = deny(r#""kms:*""#, &when(r#"{"StringNotEquals":{"kms:Caller":"111122223333"}}"#));
    assert!(the(&negated, Rule::UnknownConditionKey).message.contains("wider than it looks"));
    assert!(!rules(&negated).contains(&"policy-statement-no-effect"));
    let allowed = allow(r#""kms:*""#, &when(r#"{"StringEqualsIfExists":{"kms:Caller":"111122223333"}}"#));
    assert!(the(&allowed, Rule::UnknownConditionKey).message.contains("restricts nothing"));
}

#[test]
fn a_key_that_an_action_never_carries_is_found() {
    let condition = when(r#"{"StringEquals":{"kms:GrantConstraintType":"EncryptionContextEquals"}}"#);
    let findings = allow(r#"["kms:CreateGrant","kms:Decrypt"]"#, &condition);
    assert_eq!(rules(&findings), ["policy-condition-key-inapplicable"]);
    let finding = the(&findings, Rule::ConditionKeyInapplicable);
    assert_eq!((finding.severity, finding.value.as_deref()), (LintSeverity::Medium, Some("kms:Decrypt")));
    assert!(finding.message.contains("`kms:CreateGrant` and `kms:RetireGrant`"), "{}", finding.message);
    assert!(finding.message.contains("never allows it"));
    clean(&allow(r#"["kms:CreateGrant","kms:RetireGrant"]"#, &condition));
    let if_exists = when(r#"{"StringEqualsIfExists":{"kms:GrantConstraintType":"EncryptionContextEquals"}}"#);
    clean(&allow(r#"["kms:CreateGrant","kms:Decrypt"]"#, &if_exists));
}

#[test]
fn a_statement_whose_actions_all_lack_the_key_never_applies() {
    let findings = deny(r#"["kms:Decrypt","kms:Encrypt"]"#, &when(r#"{"Bool":{"kms:GrantIsForAWSResource":"false"}}"#));
    assert_eq!(rules(&findings), ["policy-condition-key-inapplicable", "policy-statement-no-effect"]);
    assert!(the(&findings, Rule::ConditionKeyInapplicable).message.contains("fails open"));
    clean(&deny(r#"["kms:CreateGrant"]"#, &when(r#"{"Bool":{"kms:GrantIsForAWSResource":"false"}}"#)));
}

#[test]
fn a_wildcard_that_carries_the_key_in_part_is_only_noted() {
    let findings = allow(r#""kms:*""#, &when(r#"{"Bool":{"kms:GrantIsForAWSResource":"true"}}"#));
    assert_eq!(the(&findings, Rule::ConditionKeyInapplicable).severity, LintSeverity::Informational);
    assert!(
        the(&findings, Rule::ConditionKeyInapplicable).message.starts_with("of the 58 actions of `kms:*`, 3 carry")
    );
    clean(&allow(r#""*""#, &when(r#"{"Bool":{"kms:GrantIsForAWSResource":"true"}}"#)));
}

#[test]
fn keys_of_other_services_are_known() {
    let findings = allow(
        r#"["iam:PassRole","iam:GetRole"]"#,
        &when(r#"{"StringEquals":{"iam:PassedToService":"a.amazonaws.com"}}"#),
    );
    assert_eq!(the(&findings, Rule::ConditionKeyInapplicable).value.as_deref(), Some("iam:GetRole"));
    clean(&allow(r#""iam:PassRole""#, &when(r#"{"StringEquals":{"iam:PassedToService":"a.amazonaws.com"}}"#)));
    clean(&allow(r#""s3:ListBucket""#, &when(r#"{"StringLike":{"s3:prefix":"home/*"}}"#)));
}

#[test]
fn properties_of_the_key_are_doubtful_in_a_key_policy() {
    let statement = r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Decrypt","Resource":"*",
        "Condition":{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/a"}}}"#;
    assert_eq!(rules(&key(statement)), ["policy-condition-key-inapplicable"]);
    clean(&allow(r#""kms:Decrypt""#, &when(r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/a"}}"#)));
}

// Values.

#[track_caller]
fn wrong(action: &str, condition: &str) -> LintFinding {
    let findings = allow(&format!(r#""{action}""#), &when(condition));
    the(&findings, Rule::ConditionWrongValue)
}

#[track_caller]
fn right(action: &str, condition: &str) {
    clean(&allow(&format!(r#""{action}""#), &when(condition)));
}

#[test]
fn the_arn_of_a_principal_is_no_source_arn() {
    let finding = wrong("kms:Decrypt", r#"{"ArnEquals":{"aws:SourceArn":"arn:aws:iam::111122223333:role/app"}}"#);
    assert_eq!(finding.suggestion.as_deref(), Some("to name the caller, test `aws:PrincipalArn`"));
    right("kms:Decrypt", r#"{"ArnEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/t"}}"#);
    right("kms:Decrypt", r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}"#);
}

#[test]
fn the_arn_of_a_session_is_no_principal_arn() {
    let finding =
        wrong("kms:Decrypt", r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:sts::111122223333:assumed-role/app/*"}}"#);
    assert_eq!(finding.suggestion.as_deref(), Some("write the ARN of the role: `arn:aws:iam::111122223333:role/app`"));
    right("kms:Decrypt", r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/app*"}}"#);
}

#[test]
fn aliases_are_compared_by_name() {
    let arn = "arn:aws:kms:eu-west-1:111122223333:alias/app";
    let finding = wrong("kms:Decrypt", &format!(r#"{{"ForAnyValue:StringEquals":{{"kms:ResourceAliases":"{arn}"}}}}"#));
    assert_eq!(finding.suggestion.as_deref(), Some("write `alias/app`"));
    assert!(finding.message.contains("never allows anything"));
    right("kms:Decrypt", r#"{"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/app*"}}"#);
}

#[test]
fn values_of_a_fixed_set_keep_their_letter_case() {
    let finding = wrong("kms:CreateGrant", r#"{"StringEquals":{"kms:GrantConstraintType":"encryptioncontextequals"}}"#);
    assert_eq!(finding.suggestion.as_deref(), Some("did you mean `EncryptionContextEquals`?"));
    right("kms:CreateGrant", r#"{"StringEqualsIgnoreCase":{"kms:GrantConstraintType":"encryptioncontextequals"}}"#);
    right("kms:CreateGrant", r#"{"StringLike":{"kms:GrantConstraintType":"EncryptionContext*"}}"#);
    assert!(
        wrong("kms:CreateKey", r#"{"StringEquals":{"kms:KeySpec":"RSA_8192"}}"#).message.contains("one of 20 values")
    );
}

#[test]
fn values_of_a_form_must_have_it() {
    let cases = [
        ("StringEquals", "kms:CallerAccount", "11112222333", "111122223333"),
        ("StringEquals", "kms:CallerAccount", "arn:aws:iam::111122223333:root", "111122223333"),
        ("StringEquals", "kms:ViaService", "s3.amazonaws.com", "s3.eu-west-1.amazonaws.com"),
        ("StringEquals", "aws:RequestedRegion", "EU-WEST-1", "eu-west-1"),
        ("StringEquals", "aws:RequestedRegion", "eu-*", "eu-west-1"),
        ("StringEquals", "aws:PrincipalOrgID", "o-abc12345", "o-a1b2c3d4e5"),
        ("StringEquals", "aws:SourceVpce", "vpc-0123456789abcdef0", "vpce-0123456789abcdef0"),
        ("StringEquals", "aws:PrincipalServiceName", "s3", "s3.amazonaws.com"),
        ("Bool", "aws:SecureTransport", "yes", "true"),
        ("StringEquals", "aws:SecureTransport", "yes", "true"),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/33", "203.0.113.0/24"),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8", "203.0.113.0/24"),
        ("StringEquals", "aws:SourceIp", "203.0.113.0/24", "203.0.113.7"),
        ("NumericLessThan", "aws:MultiFactorAuthAge", "soon", "300"),
        ("DateLessThan", "aws:CurrentTime", "tomorrow", "2026-09-30T00:00:00Z"),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam:role/app", "arn:aws:iam::111122223333:role/app"),
        ("StringEquals", "kms:RequestAlias", "app", "alias/app"),
    ];
    for (operator, name, bad, good) in cases {
        let finding = wrong("kms:Decrypt", &format!(r#"{{"{operator}":{{"{name}":"{bad}"}}}}"#));
        assert_eq!(finding.value.as_deref(), Some(bad));
        right("kms:Decrypt", &format!(r#"{{"{operator}":{{"{name}":"{good}"}}}}"#));
    }
}

#[test]
fn numbers_have_bounds() {
    wrong("kms:EnableKeyRotation", r#"{"NumericEquals":{"kms:RotationPeriodInDays":"30"}}"#);
    wrong("kms:EnableKeyRotation", r#"{"NumericGreaterThan":{"kms:RotationPeriodInDays":"2560"}}"#);
    right("kms:EnableKeyRotation", r#"{"NumericLessThanEquals":{"kms:RotationPeriodInDays":"90"}}"#);
    let window = |operator: &str, days: &str| {
        let condition = when(&format!(r#"{{"{operator}":{{"kms:ScheduleKeyDeletionPendingWindowInDays":"{days}"}}}}"#));
        deny(r#""kms:ScheduleKeyDeletion""#, &condition)
    };
    assert_eq!(rules(&window("NumericLessThan", "7")), ["policy-condition-wrong-value", "policy-statement-no-effect"]);
    clean(&window("NumericLessThan", "30"));
}

#[test]
fn operators_of_another_type_never_pass() {
    let finding = wrong("kms:Decrypt", r#"{"NumericLessThan":{"aws:SecureTransport":"1"}}"#);
    assert!(finding.message.contains("never passes `NumericLessThan`"), "{}", finding.message);
    wrong("kms:Decrypt", r#"{"IpAddress":{"aws:RequestedRegion":"203.0.113.0/24"}}"#);
    wrong("kms:Decrypt", r#"{"ArnLike":{"kms:RequestAlias":"arn:aws:kms:*:*:alias/app"}}"#);
    right("kms:Decrypt", r#"{"NumericEquals":{"aws:EpochTime":"1790000000"}}"#);
    right("kms:Decrypt", r#"{"DateGreaterThan":{"aws:EpochTime":"2026-09-30T00:00:00Z"}}"#);
}

#[test]
fn a_wildcard_without_wildcard_operator_is_noted_and_variables_are_left_alone() {
    let finding = wrong("kms:Decrypt", r#"{"StringEquals":{"aws:PrincipalTag/team":"key-*"}}"#);
    assert_eq!(finding.severity, LintSeverity::Low);
    right("kms:Decrypt", r#"{"StringLike":{"aws:PrincipalTag/team":"key-*"}}"#);
    right("kms:Decrypt", r#"{"StringEquals":{"aws:RequestedRegion":"${aws:PrincipalTag/region}"}}"#);
}

#[test]
fn one_right_value_keeps_the_statement_alive() {
    let findings = allow(r#""kms:Decrypt""#, &when(r#"{"StringEquals":{"kms:CallerAccount":["1","111122223333"]}}"#));
    assert_eq!(rules(&findings), ["policy-condition-wrong-value"]);
    let findings = allow(r#""kms:Decrypt""#, &when(r#"{"StringEquals":{"kms:CallerAccount":["1","2"]}}"#));
    assert!(rules(&findings).contains(&"policy-statement-no-effect"));
    let negated = allow(r#""kms:Decrypt""#, &when(r#"{"StringNotEquals":{"kms:CallerAccount":"1"}}"#));
    assert_eq!(rules(&negated), ["policy-condition-wrong-value"]);
    assert!(the(&negated, Rule::ConditionWrongValue).message.contains("excludes nothing"));
}

#[test]
fn null_takes_true_or_false() {
    wrong("kms:Decrypt", r#"{"Null":{"aws:PrincipalTag/team":"yes"}}"#);
    right("kms:Decrypt", r#"{"Null":{"aws:PrincipalTag/team":"false"}}"#);
}

// MFA and set operators.

#[test]
fn mfa_with_if_exists_in_an_allow_lets_access_keys_through() {
    let findings = allow(r#""kms:Decrypt""#, &when(r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#));
    assert_eq!(rules(&findings), ["policy-mfa-ifexists-in-allow"]);
    assert_eq!(the(&findings, Rule::MfaIfExistsInAllow).severity, LintSeverity::High);
    let age = allow(r#""kms:Decrypt""#, &when(r#"{"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"300"}}"#));
    assert_eq!(rules(&age), ["policy-mfa-ifexists-in-allow"]);
    right("kms:Decrypt", r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#);
    clean(&deny(r#""kms:Decrypt""#, &when(r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#)));
}

#[test]
fn a_deny_without_mfa_by_bool_spares_access_keys() {
    let findings = deny(r#""kms:Decrypt""#, &when(r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#));
    assert_eq!(rules(&findings), ["policy-mfa-bool-in-deny"]);
    assert_eq!(suggestion(&findings, Rule::MfaBoolInDeny), "write `BoolIfExists`");
    clean(&deny(r#""kms:Decrypt""#, &when(r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#)));
}

#[test]
fn for_all_values_needs_a_presence_test_in_an_allow() {
    let alone = r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["app","env"]}}"#;
    let findings = allow(r#""kms:Decrypt""#, &when(alone));
    assert_eq!(rules(&findings), ["policy-forallvalues-without-presence"]);
    let with_presence = r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["app","env"]},
        "Null":{"kms:EncryptionContextKeys":"false"}}"#;
    right("kms:Decrypt", with_presence);
    clean(&deny(r#""kms:Decrypt""#, &when(alone)));
}

#[test]
fn a_set_without_set_operator_is_found() {
    let findings = allow(r#""kms:CreateGrant""#, &when(r#"{"StringEquals":{"kms:GrantOperations":"Decrypt"}}"#));
    assert_eq!(rules(&findings), ["policy-set-without-quantifier"]);
    right("kms:CreateGrant", r#"{"ForAnyValue:StringEquals":{"kms:GrantOperations":"Decrypt"}}"#);
}

#[test]
fn operators_that_do_not_exist_and_empty_conditions_are_found() {
    let findings = allow(r#""kms:Decrypt""#, &when(r#"{"StringEqual":{"aws:PrincipalTag/a":"b"}}"#));
    assert_eq!(rules(&findings), ["policy-unknown-operator"]);
    assert_eq!(suggestion(&findings, Rule::UnknownOperator), "did you mean `StringEquals`?");
    assert_eq!(rules(&allow(r#""kms:Decrypt""#, &when("{}"))), ["policy-condition-empty"]);
    let no_value = when(r#"{"StringEquals":{"aws:PrincipalTag/a":[]}}"#);
    assert_eq!(rules(&allow(r#""kms:Decrypt""#, &no_value)), ["policy-condition-empty"]);
}

// Resources.

#[test]
fn a_star_that_may_run_over_a_colon_is_not_called_dead() {
    let resource =
        |arn: &str| identity(&format!(r#"{{"Effect":"Allow","Action":"kms:CreateAlias","Resource":"{arn}"}}"#));
    let over = resource("arn:aws*kms:us-east-1:111122223333:alias/app");
    assert_eq!(rules(&over), ["policy-resource-malformed"]);
    let none = resource("arn:awskms:us-east-1:111122223333:alias/app");
    assert_eq!(rules(&none), ["policy-resource-malformed", "policy-statement-no-effect"]);
}

fn on(effect: &str, actions: &str, resource: &str) -> Vec<LintFinding> {
    identity(&format!(r#"{{"Effect":"{effect}","Action":{actions},"Resource":{resource}}}"#))
}

const KEY: &str = r#""arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab""#;

#[test]
fn an_alias_arn_never_stands_for_the_key() {
    let alias = r#""arn:aws:kms:eu-west-1:111122223333:alias/app""#;
    let findings = on("Allow", r#""kms:Decrypt""#, alias);
    assert_eq!(rules(&findings), ["policy-key-alias-in-resource", "policy-statement-no-effect"]);
    assert!(suggestion(&findings, Rule::KeyAliasInResource).contains("kms:RequestAlias"));
    let beside_a_key = on("Allow", r#""kms:Decrypt""#, &format!("[{alias},{KEY}]"));
    assert_eq!(rules(&beside_a_key), ["policy-key-alias-in-resource"]);
    clean(&on("Allow", r#""kms:Decrypt""#, KEY));
    clean(&on("Allow", r#"["kms:CreateAlias","kms:DescribeKey"]"#, &format!("[{alias},{KEY}]")));
    let mixed = on("Allow", r#"["kms:UpdateAlias","kms:Decrypt"]"#, alias);
    assert_eq!(rules(&mixed), ["policy-key-alias-in-resource"]);
    assert!(the(&mixed, Rule::KeyAliasInResource).message.contains("never allows `kms:Decrypt`"));
}

#[test]
fn actions_without_resource_need_a_star() {
    let findings = on("Deny", r#"["kms:CreateKey","kms:Decrypt"]"#, KEY);
    assert_eq!(rules(&findings), ["policy-resource-inapplicable"]);
    assert_eq!(the(&findings, Rule::ResourceInapplicable).value.as_deref(), Some("kms:CreateKey"));
    clean(&on("Deny", r#"["kms:CreateKey","kms:Decrypt"]"#, r#""*""#));
    // The documentation is of two minds about this one.
    clean(&on("Deny", r#"["kms:CreateKey"]"#, r#""arn:aws:kms:*:111122223333:*""#));
    clean(&on("Allow", r#"["kms:ListRetirableGrants"]"#, r#""arn:aws:iam::111122223333:role/app""#));
}

#[test]
fn resources_of_another_kind_have_no_effect() {
    let findings = on("Allow", r#"["s3:ListBucket","s3:GetObject"]"#, r#""arn:aws:s3:::data/*""#);
    assert_eq!(the(&findings, Rule::ResourceInapplicable).value.as_deref(), Some("s3:ListBucket"));
    clean(&on("Allow", r#"["s3:ListBucket","s3:GetObject"]"#, r#"["arn:aws:s3:::data","arn:aws:s3:::data/*"]"#));
    let findings = on("Deny", r#""iam:PassRole""#, r#""arn:aws:iam::111122223333:user/app""#);
    assert_eq!(rules(&findings), ["policy-resource-inapplicable", "policy-statement-no-effect"]);
    clean(&on("Deny", r#""iam:PassRole""#, r#""arn:aws:iam::111122223333:role/app""#));
}

#[test]
fn a_deny_on_a_group_does_not_protect_its_users() {
    let findings = on(
        "Deny",
        r#"["iam:CreateAccessKey","iam:UpdateLoginProfile"]"#,
        r#""arn:aws:iam::111122223333:group/admins""#,
    );
    assert_eq!(rules(&findings), ["policy-deny-on-group", "policy-statement-no-effect"]);
    clean(&on("Deny", r#"["iam:CreateAccessKey"]"#, r#""arn:aws:iam::111122223333:user/admins/*""#));
    clean(&on("Deny", r#"["iam:AddUserToGroup"]"#, r#""arn:aws:iam::111122223333:group/admins""#));
}

#[test]
fn what_is_no_full_arn_is_found() {
    let bad = [
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "alias/app",
        "arn:aws:kms:eu-west-1:11112222333:key/*",
        "arn:amazon:kms:eu-west-1:111122223333:key/*",
        "arn:aws:kms:eu_west_1:111122223333:key/*",
        "arn:aws:kms:eu-west-1:111122223333:1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:eu-west-1:111122223333:key/key-id",
        " arn:aws:kms:eu-west-1:111122223333:key/*",
        "arn:aws:kms:eu-west-1:<account>:key/*",
    ];
    for resource in bad {
        let findings = on("Allow", r#""kms:Decrypt""#, &format!(r#""{resource}""#));
        assert_eq!(
            rules(&findings),
            ["policy-resource-malformed", "policy-statement-no-effect"],
            "{resource}: {findings:#?}"
        );
    }
    let doubtful =
        ["arn:aws:kms:*:key/*", "arn:aws:kms:eu-west-1", "arn:aws:*:eu-west-1:111122223333:key/*", "*:key/*"];
    for resource in doubtful {
        let findings = on("Allow", r#""kms:Decrypt""#, &format!(r#""{resource}""#));
        assert_eq!(rules(&findings), ["policy-resource-malformed"], "{resource}: {findings:#?}");
        assert_eq!(findings[0].severity, LintSeverity::Low);
    }
    let good = [
        "arn:aws:kms:*",
        "arn:aws:kms:eu-*",
        "arn:aws:kms:*:*:key/*",
        "arn:*:kms:*:111122223333:key/mrk-*",
        "arn:aws:*",
        "arn:aws:kms:*:1111*",
        "arn:aws:kms:*:${aws:PrincipalAccount}:key/*",
    ];
    for resource in &good[..6] {
        clean(&on("Allow", r#""kms:Decrypt""#, &format!(r#""{resource}""#)));
    }
    let variable = on("Allow", r#""kms:Decrypt""#, &format!(r#""{}""#, good[6]));
    assert_eq!(rules(&variable), ["policy-variable-misplaced"]);
}

#[test]
fn upper_case_before_the_account_is_noted_and_nothing_is_claimed() {
    for resource in [
        "arn:AWS:kms:*:*:key/*",
        "arn:aws:KMS:*:*:key/*",
        "arn:aws:kms:US-EAST-1:*:key/*",
        "ARN:aws:kms:us-east-1:*:key/*",
    ] {
        let findings = on("Deny", r#""kms:Decrypt""#, &format!("\"{resource}\""));
        assert_eq!(rules(&findings), ["policy-resource-malformed"], "{resource}");
        assert_eq!(findings[0].severity, LintSeverity::Medium);
        let lower = format!("write `{}`", resource.to_ascii_lowercase());
        assert_eq!(suggestion(&findings, Rule::ResourceMalformed), lower);
    }
    let findings = on("Deny", r#""kms:Decrypt""#, r#""arn:aws:kms:*:*:KEY/*""#);
    assert_eq!(rules(&findings), ["policy-resource-malformed", "policy-statement-no-effect"]);
}

#[test]
fn in_a_key_policy_only_the_key_itself_is_a_resource() {
    let statement = |resource: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"111122223333"}},"Action":"kms:*"{resource}}}"#)
    };
    clean(&key(&statement(r#","Resource":"*""#)));
    clean(&key(&statement(&format!(r#","Resource":{KEY}"#))));
    let alias = key(&statement(r#","Resource":"arn:aws:kms:eu-west-1:111122223333:alias/app""#));
    assert_eq!(rules(&alias), ["policy-resource-inapplicable", "policy-statement-no-effect"]);
    let without = key(&statement(""));
    assert_eq!(rules(&without), ["policy-statement-no-effect"]);
    assert!(without[0].message.contains("without `Resource`"));
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statement(&format!(r#","Resource":{KEY}"#)));
    let document = Document::parse(&text).unwrap();
    let other = "arn:aws:kms:eu-west-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";
    let facts = LintFacts { key_arn: Some(other), ..LintFacts::default() };
    assert!(rules(&lint(&document, PolicyKind::Key, &facts)).contains(&"policy-resource-inapplicable"));
    let facts = LintFacts { key_arn: Some(KEY.trim_matches('"')), ..LintFacts::default() };
    clean(&lint(&document, PolicyKind::Key, &facts));
}

// Principals.

fn for_principal(principal: &str) -> Vec<LintFinding> {
    key(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"kms:Decrypt","Resource":"*"}}"#))
}

#[test]
fn malformed_principals_match_nobody() {
    let bad = [
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::11112222333:root",
        "arn:aws:iam::111122223333:group/admins",
        "arn:aws:iam::111122223333:assumed-role/app/session",
        "arn:amazon:iam::111122223333:root",
        "alice",
        "11112222333",
    ];
    for principal in bad {
        let findings = for_principal(&format!(r#"{{"AWS":"{principal}"}}"#));
        assert_eq!(rules(&findings), ["policy-statement-no-effect", "policy-unknown-principal"], "{principal}");
    }
    let one_right = for_principal(r#"{"AWS":["arn:aws:iam::*:root","arn:aws:iam::111122223333:root"]}"#);
    assert_eq!(rules(&one_right), ["policy-unknown-principal"]);
    assert_eq!(
        rules(&for_principal(r#"{"Service":"s3"}"#)),
        ["policy-statement-no-effect", "policy-unknown-principal"]
    );
    let good = [
        r#"{"AWS":"*"}"#,
        r#"{"AWS":["111122223333","arn:aws:iam::111122223333:role/a/b"]}"#,
        r#"{"Service":"logs.eu-west-1.amazonaws.com"}"#,
    ];
    for principal in good {
        clean(&for_principal(principal));
    }
}

#[test]
fn partitions_do_not_mix() {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*",
        "Principal":{"AWS":"arn:aws:iam::111122223333:root"}}]}"#;
    let with = |partition| {
        let facts = LintFacts { partition: Some(partition), ..LintFacts::default() };
        lint(&Document::parse(text).unwrap(), PolicyKind::Key, &facts)
    };
    assert!(rules(&with("aws-cn")).contains(&"policy-unknown-principal"));
    clean(&with("aws"));
}

#[test]
fn unique_ids_of_deleted_principals_are_found() {
    let principal = r#"{"AWS":["AROAEXAMPLEEXAMPLE123","111122223333"]}"#;
    assert_eq!(rules(&for_principal(principal)), ["policy-dangling-principal"]);
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"kms:*","Resource":"*","Principal":{principal}}}]}}"#
    );
    let document = Document::parse(&text).unwrap();
    let ids = BTreeSet::from(["AROAEXAMPLEEXAMPLE123".to_owned()]);
    clean(&lint(&document, PolicyKind::Key, &LintFacts { unique_ids: Some(&ids), ..LintFacts::default() }));
    let none = BTreeSet::new();
    let findings = lint(&document, PolicyKind::Key, &LintFacts { unique_ids: Some(&none), ..LintFacts::default() });
    assert!(the(&findings, Rule::DanglingPrincipal).message.contains("no longer exists"));
}

#[test]
fn not_principal_is_found() {
    let statement = |effect: &str| {
        format!(
            r#"{{"Effect":"{effect}","NotPrincipal":{{"AWS":["arn:aws:iam::111122223333:role/app","111122223333"]}},"Action":"kms:*","Resource":"*"}}"#
        )
    };
    let findings = key(&statement("Deny"));
    assert_eq!(rules(&findings), ["policy-not-principal"]);
    assert!(findings[0].message.contains("without the ARN of its sessions"));
    assert_eq!(the(&key(&statement("Allow")), Rule::NotPrincipal).severity, LintSeverity::High);
    clean(&key(r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*",
        "Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}}"#));
}

// The document and the kinds of policies.

#[test]
fn old_versions_and_their_variables_are_found() {
    let text = |version: &str| {
        format!(
            r#"{{{version}"Statement":[{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::home/${{aws:username}}/*"}}]}}"#
        )
    };
    let findings = document(PolicyKind::Identity, &text(r#""Version":"2008-10-17","#));
    assert_eq!(rules(&findings), ["policy-old-version", "policy-variable-in-old-version"]);
    assert_eq!(
        rules(&document(PolicyKind::Identity, &text(""))),
        ["policy-old-version", "policy-variable-in-old-version"]
    );
    clean(&document(PolicyKind::Identity, &text(r#""Version":"2012-10-17","#)));
}

#[test]
fn variables_that_never_have_a_value_are_found() {
    let findings = on("Allow", r#""s3:GetObject""#, r#""arn:aws:s3:::home/${aws:usernam}/*""#);
    assert_eq!(rules(&findings), ["policy-statement-no-effect", "policy-variable-misplaced"]);
    assert_eq!(suggestion(&findings, Rule::VariableMisplaced), "did you mean `${aws:username}`?");
    assert_eq!(rules(&on("Allow", r#""s3:GetObject""#, r#""arn:aws:s3:::home/${aws:CalledVia}/*""#)).len(), 2);
    let numeric =
        allow(r#""kms:Decrypt""#, &when(r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"${aws:PrincipalTag/age}"}}"#));
    assert_eq!(rules(&numeric), ["policy-variable-misplaced"]);
    clean(&on("Allow", r#""s3:GetObject""#, r#""arn:aws:s3:::home/${aws:PrincipalTag/team, 'none'}/*""#));
    // A service whose keys are not all known may have one all the same.
    let unsure = on("Deny", r#""s3:GetObject""#, r#""arn:aws:s3:::home/${example:Name}/*""#);
    assert_eq!(rules(&unsure), ["policy-variable-misplaced"]);
    assert!(unsure[0].message.contains("as of"), "{}", unsure[0].message);
}

#[test]
fn elements_that_the_kind_does_not_take_are_found() {
    let refused = |kind, statement: &str| rules(&of(kind, statement)).contains(&"policy-unsupported-element");
    let with_principal = r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}"#;
    assert!(refused(PolicyKind::Identity, with_principal) && refused(PolicyKind::ServiceControl, with_principal));
    clean(&of(PolicyKind::ResourceControl, with_principal));
    let allow = r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}"#;
    assert!(refused(PolicyKind::ResourceControl, allow));
    assert!(refused(PolicyKind::ResourceControl, r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#));
    assert!(refused(
        PolicyKind::ResourceControl,
        r#"{"Effect":"Deny","Principal":"*","Action":"ec2:*","Resource":"*"}"#
    ));
    assert!(refused(PolicyKind::Identity, r#"{"Effect":"Allow","Action":"kms:*"}"#));
    let trust = r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
    clean(&of(PolicyKind::Trust, trust));
    let trust_with =
        r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole","Resource":"*"}"#;
    assert!(refused(PolicyKind::Trust, trust_with));
    let without = of(PolicyKind::Trust, r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#);
    assert_eq!(rules(&without), ["policy-statement-no-effect"]);
    assert!(refused(PolicyKind::Identity, r#"{"Sid":"a b","Effect":"Allow","Action":"kms:*","Resource":"*"}"#));
}

#[test]
fn a_role_is_assumed_by_the_action_of_the_caller() {
    let trust = |principal: &str, action: &str| {
        of(PolicyKind::Trust, &format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"{action}"}}"#))
    };
    let provider = r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/p"}"#;
    let role = r#"{"AWS":"arn:aws:iam::111122223333:role/app"}"#;
    assert_eq!(rules(&trust(provider, "sts:AssumeRole")), ["policy-statement-no-effect"]);
    assert_eq!(rules(&trust(role, "sts:AssumeRoleWithSAML")), ["policy-statement-no-effect"]);
    clean(&trust(provider, "sts:AssumeRoleWithSAML"));
    clean(&trust(role, "sts:AssumeRole"));
}

#[test]
fn empty_elements_have_no_effect() {
    for statement in
        [r#"{"Effect":"Deny","Action":[],"Resource":"*"}"#, r#"{"Effect":"Deny","Action":"kms:*","Resource":[]}"#]
    {
        let findings = identity(statement);
        assert_eq!(rules(&findings), ["policy-statement-no-effect"]);
        assert_eq!(findings[0].severity, LintSeverity::High);
    }
    assert_eq!(rules(&identity(r#"{"Effect":"Deny","NotAction":[],"Resource":"*"}"#)), ["policy-condition-empty"]);
}

#[test]
fn tolerated_forms_are_noted() {
    let lone = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"kms:*","Resource":"*",
        "Condition":{"Bool":{"aws:SecureTransport":false}}}}"#;
    let findings = document(PolicyKind::Identity, lone);
    assert_eq!(rules(&findings), ["policy-tolerated-form", "policy-tolerated-form"]);
    assert!(findings.iter().all(|finding| finding.severity == LintSeverity::Informational));
}

// Whole statements.

#[test]
fn contradicting_tests_never_pass() {
    let dead = |condition: &str| {
        let findings = allow(r#""kms:Decrypt""#, &when(condition));
        assert_eq!(rules(&findings), ["policy-statement-no-effect"], "{condition}: {findings:#?}");
    };
    let (account, other) = ("111122223333", "444455556666");
    dead(&format!(
        r#"{{"StringEquals":{{"kms:CallerAccount":"{account}"}},"StringLike":{{"kms:CallerAccount":"4*"}}}}"#
    ));
    dead(&format!(
        r#"{{"StringEquals":{{"kms:CallerAccount":"{account}"}},"StringNotEquals":{{"kms:CallerAccount":["{account}","{other}"]}}}}"#
    ));
    dead(r#"{"Null":{"aws:PrincipalTag/team":"true"},"StringEquals":{"aws:PrincipalTag/team":"a"}}"#);
    right(
        "kms:Decrypt",
        &format!(r#"{{"StringEquals":{{"kms:CallerAccount":"{account}"}},"StringLike":{{"kms:CallerAccount":"1*"}}}}"#),
    );
    right("kms:Decrypt", r#"{"Null":{"aws:PrincipalTag/team":"false"},"StringEquals":{"aws:PrincipalTag/team":"a"}}"#);
    right(
        "kms:Decrypt",
        r#"{"StringEqualsIfExists":{"aws:PrincipalTag/team":"a"},"StringLikeIfExists":{"aws:PrincipalTag/team":"b*"}}"#,
    );
}

#[test]
fn an_allow_that_a_deny_takes_back_whole_never_applies() {
    let pair = |deny: &str| {
        let allow = r#"{"Effect":"Allow","Action":["kms:Decrypt","kms:Encrypt"],"Resource":"*"}"#;
        identity(&format!("{allow},{deny}"))
    };
    let findings = pair(r#"{"Effect":"Deny","Action":"kms:*","Resource":"*"}"#);
    assert_eq!(rules(&findings), ["policy-statement-no-effect"]);
    assert_eq!(findings[0].statement, Some(0));
    clean(&pair(r#"{"Effect":"Deny","Action":"kms:Dec*","Resource":"*"}"#));
    clean(&pair(
        r#"{"Effect":"Deny","Action":"kms:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#,
    ));
    clean(&pair(&format!(r#"{{"Effect":"Deny","Action":"kms:*","Resource":{KEY}}}"#)));
}

#[test]
fn a_restriction_that_another_allow_lifts_is_noted() {
    let root =
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}"#;
    let restricted = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":"kms:*","Resource":"*",
        "Condition":{"StringEquals":{"kms:CallerAccount":"111122223333"}}}"#;
    let findings = key(&format!("{root},{restricted}"));
    assert_eq!(rules(&findings), ["policy-restriction-ineffective"]);
    assert!(findings[0].message.contains("IAM policies of the account"));
    clean(&key(restricted));
}

// Any input.

#[test]
fn every_rule_has_a_document_that_fires_it() {
    let source = include_str!("tests.rs");
    let quiet = [Rule::NotFullyChecked];
    for rule in Rule::ALL.iter().filter(|rule| !quiet.contains(rule)) {
        assert!(source.contains(rule.id()) || source.contains(&format!("Rule::{rule:?}")), "{rule}");
    }
}

#[test]
fn a_document_too_large_to_compare_says_so() {
    let resources: Vec<String> = (0..4000).map(|n| format!("\"arn:aws:ec3:*:*:*z*z{n}*\"")).collect();
    let statement = format!(r#"{{"Effect":"Allow","Action":"ec2:*","Resource":[{}]}}"#, resources.join(","));
    let findings = identity(&statement);
    assert!(rules(&findings).contains(&"policy-not-fully-checked"));
}

/// Texts of which policies are made, and some that do not belong there.
fn word() -> impl Strategy<Value = serde_json::Value> {
    let known = prop::sample::select(vec![
        "*",
        "kms:*",
        "kms:Decrypt",
        "s3:Get*",
        "k?s:*",
        "arn:aws:kms:*:*:key/*",
        "arn:aws:s3:::b/${aws:username}",
        "true",
        "2012-10-17",
        "Allow",
        "Deny",
        "aws:SourceIp",
        "${",
        "${a}",
        "10.0.0.0/8",
        "AROAEXAMPLEEXAMPLE123",
        "",
        ":",
        "::::::",
    ]);
    prop_oneof![
        known.prop_map(|text| serde_json::json!(text)),
        "\\PC{0,12}".prop_map(|text| serde_json::json!(text)),
        any::<bool>().prop_map(|value| serde_json::json!(value)),
        any::<i32>().prop_map(|value| serde_json::json!(value)),
    ]
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let name = prop::sample::select(vec![
        "AWS",
        "Service",
        "Federated",
        "StringEquals",
        "ArnLike",
        "Bool",
        "Null",
        "ForAllValues:StringLike",
        "IpAddress",
        "NumericLessThan",
        "DateLessThan",
        "kms:ViaService",
        "aws:MultiFactorAuthPresent",
        "aws: x",
        "kms:EncryptionContext",
    ]);
    word().prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..4)
                .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_document_makes_lint_fail(
        elements in prop::collection::btree_map(
            prop::sample::select(vec!["Sid", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"]),
            value(), 0..6),
        deny in any::<bool>(), version in any::<bool>(), kind in 0..8usize,
    ) {
        let mut statement: serde_json::Map<String, serde_json::Value> =
            elements.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        statement.insert("Effect".to_owned(), serde_json::json!(if deny { "Deny" } else { "Allow" }));
        let mut document = serde_json::json!({ "Statement": [statement] });
        if version {
            document["Version"] = serde_json::json!("2012-10-17");
        }
        if let Ok(document) = Document::parse(&document.to_string()) {
            use PolicyKind::{Boundary, Identity, Key, Resource, ResourceControl, ServiceControl, Session, Trust};
            let kind = [Identity, Boundary, Session, Key, Trust, ServiceControl, ResourceControl, Resource][kind];
            for finding in lint(&document, kind, &LintFacts::default()) {
                prop_assert!(!finding.message.is_empty());
            }
        }
    }

    /// Well-formed statements, so that every rule is reached.
    #[test]
    fn no_statement_makes_lint_fail(
        actions in prop::collection::vec("(kms|s3|iam|x)?:?[A-Za-z*?, ]{0,10}", 0..3),
        resources in prop::collection::vec("(arn:aws:|arn:|)(kms|s3|\\*)?:?[a-z0-9:*?/${} -]{0,24}", 0..3),
        operator in "(ForAllValues:|ForAnyValue:|)(StringEquals|StringLike|ArnLike|Bool|Null|IpAddress|NumericLessThan|DateEquals|Nope)(IfExists)?",
        key in "(aws|kms|s3|)?:?[A-Za-z/: ]{0,16}",
        values in prop::collection::vec("\\PC{0,10}", 0..3),
    ) {
        let document = serde_json::json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Deny", "Action": actions, "Resource": resources, "Condition": { operator: { key: values } } },
        ]});
        let document = Document::parse(&document.to_string()).unwrap();
        for finding in lint(&document, PolicyKind::Identity, &LintFacts::default()) {
            prop_assert!(!finding.message.is_empty());
        }
    }
}
