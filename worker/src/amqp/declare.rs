//! Declaring and removing everything under a prefix; a difference is an error, never a deletion.

use lapin::options::{
    ConfirmSelectOptions, ExchangeBindOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};

use super::message::short;
use super::topology::{LEVELS, bit_pattern, exit_pattern};
use super::{Error, Topology};

/// Redeliveries that a job queue allows; named since versions differ in their default, and large since a crash counts
/// one for every job a worker held.
const DELIVERY_LIMIT: i32 = 1_000;

/// Declares everything on a channel of its own, which an error may close.
pub(super) async fn declare(connection: &Connection, topology: &Topology, queues: &[String]) -> Result<(), Error> {
    let channel = connection.create_channel().await.map_err(|e| refused("open a channel", &e))?;
    let declarer = Declarer { channel, topology };
    declarer.exchanges().await?;
    declarer.queue(topology.dead(), large_queue()).await?;
    declarer.job_queues(queues).await?;
    declarer.queue(&topology.cancels(), large_queue()).await?;
    declarer.bind(&topology.cancels(), topology.control(), "").await?;
    declarer.ladder(queues).await?;
    declarer.channel.close(200, "declared".into()).await.map_err(|e| refused("close a channel", &e))
}

/// Deletes everything under the prefix, messages included.
pub(super) async fn remove(connection: &Connection, topology: &Topology, queues: &[String]) -> Result<(), Error> {
    let channel = connection.create_channel().await.map_err(|e| refused("open a channel", &e))?;
    let named = queues.iter().map(String::as_str).chain(["default"]).map(|queue| topology.queue(queue));
    let fixed = [topology.dead().to_owned(), topology.cancels()];
    let ladder = (0..LEVELS).map(|level| topology.ladder_queue(level));
    for queue in named.chain(fixed).chain(ladder) {
        let deleted = channel.queue_delete(name(&queue)?, QueueDeleteOptions::default()).await;
        deleted.map_err(|e| refused(&format!("delete queue {queue}"), &e))?;
    }
    let fixed = [topology.jobs(), topology.results(), topology.control()].map(ToOwned::to_owned);
    let ladder = (0..LEVELS).map(|level| topology.ladder_exchange(level));
    for exchange in ladder.chain([topology.ladder_exit(), topology.unrouted()]).chain(fixed) {
        let deleted = channel.exchange_delete(name(&exchange)?, ExchangeDeleteOptions::default()).await;
        deleted.map_err(|e| refused(&format!("delete exchange {exchange}"), &e))?;
    }
    // A channel that is left to close itself gets into the way of closing its connection.
    channel.close(200, "removed".into()).await.map_err(|e| refused("close a channel", &e))
}

struct Declarer<'a> {
    channel: Channel,
    topology: &'a Topology,
}

