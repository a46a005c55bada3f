//! Permits to call a host: a circuit breaker and a concurrency limit for each of them, shared by all calls of a process.
//!
//! Knows hosts and times; must not know jobs. What it refuses costs no attempt.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::circuit_breaker::{CircuitBreaker, FAILURES, Passage};
use super::concurrency_limit::{Change, ConcurrencyLimit};
use crate::job::{Code, Failure, Retriable};
use crate::plan::RequestSpec;

/// How long a call waits for a permit of a host whose calls come and go.
const WAIT: Duration = Duration::from_millis(100);
/// Hosts that are remembered while nothing is known of them that a new one would not begin with.
const REMEMBERED: usize = 4_096;

/// Why there is no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPermit {
    /// The host does not answer, and no call is made to it for this long.
    CircuitOpen { wait: Duration },
    /// The host has all the calls that it may have.
    Full,
}

/// The hosts that this process calls.
#[derive(Debug)]
pub struct HostLimiter {
    per_host: AtomicUsize,
    hosts: Mutex<HashMap<String, Host>>,
}

#[derive(Debug)]
struct Host {
    permits: Arc<Semaphore>,
    limit: ConcurrencyLimit,
    breaker: CircuitBreaker,
}

/// One call's permit, given back when it is dropped.
#[derive(Debug)]
pub(super) struct HostPermit {
    limiter: Arc<HostLimiter>,
    host: String,
    passage: Passage,
    /// `None` while it is waited for.
    permit: Option<OwnedSemaphorePermit>,
}

impl HostLimiter {
    /// At most `per_host` calls at once to each host.
    pub fn new(per_host: usize) -> Arc<Self> {
        Arc::new(Self { per_host: per_host.into(), hosts: Mutex::default() })
    }

    /// At most this many from now on; calls under way end first.
    pub fn resize(&self, per_host: usize) {
        self.per_host.store(per_host, Ordering::Relaxed);
        for host in self.lock().values_mut() {
            host.permits.add_permits(host.limit.raise(per_host));
        }
    }

    /// How many hosts have an open circuit.
    pub fn open_circuits(&self) -> usize {
        self.lock().values().filter(|host| !host.breaker.is_closed()).count()
    }

    /// A permit for the request's host. A busy host is waited for shortly; one that is stalled or does not answer is not.
    pub(super) async fn acquire(self: &Arc<Self>, request: &RequestSpec) -> Result<HostPermit, NoPermit> {
        self.acquire_for(&request.authority()).await
    }

    async fn acquire_for(self: &Arc<Self>, host: &str) -> Result<HostPermit, NoPermit> {
        let (permits, passage, is_stalled) = self.pass(host)?;
        // Made before the wait, so that a probe that gives up waiting is abandoned.
        let mut permit = HostPermit { limiter: Arc::clone(self), host: host.to_owned(), passage, permit: None };
        permit.permit = match Arc::clone(&permits).try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) if is_stalled => None,
            Err(_) => timeout(WAIT, permits.acquire_owned()).await.ok().and_then(Result::ok),
        };
        if permit.permit.is_some() { Ok(permit) } else { Err(NoPermit::Full) }
    }

    fn pass(&self, name: &str) -> Result<(Arc<Semaphore>, Passage, bool), NoPermit> {
        let mut hosts = self.lock();
        if hosts.len() >= REMEMBERED && !hosts.contains_key(name) {
            hosts.retain(|_, host| !host.breaker.is_new() || Arc::strong_count(&host.permits) > 1);
        }
        let now = Instant::now();
        let host = hosts.entry(name.to_owned()).or_insert_with(|| Host::new(self.greatest(), now));
        let passage = host.breaker.pass(now).map_err(|wait| NoPermit::CircuitOpen { wait })?;
        Ok((Arc::clone(&host.permits), passage, host.limit.is_stalled(now)))
    }

    fn greatest(&self) -> usize {
        self.per_host.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        // The map is consistent at every await and at every panic.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    fn new(greatest: usize, now: Instant) -> Self {
        let limit = ConcurrencyLimit::initial(greatest, now);
        Self { permits: Arc::new(Semaphore::new(limit.limit())), limit, breaker: CircuitBreaker::default() }
    }

    fn succeeded(&mut self, name: &str, greatest: usize) -> Change {
        if self.breaker.succeeded() {
            tracing::info!(host = name, "the host answers again; calls to it go on");
        }
        self.limit.succeeded(greatest)
    }

    fn failed(&mut self, name: &str, passage: Passage, greatest: usize) -> Change {
        if self.breaker.failed(passage, Instant::now()) {
            tracing::warn!(
                host = name,
                "{FAILURES} calls in a row had no answer; calls to this host wait, which costs them no attempt, and a probe \
                 from time to time finds out whether it is back"
            );
        }
        self.limit.failed(greatest)
    }
}

impl HostPermit {
    /// Gives the permit back and reports how its call went. A call that failed before anything was sent says nothing about
    /// the host.
    pub(super) fn report(mut self, failure: Option<&Failure>) {
        if failure.is_none_or(|failure| failure.attempted) {
            self.report_answer(failure.is_none_or(has_answered));
        }
    }

    fn report_answer(&mut self, has_answered: bool) {
        let greatest = self.limiter.greatest();
        let mut hosts = self.limiter.lock();
        let Some(host) = hosts.get_mut(&self.host) else { return };
        let change = if has_answered {
            host.succeeded(&self.host, greatest)
        } else {
            host.failed(&self.host, self.passage, greatest)
        };
        // The probe is over: nothing is left to be abandoned.
        self.passage = Passage::Call;
        match change {
            Change::None => {}
            Change::Grow => host.permits.add_permits(1),
            Change::Shrink => {
                if let Some(permit) = self.permit.take() {
                    permit.forget();
                }
            }
        }
        host.limit.released(Instant::now());
    }
}

