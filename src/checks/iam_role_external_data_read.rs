//! Roles that read all data and let accounts outside the organization in.

use super::identity::complete;
use super::key_policy::unanswered;
use super::trust::{self, Outside};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, reference};
use crate::access::Principal as AccessPrincipal;
use crate::finding::{Judgement, Severity, StatementReference, Status};
use crate::model::{Principal, Role};
use crate::policy::{Access, Action, Unanswered};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";

/// Actions that read what people store, with the beginning of an ARN behind the partition that no policy names.
const READING: [(&str, &str); 4] = [
    ("dynamodb:GetItem", "dynamodb:us-east-1:ACCOUNT:table/q7x2vk9w"),
    ("s3:GetObject", "s3:::q7x2vk9w/q7x2vk9w"),
    ("secretsmanager:GetSecretValue", "secretsmanager:us-east-1:ACCOUNT:secret:q7x2vk9w"),
    ("ssm:GetParameter", "ssm:us-east-1:ACCOUNT:parameter/q7x2vk9w"),
];
const ACTION_NAMES: &[&str] =
    &["dynamodb:GetItem", "s3:GetObject", "secretsmanager:GetSecretValue", "ssm:GetParameter"];

const ACTIONS: Strings = Strings {
    name: "actions",
    meaning: "The actions of which none may be allowed on what no policy names.",
    default: ACTION_NAMES,
    form: Form::OneOf(ACTION_NAMES),
    loosens: Loosens::Less,
};
const TRUSTED_ACCOUNTS: Strings = Strings {
    name: "trusted_accounts",
    meaning: "Accounts outside the organization that count as inside, such as accounts of the own enterprise.",
    default: &[],
    form: Form::AccountId,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-role-external-data-read",
    title: "No role of another company reads all data",
    severity: Severity::High,
    resource: "IAM role",
    rationale: "ReadOnlyAccess sounds harmless, and reads every object, item and parameter of the account. Vendors ask \
        for it where SecurityAudit or ViewOnlyAccess, which read settings, would do.",
    rule: "For each role whose trust policy lets accounts in that are neither in the organization nor in trusted_accounts \
        (with an external id or without), effective access is computed over all its policies, its boundary and the \
        organization's. FAIL if one of actions (dynamodb:GetItem, s3:GetObject, secretsmanager:GetSecretValue, \
        ssm:GetParameter) is allowed on a resource of the account that no policy names; PASS if none is. UNDECIDED if it \
        depends on what AWS does not document or could not be read.",
    exemptions: "Service-linked roles, and roles that trust no account outside the organization, are NOT_APPLICABLE.",
    blind_spots: "Resources that the policies name are not tried: what they hold may be all there is. Data that is \
        encrypted with a customer managed key opens only with kms:Decrypt besides, which other checks judge. Trust in \
        everybody is judged by iam-role-trust-wildcard-principal.",
    remediation: Remediation {
        summary: "Replace ReadOnlyAccess by SecurityAudit or by what the other company needs.",
        steps: &[
            "Ask the other company which settings it has to read; SecurityAudit and ViewOnlyAccess read no data.",
            "Attach the narrower policy, then detach the other.",
            "Where data has to be read, name the bucket, table or parameter in Resource.",
        ],
        commands: &[
            "aws iam list-attached-role-policies --role-name={role}",
            "aws iam attach-role-policy --role-name={role} --policy-arn=arn:{partition}:iam::aws:policy/SecurityAudit",
            "aws iam detach-role-policy --role-name={role} --policy-arn=arn:{partition}:iam::aws:policy/ReadOnlyAccess",
        ],
        risk: "Reports of the other company become shorter: agree on what it needs. aws iam attach-role-policy takes it \
            back.",
    },
    reads: &[
        DETAILS,
        "organizations:DescribeOrganization",
        "organizations:DescribePolicy",
        "organizations:ListAccounts",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[Parameter::Strings(ACTIONS), Parameter::Strings(TRUSTED_ACCOUNTS)],
    elsewhere: &[
        "Prowler iam_role_cross_account_readonlyaccess_policy",
        "Steampipe iam_role_cross_account_read_only_access_policy",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Role(judge)],
};

fn judge(role: &Role, scope: &Scope<'_>) -> Judged {
    trust::judged(role, |document| {
        let trusted = scope.values.strings(&TRUSTED_ACCOUNTS);
        let Outside { accounts: outside, missing } = trust::outside(document, &trusted, scope, |_| true);
        if outside.is_empty() {
            let exempt = || Judgement::not_applicable("the role trusts no account outside the organization");
            return missing.map_or_else(|| Ok(exempt()), Err);
        }
        complete(Principal::Role(role), scope)?;
        let actor = trust::in_directory(role, scope)?;
        let (open, perhaps) = match reading(actor, scope) {
            Ok(found) => found,
            Err(error) => return Ok(unanswered(&error)),
        };
        let statements: Vec<StatementReference> =
            outside.iter().map(|(_, statement)| reference("trust policy", statement)).collect();
        let mut accounts: Vec<String> = outside.into_iter().map(|(account, _)| account).collect();
        accounts.sort();
        accounts.dedup();
        let accounts = accounts.join("; ");
        let judgement = if !open.is_empty() {
            Judgement::fail(format!("the role may call {} on everything, and trusts {accounts}", open.join(", ")))
        } else if !perhaps.is_empty() {
            let reason = "which hangs on what could not be read or is not documented";
            Judgement::undecided(format!(
                "the role trusts {accounts}, and may perhaps call {} on everything, {reason}",
                perhaps.join(", ")
            ))
        } else {
            Judgement::pass(format!("the role trusts {accounts}, and reads nothing that no policy names"))
        };
        Ok(judgement.by_statements(statements))
    })
}

/// Actions that the role may call on what no policy names, and those that it may perhaps.
fn reading(actor: &AccessPrincipal, scope: &Scope<'_>) -> Result<(Vec<&'static str>, Vec<&'static str>), Unanswered> {
    let asked = scope.values.strings(&ACTIONS);
    let (mut open, mut perhaps) = (vec![], vec![]);
    for (name, rest) in READING.into_iter().filter(|(name, _)| asked.contains(name)) {
        let account = &scope.account.id;
        let arn = format!("arn:{}:{}", scope.account.partition, rest.replace("ACCOUNT", account));
        match scope.reach.directory().on_plain(actor, account, &arn, &Action::new(name))?.access {
            Access::Denied => {}
            Access::Possible => perhaps.push(name),
            _ => open.push(name),
        }
    }
    Ok((open, perhaps))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Gap, Listing};

    const READS_ALL: &str = r#"{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}"#;

    fn judged_in(account: &str, policy: &str, mut world: World) -> Judged {
        let trust =
            format!(r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": "{account}"}}}}"#);
        let role = Role {
            trust_policy: statements(&trust),
            inline_policies: vec![inline("own", statements(policy))],
            ..role("/")
        };
        world.account.iam.roles = Listing::complete(vec![role.clone()]);
        judge_role(&CHECK, &role, &world)
    }

    fn judged(account: &str, policy: &str) -> Judgement {
        judged_in(account, policy, member(&[], &[])).unwrap()
    }

    #[test]
    fn a_role_for_strangers_must_not_read_everything() {
        let judgement = judged(STRANGER, READS_ALL);
        assert_eq!(judgement.verdict, Verdict::Fail);
        let reason = format!(
            "the role may call s3:GetObject on everything, and trusts account {STRANGER}, which is outside the organization"
        );
        assert_eq!(judgement.reason, reason);
        let narrow = READS_ALL.replace(r#""*"}"#, r#""arn:aws:s3:::reports/*"}"#);
        assert_eq!(judged(STRANGER, &narrow).verdict, Verdict::Pass);
        assert_eq!(judged(STRANGER, &READS_ALL.replace("s3:Get*", "s3:GetBucket*")).verdict, Verdict::Pass);
        let secrets = READS_ALL.replace("s3:Get*", "secretsmanager:*");
        assert_eq!(judged(STRANGER, &secrets).verdict, Verdict::Fail);
    }

    #[test]
    fn what_the_organization_denies_is_not_read() {
        let deny = r#"{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#;
        let verdict = judged_in(STRANGER, READS_ALL, member(&[deny], &[])).unwrap().verdict;
        assert_eq!(verdict, Verdict::Pass);
    }

    #[test]
    fn a_guard_over_regions_leaves_the_buckets_of_the_others() {
        let home = r#"{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}}}"#;
        assert_eq!(judged_in(STRANGER, READS_ALL, member(&[home], &[])).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn an_action_that_aws_does_not_document_leaves_it_open() {
        assert_eq!(judged(STRANGER, &READS_ALL.replace("s3:Get*", "s*3:GetObject")).verdict, Verdict::Undecided);
    }

    #[test]
    fn roles_for_the_organization_for_trusted_accounts_and_of_services_are_exempt() {
        assert_eq!(judged(SIBLING, READS_ALL).verdict, Verdict::NotApplicable);
        let values = Values::with(TRUSTED_ACCOUNTS.name, Value::Strings(vec![STRANGER.to_owned()]));
        let world = World { values, ..member(&[], &[]) };
        assert_eq!(judged_in(STRANGER, READS_ALL, world).unwrap().verdict, Verdict::NotApplicable);
        assert_exempts_what_aws_owns(&CHECK);
    }

    #[test]
    fn fewer_actions_may_be_asked_for() {
        let values = Values::with(ACTIONS.name, Value::Strings(vec!["ssm:GetParameter".to_owned()]));
        let world = World { values, ..member(&[], &[]) };
        assert_eq!(judged_in(STRANGER, READS_ALL, world).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn without_a_policy_or_the_accounts_of_the_organization_nothing_is_said() {
        assert_says_nothing_without_documents(&CHECK);
        let gap = denied("organizations:ListAccounts");
        let mut cut = member(&[], &[]);
        cut.organization.as_mut().unwrap().as_mut().unwrap().accounts_gap = Some(gap.clone());
        assert_eq!(judged_in(STRANGER, READS_ALL, cut), Err(gap));
        let gap: Gap = denied(DETAILS);
        let trust =
            format!(r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": "{STRANGER}"}}}}"#);
        let unread = Role {
            trust_policy: statements(&trust),
            inline_policies: vec![inline("lost", Err(gap.clone()))],
            ..role("/")
        };
        let mut world = member(&[], &[]);
        world.account.iam.roles = Listing::complete(vec![unread.clone()]);
        assert_eq!(judge_role(&CHECK, &unread, &world), Err(gap));
    }
}
