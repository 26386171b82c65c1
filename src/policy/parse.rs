//! How a policy document is read from text: every value keeps its place, so that every error can name it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::value::RawValue;

use super::action::{ActionPattern, Actions};
use super::condition::{Condition, ConditionTest, Operator};
use super::document::{Document, Effect, Statement, Tolerance, Tolerated, Version};
use super::json;
use super::principal::{Principal, PrincipalElement};
use super::resource::{ResourcePattern, Resources};
use super::text::{Text, Variables};

/// Why a text is no policy document, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (line {line}, column {column}{})", at(.place))]
pub struct ParseError {
    /// Line in the decoded text, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// JSON pointer of the value, empty for the document as a whole.
    pub place: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is longer than [`Document::MAX_BYTES`].
    #[error("policy document of {0} bytes is larger than the {limit} that are read", limit = Document::MAX_BYTES)]
    TooLarge(usize),
    /// A string is longer than [`Document::MAX_STRING_BYTES`].
    #[error("a string of {0} bytes is longer than the {limit} that are read", limit = Document::MAX_STRING_BYTES)]
    LongString(usize),
    /// The URL-encoded text does not decode to UTF-8.
    #[error("URL-encoded policy document is not UTF-8 once decoded")]
    NotUtf8,
    /// The text is not JSON.
    #[error("policy document is not valid JSON: {0}")]
    NotJson(String),
    /// A member stands twice in one object, so that readers may disagree on its meaning.
    #[error("`{0}` stands twice in one object")]
    Repeated(String),
    /// A value of another type than the element takes.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the element takes.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A name that the language does not have; names are case-sensitive.
    #[error("unknown element `{0}`: names are case-sensitive")]
    UnknownElement(String),
    /// An element without which the document or statement means nothing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// An element together with its own negation.
    #[error("both `{0}` and `{1}` are given")]
    Both(&'static str, &'static str),
    /// A text that the element does not take.
    #[error("`{found}` is no {expected}")]
    WrongText {
        /// What the element takes.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
}

fn at(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(", at {place}") }
}

/// Reads a document; see [`Document::parse`].
pub(super) fn document(text: &str) -> Result<Document, ParseError> {
    let whole = |problem| ParseError { line: 1, column: 1, place: String::new(), problem };
    if text.len() > Document::MAX_BYTES {
        return Err(whole(Problem::TooLarge(text.len())));
    }
    let mut tolerated = Vec::new();
    let mut decoded = Cow::Borrowed(text);
    if text.trim_start().starts_with('%') {
        decoded =
            percent_encoding::percent_decode_str(text.trim()).decode_utf8().map_err(|_| whole(Problem::NotUtf8))?;
        tolerated.push(Tolerance { statement: None, what: Tolerated::UrlEncoded });
    }
    let root: &RawValue = serde_json::from_str(&decoded).map_err(|error| ParseError {
        line: error.line(),
        // An error at the very start of a line has the column 0.
        column: error.column().max(1),
        place: String::new(),
        problem: Problem::NotJson(json::reason(&error)),
    })?;
    let mut reader = Reader { text: &decoded, statement: None, variables: Variables::Plain, tolerated };
    reader.document(root)
}

/// Where a value stands, as a list that lives on the stack: the text of it is only made for an error.
#[derive(Clone, Copy)]
enum Place<'p> {
    Root,
    Member(&'p Self, &'p str),
    Item(&'p Self, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(parent, name) => write!(formatter, "{parent}/{}", name.replace('~', "~0").replace('/', "~1")),
            Self::Item(parent, index) => write!(formatter, "{parent}/{index}"),
        }
    }
}

/// A JSON value that was checked to be well formed but not read further, and its place.
#[derive(Clone, Copy)]
struct Value<'t, 'p> {
    raw: &'t RawValue,
    place: Place<'p>,
}

struct Reader<'t> {
    text: &'t str,
    statement: Option<usize>,
    variables: Variables,
    tolerated: Vec<Tolerance>,
}

