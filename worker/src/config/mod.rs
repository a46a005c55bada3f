//! Settings: compiled-in defaults, a file, the environment, flags, in that order; validated before a socket opens.
//!
//! Knows names and ranges of settings; must not know what they are used for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// The commented default file, as `data-connector` compiles it in.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Thirteen days, seconds: the delay ladder holds a copy of a job for at most 2^20 - 1 of them, and without its row that
/// copy would be a new job.
const LADDER: u64 = 13 * 86_400;

/// A setting that cannot be used: the caller exits with 64.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is missing, not TOML, or holds unknown or mistyped keys.
    #[error("the configuration cannot be used: {0}")]
    Source(#[from] config::ConfigError),
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

/// What the command line says over file and environment.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config FILE`.
    pub file: Option<PathBuf>,
    /// `--data-dir DIR`.
    pub data_dir: Option<PathBuf>,
    /// Further settings by `section.key`.
    pub overrides: Vec<(&'static str, config::Value)>,
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
    /// The work.
    pub worker: Worker,
    /// Calls.
    pub http: Http,
    /// Sizes and times.
    pub limits: Limits,
    /// What expressions may know.
    pub expressions: Expressions,
    /// The HTTP interface.
    pub api: Api,
    /// What engines can do beyond the contract's least, by name.
    pub engines: BTreeMap<String, Engine>,
    /// Logs.
    pub log: Log,
    /// Where status files and the SQLite file live; absolute.
    #[serde(skip)]
    pub data_dir: PathBuf,
    /// Where this process listens, once it does: connectors never call it.
    #[serde(skip)]
    pub listening: Vec<std::net::SocketAddr>,
}

/// `[amqp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amqp {
    url: SecretString,
    /// What all names begin with.
    pub prefix: String,
    heartbeat: u16,
    consumer_check_interval: u64,
    confirm_timeout: u64,
    ca_file: String,
    client_certificate: String,
    client_key: String,
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    url: SecretString,
    ca_file: String,
    client_certificate: String,
    client_key: String,
    keep_jobs: u64,
    keep_payloads: u64,
}

/// `[vault]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    key: SecretString,
    old_keys: Vec<SecretString>,
    key_file: String,
}

/// `[worker]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Job queues that are worked on.
    pub queues: Vec<String>,
    /// How many jobs a process holds at once.
    pub prefetch: u16,
    concurrency: u16,
    per_host: u16,
    drain_timeout: u64,
    lease: u64,
    stuck_after: u64,
}

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    base_url: String,
    connect_timeout: u64,
    /// Private ranges that connectors may reach.
    pub allow_net: Vec<IpNet>,
    /// Whether a connector may switch certificate verification off.
    pub allow_insecure_tls: bool,
    ca_file: String,
    proxy: SecretString,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The largest job, bytes.
    pub job_bytes: usize,
    /// The largest result, bytes.
    pub result_bytes: usize,
    /// The largest answer of a third party, bytes after decompression.
    pub response_bytes: usize,
    /// The largest answer that is handed on as base64, bytes.
    pub inline_bytes: usize,
    call_timeout: u64,
    poll_time: u64,
    retry_after: u64,
}

/// `[expressions]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expressions {
    /// What `env` reads, by name.
    pub env: BTreeMap<String, String>,
}

/// `[api]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Where `up` and `serve` answer.
    pub listen: std::net::SocketAddr,
}

