//! How long the parts of one exchange took, for people who look at it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The spans of the last hop; `None` for what did not happen, such as a connection that was open already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// Resolving the name.
    pub name: Option<Duration>,
    /// Connecting.
    pub connect: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// From the request to the status line, without what went before.
    pub first_byte: Option<Duration>,
}

/// What is known of the hop so far.
#[derive(Debug, Default)]
struct Hop {
    spans: Timing,
    handshake: Option<Instant>,
}

type Shared = Arc<Mutex<Hop>>;

tokio::task_local! {
    static TIMING: Shared;
}

/// Runs a call and measures the exchanges in it.
pub async fn measured<T>(call: impl Future<Output = T>) -> (T, Timing) {
    let shared = Shared::default();
    let value = TIMING.scope(Arc::clone(&shared), call).await;
    let spans = shared.lock().unwrap_or_else(PoisonError::into_inner).spans;
    (value, spans)
}

fn note(set: impl FnOnce(&mut Hop)) {
    // Most calls are not measured.
    TIMING.try_with(|shared| set(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))).unwrap_or_default();
}

/// Notes how long a name took to resolve.
pub(super) fn resolved(took: Duration) {
    note(|hop| hop.spans.name = Some(took));
}

/// Notes that the TLS handshake begins, unless it has.
pub(super) fn handshake_begun() {
    note(|hop| {
        hop.handshake.get_or_insert_with(Instant::now);
    });
}

/// Notes how long a connection took, its name and its TLS handshake included.
pub(super) fn connected(took: Duration) {
    note(|hop| {
        let Hop { spans, handshake } = hop;
        spans.tls = handshake.map(|begun| begun.elapsed());
        let others = spans.name.unwrap_or_default() + spans.tls.unwrap_or_default();
        spans.connect = Some(took.saturating_sub(others));
    });
}

/// Begins a hop.
pub(super) fn begun() -> Instant {
    note(|hop| *hop = Hop::default());
    Instant::now()
}

/// Notes that the status line of the hop that began at `begun` came.
pub(super) fn answered(begun: Instant) {
    note(|Hop { spans, .. }| {
        let before: Duration = [spans.name, spans.connect, spans.tls].into_iter().flatten().sum();
        spans.first_byte = Some(begun.elapsed().saturating_sub(before));
    });
}
