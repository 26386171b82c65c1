//! Why a fact is missing.

use serde::Serialize;

/// A fact, or why it is missing.
pub type Fact<T> = Result<T, Gap>;

/// Why a fact is missing, and what would bring it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// What kind of absence this is.
    pub kind: GapKind,
    /// The API that would have told: `kms:ListGrants`.
    pub api: String,
    /// What the call was about: key id, user name; empty for the whole account or Region.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<String>,
    /// AWS's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// AWS's words, or ours where AWS said nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Kinds of absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// AWS refused for lack of permission.
    Denied,
    /// The call failed for another reason.
    Failed,
    /// The list ended before its end.
    Truncated,
    /// The endpoint does not know the operation.
    Unsupported,
    /// The snapshot holds no such call.
    NotCollected,
    /// It was read, but it is not what it should be: a policy that is not one, a report without its columns.
    Malformed,
}

impl Gap {
    /// A call of which the snapshot holds nothing.
    pub fn not_collected(api: &str, resource: &[&str]) -> Self {
        Self {
            kind: GapKind::NotCollected,
            api: api.to_owned(),
            resource: resource.iter().map(|part| (*part).to_owned()).collect(),
            code: None,
            message: None,
        }
    }

    /// Something that was read but is not what it should be.
    pub fn malformed(api: &str, resource: &[&str], message: impl Into<String>) -> Self {
        Self { kind: GapKind::Malformed, message: Some(message.into()), ..Self::not_collected(api, resource) }
    }

    /// One sentence for people: what could not be read and why.
    pub fn reason(&self) -> String {
        let what = match self.kind {
            GapKind::Denied => "was denied",
            GapKind::Failed => "failed",
            GapKind::Truncated => "gave a list that is not whole",
            GapKind::Unsupported => "is not supported by the endpoint",
            GapKind::NotCollected => "was not collected",
            GapKind::Malformed => "gave something that cannot be read",
        };
        let mut text = format!("{} {what}", self.api);
        if let Some(resource) = self.resource.last() {
            text = format!("{} for {resource} {what}", self.api);
        }
        match (&self.code, &self.message) {
            (Some(code), _) => text + &format!(" ({code})"),
            (None, Some(message)) => text + &format!(" ({message})"),
            (None, None) => text,
        }
    }
}

/// What a list call gave: the items that were read and, if the list is not known to be whole, why.
///
/// There is no way to the items that ignores the gap: [`whole`](Self::whole) is the list or the gap, [`known`](Self::known)
/// says by its name that there may be more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    items: Vec<T>,
    gap: Option<Gap>,
}

impl<T> Listing<T> {
    /// A whole list.
    pub fn complete(items: Vec<T>) -> Self {
        Self { items, gap: None }
    }

    /// What is known of a list that is not whole.
    pub fn partial(items: Vec<T>, gap: Gap) -> Self {
        Self { items, gap: Some(gap) }
    }

    /// A list of which nothing could be read.
    pub fn missing(gap: Gap) -> Self {
        Self { items: Vec::new(), gap: Some(gap) }
    }

    /// All items.
    ///
    /// # Errors
    /// The gap, when the list is not known to be whole.
    pub fn whole(&self) -> Result<&[T], Gap> {
        self.gap.as_ref().map_or(Ok(&self.items), |gap| Err(gap.clone()))
    }

    /// The items that were read; there may be more.
    pub fn known(&self) -> &[T] {
        &self.items
    }

    /// Why the list is not known to be whole, if it is not.
    pub fn gap(&self) -> Option<&Gap> {
        self.gap.as_ref()
    }
}
