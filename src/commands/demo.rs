//! `keyproof demo`: the whole job on an organization that ships inside this program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::console::{Console, harmless_lines};
use super::selection::Asked;
use super::{Exit, audit, diff, print, waiver};
use crate::cli::DemoArgs;
use crate::demo::{self, Quarter};
use crate::files;
use crate::report::{self, DemoLink, Prior};
use crate::snapshot::Snapshot;

/// The file by which a later run knows that it may replace the folder.
const MARKER: &str = ".keyproof-demo";

/// Its file of waivers, which counts in both packs and in the comparison.
const WAIVERS: &str = "waivers.toml";

/// The quarters, the earlier first.
const QUARTERS: [Quarter; 2] = [Quarter::Q2, Quarter::Q3];

pub(super) fn run(args: &DemoArgs, console: &Console) -> anyhow::Result<Exit> {
    match args.accounts {
        None => whole_job(&args.out, console),
        Some(accounts) => {
            let manifest = demo::generate(&args.out, accounts.get(), args.seed)?;
            let json: u64 = manifest.files.iter().map(|file| file.json_bytes).sum();
            print(
                format!(
                    "Snapshot   {}\nAccounts   {accounts}\nSeed       {}\nJSON       {} MB\n",
                    args.out.display(),
                    args.seed,
                    json / 1_000_000
                )
                .as_bytes(),
            )
        }
    }
}

fn whole_job(out: &Path, console: &Console) -> anyhow::Result<Exit> {
    make_room(out)?;
    files::write_atomic(&out.join(MARKER), b"keyproof demo replaces this folder\n")?;
    for quarter in QUARTERS {
        console.note(&format!("Writing the snapshot of {} …", quarter.name()));
        demo::write_quarter(&out.join("snapshots").join(quarter.name()), quarter)?;
    }
    let waivers = out.join(WAIVERS);
    files::write_atomic(&waivers, demo::WAIVERS.as_bytes())?;
    let everything = Asked::everything()?;
    let waivers = waiver::read(&waivers, &everything.library)?;
    let everything = everything.under(waivers);
    let mut text = String::new();
    write_packs(out, &everything, &mut text, console)?;
    console.note("Comparing the quarters …");
    let [old, new] = QUARTERS.map(Quarter::name);
    let changes = format!("{old}--{new}");
    let (compared, _) = diff::write_comparison(
        &open(out, Quarter::Q2)?,
        &open(out, Quarter::Q3)?,
        &out.join("changes").join(&changes),
        &everything,
        true,
    )?;
    text.push_str(&diff::in_words(&compared)?);
    let links = [
        DemoLink { title: new, text: "evidence pack", path: &format!("packs/{new}/{}", report::INDEX) },
        DemoLink { title: old, text: "evidence pack", path: &format!("packs/{old}/{}", report::INDEX) },
        DemoLink { title: "Changes", text: &changes, path: &format!("changes/{changes}/{}", report::CHANGES) },
    ];
    files::write_atomic(&out.join("index.html"), &report::demo_page(&links)?)?;
    writeln!(text, "\nOpen {} in a browser.", out.join("index.html").display())?;
    print(harmless_lines(&text).as_bytes())
}

fn open(out: &Path, quarter: Quarter) -> anyhow::Result<Snapshot> {
    Ok(Snapshot::open(&out.join("snapshots").join(quarter.name()))?)
}

/// Writes the pack of each quarter, the later one with the earlier as its prior, and adds to the text what they amount to.
fn write_packs(out: &Path, everything: &Asked, text: &mut String, console: &Console) -> anyhow::Result<()> {
    let mut earlier: Option<PathBuf> = None;
    for quarter in QUARTERS {
        console.note(&format!("Auditing {} …", quarter.name()));
        let pack = out.join("packs").join(quarter.name());
        let snapshot = open(out, quarter)?;
        let prior = earlier.as_deref().map(|earlier| Prior::read(earlier, &snapshot)).transpose()?;
        let settings = audit::Settings {
            audit: everything.options(None, prior.as_ref(), None),
            own_frameworks: &everything.library.own,
            prior: prior.as_ref(),
        };
        let parts = audit::Parts {
            with_snapshot: true,
            access: audit::Access::Always,
            with_workbook: false,
            sample: None,
            custody: None,
            redaction: None,
        };
        let audited = audit::write_pack(&snapshot, &pack, settings, parts, console)?;
        let words = audit::in_words(&audited.summary, &audited.results, &everything.selection)?;
        writeln!(text, "{}: {words}", quarter.name())?;
        earlier = Some(pack);
    }
    Ok(())
}

/// Makes the folder ready: a missing or empty one is used, an earlier demo is replaced, anything else is refused.
fn make_room(out: &Path) -> anyhow::Result<()> {
    if out.join(MARKER).is_file() {
        files::remove_folder(out)?;
    } else if out.is_dir() && !files::is_empty(out)? {
        bail!("`{}` is not empty and holds no earlier demo; name another folder with `--out`", out.display());
    }
    Ok(files::output_folder(out)?)
}
