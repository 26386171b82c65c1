//! One account of the demo: what it holds, and its `iam.json.zst`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::calls::Recording;
use super::credential_report;
use super::details;
use super::ids::{iam_id, time_on};
use super::keys::Key;
use super::principals::{Group, ManagedPolicy, Mfa, Role, User};
use crate::snapshot::v1;
use crate::snapshot::{Error, SnapshotFile};

/// The root user's credentials.
#[derive(Debug, Clone)]
pub(super) struct Root {
    /// Whether there is a password; organizations can remove it.
    pub(super) password: bool,
    /// The MFA device.
    pub(super) mfa: Option<Mfa>,
    /// Access keys that a root user should not have.
    pub(super) access_keys: i64,
    /// Day of the last sign-in.
    pub(super) used: Option<String>,
}

/// An account and everything in it.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) created: String,
    pub(super) root: Root,
    pub(super) users: Vec<User>,
    pub(super) groups: Vec<Group>,
    pub(super) roles: Vec<Role>,
    pub(super) policies: Vec<ManagedPolicy>,
    pub(super) password_policy: Option<v1::PasswordPolicy>,
    /// Alternate contacts: type, name, address.
    pub(super) contacts: Vec<(&'static str, String, String)>,
    /// Server certificates: name, upload day, expiration day.
    pub(super) certificates: Vec<(String, String, String)>,
    /// OIDC providers: host, client id, day of creation.
    pub(super) oidc: Vec<(String, String, String)>,
    /// Whether Identity Center has its SAML provider here.
    pub(super) identity_center: bool,
    /// Organization features, where the account is the management account.
    pub(super) features: Option<Vec<String>>,
    /// Keys in all Regions.
    pub(super) keys: Vec<Key>,
    /// Custom key stores: Region, name, connection state.
    pub(super) key_stores: Vec<(String, String, String)>,
}

/// What all files of a snapshot share.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// Id of the organization.
    pub(super) organization_id: String,
    /// Regions that every account has enabled.
    pub(super) regions: Vec<String>,
    /// Name of the role that the collector assumes.
    pub(super) role_name: String,
    /// Session name of the collector.
    pub(super) session: String,
    /// When the files of this account begin.
    pub(super) start: Timestamp,
    /// Items that a page of GetAccountAuthorizationDetails brings.
    pub(super) page_size: usize,
}

