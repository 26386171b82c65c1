//! Small organizations on disk for the tests of comparisons and packs: any name can be hostile, any list can be denied.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::audit::{EVERYTHING, Options};
use crate::checks::{self, Check, Judged, Remediation, Rule, Scope};
use crate::finding::{Aspect, Judgement, Severity, StatementReference, Status};
use crate::frameworks::{self, Framework};
use crate::model::{Gap, GapKind, Grant, Key, User};
use crate::snapshot::{
    self, AccountOutcome, Call, Collector, Excluded, Journal, ORGANIZATION, Outcome, Scope as Asked, Snapshot,
    SnapshotFile, Source, Writer, iam_path, kms_path,
};
use crate::waivers::NO_WAIVERS;

/// Region of every key.
pub(crate) const REGION: &str = "eu-central-1";

/// The groups of every account: one for each way in which users are judged.
const GROUPS: [&str; 5] = ["good", "bad", "odd", "unread", "exempt"];

/// The types of policies that every root has enabled, with the policy by which AWS lets everything through.
const POLICY_TYPES: [(&str, &str); 2] =
    [("SERVICE_CONTROL_POLICY", "FullAWSAccess"), ("RESOURCE_CONTROL_POLICY", "RCPFullAWSAccess")];

/// An organization in one state.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) organization: String,
    pub(crate) organization_denied: bool,
    pub(crate) accounts: Vec<Account>,
    /// Statements of a policy that is attached to the root, by type of policy.
    pub(crate) limits: BTreeMap<&'static str, Value>,
    pub(crate) limits_outcome: Outcome,
    /// Regions asked for; empty: those that each account has enabled.
    pub(crate) regions: Vec<String>,
    /// Put before every name that AWS would let a customer choose.
    pub(crate) prefix: String,
}

/// An account.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) unit: String,
    pub(crate) outcome: AccountOutcome,
    /// Name, unique id, group.
    pub(crate) users: Vec<(String, String, String)>,
    pub(crate) users_outcome: Outcome,
    /// Statements of inline policies of `user/NAME` and `group/NAME`, and of permissions boundaries: `boundary/NAME`.
    pub(crate) policies: BTreeMap<&'static str, Value>,
    /// Values of the tag `team` of `user/NAME` and `key/ID`.
    pub(crate) teams: BTreeMap<&'static str, &'static str>,
    /// Whether the tags of keys could be read.
    pub(crate) tags_outcome: Outcome,
    /// Id, state.
    pub(crate) keys: Vec<(String, String)>,
    pub(crate) keys_outcome: Outcome,
    /// Statements of the policy of the first key beside those that all accounts have.
    pub(crate) statements: Vec<Value>,
    /// Whether the policy of the first key could be read.
    pub(crate) policy_outcome: Outcome,
    /// Grants of the first key, by id; one that begins with `bad` fails, `to-NAME` is for a user, all others for nobody.
    pub(crate) grants: Vec<String>,
    pub(crate) grants_outcome: Outcome,
}

impl Account {
    pub(crate) fn new(id: &str) -> Self {
        let user = |name: &str, group: &str| (name.to_owned(), format!("AIDA{name}"), group.to_owned());
        Self {
            id: id.to_owned(),
            unit: "ou-1".to_owned(),
            outcome: AccountOutcome::AssumedRole,
            users: vec![user("alice", "good"), user("mallory", "bad"), user("trent", "bad")],
            users_outcome: Outcome::Collected,
            policies: BTreeMap::new(),
            teams: BTreeMap::new(),
            tags_outcome: Outcome::Collected,
            keys: vec![("key-1".to_owned(), "Enabled".to_owned()), ("key-2".to_owned(), "PendingDeletion".to_owned())],
            keys_outcome: Outcome::Collected,
            statements: Vec::new(),
            policy_outcome: Outcome::Collected,
            grants: vec!["good-1".to_owned(), "bad-1".to_owned()],
            grants_outcome: Outcome::Collected,
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            organization: "o-exampleorgid".to_owned(),
            organization_denied: false,
            accounts: vec![Account::new("111122223333"), Account::new("444455556666")],
            limits: BTreeMap::new(),
            limits_outcome: Outcome::Collected,
            regions: Vec::new(),
            prefix: String::new(),
        }
    }

