//! What happens to records of collections, told to RabbitMQ (COLLECTIONS 7), and what imports have left to be done.
//!
//! An event was stored with its change. One process at a time sends events, in the order of their changes, and forgets each once
//! RabbitMQ has it: whoever dies in between leaves it to the next one, who sends it again.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};

use crate::amqp::{Broker, Message, Properties, PublishError};
use crate::fault;
use crate::store::Store;
use crate::store::collections::Event;

/// The type of an event.
const EVENT: &str = "data-connector.event.v1";
/// The task that one process at a time has, and for how long it has it without a word.
const TASK: &str = "events";
const HELD: Duration = Duration::from_secs(15);
/// How soon work is found that another process left.
const EVERY: Duration = Duration::from_secs(1);
/// How many events are read at once.
const BATCH: i64 = 200;

/// Sends events and finishes imports, until the process ends.
pub async fn tend_collections(store: Store, broker: Broker) {
    let holder = uuid::Uuid::new_v4().to_string();
    tokio::join!(send_events(&store, &broker, &holder), settle(&store));
}

async fn settle(store: &Store) {
    let mut is_logged = false;
    loop {
        match store.collections().settle().await {
            Ok(true) => {
                is_logged = false;
                // Others write, too.
                tokio::task::yield_now().await;
            }
            Ok(false) => {
                is_logged = false;
                timeout(EVERY, store.collections().changed()).await.unwrap_or_default();
            }
            Err(error) => {
                if !std::mem::replace(&mut is_logged, true) {
                    tracing::warn!(%error, "what imports into collections left cannot be finished for now");
                }
                sleep(EVERY).await;
            }
        }
    }
}

async fn send_events(store: &Store, broker: &Broker, holder: &str) {
    let mut is_logged = false;
    loop {
        match send_batch(store, broker, holder).await {
            Ok(true) => is_logged = false,
            Ok(false) => {
                is_logged = false;
                sleep(EVERY / 5).await;
            }
            Err(problem) => {
                if !std::mem::replace(&mut is_logged, true) {
                    tracing::warn!("events of collections cannot be sent for now, and are kept: {problem}");
                }
                sleep(EVERY).await;
            }
        }
    }
}

/// Sends some events; whether there may be more.
async fn send_batch(store: &Store, broker: &Broker, holder: &str) -> Result<bool, String> {
    let problem = |error: crate::store::Error| error.to_string();
    let collections = store.collections();
    let events = collections.unsent(BATCH).await.map_err(problem)?;
    if events.is_empty() || !collections.hold_task(TASK, holder, HELD).await.map_err(problem)? {
        return Ok(false);
    }
    // Read again: whoever had the task until now may have sent these.
    let mut events = collections.unsent(BATCH).await.map_err(problem)?;
    while !events.is_empty() {
        let rest = events.split_off(one_a_record(&events));
        let sent = join_all(events.iter().map(|event| send(broker, event))).await;
        fault::at("collections sent").await;
        let ids: Vec<i64> =
            events.iter().zip(&sent).take_while(|(_, sent)| sent.is_ok()).map(|(event, _)| event.id).collect();
        collections.sent(&ids).await.map_err(problem)?;
        if let Some(Err(error)) = sent.into_iter().find(Result::is_err) {
            return Err(error.to_string());
        }
        events = rest;
    }
    collections.release_task(TASK, holder).await.map_err(problem)?;
    Ok(true)
}

/// How many events from the first one on are about different records: those may be on their way together.
fn one_a_record(events: &[Event]) -> usize {
    let mut seen = HashSet::new();
    let is_new = |event: &&Event| {
        // What is about the whole collection comes alone.
        event.record_id != 0 && seen.insert((event.collection_id, event.record_id))
    };
    events.iter().take_while(is_new).count().max(1)
}

async fn send(broker: &Broker, event: &Event) -> Result<(), PublishError> {
    let message = Message {
        exchange: broker.topology().events().to_owned(),
        routing_key: event.routing_key.clone(),
        body: event.body.clone().into_bytes(),
        properties: Properties {
            message_id: Some(event.event_id.clone()),
            kind: Some(EVENT.to_owned()),
            content_type: Some("application/json".to_owned()),
            ..Properties::default()
        },
    };
    broker.publisher().announce(&message).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_record_are_never_on_their_way_together() {
        let event = |record_id| Event {
            id: 1,
            collection_id: 1,
            record_id,
            event_id: String::new(),
            routing_key: String::new(),
            body: String::new(),
        };
        for (records, expected) in
            [(vec![1, 2, 3], 3), (vec![1, 2, 1], 2), (vec![1, 1], 1), (vec![0, 1], 1), (vec![1, 0, 2], 1)]
        {
            let events: Vec<Event> = records.iter().map(|record| event(*record)).collect();
            assert_eq!(one_a_record(&events), expected, "{records:?}");
        }
    }
}
