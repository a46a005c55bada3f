//! A worker process: takes deliveries, works on each of them, and ends without losing any.
//!
//! Knows the order of things; everything that branches on content is in the pure modules.

mod background;
mod capacity;
mod context;
mod in_flight;
mod job;
mod watchdog;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::amqp::{self, Broker, Consumer, Delivery};
use crate::call::catalog::Directory;
use crate::call::host_limiter::Hosts;
use crate::config::Config;
use crate::health::{self, Health};
use crate::job::Decoder;
use crate::store::{self, Store};
use crate::{fault, http, setup};
use background::engine_backpressure::Untaken;
use background::periodic::Housekeeping;
use background::{control_channel, dead_letters, misattributed_returns};
use context::{Settled, Stopping, Worker};
use in_flight::{Hand, InHand};
use watchdog::Sentry;

pub use capacity::Capacity;
pub use context::Phase;
pub use watchdog::WEDGED;

/// Why a worker cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The broker.
    #[error(transparent)]
    Amqp(#[from] amqp::Error),
    /// A certificate authority file.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The folder of status files.
    #[error("the status file cannot be written: {0}")]
    StatusFile(#[from] std::io::Error),
    /// Two ledgers on one broker would make one job's call twice.
    #[error(
        "another worker ({worker}) uses another ledger on this broker under the same prefix; use PostgreSQL for both, or another --prefix"
    )]
    OtherLedger {
        /// The other one.
        worker: String,
    },
    /// Something in this process does not get on; what it had in hand comes again.
    #[error("wedged: {0}. The process ends, so that another one takes over; what it had in hand comes again")]
    Wedged(String),
}

/// A worker that has what it needs and can be run.
#[derive(Debug)]
pub struct Process {
    worker: Arc<Worker>,
    broker: Broker,
    config: Config,
    phase: watch::Sender<Phase>,
    status_file: health::StatusFile,
}

impl Process {
    /// Connects to the broker, declares what is needed, and makes sure that this ledger is the only one there.
    ///
    /// # Errors
    /// When a needed service cannot be reached or the settings do not fit together.
    pub async fn start(config: Config, store: Store, health: Arc<Health>) -> Result<Self, Error> {
        let id = format!("{}-{}", host_name(), uuid::Uuid::now_v7());
        let broker = Broker::connect(setup::amqp(&config, &id)).await?;
        health.broker(true, false, false);
        control_channel::refuse_other_ledger(&broker, store.ledger_id(), &id).await?;
        store.register_worker(&id, &host_name(), config.worker.lease).await?;
        health.database_answered();
        let (phase, phase_seen) = watch::channel(Phase::Working);
        let worker = Worker {
            ledger: store.ledger(&id),
            decoder: Decoder::default(),
            directory: Directory::of_store(store.clone()),
            client: setup::client(&config, Some(&store)).await?,
            publisher: broker.publisher(),
            topology: broker.topology().clone(),
            limits: config.limits.clone(),
            plan_limits: setup::plan_limits(&config),
            phase: phase_seen,
            hosts: Hosts::new(Capacity::of(&config).per_host),
            untaken: Untaken::default(),
            health,
            store,
            id,
        };
        let status_file = health::StatusFile::open(&config.data_dir, &worker.id)?;
        Ok(Self { worker: Arc::new(worker), broker, config, phase, status_file })
    }

    /// This worker's id.
    pub fn id(&self) -> &str {
        &self.worker.id
    }

    /// How much it works on at once, to begin with.
    pub fn capacity(&self) -> Capacity {
        Capacity::of(&self.config)
    }

