//! What is asked about a key: classes of actions, and which of them a key can take part in.

use super::key::Key;
use super::row::actions_named;
use crate::policy::Action;

/// What is asked about a key: one question for each class of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// To learn what was encrypted.
    Decrypt,
    /// To encrypt, or to get a data key.
    Encrypt,
    /// To sign, or to make a MAC.
    Sign,
    /// To create, retire and revoke grants.
    Grant,
    /// To change the key or its policy.
    Administer,
    /// To disable or delete the key.
    Destroy,
}

impl Capability {
    /// Every capability, in the order of pages.
    pub const ALL: [Self; 6] = [Self::Decrypt, Self::Encrypt, Self::Sign, Self::Grant, Self::Administer, Self::Destroy];

    /// The name of the class of actions, and the word of every table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Decrypt => "decrypt",
            Self::Encrypt => "encrypt",
            Self::Sign => "sign",
            Self::Grant => "grant",
            Self::Administer => "administer",
            Self::Destroy => "destroy",
        }
    }

    /// Whether it uses the key; the others administer it.
    pub fn is_use(self) -> bool {
        matches!(self, Self::Decrypt | Self::Encrypt | Self::Sign)
    }

    /// Every action that is decided, with its capability, in the order of the capabilities.
    pub fn questions() -> Vec<(Self, Action)> {
        let of = |capability: Self| {
            let named = actions_named(capability.word()).into_iter();
            named.map(move |action| (capability, Action::new(action.name)))
        };
        Self::ALL.into_iter().flat_map(of).collect()
    }
}

impl Key {
    /// Whether the key, by its usage and spec, can take part in an action at all. Where they are not known, it may.
    pub fn can_serve(&self, action: &str) -> bool {
        let (Some(usage), Some(spec)) = (&self.usage, &self.spec) else { return true };
        serves(usage, spec, action)
    }
}

fn serves(usage: &str, spec: &str, action: &str) -> bool {
    let is_symmetric = spec == "SYMMETRIC_DEFAULT";
    match (usage, action) {
        ("ENCRYPT_DECRYPT", "kms:GenerateMac" | "kms:Sign" | "kms:DeriveSharedSecret") => false,
        ("ENCRYPT_DECRYPT", "kms:Encapsulate" | "kms:Decapsulate") => false,
        ("ENCRYPT_DECRYPT", action) => is_symmetric || !action.starts_with("kms:GenerateDataKey"),
        ("SIGN_VERIFY", action) => action == "kms:Sign" || !is_use(action),
        ("GENERATE_VERIFY_MAC", action) => action == "kms:GenerateMac" || !is_use(action),
        ("KEY_AGREEMENT", action) => action == "kms:DeriveSharedSecret" || !is_use(action),
        _ => true,
    }
}

fn is_use(action: &str) -> bool {
    crate::policy::kms_action(action).is_some_and(|it| it.group == "crypto-use")
}

#[cfg(test)]
mod tests {
    use super::serves;

    #[test]
    fn a_key_serves_the_actions_of_its_usage_and_every_administrative_one() {
        let symmetric = |action| serves("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", action);
        assert!(symmetric("kms:Decrypt") && symmetric("kms:GenerateDataKeyPair") && !symmetric("kms:Sign"));
        let asymmetric = |action| serves("ENCRYPT_DECRYPT", "RSA_2048", action);
        assert!(asymmetric("kms:ReEncryptFrom") && !asymmetric("kms:GenerateDataKey"));
        let signing = |action| serves("SIGN_VERIFY", "ECC_NIST_P256", action);
        assert!(signing("kms:Sign") && !signing("kms:Decrypt"));
        let usages = [("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"), ("SIGN_VERIFY", "ECC_NIST_P256")];
        for (usage, spec) in usages.into_iter().chain([("GENERATE_VERIFY_MAC", "HMAC_256")]) {
            assert!(serves(usage, spec, "kms:PutKeyPolicy") && serves(usage, spec, "kms:CreateGrant"));
        }
    }

    #[test]
    fn a_key_of_another_usage_may_serve_all() {
        for action in ["kms:Sign", "kms:Decrypt", "kms:Decapsulate"] {
            assert!(serves("A_LATER_USAGE", "A_LATER_SPEC", action));
        }
    }
}
