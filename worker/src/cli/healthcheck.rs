//! `healthcheck`: what a container's or a supervisor's probe calls; reads the status files of the data folder.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::settings::Settings;
use super::{exit, output};
use crate::health::{StatusFile, is_alive, read_all};

/// A status file that was not written for so long belongs to a process that hangs.
const FRESH_MS: i64 = 15_000;

/// Tells whether the workers of this data folder are well.
#[derive(Debug, Args)]
pub(super) struct Healthcheck {}

impl Healthcheck {
    pub(super) fn run(settings: &Settings) -> Result<ExitCode> {
        let config = settings.load(Vec::new())?;
        let folder = StatusFile::folder(&config.data_dir);
        let workers = read_all(&folder);
        if workers.is_empty() {
            output::note(&format!("no worker runs with the data folder {}", config.data_dir.display()));
            return Ok(ExitCode::from(exit::FAILED));
        }
        let mut well = true;
        for (_, status) in workers {
            let age = crate::clock::now_ms() - status.at;
            let problem = if !is_alive(status.pid) {
                Some("its process is gone".to_owned())
            } else if age > FRESH_MS {
                Some(format!("it has said nothing for {} s", age / 1_000))
            } else {
                status.problem()
            };
            well &= problem.is_none();
            let words = problem.unwrap_or_else(|| format!("well, {} jobs in hand", status.in_flight));
            output::line(&format!("{} (process {}): {words}", status.worker, status.pid));
        }
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
    }
}
