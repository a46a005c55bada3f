//! Health for supervisors, metrics for Prometheus: open to everybody who can reach the port.

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::Probes;

/// The answer of `/health/live`, `/health/ready` and `/metrics`; `None` for other paths.
pub(super) fn answer(probes: &Probes, method: &Method, path: &str) -> Option<Response> {
    let respond = match path {
        "/health/live" => live,
        "/health/ready" => ready,
        "/metrics" => metrics,
        _ => return None,
    };
    if *method == Method::GET || *method == Method::HEAD {
        return Some(respond(probes));
    }
    let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "use GET\n".to_owned());
    refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    Some(refused)
}

/// Liveness: 200 while jobs make progress, else 503, so that a supervisor restarts the process.
fn live(probes: &Probes) -> Response {
    match probes.health.status(&probes.worker).stuck {
        None => response(StatusCode::OK, "text/plain; charset=utf-8", "live\n".to_owned()),
        Some(why) => response(StatusCode::SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", format!("stuck: {why}\n")),
    }
}

/// Readiness: 200 while broker and database accept work, else 503.
fn ready(probes: &Probes) -> Response {
    let status = probes.health.status(&probes.worker);
    let code = if status.problem().is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    response(code, "application/json", serde_json::to_string(&status).unwrap_or_default())
}

fn metrics(probes: &Probes) -> Response {
    response(StatusCode::OK, "text/plain; version=0.0.4", probes.metrics.render())
}

fn response(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
