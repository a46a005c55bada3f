//! The ledger's batches on PostgreSQL: one statement for all that waits, row locks only for jobs that have a row.
//!
//! Batches come sorted by id, so that workers with the same jobs in hand wait for each other instead of locking up.

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlx::postgres::PgArguments;
use sqlx::{Connection, PgConnection};

use super::batch::{BatchView, CLAIMS, PUBLISHED, RECORDS, Written};
use super::columns::{REPLACE_PAYLOAD, RecordColumns, add, add_arrays, claim_columns, names, unnest};
use super::decide::{Reply, to_recorded};
use super::known::{LockRows, ROWS};
use super::rollback::ClaimRollback;
use super::rows::{Payload, Row};
use super::{ANSWER_GRACE_MS, StoredResult};
use crate::store::Error;
use crate::store::database::POSTGRES_NOW;

/// The rows are locked by a statement of their own: leases are then read as they are once the locks are there.
const LOCK: &str = "SELECT id FROM jobs WHERE id = ANY($1) ORDER BY id COLLATE \"C\" FOR UPDATE";
static READ: LazyLock<String> = LazyLock::new(|| format!("{ROWS} j.id = ANY($1)"));

/// All that waits, in one statement, for each set of kinds: a part with nothing to do costs the server nearly as much as one
/// with a single row, and while little happens, most batches have one row.
static WRITE: LazyLock<[String; 8]> = LazyLock::new(|| std::array::from_fn(statement));

/// The statement for a set of kinds. Arguments: published ids; how soon answers are looked after, and the columns of records;
/// the worker, and the columns of claims. What was answered together has one row of the outbox: a date in each job's own row
/// would cost an entry in every index whenever it comes or goes.
fn statement(kinds: usize) -> String {
    let mut parts = vec!["clock AS (SELECT now_ms() AS now)".to_owned()];
    let (mut written, mut next) = (Vec::new(), 1);
    if kinds & PUBLISHED != 0 {
        parts.push(format!(
            "sent AS (
            UPDATE jobs SET state = 'published', send_at = NULL, updated_at = clock.now FROM clock
            WHERE id = ANY(${next}) AND state = 'answered')"
        ));
        next += 1;
    }
    if kinds & RECORDS != 0 {
        let payload = names(&RecordColumns::of_payload());
        let columns: Vec<_> = RecordColumns::of_job().into_iter().chain(RecordColumns::of_payload()).collect();
        let records = unnest(&columns, next + 1);
        parts.push(format!(
            "u AS (SELECT * FROM {records}),
        done AS ({RECORD} RETURNING jobs.id AS job_id, jobs.state, jobs.updated_at, jobs.copies, {payload}),
        stored AS (
            INSERT INTO payloads (job_id, stored_at, {payload})
            SELECT job_id, updated_at, {payload} FROM done WHERE result IS NOT NULL {REPLACE_PAYLOAD}),
        sending AS (
            INSERT INTO outbox (jobs, due_at) SELECT ARRAY_AGG(job_id), MAX(updated_at) + ${next} FROM done
            WHERE state = 'answered' HAVING COUNT(*) > 0)"
        ));
        written.push("SELECT job_id, state, NULL::BIGINT, copies FROM done");
        next += 1 + columns.len();
    }
    if kinds & CLAIMS != 0 {
        let (claimed, claims) = (names(&claim_columns()), unnest(&claim_columns(), next + 1));
        parts.push(format!(
            "claimed AS (
            INSERT INTO jobs ({claimed}, state, fence, worker_id, created_at, updated_at)
            SELECT {claimed}, 'sending', 1, ${next}, clock.now, clock.now FROM clock, {claims}
            ON CONFLICT (id) DO NOTHING RETURNING id, created_at)"
        ));
        written.push("SELECT id, NULL::TEXT, created_at, NULL::BYTEA FROM claimed");
    }
    format!("WITH {} {}", parts.join(", "), written.join(" UNION ALL "))
}

