//! The ledger's batches on PostgreSQL: one statement for all that waits, row locks only for jobs that are known.
//!
//! Batches come sorted by id, so that workers with the same jobs in hand wait for each other instead of locking up.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{Connection, PgConnection};

use super::batch::{Questions, Written};
use super::columns::Columns;
use super::decide::{Decision, Take, apart, decide, recorded, recorded_as};
use super::{ANSWER_GRACE_MS, Claim, ClaimRequest, Payload, RESULT, Record, Recorded, Row, Said, StoredResult, Undo};
use crate::store::Error;
use crate::store::database::{POSTGRES_NOW, limit_transaction};

/// The rows are locked by a statement of their own: leases are then read as they are once the locks are held.
const LOCK: &str = "SELECT id FROM jobs WHERE id = ANY($1) ORDER BY id COLLATE \"C\" FOR UPDATE";
const READ: &str =
    "SELECT j.*, w.seen_until FROM jobs j LEFT JOIN workers w ON w.id = j.worker_id WHERE j.id = ANY($1)";
const TAKE: &str = "UPDATE jobs SET state = 'sending', attempt = $2, fence = $3, crashes = $4, worker_id = $5,
    repeat_safe = $6, request_hash = $7, due_at = NULL, updated_at = $8 WHERE id = $1";
const PARK: &str = "UPDATE jobs SET state = 'parked', crashes = $2, fence = fence + 1, updated_at = $3 WHERE id = $1";
const LEARN: &str = "UPDATE jobs SET job_hash = $2, engine = $3, process = $4, request = $5, element = $6,
    connector = $7, resource = $8 WHERE id = $1";
/// Everything that waits, in one statement: what was published, what ended, what is new. What was answered together has
/// one row of the outbox: a date in each job's own row would be an entry more in every index whenever it comes or goes.
const WRITE: &str = "WITH clock AS (SELECT now_ms() AS now),
    sent AS (
        UPDATE jobs SET state = 'published', send_at = NULL, updated_at = clock.now FROM clock
        WHERE id = ANY($1) AND state = 'answered'),
    u AS (
        SELECT * FROM UNNEST($2::TEXT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[], $6::BYTEA[], $7::TEXT[], $8::BIGINT[],
            $9::BIGINT[], $10::BYTEA[], $11::BYTEA[], $12::BYTEA[], $13::TEXT[])
            AS u (id, fence, state, wait, history, code, http_status, duration_ms, result, reply_address, job, queue)),
    done AS (
        UPDATE jobs SET state = CASE jobs.state WHEN 'cancelled' THEN jobs.state ELSE u.state END,
            due_at = CASE WHEN jobs.state <> 'cancelled' AND u.state = 'waiting' THEN clock.now + u.wait END,
            history = u.history, code = u.code, http_status = u.http_status, duration_ms = u.duration_ms,
            updated_at = clock.now
        FROM u, clock WHERE jobs.id = u.id AND jobs.fence = u.fence AND jobs.state IN ('sending', 'cancelled')
        RETURNING jobs.id, jobs.state, jobs.updated_at, u.result, u.reply_address, u.job, u.queue),
    kept AS (
        INSERT INTO payloads (job_id, result, reply_address, stored_at, job, queue)
        SELECT id, result, reply_address, updated_at, job, queue FROM done WHERE result IS NOT NULL
        ON CONFLICT (job_id) DO UPDATE SET result = excluded.result, reply_address = excluded.reply_address,
            stored_at = excluded.stored_at, job = excluded.job, queue = excluded.queue),
    sending AS (
        INSERT INTO outbox (jobs, due_at) SELECT ARRAY_AGG(id), MAX(updated_at) + $27 FROM done
        WHERE state = 'answered' HAVING COUNT(*) > 0),
    claimed AS (
        INSERT INTO jobs (id, job_hash, state, attempt, fence, worker_id, repeat_safe, idempotency_key,
            request_hash, engine, process, request, element, connector, resource, created_at, updated_at)
        SELECT id, job_hash, 'sending', attempt, 1, $14, repeat_safe, idempotency_key, request_hash, engine, process,
            request, element, connector, resource, clock.now, clock.now
        FROM clock, UNNEST($15::TEXT[], $16::BYTEA[], $17::BIGINT[], $18::BIGINT[], $19::TEXT[],
            $20::BYTEA[], $21::TEXT[], $22::TEXT[], $23::TEXT[], $24::TEXT[], $25::TEXT[], $26::TEXT[])
            AS u (id, job_hash, attempt, repeat_safe, idempotency_key, request_hash, engine, process, request, element,
                connector, resource)
        ON CONFLICT (id) DO NOTHING RETURNING id, created_at)
    SELECT id, state, NULL::BIGINT FROM done UNION ALL SELECT id, NULL, created_at FROM claimed";
