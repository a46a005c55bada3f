//! Deliveries that go on coming: whatever ends a channel, a new one is opened and consumed from.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::SelectAll;
use lapin::Acker;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, ErrorKind};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::link::Link;
use super::message::{Properties, short};
use super::silence::{Silence, Useless};

/// Between losing a channel and opening the next one.
const PAUSE: Duration = Duration::from_millis(200);

/// What is consumed.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Durable queues by their full names, each with the short name that deliveries carry.
    Queues(Vec<(String, String)>),
    /// A queue of this connection alone, bound to a fan-out exchange; acked on arrival.
    Private { exchange: String },
}

/// Deliveries from one source.
#[derive(Debug)]
pub struct Consumer {
    deliveries: mpsc::Receiver<Delivery>,
    stop: watch::Sender<bool>,
    pump: AbortHandle,
}

/// Stops a consumer that somebody else reads.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// No more deliveries; those that were handed over can still be acked.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// One message, to be acked or given back.
#[derive(Debug)]
pub struct Delivery {
    /// The body.
    pub body: Vec<u8>,
    /// Its properties.
    pub properties: Properties,
    /// The short name of the queue it came from.
    pub queue: String,
    acker: Acker,
    // Keeps the channel open until the last of its deliveries is settled.
    _channel: Arc<Channel>,
}

impl Delivery {
    fn of(delivery: lapin::message::Delivery, queue: String, channel: &Arc<Channel>) -> Self {
        let (exchange, key) = (delivery.exchange.to_string(), delivery.routing_key.to_string());
        Self {
            properties: Properties::received(&delivery.properties, &exchange, &key),
            body: delivery.data,
            queue,
            acker: delivery.acker,
            _channel: Arc::clone(channel),
        }
    }

    /// Takes the message off its queue; whether the broker was told. Not told means that it comes again.
    pub async fn ack(self) -> bool {
        let acked = self.acker.ack(BasicAckOptions::default()).await;
        settled(acked, "ack")
    }

    /// Gives the message back to its queue; whether the broker was told. Either way it comes again.
    pub async fn requeue(self) -> bool {
        let back = self.acker.nack(BasicNackOptions { requeue: true, multiple: false }).await;
        settled(back, "requeue")
    }
}

fn settled(told: lapin::Result<bool>, what: &str) -> bool {
    match told {
        Ok(told) => told,
        Err(error) => {
            tracing::debug!(%error, "{what} after the connection was lost: the message comes again");
            false
        }
    }
}

impl Consumer {
    /// Starts consuming, as soon as there is a connection.
    pub(super) fn start(link: Link, source: Source, prefetch: u16, quiet: Duration) -> Self {
        let (hand_over, deliveries) = mpsc::channel(1);
        let (stop, stopped) = watch::channel(false);
        let pump = Pump { link, source, prefetch, quiet, hand_over, stopped };
        Self { deliveries, stop, pump: tokio::spawn(pump.run()).abort_handle() }
    }

    /// The next delivery; `None` only after it was stopped.
    pub async fn next(&mut self) -> Option<Delivery> {
        self.deliveries.recv().await
    }

    /// Done once it was stopped.
    pub async fn stopped(&self) {
        let mut stopped = self.stop.subscribe();
        stop_asked(&mut stopped).await;
    }

    /// A handle that stops it.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

struct Pump {
    link: Link,
    source: Source,
    prefetch: u16,
    /// After how long a silence it is asked whether it still hears anything.
    quiet: Duration,
    hand_over: mpsc::Sender<Delivery>,
    stopped: watch::Receiver<bool>,
}

/// Why a channel is of no more use.
enum End {
    /// Asked to.
    Stopped,
    /// Anything else; a consumer that just ends is the way workers go silent.
    Lost(String),
    /// Its connection does not answer.
    Dead(String),
}

impl Pump {
    async fn run(mut self) {
        while let Some(live) = self.link.live().await {
            match self.consume(&live.connection).await {
                End::Stopped => return,
                End::Lost(why) => tracing::warn!(source = ?self.source, "consuming ended ({why}); beginning again"),
                End::Dead(why) => {
                    tracing::warn!(source = ?self.source, "consuming ended ({why}); connecting again");
                    live.give_up();
                }
            }
            self.link.count_rebuilt();
            tokio::time::sleep(PAUSE).await;
            if live.connection.status().connected() {
                // The connection lives, so that what ended the channel may be a queue that is gone.
                if let Err(error) = self.link.declare(&live).await {
                    tracing::error!(%error, "the queues cannot be declared");
                    tokio::time::sleep(PAUSE * 10).await;
                }
            }
        }
    }

