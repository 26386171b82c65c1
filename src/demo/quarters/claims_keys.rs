//! Keys of the claims account: public and narrowed policies, a vault without root delegation, keys that change state.

use serde_json::{Value, json};

use super::claims::INTAKE_SINCE;
use super::company::{CLAIMS, DATA, ORGANIZATION, SECURITY};
use super::{FRANKFURT, IRELAND, Quarter, ROLE_NAME, VIRGINIA};
use crate::demo::ids::{hex, iam_id};
use crate::demo::keys::{Grant, Key, Origin, State};
use crate::demo::policies::{USE, key_admins, key_policy, key_policy_alone, key_users, role, root, service_use};

/// All of them in a quarter.
pub(super) fn keys(quarter: Quarter) -> Vec<Key> {
    let mut keys = health_data(quarter);
    keys.extend(changing(quarter));
    keys.extend(public(quarter));
    keys.extend(services(quarter));
    keys.extend(enclave());
    keys
}

/// Good: the enclave that pseudonymizes is let in by its measurement and its signer alone. Bad: a second statement of the other key
/// lets the same role in without.
fn enclave() -> Vec<Key> {
    let attested = json!({
        "Sid": "Enclave", "Effect": "Allow", "Principal": {"AWS": here("PhiTransform")}, "Action": ["kms:Decrypt"],
        "Resource": "*",
        "Condition": {"StringEqualsIgnoreCase": {
            "kms:RecipientAttestation:ImageSha384": hex(96, &["claims", "pseudonymizer", "image"]),
            "kms:RecipientAttestation:PCR8": hex(96, &["claims", "pseudonymizer", "signer"])
        }}
    });
    let debugging = json!({
        "Sid": "Debugging", "Effect": "Allow", "Principal": {"AWS": here("PhiTransform")}, "Action": "kms:Decrypt",
        "Resource": "*"
    });
    let key = |name: &str, statements: &[Value]| {
        let mut all = vec![key_admins("Custodian", &[here("PhiCustodian")])];
        all.extend_from_slice(statements);
        phi(FRANKFURT, name, "2025-06-02")
            .tag("keyproof:enclave-key", "true")
            .rotating(365)
            .rotated("2026-06-02", false)
            .policy(&key_policy_alone(&all))
            .used("Decrypt", "2026-06-27")
    };
    vec![key("pseudonyms", std::slice::from_ref(&attested)), key("pseudonyms-trial", &[attested, debugging])]
}

fn here(name: &str) -> String {
    role(CLAIMS, name)
}

fn phi(region: &str, name: &str, created: &str) -> Key {
    Key::new(region, format!("claims/{name}"), created).tag("Owner", "claims").tag("DataClass", "phi")
}

fn health_data(quarter: Quarter) -> Vec<Key> {
    let used = quarter.pick("2026-06-29", "2026-09-29");
    let mut documents =
        phi(FRANKFURT, "documents", "2022-03-28").policy(&key_policy(CLAIMS, &[lake()])).used("Decrypt", used);
    // Fixed: rotation off in the second quarter, on in the third.
    if quarter.is_third() {
        documents = documents.rotating(365);
    }
    let transform = ["Decrypt", "Encrypt", "GenerateDataKey", "DescribeKey", "CreateGrant", "RetireGrant"];
    vec![
        documents,
        // Good: an encrypt-only role beside a reader.
        phi(FRANKFURT, "intake", "2022-03-28")
            .rotating(365)
            .rotated("2026-03-28", false)
            .policy(&key_policy(CLAIMS, &[intake(quarter)]))
            .used("GenerateDataKey", used),
        phi(FRANKFURT, "phi-vault", "2022-05-02")
            .rotating(365)
            .rotated("2026-05-02", false)
            .policy(&vault())
            .grant(Grant::to(here("PhiTransform"), "2025-05-19", &transform).named("transform"))
            .used("Decrypt", used),
        phi(IRELAND, "replicated", "2023-06-12")
            .rotating(365)
            .rotated("2026-06-12", false)
            .policy(&key_policy(CLAIMS, &[one_tenant()])),
    ]
}

