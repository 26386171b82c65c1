//! Control frameworks as data: which control which check tests, how strongly, and who says so.
//!
//! Each framework is one TOML file in this folder, embedded at compile time. A control lists the checks that some
//! published source maps to it, with that source; the strength of each test is our own reviewed judgement. Where the
//! sources disagree, every side is kept. Mappings of our own are `proposed` and count for nothing unless asked for.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;
use toml::Spanned;

/// A control framework in one version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// Stable id that users type, such as `pci-dss-4.0.1`.
    pub id: String,
    /// Name without version.
    pub title: String,
    /// Version as the publisher writes it. `4.0.1` of the CIS benchmark stands for 4.0.0 as well.
    pub version: String,
    /// Who issues the framework.
    pub publisher: String,
    /// The day on which the publisher withdrew this version; `None` while it is in force.
    pub retired: Option<jiff::civil::Date>,
    /// Id of the next version, where there is one. A superseded version need not be retired.
    pub superseded_by: Option<String>,
    /// What a reader must know: licence, scope, what the mapping rests on.
    pub notice: String,
    /// The controls that some check tests or is proposed to test, in natural order of their ids.
    #[serde(rename = "control")]
    pub controls: Vec<Control>,
}

/// One control, requirement or recommendation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The publisher's id, in the form that AWS documents use: `AC-2(1)`, `164.312(a)(1)`, `3.7.4`.
    pub id: String,
    /// Short title; the publisher's own for HIPAA and SP 800-53, ours for the others.
    pub title: String,
    /// HIPAA only.
    pub requirement: Option<Requirement>,
    /// SP 800-53 only: the baselines of SP 800-53B that hold the control, possibly none.
    pub baselines: Option<Vec<Baseline>>,
    /// What is tested, at most one row a check and aspect.
    #[serde(rename = "test", default)]
    tests: Vec<Test>,
}

/// A check that tests a control.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Id of the check.
    pub check: String,
    /// The part of the check that the control asks about; `None` means the check's own status.
    pub aspect: Option<String>,
    /// How far a result answers the control.
    pub strength: Strength,
    /// A mapping of our own that no source publishes.
    #[serde(default)]
    pub proposed: bool,
    /// Published, but by no AWS document.
    #[serde(default)]
    pub third_party_only: bool,
    /// What weakens or limits the mapping, for the reader of a report.
    pub note: Option<String>,
    /// Who publishes the mapping; empty only for proposals.
    #[serde(default)]
    pub sources: Vec<Source>,
}

/// A document that maps a check of its own to a control.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name of the document, with the version that it speaks of.
    pub document: String,
    /// Ids of the document's rules that do what our check does.
    pub rules: Vec<String>,
    /// The control ids as the document prints them, where they are not just the control's: `CM-6(a)`, `3.6.4.a`.
    #[serde(default)]
    pub published_as: Vec<String>,
    /// What is peculiar about this source.
    pub note: Option<String>,
}

/// What HIPAA says of a paragraph (45 CFR 164.306(d)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Requirement {
    /// A standard that implementation specifications make concrete.
    Standard,
    /// Must be implemented.
    Required,
    /// Must be assessed, and implemented or replaced by a documented equivalent.
    Addressable,
}

/// A baseline of NIST SP 800-53B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// Low-impact systems.
    Low,
    /// Moderate-impact systems.
    Moderate,
    /// High-impact systems.
    High,
}

/// How far a check answers a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// The check by itself tests what the control demands.
    Direct,
    /// The check tests one element of what the control demands.
    Partial,
    /// The result is related evidence; alone it never concludes on the control.
    Supporting,
}

/// Why a framework is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is not TOML of the form above; the reason names line and member.
    #[error("framework file `{file}` cannot be read: {reason}")]
    Malformed {
        /// Name of the file.
        file: String,
        /// What the parser says.
        reason: String,
    },
    /// The file is well formed, but contradicts itself or what ships with the tool.
    #[error("framework file `{file}`, line {line}, {place}: {reason}")]
    Inconsistent {
        /// Name of the file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// The control, or the framework as a whole.
        place: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// No framework has this id.
    #[error("no framework is called `{id}`; `keyproof framework list` prints all of them")]
    Unknown {
        /// The id that was asked for.
        id: String,
    },
}

