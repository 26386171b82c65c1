//! Keys of the data platform: shared inside the organization, open through NotPrincipal, granted to services.

use serde_json::json;

use super::baseline::identity_center_name;
use super::company::{CLAIMS, DATA, PAYMENTS};
use super::{FRANKFURT, IRELAND, Quarter, VIRGINIA};
use crate::demo::keys::{Grant, Key};
use crate::demo::policies::{USE, grants_for_aws_resources, key_admins, key_policy, key_users, role, root};

/// All of them in a quarter.
pub(super) fn keys(quarter: Quarter) -> Vec<Key> {
    let used = quarter.pick("2026-06-29", "2026-09-29");
    let key = |region: &str, name: &str, created: &str| {
        Key::new(region, format!("lake/{name}"), created).tag("Owner", "lake").tag("DataClass", "phi")
    };
    let loader = role(DATA, "LakeLoader");
    vec![
        // Good: shared with two accounts of the organization, for encryption only.
        key(FRANKFURT, "raw", "2022-02-01").rotating(365).rotated("2026-01-31", false).policy(&key_policy(DATA, &[
            json!({"Sid": "Producers", "Effect": "Allow", "Principal": {"AWS": [root(CLAIMS), root(PAYMENTS)]}, "Action": ["kms:GenerateDataKey*", "kms:Encrypt"], "Resource": "*"}),
            key_users("Loader", std::slice::from_ref(&loader)),
        ])).used("Decrypt", used),
        // Bad: one role both administers and uses it.
        key(FRANKFURT, "curated", "2022-02-01").rotating(365).rotated("2026-01-31", false).policy(&key_policy(DATA, &[
            key_admins("Administrators", std::slice::from_ref(&loader)),
            key_users("Users", std::slice::from_ref(&loader)),
            grants_for_aws_resources(std::slice::from_ref(&loader)),
        ])).grant(
            // A group of instances starts volumes: its service-linked role passes the grant on.
            Grant::to(format!("arn:aws:iam::{DATA}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"), "2024-03-18",
                &["CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"])
                .named("autoscaling"),
        ).grant(Grant::ebs_volume(DATA, FRANKFURT, "2026-02-02", "spark-1")).used("Decrypt", used),
        // Bad: everyone but one role, which is everyone else in the world.
        key(FRANKFURT, "research", "2023-02-20").rotating(365).rotated("2026-02-19", false).policy(&key_policy(DATA, &[
            json!({"Sid": "All but the notebook", "Effect": "Allow", "NotPrincipal": {"AWS": role(DATA, "ResearchNotebook")}, "Action": ["kms:Decrypt"], "Resource": "*"}),
        ])),
        // Good: an Identity Center role by its pattern, inside one account.
        key(FRANKFURT, "dashboards", "2023-09-04").rotating(365).rotated("2025-09-03", false).policy(&key_policy(DATA, &[json!({
            "Sid": "Analysts", "Effect": "Allow", "Principal": {"AWS": root(DATA)}, "Action": USE, "Resource": "*",
            "Condition": {"ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::{DATA}:role/aws-reserved/sso.amazonaws.com/*/{}", identity_center_name(DATA, "Analyst"))}}
        })])),
        // Bad in the second quarter only: turned on in August.
        with_rotation(key(IRELAND, "dr-copy", "2024-02-05"), quarter.is_third()),
        // Bad in both quarters.
        key(VIRGINIA, "scratch", "2024-10-21").used("Decrypt", "2025-12-30"),
    ]
}

fn with_rotation(key: Key, on: bool) -> Key {
    if on { key.rotating(365) } else { key }
}
