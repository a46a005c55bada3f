//! A `202` that names a place to ask at: where, how long to wait, and whether the answer is the final one (CONTRACT 7, `poll`).

use std::time::Duration;

use http::HeaderMap;
use http::header::LOCATION;
use serde_json::{Map, Value};
use url::Url;

use super::body::Body;
use super::condition::Subject;
use super::source::first_values;
use super::{Reading, Response, retry_after};
use crate::job::{Code, Failure, Retriable};

/// How to go on asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// Questions at most.
    pub tries: u32,
    /// The wait before the first one.
    pub wait: Duration,
}

/// The place that an accepted request names, and how to ask there; `None` where the answer is read as it stands.
///
/// # Errors
/// A place that is no URL.
pub fn begin(url: &Url, response: &Response, reading: &Reading<'_>) -> Result<Option<(Url, Asking)>, Failure> {
    let Some(rules) = reading.rule(|rules| rules.poll.as_ref()) else { return Ok(None) };
    let Some(place) = place(&response.headers).filter(|_| response.status == 202) else { return Ok(None) };
    let Ok(place) = url.join(&place) else {
        let message = "the request was accepted (202), and the place to ask at is no URL";
        return Err(super::answered(Failure::of_attempt(Code::BadResponse, message, Retriable::Final), response));
    };
    Ok(Some((place, Asking { tries: rules.poll.tries, wait: wait(response, rules.poll.wait, reading) })))
}

/// Whether an accepted request is asked after.
pub fn is_wanted(reading: &Reading<'_>) -> bool {
    reading.rule(|rules| rules.poll.as_ref()).is_some()
}

/// The wait before the next question, or `None` where this answer is the final one.
///
/// # Errors
/// `until` where it cannot be evaluated.
pub fn next(response: &Response, reading: &Reading<'_>) -> Result<Option<Duration>, Failure> {
    let Some(rules) = reading.rule(|rules| rules.poll.as_ref()) else { return Ok(None) };
    let body = match super::decoded(response, reading) {
        Ok(Body::Data(body)) => body,
        _ => Value::Null,
    };
    let is_final = match &rules.until {
        None => !(response.status == 202 || is_running(response.status, &body)),
        Some(until) => {
            let members = Map::from_iter([
                ("status".to_owned(), Value::from(response.status)),
                ("headers".to_owned(), Value::Object(first_values(&response.headers))),
                ("body".to_owned(), body),
            ]);
            let (status, around) = (Some(response.status), reading.around);
            until.holds(&Subject { status, members: &members, data: reading.data, around }).map_err(|error| {
                let message = format!("poll.until: {error}; the request was accepted and is not repeated");
                super::answered(Failure::of_attempt(Code::Mapping, message, Retriable::Final), response)
            })?
        }
    };
    // An answer that says no is final, whatever it was waited for; one that asks for patience gets it.
    let is_failure = response.status >= 400 && !super::status::is_retried(response.status);
    Ok((!is_final && !is_failure || super::status::is_retried(response.status))
        .then(|| wait(response, rules.poll.wait, reading)))
}

/// `Operation-Location`, else `Location`.
fn place(headers: &HeaderMap) -> Option<String> {
    let named = headers.get("operation-location").or_else(|| headers.get(LOCATION))?;
    named.to_str().ok().map(ToOwned::to_owned)
}

/// States that operations are in before they end, as the usual guidelines spell them.
fn is_running(status: u16, body: &Value) -> bool {
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
    status == 200 && RUNNING.contains(&state.as_str())
}

/// The larger of the rule's wait and what the third party asks for.
fn wait(response: &Response, own: Duration, reading: &Reading<'_>) -> Duration {
    own.max(retry_after::asked(&response.headers, response.status, reading.around.now_ms).unwrap_or_default())
}
