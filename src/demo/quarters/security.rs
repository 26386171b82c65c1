//! The security unit: the security tooling account and the log archive.

use serde_json::json;

use super::baseline::{self, identity_center_role};
use super::company::{LOG_ARCHIVE, MANAGEMENT, ORGANIZATION, SECURITY};
use super::{FRANKFURT, IRELAND, Quarter, VIRGINIA};
use crate::demo::account::Account;
use crate::demo::keys::{Grant, Key, State};
use crate::demo::policies::{
    USE, allow, allow_if, key_admins, key_policy, role, service_use, trust, trust_if, trust_service,
};
use crate::demo::principals::{ManagedPolicy, Role};

/// The security tooling account. Its root user has no credentials: they were removed centrally.
pub(super) fn tooling(quarter: Quarter) -> Account {
    let mut account = baseline::account(SECURITY, "2021-03-04");
    account.root.mfa = None;
    account.root.password = false;
    account.policies.extend(tooling_policies());
    account.roles.extend(tooling_roles(quarter));
    account.keys.extend(tooling_keys(quarter));
    account
}

fn tooling_policies() -> Vec<ManagedPolicy> {
    vec![
        // Bad: all keys; the condition narrows who may use it but not which keys, and is not counted.
        ManagedPolicy::new(
            "ForensicsDecrypt",
            "2023-04-12",
            vec![allow_if(
                "ReadEvidence",
                &["kms:Decrypt", "kms:DescribeKey"],
                json!("*"),
                json!({"StringEquals": {"aws:PrincipalTag/incident": "open"}}),
            )],
        )
        .description("Decrypts evidence of any account during an incident"),
        // Exempt: used only as a boundary, where it allows nothing by itself.
        ManagedPolicy::new("ResponderBoundary", "2023-04-12", vec![allow("Ceiling", &["*"], json!("*"))]),
    ]
}

fn tooling_roles(quarter: Quarter) -> Vec<Role> {
    let mfa = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    vec![
        Role::new("IncidentResponse", "2023-04-12", trust_if(&[role(SECURITY, "OnCall")], mfa))
            .attach("ForensicsDecrypt")
            .boundary("ResponderBoundary")
            .tag("incident", "closed"),
        Role::new("OnCall", "2023-04-12", crate::demo::policies::trust_identity_center(SECURITY))
            .used("2026-06-02", FRANKFURT),
        // Good: administers keys and cannot use them.
        identity_center_role(SECURITY, "KeyAdministrator")
            .attach("aws/AWSKeyManagementServicePowerUser")
            .used(quarter.pick("2026-06-18", "2026-09-22"), FRANKFURT),
        Role::new("FindingsForwarder", "2022-02-14", trust_service("lambda.amazonaws.com"))
            .attach("aws/service-role/AWSLambdaBasicExecutionRole")
            // Good: one key.
            .inline(
                "EncryptFindings",
                vec![allow(
                    "WriteFindings",
                    &["kms:GenerateDataKey", "kms:Encrypt"],
                    json!(crate::demo::keys::named(SECURITY, FRANKFURT, "findings-archive")),
                )],
            )
            .used("2026-06-29", FRANKFURT),
    ]
}

fn tooling_keys(quarter: Quarter) -> Vec<Key> {
    // Good: everyone, but of this organization only.
    let members = json!({
        "Sid": "Accounts of the organization write findings", "Effect": "Allow", "Principal": {"AWS": "*"},
        "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"], "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}
    });
    // Good: everyone below one unit; the path ends in a wildcard but begins with the organization.
    let unit = json!({
        "Sid": "Production writes findings", "Effect": "Allow", "Principal": "*",
        "Action": "kms:GenerateDataKey*", "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:PrincipalOrgID": ORGANIZATION},
            "ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": format!("{ORGANIZATION}/r-exam/ou-exam-workloads/*")}
        }
    });
    let admins = key_admins("Administrators", &[role(SECURITY, "IncidentResponse")]);
    vec![
        Key::new(FRANKFURT, "findings-archive", "2022-02-14")
            .described("Findings of all accounts")
            .rotating(365)
            .rotated("2025-02-13", false)
            .tag("Owner", "security")
            .tag("DataClass", "audit")
            .policy(&key_policy(SECURITY, &[members, unit, admins]))
            .grant(Grant::ebs_volume(SECURITY, FRANKFURT, "2025-10-02", "siem-data"))
            .used("GenerateDataKey", quarter.pick("2026-06-29", "2026-09-29")),
        // Good: rotation is off, but a disabled key is not rotated.
        Key::new(IRELAND, "findings-archive-old", "2021-04-01").state(State::Disabled).tag("Owner", "security"),
        // Good: on-demand rotation besides the yearly one.
        Key::new(VIRGINIA, "waf-logs", "2023-01-19")
            .rotating(365)
            .rotated("2026-02-20", true)
            .tag("Owner", "security")
            .policy(&key_policy(
                SECURITY,
                &[service_use(
                    "WAF logs",
                    "delivery.logs.amazonaws.com",
                    &["kms:Encrypt", "kms:GenerateDataKey*"],
                    SECURITY,
                )],
            )),
    ]
}

/// The log archive: services encrypt, one role reads. It has no IAM users and no password policy of its own.
pub(super) fn log_archive(quarter: Quarter) -> Account {
    let mut account = baseline::account(LOG_ARCHIVE, "2021-03-04");
    account.password_policy = None;
    account.roles.push(
        Role::new("LogReader", "2021-03-10", trust(&[role(SECURITY, "IncidentResponse")]))
            // Good: a decrypt permission on keys of one Region and account, named by ARN.
            .inline(
                "ReadLogs",
                vec![allow(
                    "DecryptLogs",
                    &["kms:Decrypt", "kms:DescribeKey"],
                    json!([
                        format!("arn:aws:kms:{FRANKFURT}:{LOG_ARCHIVE}:key/*"),
                        crate::demo::keys::named(MANAGEMENT, FRANKFURT, "org-trail"),
                    ]),
                )],
            )
            .tag("Owner", "security")
            .used(quarter.pick("2026-06-20", "2026-08-11"), FRANKFURT),
    );
    account.keys.extend(log_keys(quarter));
    account
}

fn log_keys(quarter: Quarter) -> Vec<Key> {
    let flow =
        service_use("Flow logs", "delivery.logs.amazonaws.com", &["kms:GenerateDataKey*", "kms:Decrypt"], LOG_ARCHIVE);
    // Bad: a service principal without any source condition can be sent by anyone's resources.
    let config = json!({
        "Sid": "Config snapshots", "Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"},
        "Action": USE, "Resource": "*"
    });
    vec![
        Key::new(FRANKFURT, "flow-logs", "2021-03-12")
            .rotating(365)
            .rotated("2026-03-11", false)
            .tag("Owner", "security")
            .tag("DataClass", "audit")
            .policy(&key_policy(LOG_ARCHIVE, &[flow]))
            .used("GenerateDataKey", quarter.pick("2026-06-29", "2026-09-29")),
        Key::new(FRANKFURT, "config-snapshots", "2021-03-12")
            .rotating(365)
            .rotated("2026-03-11", false)
            .tag("Owner", "security")
            .policy(&key_policy(LOG_ARCHIVE, &[config]))
            .used("GenerateDataKey", quarter.pick("2026-06-29", "2026-09-29")),
        // Bad in both quarters: nobody turned its rotation on.
        Key::new(VIRGINIA, "cloudfront-logs", "2022-07-04").tag("Owner", "web").used("GenerateDataKey", "2026-06-29"),
    ]
}
