//! One job, from its delivery to its end, in the order of the list in `ARCHITECTURE.md`.
//!
//! Knows the order of the steps; what branches on content is in the pure modules, what touches the world behind one module
//! each.

mod admit;
mod arrival;
mod claim;
mod finish;
mod outcome;
mod reject;
mod suspect;

use std::pin::pin;
use std::time::Duration;

use tracing::Instrument;

use super::context::Context;
use super::in_flight::InFlightJob;
use crate::call::{self, Calls, Invocation, Permit, PrepareError, PreparedCall, Progress, Response, Watched};
use crate::clock;
use crate::engine::{Message, Redelivery, Source};
use crate::fault;
use crate::job::{Code, Failure, Job};
use crate::memory;
use crate::retry::Decision;
use crate::shutdown::ShuttingDown;
use crate::store::ledger::{Claim, Grant};
use crate::telemetry::event;
use admit::Admission;
use arrival::{Arrival, NO_ROOM, WAITS_FOR_ROOM, planned};
use outcome::Outcome;
use suspect::Suspect;

/// A delivered job, with everything that its steps need.
struct JobRun<'a, S: Source> {
    worker: &'a Context,
    source: &'a S,
    delivery: &'a S::Delivery,
    message: Message<'a>,
    job: &'a Job,
    in_flight: &'a InFlightJob,
}

