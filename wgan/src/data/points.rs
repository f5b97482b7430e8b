//! Points in a text file, one on each line, as spreadsheets, NumPy, pandas and R write them. They are learned as they are:
//! nothing is scaled.
//!
//! The crate `csv` is not used: it knows no columns apart by any number of blanks, keeps a line however long it is, and of
//! its grammar numbers need but quotation marks.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::iter::{self, Peekable};
use std::path::Path;

use nn::files::excerpt;

use super::{Dataset, MOST_SAMPLES};
use crate::Result;
use crate::error::{cannot_read, cannot_use};

/// The points in the file at `path`, as many numbers each as `dimensions`, apart by semicolons, tabs, commas or blanks. The
/// first line may name the columns, the first column the lines; lines that are empty or begin with # are left out. UTF-16 is
/// read as well as UTF-8 and Latin-1.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read), or [`Error::Data`](crate::Error::Data) with the line that cannot be used.
pub fn load(path: &Path, dimensions: usize) -> Result<Dataset> {
    let name = path.display().to_string();
    let (unreadable, unusable) = (cannot_read(path), cannot_use(&name));
    if path.is_dir() {
        return Err(unusable("this is a folder; name a file of numbers in it".to_owned()));
    }
    let mut file = File::open(path).map_err(&unreadable)?;
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start).map_err(&unreadable)?;
    let (mark, encoding) = encoding(&start).map_err(|problem| unusable(problem.to_owned()))?;
    let bytes = BufReader::with_capacity(1 << 16, start[mark..].chain(file)).bytes();
    let mut units = units(bytes, encoding).peekable();
    let mut table = Table { dimensions, ..Table::default() };
    let mut number = 0;
    while units.peek().is_some() {
        number += 1;
        let line = next_line(&mut units).map_err(&unreadable)?;
        let pushed = text(line, encoding).and_then(|line| table.push(line.trim()));
        pushed.map_err(|problem| unusable(format!("line {number}: {problem}")))?;
    }
    if table.points.is_empty() {
        return Err(unusable("it holds no numbers".to_owned()));
    }
    Ok(Dataset { notes: table.notes(), ..Dataset::new(&name, [dimensions], table.points) })
}

