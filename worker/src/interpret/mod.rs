//! Turns an answer into an outcome: the mapped data, or the failure and its class (sheet 4.7, CONTRACT 6).
//!
//! Pure: knows statuses, bodies and mapping rows; must not know how the answer was fetched.

mod bpmn_error;
mod mapping;
mod response;
mod retry_after;
mod status;

use serde_json::{Map, Value, json};

use crate::connector::{Connector, ElementConfig, Resource};
use crate::job::{Code, Failure, Retriable, excerpt};
use crate::plan::rule;

pub use bpmn_error::bpmn_error;
pub use response::Response;

/// What an answer is read with.
#[derive(Debug)]
pub struct Reading<'a> {
    /// Request data overlaid by variables.
    pub data: &'a Map<String, Value>,
    /// The element's configuration.
    pub element: &'a ElementConfig,
    /// The resource that was called.
    pub resource: &'a Resource,
    /// Its connector.
    pub connector: &'a Connector,
    /// Epoch milliseconds, for `Retry-After` dates.
    pub now_ms: i64,
}

/// What goes back into the request's data.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// Top-level variables.
    pub data: Map<String, Value>,
    /// What a person should know although the job goes on.
    pub warnings: Vec<String>,
}

/// Reads an answer.
///
/// # Errors
/// `HTTP_<status>`, `BAD_RESPONSE` or `MAPPING`, with their class in the retry table.
pub fn interpret(response: &Response, reading: &Reading<'_>) -> Result<Mapped, Failure> {
    let body = decode(response);
    let success = rule(reading.element, reading.resource, reading.connector, |rules| rules.success.clone());
    let is_success = match &success {
        Some(list) => list.contains(response.status),
        None => status::is_success(response.status, matches!(body, Ok(Body::Json(_)))),
    };
    if !is_success {
        return Err(unexpected_status(response, reading));
    }
    match body {
        Ok(Body::Json(body)) => mapping::map(&body, response, reading),
        Ok(Body::Text(text)) => Ok(text_result(text, response)),
        Err(problem) => Err(bad_response(response, reading, problem)),
    }
}

enum Body<'a> {
    Json(Value),
    Text(&'a str),
}

/// JSON, else text; an empty body is text (sheet 4.7).
fn decode(response: &Response) -> Result<Body<'_>, &'static str> {
    match serde_json::from_slice(&response.body) {
        Ok(value) => Ok(Body::Json(value)),
        Err(_) if nests_too_deep(&response.body) => Err("its JSON nests deeper than 127 levels"),
        Err(_) => std::str::from_utf8(&response.body)
            .map(Body::Text)
            .map_err(|_| "it is neither JSON nor UTF-8 text; this connector reads texts only"),
    }
}

/// Whether brackets outside of strings nest beyond what the JSON parser takes.
fn nests_too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > 127 {
            return true;
        }
    }
    false
}

/// The mapping is skipped: both variables land in the request's data (sheet 4.7).
fn text_result(text: &str, response: &Response) -> Mapped {
    let mut data = Map::new();
    data.insert("response".to_owned(), json!(text));
    data.insert("status".to_owned(), json!(response.status));
    Mapped { data, warnings: response.warnings.clone() }
}

fn unexpected_status(response: &Response, reading: &Reading<'_>) -> Failure {
    let after = retry_after::retry_after(&response.headers, reading.now_ms);
    let retriable = if status::is_retried(response.status) { Retriable::Retry { after } } else { Retriable::Final };
    let message = format!("Unexpected response (status={})", response.status);
    answered(Failure::of_attempt(Code::Http(response.status), message, retriable), response)
}

fn bad_response(response: &Response, reading: &Reading<'_>, problem: &str) -> Failure {
    let repeatable = matches!(reading.resource.method.as_str(), "GET" | "HEAD");
    let retriable = if repeatable { Retriable::Retry { after: None } } else { Retriable::Final };
    let message = format!("the answer (status={}) cannot be read: {problem}", response.status);
    answered(Failure::of_attempt(Code::BadResponse, message, retriable), response)
}

/// A failure that keeps what the third party said.
fn answered(failure: Failure, response: &Response) -> Failure {
    Failure { status: Some(response.status), body: Some(excerpt(&response.body)), ..failure }
}

#[cfg(test)]
mod tests;
