//! The broker as a worker sees it: one connection to consume, one to publish, everything declared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tokio::sync::{Mutex, mpsc};

use super::consumer::{Consumer, Source};
use super::declare::{self, refused};
use super::link::{Link, connect};
use super::message::{Message, short};
use super::publisher::Publisher;
use super::strays::Strays;
use super::{Error, Settings, Topology};

/// Prefetch of queues that hold few messages.
const FEW: u16 = 32;

/// A broker with its topology declared; cheap to clone.
#[derive(Debug, Clone)]
pub struct Broker {
    settings: Arc<Settings>,
    topology: Arc<Topology>,
    consuming: Link,
    publishing: Link,
    publisher: Publisher,
    unclaimed: Arc<Mutex<mpsc::UnboundedReceiver<Message>>>,
    drifted: Arc<AtomicBool>,
}

impl Broker {
    /// Connects and declares; from then on both connections come back by themselves.
    ///
    /// # Errors
    /// When the broker cannot be reached, is too old, or has queues with other arguments.
    pub async fn connect(settings: Settings) -> Result<Self, Error> {
        let (settings, topology) = (Arc::new(settings.clone()), Arc::new(Topology::new(&settings.prefix)));
        let drifted = Arc::<AtomicBool>::default();
        let consuming =
            Link::open(Arc::clone(&settings), Arc::clone(&topology), "consuming", Arc::clone(&drifted)).await?;
        let publishing =
            Link::open(Arc::clone(&settings), Arc::clone(&topology), "publishing", Arc::clone(&drifted)).await?;
        let (strays, unclaimed) = Strays::new();
        let publisher = Publisher::new(publishing.clone(), settings.confirm_timeout, strays);
        let unclaimed = Arc::new(Mutex::new(unclaimed));
        let broker = Self { settings, topology, consuming, publishing, publisher, unclaimed, drifted };
        if let Some(live) = broker.consuming.live().await {
            broker.consuming.declare(&live).await?;
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
        connection.close(200, "removed".into()).await.map_err(|e| refused("close the connection", &e))
    }

    /// All names.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Publishes on the second connection.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// The next message that was returned after its publisher had been told that a queue holds it: nothing does.
    pub async fn next_stray(&self) -> Option<Message> {
        self.unclaimed.lock().await.recv().await
    }

    /// Whether both connections are there.
    pub fn is_connected(&self) -> bool {
        self.consuming.is_connected() && self.publishing.is_connected()
    }

    /// Whether RabbitMQ takes no messages for want of memory or disk.
    pub fn is_blocked(&self) -> bool {
        self.publishing.is_blocked()
    }

    /// Whether a queue or an exchange exists with other arguments.
    pub fn has_drifted(&self) -> bool {
        self.drifted.load(Ordering::Relaxed)
    }

    /// How many channels were opened again because the old one was of no more use.
    pub fn rebuilt(&self) -> u64 {
        self.consuming.rebuilt()
    }

    /// Jobs, from all configured queues.
    pub fn jobs(&self) -> Consumer {
        let queues = self.settings.queues.iter().map(|name| (self.topology.queue(name), name.clone()));
        self.consume(Source::Queues(queues.collect()), self.settings.prefetch)
    }

    /// Dead letters.
    pub fn dead_letters(&self) -> Consumer {
        let queue = self.topology.dead().to_owned();
        self.consume(Source::Queues(vec![(queue.clone(), queue)]), FEW)
    }

    /// Cancels that were kept for the ledger.
    pub fn cancels(&self) -> Consumer {
        let queue = self.topology.cancels();
        self.consume(Source::Queues(vec![(queue.clone(), queue)]), FEW)
    }

    /// Everything that is said on the control exchange from now on.
    pub fn control(&self) -> Consumer {
        self.consume(Source::Private { exchange: self.topology.control().to_owned() }, FEW)
    }

    fn consume(&self, source: Source, prefetch: u16) -> Consumer {
        Consumer::start(self.consuming.clone(), source, prefetch, self.settings.quiet)
    }

    /// How many consumers the configured job queues have.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    pub async fn consumers_of_jobs(&self) -> Result<u32, Error> {
        let Some(live) = self.consuming.live().await else { return Ok(0) };
        let channel = live.connection.create_channel().await.map_err(|e| refused("open a channel", &e))?;
        let mut consumers = 0;
        for queue in &self.settings.queues {
            let queue = self.topology.queue(queue);
            let name =
                short(&queue).map_err(|problem| Error::Refused { operation: "use a name".to_owned(), problem })?;
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let declared = channel.queue_declare(name, options, FieldTable::default()).await;
            consumers += declared.map_err(|e| refused(&format!("look at {queue}"), &e))?.consumer_count();
        }
        Ok(consumers)
    }

    /// Ends both connections; unacked deliveries go back to their queues.
    pub async fn close(&self) {
        self.publishing.close().await;
        self.consuming.close().await;
    }
}
