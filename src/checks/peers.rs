//! Documents and users of which other tools say the wrong thing. Each test names the tool and what it says.

use std::collections::BTreeMap;

use super::fixtures::*;
use super::{Check, Value, Values, find};
use crate::finding::Verdict;
use crate::model::{
    AttachedPolicy, Gap, Group, InlinePolicy, Key, KeyMetadata, Listing, ManagedPolicy, MfaDevice, Principal, Role,
    User,
};

fn check(id: &str) -> &'static Check {
    find(id).unwrap()
}

fn of_document(id: &str, statements_text: &str) -> Verdict {
    judge_managed(check(id), &managed(statements(statements_text))).unwrap().verdict
}

/// What a check says of a user with these inline policies.
fn of_user(id: &str, policies: &[&str]) -> Verdict {
    let inline = policies.iter().enumerate().map(|(index, text)| inline(&format!("p{index}"), statements(text)));
    let user = User { inline_policies: inline.collect::<Vec<InlinePolicy>>(), ..user() };
    let mut world = member(&[], &[]);
    world.account.iam.users = Listing::complete(vec![user.clone()]);
    world.ask(|scope| {
        let rule = check(id).rules.iter().find_map(|rule| match rule {
            super::Rule::User(rule) => Some(rule(&user, scope)),
            super::Rule::Principal(rule) => Some(rule(Principal::User(&user), scope)),
            _ => None,
        });
        rule.unwrap().unwrap().verdict
    })
}

const KEY_ADMIN: &str = "iam-policy-kms-full-access";
const DECRYPTION: &str = "iam-managed-policy-kms-decrypt-all-keys";

#[test]
fn prowler_passes_these_policies_that_open_every_key() {
    for text in [
        r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}"#,
        r#"{"Effect": "Allow", "Action": ["kms:Decrypt", "kms:ReEncrypt*"], "Resource": "*"}"#,
        r#"{"Effect": "Allow", "Action": "kms:De*", "Resource": "arn:aws:kms:*:*:key/*"}"#,
        r#"{"Effect": "Allow", "Action": "kms:Decrypt", "NotResource": "arn:aws:s3:::x"}"#,
        r#"{"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
           {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:eu-central-1:111122223333:key/1"}"#,
    ] {
        assert_eq!(of_document(DECRYPTION, text), Verdict::Fail, "{text}");
    }
}

#[test]
fn prowler_passes_these_policies_that_allow_everything_with_every_key() {
    for text in [
        r#"{"Effect": "Allow", "Action": "kms:*", "Resource": "arn:aws:kms:*:*:key/*"}"#,
        r#"{"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
           {"Effect": "Deny", "Action": "kms:*", "Resource": "*",
            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}"#,
        r#"{"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"},
           {"Effect": "Allow", "NotAction": ["kms:*"], "Resource": "*"}"#,
        r#"{"Effect": "Allow", "Action": "kms:*", "NotResource": "arn:aws:s3:::x"}"#,
    ] {
        assert_eq!(of_document(KEY_ADMIN, text), Verdict::Fail, "{text}");
    }
}

#[test]
fn prowler_passes_these_administrators_and_fails_this_one_who_is_none() {
    for text in [
        r#"{"Effect": "Allow", "Action": "*:*", "Resource": "*"}"#,
        r#"{"Effect": "Allow", "Action": "*", "Resource": ["*", "arn:aws:s3:::x"]}"#,
    ] {
        assert_eq!(of_document("iam-policy-admin-star", text), Verdict::Fail, "{text}");
    }
    let taken_back = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*"}"#;
    assert_eq!(of_document("iam-policy-admin-star", taken_back), Verdict::Pass);
}

#[test]
fn prowler_lets_a_deny_on_one_role_hide_an_escalation_and_sees_none_across_policies() {
    let put = r#"{"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": "*"}"#;
    let elsewhere =
        r#"{"Effect": "Deny", "Action": "iam:PutRolePolicy", "Resource": "arn:aws:iam::111122223333:role/X"}"#;
    assert_eq!(of_user("iam-privilege-escalation", &[&format!("{put}, {elsewhere}")]), Verdict::Fail);
    let pass = r#"{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}"#;
    let run = r#"{"Effect": "Allow", "Action": ["lambda:CreateFunction", "lambda:InvokeFunction"], "Resource": "*"}"#;
    assert_eq!(of_user("iam-privilege-escalation", &[pass, run]), Verdict::Fail);
}