/// The members of an object, in order, each name once.
struct Members<'t, 'p> {
    place: &'p Place<'p>,
    list: Vec<(String, &'t RawValue)>,
}

impl<'t, 'p> Members<'t, 'p> {
    fn get(&self, name: &'p str) -> Option<Value<'t, 'p>> {
        let (_, raw) = self.list.iter().find(|(member, _)| member == name)?;
        Some(Value { raw, place: Place::Member(self.place, name) })
    }
}

impl<'t> Reader<'t> {
    fn document(&mut self, raw: &'t RawValue) -> Result<Document, ParseError> {
        let root = Value { raw, place: Place::Root };
        let members = self.object(&root, "a policy document (an object)")?;
        self.known(&members, &["Version", "Id", "Statement"])?;
        let version = match members.get("Version") {
            Some(value) => self.version(&value)?,
            None => {
                self.tolerate(Tolerated::AbsentVersion);
                Version::V2008
            }
        };
        self.variables = version.variables();
        let id = members.get("Id").map(|value| self.string(&value)).transpose()?;
        let Some(statements) = members.get("Statement") else {
            return Err(self.error(&root, Problem::Missing("Statement")));
        };
        let statements = self.statements(&statements)?;
        Ok(Document { version, id, statements, tolerated: std::mem::take(&mut self.tolerated) })
    }

    fn version(&self, value: &Value<'t, '_>) -> Result<Version, ParseError> {
        match self.string(value)?.as_str() {
            "2008-10-17" => Ok(Version::V2008),
            "2012-10-17" => Ok(Version::V2012),
            other => Err(self.wrong_text(value, "policy version (2012-10-17 or 2008-10-17)", other)),
        }
    }

    fn statements(&mut self, value: &Value<'t, '_>) -> Result<Vec<Statement>, ParseError> {
        if value.raw.get().starts_with('{') {
            self.tolerate(Tolerated::LoneStatement);
            return Ok(vec![self.statement(value, 0)?]);
        }
        let items = self.array(value, "a statement or a list of statements")?;
        let mut statements = Vec::with_capacity(items.len());
        for (index, raw) in items.into_iter().enumerate() {
            statements.push(self.statement(&Value { raw, place: Place::Item(&value.place, index) }, index)?);
        }
        Ok(statements)
    }

    fn statement(&mut self, value: &Value<'t, '_>, index: usize) -> Result<Statement, ParseError> {
        self.statement = Some(index);
        let members = self.object(value, "a statement (an object)")?;
        self.known(&members, &STATEMENT_ELEMENTS)?;
        let sid = members.get("Sid").map(|value| self.string(&value)).transpose()?;
        let Some(effect) = members.get("Effect") else { return Err(self.error(value, Problem::Missing("Effect"))) };
        let effect = match self.string(&effect)?.as_str() {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            other => return Err(self.wrong_text(&effect, "effect (Allow or Deny, case-sensitive)", other)),
        };
        let principal = match self.either(value, &members, ["Principal", "NotPrincipal"])? {
            Some((negated, name, value)) => Some(PrincipalElement { negated, entries: self.principals(&value, name)? }),
            None => None,
        };
        let Some((negated, name, list)) = self.either(value, &members, ["Action", "NotAction"])? else {
            return Err(self.error(value, Problem::Missing("Action")));
        };
        let patterns = self.strings(&list, name)?.into_iter().map(ActionPattern::new).collect();
        let actions = Actions { negated, patterns };
        let resources = match self.either(value, &members, ["Resource", "NotResource"])? {
            Some((negated, name, list)) => {
                let texts = self.strings(&list, name)?;
                let pattern = |text| ResourcePattern::new(Text::new(text, self.variables));
                Some(Resources { negated, patterns: texts.into_iter().map(pattern).collect() })
            }
            None => {
                self.tolerate(Tolerated::AbsentResource);
                None
            }
        };
        let condition = members.get("Condition").map(|value| self.condition(&value)).transpose()?;
        self.statement = None;
        Ok(Statement { index, sid, effect, principal, actions, resources, condition })
    }

