//! The one client of a process: shared, pooled, without retries, redirects, proxies or cookies of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use moka::sync::Cache;
use reqwest::{Certificate, ClientBuilder, Identity};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use super::auth::{RefreshTokens, Tokens};
use super::connections::Connections;
use super::guard::{DeniedDestination, Guard, UrlError};
use super::origins::{Origin, Origins};
use super::peer::PeerLayer;
use super::resolve::{Lookup, Resolver, system};
use super::spelling::Spelling;
use crate::job::{Code, Failure};
use crate::memory::Bodies;
use crate::plan::{ClientIdentity, CredentialId, RequestSpec};

/// How many header fields a response may have, and how large they may be together, bytes.
pub(super) const HEADERS: usize = 100;
pub(super) const HEADER_BYTES: usize = 64 * 1024;
const HEADER_BYTES_HTTP2: u32 = 64 * 1024;

/// What the operator decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Private ranges that may be called.
    pub allow_net: Vec<IpNet>,
    /// Ports below 1024 at which public hosts may be called, besides 80 and 443.
    pub allow_ports: Vec<u16>,
    /// From dialling to a secure connection.
    pub connect_timeout: Duration,
    /// The largest response, bytes after decompression.
    pub response_bytes: usize,
    /// What all responses may take together.
    pub bodies: Bodies,
    /// Whether a connector may switch certificate verification off.
    pub allow_insecure_tls: bool,
    /// Additional certificate authorities, a PEM file.
    pub ca_file: Option<PathBuf>,
    /// How long an idle connection stays in the pool; less than servers allow, since a request that meets a closing
    /// connection has an unknown outcome.
    pub pool_idle_timeout: Duration,
    /// An egress proxy that every call goes through; it then resolves and checks names.
    pub proxy: Option<SecretString>,
    /// Own listening addresses, the broker and the database: never called, whatever ranges are allowed.
    pub own_addresses: Vec<SocketAddr>,
    /// Where refresh tokens are stored; in memory only where there is no store.
    pub refresh_tokens: Option<Arc<dyn RefreshTokens>>,
    /// The wall clock, epoch milliseconds: signatures and assertions carry the time.
    pub now_ms: fn() -> i64,
}

impl Settings {
    /// What an operator who decides nothing gets, with this wall clock.
    pub fn new(now_ms: fn() -> i64) -> Self {
        Self {
            allow_net: Vec::new(),
            allow_ports: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            response_bytes: 10 * 1024 * 1024,
            bodies: Bodies::default(),
            allow_insecure_tls: false,
            ca_file: None,
            pool_idle_timeout: Duration::from_secs(4),
            proxy: None,
            own_addresses: Vec::new(),
            refresh_tokens: None,
            now_ms,
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file of certificate authorities cannot be read.
    #[error("http.ca_file {} cannot be read", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of certificate authorities is not PEM.
    #[error("http.ca_file {} does not hold certificates in PEM", path.display())]
    CaFormat {
        /// The file.
        path: PathBuf,
        /// Why.
        source: reqwest::Error,
    },
    /// The proxy's URL cannot be used.
    #[error("http.proxy cannot be used; write http://host:port or http://user:password@host:port")]
    Proxy(#[source] reqwest::Error),
    /// TLS cannot be set up.
    #[error("the HTTP client cannot be set up; are the system's CA certificates installed?")]
    Setup(#[source] reqwest::Error),
}

/// Makes calls; cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) guard: Arc<Guard>,
    pub(super) tokens: Tokens,
    pub(super) origins: Origins,
    pub(super) connections: Connections,
    shared: reqwest::Client,
    /// Clients with a client certificate, without verification, or for servers whose idle connections are soon closed:
    /// connections are never shared between credentials.
    dedicated: Cache<ClientKey, Option<reqwest::Client>>,
    lookup: Lookup,
}

/// What a client is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ClientKey {
    verify: bool,
    credential: Option<Arc<CredentialId>>,
    /// How long its connections may lie idle, where that is less than the operator's limit.
    idle: Option<Duration>,
    /// How it writes the names of headers.
    pub(super) spelling: Spelling,
}

impl ClientKey {
    /// Whether its connections may be used again.
    pub(super) fn reuses(&self) -> bool {
        self.idle.is_none_or(|idle| !idle.is_zero())
    }

    /// How long they may lie idle, at most `limit`.
    pub(super) fn idle(&self, limit: Duration) -> Duration {
        self.idle.unwrap_or(limit)
    }
}

/// Who the server is told is calling.
pub(super) const USER_AGENT: &str = concat!("data-connector/", env!("CARGO_PKG_VERSION"));

/// How many dedicated clients there are, and how long after their last use.
const DEDICATED: u64 = 1_000;
const DEDICATED_IDLE: Duration = Duration::from_mins(10);

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
        let guard = Guard::new(settings.allow_net.clone(), settings.own_addresses.clone());
        let guard = Arc::new(guard.with_ports(settings.allow_ports.clone()));
        let shared = builder(&settings, &guard, &lookup, None)?;
        let shared = shared.http1_title_case_headers().build().map_err(Error::Setup)?;
        let dedicated = Cache::builder().max_capacity(DEDICATED).time_to_idle(DEDICATED_IDLE).build();
        let connections = Connections::new(settings.pool_idle_timeout);
        Ok(Self(Arc::new(Inner {
            settings,
            guard,
            tokens: Tokens::default(),
            origins: Origins::default(),
            connections,
            shared,
            dedicated,
            lookup,
        })))
    }

