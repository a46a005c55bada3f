//! What happens to jobs and messages that an operator counts and reads about: each event is one step of a metric and, where
//! a person may have to act, one line in the log. Lines of a job carry its span, which has the ids.

use std::time::Duration;

use crate::job::{Code, Failure};

use super::metric;

/// A job whose queue does not exist and that came through the default one.
pub fn job_unrouted() {
    metrics::counter!(metric::UNROUTED).increment(1);
}

/// The ledger's verdict about a delivery.
pub fn claim_decided(verdict: &'static str) {
    metrics::counter!(metric::CLAIMS, "verdict" => verdict).increment(1);
}

/// A delivery that was deferred before its claim.
pub fn job_deferred(reason: &'static str, wait: Duration) {
    metrics::counter!(metric::DEFERRED, "why" => reason).increment(1);
    tracing::debug!(reason, wait_s = wait.as_secs(), "the job waits, without losing an attempt");
}

/// An attempt that dialled.
pub fn attempt_ended(failure: Option<&Failure>, took: Duration) {
    let code = failure.map_or_else(|| "OK".to_owned(), |failure| failure.code.to_string());
    tracing::debug!(code, took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX), "an attempt ended");
    metrics::counter!(metric::ATTEMPTS, "code" => code).increment(1);
    metrics::histogram!(metric::ATTEMPT_SECONDS).record(took.as_secs_f64());
}

/// A job that completed, or failed with `code`.
pub fn job_ended(code: Option<Code>) {
    let (ending, code) = match code {
        None => ("completed", String::new()),
        Some(code) => ("failed", code.to_string()),
    };
    metrics::counter!(metric::JOBS, "ending" => ending, "code" => code).increment(1);
}

/// A job that was taken back before its answer was committed.
pub fn job_cancelled() {
    metrics::counter!(metric::JOBS, "ending" => "cancelled", "code" => "").increment(1);
}

/// A result that no queue takes.
pub fn result_unroutable(job_id: &str, engine: &str, exchange: &str) {
    metrics::counter!(metric::RESULTS_RETURNED).increment(1);
    tracing::warn!(
        job.id = job_id,
        engine,
        "no queue takes the result; it stays in the ledger and is sent again. Bind the engine's queue to {exchange}"
    );
}

/// A message that became a dead letter.
pub fn dead_lettered(job_id: Option<&str>, code: Code, detail: &str) {
    metrics::counter!(metric::DEAD_LETTERS, "reason" => code.to_string()).increment(1);
    tracing::warn!(job.id = job_id, reason = %code, "a message went to the dead letters: {detail}");
}

/// A dead letter that the broker made of a job that no worker had failed, and that went back into its queue.
pub fn dead_letter_requeued(job_id: Option<&str>, queue: &str) {
    metrics::counter!(metric::DEAD_LETTERS_REQUEUED).increment(1);
    tracing::warn!(
        job.id = job_id,
        queue,
        "workers died too often while this job waited next to others; it goes back into its queue once"
    );
}

/// This process makes no progress and has to be restarted.
pub fn stuck(why: &str) {
    metrics::gauge!(metric::STUCK).set(1.0);
    tracing::error!("{why}; this process takes no more jobs, finishes the others and ends");
}
