//! Rows of answers, in every format that a command can give them.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Write};

use annals::Position;
use annals::codec::Timestamp;
use comfy_table::{ContentArrangement, Table, presets};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value as Json;

use crate::escape::escape;
use crate::failure::Failure;
use crate::times::Present;

/// The version of the objects in JSON output: their member `v`. Members may be added in a version;
/// none is renamed, removed or given another meaning.
const OBJECT_VERSION: u8 = 1;

/// The most characters of one cell that a table shows.
const TABLE_CELL_CHARACTERS_MAX: usize = 120;

/// The fewest columns of a terminal that a table is fitted to; some say that they have none.
const TERMINAL_COLUMNS_MIN: u16 = 40;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Aligned columns under a header, for people.
    Table,
    /// One record a line, cells separated by tabs, no header: what a pipe gets unless told otherwise.
    Plain,
    /// One JSON array of objects, or one object where there is one answer.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// A header, then one record a line as in RFC 4180.
    Csv,
}

/// How answers are written, and for whom.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) format: Format,
    pub(crate) present: Present,
    /// Whether a person at a terminal reads it.
    pub(crate) terminal: bool,
}

impl Style {
    pub(crate) fn stdout(format: Option<Format>, present: Present) -> Style {
        let terminal = io::stdout().is_terminal();
        let format = format.unwrap_or(if terminal { Format::Table } else { Format::Plain });
        Style { format, present, terminal }
    }

    /// Returns whether programs read it, so that everything there is to say is said.
    pub(crate) fn is_machine(&self) -> bool {
        matches!(self.format, Format::Json | Format::Jsonl | Format::Csv)
    }

    fn time(&self, time: Timestamp) -> String {
        match self.format {
            Format::Table if self.terminal => {
                format!("{} ({})", self.present.local(time), self.present.age(time))
            }
            Format::Table => self.present.local(time),
            _ => time.to_string(),
        }
    }

