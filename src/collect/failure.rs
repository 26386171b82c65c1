//! What a failed request means: the one place that tells a refusal from a breakdown, and both from the end of the run.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;

use crate::snapshot::Outcome;

/// Codes by which AWS refuses for lack of permission.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AccessDeniedForDependencyException",
    "AuthorizationError",
    "NotAuthorized",
    "OptInRequired",
    "UnauthorizedAccess",
    "UnauthorizedOperation",
];

/// Codes by which an endpoint says that it does not know the operation, or not for this resource.
const UNSUPPORTED: &[&str] = &[
    "InvalidAction",
    "NotImplemented",
    "NotImplementedException",
    "UnknownOperation",
    "UnknownOperationException",
    "UnsupportedAPIEndpointException",
    "UnsupportedOperation",
    "UnsupportedOperationException",
];

/// Codes by which AWS says that credentials were good once.
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException"];

/// Codes of a request that is not believed. They come with status 403 but no permission would mend them.
const NOT_BELIEVED: &[&str] = &[
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// What follows from a failure beyond its own call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consequence {
    /// A gap, and nothing else.
    Gap,
    /// A gap, but asking once more may help.
    AskAgain,
    /// No connection to the endpoint: the next request there will not fare better.
    Unreachable,
    /// The credentials are no longer valid: the collection ends, and can be resumed.
    Expired,
}

/// A request that brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What the ledger says.
    pub(super) outcome: Outcome,
    /// AWS's code, or a word of ours where no answer of AWS came.
    pub(super) code: Option<String>,
    /// AWS's message, or the reason as the connection gave it.
    pub(super) message: Option<String>,
    /// AWS's request id.
    pub(super) request_id: Option<String>,
    /// What follows from it.
    pub(super) consequence: Consequence,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => write!(f, "{code}: {message}"),
            (Some(text), None) | (None, Some(text)) => f.write_str(text),
            (None, None) => f.write_str("no reason was given"),
        }
    }
}

impl StdError for Failure {}

impl Failure {
    /// A failure that keyproof finds itself: an answer that cannot be taken at its word.
    pub(super) fn of_answer(outcome: Outcome, code: &str, message: impl Into<String>) -> Self {
        Self {
            outcome,
            code: Some(code.to_owned()),
            message: Some(message.into()),
            request_id: None,
            consequence: Consequence::Gap,
        }
    }

    fn without_answer(code: &str, message: String, consequence: Consequence) -> Self {
        Self { consequence, ..Self::of_answer(Outcome::Failed, code, message) }
    }

    /// Classifies what the SDK returned.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        // The refusal of a session that could not be renewed stands behind the failure of the call that needed it.
        if let Some(refusal) = find::<Self>(error) {
            return refusal.clone();
        }
        let words = || words(error);
        if find::<CredentialsError>(error).is_some() {
            return Self::without_answer("CredentialsUnavailable", words(), Consequence::Expired);
        }
        if let Some(cut) = find::<CutShort>(error) {
            return Self::without_answer("CutShort", cut.to_string(), Consequence::AskAgain);
        }
        let mut failure = match error {
            SdkError::TimeoutError(_) => Self::without_answer("Timeout", words(), Consequence::Gap),
            SdkError::DispatchFailure(dispatch) if dispatch.is_user() => {
                Self::without_answer("NotSent", words(), Consequence::Gap)
            }
            SdkError::DispatchFailure(_) => {
                let message = format!("the endpoint gives no connection, or breaks it ({})", last_words(error));
                Self::without_answer("Unreachable", message, Consequence::Unreachable)
            }
            SdkError::ConstructionFailure(_) => Self::without_answer("NotSent", words(), Consequence::Gap),
            SdkError::ResponseError(_) => Self::without_answer("BrokenAnswer", words(), Consequence::Gap),
            SdkError::ServiceError(answer) => {
                let raw = answer.raw();
                let status = raw.status().as_u16();
                let body = raw.body().bytes().unwrap_or_default();
                match answer.err().code() {
                    Some(code) => Self::of_code(code, answer.err().message(), status),
                    None => Self::of_status(status, body, words),
                }
            }
            _ => Self::without_answer("Unknown", words(), Consequence::Gap),
        };
        failure.request_id = error.request_id().map(str::to_owned);
        failure
    }

    fn of_code(code: &str, message: Option<&str>, status: u16) -> Self {
        let expired = EXPIRED.contains(&code);
        let outcome = if DENIED.contains(&code) {
            Outcome::Denied
        } else if UNSUPPORTED.contains(&code) {
            Outcome::Unsupported
        } else if status == 403 && !expired && !NOT_BELIEVED.contains(&code) {
            Outcome::Denied
        } else {
            Outcome::Failed
        };
        Self {
            outcome,
            code: Some(code.to_owned()),
            message: message.map(str::to_owned),
            request_id: None,
            consequence: if expired { Consequence::Expired } else { Consequence::Gap },
        }
    }

    /// An answer without an error code: the status and the form of the body are all there is to go by.
    fn of_status(status: u16, body: &[u8], words: impl Fn() -> String) -> Self {
        let code = format!("HTTP {status}");
        if is_unknown_operation(status, body) {
            let message = "the endpoint answers in another form than the service's protocol, as one does that does not know the operation";
            let outcome = Outcome::Unsupported;
            return Self { consequence: Consequence::AskAgain, ..Self::of_answer(outcome, &code, message) };
        }
        if status < 300 {
            return Self::without_answer("MalformedAnswer", words(), Consequence::AskAgain);
        }
        Self::without_answer(&code, words(), Consequence::Gap)
    }
}

