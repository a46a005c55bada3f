//! What a worker reads from a job message's properties, and the copy of the message that comes again.

use crate::amqp::{Delivery, HeaderValue, Message, Properties};
use crate::engine::Redelivery;
use crate::job::Envelope;

/// The header that counts attempts; our own, since the broker's counters mean other things in other versions.
const ATTEMPT: &str = "attempt";

/// The header that keeps the reserved slot of a rate limit.
const SLOT: &str = "turn";

pub(super) fn envelope(properties: &Properties) -> Envelope {
    let attempt = match properties.headers.get(ATTEMPT) {
        Some(HeaderValue::Integer(number)) => u32::try_from(*number).unwrap_or(1).max(1),
        _ => 1,
    };
    Envelope {
        message_id: properties.message_id.clone(),
        kind: properties.kind.clone(),
        reply_to: properties.reply_to.clone(),
        correlation_id: properties.correlation_id.clone(),
        traceparent: match properties.headers.get("traceparent") {
            Some(HeaderValue::Text(text)) => Some(text.clone()),
            _ => None,
        },
        attempt,
        reserved_slot: match properties.headers.get(SLOT) {
            Some(HeaderValue::Integer(at)) => Some(*at),
            _ => None,
        },
    }
}

/// The same job for another attempt, or for the same one with a slot to wait for; the delay ladder sets exchange and key.
pub(super) fn copy(delivery: &Delivery, redelivery: Redelivery) -> Message {
    let mut properties = delivery.properties.clone();
    properties.headers.insert(ATTEMPT.to_owned(), HeaderValue::Integer(redelivery.attempt.into()));
    properties.headers.remove(SLOT);
    properties.headers.extend(redelivery.slot.map(|at| (SLOT.to_owned(), HeaderValue::Integer(at))));
    Message {
        exchange: String::new(),
        // The ladder delivers by the queue's name.
        routing_key: delivery.queue.clone(),
        body: delivery.body.clone(),
        properties,
    }
}
