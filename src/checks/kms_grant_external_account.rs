//! Grants that give a key to another account.

use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, place_of};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Arn, Gap, Grant, Key, KeyManager};

const TRUSTED_ACCOUNTS: Strings = Strings {
    name: "trusted_accounts",
    meaning: "Accounts that may use keys of this one, in the organization or outside.",
    default: &[],
    form: Form::AccountId,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "kms-grant-external-account",
    title: "Grants give keys only to principals of the same account",
    severity: Severity::High,
    resource: "grant of a KMS key",
    rationale: "A grant lets its grantee use the key without a word in the key policy, and stays until somebody retires it. \
        A grant to another account is the quietest way to give data away.",
    rule: "FAIL if the account in the GranteePrincipal of the grant (ListGrants) is neither the account of the key nor one \
        of trusted_accounts (by default none); PASS if it is.",
    exemptions: "Grants to AWS services, and grants of AWS managed keys, are NOT_APPLICABLE.",
    blind_spots: "Accounts of the same organization fail too; the reason says whether the account is one. Who may retire \
        the grant is not judged. A principal of the same account may itself be open to others, and a grant that holds \
        CreateGrant can be passed on. A grantee whose account cannot be told from its name is UNDECIDED.",
    remediation: Remediation {
        summary: "Revoke the grant, unless the other account is meant to use the key.",
        steps: &[
            "Find out what the grant is for: name, operations, constraints, and CloudTrail events of the grantee.",
            "If nothing needs it: kms:RevokeGrant with the key and the grant id.",
            "If the account is meant to use the key: prefer a statement in the key policy, which reviewers see, or record \
             a waiver with the reason.",
        ],
        commands: &[
            "aws kms list-grants --region={region} --key-id={key} --grant-id={grant}",
            "aws kms revoke-grant --region={region} --key-id={key} --grant-id={grant}",
        ],
        risk: "Whatever used the grant fails within minutes, for example volumes and databases of the other account. There \
            is no way back but a new grant.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListGrants"],
    parameters: &[Parameter::Strings(TRUSTED_ACCOUNTS)],
    elsewhere: &["IAM Access Analyzer external access (KMS grants)"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Grant(judge)],
};

fn judge(grant: &Grant, key: &Key, scope: &Scope<'_>) -> Judged {
    let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
    let judgement = match grantee(grant) {
        _ if metadata.key_manager == KeyManager::Aws => Judgement::not_applicable("AWS manages the key and its grants"),
        None => {
            return Err(Gap::malformed("kms:ListGrants", &[&key.id], format!("grant {} names no grantee", grant.id)));
        }
        Some(Grantee::Service(name)) => Judgement::not_applicable(format!("the grantee is the AWS service {name}")),
        Some(Grantee::Unknown(name)) => {
            Judgement::undecided(format!("the account of the grantee {name} cannot be told from its name"))
        }
        Some(Grantee::Account(account, name)) if account == scope.account.id => {
            Judgement::pass(format!("the grantee {name} belongs to the account of the key"))
        }
        Some(Grantee::Account(account, name)) if scope.values.strings(&TRUSTED_ACCOUNTS).contains(&account) => {
            Judgement::pass(format!("the grantee {name} belongs to account {account}, which the configuration trusts"))
        }
        Some(Grantee::Account(account, name)) => {
            let allowed = grant.operations.join(", ");
            let place = place_of(account, scope);
            Judgement::fail(format!("the grantee {name} belongs to account {account}, {place}; it may call {allowed}"))
        }
    };
    Ok(judgement.because_of(&grant.source).because_of(&metadata.source))
}

