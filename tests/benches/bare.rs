//! The bare loop that the worker is measured against: consume, call, publish confirmed, ack, with the same two libraries.
//! No ledger, no configuration, no retries, no limits.
//!
//! It acks each delivery by itself, or in groups: all up to the last one without a gap, with one frame.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The arguments of its command line.
pub(crate) struct Settings {
    pub(crate) broker: String,
    pub(crate) queue: String,
    pub(crate) exchange: String,
    pub(crate) third_party: String,
    pub(crate) prefetch: u16,
    pub(crate) acks: Acks,
}

/// How deliveries are acked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acks {
    /// Each by itself.
    Single,
    /// [`GROUP`] of them together, or what there is after [`PAUSE`].
    Groups,
}

impl Acks {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Groups => "groups",
        }
    }
}

/// Deliveries that are acked together.
const GROUP: usize = 32;
/// How long a smaller group waits for others.
const PAUSE: Duration = Duration::from_millis(10);

impl Settings {
    pub(crate) fn of_arguments(arguments: &[String]) -> anyhow::Result<Self> {
        let [broker, queue, exchange, third_party, prefetch, acks] = arguments else {
            anyhow::bail!("bare BROKER QUEUE EXCHANGE THIRD_PARTY PREFETCH single|groups");
        };
        let acks = [Acks::Single, Acks::Groups].into_iter().find(|known| known.name() == acks);
        let [broker, queue, exchange, third_party] = [broker, queue, exchange, third_party].map(String::clone);
        let acks = acks.context("deliveries are acked `single` or in `groups`")?;
        Ok(Self { broker, queue, exchange, third_party, prefetch: prefetch.parse()?, acks })
    }
}

#[derive(Deserialize)]
struct Job<'a> {
    id: &'a str,
    #[serde(borrow)]
    process: &'a RawValue,
    #[serde(borrow)]
    request: &'a RawValue,
    #[serde(borrow)]
    element: &'a RawValue,
    #[serde(borrow)]
    config: Config<'a>,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Config<'a> {
    endpoint: &'a str,
}

#[derive(Deserialize)]
struct Data<'a> {
    n: u64,
    #[serde(borrow)]
    customer: Customer<'a>,
    #[serde(borrow)]
    lines: &'a RawValue,
    note: &'a str,
}

#[derive(Deserialize)]
struct Customer<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Order<'a> {
    customer: &'a str,
    lines: &'a RawValue,
    note: &'a str,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    order: Placed<'a>,
    price: f64,
}

#[derive(Deserialize)]
struct Placed<'a> {
    id: u64,
    state: &'a str,
}

#[derive(Serialize)]
struct JobResult<'a> {
    job: &'a str,
    process: &'a RawValue,
    request: &'a RawValue,
    element: &'a RawValue,
    status: &'a str,
    data: Mapped<'a>,
    call: Call,
}

#[derive(Serialize)]
struct Mapped<'a> {
    order: u64,
    state: &'a str,
    price: f64,
}

#[derive(Serialize)]
struct Call {
    attempts: u32,
    status: u16,
}

struct Loop {
    settings: Settings,
    answering: Channel,
    client: reqwest::Client,
    done: UnboundedSender<u64>,
}

#[expect(clippy::disallowed_methods, reason = "a client without a guard is part of what is bare")]
/// Runs until it is killed.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let connection = Connection::connect(&settings.broker, ConnectionProperties::default()).await?;
    let (taking, answering) = (connection.create_channel().await?, connection.create_channel().await?);
    answering.confirm_select(ConfirmSelectOptions::default()).await?;
    taking.basic_qos(settings.prefetch, BasicQosOptions::default()).await?;
    let queue = settings.queue.as_str().into();
    let mut jobs =
        taking.basic_consume(queue, "".into(), BasicConsumeOptions::default(), FieldTable::default()).await?;
    let (done, finished) = unbounded_channel();
    if settings.acks == Acks::Groups {
        tokio::spawn(async move { ack_groups(&taking, finished).await.unwrap_or_else(|e| panic!("{e}")) });
    }
    let client = reqwest::Client::builder().no_proxy().build()?;
    let this = Arc::new(Loop { settings, answering, client, done });
    while let Some(delivery) = jobs.next().await {
        let (this, delivery) = (Arc::clone(&this), delivery?);
        tokio::spawn(async move { this.work(delivery).await.unwrap_or_else(|e| panic!("{e}")) });
    }
    Ok(())
}

impl Loop {
    async fn work(&self, delivery: Delivery) -> anyhow::Result<()> {
        let job: Job<'_> = serde_json::from_slice(&delivery.data)?;
        let order = Order { customer: job.data.customer.name, lines: job.data.lines, note: job.data.note };
        let answer = self
            .client
            .post(format!("{}/{}/{}", self.settings.third_party, job.config.endpoint, job.data.n))
            .header("content-type", "application/json")
            .header("idempotency-key", job.id)
            .body(serde_json::to_vec(&order)?)
            .send()
            .await?;
        let (status, body) = (answer.status().as_u16(), read(answer).await?);
        let answer: Answer<'_> = serde_json::from_slice(&body)?;
        let result = JobResult {
            job: job.id,
            process: job.process,
            request: job.request,
            element: job.element,
            status: "completed",
            data: Mapped { order: answer.order.id, state: answer.order.state, price: answer.price },
            call: Call { attempts: 1, status },
        };
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/json".into())
            .with_message_id(job.id.into());
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let exchange = self.settings.exchange.as_str().into();
        let result = serde_json::to_vec(&result)?;
        let confirm =
            self.answering.basic_publish(exchange, "result.default.order".into(), options, &result, properties).await?;
        anyhow::ensure!(matches!(confirm.await?, Confirmation::Ack(None)), "a result was not taken");
        match self.settings.acks {
            Acks::Single => drop(delivery.acker.ack(BasicAckOptions::default()).await?),
            Acks::Groups => self.done.send(delivery.delivery_tag)?,
        }
        Ok(())
    }
}

/// Acks what has ended, in groups without a gap.
async fn ack_groups(channel: &Channel, mut finished: UnboundedReceiver<u64>) -> anyhow::Result<()> {
    let (mut gaps, mut acked, mut last) = (BTreeSet::new(), 0, 0);
    loop {
        let next = tokio::time::timeout(PAUSE, finished.recv()).await;
        let paused = next.is_err();
        if let Ok(next) = next {
            gaps.insert(next.context("the loop ended")?);
        }
        while gaps.first() == Some(&(last + 1)) {
            gaps.pop_first();
            last += 1;
        }
        if last - acked >= GROUP as u64 || (paused && last > acked) {
            channel.basic_ack(last, BasicAckOptions { multiple: true }).await?;
            acked = last;
        }
    }
}

async fn read(mut answer: reqwest::Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
