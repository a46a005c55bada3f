//! PMQL, the language of ProcessMaker's filters: a query is parsed once, decides about any record, and narrows a database's
//! search. It knows one record's values, not where records are kept.

mod cell;
mod error;
mod evaluate;
mod lexer;
mod like;
mod like_search;
mod narrow;
mod now;
mod operand;
mod parser;
mod rows;
mod sql;
#[cfg(test)]
pub(crate) mod tests;
mod tree;

pub use error::SyntaxError;
pub use narrow::{Bind, Dialect, IndexPart, IndexedColumn, Narrowing};

use serde_json::Value;

use now::Now;
use tree::Expression;

/// A parsed query.
#[derive(Debug)]
pub struct Query {
    expression: Expression,
    /// What each `NOW` in it asks for; tests name them by their place here.
    nows: Vec<Now>,
}

/// A query at one moment: the database's clock, read once.
#[derive(Debug)]
pub struct Filter<'q> {
    query: &'q Query,
    /// Epoch milliseconds of each `NOW`.
    instants: Vec<i64>,
}

/// What a query may ask of a record.
#[derive(Debug, Clone, Copy)]
pub struct RecordView<'a> {
    /// Its number.
    pub id: i64,
    /// Its data, an object.
    pub data: &'a Value,
    /// Epoch milliseconds.
    pub created_at_ms: i64,
    /// Epoch milliseconds.
    pub updated_at_ms: i64,
    /// The actor who created it, such as `token:7`.
    pub created_by: &'a str,
    /// The actor who changed it last.
    pub updated_by: &'a str,
}

impl Query {
    /// Parses a query; a blank one is no query, which is for the caller to tell.
    ///
    /// # Errors
    /// Where it stops being a query, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let (expression, nows) = parser::parse(text)?;
        Ok(Self { expression, nows })
    }

    /// Whether it names `NOW`, so that somebody has to look at the clock.
    pub fn uses_now(&self) -> bool {
        !self.nows.is_empty()
    }

    /// The query at a moment, epoch milliseconds; any moment will do for a query that does not name `NOW`.
    ///
    /// # Errors
    /// At the sign that leads `NOW` out of the years 0001 to 9999.
    pub fn at(&self, now_ms: i64) -> Result<Filter<'_>, SyntaxError> {
        let instants = self.nows.iter().map(|now| now.instant(now_ms)).collect::<Result<_, _>>()?;
        Ok(Filter { query: self, instants })
    }

    /// Whether it selects a record at a moment; for many records, `at` once and `Filter::matches` for each are quicker.
    ///
    /// # Errors
    /// As of `at`.
    pub fn matches(&self, record: &RecordView<'_>, now_ms: i64) -> Result<bool, SyntaxError> {
        Ok(self.at(now_ms)?.matches(record))
    }

    /// `Filter::narrow` without a moment: tests of `NOW` do not narrow.
    pub fn narrow(&self, dialect: Dialect, columns: &[IndexedColumn], first_placeholder: usize) -> Option<Narrowing> {
        narrow::narrow(&self.expression, &[], dialect, columns, first_placeholder)
    }
}

impl Filter<'_> {
    /// Whether it selects a record.
    pub fn matches(&self, record: &RecordView<'_>) -> bool {
        self.query.expression.holds(record, &self.instants)
    }

    /// A condition in SQL on the rows of `collection_records` that holds for every record that the query selects, and for no
    /// others where it is exact; `None` where it would hold for all.
    ///
    /// `$1` of the statement is the id of the collection, and its first free placeholder is `$first_placeholder`. The rows of
    /// `collection_records` are named by `id`, `created_at`, `updated_at`, `created_by`, `updated_by`, without an alias.
    pub fn narrow(&self, dialect: Dialect, columns: &[IndexedColumn], first_placeholder: usize) -> Option<Narrowing> {
        narrow::narrow(&self.query.expression, &self.instants, dialect, columns, first_placeholder)
    }
}
