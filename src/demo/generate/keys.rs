//! Keys of generated accounts, with policies and grants as teams and applications share them.

use serde_json::{Value, json};

use super::plan::{KeyRole, ORGANIZATION_ID, PRIMARY, Plan, REGIONS};
use crate::demo::ids::Chance;
use crate::demo::keys::{Grant, Key, Kind, Origin, State};
use crate::demo::policies::{grants_for_aws_resources, key_admins, key_policy, key_users, role, root, service_use};

/// Services whose AWS managed keys an account has.
const AWS_KEYS: [&str; 6] = ["ebs", "s3", "rds", "sqs", "secretsmanager", "lambda"];

/// Operations that a service's grant has.
const VOLUME: [&str; 6] =
    ["Decrypt", "Encrypt", "GenerateDataKeyWithoutPlaintext", "DescribeKey", "CreateGrant", "RetireGrant"];

/// All keys of an account.
pub(super) fn keys(plan: Plan, index: usize) -> Vec<Key> {
    (0..plan.size.keys).map(|number| key(plan, index, number)).collect()
}

fn key(plan: Plan, index: usize, number: usize) -> Key {
    let region = Plan::key_region(number);
    let role = plan.role_of_key(number);
    if let KeyRole::Aws(service) = role {
        // Beyond the first few, numbers make up services, so that no service has two keys in a Region.
        let name = AWS_KEYS.get(service).map_or_else(|| format!("service{service}"), |name| (*name).to_owned());
        return Key::aws_managed(region, &name, "2022-05-09").used("Decrypt", "2026-06-20");
    }
    if role == KeyRole::Replica {
        return key(plan, index, PRIMARY).replica(region, None);
    }
    let mut chance = plan.chance_of(index, "key", number);
    let created = format!("202{}-0{}-1{}", 2 + chance.below(4), 1 + chance.below(9), chance.below(9));
    let mut key = Key::new(region, plan.key_name(index, number), created)
        .described(&format!("Data of {}", plan.application(index, number)))
        .tag("Application", plan.application(index, number))
        .tag("Domain", chance.pick(&["payments", "claims", "platform", "research"]));
    key = shaped(key, role, &mut chance);
    if let Some(policy) = policy(plan, index, number, &mut chance) {
        key = key.policy(&policy);
    }
    if chance.percent(75) {
        let day = format!("2026-0{}-1{}", 1 + chance.below(6), chance.below(9));
        key = key.used("Decrypt", &day);
    }
    granted(key, plan, index, number, &mut chance)
}

/// Kind, state and rotation: nine of ten are symmetric, enabled and rotating.
fn shaped(key: Key, role: KeyRole, chance: &mut Chance) -> Key {
    if role == KeyRole::Primary {
        let key = key.primary(&REGIONS[1..]).rotating(365);
        return key.rotated("2026-03-01", false);
    }
    match chance.below(100) {
        0..4 => key.kind(Kind::RsaSigning),
        4..6 => key.kind(Kind::Hmac),
        6..8 => key.kind(Kind::EccSigning),
        8..9 => key.origin(Origin::Imported(None)),
        9..11 => key.state(State::Disabled),
        11..12 => key.state(State::PendingDeletion("2026-07-19".to_owned())),
        12..20 => key,
        _ => key.rotating(365).rotated("2025-04-02", false).rotated("2026-04-02", false),
    }
}

/// The key policy; none stands for root delegation alone, which half of the keys have.
fn policy(plan: Plan, index: usize, number: usize, chance: &mut Chance) -> Option<Value> {
    let account = plan.account_id(index);
    let some_role =
        |chance: &mut Chance| role(&account, &plan.role_name(index, chance.below(plan.application_roles().max(1))));
    if index == plan.sharer(index) && number.is_multiple_of(5) {
        return Some(key_policy(&account, &[shared(plan, index, number)]));
    }
    let statements = match chance.below(1000) {
        0..500 => return None,
        500..780 => {
            let users: Vec<String> = (0..1 + chance.below(5)).map(|_| some_role(chance)).collect();
            vec![
                key_admins("Allow access for Key Administrators", &[role(&account, "KeyCustodian")]),
                key_users("Allow use of the key", &users),
                grants_for_aws_resources(&users),
            ]
        }
        780..880 => {
            let service = chance.pick(&[
                "logs.eu-central-1.amazonaws.com",
                "sns.amazonaws.com",
                "events.amazonaws.com",
                "delivery.logs.amazonaws.com",
            ]);
            vec![service_use("Service", service, &["kms:GenerateDataKey*", "kms:Decrypt"], &account)]
        }
        880..930 => vec![json!({
            "Sid": "Organization", "Effect": "Allow", "Principal": {"AWS": "*"},
            "Action": ["kms:GenerateDataKey*", "kms:Encrypt"], "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION_ID}}
        })],
        930..980 => {
            let other = (index + 1 + chance.below(plan.accounts)) % plan.accounts;
            vec![key_users("Another account", &[root(&plan.account_id(other))])]
        }
        980..990 => vec![json!({
            "Sid": "Everyone here", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*",
            "Condition": {"StringEquals": {"kms:CallerAccount": account}}
        })],
        990..994 => {
            vec![json!({"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"})]
        }
        _ => vec![json!({
            "Sid": "OnlyOne", "Effect": "Deny", "NotPrincipal": {"AWS": [some_role(chance), root(&account)]},
            "Action": "kms:Decrypt", "Resource": "*"
        })],
    };
    Some(key_policy(&account, &statements))
}

/// Use of a key by roles of the other accounts of the team.
fn shared(plan: Plan, index: usize, number: usize) -> Value {
    let roles = plan.application_roles().max(1);
    let principals: Vec<String> = plan
        .team_members(index)
        .map(|member| match number % 2 {
            0 => root(&plan.account_id(member)),
            _ => role(&plan.account_id(member), &plan.role_name(member, number % roles)),
        })
        .collect();
    key_users("Team", &principals)
}

/// Grants: none for most keys, a few volumes for some, a handful of other ones.
fn granted(mut key: Key, plan: Plan, index: usize, number: usize, chance: &mut Chance) -> Key {
    if key.kind != Kind::Symmetric || key.state != State::Enabled || !chance.percent(40) {
        return key;
    }
    let account = plan.account_id(index);
    let region = key.region.clone();
    for volume in 0..chance.below(6) {
        key = key.grant(Grant::ebs_volume(&account, &region, "2026-01-15", &format!("{index}-{number}-{volume}")));
    }
    if chance.percent(30) {
        let service_role = format!(
            "arn:aws:iam::{account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForautoscaling"
        );
        key = key.grant(Grant::to(service_role, "2024-05-20", &VOLUME).named("autoscaling"));
    }
    if chance.percent(20) {
        let grantee = role(&account, &plan.role_name(index, chance.below(plan.application_roles().max(1))));
        key = key.grant(
            Grant::to(grantee, "2025-07-02", &["Decrypt"]).within("application", &plan.application(index, number)),
        );
    }
    if chance.percent(4) {
        let other = (index + 1 + chance.below(plan.accounts)) % plan.accounts;
        let grantee =
            role(&plan.account_id(other), &plan.role_name(other, chance.below(plan.application_roles().max(1))));
        key = key.grant(Grant::to(grantee, "2025-09-09", &["Decrypt", "DescribeKey"]).named("elsewhere"));
    }
    key
}
