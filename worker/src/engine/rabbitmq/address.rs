//! Where a result goes: the queue that the job named, else the results exchange with the engine's key (CONTRACT 3).

use crate::amqp::{Message, Properties, Topology};
use crate::engine::Recipient;
use crate::job::{Envelope, RESULT_TYPE};
use crate::store::ledger::StoredResult;

/// The longest routing key that AMQP carries, bytes.
const KEY_BYTES: usize = 255;

pub(super) fn address(to: &Recipient<'_>, envelope: &Envelope, body: Vec<u8>) -> StoredResult {
    StoredResult {
        job_id: to.job_id.to_owned(),
        body,
        routing_key: to.engine.map(|engine| routing_key(engine, to.process)).unwrap_or_default(),
        reply_to: envelope.reply_to.clone(),
        correlation_id: envelope.correlation_id.clone(),
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

/// The engine that a result is for.
pub fn engine_of(result: &StoredResult) -> &str {
    result.routing_key.split('.').nth(1).unwrap_or_default()
}

/// The messages that may carry a result, the preferred one first. An engine without a valid name gets none on the results
/// exchange.
pub(super) fn messages(result: &StoredResult, topology: &Topology) -> Vec<Message> {
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
    let is_named = !result.routing_key.is_empty();
    let to_exchange = is_named.then(|| message(topology.results().to_owned(), result.routing_key.clone()));
    to_queue.into_iter().chain(to_exchange).collect()
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
    fn an_engine_without_a_valid_name_is_answered_on_the_queue_that_its_job_named() {
        let topology = Topology::new("p");
        let envelope =
            |reply_to: Option<&str>| Envelope { reply_to: reply_to.map(ToOwned::to_owned), ..Envelope::default() };
        let keys = |engine, reply_to| {
            let to = Recipient { engine, process: None, job_id: "j" };
            let result = address(&to, &envelope(reply_to), Vec::new());
            messages(&result, &topology).into_iter().map(|message| message.routing_key).collect::<Vec<_>>()
        };
        assert_eq!(keys(Some("e"), Some("q")), ["q", "result.e.-"]);
        assert_eq!(keys(Some("e"), None), ["result.e.-"]);
        assert_eq!(keys(None, Some("q")), ["q"]);
        assert!(keys(None, None).is_empty());
    }
}
