//! What the IAM of one account says.

use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput;
use aws_sdk_iam::types;
use base64::Engine;

use super::Error;
use super::call::{Ask, Lacks, Next, Page, Recorder, extend, extend_with_new as add};
use super::client::Access;
use super::iam_details;
use super::shape::time;
use crate::snapshot::{Outcome, v1};

/// Items of one page of IAM: the most that it gives.
const MAX_ITEMS: i32 = 1000;

/// Waits for the credential report: after this many the report counts as not ready.
const REPORT_WAITS: u32 = 30;

/// Reads all that the snapshot holds of IAM, and returns the number of users. Account-wide answers come first, so that the credential
/// report is ready by the end.
pub(super) async fn collect(access: &Access, recorder: &mut Recorder, is_management: bool) -> Result<u64, Error> {
    let client = access.iam();
    let mut report = generate_report(&client, recorder).await?;
    let details = authorization_details(&client, recorder).await?;
    let counts = summary(&client, recorder).await?.and_then(|summary| summary.summary_map);
    password_policy(&client, recorder).await?;
    virtual_mfa_devices(&client, recorder).await?;
    server_certificates(&client, recorder).await?;
    saml_providers(&client, recorder).await?;
    openid_connect_providers(&client, recorder).await?;
    if is_management {
        organizations_features(&client, recorder).await?;
    }
    let users = details.and_then(|details| details.user_detail_list);
    let listed = users.as_ref().map_or(0, Vec::len) as u64;
    if let Some(users) = users {
        for operation in ["ListMFADevices", "ListAccessKeys", "GetAccessKeyLastUsed", "ListServiceSpecificCredentials"]
        {
            recorder.begin(operation);
        }
        for name in users.into_iter().filter_map(|user| user.user_name).take(recorder.most()) {
            user(&client, recorder, &name).await?;
        }
    }
    for _ in 0..REPORT_WAITS {
        if report != Report::InProgress || recorder.is_sample() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        report = generate_report(&client, recorder).await?;
    }
    // Asked for even when the generation was refused: an earlier report may stand, and if not, AWS says so.
    credential_report(&client, recorder).await?;
    Ok(counts.and_then(|counts| u64::try_from(*counts.get("Users")?).ok()).unwrap_or(listed))
}

async fn authorization_details(
    client: &Client,
    recorder: &mut Recorder,
) -> Result<Option<v1::AuthorizationDetails>, Error> {
    let ask = Ask::new("iam:GetAccountAuthorizationDetails").with("MaxItems", MAX_ITEMS);
    let request = |marker| client.get_account_authorization_details().max_items(MAX_ITEMS).set_marker(marker).send();
    recorder
        .list(ask, request, |answer: GetAccountAuthorizationDetailsOutput, all: &mut v1::AuthorizationDetails| {
            // A page brings the lists in turn, and leaves out those that it has nothing of.
            let users = answer.user_detail_list.or_else(|| Some(Vec::new()));
            let groups = answer.group_detail_list.or_else(|| Some(Vec::new()));
            let roles = answer.role_detail_list.or_else(|| Some(Vec::new()));
            let policies = answer.policies.or_else(|| Some(Vec::new()));
            let items = vec![
                add(&mut all.user_detail_list, "UserDetailList", users, iam_details::user, |it| it.arn.as_deref())?,
                add(&mut all.group_detail_list, "GroupDetailList", groups, iam_details::group, |it| it.arn.as_deref())?,
                add(&mut all.role_detail_list, "RoleDetailList", roles, iam_details::role, |it| it.arn.as_deref())?,
                add(&mut all.policies, "Policies", policies, iam_details::policy, |it| it.arn.as_deref())?,
            ];
            Ok(Page { items, next: Next::after(answer.is_truncated, answer.marker) })
        })
        .await
}

