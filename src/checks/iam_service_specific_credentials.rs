//! Users with long-lived credentials for single services.

use jiff::SignedDuration;

use super::{Check, Form, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Gap, ServiceSpecificCredential, User};

const CREDENTIALS: &str = "iam:ListServiceSpecificCredentials";

const MAX_DAYS_LEFT: Integer = Integer {
    name: "max_days_left",
    meaning: "How long an active credential may still be valid.",
    unit: "days",
    default: 30,
    least: 1,
    most: 3650,
    loosens: Loosens::More,
};

const ALLOWED_SERVICES: Strings = Strings {
    name: "allowed_services",
    meaning: "Services whose credentials may be long-lived, such as codecommit.amazonaws.com.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::More,
};

pub(super) const CHECK: Check = Check {
    id: "iam-service-specific-credentials",
    title: "Users have no long-lived credentials for single services",
    severity: Severity::Medium,
    resource: "IAM user",
    rationale: "API keys of Bedrock, Git passwords and Keyspaces passwords work without MFA and without signing, and \
        are not in the credential report. They are pasted into tools and stay valid.",
    rule: "FAIL if ListServiceSpecificCredentials lists an Active credential of the user that does not expire, or not within \
        max_days_left (30) after the as-of time, for a service that is not in allowed_services (by default none).",
    exemptions: "None.",
    blind_spots: "Whether and how often a credential is used is not known. Short-lived API keys that a session makes \
        for itself are not listed by IAM. What the credential may do is what the user may do in that service.",
    remediation: Remediation {
        summary: "Replace the credential by a role or a short-lived key, then delete it.",
        steps: &[
            "Find out what uses it, and give it a role; for Git use git-remote-codecommit, for Bedrock a short-term key.",
            "Deactivate it: aws iam update-service-specific-credential --user-name USER_NAME \
             --service-specific-credential-id CREDENTIAL_ID --status Inactive.",
            "After some days: aws iam delete-service-specific-credential --user-name USER_NAME \
             --service-specific-credential-id CREDENTIAL_ID.",
            "To verify: aws iam list-service-specific-credentials --user-name USER_NAME lists none as Active.",
        ],
        commands: &[
            "aws iam list-service-specific-credentials --user-name={user}",
            "aws iam update-service-specific-credential --user-name={user} --service-specific-credential-id=CREDENTIAL_ID --status=Inactive",
        ],
        risk: "What still uses it stops; --status Active takes it back until it is deleted.",
    },
    reads: &["iam:GetAccountAuthorizationDetails", CREDENTIALS],
    parameters: &[Parameter::Integer(MAX_DAYS_LEFT), Parameter::Strings(ALLOWED_SERVICES)],
    elsewhere: &["Prowler bedrock_api_key_no_long_term_credentials"],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::User(judge)],
};

fn judge(user: &User, scope: &Scope<'_>) -> Judged {
    let allowed = scope.values.strings(&ALLOWED_SERVICES);
    let limit = SignedDuration::from_hours(24 * scope.values.integer(&MAX_DAYS_LEFT));
    let is_long_lived = |it: &ServiceSpecificCredential| {
        it.expiration_date.is_none_or(|expiration| expiration.duration_since(scope.as_of) > limit)
    };
    let known = user.service_specific_credentials.known();
    let is_exception = |it: &&ServiceSpecificCredential| {
        it.status == "Active" && !allowed.contains(&it.service.as_str()) && is_long_lived(it)
    };
    let found: Vec<&ServiceSpecificCredential> = known.iter().filter(is_exception).collect();
    if !found.is_empty() {
        let words = |it: &&ServiceSpecificCredential| match it.expiration_date {
            None => format!("{} for {}, which does not expire", it.id, it.service),
            Some(expiration) => format!("{} for {}, which expires at {expiration}", it.id, it.service),
        };
        let words: Vec<String> = found.iter().map(words).collect();
        let judgement = Judgement::fail(format!("the user has {}", words.join("; ")));
        return Ok(judgement.because_of_all(found.iter().map(|it| &it.source)));
    }
    user.service_specific_credentials.whole()?;
    if let Some(it) = known.iter().find(|it| !["Active", "Inactive", "Expired"].contains(&it.status.as_str())) {
        let message = format!("the status of {} is `{}`", it.id, it.status);
        return Err(Gap::malformed(CREDENTIALS, &[&user.name], message));
    }
    let judgement = Judgement::pass("the user has no long-lived credential for a single service");
    Ok(judgement.because_of(&user.source).because_of_all(known.iter().map(|it| &it.source)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn credential(status: &str, expiration: Option<&str>) -> ServiceSpecificCredential {
        ServiceSpecificCredential {
            id: "ACCAEXAMPLEEXAMPLE123".to_owned(),
            service: "bedrock.amazonaws.com".to_owned(),
            status: status.to_owned(),
            expiration_date: expiration.map(|time| time.parse().unwrap()),
            source: source(CREDENTIALS),
        }
    }

    fn judged(credentials: Listing<ServiceSpecificCredential>, values: Values) -> Judged {
        let user = User { service_specific_credentials: credentials, ..user() };
        judge_user(&CHECK, &user, &World { values, ..World::new() })
    }

    fn verdict(credentials: Vec<ServiceSpecificCredential>) -> Verdict {
        judged(Listing::complete(credentials), Values::default()).unwrap().verdict
    }

    #[test]
    fn an_active_credential_that_stays_valid_fails() {
        assert_eq!(verdict(vec![]), Verdict::Pass);
        assert_eq!(verdict(vec![credential("Active", None)]), Verdict::Fail);
        assert_eq!(verdict(vec![credential("Inactive", None), credential("Expired", None)]), Verdict::Pass);
        assert_eq!(verdict(vec![credential("Active", Some("2026-10-30T00:00:00Z"))]), Verdict::Pass);
        assert_eq!(verdict(vec![credential("Active", Some("2026-10-30T00:00:01Z"))]), Verdict::Fail);
    }

    #[test]
    fn services_and_longer_times_may_be_allowed() {
        let of = |values| judged(Listing::complete(vec![credential("Active", None)]), values).unwrap().verdict;
        let service = Value::Strings(vec!["bedrock.amazonaws.com".to_owned()]);
        assert_eq!(of(Values::with(ALLOWED_SERVICES.name, service)), Verdict::Pass);
        assert_eq!(of(Values::with(MAX_DAYS_LEFT.name, Value::Integer(3650))), Verdict::Fail);
    }

    #[test]
    fn without_the_whole_list_nothing_is_said_but_a_known_one_fails() {
        let gap = denied(CREDENTIALS);
        assert_eq!(judged(Listing::missing(gap.clone()), Values::default()), Err(gap.clone()));
        let known = Listing::partial(vec![credential("Active", None)], gap);
        assert_eq!(judged(known, Values::default()).unwrap().verdict, Verdict::Fail);
        assert!(judged(Listing::complete(vec![credential("", None)]), Values::default()).is_err());
    }
}