#[test]
fn prowler_calls_keys_for_oneself_and_one_build_project_escalations() {
    for text in [
        r#"{"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "arn:aws:iam::111122223333:user/Alice"}"#,
        r#"{"Effect": "Allow", "Action": "codebuild:StartBuild",
            "Resource": "arn:aws:codebuild:eu-central-1:111122223333:project/site"}"#,
    ] {
        assert_eq!(of_user("iam-privilege-escalation", &[text]), Verdict::Pass, "{text}");
    }
}

#[test]
fn steampipe_misses_re_encryption_in_inline_policies_and_services_in_capitals() {
    let text = r#"{"Effect": "Allow", "Action": "kms:ReEncrypt*", "Resource": "*"}"#;
    assert_eq!(of_user("iam-inline-policy-kms-decrypt-all-keys", &[text]), Verdict::Fail);
    let text = r#"{"Effect": "Allow", "Action": "S3:*", "Resource": "*"}"#;
    assert_eq!(of_document("iam-policy-service-star", text), Verdict::Fail);
}

#[test]
fn steampipe_fails_decryption_with_one_named_key_and_with_aliases() {
    for resource in [key_arn(), "arn:aws:kms:eu-central-1:111122223333:alias/*".to_owned()] {
        let text = format!(r#"{{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "{resource}"}}"#);
        assert_eq!(of_document(DECRYPTION, &text), Verdict::Pass, "{resource}");
    }
}

/// A user's row of the credential report with one credential that was never used.
fn never_used(changed: &[(&str, &str)]) -> Verdict {
    const OLD: &str = "2020-01-01T00:00:00+00:00";
    let mut cells = BTreeMap::from([
        ("user_creation_time", OLD),
        ("password_enabled", "false"),
        ("password_last_used", "no_information"),
        ("password_last_changed", OLD),
        ("access_key_1_active", "false"),
        ("access_key_1_last_used_date", "N/A"),
        ("access_key_1_last_rotated", OLD),
        ("access_key_2_active", "false"),
        ("access_key_2_last_used_date", "N/A"),
        ("access_key_2_last_rotated", OLD),
    ]);
    cells.extend(changed.iter().copied());
    let mut world = World::new();
    world.account.iam.credential_report = Ok(report("Alice", &cells.into_iter().collect::<Vec<_>>()));
    judge_user(check("iam-credentials-unused"), &user(), &world).unwrap().verdict
}

#[test]
fn prowler_passes_credentials_that_nobody_ever_used() {
    assert_eq!(never_used(&[("access_key_1_active", "true")]), Verdict::Fail);
    assert_eq!(never_used(&[("password_enabled", "true")]), Verdict::Fail);
    assert_eq!(never_used(&[]), Verdict::Pass);
}

#[test]
fn steampipe_looks_at_the_first_access_key_only() {
    assert_eq!(never_used(&[("access_key_2_active", "true")]), Verdict::Fail);
}

#[test]
fn prowler_overlooks_a_key_of_the_root_user_once_its_password_was_used() {
    let cells = [
        ("password_last_used", "2020-01-01T00:00:00+00:00"),
        ("access_key_1_last_used_date", "2026-09-29T00:00:00+00:00"),
        ("access_key_2_last_used_date", "N/A"),
    ];
    let mut world = World::new();
    world.account.iam.credential_report = Ok(report("<root_account>", &cells));
    assert_eq!(judge_root(check("iam-root-recent-use"), &world).unwrap().verdict, Verdict::Fail);
}

#[test]
fn perimeter_passes_a_trust_policy_by_not_principal_and_fails_one_that_denies_strangers() {
    let judged = |trust: &str| {
        let role = crate::model::Role { trust_policy: statements(trust), ..role("/") };
        let mut world = member(&[], &[]);
        world.account.iam.roles = Listing::complete(vec![role.clone()]);
        judge_role(check("iam-role-trust-wildcard-principal"), &role, &world).unwrap().verdict
    };
    let all_but_one = r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "111122223333"}}"#;
    assert_eq!(judged(all_but_one), Verdict::Fail);
    let denied = r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*",
         "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}}"#;
    assert_eq!(judged(denied), Verdict::Pass);
}

