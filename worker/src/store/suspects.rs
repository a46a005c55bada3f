//! Messages that were delivered before: whether workers die while they plan one, of which no claim tells.

use std::time::Duration;

use super::database::on;
use super::{Error, Inner};

/// Redelivered messages that are being planned.
#[derive(Debug, Clone, Copy)]
pub struct Suspects<'a>(pub(super) &'a Inner);

/// Whether a redelivered message may be planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    /// By this worker, and that is recorded; so many died while they planned it.
    Begun {
        /// Deaths that were seen.
        deaths: u32,
    },
    /// Another worker may still be planning it, for as long as its lease.
    Busy {
        /// From now.
        wait: Duration,
    },
}

impl Suspects<'_> {
    /// Records that `worker` plans a message; whoever planned it before and neither finished nor lives has died of it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(self, message: &str, worker: &str) -> Result<Suspicion, Error> {
        let clock = self.0.database.clock();
        let known = "SELECT s.worker, s.deaths, COALESCE(w.seen_until, 0) FROM suspects s
                     LEFT JOIN workers w ON w.id = s.worker WHERE s.message = $1";
        let take = "INSERT INTO suspects (message, worker, deaths, begun_at) VALUES ($1, $2, $3, $4)
                    ON CONFLICT (message) DO UPDATE
                    SET worker = excluded.worker, deaths = excluded.deaths, begun_at = excluded.begun_at";
        on!(&self.0.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            let before: Option<(String, i64, i64)> = sqlx::query_as(known).bind(message).fetch_optional(&mut *db).await?;
            let deaths = match before {
                None => 0,
                Some((other, deaths, _)) if other == worker => deaths,
                Some((_, _, until)) if until > now => {
                    return Ok(Suspicion::Busy { wait: Duration::from_millis(u64::try_from(until - now).unwrap_or(0)) });
                }
                Some((_, deaths, _)) => deaths + 1,
            };
            sqlx::query(take).bind(message).bind(worker).bind(deaths).bind(now).execute(db).await?;
            Suspicion::Begun { deaths: u32::try_from(deaths).unwrap_or(u32::MAX) }
        })
    }

    /// The message was planned, or is a dead letter.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn end(self, message: &str) -> Result<(), Error> {
        let statement = "DELETE FROM suspects WHERE message = $1";
        on!(&self.0.database, write db => {
            sqlx::query(statement).bind(message).execute(db).await?;
        })
    }
}