/// Whether a server error is that of an endpoint which does not know the operation: a page for people instead of the service's
/// protocol. Gateways (502 to 504) also answer with such pages, but those pass, and are retried like any other server error.
pub(super) fn is_unknown_operation(status: u16, body: &[u8]) -> bool {
    status >= 500 && !(502..=504).contains(&status) && !speaks_protocol(body)
}

/// Whether a body is JSON or XML, or empty.
fn speaks_protocol(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let starts =
        |start: &str| body.get(..start.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(start.as_bytes()));
    match body.first() {
        None | Some(b'{') => true,
        Some(b'<') => !starts("<!doctype html") && !starts("<html"),
        Some(_) => false,
    }
}

/// An XML answer that ends before its root element does. The SDK's XML reader takes the end of the text for the end of every open
/// list, so that such an answer would pass for a shorter list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer of {bytes} bytes ends before its XML does")]
pub(super) struct CutShort {
    /// Length of what arrived.
    pub(super) bytes: usize,
}

/// An error and its causes, each said once.
pub(super) fn words(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// The two causes at the end of a chain. What the SDK says above them repeats the request.
fn last_words(error: &(dyn StdError + 'static)) -> String {
    let (mut before, mut last) = (None, error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        before = Some(std::mem::replace(&mut last, error.to_string()));
        cause = error.source();
    }
    match before {
        Some(before) if !before.contains(&last) => format!("{before}: {last}"),
        Some(before) => before,
        None => last,
    }
}

/// Finds an error of one type in a chain of causes.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(code: &str, status: u16) -> (Outcome, Consequence) {
        let failure = Failure::of_code(code, None, status);
        (failure.outcome, failure.consequence)
    }

    #[test]
    fn a_refusal_is_denied_whatever_the_service_calls_it() {
        assert_eq!(outcome("AccessDenied", 403).0, Outcome::Denied);
        assert_eq!(outcome("AccessDeniedException", 400).0, Outcome::Denied);
        assert_eq!(outcome("SomethingNew", 403).0, Outcome::Denied);
    }

    #[test]
    fn credentials_that_are_not_believed_are_no_missing_permission() {
        assert_eq!(outcome("UnrecognizedClientException", 400).0, Outcome::Failed);
        assert_eq!(outcome("InvalidClientTokenId", 403).0, Outcome::Failed);
    }

    #[test]
    fn expired_credentials_end_the_run() {
        assert_eq!(outcome("ExpiredToken", 403), (Outcome::Failed, Consequence::Expired));
        assert_eq!(outcome("ExpiredTokenException", 400), (Outcome::Failed, Consequence::Expired));
    }

    #[test]
    fn throttling_to_the_end_is_a_failure() {
        assert_eq!(outcome("ThrottlingException", 400), (Outcome::Failed, Consequence::Gap));
    }

    #[test]
    fn a_page_for_people_means_an_unknown_operation_and_a_gateway_page_does_not() {
        let page = b"<!doctype html>\n<html lang=en><title>500 Internal Server Error</title>";
        assert!(is_unknown_operation(500, page));
        assert!(is_unknown_operation(501, b"Not Implemented"));
        assert!(!is_unknown_operation(503, page));
        assert!(!is_unknown_operation(500, br#"{"__type": "InternalFailure"}"#));
        assert!(!is_unknown_operation(
            500,
            b"<ErrorResponse><Error><Code>ServiceFailure</Code></Error></ErrorResponse>"
        ));
        assert!(!is_unknown_operation(500, b""), "an empty answer says nothing about the operation");
    }

    #[test]
    fn an_answer_that_cannot_be_parsed_is_asked_for_again() {
        let failure = Failure::of_status(200, b"{\"Keys\": [", || "unexpected end".to_owned());
        assert_eq!((failure.outcome, failure.consequence), (Outcome::Failed, Consequence::AskAgain));
    }
}
