//! The HTTP interface: health for supervisors, metrics for Prometheus.
//!
//! Knows requests and responses; must not know how a job is processed.

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

/// The state that all handlers share.
#[derive(Clone)]
pub struct ApiState {
    /// The process's health.
    pub health: Arc<Health>,
    /// The worker's id.
    pub worker: String,
    /// Its metrics.
    pub metrics: PrometheusHandle,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{address} cannot be listened on; choose another one with --listen")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// Binds the address; port 0 lets the system choose.
///
/// # Errors
/// When it is in use or not an address of this machine.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError { address, source })
}

/// Serves requests until `stop` completes.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    state: ApiState,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(state);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

/// Liveness: 200 while jobs make progress, else 503, so that a supervisor restarts the process.
async fn live(State(state): State<ApiState>) -> (StatusCode, String) {
    match state.health.status(&state.worker).stuck {
        None => (StatusCode::OK, "live\n".to_owned()),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("stuck: {why}\n")),
    }
}

/// Readiness: 200 while broker and database accept work, else 503.
async fn ready(State(state): State<ApiState>) -> (StatusCode, Json<Status>) {
    let status = state.health.status(&state.worker);
    let code = if status.problem().is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(status))
}

async fn metrics(State(state): State<ApiState>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.metrics.render()).into_response()
}
