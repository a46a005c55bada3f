//! Whether a job may be claimed now, or waits in the delay ladder without losing an attempt.

use std::time::Duration;

use super::JobRun;
use crate::call::{AdmitError, Later, Permit, PreparedCall, Reason};
use crate::clock;
use crate::engine::Source;
use crate::shutdown::ShuttingDown;
use crate::telemetry::event;

/// How a job goes on before its claim.
#[derive(Debug)]
pub(super) enum Admission {
    /// To its claim, with a permit where there is a call to make.
    Now(Option<Permit>),
    /// It comes again after this wait, as the same attempt, with the slot that it has reserved.
    Later { wait: Duration, slot: Option<i64> },
}

/// The delay ladder's shortest wait.
const SHORTEST: Duration = Duration::from_secs(1);
/// How long jobs wait whose engine takes no results.
const UNDELIVERED_RESULTS: Duration = Duration::from_secs(10);

impl<S: Source> JobRun<'_, S> {
    /// Asks for a permit. A job that fails anyway, or whose deadline has passed, needs none.
    pub(super) async fn admit(&self, call: Option<&PreparedCall<'_>>) -> Result<Admission, ShuttingDown> {
        if self.worker.undelivered.is_over_limit(&self.job.engine) {
            return Ok(self.later("undelivered_results", jittered(UNDELIVERED_RESULTS), None));
        }
        let Some(call) = call.filter(|_| !self.is_late()) else { return Ok(Admission::Now(None)) };
        self.in_flight.set_time_budget(call.longest());
        let slot = self.message.envelope.reserved_slot;
        let admit = || async {
            match self.worker.calls.admit(call, slot).await {
                Ok(permit) => Ok(Admission::Now(Some(permit))),
                Err(AdmitError::Later(Later { wait, reason })) => Ok(match reason {
                    Reason::RateLimit { slot } => self.later(reason.label(), wait, Some(slot)),
                    Reason::HostCircuitOpen | Reason::HostFull => self.later(reason.label(), jittered(wait), None),
                }),
                Err(AdmitError::Unavailable(error)) => Err(error),
            }
        };
        self.worker.retry_until_available("rate limits", admit).await
    }

    /// Whether the job's deadline has passed.
    pub(super) fn is_late(&self) -> bool {
        self.job.deadline_ms.is_some_and(|deadline| deadline <= clock::now_ms())
    }

    /// A job does not wait past its deadline: it comes back in order to be answered.
    fn later(&self, reason: &'static str, wait: Duration, slot: Option<i64>) -> Admission {
        let left = self.job.deadline_ms.map(|deadline| u64::try_from(deadline - clock::now_ms()).unwrap_or(0));
        let wait = left.map_or(wait, |left| wait.min(Duration::from_millis(left)));
        let wait = Duration::from_secs(wait.as_secs() + 1);
        event::job_deferred(reason, wait);
        Admission::Later { wait, slot }
    }
}

/// Between once and twice the wait, so that jobs that were deferred together do not come back together.
fn jittered(wait: Duration) -> Duration {
    wait.max(SHORTEST).mul_f64(1.0 + fastrand::f64())
}
