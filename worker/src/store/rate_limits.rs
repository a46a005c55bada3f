//! Rate limits of calls: time slots, one after the other, for all workers together.

use std::time::Duration;

use super::database::on;
use super::{Error, Inner};

/// Rate limits that all workers share.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits<'a>(pub(super) &'a Inner);

impl RateLimits<'_> {
    /// Reserves the next slot of this bucket and returns the wait until then; the slot after it begins `every` later at the
    /// earliest.
    ///
    /// # Errors
    /// When the database cannot be reached: no slot is reserved.
    pub async fn reserve_slot(self, bucket: &str, every: Duration) -> Result<Duration, Error> {
        let clock = self.0.database.clock();
        let every = i64::try_from(every.as_micros()).unwrap_or(i64::MAX / 4).clamp(1, i64::MAX / 4);
        let take = "INSERT INTO rates (bucket, next_at) VALUES ($1, $2 + $3) ON CONFLICT (bucket) DO UPDATE
                    SET next_at = CASE WHEN rates.next_at > $2 THEN rates.next_at ELSE $2 END + $3 RETURNING next_at";
        let wait: i64 = on!(&self.0.database, write db => {
            let now: i64 = sqlx::query_scalar(clock).fetch_one(&mut *db).await?;
            let now = now.saturating_mul(1_000);
            let next: i64 = sqlx::query_scalar(take).bind(bucket).bind(now).bind(every).fetch_one(&mut *db).await?;
            next - every - now
        })?;
        Ok(Duration::from_micros(u64::try_from(wait).unwrap_or(0)))
    }
}
