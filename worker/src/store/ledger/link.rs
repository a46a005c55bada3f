//! The writer's own way to the database: one connection, renewed when it breaks, never asked between two batches
//! whether it is well.

use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool, SqlitePool};
use tokio::time::{Instant, timeout};

use super::{ClaimRequest, Record, Recorded, Said, Undo, postgres, sqlite};
use crate::store::Error;
use crate::store::database::{Database, PATIENCE, STATEMENT, held, too_slow};

/// A connection that was idle for this long is asked before it is trusted with a batch.
const IDLE: Duration = Duration::from_secs(2);

/// Where batches are written.
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
    async fn take(&mut self) -> Result<PgConnection, Error> {
        if let Some((mut connection, used)) = self.idle.take() {
            let is_well =
                used.elapsed() < IDLE || timeout(PATIENCE, connection.ping()).await.is_ok_and(|ping| ping.is_ok());
            if is_well {
                return Ok(connection);
            }
        }
        let options = self.pool.connect_options();
        let connected = timeout(PATIENCE, PgConnection::connect_with(&options)).await.map_err(|_| too_slow())?;
        connected.map_err(|error| Error::Unreachable(error.to_string()))
    }

    fn give_back(&mut self, connection: PgConnection) {
        self.idle = Some((connection, Instant::now()));
    }
}

/// Writes a batch over the session's connection, which is thrown away when it breaks or says nothing.
macro_rules! over {
    ($session:expr, $db:ident => $body:expr) => {
        async {
            let mut connection = $session.take().await?;
            let $db = &mut connection;
            let done = timeout(STATEMENT, $body).await.unwrap_or_else(|_| Err(too_slow()));
            if !done.as_ref().is_err_and(Error::is_unreachable) {
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

    pub(super) async fn insert(&mut self, worker: &str, requests: &[ClaimRequest]) -> Result<Vec<Option<Said>>, Error> {
        match self {
            Self::Sqlite(pool) => held!(pool, db => sqlite::insert(db, worker, requests).await?),
            Self::Postgres(session) => over!(session, db => postgres::insert(db, worker, requests)),
        }
    }

    pub(super) async fn known(
        &mut self,
        worker: &str,
        requests: &[ClaimRequest],
        has_suspect: bool,
        undos: &mut Vec<Undo>,
    ) -> Result<Vec<Option<Said>>, Error> {
        match self {
            Self::Sqlite(pool) => held!(pool, db => sqlite::known(db, worker, requests, has_suspect, undos).await?),
            Self::Postgres(session) => over!(session, db => postgres::known(db, worker, requests, has_suspect, undos)),
        }
    }

    pub(super) async fn record(&mut self, records: &[Record]) -> Result<Vec<Recorded>, Error> {
        match self {
            Self::Sqlite(pool) => held!(pool, db => sqlite::record(db, records).await?),
            Self::Postgres(session) => over!(session, db => postgres::record(db, records)),
        }
    }

    pub(super) async fn published(&mut self, ids: &[String]) -> Result<(), Error> {
        match self {
            Self::Sqlite(pool) => held!(pool, db => sqlite::published(db, ids).await?),
            Self::Postgres(session) => over!(session, db => postgres::published(db, ids)),
        }
    }

    pub(super) async fn undo(&mut self, worker: &str, undos: &[Undo]) -> Result<(), Error> {
        match self {
            Self::Sqlite(pool) => held!(pool, db => sqlite::undo(db, worker, undos).await?),
            Self::Postgres(session) => over!(session, db => postgres::undo(db, worker, undos)),
        }
    }
}