impl Declarer<'_> {
    async fn exchanges(&self) -> Result<(), Error> {
        let mut alternate = FieldTable::default();
        alternate.insert("alternate-exchange".into(), text(&self.topology.unrouted()));
        let none = FieldTable::default;
        self.exchange(&self.topology.unrouted(), ExchangeKind::Fanout, none()).await?;
        self.exchange(self.topology.jobs(), ExchangeKind::Topic, alternate).await?;
        self.exchange(self.topology.results(), ExchangeKind::Topic, none()).await?;
        self.exchange(self.topology.control(), ExchangeKind::Fanout, none()).await
    }

    /// The default queue is always there, for jobs whose own queue is not.
    async fn job_queues(&self, queues: &[String]) -> Result<(), Error> {
        for queue in with_default(queues) {
            let full = self.topology.queue(queue);
            self.queue(&full, self.job_queue()).await?;
            self.bind(&full, self.topology.jobs(), &format!("job.{queue}")).await?;
        }
        self.bind(&self.topology.queue("default"), &self.topology.unrouted(), "").await
    }

    fn job_queue(&self) -> FieldTable {
        let mut arguments = quorum(DELIVERY_LIMIT);
        dead_letters_to(&mut arguments, "", Some(self.topology.dead()));
        arguments
    }

    async fn ladder(&self, queues: &[String]) -> Result<(), Error> {
        let topology = self.topology;
        let none = FieldTable::default;
        self.exchange(&topology.ladder_exit(), ExchangeKind::Topic, none()).await?;
        for queue in with_default(queues) {
            self.bind(&topology.queue(queue), &topology.ladder_exit(), &exit_pattern(queue)).await?;
        }
        for level in 0..LEVELS {
            let (exchange, queue, below) =
                (topology.ladder_exchange(level), topology.ladder_queue(level), topology.below(level));
            self.exchange(&exchange, ExchangeKind::Topic, none()).await?;
            let mut arguments = quorum(DELIVERY_LIMIT);
            arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(1_000 << level));
            dead_letters_to(&mut arguments, &below, None);
            self.queue(&queue, arguments).await?;
            self.bind(&queue, &exchange, &bit_pattern(level, 1)).await?;
            self.bind_exchange(&below, &exchange, &bit_pattern(level, 0)).await?;
        }
        Ok(())
    }

    async fn exchange(&self, exchange: &str, kind: ExchangeKind, arguments: FieldTable) -> Result<(), Error> {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared = self.channel.exchange_declare(name(exchange)?, kind, options, arguments).await;
        declared.map_err(|e| drift(&format!("exchange {exchange}"), &e))
    }

    async fn queue(&self, queue: &str, arguments: FieldTable) -> Result<(), Error> {
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let declared = self.channel.queue_declare(name(queue)?, options, arguments).await;
        declared.map(drop).map_err(|e| drift(&format!("queue {queue}"), &e))
    }

    async fn bind(&self, queue: &str, exchange: &str, key: &str) -> Result<(), Error> {
        let bound = self.channel.queue_bind(
            name(queue)?,
            name(exchange)?,
            name(key)?,
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bound.await.map_err(|e| refused(&format!("bind {queue} to {exchange}"), &e))
    }

    async fn bind_exchange(&self, to: &str, from: &str, key: &str) -> Result<(), Error> {
        let bound = self.channel.exchange_bind(
            name(to)?,
            name(from)?,
            name(key)?,
            ExchangeBindOptions::default(),
            FieldTable::default(),
        );
        bound.await.map_err(|e| refused(&format!("bind {to} to {from}"), &e))
    }
}

/// A channel that confirms what is published on it.
pub(super) async fn confirming(connection: &Connection) -> lapin::Result<Channel> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

fn with_default(queues: &[String]) -> impl Iterator<Item = &str> {
    queues.iter().map(String::as_str).filter(|queue| *queue != "default").chain(["default"])
}

fn quorum(delivery_limit: i32) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(delivery_limit));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments
}

/// A queue that nothing leaves by dying.
fn large_queue() -> FieldTable {
    quorum(1_000_000)
}

fn dead_letters_to(arguments: &mut FieldTable, exchange: &str, key: Option<&str>) {
    arguments.insert("x-dead-letter-exchange".into(), text(exchange));
    arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    if let Some(key) = key {
        arguments.insert("x-dead-letter-routing-key".into(), text(key));
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn name(text: &str) -> Result<lapin::types::ShortString, Error> {
    short(text).map_err(|problem| Error::Refused { operation: "use a name".to_owned(), problem })
}

fn drift(thing: &str, error: &lapin::Error) -> Error {
    match error.kind() {
        ErrorKind::ProtocolError(problem) if problem.get_id() == 406 => {
            Error::Drift { thing: thing.to_owned(), problem: problem.get_message().to_string() }
        }
        _ => refused(&format!("declare {thing}"), error),
    }
}

pub(super) fn refused(operation: &str, error: &lapin::Error) -> Error {
    Error::Refused { operation: operation.to_owned(), problem: error.to_string() }
}
