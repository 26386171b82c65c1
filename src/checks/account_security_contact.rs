//! Accounts without a contact for security.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};

const CONTACT: &str = "account:GetAlternateContact";

pub(super) const CHECK: Check = Check {
    id: "account-security-contact",
    title: "The account has a contact for security",
    severity: Severity::Medium,
    resource: "account",
    rationale: "When AWS sees abuse or a leaked key, it writes to the contact for security, and else to the mailbox \
        of the root user, which nobody may read on a Sunday.",
    rule: "PASS if GetAlternateContact for SECURITY gives a contact with an e-mail address; FAIL if it gives none, or \
        says that there is none (ResourceNotFoundException).",
    exemptions: "None.",
    blind_spots: "Whether anybody reads the mailbox or answers the telephone is not known, and neither is whether the \
        contact is the right one.",
    remediation: Remediation {
        summary: "Register the security team as the alternate contact for security.",
        steps: &[
            "In the account: aws account put-alternate-contact --alternate-contact-type SECURITY --name NAME --title TITLE \
             --email-address ADDRESS --phone-number NUMBER; from the management account with --account-id ACCOUNT_ID for \
             each member.",
            "Use the address of a team, not of a person.",
            "To verify: aws account get-alternate-contact --alternate-contact-type SECURITY prints it.",
        ],
        commands: &[
            "aws account put-alternate-contact --account-id={account} --alternate-contact-type=SECURITY --name=NAME --title=TITLE --email-address=ADDRESS --phone-number=NUMBER",
            "aws account get-alternate-contact --account-id={account} --alternate-contact-type=SECURITY",
        ],
        risk: "None; aws account delete-alternate-contact takes it back.",
    },
    reads: &[CONTACT],
    parameters: &[],
    elsewhere: &[
        "AWS Security Hub Account.1",
        "AWS Config security-account-information-provided",
        "Prowler account_security_contact_information_is_registered",
        "Steampipe account_alternate_contact_security_registered",
        "CIS AWS Foundations 7.0.0 2.3",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    let contact = scope.account.iam.security_contact.as_ref().map_err(Clone::clone)?;
    Ok(match contact {
        None => Judgement::fail("the account has no alternate contact for security"),
        Some(contact) if contact.email_address.is_some() => {
            Judgement::pass("the account has an alternate contact for security").because_of(&contact.source)
        }
        Some(contact) => {
            Judgement::fail("the alternate contact for security has no e-mail address").because_of(&contact.source)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::AlternateContact;

    fn verdict(contact: Option<bool>) -> Verdict {
        let mut world = World::new();
        let address = |has_address: bool| has_address.then(|| "security@example.com".to_owned());
        let contact = contact.map(|it| AlternateContact { email_address: address(it), source: source(CONTACT) });
        world.account.iam.security_contact = Ok(contact);
        judge_root(&CHECK, &world).unwrap().verdict
    }

    #[test]
    fn a_contact_with_an_address_passes() {
        assert_eq!(verdict(Some(true)), Verdict::Pass);
        assert_eq!(verdict(Some(false)), Verdict::Fail);
        assert_eq!(verdict(None), Verdict::Fail);
    }

    #[test]
    fn without_the_answer_nothing_is_said() {
        let mut world = World::new();
        world.account.iam.security_contact = Err(denied(CONTACT));
        assert_eq!(judge_root(&CHECK, &world), Err(denied(CONTACT)));
    }
}
