//! The broker as a worker uses it: one connection to consume, one to publish, and the whole topology declared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::connect::connect;
use super::consumer::{Consumer, Source};
use super::declare::{self, declare_passively, inspect, refused};
use super::endpoints::endpoints;
use super::message::Message;
use super::misattributed_returns::MisattributedReturns;
use super::publisher::Publisher;
use super::reconnecting::Reconnecting;
use super::{Error, Settings, Topology};

/// Prefetch of every queue but the job queues: few messages go through those.
const SMALL_PREFETCH: u16 = 32;

/// How full a job queue is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    /// Its name as elements say it.
    pub queue: String,
    /// Messages that no worker has.
    pub messages: u32,
    /// How many consumers it has.
    pub consumers: u32,
}

/// A broker with its topology declared; cheap to clone.
#[derive(Debug, Clone)]
pub struct Broker {
    settings: Arc<Settings>,
    topology: Arc<Topology>,
    consuming: Reconnecting,
    publishing: Reconnecting,
    publisher: Publisher,
    misattributed_returns: Arc<MisattributedReturns>,
    drifted: Arc<AtomicBool>,
}

impl Broker {
    /// Connects and declares the topology; from then on lost connections are replaced.
    ///
    /// # Errors
    /// When the broker cannot be reached, is too old, or has queues with other arguments.
    pub async fn connect(settings: Settings) -> Result<Self, Error> {
        let (settings, topology) = (Arc::new(settings.clone()), Arc::new(Topology::new(&settings.prefix)));
        let drifted = Arc::<AtomicBool>::default();
        let open = |role| Reconnecting::open(Arc::clone(&settings), Arc::clone(&topology), role, Arc::clone(&drifted));
        let (consuming, publishing) = (open("consuming").await?, open("publishing").await?);
        let misattributed_returns = Arc::<MisattributedReturns>::default();
        let publisher =
            Publisher::new(publishing.clone(), settings.confirm_timeout, Arc::clone(&misattributed_returns));
        let broker = Self { settings, topology, consuming, publishing, publisher, misattributed_returns, drifted };
        if let Some(connection) = broker.consuming.connection().await {
            broker.consuming.declare(&connection).await?;
        }
        Ok(broker)
    }

    /// Deletes everything under the prefix, messages included.
    ///
    /// # Errors
    /// When the broker cannot be reached or refuses.
    pub async fn remove(settings: Settings) -> Result<(), Error> {
        let connection = connect(&settings, "removing", false).await?;
        declare::remove(&connection, &Topology::new(&settings.prefix), &settings.queues).await?;
        connection.close(200, "removed".into()).await.map_err(|e| refused("close the connection", e))
    }

    /// The names of its exchanges and queues.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The account of this process. RabbitMQ refuses messages that say they come from another one.
    pub fn user(&self) -> Option<String> {
        let endpoints = endpoints(&self.settings.url, self.settings.heartbeat, false).ok()?;
        let mut users = endpoints.into_iter().map(|endpoint| endpoint.0.authority.userinfo.username);
        let first = users.next()?;
        // Where each node has an account of its own, it is not known which one is connected to.
        users.all(|user| user == first).then_some(first)
    }

    /// Publishes on the second connection.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// The next message that was returned after its confirm had been treated as success: no queue has it.
    pub async fn next_misattributed_return(&self) -> Message {
        self.misattributed_returns.next().await
    }

    /// Whether both connections are open.
    pub fn is_connected(&self) -> bool {
        self.consuming.is_connected() && self.publishing.is_connected()
    }

    /// Whether RabbitMQ accepts no messages for lack of memory or disk.
    pub fn is_blocked(&self) -> bool {
        self.publishing.is_blocked()
    }

    /// Whether a queue or an exchange exists with other arguments.
    pub fn has_drifted(&self) -> bool {
        self.drifted.load(Ordering::Relaxed)
    }

    /// How many channels of consumers had to be opened again.
    pub fn channels_reopened(&self) -> u64 {
        self.consuming.channels_reopened()
    }

    /// Consumes jobs from all configured queues.
    pub fn jobs(&self) -> Consumer {
        let queues = self.settings.queues.iter().map(|name| (self.topology.queue(name), name.clone()));
        self.consume(Source::Queues(queues.collect()), self.settings.prefetch)
    }

    /// Consumes dead letters.
    pub fn dead_letters(&self) -> Consumer {
        let queue = self.topology.dead().to_owned();
        self.consume(Source::Queues(vec![(queue.clone(), queue)]), SMALL_PREFETCH)
    }

    /// Consumes the queue of cancels.
    pub fn cancels(&self) -> Consumer {
        let queue = self.topology.cancels();
        self.consume(Source::Queues(vec![(queue.clone(), queue)]), SMALL_PREFETCH)
    }

    /// Consumes everything that is published to the control exchange from now on.
    pub fn control(&self) -> Consumer {
        self.consume(Source::Private { exchange: self.topology.control().to_owned() }, SMALL_PREFETCH)
    }

    fn consume(&self, source: Source, prefetch: u16) -> Consumer {
        Consumer::start(self.consuming.clone(), source, prefetch, self.settings.consumer_check_interval)
    }

    /// How many consumers the configured job queues have.
    ///
    /// # Errors
    /// When the broker refuses, or the connection is lost meanwhile.
    pub async fn consumers_of_jobs(&self) -> Result<u32, Error> {
        let Some(connection) = self.consuming.connection().await else { return Ok(0) };
        let channel = connection.inner.create_channel().await.map_err(|e| refused("open a channel", e))?;
        let mut consumers = 0;
        for queue in &self.settings.queues {
            consumers += declare_passively(&channel, &self.topology.queue(queue)).await?.consumer_count();
        }
        Ok(consumers)
    }

    /// Messages and consumers of those of these job queues that are declared, in the same order.
    ///
    /// # Errors
    /// When the broker refuses, or the connection is lost meanwhile.
    pub async fn depths(&self, queues: &[String]) -> Result<Vec<QueueDepth>, Error> {
        let mut found = Vec::new();
        let Some(connection) = self.consuming.connection().await else { return Ok(found) };
        let mut channel = None;
        for queue in queues {
            let open = match channel.take() {
                Some(open) => open,
                None => connection.inner.create_channel().await.map_err(|e| refused("open a channel", e))?,
            };
            // A queue that is not declared closes the channel.
            if let Some(state) = inspect(&open, &self.topology.queue(queue)).await? {
                let (messages, consumers) = (state.message_count(), state.consumer_count());
                found.push(QueueDepth { queue: queue.clone(), messages, consumers });
                channel = Some(open);
            }
        }
        if let Some(channel) = channel {
            channel.close(200, "inspected".into()).await.map_err(|e| refused("close a channel", e))?;
        }
        Ok(found)
    }

    /// Closes both connections; unacked deliveries are requeued.
    pub async fn close(&self) {
        self.publishing.close().await;
        self.consuming.close().await;
    }
}
