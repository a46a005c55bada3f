//! From a delivery to a job: room in memory, the deaths that a redelivered message may have caused, and what the bytes say.

use std::time::Duration;

use tokio::time::timeout;

use super::super::context::Context;
use super::super::in_flight::InFlightJob;
use super::reject;
use super::suspect::{self, Begin, Suspect};
use crate::engine::{Message, Redelivery, Source};
use crate::job::{Envelope, Job, Refusal};
use crate::memory::{self, Share, TooMuch};
use crate::shutdown::ShuttingDown;
use crate::telemetry::event;

/// How long a message waits here for the memory that it takes, and then in the delay ladder.
pub(super) const WAITS_FOR_ROOM: Duration = Duration::from_secs(20);
pub(super) const NO_ROOM: Duration = Duration::from_secs(10);

/// What became of a delivery.
pub(super) enum Arrival<'a> {
    /// A job, with its share of the memory; one that was delivered before is a suspect until it was planned.
    Job { job: Box<Job>, share: Share, suspect: Option<Suspect<'a>> },
    /// It is refused, parked or put off.
    Settled,
}

/// Reads a delivery.
///
/// # Errors
/// When the process gives up first.
pub(super) async fn arrive<'a, S: Source>(
    worker: &'a Context,
    source: &S,
    delivery: &S::Delivery,
    message: &Message<'_>,
    in_flight: &InFlightJob,
) -> Result<Arrival<'a>, ShuttingDown> {
    if message.body.len() > worker.limits.job_bytes {
        return reject::too_large(worker, source, delivery).await.map(settled);
    }
    let share = match room(worker, in_flight, message.body).await {
        Ok(Some(share)) => share,
        Ok(None) => {
            let Envelope { attempt, reserved_slot: slot, is_registered, .. } = *message.envelope;
            let again = Redelivery { attempt, slot, is_registered };
            event::job_deferred("memory", NO_ROOM);
            return source.defer(delivery, again, NO_ROOM).await.map(settled);
        }
        Err(problem) => return reject::too_much(worker, source, delivery, problem).await.map(settled),
    };
    let suspect = match Box::pin(suspect::begin(worker, source, delivery, message, in_flight)).await? {
        Begin::Plan(suspect) => suspect,
        Begin::Parked => return Ok(Arrival::Settled),
    };
    let refusal = match decoded(worker, message).await {
        Ok(job) => {
            in_flight.set_job_id(&job.id);
            if !job.is_of_rest() || Box::pin(worker.has_rest_job(&job.id)).await? {
                return Ok(Arrival::Job { job: Box::new(job), share, suspect });
            }
            job.refused_as_reserved()
        }
        Err(refusal) => *refusal,
    };
    planned(suspect).await;
    reject::bad_job(worker, source, delivery, &refusal).await.map(settled)
}

fn settled((): ()) -> Arrival<'static> {
    Arrival::Settled
}

/// What a message and what is made of it takes; `None` where there was no room in time.
async fn room(worker: &Context, in_flight: &InFlightJob, body: &[u8]) -> Result<Option<Share>, TooMuch> {
    let memory = &worker.calls.memory;
    if body.len() < memory::LARGE {
        return memory.message(0).await.map(Some);
    }
    in_flight.set_time_budget(WAITS_FOR_ROOM);
    // The bytes four times, as they came, canonical, with the result, and in the database's buffers; and the values.
    let takes = 4 * body.len() + memory::of_json(body);
    timeout(WAITS_FOR_ROOM, memory.message(takes)).await.ok().transpose()
}

/// A large message is decoded in a thread of its own.
async fn decoded(worker: &Context, message: &Message<'_>) -> Result<Job, Box<Refusal>> {
    if message.body.len() < memory::LARGE {
        return worker.decoder.decode(message.body, message.envelope);
    }
    let (decoder, body, envelope) = (worker.decoder.clone(), message.body.to_vec(), message.envelope.clone());
    memory::in_a_thread(move || decoder.decode(&body, &envelope)).await
}

/// In a box, since few messages are suspects and every job's task would have room for it.
pub(super) async fn planned(suspect: Option<Suspect<'_>>) {
    if let Some(suspect) = suspect {
        Box::pin(suspect.planned()).await;
    }
}