/// The embedded files, in the order of every list and report: regulation, NIST, PCI and CIS newest first, AWS.
const FILES: [(&str, &str); 17] = [
    ("hipaa-security-rule.toml", include_str!("hipaa-security-rule.toml")),
    ("nist-800-53-r5.toml", include_str!("nist-800-53-r5.toml")),
    ("nist-800-171-r2.toml", include_str!("nist-800-171-r2.toml")),
    ("pci-dss-4.0.1.toml", include_str!("pci-dss-4.0.1.toml")),
    ("pci-dss-4.0.toml", include_str!("pci-dss-4.0.toml")),
    ("pci-dss-3.2.1.toml", include_str!("pci-dss-3.2.1.toml")),
    ("cis-aws-7.0.0.toml", include_str!("cis-aws-7.0.0.toml")),
    ("cis-aws-6.0.0.toml", include_str!("cis-aws-6.0.0.toml")),
    ("cis-aws-5.0.0.toml", include_str!("cis-aws-5.0.0.toml")),
    ("cis-aws-4.0.1.toml", include_str!("cis-aws-4.0.1.toml")),
    ("cis-aws-3.0.0.toml", include_str!("cis-aws-3.0.0.toml")),
    ("cis-aws-2.0.0.toml", include_str!("cis-aws-2.0.0.toml")),
    ("cis-aws-1.5.0.toml", include_str!("cis-aws-1.5.0.toml")),
    ("cis-aws-1.4.0.toml", include_str!("cis-aws-1.4.0.toml")),
    ("cis-aws-1.3.0.toml", include_str!("cis-aws-1.3.0.toml")),
    ("cis-aws-1.2.0.toml", include_str!("cis-aws-1.2.0.toml")),
    ("aws-fsbp.toml", include_str!("aws-fsbp.toml")),
];

static EMBEDDED: LazyLock<Result<Vec<Framework>, Error>> =
    LazyLock::new(|| FILES.iter().map(|(file, text)| parse(file, text)).collect());

/// All frameworks that ship with the tool, in their fixed order.
///
/// # Errors
/// Only if an embedded file is broken, which a test rules out; a caller passes the error on.
pub fn all() -> Result<&'static [Framework], Error> {
    match &*EMBEDDED {
        Ok(frameworks) => Ok(frameworks),
        Err(error) => Err(error.clone()),
    }
}

/// The framework with this id.
///
/// # Errors
/// [`Error::Unknown`] if there is none.
pub fn find<'a>(frameworks: &'a [Framework], id: &str) -> Result<&'a Framework, Error> {
    frameworks.iter().find(|framework| framework.id == id).ok_or_else(|| Error::Unknown { id: id.to_owned() })
}

/// The file of a framework of the user's own, which a pack holds so that another run can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Id of the framework.
    pub id: String,
    /// The file, letter by letter.
    pub text: String,
}

/// The controls that published sources map to a check, as `framework:control`, in the order of `frameworks`.
/// Proposals are left out; a control that several aspects of the check test is named once.
#[must_use]
pub fn controls_of(frameworks: &[Framework], check: &str) -> Vec<String> {
    let mut controls = Vec::new();
    for framework in frameworks {
        for control in &framework.controls {
            if control.tests().any(|test| test.check == check) {
                controls.push(format!("{}:{}", framework.id, control.id));
            }
        }
    }
    controls
}

