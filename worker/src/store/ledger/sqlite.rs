//! The ledger's batches on SQLite: one transaction each, the writer's lock taken at its beginning.

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Connection, Sqlite, SqliteConnection, Transaction};

use super::batch::{BatchView, Written};
use super::columns::{RECORD, REPLACE_PAYLOAD, RecordColumns, add_row, claim_columns, names, placeholders};
use super::decide::{Reply, to_recorded};
use super::known::{LockRows, ROWS};
use super::rollback::ClaimRollback;
use super::rows::{Payload, Row};
use super::{ANSWER_GRACE_MS, ClaimRequest, Record, Recorded, StoredResult};
use crate::store::Error;
use crate::store::database::{SQLITE_BEGIN, SQLITE_NOW};

/// Arguments: time, worker, then those of the claim.
static CLAIM: LazyLock<String> = LazyLock::new(|| {
    let columns = claim_columns();
    format!(
        "INSERT INTO jobs ({}, state, fence, worker_id, created_at, updated_at) VALUES ({}, 'sending', 1, $2, $1, $1)
        ON CONFLICT (id) DO NOTHING",
        names(&columns),
        placeholders(&columns, 3)
    )
});
/// Arguments: time, then those of the record.
static UPDATE: LazyLock<String> = LazyLock::new(|| {
    let columns = RecordColumns::of_job();
    format!(
        "WITH clock (now) AS (SELECT $1), u ({}) AS (SELECT {}) {RECORD} RETURNING state, copies",
        names(&columns),
        placeholders(&columns, 2)
    )
});
/// Arguments: job, time, then those of the record.
static STORE_PAYLOAD: LazyLock<String> = LazyLock::new(|| {
    let columns = RecordColumns::of_payload();
    format!(
        "INSERT INTO payloads (job_id, stored_at, {}) VALUES ($1, $2, {}) {REPLACE_PAYLOAD}",
        names(&columns),
        placeholders(&columns, 3)
    )
});
static READ: LazyLock<String> = LazyLock::new(|| format!("{ROWS} j.id = $1"));
const PUBLISHED: &str =
    "UPDATE jobs SET state = 'published', send_at = NULL, updated_at = $2 WHERE id = $1 AND state = 'answered'";
const OUTBOX: &str = "INSERT INTO outbox (jobs, due_at) VALUES ($1, $2)";
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

/// Writes a batch; `None` for records whose row is not as it was granted, and for claims of jobs that have a row.
pub(super) async fn write(db: &mut SqliteConnection, worker: &str, batch: &BatchView) -> Result<Written, Error> {
    let (mut transaction, now) = begin(db).await?;
    for id in &batch.published {
        sqlx::query(PUBLISHED).bind(id).bind(now).execute(&mut *transaction).await?;
    }
    let (mut written, mut answered) = (Written::default(), Vec::new());
    for record in &batch.records {
        let recorded = write_record(&mut transaction, record, now).await?;
        if matches!(recorded, Some(Recorded::Done | Recorded::Copied(_))) && record.is_to_send() {
            answered.push(record.id());
        }
        written.records.push(recorded);
    }
    if !answered.is_empty() {
        let jobs = serde_json::json!(answered).to_string();
        sqlx::query(OUTBOX).bind(jobs).bind(now + ANSWER_GRACE_MS).execute(&mut *transaction).await?;
    }
    for claim in &batch.claims {
        written.claims.push(write_claim(&mut transaction, worker, claim, now).await?);
    }
    transaction.commit().await?;
    Ok(written)
}

async fn write_claim(
    db: &mut SqliteConnection,
    worker: &str,
    claim: &ClaimRequest,
    now: i64,
) -> Result<Option<Reply>, Error> {
    let mut arguments = SqliteArguments::default();
    arguments.add(now).map_err(sqlx::Error::Encode)?;
    arguments.add(worker).map_err(sqlx::Error::Encode)?;
    add_row(&mut arguments, &claim_columns(), claim)?;
    let is_new = sqlx::query_with(CLAIM.as_str(), arguments).execute(db).await?.rows_affected() == 1;
    Ok(is_new.then(|| Reply::first(claim, now)))
}

async fn write_record(db: &mut SqliteConnection, record: &Record, now: i64) -> Result<Option<Recorded>, Error> {
    let record = RecordColumns::of(record);
    let mut arguments = SqliteArguments::default();
    arguments.add(now).map_err(sqlx::Error::Encode)?;
    add_row(&mut arguments, &RecordColumns::of_job(), &record)?;
    let written: Option<(String, Option<Vec<u8>>)> =
        sqlx::query_as_with(UPDATE.as_str(), arguments).fetch_optional(&mut *db).await?;
    let Some((state, copies)) = written else { return Ok(None) };
    if record.result.is_some() {
        let mut arguments = SqliteArguments::default();
        arguments.add(record.id).map_err(sqlx::Error::Encode)?;
        arguments.add(now).map_err(sqlx::Error::Encode)?;
        add_row(&mut arguments, &RecordColumns::of_payload(), &record)?;
        sqlx::query_with(STORE_PAYLOAD.as_str(), arguments).execute(db).await?;
    }
    Ok(Some(to_recorded(&state, copies.as_deref())))
}

impl LockRows for SqliteConnection {
    async fn lock_rows(&mut self, ids: &[&str]) -> Result<(i64, HashMap<String, Row>), Error> {
        let now = sqlx::query_scalar(SQLITE_NOW).fetch_one(&mut *self).await?;
        let mut rows = HashMap::new();
        for id in ids {
            let row: Option<Row> = sqlx::query_as(READ.as_str()).bind(*id).fetch_optional(&mut *self).await?;
            rows.extend(row.map(|row| (row.id.clone(), row)));
        }
        Ok((now, rows))
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
