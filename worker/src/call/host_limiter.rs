//! Permits to call a resource of a host: a circuit breaker and a limit of calls for each of them, shared by all calls of a
//! process.
//!
//! Knows hosts and who waits for them; must not know jobs. What it refuses costs no attempt.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::circuit_breaker::Passage;
use super::concurrency_limit::{few, quarter, share};
use super::host::{Change, End, Host, LastFailure, Places, Turn};
use crate::job::{Code, Failure, Retriable};

/// Hosts that are remembered while nothing is known of them that a new one would not begin with.
const REMEMBERED: usize = 4_096;
/// Calls to other hosts that have to hang before places are scarce: half of what one host may have, and no fewer than this.
const MANY: usize = 16;

/// Why there is no permit, and when to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoPermit {
    pub(super) wait: Duration,
    pub(super) why: Why,
}

/// What there is no permit for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The resource does not answer.
    CircuitOpen(Option<LastFailure>),
    /// All places are taken by calls that hang.
    Hangs,
    /// All places are taken.
    Full,
    /// The resource has not answered yet, and has the places that calls to other hosts leave it.
    Unknown,
}

/// What is called: host and port, and the resource there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) resource: String,
}

/// The hosts that this process calls.
#[derive(Debug)]
pub struct HostLimiter {
    per_host: AtomicUsize,
    hosts: Mutex<HashMap<String, Entry>>,
}

/// A host, and who waits for a place there, the first one first.
#[derive(Debug, Default)]
struct Entry {
    host: Host,
    waiting: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    target: Target,
    ready: oneshot::Sender<HostPermit>,
}

/// One call's permit, given back when it is dropped.
#[derive(Debug)]
pub(super) struct HostPermit {
    limiter: Arc<HostLimiter>,
    target: Target,
    passage: Passage,
    begun: Instant,
    is_over: bool,
}

/// What a call is told that asks for a permit.
enum Asked {
    Go(HostPermit),
    Wait { until: Instant, turn: oneshot::Receiver<HostPermit> },
    No(NoPermit),
}

impl HostLimiter {
    /// At most `per_host` calls at once to each host.
    pub fn new(per_host: usize) -> Arc<Self> {
        Arc::new(Self { per_host: per_host.into(), hosts: Mutex::default() })
    }

    /// At most this many from now on; calls under way end first.
    pub fn resize(self: &Arc<Self>, per_host: usize) {
        self.per_host.store(per_host, Ordering::Relaxed);
        let mut unwanted = Vec::new();
        let places = Places { host: per_host, unknown: share(per_host) };
        for entry in self.lock().values_mut() {
            entry.host.resize(per_host);
            unwanted.extend(entry.admit_waiting(self, places, Instant::now()));
        }
        drop(unwanted);
    }

    /// How many hosts have a resource whose circuit is open.
    pub fn open_circuits(&self) -> usize {
        self.lock().values().filter(|entry| entry.host.is_open()).count()
    }

    /// A permit for the target. Where all places are taken by calls that come and go, one of them is waited for, no longer
    /// than `patience`; one call to a resource that does not answer waits until it may find out whether that is back.
    pub(super) async fn acquire(self: &Arc<Self>, target: &Target, patience: Duration) -> Result<HostPermit, NoPermit> {
        let limit = Instant::now() + patience;
        loop {
            let (until, mut turn) = match self.ask(target, limit) {
                Asked::Go(permit) => return Ok(permit),
                Asked::No(refused) => return Err(refused),
                Asked::Wait { until, turn } => (until, turn),
            };
            match timeout_at(until.into(), &mut turn).await {
                Ok(Ok(permit)) => return Ok(permit),
                // Whoever waits for a resource is sent away when its circuit opens, and asks why.
                Ok(Err(_)) => {}
                Err(_) => {
                    turn.close();
                    if let Ok(permit) = turn.try_recv() {
                        return Ok(permit);
                    }
                }
            }
        }
    }

    /// Asks for a turn; where there is none yet, a place among those who wait, until a time no later than `limit`.
    fn ask(self: &Arc<Self>, target: &Target, limit: Instant) -> Asked {
        let mut hosts = self.lock();
        if hosts.len() >= REMEMBERED && !hosts.contains_key(&target.host) {
            hosts.retain(|_, entry| !entry.host.is_new());
        }
        let now = Instant::now();
        let places = self.places(&hosts, target, now);
        let entry = hosts.entry(target.host.clone()).or_default();
        let why = match entry.host.turn(&target.resource, places, fastrand::f64(), now) {
            Turn::Now(passage) => return Asked::Go(self.permit(target.clone(), passage, now)),
            Turn::Next { at } => return entry.queue(target, at),
            Turn::Wait { until } if limit > now => return entry.queue(target, until.min(limit)),
            Turn::Wait { .. } => Why::Full,
            // No more than that wait for its first answer, so that they do not hold up jobs of other hosts.
            Turn::Unknown if limit > now && entry.waiting_for(&target.resource) < places.unknown => {
                return entry.queue(target, limit);
            }
            Turn::Unknown => Why::Unknown,
            Turn::Open(last) => Why::CircuitOpen(last),
            Turn::Hangs => Why::Hangs,
        };
        Asked::No(NoPermit { wait: entry.host.comes_back(fastrand::f64(), now), why })
    }

