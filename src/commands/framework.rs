//! `keyproof framework list` and `keyproof framework show`.

use serde_json::json;

use super::{Exit, nearest, rows};
use crate::cli::{Format, FrameworkCommand, ListArgs};
use crate::frameworks::{self, Framework};

pub(super) fn run(command: FrameworkCommand) -> anyhow::Result<Exit> {
    match command {
        FrameworkCommand::List(args) => list(&args),
        FrameworkCommand::Show { id, format } => show(&id, format),
    }
}

fn list(args: &ListArgs) -> anyhow::Result<Exit> {
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
    let rows: Vec<_> = frameworks::all()?.iter().map(row).collect();
    rows::print(args.format, &["id", "title", "version", "publisher", "retired", "controls", "checks"], &rows)
}

fn show(id: &str, format: Format) -> anyhow::Result<Exit> {
    let framework = frameworks::find(id).map_err(|failed| {
        let near =
            frameworks::all().ok().and_then(|all| nearest(id, all.iter().map(|framework| framework.id.as_str())));
        match near {
            Some(near) => anyhow::anyhow!("{failed}; did you mean `{near}`?"),
            None => failed.into(),
        }
    })?;
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
