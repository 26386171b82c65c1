//! What templates are given: texts and numbers already chosen, sorted and worded.

use serde::Serialize;

use super::evidence::Places;
use super::html::place;
use super::recipe;
use super::visible;
use crate::audit::Counts;
use crate::checks;
use crate::finding::{AffectedPrincipals, Finding, Severity, Status, WaiverReference};
use crate::model::Evidence;

/// Rows that a page shows at most as elements; a browser grows slow beyond.
pub(super) const MAX_ROWS: usize = 1_000;

/// Bytes of findings that a page shows at most as elements, by [`FindingView::weight`]: no page may pass 5 MB.
pub(super) const MAX_WEIGHT: usize = 2_000_000;

/// Bytes of further findings that the page of an account holds as data.
pub(super) const MAX_DATA: usize = 2_400_000;

/// Letters of one text that a page shows at most; the rest stands in `findings.ndjson`.
const MAX_LETTERS: usize = 1_200;

/// Items of evidence and statements that a page shows for one finding.
const MAX_ITEMS: usize = 12;

/// A status: its word, and its name in the style sheet and among the icons.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct StatusView {
    /// `FAIL`, …
    pub(super) word: &'static str,
    /// `fail`, …
    pub(super) class: &'static str,
}

/// The view of a status.
pub(super) fn status(status: Status) -> StatusView {
    let class = match status {
        Status::Fail => "fail",
        Status::Error => "error",
        Status::Undecided => "undecided",
        Status::Waived => "waived",
        Status::Pass => "pass",
        Status::NotApplicable => "na",
        Status::Manual => "manual",
    };
    StatusView { word: status.word(), class }
}

/// A number of findings, with the question that it answers, so that a test can ask `findings.ndjson` the same.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Number {
    /// The number, for people.
    pub(super) text: String,
    /// Whether it is zero, to be shown faintly.
    pub(super) zero: bool,
    /// `check=iam-root-mfa status=FAIL`.
    pub(super) query: String,
    /// Name of the status in the style sheet; empty for totals.
    pub(super) class: &'static str,
    /// Word of the status; empty for totals.
    pub(super) word: &'static str,
}

impl Number {
    /// The number of findings of a status in a scope such as `check=iam-root-mfa`.
    pub(super) fn of(counts: &Counts, it: Status, scope: &str) -> Self {
        let StatusView { word, class } = status(it);
        Self { class, word, ..Self::new(counts.of(it), &format!("{scope} status={word}")) }
    }

    /// The findings that a waiver waives.
    pub(super) fn waived_by(id: &str, number: u64) -> Self {
        let StatusView { word, class } = status(Status::Waived);
        Self { class, word, ..Self::new(number, &format!("waiver={id} status={word}")) }
    }

    /// All findings of a scope.
    pub(super) fn total(counts: &Counts, scope: &str) -> Self {
        Self::new(counts.total(), scope)
    }

    /// All findings of a scope that need nobody: PASS and NOT_APPLICABLE.
    pub(super) fn quiet(counts: &Counts, scope: &str) -> Self {
        let [passed, exempt] =
            [Status::Pass, Status::NotApplicable].map(|it| (counts.of(it), format!("{scope} status={it}")));
        Self::new(passed.0 + exempt.0, &format!("{} + {}", passed.1.trim(), exempt.1.trim()))
    }

    /// The accounts in which a scope has findings.
    pub(super) fn accounts(number: u64, scope: &str) -> Self {
        Self::new(number, &format!("{scope} distinct=account_id"))
    }

    /// The population of a scope.
    pub(super) fn population(counts: &Counts, scope: &str) -> Self {
        Self::new(counts.population(), &format!("{scope} status=POPULATION"))
    }

    fn new(number: u64, query: &str) -> Self {
        Self { text: grouped(number), zero: number == 0, query: query.trim().to_owned(), class: "", word: "" }
    }
}

/// The columns of every table of counts: the statuses, those left out that never occur.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Columns {
    statuses: Vec<StatusView>,
    #[serde(skip)]
    shown: Vec<Status>,
}

impl Columns {
    /// The columns for an audit with these counts. WAIVED and MANUAL have a column only if there is such a finding.
    pub(super) fn new(total: &Counts) -> Self {
        let optional = |it: &Status| matches!(it, Status::Waived | Status::Manual);
        let shown: Vec<Status> = Status::ALL.into_iter().filter(|it| !optional(it) || total.of(*it) > 0).collect();
        Self { statuses: shown.iter().copied().map(status).collect(), shown }
    }

    /// The statuses that have a column.
    pub(super) fn shown(&self) -> &[Status] {
        &self.shown
    }

    /// One row of the table.
    pub(super) fn numbers(&self, counts: &Counts, scope: &str) -> Vec<Number> {
        self.shown.iter().map(|it| Number::of(counts, *it, scope)).collect()
    }
}

/// A bar that shows the shares of a population, drawn on a line of 100 units.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Share {
    class: &'static str,
    x: String,
    width: String,
}

