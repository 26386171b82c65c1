//! `keyproof demo`: the whole job on an organization that ships inside this program.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::bail;

use super::console::{Console, harmless_lines};
use super::selection::Asked;
use super::{Exit, audit, diff, print, waiver};
use crate::cli::DemoArgs;
use crate::demo::{self, Quarter};
use crate::files;
use crate::report::{self, DemoLink};
use crate::snapshot::Snapshot;

/// The file by which a later run knows that it may replace the folder.
const MARKER: &str = ".keyproof-demo";

/// Its file of waivers, which counts in both packs and in the comparison.
const WAIVERS: &str = "waivers.toml";

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
    let quarters = [Quarter::Q2, Quarter::Q3];
    for quarter in quarters {
        console.note(&format!("Writing the snapshot of {} …", quarter.name()));
        demo::write_quarter(&out.join("snapshots").join(quarter.name()), quarter)?;
    }
    let waivers = out.join(WAIVERS);
    files::write_atomic(&waivers, demo::WAIVERS.as_bytes())?;
    let everything = Asked::everything()?;
    let waivers = waiver::read(&waivers, &everything.library)?;
    let everything = everything.under(waivers);
    let settings = audit::Settings {
        audit: everything.options(None, None, None),
        own_frameworks: &everything.library.own,
        prior: None,
    };
    let mut text = String::new();
    let open = |quarter: Quarter| Snapshot::open(&out.join("snapshots").join(quarter.name()));
    for quarter in quarters {
        console.note(&format!("Auditing {} …", quarter.name()));
        let pack = out.join("packs").join(quarter.name());
        let audited = audit::write_pack(
            &open(quarter)?,
            &pack,
            settings,
            audit::Parts { with_snapshot: true, access: audit::Access::Always, with_workbook: false, sample: None },
            console,
        )?;
        writeln!(
            text,
            "{}: {}",
            quarter.name(),
            audit::in_words(&audited.summary, &audited.results, &everything.selection)?
        )?;
    }
    console.note("Comparing the quarters …");
    let [old, new] = quarters.map(Quarter::name);
    let changes = format!("{old}--{new}");
    let (compared, _) = diff::write_comparison(
        &open(Quarter::Q2)?,
        &open(Quarter::Q3)?,
        &out.join("changes").join(&changes),
        &everything,
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

/// Makes the folder ready: a missing or empty one is used, an earlier demo is replaced, anything else is refused.
fn make_room(out: &Path) -> anyhow::Result<()> {
    if out.join(MARKER).is_file() {
        files::remove_folder(out)?;
    } else if out.is_dir() && !files::is_empty(out)? {
        bail!("`{}` is not empty and holds no earlier demo; name another folder with `--out`", out.display());
    }
    Ok(files::output_folder(out)?)
}
