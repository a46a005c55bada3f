//! The ledger's batches on SQLite: one transaction each, the writer's lock taken at its beginning.
//!
//! A connection has a thread of its own, and handing it a statement costs more than most statements do. So a batch is one text
//! of several statements, which that thread runs through; of its rows only those come back that are not as usual.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Connection, Sqlite, SqliteConnection, Transaction};

use super::batch::{BatchView, CLAIMS, PUBLISHED, RECORDS, Written};
use super::columns::{JsonRows, RECORD, REPLACE_PAYLOAD, RecordColumns, claim_columns, from_json, names};
use super::decide::{Reply, to_recorded};
use super::known::{LockRows, ROWS};
use super::rollback::ClaimRollback;
use super::rows::{Payload, Row};
use super::{ANSWER_GRACE_MS, Record, Recorded, StoredResult};
use crate::store::Error;
use crate::store::database::{SQLITE_BEGIN, SQLITE_NOW};

/// A batch, for each set of kinds.
static WRITE: LazyLock<[String; 8]> = LazyLock::new(|| std::array::from_fn(|kinds| statements(kinds).join(";\n")));

/// The statements of a batch. Arguments: ids of what was published, worker, records, claims, bytes of records and claims, ids of
/// what is to be sent; lists are JSON.
///
/// They return records whose row is not as it was granted or that end differently, claims of jobs that have a row, and the time
/// that is in the rows of the other claims. Payloads are stored before the rows of their jobs say that these have ended, since
/// a record may be written twice. A job of the outbox that was not answered now does no harm: only one that waits to be sent
/// is looked at.
fn statements(kinds: usize) -> Vec<String> {
    let payload = names(&RecordColumns::of_payload());
    let columns: Vec<_> = RecordColumns::of_job().into_iter().chain(RecordColumns::of_payload()).collect();
    let (records, claims) = (from_json(&columns, "$3", "$5"), from_json(&claim_columns(), "$4", "$5"));
    let (clock, claimed) = (format!("WITH clock (now) AS ({SQLITE_NOW})"), names(&claim_columns()));
    let as_granted = "jobs.id = u.id AND jobs.fence = u.fence AND jobs.state IN ('sending', 'cancelled')";
    let ended = format!(
        "SELECT {ENDED}, u.id, jobs.state, jobs.copies, NULL FROM ({records}) AS u LEFT JOIN jobs ON {as_granted}
        WHERE jobs.id IS NULL OR jobs.state = 'cancelled' OR jobs.copies IS NOT NULL"
    );
    let known =
        format!("SELECT {KNOWN}, c.id, NULL, NULL, NULL FROM ({claims}) AS c CROSS JOIN jobs ON jobs.id = c.id");
    let of_published = format!(
        "UPDATE jobs SET state = 'published', send_at = NULL, updated_at = ({SQLITE_NOW})
        WHERE id IN (SELECT value FROM json_each($1)) AND state = 'answered'"
    );
    let of_records = [
        ended,
        format!(
            "{clock}, u AS ({records}) INSERT INTO payloads (job_id, stored_at, {payload})
            SELECT u.id, now, {payload} FROM clock CROSS JOIN u CROSS JOIN jobs ON {as_granted}
            WHERE u.result IS NOT NULL {REPLACE_PAYLOAD}"
        ),
        format!("{clock}, u AS ({records}) {RECORD}"),
        format!("INSERT INTO outbox (jobs, due_at) SELECT $6, ({SQLITE_NOW}) + {ANSWER_GRACE_MS} WHERE $6 IS NOT NULL"),
    ];
    let of_claims = [
        known,
        format!(
            "{clock}, c AS ({claims}) INSERT INTO jobs ({claimed}, state, fence, worker_id, created_at, updated_at)
            SELECT {claimed}, 'sending', 1, $2, now, now FROM clock CROSS JOIN c WHERE TRUE ON CONFLICT (id) DO NOTHING"
        ),
        format!("SELECT {CLAIMED}, NULL, NULL, NULL, created_at FROM jobs WHERE rowid = last_insert_rowid()"),
    ];
    let mut statements = vec![SQLITE_BEGIN.to_owned()];
    statements.extend((kinds & PUBLISHED != 0).then_some(of_published));
    statements.extend((kinds & RECORDS != 0).then_some(of_records).into_iter().flatten());
    statements.extend((kinds & CLAIMS != 0).then_some(of_claims).into_iter().flatten());
    statements.push("COMMIT".to_owned());
    statements
}

