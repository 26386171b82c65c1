//! Grants that open every ciphertext of a key.

use super::grants::{self, ENCRYPTION};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Grant, Key};

pub(super) const CHECK: Check = Check {
    id: "kms-grant-no-encryption-context",
    title: "Grants are bound to an encryption context",
    severity: Severity::Low,
    resource: "grant of a KMS key",
    rationale: "A grant with an encryption context opens one tenant, volume or table; without one it opens everything that the key protects.",
    rule: "For grants of symmetric keys with operations of encryption (Encrypt, Decrypt, GenerateDataKey and its kin, ReEncrypt): FAIL if Constraints (ListGrants) hold neither EncryptionContextEquals, EncryptionContextSubset nor SourceArn; PASS if they hold one.",
    exemptions: "NOT_APPLICABLE, with the reason: grants of AWS managed keys; of asymmetric and HMAC keys, which have no encryption context; grants without an operation of encryption.",
    blind_spots: "EncryptionContextSubset is looser than EncryptionContextEquals; both pass. Whether the context tells apart what should be apart is not judged. DescribeKey and other operations of the grant are not bound by it.",
    remediation: Remediation {
        summary: "Make the grant with an encryption context constraint, then revoke this one.",
        steps: &[
            "Find the encryption context in CloudTrail: requestParameters.encryptionContext of the events of the grantee.",
            "kms:CreateGrant with EncryptionContextEquals, or EncryptionContextSubset where some pairs vary.",
            "kms:RevokeGrant for the old one, once CloudTrail shows nothing but uses of the new one.",
        ],
        commands: &[
            "aws kms list-grants --region={region} --key-id={key} --grant-id={grant}",
            "aws kms revoke-grant --region={region} --key-id={key} --grant-id={grant}",
        ],
        risk: "Calls with another context fail, those without any included: change the application first. A grant without \
            constraints, made anew, takes it back.",
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
        let spec = key.metadata.as_ref().map_err(Clone::clone)?.key_spec.as_str();
        let encrypts = grant.operations.iter().any(|operation| ENCRYPTION.contains(&operation.as_str()));
        Ok(match () {
            () if spec != "SYMMETRIC_DEFAULT" => {
                Judgement::not_applicable(format!("keys of type {spec} have no encryption context"))
            }
            () if !encrypts => Judgement::not_applicable("no operation of the grant has an encryption context"),
            () if grants::is_unbound(grant) => {
                Judgement::fail(format!("{name} may call {} with any encryption context", grant.operations.join(", ")))
            }
            () => Judgement::pass("the grant is bound by a constraint"),
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
    fn one_constraint_of_any_kind_passes() {
        let pairs = || Some([("a".to_owned(), "b".to_owned())].into());
        assert_eq!(verdict(&of_own(), |_| ()), Verdict::Fail);
        assert_eq!(verdict(&of_own(), |grant| grant.constraints.encryption_context_equals = pairs()), Verdict::Pass);
        assert_eq!(verdict(&of_own(), |grant| grant.constraints.encryption_context_subset = pairs()), Verdict::Pass);
        let source = |grant: &mut Grant| grant.constraints.source_arn = Some("arn:aws:s3:::bucket".to_owned());
        assert_eq!(verdict(&of_own(), source), Verdict::Pass);
        let empty = |grant: &mut Grant| grant.constraints.encryption_context_subset = Some([].into());
        assert_eq!(verdict(&of_own(), empty), Verdict::Fail);
    }

    #[test]
    fn what_has_no_encryption_context_is_exempt() {
        assert_eq!(verdict(&of_own(), operations(&["DescribeKey", "CreateGrant"])), Verdict::NotApplicable);
        let signing = key_with(|metadata| metadata.key_spec = "RSA_2048".to_owned());
        let judgement = judge_grant(&CHECK, &grant(&of_own()), &signing, &World::new()).unwrap();
        assert_eq!(judgement.verdict, Verdict::NotApplicable);
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
