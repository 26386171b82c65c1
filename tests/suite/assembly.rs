//! Concrete requests out of a snapshot, put together from its JSON alone: another way to everything that `access` reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::program::json;

/// The parts of a snapshot of which requests consist.
pub(crate) struct Assembly {
    organization: Value,
    pub(crate) principals: Vec<Principal>,
    pub(crate) keys: Vec<Key>,
}

/// A user, a role, a root user, and what attaches to it.
pub(crate) struct Principal {
    pub(crate) arn: String,
    account: String,
    kind: Kind,
    id: String,
    identity: Vec<Value>,
    boundary: Option<Value>,
    tags: BTreeMap<String, String>,
    /// Whether sessions may bring tags of their own.
    takes_tags: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Role,
    Root,
}

/// A key, and what stands on it.
pub(crate) struct Key {
    pub(crate) arn: String,
    account: String,
    region: String,
    metadata: Value,
    /// Nothing where they could not be read.
    policies: Option<Vec<Value>>,
    /// Nothing where they could not be read.
    grants: Option<Vec<Value>>,
    tags: BTreeMap<String, String>,
    aliases: Vec<String>,
}

/// The request of a principal on a key before its context is chosen.
pub(crate) struct Question<'a> {
    principal: &'a Principal,
    key: &'a Key,
    action: &'a str,
    policies: Value,
    environment: Value,
    facts: BTreeMap<String, Value>,
    /// What may be chosen, by condition key in lower case.
    choices: Choices,
}

type Choices = BTreeMap<String, Choice>;

/// A condition key that may be chosen.
#[derive(Default)]
struct Choice {
    /// Its name where letter case counts: in the encryption context of a grant.
    written: Option<String>,
    /// The values worth trying; nothing stands for absence.
    values: Vec<Option<Value>>,
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

/// A document, also one that AWS prints as text.
fn document(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| serde_json::from_str(text).expect("a policy"))
}

fn tags(list: &[Value], names: [&str; 2]) -> BTreeMap<String, String> {
    list.iter().map(|tag| (text(tag, names[0]), text(tag, names[1]))).collect()
}

fn compressed(path: &Path) -> Value {
    let bytes = std::fs::read(path).expect("a file of the snapshot");
    serde_json::from_slice(&zstd::decode_all(bytes.as_slice()).expect("zstd")).expect("JSON")
}

impl Assembly {
    /// Reads every account that was entered.
    pub(crate) fn of(snapshot: &Path) -> Self {
        let mut assembly =
            Self { organization: json(&snapshot.join("organization.json")), principals: vec![], keys: vec![] };
        let manifest = json(&snapshot.join("manifest.json"));
        for account in manifest["accounts"].as_array().expect("accounts") {
            let folder = snapshot.join("accounts").join(text(account, "account_id"));
            if !folder.join("kms").is_dir() {
                continue;
            }
            assembly.read_principals(&text(account, "account_id"), &compressed(&folder.join("iam.json.zst")));
            for region in std::fs::read_dir(folder.join("kms")).expect("a folder") {
                assembly.read_keys(&text(account, "account_id"), &compressed(&region.expect("an entry").path()));
            }
        }
        assembly.principals.sort_by(|a, b| a.arn.cmp(&b.arn));
        assembly.keys.sort_by(|a, b| a.arn.cmp(&b.arn));
        assembly
    }

