//! The command line: what can be typed, and the help that explains it. No logic.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

/// Proof of who can use which encryption keys in an AWS Organization.
///
/// keyproof collects IAM, KMS and Organizations state into a snapshot, audits the snapshot offline and writes an evidence
/// pack that an auditor can verify without keyproof.
#[derive(Debug, Parser)]
#[command(name = "keyproof", version, propagate_version = true, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Configuration file; `keyproof.toml` in the current folder is read if it exists. A flag beats the file.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print results and errors only.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Print more of what happens.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to colour text; `NO_COLOR` is respected.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// When to colour text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Snapshot the organization: assume the audit role in every account, read IAM and KMS
    #[cfg(feature = "collect")]
    Collect(CollectArgs),
    /// Build a snapshot from files that the AWS CLI printed
    Import(ImportArgs),
    /// Run every check over a snapshot and write the evidence pack
    Audit(AuditArgs),
    /// Compare two snapshots under today's rules
    Diff(DiffArgs),
    /// Who can use which key: by key, by principal, one decision explained, or all of them
    #[command(subcommand)]
    Access(AccessCommand),
    /// Decide concrete requests: one JSON object a line in, one decision a line out
    Evaluate(EvaluateArgs),
    /// Check that every byte of a pack or snapshot is as it was written
    Verify(VerifyArgs),
    /// Put the reply of a time-stamp authority (RFC 3161) into the pack that it is for
    AttachTimestamp(AttachTimestampArgs),
    /// Reason about policy documents: how much they open, which of two is more permissive, what cannot be meant
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// List the checks, or show one: rule, data, blind spots, mappings
    #[command(subcommand)]
    Check(CheckCommand),
    /// List the control frameworks, or show one: controls, checks, strength, sources
    #[command(subcommand)]
    Framework(FrameworkCommand),
    /// Look through a file of waivers before it is used, or begin one from the mute list of another tool
    #[command(subcommand)]
    Waiver(WaiverCommand),
    /// Print the least-privilege audit role, ready to deploy to all accounts
    Role(RoleArgs),
    /// Do the whole job on an organization that ships inside this program
    Demo(DemoArgs),
    /// Print the version, and with `--format json` the dates of the built-in knowledge
    Version(VersionArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// `keyproof collect`
#[cfg(feature = "collect")]
#[derive(Debug, Args)]
#[command(
    after_help = "Example: keyproof collect --role-name OrgAuditRole --region eu-central-1,us-east-1 --out 2026-Q3"
)]
pub struct CollectArgs {
    /// Folder of the snapshot; missing or empty, unless `--resume`
    #[arg(long, value_name = "DIR", required_unless_present = "plan")]
    pub out: Option<PathBuf>,
    /// Name of the role to assume in each account [default: KeyproofAudit]
    #[arg(long, value_name = "NAME")]
    pub role_name: Option<String>,
    /// External id that the role's trust policy demands
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Region to read keys in; repeats, takes commas [default: those that each account has enabled]
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    pub region: Vec<String>,
    /// Account to read; repeats, takes commas [default: all]
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub account: Vec<String>,
    /// Account to leave out, with a reason: `111122223333=closing in May`; repeats
    #[arg(long, value_name = "ID[=REASON]")]
    pub exclude_account: Vec<String>,
    /// Organizational unit to read, by id or path, with all below it; repeats [default: all]
    #[arg(long, value_name = "OU", value_delimiter = ',')]
    pub ou: Vec<String>,
    /// How many accounts and Regions to read at once [default: 16]
    #[arg(long, value_name = "N")]
    pub concurrency: Option<NonZeroUsize>,
    /// Go on with an interrupted collection of the same scope
    #[arg(long)]
    pub resume: bool,
    /// Only say what would be done, and what may not be done
    #[arg(long)]
    pub plan: bool,
    /// Exit with 0 although something could not be read
    #[arg(long)]
    pub allow_incomplete: bool,
}

/// `keyproof import`
#[derive(Debug, Args)]
#[command(after_help = "Example: aws iam get-account-authorization-details > iam.json && \
                        keyproof import --account 111122223333 --out snapshot iam.json && \
                        keyproof import --out snapshot --finish")]
