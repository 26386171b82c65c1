//! Accounts whose bills and operational messages reach nobody in particular.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{AlternateContact, Fact};

const CONTACT: &str = "account:GetAlternateContact";

pub(super) const CHECK: Check = Check {
    id: "account-alternate-contacts",
    title: "Billing, operations and security have contacts of their own",
    severity: Severity::Low,
    resource: "account",
    rationale: "AWS writes about bills, about operations and about security to three contacts. Where one is missing, or one \
        mailbox stands for all, the message that matters arrives among those that do not.",
    rule: "PASS if GetAlternateContact for BILLING, OPERATIONS and SECURITY gives three contacts with e-mail addresses \
        that differ (letter case ignored). FAIL if one is missing (ResourceNotFoundException), has no address, or has that \
        of another.",
    exemptions: "None.",
    blind_spots: "The primary contact of the account, and names and telephone numbers, are not compared. Whether anybody \
        reads the mailboxes is not known. A missing contact for security is judged by account-security-contact as well, \
        which weighs more.",
    remediation: Remediation {
        summary: "Register a contact with a mailbox of its own for each.",
        steps: &[
            "Name a team for billing, one for operations and one for security, each with a mailbox of its own.",
            "Register them in the account, or from the management account with --account-id for each member.",
            "To verify, print the three contacts.",
        ],
        commands: &[
            "aws account put-alternate-contact --account-id={account} --alternate-contact-type=OPERATIONS --name=NAME \
             --title=TITLE --email-address=ADDRESS --phone-number=NUMBER",
            "aws account get-alternate-contact --account-id={account} --alternate-contact-type=OPERATIONS",
        ],
        risk: "None; aws account delete-alternate-contact takes it back.",
    },
    reads: &[CONTACT],
    parameters: &[],
    elsewhere: &[
        "Prowler account_maintain_different_contact_details_to_security_billing_and_operations (alternate contacts)",
    ],
    statuses: &[Status::Pass, Status::Fail, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    let iam = &scope.account.iam;
    let contacts: [(&str, &Fact<Option<AlternateContact>>); 3] = [
        ("billing", &iam.billing_contact),
        ("operations", &iam.operations_contact),
        ("security", &iam.security_contact),
    ];
    let mut faults = Vec::new();
    let mut known: Vec<(&str, String)> = Vec::new();
    for (kind, contact) in contacts {
        match contact.as_ref().map(|it| it.as_ref().map(|it| it.email_address.as_deref())) {
            Ok(None) => faults.push(format!("there is no contact for {kind}")),
            Ok(Some(None)) => faults.push(format!("the contact for {kind} has no e-mail address")),
            Ok(Some(Some(address))) => {
                let address = address.to_lowercase();
                if let Some((other, _)) = known.iter().find(|(_, known)| *known == address) {
                    faults.push(format!("the contact for {kind} has the address of that for {other}"));
                }
                known.push((kind, address));
            }
            // One that is certainly missing is an exception, whatever could not be read.
            Err(_) => {}
        }
    }
    let sources = contacts.iter().filter_map(|(_, contact)| contact.as_ref().ok()?.as_ref()).map(|it| &it.source);
    if !faults.is_empty() {
        return Ok(Judgement::fail(faults.join("; ")).because_of_all(sources));
    }
    for (_, contact) in contacts {
        contact.as_ref().map_err(Clone::clone)?;
    }
    Ok(Judgement::pass("billing, operations and security have contacts with addresses of their own")
        .because_of_all(sources))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;

    fn contact(address: &str) -> Fact<Option<AlternateContact>> {
        let email_address = (!address.is_empty()).then(|| address.to_owned());
        Ok(Some(AlternateContact { email_address, source: source(CONTACT) }))
    }

    fn judged(contacts: [Fact<Option<AlternateContact>>; 3]) -> Judged {
        let mut world = World::new();
        let iam = &mut world.account.iam;
        [iam.billing_contact, iam.operations_contact, iam.security_contact] = contacts;
        judge_root(&CHECK, &world)
    }

    #[test]
    fn three_contacts_with_three_addresses_pass() {
        let judgement = judged([contact("bills@x"), contact("ops@x"), contact("sec@x")]).unwrap();
        assert_eq!((judgement.verdict, judgement.evidence.len()), (Verdict::Pass, 3));
        for (contacts, reason) in [
            ([Ok(None), contact("ops@x"), contact("sec@x")], "there is no contact for billing"),
            ([contact("bills@x"), contact(""), contact("sec@x")], "the contact for operations has no e-mail address"),
            (
                [contact("all@x"), contact("ops@x"), contact("ALL@x")],
                "the contact for security has the address of that for billing",
            ),
        ] {
            let judgement = judged(contacts).unwrap();
            assert_eq!((judgement.verdict, judgement.reason.as_ref()), (Verdict::Fail, reason));
        }
    }

    #[test]
    fn without_an_answer_nothing_is_said_unless_another_fails() {
        let gap = denied(CONTACT);
        assert_eq!(judged([contact("bills@x"), Err(gap.clone()), contact("sec@x")]), Err(gap.clone()));
        assert_eq!(judged([Ok(None), Err(gap), contact("sec@x")]).unwrap().verdict, Verdict::Fail);
    }
}
