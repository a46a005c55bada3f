//! Turns an answer into an outcome: the mapped data, or the failure and its class (COMPATIBILITY 4.7, CONTRACT 6).
//!
//! Pure: knows statuses, bodies and mapping rows; must not know how the answer was fetched.

mod address;
mod analysis;
mod body;
mod bpmn_error;
mod charset;
mod condition;
mod explain;
mod jmes_path;
mod json_path;
mod mapping;
mod pages;
mod path_error;
pub mod polling;
mod projection;
mod response;
mod retry_after;
mod rules;
mod seen;
mod source;
mod status;
mod xml;

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderValue, Method};
use serde_json::{Map, Value, json};

use crate::connector::AnswerKind;
use crate::job::{Code, Failure, Limit, Retriable, brief};
use crate::plan::{MASK, Redactor, redacted};

pub use address::address;
pub use analysis::{TextError, condition_variables, row_variables};
pub use bpmn_error::bpmn_error;
pub use explain::explained;
pub use mapping::{MAPPED_BYTES, Mapping};
pub use pages::{Page, Pages};
pub use response::Response;
pub use rules::{CompiledRules, ConnectorRules, ResponseContext};
pub use seen::{SeenAnswer, SeenBody, seen};
pub use xml::NODES as XML_NODES;

use body::Body;
use projection::Projection;

/// What is merged into the request's data.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedData {
    /// Top-level variables.
    pub data: Map<String, Value>,
    /// Warnings for people; the job goes on.
    pub warnings: Vec<String>,
}

/// Interprets an answer.
///
/// # Errors
/// `HTTP_<status>`, `BAD_RESPONSE` or `MAPPING`, with their class in the retry table.
pub fn interpret(response: &Response, context: &ResponseContext<'_>) -> Result<MappedData, Failure> {
    let response = &*masked(response, context);
    let mut warnings = response.warnings.clone();
    let body = read(response, context, projection(response, context), &mut warnings);
    if !is_success(response, Some(&body), context)? {
        return Err(unexpected_status(response, body, context));
    }
    mapping::map(body, warnings, response, context)
}

/// The answer with the secrets of the call masked in its headers; [`read`] masks them in its body.
fn masked<'a>(response: &'a Response, context: &ResponseContext<'_>) -> Cow<'a, Response> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    if !response.headers.values().any(|value| context.redactor.finds(&text(value))) {
        return Cow::Borrowed(response);
    }
    let mut masked = response.clone();
    for value in masked.headers.values_mut() {
        let text = context.redactor.redacted_text(&text(value));
        *value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(MASK));
    }
    Cow::Owned(masked)
}

/// The headers as they came, with every secret masked.
fn masked_headers(response: &Response, redactor: &Redactor) -> Vec<(String, String)> {
    let shown = |(name, value): (&http::HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), redactor.redacted_text(&String::from_utf8_lossy(value.as_bytes())))
    };
    response.headers.iter().map(shown).collect()
}

/// The whole body.
fn decoded(response: &Response, context: &ResponseContext<'_>) -> Result<Body, String> {
    read(response, context, &Projection::All, &mut Vec::new())
}

/// The whole body where it is data.
fn data(response: &Response, context: &ResponseContext<'_>) -> Option<Value> {
    decoded(response, context).ok().filter(|body| !matches!(body, Body::Text(_))).map(Body::into_value)
}

/// The same as it came, for the address of what follows it.
fn unmasked_data(response: &Response, context: &ResponseContext<'_>) -> Option<Value> {
    let body = read_unmasked(response, context, &Projection::All, &mut Vec::new()).ok()?;
    (!matches!(body, Body::Text(_))).then(|| body.into_value())
}

fn read(
    response: &Response,
    context: &ResponseContext<'_>,
    projection: &Projection,
    warnings: &mut Vec<String>,
) -> Result<Body, String> {
    let mut body = read_unmasked(response, context, projection, warnings)?;
    body.redact(context.redactor);
    Ok(body)
}

fn read_unmasked(
    response: &Response,
    context: &ResponseContext<'_>,
    projection: &Projection,
    warnings: &mut Vec<String>,
) -> Result<Body, String> {
    let kind = context.rule(|rules| rules.answer).unwrap_or(AnswerKind::Auto);
    // Rows, rules and people see the same, whichever of them there are.
    let is_read = !context.mapping.is_empty() || *projection == Projection::All;
    body::decode(response, kind, body::Ask { projection, is_read, inline: context.inline_bytes }, warnings)
}

/// What of the body is parsed: the mapping's projection where the status alone makes a success; everything where conditions
/// or a person who looks into a failure may read it.
fn projection<'a>(response: &Response, context: &ResponseContext<'a>) -> &'a Projection {
    let is_good = (200..300).contains(&response.status) && context.rule(|rules| rules.success.as_ref()).is_none();
    if is_good { context.mapping.projection() } else { &Projection::All }
}