/// What files begin with that hold no text, or none that is read, and what to say of them.
const OTHERS: [(&[&[u8]], &str); 9] = [
    (&[b"PK\x03\x04"], "this is a ZIP archive, as spreadsheets are; export it as CSV"),
    (&[b"\xd0\xcf\x11\xe0"], "this is a document of an office program; export it as CSV"),
    (&[b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"], "this is compressed; unpack it first"),
    (&[b"\x93NUMPY"], "this is a NumPy array; write it as text, with numpy.savetxt"),
    (&[b"PAR1"], "this is a Parquet file; export it as CSV"),
    (&[b"\x89HDF"], "this is an HDF5 file; export it as CSV"),
    (&[b"%PDF"], "this is a PDF document; export its table as CSV"),
    (&[b"\x89PNG", b"\xff\xd8\xff"], "this is an image; learn a folder of them with --dataset images"),
    (&[b"\0\0\xfe\xff", b"\xff\xfe\0\0"], UTF_32),
];
const UTF_32: &str = "this is UTF-32; save it as UTF-8";

/// How two bytes make a unit of UTF-16; none if each byte is a unit, of UTF-8 or Latin-1.
type Encoding = Option<fn([u8; 2]) -> u16>;

/// What a file that begins so is encoded in, and how long the mark is that says so.
fn encoding(start: &[u8]) -> Result<(usize, Encoding), &'static str> {
    let begins = |magics: &[&[u8]]| magics.iter().any(|magic| start.starts_with(magic));
    if let Some((_, problem)) = OTHERS.iter().find(|(magics, _)| begins(magics)) {
        return Err(problem);
    }
    match start {
        [1..=255, 0, 0, 0, ..] => Err(UTF_32),
        [0xff, 0xfe, ..] => Ok((2, Some(u16::from_le_bytes))),
        [0xfe, 0xff, ..] => Ok((2, Some(u16::from_be_bytes))),
        // Without its mark, in which case it begins with two ASCII characters.
        [1..=255, 0, 1..=255, 0, ..] => Ok((0, Some(u16::from_le_bytes))),
        [0, 1..=255, 0, 1..=255, ..] => Ok((0, Some(u16::from_be_bytes))),
        [0xef, 0xbb, 0xbf, ..] => Ok((3, None)),
        _ => Ok((0, None)),
    }
}

/// The units of an encoding: each ASCII character is one of its own number.
fn units(mut bytes: impl Iterator<Item = io::Result<u8>>, encoding: Encoding) -> impl Iterator<Item = io::Result<u16>> {
    iter::from_fn(move || {
        let first = bytes.next()?;
        Some(match encoding {
            None => first.map(u16::from),
            Some(joined) => first.and_then(|first| Ok(joined([first, bytes.next().transpose()?.unwrap_or(0)]))),
        })
    })
}

/// More than two numbers take in any notation.
const LONGEST_LINE: usize = 1 << 16;

const LINE_FEED: u16 = b'\n' as u16;
const CARRIAGE_RETURN: u16 = b'\r' as u16;

/// The units up to a line feed, a carriage return, or both, or the file's end; at most one more than a line may have.
fn next_line(units: &mut Peekable<impl Iterator<Item = io::Result<u16>>>) -> io::Result<Vec<u16>> {
    let mut line = Vec::new();
    while line.len() <= LONGEST_LINE
        && let Some(unit) = units.next().transpose()?
        && unit != LINE_FEED
    {
        if unit == CARRIAGE_RETURN {
            units.next_if(|next| matches!(next, Ok(LINE_FEED)));
            break;
        }
        line.push(unit);
    }
    Ok(line)
}

/// A line as text. What is no character becomes a question mark, which no number has.
fn text(units: Vec<u16>, encoding: Encoding) -> Result<String, String> {
    if units.contains(&0) {
        return Err("this is no text file; name one with a point on each line".to_owned());
    }
    if units.len() > LONGEST_LINE {
        return Err(format!("it is longer than {LONGEST_LINE} bytes; each point should have a line of its own"));
    }
    if encoding.is_some() {
        return Ok(char::decode_utf16(units).map(|character| character.unwrap_or('?')).collect());
    }
    let bytes = units.iter().map(|&unit| unit as u8).collect();
    // What is not UTF-8 is Latin-1.
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect()))
}

/// The points read so far, and what their lines look like.
#[derive(Default)]
struct Table {
    dimensions: usize,
    points: Vec<f32>,
    /// The names of the columns, if the first line holds some.
    header: Option<Vec<String>>,
    /// What the fields of a point are apart by, [`BLANKS`] or a sign; that of the first one.
    separator: Option<char>,
    /// Whether the first column is left out, because it only names the lines.
    has_index: bool,
    /// The comma or point before the decimals, once there were some.
    decimal: Option<char>,
}

/// Stands for any number of blanks that separate.
const BLANKS: char = ' ';

impl Table {
    fn push(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || is_comment(line) {
            return Ok(());
        }
        if !line.matches('"').count().is_multiple_of(2) {
            return Err("a quotation mark is not closed; each point should have a line of its own".to_owned());
        }
        let separator = self.separator.unwrap_or_else(|| self.separator_of(line));
        let mut fields = fields(line, separator);
        if self.points.is_empty() {
            if self.header.is_none() && (is_header(&fields) || self.is_numbered(&fields)) {
                self.header = Some(fields.into_iter().map(str::to_owned).collect());
                return Ok(());
            }
            self.separator = Some(separator);
            self.has_index = fields.len() > self.dimensions && self.names_index(&fields);
        }
        if self.has_index {
            fields.remove(0);
        }
        // Spreadsheets write a comma for each column that was ever used.
        while fields.len() > self.dimensions && fields.last().is_some_and(|field| field.is_empty()) {
            fields.pop();
        }
        self.check_width(&fields)?;
        if self.points.len() == MOST_SAMPLES * self.dimensions {
            return Err(format!("no more than {MOST_SAMPLES} points can be told apart; leave some out"));
        }
        for field in fields {
            let number = self.number(field).map_err(|problem| format!("\"{}\" {problem}", excerpt(field)))?;
            self.points.push(number);
        }
        Ok(())
    }