#[test]
fn scout_suite_calls_accounts_of_the_own_organization_foreign() {
    let trust = format!(r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": "{SIBLING}"}}}}"#);
    let role = crate::model::Role { trust_policy: statements(&trust), ..role("/") };
    let judged = judge_role(check("iam-role-trust-external-without-external-id"), &role, &World::new()).unwrap();
    assert_eq!(judged.verdict, Verdict::Pass);
}

/// What a check says of a key with a policy of these statements.
fn of_key(id: &str, text: &str) -> Verdict {
    let key = Key { policies: Listing::complete(vec![key_policy(statements(text))]), ..key() };
    let rule = check(id).rules.iter().find_map(|rule| match rule {
        super::Rule::Key(rule) => Some(rule),
        _ => None,
    });
    World::new().with_keys(vec![key.clone()]).ask(|scope| rule.unwrap()(&key, scope)).unwrap().verdict
}

const PUBLIC: &str = "kms-key-policy-public";

fn everyone(condition: &str) -> String {
    let own =
        format!(r#"{{"Effect": "Allow", "Principal": {{"AWS": "{ACCOUNT}"}}, "Action": "kms:*", "Resource": "*"}}"#);
    format!(
        r#"{own}, {{"Effect": "Allow", "Principal": {{"AWS": "*"}}, "Action": "kms:Decrypt", "Resource": "*",
            "Condition": {{{condition}}}}}"#
    )
}

