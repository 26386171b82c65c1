//! Keys of the payments account: kinds and states of keys, families of several Regions, grants, conditions in key policies.

use serde_json::{Value, json};

use super::baseline::identity_center_name;
use super::company::{ACQUIRER, DATA, PAYMENTS};
use super::{FRANKFURT, IRELAND, Quarter, ROLE_NAME, VIRGINIA};
use crate::demo::ids::iam_id;
use crate::demo::keys::{Grant, Key, Kind, Origin, State};
use crate::demo::policies::{
    grants_for_aws_resources, key_admins, key_policy, key_policy_alone, key_users, role, root, root_delegation, user,
};

/// All of them in a quarter.
pub(super) fn keys(quarter: Quarter) -> Vec<Key> {
    let mut keys = vault_family(quarter);
    keys.extend(kinds(quarter));
    keys.extend(settlement(quarter));
    keys.extend(controlled());
    keys.extend(partner(quarter));
    keys.extend(unreadable());
    keys
}

fn here(name: &str) -> String {
    role(PAYMENTS, name)
}

/// The card vault: the primary of a multi-Region family. Good: users and administrators are separate.
pub(super) fn vault() -> Key {
    Key::new(FRANKFURT, "card-vault", "2022-06-14")
        .described("Primary account numbers at rest")
        .primary(&[IRELAND, VIRGINIA])
        .rotating(180)
        .rotated("2025-11-24", false)
        .rotated("2026-05-23", false)
        .tag("Owner", "tokens")
        .tag("DataClass", "cardholder")
        .policy(&key_policy(PAYMENTS, &vault_statements()))
}

fn vault_statements() -> Vec<Value> {
    let users = [here("TokenizationService"), here("VaultNode")];
    vec![
        key_admins("Allow access for Key Administrators", &[here("KeyCustodian")]),
        key_users("Allow use of the key", &users),
        grants_for_aws_resources(&users),
    ]
}

fn vault_family(quarter: Quarter) -> Vec<Key> {
    let vault = vault();
    let used = quarter.pick("2026-06-29", "2026-09-29");
    // Good: the replica in Ireland has the same policy. Bad: the one in Virginia was left with IAM alone.
    let ireland = vault.replica(IRELAND, Some(&key_policy(PAYMENTS, &vault_statements())));
    let virginia = vault.replica(VIRGINIA, None);
    let volume = |region: &str, name: &str| Grant::ebs_volume(PAYMENTS, region, "2025-12-01", name);
    vec![
        vault.used("Decrypt", used).grant(volume(FRANKFURT, "vault-a")).grant(volume(FRANKFURT, "vault-b")),
        ireland.used("Decrypt", used).grant(volume(IRELAND, "vault-c")),
        virginia.used("Decrypt", "2026-02-11"),
    ]
}

/// Keys that cannot rotate by themselves, or are not in a state for it.
fn kinds(quarter: Quarter) -> Vec<Key> {
    let used = quarter.pick("2026-06-29", "2026-09-29");
    // Expires soon in the second quarter; fresh material came in time.
    let expiration = quarter.pick("2026-07-20", "2027-07-20");
    let tagged = |name: &str, created: &str, class: &str| {
        Key::new(FRANKFURT, name, created).tag("Owner", "acquiring").tag("DataClass", class)
    };
    vec![
        tagged("pin-block", "2023-07-20", "cardholder")
            .origin(Origin::Imported(Some(expiration.to_owned())))
            .used("Decrypt", used),
        tagged("pin-block-next", quarter.pick("2026-06-22", "2026-09-21"), "cardholder")
            .origin(Origin::Imported(None))
            .state(State::PendingImport),
        tagged("scheme-transport", "2022-10-10", "cardholder")
            .origin(Origin::CloudHsm("acquiring-hsm".to_owned()))
            .used("Encrypt", used),
        tagged("terminal-mac", "2021-08-02", "cardholder").kind(Kind::Hmac).used("VerifyMac", used),
        tagged("receipt-signing", "2022-02-01", "public").kind(Kind::EccSigning).used("Sign", used),
        tagged("statement-signing", "2021-09-15", "public").kind(Kind::RsaSigning).used("Sign", used),
        tagged("merchant-upload", "2023-05-08", "internal").kind(Kind::RsaEncryption).used("Decrypt", "2026-01-15"),
        tagged("wallet-exchange", "2025-03-17", "cardholder").kind(Kind::EccAgreement).used("DeriveSharedSecret", used),
        // Bad: disabled, and yet it has an alias, and a grant to a role that no longer exists.
        tagged("fraud-scores-2021", "2021-11-11", "internal").state(State::Disabled).grant(
            Grant::to(iam_id("AROA", 21, &[PAYMENTS, "FraudScoring"]), "2021-11-12", &["Decrypt", "Encrypt"])
                .named("scores"),
        ),
        Key::new(IRELAND, "terminal-logs", "2024-04-15")
            .rotating(365)
            .rotated("2026-04-15", false)
            .tag("Owner", "terminals")
            .used("GenerateDataKey", used),
    ]
}

