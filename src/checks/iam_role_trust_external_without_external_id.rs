//! Roles that trust accounts outside the organization without an external id.

use super::trust;
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, reference};
use crate::finding::{Judgement, Severity, StatementReference, Status};
use crate::model::Role;
use crate::policy::{Comparison, ConditionTest, Effect, Operator, Quantifier, Statement};

const TRUSTED_ACCOUNTS: Strings = Strings {
    name: "trusted_accounts",
    meaning: "Accounts outside the organization that count as inside, such as accounts of the own enterprise.",
    default: &[],
    form: Form::AccountId,
    loosens: Loosens::More,
};

/// The condition key of external ids, in lower case.
const EXTERNAL_ID: &str = "sts:externalid";

pub(super) const CHECK: Check = Check {
    id: "iam-role-trust-external-without-external-id",
    title: "Trust in other companies' accounts asks for an external id",
    severity: Severity::High,
    resource: "IAM role",
    rationale: "A vendor's account works for many customers. Without an external id another customer can name your \
        role to the vendor and let it work in your account: the vendor is a confused deputy.",
    rule: "Looks at Allow statements of the trust policy on sts:AssumeRole that name accounts, roles or users of an account \
        that is neither in the organization nor in trusted_accounts (by default none). FAIL if one has no condition on \
        sts:ExternalId that must hold and whose values are written out (StringEquals, or StringLike without wildcards). PASS \
        if there is no such statement, or each has one. UNDECIDED if a Deny statement looks at sts:ExternalId. Who is in the \
        organization is read from Organizations; an account outside any has no other account inside.",
    exemptions: "Service-linked roles, whose trust policy only AWS can change, are NOT_APPLICABLE.",
    blind_spots: "Whether the other account is one of a vendor or of a partner who needs no external id is not known: \
        trusted_accounts or a waiver says so. Trust in everybody is judged by iam-role-trust-wildcard-principal. An external \
        id helps only if the vendor gives each customer another one.",
    remediation: Remediation {
        summary: "Demand the external id that the vendor issued for you, or remove the trust.",
        steps: &[
            "Ask the vendor for the external id of your contract; it must not be one that you chose.",
            "Save the document, add the condition StringEquals sts:ExternalId, and run aws iam update-assume-role-policy \
             --role-name ROLE_NAME --policy-document file://trust.json.",
            "If nobody needs the trust any more, remove the statement or the role.",
            "To verify: aws sts assume-role --role-arn ROLE_ARN --role-session-name test without --external-id, \
             called in the other account, says AccessDenied.",
        ],
        commands: &[
            "aws iam get-role --role-name={role} --query=Role.AssumeRolePolicyDocument > trust-before.json",
            "aws iam update-assume-role-policy --role-name={role} --policy-document=file://trust.json",
        ],
        risk: "The vendor is locked out until it sends the id: agree on a time. The saved document takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", "organizations:DescribeOrganization", "organizations:ListAccounts"],
    parameters: &[Parameter::Strings(TRUSTED_ACCOUNTS)],
    elsewhere: &[
        "ScoutSuite iam-assume-role-lacks-external-id-and-mfa",
        "Prowler cloudwatch_cross_account_sharing_disabled (any role for other accounts)",
        "Steampipe iam_role_cross_account_write_access_policy (any role for other accounts)",
        "Cloudsplaining AssumableByCrossAccountPrincipal",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Role(judge)],
};

fn judge(role: &Role, scope: &Scope<'_>) -> Judged {
    trust::judged(role, |document| {
        let trusted = scope.values.strings(&TRUSTED_ACCOUNTS);
        let trust::Outside { accounts: outside, missing } =
            trust::outside(document, &trusted, scope, |statement| !asks_for_an_id(statement));
        let statements: Vec<StatementReference> =
            outside.iter().map(|(_, statement)| reference("trust policy", statement)).collect();
        let mut accounts: Vec<String> = outside.into_iter().map(|(account, _)| account).collect();
        accounts.sort();
        accounts.dedup();
        let accounts = accounts.join("; ");
        let looks_at_id = |statement: &Statement| statement.tests().any(|test| test.key == EXTERNAL_ID);
        let judgement = match (accounts.is_empty(), missing) {
            (false, _) if document.statements_of(Effect::Deny).any(looks_at_id) => Judgement::undecided(format!(
                "without an external id, unless a Deny on sts:ExternalId stops it, the role trusts {accounts}"
            )),
            (false, _) => Judgement::fail(format!("without an external id the role trusts {accounts}")),
            (true, Some(gap)) => return Err(gap),
            (true, None) => {
                Judgement::pass("the role trusts no account outside the organization without an external id")
            }
        };
        Ok(judgement.by_statements(statements))
    })
}