/// The shares of a population, worst first; a share that is not zero is never too thin to be seen.
pub(super) fn shares(counts: &Counts) -> Vec<Share> {
    const THINNEST: u64 = 150;
    let population = counts.population();
    let parts: Vec<(Status, u64)> = Status::ALL
        .into_iter()
        .filter(|it| !matches!(it, Status::NotApplicable | Status::Manual))
        .map(|it| (it, counts.of(it)))
        .filter(|(_, count)| *count > 0)
        .collect();
    // Hundredths of a unit, as integers: the same on every machine.
    let wide = |count: u64| (u128::from(count) * 10_000 / u128::from(population.max(1))) as u64;
    let total: u64 = parts.iter().map(|(_, count)| wide(*count).max(THINNEST)).sum();
    let mut x = 0;
    parts
        .into_iter()
        .map(|(it, count)| {
            let width = wide(count).max(THINNEST) * 10_000 / total.max(1);
            let share = Share { class: status(it).class, x: hundredths(x), width: hundredths(width) };
            x += width;
            share
        })
        .collect()
}

fn hundredths(number: u64) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}

/// A finding on a page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FindingView {
    pub(super) anchor: String,
    pub(super) fingerprint: String,
    pub(super) status: StatusView,
    pub(super) severity: &'static str,
    pub(super) check: &'static str,
    pub(super) account: String,
    pub(super) account_name: String,
    pub(super) region: String,
    pub(super) resource_type: &'static str,
    pub(super) resource: String,
    pub(super) resource_arn: String,
    pub(super) reason: String,
    pub(super) aspects: Vec<AspectView>,
    pub(super) statements: Vec<StatementView>,
    pub(super) recipients: Option<RecipientsView>,
    pub(super) evidence: Vec<EvidenceView>,
    pub(super) more: usize,
    pub(super) remediation: String,
    pub(super) commands: Vec<String>,
    pub(super) first_seen: String,
    pub(super) waiver: Option<WaiverMark>,
}

/// The waiver that means a finding.
#[derive(Debug, Clone, Serialize)]
pub(super) struct WaiverMark {
    place: String,
    words: String,
    owner: String,
    approver: String,
    frameworks: String,
}

/// The result of a check under other parameters.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AspectView {
    name: String,
    parameters: String,
    status: StatusView,
}

/// Who gets what the policies of a finding give.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RecipientsView {
    /// `2 get it, 1 is kept from it`.
    summary: String,
    principals: Vec<RecipientView>,
}

/// One of those to whom a policy attaches.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RecipientView {
    arn: String,
    access: &'static str,
    action: String,
    resource: String,
    blocked_by: &'static str,
}

impl RecipientsView {
    fn new(affected: &AffectedPrincipals) -> Self {
        let AffectedPrincipals { count, possible, denied, complete, principals } = affected;
        let mut words = vec![match count {
            0 => "nobody certainly gets it".to_owned(),
            1 => "1 gets it".to_owned(),
            _ => format!("{} get it", grouped(*count as u64)),
        }];
        if *possible > 0 {
            words.push(format!("{} perhaps", grouped(*possible as u64)));
        }
        if *denied > 0 {
            words.push(format!("{} kept from it", grouped(*denied as u64)));
        }
        if !complete {
            words.push("there may be more, for not all were read".to_owned());
        }
        Self {
            summary: words.join(", "),
            principals: principals
                .iter()
                .take(MAX_ITEMS)
                .map(|it| RecipientView {
                    arn: shortened(&it.principal_arn),
                    access: it.access,
                    action: it.action.clone().unwrap_or_default(),
                    resource: it.resource_arn.as_deref().map(shortened).unwrap_or_default(),
                    blocked_by: it.blocked_by.unwrap_or_default(),
                })
                .collect(),
        }
    }

    fn weight(&self) -> usize {
        let of = |it: &RecipientView| 250 + visible::escaped_length(&it.arn) + visible::escaped_length(&it.resource);
        self.principals.iter().map(of).sum()
    }
}

/// A deciding statement.
#[derive(Debug, Clone, Serialize)]
pub(super) struct StatementView {
    effect: String,
    policy: String,
    index: usize,
    sid: String,
}

/// An item of evidence.
#[derive(Debug, Clone, Serialize)]
pub(super) struct EvidenceView {
    ev_id: String,
    /// Its place on the pages, relative to `report/`; empty if it has none.
    href: String,
    api: String,
    file: String,
    pointer: String,
    request_id: String,
    collected_at: String,
    line: String,
}

impl FindingView {
    /// About how many bytes the finding takes on a page.
    pub(super) fn weight(&self) -> usize {
        const ROW: usize = 1_100;
        const ITEM: usize = 600;
        let wide = visible::escaped_length;
        let evidence: usize = self
            .evidence
            .iter()
            .map(|it| ITEM + wide(&it.line) + wide(&it.pointer) + wide(&it.file) + wide(&it.request_id))
            .sum();
        let statements: usize = self.statements.iter().map(|it| ITEM / 2 + wide(&it.policy) + wide(&it.sid)).sum();
        let Self { reason, resource, resource_arn, remediation, account_name, .. } = self;
        let of_waiver = self.waiver.iter().flat_map(|it| [&it.words, &it.owner, &it.approver, &it.frameworks]);
        let texts = [reason, resource, resource_arn, remediation, account_name].into_iter().chain(&self.commands);
        let recipients = self.recipients.as_ref().map_or(0, RecipientsView::weight);
        ROW + evidence + statements + recipients + texts.chain(of_waiver).map(|text| wide(text)).sum::<usize>()
    }

