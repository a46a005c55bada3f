//! What every job in this process shares, and the few things that wait until they succeed.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::background::engine_backpressure::Untaken;
use crate::amqp::{Message, PublishError, Publisher, Topology};
use crate::call::catalog::Directory;
use crate::call::host_limiter::Hosts;
use crate::config::Limits;
use crate::engine;
use crate::health::Health;
use crate::http::Client;
use crate::job::Decoder;
use crate::plan;
use crate::store::Store;
use crate::store::ledger::{LedgerHandle, StoredResult};
use crate::telemetry::metric;

/// One worker: plain data, shared by all its jobs.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: String,
    pub(super) store: Store,
    pub(super) ledger: LedgerHandle,
    pub(super) decoder: Decoder,
    pub(super) directory: Directory,
    pub(super) client: Client,
    pub(super) publisher: Publisher,
    pub(super) topology: Topology,
    pub(super) limits: Limits,
    pub(super) plan_limits: plan::Limits,
    pub(super) health: Arc<Health>,
    pub(super) hosts: Arc<Hosts>,
    pub(super) untaken: Untaken,
    pub(super) phase: watch::Receiver<Phase>,
}

/// How far the end of this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Taking jobs.
    Working,
    /// Taking no more jobs; those in hand finish.
    Draining,
    /// Whatever still waits for database or broker goes back to the queue.
    Abandoning,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// Its end is durable elsewhere: ack it.
    Done,
    /// Not worked on: it goes back to the queue.
    Back,
}

/// The process ends before this could be done: the delivery goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopping;

/// Waits between tries at a database or broker that is away.
const PATIENCE: [u64; 6] = [100, 200, 500, 1_000, 2_000, 5_000];

impl Worker {
    /// Asks until there is an answer: a database that is away costs time, never a job.
    pub(super) async fn until_answered<T, E, F>(&self, what: &str, ask: impl Fn() -> F) -> Result<T, Stopping>
    where
        E: Display,
        F: Future<Output = Result<T, E>>,
    {
        let mut tries = 0;
        loop {
            match ask().await {
                Ok(answer) => {
                    self.health.database_answered();
                    return Ok(answer);
                }
                Err(error) => {
                    if self.health.database_failed() {
                        tracing::warn!(%error, "the database cannot be asked for the {what}; jobs wait until it can");
                    }
                }
            }
            self.pause(tries).await?;
            tries += 1;
        }
    }

    /// Puts a copy into the delay ladder; returns once the broker has confirmed it.
    pub(super) async fn delay(&self, copy: Message, wait: Duration) -> Result<(), Stopping> {
        self.publish_until_taken(&self.topology.delayed(copy, wait)).await
    }

    /// Puts a message into a queue of our own; one that is gone is declared again.
    pub(super) async fn publish_until_taken(&self, message: &Message) -> Result<(), Stopping> {
        let mut tries = 0;
        while self.publish_for_sure(message).await? == Delivered::Returned {
            tracing::warn!(
                message_id = message.properties.message_id,
                "no queue takes a copy of this message at exchange `{}` with key `{}`; declaring all queues again",
                message.exchange,
                message.routing_key
            );
            self.declare_again().await;
            self.pause(tries).await?;
            tries += 1;
        }
        Ok(())
    }

    /// Sends a stored result where its job asked for it; one that nobody takes stays in the ledger.
    pub(super) async fn send_answer(&self, answer: &StoredResult) -> Result<(), Stopping> {
        for message in engine::messages(answer, &self.topology) {
            if self.publish_for_sure(&message).await? == Delivered::Taken {
                self.ledger.published(&answer.job_id);
                if self.untaken.takes_again(&answer.engine)
                    && let Err(error) = self.ledger.hurry(&answer.engine).await
                {
                    tracing::debug!(%error, engine = answer.engine, "results that wait for their engine keep their dates");
                }
                return Ok(());
            }
        }
        metrics::counter!(metric::RESULTS_RETURNED).increment(1);
        tracing::warn!(
            job.id = answer.job_id,
            engine = answer.engine,
            "no queue takes the result; it stays in the ledger and is sent again. Bind the engine's queue to {}",
            self.topology.results()
        );
        self.until_answered("ledger", || self.ledger.returned(&answer.job_id)).await
    }

    /// Publishes until the broker has taken the message or has said that nobody does.
    pub(super) async fn publish_for_sure(&self, message: &Message) -> Result<Delivered, Stopping> {
        let mut tries = 0;
        loop {
            match self.publisher.publish(message).await {
                Ok(()) => return Ok(Delivered::Taken),
                Err(PublishError::Returned { .. }) => return Ok(Delivered::Returned),
                Err(error @ PublishError::Impossible(_)) => {
                    tracing::error!(%error, message_id = message.properties.message_id, "a message is not published");
                    return Ok(Delivered::Returned);
                }
                Err(error @ PublishError::NoExchange(_)) => {
                    tracing::warn!(%error, "a message cannot be published; declaring all exchanges again");
                    self.declare_again().await;
                }
                Err(error) => tracing::debug!(%error, "a message was not confirmed and is published again"),
            }
            self.pause(tries).await?;
            tries += 1;
        }
    }

    async fn declare_again(&self) {
        if let Err(error) = self.publisher.declare().await {
            tracing::error!(%error, "the queues cannot be declared");
        }
    }

    async fn pause(&self, tries: usize) -> Result<(), Stopping> {
        let millis = PATIENCE.get(tries).or(PATIENCE.last()).copied().unwrap_or(5_000);
        let mut phase = self.phase.clone();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(millis)) => Ok(()),
            _ = phase.wait_for(|phase| *phase == Phase::Abandoning) => Err(Stopping),
        }
    }
}

/// What became of a message that the broker has answered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivered {
    /// A queue holds it.
    Taken,
    /// No queue is bound where it was sent.
    Returned,
}
