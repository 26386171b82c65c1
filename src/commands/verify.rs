//! `keyproof verify`: is every byte of a pack or snapshot as it was written?

use anyhow::bail;

use super::console::Console;
use super::{Exit, print};
use crate::cli::VerifyArgs;
use crate::{files, report, snapshot};

pub(super) fn run(args: &VerifyArgs, console: &Console) -> anyhow::Result<Exit> {
    let path = &args.path;
    let has = |name: &str| path.join(name).is_file();
    let (kind, root, damage) = if has(report::MANIFEST) || has(report::TAG_MANIFEST) {
        ("pack", report::MANIFEST, report::verify(path)?)
    } else if has(snapshot::MANIFEST) || has(snapshot::DIGESTS) {
        ("snapshot", snapshot::MANIFEST, snapshot::verify(path)?)
    } else if path.is_file() {
        bail!("`{}` is not a folder; name a pack or a snapshot", path.display());
    } else {
        // Fails for a folder that is not there or may not be read, and says so.
        files::list(path)?;
        bail!(
            "`{}` is neither a finished pack (no `{}`) nor a finished snapshot (no `{}`)",
            path.display(),
            report::MANIFEST,
            snapshot::MANIFEST
        );
    };
    if damage.is_empty() {
        console.note(&format!("The {kind} is intact: every file matches its digest."));
        return print(format!("{kind} root {}\n", files::sha256_of_file(&path.join(root))?).as_bytes());
    }
    for place in &damage {
        console.warn(&place.to_string());
    }
    let places = if damage.len() == 1 { "1 place".to_owned() } else { format!("{} places", damage.len()) };
    bail!("the {kind} at `{}` is damaged in {places}; restore it from a copy", path.display())
}
