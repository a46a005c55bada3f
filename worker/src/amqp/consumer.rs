//! Consuming without end: whatever ends a channel, another one is opened and consumed from.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::SelectAll;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, ErrorKind};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::Error;
use super::acks::Acks;
use super::consumer_probe::{Broken, ConsumerProbe};
use super::declare::refused;
use super::message::{Properties, short};
use super::reconnecting::{Connection, Reconnecting};

/// Between losing a channel and opening the next one.
const REOPEN_DELAY: Duration = Duration::from_millis(200);
/// The same when the topology cannot be declared.
const DECLARE_DELAY: Duration = Duration::from_secs(2);

/// What is consumed.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Durable queues by their full names, each with the short name that its deliveries carry.
    Queues(Vec<(String, String)>),
    /// An exclusive queue bound to a fan-out exchange; its deliveries need no ack.
    Private { exchange: String },
}

/// Deliveries from one source.
#[derive(Debug)]
pub struct Consumer {
    deliveries: mpsc::Receiver<Delivery>,
    stop: watch::Sender<bool>,
    task: AbortHandle,
}

/// Stops a consumer that another task reads from.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Ends the deliveries; those already received can still be acked.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// One message, to be acked or requeued.
#[derive(Debug)]
pub struct Delivery {
    /// The body.
    pub body: Vec<u8>,
    /// Its properties. In a box, since deliveries are handed on several times.
    pub properties: Box<Properties>,
    /// The short name of the queue it was consumed from.
    pub queue: String,
    /// Whether it was delivered before.
    pub is_redelivered: bool,
    /// The account that published it, where RabbitMQ vouches for that.
    pub user_id: Option<String>,
    tag: u64,
    // Keeps the channel open until the last of its deliveries is settled.
    acks: Arc<Acks>,
}

impl Delivery {
    fn new(delivery: lapin::message::Delivery, queue: String, acks: &Arc<Acks>) -> Self {
        let (exchange, key) = (delivery.exchange.to_string(), delivery.routing_key.to_string());
        Self {
            properties: Box::new(Properties::received(&delivery.properties, &exchange, &key)),
            body: delivery.data,
            queue,
            is_redelivered: delivery.redelivered,
            user_id: delivery.properties.user_id().as_ref().map(ToString::to_string),
            tag: delivery.delivery_tag,
            acks: Arc::clone(acks),
        }
    }

    /// Removes the message from its queue; returns whether the ack was sent. If not, the message is redelivered.
    pub async fn ack(self) -> bool {
        self.acks.ack(self.tag).await
    }

    /// Returns the message to its queue; returns whether the nack was sent. The message is redelivered in either case.
    pub async fn requeue(self) -> bool {
        self.acks.requeue(self.tag).await
    }
}

impl Consumer {
    /// Starts consuming as soon as there is a connection.
    pub(super) fn start(connection: Reconnecting, source: Source, prefetch: u16, check_interval: Duration) -> Self {
        let (sender, deliveries) = mpsc::channel(1);
        let (stop, stopped) = watch::channel(false);
        let consume_loop = ConsumeLoop { connection, source, prefetch, check_interval, deliveries: sender, stopped };
        Self { deliveries, stop, task: tokio::spawn(consume_loop.run()).abort_handle() }
    }

    /// The next delivery; `None` only after the consumer was stopped.
    pub async fn next(&mut self) -> Option<Delivery> {
        self.deliveries.recv().await
    }

    /// Completes once the consumer was stopped.
    pub async fn stopped(&self) {
        let mut stopped = self.stop.subscribe();
        until_stopped(&mut stopped).await;
    }

    /// A handle that stops the consumer.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Consumes from one source on one channel after another.
struct ConsumeLoop {
    connection: Reconnecting,
    source: Source,
    prefetch: u16,
    /// After how long without a delivery the consumer is probed.
    check_interval: Duration,
    deliveries: mpsc::Sender<Delivery>,
    stopped: watch::Receiver<bool>,
}

/// Why consuming from a channel ended.
enum End {
    /// The consumer was stopped or dropped.
    Stopped,
    /// The channel, its queue or its consumer failed; a cancelled consumer ends without any error.
    Channel(String),
    /// The connection does not respond.
    Connection(String),
}

impl ConsumeLoop {
    async fn run(mut self) {
        while let Some(connection) = self.connection.connection().await {
            match self.consume(&connection).await {
                End::Stopped => return,
                End::Channel(reason) => {
                    tracing::warn!(source = ?self.source, "consuming ended ({reason}); opening another channel");
                }
                End::Connection(reason) => {
                    tracing::warn!(source = ?self.source, "consuming ended ({reason}); connecting again");
                    connection.abandon();
                }
            }
            self.connection.count_reopened();
            tokio::time::sleep(REOPEN_DELAY).await;
            // On an open connection a deleted queue may have ended the channel.
            if connection.inner.status().connected()
                && let Err(error) = self.connection.declare(&connection).await
            {
                tracing::error!(%error, "the queues cannot be declared");
                tokio::time::sleep(DECLARE_DELAY).await;
            }
        }
    }

