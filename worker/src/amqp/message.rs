//! Messages as plain data, received and published.

use std::collections::BTreeMap;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A header's value; other types than these are represented as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// A boolean.
    Bool(bool),
    /// Any integer.
    Integer(i64),
    /// Anything else.
    Text(String),
}

/// Through a JSON value: what serde derives for untagged enums does not know numbers with all their digits.
impl<'de> Deserialize<'de> for HeaderValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Bool(flag) => Self::Bool(flag),
            Value::String(text) => Self::Text(text),
            other => other.as_i64().map_or_else(|| Self::Text(other.to_string()), Self::Integer),
        })
    }
}

/// The properties that engines and workers use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Properties {
    /// The message's id; of jobs and results the job id.
    pub message_id: Option<String>,
    /// AMQP's `type`.
    pub kind: Option<String>,
    /// A media type.
    pub content_type: Option<String>,
    /// The account of this process, which RabbitMQ then vouches for; of published messages only, since nobody may send that of
    /// another one.
    #[serde(skip)]
    pub user_id: Option<String>,
    /// The queue that the result is published to.
    pub reply_to: Option<String>,
    /// Echoed on the result.
    pub correlation_id: Option<String>,
    /// By name.
    pub headers: BTreeMap<String, HeaderValue>,
    /// The exchange it was published to; of deliveries only.
    pub exchange: String,
    /// The key it was published with; of deliveries only.
    pub routing_key: String,
}

/// A message to publish: always persistent, always mandatory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Empty for the default exchange.
    pub exchange: String,
    /// At most 255 bytes.
    pub routing_key: String,
    /// The body.
    pub body: Vec<u8>,
    /// `exchange` and `routing_key` inside are not sent.
    pub properties: Properties,
}

/// A name, an id or a header's name that does not fit into AMQP's short string; its first characters.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{0}…` is longer than 255 bytes")]
pub struct NameTooLong(String);

/// AMQP's short string, whose infallible constructor panics above 255 bytes.
pub(super) fn short(text: &str) -> Result<ShortString, NameTooLong> {
    ShortString::try_new(text.to_owned()).map_err(|_| NameTooLong(text.chars().take(40).collect()))
}

impl Properties {
    pub(super) fn received(properties: &BasicProperties, exchange: &str, routing_key: &str) -> Self {
        let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string);
        let headers = properties.headers().as_ref().map(FieldTable::inner).into_iter().flatten();
        Self {
            message_id: text(properties.message_id()),
            kind: text(properties.kind()),
            content_type: text(properties.content_type()),
            user_id: None,
            reply_to: text(properties.reply_to()),
            correlation_id: text(properties.correlation_id()),
            headers: headers.map(|(name, value)| (name.to_string(), header(value))).collect(),
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
        }
    }

    /// Removes the headers that the broker adds (`x-death`, `x-first-death-*` and others): RabbitMQ silently drops a message
    /// that is dead-lettered with the `x-death` of the same queue, as a cycle.
    pub fn strip_broker_headers(&mut self) {
        self.headers.retain(|name, _| !name.starts_with("x-"));
    }

    /// Restores the headers that the engine published, for a replay: removes those that the broker adds, those that a worker
    /// adds to a dead letter, and the number of the attempt.
    pub fn strip_dead_letter_headers(&mut self) {
        self.strip_broker_headers();
        self.headers.retain(|name, _| name != ATTEMPT && !DEAD_LETTER_HEADERS.contains(&name.as_str()));
    }

    /// Persistent, with as many of the headers as fit into `available` bytes.
    pub(super) fn to_send(&self, available: usize) -> Result<BasicProperties, NameTooLong> {
        let mut properties = BasicProperties::default().with_delivery_mode(2);
        if let Some(text) = &self.message_id {
            properties = properties.with_message_id(short(text)?);
        }
        if let Some(text) = &self.kind {
            properties = properties.with_type(short(text)?);
        }
        if let Some(text) = &self.content_type {
            properties = properties.with_content_type(short(text)?);
        }
        if let Some(text) = &self.user_id {
            properties = properties.with_user_id(short(text)?);
        }
        if let Some(text) = &self.reply_to {
            properties = properties.with_reply_to(short(text)?);
        }
        if let Some(text) = &self.correlation_id {
            properties = properties.with_correlation_id(short(text)?);
        }
        let mut headers = FieldTable::default();
        for (name, value) in self.headers_within(available) {
            headers.insert(short(name)?, field(value));
        }
        Ok(properties.with_headers(headers))
    }

    /// Headers must fit into one frame, and other connections may have larger frames than this one. What does not fit is left
    /// out, the longest texts first and the workers' own headers last, since a frame that is too large ends the connection.
    fn headers_within(&self, available: usize) -> Vec<(&String, &HeaderValue)> {
        let mut headers: Vec<_> = self.headers.iter().collect();
        let mut total: usize = headers.iter().map(|(name, value)| size(name, value)).sum();
        if total > available {
            tracing::warn!(
                message_id = self.message_id,
                "the longest headers are left out of a copy of this message: all of them take {total} bytes, and a frame \
                 has {available} for them"
            );
            let is_own = |name: &str| name == ATTEMPT || name == TURN || DEAD_LETTER_HEADERS.contains(&name);
            headers
                .sort_by_key(|(name, value)| (!is_own(name), matches!(value, HeaderValue::Text(_)), size(name, value)));
        }
        while total > available
            && let Some((name, value)) = headers.pop()
        {
            total -= size(name, value);
        }
        headers
    }
}

