//! What an answer must look like to be believed: its type in the snapshot, its names, and ARNs of one account.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Error;
use super::operations::Operation;
use crate::model::Arn;
use crate::snapshot::v1;

/// What is known of an operation's answer.
struct Shape {
    /// Parses the answer as the reader will.
    parse: fn(&str) -> serde_json::Result<()>,
    /// The members without which an item cannot be told from others.
    required: &'static [&'static [&'static str]],
    /// The members that name, by ARN or by id, the account that was asked.
    owners: &'static [&'static [&'static str]],
}

fn parse<T: DeserializeOwned>(json: &str) -> serde_json::Result<()> {
    serde_json::from_str::<T>(json).map(drop)
}

/// The shape of an operation's answer; none for an operation that cannot be imported.
fn shape(operation: &str) -> Option<Shape> {
    let plain = |parse| Shape { parse, required: &[], owners: &[] };
    Some(match operation {
        "GetAccountAuthorizationDetails" => Shape {
            required: &[&["UserDetailList", "UserName"], &["RoleDetailList", "RoleName"]],
            owners: &[
                &["UserDetailList", "Arn"],
                &["GroupDetailList", "Arn"],
                &["RoleDetailList", "Arn"],
                &["Policies", "Arn"],
            ],
            ..plain(parse::<v1::AuthorizationDetails>)
        },
        "GetAccountSummary" => plain(parse::<v1::AccountSummary>),
        "GetAccountPasswordPolicy" => plain(parse::<v1::AccountPasswordPolicy>),
        "GetCredentialReport" => plain(parse::<v1::CredentialReport>),
        "ListVirtualMFADevices" => {
            Shape { owners: &[&["VirtualMFADevices", "SerialNumber"]], ..plain(parse::<v1::VirtualMfaDevices>) }
        }
        "ListMFADevices" => Shape { owners: &[&["MFADevices", "SerialNumber"]], ..plain(parse::<v1::MfaDevices>) },
        "ListAccessKeys" => {
            Shape { required: &[&["AccessKeyMetadata", "AccessKeyId"]], ..plain(parse::<v1::AccessKeys>) }
        }
        "ListServerCertificates" => {
            Shape { owners: &[&["ServerCertificateMetadataList", "Arn"]], ..plain(parse::<v1::ServerCertificates>) }
        }
        "ListServiceSpecificCredentials" => Shape {
            required: &[&["ServiceSpecificCredentials", "ServiceSpecificCredentialId"]],
            ..plain(parse::<v1::ServiceSpecificCredentials>)
        },
        "ListSAMLProviders" => Shape {
            required: &[&["SAMLProviderList", "Arn"]],
            owners: &[&["SAMLProviderList", "Arn"]],
            ..plain(parse::<v1::SamlProviders>)
        },
        "ListOpenIDConnectProviders" => Shape {
            required: &[&["OpenIDConnectProviderList", "Arn"]],
            owners: &[&["OpenIDConnectProviderList", "Arn"]],
            ..plain(parse::<v1::OpenIdConnectProviders>)
        },
        "ListOrganizationsFeatures" => plain(parse::<v1::OrganizationsFeatures>),
        "GetAlternateContact" => {
            Shape { required: &[&["AlternateContact", "AlternateContactType"]], ..plain(parse::<v1::AlternateContact>) }
        }
        "ListRegions" => Shape {
            required: &[&["Regions", "RegionName"], &["Regions", "RegionOptStatus"]],
            ..plain(parse::<v1::EnabledRegions>)
        },
        "DescribeOrganization" => {
            Shape { required: &[&["Organization", "Id"]], ..plain(parse::<v1::DescribedOrganization>) }
        }
        "ListRoots" => Shape { required: &[&["Roots", "Id"]], ..plain(parse::<v1::Roots>) },
        "ListAccounts" => Shape { required: &[&["Accounts", "Id"]], ..plain(parse::<v1::OrganizationAccounts>) },
        "ListDelegatedAdministrators" => {
            Shape { required: &[&["DelegatedAdministrators", "Id"]], ..plain(parse::<v1::DelegatedAdministrators>) }
        }
        "DescribeResourcePolicy" => {
            Shape { required: &[&["ResourcePolicy", "Content"]], ..plain(parse::<v1::DescribedResourcePolicy>) }
        }
        other => return kms_shape(other),
    })
}

fn kms_shape(operation: &str) -> Option<Shape> {
    let plain = |parse| Shape { parse, required: &[], owners: &[] };
    Some(match operation {
        "ListKeys" => Shape {
            required: &[&["Keys", "KeyId"], &["Keys", "KeyArn"]],
            owners: &[&["Keys", "KeyArn"]],
            ..plain(parse::<v1::Keys>)
        },
        "ListAliases" => Shape {
            required: &[&["Aliases", "AliasName"]],
            owners: &[&["Aliases", "AliasArn"]],
            ..plain(parse::<v1::Aliases>)
        },
        "DescribeKey" => Shape {
            required: &[&["KeyMetadata", "KeyId"], &["KeyMetadata", "Arn"]],
            owners: &[&["KeyMetadata", "Arn"], &["KeyMetadata", "AWSAccountId"]],
            ..plain(parse::<v1::DescribedKey>)
        },
        "ListKeyPolicies" => plain(parse::<v1::KeyPolicyNames>),
        "GetKeyPolicy" => Shape { required: &[&["Policy"]], ..plain(parse::<v1::KeyPolicy>) },
        "GetKeyRotationStatus" => Shape { owners: &[&["KeyId"]], ..plain(parse::<v1::KeyRotationStatus>) },
        "ListKeyRotations" => Shape { owners: &[&["Rotations", "KeyId"]], ..plain(parse::<v1::Rotations>) },
        "ListGrants" => {
            Shape { required: &[&["Grants", "GrantId"]], owners: &[&["Grants", "KeyId"]], ..plain(parse::<v1::Grants>) }
        }
        "GetKeyLastUsage" => Shape { owners: &[&["KeyId"]], ..plain(parse::<v1::KeyLastUsage>) },
        "DescribeCustomKeyStores" => {
            Shape { required: &[&["CustomKeyStores", "CustomKeyStoreId"]], ..plain(parse::<v1::CustomKeyStores>) }
        }
        "ListResourceTags" => Shape { required: &[&["Tags", "TagKey"]], ..plain(parse::<v1::ResourceTags>) },
        _ => return None,
    })
}

/// A string of an answer, and where it stands.
pub(super) struct Named<'v> {
    /// `Keys[3].KeyArn`.
    pub(super) place: String,
    pub(super) text: &'v str,
}

/// Refuses an answer that the reader could not read, that lacks the names of what it lists, or that is of another account.
/// Gives the Region that its ARNs name, if they do.
pub(super) fn check(
    path: &Path,
    operation: &Operation,
    json: &str,
    value: &Value,
    account_id: &str,
) -> Result<Option<String>, Error> {
    let fail = |reason: String| Error::Shape { path: path.to_path_buf(), operation: operation.name, reason };
    let shape = shape(operation.name).ok_or_else(|| fail("its shape is not known".to_owned()))?;
    (shape.parse)(json).map_err(|failed| fail(failed.to_string()))?;
    for member in operation.members.iter().chain(operation.lists) {
        if value.get(*member).is_some_and(Value::is_null) {
            return Err(fail(format!("`{member}` is null")));
        }
    }
    for members in shape.required {
        let mut found = Vec::new();
        walk(value, members, String::new(), &mut found);
        if let Some((place, _)) =
            found.iter().find(|(_, value)| value.and_then(Value::as_str).is_none_or(str::is_empty))
        {
            return Err(fail(format!("`{place}` is missing or no text")));
        }
    }
    check_ids(operation.name, value, &fail)?;
    let owners: Vec<Named<'_>> = shape.owners.iter().flat_map(|members| strings(value, members)).collect();
    check_owners(path, &owners, account_id)?;
    let regions = owners.iter().filter_map(|named| Some((named, Arn::parse(named.text)?)));
    one(
        path,
        "Region",
        regions
            .filter(|(_, arn)| arn.service == "kms")
            .map(|(named, arn)| Named { place: named.place.clone(), text: arn.region }),
    )
}

/// The value that all of these name, or nothing when there are none.
pub(super) fn one<'v>(
    path: &Path,
    what: &'static str,
    mut found: impl Iterator<Item = Named<'v>>,
) -> Result<Option<String>, Error> {
    let Some(first) = found.next() else { return Ok(None) };
    match found.find(|other| other.text != first.text) {
        None => Ok(Some(first.text.to_owned())),
        Some(other) => Err(Error::Mixed {
            path: path.to_path_buf(),
            what,
            first: first.text.escape_debug().to_string(),
            second: other.text.escape_debug().to_string(),
            place: other.place,
        }),
    }
}

