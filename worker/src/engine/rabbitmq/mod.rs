//! Engines on RabbitMQ: jobs from a queue, results to the results exchange or the queue that the job named (CONTRACT 2, 3).

mod address;
mod dead_letter;
mod publishing;
mod redelivery;

use std::sync::Arc;
use std::time::Duration;

use super::{Message, Reason, Recipient, Redelivery, Routing, Source};
use crate::amqp::{self, Broker, Publisher, Topology};
use crate::job::Envelope;
use crate::shutdown::{Patience, ShuttingDown};
use crate::store::ledger::StoredResult;

/// RabbitMQ as a source of jobs; cheap to clone.
#[derive(Debug, Clone)]
pub struct RabbitMq {
    publisher: Publisher,
    topology: Topology,
    patience: Patience,
    /// What the names of queues begin with that jobs may name in `reply_to`; any where there is none.
    reply_to: Arc<[String]>,
}

/// A message from a job queue, not acknowledged yet.
#[derive(Debug)]
pub struct Delivery {
    envelope: Envelope,
    delivery: amqp::Delivery,
}

impl RabbitMq {
    /// Publishes through `broker`, as long as `patience` lasts; results go to queues that begin with one of `reply_to`.
    pub fn new(broker: &Broker, patience: Patience, reply_to: &[String]) -> Self {
        Self { publisher: broker.publisher(), topology: broker.topology().clone(), patience, reply_to: reply_to.into() }
    }

    /// A message from a job queue.
    pub fn delivery(&self, delivery: amqp::Delivery) -> Delivery {
        Delivery { envelope: redelivery::envelope(&delivery.properties, &self.reply_to), delivery }
    }

    /// The exchange that engines bind their result queues to.
    pub fn results_exchange(&self) -> &str {
        self.topology.results()
    }
}

impl Source for RabbitMq {
    type Delivery = Delivery;

    fn message<'a>(&self, delivery: &'a Delivery) -> Message<'a> {
        let Delivery { envelope, delivery } = delivery;
        let named = delivery.properties.routing_key.strip_prefix("job.");
        Message {
            envelope,
            body: &delivery.body,
            queue: &delivery.queue,
            is_redelivered: delivery.is_redelivered,
            // A later attempt comes through the delay ladder, with the ladder's key.
            is_unrouted: envelope.attempt == 1 && named.is_some_and(|queue| queue != delivery.queue),
        }
    }

    fn address(&self, delivery: &Delivery, to: &Recipient<'_>, body: Vec<u8>) -> StoredResult {
        address::address(to, &delivery.envelope, body)
    }

    async fn ack(&self, delivery: Delivery) {
        // A delivery of a connection that is gone comes again, and the ledger knows it.
        delivery.delivery.ack().await;
    }

    async fn requeue(&self, delivery: Delivery) {
        delivery.delivery.requeue().await;
    }

    async fn defer(&self, delivery: &Delivery, redelivery: Redelivery, wait: Duration) -> Result<(), ShuttingDown> {
        let copy = redelivery::copy(&delivery.delivery, redelivery);
        self.publish_until_routed(&self.topology.delayed(copy, wait)).await
    }

    async fn reply(&self, result: &StoredResult) -> Result<Routing, ShuttingDown> {
        for message in address::messages(result, &self.topology) {
            if self.publish_confirmed(&message).await? == Routing::Routed {
                return Ok(Routing::Routed);
            }
        }
        Ok(Routing::Unroutable)
    }

    async fn dead_letter(&self, delivery: &Delivery, reason: &Reason<'_>) -> Result<(), ShuttingDown> {
        let letter = dead_letter::letter(&delivery.delivery, &delivery.envelope, reason, self.topology.dead());
        self.publish_until_routed(&letter).await
    }
}
