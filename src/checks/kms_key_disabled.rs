//! Disabled keys to which something still refers.

use super::key_state::{judged, reference_to};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Key;

pub(super) const CHECK: Check = Check {
    id: "kms-key-disabled",
    title: "Nothing refers to a disabled key",
    severity: Severity::Low,
    resource: "KMS key",
    rationale: "A disabled key decrypts nothing. While an alias or a grant refers to it, somebody counts on it: their \
        calls fail, or will fail when the data is needed. A key that nobody needs should be scheduled for deletion.",
    rule: "For customer managed keys: FAIL if KeyState is Disabled and an alias points to the key or it has a grant; \
        PASS if it is disabled and nothing refers to it, or if it is not disabled.",
    exemptions: "AWS managed keys, and keys in a state other than Enabled and Disabled, are NOT_APPLICABLE.",
    blind_spots: "Since when the key is disabled is not known. That nothing refers to the key does not mean that no \
        data is encrypted under it: applications name keys by ARN too.",
    remediation: Remediation {
        summary: "Enable the key, or take away what refers to it and delete it.",
        steps: &[
            "Find who disabled it and why: aws cloudtrail lookup-events --lookup-attributes \
             AttributeKey=ResourceName,AttributeValue=\"$KEY_ARN\".",
            "Needed: aws kms enable-key --key-id \"$KEY_ID\".",
            "Not needed: aws kms delete-alias --alias-name \"alias/$NAME\", aws kms revoke-grant --key-id \"$KEY_ID\" \
             --grant-id \"$GRANT_ID\", and after a review aws kms schedule-key-deletion --key-id \"$KEY_ID\" \
             --pending-window-in-days 30.",
            "Verify: aws kms describe-key --key-id \"$KEY_ID\" --query KeyMetadata.KeyState.",
        ],
        commands: &[
            "aws kms list-aliases --region={region} --key-id={key}",
            "aws kms list-grants --region={region} --key-id={key}",
            "aws kms enable-key --region={region} --key-id={key}",
        ],
        risk: "An enabled key can be used again by whoever its policy allows. Deletion destroys what the key protects: \
            until the window ends, aws kms cancel-key-deletion takes it back.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListAliases", "kms:ListGrants"],
    parameters: &[],
    elsewhere: &["Prowler kms_cmk_are_used", "Steampipe kms_cmk_unused"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    judged(key, |metadata| {
        Ok(match metadata.key_state.as_str() {
            "Enabled" => Judgement::pass("the key is enabled"),
            "Disabled" => match reference_to(key, scope)? {
                Some(reference) => Judgement::fail(format!("the key is disabled, and {reference}")),
                None => Judgement::pass("the key is disabled, and neither an alias nor a grant refers to it"),
            },
            state => Judgement::not_applicable(format!("the state of the key is {state}")),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Alias, Listing};

    fn disabled() -> Key {
        key_with(|it| it.key_state = "Disabled".to_owned())
    }

    fn judged(key: &Key, aliases: Listing<Alias>) -> Judged {
        let mut world = World::new().with_keys(vec![key.clone()]);
        for kms in world.account.regions.values_mut() {
            kms.aliases = aliases.clone();
        }
        world.ask(|scope| judge(key, scope))
    }

    fn alias() -> Alias {
        Alias { name: "alias/app".to_owned(), target_key_id: Some(KEY_ID.to_owned()) }
    }

    fn none() -> Listing<Alias> {
        Listing::complete(Vec::new())
    }

    #[test]
    fn a_disabled_key_to_which_something_refers_fails() {
        let judgement = judged(&disabled(), Listing::complete(vec![alias()])).unwrap();
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.reason, "the key is disabled, and the alias alias/app points to it");
        let granted = Key { grants: Listing::complete(vec![grant(&role("/").arn)]), ..disabled() };
        assert_eq!(judged(&granted, none()).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn other_keys_pass() {
        assert_eq!(judged(&key(), Listing::complete(vec![alias()])).unwrap().verdict, Verdict::Pass);
        assert_eq!(judged(&disabled(), none()).unwrap().verdict, Verdict::Pass);
        let other = Alias { target_key_id: Some("another".to_owned()), ..alias() };
        assert_eq!(judged(&disabled(), Listing::complete(vec![other])).unwrap().verdict, Verdict::Pass);
    }

    #[test]
    fn other_states_are_exempt() {
        let leaving = key_with(|it| it.key_state = "PendingDeletion".to_owned());
        assert_eq!(judged(&leaving, none()).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_all_aliases_and_grants_only_an_exception_is_certain() {
        let gap = denied("kms:ListAliases");
        assert_eq!(judged(&disabled(), Listing::missing(gap.clone())), Err(gap.clone()));
        assert_eq!(judged(&disabled(), Listing::partial(vec![alias()], gap)).unwrap().verdict, Verdict::Fail);
        let gap = denied("kms:ListGrants");
        let unread = Key { grants: Listing::missing(gap.clone()), ..disabled() };
        assert_eq!(judged(&unread, none()), Err(gap));
        assert_eq!(judged(&unread, Listing::complete(vec![alias()])).unwrap().verdict, Verdict::Fail);
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
