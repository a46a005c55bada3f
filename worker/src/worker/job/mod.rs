//! One job, from its delivery to its end: the list of `DESIGN`, "the way of a job", in its order.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

mod admission;
mod outcome;
mod redelivery;
mod reject;

use self::admission::Admission;
use self::outcome::Outcome;
use super::context::{Settled, Stopping, Worker};
use super::in_flight::InHand;
use crate::amqp::Delivery;
use crate::call::host_limiter::Place;
use crate::call::{self, Ready};
use crate::clock;
use crate::fault;
use crate::job::{Code, Envelope, Failure, Job, Retriable, idempotency_key};
use crate::plan::Repeat;
use crate::retry::{self, Next, Standing};
use crate::store::ledger::{Claim, ClaimRequest, Granted, Record, Recorded, StoredJob};
use crate::telemetry::metric;

/// Works on one delivery; every error path ends in a durable place or back in the queue.
pub(in crate::worker) async fn work(
    worker: &Worker,
    delivery: &Delivery,
    granted: &OnceLock<Granted>,
    in_hand: &InHand,
) -> Result<Settled, Stopping> {
    fault::at("delivered").await;
    let envelope = redelivery::envelope(&delivery.properties);
    count_unrouted(delivery, &envelope);
    if delivery.body.len() > worker.limits.job_bytes {
        return reject::too_large(worker, delivery, &envelope).await;
    }
    let job = match worker.decoder.decode(&delivery.body, &envelope) {
        Ok(job) => job,
        Err(refusal) => return reject::bad_job(worker, delivery, &envelope, &refusal).await,
    };
    in_hand.is_of(&job.id);
    let planned = worker.until_answered("configuration", || prepare(worker, &job, &envelope)).await?;
    let place = match admission::admit(worker, &job, &envelope, planned.as_ref()).await? {
        Admission::Now(place) => place,
        Admission::Later { wait, turn } => {
            worker.delay(redelivery::put_off(delivery, &envelope, turn), wait).await?;
            return Ok(Settled::Done);
        }
    };
    in_hand.may_take(planned.as_ref().map_or(Duration::ZERO, |ready| call::longest(&job, ready)));
    let admitted = match &planned {
        Ok(ready) => worker.client.admit(&ready.plan.request).await,
        Err(_) => Ok(()),
    };

    fault::at("admitted").await;
    let claim = claim(worker, &job, &envelope, &planned).await?;
    metrics::counter!(metric::CLAIMS, "verdict" => outcome::verdict(&claim)).increment(1);
    let ended = match claim {
        Claim::Granted(grant) => {
            granted.set(grant.clone()).ok();
            fault::at("claimed").await;
            fault::with("claimed", &job.id).await;
            attempt_it(worker, &job, planned, admitted, grant, place).await
        }
        Claim::Orphaned(grant) => outcome::unknown(&job, planned.ok().as_ref(), grant),
        other => return settle_claim(worker, delivery, &envelope, &job, other).await,
    };
    in_hand.may_take(Duration::ZERO);
    fault::at("called").await;
    finish(worker, delivery, &envelope, &job, ended).await
}

/// A job that came with another queue's key came through the alternate exchange: its own queue does not exist.
fn count_unrouted(delivery: &Delivery, envelope: &Envelope) {
    let key = &delivery.properties.routing_key;
    if envelope.attempt == 1 && key.strip_prefix("job.").is_some_and(|queue| queue != delivery.queue) {
        metrics::counter!(metric::UNROUTED).increment(1);
    }
}

async fn prepare(
    worker: &Worker,
    job: &Job,
    envelope: &Envelope,
) -> Result<Result<Ready, Failure>, std::sync::Arc<crate::store::Error>> {
    call::prepare(job, envelope.traceparent.as_deref(), &worker.directory, &worker.plan_limits).await
}

async fn claim(
    worker: &Worker,
    job: &Job,
    envelope: &Envelope,
    planned: &Result<Ready, Failure>,
) -> Result<Claim, Stopping> {
    let request = Arc::new(claim_request(job, envelope, planned));
    worker.until_answered("ledger", || worker.ledger.claim(Arc::clone(&request))).await
}