    /// Of the signs that may separate, the first one that a line holds outside quotation marks. Commas between digits are
    /// decimal commas where blanks separate, "1,5 2,5", and where the header names one column, "1,5".
    fn separator_of(&self, line: &str) -> char {
        let names_one = self.header.as_ref().is_some_and(|names| names.len() == 1);
        if self.dimensions == 1 && names_one && is_decimal_comma(line) {
            return BLANKS;
        }
        let sign = [';', '\t', ','].into_iter().find(|&sign| fields(line, sign).len() > 1).unwrap_or(BLANKS);
        let is_number = |field: &str| {
            is_decimal_comma(field) && !field.starts_with(',') || field.parse::<i64>().is_ok() // "1 ,2" has a separator
        };
        let words = line.split_whitespace();
        if sign == ',' && words.clone().count() > 1 && words.clone().all(is_number) { BLANKS } else { sign }
    }

    /// Whether these are the numbers by which pandas names the columns of an array, behind that of the lines, which has no
    /// name: ",0,1".
    fn is_numbered(&self, fields: &[&str]) -> bool {
        let counted = (0..self.dimensions).map(|column| column.to_string());
        fields.len() == self.dimensions + 1 && fields[0].is_empty() && counted.eq(fields[1..].iter().copied())
    }

    /// Whether the header says that the first column of such lines names them: pandas and R leave its name empty, or out.
    fn names_index(&self, fields: &[&str]) -> bool {
        let Some(header) = &self.header else { return false };
        let first = header.first().map_or("", String::as_str).to_lowercase();
        // Where it has no name at all, it counts the lines or holds words; decimal commas could look like it.
        let counts = ["0", "1"].contains(&fields[0]) || fields[0].parse::<f32>().is_err();
        let left_out = header.len() == self.dimensions
            && fields.len() == header.len() + 1
            && fields.last().is_some_and(|last| !last.is_empty());
        left_out && counts || ["", "index", "id", "unnamed: 0"].contains(&first.as_str())
    }

    fn check_width(&self, fields: &[&str]) -> Result<(), String> {
        let (found, needed) = (fields.len(), self.dimensions);
        let expected = format!("{found} numbers, but there should be {needed}");
        Err(match (found, needed) {
            _ if found == needed => return Ok(()),
            (2, 1) => {
                "2 numbers, but one is needed; learn points of the plane with --dataset points, and write 1.5, not 1,5"
                    .to_owned()
            }
            (1, 2) => "1 number, but two are needed; learn single numbers with --dataset numbers".to_owned(),
            (4, 2) if self.separator == Some(',') => {
                expected + "; write 1.5, not 1,5, or semicolons between numbers with commas"
            }
            _ if found == needed + 1 && ["0", "1"].contains(&fields[0]) && self.points.is_empty() => {
                expected + "; if the first only counts the lines, leave it out or name its column index"
            }
            _ => expected,
        })
    }

