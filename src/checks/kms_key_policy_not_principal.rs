//! Key policies that speak of everyone but some.

use super::key_policy::{self, Answer, Spoken, conclude};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Severity, Status, Verdict};
use crate::model::Key;
use crate::policy::{Effect, Match, Principal, PrincipalArn, PrincipalElement};

pub(super) const CHECK: Check = Check {
    id: "kms-key-policy-not-principal",
    title: "Key policies name principals instead of excepting them",
    severity: Severity::High,
    resource: "KMS key",
    rationale: "NotPrincipal in an Allow opens the key to everyone whom it does not list, other accounts and anonymous callers \
        included. In a Deny it spares only callers of whom every form is listed: whoever forgets the account or the session \
        locks out the principal that was meant to be spared.",
    rule: "For customer managed keys: FAIL if an Allow statement of a key policy has NotPrincipal; or if a Deny statement has \
        it and lists a user without the user's account, or a role without its account or without a session of the role \
        (assumed-role ARN). PASS if no statement has NotPrincipal, or those that deny list every form.",
    exemptions: "AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Conditions are not looked at: they may narrow the statement. Whether the sessions that are listed are those \
        that the role really uses cannot be told. How far an Allow opens the key is the matter of kms-key-policy-public and \
        kms-key-policy-external-account.",
    remediation: Remediation {
        summary: "Name the principals in an Allow; in a Deny use everyone with a condition on aws:PrincipalArn.",
        steps: &[
            "Allow: replace NotPrincipal by a Principal that lists who needs the key.",
            "Deny: write Principal \"*\" and the condition ArnNotEquals (ArnNotLike for patterns) on aws:PrincipalArn with \
             those who are spared; it holds for every session of a role.",
            "kms:PutKeyPolicy; try both a spared and an unspared principal.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "Whoever used the key through the exception of an Allow loses it. Keep the old policy to put it back.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListKeyPolicies", "kms:GetKeyPolicy"],
    parameters: &[],
    elsewhere: &["IAM Access Analyzer policy validation (NotPrincipal)"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, _: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        let both = policies.statements(Effect::Allow).chain(policies.statements(Effect::Deny));
        let answers = both.filter_map(|spoken| answer(&spoken)).collect();
        Ok(conclude(answers, "no statement of the key policy has NotPrincipal"))
    })
}

/// What is said of a statement with NotPrincipal.
fn answer(spoken: &Spoken<'_>) -> Option<Answer> {
    let element = spoken.principal().filter(|element| element.negated)?;
    let (verdict, text) = match (spoken.statement.effect, missing(element)) {
        _ if spoken.on_key == Match::Unsure => {
            (Verdict::Undecided, "whether a statement with NotPrincipal speaks of this key cannot be told".to_owned())
        }
        (Effect::Allow, _) => (Verdict::Fail, "an Allow opens the key to everyone but those that it lists".to_owned()),
        (Effect::Deny, Some(missing)) => (Verdict::Fail, format!("a Deny spares {missing}")),
        (Effect::Deny, None) => {
            (Verdict::Pass, "a Deny spares those that it lists, each with its account and sessions".to_owned())
        }
    };
    Some(Answer::new(verdict, text, [spoken.reference()]))
}

/// The first listed principal of which a form is missing, in words.
fn missing(element: &PrincipalElement) -> Option<String> {
    let has_account = |wanted: &str| {
        element.entries.iter().any(|entry| matches!(entry, Principal::Account { account, .. } if account == wanted))
    };
    let has_session = |role: &PrincipalArn| {
        let name = role.name.rsplit('/').next().unwrap_or_default();
        element.entries.iter().any(|entry| match entry {
            Principal::Session(session) => {
                session.account == role.account && session.name.split('/').next() == Some(name)
            }
            _ => false,
        })
    };
    element.entries.iter().find_map(|entry| match entry {
        Principal::User(it) | Principal::Role(it) if !has_account(&it.account) => {
            Some(format!("{} and yet denies it, because account {} is not listed", it.arn, it.account))
        }
        Principal::Role(role) if !has_session(role) => {
            Some(format!("{} and yet denies it, because no session of it is listed", role.arn))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Judgement;
    use crate::model::Listing;

    fn judged(effect: &str, element: &str) -> Judgement {
        let statement = format!(r#"{{"Effect": "{effect}", {element}, "Action": "kms:*", "Resource": "*"}}"#);
        let key = Key { policies: Listing::complete(vec![key_policy(statements(&statement))]), ..key() };
        judge_key(&CHECK, &key, &World::new()).unwrap()
    }

    fn verdict(effect: &str, listed: &[String]) -> Verdict {
        let listed: Vec<String> = listed.iter().map(|arn| format!("\"{arn}\"")).collect();
        judged(effect, &format!(r#""NotPrincipal": {{"AWS": [{}]}}"#, listed.join(", "))).verdict
    }

    fn arn(rest: &str) -> String {
        format!("arn:aws:{}", rest.replace("::", &format!("::{ACCOUNT}:")))
    }

    #[test]
    fn an_allow_with_it_fails_and_principals_pass() {
        assert_eq!(verdict("Allow", &[arn("iam::root"), arn("iam::role/R")]), Verdict::Fail);
        for effect in ["Allow", "Deny"] {
            assert_eq!(judged(effect, r#""Principal": "*""#).verdict, Verdict::Pass);
        }
        assert_eq!(judge_key(&CHECK, &key(), &World::new()).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn a_deny_must_list_every_form_of_whom_it_spares() {
        let session = arn("sts::assumed-role/R/s");
        assert_eq!(verdict("Deny", &[arn("iam::role/path/R"), session.clone(), arn("iam::root")]), Verdict::Pass);
        assert_eq!(verdict("Deny", &[arn("iam::user/U"), ACCOUNT.to_owned()]), Verdict::Pass);
        assert_eq!(verdict("Deny", &[arn("iam::root")]), Verdict::Pass);
        assert_eq!(verdict("Deny", &[arn("iam::user/U")]), Verdict::Fail);
        assert_eq!(verdict("Deny", &[arn("iam::role/R"), session]), Verdict::Fail);
        assert_eq!(verdict("Deny", &[arn("iam::role/R"), arn("iam::root")]), Verdict::Fail);
        assert_eq!(
            verdict("Deny", &[arn("iam::role/R"), arn("sts::assumed-role/Other/s"), arn("iam::root")]),
            Verdict::Fail
        );
    }

    #[test]
    fn a_statement_about_another_key_does_not_count() {
        let statement = format!(
            r#"{{"Effect": "Allow", "NotPrincipal": {{"AWS": "{ACCOUNT}"}}, "Action": "kms:*", "Resource": "{}"}}"#,
            key_arn().replace(KEY_ID, "other")
        );
        let key = Key { policies: Listing::complete(vec![key_policy(statements(&statement))]), ..key() };
        assert_eq!(judge_key(&CHECK, &key, &World::new()).unwrap().verdict, Verdict::Pass);
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
