//! Findings become bytes: the pages, tables and lists of an evidence pack, and the manifest that covers them. Decides nothing.
//!
//! ```text
//! DIR/
//!   manifest-sha256.txt      sha256sum -c form: everything under data/, written last
//!   manifest-sha256.txt.sig  its signature, if a key was given
//!   tagmanifest-sha256.txt  bagit.txt  bag-info.txt  VERIFY.txt
//!   root.tsq  root.tsr       the question for a time-stamp authority (RFC 3161), and its reply once that is attached
//!   custody/                 who ran the audit, where and with which program, on request: custody.csv, run-log.ndjson
//!   data/README.html         what lies where, and which file answers what auditors ask for
//!   data/pack.json           what the pack is: roots, selection, counts, gaps
//!   data/keyproof.toml       what was selected, and parameters of checks that are not at their defaults, if there are any
//!   data/frameworks/         the files of the user's own frameworks, if there are any
//!   data/inputs/             waivers.toml, if there is one; first_seen.ndjson: what an earlier pack says of its findings, if there
//!                            was one
//!   data/report/             index.html, scope.html, completeness.html, frameworks/, checks/, accounts/, remediation.html, waivers.html, requests.html,
//!                            sample.html on request, methodology.html
//!     evidence/              <account>.html, organization.html: each datum that findings rest on, with its value
//!     keys/                  index.html (inventory), <account>/<region>/<key id>.html; over 2,000 keys <account>/<region>.html
//!     access/                decrypt-matrix.html (overview), <account>.html
//!   data/evidence/           <account>.ndjson, organization.ndjson (what all accounts rest on, gaps, approvals): one datum a line
//!   data/csv/                about.csv, findings.csv, evidence_index.csv, controls_matrix.csv, poam.csv, scope.csv, completeness.csv,
//!                            gaps.csv, waivers.csv, request_list.csv, sample.csv; accounts.csv, users.csv, roles.csv, access_keys.csv,
//!                            privileged_principals.csv, service_accounts.csv, kms_keys.csv, kms_grants.csv; key_access.csv,
//!                            key_admins.csv, external_access.csv, access_review_worksheet.csv;
//!                            COLUMNS.md, datapackage.json
//!                            redactions.csv in a pack with pseudonyms
//!   data/json/               findings.ndjson, controls.json, completeness.json, access.ndjson, and for each, and pack.json, a JSON
//!                            Schema: *.schema.json
//!   data/xlsx/evidence.xlsx  the tables as sheets of one workbook, on request
//!   data/interop/            ocsf.ndjson, oscal-ar.json, oscal-poam.json, junit.xml
//!   data/snapshot/           the snapshot byte for byte
//! ```
//!
//! A comparison is a bag of its own: `data/report/changes.html`, `data/csv/changes.csv`, `data/csv/access_changes.csv` (who gained and
//! lost what on which key, unless left out), `data/json/changes.json` with its schema.
//!
//! **Invariants.** The bytes depend on the snapshot, the options and this program's version alone. A finding reaches
//! `findings.ndjson`, `findings.csv` and the forms of other programs as it is delivered, and is kept in memory only as far as a page
//! shows it. Access is decided, written and dropped account by account; what lists of keys need of each is kept. A text reaches a
//! page or XML through one escape (`visible.rs`), a cell through one guard (`table.rs`), a shell line through one quoting
//! (`recipe.rs`).