/// Whether a condition must hold that compares the external id with values that are written out.
fn asks_for_an_id(statement: &Statement) -> bool {
    let names_it = |test: &ConditionTest| {
        let Operator::Compare(comparing) = test.operator else { return false };
        let is_open = |value: &str| value.contains(['*', '?']);
        let is_written_out = match comparing.comparison {
            Comparison::StringEquals | Comparison::StringEqualsIgnoreCase => true,
            Comparison::StringLike => test.values.iter().all(|text| !is_open(text.source())),
            _ => false,
        };
        test.key == EXTERNAL_ID
            && !comparing.negated
            && !comparing.if_exists
            && comparing.quantifier.is_none_or(|it| it == Quantifier::Any)
            && is_written_out
    };
    statement.tests().any(names_it)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;

    fn judged(account: &str, condition: &str, world: &World) -> Judged {
        let trust = format!(
            r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": "{account}"}}{condition}}}"#
        );
        judge_role(&CHECK, &Role { trust_policy: statements(&trust), ..role("/") }, world)
    }

    fn verdict(account: &str, condition: &str) -> Verdict {
        judged(account, condition, &World::new()).unwrap().verdict
    }

    #[test]
    fn accounts_outside_the_organization_need_an_external_id() {
        assert_eq!(verdict(STRANGER, ""), Verdict::Fail);
        assert_eq!(verdict(&format!("arn:aws:iam::{STRANGER}:role/Vendor"), ""), Verdict::Fail);
        for inside in [ACCOUNT, SIBLING] {
            assert_eq!(verdict(inside, ""), Verdict::Pass);
        }
        let alone = World { organization: Ok(None), ..World::new() };
        assert_eq!(judged(SIBLING, "", &alone).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn only_an_id_that_must_be_there_and_is_written_out_counts() {
        let with = |test: &str| verdict(STRANGER, &format!(r#", "Condition": {{{test}}}"#));
        assert_eq!(with(r#""StringEquals": {"sts:ExternalId": "b0c7"}"#), Verdict::Pass);
        assert_eq!(with(r#""StringLike": {"sts:ExternalId": "b0c7"}"#), Verdict::Pass);
        for weak in [
            r#""StringLike": {"sts:ExternalId": "*"}"#,
            r#""StringEqualsIfExists": {"sts:ExternalId": "b0c7"}"#,
            r#""StringNotEquals": {"sts:ExternalId": "b0c7"}"#,
            r#""Bool": {"aws:MultiFactorAuthPresent": "true"}"#,
        ] {
            assert_eq!(with(weak), Verdict::Fail, "{weak}");
        }
    }

    #[test]
    fn a_deny_on_the_external_id_leaves_it_open() {
        let trust = format!(
            r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": "{STRANGER}"}}}},
            {{"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*",
              "Condition": {{"StringNotEquals": {{"sts:ExternalId": "b0c7"}}}}}}"#
        );
        let role = Role { trust_policy: statements(&trust), ..role("/") };
        assert_eq!(judge_role(&CHECK, &role, &World::new()).unwrap().verdict, Verdict::Undecided);
    }

    #[test]
    fn accounts_may_be_trusted_and_service_linked_roles_are_exempt() {
        let values = Values::with(TRUSTED_ACCOUNTS.name, Value::Strings(vec![STRANGER.to_owned()]));
        assert_eq!(judged(STRANGER, "", &World { values, ..World::new() }).unwrap().verdict, Verdict::Pass);
        let of_aws = role("/aws-service-role/x.amazonaws.com/");
        assert_eq!(judge_role(&CHECK, &of_aws, &World::new()).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_the_policy_or_the_accounts_of_the_organization_nothing_is_said() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let unread = Role { trust_policy: Err(gap.clone()), ..role("/") };
        assert_eq!(judge_role(&CHECK, &unread, &World::new()), Err(gap));
        let gap = denied("organizations:DescribeOrganization");
        assert_eq!(judged(STRANGER, "", &World { organization: Err(gap.clone()), ..World::new() }), Err(gap));
        let mut cut = World::new();
        let gap = denied("organizations:ListAccounts");
        cut.organization.as_mut().unwrap().as_mut().unwrap().accounts_gap = Some(gap.clone());
        assert_eq!(judged(STRANGER, "", &cut), Err(gap));
        assert_eq!(judged(SIBLING, "", &cut).unwrap().verdict, Verdict::Pass);
    }
}
