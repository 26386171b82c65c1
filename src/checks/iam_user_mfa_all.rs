//! Users without an MFA device, with or without a console password.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::User;

const DEVICES: &str = "iam:ListMFADevices";

pub(super) const CHECK: Check = Check {
    id: "iam-user-mfa-all",
    title: "Every IAM user has an MFA device",
    severity: Severity::Medium,
    resource: "IAM user",
    rationale: "Policies can ask for MFA only of users who have a device. A user without one either escapes such a policy or \
        is locked out by it, and its access keys alone open all that it may do.",
    rule: "PASS if ListMFADevices lists at least one device for the user, FAIL if it lists none. Whether the user has a \
        console password does not matter.",
    exemptions: "None.",
    blind_spots: "A device that is enrolled is not a device that is demanded: calls with access keys need no MFA unless a \
        policy asks for it. Users of workloads cannot hold a device; they fail here, and a role would serve them better.",
    remediation: Remediation {
        summary: "Have the user register an MFA device, or replace a user of a workload by a role.",
        steps: &[
            "If no person works with the user, move the workload to a role and delete the user.",
            "Otherwise let the person register a passkey, a security key or an authenticator app under Security credentials.",
            "Deny what matters without MFA, by a condition BoolIfExists aws:MultiFactorAuthPresent false in a Deny.",
            "To verify: aws iam list-mfa-devices --user-name USER_NAME lists a device.",
        ],
        commands: &["aws iam list-mfa-devices --user-name={user}"],
        risk: "Registering a device changes only the next sign-in; aws iam deactivate-mfa-device takes it back. A \
            policy that demands MFA stops scripts that use long-term keys.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", DEVICES],
    parameters: &[],
    elsewhere: &["AWS Security Hub IAM.19", "AWS Config iam-user-mfa-enabled", "Steampipe iam_user_mfa_enabled"],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

fn judge(user: &User, _: &Scope<'_>) -> Judged {
    let devices = user.mfa_devices.known();
    let judgement = if let Some(device) = devices.first() {
        let more = match devices.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Judgement::pass(format!("the user has the MFA device {}{more}", device.serial_number))
    } else {
        user.mfa_devices.whole()?;
        Judgement::fail("the user has no MFA device").because_of(&user.source)
    };
    Ok(judgement.because_of_all(devices.iter().map(|device| &device.source)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Listing, MfaDevice};

    fn judged(mfa_devices: Listing<MfaDevice>) -> Judged {
        judge_user(&CHECK, &User { mfa_devices, ..user() }, &World::new())
    }

    fn device() -> MfaDevice {
        MfaDevice { serial_number: format!("arn:aws:iam::{ACCOUNT}:mfa/Alice"), source: source(DEVICES) }
    }

    #[test]
    fn one_device_passes_and_none_fails() {
        assert_eq!(judged(Listing::complete(vec![device(), device()])).unwrap().verdict, Verdict::Pass);
        assert_eq!(judged(Listing::complete(vec![])).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn without_the_list_nothing_is_said_unless_a_device_is_known() {
        let gap = denied(DEVICES);
        assert_eq!(judged(Listing::missing(gap.clone())), Err(gap.clone()));
        assert_eq!(judged(Listing::partial(vec![device()], gap)).unwrap().verdict, Verdict::Pass);
    }
}
