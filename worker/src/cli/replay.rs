//! `jobs replay`: a job that has ended runs again, as a job of its own that is linked to the first (CONTRACT 3).

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value};

use super::output;
use crate::amqp::{Broker, Message, Properties};
use crate::config::Config;
use crate::job::{self, Envelope, JOB_TYPE, Job};
use crate::setup;
use crate::store::Store;
use crate::store::ledger::{Again, StoredJob};

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The job id
    id: String,
    /// Under an Idempotency-Key of its own, so that a third party that knows the first one acts again
    #[arg(long)]
    new_execution: bool,
    /// Send the result to the engine too, marked as a replay; `engines.NAME.accepts_replay` has to allow it
    #[arg(long)]
    send: bool,
}

impl Replay {
    pub(super) async fn run(self, store: &Store, config: &Config) -> Result<()> {
        let found = store.jobs().replayable(&self.id).await?;
        let (stored, first, runs) = found.with_context(|| format!("job `{}` cannot be run again", self.id))?;
        let (job, body, again) = self.next(&stored, first, runs + 1)?;
        if self.send && !config.engines.get(&job.engine).is_some_and(|engine| engine.accepts_replay) {
            bail!(
                "engine `{}` is not known to understand results of jobs that were run again; if it does, set \
                 engines.{}.accepts_replay = true, else leave out --send",
                job.engine,
                job.engine
            );
        }
        let broker = Broker::connect(setup::amqp(config, "jobs-replay")).await?;
        if !store.jobs().add_replay(&again).await? {
            bail!("job `{}` is being run again by somebody else at this moment; look at it first", self.id);
        }
        let message = message(&broker, &stored.queue, &again.id, body);
        if let Err(error) = broker.publisher().publish(&message).await {
            store.jobs().remove_replay(&again.id).await?;
            return Err(error).context(format!("job `{}` could not be published", again.id));
        }
        output::line(&again.id);
        output::note(&format!("`data-connector jobs show '{}'` tells how it ends", again.id));
        broker.close().await;
        Ok(())
    }

    /// The job that runs again, its message's body, and what the ledger is told of it.
    fn next(&self, stored: &StoredJob, of: String, number: i64) -> Result<(Job, Vec<u8>, Again)> {
        let mut members: Map<String, Value> =
            serde_json::from_slice(&stored.body).context("the stored message is not JSON")?;
        let id = format!("{of}#{number}");
        members.insert("id".to_owned(), Value::String(id.clone()));
        // Whoever runs it again wants it now, whenever it had to be done by.
        members.remove("deadline");
        let body = serde_json::to_vec(&members)?;
        let job = job::Decoder::default()
            .decode(&body, &Envelope::default())
            .map_err(|refusal| anyhow::anyhow!("the stored message is no job: {}", refusal.message))?;
        let key_of = if self.new_execution { &id } else { &of };
        let idempotency_key = job::idempotency_key(&job.engine, key_of);
        let again = Again { id, of, number, job_hash: job.hash, idempotency_key, send: self.send };
        Ok((job, body, again))
    }
}

fn message(broker: &Broker, queue: &str, id: &str, body: Vec<u8>) -> Message {
    Message {
        exchange: broker.topology().jobs().to_owned(),
        routing_key: format!("job.{queue}"),
        body,
        properties: Properties {
            message_id: Some(id.to_owned()),
            kind: Some(JOB_TYPE.to_owned()),
            content_type: Some("application/json".to_owned()),
            ..Properties::default()
        },
    }
}
