//! `access_review_worksheet.csv`: every user, role and root user with what it has, and empty columns for the person who reviews it
//! (PCI DSS 7.2.4, HIPAA 164.308(a)(4)(ii)(C), SOC 2 CC6.2 and CC6.3).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::entry::Entry;
use crate::access::{Capability, Key, PrincipalKind};
use crate::audit::AuditedAccount;
use crate::checks::ROOT_USER;
use crate::model::{AttachedPolicy, Fact, Iam, Principal, Role, User};
use crate::policy::Access;
use crate::report::Error;
use crate::report::bag::Bag;
use crate::report::facts::last_used;
use crate::report::table::{SEPARATOR, Table, not_known};
use crate::report::view::counted;

/// Name of the file.
pub(in crate::report) const REVIEW: &str = "access_review_worksheet.csv";

/// What stands in it.
pub(in crate::report) const REVIEW_CONTENT: &str = "One row for each root user, user and role of the accounts that were read; the last four columns are for the reviewer.";

/// Keys that a cell names.
const NAMED_KEYS: usize = 200;

/// What stands in a column that the reviewer fills.
const FOR_THE_REVIEWER: &str = "Empty: for the reviewer to fill";

/// A column: its name, what stands there, how it is filled.
type Column = (&'static str, &'static str, fn(&Row) -> String);

fn nothing(_: &Row) -> String {
    String::new()
}

/// The columns, in their order, which never changes inside a major version.
const COLUMNS: [Column; 18] = [
    ("account_id", "12 digits; import the column as text, or leading zeros are lost", |it| it.account_id.clone()),
    ("account_name", "Name of the account in the organization", |it| it.account_name.clone()),
    ("ou_path", "Place of the account in the organization, from the root down", |it| it.ou_path.clone()),
    ("principal_arn", "ARN of the user, role or root user", |it| it.arn.clone()),
    ("principal_type", "user, role or root; unknown where the principals of the account could not all be read", |it| {
        it.kind.to_owned()
    }),
    ("principal_id", "AWS's unique id: another one under the same ARN is another principal", |it| it.id.clone()),
    ("created", "When it was created, UTC", |it| it.created.map(|time| time.to_string()).unwrap_or_default()),
    (
        "last_used",
        "When it was last used, UTC: of a user its password or access keys; of a role, within the 400 days that IAM keeps",
        |it| it.last_used.clone(),
    ),
    ("groups", "Groups that the user is in", |it| it.groups.join(SEPARATOR)),
    ("managed_policies", "Managed policies attached to it, and to its groups", |it| it.managed.join(SEPARATOR)),
    ("inline_policies", "Policies inside it, and inside its groups", |it| it.inline.join(SEPARATOR)),
    ("permissions_boundary", "ARN of its permissions boundary", |it| it.boundary.clone()),
    ("privileges", "What it can do with how many keys; key_access.csv and key_admins.csv say by which way", |it| {
        it.privileges()
    }),
    ("keys_decrypt", "ARNs of the keys with which it can decrypt, or may", |it| it.keys()),
    ("decision", FOR_THE_REVIEWER, nothing),
    ("reviewer", FOR_THE_REVIEWER, nothing),
    ("reviewed_on", FOR_THE_REVIEWER, nothing),
    ("comment", FOR_THE_REVIEWER, nothing),
];

/// The columns, each with what stands there.
pub(in crate::report) fn review_columns() -> Vec<(&'static str, &'static str)> {
    COLUMNS.map(|(name, content, _)| (name, content)).to_vec()
}

/// A principal to review.
#[derive(Debug, Default)]
struct Row {
    account_id: String,
    account_name: String,
    ou_path: String,
    arn: String,
    kind: &'static str,
    id: String,
    created: Option<Timestamp>,
    last_used: String,
    groups: Vec<String>,
    managed: Vec<String>,
    inline: Vec<String>,
    boundary: String,
    /// Why nothing is known of it, if nothing is.
    gap: Option<String>,
    held: BTreeMap<Capability, Held>,
    decrypts: Vec<String>,
}

/// With how many keys something can be done.
#[derive(Debug, Default, Clone, Copy)]
struct Held {
    keys: u64,
    /// Those of them where it is not certain, or not in every request.
    conditional: u64,
}

impl Row {
    fn privileges(&self) -> String {
        if let Some(gap) = &self.gap {
            return format!("not known: {gap}");
        }
        let words = |(capability, held): (&Capability, &Held)| {
            let keys = counted(held.keys, "key", "keys");
            match held.conditional {
                0 => format!("{} with {keys}", capability.word()),
                some => format!("{} with {keys}, {some} of them under conditions or possibly", capability.word()),
            }
        };
        if self.held.is_empty() {
            return "nothing on any key that was read".to_owned();
        }
        self.held.iter().map(words).collect::<Vec<_>>().join("; ")
    }

    fn keys(&self) -> String {
        let all = self.held.get(&Capability::Decrypt).map_or(0, |held| held.keys);
        let more = all.saturating_sub(self.decrypts.len() as u64);
        let rest = (more > 0).then(|| format!("{more} more in key_access.csv"));
        self.decrypts.iter().cloned().chain(rest).collect::<Vec<_>>().join(SEPARATOR)
    }
}

/// The principals to review, in the order of their accounts.
#[derive(Debug, Default)]
pub(in crate::report) struct Reviews {
    rows: Vec<Row>,
    /// Where the row of a principal stands, by ARN.
    places: BTreeMap<String, usize>,
}

