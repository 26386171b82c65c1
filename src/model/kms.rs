//! Keys of one account in one Region.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Document, Fact, Listing, Source, Tags};

/// What KMS says of one Region of an account.
#[derive(Debug, Clone)]
pub struct Kms {
    /// Keys.
    pub keys: Listing<Key>,
    /// Aliases.
    pub aliases: Listing<Alias>,
    /// Custom key stores.
    pub custom_key_stores: Listing<CustomKeyStore>,
}

impl Kms {
    /// The names of the aliases of a key, as far as they are known.
    pub fn aliases_of<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = &'a str> {
        let of_key = |alias: &&Alias| alias.target_key_id.as_ref() == Some(&key.id);
        self.aliases.known().iter().filter(of_key).map(|alias| alias.name.as_str())
    }
}

/// A KMS key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Key id: a UUID, or `mrk-…`.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Region.
    pub region: String,
    /// `DescribeKey`.
    pub metadata: Fact<KeyMetadata>,
    /// Every key policy.
    pub policies: Listing<KeyPolicy>,
    /// Rotation; `None` for keys that KMS cannot rotate by itself and that were therefore not asked.
    pub rotation: Fact<RotationStatus>,
    /// Rotations that took place, of symmetric keys whose material KMS made or the customer imported.
    pub rotations: Listing<Rotation>,
    /// Grants.
    pub grants: Listing<Grant>,
    /// Tags.
    pub tags: Fact<Tags>,
    /// When it was last used.
    pub last_usage: Fact<LastUsage>,
    /// Where it was listed.
    pub source: Source,
}

/// Who manages a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyManager {
    /// The customer.
    Customer,
    /// An AWS service, on the customer's behalf.
    Aws,
}

/// `DescribeKey`.
#[derive(Debug, Clone)]
pub struct KeyMetadata {
    /// Who manages the key.
    pub key_manager: KeyManager,
    /// `SYMMETRIC_DEFAULT`, `RSA_2048`, `HMAC_256`, …
    pub key_spec: String,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, `GENERATE_VERIFY_MAC`, `KEY_AGREEMENT`.
    pub key_usage: String,
    /// `Enabled`, `Disabled`, `PendingDeletion`, `PendingReplicaDeletion`, `PendingImport`, …
    pub key_state: String,
    /// `AWS_KMS`, `EXTERNAL`, `AWS_CLOUDHSM`, `EXTERNAL_KEY_STORE`.
    pub origin: String,
    /// Free text of the customer.
    pub description: String,
    /// When it was created.
    pub creation_date: Option<Timestamp>,
    /// When it will be deleted, if that is scheduled.
    pub deletion_date: Option<Timestamp>,
    /// `KEY_MATERIAL_EXPIRES` or `KEY_MATERIAL_DOES_NOT_EXPIRE`, of imported material that is there.
    pub expiration_model: Option<String>,
    /// When the first of its imported materials expires, if one does.
    pub valid_to: Option<Timestamp>,
    /// Id of the custom key store that holds its material, if one does.
    pub custom_key_store_id: Option<String>,
    /// Multi-Region configuration, for multi-Region keys.
    pub multi_region: Option<MultiRegion>,
    /// Where it was read.
    pub source: Source,
}

/// A multi-Region key's place in its family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultiRegion {
    /// Whether this key is a replica.
    pub is_replica: bool,
    /// ARN of the primary key.
    pub primary_arn: String,
    /// ARNs of the replicas.
    pub replica_arns: Vec<String>,
}

/// A key policy.
#[derive(Debug, Clone)]
pub struct KeyPolicy {
    /// `default`, or the name of a policy that AWS RAM manages.
    pub name: String,
    /// Its document.
    pub document: Document,
    /// SHA-256 of its text as AWS gave it.
    pub sha256: Fact<String>,
    /// Where it was read.
    pub source: Source,
}

/// `GetKeyRotationStatus`.
#[derive(Debug, Clone)]
pub struct RotationStatus {
    /// Whether KMS rotates the key by itself.
    pub enabled: bool,
    /// Period in days, where KMS says so.
    pub period_in_days: Option<i64>,
    /// When KMS will rotate it next, where KMS says so.
    pub next: Option<Timestamp>,
    /// Where it was read.
    pub source: Source,
}

/// A rotation that took place (`ListKeyRotations`).
#[derive(Debug, Clone)]
pub struct Rotation {
    /// When.
    pub date: Option<Timestamp>,
    /// Where it was read.
    pub source: Source,
}

/// `GetKeyLastUsage`: the last cryptographic operation with a key.
#[derive(Debug, Clone)]
pub struct LastUsage {
    /// When the key was last used, if it was since AWS keeps track.
    pub last: Option<Timestamp>,
    /// The operation: `Decrypt`, …
    pub operation: Option<String>,
    /// Since when AWS keeps track of the use of this key.
    pub tracking_start: Option<Timestamp>,
    /// Where it was read.
    pub source: Source,
}

/// A custom key store: a CloudHSM cluster, or a key manager outside AWS.
#[derive(Debug, Clone)]
pub struct CustomKeyStore {
    /// `cks-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `CONNECTED`, `CONNECTING`, `FAILED`, `DISCONNECTED`, `DISCONNECTING`.
    pub connection_state: Option<String>,
    /// Why the connection failed, if it did.
    pub connection_error_code: Option<String>,
    /// Where it was read.
    pub source: Source,
}

/// A grant.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Id of the grant.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// ARN of the grantee; AWS may print a service principal here.
    pub grantee_principal: Option<String>,
    /// Service principal of the grantee.
    pub grantee_service_principal: Option<String>,
    /// Who may retire it.
    pub retiring_principal: Option<String>,
    /// Service principal that may retire it.
    pub retiring_service_principal: Option<String>,
    /// When it was made.
    pub creation_date: Option<Timestamp>,
    /// Account that made it.
    pub issuing_account: Option<String>,
    /// What it allows: `Decrypt`, `GenerateDataKey`, …
    pub operations: Vec<String>,
    /// What it demands.
    pub constraints: GrantConstraints,
    /// Where it was read.
    pub source: Source,
}

/// What a grant demands of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantConstraints {
    /// The encryption context holds at least these pairs.
    pub encryption_context_subset: Option<BTreeMap<String, String>>,
    /// The encryption context is exactly these pairs.
    pub encryption_context_equals: Option<BTreeMap<String, String>>,
    /// `aws:SourceArn` of the request.
    pub source_arn: Option<String>,
}

/// An alias.
#[derive(Debug, Clone)]
pub struct Alias {
    /// `alias/…`.
    pub name: String,
    /// Id of the key that it names, if any.
    pub target_key_id: Option<String>,
}
