//! How often a token may ask, and how often an address may come without one (API 9). Each process counts for itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Entries after which those that are full again are removed.
const SWEEP: usize = 10_000;

/// A bucket for each key, which holds `burst` requests and is filled evenly over `period`.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    /// 0: no limit.
    burst: u32,
    period: Duration,
    /// When each bucket will be full again.
    full_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash> Buckets<K> {
    pub(super) fn new(burst: u32, period: Duration) -> Self {
        Self { burst, period, full_at: Mutex::default() }
    }

    /// Takes one from the bucket of `key`; else how long until there is one.
    pub(super) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        self.check(key, now, true)
    }

    /// Whether the bucket of `key` has one; else how long until it has.
    pub(super) fn look(&self, key: K, now: Instant) -> Result<(), Duration> {
        self.check(key, now, false)
    }

    fn check(&self, key: K, now: Instant, take: bool) -> Result<(), Duration> {
        if self.burst == 0 {
            return Ok(());
        }
        let each = self.period / self.burst;
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() > SWEEP {
            full_at.retain(|_, full| *full > now);
        }
        let full = full_at.get(&key).copied().filter(|full| *full > now).unwrap_or(now);
        let wait = (full + each).saturating_duration_since(now + self.period);
        if !wait.is_zero() {
            return Err(wait);
        }
        if take {
            full_at.insert(key, full + each);
        }
        Ok(())
    }
}

/// Whole seconds to wait, at least one.
pub(super) fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_burst_and_fills_evenly() {
        let buckets = Buckets::new(4, Duration::from_secs(1));
        let now = Instant::now();
        let taken = (0..10).filter(|_| buckets.take("a", now).is_ok()).count();
        assert_eq!(taken, 4);
        assert_eq!(buckets.look("a", now), Err(Duration::from_millis(250)));
        assert_eq!(buckets.take("b", now), Ok(()), "each key has its own");
        let later = now + Duration::from_millis(500);
        let taken = (0..10).filter(|_| buckets.take("a", later).is_ok()).count();
        assert_eq!(taken, 2);
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_millis(1_001)), 2);
    }

    #[test]
    fn looking_takes_nothing_and_none_is_no_limit() {
        let buckets = Buckets::new(1, Duration::from_mins(1));
        let now = Instant::now();
        assert_eq!(buckets.look("a", now).and_then(|()| buckets.look("a", now)), Ok(()));
        let unlimited = Buckets::new(0, Duration::from_secs(1));
        assert!((0..100_000).all(|_| unlimited.take("a", now).is_ok()));
    }
}