    fn permit(self: &Arc<Self>, target: Target, passage: Passage, begun: Instant) -> HostPermit {
        HostPermit { limiter: Arc::clone(self), target, passage, begun, is_over: false }
    }

    /// How many calls the target's host may have. One of which it is not known whether it answers leaves others what they
    /// needed lately, but for a quarter; and nearly all where others hang.
    fn places(&self, hosts: &HashMap<String, Entry>, target: &Target, now: Instant) -> Places {
        let host = self.greatest();
        if hosts.get(&target.host).is_some_and(|entry| !entry.host.is_doubtful(&target.resource, now)) {
            return Places { host, unknown: share(host) };
        }
        let others = || hosts.iter().filter(|(name, _)| **name != target.host).map(|(_, entry)| &entry.host);
        let unknown = if others().map(|other| other.hanging(now)).sum::<usize>() >= (host / 2).max(MANY) {
            few(host)
        } else {
            let needed = others().map(|other| other.demand(now)).sum();
            share(host).saturating_sub(needed).max(quarter(host))
        };
        Places { host, unknown }
    }

    fn greatest(&self) -> usize {
        self.per_host.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // The map is consistent at every await and at every panic.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn waiting_for(&self, resource: &str) -> usize {
        self.waiting.iter().filter(|waiter| waiter.target.resource == resource && !waiter.ready.is_closed()).count()
    }

    fn queue(&mut self, target: &Target, until: Instant) -> Asked {
        let (ready, turn) = oneshot::channel();
        self.waiting.retain(|other| !other.ready.is_closed());
        self.waiting.push_back(Waiter { target: target.clone(), ready });
        Asked::Wait { until, turn }
    }

    /// Gives places that are free to those who wait for them; returns permits whose receiver has just left, to be dropped
    /// without the lock.
    fn admit_waiting(&mut self, limiter: &Arc<HostLimiter>, places: Places, now: Instant) -> Vec<HostPermit> {
        let (mut unwanted, mut at) = (Vec::new(), 0);
        while !self.host.is_full(places.host)
            && let Some(waiter) = self.waiting.get(at)
        {
            let (has_left, resource) = (waiter.ready.is_closed(), &waiter.target.resource);
            // Who waits to be a probe has its own time.
            let passage = if has_left || self.host.is_silent(resource) {
                None
            } else if let Turn::Now(passage) = self.host.turn(resource, places, 1.0, now) {
                Some(passage)
            } else {
                None
            };
            if passage.is_none() && !has_left {
                at += 1;
            } else if let (Some(waiter), Some(passage)) = (self.waiting.remove(at), passage) {
                let permit = limiter.permit(waiter.target, passage, now);
                unwanted.extend(waiter.ready.send(permit).err());
            }
        }
        unwanted
    }
}

impl HostPermit {
    /// Gives the permit back and reports how its call went. A call that failed before anything was sent says nothing about
    /// the host.
    pub(super) fn report(mut self, failure: Option<&Failure>) {
        self.end(match failure {
            Some(failure) if !failure.attempted => End::Unsent,
            Some(failure) if is_silent(failure) => {
                End::Silent(LastFailure { code: failure.code, status: failure.status })
            }
            _ => End::Answered(self.begun.elapsed()),
        });
    }

    fn end(&mut self, end: End) {
        self.is_over = true;
        let (limiter, target) = (&self.limiter, &self.target);
        let mut hosts = limiter.lock();
        let now = Instant::now();
        let places = limiter.places(&hosts, target, now);
        let Some(entry) = hosts.get_mut(&target.host) else { return };
        let change = entry.host.ended(&target.resource, self.passage, end, places.host, now);
        if change == Change::Opened {
            // They ask again, and are told.
            entry.waiting.retain(|waiter| waiter.target.resource != target.resource);
        }
        let unwanted = entry.admit_waiting(limiter, places, now);
        drop(hosts);
        drop(unwanted);
        match change {
            Change::None => {}
            Change::Opened => tracing::warn!(
                host = target.host,
                resource = target.resource,
                "several calls in a row had no answer; calls to this resource wait, which costs them no attempt, and a probe \
                 from time to time finds out whether it is back"
            ),
            Change::Closed => {
                tracing::info!(
                    host = target.host,
                    resource = target.resource,
                    "the host answers again; calls to it go on"
                );
            }
        }
    }
}

impl Drop for HostPermit {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(End::Unsent);
        }
    }
}

/// Whether a call had no answer that its host stands behind. Gateways answer for hosts that do not; one that says when to come
/// back is there.
pub(super) fn is_silent(failure: &Failure) -> bool {
    match failure.status {
        Some(502..=504) => !matches!(failure.retriable, Retriable::Retry { after: Some(_) }),
        Some(_) => false,
        None => matches!(failure.code, Code::Connect | Code::Timeout | Code::OutcomeUnknown),
    }
}

#[cfg(test)]
mod tests;