fn settlement(quarter: Quarter) -> Vec<Key> {
    let used = quarter.pick("2026-06-29", "2026-09-29");
    // Good: only through S3 and only from this account.
    let through_s3 = json!({
        "Sid": "Statements through S3", "Effect": "Allow", "Principal": {"AWS": "*"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*",
        "Condition": {"StringEquals": {
            "kms:CallerAccount": PAYMENTS, "kms:ViaService": format!("s3.{FRANKFURT}.amazonaws.com")
        }}
    });
    // Three grants: one alone, one bound to an encryption context, one that an explicit Deny of the role defeats.
    let alone = Grant::to(here("SettlementBatch"), "2025-09-01", &["Decrypt", "GenerateDataKey"]).named("batch");
    let bound = Grant::to(here("TokenizationService"), "2025-09-02", &["Decrypt"])
        .within("purpose", "settlement")
        .retired_by(here("KeyCustodian"));
    let defeated = Grant::to(here("ChargebackExport"), "2026-03-04", &["Decrypt"]).named("chargebacks");
    let settlement = Key::new(FRANKFURT, "settlement", "2021-07-19")
        .alias("alias/batch")
        .rotating(365)
        .rotated("2025-07-18", false)
        .tag("Owner", "settlement")
        .tag("DataClass", "cardholder")
        .grant(alone)
        .grant(bound)
        .grant(defeated)
        .used("Decrypt", used);
    let statements = Key::new(FRANKFURT, "statements", "2023-03-20")
        .rotating(365)
        .rotated("2026-03-19", false)
        .tag("Owner", "settlement")
        .tag("DataClass", "cardholder")
        .policy(&key_policy(PAYMENTS, &[through_s3, key_users("Readers", &[here("StatementReader")])]))
        .used("Decrypt", used);
    vec![settlement, statements]
}

/// Keys whose policies try to narrow who may do what, with and without success.
fn controlled() -> Vec<Key> {
    let admin = user(PAYMENTS, "jonas.weber");
    let destructive =
        ["kms:DeleteAlias", "kms:DeleteImportedKeyMaterial", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"];
    let fresh_mfa = |key: &str| {
        json!({
            "Sid": "Destroy only with fresh MFA", "Effect": "Allow", "Principal": {"AWS": admin}, "Action": destructive,
            "Resource": "*", "Condition": {"NumericLessThan": {key: "300"}}
        })
    };
    // The account's sessions are not named, so that the Deny also meets the role that it means to exempt.
    let only_one_role = json!({
        "Sid": "Nobody but the refund service", "Effect": "Deny",
        "NotPrincipal": {"AWS": [here("RefundService"), root(PAYMENTS)]},
        "Action": "kms:*", "Resource": "*", "Condition": {"StringEquals": {"kms:CallerAccount": PAYMENTS}}
    });
    let own_account_only = json!({
        "Sid": "Only from this account", "Effect": "Allow", "Principal": {"AWS": here("SettlementBatch")},
        "Action": "kms:*", "Resource": "*", "Condition": {"StringEquals": {"kms:CallerAccount": PAYMENTS}}
    });
    let key = |name: &str, statement: Value| {
        Key::new(FRANKFURT, name, "2024-08-26")
            .rotating(365)
            .rotated("2025-08-26", false)
            .tag("Owner", "security")
            .policy(&key_policy(PAYMENTS, &[statement]))
    };
    vec![
        // Bad: NotPrincipal in a Deny.
        key("refund-queue", only_one_role),
        // Bad: full access for a role; the condition restricts nothing that root delegation does not already allow.
        key("payout-files", own_account_only),
        // Bad: the key of the condition has a blank in it and never matches, so that the Allow is dead.
        key("ledger-seal", fresh_mfa("aws: MultiFactorAuthAge")),
        // Good: the same with the right key.
        key("ledger-seal-2", fresh_mfa("aws:MultiFactorAuthAge")),
    ]
}

/// Keys that the acquirer shares.
fn partner(quarter: Quarter) -> Vec<Key> {
    let gateway = role(ACQUIRER, "settlement-gateway");
    // Bad: an outside role may decrypt, though only with one encryption context.
    let exchange = json!({
        "Sid": "Acquirer", "Effect": "Allow", "Principal": {"AWS": gateway}, "Action": ["kms:Encrypt", "kms:Decrypt"],
        "Resource": "*", "Condition": {"StringEquals": {"kms:EncryptionContext:exchange": "acquirer"}}
    });
    let mut shared = Key::new(FRANKFURT, "acquirer-exchange", "2023-11-02")
        .rotating(365)
        .rotated("2025-11-01", false)
        .tag("Owner", "acquiring")
        .tag("DataClass", "cardholder")
        .policy(&key_policy(PAYMENTS, &[exchange]))
        // Bad: a grant to an outside role.
        .grant(
            Grant::to(gateway, "2023-11-03", &["Decrypt", "DescribeKey"])
                .named("acquirer")
                .within_subset("exchange", "acquirer"),
        )
        // Good: the same operations for a role of this account.
        .grant(
            Grant::to(here("AcquirerPull"), "2023-11-03", &["Decrypt", "DescribeKey"])
                .within_subset("exchange", "acquirer")
                .retired_by(here("KeyCustodian")),
        )
        .used("Decrypt", quarter.pick("2026-06-29", "2026-09-29"));
    // New: in the third quarter the acquirer's whole account gets a grant, with the right to pass it on.
    if quarter.is_third() {
        shared = shared.grant(
            Grant::to(root(ACQUIRER), "2026-08-14", &["Encrypt", "Decrypt", "CreateGrant"]).named("acquirer-new"),
        );
    }
    // The data platform belongs to the organization, and yet it is another account.
    let inside = Key::new(FRANKFURT, "merchant-directory", "2022-12-05")
        .rotating(365)
        .rotated("2025-12-04", false)
        .tag("Owner", "merchants")
        .policy(&key_policy(PAYMENTS, &[key_users("Data platform", &[root(DATA)])]))
        .grant(
            Grant::to(role(DATA, "LakeLoader"), "2024-06-10", &["Decrypt"])
                .named("lake")
                .within_subset("table", "merchants"),
        )
        .used("Decrypt", quarter.pick("2026-06-28", "2026-09-28"));
    vec![shared, inside]
}

/// What the collector asks of a key.
const EVERYTHING: [&str; 8] = [
    "DescribeKey",
    "ListKeyPolicies",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListKeyRotations",
    "ListGrants",
    "ListResourceTags",
    "GetKeyLastUsage",
];

/// Keys that the audit role cannot read whole: what is not known about them is neither good nor bad.
fn unreadable() -> Vec<Key> {
    let broker = here("GrantBroker");
    let brokered = json!({
        "Sid": "Grants belong to the broker", "Effect": "Deny", "Principal": {"AWS": "*"},
        "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], "Resource": "*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": broker}}
    });
    let engineer = format!(
        "arn:aws:iam::{PAYMENTS}:role/aws-reserved/sso.amazonaws.com/{FRANKFURT}/{}",
        identity_center_name(PAYMENTS, "PaymentsEngineer")
    );
    let auditors = json!({
        "Sid": "Audit", "Effect": "Allow", "Principal": {"AWS": here(ROLE_NAME)},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*"], "Resource": "*"
    });
    vec![
        Key::new(FRANKFURT, "instant-payments", "2025-01-27")
            .rotating(365)
            .rotated("2026-01-27", false)
            .tag("Owner", "instant")
            .tag("DataClass", "cardholder")
            .policy(&key_policy(PAYMENTS, &[brokered, key_admins("Engineers", &[engineer])]))
            .used("Decrypt", "2026-06-29")
            .denied(&["ListGrants"]),
        // Without root delegation, IAM policies of the account count for nothing, and the audit role is not named.
        Key::new(FRANKFURT, "sealed-batch", "2022-09-19")
            .policy(&key_policy_alone(&[key_admins("Owner", &[here("SealedBatchOwner")])]))
            .denied(&EVERYTHING),
        // Bad: the rotation of an enabled key is off, and another statement than root delegation keeps it manageable.
        Key::new(VIRGINIA, "us-acquiring", "2024-09-30")
            .tag("Owner", "acquiring")
            .policy(&key_policy_alone(&[root_delegation(PAYMENTS), auditors])),
    ]
}
