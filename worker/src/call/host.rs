//! One host: its resources, the calls under way to each, and which of them may be called now. Pure: the time is handed in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::circuit_breaker::{CircuitBreaker, FAILURES, FAILURES_IN_DOUBT, Passage};
use super::concurrency_limit::{ConcurrencyLimit, quarter};
use super::demand::Demand;
use super::pace::Pace;
use crate::job::Code;

/// How often it is looked whether a call to another resource has made room.
const RECHECK: Duration = Duration::from_secs(1);
/// Between two jobs of one host that come back from the delay ladder, on average, when many wait there.
const RETURNS: Duration = Duration::from_millis(3);
/// How likely a call that finds an open circuit waits to be its next probe: the first one each time would be one that has
/// just been a probe, and comes back for its next attempt.
const NEXT: f64 = 1.0 / 16.0;
/// Resources that are remembered while nothing is known of them that a new one would not begin with.
const REMEMBERED: usize = 256;

/// How the last call without an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastFailure {
    /// Its code.
    pub code: Code,
    /// Its status, where a gateway answered for the host.
    pub status: Option<u16>,
}

/// How many calls there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    /// To this host.
    pub(super) host: usize,
    /// To a resource of which it is not known whether it answers: what calls to other hosts leave.
    pub(super) unknown: usize,
}

/// What a call does that asks for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It goes; it is counted already.
    Now(Passage),
    /// It waits for a place, and asks again at this time.
    Wait {
        /// When.
        until: Instant,
    },
    /// The resource does not answer, and this call is the next one to find out whether it is back.
    Next {
        /// When.
        at: Instant,
    },
    /// The resource does not answer.
    Open(Option<LastFailure>),
    /// There is no place, and none of the calls that have one seems to end.
    Hangs,
    /// The resource has not answered yet, and has what calls to other hosts leave.
    Unknown,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With an answer, after this time.
    Answered(Duration),
    /// Without one.
    Silent(LastFailure),
    /// Before anything was sent: that says nothing.
    Unsent,
}

/// What a call's end changes for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The circuit has opened.
    Opened,
    /// The circuit has closed.
    Closed,
}

/// What is known of one host.
#[derive(Debug, Default)]
pub(super) struct Host {
    resources: HashMap<String, Resource>,
    under_way: usize,
    demand: Demand,
    next_return: Option<Instant>,
}

#[derive(Debug)]
struct Resource {
    breaker: CircuitBreaker,
    limit: ConcurrencyLimit,
    pace: Pace,
    last: Option<LastFailure>,
    /// The probe that a call waits here to be, so that there is one on time.
    next: Option<Instant>,
}

impl Resource {
    fn new(places: usize, now: Instant) -> Self {
        let (breaker, limit) = (CircuitBreaker::default(), ConcurrencyLimit::initial(places));
        Self { breaker, limit, pace: Pace::new(now), last: None, next: None }
    }

    fn most(&self, places: Places, now: Instant) -> usize {
        let limit = self.limit.limit().min(places.host);
        match (self.pace.hangs(now), self.pace.is_known()) {
            (true, _) => limit.min(quarter(places.host)).min(places.unknown),
            (false, false) => limit.min(places.unknown),
            (false, true) => limit,
        }
    }

    /// Whether it has not answered yet, and would have a place if others left it more.
    fn is_held_back(&self, places: Places) -> bool {
        let under_way = self.pace.under_way();
        !self.pace.is_known() && under_way >= places.unknown && under_way < self.limit.limit().min(places.host)
    }

    fn is_new(&self) -> bool {
        self.breaker.is_new() && self.pace.under_way() == 0
    }
}

