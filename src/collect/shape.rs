//! How values of the SDK become values of the snapshot.

use aws_sdk_sts::primitives::DateTime;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::value::{RawValue, to_raw_value};

use crate::snapshot::v1::Time;

/// A time. Nothing when it lies outside the years 1 to 9999.
pub(super) fn time(date: DateTime) -> Option<Time> {
    let nanoseconds = i32::try_from(date.subsec_nanos()).ok()?;
    Timestamp::new(date.secs(), nanoseconds).ok().map(Time)
}

/// A policy document of the IAM API, URL-encoded as it comes: the JSON object byte for byte, or the text as a JSON string when it
/// is none.
pub(super) fn document(encoded: &str) -> Option<Box<RawValue>> {
    // `{` is always encoded by AWS, so that a text with one at its beginning is not encoded at all.
    let decoded = if encoded.trim_start().starts_with('{') {
        encoded.to_owned()
    } else {
        percent_decode_str(encoded).decode_utf8().map_or_else(|_| encoded.to_owned(), |text| text.into_owned())
    };
    let text = decoded.trim();
    if text.starts_with('{')
        && let Ok(object) = RawValue::from_string(text.to_owned())
    {
        return Some(object);
    }
    to_raw_value(&decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_decoded_and_otherwise_kept_byte_for_byte() {
        let kept = document("%7B%22Version%22%3A%20%222012-10-17%22%2C%20%22a%22%3A1%2C%22a%22%3A2%7D").unwrap();
        assert_eq!(kept.get(), r#"{"Version": "2012-10-17", "a":1,"a":2}"#);
    }

    #[test]
    fn a_plus_sign_is_a_plus_sign() {
        assert_eq!(document("%7B%22a%22:%22x+y%2Bz%22%7D").unwrap().get(), r#"{"a":"x+y+z"}"#);
    }

    #[test]
    fn a_document_that_is_not_encoded_is_not_decoded() {
        assert_eq!(document(r#"{"a": "100%25"}"#).unwrap().get(), r#"{"a": "100%25"}"#);
    }

    #[test]
    fn what_is_not_a_json_object_is_kept_as_text() {
        for (encoded, text) in [("%7Bnot json", "{not json"), ("%22text%22", "\"text\""), ("%ff", "%ff"), ("", "")] {
            let kept = document(encoded).unwrap();
            assert_eq!(serde_json::from_str::<String>(kept.get()).unwrap(), text);
        }
    }

    #[test]
    fn times_keep_their_fraction() {
        let kept = time(DateTime::from_secs_and_nanos(1_700_000_000, 500_000_000)).unwrap();
        assert_eq!(kept.0.to_string(), "2023-11-14T22:13:20.5Z");
        assert!(time(DateTime::from_secs(i64::MAX)).is_none());
    }
}
