//! Accounts in which people are not managed by an identity provider.

use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};

const SAML: &str = "iam:ListSAMLProviders";
const OPENID_CONNECT: &str = "iam:ListOpenIDConnectProviders";

pub(super) const CHECK: Check = Check {
    id: "iam-central-identity",
    title: "People sign in through a central identity provider",
    severity: Severity::Low,
    resource: "account",
    rationale: "A person who leaves is removed in one place only if there is one. IAM users in many accounts are \
        forgotten in some of them.",
    rule: "PASS if ListSAMLProviders lists a provider: IAM Identity Center makes one in each account that it serves, \
        and other federation of people needs one. Without a SAML provider the answer is MANUAL: how people come to \
        their sessions is not in the data that is read.",
    exemptions: "None.",
    blind_spots: "A provider that exists need not be the one that people use, and says nothing of IAM users beside it: see \
        iam-user-console-mfa and iam-credentials-unused for those. OpenID Connect providers serve pipelines more often than \
        people and do not count.",
    remediation: Remediation {
        summary: "Connect IAM Identity Center to the identity provider of the organization, and remove IAM users of people.",
        steps: &[
            "Turn on IAM Identity Center in the management account, and connect it to the directory of the organization.",
            "Assign permission sets to groups and accounts; each account then has a SAML provider AWSSSO_..._DO_NOT_DELETE.",
            "Delete the IAM users of people account by account.",
            "To verify: aws iam list-saml-providers lists the provider. Where people come by another way, attest which.",
        ],
        commands: &["aws sso-admin list-instances", "aws iam list-saml-providers"],
        risk: "Nothing changes for existing users until they are deleted. Keep a way in for the case that the provider is down.",
    },
    reads: &[OPENID_CONNECT, SAML],
    parameters: &[],
    elsewhere: &["Prowler iam_check_saml_providers_sts", "CIS AWS Foundations 7.0.0 2.19 (manual)"],
    statuses: &[Status::Pass, Status::Manual, Status::Error],
    not_shown: &[],
    rules: &[Rule::Root(judge)],
};

fn judge(scope: &Scope<'_>) -> Judged {
    let iam = &scope.account.iam;
    let known = iam.saml_providers.known();
    if !known.is_empty() {
        let arns: Vec<&str> = known.iter().map(|provider| provider.arn.as_str()).collect();
        let reason = format!("the account trusts the SAML provider {}", arns.join(", "));
        return Ok(Judgement::pass(reason).because_of_all(known.iter().map(|provider| &provider.source)));
    }
    iam.saml_providers.whole()?;
    let providers = iam.openid_connect_providers.whole()?;
    let others = match providers.len() {
        0 => String::new(),
        others => format!(" ({others} OpenID Connect)"),
    };
    let reason = format!("the account has no SAML provider{others}: a person must say how people sign in");
    Ok(Judgement::manual(reason).because_of_all(providers.iter().map(|provider| &provider.source)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{IdentityProvider, Listing};

    fn provider(kind: &str) -> IdentityProvider {
        IdentityProvider { arn: format!("arn:aws:iam::{ACCOUNT}:{kind}/Example"), source: source(SAML) }
    }

    #[test]
    fn a_saml_provider_passes_and_without_one_a_person_must_answer() {
        let mut world = World::new();
        assert_eq!(judge_root(&CHECK, &world).unwrap().verdict, Verdict::Manual);
        world.account.iam.openid_connect_providers = Listing::complete(vec![provider("oidc-provider")]);
        let judged = judge_root(&CHECK, &world).unwrap();
        assert_eq!(judged.verdict, Verdict::Manual);
        assert!(judged.reason.contains("1 OpenID Connect"), "{}", judged.reason);
        world.account.iam.saml_providers = Listing::complete(vec![provider("saml-provider")]);
        assert_eq!(judge_root(&CHECK, &world).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn without_the_lists_nothing_is_said_unless_a_provider_is_known() {
        let mut world = World::new();
        world.account.iam.openid_connect_providers = Listing::missing(denied(OPENID_CONNECT));
        assert_eq!(judge_root(&CHECK, &world), Err(denied(OPENID_CONNECT)));
        world.account.iam.saml_providers = Listing::missing(denied(SAML));
        assert_eq!(judge_root(&CHECK, &world), Err(denied(SAML)));
        world.account.iam.saml_providers = Listing::partial(vec![provider("saml-provider")], denied(SAML));
        assert_eq!(judge_root(&CHECK, &world).unwrap().verdict, Verdict::Pass);
    }
}
