//! The company's organization: units, accounts, guardrails, delegated administrators.

use serde_json::json;

use super::Quarter;
use crate::demo::documents::Document;
use crate::demo::organization::{Member, Organization, RCP, SCP};
use crate::demo::policies::{policy, role, root};

pub(super) const MANAGEMENT: &str = "111122223333";
pub(super) const SECURITY: &str = "444455556666";
pub(super) const LOG_ARCHIVE: &str = "222233334444";
pub(super) const PAYMENTS: &str = "123456789012";
pub(super) const CLAIMS: &str = "555566667777";
pub(super) const DATA: &str = "777788889999";
pub(super) const DEVELOPMENT: &str = "999988887777";
pub(super) const SANDBOX: &str = "333344445555";
pub(super) const LEGACY: &str = "666677778888";
pub(super) const MARKETING: &str = "888899990000";
pub(super) const CLINIC: &str = "444433332222";
pub(super) const REWARDS: &str = "222211110000";
/// The card acquirer, a partner outside the organization.
pub(super) const ACQUIRER: &str = "555555555555";

/// Id of the organization, as AWS's documentation writes it.
pub(super) const ORGANIZATION: &str = "o-exampleorgid";

/// Domain of the company's mail.
pub(super) const DOMAIN: &str = "quillmere.example";

/// The organization in a quarter.
pub(super) fn organization(quarter: Quarter) -> Organization {
    let mut company = Organization::new(ORGANIZATION, MANAGEMENT, DOMAIN);
    company.unit("security0", "Security", None);
    company.unit("workloads", "Workloads", None);
    company.unit("production", "Prod", Some("workloads"));
    company.unit("cardholder", "Cardholder data", Some("production"));
    company.unit("nonproduction", "NonProd", Some("workloads"));
    company.unit("sandbox00", "Sandbox", None);
    company.unit("suspended", "Suspended", None);
    company.member(Member::new(MANAGEMENT, "quillmere-management", None, "2021-03-02"));
    company.member(Member::new(SECURITY, "security-tooling", Some("security0"), "2021-03-04"));
    company.member(Member::new(LOG_ARCHIVE, "log-archive", Some("security0"), "2021-03-04"));
    company.member(Member::new(PAYMENTS, "payments-prod", Some("cardholder"), "2021-05-17"));
    company.member(Member::new(CLAIMS, "claims-prod", Some("production"), "2021-06-08"));
    company.member(Member::new(DATA, "data-platform-prod", Some("production"), "2022-01-24"));
    company.member(Member::new(DEVELOPMENT, "payments-dev", Some("nonproduction"), "2021-05-17"));
    // An account name that a page must escape: good only as a test of whoever shows it.
    company.member(Member::new(SANDBOX, "R&D <sandbox>", Some("sandbox00"), "2023-09-11"));
    company.member(Member::new(MARKETING, "marketing-site", Some("nonproduction"), "2022-10-03"));
    company.member(Member::new(LEGACY, "legacy-billing", Some("suspended"), "2021-03-09").suspended());
    company.member(Member::new(CLINIC, "clinic-acquired", Some("production"), "2026-04-20").invited());
    if quarter.is_third() {
        company.member(Member::new(REWARDS, "rewards-prod", Some("production"), "2026-08-05"));
    }
    guardrails(&mut company, quarter);
    company.allow_everything();
    company.delegated.push((SECURITY.to_owned(), "2022-02-14".to_owned(), delegated_services()));
    company.resource_policy = Some(delegation());
    company
}

fn delegated_services() -> Vec<String> {
    ["access-analyzer.amazonaws.com", "guardduty.amazonaws.com", "securityhub.amazonaws.com"]
        .map(str::to_owned)
        .to_vec()
}

/// Lets the security account read the guardrails.
fn delegation() -> Document {
    let actions = ["organizations:DescribePolicy", "organizations:ListPolicies", "organizations:ListTargetsForPolicy"];
    Document::laid_out(&policy(json!([{
        "Sid": "PolicyReaders", "Effect": "Allow", "Principal": {"AWS": root(SECURITY)},
        "Action": actions, "Resource": "*"
    }])))
}

fn guardrails(company: &mut Organization, quarter: Quarter) {
    // Good: every destructive key action, all keys, with a break-glass role that is named exactly.
    let protect = json!([{
        "Sid": "ProtectKeys", "Effect": "Deny",
        "Action": [
            "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DeleteImportedKeyMaterial", "kms:PutKeyPolicy",
            "kms:DeleteAlias", "kms:DisableKeyRotation", "kms:UpdateAlias", "kms:UpdatePrimaryRegion"
        ],
        "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/KeyCustodian"}}
    }]);
    let text = "Only the key custodian may destroy, disable or re-key";
    company.policy(SCP, "ProtectKeys", text, protect, &["cardholder", "security0"]);
    // Bad: deletion is the only action that it guards; disabling and policy changes remain. It means what it says, because
    // every principal of the organization carries the organization id.
    let deletion = json!([{
        "Sid": "NoKeyDeletion", "Effect": "Deny", "Action": ["kms:ScheduleKeyDeletion"], "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}
    }]);
    // Weakened: in the third quarter it no longer covers the claims account, where a key is then scheduled for deletion.
    let targets: &[&str] = quarter.pick(&["production"], &["cardholder", DATA]);
    company.policy(SCP, "DenyKeyDeletion", "No scheduled deletion in production", deletion, targets);
    // Good from the third quarter on, when it also covers sandboxes.
    let bypass = json!([{
        "Sid": "NoLockoutBypass", "Effect": "Deny", "Action": ["kms:CreateKey", "kms:PutKeyPolicy"], "Resource": "*",
        "Condition": {"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}
    }]);
    let targets: &[&str] = quarter.pick(&["workloads"], &["workloads", "sandbox00"]);
    company.policy(SCP, "DenyLockoutBypass", "Keys keep an administrator", bypass, targets);
    let regions = json!([{
        "Sid": "HomeRegions", "Effect": "Deny",
        "NotAction": ["iam:*", "organizations:*", "sts:*", "support:*", "account:*", "cloudfront:*", "route53:*"],
        "Resource": "*",
        "Condition": {
            "StringNotEquals": {"aws:RequestedRegion": super::REGIONS},
            "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/aws-service-role/*"}
        }
    }]);
    company.policy(
        SCP,
        "HomeRegions",
        "Work stays in Frankfurt, Ireland and Virginia",
        regions,
        &["workloads", "sandbox00"],
    );
    // Bad: the value of the key is a word, so that the condition never holds and nothing is denied.
    let typo = json!([{
        "Sid": "NoDecryptInSandbox", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"kms:CallerAccount": "sandbox"}}
    }]);
    company.policy(SCP, "SandboxNoDecrypt", "Sandboxes decrypt nothing", typo, &["sandbox00"]);
    company.policy(SCP, "QuarantineAll", "Nothing but closing down", quarantine(), &["suspended"]);
    company.policy(
        RCP,
        "KeysStayInside",
        "Keys serve the organization and AWS services only",
        perimeter(),
        &["workloads"],
    );
}

fn quarantine() -> serde_json::Value {
    json!([{"Sid": "Quarantine", "Effect": "Deny", "NotAction": ["aws-portal:*", "billing:*"], "Resource": "*"}])
}

/// Good: outsiders are denied, AWS services and the acquirer's gateway are not.
fn perimeter() -> serde_json::Value {
    json!([{
        "Sid": "KeyPerimeter", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            "ArnNotLikeIfExists": {"aws:PrincipalArn": role(ACQUIRER, "settlement-gateway")}
        }
    }])
}
