//! Tasks that one process at a time does, and single statements that write.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Collections;
use super::session::{Bind, Session, binds, in_time_of_statement};
use crate::store::database::Database;
use crate::store::{Error, Inner};

/// Takes a task, or keeps it; nobody else does while it is held.
const TAKE: &str = "INSERT INTO collection_tasks (name, holder, held_until) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
    WHERE collection_tasks.holder = excluded.holder OR collection_tasks.held_until < $4";

/// One statement that writes, in a transaction of its own; how many rows it changed.
pub(super) async fn write_once(inner: &Inner, statement: String, binds: Vec<Bind>) -> Result<u64, Error> {
    let work = async {
        let mut session = Session::begin(&inner.database).await?;
        let changed = session.execute(statement, binds).await?;
        session.commit().await?;
        Ok(changed)
    };
    in_time_of_statement(work).await
}

/// After how many transactions that did not wait for the disk SQLite's log is written to its file: some 500 pages of an import. The
/// disk writes more of them in one go, and whoever commits a job meanwhile waits for it.
const CHECKPOINT: usize = 5;

/// To be called after each of them. Whoever finds the log long has to write it in the midst of its own transaction, while others
/// wait; this is done outside of any.
pub(super) async fn checkpoint_at_times(inner: &Inner) {
    let Database::Sqlite { writer, .. } = &inner.database else { return };
    let before = inner.collections.unsynced.fetch_add(1, Ordering::Relaxed);
    if !(before + 1).is_multiple_of(CHECKPOINT) {
        return;
    }
    if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&writer.stager).await {
        tracing::debug!(%error, "the log of the database stays as long as it is");
    }
}

/// How long PostgreSQL may take to look at all of a table.
const VACUUM: &str = "SET statement_timeout = '10min'";

/// Has PostgreSQL look at what it plans by. Until it does so on its own, a minute or two later if at all, it believes that a
/// collection has a row or two, and reads all of it for each page.
pub(super) async fn refresh_statistics(inner: &Inner) {
    run_on_postgres(inner, &["ANALYZE collection_records, collection_index, collection_unique"]).await;
}

/// The same, and has it note which pages hold only rows that everybody sees: counts read the index alone then.
pub(super) async fn vacuum(inner: &Inner) {
    let statement = "VACUUM (ANALYZE, SKIP_LOCKED) collection_records, collection_index, collection_unique";
    run_on_postgres(inner, &[VACUUM, statement]).await;
}

/// Runs statements that nothing but the time of others depends on, over a connection that is closed afterwards.
async fn run_on_postgres(inner: &Inner, statements: &[&'static str]) {
    let Database::Postgres(pool) = &inner.database else { return };
    let run = async {
        let mut connection = pool.acquire().await?;
        connection.close_on_drop();
        for statement in statements {
            sqlx::raw_sql(*statement).execute(&mut *connection).await?;
        }
        Ok::<_, sqlx::Error>(())
    };
    if let Err(error) = run.await {
        tracing::debug!(%error, "the statistics of collections stay as they are");
    }
}

impl Collections<'_> {
    /// Whether `holder` has a task for this long from now.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn hold_task(self, name: &str, holder: &str, time: Duration) -> Result<bool, Error> {
        let now = self.0.database.now().await?;
        let until = now.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        Ok(write_once(self.0, TAKE.to_owned(), binds![name, holder, until, now]).await? == 1)
    }

    /// Gives a task back.
    ///
    /// # Errors
    /// When the database cannot be reached: others wait until the time is over.
    pub async fn release_task(self, name: &str, holder: &str) -> Result<(), Error> {
        let statement = "DELETE FROM collection_tasks WHERE name = $1 AND holder = $2";
        write_once(self.0, statement.to_owned(), binds![name, holder]).await.map(drop)
    }
}
