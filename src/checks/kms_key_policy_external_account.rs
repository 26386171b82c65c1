//! Keys that other accounts can use.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::key_policy::{self, Asking, Policies, Tally, conclude, unanswered};
use super::{Boolean, Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, place_of};
use crate::access::{Principal, PrincipalKind};
use crate::finding::{Severity, StatementReference, Status, Verdict};
use crate::model::Key;
use crate::policy::{Access, Action, Effect, kms_actions};

const TRUSTED_ACCOUNTS: Strings = Strings {
    name: "trusted_accounts",
    meaning: "Accounts that may use keys of this one, in the organization or outside.",
    default: &[],
    form: Form::AccountId,
    loosens: Loosens::More,
};

const ORG_ACCOUNTS: Boolean = Boolean {
    name: "org_accounts",
    meaning: "Whether accounts of the same organization count as others; if not, they may use keys of this account.",
    default: true,
    loosens: true,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-policy-external-account",
    title: "Key policies open keys to no other account",
    severity: Severity::High,
    resource: "KMS key",
    rationale: "A key policy that lets another account in hands the decision about the data to the administrators of that \
        account: they choose who there uses the key, and nothing in this account shows it.",
    rule: "For customer managed keys, effective access is computed for every principal of another account that an Allow \
        statement of the key policy names, for every account of the organization where the statement speaks of everyone, \
        and for somebody outside, but for the accounts of trusted_accounts (by default none). FAIL if one of them may call any operation that works across accounts, under some \
        condition or none; PASS if nobody may.",
    exemptions: "AWS managed keys are NOT_APPLICABLE. AWS services are not accounts and are left out.",
    blind_spots: "Accounts of the same organization fail too, unless org_accounts is false; the reason says whether the account is one. The other account's \
        own policies are not read, so that it counts as letting its principals do everything. Grants are left to \
        kms-grant-external-account; roles of this account that others may assume are not looked at. What hangs on facts that \
        could not be read, or on rules that AWS does not document, is UNDECIDED.",
    remediation: Remediation {
        summary: "Take the other account out of the key policy, unless it is meant to use the key.",
        steps: &[
            "Find out what the account uses the key for: CloudTrail events on the key whose userIdentity.accountId is not \
             yours.",
            "If nothing needs it: remove the principal with kms:PutKeyPolicy.",
            "If it is meant: name roles instead of the whole account, only the actions they need, with an encryption context; \
             then record a waiver with the reason.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "Whatever the other account does with the key fails at once, for example reading shared snapshots, buckets or \
            secrets. Putting the old policy back undoes it.",
    },
    reads: &[
        "kms:ListKeys",
        "kms:DescribeKey",
        "kms:ListKeyPolicies",
        "kms:GetKeyPolicy",
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[Parameter::Strings(TRUSTED_ACCOUNTS), Parameter::Boolean(ORG_ACCOUNTS)],
    elsewhere: &["IAM Access Analyzer external access (KMS keys)"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        if !is_outside_named(policies, &scope.account.id) {
            return Ok(conclude(vec![], "the key policy names no principal of another account"));
        }
        // Grants have a check of their own.
        let without_grants = policies.without_grants(scope.reach)?;
        let crossing = Asking::new(scope.reach, &without_grants, &crossing(policies));
        let mut tally = Tally::default();
        let trusted = scope.values.strings(&TRUSTED_ACCOUNTS);
        let kin = match scope.values.boolean(&ORG_ACCOUNTS) {
            true => None,
            // Of an organization that is not known nobody can tell who is in it.
            false => scope.organization.as_ref().map_err(Clone::clone)?.as_ref(),
        };
        let is_kin = |id: &str| kin.is_some_and(|organization| organization.accounts.contains_key(id));
        let is_trusted = |it: &Principal| trusted.contains(&it.account_id.as_str()) || is_kin(&it.account_id);
        let mut of_members: BTreeMap<usize, Crossing<'_>> = BTreeMap::new();
        for principal in outsiders(policies, &without_grants, scope).into_iter().filter(|it| !is_trusted(it)) {
            let cross = || {
                let found = crossing.first(principal.as_ref())?;
                Ok(found.map(|(action, cell)| (action, cell.access, policies.deciding(&cell).into())))
            };
            let found = match crossing.once(&principal, &mut of_members, cross) {
                Ok(found) => found,
                Err(error) => return Ok(unanswered(&error)),
            };
            if let Some((action, access, statements)) = &found {
                let verdict = if *access == Access::Possible { Verdict::Undecided } else { Verdict::Fail };
                tally.add(verdict, statements, || text(&principal, action, *access, scope));
            }
        }
        // Who gets through may be in the organization all the same.
        if let Some(gap) = kin.and_then(|organization| organization.accounts_gap.as_ref())
            && !tally.is_empty()
        {
            return Err(gap.clone());
        }
        // Accounts that are not known to be all may hold one that gets through.
        if is_open(policies) && !tally.has_failed() {
            let organization = scope.organization.as_ref().map_err(Clone::clone)?;
            if let Some(gap) = organization.as_ref().and_then(|it| it.accounts_gap.as_ref()) {
                return Err(gap.clone());
            }
        }
        Ok(tally.conclude("the key policy names principals of other accounts, but they may do nothing with the key"))
    })
}

/// What somebody of another account may call, how far that goes, and by which statements.
type Crossing<'a> = Option<(&'a Action, Access, Rc<[StatementReference]>)>;

