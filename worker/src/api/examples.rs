//! `/examples`: processes to begin with (API 10).

use axum::response::Response;
use serde_json::{Value, json};

use super::error::Error;
use super::request::Request;
use super::respond;
use crate::admin::examples;

/// GET `/examples`.
pub(super) async fn list(request: Request) -> Result<Response, Error> {
    let all: Vec<Value> = examples::all().into_iter().map(Value::Object).collect();
    let answer = json!({"data": all});
    Ok(respond::cacheable(&request.headers, &answer))
}
