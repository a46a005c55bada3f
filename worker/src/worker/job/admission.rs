//! Whether a job may be claimed now, or waits in the delay ladder without losing an attempt.

use std::time::Duration;

use crate::call::Ready;
use crate::call::host_limiter::{NoPlace, Place};
use crate::call::rate_limit::{self, Turn};
use crate::clock;
use crate::job::{Code, Envelope, Failure, Job, Retriable};
use crate::telemetry::metric;
use crate::worker::context::{Stopping, Worker};

/// What a job is told before its claim.
#[derive(Debug)]
pub(super) enum Admission {
    /// Go on, with a place at the host where there is one to call.
    Now(Option<Place>),
    /// Come back after this wait, as the same attempt, and with the turn that was taken.
    Later { wait: Duration, turn: Option<i64> },
}

/// The ladder's shortest wait.
const SHORTEST: Duration = Duration::from_secs(1);
/// How long jobs wait whose engine takes no results.
const UNTAKEN: Duration = Duration::from_secs(10);

/// Asks for a place at the job's host, and for its turn there. A job that fails anyway needs none.
pub(super) async fn admit(
    worker: &Worker,
    job: &Job,
    envelope: &Envelope,
    planned: Result<&Ready, &Failure>,
) -> Result<Admission, Stopping> {
    if worker.untaken.is_behind(&job.engine) {
        return Ok(later("untaken_results", job, spread(UNTAKEN)));
    }
    let is_late = job.deadline_ms.is_some_and(|deadline| deadline <= clock::now_ms());
    let Some(ready) = planned.ok().filter(|_| !is_late) else { return Ok(Admission::Now(None)) };
    let place = match worker.hosts.enter(&ready.plan.request.authority()).await {
        Ok(place) => place,
        Err(NoPlace::Resting(rest)) => return Ok(later("host_resting", job, spread(rest))),
        Err(NoPlace::Full) => return Ok(later("host_full", job, spread(SHORTEST))),
    };
    if let Some(pace) = &ready.plan.pace
        && let Turn::Later { wait, at } =
            worker.until_answered("rate", || rate_limit::turn(&worker.store, envelope.turn, pace)).await?
    {
        return Ok(match later("rate", job, wait) {
            Admission::Later { wait, .. } => Admission::Later { wait, turn: Some(at) },
            now @ Admission::Now(_) => now,
        });
    }
    Ok(Admission::Now(Some(place)))
}

/// Gives the host's place back and tells how its call went. What failed before anything was sent says nothing of the host.
pub(super) fn tell<T>(place: Place, called: &Result<T, Failure>) {
    if called.as_ref().err().is_none_or(|failure| failure.attempted) {
        place.ended(has_answered(called));
    }
}

/// Whether a host has given an answer that it stands behind. Gateways answer for hosts that do not; one that says when
/// to come back is there.
fn has_answered<T>(called: &Result<T, Failure>) -> bool {
    let Err(failure) = called else { return true };
    match failure.status {
        Some(502..=504) => matches!(failure.retriable, Retriable::Retry { after: Some(_) }),
        Some(_) => true,
        None => !matches!(failure.code, Code::Connect | Code::Timeout | Code::OutcomeUnknown),
    }
}

/// Between once and twice the wait, so that those that were sent away together do not come back together.
fn spread(wait: Duration) -> Duration {
    wait.max(SHORTEST).mul_f64(1.0 + fastrand::f64())
}

/// A job is not kept past its deadline: it comes back to be told.
fn later(why: &'static str, job: &Job, wait: Duration) -> Admission {
    metrics::counter!(metric::PUT_OFF, "why" => why).increment(1);
    let left = job.deadline_ms.map(|deadline| u64::try_from(deadline - clock::now_ms()).unwrap_or(0));
    let wait = left.map_or(wait, |left| wait.min(Duration::from_millis(left)));
    Admission::Later { wait: Duration::from_secs(wait.as_secs() + 1), turn: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::host_limiter::Hosts;

    #[tokio::test]
    async fn what_was_never_sent_does_not_end_a_hosts_rest() {
        let hosts = Hosts::new(20);
        let (denied, silent) = (Code::Denied, Failure::of_attempt(Code::Connect, "", Retriable::Final));
        let asking = hosts.enter("h").await.unwrap();
        for _ in 0..10 {
            tell::<()>(hosts.enter("h").await.unwrap(), &Err(silent.clone()));
            if hosts.resting() == 0 {
                tell::<()>(hosts.enter("h").await.unwrap(), &Err(Failure::before_any_attempt(denied, "")));
            }
        }
        assert_eq!(hosts.resting(), 1);
        tell(asking, &Ok(()));
        assert_eq!(hosts.resting(), 0);
    }

    #[test]
    fn a_host_that_says_when_to_come_back_is_there() {
        let failed = |code, status, after| {
            let failure = Failure::of_attempt(code, "", Retriable::Retry { after });
            has_answered::<()>(&Err(Failure { status, ..failure }))
        };
        let soon = Some(Duration::from_secs(1));
        for (code, status, after, expected) in [
            (Code::Http(503), Some(503), None, false),
            (Code::Http(503), Some(503), soon, true),
            (Code::Http(502), Some(502), None, false),
            (Code::Http(504), Some(504), None, false),
            (Code::Http(500), Some(500), None, true),
            (Code::Http(429), Some(429), None, true),
            (Code::BadResponse, Some(200), None, true),
            (Code::Connect, None, None, false),
            (Code::Timeout, None, None, false),
            (Code::OutcomeUnknown, None, None, false),
            (Code::Tls, None, None, true),
            (Code::Denied, None, None, true),
        ] {
            assert_eq!(failed(code, status, after), expected, "{code} {status:?} {after:?}");
        }
        assert!(has_answered(&Ok(())));
    }
}
