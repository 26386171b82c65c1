//! Roles that an AWS service may assume on anybody's behalf.

use super::sources::{looks_at_source, scopes};
use super::trust::{self, allows};
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings, reference};
use crate::finding::{Judgement, Severity, StatementReference, Status};
use crate::model::Role;
use crate::policy::{Effect, Match, Principal, Statement};

const EXEMPT_SERVICES: Strings = Strings {
    name: "exempt_services",
    meaning: "Services whose trust needs no condition on the source, because they do not send it.",
    default: &["ec2.amazonaws.com", "edgelambda.amazonaws.com", "lambda.amazonaws.com"],
    form: Form::Text,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-role-trust-service-unscoped",
    title: "AWS services assume roles only for known resources",
    severity: Severity::Medium,
    resource: "IAM role",
    rationale: "An AWS service calls for many customers. Where a role trusts a service for whatever resource, \
        somebody else's resource may make the service use the role: the service is a confused deputy.",
    rule: "Looks at Allow statements of the trust policy on sts:AssumeRole that name AWS services other than exempt_services \
        (ec2.amazonaws.com, edgelambda.amazonaws.com, lambda.amazonaws.com, which send no source). FAIL if one has no \
        condition that must hold and compares aws:SourceAccount, aws:SourceArn, aws:SourceOrgID or aws:SourceOrgPaths with \
        values of which the account or organization is written out. PASS if each has one. UNDECIDED if a policy variable \
        stands for the source, or a Deny statement looks at it.",
    exemptions: "Service-linked roles, and roles that trust no service but exempt_services, are NOT_APPLICABLE.",
    blind_spots: "AWS does not say of every service whether it sends the source: where it does not, a condition would \
        stop the service, and the service belongs into exempt_services. Many services refuse roles of other accounts \
        by themselves (iam:PassRole), which is not seen here.",
    remediation: Remediation {
        summary: "Add a condition on aws:SourceAccount or aws:SourceArn to the trust policy.",
        steps: &[
            "Look in the documentation of the service whether it sends aws:SourceAccount and aws:SourceArn.",
            "Save the document, add StringEquals aws:SourceAccount with the account id, or ArnLike aws:SourceArn, and \
             run aws iam update-assume-role-policy --role-name ROLE_NAME --policy-document file://trust.json.",
            "To verify: aws iam get-role --role-name ROLE_NAME shows the condition, and CloudTrail shows AssumeRole by the \
             service without AccessDenied.",
        ],
        commands: &[
            "aws iam get-role --role-name={role} --query=Role.AssumeRolePolicyDocument > trust-before.json",
            "aws iam update-assume-role-policy --role-name={role} --policy-document=file://trust.json",
        ],
        risk: "A service that does not send the key can no longer assume the role: try it on one role first. The \
            saved document takes it back.",
    },
    reads: &["iam:GetAccountAuthorizationDetails"],
    parameters: &[Parameter::Strings(EXEMPT_SERVICES)],
    elsewhere: &[
        "Prowler iam_role_cross_service_confused_deputy_prevention",
        "Cloudsplaining AssumableByComputeService",
        "PMapper possible confused deputies",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::Role(judge)],
};

fn judge(role: &Role, scope: &Scope<'_>) -> Judged {
    let exempt = scope.values.strings(&EXEMPT_SERVICES);
    trust::judged(role, |document| {
        let speaking: Vec<(&Statement, Vec<&str>)> = allows(document)
            .filter(|(_, element)| !element.negated)
            .map(|(statement, element)| {
                let services = element.entries.iter().filter_map(service).filter(|name| !exempt.contains(name));
                (statement, services.collect::<Vec<_>>())
            })
            .filter(|(_, services)| !services.is_empty())
            .collect();
        if speaking.is_empty() {
            return Ok(Judgement::not_applicable("the role trusts no service that is known to send a source"));
        }
        let of = |wanted: Match| {
            let scoped = |statement: &Statement| statement.tests().map(scopes).max().unwrap_or(Match::No);
            speaking.iter().filter(move |(statement, _)| scoped(statement) == wanted).collect::<Vec<_>>()
        };
        let (open, unsure) = (of(Match::No), of(Match::Unsure));
        let words = |found: &[&(&Statement, Vec<&str>)]| {
            let mut services: Vec<&str> = found.iter().flat_map(|(_, services)| services.iter().copied()).collect();
            services.sort_unstable();
            services.dedup();
            services.join(", ")
        };
        let (judgement, decisive) = if !open.is_empty() {
            let services = words(&open);
            if document.statements_of(Effect::Deny).any(looks_at_source) {
                let reason =
                    format!("{services} may assume the role for any resource, unless a Deny on the source stops it");
                (Judgement::undecided(reason), open)
            } else {
                (Judgement::fail(format!("{services} may assume the role for anybody's resources")), open)
            }
        } else if !unsure.is_empty() {
            let services = words(&unsure);
            let reason = format!("{services} may assume the role for resources that a policy variable chooses");
            (Judgement::undecided(reason), unsure)
        } else {
            let services = words(&speaking.iter().collect::<Vec<_>>());
            (Judgement::pass(format!("{services} may assume the role for resources that the statement names")), vec![])
        };
        let statements = decisive.into_iter().map(|(statement, _)| reference("trust policy", statement));
        Ok(judgement.by_statements(statements.collect::<Vec<StatementReference>>()))
    })
}