pub struct ImportArgs {
    /// Files that the AWS CLI printed, as JSON
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Folder of the snapshot; goes on with an unfinished import
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Account that the files are of
    #[arg(long, value_name = "ID", required_unless_present = "finish")]
    pub account: Option<String>,
    /// Region of files that do not name it themselves
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Key of files that do not name it themselves: key policies, tags, lists without items
    #[arg(long, value_name = "KEY_ID")]
    pub key: Option<String>,
    /// Name of the key policy that a `get-key-policy` file holds
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub policy_name: String,
    /// User of files that do not name it themselves: lists without items
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Write the manifest: the snapshot is complete after this
    #[arg(long)]
    pub finish: bool,
    /// Exit with 0 although something is missing
    #[arg(long)]
    pub allow_incomplete: bool,
}

/// `keyproof audit`
#[derive(Debug, Args)]
#[command(after_help = "Example: keyproof audit snapshots/2026-Q3 --out packs/2026-Q3 --fail-on high")]
pub struct AuditArgs {
    /// The snapshot
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: PathBuf,
    /// Folder of the evidence pack; missing or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Count ages at this time instead of the snapshot's end (RFC 3339, UTC)
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<Timestamp>,
    /// Pack of an earlier quarter: findings that it has keep the time they were first seen, and its root goes into this one
    #[arg(long, value_name = "PACK")]
    pub prior: Option<PathBuf>,
    /// Sign the pack with an OpenSSH private key, Ed25519 or RSA; `ssh-keygen -Y verify` checks it
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// Write the pack as one file as well, beside its folder: `pack-<organization>-<quarter>-<root>.zip`
    #[arg(long)]
    pub zip: bool,
    /// Write the pack with pseudonyms, without the snapshot: `auditor` keeps back what names people or is written by them, `public`
    /// everything that names something of the organization, with reasons, evidence and access
    #[arg(long, value_enum, value_name = "LEVEL", requires = "redaction_key", conflicts_with = "custody", default_value_t = RedactArg::None)]
    pub redact: RedactArg,
    /// Secret that pseudonyms are made with, at least 16 bytes; made if it is missing. Keep it, and a name has the same pseudonym
    /// in every quarter; who has it can try names out
    #[arg(long, value_name = "FILE")]
    pub redaction_key: Option<PathBuf>,
    /// Write which name has which pseudonym into a CSV file, which does not go with the pack
    #[arg(long, value_name = "FILE", requires = "redaction_key")]
    pub redaction_map: Option<PathBuf>,
    /// Say in `custody/` of the pack who ran the audit, when, on which machine, with which words and program
    #[arg(long)]
    pub custody: bool,
    /// Write the tables as the sheets of one workbook as well: `data/xlsx/evidence.xlsx`
    #[arg(long)]
    pub xlsx: bool,
    /// Leave the snapshot out of the pack
    #[arg(long)]
    pub no_snapshot: bool,
    /// Write who can do what with every key (pages of keys, decrypt matrices, tables) also for more than 25 accounts, where
    /// it takes minutes and gigabytes
    #[arg(long)]
    pub access: bool,
    /// Leave out who can do what with every key
    #[arg(long, conflicts_with = "access")]
    pub no_access: bool,
    /// Whose verdicts to give where AWS Security Hub has a control of its own [default: keyproof]
    #[arg(long, value_enum, value_name = "WHOSE")]
    pub verdicts: Option<VerdictsArg>,
    /// Waivers: exceptions that somebody answers for until a day, as a TOML file
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
    /// Draw a sample of this many of the items that were tested, with a sheet to sign and the commands that show each in AWS
    #[arg(long, value_name = "N", requires = "seed", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub sample: Option<u32>,
    /// What the sample is drawn by: words of the auditor's own; the same words draw the same items
    #[arg(long, value_name = "S", requires = "sample")]
    pub seed: Option<String>,
    /// Exit with 3 when a FAIL of this severity or worse stands
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Exit with 0 although something could not be assessed
    #[arg(long)]
    pub allow_incomplete: bool,
    /// Print where the time went, by phase and check, on standard error
    #[arg(long)]
    pub timings: bool,
    /// What is judged
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Judge only resources that carry this tag; repeated, they must carry all. A resource whose tags could not be read stays;
    /// those whose tags a snapshot does not hold (accounts, policies, certificates) are counted as not known
    #[arg(long, value_name = "KEY[=VALUE]", help_heading = SELECTION)]
    pub tag: Vec<String>,
}

