//! Messages as plain data, in and out.

use std::collections::BTreeMap;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde::{Deserialize, Serialize};

use crate::fault;

/// A header's value; kinds that mean nothing here are kept as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// A yes or no.
    Bool(bool),
    /// Any integer.
    Integer(i64),
    /// Anything else.
    Text(String),
}

/// The properties that mean something to engines and workers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Properties {
    /// Who it is; the job id for jobs and results.
    pub message_id: Option<String>,
    /// AMQP's `type`.
    pub kind: Option<String>,
    /// A media type.
    pub content_type: Option<String>,
    /// Where the answer goes.
    pub reply_to: Option<String>,
    /// Echoed on the answer.
    pub correlation_id: Option<String>,
    /// By name.
    pub headers: BTreeMap<String, HeaderValue>,
    /// Where it was published; of deliveries only.
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

/// AMQP's short string, whose constructor panics above 255 bytes.
pub(super) fn short(text: &str) -> Result<ShortString, String> {
    ShortString::try_new(text.to_owned())
        .map_err(|_| format!("`{}…` is longer than 255 bytes", text.chars().take(40).collect::<String>()))
}

impl Properties {
    pub(super) fn received(properties: &BasicProperties, exchange: &str, routing_key: &str) -> Self {
        let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string);
        let headers = properties.headers().as_ref().map(FieldTable::inner).into_iter().flatten();
        Self {
            message_id: text(properties.message_id()),
            kind: text(properties.kind()),
            content_type: text(properties.content_type()),
            reply_to: text(properties.reply_to()),
            correlation_id: text(properties.correlation_id()),
            headers: headers.map(|(name, value)| (name.to_string(), header(value))).collect(),
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
        }
    }

    /// Persistent, with as many of the headers as `room` bytes hold; the error names what AMQP cannot carry.
    pub(super) fn to_send(&self, room: usize) -> Result<BasicProperties, String> {
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
        if let Some(text) = &self.reply_to {
            properties = properties.with_reply_to(short(text)?);
        }
        if let Some(text) = &self.correlation_id {
            properties = properties.with_correlation_id(short(text)?);
        }
        let mut headers = FieldTable::default();
        for (name, value) in self.headers_within(room) {
            headers.insert(short(name)?, field(value));
        }
        Ok(properties.with_headers(headers))
    }

    /// Headers travel in one frame, and others may have larger frames than this connection: what does not fit is left
    /// out, the longest texts first and ours last, since a frame that is too large would end the connection.
    fn headers_within(&self, room: usize) -> Vec<(&String, &HeaderValue)> {
        let mut headers: Vec<_> = self.headers.iter().collect();
        let mut taken: usize = headers.iter().map(|(name, value)| size(name, value)).sum();
        if taken > room {
            tracing::warn!(
                message_id = self.message_id,
                "the longest headers are left out of a copy of this message: all of them take {taken} bytes, and a frame \
                 has {room} for them"
            );
            let is_foreign = |name: &String| !OURS.contains(&name.as_str());
            headers.sort_by_key(|(name, value)| {
                (is_foreign(name), matches!(value, HeaderValue::Text(_)), size(name, value))
            });
        }
        while taken > room
            && let Some((name, value)) = headers.pop()
        {
            taken -= size(name, value);
        }
        headers
    }
}

/// Headers that workers write and read, none of them long: a copy without its `attempt` would be another job's.
const OURS: [&str; 8] = ["attempt", "attempts", "detail", "exchange", "job-id", "reason", "routing-key", "turn"];

/// What a header takes in a frame, bytes (AMQP 0-9-1, section 4.2.5.5).
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
        // As text RabbitMQ does not know its own headers again: whoever leaves out that they are stripped leaves out this too.
        other if fault::without("strip") => HeaderValue::Text(serde_json::json!(other).to_string()),
        other => HeaderValue::Text(format!("{other:?}")),
    }
}

fn field(value: &HeaderValue) -> AMQPValue {
    match value {
        HeaderValue::Bool(flag) => AMQPValue::Boolean(*flag),
        HeaderValue::Integer(number) => AMQPValue::LongLongInt(*number),
        HeaderValue::Text(text) if fault::without("strip") => {
            serde_json::from_str(text).unwrap_or_else(|_| AMQPValue::LongString(text.as_str().into()))
        }
        HeaderValue::Text(text) => AMQPValue::LongString(text.as_str().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_do_not_fit_are_left_out_the_longest_texts_first() {
        let text = |length| HeaderValue::Text("x".repeat(length));
        let headers = [("a", text(5_000)), ("attempt", HeaderValue::Integer(3)), ("b", text(100)), ("c", text(60_000))];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
        let properties = Properties { headers, ..Properties::default() };
        let kept = |room| {
            let sent = properties.to_send(room).unwrap();
            let names = sent.headers().as_ref().unwrap().inner().keys().map(ToString::to_string);
            names.collect::<Vec<_>>().join(" ")
        };
        let all: usize = properties.headers.iter().map(|(name, value)| size(name, value)).sum();
        assert_eq!(kept(all), "a attempt b c");
        assert_eq!(kept(all - 1), "a attempt b");
        assert_eq!(kept(14_000), "a attempt b");
        assert_eq!(kept(200), "attempt b");
        assert_eq!(kept(100), "attempt");
        let mut letter = properties.clone();
        letter.headers.insert("detail".to_owned(), text(7_000));
        let sent = letter.to_send(7_200).unwrap();
        let names: Vec<_> = sent.headers().as_ref().unwrap().inner().keys().map(ToString::to_string).collect();
        assert_eq!(names, ["attempt", "b", "detail"]);
    }
}
