//! What follows a failed attempt: another one after a wait, or the end (CONTRACT 6).
//!
//! Pure, randomness is a parameter; the only module that names `backoff`, which calculates the intervals.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

use crate::connector::{Backoff, Policy};
use crate::job::{Code, Failure, Retriable};

/// What a decision about a failed attempt depends on.
#[derive(Debug, Clone, Copy)]
pub struct RetryState {
    /// The attempt that failed; counts from 1.
    pub attempt: u32,
    /// The time since the job was first seen.
    pub elapsed: Duration,
    /// The time until the job's deadline; zero when it is over.
    pub until_deadline: Option<Duration>,
    /// The longest wait a third party may ask for (`limits.retry_after`).
    pub longest_wait: Duration,
    /// Uniform in 0..1.
    pub random: f64,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Another attempt, not before `after`; whole seconds are not required.
    Retry {
        /// The wait.
        after: Duration,
    },
    /// The job has failed, with this.
    Fail(Failure),
}

/// Decides what follows a failed attempt.
pub fn decide(failure: Failure, policy: &Policy, state: &RetryState) -> Decision {
    let requested = match (retried_status(&failure, policy), failure.retriable) {
        (Some(false), _) | (None, Retriable::Final) => return Decision::Fail(failure),
        (_, Retriable::Retry { after }) => after,
        (Some(true), Retriable::Final) => failure.retry_after,
    };
    if state.attempt >= policy.attempts {
        return Decision::Fail(exhausted(failure, state.attempt));
    }
    let wait =
        wait(policy, state, failure.status == Some(429) && requested.is_none()).max(requested.unwrap_or_default());
    if wait > state.longest_wait {
        let why = format!(
            "the third party asks for a wait of {wait:.0?}, and limits.retry_after is {:.0?}",
            state.longest_wait
        );
        return Decision::Fail(noted(failure, &why));
    }
    if state.until_deadline.is_some_and(|left| wait > left) {
        let why = format!("the next attempt would start in {wait:.0?}, after the job's deadline");
        return Decision::Fail(noted(Failure { code: Code::DeadlinePassed, ..failure }, &why));
    }
    if policy.budget.is_some_and(|budget| state.elapsed + wait > budget) {
        let why = format!("the next attempt would start in {wait:.0?}, after the end of the retry budget");
        return Decision::Fail(noted(failure, &why));
    }
    Decision::Retry { after: wait }
}

/// The longest that all attempts of a policy and the waits between them can take, where each attempt takes `attempt`.
pub fn longest(policy: &Policy, attempt: Duration) -> Duration {
    let wait = |number| match policy.backoff {
        Backoff::Fixed => nth(&policy.waits, number),
        Backoff::Exponential => interval(policy, number),
    };
    // Waits no longer change after that many.
    let single = policy.attempts.min(1_000);
    let waits = (1..single).map(wait).fold(Duration::ZERO, Duration::saturating_add);
    let rest = wait(single).saturating_mul(policy.attempts - single);
    let whole = attempt.saturating_mul(policy.attempts).saturating_add(waits).saturating_add(rest);
    policy.budget.map_or(whole, |budget| whole.min(budget.saturating_add(attempt)))
}

/// Whether `statuses` has this failure retried, where there is such a list and a status.
fn retried_status(failure: &Failure, policy: &Policy) -> Option<bool> {
    match (failure.code, &policy.statuses) {
        (Code::Http(status), Some(list)) => Some(list.contains(status)),
        _ => None,
    }
}

/// The policy's own wait; a 429 that names none gets at least half of it, lest jitter make it nothing.
fn wait(policy: &Policy, state: &RetryState, throttled: bool) -> Duration {
    let full = match policy.backoff {
        Backoff::Fixed => return nth(&policy.waits, state.attempt),
        Backoff::Exponential => interval(policy, state.attempt),
    };
    let random = state.random.clamp(0.0, 1.0);
    full.mul_f64(if throttled { 0.5 + random / 2.0 } else { random })
}

/// The wait after attempt number `attempt`; the last of a list holds for all that follow.
fn nth(waits: &[Duration], attempt: u32) -> Duration {
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    waits.get(index).or(waits.last()).copied().unwrap_or_default()
}

/// The un-jittered interval after attempt number `attempt`.
fn interval(policy: &Policy, attempt: u32) -> Duration {
    let first = nth(&policy.waits, 1);
    let mut intervals = ExponentialBackoff {
        current_interval: first,
        initial_interval: first,
        multiplier: 2.0,
        randomization_factor: 0.0,
        max_interval: policy.max_wait.max(first),
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    };
    // Forty doublings exceed every possible `maxWait`.
    let steps = attempt.clamp(1, 40);
    (0..steps).fold(first, |last, _| intervals.next_backoff().unwrap_or(last))
}

fn exhausted(failure: Failure, attempts: u32) -> Failure {
    if attempts < 2 {
        return failure;
    }
    let message = format!("Job failed after {attempts} total attempts\n{}", failure.message);
    Failure { message, ..failure }
}

fn noted(failure: Failure, why: &str) -> Failure {
    let message = format!("{}; not tried again: {why}", failure.message);
    Failure { message, retriable: Retriable::Final, ..failure }
}

#[cfg(test)]
mod tests;
