//! `/models`: deploying models, looking at them, and finding what is wrong in one (API 6).

use std::collections::{BTreeMap, HashSet};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bpmn_ext::{Diagnostic, Severity};
use serde_json::{Value, json};

use super::error::Error;
use super::request::{Request, object, read_json};
use super::respond;
use crate::admin::models as admin;
use crate::admin::{lint, stats, workers};
use crate::clock;
use crate::store::Deployment;

const XML: &str = "application/xml, text/xml or application/bpmn+xml";

/// GET `/models`.
pub(super) async fn list(request: Request) -> Result<Response, Error> {
    let found = admin::versions(&request.api.store, request.query.given("process")).await?;
    let included = Included::of(&request).await?;
    // The newest version of a process comes first.
    let is_newest =
        |at: usize, of: &Deployment| at == 0 || found.get(at - 1).is_none_or(|one| one.process != of.process);
    let rows = found.iter().enumerate().map(|(at, of)| included.add_to(row(of), of, is_newest(at, of)));
    let answer = json!({"data": rows.collect::<Vec<_>>()});
    Ok(respond::cacheable(&request.headers, &answer))
}

/// POST `/models`.
pub(super) async fn deploy(mut request: Request) -> Result<Response, Error> {
    let body = model(&mut request).await?;
    let (read, _) = bpmn_ext::read(&body);
    let diagnostics = diagnose(&request, &body, None).await?;
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        let message = "the model has errors; nothing was stored";
        return Err(Error::invalid("model", message).with_member("diagnostics", json!(diagnostics)));
    }
    let (label, file) = (request.query.given("version"), request.query.given("file").unwrap_or_default());
    let store = &request.api.store;
    let deployed = admin::deploy(store, (file, &body), &read.tasks, label, &request.by()?).await?;
    let mut rows = Vec::new();
    for one in &deployed {
        let versions = admin::versions(store, Some(&one.process)).await?;
        rows.extend(versions.iter().filter(|found| found.version == one.version).map(row));
    }
    Ok(respond::json(StatusCode::CREATED, &json!({"data": rows, "diagnostics": diagnostics})))
}

/// POST `/models/lint`.
pub(super) async fn lint(mut request: Request) -> Result<Response, Error> {
    let (body, variables) = match request.media_type().as_deref() {
        Some("application/json") => {
            let limit = request.api.config.api.body_bytes;
            let mut members = object(read_json(&request.bytes(limit).await?)?)?;
            let Some(Value::String(model)) = members.remove("model") else {
                return Err(Error::invalid("model", "model must be the XML of a model"));
            };
            let variables = match members.remove("data") {
                None | Some(Value::Null) => None,
                Some(data) => Some(object(data)?.into_iter().map(|(name, _)| name).collect::<HashSet<String>>()),
            };
            (Bytes::from(model), variables)
        }
        _ => (model(&mut request).await?, None),
    };
    let (read, _) = bpmn_ext::read(&body);
    let diagnostics = diagnose(&request, &body, variables.as_ref()).await?;
    Ok(respond::ok(&json!({"tasks": read.tasks, "diagnostics": diagnostics})))
}

/// GET `/models/{process}/{version}`: its tasks, or the file as it was deployed where XML is asked for.
pub(super) async fn show(request: Request) -> Result<Response, Error> {
    let (process, version) = (request.parameter("process"), request.parameter("version"));
    let version = Some(version).filter(|version| *version != "newest");
    let found = admin::find(&request.api.store, process, version).await?;
    let accepts_xml = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accepts_xml.is_some_and(|accept| accept.contains("xml") && !accept.contains("json")) {
        return file(&request, &found.deployment).await;
    }
    let mut answer = row(&found.deployment);
    answer["elements"] = Value::Object(found.tasks);
    if request.query.words("include").contains(&"name") {
        answer["name"] = json!(found.deployment.name);
    }
    Ok(respond::cacheable(&request.headers, &answer))
}

/// DELETE `/models/{process}/{version}`.
pub(super) async fn remove(request: Request) -> Result<Response, Error> {
    let (process, version) = (request.parameter("process"), request.parameter("version"));
    admin::remove(&request.api.store, process, version, &request.by()?).await?;
    Ok(respond::no_content())
}

async fn file(request: &Request, of: &Deployment) -> Result<Response, Error> {
    let found = request.api.store.models().file(&of.process, &of.version).await?;
    let Some(body) = found else {
        let message = "the file of this version was not kept; deploy it again to see it";
        return Err(Error::not_found(message));
    };
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    Ok(response)
}

/// The body of a request that is a model.
async fn model(request: &mut Request) -> Result<Bytes, Error> {
    match request.media_type().as_deref() {
        Some("application/xml" | "text/xml" | "application/bpmn+xml") => {}
        other => return Err(Error::unsupported_media_type(other.unwrap_or("of no type"), XML)),
    }
    let limit = request.api.config.api.body_bytes;
    request.bytes(limit).await
}

async fn diagnose(
    request: &Request,
    body: &[u8],
    variables: Option<&HashSet<String>>,
) -> Result<Vec<Diagnostic>, Error> {
    let queues = workers::served_queues(&request.api.store, &request.api.config.worker.queues).await?;
    Ok(lint::lint(&request.api.store, body, &queues, variables).await?)
}

fn row(of: &Deployment) -> Value {
    json!({
        "process": of.process, "version": of.version, "elements": of.elements,
        "deployed_at": clock::rfc3339(of.deployed_at), "file": of.file,
    })
}

/// What a list of models has beside its rows.
struct Included {
    name: bool,
    /// Jobs and failures by process and version.
    counts: Option<BTreeMap<(String, String), (i64, i64)>>,
}

impl Included {
    async fn of(request: &Request) -> Result<Self, Error> {
        let words = request.query.words("include");
        let mut counts = None;
        if words.contains(&"counts") {
            let limit = request.caller()?.connectors.as_deref();
            counts = Some(stats::of_versions(&request.api.store, limit).await?);
        }
        Ok(Self { name: words.contains(&"name"), counts })
    }

    /// Jobs that named no version ran as the newest one.
    fn add_to(&self, mut row: Value, of: &Deployment, is_newest: bool) -> Value {
        if self.name {
            row["name"] = json!(of.name);
        }
        if let Some(counts) = &self.counts {
            let count =
                |version: &str| counts.get(&(of.process.clone(), version.to_owned())).copied().unwrap_or_default();
            let (named, unnamed) = (count(&of.version), if is_newest { count("") } else { (0, 0) });
            row["jobs"] = json!(named.0 + unnamed.0);
            row["failed"] = json!(named.1 + unnamed.1);
        }
        row
    }
}
