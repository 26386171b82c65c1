//! Every AWS operation that a collection calls, who calls it, and so which IAM action permits it.

/// Whose credentials call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// Whoever runs `keyproof collect`, in the management account or a delegated administrator's.
    Collector,
    /// The audit role of each account.
    AuditRole,
    /// Anyone: AWS asks for no permission.
    Anyone,
}

/// An operation. Its name is also that of the IAM action that permits it: for all operations here the two agree
/// (Service Authorization Reference, pages of IAM, KMS, Organizations, Account Management, STS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Service and operation as in IAM policies: `kms:ListGrants`.
    pub api: &'static str,
    /// Who calls it.
    pub caller: Caller,
}

const fn collector(api: &'static str) -> Operation {
    Operation { api, caller: Caller::Collector }
}

const fn audit_role(api: &'static str) -> Operation {
    Operation { api, caller: Caller::AuditRole }
}

/// All operations, by service.
pub const OPERATIONS: &[Operation] = &[
    audit_role("account:GetAlternateContact"),
    audit_role("account:ListRegions"),
    audit_role("iam:GenerateCredentialReport"),
    audit_role("iam:GetAccessKeyLastUsed"),
    audit_role("iam:GetAccountAuthorizationDetails"),
    audit_role("iam:GetAccountPasswordPolicy"),
    audit_role("iam:GetAccountSummary"),
    audit_role("iam:GetCredentialReport"),
    audit_role("iam:GetOpenIDConnectProvider"),
    audit_role("iam:ListAccessKeys"),
    audit_role("iam:ListMFADevices"),
    audit_role("iam:ListOpenIDConnectProviders"),
    audit_role("iam:ListOrganizationsFeatures"),
    audit_role("iam:ListSAMLProviders"),
    audit_role("iam:ListServerCertificates"),
    audit_role("iam:ListServiceSpecificCredentials"),
    audit_role("iam:ListVirtualMFADevices"),
    audit_role("kms:DescribeCustomKeyStores"),
    audit_role("kms:DescribeKey"),
    audit_role("kms:GetKeyLastUsage"),
    audit_role("kms:GetKeyPolicy"),
    audit_role("kms:GetKeyRotationStatus"),
    audit_role("kms:ListAliases"),
    audit_role("kms:ListGrants"),
    audit_role("kms:ListKeyPolicies"),
    audit_role("kms:ListKeyRotations"),
    audit_role("kms:ListKeys"),
    audit_role("kms:ListResourceTags"),
    collector("organizations:DescribeOrganization"),
    collector("organizations:DescribePolicy"),
    collector("organizations:DescribeResourcePolicy"),
    collector("organizations:ListAccounts"),
    collector("organizations:ListAccountsForParent"),
    collector("organizations:ListDelegatedAdministrators"),
    collector("organizations:ListDelegatedServicesForAccount"),
    collector("organizations:ListOrganizationalUnitsForParent"),
    collector("organizations:ListPolicies"),
    collector("organizations:ListRoots"),
    collector("organizations:ListTargetsForPolicy"),
    collector("sts:AssumeRole"),
    Operation { api: "sts:GetCallerIdentity", caller: Caller::Anyone },
];

/// The IAM action that permits an operation, or nothing when AWS asks for none or keyproof does not call it.
pub fn permission(api: &str) -> Option<&'static str> {
    let operation = OPERATIONS.iter().find(|operation| operation.api == api)?;
    (operation.caller != Caller::Anyone).then_some(operation.api)
}

/// The IAM actions that one caller needs, in alphabetical order.
pub fn actions_of(caller: Caller) -> Vec<&'static str> {
    OPERATIONS.iter().filter(|operation| operation.caller == caller).map(|operation| operation.api).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_sorted_and_named_once() {
        assert!(OPERATIONS.is_sorted_by(|a, b| a.api < b.api));
    }

    #[test]
    fn a_refused_call_names_the_action_that_mends_it() {
        assert_eq!(permission("kms:ListGrants"), Some("kms:ListGrants"));
        assert_eq!(permission("sts:GetCallerIdentity"), None);
        assert_eq!(permission("s3:GetObject"), None);
    }

    #[test]
    fn the_audit_role_only_reads() {
        let reads = |action: &str| {
            let name = action.split_once(':').unwrap().1;
            ["Get", "List", "Describe"].iter().any(|verb| name.starts_with(verb))
        };
        let writes: Vec<_> = actions_of(Caller::AuditRole).into_iter().filter(|action| !reads(action)).collect();
        assert_eq!(writes, ["iam:GenerateCredentialReport"], "which changes nothing but the report");
    }
}
