//! What workers of one broker tell each other: which ledger they use, and which jobs are taken back.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{interval, timeout};

use super::dead_letters;
use crate::amqp::{Broker, Consumer, Delivery, Message, Properties};
use crate::job::Code;
use crate::shutdown::ShuttingDown;
use crate::worker::Error;
use crate::worker::context::Context;

/// A worker that starts asks who is there.
const HELLO: &str = "data-connector.hello.v1";
/// A worker that is there answers.
const HERE: &str = "data-connector.here.v1";
/// An engine takes a job back (CONTRACT 4).
const CANCEL: &str = "data-connector.cancel.v1";
/// How long neighbours have to answer.
const PATIENCE: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(200);

#[derive(Debug, Serialize, Deserialize)]
struct Greeting {
    worker: String,
    ledger: String,
}

#[derive(Debug, Deserialize)]
struct Cancel {
    id: serde_json::Value,
}

/// Refuses to start beside a worker that keeps another ledger: one job would be called twice.
pub(in crate::worker) async fn refuse_other_ledger(broker: &Broker, ledger: &str, me: &str) -> Result<(), Error> {
    // Nobody consumes: there is nobody to wait for.
    if broker.consumers_of_jobs().await? == 0 {
        return Ok(());
    }
    let mut heard = broker.control();
    let first_answer = async {
        // Said again and again, since this worker may not hear yet when it says it first.
        let mut again = interval(AGAIN);
        loop {
            tokio::select! {
                _ = again.tick() => say(broker, HELLO, ledger, me).await,
                heard = heard.next() => match heard.map(|delivery| answer_in(&delivery, me)) {
                    Some(Some(greeting)) => return Some(greeting),
                    Some(None) => {}
                    None => return None,
                },
            }
        }
    };
    match timeout(PATIENCE, first_answer).await {
        Ok(Some(other)) if other.ledger != ledger => Err(Error::OtherLedger { worker: other.worker }),
        Ok(_) => Ok(()),
        Err(_) => {
            tracing::warn!("other consumers of the job queues do not say which ledger they use");
            Ok(())
        }
    }
}

fn answer_in(delivery: &Delivery, me: &str) -> Option<Greeting> {
    let is_here = delivery.properties.kind.as_deref() == Some(HERE);
    let greeting = serde_json::from_slice::<Greeting>(&delivery.body).ok();
    greeting.filter(|greeting| is_here && greeting.worker != me)
}

/// Answers workers that start, until the process ends.
pub(in crate::worker) async fn answer_probes(broker: Broker, ledger: String, me: String) {
    let mut heard = broker.control();
    while let Some(delivery) = heard.next().await {
        if delivery.properties.kind.as_deref() == Some(HELLO) {
            say(&broker, HERE, &ledger, &me).await;
        }
    }
}

async fn say(broker: &Broker, kind: &str, ledger: &str, me: &str) {
    let greeting = Greeting { worker: me.to_owned(), ledger: ledger.to_owned() };
    let message = Message {
        exchange: broker.topology().control().to_owned(),
        routing_key: String::new(),
        body: serde_json::to_vec(&greeting).unwrap_or_default(),
        properties: Properties {
            kind: Some(kind.to_owned()),
            content_type: Some("application/json".to_owned()),
            ..Properties::default()
        },
    };
    if let Err(error) = broker.publisher().publish(&message).await {
        tracing::debug!(%error, "a greeting was not delivered");
    }
}

/// Writes cancels into the ledger, until the process ends; greetings on the same exchange are nothing to keep.
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
    if matches!(properties.kind.as_deref(), Some(HELLO | HERE)) {
        return Ok(None);
    }
    if let Some(kind) = properties.kind.as_deref().filter(|kind| *kind != CANCEL) {
        return Err(format!("its type is `{kind}`, not `{CANCEL}`"));
    }
    match serde_json::from_slice::<Cancel>(body).map_err(|e| e.to_string())?.id {
        serde_json::Value::String(id) if !id.is_empty() => Ok(Some(id)),
        serde_json::Value::Number(id) => Ok(Some(id.to_string())),
        other => Err(format!("its id is {other}, not a text or a number")),
    }
}