    /// The world after a change.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The world written as a snapshot, and opened.
    pub(crate) fn snapshot(&self, folder: &Path) -> Snapshot {
        let started: Timestamp = "2026-09-30T02:00:00Z".parse().unwrap();
        let excluded = self.accounts.iter().filter(|it| it.outcome == AccountOutcome::Excluded);
        let reason = format!("{}out of scope", self.prefix);
        let scope = Asked {
            role_name: Some(format!("{}Audit", self.prefix)),
            regions: self.regions.clone(),
            excluded: excluded.map(|it| Excluded { account_id: it.id.clone(), reason: reason.clone() }).collect(),
            ..Asked::default()
        };
        let writer = Writer::create(folder, Journal { source: Source::Collect, scope, started }).unwrap();
        writer.put(ORGANIZATION, &self.organization_file()).unwrap();
        let mut entries = Vec::new();
        for account in &self.accounts {
            let in_it = match account.outcome {
                AccountOutcome::Excluded | AccountOutcome::Inactive => false,
                AccountOutcome::NotEntered => {
                    let mut file = SnapshotFile::new(&account.id, None);
                    file.record(self.call("sts:AssumeRole", &[], Outcome::Denied, &[]));
                    writer.put(&iam_path(&account.id), &file).unwrap();
                    false
                }
                _ => true,
            };
            if in_it {
                writer.put(&iam_path(&account.id), &self.iam_file(account)).unwrap();
                if self.regions.is_empty() || self.regions.iter().any(|it| it == REGION) {
                    writer.put(&kms_path(&account.id, REGION), &self.kms_file(account)).unwrap();
                }
            }
            entries.push(snapshot::Account {
                account_id: account.id.clone(),
                name: format!("{}account", self.prefix),
                status: "ACTIVE".to_owned(),
                outcome: account.outcome,
                session_arn: in_it.then(|| format!("{}session", self.prefix)),
                reason: (!in_it).then(|| reason.clone()),
            });
        }
        let collector = Collector { arn: Some(format!("{}collector", self.prefix)), ..Collector::default() };
        writer.finish("aws", Some(self.organization.clone()), collector, entries).unwrap();
        Snapshot::open(folder).unwrap()
    }

    fn call(&self, api: &str, resource: &[&str], outcome: Outcome, items: &[(&str, usize)]) -> Call {
        let complete = outcome.is_complete();
        Call {
            api: api.to_owned(),
            resource: resource.iter().map(|it| (*it).to_owned()).collect(),
            parameters: BTreeMap::new(),
            page: 1,
            time: "2026-09-30T02:00:05Z".parse().unwrap(),
            request_id: Some(format!("{}request", self.prefix)),
            outcome,
            code: (!complete).then(|| format!("{}AccessDenied", self.prefix)),
            message: (!complete).then(|| format!("{}not allowed", self.prefix)),
            items: items.iter().map(|(list, count)| ((*list).to_owned(), (0, *count))).collect(),
        }
    }

