//! The jobs that this process has in hand: how many there may be, and the time each of them may still take.
//!
//! A place and the record of it are one guard, so that a place that got lost is noticed like a job that does not get on.
//! Time counts only while broker and database are there, since a job may wait for them as long as it has to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::telemetry::metric;

/// All jobs in hand.
#[derive(Debug)]
pub(super) struct Hand {
    places: Arc<Semaphore>,
    allowance: Duration,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    places: usize,
    next: u64,
    jobs: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    job: Option<String>,
    left: Duration,
}

/// One job in hand, until it is dropped.
#[derive(Debug)]
pub(super) struct InHand {
    hand: Arc<Hand>,
    number: u64,
    _place: OwnedSemaphorePermit,
}

impl Hand {
    /// At most `places` jobs; `allowance` is what each may take beside its call.
    pub(super) fn new(places: usize, allowance: Duration) -> Arc<Self> {
        let held = Mutex::new(Held { places, next: 0, jobs: HashMap::new() });
        Arc::new(Self { places: Arc::new(Semaphore::new(places)), allowance, held })
    }

    /// At most `places` jobs from now on; returns once no more than that are in hand.
    pub(super) async fn resize(&self, places: usize) {
        let before = std::mem::replace(&mut self.lock().places, places);
        self.places.add_permits(places.saturating_sub(before));
        for _ in places..before {
            // Whoever waits for a place waits behind this.
            if let Ok(place) = self.places.acquire().await {
                place.forget();
            }
        }
    }

    /// A free place, as soon as there is one; never `None` while the process works.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// One more job.
    pub(super) fn take(self: &Arc<Self>, place: OwnedSemaphorePermit) -> InHand {
        let mut held = self.lock();
        held.next += 1;
        let number = held.next;
        held.jobs.insert(number, Entry { job: None, left: self.allowance });
        metrics::gauge!(metric::IN_FLIGHT).increment(1.0);
        InHand { hand: Arc::clone(self), number, _place: place }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Lets `passed` go by; a job whose time is over, if there is one.
    pub(super) fn pass(&self, passed: Duration) -> Option<String> {
        let mut overdue = None;
        for entry in self.lock().jobs.values_mut() {
            entry.left = entry.left.saturating_sub(passed);
            if entry.left.is_zero() {
                overdue = Some(entry.job.clone().unwrap_or_else(|| "of an unread message".to_owned()));
            }
        }
        overdue
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InHand {
    /// Says whose it is.
    pub(super) fn is_of(&self, job: &str) {
        self.change(|entry| entry.job = Some(job.to_owned()));
    }

    /// What it does next may take this long, beside what everything else takes.
    pub(super) fn may_take(&self, time: Duration) {
        let left = self.hand.allowance.saturating_add(time);
        self.change(|entry| entry.left = left);
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.hand.lock().jobs.get_mut(&self.number) {
            change(entry);
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.hand.lock().jobs.remove(&self.number);
        metrics::gauge!(metric::IN_FLIGHT).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn take(hand: &Arc<Hand>) -> InHand {
        hand.take(hand.place().await.unwrap())
    }

    #[tokio::test]
    async fn a_job_is_overdue_when_its_time_is_over_and_not_before() {
        let hand = Hand::new(2, Duration::from_secs(2));
        let (slow, quick) = (take(&hand).await, take(&hand).await);
        slow.is_of("j1");
        quick.is_of("j2");
        slow.may_take(Duration::from_secs(3));
        assert_eq!((hand.len(), hand.pass(Duration::from_secs(1))), (2, None));
        drop(quick);
        assert_eq!((hand.len(), hand.pass(Duration::from_secs(3))), (1, None));
        assert_eq!(hand.pass(Duration::from_secs(1)), Some("j1".to_owned()));
        drop(slow);
        assert_eq!((hand.len(), hand.pass(Duration::from_hours(1))), (0, None));
    }

    #[tokio::test]
    async fn there_may_be_more_or_fewer_jobs_while_some_are_in_hand() {
        let hand = Hand::new(2, Duration::from_secs(2));
        let mut held = vec![take(&hand).await, take(&hand).await];
        hand.resize(3).await;
        held.push(take(&hand).await);
        let smaller = tokio::spawn({
            let hand = Arc::clone(&hand);
            async move { hand.resize(1).await }
        });
        let soon = Duration::from_millis(20);
        for _ in 0..2 {
            tokio::time::sleep(soon).await;
            assert!(!smaller.is_finished());
            held.pop();
        }
        smaller.await.unwrap();
        assert!(tokio::time::timeout(soon, hand.place()).await.is_err(), "one is in hand");
        held.pop();
        let _last = take(&hand).await;
        assert!(tokio::time::timeout(soon, hand.place()).await.is_err());
    }

    #[tokio::test]
    async fn a_place_that_got_lost_is_overdue_too() {
        let hand = Hand::new(1, Duration::from_secs(2));
        std::mem::forget(take(&hand).await);
        assert!(tokio::time::timeout(Duration::from_millis(20), hand.place()).await.is_err());
        assert!(hand.pass(Duration::from_secs(2)).is_some());
    }
}
