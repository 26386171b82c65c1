//! What a generated organization is made of, by number: ids, names, teams, and chance for each of them.

use jiff::Timestamp;

use super::Size;
use crate::demo::ids::Chance;

/// The management account.
pub(super) const MANAGEMENT: &str = "111122223333";
/// Id of the organization, as AWS's documentation writes it.
pub(super) const ORGANIZATION_ID: &str = "o-exampleorgid";
/// Domain of the mail addresses.
pub(super) const DOMAIN: &str = "generated.example";
/// Name of the role that the collector assumes.
pub(super) const ROLE_NAME: &str = "KeyproofAudit";
/// Host of the provider that pipelines come from.
pub(super) const PIPELINES: &str = "token.actions.githubusercontent.com";
/// The Regions; the first holds most keys.
pub(super) const REGIONS: [&str; 3] = ["eu-central-1", "eu-west-1", "us-east-1"];
/// Accounts in a team.
pub(super) const TEAM: usize = 10;
/// When the collection began: 2026-06-30T02:00:00Z.
pub(super) const START: Timestamp = Timestamp::constant(1_782_784_800, 0);

/// Words of which application names are made.
const AREAS: [&str; 24] = [
    "orders", "claims", "ledger", "billing", "cards", "fraud", "search", "profile", "consent", "notify", "payout",
    "invoice", "pricing", "catalog", "intake", "archive", "rating", "identity", "quotes", "routing", "stock", "tax",
    "refund", "survey",
];
const PARTS: [&str; 12] =
    ["api", "worker", "batch", "stream", "cache", "web", "sync", "etl", "gateway", "index", "report", "admin"];

/// Number of the key that is the primary of a multi-Region family.
pub(super) const PRIMARY: usize = 1;
/// Numbers of the keys that are its replicas, in the second and the third Region.
const REPLICAS: [usize; 2] = [3, 4];

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyRole {
    /// A customer managed key of one Region.
    Own,
    /// The primary of the account's multi-Region family.
    Primary,
    /// A replica of it.
    Replica,
    /// The AWS managed key of the service of this number.
    Aws(usize),
}

/// A generated organization.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) accounts: usize,
    pub(super) seed: u64,
    pub(super) size: Size,
}

/// The team of an account.
pub(super) fn team(index: usize) -> usize {
    index / TEAM
}

/// Id of a team's unit, without the common beginning.
pub(super) fn unit_of_team(team: usize) -> String {
    format!("team{team:06}")
}

/// The unit in which a team's unit lies: two teams of three work in production, the first on the platform.
pub(super) fn stage_of_team(team: usize) -> &'static str {
    match team {
        0 => "platform0",
        team if team % 3 == 0 => "nonproduction",
        _ => "production",
    }
}

impl Plan {
    /// Twelve digits. All but the management account begin with six zeros, so that they are nobody's.
    pub(super) fn account_id(self, index: usize) -> String {
        if index == 0 { MANAGEMENT.to_owned() } else { format!("000000{:06}", 100_000 + index) }
    }

    /// Name of an account.
    pub(super) fn account_name(self, index: usize) -> String {
        if index == 0 {
            return "management".to_owned();
        }
        let mut chance = self.chance(index, "account-name");
        format!(
            "{}-{}-{index}",
            chance.pick(&AREAS),
            if stage_of_team(team(index)) == "nonproduction" { "dev" } else { "prod" }
        )
    }

    /// Chance of an account, for one theme.
    pub(super) fn chance(self, index: usize, theme: &str) -> Chance {
        Chance::seeded(self.seed, index as u64, &[theme])
    }

    /// Chance of one thing of an account.
    pub(super) fn chance_of(self, index: usize, theme: &str, number: usize) -> Chance {
        Chance::seeded(self.seed, index as u64, &[theme, &number.to_string()])
    }

    /// The first account of an account's team, which shares its keys.
    pub(super) fn sharer(self, index: usize) -> usize {
        team(index) * TEAM
    }

    /// The accounts of an account's team.
    pub(super) fn team_members(self, index: usize) -> std::ops::Range<usize> {
        let first = self.sharer(index);
        first..(first + TEAM).min(self.accounts)
    }

    /// The application to which the role or key of this number belongs.
    pub(super) fn application(self, index: usize, number: usize) -> String {
        // Applications have several roles and keys each.
        let mut chance = self.chance_of(index, "application", number / 4);
        let area = chance.pick(&AREAS);
        format!("{area}-{}", chance.pick(&PARTS))
    }

    /// Name of an application's role.
    pub(super) fn role_name(self, index: usize, number: usize) -> String {
        let kind = ["task", "execution", "deploy", "read"][number % 4];
        format!("{}-{kind}-{number:03}", self.application(index, number))
    }

    /// Number of application roles of an account.
    pub(super) fn application_roles(self) -> usize {
        let users = self.users();
        self.size.principals.saturating_sub(users).saturating_sub(super::principals::BASELINE.len())
    }

    /// Number of users of an account.
    pub(super) fn users(self) -> usize {
        self.size.principals / 25
    }

    /// Name of a key.
    pub(super) fn key_name(self, index: usize, number: usize) -> String {
        format!("{}/{number:02}", self.application(index, number))
    }

    /// Region of a key: three of five in the first, one each in the others.
    pub(super) fn key_region(number: usize) -> &'static str {
        match number % 5 {
            3 => REGIONS[1],
            4 => REGIONS[2],
            _ => REGIONS[0],
        }
    }

    /// What the key of this number is.
    pub(super) fn role_of_key(self, number: usize) -> KeyRole {
        match number {
            PRIMARY if self.size.keys > REPLICAS[1] => KeyRole::Primary,
            number if REPLICAS.contains(&number) && self.size.keys > REPLICAS[1] => KeyRole::Replica,
            number if number % 8 == 7 => KeyRole::Aws(number / 8),
            _ => KeyRole::Own,
        }
    }

    /// ARN of the key of this number; of the one before it, where that is an AWS managed key.
    pub(super) fn key_arn(self, index: usize, number: usize) -> String {
        use crate::demo::keys::{family_member, named};
        let (account, region) = (self.account_id(index), Self::key_region(number));
        match self.role_of_key(number) {
            KeyRole::Primary | KeyRole::Replica => family_member(&account, region, &self.key_name(index, PRIMARY)),
            KeyRole::Aws(_) => self.key_arn(index, number - 1),
            KeyRole::Own => named(&account, region, &self.key_name(index, number)),
        }
    }
}