    /// The largest response, bytes after decompression.
    pub fn response_bytes(&self) -> usize {
        self.0.settings.response_bytes
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Admits a request before its attempt is claimed: it is checked, and its token is fetched.
    ///
    /// # Errors
    /// As [`Self::judge`], and `AUTH` when no token can be fetched.
    pub async fn admit(&self, request: &RequestSpec) -> Result<(), Failure> {
        self.judge(request)?;
        self.token(request, Instant::now() + request.timeout).await.map(drop)
    }

    /// Checks a request without any I/O: a request that is refused here counts as no attempt.
    ///
    /// # Errors
    /// `DENIED`, or `CONFIGURATION` for URLs and switches that cannot be used.
    pub fn judge(&self, request: &RequestSpec) -> Result<(), Failure> {
        let misconfigured = |problem: &str| Failure::before_any_attempt(Code::Configuration, problem);
        if !request.verify_certificate && !self.0.settings.allow_insecure_tls {
            let problem = "verify_certificate is false, and the operator has not set http.allow_insecure_tls";
            return Err(misconfigured(problem));
        }
        match self.0.guard.url(request.raw_url()) {
            Ok(()) => Ok(()),
            Err(UrlError::Denied(denied)) => Err(Failure::before_any_attempt(Code::Denied, denied.to_string())),
            Err(UrlError::Malformed(problem)) => Err(misconfigured(problem)),
        }
    }

    /// Whether a URL may be called with these settings; names are not resolved.
    ///
    /// # Errors
    /// When it may not.
    pub fn check_url(&self, url: &Url) -> Result<(), DeniedDestination> {
        match self.0.guard.url(url) {
            Err(UrlError::Denied(denied)) => Err(denied),
            Ok(()) | Err(UrlError::Malformed(_)) => Ok(()),
        }
    }
}

impl Inner {
    /// Which client is for a request: the shared one, or one that only its credential, servers with its habits, or requests
    /// with its spelling use. With `reuse` false every request has a connection of its own.
    pub(super) fn key(&self, request: &RequestSpec, origin: &Origin, reuse: bool) -> ClientKey {
        ClientKey {
            verify: request.verify_certificate || !self.settings.allow_insecure_tls,
            credential: request.identity.is_some().then(|| Arc::clone(&request.credential)),
            idle: if reuse {
                origin.keep_alive().filter(|idle| *idle < self.settings.pool_idle_timeout)
            } else {
                Some(Duration::ZERO)
            },
            spelling: Spelling::of(request.written_names()),
        }
    }

    /// The client of that key.
    pub(super) fn client(&self, request: &RequestSpec, key: &ClientKey) -> Result<reqwest::Client, Failure> {
        let identity = request.identity.as_deref();
        let is_shared = ClientKey { verify: true, credential: None, idle: None, spelling: Spelling::Title };
        if *key == is_shared {
            return Ok(self.shared.clone());
        }
        let client = self.dedicated.get_with_by_ref(key, || self.dedicated_client(key, identity).ok());
        client.ok_or_else(|| {
            unusable(if identity.is_some() {
                "`client_certificate` and `client_key` are not a PEM certificate and its key"
            } else {
                "TLS cannot be set up"
            })
        })
    }

    fn dedicated_client(&self, key: &ClientKey, identity: Option<&ClientIdentity>) -> Result<reqwest::Client, Error> {
        let mut builder = builder(&self.settings, &self.guard, &self.lookup, key.idle)?;
        if key.spelling != Spelling::Lower {
            builder = builder.http1_title_case_headers();
        }
        if !key.verify {
            builder = builder.tls_danger_accept_invalid_certs(true).tls_danger_accept_invalid_hostnames(true);
        }
        if let Some(identity) = identity {
            let pem = format!("{}\n{}", identity.certificate.trim(), identity.key.expose_secret().trim());
            builder = builder.identity(Identity::from_pem(pem.as_bytes()).map_err(Error::Setup)?);
        }
        builder.build().map_err(Error::Setup)
    }
}

fn unusable(problem: &str) -> Failure {
    Failure::before_any_attempt(Code::Configuration, problem)
}

#[expect(clippy::disallowed_methods, reason = "every client gets its guard here")]
fn builder(
    settings: &Settings,
    guard: &Arc<Guard>,
    lookup: &Lookup,
    idle: Option<Duration>,
) -> Result<ClientBuilder, Error> {
    // With a proxy, the only name that is resolved and the only peer is the proxy: it checks what it connects to.
    let guard = settings.proxy.is_none().then(|| Arc::clone(guard));
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .http1_max_headers(HEADERS)
        // RFC 9112, 5.2: a user agent reads a folded line; and a server's odd header must not cost the answer to a POST.
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true)
        // What is no HTTP comes as this version, and is refused by it; an error of parsing is a broken head then.
        .http09_responses()
        .http2_max_header_list_size(HEADER_BYTES_HTTP2)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(idle.unwrap_or(settings.pool_idle_timeout))
        .tcp_nodelay(true)
        .dns_resolver(Arc::new(Resolver { guard: guard.clone(), lookup: Arc::clone(lookup) }));
    if let Some(proxy) = &settings.proxy {
        let proxy = reqwest::Proxy::all(proxy.expose_secret()).map_err(|e| Error::Proxy(e.without_url()))?;
        builder = builder.proxy(proxy);
    }
    if idle.is_some_and(|idle| idle.is_zero()) {
        builder = builder.pool_max_idle_per_host(0);
    }
    builder = builder.connector_layer(PeerLayer { guard });
    if let Some(path) = &settings.ca_file {
        let pem = std::fs::read(path).map_err(|source| Error::CaFile { path: path.clone(), source })?;
        let authorities = Certificate::from_pem_bundle(&pem);
        let authorities = authorities.map_err(|source| Error::CaFormat { path: path.clone(), source })?;
        builder = builder.tls_certs_merge(authorities);
    }
    Ok(builder)
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let message = next.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = next.source();
    }
    text
}