    /// The number that a field holds, or what is wrong with it.
    fn number(&mut self, field: &str) -> Result<f32, &'static str> {
        let number = match field.split_once(',') {
            Some((whole, decimals)) if is_decimal_comma(field) => {
                // Between commas a quoted one before three digits is as likely that of a thousand.
                let is_zero = whole.trim_start_matches(['+', '-']) == "0";
                if self.separator == Some(',') && decimals.len() == 3 && !is_zero {
                    return Err("may be a thousand or one; write numbers without commas");
                }
                format!("{whole}.{decimals}").parse::<f32>()
            }
            _ => field.parse(),
        };
        let Ok(number) = number else {
            let missing = "is not a number; leave out the lines where one is missing";
            return Err(if is_missing(field) { missing } else { "is not a number" });
        };
        let decimal = [',', '.'].into_iter().find(|&sign| field.contains(sign));
        self.decimal = self.decimal.or(decimal);
        if decimal.is_some() && decimal != self.decimal {
            return Err("has another decimal sign than numbers before it; write all like 1.5");
        }
        if number.is_finite() { Ok(number) } else { Err("is not a finite number of 32 bits") }
    }

    /// What was made of the file, where it could have been taken otherwise.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(header) = &self.header {
            let names: Vec<&str> = header.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
            notes.push(format!("the first line names its columns ({})", excerpt(&names.join(", "))));
        }
        if self.has_index {
            notes.push("the first column, which names the lines, is left out".to_owned());
        }
        if self.decimal == Some(',') {
            notes.push("its commas are decimal commas".to_owned());
        }
        notes
    }
}

/// What a line holds between separators, without quotation marks.
fn fields(line: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    let is_end = |character: char| {
        quoted ^= character == '"';
        !quoted && (character == separator || separator == BLANKS && character.is_whitespace())
    };
    let fields = line.split(is_end).map(str::trim).filter(|field| separator != BLANKS || !field.is_empty());
    fields.map(|field| field.trim_matches('"').trim()).collect()
}

/// Whether these are names: in none a number comes first or stands for one that is missing, and one at least is there.
fn is_header(fields: &[&str]) -> bool {
    let is_number = |field: &&str| {
        let beginning = field.trim_start_matches(|c: char| !c.is_alphanumeric());
        beginning.starts_with(char::is_numeric) || field.parse::<f32>().is_ok() || is_missing(field)
    };
    let named = || fields.iter().filter(|field| !field.is_empty());
    named().count() > 0 && !named().any(is_number)
}

/// Whether a line holds no point and names nothing: a comment, or what spreadsheets are told their separator by ("sep=;").
fn is_comment(line: &str) -> bool {
    let first = line.split([',', ';', '\t', ' ']).next().unwrap_or_default();
    line.starts_with('#') && !is_missing(first)
        || line.trim_matches('"').strip_prefix("sep=").is_some_and(|sign| sign.len() < 2)
}

/// Whether a field is a number with a comma before its decimals.
fn is_decimal_comma(field: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, rest) = field.split_once(',').unwrap_or_default();
    let (decimals, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    is_digits(whole.trim_start_matches(['+', '-']))
        && is_digits(decimals)
        && !decimals.is_empty()
        && exponent.parse::<i16>().is_ok()
}

