//! What a worker reads from a job message's properties, and the copy of the message that comes again.

use crate::amqp::{Delivery, HeaderValue, Message, Properties};
use crate::engine::Redelivery;
use crate::job::Envelope;

/// The header that counts attempts; our own, since the broker's counters mean other things in other versions.
const ATTEMPT: &str = "attempt";

/// The header that keeps the reserved slot of a rate limit.
const SLOT: &str = "turn";

/// The header of a copy whose address is with its job.
const REGISTERED: &str = "registered";

/// The envelope of a message; its result may go to queues that begin with one of `reply_to`, or to any where that is empty.
pub(super) fn envelope(properties: &Properties, reply_to: &[String]) -> Envelope {
    let is_allowed = |queue: &String| reply_to.is_empty() || reply_to.iter().any(|prefix| queue.starts_with(prefix));
    let (allowed, refused) = properties.reply_to.clone().into_iter().partition::<Vec<_>, _>(is_allowed);
    let attempt = match properties.headers.get(ATTEMPT) {
        Some(HeaderValue::Integer(number)) => u32::try_from(*number).unwrap_or(1).max(1),
        _ => 1,
    };
    Envelope {
        message_id: properties.message_id.clone(),
        kind: properties.kind.clone(),
        reply_to: allowed.into_iter().next(),
        refused_reply_to: refused.into_iter().next(),
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
        is_registered: properties.headers.contains_key(REGISTERED),
    }
}

/// The same job for another attempt, or for the same one with a slot to wait for; the delay ladder sets exchange and key.
pub(super) fn copy(delivery: &Delivery, redelivery: Redelivery) -> Message {
    let mut properties = (*delivery.properties).clone();
    properties.headers.insert(ATTEMPT.to_owned(), HeaderValue::Integer(redelivery.attempt.into()));
    properties.headers.remove(SLOT);
    properties.headers.remove(REGISTERED);
    properties.headers.extend(redelivery.is_registered.then(|| (REGISTERED.to_owned(), HeaderValue::Integer(1))));
    properties.headers.extend(redelivery.slot.map(|at| (SLOT.to_owned(), HeaderValue::Integer(at))));
    Message {
        exchange: String::new(),
        // The ladder delivers by the queue's name.
        routing_key: delivery.queue.clone(),
        body: delivery.body.clone(),
        properties,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_may_not_be_named_gets_nothing() {
        for (prefixes, queue, expected) in [
            (&[][..], Some("q"), (Some("q"), None)),
            (&["replies."], Some("replies.7"), (Some("replies.7"), None)),
            (&["a.", "replies."], Some("replies.7"), (Some("replies.7"), None)),
            (&["replies."], Some("q"), (None, Some("q"))),
            (&["replies."], Some("Replies.7"), (None, Some("Replies.7"))),
            (&["replies."], Some(""), (None, Some(""))),
            (&["replies."], None, (None, None)),
        ] {
            let prefixes: Vec<String> = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
            let properties = Properties { reply_to: queue.map(ToOwned::to_owned), ..Properties::default() };
            let envelope = envelope(&properties, &prefixes);
            let found = (envelope.reply_to.as_deref(), envelope.refused_reply_to.as_deref());
            assert_eq!(found, expected, "{prefixes:?} {queue:?}");
        }
    }
}
