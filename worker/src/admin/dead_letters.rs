//! Looking at dead letters, publishing them again under their own ids, and removing them (CONTRACT 3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{By, Error};
use crate::amqp::{Broker, Message, Properties};
use crate::clock::rfc3339;
use crate::store::Store;
use crate::store::dead_letters::DeadLetter;

/// One dead letter with its message.
///
/// # Errors
/// When there is none of this number, or the database cannot be reached.
pub async fn find(store: &Store, number: i64) -> Result<DeadLetter, Error> {
    let found = store.dead_letters().find(number).await?;
    found.ok_or_else(|| Error::NotFound(format!("there is no dead letter {number}")))
}

/// Removes dead letters for good: all of them or, where one does not exist, none.
///
/// # Errors
/// When there is none of one of these numbers, or the database cannot be asked.
pub async fn remove(store: &Store, numbers: &[i64], by: &By) -> Result<Vec<i64>, Error> {
    for number in numbers {
        find(store, *number).await?;
    }
    Ok(store.dead_letters().remove(numbers, &by.entry("dead_letter.removed", "", json!({}))).await?)
}

/// Publishes a dead letter's message again, as its engine had published it.
///
/// # Errors
/// When it cannot be published, or the database cannot be reached.
pub async fn replay(store: &Store, broker: &Broker, letter: &DeadLetter, by: &By) -> Result<(), Error> {
    // A parked job would be refused again: whoever replays it gives it another chance.
    if let Some(job) = &letter.letter.job_id {
        store.jobs().unpark(job).await?;
    }
    let key = letter.letter.routing_key.clone().filter(|key| key.starts_with("job."));
    let mut properties: Properties = serde_json::from_value(letter.letter.properties.clone()).unwrap_or_default();
    properties.strip_dead_letter_headers();
    let message = Message {
        exchange: broker.topology().jobs().to_owned(),
        routing_key: key.unwrap_or_else(|| "job.default".to_owned()),
        properties,
        body: letter.letter.body.clone(),
    };
    let published = broker.publisher().publish(&message).await;
    published.map_err(|source| Error::Publish { what: format!("dead letter {}", letter.id), source })?;
    Ok(store
        .dead_letters()
        .mark_replayed(letter, &by.entry("dead_letter.replayed", &letter.id.to_string(), json!({})))
        .await?)
}

/// A letter as API and command line list it.
pub fn summary(letter: &DeadLetter) -> Value {
    let content = &letter.letter;
    json!({
        "id": letter.id, "arrived_at": rfc3339(letter.arrived_at), "reason": content.reason, "detail": content.detail,
        "job": content.job_id, "attempts": content.attempts, "exchange": content.exchange,
        "routing_key": content.routing_key, "replayed_at": letter.replayed_at.map(rfc3339),
    })
}

/// The whole letter; `body` where it is UTF-8, else `body_base64`.
pub fn whole(letter: &DeadLetter) -> Value {
    let mut value = summary(letter);
    value["properties"] = letter.letter.properties.clone();
    match std::str::from_utf8(&letter.letter.body) {
        Ok(text) => value["body"] = json!(text),
        Err(_) => value["body_base64"] = json!(STANDARD.encode(&letter.letter.body)),
    }
    value
}
