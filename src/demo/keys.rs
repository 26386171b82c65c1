//! The words in which the demo describes KMS keys and grants.

use serde_json::Value;

use super::documents::Document;
use super::ids::{hex, uuid};

/// What a key is made for: its spec, usage and algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Symmetric encryption.
    Symmetric,
    /// RSA encryption.
    RsaEncryption,
    /// RSA signatures.
    RsaSigning,
    /// Elliptic-curve signatures.
    EccSigning,
    /// Signatures on the curve of cryptocurrencies.
    Secp256k1Signing,
    /// Elliptic-curve key agreement.
    EccAgreement,
    /// Message authentication codes.
    Hmac,
}

/// Where the key material comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Made by KMS.
    Kms,
    /// Imported; with the day on which it expires, if it does.
    Imported(Option<String>),
    /// Made in the CloudHSM key store of this name.
    CloudHsm(String),
}

/// The state of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Usable.
    Enabled,
    /// Disabled.
    Disabled,
    /// Scheduled for deletion on this day.
    PendingDeletion(String),
    /// Waits for key material.
    PendingImport,
}

/// The place of a key in its multi-Region family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Family {
    /// A key of one Region.
    Single,
    /// The primary, with the Regions of its replicas.
    Primary(Vec<String>),
    /// A replica: Region of the primary, Regions of all replicas.
    Replica(String, Vec<String>),
}

/// The last use of a key.
#[derive(Debug, Clone)]
pub(super) enum LastUse {
    /// Operation and day.
    Used(String, String),
    /// Not since tracking began.
    Never,
}

/// A KMS key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) region: String,
    /// Name from which the key id follows; also the alias unless there is none.
    pub(super) name: String,
    pub(super) created: String,
    pub(super) description: String,
    pub(super) kind: Kind,
    pub(super) origin: Origin,
    pub(super) state: State,
    pub(super) family: Family,
    pub(super) aws_managed: bool,
    pub(super) aliases: Vec<String>,
    pub(super) tags: Vec<(String, String)>,
    /// Rotation period in days, where rotation is on.
    pub(super) rotation: Option<i64>,
    /// Rotations that took place: day, whether on demand.
    pub(super) rotations: Vec<(String, bool)>,
    /// The key policy; none stands for root delegation alone.
    pub(super) policy: Option<Document>,
    pub(super) grants: Vec<Grant>,
    pub(super) last_use: LastUse,
    /// Operations that the audit role is denied on this key.
    pub(super) denied: Vec<&'static str>,
}

impl Key {
    /// An enabled symmetric key with the alias `alias/NAME`, root delegation, and no rotation.
    pub(super) fn new(region: impl Into<String>, name: impl Into<String>, created: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            region: region.into(),
            created: created.into(),
            description: String::new(),
            kind: Kind::Symmetric,
            origin: Origin::Kms,
            state: State::Enabled,
            family: Family::Single,
            aws_managed: false,
            aliases: vec![format!("alias/{name}")],
            tags: Vec::new(),
            rotation: None,
            rotations: Vec::new(),
            policy: None,
            grants: Vec::new(),
            last_use: LastUse::Never,
            denied: Vec::new(),
            name,
        }
    }

    /// The AWS managed key of a service: `ebs` has the alias `alias/aws/ebs`.
    pub(super) fn aws_managed(region: impl Into<String>, service: &str, created: impl Into<String>) -> Self {
        let mut key = Self::new(region, format!("aws/{service}"), created);
        key.description =
            format!("Default key that protects my {} data when no other key is defined", service.to_uppercase());
        key.aws_managed = true;
        key
    }

    /// Key id: a UUID, or for members of a multi-Region family `mrk-` and digits that all of them share.
    pub(super) fn id(&self, account: &str) -> String {
        match self.family {
            Family::Single => uuid(&[account, &self.region, &self.name, "key"]),
            Family::Primary(_) | Family::Replica(..) => family_id(account, &self.name),
        }
    }

    /// ARN of the key.
    pub(super) fn arn(&self, account: &str) -> String {
        arn(account, &self.region, &self.id(account))
    }

    /// The description.
    pub(super) fn described(mut self, text: &str) -> Self {
        text.clone_into(&mut self.description);
        self
    }

    /// What it is made for.
    pub(super) fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Where its material comes from.
    pub(super) fn origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Its state.
    pub(super) fn state(mut self, state: State) -> Self {
        self.state = state;
        self
    }

    /// Makes it the primary of a multi-Region family.
    pub(super) fn primary(mut self, replicas: &[&str]) -> Self {
        self.family = Family::Primary(replicas.iter().map(|region| (*region).to_owned()).collect());
        self
    }

    /// Rotation every so many days.
    pub(super) fn rotating(mut self, days: i64) -> Self {
        self.rotation = Some(days);
        self
    }

    /// A rotation that took place.
    pub(super) fn rotated(mut self, day: &str, on_demand: bool) -> Self {
        self.rotations.push((day.to_owned(), on_demand));
        self
    }

    /// The key policy.
    pub(super) fn policy(mut self, document: &Value) -> Self {
        self.policy = Some(Document::laid_out(document));
        self
    }

    /// The key policy, word for word.
    pub(super) fn policy_document(mut self, document: Document) -> Self {
        self.policy = Some(document);
        self
    }

    /// A grant.
    pub(super) fn grant(mut self, grant: Grant) -> Self {
        self.grants.push(grant);
        self
    }

    /// A tag.
    pub(super) fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// One more alias: `alias/…`.
    pub(super) fn alias(mut self, alias: impl Into<String>) -> Self {
        self.aliases.push(alias.into());
        self
    }

    /// Takes all aliases away.
    pub(super) fn without_alias(mut self) -> Self {
        self.aliases.clear();
        self
    }

    /// The last use.
    pub(super) fn used(mut self, operation: &str, day: &str) -> Self {
        self.last_use = LastUse::Used(operation.to_owned(), day.to_owned());
        self
    }

    /// Operations that the audit role is denied on this key: `ListGrants`.
    pub(super) fn denied(mut self, operations: &[&'static str]) -> Self {
        self.denied.extend_from_slice(operations);
        self
    }

    /// The replicas of a primary key, alike but for Region and policy, which the caller gives.
    pub(super) fn replica(&self, region: &str, policy: Option<&Value>) -> Self {
        let mut replica = self.clone();
        if let Family::Primary(replicas) = &self.family {
            replica.family = Family::Replica(self.region.clone(), replicas.clone());
        }
        region.clone_into(&mut replica.region);
        replica.policy = policy.map(Document::laid_out);
        replica.grants.clear();
        replica
    }
}

