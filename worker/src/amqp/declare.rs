//! Declares and deletes everything under a prefix; a difference in arguments is an error, never a deletion.

use lapin::options::{
    ConfirmSelectOptions, ExchangeBindOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};

use super::message::short;
use super::topology::{LEVELS, bit_pattern, exit_pattern};
use super::{Error, Topology};

/// The reply code of a declaration with other arguments (AMQP 0-9-1, section 1.2).
const PRECONDITION_FAILED: u16 = 406;

/// The reply code of a queue that is not there.
const NOT_FOUND: u16 = 404;

/// Redeliveries that a job queue allows; explicit since RabbitMQ's versions differ in their default, and large since a crash
/// counts one for every delivery that the worker had not acked.
const DELIVERY_LIMIT: i32 = 1_000;

/// Declares everything on a channel of its own, since an error closes the channel.
pub(super) async fn declare(connection: &Connection, topology: &Topology, queues: &[String]) -> Result<(), Error> {
    let channel = connection.create_channel().await.map_err(|e| refused("open a channel", e))?;
    let declarer = Declarer { channel, topology };
    declarer.exchanges().await?;
    declarer.queue(topology.dead(), large_queue()).await?;
    declarer.job_queues(queues).await?;
    declarer.queue(&topology.cancels(), large_queue()).await?;
    declarer.bind(&topology.cancels(), topology.control(), "").await?;
    declarer.ladder(queues).await?;
    declarer.channel.close(200, "declared".into()).await.map_err(|e| refused("close a channel", e))
}

/// Deletes everything under the prefix, messages included.
pub(super) async fn remove(connection: &Connection, topology: &Topology, queues: &[String]) -> Result<(), Error> {
    let channel = connection.create_channel().await.map_err(|e| refused("open a channel", e))?;
    let named = queues.iter().map(String::as_str).chain(["default"]).map(|queue| topology.queue(queue));
    let fixed = [topology.dead().to_owned(), topology.cancels()];
    let ladder = (0..LEVELS).map(|level| topology.ladder_queue(level));
    for queue in named.chain(fixed).chain(ladder) {
        let deleted = channel.queue_delete(short(&queue)?, QueueDeleteOptions::default()).await;
        deleted.map_err(|e| refused(format!("delete queue {queue}"), e))?;
    }
    let fixed = [topology.jobs(), topology.results(), topology.events(), topology.control()].map(ToOwned::to_owned);
    let ladder = (0..LEVELS).map(|level| topology.ladder_exchange(level));
    for exchange in ladder.chain([topology.ladder_exit(), topology.unrouted()]).chain(fixed) {
        let deleted = channel.exchange_delete(short(&exchange)?, ExchangeDeleteOptions::default()).await;
        deleted.map_err(|e| refused(format!("delete exchange {exchange}"), e))?;
    }
    // A channel that closes itself on drop interferes with closing its connection.
    channel.close(200, "removed".into()).await.map_err(|e| refused("close a channel", e))
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
        self.exchange(self.topology.events(), ExchangeKind::Topic, none()).await?;
        self.exchange(self.topology.control(), ExchangeKind::Fanout, none()).await
    }

    /// The default queue always exists: it receives the jobs whose own queue does not.
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
        let declared = self.channel.exchange_declare(short(exchange)?, kind, options, arguments).await;
        declared.map_err(|e| drift(format!("exchange {exchange}"), e))
    }

    async fn queue(&self, queue: &str, arguments: FieldTable) -> Result<(), Error> {
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let declared = self.channel.queue_declare(short(queue)?, options, arguments).await;
        declared.map(drop).map_err(|e| drift(format!("queue {queue}"), e))
    }

    async fn bind(&self, queue: &str, exchange: &str, key: &str) -> Result<(), Error> {
        let bound = self.channel.queue_bind(
            short(queue)?,
            short(exchange)?,
            short(key)?,
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bound.await.map_err(|e| refused(format!("bind {queue} to {exchange}"), e))
    }

    async fn bind_exchange(&self, to: &str, from: &str, key: &str) -> Result<(), Error> {
        let bound = self.channel.exchange_bind(
            short(to)?,
            short(from)?,
            short(key)?,
            ExchangeBindOptions::default(),
            FieldTable::default(),
        );
        bound.await.map_err(|e| refused(format!("bind {to} to {from}"), e))
    }
}

/// A channel in confirm mode.
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

/// A queue whose messages are redelivered practically without limit.
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

/// A queue's counts; the queue must exist.
pub(super) async fn declare_passively(channel: &Channel, queue: &str) -> Result<lapin::Queue, Error> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(short(queue)?, options, FieldTable::default()).await;
    declared.map_err(|e| refused(format!("inspect queue {queue}"), e))
}

/// A queue as it is; `None` for one that is not declared, which closes the channel.
pub(super) async fn inspect(channel: &Channel, queue: &str) -> Result<Option<lapin::Queue>, Error> {
    match declare_passively(channel, queue).await {
        Ok(state) => Ok(Some(state)),
        Err(Error::Refused { source, .. }) if is_not_found(&source) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_not_found(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(problem) if problem.get_id() == NOT_FOUND)
}

fn drift(object: String, error: lapin::Error) -> Error {
    match error.kind() {
        ErrorKind::ProtocolError(problem) if problem.get_id() == PRECONDITION_FAILED => {
            Error::Drift { object, problem: problem.get_message().to_string() }
        }
        _ => refused(format!("declare {object}"), error),
    }
}

pub(super) fn refused(operation: impl Into<String>, source: lapin::Error) -> Error {
    Error::Refused { operation: operation.into(), source }
}
