//! A worker that cannot hang silently: a job or a runtime that makes no progress shows in the log, in a metric and in
//! health, and the process ends with exit code 70, so that its supervisor starts another one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use super::in_flight::InFlight;
use crate::health::Health;

/// How often it looks.
const TICK: Duration = Duration::from_secs(1);
/// Exit code of a process that makes no progress.
pub const STUCK: u8 = 70;

/// Returns once a job makes no progress, with what to say about it.
pub(super) async fn watch(in_flight: &InFlight, health: &Health) -> String {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if !health.is_well() {
            continue;
        }
        if let Some(job) = in_flight.tick(TICK) {
            return format!("job {job} makes no progress, though broker and database can be reached");
        }
    }
}

/// A thread of its own that watches the runtime: a blocked runtime cannot watch itself.
#[derive(Debug)]
pub(super) struct RuntimeWatchdog {
    beats: Arc<AtomicU64>,
    // Dropping it ends the thread.
    _alive: Sender<()>,
}

impl RuntimeWatchdog {
    /// Ends the process when nothing beats for `patience`.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub(super) fn start(patience: Duration) -> std::io::Result<Self> {
        let (alive, ended) = channel();
        let beats = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&beats);
        thread::Builder::new().name("watchdog".to_owned()).spawn(move || guard(&seen, &ended, patience))?;
        Ok(Self { beats, _alive: alive })
    }

    /// Beats until it is dropped.
    pub(super) async fn beat(&self) {
        let mut tick = interval(TICK);
        loop {
            tick.tick().await;
            self.beats.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn guard(beats: &AtomicU64, ended: &Receiver<()>, patience: Duration) {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        match ended.recv_timeout(TICK) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = beats.load(Ordering::Relaxed);
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() > patience {
            tracing::error!(
                "nothing has run in this process for {} s; it ends with exit code {STUCK}",
                patience.as_secs()
            );
            #[expect(clippy::exit, reason = "a blocked runtime cannot shut down in order")]
            std::process::exit(i32::from(STUCK));
        }
    }
}
