//! How this process is: what `healthcheck`, `/health` and the log say about it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::telemetry::metric;

/// Facts that change while the process runs.
#[derive(Debug, Default)]
pub struct Health {
    broker: AtomicBool,
    database: AtomicBool,
    draining: AtomicBool,
    blocked: AtomicBool,
    drifted: AtomicBool,
    started: AtomicBool,
    in_flight: AtomicUsize,
    stuck: OnceLock<String>,
}

/// One moment's facts, as the status file and `/health/ready` show them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is a fact of its own, as readers of the file see it")]
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
    /// The broker accepts no messages for lack of memory or disk.
    pub blocked: bool,
    /// A queue or an exchange exists with other arguments.
    pub drifted: bool,
    /// Why this process makes no progress and has to be restarted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck: Option<String>,
    /// Jobs in hand.
    pub in_flight: usize,
}

impl Status {
    /// What is wrong, for people; `None` when nothing is.
    pub fn problem(&self) -> Option<String> {
        let found = if let Some(why) = &self.stuck {
            return Some(format!("stuck: {why}"));
        } else if !self.broker {
            "RabbitMQ is not connected"
        } else if self.drifted {
            "a queue or an exchange of its prefix exists with other arguments; the log names it"
        } else if self.blocked {
            "RabbitMQ accepts no messages for lack of memory or disk"
        } else if !self.database {
            "the database does not answer"
        } else {
            return None;
        };
        Some(found.to_owned())
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
            blocked: self.blocked.load(Ordering::Relaxed),
            drifted: self.drifted.load(Ordering::Relaxed),
            stuck: self.stuck.get().cloned(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
        }
    }

    /// Notes how the broker is.
    pub fn broker(&self, up: bool, blocked: bool, drifted: bool) {
        for (fact, holds, gauge) in [
            (&self.broker, up, metric::BROKER_UP),
            (&self.blocked, blocked, metric::BROKER_BLOCKED),
            (&self.drifted, drifted, metric::TOPOLOGY_DRIFT),
        ] {
            fact.store(holds, Ordering::Relaxed);
            metrics::gauge!(gauge).set(if holds { 1.0 } else { 0.0 });
        }
    }

    /// Whether new jobs can be worked on to their end: broker and database are there.
    pub fn is_well(&self) -> bool {
        let [broker, blocked, database] =
            [&self.broker, &self.blocked, &self.database].map(|fact| fact.load(Ordering::Relaxed));
        broker && !blocked && database
    }

    /// Notes why this process has to be restarted; the first reason stays.
    pub fn stuck(&self, why: String) {
        self.stuck.set(why).ok();
    }

    /// Notes an answer of the database.
    pub fn database_answered(&self) {
        if !self.database.swap(true, Ordering::Relaxed) {
            metrics::gauge!(metric::DATABASE_UP).set(1.0);
            // At the start it is no news.
            if self.started.swap(true, Ordering::Relaxed) {
                tracing::info!("the database answers again");
            }
        }
    }

    /// Notes a database that did not answer; whether that is news.
    pub fn database_failed(&self) -> bool {
        metrics::gauge!(metric::DATABASE_UP).set(0.0);
        self.database.swap(false, Ordering::Relaxed)
    }

    /// Whether the database answered last time it was asked.
    pub fn has_database(&self) -> bool {
        self.database.load(Ordering::Relaxed)
    }

    /// Notes that no more jobs are taken.
    pub fn draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Notes how many jobs are in hand.
    pub fn in_flight(&self, jobs: usize) {
        self.in_flight.store(jobs, Ordering::Relaxed);
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
