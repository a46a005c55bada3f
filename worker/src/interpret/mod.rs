//! Turns an answer into an outcome: the mapped data, or the failure and its class (sheet 4.7, CONTRACT 6).
//!
//! Pure: knows statuses, bodies and mapping rows; must not know how the answer was fetched.

mod body;
mod bpmn_error;
mod condition;
mod explain;
mod jmes_path;
mod json_path;
mod mapping;
mod pages;
mod path_error;
pub mod polling;
mod response;
mod retry_after;
mod rules;
mod source;
mod status;
mod texts;
mod wanted;
mod xml;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::connector::AnswerKind;
use crate::job::{Code, Failure, Retriable, excerpt};

pub use bpmn_error::bpmn_error;
pub use explain::explained;
pub use mapping::Mapping;
pub use pages::{Page, Pages};
pub use response::Response;
pub use rules::{PreparedConnector, PreparedRules, Reading};
pub use texts::{Misread, condition_variables, row_variables};

use body::Body;
use wanted::Wanted;

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
    let body = read(response, reading, wanted(response, reading));
    if !is_success(response, Some(&body), reading)? {
        return Err(unexpected_status(response, body, reading));
    }
    match body {
        Ok(Body::Data(body)) => mapping::map(&body, response, reading),
        Ok(Body::Text(text)) => Ok(text_result(&text, response)),
        Ok(Body::Unread { kind, bytes }) => {
            let mut warnings = response.warnings.clone();
            warnings.push(format!("the answer ({kind}, {bytes} bytes) is not text, and no row maps it"));
            Ok(Mapped { data: Map::new(), warnings })
        }
        Err(problem) => Err(bad_response(response, reading, &problem)),
    }
}

/// All of a body.
fn decoded(response: &Response, reading: &Reading<'_>) -> Result<Body, String> {
    read(response, reading, &Wanted::All)
}

fn read(response: &Response, reading: &Reading<'_>, wanted: &Wanted) -> Result<Body, String> {
    let kind = reading.rule(|rules| rules.answer).unwrap_or(AnswerKind::Auto);
    let (mapped, inline) = (!reading.mapping.is_empty(), reading.inline_bytes);
    body::decode(response, kind, body::Ask { wanted, mapped, inline })
}

/// What is read of an answer: what its status already makes a good one, as far as the mapping goes; any other whole, for
/// conditions and for those who look into what went wrong.
fn wanted<'a>(response: &Response, reading: &Reading<'a>) -> &'a Wanted {
    let is_good = (200..300).contains(&response.status) && reading.rule(|rules| rules.success.as_ref()).is_none();
    if is_good { reading.mapping.wanted() } else { &Wanted::All }
}

/// Whether the answer is one that was hoped for: as `success` says, else by its status.
fn is_success(
    response: &Response,
    body: Option<&Result<Body, String>>,
    reading: &Reading<'_>,
) -> Result<bool, Failure> {
    let Some(condition) = reading.rule(|rules| rules.success.as_ref()) else {
        // Only a 3xx has to be looked into (sheet 4.7).
        let is_data = (300..400).contains(&response.status)
            && body.map_or_else(
                || matches!(decoded(response, reading), Ok(Body::Data(_))),
                |b| matches!(b, Ok(Body::Data(_))),
            );
        return Ok(status::is_success(response.status, is_data));
    };
    let mut members = Map::from_iter([("status".to_owned(), Value::from(response.status))]);
    if matches!(condition, condition::Prepared::Expression(_)) {
        let read;
        let body = if let Some(body) = body {
            body
        } else {
            read = decoded(response, reading);
            &read
        };
        members.insert("headers".to_owned(), Value::Object(source::first_values(&response.headers)));
        members.insert(
            "body".to_owned(),
            match body {
                Ok(Body::Data(value)) => value.clone(),
                Ok(Body::Text(text)) => Value::from(text.clone()),
                _ => Value::Null,
            },
        );
    }
    let subject = condition::Subject {
        status: Some(response.status),
        members: &members,
        data: reading.data,
        around: reading.around,
    };
    condition.holds(&subject).map_err(|error| {
        let message = format!("success: {error}; the answer is kept, the call was made and is not repeated");
        answered(Failure::of_attempt(Code::Mapping, message, Retriable::Final), response)
    })
}

/// The mapping is skipped: both variables land in the request's data (sheet 4.7).
fn text_result(text: &str, response: &Response) -> Mapped {
    let mut data = Map::new();
    data.insert("response".to_owned(), json!(text));
    data.insert("status".to_owned(), json!(response.status));
    Mapped { data, warnings: response.warnings.clone() }
}

fn unexpected_status(response: &Response, body: Result<Body, String>, reading: &Reading<'_>) -> Failure {
    let after = retry_after::asked(&response.headers, response.status, reading.around.now_ms);
    let retriable = if status::is_retried(response.status) { Retriable::Retry { after } } else { Retriable::Final };
    let message = format!("Unexpected response (status={})", response.status);
    let failure = answered(Failure::of_attempt(Code::Http(response.status), message, retriable), response);
    match body {
        Ok(Body::Data(value)) => Failure { answer: Some(Arc::new(value)), ..failure },
        _ => failure,
    }
}

fn bad_response(response: &Response, reading: &Reading<'_>, problem: &str) -> Failure {
    let repeatable = matches!(reading.method.as_str(), "GET" | "HEAD");
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
