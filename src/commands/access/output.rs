//! Rows of access as JSON, NDJSON or CSV, one at a time.

use std::io::{self, Write};

use crate::access::{ChainRow, Row, StatementRow};
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
}

impl Columns {
    fn more(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &[],
            Self::Explained => &["statements", "grants"],
            Self::Chains => &["statements", "grants", "chain"],
        }
    }
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

impl<W: Write> Output<W> {
    /// Begins.
    pub(super) fn new(out: W, format: AccessFormat, columns: Columns) -> anyhow::Result<Self> {
        let form = match format {
            AccessFormat::Json => Form::Json(out),
            AccessFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(COLUMNS.iter().chain(columns.more())).map_err(unwrapped)?;
                Form::Csv(Box::new(writer))
            }
            AccessFormat::Ndjson | AccessFormat::Text => Form::Ndjson(out),
        };
        Ok(Self { form, rows: 0, columns })
    }

    /// Adds a row.
    pub(super) fn row(&mut self, row: &Row) -> anyhow::Result<()> {
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
                let joined = |list: &[String]| list.join(" | ");
                let mut cells = vec![
                    row.principal_arn.clone(),
                    row.principal_type.to_owned(),
                    row.account_id.clone(),
                    row.key_arn.clone(),
                    row.action.clone(),
                    row.access.to_owned(),
                    row.path.clone().unwrap_or_default(),
                    joined(&row.conditions),
                    joined(&row.via),
                    row.blocked_by.clone().unwrap_or_default(),
                    joined(&row.notes),
                ];
                if self.columns != Columns::Plain {
                    let statements: Vec<String> = row.statements.iter().flatten().map(statement).collect();
                    cells.extend([joined(&statements), joined(row.grants.as_deref().unwrap_or_default())]);
                }
                if self.columns == Columns::Chains {
                    cells.push(joined(&row.chain.iter().flatten().map(link).collect::<Vec<_>>()));
                }
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
