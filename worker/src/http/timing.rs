//! How long the parts of one exchange took, for people who look at it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The spans of the last hop; `None` for what did not happen, such as a connection that was open already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// Resolving the name.
    pub name: Option<Duration>,
    /// Connecting, with the TLS handshake where there is one.
    pub connect: Option<Duration>,
    /// From the request to the status line, without what went before.
    pub first_byte: Option<Duration>,
}

type Shared = Arc<Mutex<Timing>>;

tokio::task_local! {
    static TIMING: Shared;
}

/// Runs a call and measures the exchanges in it.
pub async fn measured<T>(call: impl Future<Output = T>) -> (T, Timing) {
    let shared = Shared::default();
    let value = TIMING.scope(Arc::clone(&shared), call).await;
    let timing = *shared.lock().unwrap_or_else(PoisonError::into_inner);
    (value, timing)
}

fn note(set: impl FnOnce(&mut Timing)) {
    // Most calls are not measured.
    TIMING.try_with(|shared| set(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))).unwrap_or_default();
}

/// Notes how long a name took to resolve.
pub(super) fn resolved(took: Duration) {
    note(|timing| timing.name = Some(took));
}

/// Notes how long a connection took, its name included.
pub(super) fn connected(took: Duration) {
    note(|timing| timing.connect = Some(took.saturating_sub(timing.name.unwrap_or_default())));
}

/// Begins a hop.
pub(super) fn begun() -> Instant {
    note(|timing| *timing = Timing::default());
    Instant::now()
}

/// Notes that the status line of the hop that began at `begun` came.
pub(super) fn answered(begun: Instant) {
    note(|timing| {
        let before = timing.name.unwrap_or_default() + timing.connect.unwrap_or_default();
        timing.first_byte = Some(begun.elapsed().saturating_sub(before));
    });
}