/// Heading of the flags of a selection.
const SELECTION: &str = "Selection (each narrows what the others leave; the result states what was left out)";

/// What is judged. Each flag narrows what the others leave, and beats the member of `[audit]` of the same name.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = SELECTION)]
pub struct SelectionArgs {
    /// Check to run; repeats, takes commas [default: all]
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub check: Vec<String>,
    /// Check not to run; repeats, takes commas
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub skip_check: Vec<String>,
    /// Framework to report, with the checks mapped to it; repeats, takes commas [default: all]
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub framework: Vec<String>,
    /// Framework of your own, as a TOML file; repeats
    #[arg(long, value_name = "FILE")]
    pub framework_file: Vec<PathBuf>,
    /// Run only checks of this severity or worse, whatever the severity of their findings
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub severity: Option<FailOn>,
    /// Judge only what belongs to this service; repeats, takes commas [default: all]
    #[arg(long, value_enum, value_name = "SERVICE", value_delimiter = ',')]
    pub service: Vec<ServiceArg>,
    /// Audit only this account, by id or name; repeats, takes commas [default: all]
    #[arg(long, value_name = "ID|NAME", value_delimiter = ',')]
    pub account: Vec<String>,
    /// Audit only accounts below this root or unit of the organization, by id or path (`Workloads/Production`); repeats
    #[arg(long, value_name = "ID|PATH")]
    pub ou: Vec<String>,
}

/// For `--redact`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RedactArg {
    /// Nothing is kept back
    None,
    /// What names people or is written by them is kept back
    Auditor,
    /// Everything that names something of the organization is kept back
    Public,
}

/// For `--service`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServiceArg {
    /// Checks whose id begins with `account-`
    Account,
    /// Checks whose id begins with `iam-`, and policy documents in IAM
    Iam,
    /// Checks whose id begins with `kms-`, and key policies
    Kms,
    /// Checks whose id begins with `org-`, and policies of the organization
    Organizations,
}

/// For `--verdicts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerdictsArg {
    /// Ours
    Keyproof,
    /// With the parameters of Security Hub's controls, whatever the configuration says
    SecurityHub,
}

/// Severities, for `--fail-on` and `--severity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Open now, or not to be undone
    Critical,
    /// Opens a way in
    High,
    /// Weakens a control
    Medium,
    /// Hygiene
    Low,
    /// Note only
    Informational,
}

/// `keyproof diff`
#[derive(Debug, Args)]
#[command(after_help = "Example: keyproof diff snapshots/2026-Q2 snapshots/2026-Q3 --out changes/2026-Q2--2026-Q3")]
pub struct DiffArgs {
    /// The earlier snapshot
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The later snapshot
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Folder of the comparison; missing or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Whose verdicts to give where AWS Security Hub has a control of its own [default: keyproof]
    #[arg(long, value_enum, value_name = "WHOSE")]
    pub verdicts: Option<VerdictsArg>,
    /// Waivers: exceptions that somebody answers for until a day, as a TOML file; they count at the end of each
    /// snapshot
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
    /// Compare who can do what with every key also for more than 25 accounts, where it takes minutes and gigabytes
    #[arg(long)]
    pub access: bool,
    /// Leave out who can do what with every key
    #[arg(long, conflicts_with = "access")]
    pub no_access: bool,
    /// Exit with 0 although something could not be assessed
    #[arg(long)]
    pub allow_incomplete: bool,
    /// What is compared
    #[command(flatten)]
    pub selection: SelectionArgs,
}

