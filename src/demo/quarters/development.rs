//! The payments development account in the second quarter: broad policies, old keys, a key about to be deleted.

use serde_json::json;

use super::baseline;
use super::company::{ACQUIRER, DEVELOPMENT};
use super::{FRANKFURT, IRELAND};
use crate::demo::account::Account;
use crate::demo::keys::{Grant, Key, State};
use crate::demo::policies::{all_but_iam, allow, role, trust, trust_service};
use crate::demo::principals::{AccessKey, Group, ManagedPolicy, Mfa, Role, User};

/// The account.
pub(super) fn account() -> Account {
    let mut account = baseline::account(DEVELOPMENT, "2021-05-17");
    // Bad: no MFA for the root user, an access key of the root user, no security contact.
    account.root.mfa = None;
    account.root.access_keys = 1;
    account.root.used = Some("2026-06-11".to_owned());
    account.contacts.retain(|(kind, ..)| *kind == "BILLING");
    account.policies.extend(policies());
    account.groups.push(Group::new("Developers", "2021-05-17").attach("DeveloperPower"));
    account.users.extend([
        User::new("hana.sato", "2022-01-10")
            .console("2026-01-12", "2026-06-29")
            .mfa(Mfa::Virtual)
            .member_of("Developers"),
        // Bad: console without MFA, and an old key.
        User::new("emil.novak", "2022-01-10")
            .console("2024-05-02", "2026-06-27")
            .key(AccessKey::active("2023-08-08").used("2026-06-27", "kms", FRANKFURT))
            .member_of("Developers"),
        // Good: a young key.
        User::new("svc-ci", "2023-03-06")
            .key(AccessKey::active("2026-06-01").used("2026-06-29", "sts", FRANKFURT))
            .attach("DeveloperBoundary"),
    ]);
    account.roles.extend([
        Role::new("BuildAgent", "2023-03-06", trust_service("codebuild.amazonaws.com"))
            .attach("DeveloperAdmin")
            .used("2026-06-29", FRANKFURT),
        Role::new("LoadTest", "2024-09-16", trust_service("ec2.amazonaws.com"))
            .boundary("DeveloperBoundary")
            .attach("DeveloperPower"),
        Role::new("VendorDebug", "2022-06-13", trust(&[role(ACQUIRER, "support")]))
            .inline("Debug", vec![allow("Debug", &["kms:Decrypt", "logs:*"], json!("*"))]),
    ]);
    account.keys.extend(keys());
    account
}

fn policies() -> Vec<ManagedPolicy> {
    vec![
        // Bad: everything on everything.
        ManagedPolicy::new("DeveloperAdmin", "2023-03-06", vec![allow("All", &["*"], json!("*"))]),
        // Bad: everything but IAM is still every key.
        ManagedPolicy::new("DeveloperPower", "2021-05-17", vec![all_but_iam()]),
        // Bad: a boundary that is attached to a user as well does not count as a boundary only.
        ManagedPolicy::new(
            "DeveloperBoundary",
            "2023-03-06",
            vec![allow("Ceiling", &["kms:*", "s3:*", "sts:*"], json!("*"))],
        ),
    ]
}

fn keys() -> Vec<Key> {
    let key = |region: &str, name: &str, created: &str| Key::new(region, name, created).tag("Owner", "payments-dev");
    vec![
        key(FRANKFURT, "dev-vault", "2021-06-14").used("Decrypt", "2026-06-29"),
        key(FRANKFURT, "dev-settlement", "2021-07-19")
            .rotating(365)
            .rotated("2025-07-18", false)
            .used("Decrypt", "2026-06-29"),
        // Bad: about to be gone, with a grant to a partner besides.
        key(FRANKFURT, "dev-acquirer", "2023-11-02")
            .state(State::PendingDeletion("2026-07-14".to_owned()))
            .grant(Grant::to(role(ACQUIRER, "settlement-gateway"), "2023-11-03", &["Decrypt"]).named("acquirer")),
        key(IRELAND, "dev-logs", "2024-04-15").rotating(365).rotated("2026-04-15", false),
    ]
}