impl Account {
    /// An empty account whose root user has a password and no MFA.
    pub(super) fn new(id: impl Into<String>, created: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            created: created.into(),
            root: Root { password: true, mfa: None, access_keys: 0, used: None },
            users: Vec::new(),
            groups: Vec::new(),
            roles: Vec::new(),
            policies: Vec::new(),
            password_policy: None,
            contacts: Vec::new(),
            certificates: Vec::new(),
            oidc: Vec::new(),
            identity_center: true,
            features: None,
            keys: Vec::new(),
            key_stores: Vec::new(),
        }
    }

    /// The account's `iam.json.zst`.
    ///
    /// # Errors
    /// [`Error::Encode`].
    pub(super) fn iam_file(&self, context: &Context) -> Result<SnapshotFile, Error> {
        let mut calls = Recording::new(&self.id, None, context.start);
        self.session(&mut calls, context)?;
        let details = details::authorization_details(self)?;
        let length = |list: Option<usize>| list.unwrap_or_default();
        let lists = [
            ("UserDetailList", length(details.user_detail_list.as_ref().map(Vec::len))),
            ("GroupDetailList", length(details.group_detail_list.as_ref().map(Vec::len))),
            ("RoleDetailList", length(details.role_detail_list.as_ref().map(Vec::len))),
            ("Policies", length(details.policies.as_ref().map(Vec::len))),
        ];
        calls.list("iam:GetAccountAuthorizationDetails", &[], &details, &lists, context.page_size)?;
        let summary = details::summary(self, &details);
        calls.answer("iam:GetAccountSummary", &[], &v1::AccountSummary { summary_map: Some(summary) })?;
        self.password_policy(&mut calls)?;
        calls.acknowledged("iam:GenerateCredentialReport", &[]);
        let generated = serde_json::json!({"State": "COMPLETE", "Description": null});
        calls.answer("iam:GenerateCredentialReport", &[], &generated)?;
        calls.answer("iam:GetCredentialReport", &[], &credential_report::of(self, context.start))?;
        self.mfa_devices(&mut calls)?;
        self.user_credentials(&mut calls)?;
        self.certificates(&mut calls)?;
        self.providers(&mut calls)?;
        self.account_facts(&mut calls, context)?;
        Ok(calls.finish())
    }

    fn session(&self, calls: &mut Recording, context: &Context) -> Result<(), Error> {
        let role = format!("arn:aws:iam::{}:role/{}", self.id, context.role_name);
        calls.acknowledged("sts:AssumeRole", &[("RoleArn", &role), ("RoleSessionName", &context.session)]);
        let role_id = iam_id("AROA", 21, &[&self.id, &context.role_name]);
        calls.answer(
            "sts:GetCallerIdentity",
            &[],
            &v1::CallerIdentity {
                user_id: Some(format!("{role_id}:{}", context.session)),
                account: Some(self.id.clone()),
                arn: Some(self.session_arn(context)),
            },
        )
    }

    /// ARN of the session that reads this account.
    pub(super) fn session_arn(&self, context: &Context) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{}", self.id, context.role_name, context.session)
    }

    fn password_policy(&self, calls: &mut Recording) -> Result<(), Error> {
        match &self.password_policy {
            Some(policy) => {
                let response = v1::AccountPasswordPolicy { password_policy: Some(policy.clone()) };
                calls.answer("iam:GetAccountPasswordPolicy", &[], &response)
            }
            None => {
                let message = format!("The Password Policy with domain name {} cannot be found.", self.id);
                calls.nothing("iam:GetAccountPasswordPolicy", &[], "NoSuchEntity", &message);
                Ok(())
            }
        }
    }

    fn mfa_devices(&self, calls: &mut Recording) -> Result<(), Error> {
        let devices = details::virtual_mfa_devices(self);
        let lists = [("VirtualMFADevices", devices.len())];
        let response = v1::VirtualMfaDevices { virtual_mfa_devices: Some(devices) };
        calls.list("iam:ListVirtualMFADevices", &[], &response, &lists, 100)?;
        calls.for_each_resource("iam:ListMFADevices");
        for user in &self.users {
            let devices: Vec<v1::MfaDevice> = details::mfa_device(self, user).into_iter().collect();
            let lists = [("MFADevices", devices.len())];
            let response = v1::MfaDevices { mfa_devices: Some(devices) };
            calls.list("iam:ListMFADevices", &[&user.name], &response, &lists, 100)?;
        }
        Ok(())
    }

    fn user_credentials(&self, calls: &mut Recording) -> Result<(), Error> {
        for api in ["iam:ListAccessKeys", "iam:GetAccessKeyLastUsed", "iam:ListServiceSpecificCredentials"] {
            calls.for_each_resource(api);
        }
        for user in &self.users {
            let keys = details::access_keys(self, user);
            let lists = [("AccessKeyMetadata", keys.len())];
            let response = v1::AccessKeys { access_key_metadata: Some(keys.clone()) };
            calls.list("iam:ListAccessKeys", &[&user.name], &response, &lists, 100)?;
            for (metadata, key) in keys.iter().zip(&user.keys) {
                let id = metadata.access_key_id.as_deref().unwrap_or_default();
                calls.answer("iam:GetAccessKeyLastUsed", &[id], &details::last_used(user, key))?;
            }
            let credentials = details::service_credentials(self, user);
            let lists = [("ServiceSpecificCredentials", credentials.len())];
            let response = v1::ServiceSpecificCredentials { service_specific_credentials: Some(credentials) };
            calls.list("iam:ListServiceSpecificCredentials", &[&user.name], &response, &lists, 100)?;
        }
        Ok(())
    }

    fn certificates(&self, calls: &mut Recording) -> Result<(), Error> {
        let list = self.certificates.iter().map(|(name, uploaded, expiration)| v1::ServerCertificateMetadata {
            path: Some("/".to_owned()),
            server_certificate_name: Some(name.clone()),
            server_certificate_id: Some(iam_id("ASCA", 21, &[&self.id, name])),
            arn: Some(format!("arn:aws:iam::{}:server-certificate/{name}", self.id)),
            upload_date: Some(time_on(uploaded, &[name])),
            expiration: Some(time_on(expiration, &[name])),
        });
        let response = v1::ServerCertificates { server_certificate_metadata_list: Some(list.collect()) };
        let lists = [("ServerCertificateMetadataList", self.certificates.len())];
        calls.list("iam:ListServerCertificates", &[], &response, &lists, 100)
    }

    fn providers(&self, calls: &mut Recording) -> Result<(), Error> {
        let saml: Vec<_> = details::saml_providers(self);
        let lists = [("SAMLProviderList", saml.len())];
        let response = v1::SamlProviders { saml_provider_list: Some(saml) };
        calls.list("iam:ListSAMLProviders", &[], &response, &lists, 100)?;
        let arn = |host: &str| format!("arn:aws:iam::{}:oidc-provider/{host}", self.id);
        let list = self.oidc.iter().map(|(host, ..)| v1::OpenIdConnectProviderArn { arn: Some(arn(host)) });
        let response = v1::OpenIdConnectProviders { open_id_connect_provider_list: Some(list.collect()) };
        let lists = [("OpenIDConnectProviderList", self.oidc.len())];
        calls.list("iam:ListOpenIDConnectProviders", &[], &response, &lists, 100)?;
        calls.for_each_resource("iam:GetOpenIDConnectProvider");
        for (host, client, created) in &self.oidc {
            calls.answer(
                "iam:GetOpenIDConnectProvider",
                &[&arn(host)],
                &v1::OpenIdConnectProvider {
                    url: Some(host.clone()),
                    client_id_list: Some(vec![client.clone()]),
                    thumbprint_list: Some(vec![super::ids::hex(40, &[host])]),
                    create_date: Some(time_on(created, &[host])),
                    tags: Some(Vec::new()),
                },
            )?;
        }
        Ok(())
    }

    fn account_facts(&self, calls: &mut Recording, context: &Context) -> Result<(), Error> {
        if let Some(features) = &self.features {
            calls.answer(
                "iam:ListOrganizationsFeatures",
                &[],
                &v1::OrganizationsFeatures {
                    organization_id: Some(context.organization_id.clone()),
                    enabled_features: Some(features.clone()),
                },
            )?;
        }
        calls.for_each_resource("account:GetAlternateContact");
        for kind in ["BILLING", "OPERATIONS", "SECURITY"] {
            match self.contacts.iter().find(|(known, ..)| *known == kind) {
                Some((_, name, address)) => {
                    let response = v1::AlternateContact { alternate_contact: Some(contact(kind, name, address)) };
                    calls.answer("account:GetAlternateContact", &[kind], &response)?;
                }
                None => {
                    let message = "No contact of the inputted alternate contact type found.";
                    calls.nothing("account:GetAlternateContact", &[kind], "ResourceNotFoundException", message);
                }
            }
        }
        let status = |region: &String| v1::RegionStatus {
            region_name: Some(region.clone()),
            region_opt_status: Some("ENABLED_BY_DEFAULT".to_owned()),
        };
        let response = v1::EnabledRegions { regions: Some(context.regions.iter().map(status).collect()) };
        calls.list("account:ListRegions", &[], &response, &[("Regions", context.regions.len())], 50)
    }
}

