//! Engines that do not take their results: their jobs wait, so that what was called and not taken does not grow without end.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

/// Results that one engine may leave lying before its jobs wait.
pub(super) const BEHIND: u32 = 256;

/// The engines that are behind, as of the last look at the ledger.
#[derive(Debug, Default)]
pub(super) struct Untaken(RwLock<BTreeSet<String>>);

impl Untaken {
    /// Whether this engine's jobs have to wait.
    pub(super) fn is_behind(&self, engine: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(engine)
    }

    /// Notes which engines are behind, and tells of those that were not or are no longer.
    pub(super) fn found(&self, behind: BTreeSet<String>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *known, behind);
        let behind = &*known;
        for engine in behind.difference(&before) {
            tracing::warn!(
                engine,
                "more than {BEHIND} results lie in the ledger that this engine's queue does not take; its jobs wait until it does"
            );
        }
        for engine in before.difference(behind) {
            tracing::info!(engine, "the engine takes its results again; its jobs go on");
        }
    }
}
