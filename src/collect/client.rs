//! How the SDK is set up: HTTP and TLS, timeouts, retries, and the guards that every request passes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef, InterceptorContext,
};
use aws_sdk_sts::config::retry::{ClassifyRetry, RetryAction, RetryConfig, RetryPartition};
use aws_sdk_sts::config::{
    AppName, ConfigBag, Intercept, RuntimeComponents, SharedCredentialsProvider, SharedHttpClient,
};
use aws_sdk_sts::error::BoxError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};

use super::call::now;
use super::failure::{CutShort, is_unknown_operation};

/// Attempts of one request. The SDK waits longer before each, up to 20 seconds, so that eight ride out a minute of throttling.
const ATTEMPTS: u32 = 8;

/// Attempts of the first request of a run, and of requests to an endpoint that could not be reached before.
const FEW_ATTEMPTS: u32 = 2;

/// Settings and credentials for the clients of one account.
#[derive(Debug, Clone)]
pub(super) struct Access {
    config: SdkConfig,
    account_id: String,
    attempts: u32,
    counter: Counter,
    clock: Clock,
}

/// How far this machine's clock is ahead of AWS's, as the answers of one account tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock(Arc<Mutex<Option<i64>>>);

impl Clock {
    /// In seconds; negative: behind. Nothing before the first answer.
    pub(super) fn ahead_seconds(&self) -> Option<i64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares with the time on an answer. That is as old as the answer's way is long, so the least difference is the truest.
    fn compare(&self, date: &str) {
        let Ok(date) = jiff::fmt::rfc2822::parse(date) else { return };
        let ahead = now().as_second() - date.timestamp().as_second();
        let mut least = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *least = Some(least.map_or(ahead, |least| least.min(ahead)));
    }
}

/// Number of HTTP requests sent, retries included.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter(Arc<AtomicU64>);

impl Counter {
    /// The number so far.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Loads the SDK's default configuration: shared files, environment, credential chain.
pub(super) async fn load(region: Option<&str>) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(60))
        .operation_attempt_timeout(Duration::from_secs(120))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http()).timeout_config(timeouts);
    if let Ok(name) = AppName::new(concat!("keyproof-", env!("CARGO_PKG_VERSION"))) {
        loader = loader.app_name(name);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    loader.load().await
}

/// One HTTP client for all: TLS by ring, the system's roots, the proxy that the environment names.
fn http() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    })
}

impl Access {
    /// The caller's own credentials.
    pub(super) fn of_caller(config: SdkConfig) -> Self {
        Self {
            config,
            account_id: "caller".to_owned(),
            attempts: FEW_ATTEMPTS,
            counter: Counter::default(),
            clock: Clock::default(),
        }
    }

    /// The same settings in one account, with that account's credentials.
    pub(super) fn in_account(&self, account_id: &str, credentials: Option<SharedCredentialsProvider>) -> Self {
        let mut config = self.config.to_builder();
        if let Some(credentials) = credentials {
            config = config.credentials_provider(credentials);
        }
        Self {
            config: config.build(),
            account_id: account_id.to_owned(),
            attempts: ATTEMPTS,
            counter: self.counter.clone(),
            clock: Clock::default(),
        }
    }

    /// How far this machine's clock is ahead of AWS's.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The same in another Region.
    pub(super) fn in_region(&self, region: &str) -> Self {
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        Self { config, ..self.clone() }
    }

    /// The same, soon giving up.
    pub(super) fn impatient(&self) -> Self {
        Self { attempts: FEW_ATTEMPTS, ..self.clone() }
    }

    /// The Region of the clients.
    pub(super) fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }

    /// The endpoint that the user set for all services, if any.
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.config.endpoint_url()
    }

    /// The credentials.
    pub(super) fn credentials(&self) -> Option<SharedCredentialsProvider> {
        self.config.credentials_provider()
    }

    /// The number of HTTP requests sent by all clients of the run.
    pub(super) fn counter(&self) -> &Counter {
        &self.counter
    }

    fn retries(&self) -> RetryConfig {
        RetryConfig::standard().with_max_attempts(self.attempts)
    }

    /// Clients that name no partition share one budget of retries for each service and Region, across all accounts: one
    /// throttled account would use up the retries of the others.
    fn partition(&self, service: &str) -> RetryPartition {
        RetryPartition::new(format!("{service}-{}-{}", self.account_id, self.region().unwrap_or("global")))
    }

    fn guard(&self) -> Guard {
        Guard { counter: self.counter.clone(), clock: self.clock.clone() }
    }
}