#[test]
fn prowler_passes_a_key_for_everyone_through_a_service() {
    assert_eq!(
        of_key(PUBLIC, &everyone(r#""StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}"#)),
        Verdict::Fail
    );
}

#[test]
fn prowler_and_steampipe_pass_a_key_whose_condition_everyone_meets() {
    for condition in [
        r#""StringLike": {"kms:CallerAccount": "*"}"#,
        r#""ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:*"}"#,
        r#""StringEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorgid"}"#,
    ] {
        assert_eq!(of_key(PUBLIC, &everyone(condition)), Verdict::Fail, "{condition}");
    }
}

#[test]
fn prowler_and_steampipe_pass_a_key_for_an_account_outside_the_organization() {
    let foreign = everyone(&format!(r#""StringEquals": {{"kms:CallerAccount": "{STRANGER}"}}"#));
    assert_eq!(of_key("kms-key-policy-external-account", &foreign), Verdict::Fail);
}

#[test]
fn prowler_and_steampipe_pass_an_allow_for_all_but_some() {
    let text = format!(
        r#"{{"Effect": "Allow", "NotPrincipal": {{"AWS": "{}"}}, "Action": "kms:Decrypt", "Resource": "*"}}"#,
        role("/").arn
    );
    assert_eq!(of_key(PUBLIC, &text), Verdict::Fail);
    assert_eq!(of_key("kms-key-policy-not-principal", &text), Verdict::Fail);
}

#[test]
fn steampipe_passes_everyone_among_other_principals() {
    let text = format!(
        r#"{{"Effect": "Allow", "Principal": {{"AWS": ["*", "{}"]}}, "Action": "kms:Decrypt", "Resource": "*"}}"#,
        role("/").arn
    );
    assert_eq!(of_key(PUBLIC, &text), Verdict::Fail);
}

#[test]
fn prowler_and_steampipe_fail_keys_that_are_kept_inside_the_organization() {
    for condition in [
        r#""ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-exampleorgid/*"}"#.to_owned(),
        format!(r#""StringEqualsIgnoreCase": {{"kms:CallerAccount": "{ACCOUNT}"}}"#),
    ] {
        assert_eq!(of_key(PUBLIC, &everyone(&condition)), Verdict::Pass, "{condition}");
    }
    let perimeter = format!(
        r#", {{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
            "Condition": {{"StringNotEquals": {{"aws:PrincipalOrgID": "{ORGANIZATION}"}}}}}}"#
    );
    let open = r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}"#;
    assert_eq!(of_key(PUBLIC, &format!("{open}{perimeter}")), Verdict::Pass);
    assert_eq!(of_key(PUBLIC, open), Verdict::Fail);
}

#[test]
fn prowler_loses_every_finding_over_a_statement_that_is_no_list() {
    let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}"#;
    let key = Key { policies: Listing::complete(vec![key_policy(document(text))]), ..key() };
    assert_eq!(judge_key(check(PUBLIC), &key, &World::new()).unwrap().verdict, Verdict::Fail);
}

#[test]
fn prowler_skips_and_steampipe_passes_a_key_whose_policy_could_not_be_read() {
    let gap: Gap = denied("kms:GetKeyPolicy");
    let key = Key { policies: Listing::complete(vec![key_policy(Err(gap.clone()))]), ..key() };
    assert_eq!(judge_key(check(PUBLIC), &key, &World::new()), Err(gap));
}

#[test]
fn steampipe_fails_aliases_that_open_no_key() {
    let alias = r#"{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:*:*:alias/*"}"#;
    assert_eq!(of_document(DECRYPTION, alias), Verdict::Pass);
    assert_eq!(of_document("policy-key-alias-in-resource", alias), Verdict::Fail);
}

#[test]
fn prowler_takes_an_arn_pattern_without_fields_for_a_restriction() {
    // By the evaluation of ARN operators field by field no ARN matches it; whoever wrote it meant something else.
    let text = everyone(r#""ArnLike": {"aws:PrincipalArn": "*"}"#);
    assert_eq!(of_key("policy-condition-wrong-value", &text), Verdict::Fail);
}

#[test]
fn prowler_and_steampipe_fail_keys_that_cannot_rotate() {
    let of_origin = |origin: &str| {
        let change = |it: &mut KeyMetadata| it.origin = origin.to_owned();
        let mut key = key_with(change);
        key.rotation.as_mut().unwrap().enabled = false;
        judge_key(check("kms-key-rotation-enabled"), &key, &World::new()).unwrap().verdict
    };
    for origin in ["EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"] {
        assert_eq!(of_origin(origin), Verdict::NotApplicable, "{origin}");
    }
}

#[test]
fn prowler_fails_and_steampipe_passes_keys_whose_rotation_could_not_be_read() {
    let gap = denied("kms:GetKeyRotationStatus");
    let key = Key { rotation: Err(gap.clone()), ..key() };
    assert_eq!(judge_key(check("kms-key-rotation-enabled"), &key, &World::new()), Err(gap));
}

#[test]
fn prowler_and_steampipe_pass_replicas_that_are_to_be_deleted() {
    let leaving = key_with(|it| it.key_state = "PendingReplicaDeletion".to_owned());
    let judgement = judge_key(check("kms-key-pending-deletion"), &leaving, &World::new()).unwrap();
    assert_eq!(judgement.verdict, Verdict::Fail);
}

#[test]
fn prowler_and_steampipe_take_enabled_for_used() {
    let time = |day: &str| Some(format!("{day}T00:00:00Z").parse().unwrap());
    let mut idle = key_with(|it| it.creation_date = time("2020-01-01"));
    idle.last_usage.as_mut().unwrap().last = None;
    assert_eq!(judge_key(check("kms-key-unused"), &idle, &World::new()).unwrap().verdict, Verdict::Fail);
}

/// A user with these policies attached, in a world where the managed policies have these statements.
fn holder(held: &[(&str, &str)]) -> (User, World) {
    let attached = held.iter().map(|(name, _)| AttachedPolicy {
        name: (*name).to_owned(),
        arn: format!("arn:aws:iam::{ACCOUNT}:policy/{name}"),
    });
    let policies = held.iter().map(|(name, text)| ManagedPolicy {
        arn: format!("arn:aws:iam::{ACCOUNT}:policy/{name}"),
        name: (*name).to_owned(),
        ..managed(statements(text))
    });
    let user = User { attached_policies: attached.collect(), ..user() };
    let mut world = World::new();
    world.account.iam.policies = Listing::complete(policies.collect());
    world.account.iam.users = Listing::complete(vec![user.clone()]);
    (user, world)
}

fn administrator(held: &[(&str, &str)]) -> Verdict {
    let (user, world) = holder(held);
    judge_principal_in(check("iam-administrator-access"), Principal::User(&user), &world).unwrap().verdict
}

#[test]
fn prowler_takes_a_name_for_an_administrator_and_overlooks_one_by_another_name() {
    let reads = r#"{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}"#;
    let everything = r#"{"Effect": "Allow", "Action": "*:*", "Resource": ["*", "arn:aws:s3:::x"]}"#;
    assert_eq!(administrator(&[("AdministratorAccess", reads)]), Verdict::Pass);
    assert_eq!(administrator(&[("Deploy", everything)]), Verdict::Fail);
}

#[test]
fn prowler_and_steampipe_look_for_mfa_at_some_administrators_only() {
    let everything = statements(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#);
    let admins = Group { inline_policies: vec![inline("all", everything.clone())], ..group() };
    let mut world = World::new();
    world.account.iam.groups = Listing::complete(vec![admins]);
    let by_group = User { groups: vec![group().name], ..user() };
    let by_own = User { inline_policies: vec![inline("all", everything)], ..user() };
    for user in [by_group, by_own] {
        let judged = judge_user(check("iam-administrator-mfa"), &user, &world).unwrap();
        assert_eq!(judged.verdict, Verdict::Fail);
    }
}

#[test]
fn prowler_flags_a_path_of_roles_and_overlooks_all_of_them_by_not_action() {
    const ROLES: &str = "iam-policy-any-role";
    let path = r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/app/*"}"#;
    assert_eq!(of_document(ROLES, path), Verdict::Pass);
    let all_but = r#"{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}"#;
    assert_eq!(of_document(ROLES, all_but), Verdict::Fail);
    let small_letters = r#"{"Effect": "Allow", "Action": "STS:assumerole", "Resource": "*"}"#;
    assert_eq!(of_document(ROLES, small_letters), Verdict::Fail);
    assert_eq!(of_user(ROLES, &[small_letters]), Verdict::Fail);
}

#[test]
fn steampipe_never_alarms_about_every_role() {
    let text = r#"{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}"#;
    assert_eq!(of_document("iam-policy-any-role", text), Verdict::Fail);
}

#[test]
fn prowler_looks_for_subscriptions_on_a_plain_star_only() {
    const MARKET: &str = "iam-policy-marketplace-subscribe";
    let all_but = r#"{"Effect": "Allow", "Action": "aws-marketplace:*", "NotResource": "arn:aws:s3:::x"}"#;
    assert_eq!(of_document(MARKET, all_but), Verdict::Fail);
    let two = r#"{"Effect": "Allow", "Action": "aws-marketplace:Subscribe", "Resource": ["*", "arn:aws:s3:::x"]}"#;
    assert_eq!(of_document(MARKET, two), Verdict::Fail);
}

/// What is said of a role with this trust and these permissions.
fn data_read(account: &str, action: &str) -> Verdict {
    let trust = format!(r#"{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {{"AWS": "{account}"}}}}"#);
    let reads = statements(&format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}"#));
    let role = Role { trust_policy: statements(&trust), inline_policies: vec![inline("reads", reads)], ..role("/") };
    let mut world = member(&[], &[]);
    world.account.iam.roles = Listing::complete(vec![role.clone()]);
    judge_role(check("iam-role-external-data-read"), &role, &world).unwrap().verdict
}

#[test]
fn prowler_and_steampipe_know_read_access_by_one_name_and_call_the_own_organization_foreign() {
    assert_eq!(data_read(STRANGER, "s3:Get*"), Verdict::Fail);
    assert_eq!(data_read(STRANGER, "iam:List*"), Verdict::Pass);
    assert_eq!(data_read(SIBLING, "s3:Get*"), Verdict::NotApplicable);
}

#[test]
fn steampipe_alarms_about_hardware_mfa_and_prowler_about_users_who_cannot_sign_in() {
    let of = |serials: &[&str], password: &str| {
        let device =
            |serial: &&str| MfaDevice { serial_number: (*serial).to_owned(), source: source("iam:ListMFADevices") };
        let user = User { mfa_devices: Listing::complete(serials.iter().map(device).collect()), ..user() };
        let mut world = World::new();
        world.account.iam.credential_report = Ok(report("Alice", &[("password_enabled", password)]));
        judge_user(check("iam-user-hardware-mfa"), &user, &world).unwrap().verdict
    };
    assert_eq!(of(&["GAHT12345678"], "true"), Verdict::Pass);
    assert_eq!(of(&[], "false"), Verdict::NotApplicable);
    assert_eq!(of(&["arn:aws:iam::111122223333:mfa/Alice"], "true"), Verdict::Fail);
}

#[test]
fn steampipe_never_alarms_where_nobody_may_audit() {
    assert_eq!(judge_root(check("iam-security-audit-role"), &World::new()).unwrap().verdict, Verdict::Fail);
}

#[test]
fn prowler_passes_any_guard_over_regions_attached_or_not() {
    let guard = r#"{"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}}}"#;
    let of = |is_attached: bool| {
        let list = Value::Strings(vec!["eu-central-1".to_owned()]);
        let mut world = World { values: Values::with("allowed_regions", list), ..member(&[guard], &[]) };
        world.account.regions.insert("us-east-1".to_owned(), kms());
        let organization = world.organization.as_mut().unwrap().as_mut().unwrap();
        if !is_attached {
            let mut policies = organization.service_control_policies.known().to_vec();
            policies[0].targets = Listing::complete(vec![]);
            organization.service_control_policies = Listing::complete(policies);
        }
        judge_root(check("org-scp-kms-regions"), &world).unwrap().verdict
    };
    assert_eq!((of(true), of(false)), (Verdict::Pass, Verdict::Fail));
}

#[test]
fn scout_suite_never_finds_a_policy_that_nothing_holds() {
    let unused = ManagedPolicy { attachment_count: Some(0), ..managed(statements("")) };
    assert_eq!(judge_managed(check("iam-policy-unused"), &unused).unwrap().verdict, Verdict::Fail);
}
