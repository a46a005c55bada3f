//! The one client of a process: shared, pooled, without retries, redirects, proxies or cookies of its own.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ipnet::IpNet;
use reqwest::{Certificate, ClientBuilder};
use url::Url;

use super::guard::{Denied, Guard, Refused};
use super::resolve::{Lookup, Resolver, system};
use crate::job::{Code, Failure};
use crate::plan::RequestSpec;

/// What the operator decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Private ranges that may be called.
    pub allow_net: Vec<IpNet>,
    /// From dialling to a secure connection.
    pub connect_timeout: Duration,
    /// The largest answer, bytes after decompression.
    pub response_bytes: usize,
    /// Whether a connector may switch certificate verification off.
    pub allow_insecure_tls: bool,
    /// Own certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// How long an idle connection is kept; shorter than servers keep theirs, since a request that meets a closing
    /// connection has an unknown outcome.
    pub idle: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_net: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            response_bytes: 10 * 1024 * 1024,
            allow_insecure_tls: false,
            ca_file: None,
            idle: Duration::from_secs(4),
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authorities cannot be read.
    #[error("http.ca_file {path} cannot be used: {problem}")]
    CaFile {
        /// The file.
        path: String,
        /// Why.
        problem: String,
    },
    /// TLS cannot be set up.
    #[error("the HTTP client cannot be set up: {0}; are the system's CA certificates installed?")]
    Setup(String),
}

/// Makes calls; cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) guard: Arc<Guard>,
    verifying: reqwest::Client,
    insecure: OnceLock<Option<reqwest::Client>>,
    lookup: Lookup,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// Sets the client up.
    ///
    /// # Errors
    /// When the certificate authorities cannot be read.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Self::with_lookup(settings, system())
    }

    pub(super) fn with_lookup(settings: Settings, lookup: Lookup) -> Result<Self, Error> {
        let guard = Arc::new(Guard::new(settings.allow_net.clone()));
        let builder = builder(&settings, &guard, &lookup)?;
        let verifying = builder.build().map_err(|e| Error::Setup(chain(&e)))?;
        Ok(Self(Arc::new(Inner { settings, guard, verifying, insecure: OnceLock::new(), lookup })))
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Judges a request before an attempt is begun: what is refused here was no attempt.
    ///
    /// # Errors
    /// `DENIED`, or `CONFIGURATION` for URLs and switches that cannot be used.
    pub fn admit(&self, request: &RequestSpec) -> Result<(), Failure> {
        let misconfigured = |problem: String| Failure::before_any_attempt(Code::Configuration, problem);
        if !request.verify_certificate && !self.0.settings.allow_insecure_tls {
            let problem = "verify_certificate is false, and the operator has not set http.allow_insecure_tls";
            return Err(misconfigured(problem.to_owned()));
        }
        match self.0.guard.url(&request.url) {
            Ok(()) => Ok(()),
            Err(Refused::Denied(denied)) => Err(Failure::before_any_attempt(Code::Denied, denied.to_string())),
            Err(Refused::Malformed(problem)) => Err(misconfigured(problem)),
        }
    }

    /// Whether a URL could be called as things are now; names are not resolved.
    ///
    /// # Errors
    /// The refusal.
    pub fn check_url(&self, url: &Url) -> Result<(), Denied> {
        match self.0.guard.url(url) {
            Err(Refused::Denied(denied)) => Err(denied),
            Ok(()) | Err(Refused::Malformed(_)) => Ok(()),
        }
    }
}

impl Inner {
    /// The client that verifies certificates, or the one that does not.
    pub(super) fn client(&self, verify: bool) -> Option<&reqwest::Client> {
        if verify {
            return Some(&self.verifying);
        }
        let insecure = || {
            let builder = builder(&self.settings, &self.guard, &self.lookup).ok()?;
            builder.tls_danger_accept_invalid_certs(true).tls_danger_accept_invalid_hostnames(true).build().ok()
        };
        self.insecure.get_or_init(insecure).as_ref().filter(|_| self.settings.allow_insecure_tls)
    }
}

fn builder(settings: &Settings, guard: &Arc<Guard>, lookup: &Lookup) -> Result<ClientBuilder, Error> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("data-connector/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(settings.idle)
        .tcp_nodelay(true)
        .dns_resolver(Arc::new(Resolver { guard: Arc::clone(guard), lookup: Arc::clone(lookup) }));
    if let Some(path) = &settings.ca_file {
        let problem = |problem: String| Error::CaFile { path: path.display().to_string(), problem };
        let pem = std::fs::read(path).map_err(|e| problem(e.to_string()))?;
        let authorities = Certificate::from_pem_bundle(&pem).map_err(|e| problem(chain(&e)))?;
        builder = builder.tls_certs_merge(authorities);
    }
    Ok(builder)
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}
