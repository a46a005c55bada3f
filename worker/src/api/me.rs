//! `/me` and `/version`: who asks, and whom.

use axum::response::Response;
use serde_json::{Value, json};

use super::access::Identity;
use super::error::Error;
use super::request::Request;
use super::respond;
use crate::clock;

/// GET `/me`.
pub(super) async fn me(request: Request) -> Result<Response, Error> {
    let caller = request.caller()?;
    let mut scopes: Vec<&str> = caller.scopes.iter().map(|scope| scope.name()).collect();
    scopes.sort_unstable();
    let mut answer = json!({
        "name": caller.name, "scopes": scopes, "connectors": caller.connectors,
        "expires_at": caller.expires_at.map(clock::rfc3339),
    });
    let (kind, member, id) = match &caller.identity {
        Identity::Token(id) => ("token", "id", json!(id)),
        Identity::Oidc(subject) => ("oidc", "sub", Value::from(subject.as_str())),
    };
    answer["kind"] = json!(kind);
    answer[member] = id;
    Ok(respond::ok(&answer))
}

/// GET `/version`.
pub(super) async fn version(_request: Request) -> Result<Response, Error> {
    let version = env!("CARGO_PKG_VERSION");
    Ok(respond::ok(&json!({"name": "data-connector", "version": version, "api": "1.0"})))
}
