//! Rows on standard output: one JSON array, CSV, or aligned columns.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::Exit;
use super::console::harmless;
use crate::cli::Format;
use crate::report::is_risky;

/// Prints rows with the given columns. A list inside a cell is joined by ` | ` outside JSON.
pub(super) fn print(format: Format, columns: &[&str], rows: &[Vec<Value>]) -> anyhow::Result<Exit> {
    let out = io::stdout().lock();
    match format {
        Format::Json => json(out, columns, rows)?,
        Format::Csv => csv(out, columns, rows)?,
        Format::Table => table(out, columns, rows)?,
    }
    Ok(Exit::Done)
}

fn json(mut out: impl Write, columns: &[&str], rows: &[Vec<Value>]) -> anyhow::Result<()> {
    let object = |row: &Vec<Value>| -> Map<String, Value> {
        columns.iter().map(|column| (*column).to_owned()).zip(row.iter().cloned()).collect()
    };
    let rows: Vec<_> = rows.iter().map(object).collect();
    serde_json::to_writer_pretty(&mut out, &rows).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

fn csv(out: impl Write, columns: &[&str], rows: &[Vec<Value>]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    let io = |failed: csv::Error| match failed.into_kind() {
        csv::ErrorKind::Io(failed) => failed,
        other => io::Error::other(format!("{other:?}")),
    };
    let hardened = |cell: &str| if is_risky(cell) { format!("'{cell}") } else { cell.to_owned() };
    writer.write_record(columns).map_err(io)?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| hardened(&text(cell)))).map_err(io)?;
    }
    writer.flush()?;
    Ok(())
}

fn table(mut out: impl Write, columns: &[&str], rows: &[Vec<Value>]) -> anyhow::Result<()> {
    let shown: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| harmless(&text(cell))).collect()).collect();
    let header: Vec<String> = columns.iter().map(|column| column.to_uppercase()).collect();
    let width = |index: usize| {
        let cells = std::iter::once(&header).chain(&shown).filter_map(|row| row.get(index));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for row in std::iter::once(&header).chain(&shown) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn text(cell: &Value) -> String {
    match cell {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(" | "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
