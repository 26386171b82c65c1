//! Organizations in which the management account does everything itself, or accounts administer that nobody trusts.

use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Aspect, Judgement, Severity, Status};
use crate::model::Organization;

const ADMINISTRATORS: &str = "organizations:ListDelegatedAdministrators";
const RESOURCE_POLICY: &str = "organizations:DescribeResourcePolicy";

const TRUSTED_ACCOUNTS: Strings = Strings {
    name: "trusted_accounts",
    meaning: "The only accounts that may be delegated administrators; with none, any may.",
    default: &[],
    form: Form::AccountId,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "org-delegated-admin",
    title: "Administration is delegated, and only to trusted accounts",
    severity: Severity::Low,
    resource: "organization",
    rationale: "Whoever works in the management account every day can undo every guardrail. Delegation takes the work out of \
        it; delegation to an account that nobody watches takes the power with it.",
    rule: "FAIL if ListDelegatedAdministrators lists no account and DescribeResourcePolicy gives no policy, or if \
        trusted_accounts names accounts and an administrator is not among them. The aspect policies-delegated fails if the \
        organization has no resource policy, by which the management of policies is delegated; the aspect services-delegated \
        fails if no account is a delegated administrator.",
    exemptions: "Accounts outside any organization are NOT_APPLICABLE.",
    blind_spots: "What the resource policy allows and to whom is not judged, nor whether the delegated accounts are \
        well kept. Without trusted_accounts every account counts as trusted.",
    remediation: Remediation {
        summary: "Delegate services and policies to the accounts of those who run them, and take back other delegations.",
        steps: &[
            "Delegate a service: aws organizations register-delegated-administrator --account-id ACCOUNT_ID \
             --service-principal SERVICE.",
            "Delegate the management of policies: aws organizations put-resource-policy --content file://delegation.json.",
            "Take back: aws organizations deregister-delegated-administrator --account-id ACCOUNT_ID --service-principal \
             SERVICE.",
            "To verify: aws organizations list-delegated-administrators and aws organizations describe-resource-policy.",
        ],
        commands: &[
            "aws organizations list-delegated-administrators",
            "aws organizations deregister-delegated-administrator --account-id=ACCOUNT_ID --service-principal=SERVICE",
        ],
        risk: "A delegated account gains power over all others for its service. Taking a delegation back stops what \
            the account runs for the organization; registering it again takes that back.",
    },
    reads: &["organizations:DescribeOrganization", RESOURCE_POLICY, ADMINISTRATORS],
    parameters: &[Parameter::Strings(TRUSTED_ACCOUNTS)],
    elsewhere: &[
        "Prowler organizations_delegated_administrators",
        "CIS AWS Foundations 7.0.0 2.1.5",
        "CIS AWS Foundations 7.0.0 2.1.6",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[(Status::Fail, "its organization delegates in both quarters")],
    rules: &[Rule::Organization(judge)],
};

fn judge(organization: &Organization, scope: &Scope<'_>) -> Judged {
    let trusted = scope.values.strings(&TRUSTED_ACCOUNTS);
    let listing = &organization.delegated_administrators;
    let known = listing.known();
    let is_foreign = |account: &str| !trusted.is_empty() && !trusted.contains(&account);
    let foreign: Vec<&str> = known.iter().map(|it| it.account_id.as_str()).filter(|id| is_foreign(id)).collect();
    let policy = &organization.resource_policy;
    let judgement = if !foreign.is_empty() {
        Judgement::fail(format!("administration is delegated to accounts that are not trusted: {}", foreign.join(", ")))
    } else {
        listing.whole()?;
        let policy = policy.as_ref().map_err(Clone::clone)?;
        let services = known.iter().map(|it| {
            let services = it.services.known().join(", ");
            if services.is_empty() { it.account_id.clone() } else { format!("{} ({services})", it.account_id) }
        });
        let services: Vec<String> = services.collect();
        match (services.is_empty(), policy) {
            (true, None) => Judgement::fail("nothing is delegated: the management account administers everything"),
            (true, Some(_)) => {
                Judgement::pass("the organization's resource policy delegates the management of policies")
            }
            (false, _) => Judgement::pass(format!("administration is delegated to {}", services.join("; "))),
        }
    };
    let services = Aspect {
        name: "services-delegated".to_owned(),
        parameters: "at least one delegated administrator".to_owned(),
        status: match (known.is_empty(), listing.gap()) {
            (false, _) => Status::Pass,
            (true, None) => Status::Fail,
            (true, Some(_)) => Status::Error,
        },
    };
    let policies = Aspect {
        name: "policies-delegated".to_owned(),
        parameters: "a resource policy of the organization".to_owned(),
        status: match policy {
            Ok(Some(_)) => Status::Pass,
            Ok(None) => Status::Fail,
            Err(_) => Status::Error,
        },
    };
    let sources = known.iter().map(|it| &it.source).chain(policy.iter().flatten().map(|policy| &policy.source));
    Ok(judgement.because_of_all(sources).with_aspect(services).with_aspect(policies))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{DelegatedAdministrator, Listing, ResourcePolicy};

    fn administrator(account: &str) -> DelegatedAdministrator {
        DelegatedAdministrator {
            account_id: account.to_owned(),
            services: Listing::complete(vec!["guardduty.amazonaws.com".to_owned()]),
            source: source(ADMINISTRATORS),
        }
    }

    fn world(administrators: Listing<DelegatedAdministrator>, has_policy: bool, trusted: &[&str]) -> World {
        let mut world = World::new();
        let organization = world.organization.as_mut().unwrap().as_mut().unwrap();
        organization.delegated_administrators = administrators;
        let policy = || ResourcePolicy { document: statements(""), source: source(RESOURCE_POLICY) };
        organization.resource_policy = Ok(has_policy.then(policy));
        if !trusted.is_empty() {
            let trusted = trusted.iter().map(|it| (*it).to_owned()).collect();
            world.values = Values::with(TRUSTED_ACCOUNTS.name, Value::Strings(trusted));
        }
        world
    }

    fn judged(administrators: &[&str], has_policy: bool, trusted: &[&str]) -> (Verdict, Vec<Status>) {
        let administrators = Listing::complete(administrators.iter().map(|it| administrator(it)).collect());
        let judgement = judge_organization(&CHECK, &world(administrators, has_policy, trusted)).unwrap();
        (judgement.verdict, judgement.aspects.iter().map(|it| it.status).collect())
    }

    #[test]
    fn something_must_be_delegated() {
        assert_eq!(judged(&[], false, &[]), (Verdict::Fail, vec![Status::Fail, Status::Fail]));
        assert_eq!(judged(&[SIBLING], false, &[]), (Verdict::Pass, vec![Status::Pass, Status::Fail]));
        assert_eq!(judged(&[], true, &[]), (Verdict::Pass, vec![Status::Fail, Status::Pass]));
    }

    #[test]
    fn every_administrator_must_be_trusted_where_the_configuration_names_some() {
        assert_eq!(judged(&[SIBLING], true, &[SIBLING]).0, Verdict::Pass);
        assert_eq!(judged(&[SIBLING, STRANGER], true, &[SIBLING]).0, Verdict::Fail);
        assert_eq!(judged(&[STRANGER, SIBLING], true, &[SIBLING]).0, Verdict::Fail);
    }

    #[test]
    fn without_the_list_or_the_policy_nothing_is_said_but_a_foreign_administrator_fails() {
        let gap = denied(ADMINISTRATORS);
        let cut = |trusted| {
            let known = Listing::partial(vec![administrator(STRANGER)], gap.clone());
            judge_organization(&CHECK, &world(known, true, trusted))
        };
        assert_eq!(cut(&[]), Err(gap.clone()));
        assert_eq!(cut(&[SIBLING]).unwrap().verdict, Verdict::Fail);
        let mut unread = world(Listing::complete(vec![]), true, &[]);
        let gap = denied(RESOURCE_POLICY);
        unread.organization.as_mut().unwrap().as_mut().unwrap().resource_policy = Err(gap.clone());
        assert_eq!(judge_organization(&CHECK, &unread), Err(gap));
    }
}
