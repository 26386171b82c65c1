//! Customer managed policies of the payments account: each way in which a policy does or does not open all keys.

use serde_json::{Value, json};

use super::company::PAYMENTS;
use super::{FRANKFURT, Quarter};
use crate::demo::keys::named;
use crate::demo::policies::{allow, allow_if, deny};
use crate::demo::principals::ManagedPolicy;

/// All of them in a quarter.
pub(super) fn policies(quarter: Quarter) -> Vec<ManagedPolicy> {
    let mut policies = good();
    policies.extend(bad());
    policies.extend(boundaries());
    policies.push(settlement(quarter));
    policies
}

fn key(name: &str) -> String {
    named(PAYMENTS, FRANKFURT, name)
}

/// The card vault in every Region: a multi-Region key keeps its id.
fn vault() -> Value {
    let vault = super::payments_keys::vault();
    json!(super::REGIONS.map(|region| crate::demo::keys::arn(PAYMENTS, region, &vault.id(PAYMENTS))))
}

/// Policies that pass all checks of decryption on all keys.
fn good() -> Vec<ManagedPolicy> {
    let created = "2021-06-14";
    vec![
        // One key, in all its Regions.
        ManagedPolicy::new(
            "CardVaultUse",
            created,
            vec![allow("UseVault", &["kms:Decrypt", "kms:GenerateDataKey*"], vault())],
        ),
        // All keys of one Region and account: AWS's own example of what is acceptable.
        ManagedPolicy::new(
            "PaymentsRegional",
            created,
            vec![allow("Use", &["kms:Decrypt"], json!(format!("arn:aws:kms:{FRANKFURT}:{PAYMENTS}:key/*")))],
        ),
        // Metadata only, on all keys; letter case does not matter.
        ManagedPolicy::new(
            "PaymentsRead",
            created,
            vec![allow("Look", &["KMS:describe*", "kms:List*", "s3:GetObject"], json!("*"))],
        ),
        // Everything, but on one key.
        ManagedPolicy::new(
            "TerminalKeys",
            "2021-08-02",
            vec![allow("Terminals", &["kms:*"], json!(key("terminal-mac")))],
        ),
        // Encryption on all keys reveals nothing.
        ManagedPolicy::new(
            "EncryptAnywhere",
            "2022-01-10",
            vec![allow(
                "Encrypt",
                &["kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptTo"],
                json!("*"),
            )],
        ),
        ManagedPolicy::new(
            "AcquirerExchange",
            "2023-11-02",
            vec![allow("Exchange", &["kms:Encrypt", "kms:Decrypt"], json!(key("acquirer-exchange")))],
        ),
        // A Deny in the same document takes back what the Allow opens.
        ManagedPolicy::new(
            "DecryptTakenBack",
            "2022-11-21",
            vec![allow("Broad", &["kms:*"], json!("*")), deny("NoPlaintext", &["kms:*"], json!("*"))],
        ),
        // NotAction leaves KMS out altogether.
        ManagedPolicy::new(
            "EverythingButKeys",
            "2023-02-13",
            vec![json!({
                "Sid": "Build", "Effect": "Allow", "Resource": "*",
                "NotAction": ["kms:*", "iam:*", "organizations:*", "sts:*"]
            })],
        ),
        // A broad version that is not the default grants nothing.
        ManagedPolicy::new(
            "DisputeTools",
            "2023-06-05",
            vec![allow("Read", &["kms:Decrypt"], json!(key("settlement")))],
        )
        .drafted("2023-06-06", vec![allow("Read", &["kms:Decrypt"], json!("*"))]),
        // Administration without use; used by the custodian only.
        ManagedPolicy::new(
            "KeyAdministration",
            "2021-05-18",
            vec![allow_if(
                "Administer",
                &crate::demo::policies::ADMINISTER,
                json!(format!("arn:aws:kms:*:{PAYMENTS}:key/*")),
                json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
            )],
        ),
        // A key is not reached by its alias ARN: this grants nothing that decrypts.
        ManagedPolicy::new(
            "VaultByAlias",
            "2022-08-29",
            vec![allow("ByAlias", &["kms:Decrypt"], json!(format!("arn:aws:kms:*:{PAYMENTS}:alias/*")))],
        ),
    ]
}

/// Policies that fail.
fn bad() -> Vec<ManagedPolicy> {
    let created = "2021-05-18";
    vec![
        // Everything on all keys: fails decryption and full access.
        ManagedPolicy::new("KeyOperatorsFull", created, vec![allow("Keys", &["kms:*"], json!("*"))])
            .description("Full key administration for the operators on duty"),
        // Re-encryption from any key reveals as much as decryption.
        ManagedPolicy::new(
            "TokenReencrypt",
            "2022-04-04",
            vec![allow("Migrate", &["kms:ReEncrypt*"], json!("arn:aws:kms:*:*:key/*"))],
        ),
        // Letter case and wildcards hide kms:Decrypt from a text search.
        ManagedPolicy::new(
            "BatchTools",
            "2022-05-16",
            vec![allow("Batch", &["KMS:dEcR*", "s3:GetObject"], json!(["arn:*"]))],
        ),
        // All keys but one.
        ManagedPolicy::new(
            "AllButVault",
            "2023-08-07",
            vec![json!({
                "Sid": "Support", "Effect": "Allow", "Action": ["kms:Decrypt"], "NotResource": vault()
            })],
        ),
        // A condition does not narrow the keys.
        ManagedPolicy::new(
            "DecryptByService",
            "2024-01-22",
            vec![allow_if(
                "ThroughS3",
                &["kms:Decrypt"],
                json!("*"),
                json!({"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}),
            )],
        ),
        // The Deny is conditional, so that it takes back only some requests.
        ManagedPolicy::new(
            "DecryptHalfTakenBack",
            "2024-03-11",
            vec![
                allow("Broad", &["kms:Decrypt"], json!("*")),
                json!({
                    "Sid": "OnlyWithMfa", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*",
                    "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
                }),
            ],
        ),
    ]
}

/// Exempt: policies that are used as boundaries only.
fn boundaries() -> Vec<ManagedPolicy> {
    vec![
        ManagedPolicy::new(
            "WorkloadBoundary",
            "2021-05-18",
            vec![
                allow("Ceiling", &["*"], json!("*")),
                deny("NoKeyAdministration", &["kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "iam:*"], json!("*")),
            ],
        ),
        ManagedPolicy::new(
            "EncryptOnlyBoundary",
            "2022-04-04",
            vec![allow(
                "Ceiling",
                &["logs:*", "s3:*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncryptTo", "kms:DescribeKey"],
                json!("*"),
            )],
        ),
    ]
}

/// Fixed: all keys in the second quarter; a version that names the key is the default in the third.
fn settlement(quarter: Quarter) -> ManagedPolicy {
    let actions = ["kms:Decrypt", "kms:GenerateDataKey"];
    let policy = ManagedPolicy::new("SettlementBatchKms", "2021-07-19", vec![allow("Settle", &actions, json!("*"))]);
    match quarter {
        Quarter::Q2 => policy,
        Quarter::Q3 => policy.revised("2026-07-23", vec![allow("Settle", &actions, json!(key("settlement")))]),
    }
}