    /// Returns a cell as tables and plain text show it.
    pub(crate) fn text(&self, cell: &Cell) -> String {
        let text = match cell {
            Cell::Absent => String::new(),
            Cell::Remark(remark) => format!("({remark})"),
            Cell::Text(text) => escape(text).into_owned(),
            Cell::Number(number) => number.to_string(),
            Cell::Position(position) => position.to_string(),
            Cell::Time(time) => self.time(*time),
            Cell::Json(json) => escape(&json.to_string()).into_owned(),
        };
        if self.format == Format::Table { shortened(text) } else { text }
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(TABLE_CELL_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// One answer of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Nothing to say: an empty cell, and no member in JSON.
    Absent,
    /// As `Absent`, but explained in parentheses where people read it.
    Remark(&'static str),
    Text(String),
    Number(u64),
    /// `@418` for people, `418` for programs.
    Position(Position),
    /// RFC 3339 in UTC for programs.
    Time(Timestamp),
    Json(Json),
}

impl Cell {
    /// Returns the text as a cell, an absent one for `None`.
    pub(crate) fn text(text: Option<&str>) -> Cell {
        text.map_or(Cell::Absent, |text| Cell::Text(text.to_owned()))
    }

    fn is_absent(&self) -> bool {
        matches!(self, Cell::Absent | Cell::Remark(_))
    }

    fn to_csv(&self) -> String {
        match self {
            Cell::Absent | Cell::Remark(_) => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Number(number) => number.to_string(),
            Cell::Position(position) => position.get().to_string(),
            Cell::Time(time) => time.to_string(),
            Cell::Json(json) => json.to_string(),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Absent | Cell::Remark(_) => serializer.serialize_none(),
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Number(number) => serializer.serialize_u64(*number),
            Cell::Position(position) => serializer.serialize_u64(position.get()),
            Cell::Time(time) => serializer.collect_str(time),
            Cell::Json(json) => json.serialize(serializer),
        }
    }
}

impl From<Position> for Cell {
    fn from(position: Position) -> Cell {
        Cell::Position(position)
    }
}

/// A column, and who gets to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    name: Cow<'static, str>,
    to_people: bool,
    to_programs: bool,
}

impl Column {
    pub(crate) const fn new(name: &'static str) -> Column {
        Column { name: Cow::Borrowed(name), to_people: true, to_programs: true }
    }

    /// A column that only programs get.
    pub(crate) const fn for_programs(name: &'static str) -> Column {
        Column { name: Cow::Borrowed(name), to_people: false, to_programs: true }
    }

    /// A column that only people get.
    pub(crate) fn for_people(name: impl Into<Cow<'static, str>>) -> Column {
        Column { name: name.into(), to_people: true, to_programs: false }
    }

    pub(crate) fn is_to_people(&self) -> bool {
        self.to_people
    }
}

/// Writes rows as they come, a table when all of them are there.
pub(crate) struct Sheet {
    style: Style,
    columns: Vec<Column>,
    body: Body,
}

type Out = BufWriter<Box<dyn Write>>;

enum Body {
    Table(Out, Vec<Vec<String>>),
    Plain(Out),
    /// What comes before the next row: `[` or `,`.
    Json(Out, &'static [u8]),
    Jsonl(Out),
    Csv(Box<csv::Writer<Out>>),
}

impl Sheet {
    /// Returns a sheet on standard output.
    pub(crate) fn stdout(style: &Style, columns: Vec<Column>) -> Result<Sheet, Failure> {
        Sheet::new(Box::new(io::stdout()), style, columns)
    }

    fn new(out: Box<dyn Write>, style: &Style, columns: Vec<Column>) -> Result<Sheet, Failure> {
        let out = BufWriter::with_capacity(1 << 16, out);
        let body = match style.format {
            Format::Table => Body::Table(out, Vec::new()),
            Format::Plain => Body::Plain(out),
            Format::Json => Body::Json(out, b"[\n"),
            Format::Jsonl => Body::Jsonl(out),
            Format::Csv => Body::Csv(Box::new(csv::Writer::from_writer(out))),
        };
        let mut sheet = Sheet { style: style.clone(), columns, body };
        if let Body::Csv(csv) = &mut sheet.body {
            let names = sheet.columns.iter().filter(|column| column.to_programs);
            csv.write_record(names.map(|column| &*column.name)).map_err(csv_failure)?;
        }
        Ok(sheet)
    }

    /// Writes a row of one cell a column.
    pub(crate) fn row(&mut self, cells: &[Cell]) -> Result<(), Failure> {
        debug_assert_eq!(cells.len(), self.columns.len());
        match &mut self.body {
            Body::Table(_, rows) => {
                rows.push(texts(&self.style, &self.columns, cells).collect());
                return Ok(());
            }
            Body::Plain(out) => {
                let line = texts(&self.style, &self.columns, cells).collect::<Vec<_>>().join("\t");
                writeln!(out, "{line}")
            }
            Body::Json(out, before) => out
                .write_all(std::mem::replace(before, b",\n"))
                .and_then(|()| write_object(out, &self.columns, cells)),
            Body::Jsonl(out) => write_object(out, &self.columns, cells).and_then(|()| out.write_all(b"\n")),
            Body::Csv(csv) => {
                let cells = seen_by_programs(&self.columns, cells).map(|(_, cell)| cell.to_csv());
                let written = match self.style.terminal {
                    true => csv.write_record(cells.map(|cell| escape(&cell).into_owned())),
                    false => csv.write_record(cells),
                };
                return written.map_err(csv_failure);
            }
        }
        .map_err(|error| Failure::output(&error))
    }

    /// Hands everything written so far to the reader.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let flushed = match &mut self.body {
            Body::Table(out, _) | Body::Plain(out) | Body::Json(out, _) | Body::Jsonl(out) => out.flush(),
            Body::Csv(csv) => csv.flush(),
        };
        flushed.map_err(|error| Failure::output(&error))
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let written = match &mut self.body {
            Body::Table(out, rows) if !rows.is_empty() => {
                let rows = std::mem::take(rows);
                let names = self.columns.iter().filter(|column| column.to_people);
                let header = names.map(|column| escape(&column.name).into_owned());
                write_table(out, &self.style, Some(header.collect()), rows)
            }
            Body::Json(out, b"[\n") => out.write_all(b"[]\n"),
            Body::Json(out, _) => out.write_all(b"\n]\n"),
            Body::Table(..) | Body::Plain(_) | Body::Jsonl(_) | Body::Csv(_) => Ok(()),
        };
        written.map_err(|error| Failure::output(&error))?;
        self.flush()
    }
}

/// Writes one answer of several named parts: for people a line a part, for programs one object.
pub(crate) fn print_answer(style: &Style, parts: Vec<(&'static str, Cell)>) -> Result<(), Failure> {
    let people = matches!(style.format, Format::Table | Format::Plain);
    if people {
        let rows = parts.iter().filter(|(_, cell)| *cell != Cell::Absent);
        let rows = rows.map(|(name, cell)| vec![(*name).to_owned(), style.text(cell)]).collect::<Vec<_>>();
        return print(|out| match style.format {
            Format::Table => write_table(out, style, None, rows),
            _ => rows.iter().try_for_each(|row| writeln!(out, "{}", row.join("\t"))),
        });
    }
    let (names, cells): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let columns: Vec<Column> = names.into_iter().map(Column::new).collect();
    if style.format == Format::Csv {
        let mut sheet = Sheet::stdout(style, columns)?;
        sheet.row(&cells)?;
        return sheet.finish();
    }
    print(|out| write_object(out, &columns, &cells).and_then(|()| out.write_all(b"\n")))
}

/// Writes to standard output what `write` writes.
pub(crate) fn print(write: impl FnOnce(&mut Out) -> io::Result<()>) -> Result<(), Failure> {
    let mut out: Out = BufWriter::new(Box::new(io::stdout()));
    write(&mut out).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

fn texts<'a>(
    style: &'a Style,
    columns: &'a [Column],
    cells: &'a [Cell],
) -> impl Iterator<Item = String> + 'a {
    let seen = columns.iter().zip(cells).filter(|(column, _)| column.to_people);
    seen.map(|(_, cell)| style.text(cell))
}

fn seen_by_programs<'a>(
    columns: &'a [Column],
    cells: &'a [Cell],
) -> impl Iterator<Item = (&'a Column, &'a Cell)> {
    columns.iter().zip(cells).filter(|(column, _)| column.to_programs)
}