    fn organization_file(&self) -> SnapshotFile {
        let mut file = SnapshotFile::new("111122223333", None);
        if self.organization_denied {
            file.record(self.call("organizations:DescribeOrganization", &[], Outcome::Denied, &[]));
            return file;
        }
        let described = json!({"Organization": {"Id": self.organization, "Arn": "arn:aws:organizations::111122223333:organization/o",
            "MasterAccountId": "111122223333"}});
        file.put("DescribeOrganization", &[], &described).unwrap();
        file.record(self.call("organizations:DescribeOrganization", &[], Outcome::Collected, &[]));
        let enabled = POLICY_TYPES.map(|(policy_type, _)| json!({"Type": policy_type, "Status": "ENABLED"}));
        let roots = json!({"Roots": [{"Id": "r-1", "Name": "Root", "PolicyTypes": enabled}]});
        file.put("ListRoots", &[], &roots).unwrap();
        file.record(self.call("organizations:ListRoots", &[], Outcome::Collected, &[("Roots", 1)]));
        let units = json!({"OrganizationalUnits": [{"Id": "ou-1", "Name": format!("{}unit", self.prefix)},
            {"Id": "ou-2", "Name": "Other"}]});
        file.put("ListOrganizationalUnitsForParent", &["r-1"], &units).unwrap();
        let accounts: Vec<_> = self
            .accounts
            .iter()
            .map(|it| json!({"Id": it.id, "Name": format!("{}account", self.prefix), "Email": "a@example.com", "Status": "ACTIVE"}))
            .collect();
        file.put("ListAccounts", &[], &json!({"Accounts": accounts})).unwrap();
        file.record(self.call("organizations:ListAccounts", &[], Outcome::Collected, &[("Accounts", accounts.len())]));
        for unit in ["ou-1", "ou-2"] {
            let here: Vec<_> =
                self.accounts.iter().filter(|it| it.unit == unit).map(|it| json!({"Id": it.id})).collect();
            file.put("ListAccountsForParent", &[unit], &json!({"Accounts": here})).unwrap();
        }
        for (policy_type, open) in POLICY_TYPES {
            self.put_limits(&mut file, policy_type, open);
        }
        file
    }

    /// The organization policies of a type: that of AWS everywhere, since nothing passes a level to which none is attached, and
    /// that of the world.
    fn put_limits(&self, file: &mut SnapshotFile, policy_type: &str, open: &str) {
        let mut everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        if policy_type == "RESOURCE_CONTROL_POLICY" {
            everything["Principal"] = json!("*");
        }
        let everywhere: Vec<&str> =
            ["r-1", "ou-1", "ou-2"].into_iter().chain(self.accounts.iter().map(|it| it.id.as_str())).collect();
        let aws = (format!("p-{open}"), open.to_owned(), everything, everywhere, Outcome::Collected);
        let own = self.limits.get(policy_type).map(|statements| {
            let name = format!("{}limits", self.prefix);
            (
                format!("p-{}", policy_type.to_ascii_lowercase()),
                name,
                statements.clone(),
                vec!["r-1"],
                self.limits_outcome,
            )
        });
        let mut summaries = Vec::new();
        for (id, name, statements, targets, outcome) in std::iter::once(aws).chain(own) {
            summaries.push(json!({"Id": id, "Name": name}));
            if outcome == Outcome::Collected {
                let content = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
                file.put("DescribePolicy", &[&id], &json!({"Policy": {"Content": content}})).unwrap();
            }
            file.record(self.call("organizations:DescribePolicy", &[&id], outcome, &[]));
            let items = [("Targets", targets.len())];
            let targets: Vec<_> = targets.into_iter().map(|it| json!({"TargetId": it})).collect();
            file.put("ListTargetsForPolicy", &[&id], &json!({"Targets": targets})).unwrap();
            file.record(self.call("organizations:ListTargetsForPolicy", &[&id], Outcome::Collected, &items));
        }
        let items = [("Policies", summaries.len())];
        file.put("ListPolicies", &[policy_type], &json!({"Policies": summaries})).unwrap();
        file.record(self.call("organizations:ListPolicies", &[policy_type], Outcome::Collected, &items));
    }

