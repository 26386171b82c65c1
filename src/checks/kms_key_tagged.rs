//! Keys without the tags that say whose they are.

use super::key_state::judged;
use super::{Check, Form, Judged, Loosens, Parameter, Remediation, Rule, Scope, Strings};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Key;

const REQUIRED_TAGS: Strings = Strings {
    name: "required_tags",
    meaning: "The tag keys that every key must have; none listed: any one.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::Less,
};

pub(super) const CHECK: Check = Check {
    id: "kms-key-tagged",
    title: "Keys carry the tags that the organization asks for",
    severity: Severity::Low,
    resource: "KMS key",
    rationale: "A tag says who owns a key and what it protects. Without one nobody can say whether an old key may go, \
        and rules that select keys by tag pass it by.",
    rule: "For customer managed keys: FAIL if the key has none of required_tags, or, where none is required, has no \
        tag at all; tags whose key begins with aws: do not count. PASS otherwise.",
    exemptions: "AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "Whether the values are right is not judged. Names of tags are compared with their letter case.",
    remediation: Remediation {
        summary: "Tag the key.",
        steps: &[
            "Decide on the tags that every key needs, and set required_tags in the configuration.",
            "Run aws kms tag-resource --key-id \"$KEY_ID\" --tags TagKey=\"$NAME\",TagValue=\"$VALUE\".",
            "Verify: aws kms list-resource-tags --key-id \"$KEY_ID\".",
        ],
        commands: &[
            "aws kms tag-resource --region={region} --key-id={key} --tags=TagKey=Owner,TagValue=TEAM",
            "aws kms list-resource-tags --region={region} --key-id={key}",
        ],
        risk: "Policies with aws:ResourceTag may open or close the key by a tag: look for them before. aws kms \
            untag-resource takes it back.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListResourceTags"],
    parameters: &[Parameter::Strings(REQUIRED_TAGS)],
    elsewhere: &["AWS Config kms-key-tagged"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    judged(key, |_| {
        let tags = key.tags.as_ref().map_err(Clone::clone)?;
        let required = scope.values.strings(&REQUIRED_TAGS);
        let missing: Vec<&str> = required.iter().copied().filter(|name| !tags.contains_key(*name)).collect();
        let own = tags.keys().filter(|name| !name.starts_with("aws:")).count();
        Ok(match missing.as_slice() {
            [] if own == 0 && required.is_empty() => Judgement::fail("the key has no tag"),
            [] if required.is_empty() => Judgement::pass(format!("the key has {own} tags")),
            [] => Judgement::pass(format!("the key has the tags {}", required.join(", "))),
            missing => Judgement::fail(format!("the key lacks the tags {}", missing.join(", "))),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::checks::{Value, Values};
    use crate::finding::Verdict;

    fn judged(tags: &[&str], required: &[&str]) -> Judgement {
        let tags = tags.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        let required = required.iter().map(|name| (*name).to_owned()).collect();
        let values = Values::with(REQUIRED_TAGS.name, Value::Strings(required));
        judge_key(&CHECK, &Key { tags: Ok(tags), ..key() }, &World { values, ..World::new() }).unwrap()
    }

    #[test]
    fn a_key_without_what_is_asked_for_fails() {
        assert_eq!(judged(&[], &[]).verdict, Verdict::Fail);
        assert_eq!(judged(&["aws:cloudformation:stack-name"], &[]).verdict, Verdict::Fail);
        let judgement = judged(&["Owner"], &["Owner", "DataClass"]);
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, "the key lacks the tags DataClass");
        assert_eq!(judged(&["owner"], &["Owner"]).verdict, Verdict::Fail);
    }

    #[test]
    fn a_key_with_what_is_asked_for_passes() {
        assert_eq!(judged(&["Owner"], &[]).verdict, Verdict::Pass);
        assert_eq!(judged(&["Owner", "DataClass"], &["Owner"]).verdict, Verdict::Pass);
    }

    #[test]
    fn without_tags_nothing_is_said() {
        let gap = denied("kms:ListResourceTags");
        assert_eq!(judge_key(&CHECK, &Key { tags: Err(gap.clone()), ..key() }, &World::new()), Err(gap));
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
