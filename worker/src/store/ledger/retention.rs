//! Deletes old rows, a thousand at a time, so that no other statement waits for long.

use std::time::Duration;

use super::connection::LedgerConnection;
use crate::store::Error;
use crate::store::database::Database;
use crate::store::workers::millis;

/// Rows that one statement drops; fewer where that takes too long, as with large payloads, and no fewer than the least.
const CHUNK: usize = 1_000;
const LEAST: usize = 10;
/// Others get their turn between two chunks.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the lease of a dead worker stays, for people, and the rate limit of a connector that nobody calls.
const FORGOTTEN: Duration = Duration::from_hours(24);
/// How long minutes are kept (API 10).
const MINUTES_KEPT: Duration = Duration::from_hours(90 * 24);

/// How old what is stored may become.
#[derive(Debug, Clone, Copy)]
pub struct RetentionAges {
    /// Rows of jobs that have ended.
    pub jobs: Duration,
    /// Messages and results, once the engine has the result.
    pub payloads: Duration,
    /// Dead letters.
    pub dead_letters: Duration,
}

/// Each drops what is older than `$1` and not older than `$3`, no more than `$2` rows, and returns their ages.
const PAYLOADS: &str = "DELETE FROM payloads WHERE job_id IN (SELECT p.job_id FROM payloads p
    LEFT JOIN jobs j ON j.id = p.job_id WHERE p.stored_at < $1 AND p.stored_at >= $3
        AND (j.id IS NULL OR (j.state IN ('published', 'cancelled') AND j.updated_at < $1))
    ORDER BY p.stored_at LIMIT $2) RETURNING stored_at";
pub(in crate::store) const ROWS: &str = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs
    WHERE created_at < $1 AND created_at >= $3 AND updated_at < $1 AND state IN ('published', 'cancelled')
    ORDER BY created_at LIMIT $2) RETURNING created_at";
const DEAD_LETTERS: &str = "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters
    WHERE arrived_at < $1 AND arrived_at >= $3 ORDER BY arrived_at LIMIT $2) RETURNING arrived_at";
const WORKERS: &str = "DELETE FROM workers WHERE id IN (SELECT id FROM workers
    WHERE seen_until < $1 AND seen_until >= $3 ORDER BY seen_until LIMIT $2) RETURNING seen_until";
const RATES: &str = "DELETE FROM rates WHERE bucket IN (SELECT bucket FROM rates
    WHERE next_at / 1000 < $1 AND next_at / 1000 >= $3 ORDER BY next_at LIMIT $2) RETURNING next_at / 1000";

const SUSPECTS: &str = "DELETE FROM suspects WHERE message IN (SELECT message FROM suspects
    WHERE begun_at < $1 AND begun_at >= $3 ORDER BY begun_at LIMIT $2) RETURNING begun_at";

const BULK: &str = "DELETE FROM bulk WHERE id IN (SELECT id FROM bulk
    WHERE created_at < $1 AND created_at >= $3 ORDER BY created_at LIMIT $2) RETURNING created_at";
/// Whole minutes, each of which has many rows.
const MINUTES: &str = "DELETE FROM minutes WHERE minute IN (SELECT DISTINCT minute FROM minutes
    WHERE minute < $1 AND minute >= $3 ORDER BY minute LIMIT 1 + $2 / 20) RETURNING minute";
const HOURS: &str = "DELETE FROM hours WHERE hour IN (SELECT DISTINCT hour FROM hours
    WHERE hour < $1 AND hour >= $3 ORDER BY hour LIMIT 1 + $2 / 20) RETURNING hour";

/// Drops what is older than this; where another worker does so, that is left to it. What cannot be dropped does not keep the
/// rest.
pub(super) async fn retain(database: &Database, ages: RetentionAges) -> Result<(), Error> {
    let now = database.now().await?;
    let mut connection = LedgerConnection::to(database.clone());
    let mut done = Ok(());
    for (statement, age) in [
        (PAYLOADS, ages.payloads),
        (ROWS, ages.jobs),
        (DEAD_LETTERS, ages.dead_letters),
        (WORKERS, FORGOTTEN),
        (RATES, FORGOTTEN),
        (SUSPECTS, FORGOTTEN),
        (MINUTES, MINUTES_KEPT),
        (HOURS, MINUTES_KEPT),
        (BULK, ages.jobs),
    ] {
        done = done.and(drop_all(&mut connection, statement, now.saturating_sub(millis(age))).await);
    }
    done
}

/// From the oldest on: each chunk begins where the one before has ended, for what was dropped stays in the index until it is
/// vacuumed, and what is never dropped stays at its beginning.
async fn drop_all(connection: &mut LedgerConnection, statement: &'static str, before: i64) -> Result<(), Error> {
    let (mut chunk, mut from) = (CHUNK, 0);
    loop {
        match connection.drop_old(statement, before, chunk, from).await {
            Ok(ages) if ages.len() < chunk => return Ok(()),
            Ok(ages) => from = ages.into_iter().max().unwrap_or(from),
            Err(error) if error.is_transient() && chunk > LEAST => chunk /= 10,
            Err(error) => return Err(error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
