//! `/jobs`: the ledger (API 6).

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::access::{Caller, Scope};
use super::error::Error;
use super::listing::Cursor;
use super::request::{Query, Request};
use super::respond;
use super::service::BASE;
use super::{Api, trial};
use crate::admin::jobs::{self as admin, ReplayRequest};
use crate::admin::{executions, job_view};
use crate::store::StoredConnector;
use crate::store::ledger::{JobDetail, JobRow, JobSearch};

/// How often a job that somebody waits for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The parameters of the list.
pub(super) const QUERY: &[&str] = &[
    "state",
    "status",
    "code",
    "request",
    "engine",
    "connector",
    "resource",
    "process",
    "version",
    "element",
    "from",
    "to",
    "q",
    "per_page",
    "after",
];
/// Those of them that choose jobs, which bulk actions take too.
pub(super) const FILTERS: &[&str] = QUERY.split_at(QUERY.len() - 2).0;
const STATES: [&str; 7] = ["queued", "sending", "waiting", "answered", "published", "cancelled", "parked"];
const STATUSES: [&str; 3] = ["completed", "failed", "cancelled"];

/// GET `/jobs`, the newest first.
pub(super) async fn list(request: Request) -> Result<Response, Error> {
    let cursor = Cursor::read(&request)?;
    let mut search = search(&request, &request.query).await?;
    search.after = cursor.after.as_deref().map(place).transpose()?;
    search.limit = cursor.fetched();
    let rows = request.api.store.jobs().search(&search).await?;
    let page = cursor.page(rows, |row: &JobRow| format!("{}.{}", row.created_at, row.id));
    let data: Vec<Value> = page.rows.iter().map(job_view::row).collect();
    Ok(page.answer(&request, data))
}

/// What the query filters by, and what the token is limited to.
pub(super) async fn search(request: &Request, query: &Query) -> Result<JobSearch, Error> {
    let text = |name: &str| query.given(name).map(ToOwned::to_owned);
    let connectors = match query.given("connector") {
        None => limit(request).await?,
        Some(reference) => Some(of_connector(request, reference, request.caller()?).await?),
    };
    Ok(JobSearch {
        state: one_of(query, "state", &STATES)?,
        status: one_of(query, "status", &STATUSES)?,
        code: text("code"),
        request: text("request"),
        engine: text("engine"),
        connectors,
        resource: text("resource"),
        process: text("process"),
        version: text("version"),
        element: text("element"),
        beginning: text("q"),
        has_ended: None,
        from: time(query, "from")?,
        to: time(query, "to")?,
        after: None,
        limit: 0,
    })
}

/// What models may call the connectors that the token is limited to.
pub(super) async fn limit(request: &Request) -> Result<Option<Vec<String>>, Error> {
    let caller = request.caller()?;
    if !caller.is_limited() {
        return Ok(None);
    }
    let all = request.api.store.connectors().list().await?;
    Ok(Some(all.iter().filter(|found| caller.may_see(&found.uuid)).flat_map(names).collect()))
}

/// What models may call a connector.
fn names(connector: &StoredConnector) -> [String; 3] {
    [connector.uuid.clone(), connector.id.to_string(), connector.name.clone()]
}

