//! Running a connector for somebody who waits for the answer (API 5): screens, watchers, scripts.

mod flight;
mod input;
mod outcome;
mod queue;
mod test_call;

use std::sync::Arc;

use axum::http::{Method, header};
use axum::response::Response;
use serde_json::{Map, Value};
use tokio::sync::OwnedSemaphorePermit;

use super::Api;
use super::error::Error;
use super::request::Request;
use super::respond;
use crate::admin::executions::{self, Execution};
use crate::call::Calls;
use crate::job::{self, ErrorHandling};
use crate::store::StoredConnector;
use input::Input;
pub(super) use input::data_of;
use outcome::Told;

pub(super) use flight::Flights;
pub(super) use test_call::test;

/// POST `/requests/{request_id}/data_sources/{id}` and `/requests/data_sources/{id}`.
pub(super) async fn run(mut request: Request) -> Result<Response, Error> {
    let body = request.object().await?;
    let connector = connector(&request).await?;
    match body.get("mode") {
        None | Some(Value::Null) => {}
        Some(Value::String(mode)) if mode == "sync" => {}
        Some(Value::String(mode)) if mode == "queue" => return queue::run(request, &connector, body).await,
        Some(_) => return Err(Error::invalid("mode", "mode must be sync or queue")),
    }
    let input = Input::of_body(body, &connector, request_id(&request)?)?;
    let id = execution_id(&request, &connector)?;
    let place = place(&request.api)?;
    let told = execute(Arc::clone(&request.api), input, id, place).await?;
    Ok(told.response(&request.id))
}

/// GET and POST `/requests/data_sources/{id}/resources/{endpoint}/data`, which browsers may cache.
pub(super) async fn data(mut request: Request) -> Result<Response, Error> {
    // A body of GET has no meaning (RFC 9110 9.3.1).
    let body = if request.method == Method::POST { request.optional_object().await? } else { Map::new() };
    let connector = connector(&request).await?;
    let input = Input::of_query(&request.query, body, &connector, request.parameter("endpoint"))?;
    let key = flight::Key::new(&connector, &input);
    let id = execution_id(&request, &connector)?;
    let api = Arc::clone(&request.api);
    let place = place(&api)?;
    let prepared = input.execution(id).prepare(&api.calls).await?;
    if !prepared.is_shareable() {
        let calls = api.calls.clone();
        return Ok(finished((api, calls), prepared, input.is_mapped, place).await?.response(&request.id));
    }
    let is_mapped = input.is_mapped;
    let means = (Arc::clone(&api), api.calls.clone());
    let told = api.flights.join(key, move || finished(means, prepared, is_mapped, place)).await?;
    if !told.is_good() {
        return Ok(told.response(&request.id));
    }
    let tag = respond::etag_of(told.body().as_bytes());
    let response = if respond::is_known(&request.headers, &tag) {
        respond::not_modified(&tag)
    } else {
        respond::with_header(told.response(&request.id), header::ETAG, &tag)
    };
    let age = format!("private, max-age={}", api.config.api.cache_seconds);
    let response = respond::with_header(response, header::CACHE_CONTROL, &age);
    Ok(respond::with_header(response, header::VARY, "Authorization"))
}

/// The connector of the path, which a limited token may not see unless it is one of its own.
pub(super) async fn connector(request: &Request) -> Result<StoredConnector, Error> {
    let reference = request.parameter("id");
    let found = executions::connector(&request.api.store, reference).await?;
    if request.caller()?.may_see(&found.uuid) {
        return Ok(found);
    }
    Err(Error::not_found(format!("there is no connector `{reference}`")))
}

/// A place among the calls that there may be at once.
///
/// # Errors
/// 503 where there is none.
pub(super) fn place(api: &Api) -> Result<OwnedSemaphorePermit, Error> {
    let place = Arc::clone(&api.executions).try_acquire_owned();
    place.map_err(|_| {
        let most = api.config.api.executions;
        Error::unavailable(format!("{most} calls are being made, which is all that api.executions allows; try again"))
    })
}

/// Makes the call; a caller who leaves stops nothing.
async fn execute(api: Arc<Api>, input: Input, id: String, place: OwnedSemaphorePermit) -> Result<Told, Error> {
    let prepared = input.execution(id).prepare(&api.calls).await?;
    let calls = api.calls.clone();
    finished((api, calls), prepared, input.is_mapped, place).await
}

async fn finished(
    (api, calls): (Arc<Api>, Calls),
    prepared: executions::Prepared,
    is_mapped: bool,
    place: OwnedSemaphorePermit,
) -> Result<Told, Error> {
    let running = tokio::spawn(async move {
        let executed = prepared.execute(&calls, api.config.api.execute_timeout).await;
        drop(place);
        Ok(outcome::told(executed?, is_mapped, api.config.limits.result_bytes))
    });
    running.await.unwrap_or_else(|_| Err(Error::internal()))
}

/// The request that the call belongs to.
fn request_id(request: &Request) -> Result<Option<Value>, Error> {
    let id = request.parameter("request_id");
    if id.is_empty() {
        return Ok(None);
    }
    if id.len() > 255 {
        return Err(Error::invalid("request_id", "a request id has 1 to 255 bytes"));
    }
    let number = id.bytes().all(|byte| byte.is_ascii_digit()).then(|| serde_json::from_str(id).ok()).flatten();
    Ok(Some(number.unwrap_or_else(|| Value::from(id))))
}

/// What the third party's idempotency key is derived from: caller, connector and the caller's key, else something new.
fn execution_id(request: &Request, connector: &StoredConnector) -> Result<String, Error> {
    let Some(key) = idempotency_key(request)? else { return Ok(uuid::Uuid::now_v7().to_string()) };
    Ok(job::idempotency_key(&request.caller()?.actor(), &format!("{} {key}", connector.uuid)))
}

/// The caller's `Idempotency-Key`.
///
/// # Errors
/// 422 unless it is 1 to 255 visible ASCII characters.
pub(super) fn idempotency_key(request: &Request) -> Result<Option<&str>, Error> {
    let Some(value) = request.headers.get("idempotency-key") else { return Ok(None) };
    let key =
        value.to_str().ok().filter(|key| (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()));
    let problem = || Error::invalid("Idempotency-Key", "an Idempotency-Key has 1 to 255 visible ASCII characters");
    key.map(Some).ok_or_else(problem)
}

impl Input {
    fn execution(&self, id: String) -> Execution {
        Execution { config: self.config.clone(), data: Arc::clone(&self.data), id, handling: ErrorHandling::default() }
    }
}

/// A configuration that is an object, or JSON text of one.
pub(super) fn config_of(value: Option<Value>, field: &str) -> Result<Map<String, Value>, Error> {
    let problem = |what: &str| Error::invalid(field, format!("{field} {what}"));
    match value {
        None | Some(Value::Null) => Err(problem("is missing; it says which resource to call")),
        Some(Value::String(text)) => match serde_json::from_str(&text) {
            Ok(Value::Object(members)) => Ok(members),
            _ => Err(problem("must be an object, or JSON text of one")),
        },
        Some(Value::Object(members)) => Ok(members),
        Some(Value::Array(items)) if items.is_empty() => Ok(Map::new()),
        Some(_) => Err(problem("must be an object, or JSON text of one")),
    }
}
