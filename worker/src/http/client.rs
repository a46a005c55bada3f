//! The one client of a process: shared, pooled, without retries, redirects, proxies or cookies of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use moka::sync::Cache;
use reqwest::{Certificate, ClientBuilder, Identity};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::auth::{RefreshTokens, Tokens};
use super::guard::{Denied, Guard, Refused};
use super::peer::PeerLayer;
use super::resolve::{Lookup, Resolver, system};
use crate::job::{Code, Failure};
use crate::plan::{ClientIdentity, CredentialId, RequestSpec};

/// How many header fields an answer may have, and how large they may be together.
const HEADERS: usize = 100;
pub(super) const HEADER_BYTES: usize = 64 * 1024;
const HEADER_BYTES_HTTP2: u32 = 64 * 1024;

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
    /// An egress proxy that every call goes through; names are then resolved and judged there.
    pub proxy: Option<SecretString>,
    /// Own listening addresses, the broker and the database: never called, whatever ranges are open.
    pub closed: Vec<SocketAddr>,
    /// Where refresh tokens are written down; in memory only where there is no such place.
    pub refresh_tokens: Option<Arc<dyn RefreshTokens>>,
    /// The wall clock, epoch milliseconds: signatures and assertions carry the time.
    pub now_ms: fn() -> i64,
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
            proxy: None,
            closed: Vec::new(),
            refresh_tokens: None,
            now_ms: || 0,
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
    /// The proxy is not one.
    #[error("http.proxy cannot be used: {0}; write http://host:port or http://user:password@host:port")]
    Proxy(String),
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
    pub(super) tokens: Tokens,
    verifying: reqwest::Client,
    /// Clients with an identity of their own or without verification: connections are never shared between credentials.
    others: Cache<Which, Option<reqwest::Client>>,
    lookup: Lookup,
}

/// What a client of its own is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Which {
    verify: bool,
    credential: Option<Arc<CredentialId>>,
}

/// Credentials with a certificate whose connections are kept, and for how long after their last use.
const IDENTITIES: u64 = 1_000;
const UNUSED: Duration = Duration::from_mins(10);

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
        let guard = Arc::new(Guard::new(settings.allow_net.clone(), settings.closed.clone()));
        let builder = builder(&settings, &guard, &lookup)?;
        let verifying = builder.build().map_err(|e| Error::Setup(chain(&e)))?;
        let others = Cache::builder().max_capacity(IDENTITIES).time_to_idle(UNUSED).build();
        Ok(Self(Arc::new(Inner { settings, guard, tokens: Tokens::default(), verifying, others, lookup })))
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Admits a request before its attempt is claimed: it is judged, and its token is there.
    ///
    /// # Errors
    /// As [`Self::judge`], and `AUTH` when there is no token to be had.
    pub async fn admit(&self, request: &RequestSpec) -> Result<(), Failure> {
        self.judge(request)?;
        self.token(request).await.map(drop)
    }

    /// Judges a request without asking anybody: what is refused here was no attempt.
    ///
    /// # Errors
    /// `DENIED`, or `CONFIGURATION` for URLs and switches that cannot be used.
    pub fn judge(&self, request: &RequestSpec) -> Result<(), Failure> {
        let misconfigured = |problem: String| Failure::before_any_attempt(Code::Configuration, problem);
        if !request.verify_certificate && !self.0.settings.allow_insecure_tls {
            let problem = "verify_certificate is false, and the operator has not set http.allow_insecure_tls";
            return Err(misconfigured(problem.to_owned()));
        }
        match self.0.guard.url(request.raw_url()) {
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
    /// The client for a request: everybody's, or one that only its credential uses.
    pub(super) fn client(&self, request: &RequestSpec) -> Result<reqwest::Client, Failure> {
        let verify = request.verify_certificate || !self.settings.allow_insecure_tls;
        let Some(identity) = &request.identity else {
            if verify {
                return Ok(self.verifying.clone());
            }
            let which = Which { verify, credential: None };
            return self
                .others
                .get_with(which, || self.other(verify, None).ok())
                .ok_or_else(|| unusable("TLS cannot be set up"));
        };
        let which = Which { verify, credential: Some(Arc::clone(&request.credential)) };
        let made = self.others.get_with(which, || self.other(verify, Some(identity)).ok());
        made.ok_or_else(|| unusable("`client_certificate` and `client_key` are not a PEM certificate and its key"))
    }

    fn other(&self, verify: bool, identity: Option<&ClientIdentity>) -> Result<reqwest::Client, Error> {
        let mut builder = builder(&self.settings, &self.guard, &self.lookup)?;
        if !verify {
            builder = builder.tls_danger_accept_invalid_certs(true).tls_danger_accept_invalid_hostnames(true);
        }
        let setup = |e: reqwest::Error| Error::Setup(chain(&e));
        if let Some(identity) = identity {
            let pem = format!("{}\n{}", identity.certificate.trim(), identity.key.expose_secret().trim());
            builder = builder.identity(Identity::from_pem(pem.as_bytes()).map_err(setup)?);
        }
        builder.build().map_err(setup)
    }
}

fn unusable(problem: &str) -> Failure {
    Failure::before_any_attempt(Code::Configuration, problem)
}

#[expect(clippy::disallowed_methods, reason = "this is where the one client gets its guard")]
fn builder(settings: &Settings, guard: &Arc<Guard>, lookup: &Lookup) -> Result<ClientBuilder, Error> {
    // With a proxy, the only name to be resolved and the only peer is the proxy itself: it judges what it connects to.
    let judge = settings.proxy.is_none().then(|| Arc::clone(guard));
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("data-connector/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .http1_max_headers(HEADERS)
        .http2_max_header_list_size(HEADER_BYTES_HTTP2)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(settings.idle)
        .tcp_nodelay(true)
        .dns_resolver(Arc::new(Resolver { guard: judge.clone(), lookup: Arc::clone(lookup) }));
    if let Some(proxy) = &settings.proxy {
        let proxy = reqwest::Proxy::all(proxy.expose_secret()).map_err(|e| Error::Proxy(chain(&e.without_url())))?;
        builder = builder.proxy(proxy);
    }
    if let Some(guard) = judge {
        builder = builder.connector_layer(PeerLayer { guard });
    }
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
