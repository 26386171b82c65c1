//! `evidence.xlsx`: the tables of a pack as the sheets of one workbook (Office Open XML, ECMA-376), made of the CSV files as they lie
//! in the pack.
//!
//! Every cell is a text, so that no spreadsheet runs one or takes the zeros off an account id. The bytes depend on the tables alone:
//! the archive has no times, and its compressor is the one of `--zip`. Rows pass through one at a time. A library would do for the
//! form, but `rust_xlsxwriter` turns on another compressor for the whole program, whose bytes nobody promises to be the same on every
//! processor.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use csv::StringRecord;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::bag::Bag;
use super::columns::File;
use super::table::{cut, raw};
use super::visible::{escaped, shown};
use super::{Error, WORKBOOK};
use crate::files::{self, AtomicFile, Written};

/// Rows that a sheet takes, its header among them.
const MAX_ROWS: u64 = 1_048_576;

/// Rows that decide how wide the columns of a sheet are.
const WIDE_BY: u64 = 200;

/// The first sheet.
const CONTENTS: &str = "contents";

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// Styles by their position: 0 as a program likes, 1 a text, 2 a bold text.
const STYLES: &str = "<fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/>\
    <name val=\"Calibri\"/></font></fonts><fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill>\
    <patternFill patternType=\"gray125\"/></fill></fills><borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/>\
    </border></borders><cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
    <cellXfs count=\"3\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
    <xf numFmtId=\"49\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"49\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyFont=\"1\"/></cellXfs>";

/// A sheet to be: its name, and what its table looks like.
struct Sheet {
    name: String,
    content: &'static str,
    path: PathBuf,
    rows: u64,
    widths: Vec<usize>,
}

/// Writes the workbook, once the tables are in the bag.
pub(super) fn write(bag: &Bag, files: &[File]) -> Result<(), Error> {
    let sheets: Result<Vec<Sheet>, Error> = files.iter().map(|file| measure(bag, file)).collect();
    let sheets = sheets?;
    let mut archive = Archive::create(bag)?;
    archive.part("[Content_Types].xml", &content_types(sheets.len()))?;
    archive.part("_rels/.rels", &relationships(&[("officeDocument".to_owned(), "xl/workbook.xml".to_owned())]))?;
    archive.part("xl/workbook.xml", &workbook(&sheets))?;
    let mut parts: Vec<(String, String)> =
        (0..=sheets.len()).map(|at| ("worksheet".to_owned(), format!("worksheets/sheet{}.xml", at + 1))).collect();
    parts.push(("styles".to_owned(), "styles.xml".to_owned()));
    archive.part("xl/_rels/workbook.xml.rels", &relationships(&parts))?;
    archive.part("xl/styles.xml", &format!("{DECLARATION}<styleSheet xmlns=\"{MAIN}\">{STYLES}</styleSheet>"))?;
    contents(&mut archive, &sheets)?;
    for (at, sheet) in sheets.iter().enumerate() {
        archive.begin(&format!("xl/worksheets/sheet{}.xml", at + 2))?;
        archive.text(&head(&sheet.widths))?;
        let mut number = 0;
        each_row(&sheet.path, |row| {
            number += 1;
            if number > MAX_ROWS {
                return Ok(());
            }
            archive.text(&cells(row.iter().map(String::as_str), number == 1))
        })?;
        archive.text(&foot(sheet.widths.len(), sheet.rows.min(MAX_ROWS)))?;
    }
    bag.add(WORKBOOK, archive.finish()?);
    Ok(())
}

/// Looks at a table: how many rows it has, and how wide its columns are.
fn measure(bag: &Bag, file: &File) -> Result<Sheet, Error> {
    const NARROWEST: usize = 10;
    const WIDEST: usize = 60;
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
            false => cut(&shown(raw(cell, escaped))).into_owned(),
        };
        take(&cells.iter().map(value).collect::<Vec<_>>())?;
        is_header = false;
    }
    Ok(())
}

/// The first sheet: what the others are, and which of them is not whole.
fn contents(archive: &mut Archive, sheets: &[Sheet]) -> Result<(), Error> {
    archive.begin("xl/worksheets/sheet1.xml")?;
    archive.text(&head(&[30, 14, 60, 60]))?;
    archive.text(&cells(["sheet", "rows", "what stands in it", "what is left out"].into_iter(), true))?;
    for sheet in sheets {
        let rows = sheet.rows.saturating_sub(1);
        let left_out = match sheet.rows.saturating_sub(MAX_ROWS) {
            0 => String::new(),
            more => format!("The last {more} rows, which a sheet does not take; the CSV file has them all"),
        };
        archive.text(&cells([&sheet.name, rows.to_string().as_str(), sheet.content, &left_out].into_iter(), false))?;
    }
    let note = "Every cell is a text. Characters that cannot be seen are spelt out, and long cells are cut with a mark; the CSV and \
        JSON files of the pack have them as they are.";
    archive.text(&cells(["", "", note, ""].into_iter(), false))?;
    archive.text(&foot(4, sheets.len() as u64 + 1))
}

