//! The claims production account: principals that handle health data.

use serde_json::{Value, json};

use super::baseline::{self, identity_center_role};
use super::company::{CLAIMS, DATA};
use super::{FRANKFURT, IRELAND, Quarter, claims_keys};
use crate::demo::account::Account;
use crate::demo::keys::named;
use crate::demo::policies::{
    all_but_iam, allow, allow_if, deny, policy, role, trust, trust_identity_center, trust_service,
};
use crate::demo::principals::{AccessKey, Group, ManagedPolicy, Mfa, Role, User};

/// The day on which the intake role was first made.
pub(super) const INTAKE_SINCE: &str = "2022-03-28";

/// The account in a quarter.
pub(super) fn account(quarter: Quarter) -> Account {
    let mut account = baseline::account(CLAIMS, "2021-06-08");
    account.root.mfa = Some(Mfa::Virtual);
    account.root.used = Some(quarter.pick("2025-07-30", "2026-09-03").to_owned());
    account.policies.extend(policies());
    // Bad: keys are made for users, so that a Deny on the group denies nothing.
    let adjusters = json!(format!("arn:aws:iam::{CLAIMS}:group/Adjusters"));
    account.groups.push(
        Group::new("Adjusters", "2021-09-01")
            .attach("ClaimsRead")
            .inline("NoKeys", vec![deny("NoKeys", &["iam:CreateAccessKey"], adjusters)]),
    );
    account.users.extend(users(quarter));
    account.roles.extend(roles(quarter));
    account.roles.extend(automation(quarter));
    account.keys.extend(claims_keys::keys(quarter));
    account.oidc.push((
        "token.actions.githubusercontent.com".to_owned(),
        "sts.amazonaws.com".to_owned(),
        "2023-10-09".to_owned(),
    ));
    // Bad: the key store lost its cluster.
    account.key_stores.push((
        IRELAND.to_owned(),
        "claims-hsm".to_owned(),
        quarter.pick("CONNECTED", "FAILED").to_owned(),
    ));
    account
}

fn policies() -> Vec<ManagedPolicy> {
    let documents = named(CLAIMS, FRANKFURT, "claims/documents");
    vec![
        ManagedPolicy::new(
            "ClaimsRead",
            "2021-09-01",
            vec![allow("Read", &["s3:GetObject", "kms:DescribeKey"], json!("*"))],
        ),
        // Good: one key.
        ManagedPolicy::new(
            "team/DocumentsDecrypt",
            "2022-03-28",
            vec![allow("Decrypt", &["kms:Decrypt"], json!(documents))],
        ),
        // Bad: a single `*` in a list of otherwise careful resources.
        ManagedPolicy::new(
            "team/CaseTools",
            "2022-07-11",
            vec![allow("Tools", &["kms:Decrypt", "kms:GenerateDataKey"], json!([documents, "*"]))],
        ),
        // Bad: made for encryption, but the wildcard also matches decryption.
        ManagedPolicy::new("team/IntakeWide", "2023-05-15", vec![allow("Intake", &["kms:*crypt*"], json!("*"))]),
        // Bad: full access under a condition that a caller can meet, with MFA "if it exists".
        ManagedPolicy::new(
            "team/OnCallKeys",
            "2024-02-05",
            vec![allow_if(
                "OnCall",
                &["kms:*"],
                json!("*"),
                json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}),
            )],
        ),
        // Good: the constraint belongs to CreateGrant, so that Decrypt is never allowed; what the author meant is another matter.
        ManagedPolicy::new(
            "team/GrantedDecrypt",
            "2024-06-03",
            vec![allow_if(
                "Granted",
                &["kms:CreateGrant", "kms:Decrypt"],
                json!(documents),
                json!({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}}),
            )],
        ),
        // Bad: the service takes the whole role list; whoever may pass any role to a function has what the functions have.
        ManagedPolicy::new(
            "team/Deploy",
            "2023-10-09",
            vec![allow("Deploy", &["lambda:*", "iam:PassRole", "s3:PutObject"], json!("*"))],
        ),
    ]
}

