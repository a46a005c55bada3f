//! The ledger's batches on SQLite: one transaction each, the writer's lock taken at its beginning.

use std::sync::Arc;

use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};

use super::batch::{Questions, Written};
use super::columns::Columns;
use super::decide::{Decision, Take, apart, decide, recorded, recorded_as};
use super::{ANSWER_GRACE_MS, Claim, ClaimRequest, Payload, RESULT, Record, Recorded, Row, Said, StoredResult, Undo};
use crate::store::Error;
use crate::store::database::SQLITE_NOW;

const INSERT: &str = "INSERT INTO jobs (id, job_hash, state, attempt, fence, worker_id, repeat_safe, idempotency_key,
    request_hash, engine, process, request, element, connector, resource, created_at, updated_at)
    VALUES ($1, $2, 'sending', $3, 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14) ON CONFLICT (id) DO NOTHING";
const READ: &str = "SELECT j.*, w.seen_until FROM jobs j LEFT JOIN workers w ON w.id = j.worker_id WHERE j.id = $1";
const TAKE: &str = "UPDATE jobs SET state = 'sending', attempt = $2, fence = $3, crashes = $4, worker_id = $5,
    repeat_safe = $6, request_hash = $7, due_at = NULL, updated_at = $8 WHERE id = $1";
const PARK: &str = "UPDATE jobs SET state = 'parked', crashes = $2, fence = fence + 1, updated_at = $3 WHERE id = $1";
const LEARN: &str = "UPDATE jobs SET job_hash = $2, engine = $3, process = $4, request = $5, element = $6,
    connector = $7, resource = $8 WHERE id = $1";
const RECORD: &str = "UPDATE jobs SET state = CASE state WHEN 'cancelled' THEN state ELSE $3 END,
    due_at = CASE state WHEN 'cancelled' THEN NULL ELSE $4 END,
    send_at = CASE state WHEN 'cancelled' THEN NULL ELSE $10 END,
    history = $5, code = $6, http_status = $7, duration_ms = $8, updated_at = $9
    WHERE id = $1 AND fence = $2 AND state IN ('sending', 'cancelled') RETURNING state";
const KEEP: &str = "INSERT INTO payloads (job_id, result, reply_address, stored_at, job, queue)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (job_id) DO UPDATE SET result = excluded.result,
    reply_address = excluded.reply_address, stored_at = excluded.stored_at, job = excluded.job, queue = excluded.queue";
const STANDING: &str = "SELECT j.state, p.result FROM jobs j LEFT JOIN payloads p ON p.job_id = j.id
    WHERE j.id = $1 AND j.fence = $2";
const PUBLISHED: &str =
    "UPDATE jobs SET state = 'published', send_at = NULL, updated_at = $2 WHERE id = $1 AND state = 'answered'";
const UNDO: &str = "UPDATE jobs SET state = CASE $4 WHEN 1 THEN state ELSE 'waiting' END, worker_id = NULL,
    fence = fence + 1, attempt = attempt - 1 + $4, crashes = crashes - $4,
    due_at = CASE $4 WHEN 1 THEN NULL ELSE $5 END, updated_at = $5
    WHERE id = $1 AND fence = $2 AND worker_id = $3 AND state = 'sending'";
const DUE: &str = "SELECT p.job_id, j.engine, p.reply_address, p.result FROM jobs j
    JOIN payloads p ON p.job_id = j.id WHERE j.state = 'answered' AND j.send_at <= $1 ORDER BY j.send_at LIMIT $2";

async fn begin(db: &mut SqliteConnection) -> Result<(Transaction<'_, Sqlite>, i64), Error> {
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await?;
    let now = sqlx::query_scalar(SQLITE_NOW).fetch_one(&mut *transaction).await?;
    Ok((transaction, now))
}

/// Writes a batch; `None` for records whose row is not as it was granted, and for claims of jobs that have a row.
pub(super) async fn write(db: &mut SqliteConnection, worker: &str, batch: &Questions) -> Result<Written, Error> {
    let (mut transaction, now) = begin(db).await?;
    for id in &batch.published {
        sqlx::query(PUBLISHED).bind(id).bind(now).execute(&mut *transaction).await?;
    }
    let mut written = Written::default();
    for record in &batch.records {
        written.records.push(record_one(&mut transaction, record, now).await?);
    }
    for claim in &batch.claims {
        written.claims.push(claim_one(&mut transaction, worker, claim, now).await?);
    }
    transaction.commit().await?;
    Ok(written)
}

async fn claim_one(
    db: &mut SqliteConnection,
    worker: &str,
    claim: &ClaimRequest,
    now: i64,
) -> Result<Option<Said>, Error> {
    let inserted = sqlx::query(INSERT)
        .bind(&claim.id)
        .bind(claim.job_hash.as_slice())
        .bind(i64::from(claim.attempt.max(1)))
        .bind(worker)
        .bind(i64::from(claim.repeat_safe))
        .bind(&claim.idempotency_key)
        .bind(claim.request_hash.as_ref().map(<[u8; 32]>::as_slice))
        .bind(&claim.engine)
        .bind(&claim.process)
        .bind(&claim.request)
        .bind(&claim.element)
        .bind(&claim.connector)
        .bind(&claim.resource)
        .bind(now);
    let is_new = inserted.execute(db).await?.rows_affected() == 1;
    Ok(is_new.then(|| Said::first(claim, now)))
}

