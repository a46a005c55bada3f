//! Periodic tasks: lease renewal, intake gate, resending results, ledger metrics, retention.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::engine_backpressure::UNDELIVERED_LIMIT;
use crate::admin::rest_jobs;
use crate::amqp::Broker;
use crate::health::StatusFile;
use crate::store::ledger::RetentionAges;
use crate::store::{self, WorkerReport};
use crate::telemetry::metric;
use crate::worker::context::Context;
use crate::worker::host_name;
use crate::worker::in_flight::InFlight;

/// How often results that are due are sent again, and how often the ledger's statistics are read.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// How often what was counted is stored.
const MINUTES_INTERVAL: Duration = Duration::from_secs(3);
/// How many results are read from the ledger at once.
const SWEEP_BATCH: u32 = 100;
/// How often old rows are deleted.
const RETENTION_INTERVAL: Duration = Duration::from_mins(10);
/// How soon after the start they are first deleted: workers that run for minutes only have to take part too.
const RETENTION_START: Duration = Duration::from_secs(20);

/// What the periodic tasks work with.
pub(in crate::worker) struct PeriodicTasks {
    pub(in crate::worker) worker: Arc<Context>,
    pub(in crate::worker) broker: Broker,
    pub(in crate::worker) in_flight: Arc<InFlight>,
    /// True while new jobs can be completed.
    pub(in crate::worker) gate: watch::Sender<bool>,
    pub(in crate::worker) status_file: StatusFile,
    pub(in crate::worker) lease: Duration,
    /// The queues that jobs are taken from.
    pub(in crate::worker) queues: Vec<String>,
    /// How long rows are retained.
    pub(in crate::worker) keep: RetentionAges,
}

impl PeriodicTasks {
    /// Runs until the process ends. Each task that uses the database runs concurrently: a slow statement delays no other task.
    pub(in crate::worker) async fn run(self) {
        tokio::join!(
            self.poll_health(),
            self.renew_lease(),
            store_minutes(&self.worker),
            resend_results(&self.worker),
            publish_rest_jobs(&self.worker, &self.broker),
            read_stats(&self.worker),
            delete_old_rows(&self.worker, self.keep),
        );
    }

    /// Renews the lease and says how this worker is, at once and then each time; while the database is unreachable, tries
    /// every second.
    async fn renew_lease(&self) {
        let worker = &self.worker;
        let renewal = (self.lease / 3).max(Duration::from_secs(1));
        let (mut tick, mut renewed) = (every(Duration::from_secs(1)), None::<Instant>);
        loop {
            tick.tick().await;
            if renewed.is_some_and(|at| at.elapsed() < renewal) && worker.health.has_database() {
                continue;
            }
            match worker.store.workers().report(&worker.id, &host_name(), self.lease, &self.report()).await {
                Ok(()) => {
                    renewed = Some(Instant::now());
                    worker.health.database_answered();
                }
                Err(error) => {
                    if worker.health.database_failed() {
                        tracing::warn!(%error, "the lease cannot be renewed; once it expires, other workers take over this worker's jobs");
                    }
                }
            }
        }
    }

    /// How this worker is.
    fn report(&self) -> WorkerReport {
        let status = self.worker.health.status(&self.worker.id);
        let reasons: Vec<String> = status.problem().into_iter().collect();
        let state = match &status {
            status if status.draining => "draining",
            _ if reasons.is_empty() => "ready",
            _ => "unready",
        };
        WorkerReport {
            version: env!("CARGO_PKG_VERSION"),
            state,
            reasons,
            queues: self.queues.clone(),
            in_flight: self.in_flight.len(),
            concurrency: self.in_flight.limit(),
        }
    }

