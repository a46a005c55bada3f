//! Places at third parties' hosts: each earns them by answering, none takes all of a process, and one that does not answer
//! is left alone for a while.
//!
//! Knows hosts and times; must not know jobs. What it refuses costs no attempt.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// Calls in a row without an answer after which a host is left alone.
const FAILURES: u32 = 10;
/// How long it is left alone: at first, and at most after calls that asked whether it is back.
const REST: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(1));
/// How long a job waits here for a place at a host whose calls come and go.
const BUSY: Duration = Duration::from_millis(100);
/// A full host none of whose calls has ended for so long is stuck: nobody waits for it here.
const STUCK: Duration = Duration::from_millis(250);
/// The part of its places that a host begins with, and keeps however silent it is.
const BEGINNING: usize = 4;
/// Hosts that are remembered while nothing is to be remembered of them.
const REMEMBERED: usize = 4_096;

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// It does not answer and is left alone for this long.
    Resting(Duration),
    /// It has all the calls that one host may have.
    Full,
}

/// All hosts that this process calls.
#[derive(Debug)]
pub struct Hosts {
    per_host: AtomicUsize,
    known: Mutex<HashMap<String, Host>>,
}

#[derive(Debug)]
struct Host {
    places: Arc<Semaphore>,
    /// How many there are: as many as it began with, one more for each answer, one less for each call without.
    granted: usize,
    /// When a call last ended.
    freed: Instant,
    /// Calls in a row without an answer.
    failures: u32,
    /// Left alone until then; how long that was.
    resting: Option<(Instant, Duration)>,
    /// The one call that asks whether it is back is under way.
    asking: bool,
}

/// One call's place at its host, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    call: Call,
    permit: OwnedSemaphorePermit,
}

/// One call, with a place or waiting for one; if it is the one that asks, another one may when this is dropped.
#[derive(Debug)]
struct Call {
    hosts: Arc<Hosts>,
    host: String,
    asks: bool,
}

impl Hosts {
    /// At most `per_host` calls at once to each of them.
    pub fn new(per_host: usize) -> Arc<Self> {
        Arc::new(Self { per_host: per_host.into(), known: Mutex::default() })
    }

    /// At most so many from now on; what is under way ends first.
    pub fn resize(&self, per_host: usize) {
        self.per_host.store(per_host, Ordering::Relaxed);
        for host in self.lock().values_mut() {
            (host.granted..beginning(per_host)).for_each(|_| host.earns(per_host));
        }
    }

    fn most(&self) -> usize {
        self.per_host.load(Ordering::Relaxed)
    }

