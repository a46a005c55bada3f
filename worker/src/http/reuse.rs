//! Which requests may go out on a connection that lies idle.
//!
//! A server that closes its connections soon after an answer, and does not say so, takes whatever is just being sent with
//! them: of a request that is not simply sent again nobody knows then whether it took effect. So such a request has a
//! connection of its own until the origin was seen to keep one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;
use url::Url;

/// How many origins are remembered, and how long after their last request.
const ORIGINS: u64 = 10_000;
const ORIGINS_IDLE: Duration = Duration::from_hours(1);
/// A connection that was idle for this long and is still open is one that its server keeps: one that its server closed
/// earlier was taken out of the pool by then.
const PROOF: Duration = Duration::from_secs(1);

/// What is known of the origins' idle connections.
#[derive(Debug)]
pub(super) struct Reuse(Cache<String, Arc<Mutex<Origin>>>);

#[derive(Debug, Default)]
struct Origin {
    /// For how long a connection was idle and then carried another request.
    kept: Option<Duration>,
    /// Whether its connections carry many requests at once, and announce their end (HTTP/2).
    multiplexes: bool,
    /// Whether one was closed within the time for which the pool would have kept it.
    closes: bool,
    /// Requests that are using the pool now.
    busy: u32,
    /// Since when none is.
    idle_since: Option<Instant>,
}

/// A request that uses the pool; ends when its answer was read.
#[derive(Debug)]
pub(super) struct Use {
    origin: Arc<Mutex<Origin>>,
    /// For how long the pool's newest connection had been idle; unknown where others were using the pool.
    idle: Option<Duration>,
}

impl Default for Reuse {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(ORIGINS).time_to_idle(ORIGINS_IDLE).build())
    }
}

impl Reuse {
    /// For a request that is sent again where its connection turns out to be closed.
    pub(super) fn for_repeatable(&self, url: &Url) -> Use {
        let origin = self.origin(url);
        Use::begin(&origin, &mut locked(&origin))
    }

    /// For any other one; `None` means that it needs a connection of its own.
    pub(super) fn where_kept(&self, url: &Url) -> Option<Use> {
        let origin = self.origin(url);
        let mut known = locked(&origin);
        let idle = known.idle_since.map(|since| since.elapsed()).filter(|_| known.busy == 0);
        let may = match (known.kept, idle) {
            (Some(kept), Some(idle)) => !known.closes || idle <= kept,
            (Some(_), None) => !known.closes,
            // One at a time finds out: on a new connection, or on one that has been idle for long enough.
            (None, Some(idle)) => idle >= PROOF,
            (None, None) => known.busy == 0,
        };
        (may || known.multiplexes).then(|| Use::begin(&origin, &mut known))
    }

    /// There was an answer over HTTP/2.
    pub(super) fn multiplexes(&self, url: &Url) {
        locked(&self.origin(url)).multiplexes = true;
    }

    fn origin(&self, url: &Url) -> Arc<Mutex<Origin>> {
        self.0.get_with(url.origin().ascii_serialization(), Arc::default)
    }
}

impl Use {
    fn begin(origin: &Arc<Mutex<Origin>>, known: &mut Origin) -> Self {
        let idle = known.idle_since.map(|since| since.elapsed()).filter(|_| known.busy == 0);
        known.busy += 1;
        Self { origin: Arc::clone(origin), idle }
    }

    /// There was an answer on a connection that had been idle.
    pub(super) fn was_kept(&self) {
        let mut known = locked(&self.origin);
        known.kept = known.kept.max(Some(self.idle.unwrap_or_default()));
    }

    /// There was no connection left, although the pool would have kept one for `pool_idle`.
    pub(super) fn was_dialled(&self, pool_idle: Duration) {
        if self.idle.is_some_and(|idle| idle < pool_idle) {
            locked(&self.origin).closes = true;
        }
    }

    /// A connection that had been idle ended under the request.
    pub(super) fn broke(&self) {
        let mut known = locked(&self.origin);
        (known.kept, known.closes) = (None, true);
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let mut known = locked(&self.origin);
        known.busy = known.busy.saturating_sub(1);
        known.idle_since = Some(Instant::now());
    }
}

/// What is noted is whole after every step: a panic elsewhere leaves nothing half done.
fn locked(origin: &Mutex<Origin>) -> MutexGuard<'_, Origin> {
    origin.lock().unwrap_or_else(PoisonError::into_inner)
}
