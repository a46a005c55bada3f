//! What is done by the clock: leases, results that were left behind, old rows, the status file.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::health::StatusFile;
use super::worker::Worker;
use crate::amqp::Broker;

/// How often results that were left behind are looked for.
const SWEEP: Duration = Duration::from_secs(5);
/// How many of them are sent in one go.
const SWEPT: u32 = 100;
/// How often old rows are dropped.
const RETAIN: Duration = Duration::from_mins(10);
/// How long rows are kept, and payloads after the answer was taken (DESIGN, ledger).
const ROWS: Duration = Duration::from_hours(30 * 24);
const PAYLOADS: Duration = Duration::from_hours(24);

/// Runs until the process ends.
pub(super) async fn run(worker: Arc<Worker>, broker: Broker, file: StatusFile, lease: Duration) {
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let renewal = (lease / 3).max(Duration::from_secs(1));
    let start = Instant::now();
    let (mut renewed, mut swept, mut retained) = (start, start, start);
    loop {
        tick.tick().await;
        worker.health.broker(broker.is_connected());
        if let Err(error) = file.write(&worker.health.status(&worker.id)) {
            tracing::warn!(%error, "the status file cannot be written");
        }
        if renewed.elapsed() >= renewal {
            renewed = Instant::now();
            renew(&worker, lease).await;
        }
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            sweep(&worker).await;
        }
        if retained.elapsed() >= RETAIN {
            retained = Instant::now();
            retain(&worker).await;
        }
    }
}

async fn renew(worker: &Worker, lease: Duration) {
    match worker.store.renew_worker(&worker.id, lease).await {
        Ok(()) => worker.health.database_answered(),
        Err(error) => {
            if worker.health.database_failed() {
                tracing::warn!(%error, "the lease cannot be renewed; without it others take this worker's jobs over");
            }
        }
    }
}

async fn sweep(worker: &Worker) {
    match worker.ledger.sweep(SWEPT).await {
        Ok(left_behind) => {
            for answer in left_behind {
                if worker.send_answer(&answer).await.is_err() {
                    return;
                }
            }
        }
        Err(error) => tracing::debug!(%error, "results that were left behind cannot be looked for"),
    }
}

async fn retain(worker: &Worker) {
    if let Err(error) = worker.ledger.retain(ROWS, PAYLOADS).await {
        tracing::warn!(%error, "old rows of the ledger cannot be dropped");
    }
}