const STANDING: &str = "SELECT j.state, p.result FROM jobs j LEFT JOIN payloads p ON p.job_id = j.id
    WHERE j.id = $1 AND j.fence = $2";
/// Such marks alone wait for no disk: one that gets lost only lets a result be sent once more.
const PUBLISHED: &str = "UPDATE jobs SET state = 'published', send_at = NULL, updated_at = clock.now
    FROM (SELECT now_ms() AS now, set_config('synchronous_commit', 'off', true)) AS clock
    WHERE id = ANY($1) AND state = 'answered'";
const UNDO: &str = "UPDATE jobs SET state = CASE u.taken_over WHEN 1 THEN state ELSE 'waiting' END, worker_id = NULL,
        fence = jobs.fence + 1, attempt = attempt - 1 + u.taken_over, crashes = crashes - u.taken_over,
        due_at = CASE u.taken_over WHEN 1 THEN NULL ELSE now_ms() END, updated_at = now_ms()
    FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::BIGINT[]) AS u (id, fence, taken_over)
    WHERE jobs.id = u.id AND jobs.fence = u.fence AND jobs.worker_id = $4 AND jobs.state = 'sending'";
/// Held to the transaction's end, one for each statement: of two that drop the same rows one would wait for the other, and
/// then drop nothing.
const DROPS: &str = "SELECT pg_try_advisory_xact_lock(hashtext($1))";
/// Answers of the outbox that are still to be sent become due by themselves; returns how many rows were looked at.
const OPEN: &str = "WITH looked AS (
        DELETE FROM outbox WHERE id = ANY(ARRAY(SELECT id FROM outbox WHERE due_at <= (SELECT now_ms()) ORDER BY due_at
            LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING jobs),
    unsent AS (
        UPDATE jobs SET send_at = now_ms() WHERE id = ANY(ARRAY(SELECT UNNEST(jobs) FROM looked))
            AND state = 'answered' AND send_at IS NULL)
    SELECT COUNT(*) FROM looked";
const SWEEP: &str = "WITH due AS (
        SELECT id FROM jobs WHERE state = 'answered' AND send_at <= (SELECT now_ms()) ORDER BY send_at LIMIT $1
        FOR UPDATE SKIP LOCKED),
    later AS (UPDATE jobs SET send_at = now_ms() + $2 FROM due WHERE jobs.id = due.id RETURNING jobs.id, jobs.engine)
    SELECT p.job_id, later.engine, p.reply_address, p.result
    FROM payloads p JOIN later ON later.id = p.job_id";

/// Rows of the outbox that are looked at in one go.
const LOOKED: i64 = 1_000;

