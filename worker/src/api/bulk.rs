//! `/jobs/bulk` and `/bulk`: the same done to many jobs (API 10).

use std::collections::HashSet;

use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::access::Scope;
use super::error::Error;
use super::jobs;
use super::request::{Query, Request};
use super::respond;
use super::service::BASE;
use crate::admin::bulk::{self as admin, Action, Bulk, Jobs};
use crate::admin::keys;
use crate::clock;
use crate::store::ledger::JobSearch;
use crate::store::{BulkRun, Rotation};

/// Ids of one request.
const MOST_IDS: usize = 10_000;

/// POST `/jobs/bulk`.
pub(super) async fn start(mut request: Request) -> Result<Response, Error> {
    let members = request.object().await?;
    let switch = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(_) => Err(Error::invalid(name, format!("{name} must be true or false"))),
    };
    let action = match members.get("action").and_then(Value::as_str) {
        Some("replay") => Action::Replay { new_execution: switch("new_execution")?, send: switch("send")? },
        Some("cancel") => Action::Cancel,
        _ => return Err(Error::invalid("action", "action must be replay or cancel")),
    };
    let only_counted = switch("count_only")?;
    let jobs = match (members.get("ids"), members.get("filter")) {
        (Some(ids), None | Some(Value::Null)) => Jobs::Ids(read_ids(ids)?),
        (None | Some(Value::Null), Some(filter)) => {
            Jobs::Matching(Box::new(matching(&request, filter, members.get("to")).await?))
        }
        _ => return Err(Error::invalid("ids", "give either ids or a filter")),
    };
    let limit = jobs::limit(&request).await?.map(|names| names.into_iter().collect::<HashSet<String>>());
    let (api, by) = (&request.api, request.by()?);
    let bulk = Bulk { action, jobs, limit, engines: api.config.engines.clone(), by };
    if only_counted {
        return Ok(respond::ok(&json!({"count": bulk.count(&api.store).await?})));
    }
    let (id, count) = bulk.start(api.store.clone(), api.broker.clone()).await?;
    let response = respond::json(StatusCode::ACCEPTED, &json!({"id": id, "count": count}));
    Ok(respond::with_header(response, header::LOCATION, &format!("{BASE}/bulk/{id}")))
}

fn read_ids(ids: &Value) -> Result<Vec<String>, Error> {
    let problem = || Error::invalid("ids", format!("ids must be a list of 1 to {MOST_IDS} job ids"));
    let list = ids.as_array().filter(|list| (1..=MOST_IDS).contains(&list.len())).ok_or_else(problem)?;
    let mut seen = HashSet::new();
    let ids: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
    let ids = ids.ok_or_else(problem)?;
    Ok(ids.into_iter().filter(|id| seen.insert(*id)).map(ToOwned::to_owned).collect())
}

/// The jobs of a filter that were there at `to`: those that come later are not meant.
async fn matching(request: &Request, filter: &Value, to: Option<&Value>) -> Result<JobSearch, Error> {
    let Value::Object(filter) = filter else {
        return Err(Error::invalid("filter", "filter must be an object with the parameters of GET /jobs"));
    };
    let search = jobs::search(request, &query(filter)?).await?;
    let pinned = match to {
        None | Some(Value::Null) => clock::now_ms(),
        Some(Value::String(to)) => jobs::moment("to", to)?,
        Some(_) => return Err(Error::invalid("to", "to must be an RFC 3339 time, such as 2027-01-31T12:00:00Z")),
    };
    Ok(JobSearch { to: Some(search.to.map_or(pinned, |to| to.min(pinned))), ..search })
}

/// A filter as the query of GET `/jobs` has it; what it does not have would select jobs that are not meant.
fn query(filter: &Map<String, Value>) -> Result<Query, Error> {
    let mut pairs = Vec::new();
    for (name, value) in filter {
        let path = format!("filter.{name}");
        if !jobs::FILTERS.contains(&name.as_str()) {
            return Err(Error::invalid(
                &path,
                format!("filter has no member {name}; there are {}", jobs::FILTERS.join(", ")),
            ));
        }
        match value {
            Value::Null => {}
            Value::String(text) => pairs.push((name.clone(), text.clone())),
            Value::Number(number) => pairs.push((name.clone(), number.to_string())),
            _ => return Err(Error::invalid(&path, format!("{path} must be a text"))),
        }
    }
    Ok(Query::of(pairs))
}

/// GET `/bulk/{id}`.
pub(super) async fn show(request: Request) -> Result<Response, Error> {
    Ok(respond::ok(&match visible(&request).await? {
        Visible::Jobs(run) => admin::shown(&run),
        Visible::Keys(rotation) => keys::shown(&rotation),
    }))
}

/// DELETE `/bulk/{id}`: stops it.
pub(super) async fn stop(request: Request) -> Result<Response, Error> {
    let store = &request.api.store;
    match visible(&request).await? {
        Visible::Jobs(run) => store.bulk().stop(&run.id).await?,
        Visible::Keys(rotation) => keys::stop_rotation(store, &rotation.id).await?,
    }
    Ok(respond::no_content())
}

/// Work in bulk.
enum Visible {
    Jobs(BulkRun),
    Keys(Rotation),
}

/// The run of the path; a token that is limited to connectors sees its own. Rotations of the keys are for administrators.
async fn visible(request: &Request) -> Result<Visible, Error> {
    let (caller, id) = (request.caller()?, request.parameter("id"));
    let store = &request.api.store;
    let run = match admin::find(store, id).await {
        Err(crate::admin::Error::NotFound(_)) if caller.may(Scope::Admin) => {
            return Ok(Visible::Keys(keys::rotation(store, id).await?));
        }
        found => found?,
    };
    if caller.is_limited() && run.made_by != caller.actor() {
        return Err(Error::not_found(format!("there is no run `{}` over many jobs", run.id)));
    }
    Ok(Visible::Jobs(run))
}
