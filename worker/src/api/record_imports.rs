//! Imports of records and of whole collections: a file as it comes, in bounded memory, and how far it has come (COLLECTIONS 6).

use std::io;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

use super::collections::actor;
use super::error::Error;
use super::request::{Request, discard};
use super::respond;
use crate::admin::collections::{self as admin, ImportOptions};
use crate::collections::report::Report;

/// How often the progress of an import is told.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// What became of an import.
type Ended = Result<Result<Report, admin::Error>, JoinError>;

/// An import under way, and how many rows it has read.
struct Importing {
    task: JoinHandle<Result<Report, admin::Error>>,
    read: watch::Receiver<u64>,
    request_id: String,
    ticks: Interval,
}

/// POST `/collections/import`: the document of an exported collection.
pub(super) async fn import_collection(mut request: Request) -> Result<Response, Error> {
    request.expect_json()?;
    let (source, actor) = (file(&mut request)?, actor(&request)?);
    let made = admin::import_document(&request.api.store, source, &actor).await?;
    let made_at = format!("{}/{}", admin::BASE, made.id);
    let answer = respond::json(StatusCode::CREATED, &Value::Object(admin::to_json(&made)));
    Ok(respond::with_header(answer, header::LOCATION, &made_at))
}

/// The body as it comes, up to `limits.import_bytes` and without a long silence.
fn file(request: &mut Request) -> Result<admin::Source, Error> {
    let (limit, silence) = (request.api.config.limits.import_bytes, request.api.config.api.body_timeout);
    let announced = request.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit) {
        discard(request.stream());
        return Err(admin::Error::TooLarge(too_large(limit)).into());
    }
    Ok(pumped(request.stream(), limit, silence))
}

/// POST `/collections/{c}/records/import`.
pub(super) async fn import(mut request: Request) -> Result<Response, Error> {
    let parameters: Vec<(String, String)> =
        url::form_urlencoded::parse(request.whole_query.as_bytes()).into_owned().collect();
    let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let options = ImportOptions::parse(pairs, request.media_type().as_deref())?;
    let source = file(&mut request)?;
    // What can be said of the body by its head comes before what is not there (API 2).
    let collection = admin::find(&request.api.store, request.parameter("c")).await?;
    let (actor, store) = (actor(&request)?, request.api.store.clone());
    let (progress, read) = watch::channel(0);
    let task = tokio::spawn(async move {
        let report = admin::import(&store, collection, options, source, &actor, |read| {
            progress.send_replace(read);
        });
        report.await
    });
    let accepts = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("application/x-ndjson") {
        let mut ticks = interval_at(Instant::now() + PROGRESS_EVERY, PROGRESS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        return Ok(told(Importing { task, read, request_id: request.id, ticks }));
    }
    let (status, body) = answered(task.await, &request.id)?;
    Ok(respond::json(status, &body))
}

/// The report of an import with its status.
fn answered(ended: Ended, request_id: &str) -> Result<(StatusCode, Value), Error> {
    let report = ended.map_err(|_| Error::internal())??;
    let status = StatusCode::from_u16(report.status()).unwrap_or(StatusCode::OK);
    let mut body = json!(report);
    if status != StatusCode::OK {
        body["message"] = json!(report.refusal());
        body["code"] = json!("INVALID");
        body["request_id"] = json!(request_id);
    }
    Ok((status, body))
}

/// Lines of progress, and at last what came of it.
fn told(importing: Importing) -> Response {
    let lines = stream::unfold(Some(importing), |state| async move {
        let (line, state) = state?.line().await;
        Some((Ok::<_, std::convert::Infallible>(format!("{line}\n")), state))
    });
    respond::with_header(Response::new(Body::from_stream(lines)), header::CONTENT_TYPE, "application/x-ndjson")
}

impl Importing {
    /// The next line, and whether there is another one after it.
    async fn line(mut self) -> (Value, Option<Self>) {
        tokio::select! {
            biased;
            ended = &mut self.task => {
                let answered = answered(ended, &self.request_id);
                let (status, result) = answered.unwrap_or_else(|error| (error.status(), error.body(&self.request_id)));
                (json!({"result": result, "status": status.as_u16()}), None)
            }
            _ = self.ticks.tick() => (json!({"progress": {"read": *self.read.borrow()}}), Some(self)),
        }
    }
}

/// The chunks of a body, up to a limit and without a long silence, for whoever reads them.
fn pumped(mut body: BodyDataStream, limit: u64, silence: Duration) -> admin::Source {
    let (send, source) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut taken = 0_u64;
        loop {
            let next = match timeout(silence, body.next()).await {
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "nothing came of it for too long")),
                Ok(None) => return,
                Ok(Some(Err(error))) => Err(io::Error::other(error)),
                Ok(Some(Ok(chunk))) => {
                    taken += chunk.len() as u64;
                    if taken > limit {
                        Err(io::Error::new(io::ErrorKind::FileTooLarge, too_large(limit)))
                    } else {
                        Ok(chunk)
                    }
                }
            };
            let is_over = next.is_err();
            if send.send(next).await.is_err() || is_over {
                return discard(body);
            }
        }
    });
    source
}

fn too_large(limit: u64) -> String {
    format!("the file has more than {limit} bytes; the operator's setting limits.import_bytes says how large it may be")
}
