//! The answer as read: a status, headers, and the whole body within its limit.

use bytes::Bytes;
use http::HeaderMap;

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
