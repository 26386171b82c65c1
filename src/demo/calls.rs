//! A snapshot file in the making, with the calls that would have brought it: times, request ids, pages.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::ids::{Chance, uuid};
use crate::snapshot::{Call, Error, Outcome, SnapshotFile};

/// Records answers and refusals into one snapshot file, as if AWS had just given them.
#[derive(Debug)]
pub(super) struct Recording {
    file: SnapshotFile,
    clock: Timestamp,
    pace: Chance,
}

/// A list member of an answer, and how many items it has.
pub(super) type List<'a> = (&'a str, usize);

impl Recording {
    /// Begins a file; the first call is answered shortly after `start`.
    pub(super) fn new(account_id: &str, region: Option<&str>, start: Timestamp) -> Self {
        let pace = Chance::of(&[account_id, region.unwrap_or_default(), &start.to_string()]);
        let mut file = SnapshotFile::new(account_id, region);
        file.note_clock(Some(0));
        Self { file, clock: start, pace }
    }

    /// Records a call that ended well and puts its answer in place.
    pub(super) fn answer(&mut self, api: &str, resource: &[&str], response: &impl Serialize) -> Result<(), Error> {
        self.file.put(operation(api), resource, response)?;
        self.record(api, resource, 1, Outcome::Collected, BTreeMap::new());
        Ok(())
    }

