//! The management account: the organization's trail key, break-glass users, and the role that collects evidence.

use serde_json::json;

use super::baseline;
use super::company::{CLAIMS, DATA, LOG_ARCHIVE, MANAGEMENT, PAYMENTS};
use super::{FRANKFURT, Quarter};
use crate::demo::account::Account;
use crate::demo::keys::Key;
use crate::demo::policies::{allow, key_policy, key_users, role, root, trust_service_for};
use crate::demo::principals::{Group, ManagedPolicy, Mfa, Role, User};

/// Name of the role that collects.
pub(super) const COLLECTOR: &str = "KeyproofCollector";
/// The day on which it was made.
pub(super) const COLLECTOR_SINCE: &str = "2025-11-28";

/// The account in a quarter.
pub(super) fn account(quarter: Quarter) -> Account {
    let mut account = baseline::account(MANAGEMENT, "2021-03-02");
    // Good: a security key, so that no virtual device of the root user exists.
    account.root.mfa = Some(Mfa::Fido);
    account.root.used = Some("2026-01-09".to_owned());
    // Bad, then good: root access is managed centrally since summer.
    account.features = Some(quarter.pick(vec![], vec!["RootCredentialsManagement".to_owned()]));
    account.groups.push(Group::new("BreakGlass", "2021-03-02").attach("aws/AdministratorAccess"));
    // Bad: a group without members.
    account.groups.push(Group::new("BillingReaders", "2021-03-05"));
    account.users.extend([
        // Good: console with security keys, no access keys.
        User::new("breakglass-1", "2021-03-02")
            .console("2026-02-02", "2026-04-01")
            .mfa(Mfa::Fido)
            .member_of("BreakGlass"),
        User::new("breakglass-2", "2021-03-02").console("2026-02-02", "").mfa(Mfa::Fido).member_of("BreakGlass"),
    ]);
    account.policies.push(collect_policy());
    account.roles.push(
        // Good: the service may come for the company's own tasks only.
        Role::new(COLLECTOR, COLLECTOR_SINCE, trust_service_for("ecs-tasks.amazonaws.com", MANAGEMENT))
            .attach("EvidenceCollection")
            .tag("Owner", "security")
            .used(quarter.pick("2026-06-29", "2026-09-29"), FRANKFURT),
    );
    account.roles.push(
        Role::new("SupportCases", "2021-09-20", crate::demo::policies::trust_identity_center(MANAGEMENT))
            .attach("aws/AWSSupportAccess")
            .tag("Owner", "platform"),
    );
    account.keys.push(trail_key(quarter));
    account
}

/// Good: the collector may enter one role by name, and read the organization.
fn collect_policy() -> ManagedPolicy {
    let statements = vec![
        allow("EnterAuditRole", &["sts:AssumeRole"], json!("arn:aws:iam::*:role/KeyproofAudit")),
        allow("ReadOrganization", &["organizations:Describe*", "organizations:List*"], json!("*")),
    ];
    ManagedPolicy::new("EvidenceCollection", COLLECTOR_SINCE, statements)
}

/// Good: the trail may encrypt, the log archive may decrypt, only for this organization's trail.
fn trail_key(quarter: Quarter) -> Key {
    let trail = format!("arn:aws:cloudtrail:{FRANKFURT}:{MANAGEMENT}:trail/quillmere-organization");
    let encrypt = json!({
        "Sid": "Allow CloudTrail to encrypt logs", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "kms:GenerateDataKey*", "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:SourceArn": trail},
            "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": format!("arn:aws:cloudtrail:*:{MANAGEMENT}:trail/*")}
        }
    });
    let decrypt = json!({
        "Sid": "Log readers of member accounts", "Effect": "Allow",
        "Principal": {"AWS": [root(CLAIMS), root(DATA), root(PAYMENTS)]},
        "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"Null": {"kms:EncryptionContext:aws:cloudtrail:arn": "false"}}
    });
    let readers = key_users("Log archive", &[role(LOG_ARCHIVE, "LogReader")]);
    Key::new(FRANKFURT, "org-trail", "2021-03-10")
        .described("Organization trail")
        .rotating(365)
        .rotated("2022-03-10", false)
        .rotated("2023-03-10", false)
        .rotated("2024-03-09", false)
        .rotated("2025-03-09", false)
        .rotated("2026-03-09", false)
        .tag("Owner", "security")
        .tag("DataClass", "audit")
        .policy(&key_policy(MANAGEMENT, &[encrypt, decrypt, readers]))
        .used("GenerateDataKey", quarter.pick("2026-06-29", "2026-09-29"))
}
