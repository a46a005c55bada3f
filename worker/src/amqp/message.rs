//! Messages as plain data, received and published.

use std::collections::BTreeMap;

use lapin::BasicProperties;
use lapin::types::{FieldTable, ShortString};
use serde::{Deserialize, Serialize};

use super::HeaderValue;

/// All properties of a message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Properties {
    /// The message's id; of jobs and results the job id.
    pub message_id: Option<String>,
    /// AMQP's `type`.
    #[serde(rename = "type", alias = "kind")]
    pub kind: Option<String>,
    /// A media type.
    pub content_type: Option<String>,
    /// The account of this process, which RabbitMQ then vouches for; of published messages only, since nobody may send that of
    /// another one.
    #[serde(skip)]
    pub account: Option<String>,
    /// How the body is encoded, for whoever wrote it.
    pub content_encoding: Option<String>,
    /// The queue that the result is published to.
    pub reply_to: Option<String>,
    /// Echoed on the result.
    pub correlation_id: Option<String>,
    /// The application that published it.
    pub app_id: Option<String>,
    /// RabbitMQ's priority.
    pub priority: Option<u8>,
    /// When it was made, seconds since the epoch.
    pub timestamp: Option<u64>,
    /// Unused in AMQP 0-9-1, and passed on.
    pub cluster_id: Option<String>,
    /// How long it may wait in its queue, milliseconds; a copy has it in the header `original-properties`.
    pub expiration: Option<String>,
    /// The broker's user that published it; a copy has it in the header `original-properties`.
    pub user_id: Option<String>,
    /// 2 where it is persistent; a copy has it in the header `original-properties`.
    pub delivery_mode: Option<u8>,
    /// By name.
    pub headers: BTreeMap<String, HeaderValue>,
    /// The exchange it was published to; of deliveries only.
    pub exchange: String,
    /// The key it was published with; of deliveries only.
    pub routing_key: String,
}

/// A message to publish: always persistent, always mandatory.
#[derive(Debug, Clone, PartialEq)]
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
        let mut received = Self {
            message_id: text(properties.message_id()),
            kind: text(properties.kind()),
            content_type: text(properties.content_type()),
            account: None,
            content_encoding: text(properties.content_encoding()),
            reply_to: text(properties.reply_to()),
            correlation_id: text(properties.correlation_id()),
            app_id: text(properties.app_id()),
            priority: *properties.priority(),
            timestamp: *properties.timestamp(),
            cluster_id: text(properties.cluster_id()),
            expiration: text(properties.expiration()),
            user_id: text(properties.user_id()),
            delivery_mode: *properties.delivery_mode(),
            headers: headers.map(|(name, value)| (name.to_string(), value.into())).collect(),
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
        };
        received.restore_original();
        received
    }

    /// Takes over what an earlier copy of this message has in [`ORIGINAL`].
    fn restore_original(&mut self) {
        let Some(HeaderValue::Table(mut original)) = self.headers.remove(ORIGINAL) else { return };
        let mut text = |name: &str| match original.remove(name) {
            Some(HeaderValue::Text(text)) => Some(text),
            _ => None,
        };
        self.expiration = text("expiration").or_else(|| self.expiration.take());
        self.user_id = text("user_id").or_else(|| self.user_id.take());
        if let Some(HeaderValue::Integer(mode)) = original.remove("delivery_mode") {
            self.delivery_mode = u8::try_from(mode).ok();
        }
        self.headers.extend(original);
    }

    /// What a copy has in [`ORIGINAL`], and the headers that it sends as they are.
    fn sent_headers(&self) -> (BTreeMap<String, HeaderValue>, BTreeMap<&str, &HeaderValue>) {
        let text = |name: &str, text: &Option<String>| {
            text.as_ref().map(|text| (name.to_owned(), HeaderValue::Text(text.clone())))
        };
        let mode = self.delivery_mode.filter(|mode| *mode != PERSISTENT);
        let mode = mode.map(|mode| ("delivery_mode".to_owned(), HeaderValue::Integer(mode.into())));
        let original = [text("expiration", &self.expiration), text("user_id", &self.user_id), mode];
        let mut original: BTreeMap<_, _> = original.into_iter().flatten().collect();
        let mut sent = BTreeMap::new();
        for (name, value) in &self.headers {
            if ROUTING_HEADERS.contains(&name.as_str()) {
                original.insert(name.clone(), value.clone());
            } else {
                sent.insert(name.as_str(), value);
            }
        }
        (original, sent)
    }

    /// Removes the headers that the broker adds (`x-death`, `x-first-death-*` and others): RabbitMQ silently drops a message
    /// that is dead-lettered with the `x-death` of the same queue, as a cycle.
    pub fn strip_broker_headers(&mut self) {
        self.headers.retain(|name, _| !name.starts_with("x-"));
    }

    /// Restores the headers that the engine published, for a replay: removes those that the broker adds and those of workers.
    pub fn strip_dead_letter_headers(&mut self) {
        self.strip_broker_headers();
        self.headers.retain(|name, _| !is_own(name));
    }

    /// Persistent, with as many of the headers as fit into `available` bytes.
    pub(super) fn to_send(&self, available: usize) -> Result<BasicProperties, NameTooLong> {
        let mut properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        if let Some(text) = &self.message_id {
            properties = properties.with_message_id(short(text)?);
        }
        if let Some(text) = &self.kind {
            properties = properties.with_type(short(text)?);
        }
        if let Some(text) = &self.content_type {
            properties = properties.with_content_type(short(text)?);
        }
        if let Some(text) = &self.account {
            properties = properties.with_user_id(short(text)?);
        }
        if let Some(text) = &self.content_encoding {
            properties = properties.with_content_encoding(short(text)?);
        }
        if let Some(text) = &self.reply_to {
            properties = properties.with_reply_to(short(text)?);
        }
        if let Some(text) = &self.correlation_id {
            properties = properties.with_correlation_id(short(text)?);
        }
        if let Some(text) = &self.app_id {
            properties = properties.with_app_id(short(text)?);
        }
        if let Some(text) = &self.cluster_id {
            properties = properties.with_cluster_id(short(text)?);
        }
        if let Some(priority) = self.priority {
            properties = properties.with_priority(priority);
        }
        if let Some(seconds) = self.timestamp {
            properties = properties.with_timestamp(seconds);
        }
        let (original, mut headers) = self.sent_headers();
        let original = HeaderValue::Table(original);
        if original != HeaderValue::Table(BTreeMap::new()) {
            headers.insert(ORIGINAL, &original);
        }
        let mut table = FieldTable::default();
        for (name, value) in self.headers_within(available, headers) {
            table.insert(short(name)?, value.to_amqp()?);
        }
        Ok(properties.with_headers(table))
    }

    /// Headers must fit into one frame, and other connections may have larger frames than this one. What does not fit is left
    /// out, the longest first and the workers' own headers last, since a frame that is too large ends the connection.
    fn headers_within<'a>(
        &self,
        available: usize,
        headers: BTreeMap<&'a str, &'a HeaderValue>,
    ) -> Vec<(&'a str, &'a HeaderValue)> {
        let mut headers: Vec<_> = headers.into_iter().collect();
        let mut total: usize = headers.iter().map(|(name, value)| size(name, value)).sum();
        if total > available {
            tracing::warn!(
                message_id = self.message_id,
                "the longest headers are left out of a copy of this message: all of them take {total} bytes, and a frame \
                 has {available} for them"
            );
            headers.sort_by_key(|(name, value)| (!is_own(name), !value.is_small(), size(name, value)));
        }
        while total > available
            && let Some((name, value)) = headers.pop()
        {
            total -= size(name, value);
        }
        headers
    }
}

