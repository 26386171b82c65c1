//! Administrators among the users who have no MFA device.

use super::administrators::{Through, administration};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Principal, User};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";
const DEVICES: &str = "iam:ListMFADevices";

pub(super) const CHECK: Check = Check {
    id: "iam-administrator-mfa",
    title: "Users who are administrators have an MFA device",
    severity: Severity::High,
    resource: "IAM user",
    rationale: "A password or an access key of an administrator opens the whole account. One second factor is the \
        least that stands between a stolen password and every key.",
    rule: "For each user whose policies, those of its groups included, allow every action on every resource (one policy by \
        itself, told as in iam-administrator-access): PASS if ListMFADevices lists at least one device, FAIL if none. \
        UNDECIDED if it has no device and whether it is an administrator depends on what AWS does not document.",
    exemptions: "Users who are no administrators, and those whom a permissions boundary keeps from being one, are \
        NOT_APPLICABLE.",
    blind_spots: "A device that is enrolled is not a device that is demanded: access keys work without it unless a policy \
        asks for it. Administrators who come through roles or Identity Center are not seen. Users who can give \
        themselves the rest are judged by iam-privilege-escalation.",
    remediation: Remediation {
        summary: "Have the administrator register a security key, or take administration from the user.",
        steps: &[
            "Let the person sign in, and register a passkey or security key under Security credentials.",
            "Better: give the person an Identity Center permission set, and delete the user.",
            "Deny everything but the registration without MFA, by BoolIfExists aws:MultiFactorAuthPresent false.",
        ],
        commands: &["aws iam list-mfa-devices --user-name={user}"],
        risk: "Registering a device changes only the next sign-in; aws iam deactivate-mfa-device takes it back.",
    },
    reads: &[DETAILS, DEVICES],
    parameters: &[],
    elsewhere: &[
        "Prowler iam_administrator_access_with_mfa",
        "Steampipe iam_user_with_administrator_access_mfa_enabled",
        "PMapper administrators without MFA",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Undecided, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

fn judge(user: &User, scope: &Scope<'_>) -> Judged {
    let Some(found) = administration(Principal::User(user), Through::Groups, scope)? else {
        return Ok(Judgement::not_applicable("the user is no administrator").because_of(&user.source));
    };
    let policies = found.policies.join(", ");
    let devices = user.mfa_devices.known();
    let judgement = if let Some(device) = devices.first() {
        Judgement::pass(format!("the administrator has the MFA device {}", device.serial_number))
            .because_of(&device.source)
    } else {
        user.mfa_devices.whole()?;
        match found.certain {
            true => Judgement::fail(format!("the user is an administrator by {policies} and has no MFA device")),
            false => Judgement::undecided(format!(
                "the user has no MFA device, and whether {policies} makes it an administrator is not documented or not told"
            )),
        }
    };
    Ok(judgement.because_of(&user.source).because_of_all(found.sources).by_statements(found.statements))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Group, Listing, MfaDevice};

    fn administrators() -> Group {
        let all = statements(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#);
        Group { inline_policies: vec![inline("all", all)], ..group() }
    }

    fn world() -> World {
        let mut world = World::new();
        world.account.iam.groups = Listing::complete(vec![administrators()]);
        world
    }

    fn member(devices: Listing<MfaDevice>) -> User {
        User { groups: vec![group().name], mfa_devices: devices, ..user() }
    }

    fn device() -> MfaDevice {
        MfaDevice { serial_number: "GAHT12345678".to_owned(), source: source(DEVICES) }
    }

    #[test]
    fn an_administrator_needs_a_device_even_one_by_group() {
        let verdict = |user: &User| judge_user(&CHECK, user, &world()).unwrap().verdict;
        assert_eq!(verdict(&member(Listing::complete(vec![]))), Verdict::Fail);
        assert_eq!(verdict(&member(Listing::complete(vec![device()]))), Verdict::Pass);
        assert_eq!(verdict(&user()), Verdict::NotApplicable);
        let own = User { inline_policies: administrators().inline_policies, ..user() };
        assert_eq!(verdict(&own), Verdict::Fail);
    }

    #[test]
    fn whether_somebody_is_an_administrator_may_be_open() {
        let letters: Vec<String> = ('a'..='z').chain('0'..='9').chain(['-']).map(|it| format!("\"{it}*\"")).collect();
        let text = format!(r#"{{"Effect": "Allow", "Action": [{}], "Resource": "*"}}"#, letters.join(","));
        let user = User { inline_policies: vec![inline("own", statements(&text))], ..user() };
        assert_eq!(judge_user(&CHECK, &user, &World::new()).unwrap().verdict, Verdict::Undecided);
    }

    #[test]
    fn without_the_devices_the_groups_or_a_policy_nothing_is_said() {
        let gap = denied(DEVICES);
        assert_eq!(judge_user(&CHECK, &member(Listing::missing(gap.clone())), &world()), Err(gap.clone()));
        let known = member(Listing::partial(vec![device()], gap));
        assert_eq!(judge_user(&CHECK, &known, &world()).unwrap().verdict, Verdict::Pass);
        let gap = denied(DETAILS);
        let mut lost = world();
        lost.account.iam.groups = Listing::missing(gap.clone());
        assert_eq!(judge_user(&CHECK, &member(Listing::complete(vec![])), &lost), Err(gap.clone()));
        let unread = User { inline_policies: vec![inline("lost", Err(gap.clone()))], ..user() };
        assert_eq!(judge_user(&CHECK, &unread, &World::new()), Err(gap));
    }
}