    fn principals(&mut self, value: &Value<'t, '_>, name: &'static str) -> Result<Vec<Principal>, ParseError> {
        if value.raw.get().starts_with('"') {
            return match self.string(value)?.as_str() {
                "*" => Ok(vec![Principal::Everyone]),
                other => Err(self.wrong_text(value, "principal (\"*\" or an object)", other)),
            };
        }
        let mut entries = Vec::new();
        if value.raw.get().starts_with('[') {
            if let Some(raw) = self.array(value, "")?.first() {
                let place = Place::Item(&value.place, 0);
                return Err(self.wrong_type(&Value { raw, place }, "\"*\" or an object with AWS, Service, …"));
            }
        } else {
            let members = self.object(value, "\"*\" or an object with AWS, Service, …")?;
            for (kind, raw) in &members.list {
                let member = Value { raw, place: Place::Member(&value.place, kind) };
                let of_kind: fn(String) -> Principal = match kind.as_str() {
                    "AWS" => Principal::aws,
                    "Service" => Principal::Service,
                    "Federated" => Principal::Federated,
                    "CanonicalUser" => Principal::CanonicalUser,
                    _ => return Err(self.error(&member, Problem::UnknownElement(kind.clone()))),
                };
                entries.extend(self.list(&member)?.into_iter().map(of_kind));
            }
        }
        if entries.is_empty() {
            self.tolerate(Tolerated::EmptyElement { element: name });
        }
        Ok(entries)
    }

    fn condition(&mut self, value: &Value<'t, '_>) -> Result<Condition, ParseError> {
        let mut tests = Vec::new();
        let operators = self.object(value, "an object of condition operators")?;
        let mut has_empty_part = operators.list.is_empty();
        for (operator_source, raw) in &operators.list {
            let operator = Operator::parse(operator_source);
            if operator == Operator::Unknown {
                self.tolerate(Tolerated::UnknownOperator { operator: operator_source.clone() });
            }
            let keys = Value { raw, place: Place::Member(&value.place, operator_source) };
            let members = self.object(&keys, "an object of condition keys")?;
            has_empty_part |= members.list.is_empty();
            let mut seen = BTreeSet::new();
            for (key_source, raw) in &members.list {
                let values = Value { raw, place: Place::Member(&keys.place, key_source) };
                let key = key_source.to_ascii_lowercase();
                if !seen.insert(key.clone()) {
                    return Err(self.error(&values, Problem::Repeated(key_source.clone())));
                }
                let values = self.condition_values(&values, operator_source, key_source)?;
                let (operator_source, key_source) = (operator_source.clone(), key_source.clone());
                tests.push(ConditionTest { operator, operator_source, key, key_source, values });
            }
        }
        if has_empty_part {
            self.tolerate(Tolerated::EmptyCondition);
        }
        Ok(Condition { tests, has_empty_part })
    }

    fn condition_values(&mut self, value: &Value<'t, '_>, operator: &str, key: &str) -> Result<Vec<Text>, ParseError> {
        let is_list = value.raw.get().starts_with('[');
        let items = if is_list { self.array(value, "")? } else { vec![value.raw] };
        if items.is_empty() {
            self.tolerate(Tolerated::EmptyValues { operator: operator.to_owned(), key: key.to_owned() });
        }
        let mut values = Vec::with_capacity(items.len());
        for (index, raw) in items.into_iter().enumerate() {
            let item = if is_list { Value { raw, place: Place::Item(&value.place, index) } } else { *value };
            let text = match raw.get().as_bytes().first() {
                Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                    self.tolerate(Tolerated::UnquotedValue { key: key.to_owned() });
                    self.short(&item, raw.get().to_owned())?
                }
                Some(b'"') => self.string(&item)?,
                _ => return Err(self.wrong_type(&item, "a string, number or boolean")),
            };
            values.push(Text::new(text, self.variables));
        }
        Ok(values)
    }

    /// The one of two elements that is present, with whether it is the negated one.
    fn either<'p>(
        &self,
        whole: &Value<'t, '_>,
        members: &Members<'t, 'p>,
        [plain, negated]: [&'static str; 2],
    ) -> Result<Option<(bool, &'static str, Value<'t, 'p>)>, ParseError> {
        match (members.get(plain), members.get(negated)) {
            (Some(_), Some(_)) => Err(self.error(whole, Problem::Both(plain, negated))),
            (Some(value), None) => Ok(Some((false, plain, value))),
            (None, Some(value)) => Ok(Some((true, negated, value))),
            (None, None) => Ok(None),
        }
    }

