//! The sandbox account, whose people give things names that whoever shows them must escape.

use serde_json::json;

use super::baseline;
use super::company::SANDBOX;
use super::{FRANKFURT, IRELAND, Quarter};
use crate::demo::account::Account;
use crate::demo::documents::Document;
use crate::demo::keys::{Grant, Key, Kind};
use crate::demo::policies::{allow, key_policy, role, trust_service};
use crate::demo::principals::{AccessKey, ManagedPolicy, Mfa, Role, User};

/// The account in a quarter.
pub(super) fn account(quarter: Quarter) -> Account {
    let mut account = baseline::account(SANDBOX, "2023-09-11");
    account.policies.push(
        ManagedPolicy::new("experiments", "2023-09-12", vec![allow("Try", &["kms:Encrypt", "s3:*"], json!("*"))])
            .description("<script>alert('policy')</script>"),
    );
    account.users.extend([
        // Names that spreadsheets take for formulas. IAM allows both.
        User::new("=1+1@cmd", "2024-03-04").console("2024-03-04", "2026-06-03").mfa(Mfa::Virtual),
        User::new("+tax,refund", "2024-03-04")
            .key(AccessKey::active(quarter.pick("2026-05-25", "2026-07-06")).used(
                quarter.pick("2026-06-20", "2026-09-25"),
                "s3",
                FRANKFURT,
            ))
            .tag("note", "=HYPERLINK http://evil.example"),
    ]);
    account.roles.push(
        Role::new("prototype", "2024-03-04", trust_service("lambda.amazonaws.com"))
            .attach("experiments")
            .inline(
                "scoped",
                vec![allow("One", &["kms:Decrypt"], json!(crate::demo::keys::named(SANDBOX, FRANKFURT, "lab-one")))],
            )
            .used("2026-06-03", FRANKFURT),
    );
    account.keys.extend(keys());
    account
}

fn keys() -> Vec<Key> {
    let statement = json!({
        "Sid": "<img src=x onerror=alert(1)>", "Effect": "Allow", "Principal": {"AWS": role(SANDBOX, "prototype")},
        "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*"
    });
    vec![
        Key::new(FRANKFURT, "lab-one", "2024-03-05")
            .described("</td><script>alert(document.domain)</script>")
            .rotating(365)
            .rotated("2026-03-05", false)
            .tag("Owner", "\"R&D\"; rm -rf $HOME")
            .tag("-2+3", "=cmd|' /C calc'!A0")
            .policy(&key_policy(SANDBOX, &[statement]))
            .grant(
                Grant::to(role(SANDBOX, "prototype"), "2024-03-06", &["Decrypt"])
                    .named("=grant")
                    .within("user", "`id`"),
            ),
        // Bad: a curve that NIST does not approve.
        Key::new(IRELAND, "lab-wallet", "2024-06-11").kind(Kind::Secp256k1Signing).tag("Owner", "R&D"),
        // Bad: rotation off; the text of its policy is one line without blanks, as some tools write it.
        Key::new(IRELAND, "lab-two", "2024-05-21")
            .described("Schlüssel für Versuche — ключ 🔑")
            .policy_document(Document::from(key_policy(SANDBOX, &[]))),
    ]
}
