//! Who works, and what waits for them: workers as they say they are, job queues as the broker has them (API 10).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::Error;
use crate::amqp::{Broker, QueueDepth};
use crate::store::{LiveWorker, Store};

/// How long the broker may take to tell how long its queues are; a broker that is gone never does.
const BROKER_ANSWERS: Duration = Duration::from_secs(2);

/// A worker that has not left.
#[derive(Debug, Clone)]
pub struct Worker {
    /// As it registered, and as it said it is.
    pub row: LiveWorker,
    /// Whether its lease is over: it has died.
    pub is_lost: bool,
}

impl Worker {
    /// How it is: `lost` once its lease is over.
    pub fn state(&self) -> &str {
        if self.is_lost { "lost" } else { &self.row.state }
    }

    /// The queues that it takes jobs from.
    pub fn queues(&self) -> Vec<String> {
        texts(&self.row.queues)
    }

    /// Why it is not ready.
    pub fn reasons(&self) -> Vec<String> {
        if self.is_lost {
            return vec!["it ended without leaving; its jobs come again".to_owned()];
        }
        texts(&self.row.reasons)
    }
}

fn texts(list: &str) -> Vec<String> {
    serde_json::from_str(list).unwrap_or_default()
}

/// All workers that have not left, the oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn workers(store: &Store) -> Result<Vec<Worker>, Error> {
    let (rows, now) = store.workers().list().await?;
    Ok(rows.into_iter().map(|row| Worker { is_lost: row.seen_until <= now, row }).collect())
}

/// The job queues that are declared, with workers or without: of those that settings, workers and deployed models name. None
/// while the broker cannot be asked.
///
/// # Errors
/// When the database cannot be reached.
pub async fn queues(
    store: &Store,
    broker: &Broker,
    configured: &[String],
    workers: &[Worker],
) -> Result<Vec<QueueDepth>, Error> {
    let mut names: BTreeSet<String> = configured.iter().cloned().collect();
    names.insert("default".to_owned());
    names.extend(workers.iter().flat_map(Worker::queues));
    for task in store.models().newest_tasks().await? {
        let queue = task.task.pointer("/config/queue").and_then(Value::as_str);
        names.extend(queue.filter(|name| bpmn_ext::names::is_name(name)).map(ToOwned::to_owned));
    }
    let names: Vec<String> = names.into_iter().collect();
    let depths = match tokio::time::timeout(BROKER_ANSWERS, broker.depths(&names)).await {
        Ok(depths) => depths.map_err(|error| error.to_string()),
        Err(_) => Err("the broker does not answer".to_owned()),
    };
    Ok(depths.unwrap_or_else(|error| {
        tracing::debug!(error, "the queues cannot be looked at");
        Vec::new()
    }))
}

/// Names of the queues that workers take jobs from.
///
/// # Errors
/// When the database cannot be reached.
pub async fn served_queues(store: &Store, configured: &[String]) -> Result<Vec<String>, Error> {
    let workers = workers(store).await?;
    let served = workers.iter().filter(|worker| !worker.is_lost).flat_map(Worker::queues);
    let names: BTreeSet<String> = configured.iter().cloned().chain(served).collect();
    Ok(names.into_iter().collect())
}