enum Grantee<'a> {
    Service(&'a str),
    /// Account of 12 digits, and the principal.
    Account(&'a str, &'a str),
    Unknown(&'a str),
}

/// Who holds the grant. AWS prints services in either member, and a deleted principal as its unique id.
fn grantee(grant: &Grant) -> Option<Grantee<'_>> {
    let Some(name) = grant.grantee_principal.as_deref().filter(|name| !name.is_empty()) else {
        let service = grant.grantee_service_principal.as_deref();
        return service.filter(|name| !name.is_empty()).map(Grantee::Service);
    };
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    Some(match Arn::parse(name) {
        Some(arn) if is_account(arn.account_id) => Grantee::Account(arn.account_id, name),
        None if is_account(name) => Grantee::Account(name, name),
        None if name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn") => Grantee::Service(name),
        _ => Grantee::Unknown(name),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;

    fn judged(grantee: &str) -> Judgement {
        judge_grant(&CHECK, &grant(grantee), &key(), &World::new()).unwrap()
    }

    #[test]
    fn accounts_may_be_trusted() {
        let values = Values::with(TRUSTED_ACCOUNTS.name, Value::Strings(vec![STRANGER.to_owned()]));
        let world = World { values, ..World::new() };
        let of = |account| judge_grant(&CHECK, &grant(&role_of(account)), &key(), &world).unwrap().verdict;
        assert_eq!((of(STRANGER), of(SIBLING)), (Verdict::Pass, Verdict::Fail));
    }

    fn role_of(account: &str) -> String {
        format!("arn:aws:iam::{account}:role/Worker")
    }

    #[test]
    fn the_account_of_the_grantee_decides() {
        assert_eq!(judged(&role_of(ACCOUNT)).verdict, Verdict::Pass);
        assert_eq!(judged(&role_of(SIBLING)).verdict, Verdict::Fail);
        assert_eq!(judged(STRANGER).verdict, Verdict::Fail);
        assert_eq!(judged(&format!("arn:aws:sts::{STRANGER}:assumed-role/R/s")).verdict, Verdict::Fail);
    }

    #[test]
    fn the_reason_says_whether_the_account_is_in_the_organization() {
        assert!(judged(&role_of(SIBLING)).reason.contains("which is in the organization"));
        assert!(judged(&role_of(STRANGER)).reason.contains("outside the organization"));
        let mut world = World::new();
        world.organization = Err(denied("organizations:DescribeOrganization"));
        let judgement = judge_grant(&CHECK, &grant(&role_of(STRANGER)), &key(), &world).unwrap();
        assert!(judgement.reason.contains("not known"), "{}", judgement.reason);
        world.organization = Ok(None);
        let judgement = judge_grant(&CHECK, &grant(&role_of(STRANGER)), &key(), &world).unwrap();
        assert!(judgement.reason.contains("in no organization"), "{}", judgement.reason);
        world = World::new();
        world.organization.as_mut().unwrap().as_mut().unwrap().accounts_gap =
            Some(denied("organizations:ListAccounts"));
        let judgement = judge_grant(&CHECK, &grant(&role_of(STRANGER)), &key(), &world).unwrap();
        assert!(judgement.reason.contains("not known"), "{}", judgement.reason);
    }

    #[test]
    fn a_service_beside_a_principal_does_not_hide_it() {
        for service in ["", "rds.amazonaws.com"] {
            let both = Grant { grantee_service_principal: Some(service.to_owned()), ..grant(&role_of(STRANGER)) };
            assert_eq!(judge_grant(&CHECK, &both, &key(), &World::new()).unwrap().verdict, Verdict::Fail);
        }
    }

    #[test]
    fn services_and_keys_of_aws_are_exempt() {
        assert_eq!(judged("dynamodb.us-west-2.amazonaws.com").verdict, Verdict::NotApplicable);
        let by_service = Grant {
            grantee_principal: None,
            grantee_service_principal: Some("rds.amazonaws.com".to_owned()),
            ..grant("")
        };
        let judgement = judge_grant(&CHECK, &by_service, &key(), &World::new()).unwrap();
        assert_eq!(judgement.verdict, Verdict::NotApplicable);
        let judgement = judge_grant(&CHECK, &grant(&role_of(STRANGER)), &aws_managed_key(), &World::new()).unwrap();
        assert_eq!(judgement.verdict, Verdict::NotApplicable);
    }

    #[test]
    fn a_name_without_an_account_is_undecided() {
        assert_eq!(judged("AROAEXAMPLEEXAMPLE123").verdict, Verdict::Undecided);
        assert_eq!(judged("arn:aws:iam::aws:role/x").verdict, Verdict::Undecided);
    }

    #[test]
    fn without_metadata_or_grantee_nothing_is_said() {
        let gap = denied("kms:DescribeKey");
        let unknown = Key { metadata: Err(gap.clone()), ..key() };
        assert_eq!(judge_grant(&CHECK, &grant(&role_of(ACCOUNT)), &unknown, &World::new()), Err(gap));
        let nobody = Grant { grantee_principal: None, ..grant("") };
        assert!(judge_grant(&CHECK, &nobody, &key(), &World::new()).is_err());
    }
}
