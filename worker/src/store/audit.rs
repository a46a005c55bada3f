//! The audit log: a row for each change, written in the change's transaction, each with the hash of the one before (API 7).
//! Number and hash of the newest row are kept apart, so that a tail that was cut off shows.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::database::on;
use super::{Error, Inner};
use crate::job;

/// What the first row names as the hash before it.
const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Rows that are read at once while the chain is verified.
const PAGE: i64 = 1_000;

/// A change, before it has its place in the log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who: `token:<id>`, `oidc:<sub>`, `cli:<user>`, `system`.
    pub actor: String,
    /// What: `connector.updated`.
    pub action: &'static str,
    /// To which: its uuid, id or path; what is made in the same transaction is named there.
    pub target: String,
    /// More about it, without values.
    pub detail: Value,
    /// The request that asked for it.
    pub request_id: Option<String>,
}

/// A row of the log.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    /// From 1, without gaps.
    pub seq: i64,
    /// Epoch milliseconds.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To which.
    pub target: String,
    /// JSON text.
    pub detail: String,
    /// The request that asked for it.
    pub request_id: Option<String>,
    /// The hash of the row before.
    pub previous: String,
    /// Of this row.
    pub hash: String,
}

/// What verifying the chain came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Rows that were read.
    pub entries: i64,
    /// The hash of the newest row.
    pub head: String,
    /// The first row that is not as it was written, or where one is missing.
    pub broken_at: Option<i64>,
}

pub(super) const TAKE_HEAD: &str = "UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash";
pub(super) const APPEND: &str = "INSERT INTO audit (seq, at, actor, action, target, detail, request_id, previous, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub(super) const SET_HEAD: &str = "UPDATE audit_head SET hash = $1, seq = $2 WHERE id = 1";
const COLUMNS: &str = "SELECT seq, at, actor, action, target, detail, request_id, previous, hash FROM audit";

/// Appends an entry within the transaction `$db` of the change: `append!(transaction, entry, now)`, with the database's clock
/// in epoch milliseconds. Whoever appends has the head locked until the transaction ends, so that the rows are in one order.
macro_rules! append {
    ($db:expr, $entry:expr, $now:expr) => {
        $crate::store::audit::append_all!($db, [$entry], $now)
    };
}
pub(super) use append;

/// The same for any number of entries, which take the head once.
macro_rules! append_all {
    ($db:expr, $entries:expr, $now:expr) => {{
        let mut entries = $entries.into_iter().peekable();
        if entries.peek().is_some() {
            let head: (i64, String) = sqlx::query_as($crate::store::audit::TAKE_HEAD).fetch_one(&mut *$db).await?;
            let (mut seq, mut previous) = head;
            for entry in entries {
                let row = $crate::store::audit::Row::next((seq, previous), entry, $now);
                sqlx::query($crate::store::audit::APPEND)
                    .bind(row.seq)
                    .bind(row.at)
                    .bind(&row.actor)
                    .bind(&row.action)
                    .bind(&row.target)
                    .bind(&row.detail)
                    .bind(&row.request_id)
                    .bind(&row.previous)
                    .bind(&row.hash)
                    .execute(&mut *$db)
                    .await?;
                (seq, previous) = (row.seq + 1, row.hash);
            }
            sqlx::query($crate::store::audit::SET_HEAD).bind(previous).bind(seq - 1).execute(&mut *$db).await?;
        }
    }};
}
pub(super) use append_all;

impl Row {
    /// The row of an entry after the head that was taken: the row's number and the hash before it.
    pub(super) fn next((seq, previous): (i64, String), entry: &Entry, at: i64) -> Self {
        let mut row = Self {
            seq,
            at,
            actor: entry.actor.replace('\0', "\u{fffd}"),
            action: entry.action.to_owned(),
            target: entry.target.replace('\0', "\u{fffd}"),
            detail: entry.detail.to_string().replace('\0', "\u{fffd}"),
            request_id: entry.request_id.clone(),
            previous: if seq == 1 { FIRST.to_owned() } else { previous },
            hash: String::new(),
        };
        row.hash = row.hash_of_content();
        row
    }

    /// The row as the API answers it.
    pub fn json(&self) -> Value {
        let mut row = self.content();
        row["hash"] = json!(self.hash);
        row
    }

    fn content(&self) -> Value {
        let detail: Value = serde_json::from_str(&self.detail).unwrap_or(Value::Null);
        json!({
            "seq": self.seq, "at": crate::store::audit::rfc3339(self.at), "actor": self.actor, "action": self.action,
            "target": self.target, "detail": detail, "request_id": self.request_id, "previous": self.previous,
        })
    }

    /// SHA-256 of the row's canonical JSON (RFC 8785) without `hash`, hexadecimal.
    fn hash_of_content(&self) -> String {
        let canonical = job::canonical(&self.content());
        Sha256::digest(canonical).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}

/// Epoch milliseconds as RFC 3339 in UTC, to the millisecond.
fn rfc3339(epoch_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(epoch_ms).unwrap_or_default();
    format!("{time:.3}")
}

/// The audit log.
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a>(pub(super) &'a Inner);

impl Audit<'_> {
    /// Writes an entry that belongs to no other change, such as a refusal.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn add(self, entry: &Entry) -> Result<(), Error> {
        let (begin, clock) = (self.0.database.begin(), self.0.database.clock());
        on!(&self.0.database, write db => {
            let mut transaction = sqlx::Connection::begin_with(db, begin).await?;
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
            append!(transaction, entry, now);
            transaction.commit().await?;
        })
    }

    /// Rows before `before`, the newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self, before: Option<i64>, limit: i64) -> Result<Vec<Row>, Error> {
        let statement = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE seq < $1 ORDER BY seq DESC LIMIT $2"));
        let before = before.unwrap_or(i64::MAX);
        on!(&self.0.database, read db => sqlx::query_as(statement).bind(before).bind(limit).fetch_all(db).await?)
    }

    /// Reads the whole chain and finds the first row that is not as it was written.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn verify(self) -> Result<Verified, Error> {
        let head: (i64, String) = on!(&self.0.database, read db =>
            sqlx::query_as("SELECT seq, hash FROM audit_head WHERE id = 1").fetch_one(db).await?)?;
        let (mut entries, mut previous) = (0, FIRST.to_owned());
        loop {
            let statement = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE seq > $1 ORDER BY seq LIMIT $2"));
            let rows: Vec<Row> = on!(&self.0.database, read db =>
                sqlx::query_as(statement).bind(entries).bind(PAGE).fetch_all(db).await?)?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let is_whole = row.seq == entries + 1 && row.previous == previous && row.hash == row.hash_of_content();
                if !is_whole {
                    return Ok(Verified { entries, head: previous, broken_at: Some(entries + 1) });
                }
                entries = row.seq;
                previous = row.hash;
            }
        }
        // Rows that were appended meanwhile are beyond the head that was read; fewer rows than it were cut off.
        let is_cut = entries < head.0;
        let is_other = entries == head.0 && entries > 0 && previous != head.1;
        let broken_at = if is_cut { Some(entries + 1) } else { is_other.then_some(entries) };
        Ok(Verified { entries, head: previous, broken_at })
    }
}
