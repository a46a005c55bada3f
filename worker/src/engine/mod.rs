//! How an engine is answered: on its result queue, or where the job asked for it (CONTRACT 3).
//!
//! Knows routing keys and properties; must not know what a result says.

use serde::{Deserialize, Serialize};

use crate::amqp::{Message, Properties, Topology};
use crate::job::{Envelope, RESULT_TYPE};
use crate::store::ledger::StoredResult;

/// The longest routing key that AMQP carries, bytes.
const KEY_BYTES: usize = 255;

/// A result with everything that is needed to send it, now or after a restart.
pub fn address(engine: &str, process: Option<&str>, job_id: &str, envelope: &Envelope, body: Vec<u8>) -> StoredResult {
    StoredResult {
        job_id: job_id.to_owned(),
        engine: engine.to_owned(),
        reply_address: ReplyAddress::new(engine, process, envelope).to_bytes(),
        body,
    }
}

/// Where an engine on RabbitMQ wants a result; the ledger keeps it as JSON that it does not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ReplyAddress {
    /// On the results exchange.
    routing_key: String,
    /// The queue that the job named instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    /// Echoed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
}

impl ReplyAddress {
    fn new(engine: &str, process: Option<&str>, envelope: &Envelope) -> Self {
        Self {
            routing_key: routing_key(engine, process),
            reply_to: envelope.reply_to.clone(),
            correlation_id: envelope.correlation_id.clone(),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// An address that cannot be read leaves the results exchange, where the engine finds the result by its own name.
    fn of(result: &StoredResult) -> Self {
        serde_json::from_slice(&result.reply_address).unwrap_or_else(|error| {
            tracing::error!(job.id = result.job_id, %error, "the reply address of a result cannot be read; its engine's key is used");
            Self::new(&result.engine, None, &Envelope::default())
        })
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

/// The messages that may carry a result, the preferred one first: to the queue the job named, else to the results exchange.
pub fn messages(result: &StoredResult, topology: &Topology) -> Vec<Message> {
    let address = ReplyAddress::of(result);
    let properties = Properties {
        message_id: Some(result.job_id.clone()),
        kind: Some(RESULT_TYPE.to_owned()),
        content_type: Some("application/json".to_owned()),
        correlation_id: address.correlation_id,
        ..Properties::default()
    };
    let message = |exchange: String, routing_key: String| Message {
        exchange,
        routing_key,
        body: result.body.clone(),
        properties: properties.clone(),
    };
    let to_queue = address.reply_to.map(|queue| message(String::new(), queue));
    let to_exchange = message(topology.results().to_owned(), address.routing_key);
    to_queue.into_iter().chain([to_exchange]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fit_and_are_cut_at_a_character() {
        assert_eq!(routing_key("default", Some("order.v2")), "result.default.order.v2");
        assert_eq!(routing_key("e", None), "result.e.-");
        let long = routing_key("e", Some(&"é".repeat(200)));
        assert_eq!((long.len(), long.chars().last()), (255, Some('é')));
    }

    #[test]
    fn a_reply_address_is_read_as_it_was_stored() {
        let envelope = Envelope {
            reply_to: Some("q\u{1f980}".to_owned()),
            correlation_id: Some("c\0".to_owned()),
            ..Envelope::default()
        };
        for envelope in [envelope, Envelope::default()] {
            let result = address("e-1", Some("order"), "j", &envelope, Vec::new());
            let read = ReplyAddress::of(&result);
            assert_eq!((result.engine.as_str(), read.routing_key.as_str()), ("e-1", "result.e-1.order"));
            assert_eq!((read.reply_to, read.correlation_id), (envelope.reply_to, envelope.correlation_id));
        }
        let unreadable =
            StoredResult { reply_address: Vec::new(), ..address("e-1", None, "j", &Envelope::default(), Vec::new()) };
        assert_eq!(ReplyAddress::of(&unreadable).routing_key, "result.e-1.-");
    }
}
