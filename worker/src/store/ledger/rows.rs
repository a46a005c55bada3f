//! Rows of the ledger as they are read.

use super::{StoredResult, copies};
use crate::job::Attempt;

/// A row as the rules see it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) job_hash: Option<Vec<u8>>,
    pub(super) state: String,
    pub(super) attempt: i64,
    pub(super) fence: i64,
    pub(super) due_at: Option<i64>,
    pub(super) crashes: i64,
    pub(super) repeat_safe: i64,
    pub(super) idempotency_key: Option<String>,
    pub(super) request_hash: Option<Vec<u8>>,
    pub(super) history: Option<Vec<u8>>,
    pub(super) created_at: i64,
    /// When it was claimed first, where it had waited before that.
    pub(super) begun_at: Option<i64>,
    /// Since when it has waited for a host that does not answer.
    pub(super) silent_since: Option<i64>,
    pub(super) replay: Option<i64>,
    pub(super) replay_send: i64,
    pub(super) returns: i64,
    /// Where further copies want the result, see [`super::copies`].
    pub(super) copies: Option<Vec<u8>>,
    /// When the lease of the row's worker ends; null when that worker is gone.
    pub(super) seen_until: Option<i64>,
}

/// A stored result as a row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Payload {
    job_id: String,
    engine: Option<String>,
    reply_address: Vec<u8>,
    copies: Option<Vec<u8>>,
    result: Vec<u8>,
}

/// Reads a job's payload.
pub(super) const RESULT: &str = "SELECT p.job_id, j.engine, p.reply_address, j.copies, p.result FROM payloads p
    JOIN jobs j ON j.id = p.job_id WHERE p.job_id = $1";

impl From<Payload> for StoredResult {
    fn from(payload: Payload) -> Self {
        Self {
            job_id: payload.job_id,
            engine: payload.engine.unwrap_or_default(),
            reply_address: payload.reply_address,
            copies: copies::read(payload.copies.as_deref()),
            body: payload.result,
        }
    }
}

pub(super) fn history_bytes(history: &[Attempt]) -> Option<Vec<u8>> {
    if history.is_empty() { None } else { serde_json::to_vec(history).ok() }
}

pub(super) fn history_of(bytes: Option<&[u8]>) -> Vec<Attempt> {
    bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}
