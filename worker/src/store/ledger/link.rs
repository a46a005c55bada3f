//! A way to the database of one's own: one connection, renewed when it breaks, never asked between two statements
//! whether it is well. The writer has one, and whoever drops old rows.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgSslMode;
use sqlx::{Connection, Executor, PgConnection, PgPool, SqlitePool};
use tokio::time::{Instant, timeout};

use super::batch::{Questions, Written};
use super::{ClaimRequest, Record, Recorded, Said, Undo, postgres, sqlite};
use crate::store::Error;
use crate::store::database::{Database, PATIENCE, STATEMENT, held, limit_session, too_slow};

/// A connection that was idle for this long is asked before it is trusted.
const IDLE: Duration = Duration::from_secs(2);

/// What a statement may carry over TLS, bytes, so that it fits into one record of 16 KiB with its framing. The second
/// record of a statement waits 40 ms for the server's acknowledgement of the first (Nagle's algorithm, RFC 896, beside
/// delayed acknowledgements, RFC 1122 section 4.2.3.2), and the driver cannot switch that off.
const ONE_RECORD: usize = 12 * 1024;

/// What a statement or transaction may carry elsewhere, bytes: large enough to save statements, and small enough to be
/// written within [`STATEMENT`] on a slow disk.
const MOST: usize = 8 * 1024 * 1024;

/// Rows are found by an index. A planner that has seen a table empty or without statistics would read all of it for each
/// statement, and keep that plan; and what it takes for expensive it would compile first, each time for 20 ms.
const SESSION: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off;
    SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan; SET jit = off";

/// Where batches are written and old rows dropped.
pub(super) enum Link {
    Sqlite(SqlitePool),
    Postgres(Session),
}

/// One connection to PostgreSQL, and when it was last used.
pub(super) struct Session {
    pool: PgPool,
    idle: Option<(PgConnection, Instant)>,
}

impl Session {
    fn is_encrypted(&self) -> bool {
        let options = self.pool.connect_options();
        options.get_socket().is_none() && !matches!(options.get_ssl_mode(), PgSslMode::Disable)
    }

    async fn take(&mut self) -> Result<PgConnection, Error> {
        if let Some((mut connection, used)) = self.idle.take() {
            let is_well =
                used.elapsed() < IDLE || timeout(PATIENCE, connection.ping()).await.is_ok_and(|ping| ping.is_ok());
            if is_well {
                return Ok(connection);
            }
        }
        let connected = timeout(PATIENCE, self.connect()).await.map_err(|_| too_slow())?;
        connected.map_err(|error| Error::Unreachable(error.to_string()))
    }

    async fn connect(&self) -> sqlx::Result<PgConnection> {
        let mut connection = PgConnection::connect_with(&self.pool.connect_options()).await?;
        // A late statement could grant a job after that grant was taken back.
        limit_session(&mut connection).await?;
        connection.execute(sqlx::raw_sql(SESSION)).await?;
        Ok(connection)
    }

    fn give_back(&mut self, connection: PgConnection) {
        self.idle = Some((connection, Instant::now()));
    }
}

/// Asks over the session's connection, which is thrown away when it breaks or says nothing.
macro_rules! over {
    ($session:expr, $db:ident => $body:expr) => {
        async {
            let mut connection = $session.take().await?;
            let $db = &mut connection;
            let done = timeout(STATEMENT, $body).await.unwrap_or_else(|_| Err(too_slow()));
            if !done.as_ref().is_err_and(Error::is_passing) {
                $session.give_back(connection);
            }
            done
        }
        .await
    };
}

impl Link {
    pub(super) fn to(database: Database) -> Self {
        match database {
            Database::Sqlite { writer, .. } => Self::Sqlite(writer),
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

    /// Writes what can be written without looking first.
    pub(super) async fn write(&mut self, worker: &str, batch: &Questions) -> Result<Written, Error> {
        match self {
            Self::Sqlite(pool) => held!(pool, db => sqlite::write(db, worker, batch).await?),
            Self::Postgres(session) if batch.records.is_empty() && batch.claims.is_empty() => {
                over!(session, db => postgres::published(db, &batch.published)).map(|()| Written::default())
            }
            Self::Postgres(session) => over!(session, db => postgres::write(db, worker, batch)),
        }
    }

    pub(super) async fn standing(&mut self, record: &Record) -> Result<Recorded, Error> {
        match self {
            Self::Sqlite(pool) => held!(pool, db => sqlite::standing(db, record).await?),
            Self::Postgres(session) => over!(session, db => postgres::standing(db, record)),
        }
    }

    pub(super) async fn known(
        &mut self,
        worker: &str,
        requests: &[Arc<ClaimRequest>],
        crashes: i64,
        undos: &mut Vec<Undo>,
    ) -> Result<Vec<Option<Said>>, Error> {
        match self {
            Self::Sqlite(pool) => held!(pool, db => sqlite::known(db, worker, requests, crashes, undos).await?),
            Self::Postgres(session) => over!(session, db => postgres::known(db, worker, requests, crashes, undos)),
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
            Self::Sqlite(pool) => held!(pool, db => sqlx::query_scalar(statement)
                .bind(before).bind(most).bind(from).fetch_all(db).await?),
            Self::Postgres(session) => over!(session, db => postgres::drop_old(db, statement, before, most, from)),
        }
    }

    pub(super) async fn undo(&mut self, worker: &str, undos: &[Undo]) -> Result<(), Error> {
        match self {
            Self::Sqlite(pool) => held!(pool, db => sqlite::undo(db, worker, undos).await?),
            Self::Postgres(session) => over!(session, db => postgres::undo(db, worker, undos)),
        }
    }
}
