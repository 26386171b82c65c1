//! Accounts in which keys can be used in Regions that the organization has not approved.

use super::guardrails::{Left, left_in, organization, sources, unreached};
use super::key_policy::unanswered;
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::policy::{Access, Action};

const ALLOWED_REGIONS: Strings = Strings {
    name: "allowed_regions",
    meaning: "The Regions in which keys may be used; none listed: the check is off.",
    default: &[],
    form: Form::Text,
    // Any list asks for more than none does.
    loosens: Loosens::Less,
};

/// What stands for the use of keys: data is put under a key by it.
const USE: &str = "kms:Encrypt";

pub(super) const CHECK: Check = Check {
    id: "org-scp-kms-regions",
    title: "Service control policies keep keys in approved Regions",
    severity: Severity::Medium,
    resource: "account",
    rationale: "A Region that nobody works in is one that nobody watches, and laws may forbid data there. The organization \
        can close it from outside, which no administrator of an account can undo.",
    rule: "If allowed_regions lists any: PASS if the service control policies of the account, its organizational units \
        and the root deny kms:Encrypt on any key, in every other Region that was read, to a role without tags that no \
        policy names and that may otherwise do everything; FAIL if they leave it in one, under some condition or none. \
        PASS also if no other Region was read: those that are not enabled need no guard.",
    exemptions: "NOT_APPLICABLE: every account if allowed_regions lists none; accounts outside any organization; the \
        management account if it holds no key, because service control policies do not reach it. If it holds keys, it \
        fails.",
    blind_spots: "Regions that were left out of the collection are not tried. Principals that a policy spares by name, and \
        service-linked roles, may still work there. Other services than KMS are not tried.",
    remediation: Remediation {
        summary: "Deny what happens outside of the approved Regions by a service control policy.",
        steps: &[
            "Write a Deny of all actions but those of global services with StringNotEquals aws:RequestedRegion, with the \
             approved Regions, sparing service-linked roles.",
            "Attach it to an organizational unit for tests first, then to the root.",
            "Turn off Regions that nobody needs in the settings of the account.",
        ],
        commands: &[
            "aws organizations create-policy --type=SERVICE_CONTROL_POLICY --name=ApprovedRegions --description=Regions \
             --content=file://policy.json",
            "aws organizations list-policies-for-target --filter=SERVICE_CONTROL_POLICY --target-id={account}",
        ],
        risk: "Whatever runs elsewhere stops: look at the keys and their last use in the other Regions first. Detaching \
            the policy takes it back.",
    },
    reads: &[
        "kms:ListKeys",
        "kms:DescribeKey",
        "organizations:DescribePolicy",
        "organizations:ListPolicies",
        "organizations:ListTargetsForPolicy",
    ],
    parameters: &[Parameter::Strings(ALLOWED_REGIONS)],
    elsewhere: &["Prowler organizations_scp_check_deny_regions"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[(Status::Pass, "no Region is configured"), (Status::Fail, "no Region is configured")],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    const WHAT: &str = "service control policies";
    let allowed = scope.values.strings(&ALLOWED_REGIONS);
    if allowed.is_empty() {
        return Ok(Judgement::not_applicable("no approved Region is configured"));
    }
    let organization = match organization(scope, "a service control policy", |it| unreached(scope, it, WHAT))? {
        Ok(organization) => organization,
        Err(judgement) => return Ok(judgement),
    };
    let role = scope.reach.directory().ordinary_role(&scope.account.id);
    let others = scope.account.regions.keys().map(String::as_str).filter(|region| !allowed.contains(region));
    let (mut open, mut perhaps, mut closing) = (vec![], vec![], vec![]);
    for region in others {
        let Left { access, mut statements, .. } = match left_in(&[region], scope, &role, &Action::new(USE)) {
            Ok(left) => left,
            Err(error) => return Ok(unanswered(&error)),
        };
        closing.append(&mut statements);
        match access {
            Access::Denied => {}
            Access::Possible => perhaps.push(region),
            _ => open.push(region),
        }
    }
    closing.sort();
    closing.dedup();
    let judgement = if !open.is_empty() {
        Judgement::fail(format!("service control policies leave keys to be used in {}", open.join(", ")))
    } else if let Some(gap) = &scope.account.regions_gap {
        return Err(gap.clone());
    } else if !perhaps.is_empty() {
        Judgement::undecided(format!(
            "whether service control policies close {} hangs on what could not be read or is not documented",
            perhaps.join(", ")
        ))
    } else {
        Judgement::pass("keys can be used in approved Regions only")
    };
    let sources = sources(organization, &organization.service_control_policies, &scope.account.id);
    Ok(judgement.by_statements(closing).because_of_all(sources))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn judged(statements: &str, allowed: &[&str]) -> Judged {
        let list = allowed.iter().map(|it| (*it).to_owned()).collect();
        let values = Values::with(ALLOWED_REGIONS.name, Value::Strings(list));
        let mut world = World { values, ..member(&[statements], &[]) };
        for region in ["eu-central-1", "us-east-1"] {
            world.account.regions.insert(region.to_owned(), kms());
        }
        judge_root(&CHECK, &world)
    }

    fn verdict(statements: &str, allowed: &[&str]) -> Verdict {
        judged(statements, allowed).unwrap().verdict
    }

    const HOME: &str = r#"{"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1"]}}}"#;

    #[test]
    fn other_regions_must_be_closed_by_whatever_statement() {
        assert_eq!(verdict(HOME, &["eu-central-1"]), Verdict::Pass);
        let listed = r#"{"Effect": "Deny", "Action": "kms:*", "Resource": "*",
            "Condition": {"StringLike": {"aws:RequestedRegion": "us-*"}}}"#;
        assert_eq!(verdict(listed, &["eu-central-1"]), Verdict::Pass);
        let judgement = judged(listed, &["us-east-1"]).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, "service control policies leave keys to be used in eu-central-1");
        for open in [
            HOME.replace("kms", "s3").replace(r#""iam:*""#, r#""kms:*""#),
            HOME.replace("StringNotEquals", "StringEquals").replace("eu-central-1", "ap-south-1"),
            HOME.replace("Deny", "Allow").replace("NotAction", "Action"),
        ] {
            assert_eq!(verdict(&open, &["eu-central-1"]), Verdict::Fail, "{open}");
        }
        assert_eq!(verdict(HOME, &["eu-central-1", "us-east-1"]), Verdict::Pass);
    }

    #[test]
    fn what_aws_does_not_document_is_left_open() {
        let short = r#"{"Effect": "Deny", "Action": "k*s:Encrypt", "Resource": "*"}"#;
        assert_eq!(verdict(short, &["eu-central-1"]), Verdict::Undecided);
    }

    #[test]
    fn without_a_configured_region_or_outside_an_organization_nothing_is_asked() {
        assert_eq!(verdict(HOME, &[]), Verdict::NotApplicable);
        let values = Values::with(ALLOWED_REGIONS.name, Value::Strings(vec!["eu-central-1".to_owned()]));
        let alone = World { values: values.clone(), organization: Ok(None), ..World::new() };
        assert_eq!(judge_root(&CHECK, &alone).unwrap().verdict, Verdict::NotApplicable);
        let managing = World { values, ..World::new() };
        assert_eq!(judge_root(&CHECK, &managing).unwrap().verdict, Verdict::NotApplicable);
        assert_eq!(judge_root(&CHECK, &managing.with_keys(vec![key()])).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn without_the_organization_its_policies_or_every_region_nothing_passes() {
        let values = Values::with(ALLOWED_REGIONS.name, Value::Strings(vec!["eu-central-1".to_owned()]));
        let gap = denied("organizations:DescribeOrganization");
        let lost = World { values: values.clone(), organization: Err(gap.clone()), ..World::new() };
        assert_eq!(judge_root(&CHECK, &lost), Err(gap));
        let mut cut = World { values: values.clone(), ..member(&[HOME], &[]) };
        cut.account.regions.insert("us-east-1".to_owned(), kms());
        let organization = cut.organization.as_mut().unwrap().as_mut().unwrap();
        organization.service_control_policies = Listing::missing(denied("organizations:ListPolicies"));
        assert_ne!(judge_root(&CHECK, &cut).map(|it| it.verdict), Ok(Verdict::Pass));
        let gap = denied("account:ListRegions");
        let mut partial = World { values, ..member(&[HOME], &[]) };
        partial.account.regions_gap = Some(gap.clone());
        assert_eq!(judge_root(&CHECK, &partial), Err(gap));
    }
}
