//! When a rule holds: a list of statuses, or an expression over the answer.

use super::StatusList;

/// As designers write it: `404`, `4xx,503`, or `status == 200 and body.ok`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Statuses.
    Statuses(StatusList),
    /// An expression, not yet parsed.
    Expression(String),
}

impl Condition {
    /// Statuses where the text is a list of them, else an expression.
    pub fn read(text: &str) -> Self {
        StatusList::parse(text).map_or_else(|_| Self::Expression(text.trim().to_owned()), Self::Statuses)
    }
}
