//! Rows as RFC 4180 has them, with null and empty text told from each other by quotes.

use serde_json::Value;

use crate::collections::number::Number;

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
            Some(Value::Number(number)) => Self::Number(Number::of(number).text()),
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
