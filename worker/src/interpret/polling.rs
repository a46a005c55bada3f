//! Polling the URL that a `202` names: which one, how long to wait, and whether an answer is the final one (CONTRACT 7, `poll`).

use std::ops::RangeInclusive;
use std::time::Duration;

use http::header::LOCATION;
use serde_json::Value;
use url::Url;

use super::condition::Subject;
use super::source::condition_members;
use super::{Response, ResponseContext, address, retry_after};
use crate::job::{Code, Failure, Retriable};

/// How an accepted request is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polling {
    /// Polls at most.
    pub tries: u32,
    /// The wait before the first one.
    pub wait: Duration,
    /// Whether `Azure-AsyncOperation` named the URL: then every state but the three last ones goes on.
    pub azure: bool,
}

/// The URL that an accepted request names, and how it is polled; `None` where the answer is interpreted as it is.
///
/// # Errors
/// A name that is no URL.
pub fn begin(url: &Url, response: &Response, context: &ResponseContext<'_>) -> Result<Option<(Url, Polling)>, Failure> {
    let Some(rules) = context.rule(|rules| rules.poll.as_ref()) else { return Ok(None) };
    let Some((location, azure)) = location(response) else { return Ok(None) };
    let Ok(location) = url.join(&location) else {
        let message = format!("the request was accepted ({}), and the location to poll is no URL", response.status);
        return Err(super::answered(Failure::of_attempt(Code::BadResponse, message, Retriable::Final), response));
    };
    let wait = wait(response, rules.poll.wait, context);
    Ok(Some((location, Polling { tries: rules.poll.tries, wait, azure })))
}

/// Whether accepted requests are polled.
pub fn is_configured(context: &ResponseContext<'_>) -> bool {
    context.rule(|rules| rules.poll.as_ref()).is_some()
}

/// The wait before the next poll, or `None` where this answer is the final one.
///
/// # Errors
/// `until` where it cannot be evaluated.
pub fn next(response: &Response, polling: Polling, context: &ResponseContext<'_>) -> Result<Option<Duration>, Failure> {
    let Some(rules) = context.rule(|rules| rules.poll.as_ref()) else { return Ok(None) };
    let response = &*super::masked(response, context);
    let body = super::data(response, context).unwrap_or_default();
    let is_final = match &rules.until {
        None => !(response.status == 202 || is_running(response.status, polling.azure, &body)),
        Some(until) => {
            let members = condition_members(response, body);
            let (status, ctx) = (Some(response.status), context.ctx);
            until.holds(&Subject { status, members: &members, data: context.data, ctx }).map_err(|error| {
                let message = format!("poll.until: {error}; the request was accepted and is not repeated");
                super::answered(Failure::of_attempt(Code::Mapping, message, Retriable::Final), response)
            })?
        }
    };
    // A failure is final whatever `until` says, unless its status is one that is retried.
    let is_failure = response.status >= 400 && !super::status::is_retried(response.status);
    Ok((!is_final && !is_failure || super::status::is_retried(response.status))
        .then(|| wait(response, rules.poll.wait, context)))
}

/// `Azure-AsyncOperation` of any good answer, else `Operation-Location` of a 201 or 202, else `Location` of a 202; and whether
/// it is the first.
fn location(response: &Response) -> Option<(String, bool)> {
    let named = |name: &str, statuses: RangeInclusive<u16>| {
        response.headers.get(name).filter(|_| statuses.contains(&response.status)).map(address)
    };
    let azure = named("azure-asyncoperation", 200..=299).map(|location| (location, true));
    let other = || named("operation-location", 201..=202).or_else(|| named(LOCATION.as_str(), 202..=202));
    azure.or_else(|| other().map(|location| (location, false)))
}

/// States that operations are in before they end, as the usual API guidelines name them.
fn is_running(status: u16, azure: bool, body: &Value) -> bool {
    const ENDED: [&str; 4] = ["succeeded", "failed", "canceled", "cancelled"];
    const RUNNING: [&str; 10] = [
        "accepted",
        "created",
        "inprogress",
        "notstarted",
        "pending",
        "processing",
        "queued",
        "running",
        "started",
        "submitted",
    ];
    let state = body.get("status").or_else(|| body.get("state")).and_then(Value::as_str).unwrap_or_default();
    let state: String = state.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let goes_on =
        if azure { !state.is_empty() && !ENDED.contains(&state.as_str()) } else { RUNNING.contains(&state.as_str()) };
    status == 200 && goes_on
}

/// The larger of the rule's wait and what the third party asks for.
fn wait(response: &Response, own: Duration, context: &ResponseContext<'_>) -> Duration {
    own.max(retry_after::wait(&response.headers, response.status, context.ctx.now_ms).unwrap_or_default())
}
