//! `kms_keys.csv`: the inventory of KMS keys (PCI DSS 3.6.1.1 and 12.3.3).

use super::number;
use super::sheet::{Column, Sheet, dated, evidence, fact, tags};
use crate::model::{Account, Fact, Key, KeyManager, KeyMetadata, Kms, MultiRegion};
use crate::report::keys::rotation;
use crate::report::table::{SEPARATOR, not_known};

/// The table.
pub(super) struct KmsKeys;

/// A key.
pub(super) struct Row<'a> {
    pub(super) account: &'a Account,
    pub(super) kms: &'a Kms,
    pub(super) key: &'a Key,
}

impl Sheet for KmsKeys {
    type Row<'a> = Row<'a>;
    const NAME: &'static str = "kms_keys.csv";
    const CONTENT: &'static str = "Every KMS key of the accounts that were read: the inventory of keys.";
    const COLUMNS: &'static [Column<Self>] = &[
        ("region", "Region of the key", |it| it.key.region.clone()),
        ("key_arn", "ARN of the key", |it| it.key.arn.clone()),
        ("key_id", "Its id", |it| it.key.id.clone()),
        ("aliases", "Names of its aliases", |it| {
            let names = it.kms.aliases_of(it.key).map(str::to_owned);
            names.chain(it.kms.aliases.gap().map(not_known)).collect::<Vec<_>>().join(SEPARATOR)
        }),
        ("description", "The customer's words", |it| it.of(|key| key.description.clone())),
        ("key_manager", "customer or aws", |it| {
            it.of(|key| match key.key_manager {
                KeyManager::Customer => "customer".to_owned(),
                KeyManager::Aws => "aws".to_owned(),
            })
        }),
        ("key_spec", "SYMMETRIC_DEFAULT, RSA_2048, HMAC_256, …: algorithm and length", |it| {
            it.of(|key| key.key_spec.clone())
        }),
        ("key_usage", "ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC or KEY_AGREEMENT", |it| {
            it.of(|key| key.key_usage.clone())
        }),
        ("origin", "Where its material comes from: AWS_KMS, EXTERNAL, AWS_CLOUDHSM or EXTERNAL_KEY_STORE", |it| {
            it.of(|key| key.origin.clone())
        }),
        ("custom_key_store_id", "The custom key store that holds its material, if one does", |it| {
            it.of(|key| key.custom_key_store_id.clone().unwrap_or_default())
        }),
        ("multi_region", "primary or replica; empty for a key of one Region", |it| {
            it.of_family(|family| if family.is_replica { "replica" } else { "primary" }.to_owned())
        }),
        ("primary_key", "ARN of the primary key of its family", |it| it.of_family(|family| family.primary_arn.clone())),
        ("replica_keys", "ARNs of the replicas of its family", |it| {
            it.of_family(|family| family.replica_arns.join(SEPARATOR))
        }),
        ("key_state", "Enabled, Disabled, PendingDeletion, …", |it| it.of(|key| key.key_state.clone())),
        ("created_at", "When it was created", |it| it.of(|key| dated(key.creation_date, &key.source, "CreationDate"))),
        ("deletion_date", "When it will be deleted, if that is scheduled", |it| {
            it.of(|key| key.deletion_date.map(|time| time.to_string()).unwrap_or_default())
        }),
        ("material_expires_at", "When imported material expires, if it does", |it| {
            it.of(|key| key.valid_to.map(|time| time.to_string()).unwrap_or_default())
        }),
        (
            "rotation",
            "on or off: whether KMS rotates it by itself; `none: ` and why for keys that KMS does not rotate by a setting of their own",
            |it| rotation(it.key).state(),
        ),
        ("rotation_period_days", "Days from one rotation to the next, where rotation is on", |it| {
            rotation(it.key).period()
        }),
        (
            "last_rotation",
            "When it was last rotated; never where AWS lists no rotation; empty for keys that were not asked",
            |it| rotation(it.key).last(),
        ),
        ("next_rotation", "When KMS will rotate it next, where KMS says so", |it| rotation(it.key).next()),
        ("policy_sha256", "SHA-256 of the text of its key policy, as AWS gave it; of several, name and digest", |it| {
            policies(it.key)
        }),
        ("grants", "Number of its grants; kms_grants.csv lists them", |it| number(&it.key.grants)),
        (
            "last_used",
            "When it last served a cryptographic operation; never where AWS, which began to track it then, has no record",
            |it| {
                fact(&it.key.last_usage, |usage| match (usage.last, usage.tracking_start) {
                    (Some(time), _) => time.to_string(),
                    (None, Some(start)) => format!("never since {start}"),
                    (None, None) => "never".to_owned(),
                })
            },
        ),
        ("last_used_operation", "That operation", |it| {
            fact(&it.key.last_usage, |usage| usage.operation.clone().unwrap_or_default())
        }),
        ("tags", "Its tags as key=value", |it| fact(&it.key.tags, tags)),
        ("evidence_file", "File inside the snapshot where it was listed", |it| {
            evidence(it.account, &it.key.source).file.to_string()
        }),
        ("evidence_pointer", "JSON pointer (RFC 6901) into the decompressed file", |it| {
            it.key.source.pointer.to_string()
        }),
        ("request_id", "AWS's request id of the list", |it| {
            evidence(it.account, &it.key.source).request_id.unwrap_or_default()
        }),
    ];
}

impl Row<'_> {
    /// What `DescribeKey` says.
    fn of(&self, words: impl FnOnce(&KeyMetadata) -> String) -> String {
        fact(&self.key.metadata, words)
    }

    /// What is said of the family of a multi-Region key.
    fn of_family(&self, words: impl FnOnce(&MultiRegion) -> String) -> String {
        self.of(|key| key.multi_region.as_ref().map(words).unwrap_or_default())
    }
}

/// The digests of the key policies.
fn policies(key: &Key) -> String {
    let digest = |digest: &Fact<String>| fact(digest, String::clone);
    match (key.policies.known(), key.policies.gap()) {
        ([one], None) => digest(&one.sha256),
        (several, gap) => {
            let named = several.iter().map(|policy| format!("{} {}", policy.name, digest(&policy.sha256)));
            named.chain(gap.map(not_known)).collect::<Vec<_>>().join(SEPARATOR)
        }
    }
}
