//! The dead letter that a worker makes of a message: the original bytes and properties, with the reason in headers
//! (CONTRACT 3).

use crate::amqp::{Delivery, HeaderValue, Message};
use crate::engine::Reason;
use crate::job::Envelope;

pub(super) fn letter(delivery: &Delivery, envelope: &Envelope, reason: &Reason<'_>, queue: &str) -> Message {
    let mut properties = (*delivery.properties).clone();
    let mut note = |name: &str, value: &str| {
        properties.headers.insert(name.to_owned(), HeaderValue::Text(value.to_owned()));
    };
    note("reason", &reason.code.to_string());
    note("detail", reason.detail);
    note("job-id", reason.job_id.unwrap_or_default());
    note("exchange", &delivery.properties.exchange);
    note("routing-key", &delivery.properties.routing_key);
    properties.headers.insert("attempts".to_owned(), HeaderValue::Integer(envelope.attempt.saturating_sub(1).into()));
    Message { exchange: String::new(), routing_key: queue.to_owned(), body: delivery.body.clone(), properties }
}
