//! How many calls one host may have at once: additive increase for each answer, additive decrease for each call without one.
//! Pure: the time is handed in.

use std::time::{Duration, Instant};

/// The part of the greatest limit that a host begins with, and keeps however silent it is.
const INITIAL_SHARE: usize = 4;
/// A host at its limit none of whose calls has ended for this long is stalled.
pub(super) const STALLED: Duration = Duration::from_millis(250);

/// The limit of one host.
#[derive(Debug)]
pub(super) struct ConcurrencyLimit {
    limit: usize,
    last_release: Instant,
}

/// What a call's end does to the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// One more call may run.
    Grow,
    /// The call that ended gives its permit up.
    Shrink,
}

impl ConcurrencyLimit {
    /// The limit of a host of which nothing is known: one that hangs then takes little from the others.
    pub(super) fn initial(greatest: usize, now: Instant) -> Self {
        Self { limit: initial(greatest), last_release: now }
    }

    /// How many calls may run at once.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// The host answered.
    pub(super) fn succeeded(&mut self, greatest: usize) -> Change {
        if self.limit < greatest {
            self.limit += 1;
            return Change::Grow;
        }
        self.shrink_to(greatest)
    }

    /// The host did not answer.
    pub(super) fn failed(&mut self, greatest: usize) -> Change {
        self.shrink_to(initial(greatest))
    }

    fn shrink_to(&mut self, least: usize) -> Change {
        if self.limit > least {
            self.limit -= 1;
            return Change::Shrink;
        }
        Change::None
    }

    /// Raises the limit to what a new host gets with another greatest limit; by how many.
    pub(super) fn raise(&mut self, greatest: usize) -> usize {
        let more = initial(greatest).saturating_sub(self.limit);
        self.limit += more;
        more
    }

    /// A call ended, however it went.
    pub(super) fn released(&mut self, now: Instant) {
        self.last_release = now;
    }

    /// Whether waiting for a call to end is in vain.
    pub(super) fn is_stalled(&self, now: Instant) -> bool {
        now.duration_since(self.last_release) > STALLED
    }
}

fn initial(greatest: usize) -> usize {
    greatest.div_ceil(INITIAL_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_follows_the_answers_between_its_bounds() {
        let mut limit = ConcurrencyLimit::initial(8, Instant::now());
        assert_eq!(limit.limit(), 2);
        assert_eq!(limit.failed(8), Change::None, "never less than it began with");
        (0..6).for_each(|_| assert_eq!(limit.succeeded(8), Change::Grow));
        assert_eq!((limit.succeeded(8), limit.limit()), (Change::None, 8), "never more than the greatest");
        (0..6).for_each(|_| assert_eq!(limit.failed(8), Change::Shrink));
        assert_eq!((limit.failed(8), limit.limit()), (Change::None, 2));
    }

    #[test]
    fn another_greatest_limit_is_reached_step_by_step() {
        let mut limit = ConcurrencyLimit::initial(8, Instant::now());
        (0..6).for_each(|_| assert_eq!(limit.succeeded(8), Change::Grow));
        assert_eq!((limit.raise(5), limit.limit()), (0, 8));
        (0..3).for_each(|_| assert_eq!(limit.succeeded(5), Change::Shrink));
        assert_eq!((limit.succeeded(5), limit.limit()), (Change::None, 5));
        assert_eq!((limit.raise(40), limit.limit()), (5, 10));
    }

    #[test]
    fn a_limit_is_stalled_while_nothing_ends() {
        let mut now = Instant::now();
        let mut limit = ConcurrencyLimit::initial(8, now);
        now += STALLED;
        assert!(!limit.is_stalled(now));
        now += Duration::from_millis(1);
        assert!(limit.is_stalled(now));
        limit.released(now);
        assert!(!limit.is_stalled(now));
    }
}