/// What stands before the rows of a sheet: the header stays in sight, columns have their widths.
fn head(widths: &[usize]) -> String {
    let column = |(at, width): (usize, &usize)| {
        format!("<col min=\"{0}\" max=\"{0}\" width=\"{width}\" style=\"1\" customWidth=\"1\"/>", at + 1)
    };
    let columns: String = widths.iter().enumerate().map(column).collect();
    format!(
        "{DECLARATION}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" \
         activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews><cols>{columns}</cols><sheetData>"
    )
}

/// What stands after them: each column can be filtered.
fn foot(columns: usize, rows: u64) -> String {
    format!("</sheetData><autoFilter ref=\"A1:{}{rows}\"/></worksheet>", letters(columns))
}

/// A row. A cell is a text, never a formula.
fn cells<'a>(row: impl Iterator<Item = &'a str>, is_header: bool) -> String {
    let style = if is_header { 2 } else { 1 };
    let cell = |text: &str| match text {
        "" => "<c/>".to_owned(),
        text => {
            format!("<c t=\"inlineStr\" s=\"{style}\"><is><t xml:space=\"preserve\">{}</t></is></c>", escaped(text))
        }
    };
    format!("<row>{}</row>", row.map(cell).collect::<String>())
}

/// The letters of a column, from 1: `A`, `Z`, `AA`.
fn letters(column: usize) -> String {
    let (mut left, mut letters) = (column, Vec::new());
    while left > 0 {
        letters.push(char::from(b'A' + u8::try_from((left - 1) % 26).unwrap_or_default()));
        left = (left - 1) / 26;
    }
    letters.iter().rev().collect()
}

fn content_types(sheets: usize) -> String {
    let part =
        |name: String, kind: &str| format!("<Override PartName=\"/xl/{name}.xml\" ContentType=\"{TYPE}.{kind}+xml\"/>");
    let parts: String = (0..=sheets).map(|at| part(format!("worksheets/sheet{}", at + 1), "worksheet")).collect();
    format!(
        "{DECLARATION}<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>{}{}{parts}</Types>",
        part("workbook".to_owned(), "sheet.main"),
        part("styles".to_owned(), "styles"),
    )
}

/// The parts that a part refers to, by kind and place; their ids are `r1`, `r2`, ….
fn relationships(parts: &[(String, String)]) -> String {
    let part = |(at, (kind, target)): (usize, &(String, String))| {
        format!("<Relationship Id=\"r{}\" Type=\"{RELATIONSHIPS}/{kind}\" Target=\"{target}\"/>", at + 1)
    };
    let parts: String = parts.iter().enumerate().map(part).collect();
    format!("{DECLARATION}<Relationships xmlns=\"{PACKAGE}/relationships\">{parts}</Relationships>")
}

fn workbook(sheets: &[Sheet]) -> String {
    let names = std::iter::once(CONTENTS).chain(sheets.iter().map(|sheet| sheet.name.as_str()));
    let sheet = |(at, name): (usize, &str)| {
        format!("<sheet name=\"{}\" sheetId=\"{1}\" r:id=\"r{1}\"/>", escaped(name), at + 1)
    };
    let sheets: String = names.enumerate().map(sheet).collect();
    format!(
        "{DECLARATION}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONSHIPS}\"><bookViews><workbookView/></bookViews>\
         <sheets>{sheets}</sheets></workbook>"
    )
}

/// The archive that a workbook is, in the making.
struct Archive {
    path: PathBuf,
    zip: ZipWriter<StreamWriter<AtomicFile>>,
}

impl Archive {
    fn create(bag: &Bag) -> Result<Self, Error> {
        Ok(Self { path: bag.place(WORKBOOK), zip: ZipWriter::new_stream(bag.begin(WORKBOOK)?) })
    }

    /// Begins a part.
    fn begin(&mut self, name: &str) -> Result<(), Error> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .large_file(true);
        let write = |failed: io::Error| files::error("write", &self.path)(failed);
        Ok(self.zip.start_file(name, options).map_err(|failed| write(failed.into()))?)
    }

    /// Writes a text into the part that was begun.
    fn text(&mut self, text: &str) -> Result<(), Error> {
        Ok(self.zip.write_all(text.as_bytes()).map_err(files::error("write", &self.path))?)
    }

    /// Writes a whole part.
    fn part(&mut self, name: &str, text: &str) -> Result<(), Error> {
        self.begin(name)?;
        self.text(text)
    }

    fn finish(self) -> Result<Written, Error> {
        let Self { path, zip } = self;
        let mut stream = zip.finish().map_err(|failed| files::error("write", &path)(failed.into()))?;
        stream.flush().map_err(files::error("write", &path))?;
        Ok(stream.into_inner().commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_lettered_as_spreadsheets_do() {
        assert_eq!([1, 26, 27, 52, 53, 702, 703].map(letters), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn no_cell_leaves_its_place() {
        let row = cells(["=1+1", "</t><f>1</f>", ""].into_iter(), false);
        assert!(row.contains("<t xml:space=\"preserve\">=1+1</t>") && !row.contains("<f>"), "{row}");
        assert!(row.ends_with("<c/></row>"), "{row}");
    }
}
