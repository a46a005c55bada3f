//! Writing for people and for programs.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use serde_json::Value;

use crate::telemetry::printable::{Lines, printable, printable_json};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A table for people
    Table,
    /// JSON for programs
    Json,
}

/// Prints one line of data; a reader that has gone away is no error.
pub(super) fn line(text: &str) {
    drop(writeln!(std::io::stdout().lock(), "{}", printable(text, Lines::Kept)));
}

/// The same for a text with colors of its own, whose other parts have no escape sequences.
pub(super) fn colored(text: &str) {
    drop(writeln!(std::io::stdout().lock(), "{text}"));
}

/// Prints data without a line break of its own: every byte for a program, and for a terminal nothing that it would obey.
pub(super) fn raw(bytes: &[u8]) {
    let mut output = std::io::stdout().lock();
    if !output.is_terminal() {
        return drop(output.write_all(bytes));
    }
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    drop(output.write_all(printable(&text, Lines::Kept).as_bytes()));
}

/// Prints JSON as people read it.
pub(super) fn json(value: &Value) {
    drop(writeln!(std::io::stdout().lock(), "{}", printable_json(&format!("{value:#}"))));
}

/// Prints a part of a JSON document, as it is but for what a terminal would obey.
pub(super) fn json_part(text: &str) {
    drop(std::io::stdout().lock().write_all(printable_json(text).as_bytes()));
}

/// Tells a person something that is not data.
pub(super) fn note(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{}", printable(text, Lines::Kept)));
}

/// Prints a table with its columns aligned; nothing but a note when it is empty.
pub(super) fn table(header: &[&str], rows: &[Vec<String>], empty: &str) {
    if rows.is_empty() {
        return note(empty);
    }
    let shown = |cell: &String| printable(cell, Lines::Escaped).into_owned();
    let rows: Vec<Vec<String>> = rows.iter().map(|cells| cells.iter().map(shown).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|h| h.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let row = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(padded.join("  ").trim_end());
    };
    row(&mut header.iter().copied());
    for cells in &rows {
        row(&mut cells.iter().map(String::as_str));
    }
}
