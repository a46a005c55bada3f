//! The language of `feel` rows and of conditions: what ProcessMaker's designers write there (COMPATIBILITY 4.6), which is not OMG
//! FEEL.
//!
//! Knows operators, functions and limits; must not know where a value goes. Every evaluation ends: there are no loops, and
//! steps, nesting and produced bytes are counted.

mod compare;
mod date;
mod evaluate;
mod functions;
mod lex;
mod names;
mod number;
mod parse;
mod truth;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::template::Scope;
use crate::job::{Limit, brief};
use parse::Node;

/// The longest expression, bytes.
pub const LENGTH: usize = 8 * 1024;
/// An expression up to this length is evaluated in no time, bytes.
const SHORT: usize = 512;
/// Parentheses, lists and calls inside each other.
pub const DEPTH: usize = 48;
/// The steps of one evaluation at most: about a millisecond of work.
pub const STEPS: usize = 100_000;
/// The bytes that one evaluation may produce in between.
pub const BYTES: usize = 8 * 1024 * 1024;

/// A parsed expression.
#[derive(Debug)]
pub struct Expression {
    source: String,
    root: Option<Node>,
}

/// An expression that does not parse or cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {position} of `{}`: {problem}", brief(.source_text, Limit::Bytes(80)))]
pub struct ExpressionError {
    /// Counts characters from 1.
    pub position: usize,
    /// What is wrong and what to write.
    pub problem: String,
    /// The expression.
    pub source_text: String,
}

/// What an evaluation reads next to the data of the job.
#[derive(Debug, Clone, Copy)]
pub struct EvalContext<'a> {
    /// Epoch milliseconds, for `date`.
    pub now_ms: i64,
    /// What `env` may read: names that the operator listed (CONTRACT 6).
    pub env: &'a BTreeMap<String, String>,
}

/// How a missing name is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// An error that lists the names that exist: rows.
    Refused,
    /// Null: conditions, which look at answers of every shape.
    Null,
}

/// A problem at a position, before the text of the expression is added.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    /// Bytes from the start.
    at: usize,
    text: String,
}

impl Problem {
    fn new(at: usize, text: impl Into<String>) -> Self {
        Self { at, text: text.into() }
    }

    fn in_source(self, source: &str) -> ExpressionError {
        let position = source.get(..self.at).map_or(0, |before| before.chars().count()) + 1;
        ExpressionError { position, problem: self.text, source_text: source.to_owned() }
    }
}

impl Expression {
    /// Parses an expression; an empty one is true (COMPATIBILITY 4.6).
    ///
    /// # Errors
    /// The first mistake and its position.
    pub fn parse(source: &str) -> Result<Self, ExpressionError> {
        #[cfg(test)]
        crate::testing::parse_count::increment();
        let root = if source.trim().is_empty() {
            None
        } else {
            Some(parse::parse(source).map_err(|problem| problem.in_source(source))?)
        };
        Ok(Self { source: source.to_owned(), root })
    }

    /// Evaluates to a typed value.
    ///
    /// # Errors
    /// What cannot be evaluated, and its position; also work beyond [`STEPS`] or [`BYTES`].
    pub fn evaluate(
        &self,
        scope: &Scope<'_>,
        ctx: EvalContext<'_>,
        missing: Missing,
    ) -> Result<Value, ExpressionError> {
        let Some(root) = &self.root else { return Ok(Value::Bool(true)) };
        let mut evaluation = evaluate::Evaluation::new(scope, ctx, missing);
        match evaluation.value(root) {
            Ok(value) => Ok(value.into_owned()),
            Err(problem) => Err(problem.in_source(&self.source)),
        }
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The variables that it reads and that have to be there.
    pub fn variables(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.root.iter().for_each(|root| names::collect(root, &mut found));
        found
    }

    /// Whether it can give true or false; one that never does, such as `40`, is a slip where a condition is meant.
    pub fn can_be_truth(&self) -> bool {
        self.root.as_ref().is_none_or(truth::is_possible)
    }

    /// Whether it makes more of its input than that has: patterns are compiled, and ranges are lists.
    pub fn is_long(&self) -> bool {
        ["matches", "..", " in "].iter().any(|operator| self.source.contains(operator)) || self.source.len() > SHORT
    }

    /// Evaluates to a yes or no, as PHP takes values for one; what is missing is null.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn holds(&self, scope: &Scope<'_>, ctx: EvalContext<'_>) -> Result<bool, ExpressionError> {
        Ok(compare::is_truthy(&self.evaluate(scope, ctx, Missing::Null)?))
    }
}

#[cfg(test)]
mod tests;
