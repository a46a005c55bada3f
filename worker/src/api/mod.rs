//! What answers over HTTP: health for supervisors, metrics for Prometheus.
//!
//! Knows requests and answers; must not know how a job is worked on.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::health::{Health, Status};

/// What requests are answered from.
#[derive(Clone)]
pub struct Answers {
    /// The process's health.
    pub health: Arc<Health>,
    /// Its name.
    pub worker: String,
    /// Its metrics.
    pub metrics: PrometheusHandle,
}

/// An address that nobody can listen on.
#[derive(Debug, thiserror::Error)]
#[error("{address} cannot be listened on: {source}; choose another one with --listen")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// Opens the address; port 0 lets the system choose.
///
/// # Errors
/// When it is taken or not this machine's.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError { address, source })
}

/// Answers until `stop` is done.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    answers: Answers,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(answers);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

/// The process runs and its jobs get on: 200, else 503, and its supervisor starts another one.
async fn live(State(answers): State<Answers>) -> (StatusCode, String) {
    match answers.health.status(&answers.worker).stuck {
        None => (StatusCode::OK, "live\n".to_owned()),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("stuck: {why}\n")),
    }
}

/// Broker and database are there and take what they are given: 200, else 503.
async fn ready(State(answers): State<Answers>) -> (StatusCode, Json<Status>) {
    let status = answers.health.status(&answers.worker);
    let code = if status.problem().is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(status))
}

async fn metrics(State(answers): State<Answers>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], answers.metrics.render()).into_response()
}
