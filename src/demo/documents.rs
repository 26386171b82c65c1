//! Policy documents as people write them: members in the usual order, as an object or as the text that KMS returns.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::snapshot::Error;

/// Members of policy documents and statements in the order in which people write them.
const ORDER: [&str; 14] = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "AWS",
    "Service",
];

/// JSON text of a policy document, cheap to share among its holders.
#[derive(Debug, Clone)]
pub(super) struct Document(Arc<str>);

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        let mut text = String::new();
        write(&value, None, &mut text);
        Self(text.into())
    }
}

impl Document {
    /// A document laid out over lines, as `GetKeyPolicy` and `DescribePolicy` return it.
    pub(super) fn laid_out(value: &Value) -> Self {
        let mut text = String::new();
        write(value, Some(0), &mut text);
        Self(text.into())
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The document as a JSON value to embed, which the AWS CLI prints for IAM.
    pub(super) fn embedded(&self) -> Result<Box<RawValue>, Error> {
        RawValue::from_string(self.0.to_string())
            .map_err(|failed| Error::Encode { path: "PolicyDocument".to_owned(), reason: failed.to_string() })
    }
}

/// Writes `value` in one line, or with `indent` levels of two blanks.
fn write(value: &Value, indent: Option<usize>, text: &mut String) {
    let inner = indent.map(|levels| levels + 1);
    match value {
        Value::Object(members) if !members.is_empty() => {
            let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| (rank(name), name.as_str()));
            text.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                separate(index, inner, text);
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push_str(if indent.is_some() { " : " } else { ":" });
                write(member, inner, text);
            }
            end_line(indent, text);
            text.push('}');
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, inner, text);
                write(item, inner, text);
            }
            end_line(indent, text);
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn separate(index: usize, indent: Option<usize>, text: &mut String) {
    if index > 0 {
        text.push(',');
    }
    end_line(indent, text);
}

fn end_line(indent: Option<usize>, text: &mut String) {
    if let Some(levels) = indent {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", levels));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_stand_in_the_usual_order_and_nothing_is_lost() {
        let value =
            json!({"Statement": [{"Resource": "*", "Effect": "Allow", "Action": ["a", "b"], "X": {}}], "Version": "v"});
        let document = Document::from(value.clone());
        assert_eq!(
            document.text(),
            r#"{"Version":"v","Statement":[{"Effect":"Allow","Action":["a","b"],"Resource":"*","X":{}}]}"#
        );
        for document in [document, Document::laid_out(&value)] {
            assert_eq!(serde_json::from_str::<Value>(document.text()).unwrap(), value);
        }
    }
}