/// Makes the client of one service.
macro_rules! client {
    ($name:ident, $service:ident) => {
        impl Access {
            /// A client of the service.
            pub(super) fn $name(&self) -> $service::Client {
                let config = $service::config::Builder::from(&self.config)
                    .retry_config(self.retries())
                    .retry_partition(self.partition(stringify!($name)))
                    .retry_classifier(NoRetryOfUnknownOperations)
                    .interceptor(self.guard());
                $service::Client::from_conf(config.build())
            }
        }
    };
}

client!(account, aws_sdk_account);
client!(iam, aws_sdk_iam);
client!(kms, aws_sdk_kms);
client!(organizations, aws_sdk_organizations);
client!(sts, aws_sdk_sts);

/// Keeps the SDK from retrying eight times what will not change; [`super::call::send`] asks once more.
#[derive(Debug)]
struct NoRetryOfUnknownOperations;

impl ClassifyRetry for NoRetryOfUnknownOperations {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if is_foreign(response) => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "unknown operations are not retried"
    }
}

fn is_foreign(response: &HttpResponse) -> bool {
    response.body().bytes().is_some_and(|body| is_unknown_operation(response.status().as_u16(), body))
}

/// Counts requests, compares clocks, and refuses XML that ends before its root element does.
#[derive(Debug)]
struct Guard {
    counter: Counter,
    clock: Clock,
}

impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "keyproof"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.counter.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if let Some(date) = response.headers().get("date") {
            self.clock.compare(date);
        }
        match response.body().bytes() {
            Some(body) if response.status().is_success() && is_cut_short(body) => {
                Err(CutShort { bytes: body.len() }.into())
            }
            _ => Ok(()),
        }
    }
}

/// Whether a body begins as XML but does not end with the end of its root element.
fn is_cut_short(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    if !body.starts_with(b"<") {
        return false;
    }
    let Some(root) = root_element(body) else { return true };
    let closed = body
        .strip_suffix(b">")
        .map(<[u8]>::trim_ascii_end)
        .is_some_and(|body| body.strip_suffix(root).is_some_and(|body| body.ends_with(b"</")));
    // `<Root/>` alone is whole too.
    let lone = body.ends_with(b"/>") && body.iter().filter(|byte| **byte == b'<').count() <= 2;
    !closed && !lone
}

/// The name of the root element: the first that is neither a declaration nor a comment.
fn root_element(body: &[u8]) -> Option<&[u8]> {
    let mut rest = body;
    loop {
        let start = rest.iter().position(|byte| *byte == b'<')?;
        rest = rest.get(start + 1..)?;
        if matches!(rest.first(), Some(b'?' | b'!')) {
            continue;
        }
        let end = rest.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))?;
        return rest.get(..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_difference_of_the_clocks_is_kept() {
        let clock = Clock::default();
        assert_eq!(clock.ahead_seconds(), None);
        clock.compare("no date");
        assert_eq!(clock.ahead_seconds(), None);
        let date = |ago: i64| {
            let time = now() - jiff::SignedDuration::from_secs(ago);
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
        };
        clock.compare(&date(900));
        assert!((900..930).contains(&clock.ahead_seconds().unwrap()));
        clock.compare(&date(300));
        clock.compare(&date(600));
        assert!((300..330).contains(&clock.ahead_seconds().unwrap()));
    }

    #[test]
    fn xml_that_ends_early_is_noticed_and_whole_xml_is_not() {
        let whole = "<?xml version=\"1.0\"?>\n<ListUsersResponse xmlns=\"https://iam\"><A/></ListUsersResponse>\n";
        assert!(!is_cut_short(whole.as_bytes()));
        assert!(!is_cut_short(b"<Empty/>"));
        assert!(!is_cut_short(b"{\"Keys\": ["), "JSON is the parser's business");
        for end in 1..whole.trim_end().len() {
            assert!(is_cut_short(&whole.as_bytes()[..end]), "cut after {end}: {}", &whole[..end]);
        }
    }
}
