//! How many calls to a host that answers were under way at once lately: what a new host must leave it. Pure: the time is
//! handed in.

use std::time::{Duration, Instant};

/// Calls are remembered for as long, and at most for twice as long.
const PERIOD: Duration = Duration::from_secs(10);

/// The most calls of this period and of the one before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Demand {
    began: Option<Instant>,
    most: usize,
    before: usize,
}

impl Demand {
    /// So many were under way when one was answered.
    pub(super) fn seen(&mut self, under_way: usize, now: Instant) {
        match self.began.map(|began| now.saturating_duration_since(began)) {
            Some(age) if age < PERIOD => {}
            Some(age) if age < 2 * PERIOD => (self.before, self.most, self.began) = (self.most, 0, Some(now)),
            _ => (self.before, self.most, self.began) = (0, 0, Some(now)),
        }
        self.most = self.most.max(under_way);
    }

    /// How many there were at once.
    pub(super) fn recent(mut self, now: Instant) -> usize {
        self.seen(0, now);
        self.most.max(self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_needed_is_forgotten_after_a_period_or_two() {
        let begun = Instant::now();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut demand = Demand::default();
        assert_eq!(demand.recent(begun), 0);
        for (second, under_way) in [(0, 3), (1, 40), (2, 5), (11, 7)] {
            demand.seen(under_way, at(second));
        }
        assert_eq!([11, 20, 21, 30, 31].map(|second| demand.recent(at(second))), [40, 40, 7, 7, 0]);
        demand.seen(2, at(60));
        assert_eq!(demand.recent(at(60)), 2, "after a pause");
    }
}