/// Bad in the third quarter: the role behind the ARN was deleted, and KMS shows its unique id instead.
fn intake(quarter: Quarter) -> Value {
    let intake = quarter.pick(here("ClaimsIntake"), iam_id("AROA", 21, &[CLAIMS, "ClaimsIntake", INTAKE_SINCE]));
    json!({
        "Sid": "Intake encrypts", "Effect": "Allow", "Principal": {"AWS": intake},
        "Action": ["kms:Encrypt", "kms:GenerateDataKey*", "kms:DescribeKey"], "Resource": "*"
    })
}

/// A role of another account of the organization, with one encryption context.
fn lake() -> Value {
    json!({
        "Sid": "Lake reads documents", "Effect": "Allow", "Principal": {"AWS": role(DATA, "LakeLoader")},
        "Action": ["kms:Decrypt"], "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:consent": "research"}}
    })
}

/// Good: bound to an encryption context and to this account.
fn one_tenant() -> Value {
    json!({
        "Sid": "Reader of one tenant", "Effect": "Allow", "Principal": {"AWS": here("ClaimsReader")},
        "Action": USE, "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:tenant": "quillmere", "kms:CallerAccount": CLAIMS}}
    })
}

/// What auditors need of a key, and one action that a key policy cannot give.
const AUDIT: [&str; 9] = [
    "kms:ListKeys",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:GetKeyLastUsage",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
];

/// Bad: no root delegation; the Deny names an action that does not exist; auditors get an action that a key policy
/// cannot give; the grant statement lists an action that its condition never meets. Good: one function only, and a
/// custodian.
fn vault() -> Value {
    key_policy_alone(&[
        key_admins("Custodian", &[here("PhiCustodian")]),
        json!({
            "Sid": "Transform only", "Effect": "Allow", "Principal": {"AWS": here("PhiTransform")},
            "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*"
        }),
        json!({"Sid": "Never delete", "Effect": "Deny", "Principal": "*", "Action": "kms:DeleteKey", "Resource": "*"}),
        json!({
            "Sid": "Auditors", "Effect": "Allow", "Action": AUDIT, "Resource": "*",
            "Principal": {"AWS": [here(ROLE_NAME), role(SECURITY, "IncidentResponse")]}
        }),
        json!({
            "Sid": "Grants bound to a context", "Effect": "Allow", "Principal": {"AWS": here("ClaimsReader")},
            "Action": ["kms:CreateGrant", "kms:Decrypt"], "Resource": "*",
            "Condition": {"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}}
        }),
    ])
}

/// Keys whose state differs between the quarters, or is not the usual one.
fn changing(quarter: Quarter) -> Vec<Key> {
    // New: in use in the second quarter, scheduled for deletion in the third.
    let scans = phi(FRANKFURT, "legacy-scans", "2021-06-30").rotating(365).used("Decrypt", "2026-05-11");
    let scans = if quarter.is_third() { scans.state(State::PendingDeletion("2026-10-22".to_owned())) } else { scans };
    let rotated = phi(FRANKFURT, "appeals", "2023-11-20")
        .rotating(365)
        .rotated("2025-11-19", false)
        .used("Decrypt", "2026-06-04");
    // New: somebody turned rotation off.
    let appeals = if quarter.is_third() {
        phi(FRANKFURT, "appeals", "2023-11-20").rotated("2025-11-19", false).used("Decrypt", "2026-09-24")
    } else {
        rotated
    };
    vec![
        scans,
        appeals,
        // Bad: rotates too seldom.
        phi(FRANKFURT, "x-ray-archive", "2022-08-15").rotating(2000).used("Decrypt", "2025-12-02"),
        // Not applicable: imported material cannot rotate by itself.
        phi(FRANKFURT, "insurer-exchange", "2024-05-27").origin(Origin::Imported(None)).used("Decrypt", "2026-06-27"),
        // Good for rotation, bad for everything else: kept in a key store.
        phi(IRELAND, "hsm-seal", "2023-01-23").origin(Origin::CloudHsm("claims-hsm".to_owned())),
        // Bad in both quarters: rotation off, no alias, no tags.
        Key::new(VIRGINIA, "claims/stray", "2023-12-18").without_alias(),
    ]
}

fn public(quarter: Quarter) -> Vec<Key> {
    let anyone = |condition: Option<Value>| {
        let mut statement = json!({
            "Sid": "Exports", "Effect": "Allow", "Principal": {"AWS": "*"},
            "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*"
        });
        if let (Some(condition), Some(members)) = (condition, statement.as_object_mut()) {
            members.insert("Condition".to_owned(), condition);
        }
        key_policy(CLAIMS, &[statement])
    };
    let organization = |value: &str| json!({"StringEquals": {"aws:PrincipalOrgID": value}});
    let key = |name: &str| phi(FRANKFURT, name, "2024-01-15").rotating(365).rotated("2026-01-14", false);
    // Fixed: open to the world in the second quarter, to the organization in the third.
    let export = anyone(quarter.is_third().then(|| organization(ORGANIZATION)));
    vec![
        key("export").policy(&export).used("Decrypt", quarter.pick("2026-06-29", "2026-09-29")),
        // Bad: a service narrows nothing, because everyone can come through it.
        key("portal").policy(&anyone(Some(
            json!({"StringEquals": {"kms:ViaService": format!("s3.{FRANKFURT}.amazonaws.com")}}),
        ))),
        // Bad: a pattern that every organization matches.
        key("partners").policy(&anyone(Some(json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}})))),
        // Good: only callers of this account.
        key("letters").policy(&anyone(Some(json!({"StringEquals": {"kms:CallerAccount": CLAIMS}})))),
        // Good: only one role, though the principal is everyone.
        key("reviews").policy(&anyone(Some(json!({"ArnEquals": {"aws:PrincipalArn": here("ClaimsReader")}})))),
        // Bad: everyone who does not give an encryption context that only honest callers give.
        key("samples").policy(&anyone(Some(json!({"StringNotEquals": {"kms:EncryptionContext:sample": "real"}})))),
    ]
}

