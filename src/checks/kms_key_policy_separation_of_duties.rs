//! Principals that both administer a key and use it.

use super::grants::grantee;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::key_policy::{self, Asking, OfClasses, Policies, Tally, Who, unanswered};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::access::{Cell, Key as AccessKey, Principal, PrincipalKind};
use crate::finding::{Severity, StatementReference, Status, Verdict};
use crate::model::Key;
use crate::policy::{self, Access, Action, Grant, Unanswered};

pub(super) const CHECK: Check = Check {
    id: "kms-key-policy-separation-of-duties",
    title: "Nobody both administers a key and uses it",
    severity: Severity::Medium,
    resource: "KMS key",
    rationale: "Who manages a key should not read what it protects: otherwise one stolen credential, or one person, is enough \
        to read the data and to cover it up. Standards ask for split knowledge, or at least for separate duties.",
    rule: "For customer managed keys, effective access is computed for the users and roles of the account, and for principals \
        elsewhere whom the key policy or a grant names. FAIL if one of them may call at least one administrative operation \
        (PutKeyPolicy, ScheduleKeyDeletion, CreateGrant, DisableKey, EnableKeyRotation, DisableKeyRotation, \
        ImportKeyMaterial, UpdateAlias) and at least one that uses the key (Decrypt, GenerateDataKey and its kin, ReEncrypt, \
        Sign, GenerateMac, DeriveSharedSecret), each under some condition or none; PASS if nobody may.",
    exemptions: "AWS managed keys are NOT_APPLICABLE. Not counted are the root user, AWS services and service-linked roles; \
        CreateGrant that only AWS services can call for the principal (kms:GrantIsForAWSResource), and CreateGrant that a \
        grant gives, which passes on no more than that grant.",
    blind_spots: "Administrators can give themselves the use of the key by PutKeyPolicy or CreateGrant: separation holds only \
        with monitoring of these calls. A principal that may assume another counts by its own access alone. Of operations on \
        aliases the half on the key is judged. What hangs on facts that could not be read is UNDECIDED.",
    remediation: Remediation {
        summary: "Split the access: administrators without use of the key, users without its administration.",
        steps: &[
            "See how the access comes about: keyproof access explain with the principal and the key.",
            "Where IAM policies give it through the account: narrow them, or deny the use of the key in the key policy to \
             everyone but named roles.",
            "Keep a break-glass role apart, and alert on kms:PutKeyPolicy and kms:CreateGrant.",
        ],
        commands: &[
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
        ],
        risk: "A role that did both stops doing one of them, often a deployment pipeline: give that half to another role \
            first. Putting the old policy back undoes it.",
    },
    reads: &[
        "iam:GetAccountAuthorizationDetails",
        "kms:ListKeys",
        "kms:DescribeKey",
        "kms:ListKeyPolicies",
        "kms:GetKeyPolicy",
        "kms:ListGrants",
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[Parameter::Strings(ADMIN_ACTIONS), Parameter::Strings(USAGE_ACTIONS)],
    elsewhere: &["None known: key administrators and key users in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

const ADMIN_ACTIONS: Strings = Strings {
    name: "admin_actions",
    meaning: "The operations that administer a key.",
    default: ADMINISTER,
    form: Form::OneOf(ADMINISTER),
    loosens: Loosens::Less,
};
const USAGE_ACTIONS: Strings = Strings {
    name: "usage_actions",
    meaning: "The operations that use a key.",
    default: USE,
    form: Form::OneOf(USE),
    loosens: Loosens::Less,
};

const CREATE_GRANT: &str = "kms:CreateGrant";

pub(super) const ADMINISTER: &[&str] = &[
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    CREATE_GRANT,
    "kms:DisableKey",
    "kms:EnableKeyRotation",
    "kms:DisableKeyRotation",
    "kms:ImportKeyMaterial",
    "kms:UpdateAlias",
];

pub(super) const USE: &[&str] = &[
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:Sign",
    "kms:GenerateMac",
    "kms:DeriveSharedSecret",
];

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    key_policy::judged(key, |policies| {
        let known = policies.in_directory(scope.reach)?;
        let judgement = match known.grants.iter().any(gives_use) {
            true => answer(policies, known, scope)?,
            false => scope
                .reach
                .once(CHECK.id, &key.arn, || answer(policies, &policies.without_grants(scope.reach)?, scope))?,
        };
        if judgement.verdict != Verdict::Fail {
            // A grant that was not listed, or whose holder is not known, may join what seems apart.
            for grant in key.grants.whole()? {
                grantee(grant, key)?;
            }
        }
        Ok(judgement)
    })
}

/// Whether a grant may give the use of the key to somebody whose duties can be separated.
fn gives_use(grant: &Grant) -> bool {
    let is_use = |operation: &String| USE.iter().any(|action| action.strip_prefix("kms:") == Some(operation));
    let is_of_aws = match &grant.grantee {
        Some(policy::Principal::Service(_)) => true,
        // The role of a service, which AWS owns.
        Some(policy::Principal::Session(session)) => session.name.starts_with("aws:"),
        _ => false,
    };
    grant.operations.iter().any(is_use) && !is_of_aws
}

fn answer(policies: &Policies<'_>, with_grants: &AccessKey, scope: &Scope<'_>) -> Judged {
    let without_grants = policies.without_grants(scope.reach)?;
    let directory = scope.reach.directory();
    // What a service asks for on behalf of the principal is not its administration.
    let is_own = |action: &Action, cell: &Cell| action.name() != CREATE_GRANT || cell.access != Access::ViaService;
    let administer = Asking::new(scope.reach, &without_grants, &scope.values.strings(&ADMIN_ACTIONS)).counting(is_own);
    let usage = Asking::new(scope.reach, with_grants, &scope.values.strings(&USAGE_ACTIONS));
    let question = Question { policies, administer, usage };
    let stand_ins = scope.reach.stand_ins();
    let mut of_classes = OfClasses::new(stand_ins, with_grants);
    let mut of_members: BTreeMap<usize, Option<Rc<Found>>> = BTreeMap::new();
    let mut tally = Tally::default();
    // Who stands for principals of the account that were not listed is answered for below.
    let is_unlisted = |it: &Principal| it.kind == PrincipalKind::Account && it.account_id == scope.account.id;
    for principal in directory.candidates(with_grants).iter().filter(|it| !is_unlisted(it)) {
        let found = match stand_ins.class_of(principal) {
            Some(class) => of_classes.said(class, (), |who| question.may_be_of(who), |who| question.found(who)),
            None => question.usage.once(principal, &mut of_members, || {
                let who = Who::from(principal.as_ref());
                let found = if question.may_be_of(who) { question.found(who)? } else { None };
                Ok(found.map(Rc::new))
            }),
        };
        match found {
            Ok(None) => {}
            Ok(Some(found)) => {
                tally.add(found.verdict, &found.statements, || format!("{} {}", principal.arn, found.text));
            }
            Err(error) => return Ok(unanswered(&error)),
        }
    }
    if !tally.has_failed() {
        // Somebody who was not listed may do both.
        scope.account.iam.users.whole()?;
        scope.account.iam.roles.whole()?;
    }
    Ok(tally.conclude("nobody both administers the key and uses it"))
}

/// Whether a principal is one whose duties can be separated.
fn is_accountable(principal: &Principal) -> bool {
    !matches!(principal.kind, PrincipalKind::Root | PrincipalKind::Service)
        && !principal.caller.is_service_linked_role()
}

/// One key: its administration, which grants cannot give, and its use, which they can.
struct Question<'a> {
    policies: &'a Policies<'a>,
    administer: Asking<'a>,
    usage: Asking<'a>,
}

/// What is said of whoever is like a principal.
struct Found {
    verdict: Verdict,
    /// What follows the ARN in a reason.
    text: String,
    statements: Rc<[StatementReference]>,
}

impl Question<'_> {
    /// Most have neither, and a half alone is not worth a decision.
    fn may_be_of(&self, who: Who<'_>) -> bool {
        self.administer.may_be_of(who) && self.usage.may_be_of(who) && is_accountable(who.principal)
    }

    fn found(&self, who: Who<'_>) -> Result<Option<Found>, Unanswered> {
        let Some((one, first_cell)) = self.administer.first(who)? else { return Ok(None) };
        let Some((other, second_cell)) = self.usage.first(who)? else { return Ok(None) };
        let is_open = [&first_cell, &second_cell].iter().any(|cell| cell.access == Access::Possible);
        let (verdict, may) = if is_open { (Verdict::Undecided, "may perhaps") } else { (Verdict::Fail, "may") };
        let mut statements = self.policies.deciding(&first_cell);
        statements.extend(self.policies.deciding(&second_cell));
        Ok(Some(Found {
            verdict,
            text: format!("{may} call {} and {}", one.name(), other.name()),
            statements: statements.into(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Judgement;
    use crate::model::{Listing, Role};

    fn world(policies: &[&str]) -> World {
        let mut world = World::new();
        let inline_policies = policies.iter().map(|text| inline("policy", statements(text))).collect();
        world.account.iam.roles = Listing::complete(vec![Role { inline_policies, ..role("/") }]);
        world
    }

    fn allow(actions: &str) -> String {
        format!(r#"{{"Effect": "Allow", "Action": [{actions}], "Resource": "*"}}"#)
    }

    fn key_of(actions: &str, rest: &str) -> Key {
        let named = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{}"}}, "Action": [{actions}], "Resource": "*" {rest}}}"#,
            role("/").arn
        );
        Key { policies: Listing::complete(vec![key_policy(statements(&named))]), ..key() }
    }

    fn judged(key: &Key, world: &World) -> Judgement {
        judge_key(&CHECK, key, world).unwrap()
    }

    fn verdict(key: &Key, world: &World) -> Verdict {
        judged(key, world).verdict
    }

    #[test]
    fn fewer_operations_may_be_kept_apart() {
        let key = key_of(r#""kms:PutKeyPolicy", "kms:Sign""#, "");
        let of = |name, action: &str| {
            let values = Values::with(name, Value::Strings(vec![action.to_owned()]));
            verdict(&key, &World { values, ..world(&[]) })
        };
        assert_eq!(of("admin_actions", "kms:PutKeyPolicy"), Verdict::Fail);
        assert_eq!(of("admin_actions", "kms:DisableKey"), Verdict::Pass);
        assert_eq!(of("usage_actions", "kms:Decrypt"), Verdict::Pass);
    }

    #[test]
    fn both_by_the_key_policy_by_iam_or_by_each_one_half_fail() {
        let both = r#""kms:PutKeyPolicy", "kms:Decrypt""#;
        let failed = judged(&key_of(both, ""), &world(&[]));
        assert_eq!(failed.verdict, Verdict::Fail);
        assert_eq!(failed.reason, format!("{} may call kms:PutKeyPolicy and kms:Decrypt", role("/").arn));
        assert_eq!(failed.statements.len(), 1);
        assert_eq!(verdict(&key(), &world(&[&allow(both)])), Verdict::Fail);
        assert_eq!(verdict(&key(), &world(&[&allow("\"kms:*\"")])), Verdict::Fail);
        let delegating = key().policies.known().to_vec();
        let named = key_of(r#""kms:Decrypt""#, "").policies.known().to_vec();
        let halves = Key { policies: Listing::complete([delegating, named].concat()), ..key() };
        assert_eq!(verdict(&halves, &world(&[&allow(r#""kms:ScheduleKeyDeletion""#)])), Verdict::Fail);
    }

    #[test]
    fn one_of_the_two_and_the_root_user_pass() {
        assert_eq!(verdict(&key(), &World::new()), Verdict::Pass);
        assert_eq!(verdict(&key_of(r#""kms:Decrypt", "kms:DescribeKey""#, ""), &world(&[])), Verdict::Pass);
        assert_eq!(verdict(&key_of(r#""kms:Put*", "kms:Enable*""#, ""), &world(&[])), Verdict::Pass);
        assert_eq!(verdict(&key_of(r#""kms:Decrypt""#, ""), &world(&[&allow("\"kms:*\"")])), Verdict::Pass);
    }

    #[test]
    fn grants_for_resources_of_aws_are_no_administration() {
        let of_aws = r#", "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}"#;
        let console = key_of(r#""kms:CreateGrant""#, of_aws).policies.known().to_vec();
        let usage = key_of(r#""kms:Decrypt""#, "").policies.known().to_vec();
        let key = Key { policies: Listing::complete([console, usage].concat()), ..key() };
        assert_eq!(verdict(&key, &world(&[])), Verdict::Pass);
        assert_eq!(verdict(&key_of(r#""kms:CreateGrant", "kms:Decrypt""#, ""), &world(&[])), Verdict::Fail);
    }

    #[test]
    fn grants_give_use_and_no_administration() {
        let mut grant = grant(&role("/").arn);
        grant.operations = vec!["Decrypt".to_owned(), "CreateGrant".to_owned()];
        let with = |key: Key| Key { grants: Listing::complete(vec![grant.clone()]), ..key };
        assert_eq!(verdict(&with(key_of(r#""kms:DescribeKey""#, "")), &world(&[])), Verdict::Pass);
        assert_eq!(verdict(&with(key_of(r#""kms:DisableKey""#, "")), &world(&[])), Verdict::Fail);
    }

    #[test]
    fn a_policy_that_could_not_be_read_is_undecided() {
        let mut world = world(&[&allow(r#""kms:Decrypt""#)]);
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let mut role = world.account.iam.roles.known()[0].clone();
        role.inline_policies.push(inline("unread", Err(gap)));
        world.account.iam.roles = Listing::complete(vec![role]);
        assert_eq!(verdict(&key(), &world), Verdict::Undecided);
    }

    #[test]
    fn a_tag_that_could_not_be_read_is_undecided() {
        let tagged = r#", "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}"#;
        let policy = allow("\"kms:*\"").replace('}', &format!("{tagged}}}"));
        let world = world(&[&policy]);
        assert_eq!(verdict(&key(), &world), Verdict::Pass);
        let unread = Key { tags: Err(denied("kms:ListResourceTags")), ..key() };
        assert_eq!(verdict(&unread, &world), Verdict::Undecided);
    }

    #[test]
    fn without_all_principals_and_grants_only_an_exception_is_certain() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let mut cut = world(&[&allow("\"kms:*\"")]);
        cut.account.iam.users = Listing::missing(gap.clone());
        assert_eq!(verdict(&key(), &cut), Verdict::Fail);
        cut.account.iam.roles = Listing::complete(Vec::new());
        assert_eq!(judge_key(&CHECK, &key(), &cut), Err(gap));
        let gap = denied("kms:ListGrants");
        let unlisted = Key { grants: Listing::missing(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &unlisted, &World::new()), Err(gap));
    }

    #[test]
    fn keys_of_aws_are_exempt() {
        assert_eq!(verdict(&aws_managed_key(), &World::new()), Verdict::NotApplicable);
    }

    #[test]
    fn without_metadata_or_any_policy_nothing_is_said() {
        assert_says_nothing_without_policies(&CHECK);
    }
}
