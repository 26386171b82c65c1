//! Who calls, and how an account is entered: STS.

use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sts::operation::RequestId;
use jiff::{SignedDuration, Timestamp};

use super::call::{Ask, Lacks, now, send};
use super::client::Access;
use super::failure::{Consequence, Failure, words};
use super::{Error, Options};
use crate::snapshot::{Call, Collector, Outcome, v1};

/// Name of the sessions, to be found in the accounts' own CloudTrail.
pub(super) const SESSION_NAME: &str = "keyproof";

/// A session is renewed when it has less than this left, or a quarter of its life, so that no request is signed with credentials
/// about to end.
const RENEWAL: SignedDuration = SignedDuration::from_mins(5);

/// Who runs the collection.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// ARN, account and unique id.
    pub(super) collector: Collector,
    /// 12 digits.
    pub(super) account_id: String,
    /// Partition of the ARN.
    pub(super) partition: String,
    /// The answer.
    pub(super) answer: v1::CallerIdentity,
    /// Its record.
    pub(super) call: Call,
}

/// Asks who the caller is: the first request of a run, so that what is wrong with credentials or endpoint shows here.
pub(super) async fn identity(access: &Access) -> Result<Identity, Error> {
    let Some(credentials) = access.credentials() else {
        return Err(Error::NoCredentials { reason: "the SDK found no credentials provider".to_owned() });
    };
    if let Err(failed) = credentials.provide_credentials().await {
        return Err(Error::NoCredentials { reason: attempts(&words(&failed)) });
    }
    match caller_identity(access).await {
        (call, Ok(answer)) => {
            let account_id = answer.account.clone().unwrap_or_default();
            let arn = answer.arn.clone().unwrap_or_default();
            let partition = arn.split(':').nth(1).unwrap_or_default().to_owned();
            if !is_account_id(&account_id) || partition.is_empty() {
                let reason = format!("sts:GetCallerIdentity names account `{account_id}` and ARN `{arn}`");
                return Err(Error::CredentialsRefused { reason });
            }
            let collector = Collector {
                arn: answer.arn.clone(),
                account_id: answer.account.clone(),
                user_id: answer.user_id.clone(),
            };
            Ok(Identity { collector, account_id, partition, answer, call })
        }
        (_, Err(failure)) => Err(match failure.consequence {
            Consequence::Unreachable => Error::Unreachable {
                endpoint: access.endpoint().map_or_else(
                    || format!("the STS endpoint of Region {}", access.region().unwrap_or("?")),
                    str::to_owned,
                ),
                reason: failure.to_string(),
            },
            _ => Error::CredentialsRefused { reason: failure.to_string() },
        }),
    }
}