fn services(quarter: Quarter) -> Vec<Key> {
    let used = quarter.pick("2026-06-29", "2026-09-29");
    // Bad: a mail service of anyone.
    let mail = json!({
        "Sid": "Mail", "Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"
    });
    let queue = service_use("Queues", "sqs.amazonaws.com", &["kms:Decrypt", "kms:GenerateDataKey*"], CLAIMS);
    let backup = Grant::to(
        format!("arn:aws:iam::{CLAIMS}:role/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup"),
        "2024-10-01",
        &[
            "CreateGrant",
            "Decrypt",
            "GenerateDataKeyWithoutPlaintext",
            "DescribeKey",
            "ReEncryptFrom",
            "ReEncryptTo",
            "Encrypt",
        ],
    );
    let analytics =
        |day: &str| Grant::to(role(DATA, "ResearchNotebook"), day, &["Decrypt"]).within_subset("consent", "research");
    vec![
        phi(FRANKFURT, "mail", "2023-03-13")
            .rotating(365)
            .rotated("2026-03-12", false)
            .policy(&key_policy(CLAIMS, &[mail]))
            .used("Decrypt", used),
        phi(FRANKFURT, "queue", "2023-03-13")
            .rotating(365)
            .rotated("2026-03-12", false)
            .policy(&key_policy(CLAIMS, &[queue]))
            .used("Decrypt", used),
        phi(FRANKFURT, "database", "2022-11-14")
            .rotating(365)
            .rotated("2025-11-13", false)
            .policy(&key_policy(CLAIMS, &[key_users("Reader", &[here("ClaimsReader"), root(DATA)])]))
            .grant(
                Grant::to(
                    "rds.eu-central-1.amazonaws.com",
                    "2022-11-14",
                    &["Decrypt", "Encrypt", "GenerateDataKey", "CreateGrant", "RetireGrant", "DescribeKey"],
                )
                .service("rds.amazonaws.com")
                .within("aws:rds:db-id", "db-CLAIMSPRIMARYEXAMPLE"),
            )
            .grant(backup)
            // Bad: the same grant twice.
            .grant(analytics("2025-02-17"))
            .grant(analytics("2025-02-18"))
            .used("Decrypt", used),
    ]
}
