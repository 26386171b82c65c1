//! The nearest real name to one that was mistyped.

/// The candidate that differs least from `name`, if one is near enough to be meant; else the shortest that begins with it.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count() / 3 + 1;
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let distances = candidates.iter().map(|candidate| (distance(name, candidate), *candidate));
    let near = distances.filter(|(distance, _)| *distance <= limit).min().map(|(_, candidate)| candidate);
    let begun = || {
        let longer = candidates.iter().filter(|candidate| !name.is_empty() && candidate.starts_with(name));
        longer.copied().min_by_key(|candidate| (candidate.len(), *candidate))
    };
    near.or_else(begun)
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let cost = (diagonal + usize::from(x != *y)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = cost;
            left = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, expected) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn a_far_name_is_not_offered() {
        assert_eq!(nearest("iam-root-mfaa", ["iam-root-mfa", "kms-key-unused"]), Some("iam-root-mfa"));
        assert_eq!(nearest("zzz", ["iam-root-mfa"]), None);
    }

    #[test]
    fn a_name_may_be_begun_and_not_ended() {
        let frameworks = ["nist-800-53-r5", "hipaa-security-rule", "cis-aws-1.2.0", "cis-aws-2.0.0"];
        assert_eq!(nearest("hipaa", frameworks), Some("hipaa-security-rule"));
        assert_eq!(nearest("cis", frameworks), Some("cis-aws-1.2.0"));
        assert_eq!(nearest("", frameworks), None);
    }
}
