//! Text in a policy that may hold variables (`${aws:username}`) and what becomes of it once their values are known.

use std::borrow::Cow;
use std::fmt;

use super::document::Document;
use super::glob::{Glob, Symbol};

/// A resource pattern or condition value as written, read once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text {
    source: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// No variable: both readings are known now. `plain` is `None` when it equals the source.
    Fixed {
        plain: Option<String>,
        glob: Glob,
    },
    Template(Vec<Part>),
}

/// A piece of a text that holds variables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Characters as written; `*` and `?` act where wildcards act.
    Written(String),
    /// `${*}`, `${?}` or `${$}`: the character itself.
    Escaped(char),
    /// `${key}` or `${key, 'default'}`.
    Variable(Variable),
}

/// A policy variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable {
    /// The condition key, in lower case, because keys have no letter case.
    pub key: String,
    /// What to use when the key is absent.
    pub default: Option<String>,
}

impl Text {
    /// Reads `source`. Variables exist only under version 2012-10-17; before it `${` is plain text.
    #[must_use]
    pub fn new(source: String, variables: Variables) -> Self {
        if variables == Variables::Plain || !source.contains("${") {
            let form = Form::Fixed { plain: None, glob: Glob::parse(&source) };
            return Self { source, form };
        }
        let parts = parts(&source);
        let form = if parts.iter().any(|part| matches!(part, Part::Variable(_))) {
            Form::Template(parts)
        } else {
            let plain = plain_of(&parts, &|_| None);
            let glob = glob_of(&parts, &|_| None).unwrap_or_default();
            Form::Fixed { plain, glob }
        };
        Self { source, form }
    }

    /// The text as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The pieces when the text holds a variable, otherwise nothing.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        match &self.form {
            Form::Fixed { .. } => &[],
            Form::Template(parts) => parts,
        }
    }

    /// The variables in the order in which they are written.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts().iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            Part::Written(_) | Part::Escaped(_) => None,
        })
    }

    /// True when the meaning depends on the request.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        matches!(self.form, Form::Template(_))
    }

    /// The text with the variables replaced whose values are known: `value` answers `Some(None)` for a key that is known to
    /// be absent, `None` for one about which nothing is known. A variable that is known to be absent and has no default is
    /// replaced by one of the key "", which never has a value.
    #[must_use]
    pub(super) fn given(&self, value: &dyn Fn(&str) -> Option<Option<String>>) -> Cow<'_, Self> {
        let Form::Template(parts) = &self.form else { return Cow::Borrowed(self) };
        let mut replaced = Vec::with_capacity(parts.len());
        for part in parts {
            let known = match part {
                Part::Variable(variable) => value(&variable.key).map(|value| value.or(variable.default.clone())),
                Part::Written(_) | Part::Escaped(_) => None,
            };
            match known {
                Some(Some(text)) => replaced.extend(text.chars().map(Part::Escaped)),
                Some(None) => replaced.push(Part::Variable(Variable { key: String::new(), default: None })),
                None => replaced.push(part.clone()),
            }
        }
        if replaced == *parts {
            return Cow::Borrowed(self);
        }
        let source = replaced.iter().map(ToString::to_string).collect();
        let form = if replaced.iter().any(|part| matches!(part, Part::Variable(_))) {
            Form::Template(replaced)
        } else {
            let glob = glob_of(&replaced, &|_| None).unwrap_or_default();
            Form::Fixed { plain: plain_of(&replaced, &|_| None), glob }
        };
        Cow::Owned(Self { source, form })
    }

    /// A text that stands for itself alone: no wildcard and no variable acts in it.
    #[must_use]
    pub(super) fn literal(text: &str) -> Self {
        let form = Form::Fixed { plain: None, glob: Glob::literal(text) };
        Self { source: text.to_owned(), form }
    }

    /// The text for an operator without wildcards; `None` when a variable has neither value nor default. `value` gets
    /// the key in lower case.
    #[must_use]
    pub fn plain(&self, value: &dyn Fn(&str) -> Option<String>) -> Option<Cow<'_, str>> {
        match &self.form {
            Form::Fixed { plain, .. } => Some(Cow::Borrowed(plain.as_deref().unwrap_or(&self.source))),
            Form::Template(parts) => plain_of(parts, value).map(Cow::Owned),
        }
    }

    /// The pattern for a place where wildcards act; what comes from a variable is literal. `None` when a variable has
    /// neither value nor default. `value` gets the key in lower case.
    #[must_use]
    pub fn glob(&self, value: &dyn Fn(&str) -> Option<String>) -> Option<Cow<'_, Glob>> {
        match &self.form {
            Form::Fixed { glob, .. } => Some(Cow::Borrowed(glob)),
            Form::Template(parts) => glob_of(parts, value).map(Cow::Owned),
        }
    }

    /// The pattern when no variable stands in the text.
    #[must_use]
    pub fn fixed_glob(&self) -> Option<&Glob> {
        match &self.form {
            Form::Fixed { glob, .. } => Some(glob),
            Form::Template(_) => None,
        }
    }

    /// The plain text when no variable stands in it.
    #[must_use]
    pub fn fixed_plain(&self) -> Option<&str> {
        match &self.form {
            Form::Fixed { plain, .. } => Some(plain.as_deref().unwrap_or(&self.source)),
            Form::Template(_) => None,
        }
    }

    /// The widest pattern: every variable read as `*`.
    #[must_use]
    pub fn widest_glob(&self) -> Cow<'_, Glob> {
        match &self.form {
            Form::Fixed { glob, .. } => Cow::Borrowed(glob),
            Form::Template(parts) => {
                let mut glob = Glob::default();
                for part in parts {
                    match part {
                        Part::Written(text) => glob.push_pattern(text),
                        Part::Escaped(character) => glob.push(Symbol::Char(*character)),
                        Part::Variable(_) => glob.push(Symbol::Many),
                    }
                }
                Cow::Owned(glob)
            }
        }
    }
}

