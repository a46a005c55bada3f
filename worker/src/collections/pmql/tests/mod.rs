//! The language as tables, and held against a second, plain evaluator.

use serde_json::Value;

use super::{Query, RecordView, SyntaxError};

mod comparisons;
mod differential;
mod functions;
mod grammar;
mod limits;
mod narrowing;
mod now;
mod spelling;
pub(crate) mod generator;
pub(crate) mod plain;

/// 2024-03-31T10:20:30.456Z
pub(crate) const NOW: i64 = 1_711_880_430_456;

fn record(data: &Value) -> RecordView<'_> {
    RecordView {
        id: 10,
        data,
        created_at_ms: 1_704_067_199_999,
        updated_at_ms: 1_704_067_200_000,
        created_by: "token:7",
        updated_by: "cli:ada",
    }
}

/// Whether a query selects a record with this data, number 10, created 2023-12-31T23:59:59.999Z by `token:7`, modified a
/// millisecond later by `cli:ada`.
fn selects(query: &str, data: &Value) -> bool {
    let query = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error:?}"));
    query.matches(&record(data), NOW).unwrap()
}

fn error_of(query: &str) -> SyntaxError {
    match Query::parse(query) {
        Ok(query) => panic!("{query:?} is a query"),
        Err(error) => error,
    }
}