fn service(entry: &Principal) -> Option<&str> {
    match entry {
        Principal::Service(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;

    fn judged(principal: &str, rest: &str, world: &World) -> Judged {
        let trust = format!(r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{{principal}}}{rest}}}"#);
        judge_role(&CHECK, &Role { trust_policy: statements(&trust), ..role("/") }, world)
    }

    const CONFIG: &str = r#""Service": "config.amazonaws.com""#;

    fn verdict(principal: &str, test: &str) -> Verdict {
        let rest = if test.is_empty() { String::new() } else { format!(r#", "Condition": {{{test}}}"#) };
        judged(principal, &rest, &World::new()).unwrap().verdict
    }

    #[test]
    fn a_service_needs_a_source_that_is_written_out() {
        assert_eq!(verdict(CONFIG, ""), Verdict::Fail);
        assert_eq!(verdict(CONFIG, r#""StringEquals": {"aws:SourceAccount": "111122223333"}"#), Verdict::Pass);
        assert_eq!(verdict(CONFIG, r#""StringEquals": {"aws:SourceOrgID": "o-exampleorgid"}"#), Verdict::Pass);
        let arn = r#""ArnLike": {"aws:SourceArn": "arn:aws:config:*:111122223333:*"}"#;
        assert_eq!(verdict(CONFIG, arn), Verdict::Pass);
        for weak in [
            r#""StringLike": {"aws:SourceAccount": "*"}"#,
            r#""StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}"#,
            r#""Bool": {"aws:SecureTransport": "true"}"#,
        ] {
            assert_eq!(verdict(CONFIG, weak), Verdict::Fail, "{weak}");
        }
        let variable = r#""StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}"#;
        assert_eq!(verdict(CONFIG, variable), Verdict::Undecided);
    }

    #[test]
    fn a_deny_on_the_source_leaves_it_open() {
        let deny = r#"}, {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*",
            "Condition": {"StringNotEquals": {"aws:SourceAccount": "111122223333"}}"#;
        assert_eq!(judged(CONFIG, deny, &World::new()).unwrap().verdict, Verdict::Undecided);
    }

    #[test]
    fn services_that_send_no_source_people_and_service_linked_roles_are_exempt() {
        assert_eq!(verdict(r#""Service": "ec2.amazonaws.com""#, ""), Verdict::NotApplicable);
        assert_eq!(verdict(r#""AWS": "111122223333""#, ""), Verdict::NotApplicable);
        assert_eq!(verdict(r#""Service": ["ec2.amazonaws.com", "config.amazonaws.com"]"#, ""), Verdict::Fail);
        let of_aws = role("/aws-service-role/x.amazonaws.com/");
        assert_eq!(judge_role(&CHECK, &of_aws, &World::new()).unwrap().verdict, Verdict::NotApplicable);
        let values = Values::with(EXEMPT_SERVICES.name, Value::Strings(vec!["config.amazonaws.com".to_owned()]));
        let world = World { values, ..World::new() };
        assert_eq!(judged(CONFIG, "", &world).unwrap().verdict, Verdict::NotApplicable);
        assert_eq!(judged(r#""Service": "ec2.amazonaws.com""#, "", &world).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn without_the_policy_nothing_is_said() {
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let unread = Role { trust_policy: Err(gap.clone()), ..role("/") };
        assert_eq!(judge_role(&CHECK, &unread, &World::new()), Err(gap));
    }
}