/// `[engines.NAME]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Engine {
    /// Whether it understands results of jobs that were run again (CONTRACT 3).
    pub accepts_replay: bool,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A `tracing` filter.
    pub filter: String,
    /// Text for people, JSON for machines.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl Config {
    /// Reads and validates all settings.
    ///
    /// # Errors
    /// The first setting that cannot be used, by its key.
    pub fn load(flags: Flags) -> Result<Self, Error> {
        let defaults = config::File::from_str(DEFAULTS, config::FileFormat::Toml);
        let mut builder = config::Config::builder().add_source(defaults);
        if let Some(file) = &flags.file {
            builder = builder.add_source(config::File::from(file.as_path()).format(config::FileFormat::Toml));
        }
        builder = builder.add_source(well_known_variables()?).add_source(own_variables());
        for (key, value) in flags.overrides {
            builder = builder.set_override(key, value)?;
        }
        let mut config: Self = builder.build()?.try_deserialize()?;
        config.data_dir = data_dir(flags.data_dir)?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), Error> {
        let name = |text: &str| crate::job::is_name(text);
        check(!self.amqp.prefix.is_empty() && self.amqp.prefix.split('.').all(name), "amqp.prefix", || {
            format!("is `{}`; it must be A-Z a-z 0-9 _ - with dots between", self.amqp.prefix)
        })?;
        check(self.amqp.prefix.len() <= 100, "amqp.prefix", || "is longer than 100 characters".to_owned())?;
        check(!self.worker.queues.is_empty(), "worker.queues", || {
            "is empty; name a queue, such as default".to_owned()
        })?;
        for queue in &self.worker.queues {
            check(name(queue), "worker.queues", || format!("holds `{queue}`; it must be 1 to 64 of A-Z a-z 0-9 _ -"))?;
        }
        check(self.worker.prefetch > 0, "worker.prefetch", || "must be at least 1".to_owned())?;
        check(self.worker.stuck_after >= 2, "worker.stuck_after", || "must be at least 2 seconds".to_owned())?;
        check(self.amqp.consumer_check_interval > 0, "amqp.consumer_check_interval", || {
            "must be at least 1 second".to_owned()
        })?;
        check(self.worker.lease >= 5, "worker.lease", || "must be at least 5 seconds".to_owned())?;
        check(self.database.keep_payloads >= 60, "database.keep_payloads", || {
            "must be at least 60 seconds".to_owned()
        })?;
        check(self.database.keep_jobs >= LADDER, "database.keep_jobs", || {
            format!("must be at least {LADDER} seconds: as long as a copy of a job that was taken back may wait")
        })?;
        check(self.database.keep_jobs >= self.database.keep_payloads, "database.keep_jobs", || {
            "must be at least database.keep_payloads, for a job's message goes before its row".to_owned()
        })?;
        check(self.limits.call_timeout > 0, "limits.call_timeout", || "must be at least 1 second".to_owned())?;
        check(self.http.connect_timeout > 0, "http.connect_timeout", || "must be at least 1 second".to_owned())?;
        for (certificate, key, name) in [
            (&self.amqp.client_certificate, &self.amqp.client_key, "amqp.client_key"),
            (&self.database.client_certificate, &self.database.client_key, "database.client_key"),
        ] {
            check(certificate.is_empty() == key.is_empty(), name, || {
                "and client_certificate belong together: set both or none".to_owned()
            })?;
        }
        let one_place = self.vault.key().is_none() || self.vault.key_file().is_none();
        check(one_place, "vault.key", || "is set, and so is vault.key_file; one of them is enough".to_owned())?;
        check(self.vault.key().is_some() || self.vault.old_keys.is_empty(), "vault.old_keys", || {
            "needs vault.key; further keys of a file stand in the file, one a line".to_owned()
        })?;
        self.http.base_url().map(drop)
    }
}

fn check(holds: bool, key: &'static str, problem: impl FnOnce() -> String) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Value { key, problem: problem() }) }
}

/// The names that everyone's tooling sets; `DATA_CONNECTOR__…` goes over them.
fn well_known_variables() -> Result<config::Config, config::ConfigError> {
    let mut builder = config::Config::builder();
    for (variable, key) in [("AMQP_URL", "amqp.url"), ("DATABASE_URL", "database.url"), ("RUST_LOG", "log.filter")] {
        if let Some(value) = std::env::var(variable).ok().filter(|value| !value.is_empty()) {
            builder = builder.set_override(key, value)?;
        }
    }
    builder.build()
}

fn own_variables() -> config::Environment {
    config::Environment::with_prefix("DATA_CONNECTOR")
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("worker.queues")
        .with_list_parse_key("http.allow_net")
        .with_list_parse_key("vault.old_keys")
}

fn data_dir(flag: Option<PathBuf>) -> Result<PathBuf, Error> {
    let absolute = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = flag
        .or_else(|| absolute("XDG_DATA_HOME").map(|home| home.join("data-connector")))
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share/data-connector")))
        .ok_or(Error::NoDataDir)?;
    std::path::absolute(folder).map_err(|_| Error::NoDataDir)
}

fn file(text: &str) -> Option<PathBuf> {
    Some(text).filter(|text| !text.is_empty()).map(PathBuf::from)
}

impl Amqp {
    /// Where the broker is, password included.
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// How soon a dead connection is noticed.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat.into())
    }

    /// After how long without a delivery a consumer is checked.
    pub fn consumer_check_interval(&self) -> Duration {
        Duration::from_secs(self.consumer_check_interval)
    }

    /// How long a confirm may take.
    pub fn confirm_timeout(&self) -> Duration {
        Duration::from_secs(self.confirm_timeout)
    }

    /// Own certificate authorities.
    pub fn ca_file(&self) -> Option<PathBuf> {
        file(&self.ca_file)
    }

    /// Who we are, a PEM file.
    pub fn client_certificate(&self) -> Option<PathBuf> {
        file(&self.client_certificate)
    }

    /// The key of that certificate, a PEM file.
    pub fn client_key(&self) -> Option<PathBuf> {
        file(&self.client_key)
    }
}

impl Database {
    /// Own certificate authorities.
    pub fn ca_file(&self) -> Option<PathBuf> {
        file(&self.ca_file)
    }

    /// Who we are, a PEM file.
    pub fn client_certificate(&self) -> Option<PathBuf> {
        file(&self.client_certificate)
    }

    /// The key of that certificate, a PEM file.
    pub fn client_key(&self) -> Option<PathBuf> {
        file(&self.client_key)
    }

    /// How long the row of a job that has ended is kept.
    pub fn keep_jobs(&self) -> Duration {
        Duration::from_secs(self.keep_jobs)
    }

