//! Back-pressure: defers new jobs of an engine that does not consume its results, so that undelivered results stay few; and
//! sends those results soon once it consumes again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use crate::store::ledger::LedgerStats;

/// Undelivered results that one engine may have before its jobs are deferred.
pub(in crate::worker) const UNDELIVERED_LIMIT: u32 = 256;

/// The engines with undelivered results, as of the last reading of the ledger's statistics.
#[derive(Debug, Default)]
pub(in crate::worker) struct UndeliveredResults {
    engines: RwLock<Engines>,
    /// Nearly always false, and read for each result.
    has_undelivered: AtomicBool,
}

#[derive(Debug, Default)]
struct Engines {
    with_undelivered: BTreeSet<String>,
    over_limit: BTreeSet<String>,
}

impl UndeliveredResults {
    /// Whether this engine's jobs have to be deferred.
    pub(in crate::worker) fn is_over_limit(&self, engine: &str) -> bool {
        self.engines.read().unwrap_or_else(PoisonError::into_inner).over_limit.contains(engine)
    }

    /// Notes a delivered result; returns whether the engine had undelivered ones, once for each reading of the statistics.
    pub(in crate::worker) fn resumed(&self, engine: &str) -> bool {
        self.has_undelivered.load(Ordering::Relaxed) && self.write().with_undelivered.remove(engine)
    }

    /// Replaces both sets, and logs which engines have exceeded the limit or are below it again.
    pub(in crate::worker) fn update(&self, stats: LedgerStats) {
        let mut engines = self.write();
        self.has_undelivered.store(!stats.engines_waiting.is_empty(), Ordering::Relaxed);
        engines.with_undelivered = stats.engines_waiting;
        let before = std::mem::replace(&mut engines.over_limit, stats.engines_behind);
        for engine in engines.over_limit.difference(&before) {
            tracing::warn!(
                engine,
                "more than {UNDELIVERED_LIMIT} results of this engine are undelivered, since no queue takes them; its jobs \
                 are deferred until it consumes them"
            );
        }
        for engine in before.difference(&engines.over_limit) {
            tracing::info!(engine, "the engine consumes its results again; its jobs continue");
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Engines> {
        self.engines.write().unwrap_or_else(PoisonError::into_inner)
    }
}
