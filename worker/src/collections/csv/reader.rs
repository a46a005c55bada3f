//! Rows from bytes as they come.

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::delimiter::HeaderScan;

/// The longest row, bytes: a quote that is never closed would take the whole file.
pub(super) const LONGEST_ROW: usize = 8 * 1024 * 1024;

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
    scan: HeaderScan,
    delimiter: Option<u8>,
    state: State,
    line: u64,
    row_line: u64,
    row_bytes: usize,
    pub(super) cell: Vec<u8>,
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
            scan: HeaderScan::default(),
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
            if self.scan.ends_within(&self.head) || self.head.len() > LONGEST_ROW {
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

    fn decide(&mut self) {
        let head = std::mem::take(&mut self.head);
        self.delimiter = Some(self.scan.most_frequent());
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
