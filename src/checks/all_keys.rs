//! How a policy that opens all keys is told from one that opens some, and how that is said. Three checks ask it.

use std::sync::Arc;

use super::recipients::{self, Held, Stake};
use super::{Boolean, Form, Judged, Loosens, Scope, Strings, reference};
use crate::finding::{Judgement, Severity, StatementReference, Verdict};
use crate::model::{Gap, InlinePolicy, ManagedPolicy, Principal};
use crate::policy::{Coverage, Document, Level, Statement};

/// What a policy opens, and what counts as too much.
pub(super) struct Opened {
    /// For what, and how much of all keys.
    pub(super) coverages: Vec<(String, Arc<Coverage>)>,
    /// How many keys are too many.
    pub(super) too_many: TooMany,
    /// Whether conditions that narrow the keys make an exception matter less.
    pub(super) condition_aware: bool,
}

/// How many keys are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooMany {
    /// All keys, or all but some that are named.
    All,
    /// All keys of one account as well.
    OfAccount,
    /// Any key.
    Any,
}

/// What decrypts; one is enough.
pub(super) const BLOCKED_ACTIONS: Strings = Strings {
    name: "blocked_actions",
    meaning: "The actions of which none may be allowed on all keys.",
    default: &["kms:Decrypt", "kms:ReEncryptFrom"],
    form: Form::KmsAction,
    loosens: Loosens::Less,
};

/// Whether conditions make an exception matter less.
pub(super) const CONDITION_AWARE: Boolean = Boolean {
    name: "condition_aware",
    meaning: "Whether a failure is of severity low if every statement that opens the keys has a condition on kms:ViaService, \
              kms:EncryptionContext, kms:ResourceAliases or aws:ResourceTag.",
    default: false,
    loosens: true,
};

/// What a document opens of blocked actions, under the parameters of a check.
pub(super) fn blocked(document: &Arc<Document>, scope: &Scope<'_>) -> Opened {
    let values = scope.values;
    let studied = scope.reach.studied(document);
    let actions = values.strings(&BLOCKED_ACTIONS).into_iter();
    Opened {
        coverages: actions.map(|action| (action.to_owned(), studied.coverage(action))).collect(),
        too_many: match values.boolean(&STRICT_ACCOUNT_WILDCARD) {
            true => TooMany::OfAccount,
            false => TooMany::All,
        },
        condition_aware: values.boolean(&CONDITION_AWARE),
    }
}

/// Whether all keys of one account are too much.
pub(super) const STRICT_ACCOUNT_WILDCARD: Boolean = Boolean {
    name: "strict_account_wildcard",
    meaning: "Whether all keys of one account, in every Region, are too much as well (level ACCOUNT).",
    default: false,
    loosens: false,
};

/// Judges the default version of a customer managed policy. `actions`: of which it is asked who gets them.
pub(super) fn managed(
    policy: &ManagedPolicy,
    actions: &[&str],
    scope: &Scope<'_>,
    opened: impl Fn(&Arc<Document>) -> Opened,
) -> Judged {
    let document = policy.document.as_ref().map_err(Clone::clone)?;
    let judgement = conclude(answers(&policy.arn, document, &opened(document))).because_of(&policy.document_source);
    let stake = || Stake { documents: vec![document], actions: owned(actions), head: None };
    recipients::named(Ok(judgement), Held::Managed(&policy.arn), stake, scope)
}

/// Judges the inline policies of a principal, each by itself. `actions`: of which it is asked who gets them.
pub(super) fn inline(
    principal: Principal<'_>,
    actions: &[&str],
    scope: &Scope<'_>,
    opened: impl Fn(&Arc<Document>) -> Opened,
) -> Judged {
    let documents = || principal.inline_policies().iter().filter_map(|policy| policy.document.as_deref().ok());
    let stake = || Stake { documents: documents().collect(), actions: owned(actions), head: None };
    recipients::named(each(principal, opened), Held::By(principal), stake, scope)
}

fn owned(actions: &[&str]) -> Vec<String> {
    actions.iter().map(|action| (*action).to_owned()).collect()
}

fn each(principal: Principal<'_>, opened: impl Fn(&Arc<Document>) -> Opened) -> Judged {
    if let Principal::Role(role) = principal
        && role.is_service_linked()
    {
        let reason = "only AWS can change the policies of a service-linked role";
        return Ok(Judgement::not_applicable(reason).because_of(&role.source));
    }
    let policies = principal.inline_policies();
    if policies.is_empty() {
        return Ok(Judgement::not_applicable("there is no inline policy").because_of(principal.source()));
    }
    let mut answers = Vec::new();
    let mut missing: Option<Gap> = None;
    for InlinePolicy { name, document, .. } in policies {
        match document {
            Ok(document) => answers.extend(self::answers(name, document, &opened(document)).into_iter().map(|it| {
                let text = format!("inline policy {name}: {}", it.text);
                Answer { text, ..it }
            })),
            Err(gap) => missing = missing.or_else(|| Some(gap.clone())),
        }
    }
    // A document that fails is an exception, whatever stands in one that could not be read.
    let judgement = conclude(answers);
    match missing {
        Some(gap) if judgement.verdict != Verdict::Fail => Err(gap),
        _ => Ok(judgement.because_of_all(policies.iter().map(|policy| &policy.source))),
    }
}

