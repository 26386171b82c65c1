//! Custom key stores that are not connected, and their keys.

use super::key_state::{judged, region};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{CustomKeyStore, Gap, Key};

pub(super) const CHECK: Check = Check {
    id: "kms-key-custom-key-store",
    title: "Custom key stores and their keys can be reached",
    severity: Severity::Medium,
    resource: "custom key store; KMS key",
    rationale: "A key in a custom key store works only while the CloudHSM cluster, or the key manager outside of AWS, \
        is connected. Without it everything under the key is locked.",
    rule: "Takes each custom key store, and each customer managed key of Origin AWS_CLOUDHSM or EXTERNAL_KEY_STORE. \
        FAIL if the ConnectionState of the store (DescribeCustomKeyStores) is not CONNECTED, or the KeyState of the \
        key is Unavailable; PASS otherwise.",
    exemptions: "AWS managed keys, and keys of other origins, are NOT_APPLICABLE.",
    blind_spots: "The state is that of the moment of the snapshot. Whether the cluster has enough HSMs, and whether \
        the key manager outside keeps what it should, cannot be seen.",
    remediation: Remediation {
        summary: "Connect the key store again, or move its keys into AWS KMS.",
        steps: &[
            "The reason names the state and AWS's error code; the AWS KMS developer guide says what each code asks \
             for.",
            "Run aws kms connect-custom-key-store --custom-key-store-id \"$STORE_ID\" once the cause is mended.",
            "If nobody needs the store: move what its keys protect to other keys first, and delete the store last.",
            "Verify: aws kms describe-custom-key-stores --custom-key-store-id \"$STORE_ID\" shows CONNECTED.",
        ],
        commands: &[
            "aws kms describe-custom-key-stores --region={region} --custom-key-store-id={key_store}",
            "aws kms connect-custom-key-store --region={region} --custom-key-store-id={key_store}",
            "aws kms describe-key --region={region} --key-id={key}",
        ],
        risk: "To connect takes up to 20 minutes, and changes nothing else. aws kms disconnect-custom-key-store takes \
            it back.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:DescribeCustomKeyStores"],
    parameters: &[],
    elsewhere: &["None known: custom key stores in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::CustomKeyStore(judge_store), Rule::Key(judge_key)],
};

fn judge_store(store: &CustomKeyStore, _: &Scope<'_>) -> Judged {
    let absent = || Gap::malformed(STORES, &[], format!("the store {} has no ConnectionState", store.id));
    let state = store.connection_state.as_deref().ok_or_else(absent)?;
    let judgement = match (state, &store.connection_error_code) {
        ("CONNECTED", _) => Judgement::pass(format!("the key store {} is connected", store.name)),
        (state, None) => Judgement::fail(format!("the key store {} is {state}", store.name)),
        (state, Some(code)) => Judgement::fail(format!("the key store {} is {state} ({code})", store.name)),
    };
    Ok(judgement.because_of(&store.source))
}

const STORES: &str = "kms:DescribeCustomKeyStores";

fn judge_key(key: &Key, scope: &Scope<'_>) -> Judged {
    judged(key, |metadata| {
        if !matches!(metadata.origin.as_str(), "AWS_CLOUDHSM" | "EXTERNAL_KEY_STORE") {
            return Ok(Judgement::not_applicable(format!("the origin of the key is {}", metadata.origin)));
        }
        if metadata.key_state == "Unavailable" {
            return Ok(Judgement::fail("the key is Unavailable: its key store cannot be reached"));
        }
        let stores = &region(key, scope)?.custom_key_stores;
        let absent = || Gap::malformed("kms:DescribeKey", &[&key.id], "KeyMetadata has no CustomKeyStoreId");
        let id = metadata.custom_key_store_id.as_ref().ok_or_else(absent)?;
        let Some(store) = stores.known().iter().find(|store| store.id == *id) else {
            stores.whole()?;
            return Err(Gap::malformed(STORES, &[], format!("the store {id} of the key is not listed")));
        };
        judge_store(store, scope)
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::Listing;

    fn store(state: Option<&str>, code: Option<&str>) -> CustomKeyStore {
        CustomKeyStore {
            id: "cks-1234567890abcdef0".to_owned(),
            name: "vault".to_owned(),
            connection_state: state.map(str::to_owned),
            connection_error_code: code.map(str::to_owned),
            source: source(STORES),
        }
    }

    fn held() -> Key {
        key_with(|it| {
            it.origin = "AWS_CLOUDHSM".to_owned();
            it.custom_key_store_id = Some("cks-1234567890abcdef0".to_owned());
        })
    }

    fn of_key(key: &Key, stores: Listing<CustomKeyStore>) -> Judged {
        let mut world = World::new().with_keys(vec![key.clone()]);
        for kms in world.account.regions.values_mut() {
            kms.custom_key_stores = stores.clone();
        }
        world.ask(|scope| super::judge_key(key, scope))
    }

    fn of_store(store: &CustomKeyStore) -> Judged {
        World::new().ask(|scope| judge_store(store, scope))
    }

    #[test]
    fn a_store_that_is_not_connected_fails_with_its_keys() {
        let failed = store(Some("FAILED"), Some("CLUSTER_NOT_FOUND"));
        let judgement = of_store(&failed).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, "the key store vault is FAILED (CLUSTER_NOT_FOUND)");
        assert_eq!(of_store(&store(Some("DISCONNECTED"), None)).unwrap().verdict, Verdict::Fail);
        assert_eq!(of_key(&held(), Listing::complete(vec![failed])).unwrap().verdict, Verdict::Fail);
        let mut unavailable = held();
        unavailable.metadata.as_mut().unwrap().key_state = "Unavailable".to_owned();
        let connected = Listing::complete(vec![store(Some("CONNECTED"), None)]);
        assert_eq!(of_key(&unavailable, connected).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn a_connected_store_passes_with_its_keys() {
        let connected = store(Some("CONNECTED"), None);
        assert_eq!(of_store(&connected).unwrap().verdict, Verdict::Pass);
        assert_eq!(of_key(&held(), Listing::complete(vec![connected])).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn keys_in_no_store_are_exempt() {
        let none = || Listing::complete(Vec::new());
        assert_eq!(of_key(&key(), none()).unwrap().verdict, Verdict::NotApplicable);
        assert_eq!(of_key(&aws_managed_key(), none()).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_store_state_or_description_nothing_is_said() {
        assert!(of_store(&store(None, None)).is_err());
        let gap = denied(STORES);
        assert_eq!(of_key(&held(), Listing::missing(gap.clone())), Err(gap));
        assert!(of_key(&held(), Listing::complete(Vec::new())).is_err());
        let mut nowhere = held();
        nowhere.metadata.as_mut().unwrap().custom_key_store_id = None;
        assert!(of_key(&nowhere, Listing::complete(Vec::new())).is_err());
        let gap = denied("kms:DescribeKey");
        assert_eq!(of_key(&Key { metadata: Err(gap.clone()), ..key() }, Listing::complete(Vec::new())), Err(gap));
    }
}