/// Updates rows from records `u` at the time of `clock`. A job that was cancelled keeps its state, with what it ended with.
const RECORD: &str = "UPDATE jobs SET state = CASE jobs.state WHEN 'cancelled' THEN jobs.state ELSE u.state END,
    due_at = CASE WHEN jobs.state <> 'cancelled' AND u.state = 'waiting' THEN clock.now + u.wait END,
    silent_since = CASE WHEN u.is_silence = 1 THEN jobs.silent_since END,
    history = u.history, code = u.code, http_status = u.http_status, duration_ms = u.duration_ms, updated_at = clock.now
    FROM u, clock WHERE jobs.id = u.id AND jobs.fence = u.fence AND jobs.state IN ('sending', 'cancelled')";

/// Such marks alone wait for no disk: one that gets lost only lets a result be sent once more.
const MARK_PUBLISHED: &str = "UPDATE jobs SET state = 'published', send_at = NULL, updated_at = clock.now
    FROM (SELECT now_ms() AS now, set_config('synchronous_commit', 'off', true)) AS clock
    WHERE id = ANY($1) AND state = 'answered'";
const ROLL_BACK: &str =
    "UPDATE jobs SET state = CASE u.taken_over WHEN 1 THEN state ELSE 'waiting' END, worker_id = NULL,
        fence = jobs.fence + 1, attempt = attempt - 1 + u.taken_over, crashes = crashes - u.taken_over,
        due_at = CASE u.taken_over WHEN 1 THEN NULL ELSE now_ms() END, updated_at = now_ms()
    FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::BIGINT[]) AS u (id, fence, taken_over)
    WHERE jobs.id = u.id AND jobs.fence = u.fence AND jobs.worker_id = $4 AND jobs.state = 'sending'";
/// One for each statement, until the end of the transaction: of two that drop the same rows one would wait for the other, and
/// then drop nothing.
const DROPS: &str = "SELECT pg_try_advisory_xact_lock(hashtext($1))";
/// Jobs of the outbox whose result was not published by then become due by themselves; returns how many of its rows were read.
const OPEN_OUTBOX: &str = "WITH opened AS (
        DELETE FROM outbox WHERE id = ANY(ARRAY(SELECT id FROM outbox WHERE due_at <= (SELECT now_ms()) ORDER BY due_at
            LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING jobs),
    unsent AS (
        UPDATE jobs SET send_at = now_ms() WHERE id = ANY(ARRAY(SELECT UNNEST(jobs) FROM opened))
            AND state = 'answered' AND send_at IS NULL)
    SELECT COUNT(*) FROM opened";
const SWEEP: &str = "WITH due AS (
        SELECT id FROM jobs WHERE state = 'answered' AND send_at <= (SELECT now_ms()) ORDER BY send_at LIMIT $1
        FOR UPDATE SKIP LOCKED),
    later AS (UPDATE jobs SET send_at = now_ms() + $2 FROM due WHERE jobs.id = due.id RETURNING jobs.id, jobs.engine, jobs.copies)
    SELECT p.job_id, later.engine, p.reply_address, later.copies, p.result FROM payloads p JOIN later ON later.id = p.job_id";

/// Rows of the outbox that are opened in one go.
const OPENED: i64 = 1_000;

/// Writes a batch; `None` for records whose row is not as it was granted, and for claims of jobs that have a row.
pub(super) async fn write(db: &mut PgConnection, worker: &str, batch: &BatchView) -> Result<Written, Error> {
    let records: Vec<RecordColumns<'_>> = batch.records.iter().map(|record| RecordColumns::of(record)).collect();
    let (mut arguments, kinds) = (PgArguments::default(), batch.kinds());
    if kinds & PUBLISHED != 0 {
        add(&mut arguments, batch.published.as_slice())?;
    }
    if kinds & RECORDS != 0 {
        add(&mut arguments, ANSWER_GRACE_MS)?;
        add_arrays(&mut arguments, &RecordColumns::of_job(), &records)?;
        add_arrays(&mut arguments, &RecordColumns::of_payload(), &records)?;
    }
    if kinds & CLAIMS != 0 {
        add(&mut arguments, worker)?;
        add_arrays(&mut arguments, &claim_columns(), &batch.claims)?;
    }
    let statement = WRITE.get(kinds).map_or("", String::as_str);
    let rows = sqlx::query_as_with(statement, arguments).fetch_all(db).await?;
    Ok(to_written(batch, rows))
}