/// Whether an Allow speaks of everyone, or of everyone but some.
fn is_open(policies: &Policies<'_>) -> bool {
    let mut elements = policies.statements(Effect::Allow).filter_map(|spoken| spoken.principal());
    elements.any(|element| element.negated || element.entries.contains(&crate::policy::Principal::Everyone))
}

fn is_outside_named(policies: &Policies<'_>, own: &str) -> bool {
    let elements = policies.statements(Effect::Allow).filter_map(|spoken| spoken.principal());
    let mut accounts = elements.flat_map(|element| &element.entries).filter_map(|entry| entry.account());
    is_open(policies) || accounts.any(|account| account != own)
}

/// The operations across accounts of which some Allow speaks.
fn crossing(policies: &Policies<'_>) -> Vec<&'static str> {
    let allows: Vec<_> = policies.statements(Effect::Allow).collect();
    let is_allowed = |name: &str| allows.iter().any(|spoken| spoken.statement.matches_action(name).is_possible());
    let names = kms_actions().iter().filter(|action| action.cross_account).map(|action| action.name);
    let (mut revealing, others): (Vec<_>, Vec<_>) =
        names.filter(|name| is_allowed(name)).partition(|name| *name == "kms:Decrypt");
    revealing.extend(others);
    revealing
}

/// Everybody outside the account whom the key policy may let in.
fn outsiders<'k>(
    policies: &Policies<'_>,
    key: &'k crate::access::Key,
    scope: &'k Scope<'_>,
) -> Vec<Cow<'k, Principal>> {
    let directory = scope.reach.directory();
    let is_outside = |it: &Cow<'_, Principal>| it.account_id != scope.account.id && it.kind != PrincipalKind::Service;
    let whatever = |it: Cow<'k, Principal>| match it.kind {
        // It stands for whoever may do everything.
        PrincipalKind::Account => it,
        _ => Cow::Owned(it.into_owned().with_every_permission()),
    };
    let mut outsiders: Vec<Cow<'_, Principal>> =
        directory.candidates(key).into_iter().filter(is_outside).map(whatever).collect();
    if is_open(policies) {
        let accounts = outsiders.iter().filter(|it| it.kind == PrincipalKind::Account);
        let known: BTreeSet<&str> = accounts.map(|it| it.account_id.as_str()).collect();
        let members = scope.organization.iter().flatten().flat_map(|organization| organization.accounts.keys());
        let members = members.filter(|id| **id != scope.account.id && !known.contains(id.as_str()));
        let unknown: Vec<Principal> = members.map(|id| directory.any_of(id)).collect();
        outsiders.extend(unknown.into_iter().map(Cow::Owned));
    }
    outsiders
}