/// Writes a batch; `None` for records whose row is not as it was granted, and for claims of jobs that have a row.
pub(super) async fn write(db: &mut PgConnection, worker: &str, batch: &Questions) -> Result<Written, Error> {
    let Questions { published, records, claims } = batch;
    let columns: Vec<Columns<'_>> = records.iter().map(|record| Columns::of(record)).collect();
    let number = |of: fn(&Columns<'_>) -> Option<i64>| columns.iter().map(of).collect::<Vec<_>>();
    let bytes = |of: fn(&StoredResult) -> Option<&[u8]>| {
        columns.iter().map(|c| c.result.and_then(of)).collect::<Vec<Option<&[u8]>>>()
    };
    let text = |of: fn(&ClaimRequest) -> Option<&str>| claims.iter().map(|claim| of(claim)).collect::<Vec<_>>();
    let written: Vec<(String, Option<String>, Option<i64>)> = sqlx::query_as(WRITE)
        .bind(published)
        .bind(columns.iter().map(|c| c.id).collect::<Vec<_>>())
        .bind(number(|c| Some(c.fence)))
        .bind(columns.iter().map(|c| c.state).collect::<Vec<_>>())
        .bind(number(|c| c.due_in))
        .bind(columns.iter().map(|c| c.history.as_deref()).collect::<Vec<_>>())
        .bind(columns.iter().map(|c| c.code).collect::<Vec<_>>())
        .bind(number(|c| c.http_status))
        .bind(number(|c| c.duration_ms))
        .bind(bytes(|r| Some(&r.body)))
        .bind(bytes(|r| Some(&r.reply_address)))
        .bind(columns.iter().map(|c| c.job.map(|job| job.body.as_slice())).collect::<Vec<_>>())
        .bind(columns.iter().map(|c| c.job.map(|job| job.queue.as_str())).collect::<Vec<_>>())
        .bind(worker)
        .bind(text(|c| Some(&c.id)))
        .bind(claims.iter().map(|c| c.job_hash.as_slice()).collect::<Vec<_>>())
        .bind(claims.iter().map(|c| i64::from(c.attempt.max(1))).collect::<Vec<_>>())
        .bind(claims.iter().map(|c| i64::from(c.repeat_safe)).collect::<Vec<_>>())
        .bind(text(|c| Some(&c.idempotency_key)))
        .bind(claims.iter().map(|c| c.request_hash.as_ref().map(<[u8; 32]>::as_slice)).collect::<Vec<_>>())
        .bind(text(|c| Some(&c.engine)))
        .bind(text(|c| c.process.as_deref()))
        .bind(text(|c| Some(&c.request)))
        .bind(text(|c| Some(&c.element)))
        .bind(text(|c| c.connector.as_deref()))
        .bind(text(|c| c.resource.as_deref()))
        .bind(ANSWER_GRACE_MS)
        .fetch_all(db)
        .await?;
    Ok(told(batch, written))
}

/// The rows that were written, `(id, state of a record, time of a claim)`, as answers to what was asked.
fn told(batch: &Questions, rows: Vec<(String, Option<String>, Option<i64>)>) -> Written {
    let (mut states, mut times) = (HashMap::new(), HashMap::new());
    for (id, state, time) in rows {
        match (state, time) {
            (Some(state), _) => drop(states.insert(id, state)),
            (None, time) => drop(times.insert(id, time.unwrap_or_default())),
        }
    }
    Written {
        records: batch.records.iter().map(|record| states.get(record.id()).map(|state| recorded_as(state))).collect(),
        claims: batch.claims.iter().map(|claim| times.get(&claim.id).map(|now| Said::first(claim, *now))).collect(),
    }
}

/// Decides about jobs that have a row; `None` where it has just been dropped. `undos` is what a lost commit may have granted.
pub(super) async fn known(
    db: &mut PgConnection,
    worker: &str,
    requests: &[Arc<ClaimRequest>],
    mut crashes: i64,
    undos: &mut Vec<Undo>,
) -> Result<Vec<Option<Said>>, Error> {
    let ids: Vec<&str> = requests.iter().map(|request| request.id.as_str()).collect();
    let mut transaction = db.begin().await?;
    sqlx::query(LOCK).bind(&ids).execute(&mut *transaction).await?;
    let now: i64 = sqlx::query_scalar(POSTGRES_NOW).fetch_one(&mut *transaction).await?;
    let rows: Vec<Row> = sqlx::query_as(READ).bind(&ids).fetch_all(&mut *transaction).await?;
    let rows: HashMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut said = Vec::with_capacity(requests.len());
    for request in requests {
        let Some(row) = rows.get(request.id.as_str()) else {
            said.push(None);
            continue;
        };
        let decision = apart(decide(row, request, now), &mut crashes);
        let one = apply(&mut transaction, decision, worker, request, now).await?;
        undos.extend(one.undo.clone());
        said.push(Some(one));
    }
    transaction.commit().await?;
    Ok(said)
}

async fn apply(
    db: &mut PgConnection,
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
    db: &mut PgConnection,
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

/// What became of a record whose row is not as it was granted.
pub(super) async fn standing(db: &mut PgConnection, record: &Record) -> Result<Recorded, Error> {
    let statement = sqlx::query_as(STANDING).bind(record.id()).bind(record.fence());
    let standing: Option<(String, Option<Vec<u8>>)> = statement.fetch_optional(db).await?;
    let (state, stored) = standing.unzip();
    Ok(recorded(record, state.as_deref(), stored.flatten().as_deref()))
}

pub(super) async fn published(db: &mut PgConnection, ids: &[String]) -> Result<(), Error> {
    sqlx::query(PUBLISHED).bind(ids).execute(db).await?;
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

/// Takes grants back that nobody heard of.
pub(super) async fn undo(db: &mut PgConnection, worker: &str, undos: &[Undo]) -> Result<(), Error> {
    sqlx::query(UNDO)
        .bind(undos.iter().map(|undo| undo.id.as_str()).collect::<Vec<_>>())
        .bind(undos.iter().map(|undo| undo.fence).collect::<Vec<_>>())
        .bind(undos.iter().map(|undo| i64::from(undo.taken_over)).collect::<Vec<_>>())
        .bind(worker)
        .execute(db)
        .await?;
    Ok(())
}

/// Hands out what is due. One transaction: what was given up in the middle is handed to nobody.
pub(super) async fn sweep(db: &mut PgConnection, limit: u32) -> Result<Vec<StoredResult>, Error> {
    let mut transaction = db.begin().await?;
    limit_transaction(&mut transaction).await?;
    while sqlx::query_scalar::<_, i64>(OPEN).bind(LOOKED).fetch_one(&mut *transaction).await? == LOOKED {}
    let due = sqlx::query_as(SWEEP).bind(i64::from(limit)).bind(ANSWER_GRACE_MS);
    let due: Vec<Payload> = due.fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(due.into_iter().map(StoredResult::from).collect())
}