/// Reads one framework file and checks that it is consistent; `file` is the name that errors give.
///
/// # Errors
/// [`Error::Malformed`] and [`Error::Inconsistent`].
pub fn parse(file: &str, text: &str) -> Result<Framework, Error> {
    let mut framework: Framework = toml::from_str(text)
        .map_err(|error| Error::Malformed { file: file.to_owned(), reason: error.to_string().trim_end().to_owned() })?;
    let mut seen = BTreeSet::new();
    for (at, control) in framework.controls.iter().enumerate() {
        let fault =
            if seen.insert(&control.id) { control.fault() } else { Some((None, "it is listed twice".to_owned())) };
        if let Some((test, reason)) = fault {
            let place = format!("control `{}`", control.id);
            return Err(Error::Inconsistent { file: file.to_owned(), line: line(text, at, test), place, reason });
        }
    }
    framework.controls.sort_by(|a, b| natural(&a.id, &b.id));
    Ok(framework)
}

/// Reads a framework of the user's own, which must fit to those that are `known`. `unknown_check` says what is wrong with the id
/// of a check, if anything is.
///
/// # Errors
/// As [`parse`].
pub fn parse_own(
    file: &str,
    text: &str,
    known: &[Framework],
    unknown_check: impl Fn(&str) -> Option<String>,
) -> Result<Framework, Error> {
    let own = parse(file, text)?;
    let places: Places = toml::from_str(text)
        .map_err(|error| Error::Malformed { file: file.to_owned(), reason: error.to_string().trim_end().to_owned() })?;
    let refused = |at: &Spanned<String>, place: String, reason: String| {
        Err(Error::Inconsistent { file: file.to_owned(), line: line_of(text, at.span().start), place, reason })
    };
    let id = places.id.get_ref();
    let framework = |id: &str| format!("framework `{id}`");
    if !is_plain(id) {
        let reason = "an id is 1 to 64 lower-case letters, digits, dots and hyphens, and begins with a letter or digit";
        return refused(&places.id, framework(id), reason.to_owned());
    }
    if known.iter().any(|it| it.id == *id) {
        let reason = "a framework of this id is there already; give yours another id".to_owned();
        return refused(&places.id, framework(id), reason);
    }
    for control in &places.control {
        let name = control.id.get_ref();
        if name.chars().any(char::is_control) {
            let reason = "the id of a control holds no line ends and no control characters".to_owned();
            return refused(&control.id, format!("control {name:?}"), reason);
        }
        for test in &control.test {
            if let Some(reason) = unknown_check(test.check.get_ref()) {
                return refused(&test.check, format!("control `{name}`"), reason);
            }
        }
    }
    Ok(own)
}

/// Whether an id can be typed, and name a file.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.starts_with(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
}

/// Where things stand in a framework file.
#[derive(Deserialize)]
struct Places {
    id: Spanned<String>,
    #[serde(default)]
    control: Vec<ControlPlace>,
}

/// Where a control stands.
#[derive(Deserialize)]
struct ControlPlace {
    id: Spanned<String>,
    #[serde(default)]
    test: Vec<TestPlace>,
}

/// Where a test stands.
#[derive(Deserialize)]
struct TestPlace {
    check: Spanned<String>,
}

/// The line of the test of a control, or of the control, by their positions in a well-formed file.
fn line(text: &str, control: usize, test: Option<usize>) -> usize {
    let places: Option<Places> = toml::from_str(text).ok();
    let span = places.and_then(|places| {
        let control = places.control.into_iter().nth(control)?;
        let test = test.and_then(|test| control.test.into_iter().nth(test));
        Some(test.map_or(control.id.span(), |test| test.check.span()))
    });
    line_of(text, span.map_or(0, |span| span.start))
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

impl Framework {
    /// Whether the publisher has withdrawn this version.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        self.retired.is_some()
    }

    /// Whether it is in force, and there is no newer version.
    #[must_use]
    pub fn is_current(&self) -> bool {
        !self.is_retired() && self.superseded_by.is_none()
    }

    /// The checks that published sources map to any control of this framework.
    #[must_use]
    pub fn checks(&self) -> BTreeSet<&str> {
        self.controls.iter().flat_map(Control::tests).map(|test| test.check.as_str()).collect()
    }
}

impl Control {
    /// The published tests: what a roll-up counts.
    pub fn tests(&self) -> impl Iterator<Item = &Test> {
        self.tests.iter().filter(|test| !test.proposed)
    }

