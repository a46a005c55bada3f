//! What writes to a SQLite file: one at a time in this process, so that it never waits for its own lock. SQLite would have it
//! sleep for up to 100 ms between two tries.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Error;
use super::database::{ConnectionSource, PATIENCE, SQLITE_BEGIN};

/// The connections that write, and whose turn it is. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct SqliteWriter {
    turn: Arc<Semaphore>,
    /// One, whose commits wait for the disk.
    pub(super) connection: SqlitePool,
    /// One whose commits do not: for what need not outlast a power failure before what comes after it does.
    pub(super) stager: SqlitePool,
}

/// The turn to write, until it is dropped. A pool's connection would come back only after it was pinged, by a task of its own.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// A connection whose turn it is.
pub(super) struct WritingConnection {
    connection: PoolConnection<Sqlite>,
    _turn: Turn,
}

impl SqliteWriter {
    pub(super) fn new(connection: SqlitePool, stager: SqlitePool) -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), connection, stager }
    }

    /// Waits for the turn to write, over whichever connection.
    pub(super) async fn turn(&self) -> Result<Turn, Error> {
        let permit = timeout(PATIENCE, Arc::clone(&self.turn).acquire_owned()).await;
        // Never closed.
        let permit = permit.ok().and_then(Result::ok).ok_or_else(|| Error::unreachable(sqlx::Error::PoolTimedOut))?;
        Ok(Turn { _permit: permit })
    }

    /// The connection, in its turn.
    pub(super) async fn connection(&self) -> Result<WritingConnection, Error> {
        let turn = self.turn().await?;
        Ok(WritingConnection { connection: self.connection.acquire().await?, _turn: turn })
    }

    /// A transaction, which has the turn.
    pub(super) async fn begin(&self) -> Result<(Transaction<'static, Sqlite>, Turn), Error> {
        let turn = self.turn().await?;
        Ok((self.connection.begin_with(SQLITE_BEGIN).await?, turn))
    }

    /// The same over the connection whose commits do not wait for the disk.
    pub(super) async fn begin_unsynced(&self) -> Result<(Transaction<'static, Sqlite>, Turn), Error> {
        let turn = self.turn().await?;
        Ok((self.stager.begin_with(SQLITE_BEGIN).await?, turn))
    }

    pub(super) async fn close(&self) {
        self.stager.close().await;
        self.connection.close().await;
    }
}

impl Deref for WritingConnection {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for WritingConnection {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

impl ConnectionSource for &SqliteWriter {
    type Connection = WritingConnection;

    async fn take(&mut self) -> Result<WritingConnection, Error> {
        self.connection().await
    }

    fn put_back(&mut self, mut connection: WritingConnection, is_usable: bool) {
        if !is_usable {
            connection.connection.close_on_drop();
        }
    }
}
