//! CSV as people's programs write it: rows with the physical line on which they begin, and cells that know whether they were in
//! quotes; and RFC 4180 as it is written here.

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde_json::Value;

/// The longest row, bytes: a quote that is never closed would take the whole file.
const LONGEST_ROW: usize = 8 * 1024 * 1024;

/// How bytes are text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or UTF-16 where a byte order mark says so.
    #[default]
    Unicode,
    /// windows-1252.
    Windows1252,
    /// ISO-8859-1, whose bytes are the first 256 characters.
    Latin1,
}

/// A cell of a row that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawCell {
    /// Its text.
    pub text: String,
    /// It was in quotes.
    pub is_quoted: bool,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    /// The physical line on which it begins, from 1.
    pub line: u64,
    /// Its cells, or what is wrong with it.
    pub cells: Result<Vec<RawCell>, String>,
}

/// Why reading ends before the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Broken {
    /// Where the row begins, from 1.
    pub line: u64,
    /// What is wrong.
    pub problem: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a cell.
    Begin,
    Plain,
    Quoted,
    /// Behind a quote in a quoted cell: the end of it, or the first half of a quote.
    Quote,
    /// Behind the end of a quoted cell and a CR, which may be half of a line's end.
    QuoteReturn,
}

/// Reads rows from bytes as they come.
#[derive(Debug)]
pub struct Reader {
    encoding: Encoding,
    utf16: Option<Decoder>,
    is_begun: bool,
    /// What was read before delimiter and byte order mark are known.
    head: Vec<u8>,
    delimiter: Option<u8>,
    state: State,
    line: u64,
    row_line: u64,
    row_bytes: usize,
    cell: Vec<u8>,
    is_quoted: bool,
    cells: Vec<(Vec<u8>, bool)>,
    has_text_after_quote: bool,
    rows: std::collections::VecDeque<RawRow>,
    broken: Option<Broken>,
}

