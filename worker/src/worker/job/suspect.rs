//! Messages that were delivered before: a worker may have died while it planned one, before there was a claim to tell of it.

use sha2::{Digest, Sha256};
use tokio::sync::MutexGuard;

use crate::engine::{Message, Reason, Source};
use crate::job::{Code, hex};
use crate::shutdown::ShuttingDown;
use crate::store::Suspicion;
use crate::telemetry::event;
use crate::worker::context::Context;
use crate::worker::in_flight::InFlightJob;

/// Deaths that were seen after which a message is parked; nobody saw the one before its first redelivery.
const DEATHS: u32 = 2;

/// A redelivered message that is being planned, and the only one in this process.
pub(super) struct Suspect<'a> {
    worker: &'a Context,
    message: String,
    _alone: MutexGuard<'a, ()>,
}

/// Whether a message may be planned.
pub(super) enum Begin<'a> {
    /// It may.
    Plan(Option<Suspect<'a>>),
    /// It is a dead letter: three workers died of it.
    Parked,
}

/// Records that a redelivered message is planned; an ordinary first delivery costs nothing.
pub(super) async fn begin<'a, S: Source>(
    worker: &'a Context,
    source: &S,
    delivery: &S::Delivery,
    message: &Message<'_>,
    in_flight: &InFlightJob,
) -> Result<Begin<'a>, ShuttingDown> {
    if !message.is_redelivered {
        return Ok(Begin::Plan(None));
    }
    let key = key(message);
    loop {
        let alone = worker.suspects.lock().await;
        let begin = || worker.store.suspects().begin(&key, &worker.id);
        match worker.retry_until_available("redelivered messages", begin).await? {
            Suspicion::Begun { deaths } if deaths < DEATHS => {
                return Ok(Begin::Plan(Some(Suspect { worker, message: key, _alone: alone })));
            }
            Suspicion::Begun { .. } => {
                let job_id = message.envelope.message_id.as_deref();
                let detail = "three workers died before they could claim this job; look at it, then replay it";
                event::dead_lettered(job_id, Code::Internal, detail);
                source.dead_letter(delivery, &Reason { job_id, code: Code::Internal, detail }).await?;
                Suspect { worker, message: key, _alone: alone }.planned().await;
                return Ok(Begin::Parked);
            }
            Suspicion::Busy { wait } => {
                drop(alone);
                in_flight.set_time_budget(wait);
                tracing::debug!(?wait, "another worker may still be planning a message; it is looked at again");
                worker.patience.pause(3).await?;
            }
        }
    }
}

impl Suspect<'_> {
    /// It did no harm.
    pub(super) async fn planned(self) {
        let end = || self.worker.store.suspects().end(&self.message);
        // When the process gives up instead, the next delivery counts a death too many.
        self.worker.retry_until_available("redelivered messages", end).await.unwrap_or_default();
    }
}

/// As PostgreSQL can store it, and no longer than an id may be.
fn key(message: &Message<'_>) -> String {
    match message.envelope.message_id.as_deref().filter(|id| crate::job::is_id(id)) {
        Some(id) => id.to_owned(),
        None => hex(&Sha256::digest(message.body)),
    }
}
