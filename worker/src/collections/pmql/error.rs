//! What is wrong with a query, and where.

/// The first place at which a text stops being a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// The character (code point) that it is about, from 1; length + 1 at the end.
    pub at: usize,
    /// What stood there and what was expected, for people.
    pub message: String,
}

impl SyntaxError {
    /// An error about what begins after so many bytes of `text`.
    pub(super) fn new(text: &str, offset: usize, message: String) -> Self {
        Self { at: position(text, offset), message }
    }
}

/// The character, from 1, that begins after so many bytes.
pub(super) fn position(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).chars().count() + 1
}