    /// The tests that we propose and nobody publishes: shown as proposals, counted only on request.
    pub fn proposals(&self) -> impl Iterator<Item = &Test> {
        self.tests.iter().filter(|test| test.proposed)
    }

    /// What contradicts itself in this control, if anything does: the position of the test, and what is wrong.
    fn fault(&self) -> Option<(Option<usize>, String)> {
        if self.id.trim().is_empty() || self.title.trim().is_empty() {
            return Some((None, "it needs an id and a title".to_owned()));
        }
        let mut seen = BTreeSet::new();
        self.tests.iter().enumerate().find_map(|(at, test)| {
            let check = &test.check;
            let fault = if seen.insert((check, &test.aspect)) {
                test.fault()?
            } else {
                format!("`{check}` is listed twice; give both sources in one test")
            };
            Some((Some(at), fault))
        })
    }
}

impl Test {
    /// What contradicts itself in this test, if anything does.
    fn fault(&self) -> Option<String> {
        let check = &self.check;
        if self.proposed != self.sources.is_empty() {
            return Some(format!("`{check}` needs either a source or `proposed = true`, not both"));
        }
        if self.third_party_only && self.sources.iter().any(Source::is_aws) {
            return Some(format!("`{check}` is marked `third_party_only` although AWS publishes the mapping"));
        }
        let names_nothing = |source: &Source| source.document.trim().is_empty() || source.rules.is_empty();
        self.sources.iter().any(names_nothing).then(|| format!("a source of `{check}` names no document or no rule"))
    }
}

impl Source {
    /// Whether the document is AWS's own.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        ["Security Hub ", "AWS "].iter().any(|publisher| self.document.starts_with(publisher))
    }
}

/// Orders control ids as people count: runs of digits by value, everything else by letter.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.is_empty(), b.is_empty()) {
            (false, false) => {}
            (a_ends, b_ends) => return b_ends.cmp(&a_ends),
        }
        let (a_run, a_rest) = digits(a);
        let (b_run, b_rest) = digits(b);
        if a_run.is_empty() || b_run.is_empty() {
            let (a_letter, b_letter) = (a.chars().next(), b.chars().next());
            if a_letter != b_letter {
                return a_letter.cmp(&b_letter);
            }
            let width = a_letter.map_or(0, char::len_utf8);
            (a, b) = (&a[width..], &b[width..]);
        } else {
            // More digits without leading zeros is the larger number, whatever its size.
            let (a_value, b_value) = (a_run.trim_start_matches('0'), b_run.trim_start_matches('0'));
            match a_value.len().cmp(&b_value.len()).then_with(|| a_value.cmp(b_value)) {
                Ordering::Equal => (a, b) = (a_rest, b_rest),
                unequal => return unequal,
            }
        }
    }
}

