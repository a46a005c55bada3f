//! The ledger's batches on SQLite: one transaction each, row by row, with statements that are prepared once.
//!
//! The driver of the pools hands every statement to another thread, which costs more than most statements do. A batch is
//! handed over as a whole, to a connection of its own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rusqlite::types::{Null, ToSqlOutput};
use rusqlite::{
    CachedStatement, Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params_from_iter,
};

use super::batch::{BatchView, Written};
use super::columns::{Column, REPLACE_PAYLOAD, RecordColumns, Value, claim_columns, names};
use super::decide::{Reply, to_recorded};
use super::{ANSWER_GRACE_MS, ClaimRequest, FIRST_FENCE, Record, Recorded};
use crate::store::Error;
use crate::store::database::{CHECKPOINT_PAGES, PATIENCE, SQLITE_NOW};

/// Arguments: id, time.
const PUBLISH: &str = "UPDATE jobs SET state = 'published', send_at = NULL, updated_at = ?2
    WHERE id = ?1 AND state = 'answered'";
/// The row of a record, while it is as it was granted. Arguments: id, fence.
const GRANTED: &str = "SELECT rowid, state, copies FROM jobs
    WHERE id = ?1 AND fence = ?2 AND state IN ('sending', 'cancelled')";
/// A job that was cancelled keeps its state, with what it ended with. Arguments: number of the row, time, then the columns of a
/// record without its id and fence.
const RECORD: &str = "UPDATE jobs SET state = CASE state WHEN 'cancelled' THEN state ELSE ?3 END,
    due_at = CASE WHEN state <> 'cancelled' THEN ?2 + ?4 END, silent_since = CASE ?5 WHEN 1 THEN silent_since END,
    history = ?6, code = ?7, http_status = ?8, duration_ms = ?9, updated_at = ?2 WHERE rowid = ?1";
/// Arguments: id, time, then the columns of a payload.
static STORE: LazyLock<String> = LazyLock::new(|| {
    let payload = names(&RecordColumns::of_payload());
    format!("INSERT INTO payloads (job_id, stored_at, {payload}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) {REPLACE_PAYLOAD}")
});
/// Arguments: ids of what is to be sent, a JSON array; when it is looked whether it was.
const SEND: &str = "INSERT INTO outbox (jobs, due_at) VALUES (?1, ?2)";
/// Arguments: worker, time, then the columns of a claim.
static CLAIM: LazyLock<String> = LazyLock::new(|| {
    let claimed = names(&claim_columns());
    format!(
        "INSERT INTO jobs (worker_id, created_at, updated_at, {claimed}, state, fence)
        VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 'sending', {FIRST_FENCE})
        ON CONFLICT (id) DO NOTHING"
    )
});

/// The connection that writes batches, opened at the first one.
#[derive(Debug)]
pub(super) struct BatchConnection {
    file: PathBuf,
    idle: Option<Connection>,
}

impl BatchConnection {
    pub(super) fn to(file: &Path) -> Self {
        Self { file: file.to_owned(), idle: None }
    }

    /// Writes a batch; `None` for records whose row is not as it was granted, and for claims of jobs that have a row. Whoever
    /// gives this up leaves the transaction to be committed or not, and the connection to be closed after it.
    pub(super) async fn write(&mut self, worker: &Arc<str>, batch: &Arc<BatchView>) -> Result<Written, Error> {
        let (idle, file) = (self.idle.take(), self.file.clone());
        let (worker, batch) = (Arc::clone(worker), Arc::clone(batch));
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = idle.map_or_else(|| open(&file), Ok)?;
            let written = write(&mut connection, &worker, &batch);
            Ok((connection, written))
        });
        let (connection, written) = done.await.map_err(|_| Error::Ledger("its writer failed"))?.map_err(failed)?;
        let written = written.map_err(failed);
        if !written.as_ref().is_err_and(Error::is_transient) {
            self.idle = Some(connection);
        }
        written
    }
}

/// Opens what the pools have made and migrated.
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_handler(Some(ask_again))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(connection)
}

/// Waits a millisecond for the lock of another process, or of the API in this one, up to [`PATIENCE`]. SQLite's own waits grow to
/// 100 ms, while an import takes the lock every few milliseconds and gives it back in between.
#[expect(clippy::disallowed_methods, reason = "a batch is written in a thread of its own, outside of the runtime")]
fn ask_again(asked: i32) -> bool {
    std::thread::sleep(Duration::from_millis(1));
    u128::try_from(asked).is_ok_and(|asked| asked < PATIENCE.as_millis())
}

/// The store's error for one of this driver: a lock, a full disk or a failing one may be gone at the next try.
fn failed(error: rusqlite::Error) -> Error {
    let code = error.sqlite_error().map(|error| error.extended_code & 0xff);
    match code {
        Some(5 | 6 | 10 | 13 | 14) => Error::unreachable(sqlx::Error::Io(std::io::Error::other(error))),
        _ => Error::Rejected(Arc::new(sqlx::Error::Encode(error.into()))),
    }
}

fn write(connection: &mut Connection, worker: &str, batch: &BatchView) -> rusqlite::Result<Written> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let now = transaction.prepare_cached(SQLITE_NOW)?.query_row([], |row| row.get(0))?;
    publish(&transaction, &batch.published, now)?;
    let records = record(&transaction, batch, now)?;
    let claims = claim(&transaction, worker, batch, now)?;
    transaction.commit()?;
    Ok(Written { records, claims })
}

