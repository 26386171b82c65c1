//! Witnesses: concrete requests that show what the symbolic engine found, confirmed by the concrete evaluator.

use std::collections::BTreeMap;

use super::Match;
use super::action::{ActionPattern, Actions};
use super::caller::{Caller, CallerKind};
use super::context::{Context, ContextValue};
use super::decide::{Environment, Outcome, Policies, decide};
use super::document::{Document, Effect, Statement, Version};
use super::principal::{Principal, PrincipalElement};
use super::request::{Action, Request};
use super::resource::{ResourcePattern, Resources};
use super::symbolic::contexts::Held;
use super::text::{Text, Variables};

/// A request to KMS by a principal of the account that owns the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// A user; a role session where the request must be without user name.
    pub principal_arn: String,
    /// The role of a role session.
    pub role_arn: Option<String>,
    /// Twelve digits.
    pub account: String,
    /// `kms:Decrypt`; `kms:<other>` stands for an action that AWS will add.
    pub action: &'static str,
    /// The ARN of a key or alias, or `None` for an action without a resource.
    pub resource: Option<String>,
    /// Condition keys as the policies write them; every other key is absent.
    pub context: BTreeMap<String, Held>,
}

impl Witness {
    /// A request with that context. `names_user` says that the policies look at `aws:username`, which every user has.
    pub(super) fn new(
        action: &'static str,
        resource: Option<String>,
        partition: &str,
        context: BTreeMap<String, Held>,
        names_user: bool,
    ) -> Self {
        let of_resource = resource.as_deref().and_then(|arn| arn.split(':').nth(4)).map(str::to_owned);
        let account = of_resource.unwrap_or_else(|| "111122223333".to_owned());
        let (principal_arn, role_arn) = match (lookup(&context, "aws:username"), names_user) {
            (None, true) => (
                format!("arn:{partition}:sts::{account}:assumed-role/example/session"),
                Some(format!("arn:{partition}:iam::{account}:role/example")),
            ),
            (Some(Held::One(name)), _) if !name.is_empty() => {
                (format!("arn:{partition}:iam::{account}:user/{name}"), None)
            }
            _ => (format!("arn:{partition}:iam::{account}:user/example"), None),
        };
        Self { principal_arn, role_arn, account, action, resource, context }
    }
}

/// Whether `with` allows the witness and `without` does not; unsure where the rules leave either open.
pub(super) fn replay(witness: &Witness, with: &Document, without: &Document) -> Match {
    let outcomes = [with, without].map(|document| outcome(witness, document));
    match outcomes {
        [Outcome::Allow, Outcome::Deny] => Match::Yes,
        [Outcome::Allow, Outcome::Possible] | [Outcome::Possible, Outcome::Deny | Outcome::Possible] => Match::Unsure,
        _ => Match::No,
    }
}

/// The decision with `document` as the only identity policy of the user, under a key policy that leaves everything to IAM.
pub(super) fn outcome(witness: &Witness, document: &Document) -> Outcome {
    let mut context = Context::default();
    for (key, held) in &witness.context {
        context.insert(
            key,
            match held {
                Held::One(value) => ContextValue::One(value.clone()),
                Held::Set(values) => ContextValue::Set(values.clone()),
            },
        );
    }
    let caller = match &witness.role_arn {
        Some(role) => Caller::new(CallerKind::Role, &witness.principal_arn).of(role),
        None => Caller::new(CallerKind::User, &witness.principal_arn),
    };
    let action = Action::new(witness.action);
    let request = Request::new(&caller, &action, witness.resource.as_deref(), &context);
    let delegation = delegation(&witness.account);
    let policies = Policies { identity: &[document], key_policies: &[&delegation], ..Policies::default() };
    decide(&request, &policies, Environment::default()).decision
}

/// The key policy that leaves all decisions on its key to the IAM policies of the account.
fn delegation(account: &str) -> Document {
    let principal = Principal::Account { account: account.to_owned(), partition: None };
    let everything = Text::new("*".to_owned(), Variables::Plain);
    let statement = Statement {
        index: 0,
        sid: None,
        effect: Effect::Allow,
        principal: Some(PrincipalElement { negated: false, entries: vec![principal] }),
        actions: Actions { negated: false, patterns: vec![ActionPattern::new("kms:*".to_owned())] },
        resources: Some(Resources { negated: false, patterns: vec![ResourcePattern::new(everything)] }),
        condition: None,
    };
    Document { version: Version::V2012, id: None, statements: vec![statement], tolerated: vec![] }
}

fn lookup<'c>(context: &'c BTreeMap<String, Held>, key: &str) -> Option<&'c Held> {
    context.iter().find(|(written, _)| written.eq_ignore_ascii_case(key)).map(|(_, held)| held)
}
