//! Key policies that let in any AWS account.

use std::borrow::Cow;

use super::{Check, Judged, Remediation, Rule, Scope, reference};
use crate::finding::{Judgement, Severity, Status, Verdict};
use crate::model::{Gap, Key, KeyManager, KeyPolicy};
use crate::policy::{Document, Narrowing, OpenStatement, Openness, Statement, Text, open_statements};

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
        accounts are asked for. UNDECIDED if AWS does not document what a condition means, or if what keeps strangers out is \
        compared with a tag or name that they write themselves.",
    exemptions: "AWS managed keys are NOT_APPLICABLE: their policy cannot be changed.",
    blind_spots: "Accounts and organizations that the policy names are not public, whoever they are. A condition on the \
        time or on a property of the key, such as a tag, counts as met; the reason names it. Grants are not looked \
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
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "Callers that nobody listed lose access; the saved policy is the way back. A key whose policy names no \
            administrator cannot be mended by you: leave the lockout safety check of PutKeyPolicy on.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListKeyPolicies", "kms:GetKeyPolicy"],
    parameters: &[],
    elsewhere: &[
        "AWS Security Hub KMS.5",
        "AWS Config kms-key-policy-no-public-access",
        "Prowler kms_key_not_publicly_accessible",
        "Steampipe kms_cmk_policy_prohibit_public_access",
        "CIS AWS Foundations 7.0.0 2.21 (key policies)",
        "Steampipe kms_key_policy_prohibit_public_access",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, _: &Scope<'_>) -> Judged {
    let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
    if metadata.key_manager == KeyManager::Aws {
        let reason = "AWS manages the key and its policy";
        return Ok(Judgement::not_applicable(reason).because_of(&metadata.source));
    }
    // A document that could not be read may hold the Deny that keeps the public out, or the Allow that lets it in.
    let policies = key.policies.whole()?;
    let together = Together::new(policies)?;
    let open = open_statements(&together.document, &key.arn);
    let answers: Vec<(Verdict, String, usize)> = open.iter().map(|it| answer(it, &together.document)).collect();
    let worst = [Verdict::Fail, Verdict::Undecided, Verdict::Pass];
    let worst = worst.into_iter().find(|verdict| answers.iter().any(|(it, ..)| it == verdict));
    let decisive: Vec<_> = answers.iter().filter(|(verdict, ..)| Some(*verdict) == worst).collect();
    let mut reasons: Vec<&str> = decisive.iter().map(|(_, reason, _)| reason.as_str()).collect();
    reasons.dedup();
    let reason = reasons.join("; ");
    let judgement = match worst {
        Some(Verdict::Fail) => Judgement::fail(reason),
        Some(Verdict::Undecided) => Judgement::undecided(reason),
        Some(Verdict::Pass | Verdict::NotApplicable | Verdict::Manual) => Judgement::pass(reason),
        None => Judgement::pass("the key policy lets in nobody but those that it names"),
    };
    let statements = decisive.iter().filter_map(|(.., statement)| together.origin(*statement));
    let statements = statements.map(|(policy, statement)| reference(&policy.name, statement));
    Ok(judgement.by_statements(statements).because_of_all(policies.iter().map(|policy| &policy.source)))
}

/// What follows from a statement that is open by its principal, in words, and its position.
fn answer(open: &OpenStatement, document: &Document) -> (Verdict, String, usize) {
    let why = match &open.openness {
        Openness::Public { action, context } => {
            let mut reason = format!("any AWS account may call {action}");
            for (index, (key, values)) in context.iter().enumerate() {
                reason.push_str(if index == 0 { ", for example when " } else { " and " });
                reason.push_str(&match values.as_slice() {
                    [] => format!("{key} is absent"),
                    values => format!("{key} is {}", values.join(", ")),
                });
            }
            return (Verdict::Fail, reason, open.statement);
        }
        Openness::Undecided(why) => return (Verdict::Undecided, why.clone(), open.statement),
        Openness::Narrowed(narrowing) if rests_on_the_callers_words(document, open.statement, narrowing) => {
            let why = "a statement names everyone, and its conditions compare with what the caller can write";
            return (Verdict::Undecided, why.to_owned(), open.statement);
        }
        Openness::Narrowed(Narrowing::Conditions(keys)) => {
            format!("its conditions keep strangers out: {}", keys.join(", "))
        }
        Openness::Narrowed(Narrowing::Denied(_)) => "a Deny keeps strangers out".to_owned(),
        Openness::Narrowed(Narrowing::SameAccountOperations) => {
            "only for calls that no other account can make".to_owned()
        }
        Openness::Narrowed(Narrowing::OtherResource) => "its Resource is not this key".to_owned(),
    };
    (Verdict::Pass, format!("a statement names everyone, but {why}"), open.statement)
}

