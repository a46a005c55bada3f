//! What is done by the clock: leases, the gate for new jobs, results that were left behind, figures, old rows.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::engine_backpressure::BEHIND;
use crate::amqp::Broker;
use crate::health::StatusFile;
use crate::telemetry::metric;
use crate::worker::context::Context;
use crate::worker::in_flight::InFlight;
use crate::{fault, store};

/// How often results that were left behind are looked for, and figures of the ledger are read.
const SWEEP: Duration = Duration::from_secs(5);
/// How many of them are sent in one go.
const SWEPT: u32 = 100;
/// How often old rows are dropped, and how soon after the start: a worker that lives for minutes does its part too.
const RETAIN: Duration = Duration::from_mins(10);
const FIRST: Duration = Duration::from_secs(20);

/// What it looks after.
pub(in crate::worker) struct PeriodicTasks {
    pub(in crate::worker) worker: Arc<Context>,
    pub(in crate::worker) broker: Broker,
    pub(in crate::worker) in_flight: Arc<InFlight>,
    /// Open while new jobs can be worked on to their end.
    pub(in crate::worker) gate: watch::Sender<bool>,
    pub(in crate::worker) file: StatusFile,
    pub(in crate::worker) lease: Duration,
    /// How long rows of jobs that ended are kept.
    pub(in crate::worker) keep_jobs: Duration,
    /// How long payloads are kept after the answer was taken.
    pub(in crate::worker) keep_payloads: Duration,
}

impl PeriodicTasks {
    /// Runs until the process ends. What asks the database does so beside the rest, so that one that hangs stops nothing.
    pub(in crate::worker) async fn run(self) {
        let looks = self.look();
        let renews = renew(&self.worker, self.lease);
        let sweeps = sweep(&self.worker);
        let counts = read_figures(&self.worker);
        let retains = retain(&self.worker, self.keep_jobs, self.keep_payloads);
        tokio::join!(looks, renews, sweeps, counts, retains);
    }

    /// Broker, gate and status file, every second.
    async fn look(&self) {
        let (worker, broker) = (&self.worker, &self.broker);
        let (mut tick, mut counted) = (every(Duration::from_secs(1)), 0);
        loop {
            tick.tick().await;
            worker.health.broker(broker.is_connected(), broker.is_blocked(), broker.has_drifted());
            worker.health.in_flight(self.in_flight.len());
            metrics::gauge!(metric::HOSTS_RESTING).set(count(worker.calls.hosts.open_circuits()));
            metrics::gauge!(metric::TASKS).set(count(tokio::runtime::Handle::current().metrics().num_alive_tasks()));
            let reopened = broker.channels_reopened();
            metrics::counter!(metric::CONSUMERS_REBUILT).increment(reopened - counted);
            counted = reopened;
            self.open_or_close();
            if let Err(error) = self.file.write(&worker.health.status(&worker.id)) {
                tracing::warn!(%error, "the status file cannot be written");
            }
        }
    }

    /// What could not be answered is not begun.
    fn open_or_close(&self) {
        let well = self.worker.health.is_well() || fault::without("gate");
        let changed = self.gate.send_if_modified(|open| std::mem::replace(open, well) != well);
        if changed && well {
            tracing::info!("broker and database are there again: taking jobs");
        } else if changed {
            let status = self.worker.health.status(&self.worker.id);
            tracing::warn!("taking no more jobs for now: {}", status.problem().unwrap_or_default());
        }
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut tick = interval(period);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and counts are far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

/// Keeps the lease; while the database is away, asks every second whether it is back.
async fn renew(worker: &Context, lease: Duration) {
    let renewal = (lease / 3).max(Duration::from_secs(1));
    let (mut tick, mut renewed) = (every(Duration::from_secs(1)), Instant::now());
    loop {
        tick.tick().await;
        if renewed.elapsed() < renewal && worker.health.has_database() {
            continue;
        }
        match worker.store.workers().renew(&worker.id, lease).await {
            Ok(()) => {
                renewed = Instant::now();
                worker.health.database_answered();
            }
            Err(error) => {
                if worker.health.database_failed() {
                    tracing::warn!(%error, "the lease cannot be renewed; without it others take this worker's jobs over");
                }
            }
        }
    }
}

/// Sends whatever is due: after an hour without its queue an engine has thousands to take.
async fn sweep(worker: &Context) {
    let (mut tick, mut complaint) =
        (every(SWEEP), Complaint::that("results that were left behind cannot be looked for"));
    loop {
        tick.tick().await;
        while let Some(left_behind) = complaint.unless(worker, worker.ledger.sweep(SWEPT).await) {
            for answer in &left_behind {
                if worker.send_result(answer).await.is_err() {
                    return;
                }
            }
            if left_behind.len() < SWEPT as usize {
                break;
            }
        }
    }
}

/// What the whole ledger says about retries and results.
async fn read_figures(worker: &Context) {
    let (mut tick, mut complaint) = (every(SWEEP), Complaint::that("the ledger's figures cannot be read"));
    loop {
        tick.tick().await;
        if let Some(figures) = complaint.unless(worker, worker.store.jobs().stats(BEHIND).await) {
            metrics::gauge!(metric::RETRY_STUCK).set(count(figures.retry_stuck));
            metrics::gauge!(metric::RESULTS_WAITING).set(count(figures.results_waiting));
            metrics::gauge!(metric::ANSWERS_OVERDUE).set(figures.overdue.as_secs_f64());
            worker.undelivered.found(figures);
        }
    }
}

/// Told once, and again only after what it is about has gone well.
struct Complaint {
    that: &'static str,
    is_told: bool,
}

impl Complaint {
    fn that(that: &'static str) -> Self {
        Self { that, is_told: false }
    }

    fn unless<T>(&mut self, worker: &Context, done: Result<T, store::Error>) -> Option<T> {
        match done {
            Ok(done) => {
                self.is_told = false;
                Some(done)
            }
            Err(error) => {
                // Of a database that is away, whoever renews the lease has told.
                let is_known = error.is_passing() && !worker.health.has_database();
                if !is_known && !std::mem::replace(&mut self.is_told, true) {
                    tracing::warn!(%error, "{}", self.that);
                }
                None
            }
        }
    }
}

async fn retain(worker: &Context, jobs: Duration, payloads: Duration) {
    tokio::time::sleep(FIRST).await;
    let mut tick = every(RETAIN);
    loop {
        tick.tick().await;
        if let Err(error) = worker.ledger.retain(jobs, payloads).await {
            tracing::warn!(%error, "old rows of the ledger cannot be dropped");
        }
    }
}
