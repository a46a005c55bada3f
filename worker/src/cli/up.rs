//! `up`: `serve` and `worker` in one process.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::settings::Settings;
use super::worker::{Interface, Work, work};

/// Serves and works in one process.
#[derive(Debug, Args)]
pub(super) struct Up {
    #[command(flatten)]
    work: Work,
    /// Where to answer; port 0 prints its choice [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Up {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load_and_log(self.work.overrides())?;
        let listen = self.listen.unwrap_or(config.api.listen);
        work(&settings, &self.work, config, Some(Interface::Api(listen))).await
    }
}