/// ARN of a key.
pub(super) fn arn(account: &str, region: &str, key_id: &str) -> String {
    format!("arn:aws:kms:{region}:{account}:key/{key_id}")
}

/// ARN of a member of the multi-Region family of this name, as [`Key::arn`] gives it.
pub(super) fn family_member(account: &str, region: &str, name: &str) -> String {
    arn(account, region, &family_id(account, name))
}

fn family_id(account: &str, name: &str) -> String {
    format!("mrk-{}", hex(32, &[account, name, "key"]))
}

/// ARN of the key of one Region with this name, as [`Key::arn`] gives it.
pub(super) fn named(account: &str, region: &str, name: &str) -> String {
    arn(account, region, &uuid(&[account, region, name, "key"]))
}

/// A grant.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) name: String,
    pub(super) created: String,
    /// ARN of the grantee.
    pub(super) grantee: String,
    /// Service principal of the grantee, where a service holds the grant.
    pub(super) grantee_service: Option<String>,
    pub(super) retiring: Option<String>,
    pub(super) operations: Vec<String>,
    pub(super) context_equals: Vec<(String, String)>,
    pub(super) context_subset: Vec<(String, String)>,
}

impl Grant {
    /// A grant without constraints and without a retiring principal.
    pub(super) fn to(grantee: impl Into<String>, created: impl Into<String>, operations: &[&str]) -> Self {
        Self {
            name: String::new(),
            created: created.into(),
            grantee: grantee.into(),
            grantee_service: None,
            retiring: None,
            operations: operations.iter().map(|operation| (*operation).to_owned()).collect(),
            context_equals: Vec::new(),
            context_subset: Vec::new(),
        }
    }

    /// The grant that EC2 makes for an encrypted EBS volume of an instance.
    pub(super) fn ebs_volume(account: &str, region: &str, created: &str, volume: &str) -> Self {
        let instance = format!("i-{}", hex(17, &[account, volume]));
        let service = format!("arn:aws:sts::{account}:assumed-role/aws:ec2-infrastructure/{instance}");
        let mut grant = Self::to(service, created, &["Decrypt"])
            .within_subset("aws:ebs:id", &format!("vol-{}", hex(17, &[volume])));
        grant.retiring = Some(format!("ec2.{region}.amazonaws.com"));
        grant
    }

    /// The name.
    pub(super) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Who may retire it.
    pub(super) fn retired_by(mut self, principal: impl Into<String>) -> Self {
        self.retiring = Some(principal.into());
        self
    }

    /// Only with exactly this encryption context.
    pub(super) fn within(mut self, key: &str, value: &str) -> Self {
        self.context_equals.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Only with an encryption context that has this pair.
    pub(super) fn within_subset(mut self, key: &str, value: &str) -> Self {
        self.context_subset.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Held by a service.
    pub(super) fn service(mut self, principal: &str) -> Self {
        self.grantee_service = Some(principal.to_owned());
        self
    }
}
