//! `/stats`, `/workers` and `/settings`: how calls went, who works, and how this process is set up (API 10).

use axum::response::Response;
use serde_json::{Value, json};

use super::access::Scope;
use super::error::Error;
use super::request::Request;
use super::respond;
use crate::admin::stats::{self as admin, Asked, Period};
use crate::admin::workers::{self, Worker};
use crate::clock;

/// GET `/stats`.
pub(super) async fn stats(request: Request) -> Result<Response, Error> {
    let caller = request.caller()?;
    let period = request.query.given("period").unwrap_or("24h");
    let problem = || Error::invalid("period", "period must be one of 1h, 24h, 7d");
    let asked = Asked {
        period: Period::of(period).ok_or_else(problem)?,
        process: request.query.given("process"),
        version: request.query.given("version"),
        connectors: caller.connectors.as_deref(),
        is_admin: caller.may(Scope::Admin),
    };
    let api = &request.api;
    let found = admin::stats(&api.store, &api.broker, &api.config.worker.queues, &asked).await?;
    let answer = json!(found);
    let mut validated = answer.clone();
    if let Value::Object(members) = &mut validated {
        members.retain(|name, _| name != "from" && name != "to");
    }
    Ok(respond::cacheable_by(&request.headers, &answer, &validated))
}

/// GET `/workers`.
pub(super) async fn workers(request: Request) -> Result<Response, Error> {
    let api = &request.api;
    let found = workers::workers(&api.store).await?;
    let queues = workers::queues(&api.store, &api.broker, &api.config.worker.queues, &found).await?;
    let queue = |queue: &crate::amqp::QueueDepth| {
        // The broker does not tell how old a message is.
        json!({"queue": queue.queue, "messages": queue.messages, "workers": queue.consumers, "oldest_s": null})
    };
    let answer = json!({
        "data": found.iter().map(row).collect::<Vec<_>>(),
        "queues": queues.iter().map(queue).collect::<Vec<_>>(),
    });
    Ok(respond::cacheable(&request.headers, &answer))
}

/// GET `/settings`: those of the process that answers, secrets masked.
pub(super) async fn settings(request: Request) -> Result<Response, Error> {
    let answer = json!({"data": request.api.config.in_force});
    Ok(respond::cacheable(&request.headers, &answer))
}

fn row(worker: &Worker) -> Value {
    let of = &worker.row;
    let seen_at = if of.seen_at == 0 { of.started_at } else { of.seen_at };
    json!({
        "id": of.id, "host": of.host, "version": of.version, "state": worker.state(), "reasons": worker.reasons(),
        "queues": worker.queues(), "in_flight": of.in_flight, "concurrency": of.concurrency,
        "started_at": clock::rfc3339(of.started_at), "seen_at": clock::rfc3339(seen_at),
    })
}
