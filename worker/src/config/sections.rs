//! The sections of the configuration, each setting in the type it means.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::parse::{optional_path, optional_secret, optional_text, optional_url, seconds};

/// `[amqp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amqp {
    /// Where the broker is, password included; several nodes with commas between them.
    pub url: SecretString,
    /// What the names of all exchanges and queues begin with.
    pub prefix: String,
    /// What the names of queues begin with that jobs may name in `reply_to`; any where there is none.
    pub reply_to: Vec<String>,
    /// How soon a dead connection is noticed.
    #[serde(deserialize_with = "seconds")]
    pub heartbeat: Duration,
    /// Without a delivery for this long, the consumer is checked.
    #[serde(deserialize_with = "seconds")]
    pub consumer_check_interval: Duration,
    /// How long a confirm may take.
    #[serde(deserialize_with = "seconds")]
    pub confirm_timeout: Duration,
    /// Additional certificate authorities, a PEM file.
    #[serde(deserialize_with = "optional_path")]
    pub ca_file: Option<PathBuf>,
    /// The client certificate, a PEM file.
    #[serde(deserialize_with = "optional_path")]
    pub client_certificate: Option<PathBuf>,
    /// The key of that certificate, a PEM file.
    #[serde(deserialize_with = "optional_path")]
    pub client_key: Option<PathBuf>,
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Where the database is, password included; a SQLite file in the data folder unless set.
    pub url: SecretString,
    /// Certificate authorities, a PEM file.
    #[serde(deserialize_with = "optional_path")]
    pub ca_file: Option<PathBuf>,
    /// The client certificate, a PEM file.
    #[serde(deserialize_with = "optional_path")]
    pub client_certificate: Option<PathBuf>,
    /// The key of that certificate, a PEM file.
    #[serde(deserialize_with = "optional_path")]
    pub client_key: Option<PathBuf>,
    /// How long the row of a finished job is retained.
    #[serde(deserialize_with = "seconds")]
    pub keep_jobs: Duration,
    /// How long its message and its result are retained once the engine has the result.
    #[serde(deserialize_with = "seconds")]
    pub keep_payloads: Duration,
    /// How long a dead letter is retained.
    #[serde(deserialize_with = "seconds")]
    pub keep_dead_letters: Duration,
}

/// `[vault]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// The primary key, base64.
    #[serde(deserialize_with = "optional_secret")]
    pub key: Option<SecretString>,
    /// Earlier keys, base64.
    pub old_keys: Vec<SecretString>,
    /// A file that holds the keys.
    #[serde(deserialize_with = "optional_path")]
    pub key_file: Option<PathBuf>,
}

/// `[worker]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Job queues to consume.
    pub queues: Vec<String>,
    /// How many jobs a process holds at once.
    pub prefetch: u16,
    /// How many jobs are worked on at once; the prefetch unless set.
    pub concurrency: u16,
    /// How many calls one host may have at once; four fifths of the concurrency unless set, so that one host never takes
    /// it all.
    pub per_host: u16,
    /// How long calls in flight may take to finish after SIGTERM.
    #[serde(deserialize_with = "seconds")]
    pub drain_timeout: Duration,
    /// How long a worker that does not renew its lease counts as alive.
    #[serde(deserialize_with = "seconds")]
    pub lease: Duration,
    /// How long a job may take, its call not counted, before the process counts as stuck.
    #[serde(deserialize_with = "seconds")]
    pub stuck_after: Duration,
}

