//! Key policies that name principals which were deleted.

use super::key_policy::{self, Answer, Spoken, conclude};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Severity, Status, Verdict};
use crate::model::{Gap, Iam, Key};
use crate::policy::{Effect, Principal, PrincipalArn};

pub(super) const CHECK: Check = Check {
    id: "kms-key-policy-deleted-principal",
    title: "Key policies name principals that exist",
    severity: Severity::Low,
    resource: "KMS key",
    rationale: "In place of a user or role that was deleted AWS shows its unique id (AIDA..., AROA...). The entry \
        gives nobody anything, hides who was meant, and comes back to life for nobody: a new role of the same name is \
        another principal.",
    rule: "For customer managed keys, over Allow and Deny statements: FAIL if Principal or NotPrincipal holds a unique \
        id that no user or role of the account has, or a user, role or role session of the account that \
        GetAccountAuthorizationDetails does not list. UNDECIDED if it names a user, role or session of another \
        account; PASS otherwise.",
    exemptions: "AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Principals of other accounts cannot be looked up from here; that AWS shows their ARN speaks for \
        them. Accounts, services and federated users are not looked up. Whether those who exist should have the access \
        is not judged.",
    remediation: Remediation {
        summary: "Take the entry out of the key policy, or name the principal that took its place.",
        steps: &[
            "Save the policy: aws kms get-key-policy --key-id \"$KEY_ID\" --query Policy --output text.",
            "Find out who was meant: CloudTrail events of iam:DeleteRole and iam:DeleteUser have the unique id.",
            "Remove the entry, or write the ARN of its successor: aws kms put-key-policy --key-id \"$KEY_ID\" --policy \
             file://policy.json.",
            "Verify: keyproof policy lint --kind key policy.json names no deleted principal.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "Removing an entry changes nobody's access; a successor gains it. The saved policy is the way back.",
    },
    reads: &[
        "iam:GetAccountAuthorizationDetails",
        "kms:ListKeys",
        "kms:DescribeKey",
        "kms:ListKeyPolicies",
        "kms:GetKeyPolicy",
    ],
    parameters: &[],
    elsewhere: &["None known: unique identifiers in the IAM user guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        let (mut answers, mut missing) = (Vec::new(), None);
        for spoken in policies.statements(Effect::Allow).chain(policies.statements(Effect::Deny)) {
            for entry in spoken.principal().iter().flat_map(|element| &element.entries) {
                match fate(entry, &scope.account.id, &scope.account.iam) {
                    Ok(fate) => answers.extend(answer(&spoken, &fate)),
                    Err(gap) => missing = missing.or(Some(gap)),
                }
            }
        }
        let judgement = conclude(answers, "every principal that the key policy names exists");
        match missing {
            Some(gap) if judgement.verdict != Verdict::Fail => Err(gap),
            _ => Ok(judgement),
        }
    })
}

/// What became of a principal.
enum Fate {
    Exists,
    Deleted(String),
    Elsewhere(String),
}

fn answer(spoken: &Spoken<'_>, fate: &Fate) -> Option<Answer> {
    let (verdict, text) = match fate {
        Fate::Exists => return None,
        Fate::Deleted(name) => (Verdict::Fail, format!("{name} does not exist any more")),
        Fate::Elsewhere(arn) => (Verdict::Undecided, format!("whether {arn} exists cannot be told from this account")),
    };
    Some(Answer::new(verdict, text, [spoken.reference()]))
}

fn fate(entry: &Principal, account_id: &str, iam: &Iam) -> Result<Fate, Gap> {
    let found = |is_found: bool, name: &str| match is_found {
        true => Fate::Exists,
        false => Fate::Deleted(name.to_owned()),
    };
    Ok(match entry {
        Principal::UniqueId(id) => {
            let of_user = iam.users.known().iter().any(|user| user.id == *id);
            let of_role = iam.roles.known().iter().any(|role| role.id == *id);
            found(of_user || of_role, &format!("the principal of unique id {id}"))
        }
        Principal::User(it) | Principal::Role(it) | Principal::Session(it) if it.account != account_id => {
            Fate::Elsewhere(it.arn.clone())
        }
        Principal::User(it) => {
            let is_there = iam.users.known().iter().any(|user| user.arn == it.arn);
            found(is_there || iam.users.whole().map(|_| false)?, &it.arn)
        }
        Principal::Role(it) => {
            let is_there = iam.roles.known().iter().any(|role| role.arn == it.arn);
            found(is_there || iam.roles.whole().map(|_| false)?, &it.arn)
        }
        Principal::Session(it) => {
            let name = role_of(it);
            // Roles that AWS owns are not listed.
            let is_there = name.contains(':') || iam.roles.known().iter().any(|role| role.name == name);
            found(is_there || iam.roles.whole().map(|_| false)?, &it.arn)
        }
        Principal::Everyone
        | Principal::Account { .. }
        | Principal::FederatedUser(_)
        | Principal::Service(_)
        | Principal::Federated(_)
        | Principal::CanonicalUser(_)
        | Principal::Nobody(_) => Fate::Exists,
    })
}

/// The name of the role of a session.
fn role_of(session: &PrincipalArn) -> &str {
    session.name.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Judgement;
    use crate::model::Listing;

    fn key_for(principal: &str) -> Key {
        let statement = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{principal}"}}, "Action": "kms:Decrypt", "Resource": "*"}}"#
        );
        Key { policies: Listing::complete(vec![key_policy(statements(&statement))]), ..key() }
    }

    fn world() -> World {
        let mut world = World::new();
        world.account.iam.users = Listing::complete(vec![user()]);
        world.account.iam.roles = Listing::complete(vec![role("/path/")]);
        world
    }

    fn judged(principal: &str) -> Judgement {
        judge_key(&CHECK, &key_for(principal), &world()).unwrap()
    }

    #[test]
    fn a_principal_that_was_deleted_fails() {
        for gone in [
            "AROAGONEGONEGONEGONE1".to_owned(),
            "AIDAGONEGONEGONEGONE1".to_owned(),
            format!("arn:aws:iam::{ACCOUNT}:role/Worker"),
            format!("arn:aws:iam::{ACCOUNT}:user/Bob"),
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/Gone/session"),
        ] {
            let judgement = judged(&gone);
            assert_eq!(judgement.verdict, Verdict::Fail, "{gone}");
            assert!(judgement.reason.contains(&gone), "{}", judgement.reason);
            assert_eq!(judgement.statements.len(), 1);
        }
    }

    #[test]
    fn a_principal_that_exists_passes() {
        for there in [
            role("/path/").arn,
            user().arn,
            role("/path/").id,
            ACCOUNT.to_owned(),
            STRANGER.to_owned(),
            "*".to_owned(),
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/Worker/session"),
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/aws:ec2-infrastructure/i-1"),
        ] {
            assert_eq!(judged(&there).verdict, Verdict::Pass, "{there}");
        }
    }

    #[test]
    fn a_principal_of_another_account_is_undecided() {
        assert_eq!(judged(&format!("arn:aws:iam::{SIBLING}:role/R")).verdict, Verdict::Undecided);
    }

    #[test]
    fn without_all_principals_only_a_unique_id_is_certain() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let mut unread = world();
        unread.account.iam.roles = Listing::missing(gap.clone());
        let gone = key_for(&format!("arn:aws:iam::{ACCOUNT}:role/Gone"));
        assert_eq!(judge_key(&CHECK, &gone, &unread), Err(gap));
        let bare = key_for("AROAGONEGONEGONEGONE1");
        assert_eq!(judge_key(&CHECK, &bare, &unread).unwrap().verdict, Verdict::Fail);
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
