//! Amazon Resource Names and tags.

use std::collections::BTreeMap;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// The six fields of an Amazon Resource Name, borrowed from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: &'a str,
    /// `iam`, `kms`, `sts`, …
    pub service: &'a str,
    /// Region; empty for global resources.
    pub region: &'a str,
    /// Account of 12 digits; empty for a few resource types, `aws` for AWS managed policies.
    pub account_id: &'a str,
    /// The rest: `role/path/Name`, `key/1234abcd-…`.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN, or says that the text is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(6, ':');
        if fields.next() != Some("arn") {
            return None;
        }
        let arn = Self {
            partition: fields.next()?,
            service: fields.next()?,
            region: fields.next()?,
            account_id: fields.next()?,
            resource: fields.next()?,
        };
        (!arn.partition.is_empty() && !arn.service.is_empty() && !arn.resource.is_empty()).then_some(arn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_keeps_its_colons_and_slashes() {
        let arn = Arn::parse("arn:aws:logs:eu-west-1:111122223333:log-group:/a:b").unwrap();
        assert_eq!(arn.resource, "log-group:/a:b");
        assert_eq!(arn.account_id, "111122223333");
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        for text in ["", "*", "arn:aws:iam::1", "arn::iam::111122223333:root", "urn:a:b:c:d:e"] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }
}