    /// The strings of a named element, which may be empty.
    fn strings(&mut self, value: &Value<'t, '_>, element: &'static str) -> Result<Vec<String>, ParseError> {
        let strings = self.list(value)?;
        if strings.is_empty() {
            self.tolerate(Tolerated::EmptyElement { element });
        }
        Ok(strings)
    }

    /// One string or a list of strings.
    fn list(&self, value: &Value<'t, '_>) -> Result<Vec<String>, ParseError> {
        if value.raw.get().starts_with('"') {
            return Ok(vec![self.string(value)?]);
        }
        let items = self.array(value, "a string or a list of strings")?.into_iter().enumerate();
        items.map(|(index, raw)| self.string(&Value { raw, place: Place::Item(&value.place, index) })).collect()
    }

    fn string(&self, value: &Value<'t, '_>) -> Result<String, ParseError> {
        if !value.raw.get().starts_with('"') {
            return Err(self.wrong_type(value, "a string"));
        }
        let string: String = serde_json::from_str(value.raw.get())
            .map_err(|error| self.error(value, Problem::NotJson(json::reason(&error))))?;
        self.short(value, string)
    }

    fn short(&self, value: &Value<'t, '_>, string: String) -> Result<String, ParseError> {
        match string.len() {
            0..=Document::MAX_STRING_BYTES => Ok(string),
            long => Err(self.error(value, Problem::LongString(long))),
        }
    }

    fn array(&self, value: &Value<'t, '_>, expected: &'static str) -> Result<Vec<&'t RawValue>, ParseError> {
        if !value.raw.get().starts_with('[') {
            return Err(self.wrong_type(value, expected));
        }
        serde_json::from_str(value.raw.get()).map_err(|error| self.error(value, Problem::NotJson(json::reason(&error))))
    }

    fn object<'p>(&self, value: &'p Value<'t, 'p>, expected: &'static str) -> Result<Members<'t, 'p>, ParseError> {
        if !value.raw.get().starts_with('{') {
            return Err(self.wrong_type(value, expected));
        }
        let list =
            json::members(value.raw).map_err(|error| self.error(value, Problem::NotJson(json::reason(&error))))?;
        let mut seen = BTreeSet::new();
        for (name, raw) in &list {
            if !seen.insert(name.as_str()) {
                let place = Place::Member(&value.place, name);
                return Err(self.error(&Value { raw, place }, Problem::Repeated(name.clone())));
            }
        }
        Ok(Members { place: &value.place, list })
    }

    fn known(&self, members: &Members<'t, '_>, names: &[&str]) -> Result<(), ParseError> {
        match members.list.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, raw)) => {
                let place = Place::Member(members.place, name);
                Err(self.error(&Value { raw, place }, Problem::UnknownElement(name.clone())))
            }
        }
    }

    fn tolerate(&mut self, what: Tolerated) {
        self.tolerated.push(Tolerance { statement: self.statement, what });
    }

    fn wrong_text(&self, value: &Value<'t, '_>, expected: &'static str, found: &str) -> ParseError {
        self.error(value, Problem::WrongText { expected, found: found.to_owned() })
    }

    fn wrong_type(&self, value: &Value<'t, '_>, expected: &'static str) -> ParseError {
        self.error(value, Problem::WrongType { expected, found: json::sort(value.raw) })
    }

    /// A raw value borrows from the text, so that the distance of the two is its place.
    fn error(&self, value: &Value<'t, '_>, problem: Problem) -> ParseError {
        let offset = (value.raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
        ParseError { line, column, place: value.place.to_string(), problem }
    }
}