/// `keyproof access`
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// Who can do an action on a key, by which path, under which conditions
    #[command(after_help = "Example: keyproof access who-can kms:Decrypt alias/orders --snapshot snapshots/2026-Q3")]
    WhoCan {
        /// Action (`kms:Decrypt`), or a class of actions: decrypt, encrypt, sign, grant, administer, destroy
        #[arg(value_name = "ACTION")]
        action: String,
        /// Key ARN, key id, alias ARN or alias name
        #[arg(value_name = "KEY")]
        key: String,
        /// Show those who cannot as well, and what blocks them
        #[arg(long)]
        include_denied: bool,
        /// Only access of these kinds; repeats, takes commas [default: all]
        #[arg(long, value_enum, value_name = "ACCESS", value_delimiter = ',')]
        access: Vec<AccessKind>,
        /// Chains
        #[command(flatten)]
        reach: ReachArgs,
        /// Snapshot and form of the output
        #[command(flatten)]
        common: AccessArgs,
    },
    /// What a principal can do, on which keys
    #[command(
        after_help = "Example: keyproof access can arn:aws:iam::111122223333:role/App --snapshot snapshots/2026-Q3"
    )]
    Can {
        /// ARN of a user or role, of the root user for an account, or the name of a service
        #[arg(value_name = "PRINCIPAL")]
        principal: String,
        /// Action or class of actions; repeats, takes commas [default: all actions on keys]
        #[arg(long, value_name = "ACTION", value_delimiter = ',')]
        action: Vec<String>,
        /// Filters
        #[command(flatten)]
        filter: FilterArgs,
        /// Snapshot and form of the output
        #[command(flatten)]
        common: AccessArgs,
    },
    /// One decision, with the statement of each layer that decided it
    #[command(
        after_help = "Example: keyproof access explain arn:aws:iam::111122223333:user/alice kms:Decrypt alias/orders \
--snapshot snapshots/2026-Q3"
    )]
    Explain {
        /// ARN of a user or role, of the root user for an account, or the name of a service
        #[arg(value_name = "PRINCIPAL")]
        principal: String,
        /// Action
        #[arg(value_name = "ACTION")]
        action: String,
        /// Key ARN, key id, alias ARN or alias name
        #[arg(value_name = "KEY")]
        key: String,
        /// Chains
        #[command(flatten)]
        reach: ReachArgs,
        /// Snapshot and form of the output
        #[command(flatten)]
        common: AccessArgs,
    },
    /// Every principal that has something on every key, sorted by key, principal and action
    #[command(after_help = "Example: keyproof access matrix --snapshot snapshots/2026-Q3 --format csv > decrypt.csv")]
    Matrix(MatrixArgs),
}

/// Flags of every question about access.
#[derive(Debug, Args)]
pub struct AccessArgs {
    /// The snapshot
    #[arg(long, value_name = "DIR")]
    pub snapshot: PathBuf,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = AccessFormat::Text, value_name = "FORMAT")]
    pub format: AccessFormat,
}

/// Flags of questions about chains.
#[derive(Debug, Args)]
pub struct ReachArgs {
    /// Add who can reach the action without having it: by a key policy, grant, tag or alias of its own making, or by acting as
    /// another principal. Each row of JSON, NDJSON and CSV then has a `chain`: its links as `step`, `principal_arn`, `target_arn`,
    /// `access`, `decisions[]` (`principal_arn`, `action`, `resource`, `access`, `path`, `conditions[]`, `via[]`, `statements[]`, `grants[]`, `notes[]`),
    /// `notes[]`, and the action itself as the step `use`; rows of direct access have an empty one
    #[arg(long)]
    pub reach: bool,
    /// The most links of a chain
    #[arg(long, value_name = "N", requires = "reach", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub depth: u8,
}

/// `keyproof access matrix`
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// The snapshot
    #[arg(long, value_name = "DIR")]
    pub snapshot: PathBuf,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = AccessFormat::Ndjson, value_name = "FORMAT")]
    pub format: AccessFormat,
    /// Action or class of actions; repeats, takes commas
    #[arg(long, value_name = "ACTION", value_delimiter = ',', default_value = "kms:Decrypt")]
    pub action: Vec<String>,
    /// Print classes: one row for principals that no decision can tell apart and keys that none can tell apart, with the
    /// members of both (`account_id`, `key_arns[]`, `principal_arns[]`, `principal_type`, `action`, `access`, `path`,
    /// `conditions[]`, `via[]`, `notes[]`)
    #[arg(long)]
    pub classes: bool,
    /// Filters
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// Which keys and which access an answer is about. Each flag narrows what the others leave; what they leave out is said on
/// standard error.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters (each narrows what the others leave)")]
pub struct FilterArgs {
    /// Only keys of this account; repeats, takes commas
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub account: Vec<String>,
    /// Only keys of accounts below this path of the organization (`Root/Workloads`); repeats
    #[arg(long, value_name = "OU")]
    pub ou: Vec<String>,
    /// Only this key: ARN, id, alias ARN or alias name; repeats
    #[arg(long, value_name = "KEY")]
    pub key: Vec<String>,
    /// Only keys with this alias, in whatever account and Region (`alias/aws/ebs`); repeats
    #[arg(long, value_name = "ALIAS")]
    pub alias: Vec<String>,
    /// Only keys with this tag: `team=payments`; repeated, a key must have all. Keys whose tags were not read stay
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Vec<String>,
    /// Only access of these kinds; repeats, takes commas [default: all]
    #[arg(long, value_enum, value_name = "ACCESS", value_delimiter = ',')]
    pub access: Vec<AccessKind>,
}