/// What jobs call the connector of a filter; one that is not there any more is what jobs called it.
async fn of_connector(request: &Request, reference: &str, caller: &Caller) -> Result<Vec<String>, Error> {
    match executions::connector(&request.api.store, reference).await {
        Ok(found) if caller.may_see(&found.uuid) => Ok(names(&found).to_vec()),
        Err(crate::admin::Error::NotFound(_)) if !caller.is_limited() => Ok(vec![reference.to_owned()]),
        Ok(_) | Err(crate::admin::Error::NotFound(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn one_of(query: &Query, name: &str, known: &[&str]) -> Result<Option<String>, Error> {
    match query.given(name) {
        None => Ok(None),
        Some(value) if known.contains(&value) => Ok(Some(value.to_owned())),
        Some(_) => Err(Error::invalid(name, format!("{name} must be one of {}", known.join(", ")))),
    }
}

fn time(query: &Query, name: &str) -> Result<Option<i64>, Error> {
    query.given(name).map(|text| moment(name, text)).transpose()
}

/// A time as epoch milliseconds.
pub(super) fn moment(name: &str, text: &str) -> Result<i64, Error> {
    let problem = |_| Error::invalid(name, format!("{name} must be an RFC 3339 time, such as 2027-01-31T12:00:00Z"));
    text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).map_err(problem)
}

/// A place in the list, as `next` says it.
fn place(text: &str) -> Result<(i64, String), Error> {
    let problem = || Error::invalid("after", "after must be what `next` said");
    let (at, id) = text.split_once('.').ok_or_else(problem)?;
    Ok((at.parse().map_err(|_| problem())?, id.to_owned()))
}

/// GET `/jobs/{id}`, when it ended or after `wait` seconds.
pub(super) async fn show(request: Request) -> Result<Response, Error> {
    let id = request.parameter("id");
    let wait = request.query.seconds("wait", request.api.config.api.wait)?;
    visible(&request, Scope::Read).await?;
    let found = ended(&request.api, id, wait).await?;
    Ok(respond::ok(&whole(&request.api, &found).await?))
}

/// The whole job; the request that was sent as a command too.
pub(super) async fn whole(api: &Api, job: &JobDetail) -> Result<Value, Error> {
    let mut shown = job_view::shown(job);
    if shown["sent"].is_object() {
        let connector = match &job.row.connector {
            Some(reference) => api.store.connectors().find(reference).await?,
            None => None,
        };
        let record = connector.map(|connector| connector.record).unwrap_or_default();
        let command = trial::command_of(&shown["sent"], &record);
        shown["sent"]["curl"] = json!(command);
    }
    Ok(shown)
}

/// POST `/jobs/{id}/cancel`.
pub(super) async fn cancel(mut request: Request) -> Result<Response, Error> {
    request.optional_object().await?;
    let found = visible(&request, Scope::Manage).await?;
    let api = &request.api;
    admin::cancel(&api.store, &found.row.id, &request.by()?).await?;
    let now = admin::find(&api.store, &found.row.id).await?;
    Ok(respond::json(StatusCode::ACCEPTED, &job_view::row(&now.row)))
}

/// POST `/jobs/{id}/replay`.
pub(super) async fn replay(mut request: Request) -> Result<Response, Error> {
    let members = request.optional_object().await?;
    let found = visible(&request, Scope::Manage).await?;
    let switch = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(_) => Err(Error::invalid(name, format!("{name} must be true or false"))),
    };
    let wanted =
        ReplayRequest { id: found.row.id.clone(), new_execution: switch("new_execution")?, send: switch("send")? };
    let api = &request.api;
    let engine = found.row.engine.as_deref().unwrap_or_default();
    if wanted.send && !api.config.engines.get(engine).is_some_and(|engine| engine.accepts_replay) {
        let message = format!(
            "engine `{engine}` is not known to understand results of jobs that were run again; if it does, set \
             engines.{engine}.accepts_replay = true"
        );
        return Err(Error::invalid("send", message));
    }
    let prepared = admin::prepare_replay(&api.store, &api.config.engines, &wanted).await?;
    let id = prepared.publish(&api.store, &api.broker, &request.by()?).await?;
    let again = admin::find(&api.store, &id).await?;
    let response = respond::json(StatusCode::ACCEPTED, &job_view::row(&again.row));
    let location = format!("{BASE}/jobs/{}", utf8_percent_encode(&id, NON_ALPHANUMERIC));
    Ok(respond::with_header(response, header::LOCATION, &location))
}

/// The job of the path: with `scope` one of their connectors, with `execute` one that the caller made.
async fn visible(request: &Request, scope: Scope) -> Result<JobDetail, Error> {
    let id = request.parameter("id");
    let job = admin::find(&request.api.store, id).await?;
    let caller = request.caller()?;
    let is_own = job.row.made_by.as_deref() == Some(caller.actor().as_str());
    let is_theirs = match &job.row.connector {
        _ if !caller.is_limited() => true,
        Some(connector) => {
            let found = request.api.store.connectors().find(connector).await?;
            found.is_some_and(|found| caller.may_see(&found.uuid))
        }
        None => false,
    };
    if is_theirs && (caller.may(scope) || is_own) {
        return Ok(job);
    }
    if is_theirs && caller.may(Scope::Read) {
        return Err(Error::forbidden(format!(
            "this needs a token with the scope {scope}, or the one that made the job"
        )));
    }
    Err(Error::not_found(format!("the ledger knows no job `{id}`")))
}

/// Whether nothing more becomes of a job by itself.
pub(super) fn has_ended(job: &JobDetail) -> bool {
    job_view::has_ended(&job.row)
}

/// The job once it has ended, or as it is after `wait`.
pub(super) async fn ended(api: &Api, id: &str, wait: Duration) -> Result<JobDetail, Error> {
    let until = Instant::now() + wait;
    loop {
        let found = admin::find(&api.store, id).await?;
        if has_ended(&found) || Instant::now() >= until {
            return Ok(found);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