    fn iam_file(&self, account: &Account) -> SnapshotFile {
        let mut file = SnapshotFile::new(&account.id, None);
        file.put("ListRegions", &[], &json!({"Regions": [{"RegionName": REGION, "RegionOptStatus": "ENABLED"}]}))
            .unwrap();
        file.record(self.call("account:ListRegions", &[], Outcome::Collected, &[("Regions", 1)]));
        let api = "iam:GetAccountAuthorizationDetails";
        if account.users_outcome == Outcome::Denied {
            file.record(self.call(api, &[], Outcome::Denied, &[]));
            return file;
        }
        let document = |statements: &Value| json!({"Version": "2012-10-17", "Statement": statements});
        let inline = |owner: String| -> Vec<_> {
            let statements = account.policies.get(owner.as_str()).into_iter();
            statements.map(|it| json!({"PolicyName": "inline", "PolicyDocument": document(it)})).collect()
        };
        let boundary = |name: &str| format!("arn:aws:iam::{}:policy/{name}", account.id);
        let users: Vec<_> = account
            .users
            .iter()
            .map(|(plain, id, group)| {
                let name = format!("{}{plain}", self.prefix);
                let arn = format!("arn:aws:iam::{}:user/{name}", account.id);
                let mut user = json!({"UserName": name, "UserId": id, "Arn": arn, "GroupList": [group],
                    "UserPolicyList": inline(format!("user/{plain}"))});
                if account.policies.contains_key(format!("boundary/{plain}").as_str()) {
                    user["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": boundary(plain)});
                }
                if let Some(team) = account.teams.get(format!("user/{plain}").as_str()) {
                    user["Tags"] = json!([{"Key": "team", "Value": team}]);
                }
                user
            })
            .collect();
        let groups = GROUPS.map(|name| {
            json!({"GroupName": name, "GroupId": format!("AGPA{name}"), "Arn": format!("arn:aws:iam::{}:group/{name}", account.id),
                "GroupPolicyList": inline(format!("group/{name}"))})
        });
        let boundaries = account.policies.iter().filter_map(|(owner, it)| Some((owner.strip_prefix("boundary/")?, it)));
        let managed: Vec<_> = boundaries
            .map(|(name, it)| {
                let version = json!({"VersionId": "v1", "IsDefaultVersion": true, "Document": document(it)});
                json!({"PolicyName": name, "PolicyId": format!("ANPA{name}"), "Arn": boundary(name), "DefaultVersionId": "v1",
                    "PolicyVersionList": [version]})
            })
            .collect();
        let details =
            json!({"UserDetailList": users, "GroupDetailList": groups, "RoleDetailList": [], "Policies": managed});
        file.put("GetAccountAuthorizationDetails", &[], &details).unwrap();
        let items = [("UserDetailList", users.len()), ("GroupDetailList", groups.len()), ("Policies", managed.len())];
        file.record(self.call(api, &[], account.users_outcome, &items));
        file
    }

    /// The policy of the first key of an account: it speaks of the account, of a user, of other accounts, of everyone and of a
    /// service. The policies of the other keys were not collected.
    fn key_policy(&self, account: &Account) -> String {
        let statement = |sid: &str, principal: Value, action: &str, condition: Value| {
            json!({"Sid": format!("{}{sid}", self.prefix), "Effect": "Allow", "Principal": principal, "Action": action,
                "Resource": "*", "Condition": condition})
        };
        let own = format!("arn:aws:iam::{}:root", account.id);
        let user =
            account.users.first().map(|(name, ..)| format!("arn:aws:iam::{}:user/{}{name}", account.id, self.prefix));
        let from = json!({"StringEquals": {"kms:EncryptionContext:team": format!("{}blue", self.prefix)}});
        let network = json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}});
        let named = user.map(|user| statement("user", json!({"AWS": user}), "kms:Decrypt", from));
        let others = [
            json!({"Effect": "Allow", "Principal": {"AWS": own}, "Action": "kms:*", "Resource": "*"}),
            statement(
                "member",
                json!({"AWS": ["arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:root"]}),
                "kms:Encrypt",
                json!({}),
            ),
            statement("outside", json!({"AWS": "999900001111"}), "kms:ReEncrypt*", network.clone()),
            statement(
                "service",
                json!({"Service": "logs.eu-central-1.amazonaws.com"}),
                "kms:GenerateDataKey*",
                json!({}),
            ),
            statement("everyone", json!("*"), "kms:DescribeKey", network),
        ];
        let statements: Vec<_> = named.into_iter().chain(others).chain(account.statements.iter().cloned()).collect();
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    }

    fn kms_file(&self, account: &Account) -> SnapshotFile {
        let mut file = SnapshotFile::new(&account.id, Some(REGION));
        if account.keys_outcome == Outcome::Denied {
            file.record(self.call("kms:ListKeys", &[], Outcome::Denied, &[]));
            return file;
        }
        let arn = |id: &str| format!("arn:aws:kms:{REGION}:{}:key/{id}", account.id);
        let keys: Vec<_> = account.keys.iter().map(|(id, _)| json!({"KeyId": id, "KeyArn": arn(id)})).collect();
        file.put("ListKeys", &[], &json!({"Keys": keys})).unwrap();
        file.record(self.call("kms:ListKeys", &[], account.keys_outcome, &[("Keys", keys.len())]));
        file.put("ListAliases", &[], &json!({"Aliases": []})).unwrap();
        file.record(self.call("kms:ListAliases", &[], Outcome::Empty, &[("Aliases", 0)]));
        for (index, (id, state)) in account.keys.iter().enumerate() {
            let metadata = json!({"KeyMetadata": {"KeyId": id, "Arn": arn(id), "KeyState": state, "KeyManager": "CUSTOMER",
                "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS",
                "Description": format!("{}description", self.prefix)}});
            file.put("DescribeKey", &[id], &metadata).unwrap();
            file.record(self.call("kms:DescribeKey", &[id], Outcome::Collected, &[]));
            let team = account.teams.get(format!("key/{id}").as_str());
            let tags: Vec<_> = team.into_iter().map(|it| json!({"TagKey": "team", "TagValue": it})).collect();
            if account.tags_outcome == Outcome::Collected {
                file.put("ListResourceTags", &[id], &json!({"Tags": tags})).unwrap();
            }
            file.record(self.call("kms:ListResourceTags", &[id], account.tags_outcome, &[("Tags", tags.len())]));
            let ids = if index == 0 { account.grants.as_slice() } else { &[] };
            let outcome = if index == 0 { account.grants_outcome } else { Outcome::Empty };
            if outcome != Outcome::Denied {
                let grants: Vec<_> = ids
                    .iter()
                    .map(|it| {
                        let grantee =
                            it.strip_prefix("to-").map(|name| format!("arn:aws:iam::{}:user/{name}", account.id));
                        json!({"GrantId": it, "Name": format!("{}grant", self.prefix), "Operations": ["Decrypt"],
                                "GranteePrincipal": grantee})
                    })
                    .collect();
                file.put("ListGrants", &[id], &json!({"Grants": grants})).unwrap();
            }
            file.record(self.call("kms:ListGrants", &[id], outcome, &[("Grants", ids.len())]));
            if index == 0 {
                file.put("ListKeyPolicies", &[id], &json!({"PolicyNames": ["default"]})).unwrap();
                file.record(self.call("kms:ListKeyPolicies", &[id], Outcome::Collected, &[("PolicyNames", 1)]));
                if account.policy_outcome == Outcome::Collected {
                    file.put("GetKeyPolicy", &[id, "default"], &json!({"Policy": self.key_policy(account)})).unwrap();
                }
                file.record(self.call("kms:GetKeyPolicy", &[id, "default"], account.policy_outcome, &[]));
            }
        }
        file
    }
}

