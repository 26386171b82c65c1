//! Decisions as rows: the form of every table, line and page.

use serde::Serialize;

use super::cell::{Decider, Object, name_of};
use super::directory::Directory;
use super::principal::{Principal, PrincipalKind};
use super::reach::ChainRow;
use super::who::Decided;
use crate::policy::{Access, Action, KmsAction, Layer, Path, PolicyRef};

/// One row of `who-can` and `matrix`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// ARN of the user or role, of the root user for an account, the name of a service, or `*`.
    pub principal_arn: String,
    /// `user`, `role`, `session`, `federated-user`, `root`, `account`, `service`, `identity-provider`,
    /// `everyone`.
    pub principal_type: &'static str,
    /// Account of the principal; empty for services and everyone.
    pub account_id: String,
    /// ARN of the key.
    pub key_arn: String,
    /// The action.
    pub action: String,
    /// `allowed`, `allowed_if_chosen`, `via_service`, `conditional`, `possible`, `denied`.
    pub access: &'static str,
    /// How it comes about; nothing where it is denied.
    pub path: Option<String>,
    /// One of these must hold; nothing is demanded when there is none.
    pub conditions: Vec<String>,
    /// The services through which it goes.
    pub via: Vec<String>,
    /// The layer that denies or lacks an Allow.
    pub blocked_by: Option<String>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
    /// The deciding statements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statements: Option<Vec<StatementRow>>,
    /// Ids of the deciding grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<String>>,
    /// The links by which it is reached, and the action at the end; empty where it is there without any. Only where chains are
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<Vec<ChainRow>>,
}

/// One row of `matrix --classes`: what each of some principals has on each of some keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassRow {
    /// Account of the keys.
    pub account_id: String,
    /// ARNs of the keys, which no decision can tell apart.
    pub key_arns: Vec<String>,
    /// The principals, as in [`Row`], which no decision on keys of this account can tell apart.
    pub principal_arns: Vec<String>,
    /// As in [`Row`], the same for all of them.
    pub principal_type: &'static str,
    /// The action.
    pub action: String,
    /// As in [`Row`].
    pub access: Access,
    /// As in [`Row`].
    pub path: Option<String>,
    /// As in [`Row`].
    pub conditions: Vec<String>,
    /// As in [`Row`].
    pub via: Vec<String>,
    /// What a reader must know of the decision; what is to be known of single keys, as their state, stands in the rows of the
    /// expanded matrix.
    pub notes: Vec<String>,
}

/// A deciding statement, with the name of its document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StatementRow {
    /// `managed policy arn:…`, `key policy default`, `service control policy FullAWSAccess`.
    pub policy: String,
    /// Position in `Statement`, from 0.
    pub index: usize,
    /// `Sid`, if it has one.
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: String,
    /// File of the snapshot that holds the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// JSON pointer of the document in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl StatementRow {
    /// Whether it is the Allow of an organization policy that lets everything through: it stands on every level of nearly every
    /// decision.
    pub fn is_everywhere(&self) -> bool {
        self.effect == "Allow"
            && ["FullAWSAccess", "RCPFullAWSAccess"].iter().any(|name| {
                let words = self.policy.strip_suffix(name);
                words.is_some_and(|words| words.ends_with("control policy "))
            })
    }
}

impl Directory {
    /// A decision as a row of the matrix.
    pub fn row(&self, decided: &Decided<'_>) -> Row {
        let Decided { principal, key, action, cell } = decided;
        let is_denied = cell.access == Access::Denied;
        Row {
            principal_arn: principal.arn.clone(),
            principal_type: principal.kind.word(),
            account_id: principal.account_id.clone(),
            key_arn: key.arn.clone(),
            action: action.name().to_owned(),
            access: cell.access.word(),
            path: cell.path.filter(|_| !is_denied).map(|path| path.to_string()),
            conditions: cell.condition_words(),
            via: cell.via.clone(),
            blocked_by: cell.layer.filter(|_| is_denied).map(|layer| self.layer_words(layer, decided)),
            notes: self.notes(decided),
            statements: None,
            grants: None,
            chain: None,
        }
    }

    /// The same with the statements and grants that decide.
    pub fn explained_row(&self, decided: &Decided<'_>) -> Row {
        let grants = decided.cell.statements.iter().filter_map(|decider| match decider.policy {
            PolicyRef::Grant(index) => decided.key.grants.get(index).map(|grant| grant.id.clone()),
            _ => None,
        });
        let grants: Vec<String> = grants.collect();
        let statements = decided.cell.statements.iter().filter(|it| !matches!(it.policy, PolicyRef::Grant(_)));
        let statements = statements.map(|decider| self.statement_row(decider, decided)).collect();
        Row { statements: Some(statements), grants: Some(grants), ..self.row(decided) }
    }

    /// A deciding statement with the name of its document and where to find it.
    pub fn statement_row(&self, decider: &Decider, decided: &Decided<'_>) -> StatementRow {
        self.statement_on(decider, &decided.principal, &Object::key(decided.key))
    }

