//! Where in a text something is.

use serde::Serialize;

/// A place in a text: line and column from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Position {
    /// The place of a byte of the text.
    pub(super) fn of(text: &str, at: usize) -> Self {
        let before = text.get(..text.floor_char_boundary(at)).unwrap_or(text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column }
    }
}

/// A mistake in a text, and the byte at which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) problem: String,
}

impl Fault {
    pub(super) fn new(at: usize, problem: impl Into<String>) -> Self {
        Self { at, problem: problem.into() }
    }
}

/// The byte at which a column of a line stands; line and column from 1, the column counted in `unit`s.
pub(super) fn offset(text: &str, line: usize, column: usize, unit: Unit) -> usize {
    let start = match line.saturating_sub(1) {
        0 => 0,
        breaks => text.match_indices('\n').nth(breaks - 1).map_or(text.len(), |(at, _)| at + 1),
    };
    let rest = text.get(start..).unwrap_or_default();
    let skipped = column.saturating_sub(1);
    let within = match unit {
        Unit::Bytes => rest.floor_char_boundary(skipped),
        Unit::Characters => rest.char_indices().nth(skipped).map_or(rest.len(), |(at, _)| at),
    };
    start + within
}

/// What a parser counts columns in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    Characters,
}