/// The checks of the fixture, which decide by group, state and grant id.
pub(crate) const CHECKS: &[&Check] = &[&USERS, &KEYS, &GRANTS];

/// The frameworks of the fixture: one with every determination, one retired.
pub(crate) fn frameworks() -> Vec<Framework> {
    let sources =
        r#"sources = [{ document = "Example <b>", rules = ["R.1"], published_as = ["X(a)"], note = "\"><i>" }]"#;
    let test = |check: &str, strength: &str, more: &str| {
        format!("[[control.test]]\ncheck = \"{check}\"\nstrength = \"{strength}\"\n{more}\n{sources}\n")
    };
    let control = |id: &str, tests: &str| format!("[[control]]\nid = \"{id}\"\ntitle = \"Title <of> {id}\"\n{tests}");
    let controls = [
        control("1", &(test("test-users", "direct", "") + &test("test-keys", "partial", "note = \"</script>\""))),
        control("2", &test("test-users", "supporting", "third_party_only = true")),
        control("3", &test("test-users", "direct", "aspect = \"strict\"")),
        control("4", &test("test-not-there", "direct", "")),
        control("5(a)", "[[control.test]]\ncheck = \"test-keys\"\nstrength = \"direct\"\nproposed = true\n"),
    ];
    let head = |id: &str, more: &str| {
        format!(
            "id = \"{id}\"\ntitle = \"Framework <{id}>\"\nversion = \"1\"\npublisher = \"P\"\nnotice = \"N\"\n{more}\n"
        )
    };
    let current = head("example", "") + &controls.concat();
    let earlier = head("example-0", "retired = \"2020-01-01\"\nsuperseded_by = \"example\"")
        + &control("1", &test("test-users", "direct", ""));
    vec![frameworks::parse("a.toml", &current).unwrap(), frameworks::parse("b.toml", &earlier).unwrap()]
}

