//! What is known of each origin's idle connections: for how long they may lie idle, and which requests may go out on one.
//!
//! A server that closes its connections soon after an answer, and does not say so, takes whatever is just being sent with
//! them: of a request that is not simply sent again nobody knows then whether it took effect. So such a request has a
//! connection of its own until the origin was seen to keep one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use moka::sync::Cache;
use tokio::time::Instant;
use url::Url;

use super::keep_alive;

/// How many origins are remembered, and how long after their last request.
const ORIGINS: u64 = 10_000;
const ORIGINS_IDLE: Duration = Duration::from_hours(1);
/// A connection that was idle for this long and is still open is one that its server keeps: one that its server closed
/// earlier was taken out of the pool by then.
const PROOF: Duration = Duration::from_secs(1);

/// The origins that were called.
#[derive(Debug)]
pub(super) struct Origins(Cache<String, Arc<Origin>>);

/// What is known of one origin.
#[derive(Debug, Default)]
pub(super) struct Origin(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// For how long its server says that one may lie idle.
    keep_alive: Option<Duration>,
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
    origin: Arc<Origin>,
    /// For how long the pool's newest connection had been idle; unknown where others were using the pool.
    idle: Option<Duration>,
}

impl Default for Origins {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(ORIGINS).time_to_idle(ORIGINS_IDLE).build())
    }
}

impl Origins {
    /// The origin of a URL.
    pub(super) fn of(&self, url: &Url) -> Arc<Origin> {
        self.0.get_with(url.origin().ascii_serialization(), Arc::default)
    }
}

impl Origin {
    /// For a request that is sent again where its connection turns out to be closed.
    pub(super) fn for_repeatable(self: &Arc<Self>) -> Use {
        Use::begin(self, &mut self.known())
    }

    /// For any other one; `None` means that it needs a connection of its own.
    pub(super) fn where_kept(self: &Arc<Self>) -> Option<Use> {
        let mut known = self.known();
        let idle = known.idle();
        let may = match (known.kept, idle) {
            (Some(kept), Some(idle)) => !known.closes || idle <= kept,
            (Some(_), None) => !known.closes,
            // One at a time finds out: on a new connection, or on one that has been idle for long enough.
            (None, Some(idle)) => idle >= PROOF,
            (None, None) => known.busy == 0,
        };
        (may || known.multiplexes).then(|| Use::begin(self, &mut known))
    }

    /// There was an answer over HTTP/2.
    pub(super) fn multiplexes(&self) {
        self.known().multiplexes = true;
    }

    /// How long a connection may have been idle; `None` where the server has not said.
    pub(super) fn keep_alive(&self) -> Option<Duration> {
        self.known().keep_alive
    }

    /// Remembers what an answer says about it.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        if let Some(idle) = keep_alive::idle(headers) {
            self.known().keep_alive = Some(idle);
        }
    }

    /// What is noted is whole after every step: a panic elsewhere leaves nothing half done.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// For how long the newest connection has been idle; unknown while requests use the pool.
    fn idle(&self) -> Option<Duration> {
        self.idle_since.map(|since| since.elapsed()).filter(|_| self.busy == 0)
    }
}

impl Use {
    fn begin(origin: &Arc<Origin>, known: &mut Known) -> Self {
        let idle = known.idle();
        known.busy += 1;
        Self { origin: Arc::clone(origin), idle }
    }

    /// There was an answer on a connection that had been idle.
    pub(super) fn was_kept(&self) {
        let mut known = self.origin.known();
        known.kept = known.kept.max(Some(self.idle.unwrap_or_default()));
    }

    /// There was no connection left, although the pool would have kept one for `pool_idle`.
    pub(super) fn was_dialled(&self, pool_idle: Duration) {
        if self.idle.is_some_and(|idle| idle < pool_idle) {
            self.origin.known().closes = true;
        }
    }

    /// A connection that had been idle ended under the request.
    pub(super) fn broke(&self) {
        let mut known = self.origin.known();
        (known.kept, known.closes) = (None, true);
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let mut known = self.origin.known();
        known.busy = known.busy.saturating_sub(1);
        known.idle_since = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use http::header::HeaderName;

    use super::*;

    #[test]
    fn what_a_server_says_counts_for_its_origin() {
        let origins = Origins::default();
        let of = |url: &str| origins.of(&Url::parse(url).unwrap());
        let headers =
            |text: &str| HeaderMap::from_iter([(HeaderName::from_static("keep-alive"), text.parse().unwrap())]);
        of("http://h:8080/a?b").learn(&headers("timeout=5"));
        of("http://h:8080/c").learn(&headers("max=100"));
        assert_eq!(of("http://h:8080/d").keep_alive(), Some(Duration::from_secs(4)));
        for other in ["https://h:8080/a", "http://h/a", "http://i:8080/a"] {
            assert_eq!(of(other).keep_alive(), None, "{other}");
        }
    }
}