    /// The same of a decision on anything.
    pub(super) fn statement_on(&self, decider: &Decider, principal: &Principal, object: &Object<'_>) -> StatementRow {
        let service_control = self.service_control(&principal.account_id);
        let resource_control = self.resource_control(object.account_id);
        let named = name_of(decider.policy, principal, object, &service_control, resource_control);
        let source = named.and_then(|named| named.source.as_ref());
        let statement = named.and_then(|named| named.statement(decider.index));
        StatementRow {
            policy: named.map_or_else(|| decider.policy.to_string(), |named| named.name.to_string()),
            index: decider.index,
            sid: statement.and_then(|statement| statement.sid.clone()),
            effect: decider.effect.to_string(),
            file: source.map(|source| source.file.to_string()),
            pointer: source.map(|source| source.pointer.to_string()),
        }
    }

    /// A layer as people say it.
    fn layer_words(&self, layer: Layer, decided: &Decided<'_>) -> String {
        let how = if decided.cell.is_explicit { "denied by" } else { "no Allow in" };
        let place = |account: &str, level: usize| self.estate.place(account, level);
        let what = match layer {
            Layer::Scp(level) => {
                format!("the service control policies of {}", place(&decided.principal.account_id, level))
            }
            Layer::Rcp(level) => format!("the resource control policies of {}", place(&decided.key.account_id, level)),
            Layer::Service => return "AWS KMS, whatever the policies say".to_owned(),
            Layer::KeyPolicy => "the key policy".to_owned(),
            Layer::Grants => "the grants".to_owned(),
            Layer::Identity => "the identity policies".to_owned(),
            Layer::Boundary => "the permissions boundary".to_owned(),
            Layer::Session => "the session policies".to_owned(),
            Layer::ResourcePolicy | Layer::TrustPolicy => "the policy of the resource".to_owned(),
        };
        format!("{how} {what}")
    }

    /// What a reader must know besides: open questions, what could not be read, the state of the key.
    fn notes(&self, decided: &Decided<'_>) -> Vec<String> {
        let Decided { principal, key, action, cell } = decided;
        let mut notes = cell.notes.clone();
        if cell.access == Access::Denied {
            return notes;
        }
        if matches!(principal.kind, PrincipalKind::Account) {
            notes.push(format!("whoever the administrators of account {} choose", principal.account_id));
        } else if !principal.account_id.is_empty() && !self.accounts.contains_key(&principal.account_id) {
            notes.push(format!("account {} was not read: its administrators decide", principal.account_id));
        }
        notes.extend(key.gaps.iter().map(|gap| gap.reason()));
        match key.state.as_deref() {
            Some(state) if needs_enabled_key(action) && !matches!(state, "Enabled" | "Updating") => {
                notes.push(format!("not usable now: the key is {state}"));
            }
            _ => {}
        }
        notes
    }
}

/// How access comes about, in words.
pub fn path_words(path: Path) -> &'static str {
    match path {
        Path::Star => "the key policy allows everyone",
        Path::User => "the key policy names the user",
        Path::Session => "the key policy names this session",
        Path::Role => "the key policy names the role",
        Path::FederatingUser => "the key policy names the user who federated the session",
        Path::Delegation => "the key policy leaves it to the account, whose IAM policies allow",
        Path::RootUser => "the key policy names the account, whose root user needs nothing else",
        Path::Service => "the key policy names the service",
        Path::Identity => "IAM policies allow, and nothing else is needed",
        Path::CrossAccount => "the key policy lets the other account in, and its own policies allow",
        Path::Grant => "a grant allows",
        Path::RetireGrant => "the caller may retire the grant",
    }
}

/// The actions that give what was encrypted, or derive from the key itself.
const REVEALING: [&str; 4] = ["kms:Decrypt", "kms:ReEncryptFrom", "kms:DeriveSharedSecret", "kms:Decapsulate"];

/// Whether an action gives what was encrypted, which a related key of a multi-Region key does as well.
pub fn reveals_plaintext(action: &Action) -> bool {
    action.kms().is_some_and(|it| REVEALING.contains(&it.name))
}

/// Whether AWS KMS does the action only with a key that is enabled.
pub fn needs_enabled_key(action: &Action) -> bool {
    action.kms().is_some_and(|it| it.group == "crypto-use" || it.name == "kms:CreateGrant")
}

/// The actions of a class, or the one action of that name.
pub fn actions_named(name: &str) -> Vec<&'static KmsAction> {
    let all = crate::policy::kms_actions().iter();
    let of = |wanted: &dyn Fn(&KmsAction) -> bool| all.clone().filter(|action| wanted(action)).collect();
    match name.to_ascii_lowercase().as_str() {
        "decrypt" => of(&|action| REVEALING.contains(&action.name)),
        "encrypt" => of(&|action| {
            action.name.starts_with("kms:GenerateDataKey")
                || ["kms:Encrypt", "kms:ReEncryptTo", "kms:Encapsulate"].contains(&action.name)
        }),
        "sign" => of(&|action| ["kms:Sign", "kms:GenerateMac"].contains(&action.name)),
        // Who lists grants changes none.
        "grant" => of(&|action| action.group == "grant-mgmt" && !action.name.starts_with("kms:List")),
        "administer" => of(&|action| {
            ["key-admin", "policy-tag-escalation"].contains(&action.group)
                && action.resources != crate::policy::KmsResources::None
        }),
        "destroy" => {
            of(&|action| action.group == "destructive" && action.resources != crate::policy::KmsResources::None)
        }
        _ => of(&|action| action.name.eq_ignore_ascii_case(name)),
    }
}

/// The names of the classes of actions.
pub const ACTION_CLASSES: [&str; 6] = ["decrypt", "encrypt", "sign", "grant", "administer", "destroy"];
