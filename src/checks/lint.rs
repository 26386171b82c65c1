//! What the checks of policy documents share: which documents a resource bears, and what the findings of lint make of a verdict.

use std::collections::BTreeSet;

use super::key_policy::{Answer, conclude};
use super::{Form, Judged, Loosens, Scope, Strings, reference};
use crate::finding::{Judgement, Severity, Verdict};
use crate::model::{self, Gap, Key, KeyManager, ManagedPolicy, OrganizationPolicy, Principal, Role, Source};
use crate::policy::{Document, LintFinding, LintSeverity, PolicyKind, Rule, Statement};

/// The APIs whose answers hold policy documents of every kind.
pub(super) const READS_EVERY_DOCUMENT: &[&str] = &[
    "iam:GetAccountAuthorizationDetails",
    "kms:ListKeys",
    "kms:DescribeKey",
    "kms:ListKeyPolicies",
    "kms:GetKeyPolicy",
    "organizations:DescribePolicy",
    "organizations:ListPolicies",
];

/// The rules of a check that asks one question of every document. A rule is a plain function, which a constant can be named in
/// and a variable cannot: hence a macro.
macro_rules! over_every_document {
    ($question:expr) => {
        &[
            $crate::checks::Rule::ManagedPolicy(|policy, scope| $question.managed_policy(policy, scope)),
            $crate::checks::Rule::Principal(|principal, scope| $question.principal(principal, scope)),
            $crate::checks::Rule::Key(|key, scope| $question.key(key, scope)),
            $crate::checks::Rule::ServiceControlPolicy(|policy, scope| $question.service_control_policy(policy, scope)),
            $crate::checks::Rule::ResourceControlPolicy(|policy, scope| {
                $question.resource_control_policy(policy, scope)
            }),
        ]
    };
}
pub(super) use over_every_document;

/// Of which services names are judged. Two checks ask it.
pub(super) const SERVICES: Strings = Strings {
    name: "services",
    meaning: "The services (kms, iam) of which names are judged; none stands for all. A name without a service is always judged.",
    default: &[],
    form: Form::Text,
    loosens: Loosens::More,
};

/// Whether what a finding names belongs to one of some services, if there are any.
fn is_of(services: &[&str], finding: &LintFinding) -> bool {
    let named = |name: &str| match name.split_once(':') {
        Some((service, _)) => services.iter().any(|it| it.eq_ignore_ascii_case(service)),
        None => true,
    };
    services.is_empty() || finding.value.as_deref().is_none_or(|value| value.split(", ").any(named))
}

/// A question to lint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// The rule whose findings are exceptions.
    pub(super) rule: Rule,
    /// What is so when there is none.
    pub(super) otherwise: &'static str,
    /// Whether what AWS's reference may leave out of a statement may be an exception.
    pub(super) doubts: fn(&Statement, &[&LintFinding]) -> bool,
}

/// No gap of the reference can be an exception.
pub(super) fn never(_: &Statement, _: &[&LintFinding]) -> bool {
    false
}

/// A document as a resource bears it.
struct Borne<'a> {
    place: Place<'a>,
    kind: PolicyKind,
    key_arn: Option<&'a str>,
    document: &'a model::Document,
    source: &'a Source,
}

