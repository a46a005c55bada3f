//! A circuit breaker for one resource. Pure: the time is handed in.

use std::time::{Duration, Instant};

/// Calls in a row without an answer after which the circuit opens.
pub(super) const FAILURES: u32 = 10;
/// The same where another resource of the host does not answer either.
pub(super) const FAILURES_IN_DOUBT: u32 = 3;
/// Between the beginnings of two probes.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// The same while an earlier probe has no answer yet: a host that comes back does not answer the calls from before.
const NEXT_TO_ANOTHER: Duration = Duration::from_secs(2);

/// Stops calls to a resource that does not answer, and lets a probe through from time to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CircuitBreaker {
    /// Calls pass.
    Closed {
        /// Calls in a row without an answer.
        failures: u32,
    },
    /// No call passes before `next_probe`; the first one after it is a probe.
    Open {
        /// When the next probe may pass.
        next_probe: Instant,
        /// Probes that have not ended.
        under_way: u32,
    },
}

/// A call that the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// An ordinary call.
    Call,
    /// A call that finds out whether the resource is back.
    Probe,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl CircuitBreaker {
    /// As what a call would pass now, if it did; otherwise when the next probe may.
    pub(super) fn passage(self, now: Instant) -> Result<Passage, Instant> {
        match self {
            Self::Closed { .. } => Ok(Passage::Call),
            Self::Open { next_probe, .. } if next_probe <= now => Ok(Passage::Probe),
            Self::Open { next_probe, .. } => Err(next_probe),
        }
    }

    /// A call passes. A probe ends by [`Self::succeeded`], [`Self::failed`] or [`Self::abandoned`].
    pub(super) fn begun(&mut self, passage: Passage, now: Instant) {
        if let (Self::Open { next_probe, under_way }, Passage::Probe) = (self, passage) {
            *next_probe = now + if *under_way == 0 { PROBE_EVERY } else { NEXT_TO_ANOTHER };
            *under_way += 1;
        }
    }

    /// The resource answered; whether that closed the circuit.
    pub(super) fn succeeded(&mut self) -> bool {
        let closes = !self.is_closed();
        *self = Self::default();
        closes
    }

    /// The resource did not answer; whether that opened a closed circuit, which `enough` calls in a row do.
    pub(super) fn failed(&mut self, passage: Passage, enough: u32, now: Instant) -> bool {
        match (self, passage) {
            (Self::Open { under_way, .. }, Passage::Probe) => {
                *under_way = under_way.saturating_sub(1);
                false
            }
            // Calls that were under way when the circuit opened say nothing new.
            (Self::Open { .. }, Passage::Call) => false,
            (breaker @ Self::Closed { .. }, _) => {
                let Self::Closed { failures } = *breaker else { return false };
                let failures = failures.saturating_add(1);
                let opens = failures >= enough;
                *breaker = if opens {
                    Self::Open { next_probe: now + PROBE_EVERY, under_way: 0 }
                } else {
                    Self::Closed { failures }
                };
                opens
            }
        }
    }

    /// A call ended without saying anything about the resource; if it was a probe, the next call is one.
    pub(super) fn abandoned(&mut self, passage: Passage, now: Instant) {
        if let (Self::Open { next_probe, under_way }, Passage::Probe) = (self, passage) {
            *next_probe = now;
            *under_way = under_way.saturating_sub(1);
        }
    }

    /// Whether calls pass.
    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// Whether nothing is known of the resource that a new breaker would not know.
    pub(super) fn is_new(self) -> bool {
        self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(now: Instant) -> CircuitBreaker {
        let mut breaker = CircuitBreaker::default();
        for n in 1..=FAILURES {
            assert_eq!(breaker.passage(now), Ok(Passage::Call));
            assert_eq!(breaker.failed(Passage::Call, FAILURES, now), n == FAILURES, "{n}");
        }
        breaker
    }

    #[test]
    fn an_answer_in_between_keeps_it_closed() {
        let now = Instant::now();
        let mut breaker = CircuitBreaker::default();
        for n in 1..100 {
            if n % FAILURES == 0 {
                assert!(!breaker.succeeded());
            } else {
                assert!(!breaker.failed(Passage::Call, FAILURES, now), "{n}");
            }
            assert_eq!(breaker.passage(now), Ok(Passage::Call));
        }
    }

    #[test]
    fn fewer_are_enough_where_the_neighbours_are_silent() {
        let mut breaker = CircuitBreaker::default();
        let mut failed = || breaker.failed(Passage::Call, FAILURES_IN_DOUBT, Instant::now());
        assert_eq!([failed(), failed(), failed()], [false, false, true]);
    }

    /// Seconds from the opening of the circuit; what happens, and whether a probe would pass then.
    #[test]
    fn one_probe_passes_each_second_and_each_other_one_while_none_is_answered() {
        enum Event {
            Begins,
            Fails,
            Late,
            Abandoned,
            Nothing,
        }
        let begun = Instant::now();
        let mut breaker = open(begun);
        for (at, event, passes) in [
            (0.0, Event::Nothing, false),
            (0.9, Event::Late, false),
            (1.0, Event::Begins, false),
            (1.1, Event::Fails, false),
            (1.9, Event::Nothing, false),
            (2.0, Event::Begins, false),
            (3.0, Event::Begins, false),
            (4.9, Event::Nothing, false),
            (5.0, Event::Begins, false),
            (5.5, Event::Abandoned, true),
            (5.6, Event::Begins, false),
        ] {
            let now = begun + Duration::from_secs_f64(at);
            match event {
                Event::Begins => {
                    assert_eq!(breaker.passage(now), Ok(Passage::Probe), "{at}");
                    breaker.begun(Passage::Probe, now);
                }
                Event::Fails => assert!(!breaker.failed(Passage::Probe, FAILURES, now)),
                Event::Late => assert!(!breaker.failed(Passage::Call, FAILURES, now)),
                Event::Abandoned => breaker.abandoned(Passage::Probe, now),
                Event::Nothing => {}
            }
            assert_eq!(breaker.passage(now).is_ok(), passes, "{at}: {breaker:?}");
        }
        assert!(breaker.succeeded(), "any answer closes it");
        assert_eq!(breaker.passage(begun), Ok(Passage::Call));
        assert!(!breaker.failed(Passage::Probe, FAILURES, begun), "a probe from before");
    }

    #[test]
    fn only_a_breaker_without_failures_is_new() {
        let now = Instant::now();
        let mut breaker = CircuitBreaker::default();
        assert!(breaker.is_new());
        breaker.failed(Passage::Call, FAILURES, now);
        assert!(!breaker.is_new() && breaker.is_closed());
        assert!(!open(now).is_new() && !open(now).is_closed());
    }
}