/// What the credential chain tried, in one line and without what it says of every provider.
fn attempts(words: &str) -> String {
    let tried = words.split_once("Attempted:").map_or(words, |(_, tried)| tried);
    let lines = tried.lines().map(|line| line.trim().replace("the credential provider was not enabled", "not set up"));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

/// One `sts:GetCallerIdentity`.
pub(super) async fn caller_identity(access: &Access) -> (Call, Result<v1::CallerIdentity, Failure>) {
    let ask = Ask::new("sts:GetCallerIdentity");
    let client = access.sts();
    match send(|| client.get_caller_identity().send()).await {
        Ok(answer) => {
            let call = ask.call(1, Outcome::Collected, answer.request_id());
            (call, Ok(v1::CallerIdentity { user_id: answer.user_id, account: answer.account, arn: answer.arn }))
        }
        Err(failure) => (ask.failed(1, &failure), Err(failure)),
    }
}

/// Whether a text is 12 digits. Whatever names a folder of the snapshot passes here.
pub(super) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A session of the audit role in one account, which renews itself.
pub(super) struct Session {
    client: Client,
    role_arn: String,
    external_id: Option<String>,
    /// The credentials and when to renew them.
    current: tokio::sync::Mutex<Option<(Credentials, Timestamp)>>,
    calls: Mutex<Vec<Call>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither credentials nor the external id belong in a log.
        f.debug_struct("Session").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}

impl Session {
    /// A session that is not yet entered.
    pub(super) fn new(caller: &Access, partition: &str, account_id: &str, options: &Options) -> Self {
        Self {
            // Each account has its own budget of retries, here as elsewhere.
            client: caller.in_account(account_id, None).sts(),
            role_arn: format!("arn:{partition}:iam::{account_id}:role/{}", options.role_name),
            external_id: options.external_id.clone(),
            current: tokio::sync::Mutex::default(),
            calls: Mutex::default(),
        }
    }

    /// ARN of the role.
    pub(super) fn role_arn(&self) -> &str {
        &self.role_arn
    }

    /// Assumes the role and returns the ARN of the session.
    pub(super) async fn enter(&self) -> Result<String, Failure> {
        let (credentials, arn) = self.assume().await?;
        *self.current.lock().await = Some((credentials.clone(), renewal(&credentials, now())));
        Ok(arn)
    }

    /// The calls since the last time, for the file at hand.
    pub(super) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// As a provider for clients.
    pub(super) fn provider(self: &Arc<Self>) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Renewal(Arc::clone(self)))
    }

    async fn assume(&self) -> Result<(Credentials, String), Failure> {
        let ask = Ask::new("sts:AssumeRole").with("RoleArn", &self.role_arn).with("RoleSessionName", SESSION_NAME);
        let request = self
            .client
            .assume_role()
            .role_arn(&self.role_arn)
            .role_session_name(SESSION_NAME)
            .set_external_id(self.external_id.clone());
        let answer = send(|| request.clone().send()).await.and_then(|answer| {
            let request_id = answer.request_id().map(str::to_owned);
            let credentials = answer.credentials.and_then(credentials).ok_or_else(|| Lacks("Credentials").failure())?;
            let user = answer.assumed_role_user.ok_or_else(|| Lacks("AssumedRoleUser").failure())?;
            Ok((credentials, user.arn, request_id))
        });
        let (call, result) = match answer {
            Ok((credentials, arn, id)) => (ask.call(1, Outcome::Collected, id.as_deref()), Ok((credentials, arn))),
            Err(failure) => (ask.failed(1, &failure), Err(failure)),
        };
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        result
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let mut current = self.current.lock().await;
        if let Some((credentials, renewal)) = current.as_ref()
            && *renewal > now()
        {
            return Ok(credentials.clone());
        }
        let (credentials, _) = self.assume().await.map_err(CredentialsError::provider_error)?;
        *current = Some((credentials.clone(), renewal(&credentials, now())));
        Ok(credentials)
    }
}

/// When to renew credentials that were given at a time: at once when they do not say when they end.
fn renewal(credentials: &Credentials, given: Timestamp) -> Timestamp {
    let end = credentials.expiry().and_then(|end| Timestamp::try_from(end).ok()).unwrap_or(given);
    let life = end.duration_since(given);
    end - RENEWAL.min(life / 4).max(SignedDuration::ZERO)
}

fn credentials(answer: aws_sdk_sts::types::Credentials) -> Option<Credentials> {
    let expiration = std::time::SystemTime::try_from(answer.expiration).ok()?;
    let credentials = Credentials::builder()
        .access_key_id(answer.access_key_id)
        .secret_access_key(answer.secret_access_key)
        .session_token(answer.session_token)
        .expiry(expiration)
        .provider_name("keyproof");
    Some(credentials.build())
}

#[derive(Debug)]
struct Renewal(Arc<Session>);

impl ProvideCredentials for Renewal {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.0.credentials())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// When a session that was given at noon and ends at a time is renewed.
    fn renewed(end: Option<&str>) -> Timestamp {
        let end = end.map(|end| std::time::SystemTime::from(at(end)));
        let mut builder =
            Credentials::builder().access_key_id("AKIA").secret_access_key("secret").provider_name("test");
        builder.set_expiry(end);
        renewal(&builder.build(), at("2026-09-30T12:00:00Z"))
    }

    #[test]
    fn a_session_is_renewed_before_it_ends() {
        assert_eq!(renewed(Some("2026-09-30T13:00:00Z")), at("2026-09-30T12:55:00Z"), "five minutes before");
        assert_eq!(renewed(Some("2026-09-30T12:04:00Z")), at("2026-09-30T12:03:00Z"), "a quarter of a short life");
        assert_eq!(renewed(Some("2026-09-30T12:00:00Z")), at("2026-09-30T12:00:00Z"), "at once: it has no life");
        assert_eq!(renewed(Some("2026-09-30T11:59:00Z")), at("2026-09-30T11:59:00Z"), "it was given too late");
        assert_eq!(renewed(None), at("2026-09-30T12:00:00Z"), "no end is known");
    }
}