/// Forms of access rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AccessFormat {
    /// Text for people
    #[value(alias = "table")]
    Text,
    /// One JSON array
    Json,
    /// One JSON object a line
    Ndjson,
    /// CSV with a header
    Csv,
}

/// Kinds of access, for `--access`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum AccessKind {
    /// In every context
    Allowed,
    /// In contexts that the caller can choose
    AllowedIfChosen,
    /// Only through an AWS service
    ViaService,
    /// Depending on network, second factor, session, time
    Conditional,
    /// AWS does not document it, or something could not be read
    Possible,
}

/// `keyproof evaluate`
#[derive(Debug, Args)]
#[command(
    after_help = "Each line holds `policies`, `request` and optionally `id` and `env`. Exit code 1 when a line is not \
valid; the others are decided all the same.\n\nExample: keyproof evaluate requests.ndjson > decisions.ndjson"
)]
pub struct EvaluateArgs {
    /// Requests, one JSON object a line [default: standard input]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// `keyproof verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// An evidence pack, a comparison, or a snapshot
    #[arg(value_name = "PACK_OR_SNAPSHOT")]
    pub path: PathBuf,
    /// Render a pack again from the snapshot inside it, and compare every file
    #[arg(long)]
    pub reproduce: bool,
}

/// `keyproof attach-timestamp`
#[derive(Debug, Args)]
#[command(
    after_help = "Example: curl --data-binary @packs/2026-Q3/root.tsq --header 'Content-Type: application/timestamp-query' \
https://tsa.example.com > reply.tsr && keyproof attach-timestamp packs/2026-Q3 reply.tsr"
)]
pub struct AttachTimestampArgs {
    /// The pack
    #[arg(value_name = "PACK")]
    pub pack: PathBuf,
    /// The authority's reply to `root.tsq` of the pack
    #[arg(value_name = "FILE")]
    pub reply: PathBuf,
}

/// `keyproof check`
#[derive(Debug, Subcommand)]
pub enum CheckCommand {
    /// List all checks
    List(ListArgs),
    /// Print all checks with their rules and their names in other tools, as Markdown
    Catalogue,
    /// Show one check
    Show {
        /// Id of the check
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// `keyproof framework`
#[derive(Debug, Subcommand)]
pub enum FrameworkCommand {
    /// List all frameworks
    List {
        /// Form of the output
        #[command(flatten)]
        list: ListArgs,
        /// Framework of your own, as a TOML file; repeats
        #[arg(long, value_name = "FILE")]
        framework_file: Vec<PathBuf>,
    },
    /// Show one framework
    Show {
        /// Id of the framework
        #[arg(value_name = "ID")]
        id: String,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// Framework of your own, as a TOML file; repeats
        #[arg(long, value_name = "FILE")]
        framework_file: Vec<PathBuf>,
    },
}

/// `keyproof waiver`
#[derive(Debug, Subcommand)]
pub enum WaiverCommand {
    /// Say of each waiver of a file how it stands: in force, lapsed, stale, too broad
    #[command(
        after_help = "A file that may not be used as it is gives exit code 1, with the line of everything that is wrong.\n\n\
Example: keyproof waiver check waivers.toml --snapshot snapshots/2026-Q3"
    )]
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The snapshot whose exceptions it is about
        #[arg(long, value_name = "DIR")]
        snapshot: PathBuf,
        /// Look at this time instead of the snapshot's end (RFC 3339, UTC)
        #[arg(long, value_name = "TIME")]
        as_of: Option<Timestamp>,
        /// Framework of your own, as a TOML file; repeats
        #[arg(long, value_name = "FILE")]
        framework_file: Vec<PathBuf>,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Begin a file of waivers from a mute list of Prowler: print what can be taken over, with what each waiver lacks
    #[command(
        after_help = "A mute list has neither owner nor approver nor end: the file cannot be used before these are written in.\n\n\
Example: keyproof waiver import-mutelist mutelist.yaml > waivers.toml"
    )]
    ImportMutelist {
        /// The mute list, as YAML
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// `keyproof policy`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// How much of all KMS keys a policy opens for an action: NDJSON in and out, or one policy document
    Coverage(LinesArgs),
    /// Whether policy B is more permissive than policy A: NDJSON in and out
    Compare(LinesArgs),
    /// What in policy documents cannot mean what was intended: actions, condition keys, values, principals, resources
    Lint(LintArgs),
}