impl Reader {
    /// A reader; without a delimiter the header decides between comma, semicolon and tab.
    pub fn new(encoding: Encoding, delimiter: Option<u8>) -> Self {
        Self {
            encoding,
            utf16: None,
            is_begun: false,
            head: Vec::new(),
            delimiter,
            state: State::Begin,
            line: 1,
            row_line: 1,
            row_bytes: 0,
            cell: Vec::new(),
            is_quoted: false,
            cells: Vec::new(),
            has_text_after_quote: false,
            rows: std::collections::VecDeque::new(),
            broken: None,
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.is_begun {
            self.head.extend_from_slice(bytes);
            if self.head.len() >= 3 {
                self.begin();
            }
            return;
        }
        self.decode(bytes, false);
    }

    /// There are no more bytes.
    pub fn finish(&mut self) {
        if !self.is_begun {
            self.begin();
        }
        self.decode(&[], true);
        if self.delimiter.is_none() {
            self.decide();
        }
        if self.broken.is_some() {
            return;
        }
        match self.state {
            State::Quoted => self.break_off("a quote that opens a cell is never closed"),
            State::Begin if self.cells.is_empty() => {}
            State::QuoteReturn => {
                self.has_text_after_quote = true;
                self.end_row();
            }
            _ => self.end_row(),
        }
    }

    /// The next row; none until more is pushed, or at the end.
    ///
    /// # Errors
    /// What ends the reading.
    pub fn next_row(&mut self) -> Result<Option<RawRow>, Broken> {
        match (self.rows.pop_front(), &self.broken) {
            (Some(row), _) => Ok(Some(row)),
            (None, Some(broken)) => Err(broken.clone()),
            (None, None) => Ok(None),
        }
    }

    fn begin(&mut self) {
        self.is_begun = true;
        let head = std::mem::take(&mut self.head);
        let (skip, utf16) = match head.as_slice() {
            [0xff, 0xfe, ..] => (2, Some(UTF_16LE)),
            [0xfe, 0xff, ..] => (2, Some(UTF_16BE)),
            [0xef, 0xbb, 0xbf, ..] => {
                self.encoding = Encoding::Unicode;
                (3, None)
            }
            _ => (0, None),
        };
        if let Some(utf16) = utf16 {
            self.encoding = Encoding::Unicode;
            self.utf16 = Some(utf16.new_decoder_without_bom_handling());
        }
        self.decode(head.get(skip..).unwrap_or_default(), false);
    }

    /// UTF-16 becomes UTF-8, with a byte that is none where it is malformed; other encodings are read cell by cell.
    fn decode(&mut self, bytes: &[u8], is_last: bool) {
        let Some(decoder) = &mut self.utf16 else { return self.structure(bytes) };
        let mut text = Vec::with_capacity(bytes.len() * 2 + 16);
        let (mut rest, mut buffer) = (bytes, vec![0; 8 * 1024]);
        loop {
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(rest, &mut buffer, is_last);
            text.extend_from_slice(buffer.get(..written).unwrap_or_default());
            rest = rest.get(read..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => text.push(0xff),
            }
        }
        self.structure(&text);
    }

    fn structure(&mut self, bytes: &[u8]) {
        let Some(delimiter) = self.delimiter else {
            self.head.extend_from_slice(bytes);
            if header_end(&self.head).is_some() || self.head.len() > LONGEST_ROW {
                self.decide();
            }
            return;
        };
        for byte in bytes {
            if self.broken.is_some() {
                return;
            }
            self.take(*byte, delimiter);
            self.row_bytes += 1;
            if self.row_bytes > LONGEST_ROW {
                self.break_off("a row has more than 8 MiB; is there a quote that is never closed?");
            }
        }
    }

    /// The most frequent one outside of quotes in the header; comma where it is a draw.
    fn decide(&mut self) {
        let head = std::mem::take(&mut self.head);
        let header = head.get(..header_end(&head).unwrap_or(head.len())).unwrap_or_default();
        let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
        let mut is_quoted = false;
        for byte in header {
            is_quoted ^= *byte == b'"';
            for (delimiter, count) in &mut counts {
                *count += usize::from(!is_quoted && byte == delimiter);
            }
        }
        let mut best = (b',', 0);
        for candidate in counts {
            if candidate.1 > best.1 {
                best = candidate;
            }
        }
        self.delimiter = Some(best.0);
        self.structure(&head);
    }

    fn take(&mut self, byte: u8, delimiter: u8) {
        self.line += u64::from(byte == b'\n');
        self.state = match (self.state, byte) {
            (State::Begin, b'"') => {
                self.is_quoted = true;
                State::Quoted
            }
            (State::Quoted, b'"') => State::Quote,
            (State::Quoted, other) => {
                self.cell.push(other);
                State::Quoted
            }
            (State::Quote, b'"') => {
                self.cell.push(b'"');
                State::Quoted
            }
            (State::Quote, b'\r') => State::QuoteReturn,
            (State::QuoteReturn, b'\n') => self.line_end(),
            (State::QuoteReturn, other) => {
                self.has_text_after_quote = true;
                self.state = State::Plain;
                return self.take_again(other, delimiter);
            }
            (_, b'\n') => {
                if !self.is_quoted && self.cell.last() == Some(&b'\r') {
                    self.cell.pop();
                }
                self.line_end()
            }
            (_, other) if other == delimiter => {
                self.end_cell();
                State::Begin
            }
            (State::Quote, _) => {
                self.has_text_after_quote = true;
                State::Plain
            }
            (State::Begin | State::Plain, other) => {
                self.cell.push(other);
                State::Plain
            }
        };
    }

    fn take_again(&mut self, byte: u8, delimiter: u8) {
        self.line -= u64::from(byte == b'\n');
        self.take(byte, delimiter);
    }

    fn line_end(&mut self) -> State {
        self.end_row();
        State::Begin
    }

    fn end_cell(&mut self) {
        self.cells.push((std::mem::take(&mut self.cell), self.is_quoted));
        self.is_quoted = false;
    }

    fn end_row(&mut self) {
        self.end_cell();
        let cells = std::mem::take(&mut self.cells);
        let line = std::mem::replace(&mut self.row_line, self.line);
        self.row_bytes = 0;
        let has_text_after_quote = std::mem::take(&mut self.has_text_after_quote);
        if let [(text, false)] = cells.as_slice()
            && text.is_empty()
        {
            return;
        }
        let cells = if has_text_after_quote {
            Err("there is text after the quote that closes a cell; double the quotes inside of a cell".to_owned())
        } else {
            cells.into_iter().map(|(bytes, is_quoted)| self.cell_text(bytes, is_quoted)).collect()
        };
        self.rows.push_back(RawRow { line, cells });
    }

    fn cell_text(&self, bytes: Vec<u8>, is_quoted: bool) -> Result<RawCell, String> {
        let text = match self.encoding {
            Encoding::Unicode => String::from_utf8(bytes).map_err(|_| {
                "there are bytes that are no UTF-8; say `encoding`, such as windows-1252, or save the file as UTF-8"
                    .to_owned()
            })?,
            Encoding::Windows1252 => WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned(),
            Encoding::Latin1 => bytes.into_iter().map(char::from).collect(),
        };
        Ok(RawCell { text, is_quoted })
    }

    fn break_off(&mut self, problem: &'static str) {
        self.broken = Some(Broken { line: self.row_line, problem });
        self.cells.clear();
        self.cell.clear();
    }
}

/// Where the first line ends that is not blank, outside of quotes.
fn header_end(bytes: &[u8]) -> Option<usize> {
    let (mut is_quoted, mut has_text) = (false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted && has_text => return Some(at),
            _ => {}
        }
        has_text |= !matches!(byte, b'\r' | b'\n');
    }
    None
}