    fn read_principals(&mut self, account: &str, iam: &Value) {
        let details = &iam["GetAccountAuthorizationDetails"];
        let default_version = |policy: &Value| {
            let versions = list(policy, "PolicyVersionList");
            let found = versions.iter().find(|version| version["IsDefaultVersion"] == true).expect("a default version");
            (text(policy, "Arn"), document(&found["Document"]))
        };
        let managed: BTreeMap<String, Value> = list(details, "Policies").iter().map(default_version).collect();
        let held = |holder: &Value, inline: &str| -> Vec<Value> {
            let inline = list(holder, inline).iter().map(|policy| document(&policy["PolicyDocument"]));
            let attached =
                list(holder, "AttachedManagedPolicies").iter().map(|it| managed[&text(it, "PolicyArn")].clone());
            inline.chain(attached).collect()
        };
        let groups: BTreeMap<String, Vec<Value>> = list(details, "GroupDetailList")
            .iter()
            .map(|group| (text(group, "GroupName"), held(group, "GroupPolicyList")))
            .collect();
        let boundary = |holder: &Value| {
            holder["PermissionsBoundary"]["PermissionsBoundaryArn"].as_str().map(|arn| managed[arn].clone())
        };
        let principal = |holder: &Value, kind, id: &str| Principal {
            arn: text(holder, "Arn"),
            account: account.to_owned(),
            kind,
            id: text(holder, id),
            identity: vec![],
            boundary: boundary(holder),
            tags: tags(list(holder, "Tags"), ["Key", "Value"]),
            takes_tags: holder["AssumeRolePolicyDocument"].to_string().contains("TagSession"),
        };
        for user in list(details, "UserDetailList") {
            let mut identity = held(user, "UserPolicyList");
            let of_groups =
                list(user, "GroupList").iter().flat_map(|name| groups[name.as_str().expect("a name")].clone());
            identity.extend(of_groups);
            self.principals.push(Principal { identity, ..principal(user, Kind::User, "UserId") });
        }
        for role in list(details, "RoleDetailList") {
            let identity = held(role, "RolePolicyList");
            self.principals.push(Principal { identity, ..principal(role, Kind::Role, "RoleId") });
        }
        let root = json!({"Arn": format!("arn:aws:iam::{account}:root"), "Id": account});
        self.principals.push(principal(&root, Kind::Root, "Id"));
    }

    fn read_keys(&mut self, account: &str, kms: &Value) {
        for listed in list(&kms["ListKeys"], "Keys") {
            let id = text(listed, "KeyId");
            let of_key = |operation: &str| kms[operation].get(&id);
            let aliases = list(&kms["ListAliases"], "Aliases").iter().filter(|alias| alias["TargetKeyId"] == *id);
            self.keys.push(Key {
                arn: text(listed, "KeyArn"),
                account: account.to_owned(),
                region: text(kms, "region"),
                metadata: kms["DescribeKey"][&id]["KeyMetadata"].clone(),
                policies: of_key("GetKeyPolicy")
                    .and_then(Value::as_object)
                    .map(|policies| policies.values().map(|policy| document(&policy["Policy"])).collect()),
                grants: of_key("ListGrants").map(|answer| list(answer, "Grants").to_vec()),
                tags: of_key("ListResourceTags")
                    .map_or_else(BTreeMap::new, |it| tags(list(it, "Tags"), ["TagKey", "TagValue"])),
                aliases: aliases.map(|alias| text(alias, "AliasName")).collect(),
            });
        }
    }

    /// From the root of the organization down to an account, by the ids of its units.
    fn path(&self, account: &str) -> Vec<String> {
        let parent_of = |operation: &str, members: &str, id: &str| -> Option<String> {
            let parents = self.organization[operation].as_object().expect("parents");
            let is_parent = |answer: &Value| list(answer, members).iter().any(|child| child["Id"] == id);
            parents.iter().find(|(_, answer)| is_parent(answer)).map(|(parent, _)| parent.clone())
        };
        let mut path = vec![account.to_owned()];
        let mut next = parent_of("ListAccountsForParent", "Accounts", account);
        while let Some(unit) = next {
            next = parent_of("ListOrganizationalUnitsForParent", "OrganizationalUnits", &unit);
            path.insert(0, unit);
        }
        path
    }

    fn organization_id(&self) -> String {
        text(&self.organization["DescribeOrganization"]["Organization"], "Id")
    }

    fn is_management(&self, account: &str) -> bool {
        self.organization["DescribeOrganization"]["Organization"]["MasterAccountId"] == account
    }

