//! Looking at the ledger, and running a job again as a job of its own that is linked to the first (CONTRACT 3).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{By, Error};
use crate::amqp::{Broker, Message, Properties};
use crate::config::Engine;
use crate::job::{self, Envelope, JOB_TYPE, Job};
use crate::store::Store;
use crate::store::ledger::{JobDetail, ReplayError, Replayable, ReplayedJob, StoredJob};

/// How a job is to run again.
#[derive(Debug, Clone)]
pub struct ReplayRequest {
    /// The job id.
    pub id: String,
    /// Under an idempotency key of its own, so that a third party that knows the first one acts again.
    pub new_execution: bool,
    /// The engine gets the result too, marked as a replay.
    pub send: bool,
}

/// A job that may run again; nothing of it is stored or published yet.
#[derive(Debug)]
pub struct Replay {
    again: ReplayedJob,
    queue: String,
    body: Vec<u8>,
}

/// One job with its attempts and its result.
///
/// # Errors
/// When the ledger does not know it, or the database cannot be reached.
pub async fn find(store: &Store, id: &str) -> Result<JobDetail, Error> {
    let found = store.jobs().find(id).await?;
    found.ok_or_else(|| Error::NotFound(format!("the ledger knows no job `{id}`")))
}

/// Takes a job back, as an engine does (CONTRACT 4); a call that is on its way goes on, and its result is sent nowhere.
///
/// # Errors
/// When it has ended, or the database cannot be reached.
pub async fn cancel(store: &Store, id: &str, by: &By) -> Result<(), Error> {
    find(store, id).await?;
    if store.jobs().cancel(id, &by.entry("job.cancelled", id, json!({}))).await? {
        return Ok(());
    }
    Err(Error::Refused(format!("job `{id}` has ended; it cannot be cancelled any more")))
}

/// Checks that a job may run again, and makes the job that will.
///
/// # Errors
/// When it may not: it has not ended, its message is gone, or its engine does not accept results of replays.
pub async fn prepare_replay(
    store: &Store,
    engines: &BTreeMap<String, Engine>,
    request: &ReplayRequest,
) -> Result<Replay, Error> {
    let refused = |why: String| Error::Refused(format!("job `{}` cannot be run again: {why}", request.id));
    let found = store.jobs().replayable(&request.id).await.map_err(|error| match error {
        ReplayError::NotReplayable(why) => refused(why.to_string()),
        ReplayError::Store(error) => error.into(),
    });
    let Replayable { message, first, replays } = found?;
    let (job, body) = next(&message, &format!("{first}#{}", replays + 1)).map_err(refused)?;
    let accepts_replay = engines.get(&job.engine).is_some_and(|engine| engine.accepts_replay);
    if request.send && !accepts_replay {
        let engine = &job.engine;
        return Err(Error::Refused(format!(
            "engine `{engine}` is not known to understand results of jobs that were run again; if it does, set \
             engines.{engine}.accepts_replay = true, else leave out --send"
        )));
    }
    let key_of = if request.new_execution { &job.id } else { &first };
    let again = ReplayedJob {
        idempotency_key: job::idempotency_key(&job.engine, key_of),
        id: job.id,
        of: first,
        number: replays + 1,
        job_hash: job.hash,
        send: request.send,
    };
    Ok(Replay { again, queue: message.queue, body })
}

/// The job that runs again, and its message's body.
fn next(stored: &StoredJob, id: &str) -> Result<(Job, Vec<u8>), String> {
    let not_json = |error: serde_json::Error| format!("the stored message is not JSON: {error}");
    let mut members: Map<String, Value> = serde_json::from_slice(&job::readable(&stored.body)).map_err(not_json)?;
    members.insert("id".to_owned(), Value::String(id.to_owned()));
    // Whoever runs it again wants it now, whatever its deadline was.
    members.remove("deadline");
    let body = serde_json::to_vec(&members).map_err(not_json)?;
    let job = job::Decoder::default()
        .decode(&body, &Envelope::default())
        .map_err(|refusal| format!("the stored message is no job: {}", refusal.message))?;
    Ok((job, body))
}

impl Replay {
    /// Stores the job that runs again and publishes it; returns its id.
    ///
    /// # Errors
    /// When somebody else runs it again at this moment, or it cannot be published; nothing is stored then.
    pub async fn publish(self, store: &Store, broker: &Broker, by: &By) -> Result<String, Error> {
        let Self { again, queue, body } = self;
        let entry = by.entry("job.replayed", &again.of, json!({"as": again.id, "send": again.send}));
        if !store.jobs().add_replay(&again, &entry).await? {
            let problem =
                format!("job `{}` is being run again by somebody else at this moment; look at it first", again.of);
            return Err(Error::Refused(problem));
        }
        let message = Message {
            exchange: broker.topology().jobs().to_owned(),
            routing_key: format!("job.{queue}"),
            body,
            properties: Properties {
                message_id: Some(again.id.clone()),
                kind: Some(JOB_TYPE.to_owned()),
                content_type: Some("application/json".to_owned()),
                ..Properties::default()
            },
        };
        if let Err(source) = broker.publisher().publish(&message).await {
            store.jobs().remove_replay(&again.id).await?;
            return Err(Error::Publish { what: format!("job `{}`", again.id), source });
        }
        Ok(again.id)
    }
}
