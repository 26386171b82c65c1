//! `keyproof framework list` and `keyproof framework show`, and the frameworks of the user's own.

use std::path::PathBuf;

use serde_json::json;

use super::misuse::misuse;
use super::selection::{either, hint, unknown_check};
use super::{Exit, rows};
use crate::cli::{Format, FrameworkCommand};
use crate::config::Config;
use crate::files;
use crate::frameworks::{self, Framework, OwnFile};

/// Every framework: those that ship with the tool, then those of the user's own files, in their order.
pub(super) struct Library {
    pub(super) frameworks: Vec<Framework>,
    pub(super) own: Vec<OwnFile>,
}

impl Library {
    /// The framework of an id.
    pub(super) fn find(&self, id: &str) -> anyhow::Result<&Framework> {
        let ids = || self.frameworks.iter().map(|framework| framework.id.as_str());
        frameworks::find(&self.frameworks, id).map_err(|unknown| anyhow::anyhow!("{unknown}{}", hint(id, ids())))
    }
}

/// Reads the user's own frameworks beside those that ship with the tool.
pub(super) fn library(files: &[PathBuf]) -> anyhow::Result<Library> {
    let mut library = Library { frameworks: frameworks::all()?.to_vec(), own: Vec::new() };
    for path in files {
        let name = path.display().to_string();
        let malformed = |reason: String| frameworks::Error::Malformed { file: name.clone(), reason };
        let text = String::from_utf8(files::read(path)?).map_err(|failed| malformed(failed.to_string()))?;
        let framework = frameworks::parse_own(&name, &text, &library.frameworks, unknown_check)?;
        library.own.push(OwnFile { id: framework.id.clone(), text });
        library.frameworks.push(framework);
    }
    Ok(library)
}

pub(super) fn run(command: FrameworkCommand, config: &Config) -> anyhow::Result<Exit> {
    let library = |files: &[PathBuf]| library(either(files, &config.audit.framework_files));
    match command {
        FrameworkCommand::List { list: args, framework_file } => list(&library(&framework_file)?, args.format),
        FrameworkCommand::Show { id, format, framework_file } => {
            show(library(&framework_file)?.find(&id).map_err(misuse)?, format)
        }
    }
}

fn list(library: &Library, format: Format) -> anyhow::Result<Exit> {
    let row = |framework: &Framework| {
        vec![
            json!(framework.id),
            json!(framework.title),
            json!(framework.version),
            json!(framework.publisher),
            json!(framework.is_retired()),
            json!(framework.controls.len()),
            json!(framework.checks().len()),
        ]
    };
    let rows: Vec<_> = library.frameworks.iter().map(row).collect();
    rows::print(format, &["id", "title", "version", "publisher", "retired", "controls", "checks"], &rows)
}

fn show(framework: &Framework, format: Format) -> anyhow::Result<Exit> {
    let mut rows = Vec::new();
    for control in &framework.controls {
        for test in control.tests() {
            let sources: Vec<&str> = test.sources.iter().map(|source| source.document.as_str()).collect();
            rows.push(vec![
                json!(control.id),
                json!(control.title),
                json!(test.check),
                json!(test.aspect),
                json!(format!("{:?}", test.strength).to_lowercase()),
                json!(test.third_party_only),
                json!(sources),
                json!(test.note),
            ]);
        }
    }
    let columns = ["control", "title", "check", "aspect", "strength", "third_party_only", "sources", "note"];
    rows::print(format, &columns, &rows)
}
