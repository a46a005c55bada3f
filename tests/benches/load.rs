//! The engine's side: jobs published and confirmed, and every result checked against its job.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer};

use crate::job;

/// Confirms that may be under way.
const WINDOW: usize = 512;
/// How long a result may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// Results that may be delivered and not acked, where they are acked.
const PREFETCH: u16 = 1_000;
/// Results that are acked together.
const GROUP: usize = 50;

/// How jobs come, and where their results go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Workload {
    /// The queue is full before a process starts; results are consumed without acks from a queue of this connection.
    FullQueue,
    /// Jobs arrive while the process works; results go into a durable queue that is consumed with acks, as engines do.
    Arriving,
}

impl Workload {
    /// Its name in `tests/BENCHMARK.md`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FullQueue => "full queue",
            Self::Arriving => "arriving",
        }
    }
}

/// Jobs that have no result yet, by their ids.
type Published = RefCell<HashMap<String, (u64, Instant)>>;

/// The engine's side of one prefix.
pub(crate) struct Load {
    publisher: Publisher,
    results: Results,
    published: Published,
    _connections: [Connection; 2],
}

impl Load {
    /// Consumes results from now on.
    pub(crate) async fn open(broker: &str, prefix: &str, workload: Workload) -> anyhow::Result<Self> {
        let connect = || Connection::connect(broker, ConnectionProperties::default());
        let (out, back) = (connect().await?, connect().await?);
        let channel = out.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let publisher = Publisher { exchange: format!("{prefix}.jobs"), channel, next: 0 };
        let results = Results::open(back.create_channel().await?, prefix, workload).await?;
        Ok(Self { publisher, results, published: Published::default(), _connections: [out, back] })
    }

    /// Publishes this many jobs as fast as the broker confirms them.
    pub(crate) async fn publish(&mut self, resource: &str, count: u64) -> anyhow::Result<()> {
        self.publisher.publish(&self.published, resource, count).await
    }

    /// Checks this many results; returns how long each job took, sorted.
    pub(crate) async fn results(&mut self, count: u64) -> anyhow::Result<Vec<Duration>> {
        self.results.check(&self.published, count).await
    }

    /// Publishes this many jobs as fast as the broker confirms them, and checks the results meanwhile.
    pub(crate) async fn arrive(&mut self, resource: &str, count: u64) -> anyhow::Result<()> {
        let Self { publisher, results, published, .. } = self;
        tokio::try_join!(publisher.publish(published, resource, count), results.check(published, count))?;
        Ok(())
    }

    /// Publishes at a steady rate for a while; how long each job took, sorted.
    pub(crate) async fn steadily(&mut self, rate: u32, time: Duration) -> anyhow::Result<Vec<Duration>> {
        let count = u64::from(rate) * time.as_secs();
        let Self { publisher, results, published, .. } = self;
        let publish = publisher.steadily(published, Duration::from_secs(1) / rate, count);
        let ((), times) = tokio::try_join!(publish, results.check(published, count))?;
        Ok(times)
    }
}

struct Publisher {
    exchange: String,
    channel: Channel,
    next: u64,
}

impl Publisher {
    async fn publish(&mut self, published: &Published, resource: &str, count: u64) -> anyhow::Result<()> {
        let mut confirms = VecDeque::new();
        for _ in 0..count {
            confirms.push_back(self.send(published, resource).await?);
            if confirms.len() >= WINDOW
                && let Some(confirm) = confirms.pop_front()
            {
                taken(&confirm.await?)?;
            }
        }
        for confirm in confirms {
            taken(&confirm.await?)?;
        }
        Ok(())
    }

    async fn steadily(&mut self, published: &Published, every: Duration, count: u64) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        for _ in 0..count {
            ticks.tick().await;
            // A job that was not taken has no result.
            drop(self.send(published, "quick").await?);
        }
        Ok(())
    }

    /// Publishes one job; its confirm comes later.
    async fn send(&mut self, published: &Published, resource: &str) -> anyhow::Result<lapin::PublisherConfirm> {
        let number = self.next;
        self.next += 1;
        let id = job::id(number);
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/json".into())
            .with_message_id(id.as_str().into())
            .with_type("data-connector.job.v1".into());
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let body = job::message(&id, resource, number);
        published.borrow_mut().insert(id, (number, Instant::now()));
        let exchange = self.exchange.as_str().into();
        Ok(self.channel.basic_publish(exchange, "job.default".into(), options, &body, properties).await?)
    }
}

fn taken(confirmation: &Confirmation) -> anyhow::Result<()> {
    ensure!(matches!(confirmation, Confirmation::Ack(None)), "a job was not taken: {confirmation:?}");
    Ok(())
}

struct Results {
    consumer: Consumer,
    acked: bool,
    _channel: Channel,
}

impl Results {
    async fn open(channel: Channel, prefix: &str, workload: Workload) -> anyhow::Result<Self> {
        let acked = workload == Workload::Arriving;
        let queue = if acked { format!("{prefix}.bench-results") } else { String::new() };
        let options = QueueDeclareOptions { durable: acked, exclusive: !acked, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        if acked {
            // It goes soon after its consumer.
            arguments.insert("x-expires".into(), AMQPValue::LongInt(60_000));
        }
        let declared = channel.queue_declare(queue.as_str().into(), options, arguments).await?;
        let queue = declared.name().to_string();
        let exchange = format!("{prefix}.results");
        let (options, none) = (QueueBindOptions::default(), FieldTable::default());
        let key = "result.default.#".into();
        channel.queue_bind(queue.as_str().into(), exchange.as_str().into(), key, options, none).await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions { no_ack: !acked, ..BasicConsumeOptions::default() };
        let consumer = channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default()).await?;
        Ok(Self { consumer, acked, _channel: channel })
    }

    async fn check(&mut self, published: &Published, count: u64) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        let mut group = 0;
        for left in (0..count).rev() {
            let next = tokio::time::timeout(PATIENCE, self.consumer.next()).await;
            let next = next.with_context(|| format!("{} jobs have no result", published.borrow().len()))?;
            let delivery = next.context("the broker ended the results")??;
            let at = job::check(&delivery.data, |job| published.borrow_mut().remove(job))?;
            times.push(at.elapsed());
            group += 1;
            if self.acked && (group == GROUP || left == 0) {
                delivery.acker.ack(BasicAckOptions { multiple: true }).await?;
                group = 0;
            }
        }
        times.sort();
        Ok(times)
    }
}
