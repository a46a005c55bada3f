//! Moves dead letters from their queue into their table, where they can be read any number of times without redelivery.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use crate::amqp::{Consumer, Delivery, HeaderValue, Message, Properties};
use crate::engine::Routing;
use crate::job::Code;
use crate::shutdown::ShuttingDown;
use crate::store::dead_letters::NewDeadLetter;
use crate::telemetry::event;
use crate::worker::context::Context;

/// The header of a job that was requeued from the dead letters, which is done once.
const REQUEUED: &str = "requeued";

/// How many are inserted concurrently, so that PostgreSQL flushes two commits together; more would take the pool's
/// connections from leases and statistics.
const CONCURRENT_INSERTS: usize = 2;

/// Runs until the process ends: commit, then ack.
pub(in crate::worker) async fn collect(worker: Arc<Context>, deliveries: Consumer) {
    let letters = stream::unfold(deliveries, async |mut deliveries| Some((deliveries.next().await?, deliveries)));
    letters.for_each_concurrent(CONCURRENT_INSERTS, |delivery| collect_one(&worker, delivery)).await;
}

async fn collect_one(worker: &Context, delivery: Delivery) {
    match settle(worker, &delivery).await {
        Ok(()) => delivery.ack().await,
        Err(ShuttingDown) => delivery.requeue().await,
    };
}

async fn settle(worker: &Context, delivery: &Delivery) -> Result<(), ShuttingDown> {
    if is_bystander(worker, &delivery.properties).await? && requeue(worker, delivery).await? == Routing::Routed {
        return Ok(());
    }
    let letter = letter(delivery);
    worker.retry_until_available("dead letters", || worker.store.dead_letters().add(letter.clone())).await
}

/// Whether the broker dead-lettered a job for its delivery limit although no worker has crashed while working on it.
async fn is_bystander(worker: &Context, properties: &Properties) -> Result<bool, ShuttingDown> {
    let by_limit = death(properties, "reason").is_some_and(|reason| reason == "delivery_limit");
    let Some(id) = properties.message_id.as_deref().filter(|_| by_limit) else { return Ok(false) };
    if properties.headers.contains_key(REQUEUED) {
        return Ok(false);
    }
    Ok(worker.retry_until_available("ledger", || worker.ledger.crashes(id)).await? == 0)
}

/// Publishes a copy to the queue it was consumed from; with the broker's headers it would be dropped as a cycle.
async fn requeue(worker: &Context, delivery: &Delivery) -> Result<Routing, ShuttingDown> {
    let mut properties = (*delivery.properties).clone();
    let queue = death(&properties, "queue").unwrap_or_default();
    properties.strip_broker_headers();
    properties.headers.insert(REQUEUED.to_owned(), HeaderValue::Integer(1));
    let copy = Message { exchange: String::new(), routing_key: queue.clone(), body: delivery.body.clone(), properties };
    let delivered = worker.rabbitmq.publish_confirmed(&copy).await?;
    if delivered == Routing::Routed {
        event::dead_letter_requeued(delivery.properties.message_id.as_deref(), &queue);
    }
    Ok(delivered)
}

fn text(properties: &Properties, name: &str) -> Option<String> {
    properties.headers.get(name).and_then(text_of)
}

fn text_of(value: &HeaderValue) -> Option<String> {
    match value {
        HeaderValue::Text(text) => Some(text.clone()),
        HeaderValue::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What the broker notes about the last time that it dead-lettered a message: in `x-death`, the latest first, since a copy
/// that came through the delay ladder was dead-lettered there before.
fn death(properties: &Properties, name: &str) -> Option<String> {
    latest_death(properties, name).and_then(text_of).or_else(|| text(properties, &format!("x-first-death-{name}")))
}

fn latest_death<'a>(properties: &'a Properties, name: &str) -> Option<&'a HeaderValue> {
    match properties.headers.get("x-death") {
        Some(HeaderValue::List(deaths)) => match deaths.first() {
            Some(HeaderValue::Table(death)) => death.get(name),
            _ => None,
        },
        _ => None,
    }
}

fn letter(delivery: &Delivery) -> NewDeadLetter {
    let properties = &delivery.properties;
    let text = |name: &str| text(properties, name);
    // A message that the broker itself dead-lettered has its reason in the broker's own headers.
    let by_broker = |name: &str| death(properties, name);
    let first_key = match latest_death(properties, "routing-keys") {
        Some(HeaderValue::List(keys)) => keys.first().and_then(text_of),
        _ => None,
    };
    NewDeadLetter {
        message_id: properties.message_id.clone(),
        reason: text("reason").or_else(|| by_broker("reason")).unwrap_or_else(|| "unknown".to_owned()),
        detail: text("detail").or_else(|| by_broker("queue").map(|queue| format!("the broker took it from {queue}"))),
        job_id: text("job-id").or_else(|| properties.message_id.clone()),
        attempts: text("attempts").and_then(|number| number.parse().ok()),
        exchange: text("exchange").or_else(|| by_broker("exchange")),
        routing_key: text("routing-key").or(first_key),
        properties: serde_json::to_value(properties).unwrap_or_default(),
        body: delivery.body.clone(),
    }
}

/// A dead letter for a message that never went through the queue of dead letters.
pub(in crate::worker) fn letter_of(delivery: &Delivery, code: Code, detail: &str) -> NewDeadLetter {
    let properties = &delivery.properties;
    NewDeadLetter {
        reason: code.to_string(),
        detail: Some(detail.to_owned()),
        exchange: Some(properties.exchange.clone()),
        routing_key: Some(properties.routing_key.clone()),
        ..letter(delivery)
    }
}