mod about;
mod access_changes;
mod account_page;
mod archive;
mod bag;
mod catalogue;
mod changes;
mod check_page;
mod columns;
mod completeness;
mod controls;
mod cover;
mod custody;
mod demo_page;
mod evidence;
mod evidence_page;
mod exceptions;
mod facts;
mod findings;
mod framework_page;
mod heat_map;
mod html;
mod identifier;
mod identity;
mod interop;
mod junit;
mod keys;
mod methodology;
mod ocsf;
mod oscal;
mod oscal_plan;
mod oscal_results;
mod pack;
mod poam;
mod prior;
mod readme;
mod recipe;
mod redaction;
mod remediation;
mod reproduce;
mod requests;
mod rows;
mod sample;
mod scope;
mod signature;
mod spot_check;
mod stream;
mod table;
mod timestamp;
mod view;
mod visible;
mod waivers_page;
#[cfg(feature = "xlsx")]
mod workbook;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use access_changes::sentences as access_sentences;
pub use archive::{archive, archive_name};
pub use bag::{MANIFEST, Sealed, TAG_MANIFEST, verify};
pub use catalogue::catalogue;
pub use changes::write as write_comparison;
pub use custody::Custody;
pub use demo_page::{DemoLink, demo_page};
pub use pack::{CONFIG, OWN_FRAMEWORKS, Options, Pack};
pub use prior::Prior;
pub use redaction::{Level, Redaction, Secret};
pub use reproduce::{Difference, Made, Part, Selected, differences, made};
pub use sample::Sample;
pub use signature::{SIGNATURE, SigningKey, sign, signer};
pub use table::is_risky;
pub use timestamp::{REPLY, Stamp, attach, stamp};
pub use visible::is_hidden;
pub use waivers_page::FILE as WAIVERS;

/// Path of the cover inside a pack.
pub const INDEX: &str = "data/report/index.html";

/// Path of the page inside a comparison.
pub const CHANGES: &str = "data/report/changes.html";

/// Path of the file that says what a pack is.
pub(crate) const PACK: &str = "data/pack.json";

/// Path of the tables as one workbook inside a pack.
const WORKBOOK: &str = "data/xlsx/evidence.xlsx";

/// Path of the findings inside a pack.
pub const FINDINGS: &str = "data/json/findings.ndjson";

/// Why a pack cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error(transparent)]
    Files(#[from] crate::files::Error),
    /// The snapshot.
    #[error(transparent)]
    Snapshot(#[from] crate::snapshot::Error),
    /// Something could not be put into JSON.
    #[error("failed to encode `{path}`: {reason}")]
    Encode {
        /// The file inside the pack.
        path: String,
        /// Why.
        reason: String,
    },
    /// A page could not be rendered: a fault of this program, which a test rules out.
    #[error("failed to render `{path}`: {reason}")]
    Render {
        /// The file inside the pack.
        path: String,
        /// What the template engine says.
        reason: String,
    },
    /// The two engines disagree on a decision: a fault of this program.
    #[error(transparent)]
    Access(#[from] crate::policy::Unanswered),
    /// A key cannot sign.
    #[error("cannot sign with `{}`: {reason}", path.display())]
    Key {
        /// The file of the key.
        path: PathBuf,
        /// Why not, and what to do.
        reason: String,
    },
    /// Names cannot be kept back.
    #[error("cannot keep names back: {reason}")]
    Redaction {
        /// Why not.
        reason: String,
    },
    /// The build lacks what was asked for.
    #[error(
        "this keyproof was built without the feature `xlsx`, which writes workbooks; leave out `--xlsx`, or take one with it"
    )]
    NoWorkbooks,
    /// A secret for pseudonyms is too short.
    #[error("`{}` holds {bytes} bytes, and a secret that nobody tries out has {least} or more; remove the file, and one is made", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What it holds.
        bytes: usize,
        /// What it must hold.
        least: usize,
    },
    /// A file is no time stamp of the pack.
    #[error("`{}` is no time stamp of this pack: {reason}", path.display())]
    Stamp {
        /// The file.
        path: PathBuf,
        /// Why not, and what to do.
        reason: String,
    },
    /// An earlier pack is not as it was written.
    #[error("the pack at `{}` is damaged: {place}; restore it from a copy", path.display())]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// The first place.
        place: String,
    },
    /// A pack that was given as the earlier one cannot be.
    #[error("`{}` cannot be the prior pack: {reason}", path.display())]
    NotEarlier {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file of a pack is not what this program writes there.
    #[error("failed to parse `{}`: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What stands where.
        reason: String,
    },
    /// The folder holds no pack.
    #[error("`{}` is not an evidence pack: it has no `{MANIFEST}`; name the folder that `keyproof audit --out` wrote", path.display())]
    NotAPack {
        /// The folder.
        path: PathBuf,
    },
}
