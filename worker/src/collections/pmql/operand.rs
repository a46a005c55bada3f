//! The right side of a test, with what every record would otherwise read out of its text again.

use crate::collections::date;
use crate::collections::number::Number;

/// A value, or a moment.
#[derive(Debug)]
pub(super) enum Operand {
    /// A value as it is written.
    Literal(Literal),
    /// The `NOW` at this place of the query's list.
    Now(usize),
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(TextLiteral),
}

/// A text, and what else it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextLiteral {
    pub(super) text: String,
    /// Of a numeric text.
    pub(super) number: Option<Number>,
    /// Of a date text, epoch milliseconds.
    pub(super) instant: Option<i64>,
}

impl TextLiteral {
    pub(super) fn new(text: String) -> Self {
        Self { number: Number::parse_numeric_text(&text), instant: date::parse(&text), text }
    }
}