fn claim_request(job: &Job, envelope: &Envelope, planned: &Result<Ready, Failure>) -> ClaimRequest {
    let ready = planned.as_ref().ok();
    ClaimRequest {
        id: job.id.clone(),
        job_hash: job.hash,
        attempt: envelope.attempt,
        // What cannot be sent can be refused any number of times.
        repeat_safe: ready.is_none_or(|ready| ready.plan.request.repeat == Repeat::Safe),
        idempotency_key: idempotency_key(&job.engine, &job.id),
        request_hash: ready.map(|ready| ready.plan.request.hash()),
        engine: job.engine.clone(),
        process: job.process_id.clone(),
        request: job.request_id.clone(),
        element: job.element_id.clone(),
        connector: ready.map(|ready| ready.element.connector.clone()),
        resource: ready.map(|ready| ready.element.resource.clone()),
    }
}

/// The attempt itself and what follows from it.
async fn attempt_it(
    worker: &Worker,
    job: &Job,
    planned: Result<Ready, Failure>,
    admitted: Result<(), Failure>,
    mut grant: Granted,
    place: Option<Place>,
) -> Outcome {
    if job.deadline_ms.is_some_and(|deadline| deadline <= clock::now_ms()) {
        let message = "the job's deadline had passed before this attempt could start";
        let failure = Failure::before_any_attempt(Code::DeadlinePassed, message);
        return outcome::failed(job, planned.ok().as_ref(), grant, failure, Duration::ZERO);
    }
    let ready = match planned {
        Ok(ready) => ready.under(&grant.idempotency_key),
        Err(failure) => return outcome::failed(job, None, grant, failure, Duration::ZERO),
    };
    let (at, begun) = (clock::rfc3339(clock::now_ms()), Instant::now());
    let called = match admitted {
        Ok(()) => call::attempt(&worker.client, job, &ready).await,
        Err(refused) => Err(refused),
    };
    let took = begun.elapsed();
    if let Some(place) = place {
        admission::tell(place, &called);
    }
    outcome::count_attempt(&called, took);
    let failure = match called {
        Ok(answer) => return outcome::completed(job, &ready, grant, answer, took),
        Err(failure) => failure,
    };
    if failure.attempted {
        grant.history.push(outcome::entry(grant.attempt, at, &failure, took));
    }
    match retry::decide(failure, &ready.plan.policy, &standing(worker, job, &grant)) {
        Next::Retry { after } => outcome::again(grant, after),
        Next::Fail(failure) => outcome::failed(job, Some(&ready), grant, failure, took),
    }
}

fn standing(worker: &Worker, job: &Job, grant: &Granted) -> Standing {
    let span = |from: i64, to: i64| Duration::from_millis(u64::try_from(to - from).unwrap_or(0));
    let now_ms = clock::now_ms();
    Standing {
        attempt: grant.attempt,
        elapsed: span(grant.first_seen_ms, grant.now_ms.max(now_ms)),
        until_deadline: job.deadline_ms.map(|deadline| span(now_ms, deadline)),
        longest_wait: worker.limits.retry_after,
        random: fastrand::f64(),
    }
}

