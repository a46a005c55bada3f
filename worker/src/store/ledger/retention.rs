//! Old rows go, a thousand at a time, so that nobody waits for them.

use std::time::Duration;

use super::link::Link;
use crate::store::Error;
use crate::store::database::Database;
use crate::store::workers::millis;

/// Rows that one statement drops; fewer where so many take too long, which large payloads may, and no fewer than the least.
const CHUNK: i64 = 1_000;
const LEAST: i64 = 10;
/// Others get their turn between two chunks.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the lease of a dead worker is kept, for people, and the turns of a connector that nobody calls.
const FORGOTTEN: Duration = Duration::from_hours(24);

const PAYLOADS: &str = "DELETE FROM payloads WHERE job_id IN (SELECT p.job_id FROM payloads p
    LEFT JOIN jobs j ON j.id = p.job_id
    WHERE p.stored_at < $1 AND (j.id IS NULL OR (j.state IN ('published', 'cancelled') AND j.updated_at < $1))
    ORDER BY p.stored_at LIMIT $2)";
pub(in crate::store) const ROWS: &str = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE created_at < $1
    AND updated_at < $1 AND state IN ('published', 'cancelled') ORDER BY created_at LIMIT $2)";
const WORKERS: &str = "DELETE FROM workers WHERE id IN (SELECT id FROM workers WHERE seen_until < $1 LIMIT $2)";
const RATES: &str = "DELETE FROM rates WHERE bucket IN (SELECT bucket FROM rates WHERE next_at < $1 * 1000 LIMIT $2)";

/// Drops what is older than this; where another worker is at it, that is left to it. What cannot be dropped does not keep the
/// rest from going.
pub(super) async fn retain(database: &Database, rows: Duration, payloads: Duration) -> Result<(), Error> {
    let now = database.now().await?;
    let mut link = Link::to(database.clone());
    let mut done = Ok(());
    for (statement, age) in [(PAYLOADS, payloads), (ROWS, rows), (WORKERS, FORGOTTEN), (RATES, FORGOTTEN)] {
        done = done.and(drop_all(&mut link, statement, now.saturating_sub(millis(age))).await);
    }
    done
}

async fn drop_all(link: &mut Link, statement: &'static str, before: i64) -> Result<(), Error> {
    let mut chunk = CHUNK;
    loop {
        match link.drop_old(statement, before, chunk).await {
            Ok(dropped) if dropped < chunk.unsigned_abs() => return Ok(()),
            Ok(_) => {}
            Err(error) if error.is_passing() && chunk > LEAST => chunk /= 10,
            Err(error) => return Err(error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
