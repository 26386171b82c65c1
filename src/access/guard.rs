//! Whom guardrails are tried on: a role that nothing names, a stranger, a key that is open to both. What is denied to them, the
//! policies of the organization deny to everybody but those whom they name.

use super::cell::{Cell, Object};
use super::directory::{Directory, tag};
use super::document::Named;
use super::key::Key;
use super::principal::{self, Handles, Principal, PrincipalKind};
use crate::model::Tags;
use crate::policy::{self, Action, Caller, ContextValue, Document, PrincipalElement, Unanswered};

/// A name that no pattern of a policy is written for.
const NAME: &str = "q7x2vk9w";

impl Directory {
    /// A role of an account without tags that no policy names, and whose own policies allow everything.
    pub fn ordinary_role(&self, account_id: &str) -> Principal {
        let arn = format!("arn:{}:iam::{account_id}:role/{NAME}", self.partition);
        let session = format!("arn:{}:sts::{account_id}:assumed-role/{NAME}/{NAME}", self.partition);
        let mut context = self.estate.described(account_id, "aws:Principal");
        for (key, value) in [("aws:PrincipalType", "AssumedRole"), ("aws:SecureTransport", "true")] {
            context.insert(key, ContextValue::One(value.to_owned()));
        }
        tag(&mut context, "aws:PrincipalTag/", &Tags::new(), &self.tested);
        let role = Principal {
            caller: Caller::session(&session, &arn),
            arn,
            kind: PrincipalKind::Role,
            account_id: account_id.to_owned(),
            identity: vec![],
            boundary: vec![],
            context,
            assumptions: vec![],
            tags: Some(std::sync::Arc::default()),
            handles: Handles::default(),
        };
        role.with_every_permission()
    }

    /// Whoever the administrators of an account choose that no policy names and that is in another organization or in none.
    pub fn stranger(&self) -> Principal {
        principal::account(&self.partition, &self.unnamed_account, &self.estate)
    }

    /// A role of such a stranger, whom its own account lets do everything: root users assume no roles.
    pub fn strange_role(&self) -> Principal {
        let stranger = self.stranger().with_every_permission();
        let arn = format!("arn:{}:iam::{}:role/{NAME}", self.partition, stranger.account_id);
        let session = format!("arn:{}:sts::{}:assumed-role/{NAME}/{NAME}", self.partition, stranger.account_id);
        Principal { caller: Caller::session(&session, &arn), ..stranger }
    }

    /// What a principal may do with an action that takes no resource, in any Region of an account.
    ///
    /// # Errors
    /// When the two engines disagree: a fault of this program.
    pub fn without_resource(
        &self,
        principal: &Principal,
        account_id: &str,
        action: &Action,
    ) -> Result<Cell, Unanswered> {
        let context = self.of_resources(account_id);
        let object = Object { free: &["aws:requestedregion"], ..Object::plain(None, account_id, &context) };
        self.decide(principal, object, action)
    }

    /// A key without tags and aliases that no policy names, and whose own policy allows everything to everyone.
    pub fn open_key(&self, account_id: &str, region: &str) -> Key {
        let mut context = self.estate.described(account_id, "aws:Resource");
        tag(&mut context, "aws:ResourceTag/", &Tags::new(), &self.tested);
        context.insert("kms:ResourceAliases", ContextValue::Set(vec![]));
        let everyone = PrincipalElement { negated: false, entries: vec![policy::Principal::Everyone] };
        let document = std::sync::Arc::new(Document::everything(Some(everyone)));
        Key {
            arn: format!("arn:{}:kms:{region}:{account_id}:key/{NAME}", self.partition),
            id: NAME.to_owned(),
            account_id: account_id.to_owned(),
            region: region.to_owned(),
            family: Some(vec![]),
            aliases: vec![],
            state: None,
            spec: None,
            usage: None,
            is_aws_managed: Some(false),
            policies: vec![Named { name: "an open key policy".into(), document, source: None }],
            grants: vec![],
            gaps: vec![],
            policy_gap: None,
            grants_gap: None,
            outsiders: vec![],
            context,
            assumptions: vec![],
            tags: Some(Tags::new()),
        }
    }
}
