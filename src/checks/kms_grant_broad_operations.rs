//! Grants that give more operations than their holder needs.

use super::grants::{self, ENCRYPTION, of_service};
use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Grant, Key};

const MAX_OPERATIONS: Integer = Integer {
    name: "max_operations",
    meaning: "The most operations that one purpose needs.",
    unit: "operations",
    default: 8,
    least: 1,
    most: 20,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "kms-grant-broad-operations",
    title: "Grants give few operations",
    severity: Severity::Medium,
    resource: "grant of a KMS key",
    rationale: "A grant is made for one purpose, which a few operations serve. One that gives nearly everything is a key policy of its own, which nobody reviews and which its holder may pass on.",
    rule: "FAIL if the Operations of the grant (ListGrants) hold Decrypt together with CreateGrant, or more than max_operations (8), or all those of symmetric encryption (Encrypt, Decrypt, GenerateDataKey, GenerateDataKeyPair and both without plaintext, ReEncryptFrom, ReEncryptTo); PASS otherwise.",
    exemptions: "Grants of AWS managed keys are NOT_APPLICABLE, and grants to AWS services that have constraints: the service chooses the operations, the constraints bind them to one resource.",
    blind_spots: "Whether the holder needs the operations at all cannot be seen; few may still be too many. Service-linked roles and sessions that AWS owns count as services.",
    remediation: Remediation {
        summary: "Make a grant of the operations that are needed, then revoke the broad one.",
        steps: &[
            "Find in CloudTrail which operations the grantee calls on the key.",
            "kms:CreateGrant with these operations, an encryption context constraint and a retiring principal.",
            "kms:RevokeGrant for the old one, once CloudTrail shows nothing but uses of the new one.",
        ],
        commands: &[
            "aws kms list-grants --region={region} --key-id={key} --grant-id={grant}",
            "aws kms revoke-grant --region={region} --key-id={key} --grant-id={grant}",
        ],
        risk: "An operation that was overlooked fails when the old grant is gone. A grant cannot be restored: make a new one \
            with the missing operations.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListGrants"],
    parameters: &[Parameter::Integer(MAX_OPERATIONS)],
    elsewhere: &["AWS KMS developer guide: best practices for grants"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Grant(judge)],
};

fn judge(grant: &Grant, key: &Key, scope: &Scope<'_>) -> Judged {
    grants::judged(grant, key, |name| {
        let has = |operation: &str| grant.operations.iter().any(|it| it == operation);
        let (count, is_bound) = (grant.operations.len(), !grants::is_unbound(grant));
        Ok(match of_service(grant) {
            Some(service) if is_bound => {
                Judgement::not_applicable(format!("the grantee is the AWS service {service}, bound to one resource"))
            }
            _ if has("Decrypt") && has("CreateGrant") => {
                Judgement::fail(format!("{name} may decrypt and pass that on: {}", grant.operations.join(", ")))
            }
            _ if i64::try_from(count).is_ok_and(|count| count > scope.values.integer(&MAX_OPERATIONS)) => {
                Judgement::fail(format!("{name} may call {count} operations"))
            }
            _ if ENCRYPTION.iter().all(|operation| has(operation)) => {
                Judgement::fail(format!("{name} may call every operation of symmetric encryption"))
            }
            _ => Judgement::pass(format!("{name} may call {}", grant.operations.join(", "))),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::CHECK;
    use crate::finding::Verdict;
    use crate::model::{Grant, Key};

    fn verdict(grantee: &str, change: impl FnOnce(&mut Grant)) -> Verdict {
        let mut grant = grant(grantee);
        change(&mut grant);
        judge_grant(&CHECK, &grant, &key(), &World::new()).unwrap().verdict
    }

    #[test]
    fn fewer_operations_may_be_too_many() {
        let grant = Grant {
            operations: vec!["Encrypt".to_owned(), "DescribeKey".to_owned()],
            ..super::super::fixtures::grant(&of_own())
        };
        let of = |most| {
            let world = World { values: Values::with("max_operations", Value::Integer(most)), ..World::new() };
            judge_grant(&CHECK, &grant, &key(), &world).unwrap().verdict
        };
        assert_eq!((of(1), of(2)), (Verdict::Fail, Verdict::Pass));
    }

    fn of_own() -> String {
        format!("arn:aws:iam::{ACCOUNT}:role/Worker")
    }

    fn operations(names: &[&str]) -> impl FnOnce(&mut Grant) {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        move |grant| grant.operations = names
    }

    #[test]
    fn decrypt_with_create_grant_many_and_all_operations_fail() {
        assert_eq!(verdict(&of_own(), operations(&["Decrypt", "CreateGrant"])), Verdict::Fail);
        let symmetric = super::ENCRYPTION;
        assert_eq!(verdict(&of_own(), operations(&symmetric)), Verdict::Fail);
        let many = [&symmetric[1..], &["DescribeKey", "RetireGrant", "GenerateMac"]].concat();
        assert_eq!(verdict(&of_own(), operations(&many)), Verdict::Fail);
    }

    #[test]
    fn few_operations_pass() {
        assert_eq!(verdict(&of_own(), operations(&["Decrypt", "DescribeKey"])), Verdict::Pass);
        assert_eq!(verdict(&of_own(), operations(&["Encrypt", "CreateGrant"])), Verdict::Pass);
        assert_eq!(verdict(&of_own(), operations(&super::ENCRYPTION[1..])), Verdict::Pass);
    }

    #[test]
    fn a_service_is_exempt_when_it_is_bound() {
        let broad = || operations(&["Decrypt", "CreateGrant"]);
        assert_eq!(verdict("rds.amazonaws.com", broad()), Verdict::Fail);
        let bound = |grant: &mut Grant| {
            broad()(grant);
            grant.constraints.encryption_context_subset = Some([("a".to_owned(), "b".to_owned())].into());
        };
        assert_eq!(verdict("rds.amazonaws.com", bound), Verdict::NotApplicable);
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
