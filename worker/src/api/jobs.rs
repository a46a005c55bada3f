//! `/jobs`: the ledger (API 6).

use std::time::Duration;

use axum::response::Response;
use tokio::time::Instant;

use super::Api;
use super::access::Scope;
use super::error::Error;
use super::request::Request;
use super::respond;
use crate::admin::{self, job_view};
use crate::store::ledger::JobDetail;

/// How often a job that somebody waits for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// GET `/jobs/{id}`, when it ended or after `wait` seconds.
pub(super) async fn show(request: Request) -> Result<Response, Error> {
    let id = request.parameter("id");
    let wait = request.query.seconds("wait", request.api.config.api.wait)?;
    seen(&request, &admin::jobs::find(&request.api.store, id).await?).await?;
    let found = ended(&request.api, id, wait).await?;
    Ok(respond::ok(&job_view::shown(&found)))
}

/// A job that the caller may see: with `read` any of their connectors, with `execute` those that they made.
async fn seen(request: &Request, job: &JobDetail) -> Result<(), Error> {
    let caller = request.caller()?;
    let is_own = job.row.made_by.as_deref() == Some(caller.actor().as_str());
    let is_seen = match &job.row.connector {
        _ if !caller.is_limited() => true,
        Some(connector) => {
            let found = request.api.store.connectors().find(connector).await?;
            found.is_some_and(|found| caller.may_see(&found.uuid))
        }
        None => false,
    };
    if is_seen && (caller.may(Scope::Read) || is_own) {
        return Ok(());
    }
    Err(Error::not_found(format!("the ledger knows no job `{}`", job.row.id)))
}

/// Whether nothing more becomes of a job by itself.
pub(super) fn has_ended(job: &JobDetail) -> bool {
    job_view::has_ended(&job.row)
}

/// The job once it has ended, or as it is after `wait`.
pub(super) async fn ended(api: &Api, id: &str, wait: Duration) -> Result<JobDetail, Error> {
    let until = Instant::now() + wait;
    loop {
        let found = admin::jobs::find(&api.store, id).await?;
        if has_ended(&found) || Instant::now() >= until {
            return Ok(found);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
