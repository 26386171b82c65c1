//! Pseudonyms: a keyed digest of the value, in a form that what reads ARNs and accounts still takes.

use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::super::Error;
use super::Level;
use crate::{digest, files};

/// A secret of fewer bytes could be tried out.
const MIN_BYTES: usize = 16;

/// What pseudonyms are made with. Never printed.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// The bytes of a file; white space at its end does not count.
    ///
    /// # Errors
    /// [`Error::Files`] when it cannot be read, [`Error::Key`] when it is too short.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = files::read(path)?;
        let secret = bytes.trim_ascii_end();
        if secret.len() < MIN_BYTES {
            return Err(Error::Secret { path: path.to_path_buf(), bytes: secret.len(), least: MIN_BYTES });
        }
        Self::new(secret).ok_or_else(|| Error::Redaction { reason: format!("`{}` is no secret", path.display()) })
    }

    fn new(bytes: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(bytes).ok().map(Self)
    }

    /// What tells this secret from others.
    pub(super) fn id(&self) -> String {
        letters(&self.digest(&["secret", ""]), 16)
    }

    /// A reference of the same form: `EV-UAL-7QK2M4ZP3A`, or 64 digits.
    pub(super) fn reference(&self, reference: &str) -> String {
        let digest = self.digest(&["reference", reference]);
        match reference.rsplit_once('-') {
            Some((kind, name)) => format!("{kind}-{}", letters(&digest, name.len().min(51)).to_ascii_uppercase()),
            None => digest::hex(&digest),
        }
    }

    /// The pseudonym of a value.
    pub(super) fn pseudonym(&self, class: Class, value: &str) -> String {
        let digest = self.digest(&[class.words(), value]);
        let begin = |length: usize| value.get(..length).unwrap_or_default();
        match class {
            Class::Account => {
                let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
                format!("{:012}", number % 1_000_000_000_000)
            }
            Class::Credential => format!("{}{}", begin(4), letters(&digest, 17).to_ascii_uppercase()),
            Class::Organization if value.starts_with("ou-") => {
                format!("ou-{}-{}", letters(&digest, 4), letters(&digest[8..], 8))
            }
            Class::Organization => format!("{}-{}", value.split('-').next().unwrap_or("o"), letters(&digest, 10)),
            Class::Mail => format!("mail-{}@redacted.invalid", letters(&digest, 10)),
            Class::Key if value.starts_with("mrk-") => format!("mrk-{}", letters(&digest, 20)),
            _ => format!("{}-{}", class.prefix(), letters(&digest, 10)),
        }
    }

    fn digest(&self, parts: &[&str; 2]) -> Vec<u8> {
        let mut mac = self.0.clone();
        mac.update(parts[0].as_bytes());
        mac.update(b"\0");
        mac.update(parts[1].as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

/// The first letters of a digest in base32, small.
fn letters(digest: &[u8], length: usize) -> String {
    digest::base32(digest).take(length).collect::<String>().to_ascii_lowercase()
}

/// What a value names. A value that names several things has the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A user of IAM, or the login of a person in a session.
    User,
    /// An address of electronic mail.
    Mail,
    /// Name, title or telephone number of a person to be called.
    Contact,
    /// An account's name.
    AccountName,
    /// The value of a tag.
    Tag,
    /// A description, which may say anything.
    Description,
    /// A value of an encryption context.
    EncryptionContext,
    /// An address of the network in a condition.
    Address,
    /// An external id of a trust policy.
    ExternalId,
    /// An account's 12 digits.
    Account,
    /// The organization, a root, a unit: their ids.
    Organization,
    /// Name of a unit.
    Unit,
    /// Name of a role, group, policy, profile, provider, certificate or alias.
    Name,
    /// Id of a key.
    Key,
    /// An access key or the unique id of a principal.
    Credential,
    /// Id of a grant, policy, request or statement.
    Id,
    /// What a waiver says.
    Waiver,
}

impl Class {
    pub(super) const ALL: [Self; 17] = [
        Self::User,
        Self::Mail,
        Self::Contact,
        Self::AccountName,
        Self::Tag,
        Self::Description,
        Self::EncryptionContext,
        Self::Address,
        Self::ExternalId,
        Self::Account,
        Self::Organization,
        Self::Unit,
        Self::Name,
        Self::Key,
        Self::Credential,
        Self::Id,
        Self::Waiver,
    ];

    /// The level from which on it is kept back.
    pub(super) fn level(self) -> Level {
        if self < Self::Account { Level::Auditor } else { Level::Public }
    }

    /// What a pseudonym begins with.
    fn prefix(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Mail => "mail",
            Self::Contact => "contact",
            Self::AccountName => "account",
            Self::Tag => "tag",
            Self::Description => "description",
            Self::EncryptionContext => "context",
            Self::Address => "address",
            Self::ExternalId => "external",
            Self::Account | Self::Organization => "id",
            Self::Unit => "unit",
            Self::Name => "name",
            Self::Key => "key",
            Self::Credential => "credential",
            Self::Id => "id",
            Self::Waiver => "text",
        }
    }

    /// In words, as `redactions.csv` names it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::User => "names of users and sessions",
            Self::Mail => "mail addresses",
            Self::Contact => "contacts of accounts",
            Self::AccountName => "names of accounts",
            Self::Tag => "values of tags",
            Self::Description => "descriptions",
            Self::EncryptionContext => "values of encryption contexts",
            Self::Address => "network addresses in conditions",
            Self::ExternalId => "external ids of trust policies",
            Self::Account => "ids of accounts",
            Self::Organization => "ids of the organization, its roots and units",
            Self::Unit => "names of units of the organization",
            Self::Name => "names of roles, groups, policies, providers, certificates and aliases",
            Self::Key => "ids of keys",
            Self::Credential => "access keys and unique ids of principals",
            Self::Id => "ids of grants, policies, requests and statements",
            Self::Waiver => "texts of waivers",
        }
    }

    /// Why it is kept back.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::User | Self::Mail | Self::Contact => "It names a person.",
            Self::AccountName | Self::Unit => "It tells what the organization does.",
            Self::Tag | Self::Description | Self::EncryptionContext | Self::Waiver => {
                "It is written freely and may say anything."
            }
            Self::Address => "It tells where people work from.",
            Self::ExternalId => "It is handled like a password between two parties.",
            Self::Account | Self::Organization | Self::Name | Self::Key | Self::Credential | Self::Id => {
                "It names something of the organization to those outside."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_pseudonym_depends_on_secret_class_and_value_and_keeps_its_form() {
        let (mine, other) = (secret("0123456789abcdef"), secret("0123456789abcdeg"));
        let alice = mine.pseudonym(Class::User, "alice");
        assert_eq!(alice, mine.pseudonym(Class::User, "alice"));
        assert_ne!(alice, other.pseudonym(Class::User, "alice"));
        assert_ne!(alice[5..], mine.pseudonym(Class::Tag, "alice")[4..]);
        assert!(alice.starts_with("user-") && alice.len() == 15, "{alice}");
        let account = mine.pseudonym(Class::Account, "111122223333");
        assert!(account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit()), "{account}");
        let access_key = mine.pseudonym(Class::Credential, "AKIAIOSFODNN7EXAMPLE");
        assert!(access_key.starts_with("AKIA") && access_key.len() == 21, "{access_key}");
        assert!(mine.pseudonym(Class::Organization, "ou-exam-production").starts_with("ou-"));
        assert!(mine.pseudonym(Class::Organization, "r-exam").starts_with("r-"));
        assert_ne!(mine.id(), other.id());
    }

    #[test]
    fn references_keep_their_form() {
        let secret = secret("0123456789abcdef");
        let item = secret.reference("EV-UAL-7QK2M4ZP3A");
        assert!(item.starts_with("EV-UAL-") && item.len() == 17 && item != "EV-UAL-7QK2M4ZP3A", "{item}");
        let finding = secret.reference(&"0".repeat(64));
        assert!(finding.len() == 64 && finding.bytes().all(|digit| digit.is_ascii_hexdigit()), "{finding}");
    }

    #[test]
    fn a_secret_that_could_be_tried_out_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        files::write_atomic(&path, b"0123456789abcde\n").unwrap();
        assert!(matches!(Secret::read(&path), Err(Error::Secret { bytes: 15, .. })));
        files::write_atomic(&path, b"0123456789abcdef\n").unwrap();
        assert_eq!(Secret::read(&path).unwrap().id(), secret("0123456789abcdef").id());
    }
}
