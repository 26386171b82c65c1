//! Policies that name actions which do not exist.

use super::lint::{Question, READS_EVERY_DOCUMENT, SERVICES, never, over_every_document};
use super::{Check, Parameter, Remediation};
use crate::finding::{Severity, Status};
use crate::policy;

pub(super) const CHECK: Check = Check {
    id: "policy-unknown-action",
    title: "Policies name actions that exist",
    severity: Severity::Medium,
    resource: "customer managed policy; IAM user, group or role; KMS key; organization policy",
    rationale: "IAM stores any word as an action. A Deny of kms:DeleteKey looks like a guard against deletion and \
        stops nothing, because the operation is called kms:ScheduleKeyDeletion; an Allow of such a name gives nothing \
        to whoever needs it.",
    rule: "Takes the default version of each customer managed policy, the inline policies and the trust policy of each \
        user, group and role (one finding for each owner), the policies of each customer managed key, and each service \
        control and resource control policy. FAIL if Action or NotAction holds a name, or a pattern that matches no \
        name, of iam, kms, organizations, s3 or sts that the Service Authorization Reference does not list, a name \
        without service, or one with a blank or comma; medium in a Deny, low in an Allow. UNDECIDED if a name of \
        another service, or a service, is not in the reference that ships with this program; PASS otherwise.",
    exemptions: "AWS managed keys, service-linked roles, and users and groups without an inline policy are \
        NOT_APPLICABLE. Names of services that the parameter services leaves out are not judged (by default it leaves out none).",
    blind_spots: "That an action exists does not mean that it is the one that was meant. The reference has the date \
        that keyproof version prints: what AWS added since is not known. AWS managed policies are not looked at; \
        organization policies are judged with the account that manages the organization.",
    remediation: Remediation {
        summary: "Write the name of the action that was meant.",
        steps: &[
            "The reason names the statement, the word, and the nearest real name.",
            "Look the action up in the Service Authorization Reference; for deletion of keys it is \
             kms:ScheduleKeyDeletion.",
            "Managed policy: aws iam create-policy-version --policy-arn \"$POLICY_ARN\" --policy-document \
             file://policy.json --set-as-default (the old version stays).",
            "Key policy: aws kms put-key-policy --key-id \"$KEY_ID\" --policy file://policy.json (save the old one \
             before, by aws kms get-key-policy --key-id \"$KEY_ID\" --output text).",
            "Verify the document before it is stored: keyproof policy lint policy.json says nothing of unknown \
             actions.",
        ],
        commands: &[
            "aws iam create-policy-version --policy-arn={policy} --policy-document=file://policy.json --set-as-default",
            "aws iam list-user-policies --user-name={user}",
            "aws iam list-group-policies --group-name={group}",
            "aws iam list-role-policies --role-name={role}",
            "aws kms get-key-policy --region={region} --key-id={key} --output text > policy-before.json",
            "aws kms put-key-policy --region={region} --key-id={key} --policy=file://policy.json",
            "aws organizations describe-policy --policy-id={organization_policy}",
            "aws organizations update-policy --policy-id={organization_policy} --content=file://policy.json",
        ],
        risk: "A Deny that begins to work stops calls that went through before: look for them in CloudTrail first. The \
            way back is the old version, or the saved document.",
    },
    reads: READS_EVERY_DOCUMENT,
    parameters: &[Parameter::Strings(SERVICES)],
    elsewhere: &["IAM Access Analyzer policy check: Invalid action"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: over_every_document!(QUESTION),
};

const QUESTION: Question =
    Question { rule: policy::Rule::UnknownAction, otherwise: "every action that is named exists", doubts: never };

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Principal, Role, User};

    fn statement(effect: &str, action: &str) -> String {
        format!(r#"{{"Sid": "One", "Effect": "{effect}", "Action": "{action}", "Resource": "*"}}"#)
    }

    fn for_everyone(effect: &str, action: &str) -> String {
        statement(effect, action).replace(r#""Effect""#, r#""Principal": "*", "Effect""#)
    }

    #[test]
    fn names_of_other_services_may_be_left_out() {
        let of = |services: &[&str], action: &str| {
            let services = services.iter().map(|it| (*it).to_owned()).collect();
            let world = World { values: Values::with(SERVICES.name, Value::Strings(services)), ..World::new() };
            judge_managed_in(&CHECK, &managed(statements(&statement("Deny", action))), &world).unwrap().verdict
        };
        for services in [&[][..], &["kms"], &["iam", "KMS"]] {
            assert_eq!(of(services, "kms:DeleteKey"), Verdict::Fail, "{services:?}");
        }
        assert_eq!(of(&["iam"], "kms:DeleteKey"), Verdict::Pass);
        assert_eq!(of(&["iam"], "DeleteKey"), Verdict::Fail);
    }

    #[test]
    fn a_name_that_does_not_exist_fails_wherever_it_stands() {
        let deny = statements(&statement("Deny", "kms:DeleteKey"));
        let judgement = judge_managed(&CHECK, &managed(deny.clone())).unwrap();
        assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(Severity::Medium)));
        assert!(
            judgement.reason.contains("statement 0: `kms:DeleteKey` is no action of `kms`"),
            "{}",
            judgement.reason
        );
        assert!(judgement.reason.contains("kms:ScheduleKeyDeletion"), "{}", judgement.reason);
        assert_eq!(judgement.statements[0].sid.as_deref(), Some("One"));
        let user = User { inline_policies: vec![inline("Own", deny.clone())], ..user() };
        let judgement = judge_principal(&CHECK, Principal::User(&user)).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert!(judgement.reason.starts_with("inline policy Own, statement 0: "), "{}", judgement.reason);
        let trust_policy = statements(&for_everyone("Allow", "sts:AssumeRoles").replace(r#", "Resource": "*""#, ""));
        let judgement = judge_principal(&CHECK, Principal::Role(&Role { trust_policy, ..role("/") })).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert!(judgement.reason.starts_with("trust policy, statement 0: "), "{}", judgement.reason);
        assert_eq!(judge_service_control(&CHECK, deny).unwrap().verdict, Verdict::Fail);
        let perimeter = statements(&for_everyone("Deny", "kms:Decryption"));
        assert_eq!(judge_resource_control(&CHECK, perimeter.clone()).unwrap().verdict, Verdict::Fail);
        assert_eq!(judge_key_policy(&CHECK, perimeter).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn an_allow_that_gives_nothing_matters_less() {
        let judgement = judge_managed(&CHECK, &managed(statements(&statement("Allow", "kms:Deencrypt")))).unwrap();
        assert_eq!((judgement.verdict, judgement.severity), (Verdict::Fail, Some(Severity::Low)));
    }

    #[test]
    fn names_and_patterns_of_names_that_exist_pass() {
        for action in ["*", "kms:*", "KMS:decrypt", "kms:ReEncrypt*", "kms:ReEncryptFrom", "s3:GetObject", "ec2:Run*"] {
            let judgement = judge_managed(&CHECK, &managed(statements(&statement("Allow", action)))).unwrap();
            assert_eq!(judgement.verdict, Verdict::Pass, "{action}: {}", judgement.reason);
        }
    }

    #[test]
    fn what_the_reference_may_lack_is_undecided() {
        for action in ["ec2:RunInstance", "newservice:DoIt"] {
            let judgement = judge_managed(&CHECK, &managed(statements(&statement("Deny", action)))).unwrap();
            assert_eq!(judgement.verdict, Verdict::Undecided, "{action}: {}", judgement.reason);
        }
    }

    #[test]
    fn what_aws_owns_is_exempt() {
        assert_exempts_what_aws_owns(&CHECK);
    }

    #[test]
    fn without_a_document_nothing_is_said() {
        assert_says_nothing_without_documents(&CHECK);
        let gap = denied("iam:GetAccountAuthorizationDetails");
        let bad = inline("Bad", statements(&statement("Deny", "kms:DeleteKey")));
        let user = User { inline_policies: vec![inline("Lost", Err(gap)), bad], ..user() };
        assert_eq!(judge_principal(&CHECK, Principal::User(&user)).unwrap().verdict, Verdict::Fail);
    }
}
