//! keyproof proves who can use which encryption keys in an AWS Organization.
//!
//! ```text
//! AWS ──collect──▶ snapshot on disk ──read──▶ model ──checks──▶ findings ──report──▶ evidence pack
//!      ──import──▶                            │   │       ▲  │         │
//!                                             │   │       │  └─audit   ├──diff──▶ changes
//!                                             │ policy ───┘            └─ frameworks (TOML)
//!                                             └─access──▶ who can use which key
//! ```
//!
//! Data flows one way, and so do the imports. Right of the snapshot everything is a pure function of its input: no clock, no
//! network, no environment, no randomness, no thread order. Same snapshot, same version, same configuration: same bytes.
//!
//! # Rooms, in reading order
//!
//! | room | what lives there | may use |
//! | --- | --- | --- |
//! | [`policy`] | the policy language and the reasoning over it; could be a crate of its own | nothing of ours |
//! | [`model`] | facts about an organization as plain data in AWS's names; why a fact is missing | `policy` |
//! | [`access`] | effective access: which principal can do what on which key, by which path | `model`, `policy` |
//! | [`snapshot`] | the form on disk: layout, manifest, writing, reading, verifying | `model`, `policy`, `files`, `digest` |
//! | `collect` | AWS → snapshot; the only room that knows the AWS SDK and async (feature `collect`) | `snapshot` |
//! | [`import`] | AWS CLI output → snapshot | `snapshot`, `model`, `files`, `digest` |
//! | [`finding`] | what a check says: status, severity, evidence, fingerprint | `model`, `digest` |
//! | [`checks`] | one file a check: texts, rule, tests side by side; the registry is a plain list | `model`, `access`, `policy`, `finding` |
//! | [`frameworks`] | controls as data: which check tests which control, how strongly, who says so | nothing of ours |
//! | [`waivers`] | exceptions that somebody answers for until a day: their file, mute lists of Prowler, which findings each means | `finding`, `policy` (patterns), `digest` |
//! | [`audit`] | runs the checks with rayon in a fixed order, applies waivers, rolls findings up to controls | `snapshot`, `checks`, `access`, `model`, `frameworks`, `finding`, `waivers`, `digest` |
//! | [`diff`] | two audited snapshots → changes of findings, resources, effective access | `audit`, `snapshot`, `checks`, `frameworks`, `access`, `model`, `policy`, `finding`, `waivers` |
//! | [`report`] | findings → HTML, CSV, NDJSON, the pack; one renderer a file; decides nothing | all of the above but `collect` and `import`, and `files` |
//! | [`demo`] | the demo organization, its two quarters, the generator | `snapshot`, `model`, `digest` |
//! | [`files`], [`digest`] | the only room that writes to disk; SHA-256 | `digest`; nothing |
//! | [`config`], [`cli`], [`commands`] | configuration, argument types, one file a command, exit codes | everything |
//!
//! A test compares this table with the imports of every file. `report` may use `files` because a pack of a million findings
//! is streamed and never held in memory; `report` and `diff` may use `snapshot` because a pack holds the snapshot it was
//! made from, and a comparison starts at two of them.
//!
//! # What holds everywhere
//!
//! - **A fact is derived once.** Reports never decide, checks never parse.
//! - **Unknown is a value.** A fact that a call fills is there, or the [`model::Gap`] that says why it is not. Removing a fact
//!   never turns a verdict into PASS: that is a property test.
//! - **Determinism is a property of types**: ordered maps only, sorted output, no locale; `.clippy.toml` forbids hash maps,
//!   clocks and the environment outside their rooms.
//! - **Memory follows the largest accounts times the threads**, not the organization.
//! - **What was read is hostile**: names reach HTML, CSV, terminals, shells and paths only through their escape.

pub mod access;
pub mod audit;
pub mod checks;
pub mod cli;
#[cfg(feature = "collect")]
pub mod collect;
pub mod commands;
pub mod config;
pub mod demo;
pub mod diff;
pub mod digest;
pub mod files;
pub mod finding;
pub mod frameworks;
pub mod import;
pub mod model;
pub mod policy;
pub mod report;
pub mod snapshot;
pub mod waivers;
