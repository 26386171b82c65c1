//! Lint: it says the same twice, speaks only of what is there, and what it calls a statement without effect allows nothing.

use keyproof::policy::{
    Budget, Document, Effect, LintFacts, LintFinding, LintSeverity, PolicyKind, Relation, Rule, Statement,
    compare_within, lint,
};

const KINDS: [PolicyKind; 8] = [
    PolicyKind::Identity,
    PolicyKind::Boundary,
    PolicyKind::Session,
    PolicyKind::Key,
    PolicyKind::Trust,
    PolicyKind::ServiceControl,
    PolicyKind::ResourceControl,
    PolicyKind::Resource,
];
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

pub(crate) fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(document) = Document::parse(text) else { return };
    assert!(KINDS.contains(&PolicyKind::guess(&document)));
    for kind in KINDS {
        for facts in [LintFacts::default(), LintFacts { key_arn: Some(KEY), partition: Some("aws"), unique_ids: None }]
        {
            let findings = lint(&document, kind, &facts);
            assert_eq!(findings, lint(&document, kind, &facts));
            assert!(findings.is_sorted());
            findings.iter().for_each(|finding| speaks_of_what_is_there(finding, &document));
        }
    }
    for finding in lint(&document, PolicyKind::Identity, &LintFacts::default()) {
        // A statement that another one covers has the rule too, with the lowest severity.
        let never_applies = finding.rule == Rule::StatementNoEffect && finding.message.contains("never applies");
        if let Some(index) = finding.statement.filter(|_| never_applies) {
            allows_nothing(&document, index);
        }
    }
}

fn speaks_of_what_is_there(finding: &LintFinding, document: &Document) {
    assert!(finding.statement.is_none_or(|index| index < document.statements.len()), "{finding:?}");
    assert!(Rule::ALL.contains(&finding.rule) && !finding.message.is_empty(), "{finding:?}");
    assert!(finding.suggestion.as_deref().is_none_or(|suggestion| !suggestion.is_empty()), "{finding:?}");
    assert!(finding.severity <= LintSeverity::Informational);
}

/// The statement alone, as an Allow, is no more than nothing. A comparison knows no principals, and less than lint
/// does of condition keys, their values and the variables made of them.
fn allows_nothing(document: &Document, index: usize) {
    let mut alone = document.clone();
    alone.statements.retain(|statement| statement.index == index);
    let variable = |statement: &Statement| {
        statement
            .resources
            .iter()
            .flat_map(|resources| &resources.patterns)
            .any(|pattern| pattern.text().has_variables())
    };
    let knows_less =
        |statement: &Statement| statement.principal.is_some() || statement.condition.is_some() || variable(statement);
    if alone.statements.iter().any(knows_less) {
        return;
    }
    alone.statements.iter_mut().for_each(|statement| statement.effect = Effect::Allow);
    let nothing = Document { statements: vec![], ..document.clone() };
    let compared = compare_within(&nothing, &alone, &mut Budget::of_steps(1_000_000));
    assert!(matches!(compared.effective, Relation::Equivalent | Relation::Unknown), "{compared:?} {alone:?}");
}