async fn summary(client: &Client, recorder: &mut Recorder) -> Result<Option<v1::AccountSummary>, Error> {
    let shape = |answer: aws_sdk_iam::operation::get_account_summary::GetAccountSummaryOutput| {
        let map = answer.summary_map.ok_or(Lacks("SummaryMap"))?;
        let map = map.into_iter().map(|(name, value)| (name.as_str().to_owned(), i64::from(value))).collect();
        Ok(v1::AccountSummary { summary_map: Some(map) })
    };
    recorder.one(Ask::new("iam:GetAccountSummary"), || client.get_account_summary().send(), shape).await
}

async fn password_policy(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let ask = Ask::new("iam:GetAccountPasswordPolicy").meaning(&[("NoSuchEntity", Outcome::Empty)]);
    let shape = |answer: aws_sdk_iam::operation::get_account_password_policy::GetAccountPasswordPolicyOutput| {
        let it = answer.password_policy.ok_or(Lacks("PasswordPolicy"))?;
        let policy = v1::PasswordPolicy {
            minimum_password_length: it.minimum_password_length.map(i64::from),
            require_symbols: Some(it.require_symbols),
            require_numbers: Some(it.require_numbers),
            require_uppercase_characters: Some(it.require_uppercase_characters),
            require_lowercase_characters: Some(it.require_lowercase_characters),
            allow_users_to_change_password: Some(it.allow_users_to_change_password),
            expire_passwords: Some(it.expire_passwords),
            max_password_age: it.max_password_age.map(i64::from),
            password_reuse_prevention: it.password_reuse_prevention.map(i64::from),
            hard_expiry: it.hard_expiry,
        };
        Ok(v1::AccountPasswordPolicy { password_policy: Some(policy) })
    };
    recorder.one(ask, || client.get_account_password_policy().send(), shape).await?;
    Ok(())
}

/// State of the credential report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Report {
    InProgress,
    /// Ready, or not to be had.
    Settled,
}

async fn generate_report(client: &Client, recorder: &mut Recorder) -> Result<Report, Error> {
    let shape = |answer: aws_sdk_iam::operation::generate_credential_report::GenerateCredentialReportOutput| {
        let state = answer.state.ok_or(Lacks("State"))?;
        Ok(serde_json::json!({ "State": state.as_str(), "Description": answer.description }))
    };
    let ask = Ask::new("iam:GenerateCredentialReport");
    let state = recorder.one(ask, || client.generate_credential_report().send(), shape).await?;
    Ok(match state.as_ref().and_then(|answer| answer.get("State")?.as_str()) {
        Some("STARTED" | "INPROGRESS") => Report::InProgress,
        _ => Report::Settled,
    })
}

async fn credential_report(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let shape = |answer: aws_sdk_iam::operation::get_credential_report::GetCredentialReportOutput| {
        let content = answer.content.ok_or(Lacks("Content"))?;
        Ok(v1::CredentialReport {
            content: Some(base64::engine::general_purpose::STANDARD.encode(content)),
            report_format: answer.report_format.map(|it| it.as_str().to_owned()),
            generated_time: answer.generated_time.and_then(time),
        })
    };
    recorder.one(Ask::new("iam:GetCredentialReport"), || client.get_credential_report().send(), shape).await?;
    Ok(())
}

async fn virtual_mfa_devices(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let ask = Ask::new("iam:ListVirtualMFADevices").with("MaxItems", MAX_ITEMS);
    let request = |marker| client.list_virtual_mfa_devices().max_items(MAX_ITEMS).set_marker(marker).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::VirtualMfaDevices| {
            let devices = Some(answer.virtual_mfa_devices);
            let items = extend(&mut list.virtual_mfa_devices, "VirtualMFADevices", devices, virtual_mfa_device)?;
            Ok(Page { items: vec![items], next: Next::after(answer.is_truncated, answer.marker) })
        })
        .await?;
    Ok(())
}

fn virtual_mfa_device(it: types::VirtualMfaDevice) -> v1::VirtualMfaDevice {
    let user = |it: types::User| v1::VirtualMfaUser {
        path: Some(it.path),
        user_name: Some(it.user_name),
        user_id: Some(it.user_id),
        arn: Some(it.arn),
        create_date: time(it.create_date),
        password_last_used: it.password_last_used.and_then(time),
    };
    v1::VirtualMfaDevice {
        serial_number: Some(it.serial_number),
        user: it.user.map(user),
        enable_date: it.enable_date.and_then(time),
        tags: it.tags.map(iam_details::tags),
    }
}

