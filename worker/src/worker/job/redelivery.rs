//! A delivery as an envelope, and as the copy that goes through the delay ladder.

use crate::amqp::{Delivery, HeaderValue, Message, Properties};
use crate::job::Envelope;

/// The header that counts attempts; our own, since the broker's counters mean other things in other versions.
const ATTEMPT: &str = "attempt";

/// The header that keeps the turn of a call that has to wait for it.
const TURN: &str = "turn";

/// What a worker reads from a message's properties.
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
        turn: match properties.headers.get(TURN) {
            Some(HeaderValue::Integer(at)) => Some(*at),
            _ => None,
        },
    }
}

/// The same job for attempt number `attempt`; whoever publishes it names exchange and key.
pub(super) fn of(delivery: &Delivery, envelope: &Envelope, attempt: u32) -> Message {
    let mut properties = delivery.properties.clone();
    properties.headers.insert(ATTEMPT.to_owned(), HeaderValue::Integer(attempt.into()));
    properties.headers.remove(TURN);
    properties.message_id = properties.message_id.or_else(|| envelope.message_id.clone());
    Message {
        exchange: String::new(),
        // The ladder's way out goes by the queue's name.
        routing_key: delivery.queue.clone(),
        body: delivery.body.clone(),
        properties,
    }
}

/// The same job and the same attempt, with a turn to wait for where it has one.
pub(super) fn put_off(delivery: &Delivery, envelope: &Envelope, turn: Option<i64>) -> Message {
    let mut copy = of(delivery, envelope, envelope.attempt);
    copy.properties.headers.extend(turn.map(|at| (TURN.to_owned(), HeaderValue::Integer(at))));
    copy
}
