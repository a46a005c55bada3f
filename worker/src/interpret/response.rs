//! The answer as read: a status, headers, and the whole body within its limit.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};

/// A complete answer of a third party.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status line's number.
    pub status: u16,
    /// As received, names lower-case.
    pub headers: HeaderMap,
    /// Decompressed, at most `limits.response_bytes`.
    pub body: Bytes,
    /// Warnings for people; the call succeeded.
    pub warnings: Vec<String>,
}

impl Response {
    /// A header by its name in any case: its value, or the list of them where it came more than once.
    pub(super) fn header(&self, name: &str) -> Option<Value> {
        let mut values = self.headers.get_all(name).iter().map(|value| Value::from(header_text(value)));
        let first = values.next()?;
        let more: Vec<Value> = values.collect();
        Some(if more.is_empty() { first } else { std::iter::once(first).chain(more).collect() })
    }

    /// All headers by lower-case names, each as [`Response::header`] gives it.
    pub(super) fn all_headers(&self) -> Map<String, Value> {
        let header = |name: &http::HeaderName| Some((name.as_str().to_owned(), self.header(name.as_str())?));
        self.headers.keys().filter_map(header).collect()
    }

    /// The first value of each header, by lower-case names.
    pub(super) fn first_headers(&self) -> Map<String, Value> {
        let first =
            |name: &http::HeaderName| Some((name.as_str().to_owned(), header_text(self.headers.get(name)?).into()));
        self.headers.keys().filter_map(first).collect()
    }
}

/// A value as UTF-8, else as ISO-8859-1, which header values are by tradition (RFC 9110, 5.5).
fn header_text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), ToOwned::to_owned)
}
