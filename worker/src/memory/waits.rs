//! Who waits for memory or for a turn: a job that does is not stuck as long as others get theirs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many waits of one job go on.
#[derive(Debug, Clone, Default)]
pub struct Waits(Arc<AtomicUsize>);

tokio::task_local! {
    static WAITS: Waits;
}

/// How many waits have ended in this process.
static ENDED: AtomicU64 = AtomicU64::new(0);

impl Waits {
    /// Whether the job waits.
    pub fn go_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// Counts the waits of this work as this job's.
    pub fn of<T>(self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        WAITS.scope(self, work)
    }
}

/// How many waits have ended so far.
pub fn ended() -> u64 {
    ENDED.load(Ordering::Relaxed)
}

/// A wait that goes on; one that is given up has not ended.
struct Wait;

impl Wait {
    fn begin() -> Self {
        WAITS.try_with(|Waits(waits)| waits.fetch_add(1, Ordering::Relaxed)).ok();
        Self
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        WAITS.try_with(|Waits(waits)| waits.fetch_sub(1, Ordering::Relaxed)).ok();
    }
}

/// Waits.
pub(super) async fn waiting<T>(wait: impl Future<Output = T>) -> T {
    let _wait = Wait::begin();
    let got = wait.await;
    ENDED.fetch_add(1, Ordering::Relaxed);
    got
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_wait_is_its_jobs_and_ends_once() {
        let (waits, before) = (Waits::default(), ended());
        {
            let mut job = Box::pin(waits.clone().of(waiting(std::future::pending::<()>())));
            assert!(job.as_mut().now_or_never().is_none() && waits.go_on());
        }
        assert!(!waits.go_on(), "it was given up");
        waits.clone().of(waiting(async {})).await;
        assert!(!waits.go_on() && ended() > before);
        waiting(async {}).await;
    }
}
