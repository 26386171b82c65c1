//! What the checks of grants share: who is exempt, and which grantees are AWS services.

use super::Judged;
use crate::finding::Judgement;
use crate::model::{Gap, Grant, Key, KeyManager};

/// The operations of symmetric encryption, which constraints bind.
pub(super) const ENCRYPTION: [&str; 8] = [
    "Encrypt",
    "Decrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
];

/// Judges a grant of a customer managed key; `judge` is given the name of the grantee.
pub(super) fn judged(grant: &Grant, key: &Key, judge: impl FnOnce(&str) -> Judged) -> Judged {
    let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
    let judgement = match metadata.key_manager {
        KeyManager::Aws => Judgement::not_applicable("AWS manages the key and its grants"),
        KeyManager::Customer => judge(grantee(grant, key)?)?,
    };
    Ok(judgement.because_of(&grant.source).because_of(&metadata.source))
}

/// Who holds a grant, as AWS names it.
pub(super) fn grantee<'a>(grant: &'a Grant, key: &Key) -> Result<&'a str, Gap> {
    let is_named = |name: &&str| !name.is_empty();
    let principal = grant.grantee_principal.as_deref().filter(is_named);
    let named = principal.or(grant.grantee_service_principal.as_deref().filter(is_named));
    named.ok_or_else(|| Gap::malformed("kms:ListGrants", &[&key.id], format!("grant {} names no grantee", grant.id)))
}

/// The AWS service that holds a grant: by its name, by a service-linked role, or by a role that AWS owns.
pub(super) fn of_service(grant: &Grant) -> Option<&str> {
    let is_service = |name: &str| name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn");
    let is_of_aws = |name: &str| name.contains(":role/aws-service-role/") || name.contains(":assumed-role/aws:");
    let principal = grant.grantee_principal.as_deref().filter(|name| is_service(name) || is_of_aws(name));
    principal.or(grant.grantee_service_principal.as_deref().filter(|name| !name.is_empty()))
}

/// Whether no constraint binds a grant.
pub(super) fn is_unbound(grant: &Grant) -> bool {
    let constraints = &grant.constraints;
    let pairs = [&constraints.encryption_context_equals, &constraints.encryption_context_subset];
    pairs.into_iter().flatten().all(std::collections::BTreeMap::is_empty) && constraints.source_arn.is_none()
}
