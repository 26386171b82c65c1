//! The real name that a wrong one was probably meant to be.

/// Names that are often written, with what the permission is called. The right side is printed as it stands.
const MEANT: [(&str, &str); 34] = [
    ("kms:deletekey", "`kms:ScheduleKeyDeletion`"),
    ("kms:deletekmskey", "`kms:ScheduleKeyDeletion`"),
    ("kms:scheduledeletion", "`kms:ScheduleKeyDeletion`"),
    ("kms:reencrypt", "`kms:ReEncryptFrom` and `kms:ReEncryptTo`"),
    ("kms:listtags", "`kms:ListResourceTags`"),
    ("kms:listtagsforresource", "`kms:ListResourceTags`"),
    ("kms:getkey", "`kms:DescribeKey`"),
    ("kms:updatekeypolicy", "`kms:PutKeyPolicy`"),
    ("kms:deletegrant", "`kms:RevokeGrant`"),
    ("kms:rotatekey", "`kms:RotateKeyOnDemand` or `kms:EnableKeyRotation`"),
    ("s3:listobjects", "`s3:ListBucket`"),
    ("s3:listobjectsv2", "`s3:ListBucket`"),
    ("s3:listobject", "`s3:ListBucket`"),
    ("s3:headobject", "`s3:GetObject`"),
    ("s3:headbucket", "`s3:ListBucket`"),
    ("s3:listbuckets", "`s3:ListAllMyBuckets`"),
    ("s3:copyobject", "`s3:GetObject` on the source and `s3:PutObject` on the destination"),
    ("s3:deleteobjects", "`s3:DeleteObject`"),
    ("s3:uploadpart", "`s3:PutObject`"),
    ("s3:createmultipartupload", "`s3:PutObject`"),
    ("s3:completemultipartupload", "`s3:PutObject`"),
    ("s3:listmultipartuploads", "`s3:ListBucketMultipartUploads`"),
    ("s3:listparts", "`s3:ListMultipartUploadParts`"),
    ("s3:listobjectversions", "`s3:ListBucketVersions`"),
    ("s3:getbucketencryption", "`s3:GetEncryptionConfiguration`"),
    ("s3:putbucketencryption", "`s3:PutEncryptionConfiguration`"),
    ("s3:getbucketlifecycleconfiguration", "`s3:GetLifecycleConfiguration`"),
    ("s3:putbucketlifecycleconfiguration", "`s3:PutLifecycleConfiguration`"),
    ("s3:getbucketreplication", "`s3:GetReplicationConfiguration`"),
    ("s3:putbucketreplication", "`s3:PutReplicationConfiguration`"),
    ("s3:getpublicaccessblock", "`s3:GetBucketPublicAccessBlock` or `s3:GetAccountPublicAccessBlock`"),
    ("s3:putpublicaccessblock", "`s3:PutBucketPublicAccessBlock` or `s3:PutAccountPublicAccessBlock`"),
    ("lambda:invoke", "`lambda:InvokeFunction`"),
    ("cloudwatch:putmetric", "`cloudwatch:PutMetricData`"),
];

/// What an action that does not exist was meant to be, where that is known.
pub(super) fn meant(action: &str) -> Option<&'static str> {
    let action = action.to_ascii_lowercase();
    MEANT.iter().find(|(wrong, _)| *wrong == action).map(|(_, right)| *right)
}

/// The one or two candidates nearest to a name, letter case ignored; none when all are too far.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let name: Vec<char> = name.to_ascii_lowercase().chars().take(MAX_LENGTH).collect();
    let limit = (name.len() / 3).clamp(1, 6);
    let mut found: Vec<(usize, &str)> = candidates
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.to_ascii_lowercase().chars().collect();
            // A name cut short is nearer than its length says.
            let is_start = name.len() >= 4 && other.starts_with(&name) && other.len() <= name.len() + 8;
            let far = if is_start { 1 } else { distance(&name, &other, limit)? };
            Some((far, candidate))
        })
        .collect();
    found.sort_unstable();
    let best = found.first().map_or(0, |(far, _)| *far);
    found.into_iter().take_while(|(far, _)| *far == best).map(|(_, candidate)| candidate).take(2).collect()
}

/// Longer names are cut: no name of AWS is near them.
const MAX_LENGTH: usize = 80;

/// The number of insertions, deletions, replacements and swaps of neighbours, or `None` when above `limit`.
fn distance(a: &[char], b: &[char], limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, from) in a.iter().enumerate() {
        let mut next = vec![row + 1; b.len() + 1];
        for (column, to) in b.iter().enumerate() {
            let replaced = last[column] + usize::from(from != to);
            let mut best = replaced.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && *from == b[column - 1] && a[row - 1] == *to {
                best = best.min(before[column - 1] + 1);
            }
            next[column + 1] = best;
        }
        before = last;
        last = next;
    }
    last.last().copied().filter(|far| *far <= limit)
}

/// The candidates as a question: "did you mean …?"
pub(super) fn question(candidates: &[String]) -> Option<String> {
    match candidates {
        [] => None,
        [one] => Some(format!("did you mean `{one}`?")),
        [one, other, ..] => Some(format!("did you mean `{one}` or `{other}`?")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "DescribeKey", "ListKeys"];
        assert_eq!(nearest("Decypt", names.into_iter()), ["Decrypt"]);
        assert_eq!(nearest("Deencrypt", names.into_iter()), ["Decrypt", "Encrypt"]);
        assert_eq!(nearest("ReEncrypt", names.into_iter()), ["ReEncryptFrom", "ReEncryptTo"]);
        assert_eq!(nearest("DecsribeKey", names.into_iter()), ["DescribeKey"]);
        assert!(nearest("Frobnicate", names.into_iter()).is_empty());
    }

    #[test]
    fn what_is_often_written_is_known() {
        assert_eq!(meant("KMS:DeleteKey"), Some("`kms:ScheduleKeyDeletion`"));
        assert_eq!(meant("kms:Decrypt"), None);
    }

    #[test]
    fn a_swap_counts_once_and_the_limit_holds() {
        let chars = |text: &str| text.chars().collect::<Vec<char>>();
        assert_eq!(distance(&chars("abcd"), &chars("abdc"), 2), Some(1));
        assert_eq!(distance(&chars("abcd"), &chars("wxyz"), 3), None);
        assert_eq!(distance(&chars(""), &chars("ab"), 2), Some(2));
    }
}
