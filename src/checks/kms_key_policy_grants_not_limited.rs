//! Key policies that let principals create whatever grants they like.

use super::key_policy::{self, Answer, Policies, Spoken, conclude};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Severity, Status, Verdict};
use crate::model::Key;
use crate::policy::{Comparing, Comparison, ConditionTest, Effect, Match, Operator, Principal, Quantifier};

pub(super) const CHECK: Check = Check {
    id: "kms-key-policy-grants-not-limited",
    title: "Key policies limit which grants can be created",
    severity: Severity::Medium,
    resource: "KMS key",
    rationale: "Whoever may create grants gives the use of the key to anybody, in any account, and no policy shows it. \
        Most who hold kms:CreateGrant need it only so that an AWS service can use the key for them.",
    rule: "For customer managed keys, over Allow statements that match kms:CreateGrant for somebody else than the \
        account itself or an AWS service: FAIL unless the statement demands kms:GrantIsForAWSResource true or a \
        kms:ViaService, limits kms:GrantOperations by ForAllValues, or names kms:GranteePrincipal or \
        kms:GranteeServicePrincipal; or a Deny for everyone with kms:GrantIsForAWSResource false stands beside it. \
        UNDECIDED if another Deny looks at one of these keys, or an operator holds without the key; PASS otherwise.",
    exemptions: "AWS managed keys are NOT_APPLICABLE. The statement for the account itself is not counted: IAM \
        policies decide under it.",
    blind_spots: "Whether the operations and grantees that are named are the right ones is not judged, nor what IAM \
        policies give under the statement for the account: see kms-key-policy-separation-of-duties. Grants that exist \
        are judged by the checks of grants.",
    remediation: Remediation {
        summary: "Limit kms:CreateGrant to AWS services, or to named operations and grantees.",
        steps: &[
            "Give kms:CreateGrant a statement of its own, with Bool kms:GrantIsForAWSResource true.",
            "Who must create grants for others: ForAllValues:StringEquals kms:GrantOperations with the operations, and \
             StringEquals kms:GranteePrincipal with the grantees.",
            "Store it: aws kms put-key-policy --key-id \"$KEY_ID\" --policy file://policy.json (save the old one \
             before, by aws kms get-key-policy --key-id \"$KEY_ID\" --output text).",
            "Verify: keyproof access who-can kms:CreateGrant \"$KEY_ID\" --snapshot \"$SNAPSHOT\" names the condition.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "Applications that create grants themselves fail from then on. Grants that exist are not touched. The \
            saved policy is the way back.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListKeyPolicies", "kms:GetKeyPolicy"],
    parameters: &[],
    elsewhere: &["AWS Control Tower CT.KMS.PR.3 (proactive)"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

const CREATE_GRANT: &str = "kms:CreateGrant";

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        let own = scope.account.id.as_str();
        let answers = policies.statements(Effect::Allow).filter_map(|spoken| answer(&spoken, own, policies)).collect();
        Ok(conclude(answers, "the key policy lets nobody but the account itself create grants"))
    })
}

/// What is said of a statement that may allow somebody to create grants.
fn answer(spoken: &Spoken<'_>, own: &str, policies: &Policies<'_>) -> Option<Answer> {
    let statement = spoken.statement;
    let matched = statement.matches_action(CREATE_GRANT).min(spoken.on_key);
    let who = who(spoken, own)?;
    if !matched.is_possible() {
        return None;
    }
    let limited = Match::any(statement.tests().map(limits));
    let (verdict, text) = match (limited, matched) {
        (Match::Yes, _) => (Verdict::Pass, format!("{who} may create limited grants only")),
        _ if policies.statements(Effect::Deny).any(|deny| denies_all_others(&deny)) => {
            (Verdict::Pass, format!("{who} may create grants for AWS services only, because a Deny stops others"))
        }
        (_, Match::Unsure) => (Verdict::Undecided, format!("whether {who} may create grants cannot be told")),
        (Match::Unsure, _) => {
            (Verdict::Undecided, format!("whether the condition limits the grants of {who} is not certain"))
        }
        _ if policies.statements(Effect::Deny).any(|deny| deny.statement.tests().any(|test| is_limit(&test.key))) => {
            (Verdict::Undecided, format!("{who} may create any grant, unless a Deny on grants stops it"))
        }
        _ => (Verdict::Fail, format!("{who} may create any grant")),
    };
    Some(Answer::new(verdict, text, [spoken.reference()]))
}

/// Whom a statement speaks of beside the account itself and AWS services, in words.
fn who(spoken: &Spoken<'_>, own: &str) -> Option<String> {
    let element = spoken.principal()?;
    if element.negated {
        return Some("everyone who is not listed".to_owned());
    }
    let name = |entry: &Principal| match entry {
        Principal::Everyone => Some("everyone".to_owned()),
        Principal::Account { account, .. } if account == own => None,
        Principal::Account { account, .. } => Some(format!("account {account}")),
        Principal::User(it) | Principal::Role(it) | Principal::Session(it) | Principal::FederatedUser(it) => {
            Some(it.arn.clone())
        }
        Principal::UniqueId(_)
        | Principal::Service(_)
        | Principal::Federated(_)
        | Principal::CanonicalUser(_)
        | Principal::Nobody(_) => None,
    };
    let names: Vec<String> = element.entries.iter().filter_map(name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn is_limit(key: &str) -> bool {
    matches!(
        key,
        "kms:grantisforawsresource"
            | "kms:grantoperations"
            | "kms:granteeprincipal"
            | "kms:granteeserviceprincipal"
            | "kms:viaservice"
    )
}

/// Whether a test limits which grants can be created.
fn limits(test: &ConditionTest) -> Match {
    let Operator::Compare(comparing) = test.operator else { return Match::No };
    if !is_limit(&test.key) || comparing.negated || test.values.is_empty() {
        return Match::No;
    }
    let is_open = |source: &str| source.bytes().all(|byte| matches!(byte, b'*' | b'?'));
    let acts = |Comparing { comparison, .. }: Comparing| matches!(comparison, Comparison::StringLike | Comparison::Arn);
    if acts(comparing) && test.values.iter().any(|value| is_open(value.source())) {
        return Match::No;
    }
    let held = match (test.key.as_str(), comparing.comparison, comparing.quantifier) {
        ("kms:grantisforawsresource", Comparison::Bool, None) => {
            Match::from(test.values.iter().all(|value| value.source().eq_ignore_ascii_case("true")))
        }
        // A set is limited only where each of its items is.
        ("kms:grantoperations", _, Some(Quantifier::All)) => Match::Yes,
        ("kms:grantoperations", _, None) => Match::Unsure,
        ("kms:granteeprincipal" | "kms:granteeserviceprincipal" | "kms:viaservice", _, None) => Match::Yes,
        _ => Match::No,
    };
    if comparing.if_exists || test.values.iter().any(crate::policy::Text::has_variables) {
        return held.min(Match::Unsure);
    }
    held
}

/// Whether a Deny keeps everyone from creating grants that are not for an AWS service.
fn denies_all_others(deny: &Spoken<'_>) -> bool {
    let for_everyone =
        deny.principal().is_some_and(|element| !element.negated && element.entries == [Principal::Everyone]);
    let tests: Vec<&ConditionTest> = deny.statement.tests().collect();
    let is_about_services = match tests.as_slice() {
        [test] => {
            let is_bool = matches!(test.operator, Operator::Compare(it) if it.comparison == Comparison::Bool);
            let is_false = || test.values.iter().all(|value| value.source().eq_ignore_ascii_case("false"));
            test.key == "kms:grantisforawsresource" && is_bool && !test.values.is_empty() && is_false()
        }
        _ => false,
    };
    for_everyone && is_about_services && deny.on_key.min(deny.statement.matches_action(CREATE_GRANT)).is_certain()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Judgement;
    use crate::model::Listing;

    fn judged_with(principal: &str, condition: &str, more: &str) -> Judgement {
        let condition = if condition.is_empty() { String::new() } else { format!(r#", "Condition": {{{condition}}}"#) };
        let statement = format!(
            r#"{{"Effect": "Allow", "Principal": {{{principal}}}, "Action": ["kms:Decrypt", "kms:Create*"], "Resource": "*"{condition}}}{more}"#
        );
        let key = Key { policies: Listing::complete(vec![key_policy(statements(&statement))]), ..key() };
        judge_key(&CHECK, &key, &World::new()).unwrap()
    }

    fn role_with(condition: &str) -> Judgement {
        judged_with(&format!(r#""AWS": "{}""#, role("/").arn), condition, "")
    }

    #[test]
    fn grants_without_limit_fail() {
        let judgement = role_with("");
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, format!("{} may create any grant", role("/").arn));
        for condition in [
            r#""Bool": {"kms:GrantIsForAWSResource": "false"}"#,
            r#""StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}"#,
            r#""ForAnyValue:StringEquals": {"kms:GrantOperations": "Decrypt"}"#,
            r#""StringLike": {"kms:GranteePrincipal": "*"}"#,
            r#""StringNotEquals": {"kms:GranteePrincipal": "arn:aws:iam::111122223333:role/R"}"#,
        ] {
            assert_eq!(role_with(condition).verdict, Verdict::Fail, "{condition}");
        }
        assert_eq!(judged_with(r#""AWS": "*""#, "", "").verdict, Verdict::Fail);
        assert_eq!(judged_with(&format!(r#""AWS": "{STRANGER}""#), "", "").verdict, Verdict::Fail);
    }

    #[test]
    fn limited_grants_pass() {
        for condition in [
            r#""Bool": {"kms:GrantIsForAWSResource": "true"}"#,
            r#""StringEquals": {"kms:ViaService": "ec2.eu-central-1.amazonaws.com"}"#,
            r#""ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt", "Encrypt"]}"#,
            r#""StringEquals": {"kms:GranteePrincipal": "arn:aws:iam::111122223333:role/R"}"#,
        ] {
            assert_eq!(role_with(condition).verdict, Verdict::Pass, "{condition}");
        }
        let deny = r#", {"Effect": "Deny", "Principal": "*", "Action": "kms:CreateGrant", "Resource": "*",
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": "false"}}}"#;
        assert_eq!(judged_with(&format!(r#""AWS": "{}""#, role("/").arn), "", deny).verdict, Verdict::Pass);
        assert_eq!(judged_with(&format!(r#""AWS": "{ACCOUNT}""#), "", "").verdict, Verdict::Pass);
        assert_eq!(judged_with(r#""Service": "logs.amazonaws.com""#, "", "").verdict, Verdict::Pass);
    }

    #[test]
    fn what_is_not_certain_is_undecided() {
        for condition in [
            r#""BoolIfExists": {"kms:GrantIsForAWSResource": "true"}"#,
            r#""StringEquals": {"kms:GrantOperations": "Decrypt"}"#,
            r#""StringEquals": {"kms:GranteePrincipal": "${aws:PrincipalArn}"}"#,
        ] {
            assert_eq!(role_with(condition).verdict, Verdict::Undecided, "{condition}");
        }
        let deny = r#", {"Effect": "Deny", "Principal": "*", "Action": "kms:CreateGrant", "Resource": "*",
            "Condition": {"StringNotLike": {"kms:GranteePrincipal": "arn:aws:iam::111122223333:*"}}}"#;
        assert_eq!(judged_with(&format!(r#""AWS": "{}""#, role("/").arn), "", deny).verdict, Verdict::Undecided);
    }

    #[test]
    fn keys_of_aws_are_exempt() {
        assert_eq!(judge_key(&CHECK, &aws_managed_key(), &World::new()).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_metadata_or_any_policy_nothing_is_said() {
        assert_says_nothing_without_policies(&CHECK);
    }
}
