//! Keys that have no name.

use super::key_state::{judged, region};
use super::{Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Key;

pub(super) const CHECK: Check = Check {
    id: "kms-key-no-alias",
    title: "Keys have an alias",
    severity: Severity::Informational,
    resource: "KMS key",
    rationale: "An alias says what a key is for, and lets applications move to another key without a change. A key \
        without one is easily forgotten.",
    rule: "For customer managed keys: FAIL if no alias of the Region points to the key (ListAliases, TargetKeyId); \
        PASS otherwise.",
    exemptions: "AWS managed keys, and keys that are to be deleted, are NOT_APPLICABLE.",
    blind_spots: "Whether the name says what the key is for, and whether anybody uses it, is not judged. Each key of a \
        multi-Region family needs an alias of its own.",
    remediation: Remediation {
        summary: "Give the key an alias.",
        steps: &[
            "Run aws kms create-alias --alias-name \"alias/$NAME\" --target-key-id \"$KEY_ID\".",
            "Verify: aws kms list-aliases --key-id \"$KEY_ID\".",
        ],
        commands: &[
            "aws kms create-alias --region={region} --alias-name=alias/NAME --target-key-id={key}",
            "aws kms list-aliases --region={region} --key-id={key}",
        ],
        risk: "Policies with kms:ResourceAliases may open or close the key by its alias: look for them before. aws kms \
            delete-alias takes it back.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey", "kms:ListAliases"],
    parameters: &[],
    elsewhere: &["None known: aliases in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    judged(key, |metadata| {
        if metadata.key_state.ends_with("Deletion") {
            return Ok(Judgement::not_applicable(format!("the state of the key is {}", metadata.key_state)));
        }
        let kms = region(key, scope)?;
        if let Some(alias) = kms.aliases_of(key).next() {
            return Ok(Judgement::pass(format!("the alias {alias} points to the key")));
        }
        kms.aliases.whole()?;
        Ok(Judgement::fail("no alias points to the key"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::finding::Verdict;
    use crate::model::{Alias, Listing};

    fn judged(key: &Key, aliases: Listing<Alias>) -> Judged {
        let mut world = World::new().with_keys(vec![key.clone()]);
        for kms in world.account.regions.values_mut() {
            kms.aliases = aliases.clone();
        }
        world.ask(|scope| judge(key, scope))
    }

    fn alias(target: &str) -> Alias {
        Alias { name: "alias/app".to_owned(), target_key_id: Some(target.to_owned()) }
    }

    #[test]
    fn an_alias_that_points_to_the_key_decides() {
        assert_eq!(judged(&key(), Listing::complete(vec![alias(KEY_ID)])).unwrap().verdict, Verdict::Pass);
        assert_eq!(judged(&key(), Listing::complete(vec![alias("another")])).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn keys_that_are_to_be_deleted_are_exempt() {
        let leaving = key_with(|it| it.key_state = "PendingDeletion".to_owned());
        assert_eq!(judged(&leaving, Listing::complete(Vec::new())).unwrap().verdict, Verdict::NotApplicable);
    }

    #[test]
    fn without_all_aliases_only_a_pass_is_certain() {
        let gap = denied("kms:ListAliases");
        assert_eq!(judged(&key(), Listing::missing(gap.clone())), Err(gap.clone()));
        assert_eq!(judged(&key(), Listing::partial(vec![alias(KEY_ID)], gap)).unwrap().verdict, Verdict::Pass);
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
