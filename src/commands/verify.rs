//! `keyproof verify`: is every byte of a pack or snapshot as it was written, and as this program writes it again?

use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use super::console::Console;
use super::selection::{Asked, Names};
use super::{Exit, audit, print};
use crate::cli::{SelectionArgs, VerifyArgs};
use crate::config::{self, Config};
use crate::files::{self, Scratch};
use crate::report::{self, Made, Prior};
use crate::snapshot::{self, Snapshot, manifest::Tool};

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
    if !damage.is_empty() {
        damage.iter().for_each(|place| console.warn(&place.to_string()));
        bail!("the {kind} at `{}` is damaged in {}; restore it from a copy", path.display(), places(damage.len()));
    }
    console.note(&format!("The {kind} is intact: every file matches its digest."));
    if kind == "pack" {
        match report::signer(path)? {
            Some(signer) => console.note(&format!(
                "It is signed by {signer}; whose key that is, `ssh-keygen -Y verify` tells with your list of keys (see VERIFY.txt)."
            )),
            None => console.note("It is not signed."),
        }
        if let Some(stamp) = report::stamp(path)? {
            console.note(&format!(
                "A time-stamp authority saw it at {}; whether it is one that you trust, `openssl ts -verify` tells (see VERIFY.txt).",
                stamp.time
            ));
        }
    }
    if args.reproduce {
        reproduce(path, console)?;
        console.note("The pack is reproduced: rendered again from its snapshot, every file is the same.");
    }
    print(format!("{kind} root {}\n", files::sha256_of_file(&path.join(root))?).as_bytes())
}

fn places(number: usize) -> String {
    if number == 1 { "1 place".to_owned() } else { format!("{number} places") }
}

/// Renders an intact pack again, and fails if a file differs.
fn reproduce(path: &Path, console: &Console) -> anyhow::Result<()> {
    if !path.join(report::PACK).is_file() {
        bail!(
            "`{}` is no evidence pack (no `{}`); `--reproduce` renders only packs again",
            path.display(),
            report::PACK
        );
    }
    let made = report::made(path)?;
    let this = Tool::this();
    if made.tool != this {
        bail!(
            "`{}` was written by {} {} and this is {} {}: only the same version writes the same bytes; take that one",
            path.display(),
            made.tool.name,
            made.tool.version,
            this.name,
            this.version
        );
    }
    if !made.snapshot.included {
        bail!(
            "`{}` was written without its snapshot, from which it would be rendered again; audit the snapshot itself and compare \
             the pack roots",
            path.display()
        );
    }
    let scratch = Scratch::create()?;
    let again = scratch.path().join("pack");
    render(path, &made, &again, console).context("failed to render the pack again")?;
    let differences = report::differences(path, &again)?;
    if differences.is_empty() {
        return Ok(());
    }
    differences.iter().for_each(|difference| console.warn(&difference.to_string()));
    bail!("the pack at `{}` is not what its snapshot gives, in {}", path.display(), places(differences.len()))
}

fn render(path: &Path, made: &Made, again: &Path, console: &Console) -> anyhow::Result<()> {
    let file = path.join(report::CONFIG);
    let mut config = if file.is_file() { config::load(Some(&file))? } else { Config::default() };
    config.audit.verdicts = Some(made.selection.verdicts);
    for id in &made.selection.own_frameworks {
        let name = format!("{}{id}.toml", report::OWN_FRAMEWORKS);
        ensure!(files::is_inside(&name), "`{id}` in `{}` is no id of a framework", report::PACK);
        config.audit.framework_files.push(path.join(name));
    }
    let waivers = Some(path.join(report::WAIVERS)).filter(|file| file.is_file());
    let snapshot = Snapshot::open(&path.join(snapshot::IN_A_PACK))?;
    let prior = made.prior_pack_root.as_ref().map(|root| Prior::kept(path, root)).transpose()?;
    let tags = Names::new("--tag", &[], "tags", &config.audit.tags);
    let asked = Asked::new(&SelectionArgs::default(), &tags, None, waivers.as_deref(), &config, &[&snapshot])?;
    let settings = audit::Settings {
        audit: asked.options(Some(made.as_of), prior.as_ref(), None),
        own_frameworks: &asked.library.own,
        prior: prior.as_ref(),
    };
    let access = if made.access.included { audit::Access::Always } else { audit::Access::Never };
    let parts = audit::Parts {
        with_snapshot: true,
        access,
        with_workbook: made.workbook.included,
        sample: made.sample.as_ref(),
        custody: None,
        redaction: None,
    };
    audit::write_pack(&snapshot, again, settings, parts, console)?;
    Ok(())
}
