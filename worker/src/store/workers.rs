//! Leases: who is alive, by the database's clock.

use std::time::Duration;

use serde::Serialize;

use super::database::on;
use super::{Error, Inner};

/// A worker whose lease is not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct LiveWorker {
    /// Its id.
    pub id: String,
    /// Where it runs, for people.
    pub host: String,
    /// When it registered, epoch milliseconds.
    pub started_at: i64,
    /// When its lease ends unless it is renewed, epoch milliseconds.
    pub seen_until: i64,
}

/// Workers and their leases.
#[derive(Debug, Clone, Copy)]
pub struct Workers<'a>(pub(super) &'a Inner);

impl Workers<'_> {
    /// A worker is alive for `lease` from now.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn register(self, id: &str, host: &str, lease: Duration) -> Result<(), Error> {
        let clock = self.0.database.clock();
        let statement = "INSERT INTO workers (id, host, started_at, seen_until) VALUES ($1, $2, $3, $4)
                         ON CONFLICT (id) DO UPDATE SET seen_until = excluded.seen_until";
        on!(&self.0.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query(statement).bind(id).bind(host).bind(now).bind(now.saturating_add(millis(lease))).execute(db).await?;
        })
    }

    /// The same worker is still alive; one whose row others have removed comes back.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn renew(self, id: &str, lease: Duration) -> Result<(), Error> {
        self.register(id, "", lease).await
    }

    /// A clean exit: others take over at once.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn remove(self, id: &str) -> Result<(), Error> {
        let statement = "DELETE FROM workers WHERE id = $1";
        on!(&self.0.database, write db => {
            sqlx::query(statement).bind(id).execute(db).await?;
        })
    }

    /// Workers whose lease is not over, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list_live(self) -> Result<Vec<LiveWorker>, Error> {
        let clock = self.0.database.clock();
        let statement = "SELECT * FROM workers WHERE seen_until > $1 ORDER BY started_at, id";
        on!(&self.0.database, read db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query_as(statement).bind(now).fetch_all(db).await?
        })
    }
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