/// Splits off the digits that a text begins with.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that no source maps to a control, and why they exist all the same.
    const UNMAPPED: &[(&str, &str)] = &[
        ("iam-user-hardware-mfa", "no published mapping speaks of hardware MFA of users"),
        (
            "iam-administrator-mfa",
            "no published mapping speaks of MFA of administrators alone; that of all users is mapped",
        ),
        ("iam-user-password-and-access-key", "no published mapping speaks of users with both"),
        ("iam-signing-certificate", "no published mapping speaks of signing certificates"),
        ("iam-security-audit-role", "no published mapping speaks of a role for audits"),
        ("account-alternate-contacts", "published mappings speak of the contact for security alone"),
        ("iam-role-external-data-read", "no published mapping speaks of roles of other companies"),
        ("iam-policy-any-role", "no published mapping speaks of roles that everybody may assume or pass"),
        ("org-scp-kms-regions", "no published mapping speaks of Regions"),
        ("iam-resource-tags", "Security Hub publishes no requirement for its tag controls; one is proposed"),
        (
            "iam-aws-managed-policy-kms-decrypt-all-keys",
            "no source looks at AWS managed policies; a control is proposed",
        ),
        ("iam-policy-kms-destructive-all-keys", "no published mapping speaks of destruction; controls are proposed"),
        ("iam-role-trust-wildcard-principal", "no published mapping speaks of trust policies; controls are proposed"),
        ("iam-role-trust-external-without-external-id", "no published mapping speaks of external ids; one is proposed"),
        ("iam-role-trust-service-unscoped", "no published mapping speaks of confused deputies; one is proposed"),
        ("iam-role-unused", "no published mapping speaks of unused roles; controls are proposed"),
        ("iam-privilege-escalation", "no published mapping speaks of effective permissions; controls are proposed"),
        ("iam-policy-cloudtrail-full-access", "no published mapping was read; a control is proposed"),
        ("iam-group-deny-ineffective", "no published mapping speaks of it; a control is proposed"),
        ("iam-service-specific-credentials", "no published mapping was read; controls are proposed"),
        ("kms-key-policy-external-account", "no published mapping speaks of other accounts; controls are proposed"),
        ("kms-key-policy-root-delegation-missing", "no published mapping speaks of lock-out; controls are proposed"),
        ("kms-key-policy-separation-of-duties", "no published mapping speaks of both duties; controls are proposed"),
        (
            "kms-key-policy-destructive-without-mfa",
            "no published mapping speaks of keys and MFA; controls are proposed",
        ),
        ("kms-key-policy-service-principal-unscoped", "no published mapping speaks of services; controls are proposed"),
        ("kms-key-policy-not-principal", "no published mapping speaks of NotPrincipal; controls are proposed"),
        ("kms-key-policy-full-access-non-root", "no published mapping speaks of key policies; controls are proposed"),
        ("kms-key-rotation-period", "no published mapping speaks of the state of keys; controls are proposed"),
        ("kms-key-manual-rotation-overdue", "no published mapping speaks of the state of keys; controls are proposed"),
        ("kms-key-disabled", "no published mapping speaks of the state of keys; controls are proposed"),
        ("kms-key-unused", "no published mapping speaks of the state of keys; controls are proposed"),
        (
            "kms-key-imported-material-expiring",
            "no published mapping speaks of the state of keys; controls are proposed",
        ),
        ("kms-key-imported-material", "no published mapping speaks of the state of keys; controls are proposed"),
        ("kms-key-custom-key-store", "no published mapping speaks of the state of keys; controls are proposed"),
        ("kms-key-multi-region", "no published mapping speaks of the state of keys; controls are proposed"),
        ("kms-key-spec-allowed", "no published mapping speaks of the state of keys; controls are proposed"),
        ("kms-key-tagged", "AWS Config publishes the rule without a control; none is proposed"),
        ("kms-key-no-alias", "no published mapping speaks of aliases; none is proposed"),
        (
            "kms-key-policy-deleted-principal",
            "no published mapping speaks of deleted principals; controls are proposed",
        ),
        ("kms-key-policy-grants-not-limited", "no published mapping speaks of grants; controls are proposed"),
        ("kms-bypass-lockout-check-allowed", "no published mapping speaks of lock-out; controls are proposed"),
        ("kms-encryption-context-not-required", "no published mapping speaks of contexts; controls are proposed"),
        ("kms-grant-external-account", "no published mapping speaks of grants; controls are proposed"),
        ("kms-grant-broad-operations", "no published mapping speaks of grants; controls are proposed"),
        ("kms-grant-create-grant", "no published mapping speaks of grants; controls are proposed"),
        ("kms-grant-no-retiring-principal", "no published mapping speaks of grants; controls are proposed"),
        ("kms-grant-no-encryption-context", "no published mapping speaks of grants; controls are proposed"),
        ("kms-grant-stale", "no published mapping speaks of grants; controls are proposed"),
        ("kms-grant-duplicate", "no published mapping speaks of grants; none is proposed"),
        ("org-scp-kms-guard-incomplete", "no published mapping speaks of guardrails of keys; controls are proposed"),
        ("policy-unknown-action", "no published mapping speaks of faults in policies; controls are proposed"),
        ("policy-unknown-condition-key", "no published mapping speaks of faults in policies; controls are proposed"),
        (
            "policy-condition-key-inapplicable",
            "no published mapping speaks of faults in policies; controls are proposed",
        ),
        ("policy-condition-wrong-value", "no published mapping speaks of faults in policies; controls are proposed"),
        ("policy-mfa-ifexists-in-allow", "no published mapping speaks of faults in policies; controls are proposed"),
        ("policy-statement-no-effect", "no published mapping speaks of faults in policies; controls are proposed"),
        (
            "policy-action-ineffective-in-key-policy",
            "no published mapping speaks of faults in policies; controls are proposed",
        ),
        ("policy-key-alias-in-resource", "no published mapping speaks of faults in policies; controls are proposed"),
        ("policy-unknown-principal", "no published mapping speaks of faults in policies; controls are proposed"),
        ("org-rcp-kms-external-access", "no published mapping speaks of guardrails of keys; controls are proposed"),
    ];

    /// Framework, controls, published tests, proposals, rows of the catalogue of published mappings that concern
    /// today's checks: one for each rule, document and control id as printed. The Foundational Security Best Practices
    /// are read from the standard's own page instead.
    const COUNTS: [(&str, usize, usize, usize, usize); 17] = [
        ("hipaa-security-rule", 19, 111, 20, 248),
        ("nist-800-53-r5", 61, 319, 95, 1057),
        ("nist-800-171-r2", 15, 33, 0, 33),
        ("pci-dss-4.0.1", 48, 272, 44, 371),
        ("pci-dss-4.0", 46, 257, 0, 348),
        ("pci-dss-3.2.1", 26, 96, 2, 145),
        ("cis-aws-7.0.0", 23, 23, 1, 25),
        ("cis-aws-6.0.0", 20, 20, 0, 42),
        ("cis-aws-5.0.0", 20, 20, 0, 57),
        ("cis-aws-4.0.1", 20, 20, 0, 42),
        ("cis-aws-3.0.0", 20, 20, 0, 56),
        ("cis-aws-2.0.0", 20, 20, 0, 42),
        ("cis-aws-1.5.0", 19, 19, 0, 40),
        ("cis-aws-1.4.0", 19, 22, 0, 67),
        ("cis-aws-1.3.0", 18, 18, 0, 18),
        ("cis-aws-1.2.0", 20, 20, 0, 39),
        ("aws-fsbp", 14, 14, 0, 14),
    ];

    fn shipped() -> &'static [Framework] {
        all().expect("every embedded file parses")
    }

    #[test]
    fn every_published_row_is_present() {
        let counted: Vec<_> = shipped()
            .iter()
            .map(|framework| {
                let tests: Vec<_> = framework.controls.iter().flat_map(Control::tests).collect();
                let sources = tests.iter().flat_map(|test| &test.sources);
                let rows = sources.map(|source| source.rules.len() * source.published_as.len().max(1)).sum();
                let proposals = framework.controls.iter().flat_map(Control::proposals).count();
                (framework.id.as_str(), framework.controls.len(), tests.len(), proposals, rows)
            })
            .collect();
        assert_eq!(counted, COUNTS);
    }

    #[test]
    fn a_file_is_named_after_its_framework_and_lists_controls_in_natural_order() {
        for (file, text) in FILES {
            let as_written: Framework = toml::from_str(text).unwrap();
            assert_eq!(file, format!("{}.toml", as_written.id));
            for pair in as_written.controls.windows(2) {
                assert_eq!(natural(&pair[0].id, &pair[1].id), Ordering::Less, "{file}: {} {}", pair[0].id, pair[1].id);
            }
        }
    }

    #[test]
    fn frameworks_have_a_name_a_notice_and_an_existing_successor() {
        for framework in shipped() {
            for text in [&framework.title, &framework.version, &framework.publisher, &framework.notice] {
                assert!(!text.trim().is_empty(), "{}", framework.id);
            }
            if let Some(successor) = &framework.superseded_by {
                assert_ne!(successor, &framework.id);
                assert!(find(shipped(), successor).is_ok(), "{} names {successor}", framework.id);
            }
            assert!(!framework.is_retired() || framework.superseded_by.is_some(), "{}", framework.id);
        }
        let retired: Vec<_> = shipped().iter().filter(|f| f.is_retired()).map(|f| f.id.as_str()).collect();
        assert_eq!(retired, ["pci-dss-4.0", "pci-dss-3.2.1"]);
    }

    #[test]
    fn every_row_names_a_check_that_exists() {
        for control in shipped().iter().flat_map(|framework| &framework.controls) {
            for test in control.tests().chain(control.proposals()) {
                assert!(crate::checks::find(&test.check).is_some(), "{}: {}", control.id, test.check);
            }
        }
    }

    #[test]
    fn every_check_is_mapped_by_some_source_or_listed_as_unmapped() {
        let unmapped: BTreeSet<&str> = UNMAPPED.iter().map(|(check, _)| *check).collect();
        for check in crate::checks::CHECKS {
            let is_unmapped = controls_of(shipped(), check.id).is_empty();
            assert_eq!(is_unmapped, unmapped.contains(check.id), "{}", check.id);
        }
    }

    #[test]
    fn third_party_rows_are_marked_as_such() {
        for framework in shipped() {
            for control in &framework.controls {
                for test in control.tests() {
                    let third_party = !test.sources.iter().any(Source::is_aws);
                    assert_eq!(test.third_party_only, third_party, "{} {} {}", framework.id, control.id, test.check);
                }
            }
        }
    }

    #[test]
    fn only_hipaa_says_required_or_addressable_and_only_800_53_has_baselines() {
        for framework in shipped() {
            for control in &framework.controls {
                assert_eq!(control.requirement.is_some(), framework.id == "hipaa-security-rule", "{}", control.id);
                assert_eq!(control.baselines.is_some(), framework.id == "nist-800-53-r5", "{}", control.id);
                let baselines = control.baselines.as_deref().unwrap_or_default();
                assert!(baselines.is_sorted(), "{}", control.id);
            }
        }
    }

    #[test]
    fn a_check_knows_its_controls_without_the_proposals() {
        let rotation = controls_of(shipped(), "kms-key-rotation-enabled");
        assert_eq!(
            &rotation[..4],
            [
                "hipaa-security-rule:164.312(a)(2)(iv)",
                "nist-800-53-r5:CM-6",
                "nist-800-53-r5:CM-9",
                "nist-800-53-r5:SA-9(6)"
            ]
        );
        assert!(rotation.contains(&"pci-dss-4.0.1:3.7.4".to_owned()));
        assert!(rotation.contains(&"cis-aws-7.0.0:4.6".to_owned()));
        assert_eq!(controls_of(shipped(), "kms-grant-external-account"), [""; 0]);
        assert_eq!(controls_of(shipped(), "no-such-check"), [""; 0]);
    }

    #[test]
    fn an_unknown_framework_is_an_error_that_tells_how_to_list_them() {
        assert_eq!(find(shipped(), "hipaa-security-rule").unwrap().title, "HIPAA Security Rule");
        let message = find(shipped(), "hipaa").unwrap_err().to_string();
        assert!(message.contains("`hipaa`") && message.contains("framework list"), "{message}");
    }

    const OWN: &str = r#"
        id = "own"
        title = "House rules"
        version = "1"
        publisher = "Us"
        notice = "Internal."
        [[control]]
        id = "R10"
        title = "Ten"
        [[control.test]]
        check = "iam-root-mfa"
        strength = "direct"
        sources = [{ document = "Handbook", rules = ["10"] }]
        [[control]]
        id = "R9"
        title = "Nine"
        [[control.test]]
        check = "iam-root-mfa"
        strength = "supporting"
        proposed = true
    "#;

    #[test]
    fn a_file_of_the_users_own_is_read_and_put_in_order() {
        let own = parse("own.toml", OWN).unwrap();
        let ids: Vec<_> = own.controls.iter().map(|control| control.id.as_str()).collect();
        assert_eq!(ids, ["R9", "R10"]);
        assert_eq!(own.checks(), BTreeSet::from(["iam-root-mfa"]));
        assert_eq!(controls_of(&[own], "iam-root-mfa"), ["own:R10"]);
    }

    #[test]
    fn a_broken_file_is_refused_with_file_and_place() {
        let faults = [
            (OWN.replace("strength = \"direct\"", "strength = \"strong\""), "own.toml"),
            (OWN.replace("strength = \"direct\"", "strenght = \"direct\""), "strenght"),
            (OWN.replace("\"R9\"", "\"R10\""), "`R10`: it is listed twice"),
            (OWN.replace("title = \"Nine\"", "title = \" \""), "`R9`: it needs an id and a title"),
            (OWN.replace("proposed = true", ""), "`R9`: `iam-root-mfa` needs either a source"),
            (OWN.replace("rules = [\"10\"]", "rules = []"), "`R10`: a source of `iam-root-mfa` names no"),
            (
                OWN.replace("strength = \"direct\"", "strength = \"direct\"\nthird_party_only = true")
                    .replace("Handbook", "AWS handbook"),
                "`R10`: `iam-root-mfa` is marked `third_party_only`",
            ),
            (
                OWN.replace("[[control]]\n        id = \"R9\"\n        title = \"Nine\"", ""),
                "`R10`: `iam-root-mfa` is listed twice",
            ),
        ];
        for (text, expected) in faults {
            assert_ne!(text, OWN, "the replacement for {expected} found its place");
            let message = parse("own.toml", &text).unwrap_err().to_string();
            assert!(message.contains("own.toml") && message.contains(expected), "{message}");
        }
    }

    #[test]
    fn an_own_framework_must_fit_to_the_others_and_to_the_checks() {
        let read = |text: &str| {
            parse_own("own.toml", text, shipped(), |check| {
                crate::checks::find(check).is_none().then(|| format!("no check is called `{check}`"))
            })
        };
        assert_eq!(read(OWN).unwrap(), parse("own.toml", OWN).unwrap());
        for (from, to, expected) in [
            ("\"own\"", "\"aws-fsbp\"", "line 2, framework `aws-fsbp`: a framework of this id is there already"),
            ("\"own\"", "\"../own\"", "line 2, framework `../own`: an id is 1 to 64 lower-case letters"),
            ("\"own\"", "\"\"", "line 2, framework ``: an id is 1 to 64 lower-case letters"),
            ("\"iam-root-mfa\"", "\"iam-root-mfaa\"", "line 11, control `R10`: no check is called `iam-root-mfaa`"),
            ("\"R9\"", "\"R9\\n\"", "control \"R9\\n\": the id of a control holds no line ends"),
        ] {
            let message = read(&OWN.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_fault_is_named_with_its_line() {
        for (text, line) in [
            (OWN.replace("\"R9\"", "\"R10\""), "line 15, control `R10`"),
            (OWN.replace("title = \"Nine\"", "title = \" \""), "line 15, control `R9`"),
            (OWN.replace("proposed = true", ""), "line 18, control `R9`"),
            (OWN.replace("rules = [\"10\"]", "rules = []"), "line 11, control `R10`"),
        ] {
            let message = parse("own.toml", &text).unwrap_err().to_string();
            assert!(message.contains(line), "{message}");
        }
    }

    #[test]
    fn control_ids_are_ordered_as_people_count() {
        let ordered = ["AC-2", "AC-2(1)", "AC-2(3)", "AC-2(11)", "AC-3", "AC-24", "IA-2", "SC-12(2)", "SC-28"];
        for pair in ordered.windows(2) {
            assert_eq!(natural(pair[0], pair[1]), Ordering::Less, "{} {}", pair[0], pair[1]);
            assert_eq!(natural(pair[1], pair[0]), Ordering::Greater);
        }
        assert_eq!(natural("8.3.9", "8.3.10.1"), Ordering::Less);
        assert_eq!(natural("164.308(a)(3)(i)", "164.308(a)(3)(ii)(A)"), Ordering::Less);
        assert_eq!(natural("Kö1", "Kö1"), Ordering::Equal);
    }
}