    /// The documents of one type on every level above an account and on it.
    fn levels(&self, account: &str, kind: &str) -> Value {
        let types = list(&self.organization["ListRoots"]["Roots"][0], "PolicyTypes");
        if !types.iter().any(|it| it["Type"] == kind && it["Status"] == "ENABLED") || self.is_management(account) {
            return Value::Null;
        }
        let policies = list(&self.organization["ListPolicies"][kind], "Policies");
        let level = |target: &String| -> Vec<Value> {
            let is_here = |policy: &&Value| {
                let targets = list(&self.organization["ListTargetsForPolicy"][text(policy, "Id")], "Targets");
                targets.iter().any(|it| it["TargetId"] == **target)
            };
            let content = |policy: &Value| {
                document(&self.organization["DescribePolicy"][text(policy, "Id")]["Policy"]["Content"])
            };
            policies.iter().filter(is_here).map(content).collect()
        };
        json!(self.path(account).iter().map(level).collect::<Vec<_>>())
    }

    /// The request of a principal on a key, with all that has a say.
    pub(crate) fn question<'a>(&self, principal: &'a Principal, key: &'a Key, action: &'a str) -> Question<'a> {
        let policies = json!({
            "identity": principal.identity,
            "boundary": principal.boundary,
            "scps": self.levels(&principal.account, "SERVICE_CONTROL_POLICY"),
            "rcps": self.levels(&key.account, "RESOURCE_CONTROL_POLICY"),
            "key_policy": key.policies,
            "grants": key.grants,
        });
        let environment = json!({
            "key_manager": key.metadata["KeyManager"],
            "principal_account_is_management": self.is_management(&principal.account),
            "resource_account_is_management": self.is_management(&key.account),
        });
        let facts = self.facts(principal, key);
        let mut choices = Choices::new();
        gather(&policies, &mut choices);
        let mut question = Question { principal, key, action, policies, environment, facts, choices };
        question.settle();
        question
    }

    /// What every request of the principal on the key holds.
    fn facts(&self, principal: &Principal, key: &Key) -> BTreeMap<String, Value> {
        let organization = self.organization_id();
        let paths = |account: &str| {
            let mut path = self.path(account);
            path.pop();
            json!([format!("{organization}/{}/", path.join("/"))])
        };
        let is_replicated = key.metadata["MultiRegion"] == true;
        let mut facts = BTreeMap::from([
            ("aws:securetransport".to_owned(), json!("true")),
            ("aws:principalorgid".to_owned(), json!(organization)),
            ("aws:resourceorgid".to_owned(), json!(organization)),
            ("aws:principalorgpaths".to_owned(), paths(&principal.account)),
            ("aws:resourceorgpaths".to_owned(), paths(&key.account)),
            (
                "aws:principaltype".to_owned(),
                json!(match principal.kind {
                    Kind::User => "User",
                    Kind::Role => "AssumedRole",
                    Kind::Root => "Account",
                }),
            ),
            (
                "aws:userid".to_owned(),
                json!(match principal.kind {
                    Kind::Role => format!("{}:any-session", principal.id),
                    Kind::User | Kind::Root => principal.id.clone(),
                }),
            ),
            ("kms:keyspec".to_owned(), key.metadata["KeySpec"].clone()),
            ("kms:keyusage".to_owned(), key.metadata["KeyUsage"].clone()),
            ("kms:keyorigin".to_owned(), key.metadata["Origin"].clone()),
            ("kms:multiregion".to_owned(), json!(if is_replicated { "true" } else { "false" })),
            ("kms:resourcealiases".to_owned(), json!(key.aliases)),
        ]);
        if is_replicated {
            let kind = key.metadata["MultiRegionConfiguration"]["MultiRegionKeyType"].clone();
            facts.insert("kms:multiregionkeytype".to_owned(), kind);
        }
        for (name, value) in &key.tags {
            facts.insert(format!("aws:resourcetag/{}", name.to_lowercase()), json!(value));
        }
        for (name, value) in principal.tags.iter().filter(|_| !principal.takes_tags) {
            facts.insert(format!("aws:principaltag/{}", name.to_lowercase()), json!(value));
        }
        facts
    }
}

