//! Grants that nobody has looked at for long, or whose holder is gone.

use jiff::Timestamp;

use super::grants::{self, of_service};
use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Arn, Gap, Grant, Iam, Key};

const MAX_DAYS: Integer = Integer {
    name: "max_days",
    meaning: "The age from which a grant is old.",
    unit: "days",
    default: 365,
    least: 1,
    most: 3650,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "kms-grant-stale",
    title: "Grants are younger than a year and their holders exist",
    severity: Severity::Low,
    resource: "grant of a KMS key",
    rationale: "Grants never expire and no policy shows them. One that is older than a year, or whose holder was deleted, is usually forgotten.",
    rule: "FAIL if the grantee (ListGrants) is a bare unique id, which AWS shows for deleted principals, or a user or role of the account that GetAccountAuthorizationDetails does not list, or if the grant is older than max_days (365) at the time of the audit; PASS otherwise.",
    exemptions: "Grants of AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Grants to AWS services live as long as their resource, which cannot be seen here: they pass whatever their age, and the reason says so. Service-linked roles and sessions that AWS owns count as services. Whether principals of other accounts exist is not known. Use of the grant is not looked at.",
    remediation: Remediation {
        summary: "Revoke the grant, or make it anew after a review.",
        steps: &[
            "Look in CloudTrail for uses of the key by the grantee within the last year.",
            "If there are none: kms:RevokeGrant with the key and the grant id.",
            "If there are: make a new grant with what is needed now, then revoke this one.",
        ],
        commands: &[
            "aws kms list-grants --region={region} --key-id={key} --grant-id={grant}",
            "aws kms revoke-grant --region={region} --key-id={key} --grant-id={grant}",
        ],
        risk: "Whatever still used the grant fails within minutes; there is no way back but a new grant.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", "kms:ListKeys", "kms:DescribeKey", "kms:ListGrants"],
    parameters: &[Parameter::Integer(MAX_DAYS)],
    elsewhere: &["AWS KMS developer guide: best practices for grants"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Grant(judge)],
};

fn judge(grant: &Grant, key: &Key, scope: &Scope<'_>) -> Judged {
    grants::judged(grant, key, |name| {
        if let Some(service) = of_service(grant) {
            return Ok(Judgement::pass(format!(
                "the AWS service {service} holds the grant as long as its resource lives, which cannot be seen here"
            )));
        }
        let absent = || Gap::malformed("kms:ListGrants", &[&key.id], format!("grant {} has no CreationDate", grant.id));
        let days = age(grant.creation_date.ok_or_else(absent)?, scope.as_of);
        if days > scope.values.integer(&MAX_DAYS) {
            return Ok(Judgement::fail(format!("the grant to {name} is {days} days old")));
        }
        Ok(match exists(name, &scope.account.id, &scope.account.iam)? {
            false => Judgement::fail(format!("the grantee {name} does not exist any more")),
            true => Judgement::pass(format!("the grant to {name} is {days} days old")),
        })
    })
}

fn age(created: Timestamp, as_of: Timestamp) -> i64 {
    as_of.duration_since(created).as_hours() / 24
}

/// Whether a grantee may still exist.
fn exists(name: &str, account_id: &str, iam: &Iam) -> Result<bool, Gap> {
    let Some(arn) = Arn::parse(name) else {
        // An account stands for its principals; anything else that is no ARN is the id of somebody who was deleted.
        return Ok(name.bytes().all(|byte| byte.is_ascii_digit()));
    };
    if arn.account_id != account_id {
        return Ok(true);
    }
    let resource = name.splitn(6, ':').nth(5).unwrap_or_default();
    let role_of = |session: &str| session.split('/').next().map(str::to_owned);
    Ok(match resource.split_once('/') {
        Some(("user", _)) => {
            iam.users.known().iter().any(|user| user.arn == name) || iam.users.whole().map(|_| false)?
        }
        Some(("role", _)) => {
            iam.roles.known().iter().any(|role| role.arn == name) || iam.roles.whole().map(|_| false)?
        }
        Some(("assumed-role", session)) => {
            let is_role = |role: &crate::model::Role| Some(&role.name) == role_of(session).as_ref();
            iam.roles.known().iter().any(is_role) || iam.roles.whole().map(|_| false)?
        }
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::CHECK;
    use crate::finding::Verdict;
    use crate::model::{Grant, Key, Listing};

    fn world() -> World {
        let mut world = World::new();
        world.account.iam.roles = Listing::complete(vec![role("/")]);
        world.account.iam.users = Listing::complete(vec![user()]);
        world
    }

    fn aged(grantee: &str, created: &str) -> Grant {
        Grant { creation_date: Some(created.parse().unwrap()), ..grant(grantee) }
    }

    fn verdict(grantee: &str, created: &str) -> Verdict {
        judge_grant(&CHECK, &aged(grantee, created), &key(), &world()).unwrap().verdict
    }

    const YOUNG: &str = "2026-08-01T00:00:00Z";
    const OLD: &str = "2025-09-01T00:00:00Z";

    #[test]
    fn another_age_may_be_the_limit() {
        let values = Values::with("max_days", Value::Integer(30));
        let world = World { values, ..world() };
        assert_eq!(judge_grant(&CHECK, &aged(&role("/").arn, YOUNG), &key(), &world).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn a_year_is_the_limit() {
        assert_eq!(verdict(&role("/").arn, "2025-09-30T00:00:00Z"), Verdict::Pass);
        assert_eq!(verdict(&role("/").arn, "2025-09-29T00:00:00Z"), Verdict::Fail);
        assert_eq!(verdict(&format!("arn:aws:iam::{STRANGER}:role/R"), YOUNG), Verdict::Pass);
        assert_eq!(verdict(STRANGER, OLD), Verdict::Fail);
    }

    #[test]
    fn a_deleted_holder_fails() {
        assert_eq!(verdict(&user().arn, YOUNG), Verdict::Pass);
        let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{}/session", role("/").name);
        assert_eq!(verdict(&session, YOUNG), Verdict::Pass);
        for gone in [
            "AROAEXAMPLEEXAMPLE123".to_owned(),
            format!("arn:aws:iam::{ACCOUNT}:role/Gone"),
            format!("arn:aws:iam::{ACCOUNT}:user/Gone"),
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/Gone/session"),
        ] {
            assert_eq!(verdict(&gone, YOUNG), Verdict::Fail, "{gone}");
        }
    }

    #[test]
    fn grants_of_services_live_with_their_resource() {
        assert_eq!(verdict("rds.amazonaws.com", OLD), Verdict::Pass);
    }

    #[test]
    fn without_the_list_or_the_day_nothing_is_said() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let mut cut = world();
        cut.account.iam.roles = Listing::missing(gap.clone());
        assert_eq!(judge_grant(&CHECK, &aged(&role("/").arn, YOUNG), &key(), &cut), Err(gap));
        let undated = Grant { creation_date: None, ..grant(&role("/").arn) };
        let error = judge_grant(&CHECK, &undated, &key(), &world()).unwrap_err();
        assert!(error.reason().contains("CreationDate"), "{}", error.reason());
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
