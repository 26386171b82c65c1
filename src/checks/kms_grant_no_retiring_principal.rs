//! Grants that only an administrator can end.

use super::grants::{self};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Grant, Key};

pub(super) const CHECK: Check = Check {
    id: "kms-grant-no-retiring-principal",
    title: "Grants name who retires them",
    severity: Severity::Low,
    resource: "grant of a KMS key",
    rationale: "A grant never expires. If whoever finishes the work can retire it, it ends with the work; otherwise it stays until somebody who may revoke grants finds it.",
    rule: "FAIL if the grant (ListGrants) has neither RetiringPrincipal nor RetiringServicePrincipal, and its Operations lack RetireGrant; PASS otherwise.",
    exemptions: "Grants of AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Whether the retiring principal still exists, and ever retires a grant, is not judged.",
    remediation: Remediation {
        summary: "Make grants with a retiring principal.",
        steps: &[
            "kms:CreateGrant with the same operations and constraints, and RetiringPrincipal set to the role that ends the work.",
            "kms:RevokeGrant for the old one, once CloudTrail shows nothing but uses of the new one.",
        ],
        commands: &[
            "aws kms list-grants --region={region} --key-id={key} --grant-id={grant}",
            "aws kms revoke-grant --region={region} --key-id={key} --grant-id={grant}",
        ],
        risk: "None, as long as the new grant exists before the old one goes. If the grantee fails without it, make the old \
            grant anew.",
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
        let retiring = grant.retiring_principal.as_deref().or(grant.retiring_service_principal.as_deref());
        let retires_itself = grant.operations.iter().any(|operation| operation == "RetireGrant");
        Ok(match retiring.filter(|retiring| !retiring.is_empty()) {
            Some(retiring) => Judgement::pass(format!("{retiring} may retire the grant")),
            None if retires_itself => Judgement::pass(format!("{name} may itself retire the grant")),
            None => Judgement::fail("nobody may retire the grant; only whoever may revoke grants can end it"),
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
    fn a_retiring_principal_of_either_kind_or_retire_grant_passes() {
        assert_eq!(verdict(&of_own(), operations(&["Decrypt"])), Verdict::Fail);
        assert_eq!(verdict(&of_own(), operations(&["Decrypt", "RetireGrant"])), Verdict::Pass);
        assert_eq!(verdict(&of_own(), |grant| grant.retiring_principal = Some(of_own())), Verdict::Pass);
        assert_eq!(verdict(&of_own(), |grant| grant.retiring_principal = Some(String::new())), Verdict::Fail);
        let service = |grant: &mut Grant| grant.retiring_service_principal = Some("rds.amazonaws.com".to_owned());
        assert_eq!(verdict(&of_own(), service), Verdict::Pass);
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