/// Whether the answer is a success: by the rule `success`, else by its status.
fn is_success(
    response: &Response,
    body: Option<&Result<Body, String>>,
    context: &ResponseContext<'_>,
) -> Result<bool, Failure> {
    let Some(condition) = context.rule(|rules| rules.success.as_ref()) else {
        if redirect(response).is_some() {
            return Ok(false);
        }
        // Only the body of any other 3xx decides, by whether it is JSON (COMPATIBILITY 4.7).
        let is_data = (300..400).contains(&response.status)
            && body.map_or_else(
                || matches!(decoded(response, context), Ok(Body::Data(_))),
                |b| matches!(b, Ok(Body::Data(_))),
            );
        return Ok(status::is_success(response.status, is_data));
    };
    let members = if matches!(condition, condition::CompiledCondition::Expression(_)) {
        let body = body.map_or_else(|| Cow::Owned(decoded(response, context)), Cow::Borrowed);
        let body = body.as_ref().as_ref().map_or(Value::Null, |body| body.clone().into_value());
        source::condition_members(response, body)
    } else {
        Map::new()
    };
    let subject =
        condition::Subject { status: Some(response.status), members: &members, data: context.data, ctx: context.ctx };
    condition.holds(&subject).map_err(|error| {
        let message = format!("success: {error}; the call was made and is not repeated");
        answered(Failure::of_attempt(Code::Mapping, message, Retriable::Final), response)
    })
}

/// The variables of an answer that is no data (COMPATIBILITY 4.7).
fn text_variables(text: &str, response: &Response) -> Map<String, Value> {
    Map::from_iter([("response".to_owned(), json!(text)), ("status".to_owned(), json!(response.status))])
}

fn unexpected_status(response: &Response, body: Result<Body, String>, context: &ResponseContext<'_>) -> Failure {
    let after = retry_after::wait(&response.headers, response.status, context.ctx.now_ms);
    let retriable = if status::is_retried(response.status) { Retriable::Retry { after } } else { Retriable::Final };
    let mut message = format!("Unexpected response (status={})", response.status);
    if let Some(target) = redirect(response) {
        message.push_str(&redirected(&target, context));
    }
    let failure = answered(Failure::of_attempt(Code::Http(response.status), message, retriable), response);
    let answer = body.ok().map(|body| Arc::new(body.into_value()));
    Failure { answer, retry_after: after, ..failure }
}

/// Where an answer points that is a redirect and was not followed: what it answers is there, not here.
fn redirect(response: &Response) -> Option<String> {
    let is_redirect = (300..400).contains(&response.status) && !matches!(response.status, 300 | 304);
    let location = response.headers.get(http::header::LOCATION).filter(|_| is_redirect)?;
    Some(address(location))
}

fn redirected(target: &str, context: &ResponseContext<'_>) -> String {
    let target = redacted::reference(target);
    let why = if matches!(*context.method, Method::GET | Method::HEAD) {
        "it leaves https, holds a secret, is no address to call, or comes after five others"
    } else {
        "only GET and HEAD follow redirects"
    };
    format!(": redirected to {}, which was not followed: {why}", brief(target, Limit::Characters(300)))
}

/// `BAD_RESPONSE` for an answer that has no room to be read, or what its status alone makes of it.
pub fn unread(response: &Response, context: &ResponseContext<'_>, problem: &str) -> Failure {
    if (200..300).contains(&response.status) {
        bad_response(response, context, &format!("it {problem}"))
    } else {
        unexpected_status(response, Err(problem.to_owned()), context)
    }
}

/// The wait that an answer asks for, whatever its status means.
pub fn asked_wait(response: &Response, now_ms: i64) -> Option<std::time::Duration> {
    retry_after::wait(&response.headers, response.status, now_ms)
}

/// An answer as data in whatever character set it came, where it is JSON; and as text.
pub fn plain_data(response: &Response) -> (Option<Value>, String) {
    let ask = body::Ask { projection: &Projection::All, is_read: false, inline: 0 };
    match body::decode(response, AnswerKind::Json, ask, &mut Vec::new()) {
        Ok(Body::Data(value)) => (Some(value), String::new()),
        _ => (None, body::as_text(response)),
    }
}

fn bad_response(response: &Response, context: &ResponseContext<'_>, problem: &str) -> Failure {
    let repeatable = matches!(context.method.as_str(), "GET" | "HEAD");
    let retriable = if repeatable { Retriable::Retry { after: None } } else { Retriable::Final };
    let message = format!("the answer (status={}) cannot be read: {problem}", response.status);
    answered(Failure::of_attempt(Code::BadResponse, message, retriable), response)
}

/// A failure with the status and the beginning of the answer.
fn answered(failure: Failure, response: &Response) -> Failure {
    let headers = Some(Arc::new(response.first_headers()));
    Failure { status: Some(response.status), body: Some(body::beginning(response).into()), headers, ..failure }
}

#[cfg(test)]
mod tests;
