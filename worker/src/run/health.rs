//! How this process is: what `healthcheck`, `/health` and the log say about it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::clock;
use crate::telemetry::metric;

/// Facts that change while the process runs.
#[derive(Debug, Default)]
pub struct Health {
    broker: AtomicBool,
    database: AtomicBool,
    draining: AtomicBool,
    in_flight: AtomicUsize,
}

/// One moment's facts, as the status file and `/health/ready` show them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// The worker's id.
    pub worker: String,
    /// The process.
    pub pid: u32,
    /// Epoch milliseconds.
    pub at: i64,
    /// The broker is connected.
    pub broker: bool,
    /// The database answered last time it was asked.
    pub database: bool,
    /// No more jobs are taken.
    pub draining: bool,
    /// Jobs in hand.
    pub in_flight: usize,
}

impl Status {
    /// What is wrong, for people; `None` when nothing is.
    pub fn problem(&self) -> Option<&'static str> {
        if !self.broker {
            Some("RabbitMQ is not connected")
        } else if !self.database {
            Some("the database does not answer")
        } else {
            None
        }
    }
}

impl Health {
    /// The facts of this moment.
    pub fn status(&self, worker: &str) -> Status {
        Status {
            worker: worker.to_owned(),
            pid: std::process::id(),
            at: clock::now_ms(),
            broker: self.broker.load(Ordering::Relaxed),
            database: self.database.load(Ordering::Relaxed),
            draining: self.draining.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
        }
    }

    /// Notes whether the broker is connected.
    pub fn broker(&self, up: bool) {
        self.broker.store(up, Ordering::Relaxed);
        metrics::gauge!(metric::BROKER_UP).set(if up { 1.0 } else { 0.0 });
    }

    /// Notes an answer of the database.
    pub fn database_answered(&self) {
        if !self.database.swap(true, Ordering::Relaxed) {
            metrics::gauge!(metric::DATABASE_UP).set(1.0);
            tracing::info!("the database answers");
        }
    }

    /// Notes a database that did not answer; whether that is news.
    pub fn database_failed(&self) -> bool {
        metrics::gauge!(metric::DATABASE_UP).set(0.0);
        self.database.swap(false, Ordering::Relaxed)
    }

    /// Notes that no more jobs are taken.
    pub fn draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// One more job in hand, until the guard is dropped.
    pub fn begin(self: &std::sync::Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        metrics::gauge!(metric::IN_FLIGHT).increment(1.0);
        InFlight(std::sync::Arc::clone(self))
    }
}

/// One job in hand.
#[derive(Debug)]
pub struct InFlight(std::sync::Arc<Health>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!(metric::IN_FLIGHT).decrement(1.0);
    }
}

/// The status file of one worker, removed on a clean exit.
#[derive(Debug)]
pub struct StatusFile(PathBuf);

impl StatusFile {
    /// Where the status files of a data folder are.
    pub fn folder(data_dir: &Path) -> PathBuf {
        data_dir.join("status")
    }

    /// Names the file of `worker` and removes what dead processes left.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn open(data_dir: &Path, worker: &str) -> std::io::Result<Self> {
        let folder = Self::folder(data_dir);
        std::fs::create_dir_all(&folder)?;
        for (path, status) in read_all(&folder) {
            if !is_alive(status.pid) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(Self(folder.join(format!("{worker}.json"))))
    }

    /// Writes the facts of this moment; readers never see half of them.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, status: &Status) -> std::io::Result<()> {
        let next = self.0.with_extension("next");
        std::fs::write(&next, serde_json::to_vec(status)?)?;
        std::fs::rename(next, &self.0)
    }
}

impl Drop for StatusFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// All status files of a folder that can be read.
pub fn read_all(folder: &Path) -> Vec<(PathBuf, Status)> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .filter_map(|path| {
            let status = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
            Some((path, status))
        })
        .collect()
}

/// Whether a process of this machine is still there; where that cannot be told, it is.
pub fn is_alive(pid: u32) -> bool {
    !Path::new("/proc/self").exists() || Path::new(&format!("/proc/{pid}")).exists()
}
