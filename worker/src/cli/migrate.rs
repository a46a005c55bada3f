//! `migrate`: brings the database to this version's schema and declares exchanges and queues.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::output;
use super::settings::Settings;
use crate::amqp::Broker;
use crate::setup;
use crate::store::Store;

/// Brings database and broker to what this version needs.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Leave the broker alone
    #[arg(long)]
    database_only: bool,
    /// Delete the exchanges and queues of this prefix with everything in them, and leave the database alone
    #[arg(long, conflicts_with = "database_only")]
    remove_queues: bool,
}

impl Migrate {
    pub(super) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let config = settings.load_and_log(Vec::new())?;
        if self.remove_queues {
            Broker::remove(setup::amqp(&config, "migrate")).await?;
            output::note(&format!("removed the exchanges and queues of `{}`", config.amqp.prefix));
            return Ok(ExitCode::SUCCESS);
        }
        let store =
            Store::open(&config.database.url, &setup::keys(&config), &setup::database_tls(&config), true).await?;
        output::note(&format!("the database is at this version's schema (ledger {})", store.ledger_id()));
        if !self.database_only {
            Broker::connect(setup::amqp(&config, "migrate")).await?.close().await;
            output::note(&format!("the broker has the exchanges and queues of `{}`", config.amqp.prefix));
        }
        Ok(ExitCode::SUCCESS)
    }
}
