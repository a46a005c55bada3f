//! Whether a job may be claimed now, waits here for a place at its host, or in the delay ladder: without losing an attempt, and
//! known to the ledger.

use std::sync::Arc;
use std::time::Duration;

use super::{Intent, JobRun};
use crate::call::{AdmitError, Later, Permit, PreparedCall, Reason};
use crate::clock;
use crate::engine::Source;
use crate::job::Failure;
use crate::shutdown::ShuttingDown;
use crate::store::ledger::{Held, HoldRequest, Verdict};
use crate::telemetry::event;

/// How a job goes on before its claim.
#[derive(Debug)]
pub(super) enum Admission {
    /// To its claim, with a permit where there is a call to make.
    Now(Option<Permit>),
    /// To its claim, and fails without a call: it has waited for its host for as long as it may.
    GivenUp(Failure),
    /// It comes again after this wait, as the same attempt, with the slot that it has reserved.
    Later { wait: Duration, slot: Option<i64> },
    /// It is known already, and nothing is to be called.
    Known(Verdict),
}

/// The delay ladder's shortest wait.
const SHORTEST: Duration = Duration::from_secs(1);
/// How long jobs wait whose engine takes no results.
const UNDELIVERED_RESULTS: Duration = Duration::from_secs(10);
/// How long a job waits for a place before the ledger is told, and asked: what was answered needs no place.
const UNNOTED: Duration = Duration::from_millis(500);
/// How long it waits here for a place after that: the delay ladder knows whole seconds only, and nothing of places.
const WAITS_HERE: Duration = Duration::from_secs(5);

impl<S: Source> JobRun<'_, S> {
    /// Asks for a permit. A job that fails anyway, or whose deadline has passed, needs none.
    pub(super) async fn admit(&self, intent: &Intent<'_>) -> Result<Admission, ShuttingDown> {
        if self.worker.undelivered.is_over_limit(&self.job.engine) {
            let why = format!("engine: `{}` takes no results", self.job.engine);
            let wait = jittered(UNDELIVERED_RESULTS);
            return match self.hold(intent, why, wait, None).await? {
                Held::Known(verdict) => Ok(Admission::Known(verdict)),
                Held::Waits { .. } => Ok(self.later("undelivered_results", spread(wait), None)),
            };
        }
        let Some(call) = intent.call().filter(|_| !self.is_late()) else { return Ok(Admission::Now(None)) };
        self.in_flight.set_time_budget(call.longest().saturating_add(UNNOTED + WAITS_HERE));
        let later = match self.ask(call, UNNOTED).await? {
            Ok(permit) => return Ok(Admission::Now(Some(permit))),
            Err(later) => later,
        };
        if later.reason != Reason::HostFull {
            return self.put_off(intent, call, later).await;
        }
        if let Held::Known(verdict) = self.hold(intent, later.reason.of(call), WAITS_HERE, None).await? {
            return Ok(Admission::Known(verdict));
        }
        match self.ask(call, WAITS_HERE).await? {
            Ok(permit) => Ok(Admission::Now(Some(permit))),
            Err(later) => self.put_off(intent, call, later).await,
        }
    }

    async fn ask(&self, call: &PreparedCall<'_>, patience: Duration) -> Result<Result<Permit, Later>, ShuttingDown> {
        let slot = self.message.envelope.reserved_slot;
        let admit = || async {
            match self.worker.calls.admit(call, slot, patience).await {
                Ok(permit) => Ok(Ok(permit)),
                Err(AdmitError::Later(later)) => Ok(Err(later)),
                Err(AdmitError::Unavailable(error)) => Err(error),
            }
        };
        self.worker.retry_until_available("rate limits", admit).await
    }

    /// The job waits in the delay ladder, unless it is known already or has waited for its host for long enough.
    async fn put_off(
        &self,
        intent: &Intent<'_>,
        call: &PreparedCall<'_>,
        Later { wait, reason }: Later,
    ) -> Result<Admission, ShuttingDown> {
        let (may, slot) = match reason {
            Reason::HostCircuitOpen(_) | Reason::HostHangs => (Some(self.worker.calls.longest_host_wait(call)), None),
            Reason::HostFull | Reason::HostUnknown => (None, None),
            Reason::RateLimit { slot } => (None, Some(slot)),
        };
        let waited = match self.hold(intent, reason.of(call), wait, may).await? {
            Held::Known(verdict) => return Ok(Admission::Known(verdict)),
            Held::Waits { silent_ms } => Duration::from_millis(silent_ms),
        };
        let left = may.map(|may| may.saturating_sub(waited));
        Ok(match (reason, left) {
            (Reason::HostCircuitOpen(Some(last)), Some(Duration::ZERO)) => {
                Admission::GivenUp(self.worker.calls.given_up(call, last, waited))
            }
            (Reason::RateLimit { .. }, _) => self.later(reason.label(), wait, slot),
            (_, left) => {
                let left = left.filter(|left| !left.is_zero());
                self.later(reason.label(), spread(wait.min(left.unwrap_or(wait))), slot)
            }
        })
    }

    /// Notes in the ledger that the job waits, or finds out what that knows of it.
    async fn hold(
        &self,
        intent: &Intent<'_>,
        waits_for: String,
        wait: Duration,
        silence: Option<Duration>,
    ) -> Result<Held, ShuttingDown> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let claim = self.claim_request(intent);
        let hold = HoldRequest { claim, waits_for, wait_ms: millis(wait), silence_ms: silence.map(millis) };
        let hold = Arc::new(hold);
        self.worker.retry_until_available("ledger", || self.worker.ledger.hold(Arc::clone(&hold))).await
    }

    /// Whether the job's deadline has passed.
    pub(super) fn is_late(&self) -> bool {
        self.job.deadline_ms.is_some_and(|deadline| deadline <= clock::now_ms())
    }

    /// A job does not wait past its deadline: it comes back in order to be answered.
    fn later(&self, reason: &'static str, wait: Duration, slot: Option<i64>) -> Admission {
        let left = self.job.deadline_ms.map(|deadline| u64::try_from(deadline - clock::now_ms()).unwrap_or(0));
        let wait = left.map_or(wait, |left| wait.min(Duration::from_millis(left))).max(SHORTEST);
        event::job_deferred(reason, wait);
        Admission::Later { wait, slot }
    }
}

/// Between once and twice the wait, so that jobs that were deferred together do not come back together.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(1.0 + fastrand::f64())
}

/// Whole seconds, as the delay ladder knows them: the next ones below or above, by chance, so that the spread and the mean
/// remain.
fn spread(wait: Duration) -> Duration {
    let is_above = fastrand::f64() < f64::from(wait.subsec_nanos()) / 1e9;
    Duration::from_secs(wait.as_secs() + u64::from(is_above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_that_are_rounded_keep_their_spread() {
        for (millis, least, most) in [(1_000, 1, 1), (1_500, 1, 2), (1_999, 1, 2), (2_000, 2, 2), (12_300, 12, 13)] {
            let wait = Duration::from_millis(millis);
            let waits: Vec<u64> = (0..2_000).map(|_| spread(wait).as_secs()).collect();
            assert!(waits.iter().all(|wait| (least..=most).contains(wait)), "{wait:?}");
            let mean = waits.iter().sum::<u64>() * 1_000 / 2_000;
            assert!(mean.abs_diff(millis) < 60, "{wait:?}: {mean} ms on average");
        }
    }
}