/// The number of the attempt: a copy without it would claim another attempt.
const ATTEMPT: &str = "attempt";
/// The slot of a rate limit that a copy waits for.
const TURN: &str = "turn";
/// What a worker adds to a dead letter; none of them long, except `detail`.
const DEAD_LETTER_HEADERS: [&str; 6] = ["attempts", "detail", "exchange", "job-id", "reason", "routing-key"];

/// The size of a header in a frame, bytes (AMQP 0-9-1, section 4.2.5.5).
fn size(name: &str, value: &HeaderValue) -> usize {
    let value = match value {
        HeaderValue::Bool(_) => 1,
        HeaderValue::Integer(_) => 8,
        HeaderValue::Text(text) => 4 + text.len(),
    };
    1 + name.len() + 1 + value
}

fn header(value: &AMQPValue) -> HeaderValue {
    match value {
        AMQPValue::Boolean(flag) => HeaderValue::Bool(*flag),
        AMQPValue::ShortShortInt(n) => HeaderValue::Integer((*n).into()),
        AMQPValue::ShortShortUInt(n) => HeaderValue::Integer((*n).into()),
        AMQPValue::ShortInt(n) => HeaderValue::Integer((*n).into()),
        AMQPValue::ShortUInt(n) => HeaderValue::Integer((*n).into()),
        AMQPValue::LongInt(n) => HeaderValue::Integer((*n).into()),
        AMQPValue::LongUInt(n) => HeaderValue::Integer((*n).into()),
        AMQPValue::LongLongInt(n) => HeaderValue::Integer(*n),
        AMQPValue::ShortString(text) => HeaderValue::Text(text.to_string()),
        AMQPValue::LongString(text) => HeaderValue::Text(text.to_string()),
        other => HeaderValue::Text(format!("{other:?}")),
    }
}

fn field(value: &HeaderValue) -> AMQPValue {
    match value {
        HeaderValue::Bool(flag) => AMQPValue::Boolean(*flag),
        HeaderValue::Integer(number) => AMQPValue::LongLongInt(*number),
        HeaderValue::Text(text) => AMQPValue::LongString(text.as_str().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_exceed_a_frame_are_left_out_the_longest_texts_first() {
        let text = |length| HeaderValue::Text("x".repeat(length));
        let headers = [("a", text(5_000)), ("attempt", HeaderValue::Integer(3)), ("b", text(100)), ("c", text(60_000))];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
        let properties = Properties { headers, ..Properties::default() };
        let sent = |available| {
            let sent = properties.to_send(available).unwrap();
            let names = sent.headers().as_ref().unwrap().inner().keys().map(ToString::to_string);
            names.collect::<Vec<_>>().join(" ")
        };
        let all: usize = properties.headers.iter().map(|(name, value)| size(name, value)).sum();
        assert_eq!(sent(all), "a attempt b c");
        assert_eq!(sent(all - 1), "a attempt b");
        assert_eq!(sent(14_000), "a attempt b");
        assert_eq!(sent(200), "attempt b");
        assert_eq!(sent(100), "attempt");
        let mut letter = properties.clone();
        letter.headers.insert("detail".to_owned(), text(7_000));
        let sent = letter.to_send(7_200).unwrap();
        let names: Vec<_> = sent.headers().as_ref().unwrap().inner().keys().map(ToString::to_string).collect();
        assert_eq!(names, ["attempt", "b", "detail"]);
    }

    #[test]
    fn a_replay_has_the_headers_that_the_engine_published() {
        let names =
            ["x-death", "reason", "detail", "job-id", "attempts", "exchange", "routing-key", "attempt", "tenant"];
        let headers = names.map(|name| (name.to_owned(), HeaderValue::Integer(1))).into();
        let mut properties = Properties { headers, ..Properties::default() };
        properties.strip_broker_headers();
        assert_eq!(properties.headers.len(), names.len() - 1);
        properties.strip_dead_letter_headers();
        assert_eq!(properties.headers.keys().collect::<Vec<_>>(), ["tenant"]);
    }
}
