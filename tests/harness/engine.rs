//! An engine's side of the broker: publishes jobs and cancels, consumes results, and validates every message by its schema.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions,
    ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer};
use serde_json::Value;
use tokio::time::timeout;

use crate::PATIENCE;

/// A result with its properties.
#[derive(Debug, Clone)]
pub struct Received {
    pub body: Value,
    pub message_id: String,
    pub correlation_id: Option<String>,
    pub routing_key: String,
}

impl Received {
    /// `status` of the result.
    pub fn status(&self) -> &str {
        self.body["status"].as_str().unwrap_or_default()
    }

    /// `error.code` of a failed result.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

/// An engine named `name` under a prefix.
pub struct Engine {
    connection: Connection,
    channel: Channel,
    results: Consumer,
    queue: String,
    prefix: String,
}

/// How a job is published; plain data, all optional.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    pub message_id: Option<String>,
    pub kind: Option<String>,
    pub reply_to: Option<String>,
    pub correlation_id: Option<String>,
    pub routing_key: Option<String>,
    pub headers: BTreeMap<String, String>,
}

impl Engine {
    /// Connects and binds a result queue of its own; the worker's side must have declared the exchanges.
    pub async fn connect(url: &str, prefix: &str, name: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("the broker");
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        let queue = format!("{prefix}.test-results.{name}");
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        // It survives a connection, and expires soon after the test.
        let mut arguments = FieldTable::default();
        arguments.insert(short("x-expires"), AMQPValue::LongInt(300_000));
        channel.queue_declare(short(&queue), options, arguments).await.expect("a result queue");
        let exchange = format!("{prefix}.results");
        let key = format!("result.{name}.#");
        channel
            .queue_bind(
                short(&queue),
                short(&exchange),
                short(&key),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .expect("the results exchange");
        let results = consume(&channel, &queue).await;
        Self { connection, channel, results, queue, prefix: prefix.to_owned() }
    }

    /// Publishes a job under its own id, which must be a job by the schema.
    pub async fn publish(&self, job: &Value) {
        let envelope = Envelope {
            message_id: job["id"].as_str().map(ToOwned::to_owned),
            kind: Some("data-connector.job.v1".to_owned()),
            ..Envelope::default()
        };
        self.publish_with(job, envelope).await;
    }

    /// Publishes a job with other properties.
    pub async fn publish_with(&self, job: &Value, envelope: Envelope) {
        assert_valid(data_connector::job::JOB_SCHEMA, job);
        self.publish_bytes(job.to_string().as_bytes(), envelope).await;
    }

    /// Publishes anything to the jobs exchange.
    pub async fn publish_bytes(&self, body: &[u8], envelope: Envelope) {
        let key = envelope.routing_key.clone().unwrap_or_else(|| "job.default".to_owned());
        let mut properties =
            BasicProperties::default().with_delivery_mode(2).with_content_type(short("application/json"));
        let set = |value: Option<String>| value.map(|text| short(&text));
        if let Some(id) = set(envelope.message_id) {
            properties = properties.with_message_id(id);
        }
        if let Some(kind) = set(envelope.kind) {
            properties = properties.with_type(kind);
        }
        if let Some(queue) = set(envelope.reply_to) {
            properties = properties.with_reply_to(queue);
        }
        if let Some(id) = set(envelope.correlation_id) {
            properties = properties.with_correlation_id(id);
        }
        let mut headers = FieldTable::default();
        for (name, value) in envelope.headers {
            headers.insert(short(&name), AMQPValue::LongString(value.into()));
        }
        let exchange = format!("{}.jobs", self.prefix);
        self.send(&exchange, &key, body, properties.with_headers(headers)).await;
    }

    /// Cancels a job (CONTRACT 4).
    pub async fn cancel(&self, id: &str) {
        let body = serde_json::json!({"id": id}).to_string();
        let properties = BasicProperties::default().with_delivery_mode(2).with_type(short("data-connector.cancel.v1"));
        self.send(&format!("{}.control", self.prefix), "", body.as_bytes(), properties).await;
    }

    /// Publishes mandatory and confirmed.
    pub async fn send(&self, exchange: &str, key: &str, body: &[u8], properties: BasicProperties) {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirm = self.channel.basic_publish(short(exchange), short(key), options, body, properties).await;
        let confirmation = confirm.expect("a publish").await.expect("a confirm");
        assert!(matches!(confirmation, Confirmation::Ack(None)), "`{exchange}` `{key}`: {confirmation:?}");
    }

    /// The next result, validated by its schema.
    pub async fn result(&mut self) -> Received {
        match timeout(PATIENCE, self.results.next()).await {
            Ok(Some(Ok(delivery))) => received(&delivery).await,
            Ok(other) => panic!("the result queue failed: {other:?}"),
            Err(elapsed) => panic!("no result within {PATIENCE:?}: {elapsed}"),
        }
    }

    /// The next result, if one comes within `wait`.
    pub async fn result_within(&mut self, wait: Duration) -> Option<Received> {
        match timeout(wait, self.results.next()).await {
            Ok(Some(Ok(delivery))) => Some(received(&delivery).await),
            Ok(other) => panic!("the result queue failed: {other:?}"),
            Err(_) => None,
        }
    }

    /// How many messages a queue of the product holds, or `None` when there is no such queue.
    pub async fn depth(&self, queue: &str) -> Option<u32> {
        let channel = self.connection.create_channel().await.expect("a channel");
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = format!("{}.{queue}", self.prefix);
        let declared = channel.queue_declare(short(&queue), options, FieldTable::default()).await;
        declared.ok().map(|queue| queue.message_count())
    }

    /// How many consumers a queue of the product has.
    pub async fn consumers(&self, queue: &str) -> u32 {
        let channel = self.connection.create_channel().await.expect("a channel");
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = format!("{}.{queue}", self.prefix);
        let declared = channel.queue_declare(short(&queue), options, FieldTable::default()).await;
        declared.map_or(0, |queue| queue.consumer_count())
    }

    /// Whether there is an exchange of the product by this name.
    pub async fn has_exchange(url: &str, name: &str) -> bool {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("the broker");
        let channel = connection.create_channel().await.expect("a channel");
        let options = lapin::options::ExchangeDeclareOptions { passive: true, ..Default::default() };
        let kind = lapin::ExchangeKind::Topic;
        channel.exchange_declare(short(name), kind, options, FieldTable::default()).await.is_ok()
    }

    /// Whether there is a queue by this name.
    pub async fn has_queue(url: &str, name: &str) -> bool {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("the broker");
        let channel = connection.create_channel().await.expect("a channel");
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(short(name), options, FieldTable::default()).await.is_ok()
    }

    /// Receives the first message of a queue of the product and requeues it, this many times, as dying workers do.
    pub async fn requeue(&self, queue: &str, times: u32) {
        let channel = self.connection.create_channel().await.expect("a channel");
        let queue = format!("{}.{queue}", self.prefix);
        let mut deliveries = consume(&channel, &queue).await;
        for _ in 0..times {
            let delivery =
                timeout(PATIENCE, deliveries.next()).await.expect("in time").expect("a message").expect("a message");
            delivery.nack(BasicNackOptions { requeue: true, multiple: false }).await.expect("a nack");
        }
        channel.close(200, "done".into()).await.expect("its end");
    }

    /// Deletes a queue of the product.
    pub async fn delete_queue(&self, queue: &str) {
        let queue = format!("{}.{queue}", self.prefix);
        self.channel.queue_delete(short(&queue), QueueDeleteOptions::default()).await.expect("a queue to delete");
    }

    /// Deletes an exchange of the product.
    pub async fn delete_exchange(&self, exchange: &str) {
        let exchange = format!("{}.{exchange}", self.prefix);
        let deleted = self.channel.exchange_delete(short(&exchange), ExchangeDeleteOptions::default()).await;
        deleted.expect("an exchange to delete");
    }

    /// Deletes the result queue: results of this engine are unroutable from then on.
    pub async fn delete_result_queue(&self) {
        self.channel.queue_delete(short(&self.queue), QueueDeleteOptions::default()).await.expect("a queue to delete");
    }

    /// A new queue for `reply_to`, exclusive to this connection.
    pub async fn reply_queue(&self) -> (String, Consumer) {
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(short(""), options, FieldTable::default()).await.expect("a queue");
        let name = queue.name().to_string();
        let consumer = consume(&self.channel, &name).await;
        (name, consumer)
    }
}

/// A delivery as a result, acked and validated by its schema.
pub async fn received(delivery: &lapin::message::Delivery) -> Received {
    delivery.ack(BasicAckOptions::default()).await.expect("an ack");
    let body: Value = serde_json::from_slice(&delivery.data).expect("JSON");
    assert_valid(data_connector::job::RESULT_SCHEMA, &body);
    let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string);
    assert_eq!(text(delivery.properties.kind()).as_deref(), Some("data-connector.result.v1"));
    assert_eq!(*delivery.properties.delivery_mode(), Some(2), "results are persistent");
    Received {
        body,
        message_id: text(delivery.properties.message_id()).unwrap_or_default(),
        correlation_id: text(delivery.properties.correlation_id()),
        routing_key: delivery.routing_key.to_string(),
    }
}

/// Fails the test when a message is not what its schema says.
pub fn assert_valid(schema: &str, message: &Value) {
    let schema: Value = serde_json::from_str(schema).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let problems: Vec<String> = validator.iter_errors(message).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(problems.is_empty(), "{message:#}\n{}", problems.join("\n"));
}

async fn consume(channel: &Channel, queue: &str) -> Consumer {
    channel
        .basic_consume(short(queue), short(""), BasicConsumeOptions::default(), FieldTable::default())
        .await
        .expect("a consumer")
}

fn short(text: &str) -> ShortString {
    ShortString::try_new(text.to_owned()).expect("a short text")
}