async fn server_certificates(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let ask = Ask::new("iam:ListServerCertificates").with("MaxItems", MAX_ITEMS);
    let request = |marker| client.list_server_certificates().max_items(MAX_ITEMS).set_marker(marker).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::ServerCertificates| {
            let certificate = |it: types::ServerCertificateMetadata| v1::ServerCertificateMetadata {
                path: Some(it.path),
                server_certificate_name: Some(it.server_certificate_name),
                server_certificate_id: Some(it.server_certificate_id),
                arn: Some(it.arn),
                upload_date: it.upload_date.and_then(time),
                expiration: it.expiration.and_then(time),
            };
            let certificates = Some(answer.server_certificate_metadata_list);
            let into = &mut list.server_certificate_metadata_list;
            let items = extend(into, "ServerCertificateMetadataList", certificates, certificate)?;
            Ok(Page { items: vec![items], next: Next::after(answer.is_truncated, answer.marker) })
        })
        .await?;
    Ok(())
}

async fn saml_providers(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let request = |_| client.list_saml_providers().send();
    recorder
        .list(Ask::new("iam:ListSAMLProviders"), request, |answer, list: &mut v1::SamlProviders| {
            let provider = |it: types::SamlProviderListEntry| v1::SamlProvider {
                arn: it.arn,
                valid_until: it.valid_until.and_then(time),
                create_date: it.create_date.and_then(time),
            };
            let providers = Some(answer.saml_provider_list.unwrap_or_default());
            let items = extend(&mut list.saml_provider_list, "SAMLProviderList", providers, provider)?;
            Ok(Page { items: vec![items], next: Next::End })
        })
        .await?;
    Ok(())
}

async fn openid_connect_providers(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let request = |_| client.list_open_id_connect_providers().send();
    let listed = recorder
        .list(Ask::new("iam:ListOpenIDConnectProviders"), request, |answer, list: &mut v1::OpenIdConnectProviders| {
            let provider = |it: types::OpenIdConnectProviderListEntry| v1::OpenIdConnectProviderArn { arn: it.arn };
            let providers = Some(answer.open_id_connect_provider_list.unwrap_or_default());
            let into = &mut list.open_id_connect_provider_list;
            let items = extend(into, "OpenIDConnectProviderList", providers, provider)?;
            Ok(Page { items: vec![items], next: Next::End })
        })
        .await?;
    let Some(listed) = listed else { return Ok(()) };
    recorder.begin("GetOpenIDConnectProvider");
    for arn in listed
        .open_id_connect_provider_list
        .into_iter()
        .flatten()
        .filter_map(|provider| provider.arn)
        .take(recorder.most())
    {
        let ask = Ask::new("iam:GetOpenIDConnectProvider").about(&[&arn]);
        let shape = |it: aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput| {
            Ok(v1::OpenIdConnectProvider {
                url: it.url,
                client_id_list: it.client_id_list,
                thumbprint_list: it.thumbprint_list,
                create_date: it.create_date.and_then(time),
                tags: it.tags.map(iam_details::tags),
            })
        };
        let request = || client.get_open_id_connect_provider().open_id_connect_provider_arn(&arn).send();
        recorder.one(ask, request, shape).await?;
    }
    Ok(())
}

async fn organizations_features(client: &Client, recorder: &mut Recorder) -> Result<(), Error> {
    let shape = |answer: aws_sdk_iam::operation::list_organizations_features::ListOrganizationsFeaturesOutput| {
        let features = answer.enabled_features.unwrap_or_default();
        Ok(v1::OrganizationsFeatures {
            organization_id: answer.organization_id,
            enabled_features: Some(features.into_iter().map(|it| it.as_str().to_owned()).collect()),
        })
    };
    // AWS answers so while IAM has no trusted access in the organization, and then no feature is on.
    let ask =
        Ask::new("iam:ListOrganizationsFeatures").meaning(&[("ServiceAccessNotEnabledException", Outcome::Empty)]);
    recorder.one(ask, || client.list_organizations_features().send(), shape).await?;
    Ok(())
}

