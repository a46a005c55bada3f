//! The jobs that this process works on: how many there may be, and the time that each of them may still take.
//!
//! A job's permit and its record are one guard, so that a leaked permit is noticed like a job that makes no progress. Time
//! counts only while broker and database can be reached, since a job may wait for them as long as it has to; and a job that
//! waits for memory has its base budget again whenever another one got some.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::memory::{self, Waits};
use crate::telemetry::metric;

/// The jobs of this process.
#[derive(Debug)]
pub(super) struct InFlight {
    permits: Arc<Semaphore>,
    base_budget: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    permits: usize,
    next: u64,
    jobs: HashMap<u64, Entry>,
    /// How many waits for memory had ended by the last tick.
    ended_waits: u64,
}

#[derive(Debug)]
struct Entry {
    job: Option<String>,
    left: Duration,
    waits: Waits,
}

/// One job that is worked on, until it is dropped.
#[derive(Debug)]
pub(super) struct InFlightJob {
    in_flight: Arc<InFlight>,
    number: u64,
    waits: Waits,
    _permit: OwnedSemaphorePermit,
}

impl InFlight {
    /// At most `permits` jobs; `base_budget` is what each may take next to its call.
    pub(super) fn new(permits: usize, base_budget: Duration) -> Arc<Self> {
        let state = Mutex::new(State { permits, next: 0, jobs: HashMap::new(), ended_waits: 0 });
        Arc::new(Self { permits: Arc::new(Semaphore::new(permits)), base_budget, state })
    }

    /// At most `permits` jobs from now on; returns once no more than that are worked on.
    pub(super) async fn resize(&self, permits: usize) {
        let before = std::mem::replace(&mut self.lock().permits, permits);
        self.permits.add_permits(permits.saturating_sub(before));
        for _ in permits..before {
            // Jobs that wait for a permit wait behind this.
            if let Ok(permit) = self.permits.acquire().await {
                permit.forget();
            }
        }
    }

    /// A free permit, as soon as there is one; never `None` while the process works.
    pub(super) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// One more job.
    pub(super) fn take(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> InFlightJob {
        let mut state = self.lock();
        state.next += 1;
        let number = state.next;
        let waits = Waits::default();
        state.jobs.insert(number, Entry { job: None, left: self.base_budget, waits: waits.clone() });
        metrics::gauge!(metric::IN_FLIGHT).increment(1.0);
        InFlightJob { in_flight: Arc::clone(self), number, waits, _permit: permit }
    }

    /// How many jobs there are.
    pub(super) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// How many there may be.
    pub(super) fn limit(&self) -> usize {
        self.lock().permits
    }

    /// Takes `elapsed` off every job's budget; returns a job whose budget is used up, if there is one.
    pub(super) fn tick(&self, elapsed: Duration) -> Option<String> {
        let (mut overdue, mut state, ended_waits) = (None, self.lock(), memory::ended_waits());
        let go_on = std::mem::replace(&mut state.ended_waits, ended_waits) != ended_waits;
        for entry in state.jobs.values_mut() {
            if go_on && entry.waits.go_on() {
                entry.left = entry.left.max(self.base_budget);
            }
            entry.left = entry.left.saturating_sub(elapsed);
            if entry.left.is_zero() {
                overdue = Some(entry.job.clone().unwrap_or_else(|| "of an unread message".to_owned()));
            }
        }
        overdue
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlightJob {
    /// Whose waits for memory are this job's.
    pub(super) fn waits(&self) -> Waits {
        self.waits.clone()
    }

    /// Names the job, for whoever finds it overdue.
    pub(super) fn set_job_id(&self, job: &str) {
        self.change(|entry| entry.job = Some(job.to_owned()));
    }

    /// Sets the time that its next step may take, on top of the base budget.
    pub(super) fn set_time_budget(&self, time: Duration) {
        let left = self.in_flight.base_budget.saturating_add(time);
        self.change(|entry| entry.left = left);
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.in_flight.lock().jobs.get_mut(&self.number) {
            change(entry);
        }
    }
}

impl Drop for InFlightJob {
    fn drop(&mut self) {
        self.in_flight.lock().jobs.remove(&self.number);
        metrics::gauge!(metric::IN_FLIGHT).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    async fn take(in_flight: &Arc<InFlight>) -> InFlightJob {
        in_flight.take(in_flight.permit().await.unwrap())
    }

    #[tokio::test]
    async fn a_job_is_overdue_when_its_time_is_over_and_not_before() {
        let in_flight = InFlight::new(2, Duration::from_secs(2));
        let (slow, quick) = (take(&in_flight).await, take(&in_flight).await);
        slow.set_job_id("j1");
        quick.set_job_id("j2");
        slow.set_time_budget(Duration::from_secs(3));
        assert_eq!((in_flight.len(), in_flight.tick(Duration::from_secs(1))), (2, None));
        drop(quick);
        assert_eq!((in_flight.len(), in_flight.tick(Duration::from_secs(3))), (1, None));
        assert_eq!(in_flight.tick(Duration::from_secs(1)), Some("j1".to_owned()));
        drop(slow);
        assert_eq!((in_flight.len(), in_flight.tick(Duration::from_hours(1))), (0, None));
    }

    #[tokio::test]
    async fn a_job_that_waits_for_memory_is_overdue_when_nobody_gets_any() {
        let in_flight = InFlight::new(1, Duration::from_secs(2));
        let (job, memory) = (take(&in_flight).await, memory::Memory::new(1024 * 1024));
        let all = memory.message(3 * 1024 * 128).await.unwrap();
        let mut waits = Box::pin(job.waits().of(memory.message(memory::LARGE)));
        assert!(waits.as_mut().now_or_never().is_none());
        for _ in 0..5 {
            // Another one gets its part.
            memory.answer(memory::LARGE, 0).await.unwrap();
            assert_eq!(in_flight.tick(Duration::from_secs(1)), None);
        }
        drop((waits, all));
        in_flight.tick(Duration::from_secs(1));
        assert!(in_flight.tick(Duration::from_secs(1)).is_some(), "it does not wait any more");
    }

    #[tokio::test]
    async fn there_may_be_more_or_fewer_jobs_while_some_are_in_hand() {
        let in_flight = InFlight::new(2, Duration::from_secs(2));
        let mut state = vec![take(&in_flight).await, take(&in_flight).await];
        in_flight.resize(3).await;
        state.push(take(&in_flight).await);
        let smaller = tokio::spawn({
            let in_flight = Arc::clone(&in_flight);
            async move { in_flight.resize(1).await }
        });
        let soon = Duration::from_millis(20);
        for _ in 0..2 {
            tokio::time::sleep(soon).await;
            assert!(!smaller.is_finished());
            state.pop();
        }
        smaller.await.unwrap();
        assert!(tokio::time::timeout(soon, in_flight.permit()).await.is_err(), "one is in in_flight");
        state.pop();
        let _last = take(&in_flight).await;
        assert!(tokio::time::timeout(soon, in_flight.permit()).await.is_err());
    }

    #[tokio::test]
    async fn a_place_that_got_lost_is_overdue_too() {
        let in_flight = InFlight::new(1, Duration::from_secs(2));
        std::mem::forget(take(&in_flight).await);
        assert!(tokio::time::timeout(Duration::from_millis(20), in_flight.permit()).await.is_err());
        assert!(in_flight.tick(Duration::from_secs(2)).is_some());
    }
}
