//! Grants that say the same twice.

use super::grants::{self};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Grant, Key};

pub(super) const CHECK: Check = Check {
    id: "kms-grant-duplicate",
    title: "Each grant is there once",
    severity: Severity::Informational,
    resource: "grant of a KMS key",
    rationale: "Two grants that say the same hide each other: whoever revokes one believes the access gone. They also count toward the quota of grants of a key.",
    rule: "FAIL if another grant of the same key (ListGrants) has the same grantee, the same operations and the same constraints; PASS if none has.",
    exemptions: "Grants of AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Grants that overlap without being equal are not found. Name, retiring principal and issuing account are not compared. AWS services make equal grants now and then on purpose.",
    remediation: Remediation {
        summary: "Revoke all but one of the equal grants.",
        steps: &[
            "Compare the retiring principals: keep the grant that somebody can retire.",
            "kms:RevokeGrant for the others with the key and their grant ids.",
        ],
        commands: &[
            "aws kms list-grants --region={region} --key-id={key} --grant-id={grant}",
            "aws kms revoke-grant --region={region} --key-id={key} --grant-id={grant}",
        ],
        risk: "None while one of them stays: it gives the same. Should both be gone, make the grant anew as the finding \
            describes it.",
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
        let same = |other: &&Grant| other.id != grant.id && is_same(grant, other);
        if let Some(other) = key.grants.known().iter().find(same) {
            let reason = format!("grant {} gives {name} the same", other.id);
            return Ok(Judgement::fail(reason).because_of(&other.source));
        }
        // A grant that was not listed may be the same.
        key.grants.whole()?;
        Ok(Judgement::pass("no other grant of the key gives the same"))
    })
}

fn is_same(one: &Grant, other: &Grant) -> bool {
    let operations = |grant: &Grant| {
        let mut operations = grant.operations.clone();
        operations.sort();
        operations.dedup();
        operations
    };
    let grantee = |grant: &Grant| (grant.grantee_principal.clone(), grant.grantee_service_principal.clone());
    grantee(one) == grantee(other) && operations(one) == operations(other) && one.constraints == other.constraints
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::CHECK;
    use crate::finding::Verdict;
    use crate::model::{Grant, Key, Listing};

    fn verdict(change: impl FnOnce(&mut Grant)) -> Verdict {
        let one = grant("rds.amazonaws.com");
        let mut other = Grant { id: "another".to_owned(), ..one.clone() };
        change(&mut other);
        let key = Key { grants: Listing::complete(vec![one.clone(), other]), ..key() };
        judge_grant(&CHECK, &one, &key, &World::new()).unwrap().verdict
    }

    #[test]
    fn equal_in_all_that_counts_fails() {
        assert_eq!(verdict(|_| ()), Verdict::Fail);
        assert_eq!(verdict(|other| other.name = Some("other".to_owned())), Verdict::Fail);
        assert_eq!(verdict(|other| other.operations.push("Decrypt".to_owned())), Verdict::Fail);
        assert_eq!(verdict(|other| other.operations.push("Encrypt".to_owned())), Verdict::Pass);
        assert_eq!(verdict(|other| other.grantee_principal = Some("s3.amazonaws.com".to_owned())), Verdict::Pass);
        assert_eq!(verdict(|other| other.constraints.source_arn = Some("a".to_owned())), Verdict::Pass);
    }

    #[test]
    fn without_all_grants_only_an_exception_is_certain() {
        let gap = denied("kms:ListGrants");
        let one = grant("rds.amazonaws.com");
        let other = Grant { id: "another".to_owned(), ..one.clone() };
        let key = |grants| Key { grants: Listing::partial(grants, gap.clone()), ..key() };
        let judged = |key: &Key| judge_grant(&CHECK, &one, key, &World::new());
        assert_eq!(judged(&key(vec![one.clone()])), Err(gap.clone()));
        assert_eq!(judged(&key(vec![one.clone(), other])).unwrap().verdict, Verdict::Fail);
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
