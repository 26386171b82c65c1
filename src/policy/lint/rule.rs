//! What lint looks for: the rules with their ids, and what a finding says.

use std::fmt;

/// Something in a policy document that cannot mean what was intended, or deserves a second look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LintFinding {
    /// The statement by its index, or `None` for the document as a whole.
    pub statement: Option<usize>,
    /// The rule that found it.
    pub rule: Rule,
    /// How much it matters.
    pub severity: LintSeverity,
    /// The element: `Action`, `Condition/StringEquals/kms:ViaService`, …; empty for the statement or document as a whole.
    pub element: String,
    /// The value in that element, as written.
    pub value: Option<String>,
    /// What is wrong and what follows from it, as a sentence.
    pub message: String,
    /// What to write instead, where that is known.
    pub suggestion: Option<String>,
    /// Whether it holds for certain, or only if AWS's reference of the date of the data leaves nothing out.
    pub certain: bool,
}

/// How much a finding matters, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LintSeverity {
    /// A guard that fails open, or access that was not intended.
    High,
    /// Something has another effect than it seems to have.
    Medium,
    /// Something has no effect and does no harm.
    Low,
    /// Worth knowing.
    Informational,
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $title:literal;)+) => {
        /// The rules of lint.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Rule {
            /// All rules, in the order in which the statement is read.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The id, which scripts may rely on.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// The rule in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

rules! {
    /// The document or statement holds something that its kind of policy does not take, or lacks something it needs.
    UnsupportedElement = "policy-unsupported-element", "Element that this kind of policy does not take";
    /// The form is not the canonical one; AWS accepts it.
    ToleratedForm = "policy-tolerated-form", "Form that AWS tolerates";
    /// Version 2008-10-17, or none.
    OldVersion = "policy-old-version", "Language version 2008-10-17";
    /// A statement never applies.
    StatementNoEffect = "policy-statement-no-effect", "Statement can never match";
    /// An Allow is given with and without a restriction.
    RestrictionIneffective = "policy-restriction-ineffective", "Restriction that another statement lifts";
    /// A principal is malformed, or a wildcard stands in its ARN.
    UnknownPrincipal = "policy-unknown-principal", "Principal is malformed or wildcard inside ARN";
    /// A principal was deleted, and only its unique id is left.
    DanglingPrincipal = "policy-dangling-principal", "Principal that was deleted";
    /// `NotPrincipal` is used.
    NotPrincipal = "policy-not-principal", "NotPrincipal is used";
    /// An action does not exist.
    UnknownAction = "policy-unknown-action", "Action name does not exist";
    /// A wildcard stands before the colon of an action.
    ActionServiceWildcard = "policy-action-service-wildcard", "Wildcard in the service of an action";
    /// A Deny on a group's ARN names actions on users.
    DenyOnGroup = "policy-deny-on-group", "Deny on a group does not protect its users";
    /// An action has no effect in a key policy.
    ActionIneffectiveInKeyPolicy = "policy-action-ineffective-in-key-policy", "Action has no effect in a key policy";
    /// The resources of the statement are of no kind that the action is checked against.
    ResourceInapplicable = "policy-resource-inapplicable", "Resource is of no kind that the action takes";
    /// An alias ARN stands for the key behind it.
    KeyAliasInResource = "policy-key-alias-in-resource", "Alias ARN used as Resource for key operations";
    /// A resource is no ARN, a short one, or one that matches nothing.
    ResourceMalformed = "policy-resource-malformed", "Resource is no full ARN";
    /// A policy variable under a version that has none.
    VariableInOldVersion = "policy-variable-in-old-version", "Policy variable under version 2008-10-17";
    /// A policy variable where none is allowed, or one that never has a value.
    VariableMisplaced = "policy-variable-misplaced", "Policy variable that is not replaced";
    /// A condition operator does not exist.
    UnknownOperator = "policy-unknown-operator", "Condition operator does not exist";
    /// A condition key does not exist.
    UnknownConditionKey = "policy-unknown-condition-key", "Condition key does not exist";
    /// A condition key exists, but not for every action of the statement.
    ConditionKeyInapplicable = "policy-condition-key-inapplicable",
        "Condition key exists but not for every action in the statement";
    /// Operator or value cannot match what the key holds.
    ConditionWrongValue = "policy-condition-wrong-value", "Operator or value cannot match the key type";
    /// A condition block or list of values is empty.
    ConditionEmpty = "policy-condition-empty", "Condition without a test or value";
    /// A key that holds a set is compared without a set operator.
    SetWithoutQuantifier = "policy-set-without-quantifier", "Multi-valued key without a set operator";
    /// `ForAllValues` holds when the key is absent.
    ForAllValuesWithoutPresence = "policy-forallvalues-without-presence", "ForAllValues without a presence test";
    /// An Allow that wants MFA but is satisfied without.
    MfaIfExistsInAllow = "policy-mfa-ifexists-in-allow", "BoolIfExists MFA condition in Allow";
    /// A Deny for requests without MFA that spares access keys.
    MfaBoolInDeny = "policy-mfa-bool-in-deny", "Deny without MFA that spares access keys";
    /// The document is too large to look at every combination.
    NotFullyChecked = "policy-not-fully-checked", "Document too large to check in full";
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id())
    }
}

impl fmt::Display for LintSeverity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Informational => "informational",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Rule::ALL.len());
        assert!(ids.iter().all(|id| id.starts_with("policy-")));
    }
}
