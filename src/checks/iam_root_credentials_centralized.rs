//! Organizations that leave each member account its own root credentials.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Aspect, Judgement, Severity, Status};
use crate::model::Organization;

const FEATURES: &str = "iam:ListOrganizationsFeatures";
const CREDENTIALS: &str = "RootCredentialsManagement";
const SESSIONS: &str = "RootSessions";

pub(super) const CHECK: Check = Check {
    id: "iam-root-credentials-centralized",
    title: "The organization manages root credentials centrally",
    severity: Severity::Medium,
    resource: "organization",
    rationale: "A root user that has no credentials cannot be phished, and needs no MFA device in a safe. With centralized \
        root access the management account can remove them from every member account, and new accounts have none.",
    rule: "PASS if ListOrganizationsFeatures, asked in the management account, names RootCredentialsManagement; FAIL if it \
        does not. The aspect root-sessions says the same of RootSessions, by which the tasks of a root user are done without \
        its credentials.",
    exemptions: "Accounts outside any organization are NOT_APPLICABLE.",
    blind_spots: "The feature removes nothing by itself: whether a member account still has root credentials is what \
        iam-root-access-key and iam-root-mfa look at. The root user of the management account keeps its credentials.",
    remediation: Remediation {
        summary: "Turn on centralized root access in the management account.",
        steps: &[
            "In the management account run aws organizations enable-aws-service-access --service-principal \
             iam.amazonaws.com, then aws iam enable-organizations-root-credentials-management and aws iam \
             enable-organizations-root-sessions.",
            "Delete the root credentials of the member accounts one by one, after looking for what still uses them.",
            "To verify: aws iam list-organizations-features names RootCredentialsManagement.",
        ],
        commands: &[
            "aws organizations enable-aws-service-access --service-principal=iam.amazonaws.com",
            "aws iam enable-organizations-root-credentials-management",
            "aws iam list-organizations-features",
        ],
        risk: "Turning it on changes nothing for accounts that exist; aws iam \
            disable-organizations-root-credentials-management takes it back. Deleted credentials can be restored by a \
            password recovery that the management account allows.",
    },
    reads: &[FEATURES, "organizations:DescribeOrganization"],
    parameters: &[],
    elsewhere: &["Prowler iam_root_credentials_management_enabled", "CIS AWS Foundations 7.0.0 2.1.1"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Organization(judge)],
};

fn judge(_: &Organization, scope: &Scope<'_>) -> Judged {
    let features = scope.account.iam.organizations_features.as_ref().map_err(Clone::clone)?;
    let has = |name: &str| features.enabled.iter().any(|feature| feature == name);
    let judgement = if has(CREDENTIALS) {
        Judgement::pass("root credentials of member accounts are managed centrally")
    } else {
        Judgement::fail(
            "RootCredentialsManagement is not among the features of IAM that the organization has turned on",
        )
    };
    let sessions = Aspect {
        name: "root-sessions".to_owned(),
        parameters: "RootSessions is turned on".to_owned(),
        status: if has(SESSIONS) { Status::Pass } else { Status::Fail },
    };
    Ok(judgement.because_of(&features.source).with_aspect(sessions))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;

    fn judged(features: &[&str]) -> Judgement {
        let mut world = World::new();
        let enabled = features.iter().map(|it| (*it).to_owned()).collect();
        world.account.iam.organizations_features.as_mut().unwrap().enabled = enabled;
        judge_organization(&CHECK, &world).unwrap()
    }

    #[test]
    fn the_feature_decides_and_sessions_are_an_aspect() {
        let both = judged(&[CREDENTIALS, SESSIONS]);
        assert_eq!((both.verdict, both.aspects[0].status), (Verdict::Pass, Status::Pass));
        let one = judged(&[CREDENTIALS]);
        assert_eq!((one.verdict, one.aspects[0].status), (Verdict::Pass, Status::Fail));
        assert_eq!(judged(&[SESSIONS]).verdict, Verdict::Fail);
        assert_eq!(judged(&[]).verdict, Verdict::Fail);
    }

    #[test]
    fn without_the_answer_nothing_is_said() {
        let mut world = World::new();
        world.account.iam.organizations_features = Err(denied(FEATURES));
        assert_eq!(judge_organization(&CHECK, &world), Err(denied(FEATURES)));
    }
}
