//! A circuit breaker for one host. Pure: the time is handed in.

use std::time::{Duration, Instant};

/// Calls in a row without an answer after which the circuit opens.
pub(super) const FAILURES: u32 = 10;
/// How long it stays open at first.
const FIRST_BACKOFF: Duration = Duration::from_secs(5);
/// The longest it stays open between two probes.
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

/// Stops calls to a host that does not answer, and lets one probe through from time to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CircuitBreaker {
    /// Calls pass.
    Closed {
        /// Calls in a row without an answer.
        failures: u32,
    },
    /// No call passes before `until`; the first one after it is a probe.
    Open {
        /// When the next probe may pass.
        until: Instant,
        /// How long the circuit was opened for.
        backoff: Duration,
    },
    /// A probe is under way; no other call passes.
    HalfOpen {
        /// How long the circuit was opened for.
        backoff: Duration,
    },
}

/// A call that the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// An ordinary call.
    Call,
    /// The call that finds out whether the host is back.
    Probe,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl CircuitBreaker {
    /// Lets a call through, or says how long it has to wait. Whoever gets a probe has to end it by [`Self::succeeded`],
    /// [`Self::failed`] or [`Self::probe_abandoned`].
    pub(super) fn pass(&mut self, now: Instant) -> Result<Passage, Duration> {
        match *self {
            Self::Closed { .. } => Ok(Passage::Call),
            Self::Open { until, .. } if until > now => Err(until - now),
            Self::Open { backoff, .. } => {
                *self = Self::HalfOpen { backoff };
                Ok(Passage::Probe)
            }
            Self::HalfOpen { backoff } => Err(backoff),
        }
    }

    /// The host answered; whether that closed the circuit.
    pub(super) fn succeeded(&mut self) -> bool {
        let closes = !self.is_closed();
        *self = Self::default();
        closes
    }

    /// The host did not answer; whether that opened a closed circuit.
    pub(super) fn failed(&mut self, passage: Passage, now: Instant) -> bool {
        let open = |backoff| Self::Open { until: now + backoff, backoff };
        match (*self, passage) {
            (Self::HalfOpen { backoff } | Self::Open { backoff, .. }, Passage::Probe) => {
                *self = open((backoff * 2).min(LONGEST_BACKOFF));
                false
            }
            // Calls that were under way when the circuit opened say nothing new.
            (Self::HalfOpen { .. } | Self::Open { .. }, Passage::Call) => false,
            (Self::Closed { failures }, _) => {
                let failures = failures.saturating_add(1);
                let opens = failures >= FAILURES;
                *self = if opens { open(FIRST_BACKOFF) } else { Self::Closed { failures } };
                opens
            }
        }
    }

    /// The probe ended without saying anything about the host: the next call is a probe.
    pub(super) fn probe_abandoned(&mut self, now: Instant) {
        if let Self::HalfOpen { backoff } = *self {
            *self = Self::Open { until: now, backoff };
        }
    }

    /// Whether calls pass.
    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// Whether nothing is known of the host that a new breaker would not know.
    pub(super) fn is_new(self) -> bool {
        self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(now: Instant) -> CircuitBreaker {
        let mut breaker = CircuitBreaker::default();
        for _ in 0..FAILURES {
            breaker.failed(Passage::Call, now);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_the_circuit_and_one_probe_at_a_time_passes() {
        let mut now = Instant::now();
        let mut breaker = CircuitBreaker::default();
        (1..FAILURES).for_each(|_| assert!(!breaker.failed(Passage::Call, now)));
        assert!(!breaker.succeeded());
        (1..FAILURES).for_each(|_| assert!(!breaker.failed(Passage::Call, now)));
        assert_eq!(breaker.pass(now), Ok(Passage::Call), "an answer in between counts");
        assert!(breaker.failed(Passage::Call, now));
        assert_eq!(breaker.pass(now), Err(Duration::from_secs(5)));
        for backoff in [10, 20, 40, 60, 60] {
            now += breaker.pass(now).unwrap_err();
            assert_eq!(breaker.pass(now), Ok(Passage::Probe));
            assert!(breaker.pass(now).is_err(), "one probe at a time");
            assert!(!breaker.failed(Passage::Probe, now));
            assert_eq!(breaker.pass(now), Err(Duration::from_secs(backoff)));
        }
        assert!(breaker.succeeded());
        assert_eq!(breaker.pass(now), Ok(Passage::Call));
    }

    #[test]
    fn a_late_failure_does_not_keep_the_circuit_open_for_longer() {
        let now = Instant::now();
        let mut breaker = open(now);
        let later = now + Duration::from_secs(2);
        assert!(!breaker.failed(Passage::Call, later));
        assert_eq!(breaker.pass(later), Err(Duration::from_secs(3)));
    }

    #[test]
    fn a_probe_that_is_abandoned_leaves_the_question_to_the_next_call() {
        let mut now = Instant::now();
        let mut breaker = open(now);
        now += Duration::from_secs(5);
        assert_eq!(breaker.pass(now), Ok(Passage::Probe));
        breaker.probe_abandoned(now);
        assert_eq!(breaker.pass(now), Ok(Passage::Probe));
    }

    #[test]
    fn only_a_breaker_without_failures_is_new() {
        let now = Instant::now();
        let mut breaker = CircuitBreaker::default();
        assert!(breaker.is_new());
        breaker.failed(Passage::Call, now);
        assert!(!breaker.is_new() && breaker.is_closed());
        assert!(!open(now).is_new() && !open(now).is_closed());
    }
}