    async fn consume(&mut self, connection: &Connection) -> End {
        let channel = match connection.inner.create_channel().await {
            Ok(channel) => channel,
            Err(error) => return End::Channel(error.to_string()),
        };
        let acks = Arc::new(Acks::of(channel.clone()));
        let Subscription { mut streams, tags, queues } = match self.subscribe(&channel).await {
            Ok(subscription) => subscription,
            Err(error) => return End::Channel(error.to_string()),
        };
        let mut probe = ConsumerProbe::default();
        loop {
            let next = tokio::select! {
                () = until_stopped(&mut self.stopped) => {
                    cancel(&channel, tags).await;
                    return End::Stopped;
                }
                next = timeout(self.check_interval, streams.next()) => next,
            };
            let delivery = match next {
                Ok(Some((queue, Ok(delivery)))) => Delivery::new(delivery, queue, &acks),
                Ok(Some((_, Err(error)))) => return End::Channel(error.to_string()),
                Ok(None) => return End::Channel("the broker cancelled the consumer".to_owned()),
                // At its prefetch limit a consumer receives nothing.
                Err(_) if self.is_at_prefetch_limit(&acks) => continue,
                Err(_) => match probe.check(connection, &queues).await {
                    Ok(()) => continue,
                    Err(Broken::Consumer(reason)) => return End::Channel(reason),
                    Err(Broken::Connection(reason)) => return End::Connection(reason),
                },
            };
            probe.received();
            tokio::select! {
                sent = self.deliveries.send(delivery) => if sent.is_err() { return End::Stopped },
                () = until_stopped(&mut self.stopped) => {
                    cancel(&channel, tags).await;
                    return End::Stopped;
                }
            }
        }
    }

    /// Each unsettled delivery has a reference to its channel's acks.
    fn is_at_prefetch_limit(&self, acks: &Arc<Acks>) -> bool {
        Arc::strong_count(acks) > usize::from(self.prefetch)
    }

    async fn subscribe(&self, channel: &Channel) -> Result<Subscription, Error> {
        let (queues, options) = match &self.source {
            Source::Queues(queues) => (queues.clone(), BasicConsumeOptions::default()),
            Source::Private { exchange } => {
                let queue = private_queue(channel, exchange).await?;
                (vec![(queue.clone(), queue)], BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() })
            }
        };
        let prefetch = channel.basic_qos(self.prefetch, BasicQosOptions::default()).await;
        prefetch.map_err(|e| refused("set the prefetch", e))?;
        let mut subscription = Subscription { streams: SelectAll::new(), tags: Vec::new(), queues: Vec::new() };
        for (queue, name) in queues {
            let consumer = channel.basic_consume(short(&queue)?, "".into(), options, FieldTable::default()).await;
            let consumer = consumer.map_err(|e| refused(format!("consume from queue {queue}"), e))?;
            subscription.queues.push(queue);
            subscription.tags.push(consumer.tag().to_string());
            // SelectAll drops a stream that ends silently; the end of one ends them all.
            let ended = futures_util::stream::iter([Err(lapin::Error::from(ErrorKind::FutureCompleted))]);
            subscription.streams.push(consumer.chain(ended).map(move |delivery| (name.clone(), delivery)).boxed());
        }
        Ok(subscription)
    }
}

/// The consumers of one channel.
struct Subscription {
    streams: Streams,
    tags: Vec<String>,
    /// By their full names.
    queues: Vec<String>,
}

type Streams = SelectAll<futures_util::stream::BoxStream<'static, (String, lapin::Result<lapin::message::Delivery>)>>;

/// Completes when the consumer was stopped or dropped.
async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}

async fn private_queue(channel: &Channel, exchange: &str) -> Result<String, Error> {
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), options, FieldTable::default()).await;
    let name = queue.map_err(|e| refused("declare an exclusive queue", e))?.name().clone();
    let options = QueueBindOptions::default();
    let bound = channel.queue_bind(name.clone(), short(exchange)?, "".into(), options, FieldTable::default()).await;
    bound.map_err(|e| refused(format!("bind {name} to {exchange}"), e))?;
    Ok(name.to_string())
}

/// Messages that were prefetched and not passed on are requeued when the channel's last delivery is settled.
async fn cancel(channel: &Channel, tags: Vec<String>) {
    for tag in tags {
        let Ok(tag) = short(&tag) else { continue };
        if let Err(error) = channel.basic_cancel(tag, BasicCancelOptions::default()).await {
            tracing::debug!(%error, "a consumer could not be cancelled; its channel is closed nevertheless");
        }
    }
}
