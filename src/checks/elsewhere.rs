//! What other tools check, and what answers it here: each check says under which names others know it ([`Check::elsewhere`]); what no
//! check answers is stated here, with the reason.
//!
//! [`Check::elsewhere`]: super::Check::elsewhere

use std::collections::BTreeMap;
use std::fmt;

use super::CHECKS;

/// A tool or benchmark whose checks have names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// Controls of AWS Security Hub.
    SecurityHub,
    /// Managed rules of AWS Config.
    Config,
    /// Recommendations of the CIS AWS Foundations Benchmark.
    Cis,
    /// Checks of Prowler.
    Prowler,
    /// Controls of the AWS compliance and perimeter mods of Steampipe.
    Steampipe,
    /// Rules of ScoutSuite.
    ScoutSuite,
    /// Findings of Cloudsplaining.
    Cloudsplaining,
    /// Findings of Principal Mapper.
    Pmapper,
}

impl Tool {
    /// Every tool, in the order of tables.
    pub const ALL: [Self; 8] = [
        Self::SecurityHub,
        Self::Config,
        Self::Cis,
        Self::Prowler,
        Self::Steampipe,
        Self::ScoutSuite,
        Self::Cloudsplaining,
        Self::Pmapper,
    ];

    /// How a name in [`Check::elsewhere`](super::Check::elsewhere) begins.
    pub fn name(self) -> &'static str {
        match self {
            Self::SecurityHub => "AWS Security Hub",
            Self::Config => "AWS Config",
            Self::Cis => "CIS AWS Foundations",
            Self::Prowler => "Prowler",
            Self::Steampipe => "Steampipe",
            Self::ScoutSuite => "ScoutSuite",
            Self::Cloudsplaining => "Cloudsplaining",
            Self::Pmapper => "PMapper",
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name of a check in another tool: `Prowler iam_root_mfa_enabled (note)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// The tool.
    pub tool: Tool,
    /// The check's id there.
    pub id: &'static str,
    /// In which cases, or under which parameters, the two agree; empty where they ask the same.
    pub note: &'static str,
}

impl Name {
    /// Reads an entry of [`Check::elsewhere`](super::Check::elsewhere); none where it names guidance instead of a tool.
    pub fn parse(entry: &'static str) -> Option<Self> {
        let named = |tool: Tool| Some((tool, entry.strip_prefix(tool.name())?.strip_prefix(' ')?));
        let (tool, rest) = Tool::ALL.into_iter().find_map(named)?;
        let (id, note) = rest.split_once(" (").unwrap_or((rest, ""));
        Some(Self { tool, id, note: note.trim_end_matches(')') })
    }
}

/// What answers a check of another tool here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These checks, each with its note.
    Checks(Vec<(&'static str, &'static str)>),
    /// A person: no API tells.
    Manual(&'static str),
    /// Nothing, for this reason.
    Stated(&'static str),
}

/// A check of another tool, with what answers it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterpart {
    /// The tool.
    pub tool: Tool,
    /// The check's id there.
    pub id: &'static str,
    /// What answers it.
    pub answer: Answer,
}

const OF_SERVICES: &str =
    "when a principal last used which service is a report that IAM makes on demand, which is not collected";
const OF_CLOUDTRAIL: &str = "needs the events of CloudTrail; the state of IAM and KMS does not tell which images ran";
const OF_OTHER_POLICIES: &str =
    "policies of this type are not collected: they decide neither who uses a key nor what the organization forbids";
const OF_TAGS: &str = "tags of these resources are not collected; nothing that is judged here rests on them";

/// What no check answers, and why.
const UNANSWERED: [(Tool, &str, Answer); 25] = [
    (Tool::SecurityHub, "IAM.23", Answer::Stated("analyzers of IAM Access Analyzer are no state of IAM")),
    (
        Tool::Config,
        "tagged-accessanalyzer-analyzer",
        Answer::Stated("analyzers of IAM Access Analyzer are no state of IAM"),
    ),
    (
        Tool::Config,
        "iam-role-managed-policy-check",
        Answer::Stated(
            "asks for policies of a list on roles of a list; iam-support-role and iam-security-audit-role ask for the \
             two that benchmarks name",
        ),
    ),
    (Tool::Config, "iam-policy-description", Answer::Stated("a description grants nothing and is not judged")),
    (
        Tool::Config,
        "iam-oidc-provider-client-id-list-check",
        Answer::Stated("how many client ids a provider has says nothing of who gets in: trust policies do"),
    ),
    (Tool::Config, "iam-oidc-provider-tagged", Answer::Stated(OF_TAGS)),
    (Tool::Config, "iam-saml-provider-tagged", Answer::Stated(OF_TAGS)),
    (Tool::Config, "iam-server-certificate-tagged", Answer::Stated(OF_TAGS)),
    (Tool::Prowler, "kms_key_enclave_attestation_unknown_image", Answer::Stated(OF_CLOUDTRAIL)),
    (Tool::Prowler, "kms_key_enclave_debug_attestation_detected", Answer::Stated(OF_CLOUDTRAIL)),
    (Tool::Prowler, "iam_user_with_temporary_credentials", Answer::Stated(OF_SERVICES)),
    (Tool::Prowler, "iam_user_access_not_stale_to_bedrock", Answer::Stated(OF_SERVICES)),
    (Tool::Prowler, "iam_role_access_not_stale_to_bedrock", Answer::Stated(OF_SERVICES)),
    (Tool::Prowler, "iam_user_access_not_stale_to_sagemaker", Answer::Stated(OF_SERVICES)),
    (Tool::Prowler, "organizations_opt_out_ai_services_policy", Answer::Stated(OF_OTHER_POLICIES)),
    (Tool::Prowler, "organizations_tags_policies_enabled_and_attached", Answer::Stated(OF_OTHER_POLICIES)),
    (
        Tool::Prowler,
        "account_maintain_current_contact_details",
        Answer::Manual("whether contact details are current is known to a person alone"),
    ),
    (
        Tool::Prowler,
        "account_security_questions_are_registered_in_the_aws_account",
        Answer::Manual("no API tells; AWS has retired security questions"),
    ),
    (Tool::Steampipe, "organizational_tag_policies_enabled", Answer::Stated(OF_OTHER_POLICIES)),
    (
        Tool::ScoutSuite,
        "iam-ec2-role-without-instances",
        Answer::Stated("needs the instances of EC2; iam-role-unused judges the last use of the role"),
    ),
    (
        Tool::ScoutSuite,
        "iam-assume-role-no-mfa",
        Answer::Stated(
            "off by default there: MFA of people who come through federation shows at their identity provider",
        ),
    ),
    (
        Tool::ScoutSuite,
        "iam-inline-policy-allows-non-sts-action",
        Answer::Stated("off by default there: asks for a list of users who may do nothing but assume roles"),
    ),
    (
        Tool::ScoutSuite,
        "iam-managed-policy-allows-non-sts-action",
        Answer::Stated("off by default there: asks for a list of users who may do nothing but assume roles"),
    ),
    (
        Tool::Cloudsplaining,
        "DataExfiltration",
        Answer::Stated("reading from S3, SSM and Secrets Manager is theirs to guard; who may decrypt is judged here"),
    ),
    (
        Tool::Pmapper,
        "circular access",
        Answer::Stated("no exception by itself; keyproof access who-can --reach follows the chains"),
    ),
];

/// Every check of another tool that is known here, by tool and id.
pub fn counterparts() -> Vec<Counterpart> {
    let mut answers: BTreeMap<(Tool, &'static str), Vec<(&'static str, &'static str)>> = BTreeMap::new();
    for check in CHECKS {
        for name in check.elsewhere.iter().filter_map(|entry| Name::parse(entry)) {
            answers.entry((name.tool, name.id)).or_default().push((check.id, name.note));
        }
    }
    let answered =
        answers.into_iter().map(|((tool, id), checks)| Counterpart { tool, id, answer: Answer::Checks(checks) });
    let stated = UNANSWERED.into_iter().map(|(tool, id, answer)| Counterpart { tool, id, answer });
    let mut all: Vec<Counterpart> = answered.chain(stated).collect();
    all.sort_by_key(|it| (it.tool, natural(it.id)));
    all
}

/// `IAM.9` before `IAM.10`.
fn natural(id: &'static str) -> (&'static str, u32, &'static str) {
    let number = id.rsplit_once('.').and_then(|(start, number)| Some((start, number.parse().ok()?, id)));
    number.unwrap_or((id, 0, ""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What the tools check of IAM, KMS, accounts and organizations, as read in their sources and documentation in 2026: Security Hub
    /// user guide; AWS Config rules; Prowler 5.40; the mods aws-compliance 1.13 and aws-perimeter of Steampipe; the last states of
    /// ScoutSuite (2024), Cloudsplaining (2026) and PMapper (2022). The checks and what is stated are compared with it.
    const ROSTER: &[(Tool, &str)] = &[
        (
            Tool::SecurityHub,
            "IAM.1 IAM.2 IAM.3 IAM.4 IAM.5 IAM.6 IAM.7 IAM.8 IAM.9 IAM.10 IAM.11 IAM.12 IAM.13 IAM.14 IAM.15 IAM.16
            IAM.17 IAM.18 IAM.19 IAM.20 IAM.21 IAM.22 IAM.23 IAM.24 IAM.25 IAM.26 IAM.27 IAM.28 KMS.1 KMS.2 KMS.3 KMS.4
            KMS.5 Account.1 Account.2",
        ),
        (
            Tool::Config,
            "access-keys-rotated account-part-of-organizations cmk-backing-key-rotation-enabled
            iam-customer-policy-blocked-kms-actions iam-external-access-analyzer-enabled iam-group-has-users-check
            iam-inline-policy-blocked-kms-actions iam-no-inline-policy-check iam-oidc-provider-client-id-list-check
            iam-oidc-provider-tagged iam-password-policy iam-policy-blacklisted-check iam-policy-description
            iam-policy-in-use iam-policy-no-statements-with-admin-access iam-policy-no-statements-with-full-access
            iam-role-managed-policy-check iam-root-access-key-check iam-saml-provider-tagged
            iam-server-certificate-expiration-check iam-server-certificate-tagged iam-user-group-membership-check
            iam-user-mfa-enabled iam-user-no-policies-check iam-user-unused-credentials-check
            kms-cmk-not-scheduled-for-deletion kms-key-policy-no-public-access kms-key-tagged
            mfa-enabled-for-iam-console-access root-account-hardware-mfa-enabled root-account-mfa-enabled
            security-account-information-provided tagged-accessanalyzer-analyzer tagged-iam-role tagged-iam-user
            use-of-root-account-test",
        ),
        (
            Tool::Prowler,
            "kms_cmk_are_used kms_cmk_not_deleted_unintentionally kms_cmk_not_multi_region kms_cmk_rotation_enabled
            kms_key_not_publicly_accessible kms_key_enclave_attestation_not_enforced
            kms_key_enclave_attestation_bypassable_path kms_key_enclave_attestation_pcr_mismatch
            kms_key_enclave_attestation_no_deployment_binding kms_key_enclave_attestation_unknown_image
            kms_key_enclave_debug_attestation_detected
            iam_aws_attached_policy_no_administrative_privileges
            iam_customer_attached_policy_no_administrative_privileges
            iam_customer_unattached_policy_no_administrative_privileges iam_inline_policy_no_administrative_privileges
            iam_policy_no_full_access_to_kms iam_inline_policy_no_full_access_to_kms
            iam_policy_no_full_access_to_cloudtrail iam_inline_policy_no_full_access_to_cloudtrail
            iam_policy_no_wildcard_marketplace_subscribe iam_inline_policy_no_wildcard_marketplace_subscribe
            iam_policy_allows_privilege_escalation iam_inline_policy_allows_privilege_escalation
            iam_no_custom_policy_permissive_role_assumption iam_group_administrator_access_policy
            iam_user_administrator_access_policy iam_role_administratoraccess_policy iam_administrator_access_with_mfa
            iam_policy_attached_only_to_group_or_roles iam_policy_cloudshell_admin_not_attached
            iam_role_cross_account_readonlyaccess_policy iam_role_cross_service_confused_deputy_prevention
            bedrock_full_access_policy_attached iam_avoid_root_usage iam_no_root_access_key iam_root_mfa_enabled
            iam_root_hardware_mfa_enabled iam_root_credentials_management_enabled iam_rotate_access_key_90_days
            iam_user_accesskey_unused iam_user_console_access_unused iam_user_no_setup_initial_access_key
            iam_user_two_active_access_key iam_user_mfa_enabled_console_access iam_user_hardware_mfa_enabled
            iam_user_with_temporary_credentials iam_user_access_not_stale_to_bedrock
            iam_role_access_not_stale_to_bedrock iam_user_access_not_stale_to_sagemaker
            iam_password_policy_minimum_length_14 iam_password_policy_uppercase iam_password_policy_number
            iam_password_policy_symbol iam_password_policy_lowercase iam_password_policy_reuse_24
            iam_password_policy_expires_passwords_within_90_days_or_less iam_check_saml_providers_sts
            iam_no_expired_server_certificates_stored iam_support_role_created iam_securityaudit_role_created
            bedrock_api_key_no_long_term_credentials bedrock_api_key_no_administrative_privileges
            cloudwatch_cross_account_sharing_disabled organizations_account_part_of_organizations
            organizations_delegated_administrators organizations_opt_out_ai_services_policy
            organizations_scp_check_deny_regions organizations_tags_policies_enabled_and_attached
            account_maintain_different_contact_details_to_security_billing_and_operations
            account_maintain_current_contact_details account_security_contact_information_is_registered
            account_security_questions_are_registered_in_the_aws_account accessanalyzer_enabled",
        ),
        (
            Tool::Steampipe,
            "kms_key_not_pending_deletion kms_cmk_rotation_enabled kms_cmk_policy_prohibit_public_access
            kms_key_decryption_restricted_in_iam_customer_managed_policy
            kms_key_decryption_restricted_in_iam_inline_policy kms_cmk_unused iam_policy_custom_no_blocked_kms_actions
            iam_policy_inline_no_blocked_kms_actions iam_policy_no_full_access_to_kms
            iam_policy_no_full_access_to_cloudtrail iam_policy_no_star_star iam_policy_all_attached_no_star_star
            iam_policy_custom_attached_no_star_star iam_custom_policy_unattached_no_star_star
            iam_inline_policy_no_administrative_privileges iam_all_policy_no_service_wild_card
            iam_policy_custom_no_permissive_role_assumption iam_policy_custom_no_assume_role iam_root_last_used
            iam_user_access_key_unused_45 iam_security_audit_role organizational_tag_policies_enabled
            iam_user_hardware_mfa_enabled iam_role_cross_account_write_access_policy
            iam_role_cross_account_read_only_access_policy iam_managed_policy_attached_to_role iam_policy_unused
            iam_custom_policy_unused iam_custom_managed_policy_attached_to_role iam_role_unused_60
            iam_user_access_key_age_90 iam_user_access_key_age_365 iam_user_unused_credentials_45
            iam_user_unused_credentials_90 iam_user_console_access_unused_45 iam_root_user_no_access_keys
            iam_root_user_mfa_enabled iam_root_user_hardware_mfa_enabled
            iam_root_user_account_console_access_mfa_enabled iam_user_mfa_enabled iam_user_console_access_mfa_enabled
            iam_user_with_administrator_access_mfa_enabled iam_account_password_policy_min_length_14
            iam_account_password_policy_reuse_24 iam_account_password_policy_one_lowercase_letter
            iam_account_password_policy_one_uppercase_letter iam_account_password_policy_one_number
            iam_account_password_policy_one_symbol iam_account_password_policy_strong_min_length_8
            iam_account_password_policy_strong_min_reuse_24 iam_password_policy_expire_90 iam_user_in_group
            iam_group_not_empty iam_user_no_policies iam_user_no_inline_attached_policies
            iam_group_user_role_no_inline_policies iam_support_role iam_server_certificate_not_expired
            iam_user_one_active_key iam_user_access_keys_and_password_at_setup
            iam_role_no_administrator_access_policy_attached iam_user_group_role_cloudshell_fullaccess_restricted
            iam_access_analyzer_enabled iam_access_analyzer_enabled_without_findings
            account_alternate_contact_security_registered account_part_of_organizations
            kms_key_policy_prohibit_public_access iam_role_trust_policy_prohibit_public_access",
        ),
        (
            Tool::ScoutSuite,
            "kms-cmk-rotation-disabled iam-managed-policy-allows-full-privileges iam-managed-policy-for-role
            iam-inline-policy-for-role iam-managed-policy-allows-NotActions iam-inline-policy-allows-NotActions
            iam-assume-role-policy-allows-all iam-assume-role-lacks-external-id-and-mfa iam-ec2-role-without-instances
            iam-lightspin-user-action-denied-for-group iam-managed-policy-no-attachments iam-root-account-no-mfa
            iam-root-account-no-hardware-mfa iam-root-account-used-recently iam-root-account-with-active-certs
            iam-root-account-with-active-keys iam-unused-credentials-not-disabled iam-user-no-key-rotation
            iam-user-with-multiple-access-keys iam-user-with-password-and-key iam-user-with-policies
            iam-user-without-mfa iam-role-with-inline-policies iam-group-with-inline-policies iam-group-with-no-users
            iam-password-policy-expiration-threshold iam-password-policy-minimum-length iam-password-policy-no-expiration
            iam-password-policy-reuse-enabled iam-assume-role-no-mfa iam-human-user-with-policies
            iam-inline-policy-allows-non-sts-action iam-managed-policy-allows-non-sts-action iam-no-support-role
            iam-password-policy-no-lowercase-required iam-password-policy-no-uppercase-required
            iam-password-policy-no-number-required iam-password-policy-no-symbol-required iam-service-user-with-password
            iam-user-not-in-category-group iam-user-not-in-common-group iam-user-unused-access-key-initial-setup",
        ),
        (
            Tool::Cloudsplaining,
            "PrivilegeEscalation ResourceExposure CredentialsExposure DataExfiltration ServiceWildcard
            InfrastructureModification AssumableByComputeService AssumableByCrossAccountPrincipal AssumableByAnyPrincipal
            AssumableByAnyPrincipalWithConditions",
        ),
    ];

    /// Its findings have no ids.
    const PMAPPER: [&str; 7] = [
        "privilege escalation",
        "sensitive actions without MFA",
        "administrators without MFA",
        "overprivileged instance profiles, functions and stacks",
        "privilege escalation in operating systems",
        "circular access",
        "possible confused deputies",
    ];

    fn roster() -> BTreeSet<(Tool, &'static str)> {
        let of_words = ROSTER.iter().flat_map(|(tool, ids)| ids.split_whitespace().map(|id| (*tool, id)));
        of_words.chain(PMAPPER.map(|id| (Tool::Pmapper, id))).collect()
    }

    #[test]
    fn every_check_of_the_other_tools_has_an_answer_and_no_name_is_made_up() {
        let named = counterparts();
        let named: BTreeSet<(Tool, &str)> =
            named.iter().map(|it| (it.tool, it.id)).filter(|(tool, _)| *tool != Tool::Cis).collect();
        let roster = roster();
        assert_eq!(named.difference(&roster).collect::<Vec<_>>(), [&(Tool::Cis, ""); 0], "named and not known");
        assert_eq!(roster.difference(&named).collect::<Vec<_>>(), [&(Tool::Cis, ""); 0], "known and not answered");
    }

    #[test]
    fn nothing_is_answered_and_stated_at_once() {
        let all = counterparts();
        for pair in all.windows(2) {
            assert!((pair[0].tool, pair[0].id) != (pair[1].tool, pair[1].id), "{} {}", pair[0].tool, pair[0].id);
        }
        for it in &all {
            match &it.answer {
                Answer::Checks(checks) => {
                    let ids: BTreeSet<&str> = checks.iter().map(|(id, _)| *id).collect();
                    assert_eq!(ids.len(), checks.len(), "{}", it.id);
                    assert!(ids.iter().all(|id| super::super::find(id).is_some()), "{}", it.id);
                }
                Answer::Manual(reason) | Answer::Stated(reason) => {
                    let named = reason.split([' ', ',', ';']).filter(|word| word.starts_with("iam-"));
                    named.for_each(|id| assert!(super::super::find(id).is_some(), "{id}"));
                    assert!(reason.len() > 20 && !reason.ends_with('.'), "{}", it.id);
                }
            }
        }
    }

    #[test]
    fn recommendations_of_the_benchmark_exist() {
        let frameworks = crate::frameworks::all().unwrap();
        for it in counterparts().into_iter().filter(|it| it.tool == Tool::Cis) {
            let (version, control) = it.id.split_once(' ').unwrap();
            let framework = frameworks.iter().find(|framework| framework.id == format!("cis-aws-{version}")).unwrap();
            assert!(framework.controls.iter().any(|known| known.id == control), "{}", it.id);
        }
    }

    #[test]
    fn a_name_has_a_tool_an_id_and_perhaps_a_note() {
        let name = Name::parse("Prowler iam_x (single policies)").unwrap();
        assert_eq!((name.tool, name.id, name.note), (Tool::Prowler, "iam_x", "single policies"));
        assert_eq!(Name::parse("AWS Config rule").unwrap().tool, Tool::Config);
        assert_eq!(Name::parse("AWS KMS developer guide: grants"), None);
        assert_eq!(Name::parse("None known: Prowler x"), None);
    }

    #[test]
    fn numbers_are_in_their_order() {
        let hub: Vec<&str> = counterparts().iter().filter(|it| it.tool == Tool::SecurityHub).map(|it| it.id).collect();
        assert_eq!(hub[..4], ["Account.1", "Account.2", "IAM.1", "IAM.2"]);
        assert_eq!(hub.last(), Some(&"KMS.5"));
    }
}
