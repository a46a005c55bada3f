//! The rate limit that a connector prescribes. Slots are reserved in the database, so that they hold for all workers
//! together; a job that has waited for its slot in the delay ladder brings it back in a header.

use std::time::Duration;

use crate::clock;
use crate::plan::RateLimit;
use crate::store::{self, Store};

/// The longest wait for a slot that is waited for here; longer ones would keep a job's permit from others.
const WAIT_HERE: Duration = Duration::from_secs(1);
/// How late, and how early by this machine's clock, a reserved slot may be used, milliseconds: beyond that many calls would
/// come at once.
const USABLE_MS: (i64, i64) = (10_000, 60_000);

/// When a call may be made.
#[derive(Debug)]
pub(super) enum Slot {
    /// Now.
    Now,
    /// After other calls.
    Later {
        /// From now.
        wait: Duration,
        /// When it is, epoch milliseconds.
        at: i64,
    },
}

/// Reserves a slot, unless `reserved` is one that can be used now, and waits for it if it comes soon.
pub(super) async fn reserve(store: &Store, reserved: Option<i64>, limit: &RateLimit) -> Result<Slot, store::Error> {
    if let Some(slot) = reserved
        && (slot - USABLE_MS.1..=slot + USABLE_MS.0).contains(&clock::now_ms())
    {
        return Ok(Slot::Now);
    }
    let wait = store.rate_limits().reserve_slot(&limit.bucket, limit.every).await?;
    if wait > WAIT_HERE {
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        return Ok(Slot::Later { wait, at: clock::now_ms().saturating_add(millis) });
    }
    tokio::time::sleep(wait).await;
    Ok(Slot::Now)
}
