//! The control exchange: jobs that engines cancel, and probes by which workers find out whether they share a ledger.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{interval, timeout};

use super::dead_letters;
use crate::amqp::{Broker, Consumer, Delivery, Message, Properties};
use crate::job::{CANCEL_TYPE as CANCEL, Code, readable};
use crate::shutdown::ShuttingDown;
use crate::worker::Error;
use crate::worker::context::Context;

/// The type of a [`LedgerProbe`].
const PROBE: &str = "data-connector.hello.v1";
/// The type of a [`LedgerReply`].
const REPLY: &str = "data-connector.here.v1";
/// How long other workers have to reply.
const REPLY_TIMEOUT: Duration = Duration::from_secs(3);
const PROBE_INTERVAL: Duration = Duration::from_millis(200);

/// Published by a worker that starts.
#[derive(Debug, Serialize)]
struct LedgerProbe<'a> {
    worker: &'a str,
    ledger: &'a str,
}

/// Published by a running worker in answer to a probe.
#[derive(Debug, Serialize, Deserialize)]
struct LedgerReply {
    worker: String,
    ledger: String,
}

#[derive(Debug, Deserialize)]
struct Cancel {
    id: serde_json::Value,
}

/// Refuses to start next to a worker with another ledger: both would make the same job's call.
pub(in crate::worker) async fn refuse_other_ledger(broker: &Broker, ledger: &str, worker: &str) -> Result<(), Error> {
    if broker.consumers_of_jobs().await? == 0 {
        return Ok(());
    }
    let mut deliveries = broker.control();
    let user = broker.user();
    let first_reply = async {
        // Repeated, since this worker may not be consuming yet when it publishes the first one.
        let mut probes = interval(PROBE_INTERVAL);
        loop {
            tokio::select! {
                _ = probes.tick() => publish(broker, PROBE, &LedgerProbe { worker, ledger }).await,
                delivery = deliveries.next() => {
                    if let Some(reply) = reply_in(&delivery?, worker, user.as_deref()) {
                        return Some(reply);
                    }
                }
            }
        }
    };
    match timeout(REPLY_TIMEOUT, first_reply).await {
        Ok(Some(other)) if other.ledger != ledger => Err(Error::OtherLedger { worker: other.worker }),
        Ok(_) => Ok(()),
        Err(_) => {
            tracing::warn!("other consumers of the job queues do not reply which ledger they use");
            Ok(())
        }
    }
}

/// The reply of another worker. Engines may publish to the same exchange: a reply counts when RabbitMQ has checked that it
/// comes from the workers' own account.
fn reply_in(delivery: &Delivery, worker: &str, user: Option<&str>) -> Option<LedgerReply> {
    let properties = &delivery.properties;
    if properties.kind.as_deref() != Some(REPLY) {
        return None;
    }
    let reply = serde_json::from_slice::<LedgerReply>(&delivery.body).ok().filter(|reply| reply.worker != worker)?;
    if user.is_none() || delivery.user_id.as_deref() != user {
        tracing::warn!(
            other = reply.worker,
            "something with another account on the broker says that it is a worker, and with which ledger; it is not \
             believed"
        );
        return None;
    }
    Some(reply)
}

/// Replies to the probes of workers that start, until the process ends.
pub(in crate::worker) async fn answer_probes(broker: Broker, ledger: String, worker: String) {
    let mut deliveries = broker.control();
    let reply = LedgerReply { worker, ledger };
    while let Some(delivery) = deliveries.next().await {
        if delivery.properties.kind.as_deref() == Some(PROBE) {
            publish(&broker, REPLY, &reply).await;
        }
    }
}

async fn publish(broker: &Broker, kind: &str, body: &impl Serialize) {
    let message = Message {
        exchange: broker.topology().control().to_owned(),
        routing_key: String::new(),
        body: serde_json::to_vec(body).unwrap_or_default(),
        properties: Properties {
            kind: Some(kind.to_owned()),
            content_type: Some("application/json".to_owned()),
            account: broker.user(),
            ..Properties::default()
        },
    };
    if let Err(error) = broker.publisher().publish(&message).await {
        tracing::debug!(%error, kind, "a message to the control exchange was not published");
    }
}

/// Records cancels in the ledger, until the process ends; probes on the same exchange are ignored.
pub(in crate::worker) async fn write_cancels(worker: Arc<Context>, mut deliveries: Consumer) {
    while let Some(delivery) = deliveries.next().await {
        let written = match cancelled(&delivery.properties, &delivery.body) {
            Ok(Some(id)) => worker.retry_until_available("ledger", || worker.ledger.cancel(&id)).await.map(drop),
            Ok(None) => Ok(()),
            Err(problem) => {
                let letter = dead_letters::letter_of(
                    &delivery,
                    Code::BadJob,
                    &format!("a cancel that cannot be read: {problem}"),
                );
                worker.retry_until_available("dead letters", || worker.store.dead_letters().add(letter.clone())).await
            }
        };
        match written {
            Ok(()) => delivery.ack().await,
            Err(ShuttingDown) => delivery.requeue().await,
        };
    }
}

fn cancelled(properties: &Properties, body: &[u8]) -> Result<Option<String>, String> {
    if matches!(properties.kind.as_deref(), Some(PROBE | REPLY)) {
        return Ok(None);
    }
    if let Some(kind) = properties.kind.as_deref().filter(|kind| *kind != CANCEL) {
        return Err(format!("its type is `{kind}`, not `{CANCEL}`"));
    }
    match serde_json::from_slice::<Cancel>(&readable(body)).map_err(|e| e.to_string())?.id {
        serde_json::Value::String(id) if !id.is_empty() => Ok(Some(id)),
        serde_json::Value::Number(id) => Ok(Some(id.to_string())),
        other => Err(format!("its id is {other}, not a text or a number")),
    }
}