/// The strings at a member of the answer, or of each item of the lists on the way.
pub(super) fn strings<'v>(value: &'v Value, members: &[&str]) -> Vec<Named<'v>> {
    let mut found = Vec::new();
    if !members.is_empty() {
        walk(value, members, String::new(), &mut found);
    }
    found.into_iter().filter_map(|(place, value)| Some(Named { place, text: value?.as_str()? })).collect()
}

fn walk<'v>(value: &'v Value, members: &[&str], place: String, found: &mut Vec<(String, Option<&'v Value>)>) {
    match (value, members) {
        (Value::Array(items), _) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, members, format!("{place}[{index}]"), found);
            }
        }
        (_, []) => found.push((place, Some(value))),
        (_, [member, rest @ ..]) => {
            let place = if place.is_empty() { (*member).to_owned() } else { format!("{place}.{member}") };
            match value.get(*member) {
                Some(value) => walk(value, rest, place, found),
                None => found.push((place, None)),
            }
        }
    }
}

/// Whether a text is the id of an account.
pub(super) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text can be the name of a Region. It becomes the name of a file.
pub(super) fn is_region(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Refuses account ids and Regions that are none.
fn check_ids(operation: &str, value: &Value, fail: &impl Fn(String) -> Error) -> Result<(), Error> {
    let (members, is_right, what): (_, fn(&str) -> bool, _) = match operation {
        "ListAccounts" => (["Accounts", "Id"], is_account_id, "an account id of 12 digits"),
        "ListRegions" => (["Regions", "RegionName"], is_region, "the name of a Region"),
        _ => return Ok(()),
    };
    match strings(value, &members).iter().find(|named| !is_right(named.text)) {
        None => Ok(()),
        Some(Named { place, text }) => Err(fail(format!("`{}` at `{place}` is not {what}", text.escape_debug()))),
    }
}

/// Refuses an answer whose own ARNs and ids name another account.
fn check_owners(path: &Path, owners: &[Named<'_>], expected: &str) -> Result<(), Error> {
    for Named { place, text } in owners {
        let found = match Arn::parse(text) {
            Some(arn) => arn.account_id,
            None if is_account_id(text) => text,
            // A key or a hardware device that is named by its id.
            None => continue,
        };
        // AWS managed policies are listed with the account's own.
        if found != expected && !(found == "aws" && place.starts_with("Policies[")) {
            return Err(Error::OtherAccount {
                path: path.to_path_buf(),
                found: found.escape_debug().to_string(),
                place: place.clone(),
                expected: expected.to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::operations::OPERATIONS;
    use super::*;

    #[test]
    fn every_operation_that_can_be_imported_has_a_shape() {
        for operation in OPERATIONS {
            assert!(shape(operation.name).is_some(), "{}", operation.name);
        }
    }

    #[test]
    fn what_cannot_be_a_region_is_refused() {
        for text in ["eu-central-1", "us-isob-east-1"] {
            assert!(is_region(text), "{text}");
        }
        for text in ["", "..", "../x", "eu/west", "EU-WEST-1", "eu west", "a\\b", "a.b"] {
            assert!(!is_region(text), "{text}");
        }
    }
}
