//! Dead letters move from their queue into their table, where people can look at them without wearing them out.

use std::sync::Arc;

use crate::amqp::{Consumer, Delivery, HeaderValue};
use crate::job::Code;
use crate::store::dead_letters::NewDeadLetter;

use super::worker::{Stopping, Worker};

/// Runs until the process ends: commit, then ack.
pub(super) async fn collect(worker: Arc<Worker>, mut deliveries: Consumer) {
    while let Some(delivery) = deliveries.next().await {
        let letter = letter(&delivery);
        let stored = worker.until_answered("dead letters", || worker.store.add_dead_letter(letter.clone())).await;
        match stored {
            Ok(()) => delivery.ack().await,
            Err(Stopping) => delivery.requeue().await,
        };
    }
}

fn letter(delivery: &Delivery) -> NewDeadLetter {
    let properties = &delivery.properties;
    let text = |name: &str| match properties.headers.get(name) {
        Some(HeaderValue::Text(text)) => Some(text.clone()),
        Some(HeaderValue::Integer(number)) => Some(number.to_string()),
        _ => None,
    };
    // A letter that the broker made itself says so in x-death and in the x-first-death headers.
    let by_broker = |name: &str| text(&format!("x-first-death-{name}"));
    NewDeadLetter {
        message_id: properties.message_id.clone(),
        reason: text("reason").or_else(|| by_broker("reason")).unwrap_or_else(|| "unknown".to_owned()),
        detail: text("detail").or_else(|| by_broker("queue").map(|queue| format!("the broker took it from {queue}"))),
        job_id: text("job-id").or_else(|| properties.message_id.clone()),
        attempts: text("attempts").and_then(|number| number.parse().ok()),
        exchange: text("exchange").or_else(|| by_broker("exchange")),
        routing_key: text("routing-key"),
        properties: serde_json::to_value(properties).unwrap_or_default(),
        body: delivery.body.clone(),
    }
}

/// A letter for a message that never went through the queue of dead letters.
pub(super) fn letter_of(delivery: &Delivery, code: Code, detail: &str) -> NewDeadLetter {
    let properties = &delivery.properties;
    NewDeadLetter {
        reason: code.to_string(),
        detail: Some(detail.to_owned()),
        exchange: Some(properties.exchange.clone()),
        routing_key: Some(properties.routing_key.clone()),
        ..letter(delivery)
    }
}