/// A cell to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Null, or nothing at all.
    Empty,
    /// Digits, or a word: nothing that a spreadsheet takes for a formula.
    Number(String),
    /// Text; an empty one is written in quotes.
    Text(String),
}

impl Cell {
    /// The cell of a value: lists and objects as JSON.
    pub fn of(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Empty,
            Some(Value::String(text)) => Self::Text(text.clone()),
            Some(Value::Number(number)) => Self::Number(super::number::Number::of(number).text()),
            Some(Value::Bool(on)) => Self::Number(on.to_string()),
            Some(other) => Self::Text(other.to_string()),
        }
    }
}

/// Writes a row as RFC 4180 says; `escapes_formulas` puts `'` before texts that spreadsheets would calculate.
pub fn write_row(out: &mut Vec<u8>, cells: impl IntoIterator<Item = Cell>, escapes_formulas: bool) {
    let mut is_first = true;
    for cell in cells {
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        match cell {
            Cell::Empty => {}
            Cell::Number(text) => out.extend_from_slice(text.as_bytes()),
            Cell::Text(text) if escapes_formulas && text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
                write_text(out, &format!("'{text}"));
            }
            Cell::Text(text) => write_text(out, &text),
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    if !text.is_empty() && !text.contains([',', '"', '\r', '\n', ';', '\t']) {
        return out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// All rows of a file, whatever the pieces in which it comes: `line: cell|"quoted"`.
    fn rows(bytes: &[u8], encoding: Encoding, delimiter: Option<u8>) -> (Vec<String>, Option<u64>) {
        let read = |piece: usize| {
            let mut reader = Reader::new(encoding, delimiter);
            bytes.chunks(piece).for_each(|piece| reader.push(piece));
            reader.finish();
            let mut rows = Vec::new();
            loop {
                match reader.next_row() {
                    Ok(Some(RawRow { line, cells: Ok(cells) })) => {
                        let cell = |cell: &RawCell| {
                            if cell.is_quoted { format!("\"{}\"", cell.text) } else { cell.text.clone() }
                        };
                        rows.push(format!("{line}: {}", cells.iter().map(cell).collect::<Vec<_>>().join("|")));
                    }
                    Ok(Some(RawRow { line, cells: Err(_) })) => rows.push(format!("{line}! ")),
                    Ok(None) => return (rows, None),
                    Err(broken) => return (rows, Some(broken.line)),
                }
            }
        };
        let whole = read(bytes.len().max(1));
        for piece in [1, 2, 3, 7] {
            assert_eq!(read(piece), whole, "in pieces of {piece}");
        }
        whole
    }

    #[test]
    fn files_that_hurt() {
        for (file, expected, broken) in [
            ("", vec![], None),
            ("\n\r\n", vec![], None),
            ("a,b\n1,2", vec!["1: a|b", "2: 1|2"], None),
            ("a,b\r\n1,2\r\n", vec!["1: a|b", "2: 1|2"], None),
            ("\n\na\n\n1\n", vec!["3: a", "5: 1"], None),
            ("a\n\"x\r\ny\"\n2\n", vec!["1: a", "2: \"x\r\ny\"", "4: 2"], None),
            ("a,b\n\"\",\n", vec!["1: a|b", "2: \"\"|"], None),
            ("a\n\"\"\n", vec!["1: a", "2: \"\""], None),
            ("a\n\"x\"\"y\"\n", vec!["1: a", "2: \"x\"y\""], None),
            ("a\nx\"y\"\n", vec!["1: a", "2: x\"y\""], None),
            ("a\nx\ry\n", vec!["1: a", "2: x\ry"], None),
            ("a\nx\r\r\n", vec!["1: a", "2: x\r"], None),
            ("a,b\n\"x\"y,2\n3,4\n", vec!["1: a|b", "2! ", "3: 3|4"], None),
            ("a,b\n\"x\" ,2\n", vec!["1: a|b", "2! "], None),
            ("a\n\"x\"\r", vec!["1: a", "2! "], None),
            ("a\n\"x\"\ry\nz\n", vec!["1: a", "2! ", "3: z"], None),
            ("a\n\"x\n1\n2\n", vec!["1: a"], Some(2)),
            ("a\n1\n\"", vec!["1: a", "2: 1"], Some(3)),
            ("a;b,c;d\n1;2;3\n", vec!["1: a|b,c|d", "2: 1|2|3"], None),
            ("\"a,b,c\";d\n1;2\n", vec!["1: \"a,b,c\"|d", "2: 1|2"], None),
            ("a\tb\n1\t2\n", vec!["1: a|b", "2: 1|2"], None),
            ("a,b;c\n1,2\n", vec!["1: a|b;c", "2: 1|2"], None),
            ("\u{feff}a\nä\n", vec!["1: a", "2: ä"], None),
            (" a , b \n", vec!["1:  a | b "], None),
        ] {
            let (found, at) = rows(file.as_bytes(), Encoding::Unicode, None);
            assert_eq!((found, at), (expected.into_iter().map(ToOwned::to_owned).collect(), broken), "{file:?}");
        }
    }

    #[test]
    fn bytes_are_read_in_their_encoding() {
        let wide = |text: &str, unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        for bytes in [wide("\u{feff}a,b\n🦀,ö\n", u16::to_le_bytes), wide("\u{feff}a,b\n🦀,ö\n", u16::to_be_bytes)]
        {
            assert_eq!(rows(&bytes, Encoding::Unicode, None).0, ["1: a|b", "2: 🦀|ö"]);
        }
        assert_eq!(rows(b"a\n\x80\xe4\n", Encoding::Windows1252, None).0, ["1: a", "2: €ä"]);
        assert_eq!(rows(b"a\n\xe4\n", Encoding::Latin1, None).0, ["1: a", "2: ä"]);
        assert_eq!(rows(b"a\n\x80\n", Encoding::Latin1, None).0, ["1: a", "2: \u{80}"]);
        assert_eq!(rows(b"a\nx\n\xe4\ny\n", Encoding::Unicode, None).0, ["1: a", "2: x", "3! ", "4: y"]);
        let lone = [0xff, 0xfe, b'a', 0, b'\n', 0, 0, 0xd8, b'\n', 0, b'x', 0];
        assert_eq!(rows(&lone, Encoding::Unicode, None).0, ["1: a", "2! ", "3: x"]);
        assert_eq!(rows(b"a|b\n1|2\n", Encoding::Unicode, Some(b'|')).0, ["1: a|b", "2: 1|2"]);
    }

    #[test]
    fn a_row_without_an_end_does_not_take_the_memory() {
        let mut reader = Reader::new(Encoding::Unicode, None);
        reader.push(b"a\n1\n\"");
        let piece = vec![b'x'; 1024 * 1024];
        for _ in 0..20 {
            reader.push(&piece);
        }
        assert!(reader.cell.capacity() < 2 * LONGEST_ROW);
        assert_eq!(reader.next_row().unwrap().unwrap().line, 1);
        assert_eq!(reader.next_row().unwrap().unwrap().line, 2);
        assert_eq!(reader.next_row().unwrap_err().line, 3);
    }

    #[test]
    fn rows_are_written_as_they_are_read() {
        let values = [
            json!(null),
            json!(""),
            json!("a,\"b\"\r\nc"),
            json!(-5),
            json!(true),
            json!({"a": [1]}),
            json!("=1"),
            json!("x;y"),
        ];
        let write = |escapes| {
            let mut out = Vec::new();
            write_row(&mut out, values.iter().map(|value| Cell::of(Some(value))), escapes);
            String::from_utf8(out).unwrap()
        };
        let expected = ",\"\",\"a,\"\"b\"\"\r\nc\",-5,true,\"{\"\"a\"\":[1]}\",=1,\"x;y\"\r\n";
        assert_eq!(write(false), expected);
        assert_eq!(write(true), expected.replace(",=1,", ",'=1,"));
        let (read, _) = rows(write(false).as_bytes(), Encoding::Unicode, Some(b','));
        assert_eq!(read, ["1: |\"\"|\"a,\"b\"\r\nc\"|-5|true|\"{\"a\":[1]}\"|=1|\"x;y\""]);
    }
}
