//! What this worker counts: jobs that ended, in memory until they are added to the table of minutes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock;
use crate::store::Store;
use crate::store::minutes::{Ended, EndedJob};

/// Counts that are kept while the database cannot be reached; those that come then are not counted.
const KEPT: usize = 20_000;

/// Jobs that ended and are not in the table of minutes yet.
#[derive(Debug, Default)]
pub(super) struct Minutes(Mutex<HashMap<Ended, i64>>);

impl Minutes {
    /// Counts a job that has just ended.
    pub(super) fn count(&self, job: &EndedJob<'_>) {
        let ended = Ended::new(job, clock::now_ms());
        let mut counted = self.lock();
        if counted.len() < KEPT || counted.contains_key(&ended) {
            *counted.entry(ended).or_default() += 1;
        }
    }

    /// Stores what was counted; what cannot be stored now stays for the next time.
    pub(super) async fn flush(&self, store: &Store) {
        let counted = std::mem::take(&mut *self.lock());
        if counted.is_empty() {
            return;
        }
        if let Err(error) = store.minutes().add(&counted).await {
            if !error.is_transient() {
                tracing::warn!(%error, "statistics could not be stored");
                return;
            }
            let mut newer = self.lock();
            for (ended, jobs) in counted {
                *newer.entry(ended).or_default() += jobs;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ended, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
