//! The HTTP interface: health and metrics of every process, and the API of those that serve (`API.md`).
//!
//! Knows requests and responses; the rules of what is done are in `admin/` and `call/`.

mod access;
mod accounts;
mod audit;
mod bulk;
mod categories;
mod connector_files;
mod connector_view;
mod convert;
mod collections;
mod cors;
mod data_sources;
mod dead_letters;
mod error;
mod examples;
mod execute;
mod health;
mod jobs;
mod keys;
mod listing;
mod long_lists;
mod me;
mod models;
mod oidc;
mod openapi;
mod patient_stream;
mod rate;
mod record_imports;
mod request;
mod respond;
mod routes;
mod secrets;
mod server;
mod service;
mod stats;
mod table;
mod tokens;
mod trial;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use metrics_exporter_prometheus::PrometheusHandle;
use rustix::process::{Resource, getrlimit};
use tokio::sync::{Semaphore, watch};

use crate::admin::{self, By};
use crate::amqp::{self, Broker};
use crate::call::{Calls, Catalog};
use crate::config::Config;
use crate::health::Health;
use crate::store::{self, Store};
use crate::{http, setup};
use oidc::Oidc;
use rate::Buckets;
use routes::Router;

pub use openapi::text as openapi_document;
pub use server::{Limits, ListenError, Listener, Server};

/// What is told of the process itself.
#[derive(Clone)]
pub struct Probes {
    /// The process's health.
    pub health: Arc<Health>,
    /// The worker's id.
    pub worker: String,
    /// Its metrics.
    pub metrics: PrometheusHandle,
}

/// Whose health the probes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthOf {
    /// The worker's in the same process, which sees to it.
    Worker,
    /// The API's own: broker and database are asked now and then.
    Api,
}

