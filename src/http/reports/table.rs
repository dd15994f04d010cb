//! Marks as a table: one list of columns, written as CSV or as XLSX.
//!
//! CSV begins with a byte order mark, without which Excel reads UTF-8 as the code page of its machine, and its lines end
//! in CR LF (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe before it; in XLSX texts
//! are written as texts and need none.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::store::UtcMillis;
use crate::store::statistics::lines::MarkLine;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// What makes a cell a formula to a spreadsheet (OWASP, "CSV Injection").
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// The longest text that a cell of a spreadsheet holds.
const CELL_LENGTH_MAX: usize = 32_767;

/// The columns, in their order.
pub(super) const COLUMNS: [&str; 22] = [
    "meeting_id",
    "title",
    "class_id",
    "class",
    "start_time",
    "timezone",
    "person",
    "name",
    "email",
    "status",
    "computed_status",
    "score",
    "minutes",
    "minutes_with_host",
    "first_join",
    "last_leave",
    "flags",
    "provisional",
    "rules",
    "note",
    "corrected_by",
    "corrected_at",
];

/// What is in a cell.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Text(String),
    /// With so many decimals.
    Number(f64, usize),
}

/// The cells of a line, in the order of [`COLUMNS`].
fn cells(line: &MarkLine) -> [Cell; COLUMNS.len()] {
    let text = |text: &str| Cell::Text(text.to_owned());
    let maybe = |text: &Option<String>| Cell::Text(text.clone().unwrap_or_default());
    let zone: Tz = line.timezone.parse().unwrap_or(Tz::UTC);
    let time = |at: Option<UtcMillis>| Cell::Text(at.map_or_else(String::new, |at| local(at, zone)));
    let minutes = |seconds: i64| Cell::Number(seconds as f64 / 60.0, 1);
    [
        text(&line.meeting_id),
        text(&line.title),
        maybe(&line.group_ref),
        maybe(&line.group_name),
        time(Some(line.start_at)),
        text(&line.timezone),
        text(&line.person),
        maybe(&line.name),
        maybe(&line.email),
        text(&line.status),
        text(&line.computed_status),
        Cell::Number(line.score_milli as f64 / 1000.0, 3),
        minutes(line.attended_seconds),
        minutes(line.together_seconds),
        time(line.first_join),
        time(line.last_leave),
        Cell::Text(flags(line)),
        text(if line.provisional { "yes" } else { "no" }),
        text(&line.rules),
        maybe(&line.corrected_note),
        maybe(&line.corrected_by),
        time(line.corrected_at),
    ]
}

/// A time on the clock on the wall of the booking, with its offset.
fn local(at: UtcMillis, zone: Tz) -> String {
    DateTime::<Utc>::from(at).with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)
}

fn flags(line: &MarkLine) -> String {
    let flags = [
        (line.left_early, "left_early"),
        (line.host_late, "host_late"),
        (line.host_absent, "host_absent"),
        (!line.held_against, "not_held_against"),
    ];
    let set: Vec<&str> = flags.iter().filter(|(set, _)| *set).map(|(_, word)| *word).collect();
    set.join(" ")
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: String) -> String {
    if text.starts_with(FORMULA_STARTS) { format!("'{text}") } else { text }
}

/// The lines as CSV.
pub(super) fn csv(lines: &[MarkLine]) -> Result<Vec<u8>, csv::Error> {
    let mut out = BYTE_ORDER_MARK.to_vec();
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut out);
    writer.write_record(COLUMNS)?;
    for line in lines {
        let record = cells(line).map(|cell| match cell {
            Cell::Text(text) => harmless(text),
            Cell::Number(number, decimals) => format!("{number:.decimals$}"),
        });
        writer.write_record(record)?;
    }
    writer.flush()?;
    drop(writer);
    Ok(out)
}