fn text(principal: &Principal, action: &Action, access: Access, scope: &Scope<'_>) -> String {
    let (who, action) = (&principal.arn, action.name());
    let (may, let_call) = match access {
        Access::Possible => ("may perhaps call", "may perhaps let its principals call"),
        _ => ("may call", "may let its principals call"),
    };
    match principal.kind {
        PrincipalKind::Everyone => format!("anybody {may} {action}"),
        PrincipalKind::Account => {
            let place = place_of(&principal.account_id, scope);
            format!("account {}, {place}, {let_call} {action}", principal.account_id)
        }
        _ => {
            let place = place_of(&principal.account_id, scope);
            format!("{who} of account {}, {place}, {may} {action}", principal.account_id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Judgement;
    use crate::model::Listing;

    fn key_of(statement: &str) -> Key {
        let own = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{ACCOUNT}"}}, "Action": "kms:*", "Resource": "*"}}, {statement}"#
        );
        Key { policies: Listing::complete(vec![key_policy(statements(&own))]), ..key() }
    }

    fn allow(principal: &str, rest: &str) -> Key {
        key_of(&format!(r#"{{"Effect": "Allow", "Principal": {principal}, {rest} "Resource": "*"}}"#))
    }

    fn judged(key: &Key) -> Judgement {
        judge_key(&CHECK, key, &World::new()).unwrap()
    }

    #[test]
    fn accounts_may_be_trusted() {
        let text = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": ["{SIBLING}"]}}, "Action": "kms:Decrypt", "Resource": "*"}}"#
        );
        let of = |trusted: &[&str]| {
            let list = trusted.iter().map(|it| (*it).to_owned()).collect();
            let world = World { values: Values::with(TRUSTED_ACCOUNTS.name, Value::Strings(list)), ..World::new() };
            let key = Key { policies: Listing::complete(vec![key_policy(statements(&text))]), ..key() };
            judge_key(&CHECK, &key, &world).unwrap().verdict
        };
        assert_eq!((of(&[]), of(&[STRANGER]), of(&[SIBLING])), (Verdict::Fail, Verdict::Fail, Verdict::Pass));
    }

    #[test]
    fn accounts_of_the_organization_may_be_no_others() {
        let of = |account: &str, world: World| {
            let world = World { values: Values::with(ORG_ACCOUNTS.name, Value::Boolean(false)), ..world };
            let named = allow(&format!(r#"{{"AWS": "{account}"}}"#), r#""Action": "kms:Decrypt","#);
            judge_key(&CHECK, &named, &world).map(|judgement| judgement.verdict)
        };
        assert_eq!(of(SIBLING, World::new()), Ok(Verdict::Pass));
        assert_eq!(of(STRANGER, World::new()), Ok(Verdict::Fail));
        let gap = denied("organizations:DescribeOrganization");
        assert_eq!(of(SIBLING, World { organization: Err(gap.clone()), ..World::new() }), Err(gap));
        let mut cut = World::new();
        let gap = denied("organizations:ListAccounts");
        cut.organization.as_mut().unwrap().as_mut().unwrap().accounts_gap = Some(gap.clone());
        assert_eq!(of(SIBLING, cut.clone()), Ok(Verdict::Pass));
        assert_eq!(of(STRANGER, cut), Err(gap));
    }

    #[test]
    fn accounts_roles_users_and_everyone_fail() {
        for (principal, place) in [
            (format!(r#"{{"AWS": "{SIBLING}"}}"#), "which is in the organization"),
            (format!(r#"{{"AWS": "arn:aws:iam::{STRANGER}:role/R"}}"#), "which is outside the organization"),
            (format!(r#"{{"AWS": "arn:aws:iam::{STRANGER}:user/U"}}"#), "outside"),
            (r#""*""#.to_owned(), "anybody may call kms:Decrypt"),
        ] {
            let judgement = judged(&allow(&principal, r#""Action": "kms:*","#));
            assert_eq!(judgement.verdict, Verdict::Fail, "{principal}: {}", judgement.reason);
            assert!(judgement.reason.contains(place), "{}", judgement.reason);
            assert_eq!(judgement.statements[0].index, 1, "{principal}");
        }
    }

    #[test]
    fn everyone_of_the_organization_is_every_other_account_of_it() {
        let condition = format!(
            r#""Action": "kms:Decrypt", "Condition": {{"StringEquals": {{"aws:PrincipalOrgID": "{ORGANIZATION}"}}}},"#
        );
        let judgement = judged(&allow(r#""*""#, &condition));
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert!(judgement.reason.contains(SIBLING) && !judgement.reason.contains("anybody"), "{}", judgement.reason);
        let own = condition.replace("aws:PrincipalOrgID", "kms:CallerAccount").replace(ORGANIZATION, ACCOUNT);
        assert_eq!(judged(&allow(r#""*""#, &own)).verdict, Verdict::Pass);
    }

    #[test]
    fn own_principals_services_and_calls_that_no_other_account_can_make_pass() {
        for (principal, action) in [
            (format!(r#"{{"AWS": "arn:aws:iam::{ACCOUNT}:role/R"}}"#), "kms:*"),
            (r#"{"Service": "logs.amazonaws.com"}"#.to_owned(), "kms:*"),
            (format!(r#"{{"AWS": "{STRANGER}"}}"#), "kms:PutKeyPolicy"),
        ] {
            let judgement = judged(&allow(&principal, &format!(r#""Action": "{action}","#)));
            assert_eq!(judgement.verdict, Verdict::Pass, "{principal}: {}", judgement.reason);
        }
        assert_eq!(judged(&key()).verdict, Verdict::Pass);
    }

    #[test]
    fn a_deny_that_keeps_them_out_passes() {
        let named = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{STRANGER}"}}, "Action": "kms:Decrypt", "Resource": "*"}}, {{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": {{"StringNotEquals": {{"kms:CallerAccount": "{ACCOUNT}"}}}}}}"#
        );
        let judgement = judged(&key_of(&named));
        assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
    }

    #[test]
    fn without_the_organization_its_accounts_are_not_known() {
        let condition = format!(
            r#""Action": "kms:Decrypt", "Condition": {{"StringEquals": {{"aws:PrincipalOrgID": "{ORGANIZATION}"}}}},"#
        );
        let gap = denied("organizations:DescribeOrganization");
        let world = World { organization: Err(gap.clone()), ..World::new() };
        assert_eq!(judge_key(&CHECK, &allow(r#""*""#, &condition), &world), Err(gap));
        let named = allow(&format!(r#"{{"AWS": "{STRANGER}"}}"#), r#""Action": "kms:Decrypt","#);
        assert_ne!(judge_key(&CHECK, &named, &world).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn keys_of_aws_are_exempt() {
        assert_eq!(judged(&aws_managed_key()).verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_metadata_or_any_policy_nothing_is_said() {
        assert_says_nothing_without_policies(&CHECK);
    }
}