    /// Records a list, in as many pages of `page_size` items as it needs, and puts the merged answer in place. Several lists of
    /// one answer are paged one after the other, as GetAccountAuthorizationDetails does it.
    pub(super) fn list(
        &mut self,
        api: &str,
        resource: &[&str],
        response: &impl Serialize,
        lists: &[List<'_>],
        page_size: usize,
    ) -> Result<(), Error> {
        self.file.put(operation(api), resource, response)?;
        let total: usize = lists.iter().map(|(_, length)| length).sum();
        let page_size = page_size.max(1);
        for page in 0..total.div_ceil(page_size).max(1) {
            let (from, to) = (page * page_size, ((page + 1) * page_size).min(total));
            let mut items = BTreeMap::new();
            let mut offset = 0;
            for (name, length) in lists {
                let clip = |place: usize| place.clamp(offset, offset + length) - offset;
                items.insert((*name).to_owned(), (clip(from), clip(to)));
                offset += length;
            }
            let outcome = if total == 0 { Outcome::Empty } else { Outcome::Collected };
            self.record(api, resource, u32::try_from(page + 1).unwrap_or(u32::MAX), outcome, items);
        }
        Ok(())
    }

    /// Notes that the operation is asked for each resource, even if there is none.
    pub(super) fn for_each_resource(&mut self, api: &str) {
        self.file.begin_resources(operation(api));
    }

    /// Records a call without an answer to keep, such as GenerateCredentialReport.
    pub(super) fn acknowledged(&mut self, api: &str, parameters: &[(&str, &str)]) {
        let mut call = self.call(api, &[], 1, Outcome::Collected);
        call.parameters = texts(parameters);
        self.file.record(call);
    }

    /// Records an error by which AWS says that the question does not arise.
    pub(super) fn skipped(&mut self, api: &str, resource: &[&str], code: &str, message: &str) {
        self.refused(api, resource, Outcome::Skipped, code, message);
    }

    /// Records an error by which AWS says that there is nothing, such as `NoSuchEntity`.
    pub(super) fn nothing(&mut self, api: &str, resource: &[&str], code: &str, message: &str) {
        self.refused(api, resource, Outcome::Empty, code, message);
    }

    /// Records that AWS refused for lack of permission.
    pub(super) fn denied(&mut self, api: &str, resource: &[&str], code: &str, message: &str) {
        self.refused(api, resource, Outcome::Denied, code, message);
    }

    /// Records that AWS refused a call with parameters.
    pub(super) fn denied_with(&mut self, api: &str, parameters: &[(&str, &str)], code: &str, message: &str) {
        let mut call = self.call(api, &[], 1, Outcome::Denied);
        call.parameters = texts(parameters);
        call.code = Some(code.to_owned());
        call.message = Some(message.to_owned());
        self.file.record(call);
    }

    /// The finished file.
    pub(super) fn finish(self) -> SnapshotFile {
        self.file
    }

    fn refused(&mut self, api: &str, resource: &[&str], outcome: Outcome, code: &str, message: &str) {
        let mut call = self.call(api, resource, 1, outcome);
        call.code = Some(code.to_owned());
        call.message = Some(message.to_owned());
        self.file.record(call);
    }

    fn record(
        &mut self,
        api: &str,
        resource: &[&str],
        page: u32,
        outcome: Outcome,
        items: BTreeMap<String, (usize, usize)>,
    ) {
        let mut call = self.call(api, resource, page, outcome);
        call.items = items;
        self.file.record(call);
    }

    fn call(&mut self, api: &str, resource: &[&str], page: u32, outcome: Outcome) -> Call {
        let milliseconds = 18 + i64::try_from(self.pace.below(90)).unwrap_or(0);
        self.clock = self.clock.saturating_add(SignedDuration::from_millis(milliseconds)).unwrap_or(self.clock);
        let time = self.clock.to_string();
        let mut names = vec![self.file.account_id(), api, &time];
        names.extend_from_slice(resource);
        Call {
            api: api.to_owned(),
            resource: resource.iter().map(|part| (*part).to_owned()).collect(),
            parameters: page_parameters(api),
            page,
            time: self.clock,
            request_id: Some(uuid(&names)),
            outcome,
            code: None,
            message: None,
            items: BTreeMap::new(),
        }
    }
}

fn texts(parameters: &[(&str, &str)]) -> BTreeMap<String, String> {
    parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The parameter by which the collector asks for the longest pages of a list.
fn page_parameters(api: &str) -> BTreeMap<String, String> {
    let (name, value) = match api {
        "iam:GetAccountAuthorizationDetails" | "iam:ListVirtualMFADevices" | "iam:ListServerCertificates" => {
            ("MaxItems", "1000")
        }
        "account:ListRegions" => ("MaxResults", "50"),
        "kms:ListResourceTags" => ("Limit", "50"),
        "kms:ListKeys" | "kms:ListAliases" | "kms:ListKeyPolicies" | "kms:ListKeyRotations" | "kms:ListGrants" => {
            ("Limit", "100")
        }
        _ => return BTreeMap::new(),
    };
    texts(&[(name, value)])
}

/// `ListKeys` of `kms:ListKeys`.
fn operation(api: &str) -> &str {
    api.split_once(':').map_or(api, |(_, operation)| operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_one_answer_are_paged_one_after_the_other() {
        let mut recording = Recording::new("111122223333", None, Timestamp::UNIX_EPOCH);
        recording.list("iam:Things", &[], &1, &[("A", 3), ("B", 0), ("C", 2)], 2).unwrap();
        let file = recording.finish();
        let pages: Vec<_> =
            file.calls().iter().map(|call| call.items.clone().into_iter().collect::<Vec<_>>()).collect();
        let named = |items: &[(&str, (usize, usize))]| -> Vec<(String, (usize, usize))> {
            items.iter().map(|(name, range)| ((*name).to_owned(), *range)).collect()
        };
        assert_eq!(
            pages,
            [
                named(&[("A", (0, 2)), ("B", (0, 0)), ("C", (0, 0))]),
                named(&[("A", (2, 3)), ("B", (0, 0)), ("C", (0, 1))]),
                named(&[("A", (3, 3)), ("B", (0, 0)), ("C", (1, 2))]),
            ]
        );
        assert_eq!(file.calls().iter().map(|call| call.page).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn an_empty_list_is_one_call_that_brought_nothing() {
        let mut recording = Recording::new("111122223333", None, Timestamp::UNIX_EPOCH);
        recording.list("kms:ListGrants", &["k"], &1, &[("Grants", 0)], 50).unwrap();
        let file = recording.finish();
        assert_eq!(file.calls().len(), 1);
        assert!(file.calls().iter().all(|call| call.outcome == Outcome::Empty));
    }
}
