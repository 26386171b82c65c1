//! Keys whose policy the account may lose its hold on.

use super::key_policy::{self, Asking, Policies, on_key, unanswered};
use super::{Check, Judged, Reach, Remediation, Rule, Scope};
use crate::access::{Directory, Estate, Principal, PrincipalKind};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Fact, Key};
use crate::policy::{self, Access, Effect, Match};

pub(super) const CHECK: Check = Check {
    id: "kms-key-policy-root-delegation-missing",
    title: "Key policies leave the account in control of the key",
    severity: Severity::High,
    resource: "KMS key",
    rationale: "No IAM policy opens a key whose key policy does not let the account decide. If the users and roles that the \
        policy names are deleted, nobody can change it any more: the key, and what it protects, can then be reached through \
        AWS Support alone, or not at all.",
    rule: "For customer managed keys: PASS if the key policy lets the account itself (its root principal) call \
        kms:PutKeyPolicy, so that IAM policies can delegate it; FAIL if it does not. Grants and organization policies are not \
        counted. The reason says which users and roles of the account can call kms:PutKeyPolicy all the same, or that nobody \
        can.",
    exemptions: "AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "That some user or role of the account really has kms:PutKeyPolicy in its IAM policies, and is not kept from \
        it by a service control policy, is not demanded for a PASS. A design that forbids delegation on purpose fails and \
        needs a waiver. Conditions that the root user can meet count as met.",
    remediation: Remediation {
        summary: "Add the statement that lets the account decide, or name two administrators and record a waiver.",
        steps: &[
            "As a principal that can still call kms:PutKeyPolicy, add an Allow of kms:* (or of the administrative actions) \
             for arn:aws:iam::ACCOUNT:root.",
            "If IAM policies must not open the key: allow only kms:PutKeyPolicy and what else manages the key, and name at \
             least two roles that are kept.",
            "If nobody can call kms:PutKeyPolicy: open a case with AWS Support.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "With the statement, IAM policies of the account that allow the actions on this key take effect: read them \
            first, for example with keyproof access who-can. Putting the old policy back takes the effect away.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListKeyPolicies", "kms:GetKeyPolicy"],
    parameters: &[],
    elsewhere: &["None known: default key policy in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

const PUT_KEY_POLICY: &str = "kms:PutKeyPolicy";

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        if is_plainly_delegated(policies, &scope.account.id) {
            return Ok(Judgement::pass("the key policy lets the account decide who may change it"));
        }
        let directory = scope.reach.directory();
        let key = policies.without_grants(scope.reach)?;
        let is_root = |it: &&Principal| it.kind == PrincipalKind::Root;
        let Some(root) = directory.principals().find(is_root) else {
            return Ok(Judgement::undecided("the account has no root principal"));
        };
        // What the organization forbids is not the key policy's doing.
        let alone = Directory::new(&scope.account.partition, Estate::new(Fact::Ok(None)));
        let action = policy::Action::new(PUT_KEY_POLICY);
        match alone.cell(root, &key, &action) {
            Err(error) => Ok(unanswered(&error)),
            Ok(cell) if cell.access == Access::Denied => {
                let reason =
                    format!("the key policy does not let the account change it; {}", others(scope.reach, &key));
                Ok(Judgement::fail(reason).by_statements(policies.deciding(&cell)))
            }
            Ok(cell) if cell.access == Access::Possible => {
                let reason =
                    "whether the key policy lets the account change it hangs on rules that AWS does not document";
                Ok(Judgement::undecided(reason).by_statements(policies.deciding(&cell)))
            }
            Ok(cell) => {
                let reason = "the key policy lets the account decide who may change it, under conditions that its root user \
                    can meet";
                Ok(Judgement::pass(reason).by_statements(policies.deciding(&cell)))
            }
        }
    })
}

/// Whether a statement without a condition names the account, and no Deny speaks of the action.
fn is_plainly_delegated(policies: &Policies<'_>, own: &str) -> bool {
    let names_account = |element: &policy::PrincipalElement| {
        let is_own =
            |entry: &policy::Principal| matches!(entry, policy::Principal::Account { account, .. } if account == own);
        !element.negated && element.entries.iter().any(is_own)
    };
    let mut allows = policies.statements(Effect::Allow);
    let mut denies = policies.statements(Effect::Deny);
    let is_allowed = allows.any(|spoken| {
        let statement = spoken.statement;
        statement.condition.is_none()
            && spoken.on_key.min(statement.matches_action(PUT_KEY_POLICY)) == Match::Yes
            && spoken.principal().is_some_and(names_account)
    });
    is_allowed && !denies.any(|spoken| spoken.statement.matches_action(PUT_KEY_POLICY).is_possible())
}

/// Who of the account can change the policy all the same, in words.
fn others(reach: &Reach<'_>, key: &crate::access::Key) -> String {
    let directory = reach.directory();
    let (mut certain, mut perhaps) = (Vec::new(), Vec::new());
    let put = Asking::new(reach, key, &[PUT_KEY_POLICY]);
    let people = directory.principals().filter(|it| it.kind != PrincipalKind::Root);
    for principal in people {
        match put.first(principal) {
            Ok(Some((_, cell))) if cell.access == Access::Possible => perhaps.push(principal.arn.as_str()),
            Ok(Some(_)) => certain.push(principal.arn.as_str()),
            Ok(None) => {}
            Err(_) => perhaps.push(principal.arn.as_str()),
        }
    }
    // A list that is not whole may lack somebody.
    let lists_all = directory.accounts().all(|account| account.gaps.is_empty());
    match (certain.as_slice(), perhaps.as_slice()) {
        ([], []) if lists_all && key.policies.iter().all(|named| is_closed(named, key)) => {
            "no user or role of the account can change it either".to_owned()
        }
        ([], []) => "no user or role of the account is known to be able to".to_owned(),
        ([], perhaps) => format!("whether {} can cannot be told", perhaps.join(", ")),
        (certain, _) => format!("only {} can", certain.join(", ")),
    }
}

/// Whether a policy says nothing of the action that hangs on a policy variable.
fn is_closed(named: &crate::access::Named, key: &crate::access::Key) -> bool {
    let mut allows = named.document.statements_of(Effect::Allow);
    !allows.any(|it| it.matches_action(PUT_KEY_POLICY).is_possible() && on_key(it, &key.arn) == Match::Unsure)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Listing, Role};

    fn judged_in(world: &World, text: &str) -> Judgement {
        let key = Key { policies: Listing::complete(vec![key_policy(statements(text))]), ..key() };
        judge_key(&CHECK, &key, world).unwrap()
    }

    fn verdict(text: &str) -> Verdict {
        judged_in(&World::new(), text).verdict
    }

    fn allow(principal: &str, action: &str, rest: &str) -> String {
        format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{principal}"}}, "Action": "{action}", "Resource": "*" {rest}}}"#
        )
    }

    fn root() -> String {
        format!("arn:aws:iam::{ACCOUNT}:root")
    }

    #[test]
    fn the_account_in_any_spelling_passes() {
        for principal in [root(), ACCOUNT.to_owned(), "*".to_owned()] {
            assert_eq!(verdict(&allow(&principal, "kms:*", "")), Verdict::Pass, "{principal}");
        }
        assert_eq!(verdict(&allow(&root(), "kms:Put*", "")), Verdict::Pass);
        let own = format!(r#", "Condition": {{"StringEquals": {{"kms:CallerAccount": "{ACCOUNT}"}}}}"#);
        assert_eq!(verdict(&allow("*", "kms:*", &own)), Verdict::Pass);
        let mfa = r#", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#;
        assert_eq!(verdict(&allow(&root(), "kms:*", mfa)), Verdict::Pass);
    }

    #[test]
    fn without_it_the_key_fails_and_who_is_left_is_said() {
        let worker = role("/").arn;
        let none = judged_in(&World::new(), &allow(&worker, "kms:*", ""));
        assert_eq!(none.verdict, Verdict::Fail);
        assert!(none.reason.ends_with("no user or role of the account can change it either"), "{}", none.reason);
        let mut world = World::new();
        world.account.iam.roles = Listing::complete(vec![role("/")]);
        let one = judged_in(&world, &allow(&worker, "kms:*", ""));
        assert!(one.reason.ends_with(&format!("only {worker} can")), "{}", one.reason);
        world.account.iam.roles = Listing::partial(Vec::<Role>::new(), denied("iam:GetAccountAuthorizationDetails"));
        let unknown = judged_in(&world, &allow(&worker, "kms:*", ""));
        assert_eq!(unknown.verdict, Verdict::Fail);
        assert!(unknown.reason.ends_with("is known to be able to"), "{}", unknown.reason);
    }

    #[test]
    fn what_does_not_reach_the_policy_fails() {
        assert_eq!(verdict(&allow(&root(), "kms:Decrypt", "")), Verdict::Fail);
        assert_eq!(verdict(&allow(SIBLING, "kms:*", "")), Verdict::Fail);
        let deny = allow("*", "kms:PutKeyPolicy", "").replace("Allow", "Deny");
        assert_eq!(verdict(&format!("{}, {deny}", allow(&root(), "kms:*", ""))), Verdict::Fail);
        let one_role = format!(r#", "Condition": {{"ArnEquals": {{"aws:PrincipalArn": "{}"}}}}"#, role("/").arn);
        assert_eq!(verdict(&allow(&root(), "kms:*", &one_role)), Verdict::Fail);
    }

    #[test]
    fn what_nobody_can_tell_is_undecided() {
        let unknown = r#", "Condition": {"StringEqualsSometimes": {"aws:username": "x"}}"#;
        assert_eq!(verdict(&allow(&root(), "kms:*", unknown)), Verdict::Undecided);
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
