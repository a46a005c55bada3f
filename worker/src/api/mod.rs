//! The HTTP interface: health for supervisors, metrics for Prometheus.
//!
//! Knows requests and responses; must not know how a job is processed.

mod server;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

use crate::health::{Health, Status};

pub use server::{ListenError, Listener, Server};

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

/// Serves requests on a runtime of their own until `stop` turns true.
///
/// # Errors
/// When there can be no more threads.
pub fn serve(listener: Listener, state: ApiState, stop: watch::Receiver<bool>) -> std::io::Result<Server> {
    let router = Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(state);
    listener.serve(router, stop)
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
