//! Jobs that are made over REST: like any other, but stored before they are published, and answered in the ledger (API 5).

use serde_json::{Map, Value, json};

use super::Error;
use crate::amqp::{Broker, Message, Properties, PublishError};
use crate::job::{self, Decoder, Envelope, JOB_TYPE, REST_ENGINE};
use crate::store::{Queued, QueuedJob, Store, Unconfirmed};

/// The element that such jobs are of.
const ELEMENT: &str = "api";
/// Messages that are published again at once.
const BATCH: u32 = 100;
/// How long a message may be on its way before it is published again, milliseconds: longer than a confirm may take.
const UNCONFIRMED_MS: i64 = 60_000;

/// A job that somebody asks for.
#[derive(Debug, Clone)]
pub struct JobRequest {
    /// Its id.
    pub id: String,
    /// The request that it belongs to; itself where there is none.
    pub request: Option<String>,
    /// The connector's uuid.
    pub connector: String,
    /// The resource's name.
    pub resource: String,
    /// The configuration with connector and resource.
    pub config: Map<String, Value>,
    /// What templates see.
    pub data: Map<String, Value>,
    /// `errorHandling` as it came.
    pub error_handling: Option<Value>,
    /// `deadline` as it came.
    pub deadline: Option<Value>,
    /// Who asks.
    pub made_by: String,
}

/// A job that was asked for.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its id.
    pub id: String,
    /// It was there before, with the same content.
    pub is_replayed: bool,
}

/// Why a job is not made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// A member that no job can have.
    #[error("{0}")]
    Invalid(String),
    /// The id belongs to a job with other content.
    #[error("the Idempotency-Key was used for a job with other content; use another key")]
    Mismatch,
    /// The broker, which is away.
    #[error("RabbitMQ cannot be reached; try again")]
    Away,
    /// The broker.
    #[error("the job could not be published; try again")]
    Publish(#[source] PublishError),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Stores a job and publishes it. Where it is unknown whether a queue has it, it is published again later.
///
/// # Errors
/// When it cannot be a job, its id is that of another one, or broker or database cannot be reached; nothing is stored then.
pub async fn make(store: &Store, broker: &Broker, request: JobRequest) -> Result<Made, MakeError> {
    let queued = queued(request)?;
    match store.jobs().queue(&queued).await.map_err(Error::from)? {
        Queued::Same => return Ok(Made { id: queued.id, is_replayed: true }),
        Queued::Mismatch => return Err(MakeError::Mismatch),
        Queued::New => {}
    }
    if !broker.is_connected() {
        // Nothing can have been sent: the caller is told at once instead of a job that waits for the broker.
        store.jobs().unqueue(&queued.id).await.map_err(Error::from)?;
        return Err(MakeError::Away);
    }
    match publish(broker, &queued.id, &queued.queue, queued.body).await {
        Ok(()) => store.jobs().confirmed(&queued.id).await.map_err(Error::from)?,
        Err(error @ PublishError::Unconfirmed(_)) => {
            tracing::warn!(job.id = queued.id, %error, "a job made over REST will be published again");
        }
        Err(error) => {
            store.jobs().unqueue(&queued.id).await.map_err(Error::from)?;
            return Err(MakeError::Publish(error));
        }
    }
    Ok(Made { id: queued.id, is_replayed: false })
}

/// Publishes again what nobody knows to be on a queue; returns how many.
///
/// # Errors
/// When broker or database cannot be reached.
pub async fn publish_again(store: &Store, broker: &Broker) -> Result<usize, Error> {
    let waiting = store.jobs().unconfirmed(UNCONFIRMED_MS, BATCH).await?;
    let count = waiting.len();
    for Unconfirmed { job_id, queue, body } in waiting {
        let published = publish(broker, &job_id, &queue, body).await;
        published.map_err(|source| Error::Publish { what: format!("job `{job_id}`"), source })?;
        store.jobs().confirmed(&job_id).await?;
    }
    Ok(count)
}

fn queued(request: JobRequest) -> Result<QueuedJob, MakeError> {
    let request_id = request.request.as_ref().unwrap_or(&request.id).clone();
    let queue = request.config.get("queue").and_then(Value::as_str).filter(|name| job::is_name(name));
    let queue = queue.unwrap_or("default").to_owned();
    let mut message = json!({
        "id": request.id, "engine": REST_ENGINE, "request": {"id": request_id}, "element": {"id": ELEMENT},
        "config": request.config, "data": request.data,
    });
    for (name, value) in [("errorHandling", request.error_handling), ("deadline", request.deadline)] {
        if let Some(value) = value {
            message[name] = value;
        }
    }
    let body = message.to_string().into_bytes();
    let read = Decoder::default().decode(&body, &Envelope::default());
    let job = read.map_err(|refusal| MakeError::Invalid(refusal.message))?;
    Ok(QueuedJob {
        idempotency_key: job::idempotency_key(&job.engine, &job.id),
        id: job.id,
        job_hash: job.hash,
        engine: REST_ENGINE,
        request: job.request_id,
        element: ELEMENT,
        connector: request.connector,
        resource: request.resource,
        made_by: request.made_by,
        queue,
        body,
    })
}

async fn publish(broker: &Broker, id: &str, queue: &str, body: Vec<u8>) -> Result<(), PublishError> {
    let message = Message {
        exchange: broker.topology().jobs().to_owned(),
        routing_key: format!("job.{queue}"),
        body,
        properties: Properties {
            message_id: Some(id.to_owned()),
            kind: Some(JOB_TYPE.to_owned()),
            content_type: Some("application/json".to_owned()),
            ..Properties::default()
        },
    };
    broker.publisher().publish(&message).await
}
