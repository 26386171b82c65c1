//! Keys whose material lies in several Regions.

use super::key_state::judged;
use super::{Boolean, Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::{Arn, Key, MultiRegion};

const ALLOW: Boolean =
    Boolean { name: "allow", meaning: "Whether keys may be multi-Region keys.", default: false, loosens: true };
const ALLOWED_REGIONS: Strings = Strings {
    name: "allowed_regions",
    meaning: "The Regions in which multi-Region keys may lie; none listed: in any.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-multi-region",
    title: "Key material lies in as few Regions as it must",
    severity: Severity::Medium,
    resource: "KMS key",
    rationale: "The material of a multi-Region key is copied into every Region that has a replica, and each copy has a \
        policy and grants of its own. One careless copy opens what all of them protect.",
    rule: "For customer managed keys: FAIL if the key is a multi-Region key, unless the parameter allow is true; then \
        FAIL if its primary key or a replica lies in a Region that allowed_regions, where it is set, does not list. \
        PASS otherwise.",
    exemptions: "AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Whether policies and grants of the copies agree is not compared: each copy is judged by the other \
        checks. Copies in other accounts do not exist; copies that were deleted are not listed.",
    remediation: Remediation {
        summary: "Use keys of one Region, and remove replicas that nobody needs.",
        steps: &[
            "Decide which Regions may hold copies, and set allow and allowed_regions in the configuration.",
            "Remove a replica: see who uses it with aws kms get-key-last-usage --region \"$REGION\" --key-id \
             \"$KEY_ID\", then run aws kms schedule-key-deletion --region \"$REGION\" --key-id \"$KEY_ID\" \
             --pending-window-in-days 30.",
            "A multi-Region key cannot become one of a single Region: make a new key and encrypt anew with aws kms \
             re-encrypt.",
            "Verify: aws kms describe-key --key-id \"$KEY_ID\" --query KeyMetadata.MultiRegionConfiguration.",
        ],
        commands: &["aws kms describe-key --region={region} --key-id={key}"],
        risk: "Data that was encrypted in the Region of a replica is opened there by that replica; after its deletion \
            it must be opened where another copy is. aws kms cancel-key-deletion takes it back while the window is \
            open.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey"],
    parameters: &[Parameter::Boolean(ALLOW), Parameter::Strings(ALLOWED_REGIONS)],
    elsewhere: &["Prowler kms_cmk_not_multi_region"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    judged(key, |metadata| {
        let Some(family) = &metadata.multi_region else {
            return Ok(Judgement::pass("the key lies in one Region"));
        };
        let regions = regions(family, &key.region);
        if !scope.values.boolean(&ALLOW) {
            return Ok(Judgement::fail(format!("the key is a multi-Region key, in {}", regions.join(", "))));
        }
        let allowed = scope.values.strings(&ALLOWED_REGIONS);
        let outside = regions.iter().filter(|region| !allowed.is_empty() && !allowed.contains(*region));
        let outside: Vec<&str> = outside.copied().collect();
        Ok(match outside.as_slice() {
            [] if family.primary_arn.is_empty() => {
                Judgement::pass("the key is an allowed multi-Region key of which AWS names no primary key")
            }
            [] => Judgement::pass(format!("the key is an allowed multi-Region key, in {}", regions.join(", "))),
            outside => Judgement::fail(format!("the multi-Region key lies in {}, too", outside.join(", "))),
        })
    })
}

/// The Regions of a family, sorted.
fn regions<'a>(family: &'a MultiRegion, own: &'a str) -> Vec<&'a str> {
    let arns = family.replica_arns.iter().chain([&family.primary_arn]);
    let others = arns.filter_map(|arn| Some(Arn::parse(arn)?.region));
    let mut regions: Vec<&str> = others.chain([own]).collect();
    regions.sort_unstable();
    regions.dedup();
    regions
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::checks::{Parameters, Value};
    use crate::finding::Verdict;

    fn family() -> Key {
        let elsewhere = |region| key_arn().replace("eu-central-1", region);
        key_with(|it| {
            it.multi_region = Some(MultiRegion {
                is_replica: false,
                primary_arn: key_arn(),
                replica_arns: vec![elsewhere("us-east-1"), elsewhere("eu-west-1")],
            });
        })
    }

    fn judged(key: &Key, regions: Option<&[&str]>) -> Judgement {
        let mut parameters = Parameters::default();
        if let Some(regions) = regions {
            parameters.set(CHECK.id, ALLOW.name, Value::Boolean(true)).unwrap();
            let regions = regions.iter().map(|region| (*region).to_owned()).collect();
            parameters.set(CHECK.id, ALLOWED_REGIONS.name, Value::Strings(regions)).unwrap();
        }
        let world = World { values: parameters.of(&CHECK).clone(), ..World::new() };
        judge_key(&CHECK, key, &world).unwrap()
    }

    #[test]
    fn a_family_fails_unless_it_is_allowed_where_it_lies() {
        let judgement = judged(&family(), None);
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, "the key is a multi-Region key, in eu-central-1, eu-west-1, us-east-1");
        let judgement = judged(&family(), Some(&["eu-central-1", "eu-west-1"]));
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, "the multi-Region key lies in us-east-1, too");
    }

    #[test]
    fn keys_of_one_region_and_allowed_families_pass() {
        assert_eq!(judged(&key(), None).verdict, Verdict::Pass);
        assert_eq!(judged(&family(), Some(&[])).verdict, Verdict::Pass);
        assert_eq!(judged(&family(), Some(&["eu-central-1", "eu-west-1", "us-east-1"])).verdict, Verdict::Pass);
        let orphan = MultiRegion { is_replica: true, primary_arn: String::new(), replica_arns: Vec::new() };
        let orphan = judged(&key_with(|it| it.multi_region = Some(orphan)), Some(&[]));
        assert_eq!(orphan.verdict, Verdict::Pass);
        assert!(orphan.reason.ends_with("names no primary key"), "{}", orphan.reason);
    }

    #[test]
    fn keys_of_aws_are_exempt() {
        assert_eq!(judge_key(&CHECK, &aws_managed_key(), &World::new()).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_a_description_nothing_is_said() {
        let gap = denied("kms:DescribeKey");
        let unread = Key { metadata: Err(gap.clone()), ..key() };
        assert_eq!(judge_key(&CHECK, &unread, &World::new()), Err(gap));
    }
}
