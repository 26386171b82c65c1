//! `kms_grants.csv`: the grants of KMS keys.

use std::collections::BTreeMap;

use super::sheet::{Column, Sheet, dated, evidence};
use crate::model::{Account, Grant, Key};
use crate::report::table::SEPARATOR;

/// The table.
pub(super) struct KmsGrants;

/// A grant.
pub(super) struct Row<'a> {
    pub(super) account: &'a Account,
    pub(super) key: &'a Key,
    pub(super) grant: &'a Grant,
}

impl Sheet for KmsGrants {
    type Row<'a> = Row<'a>;
    const NAME: &'static str = "kms_grants.csv";
    const CONTENT: &'static str = "Every grant of every KMS key of the accounts that were read.";
    const COLUMNS: &'static [Column<Self>] = &[
        ("region", "Region of the key", |it| it.key.region.clone()),
        ("key_arn", "ARN of the key", |it| it.key.arn.clone()),
        ("grant_id", "Id of the grant", |it| it.grant.id.clone()),
        ("grant_name", "Its name, if it has one", |it| it.grant.name.clone().unwrap_or_default()),
        ("grantee_principal", "Who may use the key by it: ARN, or service as AWS prints it", |it| {
            it.grant.grantee_principal.clone().unwrap_or_default()
        }),
        ("grantee_service_principal", "The AWS service that may, where AWS names one apart", |it| {
            it.grant.grantee_service_principal.clone().unwrap_or_default()
        }),
        ("retiring_principal", "Who may retire it", |it| it.grant.retiring_principal.clone().unwrap_or_default()),
        ("retiring_service_principal", "The AWS service that may retire it, where AWS names one apart", |it| {
            it.grant.retiring_service_principal.clone().unwrap_or_default()
        }),
        ("operations", "What it allows", |it| it.grant.operations.join(SEPARATOR)),
        ("encryption_context_subset", "Pairs key=value that the encryption context must hold", |it| {
            pairs(it.grant.constraints.encryption_context_subset.as_ref())
        }),
        ("encryption_context_equals", "Pairs key=value that the encryption context must be", |it| {
            pairs(it.grant.constraints.encryption_context_equals.as_ref())
        }),
        ("source_arn", "What aws:SourceArn of the request must be", |it| {
            it.grant.constraints.source_arn.clone().unwrap_or_default()
        }),
        ("issuing_account", "Account that made it", |it| it.grant.issuing_account.clone().unwrap_or_default()),
        ("created_at", "When it was made", |it| dated(it.grant.creation_date, &it.grant.source, "CreationDate")),
        ("evidence_file", "File inside the snapshot where it was read", |it| {
            evidence(it.account, &it.grant.source).file.to_string()
        }),
        ("evidence_pointer", "JSON pointer (RFC 6901) into the decompressed file", |it| {
            it.grant.source.pointer.to_string()
        }),
        ("request_id", "AWS's request id of the answer", |it| {
            evidence(it.account, &it.grant.source).request_id.unwrap_or_default()
        }),
    ];
}

fn pairs(context: Option<&BTreeMap<String, String>>) -> String {
    let pairs = context.into_iter().flatten().map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(SEPARATOR)
}
