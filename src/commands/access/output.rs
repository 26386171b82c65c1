//! Rows of access as JSON, NDJSON or CSV, one at a time.

use std::io::{self, Write};

use serde::Serialize;

use crate::access::{ChainRow, ClassRow, Row, StatementRow};
use crate::cli::AccessFormat;
use crate::report::is_risky;

/// Where rows go.
pub(super) struct Output<W: Write> {
    form: Form<W>,
    rows: u64,
    columns: Columns,
}

/// Which columns a CSV table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// Those of the matrix.
    Plain,
    /// Statements and grants besides.
    Explained,
    /// Chains besides.
    Chains,
    /// Those of classes.
    Classes,
}

impl Columns {
    fn names(self) -> Vec<&'static str> {
        let more: &[&str] = match self {
            Self::Plain => &[],
            Self::Explained => &["statements", "grants"],
            Self::Chains => &["statements", "grants", "chain"],
            Self::Classes => return CLASS_COLUMNS.to_vec(),
        };
        COLUMNS.iter().chain(more).copied().collect()
    }
}

/// What stands in one line.
pub(super) trait Line: Serialize {
    /// Its cells in a CSV table.
    fn cells(&self, columns: Columns) -> Vec<String>;
}

enum Form<W: Write> {
    Json(W),
    Ndjson(W),
    Csv(Box<csv::Writer<W>>),
}

const COLUMNS: [&str; 11] = [
    "principal_arn",
    "principal_type",
    "account_id",
    "key_arn",
    "action",
    "access",
    "path",
    "conditions",
    "via",
    "blocked_by",
    "notes",
];

const CLASS_COLUMNS: [&str; 10] = [
    "account_id",
    "key_arns",
    "principal_arns",
    "principal_type",
    "action",
    "access",
    "path",
    "conditions",
    "via",
    "notes",
];

impl Line for Row {
    fn cells(&self, columns: Columns) -> Vec<String> {
        let mut cells = vec![
            self.principal_arn.clone(),
            self.principal_type.to_owned(),
            self.account_id.clone(),
            self.key_arn.clone(),
            self.action.clone(),
            self.access.to_owned(),
            self.path.clone().unwrap_or_default(),
            joined(&self.conditions),
            joined(&self.via),
            self.blocked_by.clone().unwrap_or_default(),
            joined(&self.notes),
        ];
        if columns != Columns::Plain {
            let statements: Vec<String> = self.statements.iter().flatten().map(statement).collect();
            cells.extend([joined(&statements), joined(self.grants.as_deref().unwrap_or_default())]);
        }
        if columns == Columns::Chains {
            cells.push(joined(&self.chain.iter().flatten().map(link).collect::<Vec<_>>()));
        }
        cells
    }
}

impl Line for ClassRow {
    fn cells(&self, _: Columns) -> Vec<String> {
        vec![
            self.account_id.clone(),
            joined(&self.key_arns),
            joined(&self.principal_arns),
            self.principal_type.to_owned(),
            self.action.clone(),
            self.access.word().to_owned(),
            self.path.clone().unwrap_or_default(),
            joined(&self.conditions),
            joined(&self.via),
            joined(&self.notes),
        ]
    }
}

fn joined(list: &[String]) -> String {
    list.join(" | ")
}

impl<W: Write> Output<W> {
    /// Begins.
    pub(super) fn new(out: W, format: AccessFormat, columns: Columns) -> anyhow::Result<Self> {
        let form = match format {
            AccessFormat::Json => Form::Json(out),
            AccessFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(columns.names()).map_err(unwrapped)?;
                Form::Csv(Box::new(writer))
            }
            AccessFormat::Ndjson | AccessFormat::Text => Form::Ndjson(out),
        };
        Ok(Self { form, rows: 0, columns })
    }

    /// Adds a row.
    pub(super) fn row(&mut self, row: &impl Line) -> anyhow::Result<()> {
        match &mut self.form {
            Form::Json(out) => {
                out.write_all(if self.rows == 0 { b"[\n" } else { b",\n" })?;
                serde_json::to_writer(out, row).map_err(io::Error::from)?;
            }
            Form::Ndjson(out) => {
                serde_json::to_writer(&mut *out, row).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Form::Csv(writer) => {
                let cells = row.cells(self.columns);
                let hardened = cells.iter().map(|cell| if is_risky(cell) { format!("'{cell}") } else { cell.clone() });
                writer.write_record(hardened).map_err(unwrapped)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Ends, and gives back where the rows went.
    pub(super) fn finish(self) -> anyhow::Result<Box<dyn Write>>
    where
        W: 'static,
    {
        match self.form {
            Form::Json(mut out) => {
                out.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
                Ok(Box::new(out))
            }
            Form::Ndjson(out) => Ok(Box::new(out)),
            Form::Csv(mut writer) => {
                writer.flush()?;
                let inner = writer.into_inner().map_err(|failed| io::Error::other(failed.to_string()))?;
                Ok(Box::new(inner))
            }
        }
    }
}

/// A statement in one cell.
pub(super) fn statement(statement: &StatementRow) -> String {
    let sid = statement.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
    format!("{} in {}, statement {}{sid}", statement.effect, statement.policy, statement.index)
}

/// A link in one cell.
fn link(link: &ChainRow) -> String {
    let decisions = link.decisions.iter().map(|decision| {
        let when = if decision.conditions.is_empty() { "" } else { " when " };
        let on = decision.resource.as_ref().map(|resource| format!(" on {resource}")).unwrap_or_default();
        format!("{}{on}{when}{}", decision.action, decision.conditions.join(" or when "))
    });
    let decisions: Vec<String> = decisions.collect();
    format!("{} by {}: {} ({})", link.step, link.principal_arn, decisions.join(", "), link.access)
}

fn unwrapped(failed: csv::Error) -> io::Error {
    match failed.into_kind() {
        csv::ErrorKind::Io(failed) => failed,
        other => io::Error::other(format!("{other:?}")),
    }
}
