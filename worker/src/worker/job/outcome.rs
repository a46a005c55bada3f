//! What an attempt ends with: another one, or the result that goes to the engine. Pure but for the clock's format.

use std::time::Duration;

use crate::call::{Answer, PreparedCall};
use crate::clock;
use crate::engine::Recipient;
use crate::job::{Attempt, Call, Code, Ending, Failure, Job, JobResult, ResultError, Retriable};
use crate::memory::Share;
use crate::store::ledger::Grant;

/// What follows from an attempt.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Another attempt, after a wait.
    Retry { grant: Grant, after: Duration, is_silence: bool },
    /// The end.
    Ended {
        grant: Grant,
        result: Box<JobResult>,
        summary: Summary,
        /// What is kept of the last call for people.
        exchange: Option<Vec<u8>>,
        /// The room in memory that the result takes until it is stored and sent.
        room: Share,
    },
}

impl Outcome {
    /// The same with what is kept of the last call, where it is the end.
    pub(super) fn with_exchange(self, kept: Vec<u8>) -> Self {
        match self {
            retry @ Self::Retry { .. } => retry,
            Self::Ended { grant, result, summary, room, .. } => {
                Self::Ended { grant, result, summary, exchange: Some(kept), room }
            }
        }
    }
}

/// The columns that people filter the ledger by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Summary {
    pub(super) code: Option<Code>,
    pub(super) status: Option<u16>,
    pub(super) duration_ms: u64,
}

/// The ladder's shortest wait; shorter ones are rounded up to it.
const SHORTEST: Duration = Duration::from_secs(1);

/// Another attempt after a wait of whole seconds; `is_silence` where the host did not answer this one.
pub(super) fn retry(mut grant: Grant, after: Duration, is_silence: bool) -> Outcome {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    let after = Duration::from_secs(seconds).max(SHORTEST);
    if let Some(last) = grant.history.last_mut() {
        last.waited_ms = Some(millis(after));
    }
    Outcome::Retry { grant, after, is_silence }
}

/// The answer was mapped.
pub(super) fn completed(
    job: &Job,
    prepared: &PreparedCall<'_>,
    grant: Grant,
    answer: Answer,
    took: Duration,
) -> Outcome {
    let mut warnings = warnings(None, &grant);
    warnings.extend(answer.mapped.warnings);
    let call = Call {
        attempts: u32::try_from(grant.history.len()).unwrap_or(u32::MAX).saturating_add(1),
        status: Some(answer.status),
        duration_ms: millis(took),
        connector: Some(prepared.connector().to_owned()),
        resource: Some(prepared.resource().to_owned()),
        warnings,
    };
    let summary = Summary { code: None, status: call.status, duration_ms: call.duration_ms };
    let result = Box::new(result(job, &grant, Ending::Completed { data: answer.mapped.data }, call));
    Outcome::Ended { grant, result, summary, exchange: None, room: answer.room }
}

/// It was not.
pub(super) fn failed(
    job: &Job,
    prepared: Option<&PreparedCall<'_>>,
    grant: Grant,
    failure: Failure,
    took: Duration,
) -> Outcome {
    let call = Call {
        attempts: u32::try_from(grant.history.len()).unwrap_or(u32::MAX),
        status: failure.status,
        duration_ms: millis(took),
        connector: prepared.map(|prepared| prepared.connector().to_owned()),
        resource: prepared.map(|prepared| prepared.resource().to_owned()),
        warnings: warnings(prepared, &grant),
    };
    let summary = Summary { code: Some(failure.code), status: call.status, duration_ms: call.duration_ms };
    let bpmn_error = prepared.and_then(|prepared| prepared.bpmn_error(&failure));
    let failure = match prepared {
        Some(prepared) => prepared.explain(failure),
        None => failure,
    };
    let error = ResultError {
        code: failure.code,
        message: failure.message,
        body: failure.body.map(String::from),
        attempts: grant.history.clone(),
    };
    let result = Box::new(result(job, &grant, Ending::Failed { error, bpmn_error }, call));
    Outcome::Ended { grant, result, summary, exchange: None, room: Share::default() }
}

/// What is known before there is an answer, which brings those of its request.
fn warnings(prepared: Option<&PreparedCall<'_>>, grant: &Grant) -> Vec<String> {
    let changed = "this attempt's request differs from an earlier one's under the same Idempotency-Key";
    let crashed = format!("the attempt was begun again after a worker died with it ({} so far)", grant.crashes);
    let of_grant = [(grant.request_changed, changed.to_owned()), (grant.crashes > 0, crashed)];
    let of_request = prepared.map(PreparedCall::warnings).unwrap_or_default();
    let of_grant = of_grant.into_iter().filter_map(|(holds, warning)| holds.then_some(warning));
    of_grant.chain(of_request.iter().cloned()).collect()
}

/// The worker that had sent it died: nobody can tell whether it took effect (CONTRACT 6).
pub(super) fn unknown(job: &Job, prepared: Option<&PreparedCall<'_>>, mut grant: Grant) -> Outcome {
    let message = "the worker died while the request was on its way; whether it took effect is unknown. Look at the \
                   third party, then run the job again or go on by hand";
    let failure = Failure::of_attempt(Code::OutcomeUnknown, message, Retriable::Final);
    grant.history.push(entry(grant.attempt, grant.now_ms, &failure, Duration::ZERO));
    failed(job, prepared, grant, failure, Duration::ZERO)
}

/// One entry of `error.attempts`.
pub(super) fn entry(number: u32, started_ms: i64, failure: &Failure, took: Duration) -> Attempt {
    Attempt {
        number,
        at: clock::rfc3339(started_ms),
        code: failure.code.to_string(),
        status: failure.status,
        duration_ms: millis(took),
        waited_ms: None,
    }
}

fn result(job: &Job, grant: &Grant, ending: Ending, call: Call) -> JobResult {
    JobResult {
        job: job.id_echo.clone(),
        process: job.process.clone(),
        request: Some(job.request.clone()),
        element: Some(job.element.clone()),
        ending,
        call,
        replay: grant.replay.map(|replay| replay.number),
    }
}

/// Whom the result is for.
pub(super) fn recipient(job: &Job) -> Recipient<'_> {
    Recipient { engine: Some(&job.engine), process: job.process_id.as_deref(), job_id: &job.id }
}

/// What is sent instead of a result with more than `limit` bytes: a failure that says so.
pub(super) fn too_large(job: &Job, grant: &Grant, call: Call, size: usize, limit: usize) -> Vec<u8> {
    let message = format!(
        "the result has {size} bytes and limits.result_bytes is {limit}; map fewer fields, or raise the limit here and at the broker"
    );
    let error = ResultError { code: Code::ResultTooLarge, message, body: None, attempts: grant.history.clone() };
    result(job, grant, Ending::Failed { error, bpmn_error: None }, call).to_bytes()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
