//! `evidence.xlsx`: the tables of a pack as the sheets of one workbook, made of the CSV files as they lie in the pack.
//!
//! Every cell is a text, so that no spreadsheet runs one or takes the zeros off an account id. Rows pass through one at a time.

use std::path::{Path, PathBuf};

use csv::StringRecord;
use jiff::tz::TimeZone;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::bag::Bag;
use super::columns::File;
use super::table::{cut, raw};
use super::visible::shown;
use super::{Error, WORKBOOK};
use crate::files;
use crate::snapshot::Snapshot;

/// Rows that a sheet takes, its header among them.
const MAX_ROWS: u32 = 1_048_576;

/// Rows that decide how wide the columns of a sheet are.
const WIDE_BY: u32 = 200;

/// Widths of columns, in letters.
const NARROWEST: usize = 10;
const WIDEST: usize = 60;

/// The first sheet: its name, its columns, how wide they are.
const CONTENTS: &str = "contents";
const CONTENTS_COLUMNS: [&str; 4] = ["sheet", "rows", "what stands in it", "what is left out"];
const CONTENTS_WIDTHS: [usize; 4] = [30, 14, WIDEST, WIDEST];

/// A sheet to be: its name, and what its table looks like.
struct Sheet {
    name: String,
    content: &'static str,
    path: PathBuf,
    /// Its rows, the header among them.
    rows: u32,
    widths: Vec<usize>,
}

/// Writes the workbook, once the tables are in the bag.
pub(super) fn write(bag: &mut Bag, files: &[File], snapshot: &Snapshot) -> Result<(), Error> {
    let sheets = files.iter().map(|file| measure(bag, file)).collect::<Result<Vec<Sheet>, Error>>()?;
    let encode = |failed: XlsxError| Error::Encode { path: WORKBOOK.to_owned(), reason: failed.to_string() };
    let mut workbook = Workbook::new();
    // The library would write the present.
    let end = snapshot.manifest().window.end.to_zoned(TimeZone::UTC).datetime();
    let created = ExcelDateTime::from_ymd(
        u16::try_from(end.year()).unwrap_or_default(),
        u8::try_from(end.month()).unwrap_or_default(),
        u8::try_from(end.day()).unwrap_or_default(),
    );
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&created.map_err(encode)?));
    contents(&mut workbook, &sheets).map_err(encode)?;
    for sheet in &sheets {
        let page = begin(&mut workbook, &sheet.name, &sheet.widths, sheet.rows).map_err(encode)?;
        let mut number = 0;
        each_row(&sheet.path, |row| {
            if number < MAX_ROWS {
                cells(page, number, row.iter().map(String::as_str)).map_err(encode)?;
                number += 1;
            }
            Ok(())
        })?;
    }
    let bytes = workbook.save_to_buffer().map_err(encode)?;
    bag.put(WORKBOOK, &bytes)
}

/// Looks at a table: how many rows it has, and how wide its columns are.
fn measure(bag: &Bag, file: &File) -> Result<Sheet, Error> {
    let path = bag.place(&format!("data/csv/{}", file.name));
    let (mut rows, mut widths) = (0, vec![NARROWEST; file.columns.len()]);
    each_row(&path, |row| {
        rows += 1;
        if rows <= WIDE_BY {
            let fit = |(width, cell): (&mut usize, &String)| *width = cell.chars().count().clamp(*width, WIDEST);
            widths.iter_mut().zip(row).for_each(fit);
        }
        Ok(())
    })?;
    // A spreadsheet takes no longer name.
    let name: String = file.name.trim_end_matches(".csv").chars().take(31).collect();
    Ok(Sheet { name, content: file.content, path, rows, widths })
}

/// Hands on each row of a table, the header first, with the raw values and without the column that is about CSV.
fn each_row(path: &Path, mut take: impl FnMut(&[String]) -> Result<(), Error>) -> Result<(), Error> {
    let read = |failed: csv::Error| files::error("read", path)(failed.into());
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).map_err(read)?;
    let mut record = StringRecord::new();
    let mut is_header = true;
    while reader.read_record(&mut record).map_err(read)? {
        let cells: Vec<&str> = record.iter().collect();
        let Some((escaped, cells)) = cells.split_last() else { continue };
        let value = |cell: &&str| match is_header {
            true => cell.trim_start_matches('\u{feff}').to_owned(),
            false => cut(&shown(raw(cell, escaped))),
        };
        take(&cells.iter().map(value).collect::<Vec<_>>())?;
        is_header = false;
    }
    Ok(())
}

/// The first sheet: what the others are, and which of them is not whole.
fn contents(workbook: &mut Workbook, sheets: &[Sheet]) -> Result<(), XlsxError> {
    let rows = u32::try_from(sheets.len()).unwrap_or(MAX_ROWS) + 1;
    let page = begin(workbook, CONTENTS, &CONTENTS_WIDTHS, rows)?;
    cells(page, 0, CONTENTS_COLUMNS.into_iter())?;
    for (number, sheet) in (1..).zip(sheets) {
        let left_out = match sheet.rows.saturating_sub(MAX_ROWS) {
            0 => String::new(),
            more => format!("The last {more} rows, which a sheet does not take; the CSV file has them all"),
        };
        let count = sheet.rows.saturating_sub(1).to_string();
        cells(page, number, [&sheet.name, count.as_str(), sheet.content, &left_out].into_iter())?;
    }
    let note = "Every cell is a text. Characters that cannot be seen are spelt out, and long cells are cut with a mark; the CSV and \
        JSON files of the pack have them as they are.";
    cells(page, rows, ["", "", note].into_iter())
}

/// Begins a sheet: its header stays in sight, columns have their widths and can be filtered.
fn begin<'a>(
    workbook: &'a mut Workbook,
    name: &str,
    widths: &[usize],
    rows: u32,
) -> Result<&'a mut Worksheet, XlsxError> {
    let page = workbook.add_worksheet_with_constant_memory()?;
    page.set_name(name)?.set_freeze_panes(1, 0)?;
    for (column, width) in (0..).zip(widths) {
        page.set_column_width(column, *width as f64)?;
    }
    let last = u16::try_from(widths.len()).unwrap_or(u16::MAX).saturating_sub(1);
    page.autofilter(0, 0, rows.clamp(1, MAX_ROWS) - 1, last)
}

/// Writes a row; the first is the header.
fn cells<'a>(page: &mut Worksheet, number: u32, row: impl Iterator<Item = &'a str>) -> Result<(), XlsxError> {
    let text = Format::new().set_num_format("@");
    let format = if number == 0 { text.set_bold() } else { text };
    for (column, cell) in (0..).zip(row).filter(|(_, cell)| !cell.is_empty()) {
        page.write_string_with_format(number, column, cell, &format)?;
    }
    Ok(())
}
