//! Where a result goes: the queue that the job named, else the results exchange with the engine's key (CONTRACT 3).

use serde::{Deserialize, Serialize};

use crate::amqp::{Message, Properties, Topology};
use crate::engine::Recipient;
use crate::job::{Envelope, RESULT_TYPE};
use crate::store::ledger::StoredResult;

/// The longest routing key that AMQP carries, bytes.
const KEY_BYTES: usize = 255;

/// Where an engine on RabbitMQ wants a result; the ledger keeps it as JSON that it does not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ReplyAddress {
    /// On the results exchange; none for an engine without a valid name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    routing_key: Option<String>,
    /// The queue that the job named instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    /// Echoed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
}

impl ReplyAddress {
    fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The stored address; one that cannot be read leaves the results exchange, where the engine's own name is enough.
    fn of(result: &StoredResult) -> Self {
        serde_json::from_slice(&result.reply_address).unwrap_or_else(|error| {
            tracing::error!(
                job.id = result.job_id,
                %error,
                "the reply address of a result cannot be read; it goes to its engine's routing key"
            );
            Self { routing_key: Some(routing_key(&result.engine, None)), reply_to: None, correlation_id: None }
        })
    }
}

/// A result with everything that is needed to send it, now or after a restart.
pub(super) fn address(to: &Recipient<'_>, envelope: &Envelope, body: Vec<u8>) -> StoredResult {
    let address = ReplyAddress {
        routing_key: to.engine.map(|engine| routing_key(engine, to.process)),
        reply_to: envelope.reply_to.clone(),
        correlation_id: envelope.correlation_id.clone(),
    };
    StoredResult {
        job_id: to.job_id.to_owned(),
        engine: to.engine.unwrap_or_default().to_owned(),
        reply_address: address.to_bytes(),
        copies: Vec::new(),
        body,
    }
}

/// `result.<engine>.<process id or ->`, cut at a character so that it fits.
fn routing_key(engine: &str, process: Option<&str>) -> String {
    let mut key = format!("result.{engine}.{}", process.unwrap_or("-"));
    while key.len() > KEY_BYTES {
        key.pop();
    }
    key
}

/// The messages that may carry a result, the preferred one first.
pub(super) fn messages(result: &StoredResult, topology: &Topology) -> Vec<Message> {
    let ReplyAddress { routing_key, reply_to, correlation_id } = ReplyAddress::of(result);
    let properties = Properties {
        message_id: Some(result.job_id.clone()),
        kind: Some(RESULT_TYPE.to_owned()),
        content_type: Some("application/json".to_owned()),
        correlation_id,
        ..Properties::default()
    };
    let message = |exchange: String, routing_key: String| Message {
        exchange,
        routing_key,
        body: result.body.clone(),
        properties: properties.clone(),
    };
    let to_queue = reply_to.map(|queue| message(String::new(), queue));
    let to_exchange = routing_key.map(|key| message(topology.results().to_owned(), key));
    to_queue.into_iter().chain(to_exchange).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(engine: Option<&str>, process: Option<&str>, envelope: &Envelope) -> StoredResult {
        address(&Recipient { engine, process, job_id: "j" }, envelope, Vec::new())
    }

    #[test]
    fn keys_fit_and_are_cut_at_a_character() {
        assert_eq!(routing_key("default", Some("order.v2")), "result.default.order.v2");
        assert_eq!(routing_key("e", None), "result.e.-");
        let long = routing_key("e", Some(&"é".repeat(200)));
        assert_eq!((long.len(), long.chars().last()), (255, Some('é')));
    }

    #[test]
    fn an_address_is_read_as_it_was_stored() {
        let envelope = Envelope {
            reply_to: Some("q\u{1f980}".to_owned()),
            correlation_id: Some("c\0".to_owned()),
            ..Envelope::default()
        };
        for envelope in [envelope, Envelope::default()] {
            let result = stored(Some("e-1"), Some("order"), &envelope);
            let read = ReplyAddress::of(&result);
            assert_eq!((result.engine.as_str(), read.routing_key.as_deref()), ("e-1", Some("result.e-1.order")));
            assert_eq!((read.reply_to, read.correlation_id), (envelope.reply_to, envelope.correlation_id));
        }
        let unreadable = StoredResult { reply_address: Vec::new(), ..stored(Some("e-1"), None, &Envelope::default()) };
        assert_eq!(ReplyAddress::of(&unreadable).routing_key.as_deref(), Some("result.e-1.-"));
    }

    #[test]
    fn an_engine_without_a_valid_name_is_answered_only_on_the_queue_that_its_job_named() {
        let topology = Topology::new("p");
        for (engine, reply_to, expected) in [
            (Some("e"), Some("q"), &["q", "result.e.-"][..]),
            (Some("e"), None, &["result.e.-"]),
            (None, Some("q"), &["q"]),
            (None, None, &[]),
        ] {
            let envelope = Envelope { reply_to: reply_to.map(ToOwned::to_owned), ..Envelope::default() };
            let messages = messages(&stored(engine, None, &envelope), &topology);
            let keys: Vec<&str> = messages.iter().map(|message| message.routing_key.as_str()).collect();
            assert_eq!(keys, expected, "{engine:?} {reply_to:?}");
        }
    }
}