impl Host {
    /// Whether a call to the resource may be made now. `random` is uniform in 0..1.
    pub(super) fn turn(&mut self, resource: &str, places: Places, random: f64, now: Instant) -> Turn {
        let is_full = self.under_way >= places.host;
        let one = self.resource(resource, places.host, now);
        let passage = match one.breaker.passage(now) {
            Ok(passage) => passage,
            Err(at) if one.next != Some(at) && random < NEXT => {
                one.next = Some(at);
                return Turn::Next { at };
            }
            Err(_) => return Turn::Open(one.last),
        };
        if !is_full && one.pace.under_way() < one.most(places, now) {
            one.breaker.begun(passage, now);
            one.pace.begun(now);
            self.under_way += 1;
            return Turn::Now(passage);
        }
        match (passage, one.pace.hangs_from()) {
            (Passage::Probe, _) => Turn::Open(one.last),
            (Passage::Call, Some(from)) if from <= now => Turn::Hangs,
            (Passage::Call, _) if one.is_held_back(places) => Turn::Unknown,
            (Passage::Call, from) => Turn::Wait { until: from.unwrap_or(now + RECHECK) },
        }
    }

    /// A call ended.
    pub(super) fn ended(&mut self, resource: &str, passage: Passage, end: End, places: usize, now: Instant) -> Change {
        if matches!(end, End::Answered(_)) {
            self.demand.seen(self.under_way, now);
        }
        self.under_way = self.under_way.saturating_sub(1);
        let is_doubtful = self.resources.iter().any(|(name, other)| name != resource && !other.breaker.is_closed());
        let enough = if is_doubtful { FAILURES_IN_DOUBT } else { FAILURES };
        let one = self.resource(resource, places, now);
        match end {
            End::Answered(took) => {
                one.pace.ended(Some(took), now);
                one.limit.succeeded(places);
                if one.breaker.succeeded() { Change::Closed } else { Change::None }
            }
            End::Silent(last) => {
                one.pace.ended(None, now);
                one.limit.failed(places);
                one.last = Some(last);
                if one.breaker.failed(passage, enough, now) { Change::Opened } else { Change::None }
            }
            End::Unsent => {
                one.pace.ended(None, now);
                one.breaker.abandoned(passage, now);
                Change::None
            }
        }
    }

    /// In how long a job that is put off comes back: soon enough for a host that is back, in no step with others, and no
    /// sooner than all that wait can be looked at. `random` is uniform in 0..1.
    pub(super) fn comes_back(&mut self, random: f64, now: Instant) -> Duration {
        let own = now + Duration::from_secs(1).mul_f64(1.0 + random.clamp(0.0, 1.0));
        let at = self.next_return.map_or(own, |next| own.max(next));
        self.next_return = Some(self.next_return.unwrap_or(now).max(now) + RETURNS);
        at - now
    }

    /// Whether it cannot be told that the resource answers.
    pub(super) fn is_doubtful(&self, resource: &str, now: Instant) -> bool {
        self.resources.get(resource).is_none_or(|one| !one.pace.is_known() || one.pace.hangs(now))
    }

    /// How many calls it needed at once lately.
    pub(super) fn demand(&self, now: Instant) -> usize {
        self.demand.recent(now)
    }

    /// Calls that hang.
    pub(super) fn hanging(&self, now: Instant) -> usize {
        let hanging = self.resources.values().filter(|one| one.pace.hangs(now));
        hanging.map(|one| one.pace.under_way()).sum()
    }

    /// Another number of places: each resource begins with its share of them.
    pub(super) fn resize(&mut self, places: usize) {
        self.resources.values_mut().for_each(|one| one.limit = ConcurrencyLimit::initial(places));
    }

    /// Whether every place is taken.
    pub(super) fn is_full(&self, places: usize) -> bool {
        self.under_way >= places
    }

    /// Whether any resource does not answer.
    pub(super) fn is_open(&self) -> bool {
        self.resources.values().any(|one| !one.breaker.is_closed())
    }

    /// Whether this resource does not answer.
    pub(super) fn is_silent(&self, resource: &str) -> bool {
        self.resources.get(resource).is_some_and(|one| !one.breaker.is_closed())
    }

    /// Whether nothing is known of it that a new one would not begin with.
    pub(super) fn is_new(&self) -> bool {
        self.resources.values().all(Resource::is_new)
    }

    fn resource(&mut self, name: &str, places: usize, now: Instant) -> &mut Resource {
        if !self.resources.contains_key(name) && self.resources.len() >= REMEMBERED {
            self.resources.retain(|_, one| !one.is_new());
        }
        self.resources.entry(name.to_owned()).or_insert_with(|| Resource::new(places, now))
    }
}

#[cfg(test)]
mod tests;
