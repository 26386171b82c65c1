//! The data platform account: principals that read other accounts' keys, and machine users with access keys.

use serde_json::json;

use super::baseline::{self, identity_center_role};
use super::company::{ACQUIRER, CLAIMS, DATA, PAYMENTS};
use super::{FRANKFURT, IRELAND, Quarter, data_keys};
use crate::demo::account::{Account, password_policy};
use crate::demo::keys::named;
use crate::demo::policies::{allow, role, trust, trust_service};
use crate::demo::principals::{AccessKey, Group, ManagedPolicy, Mfa, Role, User};

/// The account in a quarter.
pub(super) fn account(quarter: Quarter) -> Account {
    let mut account = baseline::account(DATA, "2022-01-24");
    // Bad in both quarters: the root user has a password and no MFA.
    account.root.mfa = None;
    // Bad: short, and remembers five passwords only.
    account.password_policy = Some(password_policy(8, false, Some(5), None));
    account.policies.extend(policies(quarter));
    account.groups.push(Group::new("Analysts", "2022-02-01").attach("LakeRead").attach("aws/AWSCloudShellFullAccess"));
    account.users.extend(users(quarter));
    account.roles.extend(roles(quarter));
    account.keys.extend(data_keys::keys(quarter));
    account
}

fn policies(quarter: Quarter) -> Vec<ManagedPolicy> {
    let foreign = [
        named(CLAIMS, FRANKFURT, "claims/documents"),
        named(CLAIMS, FRANKFURT, "claims/database"),
        named(PAYMENTS, FRANKFURT, "merchant-directory"),
    ];
    let own = format!("arn:aws:kms:{FRANKFURT}:{DATA}:key/*");
    let mut policies = vec![
        ManagedPolicy::new(
            "LakeRead",
            "2022-02-01",
            vec![allow("Read", &["s3:GetObject", "athena:*", "glue:Get*"], json!("*"))],
        ),
        // Good: keys of other accounts, each by its ARN.
        ManagedPolicy::new(
            "LakeLoad",
            "2022-02-01",
            vec![allow("Load", &["kms:Decrypt"], json!(foreign)), allow("Store", &["kms:GenerateDataKey"], json!(own))],
        ),
        // Good: an ARN that names this account in all Regions; other accounts' keys stay closed.
        ManagedPolicy::new(
            "LakeMaintain",
            "2022-02-01",
            vec![allow("Maintain", &["kms:Decrypt", "kms:ReEncrypt*"], json!(format!("arn:aws:kms:*:{DATA}:key/*")))],
        ),
        // Bad: a question mark for each letter of the Region and the account is as wide as a star.
        ManagedPolicy::new(
            "NotebookKeys",
            "2023-02-20",
            vec![allow("Notebook", &["kms:Decrypt"], json!("arn:aws:kms:*:????????????:key/*"))],
        ),
        // Bad: attached to nothing, and still one step away from being used.
        ManagedPolicy::new("EmergencyAdmin", "2022-04-11", vec![allow("All", &["*"], json!("*"))]),
    ];
    // New: a warehouse team brought a policy of its own.
    if quarter.is_third() {
        policies.push(ManagedPolicy::new(
            "WarehouseKeys",
            "2026-07-30",
            vec![allow("Keys", &["kms:*", "redshift:*"], json!("*"))],
        ));
    }
    policies
}

fn users(quarter: Quarter) -> Vec<User> {
    let used = quarter.pick("2026-06-29", "2026-09-29");
    let key = |day: &str| AccessKey::active(day).used(used, "s3", FRANKFURT);
    // Fixed: a key of 2025 in the second quarter, a new one in the third.
    let export = match quarter {
        Quarter::Q2 => vec![key("2025-11-03")],
        Quarter::Q3 => vec![key("2026-08-20"), AccessKey::inactive("2025-11-03").used("2026-08-20", "s3", FRANKFURT)],
    };
    let exporter = export.into_iter().fold(User::new("svc-claims-export", "2022-06-20"), User::key);
    vec![
        // Good.
        User::new("li.na", "2022-02-01").console("2026-03-30", used).mfa(Mfa::Virtual).member_of("Analysts"),
        // Good: exactly 89 days old at the end of the second quarter. Bad: 180 days in the third.
        User::new("svc-bi-loader", "2022-02-14").key(key("2026-04-02")).attach("LakeMaintain"),
        exporter.attach("LakeMaintain"),
        // Bad in both quarters: two active keys, both old, one never used.
        User::new("svc-notebook", "2023-02-20")
            .key(key("2024-12-09"))
            .key(AccessKey::active("2023-02-20"))
            .attach("NotebookKeys"),
        // Bad: a key that was made together with a console user and never used.
        User::new("yusuf.demir", "2026-02-09")
            .console("2026-02-09", used)
            .mfa(Mfa::Virtual)
            .key(AccessKey::active("2026-02-09"))
            .member_of("Analysts"),
    ]
}

fn roles(quarter: Quarter) -> Vec<Role> {
    let used = quarter.pick("2026-06-29", "2026-09-29");
    let mut roles = vec![
        // Good: reads three foreign keys that also name it, and writes under its own.
        Role::new("LakeLoader", "2022-02-01", trust_service("glue.amazonaws.com"))
            .attach("LakeLoad")
            .inline(
                "EnterReaders",
                vec![allow(
                    "Chain",
                    &["sts:AssumeRole"],
                    json!([role(PAYMENTS, "StatementReader"), role(CLAIMS, "LegacyScans")]),
                )],
            )
            .used(used, FRANKFURT),
        // Bad: a notebook role with a wide policy and grants on claims keys.
        Role::new("ResearchNotebook", "2023-02-20", trust_service("sagemaker.amazonaws.com"))
            .attach("NotebookKeys")
            .used(used, FRANKFURT),
        Role::new("PartnerFeed", "2024-07-15", trust(&[role(ACQUIRER, "settlement-gateway")]))
            .attach("LakeRead")
            .used("2026-01-20", IRELAND),
        identity_center_role(DATA, "Analyst")
            .attach("LakeRead")
            .attach("aws/AmazonS3ReadOnlyAccess")
            .used(used, FRANKFURT),
    ];
    let warehouse = Role::new("Warehouse", "2024-11-25", trust_service("redshift.amazonaws.com")).used(used, FRANKFURT);
    // New: full access by an inline policy as well.
    roles.push(match quarter {
        Quarter::Q2 => warehouse.attach("LakeMaintain"),
        Quarter::Q3 => warehouse
            .attach("WarehouseKeys")
            .inline("Everything", vec![allow("Keys", &["kms:*"], json!("arn:aws:kms:*:*:*"))]),
    });
    roles
}