/// Why the API cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// The broker.
    #[error("{0}")]
    Amqp(#[from] amqp::Error),
    /// A certificate authority file, or the proxy.
    #[error("{0}")]
    Http(#[from] http::Error),
    /// A thread, or the routes: a defect.
    #[error("the HTTP interface cannot be started: {0}")]
    Server(String),
}

/// An API that is answering.
#[derive(Debug)]
pub struct Started {
    /// Its server.
    pub server: Server,
    /// The token for an administrator, where this start made one: shown once.
    pub first_token: Option<String>,
}

/// How often broker and database are asked.
const HEALTH_EVERY: Duration = Duration::from_secs(5);
/// For how long a token is not looked up again: how long one that is revoked elsewhere may still be valid here.
const TOKEN_CACHED: Duration = Duration::from_secs(3);
/// Tokens that are remembered.
const TOKENS: u64 = 10_000;
/// How often the same refusal of the same caller is written to the audit log.
const DENIED_NOTED_EVERY: Duration = Duration::from_mins(1);

/// What all requests share.
struct Api {
    store: Store,
    broker: Broker,
    calls: Calls,
    config: Config,
    router: Router,
    /// Tokens by their hashes, as they were stored a moment ago.
    tokens: moka::sync::Cache<Vec<u8>, Arc<store::Token>>,
    /// The identity provider whose tokens are accepted beside those.
    oidc: Option<Oidc>,
    /// By actor.
    rate: Buckets<String>,
    refused: Buckets<IpAddr>,
    denied: Buckets<(String, &'static str)>,
    /// Calls that there may be at once.
    executions: Arc<Semaphore>,
    flights: execute::Flights,
    long_lists: long_lists::LongLists,
}

/// Serves health and metrics on a runtime of their own until `stop` turns true.
///
/// # Errors
/// When there can be no more threads.
pub fn serve_probes(
    listener: Listener,
    probes: Probes,
    limits: Limits,
    stop: watch::Receiver<bool>,
) -> std::io::Result<Server> {
    let answer: server::Answer = Arc::new(move |request, _| {
        let found = health::answer(&probes, request.method(), request.uri().path());
        Box::pin(std::future::ready(found.unwrap_or_else(nothing_here)))
    });
    let started = listener.serve(limits, async { Ok::<_, std::convert::Infallible>(answer) }, stop)?;
    Ok(started.0)
}

/// Serves the whole interface on a runtime of its own until `stop` turns true; returns once it answers.
///
/// # Errors
/// When database or broker cannot be reached, or a setting cannot be used.
pub async fn serve(
    listener: Listener,
    probes: Probes,
    (config, store, health_of): (Config, Store, HealthOf),
    stop: watch::Receiver<bool>,
) -> Result<Started, StartError> {
    let limits = limits(&config);
    let (tell_token, token) = tokio::sync::oneshot::channel();
    let start = async move {
        let health = (health_of == HealthOf::Api).then(|| Arc::clone(&probes.health));
        let api = Arc::new(Api::start(config, store).await?);
        if let Some(health) = health {
            tokio::spawn(watch_health(Arc::clone(&api), health));
        }
        // Nobody waits for it any more where the process is being stopped.
        tell_token.send(api.first_token().await?).unwrap_or_default();
        let answer: server::Answer = Arc::new(move |request, peer| {
            let (api, probes) = (Arc::clone(&api), probes.clone());
            Box::pin(async move { service::answer(&api, &probes, request.map(Body::new), peer).await })
        });
        Ok::<_, StartError>(answer)
    };
    let (server, started) =
        listener.serve(limits, start, stop).map_err(|error| StartError::Server(error.to_string()))?;
    let ended = |_| StartError::Server("its thread has ended".to_owned());
    started.await.map_err(ended)??;
    Ok(Started { server, first_token: token.await.unwrap_or_default() })
}

/// What a process takes on its listener.
pub fn limits(config: &Config) -> Limits {
    // The other half of the files that the process may have open is for calls, the broker and the database.
    let files =
        getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    Limits {
        connections: config.api.connections.min(files / 2),
        head: config.api.header_timeout,
        drain: config.worker.drain_timeout,
    }
}

/// The answer of a process that serves health and metrics only.
fn nothing_here() -> Response<Body> {
    let mut response = Response::new(Body::from("Not found\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

impl Api {
    async fn start(config: Config, store: Store) -> Result<Self, StartError> {
        let store = store.for_this_runtime();
        let broker = Broker::connect(setup::amqp(&config, "api")).await?;
        let calls = setup::calls(&config, Catalog::of_store(store.clone())).await?;
        let router = Router::new(table::routes()).map_err(StartError::Server)?;
        let second = Duration::from_secs(1);
        Ok(Self {
            store,
            broker,
            calls,
            router,
            oidc: Oidc::new(&config.api.oidc, setup::client_settings(&config, None).await)?,
            tokens: moka::sync::Cache::builder().max_capacity(TOKENS).time_to_live(TOKEN_CACHED).build(),
            rate: Buckets::new(config.api.rate, second),
            refused: Buckets::new(config.api.rate_refused, Duration::from_mins(1)),
            denied: Buckets::new(1, DENIED_NOTED_EVERY),
            executions: Arc::new(Semaphore::new(config.api.executions)),
            flights: execute::Flights::default(),
            long_lists: long_lists::LongLists::default(),
            config,
        })
    }

    /// The first token of a database that never had one.
    async fn first_token(&self) -> Result<Option<String>, store::Error> {
        if !self.config.api.first_token {
            return Ok(None);
        }
        admin::tokens::create_first(&self.store, &By::system()).await
    }
}

/// Keeps the health up to date where no worker does.
async fn watch_health(api: Arc<Api>, health: Arc<Health>) {
    loop {
        health.broker(api.broker.is_connected(), api.broker.is_blocked(), api.broker.has_drifted());
        match api.store.ping().await {
            Ok(()) => health.database_answered(),
            Err(error) if health.database_failed() => tracing::warn!(%error, "the database does not answer"),
            Err(_) => {}
        }
        tokio::time::sleep(HEALTH_EVERY).await;
    }
}
