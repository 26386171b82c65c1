//! Policies of generated accounts: of the whole organization, of a team, of an application; and guardrails.

use serde_json::{Value, json};

use super::plan::{self, Plan};
use crate::demo::documents::Document;
use crate::demo::ids::Chance;
use crate::demo::policies::{allow, allow_if, deny};
use crate::demo::principals::ManagedPolicy;

/// Customer managed policies that a stack set puts into every account, the same documents everywhere.
pub(super) const ORGANIZATION_WIDE: usize = 15;
/// Boundary of application roles.
pub(super) const BOUNDARY: &str = "platform/policy-00";

/// Services that statements are about, with actions.
const SERVICES: [(&str, &[&str]); 8] = [
    ("s3", &["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject", "s3:GetBucketLocation"]),
    (
        "dynamodb",
        &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:BatchGetItem"],
    ),
    ("sqs", &["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]),
    ("sns", &["sns:Publish", "sns:Subscribe"]),
    ("logs", &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]),
    ("secretsmanager", &["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]),
    ("ssm", &["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]),
    ("lambda", &["lambda:InvokeFunction", "lambda:GetFunction"]),
];

/// Name of the policy of this number in an account, with its path.
pub(super) fn name(plan: Plan, index: usize, number: usize) -> String {
    if number < ORGANIZATION_WIDE {
        format!("platform/policy-{number:02}")
    } else if number < team_wide(plan) {
        format!("team-{}/policy-{number:02}", plan::team(index))
    } else {
        format!("{}-{number:02}", plan.application(index, number))
    }
}

/// Where the policies of applications begin; before them stand those of the team, about half of the rest.
fn team_wide(plan: Plan) -> usize {
    let rest = plan.size.policies.saturating_sub(ORGANIZATION_WIDE);
    ORGANIZATION_WIDE + rest / 2
}

/// The customer managed policies of an account.
pub(super) fn policies(plan: Plan, index: usize) -> Vec<ManagedPolicy> {
    (0..plan.size.policies).map(|number| managed(plan, index, number)).collect()
}

fn managed(plan: Plan, index: usize, number: usize) -> ManagedPolicy {
    let name = name(plan, index, number);
    if number == 0 {
        return ManagedPolicy::new(name, "2022-05-04", boundary());
    }
    let created = format!("202{}-0{}-1{}", 2 + number % 4, 1 + number % 9, number % 9);
    let (owner, theme) = if number < ORGANIZATION_WIDE {
        (None, 0)
    } else if number < team_wide(plan) {
        (None, plan::team(index) + 1)
    } else {
        (Some(index), index)
    };
    let mut chance = match owner {
        Some(index) => plan.chance_of(index, "policy", number),
        None => Chance::seeded(plan.seed, theme as u64, &["shared-policy", &number.to_string()]),
    };
    let policy = ManagedPolicy::new(name, created, document(plan, owner, index, &mut chance));
    // A quarter of the policies has an older version.
    if chance.percent(25) { policy.revised("2026-02-17", document(plan, owner, index, &mut chance)) } else { policy }
}

fn boundary() -> Vec<Value> {
    vec![
        allow("Ceiling", &["*"], json!("*")),
        deny(
            "Platform",
            &["iam:CreateUser", "organizations:*", "kms:ScheduleKeyDeletion", "kms:PutKeyPolicy"],
            json!("*"),
        ),
    ]
}

/// A document of two to six statements. A shared one (`owner` absent) names no account, so that it is the same wherever it is
/// used.
fn document(plan: Plan, owner: Option<usize>, index: usize, chance: &mut Chance) -> Vec<Value> {
    let mut statements: Vec<Value> =
        (0..2 + chance.below(4)).map(|place| service(plan, owner, place, chance)).collect();
    if chance.percent(60) {
        statements.push(kms(plan, owner, index, chance));
    }
    statements
}

fn service(plan: Plan, owner: Option<usize>, place: usize, chance: &mut Chance) -> Value {
    let (service, actions) = SERVICES[chance.below(SERVICES.len())];
    let some: Vec<&str> = actions.iter().copied().take(1 + chance.below(actions.len())).collect();
    let account = owner.map_or_else(|| "*".to_owned(), |index| plan.account_id(index));
    let suffix = chance.below(900);
    let resource = |name: &str| match service {
        "s3" => format!("arn:aws:s3:::generated-{name}-{suffix}/*"),
        _ => format!("arn:aws:{service}:*:{account}:{name}-{suffix}*"),
    };
    let names = ["data", "events", "input", "output", "state"];
    let resources: Vec<String> = names.iter().take(1 + chance.below(names.len())).map(|name| resource(name)).collect();
    allow(&format!("Use{service}{place}"), &some, json!(resources))
}

/// A statement about keys: mostly careful, now and then not.
fn kms(plan: Plan, owner: Option<usize>, index: usize, chance: &mut Chance) -> Value {
    let decrypt = ["kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"];
    let rare = chance.below(1000);
    if rare < 15 {
        return allow("Keys", &["kms:*"], json!("*"));
    }
    if rare < 50 {
        return allow("AnyKey", &decrypt, json!("*"));
    }
    if rare < 60 {
        return json!({"Sid": "NotIam", "Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"});
    }
    let Some(own) = owner else {
        let tag = chance.pick(&["payments", "claims", "platform", "research"]);
        let condition = json!({"StringEquals": {"aws:ResourceTag/Domain": tag}});
        return match chance.below(3) {
            0 => allow("Look", &["kms:DescribeKey", "kms:ListAliases", "kms:ListGrants"], json!("*")),
            1 => allow_if("Tagged", &decrypt, json!("arn:aws:kms:eu-central-1:*:key/*"), condition),
            _ => {
                allow_if("Encrypt", &["kms:Encrypt", "kms:GenerateDataKey*"], json!("arn:aws:kms:*:*:key/*"), condition)
            }
        };
    };
    let number = |chance: &mut Chance| chance.below(plan.size.keys);
    if chance.percent(20) {
        // Keys that the team's first account shares.
        let first = plan.sharer(index);
        let keys: Vec<String> = (0..1 + chance.below(3)).map(|_| plan.key_arn(first, number(chance))).collect();
        return allow("TeamKeys", &["kms:Decrypt", "kms:DescribeKey"], json!(keys));
    }
    if chance.percent(25) {
        return allow("Regional", &decrypt, json!(format!("arn:aws:kms:eu-central-1:{}:key/*", plan.account_id(own))));
    }
    let keys: Vec<String> = (0..1 + chance.below(4)).map(|_| plan.key_arn(own, number(chance))).collect();
    allow("OwnKeys", &decrypt, json!(keys))
}

/// An inline policy of an application role.
pub(super) fn inline(plan: Plan, index: usize, chance: &mut Chance) -> Document {
    let mut statements = vec![service(plan, Some(index), 0, chance)];
    if chance.percent(50) {
        statements.push(kms(plan, Some(index), index, chance));
    }
    statements.into()
}

/// The guardrail on destructive key actions.
pub(super) fn protect_keys() -> Value {
    json!([{
        "Sid": "ProtectKeys", "Effect": "Deny",
        "Action": [
            "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy", "kms:DisableKeyRotation",
            "kms:DeleteImportedKeyMaterial"
        ],
        "Resource": "*", "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/KeyCustodian"}}
    }])
}

/// The guardrail on Regions.
pub(super) fn home_regions() -> Value {
    json!([{
        "Sid": "HomeRegions", "Effect": "Deny", "Resource": "*",
        "NotAction": ["iam:*", "organizations:*", "sts:*", "support:*"],
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": plan::REGIONS}}
    }])
}

/// The guardrail around keys.
pub(super) fn perimeter() -> Value {
    json!([{
        "Sid": "KeyPerimeter", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": plan::ORGANIZATION_ID},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}
        }
    }])
}