/// Where a document stands.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// It is the resource, of this ARN.
    Whole(&'a str),
    /// An inline policy of this name.
    Inline(&'a str),
    /// The trust policy of the role of this name.
    Trust(&'a str),
    /// A key policy of this name.
    Key(&'a str),
}

impl Place<'_> {
    /// In a reason; nothing for a policy that is the resource.
    fn in_reason(self) -> String {
        match self {
            Self::Whole(_) => String::new(),
            Self::Inline(name) => format!("inline policy {name}"),
            Self::Trust(_) => "trust policy".to_owned(),
            Self::Key(name) => format!("key policy {name}"),
        }
    }

    /// In a reference.
    fn in_reference(self) -> String {
        match self {
            Self::Whole(name) | Self::Inline(name) | Self::Key(name) => name.to_owned(),
            Self::Trust(role) => format!("trust policy of role {role}"),
        }
    }
}

impl Question {
    /// Judges the default version of a customer managed policy.
    pub(super) fn managed_policy(&self, policy: &ManagedPolicy, scope: &Scope<'_>) -> Judged {
        let kind = if policy.is_boundary_only() { PolicyKind::Boundary } else { PolicyKind::Identity };
        let borne = Borne {
            place: Place::Whole(&policy.arn),
            kind,
            key_arn: None,
            document: &policy.document,
            source: &policy.document_source,
        };
        self.judge(&[borne], None, scope)
    }

    /// Judges the inline policies of a user, group or role, and the trust policy of a role.
    pub(super) fn principal(&self, principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
        let mut borne = inline_policies(principal);
        if let Principal::Role(role) = principal {
            if let Some(exempt) = of_aws(role) {
                return Ok(exempt);
            }
            borne.push(trust_policy(role));
        }
        if borne.is_empty() {
            return Ok(Judgement::not_applicable("there is no inline policy").because_of(principal.source()));
        }
        self.judge(&borne, None, scope)
    }

    /// Judges the inline policies of a user, group or role alone.
    pub(super) fn inline_policies(&self, principal: Principal<'_>, scope: &Scope<'_>) -> Judged {
        if let Principal::Role(role) = principal
            && let Some(exempt) = of_aws(role)
        {
            return Ok(exempt);
        }
        let borne = inline_policies(principal);
        if borne.is_empty() {
            return Ok(Judgement::not_applicable("there is no inline policy").because_of(principal.source()));
        }
        self.judge(&borne, None, scope)
    }

    /// Judges the trust policy of a role alone.
    pub(super) fn trust_policy(&self, role: &Role, scope: &Scope<'_>) -> Judged {
        of_aws(role).map_or_else(|| self.judge(&[trust_policy(role)], None, scope), Ok)
    }

    /// Judges the policies of a customer managed key.
    pub(super) fn key(&self, key: &Key, scope: &Scope<'_>) -> Judged {
        let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
        if metadata.key_manager == KeyManager::Aws {
            let reason = "AWS manages the key and its policy";
            return Ok(Judgement::not_applicable(reason).because_of(&metadata.source));
        }
        let borne = key.policies.known().iter().map(|policy| Borne {
            place: Place::Key(&policy.name),
            kind: PolicyKind::Key,
            key_arn: Some(&key.arn),
            document: &policy.document,
            source: &policy.source,
        });
        let borne: Vec<Borne<'_>> = borne.collect();
        if borne.is_empty() && key.policies.gap().is_none() {
            return Err(Gap::malformed("kms:ListKeyPolicies", &[&key.id], "a key without a policy cannot exist"));
        }
        self.judge(&borne, key.policies.gap(), scope)
    }

    /// Judges a service control policy.
    pub(super) fn service_control_policy(&self, policy: &OrganizationPolicy, scope: &Scope<'_>) -> Judged {
        self.judge(&[of_organization(policy, PolicyKind::ServiceControl)], None, scope)
    }

    /// Judges a resource control policy.
    pub(super) fn resource_control_policy(&self, policy: &OrganizationPolicy, scope: &Scope<'_>) -> Judged {
        self.judge(&[of_organization(policy, PolicyKind::ResourceControl)], None, scope)
    }

    fn judge(&self, borne: &[Borne<'_>], missing: Option<&Gap>, scope: &Scope<'_>) -> Judged {
        let services = scope.values.strings(&SERVICES);
        let mut missing = missing.cloned();
        let mut answers = Vec::new();
        let mut severity = None;
        for one in borne {
            match one.document {
                Ok(document) => {
                    let found = scope.reach.studied(document).lint(one.kind, one.key_arn);
                    severity = severity.max(self.worst(&found, &services));
                    answers.extend(self.answers(one, document, &found, &services));
                }
                Err(gap) => missing = missing.or_else(|| Some(gap.clone())),
            }
        }
        // A document that fails is an exception, whatever stands in one that could not be read.
        let judgement = conclude(answers, self.otherwise);
        match missing {
            Some(gap) if judgement.verdict != Verdict::Fail => Err(gap),
            _ => Ok(judgement.graded(severity).because_of_all(borne.iter().map(|one| one.source))),
        }
    }

    /// How much the worst exception matters.
    fn worst(&self, found: &[LintFinding], services: &[&str]) -> Option<Severity> {
        let exceptions = found.iter().filter(|finding| self.concerns(finding, services) && finding.certain);
        exceptions.map(|finding| severity(finding.severity)).max()
    }

    /// Whether a finding is an exception, or would be if the reference is right.
    fn concerns(&self, finding: &LintFinding, services: &[&str]) -> bool {
        finding.rule == self.rule && finding.severity != LintSeverity::Informational && is_of(services, finding)
    }

    fn answers(&self, borne: &Borne<'_>, document: &Document, found: &[LintFinding], services: &[&str]) -> Vec<Answer> {
        let mut answers: Vec<Answer> = Vec::new();
        for finding in found.iter().filter(|finding| self.concerns(finding, services)) {
            let verdict = if finding.certain { Verdict::Fail } else { Verdict::Undecided };
            answers.push(answer(borne, document, finding, verdict));
        }
        for statement in &document.statements {
            let is_uncertain = |it: &&LintFinding| it.statement == Some(statement.index) && !it.certain;
            let uncertain: Vec<&LintFinding> = found.iter().filter(is_uncertain).collect();
            if let [first, ..] = uncertain.as_slice()
                && (self.doubts)(statement, &uncertain)
            {
                answers.push(answer(borne, document, first, Verdict::Undecided));
            }
        }
        let unfinished = found.iter().find(|finding| finding.rule == Rule::NotFullyChecked);
        answers.extend(unfinished.map(|finding| answer(borne, document, finding, Verdict::Undecided)));
        answers
    }
}

fn severity(severity: LintSeverity) -> Severity {
    match severity {
        LintSeverity::High => Severity::High,
        LintSeverity::Medium => Severity::Medium,
        LintSeverity::Low => Severity::Low,
        LintSeverity::Informational => Severity::Informational,
    }
}

/// One finding in words, with its statement.
fn answer(borne: &Borne<'_>, document: &Document, finding: &LintFinding, verdict: Verdict) -> Answer {
    let statement = finding.statement.and_then(|index| document.statements.iter().find(|it| it.index == index));
    let place = statement.map_or_else(String::new, |statement| format!("statement {}", statement.index));
    let where_it_stands = borne.place.in_reason();
    let mut text = match (where_it_stands.as_str(), place.as_str()) {
        ("", "") => finding.message.clone(),
        (one, "") | ("", one) => format!("{one}: {}", finding.message),
        (name, place) => format!("{name}, {place}: {}", finding.message),
    };
    if let Some(suggestion) = &finding.suggestion {
        text.push_str(&format!(" ({suggestion})"));
    }
    Answer::new(verdict, text, statement.map(|statement| reference(&borne.place.in_reference(), statement)))
}

fn inline_policies(principal: Principal<'_>) -> Vec<Borne<'_>> {
    let borne = principal.inline_policies().iter().map(|policy| Borne {
        place: Place::Inline(&policy.name),
        kind: PolicyKind::Identity,
        key_arn: None,
        document: &policy.document,
        source: &policy.source,
    });
    borne.collect()
}

fn trust_policy(role: &Role) -> Borne<'_> {
    Borne {
        place: Place::Trust(&role.name),
        kind: PolicyKind::Trust,
        key_arn: None,
        document: &role.trust_policy,
        source: &role.source,
    }
}

fn of_organization(policy: &OrganizationPolicy, kind: PolicyKind) -> Borne<'_> {
    Borne { place: Place::Whole(&policy.arn), kind, key_arn: None, document: &policy.document, source: &policy.source }
}

/// The answer for a role that AWS owns.
fn of_aws(role: &Role) -> Option<Judgement> {
    role.is_service_linked().then(|| {
        let reason = "only AWS can change the policies of a service-linked role";
        Judgement::not_applicable(reason).because_of(&role.source)
    })
}

/// Whether every action of a statement may be one for which an uncertain finding holds.
fn no_certain_action(statement: &Statement, uncertain: &[&LintFinding]) -> bool {
    let about_actions = [Rule::UnknownAction, Rule::ConditionKeyInapplicable, Rule::ResourceInapplicable];
    let findings = uncertain.iter().filter(|finding| about_actions.contains(&finding.rule));
    let doubtful: BTreeSet<&str> =
        findings.filter_map(|it| it.value.as_deref()).flat_map(|it| it.split(", ")).collect();
    let patterns = &statement.actions.patterns;
    !statement.actions.negated && !patterns.is_empty() && patterns.iter().all(|it| doubtful.contains(it.source()))
}

/// Whether a statement names an action of which it is not known that it exists.
pub(super) fn has_doubtful_action(_: &Statement, uncertain: &[&LintFinding]) -> bool {
    uncertain.iter().any(|finding| finding.rule == Rule::UnknownAction)
}

/// Whether a statement tests a condition key of which it is not known that it exists.
pub(super) fn has_doubtful_key(_: &Statement, uncertain: &[&LintFinding]) -> bool {
    uncertain.iter().any(|finding| finding.rule == Rule::UnknownConditionKey)
}

/// Whether a statement with a condition names an action of which it is not known that it exists.
pub(super) fn has_doubtful_action_under_condition(statement: &Statement, uncertain: &[&LintFinding]) -> bool {
    statement.is_conditional() && has_doubtful_action(statement, uncertain)
}

/// Whether a statement never applies if the reference leaves nothing out.
pub(super) fn may_be_without_effect(statement: &Statement, uncertain: &[&LintFinding]) -> bool {
    no_certain_action(statement, uncertain) || has_doubtful_key(statement, uncertain)
}
