//! Flags that every verb takes: where the configuration, the broker and the database are.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ipnet::IpNet;

use crate::config::{Config, Flags, Value};
use crate::setup;
use crate::store::{self, Store};
use crate::telemetry::log;

/// Flags over file and environment.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings (before or after the verb)")]
pub(super) struct Settings {
    /// A TOML file of settings
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the SQLite file and status files live
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// What the names of exchanges and queues begin with
    #[arg(long, global = true, value_name = "NAME")]
    prefix: Option<String>,
    /// A private range that connectors may reach; repeatable
    #[arg(long, global = true, value_name = "CIDR")]
    allow_net: Vec<IpNet>,
    /// Bring a PostgreSQL database to this version's schema first
    #[arg(long, global = true)]
    migrate: bool,
}

impl Settings {
    /// All settings, `further` ones from the verb's own flags.
    pub(super) fn load(&self, further: Vec<(&'static str, Value)>) -> Result<Config> {
        let mut overrides = further;
        if let Some(prefix) = &self.prefix {
            overrides.push(("amqp.prefix", prefix.clone().into()));
        }
        let mut config = Config::load(Flags { file: self.config.clone(), data_dir: self.data_dir.clone(), overrides })?;
        config.http.allow_net.extend(&self.allow_net);
        Ok(config)
    }

    /// All settings, with logging started.
    pub(super) fn load_and_log(&self, further: Vec<(&'static str, Value)>) -> Result<Config> {
        let config = self.load(further)?;
        log::start(&config.log)?;
        Ok(config)
    }

    /// The store that the settings name, migrated where that is asked for or goes without saying.
    pub(super) async fn store(&self, config: &Config) -> Result<Store, store::Error> {
        Store::open(&config.database.url, &setup::keys(config), &setup::database_tls(config), self.migrate).await
    }
}
