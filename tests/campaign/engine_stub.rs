//! An engine that survives restarts of its broker: publishes each job until it is confirmed, and consumes results all the time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeleteOptions,
    QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::history::History;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// An engine under the default name.
pub(crate) struct EngineStub {
    url: String,
    prefix: String,
    history: Arc<Mutex<History>>,
    publishing: tokio::sync::Mutex<Option<(Connection, Channel)>>,
    collector: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for EngineStub {
    fn drop(&mut self) {
        self.abort();
    }
}

impl EngineStub {
    /// Starts to consume results.
    pub(crate) fn start(url: &str, prefix: &str) -> Self {
        let stub = Self {
            url: url.to_owned(),
            prefix: prefix.to_owned(),
            history: Arc::default(),
            publishing: tokio::sync::Mutex::default(),
            collector: Mutex::default(),
        };
        stub.consume();
        stub
    }

    /// Consumes results from now on.
    pub(crate) fn consume(&self) {
        let collector = tokio::spawn(collect(self.url.clone(), self.prefix.clone(), Arc::clone(&self.history)));
        *self.collector.lock().unwrap_or_else(PoisonError::into_inner) = Some(collector);
    }

    /// Stops consuming and deletes the result queue: results are unroutable.
    pub(crate) async fn delete_result_queue(&self) {
        self.abort();
        if let Some((_connection, channel)) = self.open().await {
            let queue = short(&format!("{}.campaign-results", self.prefix));
            channel.queue_delete(queue, QueueDeleteOptions::default()).await.expect("a queue to delete");
        }
    }

    /// Stops consuming; the result queue rejects results beyond `most`.
    pub(crate) async fn limit_result_queue(&self, most: i32) {
        self.delete_result_queue().await;
        let (_connection, channel) = self.open().await.expect("the broker");
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(most));
        arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        let queue = short(&format!("{}.campaign-results", self.prefix));
        declare_results(&channel, &self.prefix, &queue, arguments).await.expect("a queue");
    }

    fn abort(&self) {
        if let Some(collector) = self.collector.lock().unwrap_or_else(PoisonError::into_inner).take() {
            collector.abort();
        }
    }

    /// The history so far.
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes a job until the broker has confirmed it.
    pub(crate) async fn submit(&self, job: &Value) {
        let id = job["id"].as_str().unwrap_or_default().to_owned();
        self.submit_bytes(&id, job.to_string().as_bytes(), 0).await;
        self.history().submitted.insert(id);
    }

    /// Publishes a body under an id, with a header of this many bytes, until the broker has confirmed it.
    pub(crate) async fn submit_bytes(&self, id: &str, body: &[u8], header: usize) {
        let mut open = self.publishing.lock().await;
        loop {
            if open.is_none() {
                *open = self.open().await;
            }
            let confirmed = match open.as_ref() {
                Some((_, channel)) => self.publish(channel, id, body, header).await.unwrap_or(false),
                None => false,
            };
            if confirmed {
                return;
            }
            *open = None;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn open(&self) -> Option<(Connection, Channel)> {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await.ok()?;
        let channel = connection.create_channel().await.ok()?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.ok()?;
        Some((connection, channel))
    }

    async fn publish(&self, channel: &Channel, id: &str, body: &[u8], header: usize) -> lapin::Result<bool> {
        let mut headers = FieldTable::default();
        headers.insert(short("note"), AMQPValue::LongString("x".repeat(header).into()));
        let properties = BasicProperties::default()
            .with_headers(headers)
            .with_delivery_mode(2)
            .with_content_type(short("application/json"))
            .with_message_id(short(id))
            .with_type(short("data-connector.job.v1"));
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let exchange = short(&format!("{}.jobs", self.prefix));
        let confirm = channel.basic_publish(exchange, short("job.default"), options, body, properties).await?;
        Ok(matches!(confirm.await?, Confirmation::Ack(None)))
    }
}

async fn collect(url: String, prefix: String, history: Arc<Mutex<History>>) {
    loop {
        drop(collect_once(&url, &prefix, &history).await);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn collect_once(url: &str, prefix: &str, history: &Mutex<History>) -> lapin::Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let queue = short(&format!("{prefix}.campaign-results"));
    let channel = channel_with_results(&connection, prefix, &queue).await?;
    let mut results =
        channel.basic_consume(queue, short(""), BasicConsumeOptions::default(), FieldTable::default()).await?;
    while let Some(delivery) = results.next().await {
        let delivery = delivery?;
        let body: Value = serde_json::from_slice(&delivery.data).unwrap_or_default();
        history.lock().unwrap_or_else(PoisonError::into_inner).result(&body);
        delivery.ack(BasicAckOptions::default()).await?;
    }
    Ok(())
}

/// A channel, with the result queue declared unless it exists.
async fn channel_with_results(connection: &Connection, prefix: &str, queue: &ShortString) -> lapin::Result<Channel> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    if channel.queue_declare(queue.clone(), passive, FieldTable::default()).await.is_ok() {
        return Ok(channel);
    }
    let channel = connection.create_channel().await?;
    declare_results(&channel, prefix, queue, FieldTable::default()).await?;
    Ok(channel)
}

async fn declare_results(
    channel: &Channel,
    prefix: &str,
    queue: &ShortString,
    arguments: FieldTable,
) -> lapin::Result<()> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.clone(), options, arguments).await?;
    let (exchange, key) = (short(&format!("{prefix}.results")), short("result.default.#"));
    channel.queue_bind(queue.clone(), exchange, key, QueueBindOptions::default(), FieldTable::default()).await
}

fn short(text: &str) -> ShortString {
    ShortString::try_new(text.to_owned()).expect("a short text")
}

/// Declares a classic queue, where the product declares a quorum queue.
pub(crate) async fn declare_classic_queue(url: &str, queue: &str) {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("the broker");
    let channel = connection.create_channel().await.expect("a channel");
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(short(queue), options, FieldTable::default()).await.expect("a queue");
}

/// Deletes an exchange.
pub(crate) async fn delete_exchange(url: &str, exchange: &str) {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("the broker");
    let channel = connection.create_channel().await.expect("a channel");
    channel.exchange_delete(short(exchange), ExchangeDeleteOptions::default()).await.expect("an exchange to delete");
}
