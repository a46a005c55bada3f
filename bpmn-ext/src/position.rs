//! Byte offsets to lines and columns. Knows the text of a file; must not know XML.

use std::ops::Range;

use serde::Serialize;

use crate::encoding::FileText;
use crate::offsets::is_continuation;

/// A span of a file with the line and column of its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The first byte, from 0.
    pub start: usize,
    /// One after the last byte.
    pub end: usize,
}

/// Bytes between two checkpoints, and so the most that a look-up counts.
const STRIDE: usize = 256;

/// Line and column, from 0, of a byte.
#[derive(Debug, Clone, Copy, Default)]
struct LineColumn {
    line: usize,
    column: usize,
}

impl LineColumn {
    /// The line and column after this byte.
    fn advance(mut self, byte: u8) -> Self {
        if byte == b'\n' {
            self.line += 1;
            self.column = 0;
        } else if !is_continuation(byte) {
            self.column += 1;
        }
        self
    }
}

/// The text of a file with a checkpoint every [`STRIDE`] bytes, so that a look-up costs the same however long a line is.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    file: &'a FileText<'a>,
    checkpoints: Vec<LineColumn>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a FileText<'a>) -> Self {
        let text = file.text();
        let mut checkpoints = Vec::with_capacity(text.len() / STRIDE + 1);
        let mut at = LineColumn::default();
        for chunk in text.as_bytes().chunks(STRIDE) {
            checkpoints.push(at);
            at = chunk.iter().fold(at, |at, byte| at.advance(*byte));
        }
        Self { file, checkpoints }
    }

    /// The text, without a byte order mark.
    pub(crate) fn text(&self) -> &'a str {
        self.file.text()
    }

    /// The range of bytes of [`Self::text`] at a position.
    pub(crate) fn range(&self, position: Position) -> Range<usize> {
        self.file.range(position)
    }

    /// The position of a range of bytes of [`Self::text`].
    pub(crate) fn position(&self, range: Range<usize>) -> Position {
        let text = self.text();
        let start = range.start.min(text.len());
        let end = range.end.clamp(start, text.len());
        let chunk = (start / STRIDE).min(self.checkpoints.len().saturating_sub(1));
        let from = self.checkpoints.get(chunk).copied().unwrap_or_default();
        let between = text.as_bytes().get(chunk * STRIDE..start).unwrap_or_default();
        let at = between.iter().fold(from, |at, byte| at.advance(*byte));
        let (start, end) = (self.file.in_file(start), self.file.in_file(end));
        Position { line: at.line + 1, column: at.column + 1, start, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(text: &str, at: usize) -> (usize, usize) {
        let before = text.get(..at).unwrap();
        let line = before.rsplit('\n').next().unwrap();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }

    #[test]
    fn every_character_has_the_line_and_column_that_counting_gives() {
        let text = "ab\nÄö€\r\n\n".repeat(90) + &"x€".repeat(900) + "\nend";
        let file = FileText::of(text.as_bytes());
        let source = Source::new(&file);
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let found = source.position(at..at);
            assert_eq!((found.line, found.column), slow(&text, at), "byte {at}");
        }
    }

    #[test]
    fn a_byte_order_mark_counts_in_offsets_only() {
        let file = FileText::of("\u{feff}a\nb".as_bytes());
        let found = Source::new(&file).position(2..3);
        assert_eq!(found, Position { line: 2, column: 1, start: 5, end: 6 });
    }

    #[test]
    fn a_range_after_the_end_is_the_end() {
        for (text, column, end) in [("", 1, 0), ("ab", 3, 2)] {
            let file = FileText::of(text.as_bytes());
            assert_eq!(Source::new(&file).position(7..9), Position { line: 1, column, start: end, end });
        }
    }
}