/// What the fixture is audited with.
pub(crate) fn options(frameworks: &[Framework]) -> Options<'_> {
    Options {
        checks: CHECKS,
        parameters: &checks::DEFAULTS,
        verdicts: checks::Verdicts::Keyproof,
        frameworks,
        selection: &EVERYTHING,
        waivers: &NO_WAIVERS,
        as_of: None,
        first_seen: None,
        timings: None,
    }
}

const fn check(id: &'static str, severity: Severity, reads: &'static [&'static str], rules: &'static [Rule]) -> Check {
    Check {
        id,
        title: "Things are as they should be",
        severity,
        resource: "thing",
        rationale: "It matters.",
        rule: "PASS if it is good.",
        exemptions: "None.",
        blind_spots: "Everything else.",
        remediation: Remediation { summary: "Mend it.", steps: &["Look.", "Mend."], commands: &[], risk: "None." },
        reads,
        parameters: &[],
        elsewhere: &[],
        statuses: &Status::ALL,
        not_shown: &[],
        rules,
    }
}

static USERS: Check =
    check("test-users", Severity::High, &["iam:GetAccountAuthorizationDetails"], &[Rule::User(judge_user)]);
static KEYS: Check =
    check("test-keys", Severity::Critical, &["kms:ListKeys", "kms:DescribeKey"], &[Rule::Key(judge_key)]);
static GRANTS: Check =
    check("test-grants", Severity::Low, &["kms:ListKeys", "kms:ListGrants"], &[Rule::Grant(judge_grant)]);

fn judge_user(user: &User, _: &Scope<'_>) -> Judged {
    let reason = format!("{} is a member of {:?}", user.name, user.groups);
    let statement = StatementReference {
        policy: user.name.clone(),
        index: 0,
        sid: Some(user.name.clone()),
        effect: "Allow".to_owned(),
    };
    let judgement = match user.groups.first().map(String::as_str) {
        Some("bad") => Judgement::fail(reason),
        Some("odd") => Judgement::undecided(reason),
        Some("exempt") => return Ok(Judgement::not_applicable(reason)),
        Some("unread") => {
            let code = Some(user.name.clone());
            return Err(Gap { kind: GapKind::Denied, code, ..Gap::not_collected("iam:ListMFADevices", &[&user.name]) });
        }
        _ => Judgement::pass(reason),
    };
    let strict = if user.name.ends_with("alice") { Status::Fail } else { judgement.verdict.into() };
    let aspect = Aspect { name: "strict".to_owned(), parameters: "always".to_owned(), status: strict };
    Ok(judgement.because_of(&user.source).by_statements([statement]).with_aspect(aspect))
}

fn judge_key(key: &Key, _: &Scope<'_>) -> Judged {
    let metadata = key.metadata.as_ref().map_err(Clone::clone)?;
    let reason = format!("{} is {}", metadata.description, metadata.key_state);
    let is_good = metadata.key_state == "Enabled";
    Ok(if is_good { Judgement::pass(reason) } else { Judgement::fail(reason) })
}

fn judge_grant(grant: &Grant, _: &Key, _: &Scope<'_>) -> Judged {
    let reason = format!("it is called {:?}", grant.name);
    Ok(if grant.id.starts_with("bad") { Judgement::fail(reason) } else { Judgement::pass(reason) })
}
