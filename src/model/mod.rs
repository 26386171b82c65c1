//! Facts about an organization as plain data, in AWS's own names.
//!
//! **Invariant:** a fact that a call fills is there, or the [`Gap`] that says why it is not: single facts are [`Fact`]s, lists are
//! [`Listing`]s. Neither is ever an `Option` or an empty list in place of what could not be read.

mod account;
mod gap;
mod iam;
mod kms;
mod name;
mod organization;
mod provenance;

pub use account::Account;
pub use gap::{Fact, Gap, GapKind, Listing};
pub use iam::{
    AccessKey, AccessKeyLastUsed, AlternateContact, AttachedPolicy, CredentialReport, CredentialReportRow, Group, Iam,
    IdentityProvider, InlinePolicy, ManagedPolicy, MfaDevice, OrganizationsFeatures, PasswordPolicy, Principal, Role,
    ServerCertificate, ServiceSpecificCredential, Summary, User, VirtualMfaDevice,
};
pub use kms::{
    Alias, CustomKeyStore, Grant, GrantConstraints, Key, KeyManager, KeyMetadata, KeyPolicy, Kms, LastUsage,
    MultiRegion, Rotation, RotationStatus,
};
pub use name::{Arn, Tags};
pub use organization::{
    DelegatedAdministrator, Organization, OrganizationPolicy, OrganizationalUnit, ResourcePolicy, Root, Unit,
};
pub use provenance::{Evidence, Provenance, RecordedCall, Source, escape, shared, shared_each, unescape};

/// A policy document, or why there is none.
pub type Document = Fact<std::sync::Arc<crate::policy::Document>>;
