//! What callers with an `Idempotency-Key` were answered, stored with the change that was made for them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::CollectionError;
use super::session::{Session, binds};
use crate::store::Error;

/// How long an answer is kept, milliseconds.
pub(super) const KEPT: i64 = 24 * 60 * 60 * 1_000;

/// What makes a request the same as another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    caller: String,
    key: String,
    fingerprint: Vec<u8>,
}

impl Idempotency {
    /// The key of a caller, for this method, path and body.
    pub fn new(caller: &str, key: &str, method: &str, path: &str, body: &[u8]) -> Self {
        let mut sha = Sha256::new();
        for part in [method.as_bytes(), path.as_bytes(), body] {
            sha.update(part.len().to_be_bytes());
            sha.update(part);
        }
        Self { caller: caller.to_owned(), key: key.to_owned(), fingerprint: sha.finalize().to_vec() }
    }
}

const RESERVE: &str = "INSERT INTO collection_answers (caller, key, fingerprint, answer, answered_at)
    VALUES ($1, $2, $3, '', $4) ON CONFLICT (caller, key) DO NOTHING";
const EXPIRE: &str = "DELETE FROM collection_answers WHERE caller = $1 AND key = $2 AND answered_at < $3";
const FIND: &str = "SELECT fingerprint, answer FROM collection_answers WHERE caller = $1 AND key = $2";
const KEEP: &str = "UPDATE collection_answers SET answer = $3 WHERE caller = $1 AND key = $2";

impl Session {
    /// The answer that the same request had. A request that still runs is waited for: it holds the row, or the writer.
    ///
    /// # Errors
    /// When the key was used with another request, or the database cannot be reached.
    pub(super) async fn earlier<T: DeserializeOwned>(
        &mut self,
        request: Option<&Idempotency>,
    ) -> Result<Option<T>, CollectionError> {
        let Some(Idempotency { caller, key, fingerprint }) = request else { return Ok(None) };
        let now = self.now().await?;
        self.execute(EXPIRE, binds![caller.as_str(), key.as_str(), now - KEPT]).await?;
        let row = binds![caller.as_str(), key.as_str(), fingerprint.clone(), now];
        if self.execute(RESERVE, row).await? == 1 {
            return Ok(None);
        }
        let found: Option<(Vec<u8>, String)> = self.row(FIND, binds![caller.as_str(), key.as_str()]).await?;
        match found {
            Some((stored, answer)) if stored == *fingerprint => {
                let what = || "an answer that was kept".to_owned();
                Ok(Some(serde_json::from_str(&answer).map_err(|source| Error::damaged(what(), source))?))
            }
            _ => Err(CollectionError::Mismatch),
        }
    }

    /// Keeps an answer for the same request.
    pub(super) async fn keep(&mut self, request: Option<&Idempotency>, answer: &impl Serialize) -> Result<(), Error> {
        let Some(Idempotency { caller, key, .. }) = request else { return Ok(()) };
        let what = || "an answer".to_owned();
        let answer = serde_json::to_string(answer).map_err(|source| Error::damaged(what(), source))?;
        self.execute(KEEP, binds![caller.as_str(), key.as_str(), answer]).await.map(drop)
    }
}