/// `[http]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// What relative URLs are resolved against.
    #[serde(deserialize_with = "optional_url")]
    pub base_url: Option<Url>,
    /// From dialling to a secure connection.
    #[serde(deserialize_with = "seconds")]
    pub connect_timeout: Duration,
    /// Private ranges that connectors may reach.
    pub allow_net: Vec<IpNet>,
    /// Ports below 1024 at which public hosts may be called, besides 80 and 443.
    pub allow_ports: Vec<u16>,
    /// Whether a connector may switch certificate verification off.
    pub allow_insecure_tls: bool,
    /// Additional certificate authorities, a PEM file.
    #[serde(deserialize_with = "optional_path")]
    pub ca_file: Option<PathBuf>,
    /// The egress proxy that every call goes through, password included.
    #[serde(deserialize_with = "optional_secret")]
    pub proxy: Option<SecretString>,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The largest job, bytes.
    pub job_bytes: usize,
    /// The largest result, bytes.
    pub result_bytes: usize,
    /// The largest response of a third party, bytes after decompression.
    pub response_bytes: usize,
    /// The largest response that is passed on as base64, bytes.
    pub inline_bytes: usize,
    /// What large messages, answers and what is made of them may take in memory, for all jobs of a process, bytes.
    pub memory: usize,
    /// The largest file of records that is imported over the API, bytes.
    pub import_bytes: u64,
    /// The longest one attempt may take.
    #[serde(deserialize_with = "seconds")]
    pub call_timeout: Duration,
    /// How long an accepted request is polled at most.
    #[serde(deserialize_with = "seconds")]
    pub poll_time: Duration,
    /// The longest wait a third party may ask for.
    #[serde(deserialize_with = "seconds")]
    pub retry_after: Duration,
    /// How long at least a job waits for a host that does not answer.
    #[serde(deserialize_with = "seconds")]
    pub host_wait: Duration,
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
    /// The address that `up` and `serve` listen on.
    pub listen: SocketAddr,
    /// Requests a second of one token; 0 for no limit.
    pub rate: u32,
    /// Requests without a valid token a minute from one address; 0 for no limit.
    pub rate_refused: u32,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The largest body of a request, bytes.
    pub body_bytes: usize,
    /// How long the head of a request may take.
    #[serde(deserialize_with = "seconds")]
    pub header_timeout: Duration,
    /// How long its body may take.
    #[serde(deserialize_with = "seconds")]
    pub body_timeout: Duration,
    /// Connections at once.
    pub connections: usize,
    /// How long a call over the API may take.
    #[serde(deserialize_with = "seconds")]
    pub execute_timeout: Duration,
    /// How many calls over the API there may be at once.
    pub executions: usize,
    /// How long browsers may reuse answers of the cached form, seconds.
    pub cache_seconds: u32,
    /// How long a request may wait for a job to end.
    #[serde(deserialize_with = "seconds")]
    pub wait: Duration,
    /// The address under which browsers reach this installation.
    #[serde(deserialize_with = "optional_url")]
    pub public_url: Option<Url>,
    /// Origins whose pages may use the API.
    pub cors_origins: Vec<String>,
    /// Whether the first start makes a token for an administrator.
    pub first_token: bool,
    /// The identity provider whose tokens are accepted.
    pub oidc: Oidc,
}

/// `[api.oidc]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// The `iss` of its tokens; none are accepted unless set.
    #[serde(deserialize_with = "optional_text")]
    pub issuer: Option<String>,
    /// The `aud` that its tokens name.
    #[serde(deserialize_with = "optional_text")]
    pub audience: Option<String>,
    /// Where its keys are; where its discovery document says unless set.
    #[serde(deserialize_with = "optional_url")]
    pub jwks_url: Option<Url>,
    /// The claim that holds scopes.
    pub scope_claim: String,
    /// What scopes of ours begin with there.
    pub scope_prefix: String,
    /// The claim that limits a token to connectors.
    #[serde(deserialize_with = "optional_text")]
    pub connectors_claim: Option<String>,
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

impl Database {
    /// Sets a URL that is empty to the SQLite file in the data folder.
    pub(super) fn default_url(&mut self, data_dir: &Path) {
        if self.url.expose_secret().is_empty() {
            self.url = SecretString::from(format!("sqlite:{}", data_dir.join("data-connector.sqlite").display()));
        }
    }
}

impl Worker {
    /// Sets a concurrency and a limit per host that are 0 to what they are by default.
    pub(super) fn default_capacity(&mut self) {
        if self.concurrency == 0 {
            self.concurrency = self.prefetch;
        }
        if self.per_host == 0 {
            self.per_host = (self.concurrency - self.concurrency.div_ceil(5)).max(1);
        }
    }
}
