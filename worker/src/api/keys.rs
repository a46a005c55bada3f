//! `/keys`: the keys that credentials and secrets are encrypted with (API 10).

use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::error::Error;
use super::request::Request;
use super::respond;
use super::service::BASE;
use crate::admin::keys as admin;

/// GET `/keys`.
pub(super) async fn list(request: Request) -> Result<Response, Error> {
    let keys = request.api.store.keys().list().await?;
    let data: Vec<Value> = keys.iter().map(|key| json!({"id": key.id, "sealed": key.sealed})).collect();
    let answer = json!({"data": data});
    Ok(respond::cacheable(&request.headers, &answer))
}

/// POST `/keys/rotate`.
pub(super) async fn rotate(request: Request) -> Result<Response, Error> {
    let begun = admin::begin_rotation(&request.api.store, &request.by()?).await?;
    let location = format!("{BASE}/bulk/{}", begun.id);
    let response = respond::json(StatusCode::ACCEPTED, &admin::shown(&begun));
    Ok(respond::with_header(response, header::LOCATION, &location))
}
