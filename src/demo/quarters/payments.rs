//! The payments production account: principals that handle card data. Its policies and keys have files of their own.

use serde_json::json;

use super::baseline::{self, identity_center_role};
use super::company::{ACQUIRER, DATA, PAYMENTS};
use super::{FRANKFURT, IRELAND, Quarter, VIRGINIA, payments_keys, payments_policies};
use crate::demo::account::Account;
use crate::demo::keys::named;
use crate::demo::policies::{allow, deny, policy, role, trust, trust_if, trust_service};
use crate::demo::principals::{AccessKey, Group, Mfa, Role, User};

/// The account in a quarter.
pub(super) fn account(quarter: Quarter) -> Account {
    let mut account = baseline::account(PAYMENTS, "2021-05-17");
    account.root.mfa = Some(Mfa::Fido);
    account.policies.extend(payments_policies::policies(quarter));
    account.groups.extend(groups());
    account.users.extend(people(quarter));
    account.users.extend(machines(quarter));
    account.roles.extend(services(quarter));
    account.roles.extend(operators(quarter));
    account.keys.extend(payments_keys::keys(quarter));
    account.key_stores.push((FRANKFURT.to_owned(), "acquiring-hsm".to_owned(), "CONNECTED".to_owned()));
    account.certificates = vec![
        ("terminal-gateway".to_owned(), "2025-09-01".to_owned(), "2027-09-01".to_owned()),
        // Bad: expired.
        ("checkout-legacy".to_owned(), "2023-02-01".to_owned(), "2025-02-01".to_owned()),
    ];
    account
}

fn groups() -> Vec<Group> {
    let mask = ["kms:Decrypt", "kms:ReEncryptTo"];
    vec![
        // Good: what is denied is done to the group.
        Group::new("Engineers", "2021-05-17").attach("aws/IAMUserChangePassword").attach("PaymentsRead").inline(
            "KeepGroup",
            vec![deny("KeepGroup", &["iam:DeleteGroup"], json!(format!("arn:aws:iam::{PAYMENTS}:group/Engineers")))],
        ),
        // Bad: an inline policy of a group that decrypts with every key of every Region.
        Group::new("Reconciliation", "2022-03-01")
            .inline("MatchStatements", vec![allow("Match", &mask, json!("arn:aws:kms:*:*:key/*"))]),
        // Good: an inline policy of a group, one key.
        Group::new("Disputes", "2022-03-01").inline(
            "ReadReceipts",
            vec![allow("Read", &["kms:Decrypt"], json!(named(PAYMENTS, FRANKFURT, "settlement")))],
        ),
    ]
}

fn people(quarter: Quarter) -> Vec<User> {
    let mut petra =
        User::new("petra.lindqvist", "2022-09-12").console("2026-03-03", quarter.pick("2026-06-25", "2026-09-28"));
    // Fixed: console without MFA in the second quarter, with an authenticator app in the third.
    if quarter.is_third() {
        petra = petra.mfa(Mfa::Virtual);
    }
    vec![
        // Good: console with MFA, permissions through groups.
        User::new("jonas.weber", "2021-06-01")
            .console("2026-04-10", "2026-06-26")
            .mfa(Mfa::Virtual)
            .member_of("Engineers")
            .member_of("Disputes"),
        petra.member_of("Engineers").member_of("Reconciliation"),
        // Not applicable: neither password nor keys.
        User::new("mira.okafor", "2023-01-30").member_of("Disputes"),
        // Bad in both quarters: console without MFA, never signed in.
        User::new("audit.viewer", "2025-08-18").console("2025-08-18", "").attach("PaymentsRead"),
    ]
}

fn machines(quarter: Quarter) -> Vec<User> {
    let recent = |day: &str, used: &str| AccessKey::active(day).used(used, "kms", FRANKFURT);
    let mut gateway =
        User::new("svc-terminal-gateway", "2021-08-02").boundary("WorkloadBoundary").tag("Owner", "terminals");
    // Fixed: an old active key beside a new one; the old key is inactive in the third quarter.
    gateway = match quarter {
        Quarter::Q2 => gateway.key(recent("2024-10-07", "2026-06-29")).key(recent("2026-05-20", "2026-06-29")),
        Quarter::Q3 => gateway
            .key(AccessKey::inactive("2024-10-07").used("2026-07-14", "kms", FRANKFURT))
            .key(recent("2026-08-19", "2026-09-29")),
    };
    vec![
        // Bad besides: a policy directly on a user.
        gateway.attach("TerminalKeys"),
        // Good in the second quarter; nobody rotates it, so it is 141 days old in the third.
        User::new("svc-acquirer-upload", "2024-05-06")
            .key(recent("2026-05-12", quarter.pick("2026-06-28", "2026-09-27")))
            .attach("AcquirerExchange"),
        // Not applicable: the only key is inactive.
        User::new("svc-fax", "2021-06-21").key(AccessKey::inactive("2021-06-21")),
    ]
}

