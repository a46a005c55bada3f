//! How many calls one resource may have at once, out of those of its host. Pure.

/// The part of its host's places that a resource keeps however silent it is.
const LEAST: usize = 4;
/// The part of its host's places that a resource leaves to the others, where there are enough to share.
const LEFT: usize = 32;
/// Places from which on some are left.
const SHARED: usize = 8;

/// The limit of one resource. One of which nothing is known has it whole, so that a burst begins at once; each call without
/// an answer takes one away, each answer gives half of what there is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConcurrencyLimit {
    limit: usize,
}

impl ConcurrencyLimit {
    /// That of a resource of which nothing is known.
    pub(super) fn initial(places: usize) -> Self {
        Self { limit: share(places) }
    }

    /// How many calls may run at once.
    pub(super) fn limit(self) -> usize {
        self.limit
    }

    /// The resource answered.
    pub(super) fn succeeded(&mut self, places: usize) {
        self.limit = (self.limit + self.limit.div_ceil(2)).min(share(places));
    }

    /// The resource did not answer.
    pub(super) fn failed(&mut self, places: usize) {
        self.limit = self.limit.saturating_sub(1).max(quarter(places)).min(share(places));
    }
}

/// What a resource may have of its host's places.
pub(super) fn share(places: usize) -> usize {
    if places < SHARED { places } else { places - (places / LEFT).max(1) }
}

/// What a resource may have whose calls hang.
pub(super) fn quarter(places: usize) -> usize {
    places.div_ceil(LEAST)
}

/// What a resource may have that has not answered yet, while calls to other hosts hang in numbers.
pub(super) fn few(places: usize) -> usize {
    (places / LEFT).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_resource_has_nearly_all_places_of_its_host() {
        for (places, whole, least, few_of_them) in
            [(1, 1, 1, 1), (4, 4, 1, 1), (7, 7, 2, 1), (8, 7, 2, 1), (51, 50, 13, 1), (204, 198, 51, 6)]
        {
            let limit = ConcurrencyLimit::initial(places);
            assert_eq!((limit.limit(), quarter(places), few(places)), (whole, least, few_of_them), "{places}");
        }
    }

    #[test]
    fn silence_takes_places_one_by_one_and_an_answer_gives_them_back_by_half() {
        let mut limit = ConcurrencyLimit::initial(204);
        (0..1_000).for_each(|_| limit.failed(204));
        assert_eq!(limit.limit(), 51, "never less than a quarter");
        let after_each = |_| {
            limit.succeeded(204);
            limit.limit()
        };
        assert_eq!((0..5).map(after_each).collect::<Vec<_>>(), [77, 116, 174, 198, 198]);
    }

    #[test]
    fn fewer_places_hold_from_the_next_call_on() {
        for ends in [ConcurrencyLimit::succeeded, ConcurrencyLimit::failed] {
            let mut limit = ConcurrencyLimit::initial(204);
            ends(&mut limit, 20);
            assert_eq!(limit.limit(), 19);
        }
    }
}