fn contact(kind: &str, name: &str, address: &str) -> v1::AlternateContactDetail {
    v1::AlternateContactDetail {
        name: Some(name.to_owned()),
        title: Some("On call".to_owned()),
        email_address: Some(address.to_owned()),
        phone_number: Some("+49 30 5550100".to_owned()),
        alternate_contact_type: Some(kind.to_owned()),
    }
}

/// A password policy, as strong or weak as these numbers; `symbols` stands for all four kinds of characters.
pub(super) fn password_policy(
    length: i64,
    symbols: bool,
    reuse: Option<i64>,
    max_age: Option<i64>,
) -> v1::PasswordPolicy {
    v1::PasswordPolicy {
        minimum_password_length: Some(length),
        require_symbols: Some(symbols),
        require_numbers: Some(symbols),
        require_uppercase_characters: Some(symbols),
        require_lowercase_characters: Some(symbols),
        allow_users_to_change_password: Some(true),
        expire_passwords: Some(max_age.is_some()),
        max_password_age: max_age,
        password_reuse_prevention: reuse,
        hard_expiry: Some(false),
    }
}

/// The ledger's only entry of an account that cannot be entered, and the reason in words.
pub(super) fn not_entered(account_id: &str, collector_arn: &str, context: &Context) -> (SnapshotFile, String) {
    let mut calls = Recording::new(account_id, None, context.start);
    let role = format!("arn:aws:iam::{account_id}:role/{}", context.role_name);
    let message = format!("User: {collector_arn} is not authorized to perform: sts:AssumeRole on resource: {role}");
    let parameters = [("RoleArn", role.as_str()), ("RoleSessionName", context.session.as_str())];
    calls.denied_with("sts:AssumeRole", &parameters, "AccessDenied", &message);
    (calls.finish(), format!("{role} cannot be assumed (AccessDenied: {message})"))
}

/// Numbers by AWS's names.
pub(super) type Summary = BTreeMap<String, i64>;
