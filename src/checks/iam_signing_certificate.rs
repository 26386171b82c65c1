//! Root users and IAM users with an X.509 signing certificate.

use super::credentials::{REPORT, ROOT, row};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::User;

pub(super) const CHECK: Check = Check {
    id: "iam-signing-certificate",
    title: "Nobody has an X.509 signing certificate",
    severity: Severity::Medium,
    resource: "root user; IAM user",
    rationale: "A signing certificate is a long-term credential for the oldest interfaces of EC2. It asks for no MFA, and \
        no rule about access keys sees it.",
    rule: "FAIL if cert_1_active or cert_2_active of the credential report is true, for the root user and for each user.",
    exemptions: "None.",
    blind_spots: "The report may be four hours old. Inactive certificates pass, and can be made active again. Server \
        certificates are judged by iam-server-certificate-expired.",
    remediation: Remediation {
        summary: "Deactivate the certificate, then delete it.",
        steps: &[
            "Find out what uses it: tools that upload bundled images to EC2 (ec2-bundle-vol, ec2-upload-bundle).",
            "Deactivate the certificate, wait, and delete it. That of the root user is removed by the root user, under \
             Security credentials.",
            "To verify: no certificate is listed.",
        ],
        commands: &["aws iam list-signing-certificates --user-name={user}"],
        risk: "What signs with the certificate fails; aws iam update-signing-certificate with --status Active takes it back \
            until it is deleted.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", REPORT],
    parameters: &[],
    elsewhere: &["ScoutSuite iam-root-account-with-active-certs (root user)"],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge_root), Rule::User(judge_user)],
};

fn judge_root(scope: &Scope<'_>) -> Judged {
    judge(ROOT, scope)
}

fn judge_user(user: &User, scope: &Scope<'_>) -> Judged {
    judge(&user.name, scope)
}

fn judge(name: &str, scope: &Scope<'_>) -> Judged {
    let row = row(name, scope)?;
    let active = [row.flag("cert_1_active"), row.flag("cert_2_active")];
    let judgement = if active.contains(&Ok(true)) {
        Judgement::fail("a signing certificate is active")
    } else {
        let [first, second] = active;
        first?;
        second?;
        Judgement::pass("no signing certificate is active")
    };
    Ok(judgement.because_of(row.source))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;

    fn judged(cells: &[(&str, &str)]) -> [Judged; 2] {
        let of = |name: &str| {
            let mut world = World::new();
            world.account.iam.credential_report = Ok(report(name, cells));
            world
        };
        [of(ROOT).ask(super::judge_root), of("Alice").ask(|scope| super::judge_user(&user(), scope))]
    }

    #[test]
    fn either_certificate_fails_for_the_root_user_and_for_users() {
        for (first, second, verdict) in
            [("false", "false", Verdict::Pass), ("true", "false", Verdict::Fail), ("false", "true", Verdict::Fail)]
        {
            for judged in judged(&[("cert_1_active", first), ("cert_2_active", second)]) {
                assert_eq!(judged.unwrap().verdict, verdict);
            }
        }
    }

    #[test]
    fn without_a_column_or_the_report_nothing_is_said_unless_the_other_fails() {
        for judged in judged(&[("cert_1_active", "false")]) {
            assert!(judged.unwrap_err().reason().contains("cert_2_active"));
        }
        for judged in judged(&[("cert_2_active", "true")]) {
            assert_eq!(judged.unwrap().verdict, Verdict::Fail);
        }
        let mut world = World::new();
        world.account.iam.credential_report = Err(denied(REPORT));
        assert_eq!(world.ask(super::judge_root), Err(denied(REPORT)));
        assert_eq!(world.ask(|scope| super::judge_user(&user(), scope)), Err(denied(REPORT)));
    }
}