    async fn consume(&mut self, connection: &lapin::Connection) -> End {
        let lost = |error: lapin::Error| End::Lost(error.to_string());
        let channel = match connection.create_channel().await {
            Ok(channel) => Arc::new(channel),
            Err(error) => return lost(error),
        };
        let Subscribed { mut streams, tags, queues } = match self.subscribe(&channel).await {
            Ok(subscribed) => subscribed,
            Err(error) => return lost(error),
        };
        let mut silence = Silence::default();
        loop {
            let next = tokio::select! {
                () = stop_asked(&mut self.stopped) => {
                    cancel(&channel, tags).await;
                    return End::Stopped;
                }
                next = timeout(self.quiet, streams.next()) => next,
            };
            let delivery = match next {
                Ok(Some((queue, Ok(delivery)))) => Delivery::of(delivery, queue, &channel),
                Ok(Some((_, Err(error)))) => return lost(error),
                Ok(None) => return End::Lost("the broker cancelled the consumer".to_owned()),
                // With all it may hold in hand, a consumer has no reason to hear anything.
                Err(_) if self.is_full(&channel) => continue,
                Err(_) => match silence.explain(connection, &queues).await {
                    Ok(()) => continue,
                    Err(Useless::Consumer(why)) => return End::Lost(why),
                    Err(Useless::Connection(why)) => return End::Dead(why),
                },
            };
            silence.broken();
            tokio::select! {
                sent = self.hand_over.send(delivery) => if sent.is_err() { return End::Stopped },
                () = stop_asked(&mut self.stopped) => {
                    cancel(&channel, tags).await;
                    return End::Stopped;
                }
            }
        }
    }

    /// Whether as many deliveries are unsettled as this consumer may hold; each of them keeps the channel.
    fn is_full(&self, channel: &Arc<Channel>) -> bool {
        Arc::strong_count(channel) > usize::from(self.prefetch)
    }

    async fn subscribe(&self, channel: &Channel) -> lapin::Result<Subscribed> {
        let (queues, options) = match &self.source {
            Source::Queues(queues) => (queues.clone(), BasicConsumeOptions::default()),
            Source::Private { exchange } => {
                let queue = private_queue(channel, exchange).await?;
                (vec![(queue.clone(), queue)], BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() })
            }
        };
        channel.basic_qos(self.prefetch, BasicQosOptions::default()).await?;
        let (mut streams, mut tags, mut names) = (SelectAll::new(), Vec::new(), Vec::new());
        for (queue, name) in queues {
            names.push(queue.clone());
            let queue = short(&queue).map_err(too_long)?;
            let consumer = channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?;
            tags.push(consumer.tag().to_string());
            // A stream that ends is as bad as one that breaks, and SelectAll would drop it without a word.
            let ended = futures_util::stream::iter([Err(lapin::Error::from(ErrorKind::FutureCompleted))]);
            streams.push(consumer.chain(ended).map(move |delivery| (name.clone(), delivery)).boxed());
        }
        Ok(Subscribed { streams, tags, queues: names })
    }
}

/// A channel that is consumed from.
struct Subscribed {
    streams: Streams,
    tags: Vec<String>,
    /// By their full names.
    queues: Vec<String>,
}

type Streams = SelectAll<futures_util::stream::BoxStream<'static, (String, lapin::Result<lapin::message::Delivery>)>>;

fn too_long(problem: String) -> lapin::Error {
    ErrorKind::IOError(Arc::new(std::io::Error::other(problem))).into()
}

/// Done when somebody asked to stop, or nobody can ask any more.
async fn stop_asked(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}

async fn private_queue(channel: &Channel, exchange: &str) -> lapin::Result<String> {
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), options, FieldTable::default()).await?;
    let exchange = short(exchange).map_err(too_long)?;
    let name = queue.name().clone();
    channel.queue_bind(name.clone(), exchange, "".into(), QueueBindOptions::default(), FieldTable::default()).await?;
    Ok(name.to_string())
}

/// Messages that were prefetched and not handed over go back when the channel's last delivery is settled.
async fn cancel(channel: &Channel, tags: Vec<String>) {
    for tag in tags {
        let Ok(tag) = short(&tag) else { continue };
        if let Err(error) = channel.basic_cancel(tag, BasicCancelOptions::default()).await {
            tracing::debug!(%error, "a consumer could not be cancelled; its channel closes all the same");
        }
    }
}
