//! The pace that a connector prescribes: a call waits for its turn, shortly here, longer in the delay ladder.
//!
//! Turns are handed out by the database, so that they hold for all workers together; a job that has waited for its turn in
//! the ladder brings it back in a header.

use std::time::Duration;

use crate::clock;
use crate::plan::Pace;
use crate::store::{self, Store};

/// The longest wait for a turn that a job's place in this process is worth.
const HERE: Duration = Duration::from_secs(1);
/// How far a turn that was waited for may lie back, or ahead by this machine's clock: later, many would come at once.
const GOOD: (i64, i64) = (10_000, 60_000);

/// Whose turn it is.
#[derive(Debug)]
pub enum Turn {
    /// This job's.
    Now,
    /// Others' before it.
    Later {
        /// For so long.
        wait: Duration,
        /// When its own turn is, epoch milliseconds.
        at: i64,
    },
}

/// Takes a turn, and waits for it if it comes soon.
pub async fn turn(store: &Store, brought: Option<i64>, pace: &Pace) -> Result<Turn, store::Error> {
    if let Some(turn) = brought
        && (turn - GOOD.1..=turn + GOOD.0).contains(&clock::now_ms())
    {
        return Ok(Turn::Now);
    }
    let wait = store.rate_limits().reserve_slot(&pace.bucket, pace.every).await?;
    if wait > HERE {
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        return Ok(Turn::Later { wait, at: clock::now_ms().saturating_add(millis) });
    }
    tokio::time::sleep(wait).await;
    Ok(Turn::Now)
}
