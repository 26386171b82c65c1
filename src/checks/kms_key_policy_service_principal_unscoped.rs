//! AWS services that may use a key on anybody's behalf.

use super::key_policy::{self, Answer, Policies, Spoken, conclude};
use super::sources::{looks_at_source, scopes};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Severity, Status, Verdict};
use crate::model::Key;
use crate::policy::{Effect, Match, Principal, kms_actions};

const EXEMPT_SERVICES: Strings = Strings {
    name: "exempt_services",
    meaning: "Services that need no condition on the source, because they do not send it.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-policy-service-principal-unscoped",
    title: "AWS services use keys only for known resources",
    severity: Severity::Medium,
    resource: "KMS key",
    rationale: "An AWS service calls for many customers. Where a key policy lets a service use a key for whatever resource, \
        somebody else's resource can make the service use it: the service is a confused deputy.",
    rule: "For customer managed keys: FAIL if an Allow statement of a key policy names an AWS service that is not in exempt_services (by default none) and matches an operation \
        that uses key material, without a condition that must hold and compares aws:SourceAccount, aws:SourceArn, \
        aws:SourceOrgID, aws:SourceOrgPaths or an encryption context with values of which the account, organization or \
        resource is written out. PASS if no such statement exists.",
    exemptions: "AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Some services do not send the source keys; for them a FAIL cannot be mended by a condition and needs a \
        waiver. Whether the named account or resource is the right one is not judged. Operators that also hold when the key \
        is absent do not count. A Deny that looks at one of the keys may scope the statement: then the check is UNDECIDED.",
    remediation: Remediation {
        summary: "Bind the statement to your own resources with aws:SourceArn and aws:SourceAccount.",
        steps: &[
            "Look up in the service's documentation which of aws:SourceArn, aws:SourceAccount and aws:SourceOrgID it sends, \
             and which encryption context.",
            "Add StringEquals on aws:SourceAccount, and ArnLike on aws:SourceArn as narrow as the resource allows.",
            "kms:PutKeyPolicy, then watch CloudTrail for AccessDenied events of the service.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "If the service does not send the key, its calls fail from then on: deliveries stop. Putting the old policy back \
            undoes it.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListKeyPolicies", "kms:GetKeyPolicy"],
    parameters: &[Parameter::Strings(EXEMPT_SERVICES)],
    elsewhere: &["AWS guidance on the confused deputy problem"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        let exempt = scope.values.strings(&EXEMPT_SERVICES);
        let allows = policies.statements(Effect::Allow);
        let answers = allows.filter_map(|spoken| answer(&spoken, &exempt, policies)).collect();
        Ok(conclude(answers, "the key policy lets no AWS service use the key"))
    })
}

/// What is said of a statement that names a service.
fn answer(spoken: &Spoken<'_>, exempt: &[&str], policies: &Policies<'_>) -> Option<Answer> {
    let statement = spoken.statement;
    let entries = spoken.principal().filter(|element| !element.negated).map_or(&[][..], |element| &element.entries);
    let services: Vec<&str> = entries.iter().filter_map(service).filter(|it| !exempt.contains(it)).collect();
    let uses = kms_actions().iter().filter(|action| action.group == "crypto-use");
    let use_of_key = Match::any(uses.map(|action| statement.matches_action(action.name)));
    if services.is_empty() || !use_of_key.is_possible() {
        return None;
    }
    let services = services.join(", ");
    let (verdict, text) = match statement.tests().map(scopes).max().unwrap_or(Match::No) {
        Match::Yes => (Verdict::Pass, format!("{services} may use the key for resources that the statement names")),
        Match::Unsure => {
            let text = format!("{services} may use the key for resources that a policy variable chooses");
            (Verdict::Undecided, text)
        }
        Match::No if spoken.on_key.min(use_of_key) == Match::Unsure => {
            (Verdict::Undecided, format!("whether a statement lets {services} use this key cannot be told"))
        }
        Match::No if policies.statements(Effect::Deny).any(|deny| looks_at_source(deny.statement)) => {
            let text = format!("{services} may use the key for any resource, unless a Deny on the source stops it");
            (Verdict::Undecided, text)
        }
        Match::No => (Verdict::Fail, format!("{services} may use the key for anybody's resources")),
    };
    Some(Answer::new(verdict, text, [spoken.reference()]))
}

fn service(entry: &Principal) -> Option<&str> {
    match entry {
        Principal::Service(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Judgement;
    use crate::model::Listing;

    fn judged(rest: &str, more: &str) -> Judgement {
        let statement = format!(
            r#"{{"Effect": "Allow", "Principal": {{"Service": "logs.amazonaws.com"}}, "Resource": "*", {rest}}}{more}"#
        );
        let key = Key { policies: Listing::complete(vec![key_policy(statements(&statement))]), ..key() };
        judge_key(&CHECK, &key, &World::new()).unwrap()
    }

    fn when(condition: &str) -> Verdict {
        judged(&format!(r#""Action": "kms:Decrypt", "Condition": {{{condition}}}"#), "").verdict
    }

    #[test]
    fn a_source_that_is_written_out_passes() {
        for condition in [
            r#""StringEquals": {"aws:SourceAccount": "111122223333"}"#,
            r#""StringLike": {"AWS:SourceAccount": ["111122223333", "444455556666"]}"#,
            r#""ArnLike": {"aws:SourceArn": "arn:aws:logs:*:111122223333:*"}"#,
            r#""ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket-*"}"#,
            r#""StringEquals": {"aws:SourceOrgID": "o-exampleorgid"}"#,
            r#""ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-exampleorgid/*"}"#,
            r#""StringEquals": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-central-1:111122223333:x"}"#,
        ] {
            assert_eq!(when(condition), Verdict::Pass, "{condition}");
        }
    }

    #[test]
    fn no_condition_or_one_that_anybody_meets_fails() {
        assert_eq!(judged(r#""Action": "kms:Decrypt""#, "").verdict, Verdict::Fail);
        assert_eq!(judged(r#""Action": "kms:*""#, "").verdict, Verdict::Fail);
        for condition in [
            r#""StringLike": {"aws:SourceAccount": "*"}"#,
            r#""StringEquals": {"aws:SourceAccount": []}"#,
            r#""StringLike": {"aws:SourceAccount": ["111122223333", "*"]}"#,
            r#""StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}"#,
            r#""StringNotEquals": {"aws:SourceAccount": "111122223333"}"#,
            r#""ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}"#,
            r#""ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}"#,
            r#""ArnLike": {"aws:SourceArn": "*"}"#,
            r#""Null": {"aws:SourceArn": "false"}"#,
            r#""StringLike": {"kms:EncryptionContext:app": "*"}"#,
            r#""StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}"#,
            r#""ForAllValues:StringLike": {"aws:SourceOrgPaths": "o-exampleorgid/*"}"#,
        ] {
            assert_eq!(when(condition), Verdict::Fail, "{condition}");
        }
    }

    #[test]
    fn statements_that_use_nothing_and_principals_that_are_no_service_pass() {
        assert_eq!(judged(r#""Action": "kms:DescribeKey""#, "").verdict, Verdict::Pass);
        assert_eq!(judge_key(&CHECK, &key(), &World::new()).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn services_that_send_no_source_may_be_exempt() {
        let values = Values::with(EXEMPT_SERVICES.name, Value::Strings(vec!["logs.amazonaws.com".to_owned()]));
        let text = r#"{"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "kms:*", "Resource": "*"}"#;
        let key = Key { policies: Listing::complete(vec![key_policy(statements(text))]), ..key() };
        let world = World { values, ..World::new() };
        assert_eq!(judge_key(&CHECK, &key, &world).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn variables_and_denies_on_the_source_are_undecided() {
        assert_eq!(when(r#""StringEquals": {"aws:SourceAccount": "${aws:ResourceAccount}"}"#), Verdict::Undecided);
        let deny = r#", {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:SourceAccount": "111122223333"}}}"#;
        assert_eq!(judged(r#""Action": "kms:Decrypt""#, deny).verdict, Verdict::Undecided);
    }

    #[test]
    fn the_service_and_the_statement_are_named() {
        let judgement = judged(r#""Action": "kms:Decrypt""#, "");
        assert_eq!(judgement.reason, "logs.amazonaws.com may use the key for anybody's resources");
        assert_eq!((judgement.statements[0].policy.as_str(), judgement.statements[0].index), ("default", 0));
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