    /// The view of a finding; `places` says where its evidence stands.
    pub(super) fn new(finding: &Finding, places: &Places) -> Self {
        let statements = finding.statements.iter().take(MAX_ITEMS).map(|it| StatementView {
            effect: shortened(&it.effect),
            policy: shortened(&it.policy),
            index: it.index,
            sid: it.sid.as_deref().map(shortened).unwrap_or_default(),
        });
        let listed = finding.affected_principals.as_ref().map_or(0, |it| it.principals.len());
        let more = [finding.statements.len(), finding.evidence.len(), listed];
        Self {
            anchor: anchor(finding),
            fingerprint: finding.fingerprint.clone(),
            status: status(finding.status),
            severity: finding.severity.word(),
            check: finding.check_id,
            account: finding.account_id.to_string(),
            account_name: shortened(&finding.account_name),
            region: finding.region.to_string(),
            resource_type: finding.resource_type,
            resource: shortened(&finding.resource_name),
            resource_arn: shortened(&finding.resource_arn),
            reason: shortened(&finding.reason),
            aspects: finding
                .aspects
                .iter()
                .map(|it| AspectView {
                    name: it.name.clone(),
                    parameters: it.parameters.clone(),
                    status: status(it.status),
                })
                .collect(),
            statements: statements.collect(),
            recipients: finding.affected_principals.as_deref().map(RecipientsView::new),
            evidence: finding.evidence.iter().take(MAX_ITEMS).map(|it| evidence(finding, it, places)).collect(),
            more: more.into_iter().map(|items| items.saturating_sub(MAX_ITEMS)).sum(),
            remediation: shortened(&finding.remediation),
            commands: commands(finding),
            first_seen: finding.first_seen.to_string(),
            waiver: finding.waiver.as_deref().map(waiver_mark),
        }
    }
}

fn waiver_mark(waiver: &WaiverReference) -> WaiverMark {
    WaiverMark {
        place: place("w", &waiver.id),
        words: waiver.words(),
        owner: shortened(&waiver.owner),
        approver: shortened(&waiver.approver),
        frameworks: waiver.frameworks.join(", "),
    }
}

fn evidence(finding: &Finding, it: &Evidence, places: &Places) -> EvidenceView {
    EvidenceView {
        ev_id: it.ev_id.clone(),
        href: places.href(finding, it),
        api: it.api.to_string(),
        file: it.file.to_string(),
        pointer: shortened(&it.pointer),
        request_id: it.request_id.clone().unwrap_or_default(),
        collected_at: it.collected_at.map(|time| time.to_string()).unwrap_or_default(),
        line: recipe::raw_answer(places.prefix, &it.file, &it.pointer),
    }
}

/// The place of a finding on a page.
pub(super) fn anchor(finding: &Finding) -> String {
    format!("f-{}", finding.fingerprint.get(..12).unwrap_or(&finding.fingerprint))
}

/// How bad a severity is, as pages sort it: 0 is worst.
pub(super) fn rank(severity: Severity) -> usize {
    Severity::ALL.iter().position(|it| *it == severity).unwrap_or(Severity::ALL.len())
}

/// A text that fits a page; what is cut is said to be cut.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_LETTERS) {
        None => text.to_owned(),
        Some((at, _)) => format!("{} … [cut; findings.ndjson has all]", &text[..at]),
    }
}

/// The commands that mend an exception.
pub(super) fn commands(finding: &Finding) -> Vec<String> {
    match checks::find(finding.check_id) {
        Some(check) if finding.status == Status::Fail => recipe::remedies(check.remediation.commands, finding),
        _ => vec![],
    }
}

/// A number with its thousands apart: `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 key`, `2 keys`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let texts = [0, 12, 123, 1_234, 12_345, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "123", "1,234", "12,345", "1,234,567"]);
    }

    #[test]
    fn lists_read_as_people_write_them() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn shares_fill_the_bar_and_none_vanishes() {
        let mut counts = Counts::default();
        counts.add_many(Status::Pass, 9_999);
        counts.add_many(Status::Fail, 1);
        counts.add_many(Status::NotApplicable, 500);
        let shares = shares(&counts);
        assert_eq!(shares.len(), 2);
        assert_eq!((shares[0].class, shares[0].x.as_str()), ("fail", "0.00"));
        assert!(shares[0].width.starts_with("1."), "{:?}", shares[0]);
        assert!(shares[1].width.starts_with("98."), "{:?}", shares[1]);
        assert!(super::shares(&Counts::default()).is_empty());
    }

    #[test]
    fn a_text_of_ten_thousand_letters_is_cut_and_says_so() {
        let text = shortened(&"ü".repeat(10_000));
        assert!(text.ends_with("[cut; findings.ndjson has all]"));
        assert!(text.chars().count() < 1_300);
    }
}