/// The delivery mode of a message that outlives a restart of the broker.
const PERSISTENT: u8 = 2;
/// The header in which copies of a message have what they cannot be sent with: after its `expiration` a copy that waits would
/// be dropped, and the broker refuses the `user_id` of somebody else.
const ORIGINAL: &str = "original-properties";
/// The broker would send a copy to the queues that these name, too.
const ROUTING_HEADERS: [&str; 2] = ["CC", "BCC"];
/// What workers add to the copies that they publish: the number of the attempt, without which a copy would claim another
/// one, the slot of a rate limit that it waits for, that its address is with its job, and that it was requeued from the dead
/// letters.
const COPY_HEADERS: [&str; 5] = [ORIGINAL, "attempt", "registered", "requeued", "turn"];
/// What a worker adds to a dead letter; none of them long, except `detail`.
const DEAD_LETTER_HEADERS: [&str; 6] = ["attempts", "detail", "exchange", "job-id", "reason", "routing-key"];

fn is_own(name: &str) -> bool {
    COPY_HEADERS.contains(&name) || DEAD_LETTER_HEADERS.contains(&name)
}

/// The size of a header in a frame, bytes (AMQP 0-9-1, section 4.2.5.5).
fn size(name: &str, value: &HeaderValue) -> usize {
    1 + name.len() + value.size()
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
        let mut names = vec!["x-death", "tenant"];
        names.extend(COPY_HEADERS.iter().chain(&DEAD_LETTER_HEADERS));
        let headers = names.iter().map(|name| ((*name).to_owned(), HeaderValue::Integer(1))).collect();
        let mut properties = Properties { headers, ..Properties::default() };
        properties.strip_broker_headers();
        assert_eq!(properties.headers.len(), names.len() - 1);
        properties.strip_dead_letter_headers();
        assert_eq!(properties.headers.keys().collect::<Vec<_>>(), ["tenant"]);
    }

    fn full() -> Properties {
        let text = |text: &str| Some(text.to_owned());
        let list = HeaderValue::List(vec![HeaderValue::Text("job.other".to_owned())]);
        Properties {
            message_id: text("m"),
            kind: text("k"),
            content_type: text("t"),
            account: None,
            content_encoding: text("gzip"),
            reply_to: text("r"),
            correlation_id: text("c"),
            app_id: text("a"),
            priority: Some(3),
            timestamp: Some(1_700_000_000),
            cluster_id: text("l"),
            expiration: text("5000"),
            user_id: text("guest"),
            delivery_mode: Some(1),
            headers: [("CC".to_owned(), list.clone()), ("list".to_owned(), list)].into(),
            exchange: String::new(),
            routing_key: String::new(),
        }
    }

    #[test]
    fn a_copy_keeps_every_property_and_is_not_sent_with_what_would_harm_it() {
        let sent = full().to_send(8_000).unwrap();
        assert_eq!((sent.expiration(), sent.user_id(), sent.delivery_mode()), (&None, &None, &Some(2)));
        let names: Vec<_> = sent.headers().as_ref().unwrap().inner().keys().map(ToString::to_string).collect();
        assert_eq!(names, ["list", ORIGINAL]);
        assert_eq!(Properties::received(&sent, "", ""), full());
        let again = Properties::received(&sent, "", "").to_send(8_000).unwrap();
        assert_eq!(Properties::received(&again, "", ""), full());
    }

    #[test]
    fn every_property_is_the_same_after_the_database() {
        let stored = serde_json::to_value(full()).unwrap();
        assert_eq!(serde_json::from_value::<Properties>(stored).unwrap(), full());
        let older = serde_json::json!({"message_id": "m", "kind": "k", "headers": {"a": 1}});
        assert_eq!(serde_json::from_value::<Properties>(older).unwrap().kind.as_deref(), Some("k"));
    }
}
