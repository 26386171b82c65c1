//! Accounts outside any organization.

use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};

const DESCRIBE: &str = "organizations:DescribeOrganization";

const MANAGEMENT_ACCOUNTS: Strings = Strings {
    name: "management_accounts",
    meaning: "The management accounts of the organizations that an account may be in; with none, any will do.",
    default: &[],
    form: Form::AccountId,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "account-in-organization",
    title: "The account belongs to the organization",
    severity: Severity::High,
    resource: "account",
    rationale: "No service control policy, no central trail and no central root access reaches an account outside the \
        organization. It is where what is forbidden inside is done.",
    rule: "PASS if DescribeOrganization gives an organization and ListAccounts lists the account in it. FAIL if AWS \
        says that the account is in none (AWSOrganizationsNotInUseException), if the whole list lacks the account, or \
        if the management account is not among management_accounts where the configuration names some.",
    exemptions: "None.",
    blind_spots: "That an account is in the organization says nothing of the policies that reach it. Accounts that belong to \
        the enterprise and are in no organization are not known to the collector at all.",
    remediation: Remediation {
        summary: "Invite the account into the organization, and accept the invitation.",
        steps: &[
            "In the management account: aws organizations invite-account-to-organization --target \
             Id=ACCOUNT_ID,Type=ACCOUNT.",
            "In the account: aws organizations accept-handshake --handshake-id HANDSHAKE_ID, then move it to its \
             organizational unit.",
            "To verify: aws organizations describe-organization, asked in the account, prints the organization.",
        ],
        commands: &[
            "aws organizations invite-account-to-organization --target=Id={account},Type=ACCOUNT",
            "aws organizations describe-organization",
        ],
        risk: "Service control policies apply at once and may stop what the account does today: move it to a unit with wide \
            policies first. aws organizations leave-organization takes it back.",
    },
    reads: &[DESCRIBE, "organizations:ListAccounts"],
    parameters: &[Parameter::Strings(MANAGEMENT_ACCOUNTS)],
    elsewhere: &[
        "AWS Security Hub Account.2",
        "AWS Config account-part-of-organizations",
        "Prowler organizations_account_part_of_organizations",
        "Steampipe account_part_of_organizations",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[(Status::Fail, "all its accounts are in one organization")],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    let organization = scope.organization.as_ref().map_err(Clone::clone)?;
    let Some(organization) = organization else {
        return Ok(Judgement::fail("the account is in no organization"));
    };
    let management = &organization.management_account_id;
    let expected = scope.values.strings(&MANAGEMENT_ACCOUNTS);
    let judgement = if !expected.is_empty() && !expected.contains(&management.as_str()) {
        Judgement::fail(format!("{} is managed by {management}, which is not expected", organization.id))
    } else if organization.accounts.contains_key(&scope.account.id) || *management == scope.account.id {
        Judgement::pass(format!("the account is in {}, which {management} manages", organization.id))
    } else if let Some(gap) = &organization.accounts_gap {
        return Err(gap.clone());
    } else {
        Judgement::fail(format!("{} does not list the account", organization.id))
    };
    Ok(judgement.because_of(&organization.source))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;

    #[test]
    fn a_listed_account_passes_and_one_outside_fails() {
        let verdict = |world: &World| judge_root(&CHECK, world).unwrap().verdict;
        assert_eq!(verdict(&World::new()), Verdict::Pass);
        assert_eq!(verdict(&World { organization: Ok(None), ..World::new() }), Verdict::Fail);
        let mut stranger = World::new();
        stranger.account.id = STRANGER.to_owned();
        assert_eq!(verdict(&stranger), Verdict::Fail);
    }

    #[test]
    fn another_management_account_than_expected_fails() {
        let of = |account: &str| {
            let values = Values::with(MANAGEMENT_ACCOUNTS.name, Value::Strings(vec![account.to_owned()]));
            judge_root(&CHECK, &World { values, ..World::new() }).unwrap().verdict
        };
        assert_eq!(of(ACCOUNT), Verdict::Pass);
        assert_eq!(of(STRANGER), Verdict::Fail);
    }

    #[test]
    fn without_the_organization_or_every_account_nothing_is_said() {
        let unknown = World { organization: Err(denied(DESCRIBE)), ..World::new() };
        assert_eq!(judge_root(&CHECK, &unknown), Err(denied(DESCRIBE)));
        let mut cut = World::new();
        let gap = denied("organizations:ListAccounts");
        cut.organization.as_mut().unwrap().as_mut().unwrap().accounts_gap = Some(gap.clone());
        assert_eq!(judge_root(&CHECK, &cut).unwrap().verdict, Verdict::Pass);
        cut.account.id = STRANGER.to_owned();
        assert_eq!(judge_root(&CHECK, &cut), Err(gap));
    }
}