/// What is asked for each user.
async fn user(client: &Client, recorder: &mut Recorder, name: &str) -> Result<(), Error> {
    let ask = Ask::new("iam:ListMFADevices").about(&[name]);
    let request = |marker| client.list_mfa_devices().user_name(name).set_marker(marker).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::MfaDevices| {
            let device = |it: types::MfaDevice| v1::MfaDevice {
                user_name: Some(it.user_name),
                serial_number: Some(it.serial_number),
                enable_date: time(it.enable_date),
            };
            let items = extend(&mut list.mfa_devices, "MFADevices", Some(answer.mfa_devices), device)?;
            Ok(Page { items: vec![items], next: Next::after(answer.is_truncated, answer.marker) })
        })
        .await?;
    access_keys(client, recorder, name).await?;
    service_specific_credentials(client, recorder, name).await
}

async fn access_keys(client: &Client, recorder: &mut Recorder, user: &str) -> Result<(), Error> {
    let ask = Ask::new("iam:ListAccessKeys").about(&[user]);
    let request = |marker| client.list_access_keys().user_name(user).set_marker(marker).send();
    let listed = recorder
        .list(ask, request, |answer, list: &mut v1::AccessKeys| {
            let key = |it: types::AccessKeyMetadata| v1::AccessKeyMetadata {
                user_name: it.user_name,
                access_key_id: it.access_key_id,
                status: it.status.map(|it| it.as_str().to_owned()),
                create_date: it.create_date.and_then(time),
            };
            let keys = Some(answer.access_key_metadata);
            let items = extend(&mut list.access_key_metadata, "AccessKeyMetadata", keys, key)?;
            Ok(Page { items: vec![items], next: Next::after(answer.is_truncated, answer.marker) })
        })
        .await?;
    let keys = listed.and_then(|listed| listed.access_key_metadata).into_iter().flatten();
    for id in keys.filter_map(|key| key.access_key_id) {
        let ask = Ask::new("iam:GetAccessKeyLastUsed").about(&[&id]);
        let shape = |answer: aws_sdk_iam::operation::get_access_key_last_used::GetAccessKeyLastUsedOutput| {
            let used = answer.access_key_last_used.ok_or(Lacks("AccessKeyLastUsed"))?;
            let used = v1::LastUsed {
                last_used_date: used.last_used_date.and_then(time),
                service_name: Some(used.service_name),
                region: Some(used.region),
            };
            Ok(v1::AccessKeyLastUsed { user_name: answer.user_name, access_key_last_used: Some(used) })
        };
        recorder.one(ask, || client.get_access_key_last_used().access_key_id(&id).send(), shape).await?;
    }
    Ok(())
}

async fn service_specific_credentials(client: &Client, recorder: &mut Recorder, user: &str) -> Result<(), Error> {
    let ask = Ask::new("iam:ListServiceSpecificCredentials").about(&[user]);
    let request = |marker| client.list_service_specific_credentials().user_name(user).set_marker(marker).send();
    recorder
        .list(ask, request, |answer, list: &mut v1::ServiceSpecificCredentials| {
            let credential = |it: types::ServiceSpecificCredentialMetadata| v1::ServiceSpecificCredential {
                user_name: Some(it.user_name),
                status: Some(it.status.as_str().to_owned()),
                service_user_name: Some(it.service_user_name),
                create_date: time(it.create_date),
                expiration_date: it.expiration_date.and_then(time),
                service_specific_credential_id: Some(it.service_specific_credential_id),
                service_name: Some(it.service_name),
                service_credential_alias: it.service_credential_alias,
            };
            let credentials = Some(answer.service_specific_credentials.unwrap_or_default());
            let into = &mut list.service_specific_credentials;
            let items = extend(into, "ServiceSpecificCredentials", credentials, credential)?;
            Ok(Page { items: vec![items], next: Next::after(answer.is_truncated, answer.marker) })
        })
        .await?;
    Ok(())
}