/// Whether what keeps strangers out holds a variable that the caller fills as it likes: a tag or a name can be made to fit,
/// whatever one example of it says.
fn rests_on_the_callers_words(document: &Document, open: usize, narrowing: &Narrowing) -> bool {
    let words = ["aws:principaltag/", "aws:username", "aws:userid", "aws:sourceidentity"];
    let rests_on = |statement: &&Statement| match narrowing {
        Narrowing::Denied(denies) => statement.index == open || denies.contains(&statement.index),
        _ => statement.index == open,
    };
    let conditions = document.statements.iter().filter(rests_on).filter_map(|statement| statement.condition.as_ref());
    let mut variables = conditions.flat_map(|it| &it.tests).flat_map(|test| &test.values).flat_map(Text::variables);
    variables.any(|variable| words.iter().any(|prefix| variable.key.starts_with(prefix)))
}

/// All policies of a key as one document, because a Deny in any of them counts.
struct Together<'a> {
    document: Cow<'a, Document>,
    /// Where each statement of the document stands.
    origins: Vec<(&'a KeyPolicy, &'a Statement)>,
}

impl<'a> Together<'a> {
    fn new(policies: &'a [KeyPolicy]) -> Result<Self, Gap> {
        let mut documents = Vec::with_capacity(policies.len());
        let mut origins = Vec::new();
        for policy in policies {
            let document = policy.document.as_deref().map_err(Clone::clone)?;
            origins.extend(document.statements.iter().map(|statement| (policy, statement)));
            documents.push(document);
        }
        let document = match documents.as_slice() {
            [document] => Cow::Borrowed(*document),
            [] => return Err(Gap::malformed("kms:ListKeyPolicies", &[], "a key without a policy cannot exist")),
            [first, ..] => {
                let statements = origins.iter().enumerate();
                let statements =
                    statements.map(|(index, (_, statement))| Statement { index, ..(*statement).clone() }).collect();
                Cow::Owned(Document { statements, tolerated: Vec::new(), ..(*first).clone() })
            }
        };
        Ok(Self { document, origins })
    }

    fn origin(&self, index: usize) -> Option<(&'a KeyPolicy, &'a Statement)> {
        let position = self.document.statements.iter().position(|statement| statement.index == index)?;
        self.origins.get(position).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
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
            r#""ArnLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/Admin"}"#,
            r#""StringEquals": {"aws:ResourceTag/public": "yes"}"#,
            r#""StringEquals": {"example:unknown": "x"}"#,
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
            r#""StringEqualsSometimes": {"aws:PrincipalOrgID": "o-exampleorgid"}"#,
            r#""StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalTag/account}"}"#,
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
    fn a_deny_that_compares_with_what_the_caller_writes_is_no_proof() {
        let own_tag = r#", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "${aws:PrincipalTag/account}"}}"#;
        assert_ne!(verdict(&format!("{}, {}", allow(""), deny(own_tag))), Verdict::Pass);
    }

    #[test]
    fn a_choice_that_allow_and_deny_both_bind_is_no_choice() {
        let via = r#""StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}"#;
        let not_via = deny(&format!(r#", "Condition": {{{via}}}"#));
        assert_eq!(verdict(&format!("{}, {not_via}", when(via))), Verdict::Pass);
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
        assert!(judgement.reason.starts_with("any AWS account may call kms:"), "{}", judgement.reason);
        let via = judged(&when(r#""StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}"#));
        assert!(via.reason.ends_with("when kms:viaservice is s3.eu-central-1.amazonaws.com"), "{}", via.reason);
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