/// Keys that follow from the request itself.
const DERIVED: [&str; 7] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:username",
    "aws:requestedregion",
    "aws:resourceaccount",
    "kms:calleraccount",
];

/// Finds every condition of the documents and grants, and the values worth trying.
fn gather(value: &Value, choices: &mut Choices) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, choices)),
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("Condition", Value::Object(operators)) => {
                        for (operator, keys) in operators {
                            conditions(operator, keys.as_object().expect("condition keys"), choices);
                        }
                    }
                    ("EncryptionContextSubset" | "EncryptionContextEquals", Value::Object(pairs)) => {
                        for (name, value) in pairs {
                            let key = format!("kms:encryptioncontext:{}", name.to_lowercase());
                            let choice = choices.entry(key).or_default();
                            choice.written = Some(format!("kms:EncryptionContext:{name}"));
                            choice.values.push(Some(value.clone()));
                        }
                    }
                    // What a new grant may hold, and how it must be bound, where a grant passes itself on.
                    ("Operations", Value::Array(operations)) => {
                        let held = operations.first().map(|operation| json!([operation]));
                        choices.entry("kms:grantoperations".to_owned()).or_default().values.push(held);
                    }
                    ("Constraints", Value::Object(constraints)) if !constraints.is_empty() => {
                        let types = ["EncryptionContextEquals", "EncryptionContextSubset"].map(|it| Some(json!(it)));
                        choices.entry("kms:grantconstrainttype".to_owned()).or_default().values.extend(types);
                        gather(member, choices);
                    }
                    _ => gather(member, choices),
                }
            }
        }
        _ => {}
    }
}

fn conditions(operator: &str, keys: &Map<String, Value>, choices: &mut Choices) {
    for (key, values) in keys {
        let values = values.as_array().cloned().unwrap_or_else(|| vec![values.clone()]);
        let chosen = &mut choices.entry(key.to_lowercase()).or_default().values;
        for value in values {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let near: Vec<String> = match value.parse::<i64>() {
                Ok(number) if operator.contains("Numeric") => (-1..=1).map(|by| (number + by).to_string()).collect(),
                _ if operator.contains("Null") => vec!["something".to_owned()],
                _ if operator.contains("Bool") => vec!["true".to_owned(), "false".to_owned()],
                _ => vec![value.replace('*', "x").replace('?', "y")],
            };
            let is_set = key.eq_ignore_ascii_case("kms:GrantOperations");
            chosen.extend(near.into_iter().map(|it| Some(if is_set { json!([it]) } else { json!(it) })));
        }
    }
}

