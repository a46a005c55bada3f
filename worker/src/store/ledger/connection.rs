//! The ledger's own connection: on PostgreSQL it is renewed when it breaks, and not pinged between two statements as those of
//! the pool are. The writer has one, and whoever drops old rows.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgSslMode;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio::time::{Instant, timeout};

use super::batch::{BatchView, Written};
use super::rollback::ClaimRollback;
use super::sqlite_batch::BatchConnection;
use super::{postgres, sqlite};
use crate::store::Error;
use crate::store::database::{
    ConnectionSource, Database, ONE_RECORD, PATIENCE, POSTGRES_BEGIN, SQLITE_BEGIN, STATEMENT, on, prepare, too_slow,
};
use crate::store::sqlite_writer::SqliteWriter;

/// A connection that was idle for this long is pinged before it is used.
const IDLE: Duration = Duration::from_secs(2);

/// What a statement or transaction may carry elsewhere, bytes: large enough to save statements, and small enough to be
/// written within [`crate::store::database::STATEMENT`] on a slow disk.
const MOST: usize = 8 * 1024 * 1024;

/// Rows are found by an index. A planner that has seen a table empty or without statistics would read all of it for each
/// statement, and keep that plan.
const PLANS: &str = "SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
    SET plan_cache_mode = force_generic_plan";

/// Where batches are written and old rows dropped.
pub(in crate::store) enum LedgerConnection {
    Sqlite(SqliteSession),
    Postgres(Session),
}

/// What writes in this process, and a connection for batches, which take their turn with it.
pub(in crate::store) struct SqliteSession {
    pub(in crate::store) writer: SqliteWriter,
    batches: BatchConnection,
}

/// One connection to PostgreSQL, and when it was last used.
pub(in crate::store) struct Session {
    pool: PgPool,
    idle: Option<(Box<PgConnection>, Instant)>,
}

impl Session {
    fn is_encrypted(&self) -> bool {
        let options = self.pool.connect_options();
        options.get_socket().is_none() && !matches!(options.get_ssl_mode(), PgSslMode::Disable)
    }

    async fn connect(&self) -> sqlx::Result<PgConnection> {
        let mut connection = PgConnection::connect_with(&self.pool.connect_options()).await?;
        prepare(&mut connection).await?;
        connection.execute(sqlx::raw_sql(PLANS)).await?;
        Ok(connection)
    }
}

impl ConnectionSource for &mut Session {
    type Connection = Box<PgConnection>;

    async fn take(&mut self) -> Result<Self::Connection, Error> {
        if let Some((mut connection, used)) = self.idle.take() {
            let is_well =
                used.elapsed() < IDLE || timeout(PATIENCE, connection.ping()).await.is_ok_and(|ping| ping.is_ok());
            if is_well {
                return Ok(connection);
            }
        }
        let connected = timeout(PATIENCE, self.connect()).await.map_err(|_| too_slow())?;
        connected.map(Box::new).map_err(Error::unreachable)
    }

    fn put_back(&mut self, connection: Self::Connection, is_usable: bool) {
        if is_usable {
            self.idle = Some((connection, Instant::now()));
        }
    }
}

impl LedgerConnection {
    pub(super) fn to(database: Database) -> Self {
        match database {
            Database::Sqlite { writer, .. } => {
                let batches = BatchConnection::to(writer.connection.connect_options().get_filename());
                Self::Sqlite(SqliteSession { writer, batches })
            }
            Database::Postgres(pool) => Self::Postgres(Session { pool, idle: None }),
        }
    }

    /// What one statement should carry at most, bytes.
    pub(super) fn most_bytes(&self) -> usize {
        match self {
            Self::Postgres(session) if session.is_encrypted() => ONE_RECORD,
            Self::Sqlite(_) | Self::Postgres(_) => MOST,
        }
    }

    /// Begins a transaction that writes.
    pub(super) fn begin(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => SQLITE_BEGIN,
            Self::Postgres(_) => POSTGRES_BEGIN,
        }
    }

    /// Writes what can be written without looking first.
    pub(super) async fn write(&mut self, worker: &Arc<str>, batch: &Arc<BatchView>) -> Result<Written, Error> {
        match self {
            Self::Sqlite(SqliteSession { writer, batches }) => {
                let _turn = writer.turn().await?;
                timeout(STATEMENT, batches.write(worker, batch)).await.unwrap_or_else(|_| Err(too_slow()))
            }
            Self::Postgres(session) if batch.records.is_empty() && batch.claims.is_empty() => {
                on!(over session, db => postgres::published(db, &batch.published).await?).map(|()| Written::default())
            }
            Self::Postgres(session) => on!(over session, db => postgres::write(db, worker, batch).await?),
        }
    }

    /// Undoes grants.
    pub(super) async fn roll_back(&mut self, worker: &str, rollbacks: &[ClaimRollback]) -> Result<(), Error> {
        match self {
            Self::Sqlite(session) => on!(over &session.writer, db => sqlite::roll_back(db, worker, rollbacks).await?),
            Self::Postgres(session) => on!(over session, db => postgres::roll_back(db, worker, rollbacks).await?),
        }
    }

    /// Runs a statement that drops what is older than `before` and not older than `from`, epoch milliseconds, and no more
    /// rows than `most`; returns their ages, none if somebody else drops some.
    pub(super) async fn drop_old(
        &mut self,
        statement: &'static str,
        before: i64,
        most: usize,
        from: i64,
    ) -> Result<Vec<i64>, Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        match self {
            Self::Sqlite(session) => on!(over &session.writer, db => sqlx::query_scalar(statement)
                .bind(before).bind(most).bind(from).fetch_all(db).await?),
            Self::Postgres(session) => {
                on!(over session, db => postgres::drop_old(db, statement, before, most, from).await?)
            }
        }
    }
}
