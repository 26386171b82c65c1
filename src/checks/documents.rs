//! What follows from a policy document alone, whoever bears it. AWS managed policies and what an organization rolls out stand in
//! every account: they are studied once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use super::Told;
use super::escalations::ESCALATIONS;
use crate::policy::{
    AdminStatement, Coverage, Digested, Document, Effect, LintFacts, LintFinding, Match, PolicyKind, ServiceStatement,
    Statement, admin_statements, coverage, full_service_statements, kms_full_access, lint,
};

/// Documents that are kept for all accounts. Those that come later are studied in each account anew, so that memory does not grow
/// with the organization.
const MOST: usize = 2048;

/// What is known of documents in each partition.
type Known = BTreeMap<String, BTreeMap<Digested, Arc<Studied>>>;

/// The documents of an audit. What is said of one depends on nothing else, so that it does not matter which account asked first.
#[derive(Debug, Default)]
pub struct Documents(Mutex<Known>);

impl Documents {
    /// What is known of a document in a partition.
    pub(super) fn of(&self, partition: &str, document: &Arc<Document>) -> Arc<Studied> {
        let digested = Digested::new(document.clone());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(partition).and_then(|known| known.get(&digested)) {
            return known.clone();
        }
        let studied = Arc::new(Studied::new(partition, document.clone()));
        if known.values().map(BTreeMap::len).sum::<usize>() < MOST {
            known.entry(partition.to_owned()).or_default().insert(digested, studied.clone());
        }
        studied
    }
}

/// The actions of escalations, each once.
static ESCALATING: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| ESCALATIONS.into_iter().flatten().copied().collect());

/// One document, with what was asked of it so far.
#[derive(Debug)]
pub(super) struct Studied {
    partition: String,
    document: Arc<Document>,
    everything: OnceLock<Vec<AdminStatement>>,
    services: OnceLock<Vec<ServiceStatement>>,
    every_action_of_kms: OnceLock<Arc<Coverage>>,
    /// By whether each statement speaks of the action: nothing else of an action matters.
    coverages: Told<Vec<Match>, Arc<Coverage>>,
    escalating: OnceLock<BTreeSet<&'static str>>,
    /// By what the answer depends on beside the document.
    lint: Told<(PolicyKind, Option<String>), Arc<[LintFinding]>>,
}

impl Studied {
    fn new(partition: &str, document: Arc<Document>) -> Self {
        Self {
            partition: partition.to_owned(),
            document,
            everything: OnceLock::new(),
            services: OnceLock::new(),
            every_action_of_kms: OnceLock::new(),
            coverages: Told::default(),
            escalating: OnceLock::new(),
            lint: Told::default(),
        }
    }

    /// Its statements that allow everything.
    pub(super) fn everything(&self) -> &[AdminStatement] {
        self.everything.get_or_init(|| admin_statements(&self.document, &self.partition))
    }

    /// Its statements that allow all of a service.
    pub(super) fn services(&self) -> &[ServiceStatement] {
        self.services.get_or_init(|| full_service_statements(&self.document, &self.partition))
    }

    /// How much of the key universe it opens for an action.
    pub(super) fn coverage(&self, action: &str) -> Arc<Coverage> {
        let spoken_of = self.document.statements.iter().map(|statement| statement.matches_action(action)).collect();
        self.coverages.once(spoken_of, || Arc::new(coverage(&self.document, &self.partition, action)))
    }

    /// How much of the key universe it opens for every action of KMS.
    pub(super) fn every_action_of_kms(&self) -> Arc<Coverage> {
        self.every_action_of_kms.get_or_init(|| Arc::new(kms_full_access(&self.document, &self.partition))).clone()
    }

    /// The actions of escalations of which an Allow of it may speak.
    pub(super) fn escalating(&self) -> &BTreeSet<&'static str> {
        self.escalating.get_or_init(|| {
            let allows: Vec<&Statement> = self.document.statements_of(Effect::Allow).collect();
            let is_spoken_of =
                |action: &&'static str| allows.iter().any(|statement| statement.matches_action(action).is_possible());
            ESCALATING.iter().copied().filter(is_spoken_of).collect()
        })
    }

    /// What lint says of it as a policy of a kind, and of a key where that matters.
    pub(super) fn lint(&self, kind: PolicyKind, key_arn: Option<&str>) -> Arc<[LintFinding]> {
        // Of most key policies every statement speaks of whatever key it is attached to.
        let names_resources = |statement: &Statement| {
            statement.resources.iter().flat_map(|it| &it.patterns).any(|pattern| !pattern.is_everything())
        };
        let key_arn = key_arn.filter(|_| self.document.statements.iter().any(names_resources));
        let facts = LintFacts { key_arn, partition: Some(&self.partition), unique_ids: None };
        self.lint.once((kind, key_arn.map(str::to_owned)), || lint(&self.document, kind, &facts).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(action: &str) -> Arc<Document> {
        let text = format!(r#"{{"Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}}}"#);
        Arc::new(Document::parse(&text).unwrap())
    }

    #[test]
    fn equal_documents_are_one_in_each_partition() {
        let documents = Documents::default();
        let first = documents.of("aws", &document("*"));
        assert!(Arc::ptr_eq(&first, &documents.of("aws", &document("*"))));
        assert!(!Arc::ptr_eq(&first, &documents.of("aws-cn", &document("*"))));
        let other = documents.of("aws", &document("iam:PassRole"));
        assert_eq!((first.everything().len(), other.everything().len()), (1, 0));
        assert_eq!(other.escalating(), &BTreeSet::from(["iam:PassRole"]));
    }

    #[test]
    fn actions_of_which_the_same_statements_speak_are_covered_once() {
        let text = r#"{"Statement": [{"Effect": "Allow", "Action": ["kms:Decrypt", "kms:Sign"], "Resource": "*"},
            {"Effect": "Deny", "Action": "kms:Sign", "Resource": "*"}]}"#;
        let studied = Studied::new("aws", Arc::new(Document::parse(text).unwrap()));
        let names = ["kms:Decrypt", "kms:Sign", "kms:Encrypt"];
        assert_eq!(names.map(|name| studied.coverage(name).level.name()), ["ALL", "NONE", "NONE"]);
        assert!(Arc::ptr_eq(&studied.coverage("kms:Encrypt"), &studied.coverage("s3:GetObject")));
        assert!(!Arc::ptr_eq(&studied.coverage("kms:Encrypt"), &studied.coverage("kms:Sign")));
    }

    #[test]
    fn what_is_not_kept_is_studied_all_the_same() {
        let documents = Documents::default();
        for number in 0..=MOST {
            documents.of("aws", &document(&format!("iam:{number}")));
        }
        let late = documents.of("aws", &document("kms:*"));
        assert!(!Arc::ptr_eq(&late, &documents.of("aws", &document("kms:*"))));
        assert_eq!(late.coverage("kms:Decrypt").level.name(), "ALL");
    }
}
