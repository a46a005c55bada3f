//! Collections: definitions, records, the index of their values, imports in stages, and the events of changes.
//!
//! A writer of a collection locks its row first, so that writers take turns and what they read stays true. What data must look
//! like is decided by `collections::rules`, inside the transaction that writes it.
//!
//! An import becomes visible at once, however large: its rows carry its number, and are seen when its row says so. What it
//! leaves to be done then is done in small transactions, by whoever writes such a record first or by [`Collections::settle`].

mod answers;
mod by_index;
mod connector;
mod definitions;
mod entries;
mod events;
mod imports;
mod load;
mod matching;
mod read;
mod records;
mod rows;
mod session;
mod settle;
mod tasks;
mod trail;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use moka::sync::Cache;
use serde_json::Value;
use tokio::sync::{Notify, Semaphore};

use super::{Error, Inner};
use crate::collections::problems::Problems;
use crate::collections::rules::{DataError, Rules};
use crate::collections::value::NumberTooLarge;

pub use answers::Idempotency;
pub use definitions::NewCollection;
pub use events::Event;
#[cfg(test)]
pub(in crate::store) use imports::ROW_WITH_JOBS;
pub use imports::{Import, Match, OnMatch, Row, RowOutcome};
pub use read::{Narrowed, Scan};
pub use records::{IfMatch, Written};

/// What all handles of a process share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Rules by collection and revision: a schema takes longer to prepare than a record to write.
    rules: Cache<(i64, i64), Arc<Rules>>,
    /// Writers wait here instead of with a connection in their hands, which others need too.
    writers: Semaphore,
    /// How many transactions did not wait for SQLite's disk.
    unsynced: AtomicUsize,
    /// Told after changes that leave events or other work behind.
    changed: Notify,
}

/// How many transactions write to collections at once.
const WRITERS: usize = 3;
/// Collections whose rules are kept ready.
const RULES: u64 = 1_000;

impl Default for Shared {
    fn default() -> Self {
        let rules = Cache::builder().max_capacity(RULES).build();
        Self { rules, writers: Semaphore::new(WRITERS), unsynced: AtomicUsize::new(0), changed: Notify::new() }
    }
}

/// A collection as it is stored.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Its number.
    pub id: i64,
    /// The identity that survives export and import.
    pub uuid: String,
    /// Unique among collections and connectors.
    pub name: String,
    /// What it makes of records; its definition is in there.
    pub rules: Arc<Rules>,
    /// The number of the connector that was made with it, unless somebody removed that by hand.
    pub connector_id: Option<i64>,
    /// How many records it has.
    pub records: i64,
    /// Epoch milliseconds.
    pub created_at: i64,
    /// Epoch milliseconds.
    pub updated_at: i64,
    /// Records with smaller ids were there before it was emptied.
    pub(super) floor: i64,
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StoredRecord {
    /// Its number, never given again.
    pub id: i64,
    /// An object.
    pub data: Value,
    /// Counts its changes, from 1.
    pub version: i64,
    /// Epoch milliseconds.
    pub created_at: i64,
    /// Epoch milliseconds.
    pub updated_at: i64,
    /// The actor.
    pub created_by: String,
    /// The actor.
    pub updated_by: String,
    /// How long the data is as JSON, where it was read from the database.
    #[serde(skip)]
    pub bytes: usize,
}

/// Who writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `token:<id>`, `oidc:<sub>`, `cli:<user>`, `job:<job id>`.
    pub id: String,
    /// The name for people, where there is one.
    pub name: Option<String>,
    /// What the audit log says of changes of collections; nothing of those that jobs make.
    pub trail: Option<Trail>,
}

/// What the audit log says of a change besides who made it and what it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// The request that asked for it.
    pub request_id: Option<String>,
}

/// Why something of a collection was not done.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// There is no such collection.
    #[error("the collection is not there any more")]
    NoCollection,
    /// There is no such record.
    #[error("there is no such record")]
    NoRecord,
    /// It does not fit.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// It holds a number that cannot be stored.
    #[error(transparent)]
    Number(#[from] NumberTooLarge),
    /// The record is at another version.
    #[error("the record is at version {version} now, which `If-Match` does not name; read it again")]
    Precondition {
        /// The current one.
        version: i64,
    },
    /// The same idempotency key came with something else.
    #[error("this Idempotency-Key was used with another request; use a new key for it")]
    Mismatch,
    /// Something else is going on that lasts.
    #[error("an import into this collection is under way; try again when it has ended")]
    Busy,
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<DataError> for CollectionError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Invalid(problems) => Self::Invalid(problems),
            DataError::Number(number) => Self::Number(number),
        }
    }
}

/// Collections of records.
#[derive(Debug, Clone, Copy)]
pub struct Collections<'a>(pub(super) &'a Inner);

impl Collections<'_> {
    /// Done when this process changed something that leaves events or other work behind.
    pub async fn changed(self) {
        self.0.collections.changed.notified().await;
    }
}