    /// How long its message and its result are kept once the engine has taken it.
    pub fn keep_payloads(&self) -> Duration {
        Duration::from_secs(self.keep_payloads)
    }

    /// Where the database is; a SQLite file in `data_dir` unless said otherwise.
    pub fn url(&self, data_dir: &Path) -> SecretString {
        use secrecy::ExposeSecret;
        if self.url.expose_secret().is_empty() {
            return SecretString::from(format!("sqlite:{}", data_dir.join("data-connector.sqlite").display()));
        }
        self.url.clone()
    }
}

impl Vault {
    /// The key as base64.
    pub fn key(&self) -> Option<SecretString> {
        use secrecy::ExposeSecret;
        Some(self.key.clone()).filter(|key| !key.expose_secret().is_empty())
    }

    /// The keys that sealed before it.
    pub fn old_keys(&self) -> Vec<SecretString> {
        self.old_keys.clone()
    }

    /// The file that holds the keys.
    pub fn key_file(&self) -> Option<PathBuf> {
        file(&self.key_file)
    }
}

impl Worker {
    /// How many jobs are worked on at once.
    pub fn concurrency(&self) -> usize {
        usize::from(if self.concurrency == 0 { self.prefetch } else { self.concurrency })
    }

    /// How many calls one host may have at once: four of five places, so that one host never takes them all.
    pub fn per_host(&self) -> usize {
        match self.per_host {
            0 => (self.concurrency() - self.concurrency().div_ceil(5)).max(1),
            given => usize::from(given),
        }
    }

    /// How long a job may take beside its call before the process counts as wedged.
    pub fn stuck_after(&self) -> Duration {
        Duration::from_secs(self.stuck_after)
    }

    /// How long calls in flight may take to finish after SIGTERM.
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.drain_timeout)
    }

    /// How long a silent worker is believed to be alive.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease)
    }
}

impl Http {
    /// Where relative URLs go.
    ///
    /// # Errors
    /// When it is set and not an http or https URL.
    pub fn base_url(&self) -> Result<Option<Url>, Error> {
        if self.base_url.is_empty() {
            return Ok(None);
        }
        match Url::parse(&self.base_url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(url)),
            _ => Err(Error::Value {
                key: "http.base_url",
                problem: format!("is `{}`, not an http or https URL", self.base_url),
            }),
        }
    }

    /// The proxy that every call goes through.
    pub fn proxy(&self) -> Option<SecretString> {
        use secrecy::ExposeSecret;
        Some(self.proxy.clone()).filter(|proxy| !proxy.expose_secret().is_empty())
    }

    /// From dialling to a secure connection.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout)
    }

    /// Own certificate authorities.
    pub fn ca_file(&self) -> Option<PathBuf> {
        file(&self.ca_file)
    }
}

impl Limits {
    /// The longest one attempt may take.
    pub fn call_timeout(&self) -> Duration {
        Duration::from_secs(self.call_timeout)
    }

    /// The longest an accepted request is asked after.
    pub fn poll_time(&self) -> Duration {
        Duration::from_secs(self.poll_time)
    }

    /// The longest wait a third party may ask for.
    pub fn retry_after(&self) -> Duration {
        Duration::from_secs(self.retry_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(toml: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, toml).unwrap();
        let flags = Flags { file: Some(file), data_dir: Some(folder.path().join("data")), overrides: Vec::new() };
        Config::load(flags).map_err(|e| e.to_string())
    }

    #[test]
    fn the_defaults_hold_and_a_file_goes_over_them() {
        let config =
            with("[database]\nkeep_jobs = 1123200\n[worker]\nprefetch = 7\n[http]\nallow_net = [\"10.0.0.0/8\"]")
                .unwrap();
        assert_eq!((config.worker.prefetch, config.worker.concurrency()), (7, 7));
        assert_eq!(config.http.allow_net.len(), 1);
        assert!(config.data_dir.is_absolute());
    }

    #[test]
    fn a_mistake_is_named_by_its_key() {
        for (toml, expected) in [
            ("[worker]\nprefech = 7", "prefech"),
            ("[worker]\nprefetch = 0", "worker.prefetch must be at least 1"),
            ("[database]\nkeep_payloads = 59", "database.keep_payloads must be at least 60 seconds"),
            ("[database]\nkeep_jobs = 1123199", "database.keep_jobs must be at least 1123200 seconds"),
            ("[database]\nkeep_payloads = 2592001", "database.keep_jobs must be at least database.keep_payloads"),
            ("[amqp]\nprefix = \"a b\"", "amqp.prefix is `a b`"),
            ("[worker]\nqueues = [\"a.b\"]", "worker.queues holds `a.b`"),
            ("[http]\nallow_net = [\"10.0.0.0/99\"]", "allow_net"),
            ("[http]\nbase_url = \"ftp://x\"", "http.base_url is `ftp://x`"),
            ("worker", "c.toml"),
        ] {
            let problem = with(toml).unwrap_err();
            assert!(problem.contains(expected), "{toml}: {problem}");
        }
    }
}