/// Whether a field stands for a number that is missing, or is what a spreadsheet writes for one that it cannot compute.
fn is_missing(field: &str) -> bool {
    let missing = ["", "na", "n/a", "null", "none", "nil", "nan", "-", "?"];
    let errors = ["#n/a", "#div/0!", "#ref!", "#value!", "#name?", "#num!", "#null!"];
    missing.iter().chain(&errors).any(|word| field.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn parse(bytes: &[u8], dimensions: usize) -> Result<Vec<f32>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        match load(file.path(), dimensions) {
            Ok(data) => Ok(data.samples(0..data.len()).data().to_vec()),
            Err(Error::Data { problem, .. }) => Err(problem),
            Err(error) => panic!("{error}"),
        }
    }

    fn plane(text: &str) -> Result<Vec<f32>, String> {
        parse(text.as_bytes(), 2)
    }

    #[test]
    fn numbers_are_apart_by_commas_semicolons_tabs_or_blanks() {
        for text in [
            "1,2\n3,-4.5e-1\n",
            "1; 2\r\n3; -0.45\r\n",
            "1 2\n3\t  -0.45",
            "1\t2\n3\t-0.45",
            "x,y\n1,2\n\n3,-0.45",
            "x y\n1,2\n3,-0.45",
            "# from numpy\n1 2\n3 -.45",
            "\u{feff}width;height\n1;2\n3;-0.45",
            "1,2\r3,-0.45\r",
            "1,2,\n3,-0.45,\n",
            "x,y\n1,2,\n3,-0.45,\n",
            "x,y,,\n1,2,,\n3,-0.45,,\n",
            "\"x\",\"y\"\n\"1\",\"2\"\n\"3\",\"-0.45\"",
            "\"a;b\",\"c\"\n1,2\n3,-0.45",
            "größe;höhe\n1;2\n3;-0,45",
            "1,0\t2,0\n3,0\t-0,45",
            "1,0 2,0\n3,0 -0,45",
            "\"1,0\",\"2,0\"\n\"3,0\",\"-0,45\"",
            "1 2,0\n3 -4,5e-1",
            "sep=;\nx;y\n1;2\n3;-0,45",
        ] {
            assert_eq!(plane(text), Ok(vec![1.0, 2.0, 3.0, -0.45]), "{text:?}");
        }
        assert_eq!(parse(b"age\n31\n42", 1), Ok(vec![31.0, 42.0]));
        assert_eq!(parse(b"age;\n31,5;\n42;", 1), Ok(vec![31.5, 42.0]));
        assert_eq!(parse(b"age\n31,5\n1,25\n42", 1), Ok(vec![31.5, 1.25, 42.0]));
    }

    #[test]
    fn a_column_that_names_the_lines_is_left_out() {
        for text in [
            ",x,y\n0,1,2\n1,3,4",
            "\"\",\"x\",\"y\"\n\"1\",1,2\n\"2\",3,4",
            "Index;x;y\na;1;2\nb;3;4",
            "x y\n1 1 2\n2 3 4",
            "id\tx\ty\n7\t1\t2\n8\t3\t4",
            ",0,1\n0,1,2\n1,3,4",
        ] {
            assert_eq!(plane(text), Ok(vec![1.0, 2.0, 3.0, 4.0]), "{text:?}");
        }
        assert_eq!(parse(b",age\n0,31\n1,42", 1), Ok(vec![31.0, 42.0]));
    }

    #[test]
    fn utf_16_and_latin_1_are_read() {
        let text = "größe;x\r\n1;2\r\n3;4\r\n";
        let units = || std::iter::once(0xfeff).chain(text.encode_utf16());
        for bytes in [
            units().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
            units().flat_map(u16::to_be_bytes).collect(),
            "x;größe\n1;2\n3;4\n".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "x;größe\n1;2\n3;4\n".encode_utf16().flat_map(u16::to_be_bytes).collect(),
            text.chars().map(|c| c as u8).collect(),
        ] {
            assert_eq!(parse(&bytes, 2), Ok(vec![1.0, 2.0, 3.0, 4.0]));
        }
    }

    #[test]
    fn a_line_that_cannot_be_used_is_named() {
        let problem = |text: &str| plane(text).unwrap_err();
        assert_eq!(problem("x,y\n1,2\n\n3,four"), r#"line 4: "four" is not a number"#);
        assert_eq!(problem("1,2\nx,y"), r#"line 2: "x" is not a number"#);
        assert_eq!(problem("1,x"), r#"line 1: "x" is not a number"#);
        assert_eq!(problem("0.1.2,1..0"), r#"line 1: "0.1.2" is not a number"#);
        assert_eq!(problem("x,y\r1,2\r3,four\r"), r#"line 3: "four" is not a number"#);
        let missing = "is not a number; leave out the lines where one is missing";
        assert_eq!(problem("NA,NA\n1,2"), format!(r#"line 1: "NA" {missing}"#));
        assert_eq!(problem("1,2\n3,"), format!(r#"line 2: "" {missing}"#));
        assert_eq!(problem("nan,nan\n1,2"), r#"line 1: "nan" is not a finite number of 32 bits"#);
        assert_eq!(problem("1,2\n3,inf"), r#"line 2: "inf" is not a finite number of 32 bits"#);
        assert_eq!(problem("1,2\n3,1e39"), r#"line 2: "1e39" is not a finite number of 32 bits"#);
        assert_eq!(problem("1;2\n3;1.000,5"), r#"line 2: "1.000,5" is not a number"#);
        assert_eq!(problem("1,2\n1,2,3"), "line 2: 3 numbers, but there should be 2");
        assert_eq!(
            problem("0,1.5,2.5\n1,2.5,3.5"),
            "line 1: 3 numbers, but there should be 2; if the first only counts the lines, leave it out or name its column index"
        );
        assert_eq!(
            problem("1,2\n1"),
            "line 2: 1 number, but two are needed; learn single numbers with --dataset numbers"
        );
        assert_eq!(
            parse(b"1 2", 1).unwrap_err(),
            "line 1: 2 numbers, but one is needed; learn points of the plane with --dataset points, and write 1.5, not 1,5"
        );
        assert_eq!(problem("x,y\n"), "it holds no numbers");
        assert_eq!(problem(""), "it holds no numbers");
        assert_eq!(problem("PK\u{3}\u{4}..."), "this is a ZIP archive, as spreadsheets are; export it as CSV");
        assert!(problem("1,2\n\0\0").starts_with("line 2: this is no text file"));
        assert_eq!(problem("1\0\0\0,\0\0\0"), "this is UTF-32; save it as UTF-8");
        assert!(problem("BZh91AY").starts_with("this is compressed"));
        assert_eq!(
            parse(b"\x89PNG\r\n\x1a\n", 2).unwrap_err(),
            "this is an image; learn a folder of them with --dataset images"
        );
        for first in ["(1,2)", "$1,$2", "\u{2212}1,\u{2212}2", "'1','2'", "\u{661},\u{662}"] {
            assert!(problem(&format!("{first}\n1,2")).starts_with("line 1: "), "{first}");
        }
        assert_eq!(problem("1,2\n#DIV/0!,1"), format!(r##"line 2: "#DIV/0!" {missing}"##));
        let unclosed = "a quotation mark is not closed; each point should have a line of its own";
        assert_eq!(problem("\"x\ny\",z\n1,2"), format!("line 1: {unclosed}"));
        let thousand = r#"line 1: "1,000" may be a thousand or one; write numbers without commas"#;
        assert_eq!(problem("\"1,000\",\"2,000\""), thousand);
        let another = r#"line 2: "2.5" has another decimal sign than numbers before it; write all like 1.5"#;
        assert_eq!(problem("1,5;2\n1;2.5"), another);
        assert_eq!(
            problem("x,y\n1,5,2,5"),
            "line 2: 4 numbers, but there should be 2; write 1.5, not 1,5, or semicolons between numbers with commas"
        );
        assert!(problem("x,y\n31,5,2\n1,5,2").starts_with("line 2: 3 numbers"));
    }

    /// Neither a line without an end nor one that would move a terminal's cursor is repeated.
    #[test]
    fn what_is_told_of_a_line_is_short_and_can_be_seen() {
        let problem = |text: &str| plane(text).unwrap_err();
        let endless = "line 1: it is longer than 65536 bytes; each point should have a line of its own";
        assert_eq!(problem(&"1,".repeat(1 << 20)), endless);
        assert!(problem(&format!("1,{}", "x".repeat(60_000))).len() < 400);
        assert_eq!(problem("1,\u{1b}[2J"), r#"line 1: "\u{1b}[2J" is not a number"#);
    }
}