/// Record, then answer or put the copy into the ladder; only then may the delivery be acked.
async fn finish(
    worker: &Worker,
    delivery: &Delivery,
    envelope: &Envelope,
    job: &Job,
    ended: Outcome,
) -> Result<Settled, Stopping> {
    match ended {
        Outcome::Again { grant, after } => {
            let wait_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            let record = Record::Waiting { id: job.id.clone(), fence: grant.fence, wait_ms, history: grant.history };
            match worker.until_answered("ledger", || worker.ledger.record(record.clone())).await? {
                Recorded::Done => {
                    fault::at("recorded").await;
                    worker.delay(redelivery::of(delivery, envelope, grant.attempt + 1), after).await?;
                }
                Recorded::Cancelled => {}
                Recorded::Lost => worker.delay(redelivery::of(delivery, envelope, envelope.attempt), LOST).await?,
            }
        }
        Outcome::Ended { grant, result, summary } => {
            let answer = outcome::answer(worker, job, envelope, &grant, &result);
            let send = grant.replay.is_none_or(|replay| replay.send);
            let record = Arc::new(Record::Answered {
                id: job.id.clone(),
                fence: grant.fence,
                code: summary.code.map(|code| code.to_string()),
                http_status: summary.status,
                duration_ms: summary.duration_ms,
                history: grant.history,
                result: answer,
                job: StoredJob { body: delivery.body.clone(), queue: delivery.queue.clone() },
                send,
            });
            match worker.until_answered("ledger", || worker.ledger.record(Arc::clone(&record))).await? {
                Recorded::Done => {
                    outcome::count_job(summary.code);
                    fault::at("recorded").await;
                    if let Some(answer) = record.result().filter(|_| send) {
                        worker.send_answer(answer).await?;
                    }
                }
                Recorded::Cancelled => {
                    metrics::counter!(metric::JOBS, "ending" => "cancelled", "code" => "").increment(1);
                }
                Recorded::Lost => worker.delay(redelivery::of(delivery, envelope, envelope.attempt), LOST).await?,
            }
        }
    }
    Ok(Settled::Done)
}

/// How long a copy waits whose worker was overtaken: by then the other one has an answer, or holds the job.
const LOST: Duration = Duration::from_secs(5);

/// What the ledger already knows outranks everything that planning found.
async fn settle_claim(
    worker: &Worker,
    delivery: &Delivery,
    envelope: &Envelope,
    job: &Job,
    claim: Claim,
) -> Result<Settled, Stopping> {
    match claim {
        Claim::Answered(answer) => worker.send_answer(&answer).await?,
        Claim::Held { for_ms } => {
            worker.delay(redelivery::of(delivery, envelope, envelope.attempt), Duration::from_millis(for_ms)).await?;
        }
        Claim::Requeue { attempt, in_ms } => {
            worker.delay(redelivery::of(delivery, envelope, attempt), Duration::from_millis(in_ms)).await?;
        }
        Claim::Mismatch => {
            let why = format!("job `{}` is known with other content; give each activation an id of its own", job.id);
            reject::to_dead(worker, delivery, envelope, Some(&job.id), Code::JobMismatch, &why).await?;
        }
        Claim::Parked => {
            let why =
                format!("job `{}` was in the hands of three workers that died; look at it, then replay it", job.id);
            reject::to_dead(worker, delivery, envelope, Some(&job.id), Code::Internal, &why).await?;
        }
        Claim::Published | Claim::Cancelled | Claim::Stale => {}
        Claim::Granted(_) | Claim::Orphaned(_) => return Ok(Settled::Back),
    }
    Ok(Settled::Done)
}

/// After a defect: the job is answered as `INTERNAL`, for a delivery that goes round and round helps nobody.
pub(in crate::worker) async fn after_panic(
    worker: &Worker,
    delivery: &Delivery,
    granted: Option<&Granted>,
) -> Result<Settled, Stopping> {
    let envelope = redelivery::envelope(&delivery.properties);
    // What was granted was decoded once without a panic.
    let decoded =
        granted.cloned().and_then(|grant| Some((grant, worker.decoder.decode(&delivery.body, &envelope).ok()?)));
    let Some((grant, job)) = decoded else {
        let why = "a defect of Data Connector met this message; its log has the place";
        reject::to_dead(worker, delivery, &envelope, envelope.message_id.as_deref(), Code::Internal, why).await?;
        return Ok(Settled::Done);
    };
    let message = "a defect of Data Connector ended this job; its log has the place. The call may have been made";
    let failure = Failure::of_attempt(Code::Internal, message, Retriable::Final);
    let ended = outcome::failed(&job, None, grant, failure, Duration::ZERO);
    finish(worker, delivery, &envelope, &job, ended).await
}
