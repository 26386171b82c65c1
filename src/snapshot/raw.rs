//! The JSON of one file as AWS printed it: what stands at a JSON pointer, byte for byte, and what the place is called.
//!
//! A pointer counts positions, and an item of a list may stand at another position in the next snapshot. The *path* of a place names
//! each item by what AWS calls it instead (an ARN, an id, the name of a policy), so that the same datum has the same path in every
//! snapshot.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::unescape;

/// The lists of a snapshot, each with the member by which AWS tells its items apart.
const NAMES: &[(&str, Name)] = &[
    ("AccessKeyMetadata", |it| it.access_key_id.as_deref()),
    ("Accounts", |it| it.id.as_deref()),
    ("Aliases", |it| it.alias_name.as_deref()),
    ("AttachedManagedPolicies", |it| it.policy_arn.as_deref()),
    ("CustomKeyStores", |it| it.custom_key_store_id.as_deref()),
    ("DelegatedAdministrators", |it| it.id.as_deref()),
    ("Grants", |it| it.grant_id.as_deref()),
    ("GroupDetailList", |it| it.arn.as_deref()),
    ("GroupPolicyList", |it| it.policy_name.as_deref()),
    ("Keys", |it| it.key_arn.as_deref()),
    ("MFADevices", |it| it.serial_number.as_deref()),
    ("OpenIDConnectProviderList", |it| it.arn.as_deref()),
    ("Policies", |it| it.arn.as_deref()),
    // The version in force is the same datum whatever its number.
    (
        "PolicyVersionList",
        |it| if it.is_default_version == Some(true) { Some("default") } else { it.version_id.as_deref() },
    ),
    ("RoleDetailList", |it| it.arn.as_deref()),
    ("RolePolicyList", |it| it.policy_name.as_deref()),
    ("SAMLProviderList", |it| it.arn.as_deref()),
    ("ServerCertificateMetadataList", |it| it.arn.as_deref()),
    ("ServiceSpecificCredentials", |it| it.service_specific_credential_id.as_deref()),
    ("UserDetailList", |it| it.arn.as_deref()),
    ("UserPolicyList", |it| it.policy_name.as_deref()),
    ("VirtualMFADevices", |it| it.serial_number.as_deref()),
    ("calls", |it| it.api.as_deref()),
];

/// Whether a member is a list whose items have names.
pub fn is_list_of_named(member: &str) -> bool {
    NAMES.iter().any(|(list, _)| *list == member)
}

/// The member of an item that names it.
type Name = for<'a> fn(&'a Item<'_>) -> Option<&'a str>;

/// The members that name an item of some list, and those that tell calls of one API apart.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Item<'a> {
    #[serde(borrow)]
    access_key_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    alias_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    custom_key_store_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    grant_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    is_default_version: Option<bool>,
    #[serde(borrow)]
    key_arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    policy_arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    policy_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    serial_number: Option<Cow<'a, str>>,
    #[serde(borrow)]
    service_specific_credential_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    version_id: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "api")]
    api: Option<Cow<'a, str>>,
    #[serde(rename = "resource")]
    resource: Vec<String>,
    #[serde(rename = "page")]
    page: Option<u64>,
}

/// A file whose places are looked up, level by level: no part of it is read more than once a level.
#[derive(Debug)]
pub struct RawFile<'a> {
    header: Header<'a>,
    root: Node<'a>,
}

/// Whom the file is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Header<'a> {
    account_id: &'a str,
    region: Option<&'a str>,
}

/// What stands at a place.
#[derive(Debug, Clone, Default)]
pub struct Place<'a> {
    /// The JSON there as it is in the file; absent where the answer has no such member.
    pub json: Option<&'a RawValue>,
    /// The pointer's tokens, with names instead of positions.
    pub path: Vec<String>,
}

/// A value of the file, and what is in it once somebody asked.
#[derive(Debug)]
struct Node<'a> {
    json: &'a RawValue,
    inside: Option<Inside<'a>>,
}

/// What is in a value.
#[derive(Debug)]
enum Inside<'a> {
    Object(BTreeMap<Cow<'a, str>, Node<'a>>),
    /// Each item with its name.
    List(Vec<(String, Node<'a>)>),
    /// A text, a number, or what is no JSON.
    Nothing,
}

impl<'a> RawFile<'a> {
    /// The file with this JSON.
    ///
    /// # Errors
    /// When it is no JSON, or has not the header of a file of a snapshot.
    pub fn new(json: &'a [u8]) -> serde_json::Result<Self> {
        Ok(Self { header: serde_json::from_slice(json)?, root: Node::new(serde_json::from_slice(json)?) })
    }

    /// The account and, in a file of one, the Region that were asked, as the header says.
    pub fn asked(&self) -> (&'a str, Option<&'a str>) {
        (self.header.account_id, self.header.region)
    }

    /// What stands at a JSON pointer (RFC 6901).
    pub fn at(&mut self, pointer: &str) -> Place<'a> {
        let mut place = Place::default();
        let (mut node, mut parent) = (Some(&mut self.root), Cow::default());
        for token in pointer.split('/').skip(1) {
            let token = unescape(token);
            let (name, next) = match node {
                None => (None, None),
                Some(node) => node.child(&token, &parent),
            };
            place.path.push(name.unwrap_or_else(|| token.to_string()));
            (node, parent) = (next, token);
        }
        place.json = node.map(|node| node.json);
        place
    }
}