    /// Updates broker state, intake gate, gauges and status file every second.
    async fn poll_health(&self) {
        let (worker, broker) = (&self.worker, &self.broker);
        let (mut tick, mut counted) = (every(Duration::from_secs(1)), 0);
        loop {
            tick.tick().await;
            worker.health.broker(broker.is_connected(), broker.is_blocked(), broker.has_drifted());
            worker.health.in_flight(self.in_flight.len());
            metrics::gauge!(metric::HOSTS_CIRCUIT_OPEN).set(count(worker.calls.hosts.open_circuits()));
            metrics::gauge!(metric::TASKS).set(count(tokio::runtime::Handle::current().metrics().num_alive_tasks()));
            let reopened = broker.channels_reopened();
            metrics::counter!(metric::CONSUMERS_REBUILT).increment(reopened - counted);
            counted = reopened;
            self.update_intake_gate();
            if let Err(error) = self.status_file.write(&worker.health.status(&worker.id)) {
                tracing::warn!(%error, "the status file cannot be written");
            }
        }
    }

    /// Opens the gate while broker and database are available: a job is not started whose result could not be delivered.
    fn update_intake_gate(&self) {
        let is_well = self.worker.health.is_well();
        let changed = self.gate.send_if_modified(|open| std::mem::replace(open, is_well) != is_well);
        if changed && is_well {
            tracing::info!("broker and database are available again: taking jobs");
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

/// Stores what was counted, a few seconds at a time.
async fn store_minutes(worker: &Context) {
    let mut tick = every(MINUTES_INTERVAL);
    loop {
        tick.tick().await;
        worker.minutes.flush(&worker.store).await;
    }
}

/// Publishes jobs that were made over REST and are not known to be on a queue: their process died, or lost its broker.
async fn publish_rest_jobs(worker: &Context, broker: &Broker) {
    let mut tick = every(SWEEP_INTERVAL);
    loop {
        tick.tick().await;
        if !worker.health.is_well() {
            continue;
        }
        if let Err(error) = rest_jobs::publish_again(&worker.store, broker).await {
            tracing::warn!(%error, "jobs made over REST could not be published again; the next try follows");
        }
    }
}

/// Sends all results that are due: after an hour without its queue an engine has thousands of them.
async fn resend_results(worker: &Context) {
    let (mut tick, mut log) = (every(SWEEP_INTERVAL), LogOnce::new("results to send again cannot be read"));
    loop {
        tick.tick().await;
        while let Some(due) = log.ok(worker, worker.ledger.sweep(SWEEP_BATCH).await) {
            for result in &due {
                if worker.send_result(result).await.is_err() {
                    return;
                }
            }
            if due.len() < SWEEP_BATCH as usize {
                break;
            }
        }
    }
}

/// Reads the gauges over the whole ledger.
async fn read_stats(worker: &Context) {
    let (mut tick, mut log) = (every(SWEEP_INTERVAL), LogOnce::new("the ledger's statistics cannot be read"));
    loop {
        tick.tick().await;
        if let Some(stats) = log.ok(worker, worker.store.jobs().stats(UNDELIVERED_LIMIT).await) {
            metrics::gauge!(metric::RETRY_STUCK).set(count(stats.retry_stuck));
            metrics::gauge!(metric::RESULTS_UNDELIVERED).set(count(stats.results_undelivered));
            metrics::gauge!(metric::RESULTS_OLDEST_UNCONFIRMED).set(stats.overdue.as_secs_f64());
            worker.undelivered.update(stats);
        }
    }
}

/// Logs the first failure of a periodic operation, and the next one only after a success.
struct LogOnce {
    message: &'static str,
    is_logged: bool,
}

impl LogOnce {
    fn new(message: &'static str) -> Self {
        Self { message, is_logged: false }
    }

    fn ok<T>(&mut self, worker: &Context, result: Result<T, store::Error>) -> Option<T> {
        match result {
            Ok(value) => {
                self.is_logged = false;
                Some(value)
            }
            Err(error) => {
                // That the database is unreachable is logged where the lease is renewed.
                let is_reported = error.is_transient() && !worker.health.has_database();
                if !is_reported && !std::mem::replace(&mut self.is_logged, true) {
                    tracing::warn!(%error, "{}", self.message);
                }
                None
            }
        }
    }
}

async fn delete_old_rows(worker: &Context, keep: RetentionAges) {
    tokio::time::sleep(RETENTION_START).await;
    let mut tick = every(RETENTION_INTERVAL);
    loop {
        tick.tick().await;
        if let Err(error) = worker.ledger.retain(keep).await {
            tracing::warn!(%error, "old rows of the ledger cannot be deleted");
        }
    }
}