impl Drop for HostPermit {
    fn drop(&mut self) {
        if let Some(host) = self.limiter.lock().get_mut(&self.host) {
            if self.permit.is_some() {
                host.limit.released(Instant::now());
            }
            if self.passage == Passage::Probe {
                host.breaker.probe_abandoned(Instant::now());
            }
        }
    }
}

/// Whether the host gave an answer that it stands behind. Gateways answer for hosts that do not; one that says when to come
/// back is there.
fn has_answered(failure: &Failure) -> bool {
    match failure.status {
        Some(502..=504) => matches!(failure.retriable, Retriable::Retry { after: Some(_) }),
        Some(_) => true,
        None => !matches!(failure.code, Code::Connect | Code::Timeout | Code::OutcomeUnknown),
    }
}

#[cfg(test)]
mod tests {
    use super::super::circuit_breaker::FAILURES;
    use super::super::concurrency_limit::STALLED;
    use super::*;

    async fn call(limiter: &Arc<HostLimiter>, has_answered: bool) {
        limiter.acquire_for("h").await.unwrap().report_answer(has_answered);
    }

    #[tokio::test]
    async fn a_busy_host_is_waited_for_and_a_stalled_one_is_not() {
        let limiter = HostLimiter::new(8);
        let (first, _second) = (limiter.acquire_for("h").await.unwrap(), limiter.acquire_for("h").await.unwrap());
        let begun = Instant::now();
        assert_eq!(limiter.acquire_for("h").await.unwrap_err(), NoPermit::Full);
        assert!(begun.elapsed() >= WAIT, "{:?}", begun.elapsed());
        let waiting = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            async move { limiter.acquire_for("h").await }
        });
        tokio::time::sleep(WAIT / 4).await;
        drop(first);
        let _third = waiting.await.unwrap().unwrap();
        tokio::time::sleep(STALLED + WAIT).await;
        let begun = Instant::now();
        assert_eq!(limiter.acquire_for("h").await.unwrap_err(), NoPermit::Full);
        assert!(begun.elapsed() < WAIT, "{:?}", begun.elapsed());
        assert!(limiter.acquire_for("other").await.is_ok());
    }

    #[tokio::test]
    async fn a_host_earns_its_permits_by_answering_and_loses_them_by_silence() {
        let limiter = HostLimiter::new(8);
        let free = || limiter.lock().get("h").map(|host| (host.limit.limit(), host.permits.available_permits()));
        drop(limiter.acquire_for("h").await.unwrap());
        assert_eq!(free(), Some((2, 2)));
        for _ in 0..9 {
            call(&limiter, true).await;
        }
        assert_eq!(free(), Some((8, 8)));
        for _ in 0..4 {
            call(&limiter, false).await;
        }
        assert_eq!(free(), Some((4, 4)));
        for _ in 0..4 {
            call(&limiter, false).await;
        }
        assert_eq!(free(), Some((2, 2)), "never less than it began with");
        for _ in 0..9 {
            call(&limiter, true).await;
        }
        limiter.resize(5);
        for _ in 0..9 {
            call(&limiter, true).await;
        }
        assert_eq!(free(), Some((5, 5)), "an operator may want fewer");
    }

    #[tokio::test]
    async fn a_probe_that_is_given_up_leaves_the_question_to_another_call() {
        let limiter = HostLimiter::new(1);
        for _ in 0..FAILURES {
            call(&limiter, false).await;
        }
        assert_eq!(limiter.open_circuits(), 1);
        let over = CircuitBreaker::Open { until: Instant::now(), backoff: Duration::from_secs(5) };
        limiter.lock().get_mut("h").unwrap().breaker = over;
        let probe = limiter.acquire_for("h").await.unwrap();
        assert!(matches!(limiter.acquire_for("h").await, Err(NoPermit::CircuitOpen { .. })));
        drop(probe);
        call(&limiter, true).await;
        assert_eq!(limiter.open_circuits(), 0);
    }

    #[tokio::test]
    async fn hosts_are_forgotten_unless_something_is_known_of_them() {
        let limiter = HostLimiter::new(2);
        call(&limiter, false).await;
        let _busy = limiter.acquire_for("busy").await.unwrap();
        for n in 0..=REMEMBERED {
            drop(limiter.acquire_for(&format!("h{n}")).await.unwrap());
        }
        let hosts = limiter.lock();
        assert!(hosts.len() < 10 && hosts.contains_key("h") && hosts.contains_key("busy"), "{}", hosts.len());
    }

    #[tokio::test]
    async fn what_was_never_sent_does_not_close_a_circuit() {
        let limiter = HostLimiter::new(80);
        let silent = Failure::of_attempt(Code::Connect, "", Retriable::Final);
        let under_way = limiter.acquire_for("h").await.unwrap();
        let mut last = Vec::new();
        for _ in 0..FAILURES {
            last.push(limiter.acquire_for("h").await.unwrap());
        }
        let late = last.pop().unwrap();
        limiter.acquire_for("h").await.map(|permit| permit.report(Some(&silent))).unwrap();
        for permit in last {
            permit.report(Some(&silent));
        }
        assert_eq!(limiter.open_circuits(), 1);
        late.report(Some(&Failure::before_any_attempt(Code::Denied, "")));
        assert_eq!(limiter.open_circuits(), 1);
        under_way.report(None);
        assert_eq!(limiter.open_circuits(), 0);
    }

    #[test]
    fn a_host_that_says_when_to_come_back_is_there() {
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
            let failure = Failure { status, ..Failure::of_attempt(code, "", Retriable::Retry { after }) };
            assert_eq!(has_answered(&failure), expected, "{code} {status:?} {after:?}");
        }
    }
}