/// As a policy writes it.
impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(text) => formatter.write_str(text),
            Self::Escaped(character @ ('*' | '?' | '$')) => write!(formatter, "${{{character}}}"),
            Self::Escaped(character) => write!(formatter, "{character}"),
            Self::Variable(Variable { key, default: None }) => write!(formatter, "${{{key}}}"),
            Self::Variable(Variable { key, default: Some(default) }) => write!(formatter, "${{{key}, '{default}'}}"),
        }
    }
}

/// Whether `${…}` is a variable in a document, which its version decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variables {
    /// Version 2012-10-17: `${key}` is replaced.
    Replaced,
    /// Version 2008-10-17 or none: `${key}` is text.
    Plain,
}

/// A text is filled no further than this many characters. It can then equal nothing that a request holds, where strings are
/// no longer than [`Document::MAX_STRING_BYTES`], and a text of many variables with long values stays small.
const LONGEST: usize = Document::MAX_STRING_BYTES;

fn plain_of(parts: &[Part], value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut plain = String::new();
    for part in parts {
        if plain.len() > LONGEST {
            break;
        }
        match part {
            Part::Written(text) => plain.push_str(text),
            Part::Escaped(character) => plain.push(*character),
            Part::Variable(variable) => plain.push_str(&value(&variable.key).or_else(|| variable.default.clone())?),
        }
    }
    Some(plain)
}

fn glob_of(parts: &[Part], value: &dyn Fn(&str) -> Option<String>) -> Option<Glob> {
    let mut glob = Glob::default();
    for part in parts {
        if glob.symbols().len() > 2 * LONGEST {
            break;
        }
        match part {
            Part::Written(text) => glob.push_pattern(text),
            Part::Escaped(character) => glob.push(Symbol::Char(*character)),
            Part::Variable(variable) => glob.push_literal(&value(&variable.key).or_else(|| variable.default.clone())?),
        }
    }
    Some(glob)
}

/// Cuts a text at its variables. A `${` that is never closed is plain text.
fn parts(source: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut written = String::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, following)) = after.split_once('}') else { break };
        written.push_str(before);
        if !written.is_empty() {
            parts.push(Part::Written(std::mem::take(&mut written)));
        }
        parts.push(match inside {
            "*" => Part::Escaped('*'),
            "?" => Part::Escaped('?'),
            "$" => Part::Escaped('$'),
            other => Part::Variable(variable(other)),
        });
        rest = following;
    }
    written.push_str(rest);
    if !written.is_empty() {
        parts.push(Part::Written(written));
    }
    parts
}

/// Only one comma, one blank and single quotes make a default; anything else is a key that no request has.
fn variable(inside: &str) -> Variable {
    let with_default = inside
        .split_once(", '")
        .and_then(|(key, quoted)| Some((key, quoted.strip_suffix('\'')?)))
        .map(|(key, default)| Variable { key: key.to_ascii_lowercase(), default: Some(default.to_owned()) });
    with_default.unwrap_or_else(|| Variable { key: inside.to_ascii_lowercase(), default: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> Text {
        Text::new(source.to_owned(), Variables::Replaced)
    }

    fn alice(key: &str) -> Option<String> {
        (key == "aws:username").then(|| "Al*ce".to_owned())
    }

    #[test]
    fn a_variable_is_replaced_and_its_wildcards_do_not_act() {
        let pattern = text("arn:*:${aws:UserName}/*");
        assert!(pattern.has_variables());
        let glob = pattern.glob(&alice).unwrap();
        assert!(glob.matches("arn:x:Al*ce/y"));
        assert!(!glob.matches("arn:x:Alice/y"));
        assert_eq!(pattern.glob(&|_| None), None);
        assert!(pattern.widest_glob().matches("arn:x:Alice/y"));
    }

    #[test]
    fn a_default_stands_in_for_an_absent_key() {
        let value = text("team-${aws:PrincipalTag/team, 'none yet'}");
        assert_eq!(value.plain(&|_| None).unwrap(), "team-none yet");
        assert_eq!(value.variables().next().unwrap().key, "aws:principaltag/team");
    }

    #[test]
    fn escapes_are_characters_and_no_variables() {
        let value = text("a${*}b${$}{x}");
        assert!(!value.has_variables());
        assert_eq!(value.fixed_plain(), Some("a*b${x}"));
        assert!(value.fixed_glob().unwrap().matches("a*b${x}"));
        assert!(!value.fixed_glob().unwrap().matches("aab${x}"));
    }

    #[test]
    fn before_2012_a_variable_is_text() {
        let value = Text::new("${aws:username}".to_owned(), Variables::Plain);
        assert_eq!(value.fixed_plain(), Some("${aws:username}"));
    }

    #[test]
    fn an_unclosed_variable_is_text() {
        assert_eq!(text("a${b").fixed_plain(), Some("a${b"));
    }
}