/// What is said of one document and one question.
struct Answer {
    verdict: Verdict,
    text: String,
    statements: Vec<StatementReference>,
    /// How much it matters, if less than the check says.
    severity: Option<Severity>,
}

/// One answer for all questions that are answered alike.
fn answers(policy: &str, document: &Document, opened: &Opened) -> Vec<Answer> {
    let is_alike = |one: &Coverage, other: &Coverage| {
        (one.level, &one.witness, one.conditional, &one.notes)
            == (other.level, &other.witness, other.conditional, &other.notes)
    };
    let alike = opened.coverages.chunk_by(|(_, one), (_, other)| is_alike(one, other));
    alike.filter_map(|alike| Answer::new(policy, document, alike, opened)).collect()
}

impl Answer {
    fn new(policy: &str, document: &Document, alike: &[(String, Arc<Coverage>)], opened: &Opened) -> Option<Self> {
        let (_, coverage) = alike.first()?;
        let is_too_much = |level: Level| match opened.too_many {
            TooMany::All => level.is_all_but_named(),
            TooMany::OfAccount => level.is_all_but_named() || level == Level::Account,
            TooMany::Any => level != Level::None,
        };
        let verdict = match coverage.level {
            Level::Unknown => Verdict::Undecided,
            level if is_too_much(level) => Verdict::Fail,
            // A PASS must not rest on one reading of what AWS does not document.
            _ if is_too_much(coverage.widest_level()) => Verdict::Undecided,
            _ => Verdict::Pass,
        };
        let what: Vec<&str> = alike.iter().map(|(what, _)| what.as_str()).collect();
        let opens = |index: usize| alike.iter().any(|(_, coverage)| coverage.statements.contains(&index));
        let opening: Vec<&Statement> = document.statements.iter().filter(|statement| opens(statement.index)).collect();
        let is_narrowed = opened.condition_aware && !opening.is_empty() && opening.iter().all(|it| narrows(it));
        let statements = opening.into_iter().map(|it| reference(policy, it)).collect();
        let severity = is_narrowed.then_some(Severity::Low);
        Some(Self { verdict, text: text(&what, coverage), statements, severity })
    }
}

/// Whether a condition of the statement looks at what narrows the keys or their use.
fn narrows(statement: &Statement) -> bool {
    const KEYS: [&str; 2] = ["kms:viaservice", "kms:resourcealiases"];
    const STARTS: [&str; 2] = ["kms:encryptioncontext", "aws:resourcetag/"];
    statement.tests().any(|test| {
        KEYS.contains(&test.key.as_str()) || STARTS.iter().any(|start| test.key.as_str().starts_with(start))
    })
}

/// The worst answers decide; the others are said only when all are well.
fn conclude(mut answers: Vec<Answer>) -> Judgement {
    let worst = [Verdict::Fail, Verdict::Undecided, Verdict::Pass];
    let worst = worst.into_iter().find(|verdict| answers.iter().any(|answer| answer.verdict == *verdict));
    let worst = worst.unwrap_or(Verdict::Pass);
    answers.retain(|answer| answer.verdict == worst);
    // An exception matters as much as its worst part.
    let is_graded = worst == Verdict::Fail && answers.iter().all(|answer| answer.severity.is_some());
    let severity = answers.first().filter(|_| is_graded).and_then(|answer| answer.severity);
    let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
    let reason = texts.join("; ");
    let judgement = match worst {
        Verdict::Fail => Judgement::fail(reason),
        Verdict::Undecided => Judgement::undecided(reason),
        Verdict::Pass | Verdict::NotApplicable | Verdict::Manual => Judgement::pass(reason),
    };
    let mut statements: Vec<StatementReference> = answers.into_iter().flat_map(|answer| answer.statements).collect();
    statements.sort();
    statements.dedup();
    judgement.by_statements(statements).graded(severity)
}

fn text(what: &[&str], coverage: &Coverage) -> String {
    let what = what.join(if coverage.level == Level::None { " or " } else { " and " });
    let subject = match coverage.level {
        Level::All => "all keys are",
        Level::None => "no key is",
        Level::AllExceptFinite => "all keys but some that it names are",
        Level::AllExceptAccounts => "all keys but those of accounts that it names are",
        Level::AllExceptRegions => "all keys but those of Regions that it names are",
        Level::RegionAllAccounts => "all keys of a Region in every account are",
        Level::Account => "all keys of an account are",
        Level::AccountRegion => "all keys of an account in a Region are",
        Level::Variable => "keys that policy variables choose are",
        Level::Explicit => "the keys that it names are",
        Level::Pattern => "keys that match a pattern are",
        Level::Unknown => "it cannot be told which keys are",
    };
    let mut text = format!("{subject} open to {what} ({})", coverage.level);
    if let Some(witness) = &coverage.witness {
        text.push_str(&format!(", for example {witness}"));
    }
    if coverage.conditional {
        text.push_str("; conditions, which are not counted, narrow this");
    }
    for note in &coverage.notes {
        text.push_str(&format!("; {note}"));
    }
    text
}
