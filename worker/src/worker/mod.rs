//! A worker process: takes deliveries, works on each of them, and ends without losing any.
//!
//! Knows the order of things; everything that branches on content is in the pure modules.

mod background;
mod capacity;
mod context;
mod in_flight;
mod intake;
mod job;
mod minutes;
mod watchdog;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::amqp::{self, Broker};
use crate::call::Catalog;
use crate::config::Config;
use crate::engine::rabbitmq::RabbitMq;
use crate::health::{self, Health};
use crate::job::Decoder;
use crate::shutdown::{GiveUp, patience};
use crate::store::ledger::RetentionAges;
use crate::store::{self, Store};
use crate::telemetry::event;
use crate::{http, setup};
use background::engine_backpressure::UndeliveredResults;
use background::periodic::PeriodicTasks;
use background::{control_channel, dead_letters, misattributed_returns};
use context::Context;
use in_flight::InFlight;
use minutes::Minutes;
use watchdog::RuntimeWatchdog;

pub use background::collection_events::tend_collections;
pub use capacity::Capacity;
pub use watchdog::STUCK;

/// Why a worker cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate authority file, or the proxy.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The broker.
    #[error(transparent)]
    Amqp(#[from] amqp::Error),
    /// The folder of status files.
    #[error("the status file cannot be written")]
    StatusFile(#[source] std::io::Error),
    /// The thread that watches the runtime.
    #[error("the watchdog cannot be started")]
    Watchdog(#[source] std::io::Error),
    /// Two ledgers on one broker would make one job's call twice.
    #[error(
        "another worker ({worker}) uses another ledger on this broker under the same prefix; use PostgreSQL for both, or another --prefix"
    )]
    OtherLedger {
        /// The other one.
        worker: String,
    },
    /// Something in this process makes no progress; its jobs come again.
    #[error("stuck: {0}. The process ends, so that another one takes over; its jobs come again")]
    Stuck(String),
}

/// A worker that has what it needs and can be run.
#[derive(Debug)]
pub struct Worker {
    context: Arc<Context>,
    broker: Broker,
    config: Config,
    give_up: GiveUp,
    status_file: health::StatusFile,
}

impl Worker {
    /// Connects to the broker, declares what is needed, and makes sure that no worker there uses another ledger.
    ///
    /// # Errors
    /// When a needed service cannot be reached or the settings do not fit together.
    pub async fn start(config: Config, store: Store, health: Arc<Health>) -> Result<Self, Error> {
        let id = format!("{}-{}", host_name(), uuid::Uuid::now_v7());
        let broker = Broker::connect(setup::amqp(&config, &id)).await?;
        health.broker(true, false, false);
        control_channel::refuse_other_ledger(&broker, store.ledger_id(), &id).await?;
        store.workers().register(&id, &host_name(), config.worker.lease).await?;
        health.database_answered();
        let (give_up, patience) = patience();
        let context = Context {
            ledger: store.ledger(&id),
            decoder: Decoder::default(),
            calls: setup::calls(&config, Catalog::of_store(store.clone())).await?,
            rabbitmq: RabbitMq::new(&broker, patience.clone(), &config.amqp.reply_to),
            limits: config.limits.clone(),
            undelivered: UndeliveredResults::default(),
            minutes: Minutes::default(),
            patience,
            suspects: tokio::sync::Mutex::new(()),
            health,
            store,
            id,
        };
        let status_file = health::StatusFile::open(&config.data_dir, &context.id).map_err(Error::StatusFile)?;
        Ok(Self { context: Arc::new(context), broker, config, give_up, status_file })
    }

    /// This worker's id.
    pub fn id(&self) -> &str {
        &self.context.id
    }

    /// How much it works on at once, to begin with.
    pub fn capacity(&self) -> Capacity {
        Capacity::of(&self.config)
    }

    /// Works until `stop` is done, then drains: calls in flight finish, what was not begun goes back to the queue.
    ///
    /// # Errors
    /// [`Error::Stuck`] when something in this process makes no progress.
    pub async fn run(self, stop: impl Future<Output = ()>, capacity: watch::Receiver<Capacity>) -> Result<(), Error> {
        let Self { context, broker, config, give_up, status_file } = self;
        let in_flight = InFlight::new(capacity.borrow().concurrency, config.worker.stuck_after);
        let (gate, gate_seen) = watch::channel(true);
        let watchdog = RuntimeWatchdog::start(config.worker.stuck_after).map_err(Error::Watchdog)?;
        let periodic = PeriodicTasks {
            worker: Arc::clone(&context),
            broker: broker.clone(),
            in_flight: Arc::clone(&in_flight),
            gate,
            status_file,
            lease: config.worker.lease,
            queues: config.worker.queues.clone(),
            keep: RetentionAges {
                jobs: config.database.keep_jobs,
                payloads: config.database.keep_payloads,
                dead_letters: config.database.keep_dead_letters,
            },
        };
        let mut background = JoinSet::new();
        background.spawn(async move { watchdog.beat().await });
        background.spawn(periodic.run());
        background.spawn(tend_collections(context.store.clone(), broker.clone()));
        background.spawn(capacity::follow(capacity, Arc::clone(&in_flight), Arc::clone(&context.calls.hosts)));
        background.spawn(dead_letters::collect(Arc::clone(&context), broker.dead_letters()));
        background.spawn(control_channel::write_cancels(Arc::clone(&context), broker.cancels()));
        background.spawn(misattributed_returns::republish(Arc::clone(&context), broker.clone()));
        let probes =
            control_channel::answer_probes(broker.clone(), context.store.ledger_id().to_owned(), context.id.clone());
        background.spawn(probes);

        let deliveries = broker.jobs();
        let stopping = deliveries.stopper();
        let intake = intake::run(Arc::clone(&context), deliveries, Arc::clone(&in_flight), gate_seen);
        tokio::pin!(intake);
        tracing::info!(worker.id = context.id, queues = ?config.worker.queues, "taking jobs");
        let (jobs, ended) = tokio::select! {
            jobs = &mut intake => (jobs, Ok(())),
            () = stop => {
                tracing::info!("stopping: taking no more jobs, finishing those in flight");
                stopping.stop();
                (intake.await, Ok(()))
            }
            why = watchdog::watch(&in_flight, &context.health) => {
                event::stuck(&why);
                context.health.stuck(why.clone());
                stopping.stop();
                (intake.await, Err(Error::Stuck(why)))
            }
        };
        context.health.draining();
        drain(&context, jobs, &give_up, config.worker.drain_timeout).await;
        background.shutdown().await;
        context.ledger.flush().await;
        context.minutes.flush(&context.store).await;
        if let Err(error) = context.store.workers().remove(&context.id).await {
            tracing::warn!(%error, "the lease could not be removed; other workers wait until it expires");
        }
        broker.close().await;
        tracing::info!("stopped");
        ended
    }
}

/// Waits for the jobs in flight; when time is up, those that wait for database or broker go back to their queue.
async fn drain(worker: &Context, mut jobs: JoinSet<()>, give_up: &GiveUp, limit: Duration) {
    let all = async { while jobs.join_next().await.is_some() {} };
    if timeout(limit, all).await.is_err() {
        tracing::warn!(worker.id = worker.id, "calls were still in flight at the end of worker.drain_timeout");
        give_up.now();
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
