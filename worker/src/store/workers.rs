//! Leases: who is alive, by the database's clock.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::database::on;
use super::{Error, Inner};

/// A worker and its lease.
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
    /// Its software's version; empty until it has said how it is.
    pub version: String,
    /// `ready`, `unready`, `draining`, or `starting` until it has said how it is.
    pub state: String,
    /// Why it is not ready: a JSON list of texts.
    pub reasons: String,
    /// The queues that it takes jobs from: a JSON list of names.
    pub queues: String,
    /// Jobs in hand.
    pub in_flight: i64,
    /// How many jobs it works on at once.
    pub concurrency: i64,
    /// When it last said how it is, epoch milliseconds; 0 when never.
    pub seen_at: i64,
}

/// How a worker is, as it says itself.
#[derive(Debug, Clone, Default)]
pub struct WorkerReport {
    /// Its software's version.
    pub version: &'static str,
    /// `ready`, `unready` or `draining`.
    pub state: &'static str,
    /// Why it is not ready.
    pub reasons: Vec<String>,
    /// The queues that it takes jobs from.
    pub queues: Vec<String>,
    /// Jobs in hand.
    pub in_flight: usize,
    /// How many jobs it works on at once.
    pub concurrency: usize,
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

    /// The same worker is still alive, and this is how it is.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn report(self, id: &str, host: &str, lease: Duration, report: &WorkerReport) -> Result<(), Error> {
        let clock = self.0.database.clock();
        let statement = "INSERT INTO workers (id, host, started_at, seen_until, version, state, reasons, queues, in_flight,
                             concurrency, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $3)
                         ON CONFLICT (id) DO UPDATE SET seen_until = excluded.seen_until, version = excluded.version,
                             state = excluded.state, reasons = excluded.reasons, queues = excluded.queues,
                             in_flight = excluded.in_flight, concurrency = excluded.concurrency, seen_at = excluded.seen_at";
        let WorkerReport { version, state, reasons, queues, in_flight, concurrency } = report;
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (in_flight, concurrency) = (number(*in_flight), number(*concurrency));
        let [reasons, queues] = [json!(reasons).to_string(), json!(queues).to_string()];
        on!(&self.0.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            sqlx::query(statement)
                .bind(id).bind(host).bind(now).bind(now.saturating_add(millis(lease))).bind(*version).bind(*state)
                .bind(&reasons).bind(&queues).bind(in_flight).bind(concurrency)
                .execute(db).await?;
        })
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

    /// All workers that have not left, the oldest first, and the database's clock: those whose lease is over have died.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn list(self) -> Result<(Vec<LiveWorker>, i64), Error> {
        let clock = self.0.database.clock();
        let statement = "SELECT * FROM workers ORDER BY started_at, id";
        on!(&self.0.database, read db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            (sqlx::query_as(statement).fetch_all(db).await?, now)
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