/// Flags of commands that answer lines.
#[derive(Debug, Args)]
pub struct LinesArgs {
    /// File of NDJSON lines, or one policy document [default: standard input]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Form of the answer on one policy document [default: table on a terminal, else ndjson]
    #[arg(long, value_enum)]
    pub format: Option<LineFormat>,
}

/// Forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LineFormat {
    /// One line of JSON
    #[value(alias = "json")]
    Ndjson,
    /// Text for people
    Table,
}

/// `keyproof policy lint`
#[derive(Debug, Args)]
#[command(after_help = "Example: keyproof policy lint --kind key --fail-on high key-policy.json")]
pub struct LintArgs {
    /// Policy documents, also as the AWS CLI prints them; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Where the documents are attached [default: guessed from the form of each]
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Option<LintKind>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = LintFormat::Text, value_name = "FORMAT")]
    pub format: LintFormat,
    /// Exit with 3 when a finding of this severity or worse stands
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
}

/// Where a policy document is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintKind {
    /// A user, group or role
    Identity,
    /// A user or role, as its permissions boundary
    Boundary,
    /// A session
    Session,
    /// A KMS key
    Key,
    /// A role, as its trust policy
    Trust,
    /// The organization, as a service control policy
    Scp,
    /// The organization, as a resource control policy
    Rcp,
    /// Another resource: bucket, queue, secret …
    Resource,
}

/// Forms of lint findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// Text for people
    Text,
    /// One JSON object a line
    Ndjson,
    /// One JSON array
    Json,
    /// CSV with a header
    Csv,
    /// Aligned columns
    Table,
}

/// Flags of commands that print rows.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Form of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// Forms of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON array
    Json,
    /// CSV with a header
    Csv,
    /// Aligned columns for people
    Table,
}

/// `keyproof role`
#[derive(Debug, Args)]
#[command(after_help = "Example: keyproof role --format cloudformation > keyproof-audit-role.yaml")]
pub struct RoleArgs {
    /// Form of the template
    #[arg(long, value_enum)]
    pub format: RoleFormat,
}

/// Forms of the audit role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleFormat {
    /// A CloudFormation template, ready for StackSets
    Cloudformation,
    /// A Terraform module
    Terraform,
    /// The permissions policy alone
    Json,
}

/// `keyproof demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Folder of the demo; an earlier demo in it is replaced
    #[arg(long, value_name = "DIR", default_value = "keyproof-demo")]
    pub out: PathBuf,
    /// Write the snapshot of a generated organization of this many accounts instead, for benchmarks
    #[arg(long, value_name = "N")]
    pub accounts: Option<NonZeroUsize>,
    /// Seed of the generated organization
    #[arg(long, value_name = "S", default_value_t = 1, requires = "accounts")]
    pub seed: u64,
}

/// `keyproof version`
#[derive(Debug, Args)]
pub struct VersionArgs {
    /// Form of the output
    #[arg(long, value_enum, default_value_t = VersionFormat::Text)]
    pub format: VersionFormat,
}

/// Forms of the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VersionFormat {
    /// One line
    Text,
    /// JSON with the dates of the knowledge data
    Json,
}

/// `keyproof completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
