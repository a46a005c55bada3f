//! How an engine is answered: on its result queue, or where the job asked for it (CONTRACT 3).
//!
//! Knows routing keys and properties; must not know what a result says.

use crate::amqp::{Message, Properties, Topology};
use crate::job::{Envelope, RESULT_TYPE};
use crate::store::ledger::StoredResult;

/// The longest routing key that AMQP carries, bytes.
const KEY_BYTES: usize = 255;

/// A result with everything that is needed to send it, now or after a restart.
pub fn address(engine: &str, process: Option<&str>, job_id: &str, envelope: &Envelope, body: Vec<u8>) -> StoredResult {
    StoredResult {
        job_id: job_id.to_owned(),
        body,
        routing_key: routing_key(engine, process),
        reply_to: envelope.reply_to.clone(),
        correlation_id: envelope.correlation_id.clone(),
    }
}

/// `result.<engine>.<process id or ->`, cut at a character so that it fits.
pub fn routing_key(engine: &str, process: Option<&str>) -> String {
    let mut key = format!("result.{engine}.{}", process.unwrap_or("-"));
    while key.len() > KEY_BYTES {
        key.pop();
    }
    key
}

/// The engine that a result's routing key names.
pub fn of_key(routing_key: &str) -> &str {
    routing_key.split('.').nth(1).unwrap_or_default()
}

/// The messages that may carry a result, the preferred one first: to the queue the job named, else to the results exchange.
pub fn messages(result: &StoredResult, topology: &Topology) -> Vec<Message> {
    let properties = Properties {
        message_id: Some(result.job_id.clone()),
        kind: Some(RESULT_TYPE.to_owned()),
        content_type: Some("application/json".to_owned()),
        correlation_id: result.correlation_id.clone(),
        ..Properties::default()
    };
    let message = |exchange: String, routing_key: String| Message {
        exchange,
        routing_key,
        body: result.body.clone(),
        properties: properties.clone(),
    };
    let to_queue = result.reply_to.as_ref().map(|queue| message(String::new(), queue.clone()));
    let to_exchange = message(topology.results().to_owned(), result.routing_key.clone());
    to_queue.into_iter().chain([to_exchange]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fit_and_are_cut_at_a_character() {
        assert_eq!(routing_key("default", Some("order.v2")), "result.default.order.v2");
        assert_eq!(routing_key("e", None), "result.e.-");
        assert_eq!(of_key(&routing_key("e-1", Some("order.v2"))), "e-1");
        let long = routing_key("e", Some(&"é".repeat(200)));
        assert_eq!((long.len(), long.chars().last()), (255, Some('é')));
    }
}
