//! What the checks of keys that a tag selects share: which keys are meant, and who may use one in requests that should fail.

use super::key_policy::{Answer, Asking, Policies, conclude, unanswered};
use super::{Form, Judged, Loosens, Scope, Strings};
use crate::access::{Principal, PrincipalKind};
use crate::finding::{Judgement, Verdict};
use crate::model::{Gap, Key, Tags};
use crate::policy::Access;

/// Which keys are keys of enclaves. Three checks ask it.
pub(super) const KEY_SELECTOR: Strings = Strings {
    name: "key_selector",
    meaning: "The tags of keys that only attested code may use, each as KEY or KEY=VALUE.",
    default: &["keyproof:enclave-key=true", "prowler:enclave-key=true"],
    form: Form::Text,
    loosens: Loosens::Less,
};

/// The actions that open what only an enclave should see, or take it to another key.
pub(super) const USES: &[&str] =
    &["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:DeriveSharedSecret", "kms:ReEncryptFrom"];

/// The answer for a key that no selector means: `Owner`, a tag key, or `DataClass=phi`, a tag with its value.
pub(super) fn unselected(key: &Key, selectors: &[&str]) -> Result<Option<Judgement>, Gap> {
    if selectors.is_empty() {
        return Ok(Some(Judgement::not_applicable("no tag is configured that selects keys")));
    }
    let tags = key.tags.as_ref().map_err(Clone::clone)?;
    let is_selected = selectors.iter().any(|selector| selects(selector, tags));
    Ok((!is_selected).then(|| {
        Judgement::not_applicable(format!("the key has none of the tags that select keys ({})", selectors.join(", ")))
    }))
}

fn selects(selector: &str, tags: &Tags) -> bool {
    // Both sides of a tag may hold the sign of equality.
    tags.iter().any(|(name, value)| name == selector || selector == format!("{name}={value}"))
}

/// A kind of request, and who must not be able to make it.
pub(super) struct Forbidden<'a> {
    /// The actions.
    pub(super) actions: &'a [&'a str],
    /// The kind of request, behind the action: `without attestation`.
    pub(super) how: &'a str,
    /// What is so when nobody can.
    pub(super) otherwise: &'static str,
    /// A principal in requests of this kind.
    pub(super) requests: &'a dyn Fn(&Principal) -> Principal,
    /// Whom the rule counts.
    pub(super) counts: fn(&Principal) -> bool,
}

/// Judges who can make a forbidden request on a key, through policies and grants.
pub(super) fn judged(policies: &Policies<'_>, scope: &Scope<'_>, forbidden: &Forbidden<'_>) -> Judged {
    let directory = scope.reach.directory();
    let key = policies.in_directory(scope.reach)?;
    let asking = Asking::new(scope.reach, key, forbidden.actions);
    let mut answers = Vec::new();
    // Who stands for principals of the account that were not listed is answered for below.
    let is_unlisted = |it: &Principal| it.kind == PrincipalKind::Account && it.account_id == scope.account.id;
    for principal in directory.candidates(key) {
        if principal.kind == PrincipalKind::Root || is_unlisted(&principal) || !(forbidden.counts)(&principal) {
            continue;
        }
        let narrowed = (forbidden.requests)(&principal);
        let found = match asking.first(&narrowed) {
            Ok(found) => found,
            Err(error) => return Ok(unanswered(&error)),
        };
        if let Some((action, cell)) = found {
            let (verdict, may) = match cell.access {
                Access::Possible => (Verdict::Undecided, "may perhaps"),
                _ => (Verdict::Fail, "may"),
            };
            let text = format!("{} {may} call {} {}", principal.arn, action.name(), forbidden.how);
            answers.push(Answer::new(verdict, text, policies.deciding(&cell)));
        }
    }
    if answers.iter().all(|answer| answer.verdict != Verdict::Fail) {
        // Somebody who was not listed, or a grant that was not, may do it.
        scope.account.iam.users.whole()?;
        scope.account.iam.roles.whole()?;
        policies.key.grants.whole()?;
    }
    Ok(conclude(answers, forbidden.otherwise).because_of_all(policies.key.grants.known().iter().map(|it| &it.source)))
}

/// How bad a judgement is, among several of one key.
pub(super) fn rank(judgement: &Judgement) -> u8 {
    match judgement.verdict {
        Verdict::Fail => 2,
        Verdict::Undecided => 1,
        Verdict::Pass | Verdict::NotApplicable | Verdict::Manual => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_a_tag_key_or_a_tag_with_its_value() {
        let tags = Tags::from([("DataClass".to_owned(), "phi".to_owned()), ("a=b".to_owned(), "c".to_owned())]);
        for selector in ["DataClass", "DataClass=phi", "a=b", "a=b=c"] {
            assert!(selects(selector, &tags), "{selector}");
        }
        for selector in ["DataClass=pci", "dataclass", "phi", "a", "a=c"] {
            assert!(!selects(selector, &tags), "{selector}");
        }
    }
}
