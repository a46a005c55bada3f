//! Whether this process works on jobs: what can wait gives way to them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For how long after a job was written others give way.
const RECENT: Duration = Duration::from_secs(1);

/// When the ledger of this process was last written.
#[derive(Debug, Default)]
pub(super) struct JobActivity(Mutex<Option<Instant>>);

impl JobActivity {
    /// Notes that jobs are written.
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether jobs were written a moment ago.
    pub(super) fn is_recent(&self) -> bool {
        let noted = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.is_some_and(|noted| noted.elapsed() < RECENT)
    }
}
