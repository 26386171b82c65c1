//! Users, groups and roles of generated accounts: a baseline that is the same everywhere, and roles of applications.

use serde_json::{Value, json};

use super::plan::{MANAGEMENT, PIPELINES, Plan, ROLE_NAME};
use super::policies::{self, BOUNDARY, ORGANIZATION_WIDE};
use crate::demo::documents::Document;
use crate::demo::policies::{allow, policy, role, trust, trust_identity_center, trust_if, trust_service};
use crate::demo::principals::{AccessKey, Group, Mfa, Role, User};

/// What a role of the baseline is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Baseline {
    /// A service-linked role: service.
    ServiceLinked(&'static str),
    /// An Identity Center role: permission set, AWS managed policy or none.
    IdentityCenter(&'static str, Option<&'static str>),
    /// A role of the platform: name, number of the policy that it has.
    Platform(&'static str, usize),
}

/// The roles that every account has.
pub(super) const BASELINE: [Baseline; 24] = [
    Baseline::ServiceLinked("organizations"),
    Baseline::ServiceLinked("sso"),
    Baseline::ServiceLinked("backup"),
    Baseline::ServiceLinked("autoscaling"),
    Baseline::ServiceLinked("rds"),
    Baseline::ServiceLinked("ecs"),
    Baseline::ServiceLinked("elasticloadbalancing"),
    Baseline::ServiceLinked("guardduty"),
    Baseline::ServiceLinked("config"),
    Baseline::IdentityCenter("AdministratorAccess", Some("aws/AdministratorAccess")),
    Baseline::IdentityCenter("KeyPowerUser", Some("aws/AWSKeyManagementServicePowerUser")),
    Baseline::IdentityCenter("Support", Some("aws/AWSSupportAccess")),
    Baseline::IdentityCenter("Developer", None),
    Baseline::IdentityCenter("Operations", None),
    Baseline::IdentityCenter("Auditor", None),
    Baseline::Platform(ROLE_NAME, 1),
    Baseline::Platform("KeyCustodian", 2),
    Baseline::Platform("Terraform", 3),
    Baseline::Platform("PatchManager", 4),
    Baseline::Platform("BackupOperator", 5),
    Baseline::Platform("LogForwarder", 6),
    Baseline::Platform("CostReader", 7),
    Baseline::Platform("VulnerabilityScanner", 8),
    Baseline::Platform("BreakGlass", 9),
];

/// Services that application roles trust.
const COMPUTE: [&str; 6] = [
    "lambda.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "ec2.amazonaws.com",
    "glue.amazonaws.com",
    "states.amazonaws.com",
    "batch.amazonaws.com",
];

/// All roles of an account.
pub(super) fn roles(plan: Plan, index: usize) -> Vec<Role> {
    let room = plan.size.principals.saturating_sub(plan.users());
    let account = plan.account_id(index);
    let mut roles: Vec<Role> = BASELINE.iter().take(room).map(|kind| baseline(plan, &account, *kind)).collect();
    roles.extend((0..plan.application_roles()).map(|number| application(plan, index, number)));
    roles
}

fn baseline(plan: Plan, account: &str, kind: Baseline) -> Role {
    match kind {
        Baseline::ServiceLinked(service) => Role::new(
            format!("AWSServiceRoleFor{service}"),
            "2022-05-04",
            trust_service(&format!("{service}.amazonaws.com")),
        )
        .path(format!("/aws-service-role/{service}.amazonaws.com/"))
        .attach("aws/aws-service-role/AWSOrganizationsServiceTrustPolicy"),
        Baseline::IdentityCenter(set, managed) => {
            let name = format!("AWSReservedSSO_{set}_{}", crate::demo::ids::hex(16, &[account, set]));
            let role = Role::new(name, "2022-05-06", trust_identity_center(account))
                .path("/aws-reserved/sso.amazonaws.com/eu-central-1/")
                .used("2026-06-24", "eu-central-1");
            match managed {
                Some(policy) => role.attach(policy),
                // The same inline policy in every account: it comes from the permission set.
                None => role.inline("AwsSSOInlinePolicy", permission_set()),
            }
        }
        Baseline::Platform(name, number) => {
            let condition = json!({"StringEquals": {"sts:ExternalId": "platform"}});
            let role = Role::new(name, "2022-05-05", trust_if(&[role(MANAGEMENT, "KeyproofCollector")], condition))
                .tag("Owner", "platform");
            if number < plan.size.policies { role.attach(format!("platform/policy-{number:02}")) } else { role }
        }
    }
}

fn permission_set() -> Vec<Value> {
    let look = [
        "kms:DescribeKey",
        "kms:ListKeys",
        "kms:ListAliases",
        "ec2:Describe*",
        "logs:Get*",
        "logs:FilterLogEvents",
        "cloudwatch:Get*",
    ];
    vec![allow("Look", &look, json!("*")), allow("Session", &["ssm:StartSession"], json!("arn:aws:ec2:*:*:instance/*"))]
}

fn application(plan: Plan, index: usize, number: usize) -> Role {
    let mut chance = plan.chance_of(index, "role", number);
    let created = format!("202{}-0{}-2{}", 2 + chance.below(4), 1 + chance.below(9), chance.below(9));
    let trusted = application_trust(plan, index, number, &mut chance);
    let mut role =
        Role::new(plan.role_name(index, number), created, trusted).tag("Application", plan.application(index, number));
    let numbers = plan.size.policies.saturating_sub(1);
    for _ in 0..1 + chance.below(3) {
        if numbers > 0 {
            let reference = policies::name(plan, index, 1 + chance.below(numbers));
            if !role.held.attached.contains(&reference) {
                role = role.attach(reference);
            }
        }
    }
    if chance.percent(30) {
        role = role.attach("aws/service-role/AWSLambdaBasicExecutionRole");
    }
    if chance.percent(40) {
        role = role.inline("application", policies::inline(plan, index, &mut chance));
    }
    if chance.percent(50) && numbers > 0 {
        role = role.boundary(BOUNDARY);
    }
    if chance.percent(70) {
        let day = format!("2026-0{}-1{}", 1 + chance.below(6), chance.below(9));
        role = role.used(&day, "eu-central-1").tag("Stage", chance.pick(&["prod", "test"]));
    }
    if chance.percent(8) { role.instance_profile() } else { role }
}

/// A service, mostly; another role of the account, a role of the team's first account, or a pipeline otherwise.
fn application_trust(plan: Plan, index: usize, number: usize, chance: &mut crate::demo::ids::Chance) -> Document {
    let account = plan.account_id(index);
    match chance.below(100) {
        0..85 => trust_service(chance.pick(&COMPUTE)).into(),
        85..93 => trust(&[role(&account, &plan.role_name(index, number / 2))]).into(),
        93..98 => {
            trust(&[role(&plan.account_id(plan.sharer(index)), &plan.role_name(plan.sharer(index), number))]).into()
        }
        _ => pipeline_trust(&account, &plan.application(index, number)).into(),
    }
}

/// Trust in a repository's pipelines.
fn pipeline_trust(account: &str, repository: &str) -> Value {
    policy(json!([{
        "Effect": "Allow", "Principal": {"Federated": format!("arn:aws:iam::{account}:oidc-provider/{PIPELINES}")},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": {format!("{PIPELINES}:sub"): format!("repo:generated/{repository}:*")}}
    }]))
}

/// The groups of an account.
pub(super) fn groups(plan: Plan, index: usize) -> Vec<Group> {
    let policy = policies::name(plan, index, ORGANIZATION_WIDE + 1);
    let readers = Group::new("readers", "2022-05-10");
    let readers = if plan.size.policies > ORGANIZATION_WIDE + 1 { readers.attach(policy) } else { readers };
    vec![
        readers,
        Group::new("machines", "2022-05-10"),
        Group::new("people", "2022-05-10").attach("aws/IAMUserChangePassword"),
    ]
}

/// The users of an account: people with a console, machines with access keys.
pub(super) fn users(plan: Plan, index: usize) -> Vec<User> {
    (0..plan.users()).map(|number| user(plan, index, number)).collect()
}

fn user(plan: Plan, index: usize, number: usize) -> User {
    let mut chance = plan.chance_of(index, "user", number);
    let month = 1 + chance.below(6);
    if number.is_multiple_of(3) {
        let user = User::new(format!("person-{number:02}"), "2023-04-17")
            .console("2026-01-12", "2026-06-22")
            .member_of("people");
        return if chance.percent(90) { user.mfa(Mfa::Virtual) } else { user };
    }
    let year = if chance.percent(15) { 2025 } else { 2026 };
    let created = format!("{year}-0{}-03", if year == 2026 { 4 + month % 3 } else { month });
    let key = AccessKey::active(created).used("2026-06-28", "s3", "eu-central-1");
    let user = User::new(format!("svc-{}-{number:02}", plan.application(index, number)), "2023-04-17")
        .key(key)
        .member_of("machines");
    if chance.percent(20) { user.key(AccessKey::inactive("2024-11-05")) } else { user }
}