/// The lines as a workbook with one sheet.
pub(super) fn xlsx(lines: &[MarkLine]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let formats = [
        Format::new(),
        Format::new().set_num_format("0.0"),
        Format::new(),
        Format::new().set_num_format("0.000"),
    ];
    let sheet = book.add_worksheet();
    sheet.set_name("Attendance")?;
    let bold = Format::new().set_bold();
    for (column, title) in (0_u16..).zip(COLUMNS) {
        sheet.write_string_with_format(0, column, title, &bold)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    for (row, line) in (1_u32..).zip(lines) {
        for (column, cell) in (0_u16..).zip(cells(line)) {
            match cell {
                Cell::Text(text) if text.is_empty() => {}
                Cell::Text(text) => {
                    let text: String = text.chars().take(CELL_LENGTH_MAX).collect();
                    sheet.write_string(row, column, text)?;
                }
                Cell::Number(number, decimals) => {
                    let format = formats.get(decimals).cloned().unwrap_or_default();
                    sheet.write_number_with_format(row, column, number, &format)?;
                }
            }
        }
    }
    book.save_to_buffer()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcMillis {
        text.parse::<DateTime<Utc>>().unwrap().into()
    }

    fn line(name: &str) -> MarkLine {
        MarkLine {
            meeting_id: "m-1".to_owned(),
            title: "Algebra, part \"two\"".to_owned(),
            group_ref: Some("9b".to_owned()),
            group_name: Some("Class 9b".to_owned()),
            start_at: at("2026-07-01T08:00:00Z"),
            timezone: "Europe/Berlin".to_owned(),
            person: "ada".to_owned(),
            name: Some(name.to_owned()),
            email: Some("ada@school.example".to_owned()),
            status: "excused".to_owned(),
            computed_status: "partial".to_owned(),
            score_milli: 222,
            attended_seconds: 600,
            together_seconds: 570,
            first_join: Some(at("2026-07-01T08:00:10Z")),
            last_leave: None,
            left_early: true,
            host_absent: false,
            host_late: true,
            held_against: false,
            provisional: false,
            rules: "standard@1".to_owned(),
            corrected_note: Some("doctor's note\nseen".to_owned()),
            corrected_by: Some("reyes".to_owned()),
            corrected_at: Some(at("2026-07-02T10:00:00Z")),
        }
    }

    #[test]
    fn a_table_is_as_it_was() {
        let text = String::from_utf8(csv(&[line("Ada Lovelace"), line("=1+2")]).unwrap()).unwrap();
        insta::assert_snapshot!(text.trim_start_matches('\u{feff}').replace("\r\n", "\n"), @r#"
        meeting_id,title,class_id,class,start_time,timezone,person,name,email,status,computed_status,score,minutes,minutes_with_host,first_join,last_leave,flags,provisional,rules,note,corrected_by,corrected_at
        m-1,"Algebra, part ""two""",9b,Class 9b,2026-07-01T10:00:00+02:00,Europe/Berlin,ada,Ada Lovelace,ada@school.example,excused,partial,0.222,10.0,9.5,2026-07-01T10:00:10+02:00,,left_early host_late not_held_against,no,standard@1,"doctor's note
        seen",reyes,2026-07-02T12:00:00+02:00
        m-1,"Algebra, part ""two""",9b,Class 9b,2026-07-01T10:00:00+02:00,Europe/Berlin,ada,'=1+2,ada@school.example,excused,partial,0.222,10.0,9.5,2026-07-01T10:00:10+02:00,,left_early host_late not_held_against,no,standard@1,"doctor's note
        seen",reyes,2026-07-02T12:00:00+02:00
        "#);
        assert!(text.starts_with('\u{feff}') && text.contains("corrected_at\r\n"));
    }

    #[test]
    fn no_text_becomes_a_formula() {
        for start in FORMULA_STARTS {
            assert!(harmless(format!("{start}cmd|' /C calc'!A0")).starts_with('\''), "{start:?}");
        }
        assert_eq!(harmless("Ada".to_owned()), "Ada");
        assert_eq!(harmless("a=b".to_owned()), "a=b");
    }

    #[test]
    fn what_is_written_as_csv_is_read_back() {
        let table = csv(&[line("Ján Příklad"), line("李\t雷")]).unwrap();
        let mut reader = csv::Reader::from_reader(&table[BYTE_ORDER_MARK.len()..]);
        assert_eq!(reader.headers().unwrap(), &csv::StringRecord::from(COLUMNS.to_vec()));
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!((&records[0][7], &records[1][7]), ("Ján Příklad", "李\t雷"));
        assert_eq!(
            (&records[0][11], &records[0][12], &records[0][14]),
            ("0.222", "10.0", "2026-07-01T10:00:10+02:00")
        );
    }

    /// The workbook that `lines` make, read by another's hand: the text and the numbers of its one sheet.
    fn opened(lines: &[MarkLine]) -> calamine::Range<calamine::Data> {
        use calamine::Reader as _;
        let file = std::io::Cursor::new(xlsx(lines).unwrap());
        let mut book: calamine::Xlsx<_> = calamine::Reader::new(file).unwrap();
        assert_eq!(book.sheet_names(), ["Attendance"]);
        assert!(book.worksheet_formula("Attendance").unwrap().is_empty(), "nothing is a formula");
        book.worksheet_range("Attendance").unwrap()
    }

    #[test]
    fn a_workbook_says_what_the_csv_says_in_texts_and_numbers() {
        use calamine::Data;
        let formula = MarkLine { corrected_note: Some("@SUM(A1)".to_owned()), ..line("=1+2") };
        let number =
            MarkLine { title: "007".to_owned(), score_milli: 1000, attended_seconds: 100, ..line("-1") };
        let lines = [line("Ján Příklad"), formula, number];
        let table = csv(&lines).unwrap();
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).from_reader(&table[BYTE_ORDER_MARK.len()..]);
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let sheet = opened(&lines);
        assert_eq!(sheet.get_size(), (1 + lines.len(), COLUMNS.len()));
        let decimals = |column: usize| match COLUMNS[column] {
            "score" => Some(3),
            "minutes" | "minutes_with_host" => Some(1),
            _ => None,
        };
        for (row, record) in records.iter().enumerate() {
            for (column, told) in record.iter().enumerate() {
                let cell = sheet.get((row, column)).unwrap();
                let shown = match (cell, decimals(column).filter(|_| row > 0)) {
                    (Data::Float(number), Some(decimals)) => format!("{number:.decimals$}"),
                    (Data::String(text), None) => harmless(text.clone()),
                    (Data::Empty, None) => String::new(),
                    (other, _) => panic!("{row} {}: {other:?}", COLUMNS[column]),
                };
                assert_eq!(shown, told, "{row} {}", COLUMNS[column]);
            }
        }
        assert_eq!(
            sheet.get((2, 7)),
            Some(&Data::String("=1+2".to_owned())),
            "as it is, without an apostrophe"
        );
    }

    #[test]
    fn a_workbook_is_a_zip_file_with_one_sheet_and_takes_the_longest_text() {
        let book = xlsx(&[line(&"x".repeat(CELL_LENGTH_MAX + 1)), line("=1+2")]).unwrap();
        let holds = |name: &str| book.windows(name.len()).any(|bytes| bytes == name.as_bytes());
        assert!(book.starts_with(b"PK\x03\x04") && holds("xl/worksheets/sheet1.xml"));
        assert!(!holds("xl/worksheets/sheet2.xml"));
    }
}