fn write_table(
    out: &mut Out,
    style: &Style,
    header: Option<Vec<String>>,
    rows: Vec<Vec<String>>,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let arrangement = match table.width() {
        Some(width) if style.terminal && width >= TERMINAL_COLUMNS_MIN => ContentArrangement::Dynamic,
        _ => ContentArrangement::Disabled,
    };
    table.set_content_arrangement(arrangement);
    if let Some(header) = header {
        table.set_header(header);
    }
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

/// Writes the cells that have something to say as one JSON object, in the order of the columns.
fn write_object(out: &mut Out, columns: &[Column], cells: &[Cell]) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, Harmless);
    Object { columns, cells }.serialize(&mut serializer).map_err(io::Error::from)
}

/// Writes compact JSON in which everything is spelled out that a terminal would obey.
struct Harmless;

impl serde_json::ser::Formatter for Harmless {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        out.write_all(escape(text).as_bytes())
    }
}

struct Object<'a> {
    columns: &'a [Column],
    cells: &'a [Cell],
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &OBJECT_VERSION)?;
        for (column, cell) in seen_by_programs(self.columns, self.cells).filter(|(_, cell)| !cell.is_absent())
        {
            map.serialize_entry(&column.name, cell)?;
        }
        map.end()
    }
}

fn csv_failure(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Failure::output(&error),
        other => Failure::output(&io::Error::other(format!("{other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: Format, rows: &[[Cell; 5]]) -> String {
        written_to(false, format, rows)
    }

    fn written_to(terminal: bool, format: Format, rows: &[[Cell; 5]]) -> String {
        let present = Present::fixed("2026-11-22T10:00:00+01:00[Europe/Berlin]");
        let style = Style { format, present, terminal };
        let columns = vec![
            Column::new("position"),
            Column::new("value"),
            Column::new("actor"),
            Column::for_programs("recorded_at"),
            Column::for_people("when"),
        ];
        let out = Shared::default();
        let mut sheet = Sheet::new(Box::new(out.clone()), &style, columns).unwrap();
        for row in rows {
            sheet.row(row).unwrap();
        }
        sheet.finish().unwrap();
        String::from_utf8(out.0.lock().unwrap().clone()).unwrap()
    }

    fn rows() -> [[Cell; 5]; 2] {
        let at = |number| Cell::Position(Position::new(number).unwrap());
        let time = || Cell::Time("2026-11-22T08:30:00.25Z".parse().unwrap());
        [
            [
                at(2),
                Cell::Json(json!({"b": "x,\u{9b}", "a": null})),
                Cell::text(Some("al\tice")),
                time(),
                time(),
            ],
            [at(10), Cell::Remark("deleted"), Cell::Absent, time(), time()],
        ]
    }

    #[test]
    fn objects_leave_out_what_is_absent() {
        let first = "{\"v\":1,\"position\":2,\"value\":{\"a\":null,\"b\":\"x,\\u009b\"},\"actor\":\"al\\tice\",\
                     \"recorded_at\":\"2026-11-22T08:30:00.250000Z\"}";
        let second = "{\"v\":1,\"position\":10,\"recorded_at\":\"2026-11-22T08:30:00.250000Z\"}";
        assert_eq!(written(Format::Jsonl, &rows()), format!("{first}\n{second}\n"));
        assert_eq!(written(Format::Json, &rows()), format!("[\n{first},\n{second}\n]\n"));
        assert_eq!(written(Format::Json, &[]), "[]\n");
    }

    #[test]
    fn csv_quotes_and_has_its_header_even_without_rows() {
        let expected = "position,value,actor,recorded_at\n\
                        2,\"{\"\"a\"\":null,\"\"b\"\":\"\"x,\u{9b}\"\"}\",al\tice,2026-11-22T08:30:00.250000Z\n\
                        10,,,2026-11-22T08:30:00.250000Z\n";
        assert_eq!(written(Format::Csv, &rows()), expected);
        assert_eq!(written(Format::Csv, &[]), "position,value,actor,recorded_at\n");
    }

    #[test]
    fn csv_on_a_terminal_is_harmless() {
        let expected = "position,value,actor,recorded_at\n\
                        2,\"{\"\"a\"\":null,\"\"b\"\":\"\"x,\\u009b\"\"}\",al\\tice,2026-11-22T08:30:00.250000Z\n\
                        10,,,2026-11-22T08:30:00.250000Z\n";
        assert_eq!(written_to(true, Format::Csv, &rows()), expected);
    }

    #[test]
    fn plain_text_is_a_line_a_record_whatever_the_cells_hold() {
        let expected = "@2\t{\"a\":null,\"b\":\"x,\\u009b\"}\tal\\tice\t2026-11-22T08:30:00.250000Z\n\
                        @10\t(deleted)\t\t2026-11-22T08:30:00.250000Z\n";
        assert_eq!(written(Format::Plain, &rows()), expected);
    }

    #[test]
    fn a_table_aligns_and_shows_local_times() {
        let expected = "position  value                      actor    when\n\
                        @2        {\"a\":null,\"b\":\"x,\\u009b\"}  al\\tice  2026-11-22 09:30:00\n\
                        @10       (deleted)                           2026-11-22 09:30:00\n";
        assert_eq!(written(Format::Table, &rows()), expected);
        assert_eq!(written(Format::Table, &[]), "");
    }

    #[test]
    fn a_table_shortens_long_cells() {
        let long = [Cell::Text("é".repeat(200)), Cell::Absent, Cell::Absent, Cell::Absent, Cell::Absent];
        assert!(
            written(Format::Table, std::slice::from_ref(&long)).contains(&format!("{}…", "é".repeat(120)))
        );
        assert!(written(Format::Plain, &[long]).contains(&"é".repeat(200)));
    }
}
