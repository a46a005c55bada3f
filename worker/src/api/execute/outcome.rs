//! What a caller is told of a call (API 5, the table of outcomes).

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::super::error::Error;
use super::super::respond;
use super::input::WHOLE;
use crate::admin::executions::{Executed, ExecutionError};
use crate::call::{Answer, Outcome, SeenAnswer};
use crate::job::{Code, Failure};

const UPSTREAM_STATUS: HeaderName = HeaderName::from_static("x-upstream-status");
/// The longest body of a third party that is passed through, bytes.
const PASSED_THROUGH: usize = 1024 * 1024;

/// An outcome that any number of callers can be told.
#[derive(Debug, Clone)]
pub(in super::super) struct Told {
    status: StatusCode,
    /// The third party's status line, where one was read.
    upstream: Option<u16>,
    kind: ToldKind,
}

#[derive(Debug, Clone)]
enum ToldKind {
    /// JSON of ours.
    Good(String),
    /// The third party's own answer.
    PassedThrough { content_type: Option<String>, retry_after: Option<String>, body: String },
    /// A failure with its code.
    Failed { code: String, message: String },
}

/// What is told of an execution.
pub(super) fn told(executed: Executed, is_mapped: bool, result_bytes: usize) -> Told {
    let upstream = executed.answer.as_ref().map(|answer| answer.status);
    match executed.outcome {
        Outcome::Completed(answer) => good(answer, is_mapped, upstream, result_bytes),
        Outcome::Failed(failure) => match (failure.code, executed.answer) {
            (Code::Http(status @ 400..=599), Some(answer)) => passed_through(status, &answer),
            _ => failed(&failure, upstream),
        },
    }
}

fn good(answer: Answer, is_mapped: bool, upstream: Option<u16>, result_bytes: usize) -> Told {
    let mut data = answer.mapped.data;
    let body = if !is_mapped {
        json!({"status": answer.status, "response": data.remove(WHOLE)})
    } else if data.is_empty() {
        // PHP writes an empty map so, and clients of ProcessMaker expect it.
        json!([])
    } else {
        Value::Object(data)
    };
    let body = body.to_string();
    if body.len() > result_bytes {
        let message = format!(
            "the result has {} bytes; limits.result_bytes is {result_bytes}: map less of the answer",
            body.len()
        );
        let kind = ToldKind::Failed { code: Code::ResultTooLarge.to_string(), message };
        return Told { status: StatusCode::BAD_GATEWAY, upstream, kind };
    }
    Told { status: StatusCode::OK, upstream, kind: ToldKind::Good(body) }
}

fn passed_through(status: u16, answer: &SeenAnswer) -> Told {
    let header = |name: &str| answer.header(name).map(ToOwned::to_owned);
    let (content_type, retry_after) = (header("content-type"), header("retry-after"));
    let text = answer.body.text().unwrap_or_default();
    let end = text.floor_char_boundary(PASSED_THROUGH);
    let body = text.get(..end).unwrap_or_default().to_owned();
    Told {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY),
        upstream: Some(status),
        kind: ToldKind::PassedThrough { content_type: content_type.map(|kind| as_utf8(&kind)), retry_after, body },
    }
}

/// A content type for a text that was decoded: whatever its charset was, it is UTF-8 now.
fn as_utf8(content_type: &str) -> String {
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_owned();
    let (charset, others): (Vec<&str>, Vec<&str>) =
        parts.partition(|part| part.to_ascii_lowercase().starts_with("charset="));
    let charset = if charset.is_empty() { vec![] } else { vec!["charset=utf-8"] };
    others.into_iter().chain(charset).fold(media, |text, part| format!("{text}; {part}"))
}

fn failed(failure: &Failure, upstream: Option<u16>) -> Told {
    let status = match failure.code {
        Code::Configuration | Code::Denied | Code::Mapping => StatusCode::UNPROCESSABLE_ENTITY,
        Code::Timeout | Code::OutcomeUnknown | Code::DeadlinePassed => StatusCode::GATEWAY_TIMEOUT,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_GATEWAY,
    };
    let kind = ToldKind::Failed { code: failure.code.to_string(), message: failure.message.clone() };
    Told { status, upstream: upstream.or(failure.status), kind }
}

impl Told {
    /// Whether the call completed.
    pub(super) fn is_good(&self) -> bool {
        matches!(self.kind, ToldKind::Good(_))
    }

    /// The body of a good answer.
    pub(super) fn body(&self) -> &str {
        match &self.kind {
            ToldKind::Good(body) | ToldKind::PassedThrough { body, .. } => body,
            ToldKind::Failed { message, .. } => message,
        }
    }

    /// The answer.
    pub(super) fn response(&self, request_id: &str) -> Response {
        self.response_with(request_id, |error, _| error)
    }

    /// The answer, where `more` may add to an error of ours with its code.
    pub(super) fn response_with(&self, request_id: &str, more: impl FnOnce(Error, &str) -> Error) -> Response {
        let response = match &self.kind {
            ToldKind::Good(body) => respond::json_text(self.status, body.clone()),
            ToldKind::PassedThrough { content_type, retry_after, body } => {
                let mut response = Response::new(Body::from(body.clone()));
                *response.status_mut() = self.status;
                let named = [(header::CONTENT_TYPE, content_type), (header::RETRY_AFTER, retry_after)];
                named.into_iter().fold(response, |response, (name, value)| match value {
                    Some(value) => respond::with_header(response, name, value),
                    None => response,
                })
            }
            ToldKind::Failed { code, message } => {
                more(Error::new(self.status, code, message.clone()), code).response(request_id)
            }
        };
        match self.upstream {
            Some(status) => {
                let mut response = response;
                response.headers_mut().insert(UPSTREAM_STATUS, HeaderValue::from(status));
                response
            }
            None => response,
        }
    }
}

impl From<ExecutionError> for Error {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::NoPlace { wait, .. } => {
                let seconds = wait.as_secs().max(1);
                Self::unavailable(error.to_string()).with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
            }
            ExecutionError::Store(error) => error.into(),
        }
    }
}
