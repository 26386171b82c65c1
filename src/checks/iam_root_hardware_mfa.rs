//! Root users whose MFA device is virtual.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, VirtualMfaDevice};

const SUMMARY: &str = "iam:GetAccountSummary";
const DEVICES: &str = "iam:ListVirtualMFADevices";
const MFA_ENABLED: &str = "AccountMFAEnabled";
const PASSWORD_PRESENT: &str = "AccountPasswordPresent";

pub(super) const CHECK: Check = Check {
    id: "iam-root-hardware-mfa",
    title: "The root user signs in with hardware MFA only",
    severity: Severity::Critical,
    resource: "root user",
    rationale: "The secret of a virtual MFA device can be copied, backed up and restored on another telephone. A hardware \
        device has to be held in the hand, so that two people and a safe can control who is the root user.",
    rule: "PASS if GetAccountSummary says AccountPasswordPresent 0, or AccountMFAEnabled 1 and ListVirtualMFADevices has no \
        device of the root user. FAIL if a virtual device is assigned to the root user (its serial number ends in \
        :mfa/root-account-mfa-device, or its user is the root user), or AccountMFAEnabled is 0.",
    exemptions: "None.",
    blind_spots: "Passkeys and security keys count as hardware; a passkey that a password manager synchronizes cannot \
        be told from a security key. The root user may have up to eight devices: one virtual device among them fails.",
    remediation: Remediation {
        summary: "Register security keys for the root user and remove its virtual MFA device, or remove its credentials.",
        steps: &[
            "In an organization: turn on centralized root access, then delete the root credentials of the member account.",
            "Otherwise sign in as the root user and register two security keys under Security credentials.",
            "Sign in with each of them once, then remove the virtual device there.",
            "To verify: aws iam list-virtual-mfa-devices --assignment-status Assigned names no device of the root user.",
        ],
        commands: &["aws iam list-virtual-mfa-devices --assignment-status=Assigned", "aws iam get-account-summary"],
        risk: "Whoever loses all devices has to prove the ownership of the account to AWS Support. A removed virtual device \
            cannot be restored, but a new one can be registered.",
    },
    reads: &[SUMMARY, DEVICES],
    parameters: &[],
    elsewhere: &[
        "AWS Security Hub IAM.6",
        "AWS Config root-account-hardware-mfa-enabled",
        "Prowler iam_root_hardware_mfa_enabled",
        "Steampipe iam_root_user_hardware_mfa_enabled",
        "CIS AWS Foundations 7.0.0 2.6",
        "ScoutSuite iam-root-account-no-hardware-mfa",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    let iam = &scope.account.iam;
    let summary = iam.summary.as_ref().map_err(Clone::clone)?;
    let mfa_enabled = summary
        .map
        .get(MFA_ENABLED)
        .ok_or_else(|| Gap::malformed(SUMMARY, &[], format!("the answer has no {MFA_ENABLED}")))?;
    let is_passwordless = summary.map.get(PASSWORD_PRESENT) == Some(&0);
    let root_arn = scope.account.root_arn();
    let mut devices = iam.virtual_mfa_devices.known().iter().filter(|device| is_of_root(device, &root_arn));
    let judgement = if is_passwordless {
        Judgement::pass("the root user has no password, so nobody can sign in with one")
            .because_of(&summary.source.child(PASSWORD_PRESENT))
    } else if let Some(device) = devices.next() {
        Judgement::fail(format!("the root user has the virtual MFA device {}", device.serial_number))
            .because_of(&device.source)
    } else if *mfa_enabled == 0 {
        Judgement::fail("the root user has no MFA device")
    } else {
        iam.virtual_mfa_devices.whole()?;
        Judgement::pass("the root user has MFA, and none of its devices is virtual")
    };
    Ok(judgement.because_of(&summary.source.child(MFA_ENABLED)))
}

fn is_of_root(device: &VirtualMfaDevice, root_arn: &str) -> bool {
    device.serial_number.ends_with(":mfa/root-account-mfa-device") || device.user_arn.as_deref() == Some(root_arn)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn device(serial: &str, user: Option<String>) -> VirtualMfaDevice {
        let serial_number = format!("arn:aws:iam::{ACCOUNT}:mfa/{serial}");
        VirtualMfaDevice { serial_number, user_arn: user, source: source(DEVICES) }
    }

    fn judged(counts: &[(&str, i64)], devices: Listing<VirtualMfaDevice>) -> Judged {
        let mut world = World::new();
        world.account.iam.summary.as_mut().unwrap().map =
            counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        world.account.iam.virtual_mfa_devices = devices;
        judge_root(&CHECK, &world)
    }

    const WITH_MFA: &[(&str, i64)] = &[(MFA_ENABLED, 1), (PASSWORD_PRESENT, 1)];

    #[test]
    fn a_virtual_device_of_the_root_user_fails_under_any_serial_number() {
        let verdict = |devices| judged(WITH_MFA, Listing::complete(devices)).unwrap().verdict;
        assert_eq!(verdict(vec![device("root-account-mfa-device", None)]), Verdict::Fail);
        assert_eq!(verdict(vec![device("phone", Some(format!("arn:aws:iam::{ACCOUNT}:root")))]), Verdict::Fail);
        assert_eq!(verdict(vec![device("Alice", Some(user().arn)), device("unassigned", None)]), Verdict::Pass);
        assert_eq!(verdict(vec![]), Verdict::Pass);
    }

    #[test]
    fn without_mfa_only_the_certain_absence_of_a_password_passes() {
        let verdict = |counts| judged(counts, Listing::complete(vec![])).unwrap().verdict;
        assert_eq!(verdict(&[(MFA_ENABLED, 0), (PASSWORD_PRESENT, 1)]), Verdict::Fail);
        assert_eq!(verdict(&[(MFA_ENABLED, 0)]), Verdict::Fail);
        assert_eq!(verdict(&[(MFA_ENABLED, 0), (PASSWORD_PRESENT, 0)]), Verdict::Pass);
    }

    #[test]
    fn without_the_summary_or_the_whole_list_nothing_is_said() {
        let gap = denied(DEVICES);
        assert_eq!(judged(WITH_MFA, Listing::missing(gap.clone())), Err(gap.clone()));
        let known = Listing::partial(vec![device("root-account-mfa-device", None)], gap);
        assert_eq!(judged(WITH_MFA, known).unwrap().verdict, Verdict::Fail);
        assert!(judged(&[(PASSWORD_PRESENT, 1)], Listing::complete(vec![])).is_err());
        let mut world = World::new();
        world.account.iam.summary = Err(denied(SUMMARY));
        assert_eq!(judge_root(&CHECK, &world), Err(denied(SUMMARY)));
    }
}