    /// A place at `host`. A busy one is waited for shortly; one that is stuck or does not answer is not.
    pub async fn enter(self: &Arc<Self>, host: &str) -> Result<Place, NoPlace> {
        let (places, asks, is_stuck) = self.look_at(host)?;
        let call = Call { hosts: Arc::clone(self), host: host.to_owned(), asks };
        let permit = match Arc::clone(&places).try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) if is_stuck => None,
            Err(_) => timeout(BUSY, places.acquire_owned()).await.ok().and_then(Result::ok),
        };
        permit.map(|permit| Place { call, permit }).ok_or(NoPlace::Full)
    }

    /// How many hosts are left alone now.
    pub fn resting(&self) -> usize {
        self.lock().values().filter(|host| host.resting.is_some()).count()
    }

    fn look_at(&self, name: &str) -> Result<(Arc<Semaphore>, bool, bool), NoPlace> {
        let mut known = self.lock();
        if known.len() >= REMEMBERED && !known.contains_key(name) {
            known.retain(|_, host| host.failures > 0 || Arc::strong_count(&host.places) > 1);
        }
        let now = Instant::now();
        let host = known.entry(name.to_owned()).or_insert_with(|| Host::new(beginning(self.most()), now));
        let asks = host.may_ask(now)?;
        host.asking |= asks;
        Ok((Arc::clone(&host.places), asks, now.duration_since(host.freed) > STUCK))
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Host)) {
        if let Some(host) = self.lock().get_mut(name) {
            change(host);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        // What is inside is whole at every await and every panic.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many places a host has of which nothing is known: one that hangs then takes little from the others.
fn beginning(per_host: usize) -> usize {
    per_host.div_ceil(BEGINNING)
}

impl Host {
    fn new(granted: usize, now: Instant) -> Self {
        let places = Arc::new(Semaphore::new(granted));
        Self { places, granted, freed: now, failures: 0, resting: None, asking: false }
    }

    fn earns(&mut self, most: usize) {
        if self.granted < most {
            self.granted += 1;
            self.places.add_permits(1);
        }
    }

    /// Whether a place is lost with the call that gives it back: the host has more than it should.
    fn loses(&mut self, should: usize) -> bool {
        let loses = self.granted > should;
        self.granted -= usize::from(loses);
        loses
    }

    /// Whether this call would be the one that asks whether the host is back.
    fn may_ask(&self, now: Instant) -> Result<bool, NoPlace> {
        match self.resting {
            None => Ok(false),
            Some((until, _)) if until > now => Err(NoPlace::Resting(until - now)),
            Some((_, rest)) if self.asking => Err(NoPlace::Resting(rest)),
            Some(_) => Ok(true),
        }
    }

    fn answered(&mut self, name: &str) {
        self.failures = 0;
        if self.resting.take().is_some() {
            tracing::info!(host = name, "the host answers again; its jobs go on");
        }
    }

    fn failed(&mut self, name: &str, asked: bool, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        let rest = match self.resting {
            Some((_, rest)) if asked => (rest * 2).min(REST.1),
            None if self.failures >= FAILURES => REST.0,
            // Calls that were under way when it was found silent say nothing new.
            _ => return,
        };
        if self.resting.is_none() {
            tracing::warn!(
                host = name,
                "{FAILURES} calls in a row had no answer; the host's jobs wait in the delay ladder, which costs them no \
                 attempt, and one call from time to time asks whether it is back"
            );
        }
        self.resting = Some((now + rest, rest));
    }
}

impl Place {
    /// Gives the place back and tells how the call went: whether the host gave an answer that it stands behind.
    pub fn ended(mut self, has_answered: bool) {
        let Self { call: Call { hosts, host: name, asks }, permit } = &mut self;
        let most = hosts.most();
        hosts.change(name, |host| {
            let should = if has_answered {
                host.answered(name);
                host.earns(most);
                most
            } else {
                host.failed(name, *asks, Instant::now());
                beginning(most)
            };
            if host.loses(should)
                && let Some(lost) = permit.split(1)
            {
                lost.forget();
            }
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.call.hosts.change(&self.call.host, |host| host.freed = Instant::now());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.asks {
            self.hosts.change(&self.host, |host| host.asking = false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(host: &mut Host, times: u32, now: Instant) {
        for _ in 0..times {
            host.failed("h", false, now);
        }
    }

    fn rest_of(host: &Host, now: Instant) -> Option<Duration> {
        match host.may_ask(now) {
            Err(NoPlace::Resting(rest)) => Some(rest),
            _ => None,
        }
    }

    #[test]
    fn a_silent_host_rests_and_one_call_at_a_time_asks_after_it() {
        let mut now = Instant::now();
        let mut host = Host::new(4, now);
        fail(&mut host, FAILURES - 1, now);
        host.answered("h");
        fail(&mut host, FAILURES - 1, now);
        assert_eq!(rest_of(&host, now), None, "an answer in between counts");
        fail(&mut host, 1, now);
        assert_eq!(rest_of(&host, now), Some(REST.0));
        for rest in [10, 20, 40, 60, 60] {
            now += rest_of(&host, now).unwrap();
            assert_eq!(host.may_ask(now), Ok(true));
            host.asking = true;
            assert!(rest_of(&host, now).is_some(), "one call asks");
            host.failed("h", true, now);
            host.asking = false;
            assert_eq!(rest_of(&host, now), Some(Duration::from_secs(rest)));
        }
        host.answered("h");
        assert_eq!(host.may_ask(now), Ok(false));
    }

    #[test]
    fn a_late_failure_does_not_make_the_rest_longer() {
        let now = Instant::now();
        let mut host = Host::new(4, now);
        fail(&mut host, FAILURES, now);
        let later = now + Duration::from_secs(2);
        host.failed("h", false, later);
        assert_eq!(rest_of(&host, later), Some(Duration::from_secs(3)));
    }

    #[tokio::test]
    async fn a_busy_host_is_waited_for_and_a_stuck_one_is_not() {
        let hosts = Hosts::new(8);
        let (first, _second) = (hosts.enter("h").await.unwrap(), hosts.enter("h").await.unwrap());
        let begun = Instant::now();
        assert_eq!(hosts.enter("h").await.unwrap_err(), NoPlace::Full);
        assert!(begun.elapsed() >= BUSY, "{:?}", begun.elapsed());
        let waiting = tokio::spawn({
            let hosts = Arc::clone(&hosts);
            async move { hosts.enter("h").await }
        });
        tokio::time::sleep(BUSY / 4).await;
        drop(first);
        let _third = waiting.await.unwrap().unwrap();
        tokio::time::sleep(STUCK + BUSY).await;
        let begun = Instant::now();
        assert_eq!(hosts.enter("h").await.unwrap_err(), NoPlace::Full);
        assert!(begun.elapsed() < BUSY, "{:?}", begun.elapsed());
        assert!(hosts.enter("other").await.is_ok());
    }

    #[tokio::test]
    async fn a_host_earns_its_places_by_answering_and_loses_them_by_silence() {
        let hosts = Hosts::new(8);
        let free = || hosts.lock().get("h").map(|host| (host.granted, host.places.available_permits()));
        drop(hosts.enter("h").await.unwrap());
        assert_eq!(free(), Some((2, 2)));
        for _ in 0..9 {
            hosts.enter("h").await.unwrap().ended(true);
        }
        assert_eq!(free(), Some((8, 8)));
        for _ in 0..4 {
            hosts.enter("h").await.unwrap().ended(false);
        }
        assert_eq!(free(), Some((4, 4)));
        for _ in 0..4 {
            hosts.enter("h").await.unwrap().ended(false);
        }
        assert_eq!(free(), Some((2, 2)), "never less than it began with");
        for _ in 0..9 {
            hosts.enter("h").await.unwrap().ended(true);
        }
        hosts.resize(5);
        for _ in 0..9 {
            hosts.enter("h").await.unwrap().ended(true);
        }
        assert_eq!(free(), Some((5, 5)), "an operator may want fewer");
    }

    #[tokio::test]
    async fn a_call_that_asks_and_is_given_up_leaves_the_question_to_another_one() {
        let hosts = Hosts::new(1);
        for _ in 0..FAILURES {
            hosts.enter("h").await.unwrap().ended(false);
        }
        assert_eq!(hosts.resting(), 1);
        hosts.change("h", |host| host.resting = Some((Instant::now(), REST.0)));
        let asking = hosts.enter("h").await.unwrap();
        assert!(matches!(hosts.enter("h").await, Err(NoPlace::Resting(_))));
        drop(asking);
        hosts.enter("h").await.unwrap().ended(true);
        assert_eq!(hosts.resting(), 0);
    }

    #[tokio::test]
    async fn hosts_are_forgotten_unless_something_is_known_of_them() {
        let hosts = Hosts::new(2);
        hosts.enter("h").await.unwrap().ended(false);
        let _held = hosts.enter("held").await.unwrap();
        for n in 0..=REMEMBERED {
            drop(hosts.enter(&format!("h{n}")).await.unwrap());
        }
        let known = hosts.lock();
        assert!(known.len() < 10 && known.contains_key("h") && known.contains_key("held"), "{}", known.len());
    }
}