const STATEMENT_ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::condition::{Comparing, Comparison};

    fn parse(text: &str) -> Document {
        Document::parse(text).unwrap()
    }

    fn fails(text: &str) -> String {
        Document::parse(text).unwrap_err().to_string()
    }

    const MINIMAL: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;

    #[test]
    fn a_lone_statement_is_a_list_of_one_and_scalars_are_lists() {
        let listed = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:*"],"Resource":["*"]}]}"#;
        assert_eq!(parse(MINIMAL).statements, parse(listed).statements);
        assert_eq!(parse(MINIMAL).tolerated, [Tolerance { statement: None, what: Tolerated::LoneStatement }]);
        assert_eq!(parse(listed).tolerated, []);
    }

    #[test]
    fn url_encoded_text_is_decoded() {
        let encoded = percent_encoding::utf8_percent_encode(MINIMAL, percent_encoding::NON_ALPHANUMERIC).to_string();
        assert_eq!(parse(&encoded).statements, parse(MINIMAL).statements);
        assert_eq!(parse(&encoded).tolerated[0].what, Tolerated::UrlEncoded);
        assert!(fails("%ff%fe").contains("not UTF-8"));
    }

    #[test]
    fn an_absent_version_is_2008() {
        let document = parse(r#"{"Statement":[]}"#);
        assert_eq!(document.version, Version::V2008);
        assert_eq!(document.tolerated[0].what, Tolerated::AbsentVersion);
        assert!(fails(r#"{"Version":"2012-10-18","Statement":[]}"#).contains("`2012-10-18` is no policy version"));
    }

    #[test]
    fn the_version_governs_variables_wherever_it_stands() {
        let document = parse(
            r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"${aws:username}"},"Version":"2012-10-17"}"#,
        );
        assert!(document.statements[0].resources.as_ref().unwrap().patterns[0].text().has_variables());
    }

    #[test]
    fn condition_values_may_be_numbers_and_booleans() {
        let document = parse(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*",
                "Condition":{"Bool":{"aws:SecureTransport":false},"NumericLessThan":{"aws:x":[10,"1.50",2.0]}}}]}"#,
        );
        let tests = &document.statements[0].condition.as_ref().unwrap().tests;
        assert_eq!(tests[0].key, "aws:securetransport");
        assert_eq!(tests[0].values[0].source(), "false");
        assert_eq!(tests[1].values.iter().map(Text::source).collect::<Vec<_>>(), ["10", "1.50", "2.0"]);
        assert_eq!(document.tolerated.len(), 3);
        assert_eq!(document.tolerated[0].statement, Some(0));
    }

    #[test]
    fn principals_of_every_kind_are_read() {
        let document = parse(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",
                "Principal":{"AWS":["111122223333","*"],"Service":"ec2.amazonaws.com"}},
                {"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":"*"}]}"#,
        );
        let entries = &document.statements[0].principal.as_ref().unwrap().entries;
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[1], Principal::Everyone);
        assert_eq!(entries[2], Principal::Service("ec2.amazonaws.com".to_owned()));
        assert!(document.statements[1].principal.as_ref().unwrap().negated);
    }

    #[test]
    fn empty_elements_are_kept_and_named() {
        let document = parse(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[],"Resource":[],"Principal":{},
                "Condition":{}}, {"Effect":"Allow","NotAction":[],"Condition":{"StringLike":{"aws:x":[]}}}]}"#,
        );
        assert!(document.statements[0].has_empty_condition() && !document.statements[0].is_conditional());
        let what: Vec<String> = document.tolerated.iter().map(ToString::to_string).collect();
        assert_eq!(
            what,
            [
                "statement 0: `Principal` is empty",
                "statement 0: `Action` is empty",
                "statement 0: `Resource` is empty",
                "statement 0: `Condition` holds an empty object",
                "statement 1: `NotAction` is empty",
                "statement 1: neither `Resource` nor `NotResource`",
                "statement 1: `StringLike` of `aws:x` lists no value",
            ]
        );
    }

    #[test]
    fn an_unknown_operator_is_kept_as_unknown() {
        let document = parse(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",
                "Condition":{"NullIfExists":{"aws:x":"true"},"StringEquals":{"aws:x":"y"}}}]}"#,
        );
        let tests = &document.statements[0].condition.as_ref().unwrap().tests;
        assert_eq!(tests[0].operator, Operator::Unknown);
        let comparison = Comparison::StringEquals;
        let expected = Comparing { comparison, negated: false, if_exists: false, quantifier: None };
        assert_eq!(tests[1].operator, Operator::Compare(expected));
    }

    #[test]
    fn repeated_names_make_the_document_invalid() {
        let error = Document::parse("{\"Version\":\"2012-10-17\",\n \"Statement\":[{\"Effect\":\"Allow\",\n  \"Action\":\"a:b\",\"Effect\":\"Deny\"}]}").unwrap_err();
        assert_eq!((error.line, error.column), (3, 27));
        assert_eq!(error.place, "/Statement/0/Effect");
        assert_eq!(error.problem, Problem::Repeated("Effect".to_owned()));
        let by_case = r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*",
            "Condition":{"StringEquals":{"aws:X":"1","aws:x":"1"}}}}"#;
        assert!(fails(by_case).contains("`aws:x` stands twice"));
    }

    #[test]
    fn wrong_types_name_line_column_and_place() {
        let text = "{\"Statement\":[{\"Effect\":\"Allow\",\"Resource\":\"*\",\n\"Action\":[\"a:b\",7]}]}";
        assert_eq!(fails(text), "expected a string, found a number (line 2, column 17, at /Statement/0/Action/1)");
        assert!(fails("[]").contains("expected a policy document (an object), found a list"));
        assert!(fails(r#"{"Statement":null}"#).contains("found null"));
        assert!(fails(r#"{"Statement":[[]]}"#).contains("/Statement/0"));
    }

    #[test]
    fn names_and_effects_are_case_sensitive() {
        assert!(fails(r#"{"Statement":{"effect":"Allow","Action":"a:b"}}"#).contains("unknown element `effect`"));
        assert!(fails(r#"{"Statement":{"Effect":"allow","Action":"a:b"}}"#).contains("`allow` is no effect"));
        assert!(fails(r#"{"statement":[]}"#).contains("unknown element `statement`"));
    }

    #[test]
    fn exactly_one_of_an_element_and_its_negation() {
        let both = r#"{"Statement":{"Effect":"Allow","Action":"a:b","NotAction":"a:c","Resource":"*"}}"#;
        assert!(fails(both).contains("both `Action` and `NotAction`"));
        assert!(fails(r#"{"Statement":{"Effect":"Allow","Resource":"*"}}"#).contains("`Action` is missing"));
        assert!(fails("{}").contains("`Statement` is missing"));
    }

    #[test]
    fn hostile_texts_are_errors_in_bounded_time() {
        assert!(fails(&"[".repeat(1_000_000)).contains("not valid JSON"));
        let deep = format!(r#"{{"Statement":{}{}}}"#, "[".repeat(900_000), "]".repeat(900_000));
        assert!(fails(&deep).contains("/Statement/0"));
        assert!(fails(&" ".repeat(Document::MAX_BYTES + 1)).contains("larger than"));
        assert!(fails("").ends_with("(line 1, column 1)") && fails("{\n").ends_with("(line 2, column 1)"));
        let long = format!(r#"{{"Statement":{{"Effect":"Allow","Action":["a:b","{}"]}}}}"#, "a".repeat(32_769));
        assert!(fails(&long).contains("string of 32769 bytes") && fails(&long).contains("/Statement/Action/1"));
        let number = "1".repeat(40_000);
        let long =
            format!(r#"{{"Statement":{{"Effect":"Allow","Action":"*","Condition":{{"Bool":{{"a":{number}}}}}}}}}"#);
        assert!(
            fails(&long).contains("string of 40000 bytes") && fails(&long).ends_with("/Statement/Condition/Bool/a)")
        );
        assert!(fails(r#"{"Statement":{"Effect":"Allow","Action":"\ud800","Resource":"*"}}"#).contains("/Action"));
    }

    #[test]
    fn ten_thousand_statements_are_read() {
        let statement = r#"{"Effect":"Allow","Action":["kms:Decrypt"],"Resource":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}"#;
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, vec![statement; 10_000].join(","));
        assert_eq!(parse(&text).statements.len(), 10_000);
    }

    #[test]
    fn a_document_may_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Document>();
    }
}