/// A row that was written: id, state of a record, time of a claim, addresses of a record's copies.
type WrittenRow = (String, Option<String>, Option<i64>, Option<Vec<u8>>);

/// The rows that were written, as replies.
fn to_written(batch: &BatchView, rows: Vec<WrittenRow>) -> Written {
    let (mut states, mut times) = (HashMap::new(), HashMap::new());
    for (id, state, time, copies) in rows {
        match state {
            Some(state) => drop(states.insert(id, to_recorded(&state, copies.as_deref()))),
            None => drop(times.insert(id, time.unwrap_or_default())),
        }
    }
    Written {
        records: batch.records.iter().map(|record| states.remove(record.id())).collect(),
        claims: batch.claims.iter().map(|claim| times.get(&claim.id).map(|now| Reply::first(claim, *now))).collect(),
    }
}

impl LockRows for PgConnection {
    async fn lock_rows(&mut self, ids: &[&str]) -> Result<(i64, HashMap<String, Row>), Error> {
        // A row that is inserted after this statement is not locked, and must not be read: it would be changed out of order.
        let locked: Vec<String> = sqlx::query_scalar(LOCK).bind(ids).fetch_all(&mut *self).await?;
        let now = sqlx::query_scalar(POSTGRES_NOW).fetch_one(&mut *self).await?;
        let rows: Vec<Row> = sqlx::query_as(READ.as_str()).bind(locked).fetch_all(self).await?;
        Ok((now, rows.into_iter().map(|row| (row.id.clone(), row)).collect()))
    }
}

pub(super) async fn published(db: &mut PgConnection, ids: &[String]) -> Result<(), Error> {
    sqlx::query(MARK_PUBLISHED).bind(ids).execute(db).await?;
    Ok(())
}

pub(super) async fn drop_old(
    db: &mut PgConnection,
    statement: &'static str,
    before: i64,
    most: i64,
    from: i64,
) -> Result<Vec<i64>, Error> {
    let mut transaction = db.begin().await?;
    let is_ours: bool = sqlx::query_scalar(DROPS).bind(statement).fetch_one(&mut *transaction).await?;
    if !is_ours {
        transaction.rollback().await?;
        return Ok(Vec::new());
    }
    let dropping = sqlx::query_scalar(statement).bind(before).bind(most).bind(from);
    let ages = dropping.fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(ages)
}

/// Undoes grants.
pub(super) async fn roll_back(db: &mut PgConnection, worker: &str, rollbacks: &[ClaimRollback]) -> Result<(), Error> {
    sqlx::query(ROLL_BACK)
        .bind(rollbacks.iter().map(|one| one.id.as_str()).collect::<Vec<_>>())
        .bind(rollbacks.iter().map(|one| one.fence).collect::<Vec<_>>())
        .bind(rollbacks.iter().map(|one| i64::from(one.taken_over)).collect::<Vec<_>>())
        .bind(worker)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns what is due, to one caller. One transaction: what is given up in the middle goes to nobody.
pub(super) async fn sweep(db: &mut PgConnection, limit: u32) -> Result<Vec<StoredResult>, Error> {
    let mut transaction = db.begin().await?;
    while sqlx::query_scalar::<_, i64>(OPEN_OUTBOX).bind(OPENED).fetch_one(&mut *transaction).await? == OPENED {}
    let due = sqlx::query_as(SWEEP).bind(i64::from(limit)).bind(ANSWER_GRACE_MS);
    let due: Vec<Payload> = due.fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(due.into_iter().map(StoredResult::from).collect())
}
