//! Keys of the data platform: shared inside the organization, open through NotPrincipal, granted to services.

use serde_json::{Value, json};

use super::baseline::identity_center_name;
use super::company::{CLAIMS, DATA, PAYMENTS};
use super::{FRANKFURT, IRELAND, Quarter, VIRGINIA};
use crate::demo::keys::{Grant, Key};
use crate::demo::policies::{USE, grants_for_aws_resources, key_admins, key_policy, key_users, role, root};

/// What a service needs to start encrypted volumes for others.
const VOLUMES: [&str; 8] = [
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
];

/// All of them in a quarter.
pub(super) fn keys(quarter: Quarter) -> Vec<Key> {
    let used = quarter.pick("2026-06-29", "2026-09-29");
    let scaling = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    // A group of instances starts volumes: its service-linked role passes the grant on.
    let scaling = Grant::to(format!("arn:aws:iam::{DATA}:{scaling}"), "2024-03-18", &VOLUMES).named("autoscaling");
    // Fixed: turned on in August.
    let copy = key(IRELAND, "dr-copy", "2024-02-05");
    let copy = if quarter.is_third() { copy.rotating(365) } else { copy };
    vec![
        rotating("raw", "2022-02-01", "2026-01-31", &producers()).used("Decrypt", used),
        rotating("curated", "2022-02-01", "2026-01-31", &one_role_for_all())
            .grant(scaling)
            .grant(Grant::ebs_volume(DATA, FRANKFURT, "2026-02-02", "spark-1"))
            .used("Decrypt", used),
        rotating("research", "2023-02-20", "2026-02-19", &[all_but_the_notebook()]),
        rotating("dashboards", "2023-09-04", "2025-09-03", &[analysts()]),
        copy,
        // Bad in both quarters: rotation off.
        key(VIRGINIA, "scratch", "2024-10-21").used("Decrypt", "2025-12-30"),
    ]
}

fn key(region: &str, name: &str, created: &str) -> Key {
    Key::new(region, format!("lake/{name}"), created).tag("Owner", "lake").tag("DataClass", "phi")
}

fn rotating(name: &str, created: &str, rotated: &str, statements: &[Value]) -> Key {
    key(FRANKFURT, name, created).rotating(365).rotated(rotated, false).policy(&key_policy(DATA, statements))
}

fn loader() -> [String; 1] {
    [role(DATA, "LakeLoader")]
}

/// Good: shared with two accounts of the organization, for encryption only.
fn producers() -> Vec<Value> {
    let producers = json!({
        "Sid": "Producers", "Effect": "Allow", "Principal": {"AWS": [root(CLAIMS), root(PAYMENTS)]},
        "Action": ["kms:GenerateDataKey*", "kms:Encrypt"], "Resource": "*"
    });
    vec![producers, key_users("Loader", &loader())]
}

/// Bad: one role both administers and uses it.
fn one_role_for_all() -> Vec<Value> {
    vec![key_admins("Administrators", &loader()), key_users("Users", &loader()), grants_for_aws_resources(&loader())]
}

/// Bad: everyone but one role, which is everyone else in the world.
fn all_but_the_notebook() -> Value {
    json!({
        "Sid": "All but the notebook", "Effect": "Allow", "NotPrincipal": {"AWS": role(DATA, "ResearchNotebook")},
        "Action": ["kms:Decrypt"], "Resource": "*"
    })
}

/// Good: an Identity Center role by its pattern, inside one account.
fn analysts() -> Value {
    let analyst = identity_center_name(DATA, "Analyst");
    let pattern = format!("arn:aws:iam::{DATA}:role/aws-reserved/sso.amazonaws.com/*/{analyst}");
    json!({
        "Sid": "Analysts", "Effect": "Allow", "Principal": {"AWS": root(DATA)}, "Action": USE, "Resource": "*",
        "Condition": {"ArnLike": {"aws:PrincipalArn": pattern}}
    })
}