impl<'a> Node<'a> {
    fn new(json: &'a RawValue) -> Self {
        Self { json, inside: None }
    }

    /// The member or item of a token, and the name of an item. `member` is the token of this value itself.
    fn child(&mut self, token: &str, member: &str) -> (Option<String>, Option<&mut Self>) {
        let json = self.json;
        match self.inside.get_or_insert_with(|| Inside::read(json, member)) {
            Inside::Nothing => (None, None),
            Inside::Object(members) => (None, members.get_mut(token)),
            Inside::List(items) => match token.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                None => (None, None),
                Some((name, node)) => (Some(name.clone()), Some(node)),
            },
        }
    }
}

impl<'a> Inside<'a> {
    fn read(json: &'a RawValue, member: &str) -> Self {
        let json = json.get();
        if json.starts_with('[') {
            return serde_json::from_str::<Vec<&RawValue>>(json)
                .map_or(Self::Nothing, |items| Self::List(named(&items, member)));
        }
        match serde_json::from_str::<BTreeMap<Cow<'a, str>, &RawValue>>(json) {
            Ok(members) => Self::Object(members.into_iter().map(|(name, raw)| (name, Node::new(raw))).collect()),
            Err(_) => Self::Nothing,
        }
    }
}

/// The items of a list with their names. An item without one is known by its content; of items with the same name the first keeps
/// it and the others are counted.
fn named<'a>(items: &[&'a RawValue], list: &str) -> Vec<(String, Node<'a>)> {
    let name = NAMES.iter().find(|(known, _)| *known == list).map(|(_, name)| *name);
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = Vec::with_capacity(items.len());
    for raw in items {
        let json = raw.get();
        let named = name.and_then(|name| item_name(json, name));
        let mut name = named.unwrap_or_else(|| format!("sha256:{}", crate::digest::sha256(json.as_bytes())));
        let before = taken.entry(name.clone()).or_default();
        *before += 1;
        if *before > 1 {
            name = format!("{name}#{before}");
        }
        all.push((name, Node::new(raw)));
    }
    all
}

fn item_name(json: &str, name: Name) -> Option<String> {
    let item: Item<'_> = serde_json::from_str(json).ok()?;
    let found = name(&item).filter(|name| !name.is_empty())?;
    // A call is told from others of its API by what it was about, and by its page.
    let about = item.resource.iter().map(|part| format!("/{part}"));
    let page = item.page.map(|page| format!("?page={page}"));
    Some(std::iter::once(found.to_owned()).chain(about).chain(page).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{
        "GetAccountAuthorizationDetails": {"Policies": [
            {"Arn": "arn:one", "PolicyVersionList": [{"VersionId": "v1"}, {"VersionId": "v2", "IsDefaultVersion": true, "Document": "%7B%7D"}]},
            {"Arn": "arn:two"}, {"Arn": "arn:two"}, {"no": "name"}]},
        "ListMFADevices": {"a/b": {"MFADevices": [{"SerialNumber": "s"}]}},
        "calls": [{"api": "kms:ListGrants", "resource": ["k"], "page": 2}]}"#;

    fn path(pointer: &str) -> Vec<String> {
        RawFile::new(JSON.as_bytes()).unwrap().at(pointer).path
    }

    #[test]
    fn a_place_has_its_json_byte_for_byte_and_a_path_of_names() {
        let mut file = RawFile::new(JSON.as_bytes()).unwrap();
        let place = file.at("/GetAccountAuthorizationDetails/Policies/0/PolicyVersionList/1/Document");
        assert_eq!(place.json.map(RawValue::get), Some("\"%7B%7D\""));
        let names =
            ["GetAccountAuthorizationDetails", "Policies", "arn:one", "PolicyVersionList", "default", "Document"];
        assert_eq!(place.path, names);
        assert_eq!(file.at("/ListMFADevices/a~1b/MFADevices/0").path, ["ListMFADevices", "a/b", "MFADevices", "s"]);
        assert_eq!(file.at("/calls/0").path, ["calls", "kms:ListGrants/k?page=2"]);
        assert_eq!(file.at("").json.map(RawValue::get), Some(JSON));
    }

    #[test]
    fn no_two_items_of_a_list_have_one_name() {
        let at = |index: usize| path(&format!("/GetAccountAuthorizationDetails/Policies/{index}")).remove(2);
        assert_eq!((at(1), at(2)), ("arn:two".to_owned(), "arn:two#2".to_owned()));
        assert!(at(3).starts_with("sha256:"), "{}", at(3));
    }

    #[test]
    fn what_is_not_there_has_a_path_and_no_json() {
        let mut file = RawFile::new(JSON.as_bytes()).unwrap();
        let place = file.at("/GetAccountAuthorizationDetails/Policies/1/Tags");
        assert_eq!((place.json.map(RawValue::get), place.path.last().map(String::as_str)), (None, Some("Tags")));
        assert!(file.at("/GetAccountAuthorizationDetails/Policies/9/Tags").json.is_none());
        for bad in [&b""[..], b"\xff", b"7", b"{"] {
            assert!(RawFile::new(bad).is_err(), "{bad:?}");
        }
    }
}
