//! What every job of this process shares, and the waiting for a database that cannot be reached.

use std::fmt::Display;
use std::sync::Arc;

use super::background::engine_backpressure::UndeliveredResults;
use super::minutes::Minutes;
use crate::call::Calls;
use crate::config::Limits;
use crate::engine::rabbitmq::RabbitMq;
use crate::engine::{Routing, Source};
use crate::health::Health;
use crate::job::{Decoder, REST_ENGINE};
use crate::shutdown::{Patience, ShuttingDown};
use crate::store::Store;
use crate::store::ledger::{LedgerHandle, StoredResult};
use crate::telemetry::event;

/// One worker: plain data, shared by all its jobs.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) id: String,
    pub(super) store: Store,
    pub(super) ledger: LedgerHandle,
    pub(super) decoder: Decoder,
    pub(super) calls: Calls,
    pub(super) rabbitmq: RabbitMq,
    pub(super) limits: Limits,
    pub(super) health: Arc<Health>,
    pub(super) undelivered: UndeliveredResults,
    /// What this worker has counted and not stored yet.
    pub(super) minutes: Minutes,
    pub(super) patience: Patience,
    /// Redelivered messages are planned one at a time: when this process dies of one, it is known of which.
    pub(super) suspects: tokio::sync::Mutex<()>,
}

impl Context {
    /// Asks the database until it answers: a database that cannot be reached costs time, never a job.
    pub(super) async fn retry_until_available<T, E, F>(
        &self,
        what: &str,
        ask: impl Fn() -> F,
    ) -> Result<T, ShuttingDown>
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
                        tracing::warn!(%error, "the database cannot be reached for the {what}; jobs wait until it can");
                    }
                }
            }
            self.patience.pause(tries).await?;
            tries += 1;
        }
    }

    /// Whether the ledger has a job that was made over REST.
    pub(super) async fn has_rest_job(&self, id: &str) -> Result<bool, ShuttingDown> {
        self.retry_until_available("ledger", || self.store.jobs().is_made_over_rest(id)).await
    }

    /// Sends a stored result where its job and copies of it asked for it; one that nobody takes stays in the ledger.
    pub(super) async fn send_result(&self, result: &StoredResult) -> Result<(), ShuttingDown> {
        if self.reply(result).await? == Routing::Unroutable {
            return self.retry_until_available("ledger", || self.ledger.mark_returned(&result.job_id)).await;
        }
        self.published(result).await
    }

    /// Sends a stored result where a copy of its job asked for it; after that the job `is_settled`, or somebody else is about
    /// to send the result, too.
    pub(super) async fn send_again(&self, result: &StoredResult, is_settled: bool) -> Result<(), ShuttingDown> {
        if self.reply(result).await? == Routing::Unroutable {
            let returned = || self.ledger.mark_copy_returned(&result.job_id, &result.reply_address);
            return self.retry_until_available("ledger", returned).await;
        }
        if is_settled { self.published(result).await } else { Ok(()) }
    }

    /// Sends a result to each of its addresses; routed where any queue has it.
    async fn reply(&self, result: &StoredResult) -> Result<Routing, ShuttingDown> {
        if result.engine == REST_ENGINE {
            // It stays in the ledger, where its caller looks for it.
            return Ok(Routing::Routed);
        }
        let mut routing = self.rabbitmq.reply(result).await?;
        for (at, address) in result.copies.iter().enumerate() {
            if *address != result.reply_address && !result.copies.iter().take(at).any(|other| other == address) {
                let copy = StoredResult { reply_address: address.clone(), copies: Vec::new(), ..result.clone() };
                if self.rabbitmq.reply(&copy).await? == Routing::Routed {
                    routing = Routing::Routed;
                }
            }
        }
        if routing == Routing::Unroutable {
            event::result_unroutable(&result.job_id, &result.engine, self.rabbitmq.results_exchange());
        }
        Ok(routing)
    }

    /// Notes that the engine has a result.
    async fn published(&self, result: &StoredResult) -> Result<(), ShuttingDown> {
        let engine = result.engine.as_str();
        self.ledger.published(&result.job_id);
        if self.undelivered.resumed(engine)
            && let Err(error) = self.ledger.expedite(engine).await
        {
            tracing::debug!(%error, engine, "undelivered results of this engine keep their dates");
        }
        Ok(())
    }
}
