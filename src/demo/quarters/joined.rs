//! Accounts that appear in the third quarter: one that joined, and one that could not be entered before.

use serde_json::json;

use super::baseline;
use super::company::{CLINIC, REWARDS};
use super::{FRANKFURT, IRELAND};
use crate::demo::account::Account;
use crate::demo::keys::{Key, named};
use crate::demo::policies::{allow, key_policy, key_users, role, trust_service};
use crate::demo::principals::{AccessKey, ManagedPolicy, Role, User};

/// The rewards account, made in August: good but for one key.
pub(super) fn rewards() -> Account {
    let mut account = baseline::account(REWARDS, "2026-08-05");
    account.root.mfa = None;
    account.root.password = false;
    let points = named(REWARDS, FRANKFURT, "points");
    account.policies.push(ManagedPolicy::new(
        "PointsUse",
        "2026-08-06",
        vec![allow("Use", &["kms:Decrypt", "kms:GenerateDataKey"], json!(points))],
    ));
    account.roles.push(
        Role::new("PointsService", "2026-08-06", trust_service("lambda.amazonaws.com"))
            .attach("PointsUse")
            .used("2026-09-29", FRANKFURT),
    );
    account.keys.extend([
        Key::new(FRANKFURT, "points", "2026-08-06")
            .rotating(365)
            .tag("Owner", "rewards")
            .policy(&key_policy(REWARDS, &[key_users("Points", &[role(REWARDS, "PointsService")])]))
            .used("Decrypt", "2026-09-29"),
        // Bad: forgotten in the second Region.
        Key::new(IRELAND, "points-dr", "2026-08-06").tag("Owner", "rewards"),
    ]);
    account
}

/// The clinic that was bought in spring: much of it is not yet as it should be.
pub(super) fn clinic() -> Account {
    let mut account = baseline::account(CLINIC, "2019-11-18");
    account.root.mfa = None;
    account.contacts.clear();
    account.password_policy = None;
    account.identity_center = true;
    account.users.extend([
        User::new("praxis", "2019-11-18")
            .console("2019-11-18", "2026-09-29")
            .key(AccessKey::active("2019-11-18").used("2026-09-29", "s3", FRANKFURT))
            .attach("aws/AdministratorAccess"),
        // Bad: a certificate for interfaces of EC2 that nobody uses any more.
        User::new("labor", "2020-02-03")
            .signing_certificate("2020-02-04")
            .console("2020-02-03", "2026-09-28")
            .inline("Labor", vec![allow("Alles", &["kms:*", "s3:*"], json!("*"))]),
    ]);
    account.policies.push(ManagedPolicy::new("Praxissoftware", "2019-11-20", vec![allow("Alles", &["*"], json!("*"))]));
    account.roles.push(
        Role::new("Praxisserver", "2019-11-20", trust_service("ec2.amazonaws.com"))
            .instance_profile()
            .attach("Praxissoftware")
            .used("2026-09-29", FRANKFURT),
    );
    account.keys.extend([Key::new(FRANKFURT, "praxis", "2019-11-20")
        .described("Patientenakten")
        .used("Decrypt", "2026-09-29")]);
    account
}
