//! Console users whose MFA can be copied.

use super::credentials::{REPORT, row};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Arn, MfaDevice, User};

const DEVICES: &str = "iam:ListMFADevices";

pub(super) const CHECK: Check = Check {
    id: "iam-user-hardware-mfa",
    title: "Console users sign in with hardware MFA only",
    severity: Severity::Low,
    resource: "IAM user",
    rationale: "The secret of an authenticator app can be copied, and its code can be typed into a forged page. A security \
        key or passkey signs for the right page only, and has to be held in the hand.",
    rule: "For each user with a device, or with a console password (password_enabled in the credential report): FAIL if it \
        has no MFA device, or one whose serial number is the ARN of a virtual device (:mfa/) or of a telephone (:sms-mfa/); \
        PASS if all its devices are security keys, passkeys or hardware tokens.",
    exemptions: "Users with neither device nor console password are NOT_APPLICABLE: they cannot sign in, and \
        iam-user-mfa-all judges their keys.",
    blind_spots: "A passkey that a password manager synchronizes cannot be told from a security key. A user may have up to \
        eight devices: one virtual device among them fails.",
    remediation: Remediation {
        summary: "Have the user register a security key, and remove the virtual device.",
        steps: &[
            "Let the person register a security key, better two, under Security credentials, and sign in with it once.",
            "Then remove the virtual device.",
            "To verify, list the devices: none is an ARN with :mfa/ or :sms-mfa/.",
        ],
        commands: &["aws iam list-mfa-devices --user-name={user}"],
        risk: "Whoever loses all devices needs an administrator to sign in again. A removed virtual device cannot be \
            restored, but a new one can be registered.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", DEVICES, REPORT],
    parameters: &[],
    elsewhere: &["Prowler iam_user_hardware_mfa_enabled", "Steampipe iam_user_hardware_mfa_enabled"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

fn judge(user: &User, scope: &Scope<'_>) -> Judged {
    let devices = user.mfa_devices.known();
    let weak: Vec<&str> =
        devices.iter().filter(|it| is_copied(it)).map(|device| device.serial_number.as_str()).collect();
    let judgement = if weak.is_empty() {
        user.mfa_devices.whole()?;
        match devices.first() {
            Some(_) => Judgement::pass("no MFA device of the user is virtual"),
            None => {
                let row = row(&user.name, scope)?;
                let judgement = if row.flag("password_enabled")? {
                    Judgement::fail("the user has a console password and no MFA device")
                } else {
                    Judgement::not_applicable("the user has neither a console password nor an MFA device")
                };
                judgement.because_of(row.source)
            }
        }
    } else {
        Judgement::fail(format!("an MFA device of the user can be copied: {}", weak.join(", ")))
    };
    Ok(judgement.because_of_all(devices.iter().map(|device| &device.source)))
}

/// Whether the secret of a device is in software or goes to a telephone.
fn is_copied(device: &MfaDevice) -> bool {
    let resource = Arn::parse(&device.serial_number).map(|arn| arn.resource);
    resource.is_some_and(|it| it.starts_with("mfa/") || it.starts_with("sms-mfa/"))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn device(serial_number: &str) -> MfaDevice {
        MfaDevice { serial_number: serial_number.to_owned(), source: source(DEVICES) }
    }

    fn judged(mfa_devices: Listing<MfaDevice>, password: &str) -> Judged {
        let mut world = World::new();
        world.account.iam.credential_report = Ok(report("Alice", &[("password_enabled", password)]));
        judge_user(&CHECK, &User { mfa_devices, ..user() }, &world)
    }

    const APP: &str = "arn:aws:iam::111122223333:mfa/Alice";
    const SECURITY_KEY: &str = "arn:aws:iam::111122223333:u2f/user/Alice/key-1";

    #[test]
    fn every_device_must_be_hardware() {
        let verdict = |serials: &[&str], password| {
            judged(Listing::complete(serials.iter().map(|it| device(it)).collect()), password).unwrap().verdict
        };
        assert_eq!(verdict(&[SECURITY_KEY], "true"), Verdict::Pass);
        assert_eq!(verdict(&["GAHT12345678"], "true"), Verdict::Pass);
        assert_eq!(verdict(&[SECURITY_KEY, APP], "true"), Verdict::Fail);
        assert_eq!(verdict(&[APP], "false"), Verdict::Fail);
        assert_eq!(verdict(&["arn:aws:iam::111122223333:sms-mfa/Alice"], "true"), Verdict::Fail);
        assert_eq!(verdict(&[], "true"), Verdict::Fail);
        assert_eq!(verdict(&[], "false"), Verdict::NotApplicable);
    }

    #[test]
    fn without_the_devices_or_the_report_nothing_is_said_unless_a_device_fails() {
        let gap = denied(DEVICES);
        assert_eq!(judged(Listing::missing(gap.clone()), "true"), Err(gap.clone()));
        assert_eq!(judged(Listing::partial(vec![device(SECURITY_KEY)], gap.clone()), "true"), Err(gap.clone()));
        assert_eq!(judged(Listing::partial(vec![device(APP)], gap), "true").unwrap().verdict, Verdict::Fail);
        let mut world = World::new();
        world.account.iam.credential_report = Err(denied(REPORT));
        assert_eq!(judge_user(&CHECK, &user(), &world), Err(denied(REPORT)));
    }
}
