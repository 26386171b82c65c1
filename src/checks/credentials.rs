//! The credential report, read cell by cell: what it does not say is a gap, never a `false` and never "not used".

use jiff::Timestamp;

use super::Scope;
use crate::model::{CredentialReportRow, Gap, Iam, Source};

/// The API that gives the report.
pub(super) const REPORT: &str = "iam:GetCredentialReport";

/// The name under which the report has the root user.
pub const ROOT: &str = "<root_account>";

/// The row of one user.
#[derive(Debug)]
pub struct Row<'a> {
    user: &'a str,
    row: &'a CredentialReportRow,
    /// Where the report was read.
    pub source: &'a Source,
}

/// The row of a user in the report of the account.
pub(super) fn row<'a>(user: &'a str, scope: &Scope<'a>) -> Result<Row<'a>, Gap> {
    row_of(user, &scope.account.iam)
}

/// The row of a user in the report of an account.
///
/// # Errors
/// The gap, when the report was not read or has no row for the user.
pub fn row_of<'a>(user: &'a str, iam: &'a Iam) -> Result<Row<'a>, Gap> {
    let report = iam.credential_report.as_ref().map_err(Clone::clone)?;
    let row = report.rows.get(user).ok_or_else(|| {
        Gap::malformed(REPORT, &[user], "the report has no row for this user, who may be younger than the report")
    })?;
    Ok(Row { user, row, source: &report.source })
}

impl Row<'_> {
    /// A cell that holds `true` or `false`.
    ///
    /// # Errors
    /// The gap, when the report has no such column or the cell holds neither.
    pub fn flag(&self, column: &str) -> Result<bool, Gap> {
        let malformed = || match self.row.cell(column) {
            None => self.no_column(column),
            Some(_) => self.malformed(format!("column {column} holds neither true nor false")),
        };
        self.row.flag(column).ok_or_else(malformed)
    }

    /// A cell that holds a time; none where it says that there is none: `N/A`, `no_information`, `not_supported`.
    ///
    /// # Errors
    /// The gap, when the report has no such column or the cell holds anything else.
    pub fn time(&self, column: &str) -> Result<Option<Timestamp>, Gap> {
        match self.row.cell(column) {
            None => Err(self.no_column(column)),
            Some("N/A" | "no_information" | "not_supported") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| self.malformed(format!("column {column} holds no time"))),
        }
    }

    /// A cell as it stands there.
    ///
    /// # Errors
    /// The gap, when the report has no such column.
    pub fn text(&self, column: &str) -> Result<&str, Gap> {
        self.row.cell(column).ok_or_else(|| self.no_column(column))
    }

    /// A cell that must hold a time.
    ///
    /// # Errors
    /// The gap, when it does not.
    pub fn required_time(&self, column: &str) -> Result<Timestamp, Gap> {
        self.time(column)?.ok_or_else(|| self.malformed(format!("column {column} holds no time")))
    }

    fn no_column(&self, column: &str) -> Gap {
        self.malformed(format!("it has no column {column}"))
    }

    fn malformed(&self, message: String) -> Gap {
        Gap::malformed(REPORT, &[self.user], message)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    #[test]
    fn a_column_that_is_not_there_is_told_from_one_without_an_answer() {
        let mut world = World::new();
        world.account.iam.credential_report = Ok(report("Alice", &[("mfa_active", "N/A")]));
        let reason = |column: &str| world.ask(|scope| row("Alice", scope)?.flag(column)).unwrap_err().reason();
        assert!(reason("mfa_active").contains("column mfa_active holds neither true nor false"));
        assert!(reason("cert_1_active").contains("it has no column cert_1_active"));
    }
}
