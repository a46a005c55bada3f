//! The ledger on SQLite but for its batches: what is rare, over the connections of the pools.

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use super::known::{LockRows, ROWS};
use super::rollback::ClaimRollback;
use super::rows::{Payload, Row};
use super::{ANSWER_GRACE_MS, StoredResult};
use crate::store::Error;
use crate::store::database::{SQLITE_BEGIN, SQLITE_NOW};

static READ: LazyLock<String> = LazyLock::new(|| format!("{ROWS} j.id IN (SELECT value FROM json_each($1))"));
const ROLL_BACK: &str = "UPDATE jobs SET state = CASE $4 WHEN 1 THEN state ELSE 'waiting' END, worker_id = NULL,
    fence = fence + 1, attempt = attempt - 1 + $4, crashes = crashes - $4,
    due_at = CASE $4 WHEN 1 THEN NULL ELSE $5 END, updated_at = $5
    WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'sending'";
/// Jobs of the outbox whose result was not published by now become due by themselves.
const OPEN_OUTBOX: &str = "UPDATE jobs SET send_at = $1 WHERE id IN (SELECT job_id FROM outbox_jobs WHERE due_at <= $1)
    AND state = 'answered' AND send_at IS NULL";
const EMPTY_OUTBOX: &str = "DELETE FROM outbox WHERE due_at <= $1";
const DUE: &str = "SELECT p.job_id, j.engine, p.reply_address, j.copies, p.result FROM jobs j
    JOIN payloads p ON p.job_id = j.id WHERE j.state = 'answered' AND j.send_at <= $1 ORDER BY j.send_at LIMIT $2";
const SEND_LATER: &str = "UPDATE jobs SET send_at = $2 WHERE id = $1";

async fn begin(db: &mut SqliteConnection) -> Result<(Transaction<'_, Sqlite>, i64), Error> {
    let mut transaction = db.begin_with(SQLITE_BEGIN).await?;
    let now = sqlx::query_scalar(SQLITE_NOW).fetch_one(&mut *transaction).await?;
    Ok((transaction, now))
}

impl LockRows for SqliteConnection {
    async fn lock_rows(&mut self, ids: &[&str]) -> Result<(i64, HashMap<String, Row>), Error> {
        let now = sqlx::query_scalar(SQLITE_NOW).fetch_one(&mut *self).await?;
        let ids = serde_json::json!(ids).to_string();
        let rows: Vec<Row> = sqlx::query_as(READ.as_str()).bind(ids).fetch_all(self).await?;
        Ok((now, rows.into_iter().map(|row| (row.id.clone(), row)).collect()))
    }
}

/// Undoes grants.
pub(super) async fn roll_back(
    db: &mut SqliteConnection,
    worker: &str,
    rollbacks: &[ClaimRollback],
) -> Result<(), Error> {
    let (mut transaction, now) = begin(db).await?;
    for one in rollbacks {
        sqlx::query(ROLL_BACK)
            .bind(&one.id)
            .bind(one.fence)
            .bind(worker)
            .bind(i64::from(one.taken_over))
            .bind(now)
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// Returns what is due, to one caller.
pub(super) async fn sweep(db: &mut SqliteConnection, limit: u32) -> Result<Vec<StoredResult>, Error> {
    let (mut transaction, now) = begin(db).await?;
    sqlx::query(OPEN_OUTBOX).bind(now).execute(&mut *transaction).await?;
    sqlx::query(EMPTY_OUTBOX).bind(now).execute(&mut *transaction).await?;
    let due: Vec<Payload> = sqlx::query_as(DUE).bind(now).bind(i64::from(limit)).fetch_all(&mut *transaction).await?;
    let due: Vec<StoredResult> = due.into_iter().map(StoredResult::from).collect();
    for result in &due {
        sqlx::query(SEND_LATER).bind(&result.job_id).bind(now + ANSWER_GRACE_MS).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(due)
}