/// Decides about jobs that have a row; `None` where it has just been dropped. `undos` is what a lost commit may have granted.
pub(super) async fn known(
    db: &mut SqliteConnection,
    worker: &str,
    requests: &[Arc<ClaimRequest>],
    mut crashes: i64,
    undos: &mut Vec<Undo>,
) -> Result<Vec<Option<Said>>, Error> {
    let (mut transaction, now) = begin(db).await?;
    let mut said = Vec::with_capacity(requests.len());
    for request in requests {
        let row: Option<Row> = sqlx::query_as(READ).bind(&request.id).fetch_optional(&mut *transaction).await?;
        let Some(row) = row else {
            said.push(None);
            continue;
        };
        let decision = apart(decide(&row, request, now), &mut crashes);
        let one = apply(&mut transaction, decision, worker, request, now).await?;
        undos.extend(one.undo.clone());
        said.push(Some(one));
    }
    transaction.commit().await?;
    Ok(said)
}

async fn apply(
    db: &mut SqliteConnection,
    decision: Decision,
    worker: &str,
    request: &ClaimRequest,
    now: i64,
) -> Result<Said, Error> {
    let claim = match decision {
        Decision::Take(take) => return apply_take(db, *take, worker, request, now).await,
        Decision::Say(claim) => claim,
        Decision::HandOut => {
            let stored: Option<Payload> = sqlx::query_as(RESULT).bind(&request.id).fetch_optional(db).await?;
            stored.map_or(Claim::Published, |stored| Claim::Answered(stored.into()))
        }
        Decision::Park { crashes } => {
            sqlx::query(PARK).bind(&request.id).bind(crashes).bind(now).execute(db).await?;
            Claim::Parked
        }
        Decision::LearnHash => {
            sqlx::query(LEARN)
                .bind(&request.id)
                .bind(request.job_hash.as_slice())
                .bind(&request.engine)
                .bind(&request.process)
                .bind(&request.request)
                .bind(&request.element)
                .bind(&request.connector)
                .bind(&request.resource)
                .execute(db)
                .await?;
            Claim::Cancelled
        }
    };
    Ok(Said { claim, undo: None })
}

async fn apply_take(
    db: &mut SqliteConnection,
    take: Take,
    worker: &str,
    request: &ClaimRequest,
    now: i64,
) -> Result<Said, Error> {
    sqlx::query(TAKE)
        .bind(&request.id)
        .bind(take.attempt)
        .bind(take.fence)
        .bind(take.crashes)
        .bind(worker)
        .bind(take.repeat_safe)
        .bind(&take.request_hash)
        .bind(now)
        .execute(db)
        .await?;
    Ok(take.said)
}

async fn record_one(db: &mut SqliteConnection, record: &Record, now: i64) -> Result<Option<Recorded>, Error> {
    let columns = Columns::of(record);
    let written: Option<String> = sqlx::query_scalar(RECORD)
        .bind(columns.id)
        .bind(columns.fence)
        .bind(columns.state)
        .bind(columns.due_in.map(|wait| now.saturating_add(wait)))
        .bind(&columns.history)
        .bind(columns.code)
        .bind(columns.http_status)
        .bind(columns.duration_ms)
        .bind(now)
        .bind(columns.send_in.map(|wait| now.saturating_add(wait)))
        .fetch_optional(&mut *db)
        .await?;
    let Some(state) = written else { return Ok(None) };
    if let Some(result) = columns.result {
        sqlx::query(KEEP)
            .bind(columns.id)
            .bind(&result.body)
            .bind(&result.reply_address)
            .bind(now)
            .bind(columns.job.map(|job| job.body.as_slice()))
            .bind(columns.job.map(|job| job.queue.as_str()))
            .execute(db)
            .await?;
    }
    Ok(Some(recorded_as(&state)))
}

/// What became of a record whose row is not as it was granted.
pub(super) async fn standing(db: &mut SqliteConnection, record: &Record) -> Result<Recorded, Error> {
    let statement = sqlx::query_as(STANDING).bind(record.id()).bind(record.fence());
    let standing: Option<(String, Option<Vec<u8>>)> = statement.fetch_optional(db).await?;
    let (state, stored) = standing.unzip();
    Ok(recorded(record, state.as_deref(), stored.flatten().as_deref()))
}

/// Takes grants back that nobody heard of.
pub(super) async fn undo(db: &mut SqliteConnection, worker: &str, undos: &[Undo]) -> Result<(), Error> {
    let (mut transaction, now) = begin(db).await?;
    for undo in undos {
        sqlx::query(UNDO)
            .bind(&undo.id)
            .bind(undo.fence)
            .bind(worker)
            .bind(i64::from(undo.taken_over))
            .bind(now)
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

pub(super) async fn sweep(db: &mut SqliteConnection, limit: u32) -> Result<Vec<StoredResult>, Error> {
    let (mut transaction, now) = begin(db).await?;
    let due: Vec<Payload> = sqlx::query_as(DUE).bind(now).bind(i64::from(limit)).fetch_all(&mut *transaction).await?;
    for result in &due {
        let later = "UPDATE jobs SET send_at = $2 WHERE id = $1";
        sqlx::query(later).bind(&result.job_id).bind(now + ANSWER_GRACE_MS).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(due.into_iter().map(StoredResult::from).collect())
}
