//! Settings: compiled-in defaults, a file, the environment, flags, in that order; validated before a socket opens.
//!
//! Knows names and ranges of settings; must not know what they are used for.

mod in_force;
mod parse;
mod sections;
#[cfg(test)]
mod tests;
mod validate;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use config::{ConfigError, Environment, File, FileFormat};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;

pub use in_force::{Origin, Setting};
pub use sections::{Amqp, Api, Database, Engine, Expressions, Http, Limits, Log, LogFormat, Oidc, Vault, Worker};

/// A value that a flag sets, whatever its type.
pub type Value = config::Value;

/// The commented default file, as `data-connector` compiles it in.
pub const DEFAULTS: &str = include_str!("default.toml");

/// A setting that cannot be used: the caller exits with 64.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is missing, not TOML, or holds unknown or mistyped keys.
    #[error("the configuration cannot be used")]
    Source(#[from] ConfigError),
    /// A value out of its range.
    #[error("the configuration cannot be used: {key} {problem}")]
    Value {
        /// `section.key`.
        key: &'static str,
        /// What is wrong and what it should be.
        problem: String,
    },
    /// No data folder.
    #[error("there is no home folder to keep data in: name one with --data-dir")]
    NoDataDir,
}

/// What the command line sets over file and environment.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config FILE`.
    pub file: Option<PathBuf>,
    /// `--data-dir DIR`.
    pub data_dir: Option<PathBuf>,
    /// Further settings by `section.key`.
    pub overrides: Vec<(&'static str, Value)>,
}

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The broker.
    pub amqp: Amqp,
    /// The database.
    pub database: Database,
    /// The key for credentials.
    pub vault: Vault,
    /// Jobs.
    pub worker: Worker,
    /// Calls.
    pub http: Http,
    /// Sizes and times.
    pub limits: Limits,
    /// What expressions may read.
    pub expressions: Expressions,
    /// The HTTP interface.
    pub api: Api,
    /// What engines can do beyond the contract's minimum, by name.
    pub engines: BTreeMap<String, Engine>,
    /// Logs.
    pub log: Log,
    /// Where status files and the SQLite file are; absolute.
    #[serde(skip)]
    pub data_dir: PathBuf,
    /// Addresses this process listens on, once it does: connectors never call them.
    #[serde(skip)]
    pub listening: Vec<SocketAddr>,
    /// Every setting as it may be shown to an administrator.
    #[serde(skip)]
    pub in_force: Vec<Setting>,
}

impl Config {
    /// Reads and validates all settings.
    ///
    /// # Errors
    /// The first setting that cannot be used, by its key.
    pub fn load(flags: Flags) -> Result<Self, Error> {
        let mut builder = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = &flags.file {
            builder = builder.add_source(File::from(file.as_path()).format(FileFormat::Toml));
        }
        builder = builder.add_source(well_known_variables()?).add_source(own_variables());
        let names: Vec<&str> = flags.overrides.iter().map(|(name, _)| *name).collect();
        for (key, value) in flags.overrides {
            builder = builder.set_override(key, value)?;
        }
        let sources = builder.build()?;
        let mut config: Self = sources.clone().try_deserialize()?;
        config.data_dir = data_dir(flags.data_dir)?;
        config.validate()?;
        config.database.default_url(&config.data_dir);
        config.worker.default_capacity();
        config.in_force = in_force::in_force(&sources.cache, &names, &config.derived());
        Ok(config)
    }

    /// Settings whose defaults depend on others, as they came out.
    fn derived(&self) -> BTreeMap<&'static str, serde_json::Value> {
        BTreeMap::from([
            ("database.url", self.database.url.expose_secret().into()),
            ("worker.concurrency", self.worker.concurrency.into()),
            ("worker.per_host", self.worker.per_host.into()),
        ])
    }

    /// The address under which browsers reach this process: `api.public_url`, else the one that it listens on.
    pub fn public_url(&self) -> Option<Url> {
        let listening = || Url::parse(&format!("http://{}", reachable(*self.listening.first()?))).ok();
        self.api.public_url.clone().or_else(listening)
    }
}

/// An address that is listened on, as a browser on this machine reaches it.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let local = std::net::Ipv4Addr::LOCALHOST;
    if address.ip().is_unspecified() { SocketAddr::from((local, address.port())) } else { address }
}

/// The names that everyone's tooling sets; `DATA_CONNECTOR__…` goes over them.
fn well_known_variables() -> Result<config::Config, ConfigError> {
    let mut builder = config::Config::builder();
    for (variable, key) in [("AMQP_URL", "amqp.url"), ("DATABASE_URL", "database.url"), ("RUST_LOG", "log.filter")] {
        if let Some(value) = std::env::var(variable).ok().filter(|value| !value.is_empty()) {
            let value = Value::new(Some(&in_force::ENVIRONMENT.to_owned()), value);
            builder = builder.set_override(key, value)?;
        }
    }
    builder.build()
}

fn own_variables() -> Environment {
    Environment::with_prefix("DATA_CONNECTOR")
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("amqp.reply_to")
        .with_list_parse_key("worker.queues")
        .with_list_parse_key("http.allow_net")
        .with_list_parse_key("http.allow_ports")
        .with_list_parse_key("vault.old_keys")
        .with_list_parse_key("api.cors_origins")
        .with_list_parse_key("api.trusted_proxies")
}

fn data_dir(flag: Option<PathBuf>) -> Result<PathBuf, Error> {
    let absolute = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = flag
        .or_else(|| absolute("XDG_DATA_HOME").map(|home| home.join("data-connector")))
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share/data-connector")))
        .ok_or(Error::NoDataDir)?;
    std::path::absolute(folder).map_err(|_| Error::NoDataDir)
}
