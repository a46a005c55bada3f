//! Failure as data: what happened, whether it may be tried again, and the attempts so far.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{BpmnError, Code};

/// Whether what failed may be tried again (CONTRACT 6, the retry table).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retriable {
    /// Never: trying again would end the same way, or could do harm.
    Final,
    /// Yes, not before `after` where the third party requested a wait.
    Retry {
        /// The wait that `Retry-After` requested.
        after: Option<Duration>,
    },
}

/// One failed attempt, or a job that failed before any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable code.
    pub code: Code,
    /// What happened, to which element or connector, and what to change; never a secret.
    pub message: String,
    /// The status line's number, when there was one.
    pub status: Option<u16>,
    /// The first 2,000 characters of the answer, when there was one.
    pub body: Option<Box<str>>,
    /// The whole answer as data, where it was data: rules read it, it is not stored.
    pub answer: Option<Arc<Value>>,
    /// What rules made of the whole answer where it was too large to be kept for them.
    pub caught: Option<Box<Caught>>,
    /// The answer's headers by lower-case names; rules read them, they are not stored.
    pub headers: Option<Arc<Map<String, Value>>>,
    /// Whether it may be tried again.
    pub retriable: Retriable,
    /// The wait that the third party asked for, should a policy retry what is final by the table.
    pub retry_after: Option<Duration>,
    /// Whether dialling had begun: an attempt counts from there (CONTRACT 3).
    pub attempted: bool,
    /// The member of element, resource or connector that is at fault, as a path, where it is known. In a
    /// box, since failures are returned beside small values.
    pub at: Option<Box<String>>,
}

impl Failure {
    /// A failure that no attempt precedes and that is final, such as `CONFIGURATION` and `DENIED`.
    pub fn before_any_attempt(code: Code, message: impl Into<String>) -> Self {
        Self { attempted: false, ..Self::of_attempt(code, message, Retriable::Final) }
    }

    /// A failure of an attempt; `retriable` as the retry table says.
    pub fn of_attempt(code: Code, message: impl Into<String>, retriable: Retriable) -> Self {
        let message = message.into();
        let (status, body, answer, headers, retry_after) = (None, None, None, None, None);
        let (caught, at) = (None, None);
        Self { code, message, status, body, answer, caught, headers, retriable, retry_after, attempted: true, at }
    }
}

/// The error that a boundary event can catch, where a row fits a failure with this code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    /// The failure's code as the rows saw it.
    pub code: Code,
    /// What fits.
    pub error: Option<BpmnError>,
}

/// One entry of `error.attempts` (CONTRACT 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counts from 1.
    pub number: u32,
    /// When it began, RFC 3339.
    pub at: String,
    /// What it ended with.
    pub code: String,
    /// The status line's number, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// From dialling to the last byte, milliseconds.
    pub duration_ms: u64,
    /// The wait after it, milliseconds; absent for the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
}

/// The longest beginning of a text that a message quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of UTF-8.
    Bytes(usize),
    /// Characters.
    Characters(usize),
}

/// The beginning of a text that a message quotes, with a `…` where more follows.
pub fn brief<'a>(text: impl Into<Cow<'a, str>>, limit: Limit) -> Cow<'a, str> {
    let text = text.into();
    let end = match limit {
        Limit::Bytes(most) => text.floor_char_boundary(most),
        Limit::Characters(most) => text.char_indices().nth(most).map_or(text.len(), |(end, _)| end),
    };
    match text.split_at_checked(end) {
        Some((beginning, rest)) if !rest.is_empty() => Cow::Owned(format!("{beginning}…")),
        _ => text,
    }
}

/// The first 2,000 characters of an answer, lossy where it is not UTF-8 (CONTRACT 3, `error.body`).
pub fn excerpt(body: &[u8]) -> String {
    // A character has at most four bytes, so that the rest of a large answer is not decoded.
    let head = body.get(..8_000).unwrap_or(body);
    String::from_utf8_lossy(head).chars().take(2_000).collect()
}
