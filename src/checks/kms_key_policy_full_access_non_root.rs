//! Key policies that give every action to somebody.

use super::key_policy::{self, Answer, Spoken, conclude};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Severity, Status, Verdict};
use crate::model::Key;
use crate::policy::{Effect, KMS_OTHER, Match, Principal, kms_actions};

const ALLOWED_PRINCIPALS: Strings = Strings {
    name: "allowed_principals",
    meaning: "ARNs of users and roles, names of services and account ids that may have every action.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-policy-full-access-non-root",
    title: "Key policies give full access to the account alone",
    severity: Severity::Medium,
    resource: "KMS key",
    rationale: "Whoever has every action on a key can read the data, change the policy and destroy the key. The statement for \
        the account itself is needed so that the key stays manageable; the same for a role, a user or another account joins \
        what should be apart.",
    rule: "For customer managed keys: FAIL if an Allow statement of a key policy matches every action on keys (kms:*, *, or a \
        NotAction that leaves none out) and its principal is anything but the account of the key and allowed_principals (by default none); PASS if there is \
        none. Conditions are not counted.",
    exemptions: "AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Several statements that together give every action are not added up: kms-key-policy-separation-of-duties \
        looks at what they give. What IAM policies and grants give is not looked at, nor is a Deny that takes the access back. \
        A statement that gives every action to an AWS service fails as well.",
    remediation: Remediation {
        summary: "Replace kms:* by the actions that the principal needs.",
        steps: &[
            "See in CloudTrail which operations the principal calls on the key.",
            "Give users of the key the operations that use it, administrators those that manage it, nobody both.",
            "kms:PutKeyPolicy; leave the statement for the account as it is.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "An operation that was overlooked fails until it is added. The statement for the account lets administrators \
            mend it.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListKeyPolicies", "kms:GetKeyPolicy"],
    parameters: &[Parameter::Strings(ALLOWED_PRINCIPALS)],
    elsewhere: &["None known: least privilege for key policies in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        let own = scope.account.id.as_str();
        let allowed = scope.values.strings(&ALLOWED_PRINCIPALS);
        let answers = policies.statements(Effect::Allow).filter_map(|spoken| answer(&spoken, own, &allowed)).collect();
        Ok(conclude(answers, "no statement gives every action to anybody but the account"))
    })
}

fn answer(spoken: &Spoken<'_>, own: &str, allowed: &[&str]) -> Option<Answer> {
    let names = kms_actions().iter().map(|action| action.name).chain([KMS_OTHER]);
    let every = Match::all(names.map(|name| spoken.statement.matches_action(name))).min(spoken.on_key);
    let who = whom(spoken, own, allowed)?;
    let condition = if spoken.statement.is_conditional() { ", under conditions, which are not counted" } else { "" };
    let (verdict, text) = match every {
        Match::Yes => (Verdict::Fail, format!("{who} has every action{condition}")),
        Match::Unsure => (Verdict::Undecided, format!("whether {who} has every action on this key cannot be told")),
        Match::No => return None,
    };
    Some(Answer::new(verdict, text, [spoken.reference()]))
}

/// Whom a statement names beside the account of the key and those allowed, in words.
fn whom(spoken: &Spoken<'_>, own: &str, allowed: &[&str]) -> Option<String> {
    let element = spoken.principal()?;
    if element.negated {
        return Some("everyone but those that NotPrincipal lists".to_owned());
    }
    let named: Vec<String> = element
        .entries
        .iter()
        .filter_map(|entry| match entry {
            Principal::Account { account, .. } if account == own || allowed.contains(&account.as_str()) => None,
            Principal::User(it) | Principal::Role(it) if allowed.contains(&it.arn.as_str()) => None,
            Principal::Service(name) if allowed.contains(&name.as_str()) => None,
            Principal::Account { account, .. } => Some(format!("account {account}")),
            Principal::Everyone => Some("everyone".to_owned()),
            Principal::User(it) | Principal::Role(it) | Principal::Session(it) | Principal::FederatedUser(it) => {
                Some(it.arn.clone())
            }
            Principal::Service(name) => Some(name.clone()),
            Principal::UniqueId(id) => Some(format!("a deleted principal ({id})")),
            Principal::Federated(_) | Principal::CanonicalUser(_) | Principal::Nobody(_) => None,
        })
        .collect();
    (!named.is_empty()).then(|| named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Judgement;
    use crate::model::Listing;

    fn judged(principal: &str, action: &str, rest: &str) -> Judgement {
        let statement = format!(r#"{{"Effect": "Allow", "Principal": {principal}, {action}, "Resource": "*" {rest}}}"#);
        let key = Key { policies: Listing::complete(vec![key_policy(statements(&statement))]), ..key() };
        judge_key(&CHECK, &key, &World::new()).unwrap()
    }

    #[test]
    fn principals_may_be_allowed() {
        let text = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": ["{SIBLING}", "arn:aws:iam::{ACCOUNT}:role/R"],
                "Service": "logs.amazonaws.com"}}, "Action": "kms:*", "Resource": "*"}}"#
        );
        let of = |allowed: &[&str]| {
            let list = allowed.iter().map(|it| (*it).to_owned()).collect();
            let world = World { values: Values::with(ALLOWED_PRINCIPALS.name, Value::Strings(list)), ..World::new() };
            let key = Key { policies: Listing::complete(vec![key_policy(statements(&text))]), ..key() };
            judge_key(&CHECK, &key, &world).unwrap().verdict
        };
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/R");
        assert_eq!(of(&[SIBLING, &arn, "logs.amazonaws.com"]), Verdict::Pass);
        assert_eq!(of(&[SIBLING, &arn]), Verdict::Fail);
    }

    fn role() -> String {
        format!(r#"{{"AWS": ["{ACCOUNT}", "arn:aws:iam::{ACCOUNT}:role/R"]}}"#)
    }

    #[test]
    fn every_action_for_anybody_but_the_account_fails() {
        for action in [r#""Action": "kms:*""#, r#""Action": ["*"]"#, r#""NotAction": "s3:*""#] {
            let judgement = judged(&role(), action, "");
            assert_eq!(judgement.verdict, Verdict::Fail, "{action}");
            assert_eq!(judgement.reason, format!("arn:aws:iam::{ACCOUNT}:role/R has every action"));
        }
        for principal in
            [r#""*""#.to_owned(), format!(r#"{{"AWS": "{SIBLING}"}}"#), r#"{"Service": "x.amazonaws.com"}"#.to_owned()]
        {
            assert_eq!(judged(&principal, r#""Action": "kms:*""#, "").verdict, Verdict::Fail, "{principal}");
        }
    }

    #[test]
    fn conditions_do_not_count_and_are_said() {
        let condition = format!(r#", "Condition": {{"StringEquals": {{"kms:CallerAccount": "{ACCOUNT}"}}}}"#);
        let judgement = judged(&role(), r#""Action": "kms:*""#, &condition);
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert!(judgement.reason.ends_with("under conditions, which are not counted"), "{}", judgement.reason);
    }

    #[test]
    fn the_account_and_narrower_statements_pass() {
        assert_eq!(judge_key(&CHECK, &key(), &World::new()).unwrap().verdict, Verdict::Pass);
        for action in [r#""Action": ["kms:Decrypt", "kms:Create*"]"#, r#""NotAction": "kms:ScheduleKeyDeletion""#] {
            assert_eq!(judged(&role(), action, "").verdict, Verdict::Pass, "{action}");
        }
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