    /// Works until `stop` is done, then drains: calls in flight finish, what was not begun goes back to the queue.
    ///
    /// # Errors
    /// [`Error::Wedged`] when something in this process does not get on.
    pub async fn run(self, stop: impl Future<Output = ()>, capacity: watch::Receiver<Capacity>) -> Result<(), Error> {
        let Self { worker, broker, config, phase, status_file } = self;
        let hand = Hand::new(capacity.borrow().concurrency, config.worker.stuck_after);
        let (gate, gate_seen) = watch::channel(true);
        let sentry = Sentry::start(config.worker.stuck_after)?;
        let housekeeping = Housekeeping {
            worker: Arc::clone(&worker),
            broker: broker.clone(),
            hand: Arc::clone(&hand),
            gate,
            file: status_file,
            lease: config.worker.lease,
            keep_jobs: config.database.keep_jobs,
            keep_payloads: config.database.keep_payloads,
        };
        let mut background = JoinSet::new();
        background.spawn(async move { sentry.beat().await });
        background.spawn(housekeeping.run());
        background.spawn(capacity::follow(capacity, Arc::clone(&hand), Arc::clone(&worker.hosts)));
        background.spawn(dead_letters::collect(Arc::clone(&worker), broker.dead_letters()));
        background.spawn(control_channel::write_cancels(Arc::clone(&worker), broker.cancels()));
        background.spawn(misattributed_returns::look_after(Arc::clone(&worker), broker.clone()));
        background.spawn(control_channel::answer(
            broker.clone(),
            worker.store.ledger_id().to_owned(),
            worker.id.clone(),
        ));

        let deliveries = broker.jobs();
        let stopping = deliveries.stopper();
        let taking = take(Arc::clone(&worker), deliveries, Arc::clone(&hand), gate_seen);
        tokio::pin!(taking);
        tracing::info!(worker.id = worker.id, queues = ?config.worker.queues, "taking jobs");
        let (jobs, ended) = tokio::select! {
            jobs = &mut taking => (jobs, Ok(())),
            () = stop => {
                tracing::info!("stopping: taking no more jobs, finishing those in hand");
                stopping.stop();
                (taking.await, Ok(()))
            }
            why = watchdog::watch(&hand, &worker.health) => {
                tracing::error!("{why}; this process takes no more jobs, finishes the others and ends with exit code {WEDGED}");
                worker.health.wedged(why.clone());
                stopping.stop();
                (taking.await, Err(Error::Wedged(why)))
            }
        };
        worker.health.draining();
        phase.send_replace(Phase::Draining);
        finish(&worker, jobs, &phase, config.worker.drain_timeout).await;
        background.shutdown().await;
        worker.ledger.flush().await;
        if let Err(error) = worker.store.remove_worker(&worker.id).await {
            tracing::warn!(%error, "the lease could not be removed; others wait until it is over");
        }
        broker.close().await;
        tracing::info!("stopped");
        ended
    }
}

/// Takes deliveries until the consumer ends, as many as there are places; returns those still in hand.
async fn take(
    worker: Arc<Worker>,
    mut deliveries: Consumer,
    hand: Arc<Hand>,
    mut gate: watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    while let Some((delivery, place)) = next(&mut deliveries, &hand, &mut gate).await {
        let (worker, in_hand) = (Arc::clone(&worker), hand.take(place));
        // In a box: on its way into a task, what a job takes, some 9 KB, would be copied four times.
        jobs.spawn(Box::pin(async move { deliver(&worker, delivery, in_hand).await }));
        while jobs.try_join_next().is_some() {}
    }
    jobs
}

/// The next delivery, once there is a place and the gate is open; `None` when the consumer was stopped, whatever it waits for.
async fn next(
    deliveries: &mut Consumer,
    hand: &Hand,
    gate: &mut watch::Receiver<bool>,
) -> Option<(Delivery, OwnedSemaphorePermit)> {
    let place = tokio::select! {
        place = ready(hand, gate) => place?,
        () = deliveries.stopped() => return None,
    };
    let delivery = deliveries.next().await?;
    // The gate may have closed while there was nothing to take.
    tokio::select! {
        () = opened(gate) => Some((delivery, place)),
        () = deliveries.stopped() => {
            delivery.requeue().await;
            None
        }
    }
}

async fn ready(hand: &Hand, gate: &mut watch::Receiver<bool>) -> Option<OwnedSemaphorePermit> {
    let place = hand.place().await;
    opened(gate).await;
    place
}

/// Done once the gate is open; what the watch lends out is given back at once, for its sender waits for that.
async fn opened(gate: &mut watch::Receiver<bool>) {
    drop(gate.wait_for(|open| *open).await);
}

/// One delivery, from its arrival to its ack.
async fn deliver(worker: &Worker, delivery: Delivery, in_hand: InHand) {
    let granted = OnceLock::new();
    let settled = match AssertUnwindSafe(job::work(worker, &delivery, &granted, &in_hand)).catch_unwind().await {
        Ok(settled) => settled,
        Err(_) => job::after_panic(worker, &delivery, granted.get()).await,
    };
    match settled {
        // A delivery of a connection that is gone comes again, and the ledger knows it.
        Ok(Settled::Done) => {
            fault::at("acking").await;
            delivery.ack().await
        }
        Ok(Settled::Back) | Err(Stopping) => delivery.requeue().await,
    };
}

/// Waits for the jobs in hand; when time is up, what waits for database or broker goes back to the queue.
async fn finish(worker: &Worker, mut jobs: JoinSet<()>, phase: &watch::Sender<Phase>, drain: Duration) {
    let all = async { while jobs.join_next().await.is_some() {} };
    if timeout(drain, all).await.is_err() {
        tracing::warn!(worker.id = worker.id, "calls were still in flight at the end of worker.drain_timeout");
        phase.send_replace(Phase::Abandoning);
        let last = async { while jobs.join_next().await.is_some() {} };
        drop(timeout(Duration::from_secs(2), last).await);
    }
    jobs.shutdown().await;
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "host".to_owned() } else { name.to_owned() }
}
