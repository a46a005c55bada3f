//! `/collections`: tables of records (COLLECTIONS 2, 3, 6). The requests are the same as those that jobs make in process.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};

use super::error::Error;
use super::execute::idempotency_key;
use super::request::Request;
use super::respond;
use super::service::BASE;
use crate::admin::collections::{self as admin, Actor, Answer, Trail};

/// Every route but the import of records.
pub(super) async fn answer(mut request: Request) -> Result<Response, Error> {
    let has_body = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") && !request.path.ends_with("/export");
    if has_body {
        request.expect_json()?;
    }
    let limit = request.api.config.api.body_bytes;
    let body = if has_body { request.bytes(limit).await? } else { Bytes::new() };
    let (if_match, if_none_match) = (tags(&request, header::IF_MATCH), tags(&request, header::IF_NONE_MATCH));
    let is_list = request.path == "/collections" && matches!(request.method.as_str(), "GET" | "HEAD");
    let caller = request.caller()?.actor();
    let (actor, content_type) = (actor(&request)?, request.media_type());
    let asked = admin::Request {
        method: request.method.as_str(),
        path: &format!("{BASE}{}", request.path),
        query: &request.whole_query,
        body: &body,
        content_type: content_type.as_deref(),
        if_match: if_match.as_deref(),
        if_none_match: if_none_match.as_deref(),
        idempotency: idempotency_key(&request)?.map(|key| (caller.as_str(), key)),
    };
    let answered = admin::answer(&request.api.store, &asked, &actor).await;
    if is_list
        && let admin::Body::Json(list) = &answered.body
        && answered.status == 200
    {
        return Ok(respond::cacheable(&request.headers, list));
    }
    Ok(response(answered, &request.id))
}

/// All lines of a header with entity tags as one list (RFC 9110 5.3); bytes that no tag of ours has stay bytes of none.
fn tags(request: &Request, name: HeaderName) -> Option<String> {
    let lines = request.headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    lines.reduce(|all, line| format!("{all}, {line}"))
}

/// Who asks, as records name them, and what the audit log says of it.
pub(super) fn actor(request: &Request) -> Result<Actor, Error> {
    let caller = request.caller()?;
    let trail = Some(Trail { request_id: Some(request.id.clone()) });
    Ok(Actor { id: caller.actor(), name: Some(caller.name.clone()), trail })
}

fn response(answered: Answer, request_id: &str) -> Response {
    let Answer { status, headers, body } = answered;
    let body = match body {
        admin::Body::Empty => Body::empty(),
        admin::Body::Json(mut value) => {
            if status >= 400 {
                value["request_id"] = json!(request_id);
            }
            Body::from(value.to_string())
        }
        // A failure midway breaks the connection: the reader must not take it for the whole.
        streamed => Body::from_stream(stream::try_unfold(streamed, |mut body| async move {
            Ok::<_, admin::Error>(body.next().await?.map(|chunk| (chunk, body)))
        })),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    headers
        .into_iter()
        .fold(response, |response, (name, value)| respond::with_header(response, HeaderName::from_static(name), &value))
}

impl From<admin::Error> for Error {
    fn from(error: admin::Error) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let Value::Object(mut members) = error.to_json() else { return Self::internal() };
        let text =
            |value: Option<Value>| value.and_then(|value| value.as_str().map(ToOwned::to_owned)).unwrap_or_default();
        let (message, code) = (text(members.remove("message")), text(members.remove("code")));
        members
            .into_iter()
            .fold(Self::new(status, &code, message), |told, (name, value)| told.with_member(&name, value))
    }
}
