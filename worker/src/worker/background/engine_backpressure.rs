//! Engines that do not take their results: their jobs wait, so that what was called and not taken does not grow without end;
//! and once they take one, they get the others soon.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::store::ledger::LedgerStats;

/// Results that one engine may leave lying before its jobs wait.
pub(in crate::worker) const BEHIND: u32 = 256;

/// The engines that have left results lying, as of the last look at the ledger.
#[derive(Debug, Default)]
pub(in crate::worker) struct UndeliveredResults {
    behind: RwLock<BTreeSet<String>>,
    waiting: RwLock<BTreeSet<String>>,
    /// Nearly always false, and asked for each result.
    is_any_waiting: AtomicBool,
}

impl UndeliveredResults {
    /// Whether this engine's jobs have to wait.
    pub(in crate::worker) fn is_over_limit(&self, engine: &str) -> bool {
        self.behind.read().unwrap_or_else(PoisonError::into_inner).contains(engine)
    }

    /// An engine has taken a result; whether others lay there until now. That is said once until the next look.
    pub(in crate::worker) fn resumed(&self, engine: &str) -> bool {
        self.is_any_waiting.load(Ordering::Relaxed)
            && self.waiting.write().unwrap_or_else(PoisonError::into_inner).remove(engine)
    }

    /// Notes which engines have left results lying, and tells of those that are behind and were not, or are no longer.
    pub(in crate::worker) fn found(&self, figures: LedgerStats) {
        self.is_any_waiting.store(!figures.engines_waiting.is_empty(), Ordering::Relaxed);
        *self.waiting.write().unwrap_or_else(PoisonError::into_inner) = figures.engines_waiting;
        let mut known = self.behind.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *known, figures.engines_behind);
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
