//! Server certificates in IAM that have expired.

use jiff::SignedDuration;

use super::{Check, Integer, Judged, Loosens, Parameter, Remediation, Rule, Scope};
use crate::finding::{Aspect, Judgement, Severity, Status};
use crate::model::ServerCertificate;

const WARN_DAYS: Integer = Integer {
    name: "warn_days",
    meaning: "How long before its end a certificate counts as about to expire; this is said and does not fail.",
    unit: "days",
    default: 30,
    least: 1,
    most: 365,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "iam-server-certificate-expired",
    title: "IAM stores no expired server certificate",
    severity: Severity::Medium,
    resource: "IAM server certificate",
    rationale: "An expired certificate that is still stored can be put on a load balancer by mistake, and then clients are \
        turned away, or learn to click warnings away.",
    rule: "FAIL if the Expiration in ListServerCertificates is before the as-of time. The aspect valid-for-warn-days also \
        fails certificates that expire within warn_days (30).",
    exemptions: "None.",
    blind_spots: "Certificates of AWS Certificate Manager are not in IAM and not looked at. Whether a load balancer or a \
        distribution uses the certificate is not read.",
    remediation: Remediation {
        summary: "Delete the certificate; let AWS Certificate Manager issue and renew the ones that are used.",
        steps: &[
            "Look for its use: the listeners of load balancers and the distributions of CloudFront.",
            "Put a valid certificate there, from AWS Certificate Manager where it serves.",
            "Save the chain, then aws iam delete-server-certificate --server-certificate-name NAME.",
            "To verify: aws iam list-server-certificates no longer lists it.",
        ],
        commands: &[
            "aws iam get-server-certificate --server-certificate-name={certificate}",
            "aws iam delete-server-certificate --server-certificate-name={certificate}",
        ],
        risk: "A listener that still uses it is left without a certificate after the next restart. With the saved \
            files aws iam upload-server-certificate takes it back.",
    },
    reads: &["iam:ListServerCertificates"],
    parameters: &[Parameter::Integer(WARN_DAYS)],
    elsewhere: &[
        "AWS Security Hub IAM.26",
        "AWS Config iam-server-certificate-expiration-check",
        "Prowler iam_no_expired_server_certificates_stored",
        "Steampipe iam_server_certificate_not_expired",
        "CIS AWS Foundations 7.0.0 2.17",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::ServerCertificate(judge)],
};

fn judge(certificate: &ServerCertificate, scope: &Scope<'_>) -> Judged {
    let days = scope.values.integer(&WARN_DAYS);
    let expiration = certificate.expiration.clone()?;
    let left = expiration.duration_since(scope.as_of);
    let is_expired = left < SignedDuration::ZERO;
    let is_near = left < SignedDuration::from_hours(24 * days);
    let judgement = if is_expired {
        Judgement::fail(format!("the certificate expired at {expiration}"))
    } else if is_near {
        Judgement::pass(format!("the certificate is valid, but expires within {days} days, at {expiration}"))
    } else {
        Judgement::pass(format!("the certificate is valid until {expiration}"))
    };
    let aspect = Aspect {
        name: "valid-for-warn-days".to_owned(),
        parameters: format!("valid for {days} days more"),
        status: if is_near { Status::Fail } else { Status::Pass },
    };
    Ok(judgement.because_of(&certificate.source).with_aspect(aspect))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::{Value, Values};
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Gap;

    fn judged(expiration: &str, values: Values) -> (Verdict, Status) {
        let world = World { values, ..World::new() };
        let judgement = judge_certificate(&CHECK, &certificate(expiration), &world).unwrap();
        (judgement.verdict, judgement.aspects[0].status)
    }

    #[test]
    fn the_end_decides_and_the_last_days_are_an_aspect() {
        let by_default = |expiration| judged(expiration, Values::default());
        assert_eq!(by_default("2026-09-29T23:59:59Z"), (Verdict::Fail, Status::Fail));
        assert_eq!(by_default("2026-09-30T00:00:00Z"), (Verdict::Pass, Status::Fail));
        assert_eq!(by_default("2026-10-29T23:59:59Z"), (Verdict::Pass, Status::Fail));
        assert_eq!(by_default("2026-10-30T00:00:00Z"), (Verdict::Pass, Status::Pass));
        let tomorrow = Values::with(WARN_DAYS.name, Value::Integer(1));
        assert_eq!(judged("2026-10-02T00:00:00Z", tomorrow), (Verdict::Pass, Status::Pass));
    }

    #[test]
    fn a_certificate_without_an_end_is_not_passed_over() {
        let gap = Gap::malformed("iam:ListServerCertificates", &[], "a server certificate has no Expiration");
        let unsaid = ServerCertificate { expiration: Err(gap.clone()), ..certificate("2026-10-30T00:00:00Z") };
        assert_eq!(judge_certificate(&CHECK, &unsaid, &World::new()), Err(gap));
    }
}