impl Question<'_> {
    /// Leaves only what requests can choose.
    fn settle(&mut self) {
        let is_of = |actions: &[&str]| actions.contains(&self.action);
        let uses = is_of(&["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]);
        let grants = is_of(&["kms:CreateGrant"]);
        let (facts, key, principal) = (&self.facts, self.key, self.principal);
        self.choices.retain(|name, _| {
            let is_carried = match name.as_str() {
                name if name.starts_with("kms:encryptioncontext") => uses || grants,
                name if name.starts_with("kms:grant") || name.starts_with("kms:retiring") => grants,
                "kms:bypasspolicylockoutsafetycheck" => is_of(&["kms:PutKeyPolicy"]),
                "kms:viaservice" => true,
                name if name.starts_with("kms:recipientattestation") => is_of(&["kms:Decrypt", "kms:GenerateDataKey"]),
                name => !name.starts_with("kms:"),
            };
            let is_own_tag = name.starts_with("aws:resourcetag/")
                || (name.starts_with("aws:principaltag/") && !principal.takes_tags);
            is_carried && !is_own_tag && !facts.contains_key(name) && !DERIVED.contains(&name.as_str())
        });
        for (name, Choice { values, .. }) in &mut self.choices {
            if name == "kms:viaservice" {
                let region = format!(".{}.amazonaws.com", key.region);
                values.retain(|value| value.as_ref().and_then(Value::as_str).is_some_and(|it| it.contains(&region)));
            } else if name == "kms:grantoperations" {
                values.push(Some(json!(["Decrypt", "GetPublicKey"])));
            } else {
                values.push(Some(json!("other")));
            }
            values.push(None);
            let mut seen = BTreeSet::new();
            values.retain(|value| seen.insert(json!(value).to_string()));
        }
    }

    /// Whether the policies and grants of the key were read.
    pub(crate) fn knows_the_key(&self) -> bool {
        self.key.policies.is_some() && self.key.grants.is_some()
    }

    /// All contexts that can be chosen where they are no more than `count`, otherwise that many: the emptiest, and others by
    /// numbers below a limit that `next` gives.
    pub(crate) fn contexts(&self, count: usize, mut next: impl FnMut(usize) -> usize) -> Vec<BTreeMap<String, Value>> {
        let all = self.choices.values().try_fold(1_usize, |all, it| all.checked_mul(it.values.len()));
        if let Some(all) = all.filter(|all| *all <= count) {
            let chosen = |mut number: usize| {
                self.context(|limit| {
                    let digit = number % limit;
                    number /= limit;
                    digit
                })
            };
            return (0..all).map(chosen).collect();
        }
        let rest = (1..count).map(|_| self.context(&mut next)).collect::<Vec<_>>();
        std::iter::once(self.context(|limit| limit - 1)).chain(rest).collect()
    }

    /// A context by the place of its value among those of every choice.
    fn context(&self, mut place: impl FnMut(usize) -> usize) -> BTreeMap<String, Value> {
        let mut context = self.facts.clone();
        for (name, Choice { written, values }) in &self.choices {
            if let Some(Some(value)) = values.get(place(values.len())) {
                context.insert(written.as_ref().unwrap_or(name).clone(), value.clone());
            }
        }
        if !self.choices.contains_key("kms:viaservice") && context.contains_key("kms:grantisforawsresource") {
            // The service that asks for a grant, of which no policy speaks.
            context.insert("kms:viaservice".to_owned(), json!(format!("ec2.{}.amazonaws.com", self.key.region)));
        }
        consistent(&mut context);
        context
    }

    /// The line that `keyproof evaluate` reads.
    pub(crate) fn line(&self, id: usize, context: &BTreeMap<String, Value>) -> String {
        let Principal { arn, account, kind, id: principal_id, .. } = self.principal;
        let role = arn.rsplit('/').next().unwrap_or_default();
        let mut request = json!({
            "principal_arn": arn,
            "principal_type": match kind { Kind::User => "user", Kind::Role => "assumed-role", Kind::Root => "root" },
            "principal_id": principal_id,
            "account": account,
            "action": self.action,
            "resource": self.key.arn,
            "context": context,
        });
        if *kind == Kind::Role {
            request["principal_arn"] = json!(format!("arn:aws:sts::{account}:assumed-role/{role}/any-session"));
            request["role_arn"] = json!(arn);
        }
        json!({"id": id, "policies": self.policies, "env": self.environment, "request": request}).to_string()
    }
}

/// Drops what no request holds together.
fn consistent(context: &mut BTreeMap<String, Value>) {
    if context.contains_key("aws:multifactorauthage") {
        context.insert("aws:multifactorauthpresent".to_owned(), json!("true"));
    }
    if !context.contains_key("kms:viaservice") && context.get("kms:grantisforawsresource") == Some(&json!("true")) {
        context.remove("kms:grantisforawsresource");
    }
    if context.contains_key("aws:sourcevpce") || context.contains_key("aws:sourcevpc") {
        context.entry("aws:sourcevpce".to_owned()).or_insert_with(|| json!("vpce-1"));
        context.entry("aws:sourcevpc".to_owned()).or_insert_with(|| json!("vpc-1"));
        context.remove("aws:sourceip");
    }
}