impl Reviews {
    /// Keeps the principals of an account.
    pub(in crate::report) fn keep(&mut self, audited: &AuditedAccount) {
        if !audited.entry.outcome.is_in_scope() {
            return;
        }
        let (account, iam) = (&audited.facts, &audited.facts.iam);
        let root = Row {
            arn: account.root_arn(),
            kind: "root",
            last_used: time(&last_used(iam, ROOT_USER)),
            ..Row::default()
        };
        let users = iam.users.known().iter().map(|user| of_user(iam, user));
        let roles = iam.roles.known().iter().map(of_role);
        let gap = account.entered.as_ref().err().or(iam.users.gap()).or(iam.roles.gap());
        let unknown = gap.map(|gap| Row { kind: "unknown", gap: Some(gap.reason()), ..Row::default() });
        for row in std::iter::once(root).chain(users).chain(roles).chain(unknown) {
            if !row.arn.is_empty() {
                self.places.insert(row.arn.clone(), self.rows.len());
            }
            self.rows.push(Row {
                account_id: account.id.clone(),
                account_name: account.name.clone(),
                ou_path: account.ou_path.clone().unwrap_or_default(),
                ..row
            });
        }
    }

    /// Notes who can do what on a key.
    pub(super) fn add(&mut self, key: &Key, entries: &[Entry]) {
        let mut surest: BTreeMap<(usize, Capability), Access> = BTreeMap::new();
        for entry in entries {
            if !matches!(entry.kind, PrincipalKind::User | PrincipalKind::Role | PrincipalKind::Root) {
                continue;
            }
            let Some(place) = self.places.get(&entry.row.principal_arn) else { continue };
            let known = surest.entry((*place, entry.capability)).or_insert(entry.access);
            *known = entry.access.min(*known);
        }
        for ((place, capability), access) in surest {
            let Some(row) = self.rows.get_mut(place) else { continue };
            let held = row.held.entry(capability).or_default();
            held.keys += 1;
            held.conditional += u64::from(access > Access::AllowedIfChosen);
            if capability == Capability::Decrypt && row.decrypts.len() < NAMED_KEYS {
                row.decrypts.push(key.arn.clone());
            }
        }
    }

    /// Writes the file.
    pub(super) fn write(&self, bag: &Bag) -> Result<(), Error> {
        let path = format!("data/csv/{REVIEW}");
        let mut table = Table::create(bag, &path, COLUMNS.map(|(name, ..)| name))?;
        for row in &self.rows {
            let cells = COLUMNS.map(|(_, _, fill)| fill(row));
            table.row(&cells.each_ref().map(String::as_str))?;
        }
        bag.add(&path, table.finish()?);
        Ok(())
    }
}

fn of_user(iam: &Iam, user: &User) -> Row {
    let (mut managed, mut inline) = policies(Principal::User(user), "");
    for group in iam.groups.known().iter().filter(|group| user.groups.contains(&group.name)) {
        let (more_managed, more_inline) = policies(Principal::Group(group), &format!(" (group {})", group.name));
        managed.extend(more_managed);
        inline.extend(more_inline);
    }
    Row {
        arn: user.arn.clone(),
        kind: "user",
        id: user.id.clone(),
        created: user.create_date,
        last_used: time(&last_used(iam, &user.name)),
        groups: user.groups.clone(),
        managed,
        inline,
        boundary: user.permissions_boundary.clone().unwrap_or_default(),
        ..Row::default()
    }
}

fn of_role(role: &Role) -> Row {
    let (managed, inline) = policies(Principal::Role(role), "");
    Row {
        arn: role.arn.clone(),
        kind: "role",
        id: role.id.clone(),
        created: role.create_date,
        last_used: time(&role.last_used),
        managed,
        inline,
        boundary: role.permissions_boundary.clone().unwrap_or_default(),
        ..Row::default()
    }
}

/// Names of the policies of a principal, each with where it comes from.
fn policies(principal: Principal<'_>, whence: &str) -> (Vec<String>, Vec<String>) {
    let named = |name: &String| format!("{name}{whence}");
    let managed: BTreeSet<String> =
        principal.attached_policies().iter().map(|AttachedPolicy { name, .. }| named(name)).collect();
    let inline = principal.inline_policies().iter().map(|policy| named(&policy.name)).collect();
    (managed.into_iter().collect(), inline)
}

/// When something was last used.
fn time(used: &Fact<Option<Timestamp>>) -> String {
    match used {
        Ok(Some(time)) => time.to_string(),
        Ok(None) => "never".to_owned(),
        Err(gap) => not_known(gap),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privileges_are_said_in_words_and_unknown_ones_are_not_none() {
        let held = |keys, conditional| Held { keys, conditional };
        let mut row = Row { held: BTreeMap::from([(Capability::Decrypt, held(3, 1))]), ..Row::default() };
        row.decrypts = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(row.privileges(), "decrypt with 3 keys, 1 of them under conditions or possibly");
        assert_eq!(row.keys(), "a | b | 1 more in key_access.csv");
        assert_eq!(Row::default().privileges(), "nothing on any key that was read");
        let gap = Row { gap: Some("denied".to_owned()), ..Row::default() };
        assert_eq!(gap.privileges(), "not known: denied");
    }
}