fn services(quarter: Quarter) -> Vec<Role> {
    vec![
        // Good: uses the card vault, under a boundary.
        Role::new("TokenizationService", "2021-06-14", trust_service("ecs-tasks.amazonaws.com"))
            .attach("CardVaultUse")
            .boundary("WorkloadBoundary")
            .tag("Owner", "tokens")
            .used("2026-06-29", FRANKFURT),
        // Good: its boundary does not allow what its policy grants, so that it cannot decrypt.
        Role::new("ReceiptPrinter", "2022-04-04", trust_service("lambda.amazonaws.com"))
            .attach("TokenReencrypt")
            .attach("aws/service-role/AWSLambdaBasicExecutionRole")
            .boundary("EncryptOnlyBoundary")
            .tag("Owner", "receipts")
            .used("2026-06-29", FRANKFURT),
        // Bad until the policy is narrowed in the third quarter.
        Role::new("SettlementBatch", "2021-07-19", trust_service("batch.amazonaws.com"))
            .attach("SettlementBatchKms")
            .tag("Owner", "settlement")
            .used(quarter.pick("2026-06-29", "2026-09-29"), FRANKFURT),
        Role::new("VaultNode", "2021-06-14", trust_service("ec2.amazonaws.com"))
            .instance_profile()
            .attach("CardVaultUse")
            .tag("Owner", "tokens")
            .used("2026-06-29", IRELAND),
        Role::new("RefundService", "2024-08-26", trust_service("lambda.amazonaws.com"))
            .inline(
                "Refunds",
                vec![allow("Queue", &["kms:Decrypt"], json!(named(PAYMENTS, FRANKFURT, "refund-queue")))],
            )
            .used("2026-06-29", FRANKFURT),
        Role::new("SealedBatchOwner", "2022-09-19", trust_service("batch.amazonaws.com")).used("2026-05-31", FRANKFURT),
        Role::new("GrantBroker", "2025-01-27", trust_service("lambda.amazonaws.com")).used("2026-06-29", FRANKFURT),
        // Good: an explicit Deny of the role makes its grant on the settlement key worthless, as it should be.
        Role::new("ChargebackExport", "2024-02-26", trust_service("lambda.amazonaws.com"))
            .inline(
                "NoPlaintext",
                vec![
                    allow("Export", &["s3:PutObject"], json!("arn:aws:s3:::quillmere-chargebacks/*")),
                    deny("NoDecrypt", &["kms:Decrypt"], json!("*")),
                ],
            )
            .used("2026-06-01", VIRGINIA),
    ]
}

fn operators(quarter: Quarter) -> Vec<Role> {
    let acquirer = [role(ACQUIRER, "settlement-gateway")];
    let external_id = json!({"StringEquals": {"sts:ExternalId": "quillmere-settlement"}});
    vec![
        // Good: the one role that the guardrails exempt.
        Role::new("KeyCustodian", "2021-05-18", custodian_trust()).attach("KeyAdministration").tag("Owner", "security"),
        // Bad: everything on every key.
        Role::new("KeyOperators", "2021-05-18", trust(&[role(PAYMENTS, "KeyCustodian")]))
            .attach("KeyOperatorsFull")
            .used(quarter.pick("2026-05-04", "2026-08-31"), FRANKFURT),
        // Good: a partner may enter, with an external id.
        Role::new("AcquirerPull", "2023-11-02", trust_if(&acquirer, external_id))
            .attach("AcquirerExchange")
            .used("2026-06-29", FRANKFURT),
        // Bad: a partner may enter without an external id.
        Role::new("AcquirerPullLegacy", "2021-12-06", trust(&acquirer)).attach("PaymentsRead"),
        // Good: the data platform comes through a chain of roles, to read one key.
        Role::new("StatementReader", "2023-03-20", trust(&[role(DATA, "LakeLoader")]))
            .inline(
                "ReadStatements",
                vec![allow("Read", &["kms:Decrypt"], json!(named(PAYMENTS, FRANKFURT, "statements")))],
            )
            .used("2026-06-28", FRANKFURT),
        identity_center_role(PAYMENTS, "PaymentsEngineer").attach("PaymentsRead").used("2026-06-29", FRANKFURT),
    ]
}

fn custodian_trust() -> serde_json::Value {
    policy(json!([{
        "Effect": "Allow",
        "Principal": {"AWS": crate::demo::policies::root(PAYMENTS)},
        "Action": "sts:AssumeRole",
        "Condition": {
            "Bool": {"aws:MultiFactorAuthPresent": "true"},
            "NumericLessThan": {"aws:MultiFactorAuthAge": "900"}
        }
    }]))
}
