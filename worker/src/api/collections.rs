//! `/collections`: tables of records (COLLECTIONS 2, 3, 6). The requests are the same as those that jobs make in process.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::error::Error;
use super::execute::idempotency_key;
use super::request::Request;
use super::respond;
use super::service::BASE;
use crate::admin::collections::{self as admin, Actor, Answer, ImportOptions};

/// How often the progress of an import is told.
const PROGRESS_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// Every route but the import of records.
pub(super) async fn answer(mut request: Request) -> Result<Response, Error> {
    let has_body = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") && !request.path.ends_with("/export");
    if has_body {
        request.expect_json()?;
    }
    let limit = request.api.config.api.body_bytes;
    let body = if has_body { request.bytes(limit).await? } else { Bytes::new() };
    let header = |name: HeaderName| request.headers.get(name).and_then(|value| value.to_str().ok());
    let caller = request.caller()?.actor();
    let (actor, content_type) = (actor(&request)?, request.media_type());
    let asked = admin::Request {
        method: request.method.as_str(),
        path: &format!("{BASE}{}", request.path),
        query: &request.whole_query,
        body: &body,
        content_type: content_type.as_deref(),
        if_match: header(header::IF_MATCH),
        if_none_match: header(header::IF_NONE_MATCH),
        idempotency: idempotency_key(&request)?.map(|key| (caller.as_str(), key)),
    };
    let answered = admin::answer(&request.api.store, &asked, &actor).await;
    note(&request, answered.status).await?;
    Ok(response(answered, &request.id))
}

/// Who asks, as records name them.
fn actor(request: &Request) -> Result<Actor, Error> {
    let caller = request.caller()?;
    Ok(Actor { id: caller.actor(), name: Some(caller.name.clone()) })
}

/// Changes of collections, and of all their records at once, are in the audit log; single records are not.
async fn note(request: &Request, status: u16) -> Result<(), Error> {
    let steps: Vec<&str> = request.path.split('/').skip(2).collect();
    let action = match (request.method.as_str(), steps.as_slice()) {
        ("POST", []) => "collection.created",
        ("PUT", [_]) => "collection.updated",
        ("DELETE", [_]) => "collection.deleted",
        ("DELETE", [_, "truncate"]) => "collection.truncated",
        ("POST", ["import"] | [_, "records", "import"]) => "collection.imported",
        _ => return Ok(()),
    };
    if status >= 300 {
        return Ok(());
    }
    let target = request.parameter("c");
    Ok(request.api.store.audit().add(&request.by()?.entry(action, target, json!({}))).await?)
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

/// POST `/collections/{c}/records/import`: the body as it comes, in bounded memory.
pub(super) async fn import(mut request: Request) -> Result<Response, Error> {
    let collection = admin::find(&request.api.store, request.parameter("c")).await?;
    let parameters: Vec<(String, String)> =
        url::form_urlencoded::parse(request.whole_query.as_bytes()).into_owned().collect();
    let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let content_type = request.media_type();
    let options = ImportOptions::parse(pairs, content_type.as_deref())?;
    let accepts = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_told = accepts.contains("application/x-ndjson");
    let (limit, silence) = (request.api.config.limits.import_bytes, request.api.config.api.body_timeout);
    let announced = request.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit) {
        return Err(Error::too_large(usize::try_from(limit).unwrap_or(usize::MAX)));
    }
    let source = pumped(request.stream(), limit, silence);
    let (actor, store) = (actor(&request)?, request.api.store.clone());
    let (tell, progress) = mpsc::channel(1);
    let importing = tokio::spawn(async move {
        let mut told = tokio::time::Instant::now();
        let report = admin::import(&store, collection, options, source, &actor, |read| {
            if is_told && told.elapsed() >= PROGRESS_EVERY && tell.try_send(read).is_ok() {
                told = tokio::time::Instant::now();
            }
        });
        report.await
    });
    if is_told {
        return Ok(told(importing, progress, request));
    }
    let (status, body) = finished(importing, &request).await?;
    Ok(respond::json(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), &body))
}

type Importing = tokio::task::JoinHandle<Result<crate::collections::report::Report, admin::Error>>;

/// The report of an import, as it is answered.
async fn finished(importing: Importing, request: &Request) -> Result<(u16, Value), Error> {
    let report = importing.await.map_err(|_| Error::internal())??;
    let status = report.status();
    let mut body = json!(report);
    if status != 200 {
        body["message"] = json!(format!("{} of {} rows failed; nothing was stored", report.failed, report.read));
        body["code"] = json!("INVALID");
        body["request_id"] = json!(request.id);
    } else if !report.dry_run {
        note(request, status).await?;
    }
    Ok((status, body))
}

/// Lines of progress, and at last the report.
fn told(importing: Importing, progress: mpsc::Receiver<u64>, request: Request) -> Response {
    let lines = stream::unfold(Some((importing, progress, request)), |state| async move {
        let (importing, mut progress, request) = state?;
        if let Some(read) = progress.recv().await {
            let line = json!({"progress": {"read": read}});
            return Some((line, Some((importing, progress, request))));
        }
        let (status, result) = match finished(importing, &request).await {
            Ok(finished) => finished,
            Err(error) => (error.status().as_u16(), json!({"message": error.message(), "request_id": request.id})),
        };
        Some((json!({"result": result, "status": status}), None))
    });
    let body = Body::from_stream(lines.map(|line| Ok::<_, std::convert::Infallible>(format!("{line}\n"))));
    respond::with_header(Response::new(body), header::CONTENT_TYPE, "application/x-ndjson")
}

/// The chunks of a body, up to a limit and without a long silence, for whoever reads them.
fn pumped(
    mut body: axum::body::BodyDataStream,
    limit: u64,
    silence: std::time::Duration,
) -> mpsc::Receiver<std::io::Result<Bytes>> {
    let (send, source) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut taken = 0_u64;
        loop {
            let next = match timeout(silence, body.next()).await {
                Err(_) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "nothing came for too long")),
                Ok(None) => return,
                Ok(Some(Err(error))) => Err(std::io::Error::other(error)),
                Ok(Some(Ok(chunk))) => {
                    taken += chunk.len() as u64;
                    if taken > limit {
                        Err(std::io::Error::other(format!(
                            "the file has more than {limit} bytes (limits.import_bytes)"
                        )))
                    } else {
                        Ok(chunk)
                    }
                }
            };
            let is_over = next.is_err();
            if send.send(next).await.is_err() || is_over {
                return;
            }
        }
    });
    source
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
