//! The engine's side: jobs of about 1 KB, published and confirmed, and every result checked against its job.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::StreamExt;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer};
use serde::Deserialize;
use serde_json::json;

use crate::third_party::price;

/// Confirms that may be under way.
const WINDOW: usize = 512;
/// How long a result may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// The engine's side of one prefix.
pub(crate) struct Load {
    prefix: String,
    publishing: Channel,
    results: Consumer,
    published: HashMap<String, Published>,
    next: u64,
    _connections: [Connection; 2],
}

/// A job that has no result yet.
struct Published {
    number: u64,
    at: Instant,
}

#[derive(Deserialize)]
struct JobResult<'a> {
    job: &'a str,
    status: &'a str,
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    order: u64,
    state: &'a str,
    price: f64,
}

impl Load {
    /// Consumes results from now on.
    pub(crate) async fn open(broker: &str, prefix: &str) -> anyhow::Result<Self> {
        let connect = || Connection::connect(broker, ConnectionProperties::default());
        let (out, back) = (connect().await?, connect().await?);
        let (publishing, consuming) = (out.create_channel().await?, back.create_channel().await?);
        publishing.confirm_select(ConfirmSelectOptions::default()).await?;
        let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = consuming.queue_declare("".into(), options, FieldTable::default()).await?.name().clone();
        let (exchange, key) = (format!("{prefix}.results"), "result.default.#");
        consuming
            .queue_bind(
                queue.clone(),
                exchange.as_str().into(),
                key.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await?;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let results = consuming.basic_consume(queue, "".into(), options, FieldTable::default()).await?;
        let published = HashMap::new();
        Ok(Self { prefix: prefix.to_owned(), publishing, results, published, next: 0, _connections: [out, back] })
    }

    /// Publishes this many jobs as fast as the broker confirms them.
    pub(crate) async fn publish(&mut self, kind: &str, count: u64) -> anyhow::Result<()> {
        let mut confirms = VecDeque::new();
        for _ in 0..count {
            confirms.push_back(self.send(kind).await?);
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

    /// Publishes one job; its confirm comes later.
    async fn send(&mut self, kind: &str) -> anyhow::Result<lapin::PublisherConfirm> {
        let number = self.next;
        self.next += 1;
        let id = format!("0199f1c2-{:04x}-7000-8000-{number:012x}", std::process::id() & 0xffff);
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_content_type("application/json".into())
            .with_message_id(id.as_str().into())
            .with_type("data-connector.job.v1".into());
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let (body, exchange) = (job(&id, kind, number), format!("{}.jobs", self.prefix));
        self.published.insert(id, Published { number, at: Instant::now() });
        Ok(self
            .publishing
            .basic_publish(exchange.as_str().into(), "job.default".into(), options, &body, properties)
            .await?)
    }

    /// Checks the next result against its job; returns how long it took.
    pub(crate) async fn result(&mut self) -> anyhow::Result<Duration> {
        let next = tokio::time::timeout(PATIENCE, self.results.next()).await;
        let delivery = next.with_context(|| format!("{} jobs have no result", self.published.len()))?;
        let delivery = delivery.context("the broker ended the results")??;
        let text = || String::from_utf8_lossy(&delivery.data).into_owned();
        let result: JobResult<'_> = serde_json::from_slice(&delivery.data).with_context(text)?;
        let job = self.published.remove(result.job).with_context(|| format!("nobody waits for {}", text()))?;
        let fits = result.status == "completed"
            && result.data.order == job.number
            && result.data.state == "held"
            && (result.data.price - price(job.number)).abs() < f64::EPSILON;
        ensure!(fits, "job {} has another one's result: {}", job.number, text());
        Ok(job.at.elapsed())
    }

    /// Checks this many results.
    pub(crate) async fn results(&mut self, count: u64) -> anyhow::Result<()> {
        for _ in 0..count {
            self.result().await?;
        }
        Ok(())
    }

    /// Publishes at a steady rate for a while; how long each job took, sorted.
    pub(crate) async fn steadily(&mut self, rate: u32, time: Duration) -> anyhow::Result<Vec<Duration>> {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        let begun = Instant::now();
        let mut times = Vec::new();
        while begun.elapsed() < time || !self.published.is_empty() {
            tokio::select! {
                _ = ticks.tick(), if begun.elapsed() < time => drop(self.send("quick").await?),
                took = self.result() => times.push(took?),
            }
        }
        times.sort();
        Ok(times)
    }
}

fn taken(confirmation: &Confirmation) -> anyhow::Result<()> {
    ensure!(matches!(confirmation, Confirmation::Ack(None)), "a job was not taken: {confirmation:?}");
    Ok(())
}

fn job(id: &str, kind: &str, number: u64) -> Vec<u8> {
    let lines: Vec<_> = (0..4).map(|n| json!({"sku": format!("sku-{n:04}"), "quantity": n + 1})).collect();
    let job = json!({
        "id": id, "engine": "default", "process": {"id": "order", "version": "3"}, "request": {"id": number},
        "element": {"id": "node_7", "name": "Place order", "token": "b1f0c2aa-5c1f-4d3c-9b6e-2f0d4a7c1e55"},
        "config": {
            "dataSource": "Orders", "endpoint": kind,
            "outboundConfig": [{"type": "PARAM", "key": "n", "value": "{{n}}"}],
            "dataMapping": [{"key": "order", "value": "order.id"}, {"key": "state", "value": "order.state"},
                            {"key": "price", "value": "price"}]},
        "errorHandling": {"timeout": "30", "retry_attempts": "3", "retry_wait_time": "5"},
        "data": {"n": number, "customer": {"id": 7, "name": "Ada & Co", "city": "Paris"}, "lines": lines,
                 "note": "leave it at the door, please", "terms": "y".repeat(160)}
    });
    job.to_string().into_bytes()
}

/// The connector that the jobs name.
pub(crate) fn connector(third_party: &str) -> serde_json::Value {
    let resource = |kind: &str| {
        json!({"method": "POST", "url": format!("{third_party}/{kind}/{{{{n}}}}"), "body_type": "json",
               "headers": [{"key": "Content-Type", "value": "application/json", "required": true}],
               "body": r#"{"customer": "{{customer.name}}", "lines": {{{lines | json}}}, "note": "{{note}}"}"#})
    };
    json!([{"name": "Orders", "type": "REST", "authtype": "NONE",
            "endpoints": {"quick": resource("quick"), "slow": resource("slow"), "large": resource("large")}}])
}
