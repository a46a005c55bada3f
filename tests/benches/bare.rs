//! The bare loop that the worker is measured against: consume, call, publish confirmed, ack, with the same two libraries.
//! No ledger, no configuration, no retries, no limits.

use std::sync::Arc;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The arguments of its command line.
pub(crate) struct Settings {
    pub(crate) broker: String,
    pub(crate) queue: String,
    pub(crate) exchange: String,
    pub(crate) third_party: String,
    pub(crate) prefetch: u16,
}

impl Settings {
    pub(crate) fn of_arguments(arguments: &[String]) -> anyhow::Result<Self> {
        let [broker, queue, exchange, third_party, prefetch] = arguments else {
            anyhow::bail!("bare BROKER QUEUE EXCHANGE THIRD_PARTY PREFETCH");
        };
        let [broker, queue, exchange, third_party] = [broker, queue, exchange, third_party].map(String::clone);
        Ok(Self { broker, queue, exchange, third_party, prefetch: prefetch.parse()? })
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
    let this = Arc::new(Loop { settings, answering, client: reqwest::Client::builder().no_proxy().build()? });
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
        delivery.acker.ack(BasicAckOptions::default()).await?;
        Ok(())
    }
}

async fn read(mut answer: reqwest::Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
