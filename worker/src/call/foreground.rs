//! Attempts that wait in this process, for a person at a terminal. A job's attempts wait in the broker instead.

use std::time::Duration;

use tokio::time::Instant;

use super::{AdmitError, Calls, Outcome, Permit, PreparedCall, Progress, Reason};
use crate::clock;
use crate::job::Failure;
use crate::retry::Decision;
use crate::store;

/// Shorter waits between attempts are rounded up to this, as they are for jobs.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// How long a place at a host is waited for at a time.
const PATIENCE: Duration = Duration::from_secs(5);

/// An attempt that failed and is followed by another one.
#[derive(Debug)]
pub struct Retrying<'a> {
    /// The attempt that failed; counts from 1.
    pub attempt: u32,
    /// Why.
    pub failure: &'a Failure,
    /// Until the next one.
    pub wait: Duration,
}

impl Calls {
    /// Makes attempts until one succeeds or the policy ends; `on_retry` is called for each that is followed by another one.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn run(
        &self,
        call: &PreparedCall<'_>,
        mut on_retry: impl FnMut(Retrying<'_>),
    ) -> Result<Outcome, store::Error> {
        let (begun, mut attempt) = (Instant::now(), 1);
        loop {
            let permit = self.wait_for_permit(call).await?;
            let failure = match self.attempt(call, permit).await.outcome {
                completed @ Outcome::Completed(_) => return Ok(completed),
                Outcome::Failed(failure) => failure,
            };
            let progress = Progress { attempt, elapsed: begun.elapsed() };
            match self.decide(call, failure.clone(), progress, clock::now_ms()) {
                Decision::Fail(failure) => return Ok(Outcome::Failed(failure)),
                Decision::Retry { after } => {
                    let wait = after.max(SHORTEST_WAIT);
                    on_retry(Retrying { attempt, failure: &failure, wait });
                    tokio::time::sleep(wait).await;
                }
            }
            attempt += 1;
        }
    }

    /// A permit, waited for here however long it takes.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn wait_for_permit(&self, call: &PreparedCall<'_>) -> Result<Permit, store::Error> {
        let mut reserved = None;
        loop {
            match self.admit(call, reserved, PATIENCE).await {
                Ok(permit) => return Ok(permit),
                Err(AdmitError::Unavailable(error)) => return Err(error),
                Err(AdmitError::Later(later)) => {
                    if let Reason::RateLimit { slot } = later.reason {
                        reserved = Some(slot);
                    }
                    tokio::time::sleep(later.wait.max(SHORTEST_WAIT)).await;
                }
            }
        }
    }
}
