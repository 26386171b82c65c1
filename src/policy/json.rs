//! What reading policies and reading requests have in common: JSON values that are well formed and not read further, so
//! that each keeps its place in the text.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in order, repeated names included.
pub(super) fn members(object: &RawValue) -> serde_json::Result<Vec<(String, &RawValue)>> {
    serde_json::Deserializer::from_str(object.get()).deserialize_map(MemberVisitor)
}

/// The reason of an error alone: the place is reported by us, in one form for all errors.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

/// What sort of value it is, for errors.
pub(super) fn sort(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

struct MemberVisitor;

impl<'t> Visitor<'t> for MemberVisitor {
    type Value = Vec<(String, &'t RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_order_and_repetition() {
        let object: &RawValue = serde_json::from_str(r#"{"b":1,"a":[2],"b":null}"#).unwrap();
        let members: Vec<_> = members(object).unwrap().into_iter().map(|(name, value)| (name, sort(value))).collect();
        let expected = [("b", "a number"), ("a", "a list"), ("b", "null")];
        assert_eq!(members, expected.map(|(name, sort)| (name.to_owned(), sort)));
    }

    #[test]
    fn a_reason_names_no_place() {
        let error = serde_json::from_str::<&RawValue>("{\n\"a\":}").unwrap_err();
        assert_eq!(reason(&error), "expected value");
    }
}