/// What a row that [`WRITE`] returns is about.
const ENDED: i64 = 0;
const KNOWN: i64 = 1;
const CLAIMED: i64 = 2;

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

/// A row that [`WRITE`] returns: what it is about, id, state, addresses of copies, time.
type Returned = (i64, Option<String>, Option<String>, Option<Vec<u8>>, Option<i64>);

async fn begin(db: &mut SqliteConnection) -> Result<(Transaction<'_, Sqlite>, i64), Error> {
    let mut transaction = db.begin_with(SQLITE_BEGIN).await?;
    let now = sqlx::query_scalar(SQLITE_NOW).fetch_one(&mut *transaction).await?;
    Ok((transaction, now))
}

/// Writes a batch; `None` for records whose row is not as it was granted, and for claims of jobs that have a row.
pub(super) async fn write(db: &mut SqliteConnection, worker: &str, batch: &BatchView) -> Result<Written, Error> {
    let arguments = arguments(worker, batch).map_err(sqlx::Error::Encode)?;
    let text = WRITE.get(batch.kinds()).map_or("", String::as_str);
    match sqlx::query_as_with(text, arguments).fetch_all(&mut *db).await {
        Ok(returned) => Ok(to_written(batch, returned)),
        Err(error) => {
            // Fails where the transaction has not begun, or has ended with the error.
            sqlx::query("ROLLBACK").execute(db).await.ok();
            Err(error.into())
        }
    }
}

fn arguments(worker: &str, batch: &BatchView) -> Result<SqliteArguments, BoxDynError> {
    let (mut records, mut claims, mut bytes) = (JsonRows::new(), JsonRows::new(), Vec::new());
    let (job, payload, claim_columns) = (RecordColumns::of_job(), RecordColumns::of_payload(), claim_columns());
    for record in &batch.records {
        records.add(&[&job, &payload], &RecordColumns::of(record), &mut bytes);
    }
    for claim in &batch.claims {
        claims.add(&[&claim_columns], claim, &mut bytes);
    }
    let to_send: Vec<&str> =
        batch.records.iter().filter(|record| record.is_to_send()).map(|record| record.id()).collect();
    let mut arguments = SqliteArguments::default();
    arguments.add(serde_json::json!(batch.published).to_string())?;
    arguments.add(worker)?;
    arguments.add(records.text())?;
    arguments.add(claims.text())?;
    arguments.add(bytes)?;
    arguments.add((!to_send.is_empty()).then(|| serde_json::json!(to_send).to_string()))?;
    Ok(arguments)
}

/// All of a batch is written as usual, but for what was returned.
fn to_written(batch: &BatchView, returned: Vec<Returned>) -> Written {
    let (mut ended, mut known, mut now) = (HashMap::new(), HashSet::new(), 0);
    for (about, id, state, copies, time) in returned {
        match (about, id) {
            (ENDED, Some(id)) => drop(ended.insert(id, (state, copies))),
            (_, Some(id)) => {
                known.insert(id);
            }
            (_, None) => now = time.unwrap_or_default(),
        }
    }
    let recorded = |record: &Record| match ended.get(record.id()) {
        None => Some(Recorded::Done),
        Some((None, _)) => None,
        Some((Some(state), copies)) => {
            let state = if *state == "cancelled" { state.as_str() } else { RecordColumns::of(record).state };
            Some(to_recorded(state, copies.as_deref()))
        }
    };
    Written {
        records: batch.records.iter().map(|record| recorded(record)).collect(),
        claims: batch
            .claims
            .iter()
            .map(|claim| (!known.contains(&claim.id)).then(|| Reply::first(claim, now)))
            .collect(),
    }
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

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Executor};

    use super::*;
    use crate::store::database::SQLITE;

    /// Also where statistics say that there are no jobs.
    #[tokio::test]
    async fn a_batch_finds_every_row_through_an_index() {
        let mut db = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        SQLITE.run(&mut db).await.unwrap();
        for statistics in ["SELECT 1", "ANALYZE"] {
            db.execute(statistics).await.unwrap();
            for statement in statements(PUBLISHED | RECORDS | CLAIMS) {
                let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
                let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut db).await.unwrap();
                let reads_all = |step: &str| step.starts_with("SCAN jobs") || step.starts_with("SCAN payloads");
                assert!(!plan.iter().any(|(.., step)| reads_all(step)), "{statement}: {plan:?}");
            }
        }
    }
}