/// What a job does once its claim is granted.
enum Intent<'a> {
    /// It makes this call.
    Call(Box<PreparedCall<'a>>),
    /// It fails without this call: its host did not answer in time.
    GiveUp(Box<PreparedCall<'a>>, Failure),
    /// It fails without one.
    Fail(Failure),
}

/// Works on one delivery. Every way out ends in a durable place, so that the delivery can be acknowledged.
///
/// # Errors
/// When the process gives up first: the delivery goes back to its queue.
pub(super) async fn work<S: Source>(
    worker: &Context,
    source: &S,
    delivery: &S::Delivery,
    in_flight: &InFlightJob,
) -> Result<(), ShuttingDown> {
    fault::at("delivered").await;
    let message = source.message(delivery);
    if message.is_unrouted {
        event::job_unrouted();
    }
    let (job, share, suspect) = match arrival::arrive(worker, source, delivery, &message, in_flight).await? {
        Arrival::Job { job, share, suspect } => (job, share, suspect),
        Arrival::Settled => return Ok(()),
    };
    let span = tracing::info_span!(
        "job",
        job.id,
        request.id = job.request_id,
        element.id = job.element_id,
        attempt = message.envelope.attempt,
        traceparent = message.envelope.traceparent,
    );
    let run = JobRun { worker, source, delivery, message, job: &job, in_flight };
    let worked = {
        // Where it is: it would be copied on its way into the span.
        let running = pin!(run.run(suspect));
        running.instrument(span).await
    };
    // What takes long to make takes long to drop.
    memory::dropped_in_a_thread(share, job);
    worked
}

impl<'a, S: Source> JobRun<'a, S> {
    async fn run(&self, suspect: Option<Suspect<'_>>) -> Result<(), ShuttingDown> {
        fault::with("planning", &self.job.id).await;
        let intent = self.prepare().await;
        planned(suspect).await;
        let Some(mut intent) = intent? else {
            event::job_deferred("memory", NO_ROOM);
            return self.defer(self.message.envelope.attempt, self.message.envelope.reserved_slot, NO_ROOM).await;
        };
        let permit = match self.admit(&intent).await? {
            Admission::Now(permit) => permit,
            Admission::GivenUp(failure) => {
                intent = intent.given_up(failure);
                None
            }
            Admission::Later { wait, slot } => return self.defer(self.message.envelope.attempt, slot, wait).await,
            Admission::Known(verdict) => return self.settle(verdict).await,
        };
        fault::at("admitted").await;
        let outcome = match self.claim(&intent).await? {
            Claim::Granted(grant) => {
                fault::at("claimed").await;
                fault::with("claimed", &self.job.id).await;
                self.attempt(intent, permit, grant).await
            }
            Claim::Orphaned(grant) => {
                let outcome = outcome::unknown(self.job, intent.call(), grant);
                self.kept(outcome, intent.call(), true, None).await
            }
            Claim::Refused(verdict) => return self.settle(verdict).await,
        };
        self.in_flight.set_time_budget(Duration::ZERO);
        fault::at("called").await;
        self.finish(outcome).await
    }

    /// What it is about to do; `None` where its request has found no room.
    async fn prepare(&self) -> Result<Option<Intent<'a>>, ShuttingDown> {
        // Once for a turn, and once for its body.
        self.in_flight.set_time_budget(2 * WAITS_FOR_ROOM);
        let invocation = Invocation::of_job(self.job, self.message.envelope.traceparent.as_deref());
        let prepare = || async {
            match self.worker.calls.prepare_within(WAITS_FOR_ROOM, invocation).await {
                Ok(call) => Ok(call.map(|call| Intent::Call(Box::new(call)))),
                Err(PrepareError::Failed(failure)) => Ok(Some(Intent::Fail(failure))),
                Err(PrepareError::Unavailable(error)) => Err(error),
            }
        };
        self.worker.retry_until_available("configuration", prepare).await
    }

    /// The attempt, and what follows from it.
    async fn attempt(&self, intent: Intent<'_>, permit: Option<Permit>, mut grant: Grant) -> Outcome {
        let was_sent = !grant.history.is_empty();
        let (mut call, permit) = match (intent, permit) {
            (Intent::Fail(failure), _) => {
                let outcome = outcome::failed(self.job, None, grant, failure, Duration::ZERO);
                return self.kept(outcome, None, false, None).await;
            }
            (Intent::GiveUp(call, failure), _) => {
                let outcome = outcome::failed(self.job, Some(&call), grant, failure, Duration::ZERO);
                return self.kept(outcome, Some(&call), was_sent, None).await;
            }
            (Intent::Call(call), Some(permit)) if !self.is_late() => (call, permit),
            (Intent::Call(call), _) => {
                let message = "the job's deadline had passed before this attempt could start";
                let failure = Failure::before_any_attempt(Code::DeadlinePassed, message);
                let outcome = outcome::failed(self.job, Some(&call), grant, failure, Duration::ZERO);
                return self.kept(outcome, Some(&call), was_sent, None).await;
            }
        };
        call.set_idempotency_key(&grant.idempotency_key);
        let Watched { attempt, response } = self.worker.calls.watched(&call, permit).await;
        let failure = match attempt.outcome {
            call::Outcome::Completed(answer) => {
                let outcome = outcome::completed(self.job, &call, grant, answer, attempt.took);
                if call.keeps_exchange() {
                    return self.kept(outcome, Some(&call), true, response).await;
                }
                return outcome;
            }
            call::Outcome::Failed(failure) => failure,
        };
        let was_sent = was_sent || failure.attempted;
        if failure.attempted {
            grant.history.push(outcome::entry(grant.attempt, attempt.started_ms, &failure, attempt.took));
        }
        let now_ms = clock::now_ms();
        let elapsed = grant.now_ms.max(now_ms).saturating_sub(grant.first_seen_ms);
        let elapsed = Duration::from_millis(u64::try_from(elapsed).unwrap_or(0));
        let is_silence = Calls::is_silence(&failure);
        match self.worker.calls.decide(&call, failure, Progress { attempt: grant.attempt, elapsed }, now_ms) {
            Decision::Retry { after } => outcome::retry(grant, after, is_silence),
            Decision::Fail(failure) => {
                let outcome = outcome::failed(self.job, Some(&call), grant, failure, attempt.took);
                self.kept(outcome, Some(&call), was_sent, response).await
            }
        }
    }

    /// The same outcome with what is kept of the last call. In a box, since most jobs complete and keep nothing.
    async fn kept(
        &self,
        outcome: Outcome,
        call: Option<&PreparedCall<'_>>,
        was_sent: bool,
        response: Option<Response>,
    ) -> Outcome {
        let kept = call::kept(self.message.body, call, was_sent, response);
        outcome.with_exchange(Box::pin(kept).await)
    }

    /// The job comes again after a wait.
    async fn defer(&self, attempt: u32, slot: Option<i64>, wait: Duration) -> Result<(), ShuttingDown> {
        self.source.defer(self.delivery, Redelivery { attempt, slot, is_registered: false }, wait).await
    }
}

impl<'a> Intent<'a> {
    /// The call that it is about.
    fn call(&self) -> Option<&PreparedCall<'a>> {
        match self {
            Self::Call(call) | Self::GiveUp(call, _) => Some(call),
            Self::Fail(_) => None,
        }
    }

    /// The call that it makes.
    fn sent(&self) -> Option<&PreparedCall<'a>> {
        match self {
            Self::Call(call) => Some(call),
            Self::GiveUp(..) | Self::Fail(_) => None,
        }
    }

    fn given_up(self, failure: Failure) -> Self {
        match self {
            Self::Call(call) | Self::GiveUp(call, _) => Self::GiveUp(call, failure),
            Self::Fail(first) => Self::Fail(first),
        }
    }
}
