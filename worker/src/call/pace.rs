//! Whether the calls to one resource come and go, or hang. Pure: the time is handed in.

use std::time::{Duration, Instant};

/// How long the first calls to a resource may take before they seem to hang.
const UNKNOWN: Duration = Duration::from_secs(3);
/// The same once its pace is known: twice what its calls take, within these.
const KNOWN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// The pace of one resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    under_way: usize,
    /// What answered calls take, a moving average; `None` before the first answer.
    typical: Option<Duration>,
    /// When a call ended last, or began while there was none.
    changed: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { under_way: 0, typical: None, changed: now }
    }

    /// Calls that have not ended.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Whether it has ever answered.
    pub(super) fn is_known(&self) -> bool {
        self.typical.is_some()
    }

    /// A call begins.
    pub(super) fn begun(&mut self, now: Instant) {
        if self.under_way == 0 {
            self.changed = now;
        }
        self.under_way += 1;
    }

    /// A call ended; `took` where it was answered.
    pub(super) fn ended(&mut self, took: Option<Duration>, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        self.changed = now;
        if let Some(took) = took {
            self.typical = Some(self.typical.map_or(took, |typical| (typical * 3 + took) / 4));
        }
    }

    /// When waiting for a call to end will seem to be in vain; `None` while none is under way.
    pub(super) fn hangs_from(&self) -> Option<Instant> {
        let patience = self.typical.map_or(UNKNOWN, |typical| (typical * 2).clamp(KNOWN.0, KNOWN.1));
        (self.under_way > 0).then(|| self.changed + patience)
    }

    /// Whether nothing has ended for long.
    pub(super) fn hangs(&self, now: Instant) -> bool {
        self.hangs_from().is_some_and(|from| from <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What its calls took so far, and after how much of nothing the next ones seem to hang.
    #[test]
    fn calls_hang_that_take_twice_as_long_as_usual() {
        for (taken, patience) in
            [(&[][..], 3.0), (&[0.2], 1.0), (&[0.8], 1.6), (&[2.0], 4.0), (&[60.0], 5.0), (&[2.0, 2.0, 2.0, 0.4], 3.2)]
        {
            let mut now = Instant::now();
            let mut pace = Pace::new(now);
            for took in taken {
                pace.begun(now);
                now += Duration::from_secs_f64(*took);
                pace.ended(Some(Duration::from_secs_f64(*took)), now);
            }
            assert!(!pace.hangs(now + Duration::from_hours(1)), "nothing is under way");
            now += Duration::from_mins(1);
            pace.begun(now);
            pace.begun(now + Duration::from_millis(500));
            let limit = now + Duration::from_secs_f64(patience);
            let before = now + Duration::from_secs_f64(patience - 0.001);
            assert!(!pace.hangs(before) && pace.hangs(limit), "{taken:?}: {pace:?}");
            pace.ended(None, limit);
            assert!(!pace.hangs(limit), "a call that ended otherwise makes room, too");
            assert_eq!((pace.under_way(), pace.is_known()), (1, !taken.is_empty()));
        }
    }
}
