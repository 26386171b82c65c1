//! `--redact`: what a pack keeps back, and with which secret.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};

use super::console::Console;
use crate::cli::{AuditArgs, RedactArg};
use crate::report::{Level, Redaction, Secret};
use crate::snapshot::Snapshot;
use crate::waivers::Waivers;
use crate::{digest, files};

/// Bytes of a secret that is made.
const SECRET_BYTES: usize = 32;

/// The redaction that is asked for, if any.
pub(super) fn asked(
    args: &AuditArgs,
    snapshot: &Snapshot,
    waivers: &Waivers,
    console: &Console,
) -> anyhow::Result<Option<Arc<Redaction>>> {
    let level = match args.redact {
        RedactArg::None => return Ok(None),
        RedactArg::Auditor => Level::Auditor,
        RedactArg::Public => Level::Public,
    };
    let Some(key) = &args.redaction_key else { bail!("--redact needs --redaction-key FILE") };
    files::keep_out_of(key, &[snapshot.folder()])?;
    if !key.exists() {
        make_secret(key)?;
        console.note(&format!("Made the secret of pseudonyms: {}. Keep it, and do not hand it over.", key.display()));
    }
    let redaction = Redaction::new(level, Secret::read(key)?, snapshot, waivers)?;
    if let Some(map) = &args.redaction_map {
        for folder in [snapshot.folder(), &args.out] {
            files::keep_out_of(map, &[folder])?;
        }
        redaction.write_map(map)?;
    }
    Ok(Some(Arc::new(redaction)))
}

fn make_secret(path: &Path) -> anyhow::Result<()> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|failed| anyhow!("{failed}")).context("the system gives no random bytes")?;
    files::write_atomic(path, format!("{}\n", digest::hex(&bytes)).as_bytes())?;
    Ok(())
}