fn publish(db: &Transaction<'_>, ids: &[String], now: i64) -> rusqlite::Result<()> {
    let mut publish = db.prepare_cached(PUBLISH)?;
    for id in ids {
        publish.execute((id, now))?;
    }
    Ok(())
}

/// Writes what ended, and which of it is to be sent.
fn record(db: &Transaction<'_>, batch: &BatchView, now: i64) -> rusqlite::Result<Vec<Option<Recorded>>> {
    let ([_id, _fence, job @ ..], payload) = (RecordColumns::of_job(), RecordColumns::of_payload());
    let (mut update, mut store) = (db.prepare_cached(RECORD)?, db.prepare_cached(&STORE)?);
    let (mut recorded, mut to_send) = (Vec::with_capacity(batch.records.len()), Vec::new());
    for record in &batch.records {
        let Some(granted) = granted(db, record)? else {
            recorded.push(None);
            continue;
        };
        let columns = RecordColumns::of(record);
        execute(&mut update, [granted.row.into(), now.into()], &job, &columns)?;
        if columns.result.is_some() {
            execute(&mut store, [columns.id.into(), now.into()], &payload, &columns)?;
        }
        let state = if granted.is_cancelled { "cancelled" } else { columns.state };
        if state == "answered" {
            to_send.push(columns.id);
        }
        recorded.push(Some(to_recorded(state, granted.copies.as_deref())));
    }
    if !to_send.is_empty() {
        let jobs = serde_json::json!(to_send).to_string();
        db.prepare_cached(SEND)?.execute((jobs, now + ANSWER_GRACE_MS))?;
    }
    Ok(recorded)
}

/// The row of a record.
struct GrantedRow {
    row: i64,
    is_cancelled: bool,
    copies: Option<Vec<u8>>,
}

fn granted(db: &Transaction<'_>, record: &Record) -> rusqlite::Result<Option<GrantedRow>> {
    let mut granted = db.prepare_cached(GRANTED)?;
    let row = granted.query_row((record.id(), record.fence()), |row| {
        let is_cancelled = row.get_ref(1)?.as_str()? == "cancelled";
        Ok(GrantedRow { row: row.get(0)?, is_cancelled, copies: row.get(2)? })
    });
    row.optional()
}

/// Adds a row for each claim of a job that has none.
fn claim(db: &Transaction<'_>, worker: &str, batch: &BatchView, now: i64) -> rusqlite::Result<Vec<Option<Reply>>> {
    let (columns, mut insert) = (claim_columns(), db.prepare_cached(&CLAIM)?);
    let mut add = |claim: &ClaimRequest| {
        let added = execute(&mut insert, [worker.into(), now.into()], &columns, claim)?;
        Ok((added > 0).then(|| Reply::first(claim, now)))
    };
    batch.claims.iter().map(|claim| add(claim)).collect()
}

/// Executes a statement whose arguments are `first` and the columns of a row; returns how many rows it wrote.
fn execute<T>(
    statement: &mut CachedStatement<'_>,
    first: [ToSqlOutput<'_>; 2],
    columns: &[Column<T>],
    row: &T,
) -> rusqlite::Result<usize> {
    let null = || ToSqlOutput::from(Null);
    let columns = columns.iter().map(|column| match column.value {
        Value::Text(of) => of(row).map_or_else(null, ToSqlOutput::from),
        Value::Number(of) => of(row).map_or_else(null, ToSqlOutput::from),
        Value::Bytes(of) => of(row).map_or_else(null, ToSqlOutput::from),
    });
    statement.execute(params_from_iter(first.into_iter().chain(columns)))
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
    use sqlx::{ConnectOptions as _, Connection as _};

    use super::*;
    use crate::store::database::SQLITE;

    #[test]
    fn its_commits_wait_for_the_disk_and_leave_a_short_log_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.db");
        Connection::open(&file).unwrap();
        let db = open(&file).unwrap();
        for (pragma, expected) in [("synchronous", 2), ("wal_autocheckpoint", 4_000)] {
            assert_eq!(db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap(), expected, "{pragma}");
        }
    }

    /// Also where statistics say that there are no jobs. A temporary table for each row would cost more than the row.
    #[tokio::test]
    async fn a_row_is_found_through_an_index_and_written_without_a_temporary_table() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.db");
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut made: SqliteConnection = options.connect().await.unwrap();
        SQLITE.run(&mut made).await.unwrap();
        made.close().await.unwrap();
        let db = open(&file).unwrap();
        for statistics in ["SELECT 1", "ANALYZE"] {
            db.execute_batch(statistics).unwrap();
            for statement in [PUBLISH, GRANTED, RECORD, &STORE, SEND, &CLAIM] {
                let explained = |explain: &str, column: usize| -> Vec<String> {
                    let mut explain = db.prepare(&format!("{explain} {statement}")).unwrap();
                    let arguments = params_from_iter(vec![Null; explain.parameter_count()]);
                    explain.query_map(arguments, |row| row.get(column)).unwrap().map(Result::unwrap).collect()
                };
                let (plan, operations) = (explained("EXPLAIN QUERY PLAN", 3), explained("EXPLAIN", 1));
                assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{statement}: {plan:?}");
                assert!(!operations.iter().any(|one| one == "OpenEphemeral"), "{statement}: {operations:?}");
            }
        }
    }
}