fn users(quarter: Quarter) -> Vec<User> {
    let mut users = vec![
        // Good.
        User::new("ines.moreau", "2021-10-04")
            .console("2026-05-05", quarter.pick("2026-06-29", "2026-09-28"))
            .mfa(Mfa::Fido)
            .member_of("Adjusters"),
        // Bad in both quarters: a key of 2021 on a user with console and without MFA.
        User::new("tomas.rezek", "2021-10-04")
            .console("2024-11-11", "2026-06-18")
            .key(AccessKey::active("2021-10-04").used("2025-12-24", "s3", FRANKFURT))
            .member_of("Adjusters"),
        // Bad: an inline policy of a user that decrypts with every key.
        User::new("svc-ocr", "2023-02-27")
            .key(AccessKey::active(quarter.pick("2026-04-27", "2026-08-03")).used(
                quarter.pick("2026-06-29", "2026-09-29"),
                "kms",
                FRANKFURT,
            ))
            .inline("Ocr", vec![allow("Read", &["kms:Decrypt", "s3:GetObject"], json!("*"))]),
        // Good: an inline policy of a user, one key. Bad besides: credentials for a service of their own.
        User::new("svc-archive", "2023-02-27")
            .inline(
                "Archive",
                vec![allow("Write", &["kms:GenerateDataKey"], json!(named(CLAIMS, FRANKFURT, "claims/documents")))],
            )
            .service_credential("codecommit.amazonaws.com", "2023-02-28", true),
    ];
    // Removed before the third quarter. Bad while it lasted: console without MFA.
    if !quarter.is_third() {
        users
            .push(User::new("contractor.rao", "2025-11-17").console("2025-11-17", "2026-04-02").member_of("Adjusters"));
    }
    users
}

fn roles(quarter: Quarter) -> Vec<Role> {
    let encrypt = ["kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncryptTo", "kms:DescribeKey"];
    let used = quarter.pick("2026-06-29", "2026-09-29");
    let intake = named(CLAIMS, FRANKFURT, "claims/intake");
    // Recreated in August: the name is the same, the role is not, and what named the old one no longer holds.
    let since = quarter.pick(INTAKE_SINCE, "2026-08-25");
    vec![
        // Good: encrypts documents and cannot read them again.
        Role::new("ClaimsIntake", since, trust_service("ecs-tasks.amazonaws.com"))
            .inline("EncryptOnly", vec![allow("Write", &encrypt, json!(intake))])
            .tag("Owner", "intake")
            .used(used, FRANKFURT),
        // Good: reads what intake wrote.
        Role::new("ClaimsReader", "2022-03-28", trust_service("ecs-tasks.amazonaws.com"))
            .attach("team/DocumentsDecrypt")
            .inline("ReadIntake", vec![allow("Read", &["kms:Decrypt"], json!(intake))])
            .used(used, FRANKFURT),
        // Good: the health data vault serves one function.
        Role::new("PhiTransform", "2022-05-02", trust_service("lambda.amazonaws.com"))
            .attach("aws/service-role/AWSLambdaBasicExecutionRole")
            .used(used, FRANKFURT),
        Role::new("PhiCustodian", "2022-05-02", trust(&[role(CLAIMS, "KeyCustodian")])).used("2026-02-03", FRANKFURT),
        Role::new("KeyCustodian", "2021-06-09", trust_identity_center(CLAIMS))
            .attach("aws/AWSKeyManagementServicePowerUser"),
        // Bad: an inline policy that is full access in disguise.
        Role::new("CaseMigration", "2022-07-11", trust_service("dms.amazonaws.com"))
            .attach("team/CaseTools")
            .inline("Migrate", vec![all_but_iam()]),
        Role::new("IntakeScanner", "2023-05-15", trust_service("ec2.amazonaws.com"))
            .instance_profile()
            .attach("team/IntakeWide")
            .used(used, IRELAND),
        identity_center_role(CLAIMS, "ClaimsOnCall").attach("team/OnCallKeys").used(used, FRANKFURT),
        Role::new("LegacyScans", "2021-06-30", trust(&[role(DATA, "LakeLoader")])).attach("team/GrantedDecrypt"),
    ]
}

fn automation(quarter: Quarter) -> Vec<Role> {
    let provider = format!("arn:aws:iam::{CLAIMS}:oidc-provider/token.actions.githubusercontent.com");
    let pipeline = |subject: &str| -> Value {
        policy(json!([{
            "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
                "StringLike": {"token.actions.githubusercontent.com:sub": subject}
            }
        }]))
    };
    let anyone = policy(json!([{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]));
    let mut roles = vec![
        // Good: one repository, one branch.
        Role::new("Deploy", "2023-10-09", pipeline("repo:quillmere/claims:ref:refs/heads/main"))
            .attach("team/Deploy")
            .used("2026-06-28", FRANKFURT),
        // Bad: any repository of the forge.
        Role::new("DeployPreview", "2024-04-22", pipeline("repo:*")).attach("ClaimsRead"),
    ];
    // New: a role that trusts everyone.
    if quarter.is_third() {
        roles.push(Role::new("PartnerDropbox", "2026-08-11", anyone).attach("ClaimsRead"));
    }
    roles
}
