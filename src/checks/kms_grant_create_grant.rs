//! Grants that their holder may pass on.

use super::grants::{self, of_service};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Grant, Key};

pub(super) const CHECK: Check = Check {
    id: "kms-grant-create-grant",
    title: "Grants are not passed on",
    severity: Severity::Medium,
    resource: "grant of a KMS key",
    rationale: "Whoever holds CreateGrant by a grant can give the same operations to anybody, in any account, without a word in a policy. Nobody decides about the second holder.",
    rule: "FAIL if the Operations of the grant (ListGrants) hold CreateGrant and the grantee is not an AWS service; PASS otherwise.",
    exemptions: "Grants of AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "AWS services need CreateGrant to start resources for others, for example encrypted volumes of an Auto Scaling group: they pass, and the reason says so. Service-linked roles and sessions that AWS owns count as services. Whom the grant was passed on to is not followed here: each grant is judged by itself.",
    remediation: Remediation {
        summary: "Make the grant without CreateGrant, then revoke this one.",
        steps: &[
            "Find out whether the grantee ever calls kms:CreateGrant on the key (CloudTrail).",
            "kms:CreateGrant with the same operations but this one.",
            "kms:RevokeGrant for the old one, once CloudTrail shows nothing but uses of the new one.",
        ],
        commands: &[
            "aws kms list-grants --region={region} --key-id={key} --grant-id={grant}",
            "aws kms revoke-grant --region={region} --key-id={key} --grant-id={grant}",
        ],
        risk: "If the grantee passes the grant on to services, for example to start encrypted volumes, that fails. A grant \
            cannot be restored: make a new one with CreateGrant.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListGrants"],
    parameters: &[],
    elsewhere: &["AWS KMS developer guide: best practices for grants"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Grant(judge)],
};

fn judge(grant: &Grant, key: &Key, _: &Scope<'_>) -> Judged {
    grants::judged(grant, key, |name| {
        let passes_on = grant.operations.iter().any(|operation| operation == "CreateGrant");
        Ok(match of_service(grant) {
            _ if !passes_on => Judgement::pass(format!("{name} may not pass the grant on")),
            Some(service) => Judgement::pass(format!("the AWS service {service} may pass the grant on")),
            None => Judgement::fail(format!("{name} may pass on {}", grant.operations.join(", "))),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::CHECK;
    use crate::finding::Verdict;
    use crate::model::{Grant, Key};

    fn verdict(grantee: &str, change: impl FnOnce(&mut Grant)) -> Verdict {
        let mut grant = grant(grantee);
        change(&mut grant);
        judge_grant(&CHECK, &grant, &key(), &World::new()).unwrap().verdict
    }

    fn of_own() -> String {
        format!("arn:aws:iam::{ACCOUNT}:role/Worker")
    }

    fn operations(names: &[&str]) -> impl FnOnce(&mut Grant) {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        move |grant| grant.operations = names
    }

    #[test]
    fn create_grant_fails_unless_a_service_holds_it() {
        let passing_on = || operations(&["Decrypt", "CreateGrant"]);
        assert_eq!(verdict(&of_own(), passing_on()), Verdict::Fail);
        assert_eq!(verdict("AROAEXAMPLEEXAMPLE123", passing_on()), Verdict::Fail);
        assert_eq!(verdict("rds.amazonaws.com", passing_on()), Verdict::Pass);
        let linked = format!(
            "arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
        );
        assert_eq!(verdict(&linked, passing_on()), Verdict::Pass);
        let infrastructure = format!("arn:aws:sts::{ACCOUNT}:assumed-role/aws:ec2-infrastructure/i-0123456789abcdef0");
        assert_eq!(verdict(&infrastructure, passing_on()), Verdict::Pass);
        assert_eq!(verdict(&of_own(), operations(&["Decrypt"])), Verdict::Pass);
    }

    #[test]
    fn grants_of_keys_of_aws_are_exempt() {
        let grant = grant(&format!("arn:aws:iam::{ACCOUNT}:role/Worker"));
        let judgement = judge_grant(&CHECK, &grant, &aws_managed_key(), &World::new()).unwrap();
        assert_eq!(judgement.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_metadata_nothing_is_said() {
        let gap = denied("kms:DescribeKey");
        let key = Key { metadata: Err(gap.clone()), ..key() };
        let grant = grant(&format!("arn:aws:iam::{ACCOUNT}:role/Worker"));
        assert_eq!(judge_grant(&CHECK, &grant, &key, &World::new()), Err(gap));
    }
}
