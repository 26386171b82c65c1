//! Keys whose material was made outside of AWS.

use super::key_state::judged;
use super::{Boolean, Check, Judged, Parameter, Remediation, Rule, Scope};
use crate::finding::{Judgement, Severity, Status};
use crate::model::Key;

const ALLOWED: Boolean =
    Boolean { name: "allowed", meaning: "Whether keys may have imported material.", default: true, loosens: false };

pub(super) const CHECK: Check = Check {
    id: "kms-key-imported-material",
    title: "Imported key material is known and wanted",
    severity: Severity::Informational,
    resource: "KMS key",
    rationale: "Imported material has been in the clear outside of AWS KMS, so that its secrecy rests on people. Some \
        rules want that, others forbid it; either way one should know which keys it concerns.",
    rule: "For customer managed keys: FAIL if Origin is EXTERNAL and the parameter allowed is false; PASS otherwise, \
        with the origin in the reason. By default imported material is allowed, so that this is an inventory.",
    exemptions: "AWS managed keys are NOT_APPLICABLE.",
    blind_spots: "How the material was made, brought here and kept cannot be seen. Keys in custom key stores are \
        judged by kms-key-custom-key-store.",
    remediation: Remediation {
        summary: "Use a key whose material AWS KMS makes, where nobody needs the original.",
        steps: &[
            "Decide whether imported material is wanted; if not, set allowed to false in the configuration.",
            "Make a key with aws kms create-key, move the alias with aws kms update-alias --alias-name \"alias/$NAME\" \
             --target-key-id \"$NEW_KEY_ID\", and encrypt what is kept anew with aws kms re-encrypt.",
            "Verify: aws kms describe-key --key-id \"$NEW_KEY_ID\" --query KeyMetadata.Origin prints AWS_KMS.",
        ],
        commands: &["aws kms describe-key --region={region} --key-id={key}"],
        risk: "Old ciphertexts need the old key and its material until they are encrypted anew. The way back is the \
            alias on the old key.",
    },
    reads: &["kms:ListKeys", "kms:DescribeKey"],
    parameters: &[Parameter::Boolean(ALLOWED)],
    elsewhere: &["None known: importing key material in the AWS KMS developer guide"],
    statuses: &[Status::Pass, Status::Fail, Status::NotApplicable, Status::Error],
    not_shown: &[(Status::Fail, "imported material is allowed unless the configuration forbids it")],
    rules: &[Rule::Key(judge)],
};

fn judge(key: &Key, scope: &Scope<'_>) -> Judged {
    judged(key, |metadata| {
        Ok(match (metadata.origin.as_str(), scope.values.boolean(&ALLOWED)) {
            ("EXTERNAL", true) => Judgement::pass("the key has imported material, which is allowed"),
            ("EXTERNAL", false) => Judgement::fail("the key has imported material"),
            (origin, _) => Judgement::pass(format!("the origin of the key is {origin}")),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::checks::{Value, Values};
    use crate::finding::Verdict;

    #[test]
    fn imported_material_fails_where_it_is_not_allowed() {
        let imported = key_with(|it| it.origin = "EXTERNAL".to_owned());
        let strict = World { values: Values::with("allowed", Value::Boolean(false)), ..World::new() };
        assert_eq!(judge_key(&CHECK, &imported, &strict).unwrap().verdict, Verdict::Fail);
        assert_eq!(judge_key(&CHECK, &imported, &World::new()).unwrap().verdict, Verdict::Pass);
        assert_eq!(judge_key(&CHECK, &key(), &strict).unwrap().verdict, Verdict::Pass);
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
