//! The kinds of links.

/// What somebody does to reach an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Writes the key policy.
    PutKeyPolicy,
    /// Gives itself a grant.
    CreateGrant,
    /// Makes a replica, whose key policy it writes.
    ReplicateKey,
    /// Has ciphertext encrypted anew under a key that it may use.
    ReEncrypt,
    /// Changes tags of the key on which a condition depends.
    TagKey,
    /// Takes tags of the key away on which a condition depends.
    UntagKey,
    /// Gives the key an alias on which a condition depends.
    CreateAlias,
    /// Moves an alias to the key on which a condition depends.
    UpdateAlias,
    /// Takes an alias of the key away on which a condition depends.
    DeleteAlias,
    /// Assumes a role.
    AssumeRole,
    /// Assumes a role by the word of a SAML provider.
    AssumeRoleWithSaml,
    /// Assumes a role by the word of an OIDC provider.
    AssumeRoleWithWebIdentity,
    /// Gives a SAML provider keys of its own, by which it then vouches for whom it likes.
    UpdateSamlProvider,
    /// Writes a trust policy that lets it in.
    UpdateTrust,
    /// Makes an access key for a user.
    CreateAccessKey,
    /// Gives a user a password.
    CreateLoginProfile,
    /// Changes the password of a user.
    UpdateLoginProfile,
    /// Writes an inline policy of a principal, or of a group of it.
    PutPolicy,
    /// Attaches a managed policy to a principal, or to a group of it.
    AttachPolicy,
    /// Writes a managed policy that is attached.
    CreatePolicyVersion,
    /// Makes another version of an attached policy the one that counts.
    SetDefaultPolicyVersion,
    /// Adds a user to a group.
    AddUserToGroup,
    /// Takes a permissions boundary away.
    DeleteBoundary,
    /// Puts a wider permissions boundary in place of one.
    ReplaceBoundary,
    /// Passes a role to a service that runs what it is given.
    PassRole,
    /// Enters what runs as a role already.
    EnterCompute,
}

impl Step {
    /// The word of every table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PutKeyPolicy => "put_key_policy",
            Self::CreateGrant => "create_grant",
            Self::ReplicateKey => "replicate_key",
            Self::ReEncrypt => "re_encrypt",
            Self::TagKey => "tag_key",
            Self::UntagKey => "untag_key",
            Self::CreateAlias => "create_alias",
            Self::UpdateAlias => "update_alias",
            Self::DeleteAlias => "delete_alias",
            Self::AssumeRole => "assume_role",
            Self::AssumeRoleWithSaml => "assume_role_with_saml",
            Self::AssumeRoleWithWebIdentity => "assume_role_with_web_identity",
            Self::UpdateSamlProvider => "update_saml_provider",
            Self::UpdateTrust => "update_assume_role_policy",
            Self::CreateAccessKey => "create_access_key",
            Self::CreateLoginProfile => "create_login_profile",
            Self::UpdateLoginProfile => "update_login_profile",
            Self::PutPolicy => "put_policy",
            Self::AttachPolicy => "attach_policy",
            Self::CreatePolicyVersion => "create_policy_version",
            Self::SetDefaultPolicyVersion => "set_default_policy_version",
            Self::AddUserToGroup => "add_user_to_group",
            Self::DeleteBoundary => "delete_permissions_boundary",
            Self::PassRole => "pass_role",
            Self::EnterCompute => "enter_compute",
            Self::ReplaceBoundary => "replace_permissions_boundary",
        }
    }

    /// What is done to the target, whose name follows, and what that gives.
    #[must_use]
    pub fn words(self) -> [&'static str; 2] {
        const EVERYTHING: &str = "identity policies that allow everything";
        const WITHIN_NOTHING: &str = "identity policies without a limit";
        const ALIAS: &str = "the alias that a condition asks for";
        match self {
            Self::PutKeyPolicy => ["writes the key policy of", "a key policy that allows whatever it says"],
            Self::CreateGrant => ["creates a grant for itself on", "a grant that allows the action"],
            Self::ReplicateKey => ["replicates", "the same key material under a key policy of its own"],
            Self::ReEncrypt => ["has the data encrypted anew under", "the same data under a key that it may use"],
            Self::TagKey => ["sets tags of", "the tags that a condition asks for"],
            Self::UntagKey => ["takes tags away from", "a key without the tags that a condition asks for"],
            Self::CreateAlias => ["gives an alias to", ALIAS],
            Self::UpdateAlias => ["moves an alias to", ALIAS],
            Self::DeleteAlias => ["deletes the aliases of", "a key without the alias that a condition asks for"],
            Self::AssumeRole => ["assumes", "a session of the role"],
            Self::AssumeRoleWithSaml | Self::AssumeRoleWithWebIdentity => {
                ["vouches for whoever assumes", "a session of the role"]
            }
            Self::UpdateSamlProvider => ["puts its own metadata into", "assertions about whomever it likes"],
            Self::UpdateTrust => ["writes a trust policy that lets it in, and assumes", "a session of the role"],
            Self::CreateAccessKey => ["makes an access key of", "requests signed by the user"],
            Self::CreateLoginProfile => ["gives a password, if there is none, to", "the console as the user"],
            Self::UpdateLoginProfile => ["changes the password, if there is one, of", "the console as the user"],
            Self::PutPolicy => ["writes an inline policy of", EVERYTHING],
            Self::AttachPolicy => ["attaches AdministratorAccess to", EVERYTHING],
            Self::CreatePolicyVersion => ["writes a policy that is attached to", EVERYTHING],
            Self::SetDefaultPolicyVersion => {
                ["puts another version in force of a policy that is attached to", "whatever that version allows"]
            }
            Self::AddUserToGroup => ["makes a member of a group of", "what the policies of the group allow"],
            Self::DeleteBoundary => ["deletes the permissions boundary of", WITHIN_NOTHING],
            Self::ReplaceBoundary => ["replaces the permissions boundary of", WITHIN_NOTHING],
            Self::PassRole => ["has a service run its code as", "requests as the role"],
            Self::EnterCompute => ["enters or changes what a service runs as", "requests as the role"],
        }
    }
}
